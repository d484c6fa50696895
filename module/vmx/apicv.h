/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The processor's part of the local APIC, as far as the VMCS tells it: apicv.c.
 */
#ifndef LINTEL_VMX_APICV_H
#define LINTEL_VMX_APICV_H

#include "../types.h"

/* The control words of a new VMCS. */
struct apicv_controls {
	u32 pin, proc, proc2;
};

/*
 * apicv_controls - take from @c what this vCPU does not use: everything, without a LAPIC in the
 * kernel; the CR8 exits, with a TPR shadow.
 */
void apicv_controls(const struct lintel_vcpu *vcpu, struct apicv_controls *c);
/* apicv_setup - the fields beside the controls.  In a window. */
void apicv_setup(struct lintel_vcpu *vcpu);
/*
 * apicv_before_entry - what was posted, and what the local APIC has changed: @todo is what
 * lintel_vapic_enter() says, and not 0.  In the window, with a TPR shadow.
 */
void apicv_before_entry(struct lintel_vcpu *vcpu, unsigned int todo);

#endif
