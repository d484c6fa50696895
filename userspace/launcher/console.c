// SPDX-License-Identifier: GPL-2.0-only
/*
 * On a terminal every key goes to the guest, Ctrl-C too; Ctrl-A is the launcher's own. Without a
 * terminal, standard input is passed on until it ends, and a signal ends the run. Signals come
 * through a descriptor, so that nothing happens in a handler. The terminal is put back on every way
 * out: at the end of the run, and by the handler of fatal signals in main.c.
 */
#include "console.h"

#include "../lib/error.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#define ESCAPE		0x01	/* Ctrl-A */
#define NS_PER_MS	1000000LL
#define MS_PER_S	1000LL

static const char help[] =
	"\r\nlintel: Ctrl-A x ends the guest, Ctrl-A a sends Ctrl-A, Ctrl-A c sends a break, "
	"Ctrl-A h shows this\r\n";

static struct termios saved;
static volatile sig_atomic_t raw;
static bool reading;		/* standard input is passed to the guest */
static sigset_t old_mask;
static int signal_fd = -1;

size_t escape_filter(struct escape *escape, uint8_t byte, uint8_t *out, enum console_key *key)
{
	*key = CONSOLE_NONE;
	if (!escape->pending) {
		if (byte == ESCAPE) {
			escape->pending = true;
			return 0;
		}
		*out = byte;
		return 1;
	}
	escape->pending = false;
	switch (byte) {
	case 'x':
	case 'X':
		*key = CONSOLE_QUIT;
		return 0;
	case 'c':
		*key = CONSOLE_BREAK;
		return 0;
	case 'a':
	case ESCAPE:
		*out = ESCAPE;
		return 1;
	default:
		*key = CONSOLE_HELP;
		return 0;
	}
}

static int enter_raw_mode(void)
{
	struct termios t;

	if (tcgetattr(STDIN_FILENO, &saved) < 0)
		return error_errno(-errno, "the terminal's settings cannot be read");
	t = saved;
	cfmakeraw(&t);
	if (tcsetattr(STDIN_FILENO, TCSANOW, &t) < 0)
		return error_errno(-errno, "the terminal cannot be set to raw mode");
	raw = 1;
	return 0;
}

void console_restore_terminal(void)
{
	if (!raw)
		return;
	tcsetattr(STDIN_FILENO, TCSANOW, &saved);
	raw = 0;
}

int console_open(const struct run_options *options)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGQUIT);
	pthread_sigmask(SIG_BLOCK, &set, &old_mask);
	signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (signal_fd < 0)
		return error_errno(-errno, "signalfd");
	reading = !options->no_terminal;
	if (reading && isatty(STDIN_FILENO))
		return enter_raw_mode();
	return 0;
}

void console_close(void)
{
	console_restore_terminal();
	if (signal_fd >= 0)
		close(signal_fd);
	signal_fd = -1;
	pthread_sigmask(SIG_SETMASK, &old_mask, NULL);
}

static void press(struct machine *machine, enum console_key key)
{
	if (key == CONSOLE_QUIT)
		machine_stop(machine, END_USER, "ended by Ctrl-A x");
	else if (key == CONSOLE_BREAK)
		uart_receive_break(&machine->devices.uart);
	else if (key == CONSOLE_HELP && write(STDERR_FILENO, help, sizeof(help) - 1) < 0)
		return;	/* a help text that nobody can see is no failure */
}

static void read_input(struct machine *machine, struct escape *escape, size_t room)
{
	uint8_t in[256], out;
	enum console_key key;
	ssize_t i, n;

	n = read(STDIN_FILENO, in, room < sizeof(in) ? room : sizeof(in));
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0) {
		reading = false;
		if (raw)	/* the terminal went away */
			machine_stop(machine, END_USER, "the terminal was closed");
		return;
	}
	pthread_mutex_lock(&machine->device_lock);
	for (i = 0; i < n; i++) {
		key = CONSOLE_NONE;
		if (!raw)
			uart_receive(&machine->devices.uart, in + i, 1);
		else if (escape_filter(escape, in[i], &out, &key))
			uart_receive(&machine->devices.uart, &out, 1);
		press(machine, key);
	}
	pthread_mutex_unlock(&machine->device_lock);
}

static void read_signal(struct machine *machine)
{
	struct signalfd_siginfo info;

	if (read(signal_fd, &info, sizeof(info)) == sizeof(info))
		machine_stop(machine, END_USER, "ended by signal %u (%s)", info.ssi_signo,
			     strsignal(info.ssi_signo));
}

/* Milliseconds until the time limit, -1 without one. */
static int remaining(struct machine *machine)
{
	struct timespec now;
	int64_t ms;

	if (!machine->options->timeout)
		return -1;
	clock_gettime(CLOCK_MONOTONIC, &now);
	ms = machine->options->timeout * MS_PER_S -
	     (now.tv_sec - machine->first_run.time.tv_sec) * MS_PER_S -
	     (now.tv_nsec - machine->first_run.time.tv_nsec) / NS_PER_MS;
	if (ms <= 0)
		return 0;
	return ms < 60 * MS_PER_S ? ms + 1 : 60 * MS_PER_S;
}

static size_t input_room(struct machine *machine)
{
	size_t room;

	pthread_mutex_lock(&machine->device_lock);
	room = uart_room(&machine->devices.uart);
	pthread_mutex_unlock(&machine->device_lock);
	return room;
}

void console_loop(struct machine *machine)
{
	struct escape escape = { 0 };
	uint64_t count;

	while (!atomic_load(&machine->stopping)) {
		size_t room = reading ? input_room(machine) : 0;
		struct pollfd fds[] = {
			{ .fd = machine->wake_fd, .events = POLLIN },
			{ .fd = signal_fd, .events = POLLIN },
			{ .fd = room ? STDIN_FILENO : -1, .events = POLLIN },
		};
		int limit = remaining(machine);

		if (limit == 0) {
			machine_stop(machine, END_TIMEOUT,
				     "the time limit of %llu s was reached (--timeout)",
				     (unsigned long long)machine->options->timeout);
			break;
		}
		if (poll(fds, sizeof(fds) / sizeof(fds[0]), limit) < 0 && errno != EINTR)
			machine_stop(machine, END_SETUP, "poll: %s", strerror(errno));
		if (fds[0].revents && read(machine->wake_fd, &count, sizeof(count)) < 0 &&
		    errno != EAGAIN)
			machine_stop(machine, END_SETUP, "eventfd: %s", strerror(errno));
		if (fds[1].revents)
			read_signal(machine);
		if (fds[2].revents)
			read_input(machine, &escape, room);
	}
}
