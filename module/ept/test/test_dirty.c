// SPDX-License-Identifier: GPL-2.0-only
/*
 * The arithmetic of dirty logging, against values written out: ranges of KVM_CLEAR_DIRTY_LOG as the
 * API's text has them, ring sizes and positions, and the CPU's log as the SDM describes it.
 */
#include "../dirty_math.h"
#include "tests.h"

static void test_clear_range(void)
{
	static const struct {
		u64 first, nr, npages;
		bool valid;
	} rows[] = {
		{ 0, 0, 1, true }, { 0, 1, 1, true }, { 0, 2, 1, false }, { 0, 64, 128, true },
		{ 64, 64, 128, true }, { 64, 65, 128, false }, { 128, 0, 128, true },
		{ 128, 1, 128, false }, { 192, 0, 128, false }, { 1, 64, 128, false },
		{ 63, 65, 128, false }, { 0, 63, 128, false }, { 64, 6, 70, true },
		{ 64, 5, 70, false }, { 0, 70, 70, true }, { 0, 64, 70, true },
		{ 64, ~0ULL, 128, false }, { ~0ULL & ~63ULL, 64, 128, false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		tap_ok(dirty_clear_valid(rows[i].first, rows[i].nr, rows[i].npages) ==
		       rows[i].valid, "clear %#llx + %#llx of %#llx: %s",
		       (unsigned long long)rows[i].first, (unsigned long long)rows[i].nr,
		       (unsigned long long)rows[i].npages, rows[i].valid ? "valid" : "refused");
	tap_ok(dirty_words(1) == 1 && dirty_words(64) == 1 && dirty_words(65) == 2 &&
	       dirty_words((1ULL << 31) - 1) == 1ULL << 25, "words of a bitmap");
}

static void test_ring_sizes(void)
{
	static const struct {
		u64 bytes;
		int plain, pml;
	} rows[] = {
		{ 0, -EINVAL, -EINVAL }, { 2048, -EINVAL, -EINVAL }, { 4096, 0, -EINVAL },
		{ 6000, -EINVAL, -EINVAL }, { 8192, 0, -EINVAL }, { 16384, 0, 0 },
		{ 16385, -EINVAL, -EINVAL }, { 1 << 20, 0, 0 }, { 1 << 21, -E2BIG, -E2BIG },
		{ 1ULL << 63, -E2BIG, -E2BIG }, { ~0ULL, -EINVAL, -EINVAL },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		tap_ok(ring_check_bytes(rows[i].bytes, false) == rows[i].plain &&
		       ring_check_bytes(rows[i].bytes, true) == rows[i].pml,
		       "a ring of %#llx bytes", (unsigned long long)rows[i].bytes);
}

static void test_positions(void)
{
	tap_ok(ring_used(7, 7) == 0 && ring_used(1024, 0) == 1024 &&
	       ring_used(3, 0xfffffffe) == 5, "a ring's fill, across the wrap");
	tap_ok(RING_MAX_ENTRIES && !((1ULL << 32) % RING_MAX_ENTRIES),
	       "positions wrap at a multiple of the ring's size");
	/* "PML index": counts down from 511; from 0 it becomes 0xffff, and the log is full */
	tap_ok(pml_first(511) == 512 && pml_first(510) == 511 && pml_first(0) == 1 &&
	       pml_first(0xffff) == 0, "the valid part of the CPU's log");
}

void test_dirty(void)
{
	test_clear_range();
	test_ring_sizes();
	test_positions();
}
