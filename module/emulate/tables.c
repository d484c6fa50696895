// SPDX-License-Identifier: GPL-2.0-only
/*
 * The opcode maps: data, and nothing else.
 *
 * An absent entry is OP_UNSUPPORTED, which the core reports as such; only what the SDM's
 * opcode map leaves empty, or what it defines as undefined, is OP_UNDEFINED and raises #UD. The
 * 0F 38 map has two instructions (MOVBE), which decode.c knows by itself; 0F 3A has none of use.
 */
#include "opcode.h"

#define I(op, dst, src, flags)		{ OP_##op, ENC_##dst, ENC_##src, ENC_NONE, flags }
#define I3(op, dst, src, src2, flags)	{ OP_##op, ENC_##dst, ENC_##src, ENC_##src2, flags }
#define G(group, dst, src, flags)	{ GROUP_##group, ENC_##dst, ENC_##src, ENC_NONE, \
					  F_GROUP | (flags) }
#define SSE(op, dst, src, pfx, flags)	{ OP_##op, ENC_##dst, ENC_##src, pfx, F_SSE | (flags) }
#define UD				I(UNDEFINED, NONE, NONE, 0)

/* The six forms of an arithmetic instruction. */
#define ALU(base, op, flags) \
	[base + 0] = I(op, Eb, Gb, flags), \
	[base + 1] = I(op, Ev, Gv, flags), \
	[base + 2] = I(op, Gb, Eb, (flags) & ~F_LOCK), \
	[base + 3] = I(op, Gv, Ev, (flags) & ~F_LOCK), \
	[base + 4] = I(op, AL, Ib, (flags) & ~F_LOCK), \
	[base + 5] = I(op, AX, Iz, (flags) & ~F_LOCK)

#define ROW8(base, ...)	[base ... (base) + 7] = __VA_ARGS__
#define ROW16(base, ...) [base ... (base) + 15] = __VA_ARGS__

