/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The devices of the machine as one object, and the port space in front of them. devices_io() is
 * the only way in; the caller holds one lock around it and around what it calls on a device
 * directly.
 */
#ifndef LINTEL_DEVICES_H
#define LINTEL_DEVICES_H

#include "dev_acpi.h"
#include "dev_i8042.h"
#include "dev_rtc.h"
#include "dev_uart.h"

#include <stdbool.h>

#define PORTS		0x10000
#define PORT_RANGES	10

struct port_count {
	uint32_t reads, writes;
};

struct devices {
	struct uart uart;
	struct rtc rtc;
	struct i8042 i8042;
	struct acpi_pm acpi_pm;
	struct port_count claimed[PORT_RANGES];
	struct port_count unclaimed[PORTS];
};

void devices_init(struct devices *devices, const struct device_host *host);

/* One access of @size bytes (1, 2 or 4) to @port; on a read, @data receives them. */
void devices_io(struct devices *devices, uint16_t port, unsigned int size, bool write, void *data);

/* The name of row @i of the table, for the counts in @claimed. */
const char *devices_range_name(unsigned int i);

#endif
