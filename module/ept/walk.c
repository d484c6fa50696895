// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest's page tables, walked in software, for 32-bit, PAE, 4-level and 5-level paging.
 *
 * A walk has three steps: descend to the leaf and stop at an absent or malformed entry; judge the
 * access by the rights collected on the way; set accessed and dirty bits.  The bits are set by
 * compare-and-exchange, and a walk that loses against another vCPU starts again, so the rights it
 * judged are the ones it marked.  The rules are those of the SDM, chapter "Paging": "Access
 * Rights", "Page-Fault Exceptions", "Accessed and Dirty Flags", "Protection Keys".
 */
#include "guest_walk.h"

#define PTE_PRESENT	(1ULL << 0)
#define PTE_WRITE	(1ULL << 1)
#define PTE_USER	(1ULL << 2)
#define PTE_ACCESSED	(1ULL << 5)
#define PTE_DIRTY	(1ULL << 6)
#define PTE_LARGE	(1ULL << 7)
#define PTE_NX		(1ULL << 63)
#define PTE_ADDR	0x000ffffffffff000ULL
#define PAE_RESERVED	0x7ff0000000000000ULL	/* ignored in 4-level paging */
#define PTE_PKEY_SHIFT	59
#define PTE_PKEYS	16

/* 32-bit paging: bits 39:32 of a 4 MiB page's address stand in bits 20:13 of its entry. */
#define PSE_ADDR	0xffc00000ULL
#define PSE36_SHIFT	13
#define PSE36_MASK	0xffULL
#define PSE_RESERVED	(1ULL << 21)

#define PKRU_AD		1U	/* access disable */
#define PKRU_WD		2U	/* write disable */

#define MAX_LEVELS	5
#define MAX_TRIES	16	/* lost races before the guest is entered again */

struct walk {
	const struct guest_walk_ops *ops;
	void *ctx;
	const struct guest_paging *paging;
	unsigned long gva;
	unsigned int access;
	bool long_mode, pae, nxe;
	bool user;			/* the access has user rights */

	int top;			/* the first level read; they count from the leaf, 1 */
	int level;			/* of the leaf */
	gpa_t entry_gpa[MAX_LEVELS + 1];
	u64 entry[MAX_LEVELS + 1];
	u64 all;			/* the AND of the entries: U/S and R/W */
	u64 any;			/* their OR: XD */
};

static unsigned int walk_entry_size(const struct walk *w)
{
	return w->pae ? 8 : 4;
}

/* The lowest bit of the linear address that @level translates. */
static unsigned int walk_shift(const struct walk *w, int level)
{
	return 12 + (level - 1) * (w->pae ? 9 : 10);
}

static bool walk_is_leaf(const struct walk *w, u64 entry, int level)
{
	if (level == 1)
		return true;
	if (!(entry & PTE_LARGE))
		return false;
	if (!w->pae)
		return w->paging->cr4 & X86_CR4_PSE;
	return level <= 3;
}

/* The bits that must be zero in @entry. */
static u64 walk_reserved(const struct walk *w, u64 entry, int level)
{
	u64 reserved, beyond = w->paging->reserved_gpa_bits;

	if (!w->pae) {
		if (level == 1 || !walk_is_leaf(w, entry, level))
			return 0;
		return PSE_RESERVED | ((beyond >> 32) & PSE36_MASK) << PSE36_SHIFT;
	}

	reserved = beyond & PTE_ADDR;
	if (!w->nxe)
		reserved |= PTE_NX;
	if (!w->long_mode)		/* PAE: nothing is ignored between the address and XD */
		reserved |= PAE_RESERVED;
	if (level > 3)
		reserved |= PTE_LARGE;
	else if (level > 1 && (entry & PTE_LARGE))	/* bit 12 is PAT */
		reserved |= ((1ULL << walk_shift(w, level)) - 1) & ~((1ULL << 13) - 1);
	return reserved;
}

static u32 walk_fault_code(const struct walk *w)
{
	u32 code = 0;

	if (w->access == ACCESS_WRITE)
		code |= X86_PF_WRITE;
	if (w->user)
		code |= X86_PF_USER;
	if (w->access == ACCESS_EXEC && ((w->paging->cr4 & X86_CR4_SMEP) || w->nxe))
		code |= X86_PF_INSTR;
	return code;
}

static int walk_fault(const struct walk *w, u32 why, struct guest_walk_fault *fault)
{
	fault->error_code = why | walk_fault_code(w);
	fault->address = w->gva;
	return 1;
}

/* Where the walk starts: 0 and *@table, or 1: a PDPTE of PAE paging is absent. */
static int walk_root(struct walk *w, gpa_t *table)
{
	const struct guest_paging *paging = w->paging;

	if (w->long_mode) {
		w->top = paging->cr4 & X86_CR4_LA57 ? 5 : 4;
		*table = paging->cr3 & PTE_ADDR;
		return 0;
	}
	w->top = 2;
	if (!w->pae) {
		*table = paging->cr3 & 0xfffff000;
		return 0;
	}
	/* The PDPTEs were checked when they were loaded, and hold no rights and no A bit. */
	*table = paging->pdptr[(w->gva >> 30) & 3];
	if (!(*table & PTE_PRESENT))
		return 1;
	*table &= PTE_ADDR;
	return 0;
}

