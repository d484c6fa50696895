/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Making, running and freeing a vCPU: for vm.c and the ioctl layer.
 */
#ifndef LINTEL_VCPU_LIFE_H
#define LINTEL_VCPU_LIFE_H

#include "types.h"

/*
 * lintel_vcpu_create - a vCPU in its state after power-up, published in vm->vcpus.  vm->lock held.
 * ERR_PTR: -EINVAL (@id too large), -EEXIST, -ENOSPC (too many), -ENOMEM, -EIO.
 */
struct lintel_vcpu *lintel_vcpu_create(struct lintel_vm *vm, u32 id);
/* lintel_vcpu_destroy - the VM is being freed; nothing refers to the vCPU. */
void lintel_vcpu_destroy(struct lintel_vcpu *vcpu);

/*
 * lintel_vcpu_run - KVM_RUN: run the guest until user space is needed.  vcpu->mutex held; may sleep.
 * 0: kvm_run says why; -EINTR: a signal or immediate_exit; -EAGAIN: was waiting for a SIPI, look again; -EIO: the VM is dead; other
 * -errno as the guest's memory gave it.
 */
int lintel_vcpu_run(struct lintel_vcpu *vcpu);

/* Module init and exit.  0 or -ENOMEM. */
int lintel_vcpus_init(void);
void lintel_vcpus_exit(void);

#endif
