// SPDX-License-Identifier: GPL-2.0-only
/*
 * The command line of `lintel`: one table of commands. Here alone the process ends, and here are
 * the handlers of the signals that concern the process as a whole.
 */
#include "console.h"
#include "doctor.h"
#include "run.h"
#include "../observe/inspect.h"
#include "../observe/top.h"
#include "../observe/trace.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct command {
	const char *name;
	int (*run)(char **args);
	const char *help;
} commands[] = {
	{ "run", run_command, "run a Linux guest (lintel run --help)" },
	{ "doctor", doctor_command, "what this machine has of what Lintel uses, and what to do" },
	{ "inspect", inspect_command, "a vCPU's inside: VMCS, page tables, interrupt controllers" },
	{ "top", top_command, "how often VMs exit, why, and how long it takes" },
	{ "trace", trace_command, "the last exits of a VM, running or ended" },
};

#define COMMANDS	(sizeof(commands) / sizeof(commands[0]))

static void help(FILE *to)
{
	size_t i;

	fprintf(to, "Usage: lintel COMMAND [OPTION]...\n"
		"Runs virtual machines on /dev/lintel, or on any device with the KVM API.\n\n");
	for (i = 0; i < COMMANDS; i++)
		fprintf(to, "  %-12s %s\n", commands[i].name, commands[i].help);
	fprintf(to, "  %-12s %s\n  %-12s %s\n\nThe manual page lintel(1) tells the rest.\n",
		"--help", "this text", "--version", "version of the launcher");
}

/* Nothing to do: its arrival alone ends KVM_RUN. */
static void kicked(int signal)
{
	(void)signal;
}

static void put(const char *text)
{
	if (write(STDERR_FILENO, text, strlen(text)) < 0)
		return;	/* nowhere left to complain */
}

/* Leaves a sane terminal behind, says what a sandboxed call was, and dies of the same signal. */
static void fatal(int number, siginfo_t *info, void *context)
{
	(void)context;
	console_restore_terminal();
	if (number == SIGSYS) {
		char digits[] = "0000";
		unsigned int n = info->si_syscall, i;

		for (i = sizeof(digits) - 1; i-- > 0; n /= 10)
			digits[i] = '0' + n % 10;
		put("lintel: the sandbox refused system call ");
		put(digits);
		put("; please report it, and use --no-sandbox until then\n");
	}
	signal(number, SIG_DFL);
	raise(number);
}

static void set_handlers(void)
{
	static const int deadly[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGSYS };
	struct sigaction action = { .sa_handler = kicked };
	size_t i;

	/* Without SA_RESTART, or KVM_RUN would be entered again. */
	sigaction(SIGUSR1, &action, NULL);
	action = (struct sigaction){ .sa_sigaction = fatal, .sa_flags = SA_SIGINFO | SA_NODEFER };
	for (i = 0; i < sizeof(deadly) / sizeof(deadly[0]); i++)
		sigaction(deadly[i], &action, NULL);
	/* A console that nobody reads any more is an error of write(), with a sentence. */
	signal(SIGPIPE, SIG_IGN);
}

int main(int argc, char **argv)
{
	size_t i;

	if (argc < 2) {
		help(stderr);
		return END_USAGE;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) {
		help(stdout);
		return 0;
	}
	if (!strcmp(argv[1], "--version")) {
		printf("lintel %s\n", LINTEL_VERSION);
		return 0;
	}
	set_handlers();
	for (i = 0; i < COMMANDS; i++)
		if (!strcmp(argv[1], commands[i].name))
			return commands[i].run(argv + 2);
	fprintf(stderr, "lintel: unknown command \"%s\"; see lintel --help\n", argv[1]);
	return END_USAGE;
}
