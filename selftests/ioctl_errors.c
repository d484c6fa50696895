// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bad input: every ioctl with each bad argument that its documentation names answers the errno that
 * the documentation names. The rows are data, and the same for any device that speaks the KVM API:
 * a descriptor in some state, a command, an argument, an errno.
 *
 * Each row gets a VM of its own, so that none depends on the one before it.
 */
#include <fcntl.h>
#include <sys/eventfd.h>

#include "vm.h"

#ifndef KVM_SET_USER_MEMORY_REGION2
struct kvm_userspace_memory_region2 {
	__u32 slot, flags;
	__u64 guest_phys_addr, memory_size, userspace_addr, guest_memfd_offset;
	__u32 guest_memfd, pad1;
	__u64 pad2[14];
};
#define KVM_SET_USER_MEMORY_REGION2 _IOW(KVMIO, 0x49, struct kvm_userspace_memory_region2)
#endif
#ifndef KVM_PRE_FAULT_MEMORY
struct kvm_pre_fault_memory {
	__u64 gpa, size, flags, padding[5];
};
#define KVM_PRE_FAULT_MEMORY	_IOWR(KVMIO, 0xd5, struct kvm_pre_fault_memory)
#endif

/* What the command is given to. */
enum on {
	SYSTEM,
	VM,		/* with the 4 MiB of memory of vm_create() in slot 0 */
	VM_VCPU,	/* and a vCPU */
	VM_CHIP,	/* and interrupt controllers */
	VM_CHIP_PIT,	/* and a PIT */
	VM_LOG,		/* slot 1 is logged: 16 pages at 1 GiB */
	VCPU,		/* without a local APIC in the kernel */
	VCPU_CHIP,
};

/* .data: NULL, and .number is the argument itself. */
struct row {
	const char *what;
	enum on on;
	unsigned long cmd, number;
	const void *data;
	size_t size;
	int err;
};

#define N(what_, on_, cmd_, number_, err_) \
	{ what_, on_, cmd_, number_, NULL, 0, err_ }
#define A(what_, on_, cmd_, type_, err_, ...) \
	{ what_, on_, cmd_, 0, &(const struct type_){ __VA_ARGS__ }, sizeof(struct type_), err_ }

#define GIB	(1UL << 30)
#define EVENTFD	1022	/* a descriptor that is an eventfd */

#ifndef KVM_CAP_DISABLE_QUIRKS2
#define KVM_CAP_DISABLE_QUIRKS2	213
#endif
#define CAP_APIC_BUS_CYCLES_NS	237

/* Arguments with a tail. */
struct routing {
	struct kvm_irq_routing head;
	struct kvm_irq_routing_entry entry[2];
};

struct one_cpuid {
	struct kvm_cpuid2 head;
	struct kvm_cpuid_entry2 entry;
};

#define PIN(gsi_, chip_, pin_)	{ .gsi = (gsi_), .type = KVM_IRQ_ROUTING_IRQCHIP, \
				  .u.irqchip = { .irqchip = (chip_), .pin = (pin_) } }


