/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One way to ask for a dirty log, whichever of the API's ways is under test: take what is dirty
 * now, page by page, and have the next writes logged again.
 */
#ifndef LINTEL_SELFTESTS_DIRTY_H
#define LINTEL_SELFTESTS_DIRTY_H

#include "vm.h"

#define DIRTY_PAGE	4096UL
#define RING_BYTES	(1024 * sizeof(struct kvm_dirty_gfn))

enum dirty_mode { DIRTY_PLAIN, DIRTY_MANUAL, DIRTY_INITIALLY_SET, DIRTY_RING, NR_DIRTY_MODES };

extern const char *const dirty_mode_name[NR_DIRTY_MODES];

struct dirty_ring {
	volatile struct kvm_dirty_gfn *entry;
	u32 next;
};

struct dirty_log {
	struct vm *vm;
	enum dirty_mode mode;
	u32 slot;
	u64 gpa, pages;
	u8 *mem;
	u64 *bits;			/* as many pages, and a word more */
	unsigned int nr_vcpus;		/* whose rings are looked at */
	struct dirty_ring ring[MAX_VCPUS];
};

/* Before vCPUs are made: the VM logs in this mode; SKIP() if it cannot. */
void dirty_enable(struct vm *vm, enum dirty_mode mode);
/* The slot, logged; `huge`: 2 MiB-aligned on both sides, with huge pages asked for. */
struct dirty_log *dirty_create(struct vm *vm, enum dirty_mode mode, u64 gpa, u64 pages, bool huge);
void dirty_map_ring(struct dirty_log *log, struct vcpu *v);
/* Change the slot's flags. */
void dirty_set(struct dirty_log *log, bool on);
/* What is dirty is in log->bits; returns how many pages. Not from two threads at once. */
u64 dirty_take(struct dirty_log *log);

static inline bool dirty_bit(const struct dirty_log *log, u64 page)
{
	return log->bits[page / 64] >> (page % 64) & 1;
}

#endif
