// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_ENABLE_CAP: behaviour that a VM or vCPU has only when its owner asks for it.
 *
 * One row for each capability: the bits that args[0] may have, and what sets it.  Other arguments
 * and flags must be zero, so that they can mean something one day.
 */
#include <linux/kernel.h>
#include <linux/kvm.h>

#include "dev.h"
#include "../compat.h"
#include "../irq/irq.h"
#include "../params.h"
#include "../vcpu.h"
#include "../vm.h"
#include "../vmx/controls.h"
#include "../vmx/msr_filter.h"
#include "../vmx/watch.h"

/* vCPUs that exist follow before their next entry. */
static void controls_changed(struct lintel_vm *vm)
{
	struct lintel_vcpu *vcpu;
	unsigned int i;

	for_each_vcpu(i, vcpu, vm) {
		lintel_vcpu_request(vcpu, REQ_EXITS);
		lintel_vcpu_kick(vcpu);
	}
}

static long disable_exits(struct lintel_vm *vm, const u64 *args)
{
	if ((args[0] & KVM_X86_DISABLE_EXITS_MWAIT) && !vmx_mwait_possible())
		return -EINVAL;
	WRITE_ONCE(vm->disabled_exits, vm->disabled_exits | args[0]);
	controls_changed(vm);
	return 0;
}

/* Once on it stays on. */
static long bus_lock_exits(struct lintel_vm *vm, const u64 *args)
{
	if (!watch_bus_lock_valid(args[0], watch_bus_lock_possible()))
		return -EINVAL;
	if (args[0] & KVM_BUS_LOCK_DETECTION_EXIT) {
		WRITE_ONCE(vm->bus_lock_exits, true);
		controls_changed(vm);
	}
	return 0;
}

/* Before the first vCPU. */
static long notify_exits(struct lintel_vm *vm, const u64 *args)
{
	if (!watch_notify_valid(args[0], watch_notify_possible()) || vm->nr_vcpus)
		return -EINVAL;
	vm->notify = args[0];
	return 0;
}

static long disable_quirks(struct lintel_vm *vm, const u64 *args)
{
	WRITE_ONCE(vm->disabled_quirks, args[0]);
	return 0;
}

static long halt_poll(struct lintel_vm *vm, const u64 *args)
{
	WRITE_ONCE(vm->halt_poll_max, args[0]);
	return 0;
}

static long user_space_msr(struct lintel_vm *vm, const u64 *args)
{
	WRITE_ONCE(vm->user_space_msr, args[0]);
	return 0;
}

/* Once, and before the first vCPU. */
static long max_vcpu_id(struct lintel_vm *vm, const u64 *args)
{
	if (args[0] > LINTEL_MAX_VCPU_ID || vm->boot_cpu_id > args[0])
		return -EINVAL;
	if (vm->max_vcpu_id && vm->max_vcpu_id != args[0])
		return -EINVAL;
	vm->max_vcpu_id = args[0];
	return 0;
}

static long exception_payload(struct lintel_vm *vm, const u64 *args)
{
	WRITE_ONCE(vm->exception_payload, args[0]);
	return 0;
}

static long triple_fault_event(struct lintel_vm *vm, const u64 *args)
{
	WRITE_ONCE(vm->triple_fault_event, args[0]);
	return 0;
}

static long exit_on_emulation_failure(struct lintel_vm *vm, const u64 *args)
{
	WRITE_ONCE(vm->exit_on_emulation_failure, args[0]);
	return 0;
}

static long manual_dirty_log(struct lintel_vm *vm, const u64 *args)
{
	if (args[0] == KVM_DIRTY_LOG_INITIALLY_SET)
		return -EINVAL;
	mutex_lock(&vm->slots_lock);
	vm->ept.dirty_manual = args[0];
	mutex_unlock(&vm->slots_lock);
	return 0;
}

static long dirty_ring(struct lintel_vm *vm, const u64 *args)
{
	return lintel_ring_enable(vm, args[0]);
}

static long split_irqchip(struct lintel_vm *vm, const u64 *args)
{
	return lintel_irqchip_split(vm, args[0]);
}

/* What was asked for stays: guests may run by it already. */
static long x2apic_api(struct lintel_vm *vm, const u64 *args)
{
	WRITE_ONCE(vm->x2apic_api, vm->x2apic_api | args[0]);
	lintel_irq_eoi_changed(vm);
	return 0;
}

