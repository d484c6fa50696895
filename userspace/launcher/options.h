/* SPDX-License-Identifier: GPL-2.0-only */
/* The options of `lintel run`; see options.c. */
#ifndef LINTEL_OPTIONS_H
#define LINTEL_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* More than any device offers today; what the device at hand offers is asked of it. */
#define OPTIONS_CPUS_MAX	4096

struct run_options {
	const char *kernel, *initrd, *append, *device, *mark;
	uint64_t memory;
	uint64_t cpus;
	uint64_t timeout;	/* in seconds; 0: none */
	bool stats, no_terminal, no_sandbox, no_irqchip, help;
};

/* @args is what follows `run`, ended by NULL. */
int options_parse(char **args, struct run_options *options);
void options_help(FILE *to);

/* A size as 512M, 1G, 524288K; a plain number is MiB, as with other launchers. */
int options_size(const char *text, uint64_t *bytes);

#endif
