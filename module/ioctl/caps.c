// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_CHECK_EXTENSION: what Lintel implements, as a table.  What is not listed is absent.
 */
#include <linux/kernel.h>
#include <linux/kvm.h>
#include <linux/lintel.h>
#include <linux/sched/stat.h>

#include "dev.h"
#include "../compat.h"
#include "../params.h"
#include "../paravirt/clock.h"
#include "../types.h"
#include "../vmx/controls.h"
#include "../vmx/watch.h"

static const struct {
	u32 cap;
	u32 value;
} capabilities[] = {
	{ KVM_CAP_ENABLE_CAP, 1 },
	{ KVM_CAP_ENABLE_CAP_VM, 1 },
	{ KVM_CAP_ENFORCE_PV_FEATURE_CPUID, 1 },
	{ KVM_CAP_X86_DISABLE_EXITS, LINTEL_DISABLE_EXITS },	/* MWAIT: where possible */
	{ KVM_CAP_DISABLE_QUIRKS, 1 },
	{ KVM_CAP_DISABLE_QUIRKS2, LINTEL_QUIRKS },
	{ KVM_CAP_IRQCHIP, 1 },
	{ KVM_CAP_HLT, 1 },
	{ KVM_CAP_HALT_POLL, 1 },
	{ KVM_CAP_USER_MEMORY, 1 },
	{ KVM_CAP_USER_MEMORY2, 1 },
	{ KVM_CAP_SET_TSS_ADDR, 1 },
	{ KVM_CAP_SET_IDENTITY_MAP_ADDR, 1 },
	{ KVM_CAP_EXT_CPUID, 1 },
	{ KVM_CAP_NR_VCPUS, LINTEL_MAX_VCPUS },	/* or as many as the host's CPUs */
	{ KVM_CAP_MAX_VCPUS, LINTEL_MAX_VCPUS },
	{ KVM_CAP_MAX_VCPU_ID, LINTEL_MAX_VCPU_ID },
	{ KVM_CAP_NR_MEMSLOTS, LINTEL_MAX_MEMSLOTS },
	{ KVM_CAP_COALESCED_MMIO, KVM_COALESCED_MMIO_PAGE_OFFSET },
	{ KVM_CAP_COALESCED_PIO, 1 },
	{ KVM_CAP_PRE_FAULT_MEMORY, 1 },
	{ KVM_CAP_MEMORY_FAULT_INFO, 1 },
	{ KVM_CAP_DESTROY_MEMORY_REGION_WORKS, 1 },
	{ KVM_CAP_JOIN_MEMORY_REGIONS_WORKS, 1 },
	{ KVM_CAP_READONLY_MEM, 1 },
	{ KVM_CAP_SYNC_MMU, 1 },
	{ KVM_CAP_MMU_SHADOW_CACHE_CONTROL, 1 },
	{ KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2, LINTEL_DIRTY_MANUAL },
	{ KVM_CAP_DIRTY_LOG_RING, LINTEL_MAX_RING_BYTES },
	{ KVM_CAP_DIRTY_LOG_RING_ACQ_REL, LINTEL_MAX_RING_BYTES },
	{ KVM_CAP_CHECK_EXTENSION_VM, 1 },
	{ KVM_CAP_VM_TYPES, 1 },
	{ KVM_CAP_IMMEDIATE_EXIT, 1 },
	{ KVM_CAP_PIT, 1 },
	{ KVM_CAP_PIT2, 1 },
	{ KVM_CAP_PIT_STATE2, 1 },
	{ KVM_CAP_REINJECT_CONTROL, 1 },
	{ KVM_CAP_IRQ_ROUTING, LINTEL_MAX_ROUTES },
	{ KVM_CAP_IRQ_INJECT_STATUS, 1 },
	{ KVM_CAP_IOAPIC_POLARITY_IGNORED, 1 },
	{ KVM_CAP_SIGNAL_MSI, 1 },
	{ KVM_CAP_IRQFD, 1 },
	{ KVM_CAP_IRQFD_RESAMPLE, 1 },
	{ KVM_CAP_IOEVENTFD, 1 },
	{ KVM_CAP_IOEVENTFD_ANY_LENGTH, 1 },
	{ KVM_CAP_IOEVENTFD_NO_LENGTH, 1 },
	{ KVM_CAP_SPLIT_IRQCHIP, 1 },
	{ KVM_CAP_X2APIC_API, LINTEL_X2APIC_API },
	{ KVM_CAP_SET_BOOT_CPU_ID, 1 },
	{ KVM_CAP_MP_STATE, 1 },
	{ KVM_CAP_VCPU_EVENTS, 1 },
	{ KVM_CAP_DEBUGREGS, 1 },
	{ KVM_CAP_XSAVE, 1 },
	{ KVM_CAP_XCRS, 1 },
	{ KVM_CAP_USER_NMI, 1 },
	{ KVM_CAP_INTERNAL_ERROR_DATA, 1 },
	{ KVM_CAP_LAST_CPU, 1 },
	{ KVM_CAP_TSC_DEADLINE_TIMER, 1 },
	{ KVM_CAP_GET_TSC_KHZ, 1 },
	{ KVM_CAP_TSC_CONTROL, 1 },		/* where the CPU scales */
	{ KVM_CAP_VM_TSC_CONTROL, 1 },		/* likewise */
	{ KVM_CAP_ADJUST_CLOCK, LINTEL_CLOCK_FLAGS },
	{ KVM_CAP_KVMCLOCK_CTRL, 1 },
	{ KVM_CAP_NOP_IO_DELAY, 1 },
	{ KVM_CAP_CLOCKSOURCE, 1 },
	{ KVM_CAP_ASYNC_PF, 1 },
	{ KVM_CAP_ASYNC_PF_INT, 1 },
	{ KVM_CAP_STEAL_TIME, 1 },		/* where the host accounts it */
	{ KVM_CAP_MCE, 32 },
	{ KVM_CAP_GET_MSR_FEATURES, 1 },
	{ KVM_CAP_BINARY_STATS_FD, 1 },
	{ KVM_CAP_SET_GUEST_DEBUG, 1 },
	{ KVM_CAP_SET_GUEST_DEBUG2, LINTEL_GUESTDBG },
	{ KVM_CAP_X86_ROBUST_SINGLESTEP, 1 },
	{ KVM_CAP_SREGS2, 1 },
	{ KVM_CAP_SYNC_REGS, LINTEL_SYNC_REGS },
	{ KVM_CAP_XSAVE2, LINTEL_XSAVE_SIZE },
	{ KVM_CAP_X86_USER_SPACE_MSR, LINTEL_MSR_EXIT_REASONS },
	{ KVM_CAP_X86_MSR_FILTER, 1 },
	{ KVM_CAP_PMU_EVENT_FILTER, 1 },
	{ KVM_CAP_PMU_EVENT_MASKED_EVENTS, 1 },
	{ KVM_CAP_PMU_CAPABILITY, KVM_PMU_CAP_DISABLE },	/* where there are counters */
	{ KVM_CAP_EXCEPTION_PAYLOAD, 1 },
	{ KVM_CAP_X86_TRIPLE_FAULT_EVENT, 1 },
	{ KVM_CAP_EXIT_ON_EMULATION_FAILURE, 1 },
	{ KVM_CAP_EXT_EMUL_CPUID, 1 },
	{ KVM_CAP_VCPU_ATTRIBUTES, 1 },
	{ KVM_CAP_SYS_ATTRIBUTES, 1 },
	{ KVM_CAP_DEVICE_CTRL, 1 },
	{ KVM_CAP_MSR_PLATFORM_INFO, 1 },
	{ KVM_CAP_X86_APIC_BUS_CYCLES_NS, 1 },
	{ KVM_CAP_X86_BUS_LOCK_EXIT, LINTEL_BUS_LOCK },	/* where the CPU has it */
	{ KVM_CAP_X86_NOTIFY_VMEXIT, 1 },	/* likewise */
	{ LINTEL_CAP_EXPLAIN_ENTRY, 1 },
	{ LINTEL_CAP_FLIGHT, 1 },
	{ LINTEL_CAP_INSPECT, 1 },
};

