// SPDX-License-Identifier: GPL-2.0-only
/* Runs the scripts: makes the VM, does each step, and compares what it must see. */
#include "script.h"

#define TAKE_LIMIT	100000

/* All of the guest's CPUID that matters here: x2APIC. */
static struct kvm_cpuid_entry2 test_cpuid[] = {
	{ .function = 0, .eax = 1 },
	{ .function = 1, .ecx = 1u << 21 },
};

/* The irqfd of this program: one GSI, and how often its device was asked. */
#define NO_GSI		~0u

static u32 resample_gsi = NO_GSI;
static unsigned int resampled;

void lintel_irqfd_acked(struct lintel_vm *vm, u64 pins)
{
	if (shim_locks_held) {
		printf("Bail out! a device is asked under a lock\n");
		abort();
	}
	if (!(pins & lintel_irqfd_pins(vm)))
		return;
	lintel_gsi_set(vm, SOURCE_RESAMPLE, resample_gsi, false);
	resampled++;
}

u64 lintel_irqfd_pins(struct lintel_vm *vm)
{
	return resample_gsi == NO_GSI ? 0 : lintel_gsi_pins(vm, resample_gsi);
}

void lintel_irqfd_destroy(struct lintel_irqchip *chip)
{
}

struct lintel_vm *test_vm_create(bool split)
{
	const struct kvm_pit_config config = { .flags = KVM_PIT_SPEAKER_DUMMY };
	struct lintel_vm *vm = calloc(1, sizeof(*vm));
	unsigned int i;

	if (!vm || (split ? lintel_irqchip_split(vm, 24) : lintel_irqchip_create(vm)) ||
	    lintel_pit_create(vm, &config) != (split ? -ENOENT : 0))
		abort();
	vm->apic_bus_ns = 1;
	for (i = 0; i < TEST_VCPUS; i++) {
		struct lintel_vcpu *vcpu = calloc(1, sizeof(*vcpu));

		if (!vcpu)
			abort();
		vcpu->vm = vm;
		vcpu->id = i;
		vcpu->tsc_khz = SHIM_TSC_KHZ;
		vcpu->tsc_ratio = TSC_RATIO_ONE;
		vcpu->cpuid = test_cpuid;
		vcpu->cpuid_nent = ARRAY_SIZE(test_cpuid);
		vcpu->guest_maxphyaddr_mask = GENMASK_ULL(63, 40);
		if (lintel_lapic_create(vcpu))
			abort();
		vm->vcpus[i] = vcpu;
		vm->nr_vcpus = i + 1;
		lintel_lapic_map_update(vm);
	}
	return vm;
}

void test_vm_destroy(struct lintel_vm *vm)
{
	unsigned int i;

	lintel_irqchip_destroy(vm);
	for (i = 0; i < vm->nr_vcpus; i++) {
		lintel_lapic_destroy(vm->vcpus[i]);
		free(vm->vcpus[i]);
	}
	free(vm);
}

/* What a migration does, within one program. */
static struct lintel_vm *test_vm_restore(struct lintel_vm *old)
{
	struct lintel_vm *vm = test_vm_create(false);
	struct kvm_lapic_state lapic;
	struct kvm_pit_state2 pit;
	unsigned int i;

	for (i = 0; i < TEST_VCPUS; i++) {
		u64 base = lintel_lapic_base(old->vcpus[i]);
		u64 deadline = lintel_lapic_tsc_deadline(old->vcpus[i]);

		vm->vcpus[i]->tsc_offset = old->vcpus[i]->tsc_offset;
		lintel_lapic_timer_wait(vm->vcpus[i], old->vcpus[i]->lapic->timer.waiting);
		if (lintel_lapic_set_base(vm->vcpus[i], base, true) ||
		    lintel_lapic_get(old->vcpus[i], &lapic) ||
		    lintel_lapic_set(vm->vcpus[i], &lapic))
			abort();
		lintel_lapic_set_tsc_deadline(vm->vcpus[i], deadline);
	}
	/* after the LAPICs: what this sends again must show there */
	for (i = 0; i < 3; i++) {
		struct kvm_irqchip chip = { .chip_id = i };

		if (lintel_irqchip_get(old, &chip) || lintel_irqchip_set(vm, &chip))
			abort();
	}
	if (lintel_pit_get(old, &pit) || lintel_pit_set(vm, &pit))
		abort();
	test_vm_destroy(old);
	return vm;
}

