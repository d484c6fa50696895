// SPDX-License-Identifier: GPL-2.0-only
/*
 * The local APIC of one vCPU: registers through memory and through x2APIC MSRs, self-IPIs,
 * priorities (TPR, PPR, CR8), in-service and request bits, errors, the spurious vector, and a
 * switched-off APIC.
 */
#include "chips.h"
#include "vm.h"

#define VECTOR	0x61

static struct vcpu *start(void (*fn)(void))
{
	struct vcpu *v = vcpu_create(vm_create(VM_IRQCHIP), 0);

	vcpu_set_long(v, fn);
	return v;
}

GUEST_CODE static void guest_registers(void)
{
	G_EQ(apic_read(APIC_ID), 0);
	G_EQ(apic_read(APIC_LVR) & 0xf0, 0x10);		/* integrated, version 0x1x, */
	G_CHECK((apic_read(APIC_LVR) >> 16 & 0xff) >= 5);	/* with six or more local vectors */
	G_EQ(apic_read(APIC_SPIV), 0xff);
	G_EQ(apic_read(APIC_DFR), 0xffffffff);
	G_EQ(apic_read(APIC_LVTT), APIC_LVT_MASKED);
	G_EQ(apic_read(APIC_LVTERR), APIC_LVT_MASKED);
	/* While software has it disabled the mask bits of the local vectors cannot be cleared. */
	apic_write(APIC_LVTT, 0x40);
	G_EQ(apic_read(APIC_LVTT), APIC_LVT_MASKED | 0x40);
	apic_write(APIC_SPIV, APIC_SPIV_ENABLE | 0xff);
	apic_write(APIC_LVTT, 0x40);
	G_EQ(apic_read(APIC_LVTT), 0x40);
	apic_write(APIC_LVTT, APIC_LVT_MASKED);
	apic_write(APIC_TPR, 0xffffffff);
	G_EQ(apic_read(APIC_TPR), 0xff);
	G_EQ(apic_read(APIC_PPR), 0xff);
	apic_write(APIC_TPR, 0);
	G_EQ(apic_read(APIC_PPR), 0);
	apic_write(APIC_LDR, 0xffffffff);
	G_EQ(apic_read(APIC_LDR), 0xff000000);
	apic_write(APIC_DFR, 0x0fffffff);
	G_EQ(apic_read(APIC_DFR), 0x0fffffff);
	apic_write(APIC_DFR, 0xffffffff);
	apic_write(APIC_ICR2, 0xffffffff);
	G_EQ(apic_read(APIC_ICR2), 0xff000000);
	apic_write(APIC_TDCR, 0xffffffff);
	G_EQ(apic_read(APIC_TDCR), 0xb);
	apic_write(APIC_LVT1, 0xffffffff);
	G_EQ(apic_read(APIC_LVT1) & ~0xb7ffu & ~0x5000u,
	     APIC_LVT_MASKED); /* nothing above the mask bit */
	/* Read-only ones. */
	apic_write(APIC_LVR, 0);
	G_CHECK(apic_read(APIC_LVR));
	apic_write(APIC_PPR, 0x55);
	G_EQ(apic_read(APIC_PPR), 0);
	apic_write(APIC_IRR, 0xffffffff);
	apic_write(APIC_ISR, 0xffffffff);
	G_EQ(apic_read(APIC_IRR) | apic_read(APIC_ISR), 0);
	guest_done();
}

TEST(registers) { vcpu_finish(start(guest_registers)); }

GUEST_CODE static void on_irq(struct trap_frame *f)
{
	ARG(0) = ARG(0) << 8 | f->vector;
	ARG(1)++;
	apic_write(APIC_EOI, 0);
}

GUEST_CODE static void guest_self_ipi(void)
{
	for (u32 i = 0x40; i < 0x80; i += 0x10)
		guest_set_handler(i, on_irq);
	apic_write(APIC_SPIV, APIC_SPIV_ENABLE | 0xff);
	self_ipi(0x40);
	self_ipi(0x60);
	self_ipi(0x50);
	self_ipi(0x70);
	self_ipi(0x60);					/* merged with the one that waits */
	G_CHECK(apic_bit(APIC_IRR, 0x40) && apic_bit(APIC_IRR, 0x60));
	G_EQ(ARG(1), 0);
	window();
	G_EQ(ARG(1), 4);
	G_EQ(ARG(0), 0x70605040);
	G_CHECK(!apic_bit(APIC_IRR, 0x40) && !apic_bit(APIC_ISR, 0x40));
	guest_done();
}

TEST(self_ipi_by_priority) { vcpu_finish(start(guest_self_ipi)); }

