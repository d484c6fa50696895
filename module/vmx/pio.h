/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Port accesses: what the exit tells of one, who may take it, and the way to user space.
 */
#ifndef LINTEL_VMX_PIO_H
#define LINTEL_VMX_PIO_H

#include <linux/rcupdate.h>

#include "../irq/irq.h"
#include "../trace.h"
#include "../vm.h"

/* SDM, "Exit Qualification for I/O Instructions". */
#define IO_SIZE(q)	(((q) & 7) + 1)
#define IO_IN(q)	((q) & 8)
#define IO_STRING(q)	((q) & 16)
#define IO_PORT(q)	((u16)((q) >> 16))

/* lintel_pio_exit - fill kvm_run for a port access by user space. */
void lintel_pio_exit(struct lintel_vcpu *vcpu, u16 port, unsigned int size, u32 count, bool out);

/* lintel_pio_to_user - the same for vcpu->exit. */
int lintel_pio_to_user(struct lintel_vcpu *vcpu);

/* lintel_pio_quick - it may be offered with interrupts off. */
static inline bool lintel_pio_quick(u64 q)
{
	/* the PIT's timers are set up where that may take a moment */
	return !IO_STRING(q) && (IO_PORT(q) & ~3) != 0x40 && IO_PORT(q) != 0x61;
}

/* lintel_pio_offer - a chip, a doorbell or a ring takes it, or none does; tracers see it. */
bool lintel_pio_offer(struct lintel_vcpu *vcpu, u64 q);

/*
 * lintel_pio_in_kernel - an access with a register operand is done if a chip, a doorbell or a ring
 * takes it, RIP aside; interrupts may be off if lintel_pio_quick().
 */
static __always_inline bool lintel_pio_in_kernel(struct lintel_vcpu *vcpu, u64 q)
{
	const struct lintel_vm *vm = vcpu->vm;

	/* nobody is there who could take it, or wants to see it */
	if (!lintel_chip_port(IO_PORT(q)) && !trace_lintel_pio_enabled() &&
	    (IO_IN(q) || (!rcu_access_pointer(vm->ioeventfds) &&
			  !rcu_access_pointer(vm->coalesced.zones))))
		return false;
	return lintel_pio_offer(vcpu, q);
}

#endif
