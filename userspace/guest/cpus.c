// SPDX-License-Identifier: GPL-2.0-only
/*
 * All CPUs of the guest at work: a thread on each, in a ring. A token goes round; who has it works
 * on it, maps and unmaps memory that all see (which interrupts the other CPUs), sometimes sleeps,
 * and hands it on, which wakes the next CPU. One CPU is then taken away, the others work, it is put
 * back, and all work again. The token's value tells that no step was lost or done twice. At the end
 * the kernel's log is searched for what it says of clocks and CPUs that misbehave.
 */
#include "cpus.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <time.h>
#include <unistd.h>

#define CPUS_MAX	256
#define LAPS		12	/* of each token */
#define LOG_SIZE	(256 << 10)
#define LOG_READ_ALL	3

struct worker {
	pthread_t thread;
	int cpu, in, out, rounds;
	unsigned int elsewhere;		/* rounds in which it was not on its CPU */
};

static uint64_t work(uint64_t token, int cpu)
{
	int i;

	token ^= cpu + 1;
	for (i = 0; i < 20000; i++)
		token = token * 6364136223846793005ULL + 1442695040888963407ULL;
	return token;
}

static void *run_worker(void *arg)
{
	static const struct timespec nap = { .tv_nsec = 200000 };
	struct worker *w = arg;
	uint64_t token;
	cpu_set_t set;
	int round;

	CPU_ZERO(&set);
	CPU_SET(w->cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
	for (round = 0; round < w->rounds; round++) {
		char *page;

		if (read(w->in, &token, sizeof(token)) != sizeof(token))
			return NULL;
		w->elsewhere += sched_getcpu() != w->cpu;
		token = work(token, w->cpu);
		page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (page != MAP_FAILED) {
			memset(page, round, 8192);
			munmap(page, 8192);
		}
		if (round % 4 == 0)
			nanosleep(&nap, NULL);
		if (write(w->out, &token, sizeof(token)) != sizeof(token))
			return NULL;
	}
	return NULL;
}

/* One token for every two CPUs, so that some work while others wait. */
static bool work_on(const int *cpus, int count)
{
	static struct worker workers[CPUS_MAX];
	int tokens = (count + 1) / 2, ends[CPUS_MAX][2], i, round;
	uint64_t token, want = 0, got = 0;
	bool good = true;

	for (i = 0; i < count; i++)
		if (pipe(ends[i]) < 0)
			return false;
	for (i = 0; i < count; i++) {
		workers[i] = (struct worker){ .cpu = cpus[i], .in = ends[i][0],
					      .out = ends[(i + 1) % count][1],
					      .rounds = LAPS * tokens };
		if (pthread_create(&workers[i].thread, NULL, run_worker, &workers[i]))
			return false;
	}
	for (token = 0; token < (uint64_t)tokens; token++)
		if (write(ends[0][1], &token, sizeof(token)) != sizeof(token))
			return false;
	for (i = 0; i < count; i++) {
		pthread_join(workers[i].thread, NULL);
		good &= !workers[i].elsewhere;
	}
	/* all are where they began */
	for (token = 0; token < (uint64_t)tokens; token++) {
		uint64_t value = token;

		for (round = 0; round < LAPS * count; round++)
			value = work(value, cpus[round % count]);
		want += value;
		if (read(ends[0][0], &value, sizeof(value)) == sizeof(value))
			got += value;
	}
	for (i = 0; i < count; i++) {
		close(ends[i][0]);
		close(ends[i][1]);
	}
	return good && got == want;
}

static int online(int *cpus)
{
	cpu_set_t set;
	int i, n = 0;

	sched_getaffinity(0, sizeof(set), &set);
	for (i = 0; i < CPU_SETSIZE && n < CPUS_MAX; i++)
		if (CPU_ISSET(i, &set))
			cpus[n++] = i;
	return n;
}

static bool set_online(int cpu, const char *value)
{
	char path[80];
	int fd, ok;

	snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%d/online", cpu);
	fd = open(path, O_WRONLY);
	ok = fd >= 0 && write(fd, value, 1) == 1;
	if (fd >= 0)
		close(fd);
	return ok;
}

static bool log_is_quiet(void)
{
	static const char *const bad[] = {
		"soft lockup", "hard LOCKUP", "stall", "nstable", "Skewed", "BUG:", "WARNING: CPU",
		"blocked for more than", "NMI received for unknown",
	};
	char *log = malloc(LOG_SIZE + 1), *line;
	bool quiet = true;
	size_t i;
	int n;

	n = log ? klogctl(LOG_READ_ALL, log, LOG_SIZE) : -1;
	if (n <= 0)
		return false;
	log[n] = '\0';
	for (line = strtok(log, "\n"); line; line = strtok(NULL, "\n"))
		for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
			if (strstr(line, bad[i])) {
				printf("lintel: the kernel says: %s\n", line);
				quiet = false;
			}
	free(log);
	return quiet;
}

static bool step(bool good, const char *what, int cpus)
{
	printf("lintel: CPUs: %s, %d online: %s\n", what, cpus, good ? "good" : "FAILED");
	return good;
}

void cpus_check(void)
{
	static const char *const names[] = { "all work", "one is gone", "it is back" };
	int cpus[CPUS_MAX], all = online(cpus), last = cpus[all - 1], stage, n = all;
	bool good = all > 1;

	mkdir("/sys", 0555);
	mount("sysfs", "/sys", "sysfs", 0, NULL);
	for (stage = 0; stage < 3 && good; stage++) {
		if (stage)
			good = set_online(last, stage == 1 ? "0" : "1");
		n = online(cpus);
		good &= n == (stage == 1 ? all - 1 : all) && get_nprocs() == n;
		good = step(good && work_on(cpus, n), names[stage], n);
	}
	good &= log_is_quiet();
	printf("lintel: CPUs: %s\n", good ? "passed" : "failed");
}
