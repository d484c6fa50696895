/* SPDX-License-Identifier: GPL-2.0-only */
/* What explain.h has to know of this processor. */
#ifndef LINTEL_VMX_EXPLAIN_LIMITS_H
#define LINTEL_VMX_EXPLAIN_LIMITS_H

struct vmx_limits;

/* explain_read_limits - fill @l from the capability MSRs and CPUID; 0 for what is not there. */
void explain_read_limits(struct vmx_limits *l);

#endif
