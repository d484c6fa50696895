/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The launcher gives up the rights of its user before it makes its threads; see privileges.c.
 */
#ifndef LINTEL_PRIVILEGES_H
#define LINTEL_PRIVILEGES_H

/* In the only thread of the process, when all files are open; for good. 0 or a negative errno. */
int privileges_drop(void);

#endif
