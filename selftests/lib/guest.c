// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest's side of exceptions and interrupts in long mode: 256 entry stubs of 16 bytes each,
 * one common path that saves the registers, and guest_trap(), which records what came and then
 * does one of three things: calls the handler that the test has set for the vector, continues at
 * the place that TRY() has left, or ends the test.
 */
#include "guest.h"

asm(".pushsection guest_code, \"ax\"\n"
    ".balign 16\n"
    ".globl guest_stubs\n"
    "guest_stubs:\n"
    "vec = 0\n"
    ".rept 256\n"
    ".balign 16\n"
    "	.if (vec == 8) || (vec >= 10 && vec <= 14) || (vec == 17) || (vec == 21)\n"
    "	nop\n"
    "	.else\n"
    "	push $0\n"
    "	.endif\n"
    "	pushq $vec\n"
    "	jmp guest_trap_entry\n"
    "	vec = vec + 1\n"
    ".endr\n"
    ".balign 16\n"
    "guest_trap_entry:\n"
    "	push %rax; push %rcx; push %rdx; push %rbx; push %rbp; push %rsi; push %rdi\n"
    "	push %r8; push %r9; push %r10; push %r11; push %r12; push %r13; push %r14; push %r15\n"
    "	mov %rsp, %rdi\n"
    "	mov %rsp, %rbp\n"
    "	and $-16, %rsp\n"
    "	cld\n"
    "	call guest_trap\n"
    "	mov %rbp, %rsp\n"
    "	pop %r15; pop %r14; pop %r13; pop %r12; pop %r11; pop %r10; pop %r9; pop %r8\n"
    "	pop %rdi; pop %rsi; pop %rbp; pop %rbx; pop %rdx; pop %rcx; pop %rax\n"
    "	add $16, %rsp\n"
    "	iretq\n"
    ".popsection\n");

void guest_trap(struct trap_frame *f);

GUEST_CODE void guest_trap(struct trap_frame *f)
{
	volatile struct guest_shared *s = SHARED;
	u64 vector = f->vector;

	asm volatile("lock incl %0" : "+m"(s->count[vector]));
	if (vector < 32) {
		s->vector = vector;
		s->error = f->error;
		s->rip = f->rip;
		s->rflags = f->rflags;
		if (vector == VEC_PF)
			s->cr2 = READ_CR(2);
		if (vector == VEC_DB)
			s->dr6 = READ_DR(6);
	}
	if (vector < 128 && s->handler[vector]) {
		((void (*)(struct trap_frame *))s->handler[vector])(f);
		return;
	}
	if (s->fixup && vector < 32) {
		f->rip = s->fixup;
		s->fixup = 0;
		return;
	}
	s->rip = f->rip;
	guest_abort(0x80000000u | vector, f->error, 0);
}
