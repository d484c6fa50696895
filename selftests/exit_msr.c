// SPDX-License-Identifier: GPL-2.0-only
/*
 * RDMSR and WRMSR in the guest: what the architecture has must keep what is written, what it has
 * not must raise #GP(0), and a write of reserved bits or non-canonical addresses must raise #GP
 * without changing the register.
 */
#include "guest.h"
#include "vm.h"

struct msr_row {
	u32 index;
	u64 good, bad;		/* bad 0: nothing to try */
};

#define CANONICAL	0xffff800012345000UL
#define NOT_CANONICAL	0x0000900000000000UL

static const struct msr_row rows[] = {
	{ MSR_SYSENTER_CS, 0x1234, 0 },
	{ MSR_SYSENTER_ESP, CANONICAL, 0 },
	{ MSR_SYSENTER_EIP, CANONICAL + 8, 0 },
	{ MSR_STAR, 0x0023001000000000, 0 },
	{ MSR_LSTAR, CANONICAL, NOT_CANONICAL },
	{ MSR_CSTAR, CANONICAL, NOT_CANONICAL },
	{ MSR_FMASK, 0x47700, 0 },
	{ MSR_FS_BASE, CANONICAL, NOT_CANONICAL },
	{ MSR_GS_BASE, 0x00007fffffffff00, NOT_CANONICAL },
	{ MSR_KERNEL_GS_BASE, CANONICAL, NOT_CANONICAL },
	{ MSR_PAT, 0x0007040600070406, 0x0007040600070402 },
	{ MSR_PAT, 0x0007010600070106, 0x0807040600070406 },
	{ MSR_MTRR_DEF_TYPE, 0xc06, 0xc02 },
	{ MSR_MTRR_DEF_TYPE, 0x000, 0x1000 },
	{ MSR_MTRR_PHYSBASE0, 0x80000006, 0x80000002 },
	{ MSR_MTRR_PHYSBASE0 + 1, 0xf80000800, 0x8000000000000800 },
	{ MSR_MTRR_FIX64K, 0x0606060606060606, 0x0606060606060602 },
};

#define TABLE	((volatile struct msr_row *)GPA_FREE)

GUEST_CODE static void guest_rows(void)
{
	for (u64 i = 0; i < ARG(0); i++) {
		u32 index = TABLE[i].index;
		u64 good = TABLE[i].good, bad = TABLE[i].bad, old = 0, v = 0;

		ARG(1) = i;
		G_EQ(try_rdmsr(index, &old), NO_TRAP);
		G_EQ(try_wrmsr(index, good), NO_TRAP);
		G_EQ(try_rdmsr(index, &v), NO_TRAP);
		G_EQ(v, good);
		if (bad) {
			G_EQ(try_wrmsr(index, bad), VEC_GP);
			G_EQ(SHARED->error, 0);
			G_EQ(try_rdmsr(index, &v), NO_TRAP);
			G_EQ(v, good);
		}
		G_EQ(try_wrmsr(index, old), NO_TRAP);
		guest_sync(i);
	}
	guest_done();
}

TEST(round_trips)
{
	struct vm *vm = vm_create(VM_IRQCHIP);
	struct vcpu *v = vcpu_create(vm, 0);

	vcpu_set_long(v, guest_rows);
	memcpy(gpa_ptr(vm, GPA_FREE, sizeof(rows)), rows, sizeof(rows));
	vm_shared(vm)->arg[0] = ARRAY_SIZE(rows);
	for (u32 i = 0; i < ARRAY_SIZE(rows); i++) {
		ktap_row("MSR 0x%x", rows[i].index);
		vcpu_expect_sync(v, i);
	}
	vcpu_finish(v);
}

GUEST_CODE static void guest_unknown(void)
{
	u64 v = 0;

	G_EQ(try_rdmsr(MSR_UNKNOWN, &v), VEC_GP);
	G_EQ(SHARED->error, 0);
	G_EQ(try_wrmsr(MSR_UNKNOWN, 0), VEC_GP);
	G_EQ(SHARED->error, 0);
	G_EQ(try_rdmsr(0xffffffff, &v), VEC_GP);
	G_EQ(try_rdmsr(0x40001234, &v), VEC_GP);
	G_EQ(try_wrmsr(0xc0001fff, 0), VEC_GP);
	/*
	 * The fault leaves RIP on the instruction; TRY() continues behind it, so registers are as
	 * before.
	 */
	guest_done();
}

