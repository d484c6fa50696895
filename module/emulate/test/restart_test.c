// SPDX-License-Identifier: GPL-2.0-only
/*
 * The contract of emulate.h: restart after user space has answered, REP in pieces, bulk port I/O,
 * queued writes, locked instructions that lose a race.
 */
#include <string.h>

#include "machine.h"
#include "tests.h"

#define P32	EMULATE_MODE_PROT32
#define L64	EMULATE_MODE_LONG64

static struct machine m;

/* Read-modify-write of a device: one read, one write, nothing changed before the answer. */
static void test_device_rmw(void)
{
	u64 flags;
	int r;

	machine_init(&m, L64, CODE(0x01, 0x03));	/* add [rbx],eax */
	m.c.gprs[EMULATE_RBX] = DEVICE + 8;
	m.c.gprs[EMULATE_RAX] = 0x1000;
	flags = m.c.rflags |= FLAG_CF;
	r = machine_call(&m);
	tap_ok(r == EMULATE_TO_USER && m.pending_where == DEVICE + 8 && m.c.rip == CODE_AT &&
	       m.c.rflags == flags && !m.write_count, "restart: no effect before a read");
	machine_answer(&m);
	r = machine_call(&m);
	tap_ok(r == EMULATE_OK && m.c.retired && m.reads == 1 && m.exits == 1 &&
	       m.write_count == 1 && m.writes[0].where == DEVICE + 8 &&
	       m.writes[0].val == 0x1050 && m.writes[0].n == 4 && m.c.rip == CODE_AT + 2,
	       "restart: add to a device is one read and one write");
}

/* Two device reads in one instruction: each register is read once. */
static void test_two_reads(void)
{
	int r;

	machine_init(&m, P32, CODE(0xa6));		/* cmpsb */
	m.c.gprs[EMULATE_RSI] = DEVICE + 0x10;
	m.c.gprs[EMULATE_RDI] = DEVICE + 0x20;
	r = machine_run(&m);
	tap_ok(r == EMULATE_OK && m.reads == 2 && m.exits == 2 &&
	       m.c.gprs[EMULATE_RSI] == DEVICE + 0x11 && m.c.gprs[EMULATE_RDI] == DEVICE + 0x21 &&
	       !(m.c.rflags & FLAG_ZF), "restart: two device reads are made once each");

	/* A read that was answered serves its own instruction only. */
	machine_init(&m, P32, CODE(0xa6, 0xa6));
	m.c.gprs[EMULATE_RSI] = DEVICE + 0x10;
	m.c.gprs[EMULATE_RDI] = DEVICE + 0x20;
	machine_call(&m);
	machine_answer(&m);
	machine_call(&m);
	emulate_reset(&m.c);
	m.pending = m.completed = false;
	r = machine_run(&m);
	tap_ok(r == EMULATE_OK && m.reads == 3, "restart: emulate_reset() forgets a kept read");

	/* popa from a device: eight reads, kept until the last is there. */
	machine_init(&m, P32, CODE(0x61));
	m.c.gprs[EMULATE_RSP] = DEVICE;
	r = machine_run(&m);
	tap_ok(r == EMULATE_OK && m.reads == 8 && m.exits == 8 &&
	       m.c.gprs[EMULATE_RDI] == 0x50 && m.c.gprs[EMULATE_RAX] == 0x57,
	       "restart: eight reads are made once each");
}

