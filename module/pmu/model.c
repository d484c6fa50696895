// SPDX-License-Identifier: GPL-2.0-only
/*
 * The model of a guest's performance counters: model.h says what it is.
 */
#include "model.h"

#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/kvm.h>
#include <linux/minmax.h>
#include <linux/nospec.h>
#include <asm/msr-index.h>
#include <asm/perf_event.h>

#include "../compat.h"

#define FIXED_BASE	32	/* of the fixed counters, in the registers of all counters */

/* SDM, figure "Layout of IA32_PERFEVTSELx MSRs": AnyThread and all above bit 31 are version 3's. */
#define SELECT_RESERVED	(~0xffffffffULL | ARCH_PERFMON_EVENTSEL_ANY)
/* IA32_PERF_GLOBAL_STATUS, beside the counters: the DS buffer, and that something has changed. */
#define STATUS_OTHERS	(BIT_ULL(62) | BIT_ULL(63))
/* IA32_FIXED_CTR_CTRL has four bits for each counter. */
#define FIXED_STRIDE	4
#define FIXED_OS	BIT_ULL(0)
#define FIXED_USER	BIT_ULL(1)
#define FIXED_PMI	BIT_ULL(3)

/* SDM, "Read Performance-Monitoring Counters": the type of the counter and its number. */
#define RDPMC_TYPE	0xffff0000U
#define RDPMC_GP	0U
#define RDPMC_FIXED	BIT(30)

static u64 low_bits(unsigned int n)
{
	return BIT_ULL(n) - 1;
}

struct pmu_shape pmu_shape_of(const struct pmu_shape *host, u32 eax, u32 edx)
{
	union cpuid10_eax a = { .full = eax };
	union cpuid10_edx d = { .full = edx };
	struct pmu_shape shape = {
		.version = min_t(u8, a.split.version_id, host->version),
		.nr_gp = min_t(u8, a.split.num_counters, host->nr_gp),
		.gp_width = min_t(u8, a.split.bit_width, host->gp_width),
	};

	if (!shape.version || shape.gp_width < PMU_MIN_WIDTH)
		return (struct pmu_shape){ };
	if (shape.version == 1)
		return shape;
	shape.nr_fixed = min_t(u8, d.split.num_counters_fixed, host->nr_fixed);
	shape.fixed_width = min_t(u8, d.split.bit_width_fixed, host->fixed_width);
	if (shape.fixed_width < PMU_MIN_WIDTH)
		shape.nr_fixed = 0;
	return shape;
}

u64 pmu_valid(const struct pmu_shape *shape)
{
	return low_bits(shape->nr_gp) | low_bits(shape->nr_fixed) << FIXED_BASE;
}

u64 pmu_at_reset(const struct pmu_shape *shape)
{
	return low_bits(shape->nr_gp);
}

u64 pmu_counter_mask(const struct pmu_shape *shape, unsigned int counter)
{
	return low_bits(pmu_is_fixed(counter) ? shape->fixed_width : shape->gp_width);
}

/* Is @msr one of @nr beginning at @base?  @counter: the first of them; it becomes the one. */
static bool among(u32 msr, u32 base, unsigned int nr, unsigned int *counter)
{
	u32 index = msr - base;

	if (msr < base || index >= nr)
		return false;
	*counter += array_index_nospec(index, nr);
	return true;
}

struct pmu_msr pmu_msr_of(const struct pmu_shape *shape, u32 msr)
{
	struct pmu_msr m = { .reg = PMU_NO_REG };

	if (among(msr, MSR_ARCH_PERFMON_PERFCTR0, shape->nr_gp, &m.counter)) {
		m.reg = PMU_COUNTER;
	} else if (among(msr, MSR_ARCH_PERFMON_EVENTSEL0, shape->nr_gp, &m.counter)) {
		m.reg = PMU_SELECT;
	} else if (among(msr, MSR_IA32_PMC0, shape->nr_gp, &m.counter)) {
		m.reg = PMU_COUNTER_FULL;
	} else if (among(msr, MSR_ARCH_PERFMON_FIXED_CTR0, shape->nr_fixed, &m.counter)) {
		m.reg = PMU_FIXED_COUNTER;
		m.counter += PMU_MAX_GP;
	} else if (shape->version > 1) {
		switch (msr) {
		case MSR_CORE_PERF_FIXED_CTR_CTRL:
			m.reg = PMU_FIXED_CTRL;
			break;
		case MSR_CORE_PERF_GLOBAL_CTRL:
			m.reg = PMU_GLOBAL_CTRL;
			break;
		case MSR_CORE_PERF_GLOBAL_STATUS:
			m.reg = PMU_GLOBAL_STATUS;
			break;
		case MSR_CORE_PERF_GLOBAL_OVF_CTRL:
			m.reg = PMU_GLOBAL_OVF_CTRL;
			break;
		}
	}
	return m;
}

bool pmu_is_legacy(u32 msr)
{
	return msr == MSR_P6_PERFCTR0 || msr == MSR_P6_PERFCTR1 || msr == MSR_P6_EVNTSEL0 ||
	       msr == MSR_P6_EVNTSEL1;
}

static u64 fixed_ctrl_bits(const struct pmu_shape *shape)
{
	u64 bits = 0;
	unsigned int i;

	for (i = 0; i < shape->nr_fixed; i++)
		bits |= (FIXED_OS | FIXED_USER | FIXED_PMI) << (i * FIXED_STRIDE);
	return bits;
}

