// SPDX-License-Identifier: GPL-2.0-only
/*
 * Debug registers inside the guest: values survive exits, execution and data breakpoints and
 * single steps raise #DB with the right bits of DR6, general detect and reserved bits fault, DR4/5
 * follow CR4.DE.
 */
#include "guest.h"
#include "vm.h"

static void run_guest(void (*fn)(void))
{
	struct vcpu *v = vcpu_create(vm_create(0), 0);

	vcpu_set_long(v, fn);
	vcpu_finish(v);
}

GUEST_CODE static void guest_values(void)
{
	WRITE_DR(0, 0x1000);
	WRITE_DR(1, 0x2000);
	WRITE_DR(2, 0x7fffffff3000);
	WRITE_DR(3, 0xffff800000004000);
	WRITE_DR(7, 0x400);
	guest_sync(1);
	G_EQ(READ_DR(0), 0x1000);
	G_EQ(READ_DR(1), 0x2000);
	G_EQ(READ_DR(2), 0x7fffffff3000);
	G_EQ(READ_DR(3), 0xffff800000004000);
	G_EQ(READ_DR(7), 0x400);
	WRITE_DR(6, 0);
	G_EQ(READ_DR(6), 0xffff0ff0);
	G_EQ(READ_DR(4), READ_DR(6));			/* CR4.DE is clear: an alias */
	WRITE_CR(4, READ_CR(4) | CR4_DE);
	G_EQ(TRY0("mov %%db4, %%rax"), VEC_UD);
	G_EQ(TRY0("mov %%rax, %%db5"), VEC_UD);
	G_EQ(TRY1("mov %%rax, %%db7", 1UL << 32), VEC_GP);
	G_EQ(TRY1("mov %%rax, %%db6", 1UL << 32), VEC_GP);
	guest_done();
}

TEST(values)
{
	struct vcpu *v = vcpu_create(vm_create(0), 0);
	struct kvm_debugregs d;

	vcpu_set_long(v, guest_values);
	vcpu_expect_sync(v, 1);
	REQUIRE_OK(ioctl(v->fd, KVM_GET_DEBUGREGS, &d));
	CHECK_EQ(d.db[2], 0x7fffffff3000);
	vcpu_finish(v);
}

/* Records each #DB: RIP and DR6 into a list, then goes on; a fault-like one needs RF. */
GUEST_CODE static void guest_on_db(struct trap_frame *f)
{
	u64 n = ARG(0)++;

	if (n < 6) {
		ARG(1 + 2 * n) = f->rip;
		ARG(2 + 2 * n) = READ_DR(6);
	}
	WRITE_DR(6, 0xffff0ff0);
	f->rflags |= FLAG_RF;
}

GUEST_CODE static void guest_break(void)
{
	u64 at, after;

	guest_set_handler(VEC_DB, guest_on_db);
	asm volatile("lea 1f(%%rip), %0\n mov %0, %%db0\n mov $0x402, %%eax\n mov %%rax, %%db7\n"
		     "nop\n 1: nop\n" : "=&r"(at) :: "rax");
	G_EQ(ARG(0), 1);
	G_EQ(ARG(1), at);
	G_EQ(ARG(2), 0xffff0ff1);
	G_EQ(READ_DR(7), 0x402);
	/* DR1: writes of 4 bytes to the page; DR2: reads or writes of 1. */
	WRITE_DR(1, GPA_PAGE);
	WRITE_DR(2, GPA_PAGE + 8);
	WRITE_DR(7, 0x400 | 2 << 2 | 2 << 4 | 0xdUL << 20 | 0x3UL << 24);
	ARG(0) = 0;
	asm volatile("movl $1, (%1); 1: lea 1b(%%rip), %0"
		     : "=r"(after)
		     : "r"(GPA_PAGE)
		     : "memory");
	G_EQ(ARG(0), 1);
	G_EQ(ARG(1), after);
	G_EQ(ARG(2), 0xffff0ff2);
	asm volatile("mov (%0), %%al" :: "r"(GPA_PAGE) : "rax");
	G_EQ(ARG(0), 1);
	asm volatile("mov (%0), %%al" :: "r"(GPA_PAGE + 8) : "rax");
	G_EQ(ARG(0), 2);
	G_EQ(ARG(4), 0xffff0ff4);
	WRITE_DR(7, 0x400);
	asm volatile("movl $1, (%0)" :: "r"(GPA_PAGE) : "memory");
	G_EQ(ARG(0), 2);
	guest_done();
}

TEST(breakpoints) { run_guest(guest_break); }

GUEST_CODE static void guest_on_step(struct trap_frame *f)
{
	u64 n = ARG(0)++;

	if (n < 12)
		((volatile u64 *)GPA_PAGE)[n] = f->rip;
	G_EQ(READ_DR(6) & 0x4000, 0x4000);
	WRITE_DR(6, 0xffff0ff0);
}

/* Steps over instructions that exit: each must give exactly one #DB, behind it. */
GUEST_CODE static void guest_step(void)
{
	u64 start, a = 0, b = 0, c = 0, d = 0;
	volatile u64 *rip = (volatile u64 *)GPA_PAGE;

	guest_set_handler(VEC_DB, guest_on_step);
	asm volatile("lea 1f(%%rip), %0\n"
		     "pushf; orl $0x100, (%%rsp); popf\n"
		     "1: nop\n"				/* +1 */
		     "cpuid\n"				/* +3 */
		     "outb %%al, $0x80\n"		/* +5 */
		     "mov %%cr4, %%rax\n"		/* +8 */
		     "mov %%rax, %%cr4\n"		/* +11 */
		     "rdtsc\n"				/* +13 */
		     "inb $0x80, %%al\n"		/* +15 */
		     "pushf; andl $~0x100, (%%rsp); popf\n"
		     : "=&r"(start), "+a"(a), "+b"(b), "+c"(c), "+d"(d) :: "memory", "cc");
	G_EQ(rip[0], start + 1);
	G_EQ(rip[1], start + 3);
	G_EQ(rip[2], start + 5);
	G_EQ(rip[3], start + 8);
	G_EQ(rip[4], start + 11);
	G_EQ(rip[5], start + 13);
	G_EQ(rip[6], start + 15);
	G_EQ(ARG(0), 10);		/* and pushf, andl, popf itself */
	guest_done();
}

TEST(single_step)
{
	struct vcpu *v = vcpu_create(vm_create(0), 0);

	vcpu_set_long(v, guest_step);
	vcpu_expect(v, KVM_EXIT_IO);
	CHECK_EQ(v->run->io.direction, KVM_EXIT_IO_OUT);
	vcpu_expect(v, KVM_EXIT_IO);
	CHECK_EQ(v->run->io.direction, KVM_EXIT_IO_IN);
	vcpu_finish(v);
}

GUEST_CODE static void guest_detect(void)
{
	WRITE_DR(7, 0x400 | 1 << 13);
	G_EQ(TRY0("mov %%db0, %%rax"), VEC_DB);
	G_EQ(SHARED->dr6 & (1 << 13), 1 << 13);
	G_EQ(READ_DR(7), 0x400);		/* #DB clears GD */
	guest_done();
}

/* The handler reads DR6 itself, which it may, since #DB clears DR7.GD. */
TEST(general_detect) { run_guest(guest_detect); }

GUEST_CODE static void guest_icebp(void)
{
	G_EQ(TRY0(".byte 0xf1"), VEC_DB);
	guest_done();
}

TEST(icebp) { run_guest(guest_icebp); }
