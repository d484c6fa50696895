// SPDX-License-Identifier: GPL-2.0-only
/*
 * Instructions: from templates of those that exit, that the interpreter knows, or that change what
 * the processor is; with operands that lead somewhere; and some bytes as chance will have them.
 */
#include <string.h>

#include "fuzz.h"

enum tail {
	T_NONE, T_MODRM, T_REG, T_MEM, T_IB, T_IZ, T_MODRM_IB, T_MODRM_IZ, T_FAR, T_IW, T_MOFFS,
	T_REL,
};

struct template {
	u8 n;
	u8 bytes[4];
	u8 tail;
	u8 weight;
	bool timed;		/* what it does depends on time */
};

static const struct template templates[] = {
	/* moves and arithmetic, on memory above all */
	{ 1, { 0x88 }, T_MEM, 6 }, { 1, { 0x89 }, T_MEM, 8 }, { 1, { 0x8a }, T_MEM, 6 },
	{ 1, { 0x8b }, T_MEM, 8 }, { 1, { 0xc6 }, T_MODRM_IB, 2 }, { 1, { 0xc7 }, T_MODRM_IZ, 2 },
	{ 1, { 0x00 }, T_MODRM, 1 }, { 1, { 0x01 }, T_MODRM, 1 }, { 1, { 0x29 }, T_MODRM, 1 },
	{ 1, { 0x31 }, T_MODRM, 1 }, { 1, { 0x39 }, T_MODRM, 1 }, { 1, { 0x11 }, T_MODRM, 1 },
	{ 1, { 0x80 }, T_MODRM_IB, 2 }, { 1, { 0x81 }, T_MODRM_IZ, 2 },
	{ 1, { 0x83 }, T_MODRM_IB, 2 }, { 1, { 0x85 }, T_MODRM, 1 }, { 1, { 0x87 }, T_MODRM, 2 },
	{ 1, { 0xc1 }, T_MODRM_IB, 1 }, { 1, { 0xd3 }, T_MODRM, 1 }, { 1, { 0xf6 }, T_MODRM_IB, 1 },
	{ 1, { 0xf7 }, T_MODRM_IZ, 2 }, { 1, { 0xfe }, T_MODRM, 1 }, { 1, { 0xff }, T_MODRM, 4 },
	{ 1, { 0xa0 }, T_MOFFS, 1 }, { 1, { 0xa3 }, T_MOFFS, 1 }, { 1, { 0x8d }, T_MEM, 1 },
	{ 2, { 0x0f, 0xb6 }, T_MEM, 2 }, { 2, { 0x0f, 0xbe }, T_MEM, 2 },
	{ 2, { 0x0f, 0xb7 }, T_MEM, 1 }, { 2, { 0x0f, 0xbf }, T_MEM, 1 },
	{ 2, { 0x0f, 0xa3 }, T_MODRM, 1 }, { 2, { 0x0f, 0xab }, T_MODRM, 1 },
	{ 2, { 0x0f, 0xba }, T_MODRM_IB, 1 }, { 2, { 0x0f, 0xb1 }, T_MODRM, 2 },
	{ 2, { 0x0f, 0xc1 }, T_MODRM, 1 }, { 2, { 0x0f, 0xc7 }, T_MEM, 2 },
	{ 2, { 0x0f, 0xa4 }, T_MODRM_IB, 1 }, { 2, { 0x0f, 0xaf }, T_MODRM, 1 },
	{ 2, { 0x0f, 0x44 }, T_MODRM, 1 }, { 2, { 0x0f, 0x94 }, T_MODRM, 1 },
	{ 2, { 0x0f, 0x11 }, T_MEM, 1 }, { 2, { 0x0f, 0x28 }, T_MEM, 1 },
	{ 2, { 0x0f, 0xc3 }, T_MEM, 1 }, { 3, { 0x0f, 0x38, 0xf0 }, T_MEM, 1 },
	/* strings */
	{ 1, { 0xa4 }, T_NONE, 2 }, { 1, { 0xa5 }, T_NONE, 2 }, { 1, { 0xaa }, T_NONE, 2 },
	{ 1, { 0xab }, T_NONE, 2 }, { 1, { 0xac }, T_NONE, 1 }, { 1, { 0xad }, T_NONE, 1 },
	{ 1, { 0xa6 }, T_NONE, 1 }, { 1, { 0xaf }, T_NONE, 1 },
	{ 2, { 0xf3, 0xa4 }, T_NONE, 2 }, { 2, { 0xf3, 0xab }, T_NONE, 2 },
	{ 2, { 0xf3, 0xa5 }, T_NONE, 1 }, { 2, { 0xf3, 0xa6 }, T_NONE, 1 },
	/* ports */
	{ 1, { 0xe4 }, T_IB, 3 }, { 1, { 0xe5 }, T_IB, 2 }, { 1, { 0xe6 }, T_IB, 3 },
	{ 1, { 0xe7 }, T_IB, 2 }, { 1, { 0xec }, T_NONE, 2 }, { 1, { 0xef }, T_NONE, 2 },
	{ 1, { 0x6c }, T_NONE, 2 }, { 1, { 0x6d }, T_NONE, 1 }, { 1, { 0x6e }, T_NONE, 2 },
	{ 2, { 0xf3, 0x6c }, T_NONE, 2 }, { 2, { 0xf3, 0x6f }, T_NONE, 2 },
	/* control, debug and model-specific registers */
	{ 2, { 0x0f, 0x20 }, T_REG, 3 }, { 2, { 0x0f, 0x22 }, T_REG, 6 },
	{ 2, { 0x0f, 0x21 }, T_REG, 2 }, { 2, { 0x0f, 0x23 }, T_REG, 3 },
	{ 2, { 0x0f, 0x06 }, T_NONE, 1 }, { 2, { 0x0f, 0x01 }, T_MODRM, 8 },
	{ 2, { 0x0f, 0x00 }, T_MODRM, 6 }, { 2, { 0x0f, 0x32 }, T_NONE, 4, true },
	{ 2, { 0x0f, 0x30 }, T_NONE, 6, true }, { 2, { 0x0f, 0x31 }, T_NONE, 1, true },
	{ 3, { 0x0f, 0x01, 0xf9 }, T_NONE, 1, true }, { 2, { 0x0f, 0x33 }, T_NONE, 1 },
	{ 2, { 0x0f, 0xa2 }, T_NONE, 3 }, { 3, { 0x0f, 0x01, 0xd1 }, T_NONE, 2 },
	{ 3, { 0x0f, 0x01, 0xd0 }, T_NONE, 1 }, { 3, { 0x0f, 0x01, 0xf8 }, T_NONE, 1 },
	/* caches, monitoring, VMX, and what does not exist */
	{ 2, { 0x0f, 0x08 }, T_NONE, 1 }, { 2, { 0x0f, 0x09 }, T_NONE, 1 },
	{ 3, { 0x0f, 0x01, 0xc8 }, T_NONE, 1 }, { 3, { 0x0f, 0x01, 0xc9 }, T_NONE, 1 },
	{ 2, { 0xf3, 0x90 }, T_NONE, 1 }, { 3, { 0x0f, 0x01, 0xc1 }, T_NONE, 2 },
	{ 3, { 0x0f, 0x01, 0xc2 }, T_NONE, 1 }, { 3, { 0x0f, 0x01, 0xd4 }, T_NONE, 1 },
	{ 2, { 0x0f, 0x78 }, T_MODRM, 1 }, { 2, { 0x0f, 0x79 }, T_MODRM, 1 },
	{ 3, { 0xf3, 0x0f, 0xc7 }, T_MEM, 1 }, { 2, { 0x0f, 0xaa }, T_NONE, 1 },
	{ 2, { 0x0f, 0x0b }, T_NONE, 1 }, { 2, { 0x0f, 0xae }, T_MODRM, 3 },
	{ 4, { 0x66, 0x0f, 0x38, 0x82 }, T_MEM, 1 }, { 3, { 0xf3, 0x0f, 0xae }, T_REG, 1 },
	/* flow and privilege */
	{ 1, { 0xcc }, T_NONE, 1 }, { 1, { 0xcd }, T_IB, 3 }, { 1, { 0xce }, T_NONE, 1 },
	{ 1, { 0xf1 }, T_NONE, 1 }, { 1, { 0xcf }, T_NONE, 2 }, { 1, { 0xcb }, T_NONE, 1 },
	{ 1, { 0xc3 }, T_NONE, 1 }, { 1, { 0xea }, T_FAR, 2 }, { 1, { 0x9a }, T_FAR, 2 },
	{ 1, { 0xe8 }, T_REL, 1 }, { 1, { 0x75 }, T_REL, 1 }, { 1, { 0xe2 }, T_REL, 1 },
	{ 2, { 0x0f, 0x05 }, T_NONE, 2 }, { 2, { 0x0f, 0x07 }, T_NONE, 2 },
	{ 2, { 0x0f, 0x34 }, T_NONE, 2 }, { 2, { 0x0f, 0x35 }, T_NONE, 2 },
	/* stack and flags */
	{ 1, { 0x50 }, T_NONE, 1 }, { 1, { 0x5b }, T_NONE, 1 }, { 1, { 0x60 }, T_NONE, 1 },
	{ 1, { 0x61 }, T_NONE, 1 }, { 1, { 0x8f }, T_MEM, 1 }, { 1, { 0x9c }, T_NONE, 1 },
	{ 1, { 0x9d }, T_NONE, 3 }, { 1, { 0xfa }, T_NONE, 1 }, { 1, { 0xfb }, T_NONE, 2 },
	{ 1, { 0xc8 }, T_IW, 1 }, { 1, { 0xc9 }, T_NONE, 1 }, { 1, { 0xfd }, T_NONE, 1 },
	/* segments */
	{ 1, { 0x8e }, T_MODRM, 5 }, { 1, { 0x8c }, T_MODRM, 2 }, { 1, { 0x17 }, T_NONE, 2 },
	{ 1, { 0x1f }, T_NONE, 1 }, { 1, { 0x07 }, T_NONE, 1 }, { 2, { 0x0f, 0xa1 }, T_NONE, 1 },
	{ 2, { 0x0f, 0xb2 }, T_MEM, 1 }, { 1, { 0xc5 }, T_MEM, 1 },
	{ 2, { 0x0f, 0x02 }, T_MODRM, 1 },
};

