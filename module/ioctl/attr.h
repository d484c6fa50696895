/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * KVM_HAS_DEVICE_ATTR, KVM_GET_DEVICE_ATTR, KVM_SET_DEVICE_ATTR: the handlers.
 * -ENXIO: an attribute that is not there; -EFAULT: its value cannot be read or written.
 */
#ifndef LINTEL_IOCTL_ATTR_H
#define LINTEL_IOCTL_ATTR_H

#include "dev.h"

long lintel_dev_has_attr(struct ioctl_context *ctx);
long lintel_dev_get_attr(struct ioctl_context *ctx);
long lintel_vcpu_has_attr(struct ioctl_context *ctx);
long lintel_vcpu_get_attr(struct ioctl_context *ctx);
long lintel_vcpu_set_attr(struct ioctl_context *ctx);

#endif
