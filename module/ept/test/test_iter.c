// SPDX-License-Identifier: GPL-2.0-only
/*
 * The iterator against a plain recursion over the same tree, for random trees and ranges; and the
 * two promises its users rely on: a table cut off in the body is not entered, and min_level holds.
 */
#include <stdlib.h>
#include <string.h>

#include "../iter.h"
#include "tests.h"

#define MAX_TABLES	64
#define MAX_VISITS	100000

struct visit {
	u64 *entry;
	gfn_t base;
	int level;
};

static u64 *tables[MAX_TABLES];
static unsigned int nr_tables;
static struct visit expected[MAX_VISITS], seen[MAX_VISITS];
static size_t nr_expected, nr_seen;

static u64 *new_table(void)
{
	u64 *table = aligned_alloc(4096, 4096);

	if (!table || nr_tables == MAX_TABLES)
		abort();
	memset(table, 0, 4096);
	tables[nr_tables++] = table;
	return table;
}

static void free_tables(void)
{
	while (nr_tables)
		free(tables[--nr_tables]);
}

static u64 table_pte(u64 *table)
{
	return ept_make_table((uintptr_t)table);
}

/* A few children at random places, the first and the last among them often. */
static void grow(u64 *table, int level, unsigned int children)
{
	while (children--) {
		static const unsigned int favourite[] = { 0, 1, 510, 511 };
		unsigned int i = rand() % 2 ? favourite[rand() % 4] : rand() % EPT_ENTRIES;

		if (ept_is_present(table[i]))
			continue;
		if (level > 1 && rand() % 4 && nr_tables < MAX_TABLES) {
			u64 *child = new_table();

			table[i] = table_pte(child);
			grow(child, level - 1, 3);
		} else if (level < 4) {
			table[i] = ept_make_leaf((u64)rand() << 18, level, ACCESS_READ, 6);
		}
	}
}

static void recurse(u64 *table, int level, gfn_t base, gfn_t start, gfn_t end, int min_level)
{
	for (unsigned int i = 0; i < EPT_ENTRIES; i++) {
		gfn_t at = base + i * ept_pages(level);

		if (at >= end || at + ept_pages(level) <= start)
			continue;
		expected[nr_expected++] = (struct visit){ &table[i], at, level };
		if (level > min_level && ept_is_table(table[i], level))
			recurse((u64 *)(uintptr_t)(table[i] & EPT_ADDR_MASK), level - 1, at, start,
				end, min_level);
	}
}

static gfn_t random_gfn(void)
{
	gfn_t gfn = ((u64)rand() << 30 | rand()) & (EPT_END_GFN - 1);

	switch (rand() % 5) {
	case 0:
		return ept_align(gfn, 1 + rand() % 4);
	case 1:
		return gfn & 0x7ff;
	case 2:
		return EPT_END_GFN - 1 - (gfn & 0x7ff);
	case 3:
		return gfn & 0x7ffff;
	default:
		return gfn;
	}
}

static bool compare_once(u64 *root)
{
	gfn_t start = random_gfn(), end = random_gfn() + (rand() % 8 == 0);
	int min_level = 1 + rand() % 4;
	struct ept_iter it;

	if (start >= end && rand() % 16)
		end = start + 1 + rand() % 5000;
	nr_expected = nr_seen = 0;
	if (start < end)
		recurse(root, EPT_ROOT_LEVEL, 0, start, end, min_level);

	for_each_ept_pte(it, root, start, end, min_level) {
		if (nr_seen == MAX_VISITS || it.old != *it.entry)
			return false;
		seen[nr_seen++] = (struct visit){ it.entry, it.base, it.level };
	}
	for (size_t i = 0; i < nr_expected && i < nr_seen; i++)
		if (seen[i].entry != expected[i].entry || seen[i].base != expected[i].base ||
		    seen[i].level != expected[i].level)
			return false;
	return nr_seen == nr_expected;
}

static void test_random(void)
{
	unsigned int tree, range, bad = 0;
	size_t visits = 0;

	srand(1);
	for (tree = 0; tree < 100; tree++) {
		u64 *root = new_table();

		grow(root, EPT_ROOT_LEVEL, 6);
		for (range = 0; range < 100; range++) {
			bad += !compare_once(root);
			visits += nr_seen;
		}
		free_tables();
	}
	tap_ok(!bad && visits > 1000000, "100 trees, 100 ranges each, %zu visits as recursion",
	       visits);
}

/* The last entry that a recursion towards @gfn visits. */
static bool find_once(u64 *root, gfn_t gfn)
{
	const struct visit *last;
	struct ept_iter it;

	nr_expected = 0;
	recurse(root, EPT_ROOT_LEVEL, 0, gfn, gfn + 1, EPT_4K);
	last = &expected[nr_expected - 1];
	ept_iter_find(&it, root, gfn);
	return it.entry == last->entry && it.base == last->base && it.level == last->level &&
	       it.old == *it.entry;
}

static void test_find(void)
{
	unsigned int tree, i, bad = 0, at_level[EPT_ROOT_LEVEL + 1] = {};
	struct ept_iter it;

	srand(2);
	for (tree = 0; tree < 20; tree++) {
		u64 *root = new_table();

		grow(root, EPT_ROOT_LEVEL, 6);
		for (i = 0; i < 500; i++)
			bad += !find_once(root, random_gfn());
		/* below each table, too */
		for_each_ept_pte(it, root, 0, EPT_END_GFN, EPT_4K) {
			if (rand() % 8)
				continue;
			bad += !find_once(root, it.base + rand() % ept_pages(it.level));
			at_level[it.level]++;
		}
		free_tables();
	}
	tap_ok(!bad && at_level[EPT_4K] > 100 && at_level[EPT_2M] > 100 &&
	       at_level[EPT_1G] > 100, "one entry found as by recursion, at each level");
}

static void test_cut(void)
{
	u64 *root = new_table(), *pdpt = new_table(), *pd = new_table();
	struct ept_iter it;
	unsigned int below = 0;

	root[0] = table_pte(pdpt);
	pdpt[3] = table_pte(pd);
	pd[7] = ept_make_leaf(0x200, EPT_2M, ACCESS_READ, 6);

	for_each_ept_pte(it, root, 0, EPT_END_GFN, EPT_4K) {
		if (it.entry == &pdpt[3] && !ept_replace(it.entry, &it.old, 0))
			below = 1000;
		else if (it.entry == &pdpt[3])
			it.old = 0;
		below += it.level < EPT_1G;
	}
	tap_ok(below == 0 && pdpt[3] == 0, "a table cut off is not entered");
	free_tables();
}

static void test_limits(void)
{
	u64 *root = new_table();
	struct ept_iter it;
	unsigned int visits = 0;

	for_each_ept_pte(it, root, EPT_END_GFN - 1, ~0ULL, EPT_4K)
		visits++;
	tap_ok(visits == 1, "an end beyond the last gfn stops at the last");

	visits = 0;
	for_each_ept_pte(it, root, EPT_END_GFN, EPT_END_GFN + 5, EPT_4K)
		visits++;
	for_each_ept_pte(it, root, 7, 7, EPT_4K)
		visits++;
	tap_ok(visits == 0, "empty ranges and ranges outside have no entries");
	free_tables();
}

void test_iter(void)
{
	test_random();
	test_find();
	test_cut();
	test_limits();
}
