/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A test is a script: rows that say what the guest or a device does and what it must see.
 * Each script runs in a VM of its own with four vCPUs and all chips, and is one line of TAP.
 */
#ifndef LINTEL_IRQ_TEST_SCRIPT_H
#define LINTEL_IRQ_TEST_SCRIPT_H

#include "../../test/tap.h"
#include "../chips.h"
#include "../lapic.h"

enum op {
	OP_END, OP_OUT, OP_IN, OP_LINE, OP_PENDING, OP_ACK, OP_WRITE, OP_READ, OP_IOAPIC_WRITE,
	OP_IOAPIC_READ, OP_WRMSR, OP_RDMSR, OP_NO_RDMSR, OP_BASE, OP_HOST_BASE, OP_AFTER, OP_NMIS,
	OP_INIT, OP_SIPI, OP_RESET, OP_MSI, OP_DEADLINE, OP_IS_DEADLINE, OP_CR8, OP_NOTIFIED,
	OP_TAKE_ALL, OP_PIC_TAKE_ALL, OP_REINJECT, OP_INTERRUPTS, OP_NO_PIO, OP_RESTORE,
	OP_TSC_OFFSET, OP_IN_MASK, OP_EOI_SEEN, OP_EOI_CHANGED, OP_EXITS_AFTER, OP_WAITS,
	OP_RESAMPLE, OP_RAISE, OP_RESAMPLED, OP_SPLIT, OP_ROUTE_MSI, OP_X2APIC_API, OP_EXTINT,
	OP_EOI_EXIT,
};

struct step {
	enum op op;
	unsigned int cpu;
	u64 a, b;
	s64 expect;
	int line;
};

#define STEP(op_, cpu_, a_, b_, expect_) \
	{ .op = OP_##op_, .cpu = (cpu_), .a = (a_), .b = (b_), .expect = (expect_), \
	  .line = __LINE__ }

