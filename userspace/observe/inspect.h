/* SPDX-License-Identifier: GPL-2.0-only */
/* The command `lintel inspect`, and what it makes of a snapshot. */
#ifndef LINTEL_OBSERVE_INSPECT_H
#define LINTEL_OBSERVE_INSPECT_H

#include "walk.h"

#include <linux/lintel.h>
#include <stdio.h>

/* @args is what follows the command's name, ended by NULL. Returns the exit code. */
int inspect_command(char **args);

/* What follows is pure, but for writing to @to. */
void inspect_registers(const struct lintel_snapshot *s, FILE *to);
void inspect_vmcs(const struct lintel_snapshot *s, FILE *to);
void inspect_lapic(const struct lintel_snapshot *s, FILE *to);
void inspect_ioapic(const struct lintel_snapshot *s, FILE *to);
void inspect_pi(const struct lintel_snapshot *s, FILE *to);
void inspect_walk(uint64_t address, const struct walk *walk, FILE *to);
void inspect_ept(const struct lintel_peek *peek, FILE *to);
void inspect_state(const struct lintel_snapshot *s, struct walk_state *state);

#endif
