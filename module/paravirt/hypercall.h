/* SPDX-License-Identifier: GPL-2.0-only */
/* Hypercalls: VMCALL with KVM's calling convention. */
#ifndef LINTEL_PARAVIRT_HYPERCALL_H
#define LINTEL_PARAVIRT_HYPERCALL_H

#include "../types.h"

/*
 * lintel_hypercall - do what RAX (and RBX, RCX, RDX, RSI) ask for; the answer goes to RAX.
 * @long64: the vCPU is in 64-bit mode, registers are not truncated.  @cpl: its privilege level.
 * The caller advances RIP.  The vCPU's thread, may sleep.  Returns RESUME.
 */
enum lintel_next lintel_hypercall(struct lintel_vcpu *vcpu, bool long64, unsigned int cpl);

#endif
