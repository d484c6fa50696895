// SPDX-License-Identifier: GPL-2.0-only
/*
 * The PMU of a vCPU: made, followed by perf's events, and ended; and what the host has for it.
 *
 * What the host has is read from CPUID, since perf tells it to KVM alone on newer kernels; that
 * perf works here at all is tried once, with an event like a guest's.
 */
#include "pmu.h"

#include <linux/err.h>
#include <linux/perf_event.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <asm/cpufeature.h>
#include <asm/msr-index.h>
#include <asm/perf_event.h>

#include "internal.h"
#include "../compat.h"
#include "../irq/irq.h"
#include "../params.h"
#include "../vcpu.h"
#include "../vm.h"
#include "../vmx/caps.h"
#include "../vmx/cpuid.h"

#define PMU_LEAF	0xa
#define PMU_VERSION	2		/* what guests are given at most */
/* Nearer to its overflow, or with more on top, a counter takes what software adds at once. */
#define PMU_NEAR	BIT_ULL(32)
#define PMU_MANY	BIT_ULL(16)

struct lintel_pmu_host lintel_pmu_host;

/* --- what the host has --- */

static bool perf_works(void)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_RAW, .size = sizeof(attr), .config = PMU_CYCLES,
		.pinned = true, .exclude_host = true, .disabled = true,
	};
	struct perf_event *event;

	event = perf_event_create_kernel_counter(&attr, -1, current, NULL, NULL);
	if (IS_ERR(event))
		return false;
	perf_event_release_kernel(event);
	return true;
}

/* Processors whose cores differ have counters that differ; a guest moves among them. */
static bool host_has_counters(void)
{
	return boot_cpu_has(X86_FEATURE_ARCH_PERFMON) && boot_cpu_data.cpuid_level >= PMU_LEAF &&
	       !boot_cpu_has(X86_FEATURE_HYBRID_CPU) && vmx_has_perf_global_ctrl();
}

void lintel_pmu_init(void)
{
	const struct pmu_shape limits = {
		.version = PMU_VERSION, .nr_gp = PMU_MAX_GP, .nr_fixed = PMU_MAX_FIXED,
		.gp_width = 63, .fixed_width = 63,
	};
	union cpuid10_eax eax;
	union cpuid10_edx edx;
	u32 ebx, ecx;

	if (!lintel_params.pmu || !host_has_counters())
		goto none;
	cpuid_count(PMU_LEAF, 0, &eax.full, &ebx, &ecx, &edx.full);
	lintel_pmu_host.shape = pmu_shape_of(&limits, eax.full, edx.full);
	/* version 1 has no switch for what counts the host and what the guest */
	if (lintel_pmu_host.shape.version < PMU_VERSION || !perf_works())
		goto none;
	lintel_pmu_host.events_len = eax.split.mask_length;
	lintel_pmu_host.events_missing = ebx;
	lintel_pmu_host.all = BIT_ULL(min_t(u32, eax.split.num_counters, 32)) - 1;
	lintel_pmu_host.all |= (BIT_ULL(edx.split.num_counters_fixed) - 1) << 32;
	return;
none:
	lintel_params.pmu = false;
	lintel_pmu_host = (struct lintel_pmu_host){ };
}

void lintel_pmu_cpuid(struct kvm_cpuid_entry2 *entry)
{
	const struct pmu_shape *shape = &lintel_pmu_host.shape;
	union cpuid10_eax eax = { .split = {
		.version_id = shape->version, .num_counters = shape->nr_gp,
		.bit_width = shape->gp_width, .mask_length = lintel_pmu_host.events_len,
	} };
	union cpuid10_edx edx = { .split = {
		.num_counters_fixed = shape->nr_fixed, .bit_width_fixed = shape->fixed_width,
		.anythread_deprecated = shape->version > 0,
	} };

	entry->eax = eax.full;
	entry->ebx = lintel_pmu_host.events_missing;
	entry->edx = edx.full;
}

unsigned int lintel_pmu_msr_list(u32 *list)
{
	const struct pmu_shape *shape = &lintel_pmu_host.shape;
	u32 msrs[LINTEL_PMU_MSRS];
	unsigned int i, nr = 0;

	for (i = 0; i < shape->nr_fixed; i++)
		msrs[nr++] = MSR_ARCH_PERFMON_FIXED_CTR0 + i;
	for (i = 0; i < shape->nr_gp; i++) {
		msrs[nr++] = MSR_ARCH_PERFMON_PERFCTR0 + i;
		msrs[nr++] = MSR_ARCH_PERFMON_EVENTSEL0 + i;
	}
	if (shape->version) {
		msrs[nr++] = MSR_CORE_PERF_FIXED_CTR_CTRL;
		msrs[nr++] = MSR_CORE_PERF_GLOBAL_STATUS;
		msrs[nr++] = MSR_CORE_PERF_GLOBAL_CTRL;
	}
	for (i = 0; i < nr && list; i++)
		list[i] = msrs[i];
	return nr;
}

/* --- made and freed --- */

/* The interrupt of the work was what a running guest needed; a halted one is woken. */
static void kick(struct irq_work *work)
{
	lintel_vcpu_kick(container_of(work, struct lintel_pmu, kick)->vcpu);
}

static unsigned long counters_of(const struct pmu_shape *shape)
{
	return (BIT(shape->nr_gp) - 1) | (BIT(shape->nr_fixed) - 1) << PMU_MAX_GP;
}

