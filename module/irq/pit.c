// SPDX-License-Identifier: GPL-2.0-only
/*
 * The 8254 interval timer and the port at 0x61 that gates its channel 2.
 *
 * A counter is not counted: it is computed, when it is read, from the time since it was loaded.
 * Only channel 0 has an hrtimer, because its output is GSI 0; each expiry is one pulse there.
 *
 * Ticks that the guest has not taken yet would merge into one; guests that count ticks then lose
 * time.  So a tick that finds the one before it still waiting is kept in "pending", up to a
 * bound, and sent when the guest ends the interrupt in service (unless KVM_REINJECT_CONTROL says
 * not to).  Ticks that reach a masked pin are lost, as on hardware.
 *
 * pit->lock is taken by the hrtimer's function, so the timer is never cancelled synchronously
 * under it: a function that was already under way finds the timer queued anew or "ticking" clear
 * and does nothing.
 */
#include "chips.h"
#include "lapic.h"

#define PIT_HZ			1193182u
#define CHANNELS		3
#define PENDING_MAX		4096
#define MODE_NONE		0xff	/* no control word yet; the same in KVM's state */

#define CW_BCD			BIT(0)
#define RB_NOT_COUNT		BIT(5)
#define RB_NOT_STATUS		BIT(4)
#define STATUS_OUT		BIT(7)

#define SPEAKER_GATE2		BIT(0)
#define SPEAKER_DATA		BIT(1)
#define SPEAKER_REFRESH		BIT(4)
#define SPEAKER_OUT2		BIT(5)

/* Access modes of the control word, and the positions of a two-byte access. */
enum rw_state {
	RW_LSB = 1,
	RW_MSB = 2,
	RW_WORD = 3,		/* low byte next */
	RW_WORD_HIGH = 4,	/* high byte next */
};

struct pit_channel {
	struct kvm_pit_channel_state s;	/* count_load_time: CLOCK_MONOTONIC, ns */
	bool loaded;			/* a count was written since the control word */
	bool triggered;			/* modes 1 and 5: the gate has risen since */
	s64 frozen;			/* ns counted when the gate fell; -1: counting */
};

struct lintel_pit {
	spinlock_t lock;		/* guards all of it but pending */
	struct lintel_vm *vm;
	struct pit_channel channel[CHANNELS];
	u32 flags;			/* KVM_PIT_FLAGS_* */
	bool speaker;			/* port 0x61 is ours */
	struct hrtimer timer;
	u64 period;			/* ns */
	bool ticking;			/* the hrtimer's expiry counts */
	bool reinject;
	atomic_t pending;		/* ticks that wait for the guest */
};

static struct lintel_pit *pit_of(struct lintel_vm *vm)
{
	return smp_load_acquire(&vm->pit);	/* pairs with lintel_pit_create() */
}

static u32 pit_from_bcd(u32 v)
{
	return (v & 0xf) + (v >> 4 & 0xf) * 10 + (v >> 8 & 0xf) * 100 + (v >> 12 & 0xf) * 1000;
}

static u32 pit_to_bcd(u32 v)
{
	return v % 10 | v / 10 % 10 << 4 | v / 100 % 10 << 8 | v / 1000 % 10 << 12;
}

static u64 pit_clocks(const struct pit_channel *c)
{
	s64 ns = c->frozen >= 0 ? c->frozen : ktime_get_ns() - c->s.count_load_time;

	return ns <= 0 ? 0 : mul_u64_u32_div(ns, PIT_HZ, NSEC_PER_SEC);
}

static u32 pit_count(const struct pit_channel *c)
{
	u64 clocks = pit_clocks(c);
	u32 count;

	switch (c->s.mode) {
	case 2:
		count = c->s.count - clocks % c->s.count;
		break;
	case 3:		/* counts by two */
		count = c->s.count - clocks * 2 % c->s.count;
		break;
	default:
		count = c->s.count - clocks;
		break;
	}
	if (c->s.bcd)
		return pit_to_bcd(clocks > c->s.count && c->s.mode != 2 && c->s.mode != 3 ?
				  9999 - (u32)((clocks - c->s.count - 1) % 10000) : count % 10000);
	return count & 0xffff;
}

static bool pit_out(const struct pit_channel *c)
{
	u64 clocks = pit_clocks(c);

	if (!c->loaded)
		return c->s.mode != 0;
	switch (c->s.mode) {
	case 0:
		return clocks >= c->s.count;
	case 1:		/* low from the edge of the gate until the count is over */
		return !c->triggered || clocks >= c->s.count;
	case 2:
		return !c->s.gate || clocks % c->s.count != c->s.count - 1;
	case 3:
		return !c->s.gate || clocks % c->s.count < (c->s.count + 1) / 2;
	default:	/* 4, 5: a strobe of one clock */
		return clocks != c->s.count || c->frozen >= 0;
	}
}

