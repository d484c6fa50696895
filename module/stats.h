/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Statistics of vCPUs and VMs as KVM's binary statistics files (KVM_GET_STATS_FD).
 *
 * The counters are struct lintel_vcpu_stats in vcpu.h; each has one writer, the vCPU's thread,
 * which counts with a plain increment.
 */
#ifndef LINTEL_STATS_H
#define LINTEL_STATS_H

#include "types.h"

/*
 * A new descriptor (close-on-exec, read only) with the counters of one vCPU, or with the sums over
 * the VM's vCPUs and its own.  It holds a reference to the VM.  Process context.
 * Returns the descriptor, or -EMFILE, -ENFILE, -ENOMEM.
 */
int lintel_vcpu_stats_fd(struct lintel_vcpu *vcpu);
int lintel_vm_stats_fd(struct lintel_vm *vm);

/* lintel_exit_reason_name - "cpuid" for 10, and so on; "unknown" for a number without a name. */
const char *lintel_exit_reason_name(u32 reason);

#endif
