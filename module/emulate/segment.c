// SPDX-License-Identifier: GPL-2.0-only
/*
 * Segment registers: descriptors, their checks, and the instructions that load and store them.
 *
 * Without protection a selector is a paragraph number, and limit and rights stay as they are
 * (which is how "unreal mode" comes to be). With it, the descriptor is read from the GDT or LDT,
 * checked in the order of the SDM's instruction pages, and marked accessed, before the
 * client is told to load it.
 */
#include "internal.h"

#define DESC_ACCESSED	1

int emu_bad_selector(struct emulate_ctxt *c, u8 vector, u16 selector)
{
	return emulate_raise_error(c, vector, selector & 0xfffc);
}

static void unpack(struct emu_descriptor *d, u16 selector)
{
	u32 low = d->raw, high = d->raw >> 32;
	struct emulate_segment *s = &d->seg;

	s->selector = selector;
	s->base = low >> 16 | (high & 0xff) << 16 | (high & 0xff000000);
	s->limit = (low & 0xffff) | (high & 0xf0000);
	s->ar = (high >> 8) & 0xf0ff;
	if (s->ar & EMULATE_AR_G)
		s->limit = s->limit << 12 | 0xfff;
}

unsigned int emu_dpl(const struct emulate_segment *s)
{
	return (s->ar & EMULATE_AR_DPL) >> EMULATE_AR_DPL_SHIFT;
}

/*
 * bytes is 8, or 16 for a system descriptor of long mode, whose upper half is read apart. vector is
 * what a selector without a descriptor raises.
 */
int emu_read_descriptor(struct emulate_ctxt *c, u16 selector, unsigned int bytes, u8 vector,
			struct emu_descriptor *d)
{
	struct emulate_desc_table gdt;
	struct emulate_segment *ldt;
	u64 base, upper;
	u32 limit;

	if (selector & 4) {
		EMU_TRY(emu_segment(c, EMULATE_LDTR, &ldt));
		if (ldt->ar & EMULATE_AR_UNUSABLE)
			return emu_bad_selector(c, vector, selector);
		base = ldt->base;
		limit = ldt->limit;
	} else {
		if (!c->ops->get_desc_table)
			return EMULATE_UNHANDLED;
		EMU_TRY(c->ops->get_desc_table(c, EMULATE_GDT, &gdt));
		base = gdt.base;
		limit = gdt.limit;
	}
	if ((selector & 0xfff8U) + bytes - 1 > limit)
		return emu_bad_selector(c, vector, selector);
	d->linear = base + (selector & 0xfff8);
	EMU_TRY(emu_read_system(c, d->linear, &d->raw, 8));
	unpack(d, selector);
	if (bytes == 16) {
		EMU_TRY(emu_read_system(c, d->linear + 8, &upper, 8));
		d->seg.base |= upper << 32;
		if ((upper >> 40) & 0x1f || !emu_canonical(c, d->seg.base))
			return emu_bad_selector(c, vector, selector);
	}
	return EMULATE_OK;
}

/* Change bits of the descriptor's type, in memory and in the copy. */
int emu_mark_type(struct emulate_ctxt *c, struct emu_descriptor *d, u8 clear, u8 set)
{
	u8 rights = (d->seg.ar & ~clear) | set;
	int r;

	if (rights == (u8)d->seg.ar)
		return EMULATE_OK;
	c->system_access = true;
	r = emu_write(c, d->linear + 5, &rights, 1);
	c->system_access = false;
	d->seg.ar = (d->seg.ar & ~clear) | set;
	return r;
}

int emu_set_segment(struct emulate_ctxt *c, unsigned int seg, const struct emulate_segment *s)
{
	if (!c->ops->set_segment)
		return EMULATE_UNHANDLED;
	EMU_TRY(c->ops->set_segment(c, seg, s));
	c->seg_valid &= ~(1U << seg);
	return EMULATE_OK;
}

static int load_paragraph(struct emulate_ctxt *c, unsigned int seg, u16 selector,
			  struct emulate_segment *s)
{
	struct emulate_segment *old;

	EMU_TRY(emu_segment(c, seg, &old));
	*s = *old;
	s->selector = selector;
	s->base = (u64)selector << 4;
	if (c->mode == EMULATE_MODE_VM86) {
		s->limit = 0xffff;
		s->ar = 0xf3;
	} else if (s->ar & EMULATE_AR_UNUSABLE) {
		s->ar = 0x93;
	}
	return EMULATE_OK;
}

