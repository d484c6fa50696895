/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The arithmetic of kvm-clock: nanoseconds from TSC ticks, exactly as the guest does it.
 *
 * Pure functions, also built in userspace, where test/ checks them.
 */
#ifndef LINTEL_PARAVIRT_RATE_H
#define LINTEL_PARAVIRT_RATE_H

#ifdef __KERNEL__
#include <linux/math64.h>
#include <linux/types.h>
#else
#include <stdint.h>
typedef uint64_t u64;
typedef uint32_t u32;
typedef int8_t s8;
#define div64_u64(a, b)			((a) / (b))
#define mul_u64_u32_shr(a, mul, shift)	((u64)((unsigned __int128)(a) * (mul) >> (shift)))
#endif

/*
 * clock_rate - factor and shift for a TSC of @khz: mul / 2^32 * 2^shift is 10^6 / khz, rounded
 * down, with the top bit of mul set so that it has 32 bits of precision.  @khz is not 0.
 */
static inline void clock_rate(u32 khz, u32 *mul, s8 *shift)
{
	u64 ns = 1000000, ticks = khz;		/* of a millisecond */
	s8 by = 0;

	while (ns >= ticks) {
		ticks <<= 1;
		by++;
	}
	while (ns * 2 < ticks) {
		ns <<= 1;
		by--;
	}
	*mul = div64_u64(ns << 32, ticks);
	*shift = by;
}

/* clock_ticks_to_ns - what the guest computes from @delta ticks. */
static inline u64 clock_ticks_to_ns(u64 delta, u32 mul, s8 shift)
{
	delta = shift >= 0 ? delta << shift : delta >> -shift;
	return mul_u64_u32_shr(delta, mul, 32);
}

#endif
