// SPDX-License-Identifier: GPL-2.0-only
/*
 * Console, exit handling and sandbox, with a machine that has no device behind it: its vCPU's
 * struct kvm_run is filled in by the test, its terminal is a pseudo-terminal.
 */
#include "test.h"

#include "../launcher/console.h"
#include "../launcher/exits.h"
#include "../launcher/sandbox.h"
#include "../lib/error.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#define RUN_SIZE	8192
#define DATA_AT		4096

static struct run_options options;
static struct machine *machine;
static struct vcpu vcpu;

static void set_up(void)
{
	options = (struct run_options){ .timeout = 20, .append = "" };
	machine = calloc(1, sizeof(*machine));
	machine_init(machine, &options);
	machine->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	machine->run_size = RUN_SIZE;
	moment_take(&machine->first_run);
	vcpu = (struct vcpu){ .machine = machine, .fd = -1, .run = calloc(1, RUN_SIZE) };
}

/* What a driver does before input reaches it: OUT2 and the receive interrupt. */
static void start_reading(void)
{
	uart_write(&machine->devices.uart, 4, 1, 8);
	uart_write(&machine->devices.uart, 1, 1, 1);
}

static void tear_down(void)
{
	free(vcpu.run);
	machine_destroy(machine);
	free(machine);
}

static void expect_end(enum end end, const char *sentence)
{
	CHECK(machine->ended, "not ended; \"%s\" was expected", sentence);
	CHECK(machine->end == end, "%d: %s", machine->end, machine->why);
	CHECK(strstr(machine->why, sentence), "\"%s\" is without \"%s\"", machine->why, sentence);
}

/* Makes @fd the standard input; returns what it was. */
static int replace_input(int fd)
{
	int old = dup(STDIN_FILENO);

	dup2(fd, STDIN_FILENO);
	return old;
}

static void put_back_input(int old)
{
	if (old >= 0)
		dup2(old, STDIN_FILENO);
	else
		close(STDIN_FILENO);
	close(old);
}

void test_console_terminal(void)
{
	int host = posix_openpt(O_RDWR | O_NOCTTY), guest, old;
	struct termios before, raw, after;
	uint8_t c;

	CHECK(host >= 0 && grantpt(host) == 0 && unlockpt(host) == 0, "no pseudo-terminal");
	guest = open(ptsname(host), O_RDWR | O_NOCTTY);
	CHECK(guest >= 0, "no pseudo-terminal");
	set_up();
	old = replace_input(guest);
	tcgetattr(guest, &before);
	CHECK_EQ(console_open(&options), 0, error_text());
	tcgetattr(guest, &raw);
	CHECK(!(raw.c_lflag & (ICANON | ECHO | ISIG)), "not raw");
	/* Ctrl-C and two letters for the guest, then the escape. */
	CHECK_EQ(write(host, "\3ab\1x", 5), 5, "write");
	console_loop(machine);
	expect_end(END_USER, "Ctrl-A x");
	console_close();
	tcgetattr(guest, &after);
	CHECK(before.c_iflag == after.c_iflag && before.c_oflag == after.c_oflag &&
	      before.c_cflag == after.c_cflag && before.c_lflag == after.c_lflag,
	      "the terminal was not put back");
	put_back_input(old);
	start_reading();
	for (c = 0; c < 3; c++)
		CHECK_EQ(uart_read(&machine->devices.uart, 0, 1), "\3ab"[c], "for the guest");
	CHECK_EQ(uart_read(&machine->devices.uart, 5, 1) & 1, 0, "no more than that");
	close(guest);
	close(host);
	tear_down();
}

void test_console_pipe(void)
{
	int pipe_fd[2], old;

	CHECK_EQ(pipe(pipe_fd), 0, "pipe");
	set_up();
	options.timeout = 1;
	old = replace_input(pipe_fd[0]);
	CHECK_EQ(console_open(&options), 0, error_text());
	/*
	 * Without a terminal there is no escape key, and the end of the input is no end of the run.
	 */
	CHECK_EQ(write(pipe_fd[1], "\1x", 2), 2, "write");
	close(pipe_fd[1]);
	console_loop(machine);
	expect_end(END_TIMEOUT, "limit of 1 s");
	console_close();
	put_back_input(old);
	start_reading();
	CHECK_EQ(uart_read(&machine->devices.uart, 0, 1), 1, "Ctrl-A");
	CHECK_EQ(uart_read(&machine->devices.uart, 0, 1), 'x', "x");
	close(pipe_fd[0]);
	tear_down();
}

