/* SPDX-License-Identifier: GPL-2.0-only */
/* Reading the fields that explain.h looks at, and telling the result in the kernel's log. */
#ifndef LINTEL_VMX_EXPLAIN_CAPTURE_H
#define LINTEL_VMX_EXPLAIN_CAPTURE_H

#include "../types.h"

struct lintel_entry_report;
struct vmcs_fields;

/*
 * explain_capture - copy the fields of the current VMCS and the processor's capability MSRs.  The
 * caller zeroes @f beforehand (it is of about 1 KiB: allocate it).  With the vCPU's VMCS current.
 */
void explain_capture(struct vmcs_fields *f);

/* explain_log - check @f and print what is broken, at most twice in 5 seconds.  Any context. */
void explain_log(const struct lintel_vcpu *vcpu, const struct vmcs_fields *f);

/*
 * explain_to_user - the LINTEL_EXPLAIN_ENTRY ioctl, on a kernel copy of its argument.
 * vcpu->mutex held, the vCPU loaded; may sleep.  Returns 0, -EINVAL, -EIO, -ENOMEM.
 */
int explain_to_user(struct lintel_vcpu *vcpu, struct lintel_entry_report *report);

#endif
