// SPDX-License-Identifier: GPL-2.0-only
/*
 * The VM descriptor: memory, interrupt chips, clock, and making vCPUs.
 */
#include <linux/kvm.h>
#include <linux/module.h>
#include <linux/mm.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <asm/tsc.h>

#include "dev.h"
#include "device.h"
#include "../compat.h"
#include "../irq/irq.h"
#include "../paravirt/clock.h"
#include "../pmu/pmu.h"
#include "../stats.h"
#include "../vcpu_life.h"
#include "../vm.h"
#include "../vmx/msr_filter.h"
#include "../vmx/tsc.h"

#define MIN_MMU_PAGES	64	/* as in KVM */

static long vm_check_extension(struct ioctl_context *ctx)
{
	return lintel_check_extension(ctx->vm, ctx->number);
}

static long vm_create_vcpu(struct ioctl_context *ctx)
{
	unsigned long id = ctx->number;

	if (id >= LINTEL_MAX_VCPU_ID)
		return -EINVAL;
	return lintel_vcpu_open(ctx->vm, id);
}

static long vm_set_memory(struct ioctl_context *ctx)
{
	return lintel_memslot_set(ctx->vm, ctx->arg);
}

/* The newer form adds guest_memfd, which is absent: its fields must not be used. */
static long vm_set_memory2(struct ioctl_context *ctx)
{
	const struct kvm_userspace_memory_region2 *region2 = ctx->arg;
	struct kvm_userspace_memory_region region = {
		.slot = region2->slot,
		.flags = region2->flags,
		.guest_phys_addr = region2->guest_phys_addr,
		.memory_size = region2->memory_size,
		.userspace_addr = region2->userspace_addr,
	};

	return lintel_memslot_set(ctx->vm, &region);
}

/* A limit on shadow pages, of which there are none; the shrinker takes what the host needs. */
static long vm_set_mmu_pages(struct ioctl_context *ctx)
{
	if (ctx->number < MIN_MMU_PAGES || ctx->number > U32_MAX)
		return -EINVAL;
	ctx->vm->mmu_pages = ctx->number;
	return 0;
}

static long vm_get_mmu_pages(struct ioctl_context *ctx)
{
	return ctx->number ? -EINVAL : ctx->vm->mmu_pages;
}

static long vm_register_coalesced(struct ioctl_context *ctx)
{
	return lintel_coalesced_register(ctx->vm, ctx->arg);
}

static long vm_unregister_coalesced(struct ioctl_context *ctx)
{
	return lintel_coalesced_unregister(ctx->vm, ctx->arg);
}

static long vm_set_tss_addr(struct ioctl_context *ctx)
{
	unsigned long addr = ctx->number;

	/* three pages below 4 GiB, the last three too; unrestricted guests need none of them */
	if (addr > SZ_4G - 3 * PAGE_SIZE)
		return -EINVAL;
	ctx->vm->tss_addr = addr;
	return 0;
}

static long vm_set_identity_map(struct ioctl_context *ctx)
{
	if (ctx->vm->nr_vcpus)
		return -EINVAL;
	ctx->vm->identity_map_addr = *(u64 *)ctx->arg;
	return 0;
}

static long vm_create_irqchip(struct ioctl_context *ctx)
{
	return lintel_irqchip_create(ctx->vm);
}

static long vm_get_irqchip(struct ioctl_context *ctx)
{
	return lintel_irqchip_in_kernel(ctx->vm) ? lintel_irqchip_get(ctx->vm, ctx->arg) : -ENXIO;
}

static long vm_set_irqchip(struct ioctl_context *ctx)
{
	return lintel_irqchip_in_kernel(ctx->vm) ? lintel_irqchip_set(ctx->vm, ctx->arg) : -ENXIO;
}

static long vm_create_pit(struct ioctl_context *ctx)
{
	const struct kvm_pit_config config = { .flags = KVM_PIT_SPEAKER_DUMMY };

	return lintel_pit_create(ctx->vm, &config);
}

