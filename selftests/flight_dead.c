// SPDX-License-Identifier: GPL-2.0-only
/*
 * Looking at VMs from other processes: who may, bad input, and what the store keeps of VMs that
 * ended, of how many, in whatever way they ended.
 */
#include <fcntl.h>
#include <pthread.h>
#include <sys/wait.h>

#include "files.h"
#include "flight.h"
#include "guest.h"

#define NOBODY		65534
#define BAD_POINTER	8UL
#define DEAD_FILE	"/sys/kernel/debug/lintel/dead"
#define EXITS_FILE	"/sys/kernel/debug/lintel/exits"

GUEST_CODE static void guest_ends(void)
{
	u32 a, b, c, d;

	cpuid(ARG(0), 0, &a, &b, &c, &d);
	guest_sync(1);
	for (;;)
		cpuid(1, 0, &a, &b, &c, &d);
}

/* How many dead VMs there is room for. */
static u32 room(void)
{
	u32 n = 0;
	FILE *f = fopen("/sys/module/lintel/parameters/dead_vms", "r");

	REQUIRE(f, "no parameter dead_vms");
	REQUIRE_EQ(fscanf(f, "%u", &n), 1);
	fclose(f);
	return n;
}

enum ending { CLOSED, EXITED, KILLED_OUTSIDE, KILLED_INSIDE };

/* A process with a VM that does CPUID with @leaf; 0 vCPUs: it never runs. */
static pid_t with_vm(unsigned int vcpus, u32 leaf, enum ending ending)
{
	int ready[2];
	char byte;
	pid_t pid;

	REQUIRE_OK(pipe(ready));
	pid = REQUIRE_OK(fork());
	if (!pid) {
		struct vm *vm = vm_create(0);
		struct vcpu *v = NULL;

		for (unsigned int i = 0; i < vcpus; i++) {
			v = vcpu_create(vm, i);
			vcpu_set_long(v, guest_ends);
			vm_shared(vm)->arg[0] = leaf + i;
			vcpu_expect_sync(v, 1);
		}
		if (v && ending == CLOSED) {
			munmap(v->run, v->run_size);
			close(v->fd);
		}
		if (ending == CLOSED)
			close(vm->fd);
		if (ending == EXITED)
			_exit(0);
		if (write(ready[1], "", 1) != 1)
			_exit(1);
		if (ending == KILLED_INSIDE)
			vcpu_run(v);
		for (;;)
			pause();
	}
	close(ready[1]);
	if (read(ready[0], &byte, 1) < 0)
		REQUIRE(false, "pipe");
	close(ready[0]);
	return pid;
}

static void reap(pid_t pid, enum ending ending)
{
	if (ending != EXITED) {
		if (ending == KILLED_INSIDE)
			usleep(20000);
		kill(pid, SIGKILL);
	}
	waitpid(pid, NULL, 0);
}

static void check_dead(int dev, pid_t pid, u32 leaf)
{
	struct lintel_vm_info info;
	u64 number = vm_number(dev, pid, &info);
	bool found = false;
	struct flight f;

	REQUIRE(number, "it is not listed");
	CHECK_EQ(info.flags, LINTEL_VM_DEAD);
	CHECK(info.died >= info.born && info.born, "born %llu, died %llu", info.born, info.died);
	CHECK_EQ(info.vcpus, 1);
	CHECK(info.comm[0] && !info.comm[15], "no name");
	REQUIRE_OK(flight_get(dev, number, 0, &f));
	CHECK_EQ(f.head.flags, LINTEL_VM_DEAD);
	REQUIRE(f.head.nr, "no exits");
	for (u32 i = 0; i < f.head.nr; i++)
		found |= f.exit[i].reason == REASON_CPUID && f.exit[i].qualification == leaf;
	/* inside, the loop that it was killed in may have run over it */
	CHECK(found || f.head.nr == LINTEL_FLIGHT_EXITS, "the CPUID is not there");
	CHECK_ERRNO(flight_get(dev, number, 1, &f), ENOENT);
}