static void test_rep(void)
{
	unsigned int calls = 0;
	int r;

	/* From a device to memory: every iteration exits, none is lost. */
	machine_init(&m, P32, CODE(0xf3, 0xa4));
	m.c.gprs[EMULATE_RSI] = DEVICE;
	m.c.gprs[EMULATE_RDI] = 0x600;
	m.c.gprs[EMULATE_RCX] = 5;
	r = machine_call(&m);
	machine_answer(&m);
	r = machine_call(&m);
	tap_ok(r == EMULATE_TO_USER && m.c.gprs[EMULATE_RCX] == 4 &&
	       m.c.gprs[EMULATE_RSI] == DEVICE + 1 && m.c.rip == CODE_AT,
	       "rep: a wait leaves the iterations before it done");
	machine_answer(&m);
	r = machine_run(&m);
	tap_ok(r == EMULATE_OK && m.reads == 5 && machine_ram(&m, 0x600, 6) == 0x5453525150,
	       "rep: movs from a device");

	/* To a device: the op asks to stop after each queued write. */
	machine_init(&m, P32, CODE(0xf3, 0xab));
	m.c.gprs[EMULATE_RDI] = DEVICE;
	m.c.gprs[EMULATE_RCX] = 3;
	r = machine_call(&m);
	tap_ok(r == EMULATE_OK && !m.c.retired && m.write_count == 1 &&
	       m.c.gprs[EMULATE_RCX] == 2 && m.c.rip == CODE_AT, "rep: .stop ends a call");
	tap_ok(m.c.rflags & FLAG_RF, "rep: RF is set between two iterations");
	r = machine_run(&m);
	tap_ok(!(m.c.rflags & FLAG_RF), "rep: RF is clear behind the last one");
	tap_ok(r == EMULATE_OK && m.c.retired && m.write_count == 3 &&
	       m.writes[2].where == DEVICE + 8, "rep: stos to a device");

	/* In memory: at most EMULATE_MAX_ITERATIONS for each call. */
	machine_init(&m, P32, CODE(0xf3, 0xaa));
	m.c.gprs[EMULATE_RDI] = 0x10000;
	m.c.gprs[EMULATE_RAX] = 0x41;
	m.c.gprs[EMULATE_RCX] = 3000;
	do {
		r = machine_call(&m);
		calls++;
	} while (r == EMULATE_OK && !m.c.retired);
	tap_ok(r == EMULATE_OK && calls == 3 && machine_ram(&m, 0x10000 + 2999, 2) == 0x41,
	       "rep: long runs come in pieces");

	/* With TF each iteration is a call, and has its trap. */
	machine_init(&m, P32, CODE(0xf3, 0x6c));
	m.immediate = true;
	m.c.rflags |= FLAG_TF;
	m.c.gprs[EMULATE_RDI] = 0x600;
	m.c.gprs[EMULATE_RCX] = 2;
	r = machine_call(&m);
	tap_ok(r == EMULATE_OK && !m.c.retired && m.c.unfinished && m.c.gprs[EMULATE_RCX] == 1,
	       "rep: a single step is one iteration");
	r = machine_call(&m);
	tap_ok(r == EMULATE_OK && m.c.retired && !m.c.unfinished, "rep: and the last one ends it");

	/* A fault in the middle. */
	machine_init(&m, P32, CODE(0xf3, 0xab));
	m.c.gprs[EMULATE_RDI] = READ_ONLY - 8;
	m.c.gprs[EMULATE_RCX] = 5;
	r = machine_run(&m);
	tap_ok(machine_raised(&m, r, VEC_PF, 3) && m.c.exception.address == READ_ONLY &&
	       m.c.gprs[EMULATE_RCX] == 3 && m.c.gprs[EMULATE_RDI] == READ_ONLY &&
	       m.c.rip == CODE_AT, "rep: a fault leaves the iterations before it done");
}

