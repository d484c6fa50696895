// SPDX-License-Identifier: GPL-2.0-only
/*
 * Dirty logging page by page: who writes (the guest's instructions, the CPU that walks the guest's
 * page tables, the module for the guest), what a log says after slots change, how a ring fills and
 * is reset, and what is refused. mem_dirty_log.c is about writes and logs at the same time.
 */
#include <asm/kvm_para.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>

#include "dirty.h"
#include "guest.h"

#define WINDOW		0x40000000UL
#define WALKED		0x80000000UL	/* translated by a page table in the window */
#define PAGES		70UL
#define PAGE_AT(n)	(WINDOW + (n) * DIRTY_PAGE)

enum op { WRITE, READ, STRING_IN, FROM_DEVICE, CLOCK, WALK, EXECUTE };

/* Does ARG(0) at ARG(1), for ARG(2) pages or bytes. */
GUEST_CODE static void guest_obeys(void)
{
	for (;;) {
		u64 at, n, from = APIC_BASE + 0x30;

		guest_sync(0);
		at = ARG(1);
		n = ARG(2);
		if (ARG(0) == WRITE)
			for (u64 i = 0; i < n; i++)
				*(volatile u64 *)(at + i * DIRTY_PAGE) = i;
		else if (ARG(0) == STRING_IN)
			asm volatile("rep insb" : "+D"(at), "+c"(n) : "d"(0x40) : "memory");
		else if (ARG(0) == FROM_DEVICE)
			asm volatile("movsl" : "+D"(at), "+S"(from) :: "memory");
		else if (ARG(0) == CLOCK)
			wrmsr(MSR_KVM_SYSTEM_TIME_NEW, at | 1);
		else if (ARG(0) == EXECUTE)
			((void (*)(void))at)();
		else
			asm volatile("invlpg %0" :: "m"(*(u8 *)at) : "memory");
		if (ARG(0) == READ || ARG(0) == WALK)
			(void)*(volatile u64 *)at;
	}
}

static struct vcpu *start(struct vm *vm)
{
	struct vcpu *v = vcpu_create(vm, 0);

	vcpu_set_long(v, guest_obeys);
	vcpu_expect_sync(v, 0);
	return v;
}

/* Gives the order; the event that ends it, RUN_SYNC when it is carried out. */
static int order(struct vcpu *v, enum op op, u64 at, u64 n)
{
	volatile struct guest_shared *s = vm_shared(v->vm);

	s->arg[0] = op;
	s->arg[1] = at;
	s->arg[2] = n;
	return vcpu_next(v);
}

static void obey(struct vcpu *v, enum op op, u64 at, u64 n)
{
	REQUIRE_EQ(order(v, op, at, n), RUN_SYNC);
}

/* Exactly these pages, [first, first + n), are dirty. */
static void expect_dirty(struct dirty_log *log, u64 first, u64 n)
{
	CHECK_EQ(dirty_take(log), n);
	for (u64 page = 0; page < log->pages; page++)
		REQUIRE_EQ(dirty_bit(log, page), page >= first && page - first < n);
}

static void map_walked(struct dirty_log *log, u64 page)
{
	u64 *directory = gpa_ptr(log->vm, GPA_PD + (WALKED >> 21) * 8, 8);

	*(u64 *)(log->mem + page * DIRTY_PAGE) = GPA_PAGE | 3;
	*directory = PAGE_AT(page) | 3;
}

