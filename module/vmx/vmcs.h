/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The life of a VMCS: which page, on which CPU it may be active, whether it was launched; and the
 * window in which it is current.
 *
 * A VMCS is touched only between vmx_window_begin() and vmx_window_end(), with interrupts off.
 * Joined to KVM, begin remembers with VMPTRST which VMCS was current and end puts it back, because
 * KVM believes that the VMCS it loaded last is still current.  Alone, the VMCS simply stays
 * current, and begin only loads it when another one is.
 */
#ifndef LINTEL_VMX_VMCS_H
#define LINTEL_VMX_VMCS_H

#include <linux/list.h>

#include "../types.h"

struct vmcs_page;	/* the hardware's region: revision identifier, abort indicator, data */

struct vmcs_handle {
	struct vmcs_page *page;		/* [I] */
	hpa_t hpa;			/* [I] */
	int cpu;			/* [cpu] where it is active, -1: nowhere (cleared) */
	bool launched;			/* [cpu] VMLAUNCH was done since the last VMCLEAR */
	struct list_head on_cpu;	/* [cpu] in that CPU's list of active VMCSs */
	unsigned int depth;		/* nested windows */
	unsigned long irq_flags;	/* of the outermost window */
	hpa_t found;			/* joined: what was current before */
};

int vmcs_alloc(struct vmcs_handle *vmcs);
/* vmcs_free - VMCLEAR wherever it is active, then free.  May sleep. */
void vmcs_free(struct vmcs_handle *vmcs);

/*
 * vmcs_clear_remote - make the VMCS inactive, by IPI if it is active on another CPU.  Preemption off,
 * interrupts on.
 */
void vmcs_clear_remote(struct vmcs_handle *vmcs);

/* vmcs_clear_all_here - this CPU is about to leave VMX operation.  Interrupts off. */
void vmcs_clear_all_here(void);

/*
 * vmx_window_try - make the vCPU's VMCS current, interrupts off until vmx_window_end().  The vCPU is
 * loaded on this CPU.  Returns false (interrupts as before) when this CPU is not in VMX operation (it is
 * going offline) or the vCPU is not loaded here.
 */
bool vmx_window_try(struct lintel_vcpu *vcpu);
/*
 * vmx_window_begin - the same for callers that may sleep: waits until the thread was moved
 * elsewhere.  Returns 0, or -EIO (no window!) when the VM is dead.
 */
int __must_check vmx_window_begin(struct lintel_vcpu *vcpu);
void vmx_window_end(struct lintel_vcpu *vcpu);
/*
 * vmx_window_enter, vmx_window_leave - vmx_window_try and vmx_window_end for the run loop: interrupts
 * are off before, between and after, and no other window is open.
 */
bool vmx_window_enter(struct lintel_vcpu *vcpu);
void vmx_window_leave(struct lintel_vcpu *vcpu);

#endif
