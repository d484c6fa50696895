// SPDX-License-Identifier: GPL-2.0-only
/*
 * The interpreter's client: the ops work on a copy of the guest's memory and registers, with the
 * paging that the template of fuzz/guest/memory.c has.
 */
#include <string.h>

#include "ring0.h"

static struct predicted *of(struct emulate_ctxt *c)
{
	return c->private;
}

/* As the page tables of the template say; see page_bits() there. */
static unsigned int rights(u64 page)
{
	static const u8 special[] = { [0x24] = 0, [0x25] = 5, [0x26] = 3, [0x27] = 1, [0x28] = 7 };

	return page >= 0x24 && page <= 0x28 ? special[page] : 7;
}

static int check_page(struct emulate_ctxt *c, u64 linear, bool write)
{
	bool user = c->cpl == 3 && !c->system_access;
	unsigned int r = linear < 0x200000 ? rights(linear >> 12) : 7;
	u32 error = (write ? 2 : 0) | (user ? 4 : 0);

	if (!(r & 1))
		return emulate_raise_pf(c, linear, error);
	if ((write && !(r & 2)) || (user && !(r & 4)))
		return emulate_raise_pf(c, linear, error | 1);
	return EMULATE_OK;
}

/* Where n bytes at linear are in the copy; *at is NULL when that is not RAM. */
static int translate(struct emulate_ctxt *c, u64 linear, unsigned int n, bool write, u8 **at)
{
	struct predicted *p = of(c);
	u64 last = linear + n - 1, physical = linear;

	*at = NULL;
	if (c->cr0 >> 31 & 1) {
		if (last >= 0x400000 || last < linear)
			goto leave;
		EMU_TRY(check_page(c, linear, write));
		if (last >> 12 != linear >> 12)
			EMU_TRY(check_page(c, last & ~0xfffULL, write));
		/* the large page above 2 MiB is the same memory again */
		if ((linear ^ last) & 0x200000)
			goto leave;
		physical &= 0x1fffff;
	}
	if (physical + n > MEMORY || physical + n < physical)
		goto leave;
	*at = p->memory + physical;
	return EMULATE_OK;
leave:
	p->left = true;
	return EMULATE_UNHANDLED;
}

static int op_fetch(struct emulate_ctxt *c, u64 linear, void *bytes, unsigned int n)
{
	u8 *at;

	EMU_TRY(translate(c, linear, n, false, &at));
	memcpy(bytes, at, n);
	return EMULATE_OK;
}

static int op_read(struct emulate_ctxt *c, u64 linear, void *val, unsigned int n)
{
	u8 *at;

	EMU_TRY(translate(c, linear, n, false, &at));
	memcpy(val, at, n);
	return EMULATE_OK;
}

static int op_write(struct emulate_ctxt *c, u64 linear, const void *val, unsigned int n)
{
	u8 *at;

	EMU_TRY(translate(c, linear, n, true, &at));
	memcpy(at, val, n);
	return EMULATE_OK;
}

static int op_cmpxchg(struct emulate_ctxt *c, u64 linear, const void *old, const void *new,
		      unsigned int n)
{
	u8 *at;

	EMU_TRY(translate(c, linear, n, true, &at));
	if (memcmp(at, old, n))
		return EMULATE_RETRY;
	memcpy(at, new, n);
	return EMULATE_OK;
}

static int op_probe(struct emulate_ctxt *c, u64 linear, unsigned int n)
{
	u8 *at;

	return translate(c, linear, n, true, &at);
}

static struct kvm_segment *segment_of(struct predicted *p, enum emulate_seg seg)
{
	struct kvm_sregs *s = &p->sregs;
	struct kvm_segment *const segments[EMULATE_NR_SEGS] = {
		[EMULATE_ES] = &s->es, [EMULATE_CS] = &s->cs, [EMULATE_SS] = &s->ss,
		[EMULATE_DS] = &s->ds, [EMULATE_FS] = &s->fs, [EMULATE_GS] = &s->gs,
		[EMULATE_LDTR] = &s->ldt, [EMULATE_TR] = &s->tr,
	};

	return segments[seg];
}

static int op_get_segment(struct emulate_ctxt *c, enum emulate_seg seg, struct emulate_segment *s)
{
	const struct kvm_segment *k = segment_of(of(c), seg);

	*s = (struct emulate_segment){
		.base = k->base, .limit = k->limit, .selector = k->selector,
		.ar = k->type | k->s << 4 | k->dpl << 5 | k->present << 7 | k->avl << 12 |
		      k->l << 13 | k->db << 14 | k->g << 15 |
		      (k->unusable || !k->present ? EMULATE_AR_UNUSABLE : 0),
	};
	return EMULATE_OK;
}

static int op_set_segment(struct emulate_ctxt *c, enum emulate_seg seg,
			  const struct emulate_segment *s)
{
	*segment_of(of(c), seg) = (struct kvm_segment){
		.base = s->base, .limit = s->limit, .selector = s->selector, .type = s->ar & 15,
		.s = s->ar >> 4 & 1, .dpl = s->ar >> 5 & 3, .present = s->ar >> 7 & 1,
		.avl = s->ar >> 12 & 1, .l = s->ar >> 13 & 1, .db = s->ar >> 14 & 1,
		.g = s->ar >> 15 & 1, .unusable = s->ar >> 16 & 1,
	};
	return EMULATE_OK;
}

