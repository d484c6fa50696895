// SPDX-License-Identifier: GPL-2.0-only
/*
 * Signals, and SIGKILL, at each step of KVM_RUN. A timer of the host strikes so and so many
 * nanoseconds after KVM_RUN was called, a little later each time, until the whole way of a guest
 * through its exits has been struck: creation, page faults, exits to user space, exits that the
 * kernel handles, timer interrupts, HLT. A signal only ends a KVM_RUN with EINTR, and the guest's
 * result is what it would have been; SIGKILL leaves nothing behind. Steps are LINTEL_STEPS
 * (environment).
 */
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include "chips.h"
#include "module.h"
#include "vm.h"

#define STEP_NS		500
#define MMIO_GPA	0xd0000000UL
#define TICK		0x61

static unsigned int steps(unsigned int usual)
{
	const char *text = getenv("LINTEL_STEPS");

	return text ? strtoul(text, NULL, 10) : usual;
}

GUEST_CODE static void on_tick(struct trap_frame *f)
{
	(void)f;
	ARG(2)++;
	apic_write(APIC_EOI, 0);
}

/* ARG(0): a sum over everything that came back; ARG(1): rounds, each by another exit. */
GUEST_CODE static void guest_tour(void)
{
	guest_set_handler(TICK, on_tick);
	apic_enable();
	apic_write(APIC_TDCR, 0xb);
	apic_write(APIC_LVTT, TICK);
	for (u64 i = 0;; i++) {
		volatile u64 *p = (volatile u64 *)(GPA_HIGH + (i & 63) * 4096);
		u64 to = GPA_FREE, n = 8;
		u32 a, b, c, d;

		cpuid(0, 0, &a, &b, &c, &d);
		ARG(0) += a;
		*p = i;
		wrmsr(MSR_LSTAR, i);
		ARG(0) += *p + rdmsr(MSR_LSTAR) + mmio_read(MMIO_GPA + (i & 255) * 8);
		mmio_write(MMIO_GPA, i);
		asm volatile("rep insb" : "+D"(to), "+c"(n) : "d"((u16)0x300) : "memory");
		ARG(0) += *(volatile u8 *)(GPA_FREE + 7);
		ARG(3) = ARG(2);
		apic_write(APIC_TMICT, 2000);
		while (ARG(2) == ARG(3)) {
			sti_hlt();
			cli();
		}
		ARG(1)++;
		guest_sync(i);
	}
}

/* What the kernel's CPUID leaf 0 says is asked once, by a tour without signals. */
static u64 expected_after(u64 rounds, u64 first)
{
	u64 sum = 0;

	for (u64 i = 0; i < rounds; i++)
		sum += first + 2 * i;
	return sum;
}

static void set_up(struct vcpu *v)
{
	vcpu_set_long(v, guest_tour);
	madvise(v->vm->mem, v->vm->mem_size, MADV_NOHUGEPAGE);
}

/* To the end of a round, EINTR or not; the number of those. */
static u32 one_round(struct vcpu *v)
{
	struct kvm_run *run = v->run;
	u32 interrupted = 0;

	for (;;) {
		errno = 0;
		if (ioctl(v->fd, KVM_RUN, 0) < 0) {
			REQUIRE(errno == EINTR && !ktap_timed_out(), "KVM_RUN: errno %d", errno);
			interrupted++;
			continue;
		}
		switch (vcpu_event(v)) {
		case RUN_SYNC:
			return interrupted;
		case KVM_EXIT_IO:
			memset((u8 *)run + run->io.data_offset, 9, run->io.size * run->io.count);
			break;
		case KVM_EXIT_MMIO:
			*(u32 *)run->mmio.data = 5;
			break;
		default:
			REQUIRE(false, "exit reason %u", run->exit_reason);
		}
	}
}

static volatile u32 struck;

static void on_signal(int sig)
{
	(void)sig;
	struck++;
}

static timer_t make_timer(int sig)
{
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = sig };
	timer_t timer;

	REQUIRE_OK(timer_create(CLOCK_MONOTONIC, &event, &timer));
	return timer;
}

static void strike_in(timer_t timer, u64 ns)
{
	struct itimerspec when = {
		.it_value = { .tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000 },
	};

	REQUIRE_OK(timer_settime(timer, 0, &when, NULL));
}

