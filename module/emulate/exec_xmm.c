// SPDX-License-Identifier: GPL-2.0-only
/*
 * Moves of a part of an XMM register: 4 or 8 bytes from or to memory, as copies to and from a
 * device end in. What the opcode and its prefix mean stands in one table, for the decoder too; the
 * forms between registers are not known, for no exit needs them.
 */
#include "internal.h"

#define SIZE_W	0	/* 4, with REX.W 8 */

static const struct part {
	u8 opcode, prefix;	/* of the 0F map; 0: none */
	u8 bytes;
	bool store;
	bool high;		/* bits 127:64 of the register */
	bool keep;		/* a load leaves the rest of the register as it is, else 0 */
} parts[] = {
	{ 0x10, 0xf3, 4, .store = false },		/* MOVSS */
	{ 0x10, 0xf2, 8, .store = false },		/* MOVSD */
	{ 0x11, 0xf3, 4, .store = true },
	{ 0x11, 0xf2, 8, .store = true },
	{ 0x12, 0, 8, .keep = true },			/* MOVLPS, MOVLPD */
	{ 0x12, 0x66, 8, .keep = true },
	{ 0x13, 0, 8, .store = true },
	{ 0x13, 0x66, 8, .store = true },
	{ 0x16, 0, 8, .high = true, .keep = true },	/* MOVHPS, MOVHPD */
	{ 0x16, 0x66, 8, .high = true, .keep = true },
	{ 0x17, 0, 8, .store = true, .high = true },
	{ 0x17, 0x66, 8, .store = true, .high = true },
	{ 0x6e, 0x66, SIZE_W, .store = false },		/* MOVD, MOVQ */
	{ 0x7e, 0x66, SIZE_W, .store = true },
	{ 0x7e, 0xf3, 8, .store = false },		/* MOVQ */
	{ 0xd6, 0x66, 8, .store = true },
};

static const struct part *find_part(const struct emulate_insn *insn)
{
	u8 prefix = insn->rep ? insn->rep : insn->opsize_prefix ? 0x66 : 0;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(parts); i++)
		if (parts[i].opcode == insn->opcode && parts[i].prefix == prefix)
			return &parts[i];
	return NULL;
}

bool emu_is_part_move(const struct emulate_insn *insn)
{
	return find_part(insn);
}

int emu_do_movpart(struct emulate_ctxt *c)
{
	const struct part *part = find_part(&c->insn);
	unsigned int bytes = part->bytes ? part->bytes : c->insn.rex & 8 ? 8 : 4;
	u8 reg[16], *at = reg + (part->high ? 8 : 0);

	EMU_TRY(emu_check_sse(c));
	if (!c->ops->get_xmm || !c->ops->set_xmm)
		return EMULATE_UNHANDLED;
	EMU_TRY(c->ops->get_xmm(c, c->insn.reg, reg));
	EMU_TRY(emu_mem_address(c, 0, bytes, part->store));
	if (part->store)
		return emu_write(c, c->mem_linear, at, bytes);
	if (!part->keep)
		memset(reg, 0, sizeof(reg));
	EMU_TRY(emu_read(c, c->mem_linear, at, bytes));
	return c->ops->set_xmm(c, c->insn.reg, reg);
}
