/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Between the files of module/pmu: one vCPU's PMU.
 *
 * Lock legend: [I] immutable once made, [M] vcpu->mutex (the running thread), [A] any context.
 */
#ifndef LINTEL_PMU_INTERNAL_H
#define LINTEL_PMU_INTERNAL_H

#include <linux/atomic.h>
#include <linux/irq_work.h>

#include "pmu.h"

struct perf_event;

/*
 * A counter holds @value, what @event has counted since (unless it stands still), and @extra:
 * instructions that software has done for the guest.
 */
struct pmu_counter {
	struct lintel_pmu *pmu;		/* [I] */
	struct perf_event *event;	/* [M] NULL: none was needed yet, or perf gave none */
	u64 made_for;			/* [M] what @event counts */
	u64 value, extra;		/* [M] */
	u64 distance;			/* [M] to the overflow when it was last started */
	u64 mask;			/* [I] its bits */
	u8 index;			/* [I] */
	bool running;			/* [M] @event counts */
	bool os, user;			/* [M] the levels at which it counts */
	bool pmi;			/* [A] an overflow interrupts */
};

struct lintel_pmu {
	struct lintel_vcpu *vcpu;		/* [I] */
	struct pmu_shape shape;			/* [I] */
	bool pdcm;				/* [I] CPUID tells of IA32_PERF_CAPABILITIES */
	bool moved;				/* [M] the events are another thread's */
	u64 select[PMU_MAX_GP];			/* [M] IA32_PERFEVTSELx */
	u64 fixed_ctrl, global_ctrl;		/* [M] */
	atomic_long_t status;			/* [A] IA32_PERF_GLOBAL_STATUS */
	unsigned long dirty;			/* [M] counters whose event has to follow */
	unsigned long overflowed;		/* [A] counters, told by their events */
	unsigned long instructions;		/* [M] counters that count what software does */
	bool pmi;				/* [A] the local APIC is to be told */
	u32 filter;				/* [M] the VM's filter, as @dirty knows it */
	struct irq_work kick;			/* [A] */
	struct pmu_counter counter[PMU_COUNTERS];
};

/* --- counter.c: vcpu->mutex held, may sleep --- */

/* pmu_counter_read - what the guest sees. */
u64 pmu_counter_read(struct pmu_counter *c);
/* pmu_counter_stop - it stands still, and all it has counted is in its value. */
void pmu_counter_stop(struct pmu_counter *c);
/* pmu_counter_write - it stands still until the next pmu_counter_follow(). */
void pmu_counter_write(struct pmu_counter *c, u64 value);
/* pmu_counter_follow - count @event from now on, or nothing.  The running thread. */
void pmu_counter_follow(struct pmu_counter *c, const struct pmu_event *event);
/* pmu_counter_release - give the event back; what it has counted stays. */
void pmu_counter_release(struct pmu_counter *c);

/* filter.c: the number of the filter in force, and what it says.  Any context. */
u32 pmu_filter_number(struct lintel_vm *vm);
bool pmu_filter_passes(struct lintel_vm *vm, unsigned int counter, u64 event);

#endif
