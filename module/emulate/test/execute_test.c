// SPDX-License-Identifier: GPL-2.0-only
/*
 * Execution where the host's CPU cannot be asked: 16-bit code, real mode, flow between segments.
 * Rows of registers and memory before and after; what a row does not name must not change.
 */
#include <string.h>

#include "machine.h"
#include "tests.h"

#define REAL	EMULATE_MODE_REAL
#define P16	EMULATE_MODE_PROT16
#define P32	EMULATE_MODE_PROT32
#define L64	EMULATE_MODE_LONG64

#define AX	EMULATE_RAX
#define CX	EMULATE_RCX
#define DX	EMULATE_RDX
#define BX	EMULATE_RBX
#define SP	EMULATE_RSP
#define BP	EMULATE_RBP
#define SI	EMULATE_RSI
#define DI	EMULATE_RDI

struct reg_value {
	u8 reg;
	u64 val;
};

struct mem_value {
	u64 linear;
	u64 val;
	u8 n;
};

struct row {
	const char *name;
	enum emulate_mode mode;
	unsigned int n;
	u8 bytes[12];
	struct reg_value in[5], out[5];		/* the unused ones are {0, 0}: see end_of() */
	struct mem_value mem_in[2], mem_out[2];
	u64 flags_in, flags_out;		/* besides bit 1 */
	u64 rip;				/* 0: the next instruction */
};

#define B(...)		sizeof((const u8[]){ __VA_ARGS__ }), { __VA_ARGS__ }
#define END		{ 0xff, 0 }

