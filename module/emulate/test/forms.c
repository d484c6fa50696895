// SPDX-License-Identifier: GPL-2.0-only
/*
 * The table of forms; see forms.h.
 */
#include "../internal.h"
#include "forms.h"

#define LOGIC	FLAG_AF
#define MULT	(FLAG_SF | FLAG_ZF | FLAG_AF | FLAG_PF)
#define BITS	(FLAG_OF | FLAG_SF | FLAG_AF | FLAG_PF)
#define SCAN	(FLAGS_ARITH & ~FLAG_ZF)
#define ALL	FLAGS_ARITH

#define O1(a)		1, { a }
#define O2(a)		2, { 0x0f, a }
#define O3(a)		3, { 0x0f, 0x38, a }

#define ALU_FORMS(name, base, lock, undef) \
	{ name " Eb,Gb", O1(base), ANY_REG, 0, lock, undef }, \
	{ name " Ev,Gv", O1((base) + 1), ANY_REG, 0, lock, undef }, \
	{ name " Gb,Eb", O1((base) + 2), ANY_REG, 0, 0, undef }, \
	{ name " Gv,Ev", O1((base) + 3), ANY_REG, 0, 0, undef }, \
	{ name " AL,Ib", O1((base) + 4), NO_MODRM, 1, 0, undef }, \
	{ name " rAX,Iz", O1((base) + 5), NO_MODRM, IMM_Z, 0, undef }, \
	{ name " Eb,Ib", O1(0x80), (base) / 8, 1, lock, undef }, \
	{ name " Ev,Iz", O1(0x81), (base) / 8, IMM_Z, lock, undef }, \
	{ name " Eb,Ib (82)", O1(0x82), (base) / 8, 1, (lock) | FORM_NO64, undef }, \
	{ name " Ev,Ibs", O1(0x83), (base) / 8, 1, lock, undef }

#define SHIFT_FORMS(name, ext, undef) \
	{ name " Eb,Ib", O1(0xc0), ext, 1, FORM_SHIFT, undef }, \
	{ name " Ev,Ib", O1(0xc1), ext, 1, FORM_SHIFT, undef }, \
	{ name " Eb,1", O1(0xd0), ext, 0, 0, (undef) & FLAG_AF }, \
	{ name " Ev,1", O1(0xd1), ext, 0, 0, (undef) & FLAG_AF }, \
	{ name " Eb,CL", O1(0xd2), ext, 0, FORM_SHIFT, undef }, \
	{ name " Ev,CL", O1(0xd3), ext, 0, FORM_SHIFT, undef }

#define BIT_FORMS(name, opcode, ext, lock) \
	{ name " Ev,Gv", O2(opcode), ANY_REG, 0, FORM_BITS | (lock), BITS }, \
	{ name " Ev,Ib", O2(0xba), ext, 1, lock, BITS }

#define STRING_FORMS_OF(name, opcode, flags) \
	{ name "b", O1(opcode), NO_MODRM, 0, FORM_REP | (flags), 0 }, \
	{ name "v", O1((opcode) + 1), NO_MODRM, 0, FORM_REP | (flags), 0 }
#define STRING_FORMS(name, opcode)	STRING_FORMS_OF(name, opcode, 0)

