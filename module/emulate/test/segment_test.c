// SPDX-License-Identifier: GPL-2.0-only
/*
 * Segmentation: limits, types, descriptors, far transfers within a ring, and the faults that
 * they and the pages under them raise.
 */
#include <string.h>

#include "machine.h"
#include "tests.h"

#define REAL	EMULATE_MODE_REAL
#define VM86	EMULATE_MODE_VM86
#define P16	EMULATE_MODE_PROT16
#define P32	EMULATE_MODE_PROT32
#define L64	EMULATE_MODE_LONG64

#define DATA_RO		(0x8091 | EMULATE_AR_DB)
#define DATA_DOWN	(0x8097 | EMULATE_AR_DB)
#define CODE_X		(0x8099 | EMULATE_AR_DB)
#define CODE_RX		(0x809b | EMULATE_AR_DB)

static struct machine m;

/* An access to DS:EBX, of a segment made for the row. */
struct access_row {
	const char *name;
	enum emulate_mode mode;
	bool write;
	u32 ar;			/* 0: the mode's own */
	u32 limit;
	u64 offset;
	int vector, error_code;	/* vector 0: no fault */
};

static const struct access_row accesses[] = {
	{ "last dword of the limit", P32, true, 0, 0x603, 0x600, 0, 0 },
	{ "one byte behind the limit", P32, true, 0, 0x602, 0x600, VEC_GP, 0 },
	{ "wrap at 4 GiB", P32, false, 0, 0xffffffff, 0xfffffffe, VEC_GP, 0 },
	{ "limit in real mode, no error code", REAL, true, 0, 0xffff, 0xfffd, VEC_GP, -1 },
	{ "limit in virtual-8086 mode", VM86, true, 0, 0xffff, 0xfffd, VEC_GP, 0 },
	{ "read-only data, read", P32, false, DATA_RO, 0xffff, 0x600, 0, 0 },
	{ "read-only data, written", P32, true, DATA_RO, 0xffff, 0x600, VEC_GP, 0 },
	{ "execute-only code, read", P32, false, CODE_X, 0xffff, 0x600, VEC_GP, 0 },
	{ "readable code, read", P32, false, CODE_RX, 0xffff, 0x600, 0, 0 },
	{ "readable code, written", P32, true, CODE_RX, 0xffff, 0x600, VEC_GP, 0 },
	{ "unusable", P32, false, EMULATE_AR_UNUSABLE, 0, 0x600, VEC_GP, 0 },
	{ "expand-down, above the limit", P32, true, DATA_DOWN, 0x5ff, 0x600, 0, 0 },
	{ "expand-down, below the limit", P32, true, DATA_DOWN, 0x600, 0x600, VEC_GP, 0 },
	{ "expand-down, 16 bits, above 64 KiB", P32, true, 0x8097, 0x5ff, 0x10000, VEC_GP, 0 },
	{ "types do not count in real mode", REAL, true, DATA_RO, 0xffff, 0x600, 0, 0 },
	{ "64-bit mode has no limit", L64, true, 0, 0, 0x600, 0, 0 },
	{ "not canonical", L64, true, 0, 0, 0x800000000000, VEC_GP, 0 },
	{ "canonical, not mapped", L64, true, 0, 0, 0x7fffffff0000, VEC_PF, 2 },
	{ "read-only page", P32, true, 0, 0xffffffff, READ_ONLY, VEC_PF, 3 },
};

