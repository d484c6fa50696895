// SPDX-License-Identifier: GPL-2.0-only
/*
 * Each ioctl with a fault at each place where it can have one: the n-th allocation or user copy
 * fails, for n from 1 until the call gets through without. A call that fails must say so with an
 * errno that fits, must leave nothing half done (the same call works right afterwards), and the VM
 * must still run a guest. What leaks, KMEMLEAK finds at the end of the run. Needs the debug kernel.
 */
#include <fcntl.h>

#include "events.h"
#include "fault.h"
#include "guest.h"
#include "module.h"
#include "vm.h"

#define MANY_SITES	400	/* no call here has nearly as many */

struct scene {
	struct vm *vm;
	struct vcpu *v;
	int fd, made;
	u8 *memory;
	union {
		struct cpuid cpuid;
		struct kvm_xsave xsave;
		struct kvm_lapic_state lapic;
		struct kvm_irqchip chip;
		u8 bytes[8192];
	} arg;
};

struct call {
	const char *name;
	unsigned int flags;		/* of vm_create() */
	bool no_vcpu;
	void (*prepare)(struct scene *s);
	long (*call)(struct scene *s);
	int again;			/* a second call may answer so: the first did its work */
};

GUEST_CODE static void guest_alive(void)
{
	u32 a, b, c, d;

	for (u64 i = 0; i < 8; i++)
		*(volatile u64 *)(GPA_HIGH + i * 4096) = i;
	cpuid(0, 0, &a, &b, &c, &d);
	outb(0x80, 1);
	guest_done();
}

static void expect_alive(struct scene *s)
{
	if (!s->v)
		s->v = vcpu_create(s->vm, 0);
	vcpu_set_long(s->v, guest_alive);
	vcpu_expect(s->v, KVM_EXIT_IO);
	vcpu_finish(s->v);
}

static void prepare_eventfd(struct scene *s) { s->fd = event_create(); }

static void prepare_memory(struct scene *s)
{
	s->memory = mmap(NULL, 0x200000, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			 0);
	REQUIRE(s->memory != MAP_FAILED, "mmap: %m");
}

static void prepare_slot(struct scene *s)
{
	prepare_memory(s);
	vm_set_region(s->vm, 3, KVM_MEM_LOG_DIRTY_PAGES, 1UL << 30, 0x200000, s->memory);
}

static long make(struct scene *s, long fd)
{
	if (fd >= 0)
		s->made = fd;
	return fd;
}

static long create_vm(struct scene *s) { return make(s, ioctl(s->vm->dev, KVM_CREATE_VM, 0)); }
static long create_vcpu(struct scene *s) { return make(s, ioctl(s->vm->fd, KVM_CREATE_VCPU, 1L)); }
static long vm_stats(struct scene *s) { return make(s, ioctl(s->vm->fd, KVM_GET_STATS_FD, 0)); }
static long vcpu_stats(struct scene *s) { return make(s, ioctl(s->v->fd, KVM_GET_STATS_FD, 0)); }
static long create_irqchip(struct scene *s) { return ioctl(s->vm->fd, KVM_CREATE_IRQCHIP, 0); }

static long split_irqchip(struct scene *s)
{
	struct kvm_enable_cap cap = { .cap = KVM_CAP_SPLIT_IRQCHIP, .args = { 24 } };

	return ioctl(s->vm->fd, KVM_ENABLE_CAP, &cap);
}

static long create_pit(struct scene *s)
{
	struct kvm_pit_config pit = { .flags = KVM_PIT_SPEAKER_DUMMY };

	return ioctl(s->vm->fd, KVM_CREATE_PIT2, &pit);
}

static long dirty_ring(struct scene *s)
{
	struct kvm_enable_cap cap = { .cap = KVM_CAP_DIRTY_LOG_RING, .args = { 16384 } };

	return ioctl(s->vm->fd, KVM_ENABLE_CAP, &cap);
}

static void prepare_ring(struct scene *s)
{
	struct kvm_enable_cap cap = { .cap = KVM_CAP_DIRTY_LOG_RING, .args = { 16384 } };

	REQUIRE_CAP(s->vm->fd, KVM_CAP_DIRTY_LOG_RING);
	REQUIRE_OK(ioctl(s->vm->fd, KVM_ENABLE_CAP, &cap));
}

static long region(struct scene *s, u32 flags, u64 gpa, u64 size)
{
	struct kvm_userspace_memory_region r = {
		.slot = 3, .flags = flags, .guest_phys_addr = gpa, .memory_size = size,
		.userspace_addr = (u64)s->memory,
	};

	return ioctl(s->vm->fd, KVM_SET_USER_MEMORY_REGION, &r);
}

