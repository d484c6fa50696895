// SPDX-License-Identifier: GPL-2.0-only
/*
 * Checks of VM entry: VM-execution, VM-exit and VM-entry control fields.
 * Source: SDM, chapter "VM Entries", section "Checks on VMX Controls".
 */
#include "explain.h"

#include "explain_bits.h"

/* @limits: low half must be 1, high half may be 1. */
static bool control_ok(u64 value, u64 limits)
{
	u64 must = limits & 0xffffffff, may = limits >> 32;

	return (value & must) == must && !(value & ~may);
}

static bool page_aligned(u64 address)
{
	return !(address & 0xfff);
}

#define CHECK_PAGE(r, member) \
	do { \
		EXPLAIN_CHECK(r, page_aligned((r)->f->member), CTL_PAGE_ALIGNED, member); \
		EXPLAIN_CHECK(r, explain_in_width((r)->f, (r)->f->member), CTL_WIDTH, member); \
	} while (0)

static u64 secondary(const struct vmcs_fields *f)
{
	return f->proc & PROC_SECONDARY ? f->proc2 : 0;
}

static void control_words(struct explain_report *r)
{
	const struct vmcs_fields *f = r->f;

	EXPLAIN_CHECK(r, control_ok(f->pin, f->limits.pin), CTL_PIN, pin);
	EXPLAIN_CHECK(r, control_ok(f->proc, f->limits.proc), CTL_PROC, proc);
	if (f->proc & PROC_SECONDARY)
		EXPLAIN_CHECK(r, control_ok(f->proc2, f->limits.proc2), CTL_PROC2, proc2);
	if (f->proc & PROC_TERTIARY)
		EXPLAIN_CHECK(r, !(f->proc3 & ~f->limits.proc3), CTL_PROC3, proc3);
	EXPLAIN_CHECK(r, f->cr3_target_count <= (f->limits.misc >> 16 & 0x1ff),
		      CTL_CR3_COUNT, cr3_target_count);
}

static void control_apic(struct explain_report *r)
{
	const struct vmcs_fields *f = r->f;
	u64 proc2 = secondary(f);
	bool vid = proc2 & PROC2_VIRTUAL_INTERRUPT;

	if (f->proc & PROC_TPR_SHADOW) {
		CHECK_PAGE(r, virtual_apic_page);
		if (!vid)
			EXPLAIN_CHECK(r, !(f->tpr_threshold & 0xfffffff0),
				      CTL_TPR_THRESHOLD_BITS, tpr_threshold);
		if (!vid && !(proc2 & PROC2_APIC_ACCESSES) && f->vtpr_known)
			EXPLAIN_CHECK(r, (f->tpr_threshold & 0xf) <= f->vtpr_class,
				      CTL_TPR_THRESHOLD_VTPR, tpr_threshold);
	}
	EXPLAIN_CHECK(r, (f->pin & PIN_NMI) || !(f->pin & PIN_VIRTUAL_NMI), CTL_VIRTUAL_NMI, pin);
	EXPLAIN_CHECK(r, (f->pin & PIN_VIRTUAL_NMI) || !(f->proc & PROC_NMI_WINDOW),
		      CTL_NMI_WINDOW, proc);
	if (proc2 & PROC2_APIC_ACCESSES)
		CHECK_PAGE(r, apic_access_addr);
	if (!(f->proc & PROC_TPR_SHADOW))
		EXPLAIN_CHECK(r, !(proc2 & (PROC2_X2APIC | PROC2_APIC_REGISTER |
					    PROC2_VIRTUAL_INTERRUPT)), CTL_TPR_SHADOW, proc2);
	EXPLAIN_CHECK(r, !(proc2 & PROC2_X2APIC) || !(proc2 & PROC2_APIC_ACCESSES),
		      CTL_X2APIC, proc2);
	EXPLAIN_CHECK(r, !vid || (f->pin & PIN_EXTERNAL_INTERRUPT), CTL_VID, pin);
	if (!(f->pin & PIN_POSTED_INTERRUPTS))
		return;
	EXPLAIN_CHECK(r, vid, CTL_PI_VID, proc2);
	EXPLAIN_CHECK(r, f->exit & EXIT_ACK_INTERRUPT, CTL_PI_ACK, exit);
	EXPLAIN_CHECK(r, !(f->posted_intr_nv & 0xff00), CTL_PI_VECTOR, posted_intr_nv);
	EXPLAIN_CHECK(r, !(f->posted_intr_desc & 0x3f), CTL_PI_ALIGNED, posted_intr_desc);
	EXPLAIN_CHECK(r, explain_in_width(f, f->posted_intr_desc), CTL_WIDTH, posted_intr_desc);
}

