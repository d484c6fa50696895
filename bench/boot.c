// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rows: the boot of a guest to its user space and its power-off, by the launcher and by QEMU; what
 * all CPUs executed for it, from the program's start to its end. The commands are in the
 * environment. They succeed only if the guest powered itself off, which is the last act of its user
 * space: a guest that resets boots again, one that hangs is ended by the watchdog.
 */
#include <sys/wait.h>

#include "bench.h"

static void boot(const struct row *row, const char *variable)
{
	const char *command = getenv(variable);
	int status = -1;
	pid_t pid;

	bench_needs_counters();
	if (!command)
		SKIP("no command in %s", variable);
	h_begin(0);
	pid = fork();
	if (!pid) {
		execl("/bin/sh", "sh", "-c", command, NULL);
		_exit(127);
	}
	waitpid(pid, &status, 0);
	h_end(0);
	REQUIRE_EQ(status, 0);
	bench_report(row, NULL);
}

TEST_SLOW(boot_row, 20)
{
	ROW("boot", 1, ROW_ALL_CPUS | ROW_ONCE, "boot of a stock kernel to user space, and power-off");

	boot(&row, "BENCH_BOOT");
}

TEST_SLOW(boot_qemu_row, 20)
{
	ROW("boot_qemu", 1, ROW_ALL_CPUS | ROW_ONCE, "the same kernel in QEMU's microvm");

	boot(&row, "BENCH_BOOT_QEMU");
}
