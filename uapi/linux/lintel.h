/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * Lintel's extensions to the KVM API, the whole of them.
 *
 * /dev/lintel speaks the ioctl API of <linux/kvm.h>.  What it adds has an ioctl type of its
 * own, so that no number of KVM's, present or future, can collide with it, and is found with
 * KVM_CHECK_EXTENSION on the system's or the VM's descriptor: a capability that is not there
 * answers 0.
 *
 * Reserved members must be zero (-EINVAL); strings end with a NUL byte.
 */
#ifndef _UAPI_LINUX_LINTEL_H
#define _UAPI_LINUX_LINTEL_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define LINTEL_IO			0xBD

/* Capabilities: "LN" in the upper half keeps them apart from KVM's, which count from 0. */
#define LINTEL_CAP_EXPLAIN_ENTRY	0x4c4e0001
#define LINTEL_CAP_FLIGHT		0x4c4e0002	/* the exits that each vCPU keeps */
#define LINTEL_CAP_INSPECT		0x4c4e0003	/* a vCPU's inside, for CAP_SYS_ADMIN */

/* One rule of VM entry that the vCPU's state breaks. */
struct lintel_entry_finding {
	__u64 value;		/* of the field */
	char area[8];		/* "control", "host" or "guest" */
	char field[32];		/* "guest_cr0" */
	char rule[208];		/* the rule, in words */
};

#define LINTEL_ENTRY_FINDINGS		8

struct lintel_entry_report {
	__u32 flags;		/* in: must be 0 */
	__u32 broken;		/* out: how many rules are broken */
	__u32 findings;		/* out: how many of them stand below */
	__u32 reserved;		/* in: must be 0 */
	struct lintel_entry_finding finding[LINTEL_ENTRY_FINDINGS];
};

/*
 * LINTEL_EXPLAIN_ENTRY - check the vCPU's VMCS against the processor's rules for VM entry, and name
 * those it breaks.  vCPU descriptor.  Meant for use after KVM_EXIT_FAIL_ENTRY; before the first
 * KVM_RUN, the host's fields and registers set since are not in the VMCS yet and are reported.
 * Needs LINTEL_CAP_EXPLAIN_ENTRY.
 * Returns 0; -EINVAL (flags, reserved), -EIO (the VM is dead), -ENOMEM.
 */
#define LINTEL_EXPLAIN_ENTRY		_IOWR(LINTEL_IO, 0x01, struct lintel_entry_report)

/*
 * Looking at VMs from outside.  The descriptor is the device's, a VM is named by a number that no
 * other VM has had since the module was loaded.  Who may look: the user that made the VM (its
 * effective uid) and who has CAP_SYS_ADMIN; anybody else gets -EPERM.  Nothing here holds a VM up,
 * or keeps it but for the time of the call.  A VM that has ended stays among the last dead VMs
 * (module parameter dead_vms), if it ever ran.
 */

#define LINTEL_VM_DEAD		1	/* ended; what is left was kept */
#define LINTEL_VM_KILLED	2	/* a VMX instruction failed: it runs no more */

struct lintel_vm_info {
	__u64 vm;		/* in: a number; out: the VM that has the next greater one */
	__u32 flags;		/* in: must be 0; out: LINTEL_VM_... */
	__u32 pid;		/* out: of the process that made it, 0 where it is not seen */
	__u32 uid;		/* out: and its user */
	__u32 vcpus;		/* out */
	__u64 born;		/* out: when, in ns of CLOCK_REALTIME */
	__u64 died;		/* out: likewise, 0: it lives */
	char comm[16];		/* out: the name of the thread that made it */
	__u64 reserved[4];	/* in: must be 0 */
};

/*
 * LINTEL_NEXT_VM - from one VM to the next, living or dead, that the caller may look at.
 * Returns 0; -ENOENT (no more), -EINVAL (flags, reserved).
 */
#define LINTEL_NEXT_VM		_IOWR(LINTEL_IO, 0x10, struct lintel_vm_info)

