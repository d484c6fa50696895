// SPDX-License-Identifier: GPL-2.0-only
/*
 * The smallest set of tables with which a stock kernel uses LAPIC and IOAPIC, finds its CPUs and
 * can power off and reset. The machine is in ACPI mode from the start (no SMI command port). The
 * FADT says that there is no 8042 and no VGA, which saves the guest the probing. The DSDT holds one
 * object, \_S5. Layouts and names are those of the ACPI specification, revision 4.
 */
#include "acpi.h"

#include <string.h>

#define PACKED __attribute__((packed))

struct header {
	char signature[4];
	uint32_t length;
	uint8_t revision, checksum;
	char oem_id[6], oem_table_id[8];
	uint32_t oem_revision;
	char creator_id[4];
	uint32_t creator_revision;
} PACKED;

struct rsdp {
	char signature[8];
	uint8_t checksum;
	char oem_id[6];
	uint8_t revision;
	uint32_t rsdt;
	uint32_t length;
	uint64_t xsdt;
	uint8_t extended_checksum, reserved[3];
} PACKED;

/* Generic address structure; space 1 is system I/O, access size in its own code. */
struct gas {
	uint8_t space, bits, offset, access;
	uint64_t address;
} PACKED;

struct fadt {
	struct header header;
	uint32_t firmware_ctrl, dsdt;
	uint8_t reserved0, preferred_profile;
	uint16_t sci_int;
	uint32_t smi_cmd;
	uint8_t acpi_enable, acpi_disable, s4bios_req, pstate_cnt;
	uint32_t pm1a_event, pm1b_event, pm1a_control, pm1b_control, pm2_control, pm_timer;
	uint32_t gpe0, gpe1;
	uint8_t pm1_event_len, pm1_control_len, pm2_control_len, pm_timer_len;
	uint8_t gpe0_len, gpe1_len, gpe1_base, cst_cnt;
	uint16_t c2_latency, c3_latency, flush_size, flush_stride;
	uint8_t duty_offset, duty_width, day_alarm, month_alarm, century;
	uint16_t boot_arch;
	uint8_t reserved1;
	uint32_t flags;
	struct gas reset;
	uint8_t reset_value, reserved2[3];
	uint64_t x_firmware_ctrl, x_dsdt;
	struct gas x_pm1a_event, x_pm1b_event, x_pm1a_control, x_pm1b_control, x_pm2_control;
	struct gas x_pm_timer, x_gpe0, x_gpe1;
} PACKED;

#define BOOT_ARCH_LEGACY	(1 << 0)	/* devices on an ISA bus */
#define BOOT_ARCH_NO_VGA	(1 << 2)
#define FLAG_WBINVD		(1 << 0)
#define FLAG_PROC_C1		(1 << 2)
#define FLAG_NO_POWER_BUTTON	(1 << 4)
#define FLAG_NO_SLEEP_BUTTON	(1 << 5)
#define FLAG_NO_FIXED_RTC	(1 << 6)
#define FLAG_TIMER_32_BIT	(1 << 8)
#define FLAG_RESET_REGISTER	(1 << 10)
#define CMOS_CENTURY		0x32		/* as dev_rtc.c has it */

struct facs {
	char signature[4];
	uint32_t length, hardware_signature, waking_vector, global_lock, flags;
	uint64_t x_waking_vector;
	uint8_t version, reserved[31];
} PACKED;

struct madt {
	struct header header;
	uint32_t lapic_base, flags;	/* bit 0: there are two 8259s as well */
} PACKED;

struct madt_lapic {
	uint8_t type, length, processor, apic_id;
	uint32_t flags;			/* bit 0: enabled */
} PACKED;

/* An id beyond what fits above, or 255, which is a broadcast there. */
struct madt_x2apic {
	uint8_t type, length;
	uint16_t reserved;
	uint32_t x2apic_id, flags, processor;
} PACKED;

struct madt_ioapic {
	uint8_t type, length, id, reserved;
	uint32_t base, gsi_base;
} PACKED;

struct madt_override {
	uint8_t type, length, bus, source;
	uint32_t gsi;
	uint16_t flags;
} PACKED;

struct madt_nmi {
	uint8_t type, length, processor;
	uint16_t flags;
	uint8_t lint;
} PACKED;

struct madt_x2apic_nmi {
	uint8_t type, length;
	uint16_t flags;
	uint32_t processor;
	uint8_t lint, reserved[3];
} PACKED;

