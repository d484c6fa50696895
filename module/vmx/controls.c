// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a VMCS holds before its first entry, as tables.
 *
 * Controls come from the capability words (caps.c); host fields that never change are written
 * here, the others in host.c; guest state is the SDM's table of the state after reset.
 */
#include <linux/idr.h>
#include <linux/gfp.h>
#include <linux/mm.h>
#include <asm/cpufeature.h>
#include <asm/msr.h>
#include <asm/processor-flags.h>
#include <asm/segment.h>
#include <asm/trapnr.h>

#include "apicv.h"
#include "caps.h"
#include "controls.h"
#include "cr.h"
#include "guest_debug.h"
#include "msr_bitmap.h"
#include "ops.h"
#include "timer.h"
#include "pml.h"
#include "ple.h"
#include "watch.h"
#include "../compat.h"
#include "../irq/irq.h"
#include "../regs.h"
#include "../vm.h"

extern const char vmx_exit_point[];	/* entry.S */

static DEFINE_IDA(vpids);

/*
 * #AC and #DB: delivered in an endless loop they would hold the CPU (D8).  #MC is the host's.
 * #UD: it may be a hypercall of another vendor's.
 */
#define EXCEPTIONS_ALWAYS	(BIT(X86_TRAP_AC) | BIT(X86_TRAP_DB) | BIT(X86_TRAP_MC) | \
				 BIT(X86_TRAP_UD))

int vmx_intercept_exceptions(struct lintel_vcpu *vcpu, u32 more)
{
	if (vmx_window_begin(vcpu))
		return -EIO;
	vmcs_write32(EXCEPTION_BITMAP, EXCEPTIONS_ALWAYS | more);
	vmx_window_end(vcpu);
	return 0;
}

int vmx_vcpu_init(struct lintel_vcpu *vcpu)
{
	struct vmx_vcpu *vmx = &vcpu->vmx;
	int err;

	vmx->host_cpu = -1;
	err = vmcs_alloc(&vcpu->vmcs);
	if (!err)
		err = msr_bitmap_alloc(vcpu);
	if (err)
		return err;
	if (vmx_has_vpid()) {
		/* None left: VPID stays off for this vCPU, and each entry flushes. */
		int vpid = ida_alloc_range(&vpids, 1, 0xffff, GFP_KERNEL);

		vmx->vpid = max(vpid, 0);
	}
	return 0;
}

void vmx_vcpu_free(struct lintel_vcpu *vcpu)
{
	vmcs_free(&vcpu->vmcs);
	vmx_pml_free(vcpu);
	msr_bitmap_free(vcpu);
	if (vcpu->vmx.vpid)
		ida_free(&vpids, vcpu->vmx.vpid);
	vcpu->vmx.vpid = 0;
}

void vmx_set_proc_control(struct lintel_vcpu *vcpu, u32 bit, bool on)
{
	u32 proc = on ? vcpu->vmx.proc | bit : vcpu->vmx.proc & ~bit;

	if (proc == vcpu->vmx.proc)
		return;
	vcpu->vmx.proc = proc;
	vmcs_write32(CPU_BASED_VM_EXEC_CONTROL, proc);
}

void vmx_set_proc2(struct lintel_vcpu *vcpu, u32 clear, u32 set)
{
	u32 proc2 = (vcpu->vmx.proc2 & ~clear) | set;

	if (proc2 == vcpu->vmx.proc2)
		return;
	vcpu->vmx.proc2 = proc2;
	vmcs_write32(SECONDARY_VM_EXEC_CONTROL, proc2);
}

struct field_value {
	u32 field;
	u64 value;
};

static void write_fields(const struct field_value *row, unsigned int nr)
{
	for (; nr; nr--, row++)
		__vmcs_write(row->field, row->value);
}

