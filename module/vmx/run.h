/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From the run loop into the guest and back.
 */
#ifndef LINTEL_VMX_RUN_H
#define LINTEL_VMX_RUN_H

#include "../types.h"

enum vmx_run_result {
	RUN_EXIT,		/* an exit that lintel_handle_exit() has to handle; vcpu->exit is filled */
	RUN_USER,		/* handled, and kvm_run tells user space what to do */
	RUN_ATTENTION,		/* nothing to handle: requests, signals, rescheduling */
	RUN_ENTRY_FAILED,	/* VMfail; vcpu->exit.instruction_error says why, the VM is not dead */
};

/*
 * vmx_run - enter the guest, again and again, until something needs the preemptible world.
 * vCPU loaded; preemptible on entry and return, in between preemption and mostly interrupts are off.
 */
enum vmx_run_result vmx_run(struct lintel_vcpu *vcpu);

/* exit.c: handle vcpu->exit; preemptible.  RESUME, TO_USER or -errno. */
int lintel_handle_exit(struct lintel_vcpu *vcpu);

enum short_exit {
	SHORT_NOT,		/* for lintel_handle_exit(); nothing has changed */
	SHORT_PREPARE,		/* done; the next entry is to be prepared */
	SHORT_ATTENTION,	/* done; the window must end, as a host interrupt waits */
	SHORT_USER,		/* done, as far as the kernel can: kvm_run is filled */
	SHORT_ENTER,		/* done, and nothing that an entry depends on has changed but RIP */
};

/*
 * exit_io.c: handle vcpu->exit with the guest's FPU state in the registers, preemption off.
 * RUN_ATTENTION: done; RUN_USER: kvm_run is filled; RUN_EXIT: it is for lintel_handle_exit().
 */
enum vmx_run_result vmx_exit_nosleep(struct lintel_vcpu *vcpu);

/* exit_short.c: handle an exit inside the window, interrupts off. */
enum short_exit vmx_exit_short(struct lintel_vcpu *vcpu, u32 reason);

#endif
