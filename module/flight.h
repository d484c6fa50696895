/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The exit recorder: each vCPU keeps its last exits, and how long the host took for them.
 *
 * Exit number n, which is what stats.exits holds once it is counted, stands in slot n modulo 256.
 * Its slot is written at the exit (time, reason), by its handler (RIP, and what it is about), and
 * at the next entry (time); then the count of exits goes up, and the slot is left alone until 256
 * exits later.  There is one writer, the running thread, with plain stores in that order.  A reader
 * reads the count, copies the slots, and reads the count again: what it copied of an exit that is
 * less than 256 before the second count cannot have been overwritten.
 *
 * An exit that is finished between two entries costs two RDTSC and some thirty instructions.  Page
 * faults aside it writes only half of its slot: the reader knows by the result what the other half
 * would say.
 * The memory comes with the first KVM_RUN, since most of what it holds is of use only then.  With
 * flight=0 there are no slots, and handlers write what they know into a scrap.
 */
#ifndef LINTEL_FLIGHT_H
#define LINTEL_FLIGHT_H

#include <linux/bitops.h>
#include <linux/compiler.h>
#include <linux/jump_label.h>
#include <linux/lintel.h>
#include <linux/minmax.h>

#include "vcpu.h"

#define LINTEL_LATENCY_REASONS	64	/* the last row is of all from there on */
#define LINTEL_LATENCY_BUCKETS	32

/* What a vCPU has of it; NULL with flight=0 and before it first runs. */
struct lintel_recorder {
	struct lintel_flight_exit exit[LINTEL_FLIGHT_EXITS];
	/* exits by reason and log2 of the host's ticks between exit and entry */
	u64 latency[LINTEL_LATENCY_REASONS][LINTEL_LATENCY_BUCKETS];
};

/* one byte more, and the allocator would give twice as much */
static_assert(sizeof(struct lintel_recorder) == 8 * 4096);

DECLARE_STATIC_KEY_TRUE(lintel_flight_key);

/* lintel_flight_on - the parameter: then whoever enters the guest has vcpu->flight. */
static __always_inline bool lintel_flight_on(void)
{
	return static_branch_likely(&lintel_flight_key);
}

/* The time, stored in halves as RDTSC gives it; returns the low one. */
static __always_inline u32 flight_stamp(__u64 *to)
{
	u32 low, high;

	asm volatile("rdtsc" : "=a" (low), "=d" (high));
	((u32 *)to)[0] = low;
	((u32 *)to)[1] = high;
	return low;
}

/* flight_exit - the guest was left, and the exit is counted.  The running thread, in the window. */
static __always_inline void flight_exit(struct lintel_vcpu *vcpu, u32 reason)
{
	struct lintel_recorder *flight = vcpu->flight;
	struct lintel_flight_exit *slot;
	unsigned long index;

	static_assert(LINTEL_FLIGHT_EXITS == 1 << 8);
	if (!lintel_flight_on())
		return;
	/* the count before the slot */
	barrier();
	index = (u8)vcpu->stats.exits;
	slot = &flight->exit[index];
	vcpu->flight_slot = slot;
	flight_stamp(&slot->out);
	/* in one store: the result is SHORT until somebody says otherwise */
	*(u64 *)&slot->reason = reason;
	static_assert(offsetof(struct lintel_flight_exit, result) ==
		      offsetof(struct lintel_flight_exit, reason) + sizeof(u32));
}

/* flight_short - exit_short.c handles it.  @qualification: or what the instruction was asked. */
static __always_inline void flight_short(struct lintel_vcpu *vcpu, unsigned long rip,
					 u64 qualification)
{
	struct lintel_flight_exit *slot = vcpu->flight_slot;

	slot->rip = rip;
	slot->qualification = qualification;
}

/* flight_violation - likewise of a page fault that it has resolved: the whole slot. */
static __always_inline void flight_violation(struct lintel_vcpu *vcpu, unsigned long rip,
					     u64 qualification, gpa_t gpa)
{
	struct lintel_flight_exit *slot = vcpu->flight_slot;

	flight_short(vcpu, rip, qualification);
	slot->gpa = gpa;
	slot->intr_info = 0;
	slot->detail = 0;
	slot->result = LINTEL_FLIGHT_RESUMED;
}

