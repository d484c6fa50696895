// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest MSRs: denied unless listed.
 *
 * What the guest may touch directly stands in controls.c; everything else exits and ends here or
 * with #GP.  Registers that are plain storage, with a mask of the bits that must be zero, are rows of
 * a table; the others are cases.
 */
#include <linux/kernel.h>
#include <linux/nospec.h>
#include <linux/string.h>
#include <asm/apicdef.h>
#include <asm/cpufeature.h>
#include <asm/mce.h>
#include <asm/msr-index.h>
#include <asm/mtrr.h>
#include <asm/tsc.h>
#include <uapi/asm/kvm_para.h>

#include "cpuid.h"
#include "cr.h"
#include "msr.h"
#include "mtrr.h"
#include "ops.h"
#include "tsc.h"
#include "../compat.h"
#include "../irq/irq.h"
#include "../params.h"
#include "../paravirt/pv.h"
#include "../pmu/pmu.h"
#include "../regs.h"
#include "../vm.h"

/*
 * AMD's HWCR, which guests made for either vendor write.  As in KVM, TlbCacheDis, FFDis and
 * IgnneEm are dropped, McStatusWrEn and TscFreqSel are kept.
 */
#define HWCR_IGNORED	(BIT_ULL(3) | BIT_ULL(6) | BIT_ULL(8))
#define HWCR_KEPT	(BIT_ULL(18) | BIT_ULL(24))

static const u32 saved_msrs[] = {
	MSR_IA32_SYSENTER_CS, MSR_IA32_SYSENTER_ESP, MSR_IA32_SYSENTER_EIP,
	MSR_STAR, MSR_CSTAR, MSR_KERNEL_GS_BASE, MSR_SYSCALL_MASK, MSR_LSTAR,
	MSR_IA32_TSC, MSR_IA32_CR_PAT, MSR_EFER, MSR_TSC_AUX, MSR_IA32_MISC_ENABLE,
	MSR_IA32_ARCH_CAPABILITIES, MSR_IA32_PERF_CAPABILITIES,
	MSR_IA32_POWER_CTL, MSR_IA32_TSC_ADJUST, MSR_IA32_TSC_DEADLINE, MSR_IA32_MCG_STATUS,
	MSR_IA32_MCG_CTL, MSR_IA32_DEBUGCTLMSR, MSR_IA32_UCODE_REV, MSR_PLATFORM_INFO, MSR_K7_HWCR,
	MSR_KVM_WALL_CLOCK, MSR_KVM_SYSTEM_TIME, MSR_KVM_WALL_CLOCK_NEW, MSR_KVM_SYSTEM_TIME_NEW,
	MSR_KVM_ASYNC_PF_EN, MSR_KVM_STEAL_TIME, MSR_KVM_PV_EOI_EN,
	MSR_KVM_ASYNC_PF_INT, MSR_KVM_ASYNC_PF_ACK, MSR_KVM_POLL_CONTROL,
	MSR_MTRRdefType,
	MSR_MTRRfix64K_00000, MSR_MTRRfix16K_80000, MSR_MTRRfix16K_A0000, MSR_MTRRfix4K_C0000,
	MSR_MTRRfix4K_C8000, MSR_MTRRfix4K_D0000, MSR_MTRRfix4K_D8000, MSR_MTRRfix4K_E0000,
	MSR_MTRRfix4K_E8000, MSR_MTRRfix4K_F0000, MSR_MTRRfix4K_F8000,
	0x200, 0x201, 0x202, 0x203, 0x204, 0x205, 0x206, 0x207,
	0x208, 0x209, 0x20a, 0x20b, 0x20c, 0x20d, 0x20e, 0x20f,
	MSR_IA32_XSS,		/* the last: with XSAVES only */
};

static u32 listed[ARRAY_SIZE(saved_msrs) + LINTEL_PMU_MSRS];
static unsigned int nr_listed;

void lintel_msr_list_init(void)
{
	nr_listed = ARRAY_SIZE(saved_msrs) - !lintel_params.xsaves;
	memcpy(listed, saved_msrs, nr_listed * sizeof(*listed));
	nr_listed += lintel_pmu_msr_list(listed + nr_listed);
}

const u32 *lintel_msr_list(unsigned int *nr)
{
	*nr = nr_listed;
	return listed;
}

/* Storage in struct lintel_vcpu; a write with a bit of @zero set is #GP. */
struct stored_msr {
	u32 msr;
	u16 offset;
	bool canonical;
	u64 zero;
};

