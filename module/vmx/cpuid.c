// SPDX-License-Identifier: GPL-2.0-only
/*
 * CPUID as a guest sees it: the copy of KVM_SET_CPUID2, and the few bits that follow its state.
 *
 * The entries are kept in the VMM's order, because KVM_GET_CPUID2 gives them back; behind them,
 * in the same allocation, stands an index from leaf to first entry, so that a CPUID exit does
 * not search a hundred entries.  Leaves with subleaves have their entries searched from there.
 *
 * What the VMM sets is believed, bits aside that Lintel could not honour: a CR4 bit or an XCR0
 * component is open to the guest when both the guest's CPUID and the offer have it.
 */
#include "cpuid.h"

#include <linux/bitops.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/minmax.h>
#include <linux/nospec.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <asm/apicdef.h>
#include <asm/cpufeature.h>
#include <asm/fpu/types.h>
#include <asm/kvm_para.h>
#include <asm/msr-index.h>
#include <asm/processor-flags.h>

#include "../compat.h"
#include "../irq/irq.h"
#include "../vcpu.h"
#include "../vm.h"

#define NO_ENTRY	0x7fff

/* Slots of the index: the leaves that guests ask for. */
#define SLOTS_BASIC	0x40
#define SLOTS_KVM	0x10
#define SLOTS_EXTENDED	0x30
#define NR_SLOTS	(SLOTS_BASIC + SLOTS_KVM + SLOTS_EXTENDED)

#define PLAIN_ENTRY	0x8000		/* it is the answer, whatever the subleaf and the state */

struct cpuid_index {
	u16 first[NR_SLOTS];		/* with PLAIN_ENTRY, or NO_ENTRY */
	struct xstate_component component[LINTEL_XSTATE_MAX];
};

static const struct cpuid_index *index_of(const struct lintel_vcpu *vcpu)
{
	return (const struct cpuid_index *)(vcpu->cpuid + vcpu->cpuid_nent);
}

/* NR_SLOTS: it has none. */
static __always_inline unsigned long slot_of(u32 leaf)
{
	if (leaf < SLOTS_BASIC)
		return leaf;
	if (leaf - 0x40000000 < SLOTS_KVM)
		return SLOTS_BASIC + (leaf - 0x40000000);
	if (leaf - 0x80000000 < SLOTS_EXTENDED)
		return SLOTS_BASIC + SLOTS_KVM + (leaf - 0x80000000);
	return NR_SLOTS;
}

static const struct kvm_cpuid_entry2 *find(const struct lintel_vcpu *vcpu, u32 leaf, u32 index)
{
	const struct kvm_cpuid_entry2 *e, *end;
	unsigned long slot = slot_of(leaf);
	unsigned int i = 0;

	if (!vcpu->cpuid)
		return NULL;
	if (slot < NR_SLOTS) {
		slot = array_index_nospec(slot, NR_SLOTS);
		i = index_of(vcpu)->first[slot] & ~PLAIN_ENTRY;
		if (i == NO_ENTRY)
			return NULL;
	}
	end = vcpu->cpuid + vcpu->cpuid_nent;
	for (e = vcpu->cpuid + i; e < end; e++)
		if (e->function == leaf &&
		    (!(e->flags & KVM_CPUID_FLAG_SIGNIFCANT_INDEX) || e->index == index))
			return e;
	return NULL;
}

const struct kvm_cpuid_entry2 *lintel_cpuid_find(const struct lintel_vcpu *vcpu, u32 leaf,
						 u32 index)
{
	return find(vcpu, leaf, index);
}

static u32 entry_reg(const struct kvm_cpuid_entry2 *e, enum cpuid_reg reg)
{
	switch (reg) {
	case CPUID_REG_EAX:
		return e->eax;
	case CPUID_REG_EBX:
		return e->ebx;
	case CPUID_REG_ECX:
		return e->ecx;
	default:
		return e->edx;
	}
}

bool lintel_cpuid_has(const struct lintel_vcpu *vcpu, u32 leaf, u32 index, enum cpuid_reg reg,
		      unsigned int bit)
{
	const struct kvm_cpuid_entry2 *e = find(vcpu, leaf, index);

	return e && (entry_reg(e, reg) & BIT(bit));
}

/*
 * CR4 bits that a CPUID bit opens.  The bits of the first generations (VME to OSXMMEXCPT) are
 * open always, as KVM has them, because VMMs run small guests without any CPUID; the
 * unrestricted-guest processors Lintel needs have them all.
 */
