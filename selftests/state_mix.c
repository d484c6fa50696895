// SPDX-License-Identifier: GPL-2.0-only
/*
 * Registers that an exit does not save by itself: those of the guest, of the thread that runs it
 * and of its neighbours never mix.
 *
 * Guest and thread each fill all they can reach with a pattern of their own: x87, SSE, AVX and the
 * like, XCR0 and PKRU, breakpoint addresses, the MSRs of SYSCALL and SYSENTER, segment bases,
 * TSC_AUX, PAT, and SPEC_CTRL where there is one.  The guest then causes exits of each kind and
 * compares after each; the thread compares what it has after each KVM_RUN, and a breakpoint of its
 * own has to go on working.  In the last test two VMs and a thread without one share a CPU, so
 * that each is preempted in the middle by the two others.
 */
#include <asm/prctl.h>
#include <linux/hw_breakpoint.h>
#include <linux/perf_event.h>
#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "chips.h"
#include "vm.h"

#define PORT		0x3f0
#define VECTOR		0x60
#define GPA_MMIO	0xd0000000UL
#define GPA_NEW		0x10000000UL	/* pages that the guest has not touched */
#define NEW_PAGES	512
#define IMAGE		GPA_FREE	/* what the guest's extended state has to be */
#define FOUND		(GPA_FREE + 0x1000)
#define BUFFER		(GPA_FREE + 0x2000)
#define MSR_SPEC_CTRL	0x48
#define XCR0_PLAIN	0xe7UL		/* x87, SSE, AVX, AVX-512: no reserved bits */
#define SPIN		200000UL	/* of the TSC, in the guest */

/* What ARG(n) holds. */
enum { ARG_SEED, ARG_ROUNDS, ARG_SPIN, ARG_HAS, ARG_ROUND };
#define HAS_RDTSCP	1
#define HAS_PKU		2
#define HAS_SPEC_CTRL	4

GINLINE u64 pattern(u64 seed, u32 n)
{
	return (seed * 0x0101010101010101UL) ^ (n * 0x9e3779b97f4a7c15UL);
}

GINLINE u64 canonical(u64 value) { return value & 0x00007ffffffffff0UL; }

GINLINE u64 xgetbv(void)
{
	u32 a, d;

	asm volatile("xgetbv" : "=a"(a), "=d"(d) : "c"(0));
	return a | (u64)d << 32;
}

/*
 * An image in XSAVE's standard format: all but what an instruction changes by itself.  FCW, MXCSR,
 * eight x87 registers, 16 XMM registers, and all behind the header.
 */
GINLINE void fill_image(u64 *image, u64 seed, u64 xcr0, u32 size)
{
	for (u32 i = 0; i < 512; i++)
		image[i] = 0;
	image[0] = 0x37f ^ (seed & 1) << 10;		/* rounding */
	image[3] = 0x1f80 ^ (seed & 1) << 13;
	for (u32 i = 4; i < 52; i++)
		image[i] = pattern(seed, i);
	for (u32 i = 5; i < 20; i += 2)
		image[i] &= 0xffff;			/* x87 registers have ten bytes */
	image[64] = xcr0;
	for (u32 i = 72; i < size / 8; i++)
		image[i] = pattern(seed, i);
}

/* The first word that differs, or 0. */
GINLINE u32 image_differs(const u64 *image, const u64 *found, u32 size)
{
	if ((u16)image[0] != (u16)found[0] || (u32)image[3] != (u32)found[3])
		return 3;
	for (u32 i = 4; i < 52; i++)
		if (image[i] != found[i])
			return i;
	/* behind the header; between AVX and AVX-512 is room that is not moved */
	for (u32 i = 72; i < size / 8; i++)
		if (image[i] != found[i] && (i < 104 || i >= 136))
			return i;
	return 0;
}

/* Up to the end of the last component. */
GINLINE u32 image_size(u64 xcr0)
{
	return xcr0 & 0xe0 ? 2688 : xcr0 & 4 ? 832 : 576;
}

GINLINE void xrstor(const u64 *image, u64 mask)
{
	asm volatile("xrstor64 (%0)" :: "r"(image), "a"((u32)mask), "d"(0) : "memory");
}

GINLINE void xsave(u64 *image, u64 mask)
{
	asm volatile("xsave64 (%0)" :: "r"(image), "a"((u32)mask), "d"(0) : "memory");
}

