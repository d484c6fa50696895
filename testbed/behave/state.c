// SPDX-License-Identifier: GPL-2.0-only
/*
 * x87, SSE, AVX and AVX-512 registers over context switches: processes that each keep a pattern of
 * their own there, and look whether it is still theirs after each turn of the others.
 */
#define _GNU_SOURCE
#include "behave.h"

#include <cpuid.h>
#include <sched.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROCESSES	6
#define TURNS		400

enum width { SSE, AVX, AVX512 };

static enum width widest(void)
{
	uint32_t a, b, c, d, xcr0, high;

	__cpuid(1, a, b, c, d);
	if (!(c & bit_OSXSAVE) || !(c & bit_AVX))
		return SSE;
	asm volatile("xgetbv" : "=a"(xcr0), "=d"(high) : "c"(0));
	if ((xcr0 & 6) != 6)
		return SSE;
	__cpuid_count(7, 0, a, b, c, d);
	return (b & bit_AVX512F) && (xcr0 & 0xe0) == 0xe0 ? AVX512 : AVX;
}

/* A turn of the others, with the pattern in the registers: 1 if it is whole. */
static int turn(enum width width, uint64_t pattern)
{
	uint64_t in[8], out[8];
	double x87_in = (double)(pattern >> 12), x87_out;
	uint32_t mxcsr = 0x1f80 | (pattern & 3) << 13, mxcsr_out;
	long yield = 24;	/* sched_yield */
	unsigned int i, n = width == SSE ? 2 : width == AVX ? 4 : 8;

	for (i = 0; i < 8; i++)
		in[i] = pattern * (i + 1);
	memset(out, 0, sizeof(out));
#define AROUND(load, store, ...) \
	asm volatile("fninit; fldl %[x]; ldmxcsr %[m];" load "; syscall;" store ";" \
		     "stmxcsr %[mo]; fstpl %[xo]" \
		     : "+a"(yield), "=m"(out), [mo] "=m"(mxcsr_out), [xo] "=m"(x87_out) \
		     : [in] "r"(in), [out] "r"(out), [x] "m"(x87_in), [m] "m"(mxcsr), "m"(in) \
		     : "rcx", "r11", "memory", ##__VA_ARGS__)
	if (width == SSE)
		AROUND("movups (%[in]), %%xmm15", "movups %%xmm15, (%[out])", "xmm15");
	else if (width == AVX)
		AROUND("vmovups (%[in]), %%ymm15", "vmovups %%ymm15, (%[out]); vzeroupper",
		       "xmm15");
	else
		AROUND("vmovups (%[in]), %%zmm31; kmovw %%eax, %%k3",
		       "kmovw %%k3, %%ecx; vmovups %%zmm31, (%[out]); vzeroupper", "xmm15");
#undef AROUND
	return !memcmp(in, out, n * sizeof(in[0])) && x87_in == x87_out &&
	       (mxcsr & ~0x3fu) == (mxcsr_out & ~0x3fu);
}

static int work(enum width width, uint64_t number)
{
	int i, wrong = 0;

	for (i = 0; i < TURNS; i++)
		wrong += !turn(width, (number + 1) * 0x9e3779b97f4a7c15ULL + i);
	return wrong ? 1 : 0;
}

void behave_state(void)
{
	static const char *const names[] = { "SSE", "AVX", "AVX-512" };
	enum width width = widest();
	int i, status, wrong = 0;
	cpu_set_t set;

	/* on one processor, so that they take turns */
	CPU_ZERO(&set);
	CPU_SET(0, &set);
	sched_setaffinity(0, sizeof(set), &set);
	for (i = 0; i < PROCESSES; i++)
		if (!fork())
			_exit(work(width, i));
	for (i = 0; i < PROCESSES; i++)
		wrong += wait(&status) < 0 || status != 0;
	say("registers over context switches", "x87 and %s, %d processes, %d turns, %d wrong",
	    names[width], PROCESSES, TURNS, wrong);
}