/* What became of an exit. */
#define LINTEL_FLIGHT_SHORT	0	/* finished in the window of its entry, interrupts off */
#define LINTEL_FLIGHT_HANDLING	1	/* not finished yet */
#define LINTEL_FLIGHT_RESUMED	2	/* a handler finished it */
#define LINTEL_FLIGHT_USER	3	/* KVM_RUN returned 0: detail is KVM_EXIT_... */
#define LINTEL_FLIGHT_ERROR	4	/* KVM_RUN failed: detail is the errno */

/* One VM exit.  Times are of the host's time-stamp counter. */
struct lintel_flight_exit {
	__u64 out;		/* the guest was left */
	__u64 resumed;		/* it was entered again; 0: not yet */
	__u64 rip;		/* the guest's, of the instruction that exited */
	__u64 qualification;	/* CPUID, VMCALL, RDMSR, WRMSR have none: EAX, RAX, ECX */
	__u64 gpa;		/* of an EPT violation or misconfiguration, else 0 */
	__u32 reason;		/* SDM, "Basic VM-Exit Information"; bit 31: failed entry */
	__u32 result;		/* LINTEL_FLIGHT_... */
	__u32 intr_info;	/* VM-exit interruption information, where the reason has it */
	__u32 detail;
	__u64 number;		/* counted from 1, for each vCPU */
};

#define LINTEL_FLIGHT_EXITS	256	/* of a vCPU are kept */

struct lintel_flight {
	__u64 vm;		/* in */
	__u32 vcpu;		/* in: from 0, in the order in which they were made */
	__u32 flags;		/* in: must be 0; out: LINTEL_VM_... */
	__u64 exits;		/* in: address of an array of struct lintel_flight_exit */
	__u32 nr;		/* in: its size in entries; out: how many, oldest first */
	__u32 vcpu_id;		/* out: KVM_CREATE_VCPU's argument */
	__u64 count;		/* out: exits of the vCPU in all */
	__u64 tsc;		/* out: the host's when this was read, or when the VM ended */
	__u64 time;		/* out: CLOCK_REALTIME then, in ns */
	__u32 tsc_khz;		/* out: the host's */
	__u32 entry_error;	/* out: VM-instruction error of the last entry, or 0 */
	__u64 reserved[4];	/* in: must be 0 */
};

/*
 * LINTEL_GET_FLIGHT - the last exits of a vCPU.
 * Returns 0; -ENOENT (no such VM or vCPU), -EPERM (somebody else's), -EINVAL (flags, reserved),
 * -EFAULT, -ENODATA (the module was loaded with flight=0), -ENOMEM.
 */
#define LINTEL_GET_FLIGHT	_IOWR(LINTEL_IO, 0x11, struct lintel_flight)

/* LINTEL_CLEAR_DEAD - forget the dead VMs that the caller may look at.  Returns how many. */
#define LINTEL_CLEAR_DEAD	_IO(LINTEL_IO, 0x12)

struct lintel_vm_stats {
	__u64 vm;		/* in */
	__u32 vcpu;		/* in: from 0, or LINTEL_ALL_VCPUS: the VM's own and their sum */
	__u32 flags;		/* in: must be 0 */
};

#define LINTEL_ALL_VCPUS	0xffffffffU

/*
 * LINTEL_GET_STATS_FD - a new descriptor as KVM_GET_STATS_FD gives it, of a living VM.  It keeps
 * the VM until it is closed.
 * Returns the descriptor; -ENOENT, -EPERM, -EINVAL (flags), -EMFILE, -ENFILE, -ENOMEM.
 */
#define LINTEL_GET_STATS_FD	_IOW(LINTEL_IO, 0x13, struct lintel_vm_stats)

/* A field of the VMCS: SDM, appendix "Field Encoding in VMCS". */
struct lintel_vmcs_field {
	__u32 encoding;
	__u32 reserved;
	__u64 value;
};

#define LINTEL_VMCS_FIELDS	192

/* What of a snapshot is there. */
#define LINTEL_SNAPSHOT_LAPIC	0x10	/* lapic: the local APIC's registers */
#define LINTEL_SNAPSHOT_PI	0x20	/* pi: the posted-interrupt descriptor */
#define LINTEL_SNAPSHOT_IOAPIC	0x40	/* ioapic */