/* --- the guest --- */

/* Where SYSCALL goes, by the seed: each tells which it is. */
GUEST_CODE __attribute__((naked)) static void landing_even(void)
{
	asm("mov $2, %eax\n\tjmp *%rcx");
}

GUEST_CODE __attribute__((naked)) static void landing_odd(void)
{
	asm("mov $1, %eax\n\tjmp *%rcx");
}

/* The nth MSR that is compared, and what it holds; 0: no more of them. */
GINLINE u32 msr_of(u32 n, u64 seed, u64 *value)
{
	u64 v = pattern(seed, 100 + n);

	switch (n) {
	case 0: *value = (seed & 0xff) << 51 | (u64)SEL_CODE64 << 32 | (u32)v; return MSR_STAR;
	case 1: *value = (u64)(seed & 1 ? landing_odd : landing_even); return MSR_LSTAR;
	case 2: *value = canonical(v); return MSR_CSTAR;
	case 3: *value = (seed & 1) << 10 | FLAG_TF | FLAG_NT; return MSR_FMASK;
	case 4: *value = canonical(v); return MSR_KERNEL_GS_BASE;
	case 5: *value = canonical(v); return MSR_FS_BASE;
	case 6: *value = canonical(v); return MSR_GS_BASE;
	case 7: *value = (u16)v; return MSR_SYSENTER_CS;
	case 8: *value = canonical(v); return MSR_SYSENTER_ESP;
	case 9: *value = canonical(v); return MSR_SYSENTER_EIP;
	case 10: *value = seed & 1 ? 0x0007040600070406UL : 0x0407050600010406UL; return MSR_PAT;
	default: return 0;
	}
}

GUEST_CODE static void guest_fill(u64 seed, u64 xcr0)
{
	u64 value;
	u32 msr;

	wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_SCE);
	for (u32 n = 0; (msr = msr_of(n, seed, &value)); n++)
		wrmsr(msr, value);
	if (ARG(ARG_HAS) & HAS_RDTSCP)
		wrmsr(MSR_TSC_AUX, (u32)pattern(seed, 200));
	if (ARG(ARG_HAS) & HAS_SPEC_CTRL)
		wrmsr(MSR_SPEC_CTRL, seed & 1);
	WRITE_DR(0, canonical(pattern(seed, 201)));
	WRITE_DR(1, canonical(pattern(seed, 202)));
	WRITE_DR(2, canonical(pattern(seed, 203)));
	WRITE_DR(3, canonical(pattern(seed, 204)));
	/* armed: execution, where nothing is */
	WRITE_DR(7, 0x400 | 1 << 2 * (seed & 3));
	if (ARG(ARG_HAS) & HAS_PKU)
		asm volatile("wrpkru" :: "a"((u32)pattern(seed, 205)), "c"(0), "d"(0));
	fill_image((u64 *)IMAGE, seed, xcr0, image_size(xcr0));
	xrstor((u64 *)IMAGE, xcr0);
}

GUEST_CODE static void guest_compare(u64 seed, u64 xcr0)
{
	u64 *found = (u64 *)FOUND, value;
	u32 a, c, d, msr;

	for (u32 i = 64; i < 72; i++)
		found[i] = 0;
	xsave(found, xcr0);
	G_EQ(image_differs((u64 *)IMAGE, found, image_size(xcr0)), 0);
	G_EQ(xgetbv(), xcr0);
	G_EQ(READ_DR(0), canonical(pattern(seed, 201)));
	G_EQ(READ_DR(1), canonical(pattern(seed, 202)));
	G_EQ(READ_DR(2), canonical(pattern(seed, 203)));
	G_EQ(READ_DR(3), canonical(pattern(seed, 204)));
	G_EQ(READ_DR(7), 0x400 | 1 << 2 * (seed & 3));
	for (u32 n = 0; (msr = msr_of(n, seed, &value)); n++)
		G_EQ(rdmsr(msr), value);
	/* the register itself, not what RDMSR is told */
	asm volatile("syscall" : "=a"(a) :: "rcx", "r11", "memory", "cc");
	G_EQ(a, seed & 1 ? 1 : 2);
	if (ARG(ARG_HAS) & HAS_RDTSCP) {
		asm volatile("rdtscp" : "=a"(a), "=c"(c), "=d"(d));
		G_EQ(c, (u32)pattern(seed, 200));
	}
	if (ARG(ARG_HAS) & HAS_SPEC_CTRL)
		G_EQ(rdmsr(MSR_SPEC_CTRL), seed & 1);
	if (ARG(ARG_HAS) & HAS_PKU) {
		asm volatile("rdpkru" : "=a"(a), "=d"(d) : "c"(0));
		G_EQ(a, (u32)pattern(seed, 205));
	}
}

