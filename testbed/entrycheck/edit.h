/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How a sound state is spoilt: rows of edits, each of one member of struct vmcs_fields.
 *
 * A row says which rule it breaks, or that it breaks none (HOLDS).  Values that depend on the
 * processor or on the machine (its must-be-one bits, its physical-address width, a page) are said
 * by the kind of the edit.
 */
#ifndef ENTRYCHECK_EDIT_H
#define ENTRYCHECK_EDIT_H

#include <linux/stddef.h>
#include <linux/types.h>

#include "../../module/vmx/explain.h"
#include "../../module/vmx/explain_bits.h"
#include "machine.h"

enum edit_kind {
	EDIT_NONE,		/* ends a row that is not full */
	EDIT_SET,
	EDIT_OR,
	EDIT_CLEAR,
	EDIT_FLIP,
	EDIT_PAGE,		/* value: page << 12 | offset */
	EDIT_BEYOND,		/* the first address beyond the physical-address width, + value */
	EDIT_TOP,		/* the last page within it, + value */
	EDIT_DROP,		/* a control word: clear a bit that must be 1 */
	EDIT_ADD,		/* a control word: set a bit that must be 0 */
};

struct edit {
	u16 member;
	u8 kind;
	u64 value;
};

#define MAX_EDITS	9

/* What a row is there to show. */
enum row_kind { ROW_BREAKS, ROW_BREAKS_TOO, ROW_HOLDS };

struct row {
	enum row_kind kind;
	enum explain_rule rule;
	const char *name;	/* of the rule */
	struct edit edit[MAX_EDITS];
};

#define AT(member_)	offsetof(struct vmcs_fields, member_)
#define SET(m, v)	{ AT(m), EDIT_SET, v }
#define OR(m, v)	{ AT(m), EDIT_OR, v }
#define CLEAR(m, v)	{ AT(m), EDIT_CLEAR, v }
#define FLIP(m, v)	{ AT(m), EDIT_FLIP, v }
#define PAGE(m, page, v) { AT(m), EDIT_PAGE, (u64)(page) << 12 | (v) }
#define BEYOND(m, v)	{ AT(m), EDIT_BEYOND, v }
#define TOP(m, v)	{ AT(m), EDIT_TOP, v }
#define DROP(m)		{ AT(m), EDIT_DROP, 0 }
#define ADD(m)		{ AT(m), EDIT_ADD, 0 }

/* This rule, and no other; this rule among others; none. */
#define BREAKS(rule_, ...)	{ ROW_BREAKS, RULE_##rule_, #rule_, { __VA_ARGS__ } }
#define BREAKS_TOO(rule_, ...)	{ ROW_BREAKS_TOO, RULE_##rule_, #rule_, { __VA_ARGS__ } }
#define HOLDS(...)		{ ROW_HOLDS, 0, "none", { __VA_ARGS__ } }

extern const struct row entrycheck_control_rows[], entrycheck_host_rows[], entrycheck_guest_rows[];
extern const unsigned int entrycheck_nr_control_rows, entrycheck_nr_host_rows,
			  entrycheck_nr_guest_rows;

/*
 * control_limits - what this processor allows of a control word, named by AT(): the low half must
 * be 1, the high half may be 1.
 */
u64 control_limits(const struct vmcs_fields *f, u16 member);

/* edit_apply - make the edits of a row to @f. */
void edit_apply(const struct machine *m, struct vmcs_fields *f, const struct row *row);

/* random_state - spoil @f by one to four rows of the tables or single fields; follows the seed. */
void random_state(const struct machine *m, struct vmcs_fields *f);
void random_seed(u64 seed);

#endif
