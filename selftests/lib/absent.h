/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory whose pages are not there until the test gives them: a userfaultfd. Skips the test where
 * the kernel has none.
 */
#ifndef LINTEL_SELFTESTS_ABSENT_H
#define LINTEL_SELFTESTS_ABSENT_H

#include <stdbool.h>

#include "layout.h"

struct absent {
	u8 *mem;
	u64 size;
	int fd;			/* the userfaultfd */
};

/* New memory of that size without any page. */
struct absent absent_make(u64 size);

/* The offset of the next page that somebody asks for; fails the test if nobody does for long. */
u64 absent_wait(const struct absent *a);

/* The page at `offset` comes, each word of it `value`; who waits for it goes on. */
void absent_give(const struct absent *a, u64 offset, u64 value);

/* The memory's process is gone, and its address space with it. */
bool absent_gone(const struct absent *a);

#endif
