// SPDX-License-Identifier: GPL-2.0-only
/*
 * What KVM_SET_CPUID2 gives is what the guest's CPUID shows; the bits that mirror the guest's own
 * state (OSXSAVE, APIC enable) follow that state; leaves beyond the limits answer as the API says.
 */
#include "guest.h"
#include "vm.h"

#define TABLE	GPA_FREE

struct answer {
	u32 leaf, sub, a, b, c, d;
};

/* Executes CPUID for each row of the table; ARG(0) is their number. */
GUEST_CODE static void guest_cpuid_table(void)
{
	for (;;) {
		volatile struct answer *t = (volatile struct answer *)TABLE;

		for (u64 i = 0; i < ARG(0); i++) {
			u32 a, b, c, d;

			cpuid(t[i].leaf, t[i].sub, &a, &b, &c, &d);
			t[i].a = a;
			t[i].b = b;
			t[i].c = c;
			t[i].d = d;
		}
		guest_sync(1);
	}
}

static const struct answer *run_cpuid(struct vcpu *v, const struct answer *ask, u32 n)
{
	struct answer *t = gpa_ptr(v->vm, TABLE, n * sizeof(*t));

	memcpy(t, ask, n * sizeof(*t));
	vm_shared(v->vm)->arg[0] = n;
	vcpu_expect_sync(v, 1);
	return t;
}

/* Leaves whose value is partly the vCPU's own state, not what was set. */
static u32 dynamic_ecx(u32 leaf)
{
	return leaf == 1 ? CPUID1_ECX_OSXSAVE : leaf == 7 ? 1u << 4 : 0;	/* OSPKE */
}

TEST(values_set_are_values_seen)
{
	struct vm *vm = vm_create(VM_IRQCHIP);
	struct vcpu *v = vcpu_create(vm, 0);
	struct answer ask[128] = { 0 };
	const struct answer *got;
	struct cpuid c;

	cpuid_supported(vm->dev, &c);
	for (u32 i = 0; i < c.head.nent; i++) {
		struct kvm_cpuid_entry2 *e = &c.entry[i];

		if (e->function == 0x80000002)
			memcpy(&e->eax, "Lint", 4);
		if (e->function == 0x80000003)
			e->ebx ^= 0x01010101;
		ask[i].leaf = e->function;
		ask[i].sub = e->index;
	}
	REQUIRE_OK(ioctl(v->fd, KVM_SET_CPUID2, &c.head));
	vcpu_set_long(v, guest_cpuid_table);
	got = run_cpuid(v, ask, c.head.nent);
	for (u32 i = 0; i < c.head.nent; i++) {
		struct kvm_cpuid_entry2 *e = &c.entry[i];
		u32 skip = dynamic_ecx(e->function);

		ktap_row("leaf 0x%x.%u", e->function, e->index);
		CHECK_EQ(got[i].a, e->eax);
		/*
		 * XSAVE's sizes follow XCR0; MWAIT and the APIC bit follow MISC_ENABLE and
		 * APICBASE.
		 */
		if (e->function != 0xd)
			CHECK_EQ(got[i].b, e->ebx);
		CHECK_EQ(got[i].c & ~skip, e->ecx & ~skip);
		CHECK_EQ(got[i].d, e->edx);
	}
}

TEST(osxsave_follows_cr4)
{
	struct vm *vm = vm_create(0);
	struct vcpu *v = vcpu_create(vm, 0);
	const struct answer ask = { .leaf = 1 };
	struct kvm_sregs s;

	vcpu_set_long(v, guest_cpuid_table);
	if (!(run_cpuid(v, &ask, 1)->c & CPUID1_ECX_XSAVE))
		SKIP("no XSAVE in the guest's CPUID");
	CHECK_EQ(run_cpuid(v, &ask, 1)->c & CPUID1_ECX_OSXSAVE, 0);
	vcpu_get_sregs(v, &s);
	s.cr4 |= CR4_OSXSAVE;
	vcpu_set_sregs(v, &s);
	CHECK_EQ(run_cpuid(v, &ask, 1)->c & CPUID1_ECX_OSXSAVE, CPUID1_ECX_OSXSAVE);
	s.cr4 &= ~CR4_OSXSAVE;
	vcpu_set_sregs(v, &s);
	CHECK_EQ(run_cpuid(v, &ask, 1)->c & CPUID1_ECX_OSXSAVE, 0);
}

