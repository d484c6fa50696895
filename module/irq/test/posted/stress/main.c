// SPDX-License-Identifier: GPL-2.0-only
/*
 * Threads post to one vCPU as fast as they can, while it enters, leaves, sleeps and moves.
 *
 * Each sender has vectors of its own, in all four words of the bitmap.  Senders with an even number
 * wait until a vector has arrived before they post it again: it must arrive once for each post, and
 * what the sender wrote before (plain memory, so that the thread sanitizer judges the order too)
 * must be there.  The others post in bursts; there, as in the IRR, the number of arrivals is the
 * number of posts that found the bit clear.  When a vector is lost everybody ends up waiting for
 * it, and a watchdog tells.
 *
 * Arguments: thousands of posts; senders; 1 if the notification is processed in the guest, 0 if it
 * makes the guest exit; seconds without an arrival that mean loss.
 */
#include <pthread.h>
#include <stdarg.h>

#include "shim.h"
#include "posted.h"

#define MAX_SENDERS	8
#define VECTORS		16	/* of one sender: four in each word */
#define BURST		64
#define SPINS		200	/* before the CPU is left to another thread */

#define IRQS_OFF	2ul
#define IRQ_WAITS	1ul

struct shim_world {
	unsigned long irq[2];		/* of each CPU: IRQS_OFF, IRQ_WAITS */
	u32 taken[256];			/* arrivals; written by the vCPU's thread */
	u32 posted[256];		/* posts that found the bit clear; by the owner */
	u32 payload[256];		/* plain; by owners that wait */
	unsigned long irr[4], urgent[4];/* the thread's own: vectors there, and not masked */
	u64 posts, quiet, woken, slept, processed;
};

struct world;
static u32 choose(u32 n);
static void note_post(struct world *w, u8 vector, enum pi_post result);
static void irqs_off(struct world *w, int cpu);
static void irqs_on(struct world *w, int cpu);
static void interrupt(struct world *w, int cpu);
static bool take_interrupt(struct world *w, int cpu);
static void sleep_until_woken(struct world *w);
static void wake(struct world *w);
static bool deliver(struct world *w, const unsigned long set[4]);
#include "model.h"

static struct world world;
static bool stop;
static unsigned int senders;
static u64 posts_each;
static __thread u64 seed;

static u32 choose(u32 n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (u32)(seed >> 20) % n;
}

static void relax(unsigned int *spins)
{
	if (++*spins % SPINS)
		__builtin_ia32_pause();
	else
		sched_yield();
}

static void __attribute__((format(printf, 1, 2), noreturn)) fail(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	printf("FAIL: ");
	vprintf(format, args);
	printf("\n");
	fflush(stdout);
	_exit(1);
}

static void note_post(struct world *w, u8 vector, enum pi_post result)
{
	if (result != PI_COALESCED)
		WRITE_ONCE(w->shim.posted[vector], w->shim.posted[vector] + 1);
	if (result == PI_QUIET)
		__atomic_fetch_add(&w->shim.quiet, 1, __ATOMIC_RELAXED);
}

/* --- hardware --- */

static void irqs_off(struct world *w, int cpu)
{
	xchg(&w->shim.irq[cpu], IRQS_OFF);
}

static void irqs_on(struct world *w, int cpu)
{
	xchg(&w->shim.irq[cpu], 0);
}

static void interrupt(struct world *w, int cpu)
{
	unsigned long old = READ_ONCE(w->shim.irq[cpu]);

	while (old & IRQS_OFF && !try_cmpxchg(&w->shim.irq[cpu], &old, old | IRQ_WAITS))
		;
}

/* Seven times of eight the guest has nothing to leave for. */
static bool take_interrupt(struct world *w, int cpu)
{
	unsigned int spins = 0;

	if (!choose(8))
		return false;
	while (!READ_ONCE(stop)) {
		if (READ_ONCE(w->shim.irq[cpu]) & IRQ_WAITS) {
			xchg(&w->shim.irq[cpu], IRQS_OFF);
			w->shim.processed++;
			return true;
		}
		relax(&spins);
	}
	return false;
}

static void sleep_until_woken(struct world *w)
{
	w->shim.slept++;
	while (READ_ONCE(w->waiting) && !READ_ONCE(stop))
		syscall(SYS_futex, &w->waiting, FUTEX_WAIT_PRIVATE, 1, NULL, NULL, 0);
}