enum { MADT_LAPIC, MADT_IOAPIC, MADT_OVERRIDE, MADT_LAPIC_NMI = 4, MADT_X2APIC = 9,
       MADT_X2APIC_NMI };
#define LAPIC_IDS		255	/* ids that a local APIC entry can have */
#define OVERRIDE_HIGH_LEVEL	0xd

/* Name (\_S5, Package (4) { 5, 0, 0, 0 }) */
static const uint8_t dsdt_aml[] = {
	0x08, '\\', '_', 'S', '5', '_', 0x12, 0x07, 0x04, 0x0a, ACPI_SLP_TYP_S5, 0x00, 0x00, 0x00,
};

/* Where the next table goes. An overflow sticks and makes acpi_build() fail. */
struct writer {
	uint8_t *buf;
	size_t max, used;
	gpa_t base;
	bool full;
};

static gpa_t align_to(struct writer *w, size_t boundary)
{
	w->used = (w->used + boundary - 1) & ~(boundary - 1);
	return w->base + w->used;
}

static uint8_t *append(struct writer *w, const void *data, size_t len)
{
	uint8_t *at = w->buf + w->used;

	if (w->full || w->used > w->max || len > w->max - w->used) {
		w->full = true;
		return NULL;
	}
	memcpy(at, data, len);
	w->used += len;
	return at;
}

static uint8_t checksum(const void *data, size_t len)
{
	const uint8_t *byte = data;
	uint8_t sum = 0;

	while (len--)
		sum += *byte++;
	return -sum;
}

static struct header header(const char *signature, uint8_t revision)
{
	struct header h = { .revision = revision, .oem_revision = 1, .creator_revision = 1 };

	memcpy(h.signature, signature, sizeof(h.signature));
	memcpy(h.oem_id, "LINTEL", sizeof(h.oem_id));
	memcpy(h.oem_table_id, "LINTELVM", sizeof(h.oem_table_id));
	memcpy(h.creator_id, "LNTL", sizeof(h.creator_id));
	return h;
}

/* Sets length and checksum of the table that begins at guest address @start and ends here. */
static void finish(struct writer *w, gpa_t start)
{
	struct header *h = (struct header *)(w->buf + (start - w->base));

	if (w->full)
		return;
	h->length = w->used - (start - w->base);
	h->checksum = 0;
	h->checksum = checksum(h, h->length);
}

static struct gas io_register(uint16_t port, uint8_t bytes)
{
	/* Access sizes 1, 2, 3 mean 1, 2, 4 bytes. */
	return (struct gas){ .space = 1, .bits = bytes * 8,
			     .access = bytes == 4 ? 3 : bytes, .address = port };
}

static gpa_t build_facs(struct writer *w)
{
	struct facs facs = { .signature = { 'F', 'A', 'C', 'S' }, .length = sizeof(facs),
			     .version = 1 };
	gpa_t start = align_to(w, 64);

	append(w, &facs, sizeof(facs));
	return start;
}

static gpa_t build_dsdt(struct writer *w)
{
	struct header h = header("DSDT", 2);
	gpa_t start = align_to(w, 16);

	append(w, &h, sizeof(h));
	append(w, dsdt_aml, sizeof(dsdt_aml));
	finish(w, start);
	return start;
}

static gpa_t build_fadt(struct writer *w, gpa_t facs, gpa_t dsdt)
{
	struct fadt fadt = {
		.header = header("FACP", 4),
		.firmware_ctrl = facs,
		.dsdt = dsdt,
		.sci_int = ACPI_SCI,
		.pm1a_event = ACPI_PM1A_EVENT,
		.pm1a_control = ACPI_PM1A_CONTROL,
		.pm_timer = ACPI_PM_TIMER,
		.pm1_event_len = 4,
		.pm1_control_len = 2,
		.pm_timer_len = 4,
		.c2_latency = 0xffff,	/* above 100 and 1000: neither C2 nor C3 */
		.c3_latency = 0xffff,
		.century = CMOS_CENTURY,
		.boot_arch = BOOT_ARCH_LEGACY | BOOT_ARCH_NO_VGA,
		.flags = FLAG_WBINVD | FLAG_PROC_C1 | FLAG_NO_POWER_BUTTON |
			 FLAG_NO_SLEEP_BUTTON | FLAG_NO_FIXED_RTC | FLAG_TIMER_32_BIT |
			 FLAG_RESET_REGISTER,
		.reset = io_register(ACPI_RESET_PORT, 1),
		.reset_value = ACPI_RESET_VALUE,
		.x_dsdt = dsdt,
		.x_pm1a_event = io_register(ACPI_PM1A_EVENT, 4),
		.x_pm1a_control = io_register(ACPI_PM1A_CONTROL, 2),
		.x_pm_timer = io_register(ACPI_PM_TIMER, 4),
	};
	gpa_t start = align_to(w, 16);

	append(w, &fadt, sizeof(fadt));
	finish(w, start);
	return start;
}

