// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hardware task switches: what is saved, loaded and marked, whose the faults are, and that nothing
 * has changed when one is the old task's.
 */
#include <string.h>

#include "machine.h"
#include "tests.h"

#define GDT	0x2000
#define OLD	0x40	/* selectors of the TSSs */
#define NEW	0x48
#define NEW16	0x50
#define OLD_AT	0x5000
#define NEW_AT	0x5ffcUL	/* over a page's end */
#define NEW16_AT 0x7000

static struct machine m;

static const struct {
	u16 selector;
	u64 raw;
} gdt[] = {
	{ 0x08, 0x00cf9b000000ffff },	/* code */
	{ 0x10, 0x00cf93000000ffff },	/* data */
	{ 0x18, 0x00cffa000000ffff },	/* code, DPL 3, not accessed */
	{ 0x20, 0x00cff3000000ffff },	/* data, DPL 3 */
	{ 0x28, 0x00cf73000000ffff },	/* data, DPL 3, not present */
	{ 0x30, 0x000082009000001f },	/* LDT at 0x9000 */
	{ OLD, 0x00008b0050000067 },
	{ NEW, 0x000089005ffc0067 },
	{ NEW16, 0x000081007000002b },
	{ 0x58, 0x0000890050000066 },	/* a byte too short */
	{ 0x60, 0x0000090050000067 },	/* not present */
	{ 0x68, 0x00008900f0000067 | 0x0fULL << 32 },	/* TSS that cannot be written */
};

static void put32(u64 at, u32 val)
{
	machine_set_ram(&m, at, val, 4);
}

static void put16(u64 at, u16 val)
{
	machine_set_ram(&m, at, val, 2);
}

/* A task of 32 bits at privilege 3. */
static void new_task(u64 at)
{
	unsigned int i;

	memset(m.ram + at, 0, 104);
	put32(at + 28, 0xabc000);
	put32(at + 32, 0x1234);
	put32(at + 36, 0x202);
	for (i = 0; i < 8; i++)
		put32(at + 40 + 4 * i, i == 4 ? 0xa000 : 0x11111111 * (i + 1));
	put32(at + 72, 0x23);
	put32(at + 76, 0x1b);
	put32(at + 80, 0x23);
	put32(at + 84, 0x23);
	put32(at + 88, 0);
	put32(at + 92, 0x23);
	put32(at + 96, 0x30);
}

static void start(void)
{
	unsigned int i;

	machine_init(&m, EMULATE_MODE_PROT32, CODE(0x90));
	for (i = 0; i < ARRAY_SIZE(gdt); i++)
		machine_set_ram(&m, GDT + gdt[i].selector, gdt[i].raw, 8);
	m.table[EMULATE_GDT] = (struct emulate_desc_table){ .base = GDT, .limit = 0x7f };
	m.seg[EMULATE_TR] = (struct emulate_segment){
		.selector = OLD, .base = OLD_AT, .limit = 0x67, .ar = 0x8b,
	};
	for (i = EMULATE_ES; i <= EMULATE_GS; i++)
		m.seg[i].selector = i == EMULATE_CS ? 0x08 : 0x10;
	m.c.cr0 |= CR0_PG;
	m.c.rip = 0x1111;
	m.c.rflags = 0x246;
	for (i = 0; i < 8; i++)
		m.c.gprs[i] = 0xcafe0000 + i;
	memset(m.ram + OLD_AT, 0, 104);
	new_task(NEW_AT);
}

static int go(u16 selector, unsigned int source)
{
	struct emulate_task task = { .selector = selector, .source = source };

	return emulate_task_switch(&m.c, &task);
}

static u8 type_of(u16 selector)
{
	return m.ram[GDT + selector + 5] & 0xf;
}

static bool saved(u32 flags)
{
	unsigned int i;
	bool ok = machine_ram(&m, OLD_AT + 32, 4) == 0x1111 &&
		  machine_ram(&m, OLD_AT + 36, 4) == flags;

	for (i = 0; i < 8; i++)
		ok = ok && machine_ram(&m, OLD_AT + 40 + 4 * i, 4) == 0xcafe0000 + i;
	for (i = 0; i < 6; i++)
		ok = ok && machine_ram(&m, OLD_AT + 72 + 4 * i, 4) == (i == 1 ? 0x08 : 0x10);
	return ok;
}