static long vm_create_pit2(struct ioctl_context *ctx)
{
	return lintel_pit_create(ctx->vm, ctx->arg);
}

static long vm_get_pit2(struct ioctl_context *ctx)
{
	return ctx->vm->pit ? lintel_pit_get(ctx->vm, ctx->arg) : -ENXIO;
}

static long vm_set_pit2(struct ioctl_context *ctx)
{
	return ctx->vm->pit ? lintel_pit_set(ctx->vm, ctx->arg) : -ENXIO;
}

/* The older form has the channels alone. */
static long vm_get_pit(struct ioctl_context *ctx)
{
	struct kvm_pit_state *state = ctx->arg;
	struct kvm_pit_state2 state2;
	long ret;

	if (!ctx->vm->pit)
		return -ENXIO;
	ret = lintel_pit_get(ctx->vm, &state2);
	memcpy(state->channels, state2.channels, sizeof(state->channels));
	return ret;
}

static long vm_set_pit(struct ioctl_context *ctx)
{
	const struct kvm_pit_state *state = ctx->arg;
	struct kvm_pit_state2 state2 = {};

	if (!ctx->vm->pit)
		return -ENXIO;
	memcpy(state2.channels, state->channels, sizeof(state2.channels));
	return lintel_pit_set(ctx->vm, &state2);
}

/* The ioctl's number names no size, so the dispatcher would copy nothing. */
static long vm_reinject(struct ioctl_context *ctx)
{
	struct kvm_reinject_control control;

	if (copy_from_user(&control, ctx->user, sizeof(control)))
		return -EFAULT;
	return ctx->vm->pit ? lintel_pit_reinject(ctx->vm, &control) : -ENXIO;
}

static long vm_irq_line(struct ioctl_context *ctx)
{
	const struct kvm_irq_level *level = ctx->arg;
	int ret = lintel_irq_line(ctx->vm, level->irq, level->level);

	return ret == -ENXIO || ret == -EINVAL ? ret : 0;
}

static long vm_irq_line_status(struct ioctl_context *ctx)
{
	struct kvm_irq_level *level = ctx->arg;
	int ret = lintel_irq_line(ctx->vm, level->irq, level->level);

	if (ret == -ENXIO || ret == -EINVAL)
		return ret;
	level->status = ret;
	return 0;
}

static long vm_set_routing(struct ioctl_context *ctx)
{
	struct kvm_irq_routing __user *user = ctx->user;
	struct kvm_irq_routing_entry *entries = NULL;
	struct kvm_irq_routing head;
	long ret;

	if (copy_from_user(&head, user, sizeof(head)))
		return -EFAULT;
	if (!lintel_irqchip_in_kernel(ctx->vm) || head.nr > LINTEL_MAX_ROUTES || head.flags)
		return -EINVAL;
	if (head.nr) {
		entries = vmemdup_user(user->entries, array_size(head.nr, sizeof(*entries)));
		if (IS_ERR(entries))
			return PTR_ERR(entries);
	}
	ret = lintel_routing_set(ctx->vm, entries, head.nr, head.flags);
	kvfree(entries);
	return ret;
}

static long vm_signal_msi(struct ioctl_context *ctx)
{
	return lintel_irqchip_in_kernel(ctx->vm) ? lintel_msi_send(ctx->vm, ctx->arg) : -EINVAL;
}

static long vm_irqfd(struct ioctl_context *ctx)
{
	return lintel_irqfd(ctx->vm, ctx->arg);
}

static long vm_ioeventfd(struct ioctl_context *ctx)
{
	return lintel_ioeventfd(ctx->vm, ctx->arg);
}

static long vm_set_boot_cpu(struct ioctl_context *ctx)
{
	unsigned long id = ctx->number;

	if (ctx->vm->nr_vcpus)
		return -EBUSY;
	if (id >= LINTEL_MAX_VCPU_ID)
		return -EINVAL;
	ctx->vm->boot_cpu_id = id;
	return 0;
}

