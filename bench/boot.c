// SPDX-License-Identifier: GPL-2.0-only
/*
 * Row: the boot of a guest to its user space and its power-off, by the command in BENCH_BOOT; what
 * all CPUs executed for it on the host's side, the launcher included.
 */
#include <sys/wait.h>

#include "bench.h"

TEST_SLOW(boot_row, 20)
{
	ROW("boot", 1, ROW_ALL_CPUS | ROW_ONCE, "boot of a stock kernel to user space, and power-off");
	const char *command = getenv("BENCH_BOOT");
	int status = -1;
	pid_t pid;

	if (!command)
		SKIP("no command in BENCH_BOOT");
	h_begin(0);
	pid = fork();
	if (!pid) {
		execl("/bin/sh", "sh", "-c", command, NULL);
		_exit(127);
	}
	waitpid(pid, &status, 0);
	h_end(0);
	REQUIRE_EQ(status, 0);
	bench_report(&row, NULL);
}