static void writers(enum dirty_mode mode)
{
	struct vm *vm = vm_create(VM_PIT);
	struct dirty_log *log;
	struct vcpu *v;

	dirty_enable(vm, mode);
	log = dirty_create(vm, mode, WINDOW, PAGES, false);
	v = start(vm);
	dirty_map_ring(log, v);
	expect_dirty(log, 0, 0);
	for (int round = 0; round < 3; round++) {
		ktap_row("%s, round %d", dirty_mode_name[mode], round);
		obey(v, WRITE, PAGE_AT(3), 1);
		expect_dirty(log, 3, 1);
		obey(v, WRITE, PAGE_AT(62), 8);
		obey(v, WRITE, PAGE_AT(62), 8);
		expect_dirty(log, 62, 8);
		obey(v, READ, PAGE_AT(3), 0);
		expect_dirty(log, 0, 0);
		/* mapped by a read, which a log may or may not tell; then written */
		REQUIRE_OK(madvise(log->mem + 5 * DIRTY_PAGE, DIRTY_PAGE, MADV_DONTNEED));
		log->mem[5 * DIRTY_PAGE] = 1;
		obey(v, READ, PAGE_AT(5), 0);
		dirty_take(log);
		obey(v, WRITE, PAGE_AT(5), 1);
		expect_dirty(log, 5, 1);
		obey(v, STRING_IN, PAGE_AT(12) - 20, 40);
		expect_dirty(log, 11, 2);
		obey(v, FROM_DEVICE, PAGE_AT(20) + 8, 0);
		expect_dirty(log, 20, 1);
		map_walked(log, 7);
		obey(v, WALK, WALKED, 0);
		CHECK(*(u64 *)(log->mem + 7 * DIRTY_PAGE) & 0x20, "not marked accessed");
		expect_dirty(log, 7, 1);
	}
	ktap_row("%s, kvm-clock", dirty_mode_name[mode]);
	obey(v, CLOCK, PAGE_AT(40), 0);
	expect_dirty(log, 40, 1);
}

/*
 * A page that the guest touches for the first time while its slot is logged is in the log, if it
 * may be written: programs count on it for code. What it touches again is there when it is written.
 */
TEST(executed_page)
{
	struct vm *vm = vm_create(0);
	struct dirty_log *log = dirty_create(vm, DIRTY_PLAIN, WINDOW, PAGES, false);
	struct vcpu *v = start(vm);

	log->mem[3 * DIRTY_PAGE] = 0xc3;	/* RET */
	log->mem[9 * DIRTY_PAGE] = 1;
	obey(v, EXECUTE, PAGE_AT(3), 0);
	expect_dirty(log, 3, 1);
	obey(v, EXECUTE, PAGE_AT(3), 0);
	expect_dirty(log, 0, 0);
	obey(v, READ, PAGE_AT(9), 0);
	expect_dirty(log, 9, 1);
	obey(v, WRITE, PAGE_AT(3), 1);
	expect_dirty(log, 3, 1);
}

TEST(writers_plain) { writers(DIRTY_PLAIN); }
TEST(writers_manual) { writers(DIRTY_MANUAL); }
TEST(writers_ring) { writers(DIRTY_RING); }

/* What the process writes is its own affair. */
TEST(own_writes_are_not_logged)
{
	struct vm *vm = vm_create(0);
	struct dirty_log *log = dirty_create(vm, DIRTY_PLAIN, WINDOW, PAGES, false);
	struct vcpu *v = start(vm);

	obey(v, WRITE, PAGE_AT(0), 2);
	expect_dirty(log, 0, 2);
	log->mem[0] = log->mem[5 * DIRTY_PAGE] = 1;
	expect_dirty(log, 0, 0);
}

/* --- slots --- */

TEST(slot_changes)
{
	struct vm *vm = vm_create(0);
	struct dirty_log *log = dirty_create(vm, DIRTY_PLAIN, WINDOW, PAGES, false);
	struct vcpu *v = start(vm);
	struct kvm_dirty_log get = { .slot = 1, .dirty_bitmap = log->bits };

	ktap_row("off and on again: a new log");
	obey(v, WRITE, PAGE_AT(0), 5);
	dirty_set(log, false);
	CHECK_ERRNO(ioctl(vm->fd, KVM_GET_DIRTY_LOG, &get), ENOENT);
	obey(v, WRITE, PAGE_AT(5), 5);
	dirty_set(log, true);
	expect_dirty(log, 0, 0);
	obey(v, WRITE, PAGE_AT(9), 1);
	expect_dirty(log, 9, 1);

	ktap_row("the same flags again change nothing");
	obey(v, WRITE, PAGE_AT(1), 1);
	dirty_set(log, true);
	expect_dirty(log, 1, 1);

	ktap_row("a move keeps the log");
	obey(v, WRITE, PAGE_AT(3), 1);
	log->gpa = WINDOW + (16UL << 20);
	dirty_set(log, true);
	obey(v, WRITE, log->gpa + 4 * DIRTY_PAGE, 1);
	expect_dirty(log, 3, 2);

	ktap_row("a move that ends logging");
	log->gpa = WINDOW;
	dirty_set(log, false);
	CHECK_ERRNO(ioctl(vm->fd, KVM_GET_DIRTY_LOG, &get), ENOENT);
	obey(v, WRITE, PAGE_AT(3), 1);

	ktap_row("a move that begins it");
	log->gpa = WINDOW + (16UL << 20);
	dirty_set(log, true);
	expect_dirty(log, 0, 0);
	obey(v, WRITE, log->gpa, 2);
	expect_dirty(log, 0, 2);

	ktap_row("removal");
	obey(v, WRITE, log->gpa, 2);
	vm_set_region(vm, 1, 0, log->gpa, 0, log->mem);
	CHECK_ERRNO(ioctl(vm->fd, KVM_GET_DIRTY_LOG, &get), ENOENT);
	dirty_set(log, true);
	expect_dirty(log, 0, 0);
}

