/* SPDX-License-Identifier: GPL-2.0-only */
/* Memory cgroups (version 2) for tests, by names directly below the root. */
#ifndef LINTEL_SELFTESTS_CGROUP_H
#define LINTEL_SELFTESTS_CGROUP_H

#include "layout.h"

/* The group is there, with memory.max of `limit`; skips the test without memory cgroups. */
void cgroup_make(const char *group, const char *limit);

/* The calling process goes there. */
void cgroup_enter(const char *group);

void cgroup_write(const char *group, const char *file, const char *text);

/* The number behind `key` in one of the group's files; an empty key: the file's only one. */
u64 cgroup_read(const char *group, const char *file, const char *key);

#endif