static long platform_info(struct lintel_vm *vm, const u64 *args)
{
	WRITE_ONCE(vm->hide_platform_info, !args[0]);
	return 0;
}

/* Before the first vCPU.  The longest timer, 2^39 cycles, stays within 60 bits of nanoseconds. */
static long apic_bus_cycle(struct lintel_vm *vm, const u64 *args)
{
	if (!lintel_irqchip_in_kernel(vm))
		return -ENXIO;
	if (vm->nr_vcpus || !args[0])
		return -EINVAL;
	vm->apic_bus_ns = args[0];
	return 0;
}

/* Before the first vCPU. */
static long pmu_capability(struct lintel_vm *vm, const u64 *args)
{
	if (!lintel_params.pmu || vm->nr_vcpus)
		return -EINVAL;
	vm->pmu_off = args[0] & KVM_PMU_CAP_DISABLE;
	return 0;
}

static const struct {
	u32 cap;
	u64 allowed;		/* bits of args[0] */
	/* vm->lock held */
	long (*enable)(struct lintel_vm *vm, const u64 *args);
} vm_capabilities[] = {
	{ KVM_CAP_X86_DISABLE_EXITS, LINTEL_DISABLE_EXITS, disable_exits },
	{ KVM_CAP_DISABLE_QUIRKS, ~0ULL, disable_quirks },
	{ KVM_CAP_DISABLE_QUIRKS2, LINTEL_QUIRKS, disable_quirks },
	{ KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2, LINTEL_DIRTY_MANUAL, manual_dirty_log },
	{ KVM_CAP_DIRTY_LOG_RING, ~0ULL, dirty_ring },
	{ KVM_CAP_DIRTY_LOG_RING_ACQ_REL, ~0ULL, dirty_ring },
	{ KVM_CAP_SPLIT_IRQCHIP, ~0ULL, split_irqchip },
	{ KVM_CAP_X2APIC_API, LINTEL_X2APIC_API, x2apic_api },
	{ KVM_CAP_HALT_POLL, U32_MAX, halt_poll },
	{ KVM_CAP_MAX_VCPU_ID, U32_MAX, max_vcpu_id },
	{ KVM_CAP_X86_USER_SPACE_MSR, LINTEL_MSR_EXIT_REASONS, user_space_msr },
	{ KVM_CAP_EXCEPTION_PAYLOAD, 1, exception_payload },
	{ KVM_CAP_X86_TRIPLE_FAULT_EVENT, 1, triple_fault_event },
	{ KVM_CAP_EXIT_ON_EMULATION_FAILURE, 1, exit_on_emulation_failure },
	{ KVM_CAP_MSR_PLATFORM_INFO, 1, platform_info },
	{ KVM_CAP_X86_APIC_BUS_CYCLES_NS, BIT(20) - 1, apic_bus_cycle },
	{ KVM_CAP_X86_BUS_LOCK_EXIT, LINTEL_BUS_LOCK, bus_lock_exits },
	{ KVM_CAP_X86_NOTIFY_VMEXIT, ~0ULL, notify_exits },
	{ KVM_CAP_PMU_CAPABILITY, KVM_PMU_CAP_DISABLE, pmu_capability },
};

long lintel_vm_enable_cap(struct ioctl_context *ctx)
{
	const struct kvm_enable_cap *cap = ctx->arg;
	int i;

	if (cap->flags || cap->args[1] || cap->args[2] || cap->args[3])
		return -EINVAL;
	for (i = 0; i < ARRAY_SIZE(vm_capabilities); i++) {
		if (vm_capabilities[i].cap != cap->cap)
			continue;
		if (cap->args[0] & ~vm_capabilities[i].allowed)
			return -EINVAL;
		return vm_capabilities[i].enable(ctx->vm, cap->args);
	}
	return -EINVAL;
}

/* Of a vCPU there is one: what its CPUID does not show of paravirtual features is taken away. */
long lintel_vcpu_enable_cap(struct ioctl_context *ctx)
{
	const struct kvm_enable_cap *cap = ctx->arg;

	if (cap->flags || cap->cap != KVM_CAP_ENFORCE_PV_FEATURE_CPUID)
		return -EINVAL;
	ctx->vcpu->pv.enforced = cap->args[0];
	return 0;
}
