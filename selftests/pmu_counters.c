// SPDX-License-Identifier: GPL-2.0-only
/*
 * A guest's performance counters: what there is by CPUID, what their registers take, what they
 * count, and RDPMC.
 */
#include <linux/lintel.h>

#include "pmu.h"

static struct vcpu *start(void (*fn)(void))
{
	struct pmu p = pmu_require();
	struct vcpu *v = vcpu_create(vm_create(VM_IRQCHIP), 0);

	vcpu_set_long(v, fn);
	vm_shared(v->vm)->arg[0] = p.nr;
	vm_shared(v->vm)->arg[1] = p.nr_fixed;
	vm_shared(v->vm)->arg[2] = p.width;
	vm_shared(v->vm)->arg[3] = p.fixed_width;
	vm_shared(v->vm)->arg[4] = p.pdcm;
	vm_shared(v->vm)->arg[6] = p.missing;
	vm_shared(v->vm)->arg[7] = device_cap(v->vm->dev, LINTEL_CAP_EXPLAIN_ENTRY);
	return v;
}

#define NR		ARG(0)
#define NR_FIXED	ARG(1)
#define WIDTH		ARG(2)
#define FIXED_WIDTH	ARG(3)
#define PDCM		ARG(4)
#define MISSING		ARG(6)

TEST(offer)
{
	struct pmu p = pmu_require();

	CHECK_EQ(p.version, 2);
	CHECK(p.nr >= 1 && p.nr <= 8, "%u counters", p.nr);
	CHECK_EQ(p.nr_fixed, 3);
	CHECK(p.width >= 32 && p.width <= 63, "%u bits", p.width);
	CHECK(p.fixed_width >= 32 && p.fixed_width <= 63, "%u bits", p.fixed_width);
}

/* What a VMM saves is in the list, and no register that there is not. */
TEST(list)
{
	struct { struct kvm_msr_list head; u32 index[512]; } l = { .head.nmsrs = 512 };
	struct pmu p = pmu_require();
	bool ctrl = false, status = false, fixed_ctrl = false;
	u32 counters = 0, selects = 0, fixed = 0;

	REQUIRE_OK(ioctl(device_open(), KVM_GET_MSR_INDEX_LIST, &l));
	for (u32 i = 0; i < l.head.nmsrs; i++) {
		u32 index = l.index[i];

		counters += index >= MSR_PMC0 && index < MSR_PMC0 + 8;
		selects += index >= MSR_EVENTSEL0 && index < MSR_EVENTSEL0 + 8;
		fixed += index >= MSR_FIXED_CTR0 && index < MSR_FIXED_CTR0 + 16;
		ctrl |= index == MSR_GLOBAL_CTRL;
		status |= index == MSR_GLOBAL_STATUS;
		fixed_ctrl |= index == MSR_FIXED_CTR_CTRL;
	}
	CHECK_EQ(counters, p.nr);
	CHECK_EQ(selects, p.nr);
	CHECK_EQ(fixed, p.nr_fixed);
	CHECK(ctrl && status && fixed_ctrl, "the global registers");
}

