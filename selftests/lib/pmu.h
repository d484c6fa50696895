/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Performance counters for the tests: addresses and bits of the SDM's "Architectural Performance
 * Monitoring Version 2", what the device offers of them, and code of a known length.
 */
#ifndef LINTEL_SELFTESTS_PMU_H
#define LINTEL_SELFTESTS_PMU_H

#include "guest.h"
#include "vm.h"

#define MSR_PMC0		0xc1
#define MSR_EVENTSEL0		0x186
#define MSR_FIXED_CTR0		0x309
#define MSR_PERF_CAPABILITIES	0x345
#define MSR_FIXED_CTR_CTRL	0x38d
#define MSR_GLOBAL_STATUS	0x38e
#define MSR_GLOBAL_CTRL		0x38f
#define MSR_GLOBAL_OVF_CTRL	0x390
#define MSR_A_PMC0		0x4c1

#define SEL_USR			(1UL << 16)
#define SEL_OS			(1UL << 17)
#define SEL_INT			(1UL << 20)
#define SEL_ANY			(1UL << 21)
#define SEL_ENABLE		(1UL << 22)

#define EVENT_INSTRUCTIONS	0xc0UL
#define EVENT_CYCLES		0x3cUL
#define EVENT_BRANCHES		0xc4UL

#define FIXED_OS		1UL
#define FIXED_USER		2UL
#define FIXED_PMI		8UL

#define CR4_PCE			(1UL << 8)
#define RDPMC_FIXED		(1U << 30)
#define CPUID1_ECX_PDCM		(1U << 15)
#define MISC_ENABLE_EMON	(1UL << 7)
#define PERF_CAP_FULL_WIDTH	(1UL << 13)

#define NO_BRANCHES		(1U << 5)	/* of CPUID's events that there are not */

struct pmu {
	unsigned int version, nr, width, nr_fixed, fixed_width, missing;
	bool pdcm;
};

static inline struct pmu pmu_of(struct cpuid *c)
{
	struct kvm_cpuid_entry2 *e = cpuid_find(c, 0xa, 0);
	struct pmu p = { };

	if (e)
		p = (struct pmu){
			.version = e->eax & 0xff, .nr = e->eax >> 8 & 0xff,
			.width = e->eax >> 16 & 0xff, .nr_fixed = e->edx & 0x1f,
			.fixed_width = e->edx >> 5 & 0xff, .missing = e->ebx,
		};
	p.pdcm = cpuid_find(c, 1, 0)->ecx & CPUID1_ECX_PDCM;
	return p;
}

/* What the device offers; a test that finds no such counters is skipped. */
static inline struct pmu pmu_require(void)
{
	int dev = device_open();
	struct cpuid c;
	struct pmu p;

	cpuid_supported(dev, &c);
	close(dev);
	p = pmu_of(&c);
	if (p.version < 2 || !p.nr || p.nr_fixed < 3)
		SKIP("KVM_GET_SUPPORTED_CPUID offers no performance counters of version 2");
	return p;
}

/* Two instructions for each round, and one before. */
#define LOOP_INSNS(n)	(2 * (n) + 1)

GINLINE void loop(u64 n)
{
	u32 left = n;

	asm volatile("1: sub $1, %0\n\tjnz 1b" : "+r"(left) :: "cc");
}

/*
 * A general counter counts while the loop runs, and two WRMSRs stand around it: of the one that
 * starts it nothing counts, and the one that ends it may count.
 */
GINLINE u64 count_loop(u64 event, u64 n)
{
	u32 low = event | SEL_ENABLE, left = n;

	wrmsr(MSR_EVENTSEL0, 0);
	wrmsr(MSR_PMC0, 0);
	asm volatile("wrmsr\n\t"
		     "1: sub $1, %%esi\n\t"
		     "jnz 1b\n\t"
		     "xor %%eax, %%eax\n\t"
		     "wrmsr"
		     : "+a"(low), "+S"(left) : "c"(MSR_EVENTSEL0), "d"(0) : "memory", "cc");
	return rdmsr(MSR_PMC0);
}

#endif
