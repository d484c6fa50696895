// SPDX-License-Identifier: GPL-2.0-only
/*
 * Cases one after the other, in a child process that the parent watches: a case that makes no
 * progress is reported and its process killed, and the next one begins in a new process.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../lib/settings.h"
#include "fuzz.h"

#define CASES_OF_A_MACHINE	64
#define PATIENCE		10.0	/* seconds of the machine without a case done */

static void usage(void);

static struct settings options = {
	.name = "fuzz-guest", .usage = usage, .seed = 1, .cases = ~0ULL, .seconds = 10,
	.device = "/dev/lintel",
};
static const char *against;

/* Shared by parent and children. */
static struct counts {
	u64 next;		/* case to be run */
	u64 refused, ends[64], errors[134], exits[64], failed_entries, unexplained, dead, unknown;
	u64 differ, modes[MODES], instructions;
	bool finished;
} *counts;

static void judge_errors(const struct guest_case *c, const struct outcome *o)
{
	bool fine = o->error == EINTR || o->error == EFAULT || o->error == EAGAIN ||
		    o->error == EINVAL;

	counts->errors[o->error < 134 ? o->error : 0]++;
	if (fine)
		return;
	counts->dead += o->error == EIO;
	counts->unknown += o->error != EIO;
	printf("# KVM_RUN gave %s\n", strerrorname_np(o->error));
	print_case(c, o);
}

static void judge(const struct machine *m, const struct guest_case *c, const struct outcome *o)
{
	counts->modes[c->mode]++;
	if (o->refused) {
		counts->refused++;
		return;
	}
	for (unsigned int i = 0; i < o->exits; i++) {
		u32 reason = o->seen[i].reason;

		counts->exits[reason < 64 ? reason : 63]++;
		if (exit_name(reason) && reason != KVM_EXIT_UNKNOWN)
			continue;
		counts->unknown++;
		printf("# exit %u is not documented\n", reason);
		print_case(c, o);
	}
	if (o->error)
		judge_errors(c, o);
	else if (o->exits)
		counts->ends[o->seen[o->exits - 1].reason & 63]++;
	if (o->error || !o->exits || o->seen[o->exits - 1].reason != KVM_EXIT_FAIL_ENTRY)
		return;
	counts->failed_entries++;
	if (!m->lintel || o->broken)
		return;
	counts->unexplained++;
	printf("# the entry failed, and no rule is named\n");
	print_case(c, o);
}

static void renew(struct machine *m, const char *device, bool chips)
{
	/* compared are new machines: what a case leaves behind in KVM is no difference of ours */
	if (m->device && m->chips == chips && !against && m->cases < CASES_OF_A_MACHINE)
		return;
	if (m->device)
		machine_close(m);
	if (!machine_open(m, device, chips)) {
		printf("# %s: no machine: %s\n", device, strerror(errno));
		fflush(NULL);
		_exit(2);
	}
}

static void run_cases(double end)
{
	static struct guest_case c;
	static struct outcome x, y;
	static struct machine a, b;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	catch_ticks();
	for (; counts->next < options.first + options.cases && now() < end; counts->next++) {
		make_case(&c, options.seed, counts->next, against);
		if (options.trace)
			print_case(&c, &x);
		renew(&a, options.device, c.chips);
		machine_run(&a, &c, &x);
		judge(&a, &c, &x);
		if (against) {
			renew(&b, against, c.chips);
			machine_run(&b, &c, &y);
			counts->differ += !compare_outcomes(&c, &a, &x, &b, &y);
		}
		if (options.trace)
			print_case(&c, &x);
		if (x.error == EIO)
			a.cases = CASES_OF_A_MACHINE;
	}
	if (against)
		compare_report();
	counts->finished = true;
	fflush(NULL);
	_exit(0);
}