#define CR4_ALWAYS (X86_CR4_VME | X86_CR4_PVI | X86_CR4_TSD | X86_CR4_DE | X86_CR4_PSE | \
		    X86_CR4_PAE | X86_CR4_MCE | X86_CR4_PGE | X86_CR4_PCE | X86_CR4_OSFXSR | \
		    X86_CR4_OSXMMEXCPT)

static const struct {
	u64 cr4;
	u32 leaf;
	enum cpuid_reg reg;
	u16 feature;
} cr4_features[] = {
	{ X86_CR4_UMIP, 0x7, CPUID_REG_ECX, X86_FEATURE_UMIP },
	{ X86_CR4_LA57, 0x7, CPUID_REG_ECX, X86_FEATURE_LA57 },
	{ X86_CR4_FSGSBASE, 0x7, CPUID_REG_EBX, X86_FEATURE_FSGSBASE },
	{ X86_CR4_PCIDE, 0x1, CPUID_REG_ECX, X86_FEATURE_PCID },
	{ X86_CR4_OSXSAVE, 0x1, CPUID_REG_ECX, X86_FEATURE_XSAVE },
	{ X86_CR4_SMEP, 0x7, CPUID_REG_EBX, X86_FEATURE_SMEP },
	{ X86_CR4_SMAP, 0x7, CPUID_REG_EBX, X86_FEATURE_SMAP },
	{ X86_CR4_PKE, 0x7, CPUID_REG_ECX, X86_FEATURE_PKU },
};

static u64 cr4_allowed(const struct lintel_vcpu *vcpu)
{
	u64 allowed = CR4_ALWAYS;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cr4_features); i++)
		/* before KVM_SET_CPUID2 nothing is denied that can be offered */
		if ((!vcpu->cpuid_nent ||
		     lintel_cpuid_has(vcpu, cr4_features[i].leaf, 0, cr4_features[i].reg,
				      cr4_features[i].feature % 32)) &&
		    lintel_cpuid_offered(cr4_features[i].feature))
			allowed |= cr4_features[i].cr4;
	return allowed;
}

#define MAXPHYADDR_DEFAULT	36	/* without leaf 0x80000008 */
#define MAXPHYADDR_MAX		52

static void derive(struct lintel_vcpu *vcpu)
{
	const struct kvm_cpuid_entry2 *e = find(vcpu, 0x80000008, 0);
	unsigned int maxphyaddr = e ? e->eax & 0xff : 0;

	if (!maxphyaddr)
		maxphyaddr = MAXPHYADDR_DEFAULT;
	maxphyaddr = clamp_t(unsigned int, maxphyaddr, 32, MAXPHYADDR_MAX);
	vcpu->guest_maxphyaddr_mask = ~(BIT_ULL(maxphyaddr) - 1);
	vcpu->cr4_reserved = ~cr4_allowed(vcpu);

	e = find(vcpu, KVM_CPUID_FEATURES, 0);
	vcpu->pv.features = e ? e->eax : 0;
	e = find(vcpu, 0xd, 0);
	vcpu->xcr0_allowed = e ? e->eax | (u64)e->edx << 32 : 0;
	vcpu->xcr0_allowed &= lintel_cpuid_host_xcr0();
	vcpu->xcr0_allowed |= XFEATURE_MASK_FP;
}

/* Bits 15:8 of leaf 0x80000008 EAX: a width that no paging mode has would be a lie to the guest. */
static bool linear_width_possible(const struct kvm_cpuid_entry2 *entries, u32 nent)
{
	u32 i, width;

	for (i = 0; i < nent; i++) {
		if (entries[i].function != 0x80000008)
			continue;
		width = entries[i].eax >> 8 & 0xff;
		return width == 0 || width == 48 || width == 57;
	}
	return true;
}

void lintel_cpuid_free(struct lintel_vcpu *vcpu)
{
	kfree(vcpu->cpuid);
	vcpu->cpuid = NULL;
	vcpu->cpuid_index = NULL;
	vcpu->cpuid_nent = 0;
}

static bool vendor_is_amd(const struct kvm_cpuid_entry2 *leaf0)
{
	static const char *const vendors[] = { "AuthenticAMD", "HygonGenuine" };
	char vendor[12];
	unsigned int i;

	memcpy(vendor, &leaf0->ebx, 4);
	memcpy(vendor + 4, &leaf0->edx, 4);
	memcpy(vendor + 8, &leaf0->ecx, 4);
	for (i = 0; i < ARRAY_SIZE(vendors); i++)
		if (!memcmp(vendor, vendors[i], sizeof(vendor)))
			return true;
	return false;
}

