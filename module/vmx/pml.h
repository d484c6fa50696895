/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Page-modification logging: the CPU notes the guest-physical address of each page whose dirty bit
 * it sets.
 */
#ifndef LINTEL_VMX_PML_H
#define LINTEL_VMX_PML_H

#include "../vcpu.h"
#include "../vm.h"

/* vmx_pml_missing - the VM logs, and the vCPU has no page for it yet. */
static inline bool vmx_pml_missing(const struct lintel_vcpu *vcpu)
{
	return READ_ONCE(vcpu->vm->ept.pml) && !vcpu->vmx.pml;
}

/* vmx_pml_alloc - the log's page; vmx_pml_free.  0, -ENOMEM. */
int vmx_pml_alloc(struct lintel_vcpu *vcpu);
void vmx_pml_free(struct lintel_vcpu *vcpu);

/*
 * vmx_pml_update - logging on or off as the VM wants it; in a window, mode = IN_GUEST.  False: the
 * page is missing, and the guest must not be entered.
 */
void vmx_pml_switch(struct lintel_vcpu *vcpu, bool on);

static inline bool vmx_pml_update(struct lintel_vcpu *vcpu)
{
	/* whoever sets it and then sees another mode knows that it is seen here */
	bool on = READ_ONCE(vcpu->vm->ept.pml);

	if (likely(on == vcpu->vmx.pml_on))
		return true;
	if (on && !vcpu->vmx.pml)
		return false;
	vmx_pml_switch(vcpu, on);
	return true;
}

/* vmx_pml_drain - move what was logged to the bitmaps; in the window of the exit. */
void vmx_pml_take(struct lintel_vcpu *vcpu);

static inline void vmx_pml_drain(struct lintel_vcpu *vcpu)
{
	if (unlikely(vcpu->vmx.pml_on))
		vmx_pml_take(vcpu);
}

#endif
