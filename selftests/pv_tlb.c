// SPDX-License-Identifier: GPL-2.0-only
/*
 * The "preempted" byte of steal time and the flush of the TLB that it stands for. Everything runs
 * on one CPU of the host: while the test looks, the vCPU's thread cannot run, and since it was in a
 * loop in the guest, the byte must say so. Then the test does what another vCPU would do: it
 * changes a page table entry, asks for the flush in the byte, and lets the vCPU go on, which must
 * see the new page and a cleared byte.
 *
 * And directed yield: a vCPU that spins on PAUSE for another one on the same CPU.
 */
#include "host.h"
#include "pv.h"
#include "stats.h"

#define STEAL		((volatile struct kvm_steal_time *)(GPA_PAGE + 0x40))
#define WINDOW		0x40000000UL	/* linear address of the page that moves */
#define PAGE_A		0x300000UL
#define PAGE_B		0x301000UL
#define ROUNDS		30

#define LOOPS		(ARG(0))
#define LAST_SEEN	(ARG(1))
#define STOP		(ARG(2))

/* Reads through the window all the time, so that its translation is always cached. */
GUEST_CODE static void guest_reads(void)
{
	wrmsr(MSR_KVM_STEAL_TIME, (u64)STEAL | 1);
	while (!STOP) {
		LAST_SEEN = *(volatile u64 *)WINDOW;
		LOOPS++;
		G_EQ(STEAL->preempted, 0);
	}
	guest_done();
}

/* WINDOW is mapped by the page table at GPA_PT. */
static volatile u64 *map_window(struct vm *vm)
{
	u64 *pdpt = gpa_ptr(vm, GPA_PDPT, 4096), *pt = gpa_ptr(vm, GPA_PT, 4096);
	u64 *pd = gpa_ptr(vm, (pdpt[WINDOW >> 30] & ~0xfffUL), 4096);

	pd[(WINDOW >> 21) & 511] = GPA_PT | PTE_P | PTE_W;
	pt[0] = PAGE_A | PTE_P | PTE_W;
	return pt;
}

/* Lets the vCPU run until it has made some loops more. */
static void let_it_run(volatile struct guest_shared *s)
{
	u64 before = s->arg[0];

	while (s->arg[0] < before + 100)
		usleep(1000);
}

TEST_SLOW(flush_for_a_preempted_vcpu, 2)
{
	struct vcpu *v = vcpu_create(vm_create(VM_IRQCHIP), 0);
	volatile struct guest_shared *s = vm_shared(v->vm);
	volatile u8 *preempted;
	volatile u64 *pte;
	unsigned int missed = 0;
	pthread_t thread;

	PV_REQUIRE(v->vm, STEAL_TIME);
	PV_REQUIRE(v->vm, PV_TLB_FLUSH);
	pin_to_cpu0();
	preempted = gpa_ptr(v->vm, (u64)&STEAL->preempted, 1);
	*(u64 *)gpa_ptr(v->vm, PAGE_A, 8) = 0xa;
	*(u64 *)gpa_ptr(v->vm, PAGE_B, 8) = 0xb;
	vcpu_set_long(v, guest_reads);
	pte = map_window(v->vm);
	REQUIRE(!pthread_create(&thread, NULL, pv_run_vcpu, v), "pthread_create");
	let_it_run(s);
	for (int i = 0; i < ROUNDS; i++) {
		u64 page = i & 1 ? PAGE_A : PAGE_B;
		u8 old = KVM_VCPU_PREEMPTED;

		*pte = page | PTE_P | PTE_W;
		/* not between two instructions of the guest: another vCPU would send an IPI */
		if (!__atomic_compare_exchange_n(preempted, &old, old | KVM_VCPU_FLUSH_TLB, false,
						 __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
			CHECK_EQ(old, 0);
			missed++;
			let_it_run(s);
			continue;
		}
		let_it_run(s);
		CHECK_EQ(s->arg[1], page == PAGE_A ? 0xa : 0xb);
	}
	ktap_note("%u of %d times the byte was not set", missed, ROUNDS);
	CHECK(missed < ROUNDS / 2, "the vCPU is hardly ever said to be preempted");
	s->arg[2] = 1;
	pthread_join(thread, NULL);
	if (stat_read(v->fd, "pv_tlb_flushes") >= 0)
		CHECK_EQ(stat_read(v->fd, "pv_tlb_flushes"), ROUNDS - missed);
}

/* Ping-pong: each waits on PAUSE for the other's answer. */
#define TURN		(ARG(4))
#define TURNS		200

GUEST_CODE static void guest_even(void)
{
	for (u64 i = 0; i < TURNS; i += 2) {
		while (TURN != i)
			cpu_relax();
		TURN = i + 1;
	}
	guest_done();
}

GUEST_CODE static void guest_odd(void)
{
	for (u64 i = 1; i < TURNS; i += 2) {
		while (TURN != i)
			cpu_relax();
		TURN = i + 1;
	}
	guest_done();
}

TEST_SLOW(spinning_vcpus_share_a_cpu, 3)
{
	struct vm *vm = vm_create(VM_IRQCHIP);
	struct vcpu *even = vcpu_create(vm, 0), *odd = vcpu_create(vm, 1);
	long yields, pauses;
	pthread_t a, b;
	u64 start, took;

	pin_to_cpu0();
	a = pv_start(even, guest_even);
	b = pv_start(odd, guest_odd);
	start = host_ns(CLOCK_MONOTONIC) / 1000;
	pthread_join(a, NULL);
	pthread_join(b, NULL);
	took = host_ns(CLOCK_MONOTONIC) / 1000 - start;
	yields = stat_read(even->fd, "directed_yield_successful") +
		 stat_read(odd->fd, "directed_yield_successful");
	pauses = stat_read(vm->fd, "exits_pause_instruction");
	ktap_note("%d turns in %llu us, %ld PAUSE exits, %ld yields", TURNS,
		  (unsigned long long)took, pauses, yields);
	/* a turn is a change of the thread on the CPU: by a yield, or the end of a time slice */
	if (pauses > TURNS / 2)
		CHECK(yields > TURNS / 2, "the CPU is not given away");
}
