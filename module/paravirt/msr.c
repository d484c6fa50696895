// SPDX-License-Identifier: GPL-2.0-only
/*
 * The paravirtual MSRs, and which of them a guest has.
 *
 * A guest may use all that is there whatever its CPUID says, as under KVM, until its VMM asks for
 * more strictness (KVM_CAP_ENFORCE_PV_FEATURE_CPUID): then a feature that leaf 0x40000001 does not
 * show has neither MSRs nor hypercalls.
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/sched/stat.h>
#include <asm/kvm_para.h>

#include "../ept/ept.h"
#include "../vcpu.h"
#include "../vm.h"
#include "apf.h"
#include "clock.h"
#include "pv.h"

static const struct {
	u32 msr;
	u32 feature;
} msr_feature[] = {
	{ MSR_KVM_WALL_CLOCK, KVM_FEATURE_CLOCKSOURCE },
	{ MSR_KVM_SYSTEM_TIME, KVM_FEATURE_CLOCKSOURCE },
	{ MSR_KVM_WALL_CLOCK_NEW, KVM_FEATURE_CLOCKSOURCE2 },
	{ MSR_KVM_SYSTEM_TIME_NEW, KVM_FEATURE_CLOCKSOURCE2 },
	{ MSR_KVM_ASYNC_PF_EN, KVM_FEATURE_ASYNC_PF },
	{ MSR_KVM_ASYNC_PF_INT, KVM_FEATURE_ASYNC_PF_INT },
	{ MSR_KVM_ASYNC_PF_ACK, KVM_FEATURE_ASYNC_PF_INT },
	{ MSR_KVM_STEAL_TIME, KVM_FEATURE_STEAL_TIME },
	{ MSR_KVM_PV_EOI_EN, KVM_FEATURE_PV_EOI },
	{ MSR_KVM_POLL_CONTROL, KVM_FEATURE_POLL_CONTROL },
};

bool lintel_pv_allows(const struct lintel_vcpu *vcpu, unsigned int feature)
{
	return !vcpu->pv.enforced || (vcpu->pv.features & BIT(feature));
}

void lintel_pv_reset(struct lintel_vcpu *vcpu)
{
	vcpu->pv.steal.msr = 0;
	vcpu->pv.eoi.msr = 0;
	vcpu->pvclock.system_time_msr = 0;
	WRITE_ONCE(vcpu->pv.unhalted, false);
	lintel_apf_reset(vcpu);
}

static bool msr_exists(const struct lintel_vcpu *vcpu, u32 msr)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(msr_feature); i++)
		if (msr_feature[i].msr == msr)
			return lintel_pv_allows(vcpu, msr_feature[i].feature);
	return false;
}

static int set_steal_time(struct lintel_vcpu *vcpu, u64 value)
{
	if (!sched_info_on() || (value & KVM_STEAL_RESERVED_MASK))
		return -EINVAL;
	vcpu->pv.steal.msr = value;
	if (value & KVM_MSR_ENABLED)
		lintel_vcpu_request(vcpu, REQ_STEAL);
	return 0;
}

/* Bit 0 enables, the address is a multiple of 4. */
static int set_pv_eoi(struct lintel_vcpu *vcpu, u64 value)
{
	gpa_t gpa = value & ~(u64)KVM_MSR_ENABLED;

	if ((gpa & 3) ||
	    ((value & KVM_MSR_ENABLED) && !lintel_gpa_has_memory(vcpu->vm, gpa, true)))
		return -EINVAL;
	vcpu->pv.eoi.msr = value;
	return 0;
}

int lintel_pv_set_msr(struct lintel_vcpu *vcpu, u32 msr, u64 value)
{
	if (!msr_exists(vcpu, msr))
		return -ENOENT;
	switch (msr) {
	case MSR_KVM_ASYNC_PF_EN:
	case MSR_KVM_ASYNC_PF_INT:
	case MSR_KVM_ASYNC_PF_ACK:
		return lintel_apf_set_msr(vcpu, msr, value);
	case MSR_KVM_STEAL_TIME:
		return set_steal_time(vcpu, value);
	case MSR_KVM_PV_EOI_EN:
		return set_pv_eoi(vcpu, value);
	case MSR_KVM_POLL_CONTROL:
		if (value & ~1ULL)
			return -EINVAL;
		vcpu->pv.poll_control = value;
		return 0;
	default:
		return lintel_clock_set_msr(vcpu, msr, value);
	}
}

int lintel_pv_get_msr(struct lintel_vcpu *vcpu, u32 msr, u64 *value)
{
	if (!msr_exists(vcpu, msr))
		return -ENOENT;
	switch (msr) {
	case MSR_KVM_ASYNC_PF_EN:
	case MSR_KVM_ASYNC_PF_INT:
	case MSR_KVM_ASYNC_PF_ACK:
		*value = lintel_apf_get_msr(vcpu, msr);
		return 0;
	case MSR_KVM_STEAL_TIME:
		*value = vcpu->pv.steal.msr;
		return 0;
	case MSR_KVM_PV_EOI_EN:
		*value = vcpu->pv.eoi.msr;
		return 0;
	case MSR_KVM_POLL_CONTROL:
		*value = vcpu->pv.poll_control;
		return 0;
	default:
		return lintel_clock_get_msr(vcpu, msr, value);
	}
}
