// SPDX-License-Identifier: GPL-2.0-only
/*
 * The fuzzer of the ioctl surface: rounds, each a process with threads, until the time is over.
 *
 * Nothing in it can wait for ever: a signal for every thread each few milliseconds ends KVM_RUN, a
 * round's process leaves at its time limit whatever its threads do, and the parent kills a process
 * that does not. One that does not die of that is a defect of the kernel's side and ends the run.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../lib/settings.h"
#include "report.h"

static void usage(void);

static struct settings options = {
	.name = "fuzz-ioctl", .usage = usage, .seed = 1, .cases = ~0ULL, .seconds = 10,
	.device = "/dev/lintel",
};
/* of a round */
static unsigned int nr_threads = 10, steps = 400;
static double limit = 4;

static unsigned int weight_sum;

static unsigned int pick_call(struct random *r)
{
	unsigned int at = random_below(r, weight_sum), i = 0;

	while (at >= calls[i].weight)
		at -= calls[i++].weight;
	return i;
}

/* Another number, direction or size: no ioctl of ours, or another one's with this argument. */
static unsigned long bend(struct random *r, unsigned long cmd)
{
	switch (random_below(r, 4)) {
	case 0:
		return cmd ^ 1UL << random_below(r, 32);
	case 1:
		return cmd ^ random_below(r, 256);
	case 2:
		return calls[random_below(r, nr_calls)].cmd;
	default:
		return cmd ^ (1 + random_below(r, 64)) << 16;
	}
}

static unsigned long make_argument(struct thread *t, const struct call *call, u8 *buffer)
{
	struct random *r = &t->random;
	size_t size = _IOC_SIZE(call->cmd);

	/* a rate that is not the host's is refused */
	if (call->cmd == KVM_SET_TSC_KHZ && one_in(r, 2))
		return ioctl(world_fd(t, FD_VM), KVM_GET_TSC_KHZ);
	if (call->arg_kind == A_NUMBER)
		return one_in(r, 12) ? random_number(r) : random_below(r, call->arg);
	if (call->arg_kind == A_MADE) {
		size = call->make(t, buffer);
		if (call->make == make_signal_mask && one_in(r, 8))
			return 0;
	} else {
		memset(buffer, 0, size);
		/* which chip to read is a question, too */
		if (call->arg)
			*(u32 *)buffer = random_below(r, 3);
		if (call->arg && ioctl(world_fd(t, call->fd), call->arg, buffer) < 0 &&
		    one_in(r, 4))
			random_bytes(r, buffer, size);
		fill_struct(t, buffer, call->fields);
	}
	return (unsigned long)place_argument(t, buffer, size);
}

static void one_call(struct thread *t)
{
	static __thread u8 buffer[2 * MAX_ARG];
	const struct kvm_create_device *device = (const void *)buffer;
	unsigned int index = pick_call(&t->random);
	const struct call *call = &calls[index];
	bool bent = one_in(&t->random, 24), astray = one_in(&t->random, 32);
	unsigned long cmd = bent ? bend(&t->random, call->cmd) : call->cmd;
	enum fd_kind kind = astray ? random_below(&t->random, FD_KINDS) : call->fd;
	unsigned long arg = make_argument(t, call, buffer);
	int fd = world_fd(t, kind), ret;

	counts->now[t->number].call = index;
	counts->now[t->number].step = t->step;
	if (options.trace)
		printf("# %llu.%u.%llu %s cmd %#lx fd %d arg %#lx\n", (unsigned long long)t->round,
		       t->number, (unsigned long long)t->step, call->name, cmd, fd, arg);
	ret = ioctl(fd, cmd, arg);
	/* tells its descriptor in the structure, which is nobody else's if it is the buffer */
	if (ret >= 0 && cmd == KVM_CREATE_DEVICE && arg == (unsigned long)buffer &&
	    !(device->flags & KVM_CREATE_DEVICE_TEST))
		world_keep_fd(t, FD_DEVICE, device->fd);
	if (ret >= 0 && call->opens && !bent && !astray)
		world_keep_fd(t, call->opens, ret);
	else if (ret > 2 && (bent || astray) && cmd != KVM_CHECK_EXTENSION &&
		 (cmd == KVM_CREATE_VM || cmd == KVM_CREATE_VCPU || cmd == KVM_GET_STATS_FD))
		close(ret);
	if (bent || astray) {
		counts->bent++;
		counts->bent_ok += ret >= 0;
		return;
	}
	counts->error[index][ret < 0 && errno < MAX_ERRNO ? errno : 0]++;
}

