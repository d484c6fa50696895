// SPDX-License-Identifier: GPL-2.0-only
/*
 * The local APIC's timer: one-shot, periodic and TSC-deadline, on one hrtimer.
 *
 * The bus runs at 1 GHz, as KVM's does: one count of the undivided timer is one nanosecond.
 * The hrtimer's function only sets timer.pending and notifies the vCPU; the running thread then
 * puts the vector into the IRR, and arms the next period.  So a periodic timer whose vCPU does not
 * run costs the host one interrupt, not one for each period, and it keeps its phase: the next
 * target is a whole number of periods after the first.
 *
 * The hrtimer is programmed only by the running thread (or under vcpu->mutex), and cancelled
 * before it is programmed, so that "pending" never tells of an older programming.
 */
#include "lapic.h"
#include "chips.h"

/*
 * A guest must not be able to storm the host with periodic expiries.  The same name and default
 * as KVM's parameter; it limits the PIT as well.
 */
static unsigned int min_timer_period_us = 200;

static int timer_set_min_period(const char *value, const struct kernel_param *kp)
{
	return param_set_uint_minmax(value, kp, 10, 1000000);
}

static const struct kernel_param_ops timer_min_period_ops = {
	.set = timer_set_min_period,
	.get = param_get_uint,
};

module_param_cb(min_timer_period_us, &timer_min_period_ops, &min_timer_period_us, 0644);
MODULE_PARM_DESC(min_timer_period_us,
		 "shortest period of a guest's periodic LAPIC timer and PIT, 10 to 1000000 us (200)");

/* A deadline this near is treated as reached: less than what arming a timer again would take. */
#define DEADLINE_SLACK_NS	1000
/* Longer waits are made in steps, which keeps the conversion within 64 bits. */
#define DEADLINE_STEP_CYCLES	BIT_ULL(44)

u64 lintel_timer_min_period(void)
{
	return (u64)READ_ONCE(min_timer_period_us) * NSEC_PER_USEC;
}

static u32 timer_mode(struct lintel_lapic *lapic)
{
	return lapic_get(lapic, APIC_LVTT) & LAPIC_TIMER_MODES;
}

/* Divide configuration, bits 3, 1 and 0: 2, 4, ... 128, and 1 for all ones. */
static unsigned int timer_divisor_shift(struct lintel_lapic *lapic)
{
	u32 tdcr = lapic_get(lapic, APIC_TDCR);

	return (((tdcr & 3) | (tdcr & 8) >> 1) + 1) & 7;
}

static void timer_expire(struct lintel_lapic *lapic)
{
	WRITE_ONCE(lapic->timer.pending, true);
	lintel_vcpu_notify_event(lapic->vcpu);
}

static enum hrtimer_restart timer_fire(struct hrtimer *hrtimer)
{
	timer_expire(container_of(hrtimer, struct lintel_lapic, timer.hrtimer));
	return HRTIMER_NORESTART;
}

static void timer_arm(struct lintel_lapic *lapic, ktime_t target)
{
	if (ktime_compare(target, ktime_get()) <= 0)
		timer_expire(lapic);
	else
		hrtimer_start(&lapic->timer.hrtimer, target, HRTIMER_MODE_ABS_PINNED);
}

static u32 timer_tsc_khz(const struct lintel_vcpu *vcpu)
{
	u32 khz = READ_ONCE(vcpu->tsc_khz);

	return khz ? khz : tsc_khz;
}

/* Guest TSC cycles until the deadline, as ns; 0 when it is reached. */
static u64 timer_deadline_ns(struct lintel_lapic *lapic)
{
	u64 now = lintel_vcpu_guest_tsc(lapic->vcpu, rdtsc());
	u64 deadline = lapic->timer.deadline;

	if (deadline <= now)
		return 0;
	return mul_u64_u32_div(min(deadline - now, DEADLINE_STEP_CYCLES), USEC_PER_SEC,
			       max(timer_tsc_khz(lapic->vcpu), 1u));
}

static void timer_arm_deadline(struct lintel_lapic *lapic)
{
	u64 ns = timer_deadline_ns(lapic);

	if (ns)
		timer_arm(lapic, ktime_add_ns(ktime_get(), ns));
	else
		timer_expire(lapic);
}

static void timer_cancel(struct lintel_lapic *lapic)
{
	hrtimer_cancel(&lapic->timer.hrtimer);
	WRITE_ONCE(lapic->timer.pending, false);
}

void lintel_lapic_timer_init(struct lintel_lapic *lapic)
{
	hrtimer_setup(&lapic->timer.hrtimer, timer_fire, CLOCK_MONOTONIC, HRTIMER_MODE_ABS_PINNED);
}

void lintel_lapic_timer_stop(struct lintel_lapic *lapic)
{
	timer_cancel(lapic);
	lapic->timer.deadline = 0;
}

