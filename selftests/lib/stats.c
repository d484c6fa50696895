// SPDX-License-Identifier: GPL-2.0-only
/*
 * Binary statistics, read anew each time: header, then descriptors until the name is found, then
 * the value; a histogram is the sum of its buckets. Slow, and without state.
 */
#include "stats.h"

#include <stdbool.h>

#include "vm.h"

struct descriptor {
	struct kvm_stats_desc desc;
	char name[128];
};

/* Number @i of those in the file; false behind the last. */
static bool descriptor_read(int fd, u32 i, struct descriptor *d, struct kvm_stats_header *head)
{
	size_t size;

	REQUIRE_EQ(pread(fd, head, sizeof(*head), 0), sizeof(*head));
	REQUIRE(head->name_size <= sizeof(d->name), "names of %u bytes", head->name_size);
	if (i >= head->num_desc)
		return false;
	size = sizeof(d->desc) + head->name_size;
	REQUIRE_EQ(pread(fd, d, size, head->desc_offset + i * size), size);
	return true;
}

static long descriptor_value(int fd, const struct descriptor *d, const struct kvm_stats_header *head)
{
	u64 value[64], sum = 0;
	size_t size = d->desc.size * sizeof(u64);

	REQUIRE(d->desc.size <= ARRAY_SIZE(value), "%u values", d->desc.size);
	REQUIRE_EQ(pread(fd, value, size, head->data_offset + d->desc.offset), size);
	for (u32 i = 0; i < d->desc.size; i++)
		sum += value[i];
	return sum;
}

long stat_of(int fd, const char *name)
{
	struct kvm_stats_header head;
	struct descriptor d;

	for (u32 i = 0; descriptor_read(fd, i, &d, &head); i++)
		if (!strcmp(d.desc.name, name))
			return descriptor_value(fd, &d, &head);
	return -1;
}

void stats_note(int fd)
{
	int stats = REQUIRE_OK(ioctl(fd, KVM_GET_STATS_FD, NULL));
	struct kvm_stats_header head;
	struct descriptor d;
	long value;

	for (u32 i = 0; descriptor_read(stats, i, &d, &head); i++) {
		value = descriptor_value(stats, &d, &head);
		if (value)
			ktap_note("%s %ld", d.desc.name, value);
	}
	close(stats);
}

long stat_read(int fd, const char *name)
{
	int stats = ioctl(fd, KVM_GET_STATS_FD, NULL);
	long value;

	if (stats < 0)
		return -1;
	value = stat_of(stats, name);
	close(stats);
	return value;
}

u64 stat_require(int fd, const char *name)
{
	long value = stat_read(fd, name);

	if (value < 0)
		SKIP("no counter \"%s\"", name);
	return value;
}
