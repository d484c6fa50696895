// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_SET_GUEST_DEBUG.
 *
 * Single step is RFLAGS.TF, set when KVM_RUN begins and hidden from KVM_GET_REGS; an instruction that
 * was interpreted or skipped reports its step by a request, so that what it asked of user space
 * comes first.  SDM, "Debugging, Branch Profile, TSC, ...", chapter "Debug Registers".
 */
#include <asm/processor-flags.h>
#include <asm/trapnr.h>
#include <asm/vmx.h>

#include "controls.h"
#include "event.h"
#include "guest_debug.h"
#include "ops.h"
#include "../irq/irq.h"
#include "../regs.h"
#include "../vm.h"

int lintel_write_dr7(struct lintel_vcpu *vcpu)
{
	if (vmx_window_begin(vcpu))
		return -EIO;
	vmcs_writel(GUEST_DR7, lintel_debug_dr7(vcpu));
	vmx_window_end(vcpu);
	return 0;
}

int lintel_debug_exit(struct lintel_vcpu *vcpu, u32 exception, u64 dr6)
{
	struct kvm_debug_exit_arch *arch = &vcpu->run->debug.arch;
	struct lintel_segment cs;
	u64 base = 0;

	if (!lintel_is_64bit(vcpu)) {
		lintel_get_segment(vcpu, SEG_CS, &cs);
		base = cs.base;
	}
	vcpu->run->exit_reason = KVM_EXIT_DEBUG;
	arch->exception = exception;
	arch->pad = 0;
	arch->pc = base + lintel_rip(vcpu);
	arch->dr6 = dr6 | DR6_RESERVED;
	arch->dr7 = lintel_debug_dr7(vcpu);
	return TO_USER;
}

void lintel_debug_arm_step(struct lintel_vcpu *vcpu)
{
	u32 state = lintel_interruptibility(vcpu);

	lintel_vcpu_request(vcpu, REQ_EVENT);
	lintel_set_rflags(vcpu, lintel_rflags(vcpu) | X86_EFLAGS_TF);
	/* VM entry: TF in a shadow would need a pending #DB; the debugger's step ends the shadow */
	if (state & (GUEST_INTR_STATE_STI | GUEST_INTR_STATE_MOV_SS))
		lintel_set_interruptibility(vcpu, state & ~(GUEST_INTR_STATE_STI |
							    GUEST_INTR_STATE_MOV_SS));
}

static int inject(struct lintel_vcpu *vcpu, u32 control)
{
	typeof(vcpu->events.exception) *ex = &vcpu->events.exception;
	u8 len = ex->len;

	if (ex->pending)
		return -EBUSY;
	if (control & KVM_GUESTDBG_INJECT_DB) {
		lintel_queue_debug(vcpu, 0);
		return 0;
	}
	lintel_queue_exception(vcpu, X86_TRAP_BP, false, 0);
	if (ex->nr == X86_TRAP_BP) {
		ex->soft = true;
		ex->len = len ?: 1;
	}
	return 0;
}

int lintel_set_guest_debug(struct lintel_vcpu *vcpu, const struct kvm_guest_debug *debug)
{
	u32 control = debug->control;
	int i, err;

	if (control & ~LINTEL_GUESTDBG)
		return -EINVAL;
	if (control & (KVM_GUESTDBG_INJECT_DB | KVM_GUESTDBG_INJECT_BP)) {
		err = inject(vcpu, control);
		if (err)
			return err;
	}
	if (!(control & KVM_GUESTDBG_ENABLE))
		control = 0;
	if (lintel_debug_steps(vcpu))
		lintel_set_rflags(vcpu, lintel_rflags(vcpu) & ~X86_EFLAGS_TF);
	clear_bit(REQ_DEBUG_STEP, &vcpu->requests);
	vcpu->debug.control = control;
	lintel_vcpu_watch(vcpu, WATCH_STEP, control & KVM_GUESTDBG_SINGLESTEP);
	lintel_vapic_hold(vcpu, control & KVM_GUESTDBG_BLOCKIRQ);
	lintel_vcpu_request(vcpu, REQ_EVENT);
	for (i = 0; i < 4; i++)
		vcpu->debug.dr[i] = debug->arch.debugreg[i];
	vcpu->debug.dr7 = (debug->arch.debugreg[7] & DR7_WRITABLE) | DR7_FIXED_1;
	err = vmx_intercept_exceptions(vcpu, control & KVM_GUESTDBG_USE_SW_BP ?
				       BIT(X86_TRAP_BP) : 0);
	return err ? err : lintel_write_dr7(vcpu);
}
