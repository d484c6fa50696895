/* SPDX-License-Identifier: GPL-2.0-only */
/* One counter of a VM or vCPU, by KVM_GET_STATS_FD on its descriptor. */
#ifndef LINTEL_SELFTESTS_STATS_H
#define LINTEL_SELFTESTS_STATS_H

#include "layout.h"

/* The value; -1 where the device has no such counter. */
long stat_read(int fd, const char *name);

/* The same, but the test is skipped without it. */
u64 stat_require(int fd, const char *name);

#endif
