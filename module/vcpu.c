// SPDX-License-Identifier: GPL-2.0-only
/*
 * The run loop: the one place that decides to leave the kernel.
 *
 * KVM_RUN finishes what user space was asked for, then alternates between vmx_run(), which stays
 * in the guest as long as it can, and lintel_handle_exit() for what that could not do.  Between
 * them requests, INIT and SIPI, HLT and the thread's own duties are looked after.
 */
#include <linux/cpumask.h>
#include <linux/sched/signal.h>
#include <linux/smp.h>
#include <asm/irq_vectors.h>
#include <asm/trapnr.h>

#include "compat.h"
#include "flight.h"
#include "halt.h"
#include "inspect.h"
#include "irq/irq.h"
#include "params.h"
#include "paravirt/apf.h"
#include "paravirt/clock.h"
#include "paravirt/yield.h"
#include "pmu/pmu.h"
#include "regs.h"
#include "vcpu_life.h"
#include "vm.h"
#include "vmx/controls.h"
#include "vmx/event.h"
#include "vmx/explain_capture.h"
#include "vmx/guest_debug.h"
#include "vmx/msr_bitmap.h"
#include "vmx/pml.h"
#include "vmx/run.h"

/*
 * Wake the thread from HLT, or interrupt the guest.  After a full barrier, which pairs with that of
 * the waiter's set_current_state() and with pi_enter().
 */
static __always_inline void notify(struct lintel_vcpu *vcpu, bool posted)
{
	int cpu;

	if (rcuwait_active(&vcpu->wait)) {
		WRITE_ONCE(vcpu->ready, true);
		rcuwait_wake_up(&vcpu->wait);
	}
	preempt_disable();
	cpu = pi_guest_cpu(&vcpu->mode, &vcpu->cpu);
	if (cpu >= 0 && cpu != smp_processor_id() && cpu_online(cpu)) {
		/* any interrupt will do; this one has no state that senders could fight over */
		if (posted)
			lintel_send_vector(cpu, POSTED_INTR_VECTOR);
		else
			lintel_send_reschedule(cpu);
	}
	preempt_enable();
}

void lintel_vcpu_kick(struct lintel_vcpu *vcpu)
{
	smp_mb();
	notify(vcpu, false);
}

void lintel_vcpu_notify_posted(struct lintel_vcpu *vcpu)
{
	/* by its own thread: no interrupt makes the processor look at what is posted */
	if (READ_ONCE(vcpu->thread) == current)
		lintel_vcpu_request(vcpu, REQ_EVENT);
	/* the exchange that posted it was the barrier */
	notify(vcpu, lintel_params.posted_interrupts);
}

void lintel_vcpu_notify_event(struct lintel_vcpu *vcpu)
{
	lintel_vcpu_request(vcpu, REQ_EVENT);
	lintel_vcpu_kick(vcpu);
}

void lintel_vcpu_queue_nmi(struct lintel_vcpu *vcpu)
{
	atomic_inc(&vcpu->nmi_queued);
	lintel_vcpu_notify_event(vcpu);
}

/* --- INIT and SIPI --- */

static void take_sipi(struct lintel_vcpu *vcpu, u8 vector)
{
	struct lintel_segment cs = {
		.selector = vector << 8, .base = (u32)vector << 12, .limit = 0xffff, .ar = 0x9b,
	};

	lintel_set_segment(vcpu, SEG_CS, &cs);
	lintel_set_rip(vcpu, 0);
	WRITE_ONCE(vcpu->mp_state, KVM_MP_STATE_RUNNABLE);
}

/* INIT resets; an application processor then waits for a SIPI, the bootstrap processor starts over. */
static void take_init_and_sipi(struct lintel_vcpu *vcpu)
{
	int vector;

	if (lintel_lapic_take_init(vcpu)) {
		vmx_vcpu_reset(vcpu, true);
		lintel_lapic_reset(vcpu, true);
		lintel_pv_reset(vcpu);
		WRITE_ONCE(vcpu->mp_state, vcpu->id == vcpu->vm->boot_cpu_id ?
			   KVM_MP_STATE_RUNNABLE : KVM_MP_STATE_INIT_RECEIVED);
	}
	vector = lintel_lapic_take_sipi(vcpu);
	if (vector >= 0 && vcpu->mp_state == KVM_MP_STATE_INIT_RECEIVED)
		take_sipi(vcpu, vector);
}

/* --- the loop --- */

static int entry_failed(struct lintel_vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;

	if (!vcpu->exit.instruction_error)
		return -EIO;
	explain_failure(vcpu);
	run->exit_reason = KVM_EXIT_FAIL_ENTRY;
	run->fail_entry.hardware_entry_failure_reason = vcpu->exit.instruction_error;
	run->fail_entry.cpu = raw_smp_processor_id();
	return TO_USER;
}

/* Asked for by somebody outside, or while the guest is watched. */
#define RARE_REQUESTS	(BIT(REQ_DEBUG_STEP) | BIT(REQ_MSR_FILTER) | BIT(REQ_EXITS) | \
			 BIT(REQ_INSPECT) | BIT(REQ_PMU))

