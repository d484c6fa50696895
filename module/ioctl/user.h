/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Arguments with a tail of variable length: CPUID entries and MSR lists.
 */
#ifndef LINTEL_IOCTL_USER_H
#define LINTEL_IOCTL_USER_H

#include <linux/kvm.h>

#include "../types.h"

/* lintel_user_get_cpuid - let @get fill as many entries as the user has room for; copy them out. */
long lintel_user_get_cpuid(void __user *user,
			   int (*get)(void *ctx, struct kvm_cpuid_entry2 *entries, u32 *nent),
			   void *ctx);
/* lintel_user_cpuid - the entries the user gives: ERR_PTR, or to be freed with kvfree(). */
struct kvm_cpuid_entry2 *lintel_user_cpuid(void __user *user, u32 *nent);
/* lintel_user_cpuid_v1 - the same from the entries of KVM_SET_CPUID, which have no subleaf. */
struct kvm_cpuid_entry2 *lintel_user_cpuid_v1(void __user *user, u32 *nent);

/*
 * lintel_user_msrs - @op on each entry until one fails; the number of entries done, or -E2BIG,
 * -EFAULT, -ENOMEM.  @write_back: copy the values out.
 */
long lintel_user_msrs(void __user *user, int (*op)(void *ctx, u32 msr, u64 *value), void *ctx,
		      bool write_back);

#endif
