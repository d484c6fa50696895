// SPDX-License-Identifier: GPL-2.0-only
/*
 * libFuzzer target: the ACPI tables, for any number of CPUs, in any room, at any address.
 */
#include <stdlib.h>
#include <string.h>

#include "../../userspace/launcher/acpi.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct acpi_input input = { 0 };
	uint64_t base = 0;
	uint16_t words[2];
	size_t room, used;
	uint8_t *tables;

	if (size < 13)
		return 0;
	memcpy(words, data, 4);
	memcpy(&base, data + 4, 8);
	input.cpus = 1 + words[0] % 4096;
	input.timer_on_gsi2 = data[12] & 1;
	room = words[1];
	tables = malloc(room ? room : 1);
	used = acpi_build(tables, room, base, &input);
	if (used > room || (used && memcmp(tables, "RSD PTR ", 8)))
		abort();
	free(tables);
	return 0;
}
