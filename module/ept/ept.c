// SPDX-License-Identifier: GPL-2.0-only
/*
 * The EPT itself: its life, and the one function through which its entries change.
 *
 * Readers of ept->lock (faults) may only add: a table where nothing was, a leaf, rights to a leaf.
 * They race with each other by cmpxchg, and the loser keeps its page for the next try.  Writers
 * (the notifier, changes of slots) take away: whole tables are cut off at their highest entry, so
 * the time under the lock depends on the depth of the tree and not on the size of the guest; what
 * was cut off is freed after CPUs have forgotten it, outside the lock.
 *
 * The flush happens under the lock: another thread that finds an entry already gone must be able
 * to conclude that nobody uses the page any more.
 */
#include "ept.h"

#include <linux/cpu.h>
#include <linux/gfp.h>
#include <linux/percpu.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <asm/cpufeature.h>
#include <asm/processor.h>

#include "../params.h"
#include "internal.h"

/* page_private of a table cut off: the next one's address, and its own level in the low bits. */
#define TABLE_LEVEL_MASK	7UL

static_assert(__alignof__(struct page) > TABLE_LEVEL_MASK);
static_assert(EPT_ROOT_LEVEL <= TABLE_LEVEL_MASK);

static void gather_table(struct page **list, struct page *page, int level)
{
	set_page_private(page, (unsigned long)*list | level);
	*list = page;
}

static struct page *gather_pop(struct page **list, int *level)
{
	struct page *page = *list;
	unsigned long private;

	if (!page)
		return NULL;
	private = page_private(page);
	*level = private & TABLE_LEVEL_MASK;
	*list = (struct page *)(private & ~TABLE_LEVEL_MASK);
	set_page_private(page, 0);
	return page;
}

struct page *ept_alloc_table(gfp_t gfp)
{
	struct page *page = alloc_page(gfp | __GFP_ACCOUNT | __GFP_ZERO);

	if (page)
		mod_lruvec_page_state(page, NR_SECONDARY_PAGETABLE, 1);
	return page;
}

void ept_free_table(struct page *page)
{
	mod_lruvec_page_state(page, NR_SECONDARY_PAGETABLE, -1);
	__free_page(page);
}

gfn_t ept_max_gfn(void)
{
	return 1ULL << (min_t(int, EPT_GPA_BITS, boot_cpu_data.x86_phys_bits) - PAGE_SHIFT);
}

bool ept_set_pte(struct lintel_ept *ept, struct ept_iter *it, u64 new, struct ept_gather *gather)
{
	bool table = ept_is_table(it->old, it->level);
	u64 old = it->old;

	lockdep_assert_held(&ept->lock);

	if (!ept_replace(it->entry, &it->old, new))
		return false;
	it->old = new;

	if (ept_is_table(new, it->level) && !table)
		atomic_long_inc(&ept->nr_tables);
	if (ept_is_leaf(new, it->level) != ept_is_leaf(old, it->level))
		atomic_long_add(ept_is_leaf(new, it->level) ? 1 : -1,
				&ept->nr_leaves[it->level - EPT_4K]);
	if (ept_needs_flush(old, new)) {
		lockdep_assert_held_write(&ept->lock);
		gather->flush = true;
	}
	if (table && !ept_is_table(new, it->level))
		gather_table(&gather->tables, pfn_to_page(ept_pfn(old)), it->level - 1);
	return true;
}

void ept_zap(struct lintel_ept *ept, gfn_t start, gfn_t end, struct ept_gather *gather)
{
	struct ept_iter it;

	lockdep_assert_held_write(&ept->lock);

	for_each_ept_pte(it, ept_root(ept), start, end, EPT_4K) {
		bool whole = it.base >= start && it.base + ept_pages(it.level) <= end;

		if (!ept_is_present(it.old))
			continue;
		if (ept_is_table(it.old, it.level) && !whole)
			continue;
		/* Only the CPU can interfere here, by setting A and D: once each. */
		while (!ept_set_pte(ept, &it, 0, gather))
			;
	}
}

void ept_flush(struct lintel_ept *ept, struct ept_gather *gather)
{
	if (gather->flush)
		lintel_ept_flush(ept_vm(ept));
	gather->flush = false;
}

void ept_free_tables(struct lintel_ept *ept, struct ept_gather *gather, bool may_sleep)
{
	struct page *page;
	int level;

	while ((page = gather_pop(&gather->tables, &level))) {
		u64 *table = page_address(page);
		unsigned int i, leaves = 0;

		for (i = 0; i < EPT_ENTRIES; i++) {
			u64 pte = ept_load(&table[i]);

			if (ept_is_table(pte, level))
				gather_table(&gather->tables, pfn_to_page(ept_pfn(pte)), level - 1);
			else if (ept_is_present(pte))
				leaves++;
		}
		if (leaves)
			atomic_long_sub(leaves, &ept->nr_leaves[level - EPT_4K]);
		ept_free_table(page);
		atomic_long_dec(&ept->nr_tables);
		if (may_sleep)
			cond_resched();
	}
}