/* Bits of IA32_VMX_EPT_VPID_CAP. */
#define EPT_CAP_WALK_4	BIT64(6)
#define EPT_CAP_WALK_5	BIT64(7)
#define EPT_CAP_UC	BIT64(8)
#define EPT_CAP_WB	BIT64(14)
#define EPT_CAP_AD	BIT64(21)
#define EPT_CAP_SHADOW_STACK	BIT64(23)

static void control_ept(struct explain_report *r)
{
	const struct vmcs_fields *f = r->f;
	u64 eptp = f->ept_pointer, cap = f->limits.ept_vpid;
	unsigned int type = eptp & 7, levels = (eptp >> 3 & 7) + 1;

	EXPLAIN_CHECK(r, (type == 0 && (cap & EPT_CAP_UC)) || (type == 6 && (cap & EPT_CAP_WB)),
		      CTL_EPT_TYPE, ept_pointer);
	EXPLAIN_CHECK(r, (levels == 4 && (cap & EPT_CAP_WALK_4)) ||
		      (levels == 5 && (cap & EPT_CAP_WALK_5)), CTL_EPT_LEVELS, ept_pointer);
	EXPLAIN_CHECK(r, !(eptp & BIT64(6)) || (cap & EPT_CAP_AD), CTL_EPT_AD, ept_pointer);
	EXPLAIN_CHECK(r, !(eptp & 0xf00) && explain_in_width(f, eptp) &&
		      (!(eptp & BIT64(7)) || (cap & EPT_CAP_SHADOW_STACK)),
		      CTL_EPT_RESERVED, ept_pointer);
}

/* Controls beyond those of the first processors, each with an address of its own. */
static void control_extensions(struct explain_report *r)
{
	const struct vmcs_fields *f = r->f;
	u64 proc2 = secondary(f);
	bool ept = proc2 & PROC2_EPT;

	if (proc2 & PROC2_SHADOW_VMCS) {
		CHECK_PAGE(r, vmread_bitmap);
		CHECK_PAGE(r, vmwrite_bitmap);
	}
	if (proc2 & PROC2_VE)
		CHECK_PAGE(r, ve_information);
	if (proc2 & PROC2_VMFUNC) {
		EXPLAIN_CHECK(r, !(f->vmfunc & ~f->limits.vmfunc), CTL_VMFUNC, vmfunc);
		if (f->vmfunc & VMFUNC_EPTP_SWITCHING) {
			EXPLAIN_CHECK(r, ept, CTL_VMFUNC_EPT, vmfunc);
			CHECK_PAGE(r, eptp_list);
		}
	}
	if (proc2 & PROC2_SUB_PAGE) {
		EXPLAIN_CHECK(r, ept, CTL_SUB_PAGE_EPT, proc2);
		CHECK_PAGE(r, spptp);
	}
	if (proc2 & PROC2_TSC_SCALING)
		EXPLAIN_CHECK(r, f->tsc_multiplier, CTL_TSC_MULTIPLIER, tsc_multiplier);
}

static void control_memory(struct explain_report *r)
{
	const struct vmcs_fields *f = r->f;
	u64 proc2 = secondary(f);
	bool ept = proc2 & PROC2_EPT;

	if (f->proc & PROC_IO_BITMAPS) {
		CHECK_PAGE(r, io_bitmap_a);
		CHECK_PAGE(r, io_bitmap_b);
	}
	if (f->proc & PROC_MSR_BITMAPS)
		CHECK_PAGE(r, msr_bitmap);
	if (proc2 & PROC2_VPID)
		EXPLAIN_CHECK(r, f->vpid, CTL_VPID, vpid);
	if (ept)
		control_ept(r);
	if (proc2 & PROC2_PML) {
		EXPLAIN_CHECK(r, ept, CTL_PML_EPT, proc2);
		CHECK_PAGE(r, pml_address);
	}
	EXPLAIN_CHECK(r, ept || !(proc2 & PROC2_UNRESTRICTED), CTL_UNRESTRICTED_EPT, proc2);
	EXPLAIN_CHECK(r, ept || !(proc2 & PROC2_MODE_BASED_EXEC), CTL_MBEC_EPT, proc2);
}

