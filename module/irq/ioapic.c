// SPDX-License-Identifier: GPL-2.0-only
/*
 * The IOAPIC: 24 pins, version 0x11, at 0xfec00000.
 *
 * A pin's bit in irr says that its line is up.  A level-triggered pin sends its message when the
 * line is up, the entry unmasked and Remote IRR clear; the message sets Remote IRR, the EOI of a
 * local APIC clears it, and the pin sends again if the line is still up.  An edge-triggered pin
 * sends when the line rises; while it is masked an edge is lost, as the 82093AA has it.
 *
 * An entry that is written as edge-triggered loses its Remote IRR: operating systems use this as
 * an EOI for one pin, because version 0x11 has no EOI register.  (It is also
 * the way out when the EOI never comes: the vector of the entry was changed while the interrupt
 * was in service, or its local APIC was reset.  Remote IRR then stays, as on hardware.)
 *
 * A pin whose line is still up at the EOI interrupts again at once.  A guest that does not serve
 * its device would do nothing else any more, so after RESENDS_MAX in a row the next one waits for a
 * timer.
 */
#include "chips.h"
#include "lapic.h"

#define IOAPIC_BASE		0xfec00000ull

#define IOREGSEL		0x00
#define IOWIN			0x10

#define REG_ID			0x00
#define REG_VERSION		0x01
#define REG_ARBITRATION		0x02
#define REG_REDIR		0x10
#define   VERSION		0x11

#define RTE_VECTOR		0xffull
#define RTE_MODE_SHIFT		8
#define RTE_LOGICAL		BIT_ULL(11)
#define RTE_STATUS		BIT_ULL(12)
#define RTE_REMOTE_IRR		BIT_ULL(14)
#define RTE_LEVEL		BIT_ULL(15)
#define RTE_MASKED		BIT_ULL(16)
#define RTE_DEST_SHIFT		56
#define RTE_READ_ONLY		(RTE_STATUS | RTE_REMOTE_IRR)
#define RTE_DEFINED		(GENMASK_ULL(16, 0) | GENMASK_ULL(63, 56))

#define RESENDS_MAX		10000
#define RESEND_DELAY		(10 * NSEC_PER_MSEC)

static struct lapic_message ioapic_message(const struct lintel_ioapic *ioapic, unsigned int pin)
{
	u64 rte = READ_ONCE(ioapic->redir[pin]);

	return (struct lapic_message) {
		.vector = rte & RTE_VECTOR,
		.mode = (rte >> RTE_MODE_SHIFT) & 7,
		.logical = rte & RTE_LOGICAL,
		.level = rte & RTE_LEVEL,
		.dest = rte >> RTE_DEST_SHIFT,
		.x2apic = lintel_x2apic_exact(ioapic->vm),
	};
}

static int ioapic_send(struct lintel_vm *vm, struct lintel_ioapic *ioapic, unsigned int pin)
{
	u64 rte = ioapic->redir[pin];
	struct lapic_message message = ioapic_message(ioapic, pin);
	int ret;

	if ((rte & RTE_MASKED) || (rte & RTE_LEVEL && rte & RTE_REMOTE_IRR))
		return -1;

	ret = lintel_lapic_deliver(vm, &message);
	if (ret >= 0 && (rte & RTE_LEVEL))
		ioapic->redir[pin] |= RTE_REMOTE_IRR;
	return ret;
}

