/* SPDX-License-Identifier: GPL-2.0-only */
/* The results of a test program, as TAP. */
#ifndef LINTEL_PARAVIRT_TEST_TAP_H
#define LINTEL_PARAVIRT_TEST_TAP_H

#include <stdbool.h>
#include <stdio.h>

static unsigned int passed, failed;

static void result(bool ok, const char *what)
{
	if (ok)
		passed++;
	else
		failed++;
	printf("%sok %u - %s\n", ok ? "" : "not ", passed + failed, what);
}

/* The last lines; what main() returns. */
static int results(void)
{
	printf("1..%u\n%u passed, %u failed, 0 skipped\n", passed + failed, passed, failed);
	return failed ? 1 : 0;
}

#endif
