// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest FPU state: for each vCPU an area in XSAVE's standard format, as large as its components.
 *
 * The kernel's own functions for guest FPU state are not there for modules on newer kernels, so
 * the guest's registers are kept like those of any in-kernel user of the FPU: kernel_fpu_begin()
 * saves the thread's state, XRSTOR loads the guest's, and before kernel_fpu_end() XSAVE takes it
 * back.  Only components that CPUID offers to guests are moved (module/vmx/cpuid_policy.c): no
 * AMX, no supervisor states.
 */
#include <linux/gfp.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <asm/asm.h>
#include <asm/cpufeature.h>
#include <asm/fpu/api.h>
#include <asm/fpu/types.h>
#include <asm/fpu/xcr.h>
#include <asm/msr-index.h>
#include <asm/special_insns.h>

#include "cpuid.h"
#include "fpu.h"
#include "../compat.h"
#include "../vcpu.h"

static u64 moved_components;		/* what XSAVE and XRSTOR move */
u32 guest_fpu_pkru_offset __read_mostly;
static u32 mxcsr_mask;
static u64 host_xss;			/* the same on each CPU; 0: nothing to switch */
static size_t area_size;		/* a power of two, so that the allocator aligns it */

static inline bool use_xsave(void)
{
	return cpu_feature_enabled(X86_FEATURE_XSAVE);
}

int guest_fpu_init(void)
{
	struct xstate_component component[LINTEL_XSTATE_MAX];
	u64 offered;

	mxcsr_mask = 0xffff;
	area_size = sizeof(struct fxregs_state);
	if (!use_xsave())
		return 0;
	if (boot_cpu_has(X86_FEATURE_XSAVES) && rdmsrq_safe(MSR_IA32_XSS, &host_xss))
		host_xss = 0;
	offered = lintel_cpuid_host_xcr0();
	lintel_xstate_read(component);
	area_size = roundup_pow_of_two(lintel_xstate_size(component, offered, false));
	if (area_size > PAGE_SIZE)
		return -EOPNOTSUPP;
	moved_components = offered & ~XFEATURE_MASK_PKRU;
	if (offered & XFEATURE_MASK_PKRU)
		guest_fpu_pkru_offset = component[XFEATURE_PKRU].offset;
	return 0;
}

void guest_fpu_reset(struct lintel_vcpu *vcpu)
{
	struct fxregs_state *fx = vcpu->fpu.area;

	memset(fx, 0, area_size);
	fx->cwd = 0x37f;
	fx->mxcsr = MXCSR_DEFAULT;
	fx->mxcsr_mask = mxcsr_mask;
	if (use_xsave())
		((struct xregs_state *)fx)->header.xfeatures = XFEATURE_MASK_FPSSE;
	vcpu->fpu.pkru = 0;
	vcpu->xcr0 = XFEATURE_MASK_FP;
}

int guest_fpu_alloc(struct lintel_vcpu *vcpu)
{
	vcpu->fpu.area = kmalloc(area_size, GFP_KERNEL_ACCOUNT);
	if (!vcpu->fpu.area)
		return -ENOMEM;
	guest_fpu_reset(vcpu);
	return 0;
}

void guest_fpu_free(struct lintel_vcpu *vcpu)
{
	kfree(vcpu->fpu.area);
	vcpu->fpu.area = NULL;
}

static void restore_area(void *area)
{
	u32 lo = lower_32_bits(moved_components), hi = upper_32_bits(moved_components);

	/* The area was checked when user space set it; should it fault all the same, start afresh. */
	if (use_xsave())
		asm volatile("1: xrstor64 %0\n2:\n" _ASM_EXTABLE(1b, 2b)
			     : : "m" (*(struct xregs_state *)area), "a" (lo), "d" (hi) : "memory");
	else
		asm volatile("1: fxrstor64 %0\n2:\n" _ASM_EXTABLE(1b, 2b)
			     : : "m" (*(struct fxregs_state *)area) : "memory");
}

static void save_area(void *area)
{
	u32 lo = lower_32_bits(moved_components), hi = upper_32_bits(moved_components);

	if (use_xsave())
		asm volatile("xsave64 %0" : "+m" (*(struct xregs_state *)area)
			     : "a" (lo), "d" (hi) : "memory");
	else
		asm volatile("fxsave64 %0" : "=m" (*(struct fxregs_state *)area) : : "memory");
}

void guest_fpu_load(struct lintel_vcpu *vcpu)
{
	kernel_fpu_begin_mask(0);
	restore_area(vcpu->fpu.area);
	/* no supervisor state is the guest's: its XSAVES must not see the host's */
	if (host_xss)
		wrmsrq(MSR_IA32_XSS, 0);
	/* without OSXSAVE the guest's XGETBV and all that XCR0 rules is #UD; setting it exits */
	vcpu->fpu.xcr0_loaded = use_xsave() && (vcpu->cr4 & X86_CR4_OSXSAVE);
	if (vcpu->fpu.xcr0_loaded) {
		vcpu->fpu.host_xcr0 = xgetbv(XCR_XFEATURE_ENABLED_MASK);
		if (vcpu->xcr0 != vcpu->fpu.host_xcr0)
			xsetbv(XCR_XFEATURE_ENABLED_MASK, vcpu->xcr0);
	}
	vcpu->fpu.loaded = true;
}

