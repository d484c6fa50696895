/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a guest's performance counters are, without the counting: architectural performance
 * monitoring, version 2, as the SDM has it in "Architectural Performance Monitoring Version 2".
 *
 * Which registers there are follows from CPUID leaf 0xA, which the VMM sets and the host bounds
 * (struct pmu_shape).  General-purpose and fixed counters stand in one array, the fixed ones behind
 * the others; pmu_bit() is a counter's place in IA32_PERF_GLOBAL_CTRL and its like.  Nothing here
 * has state or calls anybody: it is tested in userspace.
 */
#ifndef LINTEL_PMU_MODEL_H
#define LINTEL_PMU_MODEL_H

#include <linux/bits.h>

#include "../types.h"

#define PMU_MAX_GP	8
#define PMU_MAX_FIXED	3
#define PMU_COUNTERS	(PMU_MAX_GP + PMU_MAX_FIXED)
#define PMU_MIN_WIDTH	32	/* a write of a counter has so many bits */

struct pmu_shape {
	u8 version;			/* 0: no counters at all */
	u8 nr_gp, nr_fixed;
	u8 gp_width, fixed_width;	/* bits of a counter */
};

/*
 * pmu_shape_of - EAX and EDX of a leaf 0xA, bounded by @host's.  One with counters narrower than
 * the SDM knows them has no version.
 */
struct pmu_shape pmu_shape_of(const struct pmu_shape *host, u32 eax, u32 edx);

enum pmu_reg {
	PMU_NO_REG,
	PMU_COUNTER,			/* IA32_PMCx by its old address: 32 bits, with a sign */
	PMU_COUNTER_FULL,		/* IA32_A_PMCx: all its bits */
	PMU_FIXED_COUNTER,
	PMU_SELECT,			/* IA32_PERFEVTSELx */
	PMU_FIXED_CTRL,
	PMU_GLOBAL_CTRL,
	PMU_GLOBAL_STATUS,
	PMU_GLOBAL_OVF_CTRL,
};

struct pmu_msr {
	enum pmu_reg reg;
	unsigned int counter;		/* of the first four */
};

/* pmu_msr_of - which register of a PMU of that shape has address @msr? */
struct pmu_msr pmu_msr_of(const struct pmu_shape *shape, u32 msr);

/*
 * pmu_is_legacy - registers of older processors, which guests touch without a look at CPUID: where
 * there is no such counter they read as zero and take any write, as in KVM.
 */
bool pmu_is_legacy(u32 msr);

/*
 * pmu_check_write - may @value be written, by the guest or by the VMM (@host)?  It becomes what the
 * register holds then.  0 or -EINVAL: #GP.
 */
int pmu_check_write(const struct pmu_shape *shape, struct pmu_msr msr, u64 *value, bool host);

/* pmu_rdpmc_counter - the counter that RDPMC with @ecx reads, or -1: #GP. */
int pmu_rdpmc_counter(const struct pmu_shape *shape, u32 ecx);

static inline bool pmu_is_fixed(unsigned int counter)
{
	return counter >= PMU_MAX_GP;
}

static inline unsigned int pmu_bit(unsigned int counter)
{
	return pmu_is_fixed(counter) ? counter - PMU_MAX_GP + 32 : counter;
}

/* pmu_valid - the counters that there are, as in IA32_PERF_GLOBAL_CTRL. */
u64 pmu_valid(const struct pmu_shape *shape);
/* pmu_at_reset - IA32_PERF_GLOBAL_CTRL after reset: the general-purpose counters. */
u64 pmu_at_reset(const struct pmu_shape *shape);
/* pmu_counter_mask - the bits that a counter has. */
u64 pmu_counter_mask(const struct pmu_shape *shape, unsigned int counter);

/* pmu_distance - how many events until a counter at @value overflows. */
static inline u64 pmu_distance(u64 value, u64 mask)
{
	return (-value & mask) ?: mask + 1;
}

/*
 * pmu_guests_only - the host's counters that count guests and not the host: those that its
 * IA32_PERF_GLOBAL_CTRL has turned off (@ctrl).  None of @pebs, which would write to addresses of
 * the host while the guest's tables hold.
 */
static inline u64 pmu_guests_only(u64 all, u64 ctrl, u64 pebs)
{
	return all & ~ctrl & ~pebs;
}

/* What a counter is to count. */
struct pmu_event {
	bool on, os, user, pmi;
	u64 event;			/* event select and unit mask, edge, invert, counter mask */
};

/* pmu_event_of - from the guest's registers, but for a filter. */
struct pmu_event pmu_event_of(const struct pmu_shape *shape, unsigned int counter, u64 select,
			      u64 fixed_ctrl, u64 global_ctrl);

#define PMU_INSTRUCTIONS	0x00c0ULL	/* retired; SDM, "Pre-defined Architectural ..." */
#define PMU_CYCLES		0x003cULL
#define PMU_REF_CYCLES		0x0300ULL	/* the fixed counter's: perf's own number for it */

/* pmu_counts - would @event count a plain occurrence of @what, an event select and unit mask? */
bool pmu_counts(const struct pmu_event *event, u64 what);

/* --- KVM_SET_PMU_EVENT_FILTER --- */

#define PMU_FILTER_MAX		300	/* events, as in KVM */

struct pmu_filter {
	bool allow;			/* else what matches is denied */
	u32 fixed;			/* fixed counters */
	u32 nr;
	u64 events[];			/* as KVM_PMU_ENCODE_MASKED_ENTRY() makes them */
};

/*
 * pmu_filter_settle - give @filter's events their one form.  Plain ones that no guest's event can
 * equal are dropped.  -EINVAL: bits that a masked one does not have.
 */
int pmu_filter_settle(struct pmu_filter *filter, bool masked);
/* pmu_filter_allows - may @counter count @event? */
bool pmu_filter_allows(const struct pmu_filter *filter, unsigned int counter, u64 event);

#endif
