// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a VMM learns of the host beside KVM_GET_SUPPORTED_CPUID: feature MSRs, and instructions that
 * are emulated on processors that lack them; and what both are to a guest.
 */
#include <string.h>

#include "guest.h"
#include "vm.h"

#define MSR_ARCH_CAPABILITIES	0x10a
#define MSR_PERF_CAPABILITIES	0x345
#define ARCH_CAP_IBRS_ALL	(1UL << 1)
#define ARCH_CAP_TSX_CTRL	(1UL << 7)

#define L1_ECX_PDCM		(1U << 15)
#define L1_ECX_MOVBE		(1U << 22)
#define L7_ECX_RDPID		(1U << 22)
#define L7_EDX_SPEC_CTRL	(1U << 26)
#define L7_EDX_ARCH_CAPABILITIES (1U << 29)

static u64 feature(int dev, u32 index)
{
	struct one_msr m = { .head.nmsrs = 1, .entry.index = index };

	REQUIRE_EQ(ioctl(dev, KVM_GET_MSRS, &m), 1);
	return m.entry.data;
}

static int set_msr(struct vcpu *v, u32 index, u64 value)
{
	struct one_msr m = { .head.nmsrs = 1, .entry = { .index = index, .data = value } };

	return ioctl(v->fd, KVM_SET_MSRS, &m);
}

/* All can be read, by the system's descriptor and a vCPU's. */
TEST(feature_msrs)
{
	struct { struct kvm_msr_list head; u32 index[64]; } l = { .head.nmsrs = 64 };
	struct vcpu *v = vcpu_create(vm_create(0), 0);
	bool arch = false, perf = false;
	struct cpuid c;

	REQUIRE_OK(ioctl(v->vm->dev, KVM_GET_MSR_FEATURE_INDEX_LIST, &l));
	for (u32 i = 0; i < l.head.nmsrs; i++) {
		u64 value;

		ktap_row("0x%x", l.index[i]);
		value = feature(v->vm->dev, l.index[i]);
		/* the host's own microcode, or one for guests */
		if (l.index[i] != MSR_BIOS_SIGN_ID)
			CHECK_EQ(vcpu_get_msr(v, l.index[i]), value);
		arch |= l.index[i] == MSR_ARCH_CAPABILITIES;
		perf |= l.index[i] == MSR_PERF_CAPABILITIES;
	}
	ktap_row("the list");
	CHECK(arch, "IA32_ARCH_CAPABILITIES is missing");
	CHECK(perf, "IA32_PERF_CAPABILITIES is missing");
	ktap_row("what stands for an MSR that the guest has not");
	cpuid_supported(v->vm->dev, &c);
	if (!(cpuid_find(&c, 7, 0)->edx & L7_EDX_SPEC_CTRL))
		CHECK_EQ(feature(v->vm->dev, MSR_ARCH_CAPABILITIES) & ARCH_CAP_IBRS_ALL, 0);
	ktap_row("no feature");
	CHECK_EQ(ioctl(v->vm->dev, KVM_GET_MSRS,
		       &(struct one_msr){ .head.nmsrs = 1, .entry.index = MSR_EFER }), 0);
}

GUEST_CODE static void guest_capabilities(void)
{
	u64 value = 0;

	if (ARG(0)) {
		G_EQ(try_rdmsr(MSR_ARCH_CAPABILITIES, &value), NO_TRAP);
		G_EQ(value, ARG(1));
	} else {
		G_EQ(try_rdmsr(MSR_ARCH_CAPABILITIES, &value), VEC_GP);
	}
	G_EQ(try_wrmsr(MSR_ARCH_CAPABILITIES, 0), VEC_GP);
	G_EQ(try_rdmsr(MSR_PERF_CAPABILITIES, &value), VEC_GP);
	guest_done();
}

static void capabilities(bool shown)
{
	struct vcpu *v = vcpu_create(vm_create(0), 0);
	struct kvm_cpuid_entry2 *e;
	struct cpuid c;

	cpuid_supported(v->vm->dev, &c);
	e = cpuid_find(&c, 7, 0);
	REQUIRE(e && (e->edx & L7_EDX_ARCH_CAPABILITIES), "ARCH_CAPABILITIES is not offered");
	if (!shown)
		e->edx &= ~L7_EDX_ARCH_CAPABILITIES;
	cpuid_find(&c, 1, 0)->ecx &= ~L1_ECX_PDCM;
	REQUIRE_OK(ioctl(v->fd, KVM_SET_CPUID2, &c.head));
	vm_shared(v->vm)->arg[0] = shown;
	/* a VMM that moves a guest sets what the guest has seen */
	if (shown) {
		vm_shared(v->vm)->arg[1] = 0x21;
		REQUIRE_EQ(set_msr(v, MSR_ARCH_CAPABILITIES, 0x21), 1);
		CHECK_EQ(vcpu_get_msr(v, MSR_ARCH_CAPABILITIES), 0x21);
	}
	CHECK_EQ(set_msr(v, MSR_PERF_CAPABILITIES, 0), 1);
	CHECK_EQ(set_msr(v, MSR_PERF_CAPABILITIES, 1UL << 40), 0);
	vcpu_set_long(v, guest_capabilities);
	vcpu_finish(v);
}

