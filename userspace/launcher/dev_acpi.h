/* SPDX-License-Identifier: GPL-2.0-only */
/* The fixed hardware that the ACPI tables promise; see dev_acpi.c. */
#ifndef LINTEL_DEV_ACPI_H
#define LINTEL_DEV_ACPI_H

#include "device.h"

#define ACPI_PM_PORTS	12	/* from ACPI_PM1A_EVENT on: event, control, timer */

struct acpi_pm {
	const struct device_host *host;
	uint16_t enable, control;
};

void acpi_pm_init(struct acpi_pm *pm, const struct device_host *host);
uint32_t acpi_pm_read(void *dev, uint16_t offset, unsigned int size);
void acpi_pm_write(void *dev, uint16_t offset, unsigned int size, uint32_t value);
uint32_t acpi_reset_read(void *dev, uint16_t offset, unsigned int size);
void acpi_reset_write(void *dev, uint16_t offset, unsigned int size, uint32_t value);

#endif
