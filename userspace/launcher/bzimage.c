// SPDX-License-Identifier: GPL-2.0-only
/*
 * The bzImage: a setup header inside real-mode code that we skip, then the protected-mode part,
 * which is loaded at its preferred address. A 64-bit kernel is entered 0x200 bytes into it in
 * 64-bit mode, a 32-bit one at its first byte in 32-bit mode (the kernel's
 * Documentation/arch/x86/boot.rst, "64-bit Boot Protocol" and "32-bit Boot Protocol").
 */
#include "image.h"

#include "../lib/error.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#define HEADER_AT		0x1f1	/* of struct setup_header in the file */
#define HEADER_SIZE_AT		0x201	/* its end is 0x202 plus this byte */
#define MAGIC_AT		0x202
#define MAGIC			0x53726448	/* "HdrS" */
#define BOOT_FLAG		0xaa55
#define SECTOR			512
#define ENTRY_64		0x200
/* Protocol 2.12 introduced xloadflags, which say whether there is a 64-bit entry. */
#define VERSION_MIN		0x20c

static int read_header(const char *name, const struct file_data *file, struct setup_header *header)
{
	uint64_t end;
	uint32_t magic;

	if (file->size < MAGIC_AT + sizeof(magic))
		return error_set(-ENOEXEC, "%s: not a Linux kernel image (%llu bytes long)", name,
				 (unsigned long long)file->size);
	memcpy(&magic, file->bytes + MAGIC_AT, sizeof(magic));
	if (magic != MAGIC)
		return error_set(-ENOEXEC, "%s: not a Linux kernel image (no \"HdrS\" at "
					   "%#x)", name,
				 MAGIC_AT);
	end = MAGIC_AT + file->bytes[HEADER_SIZE_AT];
	if (end > HEADER_AT + sizeof(*header))
		end = HEADER_AT + sizeof(*header);
	if (end < HEADER_AT + offsetof(struct setup_header, handover_offset))
		return error_set(-ENOEXEC, "%s: a kernel image whose setup header ends at %#llx, "
				 "too early to tell how it is entered", name,
				 (unsigned long long)end);
	if (file->size < end)
		return error_set(-ENOEXEC, "%s: truncated: ends within the setup header (%llu "
					   "bytes)",
				 name, (unsigned long long)file->size);
	memcpy(header, file->bytes + HEADER_AT, end - HEADER_AT);
	if (header->boot_flag != BOOT_FLAG)
		return error_set(-ENOEXEC, "%s: not a Linux kernel image (boot flag %#x instead of "
				 "%#x)", name, header->boot_flag, BOOT_FLAG);
	return 0;
}

static int check_protocol(const char *name, const struct setup_header *header)
{
	if (header->version < VERSION_MIN)
		return error_set(-ENOEXEC, "%s: boot protocol %u.%02u; 2.12 (Linux 3.8) or later "
				 "is needed", name, header->version >> 8,
				 header->version & 0xff);
	if (!(header->loadflags & LOADED_HIGH))
		return error_set(-ENOEXEC, "%s: a zImage; only a bzImage can be booted", name);
	if (header->pref_address < IMAGE_LOWEST)
		return error_set(-ENOEXEC, "%s: asks to be loaded at %#llx, below 1 MiB", name,
				 (unsigned long long)header->pref_address);
	return 0;
}

int bzimage_parse(const char *name, const struct file_data *file, struct image *image)
{
	struct setup_header *header = &image->header;
	uint64_t setup, payload, room;
	int ret;

	ret = read_header(name, file, header);
	if (ret < 0)
		return ret;
	ret = check_protocol(name, header);
	if (ret < 0)
		return ret;
	/* Zero sectors mean four, for historical reasons; one more is the boot sector. */
	setup = ((header->setup_sects ? header->setup_sects : 4) + 1) * SECTOR;
	payload = (uint64_t)header->syssize * 16;
	if (payload <= ENTRY_64)
		return error_set(-ENOEXEC, "%s: a kernel image without a kernel (%llu bytes of it)",
				 name, (unsigned long long)payload);
	if (file->size < setup || file->size - setup < payload)
		return error_set(-ENOEXEC, "%s: truncated: %llu bytes long, its header tells of "
					   "%llu",
				 name, (unsigned long long)file->size,
				 (unsigned long long)(setup + payload));
	room = header->init_size > payload ? header->init_size : payload;
	if (header->pref_address > UINT64_MAX - room)
		return error_set(-ENOEXEC, "%s: asks to be loaded at %#llx, beyond the end of the "
				 "address space", name, (unsigned long long)header->pref_address);

	image->format = "bzImage";
	image->start = header->pref_address;
	image->end = image->start + room;
	image->entry32 = !(header->xloadflags & XLF_KERNEL_64);
	image->entry = image->start + (image->entry32 ? 0 : ENTRY_64);
	image->cmdline_max = header->cmdline_size;
	image->initrd_last = header->initrd_addr_max;
	image->count = 1;
	image->part[0] = (struct image_part){
		.offset = setup, .size = payload, .room = room, .to = image->start,
	};
	return 0;
}
