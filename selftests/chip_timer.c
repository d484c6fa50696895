// SPDX-License-Identifier: GPL-2.0-only
/*
 * How exactly the local APIC's timer arrives, for a guest that runs and for one that waits in HLT,
 * and that each expiry arrives once: across signals, moves to other CPUs, time spent in user space,
 * and a TSC that is set anew. Figures are ticks of the guest's TSC, which in the emulated test
 * machine are instructions of the host and the guest together.
 */
#include <sched.h>
#include <signal.h>
#include <time.h>

#include "chips.h"
#include "host.h"
#include "module.h"
#include "vm.h"

#define VECTOR	0x61
#define SAMPLES	300
#define TIMES	((volatile u64 *)GPA_HIGH)		/* when the n-th interrupt was taken */
#define WANTED	((volatile u64 *)(GPA_HIGH + 0x10000))	/* when it was due */

enum { SPIN, HALT };

static struct vcpu *start(void (*fn)(void))
{
	struct vcpu *v = vcpu_create(vm_create(VM_IRQCHIP), 0);
	struct cpuid c;

	REQUIRE_CAP(v->vm->dev, KVM_CAP_TSC_DEADLINE_TIMER);
	cpuid_supported(v->vm->dev, &c);
	cpuid_find(&c, 1, 0)->ecx |= CPUID1_ECX_TSC_DEADLINE;
	REQUIRE_OK(ioctl(v->fd, KVM_SET_CPUID2, &c.head));
	vcpu_set_long(v, fn);
	vm_shared(v->vm)->arg[15] = ioctl(v->fd, KVM_GET_TSC_KHZ, 0);
	return v;
}

GUEST_CODE static void on_timer(struct trap_frame *f)
{
	u64 now = rdtsc();

	(void)f;
	TIMES[ARG(1) % SAMPLES] = now;
	ARG(1)++;
	apic_write(APIC_EOI, 0);
}

GINLINE u32 next_random(u32 *state)
{
	*state = *state * 1103515245 + 12345;
	return *state >> 16;
}

/* Until interrupt number @n has come, spinning or halted; interrupts are off before and after. */
GINLINE void wait_for(u32 n, u32 how)
{
	if (how == HALT) {
		while (ARG(1) < n) {
			sti_hlt();
			cli();
		}
		return;
	}
	sti();
	while (ARG(1) < n)
		cpu_relax();
	cli();
}

GUEST_CODE static void guest_deadlines(void)
{
	u32 seed = 1, how = ARG(2);

	guest_set_handler(VECTOR, on_timer);
	apic_enable();
	apic_write(APIC_LVTT, VECTOR | APIC_TIMER_DEADLINE);
	for (u32 i = 0; i < SAMPLES; i++) {
		/* 100 to 300 us: more than it takes to halt */
		u64 due = rdtsc() + ARG(15) / 10 + next_random(&seed) % (ARG(15) / 5);

		WANTED[i] = due;
		wrmsr(MSR_TSC_DEADLINE, due);
		wait_for(i + 1, how);
		G_EQ(ARG(1), i + 1);
		G_CHECK(TIMES[i] >= due);		/* never early */
	}
	guest_done();
}

/*
 * Periods of ARG(3) counts, 1 ns each. They begin somewhere in the write of the initial count; the
 * time that the write takes is part of how late its interrupts seem.
 */
GUEST_CODE static void guest_periods(void)
{
	u32 how = ARG(2);

	guest_set_handler(VECTOR, on_timer);
	apic_enable();
	apic_write(APIC_TDCR, 0xb);
	/* long enough for the slowest host, short of what makes the test long */
	if (ARG(3) * ARG(15) / 1000000 < 64 * access_cost())
		ARG(3) = 64 * access_cost() * 1000000 / ARG(15);
	apic_write(APIC_LVTT, VECTOR | APIC_TIMER_PERIODIC);
	ARG(4) = rdtsc();
	apic_write(APIC_TMICT, ARG(3));
	wait_for(SAMPLES, how);
	apic_write(APIC_TMICT, 0);
	guest_done();
}

