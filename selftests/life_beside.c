// SPDX-License-Identifier: GPL-2.0-only
/*
 * A guest of KVM and a guest of Lintel on one CPU, in one process, in turns. Each keeps a
 * checksum over general registers, XMM registers, memory and the MSRs that a hypervisor switches
 * lazily (STAR, LSTAR, SFMASK, KERNEL_GS_BASE, TSC_AUX): what the one leaves behind in the CPU
 * would be seen in the sum of the other. They change places after each exit, or when the host's
 * scheduler takes the CPU away from a guest that never exits by itself. LINTEL_SWITCHES
 * (environment) says how often. With LINTEL_DISTURBANCES, CPU 1 and then the whole machine are
 * taken away from them so many times. Needs both devices.
 */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>

#include "files.h"
#include "guest.h"
#include "vm.h"

#define CPUID_RDTSCP	(1U << 27)

static u64 number_of(const char *name, u64 usual)
{
	const char *text = getenv(name);

	return text ? strtoull(text, NULL, 10) : usual;
}

#define FACTOR		6364136223846793005UL
#define OFFSET		1442695040888963407UL
#define CANONICAL(x)	((x) & 0x7fffffffffffUL)
#define STAR_BITS	0xffffffff00000000UL

/*
 * ARG(0): the sum; ARG(1): rounds until an exit; ARG(2): where it keeps its memory; ARG(3):
 * TSC_AUX is there. Whatever was written must be there a moment later, and goes into the sum.
 */
/* Unlike RDMSR it is answered by the CPU. */
GUEST_CODE static u32 rdtscp_aux(void)
{
	u32 a, d, aux;

	asm volatile("rdtscp" : "=a"(a), "=d"(d), "=c"(aux));
	return aux;
}

GUEST_CODE static void guest_sums(void)
{
	u64 sum = ARG(0);

	WRITE_CR(0, (READ_CR(0) & ~(CR0_EM | CR0_TS)) | CR0_MP);
	WRITE_CR(4, READ_CR(4) | CR4_OSFXSR | CR4_OSXMMEXCPT);
	for (;;) {
		wrmsr(MSR_STAR, sum & STAR_BITS);
		wrmsr(MSR_LSTAR, CANONICAL(sum));
		wrmsr(MSR_FMASK, sum & 0x3fffff);
		wrmsr(MSR_KERNEL_GS_BASE, CANONICAL(sum >> 7));
		if (ARG(3))
			wrmsr(MSR_TSC_AUX, (u32)sum);
		*(volatile u64 *)(GPA_HIGH + (sum & 0xff8)) = sum;
		asm volatile("movq %0, %%xmm0; pshufd $0, %%xmm0, %%xmm7; movq %0, %%xmm15"
			     :: "r"(sum));
		ARG(4) = sum;
		for (u64 i = ARG(1); i; i--)
			asm volatile("" ::: "memory");
		/* another thread may have had the CPU, and no user space since */
		if (ARG(3))
			G_EQ(rdtscp_aux(), (u32)ARG(4));
		guest_sync(1);
		G_EQ(rdmsr(MSR_STAR), ARG(4) & STAR_BITS);
		G_EQ(rdmsr(MSR_LSTAR), CANONICAL(ARG(4)));
		G_EQ(rdmsr(MSR_FMASK), ARG(4) & 0x3fffff);
		G_EQ(rdmsr(MSR_KERNEL_GS_BASE), CANONICAL(ARG(4) >> 7));
		if (ARG(3))
			G_EQ(rdtscp_aux(), (u32)ARG(4));
		G_EQ(sum, ARG(4));
		G_EQ(*(volatile u64 *)(GPA_HIGH + (sum & 0xff8)), sum);
		for (int k = 0; k < 3; k++) {
			u64 x;

			if (k == 0)
				asm volatile("movq %%xmm0, %0" : "=r"(x));
			else if (k == 1)
				asm volatile("movq %%xmm15, %0" : "=r"(x));
			else
				asm volatile("movq %%xmm7, %0" : "=r"(x));
			G_EQ(x, k < 2 ? ARG(4) : (u32)ARG(4) * 0x100000001UL);
			sum += x;
		}
		sum = sum * FACTOR + OFFSET;
		ARG(0) = sum;
	}
}

