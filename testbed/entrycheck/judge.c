// SPDX-License-Identifier: GPL-2.0-only
/*
 * From the findings of the checks to what the processor has to answer; where the emulator is known
 * to answer otherwise; and what the host would not survive.
 *
 * The SDM leaves the order of the checks on controls and on the host-state area to the processor:
 * if both are wrong, either error is right.  Both come before the guest-state area, and that
 * before the MSR-load area.
 */
#include "judge.h"

#include <linux/bits.h>
#include <linux/build_bug.h>
#include <linux/string.h>
#include <asm/page.h>

#include "../../module/vmx/explain_bits.h"
#include "machine.h"

bool entrycheck_bochs;

const char *const entrycheck_outcomes[NR_OUTCOMES] = {
	[OUTCOME_CONTROL] = "refused: control", [OUTCOME_HOST] = "refused: host",
	[OUTCOME_GUEST] = "failed: guest", [OUTCOME_MSR] = "failed: MSR load",
	[OUTCOME_ENTERED] = "entered", [OUTCOME_OTHER] = "something else",
};

static u64 secondary(const struct vmcs_fields *f)
{
	return f->proc & PROC_SECONDARY ? f->proc2 : 0;
}

static bool no_tpr_shadow(const struct vmcs_fields *f)
{
	return !(f->proc & PROC_TPR_SHADOW);
}

static bool smm_alone(const struct vmcs_fields *f)
{
	return !(f->entry & ENTRY_DEACTIVATE_DUAL);
}

static bool no_paging(const struct vmcs_fields *f)
{
	return !(f->guest_cr0 & CR0_PG_BIT) && f->guest_cr4 & CR4_PAE_BIT;
}

static bool sti_blocks_nmi(const struct vmcs_fields *f)
{
	return f->entry_intr_info & INTR_VALID && INTR_TYPE(f->entry_intr_info) == TYPE_NMI &&
	       f->guest_interruptibility & BLOCK_STI;
}

static bool pending_rtm(const struct vmcs_fields *f)
{
	return f->guest_pending_dbg & PENDING_DBG_RTM;
}

static bool pending_bus_lock(const struct vmcs_fields *f)
{
	return f->guest_pending_dbg & BIT64(11);
}

static bool exit2_low_right(const struct vmcs_fields *f)
{
	return !((u32)f->exit2 & ~f->limits.exit2);
}

static bool pending_high(const struct vmcs_fields *f)
{
	return !(f->guest_pending_dbg & 0xffffaff0);
}

static bool interrupted_enclave(const struct vmcs_fields *f)
{
	return f->guest_interruptibility & BLOCK_ENCLAVE;
}

static bool area_wraps(const struct vmcs_fields *f)
{
	return (f->exit_msr_store_count | f->exit_msr_load_count | f->entry_msr_load_count) >> 28;
}

