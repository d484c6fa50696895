// SPDX-License-Identifier: GPL-2.0-only
/*
 * Binary statistics, read anew each time: header, then descriptors until the name is found, then
 * the value; a histogram is the sum of its buckets. Slow, and without state.
 */
#include "stats.h"

#include "vm.h"

long stat_of(int fd, const char *name)
{
	struct kvm_stats_header head;
	struct {
		struct kvm_stats_desc desc;
		char name[128];
	} d;
	u64 value[64], sum = 0;

	REQUIRE_EQ(pread(fd, &head, sizeof(head), 0), sizeof(head));
	REQUIRE(head.name_size <= sizeof(d.name), "names of %u bytes", head.name_size);
	for (u32 i = 0; i < head.num_desc; i++) {
		size_t size = sizeof(d.desc) + head.name_size;

		REQUIRE_EQ(pread(fd, &d, size, head.desc_offset + i * size), size);
		if (strcmp(d.desc.name, name))
			continue;
		REQUIRE(d.desc.size <= ARRAY_SIZE(value), "%u values", d.desc.size);
		size = d.desc.size * sizeof(u64);
		REQUIRE_EQ(pread(fd, value, size, head.data_offset + d.desc.offset), size);
		for (u32 j = 0; j < d.desc.size; j++)
			sum += value[j];
		return sum;
	}
	return -1;
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
