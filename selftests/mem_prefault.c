// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_PRE_FAULT_MEMORY: what it maps, what it refuses, how far it says it came; and what KVM_RUN
 * says of memory that is not there.
 */
#include <signal.h>
#include <sys/time.h>

#include "guest.h"
#include "memory.h"
#include "stats.h"
#include "vm.h"

#define WINDOW	0x40000000UL
#define PAGE	4096UL
#define MIB	(1UL << 20)

#ifndef KVM_CAP_PRE_FAULT_MEMORY
#define KVM_CAP_PRE_FAULT_MEMORY	236
struct kvm_pre_fault_memory {
	__u64 gpa;
	__u64 size;
	__u64 flags;
	__u64 padding[5];
};
#define KVM_PRE_FAULT_MEMORY	_IOWR(KVMIO, 0xd5, struct kvm_pre_fault_memory)
#endif
#ifndef KVM_CAP_MEMORY_FAULT_INFO
#define KVM_CAP_MEMORY_FAULT_INFO	232
#endif
#ifndef KVM_EXIT_MEMORY_FAULT
#define KVM_EXIT_MEMORY_FAULT	39
#endif

GUEST_CODE static void guest_touches(void)
{
	for (;;) {
		for (u64 at = 0; at < ARG(1); at += PAGE)
			*(volatile u64 *)(ARG(0) + at) += 1;
		guest_sync(1);
	}
}

static struct vcpu *start(void)
{
	struct vcpu *v = vcpu_create(vm_create(0), 0);

	REQUIRE_CAP(v->vm->dev, KVM_CAP_PRE_FAULT_MEMORY);
	vcpu_set_long(v, guest_touches);
	return v;
}

static int prefault(struct vcpu *v, u64 gpa, u64 size, u64 flags, struct kvm_pre_fault_memory *left)
{
	*left = (struct kvm_pre_fault_memory){ .gpa = gpa, .size = size, .flags = flags };
	errno = 0;
	return ioctl(v->fd, KVM_PRE_FAULT_MEMORY, left);
}

static u8 *add_memory(struct vcpu *v, u64 size, u64 align)
{
	u8 *mem = mmap(NULL, size + align, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		       0);

	REQUIRE(mem != MAP_FAILED, "mmap: %m");
	if (align)
		mem = (u8 *)(((u64)mem + align - 1) & ~(align - 1));
	vm_set_region(v->vm, 1, 0, WINDOW, size, mem);
	return mem;
}

TEST(refused)
{
	struct vcpu *v = start();
	struct kvm_pre_fault_memory left;
	static const struct { const char *name; u64 gpa, size, flags; int err; } rows[] = {
		{ "flags", WINDOW, PAGE, 1, EINVAL },
		{ "unaligned address", WINDOW + 8, PAGE, 0, EINVAL },
		{ "unaligned size", WINDOW, PAGE + 8, 0, EINVAL },
		{ "empty", WINDOW, 0, 0, EINVAL },
		{ "wrapping", -PAGE, 2 * PAGE, 0, EINVAL },
		{ "no slot", WINDOW + 0x100000, PAGE, 0, ENOENT },
		{ "beyond physical addresses", 1UL << 52, PAGE, 0, ENOENT },
	};

	add_memory(v, 4 * PAGE, 0);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		int r = prefault(v, rows[i].gpa, rows[i].size, rows[i].flags, &left);

		ktap_row("%s", rows[i].name);
		CHECK(r == -1 && errno == rows[i].err, "returned %d, errno %d", r, errno);
		CHECK_EQ(left.gpa, rows[i].gpa);
		CHECK_EQ(left.size, rows[i].size);
	}
}

/* The range that is left over begins where the slot ends. */
TEST(end_of_the_slot)
{
	struct vcpu *v = start();
	struct kvm_pre_fault_memory left;

	add_memory(v, 4 * PAGE, 0);
	CHECK_OK(prefault(v, WINDOW + PAGE, 8 * PAGE, 0, &left));
	CHECK_EQ(left.gpa, WINDOW + 4 * PAGE);
	CHECK_EQ(left.size, 5 * PAGE);
	CHECK_OK(prefault(v, WINDOW, 4 * PAGE, 0, &left));
	CHECK_EQ(left.gpa, WINDOW + 4 * PAGE);
	CHECK_EQ(left.size, 0);
}