GUEST_CODE static void guest_tpr(void)
{
	for (u32 i = 0x40; i < 0x80; i += 0x10)
		guest_set_handler(i, on_irq);
	apic_write(APIC_SPIV, APIC_SPIV_ENABLE | 0xff);
	apic_write(APIC_TPR, 0x50);
	self_ipi(0x40);
	self_ipi(0x50);
	self_ipi(0x60);
	window();
	G_EQ(ARG(0), 0x60);				/* the class of the TPR is blocked too */
	apic_write(APIC_TPR, 0x4f);
	window();
	G_EQ(ARG(0), 0x6050);
	WRITE_CR(8, 3);
	window();
	G_EQ(ARG(0), 0x605040);
	/* By CR8 up and down, many times: each lowering lets the next one through. */
	for (u32 i = 0; i < 50; i++) {
		ARG(1) = 0;
		WRITE_CR(8, 7);
		self_ipi(0x70);
		window();
		G_EQ(ARG(1), 0);
		G_CHECK(apic_bit(APIC_IRR, 0x70));
		sti();
		WRITE_CR(8, 6);
		asm volatile("nop");
		cli();
		G_EQ(ARG(1), 1);
	}
	guest_done();
}

TEST(tpr_and_cr8_mask) { vcpu_finish(start(guest_tpr)); }

GUEST_CODE static void on_nested(struct trap_frame *f)
{
	u64 depth = ++ARG(2);

	(void)f;
	G_CHECK(apic_bit(APIC_ISR, f->vector));
	G_EQ(apic_read(APIC_PPR), f->vector & 0xf0);
	if (f->vector == 0x50) {
		self_ipi(0x40);			/* lower: waits for our EOI */
		self_ipi(0x70);			/* higher: now */
		sti();
		asm volatile("nop; nop");
		cli();
		G_EQ(ARG(0), 0x70);
		G_EQ(ARG(2), depth);
	}
	ARG(0) = ARG(0) << 8 | f->vector;
	apic_write(APIC_EOI, 0);
	ARG(2)--;
}

GUEST_CODE static void guest_nested(void)
{
	guest_set_handler(0x40, on_nested);
	guest_set_handler(0x50, on_nested);
	guest_set_handler(0x70, on_nested);
	apic_write(APIC_SPIV, APIC_SPIV_ENABLE | 0xff);
	self_ipi(0x50);
	window();
	G_EQ(ARG(0), 0x705040);
	G_EQ(ARG(2), 0);
	guest_done();
}

TEST(nesting) { vcpu_finish(start(guest_nested)); }

/* STI's shadow: the instruction after STI runs before the interrupt comes; likewise MOV SS. */
GUEST_CODE static void on_shadow(struct trap_frame *f)
{
	ARG(0) = f->rbx;
	ARG(1)++;
	apic_write(APIC_EOI, 0);
}

GUEST_CODE static void guest_shadow(void)
{
	u64 b = 0;

	guest_set_handler(VECTOR, on_shadow);
	apic_write(APIC_SPIV, APIC_SPIV_ENABLE | 0xff);
	self_ipi(VECTOR);
	asm volatile("sti; mov $1, %%ebx; mov $2, %%ebx; cli" : "+b"(b) :: "memory");
	G_EQ(ARG(1), 1);
	G_EQ(ARG(0), 1);
	self_ipi(VECTOR);
	asm volatile("sti; cli" ::: "memory");		/* no window at all */
	G_EQ(ARG(1), 1);
	asm volatile("mov $3, %%ebx; sti; outb %%al, $0x80; mov $5, %%ebx; cli"
		     : "+b"(b)::"memory", "rax");
	G_EQ(ARG(1), 2); /* behind the exit, which must not eat the shadow twice */
	G_EQ(ARG(0), 3);
	guest_done();
}

TEST(sti_shadow)
{
	struct vcpu *v = start(guest_shadow);

	vcpu_expect(v, KVM_EXIT_IO);
	CHECK_EQ(v->run->io.port, 0x80);
	vcpu_finish(v);
}

GUEST_CODE static void guest_hlt(void)
{
	guest_set_handler(VECTOR, on_irq);
	apic_write(APIC_SPIV, APIC_SPIV_ENABLE | 0xff);
	for (u32 i = 1; i < 20; i++) {
		self_ipi(VECTOR);
		sti_hlt();
		cli();
		G_EQ(ARG(1), i);
	}
	guest_done();
}

TEST(hlt_with_an_interrupt_waiting) { vcpu_finish(start(guest_hlt)); }

