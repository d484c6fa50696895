// SPDX-License-Identifier: GPL-2.0-only
/*
 * See module.h. Modules are loaded and unloaded by the system calls themselves, so that errno is
 * the kernel's own.
 */
#include "module.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>

const char *module_name(void)
{
	const char *slash = strrchr(device_path(), '/');
	const char *last = slash ? slash + 1 : device_path();

	return strcmp(last, "kvm") ? last : "kvm_intel";
}

const char *module_file(void)
{
	static char path[256];
	const char *given = getenv("LINTEL_MODULE");
	struct utsname uts;

	if (given && *given)
		return given;
	uname(&uts);
	if (strcmp(module_name(), "kvm_intel"))
		snprintf(path, sizeof(path), "/lib/%s.ko", module_name());
	else
		snprintf(path, sizeof(path), "/lib/modules/%s/kvm-intel.ko", uts.release);
	return path;
}

int module_references(const char *name)
{
	FILE *f = fopen("/proc/modules", "re");
	char line[512], found[64];
	int refs = -1, r;

	if (!f)
		return -1;
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%63s %*s %d", found, &r) == 2 && !strcmp(found, name))
			refs = r;
	}
	fclose(f);
	return refs;
}

bool module_loaded(const char *name)
{
	return module_references(name) >= 0;
}

int module_unload(const char *name)
{
	return syscall(SYS_delete_module, name, O_NONBLOCK);
}

int module_load(const char *file, const char *args)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC), r, err;

	if (fd < 0)
		return -1;
	r = syscall(SYS_finit_module, fd, args, 0);
	err = errno;
	close(fd);
	errno = err;
	return r;
}

bool module_references_settle(int want, unsigned int ms)
{
	for (unsigned int i = 0; i < ms; i++) {
		if (module_references(module_name()) <= want)
			return true;
		usleep(1000);
	}
	return false;
}
