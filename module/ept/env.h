/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the pure parts of module/ept (entry format, iterator, guest page walk) need from around
 * them.
 *
 * Those parts are built twice: in the module, and in userspace for module/ept/test.  Whatever
 * differs stands here.  The userspace half repeats the few constants of kernel-internal headers
 * that have no uapi counterpart.
 */
#ifndef LINTEL_EPT_ENV_H
#define LINTEL_EPT_ENV_H

#ifdef __KERNEL__

#include <linux/atomic.h>
#include <linux/build_bug.h>
#include <linux/compiler.h>
#include <linux/errno.h>
#include <linux/io.h>
#include <linux/types.h>
#include <asm/msr-index.h>
#include <asm/processor-flags.h>
#include <asm/trap_pf.h>
#include <asm/vmx.h>

#include "../types.h"

/* ept_env_table - where this kernel sees the table page at host-physical address @hpa. */
static inline u64 *ept_env_table(hpa_t hpa)
{
	return phys_to_virt(hpa);
}

#else /* !__KERNEL__ */

#include <asm/processor-flags.h>
#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint32_t u32;
typedef uint64_t u64;
typedef u64 gpa_t, gfn_t, hpa_t;

#define WRITE_ONCE(x, v)	(*(volatile __typeof__(x) *)&(x) = (v))
#define READ_ONCE(x)	(*(const volatile __typeof__(x) *)&(x))
#define static_assert	_Static_assert
#define try_cmpxchg64(p, old, new) \
	__atomic_compare_exchange_n((p), (old), (new), false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)

#define EFER_LMA		(1ULL << 10)
#define EFER_NX			(1ULL << 11)

#define X86_PF_PROT		(1U << 0)
#define X86_PF_WRITE		(1U << 1)
#define X86_PF_USER		(1U << 2)
#define X86_PF_RSVD		(1U << 3)
#define X86_PF_INSTR		(1U << 4)
#define X86_PF_PK		(1U << 5)

#define VMX_EPT_READABLE_MASK	0x1ULL
#define VMX_EPT_WRITABLE_MASK	0x2ULL
#define VMX_EPT_EXECUTABLE_MASK	0x4ULL
#define VMX_EPT_RWX_MASK	0x7ULL
#define VMX_EPT_MT_EPTE_SHIFT	3
#define VMX_EPT_MT_MASK		(7ULL << VMX_EPT_MT_EPTE_SHIFT)
#define VMX_EPT_ACCESS_BIT	(1ULL << 8)
#define VMX_EPT_DIRTY_BIT	(1ULL << 9)

/* The tests' tables lie at their own addresses. */
static inline u64 *ept_env_table(hpa_t hpa)
{
	return (u64 *)(uintptr_t)hpa;
}

#endif /* __KERNEL__ */

/* Kinds of access: of an EPT violation's qualification and of guest page walks. */
#define ACCESS_READ	1U
#define ACCESS_WRITE	2U
#define ACCESS_EXEC	4U

#endif
