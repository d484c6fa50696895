// SPDX-License-Identifier: GPL-2.0-only
/*
 * The tables of `lintel top`. Above, a line for each VM or vCPU; below, one for each exit reason,
 * summed over what stands above: how often, and how long the host took, from the histograms. Those
 * have powers of two as bounds, so a time shown is an upper bound, at most twice the true one.
 */
#include "top_model.h"

#include "../launcher/stats.h"
#include "../lib/error.h"
#include "names.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/kvm.h>
#include <stdlib.h>
#include <string.h>

static const char *const sort_names[TOP_SORTS] = { "exits", "user", "latency", "name" };

static struct top_reason *find(struct top_sample *s, const char *name)
{
	struct top_reason *reason;
	unsigned int i;

	for (i = 0; i < s->reasons; i++)
		if (!strcmp(s->reason[i].name, name))
			return &s->reason[i];
	if (s->reasons == TOP_REASONS)
		return NULL;
	reason = &s->reason[s->reasons++];
	snprintf(reason->name, sizeof(reason->name), "%s", name);
	return reason;
}

static uint64_t value(const struct stats_values *values, uint32_t i)
{
	uint64_t v;

	memcpy(&v, values->at + i * sizeof(v), sizeof(v));
	return v;
}

static void take_histogram(struct top_reason *reason, const struct stats_values *values)
{
	uint32_t i;

	for (i = 0; i < values->count; i++)
		reason->timed[i < TOP_BUCKETS ? i : TOP_BUCKETS - 1] += value(values, i);
}

static int take(void *arg, const char *name, const struct stats_values *values)
{
	static const struct {
		const char *name;
		size_t offset;
	} scalars[] = {
		{ "exits", offsetof(struct top_sample, exits) },
		{ "exits_to_user", offsetof(struct top_sample, to_user) },
		{ "injected_irqs", offsetof(struct top_sample, injected) },
		{ "halts", offsetof(struct top_sample, halts) },
		{ "ept_faults", offsetof(struct top_sample, faults) },
		{ "emulated", offsetof(struct top_sample, emulated) },
	};
	struct top_sample *sample = arg;
	struct top_reason *reason;
	size_t i;

	if (!values->count)
		return 0;
	for (i = 0; i < sizeof(scalars) / sizeof(scalars[0]); i++) {
		if (strcmp(name, scalars[i].name))
			continue;
		*(uint64_t *)((char *)sample + scalars[i].offset) = value(values, 0);
		return 0;
	}
	if (!strncmp(name, "exits_", 6)) {
		reason = find(sample, name + 6);
		if (reason)
			reason->exits = value(values, 0);
	} else if (!strncmp(name, "latency_", 8) && values->type == KVM_STATS_TYPE_LOG_HIST) {
		reason = find(sample, name + 8);
		if (reason)
			take_histogram(reason, values);
	}
	return 0;
}

int top_parse(const uint8_t *data, size_t size, struct top_sample *sample)
{
	memset(sample, 0, sizeof(*sample));
	return stats_walk(data, size, take, sample);
}

static uint64_t less(uint64_t now, uint64_t before)
{
	return now >= before ? now - before : now;
}

void top_delta(const struct top_sample *before, const struct top_sample *now,
	       struct top_sample *delta)
{
	struct top_sample old = *before;
	unsigned int i, b;

	*delta = *now;
	delta->exits = less(now->exits, before->exits);
	delta->to_user = less(now->to_user, before->to_user);
	delta->injected = less(now->injected, before->injected);
	delta->halts = less(now->halts, before->halts);
	delta->faults = less(now->faults, before->faults);
	delta->emulated = less(now->emulated, before->emulated);
	for (i = 0; i < delta->reasons; i++) {
		struct top_reason *reason = &delta->reason[i];
		const struct top_reason *was = find(&old, reason->name);

		if (!was)
			continue;
		reason->exits = less(reason->exits, was->exits);
		for (b = 0; b < TOP_BUCKETS; b++)
			reason->timed[b] = less(reason->timed[b], was->timed[b]);
	}
}

uint64_t top_percentile(const uint64_t *timed, unsigned int percent)
{
	uint64_t sum = 0, seen = 0;
	unsigned int b;

	for (b = 0; b < TOP_BUCKETS; b++)
		sum += timed[b];
	if (!sum)
		return 0;
	for (b = 0; b < TOP_BUCKETS - 1; b++) {
		seen += timed[b];
		if ((unsigned __int128)seen * 100 >= (unsigned __int128)sum * percent)
			break;
	}
	return 1ULL << b;
}

const char *top_sort_name(enum top_sort sort)
{
	return sort_names[sort];
}

int top_sort_parse(const char *name)
{
	int i;

	for (i = 0; i < TOP_SORTS; i++)
		if (!strcmp(name, sort_names[i]))
			return i;
	return error_set(-EINVAL, "top: no order \"%s\"; it is exits, user, latency or name", name);
}

/* --- the upper table --- */

static const struct top_view *sorting; /* qsort() takes no argument */

static const struct top_sample *shown(const struct top_row *row)
{
	return row->have_delta ? &row->delta : &row->now;
}

static int compare(uint64_t a, uint64_t b)
{
	int larger_first = a < b ? 1 : a > b ? -1 : 0;

	return sorting->reverse ? -larger_first : larger_first;
}

static int by_place(const struct top_row *a, const struct top_row *b)
{
	if (a->vm != b->vm)
		return a->vm < b->vm ? -1 : 1;
	return a->vcpu - b->vcpu;
}

