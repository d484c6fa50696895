/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The local APIC, seen from inside module/irq.
 *
 * The registers are a 4 KiB page laid out as the xAPIC's MMIO page, in both modes; in x2APIC mode
 * the ID and LDR words hold all 32 bits and ICR2 the whole destination.  The page belongs to the
 * running thread, with these exceptions, which other contexts use while it runs:
 *
 *	IRR, TMR		set and cleared atomically, by whoever delivers
 *	ID, LDR, DFR, SPIV,	read with READ_ONCE by whoever looks for a destination
 *	LVT0, TPR, PPR
 *	base, events, esr	atomic words outside the page
 */
#ifndef LINTEL_IRQ_LAPIC_H
#define LINTEL_IRQ_LAPIC_H

#include "env.h"
#include "irq.h"
#include "posted.h"

/* Delivery modes: bits 10:8 of ICR, LVT, MSI data and IOAPIC entries. */
enum lapic_mode {
	MODE_FIXED	= 0,
	MODE_LOWEST	= 1,
	MODE_SMI	= 2,
	MODE_NMI	= 4,
	MODE_INIT	= 5,
	MODE_SIPI	= 6,
	MODE_EXTINT	= 7,
};

/* Bits of events. */
enum lapic_event {
	EVENT_INIT,
	EVENT_SIPI,
};

/* Bits of the error status register. */
#define ESR_SEND_ILLEGAL_VECTOR		BIT(5)
#define ESR_RECEIVE_ILLEGAL_VECTOR	BIT(6)
#define ESR_ILLEGAL_REGISTER		BIT(7)

#define LAPIC_TIMER_MODES	GENMASK(18, 17)	/* of LVTT: one-shot, periodic, TSC-deadline */

#define LAPIC_DEST_BROADCAST	0xffu
#define X2APIC_DEST_BROADCAST	0xffffffffu

/* An interrupt message on its way to the local APICs. */
struct lapic_message {
	u32 dest;
	u8 vector;
	u8 mode;		/* enum lapic_mode */
	bool logical;
	bool level;
	bool x2apic;		/* dest has 32 bits: 0xff is no broadcast in x2APIC mode */
};

/* LAPICs by physical id. */
struct lapic_map {
	struct rcu_head rcu;
	u32 nr;
	bool x2apic;		/* all are in x2APIC mode */
	struct lintel_lapic *lapic[];
};

struct lapic_timer {
	struct hrtimer hrtimer;
	bool started;			/* the hrtimer, and not cancelled since */
	bool waiting;			/* the vCPU waits in the host: no preemption timer */
	ktime_t target;			/* one-shot and periodic: when the count reaches zero */
	u64 period;			/* ns */
	u64 deadline;			/* guest TSC; 0: not armed */
	bool pending;			/* expired, not yet in the IRR; set by the hrtimer */
};

/* Bits of work: what the next entry with virtual-interrupt delivery has to write. */
enum vapic_work {
	WORK_MODE,		/* base or hold changed */
	WORK_STATUS,		/* IRR or ISR was written by software, more than "raised" says */
	WORK_EOI_EXITS,		/* eoi_vectors or TMR changed */
	WORK_HELD,		/* held has bits */
};

struct lintel_lapic {
	struct pi_desc pi;		/* first: aligned as the struct is */
	struct lintel_vcpu *vcpu;
	u32 *regs;
	bool vid;			/* the processor delivers: vapic.c */
	bool away;			/* counted in vm->apics_away */
	unsigned long work;		/* bits of enum vapic_work */
	int raised;			/* highest vector that came into the IRR since; -1: none */
	bool hold;			/* a debugger wants no interrupts: RVI stays 0 */
	DECLARE_BITMAP(held, 256);	/* level-triggered requests that wait for eoi_exits */
	DECLARE_BITMAP(eoi_exits, 256);	/* what the VMCS holds */
	u64 eoi_vectors[4];		/* lintel_irq_eoi_vectors() */
	u32 kept[64];			/* each register as software wrote it last */
	int in_service;			/* highest of the ISR, -1: none, -2: look; not with vid */
	u64 base;			/* IA32_APIC_BASE */
	unsigned long events;		/* bits of enum lapic_event */
	int extint;			/* of a PIC in user space, waiting; -1: none */
	int eoi_exit;			/* ended, user space's IOAPIC to be told; -1: none */
	u8 sipi_vector;
	atomic_t esr;			/* errors that the next write to the ESR will show */
	struct lapic_timer timer;
};