static const struct row rows[] = {
	{ "16-bit push keeps the upper half of ESP", REAL, B(0x50),
	  { { AX, 0x12345678 }, { SP, 0xabcd0002 }, END }, { { SP, 0xabcd0000 }, END }, .mem_out =
	  { { 0, 0x5678, 2 } } },
	{ "16-bit push wraps SP", REAL, B(0x50),
	  { { AX, 0x1234 }, { SP, 0 }, END }, { { SP, 0xfffe }, END }, .mem_out =
	  { { 0xfffe, 0x1234, 2 } } },
	{ "pop with 66", REAL, B(0x66, 0x58), { { SP, 0x8000 }, END },
	  { { AX, 0x11223344 }, { SP, 0x8004 }, END }, { { 0x8000, 0x11223344, 4 } } },
	{ "pop [esp+16] uses the new ESP", P32, B(0x8f, 0x44, 0x24, 0x10),
	  { { SP, 0x8000 }, END }, { { SP, 0x8004 }, END },
	  { { 0x8000, 0x77, 4 } }, { { 0x8014, 0x77, 4 } } },
	{ "leave, 16 bits", REAL, B(0xc9), { { BP, 0x9000 }, END },
	  { { SP, 0x9002 }, { BP, 0x1234 }, END }, { { 0x9000, 0x1234, 2 } } },
	{ "enter 4,1 16 bits", REAL, B(0xc8, 4, 0, 1), { { BP, 0x1111 }, END },
	  { { SP, 0x7ff8 }, { BP, 0x7ffe }, END }, .mem_out = { { 0x7ffe, 0x1111, 2 },
	  { 0x7ffc, 0x7ffe, 2 } } },
	{ "loop counts CX", REAL, B(0xe2, 0x10), { { CX, 0xaaaa0002 }, END },
	  { { CX, 0xaaaa0001 }, END }, .rip = 0x1012 },
	{ "loop with 67 counts ECX", REAL, B(0x67, 0xe2, 0x10), { { CX, 0x10000 }, END },
	  { { CX, 0xffff }, END }, .rip = 0x1013 },
	{ "jcxz looks at CX", REAL, B(0xe3, 0x10), { { CX, 0xaaaa0000 }, END }, { END },
	  .rip = 0x1012 },
	{ "jmp short, backwards", REAL, B(0xeb, 0xfc), { END }, { END }, .rip = 0xffe },
	{ "jmp wraps IP at 64 KiB", REAL, B(0xe9, 0xff, 0xef), { END }, { END }, .rip = 0x2 },
	{ "call, 16 bits", REAL, B(0xe8, 0xfd, 0x00), { END }, { { SP, 0x7ffe }, END },
	  .mem_out = { { 0x7ffe, 0x1003, 2 } }, .rip = 0x1100 },
	{ "ret 2", REAL, B(0xc2, 2, 0), { END }, { { SP, 0x8004 }, END }, { { 0x8000, 0x2345, 2 } },
	  .rip = 0x2345 },
	{ "call [bx]", REAL, B(0xff, 0x17), { { BX, 0x500 }, END }, { { SP, 0x7ffe }, END },
	  { { 0x500, 0x4321, 2 } }, { { 0x7ffe, 0x1002, 2 } }, .rip = 0x4321 },
	{ "mov [bp+si],ax", REAL, B(0x89, 0x02),
	  { { AX, 0xbeef }, { BP, 0xfff0 }, { SI, 0x20 }, END }, { END }, .mem_out =
	  { { 0x10, 0xbeef, 2 } } },
	{ "lea ax,[bx+di+2] wraps", REAL, B(0x8d, 0x41, 2), { { BX, 0xffff }, { DI, 2 }, END },
	  { { AX, 3 }, END } },
	{ "xlat wraps BX+AL", REAL, B(0xd7), { { AX, 0x110 }, { BX, 0xfff8 }, END },
	  { { AX, 0x15a }, END }, { { 0x8, 0x5a, 1 } } },
	{ "stosw wraps DI", REAL, B(0xab), { { AX, 0xcafe }, { DI, 0x5fffe }, END },
	  { { DI, 0x50000 }, END }, .mem_out = { { 0xfffe, 0xcafe, 2 } } },
	{ "rep stosb counts CX only", REAL, B(0xf3, 0xaa),
	  { { AX, 0x41 }, { DI, 0x600 }, { CX, 0x30003 }, END },
	  { { DI, 0x603 }, { CX, 0x30000 }, END }, .mem_out = { { 0x600, 0x414141, 4 } } },
	{ "rep movsd, backwards", P32, B(0xf3, 0xa5),
	  { { SI, 0x604 }, { DI, 0x704 }, { CX, 2 }, END },
	  { { SI, 0x5fc }, { DI, 0x6fc }, { CX, 0 }, END }, { { 0x600, 0x1111111122222222, 8 } },
	  { { 0x700, 0x1111111122222222, 8 } }, FLAG_DF, FLAG_DF },
	{ "repne scasb stops behind the match", P32, B(0xf2, 0xae),
	  { { AX, 0x33 }, { DI, 0x600 }, { CX, 10 }, END },
	  { { DI, 0x603 }, { CX, 7 }, END }, { { 0x600, 0x44332211, 4 } },
	  .flags_out = FLAG_ZF | FLAG_PF },
	{ "repe cmpsb stops behind the difference", P32, B(0xf3, 0xa6),
	  { { SI, 0x600 }, { DI, 0x700 }, { CX, 10 }, END },
	  { { SI, 0x603 }, { DI, 0x703 }, { CX, 7 }, END },
	  { { 0x600, 0x00030201, 4 }, { 0x700, 0x00020201, 4 } } },
	{ "rep with count 0", P32, B(0xf3, 0xa4), { { SI, 0xffffff }, { CX, 0 }, END }, { END } },
	{ "pushf hides RF and VM", P32, B(0x9c), { END }, { { SP, 0x7ffc }, END },
	  .mem_out = { { 0x7ffc, 0x246, 4 } }, .flags_in = FLAG_RF | FLAG_IF | FLAG_ZF | FLAG_PF,
	  .flags_out = FLAG_IF | FLAG_ZF | FLAG_PF },
	{ "popf at CPL 0", P32, B(0x9d), { END }, { { SP, 0x8004 }, END },
	  { { 0x8000, 0xffffffff, 4 } }, .flags_out = 0x247fd5 },
	{ "popf, 16 bits", REAL, B(0x9d), { END }, { { SP, 0x8002 }, END },
	  { { 0x8000, 0xffff, 2 } }, .flags_in = FLAG_AC, .flags_out = FLAG_AC | 0x7fd5 },
	{ "cbw", P16, B(0x98), { { AX, 0x11223380 }, END }, { { AX, 0x1122ff80 }, END } },
	{ "pop [moffs-like]", P16, B(0x8f, 0x06, 0, 7), { { SP, 0x8000 }, END },
	  { { SP, 0x8002 }, END }, { { 0x8000, 0x99, 2 } }, { { 0x700, 0x99, 2 } } },
	{ "in al,0x60", REAL, B(0xe4, 0x60), { { AX, 0x1100 }, END }, { { AX, 0x1150 }, END } },
	{ "in eax,imm: the upper half is cleared", L64, B(0xe5, 0x60), { { AX, ~0ULL }, END },
	  { { AX, 0x50 }, END } },
	{ "in al,dx", P32, B(0xec), { { DX, 0x3f8 }, END }, { { AX, 0x50 }, END } },
	{ "in ax,dx", REAL, B(0xed), { { DX, 0x3f8 }, END }, { { AX, 0x50 }, END } },
	{ "cli", P32, B(0xfa), { END }, { END }, .flags_in = FLAG_IF },
	{ "mov ax,ds", P32, B(0x8c, 0xd8), { { AX, ~0ULL }, END }, { { AX, 0x10 }, END } },
	{ "mov [ebx],ds stores two bytes", P32, B(0x8c, 0x1b), { { BX, 0x600 }, END }, { END },
	  { { 0x600, 0x55555555, 4 } }, { { 0x600, 0x55550010, 4 } } },
	{ "sldt", P32, B(0x0f, 0x00, 0xc0), { { AX, ~0ULL }, END }, { { AX, 0x10 }, END } },
	{ "str", P32, B(0x0f, 0x00, 0x08), { { AX, 0x600 }, END }, { END },
	  { { 0x600, 0x55555555, 4 } }, { { 0x600, 0x55550040, 4 } } },
	{ "smsw of a register", P32, B(0x0f, 0x01, 0xe3), { END }, { { BX, 0x11 }, END } },
	{ "push fs", L64, B(0x0f, 0xa0), { END }, { { SP, 0x7ff8 }, END }, .mem_out =
	  { { 0x7ff8, 0x10, 8 } } },
	{ "cpuid", L64, B(0x0f, 0xa2), { { AX, 7 }, { CX, 9 }, { DX, ~0ULL }, END },
	  { { AX, 100 }, { BX, 8 }, { CX, 200 }, { DX, 10 }, END } },
	{ "rdtsc", L64, B(0x0f, 0x31), { { AX, ~0ULL }, { DX, ~0ULL }, END },
	  { { AX, 0x55667788 }, { DX, 0x11223344 }, END } },
	{ "rdpid", L64, B(0xf3, 0x0f, 0xc7, 0xf9), { { CX, ~0ULL }, END },
	  { { CX, 0x89abcdef }, END } },
	{ "mov cr8", L64, B(0x44, 0x0f, 0x20, 0xc0), { END }, { { AX, 0x1008 }, END } },
	{ "mov dr4 is DR6", P32, B(0x0f, 0x21, 0xe0), { { AX, 1 }, END }, { { AX, 0 }, END } },
	{ "mfence", P32, B(0x0f, 0xae, 0xf0), { END }, { END } },
	{ "sfence", P32, B(0x0f, 0xae, 0xf8), { END }, { END } },
	{ "clwb", P32, B(0x66, 0x0f, 0xae, 0x30), { { AX, 0x600 }, END }, { END } },
	{ "nop of the hint space", P32, B(0x0f, 0x19, 0xc0), { END }, { END } },
	{ "into without overflow", REAL, B(0xce), { END }, { END } },
};

