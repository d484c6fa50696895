// SPDX-License-Identifier: GPL-2.0-only
/*
 * Control registers from the inside: MOV to and from CR0, CR2, CR3, CR4 and CR8, CLTS, LMSW, SMSW;
 * illegal values raise #GP(0) and change nothing. What the guest reads must be what it wrote,
 * whatever the hardware holds instead.
 */
#include "guest.h"
#include "vm.h"

static void run_guest(void (*fn)(void))
{
	struct vm *vm = vm_create(VM_IRQCHIP);
	struct vcpu *v = vcpu_create(vm, 0);

	vcpu_set_long(v, fn);
	vcpu_finish(v);
}

#define TRY_CR(n, v)	TRY1("mov %%rax, %%cr" #n, v)

GUEST_CODE static void guest_cr0(void)
{
	u64 cr0 = READ_CR(0);

	G_EQ(cr0, CR0_PE | CR0_MP | CR0_ET | CR0_NE | CR0_WP | CR0_PG);
	G_EQ(TRY_CR(0, cr0 | CR0_TS | CR0_AM), NO_TRAP);
	G_EQ(READ_CR(0), cr0 | CR0_TS | CR0_AM);
	asm volatile("clts");
	G_EQ(READ_CR(0), cr0 | CR0_AM);
	G_EQ(TRY_CR(0, cr0 | CR0_CD), NO_TRAP);
	G_EQ(READ_CR(0), cr0 | CR0_CD);
	G_EQ(TRY_CR(0, cr0 & ~CR0_ET), NO_TRAP);	/* hardwired */
	G_EQ(READ_CR(0), cr0);
	G_EQ(TRY_CR(0, cr0 & ~CR0_NE), NO_TRAP);
	G_EQ(READ_CR(0), cr0 & ~CR0_NE);
	G_EQ(TRY_CR(0, cr0), NO_TRAP);
	G_EQ(TRY_CR(0, cr0 | CR0_NW), VEC_GP);		/* NW without CD */
	G_EQ(TRY_CR(0, cr0 & ~CR0_PE), VEC_GP);		/* PG without PE */
	G_EQ(TRY_CR(0, cr0 & ~CR0_PG), VEC_GP);		/* in 64-bit mode */
	G_EQ(TRY_CR(0, cr0 | 1UL << 32), VEC_GP);
	G_EQ(SHARED->error, 0);
	G_EQ(READ_CR(0), cr0);
	guest_done();
}

TEST(cr0) { run_guest(guest_cr0); }

GUEST_CODE static void guest_cr4(void)
{
	u64 cr4 = READ_CR(4);

	G_EQ(cr4, CR4_PAE | CR4_OSFXSR | CR4_OSXMMEXCPT);
	G_EQ(TRY_CR(4, cr4 | CR4_PGE), NO_TRAP);
	G_EQ(READ_CR(4), cr4 | CR4_PGE);
	G_EQ(TRY_CR(4, cr4 | CR4_TSD | CR4_DE), NO_TRAP);
	G_EQ(READ_CR(4), cr4 | CR4_TSD | CR4_DE);
	G_EQ(TRY_CR(4, cr4), NO_TRAP);
	G_EQ(TRY_CR(4, cr4 & ~CR4_PAE), VEC_GP);	/* in long mode */
	G_EQ(TRY_CR(4, cr4 | CR4_VMXE), VEC_GP);	/* CPUID shows no VMX */
	G_EQ(TRY_CR(4, cr4 | 1UL << 40), VEC_GP);
	G_EQ(TRY_CR(4, cr4 | 1UL << 15), VEC_GP);	/* reserved */
	G_EQ(SHARED->error, 0);
	G_EQ(READ_CR(4), cr4);
	guest_done();
}

