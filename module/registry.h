/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * All VMs, by number: for who looks at them from outside, `lintel trace`, `top` and `inspect`.
 *
 * A VM is here from its making until its end; what it leaves then goes to the store of the last dead
 * ones (dead.h), in the same moment, so that a number always leads to one of the two or to nothing.
 * Who looks holds no VM beyond one call, so none outlives its owner for being looked at.
 */
#ifndef LINTEL_REGISTRY_H
#define LINTEL_REGISTRY_H

#include <linux/list.h>
#include <linux/uidgid.h>

#include "types.h"

struct lintel_flight;
struct lintel_flight_exit;
struct lintel_snapshot;
struct lintel_vm_info;
struct pid;

/* Whose a VM is, and since when; what of it outlives it. */
struct lintel_identity {
	u64 number;		/* no other VM since the module was loaded had it */
	kuid_t uid;
	struct pid *pid;
	u64 born;		/* ns of CLOCK_REALTIME */
	char comm[16];
};

void lintel_identity_init(struct lintel_identity *identity);
void lintel_identity_free(struct lintel_identity *identity);

/* lintel_registry_add - the VM is complete.  lintel_registry_remove: its last reference went. */
void lintel_registry_add(struct lintel_vm *vm);
void lintel_registry_remove(struct lintel_vm *vm);

/*
 * The calls below are made by the process that looks; they may sleep.
 *
 * lintel_registry_next - the VM with the smallest number above info->vm that it may look at.
 * 0 or -ENOENT.
 */
int lintel_registry_next(struct lintel_vm_info *info);

/*
 * lintel_registry_get - the living VM @number, with a reference; or ERR_PTR(-ENOENT), (-EPERM): it
 * is somebody else's.
 */
struct lintel_vm *lintel_registry_get(u64 number);

/*
 * lintel_registry_flight - the exits of a vCPU, alive or dead, into @exits (LINTEL_FLIGHT_EXITS),
 * and the rest of @flight but its nr and exits.  Returns how many; -ENOENT, -EPERM, -ENODATA.
 */
int lintel_registry_flight(struct lintel_flight *flight, struct lintel_flight_exit *exits);

/*
 * lintel_registry_each - call @show for each living VM, none of which can end meanwhile, until it
 * returns something else than 0, which is returned.
 */
int lintel_registry_each(int (*show)(struct lintel_vm *vm, void *arg), void *arg);

/* lintel_registry_snapshot - what a dead VM has kept of a vCPU.  0 or -ENOENT. */
int lintel_registry_snapshot(struct lintel_snapshot *snapshot);

/* lintel_registry_clear - forget the dead that the caller may look at.  Returns how many. */
int lintel_registry_clear(void);

#endif
