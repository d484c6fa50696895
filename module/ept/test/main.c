// SPDX-License-Identifier: GPL-2.0-only
/*
 * Runs the tests of module/ept's pure logic one after the other.  Exit status 1 if one failed.
 */
#include <stdarg.h>
#include <stdio.h>

#include "tap.h"

static unsigned int passed, failed;

void tap_result(bool ok, const char *format, ...)
{
	va_list args;

	if (ok)
		passed++;
	else
		failed++;
	printf("%sok %u - ", ok ? "" : "not ", passed + failed);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
}

void tap_note(const char *format, ...)
{
	va_list args;

	printf("# ");
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
}

int main(void)
{
	printf("TAP version 13\n");
	test_pte();
	test_iter();
	test_walk();
	test_dirty();
	printf("1..%u\n", passed + failed);
	printf("%u passed, %u failed, 0 skipped\n", passed, failed);
	return failed || !passed;
}
