// SPDX-License-Identifier: GPL-2.0-only
/*
 * The local APIC changes its mode and its place, half of it in the processor: xAPIC, x2APIC,
 * switched off, moved, hidden by memory, beside a vCPU that stays in xAPIC mode and runs.
 */
#include <pthread.h>

#include "chips.h"
#include "vm.h"

#define VECTOR		0x61
#define LOWER		0x41
#define MOVED		0xfed40000UL

static bool on_kvm(void) { return !strcmp(device_path(), "/dev/kvm"); }

static struct vcpu *start(void (*fn)(void))
{
	struct vcpu *v = vcpu_create(vm_create(VM_IRQCHIP), 0);

	vcpu_set_long(v, fn);
	return v;
}

GUEST_CODE static void on_irq(struct trap_frame *f)
{
	ARG(0) = ARG(0) << 8 | f->vector;
	ARG(1)++;
	apic_eoi();
}

/* --- accesses of all kinds --- */

GUEST_CODE static void guest_accesses(void)
{
	volatile u8 *apic = (volatile u8 *)APIC_BASE;

	apic_write(APIC_SPIV, APIC_SPIV_ENABLE | 0xff);
	apic_write(APIC_TPR, 0x20);
	asm volatile("orl $0x10, %0" : "+m"(*(volatile u32 *)(apic + APIC_TPR)));
	G_EQ(apic_read(APIC_TPR), 0x30);
	asm volatile("addl $0x10, %0" : "+m"(*(volatile u32 *)(apic + APIC_TPR)));
	G_EQ(apic_read(APIC_TPR), 0x40);
	asm volatile("orl $0x200, %0" : "+m"(*(volatile u32 *)(apic + APIC_SPIV)));
	G_EQ(apic_read(APIC_SPIV), 0x300 | 0xff);
	G_EQ(*(volatile u8 *)(apic + APIC_TPR), 0x40);
	G_EQ(*(volatile u16 *)(apic + APIC_SPIV), 0x3ff);
	G_EQ(READ_CR(8), 4);
	WRITE_CR(8, 9);
	G_EQ(apic_read(APIC_TPR), 0x90);
	apic_write(APIC_TPR, 0);
	guest_done();
}

TEST(accesses) { vcpu_finish(start(guest_accesses)); }

/* --- the mode changes while interrupts come --- */

GINLINE void in_xapic(u64 n)
{
	apic_write(APIC_SPIV, APIC_SPIV_ENABLE | 0xff);
	for (u32 i = 0; i < 5; i++) {
		self_ipi(VECTOR);
		window();
	}
	G_EQ(ARG(1), n);
	G_EQ(apic_read(APIC_ID), 0);
}

GUEST_CODE static void guest_modes(void)
{
	u64 base = rdmsr(MSR_APICBASE);
	u64 n = 0;

	guest_set_handler(VECTOR, on_irq);
	for (u32 round = 0; round < 10; round++) {
		wrmsr(MSR_APICBASE, base);
		in_xapic(n += 5);
		/* a request that the switch to x2APIC mode keeps */
		self_ipi(VECTOR);
		wrmsr(MSR_APICBASE, base | APICBASE_X2APIC);
		window();
		G_EQ(ARG(1), ++n);
		for (u32 i = 0; i < 5; i++) {
			wrmsr(X2APIC(APIC_SELF_IPI), VECTOR);
			window();
		}
		G_EQ(ARG(1), n += 5);
		/* and one that is lost with an APIC that is switched off; KVM keeps it */
		if (ARG(6))
			wrmsr(X2APIC(APIC_SELF_IPI), VECTOR);
		wrmsr(MSR_APICBASE, base & ~0xc00ULL);
		window();
		G_EQ(ARG(1), n);
		wrmsr(MSR_APICBASE, base);
		window();
		G_EQ(ARG(1), n);
		guest_sync(round);
	}
	guest_done();
}

/* A second vCPU sends itself interrupts in xAPIC mode all the time, and never misses one. */
GUEST_CODE static void guest_other(void)
{
	apic_write(APIC_SPIV, APIC_SPIV_ENABLE | 0xff);
	sti();
	for (u64 i = 1;; i++) {
		self_ipi(LOWER);
		asm volatile("nop");
		G_EQ(ARG(8), i);
	}
}

GUEST_CODE static void on_other(struct trap_frame *f)
{
	(void)f;
	ARG(8)++;
	G_EQ(apic_read(APIC_ISR + LOWER / 32 * 16), 1u << LOWER % 32);
	apic_write(APIC_EOI, 0);
}

static void *run_other(void *arg)
{
	struct vcpu *v = arg;

	ioctl(v->fd, KVM_RUN, 0);
	return (void *)(long)v->run->exit_reason;
}

