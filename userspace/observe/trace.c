// SPDX-License-Identifier: GPL-2.0-only
/*
 * `lintel trace`: find the VM, read, print. The page is written beside its name first and then
 * moved there, so that no browser meets half of one.
 */
#include "trace.h"

#include "../lib/error.h"
#include "../lib/kvmapi.h"
#include "command.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct settings {
	const char *device, *vm, *html;
	bool list, clear;
};

static const char usage[] =
	"Usage: lintel trace [OPTION]... [VM]\n"
	"Shows the last 256 exits of each vCPU of a VM that runs or that has ended.\n"
	"VM is a process id, or # and a number of --list; without it the newest one is shown,\n"
	"a living one if there is one. You see your own VMs, root sees all.\n\n"
	"  --list          which VMs there are\n"
	"  --html FILE     write a page for a browser, with a timeline for each vCPU; - is the\n"
	"                  standard output\n"
	"  --clear         forget the VMs that have ended\n"
	"  --device PATH   /dev/lintel\n"
	"  --help          this text\n"
	"Exit codes: 0 done, 1 it failed, 2 usage.\n";

static int parse(char **args, void *settings)
{
	struct settings *s = settings;

	for (; *args; args++) {
		char *arg = *args;

		if (!strcmp(arg, "--list")) {
			s->list = true;
		} else if (!strcmp(arg, "--clear")) {
			s->clear = true;
		} else if (!strcmp(arg, "--html") || !strcmp(arg, "--device")) {
			if (!args[1])
				return error_set(-EINVAL, "trace: %s needs a value", arg);
			*(arg[2] == 'h' ? &s->html : &s->device) = *++args;
		} else if (arg[0] == '-') {
			return error_set(-EINVAL,
					 "trace: unknown option \"%s\"; see lintel trace --help",
					 arg);
		} else if (s->vm) {
			return error_set(-EINVAL, "trace: one VM at a time");
		} else {
			s->vm = arg;
		}
	}
	return 0;
}

static int list(int dev)
{
	struct lintel_vm_info info = { 0 };
	unsigned int count = 0;
	int ret;

	while ((ret = flight_next_vm(dev, &info)) > 0) {
		printf("%s", info.flags & LINTEL_VM_DEAD ? "ended  " : "runs   ");
		trace_print_name(&info, stdout);
		count++;
	}
	if (!ret && !count)
		printf("no VM of yours runs, and none that ended is remembered\n");
	return ret;
}

static int write_page(const struct flight_vm *vm, const char *path)
{
	char *beside;
	FILE *to;
	int ret = 0;

	if (!strcmp(path, "-")) {
		trace_html(vm, stdout);
		return 0;
	}
	if (asprintf(&beside, "%s.new", path) < 0)
		return error_set(-ENOMEM, "no memory");
	to = fopen(beside, "we");
	if (!to) {
		ret = error_errno(-errno, "%s", beside);
		free(beside);
		return ret;
	}
	trace_html(vm, to);
	if (ferror(to) | fclose(to) || rename(beside, path) < 0) {
		ret = error_errno(-errno, "%s", path);
		unlink(beside);
	}
	free(beside);
	return ret;
}

static int show(int dev, const struct settings *s)
{
	struct lintel_vm_info info;
	struct flight_vm vm = { 0 };
	int ret;

	ret = flight_find(dev, s->vm, &info);
	if (!ret)
		ret = flight_read(dev, &info, &vm);
	if (!ret) {
		if (s->html)
			ret = write_page(&vm, s->html);
		else
			trace_text(&vm, stdout);
	}
	flight_free(&vm);
	return ret;
}

static int clear(int dev)
{
	int ret = kvmapi_clear_dead(dev);

	if (ret >= 0)
		printf("%d forgotten\n", ret);
	return ret;
}

static int run(int dev, void *settings)
{
	const struct settings *s = settings;

	if (s->clear)
		return clear(dev);
	return s->list ? list(dev) : show(dev, s);
}

int trace_command(char **args)
{
	static const struct observe_command command = { usage, parse, run };
	struct settings s = { .device = "/dev/lintel" };

	return observe_command(&command, args, &s, &s.device);
}
