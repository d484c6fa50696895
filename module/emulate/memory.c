// SPDX-License-Identifier: GPL-2.0-only
/*
 * From segment:offset to memory: segmentation checks, and the reads and writes that an
 * instruction makes through the client's ops.
 *
 * Every read goes through emu_read(), which keeps its value until the instruction ends. If a
 * later read needs user space, the instruction runs again from its start, and the kept
 * reads are answered from here: a device register is then read once, as on hardware, and a
 * value that another CPU has changed meanwhile does not make two halves of one instruction
 * disagree.
 */
#include "internal.h"

int emulate_raise(struct emulate_ctxt *c, u8 vector)
{
	c->exception = (struct emulate_exception){ .valid = true, .vector = vector };
	return EMULATE_FAULT;
}

int emulate_raise_error(struct emulate_ctxt *c, u8 vector, u32 error_code)
{
	emulate_raise(c, vector);
	/* Exceptions of real mode push no error code. */
	if (c->mode != EMULATE_MODE_REAL) {
		c->exception.has_error_code = true;
		c->exception.error_code = error_code;
	}
	return EMULATE_FAULT;
}

int emulate_raise_pf(struct emulate_ctxt *c, u64 address, u32 error_code)
{
	emulate_raise(c, VEC_PF);
	c->exception.has_error_code = true;
	c->exception.error_code = error_code;
	c->exception.address = address;
	return EMULATE_FAULT;
}

bool emu_canonical(const struct emulate_ctxt *c, u64 linear)
{
	unsigned int spare = c->cr4 & CR4_LA57 ? 64 - 57 : 64 - 48;

	return (u64)((s64)(linear << spare) >> spare) == linear;
}

int emu_segment(struct emulate_ctxt *c, unsigned int seg, struct emulate_segment **s)
{
	if (!(c->seg_valid & (1U << seg))) {
		EMU_TRY(c->ops->get_segment(c, seg, &c->seg[seg]));
		c->seg_valid |= 1U << seg;
	}
	*s = &c->seg[seg];
	return EMULATE_OK;
}

static int linear_long(struct emulate_ctxt *c, unsigned int seg, u64 offset, unsigned int n,
		       u64 *linear)
{
	struct emulate_segment *s;

	*linear = offset;
	if (seg == EMULATE_FS || seg == EMULATE_GS) {
		EMU_TRY(emu_segment(c, seg, &s));
		*linear += s->base;
	}
	if (emu_canonical(c, *linear) && emu_canonical(c, *linear + n - 1))
		return EMULATE_OK;
	return emulate_raise_error(c, seg == EMULATE_SS ? VEC_SS : VEC_GP, 0);
}

static bool within_limit(const struct emulate_segment *s, u64 first, u64 last)
{
	u64 top;

	if ((s->ar & (EMULATE_AR_CODE | EMULATE_AR_EXPAND_DOWN)) != EMULATE_AR_EXPAND_DOWN)
		return last <= s->limit;
	top = s->ar & EMULATE_AR_DB ? 0xffffffff : 0xffff;
	return first > s->limit && last <= top;
}

static bool type_allows(const struct emulate_segment *s, bool write)
{
	if (s->ar & EMULATE_AR_UNUSABLE)
		return false;
	if (s->ar & EMULATE_AR_CODE)
		return !write && (s->ar & EMULATE_AR_WRITABLE);	/* readable code */
	return !write || (s->ar & EMULATE_AR_WRITABLE);
}

/* The linear address of n bytes at seg:offset, or #GP(0), for the stack segment #SS(0). */
int emu_linear(struct emulate_ctxt *c, unsigned int seg, u64 offset, unsigned int n, bool write,
	       u64 *linear)
{
	struct emulate_segment *s;

	if (emu_long(c))
		return linear_long(c, seg, offset, n, linear);
	EMU_TRY(emu_segment(c, seg, &s));
	offset = (u32)offset;
	*linear = (u32)(s->base + offset);
	/* The processor checks types of protected mode only, limits always. */
	if ((emu_paragraphs(c) || type_allows(s, write)) &&
	    within_limit(s, offset, offset + n - 1))
		return EMULATE_OK;
	return emulate_raise_error(c, seg == EMULATE_SS ? VEC_SS : VEC_GP, 0);
}

/* May execution go on at rip in the present code segment? */
int emu_check_rip(struct emulate_ctxt *c, u64 rip)
{
	struct emulate_segment *cs;

	if (emu_long(c))
		return emu_canonical(c, rip) ? EMULATE_OK : emulate_raise_error(c, VEC_GP, 0);
	EMU_TRY(emu_segment(c, EMULATE_CS, &cs));
	return rip <= cs->limit ? EMULATE_OK : emulate_raise_error(c, VEC_GP, 0);
}

static void keep_read(struct emulate_ctxt *c, u64 linear, const void *val, unsigned int n)
{
	struct emulate_replay *r;

	if (n > sizeof(r->val) || c->replay_count == EMULATE_MAX_REPLAY)
		return;
	r = &c->replay[c->replay_count++];
	r->linear = linear;
	r->n = n;
	memcpy(r->val, val, n);
	c->replay_next = c->replay_count;
}

int emu_read(struct emulate_ctxt *c, u64 linear, void *val, unsigned int n)
{
	struct emulate_replay *r = &c->replay[c->replay_next];

	if (c->replay_next < c->replay_count) {
		if (r->linear == linear && r->n == n) {
			c->replay_next++;
			memcpy(val, r->val, n);
			return EMULATE_OK;
		}
		/* Not the instruction that was interrupted after all: what is kept is void. */
		c->replay_count = c->replay_next;
	}
	EMU_TRY(c->ops->read_mem(c, linear, val, n));
	keep_read(c, linear, val, n);
	return EMULATE_OK;
}

int emu_write(struct emulate_ctxt *c, u64 linear, const void *val, unsigned int n)
{
	return c->ops->write_mem(c, linear, val, n);
}

int emu_probe(struct emulate_ctxt *c, u64 linear, unsigned int n)
{
	int r = c->ops->probe_write ? c->ops->probe_write(c, linear, n) : EMULATE_OK;

	return r == EMULATE_TO_USER ? EMULATE_OK : r;
}

int emu_cmpxchg(struct emulate_ctxt *c, u64 linear, const void *old, const void *new,
		unsigned int n)
{
	if (!c->ops->cmpxchg_mem)
		return EMULATE_UNHANDLED;
	return c->ops->cmpxchg_mem(c, linear, old, new, n);
}

/* Descriptor tables and the TSS are read with supervisor rights at any CPL. */
int emu_read_system(struct emulate_ctxt *c, u64 linear, void *val, unsigned int n)
{
	int r;

	c->system_access = true;
	r = emu_read(c, linear, val, n);
	c->system_access = false;
	return r;
}
