// SPDX-License-Identifier: GPL-2.0-only
/*
 * The 8259 pair in the kernel: registers through their ports and through KVM_GET/SET_IRQCHIP, edge
 * and level lines, masks, priorities, end of interrupt, the cascade and the spurious vector. Lines
 * are driven by KVM_IRQ_LINE.
 */
#include "chips.h"
#include "vm.h"

static struct vcpu *start(void (*fn)(void))
{
	struct vcpu *v = vcpu_create(vm_create(VM_IRQCHIP), 0);

	vcpu_set_long(v, fn);
	return v;
}

GUEST_CODE static void on_irq(struct trap_frame *f)
{
	u32 line = f->vector - PIC_BASE;

	ARG(0) = ARG(0) << 8 | f->vector;	/* the order of arrival, newest last */
	ARG(1)++;
	pic_eoi(line);
}

GUEST_CODE static void on_irq_no_eoi(struct trap_frame *f)
{
	ARG(0) = ARG(0) << 8 | f->vector;
	ARG(1)++;
}

static inline __attribute__((always_inline)) void set_handlers(void (*fn)(struct trap_frame *))
{
	for (u32 i = 0; i < 16; i++)
		guest_set_handler(PIC_BASE + i, fn);
}

GUEST_CODE static void guest_registers(void)
{
	pic_init(0);
	G_EQ(inb(PIC1 + 1), 0xff);
	G_EQ(inb(PIC2 + 1), 0xff);
	outb(PIC1 + 1, 0xa5);
	outb(PIC2 + 1, 0x5a);
	G_EQ(inb(PIC1 + 1), 0xa5);
	G_EQ(inb(PIC2 + 1), 0x5a);
	G_EQ(pic_irr(), 0);
	guest_sync(1);			/* lines 3 and 12 rise */
	G_EQ(pic_irr() & ~4, 1 << 3 | 1 << 12);
	G_EQ(pic_isr(), 0);
	outb(0x4d0, 0xff); /* edge or level: 0, 1 and 2 are always edge, 8 and 13 too */
	outb(0x4d1, 0xff);
	G_EQ(inb(0x4d0), 0xf8);
	G_EQ(inb(0x4d1), 0xde);
	guest_done();
}

TEST(registers)
{
	struct vcpu *v = start(guest_registers);
	struct kvm_irqchip chip = { .chip_id = KVM_IRQCHIP_PIC_MASTER };

	vcpu_expect_sync(v, 1);
	REQUIRE_OK(ioctl(v->vm->fd, KVM_GET_IRQCHIP, &chip));
	CHECK_EQ(chip.chip.pic.imr, 0xa5);
	CHECK_EQ(chip.chip.pic.irq_base, PIC_BASE);
	vm_irq_line(v->vm, 3, 1);
	vm_irq_line(v->vm, 12, 1);
	vcpu_finish(v);
	chip.chip_id = KVM_IRQCHIP_PIC_SLAVE;
	REQUIRE_OK(ioctl(v->vm->fd, KVM_GET_IRQCHIP, &chip));
	CHECK_EQ(chip.chip.pic.imr, 0x5a);
	CHECK_EQ(chip.chip.pic.irr & 1 << 4, 1 << 4);
	CHECK_EQ(chip.chip.pic.elcr, 0xde);
	ktap_row("a vector base comes back as it was set");
	chip.chip.pic.irq_base = 0x0a;
	REQUIRE_OK(ioctl(v->vm->fd, KVM_SET_IRQCHIP, &chip));
	chip.chip.pic.irq_base = 0;
	REQUIRE_OK(ioctl(v->vm->fd, KVM_GET_IRQCHIP, &chip));
	CHECK_EQ(chip.chip.pic.irq_base, 0x0a);
	ktap_row("so does which lines may be level-triggered");
	chip.chip.pic.elcr_mask = 0;
	REQUIRE_OK(ioctl(v->vm->fd, KVM_SET_IRQCHIP, &chip));
	chip.chip.pic.elcr_mask = 0xff;
	REQUIRE_OK(ioctl(v->vm->fd, KVM_GET_IRQCHIP, &chip));
	CHECK_EQ(chip.chip.pic.elcr_mask, 0);
	chip.chip.pic.imr = 0x77;
	REQUIRE_OK(ioctl(v->vm->fd, KVM_SET_IRQCHIP, &chip));
	chip.chip.pic.imr = 0;
	REQUIRE_OK(ioctl(v->vm->fd, KVM_GET_IRQCHIP, &chip));
	CHECK_EQ(chip.chip.pic.imr, 0x77);
	chip.chip_id = 3;
	CHECK_ERRNO(ioctl(v->vm->fd, KVM_GET_IRQCHIP, &chip), EINVAL);
}

