// SPDX-License-Identifier: GPL-2.0-only
/*
 * Suspend, reboot, kexec and crash while Lintel owns VMX operation.
 *
 * A CPU in VMX operation blocks INIT, so a machine that goes down without VMXOFF may hang, and a
 * kexec'ed kernel would find CR4.VMXE set.  Orderly ways out (suspend, reboot) come as system-core
 * operations, the disorderly one as the kernel's emergency callback on each CPU.
 */
#include <linux/build_bug.h>
#include <linux/smp.h>
#include <linux/syscore_ops.h>
#include <asm/reboot.h>

#include "owner.h"
#include "../compat.h"

#ifdef LINTEL_HAVE_REGISTER_SYSCORE
#define SYSCORE(name)		static struct syscore name##_syscore = { .ops = &name }
#define syscore_add(name)	register_syscore(&name##_syscore)
#define syscore_remove(name)	unregister_syscore(&name##_syscore)
#else
#define SYSCORE(name)		static_assert(sizeof(name))
#define syscore_add(name)	register_syscore_ops(&name)
#define syscore_remove(name)	unregister_syscore_ops(&name)
#endif

/* The last CPU before suspend; the others went offline.  Interrupts off. */
static int vmx_suspend(SYSCORE_DATA)
{
	vmx_disable_here();
	return 0;
}

static void vmx_resume(SYSCORE_DATA)
{
	vmx_enable_here();
}

static struct syscore_ops joined_ops = {
	.suspend = vmx_suspend,
	.resume = vmx_resume,
};
SYSCORE(joined_ops);

void vmx_guest_of_kvm_register(void)
{
	syscore_add(joined_ops);
}

void vmx_guest_of_kvm_unregister(void)
{
	syscore_remove(joined_ops);
}

#if LINTEL_CAN_RUN_ALONE

static void shutdown_ipi(void *unused)
{
	vmx_disable_here();
}

/* Reboot, power-off, kexec: all CPUs are still up, and no guest will be entered again. */
static void owner_shutdown(SYSCORE_DATA)
{
	on_each_cpu(shutdown_ipi, NULL, 1);
}

static struct syscore_ops owner_ops = {
	.suspend = vmx_suspend,
	.resume = vmx_resume,
	.shutdown = owner_shutdown,
};
SYSCORE(owner_ops);

void vmx_owner_register(void)
{
	syscore_add(owner_ops);
	cpu_emergency_register_virt_callback(vmx_emergency_off);
}

void vmx_owner_unregister(void)
{
	cpu_emergency_unregister_virt_callback(vmx_emergency_off);
	syscore_remove(owner_ops);
}

#else

void vmx_owner_register(void)
{
}

void vmx_owner_unregister(void)
{
}

#endif
