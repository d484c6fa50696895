// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_SET_PMU_EVENT_FILTER: which events the guests of a VM may count.
 *
 * A filter is replaced as a whole and read under RCU.  It has a number, by which a vCPU sees that
 * it is another one than its counters follow.
 */
#include <linux/mutex.h>
#include <linux/overflow.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "internal.h"
#include "../compat.h"
#include "../vcpu.h"
#include "../vm.h"

struct lintel_pmu_filter {
	struct rcu_head rcu;
	struct pmu_filter filter;	/* the last: its events follow */
};

int lintel_pmu_filter_set(struct lintel_vm *vm, const struct kvm_pmu_event_filter *head,
			  const u64 *events)
{
	struct lintel_pmu_filter *new, *old;
	struct lintel_vcpu *vcpu;
	unsigned int i;
	int err;

	if (head->action != KVM_PMU_EVENT_ALLOW && head->action != KVM_PMU_EVENT_DENY)
		return -EINVAL;
	if (head->flags & ~KVM_PMU_EVENT_FLAG_MASKED_EVENTS)
		return -EINVAL;
	new = kzalloc(struct_size(new, filter.events, head->nevents), GFP_KERNEL_ACCOUNT);
	if (!new)
		return -ENOMEM;
	new->filter.allow = head->action == KVM_PMU_EVENT_ALLOW;
	new->filter.fixed = head->fixed_counter_bitmap;
	new->filter.nr = head->nevents;
	memcpy(new->filter.events, events, head->nevents * sizeof(*events));
	err = pmu_filter_settle(&new->filter, head->flags & KVM_PMU_EVENT_FLAG_MASKED_EVENTS);
	if (err) {
		kfree(new);
		return err;
	}
	old = rcu_replace_pointer(vm->pmu_filter, new, lockdep_is_held(&vm->lock));
	/* pairs with pmu_filter_number() */
	smp_store_release(&vm->pmu_filter_number, vm->pmu_filter_number + 1);
	if (old)
		kfree_rcu(old, rcu);
	for_each_vcpu(i, vcpu, vm) {
		lintel_vcpu_request(vcpu, REQ_PMU);
		lintel_vcpu_kick(vcpu);
	}
	return 0;
}

void lintel_pmu_filter_free(struct lintel_vm *vm)
{
	kfree(rcu_dereference_protected(vm->pmu_filter, 1));
	RCU_INIT_POINTER(vm->pmu_filter, NULL);
}

u32 pmu_filter_number(struct lintel_vm *vm)
{
	/* what is asked of the filter afterwards is asked of this one, or a later one */
	return smp_load_acquire(&vm->pmu_filter_number);
}

bool pmu_filter_passes(struct lintel_vm *vm, unsigned int counter, u64 event)
{
	const struct lintel_pmu_filter *filter;
	bool passes = true;

	rcu_read_lock();
	filter = rcu_dereference(vm->pmu_filter);
	if (filter)
		passes = pmu_filter_allows(&filter->filter, counter, event);
	rcu_read_unlock();
	return passes;
}