u32 interesting_msr(struct random *r)
{
	static const u32 msrs[] = {
		0x1b, 0x3a, 0x3b, 0x48, 0x49, 0x8b, 0xce, 0xfe, 0x10a, 0x10b, 0x174, 0x175, 0x176,
		0x179, 0x17a, 0x1a0, 0x1d9, 0x200, 0x201, 0x250, 0x26f, 0x277, 0x2ff, 0x345, 0x38f,
		0x400, 0x401, 0x480, 0x48b, 0x6e0, 0x802, 0x808, 0x80b, 0x80f, 0x830, 0x832, 0x838,
		0x83f, 0xda0, 0xc0000080, 0xc0000081, 0xc0000082, 0xc0000083, 0xc0000084,
		0xc0000100, 0xc0000101, 0xc0000102, 0xc0000103, 0x4b564d00, 0x4b564d01, 0x4b564d02,
		0x4b564d03, 0x4b564d04, 0x4b564d05, 0x12345,
	};

	return msrs[random_below(r, ARRAY_SIZE(msrs))];
}

u64 interesting_address(struct random *r, const struct guest_case *c)
{
	static const u64 places[] = {
		AT_DATA, AT_DATA + 0xffe, AT_CODE + 0x800, AT_STACK, 0x24000, 0x25000, 0x26ffc,
		MEMORY - 2, MEMORY, 0x81000, 0x8fffe, ROM, ROM + 0xffc, 0x200000, AT_GDT, AT_PT,
	};
	static const u64 chips[] = {
		0xfee00020, 0xfee00080, 0xfee000b0, 0xfee000f0, 0xfee00300, 0xfee00310, 0xfee00320,
		0xfee00350, 0xfee00380, 0xfee003e0, 0xfec00000, 0xfec00010, 0x400000, 0x600080,
		0x6000b0, 0x600300, 0x600320, 0x600380,
	};

	if (c->chips && one_in(r, 2))
		return chips[random_below(r, ARRAY_SIZE(chips))];
	if (one_in(r, 12))
		return random_number(r);
	return places[random_below(r, ARRAY_SIZE(places))] + random_below(r, 8);
}

