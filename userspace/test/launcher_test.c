// SPDX-License-Identifier: GPL-2.0-only
/* Options, escape key, CPUID policy and the binary statistics. */
#include "test.h"

#include "../launcher/console.h"
#include "../launcher/cpuid.h"
#include "../launcher/options.h"
#include "../launcher/stats.h"
#include "../lib/error.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct { const char *text; uint64_t bytes; int ret; } sizes[] = {
	{ "512M", 512ULL << 20, 0 }, { "1G", 1ULL << 30, 0 }, { "64", 64ULL << 20, 0 },
	{ "2048K", 2ULL << 20, 0 }, { "1T", 1ULL << 40, 0 }, { "1g", 1ULL << 30, 0 },
	{ "1GiB", 1ULL << 30, 0 }, { "1GB", 1ULL << 30, 0 }, { "0", 0, 0 },
	{ "", 0, -EINVAL }, { "M", 0, -EINVAL }, { "-1M", 0, -EINVAL }, { " 1M", 0, -EINVAL },
	{ "1.5G", 0, -EINVAL }, { "1Mx", 0, -EINVAL }, { "1X", 0, -EINVAL }, { "0x10", 0, -EINVAL },
	{ "99999999999999999999", 0, -ERANGE }, { "99999999999T", 0, -ERANGE },
	{ "18446744073709551615", 0, -ERANGE },
};

void test_sizes(void)
{
	uint64_t bytes;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		bytes = 0;
		CHECK_EQ(options_size(sizes[i].text, &bytes), (unsigned long long)sizes[i].ret,
			 sizes[i].text);
		CHECK_EQ(bytes, sizes[i].bytes, sizes[i].text);
	}
}

void test_options(void)
{
	char *least[] = { "--kernel", "k", NULL };
	char *all[] = { "--kernel=k", "--initrd", "i", "--append", "a=b c", "--mem=1G",
			"--cpus", "4", "--device", "/dev/kvm", "--timeout", "10", "--stats",
			"--mark", "m",
			"--no-terminal", "--no-sandbox", "--no-irqchip", NULL };
	char *empty[] = { "--kernel", "k", "--append=", NULL };
	char *help[] = { "--help", NULL };
	struct run_options o;

	CHECK_EQ(options_parse(least, &o), 0, "least");
	CHECK(!strcmp(o.kernel, "k") && !o.initrd && !o.stats && o.cpus == 1, "defaults");
	CHECK(!strcmp(o.device, "/dev/lintel") && !strcmp(o.append, "console=ttyS0"), "defaults");
	CHECK_EQ(options_parse(all, &o), 0, "all");
	CHECK(!strcmp(o.kernel, "k") && !strcmp(o.initrd, "i"), "texts");
	CHECK(!strcmp(o.append, "a=b c"), "texts");
	CHECK(!strcmp(o.device, "/dev/kvm") && !strcmp(o.mark, "m"), "texts");
	CHECK_EQ(o.memory, 1 << 30, "memory");
	CHECK_EQ(o.cpus, 4, "cpus");
	CHECK_EQ(o.timeout, 10, "timeout");
	CHECK(o.stats && o.no_terminal && o.no_sandbox && o.no_irqchip && !o.help, "flags");
	CHECK_EQ(options_parse(empty, &o), 0, "an empty command line is one");
	CHECK(!*o.append, "%s", o.append);
	CHECK_EQ(options_parse(help, &o), 0, "help needs no kernel");
	CHECK(o.help, "help");
}

void test_options_errors(void)
{
	static char *const rows[][5] = {
		{ NULL },
		{ "--bogus", NULL },
		{ "vmlinuz", NULL },
		{ "--kernel", NULL },
		{ "--kernel", "", NULL },
		{ "--kernel", "k", "--cpus", "0", NULL },
		{ "--kernel", "k", "--cpus", "4097", NULL },
		{ "--kernel", "k", "--cpus", "-1", NULL },
		{ "--kernel", "k", "--cpus", "2x", NULL },
		{ "--kernel", "k", "--mem", "lots", NULL },
		{ "--kernel", "k", "--timeout", "0", NULL },
		{ "--kernel", "k", "--stats=1", NULL },
		{ "--kernels", "k", NULL },
	};
	static const char *const sentences[] = {
		"--kernel", "--bogus", "vmlinuz", "--kernel needs", "--kernel", "--cpus", "--cpus",
		"--cpus", "\"2x\"", "\"lots\"", "--timeout", "--stats takes no value", "--kernels",
	};
	struct run_options o;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		char *args[5];

		memcpy(args, rows[i], sizeof(args));
		CHECK_EQ(options_parse(args, &o), (unsigned long long)-EINVAL, sentences[i]);
		CHECK_SENTENCE(sentences[i], "options");
	}
}

