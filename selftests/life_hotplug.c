// SPDX-License-Identifier: GPL-2.0-only
/*
 * CPU hotplug under running guests: a CPU goes offline and comes back while a guest computes, and
 * the guest's result is right; a vCPU that is bound to the CPU that came back runs there;
 * migration between CPUs keeps all state. Needs root and two CPUs.
 */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <time.h>

#include "guest.h"
#include "vm.h"

#define ONLINE	"/sys/devices/system/cpu/cpu1/online"

static void need_two_cpus(void)
{
	if (geteuid())
		SKIP("not root");
	if (access(ONLINE, W_OK))
		SKIP("no CPU 1 that can go offline (%s: %m)", ONLINE);
	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		SKIP("only one CPU is online");
}

static void set_online(bool on)
{
	int fd = REQUIRE_OK(open(ONLINE, O_WRONLY | O_CLOEXEC));

	CHECK(write(fd, on ? "1" : "0", 1) == 1, "CPU 1 %s: %m", on ? "online" : "offline");
	close(fd);
}

static int bind_to(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return sched_setaffinity(0, sizeof(set), &set);
}

static u64 step(u64 a) { return a * 6364136223846793005UL + 1442695040888963407UL; }

GUEST_CODE static void guest_computes(void)
{
	for (;;) {
		u64 a = ARG(0);

		for (u64 i = 0; i < ARG(1); i++)
			a = a * 6364136223846793005UL + 1442695040888963407UL;
		ARG(0) = a;
		wrmsr(MSR_LSTAR, a & 0x7fffffffffff);
		wrmsr(MSR_KERNEL_GS_BASE, a >> 20 & 0x7fffffffffff);
		guest_sync(1);
		G_EQ(rdmsr(MSR_LSTAR), a & 0x7fffffffffff);
		G_EQ(rdmsr(MSR_KERNEL_GS_BASE), a >> 20 & 0x7fffffffffff);
	}
}

TEST(migration)
{
	struct vcpu *v;
	u64 want = 1;

	need_two_cpus();
	v = vcpu_create(vm_create(VM_IRQCHIP), 0);
	vcpu_set_long(v, guest_computes);
	vm_shared(v->vm)->arg[0] = 1;
	vm_shared(v->vm)->arg[1] = 100;
	for (int i = 0; i < 200; i++) {
		REQUIRE_OK(bind_to(i & 1));
		vcpu_expect_sync(v, 1);
		for (int k = 0; k < 100; k++)
			want = step(want);
		REQUIRE_EQ(vm_shared(v->vm)->arg[0], want);
	}
}

static volatile u32 stop;

static void *toggle(void *arg)
{
	u32 *times = arg;

	while (!stop && *times < 20) {
		set_online(false);
		usleep(10000);
		set_online(true);
		usleep(10000);
		(*times)++;
	}
	return NULL;
}

TEST_SLOW(offline_under_a_running_guest, 3)
{
	struct vcpu *v;
	pthread_t thread;
	u32 times = 0;
	u64 want = 1;

	need_two_cpus();
	v = vcpu_create(vm_create(VM_IRQCHIP), 0);
	vcpu_set_long(v, guest_computes);
	vm_shared(v->vm)->arg[0] = 1;
	vm_shared(v->vm)->arg[1] = 10000;
	REQUIRE(!pthread_create(&thread, NULL, toggle, &times), "pthread_create");
	for (int i = 0; i < 3000 && *(volatile u32 *)&times < 10 && !ktap_timed_out(); i++) {
		bind_to(i & 1);		/* refused while CPU 1 is away */
		vcpu_expect_sync(v, 1);
		for (int k = 0; k < 10000; k++)
			want = step(want);
		REQUIRE_EQ(vm_shared(v->vm)->arg[0], want);
	}
	stop = 1;
	pthread_join(thread, NULL);
	CHECK(times >= 5, "CPU 1 went and came only %u times", times);
	ktap_note("%u times offline and back", times);
}

/* A stock kernel takes seconds for each CPU that goes, in its own grace periods. */
TEST_SLOW(new_vm_on_the_cpu_that_came_back, 3)
{
	need_two_cpus();
	for (int i = 0; i < 3; i++) {
		struct vm *vm;
		struct vcpu *v;

		REQUIRE_OK(bind_to(0));
		set_online(false);
		vm = vm_create(0);		/* made while the CPU is away */
		v = vcpu_create(vm, 0);
		vcpu_set_long(v, guest_computes);
		vcpu_expect_sync(v, 1);
		set_online(true);
		REQUIRE_OK(bind_to(1));
		vcpu_expect_sync(v, 1);
		REQUIRE_OK(bind_to(0));
		set_online(false);		/* its state is on that CPU */
		vcpu_expect_sync(v, 1);
		set_online(true);
		vcpu_destroy(v);
		vm_destroy(vm);
	}
}
