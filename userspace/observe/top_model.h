/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What `lintel top` computes: a sample is what a statistics file said at one moment; the difference
 * of two gives rates. All of it is pure, but for the printing, which goes to a FILE.
 */
#ifndef LINTEL_OBSERVE_TOP_MODEL_H
#define LINTEL_OBSERVE_TOP_MODEL_H

#include <linux/lintel.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define TOP_REASONS 96
#define TOP_BUCKETS 40

struct top_reason {
	char name[40];
	uint64_t exits;
	uint64_t timed[TOP_BUCKETS]; /* by log2 of the host's ticks; bucket n: below 2^n */
};

struct top_sample {
	uint64_t exits, to_user, injected, halts, faults, emulated;
	unsigned int reasons;
	struct top_reason reason[TOP_REASONS];
};

/* One line of the upper table: a VM, or a vCPU of it. */
struct top_row {
	uint64_t vm;
	unsigned int pid;
	int vcpu; /* -1: the whole VM */
	char comm[17];
	struct top_sample now;
	bool have_delta;
	struct top_sample delta;
};

enum top_sort { TOP_BY_EXITS, TOP_BY_USER, TOP_BY_LATENCY, TOP_BY_NAME, TOP_SORTS };

struct top_view {
	enum top_sort sort;
	bool reverse;
	double seconds; /* between the samples */
	uint32_t tsc_khz;
	unsigned int lines; /* of the terminal; 0: no limit */
};

/* top_parse - the bytes of a statistics file. Negative errno and a sentence for what is none. */
int top_parse(const uint8_t *data, size_t size, struct top_sample *sample);

/* top_delta - @now - @before, by name; what went backwards counts as new. */
void top_delta(const struct top_sample *before, const struct top_sample *now,
	       struct top_sample *delta);

/* top_percentile - the tick count that @percent of the exits did not exceed, as a power of two. */
uint64_t top_percentile(const uint64_t *timed, unsigned int percent);

/* The name of an order, and the order of a name (-EINVAL and a sentence). */
const char *top_sort_name(enum top_sort sort);
int top_sort_parse(const char *name);

/* top_print - both tables. The rows get sorted. */
void top_print(struct top_row *rows, size_t count, const struct top_view *view, FILE *to);

#endif
