// SPDX-License-Identifier: GPL-2.0-only
/*
 * System ioctls that look at VMs from outside.  uapi/linux/lintel.h says what each does.
 */
#include "observe.h"

#include <linux/err.h>
#include <linux/lintel.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "dev.h"
#include "../inspect.h"
#include "../registry.h"
#include "../stats.h"
#include "../vm.h"

long lintel_dev_next_vm(struct ioctl_context *ctx)
{
	struct lintel_vm_info *info = ctx->arg;

	if (info->flags || memchr_inv(info->reserved, 0, sizeof(info->reserved)))
		return -EINVAL;
	return lintel_registry_next(info);
}

long lintel_dev_get_flight(struct ioctl_context *ctx)
{
	struct lintel_flight *flight = ctx->arg;
	struct lintel_flight_exit *exits;
	long ret;

	if (flight->flags || memchr_inv(flight->reserved, 0, sizeof(flight->reserved)))
		return -EINVAL;
	exits = kvcalloc(LINTEL_FLIGHT_EXITS, sizeof(*exits), GFP_KERNEL_ACCOUNT);
	if (!exits)
		return -ENOMEM;
	ret = lintel_registry_flight(flight, exits);
	if (ret >= 0) {
		u32 nr = min_t(u32, ret, flight->nr);

		/* the newest, if there is not room for all */
		if (copy_to_user(u64_to_user_ptr(flight->exits), exits + ret - nr,
				 nr * sizeof(*exits)))
			ret = -EFAULT;
		else
			ret = 0;
		flight->nr = nr;
	}
	kvfree(exits);
	return ret;
}

long lintel_dev_clear_dead(struct ioctl_context *ctx)
{
	return ctx->number ? -EINVAL : lintel_registry_clear();
}

long lintel_dev_stats_fd(struct ioctl_context *ctx)
{
	const struct lintel_vm_stats *which = ctx->arg;
	struct lintel_vcpu *vcpu;
	struct lintel_vm *vm;
	long ret = -ENOENT;

	if (which->flags)
		return -EINVAL;
	vm = lintel_registry_get(which->vm);
	if (IS_ERR(vm))
		return PTR_ERR(vm);
	if (which->vcpu == LINTEL_ALL_VCPUS) {
		ret = lintel_vm_stats_fd(vm);
	} else {
		vcpu = lintel_vm_vcpu(vm, which->vcpu);
		if (vcpu)
			ret = lintel_vcpu_stats_fd(vcpu);
	}
	lintel_vm_put(vm);
	return ret;
}

long lintel_dev_snapshot(struct ioctl_context *ctx)
{
	struct lintel_snapshot *snapshot = ctx->arg;

	if (snapshot->flags || snapshot->reserved)
		return -EINVAL;
	return lintel_inspect_snapshot(snapshot);
}

long lintel_dev_peek(struct ioctl_context *ctx)
{
	struct lintel_peek *peek = ctx->arg;

	if (peek->flags || memchr_inv(peek->reserved, 0, sizeof(peek->reserved)) ||
	    !IS_ALIGNED(peek->gpa, sizeof(u64)))
		return -EINVAL;
	return lintel_inspect_peek(peek);
}
