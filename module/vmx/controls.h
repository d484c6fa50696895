/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The initial contents of a VMCS, and the controls that change while a vCPU runs.
 */
#ifndef LINTEL_VMX_CONTROLS_H
#define LINTEL_VMX_CONTROLS_H

#include "../types.h"

/* vmx_vcpu_init - VMCS and VPID of a new vCPU; vmx_vcpu_free.  0, -ENOMEM. */
int vmx_vcpu_init(struct lintel_vcpu *vcpu);
void vmx_vcpu_free(struct lintel_vcpu *vcpu);

/* vmx_vcpu_setup - write controls, host constants; once, vCPU loaded.  0 or -EIO. */
int vmx_vcpu_setup(struct lintel_vcpu *vcpu);

/*
 * vmx_vcpu_reset - guest state after power-up, or after INIT (which keeps FPU, CR0.CD/NW and most MSRs).
 * SDM, "Processor State Following Power-up, Reset, or INIT".  vCPU loaded.
 */
void vmx_vcpu_reset(struct lintel_vcpu *vcpu, bool init);

/* vmx_set_proc_control - set or clear one primary control; in a window; VMWRITE only when it changes. */
void vmx_set_proc_control(struct lintel_vcpu *vcpu, u32 bit, bool on);

/* vmx_spare_exits - exits that user space has disabled since.  Running thread, outside the guest. */
void vmx_spare_exits(struct lintel_vcpu *vcpu);

/* vmx_mwait_possible - this host lets guests wait by MWAIT.  Any context. */
bool vmx_mwait_possible(void);

/* vmx_intercept_exceptions - exceptions that exit besides those that always do.  0 or -EIO. */
int vmx_intercept_exceptions(struct lintel_vcpu *vcpu, u32 more);

/* vmx_set_proc2 - secondary controls: clear bits, then set some; in a window, likewise. */
void vmx_set_proc2(struct lintel_vcpu *vcpu, u32 clear, u32 set);

#endif