TEST(read_only_slot)
{
	struct vm *vm = vm_create(0);
	struct dirty_log *log = dirty_create(vm, DIRTY_PLAIN, WINDOW, PAGES, false);
	struct vcpu *v = start(vm);

	vm_set_region(vm, 1, 0, WINDOW, 0, log->mem);
	vm_set_region(vm, 1, KVM_MEM_READONLY | KVM_MEM_LOG_DIRTY_PAGES, WINDOW,
		      PAGES * DIRTY_PAGE, log->mem);
	obey(v, READ, PAGE_AT(2), 0);
	REQUIRE_EQ(order(v, WRITE, PAGE_AT(2), 1), KVM_EXIT_MMIO);
	vcpu_expect_sync(v, 0);
	expect_dirty(log, 0, 0);
}

TEST(manual_protection)
{
	struct vm *vm = vm_create(0);
	struct dirty_log *log;
	struct vcpu *v;
	u64 bits[2], mask[2] = { 1UL << 3 | 1UL << 9 };
	struct kvm_dirty_log get = { .slot = 1, .dirty_bitmap = bits };
	struct kvm_clear_dirty_log clear = {
		.slot = 1, .num_pages = PAGES, .dirty_bitmap = mask,
	};

	dirty_enable(vm, DIRTY_MANUAL);
	log = dirty_create(vm, DIRTY_MANUAL, WINDOW, PAGES, false);
	v = start(vm);
	obey(v, WRITE, PAGE_AT(2), 3);
	for (int i = 0; i < 2; i++) {
		REQUIRE_OK(ioctl(vm->fd, KVM_GET_DIRTY_LOG, &get));
		CHECK_EQ(bits[0], 7 << 2);
	}
	/* one that is dirty, one that is not; the others stay */
	REQUIRE_OK(ioctl(vm->fd, KVM_CLEAR_DIRTY_LOG, &clear));
	REQUIRE_OK(ioctl(vm->fd, KVM_GET_DIRTY_LOG, &get));
	CHECK_EQ(bits[0], 5 << 2);
	obey(v, WRITE, PAGE_AT(2), 3);
	REQUIRE_OK(ioctl(vm->fd, KVM_GET_DIRTY_LOG, &get));
	CHECK_EQ(bits[0], 7 << 2);
	expect_dirty(log, 2, 3);
	expect_dirty(log, 0, 0);
}

/* --- rings --- */

TEST(ring_fills)
{
	struct vm *vm = vm_create(0);
	u64 pages = 2000, n, full = 0, twice = 0, different = 0;
	u8 seen[2000] = { 0 };
	struct dirty_log *log;
	struct vcpu *v;
	int event;

	dirty_enable(vm, DIRTY_RING);
	log = dirty_create(vm, DIRTY_RING, WINDOW, pages, false);
	v = start(vm);
	dirty_map_ring(log, v);
	event = order(v, WRITE, WINDOW, pages);
	while (event == KVM_EXIT_DIRTY_RING_FULL) {
		/* it stays full until it is harvested */
		REQUIRE_EQ(vcpu_next(v), KVM_EXIT_DIRTY_RING_FULL);
		n = dirty_take(log);
		/* the soft limit: 64 below the end, 512 more with PML, whose log may follow */
		CHECK(n >= 1024 - 576 && n <= 1024, "%llu", (unsigned long long)n);
		/* A write that the full ring has held up is told, and again when it is done. */
		for (u64 page = 0; page < pages; page++)
			seen[page] |= dirty_bit(log, page);
		twice += n;
		full++;
		event = vcpu_next(v);
	}
	REQUIRE_EQ(event, RUN_SYNC);
	CHECK(full >= 1, "never full");
	twice += dirty_take(log);
	for (u64 page = 0; page < pages; page++)
		different += seen[page] | dirty_bit(log, page);
	CHECK_EQ(different, pages);
	/* with PML a write may stand in the log of one exit and be held up by the next */
	CHECK(twice - different <= 2 * full, "%llu pages too many",
	      (unsigned long long)(twice - different));
}

