// SPDX-License-Identifier: GPL-2.0-only
/*
 * `lintel top`: reads the statistics of all VMs of the user's again and again, and shows what has
 * changed. On a terminal it draws over itself and listens to keys; elsewhere, and with --once or
 * --count, it prints plain text. No file of a VM stays open between two rounds: it would keep the
 * VM.
 */
#include "top.h"

#include "../lib/error.h"
#include "../lib/kvmapi.h"
#include "command.h"
#include "flight.h"
#include "top_model.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define FILE_MAX (1 << 20)
#define ROWS_MAX 4096

struct settings {
	const char *device, *vm;
	double interval;
	long count; /* rounds; 0: no end */
	bool vcpus;
	struct top_view view;
};

struct rows {
	struct top_row *row;
	size_t count;
};

static volatile sig_atomic_t stopped;

static const char usage[] =
	"Usage: lintel top [OPTION]... [VM]\n"
	"Shows how often VMs exit, why, and how long the host takes, again and again.\n"
	"VM is a process id, or # and a number of 'lintel trace --list'; without it all are\n"
	"shown. You see your own VMs, root sees all.\n\n"
	"  --vcpus           a line for each vCPU, not for each VM\n"
	"  --sort ORDER      exits (the default), user, latency, name\n"
	"  --reverse         the other way round\n"
	"  --interval SEC    between two rounds, 1 by default\n"
	"  --count N         end after N rounds\n"
	"  --once            the same as --count 1\n"
	"  --device PATH     /dev/lintel\n"
	"  --help            this text\n"
	"On a terminal: v switches to vCPUs and back, s to the next order, r reverses it, q ends.\n"
	"Exit codes: 0 done, 1 it failed, 2 usage.\n";

static int parse_number(const char *name, const char *text, double min, double max, double *value)
{
	char *end;

	*value = strtod(text, &end);
	if (end == text || *end || !isfinite(*value) || *value < min || *value > max)
		return error_set(-EINVAL, "top: %s takes a number from %g to %g", name, min, max);
	return 0;
}

static int parse_value(const char *arg, const char *text, struct settings *s)
{
	double number;
	int ret;

	if (!strcmp(arg, "--sort")) {
		ret = top_sort_parse(text);
		if (ret >= 0)
			s->view.sort = ret;
		return ret < 0 ? ret : 0;
	}
	if (!strcmp(arg, "--interval"))
		return parse_number(arg, text, 0.01, 3600, &s->interval);
	if (!strcmp(arg, "--count")) {
		ret = parse_number(arg, text, 1, 1e9, &number);
		if (!ret)
			s->count = number;
		return ret;
	}
	if (!strcmp(arg, "--device")) {
		s->device = text;
		return 0;
	}
	return error_set(-EINVAL, "top: unknown option \"%s\"; see lintel top --help", arg);
}

static int parse(char **args, void *settings)
{
	struct settings *s = settings;
	int ret = 0;

	for (; *args && !ret; args++) {
		if (!strcmp(*args, "--vcpus")) {
			s->vcpus = true;
		} else if (!strcmp(*args, "--reverse")) {
			s->view.reverse = true;
		} else if (!strcmp(*args, "--once")) {
			s->count = 1;
		} else if (**args != '-') {
			if (s->vm)
				return error_set(-EINVAL, "top: one VM, or all");
			s->vm = *args;
		} else if (!args[1]) {
			return error_set(-EINVAL,
					 "top: %s is unknown, or lacks a value; see lintel top "
					 "--help",
					 *args);
		} else {
			ret = parse_value(args[0], args[1], s);
			args++;
		}
	}
	return ret;
}

/* -ENOENT: it has ended meanwhile. */
static int read_file(int dev, struct top_row *row, uint8_t *buffer)
{
	struct lintel_vm_stats which = {
		.vm = row->vm,
		.vcpu = row->vcpu < 0 ? LINTEL_ALL_VCPUS : (uint32_t)row->vcpu,
	};
	int fd = kvmapi_get_vm_stats_fd(dev, &which);
	ssize_t size;

	if (fd < 0)
		return fd;
	size = pread(fd, buffer, FILE_MAX, 0);
	close(fd);
	return size < 0 ? error_errno(-errno, "statistics") : top_parse(buffer, size, &row->now);
}

