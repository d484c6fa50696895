// SPDX-License-Identifier: GPL-2.0-only
/*
 * The processor's checks of guest state at VM entry against the module's own list of them: states
 * that no program would set, a few members of a sound one changed at random, in three modes. Before
 * each KVM_RUN LINTEL_EXPLAIN_ENTRY says which rules the state breaks; if it says none the
 * processor has to enter, and if it names one, to refuse. ENTRY_STATES says how many states (3000
 * by default); the random numbers are the same in each run.
 *
 * Rules on fields that no ioctl reaches (controls, the host's state) are not tried here. Nor is a
 * usable SS with RPL 0 in 64-bit mode: Bochs, which this runs on, takes any (it means to allow the
 * null selector), while the SDM's "Checks on Guest Segment Registers" makes no exception for it.
 */
#include <linux/lintel.h>
#include <sched.h>
#include <signal.h>
#include <sys/time.h>

#include "guest.h"
#include "stats.h"
#include "vm.h"

RM_CODE(real_hlt, "1: hlt\n jmp 1b");
PM_CODE(protected_hlt, "1: hlt\n jmp 1b");

GUEST_CODE static void guest_halts(void)
{
	for (;;)
		hlt();
}

static u64 seed = 20240611;

static u32 rnd(u32 below)
{
	seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (seed >> 33) % below;
}

/* Values at the edges of rules. */
static u64 number(void)
{
	static const u64 edges[] = {
		0,
		1,
		0xffff,
		0x10000,
		0xfffff,
		0x100000,
		0xffffffff,
		0x100000000,
		0x12345,
		0x7fffffffffff,
		0x800000000000,
		0xffff800000000000,
		~0ULL,
		0x93000,
		8,
		0x13,
	};

	return edges[rnd(ARRAY_SIZE(edges))];
}

static void spoil_segment(struct kvm_segment *s)
{
	switch (rnd(12)) {
	case 0:
		s->selector = number();
		break;
	case 1:
		s->base = number();
		break;
	case 2:
		s->limit = number();
		break;
	case 3:
		s->type = rnd(16);
		break;
	case 4:
		s->present ^= 1;
		break;
	case 5:
		s->dpl = rnd(4);
		break;
	case 6:
		s->db ^= 1;
		break;
	case 7:
		s->s ^= 1;
		break;
	case 8:
		s->l ^= 1;
		break;
	case 9:
		s->g ^= 1;
		break;
	case 10:
		s->unusable ^= 1;
		break;
	case 11:
		s->base = (u64)s->selector << 4;
		break;
	}
}

static void spoil(struct kvm_sregs *s, struct kvm_regs *r)
{
	struct kvm_segment *all[] = { &s->cs, &s->ss, &s->ds, &s->es,
				      &s->fs, &s->gs, &s->tr, &s->ldt };

	switch (rnd(14)) {
	case 0:
		s->gdt.base = number();
		break;
	case 1:
		s->idt.base = number();
		break;
	case 2:
		r->rip = number();
		break;
	case 3:
		r->rflags ^= 1ULL << rnd(22);
		break;
	case 4:
		s->cr3 = number();
		break;
	case 5:
		r->rflags ^= 1ULL << 17;
		break; /* VM */
	default:
		spoil_segment(all[rnd(ARRAY_SIZE(all))]);
	}
}

static void nothing(int signal)
{
	(void)signal;
}

/* KVM_RUN, ended by a signal after @us if the guest does not exit by itself. 0, or errno. */
static int run_for(struct vcpu *v, unsigned int us)
{
	/* again and again: the first may come before KVM_RUN */
	struct itimerval soon = { { .tv_usec = us }, { .tv_usec = us } };
	int err;

	v->run->request_interrupt_window = 1;
	setitimer(ITIMER_REAL, &soon, NULL);
	err = ioctl(v->fd, KVM_RUN, 0) ? errno : 0;
	memset(&soon, 0, sizeof(soon));
	setitimer(ITIMER_REAL, &soon, NULL);
	CHECK(!err || err == EINTR || err == EFAULT, "KVM_RUN: errno %d", err);
	return err;
}

