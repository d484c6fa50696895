// SPDX-License-Identifier: GPL-2.0-only
/*
 * Making and freeing a vCPU, and binding it to a CPU.
 *
 * While loaded, a vCPU follows its thread: when the scheduler takes the thread off the CPU, what
 * the guest left in MSRs is put away; when it puts it on another CPU, the VMCS is cleared where it
 * was.  Guest entries happen only between load and put.
 */
#include <linux/mm.h>
#include <linux/pid.h>
#include <linux/preempt.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <asm/apicdef.h>
#include <asm/irq_vectors.h>
#include <asm/msr-index.h>

#include "irq/irq.h"
#include "compat.h"
#include "flight.h"
#include "paravirt/apf.h"
#include "paravirt/clock.h"
#include "paravirt/pv.h"
#include "params.h"
#include "pmu/pmu.h"
#include "regs.h"
#include "vcpu_life.h"
#include "vm.h"
#include "vmx/controls.h"
#include "vmx/cpuid.h"
#include "vmx/msr.h"
#include "vmx/ple.h"
#include "vmx/tsc.h"

/* Preemption off.  The vCPU may come from another CPU, where its VMCS is still active. */
static __always_inline void load_on_cpu(struct lintel_vcpu *vcpu, int cpu)
{
	if (vcpu->vmcs.cpu != cpu) {
		vmcs_clear_remote(&vcpu->vmcs);
		/* this CPU may hold translations from an earlier stay */
		lintel_vcpu_request(vcpu, REQ_TLB_FLUSH);
		lintel_vcpu_request(vcpu, REQ_EPT_FLUSH);
		/* CPUs whose TSCs differ: kvm-clock and the timer need this one's */
		if (!lintel_clock_stable()) {
			lintel_vcpu_request(vcpu, REQ_CLOCK);
			lintel_lapic_timer_tsc_moved(vcpu);
		}
	}
	if (vcpu->pv.steal.msr)
		lintel_steal_load(vcpu);
	WRITE_ONCE(vcpu->cpu, cpu);
	if (vcpu->notified_cpu != cpu) {
		vcpu->notified_cpu = cpu;
		lintel_vapic_load(vcpu, POSTED_INTR_VECTOR,
				  pi_ndst(cpu_physical_id(cpu), lintel_host_x2apic()));
	}
}

static __always_inline void put_from_cpu(struct lintel_vcpu *vcpu)
{
	vmx_host_put(vcpu);
	if (vcpu->pv.steal.msr)
		lintel_steal_put(vcpu);
	WRITE_ONCE(vcpu->cpu, -1);
}

static void sched_in(struct preempt_notifier *notifier, int cpu)
{
	struct lintel_vcpu *vcpu = container_of(notifier, struct lintel_vcpu, preempt_notifier);

	WRITE_ONCE(vcpu->ready, false);
	vmx_ple_rested(vcpu);
	load_on_cpu(vcpu, cpu);
}

static void sched_out(struct preempt_notifier *notifier, struct task_struct *next)
{
	struct lintel_vcpu *vcpu = container_of(notifier, struct lintel_vcpu, preempt_notifier);

	if (task_is_runnable(current))
		WRITE_ONCE(vcpu->ready, true);
	lintel_vapic_preempted(vcpu);
	vcpu->notified_cpu = -1;
	put_from_cpu(vcpu);
}

static struct preempt_ops preempt_ops = {
	.sched_in = sched_in,
	.sched_out = sched_out,
};

void lintel_vcpu_load(struct lintel_vcpu *vcpu)
{
	int cpu = get_cpu();

	WRITE_ONCE(vcpu->thread, current);
	WRITE_ONCE(vcpu->ready, false);
	preempt_notifier_register(&vcpu->preempt_notifier);
	load_on_cpu(vcpu, cpu);
	put_cpu();
}

void lintel_vcpu_put(struct lintel_vcpu *vcpu)
{
	preempt_disable();
	put_from_cpu(vcpu);
	WRITE_ONCE(vcpu->thread, NULL);
	preempt_notifier_unregister(&vcpu->preempt_notifier);
	preempt_enable();
}

/* Of its own: the general sizes above this one are twice as large. */
static struct kmem_cache *vcpu_cache;

int lintel_vcpus_init(void)
{
	vcpu_cache = KMEM_CACHE(lintel_vcpu, SLAB_ACCOUNT);
	return vcpu_cache ? 0 : -ENOMEM;
}

void lintel_vcpus_exit(void)
{
	kmem_cache_destroy(vcpu_cache);
}

