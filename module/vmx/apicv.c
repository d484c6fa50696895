// SPDX-License-Identifier: GPL-2.0-only
/*
 * The processor's part of the local APIC: controls, fields, MSR bitmap.
 *
 * Three degrees.  With virtual-interrupt delivery the processor works on the registers' page: it
 * delivers, ends and masks interrupts without an exit, by the APIC-access page in xAPIC mode, by
 * the MSR bitmap in x2APIC mode.  With the TPR shadow alone it keeps CR8, and exits when the TPR
 * falls below a threshold.  Without either every access exits.
 *
 * What changes while a vCPU runs is noted in module/irq and written here, before the next entry:
 * the mode, the EOI-exit bitmap, and RVI and SVI after software has written IRR or ISR.
 * Source: SDM, chapter "APIC Virtualization and Virtual Interrupts".
 */
#include <linux/bits.h>
#include <linux/mm.h>
#include <asm/irq_vectors.h>
#include <asm/vmx.h>

#include "apicv.h"
#include "caps.h"
#include "controls.h"
#include "msr_bitmap.h"
#include "ops.h"
#include "../irq/irq.h"
#include "../vcpu.h"
#include "../vm.h"

#define BY_MODE	(SECONDARY_EXEC_VIRTUALIZE_APIC_ACCESSES | SECONDARY_EXEC_VIRTUALIZE_X2APIC_MODE)
#define ALL_VID	(BY_MODE | SECONDARY_EXEC_APIC_REGISTER_VIRT | SECONDARY_EXEC_VIRTUAL_INTR_DELIVERY)

void apicv_controls(const struct lintel_vcpu *vcpu, struct apicv_controls *c)
{
	c->proc2 &= ~BY_MODE;
	if (!lintel_vapic_on(vcpu)) {
		c->pin &= ~PIN_BASED_POSTED_INTR;
		c->proc2 &= ~ALL_VID;
	}
	if (!vcpu->lapic)
		c->proc &= ~CPU_BASED_TPR_SHADOW;
	if (c->proc & CPU_BASED_TPR_SHADOW)
		c->proc &= ~(CPU_BASED_CR8_LOAD_EXITING | CPU_BASED_CR8_STORE_EXITING);
}

void apicv_setup(struct lintel_vcpu *vcpu)
{
	if (!(vcpu->vmx.proc & CPU_BASED_TPR_SHADOW))
		return;
	vmcs_write64(VIRTUAL_APIC_PAGE_ADDR, lintel_vapic_page(vcpu));
	vmcs_write32(TPR_THRESHOLD, 0);
	vcpu->vmx.tpr_threshold = 0;
	if (!lintel_vapic_on(vcpu))
		return;
	vmcs_write64(APIC_ACCESS_ADDR, page_to_phys(vcpu->vm->apic_page));
	vmcs_write16(GUEST_INTR_STATUS, 0);
	if (!vmx_has_posted_interrupts())
		return;
	vmcs_write16(POSTED_INTR_NV, POSTED_INTR_VECTOR);
	vmcs_write64(POSTED_INTR_DESC_ADDR, lintel_vapic_descriptor(vcpu));
}

/*
 * While interrupts are held for a debugger the processor only lets accesses exit: with its help
 * the guest could send itself one, and a notification would deliver what is posted.
 */
static void write_place(struct lintel_vcpu *vcpu, enum lapic_place place, bool hold)
{
	bool by_msr = place == LAPIC_X2APIC && !hold;
	u32 set = hold ? 0 : ALL_VID & ~BY_MODE;

	if (by_msr)
		set |= SECONDARY_EXEC_VIRTUALIZE_X2APIC_MODE;
	else if (place == LAPIC_XAPIC)
		set |= SECONDARY_EXEC_VIRTUALIZE_APIC_ACCESSES;
	msr_bitmap_x2apic(vcpu, by_msr);
	if (vmx_has_posted_interrupts())
		vmcs_write32(PIN_BASED_VM_EXEC_CONTROL,
			     hold ? lintel_caps.pin & ~PIN_BASED_POSTED_INTR : lintel_caps.pin);
	if ((vcpu->vmx.proc2 & ALL_VID) == set)
		return;
	vmx_set_proc2(vcpu, ALL_VID, set);
	/* translations cached before tell nothing of the APIC-access page */
	lintel_vcpu_request(vcpu, REQ_TLB_FLUSH);
	lintel_vcpu_request(vcpu, REQ_EPT_FLUSH);
}

static void write_threshold(struct lintel_vcpu *vcpu)
{
	unsigned int threshold = lintel_lapic_threshold(vcpu);

	if (threshold == vcpu->vmx.tpr_threshold)
		return;
	vcpu->vmx.tpr_threshold = threshold;
	vmcs_write32(TPR_THRESHOLD, threshold);
}

/* What else is requested or in service the processor has in the field already. */
static void raise_rvi(u8 vector)
{
	u16 status = vmcs_read16(GUEST_INTR_STATUS);

	if ((u8)status < vector)
		vmcs_write16(GUEST_INTR_STATUS, (status & 0xff00) | vector);
}

static noinline void write_update(struct lintel_vcpu *vcpu, unsigned int todo)
{
	struct vapic_update update;

	lintel_vapic_update(vcpu, todo, &update);
	if (todo & VAPIC_PLACE)
		write_place(vcpu, update.place, update.hold);
	if (todo & VAPIC_EOI_EXITS) {
		vmcs_write64(EOI_EXIT_BITMAP0, update.eoi_exits[0]);
		vmcs_write64(EOI_EXIT_BITMAP1, update.eoi_exits[1]);
		vmcs_write64(EOI_EXIT_BITMAP2, update.eoi_exits[2]);
		vmcs_write64(EOI_EXIT_BITMAP3, update.eoi_exits[3]);
	}
	if (todo & VAPIC_STATUS)
		vmcs_write16(GUEST_INTR_STATUS, update.status);
}

void apicv_before_entry(struct lintel_vcpu *vcpu, unsigned int todo)
{
	if (todo & VAPIC_OFF) {
		write_threshold(vcpu);
		return;
	}
	if (todo & (VAPIC_PLACE | VAPIC_EOI_EXITS | VAPIC_STATUS))
		write_update(vcpu, todo);
	if (todo & VAPIC_RAISED)
		raise_rvi(todo >> VAPIC_VECTOR_SHIFT);
}
