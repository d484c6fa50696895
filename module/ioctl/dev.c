// SPDX-License-Identifier: GPL-2.0-only
/*
 * The device descriptor: system ioctls.
 */
#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/kvm.h>
#include <linux/lintel.h>
#include <linux/module.h>
#include <linux/uaccess.h>

#include "attr.h"
#include "dev.h"
#include "observe.h"
#include "user.h"
#include "../vm.h"
#include "../vmx/cpuid.h"
#include "../vmx/mce.h"
#include "../vmx/msr.h"

static long dev_api_version(struct ioctl_context *ctx)
{
	return ctx->number ? -EINVAL : KVM_API_VERSION;
}

static long dev_create_vm(struct ioctl_context *ctx)
{
	struct lintel_vm *vm;
	int fd;

	/* the machine type: 0 is the only one */
	if (ctx->number)
		return -EINVAL;
	vm = lintel_vm_create();
	if (IS_ERR(vm))
		return PTR_ERR(vm);
	fd = anon_inode_getfd("lintel-vm", &lintel_vm_fops, vm, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		lintel_vm_put(vm);
	return fd;
}

static long dev_check_extension(struct ioctl_context *ctx)
{
	return lintel_check_extension(NULL, ctx->number);
}

static long dev_vcpu_mmap_size(struct ioctl_context *ctx)
{
	return ctx->number ? -EINVAL : LINTEL_VCPU_MMAP_SIZE;
}

/* -E2BIG still tells the caller how many there are. */
static long copy_index_list(struct kvm_msr_list __user *user, const u32 *list, unsigned int nr)
{
	u32 room;

	if (get_user(room, &user->nmsrs) || put_user(nr, &user->nmsrs))
		return -EFAULT;
	if (room < nr)
		return -E2BIG;
	return copy_to_user(user->indices, list, nr * sizeof(*list)) ? -EFAULT : 0;
}

static long dev_msr_index_list(struct ioctl_context *ctx)
{
	unsigned int nr;
	const u32 *list = lintel_msr_list(&nr);

	return copy_index_list(ctx->user, list, nr);
}

static long dev_msr_feature_list(struct ioctl_context *ctx)
{
	unsigned int nr;
	const u32 *list = lintel_msr_feature_list(&nr);

	return copy_index_list(ctx->user, list, nr);
}

static int get_feature(void *unused, u32 msr, u64 *value)
{
	return lintel_msr_feature(msr, value);
}

static long dev_get_msrs(struct ioctl_context *ctx)
{
	return lintel_user_msrs(ctx->user, get_feature, NULL, true);
}

static int supported(void *unused, struct kvm_cpuid_entry2 *entries, u32 *nent)
{
	return lintel_cpuid_supported(entries, nent);
}

static int emulated(void *unused, struct kvm_cpuid_entry2 *entries, u32 *nent)
{
	return lintel_cpuid_emulated(entries, nent);
}

static long dev_supported_cpuid(struct ioctl_context *ctx)
{
	return lintel_user_get_cpuid(ctx->user, supported, NULL);
}

static long dev_emulated_cpuid(struct ioctl_context *ctx)
{
	return lintel_user_get_cpuid(ctx->user, emulated, NULL);
}

static long dev_mce_cap(struct ioctl_context *ctx)
{
	/* features, and banks in the low byte */
	*(u64 *)ctx->arg = LINTEL_MCG_CAP | 32;
	return 0;
}

static const struct ioctl_row dev_rows[] = {
	{ KVM_GET_API_VERSION, LOCK_NONE, ARG_NUMBER, dev_api_version },
	{ KVM_CREATE_VM, LOCK_NONE, ARG_NUMBER, dev_create_vm },
	{ KVM_CHECK_EXTENSION, LOCK_NONE, ARG_NUMBER, dev_check_extension },
	{ KVM_GET_VCPU_MMAP_SIZE, LOCK_NONE, ARG_NUMBER, dev_vcpu_mmap_size },
	{ KVM_GET_MSR_INDEX_LIST, LOCK_NONE, ARG_USER, dev_msr_index_list },
	{ KVM_GET_MSR_FEATURE_INDEX_LIST, LOCK_NONE, ARG_USER, dev_msr_feature_list },
	{ KVM_GET_MSRS, LOCK_NONE, ARG_USER, dev_get_msrs },
	{ KVM_GET_SUPPORTED_CPUID, LOCK_NONE, ARG_USER, dev_supported_cpuid },
	{ KVM_GET_EMULATED_CPUID, LOCK_NONE, ARG_USER, dev_emulated_cpuid },
	{ KVM_HAS_DEVICE_ATTR, LOCK_NONE, ARG_COPY, lintel_dev_has_attr },
	{ KVM_GET_DEVICE_ATTR, LOCK_NONE, ARG_COPY, lintel_dev_get_attr },
	{ KVM_X86_GET_MCE_CAP_SUPPORTED, LOCK_NONE, ARG_COPY, dev_mce_cap },
	{ LINTEL_NEXT_VM, LOCK_NONE, ARG_COPY, lintel_dev_next_vm },
	{ LINTEL_GET_FLIGHT, LOCK_NONE, ARG_COPY, lintel_dev_get_flight },
	{ LINTEL_CLEAR_DEAD, LOCK_NONE, ARG_NUMBER, lintel_dev_clear_dead },
	{ LINTEL_GET_STATS_FD, LOCK_NONE, ARG_COPY, lintel_dev_stats_fd },
	{ LINTEL_GET_SNAPSHOT, LOCK_NONE, ARG_COPY, lintel_dev_snapshot },
	{ LINTEL_PEEK, LOCK_NONE, ARG_COPY, lintel_dev_peek },
};

static long dev_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct ioctl_context ctx = {};

	return lintel_ioctl_dispatch(dev_rows, ARRAY_SIZE(dev_rows), &ctx, cmd, arg);
}

const struct file_operations lintel_dev_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = dev_ioctl,
	.llseek = noop_llseek,
};
