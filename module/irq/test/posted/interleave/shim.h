/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel's atomics as steps of an exploration: each is one call of shim_step(), which main.c
 * may let happen before or after any step of the other threads.
 *
 * Plain stores (WRITE_ONCE, release) go through a store buffer, as on x86: they reach memory in
 * order, but late, and the thread itself sees them at once.  Locked operations and full barriers
 * wait until the buffer is empty.
 */
#ifndef LINTEL_IRQ_TEST_INTERLEAVE_SHIM_H
#define LINTEL_IRQ_TEST_INTERLEAVE_SHIM_H

#include <assert.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/kvm_types.h>

#define BIT(n)			(1ul << (n))
#define __aligned(n)		__attribute__((aligned(n)))

enum op_kind {
	OP_LOAD, OP_STORE, OP_BARRIER,
	OP_EXCHANGE, OP_COMPARE_EXCHANGE, OP_OR, OP_AND,	/* locked: answer the old value */
	OP_CHOOSE, OP_NOTE_POST, OP_DELIVER,
	OP_IRQS_OFF, OP_IRQS_ON, OP_INTERRUPT, OP_WAIT_INTERRUPT,
	OP_SLEEP, OP_ROUND, OP_DONE,
};

struct op {
	enum op_kind kind;
	void *address;
	unsigned int size;
	u64 a, b;
	u64 set[4];
};

/* shim_step - one step of the thread that runs; does not return before it has happened. */
u64 shim_step(const struct op *op);

static inline u64 shim_op(enum op_kind kind, const void *address, unsigned int size, u64 a, u64 b)
{
	struct op op = {
		.kind = kind, .address = (void *)address, .size = size, .a = a, .b = b,
	};

	return shim_step(&op);
}

#define READ_ONCE(x)		((__typeof__(x))shim_op(OP_LOAD, &(x), sizeof(x), 0, 0))
#define WRITE_ONCE(x, v)	((void)shim_op(OP_STORE, &(x), sizeof(x), (u64)(v), 0))
#define smp_load_acquire(p)	READ_ONCE(*(p))
#define smp_store_release(p, v)	WRITE_ONCE(*(p), v)
#define smp_mb()		((void)shim_op(OP_BARRIER, NULL, 0, 0, 0))
#define smp_mb__after_atomic()	((void)0)
#define smp_store_mb(x, v)	((void)shim_op(OP_EXCHANGE, &(x), sizeof(x), (u64)(v), 0))
#define xchg(p, v)		((__typeof__(*(p)))shim_op(OP_EXCHANGE, p, sizeof(*(p)), v, 0))

static inline bool try_cmpxchg(unsigned long *p, unsigned long *old, unsigned long new)
{
	u64 found = shim_op(OP_COMPARE_EXCHANGE, p, sizeof(*p), *old, new);
	bool same = found == *old;

	*old = found;
	return same;
}

static inline void set_bit(unsigned int n, unsigned long *map)
{
	shim_op(OP_OR, &map[n / 64], sizeof(*map), BIT(n % 64), 0);
}

static inline void clear_bit(unsigned int n, unsigned long *map)
{
	shim_op(OP_AND, &map[n / 64], sizeof(*map), ~BIT(n % 64), 0);
}

static inline bool test_and_set_bit(unsigned int n, unsigned long *map)
{
	return shim_op(OP_OR, &map[n / 64], sizeof(*map), BIT(n % 64), 0) & BIT(n % 64);
}

#endif
