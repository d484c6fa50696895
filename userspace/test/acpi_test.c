// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ACPI tables, read by their byte offsets in the specification, not by the structs that made
 * them: a wrong layout cannot hide.
 */
#include "test.h"

#include "../launcher/acpi.h"

#include <stdlib.h>
#include <string.h>

#define BASE	0xe0000
#define SIZE	0x20000

static uint8_t *tables;
static size_t used;

static uint64_t get(const uint8_t *at, unsigned int bytes)
{
	uint64_t value = 0;

	memcpy(&value, at, bytes);
	return value;
}

static unsigned int sum(const uint8_t *at, size_t len)
{
	uint8_t s = 0;

	while (len--)
		s += *at++;
	return s;
}

/* The table at guest address @gpa, with its signature, length and checksum checked. */
static const uint8_t *table(uint64_t gpa, const char *signature)
{
	const uint8_t *at = tables + (gpa - BASE);

	CHECK(gpa >= BASE && gpa + 36 <= BASE + used, "%s lies at %#llx", signature,
	      (unsigned long long)gpa);
	CHECK(!memcmp(at, signature, 4), "%.4s is not %s", at, signature);
	CHECK(gpa + get(at + 4, 4) <= BASE + used, "%s is too long", signature);
	CHECK_EQ(sum(at, get(at + 4, 4)), 0, signature);
	return at;
}

static void build(unsigned int cpus, bool override)
{
	struct acpi_input input = { .cpus = cpus, .timer_on_gsi2 = override };

	memset(tables, 0, SIZE);
	used = acpi_build(tables, SIZE, BASE, &input);
	CHECK(used > 0 && used <= SIZE, "%u CPUs: %zu bytes", cpus, used);
}

/* Counts the MADT's entries of @type and gives the last one. */
static unsigned int madt_entries(const uint8_t *madt, unsigned int type, const uint8_t **last)
{
	const uint8_t *at = madt + 44, *end = madt + get(madt + 4, 4);
	unsigned int count = 0;

	while (at + 2 <= end) {
		if (at[1] < 2) {
			CHECK(at[1] >= 2, "an entry of the MADT has no length");
			break;
		}
		if (at[0] == type) {
			count++;
			*last = at;
		}
		at += at[1];
	}
	CHECK(at == end, "the entries of the MADT do not end with it");
	return count;
}

static void check_fadt(const uint8_t *fadt)
{
	const uint8_t *facs, *dsdt;

	CHECK_EQ(get(fadt + 4, 4), 244, "FADT length");
	facs = tables + (get(fadt + 36, 4) - BASE);
	CHECK(!memcmp(facs, "FACS", 4) && get(facs + 4, 4) == 64, "FACS");
	CHECK_EQ(get(fadt + 36, 4) % 64, 0, "FACS alignment");
	CHECK_EQ(get(fadt + 40, 4), get(fadt + 140, 8), "DSDT and X_DSDT");
	dsdt = table(get(fadt + 140, 8), "DSDT");
	CHECK(memmem(dsdt, get(dsdt + 4, 4), "_S5_", 4), "the DSDT has no \\_S5");
	CHECK_EQ(get(fadt + 46, 2), 9, "SCI");
	CHECK_EQ(get(fadt + 48, 4), 0, "no SMI command port");
	CHECK_EQ(get(fadt + 56, 4), 0x600, "PM1a event");
	CHECK_EQ(get(fadt + 64, 4), 0x604, "PM1a control");
	CHECK_EQ(get(fadt + 76, 4), 0x608, "PM timer");
	CHECK_EQ(fadt[88], 4, "PM1 event length");
	CHECK_EQ(fadt[89], 2, "PM1 control length");
	CHECK_EQ(fadt[91], 4, "PM timer length");
	CHECK_EQ(fadt[108], 0x32, "century");
	CHECK_EQ(get(fadt + 109, 2) & 2, 0, "no 8042");
	CHECK_EQ(get(fadt + 112, 4) >> 10 & 1, 1, "reset register");
	CHECK_EQ(get(fadt + 112, 4) >> 20 & 1, 0, "not hardware-reduced");
	CHECK_EQ(fadt[116], 1, "reset register: I/O");
	CHECK_EQ(get(fadt + 120, 8), 0xcf9, "reset register");
	CHECK_EQ(fadt[128], 6, "reset value");
	CHECK_EQ(get(fadt + 148 + 4, 8), 0x600, "X_PM1a event");
	CHECK_EQ(get(fadt + 172 + 4, 8), 0x604, "X_PM1a control");
	CHECK_EQ(get(fadt + 208 + 4, 8), 0x608, "X_PM timer");
}

