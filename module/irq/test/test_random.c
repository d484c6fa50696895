// SPDX-License-Identifier: GPL-2.0-only
/*
 * What scripts cannot say: the refusals of KVM_SET_GSI_ROUTING and of creation as a table, and a
 * guest, devices and user space that do random things for a while.  The latter passes when no
 * sanitizer, lock check or bound complains, and when state that is taken out and put back reads
 * the same again.
 */
#include "script.h"

#define ROUNDS		400000

static const struct {
	const char *name;
	unsigned int nr, flags;
	struct kvm_irq_routing_entry entry[2];
	int expect;
} routings[] = {
	{ "nothing", 0, 0, { { 0 } }, 0 },
	{ "one MSI", 1, 0, { { .gsi = 30, .type = 2, .u.msi = { .address_lo = 0xfee01000 } } }, 0 },
	{ "the highest GSI", 1, 0, { { .gsi = 4095, .type = 2 } }, 0 },
	{ "a GSI too high", 1, 0, { { .gsi = 4096, .type = 2 } }, -EINVAL },
	{ "table flags", 1, 1, { { .gsi = 1, .type = 2 } }, -EINVAL },
	{ "entry flags", 1, 0, { { .gsi = 1, .type = 2, .flags = 1 } }, -EINVAL },
	{ "an unknown type", 1, 0, { { .gsi = 1, .type = 3 } }, -EINVAL },
	{ "type 0", 1, 0, { { .gsi = 1, .type = 0 } }, -EINVAL },
	{ "PIC pin 7", 1, 0, { { .gsi = 1, .type = 1, .u.irqchip = { 0, 7 } } }, 0 },
	{ "PIC pin 8", 1, 0, { { .gsi = 1, .type = 1, .u.irqchip = { 1, 8 } } }, -EINVAL },
	{ "IOAPIC pin 23", 1, 0, { { .gsi = 1, .type = 1, .u.irqchip = { 2, 23 } } }, 0 },
	{ "IOAPIC pin 24", 1, 0, { { .gsi = 1, .type = 1, .u.irqchip = { 2, 24 } } }, -EINVAL },
	{ "an unknown chip", 1, 0, { { .gsi = 1, .type = 1, .u.irqchip = { 3, 0 } } }, -EINVAL },
	{ "PIC and IOAPIC", 2, 0, { { .gsi = 1, .type = 1, .u.irqchip = { 0, 1 } },
				    { .gsi = 1, .type = 1, .u.irqchip = { 2, 1 } } }, 0 },
	{ "two pins of one chip", 2, 0, { { .gsi = 1, .type = 1, .u.irqchip = { 2, 1 } },
					  { .gsi = 1, .type = 1, .u.irqchip = { 2, 2 } } },
	  -EINVAL },
	{ "MSI and pin", 2, 0, { { .gsi = 1, .type = 2 },
				 { .gsi = 1, .type = 1, .u.irqchip = { 2, 2 } } }, -EINVAL },
	{ "too many", 4097, 0, { { 0 } }, -EINVAL },
};

void test_routing(void)
{
	const struct kvm_irq_routing_entry msi = {
		.gsi = 30, .type = KVM_IRQ_ROUTING_MSI,
		.u.msi = { .address_lo = 0xfee01000, .data = 0x77 },
	};
	const struct kvm_pit_config pit = { .flags = 0 }, bad_pit = { .flags = 2 };
	struct kvm_irqchip chip = { .chip_id = 3 };
	struct lintel_vm empty = { 0 };
	struct lintel_vm *vm = test_vm_create(false);
	unsigned int i;
	bool good;

	for (i = 0; i < ARRAY_SIZE(routings); i++) {
		int ret = lintel_routing_set(vm, routings[i].entry, routings[i].nr,
					     routings[i].flags);

		tap_ok(ret == routings[i].expect, "routing: %s: %s", routings[i].name,
		       routings[i].expect ? "refused" : "accepted");
	}

	lintel_lapic_reg_write(vm->vcpus[1]->lapic, APIC_SPIV, 0x1ff);
	good = !lintel_routing_set(vm, &msi, 1, 0) && lintel_irq_line(vm, 30, true) == 1 &&
	       lintel_irq_line(vm, 30, false) == -1 && lintel_irq_line(vm, 16, true) == -1 &&
	       lintel_irq_ack(vm->vcpus[1]) == 0x77;
	tap_ok(good, "routing: an MSI route sends at level 1, and the old table is gone");

	good = lintel_irqchip_create(vm) == -EEXIST && lintel_pit_create(vm, &pit) == -EEXIST &&
	       lintel_pit_create(&empty, &pit) == -ENOENT && lintel_irq_line(&empty, 0, 1) == -ENXIO &&
	       lintel_irqchip_get(&empty, &chip) == -ENXIO &&
	       lintel_irqchip_get(vm, &chip) == -EINVAL && lintel_irqchip_set(vm, &chip) == -EINVAL;
	tap_ok(good, "irqchip: twice, without, and unknown chips are refused");

	empty.nr_vcpus = 1;
	good = lintel_irqchip_create(&empty) == -EINVAL;
	empty.nr_vcpus = 0;
	good = good && !lintel_irqchip_create(&empty) &&
	       lintel_pit_create(&empty, &bad_pit) == -EINVAL;
	lintel_irqchip_destroy(&empty);
	tap_ok(good, "irqchip: not after a vCPU; PIT: no unknown flags");
	test_vm_destroy(vm);
}

