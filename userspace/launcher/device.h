/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a device model sees of the machine around it. A device is a struct with its registers and
 * functions that take an offset from its first port; all of them run under one lock, taken by the
 * caller (devices.h), so no model locks anything. A test gives a device a host of its own.
 */
#ifndef LINTEL_DEVICE_H
#define LINTEL_DEVICE_H

#include <stddef.h>
#include <stdint.h>

/*
 * Why a guest ended. The numbers are the exit codes of `lintel run`, and documented in its manual.
 */
enum end {
	END_POWER_OFF = 0,
	END_SETUP = 1,		/* it never ran, or the launcher failed */
	END_USAGE = 2,
	END_RESET = 3,
	END_TRIPLE_FAULT = 4,
	END_FAIL_ENTRY = 5,
	END_INTERNAL_ERROR = 6,
	END_UNEXPECTED_EXIT = 7,
	END_TIMEOUT = 8,
	END_USER = 9,		/* Ctrl-A x, or a signal */
	END_CRASH = 10,		/* the guest said so */
};

struct device_host {
	void *ctx;
	/* Sets the level of an interrupt line. */
	void (*irq)(void *ctx, unsigned int gsi, int level);
	/* Ends the run; the first call counts. */
	void (*stop)(void *ctx, enum end end, const char *why);
	/* Bytes of the guest's console. */
	void (*output)(void *ctx, const uint8_t *bytes, size_t count);
	/* There is room again for console input. */
	void (*input_room)(void *ctx);
	/* The host's clocks: seconds since 1970 in UTC, and nanoseconds that never go back. */
	int64_t (*now)(void *ctx);
	uint64_t (*monotonic_ns)(void *ctx);
};

#endif