const struct form forms[] = {
	ALU_FORMS("add", 0x00, FORM_LOCK, 0),
	ALU_FORMS("or", 0x08, FORM_LOCK, LOGIC),
	ALU_FORMS("adc", 0x10, FORM_LOCK, 0),
	ALU_FORMS("sbb", 0x18, FORM_LOCK, 0),
	ALU_FORMS("and", 0x20, FORM_LOCK, LOGIC),
	ALU_FORMS("sub", 0x28, FORM_LOCK, 0),
	ALU_FORMS("xor", 0x30, FORM_LOCK, LOGIC),
	ALU_FORMS("cmp", 0x38, 0, 0),
	{ "inc Zv", O1(0x40), NO_MODRM, 0, FORM_Z | FORM_NO64, 0 },
	{ "dec Zv", O1(0x48), NO_MODRM, 0, FORM_Z | FORM_NO64, 0 },
	{ "inc Eb", O1(0xfe), 0, 0, FORM_LOCK, 0 },
	{ "dec Eb", O1(0xfe), 1, 0, FORM_LOCK, 0 },
	{ "inc Ev", O1(0xff), 0, 0, FORM_LOCK, 0 },
	{ "dec Ev", O1(0xff), 1, 0, FORM_LOCK, 0 },
	{ "test Eb,Gb", O1(0x84), ANY_REG, 0, 0, LOGIC },
	{ "test Ev,Gv", O1(0x85), ANY_REG, 0, 0, LOGIC },
	{ "test AL,Ib", O1(0xa8), NO_MODRM, 1, 0, LOGIC },
	{ "test rAX,Iz", O1(0xa9), NO_MODRM, IMM_Z, 0, LOGIC },
	{ "test Eb,Ib", O1(0xf6), 0, 1, 0, LOGIC },
	{ "test Ev,Iz", O1(0xf7), 0, IMM_Z, 0, LOGIC },
	{ "test Eb,Ib (/1)", O1(0xf6), 1, 1, 0, LOGIC },
	{ "test Ev,Iz (/1)", O1(0xf7), 1, IMM_Z, 0, LOGIC },
	{ "not Eb", O1(0xf6), 2, 0, FORM_LOCK, 0 },
	{ "not Ev", O1(0xf7), 2, 0, FORM_LOCK, 0 },
	{ "neg Eb", O1(0xf6), 3, 0, FORM_LOCK, 0 },
	{ "neg Ev", O1(0xf7), 3, 0, FORM_LOCK, 0 },
	{ "mul Eb", O1(0xf6), 4, 0, 0, MULT },
	{ "mul Ev", O1(0xf7), 4, 0, 0, MULT },
	{ "imul Eb", O1(0xf6), 5, 0, 0, MULT },
	{ "imul Ev", O1(0xf7), 5, 0, 0, MULT },
	{ "div Eb", O1(0xf6), 6, 0, FORM_DIVIDE, ALL },
	{ "div Ev", O1(0xf7), 6, 0, FORM_DIVIDE, ALL },
	{ "idiv Eb", O1(0xf6), 7, 0, FORM_DIVIDE, ALL },
	{ "idiv Ev", O1(0xf7), 7, 0, FORM_DIVIDE, ALL },
	{ "imul Gv,Ev", O2(0xaf), ANY_REG, 0, 0, MULT },
	{ "imul Gv,Ev,Iz", O1(0x69), ANY_REG, IMM_Z, 0, MULT },
	{ "imul Gv,Ev,Ibs", O1(0x6b), ANY_REG, 1, 0, MULT },
	SHIFT_FORMS("rol", 0, FLAG_OF), SHIFT_FORMS("ror", 1, FLAG_OF),
	SHIFT_FORMS("rcl", 2, FLAG_OF), SHIFT_FORMS("rcr", 3, FLAG_OF),
	SHIFT_FORMS("shl", 4, FLAG_OF | FLAG_AF), SHIFT_FORMS("shr", 5, FLAG_OF | FLAG_AF),
	SHIFT_FORMS("sal", 6, FLAG_OF | FLAG_AF), SHIFT_FORMS("sar", 7, FLAG_OF | FLAG_AF),
	{ "shld Ev,Gv,Ib", O2(0xa4), ANY_REG, 1, FORM_SHIFT, FLAG_OF | FLAG_AF },
	{ "shld Ev,Gv,CL", O2(0xa5), ANY_REG, 0, FORM_SHIFT, FLAG_OF | FLAG_AF },
	{ "shrd Ev,Gv,Ib", O2(0xac), ANY_REG, 1, FORM_SHIFT, FLAG_OF | FLAG_AF },
	{ "shrd Ev,Gv,CL", O2(0xad), ANY_REG, 0, FORM_SHIFT, FLAG_OF | FLAG_AF },
	BIT_FORMS("bt", 0xa3, 4, 0), BIT_FORMS("bts", 0xab, 5, FORM_LOCK),
	BIT_FORMS("btr", 0xb3, 6, FORM_LOCK), BIT_FORMS("btc", 0xbb, 7, FORM_LOCK),
	{ "bsf", O2(0xbc), ANY_REG, 0, 0, SCAN },
	{ "bsr", O2(0xbd), ANY_REG, 0, 0, SCAN },
	{ "popcnt", O2(0xb8), ANY_REG, 0, FORM_F3, 0 },
	{ "mov Eb,Gb", O1(0x88), ANY_REG, 0, 0, 0 },
	{ "mov Ev,Gv", O1(0x89), ANY_REG, 0, 0, 0 },
	{ "mov Gb,Eb", O1(0x8a), ANY_REG, 0, 0, 0 },
	{ "mov Gv,Ev", O1(0x8b), ANY_REG, 0, 0, 0 },
	{ "mov AL,Ob", O1(0xa0), NO_MODRM, IMM_A, 0, 0 },
	{ "mov rAX,Ov", O1(0xa1), NO_MODRM, IMM_A, 0, 0 },
	{ "mov Ob,AL", O1(0xa2), NO_MODRM, IMM_A, 0, 0 },
	{ "mov Ov,rAX", O1(0xa3), NO_MODRM, IMM_A, 0, 0 },
	{ "mov Zb,Ib", O1(0xb0), NO_MODRM, 1, FORM_Z, 0 },
	{ "mov Zv,Iv", O1(0xb8), NO_MODRM, IMM_V, FORM_Z, 0 },
	{ "mov Eb,Ib", O1(0xc6), 0, 1, 0, 0 },
	{ "mov Ev,Iz", O1(0xc7), 0, IMM_Z, 0, 0 },
	{ "movsxd", O1(0x63), ANY_REG, 0, FORM_ONLY64 | FORM_INTEL, 0 },
	{ "movzx Gv,Eb", O2(0xb6), ANY_REG, 0, 0, 0 },
	{ "movzx Gv,Ew", O2(0xb7), ANY_REG, 0, 0, 0 },
	{ "movsx Gv,Eb", O2(0xbe), ANY_REG, 0, 0, 0 },
	{ "movsx Gv,Ew", O2(0xbf), ANY_REG, 0, 0, 0 },
	{ "movbe Gv,Mv", O3(0xf0), ANY_REG, 0, FORM_MEM, 0 },
	{ "movbe Mv,Gv", O3(0xf1), ANY_REG, 0, FORM_MEM, 0 },
	{ "movnti", O2(0xc3), ANY_REG, 0, FORM_MEM | FORM_NO66, 0 },
	{ "bswap", O2(0xc8), NO_MODRM, 0, FORM_Z | FORM_NO66, 0 },
	{ "lea", O1(0x8d), ANY_REG, 0, FORM_MEM, 0 },
	{ "xchg Eb,Gb", O1(0x86), ANY_REG, 0, FORM_LOCK, 0 },
	{ "xchg Ev,Gv", O1(0x87), ANY_REG, 0, FORM_LOCK, 0 },
	{ "xchg Zv,rAX", O1(0x90), NO_MODRM, 0, FORM_Z, 0 },
	{ "xadd Eb,Gb", O2(0xc0), ANY_REG, 0, FORM_LOCK, 0 },
	{ "xadd Ev,Gv", O2(0xc1), ANY_REG, 0, FORM_LOCK, 0 },
	{ "cmpxchg Eb,Gb", O2(0xb0), ANY_REG, 0, FORM_LOCK, 0 },
	{ "cmpxchg Ev,Gv", O2(0xb1), ANY_REG, 0, FORM_LOCK, 0 },
	{ "cmpxchg8b/16b", O2(0xc7), 1, 0, FORM_MEM | FORM_LOCK | FORM_ALIGN, 0 },
	{ "xlat", O1(0xd7), NO_MODRM, 0, 0, 0 },
	{ "setcc", O2(0x90), ANY_REG, 0, FORM_CC, 0 },
	{ "cmovcc", O2(0x40), ANY_REG, 0, FORM_CC, 0 },
	{ "cbw/cwde/cdqe", O1(0x98), NO_MODRM, 0, 0, 0 },
	{ "cwd/cdq/cqo", O1(0x99), NO_MODRM, 0, 0, 0 },
	{ "lahf", O1(0x9f), NO_MODRM, 0, 0, 0 },
	{ "sahf", O1(0x9e), NO_MODRM, 0, 0, 0 },
	{ "clc", O1(0xf8), NO_MODRM, 0, 0, 0 }, { "stc", O1(0xf9), NO_MODRM, 0, 0, 0 },
	{ "cmc", O1(0xf5), NO_MODRM, 0, 0, 0 }, { "cld", O1(0xfc), NO_MODRM, 0, 0, 0 },
	{ "std", O1(0xfd), NO_MODRM, 0, 0, 0 },
	STRING_FORMS("movs", 0xa4), STRING_FORMS_OF("cmps", 0xa6, FORM_INTEL),
	STRING_FORMS("stos", 0xaa), STRING_FORMS("lods", 0xac),
	STRING_FORMS_OF("scas", 0xae, FORM_INTEL),
	STRING_FORMS("ins (#GP)", 0x6c), STRING_FORMS("outs (#GP)", 0x6e),
	{ "push Zv", O1(0x50), NO_MODRM, 0, FORM_Z, 0 },
	{ "pop Zv", O1(0x58), NO_MODRM, 0, FORM_Z, 0 },
	{ "push Iz", O1(0x68), NO_MODRM, IMM_Z, 0, 0 },
	{ "push Ibs", O1(0x6a), NO_MODRM, 1, 0, 0 },
	{ "push Ev", O1(0xff), 6, 0, 0, 0 },
	{ "pop Ev", O1(0x8f), 0, 0, 0, 0 },
	{ "pushf", O1(0x9c), NO_MODRM, 0, 0, 0 },
	{ "pusha", O1(0x60), NO_MODRM, 0, FORM_NO64, 0 },
	{ "popa", O1(0x61), NO_MODRM, 0, FORM_NO64, 0 },
	{ "push es", O1(0x06), NO_MODRM, 0, FORM_NO64 | FORM_INTEL, 0 },
	{ "push cs", O1(0x0e), NO_MODRM, 0, FORM_NO64 | FORM_INTEL, 0 },
	{ "push ss", O1(0x16), NO_MODRM, 0, FORM_NO64 | FORM_INTEL, 0 },
	{ "push ds", O1(0x1e), NO_MODRM, 0, FORM_NO64 | FORM_INTEL, 0 },
	{ "push gs", O2(0xa8), NO_MODRM, 0, FORM_INTEL, 0 },
	{ "enter", O1(0xc8), NO_MODRM, IMM_ENTER, 0, 0 },
	{ "leave", O1(0xc9), NO_MODRM, 0, 0, 0 },
	{ "jmp Jb", O1(0xeb), NO_MODRM, 1, FORM_JUMP | FORM_NO66, 0 },
	{ "jmp Jz", O1(0xe9), NO_MODRM, IMM_Z, FORM_JUMP | FORM_NO66, 0 },
	{ "jmp Ev", O1(0xff), 4, 0, FORM_TARGET | FORM_NO66, 0 },
	{ "call Jz", O1(0xe8), NO_MODRM, IMM_Z, FORM_JUMP | FORM_NO66, 0 },
	{ "call Ev", O1(0xff), 2, 0, FORM_TARGET | FORM_NO66 | FORM_INTEL, 0 },
	{ "ret", O1(0xc3), NO_MODRM, 0, FORM_RET | FORM_NO66, 0 },
	{ "ret Iw", O1(0xc2), NO_MODRM, 2, FORM_RET | FORM_NO66, 0 },
	{ "jcc Jb", O1(0x70), NO_MODRM, 1, FORM_JUMP | FORM_CC | FORM_NO66, 0 },
	{ "jcc Jz", O2(0x80), NO_MODRM, IMM_Z, FORM_JUMP | FORM_CC | FORM_NO66, 0 },
	{ "loopne", O1(0xe0), NO_MODRM, 1, FORM_JUMP | FORM_NO66, 0 },
	{ "loope", O1(0xe1), NO_MODRM, 1, FORM_JUMP | FORM_NO66, 0 },
	{ "loop", O1(0xe2), NO_MODRM, 1, FORM_JUMP | FORM_NO66, 0 },
	{ "jrcxz", O1(0xe3), NO_MODRM, 1, FORM_JUMP | FORM_NO66, 0 },
	{ "mov Es,Sw", O1(0x8c), ANY_REG, 0, 0, 0 },
	{ "mov Sw,Ew", O1(0x8e), ANY_REG, 0, FORM_SEGLOAD | FORM_REG, 0 },
	{ "movups Vx,Wx", O2(0x10), ANY_REG, 0, 0, 0 },
	{ "movups Wx,Vx", O2(0x11), ANY_REG, 0, 0, 0 },
	{ "movaps Vx,Wx", O2(0x28), ANY_REG, 0, FORM_ALIGN, 0 },
	{ "movaps Wx,Vx", O2(0x29), ANY_REG, 0, FORM_ALIGN, 0 },
	{ "movntps", O2(0x2b), ANY_REG, 0, FORM_ALIGN | FORM_MEM, 0 },
	{ "movdqa Vx,Wx", O2(0x6f), ANY_REG, 0, FORM_ALIGN | FORM_66, 0 },
	{ "movdqa Wx,Vx", O2(0x7f), ANY_REG, 0, FORM_ALIGN | FORM_66, 0 },
	{ "movdqu Vx,Wx", O2(0x6f), ANY_REG, 0, FORM_F3, 0 },
	{ "movdqu Wx,Vx", O2(0x7f), ANY_REG, 0, FORM_F3, 0 },
	{ "movntdq", O2(0xe7), ANY_REG, 0, FORM_ALIGN | FORM_MEM | FORM_66, 0 },
	{ "nop Ev", O2(0x1f), ANY_REG, 0, 0, 0 },
	{ "prefetch", O2(0x18), ANY_REG, 0, FORM_MEM, 0 },
	{ "prefetchw", O2(0x0d), 1, 0, FORM_MEM, 0 },
	{ "clflush", O2(0xae), 7, 0, FORM_MEM | FORM_NO66, 0 },
	{ "lfence", O2(0xae), 5, 0, FORM_REG | FORM_NO66, 0 },
	{ "ud2", O2(0x0b), NO_MODRM, 0, 0, 0 },
	{ "hlt (#GP)", O1(0xf4), NO_MODRM, 0, 0, 0 },
	{ "cli (#GP)", O1(0xfa), NO_MODRM, 0, 0, 0 },
	{ "sti (#GP)", O1(0xfb), NO_MODRM, 0, 0, 0 },
	{ "in AL,Ib (#GP)", O1(0xe4), NO_MODRM, 1, 0, 0 },
	{ "out DX,rAX (#GP)", O1(0xef), NO_MODRM, 0, 0, 0 },
	{ "clts (#GP)", O2(0x06), NO_MODRM, 0, 0, 0 },
	{ "wbinvd (#GP)", O2(0x09), NO_MODRM, 0, 0, 0 },
	{ "mov cr (#GP)", O2(0x20), 0, 0, FORM_REG | FORM_INTEL, 0 },
	{ "mov to cs (#UD)", O1(0x8e), 1, 0, 0, 0 },
	{ "mov cr5 (#UD)", O2(0x20), 5, 0, FORM_REG, 0 },
	{ "mov to cr1 (#UD)", O2(0x22), 1, 0, FORM_REG, 0 },
	{ "rdmsr (#GP)", O2(0x32), NO_MODRM, 0, 0, 0 },
	{ "lgdt (#GP)", O2(0x01), 2, 0, FORM_MEM, 0 },
	{ "invlpg (#GP)", O2(0x01), 7, 0, FORM_MEM, 0 },
};

const unsigned int form_count = ARRAY_SIZE(forms);
