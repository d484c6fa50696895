// SPDX-License-Identifier: GPL-2.0-only
/*
 * No write is lost, and none invented. Four vCPUs write counters to known pages, all of them to
 * all, while the log is taken again and again and each page in it is copied, as a migration would.
 * When the guest stands still and the log has been taken once more, the copy must equal the memory;
 * and what was ever reported is exactly the set of pages that the guest writes.
 *
 * LINTEL_DIRTY_ROUNDS says how often the log is taken in each row.
 */
#include <pthread.h>
#include <sched.h>

#include "dirty.h"
#include "guest.h"
#include "stats.h"

#define WINDOW		0x40000000UL
#define PAGES		(1024 + 37)
#define WRITERS		4
#define STOP		8		/* arguments: writers' counters, then this */

/* Three quarters of the pages. */
#define IN_SET(page)	((u32)(page) * 2654435761u >> 28 & 3)
#define WORD(page, me)	(*(volatile u64 *)(WINDOW + (page) * DIRTY_PAGE + (me) * 8))

GUEST_CODE static void guest_writes(u64 me, u64 pages)
{
	u64 n = me + 1, count = 0;

	for (u64 page = 0; page < pages; page++)
		if (IN_SET(page))
			WORD(page, me) = ++count;
	guest_sync(1);
	for (;;) {
		u64 page;

		n = n * 6364136223846793005UL + 1442695040888963407UL;
		page = (n >> 33) % pages;
		if (!IN_SET(page))
			continue;
		/* a page that is mapped by a read is written later, by this vCPU or another */
		if (WORD(page, me) && (n >> 20 & 1))
			continue;
		WORD(page, me) = ++count;
		ARG(me) = count;
		if (ARG(STOP))
			guest_sync(1);
	}
}

struct storm {
	struct dirty_log *log;
	struct vcpu *v[WRITERS];
	u64 (*copy)[WRITERS];		/* of the words that are written, for each page */
	u8 *seen;			/* pages ever reported */
	unsigned int paused;		/* writers that stand still */
	unsigned int go;		/* counts up to let them go on */
	unsigned int full;		/* a writer's ring is: it cannot go on either */
};

static struct storm storm;

static void *run_writer(void *vcpu)
{
	struct vcpu *v = vcpu;

	for (;;) {
		unsigned int go = __atomic_load_n(&storm.go, __ATOMIC_SEQ_CST);
		int event = vcpu_next(v);

		if (event == KVM_EXIT_DIRTY_RING_FULL) {
			__atomic_store_n(&storm.full, 1, __ATOMIC_SEQ_CST);
			sched_yield();
			continue;
		}
		REQUIRE(event == RUN_SYNC, "vCPU %u: %s", v->id, exit_name(event));
		__atomic_add_fetch(&storm.paused, 1, __ATOMIC_SEQ_CST);
		while (__atomic_load_n(&storm.go, __ATOMIC_SEQ_CST) == go)
			sched_yield();
	}
	return NULL;
}

static volatile u64 *word(u64 page, unsigned int writer)
{
	return (volatile u64 *)(storm.log->mem + page * DIRTY_PAGE) + writer;
}

static void copy_page(u64 page)
{
	for (int w = 0; w < WRITERS; w++)
		storm.copy[page][w] = *word(page, w);
}

static u64 take_and_copy(void)
{
	u64 n = dirty_take(storm.log);

	for (u64 page = 0; page < storm.log->pages; page++) {
		if (!dirty_bit(storm.log, page))
			continue;
		REQUIRE(IN_SET(page), "page %llu was reported and never written",
			(unsigned long long)page);
		storm.seen[page] = 1;
		copy_page(page);
	}
	return n;
}

/* Let the writers run; one whose ring is full needs it emptied. */
static void yield(void)
{
	if (__atomic_exchange_n(&storm.full, 0, __ATOMIC_SEQ_CST))
		take_and_copy();
	sched_yield();
}

/* Until all writers stand still. */
static void wait_paused(void)
{
	while (__atomic_load_n(&storm.paused, __ATOMIC_SEQ_CST) < WRITERS)
		yield();
}

static void pause_writers(void)
{
	vm_shared(storm.log->vm)->arg[STOP] = 1;
	wait_paused();
}

static void resume_writers(void)
{
	vm_shared(storm.log->vm)->arg[STOP] = 0;
	storm.paused = 0;
	__atomic_add_fetch(&storm.go, 1, __ATOMIC_SEQ_CST);
}

static u64 written(void)
{
	u64 sum = 0;

	for (int w = 0; w < WRITERS; w++)
		sum += vm_shared(storm.log->vm)->arg[w];
	return sum;
}

/* Let the writers, together, write some more. */
static void let_write(u64 more)
{
	u64 until = written() + more;

	while (written() < until)
		yield();
}

