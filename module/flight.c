// SPDX-License-Identifier: GPL-2.0-only
/*
 * The exit recorder's slow half: memory, what user space was told, and reading while a vCPU runs.
 * What is done at each exit stands in flight.h, with the protocol.
 */
#include "flight.h"

#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <asm/tsc.h>

#include "vm.h"

static bool flight = true;
module_param(flight, bool, 0444);
MODULE_PARM_DESC(flight, "record the last exits of each vCPU, and their times (default: on)");

DEFINE_STATIC_KEY_TRUE(lintel_flight_key);

void lintel_flight_param(void)
{
	if (!flight)
		static_branch_disable(&lintel_flight_key);
}

void lintel_flight_init(struct lintel_vcpu *vcpu)
{
	vcpu->flight_slot = &vcpu->flight_scrap;
	if (lintel_flight_on())
		lintel_vcpu_request(vcpu, REQ_FLIGHT);
}

int lintel_flight_alloc(struct lintel_vcpu *vcpu)
{
	struct lintel_recorder *recorder = kvzalloc(sizeof(*recorder), GFP_KERNEL_ACCOUNT);

	/* readers find it zeroed */
	smp_store_release(&vcpu->flight, recorder);
	return recorder ? 0 : -ENOMEM;
}

void lintel_flight_free(struct lintel_vcpu *vcpu)
{
	kvfree(vcpu->flight);
}

/* Half of a slot is left over from earlier when the exit was a short one. */
static void tidy(struct lintel_flight_exit *exit, u64 number)
{
	exit->number = number;
	if (exit->result == LINTEL_FLIGHT_SHORT) {
		exit->gpa = 0;
		exit->intr_info = 0;
		exit->detail = 0;
	}
}

void lintel_flight_leave(struct lintel_vcpu *vcpu, int ret)
{
	struct lintel_flight_exit *slot = vcpu->flight_slot;

	/* a failed entry says so by itself, and what has gone to user space once has its answer */
	if (!vcpu->flight || vcpu->flight_entered == vcpu->stats.exits ||
	    slot->result >= LINTEL_FLIGHT_USER)
		return;
	tidy(slot, vcpu->stats.exits);
	slot->detail = ret > 0 ? READ_ONCE(vcpu->run->exit_reason) : -ret;
	slot->result = ret > 0 ? LINTEL_FLIGHT_USER : LINTEL_FLIGHT_ERROR;
}

static void copy_slot(struct lintel_flight_exit *to, const struct lintel_flight_exit *slot)
{
	/* the running thread may write it meanwhile: the callers find out */
	data_race(memcpy(to, slot, sizeof(*to)));
	/* before the count, or the slot, is read again */
	smp_rmb();
}

/* The last exit counted: its handler may be at work.  True if @exit is a state that it has had. */
static bool copy_last(const struct lintel_vcpu *vcpu, const struct lintel_flight_exit *slot,
		      u64 count, struct lintel_flight_exit *exit)
{
	struct lintel_flight_exit again;
	int tries;

	copy_slot(exit, slot);
	for (tries = 0; tries < 4; tries++) {
		copy_slot(&again, slot);
		if (READ_ONCE(vcpu->stats.exits) != count)
			return false;
		if (!memcmp(exit, &again, sizeof(again)))
			break;
		*exit = again;
	}
	if (tries == 4)
		return false;
	if ((s64)(exit->resumed - exit->out) <= 0)
		exit->resumed = 0;
	/* at work, for less than a microsecond: RIP is not there yet */
	return exit->result != LINTEL_FLIGHT_SHORT || exit->resumed;
}

unsigned int lintel_flight_read(const struct lintel_vcpu *vcpu, struct lintel_flight_exit *to)
{
	u64 last = READ_ONCE(vcpu->stats.exits), first, lost;
	const struct lintel_flight_exit *slots;
	unsigned int nr = 0, i;

	if (!last)
		return 0;
	/* the count before the slots, and where they are */
	smp_rmb();
	slots = READ_ONCE(vcpu->flight)->exit;
	first = last >= LINTEL_FLIGHT_EXITS ? last - LINTEL_FLIGHT_EXITS + 1 : 1;
	for (nr = 0; first + nr < last; nr++)
		copy_slot(&to[nr], &slots[(u8)(first + nr)]);
	/* what may have been overwritten meanwhile goes */
	lost = READ_ONCE(vcpu->stats.exits) - last;
	lost = min_t(u64, nr, last - first + lost >= LINTEL_FLIGHT_EXITS ?
			      last - first + lost - LINTEL_FLIGHT_EXITS + 1 : 0);
	memmove(to, to + lost, (nr - lost) * sizeof(*to));
	nr -= lost;
	for (i = 0; i < nr; i++)
		tidy(&to[i], first + lost + i);
	if (copy_last(vcpu, &slots[(u8)last], last, &to[nr]))
		tidy(&to[nr++], last);
	return nr;
}

void lintel_flight_head(const struct lintel_vcpu *vcpu, struct lintel_flight *head)
{
	head->vcpu_id = vcpu->id;
	head->count = READ_ONCE(vcpu->stats.exits);
	head->tsc = rdtsc();
	head->time = ktime_get_real_ns();
	head->tsc_khz = tsc_khz;
	head->entry_error = READ_ONCE(vcpu->flight_entry_error);
}
