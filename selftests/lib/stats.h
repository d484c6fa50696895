/* SPDX-License-Identifier: GPL-2.0-only */
/* One counter of a VM or vCPU, by KVM_GET_STATS_FD on its descriptor. */
#ifndef LINTEL_SELFTESTS_STATS_H
#define LINTEL_SELFTESTS_STATS_H

#include "layout.h"

/*
 * The value in a statistics file, or by the descriptor of a VM or vCPU; -1 where the device has no
 * such counter.
 */
long stat_of(int stats_fd, const char *name);
long stat_read(int fd, const char *name);

/* The same, but the test is skipped without it. */
u64 stat_require(int fd, const char *name);

/* Notes each counter of a VM or vCPU that is not 0, by name. */
void stats_note(int fd);

#endif
