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

RM_CODE(halts, "hlt");

const char *module_name(void)
{
	const char *slash = strrchr(device_path(), '/');
	const char *last = slash ? slash + 1 : device_path();

	return strcmp(last, "kvm") ? last : "kvm_intel";
}

const char *kvm_intel_file(void)
{
	static char path[256];
	struct utsname uts;

	uname(&uts);
	snprintf(path, sizeof(path), "/lib/modules/%s/kvm-intel.ko", uts.release);
	return path;
}

const char *module_file(void)
{
	static char path[256];
	const char *given = getenv("LINTEL_MODULE");

	if (given && *given)
		return given;
	if (!strcmp(module_name(), "kvm_intel"))
		return kvm_intel_file();
	snprintf(path, sizeof(path), "/lib/%s.ko", module_name());
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

void module_needed(void)
{
	if (geteuid())
		SKIP("not root");
	if (access(module_file(), R_OK))
		SKIP("%s: %m; name the module's file in LINTEL_MODULE", module_file());
	if (!module_loaded(module_name()))
		SKIP("%s is no module that is loaded", module_name());
	if (module_references(module_name()) > 0)
		SKIP("%s is in use by something else (%d references)", module_name(),
		     module_references(module_name()));
}

void module_reload(void)
{
	REQUIRE(module_load(module_file(), "") == 0, "loading %s: %m", module_file());
}

void module_works(void)
{
	struct vm *vm = vm_create(0);
	struct vcpu *v = vcpu_create(vm, 0);

	vcpu_set_real(v, CODE(halts));
	vcpu_expect(v, KVM_EXIT_HLT);
	vcpu_destroy(v);
	vm_destroy(vm);
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
