// SPDX-License-Identifier: GPL-2.0-only
/*
 * Feature MSRs: what the host has to offer beside CPUID (KVM_GET_MSR_FEATURE_INDEX_LIST).
 *
 * IA32_ARCH_CAPABILITIES tells which of the processor's known leaks a guest need not care about.
 * Its bits come from two places: the register itself, of which only the bits in from_host pass,
 * and the host's kernel, which knows more processors than those that have the register.  What
 * stands for an MSR that guests do not have (IBRS_ALL, TSX_CTRL_MSR) never passes.
 */
#include <linux/kernel.h>
#include <asm/cpufeature.h>
#include <asm/msr-index.h>

#include "msr.h"
#include "../compat.h"
#include "../params.h"

static const u32 feature_msrs[] = {
	MSR_IA32_UCODE_REV, MSR_IA32_ARCH_CAPABILITIES, MSR_IA32_PERF_CAPABILITIES,
};

static const u64 from_host = ARCH_CAP_RDCL_NO | ARCH_CAP_RSBA | ARCH_CAP_SSB_NO | ARCH_CAP_MDS_NO |
	ARCH_CAP_PSCHANGE_MC_NO | ARCH_CAP_TAA_NO | ARCH_CAP_SBDR_SSDP_NO | ARCH_CAP_FBSDP_NO |
	ARCH_CAP_PSDP_NO | ARCH_CAP_FB_CLEAR | ARCH_CAP_BHI_NO | ARCH_CAP_RRSBA |
	ARCH_CAP_PBRSB_NO | ARCH_CAP_GDS_NO | ARCH_CAP_RFDS_NO | ARCH_CAP_RFDS_CLEAR |
	ARCH_CAP_ITS_NO;

/* The processor does not have the bug: so says the host's kernel. */
static const struct {
	u64 bit;
	u16 bug;
} without[] = {
	{ ARCH_CAP_RDCL_NO, X86_BUG_CPU_MELTDOWN },
	{ ARCH_CAP_SSB_NO, X86_BUG_SPEC_STORE_BYPASS },
	{ ARCH_CAP_MDS_NO, X86_BUG_MDS },
	{ ARCH_CAP_GDS_NO, X86_BUG_GDS },
	{ ARCH_CAP_RFDS_NO, X86_BUG_RFDS },
	{ ARCH_CAP_ITS_NO, X86_BUG_ITS },
};

u64 lintel_arch_capabilities(void)
{
	u64 value = 0;
	unsigned int i;

	if (boot_cpu_has(X86_FEATURE_ARCH_CAPABILITIES) &&
	    rdmsrq_safe(MSR_IA32_ARCH_CAPABILITIES, &value))
		value = 0;
	value &= from_host;
	for (i = 0; i < ARRAY_SIZE(without); i++)
		if (!boot_cpu_has_bug(without[i].bug))
			value |= without[i].bit;
	/* a guest has no EPT of its own, and in ours the host has taken care */
	value |= ARCH_CAP_PSCHANGE_MC_NO;
	/* without TSX the bit would be about nothing, and bind the guest to this processor */
	if (!boot_cpu_has(X86_FEATURE_RTM))
		value &= ~ARCH_CAP_TAA_NO;
	else if (!boot_cpu_has_bug(X86_BUG_TAA))
		value |= ARCH_CAP_TAA_NO;
	return value;
}

u64 lintel_perf_capabilities(void)
{
	return lintel_params.pmu ? PERF_CAP_FULL_WIDTH : 0;
}

const u32 *lintel_msr_feature_list(unsigned int *nr)
{
	*nr = ARRAY_SIZE(feature_msrs);
	return feature_msrs;
}

int lintel_msr_feature(u32 msr, u64 *value)
{
	switch (msr) {
	case MSR_IA32_UCODE_REV:
		*value = LINTEL_UCODE_REV;
		return 0;
	case MSR_IA32_ARCH_CAPABILITIES:
		*value = lintel_arch_capabilities();
		return 0;
	case MSR_IA32_PERF_CAPABILITIES:
		*value = lintel_perf_capabilities();
		return 0;
	default:
		return -EINVAL;
	}
}
