/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A program that asks the processor what it does, from user space, and prints one line for each
 * answer. Run on a machine and in a guest on it, the lines are to be the same; which may differ,
 * and why, stands in the file differs.
 */
#ifndef BEHAVE_H
#define BEHAVE_H

#include <stdbool.h>
#include <stdint.h>

/* say - one line: "name: text" */
void say(const char *name, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* What a signal told of the exception behind it. */
struct caught {
	int signal, code;	/* 0: none came */
	long vector, error;
	unsigned long address;	/* CR2 */
	unsigned long at;	/* RIP */
};

/* catch - run @fn and return the exception that it raised.  @fn may not have changed the stack. */
struct caught catch(void (*fn)(void));

/* hash - mix @value into @sum */
static inline uint64_t hash(uint64_t sum, uint64_t value)
{
	return (sum ^ value) * 0x100000001b3ULL;
}

void behave_traps(void);	/* exceptions: vectors, error codes, addresses */
void behave_segments(void);	/* segments with limits, of a local descriptor table */
void behave_numbers(void);	/* results and flags of arithmetic */
void behave_identity(void);	/* CPUID, TSC, processor numbers */
void behave_state(void);	/* FPU, SSE, AVX over context switches */
void behave_debug(void);	/* single step, debug registers */

#endif
