// SPDX-License-Identifier: GPL-2.0-only
/*
 * The decoder: bytes to struct emulate_insn.
 *
 * One pass from left to right: prefixes, opcode, ModRM with SIB and displacement, immediates.
 * Bytes are fetched at most twice, the second time only if the instruction really crosses
 * a page, so that a page that it does not touch cannot fault. Nothing here reads a register;
 * what the opcode maps cannot express stands in special_cases().
 */
#include "internal.h"

#define REX_W	8
#define REX_R	4
#define REX_X	2
#define REX_B	1

#define PAGE_BYTES	4096

/* The code segment's linear base and limit for the fetch; 64-bit mode has neither. */
static int code_window(struct emulate_ctxt *c, u64 offset, u64 *linear, u64 *left)
{
	struct emulate_segment *cs;

	if (emu_long(c)) {
		if (!emu_canonical(c, offset))
			return emulate_raise_error(c, VEC_GP, 0);
		*linear = offset;
		*left = EMULATE_MAX_INSN;
		return EMULATE_OK;
	}
	EMU_TRY(emu_segment(c, EMULATE_CS, &cs));
	offset = (u32)offset;
	if (offset > cs->limit)
		return emulate_raise_error(c, VEC_GP, 0);
	*linear = (u32)(cs->base + offset);
	*left = cs->limit - offset + 1;
	return EMULATE_OK;
}

/* See to it that bytes[0 .. want-1] are there. */
static int fetch(struct emulate_ctxt *c, unsigned int want)
{
	struct emulate_insn *insn = &c->insn;

	if (want > EMULATE_MAX_INSN)
		return emulate_raise_error(c, VEC_GP, 0);
	while (insn->fetched < want) {
		unsigned int n = EMULATE_MAX_INSN - insn->fetched;
		u64 linear = 0, left = 0;

		EMU_TRY(code_window(c, c->rip + insn->fetched, &linear, &left));
		if (n > left)
			n = left;
		if (n > PAGE_BYTES - (linear & (PAGE_BYTES - 1)))
			n = PAGE_BYTES - (linear & (PAGE_BYTES - 1));
		EMU_TRY(c->ops->fetch(c, linear, insn->bytes + insn->fetched, n));
		insn->fetched += n;
	}
	return EMULATE_OK;
}

static int next_byte(struct emulate_ctxt *c, u8 *val)
{
	EMU_TRY(fetch(c, c->insn.length + 1));
	*val = c->insn.bytes[c->insn.length++];
	return EMULATE_OK;
}

/* The next n bytes, not extended. */
static int next_value(struct emulate_ctxt *c, unsigned int n, u64 *val)
{
	*val = 0;
	EMU_TRY(fetch(c, c->insn.length + n));
	memcpy(val, c->insn.bytes + c->insn.length, n);
	c->insn.length += n;
	return EMULATE_OK;
}

static int next_signed(struct emulate_ctxt *c, unsigned int n, u64 *val)
{
	EMU_TRY(next_value(c, n, val));
	*val = emu_sign_extend(*val, n);
	return EMULATE_OK;
}

static void segment_prefix(struct emulate_ctxt *c, unsigned int seg)
{
	/* 64-bit mode knows FS and GS only; the others do not even cancel them. */
	if (!emu_long(c) || seg == EMULATE_FS || seg == EMULATE_GS)
		c->insn.seg_override = seg;
}

/* Prefixes and the first opcode byte, which is left in insn->opcode. */
static int decode_prefixes(struct emulate_ctxt *c)
{
	struct emulate_insn *insn = &c->insn;
	bool address_prefix = false;
	u8 byte;

	for (;;) {
		EMU_TRY(next_byte(c, &byte));
		if (emu_long(c) && (byte & 0xf0) == 0x40) {
			insn->rex = byte;
			continue;
		}
		switch (byte) {
		case 0x26: case 0x2e: case 0x36: case 0x3e:
			segment_prefix(c, EMULATE_ES + ((byte >> 3) & 3));
			break;
		case 0x64: case 0x65:
			segment_prefix(c, EMULATE_FS + (byte & 1));
			break;
		case 0x66:
			insn->opsize_prefix = true;
			break;
		case 0x67:
			address_prefix = true;
			break;
		case 0xf0:
			insn->lock = true;
			break;
		case 0xf2: case 0xf3:
			insn->rep = byte;
			break;
		default:
			insn->opcode = byte;
			if (address_prefix)
				insn->ad_bytes = insn->ad_bytes == 4 ? 2 : 4;
			return EMULATE_OK;
		}
		insn->rex = 0;	/* a REX prefix counts only right before the opcode */
	}
}

