// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm-clock: the guest reads the time from the page that it gave to MSR_KVM_SYSTEM_TIME_NEW, by
 * the published formula, and it is monotonic, agrees with KVM_GET_CLOCK and runs at the rate of
 * the host's clock; the wall clock page gives the time of day at the VM's time 0.
 */
#include <time.h>

#include "guest.h"
#include "host.h"
#include "pv.h"
#include "vm.h"

#define CLOCK_PAGE	(GPA_PAGE + 0x40)
#define WALL_PAGE	(GPA_PAGE + 0x80)

struct wall_clock {
	u32 version;
	u32 sec;
	u32 nsec;
} __attribute__((packed));

GINLINE u64 guest_now(void)
{
	volatile struct system_time *t = (volatile struct system_time *)CLOCK_PAGE;
	u64 delta, ns;
	u32 version;

	do {
		version = t->version;
		asm volatile("" ::: "memory");
		delta = rdtsc() - t->tsc_timestamp;
		delta = t->tsc_shift < 0 ? delta >> -t->tsc_shift : delta << t->tsc_shift;
		ns = t->system_time + (u64)((unsigned __int128)delta * t->tsc_to_system_mul >> 32);
		asm volatile("" ::: "memory");
	} while ((version & 1) || version != t->version);
	return ns;
}

GUEST_CODE static void guest_clock(void)
{
	u64 last, now;

	wrmsr(MSR_KVM_SYSTEM_TIME_NEW, CLOCK_PAGE | 1);
	G_EQ(rdmsr(MSR_KVM_SYSTEM_TIME_NEW), CLOCK_PAGE | 1);
	wrmsr(MSR_KVM_WALL_CLOCK_NEW, WALL_PAGE);
	last = guest_now();
	for (int i = 0; i < 1000; i++) {
		now = guest_now();
		G_CHECK(now >= last);
		last = now;
		if (!(i & 31))
			outb(0x80, 0); /* through user space, where the page may be written again */
	}
	for (;;) {
		now = guest_now();
		G_CHECK(now >= last);
		last = now;
		ARG(0) = now;
		guest_sync(1);
	}
}

static void next_sync(struct vcpu *v)
{
	int event;

	do {
		event = vcpu_next(v);
	} while (event == KVM_EXIT_IO && v->run->io.port == 0x80);
	REQUIRE_EQ(event, RUN_SYNC);
}

static struct vcpu *start(void)
{
	struct vcpu *v = vcpu_create(vm_create(VM_IRQCHIP), 0);
	struct kvm_cpuid_entry2 *e;
	struct cpuid c;

	cpuid_supported(v->vm->dev, &c);
	e = cpuid_find(&c, KVM_CPUID_FEATURES, 0);
	if (!e || !(e->eax & 1 << KVM_FEATURE_CLOCKSOURCE2))
		SKIP("CPUID offers no kvm-clock");
	vcpu_set_long(v, guest_clock);
	return v;
}

TEST(rate_and_monotony)
{
	struct vcpu *v = start();
	volatile struct guest_shared *s = vm_shared(v->vm);
	u64 g0, g1, h0, h1, diff;

	next_sync(v);
	g0 = s->arg[0];
	h0 = host_ns(CLOCK_MONOTONIC);
	nanosleep(&(struct timespec) { .tv_nsec = 200000000 }, NULL);
	next_sync(v);
	g1 = s->arg[0];
	h1 = host_ns(CLOCK_MONOTONIC);
	diff = g1 - g0 > h1 - h0 ? g1 - g0 - (h1 - h0) : h1 - h0 - (g1 - g0);
	ktap_note("guest %llu ns, host %llu ns", (unsigned long long)(g1 - g0),
		  (unsigned long long)(h1 - h0));
	CHECK(diff < 5000000, "they differ by %llu ns", (unsigned long long)diff);
}

TEST(agrees_with_get_clock)
{
	struct vcpu *v = start();
	struct kvm_clock_data before, after;
	u64 now;

	next_sync(v);
	REQUIRE_OK(ioctl(v->vm->fd, KVM_GET_CLOCK, &before));
	next_sync(v);
	now = vm_shared(v->vm)->arg[0];
	REQUIRE_OK(ioctl(v->vm->fd, KVM_GET_CLOCK, &after));
	CHECK(now + 1000000 >= before.clock && now <= after.clock + 1000000,
	      "guest %llu, KVM_GET_CLOCK %llu and %llu", (unsigned long long)now,
	      (unsigned long long)before.clock, (unsigned long long)after.clock);
}

TEST(set_clock)
{
	struct vcpu *v = start();
	struct kvm_clock_data d = { .clock = 5000000000000 };
	u64 now;

	next_sync(v);
	REQUIRE_OK(ioctl(v->vm->fd, KVM_SET_CLOCK, &d));
	next_sync(v);
	now = vm_shared(v->vm)->arg[0];
	CHECK(now >= d.clock && now < d.clock + 10000000000, "guest %llu", (unsigned long long)now);
	d.flags = 1u << 31;
	CHECK_ERRNO(ioctl(v->vm->fd, KVM_SET_CLOCK, &d), EINVAL);
}

TEST(wall_clock)
{
	struct vcpu *v = start();
	volatile struct wall_clock *w;
	u64 boot, now, real;

	next_sync(v);
	w = gpa_ptr(v->vm, WALL_PAGE, sizeof(*w));
	CHECK_EQ(w->version & 1, 0);
	boot = w->sec * 1000000000UL + w->nsec;
	next_sync(v);
	now = boot + vm_shared(v->vm)->arg[0];
	real = host_ns(CLOCK_REALTIME);
	CHECK(now + 100000000 > real && now < real + 100000000, "guest %llu, host %llu",
	      (unsigned long long)now, (unsigned long long)real);
}

GUEST_CODE static void guest_off(void)
{
	wrmsr(MSR_KVM_SYSTEM_TIME_NEW, CLOCK_PAGE | 1);
	outb(0x80, 0);
	G_CHECK(((volatile struct system_time *)CLOCK_PAGE)->version);
	wrmsr(MSR_KVM_SYSTEM_TIME_NEW, 0);
	((volatile u64 *)CLOCK_PAGE)[1] = 0x1111;
	for (int i = 0; i < 20; i++)
		outb(0x80, 0);
	G_EQ(((volatile u64 *)CLOCK_PAGE)[1], 0x1111);
	guest_done();
}

TEST(switched_off)
{
	struct vcpu *v = start();
	int event;

	vcpu_set_long(v, guest_off);
	while ((event = vcpu_next(v)) == KVM_EXIT_IO)
		;
	REQUIRE_EQ(event, RUN_DONE);
}