int lintel_ioapic_set_line(struct lintel_vm *vm, u32 pin, enum line_source source, bool level)
{
	struct lintel_ioapic *ioapic = &lintel_irqchip(vm)->ioapic;
	unsigned long flags;
	int ret = 1;

	if (pin >= IOAPIC_PINS)
		return -1;
	pin = array_index_nospec(pin, IOAPIC_PINS);

	spin_lock_irqsave(&ioapic->lock, flags);
	if (level)
		ioapic->lines[pin] |= BIT(source);
	else
		ioapic->lines[pin] &= ~BIT(source);

	if (!ioapic->lines[pin]) {
		ioapic->irr &= ~BIT(pin);
	} else if (!(ioapic->redir[pin] & RTE_LEVEL) && (ioapic->irr & BIT(pin))) {
		ret = 0;	/* the line was up already: no edge */
	} else {
		bool waits = ioapic->redir[pin] & RTE_REMOTE_IRR;

		ioapic->irr |= BIT(pin);
		ret = ioapic_send(vm, ioapic, pin);
		/* taken when the one in service ends: coalesced, not ignored */
		if (ret < 0 && waits && !(ioapic->redir[pin] & RTE_MASKED))
			ret = 0;
	}
	spin_unlock_irqrestore(&ioapic->lock, flags);
	return ret;
}

/*
 * The entries have changed, and nothing was sent by the new ones yet: a vCPU that is told after
 * that could end the interrupt unseen.  Bits are never clear for a moment between old and new: an
 * EOI looks at them without the lock.
 */
static void ioapic_changed(struct lintel_vm *vm, struct lintel_ioapic *ioapic)
{
	DECLARE_BITMAP(vectors, 256);
	unsigned int i;

	bitmap_zero(vectors, 256);
	for (i = 0; i < IOAPIC_PINS; i++)
		__set_bit(ioapic->redir[i] & RTE_VECTOR, vectors);
	for (i = 0; i < BITS_TO_LONGS(256); i++)
		WRITE_ONCE(ioapic->vectors[i], vectors[i]);
	lintel_irq_eoi_changed(vm);
}

static u32 ioapic_read_register(struct lintel_ioapic *ioapic)
{
	unsigned int index = ioapic->ioregsel;
	u64 rte;

	switch (index) {
	case REG_ID:
	case REG_ARBITRATION:
		return (u32)ioapic->id << 24;
	case REG_VERSION:
		return VERSION | (IOAPIC_PINS - 1) << 16;
	}
	if (index < REG_REDIR || index >= REG_REDIR + 2 * IOAPIC_PINS)
		return 0;
	rte = ioapic->redir[array_index_nospec((index - REG_REDIR) / 2, IOAPIC_PINS)];
	return index & 1 ? rte >> 32 : rte;
}

/* Could @pin send now, though its line did not change? */
static bool ioapic_waits(const struct lintel_ioapic *ioapic, unsigned int pin)
{
	return (ioapic->redir[pin] & (RTE_LEVEL | RTE_MASKED | RTE_REMOTE_IRR)) == RTE_LEVEL &&
	       ioapic->irr & BIT(pin);
}

/* Returns the pin (its bit) that waits to send by its new entry. */
static u32 ioapic_write_register(struct lintel_vm *vm, struct lintel_ioapic *ioapic, u32 value)
{
	unsigned int index = ioapic->ioregsel, pin;
	u64 old, rte;

	if (index == REG_ID) {
		ioapic->id = (value >> 24) & 0xf;
		return 0;
	}
	if (index < REG_REDIR || index >= REG_REDIR + 2 * IOAPIC_PINS)
		return 0;
	pin = array_index_nospec((index - REG_REDIR) / 2, IOAPIC_PINS);

	old = ioapic->redir[pin];
	if (index & 1)
		rte = (u32)old | (u64)value << 32;
	else
		rte = (old & GENMASK_ULL(63, 32)) | value;
	rte = (rte & RTE_DEFINED & ~RTE_READ_ONLY) | (old & RTE_READ_ONLY);
	if (!(rte & RTE_LEVEL))
		rte &= ~RTE_REMOTE_IRR;
	ioapic->redir[pin] = rte;
	ioapic_changed(vm, ioapic);
	return ioapic_waits(ioapic, pin) ? BIT(pin) : 0;
}

/*
 * The line of these pins may be out of date: a device behind an irqfd has not been asked since it
 * went up.  It goes down for the asking; what is up after that is sent.
 */
