/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The MSR bitmap of a vCPU: which MSRs its guest reads and writes without an exit.
 */
#ifndef LINTEL_VMX_MSR_BITMAP_H
#define LINTEL_VMX_MSR_BITMAP_H

#include "../types.h"

/* Module init and exit: the pages that vCPUs share.  0 or -ENOMEM. */
int msr_bitmap_init(void);
void msr_bitmap_exit(void);

/* msr_bitmap_alloc - a page of its own, if MSRs are filtered.  May sleep.  0 or -ENOMEM. */
int msr_bitmap_alloc(struct lintel_vcpu *vcpu);
void msr_bitmap_free(struct lintel_vcpu *vcpu);
/* msr_bitmap_write - the address in the VMCS, and what a page of its own holds; in a window. */
void msr_bitmap_write(struct lintel_vcpu *vcpu);
/* msr_bitmap_x2apic - the processor answers for x2APIC registers, or no more; in a window. */
void msr_bitmap_x2apic(struct lintel_vcpu *vcpu, bool direct);
/*
 * msr_bitmap_filter - what KVM_X86_SET_MSR_FILTER denies exits, even where the guest may otherwise
 * read and write directly.  Running thread, outside the guest; may sleep.  0, -ENOMEM, -EIO.
 */
int msr_bitmap_filter(struct lintel_vcpu *vcpu);

#endif
