// SPDX-License-Identifier: GPL-2.0-only
/*
 * System instructions: descriptor tables, control and debug registers, MSRs, privilege, ports.
 */
#include <string.h>

#include "machine.h"
#include "tests.h"

#define REAL	EMULATE_MODE_REAL
#define VM86	EMULATE_MODE_VM86
#define P32	EMULATE_MODE_PROT32
#define L64	EMULATE_MODE_LONG64

static struct machine m;

static void test_tables(void)
{
	static const struct {
		const char *name;
		enum emulate_mode mode;
		u8 bytes[4], n, table;
		u64 base;
	} rows[] = {
		{ "lgdt, 16 bits", REAL, { 0x67, 0x0f, 0x01, 0x13 }, 4, EMULATE_GDT, 0x345678 },
		{ "lidt, 32 bits", P32, { 0x0f, 0x01, 0x1b }, 3, EMULATE_IDT, 0x12345678 },
		{ "lgdt, 64 bits", L64, { 0x0f, 0x01, 0x13 }, 3, EMULATE_GDT, 0xffff800012345678 },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		machine_init(&m, rows[i].mode, rows[i].bytes, rows[i].n);
		machine_set_ram(&m, 0x600, 0x1ff, 2);
		machine_set_ram(&m, 0x602, 0xffff800012345678, 8);
		m.c.gprs[EMULATE_RBX] = 0x600;
		tap_ok(machine_run(&m) == EMULATE_OK && m.table[rows[i].table].limit == 0x1ff &&
		       m.table[rows[i].table].base == rows[i].base, "system: %s", rows[i].name);
	}
	machine_init(&m, L64, CODE(0x0f, 0x01, 0x13));
	machine_set_ram(&m, 0x602, 0x800000000000, 8);
	m.c.gprs[EMULATE_RBX] = 0x600;
	tap_ok(machine_raised(&m, machine_run(&m), VEC_GP, 0), "system: lgdt, base not canonical");

	machine_init(&m, P32, CODE(0x0f, 0x01, 0x03, 0x0f, 0x01, 0x0b));
	m.c.gprs[EMULATE_RBX] = 0x600;
	tap_ok(machine_run(&m) == EMULATE_OK && machine_ram(&m, 0x600, 8) == 0x200000ff,
	       "system: sgdt stores 6 bytes");
	tap_ok(machine_run(&m) == EMULATE_OK && machine_ram(&m, 0x600, 8) == 0x3ff,
	       "system: sidt");
	m.c.rip = CODE_AT;
	m.c.cpl = 3;
	tap_ok(machine_run(&m) == EMULATE_OK, "system: sgdt at CPL 3");
	m.c.rip = CODE_AT;
	m.c.cr4 |= CR4_UMIP;
	tap_ok(machine_raised(&m, machine_run(&m), VEC_GP, 0), "system: and with CR4.UMIP");
}

