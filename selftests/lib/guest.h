/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What guest code is written with. A function marked GUEST_CODE goes to the section guest_code,
 * which is copied whole to GPA_CODE, so it may call and point at other GUEST_CODE, and nothing
 * else: no string literals, no library. Helpers here are inlined into it.
 *
 * TRY() executes one instruction that may fault: the exception handler of guest.c continues behind
 * it, and the value is the vector, or NO_TRAP. G_CHECK() and G_EQ() end the test with the line
 * number of the guest code.
 */
#ifndef LINTEL_SELFTESTS_GUEST_H
#define LINTEL_SELFTESTS_GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include "layout.h"
#include "x86.h"

#define GINLINE		static inline __attribute__((always_inline, unused))

#define SHARED		((volatile struct guest_shared *)GPA_SHARED)
#define ARG(n)		(SHARED->arg[n])

GINLINE void outb(u16 port, u8 v) { asm volatile("outb %0, %1" :: "a"(v), "Nd"(port) : "memory"); }
GINLINE void outw(u16 port, u16 v) { asm volatile("outw %0, %1" :: "a"(v), "Nd"(port) : "memory"); }
GINLINE void outl(u16 port, u32 v) { asm volatile("outl %0, %1" :: "a"(v), "Nd"(port) : "memory"); }

GINLINE u8 inb(u16 port)
{
	u8 v;

	asm volatile("inb %1, %0" : "=a"(v) : "Nd"(port) : "memory");
	return v;
}

GINLINE u32 inl(u16 port)
{
	u32 v;

	asm volatile("inl %1, %0" : "=a"(v) : "Nd"(port) : "memory");
	return v;
}

GINLINE void guest_sync(u32 stage) { outl(PORT_SYNC, stage); }
GINLINE void guest_print(u32 value) { outl(PORT_PRINT, value); }

GINLINE void guest_done(void)
{
	for (;;)
		outl(PORT_DONE, 0);
}

GINLINE void guest_abort(u32 line, u64 got, u64 want)
{
	SHARED->abort_got = got;
	SHARED->abort_want = want;
	for (;;)
		outl(PORT_ABORT, line);
}

#define G_CHECK(cond)		do { if (!(cond)) guest_abort(__LINE__, 0, 1); } while (0)
#define G_EQ(got, want)							\
	do {								\
		u64 got_ = (u64)(got), want_ = (u64)(want);		\
		if (got_ != want_)					\
			guest_abort(__LINE__, got_, want_);		\
	} while (0)

/*
 * The instruction finds a, c and d in RAX, RCX and RDX and leaves them there; RBX, RSI and RDI are
 * free.
 */
#define TRY(insn, a, c, d)								\
	({										\
		SHARED->vector = NO_TRAP;						\
		asm volatile("lea 771f(%%rip), %%r8\n\t"				\
			     "mov %%r8, %c[fix]\n\t"					\
			     insn "\n"							\
			     "771:\n\t"							\
			     "movq $0, %c[fix]"						\
			     : "+a"(a), "+c"(c), "+d"(d)				\
			     : [fix] "i"(GPA_SHARED + offsetof(struct guest_shared, fixup)) \
			     : "rbx", "rsi", "rdi", "r8", "memory", "cc");				\
		(u32)SHARED->vector;							\
	})

/* For instructions without operands of interest. */
#define TRY0(insn)	({ u64 a_ = 0, c_ = 0, d_ = 0; TRY(insn, a_, c_, d_); })
#define TRY1(insn, ax)	({ u64 a_ = (u64)(ax), c_ = 0, d_ = 0; TRY(insn, a_, c_, d_); })

GINLINE u32 try_rdmsr(u32 index, u64 *value)
{
	u64 a = 0, c = index, d = 0;
	u32 vector = TRY("rdmsr", a, c, d);

	*value = (u32)a | d << 32;
	return vector;
}

GINLINE u32 try_wrmsr(u32 index, u64 value)
{
	u64 a = (u32)value, c = index, d = value >> 32;

	return TRY("wrmsr", a, c, d);
}

GINLINE u64 rdmsr(u32 index)
{
	u32 a, d;

	asm volatile("rdmsr" : "=a"(a), "=d"(d) : "c"(index) : "memory");
	return a | (u64)d << 32;
}

GINLINE void wrmsr(u32 index, u64 value)
{
	asm volatile("wrmsr" :: "a"((u32)value), "d"((u32)(value >> 32)), "c"(index) : "memory");
}

GINLINE u64 rdtsc(void)
{
	u32 a, d;

	asm volatile("lfence; rdtsc" : "=a"(a), "=d"(d) :: "memory");
	return a | (u64)d << 32;
}

GINLINE void cpuid(u32 leaf, u32 sub, u32 *a, u32 *b, u32 *c, u32 *d)
{
	asm volatile("cpuid"
		     : "=a"(*a), "=b"(*b), "=c"(*c), "=d"(*d)
		     : "a"(leaf), "c"(sub)
		     : "memory");
}

#define READ_CR(n)	({ u64 v_; asm volatile("mov %%cr" #n ", %0" : "=r"(v_) :: "memory"); v_; })
#define WRITE_CR(n, v)	asm volatile("mov %0, %%cr" #n :: "r"((u64)(v)) : "memory")
#define READ_DR(n)	({ u64 v_; asm volatile("mov %%dr" #n ", %0" : "=r"(v_) :: "memory"); v_; })
#define WRITE_DR(n, v)	asm volatile("mov %0, %%dr" #n :: "r"((u64)(v)) : "memory")

GINLINE void sti(void) { asm volatile("sti" ::: "memory"); }
GINLINE void cli(void) { asm volatile("cli" ::: "memory"); }
GINLINE void hlt(void) { asm volatile("hlt" ::: "memory"); }
GINLINE void sti_hlt(void) { asm volatile("sti; hlt" ::: "memory"); }
GINLINE void cpu_relax(void) { asm volatile("pause" ::: "memory"); }

GINLINE u64 read_flags(void)
{
	u64 v;

	asm volatile("pushf; pop %0" : "=r"(v) :: "memory");
	return v;
}

/* Memory-mapped registers, the local APIC's above all. */
GINLINE u32 mmio_read(u64 gpa) { return *(volatile u32 *)gpa; }
GINLINE void mmio_write(u64 gpa, u32 v) { *(volatile u32 *)gpa = v; }
GINLINE u32 apic_read(u32 reg) { return mmio_read(APIC_BASE + reg); }
GINLINE void apic_write(u32 reg, u32 v) { mmio_write(APIC_BASE + reg, v); }

/* Sets the handler of a vector below 128. */
GINLINE void guest_set_handler(u32 vector, void (*fn)(struct trap_frame *))
{
	SHARED->handler[vector] = (u64)fn;
}

#endif
