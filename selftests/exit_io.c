// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_EXIT_IO: every size and direction, immediate and DX ports, string forms with and without
 * REP, forwards and backwards, in real mode and in long mode. The guest's registers are asserted
 * after each instruction, so a handler that forgets to write back RCX, RSI or RDI fails even when
 * the data is right.
 */
#include "guest.h"
#include "vm.h"

#define PORT		0x3f0
#define BUF		GPA_FREE
#define UNMAPPED	0x40000000fffeUL	/* canonical, not in the page tables */

/* Checks one exit and answers it when it is an IN; `answer` gives count * size bytes. */
static void expect_io(struct vcpu *v, u8 direction, u16 port, u8 size, u32 count, void *data)
{
	u8 *at;

	vcpu_expect(v, KVM_EXIT_IO);
	CHECK_EQ(v->run->io.direction, direction);
	CHECK_EQ(v->run->io.port, port);
	CHECK_EQ(v->run->io.size, size);
	REQUIRE_EQ(v->run->io.count, count);
	at = (u8 *)v->run + v->run->io.data_offset;
	REQUIRE(v->run->io.data_offset + size * count <= v->run_size,
		"the data lies outside of the mapping");
	if (direction == KVM_EXIT_IO_IN)
		memcpy(at, data, size * count);
	else
		CHECK(!memcmp(at, data, size * count), "first byte 0x%x, expected 0x%x", at[0],
		      *(u8 *)data);
}

/*
 * String I/O may come as one exit or as several; collects (OUT) or feeds (IN) `total` items of
 * `size` bytes.
 */
static void expect_string(struct vcpu *v, u8 direction, u8 size, u32 total, u8 *data)
{
	u32 done = 0;

	while (done < total) {
		u8 *at;

		vcpu_expect(v, KVM_EXIT_IO);
		CHECK_EQ(v->run->io.direction, direction);
		CHECK_EQ(v->run->io.port, PORT);
		REQUIRE_EQ(v->run->io.size, size);
		REQUIRE(v->run->io.count >= 1 && v->run->io.count <= total - done,
			"count %u, %u left", v->run->io.count, total - done);
		at = (u8 *)v->run + v->run->io.data_offset;
		if (direction == KVM_EXIT_IO_IN)
			memcpy(at, data + done * size, v->run->io.count * size);
		else
			memcpy(data + done * size, at, v->run->io.count * size);
		done += v->run->io.count;
	}
}

GUEST_CODE static void guest_plain(void)
{
	u64 rax = 0x1122334455667788;

	asm volatile("outb %%al, $0x80" :: "a"(rax));
	asm volatile("outw %%ax, $0x80" :: "a"(rax));
	asm volatile("outl %%eax, $0x80" :: "a"(rax));
	asm volatile("outb %%al, %%dx" :: "a"(rax), "d"(PORT));
	asm volatile("outw %%ax, %%dx" :: "a"(rax), "d"(0xffff));
	asm volatile("outl %%eax, %%dx" :: "a"(rax), "d"(0xfedcUL << 16 | PORT));
	asm volatile("inb $0x80, %%al" : "+a"(rax));
	G_EQ(rax, 0x11223344556677a1);
	asm volatile("inw %%dx, %%ax" : "+a"(rax) : "d"(PORT));
	G_EQ(rax, 0x112233445566b2b1);
	asm volatile("inl %%dx, %%eax" : "+a"(rax) : "d"(PORT));
	G_EQ(rax, 0xc4c3c2c1);
	guest_done();
}

TEST(in_out_sizes)
{
	struct vm *vm = vm_create(0);
	struct vcpu *v = vcpu_create(vm, 0);
	u64 rax = 0x1122334455667788;

	vcpu_set_long(v, guest_plain);
	expect_io(v, KVM_EXIT_IO_OUT, 0x80, 1, 1, &rax);
	expect_io(v, KVM_EXIT_IO_OUT, 0x80, 2, 1, &rax);
	expect_io(v, KVM_EXIT_IO_OUT, 0x80, 4, 1, &rax);
	expect_io(v, KVM_EXIT_IO_OUT, PORT, 1, 1, &rax);
	expect_io(v, KVM_EXIT_IO_OUT, 0xffff, 2, 1, &rax);
	expect_io(v, KVM_EXIT_IO_OUT, PORT, 4, 1, &rax);
	expect_io(v, KVM_EXIT_IO_IN, 0x80, 1, 1, "\xa1");
	expect_io(v, KVM_EXIT_IO_IN, PORT, 2, 1, "\xb1\xb2");
	expect_io(v, KVM_EXIT_IO_IN, PORT, 4, 1, "\xc1\xc2\xc3\xc4");
	vcpu_finish(v);
}

