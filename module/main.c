// SPDX-License-Identifier: GPL-2.0-only
/*
 * Module init and exit: requirements, VMX operation, the device node.
 *
 * Each step that can fail says in one sentence why.  The device appears last, so that nothing can
 * be asked of a half-made module, and goes first.
 */
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/moduleparam.h>

#include "dead.h"
#include "debugfs.h"
#include "flight.h"
#include "vcpu_life.h"
#include "vm.h"
#include "ioctl/dev.h"
#include "irq/irq.h"
#include "params.h"
#include "pmu/pmu.h"
#include "vmx/cpu.h"
#include "vmx/fpu.h"
#include "vmx/l1d.h"
#include "vmx/msr.h"
#include "vmx/msr_bitmap.h"

struct lintel_params lintel_params = {
	.vpid = true,
	.ept_ad = true,
	.ept_2m = true,
	.ept_1g = true,
	.pml = true,
	.ple = true,
	.tsc_scaling = true,
	.xsaves = true,
	.preemption_timer = true,
	.apicv = true,
	.vid = true,
	.pmu = true,
	.posted_interrupts = true,
};

#define FEATURE_PARAM(name, text)						\
	module_param_named(name, lintel_params.name, bool, 0444);		\
	MODULE_PARM_DESC(name, text " (default: on where the CPU has it)")

FEATURE_PARAM(vpid, "use virtual-processor identifiers");
FEATURE_PARAM(ept_ad, "use EPT accessed and dirty bits");
FEATURE_PARAM(ept_2m, "use 2 MiB EPT entries");
FEATURE_PARAM(ept_1g, "use 1 GiB EPT entries");
FEATURE_PARAM(pml, "use page-modification logging");
FEATURE_PARAM(ple, "use PAUSE-loop exiting");
FEATURE_PARAM(tsc_scaling, "let guests have a TSC of another rate than the host's");
FEATURE_PARAM(xsaves, "let guests use XSAVES and XRSTORS");
FEATURE_PARAM(preemption_timer, "use the VMX-preemption timer for the guest's local APIC timer");
FEATURE_PARAM(apicv, "use the local APIC's virtualisation: TPR shadow, and what vid says");
FEATURE_PARAM(vid, "use APIC-register virtualisation and virtual-interrupt delivery; needs apicv");
FEATURE_PARAM(pmu, "let guests have performance counters");
FEATURE_PARAM(posted_interrupts, "use posted interrupts; needs vid");

static bool claim_kvm_node;
module_param(claim_kvm_node, bool, 0444);
MODULE_PARM_DESC(claim_kvm_node,
		 "also register misc minor 232, /dev/kvm; refused while KVM has it (default: off)");

static struct miscdevice lintel_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "lintel",
	.mode = 0660,
	.fops = &lintel_dev_fops,
};

/* For programs that make their own node by the number. */
static struct miscdevice kvm_node = {
	.minor = KVM_MINOR,
	.name = "kvm",
	.mode = 0660,
	.fops = &lintel_dev_fops,
};

static int __init lintel_init(void)
{
	int err;

	lintel_flight_param();
	err = guest_fpu_init();
	if (err) {
		pr_err("lintel: this CPU's XSAVE area does not fit in one page\n");
		return err;
	}
	err = lintel_dead_init();
	if (err)
		return err;
	err = lintel_vcpus_init();
	if (err)
		goto dead_exit;
	err = msr_bitmap_init();
	if (err)
		goto vcpus_exit;
	err = l1d_init();
	if (err)
		goto bitmap_exit;
	err = lintel_irqfd_init();
	if (err)
		goto l1d_exit;
	err = lintel_ept_reclaim_init();
	if (err)
		goto irqfd_exit;
	err = vmx_cpu_init();
	if (err)
		goto reclaim_exit;
	lintel_pmu_init();
	lintel_msr_list_init();
	if (claim_kvm_node) {
		err = misc_register(&kvm_node);
		if (err) {
			pr_err("lintel: claim_kvm_node=1 refused: misc minor 232 is taken (is KVM loaded?)\n");
			goto cpu_exit;
		}
	}
	err = misc_register(&lintel_device);
	if (err) {
		pr_err("lintel: cannot register /dev/lintel (error %d)\n", err);
		goto unregister_kvm_node;
	}
	lintel_debugfs_init();
	pr_info("lintel: ready, %s\n",
		lintel_joined ? "sharing VMX operation with kvm_intel" : "alone");
	return 0;
unregister_kvm_node:
	if (claim_kvm_node)
		misc_deregister(&kvm_node);
cpu_exit:
	vmx_cpu_exit();
reclaim_exit:
	lintel_ept_reclaim_exit();
irqfd_exit:
	lintel_irqfd_exit();
l1d_exit:
	l1d_exit();
bitmap_exit:
	msr_bitmap_exit();
vcpus_exit:
	lintel_vcpus_exit();
dead_exit:
	lintel_dead_exit();
	return err;
}

static void __exit lintel_exit(void)
{
	lintel_debugfs_exit();
	misc_deregister(&lintel_device);
	if (claim_kvm_node)
		misc_deregister(&kvm_node);
	vmx_cpu_exit();
	lintel_ept_reclaim_exit();
	lintel_irqfd_exit();
	l1d_exit();
	msr_bitmap_exit();
	lintel_vcpus_exit();
	lintel_dead_exit();
}

module_init(lintel_init);
module_exit(lintel_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Lintel: a VMX hypervisor with the KVM API");
MODULE_VERSION("0.1");
