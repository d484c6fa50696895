// SPDX-License-Identifier: GPL-2.0-only
/*
 * The IOAPIC in the kernel: its registers, edge and level pins to the local APIC, remote IRR and
 * EOI, masks, and the state as KVM_GET_IRQCHIP shows it.
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
	G_EQ(ioapic_read(1) & 0xff, 0x11);			/* version of the 82093AA, */
	G_EQ(ioapic_read(1) >> 16 & 0xff, 23);			/* 24 pins */
	ioapic_write(0, 0x05000000);
	G_EQ(ioapic_read(0) >> 24 & 0xf, 5);
	G_EQ(ioapic_read(2) >> 24 & 0xf, 5);			/* arbitration follows the ID */
	for (u32 pin = 0; pin < 24; pin++) {
		G_EQ(ioapic_read(0x10 + 2 * pin), IOAPIC_MASK);	/* after reset */
		ioapic_write(0x11 + 2 * pin, 0xff000000);
		G_EQ(ioapic_read(0x11 + 2 * pin) & 0xff000000, 0xff000000);
		/* Delivery status and remote IRR are read-only. */
		ioapic_write(0x10 + 2 * pin,
			     IOAPIC_MASK | 0x1000 | IOAPIC_REMOTE | 0x2000 | 0x800 | 0x30);
		G_EQ(ioapic_read(0x10 + 2 * pin), IOAPIC_MASK | 0x2000 | 0x800 | 0x30);
	}
	mmio_write(IOAPIC_BASE, 0x3f);
	G_EQ(mmio_read(IOAPIC_BASE), 0x3f);
	guest_done();
}

TEST(registers)
{
	struct vcpu *v = start(guest_registers);
	struct kvm_irqchip chip = { .chip_id = KVM_IRQCHIP_IOAPIC };

	vcpu_finish(v);
	REQUIRE_OK(ioctl(v->vm->fd, KVM_GET_IRQCHIP, &chip));
	CHECK_EQ(chip.chip.ioapic.base_address, IOAPIC_BASE);
	CHECK_EQ(chip.chip.ioapic.id, 5);
	CHECK_EQ(chip.chip.ioapic.redirtbl[4].fields.vector, 0x30);
	CHECK_EQ(chip.chip.ioapic.redirtbl[4].fields.mask, 1);
	chip.chip.ioapic.redirtbl[4].fields.vector = 0x44;
	REQUIRE_OK(ioctl(v->vm->fd, KVM_SET_IRQCHIP, &chip));
	chip.chip.ioapic.redirtbl[4].fields.vector = 0;
	REQUIRE_OK(ioctl(v->vm->fd, KVM_GET_IRQCHIP, &chip));
	CHECK_EQ(chip.chip.ioapic.redirtbl[4].fields.vector, 0x44);
}

GUEST_CODE static void on_irq(struct trap_frame *f)
{
	ARG(0) = ARG(0) << 8 | f->vector;
	ARG(1)++;
	apic_write(APIC_EOI, 0);
}

GUEST_CODE static void guest_edge(void)
{
	guest_set_handler(VECTOR, on_irq);
	apic_enable();
	ioapic_route(5, VECTOR, 0);
	guest_sync(1);				/* up */
	wait_irqs(1);
	window();
	G_EQ(ARG(1), 1);
	guest_sync(2);				/* down, up */
	wait_irqs(2);
	ioapic_write(0x10 + 2 * 5, VECTOR | IOAPIC_MASK);
	guest_sync(3);				/* down, up: lost, since it is masked (edge) */
	window();
	G_EQ(ARG(1), 2);
	G_EQ(ioapic_read(0x10 + 2 * 5) & IOAPIC_REMOTE, 0);
	guest_done();
}

TEST(edge_pin)
{
	struct vcpu *v = start(guest_edge);

	vcpu_expect_sync(v, 1);
	vm_irq_line(v->vm, 5, 1);
	for (u32 i = 2; i < 4; i++) {
		vcpu_expect_sync(v, i);
		vm_irq_line(v->vm, 5, 0);
		vm_irq_line(v->vm, 5, 1);
	}
	vcpu_finish(v);
}

