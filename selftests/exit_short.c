// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exits that a hypervisor finishes without looking around: CPUID, RDMSR, WRMSR, VMCALL. What it
 * could overlook, one by one: an interrupt or NMI that waits for the end of a STI shadow, single
 * step by the guest and by a debugger, MOV SS, an interrupt that the instruction itself sends,
 * the wrap of EIP, CR2, a timer, another thread's interrupt and a signal while nothing but such
 * exits happens.
 */
#include <pthread.h>
#include <time.h>

#include "chips.h"
#include "signals.h"
#include "vm.h"

#define VECTOR	0x61

static struct vcpu *start(unsigned int flags, void (*fn)(void))
{
	struct vcpu *v = vcpu_create(vm_create(flags), 0);

	vcpu_set_long(v, fn);
	return v;
}

/* One of the instructions behind @before; the value is the address behind it. */
#define ONE(before, insn, ax, cx)						\
	({									\
		u64 a_ = (ax), c_ = (cx), d_ = 0, end_;				\
		asm volatile("lea 771f(%%rip), %[end]\n\t" before "\n\t" insn "\n" \
			     "771:\n\tnop; nop; cli"				\
			     : "+a"(a_), "+c"(c_), "+d"(d_), [end] "=&r"(end_)	\
			     :: "rbx", "rsi", "r8", "memory", "cc");		\
		end_;								\
	})

/* Each of the four: @check gets "end". */
#define EACH(prepare, before, check)						\
	do {									\
		u64 end;							\
										\
		prepare; end = ONE(before, "cpuid", 0, 0); check;		\
		prepare; end = ONE(before, "rdmsr", 0, MSR_MISC_ENABLE); check;	\
		prepare; end = ONE(before, "wrmsr", 0, MSR_BIOS_SIGN_ID); check; \
		prepare; end = ONE(before, "vmcall", 0x7fff0001, 0); check;	\
	} while (0)

/* Where and how often it came: ARG(1), ARG(2). */
GUEST_CODE static void on_event(struct trap_frame *f)
{
	ARG(1)++;
	ARG(2) = f->rip;
	if (f->vector == VECTOR)
		wrmsr(MSR_X2APIC + 0xb, 0);
	f->rflags &= ~FLAG_TF;
}

GINLINE void setup(void)
{
	guest_set_handler(VECTOR, on_event);
	guest_set_handler(VEC_NMI, on_event);
	guest_set_handler(VEC_DB, on_event);
	cli();
	wrmsr(MSR_APICBASE, rdmsr(MSR_APICBASE) | APICBASE_X2APIC);
	wrmsr(MSR_X2APIC + 0xf, APIC_SPIV_ENABLE | 0xff);
	wrmsr(MSR_X2APIC + 0x35, APIC_LVT_MASKED);
}

GINLINE void x2apic_self_ipi(void)
{
	wrmsr(X2APIC(APIC_ICR), APIC_DEST_SELF | VECTOR);
}

GINLINE void came_once_at(u64 end)
{
	G_EQ(ARG(1), 1);
	G_EQ(ARG(2), end);
	ARG(1) = 0;
}

GUEST_CODE static void guest_shadow(void)
{
	setup();
	EACH(x2apic_self_ipi(), "sti", came_once_at(end));
	guest_done();
}

TEST(interrupt_behind_a_sti_shadow) { vcpu_finish(start(VM_IRQCHIP, guest_shadow)); }

GUEST_CODE static void guest_step(void)
{
	setup();
	EACH((void)0, "pushf; orl $0x100, (%%rsp); popf", came_once_at(end));
	EACH((void)0, "mov %%ss, %%r8d; pushf; orl $0x100, (%%rsp); popf; mov %%r8d, %%ss",
	     came_once_at(end));
	guest_done();
}

TEST(single_step_by_the_guest) { vcpu_finish(start(VM_IRQCHIP, guest_step)); }

/* What the write of the ICR sends comes right behind it, and without IF the NMI alone. */
GUEST_CODE static void guest_self(void)
{
	setup();
	for (int i = 0; i < 3; i++) {
		came_once_at(ONE("sti; nop", "wrmsr", APIC_DEST_SELF | VECTOR, MSR_X2APIC + 0x30));
		came_once_at(ONE("cli", "wrmsr", APIC_DEST_SELF | APIC_DM_NMI, MSR_X2APIC + 0x30));
	}
	/* held back by the priority, then let through by it */
	wrmsr(MSR_X2APIC + 8, 0xf0);
	x2apic_self_ipi();
	ONE("sti", "cpuid", 0, 0);
	G_EQ(ARG(1), 0);
	came_once_at(ONE("sti; nop", "wrmsr", 0, MSR_X2APIC + 8));
	guest_done();
}

TEST(own_interrupts) { vcpu_finish(start(VM_IRQCHIP, guest_self)); }