const struct emulate_opcode emu_opcode_map[2][256] = {
{
	ALU(0x00, ADD, F_RMW), ALU(0x08, OR, F_RMW), ALU(0x10, ADC, F_RMW), ALU(0x18, SBB, F_RMW),
	ALU(0x20, AND, F_RMW), ALU(0x28, SUB, F_RMW), ALU(0x30, XOR, F_RMW),
	ALU(0x38, CMP, F_READ),
	[0x06] = I(PUSH_SEG, ES, NONE, F_NO64),
	[0x07] = I(POP_SEG, ES, NONE, F_NO64),
	[0x0e] = I(PUSH_SEG, CS, NONE, F_NO64),
	[0x16] = I(PUSH_SEG, SS, NONE, F_NO64),
	[0x17] = I(POP_SEG, SS, NONE, F_NO64),
	[0x1e] = I(PUSH_SEG, DS, NONE, F_NO64),
	[0x1f] = I(POP_SEG, DS, NONE, F_NO64),
	ROW8(0x40, I(INC, Zv, NONE, F_READ | F_WRITE | F_NO64)),
	ROW8(0x48, I(DEC, Zv, NONE, F_READ | F_WRITE | F_NO64)),
	ROW8(0x50, I(PUSH, Zv, NONE, F_READ | F_D64)),
	ROW8(0x58, I(POP, Zv, NONE, F_D64)),
	[0x60] = I(PUSHA, NONE, NONE, F_NO64),
	[0x61] = I(POPA, NONE, NONE, F_NO64),
	[0x63] = I(MOVSX, Gv, Ed, F_WRITE),	/* ARPL outside of 64-bit mode: see decode.c */
	[0x68] = I(PUSH, Iz, NONE, F_D64),
	[0x69] = I3(IMUL2, Gv, Ev, Iz, F_WRITE),
	[0x6a] = I(PUSH, Ibs, NONE, F_D64),
	[0x6b] = I3(IMUL2, Gv, Ev, Ibs, F_WRITE),
	[0x6c] = I(INS, Zb, NONE, 0),
	[0x6d] = I(INS, NONE, NONE, 0),
	[0x6e] = I(OUTS, Zb, NONE, 0),
	[0x6f] = I(OUTS, NONE, NONE, 0),
	ROW16(0x70, I(JCC, Jb, NONE, F_F64)),
	[0x80] = G(1, Eb, Ib, 0),
	[0x81] = G(1, Ev, Iz, 0),
	[0x82] = G(1, Eb, Ib, F_NO64),
	[0x83] = G(1, Ev, Ibs, 0),
	[0x84] = I(TEST, Eb, Gb, F_READ),
	[0x85] = I(TEST, Ev, Gv, F_READ),
	[0x86] = I(XCHG, Eb, Gb, F_RMW),
	[0x87] = I(XCHG, Ev, Gv, F_RMW),
	[0x88] = I(MOV, Eb, Gb, F_WRITE),
	[0x89] = I(MOV, Ev, Gv, F_WRITE),
	[0x8a] = I(MOV, Gb, Eb, F_WRITE),
	[0x8b] = I(MOV, Gv, Ev, F_WRITE),
	[0x8c] = I(MOV_FROM_SEG, Es, Sw, F_WRITE),
	[0x8d] = I(LEA, Gv, M, F_WRITE | F_MEM | F_OWN_MEM),
	[0x8e] = I(MOV_TO_SEG, Sw, Ew, 0),
	[0x8f] = G(1A, Ev, NONE, 0),
	ROW8(0x90, I(XCHG, Zv, AX, F_READ | F_WRITE)),
	[0x98] = I(CBW, NONE, NONE, 0),
	[0x99] = I(CWD, NONE, NONE, 0),
	[0x9a] = I(CALL_FAR, Ap, NONE, F_NO64),
	[0x9b] = I(UNSUPPORTED, NONE, NONE, 0),
	[0x9c] = I(PUSHF, NONE, NONE, F_D64),
	[0x9d] = I(POPF, NONE, NONE, F_D64),
	[0x9e] = I(SAHF, NONE, NONE, 0),
	[0x9f] = I(LAHF, NONE, NONE, 0),
	[0xa0] = I(MOV, AL, Ob, F_WRITE),
	[0xa1] = I(MOV, AX, Ov, F_WRITE),
	[0xa2] = I(MOV, Ob, AL, F_WRITE),
	[0xa3] = I(MOV, Ov, AX, F_WRITE),
	[0xa4] = I(MOVS, Zb, NONE, 0), [0xa5] = I(MOVS, NONE, NONE, 0),
	[0xa6] = I(CMPS, Zb, NONE, 0), [0xa7] = I(CMPS, NONE, NONE, 0),
	[0xa8] = I(TEST, AL, Ib, F_READ),
	[0xa9] = I(TEST, AX, Iz, F_READ),
	[0xaa] = I(STOS, Zb, NONE, 0), [0xab] = I(STOS, NONE, NONE, 0),
	[0xac] = I(LODS, Zb, NONE, 0), [0xad] = I(LODS, NONE, NONE, 0),
	[0xae] = I(SCAS, Zb, NONE, 0), [0xaf] = I(SCAS, NONE, NONE, 0),
	ROW8(0xb0, I(MOV, Zb, Ib, F_WRITE)),
	ROW8(0xb8, I(MOV, Zv, Iv, F_WRITE)),
	[0xc0] = G(2, Eb, Ib, 0),
	[0xc1] = G(2, Ev, Ib, 0),
	[0xc2] = I(RET, Iw, NONE, F_F64),
	[0xc3] = I(RET, NONE, NONE, F_F64),
	[0xc4] = I(LOAD_FAR, Gv, Mp, F_WRITE | F_NO64 | F_MEM | F_OWN_MEM),
	[0xc5] = I(LOAD_FAR, Gv, Mp, F_WRITE | F_NO64 | F_MEM | F_OWN_MEM),
	[0xc6] = G(11, Eb, Ib, 0),
	[0xc7] = G(11, Ev, Iz, 0),
	[0xc8] = I3(ENTER, Iw, Ib, NONE, F_D64),
	[0xc9] = I(LEAVE, NONE, NONE, F_D64),
	[0xca] = I(RET_FAR, Iw, NONE, 0),
	[0xcb] = I(RET_FAR, NONE, NONE, 0),
	[0xcc] = I(INT3, NONE, NONE, 0),
	[0xcd] = I(INT, Ib, NONE, 0),
	[0xce] = I(INTO, NONE, NONE, F_NO64),
	[0xcf] = I(IRET, NONE, NONE, 0),
	[0xd0] = G(2, Eb, 1, 0),
	[0xd1] = G(2, Ev, 1, 0),
	[0xd2] = G(2, Eb, CL, 0),
	[0xd3] = G(2, Ev, CL, 0),
	[0xd7] = I(XLAT, NONE, NONE, 0),
	[0xe0 ... 0xe2] = I(LOOP, Jb, NONE, F_F64),
	[0xe3] = I(JCXZ, Jb, NONE, F_F64),
	[0xe4] = I(IN, AL, Ib, 0),
	[0xe5] = I(IN, AX, Ib, 0),
	[0xe6] = I(OUT, AL, Ib, F_READ),
	[0xe7] = I(OUT, AX, Ib, F_READ),
	[0xe8] = I(CALL, Jz, NONE, F_F64),
	[0xe9] = I(JMP, Jz, NONE, F_F64),
	[0xea] = I(JMP_FAR, Ap, NONE, F_NO64),
	[0xeb] = I(JMP, Jb, NONE, F_F64),
	[0xec] = I(IN, AL, DX, 0),
	[0xed] = I(IN, AX, DX, 0),
	[0xee] = I(OUT, AL, DX, F_READ),
	[0xef] = I(OUT, AX, DX, F_READ),
	[0xf4] = I(HLT, NONE, NONE, F_CPL0),
	[0xf5] = I(CMC, NONE, NONE, 0),
	[0xf6] = G(3, Eb, NONE, 0),
	[0xf7] = G(3, Ev, NONE, 0),
	[0xf8] = I(CLC, NONE, NONE, 0), [0xf9] = I(STC, NONE, NONE, 0),
	[0xfa] = I(CLI, NONE, NONE, 0), [0xfb] = I(STI, NONE, NONE, 0),
	[0xfc] = I(CLD, NONE, NONE, 0), [0xfd] = I(STD, NONE, NONE, 0),
	[0xfe] = G(4, Eb, NONE, 0),
	[0xff] = G(5, Ev, NONE, 0),
},
{
	[0x00] = G(6, Ew, NONE, 0),
	[0x01] = G(7, M, NONE, 0),
	[0x04] = UD,
	[0x06] = I(CLTS, NONE, NONE, F_CPL0),
	[0x08] = I(WBINVD, NONE, NONE, F_CPL0),
	[0x09] = I(WBINVD, NONE, NONE, F_CPL0),
	[0x0a] = UD,
	[0x0b] = UD,
	[0x0c] = UD,
	[0x0d] = G(PREFETCH, Ev, NONE, F_OWN_MEM),
	[0x10] = SSE(MOVXMM, Vx, Wx, PFX_NONE | PFX_66, F_WRITE),
	[0x11] = SSE(MOVXMM, Wx, Vx, PFX_NONE | PFX_66, F_WRITE),
	[0x18] = G(PREFETCH, Ev, NONE, F_OWN_MEM),
	[0x19 ... 0x1f] = I(NOP, Ev, NONE, F_OWN_MEM),
	[0x20] = I(MOV_FROM_CR, En, Cn, F_CPL0 | F_REGISTER | F_WRITE),
	[0x21] = I(MOV_FROM_DR, En, Dn, F_CPL0 | F_REGISTER | F_WRITE),
	[0x22] = I(MOV_TO_CR, Cn, En, F_CPL0 | F_REGISTER),
	[0x23] = I(MOV_TO_DR, Dn, En, F_CPL0 | F_REGISTER),
	[0x24 ... 0x27] = UD,
	[0x28] = SSE(MOVXMM_ALIGNED, Vx, Wx, PFX_NONE | PFX_66, F_WRITE),
	[0x29] = SSE(MOVXMM_ALIGNED, Wx, Vx, PFX_NONE | PFX_66, F_WRITE),
	[0x2b] = SSE(MOVXMM_ALIGNED, Wx, Vx, PFX_NONE | PFX_66, F_WRITE | F_MEM),
	[0x30] = I(WRMSR, NONE, NONE, F_CPL0),
	[0x31] = I(RDTSC, NONE, NONE, 0),
	[0x32] = I(RDMSR, NONE, NONE, F_CPL0),
	[0x36] = UD,
	[0x39] = UD,
	[0x3b ... 0x3f] = UD,
	ROW16(0x40, I3(CMOVCC, Gv, Ev, NONE, F_READ | F_WRITE)),
	[0x6f] = SSE(MOVXMM, Vx, Wx, PFX_66 | PFX_F3, F_WRITE),
	[0x7f] = SSE(MOVXMM, Wx, Vx, PFX_66 | PFX_F3, F_WRITE),
	ROW16(0x80, I(JCC, Jz, NONE, F_F64)),
	ROW16(0x90, I(SETCC, Eb, NONE, F_WRITE)),
	[0xa0] = I(PUSH_SEG, FS, NONE, F_D64),
	[0xa1] = I(POP_SEG, FS, NONE, F_D64),
	[0xa2] = I(CPUID, NONE, NONE, 0),
	[0xa3] = I(BT, Ev, Gv, F_OWN_MEM | F_READ),
	[0xa4] = I3(SHLD, Ev, Gv, Ib, F_READ | F_WRITE),
	[0xa5] = I3(SHLD, Ev, Gv, CL, F_READ | F_WRITE),
	[0xa8] = I(PUSH_SEG, GS, NONE, F_D64),
	[0xa9] = I(POP_SEG, GS, NONE, F_D64),
	[0xab] = I(BTS, Ev, Gv, F_OWN_MEM | F_RMW),
	[0xac] = I3(SHRD, Ev, Gv, Ib, F_READ | F_WRITE),
	[0xad] = I3(SHRD, Ev, Gv, CL, F_READ | F_WRITE),
	[0xae] = G(15, Ev, NONE, F_OWN_MEM),
	[0xaf] = I(IMUL2, Gv, Ev, F_READ | F_WRITE),
	[0xb0] = I(CMPXCHG, Eb, Gb, F_RMW),
	[0xb1] = I(CMPXCHG, Ev, Gv, F_RMW),
	[0xb2] = I(LOAD_FAR, Gv, Mp, F_WRITE | F_MEM | F_OWN_MEM),
	[0xb3] = I(BTR, Ev, Gv, F_OWN_MEM | F_RMW),
	[0xb4] = I(LOAD_FAR, Gv, Mp, F_WRITE | F_MEM | F_OWN_MEM),
	[0xb5] = I(LOAD_FAR, Gv, Mp, F_WRITE | F_MEM | F_OWN_MEM),
	[0xb6] = I(MOV, Gv, Eb, F_WRITE),
	[0xb7] = I(MOV, Gv, Ew, F_WRITE),
	[0xb8] = I(POPCNT, Gv, Ev, F_WRITE),	/* with F3 only: see decode.c */
	[0xb9] = UD,
	[0xba] = G(8, Ev, Ib, 0),
	[0xbb] = I(BTC, Ev, Gv, F_OWN_MEM | F_RMW),
	[0xbc] = I(BSF, Gv, Ev, F_READ | F_WRITE | F_SIZED),
	[0xbd] = I(BSR, Gv, Ev, F_READ | F_WRITE | F_SIZED),
	[0xbe] = I(MOVSX, Gv, Eb, F_WRITE),
	[0xbf] = I(MOVSX, Gv, Ew, F_WRITE),
	[0xc0] = I(XADD, Eb, Gb, F_RMW),
	[0xc1] = I(XADD, Ev, Gv, F_RMW),
	[0xc3] = I(MOV, My, Gy, F_WRITE | F_MEM),
	[0xc7] = G(9, M, NONE, 0),
	ROW8(0xc8, I(BSWAP, Zv, NONE, F_READ | F_WRITE)),
	[0xe7] = SSE(MOVXMM_ALIGNED, Wx, Vx, PFX_66, F_WRITE | F_MEM),
	[0xff] = UD,
},
};

