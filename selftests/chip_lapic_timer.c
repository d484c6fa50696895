// SPDX-License-Identifier: GPL-2.0-only
/*
 * The local APIC's timer: one-shot, periodic and TSC-deadline interrupts arrive, as often as asked
 * and not earlier than asked; the current count falls at the rate of the divider; a timer that is
 * stopped or masked stays silent. Intervals are measured by the guest with its TSC; the timer's
 * own rate is taken from the count it does in a known time. How soon an interrupt must come is
 * asked with periods that this host can follow: they are multiples of what an access costs here.
 */
#include "chips.h"
#include "vm.h"

#define VECTOR	0x61

static struct vcpu *start(void (*fn)(void))
{
	struct vcpu *v = vcpu_create(vm_create(VM_IRQCHIP), 0);

	vcpu_set_long(v, fn);
	vm_shared(v->vm)->arg[15] = ioctl(v->fd, KVM_GET_TSC_KHZ, 0);
	return v;
}

GUEST_CODE static void on_timer(struct trap_frame *f)
{
	(void)f;
	ARG(1)++;
	ARG(2) = rdtsc();
	apic_write(APIC_EOI, 0);
}

GUEST_CODE static void on_timer_x2apic(struct trap_frame *f)
{
	(void)f;
	ARG(1)++;
	ARG(2) = rdtsc();
	wrmsr(MSR_X2APIC + 0xb, 0);
}

GINLINE void setup(void)
{
	guest_set_handler(VECTOR, on_timer);
	apic_enable();
	apic_write(APIC_TDCR, 0xb);		/* divide by 1 */
}

/* Interrupts on for so many microseconds. */
GINLINE void open_for(u64 us)
{
	u64 t0 = rdtsc();

	sti();
	while ((rdtsc() - t0) * 1000 < us * ARG(15))
		cpu_relax();
	cli();
}

/* The time in which this host can surely deliver an interrupt, in ms; at least @ms. */
GINLINE u64 easy_ms(u64 ms)
{
	u64 need = 64 * access_cost() / ARG(15) + 1;

	return need > ms ? need : ms;
}

/*
 * Counts of the timer for 1 ms of TSC, divider 1. Each count is read somewhere between two readings
 * of the TSC; the time between the first and the second is long beside that.
 */
GINLINE u64 per_ms(void)
{
	u64 t0, t1, t2, t3, ms = easy_ms(2);
	u32 a, b;

	apic_write(APIC_LVTT, APIC_LVT_MASKED | VECTOR);
	apic_write(APIC_TMICT, 0xffffffff);
	t0 = rdtsc();
	a = apic_read(APIC_TMCCT);
	t1 = rdtsc();
	while (rdtsc() - t1 < ms * ARG(15))
		;
	t2 = rdtsc();
	b = apic_read(APIC_TMCCT);
	t3 = rdtsc();
	apic_write(APIC_TMICT, 0);
	return (a - b) * ARG(15) / ((t2 - t1 + t3 - t0) / 2);
}

GUEST_CODE static void guest_one_shot(void)
{
	u64 rate, t0, limit;

	setup();
	limit = easy_ms(20);
	rate = per_ms();
	ARG(3) = rate;
	for (u32 i = 1; i <= 10; i++) {
		apic_write(APIC_LVTT, VECTOR);
		t0 = rdtsc();
		apic_write(APIC_TMICT, rate);
		while (ARG(1) < i) {
			sti_hlt();
			cli();
		}
		G_CHECK(ARG(2) - t0 >= ARG(15) * 9 / 10);	/* 1 ms, not earlier */
		G_CHECK(ARG(2) - t0 < ARG(15) * limit);		/* and not for ever */
		G_EQ(apic_read(APIC_TMCCT), 0);
		G_EQ(apic_read(APIC_TMICT), rate);
	}
	open_for(3000);
	G_EQ(ARG(1), 10);
	guest_done();
}

TEST(one_shot)
{
	struct vcpu *v = start(guest_one_shot);

	vcpu_finish(v);
	ktap_note("timer: %llu counts for each ms", (unsigned long long)vm_shared(v->vm)->arg[3]);
}

GUEST_CODE static void guest_periodic(void)
{
	u64 rate, t0, period;

	setup();
	period = easy_ms(2);
	rate = per_ms();
	apic_write(APIC_LVTT, VECTOR | APIC_TIMER_PERIODIC);
	ARG(1) = 0;
	t0 = rdtsc();
	apic_write(APIC_TMICT, rate * period);
	while (ARG(1) < 50) {
		sti_hlt();
		cli();
	}
	ARG(3) = (ARG(2) - t0) / ARG(15);
	ARG(4) = period;
	G_CHECK(ARG(3) >= 45 * period && ARG(3) <= 65 * period);
	/* Masked, it counts on in silence; stopped by a zero count, it is silent too. */
	apic_write(APIC_LVTT, VECTOR | APIC_TIMER_PERIODIC | APIC_LVT_MASKED);
	open_for(100);
	ARG(1) = 0;
	open_for(2500 * period);
	G_EQ(ARG(1), 0);
	G_CHECK(apic_read(APIC_TMCCT) != 0);
	apic_write(APIC_LVTT, VECTOR | APIC_TIMER_PERIODIC);
	open_for(2500 * period);
	G_CHECK(ARG(1) >= 1);
	apic_write(APIC_TMICT, 0);
	open_for(100);
	ARG(1) = 0;
	open_for(2500 * period);
	G_EQ(ARG(1), 0);
	guest_done();
}

TEST(periodic)
{
	struct vcpu *v = start(guest_periodic);
	volatile struct guest_shared *s = vm_shared(v->vm);

	vcpu_finish(v);
	ktap_note("50 interrupts of %llu ms in %llu ms", (unsigned long long)s->arg[4],
		  (unsigned long long)s->arg[3]);
}

