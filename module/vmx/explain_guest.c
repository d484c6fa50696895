// SPDX-License-Identifier: GPL-2.0-only
/*
 * Checks of VM entry: the guest-state area, segment registers aside (explain_segments.c).
 * Source: SDM, chapter "VM Entries", section "Checks on the Guest State Area".
 */
#include "explain.h"

#include "explain_bits.h"

/* IA32_DEBUGCTL: LBR, BTF, bus-lock trap, TR, BTS, BTINT, BTS_OFF_*, FREEZE_*, UNCORE, SMM, RTM. */
#define DEBUGCTL_VALID	0xffc7ULL

static bool ia32e(const struct vmcs_fields *f)
{
	return f->entry & ENTRY_IA32E;
}

static bool unrestricted(const struct vmcs_fields *f)
{
	return (f->proc & PROC_SECONDARY) && (f->proc2 & PROC2_UNRESTRICTED);
}

static void guest_registers(struct explain_report *r)
{
	const struct vmcs_fields *f = r->f;
	const struct vmx_limits *l = &f->limits;
	u64 cr0_free = CR0_UNCHECKED | (unrestricted(f) ? CR0_PE_BIT | CR0_PG_BIT : 0);

	EXPLAIN_CHECK(r, explain_fixed_ok(f->guest_cr0, l->cr0_fixed0, l->cr0_fixed1, cr0_free),
		      GUEST_CR0, guest_cr0);
	EXPLAIN_CHECK(r, !(f->guest_cr0 & CR0_PG_BIT) || (f->guest_cr0 & CR0_PE_BIT),
		      GUEST_CR0_PG, guest_cr0);
	EXPLAIN_CHECK(r, explain_fixed_ok(f->guest_cr4, l->cr4_fixed0, l->cr4_fixed1, 0),
		      GUEST_CR4, guest_cr4);
	EXPLAIN_CHECK(r, !(f->guest_cr4 & CR4_CET_BIT) || (f->guest_cr0 & CR0_WP_BIT),
		      GUEST_CET, guest_cr4);
	if (f->entry & ENTRY_LOAD_DEBUG)
		EXPLAIN_CHECK(r, !(f->guest_debugctl & ~DEBUGCTL_VALID),
			      GUEST_DEBUGCTL, guest_debugctl);
	EXPLAIN_CHECK(r, !ia32e(f) || ((f->guest_cr0 & CR0_PG_BIT) && (f->guest_cr4 & CR4_PAE_BIT)),
		      GUEST_64_PAGING, guest_cr0);
	EXPLAIN_CHECK(r, ia32e(f) || !(f->guest_cr4 & CR4_PCIDE_BIT), GUEST_PCIDE, guest_cr4);
	EXPLAIN_CHECK(r, explain_in_width(f, f->guest_cr3), GUEST_CR3, guest_cr3);
	if (f->entry & ENTRY_LOAD_DEBUG)
		EXPLAIN_CHECK(r, !(f->guest_dr7 >> 32), GUEST_DR7, guest_dr7);
	EXPLAIN_CHECK(r, explain_canonical(f, f->guest_sysenter_esp),
		      GUEST_CANONICAL, guest_sysenter_esp);
	EXPLAIN_CHECK(r, explain_canonical(f, f->guest_sysenter_eip),
		      GUEST_CANONICAL, guest_sysenter_eip);
	if (f->entry & ENTRY_LOAD_PAT)
		EXPLAIN_CHECK(r, explain_pat_ok(f->guest_pat), GUEST_PAT, guest_pat);
	if (!(f->entry & ENTRY_LOAD_EFER))
		return;
	EXPLAIN_CHECK(r, !(f->guest_efer & ~EFER_VALID), GUEST_EFER_RESERVED, guest_efer);
	EXPLAIN_CHECK(r, !(f->guest_efer & EFER_LMA_BIT) == !ia32e(f), GUEST_EFER_LMA, guest_efer);
	if (f->guest_cr0 & CR0_PG_BIT)
		EXPLAIN_CHECK(r, !(f->guest_efer & EFER_LME_BIT) == !(f->guest_efer & EFER_LMA_BIT),
			      GUEST_EFER_LME, guest_efer);
}

