// SPDX-License-Identifier: GPL-2.0-only
/*
 * The loaders, against images made here: a sound one, then one with each field wrong, then every
 * truncation, then random bytes in the headers. For whatever is accepted, the invariants that
 * image_load() relies on are checked.
 */
#include "test.h"

#include "../launcher/image.h"
#include "../lib/error.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HEADER_AT	0x1f1
#define SETUP_SIZE	(5 * 512)
#define PAYLOAD		4096
#define BZ_SIZE		(SETUP_SIZE + PAYLOAD)
#define ROUNDS		20000

static void make_bzimage(uint8_t *bytes)
{
	struct setup_header *h = (struct setup_header *)(bytes + HEADER_AT);

	memset(bytes, 0, BZ_SIZE);
	h->setup_sects = 4;
	h->syssize = PAYLOAD / 16;
	h->boot_flag = 0xaa55;
	/* The second byte tells where the header ends: 0x202 + 0x6a. */
	h->jump = (0x6a << 8) | 0xeb;
	h->header = 0x53726448;
	h->version = 0x20f;
	h->loadflags = LOADED_HIGH;
	h->xloadflags = XLF_KERNEL_64;
	h->pref_address = 0x1000000;
	h->init_size = 0x800000;
	h->cmdline_size = 2047;
	h->initrd_addr_max = 0x7fffffff;
}

static void check_invariants(const struct image *image, uint64_t size, const char *name)
{
	unsigned int i;

	CHECK(image->count >= 1 && image->count <= IMAGE_PARTS, "%s", name);
	CHECK(image->start >= IMAGE_LOWEST && image->end > image->start, "%s", name);
	CHECK(image->entry >= image->start && image->entry < image->end, "%s", name);
	for (i = 0; i < image->count; i++) {
		const struct image_part *p = &image->part[i];

		CHECK(p->offset <= size && p->size <= size - p->offset, "%s", name);
		CHECK(p->size <= p->room, "%s", name);
		CHECK(p->to >= image->start && p->room <= image->end - p->to, "%s", name);
	}
}

/* What is wrong with a bzImage: @len bytes of @value at @at; and a part of the sentence. */
static const struct {
	const char *name;
	unsigned int at, len;
	uint64_t value;
	const char *sentence;
} bz_rows[] = {
	{ "magic", 0x202, 4, 0, "no \"HdrS\" at 0x202" },
	{ "boot flag", 0x1fe, 2, 0x1234, "boot flag" },
	{ "old protocol", 0x206, 2, 0x20b, "boot protocol 2.11" },
	{ "zImage", 0x211, 1, 0, "zImage" },
	{ "short header", 0x201, 1, 8, "setup header" },
	{ "preferred address low", 0x258, 8, 0x90000, "below 1 MiB" },
	{ "preferred address wraps", 0x258, 8, UINT64_MAX - 16, "address space" },
	{ "setup beyond the file", 0x1f1, 1, 255, "truncated" },
	{ "payload beyond the file", 0x1f4, 4, PAYLOAD / 16 + 1, "truncated" },
	{ "payload huge", 0x1f4, 4, 0xffffffff, "truncated" },
	{ "payload that wraps in 32 bits", 0x1f4, 4, 0x10000000 + PAYLOAD / 16, "truncated" },
	{ "no payload", 0x1f4, 4, 0, "without a kernel" },
};

void test_bzimage(void)
{
	uint8_t bytes[BZ_SIZE];
	struct file_data file = { bytes, BZ_SIZE };
	struct image image;
	size_t i;

	make_bzimage(bytes);
	CHECK_EQ(image_parse("k", &file, &image), 0, "sound");
	check_invariants(&image, BZ_SIZE, "sound");
	CHECK_EQ(image.entry, 0x1000200, "sound");
	CHECK(!image.entry32, "sound");
	CHECK_EQ(image.end, 0x1800000, "sound");
	CHECK_EQ(image.cmdline_max, 2047, "sound");
	CHECK_EQ(image.part[0].offset, SETUP_SIZE, "sound");
	CHECK_EQ(image.part[0].size, PAYLOAD, "sound");

	/* No sectors mean four. */
	bytes[0x1f1] = 0;
	CHECK_EQ(image_parse("k", &file, &image), 0, "no sectors");
	CHECK_EQ(image.part[0].offset, SETUP_SIZE, "no sectors");

	/* No 64-bit entry: a 32-bit kernel. */
	memset(bytes + 0x236, 0, 2);
	CHECK_EQ(image_parse("k", &file, &image), 0, "32-bit kernel");
	CHECK(image.entry32, "32-bit kernel");
	CHECK_EQ(image.entry, 0x1000000, "32-bit kernel");

	for (i = 0; i < ARRAY_SIZE(bz_rows); i++) {
		make_bzimage(bytes);
		memcpy(bytes + bz_rows[i].at, &bz_rows[i].value, bz_rows[i].len);
		CHECK_EQ(image_parse("the-file", &file, &image), (unsigned long long)-ENOEXEC,
			 bz_rows[i].name);
		CHECK_SENTENCE(bz_rows[i].sentence, bz_rows[i].name);
		CHECK_SENTENCE("the-file", bz_rows[i].name);
	}
}