static bool in_list(const struct reg_value *list, unsigned int reg, u64 *val)
{
	unsigned int i;

	for (i = 0; i < 5 && list[i].reg != 0xff; i++) {
		if (list[i].reg == reg) {
			*val = list[i].val;
			return true;
		}
	}
	return false;
}

static struct machine m, before;

static bool registers_match(const struct row *row)
{
	unsigned int i;
	u64 want;

	for (i = 0; i < EMULATE_NR_GPRS; i++) {
		want = before.c.gprs[i];
		in_list(row->out, i, &want);
		if (m.c.gprs[i] != want) {
			tap_note("register %u is %#llx, not %#llx", i,
				 (unsigned long long)m.c.gprs[i], (unsigned long long)want);
			return false;
		}
	}
	want = row->rip ? row->rip : CODE_AT + row->n;
	if (m.c.rip == want && m.c.rflags == (row->flags_out | FLAG_FIXED))
		return true;
	tap_note("rip %#llx rflags %#llx", (unsigned long long)m.c.rip,
		 (unsigned long long)m.c.rflags);
	return false;
}

static void run_row(const struct row *row)
{
	unsigned int i;
	bool same;
	int r;

	machine_init(&m, row->mode, row->bytes, row->n);
	for (i = 0; i < EMULATE_NR_GPRS; i++)
		in_list(row->in, i, &m.c.gprs[i]);
	m.c.rflags |= row->flags_in;
	for (i = 0; i < 2; i++)
		machine_set_ram(&m, row->mem_in[i].linear, row->mem_in[i].val, row->mem_in[i].n);
	before = m;
	r = machine_run(&m);
	for (i = 0; i < 2; i++)
		machine_set_ram(&before, row->mem_out[i].linear, row->mem_out[i].val,
				row->mem_out[i].n);
	same = !memcmp(m.ram, before.ram, RAM_BYTES);
	tap_ok(r == EMULATE_OK && m.c.retired && registers_match(row) && same,
	       "execute: %s", row->name);
}

