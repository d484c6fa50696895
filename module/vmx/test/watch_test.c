// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bus-lock detection and the notify window, as far as it goes without a processor that has them:
 * what user space may ask for, and which exits it hears of.
 */
#include <stdio.h>

#include "../watch.h"

static unsigned int count, failed;

static void result(bool good, const char *name)
{
	printf("%sok %u - %s\n", good ? "" : "not ", ++count, name);
	failed += !good;
}

int main(void)
{
	const u64 window = 1ULL << 32;

	result(watch_bus_lock_valid(1, false) && watch_bus_lock_valid(0, false),
	       "off may be asked for on every processor");
	result(watch_bus_lock_valid(2, true) && !watch_bus_lock_valid(2, false),
	       "exits only where the processor has the control");
	result(!watch_bus_lock_valid(3, true) && !watch_bus_lock_valid(6, true) &&
	       !watch_bus_lock_valid(1ULL << 32 | 2, true), "not both, and no other bit");

	result(watch_notify_valid(1, true) && watch_notify_valid(3, true) &&
	       watch_notify_valid(3 | ~0U * window, true), "any window, with the known flags");
	result(!watch_notify_valid(1, false), "not without the control");
	result(!watch_notify_valid(0, true) && !watch_notify_valid(2, true) &&
	       !watch_notify_valid(128 * window, true), "not without the flag that turns it on");
	result(!watch_notify_valid(5, true) && !watch_notify_valid(1U << 31 | 1, true),
	       "no other flag");
	result(NOTIFY_FLAGS(3 | 128 * window) == 3 && NOTIFY_TICKS(3 | 128 * window) == 128,
	       "flags and window are the halves of the argument");

	result(!watch_notify_exits(1, 0) && !watch_notify_exits(1, 1 << 12),
	       "a guest that is well goes on");
	result(watch_notify_exits(3, 0), "unless user space wants each");
	result(watch_notify_exits(1, 1) && watch_notify_exits(3, 1),
	       "one that is lost never does");
	result(!(EXIT_REASON_HELD_BUS & EXIT_REASON_BASIC) && EXIT_REASON_HELD_BUS == 0x04000000,
	       "the bit stands beside the basic reason");
	printf("1..%u\n", count);
	return failed != 0;
}