TEST(unknown_leaves)
{
	struct vm *vm = vm_create(0);
	struct vcpu *v = vcpu_create(vm, 0);
	const struct answer ask[] = { { .leaf = 0 },          { .leaf = 0x12345678 },
				      { .leaf = 0x80000000 }, { .leaf = 0x8fffffff },
				      { .leaf = 0x4fffffff }, { .leaf = 0xc0ffffff } };
	const struct answer *t;
	struct cpuid c;

	cpuid_supported(vm->dev, &c);
	vcpu_set_long(v, guest_cpuid_table);
	t = run_cpuid(v, ask, ARRAY_SIZE(ask));
	CHECK_EQ(t[0].a, cpuid_find(&c, 0, 0)->eax);
	CHECK_EQ(t[2].a, cpuid_find(&c, 0x80000000, 0)->eax);
	/*
	 * Leaf 0xffffffff's ranges do not exist: an Intel CPU answers as for its highest basic
	 * leaf, or zero.
	 */
	ktap_row("highest basic leaf %u", t[0].a);
	CHECK(t[1].a != 0x12345678, "the guest's own EAX came back");
}

TEST(signature_of_the_hypervisor)
{
	struct vm *vm = vm_create(0);
	struct vcpu *v = vcpu_create(vm, 0);
	const struct answer ask = { .leaf = 0x40000000 };
	const struct answer *t;
	struct cpuid c;

	cpuid_supported(vm->dev, &c);
	if (!cpuid_find(&c, 0x40000000, 0))
		SKIP("KVM_GET_SUPPORTED_CPUID offers no leaf 0x40000000");
	vcpu_set_long(v, guest_cpuid_table);
	t = run_cpuid(v, &ask, 1);
	CHECK_EQ(t[0].b, cpuid_find(&c, 0x40000000, 0)->ebx);
	CHECK_EQ(t[0].c, cpuid_find(&c, 0x40000000, 0)->ecx);
	CHECK_EQ(t[0].d, cpuid_find(&c, 0x40000000, 0)->edx);
	CHECK(t[0].a == 0 || t[0].a > 0x40000000, "highest leaf 0x%x", t[0].a);
}

TEST(set_cpuid_refuses)
{
	struct vm *vm = vm_create(0);
	struct vcpu *v = vcpu_create(vm, 0);
	struct cpuid c;

	cpuid_supported(vm->dev, &c);
	c.head.nent = 0x10000;
	CHECK_ERRNO(ioctl(v->fd, KVM_SET_CPUID2, &c.head), E2BIG);
	CHECK_ERRNO(ioctl(v->fd, KVM_SET_CPUID2, 8L), EFAULT);
	c.head.nent = 1;
	CHECK_ERRNO(ioctl(v->fd, KVM_GET_CPUID2, &c.head), E2BIG);
}

GUEST_CODE static void guest_done_at_once(void)
{
	guest_done();
}

TEST(after_a_run)
{
	struct vm *vm = vm_create(0);
	struct vcpu *v = vcpu_create(vm, 0);
	struct cpuid c, got = { .head.nent = 128 };

	cpuid_supported(vm->dev, &c);
	REQUIRE_OK(ioctl(v->fd, KVM_SET_CPUID2, &c.head));
	vcpu_set_long(v, guest_done_at_once);
	vcpu_finish(v);
	ktap_row("the same again, and what KVM_GET_CPUID2 tells");
	CHECK_OK(ioctl(v->fd, KVM_SET_CPUID2, &c.head));
	REQUIRE_OK(ioctl(v->fd, KVM_GET_CPUID2, &got.head));
	CHECK_OK(ioctl(v->fd, KVM_SET_CPUID2, &got.head));
	ktap_row("another model");
	cpuid_find(&c, 7, 0)->ebx ^= 1;
	CHECK_ERRNO(ioctl(v->fd, KVM_SET_CPUID2, &c.head), EINVAL);
}
