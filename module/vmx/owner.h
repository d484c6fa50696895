/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the owner of VMX operation answers for besides hotplug: suspend, reboot, kexec and crash.
 * Alone mode, but for the last two.
 */
#ifndef LINTEL_VMX_OWNER_H
#define LINTEL_VMX_OWNER_H

void vmx_owner_register(void);
void vmx_owner_unregister(void);

/*
 * Joined, while Lintel has VMs: KVM leaves VMX operation before suspend; our VMCSs are cleared
 * before that.  Registered after KVM's own, so run before it on the way down and after it on the way up.
 */
void vmx_guest_of_kvm_register(void);
void vmx_guest_of_kvm_unregister(void);

/* cpu.c: enter, leave VMX operation on this CPU.  Interrupts off. */
int vmx_enable_here(void);
void vmx_disable_here(void);
/* cpu.c: leave it from any context, on the way down.  */
void vmx_emergency_off(void);

#endif
