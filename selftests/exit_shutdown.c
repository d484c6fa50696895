// SPDX-License-Identifier: GPL-2.0-only
/*
 * A triple fault ends in KVM_EXIT_SHUTDOWN, from real mode and from long mode, and neither the
 * vCPU nor the VM is broken by it: after a reset of its registers the same vCPU runs again.
 */
#include "guest.h"
#include "vm.h"

RM_CODE(triple, "lidt 0x3000; int3; hlt");
RM_CODE(just_hlt, "hlt");

TEST(triple_fault_real_mode)
{
	struct vm *vm = vm_create(0);
	struct vcpu *v = vcpu_create(vm, 0);
	struct kvm_sregs s;

	vcpu_set_real(v, CODE(triple)); /* the page at 0x3000 is zero: an IDT with limit 0 */
	vcpu_get_sregs(v, &s);
	vcpu_expect(v, KVM_EXIT_SHUTDOWN);
	vcpu_set_sregs(v, &s);
	vcpu_set_real(v, CODE(just_hlt));
	vcpu_expect(v, KVM_EXIT_HLT);
}

GUEST_CODE static void guest_triple(void)
{
	struct __attribute__((packed)) { u16 limit; u64 base; } none = { 0, 0 };

	guest_sync(1);
	asm volatile("lidt %0; ud2" :: "m"(none));
	guest_done();
}

TEST(triple_fault_long_mode)
{
	struct vm *vm = vm_create(0);
	struct vcpu *v = vcpu_create(vm, 0);

	for (int i = 0; i < 3; i++) {
		vcpu_set_long(v, guest_triple);
		vcpu_expect_sync(v, 1);
		vcpu_expect(v, KVM_EXIT_SHUTDOWN);
	}
}

/* A stack that is not mapped: the #PF of the push, the #DF, and the end. */
GUEST_CODE static void guest_bad_stack(void)
{
	asm volatile("mov %0, %%rsp; push %%rax" :: "r"(0x4000000000UL));
}

TEST(triple_fault_by_stack)
{
	struct vm *vm = vm_create(0);
	struct vcpu *v = vcpu_create(vm, 0);

	vcpu_set_long(v, guest_bad_stack);
	vcpu_expect(v, KVM_EXIT_SHUTDOWN);
}
