// SPDX-License-Identifier: GPL-2.0-only
/*
 * libFuzzer target: a kernel image, from its first byte to the guest's memory. The input is the
 * file; its last bytes are the initrd and the length of the command line as well.
 */
#include <stdlib.h>
#include <string.h>

#include "../../userspace/launcher/boot.h"

#define GUEST_BYTES	(32 * MEMORY_MIB)

static void must(int condition)
{
	if (!condition)
		abort();
}

static void check_parts(const struct file_data *file, const struct image *image)
{
	must(image->count >= 1 && image->count <= IMAGE_PARTS);
	must(image->start >= IMAGE_LOWEST && image->start <= image->end);
	must(image->entry >= image->start && image->entry < image->end);
	for (unsigned int i = 0; i < image->count; i++) {
		const struct image_part *part = &image->part[i];

		must(part->offset <= file->size && part->size <= file->size - part->offset);
		must(part->size <= part->room);
		must(part->to >= image->start && part->room <= image->end - part->to);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char cmdline[4096];
	static struct memory mem;
	struct file_data file = { .size = size }, initrd;
	struct boot_input input = { .cmdline = cmdline, .initrd_name = "initrd" };
	struct image image;

	if (!mem.base && memory_create(&mem, GUEST_BYTES, GUEST_BYTES))
		return 0;
	/* of exactly its size, so that a byte too many is seen */
	file.bytes = malloc(size ? size : 1);
	memcpy(file.bytes, data, size);
	initrd = file;
	input.initrd = &initrd;
	memset(cmdline, 'x', sizeof(cmdline) - 1);
	if (size)
		cmdline[data[size - 1] * 16] = '\0';
	if (size && !(data[size - 1] & 1))
		input.initrd_name = NULL;
	if (!image_parse("file", &file, &image)) {
		check_parts(&file, &image);
		if (!image_load("file", &file, &image, &mem))
			boot_write("file", &image, &input, &mem);
	}
	free(file.bytes);
	return 0;
}
