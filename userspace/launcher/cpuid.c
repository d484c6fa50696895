// SPDX-License-Identifier: GPL-2.0-only
/*
 * A guest sees what the device supports, with the topology of its own machine: one package, one
 * thread in each core, APIC ids from 0 in the order of the vCPUs. The topology leaves of the host
 * are dropped and made anew. The hypervisor bit is set, so that a guest looks for the paravirtual
 * leaves.
 */
#include "cpuid.h"

#define LEAF1_ECX_TSC_DEADLINE	(1u << 24)
#define LEAF1_ECX_HYPERVISOR	(1u << 31)
#define LEAF1_EDX_HTT		(1u << 28)

#define TOPOLOGY_LEAF		0xb
#define TOPOLOGY_LEAF_V2	0x1f
#define LEVEL_SMT		1
#define LEVEL_CORE		2

#define IDS_IN_LEAF1	255	/* the largest count that its eight bits hold */

/* Bits of an APIC id that tell the cores of a package apart. */
static unsigned int core_bits(unsigned int cpus)
{
	unsigned int bits = 0;

	while ((1u << bits) < cpus)
		bits++;
	return bits;
}

static void set_identity(struct kvm_cpuid_entry2 *e, const struct cpuid_policy *policy)
{
	unsigned int ids = 1u << core_bits(policy->cpus);

	e->ebx &= 0x0000ffff;
	e->ebx |= policy->apic_id << 24 | (ids < IDS_IN_LEAF1 ? ids : IDS_IN_LEAF1) << 16;
	e->ecx |= LEAF1_ECX_HYPERVISOR;
	if (policy->tsc_deadline)
		e->ecx |= LEAF1_ECX_TSC_DEADLINE;
	if (policy->cpus > 1)
		e->edx |= LEAF1_EDX_HTT;
	else
		e->edx &= ~LEAF1_EDX_HTT;
}

/* Levels 1 and 2 of the cache are a core's own, level 3 is the package's. */
static void set_cache_sharing(struct kvm_cpuid_entry2 *e, const struct cpuid_policy *policy)
{
	unsigned int level = e->eax >> 5 & 7;
	unsigned int ids = 1u << core_bits(policy->cpus);

	if (!(e->eax & 0x1f))
		return;
	e->eax &= 0x3fff;
	/* A field of six bits: more cores than it can tell saturate it. */
	e->eax |= (ids > 64 ? 63 : ids - 1) << 26;
	if (level >= 3)
		e->eax |= (ids - 1) << 14;
}

static void add_topology(struct kvm_cpuid2 *to, unsigned int leaf,
			 const struct cpuid_policy *policy)
{
	const struct { unsigned int type, shift, count; } levels[] = {
		{ LEVEL_SMT, 0, 1 },
		{ LEVEL_CORE, core_bits(policy->cpus), policy->cpus },
		{ 0, 0, 0 },
	};
	unsigned int i;

	for (i = 0; i < sizeof(levels) / sizeof(levels[0]); i++)
		to->entries[to->nent++] = (struct kvm_cpuid_entry2){
			.function = leaf,
			.index = i,
			.flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX,
			.eax = levels[i].shift,
			.ebx = levels[i].count,
			.ecx = i | levels[i].type << 8,
			.edx = policy->apic_id,
		};
}

void cpuid_build(struct kvm_cpuid2 *to, const struct kvm_cpuid2 *supported,
		 const struct cpuid_policy *policy)
{
	unsigned int i, highest = 0;

	to->nent = 0;
	for (i = 0; i < supported->nent; i++) {
		struct kvm_cpuid_entry2 e = supported->entries[i];

		if (e.function == TOPOLOGY_LEAF || e.function == TOPOLOGY_LEAF_V2)
			continue;
		if (e.function == 0)
			highest = e.eax;
		else if (e.function == 1)
			set_identity(&e, policy);
		else if (e.function == 4)
			set_cache_sharing(&e, policy);
		to->entries[to->nent++] = e;
	}
	if (highest >= TOPOLOGY_LEAF)
		add_topology(to, TOPOLOGY_LEAF, policy);
	if (highest >= TOPOLOGY_LEAF_V2)
		add_topology(to, TOPOLOGY_LEAF_V2, policy);
}
