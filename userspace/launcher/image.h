/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Kernel images. image_parse() looks at the bytes of a file and says where its parts belong, where
 * the guest starts and what the boot protocol allows; it trusts no field. image_load() puts the
 * parts into guest memory.
 */
#ifndef LINTEL_IMAGE_H
#define LINTEL_IMAGE_H

#include "memory.h"

#include <asm/bootparam.h>
#include <stdbool.h>

/* Where a kernel may lie at the lowest: below is the BIOS area and what boot.c places. */
#define IMAGE_LOWEST		0x100000ULL
#define IMAGE_PARTS		16

struct file_data {
	uint8_t *bytes;
	uint64_t size;
};

struct image_part {
	uint64_t offset;	/* in the file */
	uint64_t size;		/* bytes to copy */
	uint64_t room;		/* bytes it takes in memory, >= size */
	gpa_t to;
};

struct image {
	const char *format;
	gpa_t entry;
	bool entry32;		/* entered in 32-bit mode, else in 64-bit mode */
	gpa_t start, end;	/* memory the kernel needs before it knows the memory map */
	uint32_t cmdline_max;	/* longest command line, without its NUL */
	gpa_t initrd_last;	/* highest address for a byte of the initrd */
	struct setup_header header;
	unsigned int count;
	struct image_part part[IMAGE_PARTS];
};

int file_read(const char *path, struct file_data *file);
void file_free(struct file_data *file);

/* @name is the file's, for the sentence of a failure. */
int image_parse(const char *name, const struct file_data *file, struct image *image);
int image_load(const char *name, const struct file_data *file, const struct image *image,
	       const struct memory *mem);

/* The two formats; called by image_parse(). */
int bzimage_parse(const char *name, const struct file_data *file, struct image *image);
int elf_parse(const char *name, const struct file_data *file, struct image *image);

#endif
