// SPDX-License-Identifier: GPL-2.0-only
/*
 * Access to the registers of a guest's performance counters.
 *
 * Reads look at what counts at this moment; writes change the model and leave the rest to
 * lintel_pmu_serve().  A VMM may read what the lists name as zero, and write zero there, also where
 * the vCPU has no such counter: it saves and restores by the list.
 */
#include <linux/bitops.h>
#include <linux/errno.h>
#include <asm/msr-index.h>
#include <asm/perf_event.h>

#include "internal.h"
#include "../vcpu.h"

static struct pmu_msr find_msr(const struct lintel_vcpu *vcpu, u32 msr)
{
	const struct lintel_pmu *pmu = vcpu->pmu;
	struct pmu_msr m = { .reg = PMU_NO_REG };

	if (pmu)
		m = pmu_msr_of(&pmu->shape, msr);
	if (m.reg == PMU_COUNTER_FULL && !(pmu->pdcm && vcpu->full_width_writes))
		m.reg = PMU_NO_REG;
	return m;
}

/* Does a PMU like the host's have it? */
static bool listed(u32 msr)
{
	enum pmu_reg reg = pmu_msr_of(&lintel_pmu_host.shape, msr).reg;

	return reg != PMU_NO_REG && reg != PMU_COUNTER_FULL;
}

static void changed(struct lintel_pmu *pmu, unsigned long counters)
{
	if (!counters)
		return;
	pmu->dirty |= counters;
	lintel_vcpu_request(pmu->vcpu, REQ_PMU);
}

int lintel_pmu_get_msr(struct lintel_vcpu *vcpu, u32 msr, u64 *value, bool host)
{
	struct pmu_msr m = find_msr(vcpu, msr);
	struct lintel_pmu *pmu = vcpu->pmu;

	*value = 0;
	switch (m.reg) {
	case PMU_COUNTER:
	case PMU_COUNTER_FULL:
	case PMU_FIXED_COUNTER:
		*value = pmu_counter_read(&pmu->counter[m.counter]);
		return 0;
	case PMU_SELECT:
		*value = pmu->select[m.counter];
		return 0;
	case PMU_FIXED_CTRL:
		*value = pmu->fixed_ctrl;
		return 0;
	case PMU_GLOBAL_CTRL:
		*value = pmu->global_ctrl;
		return 0;
	case PMU_GLOBAL_STATUS:
		*value = atomic_long_read(&pmu->status);
		return 0;
	case PMU_GLOBAL_OVF_CTRL:
		return 0;
	case PMU_NO_REG:
		break;
	}
	return pmu_is_legacy(msr) || (host && listed(msr)) ? 0 : -ENOENT;
}

/* Counters whose fields differ; a global register's bits, and the four of each fixed one's. */
static unsigned long global_diff(u64 diff)
{
	unsigned long counters = 0;
	unsigned int i;

	for (i = 0; i < PMU_COUNTERS; i++)
		if (diff >> pmu_bit(i) & 1)
			counters |= BIT(i);
	return counters;
}

static unsigned long fixed_diff(u64 diff)
{
	unsigned long counters = 0;
	unsigned int i;

	for (i = 0; i < PMU_MAX_FIXED; i++)
		if (diff >> (4 * i) & 0xf)
			counters |= BIT(PMU_MAX_GP + i);
	return counters;
}

static int set_reg(struct lintel_pmu *pmu, struct pmu_msr m, u64 value, bool host)
{
	u64 diff;

	if (pmu_check_write(&pmu->shape, m, &value, host))
		return -EINVAL;
	switch (m.reg) {
	case PMU_COUNTER:
	case PMU_COUNTER_FULL:
	case PMU_FIXED_COUNTER:
		pmu_counter_write(&pmu->counter[m.counter], value);
		changed(pmu, BIT(m.counter));
		break;
	case PMU_SELECT:
		diff = pmu->select[m.counter] ^ value;
		pmu->select[m.counter] = value;
		changed(pmu, diff ? BIT(m.counter) : 0);
		break;
	case PMU_FIXED_CTRL:
		diff = pmu->fixed_ctrl ^ value;
		pmu->fixed_ctrl = value;
		changed(pmu, fixed_diff(diff));
		break;
	case PMU_GLOBAL_CTRL:
		diff = pmu->global_ctrl ^ value;
		pmu->global_ctrl = value;
		changed(pmu, global_diff(diff));
		break;
	case PMU_GLOBAL_STATUS:
		atomic_long_set(&pmu->status, value);
		break;
	case PMU_GLOBAL_OVF_CTRL:
		/* a VMM that restores what it has read changes nothing */
		if (!host)
			atomic_long_andnot(value, &pmu->status);
		break;
	case PMU_NO_REG:
		return -EINVAL;
	}
	return 0;
}

int lintel_pmu_set_msr(struct lintel_vcpu *vcpu, u32 msr, u64 value, bool host)
{
	struct pmu_msr m = find_msr(vcpu, msr);

	if (m.reg != PMU_NO_REG)
		return set_reg(vcpu->pmu, m, value, host);
	if (pmu_is_legacy(msr))
		return 0;
	if (host && listed(msr))
		return value ? -EINVAL : 0;
	return -ENOENT;
}

int lintel_pmu_rdpmc(struct lintel_vcpu *vcpu, u32 ecx, u64 *value)
{
	struct lintel_pmu *pmu = vcpu->pmu;
	int counter;

	if (!pmu)
		return -EINVAL;
	counter = pmu_rdpmc_counter(&pmu->shape, ecx);
	if (counter < 0)
		return -EINVAL;
	*value = pmu_counter_read(&pmu->counter[counter]);
	return 0;
}
