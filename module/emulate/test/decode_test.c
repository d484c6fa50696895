// SPDX-License-Identifier: GPL-2.0-only
/*
 * Decoding: lengths, sizes, addressing and what is refused, as rows.
 */
#include <stdio.h>
#include <string.h>

#include "machine.h"
#include "tests.h"

#define REAL	EMULATE_MODE_REAL
#define P16	EMULATE_MODE_PROT16
#define P32	EMULATE_MODE_PROT32
#define L64	EMULATE_MODE_LONG64

static struct machine m;

struct decode_row {
	const char *name;
	enum emulate_mode mode;
	unsigned int n;
	u8 bytes[16];
	u8 op, length, op_bytes, ad_bytes;
	u8 base, index, seg;
	s64 disp;
};

#define B(...)		sizeof((const u8[]){ __VA_ARGS__ }), { __VA_ARGS__ }
#define NO		EMULATE_NO_REG

static const struct decode_row rows[] = {
	{ "add [bx+si],al", REAL, B(0x00, 0x00), OP_ADD, 2, 2, 2, 3, 6, EMULATE_DS, 0 },
	{ "mov ax,[bp+2]", REAL, B(0x8b, 0x46, 0x02), OP_MOV, 3, 2, 2, 5, NO, EMULATE_SS, 2 },
	{ "mov ax,[bp+di-1]", P16, B(0x8b, 0x43, 0xff), OP_MOV, 3, 2, 2, 5, 7, EMULATE_SS, -1 },
	{ "mov ax,[disp16]", P16, B(0x8b, 0x06, 0x34, 0x12), OP_MOV, 4, 2, 2, NO, NO, EMULATE_DS,
	  0x1234 },
	{ "mov eax,[eax], prefixes", P16, B(0x66, 0x67, 0x8b, 0x00), OP_MOV, 4, 4, 4, 0, NO,
	  EMULATE_DS, 0 },
	{ "es override", P32, B(0x26, 0x8b, 0x00), OP_MOV, 3, 4, 4, 0, NO, EMULATE_ES, 0 },
	{ "last override wins", P32, B(0x26, 0x64, 0x8b, 0x00), OP_MOV, 4, 4, 4, 0, NO,
	  EMULATE_FS, 0 },
	{ "ds override ignored in 64-bit mode", L64, B(0x64, 0x3e, 0x8b, 0x00), OP_MOV, 4, 4, 8, 0,
	  NO, EMULATE_FS, 0 },
	{ "esp base means SS", P32, B(0x8b, 0x44, 0x24, 0x08), OP_MOV, 4, 4, 4, 4, NO, EMULATE_SS,
	  8 },
	{ "r12 base means DS", L64, B(0x41, 0x8b, 0x04, 0x24), OP_MOV, 4, 4, 8, 12, NO, EMULATE_DS,
	  0 },
	{ "r12 index", L64, B(0x42, 0x8b, 0x04, 0x20), OP_MOV, 4, 4, 8, 0, 12, EMULATE_DS, 0 },
	{ "sib without base", P32, B(0x8b, 0x04, 0x8d, 1, 0, 0, 0), OP_MOV, 7, 4, 4, NO, 1,
	  EMULATE_DS, 1 },
	{ "disp32", P32, B(0x8b, 0x05, 1, 0, 0, 0x80), OP_MOV, 6, 4, 4, NO, NO, EMULATE_DS,
	  -0x7fffffffLL },
	{ "moffs 64", L64, B(0x48, 0xa1, 1, 2, 3, 4, 5, 6, 7, 8), OP_MOV, 10, 8, 8, NO, NO,
	  EMULATE_DS, 0x0807060504030201 },
	{ "moffs 32 by 67", L64, B(0x67, 0xa1, 1, 2, 3, 4), OP_MOV, 6, 4, 4, NO, NO, EMULATE_DS,
	  0x04030201 },
	{ "imm64", L64, B(0x48, 0xb8, 1, 2, 3, 4, 5, 6, 7, 8), OP_MOV, 10, 8, 8, NO, NO, EMULATE_DS,
	  0 },
	{ "REX before 66 does not count", L64, B(0x48, 0x66, 0xb8, 1, 2), OP_MOV, 5, 2, 8, NO, NO,
	  EMULATE_DS, 0 },
	{ "REX.W beats 66", L64, B(0x66, 0x48, 0x89, 0xc0), OP_MOV, 4, 8, 8, NO, NO, EMULATE_DS,
	  0 },
	{ "push defaults to 64 bits", L64, B(0x50), OP_PUSH, 1, 8, 8, NO, NO, EMULATE_DS, 0 },
	{ "push with 66", L64, B(0x66, 0x50), OP_PUSH, 2, 2, 8, NO, NO, EMULATE_DS, 0 },
	{ "jmp ignores 66 in 64-bit mode", L64, B(0x66, 0xe9, 1, 2, 3, 4), OP_JMP, 6, 8, 8, NO, NO,
	  EMULATE_DS, 0 },
	{ "jmp with 66", P32, B(0x66, 0xe9, 1, 2), OP_JMP, 4, 2, 4, NO, NO, EMULATE_DS, 0 },
	{ "mov cr0 ignores mod", L64, B(0x0f, 0x20, 0x00), OP_MOV_FROM_CR, 3, 4, 8, NO, NO,
	  EMULATE_DS, 0 },
	{ "movbe", L64, B(0x0f, 0x38, 0xf0, 0x00), OP_MOVBE, 4, 4, 8, 0, NO, EMULATE_DS, 0 },
	{ "rdpid", L64, B(0xf3, 0x0f, 0xc7, 0xf8), OP_RDPID, 4, 4, 8, NO, NO, EMULATE_DS, 0 },
	{ "rdpid is no group 9 of memory", L64, B(0xf3, 0x0f, 0xc7, 0x08), OP_CMPXCHG8B, 4, 4, 8, 0,
	  NO, EMULATE_DS, 0 },
	{ "test in group 3 has an immediate", P32, B(0xf7, 0x00, 1, 2, 3, 4), OP_TEST, 6, 4, 4, 0,
	  NO, EMULATE_DS, 0 },
	{ "not has none", P32, B(0xf7, 0x10), OP_NOT, 2, 4, 4, 0, NO, EMULATE_DS, 0 },
	{ "les", P32, B(0xc4, 0x00), OP_LOAD_FAR, 2, 4, 4, 0, NO, EMULATE_DS, 0 },
	{ "movdqa", L64, B(0x66, 0x0f, 0x6f, 0x00), OP_MOVXMM_ALIGNED, 4, 2, 8, 0, NO, EMULATE_DS,
	  0 },
	{ "movdqu", L64, B(0xf3, 0x0f, 0x6f, 0x00), OP_MOVXMM, 4, 4, 8, 0, NO, EMULATE_DS, 0 },
	{ "endbr64 is a hint", L64, B(0xf3, 0x0f, 0x1e, 0xfa), OP_NOP, 4, 4, 8, NO, NO, EMULATE_DS,
	  0 },
	{ "15 bytes", P32, B(0x26, 0x26, 0x26, 0x26, 0x26, 0x26, 0x26, 0x26, 0x26, 0x26, 0x26, 0x26,
	  0x26, 0x89, 0xc0), OP_MOV, 15, 4, 4, NO, NO, EMULATE_DS, 0 },
};