TEST(unknown_raise_gp)
{
	struct vm *vm = vm_create(0);
	struct vcpu *v = vcpu_create(vm, 0);

	vcpu_set_long(v, guest_unknown);
	vcpu_finish(v);
}

/*
 * What is written by one side is what the other side reads, live values included (FS, GS and
 * KERNEL_GS are switched).
 */
GUEST_CODE static void guest_shared_msrs(void)
{
	G_EQ(rdmsr(MSR_LSTAR), CANONICAL);
	G_EQ(rdmsr(MSR_STAR), 0x1122334455667788);
	G_EQ(rdmsr(MSR_KERNEL_GS_BASE), 0x1000);
	wrmsr(MSR_LSTAR, CANONICAL + 16);
	wrmsr(MSR_KERNEL_GS_BASE, 0x2000);
	wrmsr(MSR_GS_BASE, 0x3000);
	asm volatile("swapgs");
	G_EQ(rdmsr(MSR_GS_BASE), 0x2000);
	guest_sync(1);
	G_EQ(rdmsr(MSR_GS_BASE), 0x2000);
	G_EQ(rdmsr(MSR_KERNEL_GS_BASE), 0x4000);
	guest_done();
}

TEST(host_and_guest_agree)
{
	struct vm *vm = vm_create(0);
	struct vcpu *v = vcpu_create(vm, 0);

	vcpu_set_long(v, guest_shared_msrs);
	vcpu_set_msr(v, MSR_LSTAR, CANONICAL);
	vcpu_set_msr(v, MSR_STAR, 0x1122334455667788);
	vcpu_set_msr(v, MSR_KERNEL_GS_BASE, 0x1000);
	vcpu_expect_sync(v, 1);
	CHECK_EQ(vcpu_get_msr(v, MSR_LSTAR), CANONICAL + 16);
	CHECK_EQ(vcpu_get_msr(v, MSR_KERNEL_GS_BASE), 0x3000);
	CHECK_EQ(vcpu_get_msr(v, MSR_GS_BASE), 0x2000);
	vcpu_set_msr(v, MSR_KERNEL_GS_BASE, 0x4000);
	vcpu_finish(v);
}

GUEST_CODE static void guest_efer(void)
{
	u64 efer = rdmsr(MSR_EFER);

	G_EQ(efer, EFER_LME | EFER_LMA | EFER_SCE | EFER_NX);
	G_EQ(try_wrmsr(MSR_EFER, efer | 1 << 1), VEC_GP);	/* reserved */
	G_EQ(try_wrmsr(MSR_EFER, efer | 1UL << 63), VEC_GP);
	G_EQ(try_wrmsr(MSR_EFER, efer & ~EFER_LME), VEC_GP);	/* with paging on */
	G_EQ(rdmsr(MSR_EFER), efer);
	G_EQ(try_wrmsr(MSR_EFER, efer & ~EFER_SCE), NO_TRAP);
	G_EQ(TRY0("syscall"), VEC_UD);
	G_EQ(rdmsr(MSR_EFER), efer & ~EFER_SCE);
	/* LMA is the CPU's own. */
	G_EQ(try_wrmsr(MSR_EFER, (efer & ~EFER_LMA)), NO_TRAP);
	G_EQ(rdmsr(MSR_EFER), efer);
	guest_done();
}

TEST(efer)
{
	struct vm *vm = vm_create(0);
	struct vcpu *v = vcpu_create(vm, 0);

	vcpu_set_long(v, guest_efer);
	vcpu_finish(v);
	CHECK_EQ(vcpu_get_msr(v, MSR_EFER), EFER_LME | EFER_LMA | EFER_SCE | EFER_NX);
}

/*
 * SYSCALL and SYSRET go through STAR, LSTAR and FMASK, which the host uses for itself between
 * exits.
 */
GUEST_CODE static void guest_syscall_entry(void)
{
	asm volatile("mov $0x60000, %%rsp; mov %%rcx, %%r14; mov %%r11, %%r15\n\t"
		     "mov $0x80, %%edx; out %%al, %%dx\n\t" /* to user space and back, in between */
		     "mov %%r14, %%rcx; mov %%r15, %%r11; mov $0x61000, %%rsp; sysretq" ::
			     : "memory");
}

