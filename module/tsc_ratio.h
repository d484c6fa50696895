/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The arithmetic of TSC scaling: SDM, "TSC Offsetting and TSC Scaling".
 *
 *	guest TSC = (host TSC * ratio >> 48) + offset
 *
 * Pure functions, also built in userspace, where module/paravirt/test checks them.
 */
#ifndef LINTEL_TSC_RATIO_H
#define LINTEL_TSC_RATIO_H

#ifdef __KERNEL__
#include <linux/math64.h>
#include <linux/types.h>
#endif

#define TSC_RATIO_SHIFT	48
#define TSC_RATIO_ONE	0x1000000000000ULL	/* the host's rate */

/* tsc_ratio - for a guest of @guest_khz on a host of @host_khz, not 0; 0: there is none. */
static inline u64 tsc_ratio(u32 guest_khz, u32 host_khz)
{
	/* the quotient has 64 bits */
	if (guest_khz >> 16 >= host_khz)
		return 0;
	return mul_u64_u32_div(TSC_RATIO_ONE, guest_khz, host_khz);
}

/* tsc_scale - what @ticks of the host are for the guest. */
static inline u64 tsc_scale(u64 ticks, u64 ratio)
{
	return ratio == TSC_RATIO_ONE ? ticks : mul_u64_u64_shr(ticks, ratio, TSC_RATIO_SHIFT);
}

/*
 * tsc_unscale - the host's ticks that are at least @ticks of the guest, but at most @most, which is
 * below 2^63.
 */
static inline u64 tsc_unscale(u64 ticks, u64 ratio, u64 most)
{
	if (ratio == TSC_RATIO_ONE)
		return ticks < most ? ticks : most;
	/* the division that follows must not overflow */
	if (ticks >= mul_u64_u64_shr(most, ratio, TSC_RATIO_SHIFT))
		return most;
	return mul_u64_u64_div_u64(ticks, TSC_RATIO_ONE, ratio) + 1;
}

#endif
