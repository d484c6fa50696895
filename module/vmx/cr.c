// SPDX-License-Identifier: GPL-2.0-only
/*
 * Control registers of the guest.
 *
 * The guest owns CR0.TS and the CR4 bits that change nothing Lintel must know of; all others are
 * in the guest/host masks, so that a change exits.  The real CR0 has what VMX demands (NE), the
 * real CR4 VMXE, and MCE as the host has it: a machine check while the guest runs must not
 * become a shutdown.  CR3 is the guest's alone: EPT stands below it.
 * Source: SDM, "Control Registers", "Initializing IA-32e Mode", "Guest/Host Masks".
 */
#include <asm/cpufeature.h>
#include <asm/processor-flags.h>
#include <asm/tlbflush.h>

#include "caps.h"
#include "cr.h"
#include "ops.h"
#include "../regs.h"
#include "../vm.h"

#define CR0_GUEST_OWNED	X86_CR0_TS
#define CR4_GUEST_OWNED	(X86_CR4_PVI | X86_CR4_DE | X86_CR4_PCE | X86_CR4_OSFXSR | \
			 X86_CR4_OSXMMEXCPT | X86_CR4_PGE | X86_CR4_TSD)

/* CR0 bits that exist. */
#define CR0_KNOWN	(X86_CR0_PE | X86_CR0_MP | X86_CR0_EM | X86_CR0_TS | X86_CR0_ET | \
			 X86_CR0_NE | X86_CR0_WP | X86_CR0_AM | X86_CR0_NW | X86_CR0_CD | \
			 X86_CR0_PG)

/* CR4 bits whose change makes cached translations wrong. */
#define CR4_TLB		(X86_CR4_PSE | X86_CR4_PAE | X86_CR4_PGE | X86_CR4_PCIDE | \
			 X86_CR4_SMEP | X86_CR4_SMAP | X86_CR4_PKE | X86_CR4_LA57)

bool lintel_cr0_valid(unsigned long cr0)
{
	if (cr0 >> 32)
		return false;
	if ((cr0 & X86_CR0_PG) && !(cr0 & X86_CR0_PE))
		return false;
	return !(cr0 & X86_CR0_NW) || (cr0 & X86_CR0_CD);
}

bool lintel_efer_valid(struct lintel_vcpu *vcpu, u64 efer)
{
	u64 known = EFER_SCE | EFER_LME | EFER_LMA;

	if (boot_cpu_has(X86_FEATURE_NX))
		known |= EFER_NX;
	return !(efer & ~known);
}

void lintel_write_cr0(struct lintel_vcpu *vcpu, unsigned long cr0)
{
	unsigned long must = lintel_caps.cr0_fixed0 & ~(X86_CR0_PE | X86_CR0_PG);

	cr0 = (cr0 & CR0_KNOWN) | X86_CR0_ET;
	if (vmx_window_begin(vcpu))
		return;
	vmcs_writel(CR0_GUEST_HOST_MASK, ~CR0_GUEST_OWNED);
	vmcs_writel(CR0_READ_SHADOW, cr0);
	vmcs_writel(GUEST_CR0, (cr0 | must) & lintel_caps.cr0_fixed1);
	vmx_window_end(vcpu);
	vcpu->cr0 = cr0;
}

void lintel_write_cr4(struct lintel_vcpu *vcpu, unsigned long cr4)
{
	unsigned long owned = CR4_GUEST_OWNED & ~vcpu->cr4_reserved;
	unsigned long real = (cr4 & ~X86_CR4_MCE) | (__read_cr4() & X86_CR4_MCE);

	if (vmx_window_begin(vcpu))
		return;
	vmcs_writel(CR4_GUEST_HOST_MASK, ~owned);
	vmcs_writel(CR4_READ_SHADOW, cr4);
	vmcs_writel(GUEST_CR4, real | (lintel_caps.cr4_fixed0 & X86_CR4_VMXE));
	vmx_window_end(vcpu);
	vcpu->cr4 = cr4;
}

void lintel_write_efer(struct lintel_vcpu *vcpu, u64 efer)
{
	u32 entry;

	if (vmx_window_begin(vcpu))
		return;
	entry = vmcs_read32(VM_ENTRY_CONTROLS) & ~VM_ENTRY_IA32E_MODE;
	if (efer & EFER_LMA)
		entry |= VM_ENTRY_IA32E_MODE;
	vmcs_write32(VM_ENTRY_CONTROLS, entry);
	vmcs_write64(GUEST_IA32_EFER, efer);
	vcpu->efer = efer;
	/* SYSCALL's MSRs come with the rest at the next entry */
	if ((efer & EFER_SCE) && !vcpu->vmx.syscall_switched)
		vmx_host_put(vcpu);
	vmx_window_end(vcpu);
}

/* PDPTE bits that must be zero while P is 1: SDM, "PDPTE Registers". */
#define PDPTE_RESERVED	0x1e6ULL

int lintel_load_pdptrs(struct lintel_vcpu *vcpu, unsigned long cr3)
{
	u64 pdpte[4];
	int i, err;

	err = lintel_guest_read(vcpu->vm, cr3 & 0xffffffe0UL, pdpte, sizeof(pdpte));
	if (err == -ENXIO)
		return 1;
	if (err)
		return err;
	for (i = 0; i < 4; i++)
		if ((pdpte[i] & 1) && (pdpte[i] & (PDPTE_RESERVED | vcpu->guest_maxphyaddr_mask)))
			return 1;
	if (vmx_window_begin(vcpu))
		return -EIO;
	vmcs_write64(GUEST_PDPTR0, pdpte[0]);
	vmcs_write64(GUEST_PDPTR1, pdpte[1]);
	vmcs_write64(GUEST_PDPTR2, pdpte[2]);
	vmcs_write64(GUEST_PDPTR3, pdpte[3]);
	vmx_window_end(vcpu);
	return 0;
}