#define STORED(msr, member, zero)	{ msr, offsetof(struct lintel_vcpu, member), false, zero }
#define STORED_ADDRESS(msr, member)	{ msr, offsetof(struct lintel_vcpu, member), true, 0 }

enum stored_index {
	AT_STAR, AT_LSTAR, AT_CSTAR, AT_SYSCALL_MASK, AT_TSC_AUX, AT_MISC_ENABLE, AT_POWER_CTL,
	AT_MCG_STATUS, AT_MCG_CTL,
};

static const struct stored_msr stored_msrs[] = {
	[AT_STAR] = STORED(MSR_STAR, msr_star, 0),
	[AT_LSTAR] = STORED_ADDRESS(MSR_LSTAR, msr_lstar),
	[AT_CSTAR] = STORED_ADDRESS(MSR_CSTAR, msr_cstar),
	[AT_SYSCALL_MASK] = STORED(MSR_SYSCALL_MASK, msr_sfmask, ~0xffffffffULL),
	[AT_TSC_AUX] = STORED(MSR_TSC_AUX, msr_tsc_aux, ~0xffffffffULL),
	[AT_MISC_ENABLE] = STORED(MSR_IA32_MISC_ENABLE, msr_misc_enable, 0),
	[AT_POWER_CTL] = STORED(MSR_IA32_POWER_CTL, msr_power_ctl, 0),
	[AT_MCG_STATUS] = STORED(MSR_IA32_MCG_STATUS, mcg_status, ~7ULL),
	[AT_MCG_CTL] = STORED(MSR_IA32_MCG_CTL, mcg_ctl, 0),
};

/*
 * Read as a constant.  A guest's write is #GP, but for zero to registers whose bits are all optional.
 */
static const struct {
	u32 msr;
	bool takes_zero;
	u64 value;
} constant_msrs[] = {
	{ MSR_IA32_PLATFORM_ID, false, 0 },
	{ MSR_IA32_EBL_CR_POWERON, true, 0 },
	{ MSR_IA32_FEAT_CTL, false, FEAT_CTL_LOCKED },
	{ MSR_SMI_COUNT, false, 0 },
	{ MSR_MISC_FEATURES_ENABLES, true, 0 },
	{ MSR_IA32_MTRRCAP_ALIAS, false, MTRR_CAP_GUEST },
};

/* A switch, as guests read some of these often. */
static const struct stored_msr *find_stored(u32 msr)
{
	switch (msr) {
	case MSR_STAR:
		return &stored_msrs[AT_STAR];
	case MSR_LSTAR:
		return &stored_msrs[AT_LSTAR];
	case MSR_CSTAR:
		return &stored_msrs[AT_CSTAR];
	case MSR_SYSCALL_MASK:
		return &stored_msrs[AT_SYSCALL_MASK];
	case MSR_TSC_AUX:
		return &stored_msrs[AT_TSC_AUX];
	case MSR_IA32_MISC_ENABLE:
		return &stored_msrs[AT_MISC_ENABLE];
	case MSR_IA32_POWER_CTL:
		return &stored_msrs[AT_POWER_CTL];
	case MSR_IA32_MCG_STATUS:
		return &stored_msrs[AT_MCG_STATUS];
	case MSR_IA32_MCG_CTL:
		return &stored_msrs[AT_MCG_CTL];
	default:
		return NULL;
	}
}

static bool is_canonical(struct lintel_vcpu *vcpu, u64 address)
{
	unsigned int shift = vcpu->cr4 & X86_CR4_LA57 ? 64 - 57 : 64 - 48;

	return (u64)((s64)(address << shift) >> shift) == address;
}

/*
 * SYSCALL's registers may be in the CPU: the copy in the vCPU and the register change together,
 * with preemption off around both.
 */
static void set_switched(struct lintel_vcpu *vcpu, u32 msr, u64 value)
{
	if (vcpu->vmx.switched)
		wrmsrq(msr, value);
}

static int set_stored(struct lintel_vcpu *vcpu, const struct stored_msr *s, u64 value)
{
	if ((value & s->zero) || (s->canonical && !is_canonical(vcpu, value)))
		return -EINVAL;
	/* that there are counters is no choice */
	if (s->msr == MSR_IA32_MISC_ENABLE) {
		value &= ~(u64)MSR_IA32_MISC_ENABLE_EMON;
		value |= vcpu->pmu ? MSR_IA32_MISC_ENABLE_EMON : 0;
	}
	preempt_disable();
	*(u64 *)((u8 *)vcpu + s->offset) = value;
	if (s->msr == MSR_TSC_AUX ||
	    ((s->msr == MSR_STAR || s->msr == MSR_LSTAR || s->msr == MSR_SYSCALL_MASK) &&
	     vcpu->vmx.syscall_switched))
		set_switched(vcpu, s->msr, value);
	preempt_enable();
	return 0;
}

