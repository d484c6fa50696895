/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * VMs seen from outside: which there are, and what their vCPUs' last exits were. The device's
 * system ioctls tell (uapi/linux/lintel.h); a VM is named by its number there, or by its process.
 */
#ifndef LINTEL_OBSERVE_FLIGHT_H
#define LINTEL_OBSERVE_FLIGHT_H

#include <linux/lintel.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct flight_vcpu {
	struct lintel_flight head;
	struct lintel_flight_exit exit[LINTEL_FLIGHT_EXITS];
};

struct flight_vm {
	struct lintel_vm_info info;
	unsigned int count;
	struct flight_vcpu *vcpu;
};

/*
 * flight_next_vm - the VM behind info->vm (0: the first). 1: *info is it; 0: there are no more; or
 * a negative errno and a sentence.
 */
int flight_next_vm(int dev, struct lintel_vm_info *info);

/*
 * flight_find - the VM that @name names: a process id, '#' and a VM's number, or NULL for the
 * newest, a living one if there is one. Negative errno and a sentence when there is none.
 */
int flight_find(int dev, const char *name, struct lintel_vm_info *info);

/* flight_read - the exits of all vCPUs of info->vm. flight_free: harmless after a failure. */
int flight_read(int dev, const struct lintel_vm_info *info, struct flight_vm *vm);
void flight_free(struct flight_vm *vm);

/* observe_open - the device, which must be one that has all this. */
int observe_open(const char *path);

#endif
