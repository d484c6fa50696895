// SPDX-License-Identifier: GPL-2.0-only
/*
 * Handlers: arithmetic, logic, shifts, bits, multiplication and division.
 */
#include "internal.h"

int emu_do_alu(struct emulate_ctxt *c)
{
	struct emulate_insn *insn = &c->insn;

	insn->dst.val = emu_alu(insn->op, insn->dst.val, insn->src.val, insn->dst.size,
				&c->new_rflags);
	return EMULATE_OK;
}

int emu_do_shift(struct emulate_ctxt *c)
{
	struct emulate_insn *insn = &c->insn;

	insn->dst.val = emu_shift(insn->op, insn->dst.val, insn->src.val & 0xff, insn->dst.size,
				  &c->new_rflags);
	return EMULATE_OK;
}

int emu_do_shift_double(struct emulate_ctxt *c)
{
	struct emulate_insn *insn = &c->insn;

	insn->dst.val = emu_shift_double(insn->op, insn->dst.val, insn->src.val,
					 insn->src2.val & 0xff, insn->dst.size, &c->new_rflags);
	return EMULATE_OK;
}

/*
 * A bit offset from a register reaches beyond a memory operand, in both directions; an
 * immediate one stays within it, as does every offset into a register.
 */
int emu_do_bit_test(struct emulate_ctxt *c)
{
	struct emulate_insn *insn = &c->insn;
	unsigned int size = insn->dst.size, bit = insn->src.val & (size * 8 - 1);
	bool write = insn->flags & F_WRITE;
	u64 delta = 0;

	if (insn->dst.type == EMULATE_OPND_MEM) {
		if (insn->src.type == EMULATE_OPND_REG) {
			s64 offset = emu_sign_extend(insn->src.val, size);

			delta = (offset - bit) / 8;
		}
		EMU_TRY(emu_mem_address(c, delta, size, write));
		if (write)
			EMU_TRY(emu_probe(c, c->mem_linear, size));
		insn->dst.val = 0;
		EMU_TRY(emu_read(c, c->mem_linear, &insn->dst.val, size));
		c->old_dst = insn->dst.val;
	}
	c->new_rflags = (c->new_rflags & ~FLAG_CF) | ((insn->dst.val >> bit) & 1);
	if (insn->op == OP_BTS)
		insn->dst.val |= 1ULL << bit;
	else if (insn->op == OP_BTR)
		insn->dst.val &= ~(1ULL << bit);
	else if (insn->op == OP_BTC)
		insn->dst.val ^= 1ULL << bit;
	return EMULATE_OK;
}

int emu_do_bit_scan(struct emulate_ctxt *c)
{
	struct emulate_insn *insn = &c->insn;
	u64 src = insn->src.val;
	unsigned int n = 0;

	if (insn->op == OP_POPCNT) {
		for (; src; src &= src - 1)
			n++;
		insn->dst.val = n;
		c->new_rflags = (c->new_rflags & ~FLAGS_ARITH) | (n ? 0 : FLAG_ZF);
		return EMULATE_OK;
	}
	if (!src) {
		/* Nothing found: Intel's processors leave the destination alone. */
		c->new_rflags |= FLAG_ZF;
		c->dst_written = true;
		return EMULATE_OK;
	}
	c->new_rflags &= ~FLAG_ZF;
	if (insn->op == OP_BSF) {
		for (; !(src & 1); src >>= 1)
			n++;
	} else {
		for (; src >>= 1;)
			n++;
	}
	insn->dst.val = n;
	return EMULATE_OK;
}

static void set_carry_overflow(struct emulate_ctxt *c, bool on)
{
	c->new_rflags &= ~(FLAG_CF | FLAG_OF);
	if (on)
		c->new_rflags |= FLAG_CF | FLAG_OF;
}

/* rAX and rDX take a result of twice the operand size; of bytes, AX alone. */
static void set_double(struct emulate_ctxt *c, unsigned int size, u64 low, u64 high)
{
	if (size == 1) {
		emu_set_gpr(c, EMULATE_RAX, 2, (low & 0xff) | (high & 0xff) << 8);
		return;
	}
	emu_set_gpr(c, EMULATE_RAX, size, low);
	emu_set_gpr(c, EMULATE_RDX, size, high);
}