static const struct row rows[] = {
	/* --- the system --- */
	N("argument", SYSTEM, KVM_GET_API_VERSION, 1, EINVAL),
	N("machine type", SYSTEM, KVM_CREATE_VM, 0x7fff, EINVAL),
	N("argument", SYSTEM, KVM_GET_VCPU_MMAP_SIZE, 1, EINVAL),
	A("no room", SYSTEM, KVM_GET_MSR_INDEX_LIST, kvm_msr_list, E2BIG, .nmsrs = 0),
	A("no room", SYSTEM, KVM_GET_MSR_FEATURE_INDEX_LIST, kvm_msr_list, E2BIG, .nmsrs = 0),
	A("too many", SYSTEM, KVM_GET_MSRS, kvm_msrs, E2BIG, .nmsrs = 256),
	A("no room", SYSTEM, KVM_GET_SUPPORTED_CPUID, kvm_cpuid2, E2BIG, .nent = 0),
	A("group", SYSTEM, KVM_HAS_DEVICE_ATTR, kvm_device_attr, ENXIO, .group = 99),
	A("attribute", SYSTEM, KVM_HAS_DEVICE_ATTR, kvm_device_attr, ENXIO, .attr = 99),
	A("attribute", SYSTEM, KVM_GET_DEVICE_ATTR, kvm_device_attr, ENXIO, .attr = 99),

	/* --- vCPUs and capabilities of a VM --- */
	N("the id is too large", VM, KVM_CREATE_VCPU, 1UL << 20, EINVAL),
	N("the id is taken", VM_VCPU, KVM_CREATE_VCPU, 0, EEXIST),
	A("unknown capability", VM, KVM_ENABLE_CAP, kvm_enable_cap, EINVAL, .cap = 0xfffff),
	A("flags", VM, KVM_ENABLE_CAP, kvm_enable_cap, EINVAL,
	  .cap = KVM_CAP_X86_DISABLE_EXITS, .flags = 1),
	A("unknown exits", VM, KVM_ENABLE_CAP, kvm_enable_cap, EINVAL,
	  .cap = KVM_CAP_X86_DISABLE_EXITS, .args = { 1UL << 40 }),
	A("unknown reasons", VM, KVM_ENABLE_CAP, kvm_enable_cap, EINVAL,
	  .cap = KVM_CAP_X86_USER_SPACE_MSR, .args = { 1UL << 40 }),
	A("unknown bits", VM, KVM_ENABLE_CAP, kvm_enable_cap, EINVAL,
	  .cap = KVM_CAP_X2APIC_API, .args = { 1UL << 40 }),
	A("routes", VM, KVM_ENABLE_CAP, kvm_enable_cap, EINVAL,
	  .cap = KVM_CAP_SPLIT_IRQCHIP, .args = { 100000 }),
	A("chips are there", VM_CHIP, KVM_ENABLE_CAP, kvm_enable_cap, EEXIST,
	  .cap = KVM_CAP_SPLIT_IRQCHIP, .args = { 24 }),
	A("ring size", VM, KVM_ENABLE_CAP, kvm_enable_cap, EINVAL,
	  .cap = KVM_CAP_DIRTY_LOG_RING, .args = { 12345 }),
	A("flag without its other", VM, KVM_ENABLE_CAP, kvm_enable_cap, EINVAL,
	  .cap = KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2, .args = { 2 }),
	A("unknown quirks", VM, KVM_ENABLE_CAP, kvm_enable_cap, EINVAL,
	  .cap = KVM_CAP_DISABLE_QUIRKS2, .args = { 1UL << 40 }),
	A("more ids than there are", VM, KVM_ENABLE_CAP, kvm_enable_cap, EINVAL,
	  .cap = KVM_CAP_MAX_VCPU_ID, .args = { 1UL << 30 }),
	A("there is a vCPU", VM_VCPU, KVM_ENABLE_CAP, kvm_enable_cap, EINVAL,
	  .cap = KVM_CAP_MAX_VCPU_ID, .args = { 2 }),
	A("no local APICs", VM, KVM_ENABLE_CAP, kvm_enable_cap, ENXIO,
	  .cap = CAP_APIC_BUS_CYCLES_NS, .args = { 10 }),
	A("no time", VM_CHIP, KVM_ENABLE_CAP, kvm_enable_cap, EINVAL,
	  .cap = CAP_APIC_BUS_CYCLES_NS, .args = { 0 }),
	N("there is a vCPU", VM_VCPU, KVM_SET_BOOT_CPU_ID, 0, EBUSY),

	/* --- memory --- */
	A("slot", VM, KVM_SET_USER_MEMORY_REGION, kvm_userspace_memory_region, EINVAL,
	  .slot = 0xffff, .guest_phys_addr = GIB, .memory_size = 4096, .userspace_addr = GIB),
	A("address space", VM, KVM_SET_USER_MEMORY_REGION, kvm_userspace_memory_region, EINVAL,
	  .slot = 7 << 16, .guest_phys_addr = GIB, .memory_size = 4096, .userspace_addr = GIB),
	A("flags", VM, KVM_SET_USER_MEMORY_REGION, kvm_userspace_memory_region, EINVAL,
	  .slot = 1, .flags = 1 << 10, .guest_phys_addr = GIB, .memory_size = 4096),
	A("guest address", VM, KVM_SET_USER_MEMORY_REGION, kvm_userspace_memory_region, EINVAL,
	  .slot = 1, .guest_phys_addr = GIB + 1, .memory_size = 4096, .userspace_addr = GIB),
	A("size", VM, KVM_SET_USER_MEMORY_REGION, kvm_userspace_memory_region, EINVAL,
	  .slot = 1, .guest_phys_addr = GIB, .memory_size = 4095, .userspace_addr = GIB),
	A("address", VM, KVM_SET_USER_MEMORY_REGION, kvm_userspace_memory_region, EINVAL,
	  .slot = 1, .guest_phys_addr = GIB, .memory_size = 4096, .userspace_addr = GIB + 8),
	A("the kernel's address", VM, KVM_SET_USER_MEMORY_REGION, kvm_userspace_memory_region,
	  EINVAL, .slot = 1, .guest_phys_addr = GIB, .memory_size = 4096,
	  .userspace_addr = 0xffff888000000000),
	A("it wraps", VM, KVM_SET_USER_MEMORY_REGION, kvm_userspace_memory_region, EINVAL,
	  .slot = 1, .guest_phys_addr = -4096UL, .memory_size = 8192, .userspace_addr = GIB),
	A("it overlaps", VM, KVM_SET_USER_MEMORY_REGION, kvm_userspace_memory_region, EEXIST,
	  .slot = 1, .guest_phys_addr = 4096, .memory_size = 4096, .userspace_addr = GIB),
	A("none to remove", VM, KVM_SET_USER_MEMORY_REGION, kvm_userspace_memory_region, EINVAL,
	  .slot = 9),
	A("another size", VM, KVM_SET_USER_MEMORY_REGION, kvm_userspace_memory_region, EINVAL,
	  .memory_size = 4096),
	A("guest_memfd", VM, KVM_SET_USER_MEMORY_REGION2, kvm_userspace_memory_region2, EINVAL,
	  .slot = 1, .flags = 4, .guest_phys_addr = GIB, .memory_size = 4096),
	A("not logged", VM, KVM_GET_DIRTY_LOG, kvm_dirty_log, ENOENT, .slot = 0),
	A("no such slot", VM, KVM_GET_DIRTY_LOG, kvm_dirty_log, ENOENT, .slot = 9),
	A("slot number", VM, KVM_GET_DIRTY_LOG, kvm_dirty_log, EINVAL, .slot = 0xffff),
	A("no bitmap", VM_LOG, KVM_GET_DIRTY_LOG, kvm_dirty_log, EFAULT, .slot = 1,
	  .dirty_bitmap = (void *)8),
	A("not logged", VM, KVM_CLEAR_DIRTY_LOG, kvm_clear_dirty_log, ENOENT, .slot = 0,
	  .num_pages = 64),
	A("slot number", VM, KVM_CLEAR_DIRTY_LOG, kvm_clear_dirty_log, EINVAL, .slot = 0xffff,
	  .num_pages = 64),
	A("first page", VM_LOG, KVM_CLEAR_DIRTY_LOG, kvm_clear_dirty_log, EINVAL, .slot = 1,
	  .first_page = 1, .num_pages = 64),
	A("pages", VM_LOG, KVM_CLEAR_DIRTY_LOG, kvm_clear_dirty_log, EINVAL, .slot = 1,
	  .num_pages = 128),
	N("no rings", VM, KVM_RESET_DIRTY_RINGS, 0, EINVAL),
	N("too few", VM, KVM_SET_NR_MMU_PAGES, 10, EINVAL),
	N("beyond 4 GiB", VM, KVM_SET_TSS_ADDR, 0xfffff000UL, EINVAL),
	N("a byte of it beyond 4 GiB", VM, KVM_SET_TSS_ADDR, 0xffffd001UL, EINVAL),
	{ "there is a vCPU", VM_VCPU, KVM_SET_IDENTITY_MAP_ADDR, 0, &(const __u64){ 0xfffbc000 }, 8,
	  EINVAL },
	A("bus", VM, KVM_REGISTER_COALESCED_MMIO, kvm_coalesced_mmio_zone, EINVAL, .addr = GIB,
	  .size = 8, .pio = 2),
	A("bus", VM, KVM_UNREGISTER_COALESCED_MMIO, kvm_coalesced_mmio_zone, EINVAL, .addr = GIB,
	  .size = 8, .pio = 2),

	/* --- interrupt controllers and timers --- */
	N("twice", VM_CHIP, KVM_CREATE_IRQCHIP, 0, EEXIST),
	N("there is a vCPU", VM_VCPU, KVM_CREATE_IRQCHIP, 0, EINVAL),
	A("no chips", VM, KVM_GET_IRQCHIP, kvm_irqchip, ENXIO, .chip_id = 0),
	A("chip", VM_CHIP, KVM_GET_IRQCHIP, kvm_irqchip, EINVAL, .chip_id = 3),
	A("no chips", VM, KVM_SET_IRQCHIP, kvm_irqchip, ENXIO, .chip_id = 0),
	A("chip", VM_CHIP, KVM_SET_IRQCHIP, kvm_irqchip, EINVAL, .chip_id = 3),
	A("no chips", VM, KVM_CREATE_PIT2, kvm_pit_config, ENOENT, .flags = 0),
	N("no chips", VM, KVM_CREATE_PIT, 0, ENOENT),
	A("twice", VM_CHIP_PIT, KVM_CREATE_PIT2, kvm_pit_config, EEXIST, .flags = 0),
	A("no PIT", VM, KVM_GET_PIT2, kvm_pit_state2, ENXIO, .flags = 0),
	A("no PIT", VM, KVM_SET_PIT2, kvm_pit_state2, ENXIO, .flags = 0),
	A("no PIT", VM, KVM_GET_PIT, kvm_pit_state, ENXIO, .channels = { { .count = 0 } }),
	A("no PIT", VM, KVM_SET_PIT, kvm_pit_state, ENXIO, .channels = { { .count = 0 } }),
	A("no PIT", VM, KVM_REINJECT_CONTROL, kvm_reinject_control, ENXIO, .pit_reinject = 1),
	A("no chips", VM, KVM_IRQ_LINE, kvm_irq_level, ENXIO, .irq = 1),
	A("no chips", VM, KVM_IRQ_LINE_STATUS, kvm_irq_level, ENXIO, .irq = 1),
	A("no chips", VM, KVM_SET_GSI_ROUTING, kvm_irq_routing, EINVAL, .nr = 0),
	A("too many", VM_CHIP, KVM_SET_GSI_ROUTING, kvm_irq_routing, EINVAL, .nr = 100000),
	A("flags", VM_CHIP, KVM_SET_GSI_ROUTING, kvm_irq_routing, EINVAL, .flags = 1),
	A("entry type", VM_CHIP, KVM_SET_GSI_ROUTING, routing, EINVAL, .head.nr = 1,
	  .entry = { { .gsi = 1, .type = 99 } }),
	A("entry flags", VM_CHIP, KVM_SET_GSI_ROUTING, routing, EINVAL, .head.nr = 1,
	  .entry = { { .gsi = 1, .type = KVM_IRQ_ROUTING_IRQCHIP, .flags = 1 << 10 } }),
	A("chip", VM_CHIP, KVM_SET_GSI_ROUTING, routing, EINVAL, .head.nr = 1,
	  .entry = { PIN(1, 7, 1) }),
	A("pin of the PIC", VM_CHIP, KVM_SET_GSI_ROUTING, routing, EINVAL, .head.nr = 1,
	  .entry = { PIN(1, KVM_IRQCHIP_PIC_MASTER, 99) }),
	A("pin of the IOAPIC", VM_CHIP, KVM_SET_GSI_ROUTING, routing, EINVAL, .head.nr = 1,
	  .entry = { PIN(1, KVM_IRQCHIP_IOAPIC, 99) }),
	A("one chip twice", VM_CHIP, KVM_SET_GSI_ROUTING, routing, EINVAL, .head.nr = 2,
	  .entry = { PIN(1, KVM_IRQCHIP_IOAPIC, 1), PIN(1, KVM_IRQCHIP_IOAPIC, 2) }),
	A("a message beside a pin", VM_CHIP, KVM_SET_GSI_ROUTING, routing, EINVAL, .head.nr = 2,
	  .entry = { PIN(1, KVM_IRQCHIP_IOAPIC, 1), { .gsi = 1, .type = KVM_IRQ_ROUTING_MSI } }),
	A("no chips", VM, KVM_SIGNAL_MSI, kvm_msi, EINVAL, .address_lo = 0xfee00000),
	A("flags", VM_CHIP, KVM_SIGNAL_MSI, kvm_msi, EINVAL, .flags = 1 << 8),
	A("flags", VM_CHIP, KVM_IRQFD, kvm_irqfd, EINVAL, .flags = 1 << 8),
	A("descriptor", VM_CHIP, KVM_IRQFD, kvm_irqfd, EBADF, .fd = 1023),
	A("no eventfd", VM_CHIP, KVM_IRQFD, kvm_irqfd, EINVAL, .fd = 0),
	A("no chips", VM, KVM_IRQFD, kvm_irqfd, EINVAL, .fd = 0),
	A("GSI", VM_CHIP, KVM_IRQFD, kvm_irqfd, EINVAL, .gsi = 100000),
	A("length", VM, KVM_IOEVENTFD, kvm_ioeventfd, EINVAL, .len = 3),
	A("flags", VM, KVM_IOEVENTFD, kvm_ioeventfd, EINVAL, .len = 4, .flags = 1 << 20),
	A("it wraps", VM, KVM_IOEVENTFD, kvm_ioeventfd, EINVAL, .len = 8, .addr = -4UL),
	A("data of no length", VM, KVM_IOEVENTFD, kvm_ioeventfd, EINVAL, .len = 0,
	  .flags = KVM_IOEVENTFD_FLAG_DATAMATCH),
	A("descriptor", VM, KVM_IOEVENTFD, kvm_ioeventfd, EBADF, .len = 4, .fd = 1023),
	A("no eventfd", VM, KVM_IOEVENTFD, kvm_ioeventfd, EINVAL, .len = 4, .fd = 0),
	A("none to end", VM, KVM_IOEVENTFD, kvm_ioeventfd, ENOENT, .len = 4, .fd = EVENTFD,
	  .flags = KVM_IOEVENTFD_FLAG_DEASSIGN),

	/* --- clock, TSC, MSRs --- */
	A("flags", VM, KVM_SET_CLOCK, kvm_clock_data, EINVAL, .flags = 1 << 20),
	N("frequency", VM, KVM_SET_TSC_KHZ, 0xffffffff, EINVAL),
	A("flags", VM, KVM_X86_SET_MSR_FILTER, kvm_msr_filter, EINVAL, .flags = 1 << 10),
	A("range flags", VM, KVM_X86_SET_MSR_FILTER, kvm_msr_filter, EINVAL,
	  .ranges = { { .flags = 1 << 10, .nmsrs = 1, .base = 1, .bitmap = (__u8 *)"a" } }),
	A("denied without a range", VM, KVM_X86_SET_MSR_FILTER, kvm_msr_filter, EINVAL,
	  .flags = KVM_MSR_FILTER_DEFAULT_DENY),
	A("range too long", VM, KVM_X86_SET_MSR_FILTER, kvm_msr_filter, EINVAL,
	  .ranges = { { .flags = KVM_MSR_FILTER_READ, .nmsrs = 1 << 20 } }),

	A("action", VM, KVM_SET_PMU_EVENT_FILTER, kvm_pmu_event_filter, EINVAL, .action = 2),
	A("flags", VM, KVM_SET_PMU_EVENT_FILTER, kvm_pmu_event_filter, EINVAL, .flags = 1 << 10),
	A("too many", VM, KVM_SET_PMU_EVENT_FILTER, kvm_pmu_event_filter, E2BIG, .nevents = 301),
	A("unknown bits", VM, KVM_ENABLE_CAP, kvm_enable_cap, EINVAL,
	  .cap = KVM_CAP_PMU_CAPABILITY, .args = { 2 }),
	A("there is a vCPU", VM_VCPU, KVM_ENABLE_CAP, kvm_enable_cap, EINVAL,
	  .cap = KVM_CAP_PMU_CAPABILITY, .args = { 1 }),

	/* --- vCPUs --- */
	N("argument", VCPU, KVM_RUN, 1, EINVAL),
	A("unknown capability", VCPU, KVM_ENABLE_CAP, kvm_enable_cap, EINVAL, .cap = 0xfffff),
	A("flags", VCPU, KVM_ENABLE_CAP, kvm_enable_cap, EINVAL,
	  .cap = KVM_CAP_ENFORCE_PV_FEATURE_CPUID, .flags = 1),
	A("too many", VCPU, KVM_GET_MSRS, kvm_msrs, E2BIG, .nmsrs = 256),
	A("too many", VCPU, KVM_SET_MSRS, kvm_msrs, E2BIG, .nmsrs = 256),
	A("too many", VCPU, KVM_SET_CPUID, kvm_cpuid, E2BIG, .nent = 100000),
	A("too many", VCPU, KVM_SET_CPUID2, kvm_cpuid2, E2BIG, .nent = 100000),
	A("no room", VCPU, KVM_GET_CPUID2, kvm_cpuid2, E2BIG, .nent = 0),
	A("linear address width", VCPU, KVM_SET_CPUID2, one_cpuid, EINVAL, .head.nent = 1,
	  .entry = { .function = 0x80000008, .eax = 51 << 8 | 36 }),
	A("reserved bits of CR4", VCPU, KVM_SET_SREGS, kvm_sregs, EINVAL, .cr4 = 1UL << 40),
	A("long mode without PAE", VCPU, KVM_SET_SREGS, kvm_sregs, EINVAL,
	  .cr0 = CR0_PE | CR0_PG, .efer = EFER_LME | EFER_LMA),
	A("APIC base", VCPU, KVM_SET_SREGS, kvm_sregs, EINVAL, .apic_base = 1),
	A("flags", VCPU, KVM_SET_SREGS2, kvm_sregs2, EINVAL, .flags = 1 << 10),
	A("unknown components", VCPU, KVM_SET_XSAVE, kvm_xsave, EINVAL,
	  .region = { [129] = 1 << 30 }),
	A("compacted", VCPU, KVM_SET_XSAVE, kvm_xsave, EINVAL, .region = { [131] = 1U << 31 }),
	A("MXCSR", VCPU, KVM_SET_XSAVE, kvm_xsave, EINVAL,
	  .region = { [6] = ~0U, [128] = 3 }),
	A("flags", VCPU, KVM_SET_XCRS, kvm_xcrs, EINVAL, .flags = 1),
	A("too many", VCPU, KVM_SET_XCRS, kvm_xcrs, EINVAL, .nr_xcrs = 17),
	A("XCR0", VCPU, KVM_SET_XCRS, kvm_xcrs, EINVAL, .nr_xcrs = 1,
	  .xcrs = { { .xcr = 0, .value = 1UL << 62 } }),
	A("no local APIC", VCPU, KVM_GET_LAPIC, kvm_lapic_state, EINVAL, .regs = { 0 }),
	A("no local APIC", VCPU, KVM_SET_LAPIC, kvm_lapic_state, EINVAL, .regs = { 0 }),
	A("state", VCPU_CHIP, KVM_SET_MP_STATE, kvm_mp_state, EINVAL, .mp_state = 99),
	A("no local APIC", VCPU, KVM_SET_MP_STATE, kvm_mp_state, EINVAL,
	  .mp_state = KVM_MP_STATE_HALTED),
	A("flags", VCPU, KVM_SET_VCPU_EVENTS, kvm_vcpu_events, EINVAL, .flags = 1 << 20),
	A("exception", VCPU, KVM_SET_VCPU_EVENTS, kvm_vcpu_events, EINVAL,
	  .exception = { .injected = 1, .nr = 32 }),
	A("NMI as an exception", VCPU, KVM_SET_VCPU_EVENTS, kvm_vcpu_events, EINVAL,
	  .exception = { .injected = 1, .nr = 2 }),
	A("flags", VCPU, KVM_SET_DEBUGREGS, kvm_debugregs, EINVAL, .flags = 1),
	A("DR6", VCPU, KVM_SET_DEBUGREGS, kvm_debugregs, EINVAL, .dr6 = 1UL << 32),
	A("DR7", VCPU, KVM_SET_DEBUGREGS, kvm_debugregs, EINVAL, .dr7 = 1UL << 32),
	N("frequency", VCPU, KVM_SET_TSC_KHZ, 0xffffffff, EINVAL),
	A("vector", VCPU, KVM_INTERRUPT, kvm_interrupt, EINVAL, .irq = 256),
	A("the PIC is in the kernel", VCPU_CHIP, KVM_INTERRUPT, kvm_interrupt, ENXIO, .irq = 32),
	A("length", VCPU, KVM_SET_SIGNAL_MASK, kvm_signal_mask, EINVAL, .len = 4),
	N("no clock page", VCPU, KVM_KVMCLOCK_CTRL, 0, EINVAL),
	A("no local APIC", VCPU, KVM_SET_VAPIC_ADDR, kvm_vapic_addr, EINVAL, .vapic_addr = 4096),
	{ "no bank", VCPU, KVM_X86_SETUP_MCE, 0, &(const __u64){ 0 }, 8, EINVAL },
	{ "banks", VCPU, KVM_X86_SETUP_MCE, 0, &(const __u64){ 255 }, 8, EINVAL },
	{ "capability", VCPU, KVM_X86_SETUP_MCE, 0, &(const __u64){ 4 | 1UL << 62 }, 8, EINVAL },
	A("bank", VCPU, KVM_X86_SET_MCE, kvm_x86_mce, EINVAL, .bank = 200, .status = 1UL << 63),
	A("status", VCPU, KVM_X86_SET_MCE, kvm_x86_mce, EINVAL, .bank = 0, .status = 0),
	A("group", VCPU, KVM_HAS_DEVICE_ATTR, kvm_device_attr, ENXIO, .group = 99),
	A("group", VCPU, KVM_GET_DEVICE_ATTR, kvm_device_attr, ENXIO, .group = 99),
	A("group", VCPU, KVM_SET_DEVICE_ATTR, kvm_device_attr, ENXIO, .group = 99),
	A("no memory for it", VCPU, KVM_SET_DEVICE_ATTR, kvm_device_attr, EFAULT, .addr = 8),
	A("flags", VCPU, KVM_PRE_FAULT_MEMORY, kvm_pre_fault_memory, EINVAL, .size = 4096,
	  .flags = 1),
	A("nothing", VCPU, KVM_PRE_FAULT_MEMORY, kvm_pre_fault_memory, EINVAL, .size = 0),
	A("address", VCPU, KVM_PRE_FAULT_MEMORY, kvm_pre_fault_memory, EINVAL, .gpa = 1,
	  .size = 4096),
	A("it wraps", VCPU, KVM_PRE_FAULT_MEMORY, kvm_pre_fault_memory, EINVAL, .gpa = -4096UL,
	  .size = 8192),
	A("no slot", VCPU, KVM_PRE_FAULT_MEMORY, kvm_pre_fault_memory, ENOENT, .gpa = 16 * GIB,
	  .size = 4096),
};

