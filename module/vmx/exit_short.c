// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exits that are finished between two entries, with interrupts off and the VMCS still current.
 *
 * Each is a short cut for a row of the table in exit.c: it gives the same result, or says SHORT_NOT
 * before anything has changed.  Nothing here sleeps, waits for a CPU that may wait for this one, or
 * touches the memory of user space, and registers are read from the VMCS and written there, past
 * the cache of regs.c.
 *
 * A port access that nobody in the kernel takes is told user space at once (SHORT_USER).
 *
 * What makes an instruction's end special is left to the long way: single step and RF, and a STI
 * or MOV-SS shadow, whose end may let an event through that waits for it.
 *
 * Each reason has a function of its own that is not inlined, so that none pays for another's
 * registers and stack.
 */
#include <linux/interrupt.h>
#include <asm/apicdef.h>
#include <asm/msr-index.h>
#include <asm/processor-flags.h>
#include <asm/vmx.h>

#include "cpuid.h"
#include "debug.h"
#include "event.h"
#include "exit.h"
#include "msr.h"
#include "msr_filter.h"
#include "ops.h"
#include "pio.h"
#include "run.h"
#include "../compat.h"
#include "../ept/ept.h"
#include "../flight.h"
#include "../irq/irq.h"
#include "../params.h"
#include "../paravirt/hypercall.h"
#include "../regs.h"
#include "../trace.h"
#include "../vm.h"

#define X2APIC_MSR(reg)	(APIC_BASE_MSR + ((reg) >> 4))

static noinline enum short_exit step_over_slowly(struct lintel_vcpu *vcpu, u32 len, u64 operand)
{
	vcpu->exit.instruction_len = len;
	flight_short(vcpu, lintel_rip(vcpu), operand);
	lintel_skip_instruction(vcpu);
	return SHORT_PREPARE;
}

/* @operand: what the recorder is told. */
static __always_inline enum short_exit step_over(struct lintel_vcpu *vcpu, u64 operand)
{
	u32 state = vmcs_read32(GUEST_INTERRUPTIBILITY_INFO), len;
	unsigned long rip;

	len = vmcs_read32(VM_EXIT_INSTRUCTION_LEN);
	if (unlikely((vmcs_readl(GUEST_RFLAGS) & (X86_EFLAGS_TF | X86_EFLAGS_RF)) ||
		     (state & (GUEST_INTR_STATE_STI | GUEST_INTR_STATE_MOV_SS)) ||
		     vcpu->debug.watched))
		return step_over_slowly(vcpu, len, operand);
	rip = vmcs_readl(GUEST_RIP);
	flight_short(vcpu, rip, operand);
	rip = rip + len;
	/* Outside 64-bit mode EIP wraps; that 64-bit code runs is told by bits above. */
	if (unlikely(!lintel_is_long_mode(vcpu)))
		rip = (u32)rip;
	vcpu->rip = rip;
	vmcs_writel(GUEST_RIP, rip);
	return SHORT_ENTER;
}

static noinline enum short_exit short_vmcall(struct lintel_vcpu *vcpu)
{
	unsigned int cpl;
	u64 operand;

	if (!lintel_is_long_mode(vcpu) || !lintel_hypercall_quick(vcpu->gpr[GPR_RAX]) ||
	    !(vmcs_read32(GUEST_CS_AR_BYTES) & EMULATE_AR_L))
		return SHORT_NOT;
	cpl = (vmcs_read32(GUEST_SS_AR_BYTES) & EMULATE_AR_DPL) >> EMULATE_AR_DPL_SHIFT;
	operand = vcpu->gpr[GPR_RAX];
	if (!lintel_hypercall_unknown(vcpu, cpl))
		lintel_hypercall(vcpu, true, cpl);
	return step_over(vcpu, operand);
}

/* A filter leaves most MSRs to the guest: QEMU's denies one. */
static noinline bool filter_denies(struct lintel_vcpu *vcpu, u32 flag)
{
	return !lintel_msr_allowed(vcpu, vcpu->gpr[GPR_RCX], flag);
}