static inline u32 lapic_get(const struct lintel_lapic *lapic, unsigned int offset)
{
	return READ_ONCE(lapic->regs[offset / 4]);
}

static inline void lapic_put(struct lintel_lapic *lapic, unsigned int offset, u32 value)
{
	lapic->kept[offset / 16] = value;
	WRITE_ONCE(lapic->regs[offset / 4], value);
}

/* The highest vector in IRR, ISR or TMR, or -1. */
static inline int lapic_highest(const struct lintel_lapic *lapic, unsigned int offset)
{
	const u32 *regs = &lapic->regs[offset / 4];
	int i;

#pragma GCC unroll 8
	for (i = 7; i >= 0; i--) {
		u32 word = READ_ONCE(regs[i * 4]);

		if (word)
			return i * 32 + __fls(word);
	}
	return -1;
}

/* The highest vector in service, or -1.  Software alone writes the ISR where it delivers. */
static inline int lapic_in_service(struct lintel_lapic *lapic)
{
	if (lapic->vid || lapic->in_service == -2)
		lapic->in_service = lapic_highest(lapic, APIC_ISR);
	return lapic->in_service;
}

/* IRR, ISR and TMR: 32 bits of the bitmap in each 16-byte slot. */
static inline unsigned long *lapic_bitmap(struct lintel_lapic *lapic, unsigned int offset,
					  u8 vector)
{
	return (unsigned long *)&lapic->regs[(offset + vector / 32 * 16) / 4];
}

static inline bool lapic_enabled(const struct lintel_lapic *lapic)
{
	return READ_ONCE(lapic->base) & MSR_IA32_APICBASE_ENABLE;
}

static inline bool lapic_x2apic(const struct lintel_lapic *lapic)
{
	return READ_ONCE(lapic->base) & X2APIC_ENABLE;
}

/*
 * A vCPU whose id has more than 8 bits is addressed by it in xAPIC mode too: else nobody could send
 * it the SIPI after which it enters x2APIC mode.
 */
static inline u32 lapic_physical_id(const struct lintel_lapic *lapic)
{
	if (lapic_x2apic(lapic) || lapic->vcpu->id > 0xff)
		return lapic->vcpu->id;
	return lapic_get(lapic, APIC_ID) >> 24;
}

static inline enum lapic_place lapic_place(const struct lintel_lapic *lapic)
{
	u64 base = READ_ONCE(lapic->base);

	if (base & X2APIC_ENABLE)
		return LAPIC_X2APIC;
	return base & MSR_IA32_APICBASE_ENABLE && (base & PAGE_MASK) == APIC_DEFAULT_PHYS_BASE ?
		LAPIC_XAPIC : LAPIC_ELSEWHERE;
}

static inline bool lapic_software_enabled(const struct lintel_lapic *lapic)
{
	return lapic_get(lapic, APIC_SPIV) & APIC_SPIV_APIC_ENABLED;
}

/* Device messages name local APICs in x2APIC mode by all bits of their ID. */
static inline bool lintel_x2apic_exact(const struct lintel_vm *vm)
{
	return READ_ONCE(vm->x2apic_api) & KVM_X2APIC_API_DISABLE_BROADCAST_QUIRK;
}

static inline u32 lapic_x2apic_ldr(u32 id)
{
	return (id & ~0xfu) << 12 | 1u << (id & 0xf);
}

/* --- lapic.c --- */

/* lintel_lapic_takes_pic - this LAPIC passes the PIC's INT on.  Any context. */
bool lintel_lapic_takes_pic(const struct lintel_lapic *lapic);
/* lintel_lapic_update_ppr - compute the processor priority and store it.  Running thread. */
u32 lintel_lapic_update_ppr(struct lintel_lapic *lapic);
void lintel_lapic_eoi(struct lintel_lapic *lapic);

