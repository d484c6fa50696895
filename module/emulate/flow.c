// SPDX-License-Identifier: GPL-2.0-only
/*
 * Handlers: jumps, calls and returns, near and far, and the interrupts of real mode.
 *
 * A far target is checked before anything is pushed. Far transfers stay at their privilege: call
 * gates, task gates, returns to an outer ring and interrupts of protected mode are
 * EMULATE_UNHANDLED.
 */
#include "internal.h"

static int branch(struct emulate_ctxt *c, u64 target)
{
	target &= emu_mask(c->insn.op_bytes);
	EMU_TRY(emu_check_rip(c, target));
	c->next_rip = target;
	return EMULATE_OK;
}

static u64 relative(const struct emulate_ctxt *c)
{
	return c->next_rip + c->insn.dst.val;
}

static u64 near_target(const struct emulate_ctxt *c)
{
	return c->insn.dst.type == EMULATE_OPND_IMM ? relative(c) : c->insn.dst.val;
}

int emu_do_jmp(struct emulate_ctxt *c)
{
	return branch(c, near_target(c));
}

int emu_do_call(struct emulate_ctxt *c)
{
	u64 sp = c->gprs[EMULATE_RSP], back = c->next_rip;

	/* In this order: a processor that faults on the target has already written the stack. */
	EMU_TRY(emu_push(c, &sp, back, c->insn.op_bytes));
	EMU_TRY(branch(c, near_target(c)));
	c->gprs[EMULATE_RSP] = sp;
	return EMULATE_OK;
}

int emu_do_ret(struct emulate_ctxt *c)
{
	u64 sp = c->gprs[EMULATE_RSP], target;

	EMU_TRY(emu_pop(c, &sp, &target, c->insn.op_bytes));
	EMU_TRY(branch(c, target));
	EMU_TRY(emu_drop(c, &sp, c->insn.dst.val));
	c->gprs[EMULATE_RSP] = sp;
	return EMULATE_OK;
}

int emu_do_jcc(struct emulate_ctxt *c)
{
	return emu_condition(c->insn.opcode, c->rflags) ? branch(c, relative(c)) : EMULATE_OK;
}

/* LOOPNE, LOOPE, LOOP and JrCXZ; the counter has the address size. */
int emu_do_loop(struct emulate_ctxt *c)
{
	unsigned int size = c->insn.ad_bytes;
	u64 count = emu_get_gpr(c, EMULATE_RCX, size);
	bool taken;

	if (c->insn.op == OP_JCXZ)
		return count ? EMULATE_OK : branch(c, relative(c));
	count = (count - 1) & emu_mask(size);
	taken = count;
	if (c->insn.opcode == 0xe0)
		taken = taken && !(c->rflags & FLAG_ZF);
	else if (c->insn.opcode == 0xe1)
		taken = taken && (c->rflags & FLAG_ZF);
	if (taken)
		EMU_TRY(branch(c, relative(c)));
	emu_set_gpr(c, EMULATE_RCX, size, count);
	return EMULATE_OK;
}

/* JMP and CALL to a far pointer, in the instruction or in memory. */
int emu_do_jmp_far(struct emulate_ctxt *c)
{
	struct emulate_insn *insn = &c->insn;
	unsigned int n = insn->op_bytes;
	u64 sp = c->gprs[EMULATE_RSP], offset = insn->dst.val;
	u16 selector = insn->far_sel;
	struct emulate_segment target, *cs;
	u8 pointer[10];

	if (insn->dst.type == EMULATE_OPND_MEM) {
		EMU_TRY(emu_mem_address(c, 0, n + 2, false));
		EMU_TRY(emu_read(c, c->mem_linear, pointer, n + 2));
		offset = 0;
		memcpy(&offset, pointer, n);
		memcpy(&selector, pointer + n, 2);
	}
	EMU_TRY(emu_segment(c, EMULATE_CS, &cs));
	EMU_TRY(emu_fetch_code_segment(c, selector, offset, false, &target));
	if (insn->op == OP_CALL_FAR) {
		EMU_TRY(emu_push(c, &sp, cs->selector, n));
		EMU_TRY(emu_push(c, &sp, c->next_rip, n));
	}
	EMU_TRY(emu_commit_code_segment(c, &target));
	c->gprs[EMULATE_RSP] = sp;
	c->next_rip = offset;
	return EMULATE_OK;
}

