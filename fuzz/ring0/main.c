// SPDX-License-Identifier: GPL-2.0-only
/*
 * Instructions of ring 0, and those that meet descriptors or stacks, in every mode: one each time.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../lib/settings.h"
#include "ring0.h"

enum tail { T_NONE, T_MODRM, T_REG, T_FAR, T_IW, T_IWB, T_IB };

static const struct form {
	const char *name;
	u8 n, bytes[3], reg;	/* reg: of ModRM; 8: any */
	u8 tail;
	bool rare;		/* known in real mode only: few cases are compared, or none */
} forms[] = {
	{ "SLDT", 2, { 0x0f, 0x00 }, 0, T_MODRM }, { "STR", 2, { 0x0f, 0x00 }, 1, T_MODRM },
	{ "LLDT", 2, { 0x0f, 0x00 }, 2, T_MODRM }, { "LTR", 2, { 0x0f, 0x00 }, 3, T_MODRM },
	{ "SGDT", 2, { 0x0f, 0x01 }, 0, T_MODRM }, { "SIDT", 2, { 0x0f, 0x01 }, 1, T_MODRM },
	{ "LGDT", 2, { 0x0f, 0x01 }, 2, T_MODRM }, { "LIDT", 2, { 0x0f, 0x01 }, 3, T_MODRM },
	{ "SMSW", 2, { 0x0f, 0x01 }, 4, T_MODRM }, { "LMSW", 2, { 0x0f, 0x01 }, 6, T_MODRM },
	{ "INVLPG", 2, { 0x0f, 0x01 }, 7, T_MODRM }, { "CLTS", 2, { 0x0f, 0x06 }, 8, T_NONE },
	{ "WBINVD", 2, { 0x0f, 0x09 }, 8, T_NONE }, { "INVD", 2, { 0x0f, 0x08 }, 8, T_NONE },
	{ "MOV r,CR", 2, { 0x0f, 0x20 }, 8, T_REG }, { "MOV CR,r", 2, { 0x0f, 0x22 }, 8, T_REG },
	{ "MOV r,DR", 2, { 0x0f, 0x21 }, 8, T_REG }, { "MOV DR,r", 2, { 0x0f, 0x23 }, 8, T_REG },
	{ "MOV Sreg", 1, { 0x8e }, 8, T_MODRM }, { "MOV r,Sreg", 1, { 0x8c }, 8, T_MODRM },
	{ "PUSH ES", 1, { 0x06 }, 8, T_NONE }, { "PUSH CS", 1, { 0x0e }, 8, T_NONE },
	{ "PUSH SS", 1, { 0x16 }, 8, T_NONE }, { "PUSH FS", 2, { 0x0f, 0xa0 }, 8, T_NONE },
	{ "POP ES", 1, { 0x07 }, 8, T_NONE }, { "POP SS", 1, { 0x17 }, 8, T_NONE },
	{ "POP DS", 1, { 0x1f }, 8, T_NONE }, { "POP FS", 2, { 0x0f, 0xa1 }, 8, T_NONE },
	{ "POP GS", 2, { 0x0f, 0xa9 }, 8, T_NONE }, { "LES", 1, { 0xc4 }, 8, T_MODRM },
	{ "LDS", 1, { 0xc5 }, 8, T_MODRM }, { "LSS", 2, { 0x0f, 0xb2 }, 8, T_MODRM },
	{ "LFS", 2, { 0x0f, 0xb4 }, 8, T_MODRM }, { "LGS", 2, { 0x0f, 0xb5 }, 8, T_MODRM },
	{ "JMP far", 1, { 0xea }, 8, T_FAR }, { "CALL far", 1, { 0x9a }, 8, T_FAR },
	{ "JMP far m", 1, { 0xff }, 5, T_MODRM }, { "CALL far m", 1, { 0xff }, 3, T_MODRM },
	{ "RET far", 1, { 0xcb }, 8, T_NONE }, { "RET far n", 1, { 0xca }, 8, T_IW },
	{ "IRET", 1, { 0xcf }, 8, T_NONE, true }, { "INT n", 1, { 0xcd }, 8, T_IB, true },
	{ "CLI", 1, { 0xfa }, 8, T_NONE }, { "STI", 1, { 0xfb }, 8, T_NONE },
	{ "PUSHF", 1, { 0x9c }, 8, T_NONE }, { "POPF", 1, { 0x9d }, 8, T_NONE },
	{ "PUSHA", 1, { 0x60 }, 8, T_NONE }, { "POPA", 1, { 0x61 }, 8, T_NONE },
	{ "ENTER", 1, { 0xc8 }, 8, T_IWB }, { "LEAVE", 1, { 0xc9 }, 8, T_NONE },
	{ "PUSH m", 1, { 0xff }, 6, T_MODRM }, { "POP m", 1, { 0x8f }, 0, T_MODRM },
	{ "CALL m", 1, { 0xff }, 2, T_MODRM }, { "RET", 1, { 0xc3 }, 8, T_NONE },
	{ "CMPXCHG8B", 2, { 0x0f, 0xc7 }, 1, T_MODRM }, { "LAHF", 1, { 0x9f }, 8, T_NONE },
};

