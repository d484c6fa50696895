// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hypercalls.
 *
 * The number is in RAX, arguments in RBX, RCX, RDX and RSI, and the answer comes back in RAX; a
 * negative one is an error number of <linux/kvm_para.h>.  Only what CPUID leaf 0x40000001
 * offers, and the two calls that need no offer, are known; every other number answers
 * -KVM_ENOSYS, so that a guest can probe.
 */
#include "hypercall.h"

#include <linux/bitops.h>
#include <linux/kernel.h>
#include <linux/kvm_para.h>
#include <linux/nospec.h>
#include <linux/time64.h>
#include <asm/apicdef.h>

#include "../ept/ept.h"
#include "../trace.h"
#include "../irq/irq.h"
#include "../vcpu.h"
#include "../vm.h"
#include "clock.h"
#include "pv.h"
#include "yield.h"

/* Wall-clock time and the guest's TSC at the same moment: a precise clock for the guest's NTP. */
static noinline long clock_pairing(struct lintel_vcpu *vcpu, gpa_t gpa, unsigned long type)
{
	struct kvm_clock_pairing pairing = {};
	struct timespec64 wall;
	u64 host_tsc;

	if (type != KVM_CLOCK_PAIRING_WALLCLOCK || !lintel_clock_wall(&wall, &host_tsc))
		return -KVM_EOPNOTSUPP;
	pairing.sec = wall.tv_sec;
	pairing.nsec = wall.tv_nsec;
	pairing.tsc = lintel_vcpu_guest_tsc(vcpu, host_tsc);
	if (lintel_guest_write(vcpu->vm, gpa, &pairing, sizeof(pairing)))
		return -KVM_EFAULT;
	return 0;
}

/* A vCPU's index is its APIC id in a VM that was made in order. */
static struct lintel_vcpu *vcpu_at_index(struct lintel_vm *vm, u64 id)
{
	struct lintel_vcpu *vcpu;

	if (id >= LINTEL_MAX_VCPUS)
		return NULL;
	vcpu = lintel_vm_vcpu(vm, array_index_nospec(id, LINTEL_MAX_VCPUS));
	return vcpu && vcpu->id == id ? vcpu : NULL;
}

static struct lintel_vcpu *vcpu_of_apic_id(struct lintel_vm *vm, u64 id)
{
	struct lintel_vcpu *vcpu = vcpu_at_index(vm, id);
	unsigned int i;

	if (vcpu)
		return vcpu;
	for_each_vcpu(i, vcpu, vm)
		if (vcpu->id == id)
			return vcpu;
	return NULL;
}

/* Ends the target's HLT whatever its RFLAGS.IF; a kick that comes before the HLT ends that one. */
static noinline long kick_cpu(struct lintel_vcpu *vcpu, u64 apic_id)
{
	struct lintel_vcpu *target = vcpu_of_apic_id(vcpu->vm, apic_id);

	if (target && target->lapic) {
		WRITE_ONCE(target->pv.unhalted, true);
		lintel_vcpu_notify_event(target);
	}
	lintel_yield_to(vcpu, target);
	return 0;
}

/*
 * One message to a set of local APICs: bit n of the two bitmaps is APIC id @first + n.  @icr has
 * the ICR's delivery mode and vector; destination mode and shorthand make no sense with a set.
 * Ids that are not found at their index are looked for together, so that the whole costs at most
 * one step for each bit and one for each vCPU.
 */
static noinline long send_ipi(struct lintel_vcpu *vcpu, u64 low, u64 high, u32 first, u32 icr,
			      unsigned int width)
{
	unsigned long bitmap[2] = { low, high };
	struct lintel_vm *vm = vcpu->vm;
	struct lintel_vcpu *target;
	unsigned int half, bit, i;
	long sent = 0;

	if (icr & (APIC_DEST_LOGICAL | APIC_DEST_ALLBUT))
		return -KVM_EINVAL;
	if (!vcpu->lapic)
		return -KVM_EOPNOTSUPP;
	for (half = 0; half < 2; half++) {
		for_each_set_bit(bit, &bitmap[half], width) {
			target = vcpu_at_index(vm, (u64)first + half * width + bit);
			if (!target)
				continue;
			__clear_bit(bit, &bitmap[half]);
			sent += lintel_lapic_ipi(target, icr);
		}
	}
	if (!bitmap[0] && !bitmap[1])
		return sent;
	for_each_vcpu(i, target, vm) {
		u64 n = (u64)target->id - first;

		if (target->id < first || n >= 2 * width)
			continue;
		n = array_index_nospec(n, 2 * width);
		if (bitmap[n / width] & BIT_ULL(n % width))
			sent += lintel_lapic_ipi(target, icr);
	}
	return sent;
}

#define ARG(reg)	(vcpu->gpr[GPR_##reg] & mask)

enum lintel_next lintel_hypercall(struct lintel_vcpu *vcpu, bool long64, unsigned int cpl)
{
	unsigned long mask = long64 ? ~0UL : U32_MAX;
	unsigned long nr = vcpu->gpr[GPR_RAX] & mask;
	long ret = -KVM_ENOSYS;

	if (trace_lintel_hypercall_enabled())
		trace_lintel_hypercall(vcpu, nr, ARG(RBX), ARG(RCX), ARG(RDX), ARG(RSI));
	if (cpl) {
		ret = -KVM_EPERM;
		goto out;
	}
	switch (nr) {
	case KVM_HC_VAPIC_POLL_IRQ:	/* the exit itself was the poll */
		ret = 0;
		break;
	case KVM_HC_CLOCK_PAIRING:
		ret = clock_pairing(vcpu, ARG(RBX), ARG(RCX));
		break;
	case KVM_HC_KICK_CPU:
		if (lintel_pv_allows(vcpu, KVM_FEATURE_PV_UNHALT))
			ret = kick_cpu(vcpu, ARG(RCX));
		break;
	case KVM_HC_SEND_IPI:
		if (lintel_pv_allows(vcpu, KVM_FEATURE_PV_SEND_IPI))
			ret = send_ipi(vcpu, ARG(RBX), ARG(RCX), ARG(RDX), ARG(RSI),
				       long64 ? 64 : 32);
		break;
	case KVM_HC_SCHED_YIELD:
		if (lintel_pv_allows(vcpu, KVM_FEATURE_PV_SCHED_YIELD)) {
			lintel_yield_to(vcpu, vcpu_of_apic_id(vcpu->vm, ARG(RBX)));
			ret = 0;
		}
		break;
	}
out:
	vcpu->gpr[GPR_RAX] = (unsigned long)ret & mask;
	return RESUME;
}
