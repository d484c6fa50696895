/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The walk of a guest's own page tables, step by step, from outside: registers come from a
 * snapshot, guest memory by a callback that also tells how the EPT translates it. It shows what the
 * tables say, for any kind of access; it decides about none.
 */
#ifndef LINTEL_OBSERVE_WALK_H
#define LINTEL_OBSERVE_WALK_H

#include <linux/lintel.h>
#include <stdint.h>

#define WALK_STEPS 5

struct walk_state {
	uint64_t cr0, cr3, cr4, efer;
	uint64_t pdpte[4]; /* PAE paging: those that are loaded */
};

enum walk_end {
	WALK_MAPPED,
	WALK_ABSENT,	 /* the last entry is not present */
	WALK_UNREADABLE, /* the EPT does not map the last entry's place */
	WALK_NOT_CANONICAL,
};

struct walk_step {
	const char *name; /* "PML4E" */
	uint64_t at;	  /* guest-physical; ~0 for a loaded PDPTE */
	uint64_t entry;
	unsigned int size; /* 4 or 8 */
};

struct walk {
	const char *mode; /* "4-level paging" */
	enum walk_end end;
	unsigned int steps;
	struct walk_step step[WALK_STEPS];
	uint64_t gpa;  /* WALK_MAPPED */
	uint64_t page; /* its size */
};

/* Fills peek (vm aside) for peek->gpa. 0, or a negative errno, which walk_guest() passes on. */
typedef int walk_peek(void *arg, struct lintel_peek *peek);

int walk_guest(const struct walk_state *state, uint64_t address, walk_peek *peek, void *arg,
	       struct walk *walk);

#endif
