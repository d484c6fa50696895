// SPDX-License-Identifier: GPL-2.0-only
/*
 * Segments with limits: descriptors made with modify_ldt, and accesses by GS at their edges. In
 * 64-bit mode limits do not hold, so each access is made from a 32-bit code segment, reached and
 * left by far calls.
 */
#define _GNU_SOURCE
#include "behave.h"

#include <asm/ldt.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SELECTOR(n)	((n) << 3 | 7)
enum { CODE32 = 1, DATA };

/* Code and stack below 4 GiB, where 32-bit code can be. */
#define LOW		0x10000000UL

static bool make(unsigned int entry, unsigned long base, uint32_t limit, unsigned int contents,
		 bool writable, bool present)
{
	struct user_desc desc = {
		.entry_number = entry, .base_addr = base, .limit = limit, .seg_32bit = 1,
		.limit_in_pages = limit == 0xfffff,
		.contents = contents, .read_exec_only = !writable, .seg_not_present = !present,
	};

	return syscall(SYS_modify_ldt, 0x11, &desc, sizeof(desc)) == 0;
}

static uint32_t offset;
static bool writes;

/*
 * In 32-bit mode: mov selector to GS, touch GS:[edi] with four bytes, far return to 64-bit mode.
 * The stack is at LOW meanwhile.
 */
static const unsigned char read32[] = {
	0x8e, 0xeb,			/* mov %ebx, %gs */
	0x65, 0x8b, 0x0f,		/* mov %gs:(%edi), %ecx */
	0xcb,				/* lret */
};
static const unsigned char write32[] = {
	0x8e, 0xeb,
	0x65, 0x89, 0x0f,		/* mov %ecx, %gs:(%edi) */
	0xcb,
};

static void touch(void)
{
	struct { uint32_t ip; uint16_t cs; } __attribute__((packed)) target = {
		LOW + (writes ? 64 : 0), SELECTOR(CODE32),
	};

	asm volatile("mov %%rsp, %%r12\n"
		     "mov %1, %%rsp\n"
		     "lcall *(%0)\n"
		     "mov %%r12, %%rsp\n"
		     : : "r"(&target), "r"(LOW + 0x3000), "b"(SELECTOR(DATA)), "D"(offset)
		     : "rcx", "r12", "memory", "cc");
}

static const struct {
	const char *name;
	uint32_t limit;
	unsigned int contents;		/* 0: data, 1: expand-down */
	bool writable, present, write;
	uint32_t offset;
} rows[] = {
	{ "inside", 0xfff, 0, true, true, false, 0xffc },
	{ "last byte outside", 0xfff, 0, true, true, false, 0xffd },
	{ "outside", 0xfff, 0, true, true, false, 0x1000 },
	{ "wrapping", 0xfff, 0, true, true, false, 0xfffffffe },
	{ "write inside", 0xfff, 0, true, true, true, 0 },
	{ "write to a read-only one", 0xfff, 0, false, true, true, 0 },
	{ "read from a read-only one", 0xfff, 0, false, true, false, 0 },
	{ "expand-down, above the limit", 0x7ff, 1, true, true, false, 0x800 },
	{ "expand-down, at the limit", 0x7ff, 1, true, true, false, 0x7ff },
	{ "not present", 0xfff, 0, true, false, false, 0 },
};

void behave_segments(void)
{
	unsigned char *low = mmap((void *)LOW, 0x4000, PROT_READ | PROT_WRITE | PROT_EXEC,
				  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	char name[64];
	struct caught c;
	unsigned int i;

	if (low == MAP_FAILED || !make(CODE32, 0, 0xfffff, 2, false, true)) {
		say("segment", "no modify_ldt");
		return;
	}
	memcpy(low, read32, sizeof(read32));
	memcpy(low + 64, write32, sizeof(write32));
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(name, sizeof(name), "segment %s", rows[i].name);
		make(DATA, LOW + 0x1000, rows[i].limit, rows[i].contents, rows[i].writable,
		     rows[i].present);
		offset = rows[i].offset;
		writes = rows[i].write;
		c = catch(touch);
		if (c.signal)
			say(name, "vector %ld error %#lx at %#lx", c.vector, c.error, c.at);
		else
			say(name, "none");
	}
}
