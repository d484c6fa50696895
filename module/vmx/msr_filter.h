/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which MSRs user space lets the guest use, and which accesses it answers itself:
 * KVM_X86_SET_MSR_FILTER and KVM_CAP_X86_USER_SPACE_MSR.
 */
#ifndef LINTEL_VMX_MSR_FILTER_H
#define LINTEL_VMX_MSR_FILTER_H

#include <linux/kvm.h>

#include "../types.h"

/*
 * lintel_msr_range_size - bytes of a range's bitmap, 0 if it has none; -EINVAL: flags, or too
 * large.
 */
long lintel_msr_range_size(const struct kvm_msr_filter_range *user);
/*
 * lintel_msr_filter_set - from kernel copies of user space's filter and of the ranges' bitmaps,
 * which are the filter's own when it succeeds.  vm->lock held.  -EINVAL: an unknown flag, or a
 * filter without ranges that denies everything; -ENOMEM.
 */
int lintel_msr_filter_set(struct lintel_vm *vm, const struct kvm_msr_filter *user,
			  unsigned long *const *bitmaps);
void lintel_msr_filter_free(struct lintel_vm *vm);

/* lintel_msr_allowed - @access: KVM_MSR_FILTER_READ or _WRITE.  Any context. */
bool lintel_msr_allowed(struct lintel_vcpu *vcpu, u32 msr, u32 access);

/*
 * lintel_msr_to_user - the access failed with @err (-EPERM: by the filter; -ENOENT: there is no
 * such MSR; else its value): does user space want to answer it?  Then kvm_run asks, and TO_USER;
 * otherwise #GP, and RESUME.
 */
int lintel_msr_to_user(struct lintel_vcpu *vcpu, u32 msr, u64 value, bool write, int err);

#endif
