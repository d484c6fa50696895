/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a guest that knows its hypervisor may ask for, beside kvm-clock and hypercalls: steal time
 * with the "preempted" flag, the end of an interrupt without an exit, and page faults that the
 * guest does not wait for (apf.h).  Their state, the MSRs that control them, and the rule which of
 * them a guest may use.
 */
#ifndef LINTEL_PARAVIRT_PV_H
#define LINTEL_PARAVIRT_PV_H

#include "../types.h"

struct lintel_apf;

/* In struct lintel_vcpu. */
struct lintel_pv {
	u32 features;			/* [M] EAX of leaf 0x40000001, as the VMM set it */
	bool enforced;			/* [M] what is not in it does not exist */
	bool unhalted;			/* [A] KVM_HC_KICK_CPU: ends this HLT, or the next */
	bool at_boundary;		/* [M] the last exit was between two instructions,
					 * and nothing is being done for the guest */
	u64 poll_control;		/* [M] MSR_KVM_POLL_CONTROL */
	struct {
		u64 msr;		/* [M] MSR_KVM_STEAL_TIME */
		u64 run_delay;		/* [M] of this thread, as last added */
		bool preempted;		/* [M]+[cpu] the guest was told */
	} steal;
	struct {
		u64 msr;		/* [M] MSR_KVM_PV_EOI_EN */
		bool offered;		/* [M] a store ends the interrupt in service */
	} eoi;
	struct {
		u64 control;		/* [M] MSR_KVM_ASYNC_PF_EN */
		u64 vector;		/* [M] MSR_KVM_ASYNC_PF_INT */
		struct lintel_apf *queue;	/* [A] NULL until it is needed; made by [M] */
	} apf;
};

/* lintel_pv_allows - the guest may use KVM_FEATURE_ @feature.  The running thread. */
bool lintel_pv_allows(const struct lintel_vcpu *vcpu, unsigned int feature);

/* lintel_pv_reset - power-up and INIT: nothing is asked for.  vcpu->mutex held. */
void lintel_pv_reset(struct lintel_vcpu *vcpu);

static inline bool lintel_is_pv_msr(u32 msr)
{
	return msr == 0x11 || msr == 0x12 || (msr & ~0xffU) == 0x4b564d00;
}

/*
 * lintel_pv_set_msr / lintel_pv_get_msr - MSRs of the above and of kvm-clock.  vcpu->mutex held,
 * may sleep.  0, -ENOENT: no such MSR for this guest, -EINVAL: reserved bits, no memory there.
 */
int lintel_pv_set_msr(struct lintel_vcpu *vcpu, u32 msr, u64 value);
int lintel_pv_get_msr(struct lintel_vcpu *vcpu, u32 msr, u64 *value);

/* --- steal.c --- */

/* lintel_steal_load - the vCPU comes to a CPU: REQ_STEAL if there is news.  Preemption off. */
void lintel_steal_load(struct lintel_vcpu *vcpu);
/* lintel_steal_put - it leaves: tell the guest, if that is safe.  Preemption off; no sleep. */
void lintel_steal_put(struct lintel_vcpu *vcpu);
/* lintel_steal_update - REQ_STEAL: it runs again.  Before entry, may sleep. */
void lintel_steal_update(struct lintel_vcpu *vcpu);

/* --- eoi.c --- */

/* lintel_eoi_offer - before an entry, interrupts off, after events were chosen. */
void lintel_eoi_offer(struct lintel_vcpu *vcpu);
/*
 * lintel_eoi_take - after an exit with eoi.offered, before anything looks at the local APIC,
 * interrupts off: ends the interrupt if the guest did.  If memory is not at hand it sets
 * REQ_PV_EOI, which ends the window, and eoi.offered stays: then lintel_eoi_settle() does it,
 * which may sleep.
 */
void lintel_eoi_take(struct lintel_vcpu *vcpu);
void lintel_eoi_settle(struct lintel_vcpu *vcpu);

#endif
