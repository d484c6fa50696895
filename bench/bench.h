/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The benchmark's rows. A row is a TEST of the selftests' harness, which gives each a process and
 * a watchdog of its own; where a capability is missing, it skips. It runs BATCHES batches of some
 * operations between two marks, and bench_report() prints the cheapest batch as one line of JSON.
 *
 * A mark is a snapshot of the emulator's counters (testbed/instrument/marks.h), which costs one
 * instruction and no VM exit; where there are none, on a real processor, it is RDTSC, and the row
 * reports cycles. Marks may be set by guest code, with g_mark(), or by host code, with h_mark().
 */
#ifndef LINTEL_BENCH_H
#define LINTEL_BENCH_H

#include <sched.h>

#include "../testbed/instrument/marks.h"
#include "chips.h"
#include "vm.h"

#define BATCHES		48

#define PORT_FREE	0x600		/* belongs to no device */
#define GPA_FREE_MMIO	0xd0000000UL
#define GPA_SLOT	0x10000000UL	/* of the rows that bring memory of their own */
#define VECTOR		0x61
#define TIMES		((volatile u64 *)0x70000)	/* guest-physical, by slot */
#define COUNTING	ARG(14)

struct row {
	const char *name;
	unsigned int ops;		/* in a batch */
	unsigned int flags;
	const char *per;		/* of what it is the price, for the table's reader */
};

#define ROW(name_, ops_, flags_, per_)						\
	static const struct row row = {						\
		.name = name_, .ops = ops_, .flags = flags_, .per = per_	\
	}

#define ROW_ALL_CPUS	1	/* else only the CPU that the row is pinned to */
#define ROW_NO_USER	2	/* user mode only waits */
#define ROW_CONTROL	4	/* the same batches without the device, to be subtracted */
#define ROW_ONCE	8	/* one batch */

struct answer {
	u64 b, d;
};

GINLINE struct answer mark_call(u32 what, u64 rsi, u64 rdi)
{
	struct answer r;
	u64 a = MARK_LEAF, c = what;

	asm volatile("cpuid" : "+a"(a), "=b"(r.b), "+c"(c), "=d"(r.d) : "S"(rsi), "D"(rdi)
		     : "memory");
	return r;
}

/* Batch b begins and ends. */
GINLINE void g_mark(u32 slot)
{
	if (COUNTING)
		mark_call(MARK_SNAPSHOT, slot, 0);
	else
		TIMES[slot] = rdtsc();
}

GINLINE void g_begin(u32 batch)
{
	g_mark(2 * batch);
	if (ARG(13) == batch + 1)
		mark_call(MARK_TRACE_ON, 0, 0);
}

GINLINE void g_end(u32 batch)
{
	if (ARG(13) == batch + 1)
		mark_call(MARK_TRACE_OFF, 0, 0);
	g_mark(2 * batch + 1);
}

/* All batches of a statement, in guest code. */
#define G_BATCHES(ops, statement)						\
	do {									\
		for (u32 batch_ = 0; batch_ < BATCHES; batch_++) {		\
			g_begin(batch_);					\
			for (u32 op_ = 0; op_ < (ops); op_++) {			\
				statement;					\
			}							\
			g_end(batch_);						\
		}								\
	} while (0)

void h_begin(u32 batch);
void h_end(u32 batch);
bool bench_counts(void);
void bench_needs_counters(void);
void bench_needs_cpus(int cpus);
void bench_pin(int cpu);
struct vcpu *bench_vcpu(struct vm *vm, unsigned int id, void (*fn)(void));
void bench_run(struct vcpu *v);
void bench_guest(const struct row *row, void (*fn)(void));
void bench_report(const struct row *row, struct vm *vm);
void bench_report_value(const char *name, const char *unit, long value);
void *bench_memory(size_t size, bool huge);

#endif
