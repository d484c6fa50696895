// SPDX-License-Identifier: GPL-2.0-only
/*
 * Dirty logging: which pages of a slot the guest, or the module for it, has written.
 *
 * A write is noticed in one of two ways.  With PML the CPU itself logs the address each time it
 * sets the dirty bit of an entry, and the log is moved to the bitmap when the guest is left.
 * Without it the right to write is withheld, and the violation gives it back.  In both, new entries
 * of a logged slot are of 4 KiB; large ones that stand lose the right to write, and are split where
 * the guest writes; when logging ends, tables go where the host maps large, and large entries come
 * with the next faults.
 *
 * The bitmap and the entries are brought together under ept->lock: a fault marks the page and
 * grants the right under the lock for reading, whoever takes bits clears them and withholds the
 * right under it for writing.  One flush at the end, before user space sees the bits: what a CPU
 * writes until then by what it remembers is in the page when user space copies it.  The lock is
 * dropped after each 2 MiB.
 *
 * With dirty rings the same bitmap says which pages are in a ring already: dirty_ring.c.
 */
#include <linux/kvm.h>
#include <linux/mm.h>
#include <linux/nospec.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/smp.h>

#include "dirty.h"
#include "../params.h"
#include "../vcpu.h"

/* Pages that are looked at under one hold of ept->lock, and their words. */
#define CHUNK_PAGES	512UL
#define CHUNK_WORDS	(CHUNK_PAGES / DIRTY_WORD_PAGES)

static_assert(BITS_PER_LONG == DIRTY_WORD_PAGES);
static_assert(PML_ENTRIES == LINTEL_PML_ENTRIES);

bool dirty_pml(void)
{
	return lintel_params.pml;
}

/* --- noticing --- */

static struct lintel_vcpu *current_vcpu(struct lintel_vm *vm)
{
	struct lintel_vcpu *vcpu;
	unsigned int i;

	for_each_vcpu(i, vcpu, vm)
		if (READ_ONCE(vcpu->thread) == current)
			return vcpu;
	return NULL;
}

void dirty_mark(struct lintel_vm *vm, struct lintel_vcpu *vcpu, const struct lintel_memslot *slot,
		gfn_t gfn)
{
	unsigned long *bits = dirty_bits(slot);
	u64 page = gfn - slot->base;

	if (!bits)
		return;
	if (!vm->ept.ring_entries) {
		set_bit(page, bits);
		return;
	}
	/* All writers run for a vCPU; what does not could not be told. */
	if (!vcpu)
		vcpu = current_vcpu(vm);
	if (vcpu && !test_and_set_bit(page, bits))
		ring_push(vcpu, slot->id, page);
}

void dirty_mark_range(struct lintel_vm *vm, const struct lintel_memslot *slot, gpa_t gpa,
		      size_t len)
{
	gfn_t gfn = gpa >> PAGE_SHIFT, last = (gpa + len - 1) >> PAGE_SHIFT;

	if (!dirty_bits(slot))
		return;
	/* The write comes before the mark, whoever takes the mark. */
	smp_mb__before_atomic();
	for (; gfn <= last; gfn++)
		dirty_mark(vm, NULL, slot, gfn);
}

void lintel_dirty_log_pages(struct lintel_vcpu *vcpu, const u64 *log, unsigned int index)
{
	struct lintel_vm *vm = vcpu->vm;
	int idx = srcu_read_lock(&vm->srcu);
	struct lintel_memslots *slots = memslots_get(vm);
	unsigned int first = pml_first(index), i;

	/* filled downwards: the oldest is the last */
	for (i = PML_ENTRIES; i-- > first;) {
		gfn_t gfn = log[i] >> PAGE_SHIFT;
		const struct lintel_memslot *slot = memslot_find(slots, gfn);

		if (slot)
			dirty_mark(vm, vcpu, slot, gfn);
	}
	srcu_read_unlock(&vm->srcu, idx);
}

/* --- a violation because of logging --- */

#define FAULT_SPLIT	2

/* User space wants all pages reported first, and write protection only by KVM_CLEAR_DIRTY_LOG. */
static bool initially_set(const struct lintel_vm *vm)
{
	return !vm->ept.ring_entries && (vm->ept.dirty_manual & KVM_DIRTY_LOG_INITIALLY_SET);
}

