/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Senders and a vCPU's thread that keep the rules of posted.h, and the hardware around them.
 *
 * The same text makes two programs.  interleave/ tries every order in which a few steps can be
 * done; stress/ runs threads at full speed.  Each has its own shim.h, which says what an atomic
 * operation is, and these:
 *
 *	choose()		a number below n
 *	irqs_off(), irqs_on()	what CLI and STI do for the notification
 *	interrupt()		notify.  It waits while interrupts are off there, else is gone:
 *				the host's handler does nothing, only the guest could use it.
 *	take_interrupt()	the guest runs: one came (true), or it leaves for another cause
 *	sleep_until_woken(), wake()
 *	deliver()		vectors have reached the virtual IRR: can the guest take one now?
 *
 * The hardware's part is posted_processing(), in the order of the SDM's list.
 */
#ifndef LINTEL_IRQ_TEST_POSTED_MODEL_H
#define LINTEL_IRQ_TEST_POSTED_MODEL_H

#define CPUS	2

struct world {
	struct pi_desc pi;
	int mode, cpu;			/* as in struct lintel_vcpu */
	int waiting;			/* the thread is on its wait queue */
	int posted_interrupts;		/* else the notification makes the guest exit */
	struct shim_world shim;		/* the rest is the program's */
};

static void send(struct world *w, u8 vector)
{
	enum pi_post result = pi_post(&w->pi, vector);
	int cpu;

	note_post(w, vector, result);
	if (result != PI_NOTIFY)
		return;
	smp_mb();
	if (READ_ONCE(w->waiting))
		wake(w);
	cpu = pi_guest_cpu(&w->mode, &w->cpu);
	if (cpu >= 0)
		interrupt(w, cpu);
}

static void posted_processing(struct world *w)
{
	unsigned long set[4] = { 0 };
	unsigned int i;

	clear_bit(0, &w->pi.control);
	for (i = 0; i < 4; i++)
		set[i] = xchg(&w->pi.pir[i], 0);
	deliver(w, set);
}

static void enter(struct world *w, int cpu)
{
	unsigned long set[4] = { 0 };

	irqs_off(w, cpu);
	pi_enter(&w->mode);
	if (pi_drain(&w->pi, set))
		deliver(w, set);
	while (take_interrupt(w, cpu) && w->posted_interrupts)
		posted_processing(w);
	pi_leave(&w->mode);
	irqs_on(w, cpu);
}

static void halt(struct world *w)
{
	bool wanted = false;

	do {
		unsigned long set[4] = { 0 };

		smp_store_mb(w->waiting, 1);
		if (pi_drain(&w->pi, set))
			wanted = deliver(w, set);
		if (!wanted)
			sleep_until_woken(w);
	} while (!wanted && !choose(4));	/* 0: nothing was for it, back to sleep */
	WRITE_ONCE(w->waiting, 0);
}

static void preempt(struct world *w, int cpu)
{
	pi_suppress(&w->pi);
	WRITE_ONCE(w->cpu, -1);
	/* other threads run */
	WRITE_ONCE(w->cpu, cpu);
	pi_load(&w->pi, 0xf2, pi_ndst(cpu, true));
}

/* One thing that a vCPU's thread does.  @last: something in which it can stay for good. */
static void vcpu_round(struct world *w, bool last)
{
	switch (choose(last ? 2 : 3)) {
	case 0:
		enter(w, READ_ONCE(w->cpu));
		break;
	case 1:
		halt(w);
		break;
	case 2:
		preempt(w, choose(CPUS));
		break;
	}
}

#endif
