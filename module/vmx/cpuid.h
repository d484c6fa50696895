/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * CPUID: what Lintel offers to a VMM, what the VMM gave to a guest, and what the guest is told.
 *
 * The offer (KVM_GET_SUPPORTED_CPUID) is made from tables in cpuid_policy.c: a feature is offered
 * when the host has it and Lintel virtualises it.  The VMM edits the offer and hands it back with
 * KVM_SET_CPUID2; from then on cpuid.c answers the guest from that copy, and derives from it which
 * CR4 bits, XCR0 bits and physical-address bits this guest may use.
 */
#ifndef LINTEL_VMX_CPUID_H
#define LINTEL_VMX_CPUID_H

#include <linux/kvm.h>

#include "../types.h"

#define LINTEL_MAX_CPUID	256	/* entries of KVM_SET_CPUID2 */

enum cpuid_reg { CPUID_REG_EAX, CPUID_REG_EBX, CPUID_REG_ECX, CPUID_REG_EDX };

/*
 * lintel_cpuid_supported - KVM_GET_SUPPORTED_CPUID.  @nent: room in, entries written out.
 * Returns 0, or -E2BIG when the room is too small (and *@nent then is what is needed).
 */
int lintel_cpuid_supported(struct kvm_cpuid_entry2 *entries, u32 *nent);

/* lintel_cpuid_emulated - KVM_GET_EMULATED_CPUID: as above, of what is done without the host. */
int lintel_cpuid_emulated(struct kvm_cpuid_entry2 *entries, u32 *nent);

/*
 * lintel_cpuid_set - KVM_SET_CPUID2 on a kernel copy; @nent 0 (@entries may be NULL) is the
 * state of a new vCPU, and lintel_cpuid_set(vcpu, NULL, 0) must be called when a vCPU is made.
 * Sets vcpu->cpuid, cpuid_nent, guest_maxphyaddr_mask (every bit from MAXPHYADDR to 63),
 * cr4_reserved, xcr0_allowed. vcpu->mutex held, may sleep.  Returns 0, -E2BIG (more than 256),
 * -EINVAL (impossible linear-address width, or another model after the vCPU has run), -ENOMEM.
 */
int lintel_cpuid_set(struct lintel_vcpu *vcpu, const struct kvm_cpuid_entry2 *entries, u32 nent);

/* lintel_cpuid_get - KVM_GET_CPUID2: room in, entries out; -E2BIG with *@nent = what is needed. */
int lintel_cpuid_get(struct lintel_vcpu *vcpu, struct kvm_cpuid_entry2 *entries, u32 *nent);

/* lintel_cpuid_free - when the vCPU is destroyed. */
void lintel_cpuid_free(struct lintel_vcpu *vcpu);

/*
 * lintel_cpuid_query - execute CPUID for the guest: leaf in *@eax and subleaf in *@ecx,
 * replaced by the answer.  The running thread; interrupts may be off.
 */
void lintel_cpuid_query(struct lintel_vcpu *vcpu, u32 *eax, u32 *ebx, u32 *ecx, u32 *edx);

/*
 * lintel_cpuid_quick - the same for the registers of the vCPU, if the answer stands in the table as
 * it is; else false, and nothing is done.
 */
bool lintel_cpuid_quick(struct lintel_vcpu *vcpu);

/*
 * lintel_cpuid_has - does the guest's CPUID, as the VMM set it, have bit @bit of @reg in that
 * leaf?  (The bits that follow the guest's state, like OSXSAVE, are not looked at.)  Context as
 * for query.
 */
bool lintel_cpuid_has(const struct lintel_vcpu *vcpu, u32 leaf, u32 index, enum cpuid_reg reg,
		      unsigned int bit);

/* lintel_cpuid_find - the entry that the VMM set, or NULL.  Context as for query. */
const struct kvm_cpuid_entry2 *lintel_cpuid_find(const struct lintel_vcpu *vcpu, u32 leaf,
						 u32 index);

/* lintel_cpuid_has_mwait - CPUID tells the guest of MONITOR and MWAIT.  Context as for query. */
bool lintel_cpuid_has_mwait(const struct lintel_vcpu *vcpu);

/* --- cpuid_policy.c, for cpuid.c and for the code that switches the state --- */

/* lintel_cpuid_offered - is the feature (an X86_FEATURE_ number of a CPUID word) on offer? */
bool lintel_cpuid_offered(unsigned int feature);
/* lintel_cpuid_host_xcr0 - the XSAVE state components a guest may be given. */
u64 lintel_cpuid_host_xcr0(void);

/* Where an XSAVE component lies: CPUID leaf 0xD of the host. */
struct xstate_component {
	u32 size;
	u32 offset;		/* in the standard format */
	bool aligned;		/* to 64 bytes, in the compacted format */
};

#define LINTEL_XSTATE_MAX	10	/* components 2..9 may be given to guests: AVX to PKRU */

/* lintel_xstate_read - fill in components 2 and up from the host's CPUID. */
void lintel_xstate_read(struct xstate_component component[LINTEL_XSTATE_MAX]);
/* lintel_xstate_size - bytes of an XSAVE area for the components in @xfeatures.  Any context. */
u32 lintel_xstate_size(const struct xstate_component component[LINTEL_XSTATE_MAX], u64 xfeatures,
		       bool compacted);

#endif