RM_CODE(real_io,
	"mov $0x3f0, %dx; mov $0x5a, %al; outb %al, %dx; mov $0xbeef, %ax; outw %ax, %dx;"
	"mov $0xdeadbeef, %eax; outl %eax, %dx; inb %dx, %al; inw $0x44, %ax; inl %dx, %eax; hlt");

TEST(in_out_real_mode)
{
	struct vm *vm = vm_create(0);
	struct vcpu *v = vcpu_create(vm, 0);
	struct kvm_regs regs;

	vcpu_set_real(v, CODE(real_io));
	expect_io(v, KVM_EXIT_IO_OUT, PORT, 1, 1, "\x5a");
	expect_io(v, KVM_EXIT_IO_OUT, PORT, 2, 1, "\xef\xbe");
	expect_io(v, KVM_EXIT_IO_OUT, PORT, 4, 1, "\xef\xbe\xad\xde");
	expect_io(v, KVM_EXIT_IO_IN, PORT, 1, 1, "\x01");
	expect_io(v, KVM_EXIT_IO_IN, 0x44, 2, 1, "\x02\x03");
	expect_io(v, KVM_EXIT_IO_IN, PORT, 4, 1, "\x04\x05\x06\x07");
	vcpu_expect(v, KVM_EXIT_HLT);
	vcpu_get_regs(v, &regs);
	CHECK_EQ(regs.rax, 0x07060504);
}

/*
 * One string instruction with RSI/RDI = ARG(0), RCX = ARG(1) and DF = ARG(2); leaves them in
 * ARG(3) to ARG(5).
 */
#define GUEST_STRING(name, insn)								\
	GUEST_CODE static void name(void)							\
	{											\
		u64 si = ARG(0), di = ARG(0), cx = ARG(1), df = ARG(2);				\
												\
		asm volatile("test %[df], %[df]; jz 1f; std; 1: " insn "; cld"			\
			     : "+S"(si), "+D"(di), "+c"(cx)					\
			     : [df] "r"(df), "d"(PORT) : "memory", "cc");			\
		ARG(3) = si;									\
		ARG(4) = di;									\
		ARG(5) = cx;									\
		guest_done();									\
	}

GUEST_STRING(g_outsb, "outsb")
GUEST_STRING(g_outsw, "outsw")
GUEST_STRING(g_outsl, "outsl")
GUEST_STRING(g_insb, "insb")
GUEST_STRING(g_insw, "insw")
GUEST_STRING(g_insl, "insl")
GUEST_STRING(g_rep_outsb, "rep outsb")
GUEST_STRING(g_rep_outsw, "rep outsw")
GUEST_STRING(g_rep_outsl, "rep outsl")
GUEST_STRING(g_rep_insb, "rep insb")
GUEST_STRING(g_rep_insw, "rep insw")
GUEST_STRING(g_rep_insl, "rep insl")

