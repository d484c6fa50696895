// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the kernel itself holds of the machine's memory, from /proc. MemFree alone tells little:
 * free pages also stand in lists of each CPU, and freeing by RCU comes late.
 */
#include "memory.h"

#include <fcntl.h>
#include <glob.h>

#include "files.h"
#include "host.h"
#include "vm.h"

#define PAGE_KB	4

/* kB, from /proc/meminfo. */
static long meminfo(const char *key)
{
	return file_number("/proc/meminfo", key);
}

/* Slabs without objects in them go back to the host: it is objects that tests ask about. */
static void shrink_slabs(void)
{
	glob_t caches;

	if (glob("/sys/kernel/slab/[!:]*/shrink", 0, NULL, &caches))
		return;
	for (size_t i = 0; i < caches.gl_pathc; i++) {
		int fd = open(caches.gl_pathv[i], O_WRONLY | O_CLOEXEC);

		if (fd >= 0 && write(fd, "1", 1) < 0)
			ktap_note("%s: %m", caches.gl_pathv[i]);
		close(fd);
	}
	globfree(&caches);
}

/* kB in the lists of free pages that each CPU keeps, which MemFree leaves out. */
static long free_in_lists(void)
{
	FILE *f = fopen("/proc/zoneinfo", "re");
	long pages = 0, count;
	char line[128];

	REQUIRE(f, "/proc/zoneinfo: %m");
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, " count: %ld", &count) == 1)
			pages += count;
	}
	fclose(f);
	return pages * PAGE_KB;
}

void kernel_counts_settle(void)
{
	file_write("/proc/sys/vm/stat_refresh", "1");
}

/*
 * kB of the objects in slabs, or of the slabs where the kernel does not tell. One object keeps a
 * slab of some pages, and which ones share a slab is chance.
 */
static long slab_objects(void)
{
	FILE *f = fopen("/proc/slabinfo", "re");
	unsigned long active, size, bytes = 0;
	char line[256];

	if (!f)
		return meminfo("Slab");
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%*s %lu %*u %lu", &active, &size) == 2)
			bytes += active * size;
	}
	fclose(f);
	return bytes / 1024;
}

/* What the kernel itself holds: everything that no process and no page cache accounts for. */
static long kernel_memory_now(void)
{
	kernel_counts_settle();
	return meminfo("MemTotal") - meminfo("MemFree") - free_in_lists() - meminfo("Cached") -
	       meminfo("AnonPages") - meminfo("Slab") + slab_objects();
}

/*
 * Freeing by RCU is not over when a process is: reads the figure until it has stopped falling,
 * which is when it has found no new minimum for half a second. A CPU's slabs count as full until
 * they are given back, so the last figure follows that.
 */
long kernel_memory(void)
{
	long least, now;

	file_write("/proc/sys/vm/drop_caches", "3");
	shrink_slabs();
	least = kernel_memory_now();
	for (int same = 0; same < 25; same++) {
		usleep(20000);
		now = kernel_memory_now();
		if (now < least) {
			least = now;
			same = 0;
		}
	}
	shrink_slabs();
	now = kernel_memory_now();
	return now < least ? now : least;
}

void check_memory_is_kept(void (*repeat)(int times), int times, int series)
{
	long last = kernel_memory(), now, change = 0;

	for (int n = 0; n < series && !ktap_timed_out(); n++) {
		repeat(times);
		now = kernel_memory();
		change = now - last;
		ktap_note("series %d: kernel memory %ld kB, change %+ld kB", n, now, change);
		if (labs(change) < times * PAGE_KB)
			return;
		last = now;
	}
	if (host_has_sanitizers()) {
		ktap_note("freed memory is kept from use here: KMEMLEAK has to find what leaks");
		return;
	}
	CHECK(false, "in %d series no one without a change; the last by %+ld kB", series, change);
}

bool huge_pages_on(void)
{
	FILE *f = fopen("/sys/kernel/mm/transparent_hugepage/enabled", "re");
	char line[128] = "";

	if (!f)
		return false;
	if (!fgets(line, sizeof(line), f))
		line[0] = '\0';
	fclose(f);
	return line[0] && !strstr(line, "[never]");
}

unsigned long huge_bytes(const void *mem, unsigned long size)
{
	FILE *f = fopen("/proc/self/smaps", "re");
	unsigned long first, end, kb, sum = 0;
	bool inside = false;
	char line[256];

	REQUIRE(f, "/proc/self/smaps: %m");
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%lx-%lx ", &first, &end) == 2)
			inside = first - (unsigned long)mem < size;
		else if (inside && sscanf(line, "AnonHugePages: %lu", &kb) == 1)
			sum += kb << 10;
	}
	fclose(f);
	return sum;
}