/*
 * A leaf above the highest of its range answers, on Intel processors, as the highest basic leaf
 * does.  The ranges are the basic one, the extended one, and each 256 leaves of the hypervisors'.
 */
static const struct kvm_cpuid_entry2 *find_out_of_range(const struct lintel_vcpu *vcpu, u32 leaf,
							u32 index)
{
	const struct kvm_cpuid_entry2 *basic = find(vcpu, 0, 0), *range;

	if (!basic || vendor_is_amd(basic))
		return NULL;
	if (leaf >= 0x40000000 && leaf < 0x50000000)
		range = find(vcpu, leaf & 0xffffff00, 0);
	else if (leaf >= 0x80000000)
		range = find(vcpu, leaf & 0xffff0000, 0);
	else
		range = basic;
	if (range && leaf <= range->eax)
		return NULL;
	return find(vcpu, basic->eax, index);
}

static void set_bit_if(u32 *reg, unsigned int feature, bool on)
{
	u32 bit = BIT(feature % 32);

	*reg = on ? *reg | bit : *reg & ~bit;
}

/* The bits that follow the state of the vCPU. */
static void query_dynamic(struct lintel_vcpu *vcpu, u32 leaf, u32 index, u32 *eax, u32 *ebx,
			  u32 *ecx, u32 *edx)
{
	u64 xsaves_or_c = BIT(X86_FEATURE_XSAVEC % 32) | BIT(X86_FEATURE_XSAVES % 32);

	switch (leaf) {
	case 0x1:
		set_bit_if(ecx, X86_FEATURE_OSXSAVE, (*ecx & BIT(X86_FEATURE_XSAVE % 32)) &&
			   (vcpu->cr4 & X86_CR4_OSXSAVE));
		if (!lintel_quirk(vcpu->vm, KVM_X86_QUIRK_MISC_ENABLE_NO_MWAIT))
			set_bit_if(ecx, X86_FEATURE_MWAIT,
				   vcpu->msr_misc_enable & MSR_IA32_MISC_ENABLE_MWAIT);
		if (vcpu->lapic && !(lintel_lapic_base(vcpu) & MSR_IA32_APICBASE_ENABLE))
			set_bit_if(edx, X86_FEATURE_APIC, false);
		break;
	case 0x7:
		if (index == 0)
			set_bit_if(ecx, X86_FEATURE_OSPKE, (*ecx & BIT(X86_FEATURE_PKU % 32)) &&
				   (vcpu->cr4 & X86_CR4_PKE));
		break;
	case 0xd:
		if (index == 0 && *eax)
			*ebx = lintel_xstate_size(index_of(vcpu)->component, vcpu->xcr0, false);
		if (index == 1 && (*eax & xsaves_or_c))
			*ebx = lintel_xstate_size(index_of(vcpu)->component, vcpu->xcr0, true);
		break;
	case KVM_CPUID_FEATURES:
		/* a halt that does not exit is not ended by a kick */
		if (vcpu->vm->disabled_exits & KVM_X86_DISABLE_EXITS_HLT)
			*eax &= ~BIT(KVM_FEATURE_PV_UNHALT);
		/* its events are interrupts of the local APIC in the kernel */
		if (!vcpu->lapic)
			*eax &= ~(BIT(KVM_FEATURE_ASYNC_PF) | BIT(KVM_FEATURE_ASYNC_PF_INT));
		break;
	}
}

bool lintel_cpuid_has_mwait(const struct lintel_vcpu *vcpu)
{
	if (!lintel_quirk(vcpu->vm, KVM_X86_QUIRK_MISC_ENABLE_NO_MWAIT))
		return vcpu->msr_misc_enable & MSR_IA32_MISC_ENABLE_MWAIT;
	return lintel_cpuid_has(vcpu, 0x1, 0, CPUID_REG_ECX, X86_FEATURE_MWAIT % 32);
}

static void add_dynamic(struct lintel_vcpu *vcpu, struct kvm_cpuid_entry2 *e)
{
	query_dynamic(vcpu, e->function, e->index, &e->eax, &e->ebx, &e->ecx, &e->edx);
}

static bool same_model(struct lintel_vcpu *vcpu, const struct kvm_cpuid_entry2 *entries, u32 nent)
{
	u32 i;

	if (nent != vcpu->cpuid_nent)
		return false;
	for (i = 0; i < nent; i++) {
		struct kvm_cpuid_entry2 a = entries[i], b = vcpu->cpuid[i];

		add_dynamic(vcpu, &a);
		add_dynamic(vcpu, &b);
		memset(a.padding, 0, sizeof(a.padding));
		memset(b.padding, 0, sizeof(b.padding));
		if (memcmp(&a, &b, sizeof(a)))
			return false;
	}
	return true;
}

