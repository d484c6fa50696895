// SPDX-License-Identifier: GPL-2.0-only
/*
 * The interrupts-off part of running a guest.
 *
 * vmx_run() has three loops in one another, from the outside in:
 *   preemption off  the guest's FPU state is in the registers.  Left when the thread has something
 *                   else to do, and for exits that may sleep; MMIO is tried first without
 *                   (vmx_exit_nosleep()).
 *   window          interrupts off, our VMCS current.  Left for each host interrupt: enabling
 *                   interrupts takes it.
 *   entries         exits that exit_short.c finishes, faults of pages that the host has among them,
 *                   re-enter at once; a host interrupt or a kick that is waiting makes the next
 *                   entry exit immediately, so this loop is bounded.
 *
 * An entry is prepared only when there is something to prepare, and vcpu->requests alone says so:
 * whoever changes what an entry depends on sets a bit.  REQ_EVENT stands for all that decides which
 * event is injected and which windows are open.
 */
#include <linux/interrupt.h>
#include <linux/sched.h>
#include <asm/desc_defs.h>
#include <asm/fpu/types.h>
#include <asm/nospec-branch.h>
#include <asm/special_insns.h>
#include <asm/trapnr.h>
#include <uapi/asm/kvm_para.h>

#include "apicv.h"
#include "caps.h"
#include "controls.h"
#include "cpu.h"
#include "debug.h"
#include "event.h"
#include "guest_debug.h"
#include "host_update.h"
#include "l1d.h"
#include "ops.h"
#include "ple.h"
#include "pml.h"
#include "run.h"
#include "timer.h"
#include "watch.h"
#include "../compat.h"
#include "../ept/ept.h"
#include "../flight.h"
#include "../irq/irq.h"
#include "../paravirt/pv.h"
#include "../regs.h"
#include "../trace.h"
#include "../vm.h"

/* entry.S */
asmlinkage int vmx_enter(struct lintel_vcpu *vcpu, bool launched);
asmlinkage void vmx_call_gate(unsigned long handler);

/* Requests that are dealt with inside the window; all others end it. */
#define FLUSH_REQUESTS	(BIT(REQ_TLB_FLUSH) | BIT(REQ_EPT_FLUSH))
#define WINDOW_REQUESTS	(FLUSH_REQUESTS | BIT(REQ_EVENT) | BIT(REQ_APICV))

static bool must_leave(struct lintel_vcpu *vcpu)
{
	return (READ_ONCE(vcpu->requests) & ~WINDOW_REQUESTS) ||
	       lintel_guest_mode_work_pending() || local_softirq_pending() ||
	       vmx_pml_missing(vcpu);
}

/* Interrupts off: everything the exit left in the VMCS that a handler may want. */
static void snapshot_exit(struct lintel_vcpu *vcpu)
{
	struct lintel_exit *exit = &vcpu->exit;

	exit->qualification = vmcs_readl(EXIT_QUALIFICATION);
	exit->instruction_len = vmcs_read32(VM_EXIT_INSTRUCTION_LEN);
	exit->idt_info = vmcs_read32(IDT_VECTORING_INFO_FIELD);
	if (unlikely(exit->idt_info & VECTORING_INFO_DELIVER_CODE_MASK))
		exit->idt_error = vmcs_read32(IDT_VECTORING_ERROR_CODE);
	exit->intr_info = 0;
	switch (exit->reason) {
	case EXIT_REASON_EXCEPTION_NMI:
		exit->intr_error = vmcs_read32(VM_EXIT_INTR_ERROR_CODE);
		fallthrough;
	case EXIT_REASON_EXTERNAL_INTERRUPT:
		exit->intr_info = vmcs_read32(VM_EXIT_INTR_INFO);
		break;
	case EXIT_REASON_EPT_VIOLATION:
		exit->guest_linear = vmcs_readl(GUEST_LINEAR_ADDRESS);
		exit->cr3 = vmcs_readl(GUEST_CR3);
		exit->cs_ar = vmcs_read32(GUEST_CS_AR_BYTES);
		exit->ss_ar = vmcs_read32(GUEST_SS_AR_BYTES);
		fallthrough;
	case EXIT_REASON_EPT_MISCONFIG:
		exit->gpa = vmcs_read64(GUEST_PHYSICAL_ADDRESS);
		break;
	}
	lintel_reg_read(vcpu);
}

