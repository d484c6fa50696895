// SPDX-License-Identifier: GPL-2.0-only
/*
 * How soon an idle CPU notices that another one wants something: the test machine's own test, for
 * two CPUs.
 *
 * A CPU that idles in MWAIT gets no interrupt when the kernel wants it, but a flag is written. To
 * switch tracepoints on and off makes the kernel change its code, for which it calls each CPU many
 * times and spins until it has answered, while the others idle. Prints TAP. Needs root and tracefs.
 */
#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define TRACEFS		"/sys/kernel/tracing/"
#define EVENTS		TRACEFS "events/sched/enable"
#define ROUNDS		30
#define LIMIT_MS	1000	/* the calls and grace periods of one take some 50 ms */

static long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int main(void)
{
	int fd = open(EVENTS, O_WRONLY), trace;
	long longest = 0;

	printf("1..1\n");
	for (int n = 0; n < 2 * ROUNDS; n++) {
		long start, took;

		trace = open(TRACEFS "trace", O_WRONLY | O_TRUNC);
		close(trace);
		start = now_ms();
		if (pwrite(fd, n % 2 ? "0" : "1", 1, 0) != 1) {
			printf("Bail out! " EVENTS ": %m\n");
			return 1;
		}
		took = now_ms() - start;
		if (took > longest)
			longest = took;
	}
	printf("%s 1 an idle CPU notices that it is wanted\n", longest <= LIMIT_MS ? "ok" : "not ok");
	printf("# the longest of %d changes of code took %ld ms\n", 2 * ROUNDS, longest);
	return longest > LIMIT_MS;
}
