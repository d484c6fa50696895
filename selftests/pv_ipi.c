// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_HC_SEND_IPI: one hypercall sends an interrupt to each vCPU of a bitmap of 128 APIC ids,
 * counted from an offset. Who gets it and who does not, the number it answers, the delivery modes,
 * and what it refuses; and what it costs beside a loop of ICR writes.
 */
#include "chips.h"
#include "pv.h"

#define VECTOR		0x61
#define NR_VCPUS	4
#define SEEN(n)		(((volatile u32 *)GPA_PAGE)[n])		/* interrupts of each vCPU */
#define NMIS(n)		(((volatile u32 *)GPA_PAGE)[16 + (n)])
#define READY		(((volatile u32 *)GPA_PAGE)[32])

GUEST_CODE static void on_ipi(struct trap_frame *f)
{
	u32 me = apic_read(APIC_ID) >> 24;

	(void)f;
	SEEN(me)++;
	apic_write(APIC_EOI, 0);
}

GUEST_CODE static void on_nmi(struct trap_frame *f)
{
	(void)f;
	NMIS(apic_read(APIC_ID) >> 24)++;
}

GUEST_CODE static void guest_waits(void)
{
	apic_enable();
	asm volatile("lock incl %0" : "+m"(READY));
	for (;;)
		sti_hlt();
}

struct ipi_row {
	const char *name;
	u64 low, high, first, icr, answer;
	u32 expect;		/* set of the vCPUs that take it */
};

static const struct ipi_row rows[] = {
	{ "one", 2, 0, 0, VECTOR, 1, 2 },
	{ "three", 14, 0, 0, VECTOR, 3, 14 },
	{ "itself and another", 5, 0, 0, VECTOR, 2, 5 },
	{ "from an offset", 3, 0, 2, VECTOR, 2, 12 },
	{ "ids that do not exist", 0xf0e, 0, 0, VECTOR, 3, 14 },
	{ "all bits", ~0UL, ~0UL, 0, VECTOR, 4, 15 },
	{ "nobody", 0, 0, 0, VECTOR, 0, 0 },
	{ "an offset beyond all ids", 0xf, 0xf, 200, VECTOR, 0, 0 },
	{ "the largest offset", 1, 0, 0xffffffff, VECTOR, 0, 0 },
	{ "the high half is 64 ids further", 0, 15, 0, VECTOR, 0, 0 },
	{ "lowest priority goes to each", 6, 0, 0, 1 << 8 | VECTOR, 2, 6 },
	{ "NMI", 6, 0, 0, APIC_DM_NMI, 2, 6 },
	{ "a logical destination", 6, 0, 0, 1 << 11 | VECTOR, -KVM_EINVAL, 0 },
	{ "a shorthand", 6, 0, 0, APIC_DEST_OTHERS | VECTOR, -KVM_EINVAL, 0 },
};

/* Arguments 0 to 3 are the hypercall's, 4 its answer, 5 and 6 whom to wait for, 7 which counter. */
GUEST_CODE static void guest_sends(void)
{
	volatile u32 *counter;
	u64 start;

	apic_enable();
	while (READY < NR_VCPUS - 1)
		cpu_relax();
	for (;;) {
		guest_sync(1);
		counter = ARG(7) ? &NMIS(0) : &SEEN(0);
		for (int i = 0; i < 16; i++)
			counter[i] = 0;
		sti();
		G_EQ(hypercall(KVM_HC_SEND_IPI, ARG(0), ARG(1), ARG(2), ARG(3)), ARG(4));
		start = rdtsc();
		for (int i = 0; i < NR_VCPUS; i++)
			while (ARG(5) & 1 << i && !counter[i])
				G_CHECK(rdtsc() - start < ARG(15));
		cli();
		for (int i = 0; i < 16; i++)
			G_EQ(counter[i], ARG(5) >> i & 1);
	}
}

static struct vcpu *start_all(struct vm *vm)
{
	struct vcpu *sender = vcpu_create(vm, 0);
	volatile struct guest_shared *s = vm_shared(vm);

	s->handler[VECTOR] = guest_addr(on_ipi);
	s->handler[VEC_NMI] = guest_addr(on_nmi);
	s->arg[15] = 2000 * ioctl(sender->fd, KVM_GET_TSC_KHZ, 0);
	for (unsigned int i = 1; i < NR_VCPUS; i++)
		pv_start(vcpu_create(vm, i), guest_waits);
	return sender;
}

TEST_SLOW(who_gets_it, 3)
{
	struct vm *vm = vm_create(VM_IRQCHIP);
	volatile struct guest_shared *s = vm_shared(vm);
	struct vcpu *sender;

	PV_REQUIRE(vm, PV_SEND_IPI);
	sender = start_all(vm);
	vcpu_set_long(sender, guest_sends);
	vcpu_expect_sync(sender, 1);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		ktap_row("%s", rows[i].name);
		s->arg[0] = rows[i].low;
		s->arg[1] = rows[i].high;
		s->arg[2] = rows[i].first;
		s->arg[3] = rows[i].icr;
		s->arg[4] = rows[i].answer;
		s->arg[5] = rows[i].expect;
		s->arg[7] = (rows[i].icr & 0x700) == APIC_DM_NMI;
		vcpu_expect_sync(sender, 1);
	}
}

/*
 * Until each has taken its @n-th, and the host has had time to let it halt: a vCPU that still has
 * one to take is not woken for the next.
 */
GUEST_CODE static void guest_awaits_all(u32 n)
{
	for (u64 i = 1; i < NR_VCPUS; i++)
		while (SEEN(i) < n)
			guest_sync(1);
	guest_sync(1);
}

/* The least of some rounds: time of the sender alone, not of the delivery. */
GUEST_CODE static void guest_measures(void)
{
	u64 best_icr = ~0UL, best_pv = ~0UL, start, took;
	u32 sent = 0;

	apic_enable();
	while (READY < NR_VCPUS - 1)
		cpu_relax();
	for (int round = 0; round < 20; round++) {
		start = rdtsc();
		for (u64 i = 1; i < NR_VCPUS; i++) {
			apic_write(APIC_ICR2, i << 24);
			apic_write(APIC_ICR, VECTOR | APIC_ASSERT);
		}
		took = rdtsc() - start;
		best_icr = took < best_icr ? took : best_icr;
		guest_awaits_all(++sent);
		start = rdtsc();
		hypercall(KVM_HC_SEND_IPI, (1 << NR_VCPUS) - 2, 0, 0, VECTOR);
		took = rdtsc() - start;
		best_pv = took < best_pv ? took : best_pv;
		guest_awaits_all(++sent);
	}
	ARG(0) = best_icr;
	ARG(1) = best_pv;
	guest_done();
}

TEST_SLOW(cost, 3)
{
	struct vm *vm = vm_create(VM_IRQCHIP);
	volatile struct guest_shared *s = vm_shared(vm);
	struct vcpu *sender;
	int event;

	PV_REQUIRE(vm, PV_SEND_IPI);
	sender = start_all(vm);
	vcpu_set_long(sender, guest_measures);
	while ((event = vcpu_next(sender)) == RUN_SYNC)
		sched_yield();
	REQUIRE_EQ(event, RUN_DONE);
	ktap_note("to %d vCPUs: %llu ticks by the ICR, %llu by one hypercall", NR_VCPUS - 1,
		  (unsigned long long)s->arg[0], (unsigned long long)s->arg[1]);
	CHECK(s->arg[1] < s->arg[0], "the hypercall is the dearer way");
}