GUEST_CODE static void guest_registers(void)
{
	u64 all = ((1UL << NR) - 1) | ((1UL << NR_FIXED) - 1) << 32, v = 0;

	for (u32 i = 0; i < NR; i++) {
		G_EQ(rdmsr(MSR_EVENTSEL0 + i), 0);
		G_EQ(rdmsr(MSR_PMC0 + i), 0);
		G_EQ(try_wrmsr(MSR_EVENTSEL0 + i, 0xff9fffff), NO_TRAP);
		G_EQ(rdmsr(MSR_EVENTSEL0 + i), 0xff9fffff);
		G_EQ(try_wrmsr(MSR_EVENTSEL0 + i, SEL_ANY), VEC_GP);
		G_EQ(try_wrmsr(MSR_EVENTSEL0 + i, 1UL << 35), VEC_GP);
		G_EQ(rdmsr(MSR_EVENTSEL0 + i), 0xff9fffff);
		wrmsr(MSR_EVENTSEL0 + i, 0);
	}
	G_EQ(try_rdmsr(MSR_EVENTSEL0 + NR + 2, &v), VEC_GP);
	G_EQ(try_wrmsr(MSR_PMC0 + NR + 2, 0), VEC_GP);
	G_EQ(try_wrmsr(MSR_GLOBAL_CTRL, all), NO_TRAP);
	G_EQ(rdmsr(MSR_GLOBAL_CTRL), all);
	G_EQ(try_wrmsr(MSR_GLOBAL_CTRL, 1UL << 62), VEC_GP);
	G_EQ(try_wrmsr(MSR_GLOBAL_CTRL, 1UL << (NR + 8)), VEC_GP);
	G_EQ(rdmsr(MSR_GLOBAL_CTRL), all);
	wrmsr(MSR_GLOBAL_CTRL, 0);
	G_EQ(try_wrmsr(MSR_FIXED_CTR_CTRL, 0xbbb), NO_TRAP);
	G_EQ(rdmsr(MSR_FIXED_CTR_CTRL), 0xbbb);
	G_EQ(try_wrmsr(MSR_FIXED_CTR_CTRL, 4), VEC_GP);
	G_EQ(try_wrmsr(MSR_FIXED_CTR_CTRL, 1UL << 32), VEC_GP);
	wrmsr(MSR_FIXED_CTR_CTRL, 0);
	G_EQ(rdmsr(MSR_GLOBAL_STATUS), 0);
	G_EQ(try_wrmsr(MSR_GLOBAL_STATUS, 0), VEC_GP);
	G_EQ(try_wrmsr(MSR_GLOBAL_OVF_CTRL, all), NO_TRAP);
	G_EQ(try_wrmsr(MSR_GLOBAL_OVF_CTRL, 1UL << 50), VEC_GP);
	guest_done();
}

TEST(registers) { vcpu_finish(start(guest_registers)); }

GUEST_CODE static void guest_widths(void)
{
	u64 mask = (1UL << WIDTH) - 1, v = 0;

	wrmsr(MSR_PMC0, 0x7fffffff);
	G_EQ(rdmsr(MSR_PMC0), 0x7fffffff);
	wrmsr(MSR_PMC0, 0x80000001);
	G_EQ(rdmsr(MSR_PMC0), 0xffffffff80000001 & mask);
	wrmsr(MSR_PMC0, 0x1200000034);
	G_EQ(rdmsr(MSR_PMC0), 0x34);
	mask = (1UL << FIXED_WIDTH) - 1;
	wrmsr(MSR_FIXED_CTR0 + 1, mask - 5);
	G_EQ(rdmsr(MSR_FIXED_CTR0 + 1), mask - 5);
	if (PDCM) {
		mask = (1UL << WIDTH) - 1;
		G_EQ(rdmsr(MSR_PERF_CAPABILITIES) & PERF_CAP_FULL_WIDTH, PERF_CAP_FULL_WIDTH);
		G_EQ(try_wrmsr(MSR_A_PMC0, mask - 7), NO_TRAP);
		G_EQ(rdmsr(MSR_PMC0), mask - 7);
		G_EQ(rdmsr(MSR_A_PMC0), mask - 7);
		G_EQ(try_wrmsr(MSR_A_PMC0, mask + 1), VEC_GP);
	} else {
		G_EQ(try_rdmsr(MSR_PERF_CAPABILITIES, &v), VEC_GP);
		G_EQ(try_rdmsr(MSR_A_PMC0, &v), VEC_GP);
	}
	guest_done();
}

TEST(widths) { vcpu_finish(start(guest_widths)); }

GUEST_CODE static void guest_misc_enable(void)
{
	u64 v = rdmsr(MSR_MISC_ENABLE);

	wrmsr(MSR_MISC_ENABLE, v ^ MISC_ENABLE_EMON);
	G_EQ(rdmsr(MSR_MISC_ENABLE) & MISC_ENABLE_EMON, v & MISC_ENABLE_EMON);
	guest_done();
}

/* Bit 7 is the VMM's; Lintel makes it tell what CPUID tells. */
TEST(misc_enable)
{
	struct vcpu *v = start(guest_misc_enable);

	vcpu_finish(v);
	if (device_cap(v->vm->dev, LINTEL_CAP_EXPLAIN_ENTRY)) {
		CHECK(vcpu_get_msr(v, MSR_MISC_ENABLE) & MISC_ENABLE_EMON, "there are counters");
		vcpu_set_msr(v, MSR_MISC_ENABLE, 1);
		CHECK_EQ(vcpu_get_msr(v, MSR_MISC_ENABLE), 1 | MISC_ENABLE_EMON);
	}
}

