// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is invalidated, where, and how often: by the counters. That translations are not stale is
 * what mem_overcommit shows; here it is that no more is done than needed.
 */
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>

#include "guest.h"
#include "stats.h"
#include "vm.h"

#define WINDOW	0x40000000UL
#define PAGE	4096UL
#define ROUNDS	50

static void pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	REQUIRE_OK(sched_setaffinity(0, sizeof(set), &set));
}

GUEST_CODE static void guest_reads_page(void)
{
	for (;;) {
		(void)*(volatile u64 *)WINDOW;
		guest_sync(1);
	}
}

static void *add_page(struct vm *vm)
{
	void *mem = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	REQUIRE(mem != MAP_FAILED, "mmap: %m");
	vm_set_region(vm, 1, 0, WINDOW, PAGE, mem);
	return mem;
}

/* Two vCPUs on one CPU: the first one's INVEPT serves both, and nobody is interrupted. */
TEST(one_invept_per_cpu)
{
	struct vm *vm = vm_create(0);
	struct vcpu *v[2] = { vcpu_create(vm, 0), vcpu_create(vm, 1) };
	char *mem = add_page(vm);
	u64 invepts, served, flushes;

	pin(0);
	for (int i = 0; i < 2; i++) {
		vcpu_set_long(v[i], guest_reads_page);
		*mem = 1;
		vcpu_expect_sync(v[i], 1);
	}
	invepts = stat_require(vm->fd, "invepts");
	served = stat_require(vm->fd, "tlb_flushes");
	flushes = stat_require(vm->fd, "ept_flushes");
	for (int round = 0; round < ROUNDS; round++) {
		*mem = 1;
		vcpu_expect_sync(v[0], 1);
		vcpu_expect_sync(v[1], 1);
		REQUIRE_OK(madvise(mem, PAGE, MADV_DONTNEED));
	}
	vcpu_expect_sync(v[0], 1);
	vcpu_expect_sync(v[1], 1);
	/* each round takes the zero page or the old page away once, and the page once more */
	flushes = stat_require(vm->fd, "ept_flushes") - flushes;
	invepts = stat_require(vm->fd, "invepts") - invepts;
	served = stat_require(vm->fd, "tlb_flushes") - served;
	ktap_note("%d rounds: %llu flushes, %llu served by vCPUs, %llu INVEPT", ROUNDS,
		  (unsigned long long)flushes, (unsigned long long)served,
		  (unsigned long long)invepts);
	CHECK(flushes >= ROUNDS, "%llu", (unsigned long long)flushes);
	CHECK(served >= 2 * ROUNDS, "%llu", (unsigned long long)served);
	CHECK(invepts >= ROUNDS && invepts <= flushes, "%llu", (unsigned long long)invepts);
	CHECK(invepts < served, "%llu", (unsigned long long)invepts);
	CHECK_EQ(stat_require(vm->fd, "ept_kicks"), 0);
}

/* A vCPU that moves needs INVVPID, for its own page tables; the EPT has not changed. */
TEST(moving_costs_no_invept)
{
	struct vm *vm = vm_create(0);
	struct vcpu *v = vcpu_create(vm, 0);
	char *mem = add_page(vm);
	u64 invepts, invvpids;

	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		SKIP("one CPU");
	*mem = 1;
	vcpu_set_long(v, guest_reads_page);
	for (int i = 0; i < 2; i++) {
		pin(i);
		vcpu_expect_sync(v, 1);
	}
	invepts = stat_require(v->fd, "invepts");
	invvpids = stat_require(v->fd, "invvpids");
	for (int i = 0; i < 20; i++) {
		pin(i & 1);
		vcpu_expect_sync(v, 1);
	}
	CHECK_EQ(stat_require(v->fd, "invepts"), invepts);
	/* without VPID in use there is nothing to invalidate */
	invvpids = stat_require(v->fd, "invvpids") - invvpids;
	CHECK(invvpids == 20 || !invvpids, "%llu", (unsigned long long)invvpids);
}

GUEST_CODE static void guest_spins(void)
{
	for (;;) {
		(void)*(volatile u64 *)WINDOW;
		ARG(0)++;
		if (ARG(1))
			guest_done();
	}
}

static void *run_spinner(void *vcpu)
{
	pin(1);
	vcpu_finish(vcpu);
	return NULL;
}

/* Of two VMs, the one in the guest is interrupted, on its CPU; the idle one is not. */
TEST(only_running_cpus_are_kicked)
{
	struct vm *idle = vm_create(0), *busy = vm_create(0);
	struct vcpu *v = vcpu_create(idle, 0), *spinner = vcpu_create(busy, 0);
	char *idle_page = add_page(idle), *busy_page = add_page(busy);
	u64 flushes, kicks, seen;
	pthread_t thread;

	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		SKIP("one CPU");
	stat_require(busy->fd, "ept_kicks");
	pin(0);
	*idle_page = *busy_page = 1;
	vcpu_set_long(v, guest_reads_page);
	vcpu_set_long(spinner, guest_spins);
	vcpu_expect_sync(v, 1);
	REQUIRE(!pthread_create(&thread, NULL, run_spinner, spinner), "pthread_create");
	for (int round = 0; round < ROUNDS; round++) {
		seen = vm_shared(busy)->arg[0];
		while (vm_shared(busy)->arg[0] < seen + 10)
			sched_yield();
		REQUIRE_OK(madvise(busy_page, PAGE, MADV_DONTNEED));
		REQUIRE_OK(madvise(idle_page, PAGE, MADV_DONTNEED));
		*idle_page = *busy_page = 1;
		vcpu_expect_sync(v, 1);
	}
	flushes = stat_require(busy->fd, "ept_flushes");
	kicks = stat_require(busy->fd, "ept_kicks");
	vm_shared(busy)->arg[1] = 1;
	pthread_join(thread, NULL);
	ktap_note("%llu flushes, %llu kicks", (unsigned long long)flushes,
		  (unsigned long long)kicks);
	CHECK(kicks > 0 && kicks <= flushes, "%llu kicks", (unsigned long long)kicks);
	CHECK_EQ(stat_require(idle->fd, "ept_kicks"), 0);
}

/* The guest's own invalidations stay in the guest. */
GUEST_CODE static void guest_invalidates(void)
{
	guest_sync(1);
	for (int i = 0; i < 1000; i++) {
		asm volatile("invlpg (%0)" :: "r"(WINDOW) : "memory");
		WRITE_CR(3, READ_CR(3));
	}
	guest_sync(2);
	guest_done();
}

TEST(guest_invalidation_does_not_exit)
{
	struct vm *vm = vm_create(0);
	struct vcpu *v = vcpu_create(vm, 0);
	u64 exits;

	vcpu_set_long(v, guest_invalidates);
	vcpu_expect_sync(v, 1);
	exits = stat_require(v->fd, "exits");
	vcpu_expect_sync(v, 2);
	exits = stat_require(v->fd, "exits") - exits;
	CHECK(exits < 100, "%llu exits for 2000 invalidations", (unsigned long long)exits);
}
