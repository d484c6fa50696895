// SPDX-License-Identifier: GPL-2.0-only
/*
 * Errors that take two calls: what may be done once, in one order, or before the first vCPU. A row
 * is a descriptor in some state, a call that has to succeed, and one whose answer is looked at;
 * each row gets a VM of its own. What one call can do wrong is in ioctl_errors.
 */
#include <sys/eventfd.h>

#include "guest.h"
#include "vm.h"

enum on {
	VM,		/* with the 4 MiB of memory of vm_create() in slot 0 */
	VM_CHIP,	/* and interrupt controllers */
	VM_SPLIT_CHIP,	/* local APICs alone */
	VCPU,		/* the vCPU, without a local APIC in the kernel */
	VCPU_SPLIT,
};

struct call {
	unsigned long cmd, number;
	const void *data;
	size_t size;
};

struct row {
	const char *what;
	enum on on;
	struct call first, second;
	int err;	/* of the second; 0: it succeeds */
};

#define N(cmd_, number_)	{ .cmd = (cmd_), .number = (number_) }
#define A(cmd_, type_, ...)	{ .cmd = (cmd_), .data = &(const struct type_){ __VA_ARGS__ }, \
				  .size = sizeof(struct type_) }
#define CAP(cap_, arg_)		A(KVM_ENABLE_CAP, kvm_enable_cap, .cap = (cap_), .args = { arg_ })
#define SLOT(nr_, flags_, gpa_, size_, hva_)	\
	A(KVM_SET_USER_MEMORY_REGION, kvm_userspace_memory_region, .slot = (nr_), \
	  .flags = (flags_), .guest_phys_addr = (gpa_), .memory_size = (size_), \
	  .userspace_addr = (hva_))
#define BELL(addr_, len_, match_, flags_)	\
	A(KVM_IOEVENTFD, kvm_ioeventfd, .addr = (addr_), .len = (len_), .datamatch = (match_), \
	  .flags = (flags_), .fd = EVENTFD)
#define IRQFD(gsi_, flags_)	A(KVM_IRQFD, kvm_irqfd, .fd = EVENTFD, .gsi = (gsi_), \
				  .flags = (flags_), .resamplefd = EVENTFD)
#define MATCH	KVM_IOEVENTFD_FLAG_DATAMATCH
#define ENDS	KVM_IOEVENTFD_FLAG_DEASSIGN

#define EVENTFD	1022	/* a descriptor that is an eventfd */
#define GIB	(1UL << 30)
#define CAP_APIC_BUS_CYCLES_NS	237

