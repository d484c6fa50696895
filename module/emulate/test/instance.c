// SPDX-License-Identifier: GPL-2.0-only
/*
 * Builds random instances of a form: prefixes, addressing, immediates, registers.
 *
 * Most memory operands lie in the data area, some across one of its ends, some nowhere, in
 * 64-bit mode some at addresses that are not canonical: the exceptions are compared too.
 */
#include <string.h>

#include "../internal.h"
#include "instance.h"
#include "tests.h"

#define REX_W	8
#define REX_R	4
#define REX_X	2
#define REX_B	1

struct builder {
	struct instance *in;
	u8 *data;
	u8 rex;
	unsigned int op_bytes, ad_bytes;
	u16 pinned;		/* registers that must keep their value */
	u64 target;		/* of the memory operand */
	bool memory;
	bool rip_relative;
	unsigned int disp_at;	/* where its displacement stands */
};

static bool chance(unsigned int percent)
{
	return random_below(100) < percent;
}

static void emit(struct builder *b, u64 val, unsigned int bytes)
{
	memcpy(b->in->bytes + b->in->length, &val, bytes);
	b->in->length += bytes;
}

static void set_reg(struct builder *b, unsigned int reg, u64 val)
{
	if (!(b->pinned & (1U << reg)))
		b->in->state.gprs[reg] = val;
}

static u64 inside(struct builder *b, unsigned int margin, unsigned int align)
{
	u64 offset = margin + random_below(DATA_BYTES - 2 * margin);

	return b->in->data + (offset & ~(u64)(align - 1));
}

static u64 pick_target(struct builder *b)
{
	const struct form *form = b->in->form;
	unsigned int kind = random_below(100);
	bool hint = !strcmp(form->name, "clflush");

	if (kind < 86 || hint)
		return inside(b, 64, (form->flags & FORM_ALIGN) && chance(85) ? 16 : 1);
	if (kind < 90)
		return b->in->data + DATA_BYTES - random_below(16);
	if (kind < 93)
		return b->in->data - random_below(16);
	if (kind < 97 || b->ad_bytes < 8)
		return b->in->data + 0x1000000 + random_below(0x10000);
	return (random64() & ~(1ULL << 63)) | 1ULL << 62;
}

static void emit_prefixes(struct builder *b)
{
	const struct form *form = b->in->form;
	u32 f = form->flags;
	bool opsize = (f & FORM_66) || (!(f & FORM_NO66) && chance(25));
	/* 16-bit addresses are not mapped, and the interpreter's CLFLUSH does not look. */
	bool adsize = chance(12) && strcmp(form->name, "clflush");
	/* GS is null in 32-bit and 16-bit mode; 16-bit code has its own CS. */
	static const u8 segments[] = { 0x26, 0x36, 0x3e, 0x2e, 0x65 };
	unsigned int choice = b->in->long_mode ? 5 : b->in->mode == EMULATE_MODE_PROT32 ? 4 : 3;

	/* A 66 would make another instruction of most SSE forms without it. */
	if (form->opcode[0] == 0x0f && (f & FORM_ALIGN) && form->opcode[1] == 0xe7)
		opsize = true;
	if (chance(10))
		emit(b, segments[random_below(choice)], 1);
	if (opsize)
		emit(b, 0x66, 1);
	if (adsize)
		emit(b, 0x67, 1);
	if ((f & FORM_LOCK) && chance(b->memory ? 30 : 3))
		emit(b, 0xf0, 1);
	else if (chance(1))
		emit(b, 0xf0, 1);
	if (f & FORM_F3)
		emit(b, 0xf3, 1);
	else if ((f & FORM_REP) && chance(60))
		emit(b, chance(50) ? 0xf3 : 0xf2, 1);
	if (b->in->mode == EMULATE_MODE_PROT16) {
		opsize = !opsize;
		adsize = !adsize;
	}
	b->op_bytes = opsize ? 2 : 4;
	b->ad_bytes = b->in->long_mode ? (adsize ? 4 : 8) : (adsize ? 2 : 4);
	if (b->in->long_mode && chance(50)) {
		b->rex = 0x40 | random_below(16);
		emit(b, b->rex, 1);
		if (b->rex & REX_W)
			b->op_bytes = 8;
	}
}

