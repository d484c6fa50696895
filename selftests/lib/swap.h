/* SPDX-License-Identifier: GPL-2.0-only */
/* Swap for tests that want to see guest memory leave: a zram disk, where the machine has one. */
#ifndef LINTEL_SELFTESTS_SWAP_H
#define LINTEL_SELFTESTS_SWAP_H

#include "layout.h"

/* There is free swap of that size now; skips the test if there is none and it cannot be made. */
void swap_require(u64 bytes);

/* Take away what swap_require() has made, and its memory with it. */
void swap_end(void);

#endif