static uint64_t slowest(const struct top_sample *s)
{
	uint64_t most = 0, p;
	unsigned int i;

	for (i = 0; i < s->reasons; i++) {
		p = top_percentile(s->reason[i].timed, 99);
		most = p > most ? p : most;
	}
	return most;
}

static int compare_rows(const void *x, const void *y)
{
	const struct top_row *a = x, *b = y;
	int order = 0;

	switch (sorting->sort) {
	case TOP_BY_EXITS:
		order = compare(shown(a)->exits, shown(b)->exits);
		break;
	case TOP_BY_USER:
		order = compare(shown(a)->to_user, shown(b)->to_user);
		break;
	case TOP_BY_LATENCY:
		order = compare(slowest(shown(a)), slowest(shown(b)));
		break;
	default:
		order = strcmp(a->comm, b->comm);
		order = sorting->reverse ? -order : order;
	}
	return order ? order : by_place(a, b);
}

static double rate(const struct top_row *row, uint64_t count, const struct top_view *view)
{
	return row->have_delta && view->seconds > 0 ? count / view->seconds : 0;
}

static void print_row(const struct top_row *row, const struct top_view *view, FILE *to)
{
	const struct top_sample *d = shown(row);
	char vcpu[12] = "-";

	if (row->vcpu >= 0)
		snprintf(vcpu, sizeof(vcpu), "%d", row->vcpu);
	fprintf(to, "%6" PRIu64 " %7u %5s %11.0f %9.0f %9.0f %9.0f %9.0f %14" PRIu64 "  %s\n",
		row->vm, row->pid, vcpu, rate(row, d->exits, view), rate(row, d->to_user, view),
		rate(row, d->injected, view), rate(row, d->halts, view), rate(row, d->faults, view),
		row->now.exits, row->comm);
}

/* --- the lower table --- */

static int compare_reasons(const void *x, const void *y)
{
	const struct top_reason *a = x, *b = y;
	int order;

	switch (sorting->sort) {
	case TOP_BY_LATENCY:
		order = compare(top_percentile(a->timed, 99), top_percentile(b->timed, 99));
		break;
	case TOP_BY_NAME:
		order = strcmp(a->name, b->name);
		order = sorting->reverse ? -order : order;
		break;
	default:
		order = compare(a->exits, b->exits);
	}
	return order ? order : strcmp(a->name, b->name);
}

static void add_up(struct top_sample *sum, const struct top_sample *s)
{
	unsigned int i, b;

	for (i = 0; i < s->reasons; i++) {
		struct top_reason *reason = find(sum, s->reason[i].name);

		/* user space is no reason of the processor's, though its counter is named so */
		if (!reason)
			continue;
		reason->exits += s->reason[i].exits;
		for (b = 0; b < TOP_BUCKETS; b++)
			reason->timed[b] += s->reason[i].timed[b];
	}
}

static void print_reason(const struct top_reason *reason, uint64_t all, bool rates,
			 const struct top_view *view, FILE *to)
{
	static const unsigned int percents[] = { 50, 99, 100 };
	char time[3][32];
	unsigned int i;

	for (i = 0; i < 3; i++) {
		uint64_t ticks = top_percentile(reason->timed, percents[i]);

		snprintf(time[i], sizeof(time[i]), "-");
		if (ticks)
			describe_ticks(ticks, view->tsc_khz, time[i], sizeof(time[i]));
	}
	fprintf(to, "%-20s %11.0f %6.1f%% %12s %12s %12s\n", reason->name,
		rates && view->seconds > 0 ? reason->exits / view->seconds : (double)reason->exits,
		all ? 100.0 * reason->exits / all : 0, time[0], time[1], time[2]);
}

static void print_reasons(const struct top_row *rows, size_t count, const struct top_view *view,
			  unsigned int lines, FILE *to)
{
	static struct top_sample sum;
	bool rates = false;
	uint64_t all = 0;
	unsigned int i;
	size_t r;

	memset(&sum, 0, sizeof(sum));
	for (r = 0; r < count; r++) {
		add_up(&sum, shown(&rows[r]));
		rates |= rows[r].have_delta;
	}
	for (i = 0; i < sum.reasons; i++)
		all += sum.reason[i].exits;
	qsort(sum.reason, sum.reasons, sizeof(sum.reason[0]), compare_reasons);
	fprintf(to, "\n%-20s %11s %7s %12s %12s %12s\n", "reason", rates ? "exits/s" : "exits",
		"share", "half below", "99% below", "all below");
	for (i = 0; i < sum.reasons; i++) {
		if (!sum.reason[i].exits)
			continue;
		if (view->lines && !lines--)
			break;
		print_reason(&sum.reason[i], all, rates, view, to);
	}
}

void top_print(struct top_row *rows, size_t count, const struct top_view *view, FILE *to)
{
	/* half of the terminal is for the rows, if there are so many */
	size_t shown_rows = view->lines && count > view->lines / 2 ? view->lines / 2 : count, i;
	unsigned int left = view->lines > shown_rows + 6 ? view->lines - shown_rows - 6 : 0;

	sorting = view;
	qsort(rows, count, sizeof(rows[0]), compare_rows);
	fprintf(to, "%6s %7s %5s %11s %9s %9s %9s %9s %14s  %s\n", "VM", "PID", "vCPU", "exits/s",
		"user/s", "irqs/s", "halts/s", "faults/s", "exits", "name");
	for (i = 0; i < shown_rows; i++)
		print_row(&rows[i], view, to);
	if (shown_rows < count)
		fprintf(to, "and %zu more\n", count - shown_rows);
	print_reasons(rows, count, view, left, to);
}
