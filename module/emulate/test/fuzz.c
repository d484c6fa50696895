// SPDX-License-Identifier: GPL-2.0-only
/*
 * Robustness: random bytes in random states, under the sanitizers.
 *
 * Nothing is known of what they should do; what must hold for every input is the contract: a
 * length of 15 bytes at most, a fault with an exception and without progress of RIP, and no call
 * without an end.
 */
#include <string.h>

#include "machine.h"
#include "tests.h"

#define INPUTS	200000

static struct machine m;
static unsigned int results[EMULATE_RETRY + 1], retired;

static void random_state(enum emulate_mode mode)
{
	unsigned int i;

	for (i = 0; i < EMULATE_NR_GPRS; i++) {
		m.c.gprs[i] = random_operand();
		if (random_below(3))
			m.c.gprs[i] = random_below(RAM_BYTES);
		else if (!random_below(4))
			m.c.gprs[i] = DEVICE + random_below(0x1000);
	}
	m.c.mode = mode;
	m.c.rip = CODE_AT;
	m.c.rflags = FLAG_FIXED | (random64() & (FLAGS_ARITH | FLAG_DF | FLAG_IOPL | FLAG_IF));
	m.c.cpl = mode == EMULATE_MODE_REAL ? 0 : mode == EMULATE_MODE_VM86 ? 3 :
		  random_below(2) * 3;
	m.write_count = 0;
	m.pending = false;
	m.completed = false;
	m.race = !random_below(20);
	emulate_reset(&m.c);
}

/* Prefixes and a two-byte opcode are made more likely than chance would. */
static void random_bytes(void)
{
	static const u8 prefixes[] = {
		0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x66, 0x67, 0xf0, 0xf2, 0xf3, 0x41, 0x48, 0x4f,
	};
	u8 *at = m.ram + CODE_AT;
	unsigned int i, n = random_below(4);

	for (i = 0; i < 16; i++)
		at[i] = random64();
	for (i = 0; i < n; i++)
		at[i] = prefixes[random_below(sizeof(prefixes))];
	if (random_below(3) == 0)
		at[n] = 0x0f;
}

static bool one_input(void)
{
	u64 rip = m.c.rip;
	int calls, r;

	for (calls = 0; calls < 400; calls++) {
		r = emulate_one(&m.c);
		if (r < EMULATE_OK || r > EMULATE_UNHANDLED || m.c.insn.length > EMULATE_MAX_INSN)
			return false;
		if (r == EMULATE_FAULT && !m.c.exception.valid)
			return false;
		if ((r != EMULATE_OK || !m.c.retired) && m.c.rip != rip)
			return false;
		if (r == EMULATE_TO_USER && !m.pending)
			return false;
		if (r == EMULATE_TO_USER)
			machine_answer(&m);
		else if (r != EMULATE_OK || m.c.retired)
			break;
	}
	results[r]++;
	retired += r == EMULATE_OK && m.c.retired;
	/* 400 calls are not enough for a long REP; then it must be one. */
	return calls < 400 || m.c.insn.rep;
}

void test_fuzz(void)
{
	static const enum emulate_mode modes[] = {
		EMULATE_MODE_REAL, EMULATE_MODE_VM86, EMULATE_MODE_PROT16, EMULATE_MODE_PROT32,
		EMULATE_MODE_LONG64,
	};
	unsigned int mode, i, bad = 0;

	for (mode = 0; mode < ARRAY_SIZE(modes); mode++) {
		seed_random(1000 + mode);
		for (i = 0; i < INPUTS / ARRAY_SIZE(modes); i++) {
			if (i % 1000 == 0)
				machine_init(&m, modes[mode], "", 0);
			random_state(modes[mode]);
			random_bytes();
			if (!one_input() && !bad++)
				tap_note("mode %u input %u breaks the contract", mode, i);
		}
	}
	tap_note("%u complete, %u faults, %u unsupported", retired, results[EMULATE_FAULT],
		 results[EMULATE_UNHANDLED]);
	tap_ok(!bad && retired > INPUTS / 10, "%u random inputs keep the contract", INPUTS);
}
