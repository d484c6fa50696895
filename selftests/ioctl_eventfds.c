// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bad input of the interrupt and eventfd ioctls: KVM_IRQFD, KVM_IOEVENTFD, KVM_SET_GSI_ROUTING,
 * KVM_SIGNAL_MSI, KVM_INTERRUPT and what has to come first. Each is refused with its errno. Where
 * KVM takes what Lintel refuses, the row says so.
 */
#include <fcntl.h>

#include "events.h"

#define PORT	0x600
#define PIO	KVM_IOEVENTFD_FLAG_PIO
#define MATCH	KVM_IOEVENTFD_FLAG_DATAMATCH
#define GONE	KVM_IOEVENTFD_FLAG_DEASSIGN

enum fd { GOOD, CLOSED, NO_EVENTFD, NEGATIVE };

static int make_fd(enum fd kind)
{
	int fd;

	switch (kind) {
	case GOOD:
		return event_create();
	case NO_EVENTFD:
		return REQUIRE_OK(open("/dev/null", O_RDWR));
	case CLOSED:
		fd = event_create();
		close(fd);
		return fd;
	default:
		return -1;
	}
}

static bool is_lintel(struct vm *vm)
{
	return device_cap(vm->dev, LINTEL_CAP_EXPLAIN_ENTRY);
}

static const struct {
	enum fd fd, resample;
	u32 gsi, flags;
	int err;
	bool strict;		/* KVM takes it */
} irqfd_rows[] = {
	{ GOOD, GOOD, 5, 0, 0, false },
	{ CLOSED, GOOD, 5, 0, EBADF, false },
	{ NEGATIVE, GOOD, 5, 0, EBADF, false },
	{ NO_EVENTFD, GOOD, 5, 0, EINVAL, false },
	{ GOOD, GOOD, 5, 4, EINVAL, false },
	{ GOOD, GOOD, 5, 1U << 31, EINVAL, false },
	{ GOOD, GOOD, 4096, 0, EINVAL, true },
	{ GOOD, GOOD, ~0U, 0, EINVAL, true },
	{ GOOD, GOOD, 5, KVM_IRQFD_FLAG_RESAMPLE, 0, false },
	{ GOOD, CLOSED, 5, KVM_IRQFD_FLAG_RESAMPLE, EBADF, false },
	{ GOOD, NO_EVENTFD, 5, KVM_IRQFD_FLAG_RESAMPLE, EINVAL, false },
	{ CLOSED, GOOD, 5, KVM_IRQFD_FLAG_DEASSIGN, EBADF, false },
	{ NO_EVENTFD, GOOD, 5, KVM_IRQFD_FLAG_DEASSIGN, EINVAL, false },
	{ GOOD, GOOD, 5, KVM_IRQFD_FLAG_DEASSIGN, 0, false },
	{ GOOD, GOOD, ~0U, KVM_IRQFD_FLAG_DEASSIGN, 0, false },
};

TEST(irqfd_input)
{
	struct vm *vm = vm_create(VM_IRQCHIP), *bare = vm_create(0);

	REQUIRE_CAP(vm->dev, KVM_CAP_IRQFD);
	for (size_t i = 0; i < ARRAY_SIZE(irqfd_rows); i++) {
		struct kvm_irqfd args = {
			.fd = make_fd(irqfd_rows[i].fd), .gsi = irqfd_rows[i].gsi,
			.flags = irqfd_rows[i].flags,
			.resamplefd = make_fd(irqfd_rows[i].resample),
		};

		ktap_row("row %zu", i);
		if (irqfd_rows[i].fd == CLOSED)
			args.fd = args.resamplefd + 100;
		if (irqfd_rows[i].strict && !is_lintel(vm))
			continue;
		if (irqfd_rows[i].err)
			CHECK_ERRNO(ioctl(vm->fd, KVM_IRQFD, &args), irqfd_rows[i].err);
		else
			CHECK_OK(ioctl(vm->fd, KVM_IRQFD, &args));
	}
	ktap_row("without an interrupt controller");
	CHECK_ERRNO(irqfd(bare, event_create(), 5, 0), EINVAL);
	CHECK_OK(irqfd(bare, event_create(), 5, KVM_IRQFD_FLAG_DEASSIGN));
	CHECK_ERRNO(ioctl(vm->fd, KVM_IRQFD, 8), EFAULT);
}

