// SPDX-License-Identifier: GPL-2.0-only
/*
 * The harness behind ktap.h: runs every test in a child process and turns exit codes into KTAP
 * lines. The reason of a skip travels through a shared page; diagnostics are written directly, as
 * "# " lines, before the result line.
 */
#include "ktap.h"

#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define HARD_GRACE	10	/* seconds between the child's alarm and SIGKILL */

extern const struct ktap_test *const __start_ktap_tests[];
extern const struct ktap_test *const __stop_ktap_tests[];

static char *skip_reason;	/* one shared page */
static char row[128];
static volatile sig_atomic_t failures;
static volatile sig_atomic_t timed_out;
static void (*timeout_hook)(void);

static void say(const char *prefix, const char *fmt, va_list ap)
{
	char text[512];

	vsnprintf(text, sizeof(text), fmt, ap);
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
		printf("# %s%s\n", prefix, line);
	fflush(stdout);
}

void ktap_note(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say("", fmt, ap);
	va_end(ap);
}

void ktap_failed(const char *file, int line, const char *fmt, ...)
{
	char prefix[256];
	va_list ap;

	failures = failures + 1;
	snprintf(prefix, sizeof(prefix), "%s:%d: %s%s", file, line, row, row[0] ? ": " : "");
	va_start(ap, fmt);
	say(prefix, fmt, ap);
	va_end(ap);
}

void ktap_row(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(row, sizeof(row), fmt, ap);
	va_end(ap);
}

static __attribute__((noreturn)) void end_test(int unless_failed)
{
	/* what its time has ended proves nothing, whatever the checks behind it say */
	if (timed_out && !failures)
		ktap_failed(__FILE__, __LINE__, "watchdog: the time was over");
	fflush(stdout);
	_exit(failures ? KTAP_FAIL : unless_failed);
}

void ktap_skip(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(skip_reason, 256, fmt, ap);
	va_end(ap);
	end_test(KTAP_SKIP);
}

void ktap_end_test(void)
{
	end_test(KTAP_PASS);
}

bool ktap_any_failure(void)
{
	return failures != 0;
}

bool ktap_timed_out(void)
{
	return timed_out;
}

void ktap_set_timeout_hook(void (*hook)(void))
{
	timeout_hook = hook;
}

__attribute__((weak)) const char *ktap_missing(void)
{
	return NULL;
}

/* First alarm: let the test end its KVM_RUN and report. Second: it is stuck elsewhere. */
static void on_alarm(int sig)
{
	static const char stuck[] = "# watchdog: the test hangs outside of KVM_RUN\n";

	(void)sig;
	if (timed_out) {
		if (write(STDOUT_FILENO, stuck, sizeof(stuck) - 1) < 0)
			_exit(2);
		_exit(KTAP_FAIL);
	}
	timed_out = 1;
	if (timeout_hook)
		timeout_hook();
}

static void run_child(const struct ktap_test *test, unsigned int seconds)
{
	struct sigaction sa = { .sa_handler = on_alarm };
	struct itimerval limit = {
		.it_value.tv_sec = seconds,
		.it_interval.tv_sec = HARD_GRACE / 2,
	};

	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &limit, NULL);
	setpgid(0, 0);
	test->fn();
	ktap_end_test();
}

static time_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec;
}

/*
 * Waits at most `seconds`; returns false when the child is still there. SIGCHLD is blocked and
 * collected here.
 */
static bool wait_child(pid_t pid, int *status, unsigned int seconds)
{
	time_t end = now() + seconds;
	sigset_t chld;

	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	while (waitpid(pid, status, WNOHANG) == 0) {
		struct timespec left = { .tv_sec = end - now() };

		if (left.tv_sec <= 0)
			return false;
		sigtimedwait(&chld, NULL, &left);
	}
	return true;
}

