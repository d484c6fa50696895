/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of module/ept share among themselves.
 *
 * Order of locks: vm->slots_lock, then vm->srcu (read), then mmap_lock, then the host's page table
 * locks (the notifier is called under them), then ept->lock.  With interrupts off ept->lock is only
 * tried, because its holder waits for other CPUs in lintel_ept_flush().
 */
#ifndef LINTEL_EPT_INTERNAL_H
#define LINTEL_EPT_INTERNAL_H

#include <linux/interval_tree.h>
#include <linux/kvm.h>
#include <linux/mm.h>
#include <linux/nospec.h>
#include <linux/rcupdate.h>
#include <linux/srcu.h>

#include "../vm.h"
#include "ept.h"
#include "iter.h"

/*
 * What a change of entries leaves to be done: tables that were cut off, and whether CPUs have to
 * forget something.  ept_flush(), under the lock, and ept_free_tables(), after it, settle it.
 */
struct ept_gather {
	struct page *tables;		/* linked through page_private, with the level */
	bool flush;
};

struct lintel_memslot;

static inline struct lintel_vm *ept_vm(struct lintel_ept *ept)
{
	return container_of(ept, struct lintel_vm, ept);
}

static inline u64 *ept_root(struct lintel_ept *ept)
{
	return ept_env_table(ept->root);
}

/* --- ept.c ------------------------------------------------------------------------------ */

/*
 * ept_set_pte - the one function that changes an entry: it.old becomes @new.  Owns the count of
 * tables, the tables cut off and the decision to flush.  ept->lock held: for write if the change
 * takes rights, a frame or a table away, else for read, and then @gather may be NULL.
 * Returns false, and it->old brought up to date, when the entry had changed meanwhile.
 */
bool ept_set_pte(struct lintel_ept *ept, struct ept_iter *it, u64 new, struct ept_gather *gather);

/* ept_zap - remove all entries that touch gfns [@start, @end).  ept->lock held for write. */
void ept_zap(struct lintel_ept *ept, gfn_t start, gfn_t end, struct ept_gather *gather);

/* ept_flush - lintel_ept_flush() if @gather asks for it.  ept->lock held for write. */
void ept_flush(struct lintel_ept *ept, struct ept_gather *gather);

/* ept_free_tables - free what was cut off, after the flush.  No spinning lock held. */
void ept_free_tables(struct lintel_ept *ept, struct ept_gather *gather, bool may_sleep);

/* ept_zap_and_free - the three above, lock included.  May sleep if @may_sleep. */
void ept_zap_and_free(struct lintel_ept *ept, gfn_t start, gfn_t end, bool may_sleep);

/* ept_zap_slot - likewise, and tables that it leaves empty at the ends go too.  May sleep. */
void ept_zap_slot(struct lintel_ept *ept, gfn_t start, gfn_t end);

/* A table, zeroed, charged to the VMM's cgroup and counted as SecPageTables; or NULL. */
struct page *ept_alloc_table(gfp_t gfp);
void ept_free_table(struct page *page);

/* ept_max_gfn - the first gfn that an EPT of 4 levels on this CPU cannot map. */
gfn_t ept_max_gfn(void);

/* --- tlb.c ------------------------------------------------------------------------------ */

/*
 * lintel_ept_flush - on return no CPU uses translations of this EPT older than the call, nor will
 * before an INVEPT.  ept->lock held for write, interrupts on; waits for running vCPUs to exit.
 */
void lintel_ept_flush(struct lintel_vm *vm);

/* ept_forget_everywhere - INVEPT on each CPU the root ever ran on.  May sleep. */
void ept_forget_everywhere(struct lintel_ept *ept);

/* --- fault.c ---------------------------------------------------------------------------- */

/*
 * ept_host_level - the size of entry that the host's mapping of @pfn at @gfn and the slot allow:
 * EPT_4K, EPT_2M or EPT_1G.  In the VMM's mm, ept->lock held.
 */
int ept_host_level(const struct lintel_memslot *slot, gfn_t gfn, u64 pfn);

/* --- reclaim.c -------------------------------------------------------------------------- */

/* The shrinker may take tables of @ept away from here on, or no more.  May sleep. */
void ept_reclaim_add(struct lintel_ept *ept);
void ept_reclaim_remove(struct lintel_ept *ept);

/* --- notifier.c ------------------------------------------------------------------------- */