static const struct string_row {
	const char *name;
	void (*fn)(void);
	u64 start;
	u32 count;
	u8 size;
	bool in, rep, down;
} string_rows[] = {
	{ "outsb", g_outsb, BUF, 1, 1, false, false, false },
	{ "outsw", g_outsw, BUF, 1, 2, false, false, false },
	{ "outsl", g_outsl, BUF, 1, 4, false, false, false },
	{ "outsb down", g_outsb, BUF, 1, 1, false, false, true },
	{ "insb", g_insb, BUF, 1, 1, true, false, false },
	{ "insw", g_insw, BUF, 1, 2, true, false, false },
	{ "insl", g_insl, BUF, 1, 4, true, false, false },
	{ "insl down", g_insl, BUF, 1, 4, true, false, true },
	{ "rep outsb", g_rep_outsb, BUF, 7, 1, false, true, false },
	{ "rep outsw", g_rep_outsw, BUF, 5, 2, false, true, false },
	{ "rep outsl", g_rep_outsl, BUF, 300, 4, false, true, false },
	{ "rep outsb over a page end", g_rep_outsb, BUF + 0xffc, 9, 1, false, true, false },
	{ "rep outsl over a page end, unaligned", g_rep_outsl, BUF + 0xffe, 3, 4, false, true,
	  false },
	{ "rep outsw down", g_rep_outsw, BUF + 0x100, 6, 2, false, true, true },
	{ "rep outsb, 5000 bytes", g_rep_outsb, BUF, 5000, 1, false, true, false },
	{ "rep outsb, count 0", g_rep_outsb, BUF, 0, 1, false, true, false },
	{ "rep insb", g_rep_insb, BUF, 7, 1, true, true, false },
	{ "rep insw", g_rep_insw, BUF, 5, 2, true, true, false },
	{ "rep insl", g_rep_insl, BUF, 300, 4, true, true, false },
	{ "rep insb over a page end", g_rep_insb, BUF + 0xff9, 13, 1, true, true, false },
	{ "rep insl over a page end, unaligned", g_rep_insl, BUF + 0xffe, 3, 4, true, true, false },
	{ "rep insl down", g_rep_insl, BUF + 0x100, 6, 4, true, true, true },
	{ "rep insb, 5000 bytes", g_rep_insb, BUF, 5000, 1, true, true, false },
	{ "rep insb, count 0", g_rep_insb, BUF, 0, 1, true, true, false },
};

static u8 pattern(u32 i) { return i * 7 + (i >> 8) + 3; }

static void run_string_row(const struct string_row *row)
{
	struct vm *vm = vm_create(0);
	struct vcpu *v = vcpu_create(vm, 0);
	volatile struct guest_shared *s = vm_shared(vm);
	u32 items = row->rep ? row->count : 1, bytes = items * row->size;
	static u8 data[8192], *mem;
	u64 end;

	/* Where item i lies: upwards from the start, or downwards from it. */
	mem = gpa_ptr(vm, BUF, 0x4000);
	vcpu_set_long(v, row->fn);
	s->arg[0] = row->start;
	s->arg[1] = row->count;
	s->arg[2] = row->down;
	for (u32 i = 0; i < bytes; i++)
		data[i] = pattern(i);
	if (!row->in) {
		for (u32 i = 0; i < items; i++) {
			u64 at = row->start + (row->down ? -1 : 1) * (long)(i * row->size) - BUF;

			memcpy(mem + at, data + i * row->size, row->size);
		}
		memset(data, 0, sizeof(data));
	}
	expect_string(v, row->in ? KVM_EXIT_IO_IN : KVM_EXIT_IO_OUT, row->size, items, data);
	vcpu_finish(v);
	for (u32 i = 0; i < bytes; i++) {
		u64 at = row->start + (row->down ? -1 : 1) * (long)(i / row->size * row->size) +
			 i % row->size;
		u8 got = row->in ? mem[at - BUF] : data[i];

		if (!CHECK_EQ(got, pattern(i)))
			break;
	}
	end = row->start + (row->down ? -1 : 1) * (long)bytes;
	CHECK_EQ(s->arg[3], row->in ? row->start : end);
	CHECK_EQ(s->arg[4], row->in ? end : row->start);
	CHECK_EQ(s->arg[5], row->rep ? 0 : row->count);
	vcpu_destroy(v);
	vm_destroy(vm);
}

TEST_SLOW(string_io, 3)
{
	for (size_t i = 0; i < ARRAY_SIZE(string_rows); i++) {
		ktap_row("%s", string_rows[i].name);
		run_string_row(&string_rows[i]);
	}
}

/* Segment bases count in real mode, SI and DI are 16 bits, and an override moves OUTS. */
RM_CODE(real_string,
	"mov $0x2000, %ax; mov %ax, %ds; mov $0x2100, %ax; mov %ax, %es; mov $0x3f0, %dx; cld;"
	"xor %si, %si; outsb; xor %si, %si; es outsb; mov $0x10, %di; mov $3, %cx; rep insb;"
	"mov $0xffff, %si; mov $2, %cx; rep outsb; hlt");

