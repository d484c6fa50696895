/* SPDX-License-Identifier: GPL-2.0-only */
/* All fields of a vCPU's VMCS that are of interest, for who looks from outside. */
#ifndef LINTEL_VMX_SNAPSHOT_H
#define LINTEL_VMX_SNAPSHOT_H

#include "../types.h"

struct lintel_snapshot;

/*
 * vmx_snapshot - fill the registers and fields of @to.  vcpu->mutex held, vCPU loaded; may sleep.
 * Of a VM that was killed there are no fields.  Returns 0 or -ENOMEM.
 */
int vmx_snapshot(struct lintel_vcpu *vcpu, struct lintel_snapshot *to);

#endif