static u32 ioapic_access(struct lintel_vcpu *vcpu, u8 reg, u32 value, bool write)
{
	u32 select = reg;

	if (!lintel_chip_mmio(vcpu, 0xfec00000, 4, &select, true) ||
	    !lintel_chip_mmio(vcpu, 0xfec00010, 4, &value, write))
		abort();
	return value;
}

static u32 lapic_access(struct lintel_vcpu *vcpu, u32 reg, u32 value, bool write)
{
	gpa_t base = lintel_lapic_base(vcpu) & PAGE_MASK & GENMASK_ULL(39, 0);

	return lintel_chip_mmio(vcpu, base + reg, 4, &value, write) ? value : 0xdead;
}

static s64 take_all(struct lintel_vcpu *vcpu, bool pic)
{
	u8 eoi = 0x20;
	s64 n;

	lintel_lapic_timer_update(vcpu);
	for (n = 0; n < TAKE_LIMIT && lintel_irq_pending(vcpu) >= 0; n++) {
		if (lintel_irq_ack(vcpu) < 0)
			return -1;
		if (pic)
			lintel_chip_pio(vcpu, 0x20, 1, &eoi, true);
		else
			lapic_access(vcpu, APIC_EOI, 0, true);
	}
	return n;
}

/* What the step gives; steps that cannot fail give what they expect. */
static s64 step_run(struct lintel_vm **vmp, const struct step *s)
{
	struct lintel_vm *vm = *vmp;
	struct lintel_vcpu *vcpu = vm->vcpus[s->cpu];
	struct kvm_reinject_control control = { .pit_reinject = s->a };
	struct kvm_msi msi = { .address_lo = s->a, .address_hi = s->a >> 32, .data = s->b };
	struct kvm_irq_routing_entry route = {
		.gsi = 4, .type = KVM_IRQ_ROUTING_MSI,
		.u.msi = { .address_lo = s->a, .address_hi = s->a >> 32, .data = s->b },
	};
	u64 value = 0, bitmap[4];
	u8 byte = s->b;
	s64 ret = s->expect;

	switch (s->op) {
	case OP_OUT:
		return lintel_chip_pio(vcpu, s->a, 1, &byte, true) ? ret : -1000;
	case OP_IN:
		return lintel_chip_pio(vcpu, s->a, 1, &byte, false) ? byte : -1000;
	case OP_IN_MASK:
		byte = 0;
		return lintel_chip_pio(vcpu, s->a, 1, &byte, false) ? byte & s->b : -1000;
	case OP_NO_PIO:
		return lintel_chip_pio(vcpu, s->a, 1, &byte, false);
	case OP_LINE:
		return lintel_irq_line(vm, s->a, s->b);
	case OP_PENDING:
		lintel_lapic_timer_update(vcpu);
		return lintel_irq_pending(vcpu);
	case OP_ACK:
		lintel_lapic_timer_update(vcpu);
		value = lintel_irq_pending(vcpu);
		ret = lintel_irq_ack(vcpu);
		return ret == (int)value ? ret : -1000;
	case OP_WRITE:
		lapic_access(vcpu, s->a, s->b, true);
		return ret;
	case OP_READ:
		return lapic_access(vcpu, s->a, 0, false);
	case OP_IOAPIC_WRITE:
		ioapic_access(vcpu, s->a, s->b, true);
		return ret;
	case OP_IOAPIC_READ:
		return ioapic_access(vcpu, s->a, 0, false);
	case OP_WRMSR:
		return lintel_lapic_x2apic_write(vcpu, s->a, s->b);
	case OP_RDMSR:
		return lintel_lapic_x2apic_read(vcpu, s->a, &value) ? -1000 : (s64)value;
	case OP_NO_RDMSR:
		return lintel_lapic_x2apic_read(vcpu, s->a, &value) == -EINVAL ? 0 : -1000;
	case OP_BASE:
	case OP_HOST_BASE:
		return lintel_lapic_set_base(vcpu, s->a, s->op == OP_HOST_BASE);
	case OP_AFTER:
		shim_advance(s->a);
		return ret;
	case OP_NMIS:
		return vcpu->nmis;
	case OP_INIT:
		return lintel_lapic_take_init(vcpu);
	case OP_SIPI:
		return lintel_lapic_take_sipi(vcpu);
	case OP_RESET:
		lintel_lapic_reset(vcpu, s->a);
		return ret;
	case OP_MSI:
		return lintel_msi_send(vm, &msi);
	case OP_DEADLINE:
		lintel_lapic_set_tsc_deadline(vcpu, s->a ? rdtsc() + vcpu->tsc_offset + s->a : 0);
		return ret;
	case OP_IS_DEADLINE:
		return lintel_lapic_tsc_deadline(vcpu) != 0;
	case OP_CR8:
		lintel_lapic_set_cr8(vcpu, s->a);
		return ret;
	case OP_NOTIFIED:
		value = vcpu->notified > 0;
		vcpu->notified = 0;
		return value;
	case OP_EXITS_AFTER:
		value = vcpu->timer_tsc;
		return value == U64_MAX ? -1 : (s64)(value - rdtsc()) / 2;
	case OP_WAITS:
		lintel_lapic_timer_wait(vcpu, s->a);
		return ret;
	case OP_TAKE_ALL:
	case OP_PIC_TAKE_ALL:
		return take_all(vcpu, s->op == OP_PIC_TAKE_ALL);
	case OP_REINJECT:
		return lintel_pit_reinject(vm, &control);
	case OP_INTERRUPTS:
		value = shim_timer_interrupts;
		shim_timer_interrupts = 0;
		return (s64)value <= ret ? ret : (s64)value;
	case OP_RESTORE:
		*vmp = test_vm_restore(vm);
		return ret;
	case OP_EOI_SEEN:
		lintel_irq_eoi_vectors(vcpu, bitmap);
		return bitmap[s->a / 64] >> (s->a % 64) & 1;
	case OP_EOI_CHANGED:
		value = vcpu->eoi_vectors;
		vcpu->eoi_vectors = false;
		return value;
	case OP_RESAMPLE:
		resample_gsi = s->a;
		return ret;
	case OP_RAISE:
		lintel_gsi_set(vm, SOURCE_RESAMPLE, resample_gsi, true);
		return ret;
	case OP_RESAMPLED:
		value = resampled;
		resampled = 0;
		return value;
	case OP_SPLIT:
		test_vm_destroy(vm);
		*vmp = test_vm_create(true);
		return ret;
	case OP_ROUTE_MSI:
		return lintel_routing_set(vm, &route, 1, 0);
	case OP_X2APIC_API:
		vm->x2apic_api = s->a;
		return ret;
	case OP_EXTINT:
		return lintel_irq_extint(vcpu, s->a);
	case OP_EOI_EXIT:
		return lintel_irq_eoi_exit(vcpu);
	case OP_TSC_OFFSET:
		vcpu->tsc_offset = s->a;
		lintel_lapic_timer_tsc_moved(vcpu);
		return ret;
	default:
		return -1000;
	}
}