static long slot_create(struct scene *s) { return region(s, 0, 1UL << 30, 0x200000); }
static long slot_move(struct scene *s) { return region(s, 1, 2UL << 30, 0x200000); }
static long slot_delete(struct scene *s) { return region(s, 0, 1UL << 30, 0); }

static long slot_logged(struct scene *s)
{
	return region(s, KVM_MEM_LOG_DIRTY_PAGES, 1UL << 30, 0x200000);
}

static long get_dirty_log(struct scene *s)
{
	struct kvm_dirty_log log = { .slot = 3, .dirty_bitmap = s->arg.bytes };

	return ioctl(s->vm->fd, KVM_GET_DIRTY_LOG, &log);
}

static long routing(struct scene *s)
{
	return route_msi(s->vm, 5, 0xfee00000, 0x40);
}

static long irqfd_assign(struct scene *s) { return irqfd(s->vm, s->fd, 5, 0); }

static long irqfd_with_resample(struct scene *s)
{
	return irqfd_resample(s->vm, s->fd, 5, s->fd);
}

static long ioevent_assign(struct scene *s)
{
	return ioevent(s->vm, s->fd, 0x600, 4, KVM_IOEVENTFD_FLAG_PIO, 0);
}

static void prepare_ioevent(struct scene *s)
{
	prepare_eventfd(s);
	REQUIRE_OK(ioevent_assign(s));
}

static long ioevent_remove(struct scene *s)
{
	return ioevent(s->vm, s->fd, 0x600, 4,
		       KVM_IOEVENTFD_FLAG_PIO | KVM_IOEVENTFD_FLAG_DEASSIGN, 0);
}

static long coalesce(struct scene *s)
{
	struct kvm_coalesced_mmio_zone zone = { .addr = 0xe0000000, .size = 4096 };

	return ioctl(s->vm->fd, KVM_REGISTER_COALESCED_MMIO, &zone);
}

static long msr_filter(struct scene *s)
{
	struct kvm_msr_filter filter = { .flags = KVM_MSR_FILTER_DEFAULT_ALLOW };

	for (int i = 0; i < 4; i++) {
		filter.ranges[i].flags = KVM_MSR_FILTER_READ;
		filter.ranges[i].nmsrs = 64;
		filter.ranges[i].base = 0x40000100 + 64 * i;
		filter.ranges[i].bitmap = s->arg.bytes;
	}
	return ioctl(s->vm->fd, KVM_X86_SET_MSR_FILTER, &filter);
}

static long supported_cpuid(struct scene *s)
{
	s->arg.cpuid.head.nent = ARRAY_SIZE(s->arg.cpuid.entry);
	return ioctl(s->vm->dev, KVM_GET_SUPPORTED_CPUID, &s->arg.cpuid.head);
}

static void prepare_cpuid(struct scene *s) { cpuid_supported(s->vm->dev, &s->arg.cpuid); }
static long set_cpuid(struct scene *s) { return ioctl(s->v->fd, KVM_SET_CPUID2, &s->arg.cpuid); }

static long get_cpuid(struct scene *s)
{
	s->arg.cpuid.head.nent = ARRAY_SIZE(s->arg.cpuid.entry);
	return ioctl(s->v->fd, KVM_GET_CPUID2, &s->arg.cpuid);
}

static long msr_list(struct scene *s)
{
	struct kvm_msr_list *list = (void *)s->arg.bytes;

	list->nmsrs = 1000;
	return ioctl(s->vm->dev, KVM_GET_MSR_INDEX_LIST, list);
}

static long msrs(struct scene *s, unsigned long request)
{
	struct { struct kvm_msrs head; struct kvm_msr_entry entry[2]; } m = {
		.head.nmsrs = 2, .entry = { { .index = MSR_STAR }, { .index = MSR_LSTAR } },
	};
	long ret = ioctl(s->v->fd, request, &m);

	return ret == 2 ? 0 : ret < 0 ? ret : -2;
}

static long get_msrs(struct scene *s) { return msrs(s, KVM_GET_MSRS); }
static long set_msrs(struct scene *s) { return msrs(s, KVM_SET_MSRS); }

/* Their arguments are read before they are written, so that both directions are covered. */
#define PAIR(name, get, set)								\
static long get_##name(struct scene *s) { return ioctl(s->v->fd, get, &s->arg); }	\
static void prepare_##name(struct scene *s) { REQUIRE_OK(get_##name(s)); }		\
static long set_##name(struct scene *s) { return ioctl(s->v->fd, set, &s->arg); }

