/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of the test program share: a fixed random sequence, the record of which opcodes
 * were executed, and the tests.
 */
#ifndef LINTEL_EMULATE_TEST_TESTS_H
#define LINTEL_EMULATE_TEST_TESTS_H

#include "../../test/tap.h"
#include "../emulate.h"

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

#endif /* LINTEL_EMULATE_TEST_TESTS_H */
