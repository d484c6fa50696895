// SPDX-License-Identifier: GPL-2.0-only
/*
 * VMX operation per CPU, alone or joined to kvm_intel.
 *
 * One CPU-hotplug state serves both modes: its startup enters VMX operation (alone) or notes that
 * KVM has (joined), its teardown clears the VMCSs active on the CPU and leaves or forgets.  A
 * module notifier changes the mode when kvm_intel comes or goes; vmx_lock orders that against the
 * first VM.  Nothing of the crash, reboot and suspend handling is registered while joined: KVM
 * answers for VMX operation then.
 */
#include <linux/cpu.h>
#include <linux/cpuhotplug.h>
#include <linux/gfp.h>
#include <linux/kobject.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/preempt.h>
#include <linux/string.h>
#include <asm/cpufeature.h>
#include <asm/perf_event.h>
#include <asm/processor.h>
#include <asm/tlbflush.h>

#include "caps.h"
#include "cpu.h"
#include "kvm_hold.h"
#include "ops.h"
#include "owner.h"
#include "../compat.h"

DEFINE_PER_CPU(struct vmx_cpu, lintel_cpu);
bool lintel_joined;

static DEFINE_MUTEX(vmx_lock);		/* mode, users */
static unsigned int vmx_users;		/* VMs */
static bool kvm_leaving;		/* kvm_intel is being unloaded or failed to load */
static int hotplug_state;

#if LINTEL_CAN_RUN_ALONE
static int cpu_vmxon(struct vmx_cpu *cpu)
{
	if (__read_cr4() & X86_CR4_VMXE) {
		pr_err_once("lintel: CPU %d is in VMX operation already, and not by kvm_intel: another hypervisor is loaded\n",
			    smp_processor_id());
		return -EBUSY;
	}
	/* Intel PT must be off in VMX operation on CPUs that cannot do both */
	intel_pt_handle_vmx(1);
	cr4_set_bits(X86_CR4_VMXE);
	if (vmxon(__pa(cpu->vmxon_region))) {
		cr4_clear_bits(X86_CR4_VMXE);
		intel_pt_handle_vmx(0);
		return -EIO;
	}
	return 0;
}

static void cpu_vmxoff(void)
{
	if (vmxoff())
		pr_err_once("lintel: VMXOFF failed on CPU %d\n", smp_processor_id());
	cr4_clear_bits(X86_CR4_VMXE);
	intel_pt_handle_vmx(0);
}

/* The last thing on a crashing or rebooting CPU: no locks, no lists, no messages. */
void vmx_emergency_off(void)
{
	struct vmx_cpu *cpu = this_cpu_ptr(&lintel_cpu);

	if (!lintel_joined && cpu->on) {
		cpu->on = false;
		vmxoff();
		cr4_clear_bits(X86_CR4_VMXE);
	}
}
#else
static int cpu_vmxon(struct vmx_cpu *cpu)
{
	return -EOPNOTSUPP;
}

static void cpu_vmxoff(void)
{
}
#endif

/* Interrupts off, on the CPU concerned. */
int vmx_enable_here(void)
{
	struct vmx_cpu *cpu = this_cpu_ptr(&lintel_cpu);
	int err;

	if (cpu->on)
		return 0;
	if (vmx_caps_check_cpu()) {
		pr_err("lintel: CPU %d has other VMX capabilities than the first one\n",
		       smp_processor_id());
		return -EIO;
	}
	if (lintel_joined) {
		/* Off is no error: before Linux 6.12 KVM enters VMX operation with its first VM. */
		cpu->on = __read_cr4() & X86_CR4_VMXE;
		return 0;
	}
	err = cpu_vmxon(cpu);
	cpu->on = !err;
	return err;
}

void vmx_disable_here(void)
{
	struct vmx_cpu *cpu = this_cpu_ptr(&lintel_cpu);

	if (!cpu->on)
		return;
	vmcs_clear_all_here();
	cpu->current_vcpu = NULL;
	cpu->last_vm = 0;
	cpu->on = false;
	if (!lintel_joined)
		cpu_vmxoff();
}

static int cpu_starting(unsigned int cpu)
{
	unsigned long flags;
	int err;

	local_irq_save(flags);
	err = vmx_enable_here();
	local_irq_restore(flags);
	return err;
}

static int cpu_stopping(unsigned int cpu)
{
	unsigned long flags;

	local_irq_save(flags);
	vmx_disable_here();
	local_irq_restore(flags);
	return 0;
}

static int enter_mode(void)
{
	int ret;

	if (!lintel_joined)
		vmx_owner_register();
	ret = cpuhp_setup_state(CPUHP_AP_ONLINE_DYN, "lintel:online", cpu_starting, cpu_stopping);
	if (ret < 0) {
		if (!lintel_joined)
			vmx_owner_unregister();
		return ret;
	}
	hotplug_state = ret;
	return 0;
}

static void leave_mode(void)
{
	if (!hotplug_state)
		return;
	cpuhp_remove_state(hotplug_state);
	hotplug_state = 0;
	if (!lintel_joined)
		vmx_owner_unregister();
}

/* kvm_intel has an entry in /sys/module from before its init until after its exit. */
static bool kvm_intel_present(void)
{
	struct kobject *kobj = kset_find_obj(THIS_MODULE->mkobj.kobj.kset, "kvm_intel");

	kobject_put(kobj);
	return kobj;
}

