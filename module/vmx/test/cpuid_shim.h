/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel, as far as cpuid.c uses it, for its userspace test: included before everything
 * else.  The headers of the kernel that it includes are empty files which the Makefile makes.
 * Feature numbers are word * 32 + bit, of which cpuid.c uses the bit: the SDM's, under the
 * kernel's names.
 */
#ifndef LINTEL_CPUID_SHIM_H
#define LINTEL_CPUID_SHIM_H

#define LINTEL_COMPAT_H
#define LINTEL_IRQ_IRQ_H
#define LINTEL_VCPU_H
#define LINTEL_VM_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <asm/processor-flags.h>
#include <linux/kvm.h>

typedef uint64_t u64;
typedef uint32_t u32;
typedef uint16_t u16;
typedef uint8_t u8;

#define BIT(n)			(1UL << (n))
#define BIT_ULL(n)		(1ULL << (n))
#define ARRAY_SIZE(a)		(sizeof(a) / sizeof((a)[0]))
#define clamp_t(type, v, lo, hi) ((type)(v) < (lo) ? (lo) : (type)(v) > (hi) ? (hi) : (type)(v))
#define GFP_KERNEL_ACCOUNT	0
#define kzalloc(size, flags)	calloc(1, size)
#define array_index_nospec(i, n)	((u32)(i) < (n) ? (i) : 0)
#define kfree(p)		free(p)

#define MSR_IA32_MISC_ENABLE_MWAIT	BIT_ULL(18)
#define MSR_IA32_APICBASE_ENABLE	BIT_ULL(11)
#define XFEATURE_MASK_FP		1ULL
#define KVM_CPUID_FEATURES		0x40000001
#define KVM_FEATURE_ASYNC_PF		4
#define KVM_FEATURE_PV_UNHALT		7
#define KVM_FEATURE_ASYNC_PF_INT	14

enum {
	X86_FEATURE_APIC = 9, X86_FEATURE_MWAIT = 3, X86_FEATURE_PCID = 17,
	X86_FEATURE_XSAVE = 26, X86_FEATURE_OSXSAVE = 27, X86_FEATURE_XSAVEC = 1,
	X86_FEATURE_XSAVES = 3, X86_FEATURE_FSGSBASE = 0, X86_FEATURE_SMEP = 7,
	X86_FEATURE_SMAP = 20, X86_FEATURE_UMIP = 2, X86_FEATURE_PKU = 3, X86_FEATURE_OSPKE = 4,
	X86_FEATURE_LA57 = 16,
};

enum { GPR_RAX, GPR_RCX, GPR_RDX, GPR_RBX };

struct lintel_lapic;

struct lintel_vm {
	u32 disabled_exits;
	u64 disabled_quirks;
};

static inline bool lintel_quirk(const struct lintel_vm *vm, u64 quirk)
{
	return !(vm->disabled_quirks & quirk);
}

struct lintel_vcpu {
	struct lintel_vm *vm;
	struct kvm_cpuid_entry2 *cpuid;
	unsigned int cpuid_nent;
	const struct cpuid_index *cpuid_index;
	unsigned long gpr[4];
	bool ran;
	u64 guest_maxphyaddr_mask, cr4_reserved, xcr0_allowed, xcr0, msr_misc_enable;
	unsigned long cr4;
	struct lintel_lapic *lapic;
	struct {
		u32 features;
	} pv;
	u64 apic_base;		/* of the shim */
};

static inline u64 lintel_lapic_base(struct lintel_vcpu *vcpu)
{
	return vcpu->apic_base;
}

#endif
