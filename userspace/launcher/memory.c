// SPDX-License-Identifier: GPL-2.0-only
/*
 * The mapping is made without reserving swap: a guest may be given as much as the host has, and
 * pages that it never touches cost nothing. More than the host has is refused, for it would only
 * end in the out-of-memory killer.
 */
#include "memory.h"

#include "../lib/error.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>

uint64_t memory_host_total(void)
{
	struct sysinfo info;

	if (sysinfo(&info) < 0)
		return UINT64_MAX;
	return (uint64_t)info.totalram * info.mem_unit;
}

void memory_layout(struct memory *mem, uint64_t size)
{
	uint64_t low = size < MEMORY_LOW_MAX ? size : MEMORY_LOW_MAX;

	memset(mem, 0, sizeof(*mem));
	mem->size = size;
	mem->count = 1;
	mem->piece[0].size = low;
	if (size > low) {
		mem->count = 2;
		mem->piece[1].start = MEMORY_HIGH_START;
		mem->piece[1].size = size - low;
		mem->piece[1].offset = low;
	}
}

/*
 * Anonymous memory at a multiple of MEMORY_ALIGN: a huge page of the host's is one for the guest
 * only if the guest's address is a multiple of its size, too. NULL, with errno, if there is none.
 */
static uint8_t *map_aligned(uint64_t size)
{
	uint64_t room = size + MEMORY_ALIGN, before;
	uint8_t *map = mmap(NULL, room, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (map == MAP_FAILED)
		return NULL;
	before = -(uintptr_t)map % MEMORY_ALIGN;
	if (before)
		munmap(map, before);
	munmap(map + before + size, MEMORY_ALIGN - before);
	return map + before;
}

int memory_create(struct memory *mem, uint64_t size, uint64_t host_total)
{
	uint8_t *base;

	if (size < MEMORY_MIN || size > MEMORY_MAX)
		return error_set(-EINVAL, "--mem: %llu MiB is out of range; a guest has %llu MiB "
					  "to "
				 "%llu GiB", (unsigned long long)(size / MEMORY_MIB),
				 MEMORY_MIN / MEMORY_MIB, MEMORY_MAX / MEMORY_GIB);
	if (size > host_total)
		return error_set(-ENOMEM, "--mem: %llu MiB is more than this machine has (%llu "
					  "MiB)",
				 (unsigned long long)(size / MEMORY_MIB),
				 (unsigned long long)(host_total / MEMORY_MIB));
	memory_layout(mem, size);
	base = map_aligned(size);
	if (!base)
		return error_errno(-errno, "--mem: cannot map %llu MiB for the guest",
				   (unsigned long long)(size / MEMORY_MIB));
	/* Fewer page faults where the host has huge pages to give; without them it runs as well. */
	madvise(base, size, MADV_HUGEPAGE);
	mem->base = base;
	return 0;
}

void memory_destroy(struct memory *mem)
{
	if (mem->base)
		munmap(mem->base, mem->size);
	memset(mem, 0, sizeof(*mem));
}

void *memory_at(const struct memory *mem, gpa_t gpa, uint64_t len)
{
	unsigned int i;

	for (i = 0; i < mem->count; i++) {
		const struct memory_piece *piece = &mem->piece[i];

		/* Differences only, never a sum: gpa + len may wrap. */
		if (gpa < piece->start || gpa - piece->start >= piece->size)
			continue;
		if (len > piece->size - (gpa - piece->start))
			return NULL;
		return mem->base + piece->offset + (gpa - piece->start);
	}
	return NULL;
}

gpa_t memory_low_end(const struct memory *mem)
{
	return mem->piece[0].size;
}

int memory_write(const struct memory *mem, gpa_t gpa, const void *data, uint64_t len,
		 const char *what)
{
	void *to = memory_at(mem, gpa, len);

	if (!to)
		return error_set(-EFAULT, "%s: %llu bytes at %#llx do not fit into %llu MiB of "
					  "guest "
				 "memory; give more with --mem", what, (unsigned long long)len,
				 (unsigned long long)gpa,
				 (unsigned long long)(mem->size / MEMORY_MIB));
	memcpy(to, data, len);
	return 0;
}
