// SPDX-License-Identifier: GPL-2.0-only
/*
 * The local APIC's timer: one-shot, periodic and TSC-deadline.
 *
 * The bus runs at 1 GHz, as KVM's does, unless KVM_CAP_X86_APIC_BUS_CYCLES_NS has set another rate:
 * one count of the undivided timer is one nanosecond.  What
 * says whether the timer has expired is the clock itself: the guest's TSC for a deadline,
 * CLOCK_MONOTONIC for a count.  The running thread asks it before each entry, puts the vector into
 * the IRR and arms the next period.  So an expiry is taken once, whoever noticed it, and a periodic
 * timer keeps its phase and costs one interrupt however long its vCPU does not run.
 *
 * Two things only see to it that the thread asks in time:
 *   the VMX-preemption timer  while the vCPU runs.  vcpu->timer_tsc is for vmx/timer.c, which makes
 *                             the guest exit then.  A thread that is preempted or in user space
 *                             needs nothing: it asks when it comes back.
 *   an hrtimer                while the vCPU waits in HLT, and always where the preemption timer is
 *                             not used.  Its function notes "pending" and notifies the vCPU.
 *
 * Both are armed only by the running thread (or under vcpu->mutex), never both, and cancelled
 * before they are armed, so that "pending" never tells of an older programming.
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

/* An hrtimer that is this early counts as on time: less than what arming it again would take. */
#define SLACK_US		1
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

/* What @count of the timer takes; less than 2^59, as the bus cycle is bounded. */
static u64 timer_ns(struct lintel_lapic *lapic, u32 count)
{
	return ((u64)count << timer_divisor_shift(lapic)) * lapic->vcpu->vm->apic_bus_ns;
}

static bool timer_is_deadline(struct lintel_lapic *lapic)
{
	return timer_mode(lapic) == APIC_LVT_TIMER_TSCDEADLINE;
}