int ept_notifier_register(struct lintel_ept *ept);
void ept_notifier_unregister(struct lintel_ept *ept);

/*
 * ept_notifier_busy - a guess, without a lock, whether the host is about to take away what is at
 * @hva.  Who looked the page up now would only hold a reference that makes the host's attempt fail.
 */
static inline bool ept_notifier_busy(const struct lintel_ept *ept, hva_t hva)
{
	return READ_ONCE(ept->invalidate_count) && hva >= READ_ONCE(ept->invalidate_start) &&
	       hva < READ_ONCE(ept->invalidate_end);
}

/*
 * ept_notifier_seq - taken before a page is looked up; ept_notifier_retry, under ept->lock before
 * it is mapped: true if what was found at @hva may be stale.
 */
static inline unsigned long ept_notifier_seq(const struct lintel_ept *ept)
{
	unsigned long seq = READ_ONCE(ept->invalidate_seq);

	/* The look-up of the page comes after; pairs with the lock in ept_notifier_retry(). */
	smp_rmb();
	return seq;
}

static inline bool ept_notifier_retry(const struct lintel_ept *ept, unsigned long seq, hva_t hva)
{
	lockdep_assert_held(&ept->lock);

	return ept_notifier_busy(ept, hva) || ept->invalidate_seq != seq;
}

/* --- memslot.c -------------------------------------------------------------------------- */

/* A slot under deletion or move: invisible to lookups by gfn, visible to the notifier. */
#define MEMSLOT_DYING		(1U << 31)

/* Lock legend: [I] where nothing is said; flags: read once. */
struct lintel_memslot {
	gfn_t base;
	u64 npages;
	hva_t hva;
	u32 id;
	u32 flags;				/* [S] KVM_MEM_*, MEMSLOT_DYING */
	unsigned long *dirty;			/* [S] while logged: see dirty.h */
	struct interval_tree_node by_hva;	/* [E] in ept->by_hva */
	struct rb_node by_gfn[2];		/* [S] in each of ept->slot_trees */
};

/* One of the two trees: while it is published by SRCU it is immutable, but for the hint. */
struct lintel_memslots {
	struct rb_root root;		/* by base; slots are disjoint */
	unsigned int nr;		/* [I] which of them it is */
	u64 generation;			/* no other slots, of any VM, have had it */
	struct lintel_memslot *hint;	/* [A] the slot found last, or NULL */
};

/* memslots_get - the slots now in force; in a section of vm->srcu. */
static inline struct lintel_memslots *memslots_get(struct lintel_vm *vm)
{
	return srcu_dereference(vm->ept.slots, &vm->srcu);
}

/*
 * memslot_find - the slot that covers @gfn, dying ones included, or NULL; in a section of vm->srcu.
 * The second form has a hint of the caller's own, zeroed once.
 */
struct lintel_memslot *memslot_find(struct lintel_memslots *slots, gfn_t gfn);
struct lintel_memslot *memslot_find_hint(const struct lintel_memslots *slots, gfn_t gfn,
					 struct lintel_slot_hint *hint);

/* memslot_by_id - the slot with number @id, or NULL.  vm->slots_lock held. */
struct lintel_memslot *memslot_by_id(struct lintel_vm *vm, u32 id);

/*
 * for_each_memslot_hva - the slots that touch [@start, @end) of the VMM, dying ones included;
 * @node is the loop's own.  ept->lock held.
 */
#define for_each_memslot_hva(slot, node, ept, start, end)				\
	for ((node) = interval_tree_iter_first(&(ept)->by_hva, (start), (end) - 1);	\
	     (node) && ((slot) = container_of((node), struct lintel_memslot, by_hva));	\
	     (node) = interval_tree_iter_next((node), (start), (end) - 1))

/*
 * memslot_hva - the VMM's address of @gfn, which @slot covers.  Nor does speculation past the check
 * that it does lead out of the slot: a guest could read the host's memory by a walk of its tables.
 */
static inline hva_t memslot_hva(const struct lintel_memslot *slot, gfn_t gfn)
{
	return slot->hva + (array_index_nospec(gfn - slot->base, slot->npages) << PAGE_SHIFT);
}

static inline bool memslot_writable(const struct lintel_memslot *slot)
{
	return !(slot->flags & KVM_MEM_READONLY);
}

int memslots_init(struct lintel_ept *ept);
void memslots_destroy(struct lintel_ept *ept);

#endif
