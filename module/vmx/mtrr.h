/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory-type range registers: kept for the guest to read back.  RAM is write-back through EPT
 * whatever they say, as it is for KVM without assigned devices.
 */
#ifndef LINTEL_VMX_MTRR_H
#define LINTEL_VMX_MTRR_H

#include "../types.h"

/* 8 variable ranges, fixed ranges, write-combining. */
#define MTRR_CAP_GUEST		0x508ULL
#define MSR_IA32_MTRRCAP_ALIAS	0xfe

/* mtrr_msr - where the vCPU keeps this MTRR, or NULL. */
u64 *mtrr_msr(struct lintel_vcpu *vcpu, u32 msr);
/* mtrr_set - 0, or -EINVAL: a memory type or reserved bit that does not exist. */
int mtrr_set(struct lintel_vcpu *vcpu, u32 msr, u64 value);

#endif
