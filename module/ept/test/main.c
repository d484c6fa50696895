// SPDX-License-Identifier: GPL-2.0-only
/*
 * Runs the tests of module/ept's pure logic one after the other.  Exit status 1 if one failed.
 */
#include "tests.h"

int main(void)
{
	tap_begin();
	test_pte();
	test_iter();
	test_walk();
	test_dirty();
	return tap_end();
}