static const struct {
	u64 addr;
	u32 len, flags;
	u64 data;
	enum fd fd;
	int err;
	bool strict;
} ioevent_rows[] = {
	{ PORT, 2, PIO, 0, GOOD, 0, false },
	{ PORT, 2, PIO, 0, GOOD, EEXIST, false },
	{ PORT, 2, PIO | MATCH, 7, GOOD, EEXIST, false },
	{ PORT, 0, PIO, 0, GOOD, EEXIST, false },
	{ PORT, 1, PIO | MATCH, 7, GOOD, 0, false },
	{ PORT, 1, PIO | MATCH, 7, GOOD, EEXIST, false },
	{ PORT, 1, PIO | MATCH, 8, GOOD, 0, false },
	{ PORT, 1, PIO, 0, GOOD, EEXIST, false },
	{ PORT, 2, 0, 0, GOOD, 0, false },			/* memory is another space */
	{ PORT + 1, 2, PIO, 0, GOOD, 0, false },		/* unaligned */
	{ PORT, 3, PIO, 0, GOOD, EINVAL, false },
	{ PORT, 16, PIO, 0, GOOD, EINVAL, false },
	{ PORT, ~0U, PIO, 0, GOOD, EINVAL, false },
	{ ~0ULL, 2, 0, 0, GOOD, EINVAL, false },		/* wraps */
	{ ~0ULL, 0, 0, 0, GOOD, 0, false },
	{ 0x80000000, 0, MATCH, 0, GOOD, EINVAL, false },
	{ 0x80000000, 4, 1 << 7, 0, GOOD, EINVAL, false },
	{ 0x80000000, 4, KVM_IOEVENTFD_FLAG_VIRTIO_CCW_NOTIFY, 0, GOOD, EINVAL, true },
	{ 0x80000000, 4, 0, 0, CLOSED, EBADF, false },
	{ 0x80000000, 4, 0, 0, NEGATIVE, EBADF, false },
	{ 0x80000000, 4, 0, 0, NO_EVENTFD, EINVAL, false },
	{ 0x80000000, 4, GONE, 0, GOOD, ENOENT, false },
	{ PORT, 2, PIO | GONE, 0, GOOD, ENOENT, false },	/* another eventfd's */
	{ 0x80000000, 4, GONE, 0, CLOSED, EBADF, false },
};

TEST(ioeventfd_input)
{
	struct vm *vm = vm_create(0);

	REQUIRE_CAP(vm->dev, KVM_CAP_IOEVENTFD);
	for (size_t i = 0; i < ARRAY_SIZE(ioevent_rows); i++) {
		int fd = make_fd(ioevent_rows[i].fd), ret;

		ktap_row("row %zu", i);
		if (ioevent_rows[i].strict && !is_lintel(vm))
			continue;
		errno = 0;
		ret = ioevent(vm, fd, ioevent_rows[i].addr, ioevent_rows[i].len,
			      ioevent_rows[i].flags, ioevent_rows[i].data);
		CHECK_EQ(ret, ioevent_rows[i].err ? -1 : 0);
		CHECK_EQ(ret ? errno : 0, ioevent_rows[i].err);
	}
	CHECK_ERRNO(ioctl(vm->fd, KVM_IOEVENTFD, 8), EFAULT);
}

/* The number of doorbells is bounded, and all of them go with the VM. */
TEST_SLOW(ioeventfd_limit, 5)
{
	struct vm *vm = vm_create(0);
	int fd = event_create();
	u32 n = 0;

	if (!is_lintel(vm))
		SKIP("KVM has no limit of its own");
	while (n < 5000 && !ioevent(vm, fd, 0x80000000 + n * 8, 4, 0, 0))
		n++;
	CHECK_EQ(n, 4096);
	CHECK_EQ(errno, ENOSPC);
	CHECK_OK(ioevent(vm, fd, 0x80000000, 4, GONE, 0));
	CHECK_OK(ioevent(vm, fd, 0x80000004, 4, 0, 0));
}

#define CHIP(gsi_, chip_, pin_)	{ .gsi = (gsi_), .type = KVM_IRQ_ROUTING_IRQCHIP,		\
				  .u.irqchip = { .irqchip = (chip_), .pin = (pin_) } }
#define MSI(gsi_, flags_)	{ .gsi = (gsi_), .type = KVM_IRQ_ROUTING_MSI,			\
				  .flags = (flags_),						\
				  .u.msi = { .address_lo = APIC_BASE, .data = 0x61 } }

