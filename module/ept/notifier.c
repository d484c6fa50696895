// SPDX-License-Identifier: GPL-2.0-only
/*
 * The MMU notifier: the host takes pages back from the guest.
 *
 * Entries hold no reference to their pages.  Before the host unmaps, moves or write-protects a
 * page of the VMM, it calls here, and on return no entry maps it and no CPU remembers it.  A
 * fault that looked its page up meanwhile is caught by ept_notifier_retry(): it reads
 * invalidate_seq before the look-up, and installs nothing if a notifier is under way over its
 * address or has ended since.
 *
 * "Young" is the A bit of the entries; without it (a CPU or a parameter that has none) the entry is
 * taken away, and the next access tells.
 */
#include <linux/kvm.h>
#include <linux/mmu_notifier.h>

#include "internal.h"

/* Some kernels return int here, newer ones bool. */
typedef typeof(((struct mmu_notifier_ops *)NULL)->test_young(NULL, NULL, 0)) young_t;

static struct lintel_ept *notifier_ept(struct mmu_notifier *mn)
{
	return container_of(mn, struct lintel_ept, notifier);
}

/*
 * The gfns of the part of @slot that lies in [@start, @end) of the VMM, widened to whole pages.
 * Returns false if there is none.
 */
static bool slot_range(const struct lintel_memslot *slot, hva_t start, hva_t end,
		       gfn_t *first, gfn_t *last)
{
	hva_t slot_end = slot->hva + (slot->npages << PAGE_SHIFT);

	start = max(start, slot->hva);
	end = min(end, slot_end);
	if (start >= end)
		return false;
	*first = slot->base + ((start - slot->hva) >> PAGE_SHIFT);
	*last = slot->base + ((end - slot->hva + PAGE_SIZE - 1) >> PAGE_SHIFT);
	return true;
}

/* Zap what [@start, @end) of the VMM backs.  ept->lock held for write. */
static void zap_hva_range(struct lintel_ept *ept, hva_t start, hva_t end,
			  struct ept_gather *gather)
{
	struct interval_tree_node *node;
	struct lintel_memslot *slot;
	gfn_t first, last;

	for_each_memslot_hva(slot, node, ept, start, end)
		if (slot_range(slot, start, end, &first, &last))
			ept_zap(ept, first, last, gather);
}

static int notifier_invalidate_start(struct mmu_notifier *mn,
				     const struct mmu_notifier_range *range)
{
	struct lintel_ept *ept = notifier_ept(mn);
	struct ept_gather gather = {};

	write_lock(&ept->lock);
	if (ept->invalidate_count++ == 0) {
		ept->invalidate_start = range->start;
		ept->invalidate_end = range->end;
	} else {
		ept->invalidate_start = min_t(hva_t, ept->invalidate_start, range->start);
		ept->invalidate_end = max_t(hva_t, ept->invalidate_end, range->end);
	}
	zap_hva_range(ept, range->start, range->end, &gather);
	ept_flush(ept, &gather);
	write_unlock(&ept->lock);

	ept_free_tables(ept, &gather, mmu_notifier_range_blockable(range));
	return 0;
}

static void notifier_invalidate_end(struct mmu_notifier *mn,
				    const struct mmu_notifier_range *range)
{
	struct lintel_ept *ept = notifier_ept(mn);

	write_lock(&ept->lock);
	WRITE_ONCE(ept->invalidate_seq, ept->invalidate_seq + 1);
	ept->invalidate_count--;
	write_unlock(&ept->lock);
}

/* The mm is going away: its threads are gone, the guest with them. */
static void notifier_release(struct mmu_notifier *mn, struct mm_struct *mm)
{
	struct lintel_ept *ept = notifier_ept(mn);

	ept_zap_and_free(ept, 0, EPT_END_GFN, true);
}

