// SPDX-License-Identifier: GPL-2.0-only
/*
 * MSR filters, and MSRs that user space answers.
 *
 * A filter is replaced as a whole and read under RCU.  What it denies is taken out of the MSR
 * bitmaps (msr_bitmap_filter()), so that the hot path asks only for accesses that exit anyway.  The
 * MSRs of the x2APIC are the LAPIC's and are never filtered, as in KVM.
 */
#include <linux/nospec.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <asm/apicdef.h>

#include "event.h"
#include "exit.h"
#include "msr_filter.h"
#include "../ept/ept.h"
#include "../regs.h"
#include "../vm.h"

#define MAX_BITMAP	0x600		/* bytes of one range's bitmap, as in KVM */

struct msr_range {
	u32 flags, base, nr;
	unsigned long *bitmap;		/* 1: allowed */
};

struct lintel_msr_filter {
	struct rcu_head rcu;
	bool deny;			/* what is in no range */
	unsigned int nr;		/* ranges up to the last one that holds an MSR */
	struct msr_range range[KVM_MSR_FILTER_MAX_RANGES];
};

static void free_filter(struct lintel_msr_filter *filter)
{
	int i;

	if (!filter)
		return;
	for (i = 0; i < KVM_MSR_FILTER_MAX_RANGES; i++)
		kfree(filter->range[i].bitmap);
	kfree(filter);
}

static void free_filter_rcu(struct rcu_head *rcu)
{
	free_filter(container_of(rcu, struct lintel_msr_filter, rcu));
}

long lintel_msr_range_size(const struct kvm_msr_filter_range *user)
{
	size_t size = BITS_TO_LONGS((u64)user->nmsrs) * sizeof(long);

	if (user->nmsrs && (user->flags & ~(KVM_MSR_FILTER_READ | KVM_MSR_FILTER_WRITE) ||
			    !user->flags || size > MAX_BITMAP))
		return -EINVAL;
	return size;
}

static void publish(struct lintel_vm *vm, struct lintel_msr_filter *filter)
{
	struct lintel_msr_filter *old = rcu_dereference_protected(vm->msr_filter, 1);
	struct lintel_vcpu *vcpu;
	unsigned int i;

	rcu_assign_pointer(vm->msr_filter, filter);
	if (old)
		call_rcu(&old->rcu, free_filter_rcu);
	for_each_vcpu(i, vcpu, vm) {
		lintel_vcpu_request(vcpu, REQ_MSR_FILTER);
		lintel_vcpu_kick(vcpu);
	}
}

int lintel_msr_filter_set(struct lintel_vm *vm, const struct kvm_msr_filter *user,
			  unsigned long *const *bitmaps)
{
	struct lintel_msr_filter *filter;
	bool empty = true;
	int i;

	for (i = 0; i < KVM_MSR_FILTER_MAX_RANGES; i++)
		empty &= !bitmaps[i];
	if (user->flags & ~KVM_MSR_FILTER_DEFAULT_DENY || (empty && user->flags))
		return -EINVAL;
	filter = kzalloc(sizeof(*filter), GFP_KERNEL_ACCOUNT);
	if (!filter)
		return -ENOMEM;
	filter->deny = user->flags & KVM_MSR_FILTER_DEFAULT_DENY;
	for (i = 0; i < KVM_MSR_FILTER_MAX_RANGES; i++)
		filter->range[i] = (struct msr_range) {
			.flags = user->ranges[i].flags, .base = user->ranges[i].base,
			.nr = user->ranges[i].nmsrs, .bitmap = bitmaps[i],
		};
	for (i = 0; i < KVM_MSR_FILTER_MAX_RANGES; i++)
		if (filter->range[i].nr)
			filter->nr = i + 1;
	publish(vm, filter);
	return 0;
}

void lintel_msr_filter_free(struct lintel_vm *vm)
{
	free_filter(rcu_dereference_protected(vm->msr_filter, 1));
	RCU_INIT_POINTER(vm->msr_filter, NULL);
}

static bool filter_allows(const struct lintel_msr_filter *filter, u32 msr, u32 access)
{
	unsigned int i;

	for (i = 0; i < filter->nr; i++) {
		const struct msr_range *range = &filter->range[i];
		u32 index = msr - range->base;

		if (msr >= range->base && index < range->nr && (range->flags & access))
			return test_bit(array_index_nospec(index, range->nr), range->bitmap);
	}
	return !filter->deny;
}

bool lintel_msr_allowed(struct lintel_vcpu *vcpu, u32 msr, u32 access)
{
	const struct lintel_msr_filter *filter;
	bool allowed = true;

	if (likely(!rcu_access_pointer(vcpu->vm->msr_filter)))
		return true;
	if (msr >= APIC_BASE_MSR && msr <= APIC_BASE_MSR + 0xff)
		return true;
	rcu_read_lock();
	filter = rcu_dereference(vcpu->vm->msr_filter);
	if (filter)
		allowed = filter_allows(filter, msr, access);
	rcu_read_unlock();
	return allowed;
}

static int complete_read(struct lintel_vcpu *vcpu)
{
	u64 value = vcpu->run->msr.data;

	if (vcpu->run->msr.error) {
		lintel_inject_gp(vcpu);
		return RESUME;
	}
	lintel_set_edx_eax(vcpu, value);
	lintel_skip_instruction(vcpu);
	return RESUME;
}

static int complete_write(struct lintel_vcpu *vcpu)
{
	if (vcpu->run->msr.error)
		lintel_inject_gp(vcpu);
	else
		lintel_skip_instruction(vcpu);
	return RESUME;
}

int lintel_msr_to_user(struct lintel_vcpu *vcpu, u32 msr, u64 value, bool write, int err)
{
	struct kvm_run *run = vcpu->run;
	u32 reason = err == -EPERM ? KVM_MSR_EXIT_REASON_FILTER :
		     err == -ENOENT ? KVM_MSR_EXIT_REASON_UNKNOWN : KVM_MSR_EXIT_REASON_INVAL;

	if (!(vcpu->vm->user_space_msr & reason)) {
		lintel_inject_gp(vcpu);
		return RESUME;
	}
	if (write)
		run->exit_reason = KVM_EXIT_X86_WRMSR;
	else
		run->exit_reason = KVM_EXIT_X86_RDMSR;
	run->msr.error = 0;
	memset(run->msr.pad, 0, sizeof(run->msr.pad));
	run->msr.reason = reason;
	run->msr.index = msr;
	run->msr.data = write ? value : 0;
	vcpu->io.complete = write ? complete_write : complete_read;
	return TO_USER;
}
