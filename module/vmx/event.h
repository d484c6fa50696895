/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Events on their way into the guest: exceptions, NMIs, interrupts.
 */
#ifndef LINTEL_VMX_EVENT_H
#define LINTEL_VMX_EVENT_H

#include "../vcpu.h"
#include "../vm.h"

/*
 * lintel_queue_exception - raise an exception in the guest; double faults are worked out here.
 * Running thread.  A third fault makes the guest shut down: lintel_events_shutdown().
 */
void lintel_queue_exception(struct lintel_vcpu *vcpu, u8 nr, bool has_error, u32 error);
void lintel_queue_page_fault(struct lintel_vcpu *vcpu, unsigned long address, u32 error);
/* #DB: @dr6 holds the bits of DR6 to set. */
void lintel_queue_debug(struct lintel_vcpu *vcpu, u64 dr6);
void lintel_inject_gp(struct lintel_vcpu *vcpu);
void lintel_inject_ud(struct lintel_vcpu *vcpu);

/* lintel_apply_payload - what a pending exception tells besides its vector, CR2 or DR6, becomes state. */
void lintel_apply_payload(struct lintel_vcpu *vcpu);

/*
 * vmx_events_before_entry - write the entry's interruption information; open windows.  In a window,
 * after REQ_EVENT: without it the last decision stands.
 */
void vmx_events_before_entry(struct lintel_vcpu *vcpu);
/* vmx_events_delivered - exits since the entry prove that what was injected has arrived. */
static inline void vmx_events_delivered(struct lintel_vcpu *vcpu)
{
	vcpu->events.exception.injected = false;
	vcpu->events.nmi.injected = false;
	vcpu->events.interrupt.injected = false;
}

/* vmx_events_stale - the entry failed: what was to be injected still stands in its field. */
void vmx_events_stale(struct lintel_vcpu *vcpu);
/* vmx_events_after_exit - the same, but for what vcpu->exit interrupted.  In a window. */
void vmx_events_after_exit(struct lintel_vcpu *vcpu);

/* Could the guest take an interrupt now?  RFLAGS.IF, no STI or MOV-SS shadow. */
bool lintel_interrupts_allowed(struct lintel_vcpu *vcpu);
/*
 * lintel_user_injects - no PIC in the kernel: user space may ask to hear when it can inject an
 * interrupt; lintel_ready_for_user: now it can, and would interrupt nothing else.  Running thread.
 */
static inline bool lintel_user_injects(struct lintel_vcpu *vcpu)
{
	return !lintel_pic_in_kernel(vcpu->vm);
}

bool lintel_ready_for_user(struct lintel_vcpu *vcpu);
/* lintel_has_deliverable_event - something would end HLT.  Running thread, preemptible. */
bool lintel_has_deliverable_event(struct lintel_vcpu *vcpu);

#endif