/* The sizes before any prefix. */
static int default_sizes(struct emulate_ctxt *c)
{
	struct emulate_segment *cs;

	switch (c->mode) {
	case EMULATE_MODE_LONG64:
		c->insn.op_bytes = 4;
		c->insn.ad_bytes = 8;
		return EMULATE_OK;
	case EMULATE_MODE_PROT32:
		c->insn.op_bytes = 4;
		c->insn.ad_bytes = 4;
		return EMULATE_OK;
	case EMULATE_MODE_REAL:
		/* CS keeps its D bit when protected mode is left. */
		EMU_TRY(emu_segment(c, EMULATE_CS, &cs));
		c->insn.op_bytes = cs->ar & EMULATE_AR_DB ? 4 : 2;
		c->insn.ad_bytes = c->insn.op_bytes;
		return EMULATE_OK;
	default:
		c->insn.op_bytes = 2;
		c->insn.ad_bytes = 2;
		return EMULATE_OK;
	}
}

static int decode_mem16(struct emulate_ctxt *c)
{
	static const u8 base[8] = {
		EMULATE_RBX, EMULATE_RBX, EMULATE_RBP, EMULATE_RBP,
		EMULATE_RSI, EMULATE_RDI, EMULATE_RBP, EMULATE_RBX,
	};
	static const u8 index[4] = { EMULATE_RSI, EMULATE_RDI, EMULATE_RSI, EMULATE_RDI };
	struct emulate_mem *mem = &c->insn.mem;
	unsigned int rm = c->insn.modrm & 7;
	unsigned int disp_bytes = c->insn.mod == 3 ? 0 : c->insn.mod;
	u64 disp = 0;

	if (c->insn.mod == 0 && rm == 6) {
		disp_bytes = 2;
	} else {
		mem->base = base[rm];
		if (rm < 4)
			mem->index = index[rm];
	}
	if (disp_bytes)
		EMU_TRY(next_signed(c, disp_bytes, &disp));
	mem->disp = disp;
	mem->seg = mem->base == EMULATE_RBP ? EMULATE_SS : EMULATE_DS;
	return EMULATE_OK;
}

static int decode_mem32(struct emulate_ctxt *c)
{
	static const u8 disp_size[4] = { 0, 1, 4, 0 };
	struct emulate_insn *insn = &c->insn;
	struct emulate_mem *mem = &insn->mem;
	unsigned int rm = insn->modrm & 7;
	unsigned int disp_bytes = disp_size[insn->mod];
	unsigned int rex_b = insn->rex & REX_B ? 8 : 0;
	u64 disp = 0;
	u8 sib;

	if (rm == 4) {
		EMU_TRY(next_byte(c, &sib));
		mem->scale = sib >> 6;
		mem->index = ((sib >> 3) & 7) | (insn->rex & REX_X ? 8 : 0);
		if (mem->index == EMULATE_RSP)
			mem->index = EMULATE_NO_REG;
		if ((sib & 7) == 5 && insn->mod == 0)
			disp_bytes = 4;
		else
			mem->base = (sib & 7) | rex_b;
	} else if (rm == 5 && insn->mod == 0) {
		disp_bytes = 4;
		mem->rip_relative = emu_long(c);
	} else {
		mem->base = rm | rex_b;
	}
	if (disp_bytes)
		EMU_TRY(next_signed(c, disp_bytes, &disp));
	mem->disp = disp;
	mem->seg = mem->base == EMULATE_RSP || mem->base == EMULATE_RBP ? EMULATE_SS : EMULATE_DS;
	return EMULATE_OK;
}

static int decode_modrm(struct emulate_ctxt *c, bool register_only)
{
	struct emulate_insn *insn = &c->insn;

	insn->has_modrm = true;
	EMU_TRY(next_byte(c, &insn->modrm));
	insn->mod = register_only ? 3 : insn->modrm >> 6;
	insn->reg = ((insn->modrm >> 3) & 7) | (insn->rex & REX_R ? 8 : 0);
	insn->rm = (insn->modrm & 7) | (insn->rex & REX_B ? 8 : 0);
	if (insn->mod == 3)
		return EMULATE_OK;
	if (insn->ad_bytes == 2)
		EMU_TRY(decode_mem16(c));
	else
		EMU_TRY(decode_mem32(c));
	if (insn->seg_override != EMULATE_NO_SEG)
		insn->mem.seg = insn->seg_override;
	return EMULATE_OK;
}

