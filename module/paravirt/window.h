/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Windows that adapt: how long to poll before a halted vCPU sleeps, and how long a guest may spin
 * on PAUSE before it exits.
 *
 * Both grow when waiting a little longer would have paid, and shrink when it did not.  The rules
 * and the meaning of their parameters are those of KVM's parameters of the same names, so that a
 * setting can be taken over.  Pure functions, also built in userspace, where test/ checks them.
 */
#ifndef LINTEL_PARAVIRT_WINDOW_H
#define LINTEL_PARAVIRT_WINDOW_H

#ifdef __KERNEL__
#include <linux/minmax.h>
#include <linux/types.h>
#else
typedef unsigned long long u64;
typedef unsigned int u32;
#define min_t(type, a, b)	((type)(a) < (type)(b) ? (type)(a) : (type)(b))
#define max_t(type, a, b)	((type)(a) > (type)(b) ? (type)(a) : (type)(b))
#endif

struct window_rules {
	u32 start;	/* halt: the first step, and the least that is kept; PLE: the base */
	u32 grow;
	u32 shrink;
	u32 max;
};

/* A factor that a window of nanoseconds is multiplied with; 0: it does not grow. */
static inline u32 halt_window_grow(u32 window, const struct window_rules *r)
{
	if (!r->grow)
		return window;
	return min_t(u64, max_t(u64, (u64)window * r->grow, r->start), r->max);
}

/* A divisor; 0: down to nothing at once. */
static inline u32 halt_window_shrink(u32 window, const struct window_rules *r)
{
	u32 smaller = r->shrink ? window / r->shrink : 0;

	return smaller < r->start ? 0 : smaller;
}

/*
 * halt_window_next - the window after a halt of @halted ns, of which up to @window were polled.
 * A poll that caught the end was long enough; an end soon after it asks for more; a halt longer
 * than any poll may last says that polling was wasted.
 */
static inline u32 halt_window_next(u32 window, u64 halted, const struct window_rules *r)
{
	window = min_t(u32, window, r->max);
	if (halted <= window)
		return window;
	if (halted > r->max)
		return halt_window_shrink(window, r);
	return halted < r->max ? halt_window_grow(window, r) : window;
}

/*
 * The PLE window, in cycles: a modifier below the base is a factor, another one is added or taken
 * off; 0 goes back to the base.
 */
static inline u32 ple_grow(u32 window, const struct window_rules *r)
{
	u64 next;

	if (!r->grow)
		return r->start;
	next = r->grow < r->start ? (u64)window * r->grow : (u64)window + r->grow;
	return min_t(u64, next, r->max);
}

static inline u32 ple_shrink(u32 window, const struct window_rules *r)
{
	u32 next;

	if (!r->shrink)
		return r->start;
	if (r->shrink < r->start)
		next = window / r->shrink;
	else
		next = window > r->shrink ? window - r->shrink : 0;
	return max_t(u32, next, r->start);
}

#endif