/* How long a round takes without signals. */
static u64 round_ns(struct vcpu *v)
{
	struct timespec a, b;

	clock_gettime(CLOCK_MONOTONIC, &a);
	for (int i = 0; i < 8; i++)
		one_round(v);
	clock_gettime(CLOCK_MONOTONIC, &b);
	return ((b.tv_sec - a.tv_sec) * 1000000000ll + b.tv_nsec - a.tv_nsec) / 8;
}

TEST_SLOW(signal_at_each_step, 6)
{
	struct vcpu *v = vcpu_create(vm_create(VM_IRQCHIP), 0);
	volatile struct guest_shared *s = vm_shared(v->vm);
	struct sigaction action = { .sa_handler = on_signal };
	u64 first, length, at = 0, interrupted = 0;
	unsigned int n = steps(2000);
	timer_t timer;

	sigaction(SIGUSR1, &action, NULL);
	set_up(v);
	one_round(v);
	first = s->arg[0];
	length = round_ns(v);
	timer = make_timer(SIGUSR1);
	for (unsigned int i = 0; i < n && !ktap_timed_out(); i++) {
		ktap_row("step %u, %llu ns", i, (unsigned long long)at);
		strike_in(timer, at + 1);
		interrupted += one_round(v);
		REQUIRE_EQ(s->arg[0], expected_after(s->arg[1], first));
		at = (at + STEP_NS) % (length + length / 4);
	}
	ktap_row("at the end");
	ktap_note("%u steps of %u ns, a round takes %llu ns: %u signals, %llu in KVM_RUN", n,
		  STEP_NS, (unsigned long long)length, struck, (unsigned long long)interrupted);
	CHECK(interrupted > n / 20, "hardly any signal met a KVM_RUN");
}

static void live_once(void)
{
	struct vm *vm = vm_create(VM_PIT);
	struct vcpu *v = vcpu_create(vm, 0);

	set_up(v);
	for (int i = 0; i < 3; i++)
		one_round(v);
	vcpu_destroy(v);
	vm_destroy(vm);
}

/* The child's life from its first ioctl on, cut off by SIGKILL after so many nanoseconds. */
static void live_for(u64 ns)
{
	strike_in(make_timer(SIGKILL), ns + 1);
	for (;;)
		live_once();
}

static int wait_for(pid_t child)
{
	int status = 0;

	REQUIRE_EQ(waitpid(child, &status, 0), child);
	return status;
}

static void kill_after(u64 ns)
{
	pid_t child = REQUIRE_OK(fork());
	int status;

	if (!child)
		live_for(ns);
	status = wait_for(child);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "after %llu ns: status 0x%x",
	      (unsigned long long)ns, status);
}

/* How long one life of live_for() takes. */
static u64 life_ns(void)
{
	struct timespec a, b;

	clock_gettime(CLOCK_MONOTONIC, &a);
	live_once();
	clock_gettime(CLOCK_MONOTONIC, &b);
	return (b.tv_sec - a.tv_sec) * 1000000000ll + b.tv_nsec - a.tv_nsec;
}

TEST_SLOW(sigkill_at_each_step, 6)
{
	unsigned int n = steps(300), done = 0;
	u64 length = life_ns();
	int before = module_references(module_name());

	for (; done < n && !ktap_timed_out(); done++)
		kill_after(length * 5 / 4 * done / n);
	ktap_note("%u times, from 0 to %llu ns after the first call", done,
		  (unsigned long long)(length * 5 / 4));
	CHECK_EQ(done, n);
	CHECK(module_references_settle(before, 5000), "references: %d, before %d",
	      module_references(module_name()), before);
}

/* As often as a round comes back to user space, and once before and behind each. */
static void die_at_exit(unsigned int n)
{
	struct vcpu *v = vcpu_create(vm_create(VM_PIT), 0);
	struct kvm_run *run = v->run;

	set_up(v);
	while (n--) {
		vcpu_run(v);
		if (run->exit_reason == KVM_EXIT_MMIO)
			*(u32 *)run->mmio.data = 5;
	}
	kill(getpid(), SIGKILL);
}

TEST_SLOW(killed_at_each_exit, 3)
{
	int before = module_references(module_name());
	enum { EXITS = 40 };

	for (unsigned int n = 0; n < EXITS; n++) {
		pid_t child = REQUIRE_OK(fork());
		int status;

		if (!child)
			die_at_exit(n);
		status = wait_for(child);
		CHECK(WIFSIGNALED(status), "at exit %u: status 0x%x", n, status);
	}
	CHECK(module_references_settle(before, 5000), "references: %d, before %d",
	      module_references(module_name()), before);
}
