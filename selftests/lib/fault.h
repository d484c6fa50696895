/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel's fault injection, one fault at a time: the n-th allocation or user copy of this
 * thread from now on fails, and nobody else's. Needs root and a kernel with
 * CONFIG_FAULT_INJECTION, as the test machine's `debug` is.
 */
#ifndef LINTEL_SELFTESTS_FAULT_H
#define LINTEL_SELFTESTS_FAULT_H

#include <stdbool.h>

/* All kinds of allocation may fail, silently; SKIP() where the kernel cannot do that. */
void fault_prepare(void);

/* The n-th site from here on fails; sites are counted from 1. */
void fault_arm(unsigned int n);

/* No more faults; whether there was one. */
bool fault_disarm(void);

/* No more faults; how many sites there were since fault_arm(n), of which none had a fault. */
unsigned int fault_sites(unsigned int n);

#endif
