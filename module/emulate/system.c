// SPDX-License-Identifier: GPL-2.0-only
/*
 * Handlers: descriptor tables, control, debug and model-specific registers, and the other
 * instructions that belong to the operating system.
 *
 * What is checked here is what the instruction's encoding and CPL decide. What a value means, and
 * whether it is allowed, is for the client's ops, which know the virtual machine.
 */
#include "internal.h"

int emu_do_load_table(struct emulate_ctxt *c)
{
	unsigned int base_bytes = emu_long(c) ? 8 : 4;
	struct emulate_desc_table table = { 0 };
	u8 image[10];

	if (!c->ops->set_desc_table)
		return EMULATE_UNHANDLED;
	EMU_TRY(emu_mem_address(c, 0, 2 + base_bytes, false));
	EMU_TRY(emu_read(c, c->mem_linear, image, 2 + base_bytes));
	memcpy(&table.limit, image, 2);
	memcpy(&table.base, image + 2, base_bytes);
	if (!emu_long(c) && c->insn.op_bytes == 2)
		table.base &= 0xffffff;
	if (emu_long(c) && !emu_canonical(c, table.base))
		return emulate_raise_error(c, VEC_GP, 0);
	return c->ops->set_desc_table(c, c->insn.op == OP_LGDT ? EMULATE_GDT : EMULATE_IDT, &table);
}

int emu_do_store_table(struct emulate_ctxt *c)
{
	unsigned int base_bytes = emu_long(c) ? 8 : 4;
	struct emulate_desc_table table;
	u8 image[10];

	if (!c->ops->get_desc_table)
		return EMULATE_UNHANDLED;
	EMU_TRY(emu_mem_address(c, 0, 2 + base_bytes, true));
	EMU_TRY(c->ops->get_desc_table(c, c->insn.op == OP_SGDT ? EMULATE_GDT : EMULATE_IDT,
				       &table));
	memcpy(image, &table.limit, 2);
	memcpy(image + 2, &table.base, base_bytes);
	return emu_write(c, c->mem_linear, image, 2 + base_bytes);
}

int emu_do_smsw(struct emulate_ctxt *c)
{
	c->insn.dst.val = c->cr0;
	return EMULATE_OK;
}

/* LMSW and CLTS. LMSW sets PE and never clears it. */
int emu_do_lmsw(struct emulate_ctxt *c)
{
	u64 low = CR0_MP | CR0_EM | CR0_TS, cr0;

	if (!c->ops->set_cr)
		return EMULATE_UNHANDLED;
	if (c->insn.op == OP_CLTS)
		cr0 = c->cr0 & ~CR0_TS;
	else
		cr0 = (c->cr0 & ~low) | (c->insn.dst.val & (low | CR0_PE));
	return c->ops->set_cr(c, 0, cr0);
}

int emu_do_mov_from_cr(struct emulate_ctxt *c)
{
	if (!c->ops->get_cr)
		return EMULATE_UNHANDLED;
	return c->ops->get_cr(c, c->insn.src.reg, &c->insn.dst.val);
}

int emu_do_mov_to_cr(struct emulate_ctxt *c)
{
	if (!c->ops->set_cr)
		return EMULATE_UNHANDLED;
	return c->ops->set_cr(c, c->insn.dst.reg, c->insn.src.val);
}

/* DR4 and DR5 are other names of DR6 and DR7, unless CR4.DE. */
static int debug_register(struct emulate_ctxt *c, unsigned int *nr)
{
	if (*nr == 4 || *nr == 5) {
		if (c->cr4 & CR4_DE)
			return emulate_raise(c, VEC_UD);
		*nr += 2;
	}
	return EMULATE_OK;
}

int emu_do_mov_from_dr(struct emulate_ctxt *c)
{
	unsigned int nr = c->insn.src.reg;

	EMU_TRY(debug_register(c, &nr));
	return c->ops->get_dr ? c->ops->get_dr(c, nr, &c->insn.dst.val) : EMULATE_UNHANDLED;
}

int emu_do_mov_to_dr(struct emulate_ctxt *c)
{
	unsigned int nr = c->insn.dst.reg;

	EMU_TRY(debug_register(c, &nr));
	return c->ops->set_dr ? c->ops->set_dr(c, nr, c->insn.src.val) : EMULATE_UNHANDLED;
}

