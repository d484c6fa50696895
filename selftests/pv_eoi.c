// SPDX-License-Identifier: GPL-2.0-only
/*
 * PV EOI as Linux uses it: a handler that finds the flag set clears it and writes no EOI. Whether
 * the host offers it depends on the host (never with virtual-interrupt delivery); what the local
 * APIC then shows does not: nothing stays in service, and what waited is delivered next. It is not
 * offered while another interrupt waits, nor for a level-triggered one.
 */
#include "chips.h"
#include "pv.h"

#define FLAG_PAGE	(GPA_PAGE + 0x100)
#define EOI_FLAG	(*(volatile u32 *)FLAG_PAGE)
#define LOW		0x41
#define HIGH		0x61
#define LEVEL_VECTOR	0x51
#define ROUNDS		200

#define TAKEN(n)	(ARG(n))	/* 0: LOW, 1: HIGH, 2: level */
#define SAVED		(ARG(4))	/* EOIs that were not written */
#define NEST		(ARG(5))	/* what the handler of LOW does */
#define ORDER		(ARG(6))	/* digits of the vectors' order */

enum { NEST_NOTHING, NEST_HIGHER, NEST_LOWER };

GINLINE void pv_eoi(void)
{
	bool offered;

	asm volatile("btrl $0, %0" : "+m"(EOI_FLAG), "=@ccc"(offered) :: "memory");
	if (offered)
		SAVED++;
	else
		apic_write(APIC_EOI, 0);
}

GUEST_CODE static void on_low(struct trap_frame *f)
{
	(void)f;
	TAKEN(0)++;
	ORDER = ORDER * 10 + 1;
	pv_eoi();
}

GUEST_CODE static void on_high(struct trap_frame *f)
{
	(void)f;
	TAKEN(1)++;
	ORDER = ORDER * 10 + 2;
	if (NEST == NEST_LOWER) {
		/* waits behind this one: the end of this one has to be seen */
		self_ipi(LOW);
		G_EQ(EOI_FLAG & 1, 0);
	}
	pv_eoi();
}

/* Is interrupted by a higher one after its flag may have been set; each ends its own. */
GUEST_CODE static void on_low_nesting(struct trap_frame *f)
{
	(void)f;
	TAKEN(0)++;
	self_ipi(HIGH);
	sti();
	asm volatile("nop");
	cli();
	G_EQ(apic_bit(APIC_ISR, HIGH), 0);
	G_EQ(apic_bit(APIC_ISR, LOW), 1);
	ORDER = ORDER * 10 + 1;
	pv_eoi();
}

GUEST_CODE static void on_level(struct trap_frame *f)
{
	(void)f;
	TAKEN(2)++;
	G_EQ(EOI_FLAG & 1, 0);
	outb(0x80, 0);		/* the host lowers the line */
	pv_eoi();
}

GINLINE void expect_idle(void)
{
	for (u32 i = 0; i < 8; i++) {
		G_EQ(apic_read(APIC_ISR + i * 0x10), 0);
		G_EQ(apic_read(APIC_IRR + i * 0x10), 0);
	}
}

GUEST_CODE static void guest_pv_eoi(void)
{
	G_EQ(try_wrmsr(MSR_KVM_PV_EOI_EN, FLAG_PAGE | 3), VEC_GP);
	G_EQ(try_wrmsr(MSR_KVM_PV_EOI_EN, 0x40000000000UL | 1), VEC_GP);
	wrmsr(MSR_KVM_PV_EOI_EN, FLAG_PAGE | 1);
	G_EQ(rdmsr(MSR_KVM_PV_EOI_EN), FLAG_PAGE | 1);
	apic_enable();
	guest_set_handler(HIGH, on_high);
	guest_set_handler(LOW, on_low);
	guest_set_handler(LEVEL_VECTOR, on_level);

	for (u32 i = 1; i <= ROUNDS; i++) {
		self_ipi(LOW);
		sti();
		asm volatile("nop");
		cli();
		G_EQ(TAKEN(0), i);
	}
	expect_idle();
	guest_sync(1);		/* how many were saved is the host's to judge */

	NEST = NEST_LOWER;
	for (u32 i = 1; i <= 10; i++) {
		ORDER = 0;
		self_ipi(HIGH);
		sti();
		asm volatile("nop; nop; nop");
		cli();
		G_EQ(ORDER, 21);
		expect_idle();
	}

	NEST = NEST_HIGHER;
	guest_set_handler(LOW, on_low_nesting);
	for (u32 i = 1; i <= 10; i++) {
		ORDER = 0;
		self_ipi(LOW);
		sti();
		asm volatile("nop");
		cli();
		G_EQ(ORDER, 21);
		expect_idle();
	}

	ioapic_route(5, LEVEL_VECTOR | IOAPIC_LEVEL, 0);
	for (u32 i = 1; i <= 10; i++) {
		outb(0x81, 0);	/* the host raises the line */
		sti();
		asm volatile("nop");
		cli();
		G_EQ(TAKEN(2), i);
		expect_idle();
		G_EQ(ioapic_read(0x10 + 2 * 5) & IOAPIC_REMOTE, 0);
	}

	wrmsr(MSR_KVM_PV_EOI_EN, FLAG_PAGE);
	EOI_FLAG = 0;
	guest_set_handler(LOW, on_low);
	SAVED = 0;
	self_ipi(LOW);
	sti();
	asm volatile("nop");
	cli();
	G_EQ(SAVED, 0);
	expect_idle();
	guest_done();
}

/* Does the device's module use virtual-interrupt delivery?  Without the parameter: it does not. */
static bool uses_apicv(void)
{
	bool kvm = strstr(device_path(), "kvm");
	FILE *f = fopen(kvm ? "/sys/module/kvm_intel/parameters/enable_apicv" :
			"/sys/module/lintel/parameters/vid", "r");
	int c = f ? fgetc(f) : 'N';

	if (f)
		fclose(f);
	return c == 'Y' || c == '1';
}

TEST(as_linux_uses_it)
{
	struct vcpu *v = vcpu_create(vm_create(VM_IRQCHIP), 0);
	volatile struct guest_shared *s = vm_shared(v->vm);
	int event;

	PV_REQUIRE(v->vm, PV_EOI);
	vcpu_set_long(v, guest_pv_eoi);
	vcpu_expect_sync(v, 1);
	ktap_note("%llu of %d EOIs saved", (unsigned long long)s->arg[4], ROUNDS);
	if (uses_apicv())
		CHECK_EQ(s->arg[4], 0);
	else
		CHECK(s->arg[4] >= ROUNDS * 9 / 10, "the host hardly offers it");
	CHECK_EQ(vcpu_get_msr(v, MSR_KVM_PV_EOI_EN), FLAG_PAGE | 1);
	while ((event = vcpu_next(v)) == KVM_EXIT_IO)
		vm_irq_line(v->vm, 5, v->run->io.port == 0x81);
	REQUIRE_EQ(event, RUN_DONE);
}
