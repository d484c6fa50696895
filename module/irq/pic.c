// SPDX-License-Identifier: GPL-2.0-only
/*
 * The pair of 8259A interrupt controllers, with the edge/level control registers of the PIIX.
 *
 * The registers of each chip are a struct kvm_pic_state, so that KVM_GET_IRQCHIP is a copy.
 * The slave's INT drives the master's IR2 as a level, recomputed by pic_update() after every
 * change; so IRR bit 2 of the master never outlives the request behind it.  The master's INT is
 * pic->output: it stays up until no unmasked request outranks what is in service, and vCPUs whose
 * LINT0 passes it are notified when it rises.
 */
#include "chips.h"
#include "lapic.h"

#define MASTER		0
#define SLAVE		1
#define CASCADE_PIN	2
#define SPURIOUS_PIN	7

/* ICW1, OCW2 and OCW3 share an address; these bits tell them apart. */
#define ICW1_INIT	BIT(4)
#define ICW1_ICW4	BIT(0)
#define ICW4_AUTO_EOI	BIT(1)
#define ICW4_SFNM	BIT(4)
#define OCW3_SELECT	BIT(3)
#define OCW3_POLL	BIT(2)
#define OCW3_READ	BIT(1)
#define OCW3_READ_ISR	BIT(0)
#define OCW3_ESMM	BIT(6)
#define OCW3_SMM	BIT(5)
#define POLL_PENDING	BIT(7)

/* Lines that may be level-triggered at first: not the timer, keyboard, cascade, RTC and FPU. */
static const u8 pic_elcr_mask[2] = { 0xf8, 0xde };

/* Steps from the highest priority to the first set bit of @mask; 8 if there is none. */
static unsigned int pic_rank(const struct kvm_pic_state *s, u8 mask)
{
	unsigned int rank;

	if (!mask)
		return 8;
	for (rank = 0; !(mask & BIT((rank + s->priority_add) & 7)); rank++)
		;
	return rank;
}

/* The pin that this chip would signal now, or -1. */
static int pic_best(const struct lintel_pic *pic, unsigned int which)
{
	const struct kvm_pic_state *s = &pic->chip[which];
	unsigned int rank = pic_rank(s, s->irr & ~s->imr);
	u8 in_service = s->isr;

	if (rank == 8)
		return -1;
	if (s->special_mask)
		in_service &= ~s->imr;
	/* so that a second slave interrupt of higher priority gets through */
	if (s->special_fully_nested_mode && which == MASTER)
		in_service &= ~BIT(CASCADE_PIN);
	if (rank >= pic_rank(s, in_service))
		return -1;
	return (rank + s->priority_add) & 7;
}

static void pic_notify(struct lintel_vm *vm)
{
	struct lintel_vcpu *vcpu;
	unsigned int i;

	for_each_vcpu(i, vcpu, vm)
		if (vcpu->lapic && lintel_lapic_takes_pic(vcpu->lapic))
			lintel_vcpu_notify_event(vcpu);
}

static void pic_update(struct lintel_vm *vm, struct lintel_pic *pic)
{
	struct kvm_pic_state *master = &pic->chip[MASTER];
	bool output;

	if (pic_best(pic, SLAVE) >= 0)
		master->irr |= BIT(CASCADE_PIN);
	else
		master->irr &= ~BIT(CASCADE_PIN);

	output = pic_best(pic, MASTER) >= 0;
	if (output == pic->output)
		return;
	WRITE_ONCE(pic->output, output);
	if (output)
		pic_notify(vm);
}

/* Drive one input of one chip; the answer of lintel_pic_set_line(). */
static int pic_input(struct kvm_pic_state *s, unsigned int pin, bool level)
{
	u8 bit = BIT(pin);
	int ret = 1;

	if (s->elcr & bit) {
		if (level)
			s->irr |= bit;
		else
			s->irr &= ~bit;
	} else if (level && !(s->last_irr & bit)) {
		ret = !(s->irr & bit);
		s->irr |= bit;
	}
	if (level)
		s->last_irr |= bit;
	else
		s->last_irr &= ~bit;
	return s->imr & bit ? -1 : ret;
}

int lintel_pic_set_line(struct lintel_vm *vm, u32 pin, enum line_source source, bool level)
{
	struct lintel_pic *pic = &lintel_irqchip(vm)->pic;
	unsigned long flags;
	int ret;

	if (pin >= PIC_PINS)
		return -1;
	pin = array_index_nospec(pin, PIC_PINS);

	spin_lock_irqsave(&pic->lock, flags);
	if (level)
		pic->lines[pin] |= BIT(source);
	else
		pic->lines[pin] &= ~BIT(source);
	/* IR2 is the cascade: nothing outside drives it */
	if (pin == CASCADE_PIN)
		ret = -1;
	else
		ret = pic_input(&pic->chip[pin / 8], pin % 8, pic->lines[pin]);
	pic_update(vm, pic);
	spin_unlock_irqrestore(&pic->lock, flags);
	return ret;
}

