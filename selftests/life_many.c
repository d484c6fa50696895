// SPDX-License-Identifier: GPL-2.0-only
/*
 * Many at once, and openings that race with the module's own end: 10,000 descriptors of the device,
 * 200 VMs whose guests all run, and threads that open, make a VM and run it while the module is
 * unloaded and loaded without pause.
 */
#include <fcntl.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "guest.h"
#include "module.h"
#include "vm.h"

#define OPENS	10000
#define VMS	200

RM_CODE(just_hlt, "hlt");

static void allow_files(rlim_t n)
{
	struct rlimit limit = { n, n };

	if (setrlimit(RLIMIT_NOFILE, &limit))
		SKIP("no %llu open files: %m", (unsigned long long)n);
}

TEST_SLOW(ten_thousand_descriptors, 3)
{
	static int fd[OPENS];
	int before = module_references(module_name());

	allow_files(OPENS + 100);
	for (int i = 0; i < OPENS; i++)
		fd[i] = device_open();
	for (int i = 0; i < OPENS; i++)
		REQUIRE_EQ(ioctl(fd[i], KVM_GET_API_VERSION, 0), 12);
	CHECK_EQ(module_references(module_name()), before + OPENS);
	for (int i = 0; i < OPENS; i++)
		close(fd[(u32)i * 7919 % OPENS]);
	CHECK(module_references_settle(before, 5000), "references: %d, before %d",
	      module_references(module_name()), before);
}

TEST_SLOW(ten_thousand_openings, 3)
{
	int before = module_references(module_name());

	for (int i = 0; i < OPENS; i++) {
		int fd = device_open();

		if (!(i & 15))
			REQUIRE_EQ(ioctl(fd, KVM_GET_API_VERSION, 0), 12);
		close(fd);
	}
	CHECK(module_references_settle(before, 5000), "references: %d, before %d",
	      module_references(module_name()), before);
}

/* Goes round for ever, and says how far it came; its own memory is one page above all others. */
GUEST_CODE static void guest_counts(void)
{
	for (;;) {
		for (int i = 0; i < 200; i++) {
			*(volatile u64 *)GPA_HIGH += ARG(0);
			cpu_relax();
		}
		ARG(1)++;
		guest_sync(1);
	}
}

static struct vcpu *all[VMS];
static volatile u32 stop;

static void *run_group(void *first)
{
	while (!stop) {
		for (size_t i = (size_t)first; i < VMS; i += 4)
			vcpu_expect_sync(all[i], 1);
	}
	return NULL;
}

/* Four threads run fifty guests each; then all are closed in an order of no order. */
TEST_SLOW(two_hundred_vms, 6)
{
	int before = module_references(module_name());
	pthread_t thread[4];
	u64 least = ~0ull;

	allow_files(3 * VMS + 100);
	/* a huge page for each would be most of the test machine's memory */
	REQUIRE_OK(prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0));
	for (size_t i = 0; i < VMS; i++) {
		all[i] = vcpu_create(vm_create(i & 1 ? VM_IRQCHIP : i & 2 ? VM_PIT : 0), 0);
		vcpu_set_long(all[i], guest_counts);
		vm_shared(all[i]->vm)->arg[0] = i + 1;
	}
	for (size_t i = 0; i < 4; i++)
		REQUIRE(!pthread_create(&thread[i], NULL, run_group, (void *)i), "pthread_create");
	while (least < 3 || least == ~0ull) {
		usleep(20000);
		least = ~0ull;
		for (size_t i = 0; i < VMS; i++) {
			u64 n = vm_shared(all[i]->vm)->arg[1];

			least = n < least ? n : least;
		}
		REQUIRE(!ktap_timed_out(), "the slowest guest came to %llu",
			(unsigned long long)least);
	}
	stop = 1;
	for (size_t i = 0; i < 4; i++)
		pthread_join(thread[i], NULL);
	for (size_t k = 0; k < VMS; k++) {
		size_t i = k * 37 % VMS;
		struct vm *vm = all[i]->vm;

		REQUIRE_EQ(*(u64 *)(vm->mem + GPA_HIGH), 200 * (i + 1) * vm_shared(vm)->arg[1]);
		vcpu_destroy(all[i]);
		vm_destroy(vm);
	}
	CHECK(module_references_settle(before, 5000), "references: %d, before %d",
	      module_references(module_name()), before);
}

struct opener {
	pthread_t thread;
	u32 opened, absent;
};

/*
 * Every fourth time it dwells there. Where all have one CPU, the unloading comes only when the
 * opener sleeps: without this, it would find the device closed each time.
 */
static void dwell(const struct opener *o, u32 where)
{
	if (o->opened % 4 == where)
		usleep(1000);
}

/* Every call may find the module gone, but none may do anything else. */
static void *open_and_run(void *arg)
{
	struct opener *o = arg;

	while (!stop) {
		int dev = open(device_path(), O_RDWR | O_CLOEXEC), vm, vcpu;

		if (dev < 0) {
			REQUIRE(errno == ENOENT || errno == ENODEV || errno == ENXIO, "open: %m");
			o->absent++;
			/* whoever loads it may need this CPU */
			usleep(o->absent % 7 * 100);
			continue;
		}
		dwell(o, 1);
		vm = REQUIRE_OK(ioctl(dev, KVM_CREATE_VM, 0));
		close(dev);
		dwell(o, 2);
		vcpu = REQUIRE_OK(ioctl(vm, KVM_CREATE_VCPU, 0L));
		close(o->opened & 4 ? vm : vcpu);
		dwell(o, 3);
		close(o->opened & 4 ? vcpu : vm);
		o->opened++;
		/* or somebody would have it open all the time */
		usleep(o->opened % 7 * 500);
	}
	return NULL;
}

/* A load takes up to 2 s on a stock kernel. */
TEST_SLOW(unloaded_under_openers, 6)
{
	static struct opener opener[3];
	/* on one CPU three of them would have it open all the time */
	size_t openers = sysconf(_SC_NPROCESSORS_ONLN) > 1 ? ARRAY_SIZE(opener) : 1;
	u32 loads = 0, busy = 0, opened = 0, absent = 0;

	if (geteuid() || access(module_file(), R_OK))
		SKIP("not root, or no %s", module_file());
	if (module_references(module_name()) != 0)
		SKIP("%s is in use by something else", module_name());
	for (size_t i = 0; i < openers; i++)
		REQUIRE(!pthread_create(&opener[i].thread, NULL, open_and_run, &opener[i]),
			"pthread_create");
	while ((loads < 30 || busy < 10) && !ktap_timed_out()) {
		if (module_unload(module_name()) < 0) {
			REQUIRE(errno == EWOULDBLOCK || errno == EBUSY, "unload: %m");
			busy++;
			usleep(50);
			continue;
		}
		REQUIRE(!module_load(module_file(), ""), "load: %m");
		loads++;
	}
	stop = 1;
	for (size_t i = 0; i < openers; i++) {
		pthread_join(opener[i].thread, NULL);
		opened += opener[i].opened;
		absent += opener[i].absent;
	}
	ktap_note("unloaded %u times, refused %u times; VMs made %u, no device %u times", loads,
		  busy, opened, absent);
	CHECK(loads >= 30 && busy >= 10 && opened, "%u unloadings, %u refusals, %u VMs", loads, busy,
	      opened);
	CHECK(module_references_settle(0, 5000), "references: %d",
	      module_references(module_name()));
}
