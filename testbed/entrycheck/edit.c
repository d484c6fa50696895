// SPDX-License-Identifier: GPL-2.0-only
/* Edits of a state, as the rows of the tables say them. */
#include "edit.h"

#include <linux/bitops.h>

u64 control_limits(const struct vmcs_fields *f, u16 member)
{
	switch (member) {
	case AT(pin):
		return f->limits.pin;
	case AT(proc):
		return f->limits.proc;
	case AT(proc2):
		return f->limits.proc2;
	case AT(exit):
		return f->limits.exit;
	case AT(entry):
		return f->limits.entry;
	case AT(proc3):
		return f->limits.proc3 << 32;
	case AT(exit2):
		return f->limits.exit2 << 32;
	case AT(vmfunc):
		return f->limits.vmfunc << 32;
	default:
		return ~0ULL << 32;
	}
}

static void edit_one(const struct machine *m, struct vmcs_fields *f, const struct edit *e)
{
	u64 *value = member_at(f, e->member), limits = control_limits(f, e->member);
	u64 beyond = 1ULL << f->limits.maxphyaddr;
	u32 must_not = ~(limits >> 32);

	switch (e->kind) {
	case EDIT_SET:
		*value = e->value;
		break;
	case EDIT_OR:
		*value |= e->value;
		break;
	case EDIT_CLEAR:
		*value &= ~e->value;
		break;
	case EDIT_FLIP:
		*value ^= e->value;
		break;
	case EDIT_PAGE:
		*value = page_pa(m, e->value >> 12) + (e->value & 0xfff);
		break;
	case EDIT_BEYOND:
		*value = beyond + e->value;
		break;
	case EDIT_TOP:
		*value = beyond - 0x1000 + e->value;
		break;
	case EDIT_DROP:
		*value &= ~((u32)limits & -(u32)limits);
		break;
	case EDIT_ADD:
		*value |= must_not & -must_not;
		break;
	}
}

void edit_apply(const struct machine *m, struct vmcs_fields *f, const struct row *row)
{
	unsigned int i;

	for (i = 0; i < MAX_EDITS && row->edit[i].kind != EDIT_NONE; i++)
		edit_one(m, f, &row->edit[i]);
}
