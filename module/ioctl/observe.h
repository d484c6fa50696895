/* SPDX-License-Identifier: GPL-2.0-only */
/* Handlers of the system ioctls that look at VMs from outside; rows of dev.c. */
#ifndef LINTEL_IOCTL_OBSERVE_H
#define LINTEL_IOCTL_OBSERVE_H

struct ioctl_context;

long lintel_dev_next_vm(struct ioctl_context *ctx);
long lintel_dev_get_flight(struct ioctl_context *ctx);
long lintel_dev_clear_dead(struct ioctl_context *ctx);
long lintel_dev_stats_fd(struct ioctl_context *ctx);
long lintel_dev_snapshot(struct ioctl_context *ctx);
long lintel_dev_peek(struct ioctl_context *ctx);

#endif
