// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exceptions that exit: #DB and #AC always (a guest could make their delivery loop for ever), and
 * #MC, which belongs to the host and was forwarded before this runs.
 */
#include <asm/trapnr.h>
#include <asm/vmx.h>

#include "debug.h"
#include "event.h"
#include "exit.h"
#include "../regs.h"

/* Exit qualification of #DB: the bits that DR6 would get.  SDM, "Exit Qualification for Debug Exceptions". */
#define DB_QUALIFICATION	(DR_TRAP_BITS | DR_BD | DR_STEP)

int exit_exception(struct lintel_vcpu *vcpu)
{
	const struct lintel_exit *exit = &vcpu->exit;
	u64 data[3] = { exit->intr_info, exit->intr_error, lintel_rip(vcpu) };

	switch (exit->intr_info & INTR_INFO_VECTOR_MASK) {
	case X86_TRAP_MC:
		return RESUME;
	case X86_TRAP_DB:
		lintel_queue_debug(vcpu, exit->qualification & DB_QUALIFICATION);
		return RESUME;
	case X86_TRAP_AC:
		lintel_queue_exception(vcpu, X86_TRAP_AC, true, 0);
		return RESUME;
	}
	return lintel_internal_error(vcpu, KVM_INTERNAL_ERROR_SIMUL_EX, data, 3);
}
