/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What exit handlers share.
 *
 * A handler runs preemptible, with vcpu->exit filled and no window open, and returns RESUME,
 * TO_USER (kvm_run filled) or -errno.  It never calls the run loop, the VM or the ioctl layer.
 */
#ifndef LINTEL_VMX_EXIT_H
#define LINTEL_VMX_EXIT_H

#include <asm/processor-flags.h>
#include <asm/vmx.h>

#include "../irq/irq.h"
#include "../regs.h"
#include "../vm.h"
#include "../vcpu.h"

/* instruction_done_slowly - the rarer half of lintel_instruction_done(). */
void instruction_done_slowly(struct lintel_vcpu *vcpu);

/* lintel_instruction_done - RIP stands behind a finished instruction: RF, shadows, single step. */
static inline void lintel_instruction_done(struct lintel_vcpu *vcpu)
{
	lintel_reg_need(vcpu, REG_RFLAGS | REG_INTERRUPTIBILITY);
	if (unlikely((vcpu->rflags & (X86_EFLAGS_TF | X86_EFLAGS_RF)) || vcpu->debug.watched ||
		     (vcpu->interruptibility & (GUEST_INTR_STATE_STI | GUEST_INTR_STATE_MOV_SS))))
		instruction_done_slowly(vcpu);
}

/* step_behind - lintel_skip_instruction(), inline. */
static __always_inline void step_behind(struct lintel_vcpu *vcpu)
{
	unsigned long rip = lintel_rip(vcpu) + vcpu->exit.instruction_len;

	/* Outside 64-bit mode EIP wraps; that 64-bit code runs is told by bits above. */
	if (!lintel_is_long_mode(vcpu))
		rip = (u32)rip;
	lintel_set_rip(vcpu, rip);
	lintel_instruction_done(vcpu);
}

/* lintel_skip_instruction - the exiting instruction is done: advance RIP by its length. */
void lintel_skip_instruction(struct lintel_vcpu *vcpu);

/* lintel_halt - the guest executed HLT and RIP is behind it; lintel_halt_exit: what KVM_RUN does. */
void lintel_halt(struct lintel_vcpu *vcpu);
int lintel_halt_exit(struct lintel_vcpu *vcpu);

/* lintel_write_taken - an ioeventfd, or else a coalesced zone, takes it.  Running thread. */
static inline bool lintel_write_taken(struct lintel_vcpu *vcpu, bool pio, u64 addr,
				      unsigned int len, const void *data)
{
	struct lintel_vm *vm = vcpu->vm;

	return (rcu_access_pointer(vm->ioeventfds) &&
		lintel_ioeventfd_write(vcpu, pio, addr, len, data)) ||
	       (rcu_access_pointer(vm->coalesced.zones) &&
		lintel_coalesced_write(vm, pio, addr, len, data));
}

/* vmx_fault_access - ACCESS_* of an EPT violation. */
static inline unsigned int vmx_fault_access(u64 qualification)
{
	return qualification & (ACCESS_READ | ACCESS_WRITE | ACCESS_EXEC);
}

/*
 * lintel_mmio_by_mov - vcpu->exit is MMIO: RESUME or TO_USER, or -ENOENT: by the interpreter, or
 * where sleeping is allowed.
 */
int lintel_mmio_by_mov(struct lintel_vcpu *vcpu, bool may_sleep);

/* lintel_internal_error - KVM_EXIT_INTERNAL_ERROR with @nr words of data. */
int lintel_internal_error(struct lintel_vcpu *vcpu, u32 suberror, const u64 *data, unsigned int nr);
/* lintel_delivery_failed - an event cannot be delivered through a device. */
int lintel_delivery_failed(struct lintel_vcpu *vcpu);
int lintel_emulation_failed(struct lintel_vcpu *vcpu, const u8 *bytes, unsigned int nr);

/*
 * vmx_page_absent - the page at @gpa has to be fetched.  True: somebody else does, the guest goes
 * on or REQ_APF_WAIT is set; false: it is for this thread.
 */
bool vmx_page_absent(struct lintel_vcpu *vcpu, gpa_t gpa, unsigned int access);

/* The handlers, by family; the table is in exit.c. */
int exit_exception(struct lintel_vcpu *vcpu);
int exit_cr_access(struct lintel_vcpu *vcpu);
int exit_dr_access(struct lintel_vcpu *vcpu);
int exit_io(struct lintel_vcpu *vcpu);
int exit_apic_access(struct lintel_vcpu *vcpu);
int exit_apic_write(struct lintel_vcpu *vcpu);
int exit_eoi(struct lintel_vcpu *vcpu);
int exit_tpr_below(struct lintel_vcpu *vcpu);
int exit_ept_violation(struct lintel_vcpu *vcpu);
int exit_ept_misconfig(struct lintel_vcpu *vcpu);
int exit_cpuid(struct lintel_vcpu *vcpu);
int exit_hlt(struct lintel_vcpu *vcpu);
int exit_skip(struct lintel_vcpu *vcpu);
int exit_wbinvd(struct lintel_vcpu *vcpu);
int exit_pause(struct lintel_vcpu *vcpu);
int exit_ud(struct lintel_vcpu *vcpu);
int exit_mwait(struct lintel_vcpu *vcpu);
int exit_invlpg(struct lintel_vcpu *vcpu);
int exit_rdtsc(struct lintel_vcpu *vcpu);
int exit_rdpmc(struct lintel_vcpu *vcpu);
int exit_msr_read(struct lintel_vcpu *vcpu);
int exit_msr_write(struct lintel_vcpu *vcpu);
int exit_xsetbv(struct lintel_vcpu *vcpu);
int exit_vmcall(struct lintel_vcpu *vcpu);
int exit_triple_fault(struct lintel_vcpu *vcpu);
int exit_pml_full(struct lintel_vcpu *vcpu);
int exit_task_switch(struct lintel_vcpu *vcpu);
int exit_preemption_timer(struct lintel_vcpu *vcpu);
int exit_bus_lock(struct lintel_vcpu *vcpu);
int exit_notify(struct lintel_vcpu *vcpu);

#endif
