// SPDX-License-Identifier: GPL-2.0-only
/*
 * See files.h. Each access opens the file anew: what /proc and /sys show is made at that time.
 */
#include "files.h"

#include <fcntl.h>
#include <sys/mman.h>

#include "vm.h"

int file_in_memory(u64 size)
{
	int fd = memfd_create("guest", MFD_CLOEXEC);

	if (fd < 0)
		SKIP("memfd_create: %m");
	REQUIRE_OK(ftruncate(fd, size));
	return fd;
}

void file_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	REQUIRE(fd >= 0, "%s: %m", path);
	REQUIRE(write(fd, text, strlen(text)) == (ssize_t)strlen(text), "%s to %s: %m", text, path);
	close(fd);
}

static bool has_key(const char *line, const char *key)
{
	size_t len = strlen(key);

	return !len || (!strncmp(line, key, len) && (line[len] == ':' || line[len] == ' '));
}

u64 file_number(const char *path, const char *key)
{
	FILE *f = fopen(path, "re");
	char line[256];
	u64 value = 0;

	REQUIRE(f, "%s: %m", path);
	while (fgets(line, sizeof(line), f)) {
		if (!has_key(line, key))
			continue;
		value = strtoull(line + strlen(key) + !!*key, NULL, 10);
		break;
	}
	fclose(f);
	return value;
}