GUEST_CODE static void on_level(struct trap_frame *f)
{
	(void)f;
	ARG(1)++;
	G_EQ(ioapic_read(0x10 + 2 * 20) & IOAPIC_REMOTE, IOAPIC_REMOTE);
	G_CHECK(apic_bit(APIC_TMR, VECTOR));
	G_CHECK(apic_bit(APIC_ISR, VECTOR));
	if (ARG(1) == 3)
		guest_sync(0x100);		/* the VMM lowers the line */
	apic_write(APIC_EOI, 0);
}

GUEST_CODE static void guest_level(void)
{
	guest_set_handler(VECTOR, on_level);
	apic_enable();
	ioapic_route(20, VECTOR | IOAPIC_LEVEL, 0);
	guest_sync(1);
	wait_irqs(3);
	window();
	G_EQ(ARG(1), 3);
	G_EQ(ioapic_read(0x10 + 2 * 20) & IOAPIC_REMOTE, 0);
	guest_done();
}

TEST(level_pin)
{
	struct vcpu *v = start(guest_level);

	vcpu_expect_sync(v, 1);
	vm_irq_line(v->vm, 20, 1);
	vcpu_expect_sync(v, 0x100);
	vm_irq_line(v->vm, 20, 0);
	vcpu_finish(v);
}

GUEST_CODE static void on_level_once(struct trap_frame *f)
{
	(void)f;
	ARG(1)++;
	guest_sync(2); /* the VMM lowers the line; else it would interrupt for ever */
	apic_write(APIC_EOI, 0);
}

GUEST_CODE static void guest_level_masked(void)
{
	guest_set_handler(VECTOR, on_level_once);
	apic_enable();
	ioapic_route(20, VECTOR | IOAPIC_LEVEL | IOAPIC_MASK, 0);
	guest_sync(1);				/* up while masked */
	window();
	G_EQ(ARG(1), 0);
	ioapic_write(0x10 + 2 * 20, VECTOR | IOAPIC_LEVEL);
	wait_irqs(1);
	window();
	G_EQ(ARG(1), 1);
	guest_done();
}

TEST(masked_level_pin_waits)
{
	struct vcpu *v = start(guest_level_masked);

	vcpu_expect_sync(v, 1);
	vm_irq_line(v->vm, 20, 1);
	vcpu_expect_sync(v, 2);
	vm_irq_line(v->vm, 20, 0);
	vcpu_finish(v);
}

/* Sixteen pins at once: the local APIC delivers by vector, highest first. */
GUEST_CODE static void guest_many(void)
{
	for (u32 i = 0; i < 8; i++) {
		guest_set_handler(0x40 + i * 4, on_irq);
		ioapic_route(8 + i, 0x40 + i * 4, 0);
	}
	apic_enable();
	guest_sync(1);
	wait_irqs(8);
	G_EQ(ARG(0), 0x5c5854504c484440);
	guest_done();
}

TEST(vector_is_priority)
{
	struct vcpu *v = start(guest_many);

	vcpu_expect_sync(v, 1);
	for (u32 i = 0; i < 8; i++)
		vm_irq_line(v->vm, 8 + (i * 3 & 7), 1);
	vcpu_finish(v);
}

/* An MSI by KVM_SIGNAL_MSI, physical destination 0, and the same through a routing entry. */
GUEST_CODE static void guest_msi(void)
{
	guest_set_handler(VECTOR, on_irq);
	apic_enable();
	guest_sync(1);
	wait_irqs(1);
	G_EQ(ARG(0), VECTOR);
	guest_sync(2);
	wait_irqs(2);
	guest_done();
}

TEST(msi)
{
	struct vcpu *v = start(guest_msi);
	struct kvm_msi msi = { .address_lo = APIC_BASE, .data = VECTOR };
	struct {
		struct kvm_irq_routing head;
		struct kvm_irq_routing_entry e;
	} route = {
		.head.nr = 1,
		.e = { .gsi = 30, .type = KVM_IRQ_ROUTING_MSI,
		       .u.msi = { .address_lo = APIC_BASE, .data = VECTOR } },
	};

	REQUIRE_CAP(v->vm->dev, KVM_CAP_SIGNAL_MSI);
	vcpu_expect_sync(v, 1);
	CHECK_EQ(ioctl(v->vm->fd, KVM_SIGNAL_MSI, &msi), 1);
	vcpu_expect_sync(v, 2);
	REQUIRE_OK(ioctl(v->vm->fd, KVM_SET_GSI_ROUTING, &route));
	vm_irq_line(v->vm, 30, 1);
	vcpu_finish(v);
}
