/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * CR0, CR3, CR4 and EFER: what the guest may set, and what the VMCS then holds.
 *
 * The set functions are those of the instructions: they answer 0, 1 when #GP(0) is due, or -errno.
 * They may read guest memory (PDPTEs), so no window is open around them.  The write functions
 * only put a checked value into the VMCS; they open a window themselves.
 */
#ifndef LINTEL_VMX_CR_H
#define LINTEL_VMX_CR_H

#include "../types.h"

int lintel_set_cr0(struct lintel_vcpu *vcpu, unsigned long cr0);
int lintel_set_cr3(struct lintel_vcpu *vcpu, unsigned long cr3);
int lintel_set_cr4(struct lintel_vcpu *vcpu, unsigned long cr4);
int lintel_set_efer(struct lintel_vcpu *vcpu, u64 efer);

bool lintel_cr0_valid(unsigned long cr0);
bool lintel_efer_valid(struct lintel_vcpu *vcpu, u64 efer);
void lintel_write_cr0(struct lintel_vcpu *vcpu, unsigned long cr0);
void lintel_write_cr4(struct lintel_vcpu *vcpu, unsigned long cr4);
void lintel_write_efer(struct lintel_vcpu *vcpu, u64 efer);
/* load the four PDPTEs at @cr3 into the VMCS: 0, 1 (a reserved bit is set), -errno */
int lintel_load_pdptrs(struct lintel_vcpu *vcpu, unsigned long cr3);

#endif
