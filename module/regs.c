// SPDX-License-Identifier: GPL-2.0-only
/*
 * Lazily cached registers and the segment registers.
 *
 * A window that does not open (the VM is dead) leaves zeros: nothing will run with them.
 */
#include <linux/string.h>
#include <asm/processor-flags.h>

#include "regs.h"
#include "vm.h"
#include "vmx/ops.h"

void lintel_reg_cache(struct lintel_vcpu *vcpu, u32 mask)
{
	u32 missing = mask & ~vcpu->reg_cached;

	vcpu->reg_cached |= mask;
	if (vmx_window_begin(vcpu))
		return;
	if (missing & REG_RIP)
		vcpu->rip = vmcs_readl(GUEST_RIP);
	if (missing & REG_RSP)
		vcpu->gpr[GPR_RSP] = vmcs_readl(GUEST_RSP);
	if (missing & REG_RFLAGS)
		vcpu->rflags = vmcs_readl(GUEST_RFLAGS);
	if (missing & REG_INTERRUPTIBILITY)
		vcpu->interruptibility = vmcs_read32(GUEST_INTERRUPTIBILITY_INFO);
	vmx_window_end(vcpu);
}

void lintel_reg_read(struct lintel_vcpu *vcpu)
{
	vcpu->rip = vmcs_readl(GUEST_RIP);
	vcpu->gpr[GPR_RSP] = vmcs_readl(GUEST_RSP);
	vcpu->rflags = vmcs_readl(GUEST_RFLAGS);
	vcpu->interruptibility = vmcs_read32(GUEST_INTERRUPTIBILITY_INFO);
	vcpu->reg_cached = REG_ALL;
}

void lintel_reg_read_end(struct lintel_vcpu *vcpu)
{
	vcpu->rip = vmcs_readl(GUEST_RIP);
	vcpu->rflags = vmcs_readl(GUEST_RFLAGS);
	vcpu->interruptibility = vmcs_read32(GUEST_INTERRUPTIBILITY_INFO);
	vcpu->reg_cached = REG_RIP | REG_RFLAGS | REG_INTERRUPTIBILITY;
}

void lintel_reg_flush(struct lintel_vcpu *vcpu)
{
	u32 dirty = vcpu->reg_dirty;

	if (!dirty)
		return;
	if (dirty & REG_RIP)
		vmcs_writel(GUEST_RIP, vcpu->rip);
	if (dirty & REG_RSP)
		vmcs_writel(GUEST_RSP, vcpu->gpr[GPR_RSP]);
	if (dirty & REG_RFLAGS)
		vmcs_writel(GUEST_RFLAGS, vcpu->rflags);
	if (dirty & REG_INTERRUPTIBILITY)
		vmcs_write32(GUEST_INTERRUPTIBILITY_INFO, vcpu->interruptibility);
	vcpu->reg_dirty = 0;
}

struct segment_fields {
	u16 selector, base, limit, ar;
};

