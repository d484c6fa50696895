/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Random numbers from a seed: splitmix64, one stream for each thread, so that what a thread does
 * depends on the seed and its own number, and on nothing that other threads do.
 */
#ifndef LINTEL_FUZZ_RANDOM_H
#define LINTEL_FUZZ_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;

struct random {
	u64 state;
};

static inline u64 random_next(struct random *r)
{
	u64 z = r->state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

/* The stream number @b of round @a of a seed. */
static inline struct random random_stream(u64 seed, u64 a, u64 b)
{
	struct random r = { seed };

	r.state = random_next(&r) ^ a * 0xd6e8feb86659fd93ULL;
	r.state = random_next(&r) ^ b * 0xa0761d6478bd642fULL;
	random_next(&r);
	return r;
}

static inline u64 random_below(struct random *r, u64 n)
{
	return n ? (random_next(r) >> 8) % n : 0;
}

static inline bool one_in(struct random *r, u64 n)
{
	return random_below(r, n) == 0;
}

/* A number as programs make them: small, a power of two or beside one, all ones, anything. */
static inline u64 random_number(struct random *r)
{
	switch (random_below(r, 8)) {
	case 0:
		return random_below(r, 16);
	case 1:
		return random_below(r, 4096);
	case 2:
		return 1ULL << random_below(r, 64);
	case 3:
		return (1ULL << random_below(r, 64)) - 1;
	case 4:
		return ~0ULL >> random_below(r, 64);
	case 5:
		return ~random_below(r, 4096);
	default:
		return random_next(r);
	}
}

static inline void random_bytes(struct random *r, void *out, unsigned long n)
{
	u8 *bytes = out;

	for (unsigned long i = 0; i < n; i++)
		bytes[i] = random_next(r);
}

#endif