GUEST_CODE static void on_timer(struct trap_frame *f)
{
	(void)f;
	apic_write(APIC_EOI, 0);
}

#define KINDS	12

GUEST_CODE static void guest_exit(u32 kind, u32 round)
{
	u64 count = 64, at = BUFFER, value = 0x7fff0001, t0;
	u32 a, b, c, d;

	switch (kind) {
	case 0: cpuid(0, 0, &a, &b, &c, &d); break;
	case 1: rdmsr(MSR_MISC_ENABLE); break;
	case 2: wrmsr(MSR_BIOS_SIGN_ID, 0); break;
	case 3:
		asm volatile("vmcall" : "+a"(value) : "b"(0UL), "c"(0UL), "d"(0UL), "S"(0UL)
			     : "memory");
		break;
	case 4: outb(PORT, round); break;
	case 5: inb(PORT); break;
	case 6: mmio_write(GPA_MMIO, round); break;
	case 7: mmio_read(GPA_MMIO); break;
	case 8: *(volatile u8 *)(GPA_NEW + (round / KINDS % NEW_PAGES) * 4096) = 1; break;
	case 9: asm volatile("rep insb" : "+c"(count), "+D"(at) : "d"(PORT) : "memory"); break;
	case 10:
		apic_write(APIC_TMICT, 20000);
		sti_hlt();
		cli();
		break;
	default:	/* the host's interrupts, and whoever runs meanwhile */
		for (t0 = rdtsc(); rdtsc() - t0 < ARG(ARG_SPIN);)
			cpu_relax();
	}
}

GUEST_CODE static void guest_main(void)
{
	u64 seed = ARG(ARG_SEED), xcr0;
	u32 a, b, c, d;

	WRITE_CR(0, (READ_CR(0) | CR0_MP | CR0_NE) & ~(CR0_EM | CR0_TS));
	WRITE_CR(4, READ_CR(4) | CR4_OSFXSR | CR4_OSXMMEXCPT | CR4_OSXSAVE |
		 (ARG(ARG_HAS) & HAS_PKU ? 1UL << 22 : 0));
	cpuid(0xd, 0, &a, &b, &c, &d);
	xcr0 = a & XCR0_PLAIN;
	asm volatile("xsetbv" :: "a"((u32)xcr0), "d"(0), "c"(0));
	apic_enable();
	guest_set_handler(VECTOR, on_timer);
	apic_write(APIC_LVTT, VECTOR);
	apic_write(APIC_TDCR, 0xb);
	guest_fill(seed, xcr0);
	for (u32 round = 0; round < ARG(ARG_ROUNDS); round++) {
		guest_exit(round % KINDS, round);
		ARG(ARG_ROUND) = round;
		guest_compare(seed, xcr0);
	}
	guest_done();
}

/* --- the thread --- */

struct mine {
	u64 seed, mask, fs, gs, xcr0;
	u32 size, aux, pkru;
	u16 ds, es, fs_sel, gs_sel;
	u64 image[512], found[512];
} __attribute__((aligned(64)));

static volatile u64 watched;

static bool cpu_has_pku(void)
{
	u32 a, b, c, d;

	cpuid(7, 0, &a, &b, &c, &d);
	return c >> 4 & 1;
}

static bool cpu_has_rdtscp(void)
{
	u32 a, b, c, d;

	cpuid(0x80000001, 0, &a, &b, &c, &d);
	return d >> 27 & 1;
}

