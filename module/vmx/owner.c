// SPDX-License-Identifier: GPL-2.0-only
/*
 * Suspend, reboot, kexec and crash while Lintel owns VMX operation.
 *
 * A CPU in VMX operation blocks INIT, so a machine that goes down without VMXOFF may hang, and a
 * kexec'ed kernel would find CR4.VMXE set.  Orderly ways out (suspend, reboot) come as system-core
 * operations, the disorderly one as the kernel's emergency callback on each CPU.
 */
#include <linux/smp.h>
#include <linux/syscore_ops.h>
#include <asm/reboot.h>

#include "owner.h"
#include "../compat.h"

#if LINTEL_CAN_RUN_ALONE

static void shutdown_ipi(void *unused)
{
	vmx_disable_here();
}

/* The last CPU before suspend; the others went offline.  Interrupts off. */
static int owner_suspend(SYSCORE_DATA)
{
	vmx_disable_here();
	return 0;
}

static void owner_resume(SYSCORE_DATA)
{
	vmx_enable_here();
}

/* Reboot, power-off, kexec: all CPUs are still up, and no guest will be entered again. */
static void owner_shutdown(SYSCORE_DATA)
{
	on_each_cpu(shutdown_ipi, NULL, 1);
}

static struct syscore_ops owner_ops = {
	.suspend = owner_suspend,
	.resume = owner_resume,
	.shutdown = owner_shutdown,
};

#ifdef LINTEL_HAVE_REGISTER_SYSCORE
static struct syscore owner_syscore = {
	.ops = &owner_ops,
};
#endif

void vmx_owner_register(void)
{
#ifdef LINTEL_HAVE_REGISTER_SYSCORE
	register_syscore(&owner_syscore);
#else
	register_syscore_ops(&owner_ops);
#endif
	cpu_emergency_register_virt_callback(vmx_emergency_off);
}

void vmx_owner_unregister(void)
{
	cpu_emergency_unregister_virt_callback(vmx_emergency_off);
#ifdef LINTEL_HAVE_REGISTER_SYSCORE
	unregister_syscore(&owner_syscore);
#else
	unregister_syscore_ops(&owner_ops);
#endif
}

#else

void vmx_owner_register(void)
{
}

void vmx_owner_unregister(void)
{
}

#endif
