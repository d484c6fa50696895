// SPDX-License-Identifier: GPL-2.0-only
/*
 * The map of LAPICs by physical id changes where a message is looked for, never who gets it: each
 * of many random messages, to LAPICs in random modes and with random logical ids, is sent with the
 * map and without.
 */
#include "script.h"
#include "../chips.h"
#include "../lapic.h"

#define ROUNDS	200000
#define VECTOR	0x45

static u32 random32(void)
{
	static u64 state = 0x853c49e6748fea9bull;

	state = state * 6364136223846793005ull + 1442695040888963407ull;
	return state >> 33;
}

static u32 receivers(struct lintel_vm *vm, const struct lapic_message *m)
{
	u32 who = 0;
	unsigned int i;

	lintel_lapic_deliver(vm, m);
	for (i = 0; i < TEST_VCPUS; i++)
		if (test_and_clear_bit(VECTOR % 32,
				       lapic_bitmap(vm->vcpus[i]->lapic, APIC_IRR, VECTOR)))
			who |= 1u << i;
	return who;
}

static void change(struct lintel_vm *vm)
{
	static const u32 ids[] = { 0, 1, 2, 3, 15, 16, 17, 18, 254, 255, 256, 257, 300, 4095 };
	static const u64 modes[] = { 0xfee00000, 0xfee00800, 0xfee00800, 0xfee00c00, 0xfee00c00 };
	unsigned int i = random32() % TEST_VCPUS;
	struct lintel_vcpu *vcpu = vm->vcpus[i];
	u32 id = ids[random32() % ARRAY_SIZE(ids)];

	for (i = 0; i < TEST_VCPUS; i++)
		if (vm->vcpus[i]->id == id)
			id = vcpu->id;
	vcpu->id = id;
	lintel_lapic_reset(vcpu, false);
	lintel_lapic_set_base(vcpu, modes[random32() % ARRAY_SIZE(modes)], true);
	lapic_put(vcpu->lapic, APIC_SPIV, 0x1ff);
	if (lapic_x2apic(vcpu->lapic))
		return;
	lapic_put(vcpu->lapic, APIC_LDR, random32() << 24);
	lapic_put(vcpu->lapic, APIC_DFR, random32() & 1 ? 0xffffffff : 0x0fffffff);
	/* user space may give two LAPICs one id */
	if (random32() % 16 == 0)
		lapic_put(vcpu->lapic, APIC_ID, random32() % 4 << 24);
	lintel_lapic_map_update(vm);
}

static u32 random_dest(const struct lintel_vm *vm)
{
	u32 id = vm->vcpus[random32() % TEST_VCPUS]->id;

	switch (random32() % 5) {
	case 0:
		return id;
	case 1:
		return lapic_x2apic_ldr(id) | random32() % 0x10000;
	case 2:
		return random32() % 256;
	case 3:
		return random32() & 1 ? 0xff : X2APIC_DEST_BROADCAST;
	default:
		return random32();
	}
}

void test_map(void)
{
	struct lintel_vm *vm = test_vm_create(false);
	struct lintel_irqchip *chip = lintel_irqchip(vm);
	u32 with, without, arrived = 0, mapped = 0, i;
	bool same = true;

	for (i = 0; i < ROUNDS && same; i++) {
		struct lapic_message m = {
			.vector = VECTOR, .dest = random_dest(vm), .logical = random32() & 1,
			.x2apic = random32() & 1,
			.mode = random32() % 8 ? MODE_FIXED : MODE_LOWEST,
		};
		struct lapic_map *map;

		if (i % 8 == 0)
			change(vm);
		map = chip->map;
		with = receivers(vm, &m);
		chip->map = NULL;
		if (m.mode == MODE_LOWEST) {
			/* which one is a matter of turns */
			m.mode = MODE_FIXED;
			without = receivers(vm, &m);
			same = (with & without) == with && !(with & (with - 1)) && !with == !without;
		} else {
			without = receivers(vm, &m);
			same = with == without;
		}
		chip->map = map;
		mapped += map != NULL;
		arrived += with != 0;
	}
	tap_note("map: %u messages, %u with a map, %u arrived", i, mapped, arrived);
	tap_ok(same && arrived > ROUNDS / 4 && mapped > ROUNDS / 2 && mapped < ROUNDS,
	       "map: who gets a message does not depend on it");
	test_vm_destroy(vm);
}
