// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of cpuid.c: what a guest's CPUID answers, and what follows from it.  The policy
 * (cpuid_policy.c) is stood in for by a host that has everything but UMIP and LA57.
 */
#include "../../test/tap.h"
#include "../cpuid.h"

#define CHECK(cond) tap_ok(cond, "%s (line %d)", #cond, __LINE__)

/* --- the host --- */

#define HOST_XCR0	0x207ULL	/* x87, SSE, AVX, PKRU */

bool lintel_cpuid_offered(unsigned int feature)
{
	return feature != X86_FEATURE_UMIP && feature != X86_FEATURE_LA57;
}

u64 lintel_cpuid_host_xcr0(void)
{
	return HOST_XCR0;
}

void lintel_xstate_read(struct xstate_component component[LINTEL_XSTATE_MAX])
{
	memset(component, 0, LINTEL_XSTATE_MAX * sizeof(*component));
}

/* Tells what it was asked for. */
u32 lintel_xstate_size(const struct xstate_component component[LINTEL_XSTATE_MAX], u64 xfeatures,
		       bool compacted)
{
	return component[0].size + xfeatures + (compacted ? 0x10000 : 0);
}

/* --- the guest --- */

#define E(f, i, fl, a, b, c, d) { .function = f, .index = i, .flags = fl, \
				  .eax = a, .ebx = b, .ecx = c, .edx = d }
#define IDX KVM_CPUID_FLAG_SIGNIFCANT_INDEX

static const struct kvm_cpuid_entry2 intel[] = {
	/* not in order, as a VMM may give them */
	E(0x80000000, 0, 0, 0x80000008, 0, 0, 0),
	E(0x80000008, 0, 0, 0x3027, 0, 0, 0),
	E(0xd, 0, IDX, 0x7, 0x340, 0x340, 0),
	E(0xd, 1, IDX, 0x3, 0x240, 0, 0),
	E(0xd, 2, IDX, 0x100, 0x240, 0, 0),
	E(0, 0, 0, 0xd, 0x756e6547, 0x6c65746e, 0x49656e69),
	E(1, 0, 0, 0x50654, 0x800, 0x04000008, 0x200),
	E(0xb, 0, IDX, 1, 2, 0x100, 7),
	E(7, 0, IDX, 1, 0x100001, 0x1000c, 0),
	E(7, 1, IDX, 0x10, 0, 0, 0),
	E(0xb, 1, IDX, 4, 8, 0x201, 7),
	E(0x40000000, 0, 0, 0x40000001, 1, 2, 3),
	E(0x40000001, 0, 0, 0x4019, 0, 0, 0),
};

struct regs {
	u32 eax, ebx, ecx, edx;
};

static struct lintel_vm plain_vm;

static struct regs query(struct lintel_vcpu *vcpu, u32 leaf, u32 index)
{
	struct regs r = { .eax = leaf, .ecx = index };

	lintel_cpuid_query(vcpu, &r.eax, &r.ebx, &r.ecx, &r.edx);
	return r;
}

static bool same(struct regs a, struct regs b)
{
	return !memcmp(&a, &b, sizeof(a));
}

/* The short way must answer as the long one does, or not at all. */
static bool quick_agrees(struct lintel_vcpu *vcpu, u32 leaf, u32 index, bool expected)
{
	struct regs r;

	vcpu->gpr[GPR_RAX] = leaf;
	vcpu->gpr[GPR_RBX] = 0;
	vcpu->gpr[GPR_RCX] = index;
	vcpu->gpr[GPR_RDX] = 0;
	if (lintel_cpuid_quick(vcpu) != expected)
		return false;
	r = (struct regs){
		.eax = vcpu->gpr[GPR_RAX], .ebx = vcpu->gpr[GPR_RBX],
		.ecx = vcpu->gpr[GPR_RCX], .edx = vcpu->gpr[GPR_RDX],
	};
	return same(r, expected ? query(vcpu, leaf, index) :
				  (struct regs){ .eax = leaf, .ecx = index });
}

