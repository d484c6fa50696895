// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_IRQFD: eventfds that become interrupts, as messages and at pins of IOAPIC and PIC; those that
 * ask their device again at the end of the interrupt; the end of an irqfd, by the call and by the
 * eventfd; and with a doorbell in the other direction, a device in a thread of its own.
 */
#include <poll.h>
#include <pthread.h>

#include "chips.h"
#include "events.h"

#define VECTOR	0x61
#define GSI	30
#define PIN	20
#define PORT	0x600
#define MMIO	0x80000000UL
#define ROUNDS	2000

static struct vcpu *start(void (*fn)(void))
{
	struct vcpu *v = vcpu_create(vm_create(VM_IRQCHIP), 0);

	REQUIRE_CAP(v->vm->dev, KVM_CAP_IRQFD);
	vcpu_set_long(v, fn);
	return v;
}

GUEST_CODE static void on_irq(struct trap_frame *f)
{
	ARG(0) = ARG(0) << 8 | f->vector;
	ARG(1)++;
	apic_write(APIC_EOI, 0);
}

/* Counts interrupts; each sync tells how many have come so far, after those that wait. */
GUEST_CODE static void guest_counts(void)
{
	guest_set_handler(VECTOR, on_irq);
	guest_set_handler(VECTOR + 1, on_irq);
	apic_enable();
	ioapic_route(5, VECTOR, 0);
	for (;;) {
		guest_sync(ARG(1));
		window();
	}
}

TEST(message)
{
	struct vcpu *v = start(guest_counts);
	int event = event_create();

	vcpu_expect_sync(v, 0);
	REQUIRE_OK(route_msi(v->vm, GSI, APIC_BASE, VECTOR));
	REQUIRE_OK(irqfd(v->vm, event, GSI, 0));
	event_signal(event);
	CHECK_EQ(event_take(event), 0);		/* the interrupt has taken it */
	vcpu_expect_sync(v, 1);
	vcpu_expect_sync(v, 1);
	event_signal(event);
	event_signal(event);			/* coalesced in the local APIC */
	vcpu_expect_sync(v, 2);
	/* a new route counts from the next event on */
	REQUIRE_OK(route_msi(v->vm, GSI, APIC_BASE, VECTOR + 1));
	event_signal(event);
	vcpu_expect_sync(v, 3);
	CHECK_EQ(vm_shared(v->vm)->arg[0], VECTOR << 16 | VECTOR << 8 | (VECTOR + 1));
	REQUIRE_OK(route_msi(v->vm, GSI + 1, APIC_BASE, VECTOR));
	event_signal(event);			/* no route: lost */
	vcpu_expect_sync(v, 3);
}

TEST(edge_at_a_pin)
{
	struct vcpu *v = start(guest_counts);
	int event = event_create(), other = event_create(), early = event_create();

	vcpu_expect_sync(v, 0);
	REQUIRE_OK(irqfd(v->vm, event, 5, 0));
	REQUIRE_OK(irqfd(v->vm, other, 5, 0));	/* two of one GSI */
	pin_signal(v->vm, event);
	vcpu_expect_sync(v, 1);
	pin_signal(v->vm, other);
	vcpu_expect_sync(v, 2);
	event_signal(early);
	REQUIRE_OK(irqfd(v->vm, early, 5, 0));	/* an earlier event counts, and stays */
	usleep(device_cap(v->vm->dev, LINTEL_CAP_EXPLAIN_ENTRY) ? 0 : 5000);
	vcpu_expect_sync(v, 3);
	vcpu_expect_sync(v, 3);
	CHECK_EQ(event_take(early), 1);
}

TEST(one_eventfd_drives_one_interrupt)
{
	struct vcpu *v = start(guest_counts);
	int event = event_create();

	vcpu_expect_sync(v, 0);
	REQUIRE_OK(irqfd(v->vm, event, 5, 0));
	CHECK_ERRNO(irqfd(v->vm, event, 5, 0), EBUSY);
	CHECK_ERRNO(irqfd(v->vm, event, 6, 0), EBUSY);
	CHECK_OK(irqfd(v->vm, event, 6, KVM_IRQFD_FLAG_DEASSIGN));	/* not there: no error */
	pin_signal(v->vm, event);
	vcpu_expect_sync(v, 1);
	REQUIRE_OK(irqfd(v->vm, event, 5, KVM_IRQFD_FLAG_DEASSIGN));
	pin_signal(v->vm, event);
	CHECK_EQ(event_take(event), 1);		/* nobody takes it any more */
	vcpu_expect_sync(v, 1);
	REQUIRE_OK(irqfd(v->vm, event, 5, 0));
	pin_signal(v->vm, event);
	vcpu_expect_sync(v, 2);
}