static bool unchecked_stack(const struct kvm_sregs *s)
{
	return s->efer & EFER_LMA && s->cs.l && !s->ss.unusable && !(s->ss.selector & 3);
}

/* 1: entered, 0: refused, -1: the ioctls did not take the state, or it is not for comparing */
static int try_state(struct vcpu *v, const struct kvm_sregs *sregs, const struct kvm_regs *regs,
		     struct lintel_entry_report *report)
{
	unsigned int us = 3000;
	long exits;
	int err;

	if (unchecked_stack(sregs) || ioctl(v->fd, KVM_SET_SREGS, sregs) ||
	    ioctl(v->fd, KVM_SET_REGS, regs))
		return -1;
	memset(report, 0, sizeof(*report));
	REQUIRE_OK(ioctl(v->fd, LINTEL_EXPLAIN_ENTRY, report));
	do {
		/* a signal that comes too early says nothing: was there an exit? */
		exits = stat_read(v->fd, "exits");
		err = run_for(v, us);
		us *= 2;
	} while (err == EINTR && stat_read(v->fd, "exits") == exits && us < 1000000);
	return err || v->run->exit_reason != KVM_EXIT_FAIL_ENTRY;
}

static struct vcpu *make(int mode)
{
	struct vcpu *v = vcpu_create(vm_create(0), 0);

	if (mode == 0)
		vcpu_set_real(v, CODE(real_hlt));
	else if (mode == 1)
		vcpu_set_protected(v, CODE(protected_hlt));
	else
		vcpu_set_long(v, guest_halts);
	/* the host's fields are filled by the first entry */
	REQUIRE_EQ(vcpu_run(v), KVM_EXIT_HLT);
	return v;
}

static void compare(int mode, u32 states, u32 counts[3])
{
	struct lintel_entry_report report;
	struct kvm_sregs sound, sregs;
	struct kvm_regs sound_regs, regs;
	struct kvm_vcpu_events events;
	struct vcpu *v = make(mode);
	int wrong = 0;

	vcpu_get_sregs(v, &sound);
	vcpu_get_regs(v, &sound_regs);
	REQUIRE_OK(ioctl(v->fd, KVM_GET_VCPU_EVENTS, &events));
	for (u32 i = 0; i < states && wrong < 10; i++) {
		int entered;

		sregs = sound;
		regs = sound_regs;
		/* an event that the last state was about to get must not reach this one */
		REQUIRE_OK(ioctl(v->fd, KVM_SET_VCPU_EVENTS, &events));
		for (u32 n = 1 + rnd(2); n; n--)
			spoil(&sregs, &regs);
		entered = try_state(v, &sregs, &regs, &report);
		counts[entered + 1]++;
		if (entered < 0)
			continue;
		wrong += !CHECK(entered == !report.broken,
				"mode %d, state %u: %s, but %u rules: %s: %s", mode, i,
				entered ? "entered" : "refused", report.broken,
				report.finding[0].field, report.finding[0].rule);
	}
}

TEST_SLOW(processor_and_rules_agree, 6)
{
	const char *text = getenv("ENTRY_STATES");
	u32 counts[3] = { 0 }, states = text ? strtoul(text, NULL, 0) : 3000;
	cpu_set_t one;
	int dev = device_open();

	if (ioctl(dev, KVM_CHECK_EXTENSION, LINTEL_CAP_EXPLAIN_ENTRY) <= 0)
		SKIP("the device explains no entries");
	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	REQUIRE_OK(sched_setaffinity(0, sizeof(one), &one));
	signal(SIGALRM, nothing);
	for (int mode = 0; mode < 3; mode++)
		compare(mode, states / 3, counts);
	ktap_note("%u states: %u entered, %u refused, %u not tried", states,
		  counts[2], counts[1], counts[0]);
	CHECK(counts[1] > states / 20 && counts[2] > states / 20, "too few of a kind");
}