GUEST_CODE static void guest_edge(void)
{
	set_handlers(on_irq);
	apic_virtual_wire();
	pic_init(0);
	pic_unmask(1 << 4 | 1 << 9);
	guest_sync(1);			/* line 4 up */
	wait_irqs(1);
	G_EQ(ARG(0), 0x54);
	sti();
	asm volatile("nop");
	cli();
	G_EQ(ARG(1), 1);		/* high, but no new edge */
	guest_sync(2);			/* down and up: one more */
	wait_irqs(2);
	G_EQ(ARG(0), 0x5454);
	guest_sync(3);			/* line 9, on the slave */
	wait_irqs(3);
	G_EQ(ARG(0), 0x545459);
	G_EQ(pic_isr(), 0);
	guest_done();
}

TEST(edge_lines)
{
	struct vcpu *v = start(guest_edge);

	vcpu_expect_sync(v, 1);
	vm_irq_line(v->vm, 4, 1);
	vcpu_expect_sync(v, 2);
	vm_irq_line(v->vm, 4, 0);
	vm_irq_line(v->vm, 4, 1);
	vcpu_expect_sync(v, 3);
	vm_irq_line(v->vm, 9, 1);
	vcpu_finish(v);
	CHECK_EQ(vm_shared(v->vm)->count[PIC_BASE + 4], 2);
	CHECK_EQ(vm_shared(v->vm)->count[PIC_BASE + 9], 1);
}

GUEST_CODE static void on_level(struct trap_frame *f)
{
	ARG(1)++;
	if (ARG(1) == 3)
		guest_sync(0x100);	/* the device's register: the VMM lowers the line */
	pic_eoi(f->vector - PIC_BASE);
}

GUEST_CODE static void guest_level(void)
{
	set_handlers(on_level);
	apic_virtual_wire();
	pic_init(0);
	outb(0x4d1, 1 << 2);		/* line 10 */
	pic_unmask(1 << 10);
	guest_sync(1);
	wait_irqs(3);
	sti();
	asm volatile("nop; nop");
	cli();
	G_EQ(ARG(1), 3);
	guest_done();
}

TEST(level_line_repeats_until_lowered)
{
	struct vcpu *v = start(guest_level);

	vcpu_expect_sync(v, 1);
	vm_irq_line(v->vm, 10, 1);
	vcpu_expect_sync(v, 0x100);
	vm_irq_line(v->vm, 10, 0);
	vcpu_finish(v);
}

GUEST_CODE static void guest_mask(void)
{
	set_handlers(on_irq);
	apic_virtual_wire();
	pic_init(0);
	guest_sync(1);			/* line 5 up while masked */
	sti();
	asm volatile("nop; nop");
	cli();
	G_EQ(ARG(1), 0);
	pic_unmask(1 << 5);
	sti();
	asm volatile("nop; nop");
	cli();
	G_EQ(ARG(1), 1);
	guest_done();
}

TEST(masked_line_waits)
{
	struct vcpu *v = start(guest_mask);

	vcpu_expect_sync(v, 1);
	vm_irq_line(v->vm, 5, 1);
	vcpu_finish(v);
}

