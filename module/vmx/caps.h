/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What this CPU's VMX can do, read once from its capability MSRs (SDM, appendix "VMX Capability
 * Reporting Facility"), and the control words that Lintel uses on it.
 */
#ifndef LINTEL_VMX_CAPS_H
#define LINTEL_VMX_CAPS_H

#include <linux/types.h>
#include <asm/vmx.h>

struct vmx_caps {
	u64 basic;		/* IA32_VMX_BASIC */
	u64 misc;		/* IA32_VMX_MISC */
	u64 ept;		/* IA32_VMX_EPT_VPID_CAP */
	u64 cr0_fixed0, cr0_fixed1;
	u64 cr4_fixed0, cr4_fixed1;
	u32 revision;		/* VMCS revision identifier */
	/* the words that every VMCS starts with: must and want, cut by may */
	u32 pin, proc, proc2, exit, entry;
};

extern struct vmx_caps lintel_caps;

/*
 * vmx_caps_init - read the capability MSRs and choose the control words.  Process context.
 * Returns 0, or -EOPNOTSUPP after one sentence in the log that says what is missing.
 */
int vmx_caps_init(void);

/* vmx_caps_check_cpu - does the CPU we run on offer the same?  Returns 0 or -EIO (mixed CPUs). */
int vmx_caps_check_cpu(void);

static inline bool vmx_has_vpid(void)
{
	return lintel_caps.proc2 & SECONDARY_EXEC_ENABLE_VPID;
}

static inline bool vmx_has_posted_interrupts(void)
{
	return lintel_caps.pin & PIN_BASED_POSTED_INTR;
}

static inline bool vmx_has_perf_global_ctrl(void)
{
	return lintel_caps.entry & VM_ENTRY_LOAD_IA32_PERF_GLOBAL_CTRL;
}

#endif
