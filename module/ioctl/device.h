/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The descriptor of KVM_CREATE_DEVICE.
 */
#ifndef LINTEL_IOCTL_DEVICE_H
#define LINTEL_IOCTL_DEVICE_H

#include "dev.h"

/* lintel_vm_create_device - KVM_CREATE_DEVICE; vm->lock held.  -ENODEV, -EBUSY: there is one. */
long lintel_vm_create_device(struct ioctl_context *ctx);

#endif
