// SPDX-License-Identifier: GPL-2.0-only
/*
 * Leaving KVM_RUN without the guest's doing: signals, immediate_exit, the signal mask, a periodic
 * timer over a busy guest, and a guest in an endless loop whose VMM is killed.
 */
#include <pthread.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>

#include "guest.h"
#include "signals.h"
#include "vm.h"

static volatile sig_atomic_t ticks;

static void on_signal(int sig)
{
	(void)sig;
	ticks = ticks + 1;
}

static void handle(int sig)
{
	struct sigaction sa = { .sa_handler = on_signal };

	REQUIRE_OK(sigaction(sig, &sa, NULL));
}

static void every_ms(long first, long interval)
{
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
	struct itimerspec when = {
		.it_value = { .tv_nsec = first * 1000000 },
		.it_interval = { .tv_nsec = interval * 1000000 },
	};
	timer_t timer;

	REQUIRE_OK(timer_create(CLOCK_MONOTONIC, &event, &timer));
	REQUIRE_OK(timer_settime(timer, 0, &when, NULL));
}

GUEST_CODE static void guest_endless(void)
{
	for (;;)
		ARG(0)++;
}

TEST(signal_ends_run)
{
	struct vm *vm = vm_create(0);
	struct vcpu *v = vcpu_create(vm, 0);

	vcpu_set_long(v, guest_endless);
	for (int i = 0; i < 3; i++) {
		vcpu_run_until_signal(v, 20);
		CHECK_EQ(v->run->exit_reason, KVM_EXIT_INTR);
	}
	CHECK(vm_shared(vm)->arg[0] > 0, "the guest did not run");
}

TEST(immediate_exit)
{
	struct vm *vm = vm_create(0);
	struct vcpu *v = vcpu_create(vm, 0);

	REQUIRE_CAP(vm->dev, KVM_CAP_IMMEDIATE_EXIT);
	vcpu_set_long(v, guest_endless);
	v->run->immediate_exit = 1;
	for (int i = 0; i < 100; i++)
		CHECK_ERRNO(ioctl(v->fd, KVM_RUN, 0), EINTR);
	CHECK_EQ(vm_shared(vm)->arg[0], 0);
	v->run->immediate_exit = 0;
	vcpu_run_until_signal(v, 20);
	CHECK(vm_shared(vm)->arg[0] > 0, "the guest did not run");
}

/* immediate_exit completes the I/O that the last exit left open, and no more. */
RM_CODE(in_then_hlt, "inb $0x44, %al; inb $0x45, %al; hlt");

TEST(immediate_exit_completes_io)
{
	struct vm *vm = vm_create(0);
	struct vcpu *v = vcpu_create(vm, 0);
	struct kvm_regs regs;

	vcpu_set_real(v, CODE(in_then_hlt));
	vcpu_expect(v, KVM_EXIT_IO);
	*((u8 *)v->run + v->run->io.data_offset) = 0x5a;
	v->run->immediate_exit = 1;
	CHECK_ERRNO(ioctl(v->fd, KVM_RUN, 0), EINTR);
	vcpu_get_regs(v, &regs);
	CHECK_EQ(regs.rax & 0xff, 0x5a);
	CHECK_EQ(regs.rip, GPA_REAL + 2);
	v->run->immediate_exit = 0;
	vcpu_expect(v, KVM_EXIT_IO);
	CHECK_EQ(v->run->io.port, 0x45);
}

/*
 * KVM_SET_SIGNAL_MASK: the signal is blocked outside of KVM_RUN and open inside of it, so it ends
 * the run at once and stays pending, its handler not called.
 */
TEST(signal_mask)
{
	struct vm *vm = vm_create(0);
	struct vcpu *v = vcpu_create(vm, 0);
	struct {
		struct kvm_signal_mask head;
		u64 mask;
	} mask = { .head.len = 8, .mask = 0 };
	sigset_t blocked, pending;

	handle(SIGUSR1);
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGUSR1);
	sigprocmask(SIG_BLOCK, &blocked, NULL);
	REQUIRE_OK(ioctl(v->fd, KVM_SET_SIGNAL_MASK, &mask));
	vcpu_set_long(v, guest_endless);
	every_ms(20, 0);
	CHECK_ERRNO(ioctl(v->fd, KVM_RUN, 0), EINTR);
	CHECK_ERRNO(ioctl(v->fd, KVM_RUN, 0), EINTR);
	CHECK_EQ(ticks, 0);
	sigpending(&pending);
	CHECK(sigismember(&pending, SIGUSR1), "the signal was taken");
	sigprocmask(SIG_UNBLOCK, &blocked, NULL);
	CHECK_EQ(ticks, 1);
	mask.head.len = 4;
	CHECK_ERRNO(ioctl(v->fd, KVM_SET_SIGNAL_MASK, &mask), EINVAL);
}

