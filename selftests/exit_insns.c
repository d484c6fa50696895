// SPDX-License-Identifier: GPL-2.0-only
/*
 * Instructions that exit and are answered without user space: XSETBV, the VMX instructions (the
 * guest has no VMX), INVD, WBINVD, RDTSC, RDTSCP, PAUSE, MONITOR and MWAIT. Each in the guest's
 * eyes does what the SDM says for a CPU that has the features in its CPUID.
 */
#include <time.h>

#include "guest.h"
#include "vm.h"

static struct vcpu *start_without(u32 leaf1_ecx, void (*fn)(void))
{
	struct vcpu *v = vcpu_create(vm_create(0), 0);
	struct kvm_cpuid_entry2 *e;
	struct cpuid c;

	cpuid_supported(v->vm->dev, &c);
	e = cpuid_find(&c, 1, 0);
	REQUIRE(e, "CPUID has no leaf 1");
	e->ecx &= ~leaf1_ecx;
	REQUIRE_OK(ioctl(v->fd, KVM_SET_CPUID2, &c.head));
	vcpu_set_long(v, fn);
	return v;
}

static struct vcpu *start(void (*fn)(void))
{
	return start_without(0, fn);
}

#define XSETBV(index, value)						\
	({								\
		u64 a_ = (u32)(value), c_ = (index), d_ = (u64)(value) >> 32;	\
		TRY("xsetbv", a_, c_, d_);				\
	})
#define XGETBV()	({ u64 a_ = 0, c_ = 0, d_ = 0; TRY("xgetbv", a_, c_, d_); a_ | d_ << 32; })

GUEST_CODE static void guest_xsetbv(void)
{
	u32 a, b, c, d;

	G_EQ(XSETBV(0, 1), VEC_UD);			/* CR4.OSXSAVE is clear */
	WRITE_CR(4, READ_CR(4) | CR4_OSXSAVE);
	G_EQ(XGETBV(), 1);
	G_EQ(XSETBV(0, 3), NO_TRAP);
	G_EQ(XGETBV(), 3);
	cpuid(0xd, 0, &a, &b, &c, &d);
	G_CHECK(b >= 576);				/* legacy region and header */
	if (a & 4) {
		G_EQ(XSETBV(0, 7), NO_TRAP);
		cpuid(0xd, 0, &a, &b, &c, &d);
		G_CHECK(b >= 832);			/* the size follows XCR0 */
		G_EQ(XSETBV(0, 5), VEC_GP);		/* AVX without SSE */
	}
	G_EQ(XSETBV(0, 0), VEC_GP);			/* x87 is not optional */
	G_EQ(XSETBV(0, 2), VEC_GP);
	G_EQ(XSETBV(0, 1UL << 62 | 3), VEC_GP);
	G_EQ(XSETBV(1, 3), VEC_GP);			/* no XCR1 to write */
	G_EQ(SHARED->error, 0);
	guest_done();
}

TEST(xsetbv)
{
	struct vcpu *v = start(guest_xsetbv);
	struct cpuid c;

	cpuid_supported(v->vm->dev, &c);
	if (!(cpuid_find(&c, 1, 0)->ecx & CPUID1_ECX_XSAVE))
		SKIP("no XSAVE");
	vcpu_finish(v);
}

/* XMM and YMM registers survive exits to user space, which uses them itself. */
GUEST_CODE static void guest_vectors(void)
{
	volatile u64 *page = (volatile u64 *)GPA_PAGE;

	for (int i = 0; i < 8; i++)
		page[i] = 0x1111111111111111UL * (i + 1);
	asm volatile("movups (%0), %%xmm0; movups 16(%0), %%xmm15; fninit; fldl 32(%0)" ::"r"(page)
		     : "memory");
	for (int i = 0; i < 20; i++)
		guest_sync(1);
	asm volatile("movups %%xmm15, (%0); movups %%xmm0, 16(%0); fstpl 32(%0)" ::"r"(page)
		     : "memory");
	G_EQ(page[0], 0x3333333333333333);
	G_EQ(page[1], 0x4444444444444444);
	G_EQ(page[2], 0x1111111111111111);
	G_EQ(page[4], 0x5555555555555555);
	guest_done();
}

