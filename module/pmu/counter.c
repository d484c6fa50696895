// SPDX-License-Identifier: GPL-2.0-only
/*
 * A counter of a guest as an event of the host's perf.
 *
 * The event is made when it is first needed and kept as long as the guest counts the same: to stop
 * and go on costs less than to make one.  Its sample period is the distance to the counter's
 * overflow.  It is pinned, so it counts always or never, and none of it is scaled.
 *
 * What software counts besides (lintel_pmu_retired()) brings the overflow nearer without perf's
 * knowledge; it is added when the counter is next stopped, and that is at once where it matters.
 */
#include <linux/err.h>
#include <linux/perf_event.h>
#include <linux/printk.h>
#include <linux/sched.h>

#include "internal.h"
#include "../vcpu.h"

/* Any context. */
static void overflow(struct pmu_counter *c)
{
	struct lintel_pmu *pmu = c->pmu;

	atomic_long_or(BIT_ULL(pmu_bit(c->index)), &pmu->status);
	if (READ_ONCE(c->pmi))
		WRITE_ONCE(pmu->pmi, true);
	lintel_vcpu_request(pmu->vcpu, REQ_PMU);
}

/* NMI, or an interrupt: on the CPU where it was counted, perhaps behind the exit. */
static void event_overflowed(struct perf_event *event, struct perf_sample_data *data,
			     struct pt_regs *regs)
{
	struct pmu_counter *c = event->overflow_handler_context;

	set_bit(c->index, &c->pmu->overflowed);
	overflow(c);
	irq_work_queue(&c->pmu->kick);
}

u64 pmu_counter_read(struct pmu_counter *c)
{
	u64 value = c->value + c->extra, enabled, running;

	if (c->running)
		value += perf_event_read_value(c->event, &enabled, &running);
	return value & c->mask;
}

void pmu_counter_stop(struct pmu_counter *c)
{
	u64 total = c->value + c->extra;

	if (c->running)
		total += perf_event_pause(c->event, true);
	c->running = false;
	c->extra = 0;
	c->value = total & c->mask;
	/*
	 * perf tells only of what the processor has counted, and of nothing that is one event away.
	 * Where it has told already, this is before the guest has seen it: it is the same overflow.
	 */
	if (total > c->mask)
		overflow(c);
}

void pmu_counter_write(struct pmu_counter *c, u64 value)
{
	pmu_counter_stop(c);
	c->value = value;
}

void pmu_counter_release(struct pmu_counter *c)
{
	pmu_counter_stop(c);
	if (c->event)
		perf_event_release_kernel(c->event);
	c->event = NULL;
}

static struct perf_event *make_event(struct pmu_counter *c, const struct pmu_event *e)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_RAW,
		.size = sizeof(attr),
		.config = e->event,
		.sample_period = c->distance,
		.pinned = true,
		.exclude_host = true,
		.exclude_user = !e->user,
		.exclude_kernel = !e->os,
	};

	return perf_event_create_kernel_counter(&attr, -1, current, event_overflowed, c);
}

#define MADE_FOR_OS	BIT_ULL(62)
#define MADE_FOR_USER	BIT_ULL(63)

void pmu_counter_follow(struct pmu_counter *c, const struct pmu_event *e)
{
	u64 made_for = e->event | (e->os ? MADE_FOR_OS : 0) | (e->user ? MADE_FOR_USER : 0);
	struct perf_event *event;

	pmu_counter_stop(c);
	c->os = e->os;
	c->user = e->user;
	WRITE_ONCE(c->pmi, e->pmi);
	if (!e->on)
		return;
	c->distance = pmu_distance(c->value, c->mask);
	if (c->event && c->made_for == made_for && !perf_event_period(c->event, c->distance)) {
		perf_event_enable(c->event);
		c->running = true;
		return;
	}
	pmu_counter_release(c);
	event = make_event(c, e);
	if (IS_ERR(event)) {
		pr_info_ratelimited("lintel: perf gives no counter for a guest's event 0x%llx (error %ld)\n",
				    e->event, PTR_ERR(event));
		return;
	}
	c->event = event;
	c->made_for = made_for;
	c->running = true;
}
