// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory slots: which ranges of guest-physical memory are which memory of the VMM.
 *
 * The slots in force are a tree by guest address that is never changed while anybody reads it:
 * there are two trees.  A change is made to the one that is not in force, which SRCU then publishes; when
 * nobody reads the other one any more, it is changed likewise.  So a change costs the same however
 * many slots there are, and a lookup looks at the slot found last first.  Two more indexes serve
 * those who come from elsewhere: by the slot's number (changes), and by the VMM's address (the MMU
 * notifier).
 *
 * A slot is taken away in three steps.  First it is marked dying: no new entries are made for it,
 * but the MMU notifier still sees it and zaps what the host takes.  When all who may have missed
 * the mark are done, its entries are zapped.  Then the tree without it is published, and when
 * nobody uses the old one any more the slot is freed.  A move is the same, with a new slot at the
 * new place in the new tree.
 */
#include <linux/kvm.h>
#include <linux/mm.h>
#include <linux/rbtree.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <asm/apicdef.h>

#include "dirty.h"

#define MEMSLOT_FLAGS		(KVM_MEM_READONLY | KVM_MEM_LOG_DIRTY_PAGES)
#define MEMSLOT_MAX_PAGES	((1ULL << 31) - 1)	/* of one slot: the API's limit */

static bool slot_covers(const struct lintel_memslot *slot, gfn_t gfn)
{
	return gfn >= slot->base && gfn - slot->base < slot->npages;
}

static struct lintel_memslot *slot_of(const struct lintel_memslots *slots, struct rb_node *node)
{
	return node ? container_of(node, struct lintel_memslot, by_gfn[slots->nr]) : NULL;
}

/* The first slot that ends above @gfn, or NULL. */
static struct lintel_memslot *slots_first(const struct lintel_memslots *slots, gfn_t gfn)
{
	struct rb_node *node = slots->root.rb_node;
	struct lintel_memslot *first = NULL;

	while (node) {
		struct lintel_memslot *slot = slot_of(slots, node);

		if (gfn < slot->base + slot->npages) {
			first = slot;
			node = node->rb_left;
		} else {
			node = node->rb_right;
		}
	}
	return first;
}

static struct lintel_memslot *slots_search(const struct lintel_memslots *slots, gfn_t gfn)
{
	struct lintel_memslot *slot = slots_first(slots, gfn);

	return slot && slot_covers(slot, gfn) ? slot : NULL;
}

struct lintel_memslot *memslot_find(struct lintel_memslots *slots, gfn_t gfn)
{
	struct lintel_memslot *slot = READ_ONCE(slots->hint);

	if (slot && slot_covers(slot, gfn))
		return slot;
	slot = slots_search(slots, gfn);
	if (slot)
		WRITE_ONCE(slots->hint, slot);
	return slot;
}

struct lintel_memslot *memslot_find_hint(const struct lintel_memslots *slots, gfn_t gfn,
					 struct lintel_slot_hint *hint)
{
	struct lintel_memslot *slot = hint->slot;

	/* of another generation it may be freed */
	if (hint->generation == slots->generation && slot_covers(slot, gfn))
		return slot;
	slot = slots_search(slots, gfn);
	if (slot) {
		hint->slot = slot;
		hint->generation = slots->generation;
	}
	return slot;
}

struct lintel_memslot *memslot_by_id(struct lintel_vm *vm, u32 id)
{
	lockdep_assert_held(&vm->slots_lock);
	return xa_load(&vm->ept.slot_ids, id);
}

static atomic64_t generations;

static struct lintel_memslots *slots_locked(struct lintel_vm *vm)
{
	return rcu_dereference_protected(vm->ept.slots, lockdep_is_held(&vm->slots_lock));
}

static void slots_insert(struct lintel_memslots *slots, struct lintel_memslot *add)
{
	struct rb_node **link = &slots->root.rb_node, *parent = NULL;

	while (*link) {
		parent = *link;
		link = add->base < slot_of(slots, parent)->base ? &parent->rb_left :
								  &parent->rb_right;
	}
	rb_link_node(&add->by_gfn[slots->nr], parent, link);
	rb_insert_color(&add->by_gfn[slots->nr], &slots->root);
}