/*
 * Events that belong to the host.  The NMI and machine-check handlers are reached through the IDT
 * as if the event had happened here: a VM exit leaves NMIs blocked, and the handler's IRET
 * unblocks them.
 */
static void forward_host_event(u32 intr_info)
{
	if (!(intr_info & INTR_INFO_VALID_MASK))
		return;
	if ((intr_info & INTR_INFO_INTR_TYPE_MASK) == INTR_TYPE_NMI_INTR)
		asm volatile("int $2" : : : "memory");
	else if ((intr_info & (INTR_INFO_INTR_TYPE_MASK | INTR_INFO_VECTOR_MASK)) ==
		 (INTR_TYPE_HARD_EXCEPTION | X86_TRAP_MC))
		asm volatile("int $18" : : : "memory");
}

/*
 * Only breakpoint addresses need to be in the CPU.  MOV to DR exits, so they stay as they are; #DB
 * exits before the CPU writes DR6, and DR7 is in the VMCS.
 */
static void load_debug_registers(const struct lintel_vcpu *vcpu)
{
	const unsigned long *dr = lintel_debug_addresses(vcpu);

	set_debugreg(dr[0], 0);
	set_debugreg(dr[1], 1);
	set_debugreg(dr[2], 2);
	set_debugreg(dr[3], 3);
}

/* Breakpoints of the host, by perf or kgdb: kept aside while the guest's addresses are loaded. */
static __always_inline bool host_debugs(unsigned long dr7)
{
	return unlikely(dr7 & (DR_GLOBAL_ENABLE_MASK | DR_LOCAL_ENABLE_MASK));
}

static noinline void save_host_debug(struct vmx_vcpu *vmx)
{
	get_debugreg(vmx->host_dr[0], 0);
	get_debugreg(vmx->host_dr[1], 1);
	get_debugreg(vmx->host_dr[2], 2);
	get_debugreg(vmx->host_dr[3], 3);
	get_debugreg(vmx->host_dr6, 6);
}

/* An exit clears DR7. */
static noinline void restore_host_debug(const struct vmx_vcpu *vmx, unsigned long dr7)
{
	set_debugreg(vmx->host_dr[0], 0);
	set_debugreg(vmx->host_dr[1], 1);
	set_debugreg(vmx->host_dr[2], 2);
	set_debugreg(vmx->host_dr[3], 3);
	set_debugreg(vmx->host_dr6, 6);
	set_debugreg(dr7, 7);
}

/*
 * All that is cached of a guest whose EPT is on is tagged with the EPT, so INVEPT includes what INVVPID
 * would drop.  Without a VPID each entry drops the guest's own translations.
 */
static noinline void flush_tlb(struct lintel_vcpu *vcpu)
{
	bool ept = test_and_clear_bit(REQ_EPT_FLUSH, &vcpu->requests);
	bool guest = test_and_clear_bit(REQ_TLB_FLUSH, &vcpu->requests);

	vcpu->stats.tlb_flushes++;
	if (ept && lintel_ept_flush_cpu(vcpu->vm)) {
		vcpu->stats.invepts++;
	} else if (guest && vcpu->vmx.vpid) {
		invvpid_single(vcpu->vmx.vpid);
		vcpu->stats.invvpids++;
	}
}

static __always_inline bool pkru_in_use(const struct lintel_vcpu *vcpu)
{
	/* patched code where the host has none: then no guest has */
	return cpu_feature_enabled(X86_FEATURE_OSPKE) && guest_fpu_pkru_offset &&
	       ((vcpu->cr4 & X86_CR4_PKE) || (vcpu->xcr0 & XFEATURE_MASK_PKRU));
}

