// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exceptions that exit: #DB and #AC always (a guest could make their delivery loop for ever), #UD,
 * which may be a hypercall of another vendor's or an instruction that is emulated, #BP while user
 * space debugs, and #MC, which belongs to the host and was forwarded before this runs.
 */
#include <asm/processor-flags.h>
#include <asm/trapnr.h>
#include <asm/vmx.h>

#include "debug.h"
#include "event.h"
#include "exit.h"
#include "guest_debug.h"
#include "interpret.h"
#include "../compat.h"
#include "../regs.h"

/* Exit qualification of #DB: the bits that DR6 would get.  SDM, "Exit Qualification for Debug Exceptions". */
#define DB_QUALIFICATION	(DR_TRAP_BITS | DR_BD | DR_STEP)

static bool guest_expects_ac(struct lintel_vcpu *vcpu)
{
	return lintel_cpl(vcpu) == 3 && (lintel_cr0(vcpu) & X86_CR0_AM) &&
	       (lintel_rflags(vcpu) & X86_EFLAGS_AC);
}

/* Another vendor's hypercall, an instruction that only CPUID has, or the guest's own. */
static int undefined(struct lintel_vcpu *vcpu)
{
	if (!lintel_fix_hypercall(vcpu))
		return RESUME;
	if (lintel_is_emulated(vcpu))
		return lintel_interpret(vcpu);
	lintel_inject_ud(vcpu);
	return RESUME;
}

int exit_exception(struct lintel_vcpu *vcpu)
{
	const struct lintel_exit *exit = &vcpu->exit;
	u64 data[3] = { exit->intr_info, exit->intr_error, lintel_rip(vcpu) };

	switch (exit->intr_info & INTR_INFO_VECTOR_MASK) {
	case X86_TRAP_MC:
		return RESUME;
	case X86_TRAP_BP:
		/* user space may find that it is the guest's, and inject it */
		vcpu->events.exception.len = exit->instruction_len;
		return lintel_debug_exit(vcpu, X86_TRAP_BP, 0);
	case X86_TRAP_DB:
		if (unlikely(vcpu->debug.control &
			     (KVM_GUESTDBG_SINGLESTEP | KVM_GUESTDBG_USE_HW_BP)))
			return lintel_debug_exit(vcpu, X86_TRAP_DB,
						 exit->qualification & DB_QUALIFICATION);
		/* INT1 is a trap: its #DB comes after it */
		if ((exit->intr_info & INTR_INFO_INTR_TYPE_MASK) == INTR_TYPE_PRIV_SW_EXCEPTION) {
			lintel_set_rip(vcpu, lintel_rip(vcpu) + exit->instruction_len);
			lintel_set_interruptibility(vcpu, lintel_interruptibility(vcpu) &
				~(GUEST_INTR_STATE_STI | GUEST_INTR_STATE_MOV_SS));
		}
		lintel_queue_debug(vcpu, exit->qualification & DB_QUALIFICATION);
		return RESUME;
	case X86_TRAP_UD:
		return undefined(vcpu);
	case X86_TRAP_AC:
		/* The host's split-lock detection raises it too, where the guest cannot expect it. */
		if (!guest_expects_ac(vcpu) && lintel_split_lock(lintel_rip(vcpu)))
			return RESUME;
		lintel_queue_exception(vcpu, X86_TRAP_AC, true, 0);
		return RESUME;
	}
	return lintel_internal_error(vcpu, KVM_INTERNAL_ERROR_SIMUL_EX, data, 3);
}
