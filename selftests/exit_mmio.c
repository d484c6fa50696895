// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_EXIT_MMIO: accesses to guest-physical addresses that no memslot covers. Each row is one
 * instruction with the exits that it must make, in order, and what it must leave in RAX; reads are
 * answered from a fixed pattern. An access may be split only where the API lets it (at 8 bytes and
 * at a page end).
 */
#include "guest.h"
#include "vm.h"

#define MMIO	0x80000000UL
#define READ	0
#define WRITE	1

struct access {
	u64 addr;
	u8 len;
	u8 write;
	u64 value;	/* given to a read, expected of a write */
};

/* RAX, RBX, RCX from ARG(0..2); RDI = RSI = ARG(3) = the address; registers back in ARG(4..8). */
#define GUEST_INSN(name, insn)									\
	GUEST_CODE static void name(void)							\
	{											\
		u64 a = ARG(0), b = ARG(1), c = ARG(2), si = ARG(3), di = ARG(9);		\
		u64 flags;									\
												\
		asm volatile("clc; " insn "; pushf; cld; pop %[f]"				\
			     : "+a"(a), "+b"(b), "+c"(c), "+S"(si), "+D"(di), [f] "=r"(flags)	\
			     :: "r8", "r9", "r12", "r13", "memory", "cc");			\
		ARG(4) = a;									\
		ARG(5) = c;									\
		ARG(6) = si;									\
		ARG(7) = di;									\
		ARG(8) = flags & (FLAG_CF | FLAG_ZF);						\
		guest_done();									\
	}

GUEST_INSN(g_mov_r8, "mov (%%rsi), %%al")
GUEST_INSN(g_mov_r16, "mov (%%rsi), %%ax")
GUEST_INSN(g_mov_r32, "mov (%%rsi), %%eax")
GUEST_INSN(g_mov_r64, "mov (%%rsi), %%rax")
GUEST_INSN(g_mov_rh, "mov (%%rsi), %%ah")
GUEST_INSN(g_mov_w8, "mov %%al, (%%rsi)")
GUEST_INSN(g_mov_w16, "mov %%ax, (%%rsi)")
GUEST_INSN(g_mov_w32, "mov %%eax, (%%rsi)")
GUEST_INSN(g_mov_w64, "mov %%rax, (%%rsi)")
GUEST_INSN(g_mov_wh, "mov %%ah, (%%rsi)")
GUEST_INSN(g_mov_i8, "movb $0x5a, 3(%%rsi)")
GUEST_INSN(g_mov_i32, "movl $0x12345678, (%%rsi,%%rcx,4)")
GUEST_INSN(g_mov_i64, "movq $-2, (%%rsi)")
GUEST_INSN(g_movabs_r, "movabs 0x80000040, %%eax")
GUEST_INSN(g_movabs_w, "movabs %%al, 0x80000041")
GUEST_INSN(g_movzx8, "movzbl (%%rsi), %%eax")
GUEST_INSN(g_movzx16, "movzwq (%%rsi), %%rax")
GUEST_INSN(g_movsx8, "movsbq (%%rsi), %%rax")
GUEST_INSN(g_movsx16, "movswl (%%rsi), %%eax")
GUEST_INSN(g_movsxd, "movslq (%%rsi), %%rax")
GUEST_INSN(g_movzx_word, "movzbw (%%rsi), %%ax")
GUEST_INSN(g_mov_r9w, "mov %%rax, %%r9; mov %%r9w, 0x100(%%rsi)")
GUEST_INSN(g_mov_sil, "mov %%sil, 2(%%rsi)")
GUEST_INSN(g_mov_r13, "mov %%rsi, %%r13; mov %%eax, (%%r13)")
GUEST_INSN(g_mov_r12, "mov %%rsi, %%r12; mov 8(%%r12,%%rcx,2), %%r8d; mov %%r8, %%rax")
GUEST_INSN(g_mov_abs32, "mov %%eax, 0x70000000")
GUEST_INSN(g_mov_i16, "movw $0x8001, -2(%%rsi)")
GUEST_INSN(g_add_to, "add %%eax, (%%rsi)")
GUEST_INSN(g_add_from, "add (%%rsi), %%eax")
GUEST_INSN(g_or_imm, "orb $0x0f, (%%rsi)")
GUEST_INSN(g_and_to, "and %%ax, (%%rsi)")
GUEST_INSN(g_xor_from, "xor (%%rsi), %%rax")
GUEST_INSN(g_sub_to, "subl $1, (%%rsi)")
GUEST_INSN(g_cmp, "cmpl $0x11, (%%rsi)")
GUEST_INSN(g_test, "testb $0x80, (%%rsi)")
GUEST_INSN(g_inc, "incl (%%rsi)")
GUEST_INSN(g_not, "notw (%%rsi)")
GUEST_INSN(g_bts, "btsl $4, (%%rsi)")
GUEST_INSN(g_xchg, "xchg %%eax, (%%rsi)")
GUEST_INSN(g_lock_add, "lock addl $2, (%%rsi)")
GUEST_INSN(g_movsb_from, "movsb")
GUEST_INSN(g_stosl, "mov %%rsi, %%rdi; stosl")
GUEST_INSN(g_lodsw, "lodsw")
GUEST_INSN(g_rep_stosb, "mov %%rsi, %%rdi; rep stosb")
GUEST_INSN(g_rep_movsl, "rep movsl")
GUEST_INSN(g_rep_movsl_to, "xchg %%rsi, %%rdi; rep movsl")

