/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Coalesced writes: stores to registers that need no answer at once wait in a ring which the VMM
 * reads at its next exit (KVM_REGISTER_COALESCED_MMIO).
 *
 * Lock legend: [L] vm->lock for writers, RCU for readers; [R] ring_lock; [A] set once by cmpxchg.
 */
#ifndef LINTEL_COALESCED_H
#define LINTEL_COALESCED_H

#include <linux/spinlock.h>

#include "types.h"

struct coalesced_zones;
struct kvm_coalesced_mmio_ring;
struct kvm_coalesced_mmio_zone;
struct page;

struct lintel_coalesced {
	struct coalesced_zones __rcu *zones;	/* [L] NULL: none */
	struct kvm_coalesced_mmio_ring *ring;	/* [A] a page; [R] its entries */
	spinlock_t ring_lock;	/* one writer at a time; the reader is user space */
};

void lintel_coalesced_init(struct lintel_vm *vm);
void lintel_coalesced_destroy(struct lintel_vm *vm);

/*
 * lintel_coalesced_register - KVM_REGISTER_COALESCED_MMIO.  vm->lock held.
 * Returns 0, -EINVAL (neither memory nor ports), -ENOSPC (too many zones), -ENOMEM.
 */
int lintel_coalesced_register(struct lintel_vm *vm, const struct kvm_coalesced_mmio_zone *zone);

/* lintel_coalesced_unregister - forget the zones that @zone lies in.  0, -EINVAL, -ENOMEM. */
int lintel_coalesced_unregister(struct lintel_vm *vm, const struct kvm_coalesced_mmio_zone *zone);

/* lintel_coalesced_page - the ring's page, or NULL: no memory.  May sleep. */
struct page *lintel_coalesced_page(struct lintel_vm *vm);

/*
 * lintel_coalesced_write - put a write of @len (at most 8) bytes to the port or address @addr into
 * the ring.  False: not in a zone, or the ring is full: user space has to be told.
 */
bool lintel_coalesced_write(struct lintel_vm *vm, bool pio, gpa_t addr, unsigned int len,
			    const void *data);

#endif
