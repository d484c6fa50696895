/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The paravirtual clock (kvm-clock): one time base per VM, a page per vCPU that tells the guest how
 * to make nanoseconds from its TSC, and the VM's clock as user space reads and sets it.
 *
 * Locks: struct lintel_clock has its own spinlock, innermost, taken in process context only.
 */
#ifndef LINTEL_PARAVIRT_CLOCK_H
#define LINTEL_PARAVIRT_CLOCK_H

#include <linux/kvm.h>
#include <linux/spinlock.h>
#include <linux/time64.h>

#include "../types.h"

/* A moment on both clocks: host TSC, and nanoseconds of the host's raw clock plus its sleep. */
struct clock_pair {
	u64 tsc;
	s64 ns;
};

/* In struct lintel_vm. */
struct lintel_clock {
	spinlock_t lock;
	struct clock_pair base;		/* [lock] what all vCPUs count from (stable TSC) */
	s64 offset;			/* [lock] VM clock = host nanoseconds + this */
};

/* The flags of struct kvm_clock_data: what KVM_CHECK_EXTENSION(KVM_CAP_ADJUST_CLOCK) answers. */
#define LINTEL_CLOCK_FLAGS (KVM_CLOCK_TSC_STABLE | KVM_CLOCK_REALTIME | KVM_CLOCK_HOST_TSC)

/* lintel_clock_init - the VM's clock starts at 0 now.  When the VM is made. */
void lintel_clock_init(struct lintel_vm *vm);

/*
 * lintel_clock_stable - the TSC of all CPUs of the host runs at one constant rate.  When it does
 * not, the core must set REQ_CLOCK each time a vCPU is loaded on another CPU.  Any context.
 */
bool lintel_clock_stable(void);

/*
 * MSR_KVM_SYSTEM_TIME(_NEW), MSR_KVM_WALL_CLOCK(_NEW).  Writing the first asks for REQ_CLOCK;
 * writing the second writes the guest's wall clock structure at once.  vcpu->mutex held, may
 * sleep. Returns 0, -ENOENT when @msr is none of them, -EINVAL (#GP) for an address that is not
 * aligned.
 */
int lintel_clock_set_msr(struct lintel_vcpu *vcpu, u32 msr, u64 value);
int lintel_clock_get_msr(struct lintel_vcpu *vcpu, u32 msr, u64 *value);

/*
 * lintel_clock_update - write the vCPU's page: on REQ_CLOCK, which is to be set by the core
 * whenever the vCPU's TSC offset changes.  Process context, before entry; may sleep.
 */
void lintel_clock_update(struct lintel_vcpu *vcpu);

/*
 * lintel_clock_paused - KVM_KVMCLOCK_CTRL: tell the guest that it was stopped, so that its
 * watchdogs do not bark.  vcpu->mutex held.  -EINVAL when the guest has no page.
 */
int lintel_clock_paused(struct lintel_vcpu *vcpu);

/* KVM_GET_CLOCK; KVM_SET_CLOCK (-EINVAL for unknown flags).  Process context. */
void lintel_clock_get(struct lintel_vm *vm, struct kvm_clock_data *data);
int lintel_clock_set(struct lintel_vm *vm, const struct kvm_clock_data *data);

/*
 * lintel_clock_wall - wall-clock time and the host's TSC at the same moment, for
 * KVM_HC_CLOCK_PAIRING.  Returns false when the TSC is not stable.
 */
bool lintel_clock_wall(struct timespec64 *wall, u64 *host_tsc);

#endif
