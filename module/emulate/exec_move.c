// SPDX-License-Identifier: GPL-2.0-only
/*
 * Handlers: data movement, exchange, conditional moves, conversions and the flag instructions.
 */
#include "internal.h"

/* Also MOVZX: the source is kept zero-extended. XMM values pass through ctxt->bulk. */
int emu_do_mov(struct emulate_ctxt *c)
{
	c->insn.dst.val = c->insn.src.val;
	return EMULATE_OK;
}

/* The alignment is checked where the memory operand is read or written. */
int emu_do_mov_aligned(struct emulate_ctxt *c)
{
	return emu_do_mov(c);
}

int emu_do_movsx(struct emulate_ctxt *c)
{
	c->insn.dst.val = emu_sign_extend(c->insn.src.val, c->insn.src.size);
	return EMULATE_OK;
}

static u64 byte_swap(u64 val, unsigned int bytes)
{
	return __builtin_bswap64(val) >> (64 - bytes * 8);
}

int emu_do_movbe(struct emulate_ctxt *c)
{
	struct emulate_insn *insn = &c->insn;

	if (insn->op == OP_MOVBE)
		insn->dst.val = byte_swap(insn->src.val, insn->dst.size);
	else if (insn->dst.size == 2)
		insn->dst.val = 0;	/* undefined by the SDM, this is what processors do */
	else
		insn->dst.val = byte_swap(insn->dst.val, insn->dst.size);
	return EMULATE_OK;
}

int emu_do_lea(struct emulate_ctxt *c)
{
	c->insn.dst.val = emu_mem_offset(c);
	return EMULATE_OK;
}

int emu_do_xchg(struct emulate_ctxt *c)
{
	struct emulate_insn *insn = &c->insn;
	u64 old = insn->dst.val;

	if (insn->map == 0 && insn->opcode == 0x90 && insn->dst.reg == EMULATE_RAX) {
		c->dst_written = true;	/* NOP, which does not even clear a register's upper half */
		return EMULATE_OK;
	}
	insn->dst.val = insn->src.val;
	EMU_TRY(emu_write_dst(c));
	insn->src.val = old;
	emu_write_register(c, &insn->src);
	return EMULATE_OK;
}

int emu_do_xadd(struct emulate_ctxt *c)
{
	struct emulate_insn *insn = &c->insn;
	u64 old = insn->dst.val;

	insn->dst.val = emu_alu(OP_ADD, old, insn->src.val, insn->dst.size, &c->new_rflags);
	if (insn->dst.type == EMULATE_OPND_MEM)
		EMU_TRY(emu_write_dst(c));
	insn->src.val = old;
	emu_write_register(c, &insn->src);
	/* Of XADD r, r with one register, the sum remains. */
	return insn->dst.type == EMULATE_OPND_MEM ? EMULATE_OK : emu_write_dst(c);
}

int emu_do_cmpxchg(struct emulate_ctxt *c)
{
	struct emulate_insn *insn = &c->insn;
	unsigned int size = insn->dst.size;
	u64 old = insn->dst.val;
	bool equal;

	emu_alu(OP_CMP, emu_get_gpr(c, EMULATE_RAX, size), old, size, &c->new_rflags);
	equal = c->new_rflags & FLAG_ZF;
	if (equal)
		insn->dst.val = insn->src.val;
	/* Memory is written in any case, as the processor does: with its old value if unequal. */
	if (equal || insn->dst.type == EMULATE_OPND_MEM)
		EMU_TRY(emu_write_dst(c));
	c->dst_written = true;
	if (!equal)
		emu_set_gpr(c, EMULATE_RAX, size, old);
	return EMULATE_OK;
}

