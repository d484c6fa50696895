/* SPDX-License-Identifier: GPL-2.0-only */
/* The kernel's memory, and its policy of huge pages. */
#ifndef LINTEL_SELFTESTS_MEMORY_H
#define LINTEL_SELFTESTS_MEMORY_H

#include <stdbool.h>

/*
 * kB that no process and no page cache accounts for, once freeing by RCU has come to rest. Of slabs
 * the objects count: which of them share a slab is chance.
 */
long kernel_memory(void);

/*
 * Calls @repeat with @times, in @series series at most, until one leaves the kernel's memory as it
 * was, to less than a page for each time; else the test fails. What @repeat loses each time shows
 * in every series; what else the kernel does meanwhile does not, so one such series is the proof.
 * The caller has warmed caches up.
 */
void check_memory_is_kept(void (*repeat)(int times), int times, int series);

/* CPUs keep changes of the counts in /proc/meminfo back for a while: not those before this. */
void kernel_counts_settle(void);

/* Will the host make huge pages for a mapping that asks for them? Small machines have it off. */
bool huge_pages_on(void);

/*
 * Bytes of private memory that the host maps by huge pages, in the mappings that begin in [mem,
 * mem + size).
 */
unsigned long huge_bytes(const void *mem, unsigned long size);

#endif
