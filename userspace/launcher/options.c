// SPDX-License-Identifier: GPL-2.0-only
/*
 * One table of options, from which both the parser and the help text are made. A value may follow
 * its option after "=" or as the next word.
 */
#include "options.h"

#include "../lib/error.h"

#include <ctype.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum kind { TEXT, SIZE, NUMBER, FLAG };

/* @min and @max bound a number; a text with a @min must not be empty. */
static const struct option {
	const char *name, *value;
	enum kind kind;
	size_t field;
	uint64_t min, max;
	const char *help;
} options_table[] = {
	{ "--kernel", "FILE", TEXT, offsetof(struct run_options, kernel), 1, 0,
	  "kernel to boot: a bzImage or an ELF vmlinux (required)" },
	{ "--initrd", "FILE", TEXT, offsetof(struct run_options, initrd), 1, 0,
	  "initial RAM disk" },
	{ "--append", "TEXT", TEXT, offsetof(struct run_options, append), 0, 0,
	  "kernel command line (default: console=ttyS0)" },
	{ "--mem", "SIZE", SIZE, offsetof(struct run_options, memory), 0, 0,
	  "guest memory, as 512M or 1G (default: 256M)" },
	{ "--cpus", "N", NUMBER, offsetof(struct run_options, cpus), 1, OPTIONS_CPUS_MAX,
	  "virtual CPUs (default: 1)" },
	{ "--device", "PATH", TEXT, offsetof(struct run_options, device), 1, 0,
	  "device to run on (default: /dev/lintel; /dev/kvm works as well)" },
	{ "--timeout", "S", NUMBER, offsetof(struct run_options, timeout), 1, 1000000000,
	  "end the guest after S seconds" },
	{ "--stats", NULL, FLAG, offsetof(struct run_options, stats), 0, 0,
	  "at the end, show times and exits by reason" },
	{ "--mark", "TEXT", TEXT, offsetof(struct run_options, mark), 1, 0,
	  "with --stats: note the time when the guest's console shows TEXT" },
	{ "--no-terminal", NULL, FLAG, offsetof(struct run_options, no_terminal), 0, 0,
	  "do not read the terminal; Ctrl-C ends the guest" },
	{ "--no-sandbox", NULL, FLAG, offsetof(struct run_options, no_sandbox), 0, 0,
	  "do not restrict the launcher's own system calls" },
	{ "--no-irqchip", NULL, FLAG, offsetof(struct run_options, no_irqchip), 0, 0,
	  "no interrupt chips and no timer: for a device that has none yet" },
	{ "--help", NULL, FLAG, offsetof(struct run_options, help), 0, 0,
	  "this text" },
};

#define OPTIONS		(sizeof(options_table) / sizeof(options_table[0]))
#define COLUMN		20

int options_size(const char *text, uint64_t *bytes)
{
	static const char units[] = "KMGT";
	const char *unit;
	unsigned int shift = 20;
	unsigned long long n;
	char *end;

	if (!isdigit((unsigned char)text[0]))
		return -EINVAL;
	errno = 0;
	n = strtoull(text, &end, 10);
	if (errno)
		return -ERANGE;
	if (*end) {
		unit = strchr(units, toupper((unsigned char)*end));
		if (!unit || (end[1] && strcmp(end + 1, "iB") && strcmp(end + 1, "B")))
			return -EINVAL;
		shift = 10 * (unit - units + 1);
	}
	if (n > UINT64_MAX >> shift)
		return -ERANGE;
	*bytes = (uint64_t)n << shift;
	return 0;
}

static int parse_number(const struct option *o, const char *text, uint64_t *number)
{
	unsigned long long n;
	char *end;

	errno = 0;
	n = isdigit((unsigned char)text[0]) ? strtoull(text, &end, 10) : 0;
	if (!isdigit((unsigned char)text[0]) || errno || *end || n < o->min || n > o->max)
		return error_set(-EINVAL, "%s: \"%s\" is not a number from %llu to %llu", o->name,
				 text, (unsigned long long)o->min, (unsigned long long)o->max);
	*number = n;
	return 0;
}

static int store(const struct option *o, const char *value, struct run_options *options)
{
	char *field = (char *)options + o->field;

	switch (o->kind) {
	case TEXT:
		if (!*value && o->min)
			return error_set(-EINVAL, "%s: the value is empty", o->name);
		*(const char **)field = value;
		return 0;
	case SIZE:
		if (options_size(value, (uint64_t *)field) < 0)
			return error_set(-EINVAL, "%s: \"%s\" is not a size; write 512M or 1G",
					 o->name, value);
		return 0;
	case NUMBER:
		return parse_number(o, value, (uint64_t *)field);
	default:
		*(bool *)field = true;
		return 0;
	}
}

/* The row of @arg, and what follows its "=", if anything does. */
static const struct option *find(const char *arg, const char **value)
{
	size_t i;

	for (i = 0; i < OPTIONS; i++) {
		const struct option *o = &options_table[i];
		size_t len = strlen(o->name);

		if (strncmp(arg, o->name, len) || (arg[len] && arg[len] != '='))
			continue;
		*value = arg[len] ? arg + len + 1 : NULL;
		return o;
	}
	return NULL;
}

int options_parse(char **args, struct run_options *options)
{
	*options = (struct run_options){
		.append = "console=ttyS0", .device = "/dev/lintel", .cpus = 1,
		.memory = 256 << 20,
	};
	while (*args) {
		const char *arg = *args++, *value = NULL;
		const struct option *o = find(arg, &value);
		int ret;

		if (!o)
			return error_set(-EINVAL, "run: unknown option \"%s\"; see lintel run "
						  "--help",
					 arg);
		if (o->kind == FLAG && value)
			return error_set(-EINVAL, "%s takes no value", o->name);
		if (o->kind != FLAG && !value) {
			if (!*args)
				return error_set(-EINVAL, "%s needs a value: "
							  "%s", o->name, o->value);
			value = *args++;
		}
		ret = store(o, value, options);
		if (ret < 0)
			return ret;
	}
	if (!options->kernel && !options->help)
		return error_set(-EINVAL, "run: no kernel given; name one with --kernel FILE");
	return 0;
}

void options_help(FILE *to)
{
	size_t i;

	fprintf(to, "Usage: lintel run --kernel FILE [OPTION]...\n"
		"Runs a Linux guest until it powers off or resets.\n\n");
	for (i = 0; i < OPTIONS; i++) {
		const struct option *o = &options_table[i];
		int n = fprintf(to, "  %s%s%s", o->name, o->value ? " " : "",
				o->value ? o->value : "");

		fprintf(to, "%*s%s\n", n < COLUMN ? COLUMN - n : 1, "", o->help);
	}
	fprintf(to, "\nOn a terminal, Ctrl-A x ends the guest and Ctrl-A h shows the other keys.\n"
		"Exit codes: 0 powered off, 1 cannot run, 2 usage, 3 reset, 4 triple fault,\n"
		"5 VM entry failed, 6 internal error of the device, 7 unexpected exit,\n"
		"8 timeout, 9 ended by the user, 10 the guest reported a crash.\n");
}
