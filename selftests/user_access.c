// SPDX-License-Identifier: GPL-2.0-only
/*
 * What an unprivileged user reaches: nothing while the device belongs to root alone; all of the KVM
 * API, and nothing else, as a member of the device's group. Needs root, to become such a user.
 */
#include <fcntl.h>
#include <grp.h>
#include <linux/lintel.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "guest.h"
#include "module.h"
#include "vm.h"

#define NOBODY	65534
#define GROUP	4712

static struct stat device_was;

static void need_root(void)
{
	if (geteuid())
		SKIP("not root");
	REQUIRE_OK(stat(device_path(), &device_was));
}

/* In a child without any privilege, a member of @group; it ends with what @fn counted as failed. */
static void as_user(gid_t group, void (*fn)(void))
{
	pid_t child = REQUIRE_OK(fork());
	int status = 0;

	if (!child) {
		REQUIRE_OK(setgroups(group ? 1 : 0, &group));
		REQUIRE_OK(setresgid(NOBODY, NOBODY, NOBODY));
		REQUIRE_OK(setresuid(NOBODY, NOBODY, NOBODY));
		fn();
		_exit(ktap_any_failure() ? KTAP_FAIL : KTAP_PASS);
	}
	REQUIRE_EQ(waitpid(child, &status, 0), child);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == KTAP_PASS, "child: status 0x%x", status);
}

/* A node as udev's rules make it; what it was is kept in @was. */
static void give_to_group(const char *node, struct stat *was)
{
	REQUIRE_OK(stat(node, was));
	REQUIRE_OK(chown(node, 0, GROUP));
	REQUIRE_OK(chmod(node, 0660));
}

static void take_back(const char *node, const struct stat *was)
{
	REQUIRE_OK(chown(node, was->st_uid, was->st_gid));
	REQUIRE_OK(chmod(node, was->st_mode & 07777));
}

/*
 * For as long as @fn takes.  Beside a loaded kvm_intel no right to KVM's node is needed, which the
 * module opens itself: the user has none.
 */
static void with_group(void (*fn)(void))
{
	static const char kvm[] = "/dev/kvm";
	bool both = strcmp(device_path(), kvm) && !access(kvm, F_OK);
	struct stat kvm_was;

	give_to_group(device_path(), &device_was);
	if (both) {
		REQUIRE_OK(stat(kvm, &kvm_was));
		REQUIRE_OK(chown(kvm, 0, 0));
		REQUIRE_OK(chmod(kvm, 0600));
	}
	as_user(GROUP, fn);
	if (both)
		take_back(kvm, &kvm_was);
	take_back(device_path(), &device_was);
}

static void cannot_open(void)
{
	CHECK_ERRNO(open(device_path(), O_RDWR | O_CLOEXEC), EACCES);
	CHECK_ERRNO(open(device_path(), O_RDONLY | O_CLOEXEC), EACCES);
}

TEST(a_stranger)
{
	need_root();
	if (device_was.st_mode & 07)
		SKIP("%s has mode %o here", device_path(), device_was.st_mode & 0777);
	as_user(0, cannot_open);
}

GUEST_CODE static void guest_works(void)
{
	u32 a, b, c, d;

	for (u64 i = 0; i < 16; i++)
		*(volatile u64 *)(GPA_HIGH + i * 4096) = i;
	cpuid(0, 0, &a, &b, &c, &d);
	wrmsr(MSR_LSTAR, 0x1234);
	G_EQ(rdmsr(MSR_LSTAR), 0x1234);
	guest_sync(1);
	guest_done();
}

/* The whole of a small VM's life. */
static void runs_guests(void)
{
	struct vm *vm = vm_create(VM_PIT);
	struct vcpu *v = vcpu_create(vm, 0);

	vcpu_set_long(v, guest_works);
	vcpu_expect_sync(v, 1);
	vcpu_finish(v);
	CHECK(ioctl(vm->fd, KVM_GET_STATS_FD, 0) >= 0, "statistics: %m");
	vcpu_destroy(v);
	vm_destroy(vm);
}

TEST(a_member_runs_guests)
{
	need_root();
	with_group(runs_guests);
}

static void check_refused(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	CHECK(fd < 0 && (errno == EACCES || errno == ENOENT), "%s: %d, errno %d", path, fd, errno);
}

/* What is the host's, and not the user's. */
static void reaches_no_more(void)
{
	static const char *const files[] = {
		"/sys/kernel/debug/lintel", "/sys/kernel/debug/kvm", "/sys/kernel/tracing/trace",
		"/dev/mem", "/dev/cpu/0/msr",
	};
	struct vm *vm = vm_create(0);
	void *hidden;

	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		check_refused(files[i]);
	CHECK(module_unload(module_name()) == -1 && errno == EPERM, "rmmod: errno %d", errno);
	CHECK(module_load(module_file(), "") == -1 && (errno == EPERM || errno == EACCES),
	      "insmod: errno %d", errno);

	/* memory that this process could not read itself is none of its guest's either */
	hidden = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	vm_set_region(vm, 1, 0, 1UL << 30, 4096, hidden);
	CHECK_ERRNO(ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION,
			  &(struct kvm_userspace_memory_region){
				.slot = 2, .guest_phys_addr = 2UL << 30, .memory_size = 4096,
				.userspace_addr = 0xffff888000000000UL }), EINVAL);
}

TEST(a_member_reaches_no_more)
{
	need_root();
	with_group(reaches_no_more);
}

/* The kernel's memory cannot be had by naming it as one's own, nor a file that is read-only. */
GUEST_CODE static void guest_writes_and_reads(void)
{
	ARG(1) = *(volatile u64 *)ARG(0);
	*(volatile u64 *)ARG(0) = 1;
	guest_sync(1);
	guest_done();
}

static void writes_read_only_memory(void)
{
	struct vm *vm = vm_create(0);
	struct vcpu *v = vcpu_create(vm, 0);
	int fd = REQUIRE_OK(open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
	u8 *file = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);

	REQUIRE(file != MAP_FAILED, "mmap: %m");
	vm_set_region(vm, 1, 0, 0x40000000, 4096, file);
	vcpu_set_long(v, guest_writes_and_reads);
	vm_shared(vm)->arg[0] = 0x40000000;
	CHECK_ERRNO(ioctl(v->fd, KVM_RUN, 0), EFAULT);
	CHECK_EQ(vm_shared(vm)->arg[1], *(u64 *)file);
	CHECK_EQ(file[0], 0x7f);
}

TEST(a_members_guest_writes_what_he_may)
{
	need_root();
	with_group(writes_read_only_memory);
}

/* Descriptors are limited as for everything else. */
static void meets_its_limits(void)
{
	struct rlimit limit = { 8, 8 };
	int dev = device_open(), last = 0;

	REQUIRE_OK(setrlimit(RLIMIT_NOFILE, &limit));
	for (int i = 0; i < 10 && last >= 0; i++)
		last = ioctl(dev, KVM_CREATE_VM, 0);
	CHECK(last == -1 && errno == EMFILE, "the last VM is %d, errno %d", last, errno);
}

TEST(a_member_meets_limits)
{
	need_root();
	with_group(meets_its_limits);
}
