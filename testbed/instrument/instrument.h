/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The emulator's instrumentation interface, as far as we use it: decoding, far transfers,
 * interrupts and VM exits. What would cost something for each instruction is left empty; see
 * instrument.cc for how single instructions are counted all the same.
 */
#ifndef LINTEL_INSTRUMENT_H
#define LINTEL_INSTRUMENT_H

class bxInstruction_c;

void bx_instr_initialize(unsigned cpu);
void bx_instr_opcode(unsigned cpu, bxInstruction_c *i);
void bx_instr_far_branch(unsigned cpu);
void bx_instr_interrupt(unsigned cpu);
void bx_instr_vmexit(unsigned cpu, Bit32u reason);

#define BX_INSTR_INIT_ENV()
#define BX_INSTR_EXIT_ENV()
#define BX_INSTR_INITIALIZE(cpu)			bx_instr_initialize(cpu)
#define BX_INSTR_EXIT(cpu)
#define BX_INSTR_RESET(cpu, type)
#define BX_INSTR_HLT(cpu)
#define BX_INSTR_MWAIT(cpu, addr, len, flags)
#define BX_INSTR_DEBUG_PROMPT()
#define BX_INSTR_DEBUG_CMD(cmd)
#define BX_INSTR_CNEAR_BRANCH_TAKEN(cpu, from, to)
#define BX_INSTR_CNEAR_BRANCH_NOT_TAKEN(cpu, from)
#define BX_INSTR_UCNEAR_BRANCH(cpu, what, from, to)
#define BX_INSTR_FAR_BRANCH(cpu, what, cs0, rip0, cs, rip)	bx_instr_far_branch(cpu)
#define BX_INSTR_OPCODE(cpu, i, opcode, len, is32, is64)	bx_instr_opcode(cpu, i)
#define BX_INSTR_EXCEPTION(cpu, vector, error)
#define BX_INSTR_INTERRUPT(cpu, vector)			bx_instr_interrupt(cpu)
#define BX_INSTR_HWINTERRUPT(cpu, vector, cs, rip)
#define BX_INSTR_CLFLUSH(cpu, laddr, paddr)
#define BX_INSTR_CACHE_CNTRL(cpu, what)
#define BX_INSTR_TLB_CNTRL(cpu, what, cr3)
#define BX_INSTR_PREFETCH_HINT(cpu, what, seg, offset)
#define BX_INSTR_BEFORE_EXECUTION(cpu, i)
#define BX_INSTR_AFTER_EXECUTION(cpu, i)
#define BX_INSTR_REPEAT_ITERATION(cpu, i)
#define BX_INSTR_LIN_ACCESS(cpu, lin, phy, len, type, rw)
#define BX_INSTR_PHY_ACCESS(cpu, phy, len, type, rw)
#define BX_INSTR_INP(addr, len)
#define BX_INSTR_INP2(addr, len, val)
#define BX_INSTR_OUTP(addr, len, val)
#define BX_INSTR_WRMSR(cpu, addr, value)
#define BX_INSTR_VMEXIT(cpu, reason, qualification)	bx_instr_vmexit(cpu, reason)

#endif
