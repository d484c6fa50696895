// SPDX-License-Identifier: GPL-2.0-only
/*
 * The irqchip as a whole: PIC pair, IOAPIC and routing are made and destroyed together, and the
 * accesses of a vCPU to ports and MMIO are handed to the chip that decodes them.
 *
 * A split irqchip (KVM_CAP_SPLIT_IRQCHIP) is the same object with routing alone: its PIC and
 * IOAPIC are in user space, and those here are never reached.
 */
#include "chips.h"
#include "lapic.h"

static int irqchip_create(struct lintel_vm *vm, bool split)
{
	struct lintel_irqchip *chip = kzalloc(sizeof(*chip), GFP_KERNEL_ACCOUNT);
	int ret;

	if (!chip)
		return -ENOMEM;
	mutex_init(&chip->map_lock);
	lintel_pic_init(&chip->pic);
	lintel_ioapic_init(vm, &chip->ioapic);
	spin_lock_init(&chip->irqfd_lock);
	INIT_LIST_HEAD(&chip->irqfds);
	INIT_LIST_HEAD(&chip->resamplers);
	ret = lintel_routing_default(chip, split);
	if (ret) {
		kfree(chip);
		return ret;
	}
	vm->irqchip_split = split;
	smp_store_release(&vm->irqchip, chip);	/* pairs with lintel_irqchip() */
	return 0;
}

int lintel_irqchip_create(struct lintel_vm *vm)
{
	if (vm->irqchip)
		return -EEXIST;
	return vm->nr_vcpus ? -EINVAL : irqchip_create(vm, false);
}

int lintel_irqchip_split(struct lintel_vm *vm, u64 routes)
{
	if (routes > ROUTES_MAX)
		return -EINVAL;
	if (vm->irqchip || vm->nr_vcpus)
		return -EEXIST;
	vm->split_routes = routes;
	return irqchip_create(vm, true);
}

void lintel_irqchip_destroy(struct lintel_vm *vm)
{
	struct lintel_irqchip *chip = vm->irqchip;

	if (!chip)
		return;
	lintel_irqfd_destroy(chip);
	lintel_pit_destroy(vm);
	lintel_ioapic_destroy(&chip->ioapic);
	lintel_routing_destroy(chip);
	lintel_lapic_map_destroy(chip);
	WRITE_ONCE(vm->irqchip, NULL);
	kfree(chip);
}

void lintel_irq_eoi_changed(struct lintel_vm *vm)
{
	struct lintel_vcpu *vcpu;
	unsigned int i;

	for_each_vcpu(i, vcpu, vm) {
		lintel_vcpu_request(vcpu, REQ_EOI_VECTORS);
		lintel_vcpu_kick(vcpu);
	}
}

u64 lintel_acked_pins(struct lintel_vm *vm)
{
	return lintel_irqfd_pins(vm) | (lintel_pit_wants_acks(vm) ? lintel_gsi_pins(vm, 0) : 0);
}

void lintel_irq_acked(struct lintel_vm *vm, u64 pins)
{
	lintel_irqfd_acked(vm, pins);
	lintel_pit_acked(vm, pins);
}

void lintel_irq_eoi_vectors(struct lintel_vcpu *vcpu, u64 bitmap[4])
{
	memset(bitmap, 0, 4 * sizeof(bitmap[0]));
	if (!vcpu->lapic)
		return;
	if (lintel_pic_in_kernel(vcpu->vm))
		lintel_ioapic_eoi_vectors(vcpu, bitmap);
	else
		lintel_routing_eoi_vectors(vcpu, bitmap);
}

int lintel_irq_line(struct lintel_vm *vm, unsigned int gsi, bool level)
{
	if (!lintel_irqchip(vm))
		return -ENXIO;
	return lintel_gsi_set(vm, SOURCE_USER, gsi, level);
}

int lintel_irqchip_get(struct lintel_vm *vm, struct kvm_irqchip *chip)
{
	if (!lintel_pic_in_kernel(vm))
		return -ENXIO;

	switch (chip->chip_id) {
	case KVM_IRQCHIP_PIC_MASTER:
	case KVM_IRQCHIP_PIC_SLAVE:
		lintel_pic_get(vm, chip->chip_id, &chip->chip.pic);
		return 0;
	case KVM_IRQCHIP_IOAPIC:
		lintel_ioapic_get(vm, &chip->chip.ioapic);
		return 0;
	default:
		return -EINVAL;
	}
}

int lintel_irqchip_set(struct lintel_vm *vm, const struct kvm_irqchip *chip)
{
	if (!lintel_pic_in_kernel(vm))
		return -ENXIO;

	switch (chip->chip_id) {
	case KVM_IRQCHIP_PIC_MASTER:
	case KVM_IRQCHIP_PIC_SLAVE:
		lintel_pic_set(vm, chip->chip_id, &chip->chip.pic);
		return 0;
	case KVM_IRQCHIP_IOAPIC:
		lintel_ioapic_set(vm, &chip->chip.ioapic);
		return 0;
	default:
		return -EINVAL;
	}
}

static bool chip_pio_byte(struct lintel_vm *vm, u32 port, u8 *value, bool write)
{
	if (port > 0xffff)
		return false;
	return lintel_pic_pio(vm, port, value, write) || lintel_pit_pio(vm, port, value, write);
}

/* The chips are 8 bits wide: a wider access is one for each byte, as the bus splits it. */
bool lintel_chip_pio(struct lintel_vcpu *vcpu, u16 port, unsigned int size, void *data, bool write)
{
	struct lintel_vm *vm = vcpu->vm;
	u8 *bytes = data;
	unsigned int i;

	if (!lintel_pic_in_kernel(vm) || !lintel_chip_port(port) ||
	    !chip_pio_byte(vm, port, &bytes[0], write))
		return false;
	for (i = 1; i < size; i++)
		if (!chip_pio_byte(vm, (u32)port + i, &bytes[i], write) && !write)
			bytes[i] = 0xff;
	return true;
}

static bool at_lapic(const struct lintel_vcpu *vcpu, gpa_t gpa)
{
	return !((gpa ^ vcpu->lapic->base) & PAGE_MASK);
}

static bool at_ioapic(const struct lintel_vcpu *vcpu, gpa_t gpa)
{
	return !vcpu->vm->irqchip_split && lintel_ioapic_at(vcpu->vm, gpa);
}

bool lintel_chip_at(const struct lintel_vcpu *vcpu, gpa_t gpa)
{
	return vcpu->lapic && (at_lapic(vcpu, gpa) || at_ioapic(vcpu, gpa));
}

bool lintel_chip_mmio(struct lintel_vcpu *vcpu, gpa_t gpa, unsigned int len, void *data, bool write)
{
	if (!vcpu->lapic)
		return false;
	return (at_lapic(vcpu, gpa) && lintel_lapic_mmio(vcpu, gpa, len, data, write)) ||
	       (at_ioapic(vcpu, gpa) && lintel_ioapic_mmio(vcpu->vm, gpa, len, data, write));
}