static u64 next_sum(u64 sum)
{
	sum += 2 * sum + (u32)sum * 0x100000001UL;
	return sum * FACTOR + OFFSET;
}

struct side {
	const char *device;
	struct vcpu *v;
	u64 rounds, switches;
	pthread_t thread;
};

static struct side side[2] = { { .device = "/dev/kvm" }, { .device = "/dev/lintel" } };
static struct side *volatile last;
static volatile bool stop;
static u64 wanted;
static bool in_turns;
static volatile bool disturbing;	/* they go on until the last disturbance is over */

static u64 changes(void)
{
	return *(volatile u64 *)&side[0].switches + *(volatile u64 *)&side[1].switches;
}

static void bind_to(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	REQUIRE_OK(sched_setaffinity(0, sizeof(set), &set));
}

/* A machine that is suspended interrupts every system call, which no signal handler sees. */
static void expect_sync(struct vcpu *v)
{
	while (ioctl(v->fd, KVM_RUN, 0) < 0)
		REQUIRE(errno == EINTR && !ktap_timed_out(), "KVM_RUN: %m");
	REQUIRE_EQ(vcpu_event(v), RUN_SYNC);
}

static void *run_side(void *arg)
{
	struct side *s = arg;
	volatile struct guest_shared *shared = vm_shared(s->v->vm);
	u64 want = shared->arg[0];

	while (!stop) {
		expect_sync(s->v);
		/* the guest is between two sums: this is the one that it will check */
		REQUIRE_EQ(shared->arg[4], want);
		want = next_sum(want);
		s->rounds++;
		if (last != s) {
			last = s;
			s->switches++;
		}
		if (s == &side[0] && changes() >= wanted && !disturbing)
			stop = true;
		if (in_turns)
			sched_yield();
	}
	return NULL;
}

static void make_sides(u64 rounds)
{
	for (size_t i = 0; i < ARRAY_SIZE(side); i++) {
		struct side *s = &side[i];
		struct cpuid c;

		if (access(s->device, R_OK | W_OK))
			SKIP("%s: %m; both devices are needed", s->device);
		setenv("LINTEL_DEVICE", s->device, 1);
		s->v = vcpu_create(vm_create(i ? VM_IRQCHIP : 0), 0);
		vcpu_set_long(s->v, guest_sums);
		cpuid_supported(s->v->vm->dev, &c);
		vm_shared(s->v->vm)->arg[0] = 0x1234567 * (i + 1);
		vm_shared(s->v->vm)->arg[1] = rounds;
		vm_shared(s->v->vm)->arg[3] =
			!!(cpuid_find(&c, 0x80000001, 0)->edx & CPUID_RDTSCP);
		s->rounds = s->switches = 0;
	}
}

static long involuntary_switches(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_nivcsw;
}

static void run_both(u64 switches)
{
	wanted = switches;
	stop = false;
	for (size_t i = 0; i < ARRAY_SIZE(side); i++)
		REQUIRE(!pthread_create(&side[i].thread, NULL, run_side, &side[i]),
			"pthread_create");
	for (size_t i = 0; i < ARRAY_SIZE(side); i++)
		pthread_join(side[i].thread, NULL);
	ktap_note("%llu changes from one guest to the other; %llu and %llu rounds",
		  (unsigned long long)changes(), (unsigned long long)side[0].rounds,
		  (unsigned long long)side[1].rounds);
	CHECK(changes() >= switches, "stopped early");
}

