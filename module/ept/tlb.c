// SPDX-License-Identifier: GPL-2.0-only
/*
 * Making CPUs forget: INVEPT, here and elsewhere.
 *
 * INVEPT works on the CPU that executes it, so a flush does two things.  It clears ept->ran_on, by
 * which every CPU that runs this root again does an INVEPT before the entry, wherever a vCPU
 * turns up; and it makes the vCPUs that are in the guest right now leave it, and waits.  The wait
 * is for an empty function call by IPI: the window from mode = IN_GUEST to the exit has interrupts
 * off, so the call is answered when the window is over.  A vCPU that enters at the same time
 * either sees the cleared mask and the request, or is seen IN_GUEST here.
 */
#include <linux/smp.h>

#include "../vcpu.h"
#include "../vmx/ops.h"
#include "internal.h"

static void flush_ack(void *unused)
{
}

void lintel_ept_flush(struct lintel_vm *vm)
{
	struct lintel_ept *ept = &vm->ept;
	struct lintel_vcpu *vcpu;
	unsigned int i;
	int self;

	lockdep_assert_held_write(&ept->lock);

	self = get_cpu();
	cpumask_clear(&ept->ran_on);
	cpumask_clear(&ept->kick);
	/* Clear ran_on, then look at the modes; the entry path does it the other way round. */
	smp_mb();
	for_each_vcpu(i, vcpu, vm) {
		int cpu;

		lintel_vcpu_request(vcpu, REQ_TLB_FLUSH);
		if (READ_ONCE(vcpu->mode) != IN_GUEST)
			continue;
		cpu = READ_ONCE(vcpu->cpu);
		if (cpu >= 0 && cpu != self)
			cpumask_set_cpu(cpu, &ept->kick);
	}
	if (!cpumask_empty(&ept->kick))
		smp_call_function_many(&ept->kick, flush_ack, NULL, true);
	put_cpu();
}

void lintel_ept_flush_cpu(struct lintel_vm *vm)
{
	struct lintel_ept *ept = &vm->ept;
	int cpu = smp_processor_id();

	if (!cpumask_test_cpu(cpu, &ept->touched))
		cpumask_set_cpu(cpu, &ept->touched);
	/* Marked first: a flush from here on clears the mark again, and is not lost. */
	cpumask_set_cpu(cpu, &ept->ran_on);
	smp_mb__after_atomic();
	if (invept_single(ept->eptp))
		WRITE_ONCE(vm->dead, true);
}

static void forget_here(void *arg)
{
	struct lintel_ept *ept = arg;

	/* A failure was reported by invept_single(); without VMX there is nothing to forget. */
	invept_single(ept->eptp);
}

void ept_forget_everywhere(struct lintel_ept *ept)
{
	on_each_cpu_mask(&ept->touched, forget_here, ept, true);
}
