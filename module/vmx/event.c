// SPDX-License-Identifier: GPL-2.0-only
/*
 * Event injection.
 *
 * One event can be injected per entry.  First comes what an exit has cut short (it was accepted by
 * the CPU, and other state may already tell so), then a new exception, then an NMI, then an
 * interrupt.  What cannot go now gets a window: the CPU exits as soon as it could.
 * Source: SDM, "Event Injection", "IDT-Vectoring Information", "Priority Among Concurrent
 * Events", "Interrupt 8-Double Fault Exception".
 */
#include <linux/minmax.h>
#include <asm/processor-flags.h>
#include <asm/trapnr.h>
#include <asm/vmx.h>

#include "controls.h"
#include "debug.h"
#include "event.h"
#include "ops.h"
#include "../irq/irq.h"
#include "../regs.h"
#include "../trace.h"
#include "../vm.h"

enum fault_class { BENIGN, CONTRIBUTORY, PAGE_FAULT };

static enum fault_class fault_class(u8 nr)
{
	switch (nr) {
	case X86_TRAP_PF:
		return PAGE_FAULT;
	case X86_TRAP_DE:
	case X86_TRAP_TS:
	case X86_TRAP_NP:
	case X86_TRAP_SS:
	case X86_TRAP_GP:
		return CONTRIBUTORY;
	default:
		return BENIGN;
	}
}

/* May @second, raised while @first was being delivered, be handled after it? */
static bool becomes_double_fault(u8 first, u8 second)
{
	enum fault_class a = fault_class(first), b = fault_class(second);

	return (a == CONTRIBUTORY && b == CONTRIBUTORY) || (a == PAGE_FAULT && b != BENIGN);
}

static void queue(struct lintel_vcpu *vcpu, u8 nr, bool has_error, u32 error, bool has_payload,
		  u64 payload)
{
	typeof(vcpu->events.exception) *ex = &vcpu->events.exception;

	if (ex->pending || ex->injected) {
		if (ex->nr == X86_TRAP_DF) {
			lintel_vcpu_request(vcpu, REQ_TRIPLE_FAULT);
			return;
		}
		if (becomes_double_fault(ex->nr, nr)) {
			nr = X86_TRAP_DF;
			has_error = true;
			error = 0;
			has_payload = false;
		}
	}
	*ex = (typeof(*ex)){
		.pending = true,
		.nr = nr,
		/* real mode delivers no error codes */
		.has_error = has_error && (vcpu->cr0 & X86_CR0_PE),
		.error = error,
		.has_payload = has_payload,
		.payload = payload,
	};
	lintel_vcpu_request(vcpu, REQ_EVENT);
}

void lintel_queue_exception(struct lintel_vcpu *vcpu, u8 nr, bool has_error, u32 error)
{
	queue(vcpu, nr, has_error, error, false, 0);
}

void lintel_queue_page_fault(struct lintel_vcpu *vcpu, unsigned long address, u32 error)
{
	queue(vcpu, X86_TRAP_PF, true, error, true, address);
}

void lintel_queue_debug(struct lintel_vcpu *vcpu, u64 dr6)
{
	queue(vcpu, X86_TRAP_DB, false, 0, true, dr6);
}

void lintel_inject_gp(struct lintel_vcpu *vcpu)
{
	lintel_queue_exception(vcpu, X86_TRAP_GP, true, 0);
}

void lintel_inject_ud(struct lintel_vcpu *vcpu)
{
	lintel_queue_exception(vcpu, X86_TRAP_UD, false, 0);
}

#define SHADOWS	(GUEST_INTR_STATE_STI | GUEST_INTR_STATE_MOV_SS)

static void write_event(struct lintel_vcpu *vcpu, u32 info, u8 len)
{
	trace_lintel_inject(vcpu, info | INTR_INFO_VALID_MASK, vcpu->events.exception.error);
	vmcs_write32(VM_ENTRY_INTR_INFO_FIELD, info | INTR_INFO_VALID_MASK);
	if (len)
		vmcs_write32(VM_ENTRY_INSTRUCTION_LEN, len);
}

