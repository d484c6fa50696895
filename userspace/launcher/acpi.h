/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ACPI tables of the guest: RSDP, XSDT, FADT, FACS, DSDT and MADT, made by hand. They promise
 * what the devices of devices.c keep and nothing else. The port numbers are shared with dev_acpi.c.
 */
#ifndef LINTEL_ACPI_H
#define LINTEL_ACPI_H

#include "memory.h"

#include <stdbool.h>

#define ACPI_PM1A_EVENT		0x600	/* status, then enable: two bytes each */
#define ACPI_PM1A_CONTROL	0x604
#define ACPI_PM_TIMER		0x608
#define ACPI_RESET_PORT		0xcf9
#define ACPI_RESET_VALUE	0x06
#define ACPI_SCI		9
#define ACPI_SLP_TYP_S5		5

#define ACPI_LAPIC_BASE		0xfee00000
#define ACPI_IOAPIC_BASE	0xfec00000

struct acpi_input {
	unsigned int cpus;	/* APIC ids 0 to cpus - 1 */
	bool timer_on_gsi2;	/* the PIT's interrupt reaches pin 2 of the IOAPIC, not pin 0 */
};

/*
 * Builds the tables for guest address @base into @buf, RSDP first; returns the bytes taken, or 0
 * when @max does not suffice.
 */
size_t acpi_build(uint8_t *buf, size_t max, gpa_t base, const struct acpi_input *input);

#endif
