// SPDX-License-Identifier: GPL-2.0-only
/*
 * Making CPUs forget: INVEPT, here and elsewhere.
 *
 * INVEPT works on the CPU that executes it, so a flush does two things.  It makes a request of every
 * vCPU, which is served by an INVEPT before its next entry; and it makes those that are in the
 * guest right now leave it, and waits.  The wait is for an empty function call by IPI: the window
 * from mode = IN_GUEST to the exit has interrupts off, so the call is answered when the window is
 * over.  A vCPU that enters at the same time either sees the request, or is seen IN_GUEST here; one
 * that comes to another CPU makes the request of itself.
 */
#include <linux/smp.h>

#include "../vcpu.h"
#include "../vmx/cpu.h"
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
	cpumask_clear(&ept->kick);
	for_each_vcpu(i, vcpu, vm) {
		int cpu;

		lintel_vcpu_request(vcpu, REQ_TLB_FLUSH);	/* with a full barrier */
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

	if (!cpumask_test_cpu(cpu, &ept->ran_on))
		cpumask_set_cpu(cpu, &ept->ran_on);
	if (invept_single(ept->eptp))
		WRITE_ONCE(vm->dead, true);
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
	on_each_cpu_mask(&ept->ran_on, forget_here, ept, true);
}