/* What a register holds: an address, an MSR's or a port's number, a count, a selector, bits. */
static u64 register_value(struct random *r, const struct guest_case *c)
{
	switch (random_below(r, 8)) {
	case 0:
		return interesting_msr(r);
	case 1:
		return random_below(r, 0x90) << (one_in(r, 4) ? 4 : 0);
	case 2:
		return random_below(r, 24);
	case 3:
		return random_below(r, 18) * 8 + (one_in(r, 4) ? random_below(r, 8) : 0);
	case 4:
		return random_number(r);
	default:
		return interesting_address(r, c);
	}
}

static bool wide(const struct guest_case *c)
{
	return c->mode == MODE_PROT32 || c->mode == MODE_PAGED32 || c->mode == MODE_PAE ||
	       c->mode == MODE_COMPAT || c->mode == MODE_LONG;
}

static u8 *put(u8 *at, u64 value, unsigned int bytes)
{
	memcpy(at, &value, bytes);
	return at + bytes;
}

static u8 *put_modrm(struct random *r, const struct guest_case *c, u8 *at, u8 tail)
{
	u8 mod = tail == T_REG ? 3 : random_below(r, tail == T_MEM ? 3 : 4);
	u8 rm = random_below(r, 8), reg = random_below(r, 8);

	*at++ = mod << 6 | reg << 3 | rm;
	if (mod == 3)
		return at;
	if (!wide(c)) {
		if (mod == 1)
			return put(at, random_below(r, 8), 1);
		return mod == 2 || rm == 6 ? put(at, interesting_address(r, c), 2) : at;
	}
	if (rm == 4)
		*at++ = random_next(r);
	if (mod == 1)
		return put(at, random_below(r, 8), 1);
	if (mod == 2)
		return put(at, random_below(r, 4096), 4);
	return rm == 5 ? put(at, interesting_address(r, c), 4) : at;
}

