/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The files of the API: the device, VM and vCPU descriptors, and the table behind each.
 *
 * An ioctl is a row: command, lock mode, handler.  The dispatcher alone copies the argument in and
 * out (its size and direction stand in the command number), checks the owner and takes the lock;
 * a handler gets a kernel copy.  Commands whose argument has a tail of variable length, or is a
 * plain number, say so and get the user pointer or the number.
 */
#ifndef LINTEL_IOCTL_DEV_H
#define LINTEL_IOCTL_DEV_H

#include <linux/fs.h>

#include "../types.h"

extern const struct file_operations lintel_dev_fops;
extern const struct file_operations lintel_vm_fops;
extern const struct file_operations lintel_vcpu_fops;

enum ioctl_lock {
	LOCK_NONE,
	LOCK_VM,		/* vm->lock */
	LOCK_SLOTS,		/* vm->slots_lock */
	LOCK_VCPU,		/* vcpu->mutex; -EINTR on a signal while waiting */
	LOCK_VCPU_LOADED,	/* and the vCPU is loaded */
};

enum ioctl_arg {
	ARG_COPY,		/* by the direction and size in the command number */
	ARG_COPY_IN,		/* copied in, though the number has the wrong direction */
	ARG_NUMBER,		/* the argument is a number */
	ARG_USER,		/* the handler copies: a tail of variable length */
};

struct ioctl_context {
	struct lintel_vm *vm;	/* NULL on the device */
	struct lintel_vcpu *vcpu;
	struct lintel_vfio *vfio;	/* on the descriptor of device.c */
	union {
		void *arg;		/* ARG_COPY, ARG_COPY_IN: the kernel copy */
		unsigned long number;	/* ARG_NUMBER */
		void __user *user;	/* ARG_USER */
	};
};

struct ioctl_row {
	unsigned int cmd;
	enum ioctl_lock lock;
	enum ioctl_arg arg;
	long (*handler)(struct ioctl_context *ctx);
};

/*
 * lintel_ioctl_dispatch - find @cmd in @rows and carry it out.
 * -ENOTTY: no such command; -EIO: another mm than the VM's; -EFAULT, -ENOMEM, or the handler's
 * answer.
 */
long lintel_ioctl_dispatch(const struct ioctl_row *rows, unsigned int nr,
			   struct ioctl_context *ctx, unsigned int cmd, unsigned long arg);

/* lintel_check_extension - the value of a KVM_CAP_, 0 when absent. */
long lintel_check_extension(struct lintel_vm *vm, unsigned long cap);

/* lintel_vm_enable_cap - KVM_ENABLE_CAP on a VM.  -EINVAL: unknown, or not its arguments. */
long lintel_vcpu_enable_cap(struct ioctl_context *ctx);
long lintel_vm_enable_cap(struct ioctl_context *ctx);

/* dirty.c: KVM_GET_DIRTY_LOG, KVM_CLEAR_DIRTY_LOG, KVM_RESET_DIRTY_RINGS; vm->slots_lock held. */
long lintel_vm_get_dirty_log(struct ioctl_context *ctx);
long lintel_vm_clear_dirty_log(struct ioctl_context *ctx);
long lintel_vm_reset_rings(struct ioctl_context *ctx);

/* lintel_vcpu_open - KVM_CREATE_VCPU: the new descriptor. */
long lintel_vcpu_open(struct lintel_vm *vm, u32 id);

#endif
