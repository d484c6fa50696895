// SPDX-License-Identifier: GPL-2.0-only
/*
 * MSR bitmaps: which MSRs the guest reads and writes without an exit.
 *
 * What a vCPU may touch follows from the mode of its local APIC alone, so all vCPUs share two
 * pages: x2APIC registers by the processor's help, or not.  Only with KVM_X86_SET_MSR_FILTER a
 * vCPU has a page of its own.
 * SDM, "MSR-Bitmap Address": four 1 KiB maps: read low, read high, write low, write high.
 */
#include <linux/gfp.h>
#include <linux/kvm.h>
#include <linux/mm.h>
#include <linux/string.h>
#include <asm/apicdef.h>
#include <asm/msr-index.h>
#include <asm/vmx.h>

#include "controls.h"
#include "msr_bitmap.h"
#include "msr_filter.h"
#include "ops.h"
#include "../vcpu.h"
#include "../vm.h"

/* MSRs that the guest reads and writes without an exit: each is switched by the VMCS or at load. */
static const u32 direct_msrs[] = {
	MSR_IA32_SYSENTER_CS, MSR_IA32_SYSENTER_ESP, MSR_IA32_SYSENTER_EIP,
	MSR_FS_BASE, MSR_GS_BASE, MSR_KERNEL_GS_BASE, MSR_IA32_CR_PAT,
};

/* Bit of an x2APIC register among the first 64 of them. */
#define X2APIC_BIT(reg)	BIT_ULL((reg) >> 4)
/*
 * Read from the page.  Not the timer's count, which software computes, and not the ICR, whose
 * upper half the processor would look for beside the lower one.
 */
#define X2APIC_READS								\
	(X2APIC_BIT(APIC_ID) | X2APIC_BIT(APIC_LVR) | X2APIC_BIT(APIC_TASKPRI) |	\
	 X2APIC_BIT(APIC_PROCPRI) | X2APIC_BIT(APIC_LDR) | X2APIC_BIT(APIC_SPIV) |	\
	 GENMASK_ULL(APIC_ESR >> 4, APIC_ISR >> 4) |					\
	 GENMASK_ULL(APIC_TMICT >> 4, APIC_LVTT >> 4) | X2APIC_BIT(APIC_TDCR))
#define X2APIC_WRITES								\
	(X2APIC_BIT(APIC_TASKPRI) | X2APIC_BIT(APIC_EOI) | X2APIC_BIT(APIC_SELF_IPI))

static void *shared[2];		/* by whether the processor helps with x2APIC registers */

static unsigned long *map_of(void *bitmap, u32 msr, bool write)
{
	return bitmap + (msr >= 0xc0000000 ? 0x400 : 0) + (write ? 0x800 : 0);
}

static void fill(void *bitmap, bool x2apic)
{
	u64 *reads = bitmap, *writes = bitmap + 0x800;
	unsigned int i;

	memset(bitmap, 0xff, PAGE_SIZE);
	for (i = 0; i < ARRAY_SIZE(direct_msrs); i++) {
		__clear_bit(direct_msrs[i] & 0x1fff, map_of(bitmap, direct_msrs[i], false));
		__clear_bit(direct_msrs[i] & 0x1fff, map_of(bitmap, direct_msrs[i], true));
	}
	if (!x2apic)
		return;
	reads[APIC_BASE_MSR / 64] = ~X2APIC_READS;
	writes[APIC_BASE_MSR / 64] = ~X2APIC_WRITES;
}

int msr_bitmap_init(void)
{
	shared[0] = (void *)get_zeroed_page(GFP_KERNEL);
	shared[1] = (void *)get_zeroed_page(GFP_KERNEL);
	if (!shared[0] || !shared[1]) {
		msr_bitmap_exit();
		return -ENOMEM;
	}
	fill(shared[0], false);
	fill(shared[1], true);
	return 0;
}

void msr_bitmap_exit(void)
{
	free_page((unsigned long)shared[0]);
	free_page((unsigned long)shared[1]);
}

static void deny_filtered(struct lintel_vcpu *vcpu, void *bitmap)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(direct_msrs); i++) {
		u32 msr = direct_msrs[i];

		if (!lintel_msr_allowed(vcpu, msr, KVM_MSR_FILTER_READ))
			__set_bit(msr & 0x1fff, map_of(bitmap, msr, false));
		if (!lintel_msr_allowed(vcpu, msr, KVM_MSR_FILTER_WRITE))
			__set_bit(msr & 0x1fff, map_of(bitmap, msr, true));
	}
}

void msr_bitmap_write(struct lintel_vcpu *vcpu)
{
	void *bitmap = shared[vcpu->vmx.x2apic_direct];

	/* the guest does not run: its page is nobody's but ours */
	if (vcpu->vmx.own_bitmap) {
		bitmap = vcpu->vmx.own_bitmap;
		fill(bitmap, vcpu->vmx.x2apic_direct);
		deny_filtered(vcpu, bitmap);
	}
	vmcs_write64(MSR_BITMAP, __pa(bitmap));
}

void msr_bitmap_x2apic(struct lintel_vcpu *vcpu, bool direct)
{
	if (vcpu->vmx.x2apic_direct == direct)
		return;
	vcpu->vmx.x2apic_direct = direct;
	msr_bitmap_write(vcpu);
}

int msr_bitmap_alloc(struct lintel_vcpu *vcpu)
{
	if (vcpu->vmx.own_bitmap || !rcu_access_pointer(vcpu->vm->msr_filter))
		return 0;
	vcpu->vmx.own_bitmap = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	return vcpu->vmx.own_bitmap ? 0 : -ENOMEM;
}

int msr_bitmap_filter(struct lintel_vcpu *vcpu)
{
	int err = msr_bitmap_alloc(vcpu);

	if (err)
		return err;
	if (vmx_window_begin(vcpu))
		return -EIO;
	msr_bitmap_write(vcpu);
	vmx_window_end(vcpu);
	return 0;
}

void msr_bitmap_free(struct lintel_vcpu *vcpu)
{
	free_page((unsigned long)vcpu->vmx.own_bitmap);
	vcpu->vmx.own_bitmap = NULL;
}