/* Give the CPU the guest's PKRU, and return the host's. */
static __always_inline u32 pkru_enter(struct lintel_vcpu *vcpu)
{
	u32 host;

	if (likely(!pkru_in_use(vcpu)))
		return 0;
	host = rdpkru();
	if (host != vcpu->fpu.pkru)
		wrpkru(vcpu->fpu.pkru);
	return host;
}

static __always_inline void pkru_leave(struct lintel_vcpu *vcpu, u32 host_pkru)
{
	if (likely(!pkru_in_use(vcpu)))
		return;
	vcpu->fpu.pkru = rdpkru();
	if (vcpu->fpu.pkru != host_pkru)
		wrpkru(host_pkru);
}

static void before_entry(struct lintel_vcpu *vcpu)
{
	/* an hrtimer has set REQ_EVENT, too */
	if (vcpu->timer_tsc != LINTEL_TIMER_NEVER || (READ_ONCE(vcpu->requests) & BIT(REQ_EVENT)))
		lintel_lapic_timer_update(vcpu);
	if (READ_ONCE(vcpu->requests) & BIT(REQ_EVENT)) {
		clear_bit(REQ_EVENT, &vcpu->requests);
		smp_mb__after_atomic();
		vmx_events_before_entry(vcpu);
	}
	if (READ_ONCE(vcpu->requests) & BIT(REQ_APICV))
		clear_bit(REQ_APICV, &vcpu->requests);
	if (vcpu->pv.eoi.msr & KVM_MSR_ENABLED)
		lintel_eoi_offer(vcpu);
	if (vcpu->vmx.proc & CPU_BASED_TPR_SHADOW) {
		unsigned int todo = lintel_vapic_enter(vcpu);

		if (unlikely(todo))
			apicv_before_entry(vcpu, todo);
	}
	if (unlikely(READ_ONCE(vcpu->requests) & FLUSH_REQUESTS))
		flush_tlb(vcpu);
	if (vcpu->reg_dirty)
		lintel_reg_flush(vcpu);
	vcpu->reg_cached = 0;
}

static __always_inline int enter_guest(struct lintel_vcpu *vcpu, bool launched)
{
	u32 host_pkru;
	int failed;

	if (vcpu->timer_tsc != LINTEL_TIMER_NEVER || vcpu->vmx.timer_value != U32_MAX)
		vmx_timer_before_entry(vcpu);
	trace_lintel_entry(vcpu);
	host_pkru = pkru_enter(vcpu);
	/* a tracepoint's program may have touched memory that was not there */
	if (vcpu->cr2 != native_read_cr2())
		native_write_cr2(vcpu->cr2);
	failed = vmx_enter(vcpu, launched);
	vcpu->cr2 = native_read_cr2();
	pkru_leave(vcpu, host_pkru);
	/* Legacy IBRS protects only after it is written again in the more privileged mode. */
	if (cpu_feature_enabled(X86_FEATURE_KERNEL_IBRS))
		wrmsrq(MSR_IA32_SPEC_CTRL, this_cpu_read(x86_spec_ctrl_current));
	return failed;
}

static enum vmx_run_result entry_failed(struct lintel_vcpu *vcpu, int failed)
{
	vcpu->exit.reason = 0;
	vcpu->exit.instruction_error = failed == 1 ? vmx_instruction_error() : 0;
	vcpu->exit.idt_info = 0;
	flight_entry_failed(vcpu);
	vmx_events_stale(vcpu);
	return RUN_ENTRY_FAILED;
}

/*
 * The entry failed in its checks of the guest's state, or a machine check ended it.  Few of the exit
 * fields are written then, and the event that was to be injected still stands in its field.
 */
static enum vmx_run_result entry_refused(struct lintel_vcpu *vcpu)
{
	struct lintel_exit *exit = &vcpu->exit;

	exit->qualification = vmcs_readl(EXIT_QUALIFICATION);
	exit->intr_info = 0;
	exit->idt_info = 0;
	exit->instruction_len = 0;
	vmx_events_stale(vcpu);
	lintel_reg_read(vcpu);
	flight_long(vcpu);
	trace_lintel_exit(vcpu);
	if ((u16)exit->reason == EXIT_REASON_MCE_DURING_VMENTRY)
		asm volatile("int $18" : : : "memory");
	return RUN_EXIT;
}

