/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel, as far as model.c uses it, for its userspace test: included before everything else.
 * The headers of the kernel that it includes are empty files which the Makefile makes.  Numbers are
 * the SDM's and the KVM API's, under the kernel's names.
 */
#ifndef LINTEL_MODEL_SHIM_H
#define LINTEL_MODEL_SHIM_H

#define LINTEL_COMPAT_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <linux/kvm.h>

typedef uint64_t u64;
typedef uint32_t u32;
typedef uint16_t u16;
typedef uint8_t u8;
typedef int64_t s64;
typedef int32_t s32;

#define BIT(n)			(1UL << (n))
#define BIT_ULL(n)		(1ULL << (n))
#define min_t(type, a, b)	((type)(a) < (type)(b) ? (type)(a) : (type)(b))
#define array_index_nospec(i, n)	((u32)(i) < (n) ? (i) : 0)
#define fallthrough		__attribute__((__fallthrough__))

#define MSR_ARCH_PERFMON_PERFCTR0	0xc1
#define MSR_ARCH_PERFMON_EVENTSEL0	0x186
#define MSR_ARCH_PERFMON_FIXED_CTR0	0x309
#define MSR_CORE_PERF_FIXED_CTR_CTRL	0x38d
#define MSR_CORE_PERF_GLOBAL_STATUS	0x38e
#define MSR_CORE_PERF_GLOBAL_CTRL	0x38f
#define MSR_CORE_PERF_GLOBAL_OVF_CTRL	0x390
#define MSR_IA32_PMC0			0x4c1
#define MSR_P6_PERFCTR0			0xc1
#define MSR_P6_PERFCTR1			0xc2
#define MSR_P6_EVNTSEL0			0x186
#define MSR_P6_EVNTSEL1			0x187

#define ARCH_PERFMON_EVENTSEL_EVENT	0xffULL
#define ARCH_PERFMON_EVENTSEL_UMASK	0xff00ULL
#define ARCH_PERFMON_EVENTSEL_USR	BIT_ULL(16)
#define ARCH_PERFMON_EVENTSEL_OS	BIT_ULL(17)
#define ARCH_PERFMON_EVENTSEL_INT	BIT_ULL(20)
#define ARCH_PERFMON_EVENTSEL_ANY	BIT_ULL(21)
#define ARCH_PERFMON_EVENTSEL_ENABLE	BIT_ULL(22)
#define X86_RAW_EVENT_MASK		0xff84ffffULL

#ifndef KVM_PMU_MASKED_ENTRY_EXCLUDE
#define KVM_PMU_MASKED_ENTRY_UMASK_MASK		(0xffULL << 56)
#define KVM_PMU_MASKED_ENTRY_UMASK_MATCH	0xff00ULL
#define KVM_PMU_MASKED_ENTRY_EXCLUDE		BIT_ULL(55)
#define KVM_PMU_MASKED_ENTRY_UMASK_MASK_SHIFT	56
#endif

union cpuid10_eax {
	struct {
		unsigned int version_id:8, num_counters:8, bit_width:8, mask_length:8;
	} split;
	unsigned int full;
};

union cpuid10_edx {
	struct {
		unsigned int num_counters_fixed:5, bit_width_fixed:8, reserved1:2;
		unsigned int anythread_deprecated:1, reserved2:16;
	} split;
	unsigned int full;
};

#endif