/* Was one of the leaves in gfns [@first, @last) used; forget it if @clear. */
static bool young_range(struct lintel_ept *ept, gfn_t first, gfn_t last, bool clear)
{
	bool young = false;
	struct ept_iter it;

	for_each_ept_pte(it, ept_root(ept), first, last, EPT_4K) {
		while (ept_is_leaf(it.old, it.level) && (it.old & VMX_EPT_ACCESS_BIT)) {
			young = true;
			if (!clear || ept_set_pte(ept, &it, it.old & ~VMX_EPT_ACCESS_BIT, NULL))
				break;
		}
	}
	return young;
}

static bool present_range(struct lintel_ept *ept, gfn_t first, gfn_t last)
{
	struct ept_iter it;

	for_each_ept_pte(it, ept_root(ept), first, last, EPT_4K)
		if (ept_is_leaf(it.old, it.level))
			return true;
	return false;
}

/* Without A bits: present counts as used, and clearing is taking the entry away. */
static bool young_without_ad(struct lintel_ept *ept, hva_t start, hva_t end, bool clear)
{
	struct interval_tree_node *node;
	struct ept_gather gather = {};
	struct lintel_memslot *slot;
	bool young = false;
	gfn_t first, last;

	write_lock(&ept->lock);
	for_each_memslot_hva(slot, node, ept, start, end)
		if (slot_range(slot, start, end, &first, &last))
			young |= present_range(ept, first, last);
	if (clear && young)
		zap_hva_range(ept, start, end, &gather);
	ept_flush(ept, &gather);
	write_unlock(&ept->lock);
	ept_free_tables(ept, &gather, false);
	return young;
}

static bool young_with_ad(struct lintel_ept *ept, hva_t start, hva_t end, bool clear)
{
	struct interval_tree_node *node;
	struct lintel_memslot *slot;
	bool young = false;
	gfn_t first, last;

	read_lock(&ept->lock);
	for_each_memslot_hva(slot, node, ept, start, end)
		if (slot_range(slot, start, end, &first, &last))
			young |= young_range(ept, first, last, clear);
	read_unlock(&ept->lock);
	return young;
}

static bool notifier_young(struct mmu_notifier *mn, hva_t start, hva_t end, bool clear)
{
	struct lintel_ept *ept = notifier_ept(mn);

	if (ept->eptp & VMX_EPTP_AD_ENABLE_BIT)
		return young_with_ad(ept, start, end, clear);
	return young_without_ad(ept, start, end, clear);
}

/* No flush: an A bit that a CPU still caches as set makes a page look idle a little too early. */
static young_t notifier_clear_flush_young(struct mmu_notifier *mn, struct mm_struct *mm,
					  unsigned long start, unsigned long end)
{
	return notifier_young(mn, start, end, true);
}

static young_t notifier_clear_young(struct mmu_notifier *mn, struct mm_struct *mm,
				    unsigned long start, unsigned long end)
{
	return notifier_young(mn, start, end, true);
}

static young_t notifier_test_young(struct mmu_notifier *mn, struct mm_struct *mm,
				   unsigned long address)
{
	return notifier_young(mn, address, address + PAGE_SIZE, false);
}

static const struct mmu_notifier_ops notifier_ops = {
	.release		= notifier_release,
	.clear_flush_young	= notifier_clear_flush_young,
	.clear_young		= notifier_clear_young,
	.test_young		= notifier_test_young,
	.invalidate_range_start	= notifier_invalidate_start,
	.invalidate_range_end	= notifier_invalidate_end,
};

int ept_notifier_register(struct lintel_ept *ept)
{
	int ret;

	ept->notifier.ops = &notifier_ops;
	ret = mmu_notifier_register(&ept->notifier, ept_vm(ept)->mm);
	ept->registered = !ret;
	return ret;
}

void ept_notifier_unregister(struct lintel_ept *ept)
{
	if (!ept->registered)
		return;
	mmu_notifier_unregister(&ept->notifier, ept_vm(ept)->mm);
	ept->registered = false;
}