/* A value of 64 bits in EDX:EAX. */
static void set_pair(struct emulate_ctxt *c, u64 val)
{
	emu_set_gpr(c, EMULATE_RAX, 4, val);
	emu_set_gpr(c, EMULATE_RDX, 4, val >> 32);
}

int emu_do_msr(struct emulate_ctxt *c)
{
	u32 msr = c->gprs[EMULATE_RCX];
	u64 val;

	if (c->insn.op == OP_WRMSR) {
		if (!c->ops->set_msr)
			return EMULATE_UNHANDLED;
		val = emu_get_gpr(c, EMULATE_RDX, 4) << 32 | emu_get_gpr(c, EMULATE_RAX, 4);
		return c->ops->set_msr(c, msr, val);
	}
	if (!c->ops->get_msr)
		return EMULATE_UNHANDLED;
	EMU_TRY(c->ops->get_msr(c, msr, &val));
	set_pair(c, val);
	return EMULATE_OK;
}

int emu_do_cpuid(struct emulate_ctxt *c)
{
	u32 eax = c->gprs[EMULATE_RAX], ecx = c->gprs[EMULATE_RCX], ebx = 0, edx = 0;

	if (!c->ops->cpuid)
		return EMULATE_UNHANDLED;
	EMU_TRY(c->ops->cpuid(c, &eax, &ebx, &ecx, &edx));
	emu_set_gpr(c, EMULATE_RAX, 4, eax);
	emu_set_gpr(c, EMULATE_RBX, 4, ebx);
	emu_set_gpr(c, EMULATE_RCX, 4, ecx);
	emu_set_gpr(c, EMULATE_RDX, 4, edx);
	return EMULATE_OK;
}

int emu_do_rdtsc(struct emulate_ctxt *c)
{
	u64 tsc;

	if (!c->ops->rdtsc)
		return EMULATE_UNHANDLED;
	if ((c->cr4 & CR4_TSD) && c->cpl)
		return emulate_raise_error(c, VEC_GP, 0);
	EMU_TRY(c->ops->rdtsc(c, &tsc));
	set_pair(c, tsc);
	return EMULATE_OK;
}

int emu_do_rdpid(struct emulate_ctxt *c)
{
	return c->ops->rdpid ? c->ops->rdpid(c, &c->insn.dst.val) : EMULATE_UNHANDLED;
}

/* The address is not accessed: no limit is checked, and one that is not canonical is ignored. */
int emu_do_invlpg(struct emulate_ctxt *c)
{
	unsigned int seg = c->insn.mem.seg;
	u64 linear = emu_mem_offset(c);
	struct emulate_segment *s;

	if (!c->ops->invlpg)
		return EMULATE_UNHANDLED;
	if (!emu_long(c) || seg == EMULATE_FS || seg == EMULATE_GS) {
		EMU_TRY(emu_segment(c, seg, &s));
		linear += s->base;
	}
	if (!emu_long(c))
		linear = (u32)linear;
	return emu_canonical(c, linear) ? c->ops->invlpg(c, linear) : EMULATE_OK;
}

int emu_do_wbinvd(struct emulate_ctxt *c)
{
	return c->ops->wbinvd ? c->ops->wbinvd(c) : EMULATE_UNHANDLED;
}

int emu_do_hlt(struct emulate_ctxt *c)
{
	c->halted = true;
	return EMULATE_OK;
}

/* CLI and STI. Virtual interrupt flags (CR4.VME, CR4.PVI) are not known here. */
int emu_do_interrupt_flag(struct emulate_ctxt *c)
{
	unsigned int iopl = (c->rflags & FLAG_IOPL) >> FLAG_IOPL_SHIFT;

	if (c->cpl > iopl) {
		u64 virtual = c->mode == EMULATE_MODE_VM86 ? CR4_VME : CR4_PVI;

		return c->cpl == 3 && (c->cr4 & virtual) ? EMULATE_UNHANDLED :
							   emulate_raise_error(c, VEC_GP, 0);
	}
	if (c->insn.op == OP_CLI) {
		c->new_rflags &= ~FLAG_IF;
		return EMULATE_OK;
	}
	if (!(c->rflags & FLAG_IF))
		c->shadow = EMULATE_SHADOW_STI;
	c->new_rflags |= FLAG_IF;
	return EMULATE_OK;
}