static bool zero(struct regs a)
{
	return same(a, (struct regs){});
}

static void test_empty(void)
{
	struct lintel_vcpu v = { .vm = &plain_vm };
	u32 nent = 4;

	CHECK(lintel_cpuid_set(&v, NULL, 0) == 0);
	CHECK(zero(query(&v, 0, 0)));
	CHECK(zero(query(&v, 0x80000008, 0)));
	CHECK(v.xcr0_allowed == 1);
	CHECK(v.guest_maxphyaddr_mask == ~((1ULL << 36) - 1));
	CHECK(!(v.cr4_reserved & X86_CR4_PAE));
	/* nothing set yet: what can be offered may be used */
	CHECK(!(v.cr4_reserved & X86_CR4_SMEP));
	CHECK(v.cr4_reserved & X86_CR4_VMXE);
	CHECK(lintel_cpuid_get(&v, NULL, &nent) == 0 && nent == 0);
	lintel_cpuid_free(&v);
}

/* What came back is what was set, but for the bits that follow the vCPU: those of the query. */
static bool same_but_for_state(const struct kvm_cpuid_entry2 *back)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(intel); i++) {
		struct kvm_cpuid_entry2 e = back[i];

		if (e.function == 0x1 || e.function == 0x7)
			e.ecx = intel[i].ecx;
		if (e.function == 0x1)
			e.edx = intel[i].edx;
		if (e.function == 0xd)
			e.ebx = intel[i].ebx;
		if (e.function == 0x40000001)
			e.eax = intel[i].eax;
		if (memcmp(&e, &intel[i], sizeof(e)))
			return false;
	}
	return true;
}

static void test_set_get(void)
{
	static struct kvm_cpuid_entry2 many[LINTEL_MAX_CPUID + 1];
	struct kvm_cpuid_entry2 bad = E(0x80000008, 0, 0, 0x2f27, 0, 0, 0);
	struct kvm_cpuid_entry2 back[ARRAY_SIZE(intel)];
	struct lintel_vcpu v = { .vm = &plain_vm };
	u32 nent = ARRAY_SIZE(intel) - 1;

	CHECK(lintel_cpuid_set(&v, intel, ARRAY_SIZE(intel)) == 0);
	CHECK(lintel_cpuid_get(&v, back, &nent) == -E2BIG && nent == ARRAY_SIZE(intel));
	CHECK(lintel_cpuid_get(&v, back, &nent) == 0 && nent == ARRAY_SIZE(intel));
	CHECK(same_but_for_state(back));
	CHECK(lintel_cpuid_set(&v, many, LINTEL_MAX_CPUID + 1) == -E2BIG);
	CHECK(lintel_cpuid_set(&v, &bad, 1) == -EINVAL);
	CHECK(v.cpuid_nent == ARRAY_SIZE(intel));	/* a refused set leaves the old one */
	/* after a run the model stands */
	v.ran = true;
	CHECK(lintel_cpuid_set(&v, intel, ARRAY_SIZE(intel)) == 0);
	CHECK(lintel_cpuid_set(&v, back, ARRAY_SIZE(intel)) == 0);
	CHECK(lintel_cpuid_set(&v, intel, ARRAY_SIZE(intel) - 1) == -EINVAL);
	back[1].eax ^= 1;
	CHECK(lintel_cpuid_set(&v, back, ARRAY_SIZE(intel)) == -EINVAL);
	v.ran = false;
	for (u32 i = 0; i < LINTEL_MAX_CPUID; i++)
		many[i] = (struct kvm_cpuid_entry2)E(0xf0000000 + i, 0, 0, i, 0, 0, 0);
	many[LINTEL_MAX_CPUID - 1] = (struct kvm_cpuid_entry2)E(0x1, 0, 0, 0x1234, 0, 0, 0);
	CHECK(lintel_cpuid_set(&v, many, LINTEL_MAX_CPUID) == 0);
	CHECK(query(&v, 1, 0).eax == 0x1234);
	CHECK(query(&v, 0xf0000007, 9).eax == 7);	/* beyond the index: searched */
	lintel_cpuid_free(&v);
	CHECK(!v.cpuid && !v.cpuid_nent);
}

