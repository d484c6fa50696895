/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Asynchronous page faults: the guest runs on while the host fetches a page.
 */
#ifndef LINTEL_PARAVIRT_APF_H
#define LINTEL_PARAVIRT_APF_H

#include <linux/spinlock.h>
#include <linux/workqueue.h>
#include <asm/kvm_para.h>

#include "../types.h"
#include "../vcpu.h"
#include "apf_book.h"

/* Lock legend: [M] vcpu->mutex (the running thread), [A] atomic, [P] lintel_apf.lock, [I] const. */
struct apf_fetch {
	struct work_struct work;
	struct task_struct *worker;	/* [P] that fetches now, or NULL */
	hva_t hva;			/* [M] while no work is queued, likewise below */
	u8 nr;				/* [I] of the entry in the book */
	bool write;			/* [M] */
};

/* Made with a vCPU's first absent page, or when its guest asks for events. */
struct lintel_apf {
	struct lintel_vcpu *vcpu;	/* [I] */
	struct apf_book book;		/* [M] */
	unsigned int awaited;		/* [M] REQ_APF_WAIT: for which fetch */
	unsigned long done;		/* [A] by entry: its fetch is over */
	unsigned long failed;		/* [A] likewise, and brought nothing */
	spinlock_t lock;
	bool off;			/* [P] what was begun until now is not fetched any more */
	struct apf_fetch fetch[APF_MAX];
};

static_assert(APF_MAX <= BITS_PER_LONG);
static_assert(LINTEL_MAX_VCPU_ID <= 1 << APF_ID_BITS);

/* Events are wanted, and 'page ready' as an interrupt, which is the only way. */
static inline bool lintel_apf_enabled(const struct lintel_vcpu *vcpu)
{
	const u64 both = KVM_ASYNC_PF_ENABLED | KVM_ASYNC_PF_DELIVERY_AS_INT;

	return (vcpu->pv.apf.control & both) == both;
}

/*
 * lintel_apf_start - the page at @gpa is to be fetched for an access that is a @write.  @tell: the
 * vCPU is in a state in which its guest can take 'page not present'; @halt: it may wait instead.
 * The running thread, may sleep.  Returns
 *	APF_TOLD	the guest knows of it: #PF is due, with *@token as its address
 *	APF_WAIT	REQ_APF_WAIT is set
 *	APF_REFUSED	nothing is done: fetch it in this thread
 */
enum lintel_apf_start { APF_REFUSED, APF_WAIT, APF_TOLD };
enum lintel_apf_start lintel_apf_start(struct lintel_vcpu *vcpu, gpa_t gpa, bool write, bool tell,
				       bool halt, u32 *token);

/* lintel_apf_arrived - what REQ_APF_WAIT waited for is there.  The running thread. */
bool lintel_apf_arrived(const struct lintel_vcpu *vcpu);

/* lintel_apf_serve - REQ_APF: tell the guest what has come.  Before entry, may sleep. */
void lintel_apf_serve(struct lintel_vcpu *vcpu);

/* The three MSRs, as lintel_pv_set_msr() has them; lintel_apf_reset: as lintel_pv_reset(). */
int lintel_apf_set_msr(struct lintel_vcpu *vcpu, u32 msr, u64 value);
u64 lintel_apf_get_msr(const struct lintel_vcpu *vcpu, u32 msr);
void lintel_apf_reset(struct lintel_vcpu *vcpu);

/* --- apf_fetch.c --- */

/* lintel_apf_get - the vCPU's queue, or NULL: no memory for it.  The running thread, may sleep. */
struct lintel_apf *lintel_apf_get(struct lintel_vcpu *vcpu);
/* lintel_apf_fetch - begin with entry @nr, which was not busy.  The running thread. */
void lintel_apf_fetch(struct lintel_apf *apf, unsigned int nr, hva_t hva, bool write);
/*
 * lintel_apf_call_off - what is being fetched is given up, whatever it waits for, as if the fetches
 * had failed.  Any thread.  lintel_apf_free: likewise, and the vCPU goes away; may sleep.
 * lintel_apf_free_vm: after that of all vCPUs.
 */
void lintel_apf_call_off(struct lintel_vcpu *vcpu);
void lintel_apf_free(struct lintel_vcpu *vcpu);
void lintel_apf_free_vm(struct lintel_vm *vm);

#endif
