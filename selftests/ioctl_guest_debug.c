// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_SET_GUEST_DEBUG: software and hardware breakpoints, single step over ordinary instructions,
 * over such that exit, through an STI shadow, injected #DB and #BP, INT3 given back to the guest;
 * and that a guest which is debugged keeps its own debug registers; and that interrupts wait while
 * they are blocked.
 */
#include <pthread.h>

#include "chips.h"
#include "vm.h"

static int set_debug(struct vcpu *v, struct kvm_guest_debug *d, u32 control)
{
	d->control = control;
	return ioctl(v->fd, KVM_SET_GUEST_DEBUG, d);
}

static u64 rip_of(struct vcpu *v)
{
	struct kvm_regs regs;

	vcpu_get_regs(v, &regs);
	return regs.rip;
}

RM_CODE(steps, "nop; nop; mov $0x10, %dx; out %al, %dx; xor %ax, %ax; cpuid; sti; nop; nop;"
	"mov %ss, %ax; mov %ax, %ss; nop; nop; out %al, %dx");
static const u8 step_offsets[] = { 1, 2, 5, 6, 8, 10, 11, 12, 13, 15, 17, 18, 19 };

/*
 * Each stop is behind the next instruction.  The port access of the fourth is asked first.  Behind
 * MOV SS the CPU steps over two instructions at once: so does STI where the step does not end its
 * shadow, which is why that stop is not demanded.
 */
TEST(single_step)
{
	struct vm *vm = vm_create(0);
	struct vcpu *v = vcpu_create(vm, 0);
	struct kvm_guest_debug d = {};
	unsigned int i = 0, outs = 0;
	struct kvm_regs regs;

	vcpu_set_real(v, CODE(steps));
	REQUIRE_OK(set_debug(v, &d, KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP));
	while (i < sizeof(step_offsets)) {
		int exit = vcpu_run(v);
		u64 offset;

		if (exit == KVM_EXIT_IO) {
			outs++;
			continue;
		}
		CHECK_EQ(exit, KVM_EXIT_DEBUG);
		CHECK_EQ(v->run->debug.arch.exception, 1);
		CHECK_EQ(v->run->debug.arch.dr6 & 0x4000, 0x4000);
		offset = v->run->debug.arch.pc - GPA_REAL;
		CHECK_EQ(rip_of(v), v->run->debug.arch.pc);
		vcpu_get_regs(v, &regs);
		CHECK_EQ(regs.rflags & FLAG_TF, 0);
		while (i < sizeof(step_offsets) && step_offsets[i] < offset &&
		       (step_offsets[i] == 11 || step_offsets[i] == 17))
			i++;
		CHECK_EQ(offset, step_offsets[i]);
		i++;
	}
	CHECK_EQ(outs, 1);
	ktap_row("without single step the guest just runs");
	REQUIRE_OK(set_debug(v, &d, 0));
	vcpu_expect(v, KVM_EXIT_IO);
	vcpu_get_regs(v, &regs);
	CHECK_EQ(regs.rflags & FLAG_TF, 0);
}

RM_CODE(int3_code, "nop; int3; nop; mov $0x10, %dx; out %al, %dx");

TEST(software_breakpoint)
{
	struct vm *vm = vm_create(0);
	struct vcpu *v = vcpu_create(vm, 0);
	struct kvm_guest_debug d = {};

	vcpu_set_real(v, CODE(int3_code));
	/* vector 3 of real mode: mov $0x77, %al; iret */
	*(u32 *)(vm->mem + 3 * 4) = GPA_REAL + 0x100;
	memcpy(vm->mem + GPA_REAL + 0x100, "\xb0\x77\xcf", 3);
	REQUIRE_OK(set_debug(v, &d, KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_SW_BP));
	vcpu_expect(v, KVM_EXIT_DEBUG);
	CHECK_EQ(v->run->debug.arch.exception, 3);
	CHECK_EQ(v->run->debug.arch.pc, GPA_REAL + 1);
	ktap_row("given back to the guest, it is its INT3");
	REQUIRE_OK(set_debug(v, &d, KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_SW_BP |
				    KVM_GUESTDBG_INJECT_BP));
	vcpu_expect(v, KVM_EXIT_IO);
	CHECK_EQ(*((u8 *)v->run + v->run->io.data_offset), 0x77);
}

RM_CODE(given_back, "nop; int3; nop; .byte 0x26; int3; mov $0x10, %dx; out %al, %dx");
static const u8 given_back_offsets[] = { 1, 3 };