/* The exits that user space does not want: KVM_CAP_X86_DISABLE_EXITS. */
static u32 spared_proc(const struct lintel_vm *vm)
{
	u32 disabled = READ_ONCE(vm->disabled_exits), spared = 0;

	if (disabled & KVM_X86_DISABLE_EXITS_HLT)
		spared |= CPU_BASED_HLT_EXITING;
	if (disabled & KVM_X86_DISABLE_EXITS_MWAIT)
		spared |= CPU_BASED_MWAIT_EXITING | CPU_BASED_MONITOR_EXITING;
	return spared;
}

static u32 spared_proc2(const struct lintel_vm *vm)
{
	return READ_ONCE(vm->disabled_exits) & KVM_X86_DISABLE_EXITS_PAUSE ?
	       SECONDARY_EXEC_PAUSE_LOOP_EXITING : 0;
}

bool vmx_mwait_possible(void)
{
	/* a guest in a deep sleep has to be woken by what the host sends, and by its own timer */
	return boot_cpu_has(X86_FEATURE_MWAIT) && boot_cpu_has(X86_FEATURE_ARAT) &&
	       !boot_cpu_has_bug(X86_BUG_MONITOR);
}

void vmx_spare_exits(struct lintel_vcpu *vcpu)
{
	if (vmx_window_begin(vcpu))
		return;
	vmx_set_proc_control(vcpu, spared_proc(vcpu->vm), false);
	vmx_set_proc2(vcpu, spared_proc2(vcpu->vm), watch_proc2(vcpu->vm));
	vmx_window_end(vcpu);
}

static void write_controls(struct lintel_vcpu *vcpu)
{
	struct apicv_controls c = {
		.pin = lintel_caps.pin, .proc = lintel_caps.proc,
		/* vmx_pml_update() turns the log on while slots are logged */
		.proc2 = lintel_caps.proc2 & ~SECONDARY_EXEC_ENABLE_PML,
	};

	if (!vcpu->vmx.vpid)
		c.proc2 &= ~SECONDARY_EXEC_ENABLE_VPID;
	c.proc2 &= ~(spared_proc2(vcpu->vm) | watch_proc2_mask());
	c.proc2 |= watch_proc2(vcpu->vm);
	c.proc &= ~spared_proc(vcpu->vm);
	apicv_controls(vcpu, &c);
	vcpu->vmx.proc = c.proc;
	vcpu->vmx.proc2 = c.proc2;
	{
		const struct field_value rows[] = {
			{ PIN_BASED_VM_EXEC_CONTROL, c.pin },
			{ CPU_BASED_VM_EXEC_CONTROL, c.proc },
			{ SECONDARY_VM_EXEC_CONTROL, c.proc2 },
			{ VM_EXIT_CONTROLS, lintel_caps.exit },
			{ VM_ENTRY_CONTROLS, lintel_caps.entry },
			/* a page fault exits if (error code & mask) == match: never, bit 14 is clear */
			{ PAGE_FAULT_ERROR_CODE_MASK, 0 },
			{ PAGE_FAULT_ERROR_CODE_MATCH, 0 },
			{ CR3_TARGET_COUNT, 0 },
			{ VM_EXIT_MSR_STORE_COUNT, 0 },
			{ VM_EXIT_MSR_LOAD_COUNT, 0 },
			{ VM_ENTRY_MSR_LOAD_COUNT, 0 },
			{ VM_ENTRY_INTR_INFO_FIELD, 0 },
			{ EXCEPTION_BITMAP, EXCEPTIONS_ALWAYS },
			{ EPT_POINTER, vcpu->vm->ept.eptp },
			{ TSC_OFFSET, vcpu->tsc_offset },
			{ VMCS_LINK_POINTER, ~0ULL },
		};

		write_fields(rows, ARRAY_SIZE(rows));
	}
	if (c.proc2 & SECONDARY_EXEC_TSC_SCALING)
		vmcs_write64(TSC_MULTIPLIER, vcpu->tsc_ratio);
	/* no supervisor state is offered: IA32_XSS is 0 while a guest runs */
	if (c.proc2 & SECONDARY_EXEC_ENABLE_XSAVES)
		vmcs_write64(XSS_EXIT_BITMAP, 0);
	msr_bitmap_write(vcpu);
	if (vcpu->vmx.vpid)
		vmcs_write16(VIRTUAL_PROCESSOR_ID, vcpu->vmx.vpid);
	apicv_setup(vcpu);
	watch_setup(vcpu->vm);
	vmx_ple_init(vcpu, c.proc2 & SECONDARY_EXEC_PAUSE_LOOP_EXITING);
}