static void wake(struct world *w)
{
	xchg(&w->waiting, 0);
	syscall(SYS_futex, &w->waiting, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
	__atomic_fetch_add(&w->shim.woken, 1, __ATOMIC_RELAXED);
}

/* Vectors of even senders are posted again only when they have arrived. */
static u8 own_vector(unsigned int sender, unsigned int i)
{
	return i % 4 * 64 + sender * 4 + i / 4;
}

static bool posted_singly(unsigned int vector)
{
	return vector % 64 / 4 % 2 == 0;
}

static bool deliver(struct world *w, const unsigned long set[4])
{
	struct shim_world *s = &w->shim;
	bool wanted = false;
	unsigned int v, i;

	for (i = 0; i < 4; i++) {
		unsigned long left = set[i];

		for (; left; left &= left - 1) {
			v = i * 64 + __builtin_ctzl(left);
			if (posted_singly(v) && s->payload[v] != s->taken[v] + 1)
				fail("vector %u: %u arrivals, %u posts", v, s->taken[v] + 1,
				     s->payload[v]);
			smp_store_release(&s->taken[v], s->taken[v] + 1);
		}
		s->irr[i] |= set[i];
		wanted |= s->irr[i] & s->urgent[i];
		s->irr[i] &= ~s->urgent[i];
		s->urgent[i] = choose(4) ? ~0ul : 0;
	}
	return wanted;
}

/* --- threads --- */

static void *vcpu_thread(void *unused)
{
	seed = 88172645463325252ull;
	while (!READ_ONCE(stop))
		vcpu_round(&world, false);
	return unused;
}

static void await_arrival(u8 vector)
{
	unsigned int spins = 0;

	while (smp_load_acquire(&world.shim.taken[vector]) != world.shim.posted[vector])
		relax(&spins);
}

static void *sender_thread(void *arg)
{
	unsigned int self = (unsigned long)arg, i;
	u64 posts = 0;

	seed = 1234567 + 987654321ull * self;
	while (posts < posts_each) {
		u8 vector = own_vector(self, choose(VECTORS));

		if (posted_singly(vector)) {
			for (i = 0; i < VECTORS; i++, posts++) {
				vector = own_vector(self, i);
				world.shim.payload[vector]++;
				send(&world, vector);
			}
			for (i = 0; i < VECTORS; i++)
				await_arrival(own_vector(self, i));
		} else {
			for (i = 0; i < BURST; i++, posts++)
				send(&world, vector);
			await_arrival(vector);
		}
	}
	__atomic_fetch_add(&world.shim.posts, posts, __ATOMIC_RELAXED);
	return NULL;
}

static u64 arrivals(void)
{
	u64 sum = 0;
	unsigned int v;

	for (v = 0; v < 256; v++)
		sum += READ_ONCE(world.shim.taken[v]);
	return sum;
}

/* Waits for the senders; the last arrival may be @patience seconds old, not more. */
static void watch(pthread_t *sender, unsigned int patience)
{
	unsigned int i, quiet = 0;
	u64 last = 0, now;

	for (i = 0; i < senders; ) {
		struct timespec until;

		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_sec++;
		if (!pthread_timedjoin_np(sender[i], NULL, &until)) {
			i++;
			continue;
		}
		now = arrivals();
		quiet = now == last ? quiet + 1 : 0;
		last = now;
		if (quiet >= patience)
			fail("no vector arrives any more: mode %d, cpu %d, waiting %d, control %lx",
			     READ_ONCE(world.mode), READ_ONCE(world.cpu),
			     READ_ONCE(world.waiting), READ_ONCE(world.pi.control));
	}
}

int main(int argc, char **argv)
{
	pthread_t vcpu, sender[MAX_SENDERS];
	unsigned int v, patience;
	unsigned long i;

	if (argc != 5)
		return 2;
	senders = atoi(argv[2]);
	if (!senders || senders > MAX_SENDERS)
		return 2;
	posts_each = atoll(argv[1]) * 1000 / senders;
	world.posted_interrupts = atoi(argv[3]);
	patience = atoi(argv[4]);

	pi_load(&world.pi, 0xf2, pi_ndst(0, true));
	if (pthread_create(&vcpu, NULL, vcpu_thread, NULL))
		fail("no thread");
	for (i = 0; i < senders; i++)
		if (pthread_create(&sender[i], NULL, sender_thread, (void *)i))
			fail("no thread");
	watch(sender, patience);
	WRITE_ONCE(stop, true);
	wake(&world);
	pthread_join(vcpu, NULL);

	for (v = 0; v < 256; v++)
		if (world.shim.taken[v] != world.shim.posted[v])
			fail("vector %u: %u arrivals, %u posts that found the bit clear", v,
			     world.shim.taken[v], world.shim.posted[v]);
	printf("%lu posts by %u senders, %lu arrivals; not notified: %lu; slept %lu times, "
	       "woken %lu; notified in the guest %lu\n", (unsigned long)world.shim.posts, senders,
	       (unsigned long)arrivals(), (unsigned long)world.shim.quiet,
	       (unsigned long)world.shim.slept, (unsigned long)world.shim.woken,
	       (unsigned long)world.shim.processed);
	return 0;
}
