/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The user's side of a run: the terminal, its escape key, signals and the time limit. All of it
 * belongs to the main thread.
 */
#ifndef LINTEL_CONSOLE_H
#define LINTEL_CONSOLE_H

#include "machine.h"

#include <signal.h>

/* Which key of the escape sequence was pressed. */
enum console_key { CONSOLE_NONE, CONSOLE_QUIT, CONSOLE_HELP, CONSOLE_BREAK };

struct escape {
	bool pending;	/* Ctrl-A was seen, its key was not */
};

/*
 * Takes one byte from the terminal. Returns how many bytes (0 or 1) to send, in @out, and sets
 * @key.
 */
size_t escape_filter(struct escape *escape, uint8_t byte, uint8_t *out, enum console_key *key);

/*
 * Blocks the signals that end a run, to be called before threads are made, and puts the terminal
 * into raw mode where there is one. console_close() undoes both.
 */
int console_open(const struct run_options *options);
void console_close(void);

/* Puts the terminal back; safe in a signal handler, and to be called at any time. */
void console_restore_terminal(void);

/* Attends to terminal, signals and time limit until the machine ended. */
void console_loop(struct machine *machine);

#endif
