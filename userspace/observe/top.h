/* SPDX-License-Identifier: GPL-2.0-only */
/* The command `lintel top`; see top.c. */
#ifndef LINTEL_OBSERVE_TOP_H
#define LINTEL_OBSERVE_TOP_H

/* @args is what follows the command's name, ended by NULL. Returns the exit code. */
int top_command(char **args);

#endif