static void test_registers(void)
{
	machine_init(&m, L64, CODE(0x0f, 0x22, 0xd8));
	m.c.gprs[EMULATE_RAX] = 0x123456789000;
	tap_ok(machine_run(&m) == EMULATE_OK && m.cr[3] == 0x123456789000, "system: mov cr3");
	machine_init(&m, P32, CODE(0x0f, 0x20, 0xc8));
	tap_ok(machine_raised(&m, machine_run(&m), VEC_UD, -1), "system: there is no CR1");
	machine_init(&m, L64, CODE(0x0f, 0x23, 0xf8));
	m.c.gprs[EMULATE_RAX] = 0x400;
	tap_ok(machine_run(&m) == EMULATE_OK && m.dr[7] == 0x400, "system: mov dr7");
	machine_init(&m, P32, CODE(0x0f, 0x21, 0xe0));
	m.c.cr4 |= CR4_DE;
	tap_ok(machine_raised(&m, machine_run(&m), VEC_UD, -1), "system: no DR4 with CR4.DE");

	machine_init(&m, REAL, CODE(0x0f, 0x01, 0xf0));
	m.c.gprs[EMULATE_RAX] = 0xfff1;
	tap_ok(machine_run(&m) == EMULATE_OK && m.cr[0] == 0x11, "system: lmsw sets PE");
	machine_init(&m, P32, CODE(0x0f, 0x01, 0xf0));
	m.c.gprs[EMULATE_RAX] = 0x8;
	tap_ok(machine_run(&m) == EMULATE_OK && m.cr[0] == 0x19, "system: and does not clear it");
	machine_init(&m, P32, CODE(0x0f, 0x06));
	m.c.cr0 = 0x80000019;
	tap_ok(machine_run(&m) == EMULATE_OK && m.cr[0] == 0x80000011, "system: clts");

	machine_init(&m, L64, CODE(0x0f, 0x30, 0x0f, 0x32));
	m.c.gprs[EMULATE_RCX] = 0x10;
	m.c.gprs[EMULATE_RAX] = 0xaaaaaaaa11111111;
	m.c.gprs[EMULATE_RDX] = 0xaaaaaaaa22222222;
	tap_ok(machine_run(&m) == EMULATE_OK && m.msr == 0x2222222211111111, "system: wrmsr");
	tap_ok(machine_run(&m) == EMULATE_OK && m.c.gprs[EMULATE_RDX] == 0x22222222,
	       "system: rdmsr clears the upper halves");
	m.c.rip = CODE_AT;
	m.c.gprs[EMULATE_RCX] = 0x11;
	tap_ok(machine_raised(&m, machine_run(&m), VEC_GP, 0), "system: an op may fault");

	machine_init(&m, P32, CODE(0x0f, 0x01, 0x3b));
	m.seg[EMULATE_DS].base = 0x10000;
	m.c.gprs[EMULATE_RBX] = 0x600;
	tap_ok(machine_run(&m) == EMULATE_OK && m.invlpg == 0x10600, "system: invlpg");
	machine_init(&m, P32, CODE(0x0f, 0x08, 0x0f, 0x09));
	tap_ok(machine_run(&m) == EMULATE_OK && machine_run(&m) == EMULATE_OK && m.wbinvds == 2,
	       "system: invd and wbinvd");
}

/* #GP(0) at CPL 3, each. */
static void test_privilege(void)
{
	static const u8 codes[][3] = {
		{ 0xf4 }, { 0x0f, 0x06 }, { 0x0f, 0x08 }, { 0x0f, 0x09 }, { 0x0f, 0x30 },
		{ 0x0f, 0x32 }, { 0x0f, 0x20, 0xc0 }, { 0x0f, 0x22, 0xc0 }, { 0x0f, 0x21, 0xc0 },
		{ 0x0f, 0x23, 0xc0 }, { 0x0f, 0x01, 0x13 }, { 0x0f, 0x01, 0x1b },
		{ 0x0f, 0x01, 0xf0 }, { 0x0f, 0x01, 0x3b }, { 0x0f, 0x00, 0xd0 },
		{ 0x0f, 0x00, 0xd8 }, { 0xfa }, { 0xfb },
	};
	unsigned int i, good = 0;

	for (i = 0; i < ARRAY_SIZE(codes); i++) {
		machine_init(&m, P32, codes[i], 3);
		m.c.cpl = 3;
		good += machine_raised(&m, machine_run(&m), VEC_GP, 0);
	}
	tap_ok(good == ARRAY_SIZE(codes), "system: %u privileged instructions at CPL 3 are #GP",
	       good);
	machine_init(&m, P32, CODE(0xfa));
	m.c.cpl = 3;
	m.c.rflags |= FLAG_IOPL | FLAG_IF;
	tap_ok(machine_run(&m) == EMULATE_OK && !(m.c.rflags & FLAG_IF), "system: cli by IOPL");
	machine_init(&m, VM86, CODE(0xfa));
	m.c.rflags &= ~FLAG_IOPL;
	tap_ok(machine_raised(&m, machine_run(&m), VEC_GP, 0), "system: cli in virtual-8086 mode");
	m.c.cr4 |= CR4_VME;
	tap_ok(machine_run(&m) == EMULATE_UNHANDLED, "system: with VME it is not supported");
	machine_init(&m, VM86, CODE(0x9c));
	m.c.rflags &= ~FLAG_IOPL;
	tap_ok(machine_raised(&m, machine_run(&m), VEC_GP, 0),
	       "system: pushf in virtual-8086 mode needs IOPL 3");
	machine_init(&m, P32, CODE(0x9d));
	m.c.cpl = 3;
	machine_set_ram(&m, STACK_AT, 0x3200 | FLAG_CF, 4);
	tap_ok(machine_run(&m) == EMULATE_OK && m.c.rflags == (FLAG_FIXED | FLAG_CF),
	       "system: popf at CPL 3 changes neither IF nor IOPL");
	machine_init(&m, P32, CODE(0x0f, 0x31));
	m.c.cpl = 3;
	m.c.cr4 |= CR4_TSD;
	tap_ok(machine_raised(&m, machine_run(&m), VEC_GP, 0), "system: rdtsc and CR4.TSD");
	machine_init(&m, REAL, CODE(0xcf));
	m.c.mode = P32;
	tap_ok(machine_run(&m) == EMULATE_UNHANDLED, "system: iret of protected mode is refused");
}

