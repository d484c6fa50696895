// SPDX-License-Identifier: GPL-2.0-only
/* See tap.h. A line is out before the next test begins: a crash shows behind which it was. */
#include "tap.h"

#include <stdarg.h>
#include <stdio.h>

static unsigned int passed, failed, skipped;

void tap_begin(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	puts("TAP version 13");
}

void tap_ok(bool ok, const char *format, ...)
{
	va_list args;

	if (ok)
		passed++;
	else
		failed++;
	printf("%sok %u - ", ok ? "" : "not ", passed + failed + skipped);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
}

void tap_skip(const char *name, const char *reason)
{
	skipped++;
	printf("ok %u - %s # SKIP %s\n", passed + failed + skipped, name, reason);
}

void tap_note(const char *format, ...)
{
	va_list args;

	printf("# ");
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
}

int tap_end(void)
{
	printf("1..%u\n", passed + failed + skipped);
	printf("%u passed, %u failed, %u skipped\n", passed, failed, skipped);
	return failed || !passed;
}