static void hide_vmx(struct vcpu *v)
{
	struct cpuid c;

	cpuid_supported(v->vm->dev, &c);
	for (u32 i = 0; i < c.head.nent; i++) {
		if (c.entry[i].function == 1)
			c.entry[i].ecx &= ~(1u << 5);
	}
	REQUIRE_OK(ioctl(v->fd, KVM_SET_CPUID2, &c.head));
}

TEST(cr4)
{
	struct vcpu *v = vcpu_create(vm_create(0), 0);

	hide_vmx(v);
	vcpu_set_long(v, guest_cr4);
	vcpu_finish(v);
}

/* CR4 bits that CPUID does not offer are illegal; UMIP is one that a VMM can take away. */
GUEST_CODE static void guest_cr4_cpuid(void)
{
	u64 cr4 = READ_CR(4);

	G_EQ(TRY_CR(4, cr4 | CR4_UMIP), ARG(0) ? NO_TRAP : VEC_GP);
	guest_done();
}

TEST(cr4_follows_cpuid)
{
	for (u32 with = 0; with < 2; with++) {
		struct vcpu *v = vcpu_create(vm_create(0), 0);
		struct kvm_cpuid_entry2 *e;
		struct cpuid c;

		cpuid_supported(v->vm->dev, &c);
		e = cpuid_find(&c, 7, 0);
		if (!e || !(e->ecx & 1 << 2))
			SKIP("UMIP is not offered");
		ktap_row("%s UMIP", with ? "with" : "without");
		if (!with)
			e->ecx &= ~(1u << 2);
		REQUIRE_OK(ioctl(v->fd, KVM_SET_CPUID2, &c.head));
		vcpu_set_long(v, guest_cr4_cpuid);
		vm_shared(v->vm)->arg[0] = with;
		vcpu_finish(v);
	}
}

GUEST_CODE static void guest_cr2_cr3(void)
{
	u64 cr3 = READ_CR(3);

	G_EQ(cr3, GPA_PML4);
	WRITE_CR(2, 0x123456789abcdef0);
	guest_sync(0);
	G_EQ(READ_CR(2), 0x123456789abcdef0);
	G_EQ(TRY_CR(3, cr3 | 0x18), NO_TRAP);		/* PWT and PCD */
	G_EQ(READ_CR(3), cr3 | 0x18);
	G_EQ(TRY_CR(3, cr3 | 1UL << 62), VEC_GP);
	G_EQ(TRY_CR(3, cr3), NO_TRAP);
	/* A second tree of tables: the same address must change its meaning with CR3. */
	*(volatile u64 *)(GPA_HIGH + 0x100000) = 1;
	*(volatile u64 *)(GPA_HIGH + 0x000000) = 2;
	G_EQ(*(volatile u64 *)(1UL << 39), 1);
	WRITE_CR(3, GPA_FREE);
	G_EQ(*(volatile u64 *)(1UL << 39), 2);
	WRITE_CR(3, cr3);
	G_EQ(*(volatile u64 *)(1UL << 39), 1);
	guest_done();
}

TEST(cr2_and_cr3)
{
	struct vm *vm = vm_create(0);
	struct vcpu *v = vcpu_create(vm, 0);
	u64 *pml4, *other;

	vcpu_set_long(v, guest_cr2_cr3);
	pml4 = gpa_ptr(vm, GPA_PML4, 4096);
	other = gpa_ptr(vm, GPA_FREE, 8 * 4096);
	memcpy(other, pml4, 4096);
	/* PML4[1] -> PDPT -> PD -> PT, one of each per tree, with a different last page. */
	for (u64 t = 0; t < 2; t++) {
		u64 base = GPA_FREE + 0x1000 + t * 0x3000;
		u64 *table = gpa_ptr(vm, base, 3 * 4096);

		(t ? other : pml4)[1] = base | PTE_P | PTE_W;
		table[0] = (base + 0x1000) | PTE_P | PTE_W;
		table[512] = (base + 0x2000) | PTE_P | PTE_W;
		table[1024] = (GPA_HIGH + (t ? 0 : 0x100000)) | PTE_P | PTE_W;
	}
	vcpu_expect_sync(v, 0);
	vcpu_finish(v);
}