static void pit_stop_ticking(struct lintel_pit *pit)
{
	pit->ticking = false;
	hrtimer_try_to_cancel(&pit->timer);
}

/* Channel 0 was loaded: its output will rise once (modes 0, 4) or for ever (2, 3). */
static void pit_start_ticking(struct lintel_pit *pit)
{
	struct kvm_pit_channel_state *s = &pit->channel[0].s;
	u64 ns = mul_u64_u32_div(s->count, NSEC_PER_SEC, PIT_HZ);

	atomic_set(&pit->pending, 0);
	/* modes 1 and 5 wait for an edge of the gate, which is tied high */
	if (pit->flags & KVM_PIT_FLAGS_HPET_LEGACY || s->mode == 1 || s->mode >= 5) {
		pit_stop_ticking(pit);
		return;
	}
	pit->period = s->mode == 2 || s->mode == 3 ? max(ns, lintel_timer_min_period()) : 0;
	pit->ticking = true;
	hrtimer_start(&pit->timer, ns_to_ktime(s->count_load_time + max(ns, pit->period)),
		      HRTIMER_MODE_ABS);
}

static void pit_pulse(struct lintel_pit *pit)
{
	int ret = lintel_gsi_set(pit->vm, SOURCE_PIT, 0, true);

	lintel_gsi_set(pit->vm, SOURCE_PIT, 0, false);
	if (ret == 0 && READ_ONCE(pit->reinject))
		atomic_add_unless(&pit->pending, 1, PENDING_MAX);
}

static enum hrtimer_restart pit_fire(struct hrtimer *timer)
{
	struct lintel_pit *pit = container_of(timer, struct lintel_pit, timer);
	enum hrtimer_restart again = HRTIMER_NORESTART;
	unsigned long flags;
	u64 periods = 1;

	spin_lock_irqsave(&pit->lock, flags);
	if (!pit->ticking || hrtimer_is_queued(timer)) {
		spin_unlock_irqrestore(&pit->lock, flags);
		return HRTIMER_NORESTART;
	}
	if (pit->period) {
		periods = hrtimer_forward_now(timer, ns_to_ktime(pit->period));
		again = HRTIMER_RESTART;
	} else {
		pit->ticking = false;
	}
	if (pit->reinject && periods > 1)
		atomic_set(&pit->pending,
			   min_t(u64, atomic_read(&pit->pending) + periods - 1, PENDING_MAX));
	spin_unlock_irqrestore(&pit->lock, flags);

	pit_pulse(pit);
	return again;
}

void lintel_pit_acked(struct lintel_vm *vm, u64 pins)
{
	struct lintel_pit *pit = pit_of(vm);

	if (!pit || !atomic_read(&pit->pending))
		return;
	if (pins & lintel_gsi_pins(vm, 0) && atomic_dec_if_positive(&pit->pending) >= 0)
		pit_pulse(pit);
}

bool lintel_pit_wants_acks(struct lintel_vm *vm)
{
	struct lintel_pit *pit = pit_of(vm);

	return pit && READ_ONCE(pit->reinject);
}

static void pit_load(struct lintel_pit *pit, unsigned int nr, u32 value)
{
	struct pit_channel *c = &pit->channel[nr];

	if (c->s.bcd)
		value = pit_from_bcd(value);
	if (!value)
		value = c->s.bcd ? 10000 : 0x10000;
	c->s.count = value;
	c->s.count_load_time = ktime_get_ns();
	c->loaded = true;
	c->triggered = false;
	/* modes 1 and 5 begin with the next edge of the gate, the others when it is high */
	c->frozen = c->s.gate && c->s.mode != 1 && c->s.mode != 5 ? -1 : 0;
	if (nr == 0)
		pit_start_ticking(pit);
}

static void pit_set_gate(struct pit_channel *c, bool gate)
{
	s64 now = ktime_get_ns();
	bool rises = gate && !c->s.gate, falls = !gate && c->s.gate;

	c->s.gate = gate;
	switch (c->s.mode) {
	case 0:
	case 4:		/* the gate stops and continues the count */
		if (falls && c->frozen < 0)
			c->frozen = max_t(s64, now - c->s.count_load_time, 0);
		if (rises && c->frozen >= 0) {
			c->s.count_load_time = now - c->frozen;
			c->frozen = -1;
		}
		break;
	case 2:
	case 3:		/* stops it, and starts it anew */
		if (falls)
			c->frozen = 0;
		fallthrough;
	default:	/* triggers it */
		if (rises) {
			c->s.count_load_time = now;
			c->frozen = -1;
			c->triggered = true;
		}
		break;
	}
}

