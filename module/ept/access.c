// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest memory as the module itself reads and writes it.
 *
 * The caller runs in the VMM's address space, so a guest-physical address is turned into the
 * VMM's by its slot, and copied as user memory: faults, copy-on-write, userfaultfd and dirty
 * tracking are the host's business.  Only the atomic exchange takes the page itself.
 */
#include <linux/highmem.h>
#include <linux/kvm.h>
#include <linux/mm.h>
#include <linux/uaccess.h>

#include "dirty.h"

static const struct lintel_memslot *access_slot(struct lintel_memslots *slots, gpa_t gpa,
						bool write)
{
	const struct lintel_memslot *slot = memslot_find(slots, gpa >> PAGE_SHIFT);

	if (!slot || (slot->flags & MEMSLOT_DYING) || (write && !memslot_writable(slot)))
		return NULL;
	return slot;
}

/* How much of @len bytes at @gpa lies in @slot. */
static size_t access_span(const struct lintel_memslot *slot, gpa_t gpa, size_t len)
{
	gpa_t end = (slot->base + slot->npages) << PAGE_SHIFT;

	return min_t(u64, len, end - gpa);
}

static void __user *access_hva(const struct lintel_memslot *slot, gpa_t gpa)
{
	return (void __user *)(memslot_hva(slot, gpa >> PAGE_SHIFT) + offset_in_page(gpa));
}

static bool access_covered(struct lintel_memslots *slots, gpa_t gpa, size_t len, bool write)
{
	while (len) {
		const struct lintel_memslot *slot = access_slot(slots, gpa, write);
		size_t n;

		if (!slot)
			return false;
		n = access_span(slot, gpa, len);
		gpa += n;
		len -= n;
	}
	return true;
}

int lintel_memory_hold(struct lintel_vm *vm) __acquires(&vm->srcu)
{
	return srcu_read_lock(&vm->srcu);
}

void lintel_memory_release(struct lintel_vm *vm, int idx) __releases(&vm->srcu)
{
	srcu_read_unlock(&vm->srcu, idx);
}

/* One word, as page walks read them, without what a copy of any length needs. */
static int read_word(struct lintel_memslots *slots, gpa_t gpa, u64 *data)
{
	const struct lintel_memslot *slot = access_slot(slots, gpa, false);

	if (!slot)
		return -ENXIO;
	return get_user(*data, (u64 __user *)access_hva(slot, gpa)) ? -EFAULT : 0;
}

int lintel_guest_read_held(struct lintel_vm *vm, gpa_t gpa, void *data, size_t len)
{
	struct lintel_memslots *slots = memslots_get(vm);
	int ret = 0;

	if (len == sizeof(u64) && IS_ALIGNED(gpa, sizeof(u64)))
		return read_word(slots, gpa, data);
	while (len) {
		const struct lintel_memslot *slot = access_slot(slots, gpa, false);
		size_t n;

		ret = -ENXIO;
		if (!slot)
			break;
		n = access_span(slot, gpa, len);
		ret = -EFAULT;
		if (copy_from_user(data, access_hva(slot, gpa), n))
			break;
		ret = 0;
		gpa += n;
		data += n;
		len -= n;
	}
	return ret;
}

int lintel_guest_read(struct lintel_vm *vm, gpa_t gpa, void *data, size_t len)
{
	int idx = srcu_read_lock(&vm->srcu);
	int ret = lintel_guest_read_held(vm, gpa, data, len);

	srcu_read_unlock(&vm->srcu, idx);
	return ret;
}

int lintel_guest_write_held(struct lintel_vm *vm, gpa_t gpa, const void *data, size_t len)
{
	struct lintel_memslots *slots = memslots_get(vm);
	int ret = 0;

	/* All of it or, where slots are missing, none. */
	if (!access_covered(slots, gpa, len, true))
		ret = -ENXIO;
	while (!ret && len) {
		const struct lintel_memslot *slot = access_slot(slots, gpa, true);
		size_t n = access_span(slot, gpa, len);

		if (copy_to_user(access_hva(slot, gpa), data, n))
			ret = -EFAULT;
		dirty_mark_range(vm, slot, gpa, n);
		gpa += n;
		data += n;
		len -= n;
	}
	return ret;
}

int lintel_guest_write(struct lintel_vm *vm, gpa_t gpa, const void *data, size_t len)
{
	int idx = srcu_read_lock(&vm->srcu);
	int ret = lintel_guest_write_held(vm, gpa, data, len);

	srcu_read_unlock(&vm->srcu, idx);
	return ret;
}

/*
 * Without sleeping: the page must be there.  The thread of an exiting process has no address space
 * any more, and is switched out like others.
 */
int lintel_guest_read_nofault(struct lintel_vm *vm, gpa_t gpa, void *data, size_t len)
{
	const struct lintel_memslot *slot;
	int idx, ret = -EFAULT;

	if (current->mm != vm->mm)
		return -EFAULT;
	idx = srcu_read_lock(&vm->srcu);
	slot = access_slot(memslots_get(vm), gpa, false);
	if (slot && access_span(slot, gpa, len) == len &&
	    !copy_from_user_nofault(data, access_hva(slot, gpa), len))
		ret = 0;
	srcu_read_unlock(&vm->srcu, idx);
	return ret;
}