static u64 random64(void)
{
	static u64 state = 0x9e3779b97f4a7c15ull;

	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return state * 0x2545f4914f6cdd1dull;
}

/* Small numbers, all ones, one bit, anything. */
static u64 random_value(void)
{
	u64 r = random64();

	switch (r & 3) {
	case 0:
		return r >> 56;
	case 1:
		return 1ull << (r >> 58);
	case 2:
		return (u32)r;
	default:
		return random64();
	}
}

static void random_state(struct lintel_vm *vm)
{
	struct kvm_irqchip chip = { .chip_id = random64() % 4 };
	struct kvm_lapic_state lapic;
	struct kvm_pit_state2 pit;
	u8 *bytes = (u8 *)&chip.chip;
	unsigned int i;

	for (i = 0; i < sizeof(chip.chip); i++)
		bytes[i] = random64();
	/* a base of the IOAPIC that hits the pages which the guest uses */
	if (chip.chip_id == KVM_IRQCHIP_IOAPIC)
		chip.chip.ioapic.base_address = 0xfec00000;
	lintel_irqchip_set(vm, &chip);
	for (i = 0; i < sizeof(pit); i++)
		((u8 *)&pit)[i] = random64();
	lintel_pit_set(vm, &pit);
	for (i = 0; i < sizeof(lapic); i++)
		lapic.regs[i] = random64();
	lintel_lapic_set(vm->vcpus[random64() % TEST_VCPUS], &lapic);
}

static void random_step(struct lintel_vm *vm)
{
	static const u16 ports[] = { 0x20, 0x21, 0xa0, 0xa1, 0x4d0, 0x4d1, 0x40, 0x41, 0x42, 0x43,
				     0x61 };
	static const u64 bases[] = { 0xfee00000, 0xfee00800, 0xfee00c00, 0x80000900 };
	struct lintel_vcpu *vcpu = vm->vcpus[random64() % TEST_VCPUS];
	u64 value = random_value(), r = random64();
	struct kvm_msi msi = { .address_lo = 0xfee00000 | (r >> 40), .data = value };
	u8 data[8] = { 0 };

	memcpy(data, &value, sizeof(data));
	switch (r % 16) {
	case 0 ... 2:
		lintel_chip_pio(vcpu, ports[(r >> 8) % ARRAY_SIZE(ports)], 1 << (r >> 32) % 3, data,
				r >> 16 & 1);
		break;
	case 3:
		data[0] = r >> 8 & 0x3f;
		lintel_chip_mmio(vcpu, 0xfec00000, 4, data, true);
		break;
	case 4:
		lintel_chip_mmio(vcpu, 0xfec00010 + (r >> 60), 4, data, r >> 16 & 1);
		break;
	case 5 ... 6:
		lintel_chip_mmio(vcpu, (lintel_lapic_base(vcpu) & PAGE_MASK) + (r >> 8 & 0x3ff),
				 1 << (r >> 32) % 4, data, r >> 16 & 1);
		break;
	case 7:
		lintel_chip_mmio(vcpu, (lintel_lapic_base(vcpu) & PAGE_MASK) + (r >> 8 & 0x3f0),
				 4, data, r >> 16 & 1);
		break;
	case 8:
		lintel_lapic_x2apic_write(vcpu, 0x800 + (r >> 8 & 0xff), value);
		lintel_lapic_x2apic_read(vcpu, 0x800 + (r >> 16 & 0xff), &value);
		break;
	case 9 ... 10:
		lintel_irq_line(vm, (r >> 8) % 26, r >> 16 & 1);
		break;
	case 11:
		lintel_msi_send(vm, &msi);
		break;
	case 12:
		shim_advance((r >> 8) % 3000000);
		break;
	case 13:
		if (r >> 8 & 1)
			lintel_lapic_set_tsc_deadline(vcpu, rdtsc() + value);
		else
			lintel_lapic_set_base(vcpu, bases[r >> 16 & 3], r >> 18 & 1);
		lintel_lapic_take_init(vcpu);
		lintel_lapic_take_sipi(vcpu);
		break;
	case 14:
		/* mostly a guest that works: else every later step meets switched-off LAPICs */
		lintel_lapic_set_base(vcpu, r >> 8 & 1 ? 0xfee00800 : 0xfee00c00, true);
		lintel_lapic_reg_write(vcpu->lapic, APIC_SPIV, 0x1ff);
		lintel_lapic_reg_write(vcpu->lapic, APIC_EOI, 0);
		break;
	default:
		if (r >> 8 & 0x3ff)
			lintel_lapic_set_cr8(vcpu, value);
		else
			random_state(vm);
		break;
	}
}

