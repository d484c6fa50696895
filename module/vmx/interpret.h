/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The interpreter put to work on a vCPU, and the exits to user space that it needs.
 */
#ifndef LINTEL_VMX_INTERPRET_H
#define LINTEL_VMX_INTERPRET_H

#include "../types.h"

/*
 * lintel_interpret - execute the instruction at RIP in software.  Preemptible, may sleep.
 * RESUME, TO_USER (MMIO, port, internal error), -errno.
 */
int lintel_interpret(struct lintel_vcpu *vcpu);

/*
 * lintel_interpret_task - switch tasks; RIP is where the old one goes on.  Preemptible, may sleep.
 * RESUME: the new task is there; -ENOENT: a fault of the old one is queued; TO_USER, -EIO.
 */
struct emulate_task;
int lintel_interpret_task(struct lintel_vcpu *vcpu, const struct emulate_task *task);

/*
 * lintel_fix_hypercall - the guest got #UD: if it was AMD's VMMCALL, and user space has not turned
 * this quirk of KVM's off, it is VMCALL now, to be executed again (or the write's #PF is queued).
 * 0, or -ENOENT: it is another instruction.
 */
int lintel_fix_hypercall(struct lintel_vcpu *vcpu);

/*
 * lintel_is_emulated - the guest got #UD: for an instruction that its CPUID has and the processor
 * not, and that lintel_interpret() can do (KVM_GET_EMULATED_CPUID)?  Preemptible, may sleep.
 */
bool lintel_is_emulated(struct lintel_vcpu *vcpu);

/* lintel_io_exit - tell user space about the next queued MMIO fragment, or about string I/O. */
int lintel_mmio_exit(struct lintel_vcpu *vcpu);

#endif
