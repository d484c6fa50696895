/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The guest's x87, SSE, AVX and PKRU state.
 *
 * It lives in an XSAVE area of our own, in the standard (non-compacted) format that
 * KVM_GET_XSAVE shows.  It is in the registers only between guest_fpu_load() and
 * guest_fpu_save(), inside a kernel_fpu_begin/kernel_fpu_end section with preemption off.
 */
#ifndef LINTEL_VMX_FPU_H
#define LINTEL_VMX_FPU_H

#include "../types.h"

struct guest_fpu {
	void *area;		/* [I] page(s), 64-byte aligned: XSAVE or FXSAVE layout */
	bool loaded;		/* [cpu] the registers hold the guest's state */
	u64 host_xcr0;		/* [cpu] what XCR0 held before, while loaded */
	u32 host_pkru;		/* [cpu] likewise PKRU */
};

#endif
