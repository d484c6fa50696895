/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The format of EPT entries: pure arithmetic, and the only raw loads and stores of them.
 *
 * A level is counted from the leaf: 1 maps 4 KiB, 2 maps 2 MiB, 3 maps 1 GiB; the root is level 4.
 * An entry is absent (no R, W or X), a table, or a leaf.  The CPU sets A and D in entries that are
 * in use, so a value once loaded may be old when it is written back: changes are made by cmpxchg.
 * See the SDM, "The Extended Page Table Mechanism (EPT)".
 */
#ifndef LINTEL_EPT_PTE_H
#define LINTEL_EPT_PTE_H

#include "env.h"

#define EPT_4K			1
#define EPT_2M			2
#define EPT_1G			3
#define EPT_ROOT_LEVEL		4

#define EPT_INDEX_BITS		9
#define EPT_ENTRIES		(1U << EPT_INDEX_BITS)
#define EPT_PAGE_BITS		12
#define EPT_GPA_BITS		(EPT_PAGE_BITS + EPT_ROOT_LEVEL * EPT_INDEX_BITS)
#define EPT_END_GFN		(1ULL << (EPT_GPA_BITS - EPT_PAGE_BITS))	/* exclusive */

#define EPT_LARGE_BIT		(1ULL << 7)
#define EPT_ADDR_MASK		0x000ffffffffff000ULL

/* Ignored by the CPU.  The host allows writing, but the dirty log wants to see the next write. */
#define EPT_WITHHELD_BIT	(1ULL << 52)

static_assert(EPT_GPA_BITS == 48);
static_assert(EPT_ENTRIES * sizeof(u64) == 1UL << EPT_PAGE_BITS);

/* The access rights of a violation's qualification are those of an entry, bit for bit. */
static_assert(ACCESS_READ == VMX_EPT_READABLE_MASK);
static_assert(ACCESS_WRITE == VMX_EPT_WRITABLE_MASK);
static_assert(ACCESS_EXEC == VMX_EPT_EXECUTABLE_MASK);

/* ept_pages - pages of 4 KiB that one entry at @level covers. */
static inline u64 ept_pages(int level)
{
	return 1ULL << ((level - 1) * EPT_INDEX_BITS);
}

/* ept_align - the first gfn of the entry at @level that covers @gfn. */
static inline gfn_t ept_align(gfn_t gfn, int level)
{
	return gfn & ~(ept_pages(level) - 1);
}

static inline unsigned int ept_index(gfn_t gfn, int level)
{
	return (gfn >> ((level - 1) * EPT_INDEX_BITS)) & (EPT_ENTRIES - 1);
}

static inline bool ept_is_present(u64 pte)
{
	return pte & VMX_EPT_RWX_MASK;
}

static inline bool ept_is_leaf(u64 pte, int level)
{
	return ept_is_present(pte) && (level == EPT_4K || (pte & EPT_LARGE_BIT));
}

static __always_inline bool ept_is_table(u64 pte, int level)
{
	return ept_is_present(pte) && !ept_is_leaf(pte, level);
}

/* ept_pfn - the frame that an entry points to: a table's, or the first of a leaf. */
static inline u64 ept_pfn(u64 pte)
{
	return (pte & EPT_ADDR_MASK) >> EPT_PAGE_BITS;
}

/* ept_table - the entries of the table that @pte points to. */
static inline u64 *ept_table(u64 pte)
{
	return ept_env_table(pte & EPT_ADDR_MASK);
}

/* Rights are limited by leaves alone, so a table entry grants all of them. */
static inline u64 ept_make_table(hpa_t table)
{
	return table | VMX_EPT_RWX_MASK;
}

/*
 * ept_make_leaf - the leaf at @level for the range around @pfn, with rights @access (ACCESS_*;
 * readable always: write-only is no valid entry).  @memtype: an EPT memory type.
 */
static inline u64 ept_make_leaf(u64 pfn, int level, unsigned int access, unsigned int memtype)
{
	u64 pte = (pfn & ~(ept_pages(level) - 1)) << EPT_PAGE_BITS;

	pte |= VMX_EPT_READABLE_MASK | access;
	pte |= (u64)memtype << VMX_EPT_MT_EPTE_SHIFT;
	if (level > EPT_4K)
		pte |= EPT_LARGE_BIT;
	return pte;
}

/* ept_allows - @pte is present and grants each right in @access. */
static inline bool ept_allows(u64 pte, unsigned int access)
{
	return ept_is_present(pte) && !(access & ~pte);
}

/*
 * ept_needs_flush - does a CPU that still uses @old after the change to @new do what it must not?
 * More rights need no flush: a violation makes the CPU forget what it cached of that address.  A
 * cleared accessed bit is no reason either: it is an estimate.  A cleared dirty bit is: a CPU that
 * remembers it as set does not log the next write.
 */
static inline bool ept_needs_flush(u64 old, u64 new)
{
	const u64 same = EPT_ADDR_MASK | EPT_LARGE_BIT | VMX_EPT_MT_MASK;

	if (!ept_is_present(old))
		return false;
	return ((old ^ new) & same) || (old & ~new & (VMX_EPT_RWX_MASK | VMX_EPT_DIRTY_BIT));
}

/*
 * ept_log_protect - the leaf @pte at @level, changed so that the next write through it is noticed:
 * by a violation, or, if @pml, at a leaf of 4 KiB by the dirty bit that the CPU then has to set.
 */
static inline u64 ept_log_protect(u64 pte, int level, bool pml)
{
	if (pml && level == EPT_4K)
		return pte & ~VMX_EPT_DIRTY_BIT;
	if (pte & VMX_EPT_WRITABLE_MASK)
		return (pte & ~VMX_EPT_WRITABLE_MASK) | EPT_WITHHELD_BIT;
	return pte;
}

/* ept_log_grant - @pte with the right to write that logging had withheld, if it had. */
static inline u64 ept_log_grant(u64 pte)
{
	if (pte & EPT_WITHHELD_BIT)
		return (pte & ~EPT_WITHHELD_BIT) | VMX_EPT_WRITABLE_MASK;
	return pte;
}

/*
 * ept_log_split - entry @i of the table that takes the place of @pte, a large leaf at @level
 * without the right to write: the same frames, no right that was not there or withheld, nothing
 * dirty.
 */
static inline u64 ept_log_split(u64 pte, int level, unsigned int i, bool pml)
{
	u64 child = pte + (i * ept_pages(level - 1) << EPT_PAGE_BITS);

	child &= ~VMX_EPT_DIRTY_BIT;
	if (level - 1 > EPT_4K)
		return child;
	child &= ~EPT_LARGE_BIT;
	return pml ? ept_log_grant(child) : child;
}

static inline u64 ept_load(const u64 *entry)
{
	return READ_ONCE(*entry);
}

/* ept_store_new - an entry of a table that nobody sees yet. */
static inline void ept_store_new(u64 *entry, u64 pte)
{
	WRITE_ONCE(*entry, pte);
}

/* ept_replace - @entry from *@old to @new; false and *@old brought up to date if it had changed. */
static inline bool ept_replace(u64 *entry, u64 *old, u64 new)
{
	return try_cmpxchg64(entry, old, new);
}

#endif
