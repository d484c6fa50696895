// SPDX-License-Identifier: GPL-2.0-only
/*
 * The user space of the demo's guest, whole: says that it was reached and on what, then powers off.
 * It runs as process 1 from an initial RAM disk that holds nothing else, so it makes its own
 * console.
 *
 * Words on the kernel's command line, which the kernel hands on as environment, change that:
 *   LINTEL_CPUS=1       first let all CPUs work, and unplug one meanwhile (cpus.c)
 *   LINTEL_SUMS=100     first keep memory in motion, and print so many sums of it (sums.c)
 *   LINTEL_DISK=/dev/vda  first read all of that disk, and print its sum
 *   LINTEL_INPUT=1      first read a line from the console and show it in capitals
 *   LINTEL_END=reboot   reset instead of powering off; LINTEL_END=stay waits for ever
 *
 * Where it is not process 1 it prints what to compare with: as many sums as its argument says, or
 * the sum of the file that its argument names.
 */
#include "cpus.h"
#include "sums.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <unistd.h>

static void print_file(const char *what, const char *path)
{
	char line[256];
	FILE *f = fopen(path, "r");

	if (!f) {
		printf("lintel: %s: %m\n", path);
		return;
	}
	if (fgets(line, sizeof(line), f))
		printf("lintel: %s: %s", what, line);
	fclose(f);
}

static int open_console(void)
{
	int fd;

	mkdir("/dev", 0755);
	mknod("/dev/console", S_IFCHR | 0600, makedev(5, 1));
	fd = open("/dev/console", O_RDWR);
	if (fd < 0)
		return -1;
	dup2(fd, STDIN_FILENO);
	dup2(fd, STDOUT_FILENO);
	dup2(fd, STDERR_FILENO);
	if (fd > STDERR_FILENO)
		close(fd);
	return 0;
}

static void echo_line(void)
{
	char line[256], *c;

	if (!fgets(line, sizeof(line), stdin)) {
		printf("lintel: no input: %m\n");
		return;
	}
	for (c = line; *c; c++)
		*c = toupper((unsigned char)*c);
	printf("lintel: input: %s", line);
}

/* The last act: @how is LINTEL_END. */
static void end(const char *how)
{
	if (!strcmp(how, "stay"))
		for (;;)
			pause();
	printf("lintel: %s\n", strcmp(how, "reboot") ? "powering off" : "resetting");
	fflush(stdout);
	reboot(strcmp(how, "reboot") ? RB_POWER_OFF : RB_AUTOBOOT);
	printf("lintel: that failed: %m\n");
	for (;;)
		pause();
}

int main(int argc, char **argv)
{
	const char *how = getenv("LINTEL_END"), *sums = getenv("LINTEL_SUMS");
	const char *disk = getenv("LINTEL_DISK");
	struct utsname name;

	/* the kernel hands on words of its command line as arguments too */
	if (getpid() != 1) {
		if (argc > 1 && argv[1][0] == '/')
			sums_file(argv[1]);
		else
			sums_print(argc > 1 ? strtoul(argv[1], NULL, 0) : 0);
		return 0;
	}
	if (open_console() < 0)
		reboot(RB_POWER_OFF);
	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("lintel: user space reached\n");
	if (uname(&name) == 0)
		printf("lintel: %s %s %s %s\n", name.sysname, name.release, name.version,
		       name.machine);
	mkdir("/proc", 0555);
	if (mount("proc", "/proc", "proc", 0, NULL) == 0)
		print_file("seconds since boot, idle", "/proc/uptime");
	printf("lintel: %d CPU%s online\n", get_nprocs(), get_nprocs() == 1 ? "" : "s");
	if (getenv("LINTEL_CPUS"))
		cpus_check();
	if (disk && mount("dev", "/dev", "devtmpfs", 0, NULL) == 0)
		sums_file(disk);
	if (sums)
		sums_print(strtoul(sums, NULL, 0));
	if (getenv("LINTEL_INPUT"))
		echo_line();
	end(how ? how : "");
}
