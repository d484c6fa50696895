// SPDX-License-Identifier: GPL-2.0-only
/*
 * The buffer behind error_set(): one per thread, so that a vCPU thread that fails cannot garble the
 * sentence of another one.
 */
#include "error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static __thread char text[1024];

int error_set(int err, const char *fmt, ...)
{
	char next[sizeof(text)];
	va_list ap;

	/* Formatted aside first: an argument may be error_text() itself. */
	va_start(ap, fmt);
	vsnprintf(next, sizeof(next), fmt, ap);
	va_end(ap);
	memcpy(text, next, sizeof(text));
	return err;
}

int error_errno(int err, const char *fmt, ...)
{
	char next[sizeof(text)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(next, sizeof(next), fmt, ap);
	va_end(ap);
	snprintf(text, sizeof(text), "%.*s: %s", (int)sizeof(text) / 2, next, strerror(-err));
	return err;
}

const char *error_text(void)
{
	return text;
}