/* CMPXCHG8B and, with REX.W, CMPXCHG16B. */
int emu_do_cmpxchg8b(struct emulate_ctxt *c)
{
	unsigned int half = c->insn.rex & 8 ? 8 : 4;
	u64 old[2] = { 0, 0 }, new[2], *pair = old;
	u8 raw[16], raw_new[16];
	bool equal;
	int r;

	r = emu_mem_address(c, 0, half * 2, true);
	/* The processor looks at the alignment first: #GP even where #SS is due as well. */
	if (half == 8 && (c->mem_linear & 15))
		return emulate_raise_error(c, VEC_GP, 0);
	EMU_TRY(r);
	EMU_TRY(emu_probe(c, c->mem_linear, half * 2));
	EMU_TRY(emu_read(c, c->mem_linear, raw, half * 2));
	memcpy(&old[0], raw, half);
	memcpy(&old[1], raw + half, half);
	new[0] = emu_get_gpr(c, EMULATE_RBX, half);
	new[1] = emu_get_gpr(c, EMULATE_RCX, half);
	equal = old[0] == emu_get_gpr(c, EMULATE_RAX, half) &&
		old[1] == emu_get_gpr(c, EMULATE_RDX, half);
	if (equal)
		pair = new;
	memcpy(raw_new, &pair[0], half);
	memcpy(raw_new + half, &pair[1], half);
	if (c->insn.lock)
		EMU_TRY(emu_cmpxchg(c, c->mem_linear, raw, raw_new, half * 2));
	else
		EMU_TRY(emu_write(c, c->mem_linear, raw_new, half * 2));
	c->new_rflags &= ~FLAG_ZF;
	if (equal) {
		c->new_rflags |= FLAG_ZF;
	} else {
		emu_set_gpr(c, EMULATE_RAX, half, old[0]);
		emu_set_gpr(c, EMULATE_RDX, half, old[1]);
	}
	return EMULATE_OK;
}

int emu_do_xlat(struct emulate_ctxt *c)
{
	u64 offset = c->gprs[EMULATE_RBX] + emu_get_gpr(c, EMULATE_RAX, 1), linear;
	u8 val;

	EMU_TRY(emu_linear(c, emu_data_segment(c), offset & emu_mask(c->insn.ad_bytes), 1, false,
			   &linear));
	EMU_TRY(emu_read(c, linear, &val, 1));
	emu_set_gpr(c, EMULATE_RAX, 1, val);
	return EMULATE_OK;
}

int emu_do_setcc(struct emulate_ctxt *c)
{
	c->insn.dst.val = emu_condition(c->insn.opcode, c->rflags);
	return EMULATE_OK;
}

/* The destination is written even if the condition is false: that clears an upper half. */
int emu_do_cmovcc(struct emulate_ctxt *c)
{
	if (emu_condition(c->insn.opcode, c->rflags))
		c->insn.dst.val = c->insn.src.val;
	return EMULATE_OK;
}

/* CBW, CWDE, CDQE */
int emu_do_convert(struct emulate_ctxt *c)
{
	unsigned int size = c->insn.op_bytes;
	u64 val;

	if (c->insn.op == OP_CBW) {
		val = emu_get_gpr(c, EMULATE_RAX, size / 2);
		emu_set_gpr(c, EMULATE_RAX, size, emu_sign_extend(val, size / 2));
		return EMULATE_OK;
	}
	/* CWD, CDQ, CQO */
	val = emu_get_gpr(c, EMULATE_RAX, size);
	emu_set_gpr(c, EMULATE_RDX, size, val & emu_sign_bit(size) ? ~0ULL : 0);
	return EMULATE_OK;
}

int emu_do_lahf(struct emulate_ctxt *c)
{
	u64 mask = FLAG_SF | FLAG_ZF | FLAG_AF | FLAG_PF | FLAG_CF;
	u64 ah = emu_get_gpr(c, EMULATE_RAX, 2) >> 8;

	if (c->insn.op == OP_SAHF) {
		c->new_rflags = (c->rflags & ~mask) | (ah & mask);
		return EMULATE_OK;
	}
	ah = (c->rflags & mask) | FLAG_FIXED;
	emu_set_gpr(c, EMULATE_RAX, 2, emu_get_gpr(c, EMULATE_RAX, 1) | ah << 8);
	return EMULATE_OK;
}

int emu_do_flag(struct emulate_ctxt *c)
{
	switch (c->insn.op) {
	case OP_CLC:
		c->new_rflags &= ~FLAG_CF;
		break;
	case OP_STC:
		c->new_rflags |= FLAG_CF;
		break;
	case OP_CMC:
		c->new_rflags ^= FLAG_CF;
		break;
	case OP_CLD:
		c->new_rflags &= ~FLAG_DF;
		break;
	case OP_STD:
		c->new_rflags |= FLAG_DF;
		break;
	}
	return EMULATE_OK;
}

int emu_do_nop(struct emulate_ctxt *c)
{
	(void)c;
	return EMULATE_OK;
}
