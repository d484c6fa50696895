// SPDX-License-Identifier: GPL-2.0-only
/*
 * A new vCPU's state is that of a processor after reset: SDM, "Processor State Following Power-up,
 * Reset, or INIT", in the KVM API's words.
 */
#include "vm.h"

TEST(general_registers)
{
	struct vcpu *v = vcpu_create(vm_create(0), 0);
	struct kvm_regs r;

	vcpu_get_regs(v, &r);
	CHECK_EQ(r.rip, 0xfff0);
	CHECK_EQ(r.rflags, 2);
	CHECK_EQ(r.rax | r.rbx | r.rcx | r.rsi | r.rdi | r.rsp | r.rbp, 0);
	CHECK_EQ(r.r8 | r.r9 | r.r10 | r.r11 | r.r12 | r.r13 | r.r14 | r.r15, 0);
	/* Family, model and stepping; KVM gives 0x600 to who asks before KVM_SET_CPUID2. */
	CHECK((r.rdx & ~0xf0fffUL) == 0, "rdx 0x%llx", (unsigned long long)r.rdx);
}

TEST(control_registers)
{
	struct vcpu *v = vcpu_create(vm_create(0), 0);
	struct kvm_sregs s;

	vcpu_get_sregs(v, &s);
	CHECK_EQ(s.cr0, CR0_CD | CR0_NW | CR0_ET);
	CHECK_EQ(s.cr2 | s.cr3 | s.cr4 | s.cr8 | s.efer, 0);
	CHECK_EQ(s.apic_base, APIC_BASE | APICBASE_ENABLE | APICBASE_BSP);
}

TEST(segments)
{
	struct vcpu *v = vcpu_create(vm_create(0), 0);
	struct kvm_sregs s;

	vcpu_get_sregs(v, &s);
	CHECK_EQ(s.cs.selector, 0xf000);
	CHECK_EQ(s.cs.base, 0xffff0000);
	for (int i = 0; i < 6; i++) {
		const struct kvm_segment *g = &s.cs + i;

		ktap_row("segment %d (cs ds es fs gs ss)", i);
		CHECK_EQ(g->limit, 0xffff);
		CHECK_EQ(g->present, 1);
		CHECK_EQ(g->s, 1);
		CHECK_EQ(g->dpl | g->db | g->l | g->g, 0);
		CHECK_EQ(g->type, i ? 3 : 11);
		if (i) {
			CHECK_EQ(g->selector, 0);
			CHECK_EQ(g->base, 0);
		}
	}
	ktap_row("tables");
	CHECK_EQ(s.gdt.base | s.idt.base, 0);
	CHECK_EQ(s.gdt.limit, 0xffff);
	CHECK_EQ(s.idt.limit, 0xffff);
	CHECK_EQ(s.ldt.selector, 0);
	CHECK_EQ(s.ldt.limit, 0xffff);
	CHECK_EQ(s.tr.selector, 0);
	CHECK_EQ(s.tr.limit, 0xffff);
}

TEST(fpu)
{
	struct vcpu *v = vcpu_create(vm_create(0), 0);
	struct kvm_fpu f;

	REQUIRE_OK(ioctl(v->fd, KVM_GET_FPU, &f));
	CHECK_EQ(f.fcw, 0x37f); /* as after FINIT; the SDM's 0x40 is that of power-up alone */
	CHECK_EQ(f.fsw, 0);
	CHECK_EQ(f.ftwx, 0);
	/* KVM leaves mxcsr out of KVM_GET_FPU; ioctl_vcpu_state looks at it in the XSAVE area. */
}

TEST(msrs)
{
	struct vcpu *v = vcpu_create(vm_create(VM_IRQCHIP), 0);
	static const struct { const char *name; u32 index; u64 value;
	} rows[] = {
		{ "PAT", MSR_PAT, 0x0007040600070406 },
		{ "STAR", MSR_STAR, 0 },
		{ "LSTAR", MSR_LSTAR, 0 },
		{ "CSTAR", MSR_CSTAR, 0 },
		{ "FMASK", MSR_FMASK, 0 },
		{ "EFER", MSR_EFER, 0 },
		{ "KERNEL_GS_BASE", MSR_KERNEL_GS_BASE, 0 },
		{ "SYSENTER_CS", MSR_SYSENTER_CS, 0 },
		{ "SYSENTER_EIP", MSR_SYSENTER_EIP, 0 },
		{ "MTRR default type", MSR_MTRR_DEF_TYPE, 0 },
		{ "APICBASE", MSR_APICBASE, APIC_BASE | APICBASE_ENABLE | APICBASE_BSP },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		ktap_row("%s", rows[i].name);
		CHECK_EQ(vcpu_get_msr(v, rows[i].index), rows[i].value);
	}
}

TEST(second_vcpu)
{
	struct vm *vm = vm_create(VM_IRQCHIP);
	struct vcpu *ap;
	struct kvm_sregs s;

	vcpu_create(vm, 0);
	ap = vcpu_create(vm, 1);
	vcpu_get_sregs(ap, &s);
	CHECK_EQ(s.apic_base, APIC_BASE | APICBASE_ENABLE);
}

/*
 * The reset vector is at the top of 4 GiB: code there runs, with CS's odd base, until the first
 * far jump.
 */
TEST(runs_from_the_reset_vector)
{
	struct vm *vm = vm_create(0);
	struct vcpu *v = vcpu_create(vm, 0);
	/* mov $0x5a, %al; out %al, $0x80; ljmp $0, $GPA_REAL */
	static const u8 rom[] = { 0xb0, 0x5a, 0xe6, 0x80, 0xea, 0x00, 0xd0, 0x00, 0x00 };
	u8 *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	REQUIRE(page != MAP_FAILED, "mmap: %m");
	memcpy(page + 0xff0, rom, sizeof(rom));
	*(u8 *)gpa_ptr(vm, GPA_REAL, 1) = 0xf4;		/* hlt */
	vm_set_region(vm, 1, KVM_MEM_READONLY, 0xfffff000, 4096, page);
	vcpu_expect(v, KVM_EXIT_IO);
	CHECK_EQ(v->run->io.port, 0x80);
	CHECK_EQ(*((u8 *)v->run + v->run->io.data_offset), 0x5a);
	vcpu_expect(v, KVM_EXIT_HLT);
}