static void test_string_out(void)
{
	int r;

	/* rep outsb from RAM: one port operation for the run. */
	machine_init(&m, P32, CODE(0xf3, 0x6e));
	m.c.gprs[EMULATE_RSI] = 0x600;
	m.c.gprs[EMULATE_RDX] = 0x3f8;
	m.c.gprs[EMULATE_RCX] = 100;
	m.ram[0x600] = 0x48;
	r = machine_run(&m);
	tap_ok(r == EMULATE_OK && m.write_count == 1 && m.writes[0].where == 0x3f8 &&
	       m.writes[0].n == 1 && m.writes[0].count == 100 && m.writes[0].val == 0x48 &&
	       m.c.gprs[EMULATE_RSI] == 0x664 && !m.c.gprs[EMULATE_RCX],
	       "string I/O: outsb of a run is one operation");

	/* It ends at the page, and goes on. */
	machine_init(&m, P32, CODE(0xf3, 0x6f));
	m.c.gprs[EMULATE_RSI] = 0xfe0;
	m.c.gprs[EMULATE_RCX] = 16;
	r = machine_run(&m);
	tap_ok(r == EMULATE_OK && m.write_count == 2 && m.writes[0].count == 8 &&
	       m.writes[1].count == 8, "string I/O: outsd, in pieces by page");

	/* From a device: element by element. */
	machine_init(&m, P32, CODE(0xf3, 0x6e));
	m.c.gprs[EMULATE_RSI] = DEVICE;
	m.c.gprs[EMULATE_RCX] = 3;
	r = machine_run(&m);
	tap_ok(r == EMULATE_OK && m.write_count == 3 && m.reads == 3 && m.writes[2].val == 0x52,
	       "string I/O: outsb from a device");

	/* Without REP. */
	machine_init(&m, P32, CODE(0x6f));
	m.c.gprs[EMULATE_RSI] = 0x600;
	machine_set_ram(&m, 0x600, 0x11223344, 4);
	r = machine_run(&m);
	tap_ok(r == EMULATE_OK && m.writes[0].val == 0x11223344 && m.writes[0].n == 4,
	       "string I/O: outsd without rep");
}

static void test_string_in(void)
{
	int r;

	/* rep insw waits once for the whole run. */
	machine_init(&m, P32, CODE(0xf3, 0x66, 0x6d));
	m.c.gprs[EMULATE_RDI] = 0x600;
	m.c.gprs[EMULATE_RDX] = 0x1f0;
	m.c.gprs[EMULATE_RCX] = 4;
	r = machine_run(&m);
	tap_ok(r == EMULATE_OK && m.exits == 1 && m.pending_where == 0x1f0 &&
	       machine_ram(&m, 0x600, 8) == 0x0053005200510050 && !m.c.gprs[EMULATE_RCX] &&
	       m.c.gprs[EMULATE_RDI] == 0x608, "string I/O: insw of a run waits once");

	/* The port is not read when the data could not be stored. */
	machine_init(&m, P32, CODE(0x6c));
	m.c.gprs[EMULATE_RDI] = READ_ONLY;
	r = machine_run(&m);
	tap_ok(machine_raised(&m, r, VEC_PF, 3) && !m.exits,
	       "string I/O: ins faults before it reads the port");
	machine_init(&m, P32, CODE(0xf3, 0x6c));
	m.c.gprs[EMULATE_RDI] = READ_ONLY - 2;
	m.c.gprs[EMULATE_RCX] = 4;
	r = machine_run(&m);
	tap_ok(machine_raised(&m, r, VEC_PF, 3) && m.c.gprs[EMULATE_RCX] == 2 && m.exits == 1,
	       "string I/O: and in the middle of a run");

	/* Backwards, one by one. */
	machine_init(&m, P32, CODE(0xf3, 0x6c));
	m.c.gprs[EMULATE_RDI] = 0x602;
	m.c.gprs[EMULATE_RCX] = 3;
	m.c.rflags |= FLAG_DF;
	r = machine_run(&m);
	tap_ok(r == EMULATE_OK && machine_ram(&m, 0x600, 3) == 0x505152 && m.exits == 3,
	       "string I/O: insb backwards");
}

static void test_lock(void)
{
	int r;

	machine_init(&m, P32, CODE(0xf0, 0xff, 0x03));	/* lock inc [ebx] */
	m.c.gprs[EMULATE_RBX] = 0x600;
	m.race = true;
	r = machine_call(&m);
	tap_ok(r == EMULATE_OK && !m.c.retired && m.c.rip == CODE_AT && m.c.rflags == FLAG_FIXED,
	       "lock: a lost race retires nothing");
	r = machine_call(&m);
	tap_ok(r == EMULATE_OK && m.c.retired && machine_ram(&m, 0x600, 4) == 2,
	       "lock: the next try sees the other's value");
	machine_init(&m, P32, CODE(0x87, 0x03));	/* xchg [ebx],eax */
	m.c.gprs[EMULATE_RBX] = 0x600;
	m.c.gprs[EMULATE_RAX] = 7;
	m.race = true;
	r = machine_call(&m);
	tap_ok(r == EMULATE_OK && !m.c.retired && m.c.gprs[EMULATE_RAX] == 7,
	       "lock: xchg is locked without a prefix");
	r = machine_call(&m);
	tap_ok(r == EMULATE_OK && m.c.retired && m.c.gprs[EMULATE_RAX] == 1 &&
	       machine_ram(&m, 0x600, 4) == 7, "lock: and exchanges");
}

