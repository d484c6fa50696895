// SPDX-License-Identifier: GPL-2.0-only
/*
 * What VMs cost the host, and that it gets it back: charged to the memory cgroup of whoever made
 * them, EPT tables given up under pressure by those that rest, all of it free when they are gone.
 * The figures are printed as notes, for the device under test.
 */
#include <fcntl.h>
#include <pthread.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "guest.h"
#include "memory.h"
#include "stats.h"
#include "vm.h"

#define WINDOW	0x40000000UL
#define PAGE	4096UL
#define MIB	(1UL << 20)

/* Adds 1 to a word of each page of ARG(1) bytes at ARG(0); ARG(2): until told to stop. */
GUEST_CODE static void guest_touches(void)
{
	do {
		for (u64 at = 0; at < ARG(1); at += PAGE)
			*(volatile u64 *)(ARG(0) + at) += 1;
		ARG(3)++;
		if (!ARG(2))
			guest_sync(1);
	} while (ARG(2) != 2);
	guest_done();
}

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	REQUIRE(fd >= 0, "%s: %m", path);
	REQUIRE(write(fd, text, strlen(text)) == (ssize_t)strlen(text), "%s to %s: %m", text, path);
	close(fd);
}

static struct vcpu *start(u64 size, u8 **mem)
{
	struct vcpu *v = vcpu_create(vm_create(0), 0);
	volatile struct guest_shared *s = vm_shared(v->vm);

	*mem = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	REQUIRE(*mem != MAP_FAILED, "mmap: %m");
	madvise(*mem, size, MADV_NOHUGEPAGE);
	vm_set_region(v->vm, 1, 0, WINDOW, size, *mem);
	vcpu_set_long(v, guest_touches);
	s->arg[0] = WINDOW;
	s->arg[1] = size;
	return v;
}

static void *finish(void *vcpu)
{
	vcpu_finish(vcpu);
	return NULL;
}

/* Of two VMs, the one that rests loses its tables, and finds its memory as it was. */
TEST_SLOW(shrinker, 2)
{
	u8 *resting_mem, *busy_mem;
	struct vcpu *resting = start(8 * MIB, &resting_mem), *busy = start(8 * MIB, &busy_mem);
	u64 seen;
	pthread_t thread;

	vcpu_expect_sync(resting, 1);
	CHECK(stat_require(resting->vm->fd, "ept_tables") >= 4, "tables");
	vm_shared(busy->vm)->arg[2] = 1;
	REQUIRE(!pthread_create(&thread, NULL, finish, busy), "pthread_create");
	for (int i = 0; i < 3; i++) {
		seen = vm_shared(busy->vm)->arg[3];
		write_file("/proc/sys/vm/drop_caches", "2");
		usleep(600000);
		CHECK(vm_shared(busy->vm)->arg[3] > seen, "the busy guest stands still");
	}
	write_file("/proc/sys/vm/drop_caches", "2");
	CHECK_EQ(stat_require(resting->vm->fd, "ept_tables"), 0);
	CHECK_EQ(stat_require(resting->vm->fd, "pages_4k"), 0);
	CHECK(stat_require(busy->vm->fd, "ept_tables") >= 4, "of the busy guest");
	vm_shared(busy->vm)->arg[2] = 2;
	pthread_join(thread, NULL);
	vcpu_expect_sync(resting, 1);
	for (u64 at = 0; at < 8 * MIB; at += PAGE) {
		if (!CHECK_EQ(*(u64 *)(resting_mem + at), 2))
			break;
	}
}

#define CGROUP	"/tmp/cgroup"