#define RAM	(GPA_FREE + 0x10)

static const struct mmio_row {
	const char *name;
	void (*fn)(void);
	u64 rax, rcx, addr;
	struct access access[4];	/* ended by len 0 */
	u64 rax_after;
	int flags;			/* expected CF and ZF, -1: whatever */
} rows[] = {
	{ "mov al",
	  g_mov_r8,
	  ~0UL,
	  0,
	  MMIO + 1,
	  { { MMIO + 1, 1, READ, 0x81 } },
	  0xffffffffffffff81,
	  -1 },
	{ "mov ax",
	  g_mov_r16,
	  ~0UL,
	  0,
	  MMIO + 2,
	  { { MMIO + 2, 2, READ, 0x8281 } },
	  0xffffffffffff8281,
	  -1 },
	{ "mov eax",
	  g_mov_r32,
	  ~0UL,
	  0,
	  MMIO + 4,
	  { { MMIO + 4, 4, READ, 0x84838281 } },
	  0x84838281,
	  -1 },
	{ "mov rax",
	  g_mov_r64,
	  0,
	  0,
	  MMIO + 8,
	  { { MMIO + 8, 8, READ, 0x8887868584838281 } },
	  0x8887868584838281,
	  -1 },
	{ "mov ah", g_mov_rh, 0x1111, 0, MMIO, { { MMIO, 1, READ, 0x55 } }, 0x5511, -1 },
	{ "mov to byte",
	  g_mov_w8,
	  0x1122334455667788,
	  0,
	  MMIO + 5,
	  { { MMIO + 5, 1, WRITE, 0x88 } },
	  0x1122334455667788,
	  -1 },
	{ "mov to word",
	  g_mov_w16,
	  0x1122334455667788,
	  0,
	  MMIO + 6,
	  { { MMIO + 6, 2, WRITE, 0x7788 } },
	  0x1122334455667788,
	  -1 },
	{ "mov to dword",
	  g_mov_w32,
	  0x1122334455667788,
	  0,
	  MMIO,
	  { { MMIO, 4, WRITE, 0x55667788 } },
	  0x1122334455667788,
	  -1 },
	{ "mov to qword",
	  g_mov_w64,
	  0x1122334455667788,
	  0,
	  MMIO,
	  { { MMIO, 8, WRITE, 0x1122334455667788 } },
	  0x1122334455667788,
	  -1 },
	{ "mov ah to byte", g_mov_wh, 0x1234, 0, MMIO, { { MMIO, 1, WRITE, 0x12 } }, 0x1234, -1 },
	{ "mov imm8, displacement", g_mov_i8, 0, 0, MMIO, { { MMIO + 3, 1, WRITE, 0x5a } }, 0, -1 },
	{ "mov imm32, scaled index",
	  g_mov_i32,
	  0,
	  5,
	  MMIO,
	  { { MMIO + 20, 4, WRITE, 0x12345678 } },
	  0,
	  -1 },
	{ "mov imm32 sign-extended", g_mov_i64, 0, 0, MMIO, { { MMIO, 8, WRITE, -2UL } }, 0, -1 },
	{ "mov moffs to eax",
	  g_movabs_r,
	  0,
	  0,
	  MMIO,
	  { { MMIO + 0x40, 4, READ, 0xcafe } },
	  0xcafe,
	  -1 },
	{ "mov al to moffs",
	  g_movabs_w,
	  0x77,
	  0,
	  MMIO,
	  { { MMIO + 0x41, 1, WRITE, 0x77 } },
	  0x77,
	  -1 },
	{ "movzx byte", g_movzx8, ~0UL, 0, MMIO, { { MMIO, 1, READ, 0x80 } }, 0x80, -1 },
	{ "movzx word", g_movzx16, ~0UL, 0, MMIO, { { MMIO, 2, READ, 0x8000 } }, 0x8000, -1 },
	{ "movsx byte", g_movsx8, 0, 0, MMIO, { { MMIO, 1, READ, 0x80 } }, 0xffffffffffffff80, -1 },
	{ "movsx word to dword",
	  g_movsx16,
	  ~0UL,
	  0,
	  MMIO,
	  { { MMIO, 2, READ, 0x8000 } },
	  0xffff8000,
	  -1 },
	{ "movsxd",
	  g_movsxd,
	  0,
	  0,
	  MMIO,
	  { { MMIO, 4, READ, 0x80000000 } },
	  0xffffffff80000000,
	  -1 },
	{ "movzx byte to word",
	  g_movzx_word,
	  ~0UL,
	  0,
	  MMIO,
	  { { MMIO, 1, READ, 0x80 } },
	  0xffffffffffff0080,
	  -1 },
	{ "mov from r9w",
	  g_mov_r9w,
	  0x12345,
	  0,
	  MMIO,
	  { { MMIO + 0x100, 2, WRITE, 0x2345 } },
	  0x12345,
	  -1 },
	{ "mov from sil", g_mov_sil, 0, 0, MMIO + 5, { { MMIO + 7, 1, WRITE, 5 } }, 0, -1 },
	{ "mov to (r13)", g_mov_r13, 7, 0, MMIO, { { MMIO, 4, WRITE, 7 } }, 7, -1 },
	{ "mov from (r12), index",
	  g_mov_r12,
	  0,
	  4,
	  MMIO,
	  { { MMIO + 16, 4, READ, 0x80000001 } },
	  0x80000001,
	  -1 },
	{ "mov to an absolute address",
	  g_mov_abs32,
	  8,
	  0,
	  MMIO,
	  { { 0x70000000, 4, WRITE, 8 } },
	  8,
	  -1 },
	{ "mov imm16", g_mov_i16, 0, 0, MMIO + 4, { { MMIO + 2, 2, WRITE, 0x8001 } }, 0, -1 },
	{ "add to memory",
	  g_add_to,
	  1,
	  0,
	  MMIO,
	  { { MMIO, 4, READ, 0xffffffff }, { MMIO, 4, WRITE, 0 } },
	  1,
	  FLAG_CF | FLAG_ZF },
	{ "add from memory", g_add_from, 5, 0, MMIO, { { MMIO, 4, READ, 7 } }, 12, 0 },
	{ "or imm8",
	  g_or_imm,
	  0,
	  0,
	  MMIO,
	  { { MMIO, 1, READ, 0xa0 }, { MMIO, 1, WRITE, 0xaf } },
	  0,
	  0 },
	{ "and to memory",
	  g_and_to,
	  0xff00,
	  0,
	  MMIO,
	  { { MMIO, 2, READ, 0x1234 }, { MMIO, 2, WRITE, 0x1200 } },
	  0xff00,
	  0 },
	{ "xor from memory", g_xor_from, 0xff, 0, MMIO, { { MMIO, 8, READ, 0xff } }, 0, FLAG_ZF },
	{ "sub imm",
	  g_sub_to,
	  0,
	  0,
	  MMIO,
	  { { MMIO, 4, READ, 0 }, { MMIO, 4, WRITE, 0xffffffff } },
	  0,
	  FLAG_CF },
	{ "cmp", g_cmp, 0, 0, MMIO, { { MMIO, 4, READ, 0x11 } }, 0, FLAG_ZF },
	{ "test", g_test, 0, 0, MMIO, { { MMIO, 1, READ, 0x80 } }, 0, 0 },
	{ "inc",
	  g_inc,
	  0,
	  0,
	  MMIO,
	  { { MMIO, 4, READ, 0xffffffff }, { MMIO, 4, WRITE, 0 } },
	  0,
	  FLAG_ZF },
	{ "not",
	  g_not,
	  0,
	  0,
	  MMIO,
	  { { MMIO, 2, READ, 0x00ff }, { MMIO, 2, WRITE, 0xff00 } },
	  0,
	  -1 },
	{ "bts", g_bts, 0, 0, MMIO, { { MMIO, 4, READ, 0x10 }, { MMIO, 4, WRITE, 0x10 } }, 0, -1 },
	{ "xchg", g_xchg, 9, 0, MMIO, { { MMIO, 4, READ, 8 }, { MMIO, 4, WRITE, 9 } }, 8, -1 },
	{ "lock add",
	  g_lock_add,
	  0,
	  0,
	  MMIO,
	  { { MMIO, 4, READ, 8 }, { MMIO, 4, WRITE, 10 } },
	  0,
	  0 },
	{ "stos",
	  g_stosl,
	  0xabcd1234,
	  0,
	  MMIO,
	  { { MMIO, 4, WRITE, 0xabcd1234 } },
	  0xabcd1234,
	  -1 },
	{ "lods", g_lodsw, 0, 0, MMIO, { { MMIO, 2, READ, 0x4321 } }, 0x4321, -1 },
	{ "movs from device", g_movsb_from, 0, 0, MMIO, { { MMIO, 1, READ, 0x99 } }, 0, -1 },
	{ "rep stosb",
	  g_rep_stosb,
	  0x5c,
	  3,
	  MMIO,
	  { { MMIO, 1, WRITE, 0x5c }, { MMIO + 1, 1, WRITE, 0x5c }, { MMIO + 2, 1, WRITE, 0x5c } },
	  0x5c,
	  -1 },
	{ "rep movsl from device",
	  g_rep_movsl,
	  0,
	  2,
	  MMIO,
	  { { MMIO, 4, READ, 0x1111 }, { MMIO + 4, 4, READ, 0x2222 } },
	  0,
	  -1 },
	{ "rep movsl to device",
	  g_rep_movsl_to,
	  0,
	  2,
	  MMIO,
	  { { MMIO, 4, WRITE, 0x03020100 }, { MMIO + 4, 4, WRITE, 0x07060504 } },
	  0,
	  -1 },
	{ "read over a page end",
	  g_mov_r64,
	  0,
	  0,
	  MMIO + 0xffd,
	  { { MMIO + 0xffd, 3, READ, 0x030201 }, { MMIO + 0x1000, 5, READ, 0x0807060504 } },
	  0x0807060504030201,
	  -1 },
	{ "write over a page end",
	  g_mov_w32,
	  0x44332211,
	  0,
	  MMIO + 0xfff,
	  { { MMIO + 0xfff, 1, WRITE, 0x11 }, { MMIO + 0x1000, 3, WRITE, 0x443322 } },
	  0x44332211,
	  -1 },
	{ "unaligned read",
	  g_mov_r32,
	  0,
	  0,
	  MMIO + 3,
	  { { MMIO + 3, 4, READ, 0x1234 } },
	  0x1234,
	  -1 },
	{ "last page of 4 GiB less one",
	  g_mov_r32,
	  0,
	  0,
	  0xffffe000,
	  { { 0xffffe000, 4, READ, 0x77 } },
	  0x77,
	  -1 },
};