/* The last close of an eventfd ends its irqfd; a copy of the descriptor keeps it. */
TEST(closing_the_eventfd)
{
	struct vcpu *v = start(guest_counts);

	vcpu_expect_sync(v, 0);
	for (u32 i = 1; i <= 20; i++) {
		int event = event_create(), copy = REQUIRE_OK(dup(event)), again = event_create();
		int resample = event_create();

		REQUIRE_OK(irqfd(v->vm, event, 5, 0));
		close(event);
		pin_signal(v->vm, copy);
		vcpu_expect_sync(v, i);
		close(copy);
		REQUIRE_OK(irqfd_resample(v->vm, again, PIN, resample));
		pin_signal(v->vm, again);
		close(resample);
		close(again);
	}
	/* and the VM goes with some irqfds alive and some on their way out */
	for (u32 i = 0; i < 20; i++) {
		int event = event_create();

		REQUIRE_OK(irqfd(v->vm, event, 5, 0));
		if (i & 1)
			close(event);
	}
	vcpu_destroy(v);
}

GUEST_CODE static void on_level(struct trap_frame *f)
{
	(void)f;
	ARG(1)++;
	G_EQ(ioapic_read(0x10 + 2 * PIN) & IOAPIC_REMOTE, IOAPIC_REMOTE);
	guest_sync(0x100 + ARG(1));
	apic_write(APIC_EOI, 0);
}

GUEST_CODE static void guest_level(void)
{
	guest_set_handler(VECTOR, on_level);
	apic_enable();
	ioapic_route(PIN, VECTOR | IOAPIC_LEVEL, 0);
	for (u32 i = 0; ; i++) {
		guest_sync(i);
		window();
		if (!ARG(2))
			G_EQ(ioapic_read(0x10 + 2 * PIN) & IOAPIC_REMOTE, 0);
	}
}

TEST(resampling_ioapic)
{
	struct vcpu *v = start(guest_level);
	int a = event_create(), b = event_create(), ask_a = event_create(), ask_b = event_create();

	REQUIRE_CAP(v->vm->dev, KVM_CAP_IRQFD_RESAMPLE);
	REQUIRE_OK(irqfd_resample(v->vm, a, PIN, ask_a));
	REQUIRE_OK(irqfd_resample(v->vm, b, PIN, ask_b));
	vcpu_expect_sync(v, 0);
	pin_signal(v->vm, a);
	CHECK_EQ(event_take(a), 0);
	vcpu_expect_sync(v, 0x101);		/* in the handler, before its EOI */
	CHECK_EQ(event_take(ask_a), 0);
	vcpu_expect_sync(v, 1);			/* the line went down: once */
	CHECK_EQ(event_take(ask_a), 1);
	CHECK_EQ(event_take(ask_b), 1);		/* they share the line: both are asked */
	vcpu_expect_sync(v, 2);

	/* raised again before the EOI: the EOI lowers that too, and asks */
	pin_signal(v->vm, a);
	vcpu_expect_sync(v, 0x102);
	pin_signal(v->vm, b);
	vcpu_expect_sync(v, 3);
	CHECK_EQ(event_take(ask_b), 1);
	vcpu_expect_sync(v, 4);

	/* user space holds the line up as well: the device is asked, and the pin sends again */
	pin_signal(v->vm, a);
	vm_irq_line(v->vm, PIN, 1);
	vcpu_expect_sync(v, 0x103);
	vcpu_expect_sync(v, 0x104);
	vm_irq_line(v->vm, PIN, 0);
	vcpu_expect_sync(v, 5);

	/* the last of them lowers the line when it goes */
	REQUIRE_OK(irqfd(v->vm, a, PIN, KVM_IRQFD_FLAG_DEASSIGN));
	vm_shared(v->vm)->arg[2] = 1;
	pin_signal(v->vm, b);
	vcpu_expect_sync(v, 0x105);
	REQUIRE_OK(irqfd(v->vm, b, PIN, KVM_IRQFD_FLAG_DEASSIGN));
	event_take(ask_b);
	vcpu_expect_sync(v, 6);
	CHECK_EQ(event_take(ask_b), 0);
	vcpu_expect_sync(v, 7);
}

