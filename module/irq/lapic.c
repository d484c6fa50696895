// SPDX-License-Identifier: GPL-2.0-only
/*
 * The local APIC in software: its life, its state for user space, IA32_APIC_BASE, and the way of
 * an interrupt out of it, from the IRR over the ISR to the EOI.
 *
 * Registers are in lapic_reg.c, messages between LAPICs in lapic_ipi.c, the timer in
 * lapic_timer.c.  What the running thread does here that may make an interrupt deliverable (EOI,
 * a lower priority) sets REQ_EVENT, so that the run loop looks again before it enters the guest.
 */
#include "lapic.h"
#include "chips.h"

#define LAPIC_VERSION		0x14u		/* and in bits 23:16 the LVT's last entry */
#define BASE_RESERVED		0x2ffull	/* bits 7:0 and 9 */
#define CPUID_1_ECX_X2APIC	BIT(21)

u32 lintel_lapic_update_ppr(struct lintel_lapic *lapic)
{
	u32 tpr = lapic_get(lapic, APIC_TASKPRI) & 0xff;
	int isr = lapic_in_service(lapic);
	u32 ppr = tpr;

	if (isr >= 0 && (isr & 0xf0) > (tpr & 0xf0))
		ppr = isr & 0xf0;
	lapic_put(lapic, APIC_PROCPRI, ppr);
	return ppr;
}

/* The vector that the LAPIC would deliver, or -1. */
static int lapic_deliverable(struct lintel_lapic *lapic)
{
	int vector;

	if (!lapic_enabled(lapic))
		return -1;
	vector = lapic_highest(lapic, APIC_IRR);
	if (vector < 0 || (vector & 0xf0) <= (lintel_lapic_update_ppr(lapic) & 0xf0))
		return -1;
	return vector;
}

bool lintel_lapic_takes_pic(const struct lintel_lapic *lapic)
{
	u32 lvt0 = lapic_get(lapic, APIC_LVT0);

	if (!lapic_enabled(lapic))
		return true;
	return !(lvt0 & APIC_LVT_MASKED) && ((lvt0 >> 8) & 7) == MODE_EXTINT;
}

/* ExtINT, from the PIC in the kernel or in user space: its vector, or -1. */
static int extint_peek(struct lintel_lapic *lapic)
{
	struct lintel_vm *vm = lapic->vcpu->vm;

	if (!lintel_lapic_takes_pic(lapic))
		return -1;
	return vm->irqchip_split ? lapic->extint : lintel_pic_peek(vm);
}

static int extint_ack(struct lintel_lapic *lapic)
{
	struct lintel_vm *vm = lapic->vcpu->vm;
	int vector = lapic->extint;

	if (!lintel_lapic_takes_pic(lapic))
		return -1;
	if (!vm->irqchip_split)
		return lintel_pic_intack(vm);
	lapic->extint = -1;
	return vector;
}

int lintel_irq_extint(struct lintel_vcpu *vcpu, u8 vector)
{
	if (!vcpu->vm->irqchip_split)
		return -ENXIO;
	if (vcpu->lapic->extint >= 0)
		return -EEXIST;
	vcpu->lapic->extint = vector;
	lintel_vcpu_request(vcpu, REQ_EVENT);
	return 0;
}

bool lintel_irq_extint_free(struct lintel_vcpu *vcpu)
{
	return vcpu->vm->irqchip_split && vcpu->lapic->extint < 0 &&
	       lintel_lapic_takes_pic(vcpu->lapic);
}

int lintel_irq_eoi_exit(struct lintel_vcpu *vcpu)
{
	int vector = vcpu->lapic->eoi_exit;

	vcpu->lapic->eoi_exit = -1;
	return vector;
}

int lintel_irq_pending(struct lintel_vcpu *vcpu)
{
	int vector;

	if (!vcpu->lapic)
		return -1;
	if (vcpu->lapic->vid)
		lintel_vapic_sync(vcpu->lapic);
	vector = extint_peek(vcpu->lapic);
	return vector >= 0 ? vector : lapic_deliverable(vcpu->lapic);
}

int lintel_irq_to_inject(struct lintel_vcpu *vcpu)
{
	return lintel_vapic_on(vcpu) ? extint_peek(vcpu->lapic) : lintel_irq_pending(vcpu);
}

int lintel_irq_ack(struct lintel_vcpu *vcpu)
{
	struct lintel_lapic *lapic = vcpu->lapic;
	int vector;

	if (!lapic)
		return -1;
	vector = extint_ack(lapic);
	if (vector >= 0)
		return vector;
	if (lapic->vid)
		return -1;

	vector = lapic_deliverable(lapic);
	if (vector < 0)
		return -1;
	clear_bit(vector % 32, lapic_bitmap(lapic, APIC_IRR, vector));
	set_bit(vector % 32, lapic_bitmap(lapic, APIC_ISR, vector));
	lapic->in_service = vector;
	lintel_lapic_update_ppr(lapic);
	return vector;
}

