// SPDX-License-Identifier: GPL-2.0-only
/*
 * Task switches: the processor checks the gate, if there is one, and leaves the rest to software.
 *
 * What made it switch is an instruction, which is then done, or an event that goes through a task
 * gate of the IDT, which is then delivered.  A fault of the old task repeats the instruction, or
 * meets the event that is still being delivered: that is how two contributory faults become one
 * double fault.
 */
#include <asm/vmx.h>

#include "debug.h"
#include "exit.h"
#include "guest_debug.h"
#include "interpret.h"
#include "../compat.h"
#include "../emulate/emulate.h"
#include "../regs.h"
#include "../vm.h"

/* SDM, "Exit Qualification for Task Switches". */
#define TASK_SELECTOR(q)	((u16)(q))
#define TASK_SOURCE(q)		((q) >> 30 & 3)

/* The event is the CPU's own doing: no instruction stands at RIP that is done with it. */
static bool is_hardware_event(u32 idt_info)
{
	u32 type = idt_info & VECTORING_INFO_TYPE_MASK;

	return (idt_info & VECTORING_INFO_VALID_MASK) &&
	       (type == INTR_TYPE_EXT_INTR || type == INTR_TYPE_NMI_INTR ||
		type == INTR_TYPE_HARD_EXCEPTION);
}

/* The new task handles the event. */
static void event_delivered(struct lintel_vcpu *vcpu, u32 idt_info)
{
	vcpu->events.exception.injected = false;
	vcpu->events.interrupt.injected = false;
	vcpu->events.nmi.injected = false;
	if ((idt_info & VECTORING_INFO_TYPE_MASK) == INTR_TYPE_NMI_INTR)
		lintel_set_interruptibility(vcpu, lintel_interruptibility(vcpu) |
						  GUEST_INTR_STATE_NMI);
}

static void task_begins(struct lintel_vcpu *vcpu, u32 source)
{
	u32 state = lintel_interruptibility(vcpu);

	state &= ~(GUEST_INTR_STATE_STI | GUEST_INTR_STATE_MOV_SS);
	if (source == EMULATE_TASK_IRET)
		state &= ~GUEST_INTR_STATE_NMI;
	lintel_set_interruptibility(vcpu, state);
	/* local breakpoints are the old task's */
	vcpu->dr7 &= ~(unsigned long)(DR_LOCAL_ENABLE_MASK | DR_LOCAL_SLOWDOWN);
	lintel_write_dr7(vcpu);
	lintel_vcpu_request(vcpu, REQ_EVENT);
}

int exit_task_switch(struct lintel_vcpu *vcpu)
{
	const struct lintel_exit *exit = &vcpu->exit;
	struct emulate_task task = {
		.selector = TASK_SELECTOR(exit->qualification),
		.source = TASK_SOURCE(exit->qualification),
		.has_error_code = (exit->idt_info & VECTORING_INFO_VALID_MASK) &&
				  (exit->idt_info & VECTORING_INFO_DELIVER_CODE_MASK),
		.error_code = exit->idt_error,
	};
	unsigned long rip = lintel_rip(vcpu);
	u32 idt_info = exit->idt_info;
	int ret;

	if (!is_hardware_event(idt_info))
		lintel_set_rip(vcpu, (u32)(rip + exit->instruction_len));
	ret = lintel_interpret_task(vcpu, &task);
	if (ret == -ENOENT) {
		lintel_set_rip(vcpu, rip);
		return RESUME;
	}
	if (ret == RESUME) {
		event_delivered(vcpu, idt_info);
		task_begins(vcpu, task.source);
	}
	return ret;
}
