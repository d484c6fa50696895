// SPDX-License-Identifier: GPL-2.0-only
/*
 * From the VMCS to explain.c's copy of it, and from its findings to the log.
 *
 * The fields are read in the order of explain_fields.h, control words first, because they say which
 * of the others the processor has.
 */
#include "explain_capture.h"

#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/lintel.h>
#include <linux/printk.h>
#include <linux/ratelimit.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <asm/vmx.h>

#include "../regs.h"
#include "explain.h"
#include "explain_bits.h"
#include "explain_limits.h"
#include "ops.h"
#include "vmcs.h"

static_assert(PIN_POSTED_INTERRUPTS == PIN_BASED_POSTED_INTR);
static_assert(PIN_VIRTUAL_NMI == PIN_BASED_VIRTUAL_NMIS);
static_assert(PIN_PREEMPTION_TIMER == PIN_BASED_VMX_PREEMPTION_TIMER);
static_assert(PROC_TPR_SHADOW == CPU_BASED_TPR_SHADOW);
static_assert(PROC_NMI_WINDOW == CPU_BASED_NMI_WINDOW_EXITING);
static_assert(PROC_IO_BITMAPS == CPU_BASED_USE_IO_BITMAPS);
static_assert(PROC_MTF == CPU_BASED_MONITOR_TRAP_FLAG);
static_assert(PROC_MSR_BITMAPS == CPU_BASED_USE_MSR_BITMAPS);
static_assert(PROC_SECONDARY == CPU_BASED_ACTIVATE_SECONDARY_CONTROLS);
static_assert(PROC2_EPT == SECONDARY_EXEC_ENABLE_EPT);
static_assert(PROC2_X2APIC == SECONDARY_EXEC_VIRTUALIZE_X2APIC_MODE);
static_assert(PROC2_UNRESTRICTED == SECONDARY_EXEC_UNRESTRICTED_GUEST);
static_assert(PROC2_VIRTUAL_INTERRUPT == SECONDARY_EXEC_VIRTUAL_INTR_DELIVERY);
static_assert(PROC2_PML == SECONDARY_EXEC_ENABLE_PML);
static_assert(PROC2_TSC_SCALING == SECONDARY_EXEC_TSC_SCALING);
static_assert(EXIT_HOST_64 == VM_EXIT_HOST_ADDR_SPACE_SIZE);
static_assert(EXIT_ACK_INTERRUPT == VM_EXIT_ACK_INTR_ON_EXIT);
static_assert(EXIT_LOAD_EFER == VM_EXIT_LOAD_IA32_EFER);
static_assert(EXIT_SAVE_PREEMPTION_TIMER == VM_EXIT_SAVE_VMX_PREEMPTION_TIMER);
static_assert(ENTRY_IA32E == VM_ENTRY_IA32E_MODE);
static_assert(ENTRY_LOAD_EFER == VM_ENTRY_LOAD_IA32_EFER);

/* In a window. */
static void capture(struct lintel_vcpu *vcpu, struct vmcs_fields *f)
{
	/* what was set since the last entry belongs to the state that is judged */
	lintel_reg_flush(vcpu);
	explain_read_limits(&f->limits);
#define FIELD(member, encoding, when) \
	if (when) \
		f->member = __vmcs_read(encoding);
	EXPLAIN_FIELDS(FIELD)
#undef FIELD
}

#define FINDINGS 8

static void log_findings(const struct lintel_vcpu *vcpu, const struct vmcs_fields *f)
{
	struct explain_finding found[FINDINGS];
	int i, nr;

	nr = lintel_explain_entry_failure(f, found, FINDINGS);
	if (!nr)
		pr_warn("lintel: VM entry of vCPU %u failed, and breaks none of the known rules\n",
			vcpu->id);
	for (i = 0; i < min(nr, FINDINGS); i++)
		pr_warn("lintel: VM entry of vCPU %u failed: %s state: %s = 0x%llx: %s\n",
			vcpu->id, found[i].area, found[i].field, found[i].value, found[i].text);
	if (nr > FINDINGS)
		pr_warn("lintel: and %d more broken rules\n", nr - FINDINGS);
}

void explain_failure(struct lintel_vcpu *vcpu)
{
	static DEFINE_RATELIMIT_STATE(limit, 5 * HZ, 2);
	struct vmcs_fields *fields;

	if (!__ratelimit(&limit))
		return;
	fields = kzalloc(sizeof(*fields), GFP_KERNEL_ACCOUNT);
	if (!fields)
		return;
	if (!vmx_window_begin(vcpu)) {
		capture(vcpu, fields);
		vmx_window_end(vcpu);
		log_findings(vcpu, fields);
	}
	kfree(fields);
}

static void report_fill(struct lintel_entry_report *report, const struct explain_finding *found)
{
	struct lintel_entry_finding *to = &report->finding[report->findings++];

	to->value = found->value;
	strscpy(to->area, found->area, sizeof(to->area));
	strscpy(to->field, found->field, sizeof(to->field));
	strscpy(to->rule, found->text, sizeof(to->rule));
}

int explain_to_user(struct lintel_vcpu *vcpu, struct lintel_entry_report *report)
{
	struct explain_finding found[LINTEL_ENTRY_FINDINGS];
	struct vmcs_fields *fields;
	int i, nr, ret;

	if (report->flags || report->reserved)
		return -EINVAL;
	fields = kzalloc(sizeof(*fields), GFP_KERNEL_ACCOUNT);
	if (!fields)
		return -ENOMEM;
	ret = vmx_window_begin(vcpu);
	if (!ret) {
		capture(vcpu, fields);
		vmx_window_end(vcpu);
		memset(report, 0, sizeof(*report));
		nr = lintel_explain_entry_failure(fields, found, ARRAY_SIZE(found));
		report->broken = nr;
		for (i = 0; i < min_t(int, nr, ARRAY_SIZE(found)); i++)
			report_fill(report, &found[i]);
	}
	kfree(fields);
	return ret;
}