void ept_zap_and_free(struct lintel_ept *ept, gfn_t start, gfn_t end, bool may_sleep)
{
	struct ept_gather gather = {};

	write_lock(&ept->lock);
	ept_zap(ept, start, end, &gather);
	ept_flush(ept, &gather);
	write_unlock(&ept->lock);
	ept_free_tables(ept, &gather, may_sleep);
}

void lintel_ept_drop(struct lintel_vm *vm, gfn_t gfn)
{
	struct lintel_ept *ept = &vm->ept;
	struct ept_gather gather = {};

	write_lock(&ept->lock);
	WRITE_ONCE(ept->invalidate_seq, ept->invalidate_seq + 1);
	ept_zap(ept, gfn, gfn + 1, &gather);
	ept_flush(ept, &gather);
	write_unlock(&ept->lock);
	ept_free_tables(ept, &gather, true);
}

static bool table_is_empty(const u64 *table)
{
	unsigned int i;

	for (i = 0; i < EPT_ENTRIES; i++)
		if (ept_is_present(ept_load(&table[i])))
			return false;
	return true;
}

/* Cut off the tables around @gfn that hold nothing: a large entry may want their place. */
static void prune(struct lintel_ept *ept, gfn_t gfn, struct ept_gather *gather)
{
	struct ept_iter it;
	int level;

	for (level = EPT_2M; level < EPT_ROOT_LEVEL; level++) {
		ept_iter_start(&it, ept_root(ept), gfn, gfn + 1, level);
		while (it.level > level && ept_is_table(it.old, it.level))
			ept_iter_next(&it);
		if (!ept_is_present(it.old))
			continue;
		if (!ept_is_table(it.old, it.level) || !table_is_empty(ept_table(it.old)))
			return;
		while (!ept_set_pte(ept, &it, 0, gather))
			;
	}
}

void ept_zap_slot(struct lintel_ept *ept, gfn_t start, gfn_t end)
{
	struct ept_gather gather = {};

	write_lock(&ept->lock);
	ept_zap(ept, start, end, &gather);
	prune(ept, start, &gather);
	prune(ept, end - 1, &gather);
	ept_flush(ept, &gather);
	write_unlock(&ept->lock);
	ept_free_tables(ept, &gather, true);
}

int lintel_ept_init(struct lintel_vm *vm)
{
	struct lintel_ept *ept = &vm->ept;
	struct page *root;
	int ret;

	rwlock_init(&ept->lock);
	atomic_long_set(&ept->nr_tables, 0);

	root = ept_alloc_table(GFP_KERNEL);
	if (!root)
		return -ENOMEM;
	ept->root = page_to_phys(root);
	ept->eptp = ept->root | VMX_EPTP_MT_WB | VMX_EPTP_PWL_4;
	if (lintel_params.ept_ad)
		ept->eptp |= VMX_EPTP_AD_ENABLE_BIT;
	/* such a CPU may stop for good when a page that it has fetched from changes its size */
	ept->small_exec = boot_cpu_has_bug(X86_BUG_ITLB_MULTIHIT) && !cpu_mitigations_off();

	ept->flush_nr = 1;
	ept->flushed = alloc_percpu_gfp(u64, GFP_KERNEL_ACCOUNT);
	ret = -ENOMEM;
	if (!ept->flushed)
		goto free_root;
	ret = memslots_init(ept);
	if (ret)
		goto free_flushed;
	ret = ept_notifier_register(ept);
	if (ret)
		goto free_slots;
	ept_reclaim_add(ept);
	return 0;

free_slots:
	memslots_destroy(ept);
free_flushed:
	free_percpu(ept->flushed);
free_root:
	ept_free_table(root);
	ept->root = 0;
	return ret;
}

void lintel_ept_destroy(struct lintel_vm *vm)
{
	struct lintel_ept *ept = &vm->ept;
	struct ept_gather gather = {};

	if (!ept->root)
		return;
	ept_reclaim_remove(ept);
	ept_notifier_unregister(ept);
	write_lock(&ept->lock);
	ept_zap(ept, 0, EPT_END_GFN, &gather);
	write_unlock(&ept->lock);
	/* No vCPU runs, but CPUs remember: all of them, hence no lintel_ept_flush(). */
	ept_forget_everywhere(ept);
	ept_free_tables(ept, &gather, true);
	memslots_destroy(ept);
	free_percpu(ept->flushed);
	ept_free_table(virt_to_page(ept_root(ept)));
	ept->root = 0;
}
