/* SPDX-License-Identifier: GPL-2.0-only */
/* Reading the fields that explain.h looks at, and telling the result in the kernel's log. */
#ifndef LINTEL_VMX_EXPLAIN_CAPTURE_H
#define LINTEL_VMX_EXPLAIN_CAPTURE_H

#include "../types.h"

struct lintel_entry_report;

/*
 * explain_failure - a VM entry of this vCPU failed: print which rules its VMCS breaks, at most twice in
 * 5 seconds.  The running thread, preemptible, may sleep.
 */
void explain_failure(struct lintel_vcpu *vcpu);

/*
 * explain_to_user - the LINTEL_EXPLAIN_ENTRY ioctl, on a kernel copy of its argument.
 * vcpu->mutex held, the vCPU loaded; may sleep.  Returns 0, -EINVAL, -EIO, -ENOMEM.
 */
int explain_to_user(struct lintel_vcpu *vcpu, struct lintel_entry_report *report);

#endif
