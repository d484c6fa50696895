/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Eventfds as a VM's interrupt lines (irqfd) and doorbells (ioeventfd), and routes for them. The
 * calls give what the ioctl gives, so that a test can see them fail.
 */
#ifndef LINTEL_SELFTESTS_EVENTS_H
#define LINTEL_SELFTESTS_EVENTS_H

#include <linux/lintel.h>
#include <sys/eventfd.h>

#include "vm.h"

static inline int event_create(void)
{
	return REQUIRE_OK(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
}

static inline void event_signal(int fd)
{
	REQUIRE_OK(eventfd_write(fd, 1));
}

/*
 * The eventfd of an irqfd at a pin. Lintel drives the pin before the call returns; KVM leaves pins
 * to a work item, which gets time to run.
 */
static inline void pin_signal(struct vm *vm, int fd)
{
	event_signal(fd);
	if (!device_cap(vm->dev, LINTEL_CAP_EXPLAIN_ENTRY))
		usleep(5000);
}

/* How often it was signalled since it was last asked. */
static inline u64 event_take(int fd)
{
	eventfd_t n = 0;

	if (eventfd_read(fd, &n) < 0)
		REQUIRE_EQ(errno, EAGAIN);
	return n;
}

static inline int irqfd(struct vm *vm, int fd, u32 gsi, u32 flags)
{
	struct kvm_irqfd args = { .fd = fd, .gsi = gsi, .flags = flags };

	return ioctl(vm->fd, KVM_IRQFD, &args);
}

static inline int irqfd_resample(struct vm *vm, int fd, u32 gsi, int resample)
{
	struct kvm_irqfd args = {
		.fd = fd, .gsi = gsi, .flags = KVM_IRQFD_FLAG_RESAMPLE, .resamplefd = resample,
	};

	return ioctl(vm->fd, KVM_IRQFD, &args);
}

static inline int ioevent(struct vm *vm, int fd, u64 addr, u32 len, u32 flags, u64 data)
{
	struct kvm_ioeventfd args = {
		.fd = fd, .addr = addr, .len = len, .flags = flags, .datamatch = data,
	};

	return ioctl(vm->fd, KVM_IOEVENTFD, &args);
}

/* The whole routing becomes this one message. */
static inline int route_msi(struct vm *vm, u32 gsi, u64 address, u32 data)
{
	struct {
		struct kvm_irq_routing head;
		struct kvm_irq_routing_entry entry;
	} route = {
		.head.nr = 1,
		.entry = { .gsi = gsi, .type = KVM_IRQ_ROUTING_MSI,
			   .u.msi = { .address_lo = address, .address_hi = address >> 32,
				      .data = data } },
	};

	return ioctl(vm->fd, KVM_SET_GSI_ROUTING, &route);
}

#endif