TEST(ring_entries)
{
	struct vm *vm = vm_create(0);
	struct dirty_log *log;
	struct vcpu *v;
	volatile struct kvm_dirty_gfn *e;
	struct kvm_dirty_log get = { .slot = 1 };
	struct kvm_clear_dirty_log clear = { .slot = 1 };
	u64 sum = 0;

	dirty_enable(vm, DIRTY_RING);
	log = dirty_create(vm, DIRTY_RING, WINDOW, PAGES, false);
	get.dirty_bitmap = clear.dirty_bitmap = log->bits;
	v = start(vm);
	dirty_map_ring(log, v);
	e = log->ring[0].entry;
	CHECK_EQ(ioctl(vm->fd, KVM_RESET_DIRTY_RINGS, 0), 0);
	obey(v, WRITE, PAGE_AT(10), 8);
	for (u64 i = 0; i < 8; i++)
		CHECK(e[i].flags == KVM_DIRTY_GFN_F_DIRTY && e[i].slot == 1 &&
		      e[i].offset == 10 + i,
		      "entry %llu: slot %u, page %llu, flags %u", (unsigned long long)i, e[i].slot,
		      (unsigned long long)e[i].offset, e[i].flags);
	CHECK_EQ(e[8].flags, 0);

	ktap_row("in order only");
	e[1].flags = KVM_DIRTY_GFN_F_RESET;
	CHECK_EQ(ioctl(vm->fd, KVM_RESET_DIRTY_RINGS, 0), 0);
	e[0].flags = KVM_DIRTY_GFN_F_RESET;
	CHECK_EQ(ioctl(vm->fd, KVM_RESET_DIRTY_RINGS, 0), 2);
	CHECK_EQ(e[0].flags | e[1].flags, 0);

	ktap_row("nonsense written by user space");
	e[2].slot = 0xffffffff;
	e[3].offset = ~0UL;
	e[4].offset = PAGES;
	e[5].slot = 7;
	e[6].slot = 0x10001;
	for (int i = 2; i < 8; i++)
		e[i].flags = KVM_DIRTY_GFN_F_RESET | KVM_DIRTY_GFN_F_DIRTY | 0xf0;
	CHECK_EQ(ioctl(vm->fd, KVM_RESET_DIRTY_RINGS, 0), 6);
	obey(v, WRITE, PAGE_AT(10), 2);
	obey(v, WRITE, PAGE_AT(17), 1);
	/* in an order that is left open: each exit may add several */
	for (int i = 8; i < 11; i++) {
		CHECK_EQ(e[i].flags, KVM_DIRTY_GFN_F_DIRTY);
		sum += 1UL << e[i].offset;
	}
	CHECK_EQ(sum, 3UL << 10 | 1UL << 17);

	ktap_row("no bitmaps");
	CHECK_ERRNO(ioctl(vm->fd, KVM_GET_DIRTY_LOG, &get), ENXIO);
	CHECK_ERRNO(ioctl(vm->fd, KVM_CLEAR_DIRTY_LOG, &clear), ENXIO);
}