/* A copy of exact size, so that ASan sees a byte read too far. */
static int parse_copy(const uint8_t *bytes, size_t size, struct image *image)
{
	struct file_data file = { malloc(size ? size : 1), size };
	int ret;

	memcpy(file.bytes, bytes, size);
	ret = image_parse("k", &file, image);
	free(file.bytes);
	return ret;
}

static void truncate_everywhere(const uint8_t *bytes, size_t size, const char *name)
{
	struct image image;
	size_t len;

	for (len = 0; len < size; len++)
		CHECK(parse_copy(bytes, len, &image) < 0, "%s: %zu of %zu bytes accepted", name,
		      len, size);
	CHECK_EQ(parse_copy(bytes, size, &image), 0, name);
}

/* Random bytes among the first @span from @from on, in a copy of @good. */
static void randomise(const uint8_t *good, size_t size, size_t from, size_t span, const char *name)
{
	uint8_t *bytes = malloc(size);
	unsigned int round, accepted = 0, i;
	struct image image;

	for (round = 0; round < ROUNDS; round++) {
		memcpy(bytes, good, size);
		for (i = test_random() % 6; i-- > 0;)
			bytes[from + test_random() % span] = test_random();
		if (parse_copy(bytes, size, &image) < 0)
			continue;
		accepted++;
		check_invariants(&image, size, name);
	}
	/* Both outcomes must have been seen, or nothing was tested. */
	CHECK(accepted > 0 && accepted < ROUNDS, "%s: %u of %u accepted", name, accepted, ROUNDS);
	free(bytes);
}

void test_bzimage_hostile(void)
{
	uint8_t bytes[BZ_SIZE];

	make_bzimage(bytes);
	truncate_everywhere(bytes, BZ_SIZE, "bzImage");
	randomise(bytes, BZ_SIZE, HEADER_AT, 0x80, "bzImage");
}

#define ELF_SEGMENTS	2
#define ELF_DATA	512
#define ELF_HEADERS	(sizeof(Elf64_Ehdr) + ELF_SEGMENTS * sizeof(Elf64_Phdr))
#define ELF_SIZE	(ELF_HEADERS + ELF_SEGMENTS * ELF_DATA)

static void make_elf(uint8_t *bytes)
{
	Elf64_Ehdr *e = (Elf64_Ehdr *)bytes;
	Elf64_Phdr *p = (Elf64_Phdr *)(bytes + sizeof(*e));
	unsigned int i;

	memset(bytes, 0, ELF_SIZE);
	memcpy(e->e_ident, ELFMAG, SELFMAG);
	e->e_ident[EI_CLASS] = ELFCLASS64;
	e->e_ident[EI_DATA] = ELFDATA2LSB;
	e->e_type = ET_EXEC;
	e->e_machine = EM_X86_64;
	e->e_entry = 0x1000000;
	e->e_phoff = sizeof(*e);
	e->e_phentsize = sizeof(*p);
	e->e_phnum = ELF_SEGMENTS;
	for (i = 0; i < ELF_SEGMENTS; i++) {
		p[i].p_type = PT_LOAD;
		p[i].p_offset = ELF_HEADERS + i * ELF_DATA;
		p[i].p_paddr = 0x1000000 + i * 0x200000;
		p[i].p_filesz = ELF_DATA;
		p[i].p_memsz = 4096;
	}
}

#define PHDR(field) (sizeof(Elf64_Ehdr) + offsetof(Elf64_Phdr, field))

