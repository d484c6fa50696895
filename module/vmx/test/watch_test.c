// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bus-lock detection and the notify window, as far as it goes without a processor that has them:
 * what user space may ask for, and which exits it hears of.
 */
#include "../../test/tap.h"
#include "../watch.h"

int main(void)
{
	const u64 window = 1ULL << 32;

	tap_begin();
	tap_ok(watch_bus_lock_valid(1, false) && watch_bus_lock_valid(0, false),
	       "off may be asked for on every processor");
	tap_ok(watch_bus_lock_valid(2, true) && !watch_bus_lock_valid(2, false),
	       "exits only where the processor has the control");
	tap_ok(!watch_bus_lock_valid(3, true) && !watch_bus_lock_valid(6, true) &&
	       !watch_bus_lock_valid(1ULL << 32 | 2, true), "not both, and no other bit");

	tap_ok(watch_notify_valid(1, true) && watch_notify_valid(3, true) &&
	       watch_notify_valid(3 | ~0U * window, true), "any window, with the known flags");
	tap_ok(!watch_notify_valid(1, false), "not without the control");
	tap_ok(!watch_notify_valid(0, true) && !watch_notify_valid(2, true) &&
	       !watch_notify_valid(128 * window, true), "not without the flag that turns it on");
	tap_ok(!watch_notify_valid(5, true) && !watch_notify_valid(1U << 31 | 1, true),
	       "no other flag");
	tap_ok(NOTIFY_FLAGS(3 | 128 * window) == 3 && NOTIFY_TICKS(3 | 128 * window) == 128,
	       "flags and window are the halves of the argument");

	tap_ok(!watch_notify_exits(1, 0) && !watch_notify_exits(1, 1 << 12),
	       "a guest that is well goes on");
	tap_ok(watch_notify_exits(3, 0), "unless user space wants each");
	tap_ok(watch_notify_exits(1, 1) && watch_notify_exits(3, 1),
	       "one that is lost never does");
	tap_ok(!(EXIT_REASON_HELD_BUS & EXIT_REASON_BASIC) && EXIT_REASON_HELD_BUS == 0x04000000,
	       "the bit stands beside the basic reason");
	return tap_end();
}
