// SPDX-License-Identifier: GPL-2.0-only
/*
 * The module's own life: unloading is refused while a VM is open and works afterwards, loading
 * twice and parameters out of range are refused, and each time the device works again. Needs root
 * and the .ko file (LINTEL_MODULE); without them the tests are skipped.
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "module.h"
#include "vm.h"

RM_CODE(just_hlt, "hlt");

TEST(unload_is_refused_while_in_use)
{
	struct vm *vm;
	struct vcpu *v;

	module_needed();
	vm = vm_create(VM_IRQCHIP);
	v = vcpu_create(vm, 0);
	vcpu_set_real(v, CODE(just_hlt));
	ktap_row("device, VM and vCPU open");
	CHECK(module_unload(module_name()) == -1 && errno == EWOULDBLOCK, "errno %d", errno);
	close(vm->dev);
	close(vm->fd);
	ktap_row("vCPU open");
	CHECK(module_unload(module_name()) == -1 && errno == EWOULDBLOCK, "errno %d", errno);
	close(v->fd);
	munmap(v->run, v->run_size);
	ktap_row("all closed");
	CHECK(module_references_settle(0, 2000), "references: %d",
	      module_references(module_name()));
	REQUIRE(module_unload(module_name()) == 0, "%m");
	CHECK(!module_loaded(module_name()), "still there");
	if (strcmp(module_name(), "kvm_intel")) /* /dev/kvm belongs to kvm.ko or goes with it */
		CHECK(access(device_path(), F_OK) == -1 && errno == ENOENT, "%s is still there",
		      device_path());
	module_reload();
	module_works();
}

TEST(loading_twice_is_refused)
{
	module_needed();
	CHECK(module_load(module_file(), "") == -1 && errno == EEXIST, "errno %d", errno);
	module_works();
}

/* Only for Lintel, whose parameters these are.  A load takes up to 2 s on a stock kernel. */
TEST_SLOW(parameters, 3)
{
	static const struct { const char *args; bool good;
	} rows[] = {
		{ "min_timer_period_us=9", false },
		{ "min_timer_period_us=1000001", false },
		{ "min_timer_period_us=x", false },
		{ "min_timer_period_us=-1", false },
		{ "vpid=maybe", false },
		{ "ept_2m=7", false },
		{ "claim_kvm_node=perhaps", false },
		{ "min_timer_period_us=10", true },
		{ "vpid=0 ept_ad=0 ept_2m=0 ept_1g=0 ple=0 preemption_timer=0 apicv=0", true },
		{ "vid=0 posted_interrupts=0", true },
	};

	if (strcmp(module_name(), "lintel"))
		SKIP("%s has parameters of its own", module_name());
	module_needed();
	REQUIRE(module_unload(module_name()) == 0, "%m");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		int r = module_load(module_file(), rows[i].args), err = errno;

		ktap_row("%s", rows[i].args);
		CHECK(rows[i].good ? r == 0 : r == -1 && (err == EINVAL || err == ERANGE),
		      "returned %d, errno %d", r, err);
		if (!r) {
			module_works();
			CHECK(module_references_settle(0, 2000), "references: %d",
			      module_references(module_name()));
			REQUIRE(module_unload(module_name()) == 0, "%m");
		}
	}
	module_reload();
	module_works();
}

TEST(device_node)
{
	struct stat st;

	REQUIRE_OK(stat(device_path(), &st));
	CHECK(S_ISCHR(st.st_mode), "mode %o", st.st_mode);
	if (!strcmp(module_name(), "lintel"))
		CHECK_EQ(st.st_mode & 0777, 0660);
}

/* The node of KVM's number, for programs that know no other: only while KVM does not have it. */
TEST(kvm_node)
{
	bool taken = module_loaded("kvm_intel");
	struct stat st;
	int r, err;

	if (strcmp(module_name(), "lintel"))
		SKIP("%s has no such parameter", module_name());
	module_needed();
	REQUIRE(module_unload(module_name()) == 0, "%m");
	r = module_load(module_file(), "claim_kvm_node=1");
	err = errno;
	if (taken) {
		ktap_row("KVM has it");
		CHECK(r == -1 && err == EBUSY, "returned %d, errno %d", r, err);
		if (!r)
			REQUIRE(module_unload(module_name()) == 0, "%m");
		module_reload();
		module_works();
		return;
	}
	REQUIRE(r == 0, "errno %d", err);
	ktap_row("it is free");
	REQUIRE_OK(stat("/dev/kvm", &st));
	CHECK(S_ISCHR(st.st_mode) && st.st_rdev == makedev(10, 232), "device %lx",
	      (unsigned long)st.st_rdev);
	CHECK_EQ(st.st_mode & 0777, 0660);
	module_works();
	setenv("LINTEL_DEVICE", "/dev/kvm", 1);
	module_works();
	setenv("LINTEL_DEVICE", "/dev/lintel", 1);
	CHECK(module_references_settle(0, 2000), "references: %d",
	      module_references(module_name()));
	REQUIRE(module_unload(module_name()) == 0, "%m");
	CHECK(access("/dev/kvm", F_OK) == -1 && errno == ENOENT, "/dev/kvm is still there");
	module_reload();
	module_works();
}