GUEST_CODE static void guest_syscall_user(void)
{
	u64 count = 0;

	for (count = 0; count < 10; count++)
		asm volatile("syscall" ::: "rcx", "r11", "r14", "r15", "rdx", "memory");
	ARG(0) = count;
	asm volatile("int3");
}

GUEST_CODE static void guest_syscall_end(struct trap_frame *f)
{
	G_EQ(f->cs, 0x3b);
	G_EQ(ARG(0), 10);
	G_EQ(f->rflags & FLAG_AC, 0);
	guest_done();
}

GUEST_CODE static void guest_syscall(void)
{
	guest_set_handler(VEC_BP, guest_syscall_end);
	if (ARG(1)) {
		wrmsr(MSR_EFER, rdmsr(MSR_EFER) & ~EFER_SCE);
		outb(0x80, 0);
	}
	/* SYSCALL: CS 8, SS 0x10. SYSRET: SS 0x30 + 3 = base + 8, CS 0x38 + 3 = base + 16. */
	wrmsr(MSR_STAR, (u64)0x28 << 48 | (u64)SEL_CODE64 << 32);
	wrmsr(MSR_LSTAR, (u64)guest_syscall_entry);
	wrmsr(MSR_FMASK, FLAG_IF | FLAG_TF);
	if (ARG(1)) {
		G_EQ(TRY0("syscall"), VEC_UD);
		wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_SCE);
	}
	asm volatile("pushq %0; pushq %1; pushq $2; pushq %2; pushq %3; iretq" ::"i"(SEL_USER_DATA),
		     "r"(0x61000UL), "i"(SEL_USER_CODE), "r"(guest_syscall_user)
		     : "memory");
}

TEST(syscall_sysret)
{
	struct vm *vm = vm_create(0);
	struct vcpu *v = vcpu_create(vm, 0);

	vcpu_set_long(v, guest_syscall);
	for (int i = 0; i < 10; i++) {
		vcpu_expect(v, KVM_EXIT_IO);
		CHECK_EQ(v->run->io.port, 0x80);
		/*
		 * System calls of the host between the exits: a leak of the guest's LSTAR would
		 * not survive.
		 */
		CHECK(getppid() > 0, "getppid");
	}
	vcpu_finish(v);
}

/* The MSRs are written while SYSCALL is off, and count when it is on again. */
TEST(syscall_turned_on_late)
{
	struct vcpu *v = vcpu_create(vm_create(0), 0);

	vcpu_set_long(v, guest_syscall);
	vm_shared(v->vm)->arg[1] = 1;
	for (int i = 0; i < 11; i++) {
		vcpu_expect(v, KVM_EXIT_IO);
		CHECK(getppid() > 0, "getppid");
	}
	vcpu_finish(v);
}

GUEST_CODE static void guest_apicbase(void)
{
	u64 base = rdmsr(MSR_APICBASE);

	G_EQ(base & ~0xfffUL, APIC_BASE);
	G_CHECK(base & APICBASE_ENABLE);
	G_EQ(!!(base & APICBASE_BSP), ARG(0));
	G_EQ(try_wrmsr(MSR_APICBASE, base | 1), VEC_GP);			/* reserved */
	G_EQ(try_wrmsr(MSR_APICBASE, base | 1UL << 60), VEC_GP); /* beyond MAXPHYADDR */
	G_EQ(try_wrmsr(MSR_APICBASE, (base & ~APICBASE_ENABLE) | APICBASE_X2APIC), VEC_GP);
	G_EQ(rdmsr(MSR_APICBASE), base);
	/* xAPIC to x2APIC is allowed, back to xAPIC is not, through "disabled" it is. */
	G_EQ(try_wrmsr(MSR_APICBASE, base | APICBASE_X2APIC), NO_TRAP);
	G_EQ(rdmsr(MSR_X2APIC + 2), ARG(1));
	G_EQ(try_wrmsr(MSR_APICBASE, base), VEC_GP);
	G_EQ(try_wrmsr(MSR_APICBASE, base & ~APICBASE_ENABLE), NO_TRAP);
	G_EQ(try_wrmsr(MSR_APICBASE, base | APICBASE_X2APIC), VEC_GP);
	G_EQ(try_wrmsr(MSR_APICBASE, base), NO_TRAP);
	G_EQ(apic_read(APIC_ID) >> 24, ARG(1));
	guest_done();
}