/* Bits beside the basic reason: an entry that failed, or a bus lock, which leaves the reason. */
static noinline u32 note_bits(struct lintel_vcpu *vcpu, u32 reason)
{
	if (reason & EXIT_REASON_HELD_BUS)
		watch_held_bus(vcpu);
	return reason & ~EXIT_REASON_HELD_BUS;
}

/*
 * Enter, and enter again as long as the exits are finished by exit_short.c and nothing has to be
 * prepared: exit number n costs what stands here.  @handled: of the last exit, which is counted.
 * Returns what vmx_enter() does.
 */
static __always_inline int run_entries(struct lintel_vcpu *vcpu, enum short_exit *handled)
{
	bool launched = vcpu->vmcs.launched;
	u32 reason;
	int failed;

	for (;;) {
		failed = enter_guest(vcpu, launched);
		if (unlikely(failed))
			break;
		reason = vmcs_read32(VM_EXIT_REASON);
		if (unlikely(reason > EXIT_REASON_BASIC))
			reason = note_bits(vcpu, reason);
		vcpu->stats.exits++;
		flight_exit(vcpu, reason);
		*handled = vmx_exit_short(vcpu, reason);
		if (*handled != SHORT_ENTER || unlikely(READ_ONCE(vcpu->requests))) {
			vcpu->exit.reason = reason;
			/* an entry that fails in its checks leaves the VMCS clear */
			launched |= !(reason & VMX_EXIT_REASONS_FAILED_VMENTRY);
			reason = min_t(u16, reason, LINTEL_NR_EXIT_REASONS - 1);
			vcpu->stats.exits_by_reason[reason]++;
			break;
		}
		vcpu->stats.exits_by_reason[reason]++;
		launched = true;
		flight_again(vcpu, reason);
	}
	vcpu->vmcs.launched = launched;
	/* cleared by each exit, and of use to the host alone */
	if (vcpu->vmx.host_debugctl)
		wrmsrq(MSR_IA32_DEBUGCTLMSR, vcpu->vmx.host_debugctl);
	return failed;
}

/* In the window.  RUN_ATTENTION: a host interrupt waits, or other work. */
static enum vmx_run_result run_in_window(struct lintel_vcpu *vcpu)
{
	struct lintel_exit *exit = &vcpu->exit;
	enum short_exit handled;
	int failed;

	do {
		if (unlikely(READ_ONCE(vcpu->requests) & ~WINDOW_REQUESTS))
			return RUN_ATTENTION;
		before_entry(vcpu);
		flight_enter(vcpu);
		failed = run_entries(vcpu, &handled);
		if (unlikely(failed))
			return entry_failed(vcpu, failed);
		if (unlikely(vcpu->pv.eoi.offered))
			lintel_eoi_take(vcpu);
		if (handled == SHORT_NOT)
			break;
		vmx_events_delivered(vcpu);
	} while (handled == SHORT_ENTER || handled == SHORT_PREPARE);
	if (handled != SHORT_NOT)
		return handled == SHORT_USER ? RUN_USER : RUN_ATTENTION;
	if (unlikely(exit->reason & VMX_EXIT_REASONS_FAILED_VMENTRY))
		return entry_refused(vcpu);
	snapshot_exit(vcpu);
	flight_long(vcpu);
	vmx_events_after_exit(vcpu);
	trace_lintel_exit(vcpu);
	switch (exit->reason) {
	case EXIT_REASON_EXTERNAL_INTERRUPT:
		vcpu->vmx.host_interrupt = exit->intr_info;
		return RUN_ATTENTION;
	case EXIT_REASON_INTERRUPT_WINDOW:
	case EXIT_REASON_NMI_WINDOW:
		lintel_vcpu_request(vcpu, REQ_EVENT);
		return RUN_ATTENTION;
	case EXIT_REASON_EXCEPTION_NMI:
		forward_host_event(exit->intr_info);
		if ((exit->intr_info & INTR_INFO_INTR_TYPE_MASK) == INTR_TYPE_NMI_INTR)
			return RUN_ATTENTION;
		break;
	}
	return RUN_EXIT;
}

