// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory slots: which ranges of guest-physical memory are which memory of the VMM.
 *
 * The slots in force stand in one array of pointers, sorted by guest address, that is never changed
 * in place: a change makes a new array and publishes it by SRCU.  A slot is found by binary search,
 * after a look at the one found last.  Two more indexes serve those who come from elsewhere: by the
 * slot's number (changes), and by the VMM's address (the MMU notifier), so that neither cost grows
 * with the number of slots.
 *
 * A slot is taken away in three steps.  First it is marked dying: no new entries are made for it,
 * but the MMU notifier still sees it and zaps what the host takes.  When all who may have missed
 * the mark are done, its entries are zapped.  Then the array without it is published, and when
 * nobody uses the old one any more the slot is freed.  A move is the same, with a new slot at the
 * new place in the last array.
 */
#include <linux/kvm.h>
#include <linux/mm.h>
#include <linux/nospec.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <asm/apicdef.h>

#include "dirty.h"

#define MEMSLOT_FLAGS		(KVM_MEM_READONLY | KVM_MEM_LOG_DIRTY_PAGES)
#define MEMSLOT_MAX_PAGES	((1ULL << 31) - 1)	/* of one slot: the API's limit */

bool memslot_writable(const struct lintel_memslot *slot)
{
	return !(slot->flags & KVM_MEM_READONLY);
}

static bool slot_covers(const struct lintel_memslot *slot, gfn_t gfn)
{
	return gfn >= slot->base && gfn - slot->base < slot->npages;
}

/* The index of the first slot that ends above @gfn. */
static unsigned int slots_position(const struct lintel_memslots *slots, gfn_t gfn)
{
	unsigned int low = 0, high = slots->count;

	while (low < high) {
		unsigned int i = low + (high - low) / 2;
		const struct lintel_memslot *slot = slots->slot[i];

		if (gfn < slot->base + slot->npages)
			high = i;
		else
			low = i + 1;
	}
	return low;
}

struct lintel_memslot *memslot_find_hint(const struct lintel_memslots *slots, gfn_t gfn,
					 unsigned int *hint)
{
	unsigned int i = *hint;

	if (i < slots->count && slot_covers(slots->slot[i], gfn))
		return slots->slot[i];
	i = slots_position(slots, gfn);
	if (i >= slots->count)
		return NULL;
	i = array_index_nospec(i, slots->count);
	if (!slot_covers(slots->slot[i], gfn))
		return NULL;
	*hint = i;
	return slots->slot[i];
}

struct lintel_memslot *memslot_by_id(struct lintel_vm *vm, u32 id)
{
	lockdep_assert_held(&vm->slots_lock);
	return xa_load(&vm->ept.slot_ids, id);
}

static atomic64_t generations;

static struct lintel_memslots *slots_alloc(unsigned int count)
{
	struct lintel_memslots *slots;

	slots = kvmalloc(struct_size(slots, slot, count), GFP_KERNEL_ACCOUNT);
	if (slots) {
		slots->count = count;
		slots->hint = 0;
		slots->generation = atomic64_inc_return(&generations);
	}
	return slots;
}

static struct lintel_memslots *slots_locked(struct lintel_vm *vm)
{
	return rcu_dereference_protected(vm->ept.slots, lockdep_is_held(&vm->slots_lock));
}

/* A copy of the slots in force without @gone and with @add; either may be NULL. */
static struct lintel_memslots *slots_changed(struct lintel_vm *vm,
					     const struct lintel_memslot *gone,
					     struct lintel_memslot *add)
{
	const struct lintel_memslots *old = slots_locked(vm);
	struct lintel_memslots *new = slots_alloc(old->count + !!add - !!gone);
	unsigned int i, n = 0;

	if (!new)
		return NULL;
	for (i = 0; i < old->count; i++) {
		struct lintel_memslot *slot = old->slot[i];

		if (slot == gone)
			continue;
		if (add && add->base < slot->base) {
			new->slot[n++] = add;
			add = NULL;
		}
		new->slot[n++] = slot;
	}
	if (add)
		new->slot[n] = add;
	return new;
}

/* Make @new the slots in force; on return nobody uses the old ones, and they are freed. */
static void slots_publish(struct lintel_vm *vm, struct lintel_memslots *new)
{
	struct lintel_memslots *old = slots_locked(vm);

	rcu_assign_pointer(vm->ept.slots, new);
	synchronize_srcu_expedited(&vm->srcu);
	kvfree(old);
}

static bool slots_overlap(const struct lintel_memslots *slots, const struct lintel_memslot *with)
{
	unsigned int i = slots_position(slots, with->base);

	/* the slot's own old place does not count; whatever follows it does */
	if (i < slots->count && slots->slot[i]->id == with->id)
		i++;
	return i < slots->count && slots->slot[i]->base < with->base + with->npages;
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
	struct lintel_memslots *new = slots_changed(vm, old, add);
	int ret;

	if (!new)
		return -ENOMEM;
	if (add) {
		ret = xa_err(xa_store(&ept->slot_ids, add->id, add, GFP_KERNEL_ACCOUNT));
		if (ret) {
			kvfree(new);
			return ret;
		}
		slot_show(ept, add);
	} else {
		xa_erase(&ept->slot_ids, old->id);
	}
	if (old) {
		WRITE_ONCE(old->flags, old->flags | MEMSLOT_DYING);
		synchronize_srcu_expedited(&vm->srcu);
		ept_zap_slot(ept, old->base, old->base + old->npages);
	}
	slots_publish(vm, new);
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
	struct lintel_memslots *slots = slots_alloc(0);

	xa_init(&ept->slot_ids);
	ept->by_hva = RB_ROOT_CACHED;
	RCU_INIT_POINTER(ept->slots, slots);
	return slots ? 0 : -ENOMEM;
}

/* The last reference to the VM is gone: nobody looks slots up. */
void memslots_destroy(struct lintel_ept *ept)
{
	struct lintel_memslots *slots = rcu_dereference_protected(ept->slots, true);
	unsigned int i;

	for (i = 0; i < slots->count; i++) {
		kvfree(slots->slot[i]->dirty);
		kfree(slots->slot[i]);
	}
	kvfree(slots);
	xa_destroy(&ept->slot_ids);
	RCU_INIT_POINTER(ept->slots, NULL);
}