static bool expect_access(struct vcpu *v, const struct access *a)
{
	u64 value = 0;

	vcpu_expect(v, KVM_EXIT_MMIO);
	if (!CHECK_EQ(v->run->mmio.phys_addr, a->addr) || !CHECK_EQ(v->run->mmio.len, a->len) ||
	    !CHECK_EQ(v->run->mmio.is_write, a->write))
		return false;
	memcpy(&value, v->run->mmio.data, a->len);
	if (a->write)
		return CHECK_EQ(value, a->value);
	memcpy(v->run->mmio.data, &a->value, a->len);
	return true;
}

TEST_SLOW(mmio_instructions, 3)
{
	struct vm *vm = vm_create(0);
	struct vcpu *v = vcpu_create(vm, 0);
	volatile struct guest_shared *s = vm_shared(vm);

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct mmio_row *row = &rows[i];
		bool ok = true;

		ktap_row("%s", row->name);
		for (u32 b = 0; b < 16; b++)
			*(u8 *)gpa_ptr(vm, RAM + b, 1) = b;
		vcpu_set_long(v, row->fn);
		s->arg[0] = row->rax;
		s->arg[2] = row->rcx;
		s->arg[3] = row->addr;
		s->arg[9] = RAM;
		for (size_t k = 0; ok && k < ARRAY_SIZE(row->access) && row->access[k].len; k++)
			ok = expect_access(v, &row->access[k]);
		if (!ok)
			continue;
		vcpu_finish(v);
		CHECK_EQ(s->arg[4], row->rax_after);
		if (row->flags >= 0)
			CHECK_EQ(s->arg[8], row->flags);
	}
}