static void set_register(struct emulate_insn *insn, struct emulate_operand *o, unsigned int reg,
			 unsigned int size)
{
	o->type = EMULATE_OPND_REG;
	o->reg = reg;
	o->size = size;
	if (size == 1 && !insn->rex && reg >= 4 && reg < 8) {
		o->type = EMULATE_OPND_REG_HIGH;
		o->reg = reg - 4;
	}
}

static void set_rm(struct emulate_insn *insn, struct emulate_operand *o, unsigned int mem_size,
		   unsigned int reg_size)
{
	if (insn->mod == 3) {
		set_register(insn, o, insn->rm, reg_size);
	} else {
		o->type = EMULATE_OPND_MEM;
		o->size = mem_size;
	}
}

static int set_memory(struct emulate_ctxt *c, struct emulate_operand *o, unsigned int size)
{
	if (c->insn.mod == 3)
		return emulate_raise(c, VEC_UD);
	o->type = EMULATE_OPND_MEM;
	o->size = size;
	return EMULATE_OK;
}

static int set_immediate(struct emulate_ctxt *c, struct emulate_operand *o, unsigned int bytes,
			 bool sign)
{
	o->type = EMULATE_OPND_IMM;
	o->size = bytes;
	return sign ? next_signed(c, bytes, &o->val) : next_value(c, bytes, &o->val);
}

static int set_moffs(struct emulate_ctxt *c, struct emulate_operand *o, unsigned int size)
{
	struct emulate_insn *insn = &c->insn;
	u64 offset;

	EMU_TRY(next_value(c, insn->ad_bytes, &offset));
	insn->mem.disp = offset;
	insn->mem.seg = insn->seg_override != EMULATE_NO_SEG ? insn->seg_override : EMULATE_DS;
	o->type = EMULATE_OPND_MEM;
	o->size = size;
	return EMULATE_OK;
}

static void set_special(struct emulate_operand *o, unsigned int type, unsigned int reg,
			unsigned int size)
{
	o->type = type;
	o->reg = reg;
	o->size = size;
}

static unsigned int size_of(const struct emulate_ctxt *c, unsigned int size)
{
	const struct emulate_insn *insn = &c->insn;

	switch (size) {
	case SIZE_V:
		return insn->op_bytes;
	case SIZE_Z:
		return insn->op_bytes == 2 ? 2 : 4;
	case SIZE_Y:
		return insn->rex & REX_W ? 8 : 4;
	case SIZE_N:
		return emu_long(c) ? 8 : 4;
	case SIZE_P:
		return insn->op_bytes + 2;
	default:
		return size;
	}
}

/* The immediate operands. */
static int decode_immediate(struct emulate_ctxt *c, struct emulate_operand *o, unsigned int kind,
			    unsigned int size)
{
	struct emulate_insn *insn = &c->insn;
	u64 selector;

	switch (kind) {
	case KIND_UNSIGNED:
		return set_immediate(c, o, size, false);
	case KIND_LIKE_FIRST:
		return set_immediate(c, o, insn->dst.size == 1 ? 1 : size, true);
	case KIND_MOFFS:
		return set_moffs(c, o, size);
	case KIND_FAR:
		EMU_TRY(set_immediate(c, o, size, false));
		EMU_TRY(next_value(c, 2, &selector));
		insn->far_sel = selector;
		return EMULATE_OK;
	default:
		return set_immediate(c, o, size, true);
	}
}

static int decode_operand(struct emulate_ctxt *c, struct emulate_operand *o, unsigned int enc)
{
	struct emulate_insn *insn = &c->insn;
	unsigned int kind = emu_encodings[enc].kind, reg = emu_encodings[enc].reg;
	unsigned int size = size_of(c, emu_encodings[enc].size);

	if (enc == ENC_NONE)
		return EMULATE_OK;
	switch (kind) {
	case KIND_RM:
		set_rm(insn, o, size, size_of(c, reg));
		break;
	case KIND_MEMORY:
		return set_memory(c, o, size);
	case KIND_REG:
		set_register(insn, o, insn->reg, size);
		break;
	case KIND_LOW:
		set_register(insn, o, (insn->opcode & 7) | (insn->rex & REX_B ? 8 : 0), size);
		break;
	case KIND_SEGMENT:
		if ((insn->reg & 7) > EMULATE_GS)
			return emulate_raise(c, VEC_UD);
		set_special(o, EMULATE_OPND_SEG, insn->reg & 7, size);
		break;
	case KIND_CR:
		set_special(o, EMULATE_OPND_CR, insn->reg, size);
		break;
	case KIND_DR:
		set_special(o, EMULATE_OPND_DR, insn->reg, size);
		break;
	case KIND_XMM:
		set_special(o, EMULATE_OPND_XMM, insn->reg, size);
		break;
	case KIND_XMM_RM:
		set_special(o, insn->mod == 3 ? EMULATE_OPND_XMM : EMULATE_OPND_MEM, insn->rm,
			    size);
		break;
	case KIND_FIXED:
		set_special(o, EMULATE_OPND_REG, reg, size);
		break;
	case KIND_NAMED_SEGMENT:
		set_special(o, EMULATE_OPND_SEG, reg, size);
		break;
	case KIND_ONE:
		set_special(o, EMULATE_OPND_IMM, 0, size);
		o->val = 1;
		break;
	default:
		return decode_immediate(c, o, kind, size);
	}
	return EMULATE_OK;
}

