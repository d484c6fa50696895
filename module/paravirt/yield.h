/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Directed yield: the CPU that a spinning vCPU wastes is given to a vCPU of the same VM that
 * wants to run.
 */
#ifndef LINTEL_PARAVIRT_YIELD_H
#define LINTEL_PARAVIRT_YIELD_H

#include <linux/pid.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>

#include "../vcpu.h"

/* lintel_yield_note_thread - the current thread is the one to boost.  vcpu->mutex; may sleep. */
void lintel_yield_new_thread(struct lintel_vcpu *vcpu);

static inline void lintel_yield_note_thread(struct lintel_vcpu *vcpu)
{
	if (unlikely(rcu_access_pointer(vcpu->pid) != task_pid(current)))
		lintel_yield_new_thread(vcpu);
}

/* lintel_yield_on_spin - @me spins: let another vCPU run that was preempted, if there is one. */
void lintel_yield_on_spin(struct lintel_vcpu *me);

/* lintel_yield_to - @me waits for @target, NULL: a vCPU that does not exist.  @me's thread. */
void lintel_yield_to(struct lintel_vcpu *me, struct lintel_vcpu *target);

#endif