static const struct row rows[] = {
	/* --- memory slots --- */
	{ "slots overlap", VM, SLOT(1, 0, GIB, 8192, GIB), SLOT(2, 0, GIB + 4096, 8192, GIB),
	  EEXIST },
	{ "slots side by side", VM, SLOT(1, 0, GIB, 8192, GIB), SLOT(2, 0, GIB + 8192, 8192, GIB),
	  0 },
	{ "another size", VM, SLOT(1, 0, GIB, 8192, GIB), SLOT(1, 0, GIB, 4096, GIB), EINVAL },
	{ "another address in the process", VM, SLOT(1, 0, GIB, 8192, GIB),
	  SLOT(1, 0, GIB, 8192, 2 * GIB), EINVAL },
	{ "becomes read-only", VM, SLOT(1, 0, GIB, 8192, GIB),
	  SLOT(1, KVM_MEM_READONLY, GIB, 8192, GIB), EINVAL },
	{ "becomes writable", VM, SLOT(1, KVM_MEM_READONLY, GIB, 8192, GIB),
	  SLOT(1, 0, GIB, 8192, GIB), EINVAL },
	{ "logging begins", VM, SLOT(1, 0, GIB, 8192, GIB),
	  SLOT(1, KVM_MEM_LOG_DIRTY_PAGES, GIB, 8192, GIB), 0 },
	{ "the same again", VM, SLOT(1, 0, GIB, 8192, GIB), SLOT(1, 0, GIB, 8192, GIB), 0 },
	{ "moves", VM, SLOT(1, 0, GIB, 8192, GIB), SLOT(1, 0, 2 * GIB, 8192, GIB), 0 },
	{ "moves over itself", VM, SLOT(1, 0, GIB, 8192, GIB), SLOT(1, 0, GIB + 4096, 8192, GIB),
	  0 },
	{ "moves onto another", VM, SLOT(1, 0, GIB, 8192, GIB), SLOT(1, 0, 4096, 8192, GIB),
	  EEXIST },
	{ "removed twice", VM, SLOT(0, 0, 0, 0, 0), SLOT(0, 0, 0, 0, 0), EINVAL },
	{ "no log without the flag", VM, SLOT(1, 0, GIB, 8192, GIB),
	  A(KVM_GET_DIRTY_LOG, kvm_dirty_log, .slot = 1), ENOENT },
	{ "no bitmaps beside rings", VM, CAP(KVM_CAP_DIRTY_LOG_RING_ACQ_REL, 16384),
	  A(KVM_GET_DIRTY_LOG, kvm_dirty_log, .slot = 0), ENXIO },
	{ "likewise", VM, CAP(KVM_CAP_DIRTY_LOG_RING_ACQ_REL, 16384),
	  A(KVM_CLEAR_DIRTY_LOG, kvm_clear_dirty_log, .slot = 0, .num_pages = 64), ENXIO },
	{ "rings twice", VM, CAP(KVM_CAP_DIRTY_LOG_RING_ACQ_REL, 16384),
	  CAP(KVM_CAP_DIRTY_LOG_RING_ACQ_REL, 16384), EINVAL },
	{ "rings after a vCPU", VM, N(KVM_CREATE_VCPU, 0),
	  CAP(KVM_CAP_DIRTY_LOG_RING_ACQ_REL, 16384), EINVAL },
	{ "manual protection after the slots", VM, SLOT(1, KVM_MEM_LOG_DIRTY_PAGES, GIB, 8192, GIB),
	  CAP(KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2, 1), 0 },
	{ "identity map after a vCPU", VM, N(KVM_CREATE_VCPU, 0),
	  { .cmd = KVM_SET_IDENTITY_MAP_ADDR, .data = &(const __u64){ 0xfffbc000 }, .size = 8 },
	  EINVAL },
	{ "TSS address after a vCPU", VM, N(KVM_CREATE_VCPU, 0), N(KVM_SET_TSS_ADDR, 0xfffbd000),
	  0 },
	{ "TSS address twice", VM, N(KVM_SET_TSS_ADDR, 0xfffbd000),
	  N(KVM_SET_TSS_ADDR, 0xfffbd000), 0 },
	{ "TSS address, then the last three pages below 4 GiB", VM, N(KVM_SET_TSS_ADDR, 0xfffbd000),
	  N(KVM_SET_TSS_ADDR, 0xffffd000), 0 },
	{ "a coalesced zone twice", VM,
	  A(KVM_REGISTER_COALESCED_MMIO, kvm_coalesced_mmio_zone, .addr = GIB, .size = 8),
	  A(KVM_REGISTER_COALESCED_MMIO, kvm_coalesced_mmio_zone, .addr = GIB, .size = 8), 0 },
	{ "a zone that was not registered", VM,
	  A(KVM_REGISTER_COALESCED_MMIO, kvm_coalesced_mmio_zone, .addr = GIB, .size = 8),
	  A(KVM_UNREGISTER_COALESCED_MMIO, kvm_coalesced_mmio_zone, .addr = 2 * GIB, .size = 8),
	  0 },

	/* --- vCPUs --- */
	{ "an id twice", VM, N(KVM_CREATE_VCPU, 5), N(KVM_CREATE_VCPU, 5), EEXIST },
	{ "an id beyond the VM's own limit", VM, CAP(KVM_CAP_MAX_VCPU_ID, 2), N(KVM_CREATE_VCPU, 2),
	  EINVAL },
	{ "the last id below it", VM, CAP(KVM_CAP_MAX_VCPU_ID, 2), N(KVM_CREATE_VCPU, 1), 0 },
	{ "another limit", VM, CAP(KVM_CAP_MAX_VCPU_ID, 2), CAP(KVM_CAP_MAX_VCPU_ID, 3), EINVAL },
	{ "the same limit", VM, CAP(KVM_CAP_MAX_VCPU_ID, 2), CAP(KVM_CAP_MAX_VCPU_ID, 2), 0 },
	{ "a limit after a vCPU", VM, N(KVM_CREATE_VCPU, 0), CAP(KVM_CAP_MAX_VCPU_ID, 2), EINVAL },
	{ "a limit below the boot CPU", VM, N(KVM_SET_BOOT_CPU_ID, 5), CAP(KVM_CAP_MAX_VCPU_ID, 3),
	  EINVAL },
	{ "boot CPU after a vCPU", VM, N(KVM_CREATE_VCPU, 0), N(KVM_SET_BOOT_CPU_ID, 0), EBUSY },

	/* --- interrupt controllers --- */
	{ "chips twice", VM, N(KVM_CREATE_IRQCHIP, 0), N(KVM_CREATE_IRQCHIP, 0), EEXIST },
	{ "chips after a vCPU", VM, N(KVM_CREATE_VCPU, 0), N(KVM_CREATE_IRQCHIP, 0), EINVAL },
	{ "chips beside split ones", VM, CAP(KVM_CAP_SPLIT_IRQCHIP, 24), N(KVM_CREATE_IRQCHIP, 0),
	  EEXIST },
	{ "split twice", VM, CAP(KVM_CAP_SPLIT_IRQCHIP, 24), CAP(KVM_CAP_SPLIT_IRQCHIP, 24),
	  EEXIST },
	{ "split after chips", VM, N(KVM_CREATE_IRQCHIP, 0), CAP(KVM_CAP_SPLIT_IRQCHIP, 24),
	  EEXIST },
	{ "split after a vCPU", VM, N(KVM_CREATE_VCPU, 0), CAP(KVM_CAP_SPLIT_IRQCHIP, 24), EEXIST },
	{ "a PIT twice", VM_CHIP, A(KVM_CREATE_PIT2, kvm_pit_config, .flags = 0),
	  A(KVM_CREATE_PIT2, kvm_pit_config, .flags = 0), EEXIST },
	{ "a PIT twice, by the older call", VM_CHIP, A(KVM_CREATE_PIT2, kvm_pit_config, .flags = 0),
	  N(KVM_CREATE_PIT, 0), EEXIST },
	{ "a PIT after a vCPU", VM_CHIP, N(KVM_CREATE_VCPU, 0),
	  A(KVM_CREATE_PIT2, kvm_pit_config, .flags = 0), 0 },
	{ "a PIT without a PIC", VM, CAP(KVM_CAP_SPLIT_IRQCHIP, 24),
	  A(KVM_CREATE_PIT2, kvm_pit_config, .flags = 0), ENOENT },
	{ "PIC's state without a PIC", VM, CAP(KVM_CAP_SPLIT_IRQCHIP, 24),
	  A(KVM_GET_IRQCHIP, kvm_irqchip, .chip_id = 0), ENXIO },
	{ "APIC bus after a vCPU", VM_CHIP, N(KVM_CREATE_VCPU, 0), CAP(CAP_APIC_BUS_CYCLES_NS, 10),
	  EINVAL },
	{ "APIC bus before", VM, CAP(KVM_CAP_SPLIT_IRQCHIP, 24), CAP(CAP_APIC_BUS_CYCLES_NS, 10),
	  0 },
	{ "a second interrupt before the first is taken", VCPU_SPLIT,
	  A(KVM_INTERRUPT, kvm_interrupt, .irq = 32), A(KVM_INTERRUPT, kvm_interrupt, .irq = 33),
	  EEXIST },

	/* --- eventfds --- */
	{ "an irqfd twice", VM_CHIP, IRQFD(4, 0), IRQFD(4, 0), EBUSY },
	{ "its eventfd for another GSI", VM_CHIP, IRQFD(4, 0), IRQFD(5, 0), EBUSY },
	{ "an irqfd ends twice", VM_CHIP, IRQFD(4, KVM_IRQFD_FLAG_DEASSIGN),
	  IRQFD(4, KVM_IRQFD_FLAG_DEASSIGN), 0 },
	{ "an irqfd again after its end", VM_CHIP, IRQFD(4, KVM_IRQFD_FLAG_DEASSIGN), IRQFD(4, 0),
	  0 },
	{ "a resampler without an IOAPIC", VM_SPLIT_CHIP, IRQFD(4, KVM_IRQFD_FLAG_DEASSIGN),
	  IRQFD(5, KVM_IRQFD_FLAG_RESAMPLE), EINVAL },
	{ "a doorbell twice", VM, BELL(GIB, 4, 7, MATCH), BELL(GIB, 4, 7, MATCH), EEXIST },
	{ "for other data", VM, BELL(GIB, 4, 7, MATCH), BELL(GIB, 4, 8, MATCH), 0 },
	{ "of another length", VM, BELL(GIB, 4, 7, MATCH), BELL(GIB, 2, 7, MATCH), 0 },
	{ "for all data beside one's", VM, BELL(GIB, 4, 7, MATCH), BELL(GIB, 4, 0, 0), EEXIST },
	{ "for one's beside all data", VM, BELL(GIB, 4, 0, 0), BELL(GIB, 4, 7, MATCH), EEXIST },
	{ "of any length beside one's", VM, BELL(GIB, 4, 0, 0), BELL(GIB, 0, 0, 0), EEXIST },
	{ "on the other bus", VM, BELL(0x500, 4, 0, 0),
	  BELL(0x500, 4, 0, KVM_IOEVENTFD_FLAG_PIO), 0 },
	{ "another one ends", VM, BELL(GIB, 4, 7, MATCH), BELL(GIB, 4, 8, MATCH | ENDS), ENOENT },
	{ "it ends", VM, BELL(GIB, 4, 7, MATCH), BELL(GIB, 4, 7, MATCH | ENDS), 0 },

	/* --- the rest --- */
	{ "unknown watch on the bus", VM, SLOT(1, 0, GIB, 8192, GIB),
	  CAP(KVM_CAP_X86_BUS_LOCK_EXIT, 4), EINVAL },
	{ "on and off at once", VM, SLOT(1, 0, GIB, 8192, GIB), CAP(KVM_CAP_X86_BUS_LOCK_EXIT, 3),
	  EINVAL },
	{ "off", VM, SLOT(1, 0, GIB, 8192, GIB), CAP(KVM_CAP_X86_BUS_LOCK_EXIT, 1), 0 },
	{ "a notify window that is not on", VM, SLOT(1, 0, GIB, 8192, GIB),
	  CAP(KVM_CAP_X86_NOTIFY_VMEXIT, 128UL << 32), EINVAL },
	{ "unknown flags of it", VM, SLOT(1, 0, GIB, 8192, GIB),
	  CAP(KVM_CAP_X86_NOTIFY_VMEXIT, 128UL << 32 | 5), EINVAL },
	{ "it comes after a vCPU", VM, N(KVM_CREATE_VCPU, 0),
	  CAP(KVM_CAP_X86_NOTIFY_VMEXIT, 128UL << 32 | 1), EINVAL },
	{ "reasons of MSR exits after a vCPU", VM, N(KVM_CREATE_VCPU, 0),
	  CAP(KVM_CAP_X86_USER_SPACE_MSR, 1), 0 },
	{ "an MSR filter replaces another", VM,
	  A(KVM_X86_SET_MSR_FILTER, kvm_msr_filter, .flags = 0),
	  A(KVM_X86_SET_MSR_FILTER, kvm_msr_filter, .flags = 0), 0 },
	{ "a denying filter without ranges, after one", VM,
	  A(KVM_X86_SET_MSR_FILTER, kvm_msr_filter, .flags = 0),
	  A(KVM_X86_SET_MSR_FILTER, kvm_msr_filter, .flags = KVM_MSR_FILTER_DEFAULT_DENY), EINVAL },
	{ "machine checks are set up again", VCPU,
	  { .cmd = KVM_X86_SETUP_MCE, .data = &(const __u64){ 4 }, .size = 8 },
	  { .cmd = KVM_X86_SETUP_MCE, .data = &(const __u64){ 8 }, .size = 8 }, 0 },
	{ "a bank that was not set up", VCPU,
	  { .cmd = KVM_X86_SETUP_MCE, .data = &(const __u64){ 4 }, .size = 8 },
	  A(KVM_X86_SET_MCE, kvm_x86_mce, .bank = 4, .status = 1UL << 63), EINVAL },
	{ "a paused clock without a page", VCPU, N(KVM_GET_TSC_KHZ, 0), N(KVM_KVMCLOCK_CTRL, 0),
	  EINVAL },
};

