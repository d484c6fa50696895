/* SPDX-License-Identifier: GPL-2.0-only */
/* The tests of module/ept, and how they tell their results. */
#ifndef LINTEL_EPT_TEST_TESTS_H
#define LINTEL_EPT_TEST_TESTS_H

#include "../../test/tap.h"

void test_pte(void);
void test_iter(void);
void test_walk(void);
void test_dirty(void);

#endif