#define FORMS	ARRAY_SIZE(forms)

static struct {
	u64 compared, faults, skipped, unknown, different;
} counts[FORMS];

static void usage(void);

static struct settings options = {
	.name = "fuzz-ring0", .usage = usage, .seed = 1, .cases = ~0ULL, .seconds = 10,
	.device = "/dev/kvm",
};

static bool is_wide(const struct guest_case *c)
{
	return c->mode != MODE_REAL && c->mode != MODE_VM86 && c->mode != MODE_PROT16;
}

static u64 some_address(struct random *r)
{
	static const u32 places[] = { AT_DATA, AT_DATA + 0xff8, 0x23ffc, 0x24000, 0x25ffe, 0x26000,
				      0x27000, AT_STACK - 64, 0x3ffc };

	return places[random_below(r, ARRAY_SIZE(places))] + random_below(r, 8);
}

static u8 *put(u8 *at, u64 value, unsigned int bytes)
{
	memcpy(at, &value, bytes);
	return at + bytes;
}

static u8 *put_modrm(struct random *r, const struct guest_case *c, const struct form *f, u8 *at)
{
	u8 reg = f->reg < 8 ? f->reg : random_below(r, 8);
	u8 mod = f->tail == T_REG ? 3 : random_below(r, 4), rm = random_below(r, 8);

	/* memory by an address of its own, most often: registers hold other things */
	if (mod == 0 && is_wide(c))
		rm = 5;
	else if (mod == 0)
		rm = 6;
	if (mod != 3 && is_wide(c) && rm == 4)
		rm = 3;
	*at++ = mod << 6 | reg << 3 | rm;
	if (mod == 0 && c->mode == MODE_LONG)
		/* relative to the next instruction, which is not far */
		return put(at, some_address(r) - AT_CODE - 8, 4);
	if (mod == 0)
		return put(at, some_address(r), is_wide(c) ? 4 : 2);
	if (mod == 1)
		return put(at, random_below(r, 16), 1);
	return mod == 2 ? put(at, random_below(r, 64), is_wide(c) ? 4 : 2) : at;
}

/* One that leads to something, half of the time. */
static unsigned int selector(struct random *r, const struct guest_case *c)
{
	static const u8 good[] = { SEL_DATA, SEL_DATA16, SEL_USER_DATA, SEL_CODE64, SEL_CODE32,
				   SEL_CODE16, SEL_LDT, SEL_USER_CODE32, SEL_USER_CODE64, 0x68 };

	if (one_in(r, 2) && (c->mode == MODE_REAL || c->mode == MODE_VM86))
		return AT_CODE >> 4;
	if (one_in(r, 2))
		return good[random_below(r, ARRAY_SIZE(good))];
	return random_below(r, 19) * 8 + (one_in(r, 3) ? random_below(r, 8) : 0);
}

/*
 * Where the emulator is known to do otherwise than processors, which the ring-3 comparison of
 * module/emulate/test asks: ENTER and LEAVE with 66 in 64-bit mode, REX.R with a segment register;
 * and it makes the VM exit for DR8 and above, which do not exist, before it looks.
 */
