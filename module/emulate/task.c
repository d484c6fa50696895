// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hardware task switches: the whole of what the processor does when it is not allowed to do it.
 *
 * All that can fail by the tables is checked before anything is written: both descriptors, and the
 * new task's state segment as a whole. Then the old task's state is saved, the busy bits and the
 * back link are set, and the new task's registers and selectors are there; from here on a fault,
 * of a descriptor mostly, is the new task's. Source: SDM, "Task Switching", "Task-State Segment
 * (TSS)" and the table "Exception Conditions Checked During a Task Switch".
 */
#include "internal.h"

#define TSS_MOST_BYTES	104
#define CHUNK		16	/* of one access */

/* Where things stand in a TSS; registers in the order of their encoding, ES CS SS DS FS GS. */
static const struct layout {
	u8 bytes, width, cr3, ip, flags, gprs, segs, nr_segs, ldt, trap;
} layouts[2] = {
	{ .bytes = 44, .width = 2, .ip = 14, .flags = 16, .gprs = 18, .segs = 34, .nr_segs = 4,
	  .ldt = 42 },
	{ .bytes = 104, .width = 4, .cr3 = 28, .ip = 32, .flags = 36, .gprs = 40, .segs = 72,
	  .nr_segs = 6, .ldt = 96, .trap = 100 },
};

static const struct layout *layout_of(const struct emulate_segment *tss)
{
	return &layouts[!!(tss->ar & (EMU_TSS32 ^ EMU_TSS16))];
}

struct image {
	u8 byte[TSS_MOST_BYTES];
};

static u32 get(const struct image *image, unsigned int at, unsigned int width)
{
	u32 val = 0;

	memcpy(&val, image->byte + at, width);
	return val;
}

static void put(struct image *image, unsigned int at, unsigned int width, u32 val)
{
	memcpy(image->byte + at, &val, width);
}

/* Supervisor accesses to a TSS. One in a device's memory is not supported. */
static int transfer(struct emulate_ctxt *c, u64 base, struct image *image, unsigned int from,
		    unsigned int to, bool write)
{
	int r = EMULATE_OK;

	c->system_access = true;
	for (; from < to && r == EMULATE_OK; from += CHUNK) {
		u64 linear = (u32)(base + from);
		unsigned int n = CHUNK;

		if (to - from < n)
			n = to - from;
		if (write)
			r = c->ops->write_mem(c, linear, image->byte + from, n);
		else
			r = c->ops->read_mem(c, linear, image->byte + from, n);
	}
	c->system_access = false;
	return r == EMULATE_TO_USER ? EMULATE_UNHANDLED : r;
}

/* The descriptor of the task to come, checked. */
static int read_new_tss(struct emulate_ctxt *c, const struct emulate_task *task,
			struct emu_descriptor *d)
{
	u8 vector = task->source == EMULATE_TASK_IRET ? VEC_TS : VEC_GP;
	u32 type, want;

	if (!(task->selector & 0xfffc) || (task->selector & 4))
		return emu_bad_selector(c, vector, task->selector);
	EMU_TRY(emu_read_descriptor(c, task->selector, 8, vector, d));
	type = d->seg.ar & (EMULATE_AR_S | EMULATE_AR_TYPE);
	want = task->source == EMULATE_TASK_IRET ? EMU_TSS_BUSY : 0;
	if (type != (EMU_TSS16 | want) && type != (EMU_TSS32 | want))
		return emu_bad_selector(c, vector, task->selector);
	if (!(d->seg.ar & EMULATE_AR_P))
		return emu_bad_selector(c, VEC_NP, task->selector);
	if (d->seg.limit < layout_of(&d->seg)->bytes - 1U)
		return emu_bad_selector(c, VEC_TS, task->selector);
	return EMULATE_OK;
}

