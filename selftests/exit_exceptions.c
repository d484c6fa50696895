// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exceptions that the guest raises reach the guest's own handlers, with vector, error code, RIP
 * and CR2, although some of them are intercepted; and endless loops of delivery (#AC and #DB)
 * never hang the host: the watchdog of the harness and the timer of this file get through.
 */
#include <signal.h>
#include <sys/time.h>

#include "guest.h"
#include "vm.h"

static struct vcpu *start(void (*fn)(void))
{
	struct vcpu *v = vcpu_create(vm_create(0), 0);

	vcpu_set_long(v, fn);
	return v;
}

#define UNMAPPED	0x40000000000UL
#define USER_STACK	0x60000UL

GUEST_CODE static void guest_plain(void)
{
	u64 a = 1, c = 0, d = 0;

	G_EQ(TRY0("ud2"), VEC_UD);
	G_EQ(TRY0("int3"), VEC_BP);
	G_EQ(TRY("div %%ecx", a, c, d), VEC_DE);
	G_EQ(TRY0("int $4"), VEC_OF);
	G_EQ(TRY1("mov %%ax, %%ss", SEL_CODE64), VEC_GP);
	G_EQ(SHARED->error, SEL_CODE64);
	G_EQ(TRY1("mov %%ax, %%ds", 0x58), VEC_GP);		/* an empty descriptor */
	G_EQ(SHARED->error, 0x58);
	G_EQ(TRY1("mov (%%rax), %%rax", 0x800000000000UL), VEC_GP);	/* not canonical */
	G_EQ(TRY0("int $0xff"), NO_TRAP); /* handled below as a vector of its own */
	guest_done();
}

GUEST_CODE static void guest_ignore(struct trap_frame *f) { (void)f; }

TEST(ud_bp_de_of_gp)
{
	struct vcpu *v = start(guest_plain);
	u64 *idt = gpa_ptr(v->vm, GPA_IDT, 4096);

	/* Vector 0xff shares the stub of vector 0x20, which returns. */
	idt[2 * 0xff] = idt[2 * 0x20];
	idt[2 * 0xff + 1] = idt[2 * 0x20 + 1];
	vm_shared(v->vm)->handler[0x20] = guest_addr(guest_ignore);
	vcpu_finish(v);
	CHECK_EQ(vm_shared(v->vm)->count[0x20], 1);
}

GUEST_CODE static void guest_pf(void)
{
	volatile u64 *pd = (volatile u64 *)GPA_PD;

	G_EQ(TRY1("mov (%%rax), %%rax", UNMAPPED + 0x123), VEC_PF);
	G_EQ(SHARED->cr2, UNMAPPED + 0x123);
	G_EQ(SHARED->error, 0);
	G_EQ(TRY1("mov %%rax, (%%rax)", UNMAPPED), VEC_PF);
	G_EQ(SHARED->error, 2);
	/* 0x40000000: mapped; then read-only, then no-execute, then with a reserved bit. */
	pd[512] = 0x200000 | PTE_P | PTE_PS;
	WRITE_CR(3, READ_CR(3));
	G_EQ(TRY1("mov (%%rax), %%rax", 0x40000000), NO_TRAP);
	G_EQ(TRY1("mov %%rax, (%%rax)", 0x40000008), VEC_PF);
	G_EQ(SHARED->error, 3);
	G_EQ(SHARED->cr2, 0x40000008);
	pd[512] = 0x200000 | PTE_P | PTE_PS | PTE_NX;
	WRITE_CR(3, READ_CR(3));
	/* A call puts the way back on the stack; the fault leaves it there. */
	*(volatile u8 *)0x200000 = 0xc3;
	G_EQ(TRY1("lea 2f(%%rip), %%rbx; push %%rbx; push %%rax; ret; 2:", 0x40000000), VEC_PF);
	G_EQ(SHARED->error, 0x11);
	G_EQ(SHARED->rip, 0x40000000);
	asm volatile("pop %%rbx" ::: "rbx", "memory");
	pd[512] = 0x200000 | PTE_P | PTE_PS | 1UL << 51;
	WRITE_CR(3, READ_CR(3));
	G_EQ(TRY1("mov (%%rax), %%rax", 0x40000010), VEC_PF);
	G_EQ(SHARED->error, 9);
	G_CHECK(!(READ_CR(2) & 0xf));
	guest_done();
}

TEST(pf_error_codes) { vcpu_finish(start(guest_pf)); }

GUEST_CODE static void guest_df(struct trap_frame *f)
{
	G_EQ(f->error, 0);
	ARG(0) = 1;
	guest_done();
}

/* A #GP whose delivery faults (its gate is not present: #NP) is a #DF. */
GUEST_CODE static void guest_raise_df(void)
{
	volatile u64 *idt = (volatile u64 *)GPA_IDT;

	guest_set_handler(VEC_DF, guest_df);
	idt[2 * VEC_GP] &= ~(1UL << 47);
	idt[2 * VEC_NP] &= ~(1UL << 47);
	asm volatile("mov %0, %%ss" :: "r"(SEL_CODE64));
	guest_abort(__LINE__, 0, 0);
}

TEST(double_fault)
{
	struct vcpu *v = start(guest_raise_df);

	vcpu_finish(v);
	CHECK_EQ(vm_shared(v->vm)->arg[0], 1);
}

GUEST_CODE static void guest_nm(void)
{
	WRITE_CR(0, READ_CR(0) | CR0_TS);
	G_EQ(TRY0("fninit"), VEC_NM);
	G_EQ(TRY0("movups %%xmm0, %%xmm1"), VEC_NM);
	asm volatile("clts");
	G_EQ(TRY0("fninit"), NO_TRAP);
	WRITE_CR(0, (READ_CR(0) | CR0_EM) & ~CR0_MP);
	G_EQ(TRY0("fninit"), VEC_NM);
	G_EQ(TRY0("movups %%xmm0, %%xmm1"), VEC_UD);
	WRITE_CR(0, (READ_CR(0) & ~CR0_EM) | CR0_MP);
	WRITE_CR(4, READ_CR(4) & ~CR4_OSFXSR);
	G_EQ(TRY0("movups %%xmm0, %%xmm1"), VEC_UD);
	guest_done();
}

TEST(nm_and_em) { vcpu_finish(start(guest_nm)); }

/* Goes to user mode at fn with the flags given; comes back only by an exception or interrupt. */
static inline __attribute__((always_inline)) void enter_user(void (*fn)(void), u64 flags)
{
	asm volatile("pushq %0; pushq %1; pushq %2; pushq %3; pushq %4; iretq" ::"i"(SEL_USER_DATA),
		     "r"(USER_STACK), "r"(flags), "i"(SEL_USER_CODE), "r"(fn)
		     : "memory");
}

GUEST_CODE static void user_unaligned(void)
{
	asm volatile("mov %%rsp, %%rax; mov 1(%%rax), %%ebx" ::: "rax", "rbx", "memory");
	asm volatile("int3");
}

GUEST_CODE static void guest_on_ac(struct trap_frame *f)
{
	G_EQ(f->error, 0);
	G_EQ(f->cs & 3, 3);
	ARG(0)++;
	if (ARG(0) == 3)
		f->rflags &= ~FLAG_AC;		/* the third time it goes through */
}

GUEST_CODE static void guest_on_bp(struct trap_frame *f)
{
	G_EQ(f->cs & 3, 3);
	G_EQ(ARG(0), 3);
	guest_done();
}

GUEST_CODE static void guest_ac(void)
{
	WRITE_CR(0, READ_CR(0) | CR0_AM);
	guest_set_handler(VEC_AC, guest_on_ac);
	guest_set_handler(VEC_BP, guest_on_bp);
	enter_user(user_unaligned, FLAG_FIXED | FLAG_AC);
}

TEST(alignment_check) { vcpu_finish(start(guest_ac)); }

/* User mode: privileged instructions and pages without U are refused. */
GUEST_CODE static void user_privileged(void)
{
	G_EQ(TRY0("hlt"), VEC_GP);
	G_EQ(TRY0("mov %%cr0, %%rax"), VEC_GP);
	G_EQ(TRY0("mov %%rax, %%cr8"), VEC_GP);
	G_EQ(TRY0("mov %%db0, %%rax"), VEC_GP);
	G_EQ(TRY0("cli"), VEC_GP);
	G_EQ(TRY0("wbinvd"), VEC_GP);
	G_EQ(TRY0("xor %%ecx, %%ecx; rdmsr"), VEC_GP);
	G_EQ(TRY0("in $0x80, %%al"), VEC_GP);
	G_EQ(TRY0("lgdt (%%rsp)"), VEC_GP);
	G_EQ(TRY0("clts"), VEC_GP);
	G_EQ(TRY1("invlpg (%%rax)", 0), VEC_GP);
	G_EQ(TRY1("mov (%%rax), %%rax", 0x40000000), VEC_PF);
	G_EQ(SHARED->error, 5);
	G_EQ(TRY1("mov %%rax, (%%rax)", 0x40000000), VEC_PF);
	G_EQ(SHARED->error, 7);
	ARG(0) = 3;
	asm volatile("int3");
}

GUEST_CODE static void guest_user(void)
{
	((volatile u64 *)GPA_PD)[512] = 0x200000 | PTE_P | PTE_W | PTE_PS;
	guest_set_handler(VEC_BP, guest_on_bp);
	enter_user(user_privileged, FLAG_FIXED);
}

static void on_tick(int sig) { (void)sig; }

/*
 * G_EQ() needs a port in user mode: IOPL 3 would allow IN, so the I/O bitmap is used and
 * PORT_ABORT is in it.
 */
TEST(user_mode)
{
	struct vcpu *v = start(guest_user);
	struct kvm_sregs s;
	u8 *tss = gpa_ptr(v->vm, GPA_TSS, 0x400);

	vcpu_get_sregs(v, &s);
	s.tr.limit = 104 + PORT_PRINT / 8 + 2;
	vcpu_set_sregs(v, &s);
	*(u16 *)(tss + 102) = 104;
	memset(tss + 104, 0xff, PORT_PRINT / 8 + 2);
	memset(tss + 104 + PORT_ABORT / 8, 0, 1);
	vcpu_finish(v);
}

/* Runs the vCPU for a while under a timer and demands that KVM_RUN always comes back. */
static void run_for_a_while(struct vcpu *v)
{
	struct itimerval often = { .it_value.tv_usec = 20000, .it_interval.tv_usec = 20000 };
	struct sigaction sa = { .sa_handler = on_tick };

	sigaction(SIGVTALRM, &sa, NULL);
	sigaction(SIGPROF, &sa, NULL);
	setitimer(ITIMER_PROF, &often, NULL);
	for (int i = 0; i < 10; i++) {
		int r = ioctl(v->fd, KVM_RUN, 0);

		if (r == 0)	/* the guest has ended in some way: also no hang */
			break;
		REQUIRE(errno == EINTR, "KVM_RUN: %m");
		REQUIRE(!ktap_timed_out(), "KVM_RUN came back only %d times", i);
	}
	often.it_value.tv_usec = 0;
	setitimer(ITIMER_PROF, &often, NULL);
	ktap_note("the loop ends with exit %d (%s)", v->run->exit_reason,
		  exit_name(v->run->exit_reason));
	if (v->run->exit_reason == KVM_EXIT_INTERNAL_ERROR)
		ktap_note("suberror %u, %u data: %llx %llx %llx", v->run->internal.suberror,
			  v->run->internal.ndata, v->run->internal.data[0],
			  v->run->internal.data[1], v->run->internal.data[2]);
	vcpu_dump(v);
}

/*
 * The handler of #AC runs in user mode on an unaligned stack with alignment checks on, so its
 * delivery raises #AC again, for ever (CVE-2015-5307). A 32-bit interrupt gate to CPL 3 code makes
 * that possible.
 */
PM_CODE(ac_loop,
	"mov %cr0, %eax; or $0x40000, %eax; mov %eax, %cr0\n"
	"mov $0x53, %eax; mov %eax, %ds; mov %eax, %es\n"
	"lidt 0x3ff0\n"
	"push $0x53; push $0x60001; push $0x40002; push $0x5b\n"
	"push $0xd000 + (ac_user - ac_loop_start)\n"
	"iretl\n"
	"ac_user: mov (%esp), %eax; jmp ac_user\n");

TEST(ac_loop_does_not_hang)
{
	struct vcpu *v = vcpu_create(vm_create(0), 0);
	u64 *gdt, *idt;
	u8 *p;

	vcpu_set_protected(v, CODE(ac_loop));
	gdt = gpa_ptr(v->vm, GPA_GDT, GDT_ENTRIES * 8);
	gdt[0x50 / 8] = 0x00cff3000000ffff;	/* user data */
	gdt[0x58 / 8] = 0x00cffb000000ffff;	/* user code */
	idt = gpa_ptr(v->vm, GPA_IDT, 256 * 8);
	for (int i = 0; i < 32; i++)	/* 32-bit gates to user code at the loop itself */
		idt[i] = GPA_REAL | 0x5bull << 16 | 0xeeull << 40;
	p = gpa_ptr(v->vm, 0x3ff0, 6);
	*(u16 *)p = 256 * 8 - 1;
	*(u32 *)(p + 2) = GPA_IDT;
	run_for_a_while(v);
}

/*
 * A data breakpoint on the stack slot that the delivery of #DB itself writes: #DB for ever
 * (CVE-2015-8104).
 */
GUEST_CODE static void guest_db_loop(void)
{
	u64 sp;

	asm volatile("mov %%rsp, %0" : "=r"(sp));
	/*
	 * The frame is pushed below an aligned RSP; SS, RSP, RFLAGS, CS and RIP are its five
	 * slots.
	 */
	sp &= ~0xfUL;
	WRITE_DR(0, sp - 8);
	WRITE_DR(1, sp - 16);
	WRITE_DR(2, sp - 24);
	WRITE_DR(3, sp - 32);
	WRITE_DR(7, 0x4aaUL | 0x9999UL << 16);
	for (;;)
		asm volatile("push %%rax; pop %%rax; int3" ::: "memory");
}

GUEST_CODE static void guest_db_return(struct trap_frame *f) { f->rflags |= FLAG_RF; }

TEST(db_loop_does_not_hang)
{
	struct vcpu *v = start(guest_db_loop);
	volatile struct guest_shared *s = vm_shared(v->vm);

	s->handler[VEC_DB] = guest_addr(guest_db_return);
	s->handler[VEC_BP] = guest_addr(guest_db_return);
	run_for_a_while(v);
}

/* A #PF loop: the handler's own stack is the unmapped page's neighbour, RIP never advances. */
GUEST_CODE static void guest_on_pf_again(struct trap_frame *f)
{
	(void)f;
	ARG(0)++;
}

GUEST_CODE static void guest_pf_loop(void)
{
	guest_set_handler(VEC_PF, guest_on_pf_again);
	asm volatile("mov (%0), %%rax" :: "r"(UNMAPPED) : "rax");
	guest_done();
}

TEST(pf_loop_does_not_hang)
{
	struct vcpu *v = start(guest_pf_loop);

	run_for_a_while(v);
	CHECK(vm_shared(v->vm)->arg[0] > 100, "%llu faults",
	      (unsigned long long)vm_shared(v->vm)->arg[0]);
}

/* Exceptions in real mode go through the interrupt table at 0. */
RM_CODE(real_de,
	"movw $0xd000 + (on_de - real_de_start), 0; movw $0, 2; xor %cx, %cx; div %cx; hlt;"
	"on_de: mov $0x600d, %bx; hlt");

TEST(real_mode_de)
{
	struct vcpu *v = vcpu_create(vm_create(0), 0);
	struct kvm_regs regs;

	vcpu_set_real(v, CODE(real_de));
	vcpu_expect(v, KVM_EXIT_HLT);
	vcpu_get_regs(v, &regs);
	CHECK_EQ(regs.rbx, 0x600d);
}