static bool needs_modrm(const struct emulate_opcode *e)
{
	return (e->flags & (F_GROUP | F_MODRM)) ||
	       (e->dst != ENC_NONE && e->dst <= ENC_MODRM_LAST) ||
	       (e->src != ENC_NONE && e->src <= ENC_MODRM_LAST);
}

static void merge_group(struct emulate_opcode *e, unsigned int reg)
{
	const struct emulate_opcode *g = &emu_opcode_group[e->op][reg & 7];

	e->op = g->op;
	if (g->dst)
		e->dst = g->dst;
	if (g->src)
		e->src = g->src;
	e->flags = (e->flags & ~F_GROUP) | g->flags;
}

/* What ModRM.mod or a prefix turns into another instruction. False: not one of the tables. */
static bool special_cases(const struct emulate_ctxt *c, const struct emulate_opcode *e,
			  unsigned int group)
{
	const struct emulate_insn *insn = &c->insn;
	bool is_register = insn->mod == 3;
	unsigned int prefix;

	if (e->flags & F_SSE) {
		prefix = insn->rep == 0xf3 ? PFX_F3 : insn->opsize_prefix ? PFX_66 : PFX_NONE;
		return insn->rep != 0xf2 && (e->src2 & prefix);
	}
	/* TZCNT, LZCNT: on a processor without them this is BSF, BSR; it is not ours to say. */
	if (e->flags & F_SIZED && insn->rep == 0xf3)
		return false;
	if (insn->map == 0) {
		if (insn->opcode == 0x63)
			return emu_long(c);	/* else ARPL */
		if (insn->opcode == 0xc4 || insn->opcode == 0xc5)
			return !emu_long(c) && (!is_register || emu_paragraphs(c)); /* else VEX */
		return true;
	}
	switch (group) {
	case GROUP_7:
		return !is_register || e->op == OP_SMSW || e->op == OP_LMSW;
	case GROUP_15:
		if (is_register)
			return !insn->rep && !insn->opsize_prefix;
		if ((insn->reg & 7) == 7)
			return !insn->rep;
		return (insn->reg & 7) == 6 && insn->opsize_prefix && !insn->rep;
	}
	if (e->op == OP_POPCNT)
		return insn->rep == 0xf3;
	if (e->op == OP_MOVPART)
		return !is_register;
	if (insn->opcode == 0xc3)
		return !insn->rep && !insn->opsize_prefix;	/* MOVNTI */
	return true;
}

/* MOVBE, the only instructions of the 0F 38 map that are known here. */
static const struct emulate_opcode movbe[2] = {
	{ OP_MOVBE, ENC_Gv, ENC_Mv, ENC_NONE, F_WRITE },
	{ OP_MOVBE, ENC_Mv, ENC_Gv, ENC_NONE, F_WRITE },
};

/* Of 16 bytes: LDDQU, and in the 0F 38 map MOVNTDQA. */
static const struct emulate_opcode lddqu = {
	OP_MOVXMM, ENC_Vx, ENC_Wx, ENC_NONE, F_WRITE | F_MEM,
};

static const struct emulate_opcode movntdqa = {
	OP_MOVXMM_ALIGNED, ENC_Vx, ENC_Wx, ENC_NONE, F_WRITE | F_MEM,
};

static const struct emulate_opcode part_move = {
	OP_MOVPART, ENC_NONE, ENC_NONE, ENC_NONE, F_MODRM | F_OWN_MEM,
};

/* In the register form of CMPXCHG8B's group, which is another instruction without F3. */
static const struct emulate_opcode rdpid = { OP_RDPID, ENC_En, ENC_NONE, ENC_NONE, F_WRITE };

