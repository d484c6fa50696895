// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bus-lock detection and the notify window: watch.h says what they are.
 */
#include <linux/kvm.h>
#include <asm/vmx.h>

#include "caps.h"
#include "exit.h"
#include "ops.h"
#include "watch.h"
#include "../vcpu.h"
#include "../vm.h"

static_assert(KVM_BUS_LOCK_DETECTION_OFF == 1 && KVM_BUS_LOCK_DETECTION_EXIT == 2);
static_assert(KVM_X86_NOTIFY_VMEXIT_ENABLED == 1 && KVM_X86_NOTIFY_VMEXIT_USER == 2);
static_assert(NOTIFY_VM_CONTEXT_INVALID == 1);

bool watch_bus_lock_possible(void)
{
	return lintel_caps.proc2 & SECONDARY_EXEC_BUS_LOCK_DETECTION;
}

bool watch_notify_possible(void)
{
	return lintel_caps.proc2 & SECONDARY_EXEC_NOTIFY_VM_EXITING;
}

u32 watch_proc2_mask(void)
{
	return SECONDARY_EXEC_BUS_LOCK_DETECTION | SECONDARY_EXEC_NOTIFY_VM_EXITING;
}

u32 watch_proc2(const struct lintel_vm *vm)
{
	u32 bits = 0;

	if (READ_ONCE(vm->bus_lock_exits))
		bits |= SECONDARY_EXEC_BUS_LOCK_DETECTION;
	if (vm->notify)
		bits |= SECONDARY_EXEC_NOTIFY_VM_EXITING;
	return bits;
}

void watch_setup(const struct lintel_vm *vm)
{
	if (vm->notify)
		vmcs_write32(NOTIFY_WINDOW, NOTIFY_TICKS(vm->notify));
}

void watch_held_bus(struct lintel_vcpu *vcpu)
{
	lintel_vcpu_request(vcpu, REQ_BUS_LOCK);
}

/* Behind the instruction. */
int exit_bus_lock(struct lintel_vcpu *vcpu)
{
	watch_held_bus(vcpu);
	return RESUME;
}

int exit_notify(struct lintel_vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;
	u64 qualification = vcpu->exit.qualification;

	if (!watch_notify_exits(NOTIFY_FLAGS(vcpu->vm->notify), qualification))
		return RESUME;
	run->exit_reason = KVM_EXIT_NOTIFY;
	run->notify.flags = qualification & NOTIFY_VM_CONTEXT_INVALID ?
			    KVM_NOTIFY_CONTEXT_INVALID : 0;
	return TO_USER;
}
