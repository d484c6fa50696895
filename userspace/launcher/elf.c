// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ELF vmlinux: its loadable segments go to their physical addresses, and its entry point is the
 * kernel's 64-bit start, which expects what the bzImage's 64-bit entry expects. There is no setup
 * header in it, so one with the values of every present-day kernel is made up.
 */
#include "image.h"

#include "../lib/error.h"

#include <elf.h>
#include <errno.h>
#include <string.h>

/* Of a kernel without a header to say so: COMMAND_LINE_SIZE less the NUL, and 2 GiB less one. */
#define CMDLINE_MAX		2047
#define INITRD_LAST		0x7fffffff
#define PROTOCOL_VERSION	0x20f

static int check_ident(const char *name, const struct file_data *file, Elf64_Ehdr *ehdr)
{
	if (file->size < sizeof(*ehdr))
		return error_set(-ENOEXEC, "%s: truncated: ends within the ELF header (%llu bytes)",
				 name, (unsigned long long)file->size);
	memcpy(ehdr, file->bytes, sizeof(*ehdr));
	if (ehdr->e_ident[EI_CLASS] != ELFCLASS64 || ehdr->e_ident[EI_DATA] != ELFDATA2LSB ||
	    ehdr->e_machine != EM_X86_64)
		return error_set(-ENOEXEC, "%s: an ELF file, but not for x86-64", name);
	if (ehdr->e_type != ET_EXEC && ehdr->e_type != ET_DYN)
		return error_set(-ENOEXEC, "%s: an ELF file of type %u, not an executable", name,
				 ehdr->e_type);
	if (ehdr->e_phentsize != sizeof(Elf64_Phdr) || ehdr->e_phnum == 0)
		return error_set(-ENOEXEC, "%s: an ELF file without program headers", name);
	if (ehdr->e_phoff > file->size ||
	    (file->size - ehdr->e_phoff) / sizeof(Elf64_Phdr) < ehdr->e_phnum)
		return error_set(-ENOEXEC, "%s: truncated: the ELF program headers lie beyond its "
					   "end",
				 name);
	return 0;
}

static int check_segment(const char *name, const struct file_data *file, const Elf64_Phdr *phdr)
{
	if (phdr->p_offset > file->size || phdr->p_filesz > file->size - phdr->p_offset)
		return error_set(-ENOEXEC, "%s: truncated: %llu bytes long, a segment has %llu "
					   "bytes "
				 "from %#llx", name, (unsigned long long)file->size,
				 (unsigned long long)phdr->p_filesz,
				 (unsigned long long)phdr->p_offset);
	if (phdr->p_filesz > phdr->p_memsz)
		return error_set(-ENOEXEC, "%s: an ELF segment is larger in the file than in "
					   "memory",
				 name);
	if (phdr->p_paddr < IMAGE_LOWEST)
		return error_set(-ENOEXEC, "%s: not a Linux kernel: an ELF segment belongs at "
					   "%#llx, "
				 "below 1 MiB", name, (unsigned long long)phdr->p_paddr);
	if (phdr->p_paddr > UINT64_MAX - phdr->p_memsz)
		return error_set(-ENOEXEC, "%s: an ELF segment reaches beyond the end of the "
					   "address "
				 "space", name);
	return 0;
}

static int add_segment(const char *name, const Elf64_Phdr *phdr, struct image *image)
{
	if (image->count == IMAGE_PARTS)
		return error_set(-ENOEXEC, "%s: more than %d ELF segments to load", name,
				 IMAGE_PARTS);
	image->part[image->count++] = (struct image_part){
		.offset = phdr->p_offset, .size = phdr->p_filesz,
		.room = phdr->p_memsz, .to = phdr->p_paddr,
	};
	if (phdr->p_paddr < image->start)
		image->start = phdr->p_paddr;
	if (phdr->p_paddr + phdr->p_memsz > image->end)
		image->end = phdr->p_paddr + phdr->p_memsz;
	return 0;
}

static int find_segments(const char *name, const struct file_data *file, const Elf64_Ehdr *ehdr,
			 struct image *image)
{
	unsigned int i;
	int ret;

	image->start = UINT64_MAX;
	for (i = 0; i < ehdr->e_phnum; i++) {
		Elf64_Phdr phdr;

		memcpy(&phdr, file->bytes + ehdr->e_phoff + i * sizeof(phdr), sizeof(phdr));
		if (phdr.p_type != PT_LOAD || phdr.p_memsz == 0)
			continue;
		ret = check_segment(name, file, &phdr);
		if (ret == 0)
			ret = add_segment(name, &phdr, image);
		if (ret < 0)
			return ret;
	}
	if (image->count == 0)
		return error_set(-ENOEXEC, "%s: an ELF file with nothing to load", name);
	return 0;
}

int elf_parse(const char *name, const struct file_data *file, struct image *image)
{
	Elf64_Ehdr ehdr;
	int ret;

	ret = check_ident(name, file, &ehdr);
	if (ret < 0)
		return ret;
	ret = find_segments(name, file, &ehdr, image);
	if (ret < 0)
		return ret;
	if (ehdr.e_entry < image->start || ehdr.e_entry >= image->end)
		return error_set(-ENOEXEC, "%s: not a Linux kernel: its entry point %#llx lies "
					   "outside "
				 "its segments' physical addresses", name,
				 (unsigned long long)ehdr.e_entry);

	image->format = "ELF vmlinux";
	image->entry = ehdr.e_entry;
	image->cmdline_max = CMDLINE_MAX;
	image->initrd_last = INITRD_LAST;
	image->header = (struct setup_header){
		.boot_flag = 0xaa55,
		.header = 0x53726448,	/* "HdrS" */
		.version = PROTOCOL_VERSION,
		.loadflags = LOADED_HIGH,
		.kernel_alignment = 0x200000,
		.cmdline_size = CMDLINE_MAX,
		.initrd_addr_max = INITRD_LAST,
		.xloadflags = XLF_KERNEL_64,
	};
	return 0;
}
