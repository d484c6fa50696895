// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the processor says of itself, and whether it says it twice: CPUID leaves as they are, and
 * against what the instructions do; the time-stamp counter; processor numbers.
 */
#define _GNU_SOURCE
#include "behave.h"

#include <cpuid.h>
#include <sched.h>
#include <stdio.h>
#include <unistd.h>

static void leaf(uint32_t function, uint32_t index)
{
	uint32_t a, b, c, d;
	char name[64];

	__cpuid_count(function, index, a, b, c, d);
	/* the initial APIC ID is the processor's own */
	if (function == 1)
		b &= 0x00ffffff;
	if (function == 0xb || function == 0x1f)
		d = 0;
	snprintf(name, sizeof(name), "cpuid %#x %u", function, index);
	say(name, "%08x %08x %08x %08x", a, b, c, d);
}

static void leaves(void)
{
	uint32_t max, extended, hypervisor, b, c, d, i, function;

	__cpuid(0, max, b, c, d);
	__cpuid(0x80000000, extended, b, c, d);
	say("cpuid limits", "%#x %#x", max, extended);
	for (function = 1; function <= max && function < 0x40; function++) {
		leaf(function, 0);
		if (function == 4 || function == 7 || function == 0xb || function == 0xd)
			for (i = 1; i < 4; i++)
				leaf(function, i);
	}
	for (function = 0x80000001; function <= extended && function < 0x80000020; function++)
		leaf(function, 0);
	__cpuid(1, max, b, c, d);
	hypervisor = c >> 31;
	say("cpuid hypervisor bit", "%u", hypervisor);
	/* a leaf beyond the last one is the last one */
	__cpuid_count(0x3fffffff, 7, max, b, c, d);
	say("cpuid beyond the last leaf", "%08x %08x %08x %08x", max, b, c, d);
}

static void xstate(void)
{
	uint32_t a, b, c, d, size = 576, n, xcr0, high;

	__cpuid(1, a, b, c, d);
	if (!(c & bit_OSXSAVE)) {
		say("xsave", "none");
		return;
	}
	asm volatile("xgetbv" : "=a"(xcr0), "=d"(high) : "c"(0));
	for (n = 2; n < 32; n++) {
		if (!(xcr0 >> n & 1))
			continue;
		__cpuid_count(0xd, n, a, b, c, d);
		if (a + b > size)
			size = a + b;
	}
	__cpuid_count(0xd, 0, a, b, c, d);
	say("xcr0", "%#x", xcr0);
	say("xsave area", "%s", b == size ? "as large as its parts" : "of another size");
	say("xcr0 is offered", "%s", (a & xcr0) == xcr0 ? "whole" : "in part");
}

static uint64_t rdtscp(uint32_t *aux)
{
	uint32_t low, high;

	asm volatile("rdtscp" : "=a"(low), "=d"(high), "=c"(*aux) : : "memory");
	return (uint64_t)high << 32 | low;
}

static void time_stamps(void)
{
	unsigned int i, backwards = 0, wrong = 0, cpu, node, moves = 0, cpus;
	uint64_t last = 0, now;
	cpu_set_t set;
	uint32_t aux;

	cpus = sysconf(_SC_NPROCESSORS_ONLN);
	for (i = 0; i < 200000; i++) {
		if (i % 2000 == 0 && cpus > 1) {
			CPU_ZERO(&set);
			CPU_SET(moves++ % cpus, &set);
			sched_setaffinity(0, sizeof(set), &set);
		}
		now = rdtscp(&aux);
		backwards += now < last;
		last = now;
		if (i % 1000 == 999) {
			getcpu(&cpu, &node);
			wrong += cpus > 1 && aux != (node << 12 | cpu);
		}
	}
	say("tsc", "went backwards %u times in 200000", backwards);
	say("rdtscp", "a wrong processor number %u times in 200", wrong);
}

static bool has_rdpid(void)
{
	uint32_t a, b, c, d;

	__cpuid_count(7, 0, a, b, c, d);
	return c >> 22 & 1;
}

void behave_identity(void)
{
	uint64_t number;
	unsigned int cpu, node;

	leaves();
	xstate();
	time_stamps();
	if (!has_rdpid()) {
		say("rdpid", "none");
		return;
	}
	asm volatile(".byte 0xf3, 0x0f, 0xc7, 0xf8" : "=a"(number));
	getcpu(&cpu, &node);
	say("rdpid", "%s",
	    number == (node << 12 | cpu) ? "the processor's number" : "another number");
}
