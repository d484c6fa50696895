// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page-modification logging.
 *
 * A vCPU has a log of 512 addresses from its first run in a VM that logs.  The CPU fills it from
 * the end to the start; when it is full the guest exits.  The log is emptied at each exit that
 * leaves the guest, before interrupts are on again: whoever has kicked a vCPU and waited for the
 * answer finds all its writes in the bitmap.
 *
 * The control is on only while the VM logs a slot, since otherwise entries for nobody are logged.
 * SDM, "Page-Modification Logging".
 */
#include <linux/gfp.h>
#include <linux/mm.h>

#include "caps.h"
#include "controls.h"
#include "exit.h"
#include "ops.h"
#include "pml.h"
#include "../vm.h"
#include "../vcpu.h"

#define PML_EMPTY	(LINTEL_PML_ENTRIES - 1)	/* the index of an empty log */

int vmx_pml_alloc(struct lintel_vcpu *vcpu)
{
	vcpu->vmx.pml = (u64 *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	return vcpu->vmx.pml ? 0 : -ENOMEM;
}

void vmx_pml_free(struct lintel_vcpu *vcpu)
{
	free_page((unsigned long)vcpu->vmx.pml);
	vcpu->vmx.pml = NULL;
}

void vmx_pml_switch(struct lintel_vcpu *vcpu, bool on)
{
	if (on) {
		vmcs_write64(PML_ADDRESS, __pa(vcpu->vmx.pml));
		vmcs_write16(GUEST_PML_INDEX, PML_EMPTY);
	}
	vmx_set_proc2(vcpu, SECONDARY_EXEC_ENABLE_PML, on ? SECONDARY_EXEC_ENABLE_PML : 0);
	vcpu->vmx.pml_on = on;
}

void vmx_pml_take(struct lintel_vcpu *vcpu)
{
	u16 index = vmcs_read16(GUEST_PML_INDEX);

	if (index == PML_EMPTY)
		return;
	lintel_dirty_log_pages(vcpu, vcpu->vmx.pml, index);
	vmcs_write16(GUEST_PML_INDEX, PML_EMPTY);
}

/* The log was emptied when the guest was left; what it was about to do it does again. */
int exit_pml_full(struct lintel_vcpu *vcpu)
{
	return RESUME;
}