static void test_derived(void)
{
	struct lintel_vcpu v = { .vm = &plain_vm };

	lintel_cpuid_set(&v, intel, ARRAY_SIZE(intel));
	CHECK(v.guest_maxphyaddr_mask == ~((1ULL << 39) - 1));
	CHECK(v.xcr0_allowed == 7);
	CHECK(!(v.cr4_reserved & X86_CR4_FSGSBASE));
	CHECK(!(v.cr4_reserved & X86_CR4_SMAP));
	CHECK(!(v.cr4_reserved & X86_CR4_OSXSAVE));
	CHECK(!(v.cr4_reserved & X86_CR4_PKE));
	CHECK(v.cr4_reserved & X86_CR4_SMEP);		/* the guest has it not */
	CHECK(v.cr4_reserved & X86_CR4_PCIDE);
	CHECK(v.cr4_reserved & X86_CR4_UMIP);		/* the guest has it, the host not */
	CHECK(v.cr4_reserved & X86_CR4_LA57);
	CHECK(v.cr4_reserved & X86_CR4_SMXE);
	CHECK(v.cr4_reserved >> 32 == 0xffffffff);
	CHECK(lintel_cpuid_has(&v, 7, 0, CPUID_REG_EBX, 20));
	CHECK(!lintel_cpuid_has(&v, 7, 0, CPUID_REG_EBX, 7));
	CHECK(lintel_cpuid_has(&v, 7, 1, CPUID_REG_EAX, 4));
	CHECK(!lintel_cpuid_has(&v, 7, 2, CPUID_REG_EAX, 4));
	CHECK(!lintel_cpuid_has(&v, 0x14, 0, CPUID_REG_EAX, 0));
	lintel_cpuid_free(&v);
}

static void test_ranges(void)
{
	struct kvm_cpuid_entry2 other[ARRAY_SIZE(intel)];
	struct lintel_vcpu v = { .vm = &plain_vm };

	lintel_cpuid_set(&v, intel, ARRAY_SIZE(intel));
	v.xcr0 = 3;
	CHECK(query(&v, 0, 0).ebx == 0x756e6547);
	CHECK(query(&v, 1, 5).eax == 0x50654);		/* no subleaves: the index is ignored */
	CHECK(zero(query(&v, 4, 0)));			/* in range, not given */
	CHECK(zero(query(&v, 7, 2)));
	CHECK(zero(query(&v, 0x80000001, 0)));
	/* out of range: the highest basic leaf, with the same index and its dynamic bits */
	CHECK(same(query(&v, 0x1f, 2), (struct regs){ 0x100, 0x240, 0, 0 }));
	CHECK(same(query(&v, 0x14, 0), query(&v, 0xd, 0)));
	CHECK(same(query(&v, 0x80000009, 1), query(&v, 0xd, 1)));
	CHECK(same(query(&v, 0x40000002, 2), query(&v, 0xd, 2)));
	CHECK(same(query(&v, 0x40000100, 2), query(&v, 0xd, 2)));
	CHECK(same(query(&v, 0x20000000, 2), query(&v, 0xd, 2)));
	CHECK(query(&v, 0x40000001, 0).eax == 9);
	/* topology beyond the last level */
	CHECK(same(query(&v, 0xb, 1), (struct regs){ 4, 8, 0x201, 7 }));
	CHECK(same(query(&v, 0xb, 0x105), (struct regs){ 0, 0, 5, 7 }));
	/* the last leaf of a range is in range, given or not */
	memcpy(other, intel, sizeof(other));
	other[1].function = 0x80000007;
	lintel_cpuid_set(&v, other, ARRAY_SIZE(other));
	CHECK(zero(query(&v, 0x80000008, 2)));
	/* AMD answers zeros */
	memcpy(other, intel, sizeof(other));
	other[5] = (struct kvm_cpuid_entry2)E(0, 0, 0, 0xd, 0x68747541, 0x444d4163, 0x69746e65);
	lintel_cpuid_set(&v, other, ARRAY_SIZE(other));
	CHECK(zero(query(&v, 0x14, 2)));
	lintel_cpuid_free(&v);
}