void lintel_apply_payload(struct lintel_vcpu *vcpu)
{
	typeof(vcpu->events.exception) *ex = &vcpu->events.exception;

	if (!ex->has_payload)
		return;
	ex->has_payload = false;
	if (ex->nr == X86_TRAP_PF) {
		vcpu->cr2 = ex->payload;
	} else if (ex->nr == X86_TRAP_DB) {
		vcpu->dr6 = (vcpu->dr6 & ~(DR_TRAP_BITS | DR_STEP)) | ex->payload | DR6_RESERVED;
		if (ex->payload & DR_BD)
			vcpu->dr7 &= ~DR7_GD;
	}
}

/* Faults are delivered with RF set in the saved RFLAGS; #DB traps and software traps are not. */
static bool is_fault(u8 nr)
{
	return nr != X86_TRAP_DB && nr != X86_TRAP_BP && nr != X86_TRAP_OF &&
	       nr != X86_TRAP_DF && nr != X86_TRAP_MC;
}

static void inject_exception(struct lintel_vcpu *vcpu)
{
	typeof(vcpu->events.exception) *ex = &vcpu->events.exception;
	u32 info = ex->nr | (ex->soft ? INTR_TYPE_SOFT_EXCEPTION : INTR_TYPE_HARD_EXCEPTION);

	if (ex->pending) {
		lintel_apply_payload(vcpu);
		if (is_fault(ex->nr))
			lintel_set_rflags(vcpu, lintel_rflags(vcpu) | X86_EFLAGS_RF);
		vcpu->stats.injected_exceptions++;
	}
	/* VM entry: a halted CPU takes no fault */
	if (unlikely(vcpu->vm->disabled_exits & KVM_X86_DISABLE_EXITS_HLT))
		vmcs_write32(GUEST_ACTIVITY_STATE, GUEST_ACTIVITY_ACTIVE);
	/* VM entry: stepping in a shadow means that the step's own #DB is pending */
	if (ex->nr == X86_TRAP_DB && (lintel_rflags(vcpu) & X86_EFLAGS_TF) &&
	    (lintel_interruptibility(vcpu) & SHADOWS))
		vmcs_writel(GUEST_PENDING_DBG_EXCEPTIONS,
			    vmcs_readl(GUEST_PENDING_DBG_EXCEPTIONS) | DR_STEP);
	/* what user space queued may have one where the CPU delivers none */
	if (ex->has_error && (vcpu->cr0 & X86_CR0_PE)) {
		info |= INTR_INFO_DELIVER_CODE_MASK;
		vmcs_write32(VM_ENTRY_EXCEPTION_ERROR_CODE, ex->error);
	}
	ex->pending = false;
	ex->injected = true;
	write_event(vcpu, info, ex->soft ? ex->len : 0);
}

static void inject_interrupt(struct lintel_vcpu *vcpu)
{
	typeof(vcpu->events.interrupt) *irq = &vcpu->events.interrupt;
	u32 type = irq->soft ? INTR_TYPE_SOFT_INTR : INTR_TYPE_EXT_INTR;

	irq->injected = true;
	write_event(vcpu, irq->nr | type, irq->soft ? irq->len : 0);
}

bool lintel_interrupts_allowed(struct lintel_vcpu *vcpu)
{
	return (lintel_rflags(vcpu) & X86_EFLAGS_IF) &&
	       !(lintel_interruptibility(vcpu) & SHADOWS);
}

static bool nmi_allowed(struct lintel_vcpu *vcpu)
{
	return !(lintel_interruptibility(vcpu) & (SHADOWS | GUEST_INTR_STATE_NMI));
}

/* One NMI in service and one pending is what a CPU can hold. */
static void collect_nmis(struct lintel_vcpu *vcpu)
{
	unsigned int limit = 2, queued;

	if (lintel_interruptibility(vcpu) & GUEST_INTR_STATE_NMI || vcpu->events.nmi.injected)
		limit = 1;
	queued = vcpu->events.nmi.pending + atomic_xchg(&vcpu->nmi_queued, 0);
	vcpu->events.nmi.pending = min(queued, limit);
}

