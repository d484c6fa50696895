// SPDX-License-Identifier: GPL-2.0-only
/*
 * VMCS pages and the window in which one is current.
 *
 * A VMCS is active on at most one CPU; it must be cleared there before another CPU loads it, and
 * before its page is freed.  Each CPU has a list of the VMCSs active on it, for the day it goes
 * offline.  The list, handle->cpu and handle->launched change with interrupts off on that CPU.
 */
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/smp.h>

#include "caps.h"
#include "cpu.h"
#include "ops.h"
#include "../vcpu.h"
#include "../vm.h"

struct vmcs_page {
	u32 revision;		/* bit 31: shadow VMCS */
	u32 abort;
	u8 data[];
};

int vmcs_alloc(struct vmcs_handle *vmcs)
{
	struct vmcs_page *page = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);

	if (!page)
		return -ENOMEM;
	page->revision = lintel_caps.revision;
	vmcs->page = page;
	vmcs->hpa = __pa(page);
	vmcs->cpu = -1;
	vmcs->launched = false;
	INIT_LIST_HEAD(&vmcs->on_cpu);
	return 0;
}

/* On the CPU where it is active, interrupts off. */
static void vmcs_clear_here(struct vmcs_handle *vmcs)
{
	struct vmx_cpu *cpu = this_cpu_ptr(&lintel_cpu);

	if (vmcs->cpu != smp_processor_id())
		return;		/* cleared meanwhile: this CPU went offline and came back */
	/* should VMCLEAR fail, it is nobody's any more */
	if (cpu->current_vcpu && &cpu->current_vcpu->vmcs == vmcs)
		cpu->current_vcpu = NULL;
	if (cpu->on)
		vmclear(vmcs->hpa);
	list_del_init(&vmcs->on_cpu);
	vmcs->launched = false;
	/* Pairs with the acquire in vmcs_clear_remote(): the list is left before anyone reuses it. */
	smp_store_release(&vmcs->cpu, -1);
}

static void vmcs_clear_ipi(void *vmcs)
{
	vmcs_clear_here(vmcs);
}

void vmcs_clear_remote(struct vmcs_handle *vmcs)
{
	int cpu = smp_load_acquire(&vmcs->cpu);

	/* When the call fails that CPU is offline, and its offline step has cleared the VMCS. */
	if (cpu >= 0)
		smp_call_function_single(cpu, vmcs_clear_ipi, vmcs, 1);
}

void vmcs_free(struct vmcs_handle *vmcs)
{
	if (!vmcs->page)
		return;
	preempt_disable();
	vmcs_clear_remote(vmcs);
	preempt_enable();
	free_page((unsigned long)vmcs->page);
	vmcs->page = NULL;
}

void vmcs_clear_all_here(void)
{
	struct vmx_cpu *cpu = this_cpu_ptr(&lintel_cpu);
	struct vmcs_handle *vmcs, *next;

	list_for_each_entry_safe(vmcs, next, &cpu->active, on_cpu)
		vmcs_clear_here(vmcs);
}

/*
 * Interrupts off.  Loads the VMCS and accounts for where it is active.  Neither this nor what puts
 * KVM's back is inlined: both are rare, and an operand on the stack would give the frequent way a
 * stack protector.
 */
static noinline bool vmcs_make_current(struct lintel_vcpu *vcpu)
{
	struct vmx_cpu *cpu = this_cpu_ptr(&lintel_cpu);
	struct vmcs_handle *vmcs = &vcpu->vmcs;

	cpu->current_vcpu = NULL;
	if (vmptrld(vmcs->hpa)) {
		lintel_vm_kill(vcpu->vm);
		return false;
	}
	cpu->current_vcpu = vcpu;
	if (vmcs->cpu < 0) {
		vmcs->cpu = smp_processor_id();
		list_add(&vmcs->on_cpu, &cpu->active);
	}
	return true;
}

static noinline void vmcs_put_back(struct vmcs_handle *vmcs)
{
	vmptrld(vmcs->found);
}

bool vmx_window_enter(struct lintel_vcpu *vcpu)
{
	struct vmcs_handle *vmcs = &vcpu->vmcs;

	/* Not loaded here: preempted and moved to a CPU that is going offline. */
	if (unlikely(!this_cpu_read(lintel_cpu.on) || vcpu->cpu != smp_processor_id()))
		return false;

	if (lintel_joined) {
		vmptrst(&vmcs->found);
		/* KVM, without a VMCS of its own to come back to, may have left ours */
		if (vmcs->found == vmcs->hpa && vmcs->cpu >= 0)
			this_cpu_write(lintel_cpu.current_vcpu, vcpu);
		else if (!vmcs_make_current(vcpu))
			return false;
	} else if (vmx_current_vcpu() != vcpu && !vmcs_make_current(vcpu)) {
		return false;
	}
	vmcs->depth = 1;
	return true;
}

void vmx_window_leave(struct lintel_vcpu *vcpu)
{
	struct vmcs_handle *vmcs = &vcpu->vmcs;

	vmcs->depth = 0;
	if (!lintel_joined)
		return;
	this_cpu_write(lintel_cpu.current_vcpu, NULL);
	if (vmcs->found != VMCS_NONE && vmcs->found != vmcs->hpa)
		vmcs_put_back(vmcs);
}

/* Not inlined: one window in another is frequent, and needs none of its registers. */
static noinline bool window_open(struct lintel_vcpu *vcpu)
{
	unsigned long flags;

	local_irq_save(flags);
	if (unlikely(!vmx_window_enter(vcpu))) {
		local_irq_restore(flags);
		return false;
	}
	vcpu->vmcs.irq_flags = flags;
	return true;
}

bool vmx_window_try(struct lintel_vcpu *vcpu)
{
	if (vcpu->vmcs.depth) {
		vcpu->vmcs.depth++;
		return true;
	}
	return window_open(vcpu);
}

static noinline int window_wait(struct lintel_vcpu *vcpu)
{
	/*
	 * A CPU that goes offline leaves VMX operation a moment before the scheduler moves the last
	 * tasks away; wait for that move.
	 */
	while (!window_open(vcpu)) {
		if (READ_ONCE(vcpu->vm->dead))
			return -EIO;
		schedule_timeout_uninterruptible(1);
	}
	return 0;
}

int vmx_window_begin(struct lintel_vcpu *vcpu)
{
	if (vcpu->vmcs.depth) {
		vcpu->vmcs.depth++;
		return 0;
	}
	return window_wait(vcpu);
}

static noinline void window_close(struct lintel_vcpu *vcpu)
{
	vmx_window_leave(vcpu);
	local_irq_restore(vcpu->vmcs.irq_flags);
}

void vmx_window_end(struct lintel_vcpu *vcpu)
{
	if (vcpu->vmcs.depth && !--vcpu->vmcs.depth)
		window_close(vcpu);
}
