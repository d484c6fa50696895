/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Posting interrupts: the descriptor of the SDM's "Posted-Interrupt Processing", and its protocol.
 *
 * Anybody may post a vector to a vCPU at any time, without a lock: the vector's bit is set in the
 * descriptor's request bitmap (PIR), and ON says that the bitmap wants to be looked at.  Only the
 * vCPU takes bits out: its thread, by pi_drain(), or the processor that runs the guest, when the
 * notification interrupt arrives.  Whoever finds ON set need not notify: somebody has, and what is
 * posted now will be found along with the rest.  With SN set nobody notifies.
 *
 * The rules.  Sender:
 *
 *	pi_post()	PI_NOTIFY: go on; else done
 *	smp_mb()	(pi_post() has one at its end, wq_has_sleeper() another)
 *	wake the thread, if it sleeps in HLT
 *	pi_guest_cpu()	not -1: send the notification interrupt there
 *
 * The vCPU's thread:
 *
 *	when it comes to a CPU: write vcpu->cpu, then pi_load()
 *	when it is preempted: pi_suppress(), so nobody notifies; it looks when it is back.
 *		Never before it sleeps: a thread in HLT must be woken.
 *	before each entry: interrupts off, pi_enter(), then pi_drain() to the virtual IRR
 *	after the exit: pi_leave(), then interrupts on
 *	before it sleeps: be on the wait queue, then pi_drain(), then decide by the virtual IRR
 *		with what came from there.  Deciding by the bitmap alone would leave ON set,
 *		and a later, more urgent vector would wake nobody.
 *
 * The notification interrupt is either the vector in NV, which the processor turns into interrupts
 * of the guest without an exit, or any other: then the guest exits, and the next entry drains.
 * Where it arrives outside the guest it does nothing; nor does it have to.
 *
 * Why nothing is lost.  P posts a vector: P1 sets its bit, P2 reads (ON, SN) or sets ON, P3 reads
 * mode (or the wait queue).  The vCPU V: V1 writes mode = IN_GUEST (or queues itself), V2 clears
 * ON, V3 takes the bits.  Full barriers stand between P1 and P2, P2 and P3, V1 and V2, V2 and V3.
 *
 *   - P2 found ON set.  So P2 is before the V2 that clears this ON, and P1 before V3, which finds
 *     the bit.  That V2 is to come: whoever set ON is in one of the following cases.  This is why
 *     ON is cleared before the bits are taken: the other way round a bit could come in between,
 *     with ON set and nobody to look.
 *   - P2 found SN set.  pi_load() clears SN and then looks at the bitmap, with a full barrier in
 *     between, so it finds what P1 wrote, and sets ON itself, as the thread that is to enter.
 *   - P2 set ON, and P3 read an older mode than IN_GUEST (or found nobody on the queue).  Then P3
 *     is before V1, so P2 before V2, which sees ON.
 *   - P2 set ON, and P3 read IN_GUEST (or woke the thread).  The interrupt goes to where the vCPU
 *     is in the guest; one that arrives between pi_enter() and the entry waits, as interrupts are
 *     off, and is taken in the guest.  Or P3 read a mode or a cpu that was old: then the vCPU's
 *     next V1 is after P3, so P2 before V2, as in the case before.
 *
 * Nothing is doubled, as bits are taken by an atomic exchange with 0.  A vector that is posted
 * again before it was taken is one interrupt, as in the IRR.
 *
 * The same text is compiled in test/posted, where every interleaving of a few threads is tried,
 * with stores delayed as x86 may delay them, and where many threads run it at full speed.
 */
#ifndef LINTEL_IRQ_POSTED_H
#define LINTEL_IRQ_POSTED_H

#ifdef __KERNEL__
#include <linux/atomic.h>
#include <linux/bitops.h>
#include <linux/bits.h>
#include <linux/build_bug.h>
#include <linux/compiler.h>
#include <linux/types.h>
#else
#include "shim.h"
#endif

/*
 * SDM, "Format of Posted-Interrupt Descriptor": bits 256 and up are those of control.  The VMCS
 * holds its physical address.
 */
struct pi_desc {
	unsigned long pir[4];
	unsigned long control;
#define PI_ON		BIT(0)			/* outstanding notification */
#define PI_SN		BIT(1)			/* suppress notification */
#define PI_NV_SHIFT	16			/* notification vector: 8 bits */
#define PI_NDST_SHIFT	32			/* notification destination: 32 bits */
	unsigned long unused[3];
} __aligned(64);