/* The writers stand still and the log was taken: is anything other than it was copied? */
static void compare(const char *when)
{
	for (u64 page = 0; page < storm.log->pages; page++)
		for (int w = 0; w < WRITERS; w++)
			REQUIRE(*word(page, w) == storm.copy[page][w],
				"%s: vCPU %d wrote to page %llu, in no log: %llu, copied %llu",
				when, w, (unsigned long long)page,
				(unsigned long long)*word(page, w),
				(unsigned long long)storm.copy[page][w]);
}

static int rounds(void)
{
	const char *text = getenv("LINTEL_DIRTY_ROUNDS");

	return text && atoi(text) > 0 ? atoi(text) : 12;
}

/* All writers have written all of their pages once, and stand still. */
static void start(enum dirty_mode mode, bool huge)
{
	struct vm *vm = vm_create(0);

	dirty_enable(vm, mode);
	memset(&storm, 0, sizeof(storm));
	storm.log = dirty_create(vm, mode, WINDOW, PAGES, huge);
	storm.copy = calloc(PAGES, sizeof(*storm.copy));
	storm.seen = calloc(PAGES, 1);
	REQUIRE(storm.copy && storm.seen, "out of memory");
	for (int w = 0; w < WRITERS; w++) {
		storm.v[w] = vcpu_create(vm, w);
		vcpu_set_long(storm.v[w], (void (*)(void))guest_writes);
		vcpu_set_args(storm.v[w], w, PAGES);
		dirty_map_ring(storm.log, storm.v[w]);
	}
	if (mode == DIRTY_INITIALLY_SET)
		REQUIRE_EQ(dirty_take(storm.log), PAGES);
	for (int w = 0; w < WRITERS; w++) {
		pthread_t thread;

		REQUIRE(!pthread_create(&thread, NULL, run_writer, storm.v[w]), "pthread_create");
	}
	wait_paused();
}

static void check_set(void)
{
	for (u64 page = 0; page < PAGES; page++)
		REQUIRE(!!storm.seen[page] == !!IN_SET(page), "page %llu was %sreported",
			(unsigned long long)page, storm.seen[page] ? "" : "not ");
}

static void run_storm(enum dirty_mode mode, bool huge)
{
	u64 reported = 0;

	start(mode, huge);
	take_and_copy();
	compare("first pass");
	check_set();
	resume_writers();
	for (int i = 0, n = rounds(); i < n; i++) {
		let_write(200 + i % 7 * 150);
		reported += take_and_copy();
		if (i % 8 != 7)
			continue;
		pause_writers();
		take_and_copy();
		compare("under way");
		REQUIRE_EQ(dirty_take(storm.log), 0);
		resume_writers();
	}
	pause_writers();
	take_and_copy();
	compare("at the end");
	check_set();
	REQUIRE(reported, "nothing was reported");
	ktap_note("%s: %d rounds, %llu writes, %llu pages reported", dirty_mode_name[mode],
		  rounds(), (unsigned long long)written(), (unsigned long long)reported);
}

TEST_SLOW(plain, 6) { run_storm(DIRTY_PLAIN, false); }
TEST_SLOW(plain_huge, 6) { run_storm(DIRTY_PLAIN, true); }
TEST_SLOW(manual, 6) { run_storm(DIRTY_MANUAL, false); }
TEST_SLOW(manual_huge, 6) { run_storm(DIRTY_MANUAL, true); }
TEST_SLOW(initially_set_huge, 6) { run_storm(DIRTY_INITIALLY_SET, true); }
TEST_SLOW(ring, 6) { run_storm(DIRTY_RING, false); }
TEST_SLOW(ring_huge, 6) { run_storm(DIRTY_RING, true); }

/* Logging goes on and off while the writers run; what is written while it is on is in the log. */
TEST_SLOW(on_and_off_under_load, 6)
{
	start(DIRTY_PLAIN, true);
	resume_writers();
	for (int phase = 0; phase < 2 + rounds() / 2; phase++) {
		dirty_set(storm.log, false);
		let_write(300);
		dirty_set(storm.log, true);
		for (u64 page = 0; page < PAGES; page++)
			copy_page(page);
		let_write(300);
		take_and_copy();
		let_write(300);
		if (phase & 1) {
			pause_writers();
			take_and_copy();
			compare("after a phase");
			resume_writers();
		}
	}
}

/* After logging the large entries come back. */
TEST(large_pages_return)
{
	struct vm *vm;
	u64 before;

	start(DIRTY_PLAIN, true);
	vm = storm.log->vm;
	dirty_set(storm.log, false);
	resume_writers();
	let_write(2000);
	pause_writers();
	before = stat_require(vm->fd, "pages_2m");
	if (!before)
		SKIP("no 2 MiB entries here");
	CHECK(before >= PAGES / 512, "%llu", (unsigned long long)before);
	dirty_set(storm.log, true);
	resume_writers();
	let_write(2000);
	pause_writers();
	CHECK(stat_require(vm->fd, "pages_2m") <= before - PAGES / 512, "not split");
	dirty_set(storm.log, false);
	resume_writers();
	let_write(2000);
	pause_writers();
	CHECK_EQ(stat_require(vm->fd, "pages_2m"), before);
}
