// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory slots: which ranges of guest-physical memory are which memory of the VMM.
 *
 * All slots stand in one sorted array that is never changed in place: a change makes a new array
 * and publishes it by SRCU.  A slot is found by binary search, after a look at the one found last.
 *
 * A slot is taken away in three steps.  First an array is published in which it is marked dying: no
 * new entries are made for it, but the MMU notifier still sees it and zaps what the host takes.
 * When all who may use the old array are done, its entries are zapped.  Then the array without it
 * is published.  A move is the same, with the slot at its new place in the last array.
 */
#include <linux/kvm.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "internal.h"

#define MEMSLOT_FLAGS		KVM_MEM_READONLY
#define MEMSLOT_MAX_PAGES	((1ULL << 31) - 1)	/* of one slot: the API's limit */

bool memslot_writable(const struct lintel_memslot *slot)
{
	return !(slot->flags & KVM_MEM_READONLY);
}

static bool slot_covers(const struct lintel_memslot *slot, gfn_t gfn)
{
	return gfn >= slot->base && gfn - slot->base < slot->npages;
}

const struct lintel_memslot *memslot_find(struct lintel_memslots *slots, gfn_t gfn)
{
	unsigned int low = 0, high = slots->count, i = READ_ONCE(slots->hint);

	if (i < slots->count && slot_covers(&slots->slot[i], gfn))
		return &slots->slot[i];

	while (low < high) {
		i = low + (high - low) / 2;
		if (slot_covers(&slots->slot[i], gfn)) {
			WRITE_ONCE(slots->hint, i);
			return &slots->slot[i];
		}
		if (gfn < slots->slot[i].base)
			high = i;
		else
			low = i + 1;
	}
	return NULL;
}

static struct lintel_memslots *slots_alloc(unsigned int count)
{
	struct lintel_memslots *slots;

	return kvzalloc(struct_size(slots, slot, count), GFP_KERNEL_ACCOUNT);
}

static void slots_append(struct lintel_memslots *slots, const struct lintel_memslot *slot)
{
	slots->slot[slots->count++] = *slot;
	slots->npages += slot->npages;
}

/* A copy of @old without the slot number @id, and with @add (if not NULL) in its place by base. */
static struct lintel_memslots *slots_rebuild(const struct lintel_memslots *old, u32 id,
					     const struct lintel_memslot *add)
{
	struct lintel_memslots *new = slots_alloc(old->count + 1);
	unsigned int i;

	if (!new)
		return NULL;
	for (i = 0; i < old->count; i++) {
		const struct lintel_memslot *slot = &old->slot[i];

		if (slot->id == id)
			continue;
		if (add && add->base < slot->base) {
			slots_append(new, add);
			add = NULL;
		}
		slots_append(new, slot);
	}
	if (add)
		slots_append(new, add);
	return new;
}

static struct lintel_memslots *slots_locked(struct lintel_vm *vm)
{
	return rcu_dereference_protected(vm->ept.slots, lockdep_is_held(&vm->slots_lock));
}

/* Make @new the slots in force; on return nobody uses the old ones, and they are freed. */
static void slots_publish(struct lintel_vm *vm, struct lintel_memslots *new)
{
	struct lintel_memslots *old = slots_locked(vm);

	rcu_assign_pointer(vm->ept.slots, new);
	synchronize_srcu(&vm->srcu);
	kvfree(old);
}

static const struct lintel_memslot *slots_by_id(const struct lintel_memslots *slots, u32 id)
{
	unsigned int i;

	for (i = 0; i < slots->count; i++)
		if (slots->slot[i].id == id)
			return &slots->slot[i];
	return NULL;
}

static bool slots_overlap(const struct lintel_memslots *slots, const struct lintel_memslot *with)
{
	unsigned int i;

	for (i = 0; i < slots->count; i++) {
		const struct lintel_memslot *slot = &slots->slot[i];

		if (slot->id != with->id && with->base < slot->base + slot->npages &&
		    slot->base < with->base + with->npages)
			return true;
	}
	return false;
}

/* Take slot @id away and, for a move, put @moved in.  Nothing has changed if it fails. */
static int slots_replace(struct lintel_vm *vm, const struct lintel_memslot *old,
			 const struct lintel_memslot *moved)
{
	struct lintel_memslot dying = *old;
	struct lintel_memslots *interim, *final;

	dying.flags |= MEMSLOT_DYING;
	interim = slots_rebuild(slots_locked(vm), old->id, &dying);
	final = slots_rebuild(slots_locked(vm), old->id, moved);
	if (!interim || !final) {
		kvfree(interim);
		kvfree(final);
		return -ENOMEM;
	}

	slots_publish(vm, interim);	/* frees *old */
	ept_zap_and_free(&vm->ept, dying.base, dying.base + dying.npages, true);
	slots_publish(vm, final);
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

/* The region is valid by itself; vm->slots_lock is held. */
static int region_apply(struct lintel_vm *vm, const struct kvm_userspace_memory_region *region)
{
	struct lintel_memslots *slots = slots_locked(vm), *new;
	const struct lintel_memslot *old = slots_by_id(slots, region->slot);
	struct lintel_memslot slot = {
		.base = region->guest_phys_addr >> PAGE_SHIFT,
		.npages = region->memory_size >> PAGE_SHIFT,
		.hva = region->userspace_addr,
		.id = region->slot,
		.flags = region->flags,
	};

	if (!slot.npages)
		return old ? slots_replace(vm, old, NULL) : -EINVAL;

	if (old) {
		if (slot.hva != old->hva || slot.npages != old->npages ||
		    slot.flags != old->flags)
			return -EINVAL;
		if (slot.base == old->base)
			return 0;
	}
	if (slots_overlap(slots, &slot))
		return -EEXIST;
	if (old)
		return slots_replace(vm, old, &slot);

	new = slots_rebuild(slots, slot.id, &slot);
	if (!new)
		return -ENOMEM;
	slots_publish(vm, new);
	return 0;
}

int lintel_memslot_set(struct lintel_vm *vm, const struct kvm_userspace_memory_region *region)
{
	int ret = region_check(region);

	if (ret)
		return ret;
	mutex_lock(&vm->slots_lock);
	ret = region_apply(vm, region);
	mutex_unlock(&vm->slots_lock);
	return ret;
}

int memslots_init(struct lintel_ept *ept)
{
	struct lintel_memslots *slots = slots_alloc(0);

	RCU_INIT_POINTER(ept->slots, slots);
	return slots ? 0 : -ENOMEM;
}

/* The last reference to the VM is gone: nobody looks slots up. */
void memslots_destroy(struct lintel_ept *ept)
{
	kvfree(rcu_dereference_protected(ept->slots, true));
	RCU_INIT_POINTER(ept->slots, NULL);
}
