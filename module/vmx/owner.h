/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the owner of VMX operation answers for besides hotplug: suspend, reboot, kexec and crash.
 * Registered in alone mode only.
 */
#ifndef LINTEL_VMX_OWNER_H
#define LINTEL_VMX_OWNER_H

void vmx_owner_register(void);
void vmx_owner_unregister(void);

/* cpu.c: enter, leave VMX operation on this CPU.  Interrupts off. */
int vmx_enable_here(void);
void vmx_disable_here(void);
/* cpu.c: leave it from any context, on the way down.  */
void vmx_emergency_off(void);

#endif