/* Through the vector table and back: INT, INT3, INTO, IRET. */
static void test_interrupts(void)
{
	static const struct {
		u8 bytes[2], n, vector;
	} rows[] = { { { 0xcd, 0x21 }, 2, 0x21 }, { { 0xcc }, 1, 3 }, { { 0xce }, 1, 4 } };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		u64 flags = FLAG_FIXED | FLAG_IF | FLAG_OF | FLAG_CF;
		int r;

		machine_init(&m, REAL, rows[i].bytes, rows[i].n);
		m.c.rflags = flags;
		machine_set_ram(&m, rows[i].vector * 4, 0x30000100, 4);
		r = machine_run(&m);
		tap_ok(r == EMULATE_OK && m.c.rip == 0x100 && m.seg[EMULATE_CS].base == 0x30000 &&
		       m.c.gprs[SP] == STACK_AT - 6 && m.c.rflags == (flags & ~FLAG_IF) &&
		       machine_ram(&m, STACK_AT - 6, 2) == CODE_AT + rows[i].n &&
		       machine_ram(&m, STACK_AT - 4, 2) == 0 &&
		       machine_ram(&m, STACK_AT - 2, 2) == flags,
		       "execute: interrupt %#x of real mode", rows[i].vector);

		m.ram[0x30100] = 0xcf;
		r = machine_run(&m);
		tap_ok(r == EMULATE_OK && m.c.rip == CODE_AT + rows[i].n && m.c.iret &&
		       m.seg[EMULATE_CS].base == 0 && m.c.gprs[SP] == STACK_AT &&
		       m.c.rflags == flags, "execute: and its IRET");
	}
}