static void run_access(const struct access_row *row)
{
	/* mov [ebx],eax; mov eax,[ebx]; with 66 67 where the default is 16 bits */
	bool narrow = row->mode == REAL || row->mode == VM86;
	u8 code[4] = { 0x66, 0x67, row->write ? 0x89 : 0x8b, 0x03 };
	int r;

	machine_init(&m, row->mode, code + (narrow ? 0 : 2), narrow ? 4 : 2);
	if (row->ar)
		m.seg[EMULATE_DS].ar = row->ar;
	m.seg[EMULATE_DS].limit = row->limit;
	m.c.gprs[EMULATE_RBX] = row->offset;
	m.c.gprs[EMULATE_RAX] = 0x12345678;
	r = machine_run(&m);
	if (!row->vector)
		tap_ok(r == EMULATE_OK, "access: %s", row->name);
	else
		tap_ok(machine_raised(&m, r, row->vector, row->error_code) &&
		       m.c.rip == CODE_AT && m.c.gprs[EMULATE_RAX] == 0x12345678 &&
		       (row->vector != VEC_PF || m.c.exception.address == row->offset),
		       "access: %s", row->name);
}

static void test_stack_faults(void)
{
	int r;

	machine_init(&m, P32, CODE(0x50));
	m.seg[EMULATE_SS].limit = STACK_AT - 2;
	r = machine_run(&m);
	tap_ok(machine_raised(&m, r, VEC_SS, 0) && m.c.gprs[EMULATE_RSP] == STACK_AT,
	       "access: push beyond the stack's limit is #SS");
	machine_init(&m, P32, CODE(0x8b, 0x45, 0x00));
	m.seg[EMULATE_SS].limit = 0x10;
	m.c.gprs[EMULATE_RBP] = 0x600;
	tap_ok(machine_raised(&m, machine_run(&m), VEC_SS, 0), "access: EBP means the stack");
	machine_init(&m, L64, CODE(0x50));
	m.c.gprs[EMULATE_RSP] = 0x8000000000000000;
	tap_ok(machine_raised(&m, machine_run(&m), VEC_SS, 0),
	       "access: RSP that is not canonical is #SS");
	machine_init(&m, L64, CODE(0x64, 0x89, 0x03));
	m.seg[EMULATE_FS].base = 0x10000;
	m.c.gprs[EMULATE_RBX] = 0x600;
	m.c.gprs[EMULATE_RAX] = 0x42;
	machine_run(&m);
	tap_ok(machine_ram(&m, 0x10600, 4) == 0x42, "access: FS has a base in 64-bit mode");
	machine_init(&m, P32, CODE(0x89, 0x03));
	m.seg[EMULATE_DS].base = 0xfffff000;
	m.c.gprs[EMULATE_RBX] = 0x1600;
	m.c.gprs[EMULATE_RAX] = 0x42;
	machine_run(&m);
	tap_ok(machine_ram(&m, 0x600, 4) == 0x42, "access: linear addresses wrap at 4 GiB");
}

/* Descriptors of the GDT at 0x2000, by selector. */
static const struct {
	u16 selector;
	u64 raw;
} gdt[] = {
	{ 0x08, 0x00cf9b000000ffff },	/* code, 4 GiB */
	{ 0x10, 0x00cf93000000ffff },	/* data, 4 GiB */
	{ 0x18, 0x0040920020000fff },	/* data, base 0x2000, 4 KiB, not accessed */
	{ 0x20, 0x00cf13000000ffff },	/* data, not present */
	{ 0x28, 0x00cf90000000ffff },	/* data, read-only */
	{ 0x30, 0x00cf98000000ffff },	/* code, execute-only */
	{ 0x38, 0x00af9b000000ffff },	/* 64-bit code */
	{ 0x40, 0x0000890050000067 },	/* TSS, available */
	{ 0x50, 0x000082006000001f },	/* LDT at 0x6000 */
	{ 0x60, 0x00cff3000000ffff },	/* data, DPL 3 */
	{ 0x68, 0x0000ec0000080000 },	/* call gate */
	{ 0x70, 0x00409b0000000fff },	/* code, 4 KiB */
	{ 0x78, 0x00cf1b000000ffff },	/* code, not present */
	{ 0x80, 0x00cf9f000000ffff },	/* code, conforming */
};

static void load_gdt(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(gdt); i++)
		machine_set_ram(&m, 0x2000 + gdt[i].selector, gdt[i].raw, 8);
}

