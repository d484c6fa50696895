// SPDX-License-Identifier: GPL-2.0-only
/*
 * The host works on guest memory while two vCPUs use it. Each counts its passes in a word of every
 * second page and knows what it has to find there; the pages in between it only reads, so that they
 * come to rest. The host swaps, moves, joins, splits, merges, shares and unmaps meanwhile, and
 * whatever it does that keeps contents must not be seen. A KVM_RUN that ends with EFAULT, because
 * for a moment there was no memory, is called again.
 */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>

#include "files.h"
#include "guest.h"
#include "memory.h"
#include "swap.h"
#include "vm.h"

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE	25
#endif

#define WINDOW		0x40000000UL
#define PAGE		4096UL
#define MIB		(1UL << 20)
#define SIZE		(2 * MIB)
#define PAGES		(SIZE / PAGE)
#define WRITERS		2
#define REPEATS		6

#define STOP		8	/* arguments: the writers' passes, then these */
#define GENERATION	9	/* 0: count passes; else the number to be written */

#define CONSTANT(page)	((page) % 7 * 0x1111111111111111UL)	/* KSM finds some equal */

GUEST_CODE static void guest_storms(u64 me)
{
	for (u64 pass = 0; !ARG(STOP); ) {
		u64 generation = ARG(GENERATION);

		for (u64 page = 0; page < PAGES; page++) {
			volatile u64 *p = (volatile u64 *)(WINDOW + page * PAGE) + me;

			if (generation) {
				*p = generation;
			} else if (page & 1) {
				G_EQ(*p, CONSTANT(page));
			} else {
				G_EQ(*p, pass);
				*p = pass + 1;
			}
		}
		ARG(me) = ++pass;
	}
	guest_done();
}

struct storm {
	struct vm *vm;
	struct vcpu *v[WRITERS];
	pthread_t thread[WRITERS];
	u8 *mem;
	unsigned long faults;		/* KVM_RUN ended with EFAULT so often */
};

static struct storm storm;

static void *run_writer(void *vcpu)
{
	struct vcpu *v = vcpu;

	for (;;) {
		if (!ioctl(v->fd, KVM_RUN, 0)) {
			int event = vcpu_event(v);

			REQUIRE(event == RUN_DONE, "vCPU %u: %s", v->id, exit_name(event));
			return NULL;
		}
		REQUIRE(errno == EFAULT, "vCPU %u: KVM_RUN: %m", v->id);
		__atomic_add_fetch(&storm.faults, 1, __ATOMIC_RELAXED);
		sched_yield();
	}
}

static u64 passes(int writer)
{
	return vm_shared(storm.vm)->arg[writer];
}

/* Until every writer has begun and ended a pass. */
static void wait_pass(void)
{
	for (int w = 0; w < WRITERS; w++) {
		for (u64 until = passes(w) + 2; passes(w) < until; )
			sched_yield();
	}
}

static void start(u8 *mem, u64 generation)
{
	struct vm *vm = vm_create(0);

	storm.vm = vm;
	storm.mem = mem;
	for (u64 page = 1; page < PAGES; page += 2) {
		for (int w = 0; w < 512; w++)
			((u64 *)(mem + page * PAGE))[w] = CONSTANT(page);
	}
	vm_set_region(vm, 1, 0, WINDOW, SIZE, mem);
	vm_shared(vm)->arg[GENERATION] = generation;
	for (int w = 0; w < WRITERS; w++) {
		storm.v[w] = vcpu_create(vm, w);
		vcpu_set_long(storm.v[w], (void (*)(void))guest_storms);
		vcpu_set_args(storm.v[w], w, 0);
		REQUIRE(!pthread_create(&storm.thread[w], NULL, run_writer, storm.v[w]),
			"pthread_create");
	}
	wait_pass();
}

static void stop(void)
{
	vm_shared(storm.vm)->arg[STOP] = 1;
	for (int w = 0; w < WRITERS; w++)
		pthread_join(storm.thread[w], NULL);
}

