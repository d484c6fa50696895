/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The chips of a VM, seen from inside module/irq: PIC pair, IOAPIC, PIT and the GSI routing.
 *
 * Locks: pit->lock, pic->lock and ioapic->lock are leaves among the chips; none is taken while
 * another is held.  Under pic->lock and ioapic->lock vCPUs are notified, which takes their wait
 * queues' locks: this is why these are spinlocks and not raw ones.  All are taken with interrupts
 * off, for the PIT's timer raises lines from its interrupt.  The routing table is read under RCU
 * and replaced whole.
 *
 * A line may have several sources (the PIT and user space); its level is the OR of them.
 */
#ifndef LINTEL_IRQ_CHIPS_H
#define LINTEL_IRQ_CHIPS_H

#include "env.h"
#include "irq.h"

#define PIC_PINS		16
#define IOAPIC_PINS		KVM_IOAPIC_NUM_PINS
#define ROUTES_MAX		4096	/* entries of a table, and GSIs */

/* Who drives a line: bit numbers in lines[]. */
enum line_source {
	SOURCE_USER,
	SOURCE_PIT,
	SOURCE_RESAMPLE,	/* irqfds with a resample eventfd, all of them */
};

struct lintel_pic {
	spinlock_t lock;			/* guards all of it */
	struct kvm_pic_state chip[2];		/* master, slave */
	u8 lines[PIC_PINS];			/* bits of enum line_source */
	bool output;				/* the master's INT; read without the lock */
};

struct lintel_ioapic {
	spinlock_t lock;			/* guards all of it */
	u64 redir[IOAPIC_PINS];
	u32 irr;				/* pins whose line is up */
	u8 lines[IOAPIC_PINS];			/* bits of enum line_source */
	u8 ioregsel;
	u8 id;
	gpa_t base;
	u32 resends[IOAPIC_PINS];		/* in a row, each at once after an EOI */
	struct hrtimer resend_timer;		/* sends what those would be too many of */
	struct lintel_vm *vm;			/* for the timer; never changes */
	/* of all entries; read without the lock at each EOI */
	DECLARE_BITMAP(vectors, 256);
};

/* One way out of a GSI, reduced to what delivery needs. */
struct lintel_route {
	u32 gsi;
	u32 type;				/* KVM_IRQ_ROUTING_IRQCHIP or _MSI */
	u32 chip;				/* KVM_IRQCHIP_* */
	u32 pin;				/* of the chip; 0..15 over both PICs */
	u32 address_lo;
	u32 address_hi;
	u32 data;
};

struct lintel_routing {
	struct rcu_head rcu;
	u32 nr;
	struct lintel_route route[];		/* sorted by GSI */
};

struct lintel_irqchip {
	struct lintel_pic pic;
	struct lintel_ioapic ioapic;
	struct lintel_routing __rcu *routing;	/* written under vm->lock */
	spinlock_t irqfd_lock;			/* guards the lists against changes */
	struct list_head irqfds;
	struct list_head resamplers;		/* read under vm->io_srcu */
	unsigned int nr_irqfds;
	atomic_t arbitration;			/* where the search for lowest priority starts */
	struct mutex map_lock;			/* who replaces the map */
	struct lapic_map __rcu *map;		/* or NULL: look at all LAPICs */
};

static inline struct lintel_irqchip *lintel_irqchip(struct lintel_vm *vm)
{
	return smp_load_acquire(&vm->irqchip);	/* pairs with lintel_irqchip_create() */
}

/*
 * A set of pins of both chips: the IOAPIC's in the low half, the PICs' in the high one.
 */
#define PIC_PIN(pin)	BIT_ULL(32 + (pin))

/* lintel_gsi_pins - the pins that @gsi leads to.  Any context. */
u64 lintel_gsi_pins(struct lintel_vm *vm, u32 gsi);
/* lintel_acked_pins - the pins whose interrupt has somebody who waits for its end. */
u64 lintel_acked_pins(struct lintel_vm *vm);
/* lintel_irq_acked - the guest ended the interrupt of these pins; no chip's lock is held. */
void lintel_irq_acked(struct lintel_vm *vm, u64 pins);

