// SPDX-License-Identifier: GPL-2.0-only
/*
 * The port space is one table. An access goes to the row that has its port and takes its size; an
 * access that no row takes whole is split into bytes, as on an ISA bus; a byte that no row takes is
 * counted, reads all ones, and goes nowhere.
 */
#include "devices.h"

#include "acpi.h"
#include "dev_simple.h"

#include <string.h>

#define BYTE	1u
#define WORD	2u
#define LONG	4u
#define ANY	(BYTE | WORD | LONG)

/*
 * A row: @sizes says which accesses the device takes as they are; @device is its place in struct
 * devices.
 */
static const struct port_range {
	const char *name;
	uint16_t first, count;
	unsigned int sizes;
	size_t device;
	uint32_t (*read)(void *dev, uint16_t offset, unsigned int size);
	void (*write)(void *dev, uint16_t offset, unsigned int size, uint32_t value);
} ranges[PORT_RANGES] = {
	{ "16550A", UART_BASE, UART_PORTS, BYTE, offsetof(struct devices, uart),
	  uart_read, uart_write },
	{ "ACPI power management", ACPI_PM1A_EVENT, ACPI_PM_PORTS, ANY,
	  offsetof(struct devices, acpi_pm), acpi_pm_read, acpi_pm_write },
	{ "RTC", RTC_BASE, RTC_PORTS, BYTE, offsetof(struct devices, rtc), rtc_read, rtc_write },
	{ "8042 data", I8042_DATA, 1, BYTE, offsetof(struct devices, i8042),
	  i8042_read_data, i8042_write_data },
	{ "8042 command", I8042_COMMAND, 1, BYTE, offsetof(struct devices, i8042),
	  i8042_read_status, i8042_write_command },
	{ "POST code", 0x80, 1, ANY, 0, absent_read, absent_write },
	/* The address register is 32 bits wide; as a byte, 0xcf9 is the reset register. */
	{ "PCI address", 0xcf8, 4, LONG, 0, absent_read, absent_write },
	{ "reset register", ACPI_RESET_PORT, 1, BYTE, offsetof(struct devices, acpi_pm),
	  acpi_reset_read, acpi_reset_write },
	{ "PCI address (bytes)", 0xcf8, 4, BYTE, 0, absent_read, absent_write },
	{ "PCI data", 0xcfc, 4, ANY, 0, absent_read, absent_write },
};

static const struct port_range *find(uint16_t port, unsigned int size)
{
	unsigned int i;

	for (i = 0; i < PORT_RANGES; i++) {
		const struct port_range *r = &ranges[i];

		if (port >= r->first && port - r->first + size <= r->count && (r->sizes & size))
			return r;
	}
	return NULL;
}

static void access_range(struct devices *devices, const struct port_range *r, uint16_t port,
			 unsigned int size, bool write, void *data)
{
	void *dev = (char *)devices + r->device;
	struct port_count *count = &devices->claimed[r - ranges];
	uint32_t value = 0;

	if (write) {
		count->writes++;
		memcpy(&value, data, size);
		r->write(dev, port - r->first, size, value);
	} else {
		count->reads++;
		value = r->read(dev, port - r->first, size);
		memcpy(data, &value, size);
	}
}

static void access_nothing(struct devices *devices, uint16_t port, bool write, uint8_t *byte)
{
	if (write) {
		devices->unclaimed[port].writes++;
	} else {
		devices->unclaimed[port].reads++;
		*byte = 0xff;
	}
}

void devices_io(struct devices *devices, uint16_t port, unsigned int size, bool write, void *data)
{
	const struct port_range *r = find(port, size);
	uint8_t *byte = data;
	unsigned int i;

	if (r) {
		access_range(devices, r, port, size, write, data);
		return;
	}
	for (i = 0; i < size; i++) {
		uint16_t at = port + i;	/* wraps at the end of the port space */

		r = find(at, BYTE);
		if (r)
			access_range(devices, r, at, BYTE, write, byte + i);
		else
			access_nothing(devices, at, write, byte + i);
	}
}

const char *devices_range_name(unsigned int i)
{
	return ranges[i].name;
}

void devices_init(struct devices *devices, const struct device_host *host)
{
	memset(devices, 0, sizeof(*devices));
	uart_init(&devices->uart, host);
	rtc_init(&devices->rtc, host);
	i8042_init(&devices->i8042, host);
	acpi_pm_init(&devices->acpi_pm, host);
}