static void test_far(void)
{
	int r;

	machine_init(&m, REAL, CODE(0x9a, 0x34, 0x12, 0x00, 0x20));
	m.ram[0x20000 + 0x1234] = 0xca;		/* retf 4 */
	m.ram[0x20000 + 0x1235] = 4;
	r = machine_run(&m);
	tap_ok(r == EMULATE_OK && m.c.rip == 0x1234 && m.seg[EMULATE_CS].base == 0x20000 &&
	       m.seg[EMULATE_CS].selector == 0x2000 && machine_ram(&m, STACK_AT - 4, 4) == 0x1005,
	       "execute: far call in real mode");
	r = machine_run(&m);
	tap_ok(r == EMULATE_OK && m.c.rip == 0x1005 && m.seg[EMULATE_CS].base == 0 &&
	       m.c.gprs[SP] == STACK_AT + 4, "execute: far return with a release");

	machine_init(&m, REAL, CODE(0xea, 0x34, 0x12, 0x00, 0x20));
	r = machine_run(&m);
	tap_ok(r == EMULATE_OK && m.c.rip == 0x1234 && m.seg[EMULATE_CS].base == 0x20000 &&
	       m.c.gprs[SP] == STACK_AT, "execute: far jump in real mode");

	machine_init(&m, REAL, CODE(0xff, 0x2e, 0x00, 0x06));
	machine_set_ram(&m, 0x600, 0x20001234, 4);
	r = machine_run(&m);
	tap_ok(r == EMULATE_OK && m.c.rip == 0x1234 && m.seg[EMULATE_CS].base == 0x20000,
	       "execute: far jump through memory");

	machine_init(&m, REAL, CODE(0xff, 0x1e, 0x00, 0x06));
	machine_set_ram(&m, 0x600, 0x20001234, 4);
	m.ram[0x20000 + 0x1234] = 0xcb;
	r = machine_run(&m);
	tap_ok(r == EMULATE_OK && m.c.rip == 0x1234 && machine_run(&m) == EMULATE_OK &&
	       m.c.rip == 0x1004 && m.c.gprs[SP] == STACK_AT,
	       "execute: far call through memory, and return");
}

static void test_pusha(void)
{
	unsigned int i;
	bool ok = true;

	machine_init(&m, REAL, CODE(0x60, 0x66, 0x61));
	for (i = 0; i < 8; i++)
		if (i != SP)
			m.c.gprs[i] = 0x11110000 * (i + 1) + i;
	machine_run(&m);
	for (i = 0; i < 8; i++)
		ok &= machine_ram(&m, STACK_AT - 2 * (i + 1), 2) ==
		      (i == SP ? STACK_AT : (m.c.gprs[i] & 0xffff));
	tap_ok(ok && m.c.gprs[SP] == STACK_AT - 16, "execute: pusha, 16 bits");
	for (i = 0; i < 8; i++)
		machine_set_ram(&m, STACK_AT - 16 + 4 * i, 0x22220000 + i, 4);
	machine_run(&m);
	ok = true;
	for (i = 0; i < 8; i++)
		ok &= i == SP || m.c.gprs[i] == 0x22220000 + 7 - i;
	tap_ok(ok && m.c.gprs[SP] == STACK_AT + 16, "execute: popa, 32 bits, skips ESP");
}

static void test_shadows(void)
{
	bool first;

	machine_init(&m, P32, CODE(0xfb, 0xfb));
	machine_run(&m);
	first = m.c.shadow == EMULATE_SHADOW_STI && (m.c.rflags & FLAG_IF);
	machine_run(&m);
	tap_ok(first && !m.c.shadow, "execute: the shadow of STI, only where IF was clear");
	machine_init(&m, REAL, CODE(0x8e, 0xd0));
	m.c.gprs[AX] = 0x1234;
	machine_run(&m);
	tap_ok(m.c.shadow == EMULATE_SHADOW_MOV_SS && m.seg[EMULATE_SS].base == 0x12340,
	       "execute: the shadow of MOV SS");
	machine_init(&m, P32, CODE(0xf4));
	machine_run(&m);
	tap_ok(m.c.halted && m.c.retired && m.c.rip == CODE_AT + 1, "execute: hlt");
}

void test_execute(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++)
		run_row(&rows[i]);
	test_interrupts();
	test_far();
	test_pusha();
	test_shadows();
}
