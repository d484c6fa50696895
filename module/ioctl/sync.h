/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * KVM_CAP_SYNC_REGS: register state in struct kvm_run, taken and given by KVM_RUN itself.
 */
#ifndef LINTEL_IOCTL_SYNC_H
#define LINTEL_IOCTL_SYNC_H

#include "../types.h"

/*
 * lintel_sync_in - before KVM_RUN: what user space marked as changed is set.  -EINVAL: a set of
 * registers that is not known, or one that the plain ioctl would refuse.  vcpu->mutex held.
 */
int lintel_sync_in(struct lintel_vcpu *vcpu);
/* lintel_sync_out - after it: what user space asked for is filled in. */
void lintel_sync_out(struct lintel_vcpu *vcpu);

#endif
