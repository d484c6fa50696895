/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The instruction forms that are compared with the real CPU, one row each.
 *
 * A row says how to encode an instance, not what it does: that, the CPU says. Only the flags that
 * the SDM leaves undefined need knowledge, in .undefined and (for shifts) by the count.
 */
#ifndef LINTEL_EMULATE_TEST_FORMS_H
#define LINTEL_EMULATE_TEST_FORMS_H

#include "../env.h"

#define NO_MODRM	(-1)
#define ANY_REG		8	/* ModRM.reg names a register */

/* .imm: 1, 2 bytes, or by a size: */
#define IMM_Z		'z'	/* the operand size, at most 4 */
#define IMM_V		'v'	/* the operand size */
#define IMM_A		'a'	/* the address size: a moffs */
#define IMM_ENTER	'e'	/* 2 bytes, then 1 */

#define FORM_Z		0x0001	/* the opcode's low 3 bits name a register */
#define FORM_CC		0x0002	/* the opcode's low 4 bits are a condition */
#define FORM_MEM	0x0004	/* memory only */
#define FORM_REG	0x0008	/* registers only */
#define FORM_LOCK	0x0010	/* LOCK is often tried with memory (and rarely elsewhere) */
#define FORM_REP	0x0020	/* a string instruction */
#define FORM_BITS	0x0040	/* ModRM.reg is a bit offset: keep it small */
#define FORM_SHIFT	0x0080	/* undefined flags depend on the count */
#define FORM_JUMP	0x0100	/* the immediate is relative */
#define FORM_TARGET	0x0200	/* the operand is a code address */
#define FORM_RET	0x0400	/* the top of the stack is a code address */
#define FORM_NO64	0x0800	/* 32-bit code only */
#define FORM_ONLY64	0x1000	/* 64-bit code only */
#define FORM_NO66	0x2000	/* never with a 66: another instruction, or the exit cannot tell */
#define FORM_ALIGN	0x4000	/* memory is 16-byte aligned in most instances */
#define FORM_F3		0x8000	/* F3 is a part of the opcode */
#define FORM_66		0x10000	/* 66 is a part of the opcode */
#define FORM_DIVIDE	0x20000	/* a small dividend, so that #DE is not the rule */
#define FORM_SEGLOAD	0x40000	/* selectors: null ones only */

/*
 * AMD's processors do it otherwise: the 16-bit MOVSXD reads 4 bytes, a REP CMPS or SCAS that faults
 * has the flags of its last iteration, a segment register is pushed in 4 bytes, a CALL to a
 * non-canonical address faults after its push, LOCK MOV CR0 is MOV CR8.
 */
#define FORM_INTEL	0x80000

struct form {
	const char *name;
	u8 length;
	u8 opcode[3];
	s8 ext;
	u8 imm;
	u32 flags;
	u64 undefined;		/* flags */
};

extern const struct form forms[];
extern const unsigned int form_count;

#endif /* LINTEL_EMULATE_TEST_FORMS_H */
