// SPDX-License-Identifier: GPL-2.0-only
/*
 * `lintel run` from options to exit code: read and check the files first (their errors need no
 * device), make the machine, write kernel, tables and parameters into its memory, give up
 * privileges, let the vCPUs go, attend to the console until the end, say why it ended.
 */
#include "run.h"

#include "../lib/error.h"
#include "acpi.h"
#include "boot.h"
#include "console.h"
#include "machine.h"
#include "options.h"
#include "privileges.h"
#include "sandbox.h"
#include "stats.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

struct run_files {
	struct file_data kernel, initrd;
	struct image image;
};

static int read_files(const struct run_options *options, struct run_files *files)
{
	int ret;

	ret = file_read(options->kernel, &files->kernel);
	if (ret == 0)
		ret = image_parse(options->kernel, &files->kernel, &files->image);
	if (ret == 0 && options->initrd)
		ret = file_read(options->initrd, &files->initrd);
	return ret;
}

static int write_guest(struct machine *machine, const struct run_options *options,
		       const struct run_files *files)
{
	struct acpi_input acpi = { .cpus = machine->vcpu_count,
				   .timer_on_gsi2 = machine->gsi_routing };
	struct boot_input boot = { .initrd_name = options->initrd, .initrd = &files->initrd,
				   .cmdline = options->append, .rsdp = BOOT_ACPI };
	void *tables = memory_at(&machine->memory, BOOT_ACPI, BOOT_ACPI_END - BOOT_ACPI);
	int ret;

	if (!tables || !acpi_build(tables, BOOT_ACPI_END - BOOT_ACPI, BOOT_ACPI, &acpi))
		return error_set(-EFAULT, "the ACPI tables do not fit below 1 MiB");
	ret = image_load(options->kernel, &files->kernel, &files->image, &machine->memory);
	if (ret == 0)
		ret = boot_write(options->kernel, &files->image, &boot, &machine->memory);
	if (ret == 0)
		ret = machine_set_entry(machine, &files->image);
	return ret;
}

/* From the threads' start to their end. */
static int run_machine(struct machine *machine, const struct run_options *options)
{
	int ret = 0;

	if (!options->no_sandbox)
		ret = privileges_drop();
	if (ret == 0)
		ret = machine_start_threads(machine);
	if (ret == 0 && !options->no_sandbox)
		ret = sandbox_enter();
	if (ret == 0) {
		machine_open_gate(machine);
		console_loop(machine);
	} else {
		machine_stop(machine, END_SETUP, "%s", error_text());
		machine_open_gate(machine);
	}
	machine_join(machine);
	console_restore_terminal();
	return ret;
}

static int prepare(struct machine *machine, const struct run_options *options)
{
	struct run_files files = { 0 };
	int ret;

	ret = read_files(options, &files);
	if (ret == 0)
		ret = machine_create(machine, options);
	if (ret == 0)
		ret = write_guest(machine, options, &files);
	file_free(&files.kernel);
	file_free(&files.initrd);
	return ret;
}

int run_command(char **args)
{
	struct run_options options;
	struct machine *machine;
	int ret, end = END_SETUP;

	if (options_parse(args, &options) < 0) {
		fprintf(stderr, "lintel: %s\n", error_text());
		return END_USAGE;
	}
	if (options.help) {
		options_help(stdout);
		return 0;
	}
	machine = calloc(1, sizeof(*machine));
	if (!machine) {
		fprintf(stderr, "lintel: no memory\n");
		return END_SETUP;
	}
	machine_init(machine, &options);
	ret = prepare(machine, &options);
	if (ret == 0)
		ret = console_open(&options);
	if (ret == 0)
		ret = run_machine(machine, &options);
	console_restore_terminal();
	if (ret < 0) {
		fprintf(stderr, "lintel: %s\n", error_text());
	} else {
		fprintf(stderr, "lintel: %s\n", machine->why);
		if (options.stats)
			stats_print(machine, stderr);
		end = machine->end;
	}
	console_close();
	machine_destroy(machine);
	free(machine);
	return end;
}