/* Instructions that are refused: result, and vector of a fault. */
static const struct {
	const char *name;
	enum emulate_mode mode;
	unsigned int n;
	u8 bytes[16];
	int result, vector, error_code;
} refused[] = {
	{ "lock mov", P32, B(0xf0, 0x89, 0x00), EMULATE_FAULT, VEC_UD, -1 },
	{ "lock add to a register", P32, B(0xf0, 0x01, 0xc0), EMULATE_FAULT, VEC_UD, -1 },
	{ "lock cmp", P32, B(0xf0, 0x39, 0x00), EMULATE_FAULT, VEC_UD, -1 },
	{ "push es in 64-bit mode", L64, B(0x06), EMULATE_FAULT, VEC_UD, -1 },
	{ "pusha in 64-bit mode", L64, B(0x60), EMULATE_FAULT, VEC_UD, -1 },
	{ "far jmp in 64-bit mode", L64, B(0xea, 0, 0, 0, 0, 0, 0), EMULATE_FAULT, VEC_UD, -1 },
	{ "lea of a register", P32, B(0x8d, 0xc0), EMULATE_FAULT, VEC_UD, -1 },
	{ "les of a register, real mode", REAL, B(0xc4, 0xc0), EMULATE_FAULT, VEC_UD, -1 },
	{ "ud2", P32, B(0x0f, 0x0b), EMULATE_FAULT, VEC_UD, -1 },
	{ "mov to segment 6", P32, B(0x8e, 0xf0), EMULATE_FAULT, VEC_UD, -1 },
	{ "fe /2", P32, B(0xfe, 0x10), EMULATE_FAULT, VEC_UD, -1 },
	{ "ff /7", P32, B(0xff, 0x38), EMULATE_FAULT, VEC_UD, -1 },
	{ "lldt in real mode", REAL, B(0x0f, 0x00, 0xd0), EMULATE_FAULT, VEC_UD, -1 },
	{ "cmpxchg8b of a register", P32, B(0x0f, 0xc7, 0xc8), EMULATE_FAULT, VEC_UD, -1 },
	{ "lock rdpid", L64, B(0xf0, 0xf3, 0x0f, 0xc7, 0xf8), EMULATE_FAULT, VEC_UD, -1 },
	{ "rdseed", L64, B(0x0f, 0xc7, 0xf8), EMULATE_UNHANDLED, 0, 0 },
	{ "16 bytes", P32, B(0x26, 0x26, 0x26, 0x26, 0x26, 0x26, 0x26, 0x26, 0x26, 0x26, 0x26, 0x26,
	  0x26, 0x26, 0x89, 0xc0), EMULATE_FAULT, VEC_GP, 0 },
	{ "x87", P32, B(0xd9, 0xe8), EMULATE_UNHANDLED, 0, 0 },
	{ "VEX in 32-bit mode", P32, B(0xc5, 0xf8, 0x77), EMULATE_UNHANDLED, 0, 0 },
	{ "VEX in 64-bit mode", L64, B(0xc4, 0xe1, 0x78, 0x77), EMULATE_UNHANDLED, 0, 0 },
	{ "addss", L64, B(0xf3, 0x0f, 0x58, 0x00), EMULATE_UNHANDLED, 0, 0 },
	{ "tzcnt", L64, B(0xf3, 0x0f, 0xbc, 0xc0), EMULATE_UNHANDLED, 0, 0 },
	{ "popcnt's opcode without F3", L64, B(0x0f, 0xb8, 0xc0), EMULATE_UNHANDLED, 0, 0 },
	{ "arpl", P32, B(0x63, 0xc0), EMULATE_UNHANDLED, 0, 0 },
	{ "swapgs", L64, B(0x0f, 0x01, 0xf8), EMULATE_UNHANDLED, 0, 0 },
	{ "crc32", L64, B(0xf2, 0x0f, 0x38, 0xf0, 0xc0), EMULATE_UNHANDLED, 0, 0 },
};