static int walk_descend(struct walk *w, struct guest_walk_fault *fault)
{
	unsigned int size = walk_entry_size(w);
	u64 entries = 4096 / size;
	gpa_t table;
	int level, ret;

	if (walk_root(w, &table))
		return walk_fault(w, 0, fault);

	w->all = ~0ULL;
	w->any = 0;
	for (level = w->top; ; level--) {
		gpa_t at = table + ((w->gva >> walk_shift(w, level)) & (entries - 1)) * size;
		u64 entry = 0;

		ret = w->ops->read(w->ctx, at, &entry, size);
		if (ret == -ENXIO)	/* no memory: as if it held nothing */
			return walk_fault(w, 0, fault);
		if (ret)
			return ret;
		if (!(entry & PTE_PRESENT))
			return walk_fault(w, 0, fault);
		if (entry & walk_reserved(w, entry, level))
			return walk_fault(w, X86_PF_PROT | X86_PF_RSVD, fault);
		w->entry_gpa[level] = at;
		w->entry[level] = entry;
		w->all &= entry;
		w->any |= entry;
		if (walk_is_leaf(w, entry, level))
			break;
		table = entry & PTE_ADDR;
	}
	w->level = level;
	return 0;
}

static bool walk_rights_allow(const struct walk *w)
{
	const struct guest_paging *paging = w->paging;
	bool user_page = w->all & PTE_USER;

	if (w->access == ACCESS_EXEC && w->nxe && (w->any & PTE_NX))
		return false;
	if (w->user) {
		if (!user_page)
			return false;
		return w->access != ACCESS_WRITE || (w->all & PTE_WRITE);
	}
	if (user_page && w->access == ACCESS_EXEC)
		return !(paging->cr4 & X86_CR4_SMEP);
	/* SMAP: EFLAGS.AC lifts it for explicit accesses only. */
	if (user_page && (paging->cr4 & X86_CR4_SMAP) &&
	    (paging->system_access || !(paging->rflags & X86_EFLAGS_AC)))
		return false;
	if (w->access == ACCESS_WRITE && (paging->cr0 & X86_CR0_WP))
		return w->all & PTE_WRITE;
	return true;
}

/* Protection keys guard data accesses to user pages, by user and supervisor alike. */
static bool walk_pkey_allows(const struct walk *w)
{
	const struct guest_paging *paging = w->paging;
	u32 rights;

	if (!w->long_mode || !(paging->cr4 & X86_CR4_PKE) || w->access == ACCESS_EXEC ||
	    !(w->all & PTE_USER))
		return true;
	rights = paging->pkru >> 2 * ((w->entry[w->level] >> PTE_PKEY_SHIFT) % PTE_PKEYS);
	if (rights & PKRU_AD)
		return false;
	if (!(rights & PKRU_WD) || w->access != ACCESS_WRITE)
		return true;
	return !w->user && !(paging->cr0 & X86_CR0_WP);
}

/* Returns 0, 1 when an entry had changed, or a negative errno. */
static int walk_set_accessed_dirty(struct walk *w)
{
	int level, ret;

	for (level = w->top; level >= w->level; level--) {
		u64 old = w->entry[level], new = old | PTE_ACCESSED;

		if (level == w->level && w->access == ACCESS_WRITE)
			new |= PTE_DIRTY;
		if (new == old)
			continue;
		/* The low bytes come first: 4-byte entries need no copy of their own. */
		ret = w->ops->exchange(w->ctx, w->entry_gpa[level], &old, &new, walk_entry_size(w));
		/* Tables in read-only memory: the write is lost, as it is in ROM. */
		if (ret && ret != -ENXIO)
			return ret;
	}
	return 0;
}

static gpa_t walk_result(const struct walk *w)
{
	u64 entry = w->entry[w->level];
	u64 offset = (1ULL << walk_shift(w, w->level)) - 1;

	if (!w->pae && w->level == 2)
		return (entry & PSE_ADDR) | ((entry >> PSE36_SHIFT) & PSE36_MASK) << 32 |
		       (w->gva & offset);
	return (entry & PTE_ADDR & ~offset) | (w->gva & offset);
}

int guest_walk(const struct guest_walk_ops *ops, void *ctx, const struct guest_paging *paging,
	       unsigned long gva, unsigned int access, gpa_t *gpa, struct guest_walk_fault *fault)
{
	struct walk w = {
		.ops = ops, .ctx = ctx, .paging = paging, .gva = gva, .access = access,
		.long_mode = paging->efer & EFER_LMA,
		.pae = paging->cr4 & X86_CR4_PAE,
		.nxe = paging->efer & EFER_NX,
		.user = paging->cpl == 3 && !paging->system_access,
	};
	int try, ret;

	if (!(paging->cr0 & X86_CR0_PG)) {
		*gpa = gva;
		return 0;
	}
	if (!w.pae)
		w.nxe = false;		/* 4-byte entries have no XD */
	if (!w.long_mode)
		w.gva = (u32)gva;

	for (try = 0; try < MAX_TRIES; try++) {
		bool rights, pkey;

		ret = walk_descend(&w, fault);
		if (ret)
			return ret;
		rights = walk_rights_allow(&w);
		pkey = walk_pkey_allows(&w);
		if (!rights || !pkey)
			return walk_fault(&w, X86_PF_PROT | (pkey ? 0 : X86_PF_PK), fault);
		ret = walk_set_accessed_dirty(&w);
		if (ret < 0)
			return ret;
		if (!ret) {
			*gpa = walk_result(&w);
			return 0;
		}
	}
	return -EAGAIN;
}
