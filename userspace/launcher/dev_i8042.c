// SPDX-License-Identifier: GPL-2.0-only
/*
 * There is no keyboard and no mouse; what is left of the controller is the command that pulses the
 * reset line, by which many systems reboot. The status makes drivers give up at once: the output
 * buffer stays full whatever is read from it, so that a probe sees no controller, and the input
 * buffer is never full, so that nobody waits before the reset command.
 */
#include "dev_i8042.h"

#define STATUS		0xfd	/* all bits but "input buffer full" */
#define PULSE_RESET	0xfe

void i8042_init(struct i8042 *i8042, const struct device_host *host)
{
	i8042->host = host;
}

uint32_t i8042_read_data(void *dev, uint16_t offset, unsigned int size)
{
	(void)dev, (void)offset, (void)size;
	return 0xff;
}

uint32_t i8042_read_status(void *dev, uint16_t offset, unsigned int size)
{
	(void)dev, (void)offset, (void)size;
	return STATUS;
}

void i8042_write_data(void *dev, uint16_t offset, unsigned int size, uint32_t value)
{
	(void)dev, (void)offset, (void)size, (void)value;
}

void i8042_write_command(void *dev, uint16_t offset, unsigned int size, uint32_t value)
{
	struct i8042 *i8042 = dev;

	(void)offset, (void)size;
	if ((value & 0xff) == PULSE_RESET)
		i8042->host->stop(i8042->host->ctx, END_RESET, "reset by the keyboard controller");
}