TEST_SLOW(in_turns_on_one_cpu, 30)
{
	bind_to(0);
	make_sides(10);
	in_turns = true;
	run_both(number_of("LINTEL_SWITCHES", 5000));
}

/* The scheduler's tick takes the CPU from a guest in the middle of its loop. */
TEST_SLOW(preempted_on_one_cpu, 30)
{
	long before = involuntary_switches();

	bind_to(0);
	make_sides(200000);
	run_both(number_of("LINTEL_PREEMPTIONS", 100));
	ktap_note("%ld times preempted", involuntary_switches() - before);
	CHECK(involuntary_switches() - before > 50, "hardly ever preempted");
}

/* Both on whatever CPU they are put. */
TEST_SLOW(on_all_cpus, 30)
{
	make_sides(1000);
	in_turns = true;
	run_both(number_of("LINTEL_SWITCHES", 5000));
}

#define CPU1		"/sys/devices/system/cpu/cpu1/online"
#define PM_TEST		"/sys/power/pm_test"
#define PM_TEST_DELAY	"/sys/module/suspend/parameters/pm_test_delay"

/* The guests have what is left of the machine until they have changed some more times. */
static void let_them_change(void)
{
	u64 until = changes() + 100;

	while (changes() < until) {
		REQUIRE(!ktap_timed_out(), "the guests stand still");
		usleep(1000);
	}
}

static void suspend_to(const char *level)
{
	file_write(PM_TEST, level);
	file_write("/sys/power/state", "mem");
	let_them_change();
}

static void *disturb(void *rounds)
{
	for (size_t i = (size_t)rounds; i; i--) {
		let_them_change();
		file_write(CPU1, "0");
		let_them_change();
		file_write(CPU1, "1");
		let_them_change();
		suspend_to("processors");
		suspend_to("core");
	}
	disturbing = false;
	return NULL;
}

/* CPU 1 goes and comes, and the machine is suspended as far as two levels of pm_test lead. */
TEST_SLOW(disturbed_on_all_cpus, 30)
{
	size_t rounds = number_of("LINTEL_DISTURBANCES", 0);
	pthread_t disturber;

	if (!rounds)
		SKIP("LINTEL_DISTURBANCES (environment) asks for it");
	if (access(CPU1, W_OK) || access(PM_TEST, W_OK))
		SKIP("no CPU 1 that can go offline, or no %s", PM_TEST);
	/* the kernel spins for as long in each suspend, 5 s by default, and no guest runs */
	file_write(PM_TEST_DELAY, "0");
	make_sides(1000);
	in_turns = true;
	disturbing = true;
	REQUIRE(!pthread_create(&disturber, NULL, disturb, (void *)rounds), "pthread_create");
	run_both(number_of("LINTEL_SWITCHES", 5000));
	pthread_join(disturber, NULL);
	ktap_note("CPU 1 away and the machine suspended twice, %zu times", rounds);
	file_write(PM_TEST, "none");
}

/* VMs of KVM come and go, its last one among them; a guest of Lintel's sees none of it. */
TEST_SLOW(kvms_last_vm_goes, 6)
{
	struct vcpu *v;
	struct vm *only;
	u64 want;

	bind_to(0);
	make_sides(100);
	only = side[0].v->vm;
	vcpu_destroy(side[0].v);
	vm_destroy(only);
	v = side[1].v;
	want = vm_shared(v->vm)->arg[0];
	for (int i = 0; i < 60; i++) {
		struct vm *other;

		setenv("LINTEL_DEVICE", "/dev/kvm", 1);
		other = vm_create(VM_IRQCHIP);
		vcpu_destroy(vcpu_create(other, 0));
		vcpu_expect_sync(v, 1);
		REQUIRE_EQ(vm_shared(v->vm)->arg[4], want);
		want = next_sum(want);
		vm_destroy(other);
		vcpu_expect_sync(v, 1);
		REQUIRE_EQ(vm_shared(v->vm)->arg[4], want);
		want = next_sum(want);
	}
}
