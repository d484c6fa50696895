// SPDX-License-Identifier: GPL-2.0-only
/*
 * The size of the entries that map guest memory, by the device's own count: they follow the host's
 * mapping when it is made, split and joined again. And what a fault and a change of a slot cost, in
 * notes; in the test machine the TSC counts instructions.
 */
#include <fcntl.h>
#include <sys/mman.h>

#include "files.h"
#include "guest.h"
#include "memory.h"
#include "stats.h"
#include "vm.h"

#define WINDOW		0x40000000UL
#define PAGE		4096UL
#define MIB		(1UL << 20)
#define LARGE		(2 * MIB)
#define SIZE		(8 * MIB)

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE	25
#endif

/* Adds 1 to every ARG(2)th byte's word of ARG(1) bytes at ARG(0); ARG(3): the least TSC ticks. */
GUEST_CODE static void guest_touches(void)
{
	for (;;) {
		u64 least = ~0UL;

		for (u64 at = 0; at < ARG(1); at += ARG(2)) {
			u64 t = rdtsc();

			*(volatile u64 *)(ARG(0) + at) += 1;
			t = rdtsc() - t;
			if (t < least)
				least = t;
		}
		ARG(3) = least;
		guest_sync(1);
	}
}

static u8 *map_aligned(u64 size, int flags, int fd)
{
	u8 *p = mmap(NULL, size + LARGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	REQUIRE(p != MAP_FAILED, "mmap: %m");
	p = (u8 *)(((u64)p + LARGE - 1) & ~(LARGE - 1));
	p = mmap(p, size, PROT_READ | PROT_WRITE, flags | MAP_FIXED, fd, 0);
	REQUIRE(p != MAP_FAILED, "mmap: %m");
	return p;
}

static struct vcpu *start(u8 *mem, u64 size)
{
	struct vcpu *v = vcpu_create(vm_create(0), 0);

	madvise(v->vm->mem, v->vm->mem_size, MADV_NOHUGEPAGE);
	stat_require(v->vm->fd, "pages_2m");
	vm_set_region(v->vm, 1, 0, WINDOW, size, mem);
	vcpu_set_long(v, guest_touches);
	return v;
}

static u64 touch(struct vcpu *v, u64 at, u64 size, u64 step)
{
	volatile struct guest_shared *s = vm_shared(v->vm);

	s->arg[0] = WINDOW + at;
	s->arg[1] = size;
	s->arg[2] = step;
	vcpu_expect_sync(v, 1);
	return s->arg[3];
}

static u64 large(struct vcpu *v) { return stat_require(v->vm->fd, "pages_2m"); }

/*
 * Huge pages, made at the first touch; then the mapping asks for none, so that those a test splits
 * stay so: the kernel would join them again behind its back.
 */
static u8 *huge_anonymous(u64 size)
{
	u8 *mem = map_aligned(size, MAP_PRIVATE | MAP_ANONYMOUS, -1);

	if (!huge_pages_on() || madvise(mem, size, MADV_HUGEPAGE) < 0)
		SKIP("no transparent huge pages");
	memset(mem, 0, size);
	REQUIRE_OK(madvise(mem, size, MADV_NOHUGEPAGE));
	if (huge_bytes(mem, size) != size)
		SKIP("of %llu KiB the kernel gave %lu in huge pages: memory is short or in pieces",
		     (unsigned long long)(size >> 10), huge_bytes(mem, size) >> 10);
	return mem;
}

TEST(transparent)
{
	u8 *mem = huge_anonymous(SIZE);
	struct vcpu *v = start(mem, SIZE);

	touch(v, 0, SIZE, PAGE);
	CHECK_EQ(large(v), 4);
	ktap_row("a hole splits one, the others stay");
	REQUIRE_OK(madvise(mem + LARGE + 5 * PAGE, PAGE, MADV_DONTNEED));
	touch(v, 0, SIZE, PAGE);
	CHECK_EQ(large(v), 3);
	CHECK_EQ(*(u64 *)(mem + LARGE + 5 * PAGE), 1);
	CHECK_EQ(*(u64 *)(mem + LARGE + 6 * PAGE), 2);
	ktap_row("protection of a part");
	REQUIRE_OK(mprotect(mem, PAGE, PROT_READ));
	touch(v, LARGE, SIZE - LARGE, PAGE);
	CHECK_EQ(large(v), 2);
	REQUIRE_OK(mprotect(mem, PAGE, PROT_READ | PROT_WRITE));
	ktap_row("collapsed, they are large again");
	REQUIRE_OK(madvise(mem, SIZE, MADV_HUGEPAGE));
	if (madvise(mem, SIZE, MADV_COLLAPSE) < 0)
		SKIP("MADV_COLLAPSE: %m");
	REQUIRE_EQ(huge_bytes(mem, SIZE), SIZE);
	touch(v, 0, SIZE, PAGE);
	CHECK_EQ(large(v), 4);
	CHECK_EQ(*(u64 *)(mem + LARGE + 5 * PAGE), 3);
}

/* A slot whose ends cut large pages: the inner ones are mapped large, the ends small. */
TEST(slot_borders)
{
	u8 *mem = huge_anonymous(SIZE);
	struct vcpu *v = start(mem, SIZE - PAGE);

	touch(v, 0, SIZE - PAGE, PAGE);
	CHECK_EQ(large(v), 3);
	vm_set_region(v->vm, 1, 0, WINDOW, 0, mem);
	CHECK_EQ(large(v), 0);
	ktap_row("another alignment");
	vm_set_region(v->vm, 1, 0, WINDOW + PAGE, SIZE - 2 * PAGE, mem);
	touch(v, PAGE, SIZE - 2 * PAGE, PAGE);
	CHECK_EQ(large(v), 0);
	vm_set_region(v->vm, 1, 0, WINDOW + PAGE, 0, mem);
	ktap_row("whole");
	vm_set_region(v->vm, 1, 0, WINDOW, SIZE, mem);
	touch(v, 0, SIZE, PAGE);
	CHECK_EQ(large(v), 4);
}

static void pool(const char *pages)
{
	int fd = open("/proc/sys/vm/nr_hugepages", O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		SKIP("no hugetlb pages: %m");
	REQUIRE(write(fd, pages, strlen(pages)) > 0, "nr_hugepages: %m");
	close(fd);
}

static void expect_hugetlb(int flags, int fd)
{
	u8 *mem = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, flags, fd, 0);
	struct vcpu *v;

	if (mem == MAP_FAILED)
		SKIP("hugetlb: %m");
	v = start(mem, SIZE);
	touch(v, 0, SIZE, PAGE);
	CHECK_EQ(large(v), 4);
	REQUIRE_OK(munmap(mem, SIZE));
	CHECK_EQ(large(v), 0);
}

TEST(hugetlb)
{
	pool("8");
	ktap_row("anonymous");
	expect_hugetlb(MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1);
	pool("0");
}

TEST(hugetlb_memfd)
{
	int fd = memfd_create("guest", MFD_CLOEXEC | MFD_HUGETLB);

	if (fd < 0)
		SKIP("memfd_create: %m");
	pool("8");
	REQUIRE_OK(ftruncate(fd, SIZE));
	expect_hugetlb(MAP_SHARED, fd);
	close(fd);
	pool("0");
}

/* Shared memory is mapped small until it is collapsed, and a hole in the file takes it away. */
TEST(memfd)
{
	int fd = file_in_memory(SIZE);
	struct vcpu *v;
	u8 *mem;

	mem = map_aligned(SIZE, MAP_SHARED, fd);
	memset(mem, 0, SIZE);
	v = start(mem, SIZE);
	touch(v, 0, SIZE, PAGE);
	CHECK_EQ(large(v), 0);
	if (madvise(mem, SIZE, MADV_COLLAPSE) < 0)
		SKIP("MADV_COLLAPSE: %m");
	touch(v, 0, SIZE, PAGE);
	CHECK_EQ(large(v), 4);
	CHECK_EQ(*(u64 *)(mem + 77 * PAGE), 2);
	REQUIRE_OK(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, SIZE));
	touch(v, 0, SIZE, PAGE);
	CHECK_EQ(*(u64 *)(mem + 77 * PAGE), 1);
}

