/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Two ways in which later processors watch a guest for the host's sake: a locked access that held
 * the bus makes it exit behind that instruction (bus-lock detection), and so does a time in which
 * no event could be delivered (the notify window).  Both only where user space has asked.
 *
 * An exit for another reason may tell of a bus lock as well, by a bit of its own beside the reason;
 * it becomes a request, so that the exit takes its usual way and user space hears of the bus lock
 * with it, or after it.
 *
 * No processor that this was run on has either: what is pure is tested in userspace, the exits
 * themselves have never been taken.
 */
#ifndef LINTEL_VMX_WATCH_H
#define LINTEL_VMX_WATCH_H

#include "../types.h"

#define EXIT_REASON_BASIC	0xffffU
#define EXIT_REASON_HELD_BUS	(1U << 26)	/* in the reason of whichever exit came next */

/* KVM_CAP_X86_NOTIFY_VMEXIT's argument: flags, and above them the window. */
#define NOTIFY_FLAGS(arg)	((u32)(arg))
#define NOTIFY_TICKS(arg)	((u32)((arg) >> 32))

/* watch_bus_lock_valid - KVM_CAP_X86_BUS_LOCK_EXIT's argument; bit 0 is off, bit 1 on. */
static inline bool watch_bus_lock_valid(u64 arg, bool possible)
{
	return arg == 0 || arg == 1 || (arg == 2 && possible);
}

/* watch_notify_valid - bit 0 has to be there; bit 1 wants each exit in user space. */
static inline bool watch_notify_valid(u64 arg, bool possible)
{
	return possible && (NOTIFY_FLAGS(arg) == 1 || NOTIFY_FLAGS(arg) == 3);
}

/* watch_notify_exits - does user space hear of it?  Bit 0 of @qualification: the guest is lost. */
static inline bool watch_notify_exits(u32 flags, u64 qualification)
{
	return (flags & 2) || (qualification & 1);
}

/* watch_proc2 - the secondary controls that the VM wants; the mask: those that there are. */
u32 watch_proc2(const struct lintel_vm *vm);
u32 watch_proc2_mask(void);
/* watch_setup - the length of the notify window; with the VMCS current. */
void watch_setup(const struct lintel_vm *vm);

/* watch_bus_lock_possible, watch_notify_possible - the processor has the control.  Any context. */
bool watch_bus_lock_possible(void);
bool watch_notify_possible(void);

/* watch_held_bus - the guest did; user space is to hear of it.  The running thread. */
void watch_held_bus(struct lintel_vcpu *vcpu);

#endif
