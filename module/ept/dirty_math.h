/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The arithmetic of dirty logging: sizes and ranges of the bitmap, the positions of a ring, and the
 * index of the CPU's own log.  Pure, and tested in userspace.
 *
 * A ring's positions count what was ever pushed and reset; they wrap at 2^32, which is a multiple
 * of each ring's size.
 */
#ifndef LINTEL_EPT_DIRTY_MATH_H
#define LINTEL_EPT_DIRTY_MATH_H

#include "pte.h"

#define DIRTY_WORD_PAGES	64U	/* pages of a word of a bitmap: what the API counts in */
#define PML_ENTRIES		512U		/* of the CPU's log, a page of 64-bit addresses */
#define RING_ENTRY_BYTES	16U
#define RING_MAX_ENTRIES	65536U		/* as KVM has it */
#define RING_RESERVED		64U		/* for what the module itself writes */

/* dirty_words - 64-bit words of the bitmap of @npages pages. */
static inline u64 dirty_words(u64 npages)
{
	return (npages + DIRTY_WORD_PAGES - 1) / DIRTY_WORD_PAGES;
}

/*
 * dirty_clear_valid - may KVM_CLEAR_DIRTY_LOG name pages [@first, @first + @nr) of a slot of
 * @npages? Whole words, but for the end of the slot.
 */
static inline bool dirty_clear_valid(u64 first, u64 nr, u64 npages)
{
	if (first % DIRTY_WORD_PAGES || first > npages || nr > npages - first)
		return false;
	return nr == npages - first || !(nr % DIRTY_WORD_PAGES);
}

/* ring_reserve - entries above the soft limit: one exit may add a whole log of the CPU's. */
static inline u32 ring_reserve(bool pml)
{
	return RING_RESERVED + (pml ? PML_ENTRIES : 0);
}

/* ring_check_bytes - the size of a ring as user space asks for it: 0, -EINVAL, -E2BIG. */
static inline int ring_check_bytes(u64 bytes, bool pml)
{
	if (!bytes || (bytes & (bytes - 1)) || bytes < 1U << EPT_PAGE_BITS ||
	    bytes < ring_reserve(pml) * RING_ENTRY_BYTES)
		return -EINVAL;
	return bytes > RING_MAX_ENTRIES * RING_ENTRY_BYTES ? -E2BIG : 0;
}

static inline u32 ring_used(u32 pushed, u32 reset)
{
	return pushed - reset;
}

/*
 * pml_first - the lowest valid entry of the CPU's log, PML_ENTRIES: none.  It is filled downwards.
 */
static inline unsigned int pml_first(unsigned int index)
{
	return index < PML_ENTRIES ? index + 1 : 0;
}

#endif
