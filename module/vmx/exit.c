// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exit dispatch: the table, and what handlers share.
 *
 * The contract of a handler stands in exit.h.  exit_short.c has short cuts for some rows.
 */
#include <linux/kernel.h>
#include <linux/nospec.h>
#include <linux/string.h>
#include <asm/msr-index.h>
#include <asm/processor-flags.h>
#include <asm/vmx.h>

#include "cpuid.h"
#include "debug.h"
#include "event.h"
#include "exit.h"
#include "explain_capture.h"
#include "msr_filter.h"
#include "guest_debug.h"
#include "ops.h"
#include "run.h"
#include "../compat.h"
#include "../irq/irq.h"
#include "../params.h"
#include "../pmu/pmu.h"
#include "../regs.h"
#include "../trace.h"
#include "../vm.h"

/* NULL: an exit that Lintel did not ask for; it is reported.  Beside each row, the test that shows it. */
static int (*const exit_table[])(struct lintel_vcpu *vcpu) = {
	[EXIT_REASON_EXCEPTION_NMI] = exit_exception,		/* exit_exceptions */
	[EXIT_REASON_TRIPLE_FAULT] = exit_triple_fault,		/* exit_shutdown */
	[EXIT_REASON_TASK_SWITCH] = exit_task_switch,		/* exit_tasks */
	[EXIT_REASON_CPUID] = exit_cpuid,			/* exit_cpuid */
	[EXIT_REASON_HLT] = exit_hlt,				/* exit_hlt */
	[EXIT_REASON_INVD] = exit_skip,				/* exit_insns */
	[EXIT_REASON_INVLPG] = exit_invlpg,			/* exit_cr */
	[EXIT_REASON_RDPMC] = exit_rdpmc,			/* exit_insns, pmu_counters */
	[EXIT_REASON_RDTSC] = exit_rdtsc,			/* exit_insns */
	[EXIT_REASON_VMCALL] = exit_vmcall,			/* exit_vmcall */
	[EXIT_REASON_VMCLEAR] = exit_ud,			/* exit_insns, as all VMX instructions */
	[EXIT_REASON_VMLAUNCH] = exit_ud,
	[EXIT_REASON_VMPTRLD] = exit_ud,
	[EXIT_REASON_VMPTRST] = exit_ud,
	[EXIT_REASON_VMREAD] = exit_ud,
	[EXIT_REASON_VMRESUME] = exit_ud,
	[EXIT_REASON_VMWRITE] = exit_ud,
	[EXIT_REASON_VMOFF] = exit_ud,
	[EXIT_REASON_VMON] = exit_ud,
	[EXIT_REASON_INVEPT] = exit_ud,
	[EXIT_REASON_INVVPID] = exit_ud,
	[EXIT_REASON_VMFUNC] = exit_ud,
	[EXIT_REASON_CR_ACCESS] = exit_cr_access,		/* exit_cr */
	[EXIT_REASON_DR_ACCESS] = exit_dr_access,		/* exit_dr */
	[EXIT_REASON_IO_INSTRUCTION] = exit_io,			/* exit_io */
	[EXIT_REASON_MSR_READ] = exit_msr_read,			/* exit_msr */
	[EXIT_REASON_MSR_WRITE] = exit_msr_write,		/* exit_msr */
	[EXIT_REASON_MWAIT_INSTRUCTION] = exit_mwait,		/* exit_insns */
	[EXIT_REASON_MONITOR_INSTRUCTION] = exit_mwait,	/* exit_insns */
	[EXIT_REASON_PAUSE_INSTRUCTION] = exit_pause,		/* exit_insns */
	[EXIT_REASON_TPR_BELOW_THRESHOLD] = exit_tpr_below,	/* chip_apicv */
	[EXIT_REASON_APIC_ACCESS] = exit_apic_access,		/* chip_apicv */
	[EXIT_REASON_EOI_INDUCED] = exit_eoi,			/* chip_apicv */
	[EXIT_REASON_EPT_VIOLATION] = exit_ept_violation,	/* exit_mmio, mem_* */
	[EXIT_REASON_EPT_MISCONFIG] = exit_ept_misconfig,	/* none: never asked for */
	[EXIT_REASON_SEAMCALL] = exit_ud,			/* none: CPUs with TDX only */
	[EXIT_REASON_TDCALL] = exit_ud,
	[EXIT_REASON_PREEMPTION_TIMER] = exit_preemption_timer,	/* chip_lapic_timer */
	[EXIT_REASON_PML_FULL] = exit_pml_full,			/* mem_dirty_log */
	[EXIT_REASON_WBINVD] = exit_wbinvd,			/* exit_insns */
	[EXIT_REASON_XSETBV] = exit_xsetbv,			/* exit_insns */
	[EXIT_REASON_APIC_WRITE] = exit_apic_write,		/* chip_apicv */
	[EXIT_REASON_BUS_LOCK] = exit_bus_lock,			/* none: later CPUs only, watch.h */
	[EXIT_REASON_NOTIFY] = exit_notify,			/* none: likewise */
};

