// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is left of the user's rights after privileges_drop(), in a child process: for root, who
 * becomes nobody, and for a user without privileges.
 */
#include "test.h"

#include "../launcher/privileges.h"
#include "../lib/error.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define USER	4711

/* What a child saw. */
struct seen {
	int ret, uid, capabilities, bounding, no_new_privs;
	int namespaces;		/* the network's is another one */
	int open_error, make_error, root_error;
	char byte;		/* of a file that was open before */
};

static ino_t namespace_of(int directory)
{
	struct stat st;

	return fstatat(directory, "net", &st, 0) < 0 ? 0 : st.st_ino;
}

static int count_capabilities(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
	int count = 0, i;

	if (syscall(SYS_capget, &head, data) < 0)
		return -1;
	for (i = 0; i < _LINUX_CAPABILITY_U32S_3; i++)
		count += __builtin_popcount(data[i].effective | data[i].permitted |
					    data[i].inheritable);
	return count;
}

static int count_bounding(void)
{
	int count = 0, cap, there;

	for (cap = 0; (there = prctl(PR_CAPBSET_READ, cap, 0, 0, 0)) >= 0; cap++)
		count += there;
	return count;
}

static int error_of(long ret)
{
	return ret < 0 ? errno : 0;
}

/* In the child; @uid: who it is before it drops anything. */
static void drop_and_look(struct seen *seen, uid_t uid)
{
	int namespaces = open("/proc/self/ns", O_RDONLY | O_DIRECTORY);
	int file = open("/proc/self/comm", O_RDONLY);
	ino_t before = namespace_of(namespaces);

	if (uid && (setresgid(uid, uid, uid) < 0 || setresuid(uid, uid, uid) < 0))
		return;
	/* as a process is that its user has started: its files in /proc are its own */
	prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
	seen->ret = privileges_drop();
	if (seen->ret < 0)
		fprintf(stderr, "# %s\n", error_text());
	seen->uid = geteuid();
	seen->capabilities = count_capabilities();
	seen->bounding = count_bounding();
	seen->no_new_privs = prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0);
	seen->namespaces = before && namespace_of(namespaces) != before;
	seen->open_error = error_of(open("/etc/passwd", O_RDONLY));
	seen->make_error = error_of(open("/made", O_WRONLY | O_CREAT, 0600));
	seen->root_error = error_of(setresuid(0, 0, 0));
	if (read(file, &seen->byte, 1) < 0)
		seen->byte = 0;
}

static void check_seen(const struct seen *seen, const char *who)
{
	CHECK_EQ(seen->ret, 0, who);
	CHECK_EQ(seen->capabilities, 0, who);
	CHECK_EQ(seen->no_new_privs, 1, who);
	CHECK(seen->byte, "%s: what was open is not", who);
	CHECK(seen->make_error, "%s: a file was made in /", who);
	if (!seen->namespaces) {
		printf("# %s: this system allows no namespaces\n", who);
		return;
	}
	CHECK_EQ(seen->open_error, ENOENT, who);
	CHECK(seen->make_error == EROFS || seen->make_error == EACCES, "%s: errno %d", who,
	      seen->make_error);
}

static void run_as(uid_t uid, struct seen *seen)
{
	pid_t child = fork();
	int status = -1;

	if (child == 0) {
		drop_and_look(seen, uid);
		/* Not _exit(): what the sanitizer does there wants files. */
		syscall(SYS_exit_group, 0);
	}
	CHECK(child > 0 && waitpid(child, &status, 0) == child && status == 0, "status %x", status);
}

void test_privileges(void)
{
	struct seen *seen = mmap(NULL, 2 * sizeof(*seen), PROT_READ | PROT_WRITE,
				 MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (geteuid() == 0) {
		run_as(0, &seen[0]);
		check_seen(&seen[0], "root");
		CHECK_EQ(seen[0].uid, 65534, "root");
		CHECK_EQ(seen[0].bounding, 0, "root");
		CHECK_EQ(seen[0].root_error, EPERM, "root");
		run_as(USER, &seen[1]);
	} else {
		run_as(0, &seen[1]);
	}
	check_seen(&seen[1], "a user");
	munmap(seen, 2 * sizeof(*seen));
}
