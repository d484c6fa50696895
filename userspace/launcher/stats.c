// SPDX-License-Identifier: GPL-2.0-only
/*
 * Times from the first KVM_RUN on, in seconds and in ticks of the time stamp counter (which in the
 * emulated test machine is the count of instructions); exits to the launcher, by its own count;
 * exits and other counters by the device's count, read through KVM_GET_STATS_FD and summed over the
 * vCPUs; ports that no device claimed. A device without that interface has one section less.
 */
#include "stats.h"

#include "../lib/error.h"
#include "../lib/kvmapi.h"
#include "exits.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STATS_SIZE_MAX	(1 << 20)

static struct stats_row *find_row(struct stats_table *table, const char *name)
{
	struct stats_row *row;
	size_t i;

	for (i = 0; i < table->count; i++)
		if (!strcmp(table->row[i].name, name))
			return &table->row[i];
	row = realloc(table->row, (table->count + 1) * sizeof(*row));
	if (!row)
		return NULL;
	table->row = row;
	row += table->count++;
	memset(row, 0, sizeof(*row));
	strcpy(row->name, name);
	return row;
}

static int visit(const struct kvm_stats_header *header, const uint8_t *desc_at,
		 const uint8_t *data, size_t size, stats_fn *fn, void *arg)
{
	struct stats_values values;
	struct kvm_stats_desc desc;
	char name[STATS_NAME_MAX];
	uint64_t at;
	size_t len;

	memcpy(&desc, desc_at, sizeof(desc));
	len = header->name_size < sizeof(name) ? header->name_size : sizeof(name) - 1;
	memcpy(name, desc_at + sizeof(desc), len);
	name[len] = '\0';
	at = (uint64_t)header->data_offset + desc.offset;
	if (at > size || desc.size > (size - at) / sizeof(uint64_t))
		return error_set(-EPROTO, "statistics: counter \"%s\" lies outside the data", name);
	values.type = desc.flags & KVM_STATS_TYPE_MASK;
	values.count = desc.size;
	values.at = data + at;
	return fn(arg, name, &values);
}

int stats_walk(const uint8_t *data, size_t size, stats_fn *fn, void *arg)
{
	struct kvm_stats_header header;
	uint64_t at, step;
	uint32_t i;
	int ret;

	if (size < sizeof(header))
		return error_set(-EPROTO, "statistics: the header is truncated");
	memcpy(&header, data, sizeof(header));
	step = sizeof(struct kvm_stats_desc) + (uint64_t)header.name_size;
	at = header.desc_offset;
	if (at > size || header.num_desc > (size - at) / step)
		return error_set(-EPROTO, "statistics: the descriptors lie outside the data");
	for (i = 0; i < header.num_desc; i++, at += step) {
		ret = visit(&header, data + at, data, size, fn, arg);
		if (ret < 0)
			return ret;
	}
	return 0;
}

static int add_one(void *arg, const char *name, const struct stats_values *values)
{
	struct stats_row *row = find_row(arg, name);
	uint64_t value;
	uint32_t i;

	if (!row)
		return error_set(-ENOMEM, "no memory");
	row->histogram = values->type == KVM_STATS_TYPE_LINEAR_HIST ||
			 values->type == KVM_STATS_TYPE_LOG_HIST;
	for (i = 0; i < values->count; i++) {
		memcpy(&value, values->at + i * sizeof(value), sizeof(value));
		row->total += value;
	}
	return 0;
}

int stats_add(struct stats_table *table, const uint8_t *data, size_t size)
{
	return stats_walk(data, size, add_one, table);
}

void stats_free(struct stats_table *table)
{
	free(table->row);
	table->row = NULL;
	table->count = 0;
}

bool stats_is_exit(const char *name)
{
	static const char suffix[] = "exits";
	size_t len = strlen(name);

	return !strncmp(name, "exits_", 6) ||
	       (len >= sizeof(suffix) - 1 && !strcmp(name + len - sizeof(suffix) + 1, suffix));
}

static int add_from(struct stats_table *table, int owner)
{
	uint8_t *data;
	ssize_t n;
	int fd, ret;

	fd = kvmapi_get_stats_fd(owner);
	if (fd < 0)
		return fd;
	data = malloc(STATS_SIZE_MAX);
	if (!data) {
		ret = error_set(-ENOMEM, "no memory");
	} else {
		n = pread(fd, data, STATS_SIZE_MAX, 0);
		ret = n < 0 ? error_errno(-errno, "statistics") : stats_add(table, data, n);
	}
	free(data);
	close(fd);
	return ret;
}

static int by_total(const void *a, const void *b)
{
	const struct stats_row *x = a, *y = b;

	if (x->total != y->total)
		return x->total < y->total ? 1 : -1;
	return strcmp(x->name, y->name);
}

