// SPDX-License-Identifier: GPL-2.0-only
/*
 * Handlers: the string instructions, with and without REP.
 *
 * Each iteration is committed as it completes: RSI, RDI and RCX are then those of the
 * iteration, and a fault or a wait for user space in the next one leaves them so. The flags of
 * CMPS and SCAS are set by the last iteration only: on a fault the processor, too, gives back
 * those from before the instruction. One call does at most EMULATE_MAX_ITERATIONS and stops
 * earlier when an op says so.
 * OUTS and INS move runs of elements within a page with one memory and one port operation where
 * the memory is RAM; a run counts as one iteration, and it is chosen the same way when the
 * instruction comes again with the port's data. With RFLAGS.TF set a call does one iteration of one
 * element, since each has its single-step trap.
 */
#include "internal.h"

#define PAGE_BYTES	4096

struct string_step {
	unsigned int size;	/* of an element */
	u64 elements;		/* left to do; 1 without REP */
	u64 done;		/* by the iteration */
};

static u64 string_offset(const struct emulate_ctxt *c, unsigned int reg)
{
	return emu_get_gpr(c, reg, c->insn.ad_bytes);
}

static int source(struct emulate_ctxt *c, unsigned int n, u64 *linear)
{
	return emu_linear(c, emu_data_segment(c), string_offset(c, EMULATE_RSI), n, false, linear);
}

/* The destination's segment is ES, no prefix changes it. */
static int destination(struct emulate_ctxt *c, unsigned int n, bool write, u64 *linear)
{
	return emu_linear(c, EMULATE_ES, string_offset(c, EMULATE_RDI), n, write, linear);
}

static void advance(struct emulate_ctxt *c, unsigned int reg, unsigned int bytes)
{
	u64 val = c->gprs[reg];

	emu_set_gpr(c, reg, c->insn.ad_bytes, c->rflags & FLAG_DF ? val - bytes : val + bytes);
}

static int step_movs(struct emulate_ctxt *c, unsigned int size)
{
	u64 from, to, val = 0;

	EMU_TRY(source(c, size, &from));
	EMU_TRY(destination(c, size, true, &to));
	EMU_TRY(emu_read(c, from, &val, size));
	EMU_TRY(emu_write(c, to, &val, size));
	advance(c, EMULATE_RSI, size);
	advance(c, EMULATE_RDI, size);
	return EMULATE_OK;
}

static int step_cmps(struct emulate_ctxt *c, unsigned int size)
{
	u64 first, second, a = 0, b = 0;

	/* ES:rDI first, as the processor does: it shows where both fault. */
	EMU_TRY(destination(c, size, false, &second));
	EMU_TRY(emu_read(c, second, &b, size));
	EMU_TRY(source(c, size, &first));
	EMU_TRY(emu_read(c, first, &a, size));
	emu_alu(OP_CMP, a, b, size, &c->new_rflags);
	advance(c, EMULATE_RSI, size);
	advance(c, EMULATE_RDI, size);
	return EMULATE_OK;
}

static int step_stos(struct emulate_ctxt *c, unsigned int size)
{
	u64 to, val = emu_get_gpr(c, EMULATE_RAX, size);

	EMU_TRY(destination(c, size, true, &to));
	EMU_TRY(emu_write(c, to, &val, size));
	advance(c, EMULATE_RDI, size);
	return EMULATE_OK;
}

static int step_lods(struct emulate_ctxt *c, unsigned int size)
{
	u64 from, val = 0;

	EMU_TRY(source(c, size, &from));
	EMU_TRY(emu_read(c, from, &val, size));
	emu_set_gpr(c, EMULATE_RAX, size, val);
	advance(c, EMULATE_RSI, size);
	return EMULATE_OK;
}

static int step_scas(struct emulate_ctxt *c, unsigned int size)
{
	u64 from, val = 0;

	EMU_TRY(destination(c, size, false, &from));
	EMU_TRY(emu_read(c, from, &val, size));
	emu_alu(OP_CMP, emu_get_gpr(c, EMULATE_RAX, size), val, size, &c->new_rflags);
	advance(c, EMULATE_RDI, size);
	return EMULATE_OK;
}

/* How many elements from offset on may go in one piece, if the memory turns out to be RAM. */
static u64 run_length(const struct emulate_ctxt *c, const struct string_step *s, u64 linear)
{
	u64 n = (PAGE_BYTES - (linear & (PAGE_BYTES - 1))) / s->size;

	if (c->rflags & FLAG_DF)
		return 1;
	if (n > EMULATE_BULK / s->size)
		n = EMULATE_BULK / s->size;
	if (n > s->elements)
		n = s->elements;
	return n ? n : 1;
}

