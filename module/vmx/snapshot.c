// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reading a VMCS as a whole: what VM entry checks (explain_fields.h), and what else tells of the
 * guest and its last exit.  A field that the processor does not have must not be read, so each
 * row says when it is there.
 */
#include "snapshot.h"

#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/lintel.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <asm/vmx.h>

#include "explain.h"
#include "explain_bits.h"
#include "explain_fields.h"
#include "ops.h"
#include "vmcs.h"
#include "../regs.h"
#include "../vm.h"

/* What VM entry does not check. */
static const struct {
	u32 encoding;
	u32 pin, proc2;		/* the control that it belongs to; neither: it is always there */
} more_fields[] = {
	{ EXCEPTION_BITMAP },
	{ PAGE_FAULT_ERROR_CODE_MASK },
	{ PAGE_FAULT_ERROR_CODE_MATCH },
	{ CR0_GUEST_HOST_MASK },
	{ CR4_GUEST_HOST_MASK },
	{ CR0_READ_SHADOW },
	{ CR4_READ_SHADOW },
	{ TSC_OFFSET },
	{ GUEST_RSP },
	{ GUEST_SYSENTER_CS },
	{ HOST_IA32_SYSENTER_CS },
	{ HOST_RSP },
	{ VM_INSTRUCTION_ERROR },
	{ VM_EXIT_REASON },
	{ VM_EXIT_INTR_INFO },
	{ VM_EXIT_INTR_ERROR_CODE },
	{ IDT_VECTORING_INFO_FIELD },
	{ IDT_VECTORING_ERROR_CODE },
	{ VM_EXIT_INSTRUCTION_LEN },
	{ VMX_INSTRUCTION_INFO },
	{ EXIT_QUALIFICATION },
	{ GUEST_LINEAR_ADDRESS },
	{ GUEST_PHYSICAL_ADDRESS, .proc2 = PROC2_EPT },
	{ GUEST_INTR_STATUS, .proc2 = PROC2_VIRTUAL_INTERRUPT },
	{ EOI_EXIT_BITMAP0, .proc2 = PROC2_VIRTUAL_INTERRUPT },
	{ EOI_EXIT_BITMAP1, .proc2 = PROC2_VIRTUAL_INTERRUPT },
	{ EOI_EXIT_BITMAP2, .proc2 = PROC2_VIRTUAL_INTERRUPT },
	{ EOI_EXIT_BITMAP3, .proc2 = PROC2_VIRTUAL_INTERRUPT },
	{ GUEST_PML_INDEX, .proc2 = PROC2_PML },
	{ PLE_GAP, .proc2 = SECONDARY_EXEC_PAUSE_LOOP_EXITING },
	{ PLE_WINDOW, .proc2 = SECONDARY_EXEC_PAUSE_LOOP_EXITING },
	{ VMX_PREEMPTION_TIMER_VALUE, .pin = PIN_PREEMPTION_TIMER },
};

static void add(struct lintel_snapshot *to, u32 encoding, u64 value)
{
	if (to->fields == ARRAY_SIZE(to->field))
		return;
	to->field[to->fields].encoding = encoding;
	to->field[to->fields++].value = value;
}

static u64 add_if(bool there, struct lintel_snapshot *to, u32 encoding)
{
	u64 value = there ? __vmcs_read(encoding) : 0;

	if (there)
		add(to, encoding, value);
	return value;
}

/* In a window. */
static void read_fields(struct vmcs_fields *f, struct lintel_snapshot *to)
{
	unsigned int i;

#define FIELD(member, encoding, when)	f->member = add_if(when, to, encoding);
	EXPLAIN_FIELDS(FIELD)
#undef FIELD
	for (i = 0; i < ARRAY_SIZE(more_fields); i++)
		add_if((!more_fields[i].pin && !more_fields[i].proc2) ||
		       (f->pin & more_fields[i].pin) || (f->proc2 & more_fields[i].proc2),
		       to, more_fields[i].encoding);
}

static void read_registers(const struct lintel_vcpu *vcpu, struct lintel_snapshot *to)
{
	static_assert(ARRAY_SIZE(to->gpr) == NR_GPRS);
	memcpy(to->gpr, vcpu->gpr, sizeof(to->gpr));
	to->cr2 = vcpu->cr2;
	to->cr0 = vcpu->cr0;
	to->cr4 = vcpu->cr4;
	to->efer = vcpu->efer;
	to->xcr0 = vcpu->xcr0;
	to->tsc_offset = vcpu->tsc_offset;
	to->mp_state = vcpu->mp_state;
	to->requests = READ_ONCE(vcpu->requests);
}

int vmx_snapshot(struct lintel_vcpu *vcpu, struct lintel_snapshot *to)
{
	struct vmcs_fields *f = kzalloc(sizeof(*f), GFP_KERNEL);

	if (!f)
		return -ENOMEM;
	to->fields = 0;
	read_registers(vcpu, to);
	if (!vmx_window_begin(vcpu)) {
		/* what was set since the last entry belongs to the state */
		lintel_reg_flush(vcpu);
		read_fields(f, to);
		vmx_window_end(vcpu);
		to->cr0 = lintel_cr0(vcpu);
		to->cr4 = lintel_cr4(vcpu);
	}
	kfree(f);
	return 0;
}