#define LAX(name_, rule_, field_, when_, text_) \
	{ .name = name_, .rule = RULE_##rule_, .field = field_, .when = when_, .text = text_ }
#define STRICT(name_, when_, with_, text_) \
	{ .name = name_, .refuses = true, .when = when_, .with = OUTCOME_##with_, .text = text_ }

const struct deviation entrycheck_deviations[] = {
	LAX("entry to SMM", CTL_SMM, NULL, smm_alone,
	    "entry to SMM outside SMM is taken for a wrong guest state"),
	LAX("posted without TPR shadow", CTL_PI_VID, NULL, no_tpr_shadow,
	    "posted interrupts are not checked when the TPR shadow is off"),
	LAX("notification vector without TPR shadow", CTL_PI_VECTOR, NULL, no_tpr_shadow,
	    "posted interrupts are not checked when the TPR shadow is off"),
	LAX("descriptor alignment without TPR shadow", CTL_PI_ALIGNED, NULL, no_tpr_shadow,
	    "posted interrupts are not checked when the TPR shadow is off"),
	LAX("descriptor width without TPR shadow", CTL_WIDTH, "posted_intr_desc", no_tpr_shadow,
	    "posted interrupts are not checked when the TPR shadow is off"),
	LAX("MSR area's end", CTL_MSR_WIDTH, NULL, area_wraps,
	    "16 times the count is computed in 32 bits"),
	LAX("secondary VM-exit controls, high half", CTL_EXIT2, NULL, exit2_low_right,
	    "bits 63:32 of the secondary VM-exit controls are not checked"),
	LAX("host PKRS, high half", HOST_PKRS, NULL, NULL,
	    "bits 63:32 of host IA32_PKRS are cut off before they are checked"),
	LAX("DEBUGCTL", GUEST_DEBUGCTL, NULL, NULL, "IA32_DEBUGCTL is not checked"),
	LAX("pending debug, high half", GUEST_DBG_RESERVED, NULL, pending_high,
	    "bits 63:32 of the pending debug exceptions are not checked"),
	LAX("pending single step", GUEST_DBG_BS, NULL, NULL,
	    "BS of the pending debug exceptions is not compared with TF and BTF"),
	LAX("event in HLT or shutdown", GUEST_ACTIVITY_EVENT, NULL, NULL,
	    "not every event that the activity state excludes is"),
	LAX("virtual NMI blocked", GUEST_BLOCK_VNMI, NULL, NULL,
	    "an NMI is injected while virtual NMIs are blocked"),
	{ .name = "64-bit guest without paging", .rule = RULE_GUEST_64_PAGING, .fatal = true,
	  .when = no_paging,
	  .text = "CR0.PG of an IA-32e mode guest is not checked" },
	STRICT("NMI blocked by STI", sti_blocks_nmi, GUEST,
	       "an NMI is not injected while STI blocks: the SDM allows both"),
	STRICT("pending RTM", pending_rtm, GUEST, "bit 16 counts as reserved"),
	STRICT("pending bus lock", pending_bus_lock, GUEST, "bit 11 counts as reserved"),
	STRICT("interrupted enclave", interrupted_enclave, GUEST, "bit 4 counts as reserved"),
};

const unsigned int entrycheck_nr_deviations = ARRAY_SIZE(entrycheck_deviations);
static_assert(ARRAY_SIZE(entrycheck_deviations) <= 32);

/* @count entries at @address, as a range of entries of one of the pages; false if beyond it. */
static bool entries_in(const struct machine *m, unsigned int page, u64 count, u64 address,
		       u64 *first)
{
	u64 begin = page_pa(m, page);

	*first = (address - begin) / 16;
	return address >= begin && count <= PAGE_SIZE / 16 &&
	       address + count * 16 <= begin + PAGE_SIZE;
}

/*
 * The part of entries that no rule of explain.h looks at: what stands in the MSR-load area.  Where
 * no memory is, all bits are ones; of anything else nothing can be said.
 */
static enum outcome entry_msrs(const struct machine *m, const struct vmcs_fields *f)
{
	u64 count = f->entry_msr_load_count, address = f->entry_msr_load_addr, first;

	if (!count || entries_in(m, PAGE_MSRS, count, address, &first))
		return OUTCOME_ENTERED;
	if (entries_in(m, PAGE_BAD_MSRS, count, address, &first))
		return count > 1 || first & 1 ? OUTCOME_MSR : OUTCOME_ENTERED;
	return address >> 12 == (1ULL << (f->limits.maxphyaddr - 12)) - 1 ? OUTCOME_MSR :
									    OUTCOME_OTHER;
}

/* Nor what stands in the region behind the link pointer: here, no shadow VMCS. */
static bool link_sound(const struct machine *m, const struct vmcs_fields *f)
{
	return f->vmcs_link != page_pa(m, PAGE_LINK) || !(secondary(f) & PROC2_SHADOW_VMCS);
}

/* What a finding leads to, by the area of its rule: control, host or guest. */
static u32 refusal(const struct explain_finding *found)
{
	return BIT(found->area[0] == 'c' ? OUTCOME_CONTROL :
		   found->area[0] == 'h' ? OUTCOME_HOST : OUTCOME_GUEST);
}

/* @wrong: what all findings lead to, each alone. */
static u32 expected(const struct machine *m, const struct vmcs_fields *f, u32 wrong)
{
	u32 refused = wrong & (BIT(OUTCOME_CONTROL) | BIT(OUTCOME_HOST));

	if (refused)
		return refused;
	if (wrong || !link_sound(m, f))
		return BIT(OUTCOME_GUEST);
	return BIT(entry_msrs(m, f));
}

/* Which deviation makes the emulator overlook this finding, or -1. */
static int overlooked(const struct vmcs_fields *f, const struct explain_finding *found)
{
	unsigned int i;

	for (i = 0; i < entrycheck_nr_deviations; i++) {
		const struct deviation *d = &entrycheck_deviations[i];

		if (!d->refuses && d->rule == found->rule &&
		    (!d->field || !strcmp(d->field, found->field)) && (!d->when || d->when(f)))
			return i;
	}
	return -1;
}

static void judge_emulated(const struct machine *m, const struct vmcs_fields *f,
			   struct verdict *v)
{
	unsigned int i;
	u32 wrong = 0;
	int by;

	v->deviations = 0;
	for (i = 0; i < min(v->nr, MAX_FINDINGS); i++) {
		by = overlooked(f, &v->finding[i]);
		if (by >= 0)
			v->deviations |= BIT(by);
		if (by < 0)
			wrong |= refusal(&v->finding[i]);
		else if (v->finding[i].rule == RULE_CTL_SMM)
			wrong |= BIT(OUTCOME_GUEST);
	}
	for (i = 0; i < entrycheck_nr_deviations; i++) {
		const struct deviation *d = &entrycheck_deviations[i];

		if (d->refuses && d->when(f)) {
			v->deviations |= BIT(i);
			wrong |= BIT(d->with);
		}
	}
	v->emulated = expected(m, f, wrong);
}

void judge(const struct machine *m, const struct vmcs_fields *f, struct verdict *v)
{
	u32 wrong = 0;
	int i;

	v->nr = lintel_explain_entry_failure(f, v->finding, MAX_FINDINGS);
	for (i = 0; i < min(v->nr, MAX_FINDINGS); i++)
		wrong |= refusal(&v->finding[i]);
	v->expected = expected(m, f, wrong);
	if (entrycheck_bochs) {
		judge_emulated(m, f, v);
	} else {
		v->emulated = v->expected;
		v->deviations = 0;
	}
}

static bool is_fatal(const struct verdict *v)
{
	unsigned int i;

	for (i = 0; i < entrycheck_nr_deviations; i++)
		if (v->deviations & BIT(i) && entrycheck_deviations[i].fatal)
			return true;
	return false;
}

#define CR4_SAFE	(X86_CR4_VME | X86_CR4_PVI | X86_CR4_TSD | X86_CR4_DE | X86_CR4_PSE | \
			 X86_CR4_MCE | X86_CR4_PGE | X86_CR4_PCE | X86_CR4_OSFXSR | \
			 X86_CR4_OSXMMEXCPT | X86_CR4_UMIP | X86_CR4_FSGSBASE | X86_CR4_PCIDE | \
			 X86_CR4_OSXSAVE | X86_CR4_SMEP | X86_CR4_SMAP | X86_CR4_PKE | CR4_CET_BIT)

/* What enter.S needs of the host state that an exit loads. */
static bool host_survives(const struct machine *m, const struct vmcs_fields *f)
{
	u64 table = f->host_cr3 & PAGE_MASK;

	return f->exit & EXIT_HOST_64 && f->host_rip == (unsigned long)entrycheck_recover &&
	       (table == m->recovery.cr3 || table == page_pa(m, PAGE_TABLE)) &&
	       !((f->host_cr4 ^ m->sound.host_cr4) & ~(u64)CR4_SAFE) &&
	       !(~f->host_cr0 & (CR0_PE_BIT | CR0_PG_BIT));
}

/* An error in an MSR area at an exit is a VMX abort. */
static bool area_survives(const struct machine *m, u64 count, u64 address)
{
	u64 first;

	return !count || entries_in(m, PAGE_MSRS, count, address, &first);
}

static bool guest_exits(const struct vmcs_fields *f)
{
	if (f->guest_activity == ACTIVE)
		return true;
	return f->guest_activity == HLT && f->pin & PIN_PREEMPTION_TIMER;
}

/* With an unknown VTPR a threshold may be right or wrong. */
static bool vtpr_matters(const struct vmcs_fields *f)
{
	return f->proc & PROC_TPR_SHADOW && !f->vtpr_known && f->tpr_threshold & 0xf &&
	       !(secondary(f) & (PROC2_VIRTUAL_INTERRUPT | PROC2_APIC_ACCESSES));
}

bool judge_survivable(const struct machine *m, const struct vmcs_fields *f,
		      const struct verdict *v)
{
	u32 may = v->expected | v->emulated;

	if (!(may & ~(BIT(OUTCOME_CONTROL) | BIT(OUTCOME_HOST))))
		return true;
	if (may & BIT(OUTCOME_OTHER) || vtpr_matters(f) || !host_survives(m, f) ||
	    !area_survives(m, f->exit_msr_load_count, f->exit_msr_load_addr))
		return false;
	if (!(may & BIT(OUTCOME_ENTERED)))
		return true;
	return guest_exits(f) && !is_fatal(v) &&
	       area_survives(m, f->exit_msr_store_count, f->exit_msr_store_addr);
}
