// SPDX-License-Identifier: GPL-2.0-only
/*
 * Counts what the emulated CPUs execute, apart for guest, host kernel and host user mode, and
 * records the path of single instructions. marks.h says how a program reads it.
 *
 * Nothing is done for an ordinary instruction. The emulator keeps decoded instructions, with a
 * pointer to the function that executes each; when one of a counted kind is decoded, this pointer
 * is replaced by one of ours, which counts and goes on to the original. Retired instructions are
 * the CPU's own count, read whenever the mode changes: at far transfers, interrupts, VM entries
 * and VM exits. While a trace is recorded every instruction gets such a pointer; the decoded
 * instructions are thrown away when that begins and when it ends.
 *
 * An instruction that changes the mode is counted in the mode that it leaves.
 */
#include <vector>

#define NEED_CPU_REG_SHORTCUTS 1
#include "bochs.h"
#include "cpu/cpu.h"
#include "cpu/decoder/ia_opcodes.h"
#include "instrument.h"
#include "marks.h"

namespace {

struct Cpu {
	Bit64u count[MARK_COUNTERS];
	Bit64u icount;		/* at the last change of mode */
	unsigned mode;
};

struct Step {
	Bit64u rip;
	Bit64u mode;
};

std::vector<Cpu> cpus;
std::vector<std::vector<Cpu>> slots(MARK_SLOTS);
Bit8u class_of[BX_IA_LAST];
BxExecutePtr_tR original_of[BX_IA_LAST][2];
std::vector<Step> steps;
bool tracing;
unsigned traced_cpu;

/* Give the instructions since the last change of mode to the mode that was. */
void settle(unsigned cpu, unsigned mode)
{
	Cpu *c = &cpus[cpu];
	Bit64u now = BX_CPU(cpu)->get_icount();

	c->count[CLASS_instructions * MODE_COUNT + c->mode] += now - c->icount;
	c->icount = now;
	c->mode = mode;
}

void count(unsigned cpu, unsigned what)
{
	Cpu *c = &cpus[cpu];

	c->count[what * MODE_COUNT + c->mode]++;
}

bool is_exchange(unsigned opcode)
{
	return opcode == BX_IA_XCHG_EbGb || opcode == BX_IA_XCHG_EwGw ||
	       opcode == BX_IA_XCHG_EdGd || opcode == BX_IA_XCHG_EqGq;
}

/* The class of a decoded instruction; 0, which is no instruction's, for what is not counted. */
unsigned classify(const bxInstruction_c *i)
{
	unsigned opcode = i->getIaOpcode();

	if (class_of[opcode])
		return class_of[opcode];
	if (i->getLock() || (is_exchange(opcode) && !i->modC0()))
		return CLASS_locked;
	return 0;
}

/* Our functions must be members, since the emulator calls a pointer to a member of the CPU. */
class Hook : public BX_CPU_C {
public:
	void counted(bxInstruction_c *i);
	void traced(bxInstruction_c *i);
	void cpuid_or_mark(bxInstruction_c *i);
	void mark();
};

BxExecutePtr_tR pointer_to(void (Hook::*function)(bxInstruction_c *))
{
	return static_cast<BxExecutePtr_tR>(function);
}

void Hook::counted(bxInstruction_c *i)
{
	unsigned what = classify(i);

	count(bx_cpuid, what);
	if (what == CLASS_vmentry) {
		(this->*original_of[i->getIaOpcode()][!!i->modC0()])(i);
		if (in_vmx_guest)
			settle(bx_cpuid, MODE_GUEST);
		return;
	}
	(this->*original_of[i->getIaOpcode()][!!i->modC0()])(i);
}

void Hook::traced(bxInstruction_c *i)
{
	bxInstruction_c fresh = *i;

	if (tracing && bx_cpuid == traced_cpu && steps.size() < MARK_TRACE_MAX)
		steps.push_back({ prev_rip, cpus[bx_cpuid].mode });
	if (i->getIaOpcode() == BX_IA_CPUID) {
		cpuid_or_mark(i);
	} else if (classify(i)) {
		counted(i);
	} else {
		assignHandler(&fresh, fetchModeMask);
		(this->*fresh.execute1)(i);
	}
}

void Hook::cpuid_or_mark(bxInstruction_c *i)
{
	if (EAX != MARK_LEAF) {
		(this->*original_of[BX_IA_CPUID][!!i->modC0()])(i);
		return;
	}
	mark();
	/* the decoded instructions may be gone: the end of a trace, not the next instruction */
	BX_NEXT_TRACE(i);
}

void Hook::mark()
{
	Bit64u what = ECX, a = RSI, b = RDI, value = 0, second = 0;

	switch (what) {
	case MARK_PRESENT:
		value = MARK_VERSION;
		second = BX_SMP_PROCESSORS;
		break;
	case MARK_SNAPSHOT:
		for (unsigned cpu = 0; cpu < cpus.size(); cpu++)
			settle(cpu, cpus[cpu].mode);
		if (a < MARK_SLOTS)
			slots[a] = cpus;
		break;
	case MARK_READ:
		if (a < MARK_SLOTS && b >> 32 < slots[a].size() && (Bit32u)b < MARK_COUNTERS)
			value = slots[a][b >> 32].count[(Bit32u)b];
		break;
	case MARK_TRACE_ON:
		steps.clear();
		traced_cpu = bx_cpuid;
		tracing = true;
		flushICaches();
		break;
	case MARK_TRACE_OFF:
		tracing = false;
		flushICaches();
		value = steps.size();
		break;
	case MARK_TRACE_READ:
		if (a < steps.size()) {
			value = steps[a].rip;
			second = steps[a].mode;
		}
		break;
	}
	RAX = MARK_LEAF;
	RBX = value;
	RCX = 0;
	RDX = second;
}

void set_class(unsigned what, std::initializer_list<unsigned> opcodes)
{
	for (unsigned opcode : opcodes)
		class_of[opcode] = what;
}

void set_classes()
{
	set_class(CLASS_vmread, { BX_IA_VMREAD_EdGd, BX_IA_VMREAD_EqGq });
	set_class(CLASS_vmwrite, { BX_IA_VMWRITE_GdEd, BX_IA_VMWRITE_GqEq });
	set_class(CLASS_vmptrld, { BX_IA_VMPTRLD_Mq });
	set_class(CLASS_vmptrst, { BX_IA_VMPTRST_Mq });
	set_class(CLASS_vmclear, { BX_IA_VMCLEAR_Mq });
	set_class(CLASS_vmentry, { BX_IA_VMLAUNCH, BX_IA_VMRESUME });
	set_class(CLASS_invept, { BX_IA_INVEPT });
	set_class(CLASS_invvpid, { BX_IA_INVVPID });
	set_class(CLASS_rdmsr, { BX_IA_RDMSR });
	set_class(CLASS_wrmsr, { BX_IA_WRMSR, BX_IA_WRMSRNS });
	set_class(CLASS_xsave, { BX_IA_XSAVE, BX_IA_XSAVEC, BX_IA_XSAVEOPT, BX_IA_XSAVES,
				 BX_IA_FXSAVE });
	set_class(CLASS_xrstor, { BX_IA_XRSTOR, BX_IA_XRSTORS, BX_IA_FXRSTOR });
	set_class(CLASS_xsetbv, { BX_IA_XSETBV });
	set_class(CLASS_cr_write, { BX_IA_MOV_CR0Rd, BX_IA_MOV_CR0Rq, BX_IA_MOV_CR2Rd,
				    BX_IA_MOV_CR2Rq, BX_IA_MOV_CR3Rd, BX_IA_MOV_CR3Rq,
				    BX_IA_MOV_CR4Rd, BX_IA_MOV_CR4Rq, BX_IA_CLTS, BX_IA_LMSW_Ew });
	set_class(CLASS_dr_write, { BX_IA_MOV_DdRd, BX_IA_MOV_DqRq });
	set_class(CLASS_iret, { BX_IA_IRET_Op32, BX_IA_IRET_Op64 });
	set_class(CLASS_verw, { BX_IA_VERW_Ew });
}

} // namespace