static int by_size(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void show(const char *what, int64_t *late)
{
	qsort(late, SAMPLES, sizeof(*late), by_size);
	ktap_note("%s: %lld to %lld ticks late, median %lld, 90%% %lld, 99%% %lld", what,
		  (long long)late[0], (long long)late[SAMPLES - 1], (long long)late[SAMPLES / 2],
		  (long long)late[SAMPLES * 9 / 10], (long long)late[SAMPLES * 99 / 100]);
}

static const struct {
	const char *name;
	u32 how;
} waits[] = { { "running", SPIN }, { "halted", HALT } };

TEST(deadline_accuracy)
{
	for (size_t i = 0; i < ARRAY_SIZE(waits); i++) {
		struct vcpu *v = start(guest_deadlines);
		const u64 *times = gpa_ptr(v->vm, (u64)TIMES, SAMPLES * 8);
		const u64 *wanted = gpa_ptr(v->vm, (u64)WANTED, SAMPLES * 8);
		int64_t late[SAMPLES];

		ktap_row("%s", waits[i].name);
		vm_shared(v->vm)->arg[2] = waits[i].how;
		vcpu_finish(v);
		for (int n = 0; n < SAMPLES; n++)
			late[n] = times[n] - wanted[n];
		show(waits[i].name, late);
	}
}

/*
 * Of a period that the host can follow, the n-th interrupt comes after n periods, and the phase of
 * the last ones is that of the first ones.
 */
TEST_SLOW(period_does_not_drift, 6)
{
	for (size_t i = 0; i < ARRAY_SIZE(waits); i++) {
		struct vcpu *v = start(guest_periods);
		volatile struct guest_shared *s = vm_shared(v->vm);
		const u64 *times = gpa_ptr(v->vm, (u64)TIMES, SAMPLES * 8);
		int64_t late[SAMPLES], begin, end;
		u64 period;

		ktap_row("%s", waits[i].name);
		s->arg[2] = waits[i].how;
		s->arg[3] = 250000;
		vcpu_finish(v);
		period = s->arg[3] * s->arg[15] / 1000000;
		for (int n = 0; n < SAMPLES; n++) {
			u64 passed = times[n] - s->arg[4];

			CHECK(passed + s->arg[15] / 1000 >= (n + 1) * period,
			      "interrupt %d came %llu ticks after the start, the period is %llu",
			      n + 1, (unsigned long long)passed, (unsigned long long)period);
			late[n] = passed % period;
		}
		qsort(late, SAMPLES / 3, sizeof(*late), by_size);
		qsort(late + SAMPLES * 2 / 3, SAMPLES / 3, sizeof(*late), by_size);
		begin = late[SAMPLES / 6];
		end = late[SAMPLES * 5 / 6];
		CHECK(llabs(end - begin) < (int64_t)period / 10,
		      "the phase moved from %lld to %lld ticks of %llu", (long long)begin,
		      (long long)end, (unsigned long long)period);
		show(waits[i].name, late);
	}
}

/*
 * A deadline each time, sometimes put off, waited for in either way; now and then user space is
 * asked to sleep meanwhile.
 */
GUEST_CODE static void guest_once_each(void)
{
	u32 seed = 7;

	guest_set_handler(VECTOR, on_timer);
	apic_enable();
	apic_write(APIC_LVTT, VECTOR | APIC_TIMER_DEADLINE);
	for (u32 i = 0; i < ARG(2); i++) {
		u32 r = next_random(&seed);
		u64 due;

		if (!(r & 0x30))
			wrmsr(MSR_TSC_DEADLINE, rdtsc() + ARG(15) * 100);
		due = rdtsc() + r % (ARG(15) / 10);		/* up to 100 us */
		wrmsr(MSR_TSC_DEADLINE, due);
		if (!(r & 0xf00))
			guest_sync(i);
		wait_for(i + 1, r & 1);
		G_EQ(ARG(1), i + 1);
		G_CHECK(TIMES[i % SAMPLES] >= due);
		G_EQ(rdmsr(MSR_TSC_DEADLINE), 0);
	}
	guest_done();
}

static volatile sig_atomic_t signals, moves;

/* In the vCPU's own thread: it is moved to the next CPU at whatever moment the signal came. */
static void on_signal(int sig)
{
	static int cpu;
	int saved = errno;	/* the call that was interrupted has its own */
	cpu_set_t set;

	(void)sig;
	signals = signals + 1;
	cpu = (cpu + 1) % 8;
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set) == 0)
		moves = moves + 1;
	errno = saved;
}

/*
 * So far apart, in ns, that between two signals this host runs the guest most of the time. What one
 * costs is measured with its handler: a host that is slow in that, too, would else take one signal
 * after the other, and the guest's far deadlines would come meanwhile.
 */
