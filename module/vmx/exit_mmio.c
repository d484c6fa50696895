// SPDX-License-Identifier: GPL-2.0-only
/*
 * MMIO by the instructions that drivers use, without the interpreter: MOV between a register or an
 * immediate and memory, MOVZX and MOVSX, in 64-bit mode.
 *
 * The processor has done most of the work: it has translated the operand's linear address,
 * checked the guest's rights to it, set accessed and dirty bits, and tells linear and physical
 * address.  What is missing is which value goes where.  So the instruction's address is computed
 * once more, and only if it is the one that the exit tells, and the whole operand lies in its
 * page, the access is done here.  Everything else is left to the interpreter, before anything
 * has changed.
 */
#include <linux/mm.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <asm/vmx.h>

#include "exit.h"
#include "../irq/irq.h"
#include "../regs.h"
#include "../trace.h"
#include "../vm.h"

#define REX_B	1
#define REX_X	2
#define REX_R	4
#define REX_W	8

struct decoder {
	const u8 *bytes;	/* 16 of them: more than the forms below need */
	unsigned int at;
	u8 rex;
	struct lintel_mov mov;
	u64 address;
	u64 immediate;
};

static s32 take_signed(struct decoder *d, unsigned int size)
{
	const u8 *p = d->bytes + d->at;

	d->at += size;
	switch (size) {
	case 1:
		return (s8)*p;
	case 2:
		return *(const s16 *)p;
	default:
		return *(const s32 *)p;
	}
}

/* ModRM, SIB, displacement.  @behind: bytes of an immediate, which RIP-relative addresses count. */
static bool decode_address(struct lintel_vcpu *vcpu, struct decoder *d, unsigned int behind)
{
	u8 modrm = d->bytes[d->at++], mod = modrm >> 6, rm = modrm & 7;

	d->mov.reg = (modrm >> 3 & 7) | (d->rex & REX_R ? 8 : 0);
	d->address = 0;
	if (mod == 3)
		return false;
	if (rm == 4) {
		u8 sib = d->bytes[d->at++], base = sib & 7;
		u8 index = (sib >> 3 & 7) | (d->rex & REX_X ? 8 : 0);

		if (index != 4)
			d->address = vcpu->gpr[index] << (sib >> 6);
		if (base != 5 || mod)
			d->address += vcpu->gpr[base | (d->rex & REX_B ? 8 : 0)];
		else
			d->address += (s64)take_signed(d, 4);
	} else if (rm == 5 && !mod) {
		s64 displacement = take_signed(d, 4);

		d->address = vcpu->rip + d->at + behind + displacement;
		return true;
	} else {
		d->address = vcpu->gpr[rm | (d->rex & REX_B ? 8 : 0)];
	}
	if (mod)
		d->address += (s64)take_signed(d, mod == 1 ? 1 : 4);
	return true;
}

static bool decode(struct lintel_vcpu *vcpu, struct decoder *d)
{
	unsigned int wide = 4, immediate = 0;
	u8 opcode = d->bytes[d->at++];
	bool bytes;

	if (opcode == 0x66) {
		wide = 2;
		opcode = d->bytes[d->at++];
	}
	if ((opcode & 0xf0) == 0x40) {
		d->rex = opcode;
		if (d->rex & REX_W)
			wide = 8;
		opcode = d->bytes[d->at++];
	}
	bytes = !(opcode & 1);
	d->mov.size = d->mov.result = bytes ? 1 : wide;
	switch (opcode) {
	case 0x88: case 0x89:			/* MOV to memory */
		d->mov.write = true;
		break;
	case 0x8a: case 0x8b:			/* MOV from memory */
		break;
	case 0xc6: case 0xc7:			/* MOV of an immediate, if ModRM says /0 */
		d->mov.write = true;
		immediate = min(d->mov.size, 4U);
		break;
	case 0x0f:
		opcode = d->bytes[d->at++];
		if ((opcode & 0xf6) != 0xb6)
			return false;
		d->mov.size = opcode & 1 ? 2 : 1;	/* MOVZX, MOVSX */
		d->mov.result = wide;
		d->mov.sign = opcode & 8;
		bytes = false;
		break;
	default:
		return false;
	}
	if (!decode_address(vcpu, d, immediate) || (immediate && (d->mov.reg & 7)))
		return false;
	if (immediate)
		d->immediate = take_signed(d, immediate);
	/* AH, CH, DH, BH */
	d->mov.high = bytes && !immediate && !d->rex && d->mov.reg >= 4;
	if (d->mov.high)
		d->mov.reg -= 4;
	else if (d->mov.write && !immediate)
		d->immediate = vcpu->gpr[d->mov.reg];
	if (d->mov.high && d->mov.write)
		d->immediate = vcpu->gpr[d->mov.reg] >> 8;
	return true;
}

