// SPDX-License-Identifier: GPL-2.0-only
/*
 * Registers and operands: where a decoded operand's value comes from and goes to.
 */
#include "internal.h"

u64 emu_get_gpr(const struct emulate_ctxt *c, unsigned int reg, unsigned int bytes)
{
	return c->gprs[reg & 15] & emu_mask(bytes);
}

/* A write of 4 bytes clears the upper half, one of 1 or 2 leaves the rest alone. */
void emu_set_gpr(struct emulate_ctxt *c, unsigned int reg, unsigned int bytes, u64 val)
{
	u64 mask = emu_mask(bytes);
	u64 *r = &c->gprs[reg & 15];

	*r = bytes >= 4 ? val & mask : (*r & ~mask) | (val & mask);
}

/* The offset of the memory operand in its segment, by the registers as they are now. */
u64 emu_mem_offset(const struct emulate_ctxt *c)
{
	const struct emulate_mem *mem = &c->insn.mem;
	u64 offset = mem->disp;

	if (mem->base != EMULATE_NO_REG)
		offset += c->gprs[mem->base];
	if (mem->index != EMULATE_NO_REG)
		offset += c->gprs[mem->index] << mem->scale;
	if (mem->rip_relative)
		offset += c->rip + c->insn.length;
	return offset & emu_mask(c->insn.ad_bytes);
}

/* Set mem_linear to the address of n bytes, delta bytes behind the memory operand's offset. */
int emu_mem_address(struct emulate_ctxt *c, u64 delta, unsigned int n, bool write)
{
	u64 offset = (emu_mem_offset(c) + delta) & emu_mask(c->insn.ad_bytes);

	return emu_linear(c, c->insn.mem.seg, offset, n, write, &c->mem_linear);
}

/* SSE state is usable: the checks that every XMM instruction makes. */
int emu_check_sse(struct emulate_ctxt *c)
{
	if ((c->cr0 & CR0_EM) || !(c->cr4 & CR4_OSFXSR))
		return emulate_raise(c, VEC_UD);
	if (c->cr0 & CR0_TS)
		return emulate_raise(c, VEC_NM);
	return EMULATE_OK;
}

/* XMM values do not fit into .val; they are kept in ctxt->bulk. */
static int read_xmm(struct emulate_ctxt *c, unsigned int reg)
{
	EMU_TRY(emu_check_sse(c));
	if (!c->ops->get_xmm)
		return EMULATE_UNHANDLED;
	return c->ops->get_xmm(c, reg, c->bulk);
}

static int write_xmm(struct emulate_ctxt *c, unsigned int reg)
{
	EMU_TRY(emu_check_sse(c));
	if (!c->ops->set_xmm)
		return EMULATE_UNHANDLED;
	return c->ops->set_xmm(c, reg, c->bulk);
}

/* A wrong alignment is #GP, and comes before any other complaint about the address. */
static int xmm_address(struct emulate_ctxt *c, bool write)
{
	int r = emu_mem_address(c, 0, 16, write);

	if (c->insn.op == OP_MOVXMM_ALIGNED && (c->mem_linear & 15))
		return emulate_raise_error(c, VEC_GP, 0);
	return r;
}

static int read_memory_operand(struct emulate_ctxt *c, struct emulate_operand *o)
{
	bool write = o == &c->insn.dst && (c->insn.flags & F_WRITE);

	if (c->insn.flags & F_OWN_MEM)
		return EMULATE_OK;
	if (o->size == 16) {
		EMU_TRY(emu_check_sse(c));
		EMU_TRY(xmm_address(c, false));
		return emu_read(c, c->mem_linear, c->bulk, 16);
	}
	EMU_TRY(emu_mem_address(c, 0, o->size, write));
	if (write)
		EMU_TRY(emu_probe(c, c->mem_linear, o->size));
	o->val = 0;
	return emu_read(c, c->mem_linear, &o->val, o->size);
}

int emu_read_operand(struct emulate_ctxt *c, struct emulate_operand *o)
{
	switch (o->type) {
	case EMULATE_OPND_REG:
		o->val = emu_get_gpr(c, o->reg, o->size);
		break;
	case EMULATE_OPND_REG_HIGH:
		o->val = emu_get_gpr(c, o->reg, 2) >> 8;
		break;
	case EMULATE_OPND_MEM:
		return read_memory_operand(c, o);
	case EMULATE_OPND_XMM:
		return read_xmm(c, o->reg);
	}
	return EMULATE_OK;
}

static int write_memory_operand(struct emulate_ctxt *c, const struct emulate_operand *o)
{
	if (o->size == 16) {
		EMU_TRY(xmm_address(c, true));
		return emu_write(c, c->mem_linear, c->bulk, 16);
	}
	/* A destination that was not read has no address yet. */
	if (!(c->insn.flags & (F_READ | F_OWN_MEM)))
		EMU_TRY(emu_mem_address(c, 0, o->size, true));
	/* XCHG with memory is locked without being told to. */
	if (c->insn.lock || c->insn.op == OP_XCHG)
		return emu_cmpxchg(c, c->mem_linear, &c->old_dst, &o->val, o->size);
	return emu_write(c, c->mem_linear, &o->val, o->size);
}

/* A general register operand gets its .val; an operand of another type is left alone. */
void emu_write_register(struct emulate_ctxt *c, const struct emulate_operand *o)
{
	if (o->type == EMULATE_OPND_REG)
		emu_set_gpr(c, o->reg, o->size, o->val);
	else if (o->type == EMULATE_OPND_REG_HIGH)
		emu_set_gpr(c, o->reg, 2, emu_get_gpr(c, o->reg, 1) | (o->val & 0xff) << 8);
}

/* Write insn.dst.val to the first operand, at most once. May be memory, and then may fail. */
int emu_write_dst(struct emulate_ctxt *c)
{
	struct emulate_operand *o = &c->insn.dst;

	c->dst_written = true;
	switch (o->type) {
	case EMULATE_OPND_REG:
	case EMULATE_OPND_REG_HIGH:
		emu_write_register(c, o);
		break;
	case EMULATE_OPND_MEM:
		return write_memory_operand(c, o);
	case EMULATE_OPND_XMM:
		return write_xmm(c, o->reg);
	}
	return EMULATE_OK;
}

/* The segment of an implicit memory operand (strings, XLAT): DS unless a prefix names another. */
unsigned int emu_data_segment(const struct emulate_ctxt *c)
{
	return c->insn.seg_override == EMULATE_NO_SEG ? EMULATE_DS : c->insn.seg_override;
}
