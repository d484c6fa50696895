// SPDX-License-Identifier: GPL-2.0-only
/*
 * The options that all fuzzers have: a number of cases takes the place of the time.
 */
#include "settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

void wrong_usage(const struct settings *s)
{
	fprintf(stderr, "%s: wrong usage; see --help\n", s->name);
	exit(2);
}

int next_option(int argc, char **argv, const struct option *known, struct settings *s)
{
	int option;

	while ((option = getopt_long(argc, argv, "h", known, NULL)) >= 0) {
		switch (option) {
		case 's': s->seed = strtoull(optarg, NULL, 0); break;
		case 't': s->seconds = strtod(optarg, NULL); break;
		case 'n': s->cases = strtoull(optarg, NULL, 0); s->seconds = 1e9; break;
		case 'o': s->first = strtoull(optarg, NULL, 0); s->cases = 1; break;
		case 'v': s->device = optarg; break;
		case 'r': s->trace = true; break;
		case 'h': s->usage(); exit(0);
		case '?': exit(2);
		default: return option;
		}
	}
	if (optind < argc)
		wrong_usage(s);
	return -1;
}