void test_console_end(void)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(signals); i++) {
		set_up();
		options.no_terminal = true;
		CHECK_EQ(console_open(&options), 0, error_text());
		kill(getpid(), signals[i]);
		console_loop(machine);
		expect_end(END_USER, "signal");
		console_close();
		tear_down();
	}
	/* The first end counts. */
	set_up();
	machine_stop(machine, END_RESET, "first");
	machine_stop(machine, END_POWER_OFF, "second");
	expect_end(END_RESET, "first");
	tear_down();
}

static void io(unsigned int port, unsigned int size, unsigned int count, int direction,
	       uint64_t offset)
{
	struct kvm_run *run = vcpu.run;

	run->exit_reason = KVM_EXIT_IO;
	run->io.port = port;
	run->io.size = size;
	run->io.count = count;
	run->io.direction = direction;
	run->io.data_offset = offset;
	exits_handle(&vcpu);
}

static const struct {
	const char *name;
	unsigned int size, count;
	uint64_t offset;
	bool sound;
} io_rows[] = {
	{ "a byte", 1, 1, DATA_AT, true },
	{ "all there is", 4, 1024, DATA_AT, true },
	{ "nothing", 1, 0, DATA_AT, true },
	{ "too many", 4, 1025, DATA_AT, false },
	{ "odd size", 3, 1, DATA_AT, false },
	{ "size of eight", 8, 1, DATA_AT, false },
	{ "no size", 0, 1, DATA_AT, false },
	{ "offset beyond", 1, 1, RUN_SIZE + 1, false },
	{ "offset huge", 1, 1, UINT64_MAX, false },
	{ "count that wraps", 4, 0x40000001, DATA_AT, false },
};

void test_exits_io(void)
{
	uint8_t *data;
	size_t i;

	set_up();
	data = (uint8_t *)vcpu.run + DATA_AT;
	memcpy(data, "\x11\x22\x33", 3);
	io(0x3ff, 1, 3, KVM_EXIT_IO_OUT, DATA_AT);
	CHECK_EQ(machine->devices.uart.scratch, 0x33, "a string goes out byte by byte");
	memset(data, 0, 8);
	io(0x3ff, 1, 2, KVM_EXIT_IO_IN, DATA_AT);
	CHECK(!memcmp(data, "\x33\x33\0", 3), "a string comes in");
	io(0x2f8, 4, 2, KVM_EXIT_IO_IN, DATA_AT);
	CHECK(!memcmp(data, "\xff\xff\xff\xff\xff\xff\xff\xff", 8), "nobody answers");
	CHECK_EQ(vcpu.exits[KVM_EXIT_IO], 3, "counted");

	vcpu.run->exit_reason = KVM_EXIT_MMIO;
	vcpu.run->mmio.is_write = 0;
	vcpu.run->mmio.len = 8;
	exits_handle(&vcpu);
	CHECK(!memcmp(vcpu.run->mmio.data, "\xff\xff\xff\xff\xff\xff\xff\xff", 8), "all ones");
	vcpu.run->mmio.is_write = 1;
	exits_handle(&vcpu);
	CHECK_EQ(machine->mmio_reads, 1, "counted");
	CHECK_EQ(machine->mmio_writes, 1, "counted");
	CHECK(!machine->ended, "%s", machine->why);
	tear_down();

	for (i = 0; i < ARRAY_SIZE(io_rows); i++) {
		set_up();
		io(0x2f8, io_rows[i].size, io_rows[i].count, KVM_EXIT_IO_IN, io_rows[i].offset);
		CHECK(machine->ended == !io_rows[i].sound, "%s", io_rows[i].name);
		tear_down();
	}
}

