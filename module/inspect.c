// SPDX-License-Identifier: GPL-2.0-only
/*
 * Taking a snapshot of a vCPU, from its own thread or in its place.  inspect.h has the protocol.
 */
#include "inspect.h"

#include <linux/capability.h>
#include <linux/completion.h>
#include <linux/err.h>
#include <linux/io.h>
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/kvm.h>
#include <linux/lintel.h>
#include <linux/mutex.h>
#include <linux/ratelimit.h>
#include <linux/security.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "ept/ept.h"
#include "irq/irq.h"
#include "registry.h"
#include "vm.h"
#include "vmx/snapshot.h"

struct lintel_inspection {
	struct lintel_snapshot *to;
	struct completion done;
	int result;
};

/* One at a time: a vCPU has one place for who waits. */
static DEFINE_MUTEX(inspect_lock);

#define TRIES	20		/* of a tenth of a second each */

int lintel_inspect_vcpu(struct lintel_vcpu *vcpu, struct lintel_snapshot *to)
{
	static_assert(sizeof(struct kvm_lapic_state) == sizeof(to->lapic));
	int err = vmx_snapshot(vcpu, to);

	if (err)
		return err;
	to->time = ktime_get_real_ns();
	to->exits = vcpu->stats.exits;
	to->vcpu_id = vcpu->id;
	if (vcpu->lapic && !lintel_lapic_get(vcpu, (struct kvm_lapic_state *)to->lapic))
		to->flags |= LINTEL_SNAPSHOT_LAPIC;
	if (lintel_vapic_on(vcpu)) {
		memcpy(to->pi, phys_to_virt(lintel_vapic_descriptor(vcpu)), sizeof(to->pi));
		to->flags |= LINTEL_SNAPSHOT_PI;
	}
	return 0;
}

void lintel_inspect_serve(struct lintel_vcpu *vcpu)
{
	struct lintel_inspection *inspection = xchg(&vcpu->inspection, NULL);

	if (!inspection)
		return;
	inspection->result = lintel_inspect_vcpu(vcpu, inspection->to);
	complete(&inspection->done);
}

bool lintel_inspect_served(struct lintel_vcpu *vcpu)
{
	if (!test_and_clear_bit(REQ_INSPECT, &vcpu->requests))
		return false;
	lintel_inspect_serve(vcpu);
	return true;
}

/* True: nobody runs it, and it was done here. */
static bool take_idle(struct lintel_vcpu *vcpu, struct lintel_inspection *inspection)
{
	if (!mutex_trylock(&vcpu->mutex))
		return false;
	lintel_vcpu_load(vcpu);
	inspection->result = lintel_inspect_vcpu(vcpu, inspection->to);
	lintel_vcpu_put(vcpu);
	mutex_unlock(&vcpu->mutex);
	return true;
}

/* 1: its thread has done it; 0: not, for a tenth of a second; -EINTR. */
static int ask_thread(struct lintel_vcpu *vcpu, struct lintel_inspection *inspection)
{
	long left;

	reinit_completion(&inspection->done);
	xchg(&vcpu->inspection, inspection);
	lintel_vcpu_request(vcpu, REQ_INSPECT);
	lintel_vcpu_kick(vcpu);
	left = wait_for_completion_killable_timeout(&inspection->done, HZ / 10);
	if (left > 0)
		return 1;
	if (!xchg(&vcpu->inspection, NULL)) {
		/* it has just been taken */
		wait_for_completion(&inspection->done);
		return 1;
	}
	return left < 0 ? -EINTR : 0;
}

static int take(struct lintel_vcpu *vcpu, struct lintel_snapshot *snapshot)
{
	struct lintel_inspection inspection = { .to = snapshot };
	int i, ret = 0;

	init_completion(&inspection.done);
	for (i = 0; i < TRIES && !ret; i++)
		ret = take_idle(vcpu, &inspection) ? 1 : ask_thread(vcpu, &inspection);
	if (!ret)
		return -ETIMEDOUT;
	return ret < 0 ? ret : inspection.result;
}

static int take_ioapic(struct lintel_vm *vm, struct lintel_snapshot *snapshot)
{
	struct kvm_irqchip *chip;
	int i;

	if (!lintel_pic_in_kernel(vm))
		return 0;
	chip = kzalloc(sizeof(*chip), GFP_KERNEL);
	if (!chip)
		return -ENOMEM;
	chip->chip_id = KVM_IRQCHIP_IOAPIC;
	mutex_lock(&vm->lock);
	lintel_irqchip_get(vm, chip);
	mutex_unlock(&vm->lock);
	for (i = 0; i < ARRAY_SIZE(snapshot->ioapic); i++)
		snapshot->ioapic[i] = chip->chip.ioapic.redirtbl[i].bits;
	snapshot->flags |= LINTEL_SNAPSHOT_IOAPIC;
	kfree(chip);
	return 0;
}

/* It shows the host's addresses and any guest's memory. */
static int may_inspect(void)
{
	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	return security_locked_down(LOCKDOWN_KCORE) ? -EPERM : 0;
}

static int of_living(struct lintel_vm *vm, struct lintel_snapshot *snapshot)
{
	struct lintel_vcpu *vcpu = lintel_vm_vcpu(vm, snapshot->vcpu);
	int err;

	if (!vcpu)
		return -ENOENT;
	snapshot->flags = READ_ONCE(vm->dead) ? LINTEL_VM_KILLED : 0;
	if (mutex_lock_killable(&inspect_lock))
		return -EINTR;
	err = take(vcpu, snapshot);
	mutex_unlock(&inspect_lock);
	return err ? err : take_ioapic(vm, snapshot);
}

int lintel_inspect_snapshot(struct lintel_snapshot *snapshot)
{
	static struct ratelimit_state limit =
		RATELIMIT_STATE_INIT_FLAGS(limit, HZ, 20, RATELIMIT_MSG_ON_RELEASE);
	struct lintel_vm *vm;
	int err = may_inspect();

	if (err)
		return err;
	if (!__ratelimit(&limit))
		return -EAGAIN;
	vm = lintel_registry_get(snapshot->vm);
	if (vm == ERR_PTR(-ENOENT))
		return lintel_registry_snapshot(snapshot);
	if (IS_ERR(vm))
		return PTR_ERR(vm);
	err = of_living(vm, snapshot);
	lintel_vm_put(vm);
	return err;
}

int lintel_inspect_peek(struct lintel_peek *peek)
{
	struct lintel_vm *vm;
	int err = may_inspect();

	if (err)
		return err;
	vm = lintel_registry_get(peek->vm);
	if (IS_ERR(vm))
		return PTR_ERR(vm);
	peek->levels = 0;
	lintel_ept_peek(vm, peek);
	lintel_vm_put(vm);
	return 0;
}
