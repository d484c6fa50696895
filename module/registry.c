// SPDX-License-Identifier: GPL-2.0-only
/*
 * The list of living VMs, the store of dead ones behind the same lock, and who may look at which.
 */
#include "registry.h"

#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/err.h>
#include <linux/ktime.h>
#include <linux/lintel.h>
#include <linux/mutex.h>
#include <linux/pid.h>
#include <linux/sched/signal.h>
#include <linux/string.h>
#include <linux/user_namespace.h>

#include "dead.h"
#include "flight.h"
#include "vm.h"

static DEFINE_MUTEX(registry_lock);
static LIST_HEAD(living);	/* in the order of their numbers */

void lintel_identity_init(struct lintel_identity *identity)
{
	identity->uid = current_euid();
	identity->pid = get_pid(task_tgid(current));
	identity->born = ktime_get_real_ns();
	get_task_comm(identity->comm, current);
}

void lintel_identity_free(struct lintel_identity *identity)
{
	put_pid(identity->pid);
	identity->pid = NULL;
}

static bool may_look(const struct lintel_identity *identity)
{
	/* without a line in the audit log for each VM of somebody else's in a list */
	return uid_eq(identity->uid, current_euid()) ||
	       ns_capable_noaudit(&init_user_ns, CAP_SYS_ADMIN);
}

void lintel_registry_add(struct lintel_vm *vm)
{
	static u64 last;

	mutex_lock(&registry_lock);
	vm->identity.number = ++last;
	list_add_tail(&vm->registered, &living);
	mutex_unlock(&registry_lock);
}

void lintel_registry_remove(struct lintel_vm *vm)
{
	mutex_lock(&registry_lock);
	list_del(&vm->registered);
	/* the store takes over what it needs of the identity, or frees it */
	lintel_dead_add(vm);
	mutex_unlock(&registry_lock);
}

static struct lintel_vm *find(u64 number)
{
	struct lintel_vm *vm;

	list_for_each_entry(vm, &living, registered)
		if (vm->identity.number == number)
			return vm;
	return NULL;
}

static void tell(struct lintel_vm_info *info, const struct lintel_identity *identity,
		 unsigned int vcpus)
{
	info->vm = identity->number;
	info->flags = 0;
	info->pid = pid_vnr(identity->pid);
	info->uid = from_kuid_munged(current_user_ns(), identity->uid);
	info->vcpus = vcpus;
	info->born = identity->born;
	info->died = 0;
	memcpy(info->comm, identity->comm, sizeof(info->comm));
}

int lintel_registry_next(struct lintel_vm_info *info)
{
	const struct lintel_dead *dead;
	const struct lintel_vm *vm;
	u64 after = info->vm, best = U64_MAX;

	mutex_lock(&registry_lock);
	list_for_each_entry(vm, &living, registered) {
		if (vm->identity.number <= after || !may_look(&vm->identity))
			continue;
		best = vm->identity.number;
		tell(info, &vm->identity, READ_ONCE(vm->nr_vcpus));
		info->flags = READ_ONCE(vm->dead) ? LINTEL_VM_KILLED : 0;
		break;
	}
	for_each_dead(dead) {
		if (dead->identity.number <= after || dead->identity.number >= best ||
		    !may_look(&dead->identity))
			continue;
		best = dead->identity.number;
		tell(info, &dead->identity, dead->vcpus);
		info->flags = dead->flags;
		info->died = dead->died;
	}
	mutex_unlock(&registry_lock);
	return best == U64_MAX ? -ENOENT : 0;
}

static struct lintel_vm *get_locked(u64 number)
{
	struct lintel_vm *vm = find(number);

	if (!vm)
		return ERR_PTR(-ENOENT);
	if (!may_look(&vm->identity))
		return ERR_PTR(-EPERM);
	/* its last reference has gone: it is about to leave this list */
	return kref_get_unless_zero(&vm->refs) ? vm : ERR_PTR(-ENOENT);
}

struct lintel_vm *lintel_registry_get(u64 number)
{
	struct lintel_vm *vm;

	mutex_lock(&registry_lock);
	vm = get_locked(number);
	mutex_unlock(&registry_lock);
	return vm;
}

static int flight_of_dead(struct lintel_flight *flight, struct lintel_flight_exit *exits)
{
	const struct lintel_dead *dead = lintel_dead_find(flight->vm);

	if (!dead)
		return -ENOENT;
	if (!may_look(&dead->identity))
		return -EPERM;
	return lintel_dead_flight(dead, flight, exits);
}

static int flight_of_living(struct lintel_vm *vm, struct lintel_flight *flight,
			    struct lintel_flight_exit *exits)
{
	const struct lintel_vcpu *vcpu = lintel_vm_vcpu(vm, flight->vcpu);

	if (!vcpu)
		return -ENOENT;
	if (!lintel_flight_on())
		return -ENODATA;
	lintel_flight_head(vcpu, flight);
	flight->flags = READ_ONCE(vm->dead) ? LINTEL_VM_KILLED : 0;
	return lintel_flight_read(vcpu, exits);
}

int lintel_registry_flight(struct lintel_flight *flight, struct lintel_flight_exit *exits)
{
	struct lintel_vm *vm;
	int ret;

	mutex_lock(&registry_lock);
	vm = get_locked(flight->vm);
	ret = IS_ERR(vm) ? PTR_ERR(vm) : 0;
	if (ret == -ENOENT)
		ret = flight_of_dead(flight, exits);
	mutex_unlock(&registry_lock);
	if (IS_ERR(vm))
		return ret;
	ret = flight_of_living(vm, flight, exits);
	lintel_vm_put(vm);
	return ret;
}

int lintel_registry_each(int (*show)(struct lintel_vm *vm, void *arg), void *arg)
{
	struct lintel_vm *vm;
	int ret = 0;

	mutex_lock(&registry_lock);
	list_for_each_entry(vm, &living, registered) {
		ret = show(vm, arg);
		if (ret)
			break;
	}
	mutex_unlock(&registry_lock);
	return ret;
}

int lintel_registry_snapshot(struct lintel_snapshot *snapshot)
{
	const struct lintel_dead *dead;
	int err = -ENOENT;

	mutex_lock(&registry_lock);
	dead = lintel_dead_find(snapshot->vm);
	if (dead)
		err = lintel_dead_snapshot(dead, snapshot);
	mutex_unlock(&registry_lock);
	return err;
}

int lintel_registry_clear(void)
{
	const struct lintel_dead *dead;
	int nr = 0;

	mutex_lock(&registry_lock);
	for_each_dead(dead) {
		if (!may_look(&dead->identity))
			continue;
		lintel_dead_forget(dead);
		nr++;
	}
	mutex_unlock(&registry_lock);
	return nr;
}
