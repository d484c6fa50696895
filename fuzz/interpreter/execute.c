// SPDX-License-Identifier: GPL-2.0-only
/*
 * libFuzzer target: the interpreter on the small machine of module/emulate/test.
 *
 * An input is a mode, a privilege, the registers' seed and the instruction's bytes. It runs twice:
 * once with a device that answers at once, once with one that sends every read to user space, so
 * that the instruction is restarted. Both must keep the contract of emulate.h, and must end alike.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../module/emulate/test/machine.h"
#include "../lib/random.h"

#define HEAD		6	/* bytes of an input before the instruction */
#define MAX_CALLS	400
#define CUT_OFF		(-1)	/* a long REP: not at the same iteration in both runs */

static struct machine at_once, restarted;
static u64 code_at;		/* linear address of the instruction */

/* By map, opcode and ModRM.reg: what has been executed to its end. */
static bool completed[3][256][8];

void coverage_note(const struct emulate_ctxt *c)
{
	if (c->insn.map < 3 && c->insn.op > OP_UNDEFINED)
		completed[c->insn.map][c->insn.opcode][c->insn.modrm >> 3 & 7] = true;
}

static void report(void)
{
	unsigned int opcodes = 0, forms = 0;

	for (unsigned int i = 0; i < 3 * 256; i++) {
		bool any = false;

		for (unsigned int reg = 0; reg < 8; reg++) {
			any |= completed[i / 256][i % 256][reg];
			forms += completed[i / 256][i % 256][reg];
		}
		opcodes += any;
	}
	fprintf(stderr, "# %u opcodes were executed to their end, %u with their ModRM.reg\n",
		opcodes, forms);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	atexit(report);
	return 0;
}

static void broken(const char *what, const struct machine *m, int result)
{
	fprintf(stderr, "the contract is broken: %s (result %d, rip %#llx)\n", what, result,
		(unsigned long long)m->c.rip);
	abort();
}

static void set_registers(struct machine *m, const uint8_t *head)
{
	struct random r = { head[2] | head[3] << 8 | head[4] << 16 };

	for (unsigned int i = 0; i < EMULATE_NR_GPRS; i++) {
		switch (random_below(&r, 4)) {
		case 0:
			m->c.gprs[i] = random_number(&r);
			break;
		case 1:
			m->c.gprs[i] = DEVICE + random_below(&r, 0x1000);
			break;
		default:
			m->c.gprs[i] = random_below(&r, RAM_BYTES);
		}
	}
	m->c.rflags = FLAG_FIXED |
		      (random_next(&r) & (FLAGS_ARITH | FLAG_DF | FLAG_IOPL | FLAG_IF));
	m->c.cpl = m->c.mode == EMULATE_MODE_REAL ? 0 :
		   m->c.mode == EMULATE_MODE_VM86 ? 3 : (head[1] & 1) * 3;
	m->race = head[1] & 2;
	m->port_allowed = random_next(&r);
}

static void set_up(struct machine *m, const uint8_t *data, size_t size, bool immediate)
{
	machine_init(m, data[0] % (EMULATE_MODE_LONG64 + 1), "", 0);
	set_registers(m, data);
	m->immediate = immediate;
	/* the last page cannot be executed, and bytes may cross into the next one */
	m->c.rip = CODE_AT + (data[5] & 1 ? 0xff8 : 0);
	code_at = m->seg[EMULATE_CS].base + m->c.rip;
	memset(m->ram + code_at, 0x90, 16);
	memcpy(m->ram + code_at, data + HEAD, size - HEAD > 15 ? 15 : size - HEAD);
}

static int run(struct machine *m)
{
	u64 rip = m->c.rip;
	int r = EMULATE_OK;

	for (int calls = 0; calls < MAX_CALLS; calls++) {
		r = emulate_one(&m->c);
		if (r < EMULATE_OK || r > EMULATE_UNHANDLED)
			broken("no such result", m, r);
		if (m->c.insn.length > EMULATE_MAX_INSN)
			broken("a length above 15", m, r);
		if (r == EMULATE_FAULT && !m->c.exception.valid)
			broken("a fault without an exception", m, r);
		if ((r != EMULATE_OK || !m->c.retired) && m->c.rip != rip)
			broken("RIP moved though the instruction is not complete", m, r);
		if (r == EMULATE_TO_USER && !m->pending)
			broken("to user space without a question", m, r);
		if (r == EMULATE_TO_USER)
			machine_answer(m);
		else if (r != EMULATE_OK || m->c.retired)
			return r;
	}
	if (!m->c.insn.rep)
		broken("no end, and no REP", m, r);
	return CUT_OFF;
}

static void compare(const struct machine *a, const struct machine *b)
{
	if (memcmp(a->c.gprs, b->c.gprs, sizeof(a->c.gprs)))
		broken("restarts change a general register", b, 0);
	if (a->c.rip != b->c.rip || a->c.rflags != b->c.rflags)
		broken("restarts change RIP or RFLAGS", b, 0);
	if (memcmp(a->ram, b->ram, sizeof(a->ram)))
		broken("restarts change memory", b, 0);
	if (a->reads != b->reads || a->write_count != b->write_count)
		broken("restarts change what a device sees", b, 0);
	if (memcmp(a->xmm, b->xmm, sizeof(a->xmm)) || memcmp(a->cr, b->cr, sizeof(a->cr)) ||
	    memcmp(a->seg, b->seg, sizeof(a->seg)))
		broken("restarts change a system register", b, 0);
}

/* An instruction that overwrites itself is another one when it is restarted. */
static bool same_code(const struct machine *m, const uint8_t *data, size_t size)
{
	return !memcmp(m->ram + code_at, data + HEAD, size - HEAD > 15 ? 15 : size - HEAD);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int first, second;

	if (size <= HEAD)
		return 0;
	set_up(&at_once, data, size, true);
	set_up(&restarted, data, size, false);
	first = run(&at_once);
	if (first == EMULATE_OK && at_once.c.retired)
		coverage_note(&at_once.c);
	second = run(&restarted);
	if (!same_code(&at_once, data, size) || !same_code(&restarted, data, size))
		return 0;
	if (first == CUT_OFF || second == CUT_OFF)
		return 0;
	if (first != second)
		broken("restarts change the result", &restarted, second);
	compare(&at_once, &restarted);
	return 0;
}
