/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The fuzzer of the guest's side: a case is a memory, a processor state and some instructions, all
 * made of the seed and the case's number. What its parts share:
 *
 *	memory.c	the template of the guest's memory: tables of every mode, handlers
 *	code.c		instructions
 *	state.c		registers: a mode, valid or spoilt; page tables likewise
 *	machine.c	a VM with one vCPU on a device, and the loop that runs a case
 *	compare.c	the same case on two devices
 *	main.c		options, counts, TAP
 */
#ifndef LINTEL_FUZZ_GUEST_H
#define LINTEL_FUZZ_GUEST_H

#include <stddef.h>
#include <stdio.h>

#include "../lib/newer.h"
#include "../lib/random.h"

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

/* The guest's memory; beside it are devices, and a read-only piece. */
#define MEMORY		0x80000UL
#define ROM		0x90000UL
#define ROM_BYTES	0x8000UL
#define AT_GDT		0x1000UL
#define AT_IDT32	0x2000UL
#define AT_IDT64	0x3000UL
#define AT_TSS32	0x4000UL
#define AT_TSS64	0x4800UL
#define AT_LDT		0x5000UL
#define AT_PD32		0x6000UL
#define AT_PDPT_PAE	0x7000UL
#define AT_PD		0x8000UL	/* of PAE and of IA-32e paging */
#define AT_PT		0x9000UL
#define AT_PML4		0xa000UL
#define AT_PDPT		0xb000UL
#define AT_PT32		0xc000UL
#define AT_HANDLERS	0xd000UL	/* for each vector: OUT to the port of its number, HLT */
#define AT_CODE		0x10000UL
#define AT_DATA		0x20000UL
#define AT_STACK	0x38000UL

#define SEL_CODE64	0x08
#define SEL_DATA	0x10
#define SEL_CODE32	0x18
#define SEL_CODE16	0x20
#define SEL_DATA16	0x28
#define SEL_USER_DATA	0x33
#define SEL_USER_CODE64	0x3b
#define SEL_TSS64	0x40
#define SEL_TSS32	0x50
#define SEL_LDT		0x58
#define SEL_USER_CODE32	0x63

enum mode {
	MODE_REAL, MODE_VM86, MODE_PROT16, MODE_PROT32, MODE_PAGED32, MODE_PAE, MODE_COMPAT,
	MODE_LONG, MODES,
};

extern const char *const mode_name[MODES];

#define MAX_EXITS	40
#define CODE_BYTES	256

/* What user space saw of a run, exit by exit. */
struct seen {
	u32 reason;
	u32 detail;	/* port, or kind of error */
	u64 address;
	u64 data;
};

struct outcome {
	int refused;		/* errno of the ioctl that refused the state, or 0 */
	int error;		/* errno of the last KVM_RUN, or 0 */
	unsigned int exits;
	bool endless;		/* a long string of ports: not compared */
	unsigned int asked;	/* bytes that user space has given for ports */
	struct seen seen[MAX_EXITS];
	struct kvm_regs regs;
	struct kvm_sregs sregs;
	u32 broken;		/* rules that LINTEL_EXPLAIN_ENTRY names */
	char rule[208];
};

struct guest_case {
	u64 number;
	enum mode mode;
	bool user;		/* CPL 3 */
	bool spoilt;		/* the state, or a table, is not what a processor could have */
	bool chips;		/* LAPIC, IOAPIC, PIC, PIT in the kernel */
	bool quiet;		/* nothing that depends on time */
	struct kvm_regs regs;
	struct kvm_sregs sregs;
	struct kvm_vcpu_events events;
	struct kvm_guest_debug debug;
	bool with_events, with_debug;
	unsigned int code_bytes;
	u8 code[CODE_BYTES];
	struct { u32 at; u32 bit; } flips[4];
	unsigned int nr_flips;
	struct { u32 index; u64 value; } msr[3];
	unsigned int nr_msrs;
};

/* memory.c */
void memory_template(u8 *memory);

/* code.c */
unsigned int make_code(struct random *r, const struct guest_case *c, u8 *code);
u64 interesting_address(struct random *r, const struct guest_case *c);
u32 interesting_msr(struct random *r);

/* state.c */
void make_case(struct guest_case *c, u64 seed, u64 number, bool quiet);
/* A valid state of a mode, without code; the general registers are the caller's. */
void make_plain_case(struct guest_case *c, struct random *r, enum mode mode, bool user);

/* machine.c */
struct machine {
	const char *device;
	int system, vm, vcpu;
	struct kvm_run *run;
	u8 *memory, *rom;
	bool chips, lintel;
	u64 cases;
};

bool machine_open(struct machine *m, const char *device, bool chips);
void machine_close(struct machine *m);
void machine_run(struct machine *m, const struct guest_case *c, struct outcome *o);
/* The same from @memory instead of the template. */
void machine_run_memory(struct machine *m, const struct guest_case *c, const u8 *memory,
			struct outcome *o);
void catch_ticks(void);
const char *exit_name(u32 reason);

/* compare.c */
bool compare_outcomes(const struct guest_case *c, const struct machine *a, const struct outcome *x,
		      const struct machine *b, const struct outcome *y);
void compare_report(void);
void print_case(const struct guest_case *c, const struct outcome *o);

#endif