/*
 * Posted interrupts make the CPU acknowledge what makes the guest exit: then it is for us to call
 * the handler.  Outside the window, since joined it may be KVM's, which wants its own VMCS.  The
 * handler ends with interrupts on.
 */
static void take_host_interrupt(struct lintel_vcpu *vcpu)
{
	u32 info = vcpu->vmx.host_interrupt;
	const gate_desc *idt = (const gate_desc *)vcpu->vmx.host_idt.address;

	vcpu->vmx.host_interrupt = 0;
	if (info & INTR_INFO_VALID_MASK)
		vmx_call_gate(gate_offset(&idt[info & INTR_INFO_VECTOR_MASK]));
}

/* One stretch with interrupts off.  @interrupted: a host interrupt has ended the last one. */
static enum vmx_run_result run_window(struct lintel_vcpu *vcpu, bool interrupted)
{
	enum vmx_run_result ret = RUN_ATTENTION;
	unsigned long host_dr7;

	local_irq_disable();
	if (!vmx_window_enter(vcpu)) {
		local_irq_enable();
		return RUN_ATTENTION;
	}
	if (!vcpu->vmx.switched)
		vmx_host_load(vcpu);
	/* Pairs with the barrier in lintel_vcpu_request(): it sees the mode, or we its bit. */
	pi_enter(&vcpu->mode);
	if (must_leave(vcpu))
		goto out;
	vmx_host_update(&vcpu->vmx);
	if (!vmx_pml_update(vcpu))
		goto out;
	if (unlikely(vcpu->vmx.ple_window != vcpu->vmx.ple_written))
		vmx_ple_write(vcpu);
	host_dr7 = native_get_debugreg(7);
	if (host_debugs(host_dr7))
		save_host_debug(&vcpu->vmx);
	if (unlikely(lintel_debug_dr7(vcpu) & (DR_GLOBAL_ENABLE_MASK | DR_LOCAL_ENABLE_MASK))) {
		/* the guest's addresses must never be armed in the host */
		set_debugreg(DR7_FIXED_1, 7);
		load_debug_registers(vcpu);
	}
	if (unlikely(l1d_flush_wanted))
		l1d_flush();
	/*
	 * A tick that finds the guest running finds no reader of RCU's here.  It ends the window,
	 * so the window behind it is soon enough to say so.
	 */
	if (interrupted)
		lintel_rcu_note_guest();
	ret = run_in_window(vcpu);
	/* however it ended: whoever waits for this window looks at the bitmaps next */
	vmx_pml_drain(vcpu);
	lintel_note_guest_branches();
	if (host_debugs(host_dr7))
		restore_host_debug(&vcpu->vmx, host_dr7);
out:
	pi_leave(&vcpu->mode);
	vmx_window_leave(vcpu);
	take_host_interrupt(vcpu);
	local_irq_enable();
	return ret;
}

/* The open interrupt window may be what user space waits for. */
static bool user_window_open(struct lintel_vcpu *vcpu)
{
	return lintel_user_injects(vcpu) && vcpu->exit.reason == EXIT_REASON_INTERRUPT_WINDOW;
}

enum vmx_run_result vmx_run(struct lintel_vcpu *vcpu)
{
	bool interrupted = false;
	enum vmx_run_result ret;

	guest_fpu_load(vcpu);
	do {
		ret = run_window(vcpu, interrupted);
		interrupted = ret == RUN_ATTENTION;
		if (ret == RUN_EXIT)
			ret = vmx_exit_nosleep(vcpu);
		/* not switched: this CPU is going offline */
	} while (ret == RUN_ATTENTION && vcpu->vmx.switched && !must_leave(vcpu) &&
		 !user_window_open(vcpu));
	/* before preemption is possible, and an exit that is still to be handled is no boundary */
	vcpu->pv.at_boundary = ret == RUN_ATTENTION;
	guest_fpu_save(vcpu);
	return ret;
}