static enum action pick_action(struct random *r)
{
	static const u8 weight[ACT_COUNT] = {
		[ACT_CLOSE] = 6, [ACT_DUP] = 4, [ACT_OPEN] = 2, [ACT_MAP] = 6, [ACT_UNMAP] = 3,
		[ACT_SCRIBBLE] = 16, [ACT_MEMORY] = 16, [ACT_CODE] = 4, [ACT_SIGNAL] = 10,
		[ACT_EVENT] = 10, [ACT_READ] = 3, [ACT_FORK] = 1,
	};
	unsigned int at = random_below(r, 81), what = 0;

	while (at >= weight[what])
		at -= weight[what++];
	return what;
}

static void *run_thread(void *argument)
{
	struct thread *t = argument;

	t->world->tid[t->number] = syscall(SYS_gettid);
	for (t->step = 0; t->step < steps; t->step++) {
		if (one_in(&t->random, 6)) {
			enum action what = pick_action(&t->random);

			counts->action[what]++;
			act(t, what);
		} else {
			one_call(t);
		}
	}
	t->world->tid[t->number] = 0;
	atomic_fetch_add(&t->world->done, 1);
	return NULL;
}

static void on_signal(int sig)
{
	(void)sig;
}

static void limits(void)
{
	const struct rlimit files = { 160, 160 }, core = { 0, 0 };
	struct sigaction action = { .sa_handler = on_signal };

	setrlimit(RLIMIT_NOFILE, &files);
	setrlimit(RLIMIT_CORE, &core);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	sigaction(TICK_SIGNAL, &action, NULL);
	sigaction(SIGUSR2, &action, NULL);
	catch_faults();
}

/* The process of a round; never returns. */
static void run_round(u64 round)
{
	static struct world world;
	static struct thread threads[MAX_THREADS];
	const struct timespec tick = { .tv_nsec = 2000000 };
	struct random r = random_stream(options.seed, round, 0);
	double end = now() + limit;
	pthread_attr_t attributes;
	pthread_t ignored;

	limits();
	world.threads = nr_threads;
	world.device = options.device;
	world_open(&world, &r);
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, 256 << 10);
	for (unsigned int i = 0; i < nr_threads; i++) {
		threads[i] = (struct thread){
			.world = &world, .number = i, .round = round,
			.random = random_stream(options.seed, round, i + 1),
		};
		if (pthread_create(&ignored, &attributes, run_thread, &threads[i]))
			_exit(2);
	}
	while (atomic_load(&world.done) < (int)nr_threads) {
		nanosleep(&tick, NULL);
		if (now() > end) {
			counts->cut++;
			break;
		}
		for (unsigned int i = 0; i < nr_threads; i++)
			if (world.tid[i] > 0)
				syscall(SYS_tgkill, getpid(), world.tid[i], TICK_SIGNAL);
	}
	/* with threads in the midst of calls, perhaps: that is an end, too */
	_exit(0);
}

static void say_where(void)
{
	for (unsigned int i = 0; i < nr_threads; i++)
		printf("#   thread %u: step %llu, %s\n", i,
		       (unsigned long long)counts->now[i].step, calls[counts->now[i].call].name);
}