TEST(capabilities_shown) { capabilities(true); }
TEST(capabilities_hidden) { capabilities(false); }

static void emulated_cpuid(int dev, struct cpuid *c)
{
	memset(c, 0, sizeof(*c));
	c->head.nent = ARRAY_SIZE(c->entry);
	REQUIRE_OK(ioctl(dev, KVM_GET_EMULATED_CPUID, &c->head));
}

TEST(emulated)
{
	int dev = device_open();
	struct cpuid c;

	REQUIRE_CAP(dev, KVM_CAP_EXT_EMUL_CPUID);
	emulated_cpuid(dev, &c);
	CHECK(c.head.nent > 0 && c.head.nent < 8, "%u entries", c.head.nent);
	CHECK(cpuid_find(&c, 0, 0) && cpuid_find(&c, 0, 0)->eax >= 7, "up to which leaf");
	c.head.nent = 1;
	CHECK_ERRNO(ioctl(dev, KVM_GET_EMULATED_CPUID, &c.head), E2BIG);
}

/* RDPID of RAX and of R9, and what makes it another instruction. */
GUEST_CODE static void guest_rdpid(void)
{
	u64 a = ~0UL, b = ~0UL;

	wrmsr(MSR_TSC_AUX, 0x89abcdef);
	asm volatile(".byte 0xf3, 0x0f, 0xc7, 0xf8\n\t"
		     ".byte 0xf3, 0x41, 0x0f, 0xc7, 0xf9\n\t"
		     "mov %%r9, %1" : "+a"(a), "=r"(b) :: "r9");
	G_EQ(a, 0x89abcdef);
	G_EQ(b, 0x89abcdef);
	G_EQ(TRY0(".byte 0xf0, 0xf3, 0x0f, 0xc7, 0xf8"), VEC_UD);	/* LOCK */
	G_EQ(TRY0("ud2"), VEC_UD);
	guest_done();
}

GUEST_CODE static void guest_no_rdpid(void)
{
	G_EQ(TRY0(".byte 0xf3, 0x0f, 0xc7, 0xf8"), VEC_UD);
	guest_done();
}

static struct vcpu *start_with(u32 leaf, u32 ecx, void (*fn)(void))
{
	struct vcpu *v = vcpu_create(vm_create(0), 0);
	struct kvm_cpuid_entry2 *e;
	struct cpuid c, soft;

	emulated_cpuid(v->vm->dev, &soft);
	cpuid_supported(v->vm->dev, &c);
	e = cpuid_find(&c, leaf, 0);
	REQUIRE(e && cpuid_find(&soft, leaf, 0), "no leaf %u", leaf);
	if (!((e->ecx | cpuid_find(&soft, leaf, 0)->ecx) & ecx))
		SKIP("neither the processor nor the emulation has it");
	e->ecx |= ecx;
	REQUIRE_OK(ioctl(v->fd, KVM_SET_CPUID2, &c.head));
	vcpu_set_long(v, fn);
	return v;
}

TEST(rdpid) { vcpu_finish(start_with(7, L7_ECX_RDPID, guest_rdpid)); }

TEST(rdpid_not_in_cpuid)
{
	struct vcpu *v = vcpu_create(vm_create(0), 0);
	struct cpuid c;

	cpuid_supported(v->vm->dev, &c);
	if (cpuid_find(&c, 7, 0)->ecx & L7_ECX_RDPID)
		SKIP("the processor has it, whatever CPUID says");
	vcpu_set_long(v, guest_no_rdpid);
	vcpu_finish(v);
}

GUEST_CODE static void guest_movbe(void)
{
	volatile u64 *page = (volatile u64 *)GPA_PAGE;
	u64 value;

	*page = 0x0123456789abcdef;
	asm volatile("movbe (%1), %0" : "=r"(value) : "r"(page) : "memory");
	G_EQ(value, 0xefcdab8967452301);
	asm volatile("movbe %0, 8(%1)" :: "r"(value), "r"(page) : "memory");
	G_EQ(page[1], 0x0123456789abcdef);
	guest_done();
}

TEST(movbe) { vcpu_finish(start_with(1, L1_ECX_MOVBE, guest_movbe)); }