TEST(ring_mapping)
{
	struct vm *vm = vm_create(0);
	long at = KVM_DIRTY_LOG_PAGE_OFFSET * DIRTY_PAGE;
	int pipes[2];
	struct vcpu *v;
	u8 *ring;

	dirty_enable(vm, DIRTY_RING);
	v = vcpu_create(vm, 0);
	CHECK_ERRNO(mmap(NULL, RING_BYTES, PROT_READ, MAP_PRIVATE, v->fd, at), EINVAL);
	/* where anonymous inodes are of a file system without exec, the kernel itself answers first */
	REQUIRE(mmap(NULL, RING_BYTES, PROT_READ | PROT_EXEC, MAP_SHARED, v->fd, at) == MAP_FAILED,
		"an executable mapping of the ring");
	CHECK(errno == EINVAL || errno == EPERM, "%m");
	ring = mmap(NULL, RING_BYTES + DIRTY_PAGE, PROT_READ, MAP_SHARED, v->fd, at);
	REQUIRE(ring != MAP_FAILED, "mmap: %m");
	REQUIRE_OK(pipe(pipes));
	CHECK_EQ(write(pipes[1], ring + RING_BYTES - 1, 1), 1);
	CHECK_ERRNO(write(pipes[1], ring + RING_BYTES, 1), EFAULT);
	/* the mapping keeps the vCPU */
	close(v->fd);
	close(vm->fd);
	CHECK_EQ(write(pipes[1], ring, 1), 1);
}

/* --- what is refused --- */

static int enable(struct vm *vm, u32 cap, u64 arg, u32 flags)
{
	struct kvm_enable_cap enable = { .cap = cap, .flags = flags, .args[0] = arg };

	return ioctl(vm->fd, KVM_ENABLE_CAP, &enable);
}

TEST(refused_capabilities)
{
	static const struct { u64 bytes; int err; } sizes[] = {
		{ 0, EINVAL }, { 1024, EINVAL }, { 2048, EINVAL }, { 17000, EINVAL },
		{ 3 << 14, EINVAL }, { 1UL << 21, E2BIG }, { ~0U - 4095UL, EINVAL },
	};
	struct vm *vm = vm_create(0);

	CHECK_ERRNO(enable(vm, KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2, KVM_DIRTY_LOG_INITIALLY_SET, 0),
		    EINVAL);
	CHECK_ERRNO(enable(vm, KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2, 4, 0), EINVAL);
	CHECK_ERRNO(enable(vm, KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2, 1, 1), EINVAL);
	CHECK_EQ(enable(vm, KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2, 1, 0), 0);
	CHECK_EQ(enable(vm, KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2, 0, 0), 0);
	REQUIRE_CAP(vm->fd, KVM_CAP_DIRTY_LOG_RING);
	CHECK_ERRNO(ioctl(vm->fd, KVM_RESET_DIRTY_RINGS, 0), EINVAL);
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		ktap_row("a ring of %llu bytes", (unsigned long long)sizes[i].bytes);
		CHECK_ERRNO(enable(vm, KVM_CAP_DIRTY_LOG_RING, sizes[i].bytes, 0), sizes[i].err);
	}
	ktap_row("twice");
	CHECK_EQ(enable(vm, KVM_CAP_DIRTY_LOG_RING, device_cap(vm->fd, KVM_CAP_DIRTY_LOG_RING), 0),
		 0);
	CHECK_ERRNO(enable(vm, KVM_CAP_DIRTY_LOG_RING, RING_BYTES, 0), EINVAL);
	ktap_row("after a vCPU");
	vm = vm_create(0);
	vcpu_create(vm, 0);
	CHECK_ERRNO(enable(vm, KVM_CAP_DIRTY_LOG_RING, RING_BYTES, 0), EINVAL);
}

TEST(refused_ranges)
{
	static const struct { u64 first; u32 pages; int err; } rows[] = {
		{ 0, PAGES, 0 }, { 0, 64, 0 }, { 64, PAGES - 64, 0 }, { 0, 0, 0 },
		{ 1, 64, EINVAL }, { 63, 1, EINVAL }, { 0, 63, EINVAL }, { 0, PAGES + 1, EINVAL },
		{ 64, PAGES - 63, EINVAL }, { 64, 5, EINVAL }, { 128, 0, EINVAL },
		{ ~0UL & ~63UL, 64, EINVAL }, { 64, ~0U, EINVAL },
	};
	struct vm *vm = vm_create(0);
	struct dirty_log *log = dirty_create(vm, DIRTY_PLAIN, WINDOW, PAGES, false);
	u64 bits[2] = { 0 };
	struct vcpu *v = start(vm);

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct kvm_clear_dirty_log clear = {
			.slot = 1, .first_page = rows[i].first, .num_pages = rows[i].pages,
			.dirty_bitmap = bits,
		};

		ktap_row("pages %llu and %u on", (unsigned long long)rows[i].first, rows[i].pages);
		if (rows[i].err)
			CHECK_ERRNO(ioctl(vm->fd, KVM_CLEAR_DIRTY_LOG, &clear), rows[i].err);
		else
			CHECK_EQ(ioctl(vm->fd, KVM_CLEAR_DIRTY_LOG, &clear), 0);
	}
	ktap_row("none of them has cleared anything");
	obey(v, WRITE, PAGE_AT(1), 1);
	expect_dirty(log, 1, 1);
}