static bool try_nmi(struct lintel_vcpu *vcpu, bool taken)
{
	if (atomic_read(&vcpu->nmi_queued))
		collect_nmis(vcpu);
	if (!vcpu->events.nmi.pending) {
		vmx_set_proc_control(vcpu, CPU_BASED_NMI_WINDOW_EXITING, false);
		return false;
	}
	if (taken || !nmi_allowed(vcpu)) {
		/* In a STI shadow an NMI window may open at once: see try_interrupt(). */
		vmx_set_proc_control(vcpu, CPU_BASED_NMI_WINDOW_EXITING,
				     !(lintel_interruptibility(vcpu) & GUEST_INTR_STATE_STI));
		return false;
	}
	vcpu->events.nmi.pending--;
	vcpu->events.nmi.injected = true;
	vcpu->stats.injected_nmis++;
	write_event(vcpu, INTR_TYPE_NMI_INTR | X86_TRAP_NMI, 0);
	vmx_set_proc_control(vcpu, CPU_BASED_NMI_WINDOW_EXITING, vcpu->events.nmi.pending);
	return true;
}

/* There is room for one more vector. */
static bool room_for_user(struct lintel_vcpu *vcpu)
{
	return vcpu->lapic ? lintel_irq_extint_free(vcpu) : !vcpu->events.interrupt.pending;
}

bool lintel_ready_for_user(struct lintel_vcpu *vcpu)
{
	const struct lintel_events *ev = &vcpu->events;

	return room_for_user(vcpu) && !ev->interrupt.injected && !ev->nmi.injected &&
	       !ev->exception.injected && !ev->exception.pending &&
	       lintel_interrupts_allowed(vcpu);
}

static bool irq_waiting(struct lintel_vcpu *vcpu)
{
	if (vcpu->lapic)
		return lintel_irq_to_inject(vcpu) >= 0;
	return vcpu->events.interrupt.pending;
}

static void try_interrupt(struct lintel_vcpu *vcpu, bool taken)
{
	bool window = false;
	int vector = -1;

	/* The end of a STI shadow is seen by an interrupt window only. */
	if (vcpu->events.nmi.pending && (lintel_interruptibility(vcpu) & GUEST_INTR_STATE_STI))
		window = true;
	if (irq_waiting(vcpu)) {
		if (taken || !lintel_interrupts_allowed(vcpu)) {
			window = true;
		} else {
			vector = vcpu->lapic ? lintel_irq_ack(vcpu) : vcpu->events.interrupt.nr;
			vcpu->events.interrupt.pending = false;
		}
	}
	if (vector >= 0) {
		vcpu->events.interrupt.nr = vector;
		vcpu->events.interrupt.soft = false;
		vcpu->stats.injected_irqs++;
		inject_interrupt(vcpu);
		window |= irq_waiting(vcpu);
	}
	if (lintel_user_injects(vcpu) && READ_ONCE(vcpu->run->request_interrupt_window) &&
	    room_for_user(vcpu))
		window = true;
	vmx_set_proc_control(vcpu, CPU_BASED_INTR_WINDOW_EXITING, window);
}

void vmx_events_before_entry(struct lintel_vcpu *vcpu)
{
	struct lintel_events *ev = &vcpu->events;
	bool taken = true;

	/* in one go, as nearly every decision asks for two of them */
	if (!vcpu->reg_cached)
		lintel_reg_read(vcpu);
	if (unlikely(ev->stale)) {
		ev->stale = false;
		vmcs_write32(VM_ENTRY_INTR_INFO_FIELD, 0);
	}
	if (ev->exception.injected || ev->exception.pending)
		inject_exception(vcpu);
	else if (ev->nmi.injected)
		write_event(vcpu, INTR_TYPE_NMI_INTR | X86_TRAP_NMI, 0);
	else if (ev->interrupt.injected)
		inject_interrupt(vcpu);
	else
		taken = false;
	/* the debugger steps: neither NMIs nor interrupts, and no windows for them */
	if (unlikely(vcpu->debug.control & KVM_GUESTDBG_BLOCKIRQ)) {
		vmx_set_proc_control(vcpu, CPU_BASED_INTR_WINDOW_EXITING |
					   CPU_BASED_NMI_WINDOW_EXITING, false);
		return;
	}
	taken |= try_nmi(vcpu, taken);
	try_interrupt(vcpu, taken);
}