/* In @slots, which nobody reads, take @gone away and put @add in; either may be NULL. */
static void slots_change(struct lintel_memslots *slots, struct lintel_memslot *gone,
			 struct lintel_memslot *add)
{
	slots->hint = NULL;
	if (gone)
		rb_erase(&gone->by_gfn[slots->nr], &slots->root);
	if (add)
		slots_insert(slots, add);
}

/* The same for the slots in force; on return nobody finds @gone any more. */
static void slots_publish(struct lintel_vm *vm, struct lintel_memslot *gone,
			  struct lintel_memslot *add)
{
	struct lintel_memslots *old = slots_locked(vm);
	struct lintel_memslots *new = &vm->ept.slot_trees[!old->nr];

	slots_change(new, gone, add);
	new->generation = atomic64_inc_return(&generations);
	rcu_assign_pointer(vm->ept.slots, new);
	synchronize_srcu_expedited(&vm->srcu);
	slots_change(old, gone, add);
}

static bool slots_overlap(const struct lintel_memslots *slots, const struct lintel_memslot *with)
{
	const struct lintel_memslot *slot = slots_first(slots, with->base);

	/* the slot's own old place does not count; whatever follows it does */
	if (slot && slot->id == with->id)
		slot = slot_of(slots, rb_next(&slot->by_gfn[slots->nr]));
	return slot && slot->base < with->base + with->npages;
}

/* Let the MMU notifier find @slot, or no more. */
static void slot_show(struct lintel_ept *ept, struct lintel_memslot *slot)
{
	slot->by_hva.start = slot->hva;
	slot->by_hva.last = slot->hva + (slot->npages << PAGE_SHIFT) - 1;
	write_lock(&ept->lock);
	interval_tree_insert(&slot->by_hva, &ept->by_hva);
	write_unlock(&ept->lock);
}

static void slot_hide(struct lintel_ept *ept, struct lintel_memslot *slot)
{
	write_lock(&ept->lock);
	interval_tree_remove(&slot->by_hva, &ept->by_hva);
	write_unlock(&ept->lock);
}

static void slot_free(struct lintel_vm *vm, struct lintel_memslot *slot)
{
	if (slot->dirty)
		dirty_stop(vm, NULL, slot->dirty);
	kfree(slot);
}

/* Take @old away and put @add in; either may be NULL.  Nothing has changed if it fails. */
static int slots_replace(struct lintel_vm *vm, struct lintel_memslot *old,
			 struct lintel_memslot *add)
{
	struct lintel_ept *ept = &vm->ept;
	int ret;

	if (add) {
		ret = xa_err(xa_store(&ept->slot_ids, add->id, add, GFP_KERNEL_ACCOUNT));
		if (ret)
			return ret;
		slot_show(ept, add);
	} else {
		xa_erase(&ept->slot_ids, old->id);
	}
	if (old) {
		WRITE_ONCE(old->flags, old->flags | MEMSLOT_DYING);
		synchronize_srcu_expedited(&vm->srcu);
		ept_zap_slot(ept, old->base, old->base + old->npages);
	}
	slots_publish(vm, old, add);
	if (old) {
		slot_hide(ept, old);
		if (add && add->dirty == old->dirty)
			old->dirty = NULL;
		slot_free(vm, old);
	}
	return 0;
}

/* The checks that need no other slot. */
static int region_check(const struct kvm_userspace_memory_region *region)
{
	u64 npages = region->memory_size >> PAGE_SHIFT;
	u64 hva = region->userspace_addr;
	u64 untagged = untagged_addr(hva);	/* the notifier speaks of addresses without tags */

	if (region->flags & ~MEMSLOT_FLAGS)
		return -EINVAL;
	if (region->slot >= LINTEL_MAX_MEMSLOTS)	/* bits 31:16, address spaces: one only */
		return -EINVAL;
	if (!PAGE_ALIGNED(region->memory_size) || !PAGE_ALIGNED(region->guest_phys_addr) ||
	    !PAGE_ALIGNED(hva))
		return -EINVAL;
	if (hva != untagged ||
	    !access_ok((void __user *)(unsigned long)hva, region->memory_size))
		return -EINVAL;
	if (region->guest_phys_addr + region->memory_size < region->guest_phys_addr)
		return -EINVAL;
	if (npages > MEMSLOT_MAX_PAGES)
		return -EINVAL;
	if (npages && (region->guest_phys_addr >> PAGE_SHIFT) + npages > ept_max_gfn())
		return -EINVAL;
	return 0;
}

