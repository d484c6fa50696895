// SPDX-License-Identifier: GPL-2.0-only
/* What `lintel top` makes of statistics: samples, differences, percentiles, tables and their order.
 */
#include "test.h"

#include "../lib/error.h"
#include "../observe/top_model.h"

#include <errno.h>
#include <linux/kvm.h>
#include <stdlib.h>
#include <string.h>

#define NAME_SIZE 48

struct statistic {
	const char *name;
	uint32_t type, count;
	uint64_t value[4];
};

/* A statistics file as KVM_GET_STATS_FD gives it. */
static uint8_t *make_file(const struct statistic *list, unsigned int nr, size_t *size)
{
	size_t step = sizeof(struct kvm_stats_desc) + NAME_SIZE;
	struct kvm_stats_header header = { .name_size = NAME_SIZE,
					   .num_desc = nr,
					   .desc_offset = 64,
					   .data_offset = 64 + nr * step };
	uint8_t *data;
	uint32_t at = 0;
	unsigned int i;

	*size = header.data_offset + nr * sizeof(list->value);
	data = calloc(1, *size);
	memcpy(data, &header, sizeof(header));
	for (i = 0; i < nr; i++) {
		struct kvm_stats_desc desc = { .flags = list[i].type,
					       .size = list[i].count,
					       .offset = at };

		memcpy(data + 64 + i * step, &desc, sizeof(desc));
		strcpy((char *)data + 64 + i * step + sizeof(desc), list[i].name);
		memcpy(data + header.data_offset + at, list[i].value, list[i].count * 8);
		at += list[i].count * 8;
	}
	return data;
}

static const struct statistic before_list[] = {
	{ "exits", KVM_STATS_TYPE_CUMULATIVE, 1, { 100 } },
	{ "exits_to_user", KVM_STATS_TYPE_CUMULATIVE, 1, { 10 } },
	{ "exits_cpuid", KVM_STATS_TYPE_CUMULATIVE, 1, { 60 } },
	{ "exits_hlt", KVM_STATS_TYPE_CUMULATIVE, 1, { 40 } },
	{ "latency_cpuid", KVM_STATS_TYPE_LOG_HIST, 4, { 0, 10, 50, 0 } },
};

static const struct statistic now_list[] = {
	{ "exits", KVM_STATS_TYPE_CUMULATIVE, 1, { 1100 } },
	{ "exits_to_user", KVM_STATS_TYPE_CUMULATIVE, 1, { 30 } },
	{ "exits_cpuid", KVM_STATS_TYPE_CUMULATIVE, 1, { 1060 } },
	{ "exits_hlt", KVM_STATS_TYPE_CUMULATIVE, 1, { 40 } },
	{ "latency_cpuid", KVM_STATS_TYPE_LOG_HIST, 4, { 0, 510, 540, 10 } },
	{ "latency_hlt", KVM_STATS_TYPE_LOG_HIST, 4, { 0, 0, 0, 40 } },
	{ "something_new", KVM_STATS_TYPE_INSTANT, 1, { 5 } },
};

static void sample(const struct statistic *list, unsigned int nr, struct top_sample *to)
{
	size_t size;
	uint8_t *data = make_file(list, nr, &size);

	CHECK_EQ(top_parse(data, size, to), 0, "a sound file");
	free(data);
}

