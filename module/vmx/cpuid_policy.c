// SPDX-License-Identifier: GPL-2.0-only
/*
 * The CPUID offer: which features of the host Lintel virtualises.
 *
 * features[] has one row for each feature that is offered, or could be.  A row says where the bit
 * comes from: HOST rows are offered when the host's CPUID has the bit and the host's kernel has not
 * disabled it; SOFT rows are done in software on every host; LATER rows are known and left out
 * because a part of the module that they need is not written; changing that word to HOST is the
 * whole of enabling them.  What has no row is never offered: the list is an allow list, so that
 * a feature of a future CPU (with state or MSRs that nobody switches) stays hidden.
 *
 * Not here on purpose: VMX (no nesting), SMX, MONITOR/MWAIT, DS, PT, SGX, AMX, XFD, CET and the
 * other supervisor states, MPX, RDT, thermal and power management, WAITPKG, TME, LBR.
 *
 * leaves[] says, leaf by leaf, how the entry is made.  A leaf between those and the highest one
 * is all zeros, which is what the architecture gives to a feature-less leaf.
 */
#include "cpuid.h"

#include <linux/bitops.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/sched/stat.h>
#include <linux/string.h>
#include <asm/cpufeature.h>
#include <asm/fpu/xcr.h>
#include <asm/fpu/types.h>
#include <asm/kvm_para.h>
#include <asm/processor.h>

#include "../compat.h"
#include "../params.h"
#include "../paravirt/clock.h"
#include "../pmu/pmu.h"

/* A register of a CPUID leaf that holds feature bits. */
enum where {
	L1_EDX, L1_ECX, L6_EAX, L7_EBX, L7_ECX, L7_EDX, L7_1_EAX, L7_1_EDX, LD_1_EAX,
	X1_EDX, X1_ECX, X7_EDX,
};

#define NO_WORD (-1)

/* The kernel keeps most of them as a word of boot_cpu_data, with what it disabled cleared. */
static const struct {
	u32 leaf;
	u32 index;
	enum cpuid_reg reg;
	int word;
} registers[] = {
	[L1_EDX] = { 0x1, 0, CPUID_REG_EDX, X86_FEATURE_FPU / 32 },
	[L1_ECX] = { 0x1, 0, CPUID_REG_ECX, X86_FEATURE_XMM3 / 32 },
	[L6_EAX] = { 0x6, 0, CPUID_REG_EAX, X86_FEATURE_ARAT / 32 },
	[L7_EBX] = { 0x7, 0, CPUID_REG_EBX, X86_FEATURE_FSGSBASE / 32 },
	[L7_ECX] = { 0x7, 0, CPUID_REG_ECX, X86_FEATURE_UMIP / 32 },
	[L7_EDX] = { 0x7, 0, CPUID_REG_EDX, X86_FEATURE_SPEC_CTRL / 32 },
	[L7_1_EAX] = { 0x7, 1, CPUID_REG_EAX, X86_FEATURE_AVX_VNNI / 32 },
	[L7_1_EDX] = { 0x7, 1, CPUID_REG_EDX, NO_WORD },
	[LD_1_EAX] = { 0xd, 1, CPUID_REG_EAX, X86_FEATURE_XSAVEC / 32 },
	[X1_EDX] = { 0x80000001, 0, CPUID_REG_EDX, X86_FEATURE_NX / 32 },
	[X1_ECX] = { 0x80000001, 0, CPUID_REG_ECX, X86_FEATURE_LAHF_LM / 32 },
	[X7_EDX] = { 0x80000007, 0, CPUID_REG_EDX, NO_WORD },
};

enum source { LATER, HOST, SOFT };

struct feature {
	u8 where;
	u8 bit;
	u8 source;
	u16 needs;		/* an X86_FEATURE_ the host must have as well; 0 is the FPU */
	u16 unless_bug;		/* an X86_BUG_ with which it is not offered */
	const bool *unless_off;	/* a module parameter that must be on, or NULL */
};

