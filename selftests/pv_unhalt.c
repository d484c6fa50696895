// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_HC_KICK_CPU ends a HLT whatever RFLAGS.IF is, the present one or the next; a kick or a yield
 * to nobody is no error. Also the rules of MSR_KVM_POLL_CONTROL, and that a VMM which enforces the
 * guest's CPUID takes MSRs and hypercalls away.
 */
#include "chips.h"
#include "pv.h"

#define HALTED	(((volatile u32 *)GPA_PAGE)[0])
#define ROUNDS	50

/* Says how often it halted; each HLT must wait for its kick. */
GUEST_CODE static void guest_halts(void)
{
	apic_enable();
	for (u32 i = 1; i <= ROUNDS; i++) {
		HALTED = i;
		hlt();
	}
	HALTED = ROUNDS + 1;
	guest_done();
}

GUEST_CODE static void guest_kicks(void)
{
	for (u32 i = 1; i <= ROUNDS; i++) {
		while (HALTED != i)
			cpu_relax();
		G_EQ(hypercall(KVM_HC_KICK_CPU, 0, 1, 0, 0), 0);
		/* half of the kicks come while it sleeps */
		if (i & 1)
			guest_sync(i);
	}
	while (HALTED != ROUNDS + 1)
		cpu_relax();
	G_EQ(hypercall(KVM_HC_KICK_CPU, 0, 77, 0, 0), 0);
	G_EQ(hypercall(KVM_HC_KICK_CPU, 0, ~0UL, 0, 0), 0);
	G_EQ(hypercall(KVM_HC_SCHED_YIELD, 0, 0, 0, 0), 0);
	G_EQ(hypercall(KVM_HC_SCHED_YIELD, 1, 0, 0, 0), 0);
	G_EQ(hypercall(KVM_HC_SCHED_YIELD, ~0UL, 0, 0, 0), 0);
	guest_done();
}

TEST_SLOW(kicks_end_halts, 2)
{
	struct vm *vm = vm_create(VM_IRQCHIP);
	struct vcpu *kicker = vcpu_create(vm, 0), *halter = vcpu_create(vm, 1);
	pthread_t thread;
	int event;

	PV_REQUIRE(vm, PV_UNHALT);
	thread = pv_start(halter, guest_halts);
	vcpu_set_long(kicker, guest_kicks);
	while ((event = vcpu_next(kicker)) == RUN_SYNC)
		usleep(2000);
	REQUIRE_EQ(event, RUN_DONE);
	pthread_join(thread, NULL);
}

/* A kick before the HLT, by itself: the HLT does not wait, and the one after it would. */
GUEST_CODE static void guest_kicks_itself(void)
{
	apic_enable();
	hypercall(KVM_HC_KICK_CPU, 0, 0, 0, 0);
	hypercall(KVM_HC_KICK_CPU, 0, 0, 0, 0);
	hlt();
	guest_sync(1);
	hlt();
	guest_abort(__LINE__, 0, 0);
}

static struct kvm_run *to_stop;

static void on_alarm(int sig)
{
	(void)sig;
	to_stop->immediate_exit = 1;
}

TEST(kick_comes_first)
{
	struct vcpu *v = vcpu_create(vm_create(VM_IRQCHIP), 0);
	struct sigaction action = { .sa_handler = on_alarm };
	struct kvm_mp_state mp;

	PV_REQUIRE(v->vm, PV_UNHALT);
	vcpu_set_long(v, guest_kicks_itself);
	vcpu_expect_sync(v, 1);
	to_stop = v->run;
	sigaction(SIGUSR1, &action, NULL);
	if (!fork()) {
		usleep(300000);
		kill(getppid(), SIGUSR1);
		_exit(0);
	}
	CHECK_ERRNO(ioctl(v->fd, KVM_RUN, 0), EINTR);
	REQUIRE_OK(ioctl(v->fd, KVM_GET_MP_STATE, &mp));
	CHECK_EQ(mp.mp_state, KVM_MP_STATE_HALTED);
}

GUEST_CODE static void guest_poll_control(void)
{
	u64 v;

	G_EQ(rdmsr(MSR_KVM_POLL_CONTROL), 1);
	G_EQ(try_wrmsr(MSR_KVM_POLL_CONTROL, 2), VEC_GP);
	G_EQ(try_wrmsr(MSR_KVM_POLL_CONTROL, 1UL << 63), VEC_GP);
	wrmsr(MSR_KVM_POLL_CONTROL, 0);
	G_EQ(try_rdmsr(MSR_KVM_POLL_CONTROL, &v), NO_TRAP);
	G_EQ(v, 0);
	guest_done();
}

