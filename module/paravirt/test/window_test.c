// SPDX-License-Identifier: GPL-2.0-only
/*
 * The windows of halt polling and PAUSE loops: each rule in a row, the extremes of parameters,
 * and, for any sequence of halts, that a window stays within its bounds and settles.
 */
#include "../../test/tap.h"
#include "window.h"

static const struct window_rules usual = { 10000, 2, 2, 200000 };

/* Without a row's rules of its own: the usual ones. */
static const struct {
	const char *what;
	struct window_rules rules;
	u32 window;
	u64 halted;
	u32 next;
} halts[] = {
	{ "a short halt makes the first step", { 0 }, 0, 5000, 10000 },
	{ "a poll that caught the end stays", { 0 }, 20000, 15000, 20000 },
	{ "caught at the last moment stays", { 0 }, 20000, 20000, 20000 },
	{ "an end just behind the poll doubles it", { 0 }, 20000, 20001, 40000 },
	{ "growth ends at the maximum", { 0 }, 160000, 170000, 200000 },
	{ "a halt as long as the longest poll changes nothing", { 0 }, 20000, 200000, 20000 },
	{ "a longer halt halves it", { 0 }, 80000, 200001, 40000 },
	{ "what falls below the first step is 0", { 0 }, 10000, 1000000000, 0 },
	{ "a long halt without a poll leaves 0", { 0 }, 0, ~0ull, 0 },
	{ "a window above a lowered maximum is cut", { 10000, 2, 2, 30000 }, 80000, 1000, 30000 },
	{ "maximum 0: no poll", { 10000, 2, 2, 0 }, 80000, 5000, 0 },
	{ "factor 0: it does not grow", { 10000, 0, 2, 200000 }, 0, 5000, 0 },
	{ "factor 1: the first step only", { 10000, 1, 2, 200000 }, 10000, 15000, 10000 },
	{ "divisor 0: to nothing at once", { 10000, 2, 0, 200000 }, 200000, 300000, 0 },
	{ "divisor 1: it does not shrink", { 10000, 2, 1, 200000 }, 80000, 300000, 80000 },
	{ "a first step above the maximum is cut", { 900000, 2, 2, 200000 }, 0, 5, 200000 },
	{ "the product does not overflow", { 1, ~0u, 2, ~0u }, ~0u - 1, ~0u - 0ull, ~0u - 1 },
	{ "nor one that is cut", { 1, ~0u, 2, ~0u }, 7, 8, ~0u },
};

static const struct {
	const char *what;
	struct window_rules rules;
	u32 window, grown, shrunk;
} ples[] = {
	{ "doubling, and back to the base", { 4096, 2, 0, ~0u }, 8192, 16384, 4096 },
	{ "factors both ways", { 4096, 4, 2, ~0u }, 8192, 32768, 4096 },
	{ "a large modifier is added and taken off", { 4096, 5000, 5000, ~0u },
	  20000, 25000, 15000 },
	{ "never below the base", { 4096, 2, 5000, ~0u }, 4500, 9000, 4096 },
	{ "never above the maximum", { 4096, 2, 2, 10000 }, 8192, 10000, 4096 },
	{ "no overflow by the factor", { 4096, 4000, 2, ~0u }, ~0u, ~0u, ~0u / 2 },
	{ "no overflow by the sum", { 4096, ~0u, ~0u, ~0u }, ~0u, ~0u, 4096 },
	{ "growth switched off", { 4096, 0, 0, ~0u }, 8192, 4096, 4096 },
};

static void test_bounds(void)
{
	bool bounded = true, settled;
	u32 window = 0, seed = 1;

	for (unsigned int i = 0; i < 1000000; i++) {
		seed = seed * 1664525 + 1013904223;
		window = halt_window_next(window, seed % 400000, &usual);
		bounded &= window == 0 || (window >= usual.start && window <= usual.max);
	}
	tap_ok(bounded, "a million halts: 0, or between the first step and the maximum");

	for (unsigned int i = 0; i < 10; i++)
		window = halt_window_next(window, 100000, &usual);
	settled = window >= 100000;
	for (unsigned int i = 0; i < 10; i++)
		settled &= halt_window_next(window, 100000, &usual) == window;
	tap_ok(settled, "halts of one length: the poll comes to cover them and stays");
	for (unsigned int i = 0; i < 10; i++)
		window = halt_window_next(window, 5000000, &usual);
	tap_ok(window == 0, "long halts: polling ends");
}

int main(void)
{
	tap_begin();
	for (unsigned int i = 0; i < sizeof(halts) / sizeof(halts[0]); i++) {
		bool own = halts[i].rules.start;

		tap_ok(halt_window_next(halts[i].window, halts[i].halted,
					own ? &halts[i].rules : &usual) == halts[i].next,
		       halts[i].what);
	}
	for (unsigned int i = 0; i < sizeof(ples) / sizeof(ples[0]); i++) {
		tap_ok(ple_grow(ples[i].window, &ples[i].rules) == ples[i].grown,
		       ples[i].what);
		tap_ok(ple_shrink(ples[i].window, &ples[i].rules) == ples[i].shrunk,
		       ples[i].what);
	}
	test_bounds();
	return tap_end();
}