#define F(_where, _name, _source, ...) \
	{ .where = _where, .bit = X86_FEATURE_##_name % 32, .source = _source, ##__VA_ARGS__ }
#define BIT_ROW(_where, _bit, _source, ...) \
	{ .where = _where, .bit = _bit, .source = _source, ##__VA_ARGS__ }

static const struct feature features[] = {
	F(L1_EDX, FPU, HOST), F(L1_EDX, VME, HOST), F(L1_EDX, DE, HOST), F(L1_EDX, PSE, HOST),
	F(L1_EDX, TSC, HOST), F(L1_EDX, MSR, HOST), F(L1_EDX, PAE, HOST), F(L1_EDX, MCE, SOFT),
	F(L1_EDX, CX8, HOST), F(L1_EDX, APIC, SOFT), F(L1_EDX, SEP, HOST), F(L1_EDX, MTRR, SOFT),
	F(L1_EDX, PGE, HOST), F(L1_EDX, MCA, SOFT), F(L1_EDX, CMOV, HOST), F(L1_EDX, PAT, HOST),
	F(L1_EDX, PSE36, HOST), F(L1_EDX, CLFLUSH, HOST), F(L1_EDX, MMX, HOST),
	F(L1_EDX, FXSR, HOST), F(L1_EDX, XMM, HOST), F(L1_EDX, XMM2, HOST),
	F(L1_EDX, SELFSNOOP, HOST),

	F(L1_ECX, XMM3, HOST), F(L1_ECX, PCLMULQDQ, HOST), F(L1_ECX, SSSE3, HOST),
	F(L1_ECX, FMA, HOST), F(L1_ECX, CX16, HOST), F(L1_ECX, PCID, HOST),
	F(L1_ECX, PDCM, HOST, .unless_off = &lintel_params.pmu),
	F(L1_ECX, XMM4_1, HOST), F(L1_ECX, XMM4_2, HOST), F(L1_ECX, X2APIC, SOFT),
	F(L1_ECX, MOVBE, HOST), F(L1_ECX, POPCNT, HOST),
	F(L1_ECX, AES, HOST), F(L1_ECX, XSAVE, HOST), F(L1_ECX, AVX, HOST), F(L1_ECX, F16C, HOST),
	F(L1_ECX, RDRAND, HOST), F(L1_ECX, HYPERVISOR, SOFT),

	F(L6_EAX, ARAT, SOFT),		/* the LAPIC timer never stops: it is ours */

	F(L7_EBX, FSGSBASE, HOST), F(L7_EBX, TSC_ADJUST, SOFT), F(L7_EBX, BMI1, HOST),
	F(L7_EBX, HLE, HOST, .unless_bug = X86_BUG_TAA), F(L7_EBX, AVX2, HOST),
	F(L7_EBX, FDP_EXCPTN_ONLY, HOST), F(L7_EBX, SMEP, HOST), F(L7_EBX, BMI2, HOST),
	F(L7_EBX, ERMS, HOST), F(L7_EBX, INVPCID, HOST),
	F(L7_EBX, RTM, HOST, .unless_bug = X86_BUG_TAA), F(L7_EBX, ZERO_FCS_FDS, HOST),
	F(L7_EBX, AVX512F, HOST), F(L7_EBX, AVX512DQ, HOST), F(L7_EBX, RDSEED, HOST),
	F(L7_EBX, ADX, HOST), F(L7_EBX, SMAP, HOST), F(L7_EBX, AVX512IFMA, HOST),
	F(L7_EBX, CLFLUSHOPT, HOST), F(L7_EBX, CLWB, HOST),
	BIT_ROW(L7_EBX, 26, HOST),	/* AVX512PF and ER: their names left the newer headers */
	BIT_ROW(L7_EBX, 27, HOST),
	F(L7_EBX, AVX512CD, HOST), F(L7_EBX, SHA_NI, HOST), F(L7_EBX, AVX512BW, HOST),
	F(L7_EBX, AVX512VL, HOST),

	F(L7_ECX, AVX512VBMI, HOST), F(L7_ECX, UMIP, HOST),
	F(L7_ECX, PKU, HOST, .needs = X86_FEATURE_OSPKE),
	F(L7_ECX, AVX512_VBMI2, HOST), F(L7_ECX, GFNI, HOST), F(L7_ECX, VAES, HOST),
	F(L7_ECX, VPCLMULQDQ, HOST), F(L7_ECX, AVX512_VNNI, HOST), F(L7_ECX, AVX512_BITALG, HOST),
	F(L7_ECX, AVX512_VPOPCNTDQ, HOST),
	F(L7_ECX, LA57, LATER),		/* untested: no CPU of the test machine has it */
	F(L7_ECX, RDPID, HOST, .needs = X86_FEATURE_RDTSCP), F(L7_ECX, CLDEMOTE, HOST),
	F(L7_ECX, MOVDIRI, HOST), F(L7_ECX, MOVDIR64B, HOST),

	BIT_ROW(L7_EDX, 2, HOST),	/* AVX512_4VNNIW and 4FMAPS: likewise */
	BIT_ROW(L7_EDX, 3, HOST),
	F(L7_EDX, FSRM, HOST),
	F(L7_EDX, AVX512_VP2INTERSECT, HOST), F(L7_EDX, MD_CLEAR, HOST),
	F(L7_EDX, SERIALIZE, HOST), F(L7_EDX, AVX512_FP16, HOST),
	/* MSRs IA32_SPEC_CTRL, PRED_CMD and FLUSH_CMD are not virtualised yet */
	F(L7_EDX, SPEC_CTRL, LATER), F(L7_EDX, INTEL_STIBP, LATER), F(L7_EDX, FLUSH_L1D, LATER),
	F(L7_EDX, ARCH_CAPABILITIES, SOFT), F(L7_EDX, SPEC_CTRL_SSBD, LATER),

	/* by number: the oldest kernel has names for two of them only */
	BIT_ROW(L7_1_EAX, 0, HOST),	/* SHA512 */
	BIT_ROW(L7_1_EAX, 1, HOST),	/* SM3 */
	BIT_ROW(L7_1_EAX, 2, HOST),	/* SM4 */
	F(L7_1_EAX, AVX_VNNI, HOST), F(L7_1_EAX, AVX512_BF16, HOST),
	BIT_ROW(L7_1_EAX, 7, HOST),	/* CMPccXADD */
	BIT_ROW(L7_1_EAX, 10, HOST),	/* fast zero-length REP MOVSB */
	BIT_ROW(L7_1_EAX, 11, HOST),	/* fast short REP STOSB */
	BIT_ROW(L7_1_EAX, 12, HOST),	/* fast short REP CMPSB, SCASB */
	BIT_ROW(L7_1_EAX, 23, HOST),	/* AVX-IFMA */
	BIT_ROW(L7_1_EDX, 4, HOST, .needs = X86_FEATURE_AVX2),	/* AVX-VNNI-INT8 */
	BIT_ROW(L7_1_EDX, 5, HOST, .needs = X86_FEATURE_AVX2),	/* AVX-NE-CONVERT */
	BIT_ROW(L7_1_EDX, 10, HOST, .needs = X86_FEATURE_AVX2),	/* AVX-VNNI-INT16 */
	BIT_ROW(L7_1_EDX, 14, HOST),				/* PREFETCHIT0, PREFETCHIT1 */

	F(LD_1_EAX, XSAVEOPT, HOST), F(LD_1_EAX, XSAVEC, HOST), F(LD_1_EAX, XGETBV1, HOST),
	F(LD_1_EAX, XSAVES, HOST, .unless_off = &lintel_params.xsaves),

	F(X1_EDX, SYSCALL, HOST), F(X1_EDX, NX, HOST), F(X1_EDX, GBPAGES, HOST),
	F(X1_EDX, RDTSCP, HOST), F(X1_EDX, LM, HOST),
	F(X1_ECX, LAHF_LM, HOST), F(X1_ECX, ABM, HOST), F(X1_ECX, 3DNOWPREFETCH, HOST),
	BIT_ROW(X7_EDX, 8, HOST),	/* invariant TSC */
};

#define XCR0_OFFERED (XFEATURE_MASK_FP | XFEATURE_MASK_SSE | XFEATURE_MASK_YMM | \
		      XFEATURE_MASK_AVX512 | XFEATURE_MASK_PKRU)

u64 lintel_cpuid_host_xcr0(void)
{
	if (!boot_cpu_has(X86_FEATURE_XSAVE))
		return XFEATURE_MASK_FP;
	return xgetbv(XCR_XFEATURE_ENABLED_MASK) & XCR0_OFFERED;
}

static u32 host_register(u32 leaf, u32 index, enum cpuid_reg reg)
{
	u32 r[4];

	if (leaf > cpuid_eax(leaf & 0x80000000))
		return 0;
	cpuid_count(leaf, index, &r[0], &r[1], &r[2], &r[3]);
	return r[reg];
}

static bool feature_offered(const struct feature *f, u32 host)
{
	if (f->source == SOFT)
		return true;
	if (f->source != HOST || !(host & BIT(f->bit)))
		return false;
	if (f->needs && !boot_cpu_has(f->needs))
		return false;
	if (f->unless_off && !*f->unless_off)
		return false;
	return !f->unless_bug || !boot_cpu_has_bug(f->unless_bug);
}

/* What the processor has of one register, and the kernel has not disabled. */
static u32 host_bits(enum where where)
{
	u32 host = host_register(registers[where].leaf, registers[where].index,
				 registers[where].reg);

	if (registers[where].word != NO_WORD)
		host &= boot_cpu_data.x86_capability[registers[where].word];
	return host;
}

/* The offered bits of one register. */
static u32 offered_bits(enum where where)
{
	u32 host = host_bits(where), bits = 0;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(features); i++)
		if (features[i].where == where && feature_offered(&features[i], host))
			bits |= BIT(features[i].bit);
	return bits;
}