/* mov SEG,ax: the result, or the fault. */
struct load_row {
	const char *name;
	u8 seg;
	u16 selector;
	int vector, error_code;
	u64 base;
	u32 limit;
};

static const struct load_row loads[] = {
	{ "data", EMULATE_ES, 0x10, 0, 0, 0, 0xffffffff },
	{ "base and limit", EMULATE_GS, 0x18, 0, 0, 0x2000, 0xfff },
	{ "null", EMULATE_DS, 0x03, 0, 0, 0, 0 },
	{ "beyond the table", EMULATE_DS, 0x100, VEC_GP, 0x100, 0, 0 },
	{ "not present", EMULATE_DS, 0x20, VEC_NP, 0x20, 0, 0 },
	{ "execute-only code", EMULATE_DS, 0x30, VEC_GP, 0x30, 0, 0 },
	{ "readable code", EMULATE_DS, 0x08, 0, 0, 0, 0xffffffff },
	{ "a system segment", EMULATE_DS, 0x40, VEC_GP, 0x40, 0, 0 },
	{ "RPL above DPL", EMULATE_DS, 0x13, VEC_GP, 0x10, 0, 0 },
	{ "LDT that is not there", EMULATE_DS, 0x0c, VEC_GP, 0x0c, 0, 0 },
	{ "stack", EMULATE_SS, 0x10, 0, 0, 0, 0xffffffff },
	{ "stack, null", EMULATE_SS, 0, VEC_GP, 0, 0, 0 },
	{ "stack, read-only", EMULATE_SS, 0x28, VEC_GP, 0x28, 0, 0 },
	{ "stack, code", EMULATE_SS, 0x08, VEC_GP, 0x08, 0, 0 },
	{ "stack, another privilege", EMULATE_SS, 0x60, VEC_GP, 0x60, 0, 0 },
	{ "stack, not present", EMULATE_SS, 0x20, VEC_SS, 0x20, 0, 0 },
	{ "CS", EMULATE_CS, 0x08, VEC_UD, -1, 0, 0 },
};

static void run_load(const struct load_row *row)
{
	struct emulate_segment *s = &m.seg[row->seg], old;
	int r;

	machine_init(&m, P32, CODE(0x8e, 0xc0 | row->seg << 3));
	load_gdt();
	m.c.gprs[EMULATE_RAX] = row->selector;
	old = *s;
	r = machine_run(&m);
	if (row->vector)
		tap_ok(machine_raised(&m, r, row->vector, row->error_code) &&
		       !memcmp(s, &old, sizeof(old)), "load: %s", row->name);
	else
		tap_ok(r == EMULATE_OK && s->selector == row->selector && s->base == row->base &&
		       s->limit == row->limit &&
		       !(s->ar & EMULATE_AR_UNUSABLE) == !!(row->selector & 0xfffc),
		       "load: %s", row->name);
}

