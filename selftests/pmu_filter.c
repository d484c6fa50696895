// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_SET_PMU_EVENT_FILTER: which events a guest may count, by lists and by masks, and what the
 * ioctl refuses.
 */
#include "pmu.h"

#ifndef KVM_CAP_PMU_EVENT_MASKED_EVENTS
#define KVM_CAP_PMU_EVENT_MASKED_EVENTS	226
#endif
#ifndef KVM_PMU_EVENT_FLAG_MASKED_EVENTS
#define KVM_PMU_EVENT_FLAG_MASKED_EVENTS	1
#endif
/* KVM_PMU_ENCODE_MASKED_ENTRY() of newer headers */
#define MASKED(event, mask, match, exclude)						\
	((u64)(event) | (u64)(match) << 8 | (u64)(mask) << 56 | (u64)(exclude) << 55)

#define MAX_EVENTS	300
#define ROUNDS		5000UL

struct filter {
	struct kvm_pmu_event_filter head;
	u64 event[MAX_EVENTS + 1];
};

static int set_filter(struct vm *vm, const struct filter *f)
{
	return ioctl(vm->fd, KVM_SET_PMU_EVENT_FILTER, f);
}

/* KVM of 6.1 counts the instructions that it finishes itself, whatever the filter says. */
#define MANY	(ROUNDS / 8)

/* Counts instructions, cycles, and instructions by the first fixed counter: who has counted? */
GUEST_CODE static void guest_three(void)
{
	for (;;) {
		u64 counted;

		wrmsr(MSR_GLOBAL_CTRL, 1UL << 32 | 1);
		counted = count_loop(EVENT_INSTRUCTIONS | SEL_OS, ROUNDS) >= MANY;
		counted |= (u64)(count_loop(EVENT_CYCLES | SEL_OS, ROUNDS) >= MANY) << 1;
		wrmsr(MSR_FIXED_CTR0, 0);
		wrmsr(MSR_FIXED_CTR_CTRL, FIXED_OS);
		loop(ROUNDS);
		wrmsr(MSR_FIXED_CTR_CTRL, 0);
		counted |= (u64)(rdmsr(MSR_FIXED_CTR0) >= MANY) << 2;
		guest_sync(counted);
	}
}

#define INSTRUCTIONS	1
#define CYCLES		2
#define FIXED		4

static const struct row {
	const char *name;
	u32 action, flags, fixed, nr;
	u64 event[2];
	u32 counts;
} rows[] = {
	{ "nothing allowed", KVM_PMU_EVENT_ALLOW, 0, 0, 0, { }, 0 },
	{ "nothing denied", KVM_PMU_EVENT_DENY, 0, 0, 0, { }, INSTRUCTIONS | CYCLES | FIXED },
	{ "one allowed", KVM_PMU_EVENT_ALLOW, 0, 0, 1, { EVENT_CYCLES }, CYCLES },
	{ "one denied", KVM_PMU_EVENT_DENY, 0, 0, 1, { EVENT_CYCLES }, INSTRUCTIONS | FIXED },
	{ "another unit mask", KVM_PMU_EVENT_ALLOW, 0, 0, 1, { 0x100 | EVENT_CYCLES }, 0 },
	{ "bits that none has", KVM_PMU_EVENT_ALLOW, 0, 0, 2,
	  { 1UL << 40 | EVENT_CYCLES, EVENT_INSTRUCTIONS }, INSTRUCTIONS },
	{ "the fixed one", KVM_PMU_EVENT_ALLOW, 0, 1, 0, { }, FIXED },
	{ "all but the fixed one", KVM_PMU_EVENT_DENY, 0, 1, 0, { }, INSTRUCTIONS | CYCLES },
	{ "another fixed one", KVM_PMU_EVENT_ALLOW, 0, 2, 1, { EVENT_CYCLES }, CYCLES },
};

static const struct row masked_rows[] = {
	{ "by mask", KVM_PMU_EVENT_ALLOW, KVM_PMU_EVENT_FLAG_MASKED_EVENTS, 0, 1,
	  { MASKED(EVENT_CYCLES, 0xf0, 0, 0) }, CYCLES },
	{ "whose match differs", KVM_PMU_EVENT_ALLOW, KVM_PMU_EVENT_FLAG_MASKED_EVENTS, 0, 1,
	  { MASKED(EVENT_CYCLES, 0xff, 1, 0) }, 0 },
	{ "excluded", KVM_PMU_EVENT_ALLOW, KVM_PMU_EVENT_FLAG_MASKED_EVENTS, 0, 2,
	  { MASKED(EVENT_CYCLES, 0, 0, 0), MASKED(EVENT_CYCLES, 0xff, 0, 1) }, 0 },
	{ "excluded from what is denied", KVM_PMU_EVENT_DENY, KVM_PMU_EVENT_FLAG_MASKED_EVENTS,
	  0, 2, { MASKED(EVENT_CYCLES, 0, 0, 0), MASKED(EVENT_CYCLES, 0xff, 0, 1) },
	  INSTRUCTIONS | CYCLES | FIXED },
	{ "denied by mask", KVM_PMU_EVENT_DENY, KVM_PMU_EVENT_FLAG_MASKED_EVENTS, 0, 1,
	  { MASKED(EVENT_CYCLES, 0, 0, 0) }, INSTRUCTIONS | FIXED },
};