PAIR(regs, KVM_GET_REGS, KVM_SET_REGS)
PAIR(sregs, KVM_GET_SREGS, KVM_SET_SREGS)
PAIR(fpu, KVM_GET_FPU, KVM_SET_FPU)
PAIR(xsave, KVM_GET_XSAVE, KVM_SET_XSAVE)
PAIR(xcrs, KVM_GET_XCRS, KVM_SET_XCRS)
PAIR(lapic, KVM_GET_LAPIC, KVM_SET_LAPIC)
PAIR(events, KVM_GET_VCPU_EVENTS, KVM_SET_VCPU_EVENTS)
PAIR(debugregs, KVM_GET_DEBUGREGS, KVM_SET_DEBUGREGS)
PAIR(mp_state, KVM_GET_MP_STATE, KVM_SET_MP_STATE)

static long get_chip(struct scene *s)
{
	s->arg.chip.chip_id = KVM_IRQCHIP_IOAPIC;
	return ioctl(s->vm->fd, KVM_GET_IRQCHIP, &s->arg.chip);
}

static void prepare_chip(struct scene *s) { REQUIRE_OK(get_chip(s)); }
static long set_chip(struct scene *s) { return ioctl(s->vm->fd, KVM_SET_IRQCHIP, &s->arg.chip); }

static long signal_mask(struct scene *s)
{
	struct { struct kvm_signal_mask head; u64 set; } __attribute__((packed)) mask = {
		.head.len = sizeof(u64),
	};

	return ioctl(s->v->fd, KVM_SET_SIGNAL_MASK, &mask);
}

static long map_vcpu(struct scene *s)
{
	u8 *p = mmap(NULL, s->v->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, s->v->fd, 0);

	if (p == MAP_FAILED)
		return -1;
	munmap(p, s->v->run_size);
	return 0;
}

static const struct call calls[] = {
	{ "KVM_CREATE_VM", 0, true, NULL, create_vm, 0 },
	{ "KVM_CREATE_VCPU", 0, false, NULL, create_vcpu, 0 },
	{ "KVM_CREATE_VCPU with irqchip", VM_IRQCHIP, false, NULL, create_vcpu, 0 },
	{ "KVM_CREATE_VCPU with ring", 0, true, prepare_ring, create_vcpu, 0 },
	{ "KVM_CREATE_IRQCHIP", 0, true, NULL, create_irqchip, 0 },
	{ "KVM_CREATE_PIT2", VM_IRQCHIP, true, NULL, create_pit, EEXIST },
	{ "KVM_CAP_SPLIT_IRQCHIP", 0, true, NULL, split_irqchip, EEXIST },
	{ "KVM_CAP_DIRTY_LOG_RING", 0, true, NULL, dirty_ring, EINVAL },
	{ "KVM_GET_STATS_FD of a VM", 0, false, NULL, vm_stats, 0 },
	{ "KVM_GET_STATS_FD of a vCPU", 0, false, NULL, vcpu_stats, 0 },
	{ "a new slot", 0, false, prepare_memory, slot_create, 0 },
	{ "a new slot with log", 0, false, prepare_memory, slot_logged, 0 },
	{ "a slot moved", 0, false, prepare_slot, slot_move, 0 },
	{ "a slot removed", 0, false, prepare_slot, slot_delete, EINVAL },
	{ "KVM_GET_DIRTY_LOG", 0, false, prepare_slot, get_dirty_log, 0 },
	{ "KVM_SET_GSI_ROUTING", VM_IRQCHIP, false, NULL, routing, 0 },
	{ "KVM_IRQFD", VM_IRQCHIP, false, prepare_eventfd, irqfd_assign, EBUSY },
	{ "KVM_IRQFD with resampling", VM_IRQCHIP, false, prepare_eventfd, irqfd_with_resample,
	  EBUSY },
	{ "KVM_IOEVENTFD", 0, false, prepare_eventfd, ioevent_assign, EEXIST },
	{ "KVM_IOEVENTFD removed", 0, false, prepare_ioevent, ioevent_remove, ENOENT },
	{ "KVM_REGISTER_COALESCED_MMIO", 0, false, NULL, coalesce, EEXIST },
	{ "KVM_X86_SET_MSR_FILTER", 0, false, NULL, msr_filter, 0 },
	{ "KVM_GET_SUPPORTED_CPUID", 0, false, NULL, supported_cpuid, 0 },
	{ "KVM_SET_CPUID2", 0, false, prepare_cpuid, set_cpuid, 0 },
	{ "KVM_GET_CPUID2", 0, false, NULL, get_cpuid, 0 },
	{ "KVM_GET_MSR_INDEX_LIST", 0, false, NULL, msr_list, 0 },
	{ "KVM_GET_MSRS", 0, false, NULL, get_msrs, 0 },
	{ "KVM_SET_MSRS", 0, false, NULL, set_msrs, 0 },
	{ "KVM_GET_REGS", 0, false, NULL, get_regs, 0 },
	{ "KVM_SET_REGS", 0, false, prepare_regs, set_regs, 0 },
	{ "KVM_GET_SREGS", 0, false, NULL, get_sregs, 0 },
	{ "KVM_SET_SREGS", 0, false, prepare_sregs, set_sregs, 0 },
	{ "KVM_GET_FPU", 0, false, NULL, get_fpu, 0 },
	{ "KVM_SET_FPU", 0, false, prepare_fpu, set_fpu, 0 },
	{ "KVM_GET_XSAVE", 0, false, NULL, get_xsave, 0 },
	{ "KVM_SET_XSAVE", 0, false, prepare_xsave, set_xsave, 0 },
	{ "KVM_GET_XCRS", 0, false, NULL, get_xcrs, 0 },
	{ "KVM_SET_XCRS", 0, false, prepare_xcrs, set_xcrs, 0 },
	{ "KVM_GET_LAPIC", VM_IRQCHIP, false, NULL, get_lapic, 0 },
	{ "KVM_SET_LAPIC", VM_IRQCHIP, false, prepare_lapic, set_lapic, 0 },
	{ "KVM_GET_VCPU_EVENTS", 0, false, NULL, get_events, 0 },
	{ "KVM_SET_VCPU_EVENTS", 0, false, prepare_events, set_events, 0 },
	{ "KVM_GET_DEBUGREGS", 0, false, NULL, get_debugregs, 0 },
	{ "KVM_SET_DEBUGREGS", 0, false, prepare_debugregs, set_debugregs, 0 },
	{ "KVM_GET_MP_STATE", VM_IRQCHIP, false, NULL, get_mp_state, 0 },
	{ "KVM_SET_MP_STATE", VM_IRQCHIP, false, prepare_mp_state, set_mp_state, 0 },
	{ "KVM_GET_IRQCHIP", VM_IRQCHIP, false, NULL, get_chip, 0 },
	{ "KVM_SET_IRQCHIP", VM_IRQCHIP, false, prepare_chip, set_chip, 0 },
	{ "KVM_SET_SIGNAL_MASK", 0, false, NULL, signal_mask, 0 },
	{ "mmap of a vCPU", 0, false, NULL, map_vcpu, 0 },
};

