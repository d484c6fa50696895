// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hardware task switches in 32-bit protected mode: by CALL, IRET and JMP, by INT n, exceptions
 * (with and without an error code), an external interrupt and an NMI through task gates. Task B
 * tells by an OUT that it runs and goes back by IRET; the test looks at both TSSs, the GDT and the
 * registers.
 */
#include "guest.h"
#include "vm.h"

#define TSS_A		0x20000UL
#define TSS_B		0x21000UL
#define IDT		0x22000UL
#define IDTR		0x23000UL
#define STACK_B		0x70000U
#define SEL_A		0x40
#define SEL_B		0x48
#define IN_B		0x20

/* Offsets in a TSS of 32 bits, in words. */
enum { LINK = 0, CR3 = 7, EIP = 8, EFLAGS = 9, EBX = 13, ESP = 14, SEGS = 18 };

PM_CODE(tasks,
	"mov $0x40, %ax; ltr %ax; lidt 0x23000\n"
	"mov $0x1111, %ebx\n"
	"mov $1, %al; out %al, $0x80\n"
	"lcall $0x48, $0\n"
	"after_call: mov $2, %al; out %al, $0x80\n"
	"int $0x30\n"
	"after_int: mov $3, %al; out %al, $0x80\n"
	"at_ud: ud2\n"
	"mov $4, %al; out %al, $0x80\n"
	"mov $0xfff8, %dx\n"
	"at_gp: mov %dx, %es\n"
	"mov $5, %al; out %al, $0x80\n"
	"sti; nop; nop\n"
	"cli; mov $6, %al; out %al, $0x80\n"
	"nop; mov $7, %al; out %al, $0x80\n"
	"ljmp $0x48, $0\n"
	"hlt\n"
	"task_b: mov $0x20, %al; out %al, $0x80; iret\n"
	"jmp task_b\n");

extern const u8 after_call[], after_int[], at_ud[], at_gp[], task_b[];

static u32 address(const u8 *label)
{
	return GPA_REAL + (label - tasks_start);
}

static void set_gate(struct vm *vm, u8 vector)
{
	u64 *idt = gpa_ptr(vm, IDT, 256 * 8);

	idt[vector] = (u64)SEL_B << 16 | 0x85ull << 40;
}

static void set_up(struct vcpu *v)
{
	static const u8 vectors[] = { VEC_NMI, VEC_UD, VEC_GP, 0x30, 0x32 };
	u64 *gdt = gpa_ptr(v->vm, GPA_GDT, GDT_ENTRIES * 8);
	u32 *b = gpa_ptr(v->vm, TSS_B, 104);
	u8 *idtr = gpa_ptr(v->vm, IDTR, 6);

	vcpu_set_protected(v, CODE(tasks));
	gdt[SEL_A / 8] = 0x67 | (u64)TSS_A << 16 | 0x89ull << 40;
	gdt[SEL_B / 8] = 0x67 | (u64)(TSS_B & 0xffffff) << 16 | 0x89ull << 40;
	memset(gpa_ptr(v->vm, TSS_A, 104), 0, 104);
	memset(b, 0, 104);
	b[EIP] = address(task_b);
	b[EFLAGS] = FLAG_FIXED;
	b[EBX] = 0x2222;
	b[ESP] = STACK_B;
	for (int i = 0; i < 6; i++)
		b[SEGS + i] = i == 1 ? SEL_CODE32 : SEL_DATA;
	for (u32 i = 0; i < ARRAY_SIZE(vectors); i++)
		set_gate(v->vm, vectors[i]);
	*(u16 *)idtr = 256 * 8 - 1;
	*(u32 *)(idtr + 2) = IDT;
}

static u32 in_tss(struct vm *vm, u64 tss, u32 word)
{
	return *(u32 *)gpa_ptr(vm, tss + 4 * word, 4);
}

static u32 gdt_type(struct vm *vm, u16 selector)
{
	return *(u8 *)gpa_ptr(vm, GPA_GDT + selector + 5, 1);
}

static void expect_stage(struct vcpu *v, u8 stage)
{
	vcpu_expect(v, KVM_EXIT_IO);
	REQUIRE_EQ(v->run->io.port, 0x80);
	REQUIRE_EQ(*((u8 *)v->run + v->run->io.data_offset), stage);
}

