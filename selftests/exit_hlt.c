// SPDX-License-Identifier: GPL-2.0-only
/*
 * HLT without an in-kernel interrupt controller is the VMM's business: KVM_EXIT_HLT, with RIP
 * behind the instruction, in real mode and in long mode, and the next KVM_RUN goes on there.
 */
#include "guest.h"
#include "vm.h"

RM_CODE(two_hlts, "hlt; mov $0x1234, %bx; hlt");

TEST(hlt_real)
{
	struct vm *vm = vm_create(0);
	struct vcpu *v = vcpu_create(vm, 0);
	struct kvm_regs regs;

	vcpu_set_real(v, CODE(two_hlts));
	vcpu_expect(v, KVM_EXIT_HLT);
	vcpu_get_regs(v, &regs);
	CHECK_EQ(regs.rip, GPA_REAL + 1);
	vcpu_expect(v, KVM_EXIT_HLT);
	vcpu_get_regs(v, &regs);
	CHECK_EQ(regs.rip, GPA_REAL + 5);
	CHECK_EQ(regs.rbx, 0x1234);
}

GUEST_CODE static void guest_hlt(void)
{
	guest_sync(1);
	hlt();
	guest_sync(2);
	sti_hlt();
	G_CHECK(read_flags() & FLAG_IF);
	cli();
	guest_done();
}

TEST(hlt_long)
{
	struct vm *vm = vm_create(0);
	struct vcpu *v = vcpu_create(vm, 0);

	vcpu_set_long(v, guest_hlt);
	vcpu_expect_sync(v, 1);
	vcpu_expect(v, KVM_EXIT_HLT);
	CHECK_EQ(v->run->if_flag, 0);
	vcpu_expect_sync(v, 2);
	vcpu_expect(v, KVM_EXIT_HLT);
	CHECK_EQ(v->run->if_flag, 1);
	vcpu_finish(v);
}