static int add_row(int dev, const struct lintel_vm_info *info, int vcpu, struct rows *rows,
		   uint8_t *buffer)
{
	struct top_row *grown, *row;
	int ret;

	if (rows->count == ROWS_MAX)
		return 0;
	grown = realloc(rows->row, (rows->count + 1) * sizeof(*row));
	if (!grown)
		return error_set(-ENOMEM, "no memory");
	rows->row = grown;
	row = &grown[rows->count];
	memset(row, 0, sizeof(*row));
	row->vm = info->vm;
	row->pid = info->pid;
	row->vcpu = vcpu;
	memcpy(row->comm, info->comm, sizeof(info->comm));
	for (char *c = row->comm; *c; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';
	ret = read_file(dev, row, buffer);
	if (ret == -ENOENT)
		return 0;
	rows->count += ret == 0;
	return ret;
}

static void note_frequency(int dev, uint64_t vm, struct top_view *view)
{
	struct lintel_flight flight = { .vm = vm };

	if (!view->tsc_khz && kvmapi_get_flight(dev, &flight) == 0)
		view->tsc_khz = flight.tsc_khz;
}

static int read_all(int dev, struct settings *s, struct rows *rows, uint8_t *buffer)
{
	struct lintel_vm_info info = { 0 }, wanted = { 0 };
	int ret = 0;

	if (s->vm) {
		ret = flight_find(dev, s->vm, &wanted);
		if (ret < 0)
			return ret;
	}
	while (ret >= 0 && (ret = flight_next_vm(dev, &info)) > 0) {
		if (info.flags & LINTEL_VM_DEAD || (s->vm && info.vm != wanted.vm))
			continue;
		note_frequency(dev, info.vm, &s->view);
		if (!s->vcpus)
			ret = add_row(dev, &info, -1, rows, buffer);
		for (uint32_t i = 0; s->vcpus && i < info.vcpus && ret >= 0; i++)
			ret = add_row(dev, &info, i, rows, buffer);
	}
	return ret;
}

static void compare_with(const struct rows *before, struct rows *now)
{
	for (size_t i = 0; i < now->count; i++) {
		struct top_row *row = &now->row[i];

		for (size_t j = 0; j < before->count && !row->have_delta; j++) {
			const struct top_row *old = &before->row[j];

			if (old->vm != row->vm || old->vcpu != row->vcpu)
				continue;
			row->have_delta = true;
			top_delta(&old->now, &row->now, &row->delta);
		}
	}
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static void print(struct rows *rows, struct settings *s, bool terminal)
{
	struct winsize size = { 0 };

	s->view.lines = 0;
	if (terminal) {
		if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0)
			s->view.lines = size.ws_row;
		fputs("\033[H\033[J", stdout);
	}
	printf("lintel top: %zu %s, every %g s, by %s%s\n", rows->count, s->vcpus ? "vCPUs" : "VMs",
	       s->interval, top_sort_name(s->view.sort), s->view.reverse ? ", reversed" : "");
	top_print(rows->row, rows->count, &s->view, stdout);
	fflush(stdout);
}

static void key(struct settings *s)
{
	char c;

	if (read(STDIN_FILENO, &c, 1) != 1) {
		stopped = 1;
		return;
	}
	switch (c) {
	case 'q':
		stopped = 1;
		break;
	case 'v':
		s->vcpus = !s->vcpus;
		break;
	case 's':
		s->view.sort = (s->view.sort + 1) % TOP_SORTS;
		break;
	case 'r':
		s->view.reverse = !s->view.reverse;
		break;
	}
}

/* Until @until, or a key. */
static void rest(double until, struct settings *s, bool terminal)
{
	struct pollfd input = { .fd = terminal ? STDIN_FILENO : -1, .events = POLLIN };
	double left;

	while (!stopped && (left = until - seconds()) > 0) {
		if (poll(&input, 1, (int)(left * 1000) + 1) > 0) {
			key(s);
			return;
		}
	}
}

/* The first round has nothing to compare with: in plain text it is only read. */
static int loop(int dev, struct settings *s, bool terminal)
{
	struct rows before = { 0 }, now = { 0 };
	uint8_t *buffer = malloc(FILE_MAX);
	double last = 0, start;
	long done = -1;
	int ret = buffer ? 0 : error_set(-ENOMEM, "no memory");

	while (!ret && !stopped && (!s->count || done < s->count)) {
		start = seconds();
		ret = read_all(dev, s, &now, buffer);
		if (ret < 0)
			break;
		compare_with(&before, &now);
		s->view.seconds = start - last;
		if (terminal || done >= 0)
			print(&now, s, terminal);
		free(before.row);
		before = now;
		now = (struct rows){ 0 };
		last = start;
		if (++done < s->count || !s->count)
			rest(start + s->interval, s, terminal);
	}
	free(before.row);
	free(now.row);
	free(buffer);
	return ret < 0 ? ret : 0;
}

static void on_signal(int number)
{
	(void)number;
	stopped = 1;
}

static int run(int dev, void *settings)
{
	struct settings *s = settings;
	bool terminal = isatty(STDOUT_FILENO) && isatty(STDIN_FILENO) && !s->count;
	struct sigaction action = { .sa_handler = on_signal };
	struct termios saved, raw;
	int ret;

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
	terminal = terminal && tcgetattr(STDIN_FILENO, &saved) == 0;
	if (terminal) {
		raw = saved;
		raw.c_lflag &= ~(ICANON | ECHO);
		tcsetattr(STDIN_FILENO, TCSANOW, &raw);
		fputs("\033[?1049h\033[?25l", stdout);
	}
	ret = loop(dev, s, terminal);
	if (terminal) {
		fputs("\033[?25h\033[?1049l", stdout);
		fflush(stdout);
		tcsetattr(STDIN_FILENO, TCSANOW, &saved);
	}
	return ret;
}

int top_command(char **args)
{
	static const struct observe_command command = { usage, parse, run };
	struct settings s = { .device = "/dev/lintel", .interval = 1 };

	return observe_command(&command, args, &s, &s.device);
}
