// SPDX-License-Identifier: GPL-2.0-only
/* The error sentence, and the accessor that is the only way to guest memory. */
#include "test.h"

#include "../launcher/memory.h"
#include "../lib/error.h"

#include <errno.h>
#include <string.h>

void test_error(void)
{
	char big[4096];

	CHECK_EQ(error_set(-EINVAL, "one %d", 1), (unsigned long long)-EINVAL, "error_set");
	CHECK(!strcmp(error_text(), "one 1"), "%s", error_text());
	error_set(-EIO, "two: %s", error_text());
	CHECK(!strcmp(error_text(), "two: one 1"), "%s", error_text());
	error_errno(-ENOENT, "file (%s)", error_text());
	CHECK(!strcmp(error_text(), "file (two: one 1): No such file or directory"), "%s",
	      error_text());
	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	error_errno(-ENOENT, "%s", big);
	CHECK(strlen(error_text()) < 1024, "%zu characters", strlen(error_text()));
	CHECK(strstr(error_text(), ": No such file"), "the cause must survive a long name");
}

/* An address in guest memory, and where in the mapping it must be found; -1: nowhere. */
static const struct {
	const char *name;
	uint64_t size, gpa, len;
	int64_t offset;
} rows[] = {
	{ "first byte", 64 * MEMORY_MIB, 0, 1, 0 },
	{ "all of it", 64 * MEMORY_MIB, 0, 64 * MEMORY_MIB, 0 },
	{ "one byte more", 64 * MEMORY_MIB, 0, 64 * MEMORY_MIB + 1, -1 },
	{ "last byte", 64 * MEMORY_MIB, 64 * MEMORY_MIB - 1, 1, 64 * MEMORY_MIB - 1 },
	{ "over the end", 64 * MEMORY_MIB, 64 * MEMORY_MIB - 1, 2, -1 },
	{ "behind the end", 64 * MEMORY_MIB, 64 * MEMORY_MIB, 1, -1 },
	{ "nothing, behind the end", 64 * MEMORY_MIB, 64 * MEMORY_MIB, 0, -1 },
	{ "length that wraps", 64 * MEMORY_MIB, 4096, UINT64_MAX, -1 },
	{ "address that wraps", 64 * MEMORY_MIB, UINT64_MAX, 2, -1 },
	{ "end of the low piece", 4 * MEMORY_GIB, MEMORY_LOW_MAX - 1, 1, MEMORY_LOW_MAX - 1 },
	{ "into the gap", 4 * MEMORY_GIB, MEMORY_LOW_MAX - 1, 2, -1 },
	{ "in the gap", 4 * MEMORY_GIB, MEMORY_LOW_MAX, 1, -1 },
	{ "end of the gap", 4 * MEMORY_GIB, MEMORY_HIGH_START - 1, 1, -1 },
	{ "high piece", 4 * MEMORY_GIB, MEMORY_HIGH_START, 1, MEMORY_LOW_MAX },
	{ "all of the high piece", 4 * MEMORY_GIB, MEMORY_HIGH_START, MEMORY_GIB, MEMORY_LOW_MAX },
	{ "over the high piece", 4 * MEMORY_GIB, MEMORY_HIGH_START, MEMORY_GIB + 1, -1 },
	{ "no high piece", MEMORY_LOW_MAX, MEMORY_HIGH_START, 1, -1 },
};

void test_memory(void)
{
	unsigned long long error;
	struct memory mem;
	uint8_t byte = 0x5a;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		uint8_t *at;

		memory_layout(&mem, rows[i].size);
		/* Never dereferenced: only the distance counts. */
		mem.base = (uint8_t *)0x10000;
		at = memory_at(&mem, rows[i].gpa, rows[i].len);
		CHECK_EQ(at ? at - mem.base : -1, rows[i].offset, rows[i].name);
	}

	error = -EINVAL;
	CHECK_EQ(memory_create(&mem, MEMORY_MIN - 1, UINT64_MAX), error, "small");
	CHECK_EQ(memory_create(&mem, MEMORY_MAX + 1, UINT64_MAX), error, "large");
	CHECK_EQ(memory_create(&mem, 512 * MEMORY_MIB, 256 * MEMORY_MIB),
		 (unsigned long long)-ENOMEM, "more than the host");
	CHECK_SENTENCE("512 MiB", "both figures");
	CHECK_SENTENCE("256 MiB", "both figures");

	CHECK_EQ(memory_create(&mem, MEMORY_MIN, UINT64_MAX), 0, "create");
	CHECK_EQ((uintptr_t)mem.base % MEMORY_ALIGN, 0, "huge pages fit");
	CHECK_EQ(memory_write(&mem, MEMORY_MIN - 1, &byte, 1, "byte"), 0, "write");
	CHECK_EQ(*(uint8_t *)memory_at(&mem, MEMORY_MIN - 1, 1), byte, "read back");
	CHECK_EQ(memory_write(&mem, MEMORY_MIN, &byte, 1, "the file"), (unsigned long long)-EFAULT,
		 "write outside");
	CHECK_SENTENCE("the file", "names the file");
	memory_destroy(&mem);
	CHECK(!memory_at(&mem, 0, 1), "no memory after the end");
}
