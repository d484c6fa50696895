/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The trampoline into the guest and back.
 *
 * Everything but the general-purpose registers is switched by the VMCS or by C around this call.
 * The exit point is an address in HOST_RIP: a VM exit arrives there with RSP from HOST_RSP and
 * the guest's other GPRs still in place.  No return instruction runs between the exit and the
 * filling of the return stack buffer, and no GPR holds a guest value once C is reached again.
 */
#include <linux/linkage.h>
#include <asm/asm.h>
#include <asm/cpufeatures.h>
#include <asm/nospec-branch.h>
#include <asm/processor-flags.h>
#include <asm/segment.h>
#include <asm/unwind_hints.h>

#include "offsets.h"
#include "../compat.h"

/*
 * VERW of a writable data segment clears the buffers, where the kernel has found that it must.  The
 * kernel's own operand cannot be named by modules on all kernels.
 */
.macro CLEAR_BUFFERS feature
	ALTERNATIVE "jmp .Lno_verw_\@", "", \feature
	verw	vmx_verw_selector(%rip)
.Lno_verw_\@:
.endm

/*
 * Fill the return stack buffer with RSB_CLEAR_LOOPS returns that lead nowhere, or with one where
 * that is enough, as the kernel's FILL_RETURN_BUFFER does; but that has a loop, which executes more
 * than twice as many instructions, at each exit.
 */
.macro FILL_RETURN_STACK
	ALTERNATIVE_2 "jmp .Lfilled_\@", "", X86_FEATURE_RSB_VMEXIT, \
		"jmp .Llast_\@", X86_FEATURE_RSB_VMEXIT_LITE
.rept RSB_CLEAR_LOOPS - 1
	__FILL_RETURN_SLOT
.endr
	add	$8 * (RSB_CLEAR_LOOPS - 1), %rsp
	CREDIT_CALL_DEPTH
.Llast_\@:
	__FILL_ONE_RETURN
.Lfilled_\@:
.endm

.section .rodata, "a"
.balign 2
SYM_DATA_LOCAL(vmx_verw_selector, .word __KERNEL_DS)

.section .noinstr.text, "ax"

/*
 * int vmx_enter(struct lintel_vcpu *vcpu, bool launched) - run the guest until the next VM exit.
 *
 * %rdi		vcpu: gpr[] holds the guest's registers (RSP and RIP stand in the VMCS)
 * %esi		launched: VMRESUME, else VMLAUNCH
 * returns	0 a VM exit happened, or the entry failed after the guest state was checked
 *		1 VMfail: the VM-instruction error says why
 *		2 the instruction raised an exception: no VMX operation on this CPU
 * clobbers	as any C function; interrupts are off before and after
 */
SYM_FUNC_START(vmx_enter)
	push	%rbp
	mov	%rsp, %rbp
	push	%r15
	push	%r14
	push	%r13
	push	%r12
	push	%rbx
	/* the exit point finds the vCPU here */
	push	%rdi

	/* The stack depth is nearly always that of the last entry: then HOST_RSP is right. */
	cmp	%rsp, VCPU_HOST_RSP(%rdi)
	je	.Lhost_rsp_set
	mov	$FIELD_HOST_RSP, %eax
.Lwrite_rsp:
	vmwrite	%rsp, %rax
	jbe	.Lfailed
	mov	%rsp, VCPU_HOST_RSP(%rdi)
.Lhost_rsp_set:

	/* CF = launched; nothing up to the entry touches CF (VERW writes ZF only). */
	bt	$0, %esi

	mov	VCPU_RAX(%rdi), %rax
	mov	VCPU_RCX(%rdi), %rcx
	mov	VCPU_RDX(%rdi), %rdx
	mov	VCPU_RBX(%rdi), %rbx
	mov	VCPU_RBP(%rdi), %rbp
	mov	VCPU_RSI(%rdi), %rsi
	mov	VCPU_R8(%rdi), %r8
	mov	VCPU_R9(%rdi), %r9
	mov	VCPU_R10(%rdi), %r10
	mov	VCPU_R11(%rdi), %r11
	mov	VCPU_R12(%rdi), %r12
	mov	VCPU_R13(%rdi), %r13
	mov	VCPU_R14(%rdi), %r14
	mov	VCPU_R15(%rdi), %r15
	mov	VCPU_RDI(%rdi), %rdi

	/* MDS, TAA, RFDS: the host's data leaves the buffers last of all */
	CLEAR_BUFFERS X86_FEATURE_CLEAR_CPU_BUF
	CLEAR_BUFFERS X86_FEATURE_CLEAR_CPU_BUF_VM
	jnc	.Lvmlaunch

	UNWIND_HINT_SAVE
