/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What may have changed of the host's state since the last series of entries: looked at before each,
 * inline, as it is on the way of every KVM_RUN.
 */
#ifndef LINTEL_VMX_HOST_UPDATE_H
#define LINTEL_VMX_HOST_UPDATE_H

#include <linux/compiler.h>
#include <asm/msr.h>
#include <asm/special_insns.h>
#include <asm/tlbflush.h>
#include <asm/vmx.h>

#include "caps.h"
#include "host.h"
#include "ops.h"
#include "../compat.h"

/* vmx_host_update - in a window: CR3, CR4, DEBUGCTL, PERF_GLOBAL_CTRL. */
static __always_inline void vmx_host_update(struct vmx_vcpu *vmx)
{
	unsigned long cr3 = __read_cr3(), cr4 = __read_cr4();

	if (unlikely(cr3 != vmx->host_cr3)) {
		vmcs_writel(HOST_CR3, cr3);
		vmx->host_cr3 = cr3;
	}
	if (unlikely(cr4 != vmx->host_cr4)) {
		vmcs_writel(HOST_CR4, cr4);
		vmx->host_cr4 = cr4;
	}
	/* perf changes both by IPI */
	vmx->host_debugctl = __rdmsr(MSR_IA32_DEBUGCTLMSR);
	if (vmx_has_perf_global_ctrl()) {
		u64 ctrl = __rdmsr(MSR_CORE_PERF_GLOBAL_CTRL);

		if (ctrl != vmx->host_perf_global_ctrl)
			vmx_write_perf_ctrl(vmx, ctrl);
	}
}

#endif