/* Lines 7, 1, 8 and 3 rise together with interrupts off: they come in the order 1, 8, 3, 7. */
GUEST_CODE static void guest_priority(void)
{
	set_handlers(on_irq);
	apic_virtual_wire();
	pic_init(0);
	pic_unmask(1 << 7 | 1 << 1 | 1 << 8 | 1 << 3);
	guest_sync(1);
	wait_irqs(4);
	G_EQ(ARG(0), 0x51585357);
	guest_done();
}

TEST(priorities)
{
	struct vcpu *v = start(guest_priority);

	vcpu_expect_sync(v, 1);
	vm_irq_line(v->vm, 7, 1);
	vm_irq_line(v->vm, 1, 1);
	vm_irq_line(v->vm, 8, 1);
	vm_irq_line(v->vm, 3, 1);
	vcpu_finish(v);
}

/* While line 3 is in service, line 5 waits and line 1 does not; EOI lets line 5 through. */
GUEST_CODE static void guest_nesting(void)
{
	set_handlers(on_irq_no_eoi);
	apic_virtual_wire();
	pic_init(0);
	pic_unmask(1 << 3 | 1 << 5 | 1 << 1);
	guest_sync(3);
	wait_irqs(1);
	G_EQ(pic_isr(), 1 << 3);
	guest_sync(5);
	sti();
	asm volatile("nop; nop");
	cli();
	G_EQ(ARG(1), 1);
	guest_sync(1);
	wait_irqs(2);
	G_EQ(ARG(0), 0x5351);
	G_EQ(pic_isr(), 1 << 3 | 1 << 1);
	outb(PIC1, 0x60 | 1);		/* specific EOI */
	outb(PIC1, 0x60 | 3);
	wait_irqs(3);
	G_EQ(ARG(0), 0x535155);
	outb(PIC1, 0x20);
	G_EQ(pic_isr(), 0);
	guest_done();
}

TEST(in_service_blocks_lower)
{
	struct vcpu *v = start(guest_nesting);

	for (int i = 0; i < 3; i++) {
		vcpu_expect(v, RUN_SYNC);
		vm_irq_line(v->vm, v->value, 1);
	}
	vcpu_finish(v);
}

GUEST_CODE static void guest_auto_eoi(void)
{
	set_handlers(on_irq_no_eoi);
	apic_virtual_wire();
	pic_init(1);
	pic_unmask(1 << 4);
	for (u32 i = 1; i < 4; i++) {
		guest_sync(i);
		wait_irqs(i);
		G_EQ(pic_isr(), 0);
	}
	guest_done();
}

TEST(automatic_eoi)
{
	struct vcpu *v = start(guest_auto_eoi);

	for (u32 i = 1; i < 4; i++) {
		vcpu_expect_sync(v, i);
		vm_irq_line(v->vm, 4, 0);
		vm_irq_line(v->vm, 4, 1);
	}
	vcpu_finish(v);
}

/* KVM_IRQ_LINE_STATUS tells whether an edge was merged into one that waits already. */
TEST(irq_line_status)
{
	struct vcpu *v = start(guest_registers);
	struct kvm_irq_level line = { .irq = 4, .level = 1 };

	REQUIRE_CAP(v->vm->dev, KVM_CAP_IRQ_INJECT_STATUS);
	REQUIRE_OK(ioctl(v->vm->fd, KVM_IRQ_LINE_STATUS, &line));
	line.irq = 5000;
	CHECK(ioctl(v->vm->fd, KVM_IRQ_LINE, &line) == 0 || errno == EINVAL,
	      "a line that is not there: errno %d", errno);
}

TEST(irq_line_needs_a_chip)
{
	struct vm *vm = vm_create(0);
	struct kvm_irq_level line = { .irq = 4, .level = 1 };

	CHECK_ERRNO(ioctl(vm->fd, KVM_IRQ_LINE, &line), ENXIO);
}
