/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Model-specific registers of the guest.
 */
#ifndef LINTEL_VMX_MSR_H
#define LINTEL_VMX_MSR_H

#include <linux/kvm.h>

#include "../types.h"

/*
 * lintel_msr_get / lintel_msr_set - @host: KVM_GET_MSRS, KVM_SET_MSRS, which may do what the guest may not.
 * Running thread or vcpu->mutex with the vCPU loaded; may sleep.  0; -ENOENT: no such
 * MSR, or -EINVAL: #GP(0) for the guest.
 */
int lintel_msr_get(struct lintel_vcpu *vcpu, u32 msr, u64 *value, bool host);
int lintel_msr_set(struct lintel_vcpu *vcpu, u32 msr, u64 value, bool host);
/* lintel_msr_get_quick - the same where interrupts may be off; -ENOENT: ask lintel_msr_get(). */
int lintel_msr_get_quick(struct lintel_vcpu *vcpu, u32 msr, u64 *value, bool host);

#define LINTEL_UCODE_REV	0x100000000ULL	/* the microcode revision of a new vCPU */

/* lintel_set_apic_base - IA32_APIC_BASE, in the LAPIC or without one.  0 or -EINVAL. */
int lintel_set_apic_base(struct lintel_vcpu *vcpu, u64 value, bool host);

#define PERF_CAP_FULL_WIDTH	BIT_ULL(13)	/* SDM, "IA32_PERF_CAPABILITIES": IA32_A_PMCx */
/* lintel_perf_capabilities - IA32_PERF_CAPABILITIES of a new vCPU: 0 without counters. */
u64 lintel_perf_capabilities(void);

/* lintel_msr_list_init - module init, when it is known what the host has. */
void lintel_msr_list_init(void);
/* The lists of KVM_GET_MSR_INDEX_LIST and KVM_GET_MSR_FEATURE_INDEX_LIST. */
const u32 *lintel_msr_list(unsigned int *nr);
const u32 *lintel_msr_feature_list(unsigned int *nr);
/* lintel_arch_capabilities - IA32_ARCH_CAPABILITIES of a new vCPU.  Any context. */
u64 lintel_arch_capabilities(void);
/* lintel_msr_feature - KVM_GET_MSRS on the system descriptor.  0 or -EINVAL. */
int lintel_msr_feature(u32 msr, u64 *value);

#endif
