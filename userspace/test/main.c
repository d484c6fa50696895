// SPDX-License-Identifier: GPL-2.0-only
/*
 * Runs all unit tests, or those named on the command line, and prints TAP with a closing line of
 * counts. The exit code is 1 when a test failed.
 */
#include "test.h"

#include "../launcher/device.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
	const char *name;
	void (*run)(void);
} tests[] = {
	{ "error: one sentence, safely built from itself", test_error },
	{ "memory: layout and bounds of guest addresses", test_memory },
	{ "bzimage: a sound image, and each thing wrong with one", test_bzimage },
	{ "bzimage: every truncation, and random headers", test_bzimage_hostile },
	{ "elf: a sound vmlinux, and each thing wrong with one", test_elf },
	{ "elf: every truncation, and random headers", test_elf_hostile },
	{ "image: compressed and foreign files", test_image_other },
	{ "image: files that are missing, empty or no files", test_image_files },
	{ "boot: memory map", test_e820 },
	{ "boot: place of the initrd", test_initrd },
	{ "boot: parameters, page tables and GDT in memory", test_boot_write },
	{ "acpi: checksums, pointers and contents", test_acpi },
	{ "acpi: CPU counts and a buffer too small", test_acpi_sizes },
	{ "uart: registers", test_uart_registers },
	{ "uart: input, backlog and break", test_uart_input },
	{ "uart: interrupts", test_uart_interrupts },
	{ "rtc: formats and registers", test_rtc },
	{ "acpi_pm: timer, power-off and reset", test_acpi_pm },
	{ "ports: dispatch, splitting and counting", test_ports },
	{ "options: values", test_options },
	{ "options: errors", test_options_errors },
	{ "options: sizes", test_sizes },
	{ "console: escape key", test_escape },
	{ "console: a terminal, raw and put back", test_console_terminal },
	{ "console: input from a pipe", test_console_pipe },
	{ "console: signals and the time limit", test_console_end },
	{ "exits: I/O and MMIO", test_exits_io },
	{ "exits: a sentence for each failure", test_exits_sentences },
	{ "sandbox: what is refused and what is not", test_sandbox },
	{ "privileges: what is left of them", test_privileges },
	{ "cpuid: topology and identity", test_cpuid },
	{ "stats: binary statistics", test_stats },
	{ "stats: hostile data", test_stats_hostile },
	{ "doctor: parsers", test_doctor_parsers },
	{ "doctor: report", test_doctor_report },
	{ "doctor: defects of processors", test_doctor_bugs },
	{ "trace: exits in words", test_names },
	{ "trace: text", test_trace_text },
	{ "trace: a page, and what must not get into it", test_trace_page },
	{ "trace: random records", test_trace_hostile },
	{ "top: samples, differences, percentiles", test_top_model },
	{ "top: tables and their order", test_top_tables },
	{ "inspect: fields of the VMCS, and page tables of each kind", test_inspect_fields },
	{ "inspect: snapshots as text", test_inspect_text },
};

static unsigned int failures;

void test_fail(const char *file, int line, const char *fmt, ...)
{
	va_list ap;

	failures++;
	printf("# %s:%d: ", file, line);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
}

uint32_t test_random(void)
{
	static uint64_t state = 1;

	state = state * 6364136223846793005ULL + 1442695040888963407ULL;
	return state >> 33;
}

static void fake_irq(void *ctx, unsigned int gsi, int level)
{
	struct fake_host *fake = ctx;

	fake->gsi = gsi;
	fake->level = level;
	fake->irq_changes++;
}

static void fake_stop(void *ctx, enum end end, const char *why)
{
	(void)why;
	((struct fake_host *)ctx)->end = end;
}

static void fake_output(void *ctx, const uint8_t *bytes, size_t count)
{
	struct fake_host *fake = ctx;

	while (count-- && fake->output_count < sizeof(fake->output) - 1)
		fake->output[fake->output_count++] = *bytes++;
}

static void fake_room(void *ctx)
{
	((struct fake_host *)ctx)->room_calls++;
}

static int64_t fake_now(void *ctx)
{
	return ((struct fake_host *)ctx)->now;
}

static uint64_t fake_ns(void *ctx)
{
	return ((struct fake_host *)ctx)->ns;
}

void fake_host_init(struct fake_host *fake, struct device_host *host)
{
	memset(fake, 0, sizeof(*fake));
	fake->end = -1;
	*host = (struct device_host){
		.ctx = fake, .irq = fake_irq, .stop = fake_stop, .output = fake_output,
		.input_room = fake_room, .now = fake_now, .monotonic_ns = fake_ns,
	};
}

static bool selected(const char *name, int argc, char **argv)
{
	int i;

	for (i = 1; i < argc; i++)
		if (strstr(name, argv[i]))
			return true;
	return argc == 1;
}

int main(int argc, char **argv)
{
	unsigned int passed = 0, failed = 0, skipped = 0, i;

	/* A sanitizer's report ends the program: what came before it must be seen. */
	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("TAP version 13\n1..%zu\n", ARRAY_SIZE(tests));
	for (i = 0; i < ARRAY_SIZE(tests); i++) {
		if (!selected(tests[i].name, argc, argv)) {
			printf("ok %u - %s # SKIP not selected\n", i + 1, tests[i].name);
			skipped++;
			continue;
		}
		failures = 0;
		tests[i].run();
		printf("%s %u - %s\n", failures ? "not ok" : "ok", i + 1, tests[i].name);
		if (failures)
			failed++;
		else
			passed++;
	}
	printf("%u passed, %u failed, %u skipped\n", passed, failed, skipped);
	return failed ? 1 : 0;
}
