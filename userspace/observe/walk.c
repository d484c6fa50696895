// SPDX-License-Identifier: GPL-2.0-only
/* The four kinds of paging (SDM, "Paging"), as rows: how many levels, which bits index each. */
#include "walk.h"

#include <stdbool.h>
#include <string.h>

#define CR0_PG (UINT64_C(1) << 31)
#define CR4_PSE (UINT64_C(1) << 4)
#define CR4_PAE (UINT64_C(1) << 5)
#define CR4_LA57 (UINT64_C(1) << 12)
#define EFER_LMA (UINT64_C(1) << 10)
#define PRESENT 1
#define LARGE (UINT64_C(1) << 7)
#define ADDRESS UINT64_C(0x000ffffffffff000)

struct level {
	const char *name;
	unsigned int shift, bits;
	bool may_be_large;
};

static const struct level long_levels[] = {
	{ "PML5E", 48, 9, false }, { "PML4E", 39, 9, false }, { "PDPTE", 30, 9, true },
	{ "PDE", 21, 9, true },	   { "PTE", 12, 9, false },
};

static const struct level legacy_levels[] = {
	{ "PDE", 22, 10, true },
	{ "PTE", 12, 10, false },
};

static bool canonical(uint64_t address, unsigned int bits)
{
	return (uint64_t)((int64_t)(address << (64 - bits)) >> (64 - bits)) == address;
}

static int read_entry(struct walk_step *step, walk_peek *peek, void *arg, struct walk *walk)
{
	struct lintel_peek p = { .gpa = step->at & ~UINT64_C(7) };
	int ret = peek(arg, &p);

	if (ret < 0)
		return ret;
	if (!(p.flags & LINTEL_PEEK_VALUE)) {
		walk->end = WALK_UNREADABLE;
		return 0;
	}
	step->entry = p.value;
	if (step->size == 4)
		step->entry = step->at & 4 ? p.value >> 32 : (uint32_t)p.value;
	if (!(step->entry & PRESENT))
		walk->end = WALK_ABSENT;
	return 0;
}

static uint64_t leaf_base(uint64_t entry, const struct level *level, unsigned int size)
{
	uint64_t base = entry & ADDRESS & ~((UINT64_C(1) << level->shift) - 1);

	/* PSE-36: bits 20:13 of a 4 MiB page's entry are bits 39:32 of its address */
	if (size == 4 && level->shift == 22)
		base = (entry & 0xffc00000) | (entry >> 13 & 0xff) << 32;
	return base;
}

/* From the table at @table down through @levels. */
static int descend(uint64_t table, const struct level *level, unsigned int levels,
		   unsigned int size, bool large_pages, uint64_t address, walk_peek *peek,
		   void *arg, struct walk *walk)
{
	for (; levels-- > 0; level++) {
		struct walk_step *step = &walk->step[walk->steps++];
		uint64_t index = address >> level->shift & ((1 << level->bits) - 1);
		int ret;

		*step = (struct walk_step){ .name = level->name,
					    .size = size,
					    .at = table + index * size };
		ret = read_entry(step, peek, arg, walk);
		if (ret < 0 || walk->end != WALK_MAPPED)
			return ret;
		if (!levels || (level->may_be_large && large_pages && step->entry & LARGE)) {
			walk->page = UINT64_C(1) << level->shift;
			walk->gpa =
				leaf_base(step->entry, level, size) | (address & (walk->page - 1));
			return 0;
		}
		table = step->entry & (size == 4 ? 0xfffff000 : ADDRESS);
	}
	return 0;
}

static int walk_pae(const struct walk_state *s, uint64_t address, walk_peek *peek, void *arg,
		    struct walk *walk)
{
	struct walk_step *step = &walk->step[walk->steps++];

	*step = (struct walk_step){
		.name = "PDPTE", .at = ~UINT64_C(0), .size = 8, .entry = s->pdpte[address >> 30 & 3]
	};
	if (!(step->entry & PRESENT)) {
		walk->end = WALK_ABSENT;
		return 0;
	}
	return descend(step->entry & ADDRESS, &long_levels[3], 2, 8, true, address, peek, arg,
		       walk);
}

int walk_guest(const struct walk_state *s, uint64_t address, walk_peek *peek, void *arg,
	       struct walk *walk)
{
	bool five = s->cr4 & CR4_LA57;

	memset(walk, 0, sizeof(*walk));
	if (!(s->cr0 & CR0_PG)) {
		walk->mode = "no paging";
		walk->gpa = (uint32_t)address;
		walk->page = 4096;
		return 0;
	}
	if (s->efer & EFER_LMA) {
		walk->mode = five ? "5-level paging" : "4-level paging";
		if (!canonical(address, five ? 57 : 48)) {
			walk->end = WALK_NOT_CANONICAL;
			return 0;
		}
		return descend(s->cr3 & ADDRESS, &long_levels[!five], 4 + five, 8, true, address,
			       peek, arg, walk);
	}
	address = (uint32_t)address;
	if (s->cr4 & CR4_PAE) {
		walk->mode = "PAE paging";
		return walk_pae(s, address, peek, arg, walk);
	}
	walk->mode = "32-bit paging";
	return descend(s->cr3 & 0xfffff000, legacy_levels, 2, 4, s->cr4 & CR4_PSE, address, peek,
		       arg, walk);
}
