// SPDX-License-Identifier: GPL-2.0-only
/*
 * The report: a line for each call with its errors by name, then what must hold, as TAP.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "report.h"

struct counts *counts;

static const char *const fd_name[FD_KINDS] = { "system", "vm", "vcpu", "eventfd", "stats",
					      "device" };

static u64 total(unsigned int call)
{
	u64 sum = 0;

	for (unsigned int i = 0; i < MAX_ERRNO; i++)
		sum += counts->error[call][i];
	return sum;
}

void report_table(void)
{
	u64 all = 0, fine = 0;

	for (unsigned int i = 0; i < nr_calls; i++) {
		printf("# call %s %s calls %llu ok %llu", fd_name[calls[i].fd], calls[i].name,
		       (unsigned long long)total(i), (unsigned long long)counts->error[i][0]);
		for (unsigned int e = 1; e < MAX_ERRNO; e++)
			if (counts->error[i][e])
				printf(" %s %llu", strerrorname_np(e) ? strerrorname_np(e) : "?",
				       (unsigned long long)counts->error[i][e]);
		printf("\n");
		all += total(i);
		fine += counts->error[i][0];
	}
	for (unsigned int i = 0; i < ACT_COUNT; i++)
		printf("# action %s: %llu\n", action_name[i],
		       (unsigned long long)counts->action[i]);
	printf("# total %llu calls, %llu succeeded; %llu more with another command or descriptor, %llu succeeded; %llu rounds cut off\n",
	       (unsigned long long)all, (unsigned long long)fine,
	       (unsigned long long)counts->bent, (unsigned long long)counts->bent_ok,
	       (unsigned long long)counts->cut);
}

static unsigned int number, failed;

static void result(bool fine, const char *text)
{
	failed += !fine;
	printf("%sok %u - %s\n", fine ? "" : "not ", ++number, text);
}

/* Threads close descriptors, and their numbers get another meaning: ENOTTY, EBADF, EINVAL. */
static bool absent_is_absent(void)
{
	bool fine = true;

	for (unsigned int i = 0; i < nr_calls; i++) {
		if (!calls[i].absent || !counts->error[i][0])
			continue;
		printf("# %s on %s succeeded, which Lintel does not have\n", calls[i].name,
		       fd_name[calls[i].fd]);
		fine = false;
	}
	return fine;
}

static bool all_called(bool lintel, bool with_success)
{
	bool fine = true;

	for (unsigned int i = 0; i < nr_calls; i++) {
		bool hit = with_success ? counts->error[i][0] : total(i);

		if (hit || calls[i].absent || calls[i].in_vain || (calls[i].lintel_only && !lintel))
			continue;
		printf("# %s on %s never %s\n", calls[i].name, fd_name[calls[i].fd],
		       with_success ? "succeeded" : "called");
		fine = false;
	}
	return fine;
}

/* Every descriptor is closed: the module may go. Deferred work gets some time. */
static int module_users(void)
{
	const struct timespec pause = { .tv_nsec = 50000000 };
	int users = -1;

	for (unsigned int i = 0; i < 100; i++) {
		FILE *file = fopen("/sys/module/lintel/refcnt", "r");

		if (!file || fscanf(file, "%d", &users) != 1)
			users = -1;
		if (file)
			fclose(file);
		if (users <= 0)
			break;
		nanosleep(&pause, NULL);
	}
	return users;
}

bool report_checks(bool lintel, unsigned int bad_rounds, u64 rounds)
{
	int users = lintel ? module_users() : 0;
	char text[96];

	printf("1..%u\n", lintel ? 5 : 3);
	snprintf(text, sizeof(text), "%u of %llu rounds did not end as they should", bad_rounds,
		 (unsigned long long)rounds);
	result(!bad_rounds && rounds, text);
	result(all_called(lintel, false), "every ioctl of the table was called");
	result(all_called(lintel, true), "every ioctl that is there succeeded at least once");
	if (!lintel)
		return !failed;
	result(absent_is_absent(), "what is not there never succeeded");
	snprintf(text, sizeof(text), "nothing holds the module when all is closed (users %d)",
		 users);
	result(!users, text);
	return !failed;
}
