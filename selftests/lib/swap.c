// SPDX-License-Identifier: GPL-2.0-only
/*
 * zram as swap: the modules that the test machine brings (in the order of the file swap.order), a
 * disk of the size asked for, a swap header, swapon(2). A disk that is set up already is somebody
 * else's, and left alone.
 */
#include "swap.h"

#include <fcntl.h>
#include <sys/swap.h>
#include <sys/utsname.h>

#include "files.h"
#include "module.h"
#include "vm.h"

#define DISK	"/dev/zram0"
#define SYS	"/sys/block/zram0/"
#define PAGE	4096UL

static bool made;

static void load_modules(void)
{
	char path[256], name[64], file[384];
	struct utsname uts;
	FILE *order;

	uname(&uts);
	snprintf(path, sizeof(path), "/lib/modules/%s/swap.order", uts.release);
	order = fopen(path, "re");
	if (!order)
		return;
	while (fscanf(order, "%63s", name) == 1) {
		snprintf(file, sizeof(file), "/lib/modules/%s/%s.ko", uts.release, name);
		if (module_load(file, "") < 0 && errno != EEXIST)
			SKIP("%s: %m", file);
	}
	fclose(order);
}

/* Version 1, whose size is the kernel's page. */
static void write_header(u64 pages)
{
	static u8 header[PAGE];
	u32 *info = (u32 *)(header + 1024);
	int fd = open(DISK, O_RDWR | O_CLOEXEC);

	REQUIRE(fd >= 0, DISK ": %m");
	info[0] = 1;
	info[1] = pages - 1;
	memcpy(header + PAGE - 10, "SWAPSPACE2", 10);
	REQUIRE_EQ(write(fd, header, PAGE), PAGE);
	REQUIRE_OK(fsync(fd));
	close(fd);
}

void swap_require(u64 bytes)
{
	char size[32];

	if (file_number("/proc/meminfo", "SwapFree") * 1024 >= bytes)
		return;
	if (access(DISK, F_OK))
		load_modules();
	if (access(DISK, F_OK))
		SKIP("no swap of %llu MiB, and no zram", (unsigned long long)(bytes >> 20));
	if (file_number(SYS "disksize", ""))
		SKIP(DISK " is in use");
	bytes += 2 * PAGE;
	snprintf(size, sizeof(size), "%llu", (unsigned long long)bytes);
	file_write(SYS "disksize", size);
	write_header(bytes / PAGE);
	REQUIRE_OK(swapon(DISK, 0));
	made = true;
}

void swap_end(void)
{
	if (!made)
		return;
	REQUIRE_OK(swapoff(DISK));
	file_write(SYS "reset", "1");
	made = false;
}
