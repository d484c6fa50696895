// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_CREATE_DEVICE: the device of VFIO, by which a VMM says which of VFIO's files are the VM's. No
 * test here has such a file: what is told apart is everything that is none.
 */
#include <fcntl.h>
#include <sys/eventfd.h>

#include "vm.h"

#ifndef KVM_DEV_VFIO_FILE
#define KVM_DEV_VFIO_FILE	1
#define KVM_DEV_VFIO_FILE_ADD	1
#define KVM_DEV_VFIO_FILE_DEL	2
#endif

static struct vm *vm_with_device(int *fd)
{
	struct kvm_create_device device = { .type = KVM_DEV_TYPE_VFIO, .fd = 77 };
	struct vm *vm = vm_create(0);

	REQUIRE_CAP(vm->dev, KVM_CAP_DEVICE_CTRL);
	ktap_row("asked about only");
	device.flags = KVM_CREATE_DEVICE_TEST;
	CHECK_OK(ioctl(vm->fd, KVM_CREATE_DEVICE, &device));
	CHECK_EQ(device.fd, 77);
	ktap_row("made");
	device.flags = 0;
	REQUIRE_OK(ioctl(vm->fd, KVM_CREATE_DEVICE, &device));
	CHECK(device.fd != 77 && fcntl(device.fd, F_GETFD) == FD_CLOEXEC, "descriptor %d",
	      (int)device.fd);
	*fd = device.fd;
	return vm;
}

TEST(devices)
{
	struct kvm_create_device device = { .type = KVM_DEV_TYPE_VFIO };
	struct vm *vm;
	int fd;

	vm = vm_with_device(&fd);
	ktap_row("a second");
	CHECK_ERRNO(ioctl(vm->fd, KVM_CREATE_DEVICE, &device), EBUSY);
	ktap_row("of other types");
	for (u32 type = 1; type < 20; type++) {
		device.type = type == KVM_DEV_TYPE_VFIO ? 1000 : type;
		CHECK_ERRNO(ioctl(vm->fd, KVM_CREATE_DEVICE, &device), ENODEV);
		device.flags = KVM_CREATE_DEVICE_TEST;
		CHECK_ERRNO(ioctl(vm->fd, KVM_CREATE_DEVICE, &device), ENODEV);
		device.flags = 0;
	}
	ktap_row("a pointer to nowhere");
	CHECK_ERRNO(ioctl(vm->fd, KVM_CREATE_DEVICE, 8), EFAULT);
	ktap_row("the VM's descriptor goes first");
	close(vm->fd);
	CHECK_ERRNO(ioctl(fd, KVM_RUN, 0), ENOTTY);
}

TEST(attributes)
{
	static const struct {
		const char *what;
		u32 group;
		u64 attr;
		bool there;
	} rows[] = {
		{ "add", KVM_DEV_VFIO_FILE, KVM_DEV_VFIO_FILE_ADD, true },
		{ "remove", KVM_DEV_VFIO_FILE, KVM_DEV_VFIO_FILE_DEL, true },
		{ "another attribute", KVM_DEV_VFIO_FILE, 99, false },
		{ "another group", 99, KVM_DEV_VFIO_FILE_ADD, false },
	};
	int null = REQUIRE_OK(open("/dev/null", O_RDWR)), event = REQUIRE_OK(eventfd(0, 0)), fd;
	struct vm *vm = vm_with_device(&fd);
	int file;

	for (u32 i = 0; i < ARRAY_SIZE(rows); i++) {
		struct kvm_device_attr attr = { .group = rows[i].group, .attr = rows[i].attr };
		bool add = attr.attr == KVM_DEV_VFIO_FILE_ADD;

		ktap_row("%s", rows[i].what);
		CHECK_ERRNO(ioctl(fd, KVM_GET_DEVICE_ATTR, &attr), EPERM);
		if (!rows[i].there) {
			CHECK_ERRNO(ioctl(fd, KVM_HAS_DEVICE_ATTR, &attr), ENXIO);
			CHECK_ERRNO(ioctl(fd, KVM_SET_DEVICE_ATTR, &attr), ENXIO);
			continue;
		}
		CHECK_OK(ioctl(fd, KVM_HAS_DEVICE_ATTR, &attr));
		attr.addr = 8;
		CHECK_ERRNO(ioctl(fd, KVM_SET_DEVICE_ATTR, &attr), EFAULT);
		attr.addr = (u64)&file;
		file = -1;
		CHECK_ERRNO(ioctl(fd, KVM_SET_DEVICE_ATTR, &attr), EBADF);
		file = null;
		CHECK_ERRNO(ioctl(fd, KVM_SET_DEVICE_ATTR, &attr), add ? EINVAL : ENOENT);
		file = event;
		CHECK_ERRNO(ioctl(fd, KVM_SET_DEVICE_ATTR, &attr), add ? EINVAL : ENOENT);
		file = vm->fd;
		CHECK_ERRNO(ioctl(fd, KVM_SET_DEVICE_ATTR, &attr), add ? EINVAL : ENOENT);
	}
}

/* It may be made again when it is gone. */
TEST(again)
{
	struct kvm_create_device device = { .type = KVM_DEV_TYPE_VFIO };
	struct vm *vm;
	int fd;

	vm = vm_with_device(&fd);
	close(fd);
	CHECK_OK(ioctl(vm->fd, KVM_CREATE_DEVICE, &device));
}