struct lintel_snapshot {
	__u64 vm;		/* in */
	__u32 vcpu;		/* in: from 0 */
	__u32 flags;		/* in: must be 0; out: LINTEL_VM_..., LINTEL_SNAPSHOT_... */
	__u64 time;		/* out: when it was taken, ns of CLOCK_REALTIME */
	__u64 exits;		/* out: exits of the vCPU until then */
	__u32 vcpu_id;		/* out */
	__u32 mp_state;		/* out: KVM_MP_STATE_... */
	__u64 requests;		/* out: what waits for the next entry; bits of the module's own */
	__u64 gpr[16];		/* out: in the order of their encoding; RSP is in the VMCS */
	__u64 cr0, cr2, cr4;	/* out: as the guest sees them */
	__u64 efer, xcr0;	/* out */
	__u64 tsc_offset;	/* out */
	__u64 pi[8];		/* out */
	__u64 ioapic[24];	/* out: redirection entries */
	__u8 lapic[1024];	/* out: a register every 16 bytes */
	__u32 fields;		/* out: of the VMCS, below; none of a VM that was killed */
	__u32 reserved;		/* in: must be 0 */
	struct lintel_vmcs_field field[LINTEL_VMCS_FIELDS];
};

/*
 * LINTEL_GET_SNAPSHOT - a vCPU's registers, VMCS, local APIC, and the IOAPIC.  A running vCPU takes
 * it between two exits, for which it is made to exit once; of a dead VM's first four vCPUs the last
 * state was kept.  Needs CAP_SYS_ADMIN and a kernel that is not locked down; at most 20 a second.
 * Returns 0; -EPERM, -ENOENT (no such VM or vCPU, or nothing kept), -EINVAL (flags, reserved),
 * -EAGAIN (too often), -ETIMEDOUT (the vCPU's thread does not get to it for 2 s), -EINTR, -ENOMEM.
 */
#define LINTEL_GET_SNAPSHOT	_IOWR(LINTEL_IO, 0x14, struct lintel_snapshot)

#define LINTEL_PEEK_VALUE	1	/* value is there */

struct lintel_peek {
	__u64 vm;		/* in */
	__u64 gpa;		/* in: guest-physical address, a multiple of 8 */
	__u32 flags;		/* in: must be 0; out: LINTEL_PEEK_VALUE */
	__u32 levels;		/* out: entries below */
	__u64 entry[5];		/* out: of the EPT, from the root down to a leaf or an absent one */
	__u64 value;		/* out: the 8 bytes there, if host memory is mapped there now */
	__u64 reserved[4];	/* in: must be 0 */
};

/*
 * LINTEL_PEEK - the EPT walk of an address of a living VM, and what stands there.  Maps nothing,
 * and the guest goes on meanwhile.  Needs what LINTEL_GET_SNAPSHOT needs.
 * Returns 0; -EPERM, -ENOENT, -EINVAL (address, flags, reserved).
 */
#define LINTEL_PEEK		_IOWR(LINTEL_IO, 0x15, struct lintel_peek)

#if defined(__cplusplus)
#define _LINTEL_ASSERT(cond)	static_assert(cond, #cond)
#else
#define _LINTEL_ASSERT(cond)	_Static_assert(cond, #cond)
#endif
_LINTEL_ASSERT(sizeof(struct lintel_entry_finding) == 256);
_LINTEL_ASSERT(sizeof(struct lintel_entry_report) == 16 + LINTEL_ENTRY_FINDINGS * 256);
_LINTEL_ASSERT(sizeof(struct lintel_vm_info) == 88);
_LINTEL_ASSERT(sizeof(struct lintel_flight_exit) == 64);
_LINTEL_ASSERT(sizeof(struct lintel_flight) == 96);
_LINTEL_ASSERT(sizeof(struct lintel_vm_stats) == 16);
_LINTEL_ASSERT(sizeof(struct lintel_snapshot) == 1512 + LINTEL_VMCS_FIELDS * 16);
_LINTEL_ASSERT(sizeof(struct lintel_peek) == 104);
#undef _LINTEL_ASSERT

#endif