static bool emulator_errs(const struct guest_case *c, const struct form *f, u8 prefix)
{
	if (c->mode != MODE_LONG)
		return false;
	return prefix == 0x66 ? f->bytes[0] == 0xc8 || f->bytes[0] == 0xc9 :
				f->tail == T_REG || f->bytes[0] == 0x8e ||
				f->bytes[0] == 0x8c;
}

static void make_instruction(struct random *r, struct guest_case *c, const struct form *f)
{
	u8 *at = c->code;

	memset(c->code, 0xf4, sizeof(c->code));
	if (one_in(r, 4) && !emulator_errs(c, f, 0x66))
		*at++ = 0x66;
	if (c->mode == MODE_LONG && one_in(r, 3))
		*at++ = (0x48 | random_below(r, 8)) & (emulator_errs(c, f, 0x4c) ? 0xfb : 0xff);
	memcpy(at, f->bytes, f->n);
	at += f->n;
	switch (f->tail) {
	case T_MODRM: case T_REG:
		at = put_modrm(r, c, f, at);
		break;
	case T_FAR:
		at = put(at, is_wide(c) ? AT_CODE + 0x80 : 0x80,
			 is_wide(c) != (c->code[0] == 0x66) ? 4 : 2);
		at = put(at, selector(r, c), 2);
		break;
	case T_IW:
		at = put(at, random_below(r, 32), 2);
		break;
	case T_IWB:
		at = put(put(at, random_below(r, 32), 2), random_below(r, 2), 1);
		break;
	case T_IB:
		at = put(at, random_next(r), 1);
	}
	c->code_bytes = sizeof(c->code);
}

/* What the instruction reads: selectors, far pointers, stack frames that lead to a HLT. */
static void plant(struct random *r, const struct guest_case *c, u8 *memory)
{
	bool wide = is_wide(c);
	u64 target = wide ? AT_CODE + 0x90 : 0x90;
	u64 stack = c->sregs.ss.base + c->regs.rsp;
	unsigned int size = one_in(r, 4) != wide ? 4 : 2;

	for (u64 page = AT_DATA; page < AT_DATA + 0x8000; page += 0x100)
		for (u64 at = page; at < page + 64; at += size + 2)
			put(put(memory + at, target, size), selector(r, c), 2);
	if (stack + 64 > MEMORY)
		return;
	if (c->mode == MODE_LONG && one_in(r, 2))
		size = 8;
	put(memory + stack, target, size);
	put(memory + stack + size, selector(r, c), size);
	put(memory + stack + 2 * size, random_next(r) & 0x3f7ed7, size);
	/* a software interrupt of real mode leads to a HLT of its own */
	if (c->mode == MODE_REAL && c->code[0] == 0xcd)
		put(memory + 4 * c->code[1], AT_CODE >> 4 << 16 | 0x90, 4);
}

static void make(struct guest_case *c, u64 number, const struct form *f, struct random *r)
{
	static const u8 modes[] = { MODE_REAL, MODE_PROT16, MODE_PROT32, MODE_PAGED32, MODE_PAE,
				    MODE_COMPAT, MODE_LONG, MODE_VM86 };
	u64 *gpr = (u64 *)&c->regs;

	make_plain_case(c, r, modes[random_below(r, ARRAY_SIZE(modes))], one_in(r, 5));
	c->number = number;
	for (unsigned int i = 0; i < 16; i++) {
		if (i == 6)	/* RSP */
			continue;
		gpr[i] = one_in(r, 3) ? some_address(r) : one_in(r, 2) ? selector(r, c) :
						      random_number(r);
		/* outside of 64-bit mode a processor has 32 bits */
		if (c->mode != MODE_LONG)
			gpr[i] &= 0xffffffff;
	}
	if (c->mode != MODE_LONG)
		for (unsigned int i = 8; i < 16; i++)
			gpr[i] = 0;
	make_instruction(r, c, f);
}