static void script_run(const struct script *script, bool waits)
{
	struct lintel_vm *vm = test_vm_create(false);
	const struct step *s;
	bool good = true;
	unsigned int i;

	/* with the preemption timer, what waits behaves as everything does without it */
	for (i = 0; i < TEST_VCPUS; i++)
		lintel_lapic_timer_wait(vm->vcpus[i], waits);
	shim_now = 1 << 30;
	shim_timer_interrupts = 0;
	resample_gsi = NO_GSI;
	resampled = 0;
	for (s = script->steps; s->op != OP_END; s++) {
		s64 got = step_run(&vm, s);

		if (got == s->expect && !shim_locks_held)
			continue;
		good = false;
		tap_note("%s: line %d: got %#llx (%lld), expected %#llx (%lld)", script->name,
			 s->line, got, got, s->expect, s->expect);
		break;
	}
	tap_ok(good, "%s", script->name);
	test_vm_destroy(vm);
}

int main(void)
{
	static const struct script *const files[] = {
		pic_scripts, ioapic_scripts, pit_scripts, lapic_scripts, ipi_scripts, timer_scripts,
	};
	const struct script *script;
	unsigned int i;

	tap_begin();
	for (i = 0; i < ARRAY_SIZE(files); i++)
		for (script = files[i]; script->name; script++)
			script_run(script, false);
	lintel_params.preemption_timer = true;
	for (script = timer_scripts; script->name; script++)
		script_run(script, true);
	for (script = preemption_scripts; script->name; script++)
		script_run(script, false);
	test_routing();
	test_random();
	test_map();
	return tap_end();
}