static void test_ports(void)
{
	static const struct {
		const char *name;
		u8 bytes[2];
		u16 port;
		u8 n;
	} outs[] = {
		{ "out imm,al", { 0xe6, 0x80 }, 0x80, 1 },
		{ "out imm,eax", { 0xe7, 0x80 }, 0x80, 4 },
		{ "out dx,al", { 0xee }, 0x3f8, 1 }, { "out dx,eax", { 0xef }, 0x3f8, 4 },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(outs); i++) {
		machine_init(&m, P32, outs[i].bytes, 2);
		m.c.gprs[EMULATE_RDX] = 0x3f8;
		m.c.gprs[EMULATE_RAX] = 0x11223344;
		tap_ok(machine_run(&m) == EMULATE_OK && m.write_count == 1 &&
		       m.writes[0].where == outs[i].port && m.writes[0].n == outs[i].n &&
		       m.writes[0].val == (0x11223344 & emu_mask(outs[i].n)), "port: %s",
		       outs[i].name);
	}
	machine_init(&m, P32, CODE(0xec));
	m.c.cpl = 3;
	m.c.gprs[EMULATE_RDX] = 0x3f8;
	tap_ok(machine_raised(&m, machine_run(&m), VEC_GP, 0) && !m.exits,
	       "port: not allowed by the bitmap");
	m.port_allowed = 0x3f8;
	tap_ok(machine_run(&m) == EMULATE_OK && m.reads == 1, "port: allowed by it");
	machine_init(&m, P32, CODE(0xec));
	m.c.cpl = 3;
	m.c.rflags |= FLAG_IOPL;
	tap_ok(machine_run(&m) == EMULATE_OK, "port: allowed by IOPL");
	machine_init(&m, VM86, CODE(0xec));
	m.c.gprs[EMULATE_RDX] = 0x3f8;
	tap_ok(machine_raised(&m, machine_run(&m), VEC_GP, 0),
	       "port: IOPL does not count in virtual-8086 mode");
}

/* Hints in all their encodings do nothing. */
static void test_hints(void)
{
	unsigned int opcode, reg, good = 0;

	for (opcode = 0x18; opcode <= 0x1f; opcode++) {
		machine_init(&m, P32, CODE(0x0f, opcode, 0x00));
		good += machine_run(&m) == EMULATE_OK;
	}
	for (reg = 0; reg < 8; reg++) {
		machine_init(&m, P32, CODE(0x0f, 0x0d, reg << 3));
		good += machine_run(&m) == EMULATE_OK;
		machine_init(&m, P32, CODE(0x0f, 0x18, reg << 3));
		good += machine_run(&m) == EMULATE_OK;
	}
	tap_ok(good == 24, "system: hints do nothing");
}

void test_system(void)
{
	test_tables();
	test_registers();
	test_privilege();
	test_ports();
	test_hints();
}
