/* SPDX-License-Identifier: GPL-2.0-only */
/* Reading the fields that explain.h looks at, and telling the result in the kernel's log. */
#ifndef LINTEL_VMX_EXPLAIN_CAPTURE_H
#define LINTEL_VMX_EXPLAIN_CAPTURE_H

#include "../types.h"

struct vmcs_fields;

/*
 * explain_capture - copy the fields of the current VMCS and the processor's capability MSRs.  The
 * caller zeroes @f beforehand (it is of about 1 KiB: allocate it).  With the vCPU's VMCS current.
 */
void explain_capture(struct vmcs_fields *f);

/* explain_log - check @f and print what is broken, rate limited by VM entry failures.  Any context. */
void explain_log(const struct lintel_vcpu *vcpu, const struct vmcs_fields *f);

#endif