static void scene_open(struct scene *s, const struct call *c)
{
	memset(s, 0, sizeof(*s));
	s->fd = s->made = -1;
	s->vm = vm_create(c->flags);
	if (!c->no_vcpu)
		s->v = vcpu_create(s->vm, 0);
	if (c->prepare)
		c->prepare(s);
}

static void scene_close(struct scene *s)
{
	if (s->made >= 0)
		close(s->made);
	if (s->fd >= 0)
		close(s->fd);
	if (s->v)
		vcpu_destroy(s->v);
	vm_destroy(s->vm);
	if (s->memory)
		munmap(s->memory, 0x200000);
}

/* ENOTTY and ENXIO: what the device under test does not have has no faults either. */
static bool absent(long ret, int err)
{
	return ret < 0 && (err == ENOTTY || err == ENXIO);
}

/* Returns whether there was a fault. */
static bool fault_at(const struct call *c, unsigned int n, unsigned int *failed)
{
	static struct scene s;
	long ret;
	int err;
	bool hit;

	ktap_row("%s, fault %u", c->name, n);
	scene_open(&s, c);
	errno = 0;
	fault_arm(n);
	ret = c->call(&s);
	err = errno;
	hit = fault_disarm();
	if (absent(ret, err))
		hit = false;
	else if (!hit)
		CHECK(ret >= 0, "returned %ld, errno %d, without a fault", ret, err);
	if (hit && ret < 0) {
		(*failed)++;
		CHECK(err == ENOMEM || err == EFAULT || err == ENFILE || err == EMFILE,
		      "returned %ld, errno %d", ret, err);
		errno = 0;
		ret = c->call(&s);
		CHECK(ret >= 0 || (c->again && errno == c->again), "then returned %ld, errno %d",
		      ret, errno);
	}
	expect_alive(&s);
	scene_close(&s);
	return hit;
}

TEST_SLOW(each_call, 30)
{
	int before = module_references(module_name());
	unsigned int all = 0, failed = 0;

	fault_prepare();
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		unsigned int n = 1;

		while (n < MANY_SITES && !ktap_timed_out() && fault_at(&calls[i], n, &failed))
			n++;
		ktap_note("%s: %u places", calls[i].name, n - 1);
		CHECK(n < MANY_SITES, "%s comes to no end", calls[i].name);
		all += n - 1;
	}
	ktap_row("at the end");
	ktap_note("%zu calls, %u faults, %u of them made the call fail", ARRAY_SIZE(calls), all,
		  failed);
	CHECK(failed > ARRAY_SIZE(calls), "too few: are faults injected at all?");
	CHECK(module_references_settle(before, 5000), "references: %d, before %d",
	      module_references(module_name()), before);
}