/* @slot is in force and stays where it is: log it or not, as @flags say. */
static int slot_log(struct lintel_vm *vm, struct lintel_memslot *slot, u32 flags)
{
	unsigned long *old = slot->dirty, *bits = NULL;
	int ret;

	if (flags == slot->flags)
		return 0;
	if (flags & KVM_MEM_LOG_DIRTY_PAGES) {
		ret = dirty_start(vm, slot->npages, &bits);
		if (ret)
			return ret;
	}
	WRITE_ONCE(slot->dirty, bits);
	WRITE_ONCE(slot->flags, flags);
	/* Entries change when all who may have missed it are done. */
	synchronize_srcu_expedited(&vm->srcu);
	if (bits)
		dirty_protect(vm, slot);
	else
		dirty_stop(vm, slot, old);
	return 0;
}

/* Make @slot, which is new or @old at another place, the one in force. */
static int slot_put(struct lintel_vm *vm, struct lintel_memslot *old, struct lintel_memslot *slot)
{
	int ret = 0;

	if (slots_overlap(slots_locked(vm), slot))
		return -EEXIST;
	if (!(slot->flags & KVM_MEM_LOG_DIRTY_PAGES))
		return slots_replace(vm, old, slot);
	if (old && old->dirty)
		slot->dirty = old->dirty;
	else
		ret = dirty_start(vm, slot->npages, &slot->dirty);
	return ret ? ret : slots_replace(vm, old, slot);
}

/* The region is valid by itself; vm->slots_lock is held. */
static int region_apply(struct lintel_vm *vm, const struct kvm_userspace_memory_region *region)
{
	struct lintel_memslot *old = memslot_by_id(vm, region->slot), *slot;
	int ret;

	if (!region->memory_size)
		return old ? slots_replace(vm, old, NULL) : -EINVAL;

	slot = kzalloc(sizeof(*slot), GFP_KERNEL_ACCOUNT);
	if (!slot)
		return -ENOMEM;
	slot->base = region->guest_phys_addr >> PAGE_SHIFT;
	slot->npages = region->memory_size >> PAGE_SHIFT;
	slot->hva = region->userspace_addr;
	slot->id = region->slot;
	slot->flags = region->flags;

	if (old && (slot->hva != old->hva || slot->npages != old->npages ||
		    ((slot->flags ^ old->flags) & ~KVM_MEM_LOG_DIRTY_PAGES)))
		ret = -EINVAL;
	else if (old && slot->base == old->base)
		ret = slot_log(vm, old, slot->flags);
	else
		ret = slot_put(vm, old, slot);
	if (memslot_by_id(vm, slot->id) != slot) {
		if (old && slot->dirty == old->dirty)
			slot->dirty = NULL;
		slot_free(vm, slot);
	}
	return ret;
}

int lintel_memslot_set(struct lintel_vm *vm, const struct kvm_userspace_memory_region *region)
{
	int ret = region_check(region);

	if (ret)
		return ret;
	mutex_lock(&vm->slots_lock);
	ret = region_apply(vm, region);
	/* a slot there hides the local APIC */
	if (!ret && vm->apic_page)
		lintel_ept_drop(vm, APIC_DEFAULT_PHYS_BASE >> PAGE_SHIFT);
	mutex_unlock(&vm->slots_lock);
	return ret;
}

int memslots_init(struct lintel_ept *ept)
{
	xa_init(&ept->slot_ids);
	ept->by_hva = RB_ROOT_CACHED;
	ept->slot_trees = kcalloc(2, sizeof(*ept->slot_trees), GFP_KERNEL_ACCOUNT);
	if (!ept->slot_trees)
		return -ENOMEM;
	ept->slot_trees[1].nr = 1;
	ept->slot_trees[0].generation = atomic64_inc_return(&generations);
	RCU_INIT_POINTER(ept->slots, &ept->slot_trees[0]);
	return 0;
}

/* The last reference to the VM is gone: nobody looks slots up. */
void memslots_destroy(struct lintel_ept *ept)
{
	struct lintel_memslot *slot, *next;

	rbtree_postorder_for_each_entry_safe(slot, next, &ept->slot_trees[0].root, by_gfn[0]) {
		kvfree(slot->dirty);
		kfree(slot);
	}
	kfree(ept->slot_trees);
	xa_destroy(&ept->slot_ids);
	RCU_INIT_POINTER(ept->slots, NULL);
}