void guest_fpu_save(struct lintel_vcpu *vcpu)
{
	if (vcpu->fpu.xcr0_loaded && vcpu->xcr0 != vcpu->fpu.host_xcr0)
		xsetbv(XCR_XFEATURE_ENABLED_MASK, vcpu->fpu.host_xcr0);
	if (host_xss)
		wrmsrq(MSR_IA32_XSS, host_xss);
	save_area(vcpu->fpu.area);
	vcpu->fpu.loaded = false;
	kernel_fpu_end();
}

u32 guest_fpu_pkru(struct lintel_vcpu *vcpu)
{
	return vcpu->fpu.pkru;
}

int lintel_set_xcr0(struct lintel_vcpu *vcpu, u64 xcr0)
{
	u64 avx512 = xcr0 & XFEATURE_MASK_AVX512;

	if (!(xcr0 & XFEATURE_MASK_FP) || (xcr0 & ~vcpu->xcr0_allowed))
		return 1;
	if ((xcr0 & XFEATURE_MASK_YMM) && !(xcr0 & XFEATURE_MASK_SSE))
		return 1;
	if (avx512 && (avx512 != XFEATURE_MASK_AVX512 || !(xcr0 & XFEATURE_MASK_YMM)))
		return 1;
	if (vcpu->fpu.loaded && vcpu->fpu.xcr0_loaded && xcr0 != vcpu->xcr0)
		xsetbv(XCR_XFEATURE_ENABLED_MASK, xcr0);
	vcpu->xcr0 = xcr0;
	return 0;
}

void *guest_fpu_xmm(struct lintel_vcpu *vcpu, unsigned int nr)
{
	struct fxregs_state *fx = vcpu->fpu.area;

	if (use_xsave())
		((struct xregs_state *)fx)->header.xfeatures |= XFEATURE_MASK_SSE;
	return (u8 *)fx->xmm_space + 16 * (nr & 15);
}

/* x87 tag word: one bit per register in FXSAVE's form and in kvm_fpu's alike. */
void guest_fpu_get(struct lintel_vcpu *vcpu, struct kvm_fpu *fpu)
{
	const struct fxregs_state *fx = vcpu->fpu.area;

	memset(fpu, 0, sizeof(*fpu));
	memcpy(fpu->fpr, fx->st_space, sizeof(fpu->fpr));
	fpu->fcw = fx->cwd;
	fpu->fsw = fx->swd;
	fpu->ftwx = fx->twd;
	fpu->last_opcode = fx->fop;
	fpu->last_ip = fx->rip;
	fpu->last_dp = fx->rdp;
	memcpy(fpu->xmm, fx->xmm_space, sizeof(fx->xmm_space));
	fpu->mxcsr = fx->mxcsr;
}

int guest_fpu_set(struct lintel_vcpu *vcpu, const struct kvm_fpu *fpu)
{
	struct fxregs_state *fx = vcpu->fpu.area;

	if (fpu->mxcsr & ~mxcsr_mask)
		return -EINVAL;
	memcpy(fx->st_space, fpu->fpr, sizeof(fpu->fpr));
	fx->cwd = fpu->fcw;
	fx->swd = fpu->fsw;
	fx->twd = fpu->ftwx;
	fx->fop = fpu->last_opcode;
	fx->rip = fpu->last_ip;
	fx->rdp = fpu->last_dp;
	memcpy(fx->xmm_space, fpu->xmm, sizeof(fx->xmm_space));
	fx->mxcsr = fpu->mxcsr;
	if (use_xsave())
		((struct xregs_state *)fx)->header.xfeatures |= XFEATURE_MASK_FPSSE;
	return 0;
}

void guest_xsave_get(struct lintel_vcpu *vcpu, struct kvm_xsave *xsave)
{
	struct xregs_state *out = (void *)xsave->region;

	memset(xsave, 0, sizeof(*xsave));
	memcpy(xsave->region, vcpu->fpu.area, area_size);
	if (!use_xsave()) {
		out->header.xfeatures = XFEATURE_MASK_FPSSE;
		return;
	}
	if (guest_fpu_pkru_offset) {
		memcpy((u8 *)out + guest_fpu_pkru_offset, &vcpu->fpu.pkru, sizeof(u32));
		if (vcpu->fpu.pkru)
			out->header.xfeatures |= XFEATURE_MASK_PKRU;
	}
}

int guest_xsave_set(struct lintel_vcpu *vcpu, const struct kvm_xsave *xsave)
{
	const struct xregs_state *in = (const void *)xsave->region;
	u64 pkru = guest_fpu_pkru_offset ? XFEATURE_MASK_PKRU : 0;
	u64 allowed = use_xsave() ? moved_components | pkru : XFEATURE_MASK_FPSSE;
	struct xregs_state *area = vcpu->fpu.area;

	if ((in->header.xfeatures & ~allowed) || in->header.xcomp_bv ||
	    memchr_inv(in->header.reserved, 0, sizeof(in->header.reserved)))
		return -EINVAL;
	if (in->i387.mxcsr & ~mxcsr_mask)
		return -EINVAL;
	memcpy(area, xsave->region, area_size);
	area->header.xfeatures &= ~XFEATURE_MASK_PKRU;
	vcpu->fpu.pkru = 0;
	if (guest_fpu_pkru_offset && (in->header.xfeatures & XFEATURE_MASK_PKRU))
		memcpy(&vcpu->fpu.pkru, (const u8 *)in + guest_fpu_pkru_offset, sizeof(u32));
	return 0;
}
