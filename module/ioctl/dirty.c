// SPDX-License-Identifier: GPL-2.0-only
/*
 * The dirty log as user space sees it: bitmaps in and out, rings to be reset.
 */
#include <linux/kvm.h>
#include <linux/uaccess.h>

#include "dev.h"
#include "../vm.h"

/* A bitmap that cannot be copied out is lost, as any other answer would be. */
long lintel_vm_get_dirty_log(struct ioctl_context *ctx)
{
	const struct kvm_dirty_log *log = ctx->arg;
	const void *bits;
	size_t bytes;
	int ret = lintel_dirty_get(ctx->vm, log->slot, &bits, &bytes);

	if (ret)
		return ret;
	return copy_to_user(log->dirty_bitmap, bits, bytes) ? -EFAULT : 0;
}

long lintel_vm_clear_dirty_log(struct ioctl_context *ctx)
{
	const struct kvm_clear_dirty_log *log = ctx->arg;
	size_t bytes;
	void *bits;
	int ret = lintel_dirty_clear_begin(ctx->vm, log, &bits, &bytes);

	if (ret)
		return ret;
	if (copy_from_user(bits, log->dirty_bitmap, bytes))
		return -EFAULT;
	lintel_dirty_clear_end(ctx->vm, log);
	return 0;
}

long lintel_vm_reset_rings(struct ioctl_context *ctx)
{
	return lintel_ring_reset(ctx->vm);
}