static void pit_latch_count(struct pit_channel *c)
{
	if (c->s.count_latched)
		return;
	c->s.latched_count = pit_count(c);
	c->s.count_latched = c->s.rw_mode;
}

static void pit_latch_status(struct pit_channel *c)
{
	if (c->s.status_latched)
		return;
	c->s.status = (pit_out(c) ? STATUS_OUT : 0) | c->s.rw_mode << 4 |
		      (c->s.mode & 7) << 1 | c->s.bcd;
	c->s.status_latched = 1;
}

static void pit_control(struct lintel_pit *pit, u8 value)
{
	unsigned int nr = value >> 6, i;
	struct pit_channel *c;

	if (nr == 3) {
		for (i = 0; i < CHANNELS; i++) {
			if (!(value & (2 << i)))
				continue;
			if (!(value & RB_NOT_COUNT))
				pit_latch_count(&pit->channel[i]);
			if (!(value & RB_NOT_STATUS))
				pit_latch_status(&pit->channel[i]);
		}
		return;
	}

	c = &pit->channel[array_index_nospec(nr, CHANNELS)];
	if (!(value >> 4 & 3)) {
		pit_latch_count(c);
		return;
	}
	c->s.rw_mode = value >> 4 & 3;
	c->s.read_state = c->s.rw_mode;
	c->s.write_state = c->s.rw_mode;
	c->s.count_latched = 0;
	c->s.status_latched = 0;
	c->s.mode = value >> 1 & 7;
	if (c->s.mode > 5)
		c->s.mode -= 4;
	c->s.bcd = value & CW_BCD;
	c->loaded = false;
	/* the output waits for a count: no tick of the old one may come */
	if (nr == 0)
		pit_stop_ticking(pit);
}

static void pit_write_count(struct lintel_pit *pit, unsigned int nr, u8 value)
{
	struct kvm_pit_channel_state *s = &pit->channel[nr].s;

	switch (s->write_state) {
	case RW_MSB:
		pit_load(pit, nr, value << 8);
		break;
	case RW_WORD:
		s->write_latch = value;
		s->write_state = RW_WORD_HIGH;
		break;
	case RW_WORD_HIGH:
		s->write_state = RW_WORD;
		pit_load(pit, nr, s->write_latch | value << 8);
		break;
	default:
		pit_load(pit, nr, value);
		break;
	}
}

static u8 pit_read_count(struct pit_channel *c)
{
	struct kvm_pit_channel_state *s = &c->s;
	u8 *state = s->count_latched ? &s->count_latched : &s->read_state;
	u32 count = s->count_latched ? s->latched_count : pit_count(c);
	bool latched = s->count_latched;

	if (s->status_latched) {
		s->status_latched = 0;
		return s->status;
	}
	switch (*state) {
	case RW_WORD:
		*state = RW_WORD_HIGH;
		return count;
	case RW_WORD_HIGH:
		*state = latched ? 0 : RW_WORD;
		return count >> 8;
	case RW_MSB:
		if (latched)
			*state = 0;
		return count >> 8;
	default:
		if (latched)
			*state = 0;
		return count;
	}
}

static void pit_speaker(struct lintel_pit *pit, u8 *value, bool write)
{
	struct pit_channel *c = &pit->channel[2];

	if (write) {
		pit->flags &= ~KVM_PIT_FLAGS_SPEAKER_DATA_ON;
		if (*value & SPEAKER_DATA)
			pit->flags |= KVM_PIT_FLAGS_SPEAKER_DATA_ON;
		pit_set_gate(c, *value & SPEAKER_GATE2);
		return;
	}
	*value = c->s.gate ? SPEAKER_GATE2 : 0;
	if (pit->flags & KVM_PIT_FLAGS_SPEAKER_DATA_ON)
		*value |= SPEAKER_DATA;
	if (pit_out(c))
		*value |= SPEAKER_OUT2;
	/* DRAM refresh: toggles about every 15 us, here 2^14 ns */
	if (ktime_get_ns() & BIT(14))
		*value |= SPEAKER_REFRESH;
}

