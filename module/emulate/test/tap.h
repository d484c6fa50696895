/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Test results in TAP, and what the test programs' files share: a fixed random sequence and the
 * record of which opcodes were executed.
 */
#ifndef LINTEL_EMULATE_TEST_TAP_H
#define LINTEL_EMULATE_TEST_TAP_H

#include "../emulate.h"

/* One line of TAP: "ok" if condition, else "not ok"; the name is printf-formatted. */
void tap_ok(bool condition, const char *format, ...) __attribute__((format(printf, 2, 3)));
void tap_skip(const char *name, const char *reason);
void tap_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* xorshift64*, seeded per test so that each test is repeatable alone. */
void seed_random(u64 seed);
u64 random64(void);
u64 random_below(u64 n);
/* Values that find mistakes: 0, 1, -1, sign boundaries, small numbers, and any. */
u64 random_operand(void);

/* Note that c->insn was executed. coverage_report() names the claimed opcodes that never were. */
void coverage_note(const struct emulate_ctxt *c);
void test_coverage(void);

void test_decode(void);
void test_execute(void);
void test_segments(void);
void test_restart(void);
void test_system(void);
void test_tasks(void);
/* True if everything was compared. */
bool test_host_cpu(void);
void test_fuzz(void);

#endif /* LINTEL_EMULATE_TEST_TAP_H */
