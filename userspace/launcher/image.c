// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reads a file, finds its format by its first bytes and hands it to the parser of that format. What
 * is recognised but cannot be booted (a compressed vmlinux, say) gets a sentence that says what to
 * do.
 */
#include "image.h"

#include "../lib/error.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX	(4 * MEMORY_GIB)

static const struct compression {
	const char *name, *cure;
	unsigned int len;
	const char *magic;
} compressions[] = {
	{ "gzip", "zcat", 2, "\x1f\x8b" },
	{ "xz", "xzcat", 6, "\xfd" "7zXZ\0" },
	{ "zstd", "zstdcat", 4, "\x28\xb5\x2f\xfd" },
	{ "lz4", "lz4cat", 4, "\x04\x22\x4d\x18" },
	{ "lz4 (legacy)", "lz4cat", 4, "\x02\x21\x4c\x18" },
	{ "bzip2", "bzcat", 3, "BZh" },
	{ "lzma", "lzcat", 3, "\x5d\0\0" },
	{ "lzop", "lzop -dc", 4, "\x89LZO" },
};

static int read_all(int fd, const char *path, struct file_data *file)
{
	uint64_t done = 0;

	while (done < file->size) {
		ssize_t n = read(fd, file->bytes + done, file->size - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_errno(-errno, "%s", path);
		if (n == 0)
			break;
		done += n;
	}
	/* A file that shrinks while it is read is simply as long as what came. */
	file->size = done;
	return 0;
}

int file_read(const char *path, struct file_data *file)
{
	struct stat st;
	int fd, ret;

	file->bytes = NULL;
	file->size = 0;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return error_errno(-errno, "%s", path);
	if (fstat(fd, &st) < 0) {
		ret = error_errno(-errno, "%s", path);
	} else if (!S_ISREG(st.st_mode)) {
		ret = error_set(-EINVAL, "%s: not a regular file", path);
	} else if (st.st_size == 0) {
		ret = error_set(-ENODATA, "%s: the file is empty", path);
	} else if ((uint64_t)st.st_size > FILE_MAX) {
		ret = error_set(-EFBIG, "%s: larger than 4 GiB", path);
	} else {
		file->size = st.st_size;
		file->bytes = malloc(file->size);
		if (file->bytes)
			ret = read_all(fd, path, file);
		else
			ret = error_set(-ENOMEM, "%s: no memory for its %llu bytes", path,
					(unsigned long long)file->size);
		if (ret < 0)
			file_free(file);
	}
	close(fd);
	return ret;
}

void file_free(struct file_data *file)
{
	free(file->bytes);
	file->bytes = NULL;
	file->size = 0;
}

int image_parse(const char *name, const struct file_data *file, struct image *image)
{
	unsigned int i;

	memset(image, 0, sizeof(*image));
	if (file->size >= SELFMAG && !memcmp(file->bytes, ELFMAG, SELFMAG))
		return elf_parse(name, file, image);
	for (i = 0; i < sizeof(compressions) / sizeof(compressions[0]); i++) {
		const struct compression *c = &compressions[i];

		if (file->size >= c->len && !memcmp(file->bytes, c->magic, c->len))
			return error_set(-ENOEXEC, "%s: a file compressed with %s, not a bzImage "
						   "or "
					 "an ELF kernel; unpack it first (%s %s > vmlinux)", name,
					 c->name, c->cure, name);
	}
	return bzimage_parse(name, file, image);
}

int image_load(const char *name, const struct file_data *file, const struct image *image,
	       const struct memory *mem)
{
	unsigned int i;

	/*
	 * The page tables that the guest starts with map 4 GiB; the low piece of RAM lies within.
	 */
	if (image->end > memory_low_end(mem))
		return error_set(-ENOMEM, "%s: the kernel needs memory up to %llu MiB, the guest "
					  "has "
				 "%llu MiB; give more with --mem", name,
				 (unsigned long long)((image->end + MEMORY_MIB - 1) / MEMORY_MIB),
				 (unsigned long long)(memory_low_end(mem) / MEMORY_MIB));
	for (i = 0; i < image->count; i++) {
		const struct image_part *part = &image->part[i];
		int ret = memory_write(mem, part->to, file->bytes + part->offset, part->size, name);

		/* The rest of its room is zero already: guest memory is fresh. */
		if (ret < 0)
			return ret;
	}
	return 0;
}
