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

#include <linux/kernel.h>
#include <linux/kvm_para.h>
#include <linux/time64.h>

#include "../ept/ept.h"
#include "../trace.h"
#include "../vcpu.h"
#include "clock.h"

/* Wall-clock time and the guest's TSC at the same moment: a precise clock for the guest's NTP. */
static long clock_pairing(struct lintel_vcpu *vcpu, gpa_t gpa, unsigned long type)
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

enum lintel_next lintel_hypercall(struct lintel_vcpu *vcpu, bool long64, unsigned int cpl)
{
	unsigned long mask = long64 ? ~0UL : U32_MAX;
	unsigned long nr = vcpu->gpr[GPR_RAX] & mask;
	unsigned long a0 = vcpu->gpr[GPR_RBX] & mask;
	unsigned long a1 = vcpu->gpr[GPR_RCX] & mask;
	long ret;

	trace_lintel_hypercall(vcpu, nr, a0, a1, vcpu->gpr[GPR_RDX] & mask,
			      vcpu->gpr[GPR_RSI] & mask);
	if (cpl) {
		ret = -KVM_EPERM;
	} else {
		switch (nr) {
		case KVM_HC_VAPIC_POLL_IRQ:	/* the exit itself was the poll */
			ret = 0;
			break;
		case KVM_HC_CLOCK_PAIRING:
			ret = clock_pairing(vcpu, a0, a1);
			break;
		default:
			ret = -KVM_ENOSYS;
			break;
		}
	}
	vcpu->gpr[GPR_RAX] = (unsigned long)ret & mask;
	return RESUME;
}
