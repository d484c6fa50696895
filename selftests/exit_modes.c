// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mode switches under unrestricted guest: real mode to protected mode, to long mode through
 * compatibility mode, back to real mode, and virtual-8086 mode; code runs in each and tells by an
 * OUT where it is.
 */
#include "guest.h"
#include "vm.h"

/* Tables that the switching code loads by itself. */
#define GDTR	0x3f00UL

static void build_tables(struct vm *vm)
{
	static const u64 gdt[] = {
		0,
		0x00cf9b000000ffff,	/* 0x08 32-bit code */
		0x00cf93000000ffff,	/* 0x10 data */
		0x00af9b000000ffff,	/* 0x18 64-bit code */
		0x00009b000000ffff,	/* 0x20 16-bit code */
		0x000093000000ffff,	/* 0x28 16-bit data */
	};
	u64 *table;
	u8 *gdtr;

	memcpy(gpa_ptr(vm, GPA_GDT, sizeof(gdt)), gdt, sizeof(gdt));
	gdtr = gpa_ptr(vm, GDTR, 6);
	*(u16 *)gdtr = sizeof(gdt) - 1;
	*(u32 *)(gdtr + 2) = GPA_GDT;
	*(u16 *)(gdtr + 16) = 0x3ff;		/* the real-mode IDT, for the way back */
	*(u32 *)(gdtr + 18) = 0;
	table = gpa_ptr(vm, GPA_PML4, 3 * 4096);
	memset(table, 0, 3 * 4096);
	table[0] = GPA_PDPT | PTE_P | PTE_W;
	table[512] = GPA_PD | PTE_P | PTE_W;
	table[1024] = PTE_P | PTE_W | PTE_PS;
	table[1025] = 0x200000 | PTE_P | PTE_W | PTE_PS;
}

/*
 * All labels are linked in one blob; AT() is where a label is at run time. One blob with three
 * code sizes: the assembler is told by .code16, .code32 and .code64 what the processor will be in.
 */
#define AT(label)	"(0xd000 + " label " - all_modes_start)"

RM_CODE(all_modes,
	"cli; mov $1, %al; out %al, $0x80\n"
	"lgdt 0x3f00\n"
	"mov %cr0, %eax; or $1, %eax; mov %eax, %cr0\n"
	"ljmpl $0x08, $" AT("prot") "\n"
	".code32\n"
	"prot: mov $0x10, %eax; mov %eax, %ds; mov %eax, %es; mov %eax, %ss; mov $0x80000, %esp\n"
	"mov $2, %al; out %al, $0x80\n"
	"mov %cr4, %eax; or $0x20, %eax; mov %eax, %cr4\n"
	"mov $0x5000, %eax; mov %eax, %cr3\n"
	"mov $0xc0000080, %ecx; rdmsr; or $0x100, %eax; wrmsr\n"
	"mov %cr0, %eax; or $0x80000000, %eax; mov %eax, %cr0\n"
	"mov $3, %al; out %al, $0x80\n"				/* compatibility mode */
	"ljmpl $0x18, $" AT("long") "\n"
	".code64\n"
	"long: mov $0x1122334455667788, %rax; mov %rax, %r15; shr $32, %r15\n"
	"cmp $0x11223344, %r15; jne bad; mov $4, %al; out %al, $0x80\n"
	"pushq $0x08; lea compat(%rip), %rax; push %rax; lretq\n"
	"bad: mov $0xff, %al; out %al, $0x80; hlt\n"
	".code32\n"
	"compat: mov $5, %al; out %al, $0x80\n"
	"mov %cr0, %eax; and $0x7fffffff, %eax; mov %eax, %cr0\n"
	"mov $0xc0000080, %ecx; rdmsr; and $0xfffffeff, %eax; wrmsr\n"
	"mov %cr4, %eax; and $0xffffffdf, %eax; mov %eax, %cr4\n"
	"mov $6, %al; out %al, $0x80\n"				/* 32-bit without paging */
	"ljmpl $0x20, $" AT("prot16") "\n"
	".code16\n"
	"prot16: mov $0x28, %ax; mov %ax, %ds; mov %ax, %es; mov %ax, %ss\n"
	"mov $7, %al; out %al, $0x80\n"
	"mov %cr0, %eax; and $0xfffffffe, %eax; mov %eax, %cr0\n"
	"ljmp $0, $" AT("real") "\n"
	"real: xor %ax, %ax; mov %ax, %ds; mov %ax, %ss; mov $0x7000, %sp; lidtl 0x3f10\n"
	"movw $" AT("int_here") ", 0x80; movw $0, 0x82; int $0x20\n"
	"mov $9, %al; out %al, $0x80; hlt\n"
	"int_here: mov $8, %al; out %al, $0x80; iret\n");

