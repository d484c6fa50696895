// SPDX-License-Identifier: GPL-2.0-only
/*
 * The user space of the demo's guest, whole: says that it was reached and on what, then powers off. It
 * runs as process 1 from an initial RAM disk that holds nothing else, so it makes its own console.
 */
#include <fcntl.h>
#include <stdio.h>
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

int main(void)
{
	struct utsname name;

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
	printf("lintel: %d CPU%s online, powering off\n", get_nprocs(),
	       get_nprocs() == 1 ? "" : "s");
	fflush(stdout);
	reboot(RB_POWER_OFF);
	printf("lintel: power-off failed: %m\n");
	for (;;)
		pause();
}
