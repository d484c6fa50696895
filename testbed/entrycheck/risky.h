/* SPDX-License-Identifier: GPL-2.0-only */
/* States that the host does not survive. */
#ifndef ENTRYCHECK_RISKY_H
#define ENTRYCHECK_RISKY_H

#include "machine.h"

/*
 * risky_row - try the state of this name.  It comes back only if the processor refused it, which
 * no rule explains.  Returns 0, or -EINVAL for a name that there is not.
 */
int risky_row(struct machine *m, const char *name, struct attempt *a);

#endif
