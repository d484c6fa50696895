/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the 64-bit Linux boot protocol demands in guest memory besides the kernel: boot parameters,
 * command line, initrd, memory map, ACPI tables, GDT and page tables.
 */
#ifndef LINTEL_BOOT_H
#define LINTEL_BOOT_H

#include "image.h"

/* The first MiB of the guest, as it is laid out before the kernel runs. */
#define BOOT_GDT		0x500ULL
#define BOOT_STACK		0x7000ULL	/* grows down */
#define BOOT_PARAMS		0x7000ULL	/* one page */
#define BOOT_PML4		0x9000ULL	/* then a PDPT and four page directories */
#define BOOT_CMDLINE		0x20000ULL
#define BOOT_EBDA		0x9fc00ULL
#define BOOT_ACPI		0xe0000ULL	/* up to 1 MiB */
#define BOOT_ACPI_END		0x100000ULL

/* The segments of the boot protocol: __BOOT_CS is entry 2 of the GDT, __BOOT_DS entry 3. */
#define BOOT_CS			0x10
#define BOOT_DS			0x18

/* Pages at the top of the 4 GiB that the device keeps for itself (KVM_SET_TSS_ADDR and so on). */
#define BOOT_IDENTITY_MAP	0xfffbc000ULL
#define BOOT_TSS		0xfffbd000ULL
#define BOOT_DEVICE_PAGES_END	0xfffc0000ULL

struct boot_input {
	const char *initrd_name;	/* NULL: none */
	const struct file_data *initrd;
	const char *cmdline;
	gpa_t rsdp;
};

/* Fills @table, which has @max entries, with @mem's map; returns how many it took. */
unsigned int boot_e820(const struct memory *mem, struct boot_e820_entry *table, unsigned int max);

/* The page-aligned address for @size bytes of initrd, or a negative errno with a sentence. */
int boot_place_initrd(const char *name, uint64_t size, const struct image *image,
		      const struct memory *mem, gpa_t *where);

/* Writes all of it into guest memory; @name is the kernel's file. */
int boot_write(const char *name, const struct image *image, const struct boot_input *input,
	       const struct memory *mem);

#endif
