/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel's atomics for threads, and the hardware of model.h made of them.
 *
 * A full barrier is a locked instruction on memory of the thread's own, as in the kernel: the
 * thread sanitizer knows no fences, and should not take one for an order between threads.
 */
#ifndef LINTEL_IRQ_TEST_STRESS_SHIM_H
#define LINTEL_IRQ_TEST_STRESS_SHIM_H

#include <assert.h>
#include <linux/futex.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/kvm_types.h>

#define BIT(n)			(1ul << (n))
#define __aligned(n)		__attribute__((aligned(n)))

static __thread unsigned long shim_own;

#define READ_ONCE(x)		__atomic_load_n(&(x), __ATOMIC_RELAXED)
#define WRITE_ONCE(x, v)	__atomic_store_n(&(x), v, __ATOMIC_RELAXED)
#define smp_load_acquire(p)	__atomic_load_n(p, __ATOMIC_ACQUIRE)
#define smp_store_release(p, v)	__atomic_store_n(p, v, __ATOMIC_RELEASE)
#define smp_mb()		((void)__atomic_fetch_or(&shim_own, 0, __ATOMIC_SEQ_CST))
#define smp_mb__after_atomic()	((void)0)
#define smp_store_mb(x, v)	((void)__atomic_exchange_n(&(x), v, __ATOMIC_SEQ_CST))
#define xchg(p, v)		__atomic_exchange_n(p, v, __ATOMIC_SEQ_CST)
#define try_cmpxchg(p, old, new) \
	__atomic_compare_exchange_n(p, old, new, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)

static inline void set_bit(unsigned int n, unsigned long *map)
{
	__atomic_fetch_or(&map[n / 64], BIT(n % 64), __ATOMIC_SEQ_CST);
}

static inline void clear_bit(unsigned int n, unsigned long *map)
{
	__atomic_fetch_and(&map[n / 64], ~BIT(n % 64), __ATOMIC_SEQ_CST);
}

static inline bool test_and_set_bit(unsigned int n, unsigned long *map)
{
	return __atomic_fetch_or(&map[n / 64], BIT(n % 64), __ATOMIC_SEQ_CST) & BIT(n % 64);
}

#endif
