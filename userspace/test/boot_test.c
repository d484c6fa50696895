// SPDX-License-Identifier: GPL-2.0-only
/* What is written into guest memory beside the kernel, read back as a kernel would read it. */
#include "test.h"

#include "../launcher/boot.h"
#include "../lib/error.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *name;
	uint64_t size;
	unsigned int count;
	uint64_t ram;		/* all usable bytes */
	uint64_t high;		/* usable bytes from 4 GiB on */
} e820_rows[] = {
	{ "64 MiB", 64 * MEMORY_MIB, 5, 63 * MEMORY_MIB + 0x9fc00, 0 },
	{ "3 GiB", 3 * MEMORY_GIB, 5, 3 * MEMORY_GIB - MEMORY_MIB + 0x9fc00, 0 },
	{ "3 GiB and a page", 3 * MEMORY_GIB + 4096, 6,
	  3 * MEMORY_GIB - MEMORY_MIB + 0x9fc00 + 4096, 4096 },
	{ "8 GiB", 8 * MEMORY_GIB, 6, 8 * MEMORY_GIB - MEMORY_MIB + 0x9fc00, 5 * MEMORY_GIB },
};

void test_e820(void)
{
	struct boot_e820_entry table[E820_MAX_ENTRIES_ZEROPAGE];
	struct memory mem;
	unsigned int count, j;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(e820_rows); i++) {
		uint64_t ram = 0, high = 0;

		memory_layout(&mem, e820_rows[i].size);
		mem.base = (uint8_t *)0x10000;	/* addresses only, as in memory_test.c */
		count = boot_e820(&mem, table, ARRAY_SIZE(table));
		CHECK_EQ(count, e820_rows[i].count, e820_rows[i].name);
		for (j = 0; j < count; j++) {
			/* Sorted, without overlap. */
			if (j)
				CHECK(table[j].addr >= table[j - 1].addr + table[j - 1].size,
				      "%s: row %u overlaps", e820_rows[i].name, j);
			if (table[j].type != 1)
				continue;
			ram += table[j].size;
			if (table[j].addr >= MEMORY_HIGH_START)
				high += table[j].size;
			CHECK(memory_at(&mem, table[j].addr, table[j].size), "%s: row %u is not "
									     "RAM",
			      e820_rows[i].name, j);
		}
		CHECK_EQ(ram, e820_rows[i].ram, e820_rows[i].name);
		CHECK_EQ(high, e820_rows[i].high, e820_rows[i].name);
	}
	CHECK_EQ(boot_e820(&mem, table, 5), 0, "a table too small");
}

static const struct {
	const char *name;
	uint64_t memory, size, last, kernel_end;
	int64_t where;		/* -1: no room */
} initrd_rows[] = {
	{ "top of memory", 64 * MEMORY_MIB, 4096, 0x7fffffff, 0x2000000, 0x3fff000 },
	{ "not a whole page", 64 * MEMORY_MIB, 1, 0x7fffffff, 0x2000000, 0x3fff000 },
	{ "page and a byte", 64 * MEMORY_MIB, 4097, 0x7fffffff, 0x2000000, 0x3ffe000 },
	{ "below the kernel's limit", 64 * MEMORY_MIB, 4096, 0x2ffffff, 0x2000000, 0x2fff000 },
	{ "odd limit", 64 * MEMORY_MIB, 4096, 0x2fffabc, 0x2000000, 0x2ffe000 },
	{ "limit at 4 GiB", 8 * MEMORY_GIB, 4096, 0xffffffff, 0x2000000, 0xbffff000 },
	{ "exactly fits", 64 * MEMORY_MIB, 0x2000000, 0x7fffffff, 0x2000000, 0x2000000 },
	{ "a byte too long", 64 * MEMORY_MIB, 0x2000001, 0x7fffffff, 0x2000000, -1 },
	{ "longer than memory", 64 * MEMORY_MIB, MEMORY_GIB, 0x7fffffff, 0x2000000, -1 },
	{ "size that wraps", 64 * MEMORY_MIB, UINT64_MAX, 0x7fffffff, 0x2000000, -1 },
	{ "limit below the kernel", 64 * MEMORY_MIB, 4096, 0x100000, 0x2000000, -1 },
	{ "limit of zero", 64 * MEMORY_MIB, 4096, 0, 0x2000000, -1 },
};

