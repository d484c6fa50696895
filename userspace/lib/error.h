/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Errors with a sentence. A function that fails returns a negative errno and leaves one sentence,
 * which names the file, the option or the ioctl and the cause, in a buffer of its thread. Only
 * main() prints it and only main() exits; everything below it can be called from a test.
 */
#ifndef LINTEL_ERROR_H
#define LINTEL_ERROR_H

/* Stores the sentence and returns @err, which must be negative. */
int error_set(int err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* As error_set(), with ": " and the errno's description at the end of the sentence. */
int error_errno(int err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The sentence of the last failure in this thread; "" if there was none. */
const char *error_text(void);

#endif