void vmx_events_stale(struct lintel_vcpu *vcpu)
{
	vcpu->events.stale = true;
	lintel_vcpu_request(vcpu, REQ_EVENT);
}

/* An IRET that faulted has unblocked NMIs, though its instruction did not finish. */
static void restore_nmi_blocking(struct lintel_vcpu *vcpu)
{
	const struct lintel_exit *exit = &vcpu->exit;
	bool unblocked = false;

	/* the same bit in both, and rarely set */
	if (likely(!((exit->intr_info | exit->qualification) & INTR_INFO_UNBLOCK_NMI)) ||
	    (exit->idt_info & VECTORING_INFO_VALID_MASK))
		return;
	if ((u16)exit->reason == EXIT_REASON_EXCEPTION_NMI)
		unblocked = (exit->intr_info & INTR_INFO_UNBLOCK_NMI) &&
			    (exit->intr_info & INTR_INFO_VECTOR_MASK) != X86_TRAP_DF;
	else if ((u16)exit->reason == EXIT_REASON_EPT_VIOLATION ||
		 (u16)exit->reason == EXIT_REASON_PML_FULL ||
		 (u16)exit->reason == EXIT_REASON_NOTIFY)
		unblocked = exit->qualification & INTR_INFO_UNBLOCK_NMI;
	if (unblocked)
		lintel_set_interruptibility(vcpu, lintel_interruptibility(vcpu) |
						  GUEST_INTR_STATE_NMI);
}

void vmx_events_after_exit(struct lintel_vcpu *vcpu)
{
	const struct lintel_exit *exit = &vcpu->exit;
	struct lintel_events *ev = &vcpu->events;
	u32 info = exit->idt_info;
	u8 nr = info & VECTORING_INFO_VECTOR_MASK;
	bool soft = false;

	vmx_events_delivered(vcpu);
	restore_nmi_blocking(vcpu);
	if (!(info & VECTORING_INFO_VALID_MASK))
		return;
	switch (info & VECTORING_INFO_TYPE_MASK) {
	case INTR_TYPE_NMI_INTR:
		ev->nmi.injected = true;
		/* delivered again it will block again */
		lintel_set_interruptibility(vcpu, lintel_interruptibility(vcpu) &
						  ~GUEST_INTR_STATE_NMI);
		break;
	case INTR_TYPE_SOFT_EXCEPTION:
	case INTR_TYPE_PRIV_SW_EXCEPTION:
		soft = true;
		fallthrough;
	case INTR_TYPE_HARD_EXCEPTION:
		ev->exception = (typeof(ev->exception)){
			.injected = true,
			.nr = nr,
			.soft = soft,
			.len = soft ? exit->instruction_len : 0,
			.has_error = info & VECTORING_INFO_DELIVER_CODE_MASK,
			.error = exit->idt_error,
		};
		break;
	case INTR_TYPE_SOFT_INTR:
	case INTR_TYPE_EXT_INTR:
		ev->interrupt.injected = true;
		ev->interrupt.nr = nr;
		ev->interrupt.soft = (info & VECTORING_INFO_TYPE_MASK) == INTR_TYPE_SOFT_INTR;
		ev->interrupt.len = exit->instruction_len;
		break;
	}
	lintel_vcpu_request(vcpu, REQ_EVENT);
}

bool lintel_has_deliverable_event(struct lintel_vcpu *vcpu)
{
	const struct lintel_events *ev = &vcpu->events;

	if (ev->exception.pending || ev->exception.injected || ev->nmi.injected ||
	    ev->interrupt.injected || test_bit(REQ_TRIPLE_FAULT, &vcpu->requests))
		return true;
	if ((ev->nmi.pending || atomic_read(&vcpu->nmi_queued)) && nmi_allowed(vcpu))
		return true;
	if (vcpu->lapic)
		lintel_lapic_timer_update(vcpu);
	return (vcpu->lapic ? lintel_irq_pending(vcpu) >= 0 : irq_waiting(vcpu)) &&
	       lintel_interrupts_allowed(vcpu);
}