/* A destination that cannot be written is found before a device is read in vain. */
static void test_probe(void)
{
	int r;

	machine_init(&m, P32, CODE(0x83, 0x03, 0x01));
	m.c.gprs[EMULATE_RBX] = READ_ONLY;
	r = machine_run(&m);
	tap_ok(machine_raised(&m, r, VEC_PF, 3), "probe: read-modify-write of a read-only page");
	machine_init(&m, P32, CODE(0xff, 0x33));	/* push [ebx] */
	m.c.gprs[EMULATE_RBX] = DEVICE;
	r = machine_run(&m);
	tap_ok(r == EMULATE_OK && m.exits == 1 && machine_ram(&m, STACK_AT - 4, 4) == 0x50,
	       "probe: push from a device");
	machine_init(&m, P32, CODE(0x0f, 0xb1, 0x0b));	/* cmpxchg [ebx],ecx */
	m.c.gprs[EMULATE_RBX] = DEVICE;
	r = machine_run(&m);
	tap_ok(r == EMULATE_OK && m.write_count == 1 && m.writes[0].val == 0x50 &&
	       m.c.gprs[EMULATE_RAX] == 0x50, "probe: an unequal cmpxchg writes what it read");
}

/* Moves of a part of a register, to and from the device: what goes where, and how wide. */
static const struct {
	const char *name;
	u8 code[6];
	u8 bytes;
	bool store;
	u8 at;		/* in the register */
	bool keep;	/* the rest of it */
} part_moves[] = {
	{ "movss xmm1,m", { 0xf3, 0x0f, 0x10, 0x0b }, 4, false, 0, false },
	{ "movsd xmm1,m", { 0xf2, 0x0f, 0x10, 0x0b }, 8, false, 0, false },
	{ "movss m,xmm1", { 0xf3, 0x0f, 0x11, 0x0b }, 4, true, 0, false },
	{ "movsd m,xmm1", { 0xf2, 0x0f, 0x11, 0x0b }, 8, true, 0, false },
	{ "movlps xmm1,m", { 0x0f, 0x12, 0x0b }, 8, false, 0, true },
	{ "movlpd xmm1,m", { 0x66, 0x0f, 0x12, 0x0b }, 8, false, 0, true },
	{ "movlps m,xmm1", { 0x0f, 0x13, 0x0b }, 8, true, 0, false },
	{ "movlpd m,xmm1", { 0x66, 0x0f, 0x13, 0x0b }, 8, true, 0, false },
	{ "movhps xmm1,m", { 0x0f, 0x16, 0x0b }, 8, false, 8, true },
	{ "movhpd xmm1,m", { 0x66, 0x0f, 0x16, 0x0b }, 8, false, 8, true },
	{ "movhps m,xmm1", { 0x0f, 0x17, 0x0b }, 8, true, 8, false },
	{ "movhpd m,xmm1", { 0x66, 0x0f, 0x17, 0x0b }, 8, true, 8, false },
	{ "movd xmm1,m", { 0x66, 0x0f, 0x6e, 0x0b }, 4, false, 0, false },
	{ "movq xmm1,m (REX.W)", { 0x66, 0x48, 0x0f, 0x6e, 0x0b }, 8, false, 0, false },
	{ "movd m,xmm1", { 0x66, 0x0f, 0x7e, 0x0b }, 4, true, 0, false },
	{ "movq m,xmm1 (REX.W)", { 0x66, 0x48, 0x0f, 0x7e, 0x0b }, 8, true, 0, false },
	{ "movq xmm1,m", { 0xf3, 0x0f, 0x7e, 0x0b }, 8, false, 0, false },
	{ "movq m,xmm1", { 0x66, 0x0f, 0xd6, 0x0b }, 8, true, 0, false },
};