GUEST_CODE static void guest_cr8(void)
{
	G_EQ(READ_CR(8), 0);
	for (u64 i = 0; i < 16; i++) {
		WRITE_CR(8, i);
		G_EQ(READ_CR(8), i);
		G_EQ(apic_read(APIC_TPR), i << 4);
	}
	G_EQ(TRY_CR(8, 0x10), VEC_GP);
	apic_write(APIC_TPR, 0x57);
	G_EQ(READ_CR(8), 5);
	guest_sync(1);
	G_EQ(READ_CR(8), 9);
	guest_done();
}

TEST(cr8_is_the_tpr)
{
	struct vcpu *v = vcpu_create(vm_create(VM_IRQCHIP), 0);
	struct kvm_sregs s;

	vcpu_set_long(v, guest_cr8);
	vcpu_expect_sync(v, 1);
	vcpu_get_sregs(v, &s);
	CHECK_EQ(s.cr8, 5);
	s.cr8 = 9;
	vcpu_set_sregs(v, &s);
	vcpu_finish(v);
}

/*
 * Without an APIC in the kernel CR8 is the VMM's: in kvm_run, and KVM_EXIT_SET_TPR when it falls.
 */
GUEST_CODE static void guest_cr8_user(void)
{
	WRITE_CR(8, 6);
	guest_sync(1);
	G_EQ(READ_CR(8), 6);
	WRITE_CR(8, 3);
	guest_sync(2);
	G_EQ(READ_CR(8), 4);
	guest_done();
}

TEST(cr8_without_irqchip)
{
	struct vcpu *v = vcpu_create(vm_create(0), 0);

	vcpu_set_long(v, guest_cr8_user);
	vcpu_expect_sync(v, 1);
	CHECK_EQ(v->run->cr8, 6);
	vcpu_expect(v, KVM_EXIT_SET_TPR);
	CHECK_EQ(v->run->cr8, 3);
	vcpu_expect_sync(v, 2);
	v->run->cr8 = 4;
	vcpu_finish(v);
}

GUEST_CODE static void guest_lmsw(void)
{
	u64 cr0 = READ_CR(0), v;

	asm volatile("lmsw %w0" :: "r"(cr0 | CR0_TS));
	G_EQ(READ_CR(0), cr0 | CR0_TS);
	asm volatile("smsw %0" : "=r"(v));
	G_EQ(v, cr0 | CR0_TS);
	asm volatile("clts");
	asm volatile("lmsw %w0" :: "r"((cr0 & ~CR0_PE) | CR0_EM));	/* cannot clear PE */
	G_EQ(READ_CR(0), cr0 | CR0_EM);
	*(volatile u16 *)GPA_PAGE = cr0 | CR0_TS;
	asm volatile("lmsw (%0)" :: "r"(GPA_PAGE));
	G_EQ(READ_CR(0), (cr0 & ~CR0_EM) | CR0_TS);
	asm volatile("clts; smsw (%0)" :: "r"(GPA_PAGE) : "memory");
	G_EQ(*(volatile u16 *)GPA_PAGE, cr0 & 0xffff);
	guest_done();
}

TEST(lmsw_smsw_clts) { run_guest(guest_lmsw); }

GUEST_CODE static void guest_not_there(void)
{
	G_EQ(TRY0("mov %%cr1, %%rax"), VEC_UD);
	G_EQ(TRY0("mov %%cr5, %%rax"), VEC_UD);
	G_EQ(TRY0("mov %%rax, %%cr7"), VEC_UD);
	G_EQ(TRY0("mov %%cr9, %%rax"), VEC_UD);
	guest_done();
}

TEST(control_registers_that_do_not_exist) { run_guest(guest_not_there); }
