/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Dirty logging, as the rest of module/ept uses it.
 *
 * A slot that is logged has a bitmap, slot->dirty: a bit for each page, and behind them as many
 * that serve as scratch.  A clear bit promises that the next write will be noticed: no entry lets
 * the guest write there, or, with the CPU's own log (PML), none that does has its dirty bit set.
 */
#ifndef LINTEL_EPT_DIRTY_H
#define LINTEL_EPT_DIRTY_H

#include "dirty_math.h"
#include "internal.h"

/*
 * dirty_bits - the bitmap of @slot, NULL: not logged.  In a section of vm->srcu, or vm->slots_lock.
 */
static inline unsigned long *dirty_bits(const struct lintel_memslot *slot)
{
	return READ_ONCE(slot->dirty);
}

/* dirty_pml - dirty bits and the CPU's log are what notices writes.  Constant. */
bool dirty_pml(void);

/*
 * dirty_mark - page @gfn of @slot was written.  In a section of vm->srcu, on any path that runs for
 * @vcpu (NULL: for the vCPU that this thread has loaded).  After the write, or under the ept->lock
 * that allows it.
 */
void dirty_mark(struct lintel_vm *vm, struct lintel_vcpu *vcpu, const struct lintel_memslot *slot,
		gfn_t gfn);
void dirty_mark_range(struct lintel_vm *vm, const struct lintel_memslot *slot, gpa_t gpa,
		      size_t len);

/*
 * dirty_fault - a write to @gfn of the logged @slot: make its entry writable without asking the
 * host, if logging alone was in the way.  Returns EPT_FIXED, -ENOENT (it was not: find the page),
 * -ENOMEM, or with EPT_ATOMIC -EWOULDBLOCK: again, where sleeping is allowed.
 */
int dirty_fault(struct lintel_vcpu *vcpu, const struct lintel_memslot *slot, gfn_t gfn,
		enum ept_wait wait);

/*
 * A change of slots, vm->slots_lock held.  dirty_start() before a slot with the flag is published,
 * as *@bits; dirty_protect() after it, when no fault can still know the slot without; dirty_stop()
 * when none can know @bits any more: frees them, and lets large entries come back.
 */
int dirty_start(struct lintel_vm *vm, u64 npages, unsigned long **bits);
void dirty_protect(struct lintel_vm *vm, const struct lintel_memslot *slot);
void dirty_stop(struct lintel_vm *vm, const struct lintel_memslot *slot, unsigned long *bits);

/*
 * dirty_harvest - take bits of pages [@first, @first + @nr) of @slot, whole words: all of them, or
 * those that the scratch half names; the scratch half then says which were set, and the next write
 * to those will be noticed once dirty_flush() is done.  vm->slots_lock held.
 */
void dirty_harvest(struct lintel_vm *vm, const struct lintel_memslot *slot, u64 first, u64 nr,
		   bool all, struct ept_gather *gather);
void dirty_flush(struct lintel_vm *vm, struct ept_gather *gather);

/* ring_push - @offset of slot @id into the ring of @vcpu, whose thread this is. */
void ring_push(struct lintel_vcpu *vcpu, u32 id, u64 offset);

#endif
