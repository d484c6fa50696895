/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A unit test is a function that makes checks; it fails when one of them does. main.c has the table
 * of them and prints TAP. Case tables give each row a name, which a failed check shows.
 */
#ifndef LINTEL_TEST_H
#define LINTEL_TEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Notes a failed check, with the place and a formatted explanation. */
void test_fail(const char *file, int line, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#define CHECK(condition, ...) \
	do { \
		if (!(condition)) { \
			test_fail(__FILE__, __LINE__, "%s", #condition); \
			test_fail(__FILE__, __LINE__, "  " __VA_ARGS__); \
		} \
	} while (0)

#define CHECK_EQ(got, want, name) \
	do { \
		unsigned long long got_ = (got), want_ = (want); \
		if (got_ != want_) \
			test_fail(__FILE__, __LINE__, "%s: %s is %#llx, not %#llx", (name), #got, \
				  got_, want_); \
	} while (0)

/* The sentence of the last failure must contain @part. */
#define CHECK_SENTENCE(part, name) \
	CHECK(strstr(error_text(), (part)), "%s: the sentence is \"%s\", without \"%s\"", (name), \
	      error_text(), (part))

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* The same pseudo-random numbers in every run. */
uint32_t test_random(void);

/* A device host that notes what devices do. */
struct fake_host {
	unsigned int gsi, irq_changes;
	int level;
	int end;		/* -1: not stopped */
	char output[256];
	size_t output_count;
	unsigned int room_calls;
	int64_t now;
	uint64_t ns;
};

struct device_host;
void fake_host_init(struct fake_host *fake, struct device_host *host);

void test_memory(void);
void test_bzimage(void);
void test_bzimage_hostile(void);
void test_elf(void);
void test_elf_hostile(void);
void test_image_other(void);
void test_image_files(void);
void test_e820(void);
void test_initrd(void);
void test_boot_write(void);
void test_acpi(void);
void test_acpi_sizes(void);
void test_uart_registers(void);
void test_uart_input(void);
void test_uart_interrupts(void);
void test_rtc(void);
void test_acpi_pm(void);
void test_ports(void);
void test_options(void);
void test_options_errors(void);
void test_sizes(void);
void test_escape(void);
void test_cpuid(void);
void test_stats(void);
void test_stats_hostile(void);
void test_doctor_parsers(void);
void test_doctor_report(void);
void test_doctor_bugs(void);
void test_error(void);
void test_console_terminal(void);
void test_console_pipe(void);
void test_console_end(void);
void test_exits_io(void);
void test_exits_sentences(void);
void test_sandbox(void);
void test_privileges(void);
void test_names(void);
void test_trace_text(void);
void test_trace_page(void);
void test_trace_hostile(void);
void test_top_model(void);
void test_top_tables(void);
void test_inspect_fields(void);
void test_inspect_text(void);

#endif