static int open_on(enum on on)
{
	bool split = on == VM_SPLIT_CHIP || on == VCPU_SPLIT;
	struct vm *vm = vm_create(on == VM_CHIP ? VM_IRQCHIP : split ? VM_SPLIT : 0);

	return on == VCPU || on == VCPU_SPLIT ? vcpu_create(vm, 0)->fd : vm->fd;
}

static int make(int fd, const struct call *call)
{
	static u8 argument[8192] __attribute__((aligned(16)));

	memset(argument, 0, sizeof(argument));
	if (call->data)
		memcpy(argument, call->data, call->size);
	errno = 0;
	return call->data ? ioctl(fd, call->cmd, argument) : ioctl(fd, call->cmd, call->number);
}

/* What is not there answers otherwise, but that is not what these rows are about. */
static bool is_absent(int dev, const struct call *call)
{
	const struct kvm_enable_cap *cap = call->data;

	return call->cmd == KVM_ENABLE_CAP && cap->cap == CAP_APIC_BUS_CYCLES_NS &&
	       !device_cap(dev, cap->cap);
}

TEST_SLOW(two_calls, 3)
{
	int dev = device_open();

	REQUIRE_OK(dup2(REQUIRE_OK(eventfd(0, 0)), EVENTFD));
	for (u32 i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct row *row = &rows[i];
		int fd, ret, err;

		if (is_absent(dev, &row->second))
			continue;
		fd = open_on(row->on);
		ktap_row("row %u, %s", i, row->what);
		REQUIRE(make(fd, &row->first) >= 0, "the first call: %m");
		ret = make(fd, &row->second);
		err = errno;
		if (row->err)
			CHECK(ret == -1 && err == row->err, "%d, errno %d, expected %d", ret, err,
			      row->err);
		else
			CHECK(ret >= 0, "%d, errno %d, expected success", ret, err);
	}
}

