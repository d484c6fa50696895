// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM's old behaviours that KVM_CAP_DISABLE_QUIRKS2 turns off: each is there by default, and gone
 * when it is disabled. KVM_CAP_X86_DISABLE_EXITS, which changes what a vCPU leaves the guest for.
 */
#include "chips.h"
#include "guest.h"
#include "pv.h"
#include "vm.h"

#ifndef KVM_CAP_DISABLE_QUIRKS2
#define KVM_CAP_DISABLE_QUIRKS2	213
#endif

static int disable_quirks(struct vm *vm, u64 quirks)
{
	struct kvm_enable_cap cap = { .cap = KVM_CAP_DISABLE_QUIRKS2, .args = { quirks } };

	return ioctl(vm->fd, KVM_ENABLE_CAP, &cap);
}

static struct vm *quirk_vm(unsigned int flags, u64 quirk)
{
	struct vm *vm = vm_create(flags);

	if (!(device_cap(vm->fd, KVM_CAP_DISABLE_QUIRKS2) & quirk))
		SKIP("this quirk is not known");
	return vm;
}

TEST(what_can_be_disabled)
{
	struct vm *vm = quirk_vm(0, KVM_X86_QUIRK_LINT0_REENABLED);
	u32 known = device_cap(vm->fd, KVM_CAP_DISABLE_QUIRKS2);

	CHECK_EQ(known & 0x7f, 0x7f);
	CHECK_EQ(device_cap(vm->fd, KVM_CAP_DISABLE_QUIRKS), 1);
	CHECK_OK(disable_quirks(vm, known));
	CHECK_OK(disable_quirks(vm, 0));
	CHECK_ERRNO(disable_quirks(vm, 1UL << 40), EINVAL);
}

TEST(lint0)
{
	struct vm *vm = quirk_vm(VM_IRQCHIP, KVM_X86_QUIRK_LINT0_REENABLED);
	struct kvm_lapic_state state;

	REQUIRE_OK(ioctl(vcpu_create(vm, 0)->fd, KVM_GET_LAPIC, &state));
	CHECK_EQ(*(u32 *)&state.regs[APIC_LVT0], APIC_DM_EXTINT);
	vm = vm_create(VM_IRQCHIP);
	REQUIRE_OK(disable_quirks(vm, KVM_X86_QUIRK_LINT0_REENABLED));
	REQUIRE_OK(ioctl(vcpu_create(vm, 0)->fd, KVM_GET_LAPIC, &state));
	CHECK_EQ(*(u32 *)&state.regs[APIC_LVT0], APIC_LVT_MASKED);
}

/* Not where KVM with APICv has a page of memory. */
#define ELSEWHERE	(APIC_BASE + 0x1000)

GUEST_CODE static void guest_hole(void)
{
	wrmsr(MSR_APICBASE, ELSEWHERE | APICBASE_BSP | APICBASE_ENABLE);
	wrmsr(MSR_APICBASE, ELSEWHERE | APICBASE_BSP | APICBASE_ENABLE | APICBASE_X2APIC);
	ARG(0) = mmio_read(ELSEWHERE + APIC_ID);
	mmio_write(ELSEWHERE + APIC_TPR, 0x20);
	ARG(1) = rdmsr(X2APIC(APIC_TPR));
	guest_done();
}

TEST(lapic_hole)
{
	struct vm *vm = quirk_vm(VM_IRQCHIP, KVM_X86_QUIRK_LAPIC_MMIO_HOLE);
	struct vcpu *v = vcpu_create(vm, 0);

	vcpu_set_long(v, guest_hole);
	vcpu_finish(v);
	CHECK_EQ(vm_shared(vm)->arg[0], 0xffffffff);
	CHECK_EQ(vm_shared(vm)->arg[1], 0);

	vm = vm_create(VM_IRQCHIP);
	REQUIRE_OK(disable_quirks(vm, KVM_X86_QUIRK_LAPIC_MMIO_HOLE));
	v = vcpu_create(vm, 0);
	vcpu_set_long(v, guest_hole);
	vcpu_expect(v, KVM_EXIT_MMIO);
	CHECK_EQ(v->run->mmio.phys_addr, ELSEWHERE + APIC_ID);
	CHECK_EQ(v->run->mmio.is_write, 0);
	memset(v->run->mmio.data, 0x5a, 4);
	vcpu_expect(v, KVM_EXIT_MMIO);
	CHECK_EQ(v->run->mmio.phys_addr, ELSEWHERE + APIC_TPR);
	CHECK_EQ(v->run->mmio.is_write, 1);
	vcpu_finish(v);
	CHECK_EQ(vm_shared(vm)->arg[0], 0x5a5a5a5a);
	CHECK_EQ(vm_shared(vm)->arg[1], 0);
}

