// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rows: timers, interrupts and IPIs. Guests use the x2APIC, as Linux does. Where a vCPU spins
 * until the interrupt is there, only what the host executes is counted.
 */
#include <linux/kvm.h>
#include <pthread.h>
#include <sys/eventfd.h>

#include "bench.h"

#define X2APIC_SELF	(MSR_X2APIC + 0x3f)
#define FLAG		((volatile u32 *)GPA_PAGE)
#define LONG_WAIT	300000		/* ticks; longer than kvm_intel polls for a halted vCPU */
#define SHORT_WAIT	20000

GUEST_CODE static void on_interrupt(struct trap_frame *f)
{
	(void)f;
	FLAG[0]++;
	wrmsr(X2APIC(APIC_EOI), 0);
}

GINLINE void x2apic_enable(void)
{
	guest_set_handler(VECTOR, on_interrupt);
	wrmsr(MSR_APICBASE, rdmsr(MSR_APICBASE) | APICBASE_ENABLE | APICBASE_X2APIC);
	wrmsr(X2APIC(APIC_SPIV), APIC_SPIV_ENABLE | 0xff);
	wrmsr(X2APIC(APIC_LVT0), APIC_LVT_MASKED);
	wrmsr(X2APIC(APIC_LVTT), VECTOR | APIC_TIMER_DEADLINE);
}

GINLINE void wait_running(u32 before)
{
	while (FLAG[0] == before)
		cpu_relax();
}

GUEST_CODE static void guest_arm(void)
{
	x2apic_enable();
	G_BATCHES(16, wrmsr(MSR_TSC_DEADLINE, rdtsc() + 1000000000));
	guest_done();
}

TEST(tsc_deadline_arm_row)
{
	ROW("tsc_deadline_arm", 16, 0, "WRMSR of TSC_DEADLINE");

	bench_guest(&row, guest_arm);
}

GUEST_CODE static void guest_tick(void)
{
	u32 before;

	x2apic_enable();
	sti();
	G_BATCHES(4, before = FLAG[0]; wrmsr(MSR_TSC_DEADLINE, rdtsc() + SHORT_WAIT);
		  wait_running(before));
	guest_done();
}

TEST(timer_tick_row)
{
	ROW("timer_tick", 4, 0, "arming, expiry while running, EOI");

	bench_needs_counters();
	bench_guest(&row, guest_tick);
}

GUEST_CODE static void guest_halt(void)
{
	x2apic_enable();
	G_BATCHES(4, wrmsr(MSR_TSC_DEADLINE, rdtsc() + LONG_WAIT); sti_hlt(); cli());
	guest_done();
}

TEST(hlt_wake_row)
{
	ROW("hlt_wake", 4, 0, "arming, HLT, wake by the timer, EOI");

	bench_needs_counters();
	bench_guest(&row, guest_halt);
}

GUEST_CODE static void guest_self_ipi(void)
{
	x2apic_enable();
	sti();
	G_BATCHES(16, wrmsr(X2APIC_SELF, VECTOR));
	guest_done();
}

TEST(self_ipi_eoi_row)
{
	ROW("self_ipi_eoi", 16, 0, "IPI to itself and EOI, x2APIC");

	bench_guest(&row, guest_self_ipi);
}

/* Without x2APIC the registers stand in memory; APICv takes the write all the same. */
GUEST_CODE static void guest_eoi(void)
{
	apic_enable();
	G_BATCHES(16, apic_write(APIC_EOI, 0));
	guest_done();
}

TEST(eoi_xapic_row)
{
	ROW("eoi_xapic", 16, 0, "write of the EOI register, xAPIC");

	bench_guest(&row, guest_eoi);
}

/* The second vCPU takes IPIs, in a thread on the second CPU; ARG(0): it halts between them. */
GUEST_CODE static void guest_target(void)
{
	bool halts = ARG(0);

	x2apic_enable();
	FLAG[8] = 1;
	for (;;) {
		if (halts)
			sti_hlt();
		else
			sti();
		cpu_relax();
	}
}

