/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What was called and what came of it, counted by all processes in shared memory.
 */
#ifndef LINTEL_FUZZ_REPORT_H
#define LINTEL_FUZZ_REPORT_H

#include "fuzz.h"

#define MAX_CALLS	160
#define MAX_ERRNO	134

struct counts {
	_Atomic u64 error[MAX_CALLS][MAX_ERRNO];	/* [0]: success */
	_Atomic u64 bent, bent_ok;	/* commands and descriptors that do not belong together */
	_Atomic u64 action[ACT_COUNT];
	_Atomic u64 cut;		/* rounds that the time limit ended */
	struct {
		u64 round, step;
		int call;
	} now[MAX_THREADS];		/* for the report of a round that goes wrong */
};

extern struct counts *counts;

void report_table(void);
/* TAP lines; false when one is not ok. */
bool report_checks(bool lintel, unsigned int bad_rounds, u64 rounds);

#endif
