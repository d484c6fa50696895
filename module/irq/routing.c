// SPDX-License-Identifier: GPL-2.0-only
/*
 * GSI routing: where an interrupt line that a device drives ends up.
 *
 * A table maps each GSI to any number of routes: pins of the PICs and of the IOAPIC, or one MSI.
 * It is one allocation, sorted by GSI, replaced whole under vm->lock and read under RCU, so that
 * a line can be driven from a timer's interrupt.
 *
 * The default table sends GSI n to IOAPIC pin n, and 0 to 15 to the PICs as well.  GSI 0, the
 * PIT's, also goes to IOAPIC pin 2: there a guest expects it whose ACPI tables override IRQ 0 (as
 * those of every PC do); without the override a guest expects it at pin 0.  Either guest leaves
 * the other pin masked, and an edge at a masked pin is lost.
 */
#include "chips.h"
#include "lapic.h"

#define MSI_DEST(address)	((address) >> 12 & 0xff)
#define MSI_DEST_HIGH		GENMASK(31, 8)	/* of address_hi */
#define MSI_REDIRECTION_HINT	BIT(3)
#define MSI_LOGICAL		BIT(2)
#define MSI_LEVEL		BIT(15)
#define MSI_MODE(data)		((data) >> 8 & 7)

/* KVM_CAP_X2APIC_API: address_hi holds the destination's upper 24 bits, and nothing else. */
static bool msi_has_32bit_ids(const struct lintel_vm *vm)
{
	return READ_ONCE(vm->x2apic_api) & KVM_X2APIC_API_USE_32BIT_IDS;
}

static bool msi_invalid(const struct lintel_vm *vm, u32 address_hi)
{
	return msi_has_32bit_ids(vm) && address_hi & ~MSI_DEST_HIGH;
}

static struct lapic_message msi_message(const struct lintel_vm *vm, u32 address_lo, u32 address_hi,
					u32 data)
{
	struct lapic_message message = {
		.vector = data & 0xff,
		.mode = MSI_MODE(data),
		.level = data & MSI_LEVEL,
		.logical = address_lo & MSI_LOGICAL,
		.x2apic = lintel_x2apic_exact(vm),
		.dest = MSI_DEST(address_lo),
	};

	if (msi_has_32bit_ids(vm))
		message.dest |= address_hi & MSI_DEST_HIGH;
	/* with the hint, one of the CPUs that a fixed message names is enough */
	if (address_lo & MSI_REDIRECTION_HINT && message.mode == MODE_FIXED)
		message.mode = MODE_LOWEST;
	return message;
}

int lintel_msi_send(struct lintel_vm *vm, const struct kvm_msi *msi)
{
	struct lapic_message message;

	if (!lintel_irqchip(vm) || msi->flags || msi_invalid(vm, msi->address_hi))
		return -EINVAL;
	message = msi_message(vm, msi->address_lo, msi->address_hi, msi->data);
	return max(lintel_lapic_deliver(vm, &message), 0);
}

static struct lapic_message route_message(const struct lintel_vm *vm,
					  const struct lintel_route *route)
{
	return msi_message(vm, route->address_lo, route->address_hi, route->data);
}

static int route_drive(struct lintel_vm *vm, const struct lintel_route *route,
		       enum line_source source, bool level)
{
	struct lapic_message message;

	if (route->type == KVM_IRQ_ROUTING_MSI) {
		message = route_message(vm, route);
		return level ? lintel_lapic_deliver(vm, &message) : -1;
	}
	if (route->chip == KVM_IRQCHIP_IOAPIC)
		return lintel_ioapic_set_line(vm, route->pin, source, level);
	return lintel_pic_set_line(vm, route->pin, source, level);
}

