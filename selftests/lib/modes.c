// SPDX-License-Identifier: GPL-2.0-only
/*
 * Initial vCPU states: real mode, 32-bit protected mode without paging, and long mode with flat
 * segments, a GDT, a TSS, an IDT that points at the stubs of guest.c and page tables that map the
 * first 4 GiB 1:1 with 2 MiB pages, for user mode too. All vCPUs of a VM share the tables; each
 * has a stack of its own. A test may start one vCPU and then set up the next: so the tables are
 * written again with what they hold, and nothing in them is invalid in between.
 */
#include "vm.h"

/* The linker sets these to the bounds of the section guest_code. */
extern const u8 __start_guest_code[], __stop_guest_code[];
extern const u8 guest_stubs[];

u64 guest_addr(const void *host_addr)
{
	return GPA_CODE + ((const u8 *)host_addr - __start_guest_code);
}

static void load_blob(struct vcpu *v, u64 gpa, const void *code, const void *code_end)
{
	size_t size = (const u8 *)code_end - (const u8 *)code;

	memcpy(gpa_ptr(v->vm, gpa, size), code, size);
}

void vcpu_set_real(struct vcpu *v, const void *code, const void *code_end)
{
	struct kvm_regs regs = { .rip = GPA_REAL, .rsp = 0x7000, .rflags = FLAG_FIXED };
	struct kvm_sregs s;

	load_blob(v, GPA_REAL, code, code_end);
	vcpu_get_sregs(v, &s);
	s.cs.base = 0;
	s.cs.selector = 0;
	vcpu_set_sregs(v, &s);
	vcpu_set_regs(v, &regs);
}

static struct kvm_segment segment(u16 selector, u8 type, u8 s, u8 db, u8 l)
{
	return (struct kvm_segment) {
		.base = 0, .limit = 0xffffffff, .selector = selector, .type = type, .present = 1,
		.dpl = 0, .db = db, .s = s, .l = l, .g = 1,
	};
}

/* A GDT entry with base 0; flags are the four bits G, D/B, L, AVL. */
static u64 gdt_entry(u8 access, u8 flags, u32 limit)
{
	return (limit & 0xffff) | (u64)access << 40 | (u64)(limit >> 16 & 0xf) << 48 |
	       (u64)(flags & 0xf) << 52;
}

static void set_tables(struct vm *vm)
{
	u64 *gdt = gpa_ptr(vm, GPA_GDT, GDT_ENTRIES * 8);
	u64 *idt = gpa_ptr(vm, GPA_IDT, 4096);
	u8 *tss = gpa_ptr(vm, GPA_TSS, 104);
	u64 rsp0 = GPA_STACKS - MAX_VCPUS * STACK_SIZE;

	gdt[SEL_CODE64 / 8] = gdt_entry(0x9b, 0xa, 0xfffff);
	gdt[SEL_DATA / 8] = gdt_entry(0x93, 0xc, 0xfffff);
	gdt[SEL_CODE32 / 8] = gdt_entry(0x9b, 0xc, 0xfffff);
	gdt[SEL_CODE16 / 8] = gdt_entry(0x9b, 0x0, 0xffff);
	gdt[SEL_DATA16 / 8] = gdt_entry(0x93, 0x0, 0xffff);
	gdt[SEL_USER_DATA / 8] = gdt_entry(0xf3, 0xc, 0xfffff);
	gdt[SEL_USER_CODE / 8] = gdt_entry(0xfb, 0xa, 0xfffff);
	gdt[SEL_TSS / 8] = 0x67 | (u64)GPA_TSS << 16 | 0x8bull << 40;
	gdt[SEL_TSS / 8 + 1] = 0;
	memset(tss, 0, 4);
	memcpy(tss + 4, &rsp0, 8);
	memset(tss + 12, 0, 104 - 12);
	for (unsigned int i = 0; i < 256; i++) {
		u64 stub = guest_addr(guest_stubs) + 16 * i;
		u64 dpl = i == VEC_BP || i == VEC_OF ? 3 : 0;

		idt[2 * i] = (stub & 0xffff) | (u64)SEL_CODE64 << 16 | (0x8eull | dpl << 5) << 40 |
			     (stub >> 16 & 0xffff) << 48;
		idt[2 * i + 1] = stub >> 32;
	}
}