static void run_rows(const struct row *row, u32 nr)
{
	struct vcpu *v = vcpu_create(vm_create(0), 0);

	vcpu_set_long(v, guest_three);
	vcpu_expect_sync(v, INSTRUCTIONS | CYCLES | FIXED);
	for (; nr; nr--, row++) {
		struct filter f = { .head = { .action = row->action, .flags = row->flags,
					      .nevents = row->nr,
					      .fixed_counter_bitmap = row->fixed } };

		ktap_row("%s", row->name);
		memcpy(f.event, row->event, sizeof(row->event));
		REQUIRE_OK(set_filter(v->vm, &f));
		vcpu_expect_sync(v, row->counts);
	}
}

TEST(lists)
{
	pmu_require();
	run_rows(rows, ARRAY_SIZE(rows));
}

TEST(masks)
{
	pmu_require();
	REQUIRE_CAP(device_open(), KVM_CAP_PMU_EVENT_MASKED_EVENTS);
	run_rows(masked_rows, ARRAY_SIZE(masked_rows));
}

GUEST_CODE static void guest_counting(void)
{
	wrmsr(MSR_GLOBAL_CTRL, 1);
	wrmsr(MSR_PMC0, 0);
	wrmsr(MSR_EVENTSEL0, EVENT_INSTRUCTIONS | SEL_OS | SEL_ENABLE);
	loop(ROUNDS);
	guest_sync(1);
	ARG(0) = rdmsr(MSR_PMC0);
	loop(ROUNDS);
	ARG(1) = rdmsr(MSR_PMC0);
	guest_sync(2);
	loop(ROUNDS);
	ARG(2) = rdmsr(MSR_PMC0);
	guest_done();
}

/* A counter that counts is stopped by a filter, and goes on without. */
TEST(while_counting)
{
	struct filter f = { .head.action = KVM_PMU_EVENT_ALLOW };
	volatile struct guest_shared *shared;
	struct vcpu *v;

	pmu_require();
	v = vcpu_create(vm_create(0), 0);
	shared = vm_shared(v->vm);
	vcpu_set_long(v, guest_counting);
	vcpu_expect_sync(v, 1);
	REQUIRE_OK(set_filter(v->vm, &f));
	vcpu_expect_sync(v, 2);
	f.head.action = KVM_PMU_EVENT_DENY;
	REQUIRE_OK(set_filter(v->vm, &f));
	vcpu_finish(v);
	CHECK(shared->arg[0] >= 2 * ROUNDS, "%llu", (unsigned long long)shared->arg[0]);
	CHECK(shared->arg[1] - shared->arg[0] < 16, "%llu",
	      (unsigned long long)(shared->arg[1] - shared->arg[0]));
	CHECK(shared->arg[2] - shared->arg[1] >= 2 * ROUNDS, "%llu",
	      (unsigned long long)(shared->arg[2] - shared->arg[1]));
}

/* With counters or without. */
TEST(errors)
{
	struct vm *vm = vm_create(0);
	static struct filter f;

	CHECK_EQ(device_cap(vm->fd, KVM_CAP_PMU_EVENT_FILTER), 1);
	f.head.action = 2;
	CHECK_ERRNO(set_filter(vm, &f), EINVAL);
	f.head = (struct kvm_pmu_event_filter){ .flags = 1 << 10 };
	CHECK_ERRNO(set_filter(vm, &f), EINVAL);
	f.head = (struct kvm_pmu_event_filter){ .nevents = MAX_EVENTS + 1 };
	CHECK_ERRNO(set_filter(vm, &f), E2BIG);
	f.head.nevents = MAX_EVENTS;
	CHECK_OK(set_filter(vm, &f));
	CHECK_ERRNO(ioctl(vm->fd, KVM_SET_PMU_EVENT_FILTER, 8), EFAULT);
	if (!device_cap(vm->dev, KVM_CAP_PMU_EVENT_MASKED_EVENTS))
		return;
	f.head = (struct kvm_pmu_event_filter){ .nevents = 1,
						.flags = KVM_PMU_EVENT_FLAG_MASKED_EVENTS };
	f.event[0] = 1UL << 16;
	CHECK_ERRNO(set_filter(vm, &f), EINVAL);
	f.event[0] = MASKED(0xff, 0xff, 0xff, 1);
	CHECK_OK(set_filter(vm, &f));
}
