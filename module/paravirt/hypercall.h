/* SPDX-License-Identifier: GPL-2.0-only */
/* Hypercalls: VMCALL with KVM's calling convention. */
#ifndef LINTEL_PARAVIRT_HYPERCALL_H
#define LINTEL_PARAVIRT_HYPERCALL_H

#include <linux/kvm_para.h>

#include "../trace.h"
#include "../vcpu.h"

/*
 * lintel_hypercall - do what RAX (and RBX, RCX, RDX, RSI) ask for; the answer goes to RAX.
 * @long64: the vCPU is in 64-bit mode, registers are not truncated.  @cpl: its privilege level.
 * The caller advances RIP.  The vCPU's thread, may sleep.  Returns RESUME.
 */
enum lintel_next lintel_hypercall(struct lintel_vcpu *vcpu, bool long64, unsigned int cpl);

/*
 * lintel_hypercall_unknown - a number that there is not, asked for in 64-bit mode: the same answer,
 * if it is all there is to do.  True: RAX has it.  Any context of the vCPU's thread.
 */
static inline bool lintel_hypercall_unknown(struct lintel_vcpu *vcpu, unsigned int cpl)
{
	/* the last that is known */
	if (vcpu->gpr[GPR_RAX] <= KVM_HC_SCHED_YIELD || trace_lintel_hypercall_enabled())
		return false;
	vcpu->gpr[GPR_RAX] = cpl ? -KVM_EPERM : -KVM_ENOSYS;
	return true;
}

/* lintel_hypercall_quick - number @nr does not sleep: interrupts may be off. */
static inline bool lintel_hypercall_quick(u64 nr)
{
	return nr != KVM_HC_CLOCK_PAIRING && nr != KVM_HC_KICK_CPU && nr != KVM_HC_SCHED_YIELD;
}

#endif