static noinline enum short_exit short_rdmsr(struct lintel_vcpu *vcpu)
{
	u64 value;
	u32 msr;

	if (unlikely(rcu_access_pointer(vcpu->vm->msr_filter)) &&
	    filter_denies(vcpu, KVM_MSR_FILTER_READ))
		return SHORT_NOT;
	msr = vcpu->gpr[GPR_RCX];
	if (unlikely(lintel_msr_get_quick(vcpu, msr, &value, false)))
		return SHORT_NOT;
	trace_lintel_msr(vcpu, false, msr, value, 0);
	lintel_set_edx_eax(vcpu, value);
	return step_over(vcpu, msr);
}

/* The few that guests write often: the timer, the APIC, the microcode's revision before a read. */
static __always_inline bool write_quick_msr(struct lintel_vcpu *vcpu, u32 msr, u64 value)
{
	switch (msr) {
	case MSR_IA32_TSC_DEADLINE:
		/* an hrtimer may have to be waited for, which is not for here */
		if (!lintel_params.preemption_timer)
			return false;
		lintel_lapic_set_tsc_deadline(vcpu, value);
		return true;
	case MSR_IA32_UCODE_REV:
		return true;
	/* while PV EOI is offered the interrupt in service may have been ended: that comes first */
	case X2APIC_MSR(APIC_EOI):
		return !value && !vcpu->pv.eoi.offered && lintel_lapic_eoi_quick(vcpu);
	case X2APIC_MSR(APIC_ICR):
	case X2APIC_MSR(APIC_SELF_IPI):
	case X2APIC_MSR(APIC_TASKPRI):
		return !vcpu->pv.eoi.offered && vcpu->lapic &&
		       !lintel_lapic_x2apic_write(vcpu, msr, value);
	default:
		return false;
	}
}

static noinline enum short_exit short_wrmsr(struct lintel_vcpu *vcpu)
{
	u64 value = (u32)vcpu->gpr[GPR_RAX] | (u64)(u32)vcpu->gpr[GPR_RDX] << 32;
	u32 msr = vcpu->gpr[GPR_RCX];

	if (unlikely(rcu_access_pointer(vcpu->vm->msr_filter)) &&
	    filter_denies(vcpu, KVM_MSR_FILTER_WRITE))
		return SHORT_NOT;
	if (unlikely(!write_quick_msr(vcpu, msr, value)))
		return SHORT_NOT;
	trace_lintel_msr(vcpu, true, msr, value, 0);
	return step_over(vcpu, msr);
}

static noinline enum short_exit short_io(struct lintel_vcpu *vcpu)
{
	u64 qualification = vmcs_readl(EXIT_QUALIFICATION);

	if (!lintel_pio_quick(qualification))
		return SHORT_NOT;
	if (lintel_pio_in_kernel(vcpu, qualification))
		return step_over(vcpu, qualification);
	vcpu->exit.qualification = qualification;
	vcpu->exit.instruction_len = vmcs_read32(VM_EXIT_INSTRUCTION_LEN);
	vcpu->exit.idt_info = 0;
	lintel_reg_read_end(vcpu);
	flight_short(vcpu, vcpu->rip, qualification);
	lintel_pio_to_user(vcpu);
	return SHORT_USER;
}

/* Where the guest was; nothing else asks. */
static __always_inline void note_place(struct lintel_vcpu *vcpu)
{
	if (lintel_flight_on())
		flight_short(vcpu, vmcs_readl(GUEST_RIP), 0);
}

/* One that cut a delivery short has more to be looked at. */
static noinline enum short_exit short_interrupt(struct lintel_vcpu *vcpu)
{
	if (vmcs_read32(IDT_VECTORING_INFO_FIELD) & VECTORING_INFO_VALID_MASK)
		return SHORT_NOT;
	vcpu->vmx.host_interrupt = vmcs_read32(VM_EXIT_INTR_INFO);
	note_place(vcpu);
	return SHORT_ATTENTION;
}

/* The open window may be what user space waits for. */
static noinline enum short_exit short_window(struct lintel_vcpu *vcpu)
{
	if (lintel_user_injects(vcpu))
		return SHORT_NOT;
	note_place(vcpu);
	lintel_vcpu_request(vcpu, REQ_EVENT);
	return SHORT_PREPARE;
}

