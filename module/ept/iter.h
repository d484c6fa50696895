/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A walk over the entries of an EPT, in order of address, tables before what they hold.
 *
 *	struct ept_iter it;
 *
 *	for_each_ept_pte(it, root, start, end, EPT_4K)
 *		... it.old at it.entry, level it.level, covers ept_pages(it.level) from it.base ...
 *
 * Absent entries are visited too.  A body that changes an entry does so through ept_set_pte(),
 * which keeps .old current: the walk descends by .old, so a table just cut off is not entered.
 * The caller holds ept->lock, which keeps tables from being freed.
 */
#ifndef LINTEL_EPT_ITER_H
#define LINTEL_EPT_ITER_H

#include "pte.h"

struct ept_iter {
	u64 *table[EPT_ROOT_LEVEL + 1];	/* by level, those on the way from the root */
	u64 *entry;
	u64 old;			/* what *entry held when we looked */
	gfn_t next;			/* the walk's position: base, or the start within it */
	gfn_t base;			/* first gfn that the entry covers */
	gfn_t end;			/* exclusive */
	int level;
	int min_level;			/* tables are not entered below it */
	bool valid;
};

void ept_iter_start(struct ept_iter *it, u64 *root, gfn_t start, gfn_t end, int min_level);
void ept_iter_next(struct ept_iter *it);

/*
 * ept_iter_find - the entry that maps @gfn (below EPT_END_GFN), or stands where one would: the same
 * as going down from the root by ept_iter_next().  No walk goes on from there.
 */
void ept_iter_find(struct ept_iter *it, u64 *root, gfn_t gfn);

#define for_each_ept_pte(it, root, start, end, min_level) \
	for (ept_iter_start(&(it), (root), (start), (end), (min_level)); (it).valid; \
	     ept_iter_next(&(it)))

#endif
