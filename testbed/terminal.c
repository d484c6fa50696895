// SPDX-License-Identifier: GPL-2.0-only
/*
 * Runs a program on a terminal of its own, 24 lines of 80 columns, and types into it: one key each
 * time that the screen has been drawn anew. Prints what the screen was sent and, at the end, the
 * program's exit code and whether it left the terminal as it was.
 *
 * usage: terminal KEYS PROGRAM [ARGUMENT]...
 */
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>
#include <utmp.h>

#define REDRAW	"\033[H\033[J"	/* how a program begins a new screen */
#define STEP	50		/* ms between two looks whether the program has ended */
#define PATIENCE 400		/* steps without a byte: it has stopped to draw, and is killed */

/* What comes up to the beginning of a new screen; false: the program has ended. */
static bool one_screen(int terminal, pid_t child, int *status)
{
	struct pollfd p = { .fd = terminal, .events = POLLIN };
	unsigned int silent = 0;
	bool ended = false;
	size_t seen = 0;
	char c;

	for (;;) {
		if (poll(&p, 1, ended ? 0 : STEP) > 0 && read(terminal, &c, 1) == 1) {
			putchar(c);
			silent = 0;
			seen = c == REDRAW[seen] ? seen + 1 : c == REDRAW[0];
			if (!REDRAW[seen])
				return true;
		} else if (ended) {
			return false;
		} else if (waitpid(child, status, WNOHANG) > 0) {
			ended = true;
		} else if (++silent == PATIENCE) {
			kill(child, SIGKILL);
		}
	}
}

/*
 * The leader of the terminal's session, whose end would take the terminal away: it asks how the
 * terminal is when the program has ended.
 */
static void lead(int program, char **argv)
{
	struct termios before = { 0 }, after = { 0 };
	int status;
	pid_t child;

	login_tty(program);
	tcgetattr(STDIN_FILENO, &before);
	signal(SIGINT, SIG_IGN);
	child = fork();
	if (!child) {
		signal(SIGINT, SIG_DFL);
		execvp(*argv, argv);
		_exit(127);
	}
	waitpid(child, &status, 0);
	tcgetattr(STDIN_FILENO, &after);
	printf("\nexit %d, terminal %s\n", WIFEXITED(status) ? WEXITSTATUS(status) : -1,
	       memcmp(&before, &after, sizeof(before)) ? "changed" : "as before");
	fflush(stdout);
	tcdrain(STDOUT_FILENO);
	_exit(0);
}

int main(int argc, char **argv)
{
	struct winsize size = { .ws_row = 24, .ws_col = 80 };
	int terminal, program, status;
	const char *key;
	pid_t child;

	if (argc < 3 || openpty(&terminal, &program, NULL, NULL, &size) < 0) {
		fprintf(stderr, "usage: terminal KEYS PROGRAM [ARGUMENT]...\n");
		return 2;
	}
	child = fork();
	if (!child) {
		close(terminal);
		lead(program, argv + 2);
	}
	for (key = argv[1]; one_screen(terminal, child, &status);) {
		if (*key && write(terminal, key++, 1) != 1)
			return 1;
	}
	printf("\nkeys left: %zu\n", strlen(key));
	return 0;
}