bool lintel_cpuid_offered(unsigned int feature)
{
	const struct feature *f;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(registers); i++)
		if (registers[i].word == feature / 32)
			break;
	if (i == ARRAY_SIZE(registers))
		return false;
	for (f = features; f < features + ARRAY_SIZE(features); f++)
		if (f->where == i && f->bit == feature % 32)
			return feature_offered(f, host_bits(i));
	return false;
}

void lintel_xstate_read(struct xstate_component component[LINTEL_XSTATE_MAX])
{
	unsigned int i;
	u32 flags, unused;

	memset(component, 0, LINTEL_XSTATE_MAX * sizeof(*component));
	for (i = 2; i < LINTEL_XSTATE_MAX; i++) {
		if (!(lintel_cpuid_host_xcr0() & BIT_ULL(i)))
			continue;
		cpuid_count(0xd, i, &component[i].size, &component[i].offset, &flags, &unused);
		component[i].aligned = flags & BIT(1);
	}
}

#define XSAVE_FIXED_SIZE (512 + 64)	/* legacy region and header */

u32 lintel_xstate_size(const struct xstate_component component[LINTEL_XSTATE_MAX], u64 xfeatures,
		       bool compacted)
{
	u32 size = XSAVE_FIXED_SIZE;
	unsigned int i;

	for (i = 2; i < LINTEL_XSTATE_MAX; i++) {
		if (!(xfeatures & BIT_ULL(i)))
			continue;
		if (!compacted) {
			size = max(size, component[i].offset + component[i].size);
			continue;
		}
		if (component[i].aligned)
			size = ALIGN(size, 64);
		size += component[i].size;
	}
	return size;
}

