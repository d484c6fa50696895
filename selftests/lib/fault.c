// SPDX-License-Identifier: GPL-2.0-only
/*
 * See fault.h. The counter is /proc/thread-self/fail-nth: the kernel counts it down at each place
 * where an allocation or a user copy of the thread could fail, and lets the one fail that brings it
 * to 0. Reading it is a user copy as well, and can be that one.
 */
#include "fault.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "files.h"
#include "ktap.h"

#define FAIL_NTH	"/proc/thread-self/fail-nth"
#define DEBUGFS		"/sys/kernel/debug/"

static int counter = -1;

static void write_if_there(const char *path, const char *text)
{
	if (!access(path, W_OK))
		file_write(path, text);
}

void fault_prepare(void)
{
	if (geteuid())
		SKIP("not root");
	counter = open(FAIL_NTH, O_RDWR | O_CLOEXEC);
	if (counter < 0)
		SKIP("%s: %m; the kernel has no fault injection", FAIL_NTH);
	/* without these only allocations that may not sleep fail */
	write_if_there(DEBUGFS "failslab/ignore-gfp-wait", "N");
	write_if_there(DEBUGFS "fail_page_alloc/ignore-gfp-wait", "N");
	write_if_there(DEBUGFS "fail_page_alloc/ignore-gfp-highmem", "N");
	write_if_there(DEBUGFS "fail_page_alloc/min-order", "0");
	write_if_there(DEBUGFS "failslab/verbose", "0");
	write_if_there(DEBUGFS "fail_page_alloc/verbose", "0");
	write_if_there(DEBUGFS "fail_usercopy/verbose", "0");
}

void fault_arm(unsigned int n)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%u", n);

	REQUIRE(pwrite(counter, text, len, 0) == len, "%s: %m", FAIL_NTH);
}

/* What is left of the counter, and no more faults; 1 where the read was the site to fail. */
static unsigned int disarm(void)
{
	char text[16] = "";
	ssize_t n = pread(counter, text, sizeof(text) - 1, 0);

	if (n < 0) {
		REQUIRE_EQ(errno, EFAULT);
		return 1;
	}
	/* a write is a user copy, too: with one fault left it would be the one */
	while (text[0] != '0' && pwrite(counter, "0", 1, 0) < 0)
		REQUIRE_EQ(errno, EFAULT);
	return strtoul(text, NULL, 10);
}

bool fault_disarm(void)
{
	return !disarm();
}

unsigned int fault_sites(unsigned int n)
{
	unsigned int left = disarm();

	REQUIRE(left, "more than %u sites", n);
	return n - left;
}
