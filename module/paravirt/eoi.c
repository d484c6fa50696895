// SPDX-License-Identifier: GPL-2.0-only
/*
 * PV EOI: the guest ends an interrupt by a store to its own memory instead of an exit.
 *
 * Before an entry, if the interrupt in service concerns nobody but this local APIC and no other
 * one waits behind it, the guest's flag is set.  A guest that is done finds the flag set, clears
 * it in one instruction, and writes no EOI; else it writes one.  After the exit the flag tells
 * which.  It is taken back at every exit but those that end at once and do not ask for the
 * interrupt in service (exit_short.c), so that the state of the local APIC never depends on the
 * guest's memory while the host looks at it or delivers something.
 *
 * With virtual-interrupt delivery the processor ends interrupts without an exit; then nothing is
 * offered.
 */
#include <linux/kernel.h>
#include <asm/kvm_para.h>

#include "../ept/ept.h"
#include "../irq/irq.h"
#include "../vcpu.h"
#include "../vm.h"
#include "pv.h"

static gpa_t eoi_gpa(const struct lintel_vcpu *vcpu)
{
	return vcpu->pv.eoi.msr & ~(u64)KVM_MSR_ENABLED;
}

void lintel_eoi_offer(struct lintel_vcpu *vcpu)
{
	static const u8 flag = KVM_PV_EOI_ENABLED;

	if (lintel_lapic_eoi_private(vcpu) &&
	    !lintel_guest_write_nofault(vcpu->vm, eoi_gpa(vcpu), &flag, sizeof(flag)))
		vcpu->pv.eoi.offered = true;
}

static void ended(struct lintel_vcpu *vcpu)
{
	vcpu->pv.eoi.offered = false;
	vcpu->stats.pv_eois++;
	lintel_lapic_pv_eoi(vcpu);
}

void lintel_eoi_take(struct lintel_vcpu *vcpu)
{
	static const u8 clear = KVM_PV_EOI_DISABLED;
	struct lintel_vm *vm = vcpu->vm;
	gpa_t gpa = eoi_gpa(vcpu);
	u8 flag;

	if (lintel_guest_read_nofault(vm, gpa, &flag, sizeof(flag)))
		lintel_vcpu_request(vcpu, REQ_PV_EOI);
	else if (!(flag & KVM_PV_EOI_ENABLED))
		ended(vcpu);
	else if (lintel_guest_write_nofault(vm, gpa, &clear, sizeof(clear)))
		lintel_vcpu_request(vcpu, REQ_PV_EOI);
	else
		vcpu->pv.eoi.offered = false;
}

void lintel_eoi_settle(struct lintel_vcpu *vcpu)
{
	static const u8 clear = KVM_PV_EOI_DISABLED;
	struct lintel_vm *vm = vcpu->vm;
	gpa_t gpa = eoi_gpa(vcpu);
	u8 flag;

	clear_bit(REQ_PV_EOI, &vcpu->requests);
	/* Without its memory the guest cannot have ended anything. */
	if (!lintel_guest_read(vm, gpa, &flag, sizeof(flag)) && !(flag & KVM_PV_EOI_ENABLED)) {
		ended(vcpu);
		return;
	}
	lintel_guest_write(vm, gpa, &clear, sizeof(clear));
	vcpu->pv.eoi.offered = false;
}