static void show(const struct guest_case *c, const struct form *f, const struct outcome *o,
		 const char *why)
{
	printf("# %s: %s\n#   case %llu, %s%s, rflags %llx; code:", f->name, why,
	       (unsigned long long)c->number, mode_name[c->mode], c->user ? " user" : "",
	       (unsigned long long)c->regs.rflags);
	for (unsigned int i = 0; i < 14; i++)
		printf(" %02x", c->code[i]);
	printf("; rax %llx rcx %llx rdx %llx rbx %llx; exits %u first %u error %d\n", c->regs.rax,
	       c->regs.rcx, c->regs.rdx, c->regs.rbx, o->exits, o->seen[0].reason, o->error);
}

static u8 template[MEMORY];

static void one_case(struct machine *m, u64 number)
{
	static struct predicted p;
	static struct guest_case c;
	static u8 memory[MEMORY];
	static struct outcome o;
	struct random r = random_stream(options.seed, number, 99);
	unsigned int form = number % FORMS;
	char why[300] = "";
	enum verdict verdict;

	make(&c, number, &forms[form], &r);
	memcpy(memory, template, MEMORY);
	plant(&r, &c, memory);
	memcpy(memory + AT_CODE, c.code, c.code_bytes);
	predict(&p, &c, memory);
	machine_run_memory(m, &c, memory, &o);
	verdict = judge_case(&c, &p, m, &o, why, sizeof(why));
	counts[form].unknown += p.result == EMULATE_UNHANDLED && !p.left;
	counts[form].skipped += verdict == SKIPPED;
	counts[form].compared += verdict != SKIPPED;
	counts[form].faults += verdict == SAME && p.result == EMULATE_FAULT;
	if (verdict == DIFFERENT && counts[form].different++ < 4)
		show(&c, &forms[form], &o, why);
	else if (options.trace)
		show(&c, &forms[form], &o, verdict == SAME ? "same" : "not compared");
}

static int report(void)
{
	u64 compared = 0, different = 0;
	unsigned int silent = 0;

	for (unsigned int i = 0; i < FORMS; i++) {
		printf("# call %s compared %llu (exceptions %llu) differ %llu, not compared %llu, not known to the interpreter %llu\n",
		       forms[i].name, (unsigned long long)counts[i].compared,
		       (unsigned long long)counts[i].faults,
		       (unsigned long long)counts[i].different,
		       (unsigned long long)counts[i].skipped,
		       (unsigned long long)counts[i].unknown);
		compared += counts[i].compared;
		different += counts[i].different;
		silent += !counts[i].compared && !forms[i].rare;
	}
	printf("# %llu instructions of %zu forms were compared, %llu differ\n1..2\n",
	       (unsigned long long)compared, FORMS, (unsigned long long)different);
	printf("%sok 1 - the interpreter and the processor do the same\n", different ? "not " : "");
	printf("%sok 2 - every form but IRET and INT was compared (%u were not)\n",
	       silent ? "not " : "", silent);
	return different || silent;
}

static void usage(void)
{
	printf("usage: fuzz-ring0 [OPTION]...\n"
	       "Executes single instructions in a guest and by the interpreter, and compares.\n"
	       "  --seed N       of the random numbers (%llu)\n"
	       "  --seconds N    (%g); --cases N instead: so many\n"
	       "  --case N       only this one, with a trace\n"
	       "  --device FILE  whose guest executes them (%s)\n"
	       "  --trace        print every case\n"
	       "Exit code: 0 all is well, 1 not, 2 wrong usage or no device.\n",
	       (unsigned long long)options.seed, options.seconds, options.device);
}

int main(int argc, char **argv)
{
	static const struct option known[] = { COMMON_OPTIONS("case", "cases"), {} };
	static struct machine m;
	double end;

	next_option(argc, argv, known, &options);
	options.trace |= options.cases == 1;
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (access(options.device, R_OK | W_OK) || !machine_open(&m, options.device, false)) {
		fprintf(stderr, "fuzz-ring0: %s: %s\n", options.device, strerror(errno));
		return 2;
	}
	catch_ticks();
	memory_template(template);
	end = now() + options.seconds;
	for (u64 i = options.first; i - options.first < options.cases && now() < end; i++) {
		if (m.cases > 200) {
			machine_close(&m);
			if (!machine_open(&m, options.device, false))
				return 2;
		}
		one_case(&m, i);
	}
	return report();
}
