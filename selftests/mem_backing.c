// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every kind of memory that a VMM may give to a guest: anonymous, shared, memfd, a file,
 * transparent and explicit huge pages, and odd alignments between guest and user addresses. Each
 * is filled by the host, checked and inverted by the guest, and checked by the host.
 */
#include <fcntl.h>

#include "files.h"
#include "guest.h"
#include "vm.h"

#define WINDOW	0x40000000UL
#define PAGE	4096UL
#define MIB	(1UL << 20)

/*
 * Checks and inverts every 512th byte's word of ARG(1) bytes at ARG(0); the word's value is its
 * offset times a prime.
 */
GUEST_CODE static void guest_invert(void)
{
	u64 wrong = 0;

	for (u64 at = 0; at < ARG(1); at += 512) {
		volatile u64 *p = (volatile u64 *)(ARG(0) + at);

		wrong += *p != at * 2654435761UL;
		*p = ~*p;
	}
	ARG(2) = wrong;
	guest_sync(1);
	guest_done();
}

static void exercise(u8 *mem, u64 size, u64 gpa)
{
	struct vm *vm = vm_create(0);
	struct vcpu *v = vcpu_create(vm, 0);
	volatile struct guest_shared *s = vm_shared(vm);

	vm_set_region(vm, 1, 0, gpa, size, mem);
	vcpu_set_long(v, guest_invert);
	s->arg[0] = gpa;
	s->arg[1] = size;
	for (u64 at = 0; at < size; at += 512)
		*(u64 *)(mem + at) = at * 2654435761UL;
	vcpu_expect_sync(v, 1);
	CHECK_EQ(s->arg[2], 0);
	for (u64 at = 0; at < size; at += 512) {
		if (!CHECK_EQ(*(u64 *)(mem + at), ~(at * 2654435761UL)))
			break;
	}
	vcpu_finish(v);
	vcpu_destroy(v);
	vm_destroy(vm);
}

static u8 *map(u64 size, int flags, int fd)
{
	u8 *p = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, fd, 0);

	REQUIRE(p != MAP_FAILED, "mmap: %m");
	return p;
}

TEST(anonymous_private) { exercise(map(MIB, MAP_PRIVATE | MAP_ANONYMOUS, -1), MIB, WINDOW); }

TEST(anonymous_shared) { exercise(map(MIB, MAP_SHARED | MAP_ANONYMOUS, -1), MIB, WINDOW); }

TEST(memfd)
{
	int fd = file_in_memory(MIB);

	exercise(map(MIB, MAP_SHARED, fd), MIB, WINDOW);
}

static int temporary_file(u64 size)
{
	char name[] = "/tmp/selftest.XXXXXX";
	int fd = mkstemp(name);

	if (fd < 0)
		SKIP("%s: %m", name);
	unlink(name);
	REQUIRE_OK(ftruncate(fd, size));
	return fd;
}

TEST(file_shared)
{
	int fd = temporary_file(MIB);
	u64 word;

	exercise(map(MIB, MAP_SHARED, fd), MIB, WINDOW);
	REQUIRE_EQ(pread(fd, &word, 8, 512), 8);
	CHECK_EQ(word, ~(512 * 2654435761UL));
}

TEST(file_private)
{
	int fd = temporary_file(MIB);
	u64 word;

	exercise(map(MIB, MAP_PRIVATE, fd), MIB, WINDOW);
	REQUIRE_EQ(pread(fd, &word, 8, 512), 8);
	CHECK_EQ(word, 0);		/* the guest's writes stay private */
}

/* Reading the file's own pages first, then writing: the copy must replace them under the guest. */
GUEST_CODE static void guest_read_write(void)
{
	volatile u64 *p = (volatile u64 *)WINDOW;

	ARG(0) = *p;
	guest_sync(1);
	*p = 0x77;
	G_EQ(*p, 0x77);
	guest_done();
}

TEST(private_file_copy_on_write)
{
	int fd = temporary_file(PAGE);
	u64 word = 0x1234, *mem;
	struct vm *vm = vm_create(0);
	struct vcpu *v = vcpu_create(vm, 0);

	REQUIRE_EQ(pwrite(fd, &word, 8, 0), 8);
	mem = (u64 *)map(PAGE, MAP_PRIVATE, fd);
	vm_set_region(vm, 1, 0, WINDOW, PAGE, mem);
	vcpu_set_long(v, guest_read_write);
	vcpu_expect_sync(v, 1);
	CHECK_EQ(vm_shared(vm)->arg[0], 0x1234);
	vcpu_finish(v);
	CHECK_EQ(*mem, 0x77);
	REQUIRE_EQ(pread(fd, &word, 8, 0), 8);
	CHECK_EQ(word, 0x1234);
}