TEST(endings)
{
	static const char *const names[] = { "closed", "exited", "killed", "killed inside" };
	int dev = device_open();

	require_flight(dev);
	for (enum ending e = CLOSED; e <= KILLED_INSIDE; e++) {
		pid_t pid;

		ktap_row("%s", names[e]);
		pid = with_vm(1, 0x100 + e, e);
		if (e == CLOSED)
			check_dead(dev, pid, 0x100 + e);
		reap(pid, e);
		if (e != CLOSED) {
			/* the process is gone, and its number with it: by what is newest */
			struct lintel_vm_info info = { 0 }, last = { 0 };
			struct flight f;

			while (ioctl(dev, LINTEL_NEXT_VM, &info) == 0) {
				last = info;
				info.flags = 0;
			}
			CHECK_EQ(last.flags, LINTEL_VM_DEAD);
			REQUIRE_OK(flight_get(dev, last.vm, 0, &f));
			CHECK(f.head.nr >= 2, "%u exits", f.head.nr);
			CHECK(e == KILLED_INSIDE ||
			      flight_last(&f, REASON_CPUID)->qualification == 0x100 + e, "whose?");
			if (e == KILLED_INSIDE)
				CHECK(f.exit[f.head.nr - 1].result == LINTEL_FLIGHT_ERROR,
				      "result %u", f.exit[f.head.nr - 1].result);
		}
	}
}

static u32 count_dead(int dev, u64 above)
{
	struct lintel_vm_info info = { .vm = above };
	u32 n = 0;

	while (ioctl(dev, LINTEL_NEXT_VM, &info) == 0) {
		n += !!(info.flags & LINTEL_VM_DEAD);
		info.flags = 0;
	}
	return n;
}

TEST_SLOW(store_overflows, 4)
{
	int dev = device_open();
	struct flight f;
	u32 places;
	u64 first;

	require_flight(dev);
	places = room();
	REQUIRE(places, "dead_vms=0");
	reap(with_vm(1, 0x200, CLOSED), CLOSED);
	for (first = 0; ; ) {
		struct lintel_vm_info info = { .vm = first };

		if (ioctl(dev, LINTEL_NEXT_VM, &info))
			break;
		first = info.vm;
	}
	REQUIRE_OK(flight_get(dev, first, 0, &f));
	for (u32 i = 1; i < places; i++)
		reap(with_vm(1, 0x200 + i, CLOSED), CLOSED);
	/* one that never ran takes no place */
	reap(with_vm(0, 0, CLOSED), CLOSED);
	REQUIRE_OK(flight_get(dev, first, 0, &f));
	reap(with_vm(1, 0x300, CLOSED), CLOSED);
	CHECK_ERRNO(flight_get(dev, first, 0, &f), ENOENT);
	CHECK_EQ(count_dead(dev, 0), places);

	/* cleared by a write */
	CHECK_EQ(ioctl(dev, LINTEL_CLEAR_DEAD, 0), places);
	CHECK_EQ(count_dead(dev, 0), 0);
	CHECK_EQ(ioctl(dev, LINTEL_CLEAR_DEAD, 0), 0);
	CHECK_ERRNO(flight_get(dev, first + places, 0, &f), ENOENT);

	/* and by one to the file in debugfs */
	if (access(DEAD_FILE, W_OK))
		return;
	reap(with_vm(1, 0x301, CLOSED), CLOSED);
	CHECK_EQ(count_dead(dev, 0), 1);
	file_write(DEAD_FILE, "0");
	CHECK_EQ(count_dead(dev, 0), 0);
}

/* More vCPUs than there is room for 256 exits each. */
TEST_SLOW(share_of_many_vcpus, 4)
{
	struct lintel_vm_info info;
	int dev = device_open();
	struct flight f;
	pid_t pid;
	u64 number;

	require_flight(dev);
	pid = with_vm(20, 0x400, CLOSED);
	number = vm_number(dev, pid, &info);
	CHECK_EQ(info.vcpus, 20);
	for (u32 i = 0; i < 20; i++) {
		ktap_row("vCPU %u", i);
		REQUIRE_OK(flight_get(dev, number, i, &f));
		CHECK_EQ(f.head.vcpu_id, i);
		CHECK(f.head.nr <= 16 * 256 / 20, "%u exits", f.head.nr);
		CHECK_EQ(flight_last(&f, REASON_CPUID)->qualification, 0x400 + i);
	}
	reap(pid, CLOSED);
}