/* Fields of the VMCS; @field 0: none. */
static unsigned long vmcs_field_of(u32 msr)
{
	switch (msr) {
	case MSR_IA32_SYSENTER_CS:
		return GUEST_SYSENTER_CS;
	case MSR_IA32_SYSENTER_ESP:
		return GUEST_SYSENTER_ESP;
	case MSR_IA32_SYSENTER_EIP:
		return GUEST_SYSENTER_EIP;
	case MSR_FS_BASE:
		return GUEST_FS_BASE;
	case MSR_GS_BASE:
		return GUEST_GS_BASE;
	case MSR_IA32_CR_PAT:
		return GUEST_IA32_PAT;
	case MSR_IA32_DEBUGCTLMSR:
		return GUEST_IA32_DEBUGCTL;
	default:
		return 0;
	}
}

static bool pat_valid(u64 pat)
{
	int i;

	for (i = 0; i < 8; i++, pat >>= 8) {
		u8 type = pat;

		if (type > 7 || type == 2 || type == 3)
			return false;
	}
	return true;
}

static int set_vmcs_field(struct lintel_vcpu *vcpu, u32 msr, unsigned long field, u64 value)
{
	switch (msr) {
	case MSR_IA32_SYSENTER_CS:
		value = (u32)value;
		break;
	case MSR_IA32_CR_PAT:
		if (!pat_valid(value))
			return -EINVAL;
		break;
	case MSR_IA32_DEBUGCTLMSR:
		/* LBR is taken and does nothing, as on a CPU without branch records */
		if (value & ~(u64)(DEBUGCTLMSR_LBR | DEBUGCTLMSR_BTF))
			return -EINVAL;
		value &= ~(u64)DEBUGCTLMSR_LBR;
		break;
	default:
		if (!is_canonical(vcpu, value))
			return -EINVAL;
	}
	if (vmx_window_begin(vcpu))
		return -EINVAL;
	__vmcs_write(field, value);
	vmx_window_end(vcpu);
	return 0;
}

static int get_vmcs_field(struct lintel_vcpu *vcpu, unsigned long field, u64 *value)
{
	if (vmx_window_begin(vcpu))
		return -EINVAL;
	*value = __vmcs_read(field);
	vmx_window_end(vcpu);
	return 0;
}

static u64 get_apic_base(struct lintel_vcpu *vcpu)
{
	return vcpu->lapic ? lintel_lapic_base(vcpu) : vcpu->apic_base;
}

int lintel_set_apic_base(struct lintel_vcpu *vcpu, u64 value, bool host)
{
	if (vcpu->lapic)
		return lintel_lapic_set_base(vcpu, value, host);
	if (value & (vcpu->guest_maxphyaddr_mask | 0x2ff))
		return -EINVAL;
	vcpu->apic_base = value;
	return 0;
}

static u64 *mce_bank_msr(struct lintel_vcpu *vcpu, u32 msr)
{
	u32 index = msr - MSR_IA32_MC0_CTL;

	if (msr < MSR_IA32_MC0_CTL || index >= 4 * (vcpu->mcg_cap & 0xff) ||
	    index >= ARRAY_SIZE(vcpu->mce_banks))
		return NULL;
	return &vcpu->mce_banks[array_index_nospec(index, ARRAY_SIZE(vcpu->mce_banks))];
}

/* IA32_MCi_CTL2: for the interrupt on corrected errors. */
static u64 *mce_ctl2_msr(struct lintel_vcpu *vcpu, u32 msr)
{
	u32 bank = msr - MSR_IA32_MC0_CTL2;

	if (!(vcpu->mcg_cap & MCG_CMCI_P) || bank >= (vcpu->mcg_cap & MCG_BANKCNT_MASK))
		return NULL;
	return &vcpu->mce_ctl2[array_index_nospec(bank, ARRAY_SIZE(vcpu->mce_ctl2))];
}

static bool is_x2apic_msr(u32 msr)
{
	return msr >= APIC_BASE_MSR && msr <= APIC_BASE_MSR + 0xff;
}

/* No supervisor state is offered: it holds 0. */
static bool has_xss(const struct lintel_vcpu *vcpu, bool host)
{
	if (!lintel_params.xsaves)
		return false;
	return host || lintel_cpuid_has(vcpu, 0xd, 1, CPUID_REG_EAX, X86_FEATURE_XSAVES % 32);
}