static void expect_stage(struct vcpu *v, u8 stage)
{
	vcpu_expect(v, KVM_EXIT_IO);
	REQUIRE_EQ(v->run->io.port, 0x80);
	REQUIRE_EQ(*((u8 *)v->run + v->run->io.data_offset), stage);
}

TEST(real_protected_long_and_back)
{
	struct vcpu *v = vcpu_create(vm_create(0), 0);
	struct kvm_sregs s;

	for (int round = 0; round < 3; round++) {
		ktap_row("round %d", round);
		build_tables(v->vm);
		if (!round) {
			vcpu_set_real(v, CODE(all_modes));
		} else {
			struct kvm_regs regs = { .rip = GPA_REAL, .rsp = 0x7000, .rflags = 2 };

			vcpu_set_regs(v, &regs);
		}
		for (u8 stage = 1; stage < 10; stage++) {
			expect_stage(v, stage);
			vcpu_get_sregs(v, &s);
			CHECK_EQ(s.cr0 & CR0_PE, stage > 1 && stage < 8);
			CHECK_EQ(!!(s.efer & EFER_LMA), stage >= 3 && stage <= 5);
			CHECK_EQ(s.cs.l, stage == 4);
			CHECK_EQ(s.cs.db, stage == 2 || stage == 3 || stage == 5 || stage == 6);
		}
		vcpu_expect(v, KVM_EXIT_HLT);
	}
}

/*
 * 32-bit paging with 4 MiB pages and, in the same code, PAE paging: CR3 loads read the four
 * PDPTEs.
 */
PM_CODE(paging,
	"mov %cr4, %eax; or $0x10, %eax; mov %eax, %cr4\n"
	"mov $0xc000, %eax; mov %eax, %cr3\n"
	"mov %cr0, %eax; or $0x80000000, %eax; mov %eax, %cr0\n"
	"mov 0x40000000, %ebx; mov $1, %al; out %al, $0x80\n"
	"mov %cr0, %eax; and $0x7fffffff, %eax; mov %eax, %cr0\n"
	"mov %cr4, %eax; or $0x20, %eax; mov %eax, %cr4\n"
	"mov $0x6000, %eax; mov %eax, %cr3\n"
	"mov %cr0, %eax; or $0x80000000, %eax; mov %eax, %cr0\n"
	"mov 0x40000000, %ecx; mov $2, %al; out %al, $0x80\n"
	"movl $0, 0x6008; mov 0x40000000, %edx; mov $3, %al; out %al, $0x80\n" /* the CPU holds the
										  PDPTE */
	"hlt\n");

TEST(paging_32_bit_and_pae)
{
	struct vcpu *v = vcpu_create(vm_create(0), 0);
	struct vm *vm = v->vm;
	struct kvm_regs regs;
	u32 *pd32;
	u64 *pdpt;

	vcpu_set_protected(v, CODE(paging));
	pd32 = gpa_ptr(vm, GPA_PD32, 4096);
	pd32[0] = PTE_P | PTE_W | PTE_PS;
	pd32[256] = PTE_P | PTE_W | PTE_PS;		/* 0x40000000 shows 0 */
	*(u32 *)gpa_ptr(vm, 0, 4) = 0x32323232;
	pdpt = gpa_ptr(vm, GPA_PDPT, 4096);
	memset(pdpt, 0, 4096);
	pdpt[0] = GPA_PD | PTE_P;
	pdpt[1] = (GPA_PD + 4096) | PTE_P;
	memset(gpa_ptr(vm, GPA_PD, 8192), 0, 8192);
	*(u64 *)gpa_ptr(vm, GPA_PD, 8) = PTE_P | PTE_W | PTE_PS;
	*(u64 *)gpa_ptr(vm, GPA_PD + 4096, 8) = 0x200000 | PTE_P | PTE_W | PTE_PS;
	*(u32 *)gpa_ptr(vm, 0x200000, 4) = 0x9a9a9a9a;
	expect_stage(v, 1);
	vcpu_get_regs(v, &regs);
	CHECK_EQ(regs.rbx, 0x32323232);
	expect_stage(v, 2);
	vcpu_get_regs(v, &regs);
	CHECK_EQ(regs.rcx, 0x9a9a9a9a);
	expect_stage(v, 3);
	vcpu_get_regs(v, &regs);
	CHECK_EQ(regs.rdx, 0x9a9a9a9a);
	vcpu_expect(v, KVM_EXIT_HLT);
}