static int serve_rare_requests(struct lintel_vcpu *vcpu)
{
	if (test_and_clear_bit(REQ_PMU, &vcpu->requests))
		lintel_pmu_serve(vcpu);
	if (test_and_clear_bit(REQ_DEBUG_STEP, &vcpu->requests))
		return lintel_debug_exit(vcpu, X86_TRAP_DB, DR_STEP);
	if (test_and_clear_bit(REQ_MSR_FILTER, &vcpu->requests)) {
		int err = msr_bitmap_filter(vcpu);

		if (err) {
			lintel_vcpu_request(vcpu, REQ_MSR_FILTER);
			return err;
		}
	}
	if (test_and_clear_bit(REQ_EXITS, &vcpu->requests))
		vmx_spare_exits(vcpu);
	if (test_and_clear_bit(REQ_INSPECT, &vcpu->requests))
		lintel_inspect_serve(vcpu);
	return RESUME;
}

#define PARAVIRT_REQUESTS \
	(BIT(REQ_CLOCK) | BIT(REQ_STEAL) | BIT(REQ_APF) | BIT(REQ_APF_WAIT))

/* What must be done before the guest is entered, where sleeping is allowed. */
static int serve_requests(struct lintel_vcpu *vcpu)
{
	/* what is written to the guest from here must not meet the scheduler's write */
	vcpu->pv.at_boundary = false;
	if (test_bit(REQ_DEAD, &vcpu->requests))
		return -EIO;
	if (unlikely(test_bit(REQ_BUS_LOCK, &vcpu->requests))) {
		/* tell_user() says so, whatever made the guest exit */
		vcpu->run->exit_reason = KVM_EXIT_X86_BUS_LOCK;
		return TO_USER;
	}
	if (test_and_clear_bit(REQ_FLIGHT, &vcpu->requests)) {
		int err = lintel_flight_alloc(vcpu);

		if (err) {
			lintel_vcpu_request(vcpu, REQ_FLIGHT);
			return err;
		}
	}
	if (test_and_clear_bit(REQ_INIT_SIPI, &vcpu->requests))
		take_init_and_sipi(vcpu);
	if (test_and_clear_bit(REQ_TRIPLE_FAULT, &vcpu->requests)) {
		vcpu->run->exit_reason = KVM_EXIT_SHUTDOWN;
		return TO_USER;
	}
	if (test_and_clear_bit(REQ_IOAPIC_EOI, &vcpu->requests)) {
		int vector = lintel_irq_eoi_exit(vcpu);

		if (vector >= 0) {
			vcpu->run->exit_reason = KVM_EXIT_IOAPIC_EOI;
			vcpu->run->eoi.vector = vector;
			return TO_USER;
		}
	}
	/* the software LAPIC sees each EOI: for it there is nothing to do */
	if (test_and_clear_bit(REQ_EOI_VECTORS, &vcpu->requests))
		lintel_vapic_eoi_vectors(vcpu);
	if (unlikely(READ_ONCE(vcpu->requests) & RARE_REQUESTS)) {
		int ret = serve_rare_requests(vcpu);

		if (ret != RESUME)
			return ret;
	}
	if (test_and_clear_bit(REQ_RING_FULL, &vcpu->requests) && lintel_ring_full(vcpu)) {
		lintel_vcpu_request(vcpu, REQ_RING_FULL);
		vcpu->run->exit_reason = KVM_EXIT_DIRTY_RING_FULL;
		return TO_USER;
	}
	if (!(READ_ONCE(vcpu->requests) & PARAVIRT_REQUESTS))
		return RESUME;
	if (test_and_clear_bit(REQ_CLOCK, &vcpu->requests))
		lintel_clock_update(vcpu);
	if (test_and_clear_bit(REQ_STEAL, &vcpu->requests))
		lintel_steal_update(vcpu);
	if (test_and_clear_bit(REQ_APF, &vcpu->requests))
		lintel_apf_serve(vcpu);
	/* the last: it may take long */
	if (test_and_clear_bit(REQ_APF_WAIT, &vcpu->requests))
		return lintel_block_for_page(vcpu);
	return RESUME;
}

static bool window_wanted(struct lintel_vcpu *vcpu)
{
	return lintel_user_injects(vcpu) && READ_ONCE(vcpu->run->request_interrupt_window) &&
	       lintel_ready_for_user(vcpu);
}

