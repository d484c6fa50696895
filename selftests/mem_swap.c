// SPDX-License-Identifier: GPL-2.0-only
/*
 * A guest larger than the memory that it may have, on swap: every word of every page is written,
 * and read back twice, in another order. What limits it is a cgroup, and in a machine that is small
 * enough (testbed/machine --memory 128) the machine's memory itself. Half of a page does not
 * compress, for zram keeps what it takes in memory too.
 */
#include <sys/mman.h>

#include "cgroup.h"
#include "files.h"
#include "guest.h"
#include "host.h"
#include "swap.h"
#include "vm.h"

#define WINDOW	0x40000000UL
#define PAGE	4096UL
#define MIB	(1UL << 20)
#define PRIME	0x9e3779b97f4a7c15UL

GINLINE u64 content(u64 page, u64 word)
{
	u64 v = page * PRIME + 1;

	if (word < 256)
		v = (v ^ word * 0xff51afd7ed558ccdUL) * PRIME;
	return v;
}

#define STEP		512	/* pages between two exits */

/* ARG(0): 0 write, 1 verify; ARG(1) pages, ARG(2) stride in pages; ARG(3) counts the wrong. */
GUEST_CODE static void guest_fills(void)
{
	for (;;) {
		u64 wrong = 0, n = ARG(1), page = 0;

		for (u64 i = 0; i < n; i++) {
			volatile u64 *p = (volatile u64 *)(WINDOW + page * PAGE);

			for (u64 w = 0; w < 512; w++) {
				if (!ARG(0))
					p[w] = content(page, w);
				else
					wrong += p[w] != content(page, w);
			}
			page += ARG(2);
			if (page >= n)
				page -= n;
			ARG(3) = wrong;
			if (i % STEP == STEP - 1)
				guest_sync(2);
		}
		guest_sync(1);
	}
}

static u64 common_divisor(u64 a, u64 b)
{
	return b ? common_divisor(b, a % b) : a;
}

/* A stride that visits each page once, and its neighbours at other times. */
static u64 stride(u64 pages)
{
	u64 s = pages * 5 / 8;

	while (common_divisor(s, pages) != 1)
		s++;
	return s;
}

/*
 * One pass of the guest. The kernel decides about a cgroup's lists by counts that it brings up to
 * date every two seconds, or when somebody reads them; this guest is faster than that.
 */
static void pass_through(struct vcpu *v, const char *group)
{
	for (;;) {
		REQUIRE_EQ(vcpu_next(v), RUN_SYNC);
		if (v->value == 1)
			return;
		if (group)
			cgroup_read(group, "memory.stat", "anon");
	}
}

static void fill_and_verify(u64 size, const char *group)
{
	u64 out = file_number("/proc/vmstat", "pswpout");
	u64 in = file_number("/proc/vmstat", "pswpin");
	struct vcpu *v = vcpu_create(vm_create(0), 0);
	volatile struct guest_shared *s = vm_shared(v->vm);
	u8 *mem = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	REQUIRE(mem != MAP_FAILED, "mmap: %m");
	madvise(mem, size, MADV_NOHUGEPAGE);
	vm_set_region(v->vm, 1, 0, WINDOW, size, mem);
	vcpu_set_long(v, guest_fills);
	s->arg[1] = size / PAGE;
	for (int pass = 0; pass < 3; pass++) {
		ktap_row("pass %d", pass);
		s->arg[0] = pass > 0;
		s->arg[2] = pass == 2 ? stride(size / PAGE) : 1;
		pass_through(v, group);
		CHECK_EQ(s->arg[3], 0);
	}
	out = file_number("/proc/vmstat", "pswpout") - out;
	in = file_number("/proc/vmstat", "pswpin") - in;
	ktap_note("a guest of %llu MiB: %llu pages swapped out, %llu in",
		  (unsigned long long)(size / MIB), (unsigned long long)out,
		  (unsigned long long)in);
	/* each pass goes through all of it */
	CHECK(out >= size / PAGE / 4 && in >= size / PAGE / 4, "nearly all stayed in memory");
	munmap(mem, size);
}

TEST_SLOW(larger_than_its_cgroup, 6)
{
	swap_require(32 * MIB);
	cgroup_make("swap", "10M");
	cgroup_enter("swap");
	fill_and_verify(host_repetitions(16, 12, "MiB") * MIB, "swap");
	CHECK(cgroup_read("swap", "memory.peak", "") <= 10 * MIB, "peak %llu",
	      (unsigned long long)cgroup_read("swap", "memory.peak", ""));
	CHECK_EQ(cgroup_read("swap", "memory.events", "oom_kill"), 0);
	cgroup_write("swap", "memory.max", "max");
	swap_end();
}

TEST_SLOW(larger_than_memory, 60)
{
	u64 total = file_number("/proc/meminfo", "MemTotal") * 1024;

	if (total > 160 * MIB)
		SKIP("memory of %llu MiB: it would take too long",
		     (unsigned long long)(total / MIB));
	swap_require(total);
	fill_and_verify((total + total / 8) & -PAGE, NULL);
	swap_end();
}
