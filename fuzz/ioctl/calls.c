// SPDX-License-Identifier: GPL-2.0-only
/*
 * The table of the calls: every ioctl that Lintel knows, by its descriptor, and those of KVM's
 * that it does not, which must be ENOTTY. fuzz/run compares it with the module's own tables.
 */
#include <linux/lintel.h>

#include "structs.h"

/* the argument is a number, usually below the bound */
#define NUMBER(kind, cmd_, weight_, bound, ...)					\
	{ .name = #cmd_, .cmd = cmd_, .fd = FD_##kind, .arg_kind = A_NUMBER,	\
	  .weight = weight_, .arg = bound, ##__VA_ARGS__ }
/* a structure, by its fields; get is the ioctl that gives a valid one to begin with, or 0 */
#define STRUCT(kind, cmd_, weight_, set, get, ...)   				\
	{ .name = #cmd_, .cmd = cmd_, .fd = FD_##kind, .arg_kind = A_STRUCT,	\
	  .weight = weight_, .fields = fields_##set, .arg = get, ##__VA_ARGS__ }
/* made by a function */
#define MADE(kind, cmd_, weight_, function, ...)				\
	{ .name = #cmd_, .cmd = cmd_, .fd = FD_##kind, .arg_kind = A_MADE,	\
	  .weight = weight_, .make = make_##function, ##__VA_ARGS__ }
#define ABSENT(kind, cmd_)							\
	{ .name = #cmd_, .cmd = cmd_, .fd = FD_##kind, .arg_kind = A_MADE,	\
	  .weight = 1, .make = make_noise, .absent = true }

const struct call calls[] = {
	NUMBER(SYSTEM, KVM_GET_API_VERSION, 1, 1),
	NUMBER(SYSTEM, KVM_CREATE_VM, 3, 1, .opens = FD_VM),
	NUMBER(SYSTEM, KVM_CHECK_EXTENSION, 1, 250),
	NUMBER(SYSTEM, KVM_GET_VCPU_MMAP_SIZE, 1, 1),
	MADE(SYSTEM, KVM_GET_MSR_INDEX_LIST, 1, msr_list),
	MADE(SYSTEM, KVM_GET_MSR_FEATURE_INDEX_LIST, 1, msr_list),
	MADE(SYSTEM, KVM_GET_MSRS, 1, msrs),
	MADE(SYSTEM, KVM_GET_SUPPORTED_CPUID, 1, cpuid),
	MADE(SYSTEM, KVM_GET_EMULATED_CPUID, 1, cpuid),
	STRUCT(SYSTEM, KVM_HAS_DEVICE_ATTR, 1, attr, 0),
	STRUCT(SYSTEM, KVM_GET_DEVICE_ATTR, 1, attr, 0),
	STRUCT(SYSTEM, KVM_X86_GET_MCE_CAP_SUPPORTED, 1, none, 0),
	STRUCT(SYSTEM, LINTEL_NEXT_VM, 2, vm_info, 0, .lintel_only = true),
	MADE(SYSTEM, LINTEL_GET_FLIGHT, 3, flight, .lintel_only = true),
	NUMBER(SYSTEM, LINTEL_CLEAR_DEAD, 1, 1, .lintel_only = true),
	MADE(SYSTEM, LINTEL_GET_STATS_FD, 2, vm_stats, .opens = FD_STATS, .lintel_only = true),
	MADE(SYSTEM, LINTEL_GET_SNAPSHOT, 2, snapshot, .lintel_only = true),
	MADE(SYSTEM, LINTEL_PEEK, 2, peek, .lintel_only = true),

	NUMBER(VM, KVM_CHECK_EXTENSION, 1, 250),
	STRUCT(VM, KVM_ENABLE_CAP, 6, cap, 0),
	NUMBER(VM, KVM_CREATE_VCPU, 8, 6, .opens = FD_VCPU),
	STRUCT(VM, KVM_SET_USER_MEMORY_REGION, 12, region, 0),
	STRUCT(VM, KVM_SET_USER_MEMORY_REGION2, 4, region2, 0),
	STRUCT(VM, KVM_GET_DIRTY_LOG, 4, dirty, 0),
	STRUCT(VM, KVM_CLEAR_DIRTY_LOG, 6, clear, 0),
	NUMBER(VM, KVM_RESET_DIRTY_RINGS, 2, 1),
	NUMBER(VM, KVM_SET_NR_MMU_PAGES, 1, 1000),
	NUMBER(VM, KVM_GET_NR_MMU_PAGES, 1, 1),
	STRUCT(VM, KVM_REGISTER_COALESCED_MMIO, 2, zone, 0),
	STRUCT(VM, KVM_UNREGISTER_COALESCED_MMIO, 2, zone, 0),
	NUMBER(VM, KVM_SET_TSS_ADDR, 1, 0x100000000),
	STRUCT(VM, KVM_SET_IDENTITY_MAP_ADDR, 1, u64, 0),
	NUMBER(VM, KVM_CREATE_IRQCHIP, 2, 1),
	STRUCT(VM, KVM_GET_IRQCHIP, 2, irqchip, 0),
	STRUCT(VM, KVM_SET_IRQCHIP, 4, irqchip, KVM_GET_IRQCHIP),
	NUMBER(VM, KVM_CREATE_PIT, 1, 1),
	STRUCT(VM, KVM_CREATE_PIT2, 1, pit_config, 0),
	STRUCT(VM, KVM_GET_PIT, 1, none, 0),
	STRUCT(VM, KVM_SET_PIT, 2, old_pit, KVM_GET_PIT),
	STRUCT(VM, KVM_GET_PIT2, 1, none, 0),
	STRUCT(VM, KVM_SET_PIT2, 3, pit, KVM_GET_PIT2),
	STRUCT(VM, KVM_REINJECT_CONTROL, 1, reinject, 0),
	STRUCT(VM, KVM_IRQ_LINE, 6, irq, 0),
	STRUCT(VM, KVM_IRQ_LINE_STATUS, 3, irq, 0),
	MADE(VM, KVM_SET_GSI_ROUTING, 5, routing),
	STRUCT(VM, KVM_SIGNAL_MSI, 5, msi, 0),
	STRUCT(VM, KVM_IRQFD, 6, irqfd, 0),
	STRUCT(VM, KVM_IOEVENTFD, 6, ioeventfd, 0),
	NUMBER(VM, KVM_SET_BOOT_CPU_ID, 2, 4),
	STRUCT(VM, KVM_GET_CLOCK, 1, none, 0),
	STRUCT(VM, KVM_SET_CLOCK, 2, clock, KVM_GET_CLOCK),
	NUMBER(VM, KVM_GET_TSC_KHZ, 1, 1),
	NUMBER(VM, KVM_SET_TSC_KHZ, 1, 200000),
	MADE(VM, KVM_X86_SET_MSR_FILTER, 3, msr_filter),
	MADE(VM, KVM_SET_PMU_EVENT_FILTER, 3, pmu_filter),
	NUMBER(VM, KVM_GET_STATS_FD, 1, 1, .opens = FD_STATS),
	STRUCT(VM, KVM_CREATE_DEVICE, 2, device, 0),

	/* a file of VFIO; and nothing can be read */
	STRUCT(DEVICE, KVM_SET_DEVICE_ATTR, 3, attr, 0, .in_vain = true),
	STRUCT(DEVICE, KVM_GET_DEVICE_ATTR, 1, attr, 0, .in_vain = true),
	STRUCT(DEVICE, KVM_HAS_DEVICE_ATTR, 1, attr, 0),

	NUMBER(VCPU, KVM_RUN, 16, 1),
	STRUCT(VCPU, KVM_ENABLE_CAP, 1, cap, 0),
	STRUCT(VCPU, KVM_GET_REGS, 1, none, 0),
	MADE(VCPU, KVM_SET_REGS, 6, regs),
	STRUCT(VCPU, KVM_GET_SREGS, 1, none, 0),
	MADE(VCPU, KVM_SET_SREGS, 6, sregs),
	STRUCT(VCPU, KVM_GET_SREGS2, 1, none, 0),
	STRUCT(VCPU, KVM_SET_SREGS2, 3, sregs2, KVM_GET_SREGS2),
	STRUCT(VCPU, KVM_SET_GUEST_DEBUG, 3, debug, 0),
	STRUCT(VCPU, KVM_GET_FPU, 1, none, 0),
	STRUCT(VCPU, KVM_SET_FPU, 2, fpu, KVM_GET_FPU),
	STRUCT(VCPU, KVM_GET_XSAVE, 1, none, 0),
	MADE(VCPU, KVM_GET_XSAVE2, 1, noise),
	STRUCT(VCPU, KVM_SET_XSAVE, 3, xsave, KVM_GET_XSAVE),
	STRUCT(VCPU, KVM_GET_XCRS, 1, none, 0),
	STRUCT(VCPU, KVM_SET_XCRS, 2, xcrs, KVM_GET_XCRS),
	MADE(VCPU, KVM_GET_MSRS, 3, msrs),
	MADE(VCPU, KVM_SET_MSRS, 6, msrs),
	STRUCT(VCPU, KVM_SET_VAPIC_ADDR, 1, vapic, 0),
	STRUCT(VCPU, KVM_GET_LAPIC, 1, none, 0),
	STRUCT(VCPU, KVM_SET_LAPIC, 4, lapic, KVM_GET_LAPIC),
	MADE(VCPU, KVM_GET_CPUID2, 1, cpuid),
	MADE(VCPU, KVM_SET_CPUID, 1, cpuid_v1),
	MADE(VCPU, KVM_SET_CPUID2, 3, cpuid),
	STRUCT(VCPU, KVM_GET_MP_STATE, 1, none, 0),
	STRUCT(VCPU, KVM_SET_MP_STATE, 4, mp, 0),
	STRUCT(VCPU, KVM_GET_VCPU_EVENTS, 1, none, 0),
	STRUCT(VCPU, KVM_SET_VCPU_EVENTS, 4, events, KVM_GET_VCPU_EVENTS),
	STRUCT(VCPU, KVM_GET_DEBUGREGS, 1, none, 0),
	STRUCT(VCPU, KVM_SET_DEBUGREGS, 2, debugregs, KVM_GET_DEBUGREGS),
	NUMBER(VCPU, KVM_GET_TSC_KHZ, 1, 1),
	NUMBER(VCPU, KVM_SET_TSC_KHZ, 1, 200000),
	STRUCT(VCPU, KVM_INTERRUPT, 4, interrupt, 0),
	NUMBER(VCPU, KVM_NMI, 3, 1),
	MADE(VCPU, KVM_SET_SIGNAL_MASK, 2, signal_mask),
	NUMBER(VCPU, KVM_KVMCLOCK_CTRL, 1, 1),
	STRUCT(VCPU, KVM_X86_SETUP_MCE, 2, mce_cap, 0),
	STRUCT(VCPU, KVM_X86_SET_MCE, 3, mce, 0),
	STRUCT(VCPU, KVM_HAS_DEVICE_ATTR, 1, attr, 0),
	STRUCT(VCPU, KVM_GET_DEVICE_ATTR, 1, attr, 0),
	STRUCT(VCPU, KVM_SET_DEVICE_ATTR, 2, attr, 0),
	STRUCT(VCPU, KVM_TRANSLATE, 2, translate, 0),
	STRUCT(VCPU, KVM_PRE_FAULT_MEMORY, 3, prefault, 0),
	NUMBER(VCPU, KVM_GET_STATS_FD, 1, 1, .opens = FD_STATS),
	STRUCT(VCPU, LINTEL_EXPLAIN_ENTRY, 2, report, 0, .lintel_only = true),

	ABSENT(SYSTEM, KVM_GET_SUPPORTED_HV_CPUID),
	ABSENT(SYSTEM, KVM_MEMORY_ENCRYPT_OP),
	ABSENT(VM, KVM_CREATE_GUEST_MEMFD),
	ABSENT(VM, KVM_XEN_HVM_CONFIG),
	ABSENT(VM, KVM_XEN_HVM_SET_ATTR),
	ABSENT(VM, KVM_HYPERV_EVENTFD),
	ABSENT(VM, KVM_MEMORY_ENCRYPT_OP),
	ABSENT(VM, KVM_MEMORY_ENCRYPT_REG_REGION),
	ABSENT(VCPU, KVM_SMI),
	ABSENT(VCPU, KVM_GET_NESTED_STATE),
	ABSENT(VCPU, KVM_SET_NESTED_STATE),
	ABSENT(VCPU, KVM_TPR_ACCESS_REPORTING),
	ABSENT(VCPU, KVM_GET_ONE_REG),
	ABSENT(VCPU, KVM_SET_ONE_REG),
	ABSENT(VCPU, KVM_GET_REG_LIST),
	ABSENT(VCPU, KVM_GET_SUPPORTED_HV_CPUID),
	ABSENT(VCPU, KVM_XEN_VCPU_SET_ATTR),
};

const unsigned int nr_calls = ARRAY_SIZE(calls);