/* Registers that CPUID tells of: a guest whose CPUID does not has none. */
static int get_capabilities(struct lintel_vcpu *vcpu, u32 msr, u64 *value, bool host)
{
	if (msr == MSR_IA32_ARCH_CAPABILITIES) {
		*value = vcpu->msr_arch_capabilities;
		return host || lintel_cpuid_has(vcpu, 0x7, 0, CPUID_REG_EDX,
						X86_FEATURE_ARCH_CAPABILITIES % 32) ? 0 : -EINVAL;
	}
	*value = vcpu->full_width_writes ? PERF_CAP_FULL_WIDTH : 0;
	return host || lintel_cpuid_has(vcpu, 0x1, 0, CPUID_REG_ECX, X86_FEATURE_PDCM % 32) ?
	       0 : -EINVAL;
}

/* Only user space says what a processor is; of its counters, before it runs. */
static int set_capabilities(struct lintel_vcpu *vcpu, u32 msr, u64 value, bool host)
{
	bool full = value & PERF_CAP_FULL_WIDTH;

	if (!host)
		return -EINVAL;
	if (msr == MSR_IA32_ARCH_CAPABILITIES) {
		vcpu->msr_arch_capabilities = value;
		return 0;
	}
	if ((value & ~lintel_perf_capabilities()) || (vcpu->ran && full != vcpu->full_width_writes))
		return -EINVAL;
	vcpu->full_width_writes = full;
	return 0;
}

static int get_special(struct lintel_vcpu *vcpu, u32 msr, u64 *value, bool host)
{
	switch (msr) {
	case MSR_EFER:
		*value = vcpu->efer;
		return 0;
	case MSR_KERNEL_GS_BASE:
		preempt_disable();
		if (vcpu->vmx.switched)
			rdmsrq(MSR_KERNEL_GS_BASE, *value);
		else
			*value = vcpu->msr_kernel_gs_base;
		preempt_enable();
		return 0;
	case MSR_IA32_TSC:
		*value = lintel_vcpu_guest_tsc(vcpu, rdtsc());
		return 0;
	case MSR_IA32_TSC_ADJUST:
		*value = vcpu->tsc_adjust;
		return 0;
	case MSR_IA32_APICBASE:
		*value = get_apic_base(vcpu);
		return 0;
	case MSR_IA32_TSC_DEADLINE:
		*value = vcpu->lapic ? lintel_lapic_tsc_deadline(vcpu) : 0;
		return 0;
	case MSR_IA32_MCG_CAP:
		*value = vcpu->mcg_cap;
		return 0;
	case MSR_IA32_XSS:
		*value = 0;
		return has_xss(vcpu, host) ? 0 : -EINVAL;
	case MSR_IA32_UCODE_REV:
		*value = vcpu->ucode_rev;
		return 0;
	case MSR_K7_HWCR:
		*value = vcpu->msr_hwcr;
		return 0;
	case MSR_PLATFORM_INFO:
		if (!host && READ_ONCE(vcpu->vm->hide_platform_info))
			return -EINVAL;
		*value = vcpu->msr_platform_info;
		return 0;
	case MSR_IA32_ARCH_CAPABILITIES:
	case MSR_IA32_PERF_CAPABILITIES:
		return get_capabilities(vcpu, msr, value, host);
	default:
		return -ENOENT;
	}
}

static int set_special(struct lintel_vcpu *vcpu, u32 msr, u64 value, bool host)
{
	switch (msr) {
	case MSR_EFER:
		return lintel_set_efer(vcpu, value) ? -EINVAL : 0;
	case MSR_KERNEL_GS_BASE:
		if (!is_canonical(vcpu, value))
			return -EINVAL;
		preempt_disable();
		vcpu->msr_kernel_gs_base = value;
		set_switched(vcpu, msr, value);
		preempt_enable();
		return 0;
	case MSR_IA32_TSC:
		if (host)
			lintel_tsc_set_by_user(vcpu, value);
		else
			lintel_tsc_set_by_guest(vcpu, value);
		return 0;
	case MSR_IA32_TSC_ADJUST:
		lintel_tsc_adjust(vcpu, value, host);
		return 0;
	case MSR_IA32_APICBASE:
		return lintel_set_apic_base(vcpu, value, host);
	case MSR_IA32_TSC_DEADLINE:
		if (vcpu->lapic)
			lintel_lapic_set_tsc_deadline(vcpu, value);
		return 0;
	case MSR_IA32_XSS:
		return !value && has_xss(vcpu, host) ? 0 : -EINVAL;
	case MSR_IA32_UCODE_REV:
		/* software writes zero here before it asks for the revision */
		if (host)
			vcpu->ucode_rev = value;
		return 0;
	case MSR_K7_HWCR:
		value &= ~HWCR_IGNORED;
		if (value & ~HWCR_KEPT)
			return -EINVAL;
		vcpu->msr_hwcr = value;
		return 0;
	case MSR_PLATFORM_INFO:
		/* CPUID does not fault */
		if (!host || (value & MSR_PLATFORM_INFO_CPUID_FAULT))
			return -EINVAL;
		vcpu->msr_platform_info = value;
		return 0;
	case MSR_IA32_ARCH_CAPABILITIES:
	case MSR_IA32_PERF_CAPABILITIES:
		return set_capabilities(vcpu, msr, value, host);
	case MSR_IA32_UCODE_WRITE:
		return 0;	/* nothing is loaded, as on any virtual machine */
	default:
		return -ENOENT;
	}
}