static void ioapic_send_waiting(struct lintel_vm *vm, struct lintel_ioapic *ioapic, u32 pins)
{
	unsigned long flags;
	unsigned int pin;

	lintel_irqfd_acked(vm, pins);
	spin_lock_irqsave(&ioapic->lock, flags);
	for (pin = 0; pin < IOAPIC_PINS; pin++)
		if (pins & BIT(pin) && ioapic_waits(ioapic, pin))
			ioapic_send(vm, ioapic, pin);
	spin_unlock_irqrestore(&ioapic->lock, flags);
}

bool lintel_ioapic_mmio(struct lintel_vm *vm, gpa_t gpa, unsigned int len, void *data, bool write)
{
	struct lintel_ioapic *ioapic = &lintel_irqchip(vm)->ioapic;
	unsigned int offset;
	unsigned long flags;
	u32 value = 0, pins = 0;

	offset = gpa & (IOAPIC_SIZE - 1);

	if (write)
		memcpy(&value, data, min(len, 4u));

	spin_lock_irqsave(&ioapic->lock, flags);
	if (offset == IOREGSEL) {
		if (write)
			ioapic->ioregsel = value;
		else
			value = ioapic->ioregsel;
	} else if (offset == IOWIN) {
		if (write)
			pins = ioapic_write_register(vm, ioapic, value);
		else
			value = ioapic_read_register(ioapic);
	}
	spin_unlock_irqrestore(&ioapic->lock, flags);
	if (pins)
		ioapic_send_waiting(vm, ioapic, pins);

	if (!write) {
		memset(data, 0, len);
		memcpy(data, &value, min(len, 4u));
	}
	return true;
}

/* Remote IRR of @pin goes, and the pin sends again if its line is up. */
static void ioapic_end(struct lintel_vm *vm, struct lintel_ioapic *ioapic, unsigned int pin)
{
	ioapic->redir[pin] &= ~RTE_REMOTE_IRR;
	if (!ioapic_waits(ioapic, pin)) {
		ioapic->resends[pin] = 0;
	} else if (++ioapic->resends[pin] < RESENDS_MAX) {
		ioapic_send(vm, ioapic, pin);
	} else {
		ioapic->resends[pin] = 0;
		hrtimer_start(&ioapic->resend_timer, ktime_add_ns(ktime_get(), RESEND_DELAY),
			      HRTIMER_MODE_ABS);
	}
}

static enum hrtimer_restart ioapic_resend(struct hrtimer *timer)
{
	struct lintel_ioapic *ioapic = container_of(timer, struct lintel_ioapic, resend_timer);
	unsigned long flags;
	unsigned int pin;

	spin_lock_irqsave(&ioapic->lock, flags);
	for (pin = 0; pin < IOAPIC_PINS; pin++)
		if (ioapic_waits(ioapic, pin))
			ioapic_send(ioapic->vm, ioapic, pin);
	spin_unlock_irqrestore(&ioapic->lock, flags);
	return HRTIMER_NORESTART;
}

/*
 * Irqfds lower their line before Remote IRR goes, so that a pin whose device has been served sends
 * nothing; what its device raises meanwhile waits for Remote IRR.
 */
void lintel_ioapic_eoi(struct lintel_vm *vm, u8 vector, bool level)
{
	struct lintel_ioapic *ioapic = &lintel_irqchip(vm)->ioapic;
	unsigned long flags;
	u32 pins = 0;
	unsigned int pin;

	if (!test_bit(vector, ioapic->vectors))
		return;
	for (pin = 0; pin < IOAPIC_PINS; pin++)
		if ((READ_ONCE(ioapic->redir[pin]) & RTE_VECTOR) == vector)
			pins |= BIT(pin);
	lintel_irqfd_acked(vm, pins);

	spin_lock_irqsave(&ioapic->lock, flags);
	for (pin = 0; level && pin < IOAPIC_PINS; pin++)
		if (pins & BIT(pin) && ioapic->redir[pin] & RTE_LEVEL)
			ioapic_end(vm, ioapic, pin);
	spin_unlock_irqrestore(&ioapic->lock, flags);

	if (pins)
		lintel_pit_acked(vm, pins);
}