static int load_null(struct emulate_ctxt *c, unsigned int seg, u16 selector, u8 vector)
{
	struct emulate_segment s = { .selector = selector, .ar = EMULATE_AR_UNUSABLE };

	if (seg == EMULATE_SS) {
		if (!emu_long(c) || c->cpl == 3 || (selector & 3) != c->cpl)
			return emu_bad_selector(c, vector, 0);
		s.ar |= c->cpl << EMULATE_AR_DPL_SHIFT;
	}
	return emu_set_segment(c, seg, &s);
}

static int check_stack_segment(struct emulate_ctxt *c, const struct emulate_segment *s, u8 vector)
{
	u32 writable_data = EMULATE_AR_S | EMULATE_AR_WRITABLE;

	if ((s->selector & 3) != c->cpl || emu_dpl(s) != c->cpl ||
	    (s->ar & (EMULATE_AR_S | EMULATE_AR_CODE | EMULATE_AR_WRITABLE)) != writable_data)
		return emu_bad_selector(c, vector, s->selector);
	if (!(s->ar & EMULATE_AR_P))
		return emu_bad_selector(c, VEC_SS, s->selector);
	return EMULATE_OK;
}

static int check_data_segment(struct emulate_ctxt *c, const struct emulate_segment *s, u8 vector)
{
	bool code = s->ar & EMULATE_AR_CODE, conforming = code && (s->ar & EMULATE_AR_EXPAND_DOWN);
	unsigned int rpl = s->selector & 3, dpl = emu_dpl(s);

	if (!(s->ar & EMULATE_AR_S) || (code && !(s->ar & EMULATE_AR_WRITABLE)) ||
	    (!conforming && (rpl > dpl || c->cpl > dpl)))
		return emu_bad_selector(c, vector, s->selector);
	if (!(s->ar & EMULATE_AR_P))
		return emu_bad_selector(c, VEC_NP, s->selector);
	return EMULATE_OK;
}

/* Load a data or stack segment register; vector: what most checks raise, in a task switch #TS. */
int emu_load_segment(struct emulate_ctxt *c, unsigned int seg, u16 selector, u8 vector)
{
	struct emu_descriptor d;

	if (emu_paragraphs(c)) {
		EMU_TRY(load_paragraph(c, seg, selector, &d.seg));
		return emu_set_segment(c, seg, &d.seg);
	}
	if (!(selector & 0xfffc))
		return load_null(c, seg, selector, vector);
	EMU_TRY(emu_read_descriptor(c, selector, 8, vector, &d));
	EMU_TRY(seg == EMULATE_SS ? check_stack_segment(c, &d.seg, vector) :
				    check_data_segment(c, &d.seg, vector));
	EMU_TRY(emu_mark_type(c, &d, 0, DESC_ACCESSED));
	return emu_set_segment(c, seg, &d.seg);
}

/*
 * The code segment of a far transfer to selector:rip that stays at this privilege, with all
 * checks; ret for RET and IRET, which name the privilege in the selector.
 */
int emu_fetch_code_segment(struct emulate_ctxt *c, u16 selector, u64 rip, bool ret,
			   struct emulate_segment *s)
{
	unsigned int rpl = selector & 3, dpl;
	struct emu_descriptor d;
	bool conforming, ok;

	if (emu_paragraphs(c)) {
		EMU_TRY(load_paragraph(c, EMULATE_CS, selector, s));
		return rip <= s->limit ? EMULATE_OK : emulate_raise_error(c, VEC_GP, 0);
	}
	if (!(selector & 0xfffc))
		return emulate_raise_error(c, VEC_GP, 0);
	EMU_TRY(emu_read_descriptor(c, selector, 8, VEC_GP, &d));
	if (!(d.seg.ar & EMULATE_AR_S) && !ret)
		return EMULATE_UNHANDLED;	/* a gate or a TSS */
	if (ret && rpl > c->cpl)
		return EMULATE_UNHANDLED;	/* to an outer ring */
	dpl = emu_dpl(&d.seg);
	conforming = d.seg.ar & EMULATE_AR_EXPAND_DOWN;
	ok = (d.seg.ar & EMULATE_AR_S) && (d.seg.ar & EMULATE_AR_CODE);
	if (ret)
		ok = ok && rpl == c->cpl && (conforming ? dpl <= rpl : dpl == rpl);
	else
		ok = ok && (conforming ? dpl <= c->cpl : rpl <= c->cpl && dpl == c->cpl);
	if ((c->efer & EFER_LMA) && (d.seg.ar & EMULATE_AR_L) && (d.seg.ar & EMULATE_AR_DB))
		ok = false;
	if (!ok)
		return emu_bad_selector(c, VEC_GP, selector);
	if (!(d.seg.ar & EMULATE_AR_P))
		return emu_bad_selector(c, VEC_NP, selector);
	if ((c->efer & EFER_LMA) && (d.seg.ar & EMULATE_AR_L))
		ok = emu_canonical(c, rip);
	else
		ok = rip <= d.seg.limit;
	if (!ok)
		return emulate_raise_error(c, VEC_GP, 0);
	d.seg.selector = (selector & ~3) | c->cpl;
	EMU_TRY(emu_mark_type(c, &d, 0, DESC_ACCESSED));
	*s = d.seg;
	return EMULATE_OK;
}