/* End of interrupt for @pin: the pin whose interrupt has ended, if it was in service. */
static u64 pic_end(struct lintel_pic *pic, unsigned int which, unsigned int pin)
{
	struct kvm_pic_state *s = &pic->chip[which];
	bool was = s->isr & BIT(pin);

	s->isr &= ~BIT(pin);
	return was ? PIC_PIN(which * 8 + pin) : 0;
}

/* The CPU takes @pin.  What automatic EOI has ended with that. */
static u64 pic_take(struct lintel_pic *pic, unsigned int which, unsigned int pin)
{
	struct kvm_pic_state *s = &pic->chip[which];

	if (!(s->elcr & BIT(pin)))
		s->irr &= ~BIT(pin);
	s->isr |= BIT(pin);
	if (!s->auto_eoi)
		return 0;
	if (s->rotate_on_auto_eoi)
		s->priority_add = (pin + 1) & 7;
	return pic_end(pic, which, pin);
}

/* The low bits of the base, which only user space can have set, do not count.  No pin: spurious. */
static u8 pic_vector(const struct kvm_pic_state *s, int pin)
{
	return (s->irq_base & 0xf8) + (pin < 0 ? SPURIOUS_PIN : pin);
}

int lintel_pic_peek(struct lintel_vm *vm)
{
	struct lintel_pic *pic = &lintel_irqchip(vm)->pic;
	unsigned long flags;
	int pin, vector = -1;

	if (!READ_ONCE(pic->output))
		return -1;

	spin_lock_irqsave(&pic->lock, flags);
	pin = pic_best(pic, MASTER);
	if (pin == CASCADE_PIN) {
		pin = pic_best(pic, SLAVE);
		vector = pic_vector(&pic->chip[SLAVE], pin);
	} else if (pin >= 0) {
		vector = pic_vector(&pic->chip[MASTER], pin);
	}
	spin_unlock_irqrestore(&pic->lock, flags);
	return vector;
}

int lintel_pic_intack(struct lintel_vm *vm)
{
	struct lintel_pic *pic = &lintel_irqchip(vm)->pic;
	unsigned long flags;
	u64 ended = 0;
	int pin, vector = -1;

	if (!READ_ONCE(pic->output))
		return -1;

	spin_lock_irqsave(&pic->lock, flags);
	pin = pic_best(pic, MASTER);
	if (pin >= 0) {
		ended = pic_take(pic, MASTER, pin);
		vector = pic_vector(&pic->chip[MASTER], pin);
	}
	if (pin == CASCADE_PIN) {
		pin = pic_best(pic, SLAVE);
		if (pin >= 0)
			ended |= pic_take(pic, SLAVE, pin);
		vector = pic_vector(&pic->chip[SLAVE], pin);
	}
	pic_update(vm, pic);
	spin_unlock_irqrestore(&pic->lock, flags);

	if (ended)
		lintel_irq_acked(vm, ended);
	return vector;
}

static void pic_icw1(struct lintel_pic *pic, unsigned int which, u8 value)
{
	struct kvm_pic_state *s = &pic->chip[which];

	/* level requests persist with their line; edges must come again */
	s->irr &= s->elcr;
	s->last_irr = 0;
	s->imr = 0;
	s->isr = 0;
	s->priority_add = 0;
	s->special_mask = 0;
	s->read_reg_select = 0;
	s->poll = 0;
	s->auto_eoi = 0;
	s->rotate_on_auto_eoi = 0;
	s->special_fully_nested_mode = 0;
	s->init4 = value & ICW1_ICW4;
	s->init_state = 1;
}

/* OCW2: the EOI and rotation commands of the top three bits. */
static u64 pic_ocw2(struct lintel_pic *pic, unsigned int which, u8 value)
{
	struct kvm_pic_state *s = &pic->chip[which];
	u8 in_service = s->special_mask ? s->isr & ~s->imr : s->isr;
	unsigned int pin = value & 7;

	switch (value >> 5) {
	case 0:
	case 4:
		s->rotate_on_auto_eoi = value >> 7;
		return 0;
	case 1:
	case 5:
		if (!in_service)
			return 0;
		pin = (pic_rank(s, in_service) + s->priority_add) & 7;
		break;
	case 6:
		s->priority_add = (pin + 1) & 7;
		return 0;
	case 2:
		return 0;
	default:	/* 3, 7: the command names the pin */
		break;
	}
	if (value & BIT(7))
		s->priority_add = (pin + 1) & 7;
	return pic_end(pic, which, pin);
}