/* Masked entries count: a guest may mask a pin before it ends the pin's interrupt. */
void lintel_ioapic_eoi_vectors(struct lintel_vcpu *vcpu, u64 bitmap[4])
{
	struct lintel_ioapic *ioapic = &lintel_irqchip(vcpu->vm)->ioapic;
	u64 acked = lintel_acked_pins(vcpu->vm);
	unsigned long flags;
	unsigned int pin;

	spin_lock_irqsave(&ioapic->lock, flags);
	for (pin = 0; pin < IOAPIC_PINS; pin++) {
		struct lapic_message message = ioapic_message(ioapic, pin);

		if (message.level || acked & BIT_ULL(pin))
			lintel_lapic_note_eoi(vcpu->lapic, &message, bitmap);
	}
	spin_unlock_irqrestore(&ioapic->lock, flags);
}

void lintel_ioapic_init(struct lintel_vm *vm, struct lintel_ioapic *ioapic)
{
	unsigned int i;

	spin_lock_init(&ioapic->lock);
	ioapic->vm = vm;
	hrtimer_setup(&ioapic->resend_timer, ioapic_resend, CLOCK_MONOTONIC, HRTIMER_MODE_ABS);
	ioapic->base = IOAPIC_BASE;
	for (i = 0; i < IOAPIC_PINS; i++)
		ioapic->redir[i] = RTE_MASKED;
	__set_bit(0, ioapic->vectors);
}

void lintel_ioapic_destroy(struct lintel_ioapic *ioapic)
{
	hrtimer_cancel(&ioapic->resend_timer);
}

void lintel_ioapic_get(struct lintel_vm *vm, struct kvm_ioapic_state *state)
{
	struct lintel_ioapic *ioapic = &lintel_irqchip(vm)->ioapic;
	unsigned long flags;
	unsigned int i;

	memset(state, 0, sizeof(*state));
	spin_lock_irqsave(&ioapic->lock, flags);
	state->base_address = ioapic->base;
	state->ioregsel = ioapic->ioregsel;
	state->id = ioapic->id;
	state->irr = ioapic->irr;
	for (i = 0; i < IOAPIC_PINS; i++) {
		state->redirtbl[i].bits = ioapic->redir[i];
		/* this edge has been sent: it must not be sent again where the state is restored */
		if (!(ioapic->redir[i] & (RTE_LEVEL | RTE_MASKED)))
			state->irr &= ~BIT(i);
	}
	spin_unlock_irqrestore(&ioapic->lock, flags);
}

/* Requests that the state brings along are sent again, the edge-triggered ones too. */
void lintel_ioapic_set(struct lintel_vm *vm, const struct kvm_ioapic_state *state)
{
	struct lintel_ioapic *ioapic = &lintel_irqchip(vm)->ioapic;
	unsigned long flags;
	unsigned int i;

	spin_lock_irqsave(&ioapic->lock, flags);
	WRITE_ONCE(ioapic->base, state->base_address & ~(gpa_t)(IOAPIC_SIZE - 1));
	ioapic->ioregsel = state->ioregsel;
	ioapic->id = state->id & 0xf;
	ioapic->irr = state->irr & GENMASK(IOAPIC_PINS - 1, 0);
	for (i = 0; i < IOAPIC_PINS; i++)
		ioapic->redir[i] = state->redirtbl[i].bits & RTE_DEFINED & ~RTE_STATUS;
	ioapic_changed(vm, ioapic);
	for (i = 0; i < IOAPIC_PINS; i++) {
		if (ioapic->irr & BIT(i))
			ioapic_send(vm, ioapic, i);
		if (ioapic->lines[i])
			ioapic->irr |= BIT(i);
	}
	spin_unlock_irqrestore(&ioapic->lock, flags);
}
