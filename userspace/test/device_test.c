// SPDX-License-Identifier: GPL-2.0-only
/*
 * The device models, driven by their registers as a guest drives them. UART cases are rows of a
 * little program: write a register, read one and expect a value, or look at the interrupt line.
 */
#include "test.h"

#include "../launcher/acpi.h"
#include "../launcher/devices.h"

#include <stdlib.h>
#include <string.h>

enum op { W, R, LINE, INPUT };

struct step {
	enum op op;
	unsigned int offset;
	uint8_t value;	/* written, expected, level, or received */
	const char *what;
};

static void run(struct uart *uart, struct fake_host *fake, const struct step *step, size_t count)
{
	for (; count--; step++) {
		switch (step->op) {
		case W:
			uart_write(uart, step->offset, 1, step->value);
			break;
		case R:
			CHECK_EQ(uart_read(uart, step->offset, 1), step->value, step->what);
			break;
		case LINE:
			CHECK_EQ(fake->level, step->value, step->what);
			break;
		case INPUT:
			uart_receive(uart, &step->value, 1);
			break;
		}
	}
}

static const struct step register_steps[] = {
	{ R, 2, 0x01, "IIR after reset: nothing pending, no FIFO" },
	{ R, 5, 0x60, "LSR after reset: transmitter empty" },
	{ R, 6, 0xb0, "MSR: carrier, data set ready, clear to send" },
	{ R, 1, 0x00, "IER after reset" },
	{ W, 7, 0x5a, NULL },
	{ R, 7, 0x5a, "scratch" },
	{ W, 1, 0xff, NULL },
	{ R, 1, 0x0f, "IER keeps four bits" },
	{ W, 1, 0x00, NULL },
	{ W, 3, 0x83, NULL },
	{ W, 0, 0x01, NULL },
	{ W, 1, 0x02, NULL },
	{ R, 0, 0x01, "divisor, low" },
	{ R, 1, 0x02, "divisor, high" },
	{ W, 3, 0x03, NULL },
	{ R, 3, 0x03, "LCR" },
	{ R, 1, 0x00, "IER was not touched through the divisor" },
	{ R, 0, 0x00, "RBR without input" },
	{ W, 2, 0x01, NULL },
	{ R, 2, 0xc1, "IIR of a 16550A with its FIFO on" },
	{ W, 2, 0x00, NULL },
	{ R, 2, 0x01, "IIR with the FIFO off" },
	{ W, 4, 0xff, NULL },
	{ R, 4, 0x1f, "MCR keeps five bits" },
	{ W, 4, 0x1a, NULL },
	{ R, 6, 0x90, "loopback: RTS is CTS, OUT2 is DCD" },
	{ W, 4, 0x15, NULL },
	{ R, 6, 0x60, "loopback: DTR is DSR, OUT1 is RI" },
	{ W, 0, 'L', NULL },
	{ R, 5, 0x61, "loopback: data came back" },
	{ R, 0, 'L', "loopback: data came back" },
	{ W, 4, 0x00, NULL },
	{ W, 5, 0xff, NULL },
	{ R, 5, 0x60, "LSR is read-only" },
	{ W, 0, 'o', NULL },
	{ W, 0, 'k', NULL },
};

void test_uart_registers(void)
{
	struct device_host host;
	struct fake_host fake;
	struct uart uart;

	fake_host_init(&fake, &host);
	uart_init(&uart, &host);
	run(&uart, &fake, register_steps, ARRAY_SIZE(register_steps));
	CHECK(!strcmp(fake.output, "ok"), "the console shows \"%s\", looped data "
					  "too?", fake.output);
}