static void look(struct mine *m)
{
	u32 a, d;

	REQUIRE_OK(syscall(SYS_arch_prctl, ARCH_GET_FS, &m->fs));
	REQUIRE_OK(syscall(SYS_arch_prctl, ARCH_GET_GS, &m->gs));
	m->xcr0 = xgetbv();
	if (cpu_has_rdtscp())
		asm volatile("rdtscp" : "=a"(a), "=c"(m->aux), "=d"(d));
	if (cpu_has_pku())
		asm volatile("rdpkru" : "=a"(m->pkru), "=d"(d) : "c"(0));
	asm volatile("mov %%ds, %0" : "=r"(m->ds));
	asm volatile("mov %%es, %0" : "=r"(m->es));
	asm volatile("mov %%fs, %0" : "=r"(m->fs_sel));
	asm volatile("mov %%gs, %0" : "=r"(m->gs_sel));
}

static void mine_init(struct mine *m, u64 seed)
{
	memset(m, 0, sizeof(*m));
	m->seed = seed;
	m->mask = xgetbv() & XCR0_PLAIN;
	m->size = image_size(m->mask);
	fill_image(m->image, seed, m->mask, m->size);
	REQUIRE_OK(syscall(SYS_arch_prctl, ARCH_SET_GS, canonical(pattern(seed, 300))));
	look(m);
}

/* The call, with nothing of the compiler's between the pattern and it. */
static long patterned_ioctl(struct mine *m, int fd, unsigned long cmd)
{
	register long r10 asm("r10") = 0;
	long ret = SYS_ioctl;

	memset(m->found + 64, 0, 64);
	asm volatile("mov %[mask], %%eax\n\t"
		     "xor %%edx, %%edx\n\t"
		     "xrstor64 (%[image])\n\t"
		     "mov %[nr], %%eax\n\t"
		     "xor %%edx, %%edx\n\t"
		     "syscall\n\t"
		     "mov %%rax, %%r12\n\t"
		     "mov %[mask], %%eax\n\t"
		     "xor %%edx, %%edx\n\t"
		     "xsave64 (%[found])\n\t"
		     "mov %%r12, %%rax"
		     : "=&a"(ret), "+r"(r10)
		     : [mask] "r"((u32)m->mask), [image] "r"(m->image), [found] "r"(m->found),
		       [nr] "i"(SYS_ioctl), "D"((long)fd), "S"(cmd)
		     : "rdx", "rcx", "r11", "r12", "memory", "cc");
	return ret;
}

static void mine_compare(struct mine *m)
{
	struct mine now;

	CHECK_EQ(image_differs(m->image, m->found, m->size), 0);
	memset(&now, 0, sizeof(now));
	look(&now);
	CHECK_EQ(now.fs, m->fs);
	CHECK_EQ(now.gs, m->gs);
	CHECK_EQ(now.xcr0, m->xcr0);
	CHECK_EQ(now.aux, m->aux);
	CHECK_EQ(now.pkru, m->pkru);
	CHECK_EQ(now.ds, m->ds);
	CHECK_EQ(now.es, m->es);
	CHECK_EQ(now.fs_sel, m->fs_sel);
	CHECK_EQ(now.gs_sel, m->gs_sel);
}

static void pin(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(0, &set);
	REQUIRE_OK(sched_setaffinity(0, sizeof(set), &set));
}

static struct vcpu *make(u64 seed, u32 rounds, u64 spin)
{
	struct vm *vm = vm_create(VM_IRQCHIP);
	volatile struct guest_shared *s = vm_shared(vm);
	struct vcpu *v = vcpu_create(vm, 0);
	size_t size = NEW_PAGES * 4096;
	struct kvm_cpuid_entry2 *e;
	struct cpuid c;
	void *mem = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	REQUIRE(mem != MAP_FAILED, "mmap");
	REQUIRE_OK(madvise(mem, size, MADV_NOHUGEPAGE) == 0 || errno == EINVAL ? 0 : -1);
	vm_set_region(vm, 1, 0, GPA_NEW, size, mem);
	cpuid_supported(vm->dev, &c);
	e = cpuid_find(&c, 1, 0);
	if (!e || !(e->ecx & CPUID1_ECX_XSAVE))
		SKIP("the guest has no XSAVE");
	REQUIRE_OK(ioctl(v->fd, KVM_SET_CPUID2, &c.head));
	e = cpuid_find(&c, 0x80000001, 0);
	s->arg[ARG_HAS] = e && e->edx >> 27 & 1 ? HAS_RDTSCP : 0;
	e = cpuid_find(&c, 7, 0);
	if (e && e->ecx >> 3 & 1)
		s->arg[ARG_HAS] |= HAS_PKU;
	if (e && e->edx >> 26 & 1)
		s->arg[ARG_HAS] |= HAS_SPEC_CTRL;
	vcpu_set_long(v, guest_main);
	s->arg[ARG_SEED] = seed;
	s->arg[ARG_ROUNDS] = rounds;
	s->arg[ARG_SPIN] = spin;
	return v;
}

