/* SPDX-License-Identifier: GPL-2.0-only */
/* The keyboard controller's reset line; see dev_i8042.c. */
#ifndef LINTEL_DEV_I8042_H
#define LINTEL_DEV_I8042_H

#include "device.h"

#define I8042_DATA	0x60
#define I8042_COMMAND	0x64

struct i8042 {
	const struct device_host *host;
};

void i8042_init(struct i8042 *i8042, const struct device_host *host);
uint32_t i8042_read_data(void *dev, uint16_t offset, unsigned int size);
uint32_t i8042_read_status(void *dev, uint16_t offset, unsigned int size);
void i8042_write_data(void *dev, uint16_t offset, unsigned int size, uint32_t value);
void i8042_write_command(void *dev, uint16_t offset, unsigned int size, uint32_t value);

#endif
