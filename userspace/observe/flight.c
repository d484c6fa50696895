// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which VMs there are, which one is meant, and reading what it recorded. A VM may end at any
 * moment: then its number leads to what it left, or, if others have ended since, to nothing.
 */
#include "flight.h"

#include "../lib/error.h"
#include "../lib/kvmapi.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int observe_open(const char *path)
{
	int dev = kvmapi_open(path);

	if (dev < 0)
		return dev;
	if (kvmapi_check_extension(dev, LINTEL_CAP_FLIGHT) > 0)
		return dev;
	close(dev);
	return error_set(-EOPNOTSUPP,
			 "%s cannot be looked into; that takes a Lintel of this version", path);
}

int flight_next_vm(int dev, struct lintel_vm_info *info)
{
	uint64_t after = info->vm;
	int ret;

	memset(info, 0, sizeof(*info));
	info->vm = after;
	ret = kvmapi_next_vm(dev, info);
	if (ret == -ENOENT)
		return 0;
	return ret < 0 ? ret : 1;
}

static bool better(const struct lintel_vm_info *a, const struct lintel_vm_info *b)
{
	bool a_lives = !(a->flags & LINTEL_VM_DEAD), b_lives = !(b->flags & LINTEL_VM_DEAD);

	return a_lives == b_lives ? a->vm > b->vm : a_lives;
}

static int parse(const char *name, bool *by_number, uint64_t *value)
{
	char *end;

	*by_number = *name == '#';
	if (*by_number)
		name++;
	errno = 0;
	*value = strtoull(name, &end, 10);
	if (errno || end == name || *end || *name == '-')
		return error_set(-EINVAL,
				 "\"%s\" names no VM; give a process id, or # and a number "
				 "that --list shows",
				 name);
	return 0;
}

int flight_find(int dev, const char *name, struct lintel_vm_info *info)
{
	struct lintel_vm_info next = { 0 };
	bool by_number = false, found = false;
	uint64_t value = 0;
	int ret;

	ret = name ? parse(name, &by_number, &value) : 0;
	if (ret < 0)
		return ret;
	while ((ret = flight_next_vm(dev, &next)) > 0) {
		if (name && value != (by_number ? next.vm : next.pid))
			continue;
		if (!found || better(&next, info))
			*info = next;
		found = true;
	}
	if (ret < 0)
		return ret;
	if (found)
		return 0;
	if (name)
		return error_set(-ENOENT,
				 "there is no VM \"%s\", or it is another user's; see "
				 "--list",
				 name);
	return error_set(-ENOENT, "no VM of yours runs, and none that ended is remembered");
}

int flight_read(int dev, const struct lintel_vm_info *info, struct flight_vm *vm)
{
	unsigned int i;
	int ret;

	memset(vm, 0, sizeof(*vm));
	vm->info = *info;
	vm->vcpu = calloc(info->vcpus ? info->vcpus : 1, sizeof(*vm->vcpu));
	if (!vm->vcpu)
		return error_set(-ENOMEM, "no memory");
	for (i = 0; i < info->vcpus; i++) {
		struct flight_vcpu *vcpu = &vm->vcpu[i];

		vcpu->head.vm = info->vm;
		vcpu->head.vcpu = i;
		vcpu->head.exits = (uintptr_t)vcpu->exit;
		vcpu->head.nr = LINTEL_FLIGHT_EXITS;
		ret = kvmapi_get_flight(dev, &vcpu->head);
		if (ret == -ENODATA)
			return error_set(ret, "nothing is recorded: the module was loaded with "
					      "flight=0");
		if (ret == -ENOENT)
			return error_set(ret, "the VM has ended meanwhile, and left nothing");
		if (ret < 0)
			return ret;
		/* it may have ended since the list was read */
		vm->info.flags |= vcpu->head.flags;
		vm->count = i + 1;
	}
	return 0;
}

void flight_free(struct flight_vm *vm)
{
	free(vm->vcpu);
	memset(vm, 0, sizeof(*vm));
}