/* Raised while masked, and served without an interrupt meanwhile: unmasking asks first. */
GUEST_CODE static void guest_masks(void)
{
	guest_set_handler(VECTOR, on_irq);
	apic_enable();
	ioapic_route(PIN, VECTOR | IOAPIC_LEVEL | IOAPIC_MASK, 0);
	guest_sync(0);
	window();
	guest_sync(1);
	ioapic_write(0x10 + 2 * PIN, VECTOR | IOAPIC_LEVEL);
	window();
	guest_sync(0x10 + ARG(1));
	window();
	guest_sync(0x20 + ARG(1));
	guest_done();
}

TEST(resampling_at_unmask)
{
	struct vcpu *v = start(guest_masks);
	int event = event_create(), ask = event_create();

	REQUIRE_OK(irqfd_resample(v->vm, event, PIN, ask));
	vcpu_expect_sync(v, 0);
	pin_signal(v->vm, event);
	vcpu_expect_sync(v, 1);
	CHECK_EQ(event_take(ask), 0);
	vcpu_expect_sync(v, 0x10);
	CHECK_EQ(event_take(ask), 1);
	pin_signal(v->vm, event);
	vcpu_expect_sync(v, 0x21);
	CHECK_EQ(event_take(ask), 1);
	vcpu_finish(v);
}

GUEST_CODE static void on_pic(struct trap_frame *f)
{
	(void)f;
	ARG(1)++;
	guest_sync(0x100 + ARG(1));
	pic_eoi(10);
}

GUEST_CODE static void guest_pic(void)
{
	guest_set_handler(PIC_BASE + 10, on_pic);
	apic_virtual_wire();
	pic_init(0);
	outb(0x4d1, 1 << 2);			/* line 10 is a level */
	pic_unmask(1 << 10);
	for (u32 i = 0; ; i++) {
		guest_sync(i);
		window();
	}
}

TEST(resampling_pic)
{
	struct vcpu *v = start(guest_pic);
	int event = event_create(), ask = event_create();

	REQUIRE_OK(irqfd_resample(v->vm, event, 10, ask));
	vcpu_expect_sync(v, 0);
	for (u32 i = 1; i <= 3; i++) {
		pin_signal(v->vm, event);
		vcpu_expect_sync(v, 0x100 + i);
		CHECK_EQ(event_take(ask), 0);
		vcpu_expect_sync(v, i);
		CHECK_EQ(event_take(ask), 1);
	}
}

/*
 * A device in a thread: the guest rings its doorbell and waits for the interrupt, ROUNDS times.
 * Nothing is lost and nothing comes twice.
 */
struct device {
	int doorbell, line;
	u64 rung;
};

static void *run_device(void *arg)
{
	struct device *d = arg;
	struct pollfd pollfd = { .fd = d->doorbell, .events = POLLIN };

	while (d->rung < ROUNDS) {
		if (poll(&pollfd, 1, -1) != 1)
			break;
		d->rung += event_take(d->doorbell);
		event_signal(d->line);
	}
	return NULL;
}

GUEST_CODE static void guest_rings(void)
{
	guest_set_handler(VECTOR, on_irq);
	apic_enable();
	guest_sync(0);
	for (u64 i = 1; i <= ROUNDS; i++) {
		outw(PORT, i);
		wait_irqs(i);
		G_EQ(ARG(1), i);
	}
	guest_done();
}

TEST_SLOW(device_thread, 3)
{
	struct vcpu *v = start(guest_rings);
	struct device d = { .doorbell = event_create(), .line = event_create() };
	pthread_t thread;

	vcpu_expect_sync(v, 0);
	REQUIRE_OK(route_msi(v->vm, GSI, APIC_BASE, VECTOR));
	REQUIRE_OK(irqfd(v->vm, d.line, GSI, 0));
	REQUIRE_OK(ioevent(v->vm, d.doorbell, PORT, 2, KVM_IOEVENTFD_FLAG_PIO, 0));
	REQUIRE(!pthread_create(&thread, NULL, run_device, &d), "pthread_create");
	vcpu_finish(v);
	pthread_join(thread, NULL);
	CHECK_EQ(d.rung, ROUNDS);
	CHECK_EQ(vm_shared(v->vm)->arg[1], ROUNDS);
}

