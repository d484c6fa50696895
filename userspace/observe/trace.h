/* SPDX-License-Identifier: GPL-2.0-only */
/* The command `lintel trace`, and what it makes of a record: text, and a page for a browser. */
#ifndef LINTEL_OBSERVE_TRACE_H
#define LINTEL_OBSERVE_TRACE_H

#include "flight.h"

#include <stdio.h>

/* @args is what follows the command's name, ended by NULL. Returns the exit code. */
int trace_command(char **args);

/* Pure, but for writing to @to. */
void trace_print_name(const struct lintel_vm_info *info, FILE *to);
void trace_text(const struct flight_vm *vm, FILE *to);
void trace_html(const struct flight_vm *vm, FILE *to);

#endif
