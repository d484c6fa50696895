/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The names of the basic exit reasons, in one place: the statistics and the tracepoints are made
 * from this list.  Numbers come from <asm/vmx.h>.  A user defines what a row becomes; the last
 * one is apart because lists of initialisers in tracepoints must not end with a comma.
 */
#ifndef LINTEL_EXIT_REASONS_H
#define LINTEL_EXIT_REASONS_H

#include <asm/vmx.h>

#define LINTEL_EXIT_REASONS(ROW, LAST) \
	ROW(EXIT_REASON_EXCEPTION_NMI, "exception_nmi") \
	ROW(EXIT_REASON_EXTERNAL_INTERRUPT, "external_interrupt") \
	ROW(EXIT_REASON_TRIPLE_FAULT, "triple_fault") \
	ROW(EXIT_REASON_INIT_SIGNAL, "init_signal") \
	ROW(EXIT_REASON_SIPI_SIGNAL, "sipi_signal") \
	ROW(EXIT_REASON_INTERRUPT_WINDOW, "interrupt_window") \
	ROW(EXIT_REASON_NMI_WINDOW, "nmi_window") \
	ROW(EXIT_REASON_TASK_SWITCH, "task_switch") \
	ROW(EXIT_REASON_CPUID, "cpuid") \
	ROW(EXIT_REASON_HLT, "hlt") \
	ROW(EXIT_REASON_INVD, "invd") \
	ROW(EXIT_REASON_INVLPG, "invlpg") \
	ROW(EXIT_REASON_RDPMC, "rdpmc") \
	ROW(EXIT_REASON_RDTSC, "rdtsc") \
	ROW(EXIT_REASON_VMCALL, "vmcall") \
	ROW(EXIT_REASON_VMCLEAR, "vmclear") \
	ROW(EXIT_REASON_VMLAUNCH, "vmlaunch") \
	ROW(EXIT_REASON_VMPTRLD, "vmptrld") \
	ROW(EXIT_REASON_VMPTRST, "vmptrst") \
	ROW(EXIT_REASON_VMREAD, "vmread") \
	ROW(EXIT_REASON_VMRESUME, "vmresume") \
	ROW(EXIT_REASON_VMWRITE, "vmwrite") \
	ROW(EXIT_REASON_VMOFF, "vmoff") \
	ROW(EXIT_REASON_VMON, "vmon") \
	ROW(EXIT_REASON_CR_ACCESS, "cr_access") \
	ROW(EXIT_REASON_DR_ACCESS, "dr_access") \
	ROW(EXIT_REASON_IO_INSTRUCTION, "io_instruction") \
	ROW(EXIT_REASON_MSR_READ, "msr_read") \
	ROW(EXIT_REASON_MSR_WRITE, "msr_write") \
	ROW(EXIT_REASON_INVALID_STATE, "invalid_state") \
	ROW(EXIT_REASON_MSR_LOAD_FAIL, "msr_load_fail") \
	ROW(EXIT_REASON_MWAIT_INSTRUCTION, "mwait_instruction") \
	ROW(EXIT_REASON_MONITOR_TRAP_FLAG, "monitor_trap_flag") \
	ROW(EXIT_REASON_MONITOR_INSTRUCTION, "monitor_instruction") \
	ROW(EXIT_REASON_PAUSE_INSTRUCTION, "pause_instruction") \
	ROW(EXIT_REASON_MCE_DURING_VMENTRY, "mce_during_vmentry") \
	ROW(EXIT_REASON_TPR_BELOW_THRESHOLD, "tpr_below_threshold") \
	ROW(EXIT_REASON_APIC_ACCESS, "apic_access") \
	ROW(EXIT_REASON_EOI_INDUCED, "eoi_induced") \
	ROW(EXIT_REASON_GDTR_IDTR, "gdtr_idtr") \
	ROW(EXIT_REASON_LDTR_TR, "ldtr_tr") \
	ROW(EXIT_REASON_EPT_VIOLATION, "ept_violation") \
	ROW(EXIT_REASON_EPT_MISCONFIG, "ept_misconfig") \
	ROW(EXIT_REASON_INVEPT, "invept") \
	ROW(EXIT_REASON_RDTSCP, "rdtscp") \
	ROW(EXIT_REASON_PREEMPTION_TIMER, "preemption_timer") \
	ROW(EXIT_REASON_INVVPID, "invvpid") \
	ROW(EXIT_REASON_WBINVD, "wbinvd") \
	ROW(EXIT_REASON_XSETBV, "xsetbv") \
	ROW(EXIT_REASON_APIC_WRITE, "apic_write") \
	ROW(EXIT_REASON_RDRAND, "rdrand") \
	ROW(EXIT_REASON_INVPCID, "invpcid") \
	ROW(EXIT_REASON_VMFUNC, "vmfunc") \
	ROW(EXIT_REASON_ENCLS, "encls") \
	ROW(EXIT_REASON_RDSEED, "rdseed") \
	ROW(EXIT_REASON_PML_FULL, "pml_full") \
	ROW(EXIT_REASON_XSAVES, "xsaves") \
	ROW(EXIT_REASON_XRSTORS, "xrstors") \
	ROW(EXIT_REASON_UMWAIT, "umwait") \
	ROW(EXIT_REASON_TPAUSE, "tpause") \
	ROW(EXIT_REASON_BUS_LOCK, "bus_lock") \
	LAST(EXIT_REASON_NOTIFY, "notify")

#endif