.Lvmresume:
	vmresume
	jmp	.Lfailed
.Lvmlaunch:
	vmlaunch
	/* Reached only by VMfail; RSP is still ours. */
.Lfailed:
	mov	$1, %ebx
	jmp	.Lto_host
.Lfault:
	mov	$2, %ebx
	jmp	.Lto_host

	_ASM_EXTABLE(.Lwrite_rsp, .Lfault)
	_ASM_EXTABLE(.Lvmresume, .Lfault)
	_ASM_EXTABLE(.Lvmlaunch, .Lfault)

SYM_INNER_LABEL_ALIGN(vmx_exit_point, SYM_L_GLOBAL)
	/* the stack is what it was at the entry */
	UNWIND_HINT_RESTORE
	ANNOTATE_NOENDBR
	push	%rax
	mov	8(%rsp), %rax
	mov	%rcx, VCPU_RCX(%rax)
	mov	%rdx, VCPU_RDX(%rax)
	mov	%rbx, VCPU_RBX(%rax)
	mov	%rbp, VCPU_RBP(%rax)
	mov	%rsi, VCPU_RSI(%rax)
	mov	%rdi, VCPU_RDI(%rax)
	mov	%r8, VCPU_R8(%rax)
	mov	%r9, VCPU_R9(%rax)
	mov	%r10, VCPU_R10(%rax)
	mov	%r11, VCPU_R11(%rax)
	mov	%r12, VCPU_R12(%rax)
	mov	%r13, VCPU_R13(%rax)
	mov	%r14, VCPU_R14(%rax)
	mov	%r15, VCPU_R15(%rax)
	pop	VCPU_RAX(%rax)
	xor	%ebx, %ebx

.Lto_host:
	/* No guest value stays in a register that C might use speculatively; EBX is the result. */
	xor	%eax, %eax
	xor	%ecx, %ecx
	xor	%edx, %edx
	xor	%ebp, %ebp
	xor	%esi, %esi
	xor	%edi, %edi
	xor	%r8d, %r8d
	xor	%r9d, %r9d
	xor	%r10d, %r10d
	xor	%r11d, %r11d
	xor	%r12d, %r12d
	xor	%r13d, %r13d
	xor	%r14d, %r14d
	xor	%r15d, %r15d

	/* Return predictions made by the guest must not serve the host's returns. */
	FILL_RETURN_STACK
	/* Nor its branch history the host's indirect branches. */
	CLEAR_HISTORY_AFTER_EXIT

	mov	%ebx, %eax
	add	$8, %rsp
	pop	%rbx
	pop	%r12
	pop	%r13
	pop	%r14
	pop	%r15
	pop	%rbp
	RET
SYM_FUNC_END(vmx_enter)

/*
 * void vmx_call_gate(unsigned long handler) - call the handler of an interrupt that the CPU has
 * acknowledged, with the stack that its delivery would have left: aligned, with SS, RSP, RFLAGS,
 * CS, and the return address for RIP.  The handler's IRET comes back behind the call.
 *
 * The frame is that of code with interrupts on, as where the guest exits without acknowledging: on
 * the way back to code with interrupts off the kernel leaves out what such code will do later, since
 * 7.1 among it arming the CPU's timer again.  The IRET so enables interrupts.
 *
 * %rdi		handler: the offset in the vector's gate
 * clobbers	nothing but what a C function may; interrupts are off before and on after
 */
SYM_FUNC_START(vmx_call_gate)
	push	%rbp
	mov	%rsp, %rbp
	and	$-16, %rsp
	push	$__KERNEL_DS
	push	%rbp
	pushf
	orq	$X86_EFLAGS_IF, (%rsp)
	push	$__KERNEL_CS
	CALL_NOSPEC rdi
	/* RSP is RBP again: the IRET took it from the frame */
	mov	%rbp, %rsp
	pop	%rbp
	RET
SYM_FUNC_END(vmx_call_gate)

/*
 * vmx_clear_history - push the guest's branches out of the branch history with 256 taken ones of our
 * own, more than the longest history that Intel documents.  Clobbers %rcx.
 */
SYM_FUNC_START(vmx_clear_history)
	mov	$128, %ecx
.Lnext_branch:
	jmp	.Ltaken
	int3
.Ltaken:
	sub	$1, %ecx
	jnz	.Lnext_branch
	lfence
	RET
SYM_FUNC_END(vmx_clear_history)