static bool injects(const struct vmcs_fields *f, unsigned int type)
{
	return (f->entry_intr_info & INTR_VALID) && INTR_TYPE(f->entry_intr_info) == type;
}

#define RFLAGS_MUST_BE_0	(~0x3fffffULL | BIT64(15) | BIT64(5) | BIT64(3))
#define RFLAGS_MUST_BE_1	BIT64(1)

static void guest_rip_rflags(struct explain_report *r)
{
	const struct vmcs_fields *f = r->f;
	unsigned int width = f->limits.la57 ? 57 : 48;
	u64 beyond = f->guest_rip >> width;

	if (!ia32e(f) || !(f->guest_cs_ar & AR_L_BIT))
		EXPLAIN_CHECK(r, !(f->guest_rip >> 32), GUEST_RIP_HIGH, guest_rip);
	else
		EXPLAIN_CHECK(r, beyond == 0 || beyond == ~0ULL >> width,
			      GUEST_RIP_CANONICAL, guest_rip);
	EXPLAIN_CHECK(r, !(f->guest_rflags & RFLAGS_MUST_BE_0) &&
		      (f->guest_rflags & RFLAGS_MUST_BE_1), GUEST_RFLAGS_RESERVED, guest_rflags);
	if (ia32e(f) || !(f->guest_cr0 & CR0_PE_BIT))
		EXPLAIN_CHECK(r, !(f->guest_rflags & RFLAGS_VM_BIT), GUEST_RFLAGS_VM, guest_rflags);
	if (injects(f, TYPE_EXTERNAL))
		EXPLAIN_CHECK(r, f->guest_rflags & RFLAGS_IF_BIT, GUEST_RFLAGS_IF, guest_rflags);
}

/* May this event be injected in this activity state? */
static bool event_allowed(u64 activity, u64 info)
{
	unsigned int type = INTR_TYPE(info), vector = INTR_VECTOR(info);
	bool machine_check = type == TYPE_EXCEPTION && vector == 18;

	switch (activity) {
	case HLT:
		return type == TYPE_EXTERNAL || type == TYPE_NMI || machine_check ||
		       (type == TYPE_EXCEPTION && vector == 1) ||
		       (type == TYPE_OTHER && vector == 0);
	case SHUTDOWN:
		return type == TYPE_NMI || machine_check;
	case WAIT_FOR_SIPI:
		return false;
	default:
		return true;
	}
}

static void guest_activity(struct explain_report *r)
{
	const struct vmcs_fields *f = r->f;
	u64 activity = f->guest_activity;

	EXPLAIN_CHECK(r, activity == ACTIVE ||
		      (activity <= WAIT_FOR_SIPI && (f->limits.misc & BIT64(5 + activity))),
		      GUEST_ACTIVITY, guest_activity);
	EXPLAIN_CHECK(r, activity != HLT || AR_DPL_OF(f->guest_ss_ar) == 0,
		      GUEST_HLT_DPL, guest_activity);
	if (f->guest_interruptibility & (BLOCK_STI | BLOCK_MOV_SS))
		EXPLAIN_CHECK(r, activity == ACTIVE, GUEST_ACTIVE_BLOCKING, guest_activity);
	if (f->entry_intr_info & INTR_VALID)
		EXPLAIN_CHECK(r, event_allowed(activity, f->entry_intr_info),
			      GUEST_ACTIVITY_EVENT, guest_activity);
}