static long vm_get_clock(struct ioctl_context *ctx)
{
	lintel_clock_get(ctx->vm, ctx->arg);
	return 0;
}

static long vm_set_clock(struct ioctl_context *ctx)
{
	return lintel_clock_set(ctx->vm, ctx->arg);
}

static long vm_get_tsc_khz(struct ioctl_context *ctx)
{
	return ctx->vm->tsc_khz;
}

/* Of the vCPUs to come. */
static long vm_set_tsc_khz(struct ioctl_context *ctx)
{
	unsigned long khz = ctx->number ? ctx->number : tsc_khz;

	if (!lintel_tsc_ratio_of(khz))
		return -EINVAL;
	ctx->vm->tsc_khz = khz;
	return 0;
}

static long vm_set_msr_filter(struct ioctl_context *ctx)
{
	unsigned long *bitmap[KVM_MSR_FILTER_MAX_RANGES] = {};
	const struct kvm_msr_filter *filter = ctx->arg;
	long ret = 0;
	int i;

	for (i = 0; i < ARRAY_SIZE(bitmap) && ret >= 0; i++) {
		ret = lintel_msr_range_size(&filter->ranges[i]);
		if (ret <= 0)
			continue;
		bitmap[i] = memdup_user((void __user __force *)filter->ranges[i].bitmap,
					ret);
		if (IS_ERR(bitmap[i])) {
			ret = PTR_ERR(bitmap[i]);
			bitmap[i] = NULL;
		}
	}
	if (ret >= 0)
		ret = lintel_msr_filter_set(ctx->vm, filter, bitmap);
	while (ret && i)
		kfree(bitmap[--i]);
	return ret;
}

static long vm_set_pmu_filter(struct ioctl_context *ctx)
{
	struct kvm_pmu_event_filter __user *user = ctx->user;
	struct kvm_pmu_event_filter head;
	u64 *events = NULL;
	long ret;

	if (copy_from_user(&head, user, sizeof(head)))
		return -EFAULT;
	if (head.nevents > PMU_FILTER_MAX)
		return -E2BIG;
	if (head.nevents) {
		events = memdup_user(user->events, array_size(head.nevents, sizeof(*events)));
		if (IS_ERR(events))
			return PTR_ERR(events);
	}
	ret = lintel_pmu_filter_set(ctx->vm, &head, events);
	kfree(events);
	return ret;
}

static long vm_stats_fd(struct ioctl_context *ctx)
{
	return lintel_vm_stats_fd(ctx->vm);
}

