/* SPDX-License-Identifier: GPL-2.0-only */
/* PAUSE-loop exiting, with a window that adapts. */
#ifndef LINTEL_VMX_PLE_H
#define LINTEL_VMX_PLE_H

#include "../types.h"

/* vmx_ple_init - the fields of a new VMCS.  In a window; @on: the control is. */
void vmx_ple_init(struct lintel_vcpu *vcpu, bool on);
/* vmx_ple_spun - a loop exited: the next may spin longer.  vmx_ple_rested - the thread was away. */
void vmx_ple_spun(struct lintel_vcpu *vcpu);
void vmx_ple_rested(struct lintel_vcpu *vcpu);
/* vmx_ple_write - in a window, when vmx.ple_window differs from vmx.ple_written. */
void vmx_ple_write(struct lintel_vcpu *vcpu);

#endif
