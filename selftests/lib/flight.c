// SPDX-License-Identifier: GPL-2.0-only
/* Lintel's ioctls that look at VMs from outside, with the loops that their users need. */
#include "flight.h"

static bool module_param_is(const char *name, char value)
{
	char path[64];
	FILE *f;
	int c;

	snprintf(path, sizeof(path), "/sys/module/lintel/parameters/%s", name);
	f = fopen(path, "r");
	if (!f)
		return false;
	c = fgetc(f);
	fclose(f);
	return c == value;
}

void require_flight(int dev)
{
	if (ioctl(dev, KVM_CHECK_EXTENSION, LINTEL_CAP_FLIGHT) <= 0)
		SKIP("the device has no exit recorder");
	if (module_param_is("flight", 'N'))
		SKIP("the module was loaded with flight=0");
}

u64 vm_number(int dev, pid_t pid, struct lintel_vm_info *info)
{
	struct lintel_vm_info next = { 0 };
	u64 found = 0;

	while (ioctl(dev, LINTEL_NEXT_VM, &next) == 0) {
		if (next.pid == (u32)pid) {
			found = next.vm;
			if (info)
				*info = next;
		}
		next.flags = 0;
	}
	CHECK_EQ(errno, ENOENT);
	return found;
}

int flight_get(int dev, u64 vm, u32 vcpu, struct flight *f)
{
	memset(f, 0, sizeof(*f));
	f->head.vm = vm;
	f->head.vcpu = vcpu;
	f->head.exits = (u64)f->exit;
	f->head.nr = LINTEL_FLIGHT_EXITS;
	return ioctl(dev, LINTEL_GET_FLIGHT, &f->head);
}

const struct lintel_flight_exit *flight_last(const struct flight *f, u32 reason)
{
	for (u32 i = f->head.nr; i-- > 0;)
		if (f->exit[i].reason == reason)
			return &f->exit[i];
	return NULL;
}