/* The file gets shorter under the guest: EFAULT, and with its length back all goes on. */
TEST(truncated_file)
{
	int fd = file_in_memory(SIZE);
	volatile struct guest_shared *s;
	struct vcpu *v;
	u8 *mem;

	mem = map_aligned(SIZE, MAP_SHARED, fd);
	v = start(mem, SIZE);
	touch(v, 0, SIZE, PAGE);
	REQUIRE_OK(ftruncate(fd, PAGE));
	s = vm_shared(v->vm);
	s->arg[0] = WINDOW + PAGE;
	s->arg[1] = PAGE;
	CHECK_ERRNO(ioctl(v->fd, KVM_RUN, 0), EFAULT);
	REQUIRE_OK(ftruncate(fd, SIZE));
	vcpu_expect_sync(v, 1);
	CHECK_EQ(*(u64 *)(mem + PAGE), 1);
	CHECK_EQ(*(u64 *)mem, 1);
}

/* Physical memory that the VMM maps without owning it: the ROM of the BIOS. */
TEST(device_memory)
{
	int fd = open("/dev/mem", O_RDONLY | O_CLOEXEC);
	struct vcpu *v;
	u8 *mem;

	if (fd < 0)
		SKIP("/dev/mem: %m");
	mem = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0xff000);
	if (mem == MAP_FAILED)
		SKIP("/dev/mem: %m");
	v = vcpu_create(vm_create(0), 0);
	vm_set_region(v->vm, 1, KVM_MEM_READONLY, 0xfffff000, PAGE, mem);
	vcpu_set_long(v, guest_touches);
	/* the reset vector's jump, by a vCPU that starts where a CPU does */
	struct vcpu *reset = vcpu_create(v->vm, 1);

	CHECK_EQ(*(u8 *)(mem + 0xff0), 0xea);
	reset->run->immediate_exit = 0;
	vcpu_run(reset);
	CHECK(reset->run->exit_reason != KVM_EXIT_INTERNAL_ERROR, "%s",
	      exit_name(reset->run->exit_reason));
}

