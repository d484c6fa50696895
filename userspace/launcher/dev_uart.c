// SPDX-License-Identifier: GPL-2.0-only
/*
 * A 16550A as drivers use it: sending takes no time, so the transmitter is always empty; what is
 * received waits in a backlog before the 16 bytes of the FIFO, so nothing is ever overrun. The
 * backlog opens when the guest shows that it reads: it enabled the receive interrupt, both here and
 * by OUT2, which gates the interrupt line on a PC; or it polls (reads the line status several times
 * in a row). So input that was piped into the launcher survives a driver that starts by trying out
 * the registers, resetting the FIFO and reading what may be left in it. The line status has no
 * errors but the break. Modem inputs are constant; in loopback they follow the modem outputs.
 */
#include "dev_uart.h"

#include <linux/serial_reg.h>
#include <string.h>

#define IER_MASK	(UART_IER_RDI | UART_IER_THRI | UART_IER_RLSI | UART_IER_MSI)
#define MCR_MASK	(UART_MCR_DTR | UART_MCR_RTS | UART_MCR_OUT1 | UART_MCR_OUT2 | \
			 UART_MCR_LOOP)
#define IIR_FIFO_ON	0xc0
#define LSR_SENT	(UART_LSR_THRE | UART_LSR_TEMT)

/*
 * So many reads of LSR with nothing between them are polling; drivers that send or start make
 * fewer.
 */
#define POLLS		3

/* What interrupt the IIR shows: the highest of those that are pending and enabled. */
static uint8_t pending(const struct uart *uart)
{
	if ((uart->ier & UART_IER_RLSI) && uart->fifo_count && (uart->fifo[0] & UART_BREAK))
		return UART_IIR_RLSI;
	if ((uart->ier & UART_IER_RDI) && uart->fifo_count)
		return UART_IIR_RDI;
	if ((uart->ier & UART_IER_THRI) && uart->thr_empty_pending)
		return UART_IIR_THRI;
	return UART_IIR_NO_INT;
}

static void update_line(struct uart *uart)
{
	bool level = pending(uart) != UART_IIR_NO_INT;

	if (level == uart->line)
		return;
	uart->line = level;
	uart->host->irq(uart->host->ctx, UART_IRQ, level);
}

static bool guest_reads(const struct uart *uart)
{
	if (uart->mcr & UART_MCR_LOOP)
		return false;
	return ((uart->ier & UART_IER_RDI) && (uart->mcr & UART_MCR_OUT2)) || uart->polls >= POLLS;
}

static void fill_fifo(struct uart *uart)
{
	unsigned int size = uart->fifo_on ? UART_FIFO : 1;

	while (guest_reads(uart) && uart->backlog_count && uart->fifo_count < size) {
		uart->fifo[uart->fifo_count++] = uart->backlog[uart->backlog_start];
		uart->backlog_start = (uart->backlog_start + 1) % UART_BACKLOG;
		uart->backlog_count--;
	}
}

/* What an access by the guest may have changed. */
static void after_access(struct uart *uart)
{
	bool was_full = uart->backlog_count == UART_BACKLOG;

	fill_fifo(uart);
	update_line(uart);
	if (was_full && uart->backlog_count < UART_BACKLOG)
		uart->host->input_room(uart->host->ctx);
}

static void push(struct uart *uart, uint16_t c)
{
	if (uart->backlog_count == UART_BACKLOG)
		return;
	uart->backlog[(uart->backlog_start + uart->backlog_count++) % UART_BACKLOG] = c;
}

static uint8_t pop(struct uart *uart)
{
	uint8_t c;

	if (!uart->fifo_count)
		return 0;
	c = uart->fifo[0];
	memmove(uart->fifo, uart->fifo + 1, --uart->fifo_count * sizeof(uart->fifo[0]));
	return c;
}

static void transmit(struct uart *uart, uint8_t c)
{
	if (!(uart->mcr & UART_MCR_LOOP))
		uart->host->output(uart->host->ctx, &c, 1);
	else if (uart->fifo_count < (uart->fifo_on ? UART_FIFO : 1))
		uart->fifo[uart->fifo_count++] = c;
	uart->thr_empty_pending = true;
}