/* B runs, nested in A, which goes on at @eip. */
static void expect_b(struct vcpu *v, u32 eip, u32 esp)
{
	struct vm *vm = v->vm;
	struct kvm_sregs s;
	struct kvm_regs r;

	expect_stage(v, IN_B);
	vcpu_get_regs(v, &r);
	vcpu_get_sregs(v, &s);
	CHECK_EQ(s.tr.selector, SEL_B);
	CHECK_EQ(s.tr.base, TSS_B);
	CHECK_EQ(s.tr.type, 0xb);
	CHECK_EQ(s.cr0 & CR0_TS, CR0_TS);
	CHECK_EQ(r.rflags & FLAG_NT, FLAG_NT);
	CHECK_EQ(r.rbx, 0x2222);
	CHECK_EQ(r.rsp, esp);
	CHECK_EQ(gdt_type(vm, SEL_A), 0x8b);
	CHECK_EQ(gdt_type(vm, SEL_B), 0x8b);
	CHECK_EQ(in_tss(vm, TSS_B, LINK), SEL_A);
	CHECK_EQ(in_tss(vm, TSS_A, EIP), eip);
	CHECK_EQ(in_tss(vm, TSS_A, EBX), 0x1111);
	CHECK_EQ(in_tss(vm, TSS_A, SEGS + 1), SEL_CODE32);
}

static void expect_a(struct vcpu *v, u8 stage)
{
	struct kvm_sregs s;
	struct kvm_regs r;

	expect_stage(v, stage);
	vcpu_get_regs(v, &r);
	vcpu_get_sregs(v, &s);
	CHECK_EQ(s.tr.selector, SEL_A);
	CHECK_EQ(r.rflags & FLAG_NT, 0);
	CHECK_EQ(r.rbx, 0x1111);
	CHECK_EQ(gdt_type(v->vm, SEL_A), 0x8b);
	CHECK_EQ(gdt_type(v->vm, SEL_B), 0x89);
}

static void move_a(struct vm *vm, u32 eip)
{
	*(u32 *)gpa_ptr(vm, TSS_A + 4 * EIP, 4) = eip;
}

TEST(tasks)
{
	struct vm *vm = vm_create(0);
	struct vcpu *v = vcpu_create(vm, 0);
	struct kvm_interrupt irq = { .irq = 0x32 };
	struct kvm_sregs s;
	struct kvm_regs r;

	set_up(v);
	expect_stage(v, 1);

	ktap_row("CALL and IRET");
	expect_b(v, address(after_call), STACK_B);
	expect_a(v, 2);

	ktap_row("INT through a task gate");
	expect_b(v, address(after_int), STACK_B);
	expect_a(v, 3);

	ktap_row("an exception");
	expect_b(v, address(at_ud), STACK_B);
	move_a(vm, address(at_ud) + 2);
	expect_a(v, 4);

	ktap_row("an exception with an error code");
	expect_b(v, address(at_gp), STACK_B - 4);
	CHECK_EQ(*(u32 *)gpa_ptr(vm, STACK_B - 4, 4), 0xfff8);
	move_a(vm, address(at_gp) + 2);
	vcpu_get_regs(v, &r);
	r.rsp = STACK_B;
	vcpu_set_regs(v, &r);
	expect_a(v, 5);

	ktap_row("an interrupt");
	v->run->request_interrupt_window = 1;
	vcpu_expect(v, KVM_EXIT_IRQ_WINDOW_OPEN);
	v->run->request_interrupt_window = 0;
	REQUIRE_OK(ioctl(v->fd, KVM_INTERRUPT, &irq));
	expect_stage(v, IN_B);
	CHECK_EQ(in_tss(vm, TSS_A, EFLAGS) & FLAG_IF, FLAG_IF);
	CHECK_EQ(gdt_type(vm, SEL_B), 0x8b);
	expect_a(v, 6);

	ktap_row("an NMI");
	REQUIRE_OK(ioctl(v->fd, KVM_NMI, 0));
	expect_stage(v, IN_B);
	REQUIRE_OK(ioctl(v->fd, KVM_NMI, 0));	/* blocked until IRET */
	expect_stage(v, IN_B);
	expect_a(v, 7);

	ktap_row("JMP");
	expect_stage(v, IN_B);
	vcpu_get_sregs(v, &s);
	vcpu_get_regs(v, &r);
	CHECK_EQ(s.tr.selector, SEL_B);
	CHECK_EQ(r.rflags & FLAG_NT, 0);
	CHECK_EQ(gdt_type(vm, SEL_A), 0x89);
	CHECK_EQ(gdt_type(vm, SEL_B), 0x8b);
}