/* The list under construction: beyond the room it only counts. */
struct offer {
	struct kvm_cpuid_entry2 *entries;
	u32 room;
	u32 used;
};

static void offer_add(struct offer *offer, const struct kvm_cpuid_entry2 *entry)
{
	if (offer->used < offer->room)
		offer->entries[offer->used] = *entry;
	offer->used++;
}

typedef void (*leaf_fn)(struct offer *offer, u32 leaf);

static void leaf_zero(struct offer *offer, u32 leaf)
{
	struct kvm_cpuid_entry2 e = { .function = leaf };

	offer_add(offer, &e);
}

/* Leaves with subleaves that the VMM fills in (topology), or that this offer leaves empty. */
static void leaf_zero_indexed(struct offer *offer, u32 leaf)
{
	struct kvm_cpuid_entry2 e = {
		.function = leaf, .flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX,
	};

	offer_add(offer, &e);
}

static void leaf_host(struct offer *offer, u32 leaf)
{
	struct kvm_cpuid_entry2 e = { .function = leaf };

	cpuid_count(leaf, 0, &e.eax, &e.ebx, &e.ecx, &e.edx);
	offer_add(offer, &e);
}

#define MAX_BASIC	0x1f
#define MAX_EXTENDED	0x80000008

static void leaf_vendor(struct offer *offer, u32 leaf)
{
	struct kvm_cpuid_entry2 e = { .function = leaf };

	cpuid(leaf, &e.eax, &e.ebx, &e.ecx, &e.edx);
	e.eax = min_t(u32, e.eax, leaf ? MAX_EXTENDED : MAX_BASIC);
	offer_add(offer, &e);
}