/* Only CPUID until the deadline; and one that has passed. */
GUEST_CODE static void guest_timer(void)
{
	u32 a, b, c, d;

	setup();
	wrmsr(MSR_X2APIC + 0x32, APIC_TIMER_DEADLINE | VECTOR);
	for (u64 i = 1; i <= 50; i++) {
		u64 due = rdtsc() + (i & 7) * 20000;

		wrmsr(MSR_TSC_DEADLINE, due);
		sti();
		while (ARG(1) < i)
			cpuid(0, 0, &a, &b, &c, &d);
		cli();
		G_CHECK(rdtsc() >= due);
	}
	guest_done();
}

TEST(timer_among_exits)
{
	struct vcpu *v = vcpu_create(vm_create(VM_IRQCHIP), 0);
	struct cpuid c;

	cpuid_supported(v->vm->dev, &c);
	cpuid_find(&c, 1, 0)->ecx |= CPUID1_ECX_TSC_DEADLINE;
	REQUIRE_OK(ioctl(v->fd, KVM_SET_CPUID2, &c));
	vcpu_set_long(v, guest_timer);
	vcpu_finish(v);
}

/* ARG(1) interrupts seen; another thread sends the next when one was seen. */
GUEST_CODE static void guest_spins(void)
{
	u32 a, b, c, d;

	setup();
	sti();
	while (ARG(1) < 300) {
		cpuid(0, 0, &a, &b, &c, &d);
		WRITE_CR(2, ARG(1) * 0x1000);
		cpuid(0x80000000, 0, &a, &b, &c, &d);
	}
	cli();
	guest_done();
}

static void *send(void *arg)
{
	struct vm *vm = arg;
	struct kvm_msi msi = { .address_lo = 0xfee00000, .data = VECTOR };
	volatile struct guest_shared *s = vm_shared(vm);

	for (u64 i = 0; i < 300; i++) {
		while (ioctl(vm->fd, KVM_SIGNAL_MSI, &msi) != 1)
			if (ktap_timed_out())
				return NULL;	/* its LAPIC is not on yet */
		while (s->arg[1] <= i)
			if (ktap_timed_out())
				return NULL;
	}
	return NULL;
}

TEST(interrupts_of_another_thread)
{
	struct vcpu *v = start(VM_IRQCHIP, guest_spins);
	pthread_t thread;

	REQUIRE(!pthread_create(&thread, NULL, send, v->vm), "pthread_create");
	vcpu_finish(v);
	pthread_join(thread, NULL);
	CHECK_EQ(vm_shared(v->vm)->count[VECTOR], 300);
}

GUEST_CODE static void guest_for_ever(void)
{
	u32 a, b, c, d;

	for (;;) {
		WRITE_CR(2, 0x123000);
		cpuid(0, 0, &a, &b, &c, &d);
		G_EQ(READ_CR(2), 0x123000);
	}
}

TEST(signal_among_exits)
{
	struct vcpu *v = start(0, guest_for_ever);

	for (int i = 0; i < 5; i++) {
		vcpu_run_until_signal(v, 5);
		CHECK_EQ(v->run->exit_reason, KVM_EXIT_INTR);
	}
}

GUEST_CODE static void guest_stepped(void)
{
	guest_sync(1);
	EACH((void)0, "", ARG(3) = end);
	guest_done();
}

/* The debugger stops behind each instruction: three of them lie behind each of the four. */
TEST(single_step_by_a_debugger)
{
	struct kvm_guest_debug d = { .control = KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP };
	struct vcpu *v = start(0, guest_stepped);
	const u8 *code, *last;
	u64 ends = 0;

	vcpu_expect_sync(v, 1);
	REQUIRE_OK(ioctl(v->fd, KVM_SET_GUEST_DEBUG, &d));
	while (vcpu_run(v) == KVM_EXIT_DEBUG) {
		code = gpa_ptr(v->vm, v->run->debug.arch.pc, 4);
		last = code - 3;
		if (code[0] != 0x90 || code[1] != 0x90 || code[2] != 0xfa)
			continue;	/* not the end of ONE() */
		ends += last[1] == 0x0f || last[0] == 0x0f;
	}
	CHECK_EQ(v->run->exit_reason, KVM_EXIT_IO);
	CHECK_EQ(ends, 4);
}

PM_CODE(wrapped, "hlt");

/* EIP behind a CPUID at 0xfffffffe is 0. */
TEST(instruction_pointer_wraps)
{
	struct vcpu *v = vcpu_create(vm_create(0), 0);
	struct kvm_sregs sregs;
	struct kvm_regs regs;

	vcpu_set_protected(v, CODE(wrapped));
	vcpu_get_sregs(v, &sregs);
	sregs.cs.base = GPA_PAGE + 2;
	vcpu_set_sregs(v, &sregs);
	vcpu_get_regs(v, &regs);
	regs.rip = 0xfffffffe;
	regs.rax = 0;
	vcpu_set_regs(v, &regs);
	memcpy(v->vm->mem + GPA_PAGE, "\x0f\xa2\xf4", 3);
	vcpu_expect(v, KVM_EXIT_HLT);
	vcpu_get_regs(v, &regs);
	CHECK_EQ(regs.rip, 1);
}
