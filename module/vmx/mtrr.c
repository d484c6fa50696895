// SPDX-License-Identifier: GPL-2.0-only
/*
 * MTRRs as storage with the architecture's checks.  Source: SDM, "Memory Type Range Registers".
 */
#include <linux/kernel.h>
#include <linux/nospec.h>
#include <asm/mtrr.h>

#include "mtrr.h"
#include "../vcpu.h"

#define MTRR_VAR_FIRST	0x200
#define MTRR_VAR_LAST	0x20f

static const u32 fixed[] = {
	MSR_MTRRfix64K_00000, MSR_MTRRfix16K_80000, MSR_MTRRfix16K_A0000,
	MSR_MTRRfix4K_C0000, MSR_MTRRfix4K_C8000, MSR_MTRRfix4K_D0000, MSR_MTRRfix4K_D8000,
	MSR_MTRRfix4K_E0000, MSR_MTRRfix4K_E8000, MSR_MTRRfix4K_F0000, MSR_MTRRfix4K_F8000,
};

u64 *mtrr_msr(struct lintel_vcpu *vcpu, u32 msr)
{
	int i;

	if (msr == MSR_MTRRdefType)
		return &vcpu->mtrr_def_type;
	if (msr >= MTRR_VAR_FIRST && msr <= MTRR_VAR_LAST)
		return &vcpu->mtrr_var[array_index_nospec(msr - MTRR_VAR_FIRST,
							  ARRAY_SIZE(vcpu->mtrr_var))];
	for (i = 0; i < ARRAY_SIZE(fixed); i++)
		if (fixed[i] == msr)
			return &vcpu->mtrr_fixed[i];
	return NULL;
}

static bool type_valid(u8 type)
{
	return type < 8 && ((1U << type) & 0x73);	/* UC, WC, WT, WP, WB */
}

int mtrr_set(struct lintel_vcpu *vcpu, u32 msr, u64 value)
{
	int i;

	if (msr == MSR_MTRRdefType) {
		if ((value & ~0xcffULL) || !type_valid(value & 0xff))
			return -EINVAL;
	} else if (msr >= MTRR_VAR_FIRST && msr <= MTRR_VAR_LAST) {
		u64 reserved = vcpu->guest_maxphyaddr_mask | (msr & 1 ? 0x7ff : 0xf00);

		if ((value & reserved) || (!(msr & 1) && !type_valid(value & 0xff)))
			return -EINVAL;
	} else {
		for (i = 0; i < 8; i++)
			if (!type_valid(value >> (8 * i)))
				return -EINVAL;
	}
	*mtrr_msr(vcpu, msr) = value;
	return 0;
}