TEST(apicbase)
{
	struct vm *vm = vm_create(VM_IRQCHIP);
	struct vcpu *v;

	for (u32 id = 0; id < 2; id++) {
		v = vcpu_create(vm, id);
		ktap_row("vCPU %u", id);
		if (id) {	/* it waits for INIT and SIPI otherwise */
			struct kvm_mp_state runnable = { KVM_MP_STATE_RUNNABLE };

			REQUIRE_OK(ioctl(v->fd, KVM_SET_MP_STATE, &runnable));
		}
		vcpu_set_long(v, guest_apicbase);
		vm_shared(vm)->arg[0] = !id;
		vm_shared(vm)->arg[1] = id;
		vcpu_finish(v);
	}
}

GUEST_CODE static void guest_tsc(void)
{
	u64 last = rdmsr(MSR_TSC), now;

	for (int i = 0; i < 1000; i++) {
		now = i & 1 ? rdmsr(MSR_TSC) : rdtsc();
		G_CHECK(now >= last);
		last = now;
	}
	wrmsr(MSR_TSC, 0x100000000000);
	now = rdtsc();
	G_CHECK(now >= 0x100000000000 && now < 0x100000000000 + (1UL << 34));
	guest_sync(1);
	G_CHECK(rdtsc() >= 0x200000000000);
	guest_done();
}

TEST(tsc)
{
	struct vm *vm = vm_create(0);
	struct vcpu *v = vcpu_create(vm, 0);
	u64 now;

	vcpu_set_long(v, guest_tsc);
	vcpu_expect_sync(v, 1);
	now = vcpu_get_msr(v, MSR_TSC);
	CHECK(now >= 0x100000000000 && now < 0x100000000000 + (1UL << 34), "TSC 0x%llx",
	      (unsigned long long)now);
	vcpu_set_msr(v, MSR_TSC, 0x200000000000);
	vcpu_finish(v);
}

GUEST_CODE static void guest_read_only(void)
{
	u64 v = 0;

	G_EQ(try_rdmsr(MSR_MTRRCAP, &v), NO_TRAP);
	G_EQ(try_wrmsr(MSR_MTRRCAP, v), VEC_GP);
	G_EQ(try_rdmsr(MSR_MISC_ENABLE, &v), NO_TRAP);
	G_CHECK(v & 1);		/* fast strings */
	G_EQ(try_rdmsr(MSR_BIOS_SIGN_ID, &v), NO_TRAP);
	guest_done();
}

TEST(read_only_and_misc)
{
	struct vm *vm = vm_create(0);
	struct vcpu *v = vcpu_create(vm, 0);

	vcpu_set_long(v, guest_read_only);
	vcpu_set_msr(v, MSR_MISC_ENABLE, 1);
	vcpu_finish(v);
}

/* KVM_GET_MSRS and KVM_SET_MSRS stop at the first index that fails and say how many were done. */
TEST(partial_lists)
{
	struct vm *vm = vm_create(0);
	struct vcpu *v = vcpu_create(vm, 0);
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry e[4];
	} m = {
		.head.nmsrs = 4,
		.e = { { .index = MSR_STAR, .data = 1 }, { .index = MSR_SYSENTER_CS, .data = 2 },
		       { .index = MSR_UNKNOWN, .data = 3 }, { .index = MSR_LSTAR, .data = 4 } },
	};

	CHECK_EQ(ioctl(v->fd, KVM_SET_MSRS, &m), 2);
	CHECK_EQ(vcpu_get_msr(v, MSR_SYSENTER_CS), 2);
	CHECK_EQ(vcpu_get_msr(v, MSR_LSTAR), 0);
	m.e[0].data = m.e[1].data = 0;
	CHECK_EQ(ioctl(v->fd, KVM_GET_MSRS, &m), 2);
	CHECK_EQ(m.e[0].data, 1);
	CHECK_EQ(m.e[1].data, 2);
	m.head.nmsrs = 0;
	CHECK_EQ(ioctl(v->fd, KVM_GET_MSRS, &m), 0);
	m.head.nmsrs = 100000;
	CHECK_ERRNO(ioctl(v->fd, KVM_GET_MSRS, &m), E2BIG);
}