void lintel_lapic_timer_start(struct lintel_lapic *lapic, u32 count)
{
	struct lapic_timer *timer = &lapic->timer;
	unsigned int shift = timer_divisor_shift(lapic);
	u32 initial = lapic_get(lapic, APIC_TMICT);

	timer_cancel(lapic);
	timer->period = (u64)initial << shift;
	if (!initial || timer_mode(lapic) == APIC_LVT_TIMER_TSCDEADLINE)
		return;
	if (timer_mode(lapic) == APIC_LVT_TIMER_PERIODIC) {
		timer->period = max(timer->period, lintel_timer_min_period());
		if (count == initial)
			count = 0;
		timer->target = ktime_add_ns(ktime_get(),
					     count ? (u64)count << shift : timer->period);
	} else if (count) {
		timer->target = ktime_add_ns(ktime_get(), (u64)count << shift);
	} else {
		timer->target = ktime_get();	/* ran out before its state was taken */
		return;
	}
	timer_arm(lapic, timer->target);
}

u32 lintel_lapic_timer_count(struct lintel_lapic *lapic)
{
	struct lapic_timer *timer = &lapic->timer;
	u32 initial = lapic_get(lapic, APIC_TMICT);
	s64 left;

	if (!initial || !timer->period || timer_mode(lapic) == APIC_LVT_TIMER_TSCDEADLINE)
		return 0;
	left = ktime_to_ns(ktime_sub(timer->target, ktime_get()));
	if (left <= 0) {
		if (timer_mode(lapic) != APIC_LVT_TIMER_PERIODIC)
			return 0;
		left = timer->period - (u64)-left % timer->period;
	}
	return min((u64)left >> timer_divisor_shift(lapic), (u64)initial);
}

void lintel_lapic_timer_divide(struct lintel_lapic *lapic, u32 tdcr)
{
	u32 count;

	lintel_lapic_timer_update(lapic->vcpu);
	count = lintel_lapic_timer_count(lapic);
	lapic_put(lapic, APIC_TDCR, tdcr);
	if (count)
		lintel_lapic_timer_start(lapic, count);
}

void lintel_lapic_timer_lvt(struct lintel_lapic *lapic, u32 old, u32 lvtt)
{
	bool was = (old & LAPIC_TIMER_MODES) == APIC_LVT_TIMER_TSCDEADLINE;
	bool is = (lvtt & LAPIC_TIMER_MODES) == APIC_LVT_TIMER_TSCDEADLINE;

	if (was == is)
		return;
	lintel_lapic_timer_stop(lapic);
	lapic_put(lapic, APIC_TMICT, 0);
	lapic->timer.period = 0;
}

/* The vCPU's thread takes up what the hrtimer has left: see lintel_lapic_timer_update(). */
static void timer_take(struct lintel_lapic *lapic)
{
	struct lapic_timer *timer = &lapic->timer;
	u64 late;

	WRITE_ONCE(timer->pending, false);
	switch (timer_mode(lapic)) {
	case APIC_LVT_TIMER_TSCDEADLINE:
		if (!timer->deadline)
			return;
		/* a step of a long wait, or the TSC was set back meanwhile */
		if (timer_deadline_ns(lapic) > DEADLINE_SLACK_NS) {
			timer_arm_deadline(lapic);
			return;
		}
		timer->deadline = 0;
		break;
	case APIC_LVT_TIMER_PERIODIC:
		if (!timer->period)
			return;
		/* the mode may have been one-shot when the period was set */
		timer->period = max(timer->period, lintel_timer_min_period());
		late = max_t(s64, ktime_to_ns(ktime_sub(ktime_get(), timer->target)), 0);
		timer->target = ktime_add_ns(timer->target,
					     (div64_u64(late, timer->period) + 1) * timer->period);
		timer_arm(lapic, timer->target);
		break;
	default:
		break;
	}
	lintel_lapic_local(lapic, APIC_LVTT);
}

void lintel_lapic_timer_update(struct lintel_vcpu *vcpu)
{
	if (vcpu->lapic && READ_ONCE(vcpu->lapic->timer.pending))
		timer_take(vcpu->lapic);
}

u64 lintel_lapic_tsc_deadline(struct lintel_vcpu *vcpu)
{
	struct lintel_lapic *lapic = vcpu->lapic;

	if (!lapic || timer_mode(lapic) != APIC_LVT_TIMER_TSCDEADLINE)
		return 0;
	return lapic->timer.deadline;
}

void lintel_lapic_set_tsc_deadline(struct lintel_vcpu *vcpu, u64 deadline)
{
	struct lintel_lapic *lapic = vcpu->lapic;

	if (!lapic || !lapic_enabled(lapic) || timer_mode(lapic) != APIC_LVT_TIMER_TSCDEADLINE)
		return;
	lintel_lapic_timer_update(vcpu);
	timer_cancel(lapic);
	lapic->timer.deadline = deadline;
	if (deadline)
		timer_arm_deadline(lapic);
}