static void decode_row(const struct decode_row *row)
{
	const struct emulate_insn *insn = &m.c.insn;
	int r;

	machine_init(&m, row->mode, row->bytes, row->n);
	r = emulate_decode(&m.c);
	tap_ok(r == EMULATE_OK && insn->op == row->op && insn->length == row->length &&
	       insn->op_bytes == row->op_bytes && insn->ad_bytes == row->ad_bytes &&
	       insn->mem.base == row->base && insn->mem.index == row->index &&
	       insn->mem.seg == row->seg && insn->mem.disp == row->disp, "decode: %s", row->name);
}

/* Bytes of a page that the instruction does not reach are not fetched. */
static void test_fetch(void)
{
	int r;

	machine_init(&m, P32, "", 0);
	m.c.rip = RAM_BYTES - 0x1000 - 2;	/* behind it: not executable */
	memcpy(m.ram + m.c.rip, "\x89\xc0", 2);
	r = machine_run(&m);
	tap_ok(r == EMULATE_OK && m.c.retired, "decode: an instruction ends with its page");

	machine_init(&m, P32, "", 0);
	m.c.rip = RAM_BYTES - 0x1000 - 2;
	memcpy(m.ram + m.c.rip, "\xb8\x01", 2);
	r = machine_run(&m);
	tap_ok(machine_raised(&m, r, VEC_PF, 0x11) &&
	       m.c.exception.address == RAM_BYTES - 0x1000 && m.c.rip == RAM_BYTES - 0x1000 - 2,
	       "decode: one that crosses faults at the second page");

	machine_init(&m, P16, CODE(0xb8, 1, 2));
	m.seg[EMULATE_CS].limit = CODE_AT + 1;
	r = machine_run(&m);
	tap_ok(machine_raised(&m, r, VEC_GP, 0), "decode: the limit of CS ends the fetch");

	machine_init(&m, L64, "", 0);
	m.c.rip = 0x800000000000;
	r = machine_run(&m);
	tap_ok(machine_raised(&m, r, VEC_GP, 0), "decode: RIP that is not canonical");

	machine_init(&m, REAL, CODE(0xb8, 1, 2, 3, 4));
	m.seg[EMULATE_CS].ar |= EMULATE_AR_DB;
	r = machine_run(&m);
	tap_ok(r == EMULATE_OK && m.c.gprs[EMULATE_RAX] == 0x04030201,
	       "decode: real mode keeps CS.D of protected mode");
}

void test_decode(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++)
		decode_row(&rows[i]);
	for (i = 0; i < ARRAY_SIZE(refused); i++) {
		int r;

		machine_init(&m, refused[i].mode, refused[i].bytes, refused[i].n);
		r = machine_run(&m);
		tap_ok(r == refused[i].result &&
		       (r != EMULATE_FAULT ||
			machine_raised(&m, r, refused[i].vector, refused[i].error_code)) &&
		       m.c.rip == CODE_AT && !m.c.retired, "decode: refused: %s", refused[i].name);
	}
	test_fetch();
}
