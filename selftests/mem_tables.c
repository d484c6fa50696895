// SPDX-License-Identifier: GPL-2.0-only
/*
 * What EPT tables cost: the kernel counts those of Lintel as it does KVM's, as SecPageTables in
 * /proc/meminfo. And entries of 1 GiB, where there are host pages of that size: the machine has to
 * be booted with some (hugepagesz=1G hugepages=1).
 *
 * EPT_MIB says how large the guest is whose tables are counted; 1024 takes a minute. It only reads,
 * so that all of its memory is the host's zero page, small or huge.
 */
#include <sys/mman.h>
#include <sys/syscall.h>

#include "dirty.h"
#include "files.h"
#include "guest.h"
#include "memory.h"
#include "stats.h"
#include "vm.h"

#define WINDOW	0x40000000UL
#define PAGE	4096UL
#define MIB	(1UL << 20)
#define GIB	(1UL << 30)

#ifndef MAP_HUGE_1GB
#define MAP_HUGE_1GB	(30 << 26)
#endif

/* Reads, or adds ARG(3) to, a word in every ARG(2) bytes of ARG(1) at ARG(0); ARG(4): the sum. */
GUEST_CODE static void guest_visits(void)
{
	for (;;) {
		u64 sum = 0;

		for (u64 at = 0; at < ARG(1); at += ARG(2)) {
			volatile u64 *p = (volatile u64 *)(ARG(0) + at);

			sum += *p;
			if (ARG(3))
				*p += ARG(3);
		}
		ARG(4) = sum;
		guest_sync(1);
	}
}

static u64 visit(struct vcpu *v, u64 size, u64 step, u64 add)
{
	volatile struct guest_shared *s = vm_shared(v->vm);

	s->arg[0] = WINDOW;
	s->arg[1] = size;
	s->arg[2] = step;
	s->arg[3] = add;
	vcpu_expect_sync(v, 1);
	return s->arg[4];
}

static struct vcpu *start(void *mem, u64 size)
{
	struct vcpu *v = vcpu_create(vm_create(0), 0);

	vm_set_region(v->vm, 1, 0, WINDOW, size, mem);
	vcpu_set_long(v, guest_visits);
	visit(v, 0, PAGE, 0);
	return v;
}

static u64 tables(void)
{
	kernel_counts_settle();
	return file_number("/proc/meminfo", "SecPageTables") / 4;
}

static u64 guest_size(void)
{
	const char *mib = getenv("EPT_MIB");

	return (mib ? strtoul(mib, NULL, 0) : 64) * MIB;
}

/* The tables that a guest of this size has, above those of one that has touched none of it. */
static u64 tables_for(u64 size, int advice, u64 step, const char *stat)
{
	u8 *mem = mmap(NULL, size + 2 * MIB, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
		       -1, 0);
	u8 *aligned = (u8 *)(((u64)mem + 2 * MIB - 1) & -(2 * MIB));
	struct vcpu *v;
	struct vm *vm;
	u64 before, n;

	REQUIRE(mem != MAP_FAILED, "mmap: %m");
	madvise(aligned, size, advice);
	v = start(aligned, size);
	vm = v->vm;
	before = tables();
	visit(v, size, step, 0);
	n = tables() - before;
	if (stat_read(vm->fd, stat) >= 0)
		CHECK(stat_require(vm->fd, stat) >= size / step, "%s", stat);
	vcpu_destroy(v);
	vm_destroy(vm);
	munmap(mem, size + 2 * MIB);
	return n;
}

TEST_SLOW(bytes_of_a_guest, 12)
{
	u64 size = guest_size(), small, large;
	unsigned long node = 1;

	/* bound to a node, memory is left alone by the balancing of nodes, which takes entries */
	syscall(SYS_set_mempolicy, 2 /* MPOL_BIND */, &node, 64);
	if (!file_number("/proc/meminfo", "MemTotal") || !tables_for(2 * MIB, MADV_NOHUGEPAGE, PAGE,
								     "pages_4k"))
		SKIP("the kernel does not count SecPageTables");
	small = tables_for(size, MADV_NOHUGEPAGE, PAGE, "pages_4k");
	ktap_note("%llu MiB in pages of 4 KiB: %llu bytes of tables",
		  (unsigned long long)(size / MIB), (unsigned long long)(small * PAGE));
	/* one for each 2 MiB; one above them for each GiB, which start() has not made */
	CHECK_EQ(small, size / (2 * MIB) + (size + GIB - 1) / GIB);
	if (!huge_pages_on())
		SKIP("no transparent huge pages");
	large = tables_for(size, MADV_HUGEPAGE, 2 * MIB, "pages_2m");
	ktap_note("%llu MiB in pages of 2 MiB: %llu bytes of tables",
		  (unsigned long long)(size / MIB), (unsigned long long)(large * PAGE));
	CHECK_EQ(large, (size + GIB - 1) / GIB);
	CHECK_EQ(tables(), 0);
}