/* False: it did not end as it should. */
static bool wait_round(pid_t child, u64 round)
{
	const struct timespec pause = { .tv_nsec = 1000000 };
	double begin = now();
	bool killed = false;
	int status;

	while (waitpid(child, &status, WNOHANG) == 0) {
		double passed = now() - begin;

		if (passed > 4 * limit + 10 && killed) {
			printf("# round %llu: process %d does not die of SIGKILL\n",
			       (unsigned long long)round, (int)child);
			say_where();
			report_table();
			fflush(NULL);
			_exit(1);
		}
		if (passed > 2 * limit + 5 && !killed) {
			printf("# round %llu did not end, killed\n", (unsigned long long)round);
			say_where();
			kill(child, SIGKILL);
			killed = true;
		}
		nanosleep(&pause, NULL);
	}
	if (killed || !WIFEXITED(status) || WEXITSTATUS(status)) {
		printf("# round %llu: %s %d; again with --seed %llu --round %llu\n",
		       (unsigned long long)round, WIFSIGNALED(status) ? "signal" : "status",
		       WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status),
		       (unsigned long long)options.seed, (unsigned long long)round);
		return false;
	}
	return true;
}

static void usage(void)
{
	printf("usage: fuzz-ioctl [OPTION]...\n"
	       "Calls the ioctls of a KVM device at random, by many threads; prints what was called.\n"
	       "  --seed N       of the random numbers (%llu)\n"
	       "  --seconds N    of rounds (%g); --rounds N instead: so many\n"
	       "  --round N      only this round\n"
	       "  --threads N    of a round, 1 to %u (%u); 1: the run can be repeated exactly\n"
	       "  --steps N      of a thread (%u)\n"
	       "  --limit N      seconds for a round (%g)\n"
	       "  --device FILE  (%s)\n"
	       "  --trace        print every call before it is made\n"
	       "Exit code: 0 all is well, 1 not, 2 wrong usage or no device.\n",
	       (unsigned long long)options.seed, options.seconds, MAX_THREADS, nr_threads,
	       steps, limit, options.device);
}

static void parse(int argc, char **argv)
{
	static const struct option known[] = {
		COMMON_OPTIONS("round", "rounds"), { "threads", 1, NULL, 'a' },
		{ "steps", 1, NULL, 'b' }, { "limit", 1, NULL, 'c' }, {},
	};
	int option;

	while ((option = next_option(argc, argv, known, &options)) >= 0) {
		switch (option) {
		case 'a': nr_threads = strtoul(optarg, NULL, 0); break;
		case 'b': steps = strtoul(optarg, NULL, 0); break;
		case 'c': limit = strtod(optarg, NULL); break;
		}
	}
	if (!nr_threads || nr_threads > MAX_THREADS)
		wrong_usage(&options);
}

int main(int argc, char **argv)
{
	unsigned int bad = 0;
	bool lintel;
	double end;
	u64 round;

	parse(argc, argv);
	setvbuf(stdout, NULL, _IOLBF, 0);
	counts = mmap(NULL, sizeof(*counts), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	if (counts == MAP_FAILED || access(options.device, R_OK | W_OK)) {
		fprintf(stderr, "fuzz-ioctl: %s: %s; load the module, or name another device with --device\n",
			options.device, strerror(errno));
		return 2;
	}
	if (nr_calls > MAX_CALLS) {
		fprintf(stderr, "fuzz-ioctl: MAX_CALLS in report.h is too small\n");
		return 2;
	}
	lintel = strstr(options.device, "lintel");
	for (unsigned int i = 0; i < nr_calls; i++)
		weight_sum += calls[i].weight;
	end = now() + options.seconds;
	for (round = 0; round < options.cases && now() < end; round++) {
		pid_t child = fork();

		if (!child)
			run_round(options.first + round);
		bad += child < 0 || !wait_round(child, options.first + round);
	}
	report_table();
	printf("# seed %llu, %llu rounds of %u threads and %u steps\n",
	       (unsigned long long)options.seed, (unsigned long long)round, nr_threads,
	       steps);
	return report_checks(lintel, bad, round) ? 0 : 1;
}
