/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Joined: the hold on KVM, which keeps kvm_intel loaded and VMX operation on.
 */
#ifndef LINTEL_VMX_KVM_HOLD_H
#define LINTEL_VMX_KVM_HOLD_H

/*
 * kvm_hold_take - before the first VM: make the hold, or take over one that lingers.  -EIO: KVM did
 * not enter VMX operation on every CPU; -ESRCH: process 1 ends; or what /dev/kvm answered.  Process
 * context.
 */
int kvm_hold_take(void);

/* kvm_hold_leave - after the last VM: let it linger.  Process context. */
void kvm_hold_leave(void);

/* kvm_hold_exit - give it up and never look at it again.  No VM is left and none can come. */
void kvm_hold_exit(void);

#endif