static void write_register(struct lintel_vcpu *vcpu, const struct lintel_mov *mov, u64 value)
{
	u64 old = lintel_gpr(vcpu, mov->reg);

	if (mov->sign)
		value = mov->size == 1 ? (s64)(s8)value : (s64)(s16)value;
	switch (mov->result) {
	case 1:
		value = mov->high ? (old & ~0xff00UL) | (u8)value << 8 :
				    (old & ~0xffUL) | (u8)value;
		break;
	case 2:
		value = (old & ~0xffffUL) | (u16)value;
		break;
	case 4:
		value = (u32)value;
		break;
	}
	lintel_set_gpr(vcpu, mov->reg, value);
}

/* User space has answered; unless it moved RIP meanwhile, the instruction is done now. */
static int complete_read(struct lintel_vcpu *vcpu)
{
	u64 value = 0;

	if (lintel_rip(vcpu) != vcpu->io.rip)
		return RESUME;
	memcpy(&value, vcpu->run->mmio.data, sizeof(value));
	if (vcpu->io.mov.size < 8)
		value &= BIT_ULL(vcpu->io.mov.size * 8) - 1;
	write_register(vcpu, &vcpu->io.mov, value);
	lintel_skip_instruction(vcpu);
	return RESUME;
}

static int ask_user(struct lintel_vcpu *vcpu, const struct lintel_mov *mov, u64 value)
{
	struct kvm_run *run = vcpu->run;

	run->exit_reason = KVM_EXIT_MMIO;
	run->mmio.phys_addr = vcpu->exit.gpa;
	run->mmio.len = mov->size;
	run->mmio.is_write = mov->write;
	memcpy(run->mmio.data, &value, sizeof(value));
	if (!mov->write) {
		vcpu->io.mov = *mov;
		vcpu->io.rip = vcpu->rip;
		vcpu->io.complete = complete_read;
	}
	return TO_USER;
}

/* @chip: one may take it. */
static int do_access(struct lintel_vcpu *vcpu, const struct decoder *d, bool chip)
{
	const struct lintel_mov *mov = &d->mov;
	gpa_t gpa = vcpu->exit.gpa;
	u64 value = 0;

	if (mov->write)
		value = mov->size < 8 ? d->immediate & (BIT_ULL(mov->size * 8) - 1) : d->immediate;
	trace_lintel_mmio(vcpu, mov->write, gpa, mov->size, value);
	if (!mov->write) {
		if (!chip || !lintel_chip_mmio(vcpu, gpa, mov->size, &value, false))
			return ask_user(vcpu, mov, 0);
		write_register(vcpu, mov, value);
		lintel_skip_instruction(vcpu);
		return RESUME;
	}
	step_behind(vcpu);
	if ((chip && lintel_chip_mmio(vcpu, gpa, mov->size, &value, true)) ||
	    lintel_write_taken(vcpu, false, gpa, mov->size, &value))
		return RESUME;
	return ask_user(vcpu, mov, value);
}

static int fetch(struct lintel_vcpu *vcpu, const struct guest_paging *paging, u64 bytes[2],
		 bool may_sleep)
{
	int ret;

	if (may_sleep)
		return lintel_guest_fetch(vcpu, paging, vcpu->rip, bytes);
	pagefault_disable();
	ret = lintel_guest_fetch(vcpu, paging, vcpu->rip, bytes);
	pagefault_enable();
	return ret;
}

int lintel_mmio_by_mov(struct lintel_vcpu *vcpu, bool may_sleep)
{
	const u64 told = EPT_VIOLATION_GVA_IS_VALID | EPT_VIOLATION_GVA_TRANSLATED;
	const struct lintel_exit *exit = &vcpu->exit;
	struct guest_paging paging = {
		.cr0 = vcpu->cr0, .cr3 = exit->cr3, .cr4 = vcpu->cr4, .efer = vcpu->efer,
		.cpl = (exit->ss_ar & EMULATE_AR_DPL) >> EMULATE_AR_DPL_SHIFT,
		.reserved_gpa_bits = vcpu->guest_maxphyaddr_mask,
	};
	struct decoder d = {};
	u64 bytes[2];
	bool chip;

	if ((exit->qualification & told) != told || !lintel_is_long_mode(vcpu) ||
	    !(exit->cs_ar & EMULATE_AR_L) || vcpu->io.nr_fragments)
		return -ENOENT;
	if (fetch(vcpu, &paging, bytes, may_sleep))
		return -ENOENT;
	d.bytes = (const u8 *)bytes;
	if (!decode(vcpu, &d) || d.address != exit->guest_linear ||
	    offset_in_page(exit->gpa) + d.mov.size > PAGE_SIZE ||
	    d.mov.write != !!(exit->qualification & ACCESS_WRITE))
		return -ENOENT;
	chip = lintel_chip_at(vcpu, exit->gpa);
	/* a chip may move its page, or the map of local APICs */
	if (!may_sleep && d.mov.write && chip)
		return -ENOENT;
	vcpu->exit.instruction_len = d.at;
	vcpu->stats.emulated++;
	return do_access(vcpu, &d, chip);
}