/* flight_again - the guest is entered again at once; the exit's reason is one of exit_short.c's. */
static __always_inline void flight_again(struct lintel_vcpu *vcpu, u32 reason)
{
	struct lintel_flight_exit *slot = vcpu->flight_slot;
	struct lintel_recorder *flight = vcpu->flight;
	u32 ticks;

	if (!lintel_flight_on())
		return;
	/* far below 2^32, since interrupts are off */
	ticks = flight_stamp(&slot->resumed) - (u32)slot->out;
	flight->latency[reason % LINTEL_LATENCY_REASONS][__fls(ticks | 1)]++;
}

/* flight_enter - any other entry, unless it is the first. */
static __always_inline void flight_enter(struct lintel_vcpu *vcpu)
{
	struct lintel_flight_exit *slot = vcpu->flight_slot;
	struct lintel_recorder *flight = vcpu->flight;
	u64 ticks;

	/* an entry that failed is no answer to the exit before it, which had one */
	if (!lintel_flight_on() || vcpu->flight_entered == vcpu->stats.exits)
		return;
	vcpu->flight_entered = vcpu->stats.exits;
	flight_stamp(&slot->resumed);
	ticks = slot->resumed - slot->out;
	flight->latency[min_t(u16, slot->reason, LINTEL_LATENCY_REASONS - 1)]
		       [min_t(int, __fls(ticks | 1), LINTEL_LATENCY_BUCKETS - 1)]++;
}

/* flight_long - vcpu->exit and the cached registers are filled; a handler will be called. */
static inline void flight_long(struct lintel_vcpu *vcpu)
{
	struct lintel_flight_exit *slot = vcpu->flight_slot;
	const struct lintel_exit *exit = &vcpu->exit;

	slot->rip = vcpu->rip;
	switch (exit->reason) {
	case EXIT_REASON_CPUID:
		slot->qualification = (u32)vcpu->gpr[GPR_RAX];
		break;
	case EXIT_REASON_VMCALL:
		slot->qualification = vcpu->gpr[GPR_RAX];
		break;
	case EXIT_REASON_MSR_READ:
	case EXIT_REASON_MSR_WRITE:
		slot->qualification = (u32)vcpu->gpr[GPR_RCX];
		break;
	default:
		slot->qualification = exit->qualification;
	}
	slot->gpa = exit->reason == EXIT_REASON_EPT_VIOLATION ||
		    exit->reason == EXIT_REASON_EPT_MISCONFIG ? exit->gpa : 0;
	slot->intr_info = exit->intr_info;
	slot->detail = 0;
	slot->result = LINTEL_FLIGHT_HANDLING;
}

/* flight_resumed - the last exit needs nothing of user space. */
static inline void flight_resumed(struct lintel_vcpu *vcpu)
{
	vcpu->flight_slot->result = LINTEL_FLIGHT_RESUMED;
}

/* flight_entry_failed - no exit: the VM-instruction error. */
static inline void flight_entry_failed(struct lintel_vcpu *vcpu)
{
	vcpu->flight_entry_error = vcpu->exit.instruction_error;
}

/* lintel_flight_leave - KVM_RUN ends: @ret is TO_USER or -errno. */
void lintel_flight_leave(struct lintel_vcpu *vcpu, int ret);

/*
 * lintel_flight_init - with the vCPU: it asks for its memory by REQ_FLIGHT, which
 * lintel_flight_alloc() serves; 0 or -ENOMEM.  lintel_flight_free: harmless without it.
 */
void lintel_flight_init(struct lintel_vcpu *vcpu);
int lintel_flight_alloc(struct lintel_vcpu *vcpu);
void lintel_flight_free(struct lintel_vcpu *vcpu);

/*
 * lintel_flight_read - copy what @vcpu has of its last exits into @to, oldest first; room for
 * LINTEL_FLIGHT_EXITS.  The vCPU may be running, or never have run.  Returns how many.
 */
unsigned int lintel_flight_read(const struct lintel_vcpu *vcpu, struct lintel_flight_exit *to);

/* lintel_flight_latency - exits of a reason (the last row: of all from there on) in a bucket. */
static inline u64 lintel_flight_latency(const struct lintel_vcpu *vcpu, unsigned int row,
					unsigned int bucket)
{
	const struct lintel_recorder *flight = READ_ONCE(vcpu->flight);

	return flight ? READ_ONCE(flight->latency[row][bucket]) : 0;
}

/* lintel_flight_param - the parameter's value takes effect.  Module init. */
void lintel_flight_param(void);

/* lintel_flight_head - fill what a vCPU says beside its exits, times of now. */
void lintel_flight_head(const struct lintel_vcpu *vcpu, struct lintel_flight *head);

#endif