/* The index of the first route of @gsi or of a later one. */
static u32 routing_first(const struct lintel_routing *routing, u32 gsi)
{
	u32 low = 0, high = routing->nr;

	while (low < high) {
		u32 middle = (low + high) / 2;

		if (routing->route[middle].gsi < gsi)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

int lintel_gsi_set(struct lintel_vm *vm, enum line_source source, u32 gsi, bool level)
{
	struct lintel_routing *routing;
	int ret = -1;
	u32 i;

	rcu_read_lock();
	routing = rcu_dereference(lintel_irqchip(vm)->routing);
	for (i = routing_first(routing, gsi); i < routing->nr; i++) {
		const struct lintel_route *route;
		int r;

		route = &routing->route[array_index_nospec(i, routing->nr)];
		if (route->gsi != gsi)
			break;
		r = route_drive(vm, route, source, level);
		if (r >= 0)
			ret = max(ret, 0) + r;
	}
	rcu_read_unlock();
	return ret;
}

void lintel_gsi_pulse(struct lintel_vm *vm, enum line_source source, u32 gsi)
{
	const struct lintel_routing *routing;
	bool pins = false;
	u32 first, i;

	rcu_read_lock();
	routing = rcu_dereference(lintel_irqchip(vm)->routing);
	first = routing_first(routing, gsi);
	for (i = first; i < routing->nr && routing->route[i].gsi == gsi; i++) {
		route_drive(vm, &routing->route[i], source, true);
		pins |= routing->route[i].type != KVM_IRQ_ROUTING_MSI;
	}
	for (i = first; pins && i < routing->nr && routing->route[i].gsi == gsi; i++)
		route_drive(vm, &routing->route[i], source, false);
	rcu_read_unlock();
}

u64 lintel_gsi_pins(struct lintel_vm *vm, u32 gsi)
{
	const struct lintel_routing *routing;
	u64 pins = 0;
	u32 i;

	rcu_read_lock();
	routing = rcu_dereference(lintel_irqchip(vm)->routing);
	for (i = routing_first(routing, gsi); i < routing->nr; i++) {
		const struct lintel_route *route = &routing->route[i];

		if (route->gsi != gsi)
			break;
		if (route->type != KVM_IRQ_ROUTING_IRQCHIP)
			continue;
		pins |= route->chip == KVM_IRQCHIP_IOAPIC ? BIT_ULL(route->pin) :
							    PIC_PIN(route->pin);
	}
	rcu_read_unlock();
	return pins;
}

/* The routes of user space's IOAPIC.  RCU held. */
#define for_each_split_route(i, routing, vm) \
	for ((i) = 0; (i) < (routing)->nr && (routing)->route[i].gsi < (vm)->split_routes; (i)++)

void lintel_routing_eoi_vectors(struct lintel_vcpu *vcpu, u64 bitmap[4])
{
	const struct lintel_routing *routing;
	u32 i;

	rcu_read_lock();
	routing = rcu_dereference(lintel_irqchip(vcpu->vm)->routing);
	for_each_split_route(i, routing, vcpu->vm) {
		struct lapic_message message = route_message(vcpu->vm, &routing->route[i]);

		if (message.level)
			lintel_lapic_note_eoi(vcpu->lapic, &message, bitmap);
	}
	rcu_read_unlock();
}

bool lintel_routing_has_level(struct lintel_vm *vm, u8 vector)
{
	const struct lintel_routing *routing;
	bool found = false;
	u32 i;

	rcu_read_lock();
	routing = rcu_dereference(lintel_irqchip(vm)->routing);
	for_each_split_route(i, routing, vm) {
		struct lapic_message message = route_message(vm, &routing->route[i]);

		found |= message.level && message.vector == vector;
	}
	rcu_read_unlock();
	return found;
}

static struct lintel_routing *routing_alloc(u32 nr)
{
	struct lintel_routing *routing;

	routing = kvzalloc(struct_size(routing, route, nr), GFP_KERNEL_ACCOUNT);
	if (routing)
		routing->nr = nr;
	return routing;
}

static int routing_compare(const void *a, const void *b)
{
	u32 x = ((const struct lintel_route *)a)->gsi, y = ((const struct lintel_route *)b)->gsi;

	return x < y ? -1 : x > y;
}

/* User space mostly gives its table in order, and for each write to an IOAPIC of its own anew. */
static void routing_sort(struct lintel_routing *routing)
{
	u32 i;

	for (i = 1; i < routing->nr; i++)
		if (routing->route[i - 1].gsi > routing->route[i].gsi)
			break;
	if (i >= routing->nr)
		return;
	sort(routing->route, routing->nr, sizeof(routing->route[0]), routing_compare, NULL);
}

/* Translate one entry, or say -EINVAL. */
static int routing_translate(const struct lintel_vm *vm, struct lintel_route *route,
			     const struct kvm_irq_routing_entry *entry)
{
	u32 pin = entry->u.irqchip.pin;

	if (entry->gsi >= ROUTES_MAX)
		return -EINVAL;
	route->gsi = entry->gsi;
	route->type = entry->type;

	switch (entry->type) {
	case KVM_IRQ_ROUTING_MSI:
		if (entry->flags || msi_invalid(vm, entry->u.msi.address_hi))
			return -EINVAL;
		route->address_lo = entry->u.msi.address_lo;
		route->address_hi = entry->u.msi.address_hi;
		route->data = entry->u.msi.data;
		return 0;
	case KVM_IRQ_ROUTING_IRQCHIP:
		break;
	default:
		return -EINVAL;
	}

	if (entry->flags || vm->irqchip_split)
		return -EINVAL;
	route->chip = entry->u.irqchip.irqchip;
	switch (route->chip) {
	case KVM_IRQCHIP_PIC_MASTER:
	case KVM_IRQCHIP_PIC_SLAVE:
		if (pin >= PIC_PINS / 2)
			return -EINVAL;
		route->pin = pin + (route->chip == KVM_IRQCHIP_PIC_SLAVE ? PIC_PINS / 2 : 0);
		return 0;
	case KVM_IRQCHIP_IOAPIC:
		if (pin >= IOAPIC_PINS)
			return -EINVAL;
		route->pin = pin;
		return 0;
	default:
		return -EINVAL;
	}
}

/* An MSI is the only route of its GSI, and no GSI has two pins of one chip. */
static bool routing_conflicts(const struct lintel_routing *routing)
{
	u32 i, j;

	for (i = 0; i < routing->nr; i++) {
		const struct lintel_route *a = &routing->route[i];

		for (j = i + 1; j < routing->nr && routing->route[j].gsi == a->gsi; j++) {
			const struct lintel_route *b = &routing->route[j];

			if (a->type != KVM_IRQ_ROUTING_IRQCHIP || b->type != a->type ||
			    a->chip == b->chip)
				return true;
		}
	}
	return false;
}

static void routing_publish(struct lintel_irqchip *chip, struct lintel_routing *routing)
{
	struct lintel_routing *old = rcu_dereference_protected(chip->routing, 1);

	rcu_assign_pointer(chip->routing, routing);
	if (old)
		kvfree_rcu(old, rcu);
}

int lintel_routing_set(struct lintel_vm *vm, const struct kvm_irq_routing_entry *entries,
		       unsigned int nr, unsigned int flags)
{
	struct lintel_routing *routing;
	unsigned int i;

	if (!vm->irqchip || flags || nr > ROUTES_MAX)
		return -EINVAL;
	routing = routing_alloc(nr);
	if (!routing)
		return -ENOMEM;
	for (i = 0; i < nr; i++)
		if (routing_translate(vm, &routing->route[i], &entries[i]))
			goto invalid;
	routing_sort(routing);
	if (routing_conflicts(routing))
		goto invalid;
	routing_publish(vm->irqchip, routing);
	lintel_irq_eoi_changed(vm);
	return 0;
invalid:
	kvfree(routing);
	return -EINVAL;
}

int lintel_routing_default(struct lintel_irqchip *chip, bool split)
{
	struct lintel_routing *routing = routing_alloc(split ? 0 : IOAPIC_PINS + PIC_PINS + 1);
	struct lintel_route *route;
	u32 i;

	if (!routing)
		return -ENOMEM;
	if (split)
		goto publish;
	route = routing->route;
	for (i = 0; i < IOAPIC_PINS; i++) {
		*route++ = (struct lintel_route) { .gsi = i, .type = KVM_IRQ_ROUTING_IRQCHIP,
						   .chip = KVM_IRQCHIP_IOAPIC, .pin = i };
		if (i < PIC_PINS)
			*route++ = (struct lintel_route) { .gsi = i,
							   .type = KVM_IRQ_ROUTING_IRQCHIP,
							   .chip = i / 8, .pin = i };
	}
	*route = (struct lintel_route) { .gsi = 0, .type = KVM_IRQ_ROUTING_IRQCHIP,
					 .chip = KVM_IRQCHIP_IOAPIC, .pin = 2 };
	routing_sort(routing);
publish:
	routing_publish(chip, routing);
	return 0;
}

void lintel_routing_destroy(struct lintel_irqchip *chip)
{
	routing_publish(chip, NULL);
}