/* OUT to port 0x7e: is RIP behind it when user space looks?  It goes on there in either case. */
GUEST_CODE static void guest_7e(void)
{
	asm volatile("lea 1f(%%rip), %%rbx\n\t"
		     "mov $0x42, %%al\n\t"
		     "1: out %%al, $0x7e\n\t"
		     "mov $7, %%ecx" ::: "rax", "rbx", "rcx", "memory");
	asm volatile("mov %%rcx, %0" : "=m"(ARG(0)) :: "memory");
	guest_done();
}

TEST(out_7e)
{
	for (u32 disabled = 0; disabled < 2; disabled++) {
		struct vm *vm = quirk_vm(0, KVM_X86_QUIRK_OUT_7E_INC_RIP);
		struct vcpu *v = vcpu_create(vm, 0);
		struct kvm_regs regs;

		ktap_row("%s", disabled ? "disabled" : "by default");
		if (disabled)
			REQUIRE_OK(disable_quirks(vm, KVM_X86_QUIRK_OUT_7E_INC_RIP));
		vcpu_set_long(v, guest_7e);
		vcpu_expect(v, KVM_EXIT_IO);
		CHECK_EQ(v->run->io.port, 0x7e);
		CHECK_EQ(*((u8 *)v->run + v->run->io.data_offset), 0x42);
		vcpu_get_regs(v, &regs);
		CHECK_EQ(regs.rip - regs.rbx, disabled ? 0 : 2);
		vcpu_finish(v);
		CHECK_EQ(vm_shared(vm)->arg[0], 7);
	}
}

/* AMD's hypercall at GPA_HIGH, and a way back. ARG(2): that memory may not be written. */
GUEST_CODE static void guest_vmmcall(void)
{
	volatile u64 *entry = (u64 *)GPA_PD + GPA_HIGH / 0x200000;
	volatile u8 *code = (u8 *)GPA_HIGH;
	u64 a = 9999, c = 0, d = 0;

	code[0] = 0x0f;		/* VMMCALL */
	code[1] = 0x01;
	code[2] = 0xd9;
	code[3] = 0xff;		/* JMP to RSI */
	code[4] = 0xe6;
	if (ARG(2)) {
		WRITE_CR(0, READ_CR(0) | CR0_WP);
		*entry &= ~PTE_W;
		asm volatile("invlpg (%0)" :: "r"(code) : "memory");
	}
	ARG(0) = TRY("lea 771f(%%rip), %%rsi; mov $0x200000, %%ebx; jmp *%%rbx", a, c, d);
	ARG(1) = a;
	ARG(3) = code[2];
	guest_done();
}

_Static_assert(GPA_HIGH == 0x200000, "guest_vmmcall() jumps there");

TEST(hypercall_of_amd)
{
	static const struct {
		bool disabled, read_only;
		u32 vector, byte;
		u64 rax;
	} rows[] = {
		{ false, false, NO_TRAP, 0xc1, -KVM_ENOSYS },	/* VMCALL now */
		{ true, false, VEC_UD, 0xd9, 9999 },
		{ false, true, VEC_PF, 0xd9, 9999 },
	};

	for (u32 i = 0; i < ARRAY_SIZE(rows); i++) {
		struct vm *vm = quirk_vm(0, KVM_X86_QUIRK_FIX_HYPERCALL_INSN);
		struct vcpu *v = vcpu_create(vm, 0);

		ktap_row("%s%s", rows[i].disabled ? "disabled" : "by default",
			 rows[i].read_only ? ", read-only" : "");
		if (rows[i].disabled)
			REQUIRE_OK(disable_quirks(vm, KVM_X86_QUIRK_FIX_HYPERCALL_INSN));
		vcpu_set_long(v, guest_vmmcall);
		vm_shared(vm)->arg[2] = rows[i].read_only;
		vcpu_finish(v);
		CHECK_EQ(vm_shared(vm)->arg[0], rows[i].vector);
		CHECK_EQ(vm_shared(vm)->arg[1], rows[i].rax);
		CHECK_EQ(vm_shared(vm)->arg[3], rows[i].byte);
		if (rows[i].read_only) {
			CHECK_EQ(vm_shared(vm)->error, 3);
			CHECK_EQ(vm_shared(vm)->cr2, GPA_HIGH);
		}
	}
}