void test_escape(void)
{
	static const struct {
		const char *in;
		size_t in_count;
		const char *out;
		size_t out_count;
		enum console_key key;
	} rows[] = {
		{ "ab", 2, "ab", 2, CONSOLE_NONE },
		{ "\3", 1, "\3", 1, CONSOLE_NONE },
		{ "\1", 1, "", 0, CONSOLE_NONE },
		{ "\1x", 2, "", 0, CONSOLE_QUIT },
		{ "\1X", 2, "", 0, CONSOLE_QUIT },
		{ "\1c", 2, "", 0, CONSOLE_BREAK },
		{ "\1h", 2, "", 0, CONSOLE_HELP },
		{ "\1?", 2, "", 0, CONSOLE_HELP },
		{ "\1a", 2, "\1", 1, CONSOLE_NONE },
		{ "\1\1", 2, "\1", 1, CONSOLE_NONE },
		{ "\1ax", 3, "\1x", 2, CONSOLE_NONE },
		{ "x\1x", 3, "x", 1, CONSOLE_QUIT },
		{ "\0", 1, "\0", 1, CONSOLE_NONE },
	};
	size_t i, j;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct escape escape = { 0 };
		enum console_key key = CONSOLE_NONE;
		uint8_t out[8];
		size_t n = 0;

		for (j = 0; j < rows[i].in_count; j++)
			n += escape_filter(&escape, rows[i].in[j], out + n, &key);
		CHECK(n == rows[i].out_count && !memcmp(out, rows[i].out, n), "row %zu", i);
		CHECK(key == rows[i].key, "row %zu: key %d", i, key);
	}
}

static struct kvm_cpuid_entry2 *leaf(struct kvm_cpuid2 *c, uint32_t function, uint32_t index)
{
	static struct kvm_cpuid_entry2 none;
	uint32_t i;

	for (i = 0; i < c->nent; i++)
		if (c->entries[i].function == function && c->entries[i].index == index)
			return &c->entries[i];
	CHECK(false, "no leaf %#x, %u", function, index);
	return &none;
}

void test_cpuid(void)
{
	static const struct kvm_cpuid_entry2 supported[] = {
		{ .function = 0, .eax = 0x1f, .ebx = 0x756e6547 },
		{ .function = 1, .eax = 0x50654, .ebx = 0x07100800, .ecx = 0x1, .edx = 0x1 },
		{ .function = 4, .index = 0, .eax = 0xfc000121 },
		{ .function = 4, .index = 1, .eax = 0xfc000163 },
		{ .function = 4, .index = 2, .eax = 0xfc000000 },
		{ .function = 7, .ebx = 0x1234 },
		{ .function = 0xb, .index = 0, .eax = 9, .edx = 99 },
		{ .function = 0xb, .index = 1, .eax = 9, .edx = 99 },
		{ .function = 0x1f, .index = 0, .eax = 9, .edx = 99 },
	};
	size_t entries = ARRAY_SIZE(supported);
	struct kvm_cpuid2 *from = calloc(1, sizeof(*from) + sizeof(supported));
	struct kvm_cpuid2 *to = calloc(1, sizeof(*to) + sizeof(supported) +
				       CPUID_EXTRA * sizeof(supported[0]));
	struct cpuid_policy policy = { .apic_id = 4, .cpus = 5, .tsc_deadline = true };
	static const uint32_t topology[] = { 0xb, 0x1f };
	size_t i;

	from->nent = entries;
	memcpy(from->entries, supported, sizeof(supported));
	cpuid_build(to, from, &policy);
	CHECK_EQ(leaf(to, 1, 0)->ebx, 0x04080800, "APIC id 4, eight ids for five CPUs");
	CHECK_EQ(leaf(to, 1, 0)->ecx, 0x81000001, "hypervisor and TSC deadline");
	CHECK_EQ(leaf(to, 1, 0)->edx, 0x10000001, "more than one CPU");
	CHECK_EQ(leaf(to, 4, 0)->eax, 7u << 26 | 0x121, "a core's own cache");
	CHECK_EQ(leaf(to, 4, 1)->eax, 7u << 26 | 7 << 14 | 0x163, "the package's cache");
	CHECK_EQ(leaf(to, 4, 2)->eax, 0xfc000000, "the end of the list is left alone");
	CHECK_EQ(leaf(to, 7, 0)->ebx, 0x1234, "other leaves are left alone");
	for (i = 0; i < ARRAY_SIZE(topology); i++) {
		CHECK_EQ(leaf(to, topology[i], 0)->eax, 0, "one thread in a core");
		CHECK_EQ(leaf(to, topology[i], 0)->ecx, 1 << 8, "level of threads");
		CHECK_EQ(leaf(to, topology[i], 1)->eax, 3, "three bits of cores");
		CHECK_EQ(leaf(to, topology[i], 1)->ebx, 5, "five cores");
		CHECK_EQ(leaf(to, topology[i], 1)->ecx, 1 | 2 << 8, "level of cores");
		CHECK_EQ(leaf(to, topology[i], 1)->edx, 4, "x2APIC id");
		CHECK_EQ(leaf(to, topology[i], 2)->ecx, 2, "the end of the list");
	}

	policy = (struct cpuid_policy){ .apic_id = 300, .cpus = 301 };
	cpuid_build(to, from, &policy);
	CHECK_EQ(leaf(to, 1, 0)->ebx, 0x2cff0800, "low byte of the id; 512 ids saturate");
	CHECK_EQ(leaf(to, 4, 0)->eax, 63u << 26 | 0x121, "cores saturate");
	CHECK_EQ(leaf(to, 4, 1)->eax, 63u << 26 | 511 << 14 | 0x163, "the package's cache");
	CHECK_EQ(leaf(to, 0xb, 1)->eax, 9, "nine bits of cores");
	CHECK_EQ(leaf(to, 0xb, 1)->ebx, 301, "301 cores");
	CHECK_EQ(leaf(to, 0xb, 0)->edx, 300, "x2APIC id");

	policy = (struct cpuid_policy){ .apic_id = 0, .cpus = 1 };
	from->entries[0].eax = 0xa;
	cpuid_build(to, from, &policy);
	CHECK_EQ(leaf(to, 1, 0)->ebx, 0x00010800, "one CPU");
	CHECK_EQ(leaf(to, 1, 0)->ecx, 0x80000001, "no TSC deadline");
	CHECK_EQ(leaf(to, 1, 0)->edx, 0x1, "no threads");
	CHECK_EQ(to->nent, entries - 3, "no topology leaves beyond the highest leaf");
	free(from);
	free(to);
}

