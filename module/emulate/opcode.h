/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the decoder's tables say about an opcode; private to the interpreter.
 *
 * An opcode maps to an operation (enum emulate_op), up to three operand encodings (enum
 * emulate_encoding, in the letters of the SDM's appendix "Opcode Map") and flags. The list
 * of operations stands once, with the function that executes each, so that the enumeration, the
 * dispatch table and the names cannot disagree.
 */
#ifndef LINTEL_EMULATE_OPCODE_H
#define LINTEL_EMULATE_OPCODE_H

#include "env.h"
#include "insn.h"

/* X(operation, handler): the handler is emu_do_<handler>(). The first 16 stand as encoded. */
#define EMULATE_OPS(X) \
	X(ADD, alu) X(OR, alu) X(ADC, alu) X(SBB, alu) \
	X(AND, alu) X(SUB, alu) X(XOR, alu) X(CMP, alu) \
	X(ROL, shift) X(ROR, shift) X(RCL, shift) X(RCR, shift) \
	X(SHL, shift) X(SHR, shift) X(SAL, shift) X(SAR, shift) \
	X(TEST, alu) X(INC, alu) X(DEC, alu) X(NEG, alu) X(NOT, alu) \
	X(SHLD, shift_double) X(SHRD, shift_double) \
	X(BT, bit_test) X(BTS, bit_test) X(BTR, bit_test) X(BTC, bit_test) \
	X(BSF, bit_scan) X(BSR, bit_scan) X(POPCNT, bit_scan) \
	X(MUL, multiply) X(IMUL, multiply) X(IMUL2, multiply2) X(DIV, divide) X(IDIV, divide) \
	X(SETCC, setcc) X(CMOVCC, cmovcc) X(CBW, convert) X(CWD, convert) \
	X(MOV, mov) X(MOVSX, movsx) X(MOVBE, movbe) X(BSWAP, movbe) X(LEA, lea) \
	X(XCHG, xchg) X(XADD, xadd) X(CMPXCHG, cmpxchg) X(CMPXCHG8B, cmpxchg8b) X(XLAT, xlat) \
	X(MOVXMM, mov) X(MOVXMM_ALIGNED, mov_aligned) X(MOVPART, movpart) \
	X(PUSH, push) X(POP, pop) X(PUSH_SEG, push_seg) X(POP_SEG, pop_seg) \
	X(PUSHA, pusha) X(POPA, popa) X(PUSHF, pushf) X(POPF, popf) \
	X(ENTER, enter) X(LEAVE, leave) \
	X(JMP, jmp) X(CALL, call) X(RET, ret) X(JCC, jcc) X(LOOP, loop) X(JCXZ, loop) \
	X(JMP_FAR, jmp_far) X(CALL_FAR, jmp_far) X(RET_FAR, ret_far) X(IRET, iret) \
	X(INT, int) X(INT3, int) X(INTO, int) \
	X(CLC, flag) X(STC, flag) X(CMC, flag) X(CLD, flag) X(STD, flag) \
	X(CLI, interrupt_flag) X(STI, interrupt_flag) X(LAHF, lahf) X(SAHF, lahf) \
	X(MOVS, string) X(CMPS, string) X(STOS, string) X(LODS, string) X(SCAS, string) \
	X(INS, string) X(OUTS, string) X(IN, in) X(OUT, out) \
	X(MOV_FROM_SEG, mov_from_seg) X(MOV_TO_SEG, mov_to_seg) X(LOAD_FAR, load_far) \
	X(LLDT, load_system) X(LTR, load_system) X(SLDT, store_system) X(STR, store_system) \
	X(LGDT, load_table) X(LIDT, load_table) X(SGDT, store_table) X(SIDT, store_table) \
	X(SMSW, smsw) X(LMSW, lmsw) X(CLTS, lmsw) \
	X(MOV_FROM_CR, mov_from_cr) X(MOV_TO_CR, mov_to_cr) \
	X(MOV_FROM_DR, mov_from_dr) X(MOV_TO_DR, mov_to_dr) \
	X(RDMSR, msr) X(WRMSR, msr) X(CPUID, cpuid) X(RDTSC, rdtsc) X(RDPID, rdpid) \
	X(INVLPG, invlpg) X(WBINVD, wbinvd) X(HLT, hlt) X(NOP, nop)

enum emulate_op {
	OP_UNSUPPORTED,		/* absent from the tables: EMULATE_UNHANDLED */
	OP_UNDEFINED,		/* #UD */
#define X(op, handler) OP_##op,
	EMULATE_OPS(X)
#undef X
	OP_COUNT
};

/*
 * E: register or memory by ModRM.rm. G: register by ModRM.reg. M: memory only. Z: register by
 * the opcode. I: immediate. J: relative. O: moffs. S, C, D: segment, control, debug register.
 * V, W: XMM register by reg, XMM register or memory by rm.
 * Sizes: b 1, w 2, d 4, v the operand size, z the same but at most 4, y 4 or with REX.W 8, p far
 * pointer, x 16, q 8.
 */
enum emulate_encoding {
	ENC_NONE,
	ENC_Eb, ENC_Ew, ENC_Ez, ENC_Ev, ENC_Ey,
	ENC_Es,			/* memory of 2 bytes, or a register of the operand size */
	ENC_En,			/* the same, a register of the native size: 4, in 64-bit mode 8 */
	ENC_M, ENC_Mp, ENC_Mv, ENC_My,
	ENC_Gb, ENC_Gw, ENC_Gd, ENC_Gv, ENC_Gy,
	ENC_Sw, ENC_Cn, ENC_Dn,
	ENC_Vx, ENC_Wx,
	ENC_MODRM_LAST = ENC_Wx,	/* every encoding up to here needs a ModRM byte */
	ENC_Zb, ENC_Zv,
	ENC_AL, ENC_AX, ENC_CL, ENC_DX,
	ENC_1,
	ENC_Ib, ENC_Ibs, ENC_Iw, ENC_Iz, ENC_Iv,
	ENC_Ie,			/* Ib if the first operand is a byte, else Iz */
	ENC_Jb, ENC_Jz,
	ENC_Ob, ENC_Ov,
	ENC_Ap,
	ENC_ES, ENC_CS, ENC_SS, ENC_DS, ENC_FS, ENC_GS,
};

/* Sizes that depend on prefixes and mode, in a table of sizes in bytes. */
#define SIZE_V	0x20	/* the operand size */
#define SIZE_Z	0x21	/* the same, at most 4 */
#define SIZE_Y	0x22	/* 4, with REX.W 8 */
#define SIZE_N	0x23	/* 4, in 64-bit mode 8 */
#define SIZE_P	0x24	/* a far pointer: the operand size and 2 */

/* How an encoding becomes an operand: see decode_operand(). */
enum emulate_kind {
	KIND_RM, KIND_MEMORY, KIND_REG, KIND_SEGMENT, KIND_CR, KIND_DR, KIND_XMM, KIND_XMM_RM,
	KIND_LOW, KIND_FIXED, KIND_ONE, KIND_UNSIGNED, KIND_SIGNED, KIND_LIKE_FIRST, KIND_MOFFS,
	KIND_FAR, KIND_NAMED_SEGMENT,
};

/* .size: of memory and of an immediate, and of a register where .reg does not say otherwise. */
struct emulate_encoding_info {
	u8 kind, size, reg;
};

#define F_READ		0x0001	/* the first operand is read before the handler runs */
#define F_WRITE		0x0002	/* and written after it */
#define F_LOCK		0x0004	/* LOCK is allowed, if the first operand is in memory */
#define F_D64		0x0008	/* 64-bit mode: operand size 8, or 2 with a 66 */
#define F_F64		0x0010	/* 64-bit mode: operand size 8 whatever the prefixes */
#define F_NO64		0x0020	/* #UD in 64-bit mode */
#define F_GROUP		0x0040	/* .op is a group, ModRM.reg selects in it */
#define F_CPL0		0x0080	/* #GP(0) unless CPL is 0 */
#define F_MEM		0x0100	/* #UD unless ModRM.rm is memory */
#define F_PROT		0x0200	/* #UD in real and virtual-8086 mode */
#define F_OWN_MEM	0x0400	/* the handler accesses the memory operand by itself */
#define F_MODRM		0x0800	/* a ModRM byte although no operand says so */
#define F_SIZED		0x1000	/* needs no prefix but 66 (others mean another instruction) */
#define F_SSE		0x2000	/* XMM move: .src2 is a set of PFX_*, the allowed prefixes */
#define F_REGISTER	0x4000	/* ModRM.rm is a register whatever ModRM.mod says */
#define F_UMIP		0x8000	/* #GP(0) if CR4.UMIP and CPL > 0 */

#define F_RMW		(F_READ | F_WRITE | F_LOCK)

/* Prefixes that select an instruction of the 0F map. */
#define PFX_NONE	1
#define PFX_66		2
#define PFX_F3		4

struct emulate_opcode {
	u8 op;
	u8 dst, src, src2;
	u16 flags;
};

enum emulate_group {
	GROUP_1, GROUP_1A, GROUP_2, GROUP_3, GROUP_4, GROUP_5, GROUP_6, GROUP_7, GROUP_8, GROUP_9,
	GROUP_11, GROUP_15, GROUP_PREFETCH, GROUP_COUNT
};

/* tables.c. A group's entry replaces the operation; its operands, where given; and adds flags. */
extern const struct emulate_opcode emu_opcode_map[2][256];
extern const struct emulate_opcode emu_opcode_group[GROUP_COUNT][8];

extern const struct emulate_encoding_info emu_encodings[];

/* For the tests and for traces. */
extern const char *const emu_op_name[OP_COUNT];

#endif /* LINTEL_EMULATE_OPCODE_H */
