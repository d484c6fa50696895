/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The interpreter: decodes and executes one x86 instruction on behalf of a vCPU.
 *
 * It is used where the hardware stops on an instruction and does not say enough to finish it: an
 * access to memory-mapped I/O, string I/O, a descriptor-table or control-register form. It is a
 * leaf: it calls nothing but the functions of struct emulate_ops, allocates nothing, never sleeps
 * by itself (an op may), never recurses, and uses no floating point. The same sources are built
 * in userspace and compared there with the real CPU.
 *
 * How it is used
 *	Once per vCPU:	allocate struct emulate_ctxt (zeroed), set .ops and .private.
 *	Per call:	fill in the members marked "in", call emulate_one(), then act on the result
 *			and write back the members marked "out".
 *
 * Results (enum emulate_result), of emulate_one() and of every op that returns int
 *	EMULATE_OK		done.
 *	EMULATE_FAULT		an exception is due; it stands in ctxt->exception. An op that
 *				returns this has filled it in with emulate_raise() or
 *				emulate_raise_pf().
 *	EMULATE_TO_USER		the op cannot be finished without user space (a read of MMIO or of
 *				a port). See "restart".
 *	EMULATE_UNHANDLED	the instruction, or this use of it, is not supported. The core
 *				reports an internal error, with ctxt->insn.bytes[0 .. fetched-1].
 *	EMULATE_RETRY		only from cmpxchg_mem(): memory did not hold the old value.
 *
 * What the out members hold
 *	After every result, whatever it is, gprs, rip and rflags are architectural: write them
 *	back always. After EMULATE_FAULT, TO_USER and UNHANDLED they describe the state before
 *	the instruction, or, for a REP string instruction, after its last completed iteration
 *	(its flags excepted: CMPS and SCAS set them when they end, as the processor does).
 *	After EMULATE_OK .retired says whether the instruction is complete (rip is then the next
 *	one's address). When it is false, RIP is unchanged, because
 *	  - a REP instruction has done a part of its iterations (RCX, RSI, RDI tell how many);
 *	    .unfinished is then true, and with RFLAGS.TF it was one: a single-step trap is due; or
 *	  - a locked instruction lost a race for its memory and has done nothing.
 *	Both are correct points to take interrupts; the caller enters the guest (or calls
 *	again), and the instruction goes on. No call does more than EMULATE_MAX_ITERATIONS.
 *
 * Restart
 *	When an op returns EMULATE_TO_USER, nothing has been committed by the instruction (by the
 *	iteration, if REP). Once user space has the answer, the caller calls emulate_one() again
 *	with the same architectural state; the instruction runs from its start, makes the same
 *	op calls in the same order, and that op is called again and must now return EMULATE_OK
 *	with the value. The interpreter keeps the values of the reads before it (.replay) and does
 *	not ask for them twice, so the caller needs room for one outstanding read only, and
 *	forgets its value as soon as it has given it. If the instruction is not to be
 *	restarted (registers were set by user space, an event was injected, a reset), call
 *	emulate_reset() and drop the pending value.
 *
 * Writes
 *	Memory writes, port writes and register set ops come after the last read of the
 *	instruction (of the iteration). A write that goes to user space counts as done:
 *	the op queues it and returns EMULATE_OK. After queueing, set ctxt->stop so that a
 *	REP instruction ends its call there. One instruction or iteration makes at most
 *	EMULATE_MAX_WRITES calls of write_mem, each of at most 16 bytes if it is not RAM. An op that
 *	cannot queue returns EMULATE_UNHANDLED, which is exact for single-write instructions.
 *
 * Memory access
 *	Addresses are linear, segmentation is done. An op translates, checks permissions
 *	by ctxt->cpl (supervisor rights whatever the CPL where ctxt->system_access is set:
 *	descriptor tables, TSS) and CR0.WP, SMEP, SMAP, and reaches RAM or a device. An access
 *	may cross a page boundary if n <= 16; it then happens as a whole or faults as a whole.
 *	Larger n (up to EMULATE_BULK, never across a page) are used by INS and OUTS; a read_mem()
 *	that finds something else than RAM there returns EMULATE_UNHANDLED without side effect, and
 *	the interpreter asks again for one element; write_mem() is then preceded by a
 *	probe_write() of the same bytes that said EMULATE_OK.
 *
 * What it does not do
 *	Not known (EMULATE_UNHANDLED): x87, MMX, all of SSE but the moves of 16 bytes and those of
 *	4 or 8 from and to memory, VEX and EVEX;
 *	ARPL, BOUND, decimal adjustment, TZCNT and LZCNT, ENTER with a nesting level above 1;
 *	call and task gates, returns to outer rings, interrupts and IRET outside of real mode,
 *	the virtual interrupt flags of VME and PVI. Prefetches and cache-line flushes do nothing
 *	and check nothing. Alignment checks (#AC), breakpoints and single step are not made:
 *	RFLAGS.TF and the debug registers are for the caller, who sees in .retired that an
 *	instruction is complete.
 */
#ifndef LINTEL_EMULATE_EMULATE_H
#define LINTEL_EMULATE_EMULATE_H

#include "env.h"
#include "insn.h"

#define EMULATE_MAX_ITERATIONS	1024	/* REP iterations of one call */
#define EMULATE_BULK		512	/* bytes of one memory or port transfer of a string */
#define EMULATE_MAX_WRITES	8	/* PUSHA */
#define EMULATE_MAX_REPLAY	8	/* POPA */

enum emulate_result {
	EMULATE_OK,
	EMULATE_FAULT,
	EMULATE_TO_USER,
	EMULATE_UNHANDLED,
	EMULATE_RETRY,
};

enum emulate_mode {
	EMULATE_MODE_REAL,	/* CR0.PE = 0, any CS.D */
	EMULATE_MODE_VM86,	/* RFLAGS.VM = 1 */
	EMULATE_MODE_PROT16,	/* protected or compatibility mode, CS.D = 0 */
	EMULATE_MODE_PROT32,	/* protected or compatibility mode, CS.D = 1 */
	EMULATE_MODE_LONG64,	/* EFER.LMA = 1 and CS.L = 1 */
};

/* Access rights of a segment, laid out as in the VMCS's access-rights fields. */
#define EMULATE_AR_TYPE		0x0000f
#define EMULATE_AR_ACCESSED	0x00001
#define EMULATE_AR_WRITABLE	0x00002	/* of data; readable, of code */
#define EMULATE_AR_EXPAND_DOWN	0x00004	/* of data; conforming, of code */
#define EMULATE_AR_CODE		0x00008
#define EMULATE_AR_S		0x00010	/* code or data, not system */
#define EMULATE_AR_DPL		0x00060
#define EMULATE_AR_DPL_SHIFT	5
#define EMULATE_AR_P		0x00080
#define EMULATE_AR_AVL		0x01000
#define EMULATE_AR_L		0x02000
#define EMULATE_AR_DB		0x04000
#define EMULATE_AR_G		0x08000
#define EMULATE_AR_UNUSABLE	0x10000

struct emulate_segment {
	u64 base;
	u32 limit;		/* in bytes, granularity applied */
	u32 ar;			/* EMULATE_AR_* */
	u16 selector;
};

enum emulate_table { EMULATE_GDT, EMULATE_IDT };

struct emulate_desc_table {
	u64 base;
	u16 limit;
};

struct emulate_exception {
	bool valid;
	u8 vector;
	bool has_error_code;
	u32 error_code;
	u64 address;		/* CR2 of #PF; DR6 bits to set, of #DB */
};

/* Interrupt shadows that the finished instruction opens. */
#define EMULATE_SHADOW_STI	1
#define EMULATE_SHADOW_MOV_SS	2

struct emulate_ctxt;

/*
 * What the interpreter asks of its client. Ops marked "optional" may be NULL: an instruction that
 * needs an absent one is EMULATE_UNHANDLED. fetch, read_mem, write_mem and get_segment must
 * be there. All return enum emulate_result.
 */
struct emulate_ops {
	/*
	 * Instruction bytes, all n or EMULATE_FAULT (an instruction-fetch #PF). n is 1 to 15 and
	 * never crosses a page: bytes of the second page are asked for only once the decoder knows
	 * that it needs them.
	 */
	int (*fetch)(struct emulate_ctxt *c, u64 linear, void *bytes, unsigned int n);

	int (*read_mem)(struct emulate_ctxt *c, u64 linear, void *val, unsigned int n);
	int (*write_mem)(struct emulate_ctxt *c, u64 linear, const void *val, unsigned int n);
	/*
	 * Write new if memory holds old, atomically against all vCPUs; EMULATE_RETRY if it does
	 * not. n is 1, 2, 4, 8 or 16. On a device: write new. Not aligned or crossing a page: as
	 * atomic as the core can make it. Optional; needed by XCHG and LOCK.
	 */
	int (*cmpxchg_mem)(struct emulate_ctxt *c, u64 linear, const void *old,
			   const void *new, unsigned int n);
	/*
	 * Would a write of n bytes succeed? EMULATE_OK: yes, it is RAM. EMULATE_TO_USER: yes, it
	 * is a device. EMULATE_FAULT: no. Writes nothing. Called before the read of
	 * a read-modify-write instruction and before the port is read by INS, because neither a
	 * device's nor a port's read may be made in vain. Optional: then no check is made.
	 */
	int (*probe_write)(struct emulate_ctxt *c, u64 linear, unsigned int n);

	/*
	 * count elements of size (1, 2, 4) bytes, all to or from the one port. count * size is at
	 * most EMULATE_BULK. Optional.
	 */
	int (*pio_in)(struct emulate_ctxt *c, u16 port, unsigned int size, void *val,
		      unsigned int count);
	int (*pio_out)(struct emulate_ctxt *c, u16 port, unsigned int size, const void *val,
		       unsigned int count);
	/*
	 * Does the TSS's I/O bitmap allow the port? Called only where CPL > IOPL or in virtual-8086
	 * mode. EMULATE_OK, or EMULATE_FAULT (#GP(0) is raised for the op if it raised nothing).
	 * Optional: everything is allowed, right where the hardware has checked before its exit.
	 */
	int (*io_allowed)(struct emulate_ctxt *c, u16 port, unsigned int size);

	/*
	 * Fill in *s. The interpreter asks for a segment at most once per call, and only if it
	 * needs it; in 64-bit mode an MMIO access needs none unless FS or GS is used.
	 */
	int (*get_segment)(struct emulate_ctxt *c, enum emulate_seg seg,
			   struct emulate_segment *s);
	/* Load the register and its hidden part; all checks are done. Optional. */
	int (*set_segment)(struct emulate_ctxt *c, enum emulate_seg seg,
			   const struct emulate_segment *s);
	int (*get_desc_table)(struct emulate_ctxt *c, enum emulate_table table,
			      struct emulate_desc_table *t);
	int (*set_desc_table)(struct emulate_ctxt *c, enum emulate_table table,
			      const struct emulate_desc_table *t);

	/*
	 * Control, debug and model-specific registers. CPL, register number and (for DR) CR4.DE
	 * are checked; what a value may be is the op's to check, with #GP(0). set_cr keeps
	 * ctxt->cr0, cr4 and efer up to date. get_dr and set_dr raise #DB for DR7.GD. All optional.
	 */
	int (*get_cr)(struct emulate_ctxt *c, unsigned int nr, u64 *val);
	int (*set_cr)(struct emulate_ctxt *c, unsigned int nr, u64 val);
	int (*get_dr)(struct emulate_ctxt *c, unsigned int nr, u64 *val);
	int (*set_dr)(struct emulate_ctxt *c, unsigned int nr, u64 val);
	int (*get_msr)(struct emulate_ctxt *c, u32 msr, u64 *val);
	int (*set_msr)(struct emulate_ctxt *c, u32 msr, u64 val);

	/* XMM registers, 16 bytes; the op sees to it that the FPU state is loaded. Optional. */
	int (*get_xmm)(struct emulate_ctxt *c, unsigned int nr, void *val);
	int (*set_xmm)(struct emulate_ctxt *c, unsigned int nr, const void *val);

	/* eax and ecx in, all four out. Optional. */
	int (*cpuid)(struct emulate_ctxt *c, u32 *eax, u32 *ebx, u32 *ecx, u32 *edx);
	int (*rdtsc)(struct emulate_ctxt *c, u64 *tsc);
	int (*rdpid)(struct emulate_ctxt *c, u64 *pid);
	int (*invlpg)(struct emulate_ctxt *c, u64 linear);
	int (*wbinvd)(struct emulate_ctxt *c);
};

/* One completed read, kept for the restart of the instruction that made it. */
struct emulate_replay {
	u64 linear;
	u32 n;
	u8 val[16];
};

struct emulate_ctxt {
	/* Set once. */
	const struct emulate_ops *ops;
	void *private;			/* the client's, e.g. its vCPU */

	/* In and out. */
	u64 gprs[EMULATE_NR_GPRS];
	u64 rip;
	u64 rflags;

	/* In. */
	enum emulate_mode mode;
	u8 cpl;				/* 0 in real mode, 3 in virtual-8086 mode */
	u64 cr0, cr4, efer;

	/* In and out: an op sets it to end a REP instruction after the present iteration. */
	bool stop;

	/* Out. */
	bool retired;			/* see "What the out members hold" */
	bool unfinished;		/* a REP instruction has iterations left */
	bool halted;			/* the instruction was HLT: rip is behind it */
	bool iret;			/* the instruction was IRET: NMIs are no longer blocked */
	u8 shadow;			/* EMULATE_SHADOW_*: interrupts wait one instruction */
	struct emulate_exception exception;	/* valid after EMULATE_FAULT */

	/* For the ops to read. */
	bool system_access;		/* supervisor rights, whatever the CPL */
	struct emulate_insn insn;

	/* The interpreter's own. */
	u8 seg_valid;			/* bit n: seg[n] holds what get_segment() said */
	struct emulate_segment seg[EMULATE_NR_SEGS];
	bool dst_written;
	u64 old_dst;			/* the destination as read, for LOCK */
	u64 mem_linear;			/* linear address of the memory operand */
	u64 new_rflags;
	u64 next_rip;
	u8 replay_count;		/* reads kept */
	u8 replay_next;			/* reads replayed so far by this run */
	u64 replay_rip;
	struct emulate_replay replay[EMULATE_MAX_REPLAY];
	u8 bulk[EMULATE_BULK];
};

/*
 * Decode the instruction at ctxt->rip into ctxt->insn. EMULATE_OK; EMULATE_FAULT (#UD, #GP, or the
 * fault of the fetch); EMULATE_UNHANDLED for an instruction outside of the tables.
 */
int emulate_decode(struct emulate_ctxt *c);

/* What emulate_decode() has found is MOVBE, or RDPID: not every 64-bit processor has them. */
bool emulate_is_movbe(const struct emulate_ctxt *c);
bool emulate_is_rdpid(const struct emulate_ctxt *c);

/* Execute ctxt->insn, which emulate_decode() has filled in for this very state. */
int emulate_execute(struct emulate_ctxt *c);

/* Both. */
int emulate_one(struct emulate_ctxt *c);

/* What started a task switch, numbered as in the exit qualification of a task switch. */
enum emulate_task_source {
	EMULATE_TASK_CALL,
	EMULATE_TASK_IRET,
	EMULATE_TASK_JMP,
	EMULATE_TASK_GATE,	/* in the IDT: an exception, an interrupt or INT n */
};

struct emulate_task {
	u16 selector;		/* of the TSS to switch to */
	u8 source;
	bool has_error_code;	/* of an exception: it goes to the new task's stack */
	u32 error_code;
};

/*
 * A hardware task switch of 16- or 32-bit protected mode; the gate, if there is one, has been
 * checked. ctxt->rip is the instruction that the old task goes on with. EMULATE_OK; EMULATE_FAULT:
 * .retired tells whose fault it is, the old task's, whose state is unchanged, or, when true, the
 * new one's (a #DB for its debug trap among them); EMULATE_UNHANDLED. gprs, rip, rflags, mode and
 * cpl are out.
 */
int emulate_task_switch(struct emulate_ctxt *c, const struct emulate_task *task);

/* Forget an instruction that was to be restarted. */
void emulate_reset(struct emulate_ctxt *c);

/* For ops: record the exception and return EMULATE_FAULT. */
int emulate_raise(struct emulate_ctxt *c, u8 vector);
int emulate_raise_error(struct emulate_ctxt *c, u8 vector, u32 error_code);
int emulate_raise_pf(struct emulate_ctxt *c, u64 address, u32 error_code);

/* The mode that these register values mean. */
static inline enum emulate_mode emulate_mode_of(u64 cr0, u64 rflags, u64 efer, u32 cs_ar)
{
	if (!(cr0 & 1))
		return EMULATE_MODE_REAL;
	if (rflags & (1UL << 17))
		return EMULATE_MODE_VM86;
	if ((efer & (1UL << 10)) && (cs_ar & EMULATE_AR_L))
		return EMULATE_MODE_LONG64;
	return cs_ar & EMULATE_AR_DB ? EMULATE_MODE_PROT32 : EMULATE_MODE_PROT16;
}

#endif /* LINTEL_EMULATE_EMULATE_H */