#define STATS_NAME	16
#define STATS_COUNTERS	3
#define STATS_DESC_AT	sizeof(struct kvm_stats_header)
#define STATS_STEP	(sizeof(struct kvm_stats_desc) + STATS_NAME)
#define STATS_DATA_AT	(STATS_DESC_AT + STATS_COUNTERS * STATS_STEP)
#define STATS_SIZE	(STATS_DATA_AT + (STATS_COUNTERS + 3) * sizeof(uint64_t))

static void make_stats(uint8_t *data)
{
	static const char *const names[] = { "exits_cpuid", "halt_exits", "wait_hist" };
	struct kvm_stats_header *h = (struct kvm_stats_header *)data;
	unsigned int i;

	memset(data, 0, STATS_SIZE);
	h->name_size = STATS_NAME;
	h->num_desc = STATS_COUNTERS;
	h->desc_offset = STATS_DESC_AT;
	h->data_offset = STATS_DATA_AT;
	for (i = 0; i < STATS_COUNTERS; i++) {
		struct kvm_stats_desc *d = (void *)(data + STATS_DESC_AT + i * STATS_STEP);

		d->size = i == 2 ? 4 : 1;
		d->flags = i == 2 ? KVM_STATS_TYPE_LOG_HIST : KVM_STATS_TYPE_CUMULATIVE;
		d->offset = i * sizeof(uint64_t);
		strcpy((char *)(d + 1), names[i]);
	}
	for (i = 0; i < STATS_COUNTERS + 3; i++)
		((uint64_t *)(data + STATS_DATA_AT))[i] = 10 + i;
}

void test_stats(void)
{
	uint8_t data[STATS_SIZE] __attribute__((aligned(8)));
	struct stats_table table = { 0 };

	make_stats(data);
	CHECK_EQ(stats_add(&table, data, sizeof(data)), 0, "one vCPU");
	CHECK_EQ(stats_add(&table, data, sizeof(data)), 0, "another one");
	CHECK_EQ(table.count, 3, "rows");
	CHECK(!strcmp(table.row[0].name, "exits_cpuid"), "%s", table.row[0].name);
	CHECK_EQ(table.row[0].total, 20, "the sum of two vCPUs");
	CHECK_EQ(table.row[1].total, 22, "the sum of two vCPUs");
	CHECK_EQ(table.row[2].total, 2 * (12 + 13 + 14 + 15), "samples of a histogram");
	CHECK(table.row[2].histogram && !table.row[0].histogram, "kinds");
	stats_free(&table);
	CHECK(stats_is_exit("exits_cpuid") && stats_is_exit("halt_exits") && stats_is_exit("exits"),
	      "exits");
	CHECK(!stats_is_exit("halt_wait_ns") && !stats_is_exit("exit") && !stats_is_exit(""),
	      "no exits");
}

void test_stats_hostile(void)
{
	uint8_t good[STATS_SIZE] __attribute__((aligned(8))), *bytes;
	unsigned int round, i, accepted = 0, rounds = 20000;
	struct stats_table table = { 0 };
	size_t len;

	make_stats(good);
	for (len = 0; len < sizeof(good); len++) {
		bytes = malloc(len ? len : 1);
		memcpy(bytes, good, len);
		CHECK(stats_add(&table, bytes, len) < 0, "%zu bytes accepted", len);
		free(bytes);
	}
	bytes = malloc(sizeof(good));
	for (round = 0; round < rounds; round++) {
		memcpy(bytes, good, sizeof(good));
		for (i = test_random() % 4; i-- > 0;)
			bytes[test_random() % STATS_DATA_AT] = test_random();
		accepted += stats_add(&table, bytes, sizeof(good)) == 0;
		stats_free(&table);
	}
	CHECK(accepted > 0 && accepted < rounds, "%u of %u accepted", accepted, rounds);
	free(bytes);
}