/* Runs to the guest's end; true: it said so. */
static bool run_and_compare(struct vcpu *v, struct mine *m)
{
	for (;;) {
		long ret = patterned_ioctl(m, v->fd, KVM_RUN);

		if (!CHECK_EQ(ret, 0))
			return false;
		mine_compare(m);
		if (v->run->exit_reason == KVM_EXIT_MMIO)
			continue;
		if (!CHECK_EQ(v->run->exit_reason, KVM_EXIT_IO))
			return false;
		if (v->run->io.port == PORT_DONE)
			return true;
		if (!CHECK(v->run->io.port == PORT, "port 0x%x, guest: line %u, round %llu",
			   v->run->io.port, *(u32 *)((u8 *)v->run + v->run->io.data_offset),
			   (unsigned long long)vm_shared(v->vm)->arg[ARG_ROUND]))
			return false;
	}
}

TEST(exits_of_each_kind)
{
	static struct mine m;

	pin();
	mine_init(&m, 0x31);
	run_and_compare(make(0x52, 4 * KINDS, SPIN), &m);
	run_and_compare(make(0x53, 4 * KINDS, SPIN), &m);
}

/* A breakpoint of the thread's own: the guest's must not stand in its place afterwards. */
TEST(breakpoint_of_the_thread)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_BREAKPOINT, .size = sizeof(attr), .bp_type = HW_BREAKPOINT_W,
		.bp_addr = (u64)&watched, .bp_len = HW_BREAKPOINT_LEN_8, .exclude_kernel = 1,
	};
	static struct mine m;
	struct vcpu *v;
	u64 hits;
	int fd;

	pin();
	fd = syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0);
	if (fd < 0)
		SKIP("no breakpoints by perf_event_open(): %m");
	mine_init(&m, 0x31);
	v = make(0x52, 2 * KINDS, SPIN);
	watched = 1;
	run_and_compare(v, &m);
	watched = 2;
	REQUIRE_EQ(read(fd, &hits, sizeof(hits)), (long)sizeof(hits));
	CHECK_EQ(hits, 2);
}

struct neighbour {
	pthread_t thread;
	struct mine mine;
	struct vcpu *vcpu;		/* NULL: it only computes */
	long switches;			/* against its will */
	bool fine;
};

static volatile int running;

static void *live_beside(void *arg)
{
	struct neighbour *n = arg;
	struct rusage usage;

	pin();
	mine_init(&n->mine, n->mine.seed);
	if (n->vcpu) {
		n->fine = run_and_compare(n->vcpu, &n->mine);
		__atomic_sub_fetch(&running, 1, __ATOMIC_SEQ_CST);
	} else {
		/* a call that fails at once: the pattern is there most of the time */
		while (running) {
			patterned_ioctl(&n->mine, -1, KVM_RUN);
			mine_compare(&n->mine);
		}
		n->fine = true;
	}
	REQUIRE_OK(getrusage(RUSAGE_THREAD, &usage));
	n->switches = usage.ru_nivcsw;
	return NULL;
}

TEST_SLOW(three_on_one_cpu, 4)
{
	static struct neighbour n[3];

	for (int i = 0; i < 3; i++) {
		n[i].mine.seed = 0x61 + i;
		/* long enough in the guest that the scheduler takes the CPU away there */
		n[i].vcpu = i < 2 ? make(0x72 + i, 10 * KINDS, 40 * SPIN) : NULL;
	}
	running = 2;
	for (int i = 0; i < 3; i++)
		REQUIRE(!pthread_create(&n[i].thread, NULL, live_beside, &n[i]), "pthread_create");
	for (int i = 0; i < 3; i++)
		pthread_join(n[i].thread, NULL);
	for (int i = 0; i < 3; i++) {
		ktap_row("thread %d", i);
		CHECK(n[i].fine, "it did not come to its end");
		CHECK(n[i].switches > 3, "preempted %ld times: nothing was shown", n[i].switches);
	}
}