#define ROUNDS	20000UL
/* What may come to it from outside: interrupts of the host, where the processor counts them. */
#define SLACK	64

#define G_NEAR(got, want)	G_CHECK((u64)(got) - (want) <= SLACK)

GUEST_CODE static void guest_counts(void)
{
	u64 n;

	wrmsr(MSR_GLOBAL_CTRL, 1);
	n = count_loop(EVENT_INSTRUCTIONS | SEL_OS, ROUNDS);
	G_NEAR(n, LOOP_INSNS(ROUNDS));
	if (!(MISSING & NO_BRANCHES)) {
		n = count_loop(EVENT_BRANCHES | SEL_OS, ROUNDS);
		G_NEAR(n, ROUNDS);
	}
	n = count_loop(EVENT_CYCLES | SEL_OS, ROUNDS);
	G_CHECK(n > ROUNDS / 8);
	/* not at this level, not enabled, not enabled globally */
	G_EQ(count_loop(EVENT_INSTRUCTIONS | SEL_USR, ROUNDS), 0);
	G_EQ(count_loop(EVENT_INSTRUCTIONS, ROUNDS), 0);
	wrmsr(MSR_GLOBAL_CTRL, 2);
	G_EQ(count_loop(EVENT_INSTRUCTIONS | SEL_OS, ROUNDS), 0);
	guest_done();
}

TEST(counts) { vcpu_finish(start(guest_counts)); }

/* The exact difference of two lengths, and what an exit adds: each instruction once. */
GUEST_CODE static void guest_exits_count(void)
{
	u64 before, between, after;

	wrmsr(MSR_GLOBAL_CTRL, 1);
	wrmsr(MSR_PMC0, 0);
	wrmsr(MSR_EVENTSEL0, EVENT_INSTRUCTIONS | SEL_OS | SEL_ENABLE);
	before = rdmsr(MSR_PMC0);
	for (u32 i = 0; i < 100; i++)
		asm volatile("xor %%eax, %%eax; cpuid" ::: "eax", "ebx", "ecx", "edx");
	between = rdmsr(MSR_PMC0);
	for (u32 i = 0; i < 100; i++)
		asm volatile("xor %%eax, %%eax; nop" ::: "eax", "ebx", "ecx", "edx");
	after = rdmsr(MSR_PMC0);
	wrmsr(MSR_EVENTSEL0, 0);
	G_CHECK(between - before >= 400 && between - before < 800);
	G_CHECK((after - between) - (between - before) + SLACK <= 2 * SLACK);
	guest_done();
}

TEST(exits_count) { vcpu_finish(start(guest_exits_count)); }

GUEST_CODE static void guest_fixed(void)
{
	u64 at[3];

	wrmsr(MSR_GLOBAL_CTRL, 0);
	for (u32 i = 0; i < 3; i++)
		wrmsr(MSR_FIXED_CTR0 + i, 0);
	wrmsr(MSR_FIXED_CTR_CTRL, FIXED_OS | FIXED_OS << 4 | FIXED_OS << 8);
	wrmsr(MSR_GLOBAL_CTRL, 7UL << 32);
	loop(ROUNDS);
	wrmsr(MSR_GLOBAL_CTRL, 0);
	for (u32 i = 0; i < 3; i++)
		at[i] = rdmsr(MSR_FIXED_CTR0 + i);
	G_NEAR(at[0], LOOP_INSNS(ROUNDS));
	G_CHECK(at[1] > ROUNDS / 8);
	G_CHECK(at[2] > 0);
	loop(ROUNDS);
	for (u32 i = 0; i < 3; i++)
		G_EQ(rdmsr(MSR_FIXED_CTR0 + i), at[i]);
	/* one of them, at another level */
	wrmsr(MSR_FIXED_CTR_CTRL, FIXED_USER | FIXED_OS << 4);
	wrmsr(MSR_GLOBAL_CTRL, 1UL << 32);
	loop(ROUNDS);
	wrmsr(MSR_GLOBAL_CTRL, 0);
	for (u32 i = 0; i < 3; i++)
		G_EQ(rdmsr(MSR_FIXED_CTR0 + i), at[i]);
	guest_done();
}

TEST(fixed) { vcpu_finish(start(guest_fixed)); }