GUEST_CODE static void guest_divider(void)
{
	u64 rate1, rate16;

	setup();
	rate1 = per_ms();
	apic_write(APIC_TDCR, 3);		/* divide by 16 */
	rate16 = per_ms();
	ARG(3) = rate1;
	ARG(4) = rate16;
	G_CHECK(rate16 * 16 > rate1 * 8 / 10 && rate16 * 16 < rate1 * 12 / 10);
	guest_done();
}

TEST(divider) { vcpu_finish(start(guest_divider)); }

GUEST_CODE static void guest_deadline(void)
{
	u64 t0, v = 0, limit;

	guest_set_handler(VECTOR, on_timer);
	apic_enable();
	limit = easy_ms(20);
	/* Outside of deadline mode the MSR ignores writes and reads zero. */
	G_EQ(try_wrmsr(MSR_TSC_DEADLINE, 1000), NO_TRAP);
	G_EQ(rdmsr(MSR_TSC_DEADLINE), 0);
	apic_write(APIC_LVTT, VECTOR | APIC_TIMER_DEADLINE);
	for (u32 i = 1; i <= 20; i++) {
		t0 = rdtsc() + ARG(15);			/* 1 ms ahead */
		wrmsr(MSR_TSC_DEADLINE, t0);
		G_EQ(try_rdmsr(MSR_TSC_DEADLINE, &v), NO_TRAP);
		G_CHECK(v == t0 || v == 0);
		while (ARG(1) < i) {
			sti_hlt();
			cli();
		}
		G_CHECK(ARG(2) >= t0);			/* never early */
		G_CHECK(ARG(2) - t0 < ARG(15) * limit);
		G_EQ(rdmsr(MSR_TSC_DEADLINE), 0);	/* disarmed by firing */
	}
	/* In the past: at once. */
	wrmsr(MSR_TSC_DEADLINE, 1);
	sti();
	for (int i = 0; i < 1000 && ARG(1) < 21; i++)
		cpu_relax();
	cli();
	G_EQ(ARG(1), 21);
	/* Disarmed before its time: never. */
	wrmsr(MSR_TSC_DEADLINE, rdtsc() + ARG(15));
	wrmsr(MSR_TSC_DEADLINE, 0);
	open_for(3000);
	G_EQ(ARG(1), 21);
	/* In deadline mode the initial count is dead. */
	apic_write(APIC_TMICT, 100);
	open_for(3000);
	G_EQ(ARG(1), 21);
	guest_done();
}

TEST(tsc_deadline)
{
	struct vcpu *v = start(guest_deadline);
	struct kvm_cpuid_entry2 *e;
	struct cpuid c;

	REQUIRE_CAP(v->vm->dev, KVM_CAP_TSC_DEADLINE_TIMER);
	cpuid_supported(v->vm->dev, &c);
	e = cpuid_find(&c, 1, 0);
	e->ecx |= CPUID1_ECX_TSC_DEADLINE;
	REQUIRE_OK(ioctl(v->fd, KVM_SET_CPUID2, &c.head));
	vcpu_finish(v);
}

/* A busy guest, no HLT: the interrupt must force its way in. */
GUEST_CODE static void guest_busy(void)
{
	u64 rate;

	setup();
	rate = per_ms() * easy_ms(1);
	apic_write(APIC_LVTT, VECTOR | APIC_TIMER_PERIODIC);
	apic_write(APIC_TMICT, rate);
	sti();
	while (ARG(1) < 50)
		ARG(5)++;
	cli();
	guest_done();
}

TEST(interrupts_a_busy_guest) { vcpu_finish(start(guest_busy)); }

/* Saved and restored by the VMM in the middle of its count, the timer still fires. */
GUEST_CODE static void guest_migrated(void)
{
	u64 rate;

	setup();
	rate = per_ms() * easy_ms(20);
	apic_write(APIC_LVTT, VECTOR);
	apic_write(APIC_TMICT, rate);
	guest_sync(1);
	G_EQ(ARG(1), 0);
	sti_hlt();
	cli();
	G_EQ(ARG(1), 1);
	guest_done();
}

TEST(state_is_carried_over)
{
	struct vcpu *v = start(guest_migrated);
	struct kvm_lapic_state s;

	vcpu_expect_sync(v, 1);
	REQUIRE_OK(ioctl(v->fd, KVM_GET_LAPIC, &s));
	CHECK(*(u32 *)(s.regs + APIC_TMCCT) > 0, "the current count is not in the state");
	REQUIRE_OK(ioctl(v->fd, KVM_SET_LAPIC, &s));
	vcpu_finish(v);
}

GUEST_CODE static void guest_x2apic(void)
{
	guest_set_handler(VECTOR, on_timer_x2apic);
	wrmsr(MSR_APICBASE, rdmsr(MSR_APICBASE) | APICBASE_X2APIC);
	wrmsr(MSR_X2APIC + 0xf, APIC_SPIV_ENABLE | 0xff);
	wrmsr(MSR_X2APIC + 0x3e, 0xb);
	wrmsr(MSR_X2APIC + 0x32, VECTOR | APIC_TIMER_PERIODIC);
	wrmsr(MSR_X2APIC + 0x38, 1000000);
	G_CHECK(rdmsr(MSR_X2APIC + 0x39) <= 1000000);
	while (ARG(1) < 5) {
		sti_hlt();
		cli();
	}
	wrmsr(MSR_X2APIC + 0x38, 0);
	G_EQ(try_wrmsr(MSR_X2APIC + 0x39, 0), VEC_GP);		/* read-only */
	guest_done();
}

TEST(x2apic) { vcpu_finish(start(guest_x2apic)); }