static void set_page_tables(struct vm *vm)
{
	u64 *pml4 = gpa_ptr(vm, GPA_PML4, 4096), *pdpt = gpa_ptr(vm, GPA_PDPT, 4096);
	u64 *pd = gpa_ptr(vm, GPA_PD, 4 * 4096);

	pml4[0] = GPA_PDPT | PTE_P | PTE_W | PTE_U;
	memset(pml4 + 1, 0, 4096 - 8);
	for (u64 i = 0; i < 4; i++)
		pdpt[i] = (GPA_PD + i * 4096) | PTE_P | PTE_W | PTE_U;
	memset(pdpt + 4, 0, 4096 - 4 * 8);
	for (u64 i = 0; i < 4 * 512; i++)
		pd[i] = i << 21 | PTE_P | PTE_W | PTE_U | PTE_PS;
}

static void load_guest_section(struct vm *vm)
{
	size_t size = __stop_guest_code - __start_guest_code;

	memcpy(gpa_ptr(vm, GPA_CODE, size), __start_guest_code, size);
}

static void set_flat(struct kvm_sregs *s, struct kvm_segment data)
{
	s->ds = data;
	s->es = data;
	s->fs = data;
	s->gs = data;
	s->ss = data;
}

void vcpu_set_protected(struct vcpu *v, const void *code, const void *code_end)
{
	struct kvm_regs regs = { .rip = GPA_REAL, .rsp = 0x90000, .rflags = FLAG_FIXED };
	struct kvm_sregs s;

	load_guest_section(v->vm);
	set_tables(v->vm);
	load_blob(v, GPA_REAL, code, code_end);
	vcpu_get_sregs(v, &s);
	s.cr0 = CR0_PE | CR0_ET | CR0_NE;
	s.cs = segment(SEL_CODE32, 0xb, 1, 1, 0);
	set_flat(&s, segment(SEL_DATA, 0x3, 1, 1, 0));
	s.gdt.base = GPA_GDT;
	s.gdt.limit = GDT_ENTRIES * 8 - 1;
	vcpu_set_sregs(v, &s);
	vcpu_set_regs(v, &regs);
}

void vcpu_set_long(struct vcpu *v, void (*fn)(void))
{
	struct kvm_regs regs = {
		.rip = guest_addr(fn), .rflags = FLAG_FIXED,
		/* As after a call, so that the function finds its stack aligned as the ABI says. */
		.rsp = GPA_STACKS - v->id * STACK_SIZE - 8,
	};
	struct kvm_sregs s;

	load_guest_section(v->vm);
	set_tables(v->vm);
	set_page_tables(v->vm);
	vm_shared(v->vm)->vector = NO_TRAP;
	vcpu_get_sregs(v, &s);
	s.cr0 = CR0_PE | CR0_MP | CR0_ET | CR0_NE | CR0_WP | CR0_PG;
	s.cr3 = GPA_PML4;
	s.cr4 = CR4_PAE | CR4_OSFXSR | CR4_OSXMMEXCPT;
	s.efer = EFER_LME | EFER_LMA | EFER_SCE | EFER_NX;
	s.cs = segment(SEL_CODE64, 0xb, 1, 0, 1);
	set_flat(&s, segment(SEL_DATA, 0x3, 1, 1, 0));
	s.gdt.base = GPA_GDT;
	s.gdt.limit = GDT_ENTRIES * 8 - 1;
	s.idt.base = GPA_IDT;
	s.idt.limit = 4095;
	s.tr = segment(SEL_TSS, 0xb, 0, 0, 0);
	s.tr.base = GPA_TSS;
	s.tr.limit = 0x67;
	s.tr.g = 0;
	vcpu_set_sregs(v, &s);
	vcpu_set_regs(v, &regs);
}

void vcpu_set_args(struct vcpu *v, u64 rdi, u64 rsi)
{
	struct kvm_regs regs;

	vcpu_get_regs(v, &regs);
	regs.rdi = rdi;
	regs.rsi = rsi;
	vcpu_set_regs(v, &regs);
}