static struct lintel_pmu *make(struct lintel_vcpu *vcpu, const struct pmu_shape *shape)
{
	struct lintel_pmu *pmu = kzalloc(sizeof(*pmu), GFP_KERNEL_ACCOUNT);
	unsigned int i;

	if (!pmu)
		return NULL;
	pmu->vcpu = vcpu;
	pmu->shape = *shape;
	pmu->pdcm = lintel_cpuid_has(vcpu, 0x1, 0, CPUID_REG_ECX, X86_FEATURE_PDCM % 32);
	pmu->filter = pmu_filter_number(vcpu->vm);
	if (shape->version > 1)
		pmu->global_ctrl = pmu_at_reset(shape);
	init_irq_work(&pmu->kick, kick);
	for (i = 0; i < PMU_COUNTERS; i++) {
		pmu->counter[i].pmu = pmu;
		pmu->counter[i].index = i;
		pmu->counter[i].mask = pmu_counter_mask(shape, i);
	}
	return pmu;
}

void lintel_pmu_free(struct lintel_vcpu *vcpu)
{
	struct lintel_pmu *pmu = vcpu->pmu;
	unsigned int i;

	for (i = 0; i < PMU_COUNTERS; i++)
		pmu_counter_release(&pmu->counter[i]);
	irq_work_sync(&pmu->kick);
	lintel_vcpu_watch(vcpu, WATCH_COUNTERS, false);
	vcpu->pmu = NULL;
	kfree(pmu);
}

/* IA32_MISC_ENABLE tells of it, too; the guest cannot change that. */
static void tell_available(struct lintel_vcpu *vcpu)
{
	if (vcpu->pmu)
		vcpu->msr_misc_enable |= MSR_IA32_MISC_ENABLE_EMON;
	else
		vcpu->msr_misc_enable &= ~MSR_IA32_MISC_ENABLE_EMON;
}

int lintel_pmu_refresh(struct lintel_vcpu *vcpu)
{
	const struct kvm_cpuid_entry2 *e;
	struct lintel_pmu *pmu = NULL;
	struct pmu_shape shape;

	if (vcpu->ran)
		return 0;
	e = lintel_cpuid_find(vcpu, PMU_LEAF, 0);
	if (e && !vcpu->vm->pmu_off) {
		shape = pmu_shape_of(&lintel_pmu_host.shape, e->eax, e->edx);
		if (shape.version) {
			pmu = make(vcpu, &shape);
			if (!pmu)
				return -ENOMEM;
		}
	}
	if (vcpu->pmu)
		lintel_pmu_free(vcpu);
	vcpu->pmu = pmu;
	tell_available(vcpu);
	return 0;
}

/* --- the running thread --- */

static struct pmu_event wanted(struct lintel_pmu *pmu, unsigned int i)
{
	struct pmu_event e = pmu_event_of(&pmu->shape, i, pmu_is_fixed(i) ? 0 : pmu->select[i],
					  pmu->fixed_ctrl, pmu->global_ctrl);

	if (e.on)
		e.on = pmu_filter_passes(pmu->vcpu->vm, i, e.event);
	return e;
}

static void follow(struct lintel_pmu *pmu, unsigned int i)
{
	struct pmu_event e = wanted(pmu, i);

	pmu_counter_follow(&pmu->counter[i], &e);
	__assign_bit(i, &pmu->instructions, pmu_counts(&e, PMU_INSTRUCTIONS));
}

void lintel_pmu_serve(struct lintel_vcpu *vcpu)
{
	struct lintel_pmu *pmu = vcpu->pmu;
	unsigned long todo;
	unsigned int i;
	u32 filter;

	if (!pmu)
		return;
	filter = pmu_filter_number(vcpu->vm);
	if (pmu->moved)
		for (i = 0; i < PMU_COUNTERS; i++)
			pmu_counter_release(&pmu->counter[i]);
	if (pmu->moved || filter != pmu->filter)
		pmu->dirty = ~0UL;
	pmu->moved = false;
	pmu->filter = filter;
	todo = (xchg(&pmu->overflowed, 0) | pmu->dirty) & counters_of(&pmu->shape);
	pmu->dirty = 0;
	for_each_set_bit(i, &todo, PMU_COUNTERS)
		follow(pmu, i);
	lintel_vcpu_watch(vcpu, WATCH_COUNTERS, pmu->instructions);
	if (xchg(&pmu->pmi, false))
		lintel_lapic_pmi(vcpu);
}

void lintel_pmu_new_thread(struct lintel_vcpu *vcpu)
{
	if (!vcpu->pmu)
		return;
	vcpu->pmu->moved = true;
	lintel_vcpu_request(vcpu, REQ_PMU);
}

void lintel_pmu_retired(struct lintel_vcpu *vcpu, bool os)
{
	struct lintel_pmu *pmu = vcpu->pmu;
	unsigned int i;

	for_each_set_bit(i, &pmu->instructions, PMU_COUNTERS) {
		struct pmu_counter *c = &pmu->counter[i];

		if (!(os ? c->os : c->user))
			continue;
		c->extra++;
		if (c->distance >= PMU_NEAR && c->extra < PMU_MANY)
			continue;
		pmu->dirty |= BIT(i);
		lintel_vcpu_request(vcpu, REQ_PMU);
	}
}