static void msr_area(struct explain_report *r, u64 count, u64 address, const char *field)
{
	if (!count)
		return;
	explain_require(r, !(address & 15), RULE_CTL_MSR_ALIGNED, field, address);
	explain_require(r, explain_in_width(r->f, address) &&
			explain_in_width(r->f, address + count * 16 - 1),
			RULE_CTL_MSR_WIDTH, field, address);
}

static bool has_error_code(unsigned int vector)
{
	return vector == 8 || (vector >= 10 && vector <= 14) || vector == 17;
}

static void control_injection(struct explain_report *r)
{
	const struct vmcs_fields *f = r->f;
	u64 info = f->entry_intr_info;
	unsigned int type = INTR_TYPE(info), vector = INTR_VECTOR(info);
	bool protected = !(secondary(f) & PROC2_UNRESTRICTED) || (f->guest_cr0 & CR0_PE_BIT);
	bool want_error = type == TYPE_EXCEPTION && has_error_code(vector) && protected;
	bool any_error = type == TYPE_EXCEPTION && protected && (f->limits.basic & BIT64(56));
	u64 shortest = f->limits.misc & BIT64(30) ? 0 : 1;

	if (!(info & INTR_VALID))
		return;
	EXPLAIN_CHECK(r, type != TYPE_RESERVED &&
		      (type != TYPE_OTHER || (f->limits.proc >> 32 & PROC_MTF)),
		      CTL_INTR_TYPE, entry_intr_info);
	EXPLAIN_CHECK(r, (type != TYPE_NMI || vector == 2) &&
		      (type != TYPE_EXCEPTION || vector <= 31) &&
		      (type != TYPE_OTHER || vector == 0), CTL_INTR_VECTOR, entry_intr_info);
	EXPLAIN_CHECK(r, any_error || !(info & INTR_ERROR) == !want_error,
		      CTL_INTR_ERROR, entry_intr_info);
	EXPLAIN_CHECK(r, !(info & 0x7ffff000), CTL_INTR_RESERVED, entry_intr_info);
	if (info & INTR_ERROR)
		EXPLAIN_CHECK(r, !(f->entry_error_code >> 16), CTL_ERROR_CODE, entry_error_code);
	if (type == TYPE_SOFT_INTERRUPT || type == TYPE_ICEBP || type == TYPE_SOFT_EXCEPTION)
		EXPLAIN_CHECK(r, f->entry_instruction_len >= shortest &&
			      f->entry_instruction_len <= 15,
			      CTL_INTR_LENGTH, entry_instruction_len);
}

void explain_controls(struct explain_report *r)
{
	const struct vmcs_fields *f = r->f;

	control_words(r);
	control_memory(r);
	control_extensions(r);
	control_apic(r);
	EXPLAIN_CHECK(r, control_ok(f->exit, f->limits.exit), CTL_EXIT, exit);
	if (f->exit & EXIT_SECONDARY)
		EXPLAIN_CHECK(r, !(f->exit2 & ~f->limits.exit2), CTL_EXIT2, exit2);
	EXPLAIN_CHECK(r, (f->pin & PIN_PREEMPTION_TIMER) || !(f->exit & EXIT_SAVE_PREEMPTION_TIMER),
		      CTL_SAVE_TIMER, exit);
	msr_area(r, f->exit_msr_store_count, f->exit_msr_store_addr, "exit_msr_store_addr");
	msr_area(r, f->exit_msr_load_count, f->exit_msr_load_addr, "exit_msr_load_addr");
	EXPLAIN_CHECK(r, control_ok(f->entry, f->limits.entry), CTL_ENTRY, entry);
	EXPLAIN_CHECK(r, !(f->entry & (ENTRY_SMM | ENTRY_DEACTIVATE_DUAL)), CTL_SMM, entry);
	control_injection(r);
	msr_area(r, f->entry_msr_load_count, f->entry_msr_load_addr, "entry_msr_load_addr");
}
