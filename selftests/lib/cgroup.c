// SPDX-License-Identifier: GPL-2.0-only
/*
 * See cgroup.h. The hierarchy is mounted at a place of our own, wherever the machine has its.
 */
#include "cgroup.h"

#include <sys/mount.h>
#include <sys/stat.h>

#include "files.h"
#include "vm.h"

#define ROOT	"/tmp/cgroup"

static const char *path_of(const char *group, const char *file)
{
	static char path[128];

	snprintf(path, sizeof(path), ROOT "/%s/%s", group, file);
	return path;
}

void cgroup_make(const char *group, const char *limit)
{
	mkdir(ROOT, 0755);
	if (access(ROOT "/cgroup.controllers", F_OK) && mount("none", ROOT, "cgroup2", 0, NULL))
		SKIP("cgroup2: %m");
	file_write(ROOT "/cgroup.subtree_control", "+memory");
	if (mkdir(path_of(group, ""), 0755) && errno != EEXIST)
		SKIP("cgroup %s: %m", group);
	cgroup_write(group, "memory.max", limit);
}

void cgroup_enter(const char *group)
{
	cgroup_write(group, "cgroup.procs", "0");
}

void cgroup_write(const char *group, const char *file, const char *text)
{
	file_write(path_of(group, file), text);
}

u64 cgroup_read(const char *group, const char *file, const char *key)
{
	return file_number(path_of(group, file), key);
}
