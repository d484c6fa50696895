/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Host state around guest execution: what the CPU must hold while a vCPU is loaded on it, what
 * was found there before, and the small copies that save VMWRITEs.
 */
#ifndef LINTEL_VMX_HOST_H
#define LINTEL_VMX_HOST_H

#include <asm/desc_defs.h>

#include "../types.h"

/* MSRs of RDTSCP and SYSCALL, switched at load and put: the kernel writes each once, for a CPU. */
enum switched_msr {
	SWITCH_TSC_AUX,
	SWITCH_STAR,
	SWITCH_LSTAR,
	SWITCH_SFMASK,
	NR_SWITCHED_MSRS,
};

#define PERF_CTRL_UNKNOWN	BIT_ULL(63)	/* no processor has that counter */

struct vmx_vcpu {
	u16 vpid;			/* [I] 0: none to be had; then each entry flushes */
	u32 proc, proc2;		/* [M] what the primary and secondary controls hold */
	u32 timer_value;		/* [M] what VMX_PREEMPTION_TIMER_VALUE holds */
	u32 ple_window;			/* [M] cycles; 0: PAUSE loops do not exit */
	u32 ple_written;		/* [cpu] what PLE_WINDOW holds */
	u32 tpr_threshold;		/* [M] what TPR_THRESHOLD holds */
	u32 host_interrupt;		/* [cpu] interruption information of one to be taken */
	void *own_bitmap;		/* [M] MSR bitmap, NULL: a shared one is used */
	bool x2apic_direct;		/* [M] it lets the guest at x2APIC registers */
	unsigned long host_cr3;		/* [cpu] what HOST_CR3 holds */
	unsigned long host_cr4;		/* [cpu] what HOST_CR4 holds */
	u64 host_perf_global_ctrl;	/* [cpu] likewise, or unknown: look each time */
	u64 *pml;			/* [M] the CPU's log of dirtied pages, NULL: not used yet */
	bool pml_on;			/* [M] the CPU writes it */
	const u64 *host_msrs;		/* [cpu] what enum switched_msr has to hold after put */
	u64 found[NR_SWITCHED_MSRS];	/* [cpu] ... where that was another guest's */
	u64 host_kernel_gs_base;	/* [cpu] of the thread */
	u64 host_debugctl;		/* [cpu] */
	unsigned long host_dr[4], host_dr6; /* [cpu] in a window, if the host has breakpoints */
	unsigned long host_fs_base;	/* [cpu] */
	struct desc_ptr host_gdt, host_idt; /* [cpu] */
	u16 host_ds, host_es, host_fs, host_gs, host_ldt;
	u16 host_selectors;		/* [cpu] all of them together: 0 if each is */
	int host_cpu;			/* [cpu] whose GDT, TSS and GS base stand in the VMCS; -1: none */
	bool switched;			/* [cpu] the CPU holds the guest's values */
	bool syscall_switched;		/* [cpu] those of SYSCALL's MSRs, too */
};

/*
 * vmx_host_load - the CPU takes the guest's MSRs, the VMCS this CPU's host state: once after each
 * load of the vCPU, in a window.  vmx_host_put undoes it: what was found is put back.
 */
void vmx_host_load(struct lintel_vcpu *vcpu);
void vmx_host_put(struct lintel_vcpu *vcpu);

/* vmx_write_perf_ctrl - the host's PERF_GLOBAL_CTRL is @ctrl now: both fields of the VMCS follow. */
void vmx_write_perf_ctrl(struct vmx_vcpu *vmx, u64 ctrl);

#endif
