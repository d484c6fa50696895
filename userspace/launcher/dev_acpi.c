// SPDX-License-Identifier: GPL-2.0-only
/*
 * PM1a event and control blocks, the power-management timer and the reset register. No event is
 * ever raised, so the status reads zero and the SCI stays silent. A sleep state other than S5 is
 * not in the DSDT and is ignored. The registers are laid out as bytes, so that any access size
 * works.
 */
#include "dev_acpi.h"

#include "acpi.h"

#include <string.h>

#define AT_ENABLE	2
#define AT_CONTROL	(ACPI_PM1A_CONTROL - ACPI_PM1A_EVENT)
#define AT_TIMER	(ACPI_PM_TIMER - ACPI_PM1A_EVENT)

#define SCI_ENABLE	(1 << 0)
#define SLP_TYP_SHIFT	10
#define SLP_TYP_MASK	7
#define SLP_ENABLE	(1 << 13)
#define TIMER_HZ	3579545ULL
#define NS_PER_S	1000000000ULL

/* In the reset register: the CPUs are reset when this bit is set. */
#define RESET_CPU	(1 << 2)

void acpi_pm_init(struct acpi_pm *pm, const struct device_host *host)
{
	memset(pm, 0, sizeof(*pm));
	pm->host = host;
	pm->control = SCI_ENABLE;
}

static uint32_t timer(const struct acpi_pm *pm)
{
	uint64_t ns = pm->host->monotonic_ns(pm->host->ctx);

	/* In two steps, for the product of nanoseconds and frequency overflows after an hour. */
	return ns / NS_PER_S * TIMER_HZ + ns % NS_PER_S * TIMER_HZ / NS_PER_S;
}

uint32_t acpi_pm_read(void *dev, uint16_t offset, unsigned int size)
{
	const struct acpi_pm *pm = dev;
	uint8_t bytes[ACPI_PM_PORTS] = { 0 };
	uint32_t value = 0, now = 0;

	if (offset + size > AT_TIMER)
		now = timer(pm);
	memcpy(bytes + AT_ENABLE, &pm->enable, sizeof(pm->enable));
	memcpy(bytes + AT_CONTROL, &pm->control, sizeof(pm->control));
	memcpy(bytes + AT_TIMER, &now, sizeof(now));
	memcpy(&value, bytes + offset, size);
	return value;
}

void acpi_pm_write(void *dev, uint16_t offset, unsigned int size, uint32_t value)
{
	struct acpi_pm *pm = dev;
	uint8_t bytes[ACPI_PM_PORTS] = { 0 };
	uint16_t control;

	memcpy(bytes + AT_ENABLE, &pm->enable, sizeof(pm->enable));
	memcpy(bytes + AT_CONTROL, &pm->control, sizeof(pm->control));
	memcpy(bytes + offset, &value, size);
	memcpy(&pm->enable, bytes + AT_ENABLE, sizeof(pm->enable));
	memcpy(&control, bytes + AT_CONTROL, sizeof(control));
	if ((control & SLP_ENABLE) &&
	    (control >> SLP_TYP_SHIFT & SLP_TYP_MASK) == ACPI_SLP_TYP_S5)
		pm->host->stop(pm->host->ctx, END_POWER_OFF, "the guest powered off");
	/* SLP_EN is write-only; there is no way out of ACPI mode. */
	pm->control = (control & ~SLP_ENABLE) | SCI_ENABLE;
}

uint32_t acpi_reset_read(void *dev, uint16_t offset, unsigned int size)
{
	(void)dev, (void)offset, (void)size;
	return 0;
}

void acpi_reset_write(void *dev, uint16_t offset, unsigned int size, uint32_t value)
{
	struct acpi_pm *pm = dev;

	(void)offset, (void)size;
	if (value & RESET_CPU)
		pm->host->stop(pm->host->ctx, END_RESET, "reset by the reset register");
}