GUEST_CODE static void guest_x2apic(void)
{
	u64 v;

	guest_set_handler(VECTOR, on_irq);
	wrmsr(MSR_APICBASE, rdmsr(MSR_APICBASE) | APICBASE_X2APIC);
	/*
	 * The registers move from memory to MSRs; the EOI, ICR and self-IPI ones change their
	 * form.
	 */
	G_EQ(rdmsr(MSR_X2APIC + 2), 0);
	G_EQ(rdmsr(MSR_X2APIC + 3) & 0xf0, 0x10);
	G_EQ(rdmsr(MSR_X2APIC + 0xd), 1);		/* LDR of x2APIC ID 0 */
	wrmsr(MSR_X2APIC + 0xf, APIC_SPIV_ENABLE | 0xff);
	G_EQ(rdmsr(MSR_X2APIC + 0xf), APIC_SPIV_ENABLE | 0xff);
	wrmsr(MSR_X2APIC + 8, 0x20);
	G_EQ(rdmsr(MSR_X2APIC + 8), 0x20);
	G_EQ(READ_CR(8), 2);
	wrmsr(MSR_X2APIC + 8, 0);
	/* Reserved bits and registers that are not there. */
	G_EQ(try_wrmsr(MSR_X2APIC + 2, 0), VEC_GP);		/* ID: read-only */
	G_EQ(try_wrmsr(MSR_X2APIC + 0xd, 0), VEC_GP);
	G_EQ(try_rdmsr(MSR_X2APIC + 0xe, &v), VEC_GP);		/* DFR: gone */
	G_EQ(try_wrmsr(MSR_X2APIC + 0xb, 1), VEC_GP);		/* EOI: zero only */
	G_EQ(try_rdmsr(MSR_X2APIC + 0x3f, &v), VEC_GP);		/* self-IPI: write-only */
	G_EQ(try_wrmsr(MSR_X2APIC + 0x3f, 0x100), VEC_GP);
	G_EQ(try_rdmsr(MSR_X2APIC + 0x31, &v), VEC_GP);		/* ICR2: gone */
	G_EQ(try_wrmsr(MSR_X2APIC + 8, 0x100), VEC_GP);
	guest_sync(1);
	wrmsr(MSR_X2APIC + 0x3f, VECTOR);
	sti();
	asm volatile("nop");
	cli();
	G_EQ(ARG(2), 1);
	wrmsr(MSR_X2APIC + 0x30, APIC_DEST_SELF | VECTOR);
	sti();
	asm volatile("nop");
	cli();
	G_EQ(ARG(2), 2);
	guest_done();
}

GUEST_CODE static void on_x2apic(struct trap_frame *f)
{
	(void)f;
	ARG(2)++;
	wrmsr(MSR_X2APIC + 0xb, 0);
}

TEST(x2apic)
{
	struct vcpu *v = start(guest_x2apic);

	vcpu_expect_sync(v, 1);
	vm_shared(v->vm)->handler[VECTOR] = guest_addr(on_x2apic);
	vcpu_finish(v);
}

GUEST_CODE static void guest_errors(void)
{
	apic_write(APIC_SPIV, APIC_SPIV_ENABLE | 0xff);
	apic_write(APIC_ESR, 0);
	apic_write(APIC_ESR, 0);
	G_EQ(apic_read(APIC_ESR), 0);
	guest_set_handler(VECTOR, on_irq);
	/*
	 * An APIC that software disables delivers nothing of its own and masks its local vectors.
	 */
	apic_write(APIC_LVTT, VECTOR);
	apic_write(APIC_SPIV, 0xff);
	G_EQ(apic_read(APIC_LVTT), VECTOR | APIC_LVT_MASKED);
	G_EQ(ARG(1), 0);
	guest_done();
}

TEST(errors_and_software_disable) { vcpu_finish(start(guest_errors)); }

/*
 * State that the VMM sets: an interrupt in the IRR is delivered, one in the ISR blocks those
 * below.
 */
GUEST_CODE static void guest_restored(void)
{
	guest_set_handler(0x40, on_irq);
	guest_set_handler(0x70, on_irq);
	apic_write(APIC_SPIV, APIC_SPIV_ENABLE | 0xff);
	guest_sync(1);
	window();
	G_EQ(ARG(0), 0x70);
	G_CHECK(apic_bit(APIC_ISR, 0x50));
	apic_write(APIC_EOI, 0);
	window();
	G_EQ(ARG(0), 0x7040);
	guest_done();
}

TEST(state_set_by_the_vmm)
{
	struct vcpu *v = start(guest_restored);
	struct kvm_lapic_state s;

	vcpu_expect_sync(v, 1);
	REQUIRE_OK(ioctl(v->fd, KVM_GET_LAPIC, &s));
	*(u32 *)(s.regs + APIC_IRR + 0x20) |= 1;		/* 0x40 */
	*(u32 *)(s.regs + APIC_IRR + 0x30) |= 1 << 16;		/* 0x70 */
	*(u32 *)(s.regs + APIC_ISR + 0x20) |= 1 << 16;		/* 0x50 */
	REQUIRE_OK(ioctl(v->fd, KVM_SET_LAPIC, &s));
	vcpu_finish(v);
}
