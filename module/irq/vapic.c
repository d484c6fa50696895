// SPDX-License-Identifier: GPL-2.0-only
/*
 * The local APIC while the processor delivers its interrupts (virtual-interrupt delivery).
 *
 * The registers' page is then the virtual-APIC page: the processor reads and writes it while the
 * guest runs, so nobody else touches IRR and ISR.  Interrupts are posted into the descriptor
 * (posted.h) and get into the IRR either by the processor, when the notification interrupts the
 * guest, or by the running thread, before an entry or when it asks whether HLT is over.
 *
 * A level-triggered vector must not reach the guest before the processor knows that its EOI has
 * to exit.  Is its bit not in the EOI-exit bitmap yet, it is held aside, and the vCPU called out
 * of the guest: the next entry writes the bitmap, which has all bits of the TMR, and moves what is
 * held into the IRR.  The sender sets TMR, then looks at the bitmap; the thread clears its copy
 * of the bitmap, then looks at the TMR; so one of them sees the other.
 *
 * The processor writes a register before it tells (the exit comes after the instruction).  The
 * old value is in kept[], so the write is undone and done again by the path of all other writes.
 */
#include "lapic.h"

bool lintel_vapic_on(const struct lintel_vcpu *vcpu)
{
	return vcpu->lapic && vcpu->lapic->vid;
}

int lintel_vapic_create(struct lintel_lapic *lapic)
{
	struct lintel_vm *vm = lapic->vcpu->vm;

	if (lintel_params.vid && !vm->apic_page) {
		vm->apic_page = alloc_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO);
		if (!vm->apic_page)
			return -ENOMEM;
	}
	lapic->vid = lintel_params.vid;
	return 0;
}

/* The running thread: nothing else touches the IRR now. */
static void vapic_raise(struct lintel_lapic *lapic, unsigned int word, u32 bits)
{
	unsigned int offset = APIC_IRR + word * 16;

	lapic_put(lapic, offset, lapic_get(lapic, offset) | bits);
	lapic->raised = max_t(int, lapic->raised, word * 32 + fls(bits) - 1);
}

/* By the vCPU's own thread, in the host: the next entry tells the processor. */
static int vapic_post_own(struct lintel_lapic *lapic, u8 vector)
{
	if (test_bit(vector % 32, lapic_bitmap(lapic, APIC_IRR, vector)))
		return 0;
	vapic_raise(lapic, vector / 32, BIT(vector % 32));
	lintel_vcpu_request(lapic->vcpu, REQ_APICV);
	return 1;
}

int lintel_vapic_post(struct lintel_lapic *lapic, u8 vector, bool level)
{
	bool waits = test_bit(vector % 32, lapic_bitmap(lapic, APIC_IRR, vector));

	smp_mb__after_atomic();		/* TMR, which the caller has set, before eoi_exits */
	if (level && !test_bit(vector, lapic->eoi_exits)) {
		waits |= test_and_set_bit(vector, lapic->held);
		set_bit(WORK_HELD, &lapic->work);
		lintel_vcpu_notify_event(lapic->vcpu);
		return !waits;
	}
	if (lintel_vcpu_is_own(lapic->vcpu))
		return vapic_post_own(lapic, vector);
	switch (pi_post(&lapic->pi, vector)) {
	case PI_COALESCED:
		return 0;
	case PI_NOTIFY:
		trace_lintel_posted(lapic->vcpu, vector, true);
		lintel_vcpu_notify_posted(lapic->vcpu);
		break;
	case PI_QUIET:
		trace_lintel_posted(lapic->vcpu, vector, false);
		break;
	}
	return !waits;
}

void lintel_vapic_sync(struct lintel_lapic *lapic)
{
	bool any = false, held = false;
	unsigned long set[4] = {};
	unsigned int i;

	if (!lapic->vid)
		return;
	if (test_bit(WORK_HELD, &lapic->work) && test_and_clear_bit(WORK_HELD, &lapic->work)) {
		for (i = 0; i < 4; i++)
			set[i] = xchg(&lapic->held[i], 0);
		held = true;
		set_bit(WORK_EOI_EXITS, &lapic->work);
	}
	any = pi_drain(&lapic->pi, set);
	if (!any && !held)
		return;
	for (i = 0; i < 4; i++) {
		if (!set[i])
			continue;
		if (lower_32_bits(set[i]))
			vapic_raise(lapic, 2 * i, lower_32_bits(set[i]));
		if (upper_32_bits(set[i]))
			vapic_raise(lapic, 2 * i + 1, upper_32_bits(set[i]));
	}
}

void lintel_vapic_changed(struct lintel_lapic *lapic)
{
	set_bit(WORK_STATUS, &lapic->work);
}

void lintel_vapic_hold(struct lintel_vcpu *vcpu, bool hold)
{
	struct lintel_lapic *lapic = vcpu->lapic;

	if (!lintel_vapic_on(vcpu) || lapic->hold == hold)
		return;
	lapic->hold = hold;
	set_bit(WORK_MODE, &lapic->work);
	set_bit(WORK_STATUS, &lapic->work);
}

void lintel_vapic_clear(struct lintel_lapic *lapic)
{
	unsigned long dropped[4] = {};
	unsigned int i;

	pi_drain(&lapic->pi, dropped);
	for (i = 0; i < 4; i++)
		WRITE_ONCE(lapic->held[i], 0);
	set_bit(WORK_STATUS, &lapic->work);
	set_bit(WORK_EOI_EXITS, &lapic->work);
}

/*
 * The APIC-access page stands in the EPT of the whole VM, at the address after reset.  It is there
 * only while every local APIC is there, too; whoever is not there sees what is behind it.
 */