static int grant_write(struct lintel_vcpu *vcpu, const struct lintel_memslot *slot, gfn_t gfn)
{
	struct lintel_ept *ept = &vcpu->vm->ept;
	struct ept_iter it;
	u64 new;

	lockdep_assert_held(&ept->lock);
	for (;;) {
		ept_iter_find(&it, ept_root(ept), gfn);
		if (!ept_is_leaf(it.old, it.level))
			return -ENOENT;
		if (it.old & VMX_EPT_WRITABLE_MASK)
			return EPT_FIXED;
		if (!(it.old & EPT_WITHHELD_BIT))
			return -ENOENT;
		if (it.level > EPT_4K)
			return FAULT_SPLIT;
		new = ept_log_grant(it.old);
		if (ept->eptp & VMX_EPTP_AD_ENABLE_BIT)
			new |= VMX_EPT_ACCESS_BIT | VMX_EPT_DIRTY_BIT;
		if (ept_set_pte(ept, &it, new, NULL)) {
			dirty_mark(vcpu->vm, vcpu, slot, gfn);
			return EPT_FIXED;
		}
	}
}

/*
 * Put @table in the place of the large leaf at @gfn, if it is there.  CPUs that still use the leaf
 * see the same frames with fewer rights, so nothing need be flushed for the split itself.
 */
static bool split_leaf(struct lintel_ept *ept, gfn_t gfn, struct page *table)
{
	struct ept_gather gather = {};
	u64 *entries = page_address(table);
	bool done = false;
	struct ept_iter it;
	unsigned int i;

	write_lock(&ept->lock);
	ept_iter_find(&it, ept_root(ept), gfn);
	while (!done && it.level > EPT_4K && ept_is_leaf(it.old, it.level) &&
	       (it.old & EPT_WITHHELD_BIT)) {
		for (i = 0; i < EPT_ENTRIES; i++)
			ept_store_new(&entries[i], ept_log_split(it.old, it.level, i, dirty_pml()));
		done = ept_set_pte(ept, &it, ept_make_table(page_to_phys(table)), &gather);
		if (done)
			atomic_long_add(EPT_ENTRIES, &ept->nr_leaves[it.level - 1 - EPT_4K]);
	}
	write_unlock(&ept->lock);
	return done;
}

int dirty_fault(struct lintel_vcpu *vcpu, const struct lintel_memslot *slot, gfn_t gfn,
		enum ept_wait wait)
{
	struct lintel_ept *ept = &vcpu->vm->ept;
	int ret;

	for (;;) {
		struct page *table;

		if (wait != EPT_ATOMIC)
			read_lock(&ept->lock);
		else if (!read_trylock(&ept->lock))
			return -EWOULDBLOCK;
		ret = grant_write(vcpu, slot, gfn);
		read_unlock(&ept->lock);
		if (ret != FAULT_SPLIT)
			return ret;
		if (wait == EPT_ATOMIC)
			return -EWOULDBLOCK;
		table = ept_alloc_table(GFP_KERNEL);
		if (!table)
			return -ENOMEM;
		if (!split_leaf(ept, gfn, table))
			ept_free_table(table);
	}
}

/* --- asking for notice --- */

/*
 * Wait until each vCPU that is in the guest now has left it, with what its CPU had logged in the
 * bitmap: the log is emptied before interrupts are on again, so before the call is answered.
 */
static void ack(void *unused)
{
}

static void sync_vcpus(struct lintel_vm *vm)
{
	struct lintel_vcpu *vcpu;
	unsigned int i;

	/* What was written before, against smp_store_mb() of the mode. */
	smp_mb();
	for_each_vcpu(i, vcpu, vm) {
		int cpu;

		/* pairs with the release when the guest was left */
		if (smp_load_acquire(&vcpu->mode) != IN_GUEST)
			continue;
		cpu = READ_ONCE(vcpu->cpu);
		if (cpu >= 0)
			smp_call_function_single(cpu, ack, NULL, 1);
	}
}