static void test_load_forms(void)
{
	static const struct {
		const char *name;
		u8 bytes[4], n, seg;
	} far[] = {
		{ "les", { 0xc4, 0x03 }, 2, EMULATE_ES }, { "lds", { 0xc5, 0x03 }, 2, EMULATE_DS },
		{ "lss", { 0x0f, 0xb2, 0x03 }, 3, EMULATE_SS },
		{ "lfs", { 0x0f, 0xb4, 0x03 }, 3, EMULATE_FS },
		{ "lgs", { 0x0f, 0xb5, 0x03 }, 3, EMULATE_GS },
	}, pops[] = {
		{ "pop es", { 0x07 }, 1, EMULATE_ES }, { "pop ss", { 0x17 }, 1, EMULATE_SS },
		{ "pop ds", { 0x1f }, 1, EMULATE_DS }, { "pop fs", { 0x0f, 0xa1 }, 2, EMULATE_FS },
		{ "pop gs", { 0x0f, 0xa9 }, 2, EMULATE_GS },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(far); i++) {
		machine_init(&m, P32, far[i].bytes, far[i].n);
		load_gdt();
		machine_set_ram(&m, 0x600, 0x1800112233, 6);
		m.c.gprs[EMULATE_RBX] = 0x600;
		machine_set_ram(&m, 0x2018, 0x0040930020000fff, 8);
		tap_ok(machine_run(&m) == EMULATE_OK && m.seg[far[i].seg].base == 0x2000 &&
		       m.c.gprs[EMULATE_RAX] == 0x112233, "load: %s", far[i].name);
	}
	for (i = 0; i < ARRAY_SIZE(pops); i++) {
		machine_init(&m, P32, pops[i].bytes, pops[i].n);
		load_gdt();
		machine_set_ram(&m, STACK_AT, 0xffff0018, 4);
		tap_ok(machine_run(&m) == EMULATE_OK && m.seg[pops[i].seg].base == 0x2000 &&
		       m.c.gprs[EMULATE_RSP] == STACK_AT + 4 &&
		       m.c.shadow == (i == 1 ? EMULATE_SHADOW_MOV_SS : 0), "load: %s",
		       pops[i].name);
	}
	tap_ok(machine_ram(&m, 0x201d, 1) == 0x93, "load: the descriptor is marked accessed");

	machine_init(&m, REAL, CODE(0x8e, 0xd8));
	m.seg[EMULATE_DS].limit = 0xffffffff;
	m.c.gprs[EMULATE_RAX] = 0x1234;
	machine_run(&m);
	tap_ok(m.seg[EMULATE_DS].base == 0x12340 && m.seg[EMULATE_DS].limit == 0xffffffff,
	       "load: real mode keeps the limit");

	machine_init(&m, P32, CODE(0x8e, 0xd8));
	m.c.cpl = 3;
	load_gdt();
	m.table[EMULATE_GDT].base = SUPERVISOR;
	machine_set_ram(&m, SUPERVISOR + 0x60, 0x00cff3000000ffff, 8);
	m.c.gprs[EMULATE_RAX] = 0x63;
	tap_ok(machine_run(&m) == EMULATE_OK && m.seg[EMULATE_DS].selector == 0x63,
	       "load: the table is read with supervisor rights");

	machine_init(&m, P32, CODE(0x8e, 0xd8));
	load_gdt();
	m.seg[EMULATE_LDTR] = (struct emulate_segment){ .base = 0x6000, .limit = 15, .ar = 0x82 };
	machine_set_ram(&m, 0x6008, 0x0040930070000fff, 8);
	m.c.gprs[EMULATE_RAX] = 0x0c;
	tap_ok(machine_run(&m) == EMULATE_OK && m.seg[EMULATE_DS].base == 0x7000,
	       "load: from the LDT");
}

static void test_system_segments(void)
{
	int r;

	machine_init(&m, P32, CODE(0x0f, 0x00, 0xd8));
	load_gdt();
	m.c.gprs[EMULATE_RAX] = 0x40;
	r = machine_run(&m);
	tap_ok(r == EMULATE_OK && m.seg[EMULATE_TR].base == 0x5000 &&
	       m.seg[EMULATE_TR].limit == 0x67 && machine_ram(&m, 0x2045, 1) == 0x8b,
	       "load: ltr marks the TSS busy");
	m.c.rip = CODE_AT;
	tap_ok(machine_raised(&m, machine_run(&m), VEC_GP, 0x40), "load: ltr of a busy TSS");

	machine_init(&m, P32, CODE(0x0f, 0x00, 0xd0));
	load_gdt();
	m.c.gprs[EMULATE_RAX] = 0x50;
	tap_ok(machine_run(&m) == EMULATE_OK && m.seg[EMULATE_LDTR].base == 0x6000, "load: lldt");
	m.c.rip = CODE_AT;
	m.c.gprs[EMULATE_RAX] = 0;
	tap_ok(machine_run(&m) == EMULATE_OK && (m.seg[EMULATE_LDTR].ar & EMULATE_AR_UNUSABLE),
	       "load: lldt of null");
	m.c.rip = CODE_AT;
	m.c.gprs[EMULATE_RAX] = 0x10;
	tap_ok(machine_raised(&m, machine_run(&m), VEC_GP, 0x10), "load: lldt of a data segment");

	machine_init(&m, L64, CODE(0x0f, 0x00, 0xd8));
	load_gdt();
	machine_set_ram(&m, 0x2048, 0xffff8000, 8);
	m.c.gprs[EMULATE_RAX] = 0x40;
	tap_ok(machine_run(&m) == EMULATE_OK && m.seg[EMULATE_TR].base == 0xffff800000005000,
	       "load: ltr takes 16 bytes in long mode");
}