/* As Linux's driver starts: whatever it drops must not be the input. */
static const struct step input_steps[] = {
	{ INPUT, 0, 'a', NULL },
	{ R, 5, 0x60, "nobody reads yet: the input is held back" },
	{ W, 1, 0x0f, NULL },
	{ R, 1, 0x0f, "the driver tries out the register" },
	{ W, 1, 0x00, NULL },
	{ R, 0, 0x00, "and nothing was lost by that" },
	{ W, 2, 0x01, NULL },
	{ W, 2, 0x07, NULL },
	{ W, 4, 0x0b, NULL },
	{ R, 5, 0x60, "the driver clears what may be left" },
	{ R, 0, 0x00, "and finds nothing" },
	{ R, 2, 0xc1, "no interrupt" },
	{ R, 5, 0x60, "still held back" },
	{ R, 0, 0x00, "still held back" },
	{ W, 2, 0x00, NULL },
	{ W, 1, 0x05, NULL },
	{ W, 2, 0x01, NULL },
	{ R, 5, 0x61, "with the receive interrupt on, it shows" },
	{ INPUT, 0, 'b', NULL },
	{ R, 0, 'a', "first in, first out" },
	{ R, 5, 0x61, "one left" },
	{ R, 0, 'b', "first in, first out" },
	{ R, 5, 0x60, "none left" },
	{ INPUT, 0, 'c', NULL },
	{ W, 2, 0x03, NULL },
	{ R, 5, 0x60, "a FIFO reset drops what was in the FIFO" },
	{ W, 1, 0x00, NULL },
	{ INPUT, 0, 'd', NULL },
	{ R, 5, 0x60, "a first poll" },
	{ W, 0, 'x', NULL },
	{ R, 5, 0x60, "sending in between is no polling" },
	{ R, 5, 0x60, "a second poll" },
	{ R, 5, 0x60, "a third one: it polls" },
	{ R, 5, 0x61, "and gets it" },
	{ R, 0, 'd', "a guest without interrupts reads too" },
	{ W, 1, 0x01, NULL },
};

void test_uart_input(void)
{
	static uint8_t many[UART_BACKLOG + 100];
	struct device_host host;
	struct fake_host fake;
	struct uart uart;
	size_t i, room;

	fake_host_init(&fake, &host);
	uart_init(&uart, &host);
	run(&uart, &fake, input_steps, ARRAY_SIZE(input_steps));

	for (i = 0; i < sizeof(many); i++)
		many[i] = i * 7;
	room = uart_room(&uart);
	CHECK_EQ(room, UART_BACKLOG, "empty");
	uart_receive(&uart, many, room);
	CHECK_EQ(uart_room(&uart), UART_FIFO, "the FIFO took its share");
	uart_receive(&uart, many + room, UART_FIFO);
	CHECK_EQ(uart_room(&uart), 0, "full");
	CHECK_EQ(fake.room_calls, 0, "no room was made yet");
	for (i = 0; i < room + UART_FIFO; i++) {
		CHECK_EQ(uart_read(&uart, 5, 1) & 1, 1, "data ready");
		CHECK_EQ(uart_read(&uart, 0, 1), many[i], "order over the ring's end");
	}
	CHECK_EQ(uart_read(&uart, 5, 1) & 1, 0, "all read");
	CHECK(fake.room_calls > 0, "room was announced");

	uart_receive_break(&uart);
	CHECK_EQ(uart_read(&uart, 5, 1), 0x71, "break");
	CHECK_EQ(uart_read(&uart, 5, 1), 0x61, "reading LSR clears it");
	CHECK_EQ(uart_read(&uart, 0, 1), 0, "a break comes with a zero");
}

static const struct step interrupt_steps[] = {
	{ LINE, 0, 0, "quiet after reset" },
	{ W, 4, 0x08, NULL },
	{ W, 1, 0x02, NULL },
	{ LINE, 0, 1, "enabling THRI with an empty transmitter raises it" },
	{ R, 2, 0x02, "IIR: THR empty" },
	{ LINE, 0, 0, "reading IIR clears it" },
	{ R, 2, 0x01, "IIR: none" },
	{ W, 0, 'x', NULL },
	{ LINE, 0, 1, "sent at once: raised again" },
	{ W, 1, 0x00, NULL },
	{ LINE, 0, 0, "disabled" },
	{ W, 1, 0x02, NULL },
	{ LINE, 0, 1, "enabled once more" },
	{ R, 2, 0x02, "IIR: THR empty" },
	{ W, 1, 0x03, NULL },
	{ LINE, 0, 0, "THRI was on already: not raised by this" },
	{ INPUT, 0, 'r', NULL },
	{ LINE, 0, 1, "received" },
	{ R, 2, 0x04, "IIR: data" },
	{ LINE, 0, 1, "reading IIR does not clear that" },
	{ W, 0, 'y', NULL },
	{ R, 2, 0x04, "data before transmitter" },
	{ R, 0, 'r', "the data" },
	{ LINE, 0, 1, "the transmitter still asks" },
	{ R, 2, 0x02, "IIR: THR empty" },
	{ LINE, 0, 0, "all served" },
};

