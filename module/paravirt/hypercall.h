/* SPDX-License-Identifier: GPL-2.0-only */
/* Hypercalls: VMCALL with KVM's calling convention. */
#ifndef LINTEL_PARAVIRT_HYPERCALL_H
#define LINTEL_PARAVIRT_HYPERCALL_H

#include <linux/kvm_para.h>

#include "../types.h"

/*
 * lintel_hypercall - do what RAX (and RBX, RCX, RDX, RSI) ask for; the answer goes to RAX.
 * @long64: the vCPU is in 64-bit mode, registers are not truncated.  @cpl: its privilege level.
 * The caller advances RIP.  The vCPU's thread, may sleep.  Returns RESUME.
 */
enum lintel_next lintel_hypercall(struct lintel_vcpu *vcpu, bool long64, unsigned int cpl);

/* lintel_hypercall_quick - number @nr does not sleep: interrupts may be off. */
static inline bool lintel_hypercall_quick(u64 nr)
{
	return nr != KVM_HC_CLOCK_PAIRING && nr != KVM_HC_KICK_CPU && nr != KVM_HC_SCHED_YIELD;
}

#endif