TEST(vector_registers_survive_exits)
{
	struct vcpu *v = start(guest_vectors);

	for (int i = 0; i < 20; i++) {
		vcpu_expect_sync(v, 1);
		asm volatile("pcmpeqd %xmm0, %xmm0; pcmpeqd %xmm15, %xmm15; fninit; fldpi");
	}
	vcpu_finish(v);
}

/*
 * The host's registers survive the guest: a value kept in XMM0 over KVM_RUN, which the compiler
 * does not use here.
 */
TEST(host_vector_registers_survive)
{
	struct vcpu *v = start(guest_vectors);
	u64 in[2] = { 0x0123456789abcdef, 0xfedcba9876543210 }, out[2] = { 0 };
	long r, nr = 16 /* ioctl */, fd = v->fd, cmd = KVM_RUN, arg = 0;

	asm volatile("movups %[in], %%xmm7; syscall; movups %%xmm7, %[out]"
		     : "=a"(r), [out] "=m"(out) : "a"(nr), "D"(fd), "S"(cmd), "d"(arg), [in] "m"(in)
		     : "rcx", "r11", "memory");
	CHECK_EQ(r, 0);
	CHECK_EQ(out[0], in[0]);
	CHECK_EQ(out[1], in[1]);
}

GUEST_CODE static void guest_vmx(void)
{
	*(volatile u64 *)GPA_PAGE = 0;
	G_EQ(TRY1("vmxon (%%rax)", GPA_PAGE), VEC_UD);
	G_EQ(TRY0("vmxoff"), VEC_UD);
	G_EQ(TRY1("vmclear (%%rax)", GPA_PAGE), VEC_UD);
	G_EQ(TRY1("vmptrld (%%rax)", GPA_PAGE), VEC_UD);
	G_EQ(TRY1("vmptrst (%%rax)", GPA_PAGE), VEC_UD);
	G_EQ(TRY0("vmread %%rcx, %%rax"), VEC_UD);
	G_EQ(TRY0("vmwrite %%rax, %%rcx"), VEC_UD);
	G_EQ(TRY0("vmlaunch"), VEC_UD);
	G_EQ(TRY0("vmresume"), VEC_UD);
	G_EQ(TRY0("vmfunc"), VEC_UD);
	G_EQ(TRY1("invept (%%rax), %%rcx", GPA_PAGE), VEC_UD);
	G_EQ(TRY1("invvpid (%%rax), %%rcx", GPA_PAGE), VEC_UD);
	guest_done();
}

TEST(vmx_instructions_are_undefined) { vcpu_finish(start_without(1u << 5, guest_vmx)); }

GUEST_CODE static void guest_caches(void)
{
	*(volatile u64 *)GPA_PAGE = 0x1234;
	asm volatile("wbinvd" ::: "memory");
	G_EQ(*(volatile u64 *)GPA_PAGE, 0x1234);
	*(volatile u64 *)GPA_PAGE = 0x5678;
	asm volatile("invd" ::: "memory"); /* must not throw away what is the host's too */
	G_EQ(*(volatile u64 *)GPA_PAGE, 0x5678);
	guest_done();
}

TEST(invd_and_wbinvd) { vcpu_finish(start(guest_caches)); }

GUEST_CODE static void guest_rdtsc(void)
{
	u64 last = rdtsc(), now;
	u32 a, d, c;

	for (int i = 0; i < 2000; i++) {
		now = rdtsc();
		G_CHECK(now > last);
		last = now;
		if (!(i & 63))
			outb(0x80, 0);
	}
	if (ARG(0)) {
		wrmsr(MSR_TSC_AUX, 0x12345);
		asm volatile("rdtscp" : "=a"(a), "=d"(d), "=c"(c));
		G_EQ(c, 0x12345);
		now = a | (u64)d << 32;
		G_CHECK(now > last);
		outb(0x80, 0);
		asm volatile("rdtscp" : "=a"(a), "=d"(d), "=c"(c));
		G_EQ(c, 0x12345);
	}
	WRITE_CR(4, READ_CR(4) | CR4_TSD);
	G_EQ(TRY0("rdtsc"), NO_TRAP);			/* TSD is for user mode */
	guest_done();
}

