/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The decoded form of one instruction, the output of decode.c and the input of exec*.c.
 *
 * Decoding depends on nothing but the bytes, the mode and the CPU's address and operand size: no
 * register is read, so a decoded instruction may be printed, tested and executed later.
 * A client of the interpreter may read it (which operand is in memory, how long is the
 * instruction), it never has to.
 */
#ifndef LINTEL_EMULATE_INSN_H
#define LINTEL_EMULATE_INSN_H

#include "env.h"

/* No x86 instruction is longer; one more byte is #GP. */
#define EMULATE_MAX_INSN	15

/* General registers in the order of their encoding; the indexes of emulate_ctxt.gprs. */
enum emulate_gpr {
	EMULATE_RAX, EMULATE_RCX, EMULATE_RDX, EMULATE_RBX,
	EMULATE_RSP, EMULATE_RBP, EMULATE_RSI, EMULATE_RDI,
	EMULATE_R8, EMULATE_R9, EMULATE_R10, EMULATE_R11,
	EMULATE_R12, EMULATE_R13, EMULATE_R14, EMULATE_R15,
	EMULATE_NR_GPRS,
	EMULATE_NO_REG = 0xff,
};

/* Segment registers in the order of their encoding, then the two system segments. */
enum emulate_seg {
	EMULATE_ES, EMULATE_CS, EMULATE_SS, EMULATE_DS, EMULATE_FS, EMULATE_GS,
	EMULATE_LDTR, EMULATE_TR,
	EMULATE_NR_SEGS,
	EMULATE_NO_SEG = 0xff,
};

enum emulate_operand_type {
	EMULATE_OPND_NONE,
	EMULATE_OPND_REG,	/* general register .reg, its low .size bytes */
	EMULATE_OPND_REG_HIGH,	/* AH, CH, DH, BH: bits 8 to 15 of register .reg */
	EMULATE_OPND_MEM,	/* memory, by emulate_insn.mem */
	EMULATE_OPND_IMM,	/* emulate_operand.val is the value, already extended */
	EMULATE_OPND_SEG,	/* segment register .reg */
	EMULATE_OPND_CR,	/* control register .reg */
	EMULATE_OPND_DR,	/* debug register .reg */
	EMULATE_OPND_XMM,	/* XMM register .reg */
};

struct emulate_operand {
	u8 type;
	u8 size;		/* in bytes */
	u8 reg;
	u8 pad[5];
	u64 val;		/* an immediate after decode, any value during execution */
};

/* A memory operand: segment:base + index * (1 << scale) + disp, truncated to the address size. */
struct emulate_mem {
	u8 seg;
	u8 base;		/* EMULATE_NO_REG where there is none */
	u8 index;		/* the same */
	u8 scale;
	bool rip_relative;	/* the base is the address of the next instruction */
	u8 pad[3];
	s64 disp;		/* sign-extended; the whole 64 bits for a moffs */
};

struct emulate_insn {
	u8 bytes[EMULATE_MAX_INSN];
	u8 length;
	u8 fetched;		/* valid bytes of .bytes[] */
	u8 op;			/* enum emulate_op, see opcode.h */
	u8 map;			/* 0: one byte, 1: 0F, 2: 0F 38 */
	u8 opcode;		/* the last opcode byte */
	u8 rex;			/* 0 where absent */
	u8 rep;			/* 0, 0xF2 or 0xF3 */
	bool lock;
	bool opsize_prefix;	/* a 66 was seen */
	bool has_modrm;
	u8 modrm;
	u8 reg;			/* ModRM.reg with REX.R */
	u8 rm;			/* ModRM.rm with REX.B, where it names a register */
	u8 mod;
	u8 seg_override;	/* EMULATE_NO_SEG where absent */
	u8 op_bytes;		/* effective operand size: 2, 4, 8 */
	u8 ad_bytes;		/* effective address size: 2, 4, 8 */
	u16 flags;		/* of the opcode table, see opcode.h */
	u16 far_sel;		/* the selector of a direct far jump or call */
	struct emulate_operand dst;
	struct emulate_operand src;
	struct emulate_operand src2;	/* a third operand: IMUL, SHLD, SHRD */
	struct emulate_mem mem;
};

#endif /* LINTEL_EMULATE_INSN_H */
