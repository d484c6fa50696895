// SPDX-License-Identifier: GPL-2.0-only
/*
 * XSAVES and XRSTORS in the guest, and IA32_XSS, which holds 0: no supervisor state is offered.
 * What KVM_GET_XSAVE gives is in the standard format nonetheless.
 */
#include "guest.h"
#include "vm.h"

#define MSR_XSS		0xda0
#define AREA		(GPA_FREE + 0x100)
#define EAX_XSAVES	(1U << 3)

GUEST_CODE static void guest_xsaves(void)
{
	volatile u64 *area = (u64 *)AREA;
	u64 in[2] = { 0x0123456789abcdef, 0xfedcba9876543210 }, out[2] = { 0, 0 }, value;

	WRITE_CR(4, READ_CR(4) | CR4_OSXSAVE);
	asm volatile("xsetbv" :: "a"(3), "d"(0), "c"(0));
	G_EQ(try_rdmsr(MSR_XSS, &value), NO_TRAP);
	G_EQ(value, 0);
	G_EQ(try_wrmsr(MSR_XSS, 0), NO_TRAP);
	G_EQ(try_wrmsr(MSR_XSS, 1UL << 8), VEC_GP);
	for (int i = 0; i < 576 / 8; i++)
		area[i] = 0;
	asm volatile("movdqu %0, %%xmm5" :: "m"(in) : "memory");
	asm volatile("xsaves64 (%0)" :: "r"(AREA), "a"(7), "d"(0) : "memory");
	G_EQ(area[520 / 8] >> 63, 1);			/* XCOMP_BV: compacted */
	G_EQ(area[520 / 8] & ~(1UL << 63), 3);		/* of what XCR0 has */
	G_EQ(area[(160 + 5 * 16) / 8], in[0]);
	asm volatile("pxor %%xmm5, %%xmm5" ::: "memory");
	asm volatile("xrstors64 (%0)" :: "r"(AREA), "a"(3), "d"(0) : "memory");
	asm volatile("movdqu %%xmm5, %0" : "=m"(out));
	G_EQ(out[0], in[0]);
	G_EQ(out[1], in[1]);
	guest_sync(1);
	guest_done();
}

TEST(xsaves)
{
	struct vm *vm = vm_create(0);
	struct vcpu *v = vcpu_create(vm, 0);
	static struct kvm_xsave xsave;
	struct kvm_cpuid_entry2 *e;
	struct cpuid c;

	cpuid_supported(vm->dev, &c);
	e = cpuid_find(&c, 0xd, 1);
	if (!e || !(e->eax & EAX_XSAVES))
		SKIP("XSAVES is not offered");
	CHECK_EQ(e->ecx, 0);		/* supervisor states that IA32_XSS may have */
	vcpu_set_long(v, guest_xsaves);
	vcpu_expect_sync(v, 1);
	REQUIRE_OK(ioctl(v->fd, KVM_GET_XSAVE, &xsave));
	CHECK_EQ(xsave.region[131], 0);
	CHECK_EQ(xsave.region[(160 + 5 * 16) / 4], 0x89abcdef);
	REQUIRE_OK(ioctl(v->fd, KVM_SET_XSAVE, &xsave));
	vcpu_finish(v);
}

/* A guest whose CPUID has no XSAVES has no IA32_XSS. */
GUEST_CODE static void guest_without(void)
{
	u64 value;

	G_EQ(try_rdmsr(MSR_XSS, &value), VEC_GP);
	guest_done();
}

TEST(without_xsaves)
{
	struct vm *vm = vm_create(0);
	struct vcpu *v = vcpu_create(vm, 0);
	struct kvm_cpuid_entry2 *e;
	struct cpuid c;

	cpuid_supported(vm->dev, &c);
	e = cpuid_find(&c, 0xd, 1);
	if (e)
		e->eax &= ~EAX_XSAVES;
	REQUIRE_OK(ioctl(v->fd, KVM_SET_CPUID2, &c.head));
	vcpu_set_long(v, guest_without);
	vcpu_finish(v);
}