void test_uart_interrupts(void)
{
	struct device_host host;
	struct fake_host fake;
	struct uart uart;

	fake_host_init(&fake, &host);
	uart_init(&uart, &host);
	run(&uart, &fake, interrupt_steps, ARRAY_SIZE(interrupt_steps));
	CHECK_EQ(fake.gsi, 4, "interrupt line");
	CHECK(fake.irq_changes >= 8, "edges: %u", fake.irq_changes);

	uart_write(&uart, 1, 1, 0x05);
	uart_receive_break(&uart);
	CHECK_EQ(uart_read(&uart, 2, 1), 0x06, "IIR: line status");
	uart_read(&uart, 5, 1);
	CHECK_EQ(uart_read(&uart, 2, 1), 0x04, "IIR: then the data");
}

static uint8_t cmos(struct rtc *rtc, uint8_t index)
{
	rtc_write(rtc, 0, 1, index);
	return rtc_read(rtc, 1, 1);
}

static void set_cmos(struct rtc *rtc, uint8_t index, uint8_t value)
{
	rtc_write(rtc, 0, 1, index);
	rtc_write(rtc, 1, 1, value);
}

/* 2026-11-20 15:04:05 UTC, a Friday; 1999-12-31 00:59:59, a Friday. */
static const struct {
	const char *name;
	int64_t now;
	uint8_t format, index, value;
} rtc_rows[] = {
	{ "second, BCD", 1795187045, 0x02, 0, 0x05 },
	{ "minute, BCD", 1795187045, 0x02, 2, 0x04 },
	{ "hour, BCD", 1795187045, 0x02, 4, 0x15 },
	{ "hour, binary", 1795187045, 0x06, 4, 15 },
	{ "hour, 12 hours", 1795187045, 0x00, 4, 0x83 },
	{ "hour, 12 hours, binary", 1795187045, 0x04, 4, 0x83 },
	{ "midnight, 12 hours", 946601999, 0x00, 4, 0x12 },
	{ "day of week", 1795187045, 0x02, 6, 6 },
	{ "day", 1795187045, 0x02, 7, 0x20 },
	{ "month", 1795187045, 0x02, 8, 0x11 },
	{ "year", 1795187045, 0x02, 9, 0x26 },
	{ "century", 1795187045, 0x02, 0x32, 0x20 },
	{ "year 1999", 946601999, 0x02, 9, 0x99 },
	{ "century 1999", 946601999, 0x02, 0x32, 0x19 },
	{ "century, binary", 946601999, 0x06, 0x32, 19 },
	{ "valid", 0, 0x02, 13, 0x80 },
	{ "no interrupt", 0, 0x02, 12, 0x00 },
	{ "not updating", 0, 0x02, 10, 0x26 },
};

void test_rtc(void)
{
	struct device_host host;
	struct fake_host fake;
	struct rtc rtc;
	size_t i;

	fake_host_init(&fake, &host);
	for (i = 0; i < ARRAY_SIZE(rtc_rows); i++) {
		rtc_init(&rtc, &host);
		fake.now = rtc_rows[i].now;
		set_cmos(&rtc, 11, rtc_rows[i].format);
		CHECK_EQ(cmos(&rtc, rtc_rows[i].index), rtc_rows[i].value, rtc_rows[i].name);
	}
	set_cmos(&rtc, 0x40, 0x77);
	CHECK_EQ(cmos(&rtc, 0x40), 0x77, "CMOS memory");
	CHECK_EQ(cmos(&rtc, 0xc0), 0x77, "bit 7 of the index is not part of it");
	set_cmos(&rtc, 9, 0x55);
	CHECK_EQ(cmos(&rtc, 9), 0x70, "the time cannot be set");
	set_cmos(&rtc, 13, 0);
	CHECK_EQ(cmos(&rtc, 13), 0x80, "register D is read-only");
	set_cmos(&rtc, 10, 0xff);
	CHECK_EQ(cmos(&rtc, 10), 0x7f, "the update bit is read-only");
	for (i = 0; i < 256; i++)
		cmos(&rtc, i);	/* ASan: no index reaches out of the memory */
}