/* Is a bit set for what the leaf at @it, from its position on, maps of pages up to @last? */
static bool any_bit(const unsigned long *bits, const struct lintel_memslot *slot,
		    const struct ept_iter *it, u64 last)
{
	u64 page = it->next - slot->base, end;

	if (it->level == EPT_4K)
		return test_bit(page, bits);
	end = min(it->base + ept_pages(it->level) - slot->base, last);
	return find_next_bit(bits, end, page) < end;
}

/*
 * Notice the next write to pages [@first, @last) of @slot: to those whose bit in @bits is set, or
 * to all if that is NULL.  ept->lock held for write.
 */
static void protect_pages(struct lintel_ept *ept, const struct lintel_memslot *slot,
			  const unsigned long *bits, u64 first, u64 last,
			  struct ept_gather *gather)
{
	struct ept_iter it;

	for_each_ept_pte(it, ept_root(ept), slot->base + first, slot->base + last, EPT_4K) {
		u64 new;

		if (!ept_is_leaf(it.old, it.level) || (bits && !any_bit(bits, slot, &it, last)))
			continue;
		do {
			new = ept_log_protect(it.old, it.level, dirty_pml());
		} while (new != it.old && !ept_set_pte(ept, &it, new, gather));
	}
}

/* Take bits of one word, those in *@taken or all; true if there were any: they are in *@taken. */
static bool take_bits(unsigned long *word, unsigned long *taken, bool all)
{
	if (all)
		*taken = READ_ONCE(word[0]) ? atomic_long_xchg((atomic_long_t *)word, 0) : 0;
	else if (*taken)
		*taken &= atomic_long_fetch_andnot(*taken, (atomic_long_t *)word);
	return *taken;
}

void dirty_harvest(struct lintel_vm *vm, const struct lintel_memslot *slot, u64 first, u64 nr,
		   bool all, struct ept_gather *gather)
{
	unsigned long *bits = slot->dirty, *taken = bits + dirty_words(slot->npages);
	u64 word = first / DIRTY_WORD_PAGES, end = dirty_words(first + nr);

	while (word < end) {
		u64 chunk_end = min(word + CHUNK_WORDS, end);
		bool any = false;
		u64 i;

		for (i = word; i < chunk_end; i++)
			any |= all ? READ_ONCE(bits[i]) : taken[i];
		if (!any) {
			memset(&taken[word], 0, (chunk_end - word) * sizeof(*taken));
			word = chunk_end;
			continue;
		}
		any = false;
		write_lock(&vm->ept.lock);
		for (i = word; i < chunk_end; i++)
			any |= take_bits(&bits[i], &taken[i], all);
		if (any)
			protect_pages(&vm->ept, slot, taken, word * DIRTY_WORD_PAGES,
				      min(chunk_end * DIRTY_WORD_PAGES, slot->npages), gather);
		write_unlock(&vm->ept.lock);
		word = chunk_end;
		cond_resched();
	}
}

void dirty_flush(struct lintel_vm *vm, struct ept_gather *gather)
{
	write_lock(&vm->ept.lock);
	ept_flush(&vm->ept, gather);
	write_unlock(&vm->ept.lock);
}

/* --- changes of slots --- */

int dirty_start(struct lintel_vm *vm, u64 npages, unsigned long **bits)
{
	u64 words = dirty_words(npages);

	*bits = kvcalloc(2 * words, sizeof(**bits), GFP_KERNEL_ACCOUNT);
	if (!*bits)
		return -ENOMEM;
	if (initially_set(vm))
		bitmap_set(*bits, 0, npages);
	/*
	 * Each CPU logs before an entry is made that relies on it.  A vCPU that goes on after this
	 * turns its log on at its next entry.
	 */
	vm->ept.nr_logged++;
	if (dirty_pml() && vm->ept.nr_logged == 1) {
		WRITE_ONCE(vm->ept.pml, true);
		sync_vcpus(vm);
	}
	return 0;
}

void dirty_protect(struct lintel_vm *vm, const struct lintel_memslot *slot)
{
	struct ept_gather gather = {};
	u64 page;

	/* All are dirty: user space clears them when it wants to hear of the next write. */
	if (initially_set(vm))
		return;
	for (page = 0; page < slot->npages; page += CHUNK_PAGES) {
		write_lock(&vm->ept.lock);
		protect_pages(&vm->ept, slot, NULL, page,
			      min(page + CHUNK_PAGES, slot->npages), &gather);
		write_unlock(&vm->ept.lock);
		cond_resched();
	}
	dirty_flush(vm, &gather);
}