/* The guest has found what it wrote in every pass; this is what it wrote last. */
static void stop_and_compare(void)
{
	stop();
	for (u64 page = 0; page < PAGES; page++) {
		u64 *words = (u64 *)(storm.mem + page * PAGE);

		for (int w = 0; w < WRITERS; w++)
			REQUIRE_EQ(words[w], page & 1 ? CONSTANT(page) : passes(w));
	}
	ktap_note("%llu and %llu passes, %lu times EFAULT", (unsigned long long)passes(0),
		  (unsigned long long)passes(1), storm.faults);
}

static u8 *anonymous(void)
{
	u8 *p = mmap(NULL, SIZE + 2 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		     0);

	REQUIRE(p != MAP_FAILED, "mmap: %m");
	return (u8 *)(((u64)p + 2 * MIB - 1) & -(2 * MIB));
}

/* Before 6.9 MADV_PAGEOUT leaves what is in use, and the writers never leave a page alone. */
static bool pageout_takes_all(void)
{
	unsigned int major = 0, minor = 0;
	struct utsname uts;

	uname(&uts);
	REQUIRE_EQ(sscanf(uts.release, "%u.%u", &major, &minor), 2);
	return major > 6 || (major == 6 && minor >= 9);
}

static void swap_out(int advice)
{
	u8 *mem = anonymous();
	u64 out;

	swap_require(8 * MIB);
	out = file_number("/proc/vmstat", "pswpout");
	madvise(mem, SIZE, advice);
	start(mem, 0);
	for (int i = 0; i < REPEATS; i++) {
		if (madvise(storm.mem, SIZE, MADV_PAGEOUT) < 0)
			SKIP("MADV_PAGEOUT: %m");
		wait_pass();
	}
	stop_and_compare();
	out = file_number("/proc/vmstat", "pswpout") - out;
	ktap_note("%llu pages swapped out", (unsigned long long)out);
	if (pageout_takes_all())
		CHECK(out > PAGES, "%llu", (unsigned long long)out);
	swap_end();
}

TEST_SLOW(swapped_out, 3) { swap_out(MADV_NOHUGEPAGE); }
TEST_SLOW(large_swapped_out, 3) { swap_out(MADV_HUGEPAGE); }

/* Free pages between the guest's, for compaction to close up. */
static void fragment(void)
{
	u8 *other = anonymous();

	for (u64 page = 0; page < PAGES; page++) {
		other[page * PAGE] = 1;
		storm.mem[page * PAGE + PAGE - 1] = 0;
		if (page & 1)
			madvise(other + page * PAGE, PAGE, MADV_DONTNEED);
	}
}

TEST_SLOW(compacted, 3)
{
	u64 moved;

	if (access("/proc/sys/vm/compact_memory", W_OK))
		SKIP("no compaction: %m");
	storm.mem = anonymous();
	madvise(storm.mem, SIZE, MADV_NOHUGEPAGE);
	fragment();
	start(storm.mem, 0);
	moved = file_number("/proc/vmstat", "pgmigrate_success");
	for (int i = 0; i < REPEATS; i++) {
		file_write("/proc/sys/vm/compact_memory", "1");
		wait_pass();
	}
	stop_and_compare();
	ktap_note("%llu pages moved",
		  (unsigned long long)(file_number("/proc/vmstat", "pgmigrate_success") - moved));
}

/* Until a vCPU has found no memory, or none it may write. */
static void wait_fault(void)
{
	unsigned long before = __atomic_load_n(&storm.faults, __ATOMIC_RELAXED);

	while (__atomic_load_n(&storm.faults, __ATOMIC_RELAXED) == before)
		sched_yield();
}

TEST_SLOW(joined_and_split, 3)
{
	u8 *mem = anonymous();

	if (!huge_pages_on() || madvise(mem, SIZE, MADV_HUGEPAGE) < 0)
		SKIP("no transparent huge pages");
	start(mem, 0);
	for (int i = 0; i < REPEATS; i++) {
		u64 page = i * 38 % PAGES;

		REQUIRE_OK(mprotect(mem + page * PAGE, PAGE, PROT_READ));
		wait_fault();
		REQUIRE_OK(mprotect(mem + page * PAGE, PAGE, PROT_READ | PROT_WRITE));
		if (madvise(mem, SIZE, MADV_COLLAPSE) < 0 && errno == EINVAL)
			SKIP("MADV_COLLAPSE: %m");
		wait_pass();
	}
	stop_and_compare();
}