static pthread_t start_other(struct vcpu *v)
{
	struct kvm_mp_state runnable = { KVM_MP_STATE_RUNNABLE };
	pthread_t thread;

	vcpu_set_long(v, guest_other);
	REQUIRE_OK(ioctl(v->fd, KVM_SET_MP_STATE, &runnable));
	vm_shared(v->vm)->handler[LOWER] = guest_addr(on_other);
	REQUIRE(!pthread_create(&thread, NULL, run_other, v), "pthread_create");
	return thread;
}

static void stop_other(struct vcpu *v, pthread_t thread)
{
	void *reason;

	v->run->immediate_exit = 1;
	pthread_kill(thread, SIGUSR1);
	REQUIRE(!pthread_join(thread, &reason), "pthread_join");
	/* it was not stopped by a failed check */
	CHECK_EQ((long)reason, KVM_EXIT_INTR);
}

static void on_signal(int nr)
{
	(void)nr;
}

TEST_SLOW(mode_switches_beside_a_running_vcpu, 3)
{
	struct vcpu *v = start(guest_modes), *other = vcpu_create(v->vm, 1);
	u64 last = 0;
	pthread_t thread;

	vm_shared(v->vm)->arg[6] = !on_kvm();
	signal(SIGUSR1, on_signal);
	thread = start_other(other);
	for (u32 round = 0; round < 10; round++) {
		vcpu_expect_sync(v, round);
		for (int ms = 0; vm_shared(v->vm)->arg[8] == last && ms < 2000; ms++)
			usleep(1000);
		CHECK(vm_shared(v->vm)->arg[8] > last, "the other vCPU stands still");
		last = vm_shared(v->vm)->arg[8];
	}
	vcpu_finish(v);
	stop_other(other, thread);
}

GUEST_CODE static void guest_moves(void)
{
	volatile u32 *moved = (volatile u32 *)MOVED;
	u64 base = rdmsr(MSR_APICBASE);

	apic_write(APIC_SPIV, APIC_SPIV_ENABLE | 0xff);
	apic_write(APIC_TPR, 0x30);
	wrmsr(MSR_APICBASE, (base & 0xfff) | MOVED);
	G_EQ(moved[APIC_TPR / 4], 0x30);
	for (u32 i = 0; i < 20; i++) {
		moved[APIC_ICR / 4] = APIC_DEST_SELF | APIC_ASSERT | VECTOR;
		G_EQ(moved[(APIC_IRR + VECTOR / 32 * 16) / 4], 1u << VECTOR % 32);
		window();
		G_EQ(ARG(1), i + 1);
	}
	wrmsr(MSR_APICBASE, base);
	G_EQ(apic_read(APIC_TPR), 0x30);
	self_ipi(VECTOR);
	window();
	G_EQ(ARG(1), 21);
	guest_done();
}

GUEST_CODE static void on_moved(struct trap_frame *f)
{
	(void)f;
	ARG(1)++;
	if ((rdmsr(MSR_APICBASE) & ~0xfffULL) == MOVED)
		((volatile u32 *)MOVED)[APIC_EOI / 4] = 0;
	else
		apic_write(APIC_EOI, 0);
}

TEST(moved_base)
{
	struct vcpu *v = start(guest_moves);

	if (on_kvm())
		SKIP("KVM does not move the local APIC while it is virtualised");
	vm_shared(v->vm)->handler[VECTOR] = guest_addr(on_moved);
	vcpu_finish(v);
}

GUEST_CODE static void guest_memory(void)
{
	G_EQ(apic_read(APIC_TPR), 0x12345678);
	apic_write(APIC_SPIV, 0x3ff);
	WRITE_CR(8, 5);
	G_EQ(apic_read(APIC_TPR), 0x12345678);
	WRITE_CR(8, 0);
	guest_done();
}

TEST(memory_over_the_apic_page)
{
	struct vcpu *v = start(guest_accesses);
	u32 *page;

	if (on_kvm())
		SKIP("KVM may have a slot of its own there");
	vcpu_finish(v);			/* the page is in use */
	page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	REQUIRE(page != MAP_FAILED, "mmap");
	vm_set_region(v->vm, 9, 0, 0xfee00000, 4096, page);
	page[APIC_TPR / 4] = 0x12345678;
	vcpu_set_long(v, guest_memory);
	vcpu_finish(v);
	CHECK_EQ(page[APIC_SPIV / 4], 0x3ff);
	vm_set_region(v->vm, 9, 0, 0xfee00000, 0, page);
	vcpu_set_long(v, guest_accesses);
	vcpu_finish(v);
}
