// SPDX-License-Identifier: GPL-2.0-only
/*
 * Loading the module with a fault at each place where the kernel or the module's own start can have
 * one. It loads all the same or it does not, with an errno; then it loads, and runs a guest. Needs
 * the debug kernel, root and the module's file.
 */
#include "fault.h"
#include "module.h"
#include "vm.h"

#define MANY_SITES	3000

RM_CODE(just_hlt, "hlt");

static void works(void)
{
	struct vm *vm = vm_create(0);
	struct vcpu *v = vcpu_create(vm, 0);

	vcpu_set_real(v, CODE(just_hlt));
	vcpu_expect(v, KVM_EXIT_HLT);
	vcpu_destroy(v);
	vm_destroy(vm);
}

/* Whether there was an n-th place. */
static bool fault_at(unsigned int n, unsigned int *failed)
{
	int ret, err;
	bool hit;

	ktap_row("fault %u", n);
	fault_arm(n);
	ret = module_load(module_file(), "");
	err = errno;
	hit = fault_disarm();
	if (ret) {
		(*failed)++;
		CHECK(hit, "not loaded, errno %d, without a fault", err);
		CHECK(!module_loaded(module_name()), "errno %d, and there all the same", err);
		REQUIRE(!module_load(module_file(), ""), "it does not load any more: %m");
	}
	/* each guest takes longer than the load */
	if (!(n % 16) || !hit)
		works();
	REQUIRE(module_references_settle(0, 2000) && !module_unload(module_name()), "unload: %m");
	return hit;
}

TEST_SLOW(each_place, 30)
{
	unsigned int n = 1, failed = 0;

	fault_prepare();
	if (access(module_file(), R_OK))
		SKIP("%s: %m", module_file());
	if (module_references(module_name()) != 0)
		SKIP("%s is in use by something else", module_name());
	REQUIRE(!module_unload(module_name()), "unload: %m");
	while (n < MANY_SITES && !ktap_timed_out() && fault_at(n, &failed))
		n++;
	ktap_note("%u faults, %u of them kept the module out", n - 1, failed);
	CHECK(n < MANY_SITES, "no end");
	CHECK(failed > 20, "too few: are faults injected at all?");
	REQUIRE(!module_load(module_file(), ""), "load: %m");
	works();
}