/* --- vapic.c --- */

/* lintel_vapic_create - whether it is used is settled here.  vm->lock held.  -ENOMEM. */
int lintel_vapic_create(struct lintel_lapic *lapic);
/* lintel_vapic_post - request @vector, its TMR bit set.  Any context.  1; 0: it waits already. */
int lintel_vapic_post(struct lintel_lapic *lapic, u8 vector, bool level);
/* Running thread, or vcpu->mutex held: move what was posted into the IRR; forget it. */
void lintel_vapic_sync(struct lintel_lapic *lapic);
void lintel_vapic_clear(struct lintel_lapic *lapic);
/* lintel_vapic_changed - software has written IRR or ISR; _moved: the base.  May sleep. */
void lintel_vapic_changed(struct lintel_lapic *lapic);
void lintel_vapic_moved(struct lintel_lapic *lapic);

/* --- lapic_reg.c --- */

/* Offsets into the page; -EINVAL: no such register, reserved bits, not in this mode. */
int lintel_lapic_reg_read(struct lintel_lapic *lapic, unsigned int offset, u32 *value);
int lintel_lapic_reg_write(struct lintel_lapic *lapic, unsigned int offset, u32 value);
/* lintel_lapic_guest_write - by the guest, in xAPIC mode: an error goes to the ESR. */
void lintel_lapic_guest_write(struct lintel_lapic *lapic, unsigned int offset, u32 value);
/* lintel_lapic_mmio - @gpa is in the page at this vCPU's APIC base. */
bool lintel_lapic_mmio(struct lintel_vcpu *vcpu, gpa_t gpa, unsigned int len, void *data,
		       bool write);
/* lintel_lapic_sanitize - keep of a page from user space what the registers can hold. */
void lintel_lapic_sanitize(struct lintel_lapic *lapic);

/* --- lapic_ipi.c --- */

/*
 * lintel_lapic_deliver - to every LAPIC that @message names.  Any context; at most one step for
 * each vCPU.  Returns how many took it, 0 if it was coalesced with one that waits, -1: nobody.
 */
int lintel_lapic_deliver(struct lintel_vm *vm, const struct lapic_message *message);
/*
 * lintel_lapic_note_eoi - set the bit of @message's vector if its EOI may come from this LAPIC: it
 * is one of those that the message names, or has taken the vector before the message was changed.
 */
void lintel_lapic_note_eoi(struct lintel_lapic *lapic, const struct lapic_message *message,
			   u64 bitmap[4]);
int lintel_lapic_accept(struct lintel_lapic *lapic, u8 mode, u8 vector, bool level);
void lintel_lapic_send_ipi(struct lintel_lapic *lapic, u32 icr, u32 icr2);
/* lintel_lapic_local - raise a local interrupt through its LVT entry at @offset. */
void lintel_lapic_local(struct lintel_lapic *lapic, unsigned int offset);
/* lintel_lapic_error - note an error and raise the error interrupt.  Any context. */
void lintel_lapic_error(struct lintel_lapic *lapic, u32 bit);

/* --- lapic_timer.c: running thread, or vcpu->mutex held --- */

void lintel_lapic_timer_init(struct lintel_lapic *lapic);
void lintel_lapic_timer_stop(struct lintel_lapic *lapic);
/* lintel_lapic_timer_start - count down the initial count, with @count left of the first round. */
void lintel_lapic_timer_start(struct lintel_lapic *lapic, u32 count);
u32 lintel_lapic_timer_count(struct lintel_lapic *lapic);
void lintel_lapic_timer_divide(struct lintel_lapic *lapic, u32 tdcr);
/* lintel_lapic_timer_lvt - @lvtt was written: disarms when TSC-deadline mode begins or ends. */
void lintel_lapic_timer_lvt(struct lintel_lapic *lapic, u32 old, u32 lvtt);

#endif