int emu_do_ret_far(struct emulate_ctxt *c)
{
	unsigned int n = c->insn.op_bytes;
	u64 sp = c->gprs[EMULATE_RSP], offset, selector;
	struct emulate_segment target;

	EMU_TRY(emu_pop(c, &sp, &offset, n));
	EMU_TRY(emu_pop(c, &sp, &selector, n));
	EMU_TRY(emu_fetch_code_segment(c, selector, offset, true, &target));
	EMU_TRY(emu_drop(c, &sp, c->insn.dst.val));
	EMU_TRY(emu_commit_code_segment(c, &target));
	c->gprs[EMULATE_RSP] = sp;
	c->next_rip = offset;
	return EMULATE_OK;
}

int emu_do_iret(struct emulate_ctxt *c)
{
	unsigned int n = c->insn.op_bytes;
	u64 sp = c->gprs[EMULATE_RSP], offset, selector, flags;
	u64 mask = emu_writable_flags(c) | FLAG_RF;
	struct emulate_segment target;

	if (c->mode != EMULATE_MODE_REAL)
		return EMULATE_UNHANDLED;
	EMU_TRY(emu_pop(c, &sp, &offset, n));
	EMU_TRY(emu_pop(c, &sp, &selector, n));
	EMU_TRY(emu_pop(c, &sp, &flags, n));
	EMU_TRY(emu_fetch_code_segment(c, selector, offset, true, &target));
	EMU_TRY(emu_commit_code_segment(c, &target));
	if (n == 2)
		mask &= 0xffff;
	c->new_rflags = (c->rflags & ~(mask | FLAG_RF)) | (flags & mask);
	c->gprs[EMULATE_RSP] = sp;
	c->next_rip = offset;
	c->iret = true;
	return EMULATE_OK;
}

/* INT n, INT3 and INTO through the real-mode vector table. */
int emu_do_int(struct emulate_ctxt *c)
{
	u64 sp = c->gprs[EMULATE_RSP];
	struct emulate_desc_table idt;
	struct emulate_segment target, *cs;
	unsigned int vector;
	u16 entry[2];

	if (c->mode != EMULATE_MODE_REAL || !c->ops->get_desc_table)
		return EMULATE_UNHANDLED;
	if (c->insn.op == OP_INTO && !(c->rflags & FLAG_OF))
		return EMULATE_OK;
	vector = c->insn.op == OP_INT3 ? VEC_BP : c->insn.op == OP_INTO ? VEC_OF : c->insn.dst.val;
	EMU_TRY(c->ops->get_desc_table(c, EMULATE_IDT, &idt));
	if (vector * 4 + 3 > idt.limit)
		return emulate_raise_error(c, VEC_GP, vector * 8 + 2);
	EMU_TRY(emu_read_system(c, (u32)(idt.base + vector * 4), entry, 4));
	EMU_TRY(emu_segment(c, EMULATE_CS, &cs));
	EMU_TRY(emu_fetch_code_segment(c, entry[1], entry[0], false, &target));
	EMU_TRY(emu_push(c, &sp, c->rflags, 2));
	EMU_TRY(emu_push(c, &sp, cs->selector, 2));
	EMU_TRY(emu_push(c, &sp, c->next_rip, 2));
	EMU_TRY(emu_commit_code_segment(c, &target));
	c->gprs[EMULATE_RSP] = sp;
	c->new_rflags = c->rflags & ~(FLAG_IF | FLAG_TF | FLAG_AC | FLAG_RF);
	c->next_rip = entry[0];
	return EMULATE_OK;
}
