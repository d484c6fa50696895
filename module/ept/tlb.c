// SPDX-License-Identifier: GPL-2.0-only
/*
 * Making CPUs forget: INVEPT, here and elsewhere.
 *
 * INVEPT works on the CPU that executes it, so a flush does two things.  It makes a request of
 * every vCPU, which is served before its next entry; and it makes those that are in the guest right
 * now leave it, and waits.  The wait is for an empty function call by IPI: the window from mode =
 * IN_GUEST to the exit has interrupts off, so the call is answered when the window is over.  A vCPU
 * that enters at the same time either sees the request, or is seen IN_GUEST here; one that comes to
 * another CPU makes the request of itself.
 *
 * Flushes are numbered, and each CPU keeps the number of the last one it has served, so that of
 * several vCPUs on a CPU one executes the INVEPT for all, and a vCPU that only moves executes none.
 * The number is read before the INVEPT and kept after it: it is never too high.
 */
#include <linux/percpu.h>
#include <linux/smp.h>

#include "../vcpu.h"
#include "../vmx/cpu.h"
#include "../vmx/ops.h"
#include "internal.h"

/* Scratch of whoever has preemption off: too large for the stack, and not worth having per VM. */
static DEFINE_PER_CPU(cpumask_t, flush_cpus);

static void flush_ack(void *unused)
{
}

void lintel_ept_flush(struct lintel_vm *vm)
{
	struct lintel_ept *ept = &vm->ept;
	struct lintel_vcpu *vcpu;
	struct cpumask *kick;
	unsigned int i;
	int self;

	lockdep_assert_held_write(&ept->lock);

	WRITE_ONCE(ept->flush_nr, ept->flush_nr + 1);
	self = get_cpu();
	kick = this_cpu_ptr(&flush_cpus);
	cpumask_clear(kick);
	for_each_vcpu(i, vcpu, vm) {
		int cpu;

		lintel_vcpu_request(vcpu, REQ_EPT_FLUSH);	/* with a full barrier */
		if (READ_ONCE(vcpu->mode) != IN_GUEST)
			continue;
		cpu = READ_ONCE(vcpu->cpu);
		if (cpu >= 0 && cpu != self)
			cpumask_set_cpu(cpu, kick);
	}
	if (!cpumask_empty(kick)) {
		WRITE_ONCE(ept->nr_kicks, ept->nr_kicks + cpumask_weight(kick));
		smp_call_function_many(kick, flush_ack, NULL, true);
	}
	put_cpu();
}

bool lintel_ept_flush_cpu(struct lintel_vm *vm)
{
	struct lintel_ept *ept = &vm->ept;
	u64 nr = READ_ONCE(ept->flush_nr);

	if (this_cpu_read(*ept->flushed) == nr)
		return false;
	if (invept_single(ept->eptp))
		WRITE_ONCE(vm->dead, true);
	this_cpu_write(*ept->flushed, nr);
	return true;
}

static void forget_here(void *arg)
{
	struct lintel_ept *ept = arg;

	/* A CPU that has left VMX operation flushes each root before its first use there. */
	if (this_cpu_read(lintel_cpu.on))
		invept_single(ept->eptp);
}

void ept_forget_everywhere(struct lintel_ept *ept)
{
	struct cpumask *ran_on;
	int cpu;

	preempt_disable();
	ran_on = this_cpu_ptr(&flush_cpus);
	cpumask_clear(ran_on);
	for_each_online_cpu(cpu)
		if (*per_cpu_ptr(ept->flushed, cpu))
			cpumask_set_cpu(cpu, ran_on);
	on_each_cpu_mask(ran_on, forget_here, ept, true);
	preempt_enable();
}
