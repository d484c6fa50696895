/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The guest under a debugger: KVM_SET_GUEST_DEBUG.
 *
 * While user space debugs, its breakpoint addresses are in the CPU in place of the guest's own,
 * INT3 and #DB are its news, and RFLAGS.TF belongs to it.
 */
#ifndef LINTEL_VMX_GUEST_DEBUG_H
#define LINTEL_VMX_GUEST_DEBUG_H

#include <linux/kvm.h>

#include "debug.h"
#include "../vcpu.h"

/*
 * lintel_set_guest_debug - vCPU loaded, vcpu->mutex held.
 * -EINVAL: an unknown flag; -EBUSY: an exception is to be injected and one is pending; -EIO.
 */
int lintel_set_guest_debug(struct lintel_vcpu *vcpu, const struct kvm_guest_debug *debug);

/* lintel_debug_exit - KVM_EXIT_DEBUG: exception 1 or 3 at the current instruction.  TO_USER. */
int lintel_debug_exit(struct lintel_vcpu *vcpu, u32 exception, u64 dr6);

/* lintel_debug_arm_step - before the guest runs: it is to execute one instruction. */
void lintel_debug_arm_step(struct lintel_vcpu *vcpu);

/* lintel_write_dr7 - GUEST_DR7 follows vcpu->dr7, or the debugger's.  -EIO when the VM is dead. */
int lintel_write_dr7(struct lintel_vcpu *vcpu);

static inline bool lintel_debug_steps(const struct lintel_vcpu *vcpu)
{
	return unlikely(vcpu->debug.control & KVM_GUESTDBG_SINGLESTEP);
}

/* The breakpoints in force: the debugger's while it uses them, else the guest's. */
static inline const unsigned long *lintel_debug_addresses(const struct lintel_vcpu *vcpu)
{
	return vcpu->debug.control & KVM_GUESTDBG_USE_HW_BP ? vcpu->debug.dr : vcpu->dr;
}

static inline unsigned long lintel_debug_dr7(const struct lintel_vcpu *vcpu)
{
	return vcpu->debug.control & KVM_GUESTDBG_USE_HW_BP ? vcpu->debug.dr7 : vcpu->dr7;
}

#endif