static void append_processor(struct writer *w, unsigned int id)
{
	struct madt_lapic lapic = { .type = MADT_LAPIC, .length = sizeof(lapic), .processor = id,
				    .apic_id = id, .flags = 1 };
	struct madt_x2apic x2apic = { .type = MADT_X2APIC, .length = sizeof(x2apic),
				      .processor = id, .x2apic_id = id, .flags = 1 };

	if (id < LAPIC_IDS)
		append(w, &lapic, sizeof(lapic));
	else
		append(w, &x2apic, sizeof(x2apic));
}

/* Says of all processors that NMI is wired to LINT1. */
static void append_nmi(struct writer *w, unsigned int cpus)
{
	struct madt_nmi nmi = { .type = MADT_LAPIC_NMI, .length = sizeof(nmi), .processor = 0xff,
				.lint = 1 };
	struct madt_x2apic_nmi x2apic = { .type = MADT_X2APIC_NMI, .length = sizeof(x2apic),
					  .processor = 0xffffffff, .lint = 1 };

	append(w, &nmi, sizeof(nmi));
	if (cpus > LAPIC_IDS)
		append(w, &x2apic, sizeof(x2apic));
}

static gpa_t build_madt(struct writer *w, const struct acpi_input *input)
{
	struct madt madt = { .header = header("APIC", 3), .lapic_base = ACPI_LAPIC_BASE,
			     .flags = 1 };
	struct madt_ioapic ioapic = { .type = MADT_IOAPIC, .length = sizeof(ioapic),
				      .base = ACPI_IOAPIC_BASE };
	struct madt_override timer = { .type = MADT_OVERRIDE, .length = sizeof(timer), .gsi = 2 };
	struct madt_override sci = { .type = MADT_OVERRIDE, .length = sizeof(sci),
				     .source = ACPI_SCI, .gsi = ACPI_SCI,
				     .flags = OVERRIDE_HIGH_LEVEL };
	gpa_t start = align_to(w, 16);
	unsigned int i;

	append(w, &madt, sizeof(madt));
	for (i = 0; i < input->cpus; i++)
		append_processor(w, i);
	/* of its own as far as there is one; the kernel asks for no more */
	ioapic.id = input->cpus < LAPIC_IDS ? input->cpus : 0;
	append(w, &ioapic, sizeof(ioapic));
	if (input->timer_on_gsi2)
		append(w, &timer, sizeof(timer));
	append(w, &sci, sizeof(sci));
	append_nmi(w, input->cpus);
	finish(w, start);
	return start;
}

size_t acpi_build(uint8_t *buf, size_t max, gpa_t base, const struct acpi_input *input)
{
	struct writer w = { .buf = buf, .max = max, .base = base };
	struct rsdp rsdp = { .signature = { 'R', 'S', 'D', ' ', 'P', 'T', 'R', ' ' },
			     .oem_id = { 'L', 'I', 'N', 'T', 'E', 'L' }, .revision = 2,
			     .length = sizeof(rsdp) };
	struct header xsdt = header("XSDT", 1);
	uint64_t entry[2];

	append(&w, &rsdp, sizeof(rsdp));
	entry[0] = build_facs(&w);
	entry[0] = build_fadt(&w, entry[0], build_dsdt(&w));
	entry[1] = build_madt(&w, input);
	rsdp.xsdt = align_to(&w, 16);
	append(&w, &xsdt, sizeof(xsdt));
	append(&w, entry, sizeof(entry));
	finish(&w, rsdp.xsdt);
	if (w.full)
		return 0;

	/* The first checksum covers the 20 bytes of revision 0, the second one all of it. */
	rsdp.checksum = checksum(&rsdp, 20);
	rsdp.extended_checksum = checksum(&rsdp, sizeof(rsdp));
	memcpy(buf, &rsdp, sizeof(rsdp));
	return w.used;
}