void bx_instr_initialize(unsigned cpu)
{
	if (cpus.size() <= cpu)
		cpus.resize(cpu + 1);
	cpus[cpu] = Cpu();
	cpus[cpu].mode = MODE_KERNEL;
	set_classes();
}

void bx_instr_opcode(unsigned cpu, bxInstruction_c *i)
{
	unsigned opcode = i->getIaOpcode();
	bool mark = opcode == BX_IA_CPUID;
	BxExecutePtr_tR *original = &original_of[opcode][!!i->modC0()];

	if (i->execute1 == &BX_CPU_C::BxError)
		return;
	if (mark || classify(i)) {
		/* what the state of the CPU forbids has another function, and is not counted */
		if (!*original)
			*original = i->execute1;
		if (*original != i->execute1)
			return;
		i->execute1 = pointer_to(mark ? &Hook::cpuid_or_mark : &Hook::counted);
	}
	if (tracing)
		i->execute1 = pointer_to(&Hook::traced);
}

void bx_instr_far_branch(unsigned cpu)
{
	if (cpus[cpu].mode != MODE_GUEST)
		settle(cpu, BX_CPU(cpu)->sregs[BX_SEG_REG_CS].selector.rpl == 3 ? MODE_USER :
										  MODE_KERNEL);
}

void bx_instr_interrupt(unsigned cpu)
{
	count(cpu, CLASS_interrupt);
	if (cpus[cpu].mode != MODE_GUEST)
		settle(cpu, MODE_KERNEL);
}

void bx_instr_vmexit(unsigned cpu, Bit32u reason)
{
	if ((reason & 0xffff) < MARK_REASONS)
		cpus[cpu].count[CLASS_COUNT * MODE_COUNT + (reason & 0xffff)]++;
	settle(cpu, MODE_KERNEL);
}
