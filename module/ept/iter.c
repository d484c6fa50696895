// SPDX-License-Identifier: GPL-2.0-only
/*
 * The EPT iterator: a position (a gfn and a level) and the tables above it.  One step goes down
 * into the table just visited, else sideways, and up again where sideways leaves the table.
 */
#include "iter.h"

static void iter_look(struct ept_iter *it)
{
	it->base = ept_align(it->next, it->level);
	it->entry = &it->table[it->level][ept_index(it->next, it->level)];
	it->old = ept_load(it->entry);
}

void ept_iter_start(struct ept_iter *it, u64 *root, gfn_t start, gfn_t end, int min_level)
{
	it->next = start;
	it->end = end < EPT_END_GFN ? end : EPT_END_GFN;
	it->min_level = min_level;
	it->level = EPT_ROOT_LEVEL;
	it->table[EPT_ROOT_LEVEL] = root;
	it->valid = start < it->end;
	if (it->valid)
		iter_look(it);
}

void ept_iter_find(struct ept_iter *it, u64 *root, gfn_t gfn)
{
	u64 *table = root, *entry;
	int level = EPT_ROOT_LEVEL;
	u64 old;

	for (;;) {
		entry = &table[ept_index(gfn, level)];
		old = ept_load(entry);
		if (!ept_is_table(old, level))
			break;
		table = ept_table(old);
		level--;
	}
	it->entry = entry;
	it->old = old;
	it->level = level;
	it->base = ept_align(gfn, level);
}

void ept_iter_next(struct ept_iter *it)
{
	if (it->level > it->min_level && ept_is_table(it->old, it->level)) {
		it->level--;
		it->table[it->level] = ept_table(it->old);
		iter_look(it);
		return;
	}

	it->next = it->base + ept_pages(it->level);
	if (it->next >= it->end) {
		it->valid = false;
		return;
	}
	while (it->level < EPT_ROOT_LEVEL && ept_index(it->next, it->level) == 0)
		it->level++;
	iter_look(it);
}
