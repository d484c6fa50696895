// SPDX-License-Identifier: GPL-2.0-only
/*
 * The store of dead VMs: a ring of places, the oldest of which gives way.
 */
#include "dead.h"

#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/nospec.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

#include "flight.h"
#include "inspect.h"
#include "vm.h"

#define MAX_DEAD	64

static unsigned int dead_vms = 8;
module_param(dead_vms, uint, 0444);
MODULE_PARM_DESC(dead_vms, "how many VMs that have ended are remembered, at most 64 (8)");

static struct lintel_dead *places;
static unsigned int oldest;
/* A vCPU's exits before they are cut to its share. */
static struct lintel_flight_exit *all;

static void free_place(struct lintel_dead *place)
{
	lintel_identity_free(&place->identity);
	vfree(place->head);
	vfree(place->exits);
	vfree(place->snapshot);
}

int lintel_dead_init(void)
{
	unsigned int i;

	dead_vms = min_t(unsigned int, dead_vms, MAX_DEAD);
	if (!lintel_flight_on())
		dead_vms = 0;
	if (!dead_vms)
		return 0;
	places = kcalloc(dead_vms, sizeof(*places), GFP_KERNEL);
	all = kvcalloc(LINTEL_FLIGHT_EXITS, sizeof(*all), GFP_KERNEL);
	if (!places || !all)
		goto failed;
	for (i = 0; i < dead_vms; i++) {
		places[i].head = vzalloc(array_size(LINTEL_MAX_VCPUS, sizeof(*places[i].head)));
		places[i].exits = vzalloc(array_size(LINTEL_DEAD_EXITS, sizeof(*places[i].exits)));
		places[i].snapshot = vzalloc(array_size(LINTEL_DEAD_SNAPSHOTS,
							sizeof(*places[i].snapshot)));
		if (!places[i].head || !places[i].exits || !places[i].snapshot)
			goto failed;
	}
	return 0;
failed:
	lintel_dead_exit();
	return -ENOMEM;
}

void lintel_dead_exit(void)
{
	unsigned int i;

	for (i = 0; places && i < dead_vms; i++)
		free_place(&places[i]);
	kfree(places);
	kvfree(all);
	places = NULL;
	all = NULL;
}

static void keep_state(struct lintel_dead *place, struct lintel_vcpu *vcpu)
{
	struct lintel_snapshot *snapshot = &place->snapshot[vcpu->index];

	memset(snapshot, 0, sizeof(*snapshot));
	/* nobody else can have it: its last user is gone */
	mutex_lock(&vcpu->mutex);
	lintel_vcpu_load(vcpu);
	lintel_inspect_vcpu(vcpu, snapshot);
	lintel_vcpu_put(vcpu);
	mutex_unlock(&vcpu->mutex);
}

static void keep_vcpu(struct lintel_dead *place, struct lintel_vcpu *vcpu)
{
	struct lintel_flight *head = &place->head[vcpu->index];
	unsigned int nr = lintel_flight_read(vcpu, all), kept = min(nr, place->share);

	memset(head, 0, sizeof(*head));
	lintel_flight_head(vcpu, head);
	head->nr = kept;
	memcpy(&place->exits[vcpu->index * place->share], all + nr - kept, kept * sizeof(*all));
	if (vcpu->index < LINTEL_DEAD_SNAPSHOTS)
		keep_state(place, vcpu);
}

static bool ever_ran(struct lintel_vm *vm)
{
	struct lintel_vcpu *vcpu;
	unsigned int i;

	for_each_vcpu(i, vcpu, vm)
		if (vcpu->ran)
			return true;
	return false;
}

void lintel_dead_add(struct lintel_vm *vm)
{
	struct lintel_dead *place;
	struct lintel_vcpu *vcpu;
	unsigned int i;

	if (!places || !ever_ran(vm)) {
		lintel_identity_free(&vm->identity);
		return;
	}
	place = &places[oldest];
	oldest = (oldest + 1) % dead_vms;
	lintel_identity_free(&place->identity);
	place->identity = vm->identity;
	place->flags = LINTEL_VM_DEAD | (READ_ONCE(vm->dead) ? LINTEL_VM_KILLED : 0);
	place->vcpus = vm->nr_vcpus;
	place->died = ktime_get_real_ns();
	place->share = min_t(u32, LINTEL_FLIGHT_EXITS, LINTEL_DEAD_EXITS / vm->nr_vcpus);
	for_each_vcpu(i, vcpu, vm)
		keep_vcpu(place, vcpu);
}

void lintel_dead_forget(const struct lintel_dead *dead)
{
	struct lintel_dead *place = &places[dead - places];

	lintel_identity_free(&place->identity);
	place->identity.number = 0;
	/* what a guest's addresses tell is gone, too */
	memset(place->exits, 0, LINTEL_DEAD_EXITS * sizeof(*place->exits));
	memset(place->snapshot, 0, LINTEL_DEAD_SNAPSHOTS * sizeof(*place->snapshot));
}

const struct lintel_dead *lintel_dead_next(const struct lintel_dead *dead)
{
	unsigned int i = dead ? dead - places + 1 : 0;

	for (; places && i < dead_vms; i++)
		if (places[i].identity.number)
			return &places[i];
	return NULL;
}

const struct lintel_dead *lintel_dead_find(u64 number)
{
	const struct lintel_dead *dead;

	for_each_dead(dead)
		if (dead->identity.number == number)
			return dead;
	return NULL;
}

int lintel_dead_flight(const struct lintel_dead *dead, struct lintel_flight *flight,
		       struct lintel_flight_exit *exits)
{
	const struct lintel_flight *head;
	u32 vcpu = flight->vcpu;

	if (vcpu >= dead->vcpus)
		return -ENOENT;
	vcpu = array_index_nospec(vcpu, LINTEL_MAX_VCPUS);
	head = &dead->head[vcpu];
	flight->vcpu_id = head->vcpu_id;
	flight->count = head->count;
	flight->tsc = head->tsc;
	flight->time = head->time;
	flight->tsc_khz = head->tsc_khz;
	flight->entry_error = head->entry_error;
	flight->flags = dead->flags;
	memcpy(exits, &dead->exits[vcpu * dead->share], head->nr * sizeof(*exits));
	return head->nr;
}

int lintel_dead_snapshot(const struct lintel_dead *dead, struct lintel_snapshot *snapshot)
{
	u32 vcpu = snapshot->vcpu;

	if (vcpu >= min_t(u32, dead->vcpus, LINTEL_DEAD_SNAPSHOTS))
		return -ENOENT;
	vcpu = array_index_nospec(vcpu, LINTEL_DEAD_SNAPSHOTS);
	memcpy(snapshot, &dead->snapshot[vcpu], sizeof(*snapshot));
	snapshot->vm = dead->identity.number;
	snapshot->vcpu = vcpu;
	snapshot->flags |= dead->flags;
	return 0;
}