TEST(string_io_real_mode)
{
	struct vm *vm = vm_create(0);
	struct vcpu *v = vcpu_create(vm, 0);
	struct kvm_regs regs;
	u8 data[4];

	vcpu_set_real(v, CODE(real_string));
	*(u8 *)gpa_ptr(vm, 0x20000, 1) = 0x11;
	*(u8 *)gpa_ptr(vm, 0x21000, 1) = 0x22;
	*(u8 *)gpa_ptr(vm, 0x2ffff, 1) = 0x33;
	expect_string(v, KVM_EXIT_IO_OUT, 1, 1, data);
	CHECK_EQ(data[0], 0x11);
	expect_string(v, KVM_EXIT_IO_OUT, 1, 1, data);
	CHECK_EQ(data[0], 0x22);
	expect_string(v, KVM_EXIT_IO_IN, 1, 3, (u8 *)"xyz");
	expect_string(v, KVM_EXIT_IO_OUT, 1, 2, data);
	CHECK_EQ(data[0], 0x33);
	CHECK_EQ(data[1], 0x11);
	vcpu_expect(v, KVM_EXIT_HLT);
	CHECK(!memcmp(gpa_ptr(vm, 0x21010, 3), "xyz", 3), "INS wrote elsewhere");
	vcpu_get_regs(v, &regs);
	CHECK_EQ(regs.rsi & 0xffff, 1);
	CHECK_EQ(regs.rdi & 0xffff, 0x13);
	CHECK_EQ(regs.rcx & 0xffff, 0);
}

/*
 * A page fault on the buffer belongs to the guest, with the address, and leaves the registers at
 * the item it hit.
 */
GUEST_CODE static void guest_string_fault(void)
{
	u64 a = UNMAPPED, c = 4, d = PORT;
	u32 vector;

	vector = TRY("mov %%rax, %%rsi; rep outsb", a, c, d);
	G_EQ(vector, VEC_PF);
	G_EQ(SHARED->cr2, UNMAPPED);
	G_EQ(SHARED->error, 0);
	G_EQ(c, 4);
	a = UNMAPPED;
	vector = TRY("mov %%rax, %%rdi; insw", a, c, d);
	G_EQ(vector, VEC_PF);
	G_EQ(SHARED->error, 2);
	guest_done();
}

TEST(string_io_page_fault)
{
	struct vm *vm = vm_create(0);
	struct vcpu *v = vcpu_create(vm, 0);

	vcpu_set_long(v, guest_string_fault);
	/* Whether the port is read before INS faults is left open; KVM reads it. */
	switch (vcpu_next(v)) {
	case KVM_EXIT_IO:
		CHECK_EQ(v->run->io.direction, KVM_EXIT_IO_IN);
		vcpu_finish(v);
		break;
	case RUN_DONE:
		break;
	default:
		CHECK(false, "the guest came to %s", exit_name(v->run->exit_reason));
	}
}

/* What INS from a port of the PIC, which is in the kernel, must have in common with STOS. */
#define STEPPED(insn)									\
	({										\
		u64 count_ = 3, to_ = BUF;						\
		SHARED->count[VEC_DB] = 0;						\
		asm volatile("pushfq; orq $0x100, (%%rsp); popfq\n\t"			\
			     "rep " insn "\n\t"						\
			     "pushfq; andq $~0x100, (%%rsp); popfq"			\
			     : "+c"(count_), "+D"(to_) : "d"(0x21), "a"(0) : "memory", "cc");	\
		SHARED->count[VEC_DB];							\
	})

GUEST_CODE static void guest_goes_on(struct trap_frame *f) { (void)f; }

GUEST_CODE static void guest_steps_strings(void)
{
	u32 native = STEPPED("stosb");

	G_CHECK(native >= 5);
	G_EQ(STEPPED("insb"), native);
	guest_done();
}

/* With RFLAGS.TF each iteration has its trap, whoever executes it. */
TEST(string_io_single_step)
{
	struct vm *vm = vm_create(VM_IRQCHIP);
	struct vcpu *v = vcpu_create(vm, 0);

	if (strstr(device_path(), "kvm"))
		SKIP("kvm_intel loses the trap of one iteration");
	vcpu_set_long(v, guest_steps_strings);
	vm_shared(vm)->handler[VEC_DB] = guest_addr(guest_goes_on);
	vcpu_finish(v);
}