static long signal_interval(struct vcpu *v)
{
	u64 least = ~0ull;

	v->run->immediate_exit = 1;
	for (int i = 0; i < 8; i++) {
		u64 t0 = host_ns(CLOCK_MONOTONIC), t;

		raise(SIGUSR1);
		CHECK_ERRNO(ioctl(v->fd, KVM_RUN, 0), EINTR);
		t = host_ns(CLOCK_MONOTONIC) - t0;
		least = t < least ? t : least;
	}
	v->run->immediate_exit = 0;
	signals = moves = 0;
	return least * 10 > 700000 ? least * 10 : 700000;
}

TEST_SLOW(each_arrives_once, 4)
{
	struct sigaction sa = { .sa_handler = on_signal };
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
	struct vcpu *v = start(guest_once_each);
	struct itimerspec when = { .it_value = { .tv_nsec = 1 } };
	struct timespec nap = { .tv_nsec = 200000 };
	volatile struct guest_shared *s = vm_shared(v->vm);
	unsigned int syncs = 0;
	timer_t timer;

	s->arg[2] = 3000;
	REQUIRE_OK(sigaction(SIGUSR1, &sa, NULL));
	when.it_interval.tv_nsec = signal_interval(v);
	REQUIRE_OK(timer_create(CLOCK_MONOTONIC, &event, &timer));
	REQUIRE_OK(timer_settime(timer, 0, &when, NULL));
	for (;;) {
		u16 port;

		if (ioctl(v->fd, KVM_RUN, 0) < 0) {
			REQUIRE(errno == EINTR && !ktap_timed_out(),
				"KVM_RUN: %m, after %llu interrupts, %d signals %ld ns apart",
				(unsigned long long)s->arg[1], signals, when.it_interval.tv_nsec);
			continue;
		}
		REQUIRE_EQ(v->run->exit_reason, KVM_EXIT_IO);
		port = v->run->io.port;
		if (port == PORT_DONE)
			break;
		REQUIRE(port == PORT_SYNC, "port 0x%x, line %u, interrupts %llu", port,
			*(u32 *)((u8 *)v->run + v->run->io.data_offset),
			(unsigned long long)s->arg[1]);
		if (syncs++ & 1)
			nanosleep(&nap, NULL);
	}
	timer_delete(timer);
	CHECK_EQ(s->arg[1], s->arg[2]);
	CHECK(signals > 0 && syncs > 0, "%d signals, %u times in user space", signals, syncs);
	ktap_note("%u deadlines, %d signals, %d moves to another CPU, %u times in user space",
		  (u32)s->arg[2], signals, moves, syncs);
}

/* The deadline follows the TSC: what user space and the guest do to it counts at once. */
GUEST_CODE static void guest_tsc_moves(void)
{
	u64 second = ARG(15) * 1000, due;

	guest_set_handler(VECTOR, on_timer);
	apic_enable();
	apic_write(APIC_LVTT, VECTOR | APIC_TIMER_DEADLINE);
	due = rdtsc() + 3 * second;
	wrmsr(MSR_TSC_DEADLINE, due);
	guest_sync(1);			/* the VMM adds ten seconds */
	G_CHECK(rdtsc() >= due);
	wait_for(1, SPIN);
	G_CHECK(rdtsc() < due + 8 * second);
	due = rdtsc() + 3 * second;
	wrmsr(MSR_TSC_DEADLINE, due);
	wrmsr(MSR_TSC_ADJUST, rdmsr(MSR_TSC_ADJUST) + 3 * second);
	wait_for(2, HALT);
	G_CHECK(rdtsc() < due + second);
	due = rdtsc() + 64 * access_cost();		/* not before the next exits */
	wrmsr(MSR_TSC_DEADLINE, due);
	wrmsr(MSR_TSC_ADJUST, rdmsr(MSR_TSC_ADJUST) - 64 * access_cost());
	wait_for(3, HALT);
	G_CHECK(TIMES[2] >= due);
	G_EQ(ARG(1), 3);
	guest_done();
}

TEST(deadline_follows_the_tsc)
{
	struct vcpu *v;

	/* KVM arms the timer anew only when the guest writes the deadline */
	if (strcmp(module_name(), "lintel"))
		SKIP("%s leaves a deadline as it was armed", module_name());
	v = start(guest_tsc_moves);
	vcpu_expect_sync(v, 1);
	vcpu_set_msr(v, MSR_TSC, vcpu_get_msr(v, MSR_TSC) +
		     10000ull * vm_shared(v->vm)->arg[15]);
	vcpu_finish(v);
}
