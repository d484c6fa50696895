// SPDX-License-Identifier: GPL-2.0-only
/*
 * The VMX-preemption timer: makes the guest exit when its local APIC's timer expires, without an
 * interrupt of the host.
 *
 * It counts down in the guest only, and starts from its VMCS field at each entry; so while a
 * deadline stands (irq/lapic_timer.c has it, in cycles of the host's TSC), each entry writes anew
 * how far it is.  Without one the field holds its largest value: an exit every 2^32 counts costs
 * less than switching the control.  An exit needs no handler, for each entry asks the clock anyway.
 */
#include <asm/msr.h>
#include <asm/vmx.h>

#include "caps.h"
#include "exit.h"
#include "ops.h"
#include "timer.h"
#include "../compat.h"
#include "../params.h"
#include "../vcpu.h"

void vmx_timer_setup(struct lintel_vcpu *vcpu)
{
	vcpu->vmx.timer_value = U32_MAX;
	if (lintel_params.preemption_timer)
		vmcs_write32(VMX_PREEMPTION_TIMER_VALUE, U32_MAX);
}

void vmx_timer_before_entry(struct lintel_vcpu *vcpu)
{
	u64 target = vcpu->timer_tsc;
	u32 value = U32_MAX;

	/* never armed where the preemption timer is not used */
	if (target != LINTEL_TIMER_NEVER)
		value = vmx_timer_value(rdtsc(), target,
					vmx_misc_preemption_timer_rate(lintel_caps.misc));
	if (value == vcpu->vmx.timer_value)
		return;
	vmcs_write32(VMX_PREEMPTION_TIMER_VALUE, value);
	vcpu->vmx.timer_value = value;
}

/* The next entry looks at the clock, and delivers what is due. */
int exit_preemption_timer(struct lintel_vcpu *vcpu)
{
	return RESUME;
}
