// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which LAPIC has which physical id.
 *
 * A table indexed by the id, so that a message to one CPU need not look at all of them.  It is made
 * anew when a vCPU is made, and when an id or a mode may have changed; it is published by RCU, as
 * messages are sent from any context.
 *
 * It says where to look, not who is meant: whoever is found there must still match, so a table
 * that is out of date for a moment addresses nobody, or the old one or the new one, as on a bus.
 * Without a table (two LAPICs have one id, or there was no memory) each message looks at all of
 * them.
 */
#include "chips.h"
#include "lapic.h"

static struct lapic_map *map_make(struct lintel_vm *vm)
{
	struct lintel_vcpu *vcpu;
	struct lapic_map *map;
	u32 id, nr = 0;
	unsigned int i;

	/* an id may grow meanwhile: whoever changes it comes here after us */
	for_each_vcpu(i, vcpu, vm)
		if (vcpu->lapic)
			nr = max(nr, lapic_physical_id(vcpu->lapic) + 1);
	map = kvzalloc(struct_size(map, lapic, nr), GFP_KERNEL_ACCOUNT);
	if (!map)
		return NULL;
	map->nr = nr;
	map->x2apic = true;
	for_each_vcpu(i, vcpu, vm) {
		if (!vcpu->lapic)
			continue;
		id = lapic_physical_id(vcpu->lapic);
		if (id >= nr || map->lapic[id]) {
			kvfree(map);
			return NULL;
		}
		map->lapic[id] = vcpu->lapic;
		if (!lapic_x2apic(vcpu->lapic))
			map->x2apic = false;
	}
	return map;
}

void lintel_lapic_map_update(struct lintel_vm *vm)
{
	struct lintel_irqchip *chip = lintel_irqchip(vm);
	struct lapic_map *old;

	if (!chip)
		return;
	mutex_lock(&chip->map_lock);
	old = rcu_dereference_protected(chip->map, lockdep_is_held(&chip->map_lock));
	rcu_assign_pointer(chip->map, map_make(vm));
	mutex_unlock(&chip->map_lock);
	if (old)
		kvfree_rcu(old, rcu);
}

void lintel_lapic_map_destroy(struct lintel_irqchip *chip)
{
	kvfree(rcu_dereference_protected(chip->map, true));
}