void test_top_model(void)
{
	static struct top_sample before, now, delta;
	uint64_t timed[TOP_BUCKETS] = { 0 };
	uint8_t none[8] = { 0 };

	sample(before_list, ARRAY_SIZE(before_list), &before);
	sample(now_list, ARRAY_SIZE(now_list), &now);
	CHECK_EQ(before.exits, 100, "a scalar");
	CHECK_EQ(before.reasons, 2, "reasons");
	top_delta(&before, &now, &delta);
	CHECK_EQ(delta.exits, 1000, "exits");
	CHECK_EQ(delta.to_user, 20, "to user space");
	CHECK_EQ(delta.reason[0].exits, 1000, "cpuid");
	CHECK_EQ(delta.reason[0].timed[1], 500, "a bucket");
	CHECK_EQ(delta.reason[0].timed[3], 10, "a bucket");
	/* a counter that went backwards belongs to something else */
	top_delta(&now, &before, &delta);
	CHECK_EQ(delta.exits, 100, "backwards");
	CHECK(top_parse(none, sizeof(none), &now) < 0, "no file accepted");

	CHECK_EQ(top_percentile(timed, 50), 0, "no samples");
	timed[10] = 99;
	timed[20] = 1;
	CHECK_EQ(top_percentile(timed, 50), 1 << 10, "half");
	CHECK_EQ(top_percentile(timed, 99), 1 << 10, "99 of 100");
	CHECK_EQ(top_percentile(timed, 100), 1 << 20, "all");
	timed[30] = 1ULL << 62;
	CHECK_EQ(top_percentile(timed, 99), 1 << 30, "many");
	CHECK_EQ(top_sort_parse("latency"), TOP_BY_LATENCY, "an order");
	CHECK(top_sort_parse("size") == -EINVAL, "an order that is none");
	CHECK_SENTENCE("no order \"size\"", "order");
}

static char *table(struct top_row *rows, size_t count, const struct top_view *view)
{
	size_t size;
	char *text = NULL;
	FILE *file = open_memstream(&text, &size);

	top_print(rows, count, view, file);
	fclose(file);
	return text;
}

static void set_row(struct top_row *row, uint64_t vm, int vcpu, const char *name)
{
	static struct top_sample before;

	memset(row, 0, sizeof(*row));
	row->vm = vm;
	row->pid = 100 + vm;
	row->vcpu = vcpu;
	strcpy(row->comm, name);
	sample(before_list, ARRAY_SIZE(before_list), &before);
	sample(now_list, ARRAY_SIZE(now_list), &row->now);
	top_delta(&before, &row->now, &row->delta);
	row->have_delta = true;
}

void test_top_tables(void)
{
	struct top_view view = { .seconds = 2, .tsc_khz = 1000 };
	struct top_row *rows = calloc(3, sizeof(*rows));
	char *text;

	set_row(&rows[0], 1, -1, "b");
	set_row(&rows[1], 2, 0, "c");
	set_row(&rows[2], 2, 1, "a");
	rows[1].delta.exits = 5000;
	rows[2].delta.to_user = 50;
	text = table(rows, 3, &view);
	CHECK_EQ(rows[0].vm == 2 && rows[0].vcpu == 0, true, "the one with most exits comes first");
	CHECK(strstr(text, "     2     102     0        2500        10 "), "rates in:\n%s", text);
	CHECK(strstr(text, "     1     101     -         500        10 "), "rates in:\n%s", text);
	CHECK(strstr(text, "\ncpuid                       1500  100.0%      2000 ns      4000 ns "
			   "     8000 ns\n"),
	      "the reason in:\n%s", text);
	CHECK(!strstr(text, "\nhlt"), "a reason that did not occur");
	free(text);

	view.sort = TOP_BY_USER;
	free(table(rows, 3, &view));
	CHECK_EQ(rows[0].vcpu, 1, "most to user space");
	view.reverse = true;
	free(table(rows, 3, &view));
	CHECK_EQ(rows[2].vcpu, 1, "reversed");
	view.reverse = false;
	view.sort = TOP_BY_NAME;
	free(table(rows, 3, &view));
	CHECK_EQ(rows[0].comm[0], 'a', "by name");

	/* without an earlier sample the totals are shown, and rates are 0 */
	rows[0].have_delta = rows[1].have_delta = rows[2].have_delta = false;
	view.sort = TOP_BY_EXITS;
	view.lines = 20;
	text = table(rows, 3, &view);
	CHECK(strstr(text, "\ncpuid                       3180 "), "totals in:\n%s", text);
	free(text);
	view.lines = 4;
	text = table(rows, 3, &view);
	CHECK(strstr(text, "and 1 more\n"), "cut in:\n%s", text);
	free(text);
	free(rows);
}
