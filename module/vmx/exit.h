/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What exit handlers share.
 *
 * A handler runs preemptible, with vcpu->exit filled and no window open, and returns RESUME,
 * TO_USER (kvm_run filled) or -errno.  It never calls the run loop, the VM or the ioctl layer.
 */
#ifndef LINTEL_VMX_EXIT_H
#define LINTEL_VMX_EXIT_H

#include "../irq/irq.h"
#include "../vm.h"
#include "../vcpu.h"

/* lintel_skip_instruction - the exiting instruction is done: advance RIP by its length. */
void lintel_skip_instruction(struct lintel_vcpu *vcpu);
/* lintel_instruction_done - RIP stands behind a finished instruction: RF, shadows, single step. */
void lintel_instruction_done(struct lintel_vcpu *vcpu);

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

/* lintel_pio_exit - fill kvm_run for a port access by user space. */
void lintel_pio_exit(struct lintel_vcpu *vcpu, u16 port, unsigned int size, u32 count, bool out);

/* lintel_pio_to_user - the same for vcpu->exit. */
int lintel_pio_to_user(struct lintel_vcpu *vcpu);
/*
 * lintel_pio_in_kernel - an access with a register operand is done if a chip, a doorbell or a ring
 * takes it, RIP aside; interrupts may be off if lintel_pio_quick().
 */
bool lintel_pio_in_kernel(struct lintel_vcpu *vcpu, u64 qualification);

/* SDM, "Exit Qualification for I/O Instructions". */
#define IO_SIZE(q)	(((q) & 7) + 1)
#define IO_IN(q)	((q) & 8)
#define IO_STRING(q)	((q) & 16)
#define IO_PORT(q)	((u16)((q) >> 16))

static inline bool lintel_pio_quick(u64 q)
{
	/* the PIT's timers are set up where that may take a moment */
	return !IO_STRING(q) && (IO_PORT(q) & ~3) != 0x40 && IO_PORT(q) != 0x61;
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
int exit_gp(struct lintel_vcpu *vcpu);
int exit_ud(struct lintel_vcpu *vcpu);
int exit_mwait(struct lintel_vcpu *vcpu);
int exit_invlpg(struct lintel_vcpu *vcpu);
int exit_rdtsc(struct lintel_vcpu *vcpu);
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