static void leaf_1(struct offer *offer, u32 leaf)
{
	struct kvm_cpuid_entry2 e = {
		.function = leaf,
		.eax = cpuid_eax(leaf),
		/* CLFLUSH line size; the APIC id and the number of threads are the VMM's to set */
		.ebx = cpuid_ebx(leaf) & 0xff00,
		.ecx = offered_bits(L1_ECX),
		.edx = offered_bits(L1_EDX),
	};

	offer_add(offer, &e);
}

/* Deterministic cache parameters, until a subleaf has type 0. */
static void leaf_4(struct offer *offer, u32 leaf)
{
	struct kvm_cpuid_entry2 e = {
		.function = leaf, .flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX,
	};

	for (e.index = 0; e.index < 16; e.index++) {
		cpuid_count(leaf, e.index, &e.eax, &e.ebx, &e.ecx, &e.edx);
		offer_add(offer, &e);
		if (!(e.eax & 0x1f))
			break;
	}
}

static void leaf_6(struct offer *offer, u32 leaf)
{
	struct kvm_cpuid_entry2 e = { .function = leaf, .eax = offered_bits(L6_EAX) };

	offer_add(offer, &e);
}

static void leaf_7(struct offer *offer, u32 leaf)
{
	struct kvm_cpuid_entry2 e = {
		.function = leaf, .flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX,
		.eax = min_t(u32, host_register(leaf, 0, CPUID_REG_EAX), 1),
		.ebx = offered_bits(L7_EBX),
		.ecx = offered_bits(L7_ECX),
		.edx = offered_bits(L7_EDX),
	};
	struct kvm_cpuid_entry2 e1 = {
		.function = leaf, .index = 1, .flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX,
		.eax = offered_bits(L7_1_EAX), .edx = offered_bits(L7_1_EDX),
	};

	offer_add(offer, &e);
	if (e.eax >= 1)
		offer_add(offer, &e1);
}

static void leaf_pmu(struct offer *offer, u32 leaf)
{
	struct kvm_cpuid_entry2 e = { .function = leaf };

	lintel_pmu_cpuid(&e);
	offer_add(offer, &e);
}