static void print_rows(const struct stats_table *table, bool exits, FILE *to)
{
	size_t i;

	for (i = 0; i < table->count; i++) {
		const struct stats_row *row = &table->row[i];

		/* how long each exit took is for `lintel top` */
		if (row->histogram && !strncmp(row->name, "latency_", 8))
			continue;
		if (row->total && stats_is_exit(row->name) == exits)
			fprintf(to, "    %-36s %14" PRIu64 "%s\n", row->name, row->total,
				row->histogram ? " samples" : "");
	}
}

static void print_device_counters(struct machine *machine, FILE *to)
{
	struct stats_table vcpu = { 0 }, vm = { 0 };
	unsigned int i;
	int ret = 0;

	if (kvmapi_check_extension(machine->dev, KVM_CAP_BINARY_STATS_FD) <= 0) {
		fprintf(to, "  counters of the device: it has none (KVM_CAP_BINARY_STATS_FD)\n");
		return;
	}
	for (i = 0; i < machine->vcpu_count && ret == 0; i++)
		ret = add_from(&vcpu, machine->vcpus[i].fd);
	if (ret == 0)
		ret = add_from(&vm, machine->vm);
	if (ret < 0)
		fprintf(to, "  counters of the device: %s\n", error_text());
	if (vcpu.count)
		qsort(vcpu.row, vcpu.count, sizeof(vcpu.row[0]), by_total);
	fprintf(to, "  exits by the device's count, all vCPUs:\n");
	print_rows(&vcpu, true, to);
	fprintf(to, "  other counters of the vCPUs:\n");
	print_rows(&vcpu, false, to);
	fprintf(to, "  counters of the VM:\n");
	print_rows(&vm, false, to);
	print_rows(&vm, true, to);
	stats_free(&vcpu);
	stats_free(&vm);
}

static void print_exits(const struct machine *machine, FILE *to)
{
	uint64_t total[EXIT_REASONS] = { 0 }, interrupted = 0;
	unsigned int i, r;

	for (i = 0; i < machine->vcpu_count; i++) {
		interrupted += machine->vcpus[i].interrupted;
		for (r = 0; r < EXIT_REASONS; r++)
			total[r] += machine->vcpus[i].exits[r];
	}
	fprintf(to, "  exits to the launcher:\n");
	for (r = 0; r < EXIT_REASONS; r++)
		if (total[r])
			fprintf(to, "    %-36s %14" PRIu64 "\n", exits_name(r), total[r]);
	if (interrupted)
		fprintf(to, "    %-36s %14" PRIu64 "\n", "interrupted by a signal", interrupted);
}

static void print_ports(const struct machine *machine, FILE *to)
{
	const struct devices *d = &machine->devices;
	unsigned int i;

	fprintf(to, "  accesses to devices of the launcher:\n");
	for (i = 0; i < PORT_RANGES; i++)
		if (d->claimed[i].reads || d->claimed[i].writes)
			fprintf(to, "    %-36s %14u read %14u written\n", devices_range_name(i),
				d->claimed[i].reads, d->claimed[i].writes);
	for (i = 0; i < PORTS; i++)
		if (d->unclaimed[i].reads || d->unclaimed[i].writes)
			fprintf(to, "    no device at port %#06x             %14u read %14u "
				    "written\n",
				i, d->unclaimed[i].reads, d->unclaimed[i].writes);
	if (machine->mmio_reads || machine->mmio_writes)
		fprintf(to, "    %-36s %14" PRIu64 " read %14" PRIu64 " written\n",
			"no device in memory space", machine->mmio_reads, machine->mmio_writes);
}

static void print_time(const char *what, const struct moment *from, const struct moment *to_moment,
		       FILE *to)
{
	double s = (to_moment->time.tv_sec - from->time.tv_sec) +
		   (to_moment->time.tv_nsec - from->time.tv_nsec) / 1e9;

	fprintf(to, "  %-38s %10.3f s %16" PRIu64 " TSC ticks\n", what, s,
		to_moment->ticks - from->ticks);
}

void stats_print(struct machine *machine, FILE *to)
{
	fprintf(to, "lintel: statistics, %u vCPU%s, %llu MiB, %s\n", machine->vcpu_count,
		machine->vcpu_count == 1 ? "" : "s",
		(unsigned long long)(machine->memory.size / MEMORY_MIB), machine->options->device);
	if (machine->marked.seen)
		print_time("from the first instruction to the mark", &machine->first_run,
			   &machine->marked, to);
	else if (machine->options->mark)
		fprintf(to, "  the mark \"%s\" was not seen\n", machine->options->mark);
	print_time("from the first instruction to the end", &machine->first_run,
		   &machine->end_time, to);
	print_exits(machine, to);
	print_device_counters(machine, to);
	print_ports(machine, to);
}
