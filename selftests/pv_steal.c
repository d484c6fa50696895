// SPDX-License-Identifier: GPL-2.0-only
/*
 * Steal time: what the guest is told agrees with what the host's scheduler has noted for the
 * vCPU's thread, by the protocol of the version field; and the rules of the MSR.
 */
#include <sys/wait.h>

#include "pv.h"

#define STEAL_PAGE	(GPA_PAGE + 0x40)
#define STEAL		((volatile struct kvm_steal_time *)STEAL_PAGE)

GINLINE u64 guest_steal(void)
{
	u32 version;
	u64 steal;

	do {
		version = STEAL->version;
		asm volatile("" ::: "memory");
		steal = STEAL->steal;
		asm volatile("" ::: "memory");
	} while ((version & 1) || version != STEAL->version);
	return steal;
}

/* Works for ARG(1) ticks of its TSC at a time and tells what was stolen. */
GUEST_CODE static void guest_works(void)
{
	u64 last = 0, now, start;

	wrmsr(MSR_KVM_STEAL_TIME, STEAL_PAGE | 1);
	G_EQ(rdmsr(MSR_KVM_STEAL_TIME), STEAL_PAGE | 1);
	for (;;) {
		start = rdtsc();
		do {
			now = guest_steal();
			G_CHECK(now >= last);
			/* whoever can read this runs */
			G_EQ(STEAL->preempted & KVM_VCPU_PREEMPTED, 0);
			last = now;
		} while (rdtsc() - start < ARG(1));
		ARG(0) = last;
		guest_sync(1);
	}
}

/* The second number of schedstat: ns that this thread waited for a CPU. */
static u64 run_delay(void)
{
	unsigned long long ran, waited;
	FILE *f = fopen("/proc/thread-self/schedstat", "r");

	if (!f)
		SKIP("the host's kernel does not tell how long a thread waited");
	REQUIRE(fscanf(f, "%llu %llu", &ran, &waited) == 2, "schedstat");
	fclose(f);
	return waited;
}

static pid_t start_rival(void)
{
	pid_t pid = fork();

	if (!pid)
		for (;;)
			;
	return pid;
}

TEST_SLOW(agrees_with_the_scheduler, 3)
{
	struct vcpu *v = vcpu_create(vm_create(VM_IRQCHIP), 0);
	volatile struct guest_shared *s = vm_shared(v->vm);
	u64 stolen, told, waited;
	pid_t rival;

	PV_REQUIRE(v->vm, STEAL_TIME);
	pin_to_cpu0();
	s->arg[1] = 5 * ioctl(v->fd, KVM_GET_TSC_KHZ, 0);
	vcpu_set_long(v, guest_works);
	vcpu_expect_sync(v, 1);
	told = s->arg[0];
	waited = run_delay();
	CHECK(told <= waited, "the guest lost %llu ns, the thread %llu", (unsigned long long)told,
	      (unsigned long long)waited);
	rival = start_rival();
	for (int i = 0; i < 12; i++) {
		vcpu_expect_sync(v, 1);
		/* from the thread's start: it may have waited between the guest's look and ours */
		CHECK(s->arg[0] <= run_delay(), "more than the thread waited");
	}
	waited = run_delay() - waited;
	vcpu_expect_sync(v, 1);
	stolen = s->arg[0] - told;
	kill(rival, SIGKILL);
	waitpid(rival, NULL, 0);
	ktap_note("beside a rival: %llu ns stolen", (unsigned long long)stolen);
	CHECK(stolen >= waited, "the thread waited %llu ns, the guest knows of %llu",
	      (unsigned long long)waited, (unsigned long long)stolen);
	CHECK(stolen > 10000000, "%llu ns are too few for the rival's share",
	      (unsigned long long)stolen);
}

GUEST_CODE static void guest_rules(void)
{
	for (u64 bit = 2; bit < 64; bit <<= 1)
		G_EQ(try_wrmsr(MSR_KVM_STEAL_TIME, STEAL_PAGE | bit), VEC_GP);
	wrmsr(MSR_KVM_STEAL_TIME, STEAL_PAGE | 1);
	guest_sync(1);
	G_CHECK(STEAL->version >= 2);
	G_EQ(STEAL->version & 1, 0);
	wrmsr(MSR_KVM_STEAL_TIME, STEAL_PAGE);
	STEAL->version = 0x1000;
	for (int i = 0; i < 10; i++)
		guest_sync(2);
	G_EQ(STEAL->version, 0x1000);
	/* a page without memory: nothing is told, nothing breaks */
	wrmsr(MSR_KVM_STEAL_TIME, 0x40000000000UL | 1);
	guest_sync(3);
	guest_done();
}

TEST(rules)
{
	struct vcpu *v = vcpu_create(vm_create(VM_IRQCHIP), 0);
	int event;

	PV_REQUIRE(v->vm, STEAL_TIME);
	vcpu_set_long(v, guest_rules);
	vcpu_expect_sync(v, 1);
	CHECK_EQ(vcpu_get_msr(v, MSR_KVM_STEAL_TIME), STEAL_PAGE | 1);
	while ((event = vcpu_next(v)) == RUN_SYNC)
		;
	REQUIRE_EQ(event, RUN_DONE);
	vcpu_set_msr(v, MSR_KVM_STEAL_TIME, STEAL_PAGE | 1);
	CHECK_EQ(vcpu_get_msr(v, MSR_KVM_STEAL_TIME), STEAL_PAGE | 1);
}
