// SPDX-License-Identifier: GPL-2.0-only
/*
 * VMCALL: an unknown hypercall gives -KVM_ENOSYS in RAX and touches nothing else; from user mode
 * every hypercall gives -KVM_EPERM. In real mode the result is 32 bits.
 */
#include <linux/kvm_para.h>

#include "guest.h"
#include "vm.h"

#define UNKNOWN_CALL	0x7fff0001

GUEST_CODE static void guest_vmcall(void)
{
	u64 a = UNKNOWN_CALL, b = 1, c = 2, d = 3, si = 4, di = 5;

	asm volatile("vmcall" : "+a"(a), "+b"(b), "+c"(c), "+d"(d), "+S"(si), "+D"(di) :: "memory");
	G_EQ(a, (u64)-KVM_ENOSYS);
	G_EQ(b, 1);
	G_EQ(c, 2);
	G_EQ(d, 3);
	G_EQ(si, 4);
	G_EQ(di, 5);
	a = 0x100000000UL | UNKNOWN_CALL;
	asm volatile("vmcall" : "+a"(a) : "b"(0UL), "c"(0UL), "d"(0UL), "S"(0UL) : "memory");
	G_EQ(a, (u64)-KVM_ENOSYS);
	guest_done();
}

TEST(unknown_hypercall)
{
	struct vm *vm = vm_create(0);
	struct vcpu *v = vcpu_create(vm, 0);

	vcpu_set_long(v, guest_vmcall);
	vcpu_finish(v);
}

GUEST_CODE static void guest_user_vmcall(void)
{
	u64 a = UNKNOWN_CALL;

	asm volatile("vmcall" : "+a"(a) : "b"(0UL), "c"(0UL), "d"(0UL), "S"(0UL) : "memory");
	ARG(0) = a;
	asm volatile("int3");
}

GUEST_CODE static void guest_back(struct trap_frame *f)
{
	G_EQ(f->cs & 3, 3);
	G_EQ(ARG(0), (u64)-KVM_EPERM);
	guest_done();
}

GUEST_CODE static void guest_enter_user(void)
{
	guest_set_handler(VEC_BP, guest_back);
	asm volatile("pushq %0; pushq %1; pushq $2; pushq %2; pushq %3; iretq" ::"i"(SEL_USER_DATA),
		     "r"(0x60000UL), "i"(SEL_USER_CODE), "r"(guest_user_vmcall)
		     : "memory");
}

TEST(user_mode_may_not)
{
	struct vm *vm = vm_create(0);
	struct vcpu *v = vcpu_create(vm, 0);

	vcpu_set_long(v, guest_enter_user);
	vcpu_finish(v);
}

RM_CODE(real_vmcall, "mov $0x7fff0001, %eax; vmcall; hlt");

TEST(real_mode)
{
	struct vm *vm = vm_create(0);
	struct vcpu *v = vcpu_create(vm, 0);
	struct kvm_regs regs;

	vcpu_set_real(v, CODE(real_vmcall));
	vcpu_expect(v, KVM_EXIT_HLT);
	vcpu_get_regs(v, &regs);
	CHECK_EQ((u32)regs.rax, (u32)-KVM_ENOSYS);
}