static void write_host_constants(struct lintel_vcpu *vcpu)
{
	u64 pat, efer, sysenter_cs, sysenter_eip;

	rdmsrq(MSR_IA32_CR_PAT, pat);
	rdmsrq(MSR_EFER, efer);
	rdmsrq(MSR_IA32_SYSENTER_EIP, sysenter_eip);
	rdmsrq(MSR_IA32_SYSENTER_CS, sysenter_cs);
	{
		const struct field_value rows[] = {
			{ HOST_CS_SELECTOR, __KERNEL_CS },
			{ HOST_SS_SELECTOR, __KERNEL_DS },
			/* null: what the thread had is put back when the vCPU leaves the CPU */
			{ HOST_DS_SELECTOR, 0 },
			{ HOST_ES_SELECTOR, 0 },
			{ HOST_FS_SELECTOR, 0 },
			{ HOST_GS_SELECTOR, 0 },
			{ HOST_TR_SELECTOR, GDT_ENTRY_TSS * 8 },
			{ HOST_IA32_PAT, pat },
			{ HOST_IA32_EFER, efer },
			{ HOST_IA32_SYSENTER_CS, sysenter_cs },
			{ HOST_IA32_SYSENTER_EIP, sysenter_eip },
			{ HOST_CR0, read_cr0() },
			{ HOST_RIP, (unsigned long)vmx_exit_point },
			{ HOST_RSP, 0 },
			{ HOST_CR3, 0 },
			{ HOST_CR4, 0 },
		};

		write_fields(rows, ARRAY_SIZE(rows));
	}
	vcpu->host_rsp = 0;
	vmx_timer_setup(vcpu);
	vcpu->vmx.host_cr3 = 0;
	vcpu->vmx.host_cr4 = 0;
	if (vmx_has_perf_global_ctrl()) {
		vmcs_write64(GUEST_IA32_PERF_GLOBAL_CTRL, 0);
		vmcs_write64(HOST_IA32_PERF_GLOBAL_CTRL, 0);
		vcpu->vmx.host_perf_global_ctrl = PERF_CTRL_UNKNOWN;
	}
}

int vmx_vcpu_setup(struct lintel_vcpu *vcpu)
{
	if (vmx_window_begin(vcpu))
		return -EIO;
	write_controls(vcpu);
	write_host_constants(vcpu);
	vmx_window_end(vcpu);
	vmx_vcpu_reset(vcpu, false);
	return vcpu->vm->dead ? -EIO : 0;
}

/* SDM, table "IA-32 and Intel 64 Processor States Following Power-up, Reset, or INIT". */
static const struct field_value reset_fields[] = {
	{ GUEST_CR3, 0 },
	{ GUEST_GDTR_BASE, 0 }, { GUEST_GDTR_LIMIT, 0xffff },
	{ GUEST_IDTR_BASE, 0 }, { GUEST_IDTR_LIMIT, 0xffff },
	{ GUEST_SYSENTER_CS, 0 }, { GUEST_SYSENTER_ESP, 0 }, { GUEST_SYSENTER_EIP, 0 },
	{ GUEST_IA32_DEBUGCTL, 0 },
	{ GUEST_ACTIVITY_STATE, GUEST_ACTIVITY_ACTIVE },
	{ GUEST_PENDING_DBG_EXCEPTIONS, 0 },
	{ VM_ENTRY_INTR_INFO_FIELD, 0 },
};

