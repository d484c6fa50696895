/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The fields of a VMCS that VM entry checks: member of struct vmcs_fields, the field's name in
 * <asm/vmx.h>, and the condition under which the field exists or matters.  Conditions see @f
 * with all rows before; reading a field that the processor does not have would fail.
 */
#ifndef LINTEL_VMX_EXPLAIN_FIELDS_H
#define LINTEL_VMX_EXPLAIN_FIELDS_H

/* Fields that <asm/vmx.h> of the oldest kernel lacks, by the names of the SDM. */
#define VE_INFORMATION_ADDRESS_FIELD	0x202a
#define SPPTP_FIELD			0x2030
#define SECONDARY_EXIT_CONTROLS_FIELD	0x2044
#define HOST_PKRS_FIELD			0x2c06
#define HOST_S_CET_FIELD		0x6c18
#define HOST_SSP_FIELD			0x6c1a
#define HOST_SSP_TABLE_FIELD		0x6c1c

#define EXPLAIN_SEGMENT(FIELD, name, NAME) \
	FIELD(guest_##name##_selector, GUEST_##NAME##_SELECTOR, true) \
	FIELD(guest_##name##_base, GUEST_##NAME##_BASE, true) \
	FIELD(guest_##name##_limit, GUEST_##NAME##_LIMIT, true) \
	FIELD(guest_##name##_ar, GUEST_##NAME##_AR_BYTES, true)

#define EXPLAIN_FIELDS(FIELD) \
	FIELD(pin, PIN_BASED_VM_EXEC_CONTROL, true) \
	FIELD(proc, CPU_BASED_VM_EXEC_CONTROL, true) \
	FIELD(proc2, SECONDARY_VM_EXEC_CONTROL, f->proc & PROC_SECONDARY) \
	FIELD(proc3, TERTIARY_VM_EXEC_CONTROL, f->proc & PROC_TERTIARY) \
	FIELD(exit, VM_EXIT_CONTROLS, true) \
	FIELD(exit2, SECONDARY_EXIT_CONTROLS_FIELD, f->exit & EXIT_SECONDARY) \
	FIELD(entry, VM_ENTRY_CONTROLS, true) \
	FIELD(cr3_target_count, CR3_TARGET_COUNT, true) \
	FIELD(io_bitmap_a, IO_BITMAP_A, f->proc & PROC_IO_BITMAPS) \
	FIELD(io_bitmap_b, IO_BITMAP_B, f->proc & PROC_IO_BITMAPS) \
	FIELD(msr_bitmap, MSR_BITMAP, f->proc & PROC_MSR_BITMAPS) \
	FIELD(virtual_apic_page, VIRTUAL_APIC_PAGE_ADDR, f->proc & PROC_TPR_SHADOW) \
	FIELD(tpr_threshold, TPR_THRESHOLD, f->proc & PROC_TPR_SHADOW) \
	FIELD(apic_access_addr, APIC_ACCESS_ADDR, f->proc2 & PROC2_APIC_ACCESSES) \
	FIELD(posted_intr_nv, POSTED_INTR_NV, f->pin & PIN_POSTED_INTERRUPTS) \
	FIELD(posted_intr_desc, POSTED_INTR_DESC_ADDR, f->pin & PIN_POSTED_INTERRUPTS) \
	FIELD(vpid, VIRTUAL_PROCESSOR_ID, f->proc2 & PROC2_VPID) \
	FIELD(ept_pointer, EPT_POINTER, f->proc2 & PROC2_EPT) \
	FIELD(vmfunc, VM_FUNCTION_CONTROL, f->proc2 & PROC2_VMFUNC) \
	FIELD(eptp_list, EPTP_LIST_ADDRESS, f->vmfunc & VMFUNC_EPTP_SWITCHING) \
	FIELD(pml_address, PML_ADDRESS, f->proc2 & PROC2_PML) \
	FIELD(vmread_bitmap, VMREAD_BITMAP, f->proc2 & PROC2_SHADOW_VMCS) \
	FIELD(vmwrite_bitmap, VMWRITE_BITMAP, f->proc2 & PROC2_SHADOW_VMCS) \
	FIELD(ve_information, VE_INFORMATION_ADDRESS_FIELD, f->proc2 & PROC2_VE) \
	FIELD(spptp, SPPTP_FIELD, f->proc2 & PROC2_SUB_PAGE) \
	FIELD(tsc_multiplier, TSC_MULTIPLIER, f->proc2 & PROC2_TSC_SCALING) \
	FIELD(exit_msr_store_count, VM_EXIT_MSR_STORE_COUNT, true) \
	FIELD(exit_msr_store_addr, VM_EXIT_MSR_STORE_ADDR, true) \
	FIELD(exit_msr_load_count, VM_EXIT_MSR_LOAD_COUNT, true) \
	FIELD(exit_msr_load_addr, VM_EXIT_MSR_LOAD_ADDR, true) \
	FIELD(entry_msr_load_count, VM_ENTRY_MSR_LOAD_COUNT, true) \
	FIELD(entry_msr_load_addr, VM_ENTRY_MSR_LOAD_ADDR, true) \
	FIELD(entry_intr_info, VM_ENTRY_INTR_INFO_FIELD, true) \
	FIELD(entry_error_code, VM_ENTRY_EXCEPTION_ERROR_CODE, true) \
	FIELD(entry_instruction_len, VM_ENTRY_INSTRUCTION_LEN, true) \
	FIELD(host_cr0, HOST_CR0, true) \
	FIELD(host_cr3, HOST_CR3, true) \
	FIELD(host_cr4, HOST_CR4, true) \
	FIELD(host_sysenter_esp, HOST_IA32_SYSENTER_ESP, true) \
	FIELD(host_sysenter_eip, HOST_IA32_SYSENTER_EIP, true) \
	FIELD(host_pat, HOST_IA32_PAT, f->exit & EXIT_LOAD_PAT) \
	FIELD(host_efer, HOST_IA32_EFER, f->exit & EXIT_LOAD_EFER) \
	FIELD(host_s_cet, HOST_S_CET_FIELD, f->exit & EXIT_LOAD_CET) \
	FIELD(host_ssp, HOST_SSP_FIELD, f->exit & EXIT_LOAD_CET) \
	FIELD(host_ssp_table, HOST_SSP_TABLE_FIELD, f->exit & EXIT_LOAD_CET) \
	FIELD(host_pkrs, HOST_PKRS_FIELD, f->exit & EXIT_LOAD_PKRS) \
	FIELD(host_cs, HOST_CS_SELECTOR, true) \
	FIELD(host_ss, HOST_SS_SELECTOR, true) \
	FIELD(host_ds, HOST_DS_SELECTOR, true) \
	FIELD(host_es, HOST_ES_SELECTOR, true) \
	FIELD(host_fs, HOST_FS_SELECTOR, true) \
	FIELD(host_gs, HOST_GS_SELECTOR, true) \
	FIELD(host_tr, HOST_TR_SELECTOR, true) \
	FIELD(host_fs_base, HOST_FS_BASE, true) \
	FIELD(host_gs_base, HOST_GS_BASE, true) \
	FIELD(host_tr_base, HOST_TR_BASE, true) \
	FIELD(host_gdtr_base, HOST_GDTR_BASE, true) \
	FIELD(host_idtr_base, HOST_IDTR_BASE, true) \
	FIELD(host_rip, HOST_RIP, true) \
	FIELD(guest_cr0, GUEST_CR0, true) \
	FIELD(guest_cr3, GUEST_CR3, true) \
	FIELD(guest_cr4, GUEST_CR4, true) \
	FIELD(guest_debugctl, GUEST_IA32_DEBUGCTL, true) \
	FIELD(guest_dr7, GUEST_DR7, true) \
	FIELD(guest_sysenter_esp, GUEST_SYSENTER_ESP, true) \
	FIELD(guest_sysenter_eip, GUEST_SYSENTER_EIP, true) \
	FIELD(guest_pat, GUEST_IA32_PAT, f->entry & ENTRY_LOAD_PAT) \
	FIELD(guest_efer, GUEST_IA32_EFER, f->entry & ENTRY_LOAD_EFER) \
	EXPLAIN_SEGMENT(FIELD, cs, CS) \
	EXPLAIN_SEGMENT(FIELD, ss, SS) \
	EXPLAIN_SEGMENT(FIELD, ds, DS) \
	EXPLAIN_SEGMENT(FIELD, es, ES) \
	EXPLAIN_SEGMENT(FIELD, fs, FS) \
	EXPLAIN_SEGMENT(FIELD, gs, GS) \
	EXPLAIN_SEGMENT(FIELD, tr, TR) \
	EXPLAIN_SEGMENT(FIELD, ldtr, LDTR) \
	FIELD(guest_gdtr_base, GUEST_GDTR_BASE, true) \
	FIELD(guest_gdtr_limit, GUEST_GDTR_LIMIT, true) \
	FIELD(guest_idtr_base, GUEST_IDTR_BASE, true) \
	FIELD(guest_idtr_limit, GUEST_IDTR_LIMIT, true) \
	FIELD(guest_rip, GUEST_RIP, true) \
	FIELD(guest_rflags, GUEST_RFLAGS, true) \
	FIELD(guest_activity, GUEST_ACTIVITY_STATE, true) \
	FIELD(guest_interruptibility, GUEST_INTERRUPTIBILITY_INFO, true) \
	FIELD(guest_pending_dbg, GUEST_PENDING_DBG_EXCEPTIONS, true) \
	FIELD(vmcs_link, VMCS_LINK_POINTER, true) \
	FIELD(guest_pdpte0, GUEST_PDPTR0, f->proc2 & PROC2_EPT) \
	FIELD(guest_pdpte1, GUEST_PDPTR1, f->proc2 & PROC2_EPT) \
	FIELD(guest_pdpte2, GUEST_PDPTR2, f->proc2 & PROC2_EPT) \
	FIELD(guest_pdpte3, GUEST_PDPTR3, f->proc2 & PROC2_EPT)

#endif
