/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The guest's time-stamp counter: its offset, its rate, and who may set them.
 */
#ifndef LINTEL_VMX_TSC_H
#define LINTEL_VMX_TSC_H

#include "../types.h"

/* All of these: the vCPU loaded, may sleep. */

/* IA32_TSC as a VMM writes it, and as the guest does. */
void lintel_tsc_set_by_user(struct lintel_vcpu *vcpu, u64 value);
void lintel_tsc_set_by_guest(struct lintel_vcpu *vcpu, u64 value);

/* lintel_tsc_adjust - IA32_TSC_ADJUST; @host: a VMM restores it, which moves nothing. */
void lintel_tsc_adjust(struct lintel_vcpu *vcpu, u64 value, bool host);

/* lintel_set_tsc_offset - also of the VM's later vCPUs. */
void lintel_set_tsc_offset(struct lintel_vcpu *vcpu, u64 offset);

/*
 * lintel_set_tsc_khz - the rate from now on; 0: the host's.  The offset stays.  -EINVAL: another
 * rate than the host's (by more than NTP would correct) where the CPU does not scale.
 */
int lintel_set_tsc_khz(struct lintel_vcpu *vcpu, unsigned long khz);

/* lintel_tsc_init - of a new vCPU, before it is loaded; vm->lock. */
void lintel_tsc_init(struct lintel_vcpu *vcpu);

/*
 * lintel_tsc_ratio_of - the scale for a TSC of @khz; 0: this host cannot give it.  Any context.
 */
u64 lintel_tsc_ratio_of(unsigned long khz);

#endif
