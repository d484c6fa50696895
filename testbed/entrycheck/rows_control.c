// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rows about control fields, in the order of the SDM's "Checks on VMX Controls".
 *
 * Where a rule has a boundary, a row stands on each side of it.
 */
#include <linux/kernel.h>

#include "edit.h"

#define TPR_SHADOW	OR(proc, PROC_TPR_SHADOW), OR(proc, PROC_SECONDARY)
#define VIRTUAL_INTERRUPTS \
	TPR_SHADOW, OR(proc2, PROC2_VIRTUAL_INTERRUPT), OR(pin, PIN_EXTERNAL_INTERRUPT)
#define POSTED	VIRTUAL_INTERRUPTS, OR(pin, PIN_POSTED_INTERRUPTS), OR(exit, EXIT_ACK_INTERRUPT)
#define INJECT(type, vector, more) \
	SET(entry_intr_info, INTR_VALID | (type) << 8 | (vector) | (more))

/* An address of a page: where it has to be, and where it may not. */
#define PAGE_ROWS(m, ...) \
	HOLDS(__VA_ARGS__), \
	HOLDS(__VA_ARGS__, TOP(m, 0)), \
	BREAKS(CTL_PAGE_ALIGNED, __VA_ARGS__, OR(m, 1)), \
	BREAKS(CTL_PAGE_ALIGNED, __VA_ARGS__, OR(m, 0x800)), \
	BREAKS(CTL_WIDTH, __VA_ARGS__, BEYOND(m, 0)), \
	BREAKS(CTL_WIDTH, __VA_ARGS__, OR(m, 1ULL << 63)), \
	BREAKS_TOO(CTL_WIDTH, __VA_ARGS__, SET(m, ~0ULL))

/* An MSR area; its pages hold entries that can be loaded. */
#define AREA_ROWS(count, address) \
	HOLDS(SET(count, 1)), \
	HOLDS(SET(count, 256)), \
	HOLDS(SET(count, 3), OR(address, 0x10)), \
	HOLDS(SET(address, ~0ULL)), \
	BREAKS(CTL_MSR_ALIGNED, SET(count, 1), OR(address, 8)), \
	BREAKS(CTL_MSR_ALIGNED, SET(count, 1), OR(address, 1)), \
	BREAKS(CTL_MSR_WIDTH, SET(count, 1), BEYOND(address, 0)), \
	BREAKS(CTL_MSR_WIDTH, SET(count, 1), OR(address, 1ULL << 52)), \
	BREAKS(CTL_MSR_WIDTH, SET(count, 2), TOP(address, 0xff0)), \
	BREAKS(CTL_MSR_WIDTH, SET(count, 257), TOP(address, 0)), \
	BREAKS(CTL_MSR_WIDTH, SET(count, 0x10000001), TOP(address, 0xff0)), \
	BREAKS(CTL_MSR_WIDTH, SET(count, 0xffffffff), TOP(address, 0)), \
	HOLDS(SET(count, 256), TOP(address, 0)), \
	HOLDS(SET(count, 1), TOP(address, 0xff0))