bool lintel_pit_pio(struct lintel_vm *vm, u16 port, u8 *value, bool write)
{
	struct lintel_pit *pit = pit_of(vm);
	bool timer = port >= 0x40 && port <= 0x43;
	unsigned long flags;
	unsigned int nr;

	if (!pit || !(timer || (port == 0x61 && pit->speaker)))
		return false;

	spin_lock_irqsave(&pit->lock, flags);
	nr = array_index_nospec(port & 3, 4);
	if (!timer)
		pit_speaker(pit, value, write);
	else if (nr == 3 && write)
		pit_control(pit, *value);
	else if (nr == 3)
		*value = 0;
	else if (write)
		pit_write_count(pit, nr, *value);
	else
		*value = pit_read_count(&pit->channel[nr]);
	spin_unlock_irqrestore(&pit->lock, flags);
	return true;
}

int lintel_pit_create(struct lintel_vm *vm, const struct kvm_pit_config *config)
{
	struct lintel_pit *pit;
	unsigned int i;

	if (!lintel_pic_in_kernel(vm))
		return -ENOENT;
	if (vm->pit)
		return -EEXIST;
	if (config->flags & ~KVM_PIT_SPEAKER_DUMMY)
		return -EINVAL;

	pit = kzalloc(sizeof(*pit), GFP_KERNEL_ACCOUNT);
	if (!pit)
		return -ENOMEM;
	spin_lock_init(&pit->lock);
	pit->vm = vm;
	pit->speaker = config->flags & KVM_PIT_SPEAKER_DUMMY;
	pit->reinject = true;
	hrtimer_setup(&pit->timer, pit_fire, CLOCK_MONOTONIC, HRTIMER_MODE_ABS);
	for (i = 0; i < CHANNELS; i++) {
		struct pit_channel *c = &pit->channel[i];

		c->s.mode = MODE_NONE;
		c->s.count = 0x10000;
		c->s.count_load_time = ktime_get_ns();
		c->s.rw_mode = RW_WORD;
		c->s.read_state = RW_WORD;
		c->s.write_state = RW_WORD;
		c->s.gate = i != 2;
		c->frozen = 0;
	}
	smp_store_release(&vm->pit, pit);	/* pairs with pit_of() */
	lintel_irq_eoi_changed(vm);
	return 0;
}

void lintel_pit_destroy(struct lintel_vm *vm)
{
	struct lintel_pit *pit = vm->pit;

	if (!pit)
		return;
	WRITE_ONCE(vm->pit, NULL);
	pit->ticking = false;
	hrtimer_cancel(&pit->timer);
	kfree(pit);
}

int lintel_pit_get(struct lintel_vm *vm, struct kvm_pit_state2 *state)
{
	struct lintel_pit *pit = vm->pit;
	unsigned long flags;
	unsigned int i;

	if (!pit)
		return -ENXIO;
	memset(state, 0, sizeof(*state));
	spin_lock_irqsave(&pit->lock, flags);
	for (i = 0; i < CHANNELS; i++)
		state->channels[i] = pit->channel[i].s;
	state->flags = pit->flags;
	spin_unlock_irqrestore(&pit->lock, flags);
	return 0;
}

/* Every channel begins its count anew, as in KVM: another machine's load times mean nothing. */
int lintel_pit_set(struct lintel_vm *vm, const struct kvm_pit_state2 *state)
{
	struct lintel_pit *pit = vm->pit;
	unsigned long flags;
	unsigned int i;

	if (!pit)
		return -ENXIO;
	spin_lock_irqsave(&pit->lock, flags);
	pit->flags = state->flags & (KVM_PIT_FLAGS_HPET_LEGACY | KVM_PIT_FLAGS_SPEAKER_DATA_ON);
	for (i = 0; i < CHANNELS; i++) {
		struct pit_channel *c = &pit->channel[i];

		c->s = state->channels[i];
		c->s.gate = i == 2 ? !!c->s.gate : 1;
		c->s.bcd &= 1;
		c->s.rw_mode &= 3;
		if (!c->s.count || c->s.count > 0x10000)
			c->s.count = 0x10000;
		c->s.count_load_time = ktime_get_ns();
		c->triggered = false;
		c->loaded = c->s.mode <= 5;
		if (!c->loaded)
			c->s.mode = MODE_NONE;
		c->frozen = c->loaded && c->s.gate && c->s.mode != 1 && c->s.mode != 5 ? -1 : 0;
	}
	if (pit->channel[0].loaded)
		pit_start_ticking(pit);
	else
		pit_stop_ticking(pit);
	spin_unlock_irqrestore(&pit->lock, flags);
	return 0;
}

int lintel_pit_reinject(struct lintel_vm *vm, const struct kvm_reinject_control *control)
{
	struct lintel_pit *pit = vm->pit;

	if (!pit)
		return -ENXIO;
	WRITE_ONCE(pit->reinject, !!control->pit_reinject);
	lintel_irq_eoi_changed(vm);
	atomic_set(&pit->pending, 0);
	return 0;
}
