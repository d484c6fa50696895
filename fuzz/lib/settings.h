/* SPDX-License-Identifier: GPL-2.0-only */
/* What every fuzzer is told in the same words, and its clock. */
#ifndef LINTEL_FUZZ_SETTINGS_H
#define LINTEL_FUZZ_SETTINGS_H

#include <getopt.h>

#include "random.h"

struct settings {
	const char *name;	/* of the program, for its messages */
	void (*usage)(void);
	u64 seed, first, cases;	/* which of the numbered cases: so many, from first on */
	double seconds;
	const char *device;
	bool trace;
};

/* For the table of getopt_long; @one, @several: what cases are called. Others take a to g. */
#define COMMON_OPTIONS(one, several)							\
	{ "seed", 1, NULL, 's' }, { "seconds", 1, NULL, 't' }, { several, 1, NULL, 'n' }, \
	{ one, 1, NULL, 'o' }, { "device", 1, NULL, 'v' }, { "trace", 0, NULL, 'r' },   \
	{ "help", 0, NULL, 'h' }

/*
 * The letter of the next option that is none of the common ones, which are put into @s; -1 behind
 * the last one. Ends the program after --help, and with code 2 when the usage is wrong.
 */
int next_option(int argc, char **argv, const struct option *known, struct settings *s);

/* Says that the usage is wrong, and leaves. */
void __attribute__((noreturn)) wrong_usage(const struct settings *s);

/* Seconds of a clock that only goes on. */
double now(void);

#endif
