// SPDX-License-Identifier: GPL-2.0-only
/*
 * An EPT violation for a page that the host has to fetch: may the guest run on, or the vCPU wait
 * as in HLT?
 *
 * Both end with an interrupt, so interrupts must be possible.  'Page not present' is a #PF that the
 * guest has not caused: only where a handler for it is certain, and no other event is under way
 * that it would turn into a double fault.
 */
#include <asm/kvm_para.h>
#include <asm/processor-flags.h>

#include "event.h"
#include "exit.h"
#include "../ept/ept.h"
#include "../paravirt/apf.h"
#include "../regs.h"

static bool event_under_way(const struct lintel_vcpu *vcpu)
{
	const struct lintel_events *ev = &vcpu->events;

	return ev->exception.pending || ev->exception.injected || ev->nmi.injected ||
	       ev->interrupt.injected;
}

/* CPL 0 if the guest has said that its kernel can take it everywhere. */
static bool takes_not_present(struct lintel_vcpu *vcpu)
{
	return (lintel_cr0(vcpu) & X86_CR0_PG) &&
	       ((vcpu->pv.apf.control & KVM_ASYNC_PF_SEND_ALWAYS) || lintel_cpl(vcpu));
}

bool vmx_page_absent(struct lintel_vcpu *vcpu, gpa_t gpa, unsigned int access)
{
	bool halt = !(vcpu->vm->disabled_exits & KVM_X86_DISABLE_EXITS_HLT);
	u32 token;

	if (!vcpu->lapic || event_under_way(vcpu) || !lintel_interrupts_allowed(vcpu) ||
	    (vcpu->debug.control & KVM_GUESTDBG_BLOCKIRQ))
		return false;
	switch (lintel_apf_start(vcpu, gpa, access & ACCESS_WRITE, takes_not_present(vcpu), halt,
				 &token)) {
	case APF_TOLD:
		lintel_queue_page_fault(vcpu, token, 0);
		return true;
	case APF_WAIT:
		return true;
	default:
		return false;
	}
}
