/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The rules of VM entry in words, in the order of the SDM's chapter "VM Entries": checks on VMX
 * controls, on the host-state area, on the guest-state area.  Each has a test case in test/.
 */
#ifndef LINTEL_VMX_EXPLAIN_RULES_H
#define LINTEL_VMX_EXPLAIN_RULES_H

#define EXPLAIN_RULES(RULE) \
	RULE(CTL_PIN, "control", \
	     "pin-based controls must keep the bits that IA32_VMX_(TRUE_)PINBASED_CTLS fixes " \
	     "to 0 or 1") \
	RULE(CTL_PROC, "control", \
	     "primary processor-based controls must keep the bits that " \
	     "IA32_VMX_(TRUE_)PROCBASED_CTLS fixes to 0 or 1") \
	RULE(CTL_PROC2, "control", \
	     "secondary processor-based controls must keep the bits that " \
	     "IA32_VMX_PROCBASED_CTLS2 fixes to 0 or 1") \
	RULE(CTL_PROC3, "control", \
	     "tertiary processor-based controls must not set bits that " \
	     "IA32_VMX_PROCBASED_CTLS3 does not allow") \
	RULE(CTL_CR3_COUNT, "control", \
	     "the CR3-target count must not exceed what IA32_VMX_MISC[24:16] says (4)") \
	RULE(CTL_PAGE_ALIGNED, "control", \
	     "the address must be aligned to 4 KiB (bits 11:0 zero)") \
	RULE(CTL_WIDTH, "control", \
	     "the address must not exceed the processor's physical-address width") \
	RULE(CTL_TPR_THRESHOLD_BITS, "control", \
	     "without virtual-interrupt delivery, bits 31:4 of the TPR threshold must be 0") \
	RULE(CTL_TPR_THRESHOLD_VTPR, "control", \
	     "without APIC-access virtualization and virtual-interrupt delivery, TPR " \
	     "threshold[3:0] must not exceed VTPR[7:4]") \
	RULE(CTL_VIRTUAL_NMI, "control", \
	     "virtual NMIs need NMI exiting") \
	RULE(CTL_NMI_WINDOW, "control", \
	     "NMI-window exiting needs virtual NMIs") \
	RULE(CTL_TPR_SHADOW, "control", \
	     "virtualize x2APIC mode, APIC-register virtualization and virtual-interrupt " \
	     "delivery need the TPR shadow") \
	RULE(CTL_X2APIC, "control", \
	     "virtualize x2APIC mode and virtualize APIC accesses exclude each other") \
	RULE(CTL_VID, "control", \
	     "virtual-interrupt delivery needs external-interrupt exiting") \
	RULE(CTL_PI_VID, "control", \
	     "posted interrupts need virtual-interrupt delivery") \
	RULE(CTL_PI_ACK, "control", \
	     "posted interrupts need acknowledge interrupt on exit") \
	RULE(CTL_PI_VECTOR, "control", \
	     "bits 15:8 of the posted-interrupt notification vector must be 0") \
	RULE(CTL_PI_ALIGNED, "control", \
	     "the posted-interrupt descriptor must be aligned to 64 bytes (bits 5:0 zero)") \
	RULE(CTL_VPID, "control", \
	     "with VPID enabled, the VPID must not be 0") \
	RULE(CTL_EPT_TYPE, "control", \
	     "the EPT pointer's memory type (bits 2:0) must be one that " \
	     "IA32_VMX_EPT_VPID_CAP reports: 0 or 6") \
	RULE(CTL_EPT_LEVELS, "control", \
	     "the EPT pointer's bits 5:3 must be the page-walk length minus 1: 3, or 4 where " \
	     "supported") \
	RULE(CTL_EPT_AD, "control", \
	     "bit 6 of the EPT pointer (accessed and dirty flags) must be supported") \
	RULE(CTL_EPT_RESERVED, "control", \
	     "bits 11:8 of the EPT pointer and those beyond the physical-address width must " \
	     "be 0, and bit 7 without support for supervisor shadow stacks") \
	RULE(CTL_PML_EPT, "control", \
	     "page-modification logging needs EPT") \
	RULE(CTL_UNRESTRICTED_EPT, "control", \
	     "unrestricted guest needs EPT") \
	RULE(CTL_MBEC_EPT, "control", \
	     "mode-based execute control needs EPT") \
	RULE(CTL_VMFUNC, "control", \
	     "VM-function controls must not set bits that IA32_VMX_VMFUNC does not allow") \
	RULE(CTL_VMFUNC_EPT, "control", \
	     "EPTP switching needs EPT") \
	RULE(CTL_SUB_PAGE_EPT, "control", \
	     "sub-page write permissions need EPT") \
	RULE(CTL_TSC_MULTIPLIER, "control", \
	     "with TSC scaling, the TSC multiplier must not be 0") \
	RULE(CTL_EXIT, "control", \
	     "VM-exit controls must keep the bits that IA32_VMX_(TRUE_)EXIT_CTLS fixes to 0 " \
	     "or 1") \
	RULE(CTL_EXIT2, "control", \
	     "secondary VM-exit controls must not set bits that IA32_VMX_EXIT_CTLS2 does not " \
	     "allow") \
	RULE(CTL_SAVE_TIMER, "control", \
	     "saving the preemption timer on exit needs the preemption timer") \
	RULE(CTL_MSR_ALIGNED, "control", \
	     "with a count that is not 0, the MSR area must be aligned to 16 bytes") \
	RULE(CTL_MSR_WIDTH, "control", \
	     "with a count that is not 0, the MSR area must lie within the physical-address " \
	     "width to its last byte") \
	RULE(CTL_ENTRY, "control", \
	     "VM-entry controls must keep the bits that IA32_VMX_(TRUE_)ENTRY_CTLS fixes to " \
	     "0 or 1") \
	RULE(CTL_SMM, "control", \
	     "entry to SMM and deactivate dual-monitor treatment must be 0 outside SMM") \
	RULE(CTL_INTR_TYPE, "control", \
	     "the type of the event to inject must not be 1 (reserved), nor 7 without the " \
	     "monitor trap flag") \
	RULE(CTL_INTR_VECTOR, "control", \
	     "the vector must be 2 for an NMI, at most 31 for an exception, 0 for type 7") \
	RULE(CTL_INTR_ERROR, "control", \
	     "an error code is delivered exactly with hardware exceptions that have one, in " \
	     "protected mode") \
	RULE(CTL_INTR_RESERVED, "control", \
	     "bits 30:12 of the event to inject must be 0") \
	RULE(CTL_ERROR_CODE, "control", \
	     "bits 31:16 of an error code that is delivered must be 0") \
	RULE(CTL_INTR_LENGTH, "control", \
	     "the instruction length of a software event must be 1 to 15 (0 where " \
	     "IA32_VMX_MISC[30] is 1)") \
	RULE(HOST_CR0, "host", \
	     "host CR0 must keep the bits that VMX operation fixes (IA32_VMX_CR0_FIXED0/1)") \
	RULE(HOST_CR4, "host", \
	     "host CR4 must keep the bits that VMX operation fixes (IA32_VMX_CR4_FIXED0/1)") \
	RULE(HOST_CET, "host", \
	     "host CR4.CET needs CR0.WP") \
	RULE(HOST_CR3, "host", \
	     "host CR3 must not have bits beyond the physical-address width") \
	RULE(HOST_CANONICAL, "host", \
	     "the address must be canonical") \
	RULE(HOST_PAT, "host", \
	     "each byte of host IA32_PAT must be 0, 1, 4, 5, 6 or 7") \
	RULE(HOST_EFER_RESERVED, "host", \
	     "reserved bits of host IA32_EFER must be 0") \
	RULE(HOST_EFER_MODE, "host", \
	     "host IA32_EFER.LMA and LME must both equal the host address-space size control") \
	RULE(HOST_S_CET, "host", \
	     "reserved bits of host IA32_S_CET must be 0, SUPPRESS and TRACKER not both 1") \
	RULE(HOST_SSP, "host", \
	     "bits 1:0 of host SSP must be 0") \
	RULE(HOST_PKRS, "host", \
	     "bits 63:32 of host IA32_PKRS must be 0") \
	RULE(HOST_SELECTOR, "host", \
	     "the selector's RPL and TI must be 0") \
	RULE(HOST_NULL, "host", \
	     "host CS and TR must not be null") \
	RULE(HOST_SS_NULL, "host", \
	     "host SS must not be null when the host is not 64-bit") \
	RULE(HOST_64, "host", \
	     "in a 64-bit host the host address-space size control must be 1") \
	RULE(HOST_32_GUEST, "host", \
	     "with a host that is not 64-bit, the IA-32e mode guest control must be 0") \
	RULE(HOST_32_PCIDE, "host", \
	     "with a host that is not 64-bit, host CR4.PCIDE must be 0") \
	RULE(HOST_32_RIP, "host", \
	     "with a host that is not 64-bit, bits 63:32 of host RIP must be 0") \
	RULE(HOST_32_CET, "host", \
	     "with a host that is not 64-bit, bits 63:32 of host IA32_S_CET and SSP must be 0") \
	RULE(HOST_64_PAE, "host", \
	     "with a 64-bit host, host CR4.PAE must be 1") \
	RULE(GUEST_CR0, "guest", \
	     "CR0 must keep the bits that VMX operation fixes (PE and PG aside with " \
	     "unrestricted guest)") \
	RULE(GUEST_CR0_PG, "guest", \
	     "CR0.PG needs CR0.PE") \
	RULE(GUEST_CR4, "guest", \
	     "CR4 must keep the bits that VMX operation fixes (IA32_VMX_CR4_FIXED0/1)") \
	RULE(GUEST_CET, "guest", \
	     "CR4.CET needs CR0.WP") \
	RULE(GUEST_DEBUGCTL, "guest", \
	     "reserved bits of IA32_DEBUGCTL must be 0") \
	RULE(GUEST_64_PAGING, "guest", \
	     "an IA-32e mode guest needs CR0.PG and CR4.PAE") \
	RULE(GUEST_PCIDE, "guest", \
	     "CR4.PCIDE needs an IA-32e mode guest") \
	RULE(GUEST_CR3, "guest", \
	     "CR3 must not have bits beyond the physical-address width") \
	RULE(GUEST_DR7, "guest", \
	     "bits 63:32 of DR7 must be 0") \
	RULE(GUEST_CANONICAL, "guest", \
	     "the address must be canonical") \
	RULE(GUEST_PAT, "guest", \
	     "each byte of IA32_PAT must be 0, 1, 4, 5, 6 or 7") \
	RULE(GUEST_EFER_RESERVED, "guest", \
	     "reserved bits of IA32_EFER must be 0") \
	RULE(GUEST_EFER_LMA, "guest", \
	     "IA32_EFER.LMA must equal the IA-32e mode guest control") \
	RULE(GUEST_EFER_LME, "guest", \
	     "with CR0.PG, IA32_EFER.LME must equal LMA") \
	RULE(SEG_TR_TI, "guest", \
	     "TR's selector must have TI 0") \
	RULE(SEG_LDTR_TI, "guest", \
	     "the selector of a usable LDTR must have TI 0") \
	RULE(SEG_SS_RPL, "guest", \
	     "SS.RPL must equal CS.RPL (without unrestricted guest)") \
	RULE(SEG_VM86_BASE, "guest", \
	     "in virtual-8086 mode the base must be the selector times 16") \
	RULE(SEG_BASE_HIGH, "guest", \
	     "bits 63:32 of the base of CS, and of a usable SS, DS or ES, must be 0") \
	RULE(SEG_VM86_LIMIT, "guest", \
	     "in virtual-8086 mode the limit must be 0xffff") \
	RULE(SEG_VM86_AR, "guest", \
	     "in virtual-8086 mode the access rights must be 0xf3") \
	RULE(SEG_CS_TYPE, "guest", \
	     "the type of CS must be 9, 11, 13 or 15, or 3 with unrestricted guest") \
	RULE(SEG_SS_TYPE, "guest", \
	     "the type of a usable SS must be 3 or 7") \
	RULE(SEG_DATA_TYPE, "guest", \
	     "a usable DS, ES, FS or GS must be accessed, and readable if it is code") \
	RULE(SEG_S, "guest", \
	     "S must be 1 for CS and for each usable code or data segment") \
	RULE(SEG_CS_DPL, "guest", \
	     "CS.DPL must be 0 for type 3, SS.DPL for types 9 and 11, at most SS.DPL for 13 " \
	     "and 15") \
	RULE(SEG_SS_DPL_RPL, "guest", \
	     "SS.DPL must equal SS.RPL (without unrestricted guest)") \
	RULE(SEG_SS_DPL_ZERO, "guest", \
	     "SS.DPL must be 0 when CS has type 3 or CR0.PE is 0") \
	RULE(SEG_DATA_DPL, "guest", \
	     "DPL must not be below RPL in a usable DS, ES, FS or GS of type 0 to 11 " \
	     "(without unrestricted guest)") \
	RULE(SEG_P, "guest", \
	     "P must be 1") \
	RULE(SEG_AR_RESERVED, "guest", \
	     "bits 11:8 and 31:17 of the access rights must be 0") \
	RULE(SEG_CS_DB, "guest", \
	     "in 64-bit mode (CS.L) CS.D must be 0") \
	RULE(SEG_GRANULARITY, "guest", \
	     "G must be 0 if limit[11:0] is not 0xfff, and 1 if limit[31:20] is not 0") \
	RULE(SEG_TR_TYPE, "guest", \
	     "the type of TR must be 11 (busy TSS), or 3 outside IA-32e mode") \
	RULE(SEG_TR_UNUSABLE, "guest", \
	     "TR must be usable") \
	RULE(SEG_LDTR_TYPE, "guest", \
	     "the type of a usable LDTR must be 2") \
	RULE(SEG_SYSTEM_S, "guest", \
	     "S must be 0 for TR and for a usable LDTR") \
	RULE(GUEST_TABLE_LIMIT, "guest", \
	     "bits 31:16 of the limit of GDTR and IDTR must be 0") \
	RULE(GUEST_RIP_HIGH, "guest", \
	     "bits 63:32 of RIP must be 0 outside 64-bit mode") \
	RULE(GUEST_RIP_CANONICAL, "guest", \
	     "in 64-bit mode, the bits of RIP beyond the linear-address width must be " \
	     "identical") \
	RULE(GUEST_RFLAGS_RESERVED, "guest", \
	     "reserved bits of RFLAGS must be 0 (63:22, 15, 5, 3) or 1 (1)") \
	RULE(GUEST_RFLAGS_VM, "guest", \
	     "RFLAGS.VM must be 0 in IA-32e mode and without CR0.PE") \
	RULE(GUEST_RFLAGS_IF, "guest", \
	     "RFLAGS.IF must be 1 when an external interrupt is injected") \
	RULE(GUEST_ACTIVITY, "guest", \
	     "the activity state must be one that IA32_VMX_MISC[8:6] supports (0 to 3)") \
	RULE(GUEST_HLT_DPL, "guest", \
	     "the HLT state needs SS.DPL 0") \
	RULE(GUEST_ACTIVE_BLOCKING, "guest", \
	     "with blocking by STI or MOV SS the activity state must be active") \
	RULE(GUEST_ACTIVITY_EVENT, "guest", \
	     "the activity state does not allow the event that is injected") \
	RULE(GUEST_BLOCK_RESERVED, "guest", \
	     "bits 31:5 of the interruptibility state must be 0") \
	RULE(GUEST_BLOCK_BOTH, "guest", \
	     "blocking by STI and by MOV SS exclude each other") \
	RULE(GUEST_BLOCK_STI_IF, "guest", \
	     "blocking by STI needs RFLAGS.IF") \
	RULE(GUEST_BLOCK_INTERRUPT, "guest", \
	     "no blocking by STI or MOV SS when an external interrupt is injected") \
	RULE(GUEST_BLOCK_NMI, "guest", \
	     "no blocking by MOV SS (on some processors, by STI) when an NMI is injected") \
	RULE(GUEST_BLOCK_SMI, "guest", \
	     "no blocking by SMI outside SMM") \
	RULE(GUEST_BLOCK_VNMI, "guest", \
	     "with virtual NMIs, no blocking by NMI when an NMI is injected") \
	RULE(GUEST_BLOCK_ENCLAVE, "guest", \
	     "an interrupted enclave excludes blocking by MOV SS") \
	RULE(GUEST_DBG_RESERVED, "guest", \
	     "bits 10:4, 13, 15 and 63:17 of the pending debug exceptions must be 0") \
	RULE(GUEST_DBG_BS, "guest", \
	     "blocked by STI, MOV SS or halted, the pending single step (BS) must be 1 " \
	     "exactly if RFLAGS.TF is 1 and DEBUGCTL.BTF is 0") \
	RULE(GUEST_DBG_RTM, "guest", \
	     "a pending RTM debug exception excludes all others, bit 12 must be 1, and " \
	     "blocking by MOV SS 0") \
	RULE(GUEST_LINK_ALIGNED, "guest", \
	     "a VMCS link pointer that is not all ones must be aligned to 4 KiB") \
	RULE(GUEST_LINK_WIDTH, "guest", \
	     "a VMCS link pointer that is not all ones must not exceed the physical-address " \
	     "width") \
	RULE(GUEST_PDPTE, "guest", \
	     "with PAE paging, the reserved bits (2:1, 8:5, beyond the physical-address " \
	     "width) of present PDPTEs must be 0")

#endif