void test_initrd(void)
{
	struct image image = { 0 };
	struct memory mem;
	gpa_t where;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(initrd_rows); i++) {
		int ret;

		memory_layout(&mem, initrd_rows[i].memory);
		image.initrd_last = initrd_rows[i].last;
		image.end = initrd_rows[i].kernel_end;
		ret = boot_place_initrd("initrd", initrd_rows[i].size, &image, &mem, &where);
		CHECK_EQ(ret, initrd_rows[i].where < 0 ? (unsigned long long)-ENOMEM : 0,
			 initrd_rows[i].name);
		if (ret == 0)
			CHECK_EQ(where, initrd_rows[i].where, initrd_rows[i].name);
	}
}

/* Walks the page tables for @gpa; UINT64_MAX if it is not mapped. */
static uint64_t translate(const struct memory *mem, uint64_t gpa)
{
	uint64_t entry = BOOT_PML4;
	int shift;

	for (shift = 39; shift >= 21; shift -= 9) {
		uint64_t *table = memory_at(mem, entry & 0xffffffffff000ULL, 4096);

		entry = table[gpa >> shift & 511];
		if (!(entry & 1))
			return UINT64_MAX;
	}
	return (entry & 0xfffffffe00000ULL) | (gpa & 0x1fffff);
}

static void check_written(const struct memory *mem)
{
	const struct boot_params *p = memory_at(mem, BOOT_PARAMS, sizeof(*p));
	const uint64_t *gdt = memory_at(mem, BOOT_GDT, 32);

	CHECK_EQ(p->sentinel, 0, "the kernel takes another value for garbage");
	CHECK_EQ(p->hdr.type_of_loader, 0xff, "loader");
	CHECK_EQ(p->hdr.cmd_line_ptr, BOOT_CMDLINE, "command line");
	CHECK(!strcmp(memory_at(mem, BOOT_CMDLINE, 16), "quiet splash"), "command line");
	CHECK_EQ(p->hdr.ramdisk_size, 6, "initrd");
	CHECK(!memcmp(memory_at(mem, p->hdr.ramdisk_image, 6), "initrd", 6), "initrd");
	CHECK_EQ(p->acpi_rsdp_addr, 0xe0000, "RSDP");
	CHECK_EQ(p->e820_entries, 5, "memory map");
	CHECK_EQ(gdt[BOOT_CS / 8] >> 53 & 1, 1, "the code segment is of 64 bits");
	CHECK_EQ(gdt[BOOT_CS / 8] >> 43 & 1, 1, "the code segment is code");
	CHECK_EQ(gdt[BOOT_DS / 8] >> 40 & 0x1b, 0x13, "the data segment is writable data");
	CHECK_EQ(translate(mem, 0), 0, "identity map");
	CHECK_EQ(translate(mem, 0x1000200), 0x1000200, "identity map");
	CHECK_EQ(translate(mem, 0x7fffffff), 0x7fffffff, "identity map");
	CHECK_EQ(translate(mem, 0xffffffff), 0xffffffff, "identity map");
	CHECK_EQ(translate(mem, 0x100000000), UINT64_MAX, "identity map ends at 4 GiB");
}

void test_boot_write(void)
{
	struct file_data initrd = { (uint8_t *)"initrd", 6 };
	struct boot_input input = { .initrd_name = "initrd", .initrd = &initrd,
				    .cmdline = "quiet splash", .rsdp = 0xe0000 };
	struct image image = { .cmdline_max = 12, .initrd_last = 0x7fffffff, .end = 0x200000 };
	char *longest = malloc(BOOT_EBDA);
	struct memory mem;

	CHECK_EQ(memory_create(&mem, MEMORY_MIN, UINT64_MAX), 0, "create");
	CHECK_EQ(boot_write("k", &image, &input, &mem), 0, error_text());
	check_written(&mem);
	image.entry32 = true;
	CHECK_EQ(boot_write("k", &image, &input, &mem), 0, error_text());
	CHECK_EQ(*(uint64_t *)memory_at(&mem, BOOT_GDT + BOOT_CS, 8), 0x00cf9b000000ffff,
		 "the code segment is of 32 bits");
	image.cmdline_max = 11;
	CHECK_EQ(boot_write("k", &image, &input, &mem), (unsigned long long)-E2BIG, "long line");
	CHECK_SENTENCE("11 at most", "the limit is named");
	/* A header may promise more than there is room for. */
	image.cmdline_max = UINT32_MAX;
	memset(longest, 'x', BOOT_EBDA - 1);
	longest[BOOT_EBDA - 1] = '\0';
	input.cmdline = longest;
	CHECK_EQ(boot_write("k", &image, &input, &mem), (unsigned long long)-E2BIG, "into the "
										    "EBDA");
	memory_destroy(&mem);
	free(longest);
}