GUEST_CODE static void guest_nothing(void) { guest_done(); }

/* A vCPU that has run keeps its model: the same CPUID is taken again, another is not. */
TEST(cpuid_after_a_run)
{
	struct vm *vm = vm_create(0);
	struct vcpu *v = vcpu_create(vm, 0);
	struct kvm_cpuid_entry2 *e;
	struct cpuid c;

	cpuid_supported(vm->dev, &c);
	vcpu_set_long(v, guest_nothing);
	ktap_row("before the run");
	CHECK_OK(ioctl(v->fd, KVM_SET_CPUID2, &c.head));
	vcpu_finish(v);
	ktap_row("the same");
	CHECK_OK(ioctl(v->fd, KVM_SET_CPUID2, &c.head));
	ktap_row("another model");
	e = cpuid_find(&c, 1, 0);
	REQUIRE(e, "CPUID has no leaf 1");
	e->eax ^= 0x10;
	CHECK_ERRNO(ioctl(v->fd, KVM_SET_CPUID2, &c.head), EINVAL);
	ktap_row("an entry less");
	e->eax ^= 0x10;
	c.head.nent--;
	CHECK_ERRNO(ioctl(v->fd, KVM_SET_CPUID2, &c.head), EINVAL);
	ktap_row("by the older call");
	CHECK_ERRNO(ioctl(v->fd, KVM_SET_CPUID, &(struct kvm_cpuid){ .nent = 0 }), EINVAL);
}

/* An irqfd's end makes room for the eventfd elsewhere; so does the end of its VM. */
TEST(an_eventfd_again)
{
	struct kvm_irqfd irqfd = { .fd = REQUIRE_OK(eventfd(0, 0)), .gsi = 4 };
	struct vm *vm = vm_create(VM_IRQCHIP), *other = vm_create(VM_IRQCHIP);

	CHECK_OK(ioctl(vm->fd, KVM_IRQFD, &irqfd));
	ktap_row("in another VM");
	CHECK_OK(ioctl(other->fd, KVM_IRQFD, &irqfd));
	ktap_row("in the same one");
	CHECK_ERRNO(ioctl(vm->fd, KVM_IRQFD, &irqfd), EBUSY);
	irqfd.flags = KVM_IRQFD_FLAG_DEASSIGN;
	CHECK_OK(ioctl(vm->fd, KVM_IRQFD, &irqfd));
	ktap_row("after its end");
	irqfd.flags = 0;
	irqfd.gsi = 9;
	CHECK_OK(ioctl(vm->fd, KVM_IRQFD, &irqfd));
}
