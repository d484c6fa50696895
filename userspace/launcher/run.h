/* SPDX-License-Identifier: GPL-2.0-only */
/* The command `lintel run`; see run.c. */
#ifndef LINTEL_RUN_H
#define LINTEL_RUN_H

/* @args is what follows the command's name, ended by NULL. Returns the exit code (device.h). */
int run_command(char **args);

#endif