static bool loaded(u64 flags)
{
	unsigned int i;
	bool ok = m.c.rip == 0x1234 && m.c.rflags == flags && m.c.cpl == 3 &&
		  m.c.mode == EMULATE_MODE_PROT32 && m.cr[3] == 0xabc000 && (m.c.cr0 & CR0_TS);

	for (i = 0; i < 8; i++)
		ok = ok && m.c.gprs[i] == (i == 4 ? 0xa000U : 0x11111111U * (i + 1));
	ok = ok && m.seg[EMULATE_CS].selector == 0x1b && m.seg[EMULATE_SS].selector == 0x23;
	ok = ok && m.seg[EMULATE_FS].selector == 0 && (m.seg[EMULATE_FS].ar & EMULATE_AR_UNUSABLE);
	return ok && m.seg[EMULATE_LDTR].base == 0x9000 && m.seg[EMULATE_TR].selector == NEW &&
	       m.seg[EMULATE_TR].base == NEW_AT && (m.seg[EMULATE_TR].ar & 0xf) == 0xb;
}

static void test_sources(void)
{
	int r;

	start();
	r = go(NEW, EMULATE_TASK_JMP);
	tap_ok(r == EMULATE_OK && m.c.retired && saved(0x246) && loaded(0x202), "task: JMP");
	tap_ok(type_of(OLD) == 9 && type_of(NEW) == 0xb && !machine_ram(&m, NEW_AT, 2),
	       "task: JMP frees the old TSS and links nothing");
	tap_ok((m.ram[GDT + 0x18 + 5] & 1), "task: its code segment is marked accessed");

	start();
	r = go(NEW, EMULATE_TASK_CALL);
	tap_ok(r == EMULATE_OK && saved(0x246) && loaded(0x202 | FLAG_NT), "task: CALL nests");
	tap_ok(type_of(OLD) == 0xb && type_of(NEW) == 0xb && machine_ram(&m, NEW_AT, 2) == OLD,
	       "task: CALL leaves the old TSS busy and links to it");
	/* and back: the tasks change their parts */
	m.c.rip = 0x2222;
	r = go(OLD, EMULATE_TASK_IRET);
	tap_ok(r == EMULATE_OK && m.c.rip == 0x1111 && m.c.rflags == 0x246 && m.c.cpl == 0 &&
	       m.c.gprs[0] == 0xcafe0000 && machine_ram(&m, NEW_AT + 32, 4) == 0x2222 &&
	       machine_ram(&m, NEW_AT + 36, 4) == 0x202, "task: IRET goes back, and takes NT");
	tap_ok(type_of(OLD) == 0xb && type_of(NEW) == 9, "task: IRET frees what it leaves");

	start();
	put16(NEW16_AT + 14, 0x4321);
	put16(NEW16_AT + 16, 0x0002);
	put16(NEW16_AT + 26, 0x8000);
	put16(NEW16_AT + 34, 0x10);
	put16(NEW16_AT + 36, 0x08);
	put16(NEW16_AT + 38, 0x10);
	put16(NEW16_AT + 40, 0x10);
	r = go(NEW16, EMULATE_TASK_JMP);
	tap_ok(r == EMULATE_OK && saved(0x246) && m.c.rip == 0x4321 &&
	       m.c.gprs[EMULATE_RSP] == 0x8000 && type_of(NEW16) == 3 &&
	       (m.seg[EMULATE_GS].ar & EMULATE_AR_UNUSABLE), "task: 16 bits");
}

static void test_error_code(void)
{
	struct emulate_task task = {
		.selector = NEW, .source = EMULATE_TASK_GATE, .has_error_code = true,
		.error_code = 0x55aa,
	};
	int r;

	start();
	r = emulate_task_switch(&m.c, &task);
	tap_ok(r == EMULATE_OK && m.c.gprs[EMULATE_RSP] == 0x9ffc &&
	       machine_ram(&m, 0x9ffc, 4) == 0x55aa && (m.c.rflags & FLAG_NT),
	       "task: an exception's error code is on the new stack");
}