void test_acpi_pm(void)
{
	struct device_host host;
	struct fake_host fake;
	struct acpi_pm pm;

	fake_host_init(&fake, &host);
	acpi_pm_init(&pm, &host);
	CHECK_EQ(acpi_pm_read(&pm, 4, 2), 1, "SCI_EN is set");
	acpi_pm_write(&pm, 4, 2, 0);
	CHECK_EQ(acpi_pm_read(&pm, 4, 2), 1, "and stays");
	acpi_pm_write(&pm, 2, 2, 0x0120);
	CHECK_EQ(acpi_pm_read(&pm, 2, 2), 0x0120, "enable");
	CHECK_EQ(acpi_pm_read(&pm, 0, 4), 0x01200000, "status and enable at once");
	CHECK_EQ(acpi_pm_read(&pm, 3, 1), 0x01, "a byte of it");
	fake.ns = 1000000000;
	CHECK_EQ(acpi_pm_read(&pm, 8, 4), 3579545, "a second of the timer");
	fake.ns = 100000 * 1000000000ULL + 500000000;
	CHECK_EQ(acpi_pm_read(&pm, 8, 4), (uint32_t)(100000ULL * 3579545 + 1789772),
		 "a day of the timer, cut to 32 bits");
	acpi_pm_write(&pm, 8, 4, 0);
	CHECK_EQ(acpi_pm_read(&pm, 8, 4), (uint32_t)(100000ULL * 3579545 + 1789772), "read-only");
	acpi_pm_write(&pm, 4, 2, 5 << 10);
	CHECK_EQ(fake.end, -1, "a sleep type alone does nothing");
	acpi_pm_write(&pm, 4, 2, 1 << 10 | 1 << 13);
	CHECK_EQ(fake.end, -1, "S1 is not there");
	acpi_pm_write(&pm, 4, 2, 5 << 10 | 1 << 13);
	CHECK_EQ(fake.end, END_POWER_OFF, "S5");

	fake.end = -1;
	acpi_reset_write(&pm, 0, 1, 0x02);
	CHECK_EQ(fake.end, -1, "the kind of reset alone does nothing");
	acpi_reset_write(&pm, 0, 1, 0x06);
	CHECK_EQ(fake.end, END_RESET, "reset");
}

static uint32_t in(struct devices *d, uint16_t port, unsigned int size)
{
	uint32_t value = 0;

	devices_io(d, port, size, false, &value);
	return value;
}

static void out(struct devices *d, uint16_t port, unsigned int size, uint32_t value)
{
	devices_io(d, port, size, true, &value);
}

void test_ports(void)
{
	struct devices *d = malloc(sizeof(*d));
	struct device_host host;
	struct fake_host fake;

	fake_host_init(&fake, &host);
	devices_init(d, &host);
	out(d, 0x3f8, 1, 'a');
	out(d, 0x3ff, 1, 0x12);
	CHECK_EQ(in(d, 0x3ff, 1), 0x12, "scratch");
	CHECK_EQ(in(d, 0x3fe, 2), 0x12b0, "two byte registers read as a word");
	CHECK(!strcmp(fake.output, "a"), "%s", fake.output);
	CHECK_EQ(in(d, 0x3ff, 2), 0xff12, "over the device's end");
	CHECK_EQ(d->unclaimed[0x400].reads, 1, "the byte behind it was counted");

	CHECK_EQ(in(d, 0x2f8, 1), 0xff, "nobody");
	CHECK_EQ(in(d, 0x2f8, 4), 0xffffffff, "nobody");
	out(d, 0x2f8, 2, 0x1234);
	CHECK_EQ(d->unclaimed[0x2f8].reads, 2, "counted");
	CHECK_EQ(d->unclaimed[0x2f8].writes, 1, "counted");
	CHECK_EQ(d->unclaimed[0x2fb].reads, 1, "counted by byte");
	CHECK_EQ(in(d, 0xffff, 4), 0xffffffff, "the end of the port space");
	CHECK_EQ(d->unclaimed[0xffff].reads, 1, "counted");
	CHECK_EQ(d->unclaimed[2].reads, 1, "and it wraps");

	out(d, 0xcf8, 4, 0x80000000);
	CHECK_EQ(in(d, 0xcf8, 4), 0xffffffff, "no PCI: the address is not kept");
	CHECK_EQ(in(d, 0xcfc, 2), 0xffff, "no PCI: no vendor");
	CHECK_EQ(fake.end, -1, "a PCI address is no reset");
	out(d, 0x80, 1, 1);
	CHECK_EQ(d->unclaimed[0x80].writes, 0, "the POST port is claimed");
	out(d, 0x64, 1, 0xd1);
	CHECK_EQ(fake.end, -1, "another command of the 8042");
	CHECK_EQ(in(d, 0x64, 1) & 0x03, 0x01, "8042: output full, input free");
	out(d, 0x64, 1, 0xfe);
	CHECK_EQ(fake.end, END_RESET, "8042 reset");
	fake.end = -1;
	out(d, ACPI_RESET_PORT, 1, ACPI_RESET_VALUE);
	CHECK_EQ(fake.end, END_RESET, "reset register");
	fake.end = -1;
	out(d, ACPI_PM1A_CONTROL, 2, ACPI_SLP_TYP_S5 << 10 | 1 << 13);
	CHECK_EQ(fake.end, END_POWER_OFF, "power-off");
	free(d);
}