/* Relative to the instruction's end, behind an immediate too. */
GUEST_CODE static void guest_relative(void)
{
	asm volatile("mov %%eax, 0x7f000000(%%rip)" ::"a"(1) : "memory");
	asm volatile("movl $2, 0x7f000000(%%rip)" ::: "memory");
	asm volatile("movb $3, 0x7f000000(%%rip)" ::: "memory");
	guest_done();
}

TEST(mmio_relative_to_rip)
{
	struct vcpu *v = vcpu_create(vm_create(0), 0);
	struct kvm_regs regs;

	vcpu_set_long(v, guest_relative);
	for (u32 i = 1; i <= 3; i++) {
		vcpu_expect(v, KVM_EXIT_MMIO);
		vcpu_get_regs(v, &regs);	/* behind a write, RIP is */
		CHECK_EQ(v->run->mmio.phys_addr, regs.rip + 0x7f000000);
		CHECK_EQ(v->run->mmio.data[0], i);
	}
	vcpu_finish(v);
}

/* The same linear address, another instruction: by the page table, then in the page itself. */
#define ALIAS	0x40000000UL

GUEST_CODE static void guest_alias(void)
{
	volatile u64 *pt = (void *)GPA_PT, *pdpt = (void *)GPA_PDPT, *pd = (void *)GPA_PAGE;
	void (*call)(u64, u64) = (void (*)(u64, u64))ALIAS;

	pd[0] = GPA_PT | PTE_P | PTE_W;
	pdpt[1] = GPA_PAGE | PTE_P | PTE_W;
	for (int i = 0; i < 3; i++) {
		pt[0] = (GPA_FREE + (i & 1) * 0x1000) | PTE_P | PTE_W | PTE_A;
		asm volatile("invlpg (%0)" ::"r"(ALIAS) : "memory");
		call(0, MMIO);
		call(0, MMIO);
	}
	*(volatile u32 *)(GPA_FREE + 2) = 0x77;
	call(0, MMIO);
	guest_done();
}

