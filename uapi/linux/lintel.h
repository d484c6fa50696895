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

#if defined(__cplusplus)
#define _LINTEL_ASSERT(cond)	static_assert(cond, #cond)
#else
#define _LINTEL_ASSERT(cond)	_Static_assert(cond, #cond)
#endif
_LINTEL_ASSERT(sizeof(struct lintel_entry_finding) == 256);
_LINTEL_ASSERT(sizeof(struct lintel_entry_report) == 16 + LINTEL_ENTRY_FINDINGS * 256);
#undef _LINTEL_ASSERT

#endif