#define OUT(port, value)		STEP(OUT, 0, port, value, 0)
#define IN(port, expect)		STEP(IN, 0, port, 0, expect)
#define IN_MASK(port, mask, expect)	STEP(IN_MASK, 0, port, mask, expect)
#define NO_PIO(port)			STEP(NO_PIO, 0, port, 0, 0)
#define LINE(gsi, level, expect)	STEP(LINE, 0, gsi, level, expect)
#define PENDING(cpu, expect)		STEP(PENDING, cpu, 0, 0, expect)
#define ACK(cpu, expect)		STEP(ACK, cpu, 0, 0, expect)
#define WRITE(cpu, reg, value)		STEP(WRITE, cpu, reg, value, 0)
#define READ(cpu, reg, expect)		STEP(READ, cpu, reg, 0, expect)
#define IOAPIC_WRITE(reg, value)	STEP(IOAPIC_WRITE, 0, reg, value, 0)
#define IOAPIC_READ(reg, expect)	STEP(IOAPIC_READ, 0, reg, 0, expect)
#define WRMSR(cpu, reg, value, ret)	STEP(WRMSR, cpu, 0x800 + (reg) / 16, value, ret)
#define RDMSR(cpu, reg, expect)		STEP(RDMSR, cpu, 0x800 + (reg) / 16, 0, expect)
#define NO_RDMSR(cpu, reg)		STEP(NO_RDMSR, cpu, 0x800 + (reg) / 16, 0, 0)
#define BASE(cpu, value, ret)		STEP(BASE, cpu, value, 0, ret)
#define HOST_BASE(cpu, value, ret)	STEP(HOST_BASE, cpu, value, 0, ret)
#define AFTER(ns)			STEP(AFTER, 0, ns, 0, 0)
#define NMIS(cpu, expect)		STEP(NMIS, cpu, 0, 0, expect)
#define INIT(cpu, expect)		STEP(INIT, cpu, 0, 0, expect)
#define SIPI(cpu, expect)		STEP(SIPI, cpu, 0, 0, expect)
#define RESET(cpu, init)		STEP(RESET, cpu, init, 0, 0)
#define MSI(address, data, expect)	STEP(MSI, 0, address, data, expect)
#define DEADLINE(cpu, value)		STEP(DEADLINE, cpu, value, 0, 0)
#define IS_DEADLINE(cpu, expect)	STEP(IS_DEADLINE, cpu, 0, 0, expect)
#define CR8(cpu, value)			STEP(CR8, cpu, value, 0, 0)
/* the vCPU was notified at least once since the last NOTIFIED (1), or not at all (0) */
#define NOTIFIED(cpu, expect)		STEP(NOTIFIED, cpu, 0, 0, expect)
/* take interrupts, with EOI at the LAPIC or the PIC, until none is left: how many */
#define TAKE_ALL(cpu, expect)		STEP(TAKE_ALL, cpu, 0, 0, expect)
#define PIC_TAKE_ALL(cpu, expect)	STEP(PIC_TAKE_ALL, cpu, 0, 0, expect)
#define REINJECT(on)			STEP(REINJECT, 0, on, 0, 0)
/* host timer interrupts since the last INTERRUPTS, at most */
#define INTERRUPTS(at_most)		STEP(INTERRUPTS, 0, 0, 0, at_most)
/* get the state of every chip and LAPIC and set it again, in a new VM */
#define RESTORE				STEP(RESTORE, 0, 0, 0, 0)
/* the EOI of the vector by this vCPU has to be seen */
#define EOI_SEEN(cpu, vector, expect)	STEP(EOI_SEEN, cpu, vector, 0, expect)
/* the answer of EOI_SEEN was said to change since the last EOI_CHANGED */
#define EOI_CHANGED(cpu, expect)	STEP(EOI_CHANGED, cpu, 0, 0, expect)
/* an irqfd with a resample eventfd stands at the GSI; RAISE: it was signalled */
#define RESAMPLE(gsi)			STEP(RESAMPLE, 0, gsi, 0, 0)
#define RAISE				STEP(RAISE, 0, 0, 0, 0)
/* how often its device was asked since the last RESAMPLED */
#define RESAMPLED(expect)		STEP(RESAMPLED, 0, 0, 0, expect)
/* go on in a new VM whose irqchip is split, with one route: GSI 4 to this message */
#define SPLIT				STEP(SPLIT, 0, 0, 0, 0)
#define ROUTE_MSI(address, data, ret)	STEP(ROUTE_MSI, 0, address, data, ret)
#define X2APIC_API(flags)		STEP(X2APIC_API, 0, flags, 0, 0)
#define EXTINT(cpu, vector, ret)	STEP(EXTINT, cpu, vector, 0, ret)
#define EOI_EXIT(cpu, expect)		STEP(EOI_EXIT, cpu, 0, 0, expect)
#define TSC_OFFSET(cpu, value)		STEP(TSC_OFFSET, cpu, value, 0, 0)
/* the preemption timer is to make the guest exit in so many ns from now; -1: it is not armed */
#define EXITS_AFTER(cpu, expect)	STEP(EXITS_AFTER, cpu, 0, 0, expect)
/* the vCPU's thread goes to wait in HLT (1), or comes back (0) */
#define WAITS(cpu, waits)		STEP(WAITS, cpu, waits, 0, 0)

struct script {
	const char *name;
	const struct step *steps;
};

/* Scripts of one file end with an entry whose name is NULL. */
#define SCRIPT(name, ...) { name, (const struct step[]){ __VA_ARGS__, { .op = OP_END } } }

#define TEST_VCPUS	4

struct lintel_vm *test_vm_create(bool split);
void test_vm_destroy(struct lintel_vm *vm);

extern const struct script pic_scripts[], ioapic_scripts[], pit_scripts[], lapic_scripts[],
	ipi_scripts[], timer_scripts[], preemption_scripts[];

void test_routing(void);
void test_random(void);
void test_map(void);

#endif
