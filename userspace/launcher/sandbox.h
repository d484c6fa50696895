/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The launcher gives up what it does not need before the guest's first instruction; see sandbox.c.
 */
#ifndef LINTEL_SANDBOX_H
#define LINTEL_SANDBOX_H

/* For all threads of the process, for good. */
int sandbox_enter(void);

#endif