#define SEGMENT_FIELDS(seg)							\
	[SEG_##seg] = { GUEST_##seg##_SELECTOR, GUEST_##seg##_BASE,		\
			GUEST_##seg##_LIMIT, GUEST_##seg##_AR_BYTES }

static const struct segment_fields segment_fields[NR_SEGS] = {
	SEGMENT_FIELDS(ES), SEGMENT_FIELDS(CS), SEGMENT_FIELDS(SS), SEGMENT_FIELDS(DS),
	SEGMENT_FIELDS(FS), SEGMENT_FIELDS(GS), SEGMENT_FIELDS(LDTR), SEGMENT_FIELDS(TR),
};

void lintel_get_segment(struct lintel_vcpu *vcpu, enum lintel_seg seg, struct lintel_segment *s)
{
	const struct segment_fields *f = &segment_fields[seg];

	memset(s, 0, sizeof(*s));
	if (vmx_window_begin(vcpu))
		return;
	s->selector = vmcs_read16(f->selector);
	s->base = vmcs_readl(f->base);
	s->limit = vmcs_read32(f->limit);
	s->ar = vmcs_read32(f->ar);
	vmx_window_end(vcpu);
}

void lintel_set_segment(struct lintel_vcpu *vcpu, enum lintel_seg seg,
			const struct lintel_segment *s)
{
	const struct segment_fields *f = &segment_fields[seg];

	if (vmx_window_begin(vcpu))
		return;
	vmcs_write16(f->selector, s->selector);
	vmcs_writel(f->base, s->base);
	vmcs_write32(f->limit, s->limit);
	vmcs_write32(f->ar, s->ar);
	vmx_window_end(vcpu);
}

unsigned int lintel_cpl(struct lintel_vcpu *vcpu)
{
	unsigned int cpl = 0;

	if (!(vcpu->cr0 & X86_CR0_PE))
		return 0;
	if (lintel_rflags(vcpu) & X86_EFLAGS_VM)
		return 3;
	if (!vmx_window_begin(vcpu)) {
		cpl = (vmcs_read32(GUEST_SS_AR_BYTES) & EMULATE_AR_DPL) >> EMULATE_AR_DPL_SHIFT;
		vmx_window_end(vcpu);
	}
	return cpl;
}

bool lintel_is_64bit(struct lintel_vcpu *vcpu)
{
	bool l = false;

	if (lintel_is_long_mode(vcpu) && !vmx_window_begin(vcpu)) {
		l = vmcs_read32(GUEST_CS_AR_BYTES) & EMULATE_AR_L;
		vmx_window_end(vcpu);
	}
	return l;
}

unsigned long lintel_cr3(struct lintel_vcpu *vcpu)
{
	unsigned long cr3 = 0;

	if (!vmx_window_begin(vcpu)) {
		cr3 = vmcs_readl(GUEST_CR3);
		vmx_window_end(vcpu);
	}
	return cr3;
}

unsigned long lintel_cr0(struct lintel_vcpu *vcpu)
{
	unsigned long owned;

	if (!vmx_window_begin(vcpu)) {
		owned = ~vmcs_readl(CR0_GUEST_HOST_MASK);
		vcpu->cr0 = (vcpu->cr0 & ~owned) | (vmcs_readl(GUEST_CR0) & owned);
		vmx_window_end(vcpu);
	}
	return vcpu->cr0;
}

unsigned long lintel_cr4(struct lintel_vcpu *vcpu)
{
	unsigned long owned;

	if (!vmx_window_begin(vcpu)) {
		owned = ~vmcs_readl(CR4_GUEST_HOST_MASK);
		vcpu->cr4 = (vcpu->cr4 & ~owned) | (vmcs_readl(GUEST_CR4) & owned);
		vmx_window_end(vcpu);
	}
	return vcpu->cr4;
}

void lintel_paging_state(struct lintel_vcpu *vcpu, struct guest_paging *paging)
{
	memset(paging, 0, sizeof(*paging));
	if (vmx_window_begin(vcpu))
		return;
	paging->cr0 = lintel_cr0(vcpu);
	paging->cr3 = lintel_cr3(vcpu);
	paging->cr4 = lintel_cr4(vcpu);
	paging->efer = vcpu->efer;
	paging->rflags = lintel_rflags(vcpu);
	paging->cpl = lintel_cpl(vcpu);
	paging->reserved_gpa_bits = vcpu->guest_maxphyaddr_mask;
	paging->pkru = guest_fpu_pkru(vcpu);
	if ((paging->cr0 & X86_CR0_PG) && (paging->cr4 & X86_CR4_PAE) &&
	    !lintel_is_long_mode(vcpu)) {
		paging->pdptr[0] = vmcs_read64(GUEST_PDPTR0);
		paging->pdptr[1] = vmcs_read64(GUEST_PDPTR1);
		paging->pdptr[2] = vmcs_read64(GUEST_PDPTR2);
		paging->pdptr[3] = vmcs_read64(GUEST_PDPTR3);
	}
	vmx_window_end(vcpu);
}
