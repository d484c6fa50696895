// SPDX-License-Identifier: GPL-2.0-only
/*
 * Arithmetic: results and those flags that are defined, of many operands, as one sum for each
 * instruction. Operands come from a generator with a fixed start.
 */
#include "behave.h"

#include <stddef.h>

#define CF		0x001
#define ARITHMETIC	0x8d5		/* OF SF ZF AF PF CF */
#define NO_AF		0x8c5
#define ROUNDS		2000

static uint64_t state;

static uint64_t next(void)
{
	static const uint64_t edges[] = { 0, 1, -1, 0x7fffffff, 0x80000000, 0x7fffffffffffffff,
					  0x8000000000000000, 0xff, 0x80, 0xffff };

	state = state * 6364136223846793005ULL + 1442695040888963407ULL;
	return state >> 60 ? state >> 8 ^ state << 13 : edges[(state >> 20) % 10];
}

/* OPERATION(name, instruction on %0 with %1 or CL, flags that it defines) */
#define OPERATION(name, instruction, flags) \
static uint64_t name(uint64_t a, uint64_t b, uint64_t c) \
{ \
	uint64_t f; \
\
	asm volatile("btq $0, %3; " instruction "; pushfq; popq %2" \
		     : "+r"(a), "+d"(b), "=&r"(f) : "c"(c) : "cc"); \
	return hash(hash(a, b), f & (flags)); \
}

OPERATION(add, "addq %1, %0", ARITHMETIC)
OPERATION(adc, "adcq %1, %0", ARITHMETIC)
OPERATION(sub, "subq %1, %0", ARITHMETIC)
OPERATION(sbb, "sbbl %k1, %k0", ARITHMETIC)
OPERATION(and, "andw %w1, %w0", NO_AF)
OPERATION(xor, "xorb %b1, %b0", NO_AF)
OPERATION(cmp, "cmpw %w1, %w0", ARITHMETIC)
OPERATION(neg, "negl %k0", ARITHMETIC)
OPERATION(inc, "incb %b0", ARITHMETIC)
OPERATION(dec, "decq %0", ARITHMETIC)
OPERATION(imul, "imulq %1, %0", 0x801)
OPERATION(shl, "shlq $1, %0", NO_AF)
OPERATION(sar, "sarl $1, %k0", NO_AF)
OPERATION(rol, "rolw $1, %w0", 0x801)
OPERATION(rcr, "rcrq $1, %0", 0x801)
OPERATION(rcl, "rclq %%cl, %0", 0)
OPERATION(shld, "shldq $1, %1, %0", NO_AF)
OPERATION(shrd, "shrdl %%cl, %k1, %k0", 0)
OPERATION(bt, "btq %1, %0", CF)
OPERATION(btc, "btcw %w1, %w0", CF)
OPERATION(popcnt, "popcntq %1, %0", ARITHMETIC)
OPERATION(bswap, "bswapq %0", 0)
OPERATION(cmov, "cmovcq %1, %0", 0)
OPERATION(setcc, "setg %b0; setp %b1", 0)
OPERATION(movsx, "movslq %k1, %0", 0)
OPERATION(xadd, "xaddl %k1, %k0", ARITHMETIC)
OPERATION(lahf, "movb %b1, %%ah; sahf; lahf; movzbl %%ah, %k1", 0xd5)

/* Division by what cannot overflow. */
static uint64_t div(uint64_t a, uint64_t b, uint64_t c)
{
	uint64_t rest = 0;

	(void)c;
	b |= 1;
	asm volatile("divq %2" : "+a"(a), "+d"(rest) : "r"(b) : "cc");
	return hash(a, rest);
}

static uint64_t mul(uint64_t a, uint64_t b, uint64_t c)
{
	uint64_t high, f;

	(void)c;
	asm volatile("mulq %3; pushfq; popq %2" : "+a"(a), "=d"(high), "=r"(f) : "r"(b) : "cc");
	return hash(hash(a, high), f & 0x801);
}

/* x87: 80 bits wide, with its status word. */
static uint64_t x87(uint64_t a, uint64_t b, uint64_t c)
{
	struct { uint64_t mantissa; uint16_t exponent; } __attribute__((packed)) out;
	int64_t x = a, y = b | 1;
	uint16_t status;

	(void)c;
	asm volatile("fninit; fildq %3; fildq %2; fdivp; fsqrt; fnstsw %1; fstpt %0"
		     : "=m"(out), "=a"(status) : "m"(x), "m"(y));
	return hash(hash(out.mantissa, out.exponent), status & 0x47ff);
}

static uint64_t sse(uint64_t a, uint64_t b, uint64_t c)
{
	int64_t x = a, y = b | 1;
	uint32_t mxcsr = 0x1f80;
	uint64_t out;

	(void)c;
	asm volatile("ldmxcsr %1; cvtsi2sdq %2, %%xmm0; cvtsi2sdq %3, %%xmm1; divsd %%xmm1, %%xmm0;"
		     "sqrtsd %%xmm0, %%xmm0; cvtsd2ss %%xmm0, %%xmm2; pxor %%xmm2, %%xmm0;"
		     "movq %%xmm0, %0; stmxcsr %1"
		     : "=r"(out), "+m"(mxcsr) : "r"(x), "r"(y) : "xmm0", "xmm1", "xmm2");
	return hash(out, mxcsr);
}

static const struct {
	const char *name;
	uint64_t (*fn)(uint64_t a, uint64_t b, uint64_t c);
} operations[] = {
#define ROW(name) { "arithmetic " #name, name }
	ROW(add), ROW(adc), ROW(sub), ROW(sbb), ROW(and), ROW(xor), ROW(cmp), ROW(neg), ROW(inc),
	ROW(dec), ROW(imul), ROW(shl), ROW(sar), ROW(rol), ROW(rcr), ROW(rcl), ROW(shld), ROW(shrd),
	ROW(bt), ROW(btc), ROW(popcnt), ROW(bswap), ROW(cmov), ROW(setcc), ROW(movsx), ROW(xadd),
	ROW(lahf), ROW(div), ROW(mul), ROW(x87), ROW(sse),
#undef ROW
};

void behave_numbers(void)
{
	uint64_t a, b, sum;
	unsigned int i, n;

	for (i = 0; i < sizeof(operations) / sizeof(operations[0]); i++) {
		state = 42;
		sum = 0;
		for (n = 0; n < ROUNDS; n++) {
			a = next();
			b = next();
			sum = hash(sum, operations[i].fn(a, b, next() & 63));
		}
		say(operations[i].name, "%d operations, sum %016llx", ROUNDS,
		    (unsigned long long)sum);
	}
}
