// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copying CPUID entries and MSR lists between user space and the handlers.
 */
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "user.h"
#include "../vmx/cpuid.h"

#define MAX_MSRS	256	/* entries of KVM_GET_MSRS and KVM_SET_MSRS, as in KVM */

long lintel_user_get_cpuid(void __user *user,
			   int (*get)(void *ctx, struct kvm_cpuid_entry2 *entries, u32 *nent),
			   void *ctx)
{
	struct kvm_cpuid2 __user *head = user;
	struct kvm_cpuid_entry2 *entries;
	u32 nent;
	long ret;

	if (get_user(nent, &head->nent))
		return -EFAULT;
	nent = min_t(u32, nent, LINTEL_MAX_CPUID);
	entries = kvcalloc(max(nent, 1U), sizeof(*entries), GFP_KERNEL_ACCOUNT);
	if (!entries)
		return -ENOMEM;
	ret = get(ctx, entries, &nent);
	if (!ret && copy_to_user(head->entries, entries, nent * sizeof(*entries)))
		ret = -EFAULT;
	if (!ret && put_user(nent, &head->nent))
		ret = -EFAULT;
	kvfree(entries);
	return ret;
}

struct kvm_cpuid_entry2 *lintel_user_cpuid(void __user *user, u32 *nent)
{
	struct kvm_cpuid2 __user *head = user;

	if (get_user(*nent, &head->nent))
		return ERR_PTR(-EFAULT);
	if (*nent > LINTEL_MAX_CPUID)
		return ERR_PTR(-E2BIG);
	if (!*nent)
		return NULL;
	return vmemdup_user(head->entries, array_size(*nent, sizeof(struct kvm_cpuid_entry2)));
}

struct kvm_cpuid_entry2 *lintel_user_cpuid_v1(void __user *user, u32 *nent)
{
	struct kvm_cpuid __user *head = user;
	struct kvm_cpuid_entry2 *entries;
	struct kvm_cpuid_entry *old;
	u32 i;

	if (get_user(*nent, &head->nent))
		return ERR_PTR(-EFAULT);
	if (*nent > LINTEL_MAX_CPUID)
		return ERR_PTR(-E2BIG);
	if (!*nent)
		return NULL;
	old = vmemdup_user(head->entries, array_size(*nent, sizeof(*old)));
	if (IS_ERR(old))
		return ERR_CAST(old);
	entries = kvcalloc(*nent, sizeof(*entries), GFP_KERNEL_ACCOUNT);
	for (i = 0; entries && i < *nent; i++)
		entries[i] = (struct kvm_cpuid_entry2) {
			.function = old[i].function, .eax = old[i].eax, .ebx = old[i].ebx,
			.ecx = old[i].ecx, .edx = old[i].edx,
		};
	kvfree(old);
	return entries ? entries : ERR_PTR(-ENOMEM);
}

long lintel_user_msrs(void __user *user, int (*op)(void *ctx, u32 msr, u64 *value), void *ctx,
		      bool write_back)
{
	struct kvm_msrs __user *head = user;
	struct kvm_msr_entry *entries;
	u32 nr, done;

	if (get_user(nr, &head->nmsrs))
		return -EFAULT;
	if (nr >= MAX_MSRS)
		return -E2BIG;
	if (!nr)
		return 0;
	entries = vmemdup_user(head->entries, nr * sizeof(*entries));
	if (IS_ERR(entries))
		return PTR_ERR(entries);
	for (done = 0; done < nr; done++)
		if (op(ctx, entries[done].index, &entries[done].data))
			break;
	if (write_back && copy_to_user(head->entries, entries, done * sizeof(*entries))) {
		kvfree(entries);
		return -EFAULT;
	}
	kvfree(entries);
	return done;
}