static void test_dynamic(void)
{
	struct lintel_vm vm = {};
	struct lintel_vcpu v = { .vm = &vm };

	lintel_cpuid_set(&v, intel, ARRAY_SIZE(intel));
	CHECK(query(&v, 1, 0).ecx == 0x04000008);	/* no OSXSAVE; MWAIT as set */
	vm.disabled_quirks = KVM_X86_QUIRK_MISC_ENABLE_NO_MWAIT;
	CHECK(query(&v, 1, 0).ecx == 0x04000000);	/* MWAIT by the MSR */
	v.cr4 = X86_CR4_OSXSAVE | X86_CR4_PKE;
	v.msr_misc_enable = MSR_IA32_MISC_ENABLE_MWAIT;
	CHECK(query(&v, 1, 0).ecx == 0x0c000008);
	CHECK(query(&v, 7, 0).ecx == 0x1001c);
	CHECK(query(&v, 7, 1).ecx == 0);
	v.cr4 = 0;
	CHECK(query(&v, 7, 0).ecx == 0x1000c);
	CHECK(query(&v, 1, 0).edx == 0x200);		/* no LAPIC in the kernel: as set */
	CHECK(query(&v, 0x40000001, 0).eax == 0x9);	/* and no asynchronous page faults */
	v.lapic = (struct lintel_lapic *)&v;
	CHECK(query(&v, 0x40000001, 0).eax == 0x4019);
	CHECK(query(&v, 1, 0).edx == 0);
	v.apic_base = MSR_IA32_APICBASE_ENABLE;
	CHECK(query(&v, 1, 0).edx == 0x200);
	v.xcr0 = 7;
	CHECK(query(&v, 0xd, 0).ebx == 7);
	CHECK(query(&v, 0xd, 1).ebx == 0x10007);
	CHECK(query(&v, 0xd, 2).ebx == 0x240);
	lintel_cpuid_free(&v);
}

static void test_quick(void)
{
	struct lintel_vcpu v = { .vm = &plain_vm };

	CHECK(quick_agrees(&v, 0, 0, false));		/* nothing set */
	lintel_cpuid_set(&v, intel, ARRAY_SIZE(intel));
	CHECK(quick_agrees(&v, 0, 0, true));
	CHECK(quick_agrees(&v, 0, 5, true));		/* the subleaf is not looked at */
	CHECK(quick_agrees(&v, 0x40000000, 0, true));
	CHECK(quick_agrees(&v, 0x80000008, 0, true));
	CHECK(quick_agrees(&v, 1, 0, false));		/* follow the state */
	CHECK(quick_agrees(&v, 7, 0, false));
	CHECK(quick_agrees(&v, 0xd, 1, false));
	CHECK(quick_agrees(&v, 0xb, 0, false));		/* has subleaves */
	CHECK(quick_agrees(&v, 2, 0, false));		/* no entry */
	CHECK(quick_agrees(&v, 0x1234, 0, false));	/* no slot */
	CHECK(quick_agrees(&v, 0xffffffff, 0, false));
	lintel_cpuid_free(&v);
	CHECK(quick_agrees(&v, 0, 0, false));
}

int main(void)
{
	tap_begin();
	test_empty();
	test_set_get();
	test_derived();
	test_ranges();
	test_dynamic();
	test_quick();
	return tap_end();
}
