/* SPDX-License-Identifier: GPL-2.0-only */
/* A 16550A serial port; see dev_uart.c. */
#ifndef LINTEL_DEV_UART_H
#define LINTEL_DEV_UART_H

#include "device.h"

#include <stdbool.h>

#define UART_BASE	0x3f8
#define UART_PORTS	8
#define UART_IRQ	4
#define UART_FIFO	16
#define UART_BACKLOG	4096

/* In a received character, beside its eight bits: it came as a break. */
#define UART_BREAK	0x100

struct uart {
	const struct device_host *host;
	uint8_t ier, lcr, mcr, scratch, divisor_low, divisor_high;
	bool fifo_on;
	bool thr_empty_pending;		/* THR became empty, and IIR was not read since */
	bool line;			/* level of the interrupt line */
	unsigned int polls;		/* reads of LSR in a row */
	uint16_t fifo[UART_FIFO];
	unsigned int fifo_count;
	uint16_t backlog[UART_BACKLOG];	/* what came and did not fit into the FIFO: a ring */
	unsigned int backlog_start, backlog_count;
};

void uart_init(struct uart *uart, const struct device_host *host);
uint32_t uart_read(void *dev, uint16_t offset, unsigned int size);
void uart_write(void *dev, uint16_t offset, unsigned int size, uint32_t value);

/* How many characters uart_receive() takes now without losing one. */
size_t uart_room(const struct uart *uart);
void uart_receive(struct uart *uart, const uint8_t *bytes, size_t count);
void uart_receive_break(struct uart *uart);

#endif
