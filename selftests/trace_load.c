// SPDX-License-Identifier: GPL-2.0-only
/*
 * A guest makes a known number of each event that Lintel has a tracepoint for, and the VM's own
 * statistics have counted them. What they say is printed: testbed/checks/tracers runs this program
 * under the kernel's tracers, and what these saw has to be the same.
 *
 * TRACE_ROUNDS (environment) is the number of rounds, 50 if it is not set.
 */
#include "chips.h"
#include "guest.h"
#include "stats.h"
#include "vm.h"

#define NOWHERE	0x0f000000UL	/* no memory there */
#define VECTOR	0x61
#define CALL	77		/* a hypercall that nobody knows */
#define PORT	0x80

/* ARG(0): rounds; ARG(1): interrupts taken; ARG(2): where CPUID stands */
GUEST_CODE static void on_interrupt(struct trap_frame *f)
{
	G_EQ(f->vector, VECTOR);
	ARG(1)++;
	wrmsr(X2APIC(APIC_EOI), 0);
}

GUEST_CODE static void guest_load(void)
{
	u64 a, c, d, value;

	/* what a delivery reads is there: an event that meets an EPT violation is injected anew */
	value = *(volatile u64 *)GPA_IDT + *(volatile u64 *)GPA_GDT;
	guest_set_handler(VECTOR, on_interrupt);
	wrmsr(MSR_APICBASE, rdmsr(MSR_APICBASE) | APICBASE_X2APIC);
	wrmsr(X2APIC(APIC_SPIV), APIC_SPIV_ENABLE | 0xff);
	sti();
	for (u64 i = 1; i <= ARG(0); i++) {
		a = 0x80000001;
		c = 0;
		asm volatile("lea 771f(%%rip), %%r8; mov %%r8, %c[to]; 771: cpuid"
			     : "+a"(a), "+c"(c), "=d"(d)
			     : [to] "i"(GPA_SHARED + offsetof(struct guest_shared, arg[2]))
			     : "rbx", "r8", "memory");
		rdmsr(MSR_MISC_ENABLE);
		wrmsr(MSR_BIOS_SIGN_ID, 0);
		G_EQ(try_rdmsr(MSR_UNKNOWN, &value), VEC_GP);
		a = CALL;
		asm volatile("vmcall" : "+a"(a) :: "memory");
		outb(PORT, i);
		mmio_write(NOWHERE, i);
		/* the test sends an interrupt here */
		guest_sync(i);
		while (ARG(1) != i)
			cpu_relax();
	}
	guest_done();
}

static u64 rounds(void)
{
	const char *text = getenv("TRACE_ROUNDS");

	return text ? strtoul(text, NULL, 0) : 50;
}

static void check_counted(struct vcpu *v, u64 n)
{
	const struct {
		const char *name;
		u64 least;
	} want[] = {
		{ "exits_cpuid", n },
		{ "exits_msr_read", 2 * n },
		{ "exits_msr_write", n },
		{ "exits_vmcall", n },
		{ "exits_io_instruction", 2 * n },
		{ "exits_ept_violation", n },
		{ "ept_faults", n },
		{ "injected_exceptions", n },
		{ "exits_to_user", 3 * n },
		{ "exits", 8 * n },
	};

	for (size_t i = 0; i < ARRAY_SIZE(want); i++)
		CHECK(stat_require(v->fd, want[i].name) >= want[i].least, "%s: %llu of %llu",
		      want[i].name, (unsigned long long)stat_require(v->fd, want[i].name),
		      (unsigned long long)want[i].least);
}

TEST_SLOW(each_is_counted, 3)
{
	struct kvm_msi msi = { .address_lo = 0xfee00000, .data = VECTOR };
	struct vcpu *v = vcpu_create(vm_create(VM_IRQCHIP), 0);
	u64 n = rounds();

	stat_require(v->fd, "exits_cpuid");
	vm_shared(v->vm)->arg[0] = n;
	vcpu_set_long(v, guest_load);
	for (u64 i = 1; i <= n; i++) {
		vcpu_expect(v, KVM_EXIT_IO);
		REQUIRE_EQ(v->run->io.port, PORT);
		vcpu_expect(v, KVM_EXIT_MMIO);
		vcpu_expect_sync(v, i);
		REQUIRE_EQ(ioctl(v->vm->fd, KVM_SIGNAL_MSI, &msi), 1);
	}
	vcpu_finish(v);
	check_counted(v, n);
	ktap_note("rounds %llu", (unsigned long long)n);
	ktap_note("cpuid_rip %llu", (unsigned long long)vm_shared(v->vm)->arg[2]);
	stats_note(v->fd);
}