#undef UD
#define E(op, flags)		{ OP_##op, ENC_NONE, ENC_NONE, ENC_NONE, flags }
#define ES(op, dst, src, flags)	{ OP_##op, ENC_##dst, ENC_##src, ENC_NONE, flags }
#define UD			E(UNDEFINED, 0)

const struct emulate_opcode emu_opcode_group[GROUP_COUNT][8] = {
	[GROUP_1] = {
		E(ADD, F_RMW), E(OR, F_RMW), E(ADC, F_RMW), E(SBB, F_RMW),
		E(AND, F_RMW), E(SUB, F_RMW), E(XOR, F_RMW), E(CMP, F_READ),
	},
	/* 8F with another reg field is AMD's XOP, #UD here. */
	[GROUP_1A] = { E(POP, F_D64 | F_OWN_MEM), UD, UD, UD, UD, UD, UD, UD },
	[GROUP_2] = {
		E(ROL, F_READ | F_WRITE), E(ROR, F_READ | F_WRITE),
		E(RCL, F_READ | F_WRITE), E(RCR, F_READ | F_WRITE),
		E(SHL, F_READ | F_WRITE), E(SHR, F_READ | F_WRITE),
		E(SAL, F_READ | F_WRITE), E(SAR, F_READ | F_WRITE),
	},
	[GROUP_3] = {
		ES(TEST, NONE, Ie, F_READ), ES(TEST, NONE, Ie, F_READ),
		E(NOT, F_RMW), E(NEG, F_RMW),
		E(MUL, F_READ), E(IMUL, F_READ), E(DIV, F_READ), E(IDIV, F_READ),
	},
	[GROUP_4] = { E(INC, F_RMW), E(DEC, F_RMW), UD, UD, UD, UD, UD, UD },
	[GROUP_5] = {
		E(INC, F_RMW), E(DEC, F_RMW),
		E(CALL, F_READ | F_F64), ES(CALL_FAR, Mp, NONE, F_MEM | F_OWN_MEM),
		E(JMP, F_READ | F_F64), ES(JMP_FAR, Mp, NONE, F_MEM | F_OWN_MEM),
		E(PUSH, F_READ | F_D64), UD,
	},
	[GROUP_6] = {
		ES(SLDT, Es, NONE, F_PROT | F_WRITE | F_UMIP),
		ES(STR, Es, NONE, F_PROT | F_WRITE | F_UMIP),
		E(LLDT, F_PROT | F_READ | F_CPL0), E(LTR, F_PROT | F_READ | F_CPL0),
		E(UNSUPPORTED, 0), E(UNSUPPORTED, 0), UD, UD,
	},
	/* The register forms of 0, 1, 2, 3, 5 and 7 are other instructions: see decode.c. */
	[GROUP_7] = {
		E(SGDT, F_OWN_MEM | F_UMIP), E(SIDT, F_OWN_MEM | F_UMIP),
		E(LGDT, F_OWN_MEM | F_CPL0), E(LIDT, F_OWN_MEM | F_CPL0),
		ES(SMSW, Es, NONE, F_WRITE | F_UMIP), E(UNSUPPORTED, 0),
		ES(LMSW, Ew, NONE, F_READ | F_CPL0), E(INVLPG, F_OWN_MEM | F_CPL0),
	},
	[GROUP_8] = {
		UD, UD, UD, UD, E(BT, F_OWN_MEM | F_READ),
		E(BTS, F_OWN_MEM | F_RMW), E(BTR, F_OWN_MEM | F_RMW), E(BTC, F_OWN_MEM | F_RMW),
	},
	[GROUP_9] = {
		UD, E(CMPXCHG8B, F_MEM | F_OWN_MEM | F_LOCK), UD, E(UNSUPPORTED, 0),
		E(UNSUPPORTED, 0), E(UNSUPPORTED, 0), E(UNSUPPORTED, 0), E(UNSUPPORTED, 0),
	},
	[GROUP_11] = { E(MOV, F_WRITE), UD, UD, UD, UD, UD, UD, E(UNSUPPORTED, 0) },
	/* Memory: CLWB (66), CLFLUSH. Registers: LFENCE, MFENCE, SFENCE. See decode.c. */
	[GROUP_15] = {
		E(UNSUPPORTED, 0), E(UNSUPPORTED, 0), E(UNSUPPORTED, 0), E(UNSUPPORTED, 0),
		E(UNSUPPORTED, 0), E(NOP, 0), E(NOP, 0), E(NOP, 0),
	},
	[GROUP_PREFETCH] = {
		E(NOP, 0), E(NOP, 0), E(NOP, 0), E(NOP, 0),
		E(NOP, 0), E(NOP, 0), E(NOP, 0), E(NOP, 0),
	},
};

const char *const emu_op_name[OP_COUNT] = {
	[OP_UNSUPPORTED] = "UNSUPPORTED",
	[OP_UNDEFINED] = "UNDEFINED",
#define X(op, handler) [OP_##op] = #op,
	EMULATE_OPS(X)
#undef X
};
