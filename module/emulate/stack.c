// SPDX-License-Identifier: GPL-2.0-only
/*
 * Handlers: pushes, pops and stack frames.
 *
 * The stack pointer is a local copy until the last access to memory has succeeded: PUSHA that
 * faults half way has written below the top of the stack, as on the processor, and not moved it.
 * Its width is the stack segment's, not the instruction's.
 */
#include "internal.h"

/* 2, 4 or 8: how many bytes of RSP this stack uses. */
static int stack_width(struct emulate_ctxt *c, unsigned int *bytes)
{
	struct emulate_segment *ss;

	if (emu_long(c)) {
		*bytes = 8;
		return EMULATE_OK;
	}
	EMU_TRY(emu_segment(c, EMULATE_SS, &ss));
	*bytes = ss->ar & EMULATE_AR_DB ? 4 : 2;
	return EMULATE_OK;
}

int emu_push(struct emulate_ctxt *c, u64 *sp, u64 val, unsigned int n)
{
	unsigned int width;
	u64 linear;

	EMU_TRY(stack_width(c, &width));
	*sp = (*sp & ~emu_mask(width)) | ((*sp - n) & emu_mask(width));
	EMU_TRY(emu_linear(c, EMULATE_SS, *sp & emu_mask(width), n, true, &linear));
	return emu_write(c, linear, &val, n);
}

int emu_pop(struct emulate_ctxt *c, u64 *sp, u64 *val, unsigned int n)
{
	unsigned int width;
	u64 linear;

	*val = 0;
	EMU_TRY(stack_width(c, &width));
	EMU_TRY(emu_linear(c, EMULATE_SS, *sp & emu_mask(width), n, false, &linear));
	EMU_TRY(emu_read(c, linear, val, n));
	*sp = (*sp & ~emu_mask(width)) | ((*sp + n) & emu_mask(width));
	return EMULATE_OK;
}

/* Release bytes of the stack without reading them. */
int emu_drop(struct emulate_ctxt *c, u64 *sp, u64 bytes)
{
	unsigned int width;

	EMU_TRY(stack_width(c, &width));
	*sp = (*sp & ~emu_mask(width)) | ((*sp + bytes) & emu_mask(width));
	return EMULATE_OK;
}

int emu_do_push(struct emulate_ctxt *c)
{
	u64 sp = c->gprs[EMULATE_RSP];

	EMU_TRY(emu_push(c, &sp, c->insn.dst.val, c->insn.op_bytes));
	c->gprs[EMULATE_RSP] = sp;
	return EMULATE_OK;
}

/* A memory destination that uses RSP uses the incremented one. */
int emu_do_pop(struct emulate_ctxt *c)
{
	struct emulate_operand *dst = &c->insn.dst;
	u64 sp = c->gprs[EMULATE_RSP], old_sp = sp;
	int r;

	EMU_TRY(emu_pop(c, &sp, &dst->val, c->insn.op_bytes));
	if (dst->type != EMULATE_OPND_MEM) {
		c->gprs[EMULATE_RSP] = sp;
		return emu_write_dst(c);
	}
	c->gprs[EMULATE_RSP] = sp;
	r = emu_mem_address(c, 0, dst->size, true);
	if (r == EMULATE_OK)
		r = emu_write(c, c->mem_linear, &dst->val, dst->size);
	if (r)
		c->gprs[EMULATE_RSP] = old_sp;
	return r;
}

/* The slot has the operand's size; but outside of 64-bit mode only the selector is written. */
int emu_do_push_seg(struct emulate_ctxt *c)
{
	u64 sp = c->gprs[EMULATE_RSP], slot;
	unsigned int n = emu_long(c) ? c->insn.op_bytes : 2;
	struct emulate_segment *s;

	EMU_TRY(emu_segment(c, c->insn.dst.reg, &s));
	EMU_TRY(emu_drop(c, &sp, -(u64)c->insn.op_bytes));
	slot = sp;
	EMU_TRY(emu_drop(c, &slot, n));
	EMU_TRY(emu_push(c, &slot, s->selector, n));
	c->gprs[EMULATE_RSP] = sp;
	return EMULATE_OK;
}

int emu_do_pop_seg(struct emulate_ctxt *c)
{
	u64 sp = c->gprs[EMULATE_RSP], selector;
	unsigned int seg = c->insn.dst.reg;

	EMU_TRY(emu_pop(c, &sp, &selector, 2));
	EMU_TRY(emu_drop(c, &sp, c->insn.op_bytes - 2));
	EMU_TRY(emu_load_segment(c, seg, selector, VEC_GP));
	c->gprs[EMULATE_RSP] = sp;
	if (seg == EMULATE_SS)
		c->shadow = EMULATE_SHADOW_MOV_SS;
	return EMULATE_OK;
}

