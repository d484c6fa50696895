// SPDX-License-Identifier: GPL-2.0-only
/*
 * EPT tables given back when the host is short of memory.
 *
 * A table costs 4 KiB for each 2 MiB that a guest has touched, and says nothing that the next fault
 * could not find again.  A shrinker takes all tables of VMs that rest: whose vCPUs were seen to be
 * outside the guest, with no exit in between, for a second.  VMs are looked at in turn.
 *
 * A shrinker is called from within allocations of memory, so it waits for no lock that is held
 * while allocating: the list's lock is only tried, and nothing is allocated under ept->lock.
 */
#include <linux/jiffies.h>
#include <linux/list.h>
#include <linux/mutex.h>

#include "../compat.h"
#include "../vcpu.h"
#include "internal.h"

#define REST_JIFFIES	HZ

static DEFINE_MUTEX(reclaim_lock);
static LIST_HEAD(reclaim_list);		/* lintel_ept.reclaim.link */
static struct shrinker *reclaim_shrinker;

void ept_reclaim_add(struct lintel_ept *ept)
{
	mutex_lock(&reclaim_lock);
	list_add_tail(&ept->reclaim.link, &reclaim_list);
	mutex_unlock(&reclaim_lock);
}

void ept_reclaim_remove(struct lintel_ept *ept)
{
	mutex_lock(&reclaim_lock);
	list_del(&ept->reclaim.link);
	mutex_unlock(&reclaim_lock);
}

static bool rests(struct lintel_ept *ept)
{
	struct lintel_vcpu *vcpu;
	bool inside = false;
	u64 exits = 0;
	unsigned int i;

	for_each_vcpu(i, vcpu, ept_vm(ept)) {
		inside |= READ_ONCE(vcpu->mode) != OUTSIDE_GUEST;
		exits += READ_ONCE(vcpu->stats.exits);
	}
	if (inside || exits != ept->reclaim.exits) {
		ept->reclaim.exits = exits;
		ept->reclaim.since = jiffies;
		return false;
	}
	return time_after(jiffies, ept->reclaim.since + REST_JIFFIES);
}

static unsigned long reclaim_count(struct shrinker *shrinker, struct shrink_control *sc)
{
	unsigned long count = 0;
	struct lintel_ept *ept;

	if (!mutex_trylock(&reclaim_lock))
		return 0;
	list_for_each_entry(ept, &reclaim_list, reclaim.link)
		count += atomic_long_read(&ept->nr_tables);
	mutex_unlock(&reclaim_lock);
	return count;
}

static unsigned long reclaim_scan(struct shrinker *shrinker, struct shrink_control *sc)
{
	struct lintel_ept *ept, *last;
	unsigned long freed = 0;

	if (!mutex_trylock(&reclaim_lock))
		return SHRINK_STOP;
	last = list_empty(&reclaim_list) ? NULL :
	       list_last_entry(&reclaim_list, struct lintel_ept, reclaim.link);
	while (last && freed < sc->nr_to_scan) {
		unsigned long tables;

		ept = list_first_entry(&reclaim_list, struct lintel_ept, reclaim.link);
		list_move_tail(&ept->reclaim.link, &reclaim_list);
		tables = atomic_long_read(&ept->nr_tables);
		if (rests(ept) && tables) {
			ept_zap_and_free(ept, 0, EPT_END_GFN, true);
			freed += tables;
		}
		if (ept == last)
			break;
	}
	mutex_unlock(&reclaim_lock);
	return freed ?: SHRINK_STOP;
}

int lintel_ept_reclaim_init(void)
{
	reclaim_shrinker = lintel_shrinker_start("lintel-ept", reclaim_count, reclaim_scan);
	return reclaim_shrinker ? 0 : -ENOMEM;
}

void lintel_ept_reclaim_exit(void)
{
	lintel_shrinker_stop(reclaim_shrinker);
}
