// SPDX-License-Identifier: GPL-2.0-only
/*
 * Arithmetic: pure functions from operands and flags to a result and flags.
 *
 * The flags are computed, not borrowed from the host CPU by executing the same instruction:
 * slower by some instructions, but every line can be read, nothing depends on an assembler
 * trampoline, and the comparison with the real CPU in test/ compares two different things.
 * Flags that the SDM calls undefined are left as they were, or have the value that is simplest.
 */
#include "internal.h"

static u64 parity_flag(u64 result)
{
	u8 byte = result;

	byte ^= byte >> 4;
	byte ^= byte >> 2;
	byte ^= byte >> 1;
	return byte & 1 ? 0 : FLAG_PF;
}

/* ZF, SF and PF of a result. */
static u64 result_flags(u64 result, unsigned int bytes)
{
	result &= emu_mask(bytes);
	return (result ? 0 : FLAG_ZF) | (result & emu_sign_bit(bytes) ? FLAG_SF : 0) |
	       parity_flag(result);
}

static u64 add_flags(u64 a, u64 b, u64 sum, unsigned int bytes)
{
	u64 carries = (a & b) | ((a | b) & ~sum);
	u64 flags = result_flags(sum, bytes);

	if (carries & emu_sign_bit(bytes))
		flags |= FLAG_CF;
	if (carries & 8)
		flags |= FLAG_AF;
	if ((a ^ sum) & (b ^ sum) & emu_sign_bit(bytes))
		flags |= FLAG_OF;
	return flags;
}

static u64 sub_flags(u64 a, u64 b, u64 difference, unsigned int bytes)
{
	u64 borrows = (~a & b) | ((~a | b) & difference);
	u64 flags = result_flags(difference, bytes);

	if (borrows & emu_sign_bit(bytes))
		flags |= FLAG_CF;
	if (borrows & 8)
		flags |= FLAG_AF;
	if ((a ^ b) & (a ^ difference) & emu_sign_bit(bytes))
		flags |= FLAG_OF;
	return flags;
}

u64 emu_alu(unsigned int op, u64 a, u64 b, unsigned int bytes, u64 *flags)
{
	u64 mask = emu_mask(bytes), carry = *flags & FLAG_CF, keep = ~FLAGS_ARITH, r, set;

	a &= mask;
	b &= mask;
	switch (op) {
	case OP_NOT:
		return ~a & mask;
	case OP_INC:
		b = 1;
		keep |= FLAG_CF;
		fallthrough;
	case OP_ADD:
		carry = 0;
		fallthrough;
	case OP_ADC:
		r = (a + b + carry) & mask;
		set = add_flags(a, b, r, bytes);
		break;
	case OP_NEG:
		b = a;
		a = 0;
		carry = 0;
		r = -b & mask;
		set = sub_flags(a, b, r, bytes);
		break;
	case OP_DEC:
		b = 1;
		keep |= FLAG_CF;
		fallthrough;
	case OP_SUB: case OP_CMP:
		carry = 0;
		fallthrough;
	case OP_SBB:
		r = (a - b - carry) & mask;
		set = sub_flags(a, b, r, bytes);
		break;
	case OP_OR:
		r = a | b;
		set = result_flags(r, bytes);
		break;
	case OP_XOR:
		r = a ^ b;
		set = result_flags(r, bytes);
		break;
	default:	/* AND, TEST */
		r = a & b;
		set = result_flags(r, bytes);
		break;
	}
	*flags = (*flags & keep) | (set & ~keep);
	return r;
}

static void set_flag(u64 *flags, u64 flag, bool on)
{
	*flags = on ? *flags | flag : *flags & ~flag;
}

static u64 rotate(unsigned int op, u64 a, unsigned int count, unsigned int bytes, u64 *flags)
{
	unsigned int bits = bytes * 8;
	unsigned int n = count % bits;
	u64 r = a;

	/* A count that is a multiple of the size moves nothing and still sets CF. */
	if (op == OP_ROL) {
		if (n)
			r = ((a << n) | (a >> (bits - n))) & emu_mask(bytes);
		set_flag(flags, FLAG_CF, r & 1);
		set_flag(flags, FLAG_OF, !!(r & emu_sign_bit(bytes)) ^ (r & 1));
	} else {
		if (n)
			r = ((a >> n) | (a << (bits - n))) & emu_mask(bytes);
		set_flag(flags, FLAG_CF, r & emu_sign_bit(bytes));
		set_flag(flags, FLAG_OF, !!(r & emu_sign_bit(bytes)) ^
					 !!(r & (emu_sign_bit(bytes) >> 1)));
	}
	return r;
}

