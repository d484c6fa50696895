/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The VMX-preemption timer: makes the guest exit when its local APIC's timer expires.
 */
#ifndef LINTEL_VMX_TIMER_H
#define LINTEL_VMX_TIMER_H

#include "../types.h"

/*
 * vmx_timer_value - what the timer has to count down from at TSC @now to reach zero at @target or
 * as soon after it as it can.  It counts when bit @rate of the TSC changes, so not in whole periods
 * from now.  What does not fit is cut: the exit then finds that it came early.
 */
static inline u32 vmx_timer_value(u64 now, u64 target, unsigned int rate)
{
	u64 value;

	if (target <= now)
		return 0;
	value = ((target - 1) >> rate) + 1 - (now >> rate);
	return value < 0xffffffff ? value : 0xffffffff;
}

/* vmx_timer_setup - with the VMCS's other fields, in a window. */
void vmx_timer_setup(struct lintel_vcpu *vcpu);
/* vmx_timer_before_entry - last thing before an entry, in a window. */
void vmx_timer_before_entry(struct lintel_vcpu *vcpu);

#endif
