// SPDX-License-Identifier: GPL-2.0-only
/*
 * Random states: rows of the tables one on top of the other, and single fields with values at the
 * edges of rules.  The same seed gives the same states on every machine with the same processor.
 */
#include <linux/kernel.h>
#include <linux/math64.h>

#include "edit.h"

static u64 state;

void random_seed(u64 seed)
{
	state = seed;
}

static u32 below(u32 limit)
{
	state = state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (state >> 33) % limit;
}

static u64 any(void)
{
	u64 high = below(1U << 31);

	return high << 33 ^ (u64)below(1U << 31) << 16 ^ below(1U << 31);
}

enum field_kind {
	CONTROL_WORD, POINTER, COUNT, SELECTOR, LINEAR, BITS, BYTES, EVENT, SMALL,
};

static const struct {
	u16 member;
	u8 kind;
} single[] = {
	{ AT(pin), CONTROL_WORD }, { AT(proc), CONTROL_WORD }, { AT(proc2), CONTROL_WORD },
	{ AT(exit), CONTROL_WORD }, { AT(entry), CONTROL_WORD },
	{ AT(cr3_target_count), SMALL }, { AT(io_bitmap_a), POINTER }, { AT(io_bitmap_b), POINTER },
	{ AT(msr_bitmap), POINTER }, { AT(virtual_apic_page), POINTER },
	{ AT(tpr_threshold), SMALL },
	{ AT(apic_access_addr), POINTER }, { AT(posted_intr_nv), SELECTOR },
	{ AT(posted_intr_desc), POINTER }, { AT(vpid), SELECTOR }, { AT(ept_pointer), POINTER },
	{ AT(pml_address), POINTER }, { AT(vmread_bitmap), POINTER },
	{ AT(vmwrite_bitmap), POINTER },
	{ AT(tsc_multiplier), SMALL }, { AT(exit_msr_store_count), COUNT },
	{ AT(exit_msr_store_addr), POINTER }, { AT(exit_msr_load_count), COUNT },
	{ AT(exit_msr_load_addr), POINTER }, { AT(entry_msr_load_count), COUNT },
	{ AT(entry_msr_load_addr), POINTER }, { AT(entry_intr_info), EVENT },
	{ AT(entry_error_code), BITS }, { AT(entry_instruction_len), SMALL },
	{ AT(proc3), BITS }, { AT(exit2), BITS }, { AT(vmfunc), BITS }, { AT(eptp_list), POINTER },
	{ AT(ve_information), POINTER }, { AT(spptp), POINTER }, { AT(host_s_cet), BITS },
	{ AT(host_ssp), LINEAR }, { AT(host_ssp_table), LINEAR }, { AT(host_pkrs), BITS },
	{ AT(host_cr0), BITS }, { AT(host_cr3), BITS }, { AT(host_cr4), BITS },
	{ AT(host_sysenter_esp), LINEAR }, { AT(host_sysenter_eip), LINEAR },
	{ AT(host_pat), BYTES }, { AT(host_efer), BITS }, { AT(host_cs), SELECTOR },
	{ AT(host_ss), SELECTOR }, { AT(host_ds), SELECTOR }, { AT(host_es), SELECTOR },
	{ AT(host_fs), SELECTOR }, { AT(host_gs), SELECTOR }, { AT(host_tr), SELECTOR },
	{ AT(host_fs_base), LINEAR }, { AT(host_gs_base), LINEAR }, { AT(host_tr_base), LINEAR },
	{ AT(host_gdtr_base), LINEAR }, { AT(host_idtr_base), LINEAR }, { AT(host_rip), LINEAR },
};

static const u64 linear_edges[] = {
	0, 1, 0x7fffffffffff, 0x800000000000, 0xffff7fffffffffff, 0xffff800000000000, ~0ULL,
	1ULL << 32, 1ULL << 63, 0x00ffffffffffffff, 0x0100000000000000, 0xff00000000000000,
};

static const u64 pointer_edges[] = {
	1ULL << 52, 1ULL << 63, ~0ULL, ~0xfffULL,
};

static const u64 counts[] = {
	0, 1, 2, 8, 255, 256, 257, 512, 0x0fffffff, 0x10000000, 0xffffffff,
};

/* An address that is one of the pages, or one that is not memory. */
static u64 pointer(const struct machine *m, u64 limit)
{
	static const u32 low[] = { 1, 2, 8, 0x10, 0x20, 0x40, 0x80, 0x1e, 0x5e, 0x800, 0xff0 };
	u64 value;

	switch (below(8)) {
	case 0:
		value = limit;
		break;
	case 1:
		value = limit - 0x1000;
		break;
	case 2:
		value = pointer_edges[below(ARRAY_SIZE(pointer_edges))];
		break;
	default:
		value = page_pa(m, below(2) ? PAGE_EMPTY : PAGE_MSRS);
	}
	if (below(3) == 0)
		value += low[below(ARRAY_SIZE(low))];
	return value;
}

static u64 control_word(u64 value, u64 limits)
{
	u64 may = limits >> 32, must = (u32)limits;

	switch (below(4)) {
	case 0:
		return (u32)any();
	case 1:
		/* what is allowed, half of it */
		return (any() & may) | must;
	case 2:
		return value ^ BIT64(below(32));
	default:
		/* one bit that may change */
		return value ^ (BIT64(below(32)) & may & ~must);
	}
}

static void spoil_single(const struct machine *m, struct vmcs_fields *f)
{
	unsigned int i = below(ARRAY_SIZE(single));
	u64 *value = member_at(f, single[i].member);

	switch (single[i].kind) {
	case CONTROL_WORD:
		*value = control_word(*value, control_limits(f, single[i].member));
		break;
	case POINTER:
		*value = pointer(m, 1ULL << f->limits.maxphyaddr);
		break;
	case COUNT:
		*value = counts[below(ARRAY_SIZE(counts))];
		break;
	case SELECTOR:
		*value = below(2) ? below(0x10000) : below(12) * 4;
		break;
	case LINEAR:
		*value = linear_edges[below(ARRAY_SIZE(linear_edges))];
		break;
	case BITS:
		*value ^= BIT64(below(below(2) ? 64 : 24));
		break;
	case BYTES:
		*value ^= (u64)below(256) << 8 * below(8);
		break;
	case EVENT:
		*value = INTR_VALID | below(32) | below(8) << 8 | below(2) << 11;
		if (below(8) == 0)
			*value ^= BIT64(below(32));
		break;
	case SMALL:
		*value = below(4) ? below(20) : (u32)any();
		break;
	}
	/* a field of 16 bits */
	if (single[i].kind == SELECTOR)
		*value &= 0xffff;
}

static void spoil_by_row(const struct machine *m, struct vmcs_fields *f)
{
	static const struct {
		const struct row *row;
		const unsigned int *nr;
	} tables[] = {
		{ entrycheck_control_rows, &entrycheck_nr_control_rows },
		{ entrycheck_control_rows, &entrycheck_nr_control_rows },
		{ entrycheck_host_rows, &entrycheck_nr_host_rows },
		{ entrycheck_guest_rows, &entrycheck_nr_guest_rows },
	};
	unsigned int i = below(ARRAY_SIZE(tables));

	edit_apply(m, f, &tables[i].row[below(*tables[i].nr)]);
}

void random_state(const struct machine *m, struct vmcs_fields *f)
{
	unsigned int n;

	/* mostly one or two: the more, the surer the state is refused for something simple */
	for (n = 1 + below(2) + (below(4) == 0) + (below(8) == 0); n; n--) {
		if (below(2))
			spoil_single(m, f);
		else
			spoil_by_row(m, f);
	}
}