TEST(rdtsc_and_rdtscp)
{
	struct vcpu *v = start(guest_rdtsc);
	struct kvm_cpuid_entry2 *e;
	struct cpuid c;
	int event;

	cpuid_supported(v->vm->dev, &c);
	e = cpuid_find(&c, 0x80000001, 0);
	vm_shared(v->vm)->arg[0] = e && (e->edx & 1 << 27);
	while ((event = vcpu_next(v)) == KVM_EXIT_IO)
		CHECK_EQ(v->run->io.port, 0x80);
	CHECK_EQ(event, RUN_DONE);
}

/* The guest's TSC runs at the rate that KVM_GET_TSC_KHZ tells, by the host's clock. */
GUEST_CODE static void guest_tsc_rate(void)
{
	for (;;) {
		ARG(0) = rdtsc();
		guest_sync(1);
	}
}

TEST(tsc_rate)
{
	struct vcpu *v = start(guest_tsc_rate);
	volatile struct guest_shared *s = vm_shared(v->vm);
	long khz = ioctl(v->fd, KVM_GET_TSC_KHZ, 0);
	struct timespec t0, t1, wait = { .tv_nsec = 200000000 };
	u64 a, b, ns, want;

	REQUIRE(khz > 0, "KVM_GET_TSC_KHZ gives %ld", khz);
	vcpu_expect_sync(v, 1);
	vcpu_expect_sync(v, 1);
	a = s->arg[0];
	clock_gettime(CLOCK_MONOTONIC, &t0);
	nanosleep(&wait, NULL);
	vcpu_expect_sync(v, 1);
	b = s->arg[0];
	clock_gettime(CLOCK_MONOTONIC, &t1);
	ns = (t1.tv_sec - t0.tv_sec) * 1000000000UL + t1.tv_nsec - t0.tv_nsec;
	want = ns * khz / 1000000;
	CHECK(b - a > want * 9 / 10 && b - a < want * 11 / 10,
	      "%llu ticks in %llu ns, expected about %llu", (unsigned long long)(b - a),
	      (unsigned long long)ns, (unsigned long long)want);
}

GUEST_CODE static void guest_pause_loop(void)
{
	for (u64 i = 0; i < 100000; i++)
		cpu_relax();
	guest_done();
}

TEST(pause_loop) { vcpu_finish(start(guest_pause_loop)); }

/*
 * Not in CPUID, but harmless: KVM lets MONITOR and MWAIT be no operations or #UD (its quirk says
 * which).
 */
GUEST_CODE static void guest_mwait(void)
{
	u32 v = TRY1("monitor", GPA_PAGE);

	G_CHECK(v == NO_TRAP || v == VEC_UD);
	v = TRY0("mwait");
	G_CHECK(v == NO_TRAP || v == VEC_UD);
	guest_done();
}

TEST(monitor_mwait) { vcpu_finish(start(guest_mwait)); }

GUEST_CODE static void guest_descriptor_tables(void)
{
	struct __attribute__((packed)) { u16 limit; u64 base; } t = { 0, 0 };
	u16 sel;

	asm volatile("sgdt %0" : "=m"(t));
	G_EQ(t.base, GPA_GDT);
	asm volatile("sidt %0" : "=m"(t));
	G_EQ(t.base, GPA_IDT);
	G_EQ(t.limit, 4095);
	asm volatile("str %0" : "=r"(sel));
	G_EQ(sel, SEL_TSS);
	t.limit = GDT_ENTRIES * 8 - 1;
	t.base = GPA_GDT;
	asm volatile("lgdt %0" :: "m"(t));
	asm volatile("lldt %0" :: "r"((u16)0));
	asm volatile("sldt %0" : "=r"(sel));
	G_EQ(sel, 0);
	asm volatile("invlpg (%0)" :: "r"(GPA_PAGE) : "memory");
	guest_done();
}

TEST(descriptor_tables) { vcpu_finish(start(guest_descriptor_tables)); }
