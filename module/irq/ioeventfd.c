// SPDX-License-Identifier: GPL-2.0-only
/*
 * Doorbells: a guest's write to a port or to a device's memory that becomes an event for user space
 * (an ioeventfd), with no exit to it.
 *
 * All of a VM are one array, sorted by address, replaced whole under vm->lock.  vCPUs search it
 * under vm->io_srcu: nothing there sleeps, so whoever takes an entry out waits only as long as one
 * signal takes, and after that no event comes any more.
 *
 * An entry without a length takes writes of any length.  On memory it is asked before the
 * instruction is decoded, with length 0, which only such entries match: see exit_ept_violation().
 */
#include <linux/eventfd.h>
#include <linux/kvm.h>
#include <linux/mm.h>
#include <linux/nospec.h>
#include <linux/overflow.h>
#include <linux/slab.h>

#include "../compat.h"
#include "../vcpu.h"
#include "../vm.h"
#include "irq.h"

#define FLAGS	(KVM_IOEVENTFD_FLAG_DATAMATCH | KVM_IOEVENTFD_FLAG_PIO | \
		 KVM_IOEVENTFD_FLAG_DEASSIGN)

struct ioeventfd {
	u64 addr;
	u64 data;
	struct eventfd_ctx *eventfd;
	u8 len;				/* 0: any */
	bool pio;
	bool any_data;
};

struct lintel_ioeventfds {
	unsigned int nr;
	struct ioeventfd entry[];	/* ports last, then by address */
};

static bool at_or_behind(const struct ioeventfd *e, bool pio, u64 addr)
{
	return e->pio != pio ? e->pio : e->addr >= addr;
}

static bool same_place(const struct ioeventfd *e, bool pio, u64 addr)
{
	return e->pio == pio && e->addr == addr;
}