/*
 * What it costs, in ticks of the TSC; in the emulator these are instructions. Of many rounds the
 * least is shown.
 */
GUEST_CODE static void on_first(struct trap_frame *f)
{
	(void)f;
	ARG(0) = rdtsc();
	apic_write(APIC_EOI, 0);
	ARG(1)++;
}

GUEST_CODE static void guest_measures(void)
{
	u64 best[3] = { ~0ULL, ~0ULL, ~0ULL };

	guest_set_handler(VECTOR, on_first);
	apic_enable();
	for (u32 i = 0; i < 200; i++) {
		u64 t[4];

		t[0] = rdtsc();
		outw(PORT, i);			/* to an eventfd nobody waits at */
		t[1] = rdtsc();
		*(volatile u16 *)MMIO = i;	/* undecoded */
		t[2] = rdtsc();
		*(volatile u16 *)(MMIO + 8) = i;
		t[3] = rdtsc();
		for (u32 j = 0; j < 3; j++)
			if (t[j + 1] - t[j] < best[j])
				best[j] = t[j + 1] - t[j];
	}
	ARG(2) = best[0];
	ARG(3) = best[1];
	ARG(4) = best[2];
	guest_sync(0);
	for (u64 i = 1; i <= 200; i++) {
		outw(PORT + 2, i);		/* to the thread, which interrupts by a message */
		wait_irqs(i);
	}
	for (;;) {
		guest_sync(1);
		window();
	}
}

static u64 ticks(void)
{
	u32 a, d;

	asm volatile("lfence; rdtsc" : "=a"(a), "=d"(d) :: "memory");
	return a | (u64)d << 32;
}

static void *run_echo(void *arg)
{
	struct device *d = arg;
	struct pollfd pollfd = { .fd = d->doorbell, .events = POLLIN };
	u64 best = ~0ULL, last = 0;

	for (u32 i = 0; i < 200; i++) {
		u64 now;

		if (poll(&pollfd, 1, -1) != 1)
			break;
		event_take(d->doorbell);
		now = ticks();
		if (last && now - last < best)
			best = now - last;
		last = now;
		event_signal(d->line);
	}
	d->rung = best;
	return NULL;
}

TEST(figures)
{
	struct vcpu *v = start(guest_measures);
	volatile struct guest_shared *s = vm_shared(v->vm);
	struct device d = { .doorbell = event_create(), .line = event_create() };
	int quiet = event_create();
	u64 best = ~0ULL;
	pthread_t thread;

	REQUIRE_OK(route_msi(v->vm, GSI, APIC_BASE, VECTOR));
	REQUIRE_OK(irqfd(v->vm, d.line, GSI, 0));
	REQUIRE_OK(ioevent(v->vm, d.doorbell, PORT + 2, 2, KVM_IOEVENTFD_FLAG_PIO, 0));
	REQUIRE_OK(ioevent(v->vm, quiet, PORT, 2, KVM_IOEVENTFD_FLAG_PIO, 0));
	REQUIRE_OK(ioevent(v->vm, quiet, MMIO, 0, 0, 0));
	REQUIRE_OK(ioevent(v->vm, quiet, MMIO + 8, 2, 0, 0));
	vcpu_expect_sync(v, 0);
	ktap_note("doorbell: %llu ticks for OUT, %llu for memory undecoded, %llu decoded",
		  (unsigned long long)s->arg[2], (unsigned long long)s->arg[3],
		  (unsigned long long)s->arg[4]);
	CHECK_EQ(event_take(quiet), 600);
	REQUIRE(!pthread_create(&thread, NULL, run_echo, &d), "pthread_create");
	vcpu_expect_sync(v, 1);
	pthread_join(thread, NULL);
	ktap_note("round trip by doorbell, thread, irqfd and halted vCPU: %llu ticks",
		  (unsigned long long)d.rung);
	for (u32 i = 0; i < 200; i++) {
		u64 start_ticks = ticks(), spent;

		event_signal(d.line);
		vcpu_expect_sync(v, 1);
		spent = ticks() - start_ticks;
		if (spent < best)
			best = spent;
	}
	ktap_note("event, KVM_RUN, handler, exit: %llu ticks", (unsigned long long)best);
	CHECK_EQ(s->arg[1], 400);
}
