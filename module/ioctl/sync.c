// SPDX-License-Identifier: GPL-2.0-only
/*
 * Register state that travels with KVM_RUN.
 *
 * struct kvm_run is shared memory: what user space put there is copied once and checked as the
 * ioctls check their arguments.  Nothing here costs a VMM that does not use it more than two reads.
 */
#include <linux/kvm.h>
#include <linux/string.h>

#include "sync.h"
#include "../regs.h"
#include "../vm.h"

static int set_dirty(struct lintel_vcpu *vcpu, u64 dirty)
{
	const struct kvm_sync_regs *shared = &vcpu->run->s.regs;
	struct kvm_vcpu_events events;
	struct kvm_sregs sregs;
	struct kvm_regs regs;
	int err = 0;

	if (dirty & KVM_SYNC_X86_REGS) {
		regs = shared->regs;
		barrier();
		lintel_set_regs(vcpu, &regs);
	}
	if (dirty & KVM_SYNC_X86_SREGS) {
		sregs = shared->sregs;
		barrier();
		err = lintel_set_sregs(vcpu, &sregs);
	}
	if (!err && (dirty & KVM_SYNC_X86_EVENTS)) {
		events = shared->events;
		barrier();
		err = lintel_set_vcpu_events(vcpu, &events);
	}
	return err;
}

int lintel_sync_in(struct lintel_vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;
	u64 dirty = READ_ONCE(run->kvm_dirty_regs);
	int err;

	if (likely(!dirty && !READ_ONCE(run->kvm_valid_regs)))
		return 0;
	if ((dirty | READ_ONCE(run->kvm_valid_regs)) & ~(u64)LINTEL_SYNC_REGS)
		return -EINVAL;
	if (!dirty)
		return 0;
	lintel_vcpu_load(vcpu);
	err = set_dirty(vcpu, dirty);
	lintel_vcpu_put(vcpu);
	if (!err)
		run->kvm_dirty_regs = 0;
	return err;
}

void lintel_sync_out(struct lintel_vcpu *vcpu)
{
	u64 valid = READ_ONCE(vcpu->run->kvm_valid_regs) & LINTEL_SYNC_REGS;
	struct kvm_sync_regs *shared = &vcpu->run->s.regs;

	if (likely(!valid))
		return;
	lintel_vcpu_load(vcpu);
	if (valid & KVM_SYNC_X86_REGS)
		lintel_get_regs(vcpu, &shared->regs);
	if (valid & KVM_SYNC_X86_SREGS)
		lintel_get_sregs(vcpu, &shared->sregs);
	if (valid & KVM_SYNC_X86_EVENTS)
		lintel_get_vcpu_events(vcpu, &shared->events);
	lintel_vcpu_put(vcpu);
}