/* Leaves for query_dynamic(). */
static bool is_dynamic(u32 leaf)
{
	return leaf == 0x1 || leaf == 0x7 || leaf == 0xd || leaf == KVM_CPUID_FEATURES;
}

static void fill_index(struct cpuid_index *index, const struct kvm_cpuid_entry2 *entries, u32 nent)
{
	unsigned long slot;
	u32 i;

	for (slot = 0; slot < NR_SLOTS; slot++)
		index->first[slot] = NO_ENTRY;
	for (i = nent; i-- > 0; ) {
		slot = slot_of(entries[i].function);
		if (slot >= NR_SLOTS)
			continue;
		index->first[slot] = i;
		if (!(entries[i].flags & KVM_CPUID_FLAG_SIGNIFCANT_INDEX) &&
		    !is_dynamic(entries[i].function))
			index->first[slot] |= PLAIN_ENTRY;
	}
}

int lintel_cpuid_set(struct lintel_vcpu *vcpu, const struct kvm_cpuid_entry2 *entries, u32 nent)
{
	struct kvm_cpuid_entry2 *copy = NULL;
	struct cpuid_index *index;

	if (nent > LINTEL_MAX_CPUID)
		return -E2BIG;
	if (!linear_width_possible(entries, nent))
		return -EINVAL;
	/* caches of the guest's model would not follow: only what it has already may be set again */
	if (vcpu->ran)
		return same_model(vcpu, entries, nent) ? 0 : -EINVAL;
	if (nent) {
		copy = kzalloc(nent * sizeof(*copy) + sizeof(*index), GFP_KERNEL_ACCOUNT);
		if (!copy)
			return -ENOMEM;
		memcpy(copy, entries, nent * sizeof(*copy));
		index = (struct cpuid_index *)(copy + nent);
		fill_index(index, copy, nent);
		lintel_xstate_read(index->component);
	}
	kfree(vcpu->cpuid);
	vcpu->cpuid = copy;
	vcpu->cpuid_nent = nent;
	vcpu->cpuid_index = copy ? index_of(vcpu) : NULL;
	derive(vcpu);
	return 0;
}

/* As the guest would get them now: the bits that follow its state included. */
int lintel_cpuid_get(struct lintel_vcpu *vcpu, struct kvm_cpuid_entry2 *entries, u32 *nent)
{
	u32 room = *nent, i;

	*nent = vcpu->cpuid_nent;
	if (room < vcpu->cpuid_nent)
		return -E2BIG;
	for (i = 0; i < vcpu->cpuid_nent; i++) {
		entries[i] = vcpu->cpuid[i];
		add_dynamic(vcpu, &entries[i]);
	}
	return 0;
}

bool lintel_cpuid_quick(struct lintel_vcpu *vcpu)
{
	const struct cpuid_index *index = vcpu->cpuid_index;
	const struct kvm_cpuid_entry2 *e;
	unsigned long slot = slot_of(vcpu->gpr[GPR_RAX]);
	u32 first;

	if (slot >= NR_SLOTS || !index)
		return false;
	first = index->first[array_index_nospec(slot, NR_SLOTS)];
	if (!(first & PLAIN_ENTRY))
		return false;
	e = &vcpu->cpuid[first & ~PLAIN_ENTRY];
	vcpu->gpr[GPR_RAX] = e->eax;
	vcpu->gpr[GPR_RBX] = e->ebx;
	vcpu->gpr[GPR_RCX] = e->ecx;
	vcpu->gpr[GPR_RDX] = e->edx;
	return true;
}

void lintel_cpuid_query(struct lintel_vcpu *vcpu, u32 *eax, u32 *ebx, u32 *ecx, u32 *edx)
{
	u32 leaf = *eax, index = *ecx;
	const struct kvm_cpuid_entry2 *e = find(vcpu, leaf, index);

	if (!e)
		e = find_out_of_range(vcpu, leaf, index);
	if (e) {
		*eax = e->eax;
		*ebx = e->ebx;
		*ecx = e->ecx;
		*edx = e->edx;
		query_dynamic(vcpu, e->function, index, eax, ebx, ecx, edx);
		return;
	}
	*eax = 0;
	*ebx = 0;
	*ecx = 0;
	*edx = 0;
	/* Topology: beyond the last level, the subleaf's number and the x2APIC id stay valid. */
	if (leaf == 0xb || leaf == 0x1f) {
		e = find(vcpu, leaf, 1);
		if (e) {
			*ecx = index & 0xff;
			*edx = e->edx;
		}
	}
}