long lintel_check_extension(struct lintel_vm *vm, unsigned long cap)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(capabilities); i++)
		if (capabilities[i].cap == cap)
			break;
	if (i == ARRAY_SIZE(capabilities))
		return 0;
	switch (cap) {
	case KVM_CAP_NR_VCPUS:
		return min_t(unsigned int, num_online_cpus(), LINTEL_MAX_VCPUS);
	case KVM_CAP_STEAL_TIME:
		return sched_info_on();
	case KVM_CAP_X86_DISABLE_EXITS:
		return vmx_mwait_possible() ? LINTEL_DISABLE_EXITS :
				LINTEL_DISABLE_EXITS & ~KVM_X86_DISABLE_EXITS_MWAIT;
	case KVM_CAP_TSC_CONTROL:
	case KVM_CAP_VM_TSC_CONTROL:
		return lintel_params.tsc_scaling;
	case KVM_CAP_PMU_CAPABILITY:
		return lintel_params.pmu ? capabilities[i].value : 0;
	case KVM_CAP_X86_BUS_LOCK_EXIT:
		return watch_bus_lock_possible() ? capabilities[i].value : 0;
	case KVM_CAP_X86_NOTIFY_VMEXIT:
		return watch_notify_possible();
	default:
		return capabilities[i].value;
	}
}