static struct kvm_dtable *table_of(struct emulate_ctxt *c, enum emulate_table table)
{
	return table == EMULATE_GDT ? &of(c)->sregs.gdt : &of(c)->sregs.idt;
}

static int op_get_table(struct emulate_ctxt *c, enum emulate_table table,
			struct emulate_desc_table *t)
{
	t->base = table_of(c, table)->base;
	t->limit = table_of(c, table)->limit;
	return EMULATE_OK;
}

static int op_set_table(struct emulate_ctxt *c, enum emulate_table table,
			const struct emulate_desc_table *t)
{
	table_of(c, table)->base = t->base;
	table_of(c, table)->limit = t->limit;
	return EMULATE_OK;
}

static int op_get_cr(struct emulate_ctxt *c, unsigned int nr, u64 *val)
{
	const struct kvm_sregs *s = &of(c)->sregs;

	*val = nr == 0 ? s->cr0 : nr == 2 ? s->cr2 : nr == 3 ? s->cr3 : nr == 4 ? s->cr4 : s->cr8;
	return EMULATE_OK;
}

/* What a value may be is the client's to check: here the judge does it, by what the guest did. */
static int op_set_cr(struct emulate_ctxt *c, unsigned int nr, u64 val)
{
	struct predicted *p = of(c);

	p->register_set = true;
	switch (nr) {
	case 0:
		/* another paging, or another mode, for the HLT behind it */
		p->left |= (val ^ p->sregs.cr0) & 0x80000001;
		p->sregs.cr0 = (val & 0xe005002f) | 0x10;
		break;
	case 2:
		p->sregs.cr2 = val;
		break;
	case 3:
		p->left = true;
		break;
	case 4:
		p->left |= (val ^ p->sregs.cr4) & 0x20;
		p->sregs.cr4 = val;
		break;
	default:
		p->sregs.cr8 = val;
	}
	return EMULATE_OK;
}

static int op_get_dr(struct emulate_ctxt *c, unsigned int nr, u64 *val)
{
	*val = of(c)->dr[nr];
	return EMULATE_OK;
}

static int op_set_dr(struct emulate_ctxt *c, unsigned int nr, u64 val)
{
	of(c)->register_set = true;
	of(c)->left |= nr == 7 && (val & 0xff);		/* it may break on what follows */
	of(c)->dr[nr] = val;
	return EMULATE_OK;
}

static int op_nothing(struct emulate_ctxt *c, u64 linear)
{
	(void)c;
	(void)linear;
	return EMULATE_OK;
}

static int op_wbinvd(struct emulate_ctxt *c)
{
	(void)c;
	return EMULATE_OK;
}

static const struct emulate_ops ops = {
	.fetch = op_fetch, .read_mem = op_read, .write_mem = op_write, .cmpxchg_mem = op_cmpxchg,
	.probe_write = op_probe, .get_segment = op_get_segment, .set_segment = op_set_segment,
	.get_desc_table = op_get_table, .set_desc_table = op_set_table, .get_cr = op_get_cr,
	.set_cr = op_set_cr, .get_dr = op_get_dr, .set_dr = op_set_dr, .invlpg = op_nothing,
	.wbinvd = op_wbinvd,
};

/* kvm_regs has its own order. */
static void load_gprs(u64 *gprs, const struct kvm_regs *r)
{
	const u64 in_order[EMULATE_NR_GPRS] = {
		r->rax, r->rcx, r->rdx, r->rbx, r->rsp, r->rbp, r->rsi, r->rdi, r->r8, r->r9,
		r->r10, r->r11, r->r12, r->r13, r->r14, r->r15,
	};

	memcpy(gprs, in_order, sizeof(in_order));
}

void predict(struct predicted *p, const struct guest_case *c, const u8 *memory)
{
	struct emulate_segment cs, ss;
	unsigned int calls = 0;

	memset(p, 0, offsetof(struct predicted, memory));
	p->left = false;
	p->register_set = false;
	p->sregs = c->sregs;
	memcpy(p->memory, memory, MEMORY);
	p->dr[6] = 0xffff0ff0;
	p->dr[7] = 0x400;
	p->c.ops = &ops;
	p->c.private = p;
	load_gprs(p->c.gprs, &c->regs);
	p->c.rip = c->regs.rip;
	p->c.rflags = c->regs.rflags;
	p->c.cr0 = c->sregs.cr0;
	p->c.cr4 = c->sregs.cr4;
	p->c.efer = c->sregs.efer;
	op_get_segment(&p->c, EMULATE_CS, &cs);
	op_get_segment(&p->c, EMULATE_SS, &ss);
	p->c.mode = emulate_mode_of(c->sregs.cr0, c->regs.rflags, c->sregs.efer, cs.ar);
	p->c.cpl = p->c.mode == EMULATE_MODE_REAL ? 0 :
		   p->c.mode == EMULATE_MODE_VM86 ? 3 : ss.ar >> 5 & 3;
	do {
		p->result = emulate_one(&p->c);
	} while (p->result == EMULATE_OK && !p->c.retired && ++calls < 10);
}
