// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every interleaving of two senders and a vCPU, with x86's store buffers.
 *
 * A thread is a function of what its steps so far have answered, so its state is that list and
 * nothing else: to go on, the function is called again from its beginning, the answers on the list
 * are given at once, and the first step beyond it is the next one.  A state of the whole is the
 * memory, the store buffers and the lists; all that can be reached are visited once, known by a
 * hash of 128 bits.  A list starts anew with each round of the vCPU, so their number is finite.
 *
 * Where nothing can happen any more, the vCPU is in the guest and waits for an interrupt, or sleeps
 * until it is woken.  Then no vector may be left in the bitmap, each must have arrived as often as
 * its bit was found clear, and the descriptor must name the vCPU's CPU.
 *
 * Arguments: rounds of the vCPU before the last; 1 if the notification is processed in the guest, 0
 * if it makes the guest exit; the two vectors that are posted.
 */
#include "shim.h"
#include "posted.h"

#define THREADS		3	/* the vCPU, and two senders */
#define MAX_STEPS	48	/* of one round */
#define MAX_STORES	3	/* in a buffer */
#define VECTORS		2
#define MASKED		0	/* of them, if they differ: arrives, but ends no HLT */

#define IRQS_OFF	2
#define IRQ_WAITS	1

struct shim_world {
	u8 irq[2];		/* of each CPU: IRQS_OFF, IRQ_WAITS */
	u8 posted[VECTORS], taken[VECTORS];
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

struct thread {
	u8 round, steps, stores, done;
	struct {
		u32 offset, size;
		u64 value;
	} store[MAX_STORES];
	u64 answer[MAX_STEPS];
};

struct state {
	struct world world;
	struct thread thread[THREADS];
};

static u8 vectors[VECTORS], rounds;
static struct world world;	/* addresses only: the values are in the state */

/* The thread that is being called, and the step at which it stopped. */
static const struct thread *running;
static unsigned int replayed;
static struct op next_op;
static jmp_buf stopped;

static u64 states, ends, ends_asleep, ends_in_guest, coalesced, quiet;

u64 shim_step(const struct op *op)
{
	if (replayed < running->steps)
		return running->answer[replayed++];
	next_op = *op;
	longjmp(stopped, 1);
}

/* --- model.h's hardware, as steps --- */

static u32 choose(u32 n)
{
	return shim_op(OP_CHOOSE, NULL, 0, n, 0);
}

static void note_post(struct world *w, u8 vector, enum pi_post result)
{
	shim_op(OP_NOTE_POST, NULL, 0, vector, result);
}

static void irqs_off(struct world *w, int cpu)
{
	shim_op(OP_IRQS_OFF, NULL, 0, cpu, 0);
}

static void irqs_on(struct world *w, int cpu)
{
	shim_op(OP_IRQS_ON, NULL, 0, cpu, 0);
}

static void interrupt(struct world *w, int cpu)
{
	shim_op(OP_INTERRUPT, NULL, 0, cpu, 0);
}

static bool take_interrupt(struct world *w, int cpu)
{
	/* in the last rounds the guest has nothing else to leave for */
	if (running->round < rounds && choose(2))
		return false;
	shim_op(OP_WAIT_INTERRUPT, NULL, 0, cpu, 0);
	return true;
}

static void sleep_until_woken(struct world *w)
{
	shim_op(OP_SLEEP, NULL, 0, 0, 0);
}

static void wake(struct world *w)
{
	(void)xchg(&w->waiting, 0);
}

static bool deliver(struct world *w, const unsigned long set[4])
{
	struct op op = { .kind = OP_DELIVER };

	memcpy(op.set, set, sizeof(op.set));
	return shim_step(&op);
}

/* Finds the next step of thread @self: in next_op. */
static void call(const struct state *s, unsigned int self)
{
	running = &s->thread[self];
	replayed = 0;
	if (setjmp(stopped))
		return;
	if (self) {
		send(&world, vectors[self - 1]);
		shim_op(OP_DONE, NULL, 0, 0, 0);
	} else {
		vcpu_round(&world, running->round >= rounds);
		shim_op(OP_ROUND, NULL, 0, 0, 0);
	}
}

/* --- memory --- */

static void fail(const struct state *s, const char *what)
{
	printf("FAIL: %s: mode %d, cpu %d, waiting %d, control %lx, bitmap %lx %lx, arrived %u %u "
	       "of %u %u; state %lu\n", what, s->world.mode, s->world.cpu, s->world.waiting,
	       s->world.pi.control, s->world.pi.pir[0], s->world.pi.pir[1],
	       s->world.shim.taken[0], s->world.shim.taken[1], s->world.shim.posted[0],
	       s->world.shim.posted[1], (unsigned long)states);
	exit(1);
}

static u64 memory_get(const struct state *s, unsigned int offset, unsigned int size)
{
	u64 value = 0;

	memcpy(&value, (const u8 *)&s->world + offset, size);
	return value;
}

static void memory_put(struct state *s, unsigned int offset, unsigned int size, u64 value)
{
	memcpy((u8 *)&s->world + offset, &value, size);
}

static u64 load(const struct state *s, const struct thread *t, unsigned int offset,
		unsigned int size)
{
	unsigned int i;

	for (i = t->stores; i--; )
		if (t->store[i].offset == offset)
			return t->store[i].value;
	return memory_get(s, offset, size);
}

/* The oldest store in the buffer becomes visible to all. */
static void drain_store(struct state *s, struct thread *t)
{
	memory_put(s, t->store[0].offset, t->store[0].size, t->store[0].value);
	memmove(&t->store[0], &t->store[1], sizeof(t->store[0]) * (MAX_STORES - 1));
	memset(&t->store[--t->stores], 0, sizeof(t->store[0]));
}

static u64 locked(struct state *s, const struct op *op, unsigned int offset)
{
	u64 old = memory_get(s, offset, op->size);
	u64 new = op->kind == OP_EXCHANGE ? op->a : op->kind == OP_OR ? old | op->a :
		  op->kind == OP_AND ? old & op->a : old == op->a ? op->b : old;

	memory_put(s, offset, op->size, new);
	return old;
}

static u64 arrive(struct state *s, const u64 set[4])
{
	bool wanted = false;
	unsigned int i;

	for (i = vectors[0] == vectors[1]; i < VECTORS; i++) {
		if (!(set[vectors[i] / 64] & BIT(vectors[i] % 64)))
			continue;
		s->world.shim.taken[i]++;
		wanted |= i != MASKED;
	}
	return wanted;
}

/* Can @op happen now? */
static bool enabled(const struct state *s, const struct thread *t, const struct op *op)
{
	switch (op->kind) {
	case OP_DONE:
		return false;
	case OP_STORE:
		return t->stores < MAX_STORES;
	case OP_BARRIER:
	case OP_EXCHANGE:
	case OP_COMPARE_EXCHANGE:
	case OP_OR:
	case OP_AND:
		return !t->stores;
	case OP_WAIT_INTERRUPT:
		return s->world.shim.irq[op->a] & IRQ_WAITS;
	case OP_SLEEP:
		return !t->stores && !s->world.waiting;
	default:
		return true;
	}
}

static u64 perform(struct state *s, struct thread *t, const struct op *op)
{
	unsigned int offset = (u8 *)op->address - (u8 *)&world;
	struct shim_world *shim = &s->world.shim;

	switch (op->kind) {
	case OP_LOAD:
		return load(s, t, offset, op->size);
	case OP_STORE:
		t->store[t->stores].offset = offset;
		t->store[t->stores].size = op->size;
		t->store[t->stores++].value = op->a;
		return 0;
	case OP_EXCHANGE:
	case OP_COMPARE_EXCHANGE:
	case OP_OR:
	case OP_AND:
		return locked(s, op, offset);
	case OP_NOTE_POST:
		shim->posted[op->a == vectors[1]] += op->b != PI_COALESCED;
		coalesced += op->b == PI_COALESCED;
		quiet += op->b == PI_QUIET;
		return 0;
	case OP_DELIVER:
		return arrive(s, op->set);
	case OP_IRQS_OFF:
		shim->irq[op->a] = IRQS_OFF;
		return 0;
	case OP_IRQS_ON:
		shim->irq[op->a] = 0;
		return 0;
	case OP_INTERRUPT:
		if (shim->irq[op->a] & IRQS_OFF)
			shim->irq[op->a] |= IRQ_WAITS;
		return 0;
	case OP_WAIT_INTERRUPT:
		shim->irq[op->a] &= ~IRQ_WAITS;
		return 0;
	default:
		return 0;
	}
}

/* --- exploration --- */

struct seen {
	u64 a, b;
};

static struct seen *seen;
static u64 seen_size;

static u64 mix(u64 h, u64 x)
{
	h = (h ^ x) * 0x9e3779b97f4a7c15ull;
	return h ^ h >> 29;
}

static bool visited(const struct state *s)
{
	const u64 *word = (const u64 *)s;
	u64 a = 1, b = 2, i;

	for (i = 0; i < sizeof(*s) / sizeof(*word); i++) {
		a = mix(a, word[i]);
		b = mix(b, word[i] + 0x632be59bd9b4e019ull);
	}
	a |= 1;
	for (i = a & (seen_size - 1); seen[i].a; i = (i + 1) & (seen_size - 1))
		if (seen[i].a == a && seen[i].b == b)
			return true;
	seen[i].a = a;
	seen[i].b = b;
	if (++states > seen_size / 4 * 3)
		fail(s, "more states than there is room for");
	return false;
}

static void check_end(const struct state *s)
{
	const unsigned long *pir = s->world.pi.pir;
	unsigned int i;

	ends++;
	ends_asleep += s->world.waiting;
	ends_in_guest += s->world.mode == IN_GUEST;
	if (s->world.waiting == (s->world.mode == IN_GUEST))
		fail(s, "the vCPU stopped somewhere else");
	if (pir[0] | pir[1] | pir[2] | pir[3])
		fail(s, "a vector is lost");
	if (s->world.pi.control & PI_SN || s->world.pi.control >> PI_NDST_SHIFT != s->world.cpu)
		fail(s, "notifications go elsewhere");
	for (i = 0; i < VECTORS; i++)
		if (s->world.shim.taken[i] != s->world.shim.posted[i])
			fail(s, "a vector is doubled");
}

static void explore(const struct state *s);

static void explore_step(const struct state *s, unsigned int self, const struct op *op)
{
	unsigned int variants = op->kind == OP_CHOOSE ? op->a : 1, i;

	for (i = 0; i < variants; i++) {
		struct state next = *s;
		struct thread *t = &next.thread[self];
		u64 answer = perform(&next, t, op);

		if (op->kind == OP_ROUND) {
			if (t->round < rounds)
				t->round++;
			t->steps = 0;
			memset(t->answer, 0, sizeof(t->answer));
		} else if (t->steps == MAX_STEPS) {
			fail(s, "a round has too many steps");
		} else {
			t->answer[t->steps++] = op->kind == OP_CHOOSE ? i : answer;
		}
		explore(&next);
	}
}

static void explore(const struct state *s)
{
	bool moved = false;
	unsigned int i;

	if (visited(s))
		return;
	for (i = 0; i < THREADS; i++) {
		struct op op;

		if (s->thread[i].stores) {
			struct state next = *s;

			drain_store(&next, &next.thread[i]);
			explore(&next);
			moved = true;
		}
		call(s, i);
		op = next_op;
		if (enabled(s, &s->thread[i], &op)) {
			explore_step(s, i, &op);
			moved = true;
		}
	}
	if (!moved)
		check_end(s);
}

int main(int argc, char **argv)
{
	static struct state start;

	if (argc != 5)
		return 2;
	rounds = atoi(argv[1]);
	world.posted_interrupts = start.world.posted_interrupts = atoi(argv[2]);
	vectors[0] = atoi(argv[3]);
	vectors[1] = atoi(argv[4]);
	seen_size = 1 << 23;
	seen = calloc(seen_size, sizeof(*seen));
	if (!seen)
		return 2;
	explore(&start);
	printf("%lu states, %lu ends: %lu asleep, %lu in the guest; %lu posts quiet, "
	       "%lu coalesced\n", (unsigned long)states, (unsigned long)ends,
	       (unsigned long)ends_asleep, (unsigned long)ends_in_guest, (unsigned long)quiet,
	       (unsigned long)coalesced);
	return !ends_asleep || !ends_in_guest || !(vectors[0] == vectors[1] ? coalesced : quiet);
}