TEST(mmio_by_changing_code)
{
	static const u32 values[] = { 0x11, 0x11, 0x22, 0x22, 0x11, 0x11, 0x77 };
	struct vcpu *v = vcpu_create(vm_create(0), 0);

	/* movl $0x11, (%rsi); ret */
	memcpy(gpa_ptr(v->vm, GPA_FREE, 7), "\xc7\x06\x11\0\0\0\xc3", 7);
	memcpy(gpa_ptr(v->vm, GPA_FREE + 0x1000, 7), "\xc7\x06\x22\0\0\0\xc3", 7);
	vcpu_set_long(v, guest_alias);
	for (size_t i = 0; i < ARRAY_SIZE(values); i++)
		REQUIRE(expect_access(v, &(struct access){ MMIO, 4, WRITE, values[i] }),
			"exit %zu", i);
	vcpu_finish(v);
}

TEST(mmio_string_data_arrives)
{
	static const struct access reads[] = {
		{ MMIO, 4, READ, 0x11223344 }, { MMIO + 4, 4, READ, 0x55667788 },
	};
	struct vm *vm = vm_create(0);
	struct vcpu *v = vcpu_create(vm, 0);
	volatile struct guest_shared *s = vm_shared(vm);
	u32 *ram = gpa_ptr(vm, RAM, 8);

	vcpu_set_long(v, g_rep_movsl);
	s->arg[2] = 2;
	s->arg[3] = MMIO;
	s->arg[9] = RAM;
	for (size_t i = 0; i < ARRAY_SIZE(reads); i++)
		REQUIRE(expect_access(v, &reads[i]), "exit %zu", i);
	vcpu_finish(v);
	CHECK_EQ(ram[0], 0x11223344);
	CHECK_EQ(ram[1], 0x55667788);
	CHECK_EQ(s->arg[5], 0);
	CHECK_EQ(s->arg[6], MMIO + 8);
	CHECK_EQ(s->arg[7], RAM + 8);
}

