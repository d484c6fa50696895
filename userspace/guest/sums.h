/* SPDX-License-Identifier: GPL-2.0-only */
/* Memory in motion, and what it holds, round by round; see sums.c. */
#ifndef LINTEL_GUEST_SUMS_H
#define LINTEL_GUEST_SUMS_H

/* Prints a line for each of @rounds. */
void sums_print(unsigned long rounds);
/* Prints how much a file or a disk holds, and the sum of its bytes. */
void sums_file(const char *path);

#endif
