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
typedef unsigned __int128 u128;
#define mul_u64_u32_div(a, mul, div)	((u64)((u128)(a) * (mul) / (div)))
#define mul_u64_u64_div_u64(a, mul, div) ((u64)((u128)(a) * (mul) / (div)))
#define mul_u64_u64_shr(a, mul, by)	((u64)((u128)(a) * (mul) >> (by)))
#define mul_u64_u32_shr(a, mul, shift)	((u64)((u128)(a) * (mul) >> (shift)))
#endif

#include "../tsc_ratio.h"

/*
 * clock_fraction - factor and shift for a TSC that makes @ticks in @ns: mul / 2^32 * 2^shift is
 * ns / ticks, rounded down, with the top bit of mul set so that it has 32 bits of precision.
 * Neither is 0 or above 2^62.
 */
static inline void clock_fraction(u64 ns, u64 ticks, u32 *mul, s8 *shift)
{
	s8 by = 0;

	while (ns >= ticks) {
		ticks <<= 1;
		by++;
	}
	while (ns * 2 < ticks) {
		ns <<= 1;
		by--;
	}
	*mul = mul_u64_u64_div_u64(ns, 1ULL << 32, ticks);
	*shift = by;
}

/* clock_rate - for a TSC of @khz, which is not 0. */
static inline void clock_rate(u32 khz, u32 *mul, s8 *shift)
{
	clock_fraction(1000000, khz, mul, shift);
}

/* More digits than kHz have: of a scaled rate, whose error would grow with time. */
#define CLOCK_SCALED_BITS	30

/*
 * clock_rate_scaled - for a guest whose TSC is that of @khz times @ratio (tsc_ratio.h), not the
 * rounded kHz that its VMM has asked for: a VM's clocks have to agree for as long as it runs.
 */
static inline void clock_rate_scaled(u32 khz, u64 ratio, u32 *mul, s8 *shift)
{
	if (ratio == TSC_RATIO_ONE)
		clock_rate(khz, mul, shift);
	else
		clock_fraction(1000000ULL << CLOCK_SCALED_BITS,
			       mul_u64_u64_shr((u64)khz << CLOCK_SCALED_BITS, ratio,
					       TSC_RATIO_SHIFT),
			       mul, shift);
}

/* clock_ticks_to_ns - what the guest computes from @delta ticks. */
static inline u64 clock_ticks_to_ns(u64 delta, u32 mul, s8 shift)
{
	delta = shift >= 0 ? delta << shift : delta >> -shift;
	return mul_u64_u32_shr(delta, mul, 32);
}

#endif
