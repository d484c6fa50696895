/* SPDX-License-Identifier: GPL-2.0-only */
/* All CPUs of the guest at work, one of them unplugged in between; see cpus.c. */
#ifndef LINTEL_GUEST_CPUS_H
#define LINTEL_GUEST_CPUS_H

/* Prints "lintel: CPUs: passed" or what failed. */
void cpus_check(void);

#endif