void test_acpi(void)
{
	const uint8_t *xsdt, *madt, *entry = NULL;

	tables = malloc(SIZE);
	build(3, true);
	CHECK(!memcmp(tables, "RSD PTR ", 8), "RSDP");
	CHECK_EQ(sum(tables, 20), 0, "RSDP, revision 0");
	CHECK_EQ(sum(tables, 36), 0, "RSDP, revision 2");
	CHECK_EQ(tables[15], 2, "RSDP revision");
	xsdt = table(get(tables + 24, 8), "XSDT");
	CHECK_EQ(get(xsdt + 4, 4), 36 + 2 * 8, "XSDT length");
	check_fadt(table(get(xsdt + 36, 8), "FACP"));
	madt = table(get(xsdt + 44, 8), "APIC");
	CHECK_EQ(get(madt + 36, 4), 0xfee00000, "LAPIC");
	CHECK_EQ(madt_entries(madt, 0, &entry), 3, "LAPICs");
	CHECK_EQ(entry[3], 2, "last APIC id");
	CHECK_EQ(madt_entries(madt, 1, &entry), 1, "IOAPICs");
	CHECK_EQ(get(entry + 4, 4), 0xfec00000, "IOAPIC");
	CHECK_EQ(madt_entries(madt, 4, &entry), 1, "NMI");
	CHECK_EQ(entry[5], 1, "NMI on LINT1");
	CHECK_EQ(madt_entries(madt, 2, &entry), 2, "overrides: timer and SCI");
	free(tables);
}

void test_acpi_sizes(void)
{
	static const struct { unsigned int cpus, lapics, x2apics; } rows[] = {
		{ 1, 1, 0 }, { 2, 2, 0 }, { 64, 64, 0 }, { 255, 255, 0 }, { 256, 255, 1 },
		{ 4096, 255, 3841 },
	};
	struct acpi_input input = { .cpus = 300, .timer_on_gsi2 = true };
	const uint8_t *xsdt, *madt, *entry = NULL;
	uint8_t *exact;
	size_t i, need;

	tables = malloc(SIZE);
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		build(rows[i].cpus, false);
		xsdt = table(get(tables + 24, 8), "XSDT");
		madt = table(get(xsdt + 44, 8), "APIC");
		CHECK_EQ(madt_entries(madt, 0, &entry), rows[i].lapics, "LAPICs");
		CHECK_EQ(entry[3], rows[i].lapics - 1, "last APIC id");
		CHECK_EQ(madt_entries(madt, 4, &entry), 1, "NMI");
		CHECK_EQ(madt_entries(madt, 2, &entry), 1,
			 "without routing no override of the timer");
		CHECK_EQ(madt_entries(madt, 9, &entry), rows[i].x2apics, "x2APICs");
		if (!rows[i].x2apics)
			continue;
		CHECK_EQ(entry[1], 16, "length of an x2APIC entry");
		CHECK_EQ(get(entry + 4, 4), rows[i].cpus - 1, "last x2APIC id");
		CHECK_EQ(get(entry + 8, 4), 1, "enabled");
		CHECK_EQ(get(entry + 12, 4), rows[i].cpus - 1, "its processor");
		CHECK_EQ(madt_entries(madt, 10, &entry), 1, "NMI of the x2APICs");
		CHECK_EQ(entry[1], 12, "length of its entry");
		CHECK_EQ(get(entry + 4, 4), 0xffffffff, "of all of them");
		CHECK_EQ(entry[8], 1, "on LINT1");
	}
	need = used = acpi_build(tables, SIZE, BASE, &input);
	/* Under ASan a byte too far is seen, for each size is one of its own. */
	for (i = 0; i <= need; i += i + 64 < need ? 61 : 1) {
		exact = malloc(i ? i : 1);
		CHECK_EQ(acpi_build(exact, i, BASE, &input), i == need ? need : 0, "size");
		free(exact);
	}
	free(tables);
}
