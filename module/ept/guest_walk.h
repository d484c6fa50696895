/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The walk of the guest's own page tables, as a pure function: it sees the registers in struct
 * guest_paging, and guest memory through two callbacks.  lintel_guest_walk() in ept.h binds it to a
 * VM; the tests bind it to an array.
 */
#ifndef LINTEL_EPT_GUEST_WALK_H
#define LINTEL_EPT_GUEST_WALK_H

#include "env.h"

struct guest_paging {
	unsigned long cr0, cr3, cr4;
	u64 efer;
	u64 rflags;			/* AC, for SMAP */
	u64 pdptr[4];			/* PAE paging: the loaded PDPTEs */
	u32 pkru;
	unsigned int cpl;
	bool system_access;		/* implicit supervisor access (descriptor tables, TSS) */
	u64 reserved_gpa_bits;		/* beyond the guest's MAXPHYADDR */
};

struct guest_walk_fault {
	u32 error_code;			/* of #PF */
	unsigned long address;		/* CR2 */
};

/*
 * Guest memory at @gpa, @len 4 or 8.  Both return 0 or a negative errno; exchange returns 1 when
 * memory does not hold *@old; -ENXIO: no memory there, or none that may be written.
 */
struct guest_walk_ops {
	int (*read)(void *ctx, gpa_t gpa, void *data, size_t len);
	int (*exchange)(void *ctx, gpa_t gpa, const void *old, const void *new, size_t len);
};

/* guest_walk - see lintel_guest_walk(). */
int guest_walk(const struct guest_walk_ops *ops, void *ctx, const struct guest_paging *paging,
	       unsigned long gva, unsigned int access, gpa_t *gpa, struct guest_walk_fault *fault);

#endif
