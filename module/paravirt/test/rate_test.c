// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of the arithmetic of kvm-clock: factors of many TSC rates against exact division, over
 * spans from one tick to ten years.
 */
#include <stdbool.h>
#include <stdio.h>

#include "rate.h"

static unsigned int passed, failed;

static void result(bool ok, const char *what, u32 khz)
{
	if (ok)
		passed++;
	else
		failed++;
	printf("%sok %u - %s at %u kHz\n", ok ? "" : "not ", passed + failed, what, khz);
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

int main(void)
{
	static const u32 rates[] = {
		1, 1000, 19200, 100000, 999999, 1000000, 1000001, 1999999, 2000000, 2000001,
		2400000, 3500000, 4294967, 10000000, 20000000,
	};

	for (unsigned int i = 0; i < sizeof(rates) / sizeof(rates[0]); i++)
		test_rate(rates[i]);
	printf("1..%u\n%u passed, %u failed, 0 skipped\n", passed + failed, passed, failed);
	return failed ? 1 : 0;
}