static void leaf_d(struct offer *offer, u32 leaf)
{
	struct xstate_component component[LINTEL_XSTATE_MAX];
	u64 xcr0 = lintel_cpuid_host_xcr0();
	struct kvm_cpuid_entry2 e = {
		.function = leaf, .flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX,
	};

	if (!(offered_bits(L1_ECX) & BIT(X86_FEATURE_XSAVE % 32))) {
		leaf_zero_indexed(offer, leaf);
		return;
	}
	lintel_xstate_read(component);
	e.eax = lower_32_bits(xcr0);
	e.edx = upper_32_bits(xcr0);
	e.ebx = lintel_xstate_size(component, xcr0, false);
	e.ecx = e.ebx;
	offer_add(offer, &e);

	e = (struct kvm_cpuid_entry2){
		.function = leaf, .index = 1, .flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX,
		.eax = offered_bits(LD_1_EAX),
	};
	if (e.eax & BIT(X86_FEATURE_XSAVEC % 32))
		e.ebx = lintel_xstate_size(component, xcr0, true);
	offer_add(offer, &e);

	e.edx = 0;
	for (e.index = 2; e.index < LINTEL_XSTATE_MAX; e.index++) {
		if (!(xcr0 & BIT_ULL(e.index)))
			continue;
		e.eax = component[e.index].size;
		e.ebx = component[e.index].offset;
		e.ecx = component[e.index].aligned ? BIT(1) : 0;
		offer_add(offer, &e);
	}
}

static void leaf_kvm(struct offer *offer, u32 leaf)
{
	struct kvm_cpuid_entry2 e = { .function = leaf, .eax = KVM_CPUID_FEATURES };
	u32 signature[3];

	memcpy(signature, KVM_SIGNATURE, sizeof(signature));
	e.ebx = signature[0];
	e.ecx = signature[1];
	e.edx = signature[2];
	offer_add(offer, &e);
}

static void leaf_kvm_features(struct offer *offer, u32 leaf)
{
	struct kvm_cpuid_entry2 e = {
		.function = leaf,
		.eax = BIT(KVM_FEATURE_CLOCKSOURCE) | BIT(KVM_FEATURE_CLOCKSOURCE2) |
		       BIT(KVM_FEATURE_NOP_IO_DELAY) | BIT(KVM_FEATURE_PV_EOI) |
		       BIT(KVM_FEATURE_ASYNC_PF) | BIT(KVM_FEATURE_ASYNC_PF_INT) |
		       BIT(KVM_FEATURE_PV_UNHALT) | BIT(KVM_FEATURE_PV_TLB_FLUSH) |
		       BIT(KVM_FEATURE_PV_SEND_IPI) | BIT(KVM_FEATURE_POLL_CONTROL) |
		       BIT(KVM_FEATURE_PV_SCHED_YIELD),
	};

	if (sched_info_on())
		e.eax |= BIT(KVM_FEATURE_STEAL_TIME);

	if (lintel_clock_stable())
		e.eax |= BIT(KVM_FEATURE_CLOCKSOURCE_STABLE_BIT);
	offer_add(offer, &e);
}

static void leaf_x1(struct offer *offer, u32 leaf)
{
	struct kvm_cpuid_entry2 e = {
		.function = leaf, .ecx = offered_bits(X1_ECX), .edx = offered_bits(X1_EDX),
	};

	offer_add(offer, &e);
}

static void leaf_x7(struct offer *offer, u32 leaf)
{
	struct kvm_cpuid_entry2 e = { .function = leaf, .edx = offered_bits(X7_EDX) };

	offer_add(offer, &e);
}

/*
 * Address widths.  The guest's MAXPHYADDR is the host's, because the hardware checks reserved
 * bits of the guest's own tables by it; four EPT levels reach 48 bits, which bits 23:16 tell.
 */