/* Logging has ended: give back what it withheld, and make room for large entries. */
static void rejoin(struct lintel_vm *vm, const struct lintel_memslot *slot)
{
	struct lintel_ept *ept = &vm->ept;
	gfn_t gfn = slot->base, end = slot->base + slot->npages, next;
	struct ept_gather gather = {};
	struct ept_iter it;

	for (; gfn < end; gfn = next) {
		int level = 0;

		next = min(end, ept_align(gfn, EPT_2M) + ept_pages(EPT_2M));
		write_lock(&ept->lock);
		for_each_ept_pte(it, ept_root(ept), gfn, next, EPT_4K) {
			u64 new;

			if (!ept_is_leaf(it.old, it.level))
				continue;
			if (it.level == EPT_4K && !level)
				level = ept_host_level(slot, it.base, ept_pfn(it.old));
			if (level > EPT_4K)
				break;
			do {
				new = ept_log_grant(it.old);
			} while (new != it.old && !ept_set_pte(ept, &it, new, &gather));
		}
		if (level > EPT_4K) {
			next = ept_align(gfn, level) + ept_pages(level);
			ept_zap(ept, ept_align(gfn, level), next, &gather);
		}
		write_unlock(&ept->lock);
		cond_resched();
	}
	dirty_flush(vm, &gather);
	ept_free_tables(ept, &gather, true);
}

void dirty_stop(struct lintel_vm *vm, const struct lintel_memslot *slot, unsigned long *bits)
{
	kvfree(bits);
	if (!--vm->ept.nr_logged)
		WRITE_ONCE(vm->ept.pml, false);
	if (slot)
		rejoin(vm, slot);
}

/* --- what user space asks --- */

/* The logged slot @id, or ERR_PTR. */
static const struct lintel_memslot *logged_slot(struct lintel_vm *vm, u32 id)
{
	const struct lintel_memslot *slot;

	lockdep_assert_held(&vm->slots_lock);
	if (vm->ept.ring_entries)
		return ERR_PTR(-ENXIO);
	if (id >= LINTEL_MAX_MEMSLOTS)
		return ERR_PTR(-EINVAL);
	slot = memslot_by_id(vm, id);
	return slot && slot->dirty ? slot : ERR_PTR(-ENOENT);
}

int lintel_dirty_get(struct lintel_vm *vm, u32 id, const void **bits, size_t *bytes)
{
	const struct lintel_memslot *slot = logged_slot(vm, id);
	struct ept_gather gather = {};

	if (IS_ERR(slot))
		return PTR_ERR(slot);
	*bits = slot->dirty;
	*bytes = dirty_words(slot->npages) * sizeof(u64);
	sync_vcpus(vm);
	if (vm->ept.dirty_manual)
		return 0;
	*bits += *bytes;
	dirty_harvest(vm, slot, 0, slot->npages, true, &gather);
	dirty_flush(vm, &gather);
	return 0;
}

int lintel_dirty_clear_begin(struct lintel_vm *vm, const struct kvm_clear_dirty_log *log,
			     void **bits, size_t *bytes)
{
	const struct lintel_memslot *slot = logged_slot(vm, log->slot);
	u64 first = log->first_page;

	if (IS_ERR(slot))
		return PTR_ERR(slot);
	if (!dirty_clear_valid(first, log->num_pages, slot->npages))
		return -EINVAL;
	first = array_index_nospec(first, slot->npages);
	*bits = slot->dirty + dirty_words(slot->npages) + first / DIRTY_WORD_PAGES;
	*bytes = dirty_words(log->num_pages) * sizeof(u64);
	return 0;
}

void lintel_dirty_clear_end(struct lintel_vm *vm, const struct kvm_clear_dirty_log *log)
{
	const struct lintel_memslot *slot = logged_slot(vm, log->slot);
	struct ept_gather gather = {};

	if (IS_ERR(slot))
		return;
	sync_vcpus(vm);
	dirty_harvest(vm, slot, log->first_page, log->num_pages, false, &gather);
	dirty_flush(vm, &gather);
}
