// SPDX-License-Identifier: GPL-2.0-only
/*
 * Dirty rings: each vCPU tells user space, in memory that both map, which pages it has dirtied.
 *
 * The vCPU's thread pushes an entry and user space marks it as harvested; KVM_RESET_DIRTY_RINGS
 * takes marked entries back and has the next write to their pages noticed.  A page is pushed once
 * until then: the slot's bitmap remembers.  From the soft limit on KVM_RUN refuses to run; what an
 * exit can still add fits above it.
 *
 * User space may write into a ring what it likes.  Only flags, slot and offset of an entry are ever
 * read, each once, and checked like arguments of an ioctl; a false entry makes its writer lose
 * track of its own pages, no more.  What was pushed and reset is counted outside of the ring.
 */
#include <linux/kvm.h>
#include <linux/mm.h>
#include <linux/nospec.h>
#include <linux/sched.h>
#include <linux/vmalloc.h>

#include "../vcpu.h"
#include "dirty.h"

static_assert(sizeof(struct kvm_dirty_gfn) == RING_ENTRY_BYTES);
static_assert(RING_MAX_ENTRIES * RING_ENTRY_BYTES == LINTEL_MAX_RING_BYTES);

int lintel_ring_alloc(struct lintel_vcpu *vcpu)
{
	u32 entries = vcpu->vm->ept.ring_entries;

	if (!entries)
		return 0;
	vcpu->ring.entry = __vmalloc(array_size(entries, RING_ENTRY_BYTES),
				     GFP_KERNEL_ACCOUNT | __GFP_ZERO);
	return vcpu->ring.entry ? 0 : -ENOMEM;
}

void lintel_ring_free(struct lintel_vcpu *vcpu)
{
	vfree(vcpu->ring.entry);
}

struct page *lintel_ring_page(struct lintel_vcpu *vcpu, unsigned long index)
{
	unsigned long bytes = vcpu->vm->ept.ring_entries * RING_ENTRY_BYTES;

	if (!vcpu->ring.entry || index >= bytes >> PAGE_SHIFT)
		return NULL;
	index = array_index_nospec(index, bytes >> PAGE_SHIFT);
	return vmalloc_to_page((void *)vcpu->ring.entry + (index << PAGE_SHIFT));
}

static struct kvm_dirty_gfn *ring_entry(struct lintel_vcpu *vcpu, u32 position)
{
	return &vcpu->ring.entry[position & (vcpu->vm->ept.ring_entries - 1)];
}

bool lintel_ring_full(struct lintel_vcpu *vcpu)
{
	u32 used = ring_used(vcpu->ring.pushed, READ_ONCE(vcpu->ring.reset));

	return vcpu->ring.entry && used >= vcpu->vm->ept.ring_entries - ring_reserve(dirty_pml());
}

void ring_push(struct lintel_vcpu *vcpu, u32 id, u64 offset)
{
	struct lintel_ring *ring = &vcpu->ring;
	struct kvm_dirty_gfn *entry;
	u32 room;

	/* Whoever takes the thread off the CPU may write for its guest: steal time. */
	preempt_disable();
	entry = ring_entry(vcpu, ring->pushed);
	room = vcpu->vm->ept.ring_entries - ring_used(ring->pushed, READ_ONCE(ring->reset));
	/* Not reached, the limit leaves room; what user space has not read is not overwritten. */
	if (!room)
		goto out;
	WRITE_ONCE(entry->slot, id);
	WRITE_ONCE(entry->offset, offset);
	/* User space acquires the flags, then reads the rest. */
	smp_store_release(&entry->flags, KVM_DIRTY_GFN_F_DIRTY);
	WRITE_ONCE(ring->pushed, ring->pushed + 1);
	if (room - 1 <= ring_reserve(dirty_pml()))
		lintel_vcpu_request(vcpu, REQ_RING_FULL);
out:
	preempt_enable();
}

/* A run of entries near each other, to be protected by one walk. */
struct ring_batch {
	const struct lintel_memslot *slot;
	u64 first;		/* page of the bitmap word */
	unsigned long mask;
};

