/* SPDX-License-Identifier: GPL-2.0-only */
/* What `lintel trace`, `lintel top` and `lintel inspect` do alike: help, device, exit code. */
#ifndef LINTEL_OBSERVE_COMMAND_H
#define LINTEL_OBSERVE_COMMAND_H

struct observe_command {
	const char *usage;
	/* The settings from the arguments; both give a negative errno and set error_text(). */
	int (*parse)(char **args, void *settings);
	int (*run)(int dev, void *settings);
};

/*
 * observe_command - parse the arguments, open the device, run. *@device: its path, which parse()
 * may set to another one. Returns the program's exit code.
 */
int observe_command(const struct observe_command *command, char **args, void *settings,
		    const char *const *device);

#endif
