/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the last dead VMs leave: who they were, and the last exits of their vCPUs.
 *
 * A ring of a fixed number of places, allocated when the module is loaded, so that nothing can fail
 * when a VM ends, and so that the dead cost the host what it has agreed to, no more.  A place has
 * room for all recorded exits of 16 vCPUs; more vCPUs share it evenly.  The first four also leave
 * their registers, VMCS and local APIC.  A VM that never ran leaves
 * nothing: programs make such to look for capabilities.
 *
 * All under registry.c's lock.
 */
#ifndef LINTEL_DEAD_H
#define LINTEL_DEAD_H

#include <linux/lintel.h>

#include "registry.h"
#include "types.h"

#define LINTEL_DEAD_EXITS	(16 * LINTEL_FLIGHT_EXITS)
#define LINTEL_DEAD_SNAPSHOTS	4

struct lintel_dead {
	struct lintel_identity identity;	/* number 0: the place is free */
	u32 flags;				/* LINTEL_VM_* */
	u32 vcpus;
	u64 died;				/* ns of CLOCK_REALTIME */
	u32 share;				/* exits that each vCPU has room for */
	struct lintel_flight *head;		/* of each vCPU */
	struct lintel_flight_exit *exits;
	struct lintel_snapshot *snapshot;	/* of the first LINTEL_DEAD_SNAPSHOTS */
};

/* lintel_dead_init - with the module.  0 or -ENOMEM.  lintel_dead_exit: harmless when it failed. */
int lintel_dead_init(void);
void lintel_dead_exit(void);

/* lintel_dead_add - the VM is ending; takes its identity.  Nothing runs it any more. */
void lintel_dead_add(struct lintel_vm *vm);
void lintel_dead_forget(const struct lintel_dead *dead);

const struct lintel_dead *lintel_dead_next(const struct lintel_dead *dead);
const struct lintel_dead *lintel_dead_find(u64 number);

#define for_each_dead(dead) \
	for ((dead) = lintel_dead_next(NULL); (dead); (dead) = lintel_dead_next(dead))

/* lintel_dead_flight - as lintel_registry_flight(). */
int lintel_dead_flight(const struct lintel_dead *dead, struct lintel_flight *flight,
		       struct lintel_flight_exit *exits);

/* lintel_dead_snapshot - 0 or -ENOENT. */
int lintel_dead_snapshot(const struct lintel_dead *dead, struct lintel_snapshot *snapshot);

#endif
