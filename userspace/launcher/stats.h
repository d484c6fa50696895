/* SPDX-License-Identifier: GPL-2.0-only */
/* What --stats shows, and the binary statistics of the KVM API; see stats.c. */
#ifndef LINTEL_STATS_H
#define LINTEL_STATS_H

#include "machine.h"

#include <stdio.h>

#define STATS_NAME_MAX	64

struct stats_row {
	char name[STATS_NAME_MAX];
	uint64_t total;
	bool histogram;		/* total is the number of samples */
};

struct stats_table {
	struct stats_row *row;
	size_t count;
};

/* The values of one statistic, KVM_STATS_TYPE_*: @count words of 64 bits at @at, at any address. */
struct stats_values {
	unsigned int type;
	uint32_t count;
	const uint8_t *at;
};

typedef int stats_fn(void *arg, const char *name, const struct stats_values *values);

/*
 * Calls @fn for each statistic in @data, the whole content of a statistics descriptor, until it
 * returns a negative errno. Trusts no offset; -EPROTO with a sentence if one lies outside.
 */
int stats_walk(const uint8_t *data, size_t size, stats_fn *fn, void *arg);

/*
 * Adds the counters in @data, the whole content of a statistics descriptor, to the rows of the same
 * name. Trusts no offset; -EPROTO with a sentence if one lies outside.
 */
int stats_add(struct stats_table *table, const uint8_t *data, size_t size);
void stats_free(struct stats_table *table);

/* Is a counter of this name one of exits? Lintel's and KVM's names. */
bool stats_is_exit(const char *name);

/* Before the VM is destroyed. */
void stats_print(struct machine *machine, FILE *to);

#endif