static int save_old(struct emulate_ctxt *c, const struct emulate_segment *tr, u64 rflags)
{
	const struct layout *l = layout_of(tr);
	struct image image = { { 0 } };
	struct emulate_segment *s;
	unsigned int i;

	put(&image, l->ip, l->width, c->rip);
	put(&image, l->flags, l->width, rflags);
	for (i = 0; i < 8; i++)
		put(&image, l->gprs + i * l->width, l->width, c->gprs[i]);
	for (i = 0; i < l->nr_segs; i++) {
		EMU_TRY(emu_segment(c, EMULATE_ES + i, &s));
		put(&image, l->segs + i * l->width, 2, s->selector);
	}
	return transfer(c, tr->base, &image, l->ip, l->ldt, true);
}

/* Selectors first, with the hidden parts of before: what follows may fault in the new task. */
static int load_selectors(struct emulate_ctxt *c, const struct layout *l, const struct image *image)
{
	struct emulate_segment s, *old;
	unsigned int i;

	for (i = 0; i < l->nr_segs; i++) {
		EMU_TRY(emu_segment(c, EMULATE_ES + i, &old));
		s = *old;
		s.selector = get(image, l->segs + i * l->width, 2);
		EMU_TRY(emu_set_segment(c, EMULATE_ES + i, &s));
	}
	return EMULATE_OK;
}

static int load_ldt(struct emulate_ctxt *c, u16 selector)
{
	struct emulate_segment null = { .selector = selector, .ar = EMULATE_AR_UNUSABLE };
	struct emu_descriptor d;

	EMU_TRY(emu_set_segment(c, EMULATE_LDTR, &null));
	if (!(selector & 0xfffc))
		return EMULATE_OK;
	if (selector & 4)
		return emu_bad_selector(c, VEC_TS, selector);
	EMU_TRY(emu_read_descriptor(c, selector, 8, VEC_TS, &d));
	if ((d.seg.ar & (EMULATE_AR_S | EMULATE_AR_TYPE)) != EMU_LDT ||
	    !(d.seg.ar & EMULATE_AR_P))
		return emu_bad_selector(c, VEC_TS, selector);
	return emu_set_segment(c, EMULATE_LDTR, &d.seg);
}

static int load_code(struct emulate_ctxt *c, u16 selector)
{
	unsigned int rpl = selector & 3;
	struct emu_descriptor d;
	bool ok;

	if (!(selector & 0xfffc))
		return emu_bad_selector(c, VEC_TS, selector);
	EMU_TRY(emu_read_descriptor(c, selector, 8, VEC_TS, &d));
	ok = (d.seg.ar & EMULATE_AR_S) && (d.seg.ar & EMULATE_AR_CODE);
	/* conforming code may be more privileged than its task */
	ok = ok && (d.seg.ar & EMULATE_AR_EXPAND_DOWN ? emu_dpl(&d.seg) <= rpl :
							emu_dpl(&d.seg) == rpl);
	if (!ok)
		return emu_bad_selector(c, VEC_TS, selector);
	if (!(d.seg.ar & EMULATE_AR_P))
		return emu_bad_selector(c, VEC_NP, selector);
	EMU_TRY(emu_mark_type(c, &d, 0, 1));
	EMU_TRY(emu_set_segment(c, EMULATE_CS, &d.seg));
	c->mode = d.seg.ar & EMULATE_AR_DB ? EMULATE_MODE_PROT32 : EMULATE_MODE_PROT16;
	return EMULATE_OK;
}

/* The descriptors behind the selectors; in virtual-8086 mode there are none. */
static int load_segments(struct emulate_ctxt *c, const struct layout *l, const struct image *image)
{
	static const u8 order[] = {
		EMULATE_CS, EMULATE_SS, EMULATE_DS, EMULATE_ES, EMULATE_FS, EMULATE_GS,
	};
	unsigned int i;

	EMU_TRY(load_ldt(c, get(image, l->ldt, 2)));
	for (i = 0; i < l->nr_segs; i++) {
		u16 selector = get(image, l->segs + (order[i] - EMULATE_ES) * l->width, 2);

		if (order[i] == EMULATE_CS && c->mode != EMULATE_MODE_VM86)
			EMU_TRY(load_code(c, selector));
		else
			EMU_TRY(emu_load_segment(c, order[i], selector, VEC_TS));
	}
	/* a TSS of 16 bits leaves FS and GS empty */
	for (; i < sizeof(order); i++)
		EMU_TRY(emu_load_segment(c, order[i], 0, VEC_TS));
	return EMULATE_OK;
}

