/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * For the programs that look at VMs from outside, through Lintel's own system ioctls; a device
 * without them (KVM) makes a test SKIP.
 */
#ifndef LINTEL_SELFTESTS_FLIGHT_H
#define LINTEL_SELFTESTS_FLIGHT_H

#include <linux/lintel.h>

#include "vm.h"

struct flight {
	struct lintel_flight head;
	struct lintel_flight_exit exit[LINTEL_FLIGHT_EXITS];
};

/* Exit reasons: SDM, appendix "VMX Basic Exit Reasons". */
enum {
	REASON_CPUID = 10, REASON_HLT = 12, REASON_VMCALL = 18, REASON_IO = 30, REASON_RDMSR = 31,
	REASON_WRMSR = 32, REASON_EPT_VIOLATION = 48,
};

void require_flight(int dev);
/* The newest VM of a process, 0: none; @info may be NULL. */
u64 vm_number(int dev, pid_t pid, struct lintel_vm_info *info);
/* 0, or -1 and errno. */
int flight_get(int dev, u64 vm, u32 vcpu, struct flight *f);
/* The last exit of a reason, or NULL. */
const struct lintel_flight_exit *flight_last(const struct flight *f, u32 reason);

#endif