void lintel_vapic_moved(struct lintel_lapic *lapic)
{
	struct lintel_vm *vm = lapic->vcpu->vm;
	bool away = lapic_place(lapic) != LAPIC_XAPIC;

	set_bit(WORK_MODE, &lapic->work);
	set_bit(WORK_STATUS, &lapic->work);
	if (!lapic->vid || away == lapic->away)
		return;
	lapic->away = away;
	if (!away)
		atomic_dec(&vm->apics_away);
	else if (atomic_inc_return(&vm->apics_away) == 1)
		lintel_ept_drop(vm, APIC_DEFAULT_PHYS_BASE >> PAGE_SHIFT);
}

void lintel_vapic_load(struct lintel_vcpu *vcpu, u8 vector, u32 ndst)
{
	if (lintel_vapic_on(vcpu))
		pi_load(&vcpu->lapic->pi, vector, ndst);
}

void lintel_vapic_preempted(struct lintel_vcpu *vcpu)
{
	if (lintel_vapic_on(vcpu))
		pi_suppress(&vcpu->lapic->pi);
}

hpa_t lintel_vapic_page(const struct lintel_vcpu *vcpu)
{
	return __pa(vcpu->lapic->regs);
}

hpa_t lintel_vapic_descriptor(const struct lintel_vcpu *vcpu)
{
	return __pa(&vcpu->lapic->pi);
}

void lintel_vapic_eoi_vectors(struct lintel_vcpu *vcpu)
{
	struct lintel_lapic *lapic = vcpu->lapic;

	if (!lintel_vapic_on(vcpu))
		return;
	lintel_vapic_sync(lapic);
	lintel_irq_eoi_vectors(vcpu, lapic->eoi_vectors);
	set_bit(WORK_EOI_EXITS, &lapic->work);
}

static void fill_eoi_exits(struct lintel_lapic *lapic, u64 bitmap[4])
{
	unsigned int i;

	for (i = 0; i < 4; i++)
		WRITE_ONCE(lapic->eoi_exits[i], 0);
	smp_mb();	/* before the TMR is read; lintel_vapic_post() has it the other way round */
	for (i = 0; i < 4; i++) {
		bitmap[i] = lapic->eoi_vectors[i] | lapic_get(lapic, APIC_TMR + i * 32) |
			    (u64)lapic_get(lapic, APIC_TMR + i * 32 + 16) << 32;
		WRITE_ONCE(lapic->eoi_exits[i], bitmap[i]);
	}
}

/* RVI and SVI: the highest request, and the highest in service. */
static u16 interrupt_status(struct lintel_lapic *lapic)
{
	int irr = lapic_enabled(lapic) && !lapic->hold ? lapic_highest(lapic, APIC_IRR) : -1;

	return max(lapic_highest(lapic, APIC_ISR), 0) << 8 | max(irr, 0);
}

static noinline unsigned int vapic_todo(struct lintel_lapic *lapic)
{
	unsigned int todo = 0;

	if (test_and_clear_bit(WORK_MODE, &lapic->work))
		todo |= VAPIC_PLACE;
	if (test_and_clear_bit(WORK_EOI_EXITS, &lapic->work))
		todo |= VAPIC_EOI_EXITS;
	if (test_and_clear_bit(WORK_STATUS, &lapic->work))
		todo |= VAPIC_STATUS;
	else if (lapic->raised >= 0 && lapic_enabled(lapic) && !lapic->hold)
		todo |= VAPIC_RAISED | lapic->raised << VAPIC_VECTOR_SHIFT;
	lapic->raised = -1;
	return todo;
}

unsigned int lintel_vapic_enter(struct lintel_vcpu *vcpu)
{
	struct lintel_lapic *lapic = vcpu->lapic;

	if (!lapic->vid)
		return VAPIC_OFF;
	if (READ_ONCE(lapic->pi.control) & PI_ON || test_bit(WORK_HELD, &lapic->work))
		lintel_vapic_sync(lapic);
	if (likely(!READ_ONCE(lapic->work) && lapic->raised < 0))
		return 0;
	return vapic_todo(lapic);
}

void lintel_vapic_update(struct lintel_vcpu *vcpu, unsigned int todo, struct vapic_update *update)
{
	struct lintel_lapic *lapic = vcpu->lapic;

	if (todo & VAPIC_PLACE) {
		update->place = lapic_place(lapic);
		update->hold = lapic->hold;
	}
	if (todo & VAPIC_EOI_EXITS)
		fill_eoi_exits(lapic, update->eoi_exits);
	if (todo & VAPIC_STATUS)
		update->status = interrupt_status(lapic);
}

unsigned int lintel_lapic_threshold(struct lintel_vcpu *vcpu)
{
	struct lintel_lapic *lapic = vcpu->lapic;
	int irr = lapic_enabled(lapic) ? lapic_highest(lapic, APIC_IRR) : -1;
	unsigned int tpr = lapic_get(lapic, APIC_TASKPRI) >> 4 & 0xf;

	return irr >= 0 && irr >> 4 <= tpr ? irr >> 4 : 0;
}

void lintel_vapic_written(struct lintel_vcpu *vcpu, unsigned int offset)
{
	struct lintel_lapic *lapic = vcpu->lapic;
	u32 value;

	if (offset & 0xf || offset / 16 >= ARRAY_SIZE(lapic->kept))
		return;
	offset = array_index_nospec(offset / 16, ARRAY_SIZE(lapic->kept)) * 16;
	value = lapic_get(lapic, offset);
	lapic_put(lapic, offset, lapic->kept[offset / 16]);
	lintel_lapic_guest_write(lapic, offset, value);
}