static const struct {
	struct kvm_irq_routing_entry entry[2];
	u32 nr, flags;
	int err;
	bool strict;
} routing_rows[] = {
	{ { MSI(4095, 0) }, 1, 0, 0, false },
	{ { MSI(4096, 0) }, 1, 0, EINVAL, false },
	{ { MSI(~0U, 0) }, 1, 0, EINVAL, false },
	{ { MSI(4, 2) }, 1, 0, EINVAL, false },
	{ { MSI(4, KVM_MSI_VALID_DEVID) }, 1, 0, EINVAL, true },
	{ { MSI(4, 0) }, 1, 1, EINVAL, false },
	{ { MSI(4, 0), MSI(4, 0) }, 2, 0, EINVAL, false },
	{ { MSI(4, 0), CHIP(4, KVM_IRQCHIP_IOAPIC, 4) }, 2, 0, EINVAL, false },
	{ { CHIP(4, KVM_IRQCHIP_IOAPIC, 23), CHIP(4, KVM_IRQCHIP_PIC_MASTER, 7) }, 2, 0, 0, false },
	{ { CHIP(4, KVM_IRQCHIP_IOAPIC, 4), CHIP(4, KVM_IRQCHIP_IOAPIC, 5) }, 2, 0, EINVAL, false },
	{ { CHIP(4, KVM_IRQCHIP_IOAPIC, 24) }, 1, 0, EINVAL, false },
	{ { CHIP(4, KVM_IRQCHIP_PIC_SLAVE, 8) }, 1, 0, EINVAL, false },
	{ { CHIP(4, 3, 0) }, 1, 0, EINVAL, false },
	{ { { .gsi = 4, .type = 99 } }, 1, 0, EINVAL, false },
	{ { MSI(4, 0) }, 4097, 0, EINVAL, false },
};

TEST(routing_input)
{
	struct {
		struct kvm_irq_routing head;
		struct kvm_irq_routing_entry entry[2];
	} args;
	struct vm *vm = vm_create(VM_IRQCHIP), *bare = vm_create(0);
	struct vm *split = vm_create(VM_SPLIT);

	for (size_t i = 0; i < ARRAY_SIZE(routing_rows); i++) {
		ktap_row("row %zu", i);
		if (routing_rows[i].strict && !is_lintel(vm))
			continue;
		memset(&args, 0, sizeof(args));
		args.head.nr = routing_rows[i].nr;
		args.head.flags = routing_rows[i].flags;
		memcpy(args.entry, routing_rows[i].entry, sizeof(args.entry));
		if (routing_rows[i].err)
			CHECK_ERRNO(ioctl(vm->fd, KVM_SET_GSI_ROUTING, &args), routing_rows[i].err);
		else
			CHECK_OK(ioctl(vm->fd, KVM_SET_GSI_ROUTING, &args));
	}
	ktap_row("other VMs");
	CHECK_ERRNO(route_msi(bare, 4, APIC_BASE, 0x61), EINVAL);
	CHECK_OK(route_msi(split, 4, APIC_BASE, 0x61));
	memset(&args, 0, sizeof(args));
	args.head.nr = 1;
	args.entry[0] = (struct kvm_irq_routing_entry)CHIP(4, KVM_IRQCHIP_IOAPIC, 4);
	CHECK_ERRNO(ioctl(split->fd, KVM_SET_GSI_ROUTING, &args), EINVAL);
}

TEST(split_input)
{
	struct kvm_enable_cap cap = { .cap = KVM_CAP_SPLIT_IRQCHIP, .args = { 4097 } };
	struct kvm_interrupt irq = { 0x61 };
	struct kvm_msi msi = { .address_lo = APIC_BASE, .data = 0x61, .flags = 2 };
	struct vm *vm = vm_create(0), *chips = vm_create(VM_IRQCHIP);
	struct vcpu *v;

	REQUIRE_CAP(vm->dev, KVM_CAP_SPLIT_IRQCHIP);
	CHECK_ERRNO(ioctl(vm->fd, KVM_ENABLE_CAP, &cap), EINVAL);
	cap.flags = 1;
	cap.args[0] = 24;
	CHECK_ERRNO(ioctl(vm->fd, KVM_ENABLE_CAP, &cap), EINVAL);
	cap.flags = 0;
	CHECK_ERRNO(ioctl(chips->fd, KVM_ENABLE_CAP, &cap), EEXIST);
	v = vcpu_create(vm, 0);
	CHECK_ERRNO(ioctl(vm->fd, KVM_ENABLE_CAP, &cap), EEXIST);
	CHECK_ERRNO(ioctl(vm->fd, KVM_SIGNAL_MSI, &msi), EINVAL);
	CHECK_ERRNO(ioctl(chips->fd, KVM_SIGNAL_MSI, &msi), EINVAL);
	CHECK_OK(ioctl(v->fd, KVM_INTERRUPT, &irq));
	v = vcpu_create(chips, 0);
	CHECK_ERRNO(ioctl(v->fd, KVM_INTERRUPT, &irq), ENXIO);
}
