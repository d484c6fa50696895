/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Performance counters of guests: the interface of module/pmu to the rest of the module.
 *
 * A vCPU whose CPUID leaf 0xA has a version has a struct lintel_pmu, made by KVM_SET_CPUID2.  Its
 * registers are a model (model.h); a counter that the guest lets count is an event of the host's
 * perf, bound to the thread that runs the vCPU and to guests (exclude_host).  So perf decides which
 * counter of the processor does it, saves it when the thread is preempted, and shares the counters
 * with the host's own events.
 *
 * An access to the registers changes the model and asks for REQ_PMU; before the next entry
 * lintel_pmu_serve() makes perf's events follow.  Their overflow comes in an NMI, which notes it in
 * the model, asks for the same request, and has it looked at soon by an irq_work: that one's
 * interrupt ends the guest's run, and its function ends HLT.
 *
 * vmx/host.c turns the counters that count guests alone on in the guest, and all others off.
 */
#ifndef LINTEL_PMU_PMU_H
#define LINTEL_PMU_PMU_H

#include <linux/kvm.h>

#include "model.h"
#include "../types.h"

/* What the host has; version 0: nothing that a guest could be given. */
struct lintel_pmu_host {
	struct pmu_shape shape;
	u8 events_len;			/* of leaf 0xA: pre-defined events, ... */
	u32 events_missing;		/* ... and a bit for each that there is not */
	u64 all;			/* its counters, as in IA32_PERF_GLOBAL_CTRL */
};

extern struct lintel_pmu_host lintel_pmu_host;

/* lintel_pmu_init - module init, after the capabilities: settles lintel_params.pmu. */
void lintel_pmu_init(void);

/* lintel_pmu_cpuid - leaf 0xA of KVM_GET_SUPPORTED_CPUID. */
void lintel_pmu_cpuid(struct kvm_cpuid_entry2 *entry);

/* lintel_pmu_msr_list - the registers that a VMM saves, written to @list (or NULL); how many. */
unsigned int lintel_pmu_msr_list(u32 *list);
#define LINTEL_PMU_MSRS		(2 * PMU_MAX_GP + PMU_MAX_FIXED + 3)

/* --- vcpu->mutex held; may sleep --- */

/*
 * lintel_pmu_refresh - the PMU that the vCPU's CPUID now says, in its state after reset; nothing
 * once the vCPU has run.  0 or -ENOMEM.
 */
int lintel_pmu_refresh(struct lintel_vcpu *vcpu);
/* lintel_pmu_free - of a vCPU that has one. */
void lintel_pmu_free(struct lintel_vcpu *vcpu);

/*
 * lintel_pmu_get_msr / lintel_pmu_set_msr - as lintel_msr_get() and lintel_msr_set().
 * -ENOENT: not one of this PMU's, -EINVAL: #GP.
 */
int lintel_pmu_get_msr(struct lintel_vcpu *vcpu, u32 msr, u64 *value, bool host);
int lintel_pmu_set_msr(struct lintel_vcpu *vcpu, u32 msr, u64 value, bool host);
/* lintel_pmu_rdpmc - RDPMC, privilege aside.  0 or -EINVAL. */
int lintel_pmu_rdpmc(struct lintel_vcpu *vcpu, u32 ecx, u64 *value);

/* --- the running thread --- */

/* lintel_pmu_serve - REQ_PMU; outside the guest, may sleep. */
void lintel_pmu_serve(struct lintel_vcpu *vcpu);
/* lintel_pmu_new_thread - another one runs the vCPU from now on. */
void lintel_pmu_new_thread(struct lintel_vcpu *vcpu);
/*
 * lintel_pmu_retired - software has done an instruction for the guest.  Only with WATCH_COUNTERS;
 * @os: at CPL 0.  Interrupts may be off.
 */
void lintel_pmu_retired(struct lintel_vcpu *vcpu, bool os);

/* --- the VM --- */

/*
 * lintel_pmu_filter_set - KVM_SET_PMU_EVENT_FILTER, on kernel copies.  vm->lock held, may sleep.
 * -EINVAL: action, flags, events; -ENOMEM.
 */
int lintel_pmu_filter_set(struct lintel_vm *vm, const struct kvm_pmu_event_filter *head,
			  const u64 *events);
/* lintel_pmu_filter_free - with the VM. */
void lintel_pmu_filter_free(struct lintel_vm *vm);

#endif
