// SPDX-License-Identifier: GPL-2.0-only
/*
 * libFuzzer target: the port space, driven by a guest that does anything. An input is a sequence
 * of accesses, eight bytes each: port, size and direction, value; some are input from the terminal.
 * Clocks stand where the input says.
 */
#include <stdlib.h>
#include <string.h>

#include "../../userspace/launcher/acpi.h"
#include "../../userspace/launcher/devices.h"

#define STEP	8

static int64_t clock_now;
static int lines[256];

static void irq(void *ctx, unsigned int gsi, int level)
{
	(void)ctx;
	if (gsi >= 24 || (level != 0 && level != 1))
		abort();
	lines[gsi] = level;
}

static void stop(void *ctx, enum end end, const char *why)
{
	(void)ctx;
	if (end > END_CRASH || !why)
		abort();
}

static void output(void *ctx, const uint8_t *bytes, size_t count)
{
	static volatile uint8_t last;

	(void)ctx;
	/* every byte must be there to be read */
	while (count--)
		last = bytes[count];
	(void)last;
}

static void input_room(void *ctx)
{
	(void)ctx;
}

static int64_t now(void *ctx)
{
	(void)ctx;
	return clock_now;
}

static uint64_t monotonic_ns(void *ctx)
{
	(void)ctx;
	return (uint64_t)clock_now * 1000000007ULL;
}

static uint16_t pick_port(const uint8_t *step)
{
	static const uint16_t ports[] = {
		0x3f8, 0x3f9, 0x3fa, 0x3fb, 0x3fc, 0x3fd, 0x3fe, 0x3ff, 0x70, 0x71, 0x60, 0x64,
		ACPI_PM1A_EVENT, ACPI_PM1A_CONTROL, ACPI_PM_TIMER, 0xcf8, 0xcf9, 0xcfc, 0x80,
		0xffff,
	};

	if (step[0] & 0x80)
		return step[1] | step[2] << 8;
	return ports[step[1] % (sizeof(ports) / sizeof(ports[0]))] +
	       (step[2] & 3 ? 0 : step[2] >> 2);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct devices devices;
	const struct device_host host = {
		.irq = irq, .stop = stop, .output = output, .input_room = input_room,
		.now = now, .monotonic_ns = monotonic_ns,
	};

	devices_init(&devices, &host);
	for (; size >= STEP; data += STEP, size -= STEP) {
		unsigned int bytes = 1U << (data[0] & 3) % 3;
		uint8_t *value = malloc(bytes);

		memcpy(&clock_now, data, 4);
		if ((data[0] & 0x70) == 0x70) {
			uart_receive(&devices.uart, data + 4, data[3] & 3);
		} else {
			memcpy(value, data + 4, bytes);
			devices_io(&devices, pick_port(data), bytes, data[0] & 4, value);
		}
		free(value);
	}
	return 0;
}