static struct lintel_vcpu *alloc_vcpu(struct lintel_vm *vm, u32 id)
{
	struct lintel_vcpu *vcpu = kmem_cache_zalloc(vcpu_cache, GFP_KERNEL);

	if (!vcpu)
		return NULL;
	vcpu->vm = vm;
	vcpu->id = id;
	vcpu->index = vm->nr_vcpus;
	vcpu->cpu = -1;
	vcpu->notified_cpu = -1;
	vcpu->vmcs.cpu = -1;
	vcpu->mode = OUTSIDE_GUEST;
	vcpu->timer_tsc = LINTEL_TIMER_NEVER;
	lintel_tsc_init(vcpu);
	vcpu->mcg_cap = ARRAY_SIZE(vcpu->mce_banks) / 4;
	vcpu->ucode_rev = LINTEL_UCODE_REV;
	vcpu->msr_arch_capabilities = lintel_arch_capabilities();
	vcpu->full_width_writes = lintel_params.pmu;
	vcpu->pv.poll_control = 1;
	vcpu->apic_base = APIC_DEFAULT_PHYS_BASE | MSR_IA32_APICBASE_ENABLE |
			  (id == vm->boot_cpu_id ? MSR_IA32_APICBASE_BSP : 0);
	mutex_init(&vcpu->mutex);
	rcuwait_init(&vcpu->wait);
	preempt_notifier_init(&vcpu->preempt_notifier, &preempt_ops);
	vcpu->run = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	if (!vcpu->run) {
		kmem_cache_free(vcpu_cache, vcpu);
		return NULL;
	}
	vcpu->pio_data = (void *)vcpu->run + LINTEL_PIO_OFFSET;
	return vcpu;
}

static int init_vcpu(struct lintel_vcpu *vcpu)
{
	int err = guest_fpu_alloc(vcpu);

	lintel_flight_init(vcpu);
	if (!err)
		err = lintel_ring_alloc(vcpu);
	if (!err)
		err = lintel_cpuid_set(vcpu, NULL, 0);
	if (!err)
		err = vmx_vcpu_init(vcpu);
	if (!err && lintel_irqchip_in_kernel(vcpu->vm))
		err = lintel_lapic_create(vcpu);
	if (err)
		return err;

	lintel_vcpu_load(vcpu);
	err = vmx_vcpu_setup(vcpu);
	lintel_vcpu_put(vcpu);
	if (vcpu->lapic && vcpu->id != vcpu->vm->boot_cpu_id)
		vcpu->mp_state = KVM_MP_STATE_UNINITIALIZED;
	else
		vcpu->mp_state = KVM_MP_STATE_RUNNABLE;
	return err;
}

void lintel_vcpu_destroy(struct lintel_vcpu *vcpu)
{
	if (vcpu->pmu)
		lintel_pmu_free(vcpu);
	lintel_apf_free(vcpu);
	lintel_lapic_destroy(vcpu);
	vmx_vcpu_free(vcpu);
	lintel_cpuid_free(vcpu);
	guest_fpu_free(vcpu);
	lintel_ring_free(vcpu);
	lintel_flight_free(vcpu);
	put_pid(rcu_dereference_protected(vcpu->pid, true));
	kfree(vcpu->emul);
	free_page((unsigned long)vcpu->run);
	if (vcpu->second_page)
		__free_page(vcpu->second_page);
	kmem_cache_free(vcpu_cache, vcpu);
}

struct lintel_vcpu *lintel_vcpu_create(struct lintel_vm *vm, u32 id)
{
	struct lintel_vcpu *vcpu;
	unsigned int i;
	int err;

	if (!vm->max_vcpu_id)
		vm->max_vcpu_id = LINTEL_MAX_VCPU_ID;
	if (id >= vm->max_vcpu_id)
		return ERR_PTR(-EINVAL);
	if (vm->nr_vcpus >= LINTEL_MAX_VCPUS)
		return ERR_PTR(-EINVAL);
	for_each_vcpu(i, vcpu, vm)
		if (vcpu->id == id)
			return ERR_PTR(-EEXIST);

	vcpu = alloc_vcpu(vm, id);
	if (!vcpu)
		return ERR_PTR(-ENOMEM);
	err = init_vcpu(vcpu);
	if (!err)
		err = xa_err(xa_store(&vm->vcpus, vcpu->index, vcpu, GFP_KERNEL_ACCOUNT));
	if (err) {
		lintel_vcpu_destroy(vcpu);
		return ERR_PTR(err);
	}
	/* Pairs with lintel_vm_vcpu(). */
	smp_store_release(&vm->nr_vcpus, vm->nr_vcpus + 1);
	lintel_lapic_map_update(vm);
	return vcpu;
}