static u64 pic_write(struct lintel_pic *pic, unsigned int which, unsigned int a0, u8 value)
{
	struct kvm_pic_state *s = &pic->chip[which];

	if (!a0) {
		if (value & ICW1_INIT) {
			pic_icw1(pic, which, value);
			return 0;
		}
		if (!(value & OCW3_SELECT))
			return pic_ocw2(pic, which, value);
		if (value & OCW3_POLL)
			s->poll = 1;
		if (value & OCW3_READ)
			s->read_reg_select = value & OCW3_READ_ISR;
		if (value & OCW3_ESMM)
			s->special_mask = !!(value & OCW3_SMM);
		return 0;
	}

	switch (s->init_state) {
	case 1:		/* ICW2 */
		s->irq_base = value & 0xf8;
		s->init_state = 2;
		break;
	case 2:		/* ICW3: the cascade is wired */
		s->init_state = s->init4 ? 3 : 0;
		break;
	case 3:		/* ICW4 */
		s->special_fully_nested_mode = !!(value & ICW4_SFNM);
		s->auto_eoi = !!(value & ICW4_AUTO_EOI);
		s->init_state = 0;
		break;
	default:	/* OCW1 */
		s->imr = value;
		break;
	}
	return 0;
}

/* A read after the poll command is an INTA cycle. */
static u8 pic_poll(struct lintel_pic *pic, unsigned int which, u64 *ended)
{
	int pin = pic_best(pic, which);

	pic->chip[which].poll = 0;
	if (pin < 0)
		return 0;
	*ended = pic_take(pic, which, pin);
	return POLL_PENDING | pin;
}

static u8 pic_read(struct lintel_pic *pic, unsigned int which, unsigned int a0, u64 *ended)
{
	struct kvm_pic_state *s = &pic->chip[which];

	if (s->poll)
		return pic_poll(pic, which, ended);
	if (a0)
		return s->imr;
	return s->read_reg_select ? s->isr : s->irr;
}

/* A pin that becomes level-triggered follows its line from now on. */
static void pic_set_elcr(struct lintel_pic *pic, unsigned int which, u8 value)
{
	struct kvm_pic_state *s = &pic->chip[which];

	s->elcr = value & s->elcr_mask;
	s->irr = (s->irr & ~s->elcr) | (s->last_irr & s->elcr);
}

bool lintel_pic_pio(struct lintel_vm *vm, u16 port, u8 *value, bool write)
{
	struct lintel_pic *pic = &lintel_irqchip(vm)->pic;
	unsigned int which;
	unsigned long flags;
	u64 ended = 0;

	switch (port) {
	case 0x20:
	case 0x21:
	case 0x4d0:
		which = MASTER;
		break;
	case 0xa0:
	case 0xa1:
	case 0x4d1:
		which = SLAVE;
		break;
	default:
		return false;
	}

	spin_lock_irqsave(&pic->lock, flags);
	if (port >= 0x4d0) {
		if (write)
			pic_set_elcr(pic, which, *value);
		else
			*value = pic->chip[which].elcr;
	} else if (write) {
		ended = pic_write(pic, which, port & 1, *value);
	} else {
		*value = pic_read(pic, which, port & 1, &ended);
	}
	pic_update(vm, pic);
	spin_unlock_irqrestore(&pic->lock, flags);

	if (ended)
		lintel_irq_acked(vm, ended);
	return true;
}

void lintel_pic_init(struct lintel_pic *pic)
{
	spin_lock_init(&pic->lock);
	pic->chip[MASTER].elcr_mask = pic_elcr_mask[MASTER];
	pic->chip[SLAVE].elcr_mask = pic_elcr_mask[SLAVE];
}

void lintel_pic_get(struct lintel_vm *vm, unsigned int slave, struct kvm_pic_state *state)
{
	struct lintel_pic *pic = &lintel_irqchip(vm)->pic;
	unsigned long flags;

	spin_lock_irqsave(&pic->lock, flags);
	*state = pic->chip[slave ? SLAVE : MASTER];
	spin_unlock_irqrestore(&pic->lock, flags);
}

/*
 * Fields that index or select are cut to what the registers can hold.  Which lines may be
 * level-triggered is the board's, so user space's: it comes back as it was set.
 */
void lintel_pic_set(struct lintel_vm *vm, unsigned int slave, const struct kvm_pic_state *state)
{
	struct lintel_pic *pic = &lintel_irqchip(vm)->pic;
	unsigned int which = slave ? SLAVE : MASTER;
	struct kvm_pic_state s = *state;
	unsigned long flags;

	s.priority_add &= 7;
	s.read_reg_select &= 1;
	s.init_state &= 3;

	spin_lock_irqsave(&pic->lock, flags);
	pic->chip[which] = s;
	pic_update(vm, pic);
	spin_unlock_irqrestore(&pic->lock, flags);
}