int pmu_check_write(const struct pmu_shape *shape, struct pmu_msr msr, u64 *value, bool host)
{
	u64 reserved = 0;

	switch (msr.reg) {
	case PMU_COUNTER:
		/* SDM, "Full-Width Writes to Performance Counter Registers": these are not */
		if (!host)
			*value = (s64)(s32)*value;
		*value &= pmu_counter_mask(shape, msr.counter);
		break;
	case PMU_COUNTER_FULL:
		reserved = ~pmu_counter_mask(shape, msr.counter);
		break;
	case PMU_FIXED_COUNTER:
		*value &= pmu_counter_mask(shape, msr.counter);
		break;
	case PMU_SELECT:
		reserved = SELECT_RESERVED;
		break;
	case PMU_FIXED_CTRL:
		reserved = ~fixed_ctrl_bits(shape);
		break;
	case PMU_GLOBAL_CTRL:
		reserved = ~pmu_valid(shape);
		break;
	case PMU_GLOBAL_STATUS:
		if (!host)
			return -EINVAL;
		fallthrough;
	case PMU_GLOBAL_OVF_CTRL:
		reserved = ~(pmu_valid(shape) | STATUS_OTHERS);
		break;
	case PMU_NO_REG:
		return -EINVAL;
	}
	return *value & reserved ? -EINVAL : 0;
}

int pmu_rdpmc_counter(const struct pmu_shape *shape, u32 ecx)
{
	unsigned int nr = 0, first = 0, index = ecx & ~RDPMC_TYPE;

	switch (ecx & RDPMC_TYPE) {
	case RDPMC_GP:
		nr = shape->nr_gp;
		break;
	case RDPMC_FIXED:
		nr = shape->nr_fixed;
		first = PMU_MAX_GP;
		break;
	}
	if (index >= nr)
		return -1;
	return first + array_index_nospec(index, nr);
}

static struct pmu_event fixed_event(unsigned int fixed, u64 ctrl)
{
	static const u64 events[PMU_MAX_FIXED] = { PMU_INSTRUCTIONS, PMU_CYCLES, PMU_REF_CYCLES };
	u64 bits = ctrl >> (fixed * FIXED_STRIDE);

	return (struct pmu_event){
		.on = bits & (FIXED_OS | FIXED_USER), .os = bits & FIXED_OS,
		.user = bits & FIXED_USER, .pmi = bits & FIXED_PMI, .event = events[fixed],
	};
}

struct pmu_event pmu_event_of(const struct pmu_shape *shape, unsigned int counter, u64 select,
			      u64 fixed_ctrl, u64 global_ctrl)
{
	struct pmu_event e;

	if (pmu_is_fixed(counter))
		e = fixed_event(counter - PMU_MAX_GP, fixed_ctrl);
	else
		e = (struct pmu_event){
			.on = select & ARCH_PERFMON_EVENTSEL_ENABLE,
			.os = select & ARCH_PERFMON_EVENTSEL_OS,
			.user = select & ARCH_PERFMON_EVENTSEL_USR,
			.pmi = select & ARCH_PERFMON_EVENTSEL_INT,
			.event = select & X86_RAW_EVENT_MASK,
		};
	/* a counter that is enabled for neither counts nothing */
	e.on &= e.os || e.user;
	/* version 1 has no such register */
	if (shape->version > 1)
		e.on &= global_ctrl >> pmu_bit(counter) & 1;
	return e;
}

bool pmu_counts(const struct pmu_event *event, u64 what)
{
	/* more than one a cycle, or fewer: not what the interpreter makes */
	return event->on && !((event->event ^ what) & (ARCH_PERFMON_EVENTSEL_EVENT |
						       ARCH_PERFMON_EVENTSEL_UMASK));
}

int pmu_filter_settle(struct pmu_filter *filter, bool masked)
{
	u64 known = ARCH_PERFMON_EVENTSEL_EVENT | KVM_PMU_MASKED_ENTRY_UMASK_MATCH;
	u32 i, nr = 0;

	if (masked)
		known |= KVM_PMU_MASKED_ENTRY_UMASK_MASK | KVM_PMU_MASKED_ENTRY_EXCLUDE;
	for (i = 0; i < filter->nr; i++) {
		u64 event = filter->events[i];

		if (event & ~known) {
			if (masked)
				return -EINVAL;
			continue;
		}
		if (!masked)
			event |= KVM_PMU_MASKED_ENTRY_UMASK_MASK;
		filter->events[nr++] = event;
	}
	filter->nr = nr;
	return 0;
}

static bool matches(u64 entry, u64 event)
{
	u64 mask = entry >> KVM_PMU_MASKED_ENTRY_UMASK_MASK_SHIFT << 8;

	return !((entry ^ event) & ARCH_PERFMON_EVENTSEL_EVENT) &&
	       (event & ARCH_PERFMON_EVENTSEL_UMASK & mask) ==
	       (entry & KVM_PMU_MASKED_ENTRY_UMASK_MATCH);
}

bool pmu_filter_allows(const struct pmu_filter *filter, unsigned int counter, u64 event)
{
	bool included = false, excluded = false;
	u32 i;

	if (pmu_is_fixed(counter))
		return filter->allow == (filter->fixed >> (counter - PMU_MAX_GP) & 1);
	for (i = 0; i < filter->nr; i++) {
		if (!matches(filter->events[i], event))
			continue;
		if (filter->events[i] & KVM_PMU_MASKED_ENTRY_EXCLUDE)
			excluded = true;
		else
			included = true;
	}
	return filter->allow == (included && !excluded);
}
