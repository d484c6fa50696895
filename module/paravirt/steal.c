// SPDX-License-Identifier: GPL-2.0-only
/*
 * Steal time: for how long the vCPU's thread wanted to run and did not, and whether it runs now.
 *
 * The guest's structure is written when the vCPU is about to run again: the time that the host's
 * scheduler has noted as the thread's run delay since the last time.  The "preempted" byte is set
 * when the thread leaves its CPU.  A guest uses it in two ways: it does not spin for a lock whose
 * holder does not run, and instead of an IPI for a TLB flush it sets the byte's FLUSH bit, which
 * the host serves before the vCPU runs again.
 *
 * The latter makes the byte a promise: between the byte and the next entry nothing may be done for
 * the guest with translations from before.  So it is set only when the last exit was between two
 * instructions (a host interrupt, a window), never while one is being interpreted.
 *
 * The byte is set from the scheduler, which cannot wait for a page: a page that is not at hand is
 * left alone, and the guest sends its IPI.
 */
#include <linux/kernel.h>
#include <linux/stddef.h>
#include <asm/kvm_para.h>

#include "../compat.h"
#include "../ept/ept.h"
#include "../vcpu.h"
#include "../vm.h"
#include "pv.h"

#define OFFSET(member)	offsetof(struct kvm_steal_time, member)

static gpa_t steal_gpa(const struct lintel_vcpu *vcpu)
{
	return vcpu->pv.steal.msr & KVM_STEAL_VALID_BITS;
}

static bool steal_enabled(const struct lintel_vcpu *vcpu)
{
	return vcpu->pv.steal.msr & KVM_MSR_ENABLED;
}

void lintel_steal_load(struct lintel_vcpu *vcpu)
{
	if (steal_enabled(vcpu) &&
	    (vcpu->pv.steal.preempted || vcpu->pv.steal.run_delay != lintel_run_delay()))
		lintel_vcpu_request(vcpu, REQ_STEAL);
}

void lintel_steal_put(struct lintel_vcpu *vcpu)
{
	static const u8 preempted = KVM_VCPU_PREEMPTED;

	if (!steal_enabled(vcpu) || !vcpu->pv.at_boundary || vcpu->pv.steal.preempted)
		return;
	if (!lintel_guest_write_nofault(vcpu->vm, steal_gpa(vcpu) + OFFSET(preempted), &preempted,
					sizeof(preempted)))
		vcpu->pv.steal.preempted = true;
}

/*
 * From PREEMPTED to 0 in one step, unless another vCPU has asked for a flush meanwhile: then the
 * byte is cleared first, so that who comes later sends an IPI, and the flush comes after it.
 */
static void clear_preempted(struct lintel_vcpu *vcpu)
{
	gpa_t gpa = steal_gpa(vcpu) + OFFSET(preempted);
	struct lintel_vm *vm = vcpu->vm;
	u8 found, zero = 0, old = KVM_VCPU_PREEMPTED;

	vcpu->pv.steal.preempted = false;
	if (lintel_guest_read(vm, gpa, &found, sizeof(found)) || !found)
		return;
	if (found == old && !lintel_guest_cmpxchg(vm, gpa, &old, &zero, sizeof(zero)))
		return;
	lintel_guest_write(vm, gpa, &zero, sizeof(zero));
	/* No FLUSH bit may have been seen and dropped: whatever else stood there counts as one. */
	if (lintel_pv_allows(vcpu, KVM_FEATURE_PV_TLB_FLUSH)) {
		vcpu->stats.pv_tlb_flushes++;
		lintel_vcpu_request(vcpu, REQ_TLB_FLUSH);
	}
}

/* The guest reads again while the version is odd or has changed. */
static void add_steal(struct lintel_vcpu *vcpu, u64 delta)
{
	struct lintel_vm *vm = vcpu->vm;
	gpa_t gpa = steal_gpa(vcpu);
	struct kvm_steal_time st;

	if (lintel_guest_read(vm, gpa, &st, offsetofend(struct kvm_steal_time, version)))
		return;
	st.version = (st.version | 1) + 2;
	st.steal += delta;
	if (lintel_guest_write(vm, gpa + OFFSET(version), &st.version, sizeof(st.version)))
		return;
	smp_wmb();	/* the odd version before what it covers */
	lintel_guest_write(vm, gpa + OFFSET(steal), &st.steal, sizeof(st.steal));
	smp_wmb();	/* and the even one after it */
	st.version++;
	lintel_guest_write(vm, gpa + OFFSET(version), &st.version, sizeof(st.version));
}

void lintel_steal_update(struct lintel_vcpu *vcpu)
{
	u64 now = lintel_run_delay(), before = vcpu->pv.steal.run_delay;

	if (!steal_enabled(vcpu))
		return;
	clear_preempted(vcpu);
	vcpu->pv.steal.run_delay = now;
	add_steal(vcpu, now - before);
}
