/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The guest's x87, SSE, AVX and PKRU state.
 *
 * It lives in an XSAVE area of our own, in the standard (non-compacted) format that
 * KVM_GET_XSAVE shows.  It is in the registers only between guest_fpu_load() and
 * guest_fpu_save(), inside a kernel_fpu_begin/kernel_fpu_end section with preemption off.  PKRU
 * is no part of that: it decides what the kernel may touch of user memory, so it is switched
 * right around each entry.
 */
#ifndef LINTEL_VMX_FPU_H
#define LINTEL_VMX_FPU_H

#include <linux/kvm.h>

#include "../types.h"

struct guest_fpu {
	void *area;		/* [M] XSAVE or, on a CPU without it, FXSAVE layout */
	bool loaded;		/* [cpu] the registers hold the guest's state */
	bool xcr0_loaded;	/* [cpu] XCR0, too */
	u64 host_xcr0;		/* [cpu] what XCR0 held before, while loaded */
	u32 pkru;		/* [M] the guest's */
};

/* guest_fpu_init - once at module load: which state components there are.  0 or -EOPNOTSUPP. */
int guest_fpu_init(void);
/* guest_fpu_alloc - with the vCPU; the area holds the state after power-up.  0 or -ENOMEM. */
int guest_fpu_alloc(struct lintel_vcpu *vcpu);
void guest_fpu_free(struct lintel_vcpu *vcpu);
/* guest_fpu_reset - FPU state after power-up (INIT leaves it alone).  Not loaded. */
void guest_fpu_reset(struct lintel_vcpu *vcpu);

/* Around entries: load disables preemption, save enables it again. */
void guest_fpu_load(struct lintel_vcpu *vcpu);
void guest_fpu_save(struct lintel_vcpu *vcpu);

/* Where PKRU is in the standard format; 0: not offered.  run.c switches it around each entry. */
extern u32 guest_fpu_pkru_offset;

u32 guest_fpu_pkru(struct lintel_vcpu *vcpu);

/* ioctls; vcpu->mutex held, state not loaded.  -EINVAL: reserved bits, components not offered. */
void guest_fpu_get(struct lintel_vcpu *vcpu, struct kvm_fpu *fpu);
int guest_fpu_set(struct lintel_vcpu *vcpu, const struct kvm_fpu *fpu);
void guest_xsave_get(struct lintel_vcpu *vcpu, struct kvm_xsave *xsave);
int guest_xsave_set(struct lintel_vcpu *vcpu, const struct kvm_xsave *xsave);
/* lintel_set_xcr0 - XSETBV(0): 0, or 1 when #GP is due.  Not loaded, or interrupts off. */
int lintel_set_xcr0(struct lintel_vcpu *vcpu, u64 xcr0);
/* one XMM register of the saved state, for the interpreter */
void *guest_fpu_xmm(struct lintel_vcpu *vcpu, unsigned int nr);

#endif