void lintel_lapic_eoi(struct lintel_lapic *lapic)
{
	int vector = lapic_in_service(lapic);

	if (vector < 0)
		return;
	clear_bit(vector % 32, lapic_bitmap(lapic, APIC_ISR, vector));
	lapic->in_service = -2;
	lintel_vapic_changed(lapic);
	lintel_lapic_update_ppr(lapic);
	lintel_vapic_ended(lapic->vcpu, vector);
}

bool lintel_lapic_eoi_quick(struct lintel_vcpu *vcpu)
{
	struct lintel_lapic *lapic = vcpu->lapic;
	int vector;

	if (!lapic || lapic->vid || !lapic_x2apic(lapic))
		return false;
	vector = lapic_in_service(lapic);
	if (vector < 0)
		return true;
	if (test_bit(vector % 32, lapic_bitmap(lapic, APIC_TMR, vector)) ||
	    test_bit(vector, lintel_irqchip(vcpu->vm)->ioapic.vectors))
		return false;
	clear_bit(vector % 32, lapic_bitmap(lapic, APIC_ISR, vector));
	lapic->in_service = -2;
	lintel_lapic_update_ppr(lapic);
	/* who requests one from now on tells so */
	if (lapic_highest(lapic, APIC_IRR) >= 0)
		lintel_vcpu_request(vcpu, REQ_EVENT);
	return true;
}

void lintel_vapic_ended(struct lintel_vcpu *vcpu, u8 vector)
{
	struct lintel_lapic *lapic = vcpu->lapic;
	bool level = test_bit(vector % 32, lapic_bitmap(lapic, APIC_TMR, vector));

	if (!vcpu->vm->irqchip_split) {
		lintel_ioapic_eoi(vcpu->vm, vector, level);
	} else if (level && lintel_routing_has_level(vcpu->vm, vector)) {
		lapic->eoi_exit = vector;
		lintel_vcpu_request(vcpu, REQ_IOAPIC_EOI);
	}
	/* who requests an interrupt from now on tells so */
	if (lapic->vid || lapic_highest(lapic, APIC_IRR) >= 0)
		lintel_vcpu_request(vcpu, REQ_EVENT);
}

bool lintel_lapic_eoi_private(struct lintel_vcpu *vcpu)
{
	struct lintel_lapic *lapic = vcpu->lapic;
	int vector;

	if (!lapic || lapic->vid)
		return false;
	vector = lapic_in_service(lapic);
	return vector >= 0 && lapic_highest(lapic, APIC_IRR) < 0 &&
	       !test_bit(vector % 32, lapic_bitmap(lapic, APIC_TMR, vector)) &&
	       !test_bit(vector, lintel_irqchip(vcpu->vm)->ioapic.vectors);
}

void lintel_lapic_pv_eoi(struct lintel_vcpu *vcpu)
{
	lintel_lapic_eoi(vcpu->lapic);
}

bool lintel_lapic_take_init(struct lintel_vcpu *vcpu)
{
	return vcpu->lapic && test_and_clear_bit(EVENT_INIT, &vcpu->lapic->events);
}

int lintel_lapic_take_sipi(struct lintel_vcpu *vcpu)
{
	struct lintel_lapic *lapic = vcpu->lapic;

	/* an INIT that waits comes first, and drops the SIPI when it was the later one */
	if (!lapic || test_bit(EVENT_INIT, &lapic->events))
		return -1;
	if (!test_and_clear_bit(EVENT_SIPI, &lapic->events))
		return -1;
	return READ_ONCE(lapic->sipi_vector);
}

bool lintel_lapic_has_event(struct lintel_vcpu *vcpu)
{
	return vcpu->lapic && READ_ONCE(vcpu->lapic->events);
}

static void lapic_set_id(struct lintel_lapic *lapic)
{
	u32 id = lapic->vcpu->id;

	if (lapic_x2apic(lapic)) {
		lapic_put(lapic, APIC_ID, id);
		lapic_put(lapic, APIC_LDR, lapic_x2apic_ldr(id));
	} else {
		lapic_put(lapic, APIC_ID, id << 24);
		/* of the 32 bits that x2APIC mode had here */
		lapic_put(lapic, APIC_LDR, lapic_get(lapic, APIC_LDR) & 0xff000000);
		lapic_put(lapic, APIC_ICR2, lapic_get(lapic, APIC_ICR2) & 0xff000000);
	}
	lintel_vcpu_request(lapic->vcpu, REQ_EOI_VECTORS);
	lintel_lapic_map_update(lapic->vcpu->vm);
}