static long cgroup_read(const char *group, const char *file)
{
	char text[256] = "", path[128];
	int fd;

	snprintf(path, sizeof(path), CGROUP "/%s/%s", group, file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	REQUIRE(fd >= 0, "%s: %m", path);
	REQUIRE(read(fd, text, sizeof(text) - 1) > 0, "%s: %m", path);
	close(fd);
	return strtol(text, NULL, 10);
}

static void enter_cgroup(const char *group, const char *limit)
{
	char path[128];

	mkdir(CGROUP, 0755);
	if (access(CGROUP "/cgroup.controllers", F_OK) && mount("none", CGROUP, "cgroup2", 0, NULL))
		SKIP("cgroup2: %m");
	write_file(CGROUP "/cgroup.subtree_control", "+memory");
	snprintf(path, sizeof(path), CGROUP "/%s", group);
	if (mkdir(path, 0755) && errno != EEXIST)
		SKIP("%s: %m", path);
	snprintf(path, sizeof(path), CGROUP "/%s/memory.max", group);
	write_file(path, limit);
	snprintf(path, sizeof(path), CGROUP "/%s/cgroup.procs", group);
	write_file(path, "0");
}

/* A VM and a vCPU without any memory of the VMM's: what is charged is the kernel's. */
TEST_SLOW(charged_to_the_cgroup, 2)
{
	enum { N = 40 };
	int dev = device_open(), vm[N], vcpu[N];
	long before, with, after;

	enter_cgroup("charged", "max");
	close(REQUIRE_OK(ioctl(dev, KVM_CREATE_VM, 0)));
	before = cgroup_read("charged", "memory.current");
	for (int i = 0; i < N; i++) {
		vm[i] = REQUIRE_OK(ioctl(dev, KVM_CREATE_VM, 0));
		vcpu[i] = REQUIRE_OK(ioctl(vm[i], KVM_CREATE_VCPU, 0L));
	}
	with = cgroup_read("charged", "memory.current");
	for (int i = 0; i < N; i++) {
		close(vcpu[i]);
		close(vm[i]);
	}
	usleep(500000);			/* RCU */
	after = cgroup_read("charged", "memory.current");
	ktap_note("%ld bytes charged for each VM with a vCPU, %ld left when they are gone",
		  (with - before) / N, (after - before) / N);
	/* at the least: VMCS, MSR bitmap, kvm_run, FPU state, EPT root */
	CHECK((with - before) / N > 20 * 1024, "%ld bytes in all", with - before);
	CHECK(after - before < (with - before) / 4, "%ld bytes left of %ld", after - before,
	      with - before);
}

/* At the limit VMs are refused or their maker is killed; nobody outside notices. */
TEST_SLOW(the_cgroups_limit_holds, 2)
{
	int dev = device_open(), status = 0;
	pid_t child = REQUIRE_OK(fork());

	if (!child) {
		enter_cgroup("limited", "4M");
		for (int i = 0; i < 500; i++) {
			int vm = ioctl(dev, KVM_CREATE_VM, 0);

			if (vm < 0 || ioctl(vm, KVM_CREATE_VCPU, 0L) < 0)
				_exit(errno == ENOMEM ? 12 : 1);
		}
		_exit(2);
	}
	REQUIRE_EQ(waitpid(child, &status, 0), child);
	if (WIFSIGNALED(status)) {
		ktap_note("the maker was killed by signal %d", WTERMSIG(status));
		CHECK_EQ(WTERMSIG(status), SIGKILL);
	} else {
		ktap_note("the maker ended with %d", WEXITSTATUS(status));
		CHECK_EQ(WEXITSTATUS(status), 12);
	}
	CHECK(cgroup_read("limited", "memory.peak") <= (4 << 20), "peak %ld",
	      cgroup_read("limited", "memory.peak"));
}

static void a_vm_of_8_mib(void)
{
	u8 *mem;
	struct vcpu *v = start(8 * MIB, &mem);
	struct vm *vm = v->vm;

	vcpu_expect_sync(v, 1);
	vcpu_destroy(v);
	vm_destroy(vm);
	munmap(mem, 8 * MIB);
}

TEST_SLOW(a_hundred_in_a_row, 4)
{
	long before, after;

	for (int i = 0; i < 20; i++)		/* caches of the allocator fill up */
		a_vm_of_8_mib();
	before = kernel_memory();
	for (int i = 0; i < 100; i++)
		a_vm_of_8_mib();
	after = kernel_memory();
	ktap_note("kernel memory: %ld kB before, %ld kB after 100 VMs", before, after);
	/* a page for each VM would be 400 kB; the allocator's own slabs come and go */
	CHECK(after - before < 200, "%ld kB more", after - before);
}

/* The price of one more, idle: by the kernel's memory with 40 of them. */
TEST_SLOW(price, 3)
{
	enum { N = 40 };
	int dev = device_open(), vm[N], vcpu[N], size;
	long base, with_vms, with_vcpus;

	size = REQUIRE_OK(ioctl(dev, KVM_GET_VCPU_MMAP_SIZE, 0));
	close(REQUIRE_OK(ioctl(dev, KVM_CREATE_VM, 0)));
	base = kernel_memory();
	for (int i = 0; i < N; i++)
		vm[i] = REQUIRE_OK(ioctl(dev, KVM_CREATE_VM, 0));
	with_vms = kernel_memory();
	for (int i = 0; i < N; i++)
		vcpu[i] = REQUIRE_OK(ioctl(vm[i], KVM_CREATE_VCPU, 0L));
	with_vcpus = kernel_memory();
	ktap_note("an idle VM: %ld bytes; a vCPU: %ld bytes (mapping of %d bytes included)",
		  (with_vms - base) * 1024 / N, (with_vcpus - with_vms) * 1024 / N, size);
	CHECK(with_vms > base && with_vcpus > with_vms, "%ld %ld %ld kB", base, with_vms,
	      with_vcpus);
	for (int i = 0; i < N; i++) {
		close(vcpu[i]);
		close(vm[i]);
	}
}