static u8 *put_tail(struct random *r, const struct guest_case *c, u8 *at, u8 tail)
{
	unsigned int z = wide(c) ? 4 : 2;

	switch (tail) {
	case T_MODRM: case T_REG: case T_MEM:
		return put_modrm(r, c, at, tail);
	case T_IB:
		z = one_in(r, 2) ? 0x20 + random_below(r, 0x50) : random_below(r, 256);
		return put(at, z, 1);
	case T_IZ:
		return put(at, random_number(r), z);
	case T_MODRM_IB:
		return put(put_modrm(r, c, at, T_MODRM), random_number(r), 1);
	case T_MODRM_IZ:
		return put(put_modrm(r, c, at, T_MODRM), random_number(r), z);
	case T_FAR:
		at = put(at, one_in(r, 2) ? AT_CODE + 0x40 : random_below(r, 0x200), z);
		return put(at, random_below(r, 18) * 8 + random_below(r, 4), 2);
	case T_IW:
		at = put(at, random_below(r, 64), 2);
		return put(at, random_below(r, 3), 1);
	case T_MOFFS:
		return put(at, interesting_address(r, c), c->mode == MODE_LONG ? 8 : z);
	case T_REL:
		return put(at, random_below(r, 24), 1);
	default:
		return at;
	}
}

/* MOV of a value into a register, so that what follows finds something. */
static u8 *put_load(struct random *r, const struct guest_case *c, u8 *at)
{
	if (!wide(c) && one_in(r, 2))
		*at++ = 0x66;
	else if (!wide(c))
		return put(put(at, 0xb8 + random_below(r, 8), 1), register_value(r, c), 2);
	return put(put(at, 0xb8 + random_below(r, 8), 1), register_value(r, c), 4);
}

static const struct template *pick(struct random *r, bool quiet)
{
	static unsigned int sum;
	const struct template *t;
	unsigned int at;

	if (!sum)
		for (unsigned int i = 0; i < ARRAY_SIZE(templates); i++)
			sum += templates[i].weight;
	do {
		at = random_below(r, sum);
		for (t = templates; at >= t->weight; t++)
			at -= t->weight;
	} while (quiet && t->timed);
	return t;
}

unsigned int make_code(struct random *r, const struct guest_case *c, u8 *code)
{
	static const u8 prefixes[] = {
		0x66, 0x67, 0xf2, 0xf3, 0xf0, 0x2e, 0x36, 0x3e, 0x26, 0x64, 0x65,
	};
	unsigned int n = 1 + random_below(r, 14);
	u8 *at = code;

	while (n-- && at < code + CODE_BYTES - 48) {
		const struct template *t;

		if (one_in(r, 16)) {
			for (unsigned int i = random_below(r, 5); i; i--)
				*at++ = random_next(r);
			continue;
		}
		if (one_in(r, 3))
			at = put_load(r, c, at);
		if (one_in(r, 8))
			*at++ = prefixes[random_below(r, ARRAY_SIZE(prefixes))];
		if (c->mode == MODE_LONG && one_in(r, 4))
			*at++ = 0x40 | random_below(r, 16);
		t = pick(r, c->quiet);
		at = put(at, t->bytes[0], 1);
		for (unsigned int i = 1; i < t->n; i++)
			*at++ = t->bytes[i];
		at = put_tail(r, c, at, t->tail);
	}
	*at++ = 0xf4;
	return at - code;
}