/* One child, to its end; false: it hung or died. */
static bool watch(pid_t child)
{
	const struct timespec pause = { .tv_nsec = 20000000 };
	u64 last = counts->next;
	double since = now();
	int status;

	while (waitpid(child, &status, WNOHANG) == 0) {
		nanosleep(&pause, NULL);
		if (counts->next != last) {
			last = counts->next;
			since = now();
		}
		if (now() - since > 2 * PATIENCE) {
			printf("# the process of case %llu does not die\n",
			       (unsigned long long)last);
			fflush(NULL);
			_exit(1);
		}
		if (now() - since > PATIENCE)
			kill(child, SIGKILL);
	}
	if (WIFEXITED(status) && !WEXITSTATUS(status))
		return true;
	printf("# case %llu: its process ended with %#x; again with --seed %llu --case %llu\n",
	       (unsigned long long)last, status, (unsigned long long)options.seed,
	       (unsigned long long)last);
	counts->next = last + 1;
	return WIFEXITED(status) && WEXITSTATUS(status) == 2 ? (_exit(2), false) : false;
}

static void report(u64 bad)
{
	unsigned int number = 0;

	printf("# %llu cases, %llu states refused;", (unsigned long long)counts->next -
	       (unsigned long long)options.first, (unsigned long long)counts->refused);
	for (unsigned int i = 0; i < MODES; i++)
		printf(" %s %llu", mode_name[i], (unsigned long long)counts->modes[i]);
	printf("\n# exits:");
	for (unsigned int i = 0; i < 64; i++)
		if (counts->exits[i])
			printf(" %s %llu", exit_name(i) ? exit_name(i) : "?",
			       (unsigned long long)counts->exits[i]);
	printf("; errors:");
	for (unsigned int i = 1; i < 134; i++)
		if (counts->errors[i])
			printf(" %s %llu", strerrorname_np(i), (unsigned long long)counts->errors[i]);
	printf("\n# %llu failed entries\n1..%u\n", (unsigned long long)counts->failed_entries,
	       against ? 5 : 4);
	printf("%sok %u - every case came to an end (%llu did not)\n", bad ? "not " : "", ++number,
	       (unsigned long long)bad);
	printf("%sok %u - every exit and errno of KVM_RUN is a documented one\n",
	       counts->unknown ? "not " : "", ++number);
	printf("%sok %u - no VMX instruction failed\n", counts->dead ? "not " : "", ++number);
	printf("%sok %u - every failed entry has a rule that it breaks (%llu had none)\n",
	       counts->unexplained ? "not " : "", ++number,
	       (unsigned long long)counts->unexplained);
	if (against)
		printf("%sok %u - the two devices differ only where it was judged (%llu cases)\n",
		       counts->differ ? "not " : "", ++number, (unsigned long long)counts->differ);
}

static void usage(void)
{
	printf("usage: fuzz-guest [OPTION]...\n"
	       "Runs guests of random states and instructions; prints what came of them.\n"
	       "  --seed N         of the random numbers (%llu)\n"
	       "  --seconds N      (%g); --cases N instead: so many\n"
	       "  --case N         only this one, with a trace\n"
	       "  --device FILE    (%s)\n"
	       "  --against FILE   the same cases on this device, and how they differ; nothing in\n"
	       "                   them then depends on time or on interrupt controllers\n"
	       "  --trace          print every case before it runs, and its exits after it\n"
	       "Exit code: 0 all is well, 1 not, 2 wrong usage or no device.\n",
	       (unsigned long long)options.seed, options.seconds, options.device);
}

static void parse(int argc, char **argv)
{
	static const struct option known[] = {
		COMMON_OPTIONS("case", "cases"), { "against", 1, NULL, 'a' }, {},
	};

	while (next_option(argc, argv, known, &options) >= 0)
		against = optarg;
	options.trace |= options.cases == 1;
}

int main(int argc, char **argv)
{
	u64 bad = 0;
	double end;

	parse(argc, argv);
	setvbuf(stdout, NULL, _IOLBF, 0);
	counts = mmap(NULL, sizeof(*counts), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	if (counts == MAP_FAILED || access(options.device, R_OK | W_OK) ||
	    (against && access(against, R_OK | W_OK))) {
		fprintf(stderr, "fuzz-guest: no access to the device: %s\n", strerror(errno));
		return 2;
	}
	counts->next = options.first;
	end = now() + options.seconds;
	while (!counts->finished && bad < 20) {
		pid_t child = fork();

		if (!child)
			run_cases(end);
		bad += child < 0 || !watch(child);
	}
	report(bad);
	return bad || counts->unknown || counts->dead || counts->unexplained || counts->differ;
}