/* All at once: what the processor cannot count at a time perf refuses; there are enough here. */
GUEST_CODE static void guest_together(void)
{
	wrmsr(MSR_GLOBAL_CTRL, 0);
	for (u32 i = 0; i < NR; i++) {
		wrmsr(MSR_PMC0 + i, 0);
		wrmsr(MSR_EVENTSEL0 + i, (i & 1 ? EVENT_CYCLES : EVENT_INSTRUCTIONS) | SEL_OS |
		      SEL_ENABLE);
	}
	wrmsr(MSR_GLOBAL_CTRL, (1UL << NR) - 1);
	loop(ROUNDS);
	wrmsr(MSR_GLOBAL_CTRL, 0);
	for (u32 i = 0; i < NR; i += 2)
		G_NEAR(rdmsr(MSR_PMC0 + i), LOOP_INSNS(ROUNDS));
	for (u32 i = 1; i < NR; i += 2)
		G_CHECK(rdmsr(MSR_PMC0 + i) > ROUNDS / 8);
	guest_done();
}

TEST(together) { vcpu_finish(start(guest_together)); }

GUEST_CODE static u32 try_rdpmc(u32 index, u64 *value)
{
	u64 a = 0, c = index, d = 0;
	u32 vector = TRY("rdpmc", a, c, d);

	*value = (u32)a | d << 32;
	return vector;
}

GUEST_CODE static void guest_rdpmc(void)
{
	u64 v = 0;

	wrmsr(MSR_PMC0, 0x12345678);
	wrmsr(MSR_FIXED_CTR0 + 2, 0x1122334455);
	G_EQ(try_rdpmc(0, &v), NO_TRAP);
	G_EQ(v, 0x12345678);
	G_EQ(try_rdpmc(RDPMC_FIXED | 2, &v), NO_TRAP);
	G_EQ(v, 0x1122334455);
	G_EQ(try_rdpmc(NR, &v), VEC_GP);
	G_EQ(SHARED->error, 0);
	G_EQ(try_rdpmc(RDPMC_FIXED | NR_FIXED, &v), VEC_GP);
	/* KVM has looked at bit 31 since 6.9 */
	if (ARG(7))
		G_EQ(try_rdpmc(1U << 31, &v), VEC_GP);
	G_EQ(try_rdpmc(1U << 29, &v), VEC_GP);
	guest_done();
}

TEST(rdpmc) { vcpu_finish(start(guest_rdpmc)); }

GUEST_CODE static void guest_user_code(void)
{
	asm volatile("xor %%ecx, %%ecx; rdpmc; int3" ::: "eax", "ecx", "edx");
}

/* By #GP, or by INT3 where it was read. */
GUEST_CODE static void guest_user_gp(struct trap_frame *f)
{
	G_EQ(f->cs, SEL_USER_CODE);
	G_EQ(ARG(5), 0);
	guest_done();
}

GUEST_CODE static void guest_user_bp(struct trap_frame *f)
{
	G_EQ(f->cs, SEL_USER_CODE);
	G_EQ(ARG(5), 1);
	G_EQ(f->rax, 0x4321);
	guest_done();
}

GUEST_CODE static void guest_user_rdpmc(void)
{
	guest_set_handler(VEC_GP, guest_user_gp);
	guest_set_handler(VEC_BP, guest_user_bp);
	wrmsr(MSR_PMC0, 0x4321);
	if (ARG(5))
		WRITE_CR(4, READ_CR(4) | CR4_PCE);
	asm volatile("pushq %0; pushq %1; pushq $2; pushq %2; pushq %3; iretq" ::"i"(SEL_USER_DATA),
		     "r"(0x61000UL), "i"(SEL_USER_CODE), "r"(guest_user_code)
		     : "memory");
}

static void user_rdpmc(bool allowed)
{
	struct vcpu *v = start(guest_user_rdpmc);

	vm_shared(v->vm)->arg[5] = allowed;
	vcpu_finish(v);
}

TEST(rdpmc_by_a_program) { user_rdpmc(true); }
TEST(rdpmc_denied_to_a_program) { user_rdpmc(false); }

