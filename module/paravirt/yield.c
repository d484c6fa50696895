// SPDX-License-Identifier: GPL-2.0-only
/*
 * Directed yield.
 *
 * A vCPU spins because another one holds a lock or has not answered an IPI, and that one may wait
 * for a host CPU.  Which one it is cannot be told; those that are ready to run but do not (they
 * were preempted, or woken and not yet scheduled) are few.  First come those for whom an event is
 * pending, an IPI perhaps that the spinner waits for; then any, in turns, beginning after the one
 * that was boosted last.  Those that gave their CPU away while they were spinning come last: most
 * likely they would go on spinning, but one of them may have got what it waited for.
 *
 * A search is three passes over the VM's vCPUs, and at most three yields that fail.
 */
#include "yield.h"

#include <linux/kernel.h>
#include <linux/pid.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/stat.h>
#include <linux/sched/task.h>

#include "../compat.h"
#include "../pmu/pmu.h"
#include "../vcpu.h"
#include "../vm.h"

#define YIELD_TRIES	3

/* In the order of the passes. */
enum candidates {
	WITH_EVENT,
	NOT_SPINNING,
	ALL_READY,
	NR_PASSES,
};

void lintel_yield_new_thread(struct lintel_vcpu *vcpu)
{
	struct pid *old = rcu_dereference_protected(vcpu->pid, lockdep_is_held(&vcpu->mutex));

	rcu_assign_pointer(vcpu->pid, get_task_pid(current, PIDTYPE_PID));
	/* what another thread waited was no time of this vCPU's */
	vcpu->pv.steal.run_delay = lintel_run_delay();
	lintel_pmu_new_thread(vcpu);
	if (old) {
		synchronize_rcu();
		put_pid(old);
	}
}

static int yield_to_thread(struct lintel_vcpu *vcpu)
{
	struct task_struct *task;
	int ret;

	rcu_read_lock();
	task = get_pid_task(rcu_dereference(vcpu->pid), PIDTYPE_PID);
	rcu_read_unlock();
	if (!task)
		return 0;
	ret = yield_to(task, true);
	put_task_struct(task);
	return ret;
}

static bool is_candidate(struct lintel_vcpu *vcpu, enum candidates which)
{
	if (!READ_ONCE(vcpu->ready) || (which < ALL_READY && READ_ONCE(vcpu->spinning)))
		return false;
	return which > WITH_EVENT || test_bit(REQ_EVENT, &vcpu->requests);
}

/* One round over the VM.  True: the CPU was given away, or there is no use in trying on. */
static bool boost_one(struct lintel_vcpu *me, enum candidates which, unsigned int *tries)
{
	struct lintel_vm *vm = me->vm;
	unsigned int nr = READ_ONCE(vm->nr_vcpus), first = READ_ONCE(vm->last_boosted), i;

	for (i = 1; i <= nr; i++) {
		struct lintel_vcpu *vcpu = lintel_vm_vcpu(vm, (first + i) % nr);
		int ret;

		if (!vcpu || vcpu == me || !is_candidate(vcpu, which))
			continue;
		me->stats.directed_yield_attempted++;
		ret = yield_to_thread(vcpu);
		if (ret > 0) {
			me->stats.directed_yield_successful++;
			WRITE_ONCE(vm->last_boosted, vcpu->index);
			return true;
		}
		if (ret < 0 && !--*tries)
			return true;
	}
	return false;
}

void lintel_yield_on_spin(struct lintel_vcpu *me)
{
	unsigned int tries = YIELD_TRIES;
	enum candidates which;

	WRITE_ONCE(me->spinning, true);
	for (which = 0; which < NR_PASSES; which++)
		if (boost_one(me, which, &tries))
			break;
	WRITE_ONCE(me->spinning, false);
}

void lintel_yield_to(struct lintel_vcpu *me, struct lintel_vcpu *target)
{
	me->stats.directed_yield_attempted++;
	if (!target || target == me || !READ_ONCE(target->ready) || single_task_running())
		return;
	if (yield_to_thread(target) > 0)
		me->stats.directed_yield_successful++;
}
