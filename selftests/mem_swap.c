// SPDX-License-Identifier: GPL-2.0-only
/*
 * A guest larger than the host's memory, on swap: every page is written, and read back twice, in
 * another order. Needs swap of that size; the test machine has zram.
 */
#include <sys/mman.h>

#include "guest.h"
#include "vm.h"

#define WINDOW	0x40000000UL
#define PAGE	4096UL
#define PRIME	2654435761UL

/* ARG(0): 0 write, 1 verify; ARG(1) pages, ARG(2) stride in pages; ARG(3) counts the wrong. */
GUEST_CODE static void guest_fills(void)
{
	for (;;) {
		u64 wrong = 0, n = ARG(1), page = 0;

		for (u64 i = 0; i < n; i++) {
			volatile u64 *p = (volatile u64 *)(WINDOW + page * PAGE);

			for (int w = 0; w < 512; w += 73) {
				if (!ARG(0))
					p[w] = page * PRIME + w;
				else
					wrong += p[w] != page * PRIME + w;
			}
			page += ARG(2);
			if (page >= n)
				page -= n;
		}
		ARG(3) = wrong;
		guest_sync(1);
	}
}

static u64 from_file(const char *path, const char *key)
{
	FILE *f = fopen(path, "re");
	size_t len = strlen(key);
	char line[256];
	u64 value = 0;

	REQUIRE(f, "%s: %m", path);
	while (fgets(line, sizeof(line), f)) {
		if (!strncmp(line, key, len) && (line[len] == ':' || line[len] == ' '))
			value = strtoull(line + len + 1, NULL, 10);
	}
	fclose(f);
	return value;
}

TEST_SLOW(larger_than_memory, 20)
{
	u64 total = from_file("/proc/meminfo", "MemTotal") / 4;
	u64 swap = from_file("/proc/meminfo", "SwapFree") / 4;
	u64 pages = total + total / 8, out;
	volatile struct guest_shared *s;
	struct vcpu *v;
	void *mem;

	if (swap < total / 2)
		SKIP("swap of %llu pages, memory of %llu", (unsigned long long)swap,
		     (unsigned long long)total);
	v = vcpu_create(vm_create(0), 0);
	mem = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	REQUIRE(mem != MAP_FAILED, "mmap: %m");
	vm_set_region(v->vm, 1, 0, WINDOW, pages * PAGE, mem);
	vcpu_set_long(v, guest_fills);
	s = vm_shared(v->vm);
	s->arg[1] = pages;
	for (int pass = 0; pass < 3; pass++) {
		ktap_row("pass %d", pass);
		s->arg[0] = pass > 0;
		s->arg[2] = pass == 2 ? 12289 % pages : 1;
		vcpu_expect_sync(v, 1);
		CHECK_EQ(s->arg[3], 0);
	}
	out = from_file("/proc/vmstat", "pswpout");
	ktap_note("%llu MiB in a machine of %llu MiB; %llu pages swapped out, %llu in",
		  (unsigned long long)(pages / 256), (unsigned long long)(total / 256),
		  (unsigned long long)out,
		  (unsigned long long)from_file("/proc/vmstat", "pswpin"));
	CHECK(out > total / 8, "%llu", (unsigned long long)out);
}