static u8 *gigantic(void)
{
	u8 *mem = mmap(NULL, GIB, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | MAP_HUGE_1GB, -1, 0);

	if (mem == MAP_FAILED)
		SKIP("no host page of 1 GiB: %m");
	return mem;
}

static u64 leaves(struct vcpu *v, const char *size)
{
	return stat_require(v->vm->fd, size);
}

/* One entry for all of it; smaller ones for a slot that is not aligned as the page is. */
TEST_SLOW(page_of_1_gib, 3)
{
	u8 *mem = gigantic();
	struct vcpu *v = start(mem, GIB);
	u64 before = tables();

	for (u64 at = 0; at < GIB; at += 32 * MIB)
		*(u64 *)(mem + at) = at;
	CHECK_EQ(visit(v, GIB, 32 * MIB, 3), 31 * 32 / 2 * 32 * MIB);
	if (!leaves(v, "pages_1g"))
		SKIP("the CPU's EPT has no entries of 1 GiB");
	CHECK_EQ(leaves(v, "pages_1g"), 1);
	CHECK_EQ(tables(), before);
	for (u64 at = 0; at < GIB; at += 32 * MIB)
		REQUIRE_EQ(*(u64 *)(mem + at), at + 3);
	ktap_row("2 MiB short at its end");
	vm_set_region(v->vm, 1, 0, WINDOW, 0, mem);
	CHECK_EQ(leaves(v, "pages_1g"), 0);
	vm_set_region(v->vm, 1, 0, WINDOW, GIB - 2 * MIB, mem);
	visit(v, 64 * MIB, 2 * MIB, 1);
	CHECK_EQ(leaves(v, "pages_1g"), 0);
	CHECK(leaves(v, "pages_2m") >= 32, "%llu", (unsigned long long)leaves(v, "pages_2m"));
	ktap_row("shifted by 2 MiB");
	vm_set_region(v->vm, 1, 0, WINDOW, 0, mem);
	vm_set_region(v->vm, 1, 0, WINDOW, GIB - 2 * MIB, mem + 2 * MIB);
	visit(v, 64 * MIB, 2 * MIB, 1);
	CHECK(leaves(v, "pages_2m") >= 32, "%llu", (unsigned long long)leaves(v, "pages_2m"));
	CHECK_EQ(leaves(v, "pages_1g"), 0);
	ktap_row("gone from under the guest");
	vm_set_region(v->vm, 1, 0, WINDOW, 0, mem);
	vm_set_region(v->vm, 1, 0, WINDOW, GIB, mem);
	visit(v, PAGE, PAGE, 1);
	CHECK_EQ(leaves(v, "pages_1g"), 1);
	REQUIRE_OK(munmap(mem, GIB));
	CHECK_EQ(leaves(v, "pages_1g"), 0);
	CHECK_ERRNO(ioctl(v->fd, KVM_RUN, 0), EFAULT);
}

/* Logged, the large entry is split where the guest writes, and comes back. */
TEST_SLOW(log_of_1_gib, 3)
{
	struct dirty_log log = { .slot = 1, .gpa = WINDOW, .pages = GIB / DIRTY_PAGE };
	struct vcpu *v;

	log.mem = gigantic();
	log.bits = calloc(log.pages / 64 + 2, sizeof(u64));
	v = start(log.mem, GIB);
	log.vm = v->vm;
	visit(v, GIB, 64 * MIB, 1);
	if (leaves(v, "pages_1g") != 1)
		SKIP("the CPU's EPT has no entries of 1 GiB");
	dirty_set(&log, true);
	dirty_take(&log);
	visit(v, GIB, 64 * MIB, 1);
	CHECK_EQ(leaves(v, "pages_1g"), 0);
	CHECK_EQ(dirty_take(&log), 16);
	for (u64 page = 0; page < log.pages; page += 64 * MIB / PAGE)
		CHECK(dirty_bit(&log, page), "page %llu", (unsigned long long)page);
	visit(v, PAGE, PAGE, 1);
	CHECK_EQ(dirty_take(&log), 1);
	dirty_set(&log, false);
	visit(v, GIB, 64 * MIB, 1);
	CHECK_EQ(leaves(v, "pages_1g"), 1);
	CHECK_EQ(*(u64 *)log.mem, 4);
	CHECK_EQ(*(u64 *)(log.mem + 64 * MIB), 3);
}