static_assert(sizeof(struct pi_desc) == 64);

/* Where the vCPU's thread is. */
enum lintel_vcpu_mode {
	OUTSIDE_GUEST,
	IN_GUEST,
};

enum pi_post {
	PI_COALESCED,		/* this vector waits already */
	PI_QUIET,		/* posted; nobody needs to be told */
	PI_NOTIFY,		/* posted; the caller notifies */
};

/* pi_ndst - what NDST holds for a CPU with this APIC id. */
static inline u32 pi_ndst(u32 apic_id, bool x2apic)
{
	return x2apic ? apic_id : (apic_id & 0xff) << 8;
}

static inline bool pi_test_pir(const struct pi_desc *pi)
{
	return READ_ONCE(pi->pir[0]) | READ_ONCE(pi->pir[1]) |
	       READ_ONCE(pi->pir[2]) | READ_ONCE(pi->pir[3]);
}

/* pi_post - post @vector.  Any context.  A full barrier if it returns PI_NOTIFY. */
static inline enum pi_post pi_post(struct pi_desc *pi, u8 vector)
{
	unsigned long old;

	if (test_and_set_bit(vector, pi->pir))
		return PI_COALESCED;
	/* P1, P2: that was a full barrier */
	old = READ_ONCE(pi->control);
	do {
		if (old & (PI_ON | PI_SN))
			return PI_QUIET;
	} while (!try_cmpxchg(&pi->control, &old, old | PI_ON));
	return PI_NOTIFY;
}

/*
 * pi_drain - take out all vectors that were posted and add them to @set.  The vCPU's thread only,
 * while the guest does not run.  Returns whether there were any.
 */
static inline bool pi_drain(struct pi_desc *pi, unsigned long set[4])
{
	unsigned int i, any = 0;

	if (!(READ_ONCE(pi->control) & PI_ON))
		return false;
	clear_bit(0, &pi->control);
	smp_mb__after_atomic();		/* V2, V3 */
	for (i = 0; i < 4; i++) {
		if (!READ_ONCE(pi->pir[i]))
			continue;
		set[i] |= xchg(&pi->pir[i], 0);
		any = 1;
	}
	return any;
}

/* pi_pending - is anything posted and not taken?  Any context; the answer may be old. */
static inline bool pi_pending(const struct pi_desc *pi)
{
	return (READ_ONCE(pi->control) & (PI_ON | PI_SN)) && pi_test_pir(pi);
}

/* pi_suppress - senders need not notify until pi_load(): the thread was preempted. */
static inline void pi_suppress(struct pi_desc *pi)
{
	set_bit(1, &pi->control);
}

/* pi_load - the thread is on a CPU (again): where and how to notify it, and SN clear. */
static inline void pi_load(struct pi_desc *pi, u8 vector, u32 ndst)
{
	unsigned long old = READ_ONCE(pi->control), new;

	do {
		new = (old & PI_ON) | (unsigned long)vector << PI_NV_SHIFT |
		      (unsigned long)ndst << PI_NDST_SHIFT;
		if (new == old)
			return;
	} while (!try_cmpxchg(&pi->control, &old, new));
	/* a successful exchange is a full barrier */
	if (old & PI_SN && pi_test_pir(pi))
		set_bit(0, &pi->control);
}

/* pi_enter - from here a notification interrupts.  Interrupts off, before pi_drain(). */
static inline void pi_enter(int *mode)
{
	smp_store_mb(*mode, IN_GUEST);	/* V1, V2 */
}

/* pi_leave - the guest was left; interrupts are off still. */
static inline void pi_leave(int *mode)
{
	/* what the guest did comes before */
	smp_store_release(mode, OUTSIDE_GUEST);
}

/*
 * pi_guest_cpu - where the notification interrupt goes: the CPU that runs the guest, or -1.
 * After a full barrier.  The caller itself is that CPU only where no interrupt is needed: it is
 * not in the guest then, and drains before it enters.
 */
static inline int pi_guest_cpu(const int *mode, const int *cpu)
{
	return READ_ONCE(*mode) == IN_GUEST ? READ_ONCE(*cpu) : -1;
}

#endif