int emu_commit_code_segment(struct emulate_ctxt *c, const struct emulate_segment *s)
{
	return emu_set_segment(c, EMULATE_CS, s);
}

int emu_do_mov_from_seg(struct emulate_ctxt *c)
{
	struct emulate_segment *s;

	EMU_TRY(emu_segment(c, c->insn.src.reg, &s));
	c->insn.dst.val = s->selector;
	return EMULATE_OK;
}

int emu_do_mov_to_seg(struct emulate_ctxt *c)
{
	unsigned int seg = c->insn.dst.reg;

	EMU_TRY(emu_load_segment(c, seg, c->insn.src.val, VEC_GP));
	if (seg == EMULATE_SS)
		c->shadow = EMULATE_SHADOW_MOV_SS;
	return EMULATE_OK;
}

/* LES, LDS, LSS, LFS, LGS */
int emu_do_load_far(struct emulate_ctxt *c)
{
	static const u8 two_byte[4] = { EMULATE_SS, 0, EMULATE_FS, EMULATE_GS };
	struct emulate_insn *insn = &c->insn;
	unsigned int n = insn->op_bytes, seg;
	u8 pointer[10];
	u16 selector;

	if (insn->map == 0)
		seg = insn->opcode == 0xc4 ? EMULATE_ES : EMULATE_DS;
	else
		seg = two_byte[(insn->opcode - 0xb2) & 3];
	EMU_TRY(emu_mem_address(c, 0, n + 2, false));
	EMU_TRY(emu_read(c, c->mem_linear, pointer, n + 2));
	insn->dst.val = 0;
	memcpy(&insn->dst.val, pointer, n);
	memcpy(&selector, pointer + n, 2);
	return emu_load_segment(c, seg, selector, VEC_GP);
}

/* LLDT and LTR */
int emu_do_load_system(struct emulate_ctxt *c)
{
	bool task = c->insn.op == OP_LTR;
	unsigned int seg = task ? EMULATE_TR : EMULATE_LDTR, type;
	u16 selector = c->insn.dst.val;
	struct emulate_segment null = { .selector = selector, .ar = EMULATE_AR_UNUSABLE };
	struct emu_descriptor d;

	if (!(selector & 0xfffc))
		return task ? emulate_raise_error(c, VEC_GP, 0) : emu_set_segment(c, seg, &null);
	if (selector & 4)
		return emu_bad_selector(c, VEC_GP, selector);
	/* 16 bytes in 64-bit mode; compatibility mode has those of protected mode */
	EMU_TRY(emu_read_descriptor(c, selector, emu_long(c) ? 16 : 8, VEC_GP, &d));
	type = d.seg.ar & (EMULATE_AR_S | EMULATE_AR_TYPE);
	if (task ? type != EMU_TSS32 && (type != EMU_TSS16 || (c->efer & EFER_LMA)) :
		   type != EMU_LDT)
		return emu_bad_selector(c, VEC_GP, selector);
	if (!(d.seg.ar & EMULATE_AR_P))
		return emu_bad_selector(c, VEC_NP, selector);
	if (task)
		EMU_TRY(emu_mark_type(c, &d, 0, EMU_TSS_BUSY));
	return emu_set_segment(c, seg, &d.seg);
}

/* SLDT and STR */
int emu_do_store_system(struct emulate_ctxt *c)
{
	unsigned int seg = c->insn.op == OP_STR ? EMULATE_TR : EMULATE_LDTR;
	struct emulate_segment *s;

	EMU_TRY(emu_segment(c, seg, &s));
	c->insn.dst.val = s->selector;
	return EMULATE_OK;
}