GUEST_CODE static void guest_stops_itself(void)
{
	wrmsr(MSR_APICBASE, rdmsr(MSR_APICBASE) | APICBASE_X2APIC);
	for (u64 i = 0; i < 2; i++) {
		*(volatile u64 *)PAGE_AT(3) = i;
		if (!i)
			guest_sync(0);
	}
	wrmsr(X2APIC(APIC_ICR), 1UL << 32 | APIC_DM_INIT | APIC_ASSERT);
}

static void on_kick(int sig)
{
	(void)sig;
}

static void *kick(void *thread)
{
	while (!ktap_timed_out()) {
		nanosleep(&(struct timespec) { .tv_nsec = 100000000 }, NULL);
		pthread_kill(*(pthread_t *)thread, SIGUSR1);
	}
	return NULL;
}

/*
 * The vCPU's last exit is a short one, and what it asks for stops it: an INIT to itself. What the
 * CPU has logged by then is in the bitmap all the same.
 */
TEST(written_before_an_init)
{
	struct kvm_mp_state mp = { KVM_MP_STATE_RUNNABLE };
	struct sigaction sa = { .sa_handler = on_kick };
	struct vm *vm = vm_create(VM_IRQCHIP);
	struct dirty_log *log = dirty_create(vm, DIRTY_PLAIN, WINDOW, PAGES, false);
	pthread_t self = pthread_self(), kicker;
	struct vcpu *v;

	vcpu_create(vm, 0);
	v = vcpu_create(vm, 1);
	vcpu_set_long(v, guest_stops_itself);
	REQUIRE_OK(ioctl(v->fd, KVM_SET_MP_STATE, &mp));
	vcpu_expect_sync(v, 0);
	expect_dirty(log, 3, 1);
	sigaction(SIGUSR1, &sa, NULL);
	REQUIRE(!pthread_create(&kicker, NULL, kick, &self), "pthread_create");
	while (mp.mp_state != KVM_MP_STATE_INIT_RECEIVED) {
		CHECK_ERRNO(ioctl(v->fd, KVM_RUN, 0), EINTR);
		REQUIRE_OK(ioctl(v->fd, KVM_GET_MP_STATE, &mp));
	}
	CHECK_EQ(*(u64 *)(log->mem + 3 * DIRTY_PAGE), 1);
	expect_dirty(log, 3, 1);
}

TEST(refused_slots)
{
	static const struct { u32 slot; int err; } rows[] = {
		{ 0, ENOENT }, { 2, ENOENT }, { 0xffff, EINVAL }, { 0x50001, EINVAL },
	};
	struct vm *vm = vm_create(0);
	struct dirty_log *log = dirty_create(vm, DIRTY_PLAIN, WINDOW, PAGES, false);
	struct kvm_dirty_log get = { .slot = 1, .dirty_bitmap = (void *)8 };
	struct kvm_clear_dirty_log clear = {
		.slot = 1, .num_pages = PAGES, .dirty_bitmap = (void *)8,
	};
	struct vcpu *v = start(vm);

	ktap_row("a bitmap that is not there");
	CHECK_ERRNO(ioctl(vm->fd, KVM_GET_DIRTY_LOG, &get), EFAULT);
	CHECK_ERRNO(ioctl(vm->fd, KVM_CLEAR_DIRTY_LOG, &clear), EFAULT);
	obey(v, WRITE, PAGE_AT(69), 1);
	expect_dirty(log, 69, 1);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		ktap_row("slot 0x%x", rows[i].slot);
		get.slot = clear.slot = rows[i].slot;
		get.dirty_bitmap = clear.dirty_bitmap = log->bits;
		CHECK_ERRNO(ioctl(vm->fd, KVM_GET_DIRTY_LOG, &get), rows[i].err);
		CHECK_ERRNO(ioctl(vm->fd, KVM_CLEAR_DIRTY_LOG, &clear), rows[i].err);
	}
}