int emu_do_multiply(struct emulate_ctxt *c)
{
	unsigned int size = c->insn.dst.size, bits = size * 8;
	u64 a = emu_get_gpr(c, EMULATE_RAX, size), b = c->insn.dst.val, low, high;

	if (c->insn.op == OP_MUL) {
		unsigned __int128 product = (unsigned __int128)a * b;

		low = (u64)product & emu_mask(size);
		high = (u64)(product >> bits) & emu_mask(size);
		set_carry_overflow(c, high);
	} else {
		__int128 product = (__int128)(s64)emu_sign_extend(a, size) *
				   (s64)emu_sign_extend(b, size);

		low = (u64)product & emu_mask(size);
		high = (u64)(product >> bits) & emu_mask(size);
		set_carry_overflow(c, product != (s64)emu_sign_extend(low, size));
	}
	set_double(c, size, low, high);
	return EMULATE_OK;
}

/* IMUL with two operands, or with three: then the first is not read. */
int emu_do_multiply2(struct emulate_ctxt *c)
{
	struct emulate_insn *insn = &c->insn;
	unsigned int size = insn->dst.size;
	u64 b = insn->src2.type == EMULATE_OPND_NONE ? insn->dst.val : insn->src2.val;
	__int128 product = (__int128)(s64)emu_sign_extend(insn->src.val, size) *
			   (s64)emu_sign_extend(b, size);

	insn->dst.val = (u64)product;
	set_carry_overflow(c, product != (s64)emu_sign_extend(insn->dst.val, size));
	return EMULATE_OK;
}

/*
 * 128 by 64 bits. The kernel has no library routine for it, the processor an instruction. The
 * caller has made sure that high < divisor, so that it cannot raise #DE.
 */
static u64 divide128(u64 high, u64 low, u64 divisor, u64 *remainder)
{
	u64 quotient;

	asm("divq %4" : "=a" (quotient), "=d" (*remainder)
	    : "a" (low), "d" (high), "rm" (divisor) : "cc");
	return quotient;
}

/* high:low / divisor, each of size bytes, unsigned. False: #DE. */
static bool divide_unsigned(unsigned int size, u64 high, u64 low, u64 divisor, u64 *quotient,
			    u64 *remainder)
{
	u64 dividend;

	if (high >= divisor)
		return false;
	if (size == 8) {
		*quotient = divide128(high, low, divisor, remainder);
		return true;
	}
	dividend = high << (size * 8) | low;
	*quotient = dividend / divisor;
	*remainder = dividend % divisor;
	return true;
}

static bool divide_signed(unsigned int size, u64 high, u64 low, u64 divisor, u64 *quotient,
			  u64 *remainder)
{
	u64 mask = emu_mask(size), sign = emu_sign_bit(size);
	bool negative = high & sign, minus = divisor & sign;

	if (negative) {
		low = -low & mask;
		high = (~high + !low) & mask;
	}
	if (minus)
		divisor = -divisor & mask;
	if (!divide_unsigned(size, high, low, divisor, quotient, remainder))
		return false;
	/* The most negative quotient has no positive counterpart. */
	if (*quotient > (negative == minus ? sign - 1 : sign))
		return false;
	if (negative != minus)
		*quotient = -*quotient & mask;
	if (negative)
		*remainder = -*remainder & mask;
	return true;
}

int emu_do_divide(struct emulate_ctxt *c)
{
	unsigned int size = c->insn.dst.size;
	u64 low = emu_get_gpr(c, EMULATE_RAX, size), high, quotient, remainder;
	bool ok;

	if (size == 1)
		high = emu_get_gpr(c, EMULATE_RAX, 2) >> 8;
	else
		high = emu_get_gpr(c, EMULATE_RDX, size);
	if (c->insn.op == OP_DIV)
		ok = divide_unsigned(size, high, low, c->insn.dst.val, &quotient, &remainder);
	else
		ok = divide_signed(size, high, low, c->insn.dst.val, &quotient, &remainder);
	if (!ok)
		return emulate_raise(c, VEC_DE);
	set_double(c, size, quotient, remainder);
	return EMULATE_OK;
}