int emu_do_pusha(struct emulate_ctxt *c)
{
	unsigned int n = c->insn.op_bytes, i;
	u64 sp = c->gprs[EMULATE_RSP];

	for (i = EMULATE_RAX; i <= EMULATE_RDI; i++)
		EMU_TRY(emu_push(c, &sp, emu_get_gpr(c, i, n), n));
	c->gprs[EMULATE_RSP] = sp;
	return EMULATE_OK;
}

int emu_do_popa(struct emulate_ctxt *c)
{
	unsigned int n = c->insn.op_bytes;
	u64 sp = c->gprs[EMULATE_RSP], val[8];
	int reg;

	for (reg = EMULATE_RDI; reg >= EMULATE_RAX; reg--)
		EMU_TRY(emu_pop(c, &sp, &val[reg], n));
	for (reg = EMULATE_RAX; reg <= EMULATE_RDI; reg++)
		if (reg != EMULATE_RSP)
			emu_set_gpr(c, reg, n, val[reg]);
	c->gprs[EMULATE_RSP] = sp;
	return EMULATE_OK;
}

/* Virtual-8086 mode needs IOPL 3; its extensions (CR4.VME) are not known here. */
static int check_vm86_iopl(struct emulate_ctxt *c)
{
	if (c->mode != EMULATE_MODE_VM86 || (c->rflags & FLAG_IOPL) == FLAG_IOPL)
		return EMULATE_OK;
	return c->cr4 & CR4_VME ? EMULATE_UNHANDLED : emulate_raise_error(c, VEC_GP, 0);
}

int emu_do_pushf(struct emulate_ctxt *c)
{
	u64 sp = c->gprs[EMULATE_RSP];

	EMU_TRY(check_vm86_iopl(c));
	EMU_TRY(emu_push(c, &sp, c->rflags & ~(FLAG_RF | FLAG_VM), c->insn.op_bytes));
	c->gprs[EMULATE_RSP] = sp;
	return EMULATE_OK;
}

/* The flags that POPF and IRET may change at this privilege. */
u64 emu_writable_flags(const struct emulate_ctxt *c)
{
	unsigned int iopl = (c->rflags & FLAG_IOPL) >> FLAG_IOPL_SHIFT;
	u64 mask = FLAGS_ARITH | FLAG_TF | FLAG_DF | FLAG_NT | FLAG_AC | FLAG_ID;

	if (!c->cpl)
		mask |= FLAG_IOPL;
	if (c->cpl <= iopl)
		mask |= FLAG_IF;
	return mask;
}

int emu_do_popf(struct emulate_ctxt *c)
{
	u64 sp = c->gprs[EMULATE_RSP], val, mask = emu_writable_flags(c);

	EMU_TRY(check_vm86_iopl(c));
	EMU_TRY(emu_pop(c, &sp, &val, c->insn.op_bytes));
	if (c->insn.op_bytes == 2)
		mask &= 0xffff;
	c->new_rflags = (c->rflags & ~mask) | (val & mask);
	c->gprs[EMULATE_RSP] = sp;
	return EMULATE_OK;
}

int emu_do_leave(struct emulate_ctxt *c)
{
	u64 sp = c->gprs[EMULATE_RSP], val;
	unsigned int width;

	EMU_TRY(stack_width(c, &width));
	sp = (sp & ~emu_mask(width)) | emu_get_gpr(c, EMULATE_RBP, width);
	EMU_TRY(emu_pop(c, &sp, &val, c->insn.op_bytes));
	c->gprs[EMULATE_RSP] = sp;
	emu_set_gpr(c, EMULATE_RBP, c->insn.op_bytes, val);
	return EMULATE_OK;
}

/* Without the copies of outer frames' pointers (levels above 1), which no compiler emits. */
int emu_do_enter(struct emulate_ctxt *c)
{
	unsigned int n = c->insn.op_bytes, level = c->insn.src.val & 31, width;
	u64 sp = c->gprs[EMULATE_RSP], frame, linear;

	if (level > 1)
		return EMULATE_UNHANDLED;
	EMU_TRY(stack_width(c, &width));
	EMU_TRY(emu_push(c, &sp, emu_get_gpr(c, EMULATE_RBP, n), n));
	frame = sp;
	if (level)
		EMU_TRY(emu_push(c, &sp, frame, n));
	EMU_TRY(emu_drop(c, &sp, -c->insn.dst.val));
	/* The processor touches the new top of the stack before it commits. */
	EMU_TRY(emu_linear(c, EMULATE_SS, sp & emu_mask(width), n, true, &linear));
	EMU_TRY(emu_probe(c, linear, n));
	c->gprs[EMULATE_RSP] = sp;
	emu_set_gpr(c, EMULATE_RBP, n, frame);
	return EMULATE_OK;
}