static const struct {
	const char *name;
	unsigned int at, len;
	uint64_t value;
	const char *sentence;
} elf_rows[] = {
	{ "32 bits", EI_CLASS, 1, ELFCLASS32, "not for x86-64" },
	{ "big end first", EI_DATA, 1, ELFDATA2MSB, "not for x86-64" },
	{ "machine", offsetof(Elf64_Ehdr, e_machine), 2, EM_AARCH64, "not for x86-64" },
	{ "object file", offsetof(Elf64_Ehdr, e_type), 2, ET_REL, "not an executable" },
	{ "size of program headers", offsetof(Elf64_Ehdr, e_phentsize), 2, 8, "program headers" },
	{ "no program headers", offsetof(Elf64_Ehdr, e_phnum), 2, 0, "program headers" },
	{ "headers beyond the end", offsetof(Elf64_Ehdr, e_phoff), 8, UINT64_MAX, "truncated" },
	{ "too many headers", offsetof(Elf64_Ehdr, e_phnum), 2, 0xffff, "truncated" },
	{ "entry outside", offsetof(Elf64_Ehdr, e_entry), 8, 0x500000, "entry point" },
	{ "segment beyond the end", PHDR(p_offset), 8, ELF_SIZE, "truncated" },
	{ "segment offset wraps", PHDR(p_offset), 8, UINT64_MAX, "truncated" },
	{ "segment size wraps", PHDR(p_filesz), 8, UINT64_MAX, "truncated" },
	{ "smaller in memory", PHDR(p_memsz), 8, 1, "larger in the file" },
	{ "low segment", PHDR(p_paddr), 8, 0x1000, "below 1 MiB" },
	{ "segment wraps", PHDR(p_paddr), 8, UINT64_MAX - 10, "address space" },
};

void test_elf(void)
{
	uint8_t bytes[ELF_SIZE];
	struct file_data file = { bytes, ELF_SIZE };
	struct image image;
	size_t i;

	make_elf(bytes);
	CHECK_EQ(image_parse("k", &file, &image), 0, "sound");
	check_invariants(&image, ELF_SIZE, "sound");
	CHECK_EQ(image.entry, 0x1000000, "sound");
	CHECK_EQ(image.end, 0x1201000, "sound");
	CHECK_EQ(image.header.boot_flag, 0xaa55, "sound");

	for (i = 0; i < ARRAY_SIZE(elf_rows); i++) {
		make_elf(bytes);
		memcpy(bytes + elf_rows[i].at, &elf_rows[i].value, elf_rows[i].len);
		CHECK_EQ(image_parse("the-file", &file, &image), (unsigned long long)-ENOEXEC,
			 elf_rows[i].name);
		CHECK_SENTENCE(elf_rows[i].sentence, elf_rows[i].name);
		CHECK_SENTENCE("the-file", elf_rows[i].name);
	}
}

void test_elf_hostile(void)
{
	uint8_t bytes[ELF_SIZE];

	make_elf(bytes);
	truncate_everywhere(bytes, ELF_SIZE, "ELF");
	randomise(bytes, ELF_SIZE, 0, ELF_HEADERS, "ELF");
}

void test_image_other(void)
{
	static const struct { const char *bytes; size_t size; const char *sentence; } rows[] = {
		{ "\x1f\x8b\x08\0\0\0\0\0", 8, "gzip" },
		{ "\xfd" "7zXZ\0\0\0", 8, "xz" },
		{ "\x28\xb5\x2f\xfd\0\0\0\0", 8, "zstd" },
		{ "\x04\x22\x4d\x18\0\0\0\0", 8, "lz4" },
		{ "BZh91AY&", 8, "bzip2" },
		{ "MZ", 2, "not a Linux kernel image" },
		{ "\x7f" "ELF", 4, "truncated" },
	};
	struct image image;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		CHECK(parse_copy((const uint8_t *)rows[i].bytes, rows[i].size, &image) < 0, "%s",
		      rows[i].sentence);
		CHECK_SENTENCE(rows[i].sentence, rows[i].sentence);
	}
}

void test_image_files(void)
{
	char path[] = "/tmp/lintel-test-XXXXXX";
	int fd = mkstemp(path);
	struct file_data file;

	CHECK(fd >= 0, "mkstemp");
	CHECK_EQ(file_read("/nonexistent/vmlinuz", &file), (unsigned long long)-ENOENT, "missing");
	CHECK_SENTENCE("/nonexistent/vmlinuz", "missing");
	CHECK_EQ(file_read("/tmp", &file), (unsigned long long)-EINVAL, "directory");
	CHECK_SENTENCE("regular file", "directory");
	CHECK_EQ(file_read(path, &file), (unsigned long long)-ENODATA, "empty");
	CHECK_EQ(write(fd, "abc", 3), 3, "write");
	CHECK_EQ(file_read(path, &file), 0, "three bytes");
	CHECK_EQ(file.size, 3, "three bytes");
	file_free(&file);
	CHECK_EQ(ftruncate(fd, (off_t)5 << 30), 0, "sparse");
	CHECK_EQ(file_read(path, &file), (unsigned long long)-EFBIG, "larger than 4 GiB");
	CHECK(!file.bytes, "nothing is left behind");
	close(fd);
	unlink(path);
}