static void guest_interruptibility(struct explain_report *r)
{
	const struct vmcs_fields *f = r->f;
	u64 block = f->guest_interruptibility;

	EXPLAIN_CHECK(r, !(block >> 5), GUEST_BLOCK_RESERVED, guest_interruptibility);
	EXPLAIN_CHECK(r, !(block & BLOCK_STI) || !(block & BLOCK_MOV_SS),
		      GUEST_BLOCK_BOTH, guest_interruptibility);
	EXPLAIN_CHECK(r, !(block & BLOCK_STI) || (f->guest_rflags & RFLAGS_IF_BIT),
		      GUEST_BLOCK_STI_IF, guest_interruptibility);
	if (injects(f, TYPE_EXTERNAL))
		EXPLAIN_CHECK(r, !(block & (BLOCK_STI | BLOCK_MOV_SS)),
			      GUEST_BLOCK_INTERRUPT, guest_interruptibility);
	if (injects(f, TYPE_NMI))
		EXPLAIN_CHECK(r, !(block & BLOCK_MOV_SS), GUEST_BLOCK_NMI, guest_interruptibility);
	EXPLAIN_CHECK(r, !(block & BLOCK_SMI), GUEST_BLOCK_SMI, guest_interruptibility);
	if (injects(f, TYPE_NMI) && (f->pin & PIN_VIRTUAL_NMI))
		EXPLAIN_CHECK(r, !(block & BLOCK_NMI), GUEST_BLOCK_VNMI, guest_interruptibility);
	EXPLAIN_CHECK(r, !(block & BLOCK_ENCLAVE) || !(block & BLOCK_MOV_SS),
		      GUEST_BLOCK_ENCLAVE, guest_interruptibility);
}

/* Bit 11 (bus lock) is left out: whether it is reserved depends on the processor. */
#define PENDING_DBG_RESERVED	(~0x1ffffULL | 0x7f0 | BIT64(13) | BIT64(15))

static void guest_pending_debug(struct explain_report *r)
{
	const struct vmcs_fields *f = r->f;
	u64 pending = f->guest_pending_dbg;
	bool step = (f->guest_rflags & RFLAGS_TF_BIT) && !(f->guest_debugctl & DEBUGCTL_BTF);

	EXPLAIN_CHECK(r, !(pending & PENDING_DBG_RESERVED), GUEST_DBG_RESERVED, guest_pending_dbg);
	if ((f->guest_interruptibility & (BLOCK_STI | BLOCK_MOV_SS)) || f->guest_activity == HLT)
		EXPLAIN_CHECK(r, !(pending & PENDING_DBG_BS) == !step,
			      GUEST_DBG_BS, guest_pending_dbg);
	if (pending & PENDING_DBG_RTM)
		EXPLAIN_CHECK(r, pending == (PENDING_DBG_RTM | BIT64(12)) &&
			      !(f->guest_interruptibility & BLOCK_MOV_SS),
			      GUEST_DBG_RTM, guest_pending_dbg);
}

static void guest_pdpte(struct explain_report *r, u64 pdpte, const char *field)
{
	if (pdpte & 1)
		explain_require(r, !(pdpte & 0x1e6) && explain_in_width(r->f, pdpte),
				RULE_GUEST_PDPTE, field, pdpte);
}

static void guest_link_and_pdptes(struct explain_report *r)
{
	const struct vmcs_fields *f = r->f;

	if (f->vmcs_link != ~0ULL) {
		EXPLAIN_CHECK(r, !(f->vmcs_link & 0xfff), GUEST_LINK_ALIGNED, vmcs_link);
		EXPLAIN_CHECK(r, explain_in_width(f, f->vmcs_link), GUEST_LINK_WIDTH, vmcs_link);
	}
	if ((f->guest_cr0 & CR0_PG_BIT) && (f->guest_cr4 & CR4_PAE_BIT) && !ia32e(f) &&
	    (f->proc & PROC_SECONDARY) && (f->proc2 & PROC2_EPT)) {
		guest_pdpte(r, f->guest_pdpte0, "guest_pdpte0");
		guest_pdpte(r, f->guest_pdpte1, "guest_pdpte1");
		guest_pdpte(r, f->guest_pdpte2, "guest_pdpte2");
		guest_pdpte(r, f->guest_pdpte3, "guest_pdpte3");
	}
}

void explain_guest(struct explain_report *r)
{
	guest_registers(r);
	explain_guest_segments(r);
	guest_rip_rflags(r);
	guest_activity(r);
	guest_interruptibility(r);
	guest_pending_debug(r);
	guest_link_and_pdptes(r);
}