static int run_once(struct lintel_vcpu *vcpu)
{
	enum vmx_run_result result;
	int ret;

	if (unlikely(vcpu->mp_state != KVM_MP_STATE_RUNNABLE))
		return lintel_block(vcpu);

	if (unlikely(vmx_pml_missing(vcpu)) && vmx_pml_alloc(vcpu))
		return -ENOMEM;
	result = vmx_run(vcpu);
	if (unlikely(vcpu->pv.eoi.offered))
		lintel_eoi_settle(vcpu);
	switch (result) {
	case RUN_EXIT:
		ret = lintel_handle_exit(vcpu);
		if (ret == RESUME)
			flight_resumed(vcpu);
		return ret;
	case RUN_USER:
		return TO_USER;
	case RUN_ENTRY_FAILED:
		return entry_failed(vcpu);
	case RUN_ATTENTION:
		break;
	}
	/* Not loaded: this CPU leaves VMX operation, the scheduler is about to move us. */
	if (unlikely(!vcpu->vmx.switched))
		schedule_timeout_uninterruptible(1);
	return RESUME;
}

static int run_loop(struct lintel_vcpu *vcpu)
{
	int ret;

	for (;;) {
		if (unlikely(READ_ONCE(vcpu->requests))) {
			ret = serve_requests(vcpu);
			if (ret != RESUME)
				return ret;
		}
		ret = run_once(vcpu);
		if (ret != RESUME)
			return ret;
		if (window_wanted(vcpu)) {
			vcpu->run->exit_reason = KVM_EXIT_IRQ_WINDOW_OPEN;
			return TO_USER;
		}
		if (lintel_guest_mode_work_pending()) {
			if (lintel_guest_mode_handle_work())
				return -EINTR;
		}
	}
}

/* What kvm_run always tells.  @told: there is an exit that may tell more. */
static void tell_user(struct lintel_vcpu *vcpu, bool told)
{
	struct kvm_run *run = vcpu->run;

	run->if_flag = !!(lintel_rflags(vcpu) & X86_EFLAGS_IF);
	run->flags = 0;
	if (told && unlikely(test_bit(REQ_BUS_LOCK, &vcpu->requests))) {
		clear_bit(REQ_BUS_LOCK, &vcpu->requests);
		run->flags = KVM_RUN_X86_BUS_LOCK;
	}
	if (likely(vcpu->lapic)) {
		lintel_lapic_tell(vcpu, run);
	} else {
		run->cr8 = vcpu->cr8;
		run->apic_base = vcpu->apic_base;
	}
	run->ready_for_interrupt_injection = !lintel_user_injects(vcpu) ||
					     lintel_ready_for_user(vcpu);
}

/* User space answers: CR8 without a LAPIC in the kernel, and the access it was asked for. */
static int take_answer(struct lintel_vcpu *vcpu)
{
	int (*complete)(struct lintel_vcpu *vcpu) = vcpu->io.complete;

	if (!vcpu->lapic) {
		u64 cr8 = READ_ONCE(vcpu->run->cr8);

		if (cr8 & ~15ULL)
			return -EINVAL;
		vcpu->cr8 = cr8;
	}
	if (!complete)
		return RESUME;
	vcpu->io.complete = NULL;
	return complete(vcpu);
}

/* An immediate exit leaves the exit that was answered in kvm_run: nothing new has happened. */
static int run_loaded(struct lintel_vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;
	int ret;

	if (vcpu->mp_state == KVM_MP_STATE_UNINITIALIZED) {
		if (run_immediate_exit(run))
			return -EINTR;
		do {
			ret = lintel_block(vcpu);
		} while (!ret && lintel_inspect_served(vcpu));
		if (!ret) {
			take_init_and_sipi(vcpu);
			return -EAGAIN;
		}
	} else {
		ret = take_answer(vcpu);
		if (ret != RESUME)
			return ret;
		if (run_immediate_exit(run))
			return -EINTR;
		if (lintel_debug_steps(vcpu))
			lintel_debug_arm_step(vcpu);
		run->exit_reason = KVM_EXIT_UNKNOWN;
		vcpu->ran = true;
		if (lintel_user_injects(vcpu))
			lintel_vcpu_request(vcpu, REQ_EVENT);	/* it may ask for a window now */
		ret = run_loop(vcpu);
		lintel_flight_leave(vcpu, ret);
	}
	if (ret == -EINTR)
		run->exit_reason = KVM_EXIT_INTR;
	return ret;
}

static noinline int load_and_run(struct lintel_vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;
	int ret;

	lintel_yield_note_thread(vcpu);
	lintel_vcpu_load(vcpu);
	run->flags = 0;
	ret = run_loaded(vcpu);
	tell_user(vcpu, ret > 0);
	if (ret > 0) {
		vcpu->stats.exits_to_user++;
		ret = 0;
	}
	lintel_vcpu_put(vcpu);
	vcpu->pv.at_boundary = false;
	return ret;
}

static noinline int run_with_signals(struct lintel_vcpu *vcpu)
{
	sigset_t saved;
	int ret;

	sigprocmask(SIG_SETMASK, &vcpu->sigset, &saved);
	ret = load_and_run(vcpu);
	sigprocmask(SIG_SETMASK, &saved, NULL);
	return ret;
}

int lintel_vcpu_run(struct lintel_vcpu *vcpu)
{
	if (READ_ONCE(vcpu->vm->dead))
		return -EIO;
	return unlikely(vcpu->sigset_active) ? run_with_signals(vcpu) : load_and_run(vcpu);
}
