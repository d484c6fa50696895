// SPDX-License-Identifier: GPL-2.0-only
/*
 * The capability MSRs, for the checks of VM entry.
 *
 * They are read anew each time, not taken from caps.c: that holds what Lintel makes use of, while
 * an entry is judged by what the processor allows.
 */
#include "explain_limits.h"

#include <asm/msr.h>
#include <asm/processor.h>

#include "explain.h"
#include "explain_bits.h"
#include "../compat.h"

#define MSR_VMX_EXIT_CTLS2	0x493	/* IA32_VMX_EXIT_CTLS2; older kernels do not name it */

static u64 read_msr(u32 msr)
{
	u64 value = 0;

	return rdmsrq_safe(msr, &value) ? 0 : value;
}

void explain_read_limits(struct vmx_limits *l)
{
	bool true_controls;

	l->basic = read_msr(MSR_IA32_VMX_BASIC);
	true_controls = l->basic & BIT64(55);
	l->pin = read_msr(true_controls ? MSR_IA32_VMX_TRUE_PINBASED_CTLS :
					  MSR_IA32_VMX_PINBASED_CTLS);
	l->proc = read_msr(true_controls ? MSR_IA32_VMX_TRUE_PROCBASED_CTLS :
					   MSR_IA32_VMX_PROCBASED_CTLS);
	l->proc2 = read_msr(MSR_IA32_VMX_PROCBASED_CTLS2);
	l->exit = read_msr(true_controls ? MSR_IA32_VMX_TRUE_EXIT_CTLS : MSR_IA32_VMX_EXIT_CTLS);
	l->entry = read_msr(true_controls ? MSR_IA32_VMX_TRUE_ENTRY_CTLS :
					    MSR_IA32_VMX_ENTRY_CTLS);
	/* 0 where the processor has no such controls */
	l->proc3 = read_msr(MSR_IA32_VMX_PROCBASED_CTLS3);
	l->exit2 = read_msr(MSR_VMX_EXIT_CTLS2);
	l->vmfunc = read_msr(MSR_IA32_VMX_VMFUNC);
	l->cr0_fixed0 = read_msr(MSR_IA32_VMX_CR0_FIXED0);
	l->cr0_fixed1 = read_msr(MSR_IA32_VMX_CR0_FIXED1);
	l->cr4_fixed0 = read_msr(MSR_IA32_VMX_CR4_FIXED0);
	l->cr4_fixed1 = read_msr(MSR_IA32_VMX_CR4_FIXED1);
	l->misc = read_msr(MSR_IA32_VMX_MISC);
	l->ept_vpid = read_msr(MSR_IA32_VMX_EPT_VPID_CAP);
	l->maxphyaddr = cpuid_eax(0x80000008) & 0xff;
	/* not boot_cpu_has(): the kernel takes the feature away when it does not use it */
	l->la57 = cpuid_eax(0) >= 7 && cpuid_ecx(7) & BIT64(16);
}
