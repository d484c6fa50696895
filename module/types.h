/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Basic types and limits that every part of the module shares.
 *
 * Addresses are never bare integers: gpa_t (guest-physical), gfn_t (guest frame number), hva_t
 * (address in the VMM's address space) and hpa_t (host-physical) come from the kernel's own
 * <linux/kvm_types.h>.  A function that handles an exit or finishes an ioctl step answers with an
 * enum lintel_next or a negative errno.
 */
#ifndef LINTEL_TYPES_H
#define LINTEL_TYPES_H

#include <linux/kvm_types.h>
#include <linux/types.h>

/* What the run loop does after an exit was handled; a negative errno ends KVM_RUN with it. */
enum lintel_next {
	RESUME = 0,		/* enter the guest again */
	TO_USER = 1,		/* kvm_run tells user space why */
};

#define LINTEL_MAX_VCPUS	1024	/* vCPUs of one VM */
#define LINTEL_MAX_VCPU_ID	4096	/* vCPU ids are below this; above 254 for x2APIC alone */
#define LINTEL_NR_GSI		24	/* IOAPIC pins; GSI 0..15 reach the PIC as well */
#define LINTEL_MAX_ROUTES	4096	/* entries of KVM_SET_GSI_ROUTING */
#define LINTEL_MAX_MEMSLOTS	32764	/* memory slots of one VM */
#define LINTEL_MAX_IRQFDS	4096	/* eventfds that raise interrupts of one VM */
#define LINTEL_MAX_IOEVENTFDS	4096	/* eventfds that one VM's guest rings */

/* KVM_CAP_X86_DISABLE_EXITS: the exits that a VM may be spared; MWAIT where the host allows it */
#define LINTEL_DISABLE_EXITS	(KVM_X86_DISABLE_EXITS_MWAIT | KVM_X86_DISABLE_EXITS_HLT | \
				 KVM_X86_DISABLE_EXITS_PAUSE)

/* KVM_CAP_DISABLE_QUIRKS2: what may be turned off */
#define LINTEL_QUIRKS	(KVM_X86_QUIRK_LINT0_REENABLED | KVM_X86_QUIRK_CD_NW_CLEARED | \
			 KVM_X86_QUIRK_LAPIC_MMIO_HOLE | KVM_X86_QUIRK_OUT_7E_INC_RIP | \
			 KVM_X86_QUIRK_MISC_ENABLE_NO_MWAIT | \
			 KVM_X86_QUIRK_FIX_HYPERCALL_INSN | \
			 KVM_X86_QUIRK_MWAIT_NEVER_UD_FAULTS | KVM_X86_QUIRK_SLOT_ZAP_ALL)

/* KVM_SET_GUEST_DEBUG: the flags that it knows */
#define LINTEL_GUESTDBG	(KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP | \
			 KVM_GUESTDBG_USE_HW_BP | KVM_GUESTDBG_USE_SW_BP | \
			 KVM_GUESTDBG_INJECT_BP | KVM_GUESTDBG_INJECT_DB | KVM_GUESTDBG_BLOCKIRQ)

/* KVM_CAP_X86_BUS_LOCK_EXIT: what may be chosen of, where the CPU can */
#define LINTEL_BUS_LOCK	(KVM_BUS_LOCK_DETECTION_OFF | KVM_BUS_LOCK_DETECTION_EXIT)

/* KVM_CAP_X86_USER_SPACE_MSR: why an access to an MSR may be user space's */
#define LINTEL_MSR_EXIT_REASONS	(KVM_MSR_EXIT_REASON_INVAL | KVM_MSR_EXIT_REASON_UNKNOWN | \
				 KVM_MSR_EXIT_REASON_FILTER)

/* KVM_CAP_SYNC_REGS: what KVM_RUN takes from struct kvm_run and gives there */
#define LINTEL_SYNC_REGS	(KVM_SYNC_X86_REGS | KVM_SYNC_X86_SREGS | KVM_SYNC_X86_EVENTS)

#define LINTEL_XSAVE_SIZE	4096	/* of KVM_GET_XSAVE2 */
/* KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2; the largest dirty ring of a vCPU, in bytes */
#define LINTEL_DIRTY_MANUAL	(KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE | KVM_DIRTY_LOG_INITIALLY_SET)
#define LINTEL_MAX_RING_BYTES	(65536 * 16)

#define LINTEL_PML_ENTRIES	512	/* of the CPU's log of dirtied pages */
/* KVM_CAP_X2APIC_API: what may be enabled */
#define LINTEL_X2APIC_API	(KVM_X2APIC_API_USE_32BIT_IDS | \
				 KVM_X2APIC_API_DISABLE_BROADCAST_QUIRK)

/*
 * A vCPU's mapping: struct kvm_run with the data of port accesses behind it; a page that holds
 * nothing; the VM's ring of coalesced writes.
 */
#define LINTEL_PIO_OFFSET	(PAGE_SIZE - 1024)
#define LINTEL_VCPU_MMAP_SIZE	(3 * PAGE_SIZE)

struct lintel_vm;
struct lintel_vcpu;

#endif