/* 2 MiB-aligned memory with THP asked for, at aligned and unaligned guest addresses. */
TEST_SLOW(transparent_huge_pages, 2)
{
	static const struct { const char *name; u64 host, guest; } rows[] = {
		{ "both aligned", 0, 0 },
		{ "guest address off by a page", 0, PAGE },
		{ "user address off by a page", PAGE, 0 },
		{ "both off by the same", 5 * PAGE, 5 * PAGE },
	};
	u64 size = 8 * MIB;
	u8 *mem = map(size + 4 * MIB, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	u8 *aligned = (u8 *)(((u64)mem + 2 * MIB - 1) & ~(2 * MIB - 1));

	if (madvise(aligned, size + MIB, MADV_HUGEPAGE) < 0)
		SKIP("MADV_HUGEPAGE: %m");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		ktap_row("%s", rows[i].name);
		exercise(aligned + rows[i].host, size, WINDOW + rows[i].guest);
	}
}

/* A huge page that the host splits while the guest has it mapped. */
GUEST_CODE static void guest_touch(void)
{
	for (;;) {
		u64 sum = 0;

		for (u64 at = 0; at < 2 * MIB; at += PAGE)
			sum += *(volatile u64 *)(WINDOW + at);
		ARG(0) = sum;
		guest_sync(1);
	}
}

TEST(huge_page_split)
{
	struct vm *vm = vm_create(0);
	struct vcpu *v = vcpu_create(vm, 0);
	u8 *mem = map(6 * MIB, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	u8 *aligned = (u8 *)(((u64)mem + 2 * MIB - 1) & ~(2 * MIB - 1));

	if (madvise(aligned, 2 * MIB, MADV_HUGEPAGE) < 0)
		SKIP("MADV_HUGEPAGE: %m");
	for (u64 at = 0; at < 2 * MIB; at += PAGE)
		*(u64 *)(aligned + at) = 1;
	vm_set_region(vm, 1, 0, WINDOW, 2 * MIB, aligned);
	vcpu_set_long(v, guest_touch);
	vcpu_expect_sync(v, 1);
	CHECK_EQ(vm_shared(vm)->arg[0], 512);
	REQUIRE_OK(madvise(aligned + 8 * PAGE, 16 * PAGE, MADV_DONTNEED));
	vcpu_expect_sync(v, 1);
	CHECK_EQ(vm_shared(vm)->arg[0], 512 - 16);
	REQUIRE_OK(madvise(aligned, 2 * MIB, MADV_DONTNEED));
	vcpu_expect_sync(v, 1);
	CHECK_EQ(vm_shared(vm)->arg[0], 0);
}

TEST(hugetlb)
{
	int pool = open("/proc/sys/vm/nr_hugepages", O_WRONLY);
	u8 *mem;

	if (pool < 0)
		SKIP("no hugetlb pages: %m");
	REQUIRE_OK(write(pool, "4", 1));
	mem = mmap(NULL, 4 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB,
		   -1, 0);
	if (mem == MAP_FAILED)
		SKIP("MAP_HUGETLB: %m");
	exercise(mem, 4 * MIB, WINDOW);
	munmap(mem, 4 * MIB);
	CHECK_OK(write(pool, "0", 1));
}

/* More slots than pages in each: neighbours in the guest that are strangers in the VMM. */
TEST(scattered_slots)
{
	struct vm *vm = vm_create(0);
	struct vcpu *v = vcpu_create(vm, 0);
	volatile struct guest_shared *s = vm_shared(vm);
	u8 *mem = map(32 * PAGE, MAP_SHARED | MAP_ANONYMOUS, -1);

	/* Guest page i is user page 31 - i. */
	for (u64 i = 0; i < 31; i++)
		vm_set_region(vm, 1 + i, 0, WINDOW + i * PAGE, PAGE, mem + (31 - i) * PAGE);
	for (u64 at = 0; at < 31 * PAGE; at += 512)
		*(u64 *)(mem + (31 - at / PAGE) * PAGE + at % PAGE) = at * 2654435761UL;
	vcpu_set_long(v, guest_invert);
	s->arg[0] = WINDOW;
	s->arg[1] = 31 * PAGE;
	vcpu_expect_sync(v, 1);
	CHECK_EQ(s->arg[2], 0);
	vcpu_finish(v);
}

/* Real-mode code that runs out of a page and into the next one, which another slot backs. */
TEST(code_over_a_slot_border)
{
	struct vm *vm = vm_create(0);
	struct vcpu *v = vcpu_create(vm, 0);
	u8 *mem = map(2 * PAGE, MAP_SHARED | MAP_ANONYMOUS, -1);
	struct kvm_regs regs = { .rip = 0x8ffe, .rflags = FLAG_FIXED, .rsp = 0x7000 };
	static const u8 mov[] = {
		0x66, 0xb8, 0x78, 0x56, 0x34, 0x12, 0xf4
	}; /* mov $0x12345678, %eax; hlt */

	vm_set_region(vm, 0, 0, 0, 0, vm->mem);
	vm_set_region(vm, 0, 0, 0, 0x8000, vm->mem);
	vm_set_region(vm, 1, 0, 0x8000, PAGE, mem + PAGE);
	vm_set_region(vm, 2, 0, 0x9000, PAGE, mem);
	memcpy(mem + 2 * PAGE - 2, mov, 2);
	memcpy(mem, mov + 2, 5);
	vcpu_set_real(v, mov, mov);
	vcpu_set_regs(v, &regs);
	vcpu_expect(v, KVM_EXIT_HLT);
	vcpu_get_regs(v, &regs);
	CHECK_EQ(regs.rax, 0x12345678);
}