/* Through CF, one bit at a time: at most 63 steps, and obviously right. */
static u64 rotate_carry(unsigned int op, u64 a, unsigned int count, unsigned int bytes, u64 *flags)
{
	u64 sign = emu_sign_bit(bytes), carry = *flags & FLAG_CF, out;
	unsigned int n = count % (bytes * 8 + 1);

	if (!n)
		return a;
	while (n--) {
		if (op == OP_RCL) {
			out = !!(a & sign);
			a = ((a << 1) | carry) & emu_mask(bytes);
		} else {
			out = a & 1;
			a = (a >> 1) | (carry ? sign : 0);
		}
		carry = out;
	}
	set_flag(flags, FLAG_CF, carry);
	if (op == OP_RCL)
		set_flag(flags, FLAG_OF, !!(a & sign) ^ carry);
	else
		set_flag(flags, FLAG_OF, !!(a & sign) ^ !!(a & (sign >> 1)));
	return a;
}

/* Bit n of a value that has zeros (or, with fill, ones) beyond its ends. */
static bool bit_at(u64 a, int n, unsigned int bits, bool fill)
{
	if (n < 0)
		return false;
	return n < (int)bits ? (a >> n) & 1 : fill;
}

u64 emu_shift(unsigned int op, u64 a, unsigned int count, unsigned int bytes, u64 *flags)
{
	unsigned int bits = bytes * 8;
	u64 r, sign = emu_sign_bit(bytes);
	bool carry, overflow;

	a &= emu_mask(bytes);
	count &= bytes == 8 ? 63 : 31;
	if (!count)
		return a;
	switch (op) {
	case OP_ROL: case OP_ROR:
		return rotate(op, a, count, bytes, flags);
	case OP_RCL: case OP_RCR:
		return rotate_carry(op, a, count, bytes, flags);
	case OP_SHR:
		r = a >> count;		/* count < 64 */
		carry = bit_at(a, count - 1, bits, false);
		overflow = a & sign;
		break;
	case OP_SAR:
		r = (u64)((s64)emu_sign_extend(a, bytes) >> count) & emu_mask(bytes);
		carry = bit_at(a, count - 1, bits, a & sign);
		overflow = false;
		break;
	default:	/* SHL, SAL */
		r = (a << count) & emu_mask(bytes);
		carry = bit_at(a, (int)bits - (int)count, bits, false);
		overflow = !!(r & sign) ^ carry;
		break;
	}
	*flags = (*flags & ~FLAGS_ARITH) | result_flags(r, bytes);
	set_flag(flags, FLAG_CF, carry);
	set_flag(flags, FLAG_OF, overflow);
	return r;
}

/* The caller passes count < 64; a 16-bit operand with a count above 16 is undefined. */
u64 emu_shift_double(unsigned int op, u64 a, u64 b, unsigned int count, unsigned int bytes,
		     u64 *flags)
{
	unsigned int bits = bytes * 8;
	u64 r, sign = emu_sign_bit(bytes);
	bool carry;

	a &= emu_mask(bytes);
	b &= emu_mask(bytes);
	count &= bytes == 8 ? 63 : 31;
	if (!count)
		return a;
	if (count > bits) {
		/* Bits come from the first operand again, as if the two were one ring. */
		u64 swap = a;

		count -= bits;
		a = b;
		b = swap;
	}
	if (op == OP_SHLD) {
		carry = (a >> (bits - count)) & 1;
		r = count == bits ? b : ((a << count) | (b >> (bits - count))) & emu_mask(bytes);
	} else {
		carry = (a >> (count - 1)) & 1;
		r = count == bits ? b : ((a >> count) | (b << (bits - count))) & emu_mask(bytes);
	}
	*flags = (*flags & ~FLAGS_ARITH) | result_flags(r, bytes);
	set_flag(flags, FLAG_CF, carry);
	set_flag(flags, FLAG_OF, (r ^ a) & sign);
	return r;
}

/* The condition of Jcc, SETcc and CMOVcc: the low four opcode bits. */
bool emu_condition(unsigned int code, u64 flags)
{
	bool sign_differs = !(flags & FLAG_SF) != !(flags & FLAG_OF);
	bool r;

	switch ((code >> 1) & 7) {
	case 0:
		r = flags & FLAG_OF;
		break;
	case 1:
		r = flags & FLAG_CF;
		break;
	case 2:
		r = flags & FLAG_ZF;
		break;
	case 3:
		r = flags & (FLAG_CF | FLAG_ZF);
		break;
	case 4:
		r = flags & FLAG_SF;
		break;
	case 5:
		r = flags & FLAG_PF;
		break;
	case 6:
		r = sign_differs;
		break;
	default:
		r = (flags & FLAG_ZF) || sign_differs;
		break;
	}
	return r ^ (code & 1);
}