/* Does a whole run lie within the segment and the address size? */
static bool run_fits(struct emulate_ctxt *c, unsigned int seg, unsigned int reg, u64 bytes,
		     bool write)
{
	u64 offset = string_offset(c, reg), linear;

	if (offset + bytes - 1 > emu_mask(c->insn.ad_bytes) || offset + bytes < offset)
		return false;
	if (emu_linear(c, seg, offset, bytes, write, &linear) == EMULATE_OK)
		return true;
	c->exception.valid = false;	/* a shorter run will tell */
	return false;
}

static int step_outs(struct emulate_ctxt *c, struct string_step *s)
{
	u16 port = c->gprs[EMULATE_RDX];
	u64 from, n;
	int r = EMULATE_UNHANDLED;

	if (!c->ops->pio_out)
		return EMULATE_UNHANDLED;
	EMU_TRY(source(c, s->size, &from));
	n = run_length(c, s, from);
	/* Up to 16 bytes could be one access to a device; a longer one would be refused. */
	if (n * s->size > 16 &&
	    run_fits(c, emu_data_segment(c), EMULATE_RSI, n * s->size, false))
		r = c->ops->read_mem(c, from, c->bulk, n * s->size);
	if (r != EMULATE_OK) {
		/* A device, or a fault somewhere: the first element alone decides. */
		n = 1;
		c->exception.valid = false;
		EMU_TRY(emu_read(c, from, c->bulk, s->size));
	}
	EMU_TRY(c->ops->pio_out(c, port, s->size, c->bulk, n));
	advance(c, EMULATE_RSI, n * s->size);
	s->done = n;
	return EMULATE_OK;
}

static int step_ins(struct emulate_ctxt *c, struct string_step *s)
{
	u16 port = c->gprs[EMULATE_RDX];
	u64 to, n;

	if (!c->ops->pio_in)
		return EMULATE_UNHANDLED;
	EMU_TRY(destination(c, s->size, true, &to));
	n = run_length(c, s, to);
	if (n > 1 && !(c->ops->probe_write &&
		       run_fits(c, EMULATE_ES, EMULATE_RDI, n * s->size, true) &&
		       c->ops->probe_write(c, to, n * s->size) == EMULATE_OK))
		n = 1;
	c->exception.valid = false;
	if (n == 1)
		EMU_TRY(emu_probe(c, to, s->size));
	EMU_TRY(c->ops->pio_in(c, port, s->size, c->bulk, n));
	EMU_TRY(emu_write(c, to, c->bulk, n * s->size));
	advance(c, EMULATE_RDI, n * s->size);
	s->done = n;
	return EMULATE_OK;
}

static int step(struct emulate_ctxt *c, struct string_step *s)
{
	s->done = 1;
	switch (c->insn.op) {
	case OP_MOVS:
		return step_movs(c, s->size);
	case OP_CMPS:
		return step_cmps(c, s->size);
	case OP_STOS:
		return step_stos(c, s->size);
	case OP_LODS:
		return step_lods(c, s->size);
	case OP_SCAS:
		return step_scas(c, s->size);
	case OP_INS:
		return step_ins(c, s);
	default:
		return step_outs(c, s);
	}
}

/* REPE ends with ZF = 0, REPNE with ZF = 1; the other instructions ignore ZF. */
static bool condition_ends(const struct emulate_ctxt *c)
{
	if (c->insn.op != OP_CMPS && c->insn.op != OP_SCAS)
		return false;
	return !(c->new_rflags & FLAG_ZF) == (c->insn.rep == 0xf3);
}

static int repeat(struct emulate_ctxt *c, struct string_step *s)
{
	u64 left = string_offset(c, EMULATE_RCX);
	bool stepping = c->rflags & FLAG_TF;
	unsigned int i;

	for (i = 0; left && i < EMULATE_MAX_ITERATIONS; i++) {
		int r;

		s->elements = stepping ? 1 : left;
		r = step(c, s);
		if (r)
			return r;
		/* This iteration's reads have served; those of the next one are others. */
		emulate_reset(c);
		left -= s->done;
		emu_set_gpr(c, EMULATE_RCX, c->insn.ad_bytes, left);
		if (!left || condition_ends(c))
			return EMULATE_OK;
		/* Between two iterations RF is set: a breakpoint here has been taken. */
		c->rflags |= FLAG_RF;
		c->new_rflags |= FLAG_RF;
		if (c->stop || stepping)
			break;
	}
	c->unfinished = left;
	return EMULATE_OK;
}

int emu_do_string(struct emulate_ctxt *c)
{
	struct string_step s = { .size = c->insn.op_bytes, .elements = 1 };

	if (!(c->insn.opcode & 1))
		s.size = 1;
	if (c->insn.op == OP_INS || c->insn.op == OP_OUTS) {
		if (s.size == 8)
			s.size = 4;
		EMU_TRY(emu_check_io(c, c->gprs[EMULATE_RDX], s.size));
	}
	if (c->insn.rep)
		return repeat(c, &s);
	return step(c, &s);
}