static void leaf_x8(struct offer *offer, u32 leaf)
{
	u32 physical = cpuid_eax(leaf) & 0xff;
	u32 linear = lintel_cpuid_offered(X86_FEATURE_LA57) ? 57 : 48;
	struct kvm_cpuid_entry2 e = {
		.function = leaf,
		.eax = physical | linear << 8 | (physical > 48 ? 48 << 16 : 0),
	};

	offer_add(offer, &e);
}

static const struct {
	u32 leaf;
	leaf_fn make;
} leaves[] = {
	{ 0x0, leaf_vendor },
	{ 0x1, leaf_1 },
	{ 0x2, leaf_host },		/* cache descriptors */
	{ 0x3, leaf_zero },
	{ 0x4, leaf_4 },
	{ 0x5, leaf_zero },		/* MONITOR/MWAIT */
	{ 0x6, leaf_6 },
	{ 0x7, leaf_7 },
	{ 0x8, leaf_zero },
	{ 0x9, leaf_zero },		/* DCA */
	{ 0xa, leaf_pmu },
	{ 0xb, leaf_zero_indexed },	/* topology: the VMM's, different for each vCPU */
	{ 0xd, leaf_d },
	{ 0x12, leaf_zero_indexed },	/* SGX */
	{ 0x14, leaf_zero_indexed },	/* PT */
	{ 0x15, leaf_zero },		/* TSC ratio: guests learn the rate from pvclock */
	{ 0x16, leaf_zero },
	{ 0x1f, leaf_zero_indexed },	/* topology */
	{ KVM_CPUID_SIGNATURE, leaf_kvm },
	{ KVM_CPUID_FEATURES, leaf_kvm_features },
	{ 0x80000000, leaf_vendor },
	{ 0x80000001, leaf_x1 },
	{ 0x80000002, leaf_host },	/* brand string */
	{ 0x80000003, leaf_host },
	{ 0x80000004, leaf_host },
	{ 0x80000005, leaf_zero },
	{ 0x80000006, leaf_host },	/* L2 cache */
	{ 0x80000007, leaf_x7 },
	{ 0x80000008, leaf_x8 },
};

int lintel_cpuid_supported(struct kvm_cpuid_entry2 *entries, u32 *nent)
{
	struct offer offer = { .entries = entries, .room = *nent };
	u32 max_basic = min_t(u32, cpuid_eax(0), MAX_BASIC);
	u32 max_extended = min_t(u32, cpuid_eax(0x80000000), MAX_EXTENDED);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(leaves); i++) {
		u32 leaf = leaves[i].leaf;

		if (leaf < KVM_CPUID_SIGNATURE && leaf > max_basic)
			continue;
		if (leaf >= 0x80000000 && leaf > max_extended)
			continue;
		leaves[i].make(&offer, leaf);
	}
	*nent = offer.used;
	return offer.used > offer.room ? -E2BIG : 0;
}

/* What the interpreter does where the processor has no such instruction: see exit_exception.c. */
int lintel_cpuid_emulated(struct kvm_cpuid_entry2 *entries, u32 *nent)
{
	static const struct kvm_cpuid_entry2 emulated[] = {
		{ .function = 0x0, .eax = 0x7 },
		{ .function = 0x1, .ecx = BIT(X86_FEATURE_MOVBE % 32) },
		{ .function = 0x7, .flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX,
		  .ecx = BIT(X86_FEATURE_RDPID % 32) },
	};
	u32 room = *nent, i;

	*nent = ARRAY_SIZE(emulated);
	for (i = 0; i < min_t(u32, room, ARRAY_SIZE(emulated)); i++) {
		entries[i] = emulated[i];
		/* it reads a register that RDTSCP came with */
		if (emulated[i].function == 0x7 && !boot_cpu_has(X86_FEATURE_RDTSCP))
			entries[i].ecx = 0;
	}
	return room < ARRAY_SIZE(emulated) ? -E2BIG : 0;
}
