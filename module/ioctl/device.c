// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_CREATE_DEVICE: the one device that x86 has, VFIO's.
 *
 * Through it a VMM names the files of VFIO whose devices belong to the VM.  What the kernel has to
 * know of them is whether their DMA looks into the processor's caches: if that of one does not, the
 * guest's WBINVD has to write the caches back for the device to see what the guest wrote, and
 * memory has to be of the type that the guest says.  VFIO is reached by name, if it is loaded.
 *
 * VFIO would take KVM's structure of the VM for the drivers that want one (mediated graphics):
 * Lintel has none to give, and such a driver refuses to open its device.
 */
#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/kvm.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/vfio.h>
#include <asm/cpufeature.h>

#include "dev.h"
#include "device.h"
#include "../compat.h"
#include "../vm.h"

/* A VM has at most one.  Its list is guarded by vm->lock. */
struct lintel_vfio {
	struct lintel_vm *vm;
	struct list_head files;
};

struct vfio_entry {
	struct list_head node;
	struct file *file;
	bool coherent;
};

/* VFIO's answer about @file; false also when VFIO is not loaded, for then the file is another's. */
static bool is_vfio_file(struct file *file)
{
	bool (*ask)(struct file *file) = symbol_get(vfio_file_is_valid);
	bool ret;

	if (!ask)
		return false;
	ret = ask(file);
	symbol_put(vfio_file_is_valid);
	return ret;
}

static bool is_coherent(struct file *file)
{
	bool (*ask)(struct file *file) = symbol_get(vfio_file_enforced_coherent);
	bool ret;

	if (!ask)
		return false;
	ret = ask(file);
	symbol_put(vfio_file_enforced_coherent);
	return ret;
}

static struct vfio_entry *find_entry(struct lintel_vfio *vfio, const struct file *file)
{
	struct vfio_entry *e;

	list_for_each_entry(e, &vfio->files, node)
		if (e->file == file)
			return e;
	return NULL;
}

static void remove_entry(struct lintel_vfio *vfio, struct vfio_entry *e)
{
	struct lintel_vm *vm = vfio->vm;

	if (!e->coherent)
		WRITE_ONCE(vm->incoherent_dma, vm->incoherent_dma - 1);
	list_del(&e->node);
	fput(e->file);
	kfree(e);
}

/* Takes over the reference to @file. */
static long add_file(struct lintel_vfio *vfio, struct file *file)
{
	struct lintel_vm *vm = vfio->vm;
	struct vfio_entry *e;
	long err = -EINVAL;

	if (!is_vfio_file(file))
		goto refuse;
	err = -EEXIST;
	if (find_entry(vfio, file))
		goto refuse;
	err = -ENOMEM;
	e = kzalloc(sizeof(*e), GFP_KERNEL_ACCOUNT);
	if (!e)
		goto refuse;
	e->coherent = is_coherent(file);
	/* there the EPT insists on write-back memory: see fault.c */
	err = -EOPNOTSUPP;
	if (!e->coherent && !boot_cpu_has(X86_FEATURE_SELFSNOOP)) {
		kfree(e);
		goto refuse;
	}
	e->file = file;
	list_add_tail(&e->node, &vfio->files);
	if (!e->coherent)
		WRITE_ONCE(vm->incoherent_dma, vm->incoherent_dma + 1);
	return 0;
refuse:
	fput(file);
	return err;
}

static long delete_file(struct lintel_vfio *vfio, struct file *file)
{
	struct vfio_entry *e = find_entry(vfio, file);

	if (e)
		remove_entry(vfio, e);
	fput(file);
	return e ? 0 : -ENOENT;
}

static long device_has_attr(struct ioctl_context *ctx)
{
	const struct kvm_device_attr *attr = ctx->arg;

	return attr->group == KVM_DEV_VFIO_FILE &&
	       (attr->attr == KVM_DEV_VFIO_FILE_ADD || attr->attr == KVM_DEV_VFIO_FILE_DEL) ?
	       0 : -ENXIO;
}

/* Nothing can be read. */
static long device_get_attr(struct ioctl_context *ctx)
{
	return -EPERM;
}

static long device_set_attr(struct ioctl_context *ctx)
{
	const struct kvm_device_attr *attr = ctx->arg;
	long ret = device_has_attr(ctx);
	struct file *file;
	s32 fd;

	if (ret)
		return ret;
	if (get_user(fd, (s32 __user *)u64_to_user_ptr(attr->addr)))
		return -EFAULT;
	file = fget(fd);
	if (!file)
		return -EBADF;
	return attr->attr == KVM_DEV_VFIO_FILE_ADD ? add_file(ctx->vfio, file) :
						     delete_file(ctx->vfio, file);
}

static const struct ioctl_row device_rows[] = {
	{ KVM_SET_DEVICE_ATTR, LOCK_VM, ARG_COPY, device_set_attr },
	{ KVM_GET_DEVICE_ATTR, LOCK_NONE, ARG_COPY, device_get_attr },
	{ KVM_HAS_DEVICE_ATTR, LOCK_NONE, ARG_COPY, device_has_attr },
};

static long device_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct lintel_vfio *vfio = file->private_data;
	struct ioctl_context ctx = { .vm = vfio->vm, .vfio = vfio };

	return lintel_ioctl_dispatch(device_rows, ARRAY_SIZE(device_rows), &ctx, cmd, arg);
}

static int device_close(struct inode *inode, struct file *file)
{
	struct lintel_vfio *vfio = file->private_data;
	struct lintel_vm *vm = vfio->vm;
	struct vfio_entry *e, *next;

	mutex_lock(&vm->lock);
	list_for_each_entry_safe(e, next, &vfio->files, node)
		remove_entry(vfio, e);
	vm->has_vfio = false;
	mutex_unlock(&vm->lock);
	kfree(vfio);
	lintel_vm_put(vm);
	return 0;
}

static const struct file_operations device_fops = {
	.owner = THIS_MODULE,
	.release = device_close,
	.unlocked_ioctl = device_ioctl,
	.llseek = noop_llseek,
};

long lintel_vm_create_device(struct ioctl_context *ctx)
{
	struct kvm_create_device *device = ctx->arg;
	struct lintel_vfio *vfio;
	int fd;

	if (device->type != KVM_DEV_TYPE_VFIO)
		return -ENODEV;
	if (device->flags & KVM_CREATE_DEVICE_TEST)
		return 0;
	if (ctx->vm->has_vfio)
		return -EBUSY;
	vfio = kzalloc(sizeof(*vfio), GFP_KERNEL_ACCOUNT);
	if (!vfio)
		return -ENOMEM;
	INIT_LIST_HEAD(&vfio->files);
	vfio->vm = ctx->vm;
	lintel_vm_get(ctx->vm);
	fd = anon_inode_getfd("kvm-vfio", &device_fops, vfio, O_RDWR | O_CLOEXEC);
	if (fd < 0) {
		lintel_vm_put(ctx->vm);
		kfree(vfio);
		return fd;
	}
	ctx->vm->has_vfio = true;
	device->fd = fd;
	return 0;
}
