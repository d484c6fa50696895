// SPDX-License-Identifier: GPL-2.0-only
/*
 * The answer of a bus on which nobody listens: all ones, and writes are dropped. Used for ports
 * whose use by a guest is expected and means nothing: the POST code port, which kernels write for a
 * delay, and PCI configuration, where it says that there is no PCI (the address register does not
 * keep what is written to it).
 */
#include "dev_simple.h"

uint32_t absent_read(void *dev, uint16_t offset, unsigned int size)
{
	(void)dev, (void)offset, (void)size;
	return UINT32_MAX;
}

void absent_write(void *dev, uint16_t offset, unsigned int size, uint32_t value)
{
	(void)dev, (void)offset, (void)size, (void)value;
}
