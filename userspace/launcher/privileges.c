// SPDX-License-Identifier: GPL-2.0-only
/*
 * What sandbox.c forbids call by call, this takes away as a whole, so that neither has to be
 * without a gap. Where the kernel allows it, the process gets namespaces of its own, with no
 * network, no other process's IPC and an empty, read-only file system; a user without privileges
 * needs a user namespace for that, which some systems refuse. Root becomes nobody. All
 * capabilities go, also those that could be had back.
 *
 * What is open stays usable: the VM, its memory, the terminal. The VM belongs to the address
 * space, not to the user.
 */
#include "privileges.h"

#include "../lib/error.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define NOBODY		65534
#define NAMESPACES	(CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP)

static bool write_text(const char *path, const char *text, int length)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool done = fd >= 0 && write(fd, text, length) == length;

	if (fd >= 0)
		close(fd);
	return done;
}

/* Root of the new user namespace is who we are, and nobody else is anybody in it. */
static bool map_users(uid_t uid, gid_t gid)
{
	char text[40];

	if (!write_text("/proc/self/setgroups", "deny", 4))
		return false;
	if (!write_text("/proc/self/uid_map", text,
			snprintf(text, sizeof(text), "0 %u 1", (unsigned int)uid)))
		return false;
	return write_text("/proc/self/gid_map", text,
			  snprintf(text, sizeof(text), "0 %u 1", (unsigned int)gid));
}

/* Nothing to be seen, and nothing to be written. /tmp only lends its name. */
static void empty_root(void)
{
	if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return;
	if (mount("none", "/tmp", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RDONLY,
		  "size=4k,nr_inodes=2,mode=555") < 0 || chdir("/tmp") < 0)
		return;
	/* the root of a system that runs from memory cannot be left so; it can be hidden */
	if (syscall(SYS_pivot_root, ".", ".") == 0)
		umount2(".", MNT_DETACH);
	else if (chroot(".") == 0 && chdir("/") < 0)
		return;
}

/* Where they are refused, the rest still holds. */
static void take_namespaces(bool root)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();

	if (unshare(NAMESPACES) == 0 ||
	    (!root && unshare(CLONE_NEWUSER | NAMESPACES) == 0 && map_users(uid, gid)))
		empty_root();
}

static int become_nobody(void)
{
	if (setgroups(0, NULL) < 0)
		return error_errno(-errno, "setgroups; --no-sandbox runs without");
	if (setresgid(NOBODY, NOBODY, NOBODY) < 0)
		return error_errno(-errno, "setresgid; --no-sandbox runs without");
	if (setresuid(NOBODY, NOBODY, NOBODY) < 0)
		return error_errno(-errno, "setresuid; --no-sandbox runs without");
	return 0;
}

static int drop_capabilities(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { 0 };

	if (syscall(SYS_capset, &head, none) < 0)
		return error_errno(-errno, "capset");
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0 && errno != EINVAL)
		return error_errno(-errno, "prctl(PR_CAP_AMBIENT)");
	return 0;
}

/* What no later exec could give back; needs a capability itself, and goes as far as it does. */
static void drop_bounding_set(void)
{
	unsigned int cap;

	for (cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0)
			return;
}

int privileges_drop(void)
{
	bool root = geteuid() == 0;
	int ret = 0;

	/* The C library reads the time zone's file at the first use of a date; let that be now. */
	tzset();
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return error_errno(-errno, "prctl(PR_SET_NO_NEW_PRIVS)");
	take_namespaces(root);
	drop_bounding_set();
	if (root)
		ret = become_nobody();
	if (ret == 0)
		ret = drop_capabilities();
	return ret;
}