/* In 32-bit code this cannot reach the data; it ends in page faults, or in LEA. */
static void emit_memory16(struct builder *b, u8 reg)
{
	static const u8 base[8] = { 3, 3, 5, 5, 6, 7, 5, 3 }, index[4] = { 6, 7, 6, 7 };
	unsigned int mod = random_below(3), rm = random_below(8);
	u64 offset = 0;
	s64 disp;

	emit(b, mod << 6 | reg << 3 | rm, 1);
	if (mod == 0 && rm == 6) {
		emit(b, b->target, 2);
		return;
	}
	disp = mod == 1 ? (s8)random64() : mod == 2 ? (s16)random64() : 0;
	if (rm < 4) {
		offset = b->in->state.gprs[index[rm]];
		b->pinned |= 1U << index[rm];
	}
	set_reg(b, base[rm], b->target - offset - disp);
	b->pinned |= 1U << base[rm];
	emit(b, disp, mod);
}

static void emit_memory32(struct builder *b, u8 reg)
{
	static const u8 disp_bytes[3] = { 0, 1, 4 };
	unsigned int mod = random_below(3), rm = random_below(8), scale = 0, n = disp_bytes[mod];
	unsigned int base = rm | (b->rex & REX_B ? 8 : 0), index = 4, sib = 0;
	bool has_base = true;
	u64 offset = 0;
	s64 disp;

	emit(b, mod << 6 | reg << 3 | rm, 1);
	if (rm == 4) {
		sib = random64() & 0xff;
		scale = sib >> 6;
		base = (sib & 7) | (b->rex & REX_B ? 8 : 0);
		index = ((sib >> 3) & 7) | (b->rex & REX_X ? 8 : 0);
		if (index == base) {	/* cannot be aimed */
			index = 4;
			sib = (sib & 0xc7) | 4 << 3;
			if (b->rex & REX_X) {
				index = 12;
				if (base == 12)
					sib = (sib & 0xc7) | 3 << 3, index = 11;
			}
		}
		emit(b, sib, 1);
		has_base = !((sib & 7) == 5 && mod == 0);
		if (!has_base)
			n = 4;
	} else if (rm == 5 && mod == 0) {
		has_base = false;
		n = 4;
		b->rip_relative = b->in->long_mode;
	}
	if (index != 4) {
		u64 val = has_base ? random64() : random_below(1 << 20);

		set_reg(b, index, val);
		b->pinned |= 1U << index;
		offset = b->in->state.gprs[index] << scale;
	}
	disp = n == 1 ? (s8)random64() : n == 4 ? (s32)random64() : 0;
	if (has_base) {
		u64 val = b->target - offset - disp;

		if (b->in->long_mode && b->ad_bytes == 4)
			val ^= random64() << 32;	/* ignored by the address size */
		set_reg(b, base, val);
		b->pinned |= 1U << base;
	} else {
		if (b->target >> 31)
			b->target = inside(b, 64, 16);	/* out of reach */
		disp = b->target - offset;	/* RIP-relative ones are aimed at the end */
	}
	b->disp_at = b->in->length;
	emit(b, disp, n);
}

static void emit_modrm(struct builder *b)
{
	const struct form *form = b->in->form;
	u8 reg = form->ext == ANY_REG ? random_below(8) : (unsigned int)form->ext;

	if (form->opcode[0] == 0x8e && reg == EMULATE_FS)
		reg = EMULATE_GS;	/* a new FS would lose the thread's own */
	if (!strcmp(form->name, "mov Es,Sw") && reg == EMULATE_FS)
		reg = EMULATE_DS;
	if (!b->memory)
		emit(b, 0xc0 | reg << 3 | random_below(8), 1);
	else if (b->ad_bytes == 2)
		emit_memory16(b, reg);
	else
		emit_memory32(b, reg);
}

static void emit_immediate(struct builder *b)
{
	const struct form *form = b->in->form;
	unsigned int z = b->op_bytes == 2 ? 2 : 4;
	u64 imm = random_operand();

	switch (form->imm) {
	case IMM_Z:
		if (form->flags & FORM_JUMP) {
			emit(b, (s64)random_below(0x8000) - 0x4000, b->in->long_mode ? 4 : z);
			break;
		}
		emit(b, imm, z);
		break;
	case IMM_V:
		emit(b, imm, b->op_bytes);
		break;
	case IMM_A:
		emit(b, b->target, b->ad_bytes);
		break;
	case IMM_ENTER:
		emit(b, random_below(200), 2);
		emit(b, random_below(2) | random_below(8) << 5, 1);
		break;
	case 2:
		emit(b, random_below(300), 2);
		break;
	default:
		if (form->flags & FORM_SHIFT)
			imm = chance(20) ? 1 : random64();
		emit(b, imm, form->imm);
	}
}

static u64 code_address(struct builder *b)
{
	return b->in->code - CODE_BYTES / 2 + 16 + random_below(CODE_BYTES - 64);
}

