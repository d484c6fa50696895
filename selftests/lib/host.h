/* SPDX-License-Identifier: GPL-2.0-only */
/* The kernel that the tests run on: its kind, where that decides how much is done; its clocks. */
#ifndef LINTEL_SELFTESTS_HOST_H
#define LINTEL_SELFTESTS_HOST_H

#include <stdbool.h>
#include <time.h>

#include <linux/types.h>

/* Sanitizers make the host's kernel some ten times slower; freed memory stays away for a while. */
bool host_has_sanitizers(void);

/* How often something is repeated: `usual`, or `few` with sanitizers, which a note says. */
unsigned int host_repetitions(unsigned int usual, unsigned int few, const char *of_what);

/* A clock of the host's, in ns. */
__u64 host_ns(clockid_t clock);

#endif