/* Pages that were written by the VMM and mapped ahead cost the guest no exit. */
TEST(spares_the_faults)
{
	struct vcpu *v = start();
	struct kvm_pre_fault_memory left;
	volatile struct guest_shared *s = vm_shared(v->vm);
	u64 size = 64 * PAGE, exits, pages;
	u8 *mem = add_memory(v, size, 0);

	memset(mem, 0, size);
	s->arg[0] = WINDOW;
	s->arg[1] = 0;
	vcpu_expect_sync(v, 1);
	pages = stat_require(v->vm->fd, "pages_4k");
	CHECK_OK(prefault(v, WINDOW, size, 0, &left));
	CHECK_EQ(left.size, 0);
	CHECK_EQ(stat_require(v->vm->fd, "pages_4k") - pages, 64);
	exits = stat_require(v->fd, "exits");
	s->arg[1] = size;
	vcpu_expect_sync(v, 1);
	exits = stat_require(v->fd, "exits") - exits;
	CHECK(exits < 10, "%llu exits for 64 pages that were mapped ahead",
	      (unsigned long long)exits);
	CHECK_EQ(*(u64 *)mem, 1);
}

TEST(large_pages)
{
	struct vcpu *v = start();
	struct kvm_pre_fault_memory left;
	u64 size = 4 * MIB, pages;
	u8 *mem = add_memory(v, size, 2 * MIB);

	if (!huge_pages_on() || madvise(mem, size, MADV_HUGEPAGE) < 0)
		SKIP("no transparent huge pages");
	memset(mem, 0, size);
	pages = stat_require(v->vm->fd, "pages_2m");
	CHECK_OK(prefault(v, WINDOW + PAGE, size - 2 * PAGE, 0, &left));
	CHECK_EQ(left.size, 0);
	CHECK_EQ(stat_require(v->vm->fd, "pages_2m") - pages, 2);
}

static void ignore(int sig) { (void)sig; }

/* A signal ends it; what was done is told, and going on finishes it. */
TEST_SLOW(signals, 3)
{
	struct vcpu *v = start();
	u64 size = 16 * MIB, gpa = WINDOW, left_over = size;
	struct itimerval timer = { .it_interval = { 0, 2000 }, .it_value = { 0, 2000 } };
	struct kvm_pre_fault_memory left;
	int calls = 0, cut = 0;

	add_memory(v, size, 0);
	signal(SIGALRM, ignore);
	REQUIRE_OK(setitimer(ITIMER_REAL, &timer, NULL));
	while (left_over && calls++ < 100000) {
		int r = prefault(v, gpa, left_over, 0, &left);

		CHECK(!r || errno == EINTR, "errno %d", errno);
		CHECK_EQ(left.gpa + left.size, WINDOW + size);
		CHECK(r ? left.size == left_over : left.size < left_over, "%llu of %llu left",
		      left.size, (unsigned long long)left_over);
		cut += left.size != 0;
		gpa = left.gpa;
		left_over = left.size;
	}
	memset(&timer, 0, sizeof(timer));
	REQUIRE_OK(setitimer(ITIMER_REAL, &timer, NULL));
	CHECK_EQ(left_over, 0);
	ktap_note("%d calls, %d of them cut short", calls, cut);
}

/* Memory that goes away: pre-fault and KVM_RUN say EFAULT, the latter with the address. */
TEST(no_memory_behind_the_slot)
{
	struct vcpu *v = start();
	volatile struct guest_shared *s = vm_shared(v->vm);
	struct kvm_pre_fault_memory left;
	u8 *mem = add_memory(v, 4 * PAGE, 0);
	u64 *fault;

	REQUIRE_OK(munmap(mem + 2 * PAGE, 2 * PAGE));
	CHECK_OK(prefault(v, WINDOW, 4 * PAGE, 0, &left));
	CHECK_EQ(left.gpa, WINDOW + 2 * PAGE);
	CHECK(prefault(v, WINDOW + 2 * PAGE, PAGE, 0, &left) == -1 && errno == EFAULT, "errno %d",
	      errno);
	s->arg[0] = WINDOW + 2 * PAGE + 0x18;
	s->arg[1] = PAGE;
	CHECK_ERRNO(ioctl(v->fd, KVM_RUN, 0), EFAULT);
	REQUIRE_CAP(v->vm->dev, KVM_CAP_MEMORY_FAULT_INFO);
	/* KVM gives it for guest_memfd alone */
	if (!strcmp(device_path(), "/dev/kvm") && v->run->exit_reason == KVM_EXIT_UNKNOWN)
		SKIP("EFAULT without KVM_EXIT_MEMORY_FAULT");
	CHECK_EQ(v->run->exit_reason, KVM_EXIT_MEMORY_FAULT);
	fault = (u64 *)&v->run->hw;
	CHECK_EQ(fault[0], 0);
	CHECK_EQ(fault[1], WINDOW + 2 * PAGE);
	CHECK_EQ(fault[2], PAGE);
}