/* Far enough apart that a halted target is asleep, and the host's polling over. */
GUEST_CODE static void guest_sender(void)
{
	u32 before;

	x2apic_enable();
	while (!FLAG[8])
		cpu_relax();
	for (u32 b = 0; b < BATCHES; b++) {
		u64 t0 = rdtsc();

		while (rdtsc() - t0 < ARG(1))
			cpu_relax();
		before = FLAG[0];
		g_begin(b);
		wrmsr(X2APIC(APIC_ICR), 1ULL << 32 | VECTOR | APIC_ASSERT);
		wait_running(before);
		g_end(b);
	}
	guest_done();
}

static void *run_target(void *arg)
{
	struct vcpu *v = arg;

	bench_pin(1);
	ioctl(v->fd, KVM_RUN, 0);	/* ends with the process */
	return NULL;
}

static void ipi_row(const struct row *row, bool halts)
{
	struct vm *vm;
	struct vcpu *sender, *target;
	pthread_t thread;

	bench_needs_counters();
	bench_needs_cpus(2);
	vm = vm_create(VM_IRQCHIP);
	sender = bench_vcpu(vm, 0, guest_sender);
	target = bench_vcpu(vm, 1, guest_target);
	vm_shared(vm)->arg[0] = halts;
	vm_shared(vm)->arg[1] = halts ? LONG_WAIT : SHORT_WAIT;
	REQUIRE(!pthread_create(&thread, NULL, run_target, target), "pthread_create");
	bench_pin(0);
	bench_run(sender);
	bench_report(row, vm);
}

TEST(ipi_running_row)
{
	ROW("ipi_running", 1, ROW_ALL_CPUS, "IPI to a running vCPU, both CPUs");

	ipi_row(&row, false);
}

TEST(ipi_halted_row)
{
	ROW("ipi_halted", 1, ROW_ALL_CPUS, "IPI to a halted vCPU, both CPUs");

	ipi_row(&row, true);
}

/* Batches begin with user space's write to the eventfd and end when the guest has seen it. */
GUEST_CODE static void guest_irqfd(void)
{
	u32 before;

	x2apic_enable();
	sti();
	for (u32 b = 0; b < BATCHES; b++) {
		before = FLAG[0];
		FLAG[8] = b + 1;
		wait_running(before);
		g_end(b);
	}
	FLAG[8] = BATCHES + 1;
	guest_done();
}

static void *run_to_end(void *arg)
{
	bench_pin(1);
	bench_run(arg);
	return NULL;
}

TEST(irqfd_row)
{
	ROW("irqfd", 1, ROW_ALL_CPUS | ROW_NO_USER, "eventfd to a running vCPU (MSI), both CPUs");
	struct {
		struct kvm_irq_routing head;
		struct kvm_irq_routing_entry entry;
	} routes = { { .nr = 1 }, {
		.gsi = 24, .type = KVM_IRQ_ROUTING_MSI,
		.u.msi = { .address_lo = APIC_BASE, .data = VECTOR },
	} };
	struct kvm_irqfd irqfd = { .gsi = 24 };
	volatile u32 *flag;
	pthread_t thread;
	struct vm *vm;
	struct vcpu *v;

	bench_needs_counters();
	bench_needs_cpus(2);
	vm = vm_create(VM_IRQCHIP);
	REQUIRE_CAP(vm->dev, KVM_CAP_IRQFD);
	REQUIRE_OK(ioctl(vm->fd, KVM_SET_GSI_ROUTING, &routes));
	irqfd.fd = REQUIRE_OK(eventfd(0, EFD_CLOEXEC));
	REQUIRE_OK(ioctl(vm->fd, KVM_IRQFD, &irqfd));
	v = bench_vcpu(vm, 0, guest_irqfd);
	flag = gpa_ptr(vm, GPA_PAGE, 64);
	REQUIRE(!pthread_create(&thread, NULL, run_to_end, v), "pthread_create");
	bench_pin(0);
	for (u32 b = 0; b < BATCHES; b++) {
		u64 one = 1;

		while (flag[8] != b + 1)
			cpu_relax();
		h_begin(b);
		REQUIRE_OK(write(irqfd.fd, &one, sizeof(one)));
	}
	pthread_join(thread, NULL);
	bench_report(&row, vm);
}