const struct row entrycheck_control_rows[] = {
	HOLDS(FLIP(pin, 0)),
	BREAKS(CTL_PIN, DROP(pin)),
	BREAKS(CTL_PIN, ADD(pin)),
	BREAKS(CTL_PIN, OR(pin, BIT64(31))),
	BREAKS(CTL_PROC, DROP(proc)),
	BREAKS(CTL_PROC, ADD(proc)),
	BREAKS(CTL_PROC, OR(proc, BIT64(0))),
	BREAKS(CTL_PROC2, ADD(proc2)),
	BREAKS(CTL_PROC2, OR(proc2, BIT64(31))),
	/* without secondary controls the word is not looked at, and they are all 0 */
	HOLDS(CLEAR(proc, PROC_SECONDARY), SET(proc2, 0xffffffff)),
	HOLDS(CLEAR(proc, PROC_SECONDARY), SET(proc2, 0xffffffff), SET(ept_pointer, ~0ULL)),
	HOLDS(OR(proc, PROC_TERTIARY)),
	BREAKS(CTL_PROC3, OR(proc, PROC_TERTIARY), ADD(proc3)),
	BREAKS(CTL_PROC3, OR(proc, PROC_TERTIARY), OR(proc3, BIT64(63))),
	HOLDS(SET(proc3, ~0ULL)),
	HOLDS(SET(cr3_target_count, 4)),
	BREAKS(CTL_CR3_COUNT, SET(cr3_target_count, 5)),
	BREAKS(CTL_CR3_COUNT, SET(cr3_target_count, 0x100)),
	BREAKS(CTL_CR3_COUNT, SET(cr3_target_count, 0xffffffff)),
	PAGE_ROWS(io_bitmap_a, OR(proc, PROC_IO_BITMAPS)),
	PAGE_ROWS(io_bitmap_b, OR(proc, PROC_IO_BITMAPS)),
	HOLDS(SET(io_bitmap_a, ~0ULL), SET(io_bitmap_b, ~0ULL)),
	PAGE_ROWS(msr_bitmap, OR(proc, PROC_MSR_BITMAPS)),
	HOLDS(SET(msr_bitmap, ~0ULL)),
	PAGE_ROWS(virtual_apic_page, TPR_SHADOW),
	PAGE_ROWS(virtual_apic_page, VIRTUAL_INTERRUPTS),
	HOLDS(SET(virtual_apic_page, ~0ULL)),
	HOLDS(TPR_SHADOW, SET(tpr_threshold, VTPR_CLASS)),
	BREAKS(CTL_TPR_THRESHOLD_VTPR, TPR_SHADOW, SET(tpr_threshold, VTPR_CLASS + 1)),
	BREAKS(CTL_TPR_THRESHOLD_VTPR, TPR_SHADOW, SET(tpr_threshold, 15)),
	HOLDS(TPR_SHADOW, OR(proc2, PROC2_APIC_ACCESSES), SET(tpr_threshold, 15)),
	BREAKS(CTL_TPR_THRESHOLD_BITS, TPR_SHADOW, SET(tpr_threshold, 0x10)),
	BREAKS(CTL_TPR_THRESHOLD_BITS, TPR_SHADOW, SET(tpr_threshold, BIT64(31))),
	BREAKS(CTL_TPR_THRESHOLD_BITS, TPR_SHADOW, OR(proc2, PROC2_APIC_ACCESSES),
	       SET(tpr_threshold, 0x100)),
	HOLDS(VIRTUAL_INTERRUPTS, SET(tpr_threshold, 0xffffffff)),
	HOLDS(SET(tpr_threshold, 0xffffffff)),
	HOLDS(OR(pin, PIN_NMI), OR(pin, PIN_VIRTUAL_NMI)),
	BREAKS(CTL_VIRTUAL_NMI, CLEAR(pin, PIN_NMI), OR(pin, PIN_VIRTUAL_NMI)),
	HOLDS(OR(pin, PIN_NMI), OR(pin, PIN_VIRTUAL_NMI), OR(proc, PROC_NMI_WINDOW)),
	BREAKS(CTL_NMI_WINDOW, OR(proc, PROC_NMI_WINDOW)),
	BREAKS(CTL_NMI_WINDOW, CLEAR(pin, PIN_NMI), OR(proc, PROC_NMI_WINDOW)),
	PAGE_ROWS(apic_access_addr, TPR_SHADOW, OR(proc2, PROC2_APIC_ACCESSES)),
	HOLDS(SET(apic_access_addr, ~0ULL)),
	HOLDS(OR(proc2, PROC2_APIC_ACCESSES)),
	BREAKS(CTL_TPR_SHADOW, OR(proc2, PROC2_X2APIC)),
	BREAKS(CTL_TPR_SHADOW, OR(proc2, PROC2_APIC_REGISTER)),
	BREAKS(CTL_TPR_SHADOW, OR(proc2, PROC2_VIRTUAL_INTERRUPT)),
	HOLDS(TPR_SHADOW, OR(proc2, PROC2_X2APIC)),
	HOLDS(TPR_SHADOW, OR(proc2, PROC2_APIC_REGISTER)),
	BREAKS(CTL_X2APIC, TPR_SHADOW, OR(proc2, PROC2_X2APIC | PROC2_APIC_ACCESSES)),
	HOLDS(VIRTUAL_INTERRUPTS),
	BREAKS(CTL_VID, VIRTUAL_INTERRUPTS, CLEAR(pin, PIN_EXTERNAL_INTERRUPT)),
	HOLDS(POSTED),
	HOLDS(POSTED, TOP(posted_intr_desc, 0xfc0)),
	BREAKS(CTL_PI_VID, POSTED, CLEAR(proc2, PROC2_VIRTUAL_INTERRUPT)),
	BREAKS(CTL_PI_VID, OR(pin, PIN_POSTED_INTERRUPTS), OR(exit, EXIT_ACK_INTERRUPT)),
	BREAKS(CTL_PI_ACK, POSTED, CLEAR(exit, EXIT_ACK_INTERRUPT)),
	BREAKS(CTL_PI_VECTOR, POSTED, SET(posted_intr_nv, 0x100)),
	BREAKS(CTL_PI_VECTOR, POSTED, SET(posted_intr_nv, 0x80f2)),
	HOLDS(POSTED, SET(posted_intr_nv, 0xff)),
	BREAKS(CTL_PI_ALIGNED, POSTED, OR(posted_intr_desc, 1)),
	BREAKS(CTL_PI_ALIGNED, POSTED, OR(posted_intr_desc, 0x20)),
	HOLDS(POSTED, OR(posted_intr_desc, 0x40)),
	BREAKS(CTL_WIDTH, POSTED, BEYOND(posted_intr_desc, 0)),
	BREAKS(CTL_WIDTH, POSTED, OR(posted_intr_desc, 1ULL << 63)),
	HOLDS(SET(posted_intr_nv, 0xffff), SET(posted_intr_desc, ~0ULL)),
	HOLDS(OR(proc2, PROC2_VPID)),
	HOLDS(OR(proc2, PROC2_VPID), SET(vpid, 0xffff)),
	BREAKS(CTL_VPID, OR(proc2, PROC2_VPID), SET(vpid, 0)),
	HOLDS(SET(vpid, 0)),
	HOLDS(CLEAR(ept_pointer, 7)),
	HOLDS(OR(ept_pointer, BIT64(6))),
	HOLDS(TOP(ept_pointer, 0x1e)),
	HOLDS(PAGE(ept_pointer, PAGE_EMPTY, 0x1e)),
	BREAKS(CTL_EPT_TYPE, OR(ept_pointer, 7)),
	BREAKS(CTL_EPT_TYPE, FLIP(ept_pointer, 7)),
	BREAKS(CTL_EPT_TYPE, FLIP(ept_pointer, 2)),
	BREAKS(CTL_EPT_LEVELS, CLEAR(ept_pointer, 0x38)),
	BREAKS(CTL_EPT_LEVELS, FLIP(ept_pointer, 0x38)),
	BREAKS(CTL_EPT_LEVELS, FLIP(ept_pointer, 8)),
	BREAKS(CTL_EPT_LEVELS, OR(ept_pointer, 0x38)),
	BREAKS(CTL_EPT_RESERVED, OR(ept_pointer, BIT64(8))),
	BREAKS(CTL_EPT_RESERVED, OR(ept_pointer, BIT64(9))),
	BREAKS(CTL_EPT_RESERVED, OR(ept_pointer, BIT64(11))),
	BREAKS(CTL_EPT_RESERVED, BEYOND(ept_pointer, 0x1e)),
	BREAKS(CTL_EPT_RESERVED, OR(ept_pointer, BIT64(63))),
	HOLDS(CLEAR(proc2, PROC2_EPT | PROC2_UNRESTRICTED), SET(ept_pointer, ~0ULL)),
	PAGE_ROWS(pml_address, OR(ept_pointer, BIT64(6)), OR(proc2, PROC2_PML)),
	BREAKS(CTL_PML_EPT, OR(proc2, PROC2_PML), CLEAR(proc2, PROC2_EPT | PROC2_UNRESTRICTED)),
	HOLDS(SET(pml_address, ~0ULL)),
	BREAKS(CTL_UNRESTRICTED_EPT, CLEAR(proc2, PROC2_EPT)),
	HOLDS(OR(proc2, PROC2_MODE_BASED_EXEC)),
	BREAKS(CTL_MBEC_EPT, CLEAR(proc2, PROC2_EPT | PROC2_UNRESTRICTED),
	       OR(proc2, PROC2_MODE_BASED_EXEC)),
	PAGE_ROWS(vmread_bitmap, OR(proc2, PROC2_SHADOW_VMCS)),
	PAGE_ROWS(vmwrite_bitmap, OR(proc2, PROC2_SHADOW_VMCS)),
	HOLDS(SET(vmread_bitmap, ~0ULL), SET(vmwrite_bitmap, ~0ULL)),
	PAGE_ROWS(ve_information, OR(proc2, PROC2_VE)),
	HOLDS(SET(ve_information, ~0ULL)),
	HOLDS(OR(proc2, PROC2_VMFUNC)),
	BREAKS(CTL_VMFUNC, OR(proc2, PROC2_VMFUNC), ADD(vmfunc)),
	BREAKS(CTL_VMFUNC, OR(proc2, PROC2_VMFUNC), OR(vmfunc, BIT64(63))),
	HOLDS(SET(vmfunc, ~0ULL)),
	PAGE_ROWS(eptp_list, OR(proc2, PROC2_VMFUNC), OR(vmfunc, VMFUNC_EPTP_SWITCHING)),
	HOLDS(OR(proc2, PROC2_VMFUNC), SET(eptp_list, ~0ULL)),
	BREAKS(CTL_VMFUNC_EPT, CLEAR(proc2, PROC2_EPT | PROC2_UNRESTRICTED),
	       OR(proc2, PROC2_VMFUNC), OR(vmfunc, VMFUNC_EPTP_SWITCHING)),
	PAGE_ROWS(spptp, OR(proc2, PROC2_SUB_PAGE)),
	BREAKS(CTL_SUB_PAGE_EPT, CLEAR(proc2, PROC2_EPT | PROC2_UNRESTRICTED),
	       OR(proc2, PROC2_SUB_PAGE)),
	HOLDS(OR(proc2, PROC2_TSC_SCALING)),
	HOLDS(OR(proc2, PROC2_TSC_SCALING), SET(tsc_multiplier, 1)),
	BREAKS(CTL_TSC_MULTIPLIER, OR(proc2, PROC2_TSC_SCALING), SET(tsc_multiplier, 0)),
	HOLDS(SET(tsc_multiplier, 0)),
	BREAKS(CTL_EXIT, DROP(exit)),
	BREAKS(CTL_EXIT, ADD(exit)),
	HOLDS(OR(exit, EXIT_SECONDARY)),
	BREAKS(CTL_EXIT2, OR(exit, EXIT_SECONDARY), ADD(exit2)),
	BREAKS(CTL_EXIT2, OR(exit, EXIT_SECONDARY), OR(exit2, BIT64(63))),
	HOLDS(SET(exit2, ~0ULL)),
	HOLDS(OR(exit, EXIT_SAVE_PREEMPTION_TIMER)),
	BREAKS(CTL_SAVE_TIMER, OR(exit, EXIT_SAVE_PREEMPTION_TIMER),
	       CLEAR(pin, PIN_PREEMPTION_TIMER)),
	AREA_ROWS(exit_msr_store_count, exit_msr_store_addr),
	AREA_ROWS(exit_msr_load_count, exit_msr_load_addr),
	BREAKS(CTL_ENTRY, DROP(entry)),
	BREAKS(CTL_ENTRY, ADD(entry)),
	BREAKS(CTL_SMM, OR(entry, ENTRY_SMM)),
	BREAKS(CTL_SMM, OR(entry, ENTRY_DEACTIVATE_DUAL)),
	BREAKS(CTL_SMM, OR(entry, ENTRY_SMM | ENTRY_DEACTIVATE_DUAL)),
	AREA_ROWS(entry_msr_load_count, entry_msr_load_addr),
	HOLDS(SET(entry_intr_info, 0x7fffffff)),
	HOLDS(INJECT(TYPE_NMI, 2, 0)),
	HOLDS(INJECT(TYPE_EXCEPTION, 3, 0)),
	HOLDS(INJECT(TYPE_EXCEPTION, 31, 0)),
	HOLDS(INJECT(TYPE_SOFT_INTERRUPT, 0x80, 0), SET(entry_instruction_len, 2)),
	HOLDS(INJECT(TYPE_ICEBP, 1, 0), SET(entry_instruction_len, 1)),
	HOLDS(INJECT(TYPE_SOFT_EXCEPTION, 3, 0), SET(entry_instruction_len, 15)),
	HOLDS(INJECT(TYPE_OTHER, 0, 0)),
	BREAKS(CTL_INTR_TYPE, INJECT(TYPE_RESERVED, 32, 0)),
	BREAKS(CTL_INTR_VECTOR, INJECT(TYPE_NMI, 3, 0)),
	BREAKS(CTL_INTR_VECTOR, INJECT(TYPE_EXCEPTION, 32, 0)),
	BREAKS(CTL_INTR_VECTOR, INJECT(TYPE_EXCEPTION, 255, 0)),
	BREAKS(CTL_INTR_VECTOR, INJECT(TYPE_OTHER, 1, 0)),
	HOLDS(INJECT(TYPE_EXCEPTION, 8, INTR_ERROR)),
	HOLDS(INJECT(TYPE_EXCEPTION, 10, INTR_ERROR)),
	HOLDS(INJECT(TYPE_EXCEPTION, 11, INTR_ERROR)),
	HOLDS(INJECT(TYPE_EXCEPTION, 12, INTR_ERROR)),
	HOLDS(INJECT(TYPE_EXCEPTION, 13, INTR_ERROR), SET(entry_error_code, 0xffff)),
	HOLDS(INJECT(TYPE_EXCEPTION, 14, INTR_ERROR), SET(entry_error_code, 0x7fff)),
	HOLDS(INJECT(TYPE_EXCEPTION, 17, INTR_ERROR)),
	BREAKS(CTL_INTR_ERROR, INJECT(TYPE_EXCEPTION, 8, 0)),
	BREAKS(CTL_INTR_ERROR, INJECT(TYPE_EXCEPTION, 13, 0)),
	BREAKS(CTL_INTR_ERROR, INJECT(TYPE_EXCEPTION, 17, 0)),
	BREAKS(CTL_INTR_ERROR, INJECT(TYPE_EXCEPTION, 6, INTR_ERROR)),
	BREAKS(CTL_INTR_ERROR, INJECT(TYPE_EXCEPTION, 9, INTR_ERROR)),
	BREAKS(CTL_INTR_ERROR, INJECT(TYPE_EXCEPTION, 15, INTR_ERROR)),
	BREAKS(CTL_INTR_ERROR, INJECT(TYPE_EXCEPTION, 18, INTR_ERROR)),
	BREAKS(CTL_INTR_ERROR, INJECT(TYPE_EXCEPTION, 21, INTR_ERROR)),
	BREAKS(CTL_INTR_ERROR, INJECT(TYPE_NMI, 2, INTR_ERROR)),
	BREAKS(CTL_INTR_ERROR, INJECT(TYPE_SOFT_INTERRUPT, 13, INTR_ERROR),
	       SET(entry_instruction_len, 2)),
	BREAKS_TOO(CTL_INTR_ERROR, INJECT(TYPE_EXCEPTION, 13, INTR_ERROR),
		   CLEAR(guest_cr0, CR0_PE_BIT | CR0_PG_BIT)),
	BREAKS(CTL_INTR_RESERVED, INJECT(TYPE_EXCEPTION, 3, BIT64(12))),
	BREAKS(CTL_INTR_RESERVED, INJECT(TYPE_EXCEPTION, 3, BIT64(30))),
	BREAKS(CTL_ERROR_CODE, INJECT(TYPE_EXCEPTION, 13, INTR_ERROR),
	       SET(entry_error_code, 0x10000)),
	BREAKS(CTL_ERROR_CODE, INJECT(TYPE_EXCEPTION, 14, INTR_ERROR),
	       SET(entry_error_code, 0x80000000)),
	HOLDS(INJECT(TYPE_EXCEPTION, 3, 0), SET(entry_error_code, 0xffffffff)),
	BREAKS(CTL_INTR_LENGTH, INJECT(TYPE_SOFT_INTERRUPT, 3, 0), SET(entry_instruction_len, 16)),
	BREAKS(CTL_INTR_LENGTH, INJECT(TYPE_ICEBP, 1, 0), SET(entry_instruction_len, 0xffffffff)),
	BREAKS(CTL_INTR_LENGTH, INJECT(TYPE_SOFT_EXCEPTION, 3, 0),
	       SET(entry_instruction_len, 0x100)),
	/* a length of 0 is for the processor to allow */
	HOLDS(SET(entry_instruction_len, 0xffffffff), INJECT(TYPE_EXCEPTION, 3, 0)),
};

const unsigned int entrycheck_nr_control_rows = ARRAY_SIZE(entrycheck_control_rows);
