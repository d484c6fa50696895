// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exits of the local APIC's virtualisation: what the processor did not do by itself.
 *
 * All but the APIC access come after the instruction, so RIP stays.
 * Source: SDM, "Exit Qualification for APIC-Access VM Exits", "APIC-Write VM Exits", "EOI
 * Virtualization", "TPR Virtualization".
 */
#include <asm/vmx.h>

#include "exit.h"
#include "interpret.h"
#include "../irq/irq.h"
#include "../vcpu.h"

/* A register that the processor leaves to software, or an access of another width than 32 bits. */
int exit_apic_access(struct lintel_vcpu *vcpu)
{
	if (vcpu->exit.idt_info & VECTORING_INFO_VALID_MASK)
		return lintel_delivery_failed(vcpu);
	return lintel_interpret(vcpu);
}

int exit_apic_write(struct lintel_vcpu *vcpu)
{
	lintel_vapic_written(vcpu, vcpu->exit.qualification & ~PAGE_MASK);
	return RESUME;
}

int exit_eoi(struct lintel_vcpu *vcpu)
{
	lintel_vapic_ended(vcpu, vcpu->exit.qualification);
	return RESUME;
}

/* The next entry looks what the new priority lets through. */
int exit_tpr_below(struct lintel_vcpu *vcpu)
{
	lintel_vcpu_request(vcpu, REQ_EVENT);
	return RESUME;
}
