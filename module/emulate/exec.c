// SPDX-License-Identifier: GPL-2.0-only
/*
 * Execution of a decoded instruction: the frame that is common to all.
 *
 * Checks, then reads, then the handler, then the write of the destination, then flags and RIP: in
 * this order, so that an instruction that faults or waits for user space has changed nothing.
 * The handlers stand in exec_alu.c, exec_move.c, stack.c, flow.c, segment.c, system.c, string.c
 * and io.c.
 */
#include "internal.h"

typedef int (*emu_handler)(struct emulate_ctxt *c);

static const emu_handler handlers[OP_COUNT] = {
#define X(op, handler) [OP_##op] = emu_do_##handler,
	EMULATE_OPS(X)
#undef X
};

static int check_privilege(struct emulate_ctxt *c)
{
	unsigned int flags = c->insn.flags;

	if (!c->cpl)
		return EMULATE_OK;
	if ((flags & F_CPL0) || ((flags & F_UMIP) && (c->cr4 & CR4_UMIP)))
		return emulate_raise_error(c, VEC_GP, 0);
	return EMULATE_OK;
}

static bool is_control_register(unsigned int nr)
{
	return nr == 0 || (nr >= 2 && nr <= 4) || nr == 8;
}

/* A MOV of a register that is not there, or to CS, is no instruction, whoever executes it. */
static bool register_is_missing(const struct emulate_insn *insn)
{
	switch (insn->op) {
	case OP_MOV_FROM_CR:
		return !is_control_register(insn->src.reg);
	case OP_MOV_TO_CR:
		return !is_control_register(insn->dst.reg);
	case OP_MOV_FROM_DR:
		return insn->src.reg > 7;
	case OP_MOV_TO_DR:
		return insn->dst.reg > 7;
	case OP_MOV_TO_SEG:
		return insn->dst.reg == EMULATE_CS;
	default:
		return false;
	}
}

static int run(struct emulate_ctxt *c)
{
	struct emulate_insn *insn = &c->insn;

	if (insn->op <= OP_UNDEFINED || insn->op >= OP_COUNT)
		return EMULATE_UNHANDLED;
	if (register_is_missing(insn))
		return emulate_raise(c, VEC_UD);
	EMU_TRY(check_privilege(c));
	EMU_TRY(emu_read_operand(c, &insn->src));
	EMU_TRY(emu_read_operand(c, &insn->src2));
	if (insn->flags & F_READ) {
		EMU_TRY(emu_read_operand(c, &insn->dst));
		c->old_dst = insn->dst.val;
	}
	EMU_TRY(handlers[insn->op](c));
	if ((insn->flags & F_WRITE) && !c->dst_written)
		EMU_TRY(emu_write_dst(c));
	return EMULATE_OK;
}

static void begin(struct emulate_ctxt *c)
{
	if (c->replay_rip != c->rip)
		c->replay_count = 0;
	c->replay_next = 0;
	c->exception.valid = false;
	c->retired = false;
	c->halted = false;
	c->iret = false;
	c->stop = false;
	c->shadow = 0;
	c->dst_written = false;
	c->unfinished = false;
	c->system_access = false;
	c->new_rflags = c->rflags;
	c->next_rip = c->rip + c->insn.length;
	if (!emu_long(c))
		c->next_rip = (u32)c->next_rip;
}

int emulate_execute(struct emulate_ctxt *c)
{
	int r;

	begin(c);
	r = run(c);
	if (r == EMULATE_TO_USER) {
		c->replay_rip = c->rip;
		return r;
	}
	emulate_reset(c);
	if (r == EMULATE_RETRY)
		return EMULATE_OK;	/* nothing done, not retired: the guest comes again */
	if (r != EMULATE_OK)
		return r;
	c->rflags = c->new_rflags;
	if (c->unfinished)
		return EMULATE_OK;
	c->rip = c->next_rip;
	c->retired = true;
	if (!c->iret)
		c->rflags &= ~FLAG_RF;
	return EMULATE_OK;
}

int emulate_one(struct emulate_ctxt *c)
{
	int r = emulate_decode(c);

	if (r) {
		/* The outputs of an execution that did not take place. */
		c->retired = false;
		c->unfinished = false;
		c->halted = false;
		c->iret = false;
		c->shadow = 0;
		c->insn.op = OP_UNSUPPORTED;
		emulate_reset(c);
		return r;
	}
	return emulate_execute(c);
}

void emulate_reset(struct emulate_ctxt *c)
{
	c->replay_count = 0;
	c->replay_next = 0;
}