/* as QEMU does with an INT3 that is not the debugger's */
TEST(breakpoint_given_back)
{
	struct vm *vm = vm_create(0);
	struct vcpu *v = vcpu_create(vm, 0);
	struct kvm_guest_debug d = {};
	struct kvm_vcpu_events events;

	vcpu_set_real(v, CODE(given_back));
	/* vector 3 of real mode: inc %al; iret */
	*(u32 *)(vm->mem + 3 * 4) = GPA_REAL + 0x100;
	memcpy(vm->mem + GPA_REAL + 0x100, "\xfe\xc0\xcf", 3);
	REQUIRE_OK(set_debug(v, &d, KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_SW_BP));
	for (u32 i = 0; i < sizeof(given_back_offsets); i++) {
		ktap_row("INT3 of %u byte%s", i + 1, i ? "s" : "");
		vcpu_expect(v, KVM_EXIT_DEBUG);
		CHECK_EQ(v->run->debug.arch.exception, 3);
		CHECK_EQ(v->run->debug.arch.pc, GPA_REAL + given_back_offsets[i]);
		REQUIRE_OK(ioctl(v->fd, KVM_GET_VCPU_EVENTS, &events));
		events.exception.injected = 1;
		events.exception.nr = 3;
		events.exception.has_error_code = 0;
		REQUIRE_OK(ioctl(v->fd, KVM_SET_VCPU_EVENTS, &events));
	}
	ktap_row("each INT3 was a trap");
	vcpu_expect(v, KVM_EXIT_IO);
	CHECK_EQ(*((u8 *)v->run + v->run->io.data_offset), 2);
}

GUEST_CODE static void guest_with_breakpoints(void)
{
	WRITE_DR(0, 0x1234);
	WRITE_DR(7, 0x400);
	guest_sync(1);
	*(volatile u32 *)GPA_PAGE = 1;
	guest_sync(2);
	G_EQ(READ_DR(0), 0x1234);
	G_EQ(READ_DR(7), 0x400);
	G_EQ(READ_DR(6) & 0xf, 0);
	guest_done();
}

TEST(hardware_breakpoint)
{
	struct vm *vm = vm_create(0);
	struct vcpu *v = vcpu_create(vm, 0);
	struct kvm_guest_debug d = {};
	struct kvm_debugregs regs;

	vcpu_set_long(v, guest_with_breakpoints);
	vcpu_expect_sync(v, 1);
	d.arch.debugreg[1] = GPA_PAGE;
	d.arch.debugreg[7] = 0xd00004 | 0x400;		/* DR1: writes of 4 bytes, enabled */
	REQUIRE_OK(set_debug(v, &d, KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_HW_BP));
	vcpu_expect(v, KVM_EXIT_DEBUG);
	CHECK_EQ(v->run->debug.arch.exception, 1);
	CHECK_EQ(v->run->debug.arch.dr6 & 0xf, 2);
	CHECK_EQ(v->run->debug.arch.dr7, 0xd00404);
	CHECK_EQ(*(u32 *)(vm->mem + GPA_PAGE), 1);	/* a data breakpoint is a trap */
	REQUIRE_OK(ioctl(v->fd, KVM_GET_DEBUGREGS, &regs));
	CHECK_EQ(regs.db[0], 0x1234);
	CHECK_EQ(regs.dr7, 0x400);
	vcpu_expect_sync(v, 2);
	REQUIRE_OK(set_debug(v, &d, 0));
	vcpu_finish(v);
}

GUEST_CODE static void __attribute__((noinline)) stop_here(void)
{
	ARG(0)++;
}

GUEST_CODE static void guest_calls(void)
{
	WRITE_DR(7, 0x400);
	stop_here();
	guest_sync(1);
	stop_here();
	guest_done();
}