/* The new task's registers and selectors, and everything that makes it the present one. */
static int become(struct emulate_ctxt *c, const struct emulate_task *task,
		  const struct emu_descriptor *tss, const struct image *image)
{
	const struct layout *l = layout_of(&tss->seg);
	unsigned int i;

	if (l->cr3 && (c->cr0 & CR0_PG))
		EMU_TRY(c->ops->set_cr(c, 3, get(image, l->cr3, 4)));
	c->rip = get(image, l->ip, l->width);
	c->rflags = get(image, l->flags, l->width) | FLAG_FIXED;
	for (i = 0; i < 8; i++)
		c->gprs[i] = get(image, l->gprs + i * l->width, l->width);
	if (task->source == EMULATE_TASK_CALL || task->source == EMULATE_TASK_GATE)
		c->rflags |= FLAG_NT;
	c->mode = c->rflags & FLAG_VM ? EMULATE_MODE_VM86 : EMULATE_MODE_PROT32;
	c->cpl = c->rflags & FLAG_VM ? 3 : get(image, l->segs + l->width, 2) & 3;
	EMU_TRY(c->ops->set_cr(c, 0, c->cr0 | CR0_TS));
	EMU_TRY(emu_set_segment(c, EMULATE_TR, &tss->seg));
	return load_selectors(c, l, image);
}

static int finish(struct emulate_ctxt *c, const struct emulate_task *task,
		  const struct layout *l, const struct image *image)
{
	u64 sp = c->gprs[EMULATE_RSP];

	EMU_TRY(load_segments(c, l, image));
	if (task->has_error_code) {
		EMU_TRY(emu_push(c, &sp, task->error_code, l->width));
		c->gprs[EMULATE_RSP] = sp;
	}
	EMU_TRY(emu_check_rip(c, c->rip));
	if (l->trap && (get(image, l->trap, 2) & 1)) {
		emulate_raise(c, VEC_DB);
		c->exception.address = DR6_BT;
		return EMULATE_FAULT;
	}
	return EMULATE_OK;
}

static void begin(struct emulate_ctxt *c)
{
	emulate_reset(c);
	memset(&c->insn, 0, sizeof(c->insn));
	c->seg_valid = 0;
	c->exception.valid = false;
	c->retired = false;
	c->halted = false;
	c->iret = false;
	c->shadow = 0;
	c->system_access = false;
}

static int switch_task(struct emulate_ctxt *c, const struct emulate_task *task)
{
	bool back = task->source == EMULATE_TASK_IRET, keeps = task->source == EMULATE_TASK_CALL ||
							       task->source == EMULATE_TASK_GATE;
	struct emu_descriptor old, new;
	struct emulate_segment *tr;
	const struct layout *l;
	struct image image;
	u16 link;

	if (emu_paragraphs(c) || (c->efer & EFER_LMA) || !c->ops->set_cr)
		return EMULATE_UNHANDLED;
	EMU_TRY(emu_segment(c, EMULATE_TR, &tr));
	link = tr->selector;
	EMU_TRY(read_new_tss(c, task, &new));
	EMU_TRY(emu_read_descriptor(c, link, 8, VEC_TS, &old));
	l = layout_of(&new.seg);
	EMU_TRY(transfer(c, new.seg.base, &image, 0, l->bytes, false));

	if (!keeps)
		EMU_TRY(emu_mark_type(c, &old, EMU_TSS_BUSY, 0));
	EMU_TRY(save_old(c, tr, back ? c->rflags & ~FLAG_NT : c->rflags));
	if (keeps) {
		put(&image, 0, 2, link);
		EMU_TRY(transfer(c, new.seg.base, &image, 0, 2, true));
	}
	if (!back)
		EMU_TRY(emu_mark_type(c, &new, 0, EMU_TSS_BUSY));
	EMU_TRY(become(c, task, &new, &image));
	c->retired = true;
	return finish(c, task, l, &image);
}

int emulate_task_switch(struct emulate_ctxt *c, const struct emulate_task *task)
{
	int r;

	begin(c);
	r = switch_task(c, task);
	emulate_reset(c);
	return r;
}
