/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The tests' output: one TAP line per test, what went wrong before it, a count at the end.
 */
#ifndef LINTEL_EPT_TEST_TAP_H
#define LINTEL_EPT_TEST_TAP_H

#include <stdbool.h>

void tap_result(bool ok, const char *format, ...) __attribute__((format(printf, 2, 3)));
void tap_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

void test_pte(void);
void test_iter(void);
void test_walk(void);
void test_dirty(void);

#endif