static_assert(ARRAY_SIZE(exit_table) <= LINTEL_NR_EXIT_REASONS);

static int entry_failure(struct lintel_vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;

	explain_failure(vcpu);
	run->exit_reason = KVM_EXIT_FAIL_ENTRY;
	run->fail_entry.hardware_entry_failure_reason = vcpu->exit.reason;
	run->fail_entry.cpu = raw_smp_processor_id();
	return TO_USER;
}

static int unexpected_exit(struct lintel_vcpu *vcpu)
{
	u64 data[] = { vcpu->exit.reason, raw_smp_processor_id() };

	return lintel_internal_error(vcpu, KVM_INTERNAL_ERROR_UNEXPECTED_EXIT_REASON, data,
				     ARRAY_SIZE(data));
}

int lintel_handle_exit(struct lintel_vcpu *vcpu)
{
	u32 reason = vcpu->exit.reason;

	if (unlikely(reason & VMX_EXIT_REASONS_FAILED_VMENTRY))
		return entry_failure(vcpu);
	if (reason >= ARRAY_SIZE(exit_table))
		return unexpected_exit(vcpu);
	reason = array_index_nospec(reason, ARRAY_SIZE(exit_table));
	if (!exit_table[reason])
		return unexpected_exit(vcpu);
	return exit_table[reason](vcpu);
}

static noinline void watched_instruction_done(struct lintel_vcpu *vcpu, unsigned long rflags)
{
	if (vcpu->debug.watched & WATCH_COUNTERS)
		lintel_pmu_retired(vcpu, !lintel_cpl(vcpu));
	if (lintel_debug_steps(vcpu))
		lintel_vcpu_request(vcpu, REQ_DEBUG_STEP);
	else if (rflags & X86_EFLAGS_TF)
		lintel_queue_debug(vcpu, DR_STEP);
}

void instruction_done_slowly(struct lintel_vcpu *vcpu)
{
	unsigned long rflags = vcpu->rflags;
	u32 state = vcpu->interruptibility;

	if (state & (GUEST_INTR_STATE_STI | GUEST_INTR_STATE_MOV_SS)) {
		lintel_set_interruptibility(vcpu, state & ~(GUEST_INTR_STATE_STI |
							    GUEST_INTR_STATE_MOV_SS));
		lintel_vcpu_request(vcpu, REQ_EVENT);
	}
	if (rflags & X86_EFLAGS_RF)
		lintel_set_rflags(vcpu, rflags & ~X86_EFLAGS_RF);
	if (unlikely(vcpu->debug.watched))
		watched_instruction_done(vcpu, rflags);
	else if (rflags & X86_EFLAGS_TF)
		lintel_queue_debug(vcpu, DR_STEP);
}

void lintel_skip_instruction(struct lintel_vcpu *vcpu)
{
	step_behind(vcpu);
}

int lintel_internal_error(struct lintel_vcpu *vcpu, u32 suberror, const u64 *data, unsigned int nr)
{
	struct kvm_run *run = vcpu->run;

	run->exit_reason = KVM_EXIT_INTERNAL_ERROR;
	run->internal.suberror = suberror;
	/* what stands in kvm_run may change under us: it is never read back */
	nr = min_t(unsigned int, nr, ARRAY_SIZE(run->internal.data));
	run->internal.ndata = nr;
	memcpy(run->internal.data, data, nr * sizeof(u64));
	return TO_USER;
}

int lintel_emulation_failed(struct lintel_vcpu *vcpu, const u8 *bytes, unsigned int nr)
{
	struct kvm_run *run = vcpu->run;

	nr = min_t(unsigned int, nr, sizeof(run->emulation_failure.insn_bytes));
	run->exit_reason = KVM_EXIT_INTERNAL_ERROR;
	run->emulation_failure.suberror = KVM_INTERNAL_ERROR_EMULATION;
	run->emulation_failure.ndata = 3;
	run->emulation_failure.flags = KVM_INTERNAL_ERROR_EMULATION_FLAG_INSTRUCTION_BYTES;
	run->emulation_failure.insn_size = nr;
	memset(run->emulation_failure.insn_bytes, 0x90, sizeof(run->emulation_failure.insn_bytes));
	memcpy(run->emulation_failure.insn_bytes, bytes, nr);
	return TO_USER;
}

void lintel_halt(struct lintel_vcpu *vcpu)
{
	vcpu->stats.halts++;
	if (vcpu->lapic)
		WRITE_ONCE(vcpu->mp_state, KVM_MP_STATE_HALTED);
}

int lintel_halt_exit(struct lintel_vcpu *vcpu)
{
	if (vcpu->lapic)
		return RESUME;		/* the run loop sees mp_state */
	vcpu->run->exit_reason = KVM_EXIT_HLT;
	return TO_USER;
}
