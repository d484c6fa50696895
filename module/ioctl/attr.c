// SPDX-License-Identifier: GPL-2.0-only
/*
 * Device attributes: of the system, which extended state components guests may be given; of a
 * vCPU, the offset of its TSC, which migration needs to the tick.
 */
#include <linux/kvm.h>
#include <linux/uaccess.h>

#include "attr.h"
#include "../vcpu.h"
#include "../vm.h"
#include "../vmx/cpuid.h"
#include "../vmx/tsc.h"

static bool system_knows(const struct kvm_device_attr *attr)
{
	return !attr->group && attr->attr == KVM_X86_XCOMP_GUEST_SUPP;
}

long lintel_dev_has_attr(struct ioctl_context *ctx)
{
	const struct kvm_device_attr *attr = ctx->arg;

	if (attr->flags)
		return -EINVAL;
	return system_knows(attr) ? 0 : -ENXIO;
}

long lintel_dev_get_attr(struct ioctl_context *ctx)
{
	const struct kvm_device_attr *attr = ctx->arg;
	long ret = lintel_dev_has_attr(ctx);

	if (ret)
		return ret;
	return put_user(lintel_cpuid_host_xcr0(), (u64 __user *)u64_to_user_ptr(attr->addr));
}

static bool vcpu_knows(const struct kvm_device_attr *attr)
{
	return attr->group == KVM_VCPU_TSC_CTRL && attr->attr == KVM_VCPU_TSC_OFFSET;
}

long lintel_vcpu_has_attr(struct ioctl_context *ctx)
{
	return vcpu_knows(ctx->arg) ? 0 : -ENXIO;
}

long lintel_vcpu_get_attr(struct ioctl_context *ctx)
{
	const struct kvm_device_attr *attr = ctx->arg;

	if (!vcpu_knows(attr))
		return -ENXIO;
	return put_user(ctx->vcpu->tsc_offset, (u64 __user *)u64_to_user_ptr(attr->addr));
}

long lintel_vcpu_set_attr(struct ioctl_context *ctx)
{
	const struct kvm_device_attr *attr = ctx->arg;
	u64 offset;

	if (!vcpu_knows(attr))
		return -ENXIO;
	if (get_user(offset, (u64 __user *)u64_to_user_ptr(attr->addr)))
		return -EFAULT;
	lintel_set_tsc_offset(ctx->vcpu, offset);
	return 0;
}