void test_exits_sentences(void)
{
	static const struct { uint32_t reason; enum end end; const char *sentence; } rows[] = {
		{ KVM_EXIT_UNKNOWN, END_UNEXPECTED_EXIT, "reason 0x2a" },
		{ KVM_EXIT_DEBUG, END_UNEXPECTED_EXIT, "KVM_EXIT_DEBUG" },
		{ KVM_EXIT_HLT, END_UNEXPECTED_EXIT, "KVM_EXIT_HLT" },
		{ KVM_EXIT_SHUTDOWN, END_TRIPLE_FAULT, "triple fault" },
		{ KVM_EXIT_FAIL_ENTRY, END_FAIL_ENTRY, "0x2a" },
		{ KVM_EXIT_INTERNAL_ERROR, END_INTERNAL_ERROR, "suberror 42" },
		{ KVM_EXIT_SYSTEM_EVENT, END_UNEXPECTED_EXIT, "system event 42" },
		{ KVM_EXIT_HYPERV, END_UNEXPECTED_EXIT, "exit reason 27" },
		{ UINT32_MAX, END_UNEXPECTED_EXIT, "exit reason 4294967295" },
	};
	static const struct { uint32_t type; enum end end; } events[] = {
		{ KVM_SYSTEM_EVENT_SHUTDOWN, END_POWER_OFF }, { KVM_SYSTEM_EVENT_RESET, END_RESET },
		{ KVM_SYSTEM_EVENT_CRASH, END_CRASH },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		set_up();
		/* The first member of each kind of exit, and a count beyond the array's end. */
		vcpu.run->hw.hardware_exit_reason = 42;
		if (rows[i].reason == KVM_EXIT_INTERNAL_ERROR)
			vcpu.run->internal.ndata = 1000;
		vcpu.run->exit_reason = rows[i].reason;
		exits_handle(&vcpu);
		expect_end(rows[i].end, rows[i].sentence);
		CHECK(strstr(machine->why, "vCPU 0"), "%s", machine->why);
		tear_down();
	}
	for (i = 0; i < ARRAY_SIZE(events); i++) {
		set_up();
		vcpu.run->exit_reason = KVM_EXIT_SYSTEM_EVENT;
		vcpu.run->system_event.type = events[i].type;
		exits_handle(&vcpu);
		expect_end(events[i].end, "");
		tear_down();
	}
	set_up();
	exits_run_failed(&vcpu, ENOSPC);
	expect_end(END_UNEXPECTED_EXIT, "KVM_RUN: No space");
	tear_down();
}

/* Runs @call in a sandboxed child; returns the signal that ended it, or 0. */
static int in_sandbox(long (*call)(void))
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		if (sandbox_enter() < 0)
			_exit(99);
		call();
		/* Not _exit(): the sanitizer would make calls of its own, which are refused. */
		syscall(SYS_exit_group, 0);
	}
	if (child < 0 || waitpid(child, &status, 0) < 0)
		return -1;
	CHECK(!WIFEXITED(status) || WEXITSTATUS(status) == 0, "the sandbox cannot be entered");
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static long call_write(void)
{
	return syscall(SYS_write, 2, "", 0);
}

static long call_kvm_ioctl(void)
{
	return ioctl(-1, KVM_RUN, 0);
}

static long call_kvm_ioctl_wide(void)
{
	/* The upper half of the number does not reach the kernel, nor the filter. */
	return syscall(SYS_ioctl, -1, 0xffffffff00000000UL | KVM_RUN, 0);
}

static long call_terminal(void)
{
	struct termios t;

	return tcgetattr(-1, &t);
}

static long call_mmap(void)
{
	return (long)mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static long call_open(void)
{
	return open("/dev/null", O_RDONLY);
}

static long call_socket(void)
{
	return socket(AF_UNIX, SOCK_STREAM, 0);
}

static long call_exec(void)
{
	return execl("/bin/true", "true", NULL);
}

static long call_mmap_exec(void)
{
	return (long)mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static long call_mprotect_exec(void)
{
	return mprotect(NULL, 4096, PROT_READ | PROT_EXEC);
}

static long call_push_input(void)
{
	return ioctl(0, TIOCSTI, "x");
}

static long call_x32(void)
{
	return syscall(SYS_write | 0x40000000, 2, "", 0);
}

void test_sandbox(void)
{
	static const struct { const char *name; long (*call)(void); int signal; } rows[] = {
		{ "write", call_write, 0 },
		{ "KVM ioctl", call_kvm_ioctl, 0 },
		{ "KVM ioctl, upper half set", call_kvm_ioctl_wide, 0 },
		{ "terminal settings", call_terminal, 0 },
		{ "mmap", call_mmap, 0 },
		{ "open", call_open, SIGSYS },
		{ "socket", call_socket, SIGSYS },
		{ "exec", call_exec, SIGSYS },
		{ "executable mmap", call_mmap_exec, SIGSYS },
		{ "executable mprotect", call_mprotect_exec, SIGSYS },
		{ "input pushed to the terminal", call_push_input, SIGSYS },
		{ "x32 call", call_x32, SIGSYS },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++)
		CHECK_EQ(in_sandbox(rows[i].call), rows[i].signal, rows[i].name);
}
