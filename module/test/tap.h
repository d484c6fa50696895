/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The results of a userspace test program, in TAP: one line for each test, what went wrong before
 * it, the plan and the counts at the end. For the programs of module/X/test.
 */
#ifndef LINTEL_TEST_TAP_H
#define LINTEL_TEST_TAP_H

#include <stdbool.h>

/* The first line; each program's main() begins with it, and ends with tap_end(). */
void tap_begin(void);

/* One line: "ok" or "not ok"; the name is printf-formatted. */
void tap_ok(bool ok, const char *format, ...) __attribute__((format(printf, 2, 3)));
void tap_skip(const char *name, const char *reason);
void tap_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The last lines; what main() returns: 0 if something passed and nothing failed. */
int tap_end(void);

#endif