static void batch_protect(struct lintel_vm *vm, struct ring_batch *batch, struct ept_gather *gather)
{
	const struct lintel_memslot *slot = batch->slot;

	if (!batch->mask)
		return;
	slot->dirty[dirty_words(slot->npages) + batch->first / DIRTY_WORD_PAGES] = batch->mask;
	dirty_harvest(vm, slot, batch->first,
		      min_t(u64, DIRTY_WORD_PAGES, slot->npages - batch->first), false, gather);
	batch->mask = 0;
}

static void batch_add(struct lintel_vm *vm, struct ring_batch *batch, u32 id, u64 offset,
		      struct ept_gather *gather)
{
	const struct lintel_memslot *slot = batch->slot;
	u64 first;

	/* vm->slots_lock keeps the slot of the last entry */
	if (id >= LINTEL_MAX_MEMSLOTS)
		return;
	if (!slot || slot->id != id)
		slot = memslot_by_id(vm, array_index_nospec(id, LINTEL_MAX_MEMSLOTS));
	/* the slot is gone, or user space has written nonsense */
	if (!slot || !slot->dirty || offset >= slot->npages)
		return;
	offset = array_index_nospec(offset, slot->npages);
	first = round_down(offset, DIRTY_WORD_PAGES);
	if (slot != batch->slot || first != batch->first)
		batch_protect(vm, batch, gather);
	batch->slot = slot;
	batch->first = first;
	batch->mask |= BIT(offset - first);
}

/* At most what was pushed: user space cannot keep us here by marking entries again and again. */
static u32 reset_ring(struct lintel_vcpu *vcpu, struct ring_batch *batch, struct ept_gather *gather)
{
	struct lintel_ring *ring = &vcpu->ring;
	u32 n, used = ring_used(READ_ONCE(ring->pushed), ring->reset);

	for (n = 0; n < used; n++) {
		struct kvm_dirty_gfn *entry = ring_entry(vcpu, ring->reset);
		u32 id;
		u64 offset;

		/* Pairs with user space's release, after it has read the entry. */
		if (!(smp_load_acquire(&entry->flags) & KVM_DIRTY_GFN_F_RESET))
			break;
		id = READ_ONCE(entry->slot);
		offset = READ_ONCE(entry->offset);
		/* The entry has been read: the vCPU's thread may use it again. */
		smp_store_release(&entry->flags, 0);
		/* And only after its flags are clear. */
		smp_store_release(&ring->reset, ring->reset + 1);
		batch_add(vcpu->vm, batch, id, offset, gather);
		if (!(n % DIRTY_WORD_PAGES))
			cond_resched();
	}
	return n;
}

int lintel_ring_reset(struct lintel_vm *vm)
{
	struct ept_gather gather = {};
	struct ring_batch batch = {};
	struct lintel_vcpu *vcpu;
	unsigned int i;
	u32 n = 0;

	lockdep_assert_held(&vm->slots_lock);
	if (!vm->ept.ring_entries)
		return -EINVAL;
	for_each_vcpu(i, vcpu, vm)
		n += reset_ring(vcpu, &batch, &gather);
	batch_protect(vm, &batch, &gather);
	dirty_flush(vm, &gather);
	return n;
}

int lintel_ring_enable(struct lintel_vm *vm, u64 bytes)
{
	int ret = ring_check_bytes(bytes, dirty_pml());
	unsigned int i;

	lockdep_assert_held(&vm->lock);
	if (ret)
		return ret;
	/* once, and before any vCPU: each gets its ring when it is made */
	if (vm->ept.ring_entries || vm->nr_vcpus)
		return -EINVAL;
	mutex_lock(&vm->slots_lock);
	vm->ept.ring_entries = bytes / RING_ENTRY_BYTES;
	/* what bitmaps say is for user space no more, but for which pages are in a ring: none */
	for (i = 0; i < LINTEL_MAX_MEMSLOTS && vm->ept.nr_logged; i++) {
		const struct lintel_memslot *slot = memslot_by_id(vm, i);

		if (slot && slot->dirty)
			bitmap_zero(slot->dirty, slot->npages);
	}
	mutex_unlock(&vm->slots_lock);
	return 0;
}
