// SPDX-License-Identifier: GPL-2.0-only
/*
 * The bytes of the guest's instruction at RIP, for exits that repeat at the same place.
 *
 * A driver touches its device by the same few instructions, so each vCPU remembers its last
 * translation of an instruction's page: the entries of the guest's page tables that it went
 * through, with their values.  The result of a walk depends on nothing but these values, the
 * paging mode and the memory slots; if all are what they were, so is the result, and the walk
 * need not be done.  Nothing is assumed about what the guest has invalidated.
 */
#include <linux/kvm.h>
#include <linux/mm.h>
#include <linux/uaccess.h>

#include "../vcpu.h"
#include "../vm.h"
#include "internal.h"

/* What else the rights of an instruction fetch depend on; CR0.PG and long mode are given. */
static unsigned long fetch_mode(const struct guest_paging *paging)
{
	return (paging->cr4 & (X86_CR4_SMEP | X86_CR4_LA57)) | (paging->efer & EFER_NX) |
	       paging->cpl;
}

static u64 __user *slot_address(struct lintel_memslots *slots, gpa_t gpa)
{
	const struct lintel_memslot *slot = memslot_find(slots, gpa >> PAGE_SHIFT);

	if (!slot || (slot->flags & MEMSLOT_DYING))
		return NULL;
	return (u64 __user *)(memslot_hva(slot, gpa >> PAGE_SHIFT) + offset_in_page(gpa));
}

struct recorder {
	struct lintel_vm *vm;
	struct lintel_fetch *fetch;
	struct lintel_memslots *slots;
};

static int record_read(void *ctx, gpa_t gpa, void *data, size_t len)
{
	struct recorder *r = ctx;
	struct lintel_fetch *f = r->fetch;
	int ret = lintel_guest_read(r->vm, gpa, data, len);

	if (ret)
		return ret;
	if (len != sizeof(u64) || f->levels >= ARRAY_SIZE(f->at))
		return -EFAULT;
	f->at[f->levels] = slot_address(r->slots, gpa);
	f->entry[f->levels++] = *(u64 *)data;
	return 0;
}

/* An entry that is not marked accessed yet: the long way does it. */
static int record_exchange(void *ctx, gpa_t gpa, const void *old, const void *new, size_t len)
{
	return -EFAULT;
}

static bool remember(struct lintel_vcpu *vcpu, struct lintel_memslots *slots,
		     const struct guest_paging *paging, unsigned long rip)
{
	static const struct guest_walk_ops ops = {
		.read = record_read,
		.exchange = record_exchange,
	};
	struct lintel_fetch *f = &vcpu->fetch;
	struct recorder r = { .vm = vcpu->vm, .fetch = f, .slots = slots };
	struct guest_walk_fault fault;
	unsigned int i;
	gpa_t gpa;

	f->levels = 0;
	f->generation = 0;
	if (guest_walk(&ops, &r, paging, rip, ACCESS_EXEC, &gpa, &fault))
		return false;
	f->page = rip & PAGE_MASK;
	f->cr3 = paging->cr3;
	f->mode = fetch_mode(paging);
	f->code = (u8 __user *)slot_address(slots, gpa & PAGE_MASK);
	for (i = 0; i < f->levels; i++)
		if (!f->at[i])
			return false;
	if (!f->code)
		return false;
	f->generation = slots->generation;
	return true;
}

static bool known(const struct lintel_fetch *f, const struct lintel_memslots *slots,
		  const struct guest_paging *paging, unsigned long rip)
{
	return f->generation == slots->generation && f->page == (rip & PAGE_MASK) &&
	       f->cr3 == paging->cr3 && f->mode == fetch_mode(paging);
}

/* The addresses lie in slots, which were checked when they were made. */
static int read_if_unchanged(const struct lintel_fetch *f, unsigned int offset, u64 *bytes)
{
	const u64 __user *from = (const u64 __user *)(f->code + offset);
	/* pointers, as no call is allowed below, not even one that reports a wrong index */
	u64 __user *const *at = f->at, *const *end = at + f->levels;
	const u64 *known = f->entry;
	u64 entry, changed = 0;

	if (!user_read_access_begin(from, 2 * sizeof(u64)))
		return -EFAULT;
	for (; at < end; at++, known++) {
		unsafe_get_user(entry, *at, fault);
		changed |= entry ^ *known;
	}
	unsafe_get_user(*bytes, from, fault);
	unsafe_get_user(*(bytes + 1), from + 1, fault);
	user_read_access_end();
	return changed ? -EAGAIN : 0;
fault:
	user_read_access_end();
	return -EFAULT;
}

int lintel_guest_fetch(struct lintel_vcpu *vcpu, const struct guest_paging *paging,
		       unsigned long rip, u64 bytes[2])
{
	unsigned int offset = offset_in_page(rip);
	struct lintel_memslots *slots;
	struct lintel_vm *vm = vcpu->vm;
	int idx, ret = -EAGAIN;

	if (offset > PAGE_SIZE - 2 * sizeof(u64))
		return -EFAULT;
	idx = srcu_read_lock(&vm->srcu);
	slots = memslots_get(vm);
	if (likely(known(&vcpu->fetch, slots, paging, rip)))
		ret = read_if_unchanged(&vcpu->fetch, offset, bytes);
	if (unlikely(ret == -EAGAIN))
		ret = remember(vcpu, slots, paging, rip) ?
			read_if_unchanged(&vcpu->fetch, offset, bytes) : -EFAULT;
	srcu_read_unlock(&vm->srcu, idx);
	return ret;
}
