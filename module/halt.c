// SPDX-License-Identifier: GPL-2.0-only
/*
 * Waiting in HLT, and for INIT and SIPI.
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
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/sched/stat.h>
#include <linux/wait.h>

#include "irq/irq.h"
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

static bool should_wake(struct lintel_vcpu *vcpu)
{
	if (READ_ONCE(vcpu->vm->dead) || lintel_lapic_has_event(vcpu) ||
	    test_bit(REQ_INSPECT, &vcpu->requests))
		return true;
	if (vcpu->mp_state == KVM_MP_STATE_HALTED)
		return READ_ONCE(vcpu->pv.unhalted) || lintel_has_deliverable_event(vcpu);
	return vcpu->mp_state == KVM_MP_STATE_RUNNABLE;
}

/* Poll for at most @window ns.  True: what it waited for is there.  @now: when it ended. */
static bool poll(struct lintel_vcpu *vcpu, u64 start, u32 window, u64 *now)
{
	do {
		if (should_wake(vcpu))
			return true;
		cpu_relax();
		*now = ktime_get_ns();
		/* a CPU that somebody else wants is given up */
	} while (*now - start < window && single_task_running() && !need_resched() &&
		 !signal_pending(current));
	return false;
}

static int wait_asleep(struct lintel_vcpu *vcpu)
{
	int err;

	lintel_lapic_timer_wait(vcpu, true);
	lintel_vcpu_put(vcpu);
	err = wait_event_interruptible(vcpu->wait, should_wake(vcpu));
	lintel_vcpu_load(vcpu);
	lintel_lapic_timer_wait(vcpu, false);
	return err ? -EINTR : 0;
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
static int wait_in_hlt(struct lintel_vcpu *vcpu)
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
	bool over = false;
	int ret = 0;

	if (window) {
		over = poll(vcpu, start, window, &polled);
		stats->halt_attempted_poll++;
		stats->halt_successful_poll += over;
		*(over ? &stats->halt_poll_success_ns : &stats->halt_poll_fail_ns) +=
			polled - start;
	}
	end = polled;
	if (!over) {
		ret = wait_asleep(vcpu);
		end = ktime_get_ns();
		stats->halt_wait_ns += end - polled;
	}
	vcpu->halt_window = halt_window_next(window, end - start, &rules);
	return ret;
}

int lintel_block(struct lintel_vcpu *vcpu)
{
	int err;

	/* The condition reads cached registers only: fill the cache while it can be. */
	lintel_reg_need(vcpu, REG_ALL);
	err = vcpu->mp_state == KVM_MP_STATE_HALTED ? wait_in_hlt(vcpu) : wait_asleep(vcpu);
	if (err)
		return err;
	vcpu->stats.halt_wakeups++;
	if (vcpu->mp_state == KVM_MP_STATE_HALTED &&
	    (xchg(&vcpu->pv.unhalted, false) || lintel_has_deliverable_event(vcpu)))
		WRITE_ONCE(vcpu->mp_state, KVM_MP_STATE_RUNNABLE);
	return RESUME;
}
