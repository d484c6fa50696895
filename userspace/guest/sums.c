// SPDX-License-Identifier: GPL-2.0-only
/*
 * What shows that a guest came through a migration whole: 8 MiB of memory, of which each round
 * changes every page by what it read from another, and a line with the sum of all of it.
 *
 * The lines are the same wherever the program runs. A page that is lost, or is older than the
 * others, spreads to all within a few rounds.
 */
#include "sums.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define PAGES		2048u
#define WORDS		512u		/* of a page */
#define STEP		769u		/* between a page and the one that it takes from; odd */

static unsigned long long next(unsigned long long *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static unsigned long long turn(unsigned long long (*page)[WORDS], unsigned long long *state)
{
	unsigned long long sum = 0;
	unsigned int i, j;

	for (i = 0; i < PAGES; i++) {
		const unsigned long long *from = page[(i + STEP) % PAGES];
		unsigned long long salt = next(state);

		for (j = 0; j < WORDS; j++) {
			page[i][j] += from[j] ^ salt;
			sum = sum * 31 + page[i][j];
		}
	}
	return sum;
}

void sums_print(unsigned long rounds)
{
	unsigned long long (*page)[WORDS] = calloc(PAGES, sizeof(*page));
	unsigned long long state = 88172645463325252u;
	unsigned long i;

	if (!page) {
		printf("lintel: sums: no memory\n");
		return;
	}
	for (i = 0; i < rounds; i++)
		printf("lintel: round %lu sum %016llx\n", i, turn(page, &state));
	printf("lintel: sums: done\n");
	free(page);
}

void sums_file(const char *path)
{
	static unsigned char buffer[65536];
	unsigned long long bytes = 0, sum = 0;
	int fd = open(path, O_RDONLY);
	ssize_t n, i;

	while ((n = read(fd, buffer, sizeof(buffer))) > 0) {
		for (i = 0; i < n; i++)
			sum = sum * 31 + buffer[i];
		bytes += n;
	}
	if (n < 0)
		printf("lintel: %s: %m\n", path);
	printf("lintel: disk: %llu bytes, sum %016llx\n", bytes, sum);
	close(fd);
}