static void *log_memory;

static int open_on(enum on on)
{
	unsigned int flags = on == VM_CHIP || on == VCPU_CHIP ? VM_IRQCHIP :
			     on == VM_CHIP_PIT ? VM_IRQCHIP | VM_PIT : 0;
	struct vcpu *v;
	struct vm *vm;

	if (on == SYSTEM)
		return device_open();
	vm = vm_create(flags);
	if (on == VM_LOG) {
		log_memory = mmap(NULL, 16 * 4096, PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		vm_set_region(vm, 1, KVM_MEM_LOG_DIRTY_PAGES, GIB, 16 * 4096, log_memory);
	}
	if (on != VM_VCPU && on != VCPU && on != VCPU_CHIP)
		return vm->fd;
	v = vcpu_create(vm, 0);
	return on == VM_VCPU ? vm->fd : v->fd;
}

/* A capability that a row needs; what is not there answers otherwise. */
static bool is_absent(int dev, const struct row *row)
{
	static const struct {
		unsigned long cmd;
		int cap;
	} needs[] = {
		{ KVM_SET_USER_MEMORY_REGION2, 231 }, { KVM_PRE_FAULT_MEMORY, 236 },
		{ KVM_SET_TSC_KHZ, KVM_CAP_TSC_CONTROL },
	};

	const struct kvm_enable_cap *cap = row->data;

	for (u32 i = 0; i < ARRAY_SIZE(needs); i++)
		if (needs[i].cmd == row->cmd)
			return !device_cap(dev, needs[i].cap);
	return row->cmd == KVM_ENABLE_CAP && row->err == ENXIO && !device_cap(dev, cap->cap);
}

TEST_SLOW(each_bad_argument, 3)
{
	static u8 argument[8192] __attribute__((aligned(16)));
	int dev = device_open(), null = open("/dev/null", O_RDWR);

	/* descriptor 0 is no eventfd, and 1023 is none */
	REQUIRE(null >= 0 && dup2(null, 0) == 0, "/dev/null: %m");
	REQUIRE_OK(dup2(REQUIRE_OK(eventfd(0, 0)), EVENTFD));
	for (u32 i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct row *row = &rows[i];
		int fd, ret, err;

		if (is_absent(dev, row))
			continue;
		fd = open_on(row->on);
		memset(argument, 0, sizeof(argument));
		if (row->data)
			memcpy(argument, row->data, row->size);
		errno = 0;
		ret = row->data ? ioctl(fd, row->cmd, argument) : ioctl(fd, row->cmd, row->number);
		err = errno;
		ktap_row("row %u, ioctl 0x%02lx, %s", i, row->cmd & 0xff, row->what);
		CHECK(ret == -1 && err == row->err, "%d, errno %d, expected %d", ret, err,
		      row->err);
	}
}

/* Every command that takes a pointer, with one that points nowhere. */
static const struct {
	enum on on;
	unsigned long cmd;
} pointers[] = {
	{ SYSTEM, KVM_GET_MSR_INDEX_LIST }, { SYSTEM, KVM_GET_MSR_FEATURE_INDEX_LIST },
	{ SYSTEM, KVM_GET_MSRS }, { SYSTEM, KVM_GET_SUPPORTED_CPUID },
	{ SYSTEM, KVM_GET_EMULATED_CPUID }, { SYSTEM, KVM_HAS_DEVICE_ATTR },
	{ SYSTEM, KVM_X86_GET_MCE_CAP_SUPPORTED },
	{ VM, KVM_ENABLE_CAP }, { VM, KVM_SET_USER_MEMORY_REGION }, { VM, KVM_GET_DIRTY_LOG },
	{ VM, KVM_CLEAR_DIRTY_LOG }, { VM, KVM_REGISTER_COALESCED_MMIO },
	{ VM, KVM_UNREGISTER_COALESCED_MMIO }, { VM, KVM_SET_IDENTITY_MAP_ADDR },
	{ VM_CHIP, KVM_GET_IRQCHIP }, { VM_CHIP, KVM_SET_IRQCHIP }, { VM_CHIP, KVM_CREATE_PIT2 },
	{ VM_CHIP_PIT, KVM_GET_PIT2 }, { VM_CHIP_PIT, KVM_SET_PIT2 }, { VM_CHIP_PIT, KVM_GET_PIT },
	{ VM_CHIP_PIT, KVM_SET_PIT }, { VM_CHIP_PIT, KVM_REINJECT_CONTROL },
	{ VM_CHIP, KVM_IRQ_LINE }, { VM_CHIP, KVM_IRQ_LINE_STATUS },
	{ VM_CHIP, KVM_SET_GSI_ROUTING }, { VM_CHIP, KVM_SIGNAL_MSI }, { VM_CHIP, KVM_IRQFD },
	{ VM, KVM_IOEVENTFD }, { VM, KVM_GET_CLOCK }, { VM, KVM_SET_CLOCK },
	{ VM, KVM_X86_SET_MSR_FILTER }, { VM, KVM_SET_PMU_EVENT_FILTER },
	{ VCPU, KVM_ENABLE_CAP }, { VCPU, KVM_GET_REGS }, { VCPU, KVM_SET_REGS },
	{ VCPU, KVM_GET_SREGS }, { VCPU, KVM_SET_SREGS }, { VCPU, KVM_GET_SREGS2 },
	{ VCPU, KVM_SET_SREGS2 }, { VCPU, KVM_SET_GUEST_DEBUG }, { VCPU, KVM_GET_FPU },
	{ VCPU, KVM_SET_FPU }, { VCPU, KVM_GET_XSAVE }, { VCPU, KVM_GET_XSAVE2 },
	{ VCPU, KVM_SET_XSAVE }, { VCPU, KVM_GET_XCRS }, { VCPU, KVM_SET_XCRS },
	{ VCPU, KVM_GET_MSRS }, { VCPU, KVM_SET_MSRS }, { VCPU_CHIP, KVM_GET_LAPIC },
	{ VCPU_CHIP, KVM_SET_LAPIC }, { VCPU, KVM_GET_CPUID2 }, { VCPU, KVM_SET_CPUID },
	{ VCPU, KVM_SET_CPUID2 }, { VCPU, KVM_GET_MP_STATE }, { VCPU, KVM_SET_MP_STATE },
	{ VCPU, KVM_GET_VCPU_EVENTS }, { VCPU, KVM_SET_VCPU_EVENTS }, { VCPU, KVM_GET_DEBUGREGS },
	{ VCPU, KVM_SET_DEBUGREGS }, { VCPU, KVM_INTERRUPT }, { VCPU, KVM_SET_SIGNAL_MASK },
	{ VCPU_CHIP, KVM_SET_VAPIC_ADDR }, { VCPU, KVM_X86_SETUP_MCE }, { VCPU, KVM_X86_SET_MCE },
	{ VCPU, KVM_HAS_DEVICE_ATTR }, { VCPU, KVM_GET_DEVICE_ATTR }, { VCPU, KVM_SET_DEVICE_ATTR },
	{ VCPU, KVM_TRANSLATE },
};

TEST_SLOW(pointers_to_nowhere, 3)
{
	for (u32 i = 0; i < ARRAY_SIZE(pointers); i++) {
		int fd = open_on(pointers[i].on);

		ktap_row("row %u, ioctl 0x%02lx", i, pointers[i].cmd & 0xff);
		CHECK_ERRNO(ioctl(fd, pointers[i].cmd, 8), EFAULT);
	}
}

/* Numbers that no KVM has. KVM answers EINVAL, but on a VM ENOTTY, as the rest of the kernel. */
TEST(unknown_commands)
{
	static const unsigned long unknown[] = { _IO(KVMIO, 0xfe), _IO(0x12, 1) };

	for (u32 i = 0; i < ARRAY_SIZE(unknown); i++) {
		CHECK(ioctl(open_on(SYSTEM), unknown[i], 0) == -1 &&
		      (errno == ENOTTY || errno == EINVAL), "errno %d", errno);
		CHECK_ERRNO(ioctl(open_on(VM), unknown[i], 0), ENOTTY);
		CHECK(ioctl(open_on(VCPU), unknown[i], 0) == -1 &&
		      (errno == ENOTTY || errno == EINVAL), "errno %d", errno);
	}
}