static int run_test(const struct ktap_test *test, unsigned int timeout)
{
	unsigned int seconds = timeout * test->slow;
	sigset_t chld, old;
	int status = 0;
	time_t start, took;
	pid_t pid;

	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	sigprocmask(SIG_BLOCK, &chld, &old);
	skip_reason[0] = '\0';
	fflush(stdout);
	start = now();
	pid = fork();
	if (pid < 0) {
		printf("# fork: %m\n");
		return KTAP_FAIL;
	}
	if (!pid) {
		sigprocmask(SIG_SETMASK, &old, NULL);
		run_child(test, seconds);
	}
	if (!wait_child(pid, &status, seconds + HARD_GRACE)) {
		printf("# watchdog: no end after %u s, killed\n", seconds + HARD_GRACE);
		kill(-pid, SIGKILL);
		kill(pid, SIGKILL);
		if (!wait_child(pid, &status, HARD_GRACE))
			printf("# watchdog: process %d does not die of SIGKILL\n", (int)pid);
		return KTAP_FAIL;
	}
	kill(-pid, SIGKILL);	/* what the test left behind in its process group */
	took = now() - start;
	if (took > seconds / 2)
		printf("# took %ld s of %u s\n", took, seconds);
	if (WIFSIGNALED(status)) {
		printf("# died of signal %d\n", WTERMSIG(status));
		return KTAP_FAIL;
	}
	return WEXITSTATUS(status);
}

/* With arguments, only the tests named are run. */
static bool wanted(const struct ktap_test *test, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], test->name))
			return true;
	}
	return argc < 2;
}

static unsigned int count_wanted(int argc, char **argv)
{
	const struct ktap_test *const *t;
	unsigned int count = 0;

	for (t = __start_ktap_tests; t < __stop_ktap_tests; t++)
		count += wanted(*t, argc, argv);
	return count;
}

int main(int argc, char **argv)
{
	const char *limit = getenv("KTAP_TIMEOUT");
	unsigned int timeout = limit ? strtoul(limit, NULL, 10) : 0;
	unsigned int n = 0, count[5] = { 0 };
	const struct ktap_test *const *t;
	const char *missing;

	if (argc == 2 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))) {
		printf("usage: %s [TEST...]\nRuns its tests (or those named) and prints KTAP. Tests:\n",
		       argv[0]);
		for (t = __start_ktap_tests; t < __stop_ktap_tests; t++)
			printf("  %s\n", (*t)->name);
		printf("Environment: LINTEL_DEVICE (default /dev/lintel), KTAP_TIMEOUT (seconds for each test).\n");
		return 0;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("KTAP version 1\n");
	missing = ktap_missing();
	if (missing) {
		printf("1..0 # SKIP %s\n", missing);
		return KTAP_SKIP;
	}
	if (!count_wanted(argc, argv)) {
		printf("1..0\n# no such test; --help lists them\n");
		return KTAP_FAIL;
	}
	skip_reason = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (skip_reason == MAP_FAILED) {
		printf("1..0\n# mmap: %m\n");
		return KTAP_FAIL;
	}
	printf("1..%u\n", count_wanted(argc, argv));
	for (t = __start_ktap_tests; t < __stop_ktap_tests; t++) {
		int result;

		if (!wanted(*t, argc, argv))
			continue;
		result = run_test(*t, timeout ? timeout : KTAP_DEFAULT_TIMEOUT);
		count[result < 5 ? result : KTAP_FAIL]++;
		n++;
		if (result == KTAP_SKIP)
			printf("ok %u %s # SKIP %s\n", n, (*t)->name, skip_reason);
		else
			printf("%s %u %s\n", result == KTAP_PASS ? "ok" : "not ok", n, (*t)->name);
	}
	printf("# Totals: pass:%u fail:%u xfail:0 xpass:0 skip:%u error:0\n",
	       count[KTAP_PASS], n - count[KTAP_PASS] - count[KTAP_SKIP], count[KTAP_SKIP]);
	if (count[KTAP_PASS] + count[KTAP_SKIP] != n)
		return KTAP_FAIL;
	return count[KTAP_PASS] ? KTAP_PASS : KTAP_SKIP;
}
