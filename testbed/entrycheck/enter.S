/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A VM entry whose exit may load a spoilt host state, and the way back from it.
 *
 * The guest executes nothing that changes general-purpose registers, so all the host needs first
 * waits in them: CR0, CR3, CR4 and IA32_EFER.  Until these are back no memory but code is touched:
 * without EFER.NXE every data page would fault.  Then a second VMCS with a sound host state is
 * entered; its exit loads what instructions could put back only in many steps: selectors, bases,
 * GDTR, IDTR, TR, the MSRs of SYSENTER, IA32_PAT, and the stack.
 */
#include <linux/linkage.h>
#include <asm/asm.h>
#include <asm/nospec-branch.h>
#include <asm/unwind_hints.h>

#include "offsets.h"

.text

/*
 * int entrycheck_enter(const struct recovery *r) - try to enter with r->test.
 *
 * returns	0 there was a VM exit, or the entry failed after the host state was checked
 *		1 VMfail: the VM-instruction error says why
 *		2 an instruction raised an exception
 * clobbers	as any C function; interrupts are off before and after
 */
SYM_FUNC_START(entrycheck_enter)
	push	%rbp
	push	%r15
	push	%r14
	push	%r13
	push	%r12
	push	%rbx

	/* the sound VMCS comes back to this stack */
.Lload_sound:
	vmptrld	RECOVERY_SOUND(%rdi)
	jbe	.Lrefused
	mov	$FIELD_HOST_RSP, %eax
.Lwrite_rsp:
	vmwrite	%rsp, %rax
	jbe	.Lrefused
.Lload_test:
	vmptrld	RECOVERY_TEST(%rdi)
	jbe	.Lrefused

	mov	RECOVERY_CR0(%rdi), %r8
	mov	RECOVERY_CR3(%rdi), %r10
	mov	RECOVERY_CR4(%rdi), %r9
	lea	RECOVERY_SOUND(%rdi), %r11
	mov	$0xc0000080, %ecx
	mov	RECOVERY_EFER(%rdi), %eax
	mov	RECOVERY_EFER + 4(%rdi), %edx
	UNWIND_HINT_SAVE
.Llaunch:
	vmlaunch
.Lrefused:
	mov	$1, %eax
	jmp	.Lreturn
.Lfault:
	mov	$2, %eax
	jmp	.Lreturn

	_ASM_EXTABLE(.Lload_sound, .Lfault)
	_ASM_EXTABLE(.Lwrite_rsp, .Lfault)
	_ASM_EXTABLE(.Lload_test, .Lfault)
	_ASM_EXTABLE(.Llaunch, .Lfault)

	/* HOST_RIP of the VMCS under test */
SYM_INNER_LABEL(entrycheck_recover, SYM_L_GLOBAL)
	UNWIND_HINT_RESTORE
	ANNOTATE_NOENDBR
	mov	%r8, %cr0
	/* without a PCID, so that CR4.PCIDE may be set */
	mov	%r10, %cr3
	mov	%r9, %cr4
	wrmsr
	vmptrld	(%r11)
	jbe	.Llost
	vmresume
.Llost:
	hlt
	jmp	.Llost

	/* HOST_RIP of the sound VMCS */
SYM_INNER_LABEL(entrycheck_back, SYM_L_GLOBAL)
	UNWIND_HINT_RESTORE
	ANNOTATE_NOENDBR
	xor	%eax, %eax
.Lreturn:
	pop	%rbx
	pop	%r12
	pop	%r13
	pop	%r14
	pop	%r15
	pop	%rbp
	RET

	/* what the guest executes if it comes to that: an instruction that always exits */
SYM_INNER_LABEL(entrycheck_guest, SYM_L_GLOBAL)
	UNWIND_HINT_RESTORE
	ANNOTATE_NOENDBR
	cpuid
	jmp	entrycheck_guest
SYM_FUNC_END(entrycheck_enter)