static uint8_t modem_status(const struct uart *uart)
{
	uint8_t msr = 0;

	if (!(uart->mcr & UART_MCR_LOOP))
		return UART_MSR_CTS | UART_MSR_DSR | UART_MSR_DCD;
	if (uart->mcr & UART_MCR_RTS)
		msr |= UART_MSR_CTS;
	if (uart->mcr & UART_MCR_DTR)
		msr |= UART_MSR_DSR;
	if (uart->mcr & UART_MCR_OUT1)
		msr |= UART_MSR_RI;
	if (uart->mcr & UART_MCR_OUT2)
		msr |= UART_MSR_DCD;
	return msr;
}

static uint8_t line_status(struct uart *uart)
{
	uint8_t lsr = LSR_SENT;

	if (uart->fifo_count) {
		lsr |= UART_LSR_DR;
		if (uart->fifo[0] & UART_BREAK)
			lsr |= UART_LSR_BI;
		/* Reading the register clears the break; the zero that came with it stays. */
		uart->fifo[0] &= ~UART_BREAK;
	}
	return lsr;
}

static uint8_t read_register(struct uart *uart, uint16_t offset)
{
	bool dlab = uart->lcr & UART_LCR_DLAB;
	uint8_t value;

	switch (offset) {
	case UART_RX:
		return dlab ? uart->divisor_low : pop(uart);
	case UART_IER:
		return dlab ? uart->divisor_high : uart->ier;
	case UART_IIR:
		value = pending(uart);
		if (value == UART_IIR_THRI)
			uart->thr_empty_pending = false;
		return value | (uart->fifo_on ? IIR_FIFO_ON : 0);
	case UART_LCR:
		return uart->lcr;
	case UART_MCR:
		return uart->mcr;
	case UART_LSR:
		return line_status(uart);
	case UART_MSR:
		return modem_status(uart);
	default:
		return uart->scratch;
	}
}

static void write_ier(struct uart *uart, uint8_t value)
{
	/* Enabling the interrupt while THR is empty raises it; drivers test for that. */
	if ((value & UART_IER_THRI) && !(uart->ier & UART_IER_THRI))
		uart->thr_empty_pending = true;
	uart->ier = value & IER_MASK;
}

static void write_fcr(struct uart *uart, uint8_t value)
{
	/*
	 * Real hardware also drops the content when the FIFO is turned on or off. Linux enables
	 * the receive interrupt first and the FIFO second, and would lose a character here.
	 */
	if (value & UART_FCR_CLEAR_RCVR)
		uart->fifo_count = 0;
	uart->fifo_on = value & UART_FCR_ENABLE_FIFO;
}

static void write_register(struct uart *uart, uint16_t offset, uint8_t value)
{
	bool dlab = uart->lcr & UART_LCR_DLAB;

	switch (offset) {
	case UART_TX:
		if (dlab)
			uart->divisor_low = value;
		else
			transmit(uart, value);
		break;
	case UART_IER:
		if (dlab)
			uart->divisor_high = value;
		else
			write_ier(uart, value);
		break;
	case UART_FCR:
		write_fcr(uart, value);
		break;
	case UART_LCR:
		uart->lcr = value;
		break;
	case UART_MCR:
		uart->mcr = value & MCR_MASK;
		break;
	case UART_SCR:
		uart->scratch = value;
		break;
	default:
		break;	/* LSR and MSR are read-only */
	}
}

void uart_init(struct uart *uart, const struct device_host *host)
{
	memset(uart, 0, sizeof(*uart));
	uart->host = host;
	uart->divisor_low = 12;	/* 9600 baud, as firmware leaves it */
	uart->lcr = UART_LCR_WLEN8;
}

uint32_t uart_read(void *dev, uint16_t offset, unsigned int size)
{
	struct uart *uart = dev;
	uint8_t value = read_register(uart, offset);

	(void)size;
	/* What was opened by polling stays open while the FIFO's content is read. */
	if (offset == UART_LSR)
		uart->polls += uart->polls < POLLS;
	else if (offset != UART_RX)
		uart->polls = 0;
	after_access(uart);
	return value;
}

void uart_write(void *dev, uint16_t offset, unsigned int size, uint32_t value)
{
	struct uart *uart = dev;

	(void)size;
	uart->polls = 0;
	write_register(uart, offset, value);
	after_access(uart);
}

size_t uart_room(const struct uart *uart)
{
	return UART_BACKLOG - uart->backlog_count;
}

void uart_receive(struct uart *uart, const uint8_t *bytes, size_t count)
{
	while (count--)
		push(uart, *bytes++);
	fill_fifo(uart);
	update_line(uart);
}

void uart_receive_break(struct uart *uart)
{
	push(uart, UART_BREAK);
	fill_fifo(uart);
	update_line(uart);
}