/* Cycles of the host from *@host_tsc, which is now, to the expiry, at most a step; 0: expired. */
static u64 timer_cycles_left(struct lintel_lapic *lapic, u64 *host_tsc)
{
	u64 now, deadline = lapic->timer.deadline;
	s64 ns;

	if (timer_is_deadline(lapic)) {
		*host_tsc = rdtsc();
		now = lintel_vcpu_guest_tsc(lapic->vcpu, *host_tsc);
		if (deadline <= now)
			return 0;
		return tsc_unscale(deadline - now, lapic->vcpu->tsc_ratio, DEADLINE_STEP_CYCLES);
	}
	ns = ktime_to_ns(ktime_sub(lapic->timer.target, ktime_get()));
	*host_tsc = rdtsc();
	return ns <= 0 ? 0 : mul_u64_u32_div(ns, tsc_khz, USEC_PER_SEC) + 1;
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

static void timer_arm(struct lintel_lapic *lapic)
{
	struct lapic_timer *timer = &lapic->timer;
	u64 host_tsc, cycles = timer_cycles_left(lapic, &host_tsc);
	ktime_t target = timer->target;

	if (!cycles) {
		timer_expire(lapic);
		return;
	}
	if (lintel_params.preemption_timer && !timer->waiting) {
		lapic->vcpu->timer_tsc = host_tsc + cycles;
		return;
	}
	if (timer_is_deadline(lapic))
		target = ktime_add_ns(ktime_get(), mul_u64_u32_div(cycles, USEC_PER_SEC, tsc_khz));
	timer->started = true;
	hrtimer_start(&timer->hrtimer, target, HRTIMER_MODE_ABS_PINNED);
}

/* Stops both; true when one of them was under way, and so has left nothing pending. */
static bool timer_disarm(struct lintel_lapic *lapic)
{
	bool armed = lapic->vcpu->timer_tsc != LINTEL_TIMER_NEVER;

	lapic->vcpu->timer_tsc = LINTEL_TIMER_NEVER;
	if (!lapic->timer.started)
		return armed;
	lapic->timer.started = false;
	return hrtimer_cancel(&lapic->timer.hrtimer) || armed;
}

static void timer_cancel(struct lintel_lapic *lapic)
{
	timer_disarm(lapic);
	WRITE_ONCE(lapic->timer.pending, false);
}

void lintel_lapic_timer_init(struct lintel_lapic *lapic)
{
	lapic->vcpu->timer_tsc = LINTEL_TIMER_NEVER;
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
	u32 initial = lapic_get(lapic, APIC_TMICT);

	timer_cancel(lapic);
	timer->period = timer_ns(lapic, initial);
	if (!initial || timer_is_deadline(lapic))
		return;
	if (timer_mode(lapic) == APIC_LVT_TIMER_PERIODIC) {
		timer->period = max(timer->period, lintel_timer_min_period());
		if (count == initial)
			count = 0;
		timer->target = ktime_add_ns(ktime_get(),
					     count ? timer_ns(lapic, count) : timer->period);
	} else if (count) {
		timer->target = ktime_add_ns(ktime_get(), timer_ns(lapic, count));
	} else {
		timer->target = ktime_get();	/* ran out before its state was taken */
		return;
	}
	timer_arm(lapic);
}

u32 lintel_lapic_timer_count(struct lintel_lapic *lapic)
{
	struct lapic_timer *timer = &lapic->timer;
	u32 initial = lapic_get(lapic, APIC_TMICT);
	s64 left;

	if (!initial || !timer->period || timer_is_deadline(lapic))
		return 0;
	left = ktime_to_ns(ktime_sub(timer->target, ktime_get()));
	if (left <= 0) {
		if (timer_mode(lapic) != APIC_LVT_TIMER_PERIODIC)
			return 0;
		left = timer->period - (u64)-left % timer->period;
	}
	return min(div64_u64(left, timer_ns(lapic, 1)), (u64)initial);
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

/* The vCPU's thread takes up an expiry that it was told of, or that has come: see the top. */
static void timer_take(struct lintel_lapic *lapic)
{
	struct lapic_timer *timer = &lapic->timer;
	bool deadline = timer_is_deadline(lapic);
	u64 host_tsc, late, slack;

	/* it came by one of these, so the hrtimer is not queued */
	WRITE_ONCE(timer->pending, false);
	lapic->vcpu->timer_tsc = LINTEL_TIMER_NEVER;
	if (deadline ? !timer->deadline : !timer->period)
		return;
	/* Too early: a step of a long wait, clocks that drift, or the TSC was set back. */
	slack = deadline && lintel_params.preemption_timer ? 0 : tsc_khz * SLACK_US / 1000;
	if (timer_cycles_left(lapic, &host_tsc) > slack) {
		timer_arm(lapic);
		return;
	}
	if (deadline) {
		timer->deadline = 0;
	} else if (timer_mode(lapic) == APIC_LVT_TIMER_PERIODIC) {
		/* the mode may have been one-shot when the period was set */
		timer->period = max(timer->period, lintel_timer_min_period());
		late = max_t(s64, ktime_to_ns(ktime_sub(ktime_get(), timer->target)), 0);
		timer->target = ktime_add_ns(timer->target,
					     (div64_u64(late, timer->period) + 1) * timer->period);
		timer_arm(lapic);
	}
	lintel_lapic_local(lapic, APIC_LVTT);
}

void lintel_lapic_timer_update(struct lintel_vcpu *vcpu)
{
	struct lintel_lapic *lapic = vcpu->lapic;

	if (!lapic)
		return;
	if (READ_ONCE(lapic->timer.pending) ||
	    (lapic->vcpu->timer_tsc != LINTEL_TIMER_NEVER && rdtsc() >= lapic->vcpu->timer_tsc))
		timer_take(lapic);
}

void lintel_lapic_timer_wait(struct lintel_vcpu *vcpu, bool waiting)
{
	struct lintel_lapic *lapic = vcpu->lapic;

	if (!lapic || !lintel_params.preemption_timer)
		return;
	lapic->timer.waiting = waiting;
	if (timer_disarm(lapic))
		timer_arm(lapic);
}

void lintel_lapic_timer_tsc_moved(struct lintel_vcpu *vcpu)
{
	if (vcpu->lapic && timer_disarm(vcpu->lapic))
		timer_arm(vcpu->lapic);
}

u64 lintel_lapic_tsc_deadline(struct lintel_vcpu *vcpu)
{
	struct lintel_lapic *lapic = vcpu->lapic;

	return lapic && timer_is_deadline(lapic) ? lapic->timer.deadline : 0;
}

void lintel_lapic_set_tsc_deadline(struct lintel_vcpu *vcpu, u64 deadline)
{
	struct lintel_lapic *lapic = vcpu->lapic;

	if (!lapic || !lapic_enabled(lapic) || !timer_is_deadline(lapic))
		return;
	lintel_lapic_timer_update(vcpu);
	timer_cancel(lapic);
	lapic->timer.deadline = deadline;
	if (deadline)
		timer_arm(lapic);
}