int lintel_guest_write_nofault(struct lintel_vm *vm, gpa_t gpa, const void *data, size_t len)
{
	const struct lintel_memslot *slot;
	int idx, ret = -EFAULT;

	if (current->mm != vm->mm)
		return -EFAULT;
	idx = srcu_read_lock(&vm->srcu);
	slot = access_slot(memslots_get(vm), gpa, true);
	if (slot && access_span(slot, gpa, len) == len &&
	    !copy_to_user_nofault(access_hva(slot, gpa), data, len)) {
		dirty_mark_range(vm, slot, gpa, len);
		ret = 0;
	}
	srcu_read_unlock(&vm->srcu, idx);
	return ret;
}

#define CMPXCHG_AS(type, at, old, new) \
	(cmpxchg((type *)(at), *(const type *)(old), *(const type *)(new)) == *(const type *)(old))

static int cmpxchg_at(void *at, const void *old, const void *new, size_t len)
{
	switch (len) {
	case 1:
		return !CMPXCHG_AS(u8, at, old, new);
	case 2:
		return !CMPXCHG_AS(u16, at, old, new);
	case 4:
		return !CMPXCHG_AS(u32, at, old, new);
	default:
		return !CMPXCHG_AS(u64, at, old, new);
	}
}

static int cmpxchg_user(unsigned long addr, const void *old, const void *new, size_t len)
{
	struct page *page;
	void *at;
	int ret;

	if (get_user_pages_fast(addr, 1, FOLL_WRITE, &page) != 1)
		return -EFAULT;
	at = kmap_local_page(page);
	ret = cmpxchg_at(at + offset_in_page(addr), old, new, len);
	kunmap_local(at);
	if (!ret)
		set_page_dirty_lock(page);
	put_page(page);
	return ret;
}

int lintel_guest_cmpxchg(struct lintel_vm *vm, gpa_t gpa, const void *old, const void *new,
			 size_t len)
{
	const struct lintel_memslot *slot;
	int idx, ret = -ENXIO;

	if (!len || len > 8 || (len & (len - 1)) || (gpa & (len - 1)))
		return -EFAULT;
	idx = srcu_read_lock(&vm->srcu);
	slot = access_slot(memslots_get(vm), gpa, true);
	if (slot)
		ret = cmpxchg_user((unsigned long)access_hva(slot, gpa), old, new, len);
	if (!ret)
		dirty_mark_range(vm, slot, gpa, len);
	srcu_read_unlock(&vm->srcu, idx);
	return ret;
}

bool lintel_gpa_has_memory_held(struct lintel_vm *vm, gpa_t gpa, bool write)
{
	return access_slot(memslots_get(vm), gpa, write);
}

bool lintel_gpa_has_memory(struct lintel_vm *vm, gpa_t gpa, bool write)
{
	int idx = srcu_read_lock(&vm->srcu);
	bool found = lintel_gpa_has_memory_held(vm, gpa, write);

	srcu_read_unlock(&vm->srcu, idx);
	return found;
}

int lintel_gpa_hva(struct lintel_vm *vm, gpa_t gpa, hva_t *hva)
{
	const struct lintel_memslot *slot;
	int idx = srcu_read_lock(&vm->srcu);

	slot = access_slot(memslots_get(vm), gpa, false);
	if (slot)
		*hva = memslot_hva(slot, gpa >> PAGE_SHIFT);
	srcu_read_unlock(&vm->srcu, idx);
	return slot ? 0 : -ENXIO;
}

/* --- the guest's page tables: guest_walk() on a VM's memory --- */

static int walk_read(void *ctx, gpa_t gpa, void *data, size_t len)
{
	return lintel_guest_read_held(ctx, gpa, data, len);
}

static int walk_exchange(void *ctx, gpa_t gpa, const void *old, const void *new, size_t len)
{
	return lintel_guest_cmpxchg(ctx, gpa, old, new, len);
}

int lintel_guest_walk_held(struct lintel_vm *vm, const struct guest_paging *paging,
			   unsigned long gva, unsigned int access, gpa_t *gpa,
			   struct guest_walk_fault *fault)
{
	static const struct guest_walk_ops ops = {
		.read = walk_read,
		.exchange = walk_exchange,
	};

	return guest_walk(&ops, vm, paging, gva, access, gpa, fault);
}

int lintel_guest_walk(struct lintel_vm *vm, const struct guest_paging *paging, unsigned long gva,
		      unsigned int access, gpa_t *gpa, struct guest_walk_fault *fault)
{
	int idx = srcu_read_lock(&vm->srcu);
	int ret = lintel_guest_walk_held(vm, paging, gva, access, gpa, fault);

	srcu_read_unlock(&vm->srcu, idx);
	return ret;
}
