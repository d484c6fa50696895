// SPDX-License-Identifier: GPL-2.0-only
/*
 * The way of a command that looks into the device: --help wins over everything, a wrong argument is
 * found before the device is opened, and text that could not be written is a failure.
 */
#include "command.h"

#include "../launcher/device.h"
#include "../lib/error.h"
#include "flight.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int failed(int code)
{
	fprintf(stderr, "lintel: %s\n", error_text());
	return code;
}

int observe_command(const struct observe_command *command, char **args, void *settings,
		    const char *const *device)
{
	int dev, ret;

	if (args[0] && (!strcmp(args[0], "--help") || !strcmp(args[0], "-h"))) {
		fputs(command->usage, stdout);
		return 0;
	}
	if (command->parse(args, settings) < 0)
		return failed(END_USAGE);
	dev = observe_open(*device);
	if (dev < 0)
		return failed(END_SETUP);
	ret = command->run(dev, settings);
	if (ret >= 0 && fflush(stdout) != 0)
		ret = error_errno(-errno, "standard output");
	close(dev);
	return ret < 0 ? failed(END_SETUP) : 0;
}