static const struct ioctl_row vm_rows[] = {
	{ KVM_CHECK_EXTENSION, LOCK_NONE, ARG_NUMBER, vm_check_extension },
	{ KVM_ENABLE_CAP, LOCK_VM, ARG_COPY, lintel_vm_enable_cap },
	{ KVM_CREATE_VCPU, LOCK_VM, ARG_NUMBER, vm_create_vcpu },
	{ KVM_SET_USER_MEMORY_REGION, LOCK_NONE, ARG_COPY, vm_set_memory },
	{ KVM_SET_USER_MEMORY_REGION2, LOCK_NONE, ARG_COPY, vm_set_memory2 },
	{ KVM_GET_DIRTY_LOG, LOCK_SLOTS, ARG_COPY, lintel_vm_get_dirty_log },
	{ KVM_CLEAR_DIRTY_LOG, LOCK_SLOTS, ARG_COPY_IN, lintel_vm_clear_dirty_log },
	{ KVM_RESET_DIRTY_RINGS, LOCK_SLOTS, ARG_NUMBER, lintel_vm_reset_rings },
	{ KVM_SET_NR_MMU_PAGES, LOCK_SLOTS, ARG_NUMBER, vm_set_mmu_pages },
	{ KVM_GET_NR_MMU_PAGES, LOCK_SLOTS, ARG_NUMBER, vm_get_mmu_pages },
	{ KVM_REGISTER_COALESCED_MMIO, LOCK_VM, ARG_COPY, vm_register_coalesced },
	{ KVM_UNREGISTER_COALESCED_MMIO, LOCK_VM, ARG_COPY, vm_unregister_coalesced },
	{ KVM_SET_TSS_ADDR, LOCK_VM, ARG_NUMBER, vm_set_tss_addr },
	{ KVM_SET_IDENTITY_MAP_ADDR, LOCK_VM, ARG_COPY, vm_set_identity_map },
	{ KVM_CREATE_IRQCHIP, LOCK_VM, ARG_NUMBER, vm_create_irqchip },
	{ KVM_GET_IRQCHIP, LOCK_VM, ARG_COPY, vm_get_irqchip },
	{ KVM_SET_IRQCHIP, LOCK_VM, ARG_COPY_IN, vm_set_irqchip },
	{ KVM_CREATE_PIT, LOCK_VM, ARG_NUMBER, vm_create_pit },
	{ KVM_CREATE_PIT2, LOCK_VM, ARG_COPY, vm_create_pit2 },
	{ KVM_GET_PIT, LOCK_VM, ARG_COPY, vm_get_pit },
	{ KVM_SET_PIT, LOCK_VM, ARG_COPY_IN, vm_set_pit },
	{ KVM_GET_PIT2, LOCK_VM, ARG_COPY, vm_get_pit2 },
	{ KVM_SET_PIT2, LOCK_VM, ARG_COPY, vm_set_pit2 },
	{ KVM_REINJECT_CONTROL, LOCK_VM, ARG_USER, vm_reinject },
	{ KVM_IRQ_LINE, LOCK_NONE, ARG_COPY, vm_irq_line },
	{ KVM_IRQ_LINE_STATUS, LOCK_NONE, ARG_COPY, vm_irq_line_status },
	{ KVM_SET_GSI_ROUTING, LOCK_VM, ARG_USER, vm_set_routing },
	{ KVM_SIGNAL_MSI, LOCK_NONE, ARG_COPY, vm_signal_msi },
	{ KVM_IRQFD, LOCK_VM, ARG_COPY, vm_irqfd },
	{ KVM_IOEVENTFD, LOCK_VM, ARG_COPY, vm_ioeventfd },
	{ KVM_SET_BOOT_CPU_ID, LOCK_VM, ARG_NUMBER, vm_set_boot_cpu },
	{ KVM_GET_CLOCK, LOCK_NONE, ARG_COPY, vm_get_clock },
	{ KVM_SET_CLOCK, LOCK_NONE, ARG_COPY, vm_set_clock },
	{ KVM_GET_TSC_KHZ, LOCK_NONE, ARG_NUMBER, vm_get_tsc_khz },
	{ KVM_SET_TSC_KHZ, LOCK_VM, ARG_NUMBER, vm_set_tsc_khz },
	{ KVM_X86_SET_MSR_FILTER, LOCK_VM, ARG_COPY, vm_set_msr_filter },
	{ KVM_SET_PMU_EVENT_FILTER, LOCK_VM, ARG_USER, vm_set_pmu_filter },
	{ KVM_GET_STATS_FD, LOCK_NONE, ARG_NUMBER, vm_stats_fd },
	{ KVM_CREATE_DEVICE, LOCK_VM, ARG_COPY, lintel_vm_create_device },
};

static long vm_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct ioctl_context ctx = { .vm = file->private_data };

	return lintel_ioctl_dispatch(vm_rows, ARRAY_SIZE(vm_rows), &ctx, cmd, arg);
}

static int vm_close(struct inode *inode, struct file *file)
{
	lintel_vm_put(file->private_data);
	return 0;
}

const struct file_operations lintel_vm_fops = {
	.owner = THIS_MODULE,
	.release = vm_close,
	.unlocked_ioctl = vm_ioctl,
	.llseek = noop_llseek,
};
