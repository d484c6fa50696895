// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_ENABLE_CAP: behaviour that a VM has only when its owner asks for it.
 *
 * One row for each capability: the bits that args[0] may have, and what sets it.  Other arguments
 * and flags must be zero, so that they can mean something one day.
 */
#include <linux/kernel.h>
#include <linux/kvm.h>

#include "dev.h"
#include "../vm.h"

/* Before the first vCPU: the controls are written when a vCPU is made. */
static long disable_exits(struct lintel_vm *vm, const u64 *args)
{
	if (vm->nr_vcpus)
		return -EINVAL;
	vm->disabled_exits = args[0];
	return 0;
}

static long halt_poll(struct lintel_vm *vm, const u64 *args)
{
	WRITE_ONCE(vm->halt_poll_max, args[0]);
	return 0;
}

static const struct {
	u32 cap;
	u64 allowed;		/* bits of args[0] */
	/* vm->lock held */
	long (*enable)(struct lintel_vm *vm, const u64 *args);
} vm_capabilities[] = {
	{ KVM_CAP_X86_DISABLE_EXITS, LINTEL_DISABLE_EXITS, disable_exits },
	{ KVM_CAP_HALT_POLL, U32_MAX, halt_poll },
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
