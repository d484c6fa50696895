// SPDX-License-Identifier: GPL-2.0-only
/*
 * The preemption timer's start value, against the timer itself: a count-down that steps when a bit
 * of the TSC changes, as the SDM describes it.
 */
#include "../../test/tap.h"
#include "../timer.h"

/* The TSC at which a timer started at @now with @value is zero. */
static u64 expiry(u64 now, u32 value, unsigned int rate)
{
	return value ? ((now >> rate) + value) << rate : now;
}

/* Never early, and not a step later than it has to be. */
static bool on_time(u64 now, u64 target, unsigned int rate)
{
	u64 at = expiry(now, vmx_timer_value(now, target, rate), rate);
	u64 want = target > now ? target : now;

	if (at >= want && at - want < 1ull << rate)
		return true;
	tap_note("now %#lx target %#lx rate %u: expires at %#lx", now, target, rate, at);
	return false;
}

int main(void)
{
	static const u64 bases[] = { 0, 1, 1000, 0xfffffff0, 1ull << 40, 0x123456789abcdef };
	unsigned int i, rate;
	bool near = true, far = true;
	u64 now, d;

	tap_begin();
	for (i = 0; i < sizeof(bases) / sizeof(bases[0]); i++)
		for (rate = 0; rate < 32; rate += rate < 6 ? 1 : 5)
			for (now = bases[i]; now < bases[i] + 70; now++)
				for (d = 0; d < 140; d++)
					near &= on_time(now, now + d, rate);
	tap_ok(near, "never early, and late by less than one count");
	tap_ok(vmx_timer_value(1000, 5, 0) == 0, "past: at once");
	for (i = 0; i < sizeof(bases) / sizeof(bases[0]); i++)
		for (rate = 0; rate < 6; rate++) {
			d = 0xfffffff0ull << rate;
			far &= on_time(bases[i], bases[i] + d, rate);
			far &= vmx_timer_value(bases[i], bases[i] + d * 3, rate) == 0xffffffff;
		}
	tap_ok(far, "what is too far is cut");
	tap_ok(vmx_timer_value(7, ~0ull, 31) == 0xffffffff, "the end of time");
	return tap_end();
}
