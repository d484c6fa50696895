// SPDX-License-Identifier: GPL-2.0-only
/*
 * Lays out the guest's first MiB and the initrd. A kernel that is entered in 64-bit mode needs page
 * tables that map it, its parameters and its command line one to one: 2 MiB pages over the first
 * 4 GiB do. One that is entered in 32-bit mode starts without paging. Everything is written through
 * the checked accessors of memory.h.
 */
#include "boot.h"

#include "../lib/error.h"

#include <errno.h>
#include <string.h>

#define PAGE			4096ULL
#define PTE_PRESENT		(1ULL << 0)
#define PTE_WRITE		(1ULL << 1)
#define PTE_LARGE		(1ULL << 7)
#define ENTRIES			512
#define LARGE_PAGE		(2 * MEMORY_MIB)
#define DIRECTORIES		4	/* of 1 GiB each */

/* Flat segments, of code for either mode and of data: present, accessed, 4 KiB granularity. */
#define GDT_CODE64		0x00af9b000000ffffULL
#define GDT_CODE32		0x00cf9b000000ffffULL
#define GDT_DATA		0x00cf93000000ffffULL

/* "No assigned number" in the boot protocol's list of loaders. */
#define LOADER_UNDEFINED	0xff

unsigned int boot_e820(const struct memory *mem, struct boot_e820_entry *table, unsigned int max)
{
	const struct boot_e820_entry map[] = {
		{ 0, BOOT_EBDA, 1 },
		{ BOOT_EBDA, 0xa0000 - BOOT_EBDA, 2 },
		{ BOOT_ACPI, BOOT_ACPI_END - BOOT_ACPI, 2 },
		{ IMAGE_LOWEST, memory_low_end(mem) - IMAGE_LOWEST, 1 },
		{ BOOT_IDENTITY_MAP, BOOT_DEVICE_PAGES_END - BOOT_IDENTITY_MAP, 2 },
	};
	unsigned int i, count = sizeof(map) / sizeof(map[0]);

	if (max < count + mem->count - 1)
		return 0;
	memcpy(table, map, sizeof(map));
	for (i = 1; i < mem->count; i++)
		table[count++] = (struct boot_e820_entry){ mem->piece[i].start,
							   mem->piece[i].size, 1 };
	return count;
}

int boot_place_initrd(const char *name, uint64_t size, const struct image *image,
		      const struct memory *mem, gpa_t *where)
{
	gpa_t top = memory_low_end(mem);

	if (image->initrd_last < top - 1)
		top = image->initrd_last + 1;
	/* As high as possible, so that an unpacking kernel has all the room below. */
	top &= ~(PAGE - 1);
	if (size > top || ((top - size) & ~(PAGE - 1)) < image->end)
		return error_set(-ENOMEM, "%s: no room for the initrd's %llu bytes between the "
					  "kernel "
				 "(to %#llx) and %#llx; give more memory with --mem", name,
				 (unsigned long long)size, (unsigned long long)image->end,
				 (unsigned long long)top);
	*where = (top - size) & ~(PAGE - 1);
	return 0;
}

static int write_gdt(const struct image *image, const struct memory *mem)
{
	const uint64_t gdt[] = { 0, 0, image->entry32 ? GDT_CODE32 : GDT_CODE64, GDT_DATA };

	return memory_write(mem, BOOT_GDT, gdt, sizeof(gdt), "GDT");
}

static int write_page_tables(const struct memory *mem)
{
	uint64_t table[ENTRIES] = { 0 };
	unsigned int i, d;
	int ret;

	table[0] = (BOOT_PML4 + PAGE) | PTE_PRESENT | PTE_WRITE;
	ret = memory_write(mem, BOOT_PML4, table, sizeof(table), "page tables");
	if (ret < 0)
		return ret;
	for (d = 0; d < DIRECTORIES; d++)
		table[d] = (BOOT_PML4 + (2 + d) * PAGE) | PTE_PRESENT | PTE_WRITE;
	ret = memory_write(mem, BOOT_PML4 + PAGE, table, sizeof(table), "page tables");
	for (d = 0; d < DIRECTORIES && ret == 0; d++) {
		for (i = 0; i < ENTRIES; i++)
			table[i] = ((uint64_t)d * ENTRIES + i) * LARGE_PAGE |
				   PTE_PRESENT | PTE_WRITE | PTE_LARGE;
		ret = memory_write(mem, BOOT_PML4 + (2 + d) * PAGE, table, sizeof(table),
				   "page tables");
	}
	return ret;
}

static int write_initrd(const struct boot_input *input, const struct image *image,
			const struct memory *mem, struct boot_params *params)
{
	gpa_t where;
	int ret;

	if (!input->initrd_name)
		return 0;
	ret = boot_place_initrd(input->initrd_name, input->initrd->size, image, mem, &where);
	if (ret < 0)
		return ret;
	params->hdr.ramdisk_image = where;
	params->hdr.ramdisk_size = input->initrd->size;
	return memory_write(mem, where, input->initrd->bytes, input->initrd->size,
			    input->initrd_name);
}

int boot_write(const char *name, const struct image *image, const struct boot_input *input,
	       const struct memory *mem)
{
	struct boot_params params = { 0 };
	size_t len = strlen(input->cmdline);
	int ret;

	/* What lies between BOOT_CMDLINE and the EBDA bounds it whatever a header says. */
	if (len > image->cmdline_max || len >= BOOT_EBDA - BOOT_CMDLINE)
		return error_set(-E2BIG, "--append: %zu characters; %s takes %u at most", len, name,
				 image->cmdline_max);
	params.hdr = image->header;
	params.hdr.type_of_loader = LOADER_UNDEFINED;
	params.hdr.cmd_line_ptr = BOOT_CMDLINE;
	params.hdr.setup_data = 0;
	params.acpi_rsdp_addr = input->rsdp;
	params.e820_entries = boot_e820(mem, params.e820_table, E820_MAX_ENTRIES_ZEROPAGE);
	ret = write_initrd(input, image, mem, &params);
	if (ret == 0)
		ret = memory_write(mem, BOOT_CMDLINE, input->cmdline, len + 1, "--append");
	if (ret == 0)
		ret = memory_write(mem, BOOT_PARAMS, &params, sizeof(params), "boot parameters");
	if (ret == 0)
		ret = write_gdt(image, mem);
	if (ret == 0 && !image->entry32)
		ret = write_page_tables(mem);
	return ret;
}