RM_CODE(real_mmio,
	"mov $0x9000, %ax; mov %ax, %ds; movb $0x42, 0x20; mov 0x24, %bx; mov %ebx, 0x28; hlt");

/* Below 1 MiB, with a memslot that ends at 0x90000. */
TEST(mmio_real_mode)
{
	static const struct access accesses[] = {
		{ 0x90020, 1, WRITE, 0x42 },
		{ 0x90024, 2, READ, 0xbeef },
		{ 0x90028, 4, WRITE, 0x1234beef },
	};
	struct vm *vm = vm_create(0);
	struct vcpu *v = vcpu_create(vm, 0);
	struct kvm_regs regs;

	vm_set_region(vm, 0, 0, 0, 0, vm->mem);
	vm_set_region(vm, 0, 0, 0, 0x90000, vm->mem);
	vcpu_set_real(v, CODE(real_mmio));
	vcpu_get_regs(v, &regs);
	regs.rbx = 0x12340000;
	vcpu_set_regs(v, &regs);
	for (size_t i = 0; i < ARRAY_SIZE(accesses); i++)
		REQUIRE(expect_access(v, &accesses[i]), "exit %zu", i);
	vcpu_expect(v, KVM_EXIT_HLT);
}

/*
 * An access whose other half is memory: the memory half is done in the kernel, the rest is an
 * exit.
 */
TEST(mmio_half_memory)
{
	static const struct access first = { MEM_SIZE, 2, READ, 0x4433 };
	struct vm *vm = vm_create(0);
	struct vcpu *v = vcpu_create(vm, 0);
	volatile struct guest_shared *s = vm_shared(vm);

	vcpu_set_long(v, g_mov_r32);
	memcpy(gpa_ptr(vm, MEM_SIZE - 2, 2), "\x11\x22", 2);
	s->arg[3] = MEM_SIZE - 2;
	REQUIRE(expect_access(v, &first), "the part beyond the memory");
	vcpu_finish(v);
	CHECK_EQ(s->arg[4], 0x44332211);
}