/* In a child, as another user, with the device that root has opened. */
static void as_nobody(int dev, u64 number, bool dead)
{
	struct lintel_vm_stats stats = { .vm = number };
	struct lintel_vm_info info = { 0 };
	struct vcpu *v;
	struct flight f;

	CHECK(setgid(NOBODY) == 0 && setuid(NOBODY) == 0, "cannot change user");
	CHECK_ERRNO(ioctl(dev, LINTEL_NEXT_VM, &info), ENOENT);
	CHECK_ERRNO(flight_get(dev, number, 0, &f), EPERM);
	CHECK_ERRNO(ioctl(dev, LINTEL_GET_STATS_FD, &stats), dead ? ENOENT : EPERM);
	CHECK_EQ(ioctl(dev, LINTEL_CLEAR_DEAD, 0), 0);

	/* its own it sees, and its own alone */
	v = malloc(sizeof(*v));
	v->fd = REQUIRE_OK(ioctl(dev, KVM_CREATE_VM, 0));
	info.flags = 0;
	REQUIRE_OK(ioctl(dev, LINTEL_NEXT_VM, &info));
	CHECK_EQ(info.uid, NOBODY);
	CHECK_EQ(info.pid, getpid());
	info.flags = 0;
	CHECK_ERRNO(ioctl(dev, LINTEL_NEXT_VM, &info), ENOENT);
	_exit(ktap_any_failure());
}

TEST(other_users)
{
	int dev = device_open(), status;
	struct flight f;
	pid_t pid, child;
	u64 alive, dead;

	require_flight(dev);
	if (geteuid())
		SKIP("needs root");
	pid = with_vm(1, 0x500, KILLED_OUTSIDE);
	alive = vm_number(dev, pid, NULL);
	child = with_vm(1, 0x501, CLOSED);
	dead = vm_number(dev, child, NULL);
	for (int i = 0; i < 2; i++) {
		pid_t nobody = REQUIRE_OK(fork());

		ktap_row("%s", i ? "dead" : "alive");
		if (!nobody)
			as_nobody(dev, i ? dead : alive, i);
		waitpid(nobody, &status, 0);
		CHECK_EQ(status, 0);
	}
	CHECK_OK(flight_get(dev, alive, 0, &f));
	CHECK_OK(flight_get(dev, dead, 0, &f));
	reap(pid, KILLED_OUTSIDE);
	reap(child, CLOSED);
}

/* The text for root: this VM's line, and its CPUID with a histogram of as many. */
TEST(debugfs_text)
{
	int dev = device_open();
	char line[256], want[64];
	bool vm = false, cpuid = false;
	pid_t pid;
	FILE *f;

	require_flight(dev);
	if (access(EXITS_FILE, R_OK))
		SKIP("no debugfs, or not root");
	pid = with_vm(1, 0x800, KILLED_OUTSIDE);
	snprintf(want, sizeof(want), "VM %llu vCPU 0 exits ",
		 (unsigned long long)vm_number(dev, pid, NULL));
	f = fopen(EXITS_FILE, "r");
	REQUIRE(f, "cannot be opened");
	while (fgets(line, sizeof(line), f)) {
		vm |= !strncmp(line, want, strlen(want));
		cpuid |= vm && strstr(line, "  cpuid ") && strstr(line, " 1  ") &&
			 strchr(line, ':');
	}
	fclose(f);
	CHECK(vm, "no line \"%s\"", want);
	CHECK(cpuid, "no CPUID with a time");
	reap(pid, KILLED_OUTSIDE);
}