void lintel_lapic_set_version(struct lintel_vcpu *vcpu)
{
	u32 last_lvt = vcpu->mcg_cap & MCG_CMCI_P ? 6 : 5;

	if (vcpu->lapic)
		lapic_put(vcpu->lapic, APIC_LVR, LAPIC_VERSION | last_lvt << 16);
}

/* The registers after power-up and after INIT; the SDM has them equal but for the ID. */
static void lapic_reset_registers(struct lintel_lapic *lapic)
{
	unsigned int offset;

	lintel_lapic_timer_stop(lapic);
	lintel_vapic_clear(lapic);
	for (offset = 0; offset < KVM_APIC_REG_SIZE; offset += 4)
		lapic_put(lapic, offset, 0);
	lapic->in_service = -2;
	atomic_set(&lapic->esr, 0);

	for (offset = APIC_LVTT; offset <= APIC_LVTERR; offset += 0x10)
		lapic_put(lapic, offset, APIC_LVT_MASKED);
	lapic_put(lapic, APIC_LVTCMCI, APIC_LVT_MASKED);
	/* the BSP comes up wired to the PIC, as a BIOS would leave it: KVM's guests expect that */
	if (lapic->vcpu->id == READ_ONCE(lapic->vcpu->vm->boot_cpu_id) &&
	    lintel_quirk(lapic->vcpu->vm, KVM_X86_QUIRK_LINT0_REENABLED))
		lapic_put(lapic, APIC_LVT0, MODE_EXTINT << 8);
	lapic_put(lapic, APIC_DFR, 0xffffffff);
	lapic_put(lapic, APIC_SPIV, 0xff);
	lintel_lapic_set_version(lapic->vcpu);
	lapic_set_id(lapic);
}

void lintel_lapic_reset(struct lintel_vcpu *vcpu, bool init)
{
	struct lintel_lapic *lapic = vcpu->lapic;
	u64 base = APIC_DEFAULT_PHYS_BASE | MSR_IA32_APICBASE_ENABLE;

	if (!lapic)
		return;
	if (!init) {
		if (vcpu->id == READ_ONCE(vcpu->vm->boot_cpu_id))
			base |= MSR_IA32_APICBASE_BSP;
		WRITE_ONCE(lapic->base, base);
		WRITE_ONCE(lapic->events, 0);
		lintel_vapic_moved(lapic);
	}
	lapic->extint = -1;
	lapic->eoi_exit = -1;
	lapic_reset_registers(lapic);
}

u64 lintel_lapic_base(struct lintel_vcpu *vcpu)
{
	return vcpu->lapic->base;
}

static bool lapic_guest_has_x2apic(const struct lintel_vcpu *vcpu)
{
	unsigned int i;

	for (i = 0; i < vcpu->cpuid_nent; i++)
		if (vcpu->cpuid[i].function == 1)
			return vcpu->cpuid[i].ecx & CPUID_1_ECX_X2APIC;
	return false;
}

/* The transitions of the SDM's "x2APIC State Transitions"; user space may set any legal state. */
static bool lapic_base_allowed(struct lintel_vcpu *vcpu, u64 old, u64 base, bool host_initiated)
{
	bool enable = base & MSR_IA32_APICBASE_ENABLE, x2apic = base & X2APIC_ENABLE;

	if (base & (BASE_RESERVED | vcpu->guest_maxphyaddr_mask))
		return false;
	if (x2apic && (!enable || !lapic_guest_has_x2apic(vcpu)))
		return false;
	if (host_initiated)
		return true;
	if (old & X2APIC_ENABLE)
		return x2apic || !enable;
	return !x2apic || (old & MSR_IA32_APICBASE_ENABLE);
}

int lintel_lapic_set_base(struct lintel_vcpu *vcpu, u64 base, bool host_initiated)
{
	struct lintel_lapic *lapic = vcpu->lapic;
	u64 old = lapic->base;

	if (!lapic_base_allowed(vcpu, old, base, host_initiated))
		return -EINVAL;
	WRITE_ONCE(lapic->base, base);

	if ((old ^ base) & MSR_IA32_APICBASE_ENABLE) {
		/* a LAPIC that the guest switches off forgets its state */
		if (!host_initiated)
			lapic_reset_registers(lapic);
		else if (!(base & MSR_IA32_APICBASE_ENABLE))
			lintel_lapic_timer_stop(lapic);
	}
	if ((old ^ base) & (MSR_IA32_APICBASE_ENABLE | X2APIC_ENABLE))
		lapic_set_id(lapic);
	lintel_vapic_moved(lapic);
	lintel_vcpu_request(vcpu, REQ_EVENT);
	return 0;
}

u64 lintel_lapic_cr8(struct lintel_vcpu *vcpu)
{
	return (lapic_get(vcpu->lapic, APIC_TASKPRI) >> 4) & 0xf;
}