/* A fault: RIP is at the breakpoint, and RF, which the debugger sets, lets the guest go on. */
TEST(instruction_breakpoint)
{
	struct vm *vm = vm_create(VM_IRQCHIP);
	struct vcpu *v = vcpu_create(vm, 0);
	struct kvm_guest_debug d = {};
	struct kvm_regs regs;

	vcpu_set_long(v, guest_calls);
	d.arch.debugreg[0] = guest_addr(stop_here);
	d.arch.debugreg[7] = 0x602;			/* as QEMU has it: GE, G0 */
	REQUIRE_OK(set_debug(v, &d, KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_HW_BP));
	for (u32 i = 0; i < 2; i++) {
		vcpu_expect(v, KVM_EXIT_DEBUG);
		CHECK_EQ(v->run->debug.arch.exception, 1);
		CHECK_EQ(v->run->debug.arch.dr6 & 0xf, 1);
		CHECK_EQ(v->run->debug.arch.pc, guest_addr(stop_here));
		CHECK_EQ(vm_shared(vm)->arg[0], i);
		vcpu_get_regs(v, &regs);
		regs.rflags |= FLAG_RF;
		vcpu_set_regs(v, &regs);
		if (!i)
			vcpu_expect_sync(v, 1);
	}
	vcpu_finish(v);
	CHECK_EQ(vm_shared(vm)->arg[0], 2);
}

TEST(injected_db)
{
	struct vcpu *v = vcpu_create(vm_create(0), 0);
	struct kvm_guest_debug d = {};

	vcpu_set_real(v, CODE(int3_code));
	*(u32 *)(v->vm->mem + 1 * 4) = GPA_REAL + 0x100;
	memcpy(v->vm->mem + GPA_REAL + 0x100, "\xba\x33\x00\xee", 4); /* mov $0x33, %dx; out */
	REQUIRE_OK(set_debug(v, &d, KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_INJECT_DB));
	ktap_row("a second one while the first is pending");
	CHECK_ERRNO(set_debug(v, &d, KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_INJECT_DB), EBUSY);
	vcpu_expect(v, KVM_EXIT_IO);
	CHECK_EQ(v->run->io.port, 0x33);
}

#define VEC_BLOCKED	0x41

GUEST_CODE static void on_blocked(struct trap_frame *f)
{
	(void)f;
	ARG(0)++;
	apic_eoi();
}

GUEST_CODE static void guest_blocked(void)
{
	for (u32 i = 0; i < 3; i++)
		guest_set_handler(VEC_BLOCKED + i, on_blocked);
	apic_enable();
	if (ARG(1))
		wrmsr(MSR_APICBASE, rdmsr(MSR_APICBASE) | APICBASE_X2APIC);
	sti();
	guest_sync(1);				/* now they are blocked */
	if (ARG(1))
		wrmsr(X2APIC(APIC_SELF_IPI), VEC_BLOCKED);
	else
		self_ipi(VEC_BLOCKED);
	while (!ARG(2))			/* a post from another thread comes meanwhile */
		cpu_relax();
	for (u32 i = 0; i < 1000; i++)
		cpu_relax();
	guest_sync(2);				/* now they are not */
	while (ARG(0) < 3)
		cpu_relax();
	guest_done();
}

static int post_blocked(struct vm *vm, u8 vector)
{
	struct kvm_msi msi = { .address_lo = APIC_BASE, .data = vector };

	return ioctl(vm->fd, KVM_SIGNAL_MSI, &msi);
}

static void *post_while_it_runs(void *vm)
{
	usleep(20000);
	CHECK_EQ(post_blocked(vm, VEC_BLOCKED + 2), 1);
	vm_shared(vm)->arg[2] = 1;
	return NULL;
}

TEST(blocked_interrupts)
{
	for (int x2apic = 0; x2apic < 2; x2apic++) {
		struct vm *vm = vm_create(VM_IRQCHIP);
		struct vcpu *v = vcpu_create(vm, 0);
		struct kvm_guest_debug d = {};
		pthread_t thread;

		ktap_row("%s", x2apic ? "x2APIC" : "xAPIC");
		if (!(device_cap(vm->dev, KVM_CAP_SET_GUEST_DEBUG2) & KVM_GUESTDBG_BLOCKIRQ))
			SKIP("no KVM_GUESTDBG_BLOCKIRQ");
		vcpu_set_long(v, guest_blocked);
		vm_shared(vm)->arg[1] = x2apic;
		vcpu_expect_sync(v, 1);
		REQUIRE_OK(set_debug(v, &d, KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_BLOCKIRQ));
		CHECK_EQ(post_blocked(vm, VEC_BLOCKED + 1), 1);
		REQUIRE(!pthread_create(&thread, NULL, post_while_it_runs, vm), "pthread_create");
		vcpu_expect_sync(v, 2);
		pthread_join(thread, NULL);
		CHECK_EQ(vm_shared(vm)->arg[0], 0);
		REQUIRE_OK(set_debug(v, &d, 0));
		vcpu_finish(v);
		CHECK_EQ(vm_shared(vm)->arg[0], 3);
	}
}