TEST(poll_control)
{
	struct vcpu *v = vcpu_create(vm_create(VM_IRQCHIP), 0);

	PV_REQUIRE(v->vm, POLL_CONTROL);
	vcpu_set_long(v, guest_poll_control);
	vcpu_finish(v);
	CHECK_EQ(vcpu_get_msr(v, MSR_KVM_POLL_CONTROL), 0);
}

static const struct enforced_row {
	u32 feature, msr, call;
} enforced_rows[] = {
	{ KVM_FEATURE_CLOCKSOURCE, MSR_KVM_SYSTEM_TIME, 0 },
	{ KVM_FEATURE_CLOCKSOURCE2, MSR_KVM_SYSTEM_TIME_NEW, 0 },
	{ KVM_FEATURE_ASYNC_PF, MSR_KVM_ASYNC_PF_EN, 0 },
	{ KVM_FEATURE_ASYNC_PF_INT, MSR_KVM_ASYNC_PF_INT, 0 },
	{ KVM_FEATURE_ASYNC_PF_INT, MSR_KVM_ASYNC_PF_ACK, 0 },
	{ KVM_FEATURE_STEAL_TIME, MSR_KVM_STEAL_TIME, 0 },
	{ KVM_FEATURE_PV_EOI, MSR_KVM_PV_EOI_EN, 0 },
	{ KVM_FEATURE_POLL_CONTROL, MSR_KVM_POLL_CONTROL, 0 },
	{ KVM_FEATURE_PV_UNHALT, 0, KVM_HC_KICK_CPU },
	{ KVM_FEATURE_PV_SEND_IPI, 0, KVM_HC_SEND_IPI },
	{ KVM_FEATURE_PV_SCHED_YIELD, 0, KVM_HC_SCHED_YIELD },
};

/* Argument 0: the MSR, or 1: the hypercall; 2: is it there? */
GUEST_CODE static void guest_enforced(void)
{
	u64 v;

	for (;;) {
		if (ARG(0)) {
			G_EQ(try_rdmsr(ARG(0), &v), ARG(2) ? NO_TRAP : VEC_GP);
			G_EQ(try_wrmsr(ARG(0), 0), ARG(2) ? NO_TRAP : VEC_GP);
		} else {
			G_EQ(hypercall(ARG(1), 0, 0, 0, 0), ARG(2) ? 0 : -KVM_ENOSYS);
		}
		guest_sync(1);
	}
}

static void try_enforced(const struct enforced_row *row, u32 features, bool enforce, bool there)
{
	struct vcpu *v = vcpu_create(vm_create(VM_IRQCHIP), 0);
	struct kvm_enable_cap cap = {
		.cap = KVM_CAP_ENFORCE_PV_FEATURE_CPUID, .args = { enforce },
	};
	volatile struct guest_shared *s = vm_shared(v->vm);
	struct vm *vm;
	struct cpuid c;

	cpuid_supported(v->vm->dev, &c);
	cpuid_find(&c, KVM_CPUID_FEATURES, 0)->eax = features;
	REQUIRE_OK(ioctl(v->fd, KVM_ENABLE_CAP, &cap));
	REQUIRE_OK(ioctl(v->fd, KVM_SET_CPUID2, &c));
	s->arg[0] = row->msr;
	s->arg[1] = row->call;
	s->arg[2] = there;
	vcpu_set_long(v, guest_enforced);
	vcpu_expect_sync(v, 1);
	vm = v->vm;
	vcpu_destroy(v);
	vm_destroy(vm);
}

TEST(enforced_cpuid)
{
	struct vm *vm = vm_create(0);
	struct kvm_enable_cap bad = { .cap = KVM_CAP_ENFORCE_PV_FEATURE_CPUID, .flags = 1 };

	REQUIRE_CAP(vm->dev, KVM_CAP_ENFORCE_PV_FEATURE_CPUID);
	CHECK_ERRNO(ioctl(vcpu_create(vm, 0)->fd, KVM_ENABLE_CAP, &bad), EINVAL);
	for (size_t i = 0; i < ARRAY_SIZE(enforced_rows); i++) {
		const struct enforced_row *row = &enforced_rows[i];
		u32 bit = 1U << row->feature;

		if (!pv_offered(vm->dev, row->feature))
			continue;
		ktap_row("feature %u", row->feature);
		try_enforced(row, bit, true, true);
		try_enforced(row, ~bit, true, false);
		try_enforced(row, 0, false, true);
	}
}