/* No operations, unless user space wants the architecture and CPUID lacks them. */
GUEST_CODE static void guest_mwait(void)
{
	u32 a, b, c, d;

	cpuid(1, 0, &a, &b, &c, &d);
	ARG(0) = !!(c & CPUID1_ECX_MONITOR);
	ARG(1) = TRY1("monitor", GPA_PAGE);
	ARG(2) = TRY0("mwait");
	guest_done();
}

TEST(monitor_and_mwait)
{
	static const struct {
		u64 disabled;
		u32 enable, cpuid, vector;
	} rows[] = {
		{ 0, 0, 0, NO_TRAP },
		{ KVM_X86_QUIRK_MWAIT_NEVER_UD_FAULTS, 0, 0, VEC_UD },
		{ KVM_X86_QUIRK_MISC_ENABLE_NO_MWAIT, 0, 0, NO_TRAP },
		{ KVM_X86_QUIRK_MISC_ENABLE_NO_MWAIT, 1, 1, NO_TRAP },
		{ KVM_X86_QUIRK_MISC_ENABLE_NO_MWAIT | KVM_X86_QUIRK_MWAIT_NEVER_UD_FAULTS,
		  0, 0, VEC_UD },
		{ KVM_X86_QUIRK_MISC_ENABLE_NO_MWAIT | KVM_X86_QUIRK_MWAIT_NEVER_UD_FAULTS,
		  1, 1, NO_TRAP },
	};

	for (u32 i = 0; i < ARRAY_SIZE(rows); i++) {
		struct vm *vm = quirk_vm(0, KVM_X86_QUIRK_MWAIT_NEVER_UD_FAULTS);
		struct vcpu *v = vcpu_create(vm, 0);
		u64 misc = vcpu_get_msr(v, MSR_MISC_ENABLE);

		ktap_row("disabled 0x%llx, MISC_ENABLE %u", (unsigned long long)rows[i].disabled,
			 rows[i].enable);
		REQUIRE_OK(disable_quirks(vm, rows[i].disabled));
		vcpu_set_long(v, guest_mwait);
		vcpu_set_msr(v, MSR_MISC_ENABLE,
			     (misc & ~(1UL << 18)) | (u64)rows[i].enable << 18);
		vcpu_finish(v);
		CHECK_EQ(vm_shared(vm)->arg[0], rows[i].cpuid);
		CHECK_EQ(vm_shared(vm)->arg[1], rows[i].vector);
		CHECK_EQ(vm_shared(vm)->arg[2], rows[i].vector);
	}
}

static int disable_exits(struct vm *vm, u64 exits)
{
	struct kvm_enable_cap cap = { .cap = KVM_CAP_X86_DISABLE_EXITS, .args = { exits } };

	return ioctl(vm->fd, KVM_ENABLE_CAP, &cap);
}

/* Waits by MWAIT for a store of user space's thread. */
GUEST_CODE static void guest_waits(void)
{
	volatile u64 *flag = (u64 *)GPA_PAGE;

	guest_sync(1);
	while (!*flag) {
		asm volatile("monitor" :: "a"(flag), "c"(0UL), "d"(0UL) : "memory");
		/* interrupts end it although they are off, as Linux waits */
		if (!*flag)
			asm volatile("mwait" :: "a"(0UL), "c"(1UL) : "memory");
	}
	guest_done();
}

static void *store_later(void *flag)
{
	usleep(20000);
	__atomic_store_n((u64 *)flag, 1, __ATOMIC_SEQ_CST);
	return NULL;
}

TEST(mwait_in_the_guest)
{
	struct vm *vm = vm_create(0);
	struct vcpu *v;
	pthread_t thread;

	if (!(device_cap(vm->fd, KVM_CAP_X86_DISABLE_EXITS) & KVM_X86_DISABLE_EXITS_MWAIT))
		SKIP("this host keeps MWAIT to itself");
	REQUIRE_OK(disable_exits(vm, KVM_X86_DISABLE_EXITS_MWAIT));
	v = vcpu_create(vm, 0);
	vcpu_set_long(v, guest_waits);
	vcpu_expect_sync(v, 1);
	REQUIRE(!pthread_create(&thread, NULL, store_later, gpa_ptr(vm, GPA_PAGE, 8)),
		"pthread_create");
	vcpu_finish(v);
	pthread_join(thread, NULL);
}

TEST(disable_exits_arguments)
{
	struct vm *vm = vm_create(VM_IRQCHIP);
	u64 known = device_cap(vm->fd, KVM_CAP_X86_DISABLE_EXITS);

	REQUIRE(known, "no exit can be disabled");
	CHECK_ERRNO(disable_exits(vm, 1UL << 20), EINVAL);
	CHECK_OK(disable_exits(vm, known));
}