/* jmp SELECTOR:0x1234 in 32-bit protected mode. */
static const struct {
	const char *name;
	u16 selector;
	int result, vector, error_code;
} jumps[] = {
	{ "to the same ring", 0x08, EMULATE_OK, 0, 0 },
	{ "conforming", 0x80, EMULATE_OK, 0, 0 },
	{ "null", 0, EMULATE_FAULT, VEC_GP, 0 },
	{ "data", 0x10, EMULATE_FAULT, VEC_GP, 0x10 },
	{ "not present", 0x78, EMULATE_FAULT, VEC_NP, 0x78 },
	{ "RPL above CPL", 0x0b, EMULATE_FAULT, VEC_GP, 0x08 },
	{ "beyond the segment", 0x70, EMULATE_FAULT, VEC_GP, 0 },
	{ "a gate is not supported", 0x68, EMULATE_UNHANDLED, 0, 0 },
};

static void test_far_transfers(void)
{
	unsigned int i;
	int r;

	for (i = 0; i < ARRAY_SIZE(jumps); i++) {
		u16 s = jumps[i].selector;

		machine_init(&m, P32, CODE(0xea, 0x34, 0x12, 0, 0, s & 0xff, s >> 8));
		load_gdt();
		r = machine_run(&m);
		tap_ok(r == jumps[i].result &&
		       (r != EMULATE_OK || (m.c.rip == 0x1234 &&
					    m.seg[EMULATE_CS].selector == s)) &&
		       (r != EMULATE_FAULT ||
			machine_raised(&m, r, jumps[i].vector, jumps[i].error_code)),
		       "far jump: %s", jumps[i].name);
	}
	machine_init(&m, P32, CODE(0x9a, 0x34, 0x12, 0, 0, 0x08, 0));
	load_gdt();
	m.ram[0x1234] = 0xcb;
	r = machine_run(&m);
	tap_ok(r == EMULATE_OK && m.c.rip == 0x1234 && m.c.gprs[EMULATE_RSP] == STACK_AT - 8 &&
	       machine_run(&m) == EMULATE_OK && m.c.rip == CODE_AT + 7 &&
	       m.c.gprs[EMULATE_RSP] == STACK_AT, "far call and return in protected mode");

	/* Right after CR0.PE is set: 16-bit code, still flat by its cached descriptors. */
	machine_init(&m, P16, CODE(0x66, 0xea, 0x34, 0x12, 0, 0, 0x08, 0));
	load_gdt();
	r = machine_run(&m);
	tap_ok(r == EMULATE_OK && m.c.rip == 0x1234 && (m.seg[EMULATE_CS].ar & EMULATE_AR_DB),
	       "far jump from 16-bit to 32-bit code");
	machine_init(&m, P32, CODE(0xea, 0x34, 0x12, 0, 0, 0x38, 0));
	load_gdt();
	m.c.efer = 0x500;
	r = machine_run(&m);
	tap_ok(r == EMULATE_OK && m.c.rip == 0x1234 && (m.seg[EMULATE_CS].ar & EMULATE_AR_L),
	       "far jump from compatibility to 64-bit mode");
}

void test_segments(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(accesses); i++)
		run_access(&accesses[i]);
	test_stack_faults();
	for (i = 0; i < ARRAY_SIZE(loads); i++)
		run_load(&loads[i]);
	test_load_forms();
	test_system_segments();
	test_far_transfers();
}