/* What is pending must be what the acknowledge gives. */
static bool random_take(struct lintel_vcpu *vcpu, u64 *taken)
{
	int pending = lintel_irq_pending(vcpu), vector;

	if (pending < -1 || pending > 255)
		return false;
	vector = lintel_irq_ack(vcpu);
	if (vector >= 0) {
		u8 eoi = 0x20;

		++*taken;
		if (random64() & 7) {
			lintel_lapic_reg_write(vcpu->lapic, APIC_EOI, 0);
			lintel_chip_pio(vcpu, 0xa0, 1, &eoi, true);
			lintel_chip_pio(vcpu, 0x20, 1, &eoi, true);
		}
	}
	return vector == pending;
}

static bool same_after_restore(struct lintel_vm *vm)
{
	static struct kvm_lapic_state lapic, lapic2;
	struct kvm_irqchip chip, chip2;
	bool same = true;
	unsigned int i;

	for (i = 0; i < 2; i++) {
		chip.chip_id = i;
		chip2.chip_id = i;
		lintel_irqchip_get(vm, &chip);
		lintel_irqchip_set(vm, &chip);
		lintel_irqchip_get(vm, &chip2);
		same = same && !memcmp(&chip.chip.pic, &chip2.chip.pic, sizeof(chip.chip.pic));
	}
	for (i = 0; i < TEST_VCPUS; i++) {
		lintel_lapic_get(vm->vcpus[i], &lapic);
		same = same && !lintel_lapic_set(vm->vcpus[i], &lapic);
		lintel_lapic_get(vm->vcpus[i], &lapic2);
		same = same && !memcmp(&lapic, &lapic2, sizeof(lapic));
		for (unsigned int j = 0; j < sizeof(lapic); j += 4)
			if (memcmp(lapic.regs + j, lapic2.regs + j, 4))
				tap_note("lapic %u: register %#x: %#x, then %#x", i, j,
					 *(u32 *)(lapic.regs + j), *(u32 *)(lapic2.regs + j));
	}
	return same;
}

void test_random(void)
{
	struct lintel_vm *vm = test_vm_create(false);
	bool agrees = true, same = true;
	u64 taken = 0;
	unsigned int i;

	for (i = 0; i < ROUNDS; i++) {
		random_step(vm);
		agrees = agrees && random_take(vm->vcpus[i % TEST_VCPUS], &taken);
		if (i % 1000 == 0)
			same = same && same_after_restore(vm);
		if (!agrees || !same || shim_locks_held)
			break;
	}
	tap_note("random: %u steps, %llu interrupts taken", i, taken);
	tap_ok(agrees && taken > ROUNDS / 100, "random: pending and acknowledge agree");
	tap_ok(same, "random: state that is put back reads the same");
	tap_ok(!shim_locks_held, "random: no lock is left behind");
	test_vm_destroy(vm);
}