static bool pae_paging(unsigned long cr0, unsigned long cr4, u64 efer)
{
	return (cr0 & X86_CR0_PG) && (cr4 & X86_CR4_PAE) && !(efer & EFER_LME);
}

/* Paging goes on: with EFER.LME this is the entry into IA-32e mode. */
static int enable_paging(struct lintel_vcpu *vcpu, unsigned long cr4, u64 *efer)
{
	if (*efer & EFER_LME) {
		struct lintel_segment cs;

		lintel_get_segment(vcpu, SEG_CS, &cs);
		if (!(cr4 & X86_CR4_PAE) || (cs.ar & EMULATE_AR_L))
			return 1;
		*efer |= EFER_LMA;
		return 0;
	}
	return pae_paging(X86_CR0_PG, cr4, *efer) ? lintel_load_pdptrs(vcpu, lintel_cr3(vcpu)) : 0;
}

/* IA-32e mode needs a 64-bit busy TSS; a 32-bit one (or what reset left) becomes one. */
static void fix_tr(struct lintel_vcpu *vcpu)
{
	struct lintel_segment tr;

	lintel_get_segment(vcpu, SEG_TR, &tr);
	if ((tr.ar & EMULATE_AR_TYPE) == 11)
		return;
	tr.ar = (tr.ar & ~EMULATE_AR_TYPE) | 11;
	lintel_set_segment(vcpu, SEG_TR, &tr);
}

int lintel_set_cr0(struct lintel_vcpu *vcpu, unsigned long cr0)
{
	unsigned long old = lintel_cr0(vcpu), cr4 = lintel_cr4(vcpu);
	u64 efer = vcpu->efer;
	int ret;

	if (!lintel_cr0_valid(cr0))
		return 1;
	if ((cr0 & X86_CR0_PG) && !(old & X86_CR0_PG)) {
		ret = enable_paging(vcpu, cr4, &efer);
		if (ret)
			return ret;
	} else if (!(cr0 & X86_CR0_PG) && (old & X86_CR0_PG)) {
		if (lintel_is_64bit(vcpu) || (cr4 & X86_CR4_PCIDE))
			return 1;
		efer &= ~EFER_LMA;
	} else if (((cr0 ^ old) & (X86_CR0_CD | X86_CR0_NW)) && pae_paging(cr0, cr4, efer)) {
		ret = lintel_load_pdptrs(vcpu, lintel_cr3(vcpu));
		if (ret)
			return ret;
	}
	if (efer != vcpu->efer) {
		lintel_write_efer(vcpu, efer);
		if (efer & EFER_LMA)
			fix_tr(vcpu);
	}
	lintel_write_cr0(vcpu, cr0);
	if ((cr0 ^ old) & (X86_CR0_PG | X86_CR0_WP))
		lintel_vcpu_request(vcpu, REQ_TLB_FLUSH);
	return 0;
}

int lintel_set_cr3(struct lintel_vcpu *vcpu, unsigned long cr3)
{
	bool long_mode = lintel_is_long_mode(vcpu);
	unsigned long cr4 = lintel_cr4(vcpu);

	if (long_mode && (cr4 & X86_CR4_PCIDE))
		cr3 &= ~(1UL << 63);
	if (long_mode && (cr3 & vcpu->guest_maxphyaddr_mask))
		return 1;
	if (pae_paging(vcpu->cr0, cr4, vcpu->efer)) {
		int ret = lintel_load_pdptrs(vcpu, cr3);

		if (ret)
			return ret;
	}
	if (vmx_window_begin(vcpu))
		return -EIO;
	vmcs_writel(GUEST_CR3, cr3);
	vmx_window_end(vcpu);
	lintel_vcpu_request(vcpu, REQ_TLB_FLUSH);
	return 0;
}

int lintel_set_cr4(struct lintel_vcpu *vcpu, unsigned long cr4)
{
	unsigned long old = lintel_cr4(vcpu);
	bool long_mode = lintel_is_long_mode(vcpu);

	if (cr4 & vcpu->cr4_reserved)
		return 1;
	if (long_mode && (!(cr4 & X86_CR4_PAE) || ((cr4 ^ old) & X86_CR4_LA57)))
		return 1;
	if ((cr4 & X86_CR4_PCIDE) && !(old & X86_CR4_PCIDE) &&
	    (!long_mode || (lintel_cr3(vcpu) & 0xfff)))
		return 1;
	if (pae_paging(lintel_cr0(vcpu), cr4, vcpu->efer) &&
	    ((cr4 ^ old) & (X86_CR4_PGE | X86_CR4_PSE | X86_CR4_PAE | X86_CR4_SMEP))) {
		int ret = lintel_load_pdptrs(vcpu, lintel_cr3(vcpu));

		if (ret)
			return ret;
	}
	lintel_write_cr4(vcpu, cr4);
	if ((cr4 ^ old) & CR4_TLB)
		lintel_vcpu_request(vcpu, REQ_TLB_FLUSH);
	return 0;
}

int lintel_set_efer(struct lintel_vcpu *vcpu, u64 efer)
{
	if (!lintel_efer_valid(vcpu, efer))
		return 1;
	if ((vcpu->cr0 & X86_CR0_PG) && ((efer ^ vcpu->efer) & EFER_LME))
		return 1;
	/* LMA is the CPU's to set */
	efer = (efer & ~EFER_LMA) | (vcpu->efer & EFER_LMA);
	if ((efer ^ vcpu->efer) & EFER_NX)
		lintel_vcpu_request(vcpu, REQ_TLB_FLUSH);
	lintel_write_efer(vcpu, efer);
	return 0;
}
