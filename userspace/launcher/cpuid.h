/* SPDX-License-Identifier: GPL-2.0-only */
/* The CPUID leaves of a vCPU, made from those that the device supports. Pure; see cpuid.c. */
#ifndef LINTEL_CPUID_H
#define LINTEL_CPUID_H

#include <linux/kvm.h>
#include <stdbool.h>

/* Entries that cpuid_build() may add to what is supported. */
#define CPUID_EXTRA	6

struct cpuid_policy {
	unsigned int apic_id, cpus;
	bool tsc_deadline;	/* the device's LAPIC has the TSC-deadline timer */
};

/* @to has room for CPUID_EXTRA entries more than @supported. */
void cpuid_build(struct kvm_cpuid2 *to, const struct kvm_cpuid2 *supported,
		 const struct cpuid_policy *policy);

#endif