/*
 * Counts to ARG(0) by a chain that a lost or doubled register write breaks, with exits in between.
 */
GUEST_CODE static void guest_busy(void)
{
	u64 a = 1, b = 2, c = 3, n;

	for (n = 0; n < ARG(0); n++) {
		a = a * 6364136223846793005UL + 1442695040888963407UL;
		b ^= a >> 7;
		c += b;
		if (!(n & 0x3fff))
			outb(0x80, n >> 14);
	}
	ARG(1) = a;
	ARG(2) = b;
	ARG(3) = c;
	guest_done();
}

TEST_SLOW(timer_over_busy_guest, 3)
{
	const u64 steps = 4000000;
	struct vm *vm = vm_create(0);
	struct vcpu *v = vcpu_create(vm, 0);
	volatile struct guest_shared *s = vm_shared(vm);
	u64 a = 1, b = 2, c = 3, exits = 0, interrupted = 0;

	handle(SIGUSR1);
	vcpu_set_long(v, guest_busy);
	s->arg[0] = steps;
	every_ms(3, 3);
	for (;;) {
		errno = 0;
		if (ioctl(v->fd, KVM_RUN, 0) < 0) {
			REQUIRE(errno == EINTR, "KVM_RUN: %m");
			REQUIRE(!ktap_timed_out(), "no end, %llu interruptions",
				(unsigned long long)interrupted);
			interrupted++;
			continue;
		}
		REQUIRE_EQ(v->run->exit_reason, KVM_EXIT_IO);
		if (v->run->io.port == PORT_DONE)
			break;
		REQUIRE_EQ(v->run->io.port, 0x80);
		CHECK_EQ(*((u8 *)v->run + v->run->io.data_offset), (u8)exits);
		exits++;
	}
	for (u64 n = 0; n < steps; n++) {
		a = a * 6364136223846793005UL + 1442695040888963407UL;
		b ^= a >> 7;
		c += b;
	}
	CHECK_EQ(s->arg[1], a);
	CHECK_EQ(s->arg[2], b);
	CHECK_EQ(s->arg[3], c);
	CHECK_EQ(exits, (steps + 0x3fff) >> 14);
	CHECK(interrupted > 3, "only %llu interruptions", (unsigned long long)interrupted);
	ktap_note("%llu interruptions, %d signals, %llu exits", (unsigned long long)interrupted,
		  (int)ticks, (unsigned long long)exits);
}

TEST(endless_loop_is_killable)
{
	int status = 0, sync_pipe[2];
	pid_t child;
	char c;

	REQUIRE_OK(pipe(sync_pipe));
	child = REQUIRE_OK(fork());
	if (!child) {
		struct vm *vm = vm_create(0);
		struct vcpu *v = vcpu_create(vm, 0);

		vcpu_set_long(v, guest_endless);
		if (write(sync_pipe[1], "x", 1) == 1)
			ioctl(v->fd, KVM_RUN, 0);
		_exit(1);
	}
	REQUIRE_EQ(read(sync_pipe[0], &c, 1), 1);
	nanosleep(&(struct timespec) { .tv_nsec = 50000000 }, NULL);
	REQUIRE_OK(kill(child, SIGKILL));
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "status 0x%x", status);
}

#define KICKS	20

static struct kvm_run *kicked_run;

/* As VMMs do it: a kick that comes before the KVM_RUN ends that one. */
static void on_kick(int sig)
{
	on_signal(sig);
	kicked_run->immediate_exit = 1;
}

/* Each kick only once the one before it was taken: of two signals one would be left. */
static void *kicker(void *arg)
{
	for (int i = 0; i < KICKS; i++) {
		nanosleep(&(struct timespec) { .tv_nsec = 5000000 }, NULL);
		pthread_kill(*(pthread_t *)arg, SIGUSR1);
		while (ticks <= i && !ktap_timed_out())
			usleep(500);
	}
	return NULL;
}

TEST(kicked_by_another_thread)
{
	struct sigaction sa = { .sa_handler = on_kick };
	struct vm *vm = vm_create(0);
	struct vcpu *v = vcpu_create(vm, 0);
	pthread_t me = pthread_self(), other;
	int interrupted = 0;

	kicked_run = v->run;
	REQUIRE_OK(sigaction(SIGUSR1, &sa, NULL));
	vcpu_set_long(v, guest_endless);
	REQUIRE(!pthread_create(&other, NULL, kicker, &me), "pthread_create");
	for (;;) {
		v->run->immediate_exit = 0;
		if (ticks == KICKS)
			break;
		CHECK_ERRNO(ioctl(v->fd, KVM_RUN, 0), EINTR);
		interrupted++;
		REQUIRE(!ktap_timed_out(), "kick %d ended no KVM_RUN", (int)ticks);
	}
	pthread_join(other, NULL);
	CHECK(interrupted > 0 && interrupted <= KICKS, "%d interruptions", interrupted);
}