static int kvm_coming(void)
{
	int err = 0;

	mutex_lock(&vmx_lock);
	if (lintel_joined) {
		kvm_leaving = false;
		goto out;
	}
	if (vmx_users) {
		pr_warn("lintel: kvm_intel refused while %u virtual machine(s) run without it: end them, or load kvm_intel before lintel\n",
			vmx_users);
		err = -EBUSY;
		goto out;
	}
	leave_mode();
	lintel_joined = true;
	kvm_leaving = false;
	err = enter_mode();
	pr_info("lintel: kvm_intel comes, sharing VMX operation with it\n");
out:
	mutex_unlock(&vmx_lock);
	return err;
}

/* It has left VMX operation.  No VM of ours exists: the hold that each needs held the module. */
static void kvm_going(void)
{
	mutex_lock(&vmx_lock);
	if (lintel_joined) {
		leave_mode();
		lintel_joined = !LINTEL_CAN_RUN_ALONE;
		kvm_leaving = !LINTEL_CAN_RUN_ALONE;
		if (!lintel_joined && enter_mode()) {
			pr_err("lintel: cannot enter VMX operation after kvm_intel: no VM can be made\n");
			kvm_leaving = true;
		}
	}
	mutex_unlock(&vmx_lock);
}

static int module_event(struct notifier_block *nb, unsigned long action, void *data)
{
	struct module *mod = data;

	if (strcmp(mod->name, "kvm_intel"))
		return NOTIFY_DONE;
	switch (action) {
	case MODULE_STATE_COMING:
		return notifier_from_errno(kvm_coming());
	case MODULE_STATE_GOING:
		kvm_going();
		break;
	}
	return NOTIFY_DONE;
}

static struct notifier_block module_nb = {
	.notifier_call = module_event,
};

int vmx_get(void)
{
	int err = 0;

	mutex_lock(&vmx_lock);
	if (kvm_leaving)
		err = -ENODEV;
	else if (lintel_joined && !vmx_users)
		err = kvm_hold_take();
	if (!err && !vmx_users++)
		preempt_notifier_inc();
	mutex_unlock(&vmx_lock);
	return err;
}

void vmx_put(void)
{
	mutex_lock(&vmx_lock);
	if (!--vmx_users) {
		preempt_notifier_dec();
		if (lintel_joined)
			kvm_hold_leave();
	}
	mutex_unlock(&vmx_lock);
}

static int check_cpu(void)
{
	u64 feat_ctl;

	if (!boot_cpu_has(X86_FEATURE_VMX) && !(cpuid_ecx(1) & BIT(5))) {
		pr_err("lintel: this CPU has no VT-x (CPUID.1:ECX.VMX is 0)\n");
		return -EOPNOTSUPP;
	}
	if (rdmsrq_safe(MSR_IA32_FEAT_CTL, &feat_ctl))
		feat_ctl = 0;
	if (!(feat_ctl & FEAT_CTL_LOCKED) || !(feat_ctl & FEAT_CTL_VMX_ENABLED_OUTSIDE_SMX)) {
		pr_err("lintel: VT-x is disabled by the firmware (IA32_FEATURE_CONTROL 0x%llx)\n",
		       feat_ctl);
		return -EOPNOTSUPP;
	}
#ifdef X86_CR4_FRED
	if (__read_cr4() & X86_CR4_FRED) {
		pr_err("lintel: the kernel runs with FRED, on which Lintel was never tested: boot with fred=off\n");
		return -EOPNOTSUPP;
	}
#endif
	return 0;
}

static void free_regions(void)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		free_page((unsigned long)per_cpu(lintel_cpu, cpu).vmxon_region);
		per_cpu(lintel_cpu, cpu).vmxon_region = NULL;
	}
}

static int alloc_regions(void)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		struct vmx_cpu *vmx = &per_cpu(lintel_cpu, cpu);
		struct page *page;

		INIT_LIST_HEAD(&vmx->active);
		page = alloc_pages_node(cpu_to_node(cpu), GFP_KERNEL | __GFP_ZERO, 0);
		if (!page) {
			free_regions();
			return -ENOMEM;
		}
		vmx->vmxon_region = page_address(page);
		*(u32 *)vmx->vmxon_region = lintel_caps.revision;
	}
	return 0;
}

int vmx_cpu_init(void)
{
	int err = check_cpu();

	if (!err)
		err = vmx_caps_init();
	if (!err)
		err = alloc_regions();
	if (err)
		return err;

	/* From here on kvm_intel cannot come or go unnoticed. */
	err = register_module_notifier(&module_nb);
	if (err)
		goto free;
	mutex_lock(&vmx_lock);
	if (!lintel_joined)
		lintel_joined = kvm_intel_present();
	if (!lintel_joined && !LINTEL_CAN_RUN_ALONE) {
		pr_err("lintel: on this kernel VMX operation belongs to KVM: load kvm_intel first\n");
		err = -EOPNOTSUPP;
	} else if (!hotplug_state) {
		err = enter_mode();
	}
	mutex_unlock(&vmx_lock);
	if (err)
		goto unregister;
	return 0;
unregister:
	unregister_module_notifier(&module_nb);
	mutex_lock(&vmx_lock);
	leave_mode();
	mutex_unlock(&vmx_lock);
free:
	free_regions();
	return err;
}

void vmx_cpu_exit(void)
{
	unregister_module_notifier(&module_nb);
	kvm_hold_exit();
	leave_mode();
	free_regions();
}
