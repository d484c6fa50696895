// SPDX-License-Identifier: GPL-2.0-only
/*
 * Checks of VM entry: guest segment and descriptor-table registers.
 * Source: SDM, chapter "VM Entries", sections "Checks on Guest Segment Registers" and "Checks on
 * Guest Descriptor-Table Registers".
 */
#include "explain.h"

#include "explain_bits.h"

struct segment {
	u64 selector, base, limit, ar;
	const char *selector_name, *base_name, *limit_name, *ar_name;
};

#define SEGMENT(f, name) { \
	.selector = (f)->guest_##name##_selector, .base = (f)->guest_##name##_base, \
	.limit = (f)->guest_##name##_limit, .ar = (f)->guest_##name##_ar, \
	.selector_name = "guest_" #name "_selector", .base_name = "guest_" #name "_base", \
	.limit_name = "guest_" #name "_limit", .ar_name = "guest_" #name "_ar", \
}

enum { CS, SS, DS, ES, FS, GS, NR_SEGMENTS };

#define SEG_CHECK(r, ok, rule, seg, part) \
	explain_require(r, ok, RULE_##rule, (seg)->part##_name, (seg)->part)

static bool usable(const struct segment *s)
{
	return !(s->ar & AR_UNUSABLE_BIT);
}

static bool is_vm86(const struct vmcs_fields *f)
{
	return f->guest_rflags & RFLAGS_VM_BIT;
}

static bool is_unrestricted(const struct vmcs_fields *f)
{
	return (f->proc & PROC_SECONDARY) && (f->proc2 & PROC2_UNRESTRICTED);
}

static bool granularity_ok(const struct segment *s)
{
	bool g = s->ar & AR_G_BIT;

	if (g && (s->limit & 0xfff) != 0xfff)
		return false;
	return g || !(s->limit & 0xfff00000);
}

/* P, reserved bits and granularity: alike for all of them. */
static void check_common(struct explain_report *r, const struct segment *s)
{
	SEG_CHECK(r, s->ar & AR_P_BIT, SEG_P, s, ar);
	SEG_CHECK(r, !(s->ar & AR_RESERVED), SEG_AR_RESERVED, s, ar);
	SEG_CHECK(r, granularity_ok(s), SEG_GRANULARITY, s, ar);
}

static void check_vm86(struct explain_report *r, const struct segment *seg)
{
	unsigned int i;

	for (i = 0; i < NR_SEGMENTS; i++) {
		const struct segment *s = &seg[i];

		SEG_CHECK(r, s->base == s->selector << 4, SEG_VM86_BASE, s, base);
		SEG_CHECK(r, s->limit == 0xffff, SEG_VM86_LIMIT, s, limit);
		SEG_CHECK(r, s->ar == 0xf3, SEG_VM86_AR, s, ar);
	}
}

static bool cs_dpl_ok(unsigned int type, unsigned int dpl, unsigned int ss_dpl)
{
	switch (type) {
	case 3:
		return dpl == 0;
	case 9:
	case 11:
		return dpl == ss_dpl;
	case 13:
	case 15:
		return dpl <= ss_dpl;
	default:
		return true;	/* the type is wrong already */
	}
}

static void check_cs_ss(struct explain_report *r, const struct segment *cs,
			const struct segment *ss)
{
	const struct vmcs_fields *f = r->f;
	unsigned int cs_type = AR_TYPE(cs->ar), ss_dpl = AR_DPL_OF(ss->ar);
	bool free = is_unrestricted(f);

	SEG_CHECK(r, (cs_type & 9) == 9 || (cs_type == 3 && free), SEG_CS_TYPE, cs, ar);
	SEG_CHECK(r, cs->ar & AR_S_BIT, SEG_S, cs, ar);
	SEG_CHECK(r, cs_dpl_ok(cs_type, AR_DPL_OF(cs->ar), ss_dpl), SEG_CS_DPL, cs, ar);
	check_common(r, cs);
	if (f->entry & ENTRY_IA32E)
		SEG_CHECK(r, !(cs->ar & AR_L_BIT) || !(cs->ar & AR_DB_BIT), SEG_CS_DB, cs, ar);

	SEG_CHECK(r, free || ss_dpl == (ss->selector & 3), SEG_SS_DPL_RPL, ss, ar);
	SEG_CHECK(r, (cs_type != 3 && (f->guest_cr0 & CR0_PE_BIT)) || ss_dpl == 0,
		  SEG_SS_DPL_ZERO, ss, ar);
	if (!usable(ss))
		return;
	SEG_CHECK(r, (AR_TYPE(ss->ar) & ~4U) == 3, SEG_SS_TYPE, ss, ar);
	SEG_CHECK(r, ss->ar & AR_S_BIT, SEG_S, ss, ar);
	check_common(r, ss);
}

static void check_data(struct explain_report *r, const struct segment *s)
{
	unsigned int type = AR_TYPE(s->ar);

	if (!usable(s))
		return;
	SEG_CHECK(r, (type & 1) && (!(type & 8) || (type & 2)), SEG_DATA_TYPE, s, ar);
	SEG_CHECK(r, s->ar & AR_S_BIT, SEG_S, s, ar);
	SEG_CHECK(r, is_unrestricted(r->f) || type > 11 || AR_DPL_OF(s->ar) >= (s->selector & 3),
		  SEG_DATA_DPL, s, ar);
	check_common(r, s);
}

static void check_bases(struct explain_report *r, const struct segment *seg)
{
	const struct vmcs_fields *f = r->f;
	unsigned int i;

	for (i = CS; i <= ES; i++)
		if (i == CS || usable(&seg[i]))
			SEG_CHECK(r, !(seg[i].base >> 32), SEG_BASE_HIGH, &seg[i], base);
	SEG_CHECK(r, explain_canonical(f, seg[FS].base), GUEST_CANONICAL, &seg[FS], base);
	SEG_CHECK(r, explain_canonical(f, seg[GS].base), GUEST_CANONICAL, &seg[GS], base);
}

static void check_system(struct explain_report *r)
{
	const struct vmcs_fields *f = r->f;
	const struct segment tr = SEGMENT(f, tr), ldtr = SEGMENT(f, ldtr);
	unsigned int type = AR_TYPE(tr.ar);

	SEG_CHECK(r, !(tr.selector & 4), SEG_TR_TI, &tr, selector);
	SEG_CHECK(r, explain_canonical(f, tr.base), GUEST_CANONICAL, &tr, base);
	SEG_CHECK(r, type == 11 || (type == 3 && !(f->entry & ENTRY_IA32E)), SEG_TR_TYPE, &tr, ar);
	SEG_CHECK(r, !(tr.ar & AR_S_BIT), SEG_SYSTEM_S, &tr, ar);
	SEG_CHECK(r, usable(&tr), SEG_TR_UNUSABLE, &tr, ar);
	check_common(r, &tr);
	if (!usable(&ldtr))
		return;
	SEG_CHECK(r, !(ldtr.selector & 4), SEG_LDTR_TI, &ldtr, selector);
	SEG_CHECK(r, explain_canonical(f, ldtr.base), GUEST_CANONICAL, &ldtr, base);
	SEG_CHECK(r, AR_TYPE(ldtr.ar) == 2, SEG_LDTR_TYPE, &ldtr, ar);
	SEG_CHECK(r, !(ldtr.ar & AR_S_BIT), SEG_SYSTEM_S, &ldtr, ar);
	check_common(r, &ldtr);
}

void explain_guest_segments(struct explain_report *r)
{
	const struct vmcs_fields *f = r->f;
	const struct segment seg[NR_SEGMENTS] = {
		[CS] = SEGMENT(f, cs), [SS] = SEGMENT(f, ss), [DS] = SEGMENT(f, ds),
		[ES] = SEGMENT(f, es), [FS] = SEGMENT(f, fs), [GS] = SEGMENT(f, gs),
	};
	unsigned int i;

	if (is_vm86(f)) {
		check_vm86(r, seg);
	} else {
		if (!is_unrestricted(f))
			SEG_CHECK(r, !((seg[SS].selector ^ seg[CS].selector) & 3),
				  SEG_SS_RPL, &seg[SS], selector);
		check_cs_ss(r, &seg[CS], &seg[SS]);
		for (i = DS; i <= GS; i++)
			check_data(r, &seg[i]);
	}
	check_bases(r, seg);
	check_system(r);
	EXPLAIN_CHECK(r, explain_canonical(f, f->guest_gdtr_base),
		      GUEST_CANONICAL, guest_gdtr_base);
	EXPLAIN_CHECK(r, explain_canonical(f, f->guest_idtr_base),
		      GUEST_CANONICAL, guest_idtr_base);
	EXPLAIN_CHECK(r, !(f->guest_gdtr_limit >> 16), GUEST_TABLE_LIMIT, guest_gdtr_limit);
	EXPLAIN_CHECK(r, !(f->guest_idtr_limit >> 16), GUEST_TABLE_LIMIT, guest_idtr_limit);
}