/* Registers that forms use without naming them. */
static void set_implicit(struct builder *b)
{
	const struct form *form = b->in->form;
	u32 f = form->flags;

	set_reg(b, EMULATE_RSP, chance(95) ? inside(b, 1024, 1) : b->in->data + random_below(16));
	if (f & FORM_REP) {
		set_reg(b, EMULATE_RSI, chance(90) ? inside(b, 300, 1) : pick_target(b));
		set_reg(b, EMULATE_RDI, chance(90) ? inside(b, 300, 1) : pick_target(b));
		set_reg(b, EMULATE_RCX, random_below(chance(90) ? 24 : 300));
		if (chance(50))
			memset(b->data, random64(), DATA_BYTES);
	}
	if (f & FORM_DIVIDE)
		set_reg(b, EMULATE_RDX, random_below(3) - 1);
	if (!strcmp(form->name, "leave") || !strcmp(form->name, "enter"))
		set_reg(b, EMULATE_RBP, inside(b, 300, 1));
	if (!strcmp(form->name, "xlat"))
		set_reg(b, EMULATE_RBX, inside(b, 300, 1));
	if (f & FORM_RET) {
		u64 sp = b->in->state.gprs[EMULATE_RSP] - b->in->data, to = code_address(b);

		if (sp < DATA_BYTES - 8)
			memcpy(b->data + sp, &to, 8);
	}
	if (f & FORM_LOCK && b->memory && b->target - b->in->data < DATA_BYTES - 16 && chance(50)) {
		u64 pair[2];

		memcpy(pair, b->data + (b->target - b->in->data), 16);
		set_reg(b, EMULATE_RAX, pair[0]);
		set_reg(b, EMULATE_RDX, b->rex & REX_W ? pair[1] : pair[0] >> 32);
	}
}

static void set_operands(struct builder *b, unsigned int modrm)
{
	const struct form *form = b->in->form;
	unsigned int reg = ((modrm >> 3) & 7) | (b->rex & REX_R ? 8 : 0);
	unsigned int rm = (modrm & 7) | (b->rex & REX_B ? 8 : 0);
	u64 to = code_address(b);

	if (form->flags & FORM_BITS)
		set_reg(b, reg, (s64)random_below(800) - 400);
	if ((form->flags & FORM_SEGLOAD) && !b->memory)
		set_reg(b, rm, random64() & ~0xfffcULL);
	if ((form->flags & FORM_TARGET) && !b->memory && rm != EMULATE_RSP)
		set_reg(b, rm, to);
	if ((form->flags & FORM_TARGET) && b->memory && b->target - b->in->data < DATA_BYTES - 8)
		memcpy(b->data + (b->target - b->in->data), &to, 8);
}

void make_instance(struct instance *in, const struct form *form, enum emulate_mode mode, u8 *data)
{
	struct builder b = { .in = in, .data = data };
	unsigned int i, modrm_at;

	memset(in, 0, sizeof(*in));
	in->form = form;
	in->mode = mode;
	in->long_mode = mode == EMULATE_MODE_LONG64;
	in->code = mode == EMULATE_MODE_PROT16 ? CODE_START - CODE_BASE : CODE_START;
	in->data = mode == EMULATE_MODE_PROT16 ? 0 : DATA_BASE;
	for (i = 0; i < 16; i++)
		in->state.gprs[i] = random_operand();
	for (i = 0; i < 256; i++)
		in->state.xmm[i / 16][i % 16] = random64();
	in->state.rflags = 0x202 | (random64() & FLAGS_ARITH) | (chance(25) ? FLAG_DF : 0);
	in->state.rip = in->code;
	in->state.ss = mode == EMULATE_MODE_PROT16 ? LDT_DS16 : USER_DS;
	if (!in->long_mode) {
		in->state.ds = in->state.ss;
		in->state.es = in->state.ss;
	}

	if (form->ext != NO_MODRM)
		b.memory = (form->flags & FORM_MEM) || (!(form->flags & FORM_REG) && chance(70));
	emit_prefixes(&b);
	b.target = pick_target(&b);
	emit(&b, form->opcode[0], 1);
	for (i = 1; i < form->length; i++)
		emit(&b, form->opcode[i], 1);
	if (form->flags & (FORM_Z | FORM_CC))
		in->bytes[in->length - 1] |= random_below(form->flags & FORM_Z ? 8 : 16);
	modrm_at = in->length;
	if (form->ext != NO_MODRM)
		emit_modrm(&b);
	emit_immediate(&b);
	if (b.rip_relative) {
		s32 disp = b.target - (CODE_START + in->length);

		memcpy(in->bytes + b.disp_at, &disp, 4);
	}
	if (!in->long_mode)
		for (i = 0; i < 16; i++)
			in->state.gprs[i] = i < 8 ? (u32)in->state.gprs[i] : 0;
	set_implicit(&b);
	set_operands(&b, in->bytes[modrm_at]);
}