static bool is_rdpid(const struct emulate_insn *insn)
{
	return insn->rep == 0xf3 && insn->mod == 3 && (insn->reg & 7) == 7;
}

static int decode_opcode(struct emulate_ctxt *c, struct emulate_opcode *e)
{
	struct emulate_insn *insn = &c->insn;

	if (insn->opcode != 0x0f) {
		*e = emu_opcode_map[0][insn->opcode];
		return EMULATE_OK;
	}
	insn->map = 1;
	EMU_TRY(next_byte(c, &insn->opcode));
	if (insn->opcode != 0x38) {
		*e = emu_opcode_map[1][insn->opcode];
		if (insn->opcode == 0xf0 && insn->rep == 0xf2)
			*e = lddqu;
		else if (emu_is_part_move(insn))
			*e = part_move;
		return EMULATE_OK;
	}
	insn->map = 2;
	EMU_TRY(next_byte(c, &insn->opcode));
	if (insn->opcode == 0x2a && insn->opsize_prefix && !insn->rep) {
		*e = movntdqa;
		return EMULATE_OK;
	}
	if ((insn->opcode & 0xfe) != 0xf0 || insn->rep)
		return EMULATE_UNHANDLED;
	*e = movbe[insn->opcode & 1];
	return EMULATE_OK;
}

static void effective_op_size(struct emulate_ctxt *c, unsigned int flags)
{
	struct emulate_insn *insn = &c->insn;

	if (insn->opsize_prefix)
		insn->op_bytes = insn->op_bytes == 4 ? 2 : 4;
	if (!emu_long(c))
		return;
	if ((insn->rex & REX_W) || (flags & F_F64) ||
	    ((flags & F_D64) && !insn->opsize_prefix))
		insn->op_bytes = 8;
}

static int decode_one(struct emulate_ctxt *c)
{
	struct emulate_insn *insn = &c->insn;
	unsigned int group = GROUP_COUNT;
	struct emulate_opcode e;

	EMU_TRY(default_sizes(c));
	EMU_TRY(decode_prefixes(c));
	EMU_TRY(decode_opcode(c, &e));
	if (needs_modrm(&e)) {
		EMU_TRY(decode_modrm(c, e.flags & F_REGISTER));
		if (e.flags & F_GROUP) {
			group = e.op;
			merge_group(&e, insn->modrm >> 3);
			if (group == GROUP_9 && is_rdpid(insn))
				e = rdpid;
		}
	}
	if (e.op == OP_UNSUPPORTED || (e.op != OP_UNDEFINED && !special_cases(c, &e, group)))
		return EMULATE_UNHANDLED;
	if (e.op == OP_UNDEFINED || ((e.flags & F_NO64) && emu_long(c)) ||
	    ((e.flags & F_MEM) && insn->mod == 3) || ((e.flags & F_PROT) && emu_paragraphs(c)))
		return emulate_raise(c, VEC_UD);
	if ((e.flags & F_SSE) && (insn->opcode & 0xef) == 0x6f && !insn->rep)
		e.op = OP_MOVXMM_ALIGNED;	/* MOVDQA, which shares its opcode with MOVDQU */
	effective_op_size(c, e.flags);
	insn->op = e.op;
	insn->flags = e.flags;
	EMU_TRY(decode_operand(c, &insn->dst, e.dst));
	EMU_TRY(decode_operand(c, &insn->src, e.src));
	if (!(e.flags & F_SSE))
		EMU_TRY(decode_operand(c, &insn->src2, e.src2));
	if (insn->lock && !((e.flags & F_LOCK) && insn->dst.type == EMULATE_OPND_MEM))
		return emulate_raise(c, VEC_UD);
	return EMULATE_OK;
}

int emulate_decode(struct emulate_ctxt *c)
{
	struct emulate_insn *insn = &c->insn;

	memset(insn, 0, sizeof(*insn));
	insn->seg_override = EMULATE_NO_SEG;
	insn->mem.seg = EMULATE_DS;
	insn->mem.base = EMULATE_NO_REG;
	insn->mem.index = EMULATE_NO_REG;
	c->exception.valid = false;
	c->seg_valid = 0;
	return decode_one(c);
}

bool emulate_is_movbe(const struct emulate_ctxt *c)
{
	return c->insn.op == OP_MOVBE;
}

bool emulate_is_rdpid(const struct emulate_ctxt *c)
{
	return c->insn.op == OP_RDPID;
}
