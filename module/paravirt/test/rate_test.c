// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of the arithmetic of kvm-clock: factors of many TSC rates against exact division, over
 * spans from one tick to ten years.
 */
#include "../../test/tap.h"
#include "rate.h"

static void result(bool ok, const char *what, u32 khz)
{
	tap_ok(ok, "%s at %u kHz", what, khz);
}

static void test_rate(u32 khz)
{
	const u64 ten_years_ms = 10ULL * 365 * 86400 * 1000;
	unsigned __int128 back;
	bool exact = true, rising = true, close = true;
	u64 last = 0;
	u32 mul;
	s8 shift;

	clock_rate(khz, &mul, &shift);
	result(mul >> 31, "the factor has its top bit", khz);

	/* mul = floor(10^6 * 2^(32 - shift) / khz): times khz, that is just below the dividend. */
	back = (unsigned __int128)mul * khz;
	exact = back <= (unsigned __int128)1000000 << (32 - shift) &&
		back + khz > (unsigned __int128)1000000 << (32 - shift);
	result(exact, "the factor is the exact one rounded down", khz);

	for (u64 ms = 1; ms <= ten_years_ms; ms *= 3) {
		u64 want = ms * 1000000, got = clock_ticks_to_ns(ms * khz, mul, shift);
		/* 2^-31 of the span by the factor's rounding, and what the shifts cut off */
		u64 room = (want >> 31) + 2 + (shift < 0 ? (2000000 >> -shift) / khz : 0);

		close &= got <= want && want - got <= room;
	}
	result(close, "spans up to ten years are right to 2^-31", khz);

	for (u64 tick = 0; tick < 100000; tick++) {
		u64 now = clock_ticks_to_ns(tick, mul, shift);

		rising &= now >= last;
		last = now;
	}
	result(rising, "time does not go back", khz);
}

/* Pairs of rates: what the scale and the guest's factor make of a day agrees with the host's. */
static void test_scale(u32 host_khz, u32 guest_khz)
{
	u64 ratio = tsc_ratio(guest_khz, host_khz);
	const u64 most = 1ULL << 44, day = 86400000ULL * host_khz;
	bool enough = true, near = true, bounded = true;
	u64 want, got, room;
	u32 mul;
	s8 shift;

	want = (u64)((unsigned __int128)day * guest_khz / host_khz);
	got = tsc_scale(day, ratio);
	/* the ratio is cut off: one part in ratio */
	result(got <= want && want - got <= want / ratio + 2,
	       "a day in the guest's ticks", guest_khz);

	clock_rate_scaled(host_khz, ratio, &mul, &shift);
	got = clock_ticks_to_ns(tsc_scale(day, ratio), mul, shift);
	want = 86400ULL * 1000000000;
	/* 2^-31 of it, a tick, and the digits that slow rates lack */
	room = want / 2000000000 + 1000000 / guest_khz + 2 + want / ((u64)guest_khz << 30);
	result(got + room >= want && got <= want + room, "a day by the guest's clock", guest_khz);

	for (u64 ticks = 1; ticks < 1ULL << 62; ticks = ticks * 5 / 2 + 1) {
		u64 host = tsc_unscale(ticks, ratio, most);

		bounded &= host <= most + 1;
		if (host >= most)
			continue;
		enough &= tsc_scale(host, ratio) >= ticks;
		near &= host < 2 || tsc_scale(host - 2, ratio) <= ticks;
	}
	result(enough, "back to the host's ticks: not too few", guest_khz);
	result(near, "and not too many", guest_khz);
	result(bounded, "and no more than asked for", guest_khz);
}

static void test_scales(void)
{
	static const u32 host[] = { 100000, 1000000, 2400000, 4294967 };
	static const u32 guest[] = { 1, 999, 1000000, 2345678, 2399999, 20000000, 0x7ffffffe };

	for (unsigned int i = 0; i < sizeof(host) / sizeof(host[0]); i++)
		for (unsigned int j = 0; j < sizeof(guest) / sizeof(guest[0]); j++)
			if (tsc_ratio(guest[j], host[i]))
				test_scale(host[i], guest[j]);
	result(!tsc_ratio(0x7ffffffe, 1000), "a ratio beyond 64 bits is none", 0x7ffffffe);
	result(tsc_ratio(1000, 1000) == TSC_RATIO_ONE, "the same rate is a ratio of one", 1000);
}

int main(void)
{
	static const u32 rates[] = {
		1, 1000, 19200, 100000, 999999, 1000000, 1000001, 1999999, 2000000, 2000001,
		2400000, 3500000, 4294967, 10000000, 20000000,
	};

	tap_begin();
	for (unsigned int i = 0; i < sizeof(rates) / sizeof(rates[0]); i++)
		test_rate(rates[i]);
	test_scales();
	return tap_end();
}
