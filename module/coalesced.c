// SPDX-License-Identifier: GPL-2.0-only
/*
 * The zones, and the ring.
 *
 * Zones stand in an array that is replaced whole and read under RCU, so that a VM without any pays
 * one load per exit.  The ring is shared with user space, which may write anything into it: its
 * index is read once and checked, and nothing else of it is believed.
 */
#include "coalesced.h"

#include <linux/gfp.h>
#include <linux/kvm.h>
#include <linux/mm.h>
#include <linux/nospec.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "vm.h"

#define MAX_ZONES	1000	/* as many as KVM has devices on a bus */
#define RING_ENTRIES	\
	((PAGE_SIZE - sizeof(struct kvm_coalesced_mmio_ring)) / sizeof(struct kvm_coalesced_mmio))

struct coalesced_zones {
	struct rcu_head rcu;
	unsigned int count;
	struct kvm_coalesced_mmio_zone zone[];
};

static bool zone_covers(const struct kvm_coalesced_mmio_zone *zone, bool pio, gpa_t addr, u32 len)
{
	return !!zone->pio == pio && len <= zone->size && addr >= zone->addr &&
	       addr - zone->addr <= zone->size - len;
}

static struct coalesced_zones *zones_locked(struct lintel_vm *vm)
{
	return rcu_dereference_protected(vm->coalesced.zones, lockdep_is_held(&vm->lock));
}

/* The zones in force without those that cover @gone, and with @add; either may be NULL. */
static int zones_change(struct lintel_vm *vm, const struct kvm_coalesced_mmio_zone *gone,
			const struct kvm_coalesced_mmio_zone *add)
{
	struct coalesced_zones *old = zones_locked(vm), *new;
	unsigned int i, count = old ? old->count : 0;

	if (add && count >= MAX_ZONES)
		return -ENOSPC;
	new = kzalloc(struct_size(new, zone, count + 1), GFP_KERNEL_ACCOUNT);
	if (!new)
		return -ENOMEM;
	for (i = 0; i < count; i++)
		if (!gone || !zone_covers(&old->zone[i], gone->pio, gone->addr, gone->size))
			new->zone[new->count++] = old->zone[i];
	if (add)
		new->zone[new->count++] = *add;
	if (!new->count) {
		kfree(new);
		new = NULL;
	}
	rcu_assign_pointer(vm->coalesced.zones, new);
	if (old)
		kfree_rcu(old, rcu);
	return 0;
}

int lintel_coalesced_register(struct lintel_vm *vm, const struct kvm_coalesced_mmio_zone *zone)
{
	if (zone->pio > 1)
		return -EINVAL;
	if (!lintel_coalesced_page(vm))
		return -ENOMEM;
	return zones_change(vm, NULL, zone);
}

int lintel_coalesced_unregister(struct lintel_vm *vm, const struct kvm_coalesced_mmio_zone *zone)
{
	if (zone->pio > 1)
		return -EINVAL;
	return zones_locked(vm) ? zones_change(vm, zone, NULL) : 0;
}

struct page *lintel_coalesced_page(struct lintel_vm *vm)
{
	struct kvm_coalesced_mmio_ring *ring = READ_ONCE(vm->coalesced.ring), *other;

	if (ring)
		return virt_to_page(ring);
	ring = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	if (!ring)
		return NULL;
	other = cmpxchg(&vm->coalesced.ring, NULL, ring);
	if (!other)
		return virt_to_page(ring);
	free_page((unsigned long)ring);
	return virt_to_page(other);
}

static bool in_a_zone(struct lintel_vm *vm, bool pio, gpa_t addr, u32 len)
{
	const struct coalesced_zones *zones;
	bool found = false;
	unsigned int i;

	rcu_read_lock();
	zones = rcu_dereference(vm->coalesced.zones);
	for (i = 0; zones && !found && i < zones->count; i++)
		found = zone_covers(&zones->zone[i], pio, addr, len);
	rcu_read_unlock();
	return found;
}

static bool ring_put(struct kvm_coalesced_mmio_ring *ring, bool pio, gpa_t addr, u32 len,
		     const void *data)
{
	u32 last = READ_ONCE(ring->last), next;
	struct kvm_coalesced_mmio *entry;

	if (last >= RING_ENTRIES)
		return false;
	next = (last + 1) % RING_ENTRIES;
	if (next == READ_ONCE(ring->first))	/* full: one entry always stays free */
		return false;
	entry = &ring->coalesced_mmio[array_index_nospec(last, RING_ENTRIES)];
	entry->phys_addr = addr;
	entry->len = len;
	entry->pio = pio;
	memcpy(entry->data, data, len);
	/* The reader sees the index only after the entry. */
	smp_store_release(&ring->last, next);
	return true;
}

bool lintel_coalesced_write(struct lintel_vm *vm, bool pio, gpa_t addr, unsigned int len,
			    const void *data)
{
	struct lintel_coalesced *c = &vm->coalesced;
	bool done;

	if (!rcu_access_pointer(c->zones) || !in_a_zone(vm, pio, addr, len))
		return false;
	spin_lock(&c->ring_lock);
	done = ring_put(c->ring, pio, addr, len, data);
	spin_unlock(&c->ring_lock);
	return done;
}

void lintel_coalesced_init(struct lintel_vm *vm)
{
	spin_lock_init(&vm->coalesced.ring_lock);
}

void lintel_coalesced_destroy(struct lintel_vm *vm)
{
	kfree(rcu_access_pointer(vm->coalesced.zones));
	free_page((unsigned long)vm->coalesced.ring);
}
