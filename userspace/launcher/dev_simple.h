/* SPDX-License-Identifier: GPL-2.0-only */
/* Ports with nothing behind them that are claimed all the same; see dev_simple.c. */
#ifndef LINTEL_DEV_SIMPLE_H
#define LINTEL_DEV_SIMPLE_H

#include <stdint.h>

uint32_t absent_read(void *dev, uint16_t offset, unsigned int size);
void absent_write(void *dev, uint16_t offset, unsigned int size, uint32_t value);

#endif