/* Driving a line: >0 delivered, 0 coalesced, -1 ignored.  Any context. */
int lintel_gsi_set(struct lintel_vm *vm, enum line_source source, u32 gsi, bool level);
/* lintel_gsi_pulse - up and down; a message is sent once.  Any context. */
void lintel_gsi_pulse(struct lintel_vm *vm, enum line_source source, u32 gsi);
int lintel_pic_set_line(struct lintel_vm *vm, u32 pin, enum line_source source, bool level);
int lintel_ioapic_set_line(struct lintel_vm *vm, u32 pin, enum line_source source, bool level);

void lintel_pic_init(struct lintel_pic *pic);
/* lintel_pic_pio - one byte at one of the six ports.  False: not a port of the PIC. */
bool lintel_pic_pio(struct lintel_vm *vm, u16 port, u8 *value, bool write);
/* lintel_pic_peek - the vector that lintel_pic_intack() would give, or -1 when INT is low. */
int lintel_pic_peek(struct lintel_vm *vm);
int lintel_pic_intack(struct lintel_vm *vm);
void lintel_pic_get(struct lintel_vm *vm, unsigned int slave, struct kvm_pic_state *state);
void lintel_pic_set(struct lintel_vm *vm, unsigned int slave, const struct kvm_pic_state *state);

void lintel_ioapic_init(struct lintel_vm *vm, struct lintel_ioapic *ioapic);
void lintel_ioapic_destroy(struct lintel_ioapic *ioapic);

#define IOAPIC_SIZE		0x100

static inline bool lintel_ioapic_at(struct lintel_vm *vm, gpa_t gpa)
{
	return gpa - READ_ONCE(lintel_irqchip(vm)->ioapic.base) < IOAPIC_SIZE;
}

/* lintel_ioapic_mmio - @gpa is the IOAPIC's. */
bool lintel_ioapic_mmio(struct lintel_vm *vm, gpa_t gpa, unsigned int len, void *data, bool write);
/* lintel_ioapic_eoi_vectors - the IOAPIC's part of lintel_irq_eoi_vectors(): sets bits. */
void lintel_ioapic_eoi_vectors(struct lintel_vcpu *vcpu, u64 bitmap[4]);
/* lintel_ioapic_eoi - a local APIC ended @vector; @level: its TMR bit was set. */
void lintel_ioapic_eoi(struct lintel_vm *vm, u8 vector, bool level);
void lintel_ioapic_get(struct lintel_vm *vm, struct kvm_ioapic_state *state);
void lintel_ioapic_set(struct lintel_vm *vm, const struct kvm_ioapic_state *state);

bool lintel_pit_pio(struct lintel_vm *vm, u16 port, u8 *value, bool write);
/*
 * lintel_pit_acked - the guest ended the interrupt of these pins: send the next tick, if one waits.
 * No chip's lock is held.
 */
void lintel_pit_acked(struct lintel_vm *vm, u64 pins);
/* lintel_pit_wants_acks - there is a PIT, and it sends ticks that wait. */
bool lintel_pit_wants_acks(struct lintel_vm *vm);
void lintel_pit_destroy(struct lintel_vm *vm);

/* lintel_irqfd_acked - lower the lines of irqfds that lead to these pins, and ask their devices. */
void lintel_irqfd_acked(struct lintel_vm *vm, u64 pins);
/* lintel_irqfd_pins - the pins that irqfds wait at. */
u64 lintel_irqfd_pins(struct lintel_vm *vm);
void lintel_irqfd_destroy(struct lintel_irqchip *chip);
void lintel_lapic_map_destroy(struct lintel_irqchip *chip);

/* lintel_timer_min_period - the shortest period of a guest's timer, ns. */
u64 lintel_timer_min_period(void);

/* lintel_routing_default - the table that a new irqchip has; a split one's is empty.  -ENOMEM. */
int lintel_routing_default(struct lintel_irqchip *chip, bool split);
/* lintel_routing_eoi_vectors - the part of user space's IOAPIC in lintel_irq_eoi_vectors(). */
void lintel_routing_eoi_vectors(struct lintel_vcpu *vcpu, u64 bitmap[4]);
/* lintel_routing_has_level - a message of user space's IOAPIC has this vector, level-triggered. */
bool lintel_routing_has_level(struct lintel_vm *vm, u8 vector);
void lintel_routing_destroy(struct lintel_irqchip *chip);

#endif
