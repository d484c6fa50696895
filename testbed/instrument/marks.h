/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How a program in the test machine talks to the counters in the emulator: by a CPUID leaf that
 * no processor has. Included by the emulator's instrumentation object and by bench/.
 *
 * CPUID with EAX = MARK_LEAF is answered by the emulator itself, in user mode, in the kernel and
 * in a guest, without a VM exit. ECX holds the operation, RSI and RDI its operands; the answer is
 * EAX = MARK_LEAF again, RBX and RDX the values. A real processor gives the data of its highest
 * basic leaf instead, which nothing else depends on, and a real hypervisor's guest exits.
 *
 * A snapshot copies the counters of every CPU into a slot; only the reading of slots costs many
 * instructions, and it is done after the last mark. Counters run always and never stop.
 */
#ifndef LINTEL_TESTBED_MARKS_H
#define LINTEL_TESTBED_MARKS_H

#define MARK_LEAF	0x4c494e54u

/* ECX. Everything else is answered with RBX = 0. */
enum {
	MARK_PRESENT,		/* RBX = MARK_VERSION, RDX = number of CPUs */
	MARK_SNAPSHOT,		/* RSI slot */
	MARK_READ,		/* RSI slot, RDI = CPU << 32 | counter; RBX = value */
	MARK_TRACE_ON,		/* record each instruction of this CPU; forgets what was recorded */
	MARK_TRACE_OFF,		/* RBX = number of instructions recorded */
	MARK_TRACE_READ,	/* RSI index; RBX = RIP, RDX = mode */
};

#define MARK_VERSION	1
#define MARK_SLOTS	512
#define MARK_TRACE_MAX	(4u << 20)

/* Who executed an instruction. */
enum { MODE_GUEST, MODE_KERNEL, MODE_USER, MODE_COUNT };

/*
 * What is counted, each by mode: counter number = class * MODE_COUNT + mode. Behind them stand
 * the VM exits by basic reason.
 */
#define MARK_CLASSES(X)									\
	X(instructions) X(vmread) X(vmwrite) X(vmptrld) X(vmptrst) X(vmclear) X(vmentry)	\
	X(invept) X(invvpid) X(rdmsr) X(wrmsr) X(xsave) X(xrstor) X(xsetbv) X(cr_write)	\
	X(dr_write) X(locked) X(iret) X(verw) X(interrupt)

#define MARK_ENUM(name)	CLASS_##name,
enum { MARK_CLASSES(MARK_ENUM) CLASS_COUNT };

#define MARK_REASONS	80
#define MARK_COUNTERS	(CLASS_COUNT * MODE_COUNT + MARK_REASONS)

#endif
