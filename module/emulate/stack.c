// SPDX-License-Identifier: GPL-2.0-only
/*
 * Handlers: pushes, pops and stack frames.
 *
 * The stack pointer is a local copy until the last access to memory has succeeded: a push that
 * faults half way has pushed nothing. Its width is the stack segment's, not the instruction's.
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

/* The slot has the operand's size; processors write the selector only and leave the rest. */
int emu_do_push_seg(struct emulate_ctxt *c)
{
	u64 sp = c->gprs[EMULATE_RSP], slot;
	struct emulate_segment *s;

	EMU_TRY(emu_segment(c, c->insn.dst.reg, &s));
	EMU_TRY(emu_drop(c, &sp, -(u64)c->insn.op_bytes));
	slot = sp;
	EMU_TRY(emu_drop(c, &slot, 2));
	EMU_TRY(emu_push(c, &slot, s->selector, 2));
	c->gprs[EMULATE_RSP] = sp;
	return EMULATE_OK;
}

int emu_do_pop_seg(struct emulate_ctxt *c)
{
	u64 sp = c->gprs[EMULATE_RSP], selector;
	unsigned int seg = c->insn.dst.reg;

	EMU_TRY(emu_pop(c, &sp, &selector, 2));
	EMU_TRY(emu_drop(c, &sp, c->insn.op_bytes - 2));
	EMU_TRY(emu_load_segment(c, seg, selector));
	c->gprs[EMULATE_RSP] = sp;
	if (seg == EMULATE_SS)
		c->shadow = EMULATE_SHADOW_MOV_SS;
	return EMULATE_OK;
}

int emu_do_pusha(struct emulate_ctxt *c)
{
	unsigned int n = c->insn.op_bytes, width, reg;
	u64 sp = c->gprs[EMULATE_RSP], low = sp, linear;

	/* All eight slots are checked before the first is written. */
	EMU_TRY(stack_width(c, &width));
	EMU_TRY(emu_drop(c, &low, -(u64)(8 * n)));
	for (reg = 0; reg < 8; reg++) {
		u64 slot = (low + reg * n) & emu_mask(width);

		EMU_TRY(emu_linear(c, EMULATE_SS, slot, n, true, &linear));
		EMU_TRY(emu_probe(c, linear, n));
	}
	for (reg = EMULATE_RAX; reg <= EMULATE_RDI; reg++)
		EMU_TRY(emu_push(c, &sp, emu_get_gpr(c, reg, n), n));
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

int emu_do_enter(struct emulate_ctxt *c)
{
	unsigned int n = c->insn.op_bytes, level = c->insn.src.val & 31, width, i;
	u64 sp = c->gprs[EMULATE_RSP], bp = c->gprs[EMULATE_RBP], frame, linear;
	u64 display[EMULATE_MAX_WRITES];

	/* More frame pointers than a client's write queue need hold. */
	if (level > EMULATE_MAX_WRITES - 2)
		return EMULATE_UNHANDLED;
	EMU_TRY(stack_width(c, &width));
	for (i = 1; i < level; i++) {
		bp -= n;
		display[i] = 0;
		EMU_TRY(emu_linear(c, EMULATE_SS, bp & emu_mask(width), n, false, &linear));
		EMU_TRY(emu_read(c, linear, &display[i], n));
	}
	/* The processor touches the new top of the stack before it commits. */
	frame = sp;
	EMU_TRY(emu_drop(c, &frame, -(c->insn.dst.val + (u64)n * (level + 1))));
	EMU_TRY(emu_linear(c, EMULATE_SS, frame & emu_mask(width), n, true, &linear));
	EMU_TRY(emu_probe(c, linear, n));

	EMU_TRY(emu_push(c, &sp, emu_get_gpr(c, EMULATE_RBP, n), n));
	frame = sp;
	for (i = 1; i < level; i++)
		EMU_TRY(emu_push(c, &sp, display[i], n));
	if (level)
		EMU_TRY(emu_push(c, &sp, frame, n));
	EMU_TRY(emu_drop(c, &sp, -c->insn.dst.val));
	c->gprs[EMULATE_RSP] = sp;
	emu_set_gpr(c, EMULATE_RBP, n, frame);
	return EMULATE_OK;
}