/* Faults before anything has changed. */
static const struct {
	const char *name;
	u16 selector;
	u8 source;
	int vector, error;
} old_faults[] = {
	{ "null", 0, EMULATE_TASK_JMP, VEC_GP, 0 },
	{ "in the LDT", NEW | 4, EMULATE_TASK_CALL, VEC_GP, NEW | 4 },
	{ "beyond the GDT", 0x80, EMULATE_TASK_JMP, VEC_GP, 0x80 },
	{ "no TSS", 0x10, EMULATE_TASK_JMP, VEC_GP, 0x10 },
	{ "busy", OLD, EMULATE_TASK_JMP, VEC_GP, OLD },
	{ "not busy, by IRET", NEW, EMULATE_TASK_IRET, VEC_TS, NEW },
	{ "not present", 0x60, EMULATE_TASK_JMP, VEC_NP, 0x60 },
	{ "too short", 0x58, EMULATE_TASK_JMP, VEC_TS, 0x58 },
};

static void test_old_faults(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(old_faults); i++) {
		static u8 before[RAM_BYTES];
		int r;

		start();
		memcpy(before, m.ram, sizeof(before));
		r = go(old_faults[i].selector, old_faults[i].source);
		tap_ok(machine_raised(&m, r, old_faults[i].vector, old_faults[i].error) &&
		       !m.c.retired && m.c.rip == 0x1111 && m.c.rflags == 0x246 &&
		       !memcmp(before, m.ram, sizeof(before)) &&
		       m.seg[EMULATE_TR].selector == OLD, "task: %s", old_faults[i].name);
	}
}

/* Faults of the new task: its registers are there. */
static const struct {
	const char *name;
	u8 at;
	u16 val;
	int vector, error;
} new_faults[] = {
	{ "null CS", 76, 0, VEC_TS, 0 },
	{ "CS is data", 76, 0x23, VEC_TS, 0x20 },
	{ "CS of another privilege", 76, 0x08 | 3, VEC_TS, 0x08 },
	{ "null SS", 80, 0, VEC_TS, 0 },
	{ "SS of another privilege", 80, 0x10, VEC_TS, 0x10 },
	{ "DS is not present", 84, 0x2b, VEC_NP, 0x28 },
	{ "DS beyond the GDT", 84, 0x83, VEC_TS, 0x80 },
	{ "LDT is none", 96, 0x10, VEC_TS, 0x10 },
	{ "debug trap", 100, 1, VEC_DB, -1 },
};

static void test_new_faults(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(new_faults); i++) {
		int r;

		start();
		put16(NEW_AT + new_faults[i].at, new_faults[i].val);
		r = go(NEW, EMULATE_TASK_JMP);
		tap_ok(machine_raised(&m, r, new_faults[i].vector, new_faults[i].error) &&
		       m.c.retired && m.c.rip == 0x1234 && saved(0x246) &&
		       m.seg[EMULATE_TR].selector == NEW, "task: %s", new_faults[i].name);
	}
	start();
	put32(NEW_AT + 36, 0x20202);
	for (i = 0; i < 6; i++)
		put32(NEW_AT + 72 + 4 * i, 0x1000 + i);
	put32(NEW_AT + 96, 0);
	tap_ok(go(NEW, EMULATE_TASK_JMP) == EMULATE_OK && m.c.mode == EMULATE_MODE_VM86 &&
	       m.c.cpl == 3 && m.seg[EMULATE_CS].base == 0x10010 &&
	       m.seg[EMULATE_GS].base == 0x10050,
	       "task: into virtual-8086 mode");
}

void test_tasks(void)
{
	test_sources();
	test_error_code();
	test_old_faults();
	test_new_faults();
	start();
	tap_ok(machine_raised(&m, go(0x68, EMULATE_TASK_CALL), VEC_PF, -1) || !m.c.retired,
	       "task: a TSS that cannot be written");
	start();
	m.c.efer |= EFER_LMA;
	tap_ok(go(NEW, EMULATE_TASK_JMP) == EMULATE_UNHANDLED, "task: long mode has none");
}