#define ROUNDS	8

static u64 host_tsc(void)
{
	u32 a, d;

	asm volatile("lfence; rdtsc" : "=a"(a), "=d"(d) :: "memory");
	return a | (u64)d << 32;
}

/* The least of several; deleting and adding the slot again drops all entries. */
static u64 fault_cost(u8 *mem, u64 step, u64 *change, u64 *tables)
{
	struct vcpu *v = start(mem, SIZE);
	u64 least = ~0UL;

	*change = ~0UL;
	for (int i = 0; i < ROUNDS; i++) {
		u64 ticks = touch(v, 0, SIZE, step), t;
		long n = stat_read(v->vm->fd, "ept_tables");

		*tables = n < 0 ? 0 : n;
		least = ticks < least ? ticks : least;
		t = host_tsc();
		vm_set_region(v->vm, 1, 0, WINDOW, 0, mem);
		vm_set_region(v->vm, 1, 0, WINDOW, SIZE, mem);
		t = host_tsc() - t;
		*change = t < *change ? t : *change;
	}
	return least;
}

TEST_SLOW(costs, 4)
{
	u64 small, big, change_small, change_big, tables_small, tables_big;
	u8 *mem = map_aligned(SIZE, MAP_PRIVATE | MAP_ANONYMOUS, -1);

	madvise(mem, SIZE, MADV_NOHUGEPAGE);
	memset(mem, 0, SIZE);
	small = fault_cost(mem, PAGE, &change_small, &tables_small);
	big = fault_cost(huge_anonymous(SIZE), LARGE, &change_big, &tables_big);
	ktap_note("4 KiB fault: %llu, 2 MiB fault: %llu", (unsigned long long)small,
		  (unsigned long long)big);
	ktap_note("slot removed and added, 8 MiB mapped: small pages %llu, large %llu",
		  (unsigned long long)change_small, (unsigned long long)change_big);
	ktap_note("tables of the VM: %llu with small pages, %llu with large",
		  (unsigned long long)tables_small, (unsigned long long)tables_big);
	CHECK(small > 100 && big > 100, "no fault happened");
}