static noinline enum short_exit short_cpuid(struct lintel_vcpu *vcpu)
{
	u32 leaf = vcpu->gpr[GPR_RAX];

	if (unlikely(trace_lintel_cpuid_enabled() || !lintel_cpuid_quick(vcpu)))
		return SHORT_NOT;
	return step_over(vcpu, leaf);
}

static noinline enum short_exit short_timer(struct lintel_vcpu *vcpu)
{
	note_place(vcpu);
	return SHORT_PREPARE;	/* which looks at the timer */
}

/*
 * A page that the host has and may write is mapped.  What else there is to a violation, MMIO above
 * all, is left to the long way, which is told the answer; so is one that has cut a delivery or an
 * IRET short.
 *
 * Interrupts are off longer by one fault, and no more: the next entry exits at once for one that
 * has come meanwhile.  A look-up by get_user_pages_fast_only() has them off anyway; ept->lock is
 * tried; the locks of the kernel's allocator and LRU lists, which may be waited for, are held with
 * interrupts off by everybody.  What the kernel has asked of this thread during the fault has no
 * interrupt to tell of it, so that is looked at.
 *
 * No L1D flush before the guest goes on, as in kvm_intel, which has one after interrupts, user
 * space and its interpreter; here all of those end the stretch.
 */
static noinline enum short_exit short_fault(struct lintel_vcpu *vcpu)
{
	gpa_t gpa = vmcs_read64(GUEST_PHYSICAL_ADDRESS);
	u64 qualification;
	int ret;

	/*
	 * A guest uses one device again and again; whether it still is one is asked later.  In a
	 * kernel for one CPU alone folio_mark_accessed() turns interrupts on.
	 */
	if (gpa >> PAGE_SHIFT == vcpu->mmio_hint.gfn || !IS_ENABLED(CONFIG_SMP))
		return SHORT_NOT;
	qualification = vmcs_readl(EXIT_QUALIFICATION);
	if (trace_lintel_page_fault_enabled() || trace_lintel_entry_enabled() ||
	    (qualification & INTR_INFO_UNBLOCK_NMI) ||
	    (vmcs_read32(IDT_VECTORING_INFO_FIELD) & VECTORING_INFO_VALID_MASK))
		return SHORT_NOT;
	ret = lintel_ept_fault(vcpu, gpa, vmx_fault_access(qualification), EPT_ATOMIC);
	if (ret != EPT_FIXED) {
		vcpu->exit.fault = ret;
		return SHORT_NOT;
	}
	vcpu->stats.ept_faults++;
	flight_violation(vcpu, vmcs_readl(GUEST_RIP), qualification, gpa);
	if (unlikely(lintel_guest_mode_work_pending() || local_softirq_pending()))
		return SHORT_ATTENTION;
	return SHORT_ENTER;
}

enum short_exit vmx_exit_short(struct lintel_vcpu *vcpu, u32 reason)
{
	if (trace_lintel_exit_enabled())
		return SHORT_NOT;
	if (reason == EXIT_REASON_CPUID)
		return short_cpuid(vcpu);
	if (reason == EXIT_REASON_MSR_WRITE)
		return short_wrmsr(vcpu);
	if (reason == EXIT_REASON_MSR_READ)
		return short_rdmsr(vcpu);
	if (reason == EXIT_REASON_VMCALL)
		return short_vmcall(vcpu);
	if (reason == EXIT_REASON_IO_INSTRUCTION)
		return short_io(vcpu);
	if (reason == EXIT_REASON_EXTERNAL_INTERRUPT)
		return short_interrupt(vcpu);
	if (reason == EXIT_REASON_PREEMPTION_TIMER)
		return short_timer(vcpu);
	if (reason == EXIT_REASON_EPT_VIOLATION)
		return short_fault(vcpu);
	if (reason == EXIT_REASON_INTERRUPT_WINDOW || reason == EXIT_REASON_NMI_WINDOW)
		return short_window(vcpu);
	return SHORT_NOT;
}
