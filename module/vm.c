// SPDX-License-Identifier: GPL-2.0-only
/*
 * Lifetime of a VM.
 *
 * Made by KVM_CREATE_VM, kept by its own file and by each vCPU's, freed with the last of them.
 * Creation goes downwards: hold on VMX operation, EPT with its MMU notifier; destruction is the
 * reverse, after all vCPUs (which nothing can run any more) are gone.
 */
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <asm/tsc.h>

#include "irq/irq.h"
#include "paravirt/apf.h"
#include "paravirt/clock.h"
#include "pmu/pmu.h"
#include "registry.h"
#include "vcpu.h"
#include "vcpu_life.h"
#include "vm.h"
#include "vmx/cpu.h"
#include "vmx/msr_filter.h"

struct lintel_vm *lintel_vm_create(void)
{
	struct lintel_vm *vm;
	int err;

	vm = kzalloc(sizeof(*vm), GFP_KERNEL_ACCOUNT);
	if (!vm)
		return ERR_PTR(-ENOMEM);
	kref_init(&vm->refs);
	mutex_init(&vm->lock);
	mutex_init(&vm->slots_lock);
	mutex_init(&vm->tsc_lock);
	vm->tsc_khz = tsc_khz;
	vm->halt_poll_max = U64_MAX;
	vm->apic_bus_ns = 1;
	vm->tsc_start = rdtsc();
	xa_init_flags(&vm->vcpus, XA_FLAGS_ACCOUNT);
	lintel_clock_init(vm);
	lintel_coalesced_init(vm);

	err = init_srcu_struct(&vm->srcu);
	if (err)
		goto free_vm;
	err = init_srcu_struct(&vm->io_srcu);
	if (err)
		goto cleanup_srcu;
	err = vmx_get();
	if (err)
		goto cleanup_io_srcu;
	vm->mm = current->mm;
	mmgrab(vm->mm);
	err = lintel_ept_init(vm);
	if (err)
		goto drop_mm;
	__module_get(THIS_MODULE);
	lintel_identity_init(&vm->identity);
	lintel_registry_add(vm);
	return vm;
drop_mm:
	mmdrop(vm->mm);
	vmx_put();
cleanup_io_srcu:
	cleanup_srcu_struct(&vm->io_srcu);
cleanup_srcu:
	cleanup_srcu_struct(&vm->srcu);
free_vm:
	kfree(vm);
	return ERR_PTR(err);
}

void lintel_vm_get(struct lintel_vm *vm)
{
	kref_get(&vm->refs);
}

static void vm_release(struct kref *refs)
{
	struct lintel_vm *vm = container_of(refs, struct lintel_vm, refs);
	unsigned int i;

	lintel_registry_remove(vm);
	lintel_ioeventfd_destroy(vm);
	lintel_irqchip_destroy(vm);
	/* before the vCPUs: the MMU notifier looks at them until it is unregistered */
	lintel_ept_destroy(vm);
	if (vm->apic_page)
		__free_page(vm->apic_page);
	/* from the end, so that whoever walks the others finds none that is freed */
	while (vm->nr_vcpus) {
		i = vm->nr_vcpus - 1;
		smp_store_release(&vm->nr_vcpus, i);
		lintel_vcpu_destroy(xa_erase(&vm->vcpus, i));
	}
	lintel_apf_free_vm(vm);
	lintel_coalesced_destroy(vm);
	mmdrop(vm->mm);
	vmx_put();
	lintel_msr_filter_free(vm);
	if (rcu_access_pointer(vm->pmu_filter))
		lintel_pmu_filter_free(vm);
	cleanup_srcu_struct(&vm->io_srcu);
	cleanup_srcu_struct(&vm->srcu);
	kfree(vm);
	module_put(THIS_MODULE);
}

void lintel_vm_put(struct lintel_vm *vm)
{
	kref_put(&vm->refs, vm_release);
}

void lintel_vm_kill(struct lintel_vm *vm)
{
	struct lintel_vcpu *vcpu;
	unsigned int i;

	WRITE_ONCE(vm->dead, true);
	for_each_vcpu(i, vcpu, vm) {
		lintel_vcpu_request(vcpu, REQ_DEAD);
		lintel_vcpu_kick(vcpu);
	}
}
