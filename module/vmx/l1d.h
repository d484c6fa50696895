/* SPDX-License-Identifier: GPL-2.0-only */
/* L1TF: the L1 data cache before the guest runs. */
#ifndef LINTEL_VMX_L1D_H
#define LINTEL_VMX_L1D_H

#include "../types.h"

/* Module init and exit.  0 or -ENOMEM. */
int l1d_init(void);
void l1d_exit(void);

/* l1d_flush - before a stretch in the guest, if l1d_flush_wanted; interrupts off. */
extern bool l1d_flush_wanted;
void l1d_flush(void);

#endif
