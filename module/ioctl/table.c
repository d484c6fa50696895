// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ioctl dispatcher: lookup, copy in, lock, call, unlock, copy out.
 *
 * The argument is copied once, before any lock is taken, and copied back only when the handler
 * succeeded.  Small arguments live on the stack.
 */
#include <linux/mm_types.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "dev.h"
#include "../vcpu.h"
#include "../vm.h"

#define STACK_ARG	128

static const struct ioctl_row *find_row(const struct ioctl_row *rows, unsigned int nr,
					unsigned int cmd)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		if (rows[i].cmd == cmd)
			return &rows[i];
	return NULL;
}

static int lock(const struct ioctl_row *row, struct ioctl_context *ctx)
{
	switch (row->lock) {
	case LOCK_NONE:
		break;
	case LOCK_VM:
		mutex_lock(&ctx->vm->lock);
		break;
	case LOCK_SLOTS:
		mutex_lock(&ctx->vm->slots_lock);
		break;
	case LOCK_VCPU:
	case LOCK_VCPU_LOADED:
		if (mutex_lock_killable(&ctx->vcpu->mutex))
			return -EINTR;
		if (row->lock == LOCK_VCPU_LOADED)
			lintel_vcpu_load(ctx->vcpu);
		break;
	}
	return 0;
}

static void unlock(const struct ioctl_row *row, struct ioctl_context *ctx)
{
	switch (row->lock) {
	case LOCK_NONE:
		break;
	case LOCK_VM:
		mutex_unlock(&ctx->vm->lock);
		break;
	case LOCK_SLOTS:
		mutex_unlock(&ctx->vm->slots_lock);
		break;
	case LOCK_VCPU_LOADED:
		lintel_vcpu_put(ctx->vcpu);
		fallthrough;
	case LOCK_VCPU:
		mutex_unlock(&ctx->vcpu->mutex);
		break;
	}
}

static long call_locked(const struct ioctl_row *row, struct ioctl_context *ctx)
{
	long ret = lock(row, ctx);

	if (ret)
		return ret;
	ret = row->handler(ctx);
	unlock(row, ctx);
	return ret;
}

static long call_with_copy(const struct ioctl_row *row, struct ioctl_context *ctx,
			   void __user *user)
{
	bool in_only = row->arg == ARG_COPY_IN;
	size_t size = _IOC_SIZE(row->cmd);
	u64 stack[STACK_ARG / sizeof(u64)];
	void *copy = stack;
	long ret = -EFAULT;

	if (size > sizeof(stack)) {
		copy = kmalloc(size, GFP_KERNEL_ACCOUNT);
		if (!copy)
			return -ENOMEM;
	}
	memset(copy, 0, size);
	if ((in_only || (_IOC_DIR(row->cmd) & _IOC_WRITE)) && copy_from_user(copy, user, size))
		goto out;
	ctx->arg = copy;
	ret = call_locked(row, ctx);
	if (ret >= 0 && !in_only && (_IOC_DIR(row->cmd) & _IOC_READ) &&
	    copy_to_user(user, copy, size))
		ret = -EFAULT;
out:
	if (copy != stack)
		kfree(copy);
	return ret;
}

long lintel_ioctl_dispatch(const struct ioctl_row *rows, unsigned int nr,
			   struct ioctl_context *ctx, unsigned int cmd, unsigned long arg)
{
	const struct ioctl_row *row;

	/* Guest memory is the memory of the process that made the VM, and of no other. */
	if (ctx->vm && ctx->vm->mm != current->mm)
		return -EIO;
	row = find_row(rows, nr, cmd);
	if (!row)
		return -ENOTTY;
	if (row->arg == ARG_COPY || row->arg == ARG_COPY_IN)
		return call_with_copy(row, ctx, (void __user *)arg);
	ctx->number = arg;
	return call_locked(row, ctx);
}
