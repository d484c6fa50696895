/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * VMX operation of the CPUs: who owns it, and what this CPU has loaded.
 *
 * alone:  kvm_intel is absent.  Lintel itself does VMXON on each CPU and answers for hotplug,
 *         suspend, reboot and crash.
 * joined: kvm_intel is loaded and owns VMX operation.  While Lintel has VMs, and a moment longer,
 *         it holds the file of one empty KVM VM, which keeps kvm_intel loaded and VMX operation on
 *         (kvm_hold.h).
 *
 * The mode changes only while Lintel has no VM, when kvm_intel is loaded or unloaded.
 */
#ifndef LINTEL_VMX_CPU_H
#define LINTEL_VMX_CPU_H

#include <linux/percpu.h>

#include "vmcs.h"
#include "../types.h"

struct vmx_cpu {
	struct vmcs_page *vmxon_region;	/* alone only */
	bool on;			/* VMX operation, and Lintel may use it; interrupts off to rely on it */
	struct lintel_vcpu *current_vcpu; /* whose VMCS we loaded last; NULL when unknown */
	struct list_head active;	/* VMCSs active on this CPU */
	u64 last_vm;			/* its number: IBPB between VMs */
};

DECLARE_PER_CPU(struct vmx_cpu, lintel_cpu);

extern bool lintel_joined;		/* written while there is no VM */

/* The vCPU whose VMCS is current on this CPU inside a window, or NULL.  Interrupts off. */
static inline struct lintel_vcpu *vmx_current_vcpu(void)
{
	return this_cpu_read(lintel_cpu.current_vcpu);
}

/*
 * vmx_cpu_init - check the requirements and enter VMX operation (or join KVM).  Module init.
 * Returns 0, or -EOPNOTSUPP/-EBUSY/-ENOMEM after one sentence in the log.
 */
int vmx_cpu_init(void);
void vmx_cpu_exit(void);

/*
 * vmx_get - before a VM is made: joined, take hold of KVM.  -ENODEV: kvm_intel is missing or goes;
 * or what kvm_hold_take() says.  vmx_put undoes one vmx_get.  Process context.
 */
int vmx_get(void);
void vmx_put(void);

/* fail.c */
u32 vmx_instruction_error(void);
const char *vmx_instruction_error_name(u32 error);

#endif
