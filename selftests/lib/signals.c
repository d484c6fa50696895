// SPDX-License-Identifier: GPL-2.0-only
/*
 * See signals.h. The alarm of the harness ends a KVM_RUN as well: so the handler counts, and a
 * KVM_RUN that no SIGUSR1 has ended is a failure.
 */
#include "signals.h"

#include <signal.h>
#include <sys/ioctl.h>
#include <time.h>

#include "ktap.h"

static volatile sig_atomic_t taken;

static void on_signal(int sig)
{
	(void)sig;
	taken = taken + 1;
}

void vcpu_run_until_signal(struct vcpu *v, unsigned int ms)
{
	struct sigaction action = { .sa_handler = on_signal };
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
	struct timespec again = { .tv_nsec = ms * 1000000L };
	struct itimerspec when = { again, again };
	timer_t timer;

	taken = 0;
	REQUIRE_OK(sigaction(SIGUSR1, &action, NULL));
	REQUIRE_OK(timer_create(CLOCK_MONOTONIC, &event, &timer));
	REQUIRE_OK(timer_settime(timer, 0, &when, NULL));
	CHECK_ERRNO(ioctl(v->fd, KVM_RUN, 0), EINTR);
	REQUIRE_OK(timer_delete(timer));
	CHECK(taken, "it was not the signal that ended KVM_RUN");
}