/* The index of the first entry at this address or behind it. */
static unsigned int first_at(const struct lintel_ioeventfds *all, bool pio, u64 addr)
{
	unsigned int low = 0, high = all->nr;

	while (low < high) {
		unsigned int middle = (low + high) / 2;

		if (at_or_behind(&all->entry[middle], pio, addr))
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

static bool takes(const struct ioeventfd *e, unsigned int len, u64 data)
{
	return !e->len || (e->len == len && (e->any_data || e->data == data));
}

bool lintel_ioeventfd_write(struct lintel_vcpu *vcpu, bool pio, u64 addr, unsigned int len,
			    const void *data)
{
	struct lintel_vm *vm = vcpu->vm;
	const struct lintel_ioeventfds *all;
	bool found = false;
	unsigned int i;
	u64 value = 0;
	int idx;

	if (!rcu_access_pointer(vm->ioeventfds) || len > sizeof(value))
		return false;
	memcpy(&value, data, len);

	idx = srcu_read_lock(&vm->io_srcu);
	all = srcu_dereference(vm->ioeventfds, &vm->io_srcu);
	for (i = all ? first_at(all, pio, addr) : 0; all && i < all->nr; i++) {
		const struct ioeventfd *e = &all->entry[array_index_nospec(i, all->nr)];

		if (!same_place(e, pio, addr))
			break;
		if (!takes(e, len, value))
			continue;
		eventfd_signal(e->eventfd);
		found = true;
		break;
	}
	srcu_read_unlock(&vm->io_srcu, idx);
	return found;
}

/* Would one write ring both? */
static bool collide(const struct ioeventfd *a, const struct ioeventfd *b)
{
	if (!a->len || !b->len)
		return true;
	return a->len == b->len && (a->any_data || b->any_data || a->data == b->data);
}

static bool equal(const struct ioeventfd *a, const struct ioeventfd *b)
{
	return a->eventfd == b->eventfd && a->len == b->len && a->any_data == b->any_data &&
	       (a->any_data || a->data == b->data);
}

static struct lintel_ioeventfds *alloc_all(unsigned int nr)
{
	struct lintel_ioeventfds *all;

	all = kvmalloc(struct_size(all, entry, nr), GFP_KERNEL_ACCOUNT);
	if (all)
		all->nr = nr;
	return all;
}

/* When this returns, nobody looks at the old array any more. */
static void publish(struct lintel_vm *vm, struct lintel_ioeventfds *all)
{
	struct lintel_ioeventfds *old;

	old = rcu_replace_pointer(vm->ioeventfds, all, lockdep_is_held(&vm->lock));
	synchronize_srcu_expedited(&vm->io_srcu);
	kvfree(old);
}

static int assign(struct lintel_vm *vm, const struct ioeventfd *new)
{
	struct lintel_ioeventfds *old, *all;
	unsigned int nr, at, i;

	old = rcu_dereference_protected(vm->ioeventfds, lockdep_is_held(&vm->lock));
	nr = old ? old->nr : 0;
	at = old ? first_at(old, new->pio, new->addr) : 0;
	for (i = at; i < nr && same_place(&old->entry[i], new->pio, new->addr); i++)
		if (collide(&old->entry[i], new))
			return -EEXIST;
	if (nr >= LINTEL_MAX_IOEVENTFDS)
		return -ENOSPC;

	all = alloc_all(nr + 1);
	if (!all)
		return -ENOMEM;
	if (old) {
		memcpy(all->entry, old->entry, at * sizeof(*new));
		memcpy(all->entry + at + 1, old->entry + at, (nr - at) * sizeof(*new));
	}
	all->entry[at] = *new;
	publish(vm, all);
	return 0;
}

static int deassign(struct lintel_vm *vm, const struct ioeventfd *gone)
{
	struct lintel_ioeventfds *old, *all = NULL;
	struct eventfd_ctx *eventfd;
	unsigned int at;

	old = rcu_dereference_protected(vm->ioeventfds, lockdep_is_held(&vm->lock));
	if (!old)
		return -ENOENT;
	at = first_at(old, gone->pio, gone->addr);
	while (at < old->nr && same_place(&old->entry[at], gone->pio, gone->addr) &&
	       !equal(&old->entry[at], gone))
		at++;
	if (at == old->nr || !same_place(&old->entry[at], gone->pio, gone->addr))
		return -ENOENT;

	eventfd = old->entry[at].eventfd;
	if (old->nr > 1) {
		all = alloc_all(old->nr - 1);
		if (!all)
			return -ENOMEM;
		memcpy(all->entry, old->entry, at * sizeof(*gone));
		memcpy(all->entry + at, old->entry + at + 1, (all->nr - at) * sizeof(*gone));
	}
	publish(vm, all);
	eventfd_ctx_put(eventfd);
	return 0;
}

int lintel_ioeventfd(struct lintel_vm *vm, const struct kvm_ioeventfd *args)
{
	struct ioeventfd e = {
		.addr = args->addr,
		.data = args->datamatch,
		.len = args->len,
		.pio = args->flags & KVM_IOEVENTFD_FLAG_PIO,
		.any_data = !(args->flags & KVM_IOEVENTFD_FLAG_DATAMATCH),
	};
	bool leave = args->flags & KVM_IOEVENTFD_FLAG_DEASSIGN;
	int ret;

	if (args->flags & ~FLAGS || args->len > 8 || (args->len & (args->len - 1)))
		return -EINVAL;
	if (args->addr + args->len < args->addr || (!args->len && !e.any_data))
		return -EINVAL;
	e.eventfd = eventfd_ctx_fdget(args->fd);
	if (IS_ERR(e.eventfd))
		return PTR_ERR(e.eventfd);

	ret = leave ? deassign(vm, &e) : assign(vm, &e);
	/* an entry keeps the reference that it was made with */
	if (leave || ret)
		eventfd_ctx_put(e.eventfd);
	return ret;
}

void lintel_ioeventfd_destroy(struct lintel_vm *vm)
{
	struct lintel_ioeventfds *all = rcu_dereference_protected(vm->ioeventfds, true);
	unsigned int i;

	for (i = 0; all && i < all->nr; i++)
		eventfd_ctx_put(all->entry[i].eventfd);
	kvfree(all);
}
