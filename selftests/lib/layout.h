/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where things stand in a test guest's memory, and the page through which guest and host talk.
 *Guest code and host code both include this; addresses are guest-physical, and in long mode the
 *guest's page tables map the first 4 GiB 1:1.
 *
 *	0x0000	real-mode interrupt table		0x5000	PML4, PDPT, four page directories
 *	0x1000	GDT, TSS				0xb000	one page table, for tests that want
 *4 KiB pages 0x2000	IDT					0xc000	page directory for 32-bit
 *paging 0x3000	a page for the test			0xd000	real-mode code 0x4000	struct
 *guest_shared			0x20000 to 0x70000: for the test; stacks below 0x90000 0x100000 the
 *section guest_code			0x200000 to the end: for the test
 */
#ifndef LINTEL_SELFTESTS_LAYOUT_H
#define LINTEL_SELFTESTS_LAYOUT_H

#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;

#define MEM_SIZE	0x400000UL

#define GPA_GDT		0x1000UL
#define GPA_TSS		0x1200UL
#define GPA_IDT		0x2000UL
#define GPA_PAGE	0x3000UL
#define GPA_SHARED	0x4000UL
#define GPA_PML4	0x5000UL
#define GPA_PDPT	0x6000UL
#define GPA_PD		0x7000UL
#define GPA_PT		0xb000UL
#define GPA_PD32	0xc000UL
#define GPA_REAL	0xd000UL
#define GPA_FREE	0x20000UL
#define GPA_STACKS	0x90000UL
#define STACK_SIZE	0x2000UL
#define GPA_CODE	0x100000UL
#define GPA_HIGH	0x200000UL

#define SEL_CODE64	0x08
#define SEL_DATA	0x10
#define SEL_CODE32	0x18
#define SEL_CODE16	0x20
#define SEL_DATA16	0x28
#define SEL_USER_DATA	0x33
#define SEL_USER_CODE	0x3b
#define SEL_TSS		0x40	/* 16 bytes */
#define SEL_FREE	0x50	/* two free entries */
#define GDT_ENTRIES	12

/* Ports by which the guest speaks to the run loop of vm.c, 32-bit OUT. */
#define PORT_SYNC	0x510
#define PORT_ABORT	0x514
#define PORT_DONE	0x518
#define PORT_PRINT	0x51c

#define NO_TRAP		0x100

struct trap_frame {
	u64 r15, r14, r13, r12, r11, r10, r9, r8, rdi, rsi, rbp, rbx, rdx, rcx, rax;
	u64 vector, error;
	u64 rip, cs, rflags, rsp, ss;
};

struct guest_shared {
	u64 fixup;		/* where the next exception continues; 0: it is not expected */
	u64 vector;		/* of the last trap, NO_TRAP before it */
	u64 error;
	u64 rip;
	u64 cr2;
	u64 dr6;
	u64 rflags;
	u64 abort_got;
	u64 abort_want;
	u64 arg[16];		/* the test's own, both directions */
	u64 handler[128]; /* guest addresses of void (*)(struct trap_frame *), vectors 0 to 127 */
	u32 count[256];		/* traps and interrupts seen, by vector */
};

_Static_assert(sizeof(struct guest_shared) <= 4096, "the shared area is one page");

#define GUEST_CODE	__attribute__((section("guest_code"), noinline, used))

#endif