GUEST_CODE static void guest_none(void)
{
	u64 v = 1;

	for (u32 i = 0; i < 2; i++) {
		/* registers of older processors read as zero and take anything */
		G_EQ(try_rdmsr(MSR_PMC0 + i, &v), NO_TRAP);
		G_EQ(v, 0);
		G_EQ(try_wrmsr(MSR_EVENTSEL0 + i, 0), NO_TRAP);
	}
	G_EQ(try_rdmsr(MSR_PMC0 + 2, &v), VEC_GP);
	G_EQ(try_rdmsr(MSR_EVENTSEL0 + 2, &v), VEC_GP);
	G_EQ(try_rdmsr(MSR_FIXED_CTR0, &v), VEC_GP);
	for (u32 i = MSR_FIXED_CTR_CTRL; i <= MSR_GLOBAL_OVF_CTRL; i++)
		G_EQ(try_rdmsr(i, &v), VEC_GP);
	G_EQ(try_rdpmc(0, &v), VEC_GP);
	guest_done();
}

static void hide_counters(struct vcpu *v)
{
	struct cpuid c;

	cpuid_supported(v->vm->dev, &c);
	cpuid_find(&c, 0xa, 0)->eax = 0;
	cpuid_find(&c, 1, 0)->ecx &= ~CPUID1_ECX_PDCM;
	REQUIRE_OK(ioctl(v->fd, KVM_SET_CPUID2, &c.head));
}

static int set_msr(struct vcpu *v, u32 index, u64 value)
{
	struct one_msr m = { .head.nmsrs = 1, .entry = { .index = index, .data = value } };

	return ioctl(v->fd, KVM_SET_MSRS, &m);
}

/* Without them in CPUID there are none; a VMM may save and restore by the list all the same. */
TEST(hidden)
{
	struct vcpu *v = start(guest_none);

	hide_counters(v);
	vcpu_finish(v);
	CHECK_EQ(vcpu_get_msr(v, MSR_GLOBAL_CTRL), 0);
	CHECK_EQ(set_msr(v, MSR_GLOBAL_CTRL, 0), 1);
	CHECK_EQ(set_msr(v, MSR_GLOBAL_CTRL, 1), 0);
}

TEST(switched_off)
{
	struct kvm_enable_cap cap = { .cap = KVM_CAP_PMU_CAPABILITY,
				      .args = { KVM_PMU_CAP_DISABLE } };
	struct vm *vm = vm_create(VM_IRQCHIP);
	struct vcpu *v;

	pmu_require();
	CHECK_EQ(device_cap(vm->fd, KVM_CAP_PMU_CAPABILITY), KVM_PMU_CAP_DISABLE);
	cap.args[0] = 2;
	CHECK_ERRNO(ioctl(vm->fd, KVM_ENABLE_CAP, &cap), EINVAL);
	cap.args[0] = KVM_PMU_CAP_DISABLE;
	REQUIRE_OK(ioctl(vm->fd, KVM_ENABLE_CAP, &cap));
	v = vcpu_create(vm, 0);
	CHECK_ERRNO(ioctl(vm->fd, KVM_ENABLE_CAP, &cap), EINVAL);
	vcpu_set_long(v, guest_none);
	vcpu_finish(v);
}

GUEST_CODE static void guest_fewer(void)
{
	u64 v = 0;

	G_EQ(try_wrmsr(MSR_GLOBAL_CTRL, 1UL << 32 | 1), NO_TRAP);
	G_EQ(try_wrmsr(MSR_GLOBAL_CTRL, 3), VEC_GP);
	G_EQ(try_wrmsr(MSR_GLOBAL_CTRL, 2UL << 32), VEC_GP);
	G_EQ(try_wrmsr(MSR_FIXED_CTR_CTRL, 0x10), VEC_GP);
	G_EQ(try_rdmsr(MSR_FIXED_CTR0 + 1, &v), VEC_GP);
	wrmsr(MSR_PMC0, 0x80000000);
	G_EQ(rdmsr(MSR_PMC0), 0xff80000000);
	G_EQ(try_rdpmc(1, &v), VEC_GP);
	G_NEAR(count_loop(EVENT_INSTRUCTIONS | SEL_OS, ROUNDS), LOOP_INSNS(ROUNDS));
	guest_done();
}

/* One counter of 40 bits, one fixed. */
TEST(fewer)
{
	struct vcpu *v = start(guest_fewer);
	struct cpuid c;

	cpuid_supported(v->vm->dev, &c);
	cpuid_find(&c, 0xa, 0)->eax = (cpuid_find(&c, 0xa, 0)->eax & 0xff0000ff) | 40 << 16 | 1 << 8;
	cpuid_find(&c, 0xa, 0)->edx = 48 << 5 | 1;
	REQUIRE_OK(ioctl(v->fd, KVM_SET_CPUID2, &c.head));
	vcpu_finish(v);
}