static void reset_segments(struct lintel_vcpu *vcpu)
{
	static const struct lintel_segment data = { .limit = 0xffff, .ar = 0x93 };
	static const struct lintel_segment code = {
		.selector = 0xf000, .base = 0xffff0000, .limit = 0xffff, .ar = 0x9b,
	};
	static const struct lintel_segment ldtr = { .limit = 0xffff, .ar = 0x82 };
	static const struct lintel_segment tr = { .limit = 0xffff, .ar = 0x8b };
	enum lintel_seg seg;

	for (seg = SEG_ES; seg <= SEG_GS; seg++)
		lintel_set_segment(vcpu, seg, &data);
	lintel_set_segment(vcpu, SEG_CS, &code);
	lintel_set_segment(vcpu, SEG_LDTR, &ldtr);
	lintel_set_segment(vcpu, SEG_TR, &tr);
}

static void reset_software_state(struct lintel_vcpu *vcpu)
{
	guest_fpu_reset(vcpu);
	vcpu->msr_star = 0;
	vcpu->msr_lstar = 0;
	vcpu->msr_cstar = 0;
	vcpu->msr_sfmask = 0;
	vcpu->msr_kernel_gs_base = 0;
	vcpu->msr_tsc_aux = 0;
	vcpu->msr_misc_enable = MSR_IA32_MISC_ENABLE_FAST_STRING;
	vcpu->mtrr_def_type = 0;
	memset(vcpu->mtrr_fixed, 0, sizeof(vcpu->mtrr_fixed));
	memset(vcpu->mtrr_var, 0, sizeof(vcpu->mtrr_var));
}

void vmx_vcpu_reset(struct lintel_vcpu *vcpu, bool init)
{
	/* SDM, "PAT MSR after reset": WB, WT, UC-, UC, twice */
	const u64 pat_reset = 0x0007040600070406ULL;
	unsigned long cr0 = X86_CR0_ET | X86_CR0_NW | X86_CR0_CD;

	if (init)
		cr0 = X86_CR0_ET | (vcpu->cr0 & (X86_CR0_NW | X86_CR0_CD));
	memset(vcpu->gpr, 0, sizeof(vcpu->gpr));
	vcpu->gpr[GPR_RDX] = 0x600;
	memset(&vcpu->events, 0, sizeof(vcpu->events));
	memset(vcpu->dr, 0, sizeof(vcpu->dr));
	vcpu->dr6 = DR6_RESERVED;
	vcpu->dr7 = DR7_FIXED_1;
	vcpu->cr2 = 0;
	memset(&vcpu->io, 0, sizeof(vcpu->io));
	if (!init)
		reset_software_state(vcpu);

	if (vmx_window_begin(vcpu))
		return;
	write_fields(reset_fields, ARRAY_SIZE(reset_fields));
	if (!init)
		vmcs_write64(GUEST_IA32_PAT, pat_reset);
	reset_segments(vcpu);
	lintel_write_dr7(vcpu);
	lintel_write_efer(vcpu, 0);
	lintel_write_cr4(vcpu, 0);
	lintel_write_cr0(vcpu, cr0);
	lintel_set_rip(vcpu, 0xfff0);
	lintel_set_gpr(vcpu, GPR_RSP, 0);
	lintel_set_rflags(vcpu, X86_EFLAGS_FIXED);
	lintel_set_interruptibility(vcpu, 0);
	vmx_set_proc_control(vcpu, CPU_BASED_INTR_WINDOW_EXITING | CPU_BASED_NMI_WINDOW_EXITING,
			     false);
	vmx_window_end(vcpu);
	lintel_vcpu_request(vcpu, REQ_TLB_FLUSH);
	lintel_vcpu_request(vcpu, REQ_EVENT);
}