TEST_SLOW(forked, 3)
{
	start(anonymous(), 0);
	for (int i = 0; i < REPEATS; i++) {
		pid_t child = REQUIRE_OK(fork());
		int status = 0;

		if (!child) {
			u64 seen[WRITERS];

			/* what the child has stands still, whatever the guest writes now */
			for (int w = 0; w < WRITERS; w++)
				seen[w] = ((u64 *)storm.mem)[w];
			for (int k = 0; k < 20; k++)
				sched_yield();
			for (int w = 0; w < WRITERS; w++) {
				if (((u64 *)storm.mem)[w] != seen[w])
					_exit(3);
			}
			_exit(0);
		}
		wait_pass();
		REQUIRE_EQ(waitpid(child, &status, 0), child);
		CHECK(status == 0, "the child's memory changed: status 0x%x", status);
	}
	stop_and_compare();
}

TEST_SLOW(merged, 3)
{
	u64 shared = 0;
	u8 *mem = anonymous();

	if (access("/sys/kernel/mm/ksm/run", W_OK))
		SKIP("no KSM: %m");
	start(mem, 0);
	if (madvise(mem, SIZE, MADV_MERGEABLE) < 0)
		SKIP("MADV_MERGEABLE: %m");
	file_write("/sys/kernel/mm/ksm/sleep_millisecs", "1");
	file_write("/sys/kernel/mm/ksm/run", "1");
	for (int i = 0; i < 2000 && shared < PAGES / 8; i++) {	/* ksmd works by itself */
		usleep(2000);
		shared = file_number("/sys/kernel/mm/ksm/pages_sharing", "");
	}
	wait_pass();
	file_write("/sys/kernel/mm/ksm/run", "2");		/* each its own again */
	wait_pass();
	stop_and_compare();
	CHECK(shared >= PAGES / 8, "ksmd merged only %llu pages", (unsigned long long)shared);
}

/* As the balancing of NUMA nodes does: the host moves each page to the other node. */
TEST_SLOW(moved_between_nodes, 3)
{
	static void *page[PAGES];
	static int node[PAGES], status[PAGES];
	u64 moved = 0;

	if (access("/sys/devices/system/node/node1", F_OK))
		SKIP("one node");
	start(anonymous(), 0);
	for (int i = 0; i < REPEATS; i++) {
		for (u64 k = 0; k < PAGES; k++) {
			page[k] = storm.mem + k * PAGE;
			node[k] = i & 1;
		}
		REQUIRE_OK(syscall(SYS_move_pages, 0, PAGES, page, node, status, 2 /* MOVE */));
		for (u64 k = 0; k < PAGES; k++)
			moved += status[k] == node[k];
		wait_pass();
	}
	stop_and_compare();
	CHECK(moved >= PAGES, "%llu pages on their nodes", (unsigned long long)moved);
}

/* The mapping goes elsewhere and comes back: in between there is nothing. */
TEST_SLOW(mapped_elsewhere, 3)
{
	u8 *elsewhere = anonymous();

	start(anonymous(), 0);
	for (int i = 0; i < REPEATS; i++) {
		REQUIRE(mremap(storm.mem, SIZE, SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, elsewhere) ==
			elsewhere, "mremap: %m");
		wait_fault();
		REQUIRE(mremap(elsewhere, SIZE, SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, storm.mem) ==
			storm.mem, "mremap: %m");
		wait_pass();
	}
	stop_and_compare();
}

/*
 * Holes in the file under the guest. What it writes after that has to be in the file: an entry that
 * was left behind would lead to pages that belong to nobody.
 */
TEST_SLOW(holes_punched, 3)
{
	int fd = file_in_memory(SIZE);
	u8 *mem;

	mem = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	REQUIRE(mem != MAP_FAILED, "mmap: %m");
	start(mem, 1);
	for (u64 i = 2; i < 2 + REPEATS; i++) {
		vm_shared(storm.vm)->arg[GENERATION] = i;
		wait_pass();			/* nobody writes an older number any more */
		REQUIRE_OK(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, SIZE));
		wait_pass();
		for (u64 page = 0; page < PAGES; page++) {
			for (int w = 0; w < WRITERS; w++)
				REQUIRE_EQ(((u64 *)(mem + page * PAGE))[w], i);
		}
	}
	stop();
}
