// SPDX-License-Identifier: GPL-2.0-only
/*
 * The interpreter's tests, in TAP. Runs anywhere, as any user; no VT-x is needed.
 */
#include "../opcode.h"
#include "tests.h"

static u64 random_state;

void seed_random(u64 seed)
{
	random_state = seed * 0x9e3779b97f4a7c15ULL + 1;
}

u64 random64(void)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return random_state * 0x2545f4914f6cdd1dULL;
}

u64 random_below(u64 n)
{
	return (random64() >> 11) % n;
}

u64 random_operand(void)
{
	switch (random_below(8)) {
	case 0:
		return 0;
	case 1:
		return ~0ULL;
	case 2:
		return 1ULL << random_below(64);
	case 3:
		return (1ULL << random_below(64)) - 1;
	case 4:
		return random_below(256);
	case 5:
		return 0x8080808080808080ULL >> (8 * random_below(8));
	default:
		return random64();
	}
}

/* By map, opcode and, for groups, ModRM.reg. */
static bool covered[3][256][8];

void coverage_note(const struct emulate_ctxt *c)
{
	const struct emulate_insn *insn = &c->insn;

	if (insn->op > OP_UNDEFINED && insn->map < 3)
		covered[insn->map][insn->opcode][(insn->modrm >> 3) & 7] = true;
}

static unsigned int claimed, uncovered;

static void check_covered(unsigned int map, unsigned int opcode, int reg, unsigned int op)
{
	bool hit = false;
	int i;

	if (op <= OP_UNDEFINED)
		return;
	claimed++;
	for (i = 0; i < 8; i++)
		if (reg < 0 || i == reg)
			hit |= covered[map][opcode][i];
	if (hit)
		return;
	uncovered++;
	if (reg < 0)
		tap_note("never executed: map %u opcode %02x (%s)", map, opcode, emu_op_name[op]);
	else
		tap_note("never executed: map %u opcode %02x /%d (%s)", map, opcode, reg,
			 emu_op_name[op]);
}

/* Every opcode that the tables claim has been executed to its end by some test. */
void test_coverage(void)
{
	unsigned int map, opcode, reg;

	for (map = 0; map < 2; map++) {
		for (opcode = 0; opcode < 256; opcode++) {
			const struct emulate_opcode *e = &emu_opcode_map[map][opcode];

			if (!(e->flags & F_GROUP)) {
				check_covered(map, opcode, -1, e->op);
				continue;
			}
			for (reg = 0; reg < 8; reg++)
				check_covered(map, opcode, reg, emu_opcode_group[e->op][reg].op);
		}
	}
	check_covered(2, 0xf0, -1, OP_MOVBE);
	check_covered(2, 0xf1, -1, OP_MOVBE);
	tap_ok(claimed > 300 && !uncovered, "all %u opcodes of the tables were executed", claimed);
}

int main(void)
{
	tap_begin();
	test_decode();
	test_execute();
	test_segments();
	test_restart();
	test_system();
	test_tasks();
	if (test_host_cpu())
		test_coverage();
	else
		tap_skip("coverage of the opcode tables", "the comparison was not complete");
	test_fuzz();
	return tap_end();
}
