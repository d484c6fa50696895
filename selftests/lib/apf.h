/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the pv_apf* programs share: a guest that takes both events of asynchronous page faults, and
 * a window of memory whose pages are absent.
 *
 * ARG(0) the last token told as absent, ARG(1) how many; ARG(2) the last told as ready, ARG(3) how
 * many; ARG(4) counts while the guest runs on.
 */
#ifndef LINTEL_SELFTESTS_APF_H
#define LINTEL_SELFTESTS_APF_H

#include "absent.h"
#include "chips.h"
#include "pv.h"

#define WINDOW		0x40000000UL
#define PAGE		4096UL
#define CONTENT		0x1234567800UL		/* of the pages, plus their number */
#define AREA_GPA	(GPA_FREE + 0x40)
#define AREA		((volatile struct kvm_vcpu_pv_apf_data *)AREA_GPA)
#define VECTOR		0x60
#define WAKE_ALL	0xffffffffUL
#define EVENTS		(KVM_ASYNC_PF_ENABLED | KVM_ASYNC_PF_DELIVERY_AS_INT)

/* What the guest says by guest_sync(). */
enum { ABSENT = 1, RAN_ON, TICKED, STAGE };

/* Also the end of a STI shadow. */
GINLINE void irqs_on(void) { asm volatile("sti; nop; nop" ::: "memory"); }

GINLINE u64 take_absent(void)
{
	u64 token = SHARED->cr2;

	G_EQ(SHARED->error, 0);
	G_EQ(AREA->flags, KVM_PV_REASON_PAGE_NOT_PRESENT);
	AREA->flags = 0;
	ARG(0) = token;
	ARG(1)++;
	return token;
}

GINLINE void run_on(u64 times)
{
	for (u64 i = 0; i < times; i++) {
		ARG(4)++;
		guest_sync(RAN_ON);
	}
}

/* Another task of the guest runs until the page of this one is ready. */
GUEST_CODE static void on_absent(struct trap_frame *f)
{
	u64 token = take_absent();

	(void)f;
	guest_sync(ABSENT);
	sti();
	while (ARG(2) != token)
		run_on(1);
	cli();
}

GUEST_CODE static void on_ready(struct trap_frame *f)
{
	(void)f;
	ARG(2) = AREA->token;
	ARG(3)++;
	AREA->token = 0;
	wrmsr(MSR_KVM_ASYNC_PF_ACK, 1);
	apic_eoi();
}

/* The handlers are set, and events on; the first of them is for all, whatever there was. */
GINLINE void apf_start(u64 flags)
{
	apic_enable();
	guest_set_handler(VEC_PF, on_absent);
	guest_set_handler(VECTOR, on_ready);
	wrmsr(MSR_KVM_ASYNC_PF_INT, VECTOR);
	wrmsr(MSR_KVM_ASYNC_PF_EN, AREA_GPA | EVENTS | flags);
	window();
	G_EQ(ARG(2), WAKE_ALL);
	G_EQ(ARG(3), 1);
}

/* A vCPU to run `fn`, with the absent memory as slot 1. */
static inline struct vcpu *apf_vcpu(const struct absent *a, void (*fn)(void))
{
	struct vcpu *v = vcpu_create(vm_create(VM_IRQCHIP), 0);

	PV_REQUIRE(v->vm, ASYNC_PF_INT);
	vm_set_region(v->vm, 1, 0, WINDOW, a->size, a->mem);
	vcpu_set_long(v, fn);
	return v;
}

/* The guest runs to the next event that is not RAN_ON. */
static inline void apf_run_on(struct vcpu *v)
{
	int event;

	do {
		event = vcpu_next(v);
	} while (event == RUN_SYNC && v->value == RAN_ON);
	if (event == RUN_DONE)
		v->value = 0;
	else
		REQUIRE_EQ(event, RUN_SYNC);
}

#endif
