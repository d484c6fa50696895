/* SPDX-License-Identifier: GPL-2.0-only */
/* Files of /proc, /sys and of cgroups, and in memory; whatever fails ends the test. */
#ifndef LINTEL_SELFTESTS_FILES_H
#define LINTEL_SELFTESTS_FILES_H

#include "layout.h"

/* A file of `size` bytes in memory, by memfd_create(2); skips the test where there is none. */
int file_in_memory(u64 size);

void file_write(const char *path, const char *text);

/*
 * The number behind `key` in a file of lines "key value" or "key: value", 0 if it is not there;
 * with an empty key, the one that the file begins with.
 */
u64 file_number(const char *path, const char *key);

#endif