static int get_constant(u32 msr, u64 *value)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(constant_msrs); i++) {
		if (constant_msrs[i].msr != msr)
			continue;
		*value = constant_msrs[i].value;
		return 0;
	}
	return -ENOENT;
}

/* @host: a VMM that restores what it has saved. */
static int set_constant(u32 msr, u64 value, bool host)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(constant_msrs); i++) {
		if (constant_msrs[i].msr != msr)
			continue;
		if (host ? value == constant_msrs[i].value : constant_msrs[i].takes_zero && !value)
			return 0;
		return -EINVAL;
	}
	return -ENOENT;
}

int lintel_msr_get_quick(struct lintel_vcpu *vcpu, u32 msr, u64 *value, bool host)
{
	const struct stored_msr *stored = find_stored(msr);
	unsigned long field;
	u64 *bank;
	int err;

	if (stored) {
		*value = *(u64 *)((u8 *)vcpu + stored->offset);
		return 0;
	}
	field = vmcs_field_of(msr);
	if (field)
		return get_vmcs_field(vcpu, field, value);
	if (is_x2apic_msr(msr))
		return vcpu->lapic ? lintel_lapic_x2apic_read(vcpu, msr, value) : -EINVAL;
	if (lintel_is_pv_msr(msr))
		return lintel_pv_get_msr(vcpu, msr, value);
	bank = mtrr_msr(vcpu, msr);
	if (!bank)
		bank = mce_bank_msr(vcpu, msr);
	if (!bank)
		bank = mce_ctl2_msr(vcpu, msr);
	if (bank) {
		*value = *bank;
		return 0;
	}
	err = get_special(vcpu, msr, value, host);
	return err == -ENOENT ? get_constant(msr, value) : err;
}

/* What counts is read where that may take a while. */
int lintel_msr_get(struct lintel_vcpu *vcpu, u32 msr, u64 *value, bool host)
{
	int err = lintel_msr_get_quick(vcpu, msr, value, host);

	return err == -ENOENT ? lintel_pmu_get_msr(vcpu, msr, value, host) : err;
}

int lintel_msr_set(struct lintel_vcpu *vcpu, u32 msr, u64 value, bool host)
{
	const struct stored_msr *stored = find_stored(msr);
	unsigned long field = vmcs_field_of(msr);
	u64 *bank;
	int err;

	if (stored)
		return set_stored(vcpu, stored, value);
	if (field)
		return set_vmcs_field(vcpu, msr, field, value);
	if (is_x2apic_msr(msr))
		return vcpu->lapic ? lintel_lapic_x2apic_write(vcpu, msr, value) : -EINVAL;
	if (lintel_is_pv_msr(msr))
		return lintel_pv_set_msr(vcpu, msr, value);
	if (mtrr_msr(vcpu, msr))
		return mtrr_set(vcpu, msr, value);
	bank = mce_bank_msr(vcpu, msr);
	if (bank) {
		/* a guest may only clear a status; SDM, "IA32_MCi_STATUS MSRs" */
		if (!host && (msr & 3) == 1 && value)
			return -EINVAL;
		*bank = value;
		return 0;
	}
	bank = mce_ctl2_msr(vcpu, msr);
	if (bank) {
		if (value & ~(MCI_CTL2_CMCI_EN | MCI_CTL2_CMCI_THRESHOLD_MASK))
			return -EINVAL;
		*bank = value;
		return 0;
	}
	err = set_special(vcpu, msr, value, host);
	if (err == -ENOENT)
		err = set_constant(msr, value, host);
	return err == -ENOENT ? lintel_pmu_set_msr(vcpu, msr, value, host) : err;
}