TEST(bad_input)
{
	int dev = device_open();
	struct lintel_vm_stats stats = { 0 };
	struct lintel_vm_info info = { 0 };
	struct flight f;
	pid_t pid;
	u64 number;

	require_flight(dev);
	info.flags = 1;
	CHECK_ERRNO(ioctl(dev, LINTEL_NEXT_VM, &info), EINVAL);
	info.flags = 0;
	info.reserved[3] = 1;
	CHECK_ERRNO(ioctl(dev, LINTEL_NEXT_VM, &info), EINVAL);
	memset(&info, 0, sizeof(info));
	info.vm = ~0ULL;
	CHECK_ERRNO(ioctl(dev, LINTEL_NEXT_VM, &info), ENOENT);
	CHECK_ERRNO(ioctl(dev, LINTEL_NEXT_VM, BAD_POINTER), EFAULT);
	CHECK_ERRNO(ioctl(dev, LINTEL_CLEAR_DEAD, 1UL), EINVAL);

	pid = with_vm(1, 0x600, KILLED_OUTSIDE);
	number = vm_number(dev, pid, NULL);
	REQUIRE_OK(flight_get(dev, number, 0, &f));
	CHECK_ERRNO(flight_get(dev, number, 1, &f), ENOENT);
	CHECK_ERRNO(flight_get(dev, number, ~0U, &f), ENOENT);
	CHECK_ERRNO(flight_get(dev, 0, 0, &f), ENOENT);
	CHECK_ERRNO(flight_get(dev, ~0ULL, 0, &f), ENOENT);
	f.head = (struct lintel_flight){ .vm = number, .flags = 1 };
	CHECK_ERRNO(ioctl(dev, LINTEL_GET_FLIGHT, &f.head), EINVAL);
	f.head = (struct lintel_flight){ .vm = number, .reserved = { 1 } };
	CHECK_ERRNO(ioctl(dev, LINTEL_GET_FLIGHT, &f.head), EINVAL);
	f.head = (struct lintel_flight){ .vm = number, .nr = ~0U, .exits = BAD_POINTER };
	CHECK_ERRNO(ioctl(dev, LINTEL_GET_FLIGHT, &f.head), EFAULT);
	f.head = (struct lintel_flight){ .vm = number, .exits = BAD_POINTER };
	CHECK_OK(ioctl(dev, LINTEL_GET_FLIGHT, &f.head));
	CHECK_ERRNO(ioctl(dev, LINTEL_GET_FLIGHT, BAD_POINTER), EFAULT);

	stats.vm = number;
	stats.flags = 1;
	CHECK_ERRNO(ioctl(dev, LINTEL_GET_STATS_FD, &stats), EINVAL);
	stats.flags = 0;
	stats.vcpu = 1;
	CHECK_ERRNO(ioctl(dev, LINTEL_GET_STATS_FD, &stats), ENOENT);
	stats.vm = ~0ULL;
	CHECK_ERRNO(ioctl(dev, LINTEL_GET_STATS_FD, &stats), ENOENT);
	reap(pid, KILLED_OUTSIDE);
}

struct looker {
	int fd;
	bool stop;
	u64 seen, gone;
};

static void *look(void *arg)
{
	struct looker *l = arg;
	struct flight *f = malloc(sizeof(*f));

	while (!__atomic_load_n(&l->stop, __ATOMIC_RELAXED)) {
		struct lintel_vm_info info = { 0 };

		while (ioctl(l->fd, LINTEL_NEXT_VM, &info) == 0) {
			if (flight_get(l->fd, info.vm, 0, f) == 0)
				l->seen++;
			else
				l->gone++;
			info.flags = 0;
		}
	}
	free(f);
	return NULL;
}

/* VMs come, run, and are killed, while two threads read all there is. */
TEST_SLOW(killed_while_read, 6)
{
	struct looker all = { .fd = device_open() };
	pthread_t threads[2];

	require_flight(all.fd);
	for (int i = 0; i < 2; i++)
		REQUIRE_EQ(pthread_create(&threads[i], NULL, look, &all), 0);
	for (int i = 0; i < 12; i++)
		reap(with_vm(1, 0x700 + i, KILLED_INSIDE), KILLED_INSIDE);
	__atomic_store_n(&all.stop, true, __ATOMIC_RELAXED);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	CHECK(all.seen > 20, "%llu looks", (unsigned long long)all.seen);
}
