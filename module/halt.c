// SPDX-License-Identifier: GPL-2.0-only
/*
 * Waiting in HLT, for INIT and SIPI, and for an absent page.
 *
 * To sleep and to be woken costs the host some thousand instructions, and the waker an IPI.  So a
 * halted vCPU first polls for a while, if nothing else wants its CPU: the end of many halts (an
 * answer of a device's thread, another vCPU's IPI) is near.  How long it polls follows what
 * earlier halts of this vCPU have shown (paravirt/window.h); KVM_CAP_HALT_POLL bounds it for a VM,
 * the module's parameters for all, and a guest that polls by itself switches it off
 * (MSR_KVM_POLL_CONTROL).
 */
#include "halt.h"

#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/rcuwait.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/sched/stat.h>

#include "irq/irq.h"
#include "paravirt/apf.h"
#include "paravirt/window.h"
#include "regs.h"
#include "vm.h"
#include "vmx/event.h"

/* Names, defaults and meaning are KVM's. */
static unsigned int halt_poll_ns = 200000;
module_param(halt_poll_ns, uint, 0644);
MODULE_PARM_DESC(halt_poll_ns, "longest time a halted vCPU polls, in ns; 0: never (200000)");

static unsigned int halt_poll_ns_grow = 2;
module_param(halt_poll_ns_grow, uint, 0644);
MODULE_PARM_DESC(halt_poll_ns_grow, "factor by which polling grows; 0: it does not (2)");

static unsigned int halt_poll_ns_grow_start = 10000;
module_param(halt_poll_ns_grow_start, uint, 0644);
MODULE_PARM_DESC(halt_poll_ns_grow_start, "first step of polling that grows, in ns (10000)");

static unsigned int halt_poll_ns_shrink = 2;
module_param(halt_poll_ns_shrink, uint, 0644);
MODULE_PARM_DESC(halt_poll_ns_shrink, "divisor by which polling shrinks; 0: to nothing (2)");

/* What a sleeper serves. */
#define WAKING_REQUESTS	(BIT(REQ_INSPECT) | BIT(REQ_APF) | BIT(REQ_PMU))

/* What a fetched page brings concerns a guest that halts, counters one that has been begun. */
static noinline bool served_asleep(const struct lintel_vcpu *vcpu)
{
	unsigned long requests = READ_ONCE(vcpu->requests);

	return (requests & BIT(REQ_INSPECT)) ||
	       ((requests & BIT(REQ_APF)) && vcpu->mp_state == KVM_MP_STATE_HALTED) ||
	       ((requests & BIT(REQ_PMU)) && vcpu->mp_state != KVM_MP_STATE_UNINITIALIZED);
}

/* Why a sleeper is to wake. */
enum wake {
	WAKE_NOT,
	WAKE_SERVE,		/* something is to be served, and then it may sleep on */
	WAKE_RUN,		/* what it waited for is there */
};

static enum wake should_wake(struct lintel_vcpu *vcpu)
{
	bool runs = false;

	if (READ_ONCE(vcpu->vm->dead) || lintel_lapic_has_event(vcpu))
		return WAKE_SERVE;
	if (unlikely(READ_ONCE(vcpu->requests) & WAKING_REQUESTS) && served_asleep(vcpu))
		return WAKE_SERVE;
	if (vcpu->mp_state == KVM_MP_STATE_HALTED)
		runs = READ_ONCE(vcpu->pv.unhalted) || lintel_has_deliverable_event(vcpu);
	else if (vcpu->mp_state == KVM_MP_STATE_RUNNABLE)	/* it waits for a page */
		runs = lintel_apf_arrived(vcpu) || lintel_has_deliverable_event(vcpu);
	return runs ? WAKE_RUN : WAKE_NOT;
}

/* Poll for at most @window ns.  @now: when it ended. */
static enum wake poll(struct lintel_vcpu *vcpu, u64 start, u32 window, u64 *now)
{
	enum wake wake;

	do {
		wake = should_wake(vcpu);
		if (wake != WAKE_NOT)
			return wake;
		cpu_relax();
		*now = ktime_get_ns();
		/* a CPU that somebody else wants is given up */
	} while (*now - start < window && single_task_running() && !need_resched() &&
		 !signal_pending(current));
	return WAKE_NOT;
}

/* WAKE_NOT: a signal. */
static enum wake wait_asleep(struct lintel_vcpu *vcpu)
{
	enum wake wake;

	lintel_lapic_timer_wait(vcpu, true);
	lintel_vcpu_put(vcpu);
	might_sleep();
	rcuwait_wait_event(&vcpu->wait, (wake = should_wake(vcpu)) != WAKE_NOT,
			   TASK_INTERRUPTIBLE);
	lintel_vcpu_load(vcpu);
	lintel_lapic_timer_wait(vcpu, false);
	return wake;
}

/* A VM's own bound replaces the parameter, even by more: its owner's thread is what spins. */
static u32 max_window(const struct lintel_vcpu *vcpu)
{
	u64 own = READ_ONCE(vcpu->vm->halt_poll_max);

	if (!vcpu->pv.poll_control)
		return 0;
	return own <= U32_MAX ? own : READ_ONCE(halt_poll_ns);
}

/* HLT: poll, sleep, and learn from how long it took. */
static enum wake wait_in_hlt(struct lintel_vcpu *vcpu)
{
	const struct window_rules rules = {
		.start = READ_ONCE(halt_poll_ns_grow_start),
		.grow = READ_ONCE(halt_poll_ns_grow),
		.shrink = READ_ONCE(halt_poll_ns_shrink),
		.max = max_window(vcpu),
	};
	struct lintel_vcpu_stats *stats = &vcpu->stats;
	u64 start = ktime_get_ns(), polled = start, end;
	u32 window = min(vcpu->halt_window, rules.max);
	enum wake wake = WAKE_NOT;

	if (window) {
		wake = poll(vcpu, start, window, &polled);
		stats->halt_attempted_poll++;
		stats->halt_successful_poll += wake != WAKE_NOT;
		*(wake != WAKE_NOT ? &stats->halt_poll_success_ns : &stats->halt_poll_fail_ns) +=
			polled - start;
	}
	end = polled;
	if (wake == WAKE_NOT) {
		wake = wait_asleep(vcpu);
		end = ktime_get_ns();
		stats->halt_wait_ns += end - polled;
	}
	vcpu->halt_window = halt_window_next(window, end - start, &rules);
	return wake;
}

int lintel_block(struct lintel_vcpu *vcpu)
{
	enum wake wake;

	/* The condition reads cached registers only: fill the cache while it can be. */
	lintel_reg_need(vcpu, REG_ALL);
	wake = vcpu->mp_state == KVM_MP_STATE_HALTED ? wait_in_hlt(vcpu) : wait_asleep(vcpu);
	if (wake == WAKE_NOT)
		return -EINTR;
	vcpu->stats.halt_wakeups++;
	if (vcpu->mp_state == KVM_MP_STATE_HALTED && wake == WAKE_RUN) {
		if (READ_ONCE(vcpu->pv.unhalted))
			xchg(&vcpu->pv.unhalted, false);
		WRITE_ONCE(vcpu->mp_state, KVM_MP_STATE_RUNNABLE);
	}
	return RESUME;
}

int lintel_block_for_page(struct lintel_vcpu *vcpu)
{
	lintel_reg_need(vcpu, REG_ALL);
	return wait_asleep(vcpu) == WAKE_NOT ? -EINTR : RESUME;
}