void lintel_lapic_tell(struct lintel_vcpu *vcpu, struct kvm_run *run)
{
	run->cr8 = lintel_lapic_cr8(vcpu);
	run->apic_base = vcpu->lapic->base;
}

void lintel_lapic_set_cr8(struct lintel_vcpu *vcpu, u64 cr8)
{
	lintel_lapic_reg_write(vcpu->lapic, APIC_TASKPRI, (cr8 & 0xf) << 4);
}

/*
 * KVM_GET_LAPIC and KVM_SET_LAPIC carry an 8-bit ID in bits 31:24 in both modes, unless user space
 * has asked for the register as it is, and the current count as the register reads.
 */
static unsigned int lapic_id_shift(const struct lintel_lapic *lapic)
{
	return READ_ONCE(lapic->vcpu->vm->x2apic_api) & KVM_X2APIC_API_USE_32BIT_IDS ? 0 : 24;
}

int lintel_lapic_get(struct lintel_vcpu *vcpu, struct kvm_lapic_state *state)
{
	struct lintel_lapic *lapic = vcpu->lapic;
	u32 value;

	lintel_lapic_timer_update(vcpu);
	lintel_vapic_sync(lapic);
	lintel_lapic_update_ppr(lapic);
	memcpy(state->regs, lapic->regs, sizeof(state->regs));
	value = lintel_lapic_timer_count(lapic);
	memcpy(state->regs + APIC_TMCCT, &value, sizeof(value));
	if (lapic_x2apic(lapic)) {
		value = lapic_get(lapic, APIC_ID) << lapic_id_shift(lapic);
		memcpy(state->regs + APIC_ID, &value, sizeof(value));
	}
	return 0;
}

int lintel_lapic_set(struct lintel_vcpu *vcpu, const struct kvm_lapic_state *state)
{
	struct lintel_lapic *lapic = vcpu->lapic;
	u64 deadline = lapic->timer.deadline;
	unsigned int i;
	u32 id;

	memcpy(&id, state->regs + APIC_ID, sizeof(id));
	/* read-only in this mode; who does not know of 32-bit ids may write what it likes */
	if (lapic_x2apic(lapic) && !lapic_id_shift(lapic) && id != vcpu->id)
		return -EINVAL;

	lintel_lapic_timer_stop(lapic);
	lintel_vapic_clear(lapic);
	memcpy(lapic->regs, state->regs, sizeof(state->regs));
	for (i = 0; i < ARRAY_SIZE(lapic->kept); i++)
		lapic->kept[i] = lapic->regs[i * 4];
	lintel_lapic_set_version(vcpu);
	lintel_lapic_sanitize(lapic);
	lapic->in_service = -2;
	if (lapic_x2apic(lapic))
		lapic_set_id(lapic);
	else
		lapic_put(lapic, APIC_ID, id & 0xff000000);
	lintel_lapic_map_update(vcpu->vm);
	lintel_lapic_update_ppr(lapic);
	if (lapic_get(lapic, APIC_TMICT))
		lintel_lapic_timer_start(lapic, lapic_get(lapic, APIC_TMCCT));
	/* no part of the page, so it stays, unless the new state's timer has another mode */
	lintel_lapic_set_tsc_deadline(vcpu, deadline);
	lintel_vcpu_request(vcpu, REQ_EOI_VECTORS);
	lintel_vcpu_notify_event(vcpu);
	return 0;
}

int lintel_lapic_create(struct lintel_vcpu *vcpu)
{
	/* a power of two: the descriptor has to be aligned */
	struct lintel_lapic *lapic = kzalloc(roundup_pow_of_two(sizeof(*lapic)),
					     GFP_KERNEL_ACCOUNT);

	if (!lapic)
		return -ENOMEM;
	lapic->regs = (u32 *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	if (!lapic->regs) {
		kfree(lapic);
		return -ENOMEM;
	}
	lapic->vcpu = vcpu;
	lapic->raised = -1;
	if (lintel_vapic_create(lapic)) {
		free_page((unsigned long)lapic->regs);
		kfree(lapic);
		return -ENOMEM;
	}
	lintel_lapic_timer_init(lapic);
	vcpu->lapic = lapic;
	lintel_lapic_reset(vcpu, false);
	return 0;
}

void lintel_lapic_destroy(struct lintel_vcpu *vcpu)
{
	struct lintel_lapic *lapic = vcpu->lapic;

	if (!lapic)
		return;
	vcpu->lapic = NULL;
	lintel_lapic_timer_stop(lapic);
	if (lapic->away)
		atomic_dec(&vcpu->vm->apics_away);
	free_page((unsigned long)lapic->regs);
	kfree(lapic);
}