static void test_part_moves(void)
{
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(part_moves); i++) {
		u8 want[16];
		u64 val = 0;
		bool ok;
		int r;

		machine_init(&m, L64, part_moves[i].code, sizeof(part_moves[i].code));
		m.c.gprs[EMULATE_RBX] = DEVICE;
		m.next_value = 0x1122334455667788;
		for (j = 0; j < 16; j++)
			m.xmm[1][j] = 0xa0 + j;
		memcpy(want, m.xmm[1], sizeof(want));
		r = machine_run(&m);
		if (part_moves[i].store) {
			memcpy(&val, want + part_moves[i].at, part_moves[i].bytes);
			ok = m.write_count == 1 && m.writes[0].where == DEVICE &&
			     m.writes[0].n == part_moves[i].bytes && m.writes[0].val == val;
		} else {
			if (!part_moves[i].keep)
				memset(want, 0, sizeof(want));
			val = 0x1122334455667788;
			memcpy(want + part_moves[i].at, &val, part_moves[i].bytes);
			ok = m.exits == 1;
		}
		tap_ok(r == EMULATE_OK && m.c.retired && ok && !memcmp(want, m.xmm[1], 16),
		       "xmm: %s", part_moves[i].name);
	}
	machine_init(&m, L64, CODE(0xf2, 0x0f, 0xf0, 0x0b));	/* lddqu xmm1,[rbx] */
	m.c.gprs[EMULATE_RBX] = DEVICE + 1;
	tap_ok(machine_run(&m) == EMULATE_OK && m.exits == 1, "xmm: lddqu needs no alignment");
	machine_init(&m, L64, CODE(0x66, 0x0f, 0x38, 0x2a, 0x0b));	/* movntdqa xmm1,[rbx] */
	m.c.gprs[EMULATE_RBX] = DEVICE;
	tap_ok(machine_run(&m) == EMULATE_OK && m.exits == 1, "xmm: movntdqa");
	machine_init(&m, L64, CODE(0x66, 0x0f, 0x38, 0x2a, 0x0b));
	m.c.gprs[EMULATE_RBX] = DEVICE + 8;
	tap_ok(machine_raised(&m, machine_run(&m), VEC_GP, 0), "xmm: movntdqa is aligned");
	machine_init(&m, L64, CODE(0xf3, 0x0f, 0x10, 0xc1));	/* movss xmm0,xmm1 */
	tap_ok(machine_run(&m) == EMULATE_UNHANDLED, "xmm: no move between registers");
	machine_init(&m, L64, CODE(0xf3, 0x0f, 0x10, 0x0b));
	m.c.cr0 |= CR0_TS;
	tap_ok(machine_raised(&m, machine_run(&m), VEC_NM, -1), "xmm: #NM for a part too");
}

static void test_xmm(void)
{
	int r;

	machine_init(&m, L64, CODE(0xf3, 0x0f, 0x7f, 0x03));	/* movdqu [rbx],xmm0 */
	m.c.gprs[EMULATE_RBX] = DEVICE;
	memset(m.xmm[0], 0x5a, 16);
	r = machine_run(&m);
	tap_ok(r == EMULATE_OK && m.write_count == 1 && m.writes[0].n == 16,
	       "xmm: 16 bytes to a device are one write");
	machine_init(&m, L64, CODE(0xf3, 0x0f, 0x6f, 0x0b));	/* movdqu xmm1,[rbx] */
	m.c.gprs[EMULATE_RBX] = DEVICE;
	r = machine_run(&m);
	tap_ok(r == EMULATE_OK && m.exits == 1 && m.xmm[1][0] == 0x50, "xmm: and from it one read");
	m.c.rip = CODE_AT;
	m.c.cr0 |= CR0_TS;
	tap_ok(machine_raised(&m, machine_run(&m), VEC_NM, -1), "xmm: #NM by CR0.TS");
	m.c.cr4 = 0;
	tap_ok(machine_raised(&m, machine_run(&m), VEC_UD, -1), "xmm: #UD without CR4.OSFXSR");
}

void test_restart(void)
{
	test_device_rmw();
	test_two_reads();
	test_rep();
	test_string_out();
	test_string_in();
	test_lock();
	test_probe();
	test_xmm();
	test_part_moves();
}
