// SPDX-License-Identifier: GPL-2.0-only
/* The parts of shim.h that have state: the clock with its timers, and the locks. */
#include "shim.h"

ktime_t shim_now = 1000000000;
unsigned int tsc_khz = SHIM_TSC_KHZ;
struct lintel_params lintel_params;
u64 shim_timer_interrupts;
unsigned int shim_locks_held;
static struct hrtimer *shim_timers;

void shim_lock(spinlock_t *lock)
{
	if (lock->held) {
		printf("Bail out! a lock was taken twice\n");
		abort();
	}
	lock->held = true;
	shim_locks_held++;
}

void shim_unlock(spinlock_t *lock)
{
	lock->held = false;
	shim_locks_held--;
}

static void shim_unlink(struct hrtimer *timer)
{
	struct hrtimer **link = &shim_timers;

	while (*link && *link != timer)
		link = &(*link)->next;
	if (*link)
		*link = timer->next;
	timer->queued = false;
}

void hrtimer_setup(struct hrtimer *timer, enum hrtimer_restart (*function)(struct hrtimer *),
		   int clock, enum hrtimer_mode mode)
{
	(void)clock;
	(void)mode;
	timer->function = function;
	timer->queued = false;
}

void hrtimer_start(struct hrtimer *timer, ktime_t expires, enum hrtimer_mode mode)
{
	(void)mode;
	shim_unlink(timer);
	timer->expires = expires;
	timer->queued = true;
	timer->next = shim_timers;
	shim_timers = timer;
}

int hrtimer_try_to_cancel(struct hrtimer *timer)
{
	int was = timer->queued;

	shim_unlink(timer);
	return was;
}

int hrtimer_cancel(struct hrtimer *timer)
{
	if (shim_locks_held) {
		printf("Bail out! hrtimer_cancel() under a lock\n");
		abort();
	}
	return hrtimer_try_to_cancel(timer);
}

u64 hrtimer_forward_now(struct hrtimer *timer, ktime_t interval)
{
	u64 n = (shim_now - timer->expires) / interval + 1;

	timer->expires += n * interval;
	return n;
}

void shim_advance(u64 ns)
{
	ktime_t end = shim_now + ns;

	for (;;) {
		struct hrtimer *timer, *next = NULL;

		for (timer = shim_timers; timer; timer = timer->next)
			if (timer->expires <= end && (!next || timer->expires < next->expires))
				next = timer;
		if (!next)
			break;
		shim_now = max(shim_now, next->expires);
		shim_unlink(next);
		if (shim_locks_held) {
			printf("Bail out! a timer fires under a lock\n");
			abort();
		}
		shim_timer_interrupts++;
		if (next->function(next) == HRTIMER_RESTART && !next->queued)
			hrtimer_start(next, next->expires, HRTIMER_MODE_ABS);
	}
	shim_now = end;
}

int param_set_uint_minmax(const char *value, const struct kernel_param *kp, unsigned int low,
			  unsigned int high)
{
	(void)value;
	(void)kp;
	(void)low;
	(void)high;
	return 0;
}

int param_get_uint(char *buffer, const struct kernel_param *kp)
{
	(void)buffer;
	(void)kp;
	return 0;
}
