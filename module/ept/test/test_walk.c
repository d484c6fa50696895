// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest page walk, on page tables in an array.
 *
 * Rights are swept: every combination of rights bits in two entries, control bits, privilege and
 * kind of access, against the decision tree of the SDM's "Access Rights" written down as it stands
 * there.  Sizes, reserved bits, error codes, keys, accessed and dirty bits are rows.
 */
#include <string.h>

#include "../guest_walk.h"
#include "tests.h"

#define MEM_SIZE	0x10000
#define ROM_START	0xc000		/* readable only, up to MEM_SIZE */

#define P	0x1ULL
#define W	0x2ULL
#define U	0x4ULL
#define A	0x20ULL
#define D	0x40ULL
#define PS	0x80ULL
#define XD	(1ULL << 63)
#define ALL	(P | W | U)

#define CR0_ON		(X86_CR0_PE | X86_CR0_PG | X86_CR0_WP)
#define PHYS40		0x000fff0000000000ULL	/* reserved with MAXPHYADDR 40 */

static u8 memory[MEM_SIZE];
static unsigned int exchanges, interfere;

static int mem_read(void *ctx, gpa_t gpa, void *data, size_t len)
{
	if (gpa + len > MEM_SIZE)
		return -ENXIO;
	memcpy(data, memory + gpa, len);
	return 0;
}

static int mem_exchange(void *ctx, gpa_t gpa, const void *old, const void *new, size_t len)
{
	exchanges++;
	if (gpa + len > ROM_START)
		return -ENXIO;
	if (interfere) {		/* another CPU was faster */
		interfere--;
		memory[gpa + 1] ^= 2;	/* a bit for software */
		return 1;
	}
	if (memcmp(memory + gpa, old, len))
		return 1;
	memcpy(memory + gpa, new, len);
	return 0;
}

static const struct guest_walk_ops ops = { .read = mem_read, .exchange = mem_exchange };

static u64 get(gpa_t gpa, size_t len)
{
	u64 value = 0;

	memcpy(&value, memory + gpa, len);
	return value;
}

static void set(gpa_t gpa, size_t len, u64 value)
{
	memcpy(memory + gpa, &value, len);
}

enum mode { MODE_32, MODE_PAE, MODE_4LEVEL, MODE_5LEVEL };
static const char *const mode_name[] = { "32-bit", "PAE", "4-level", "5-level" };

static struct guest_paging paging_for(enum mode mode)
{
	struct guest_paging p = { .cr0 = CR0_ON, .cr3 = 0x1000, .reserved_gpa_bits = PHYS40 };

	if (mode != MODE_32) {
		p.cr4 |= X86_CR4_PAE;
		p.efer |= EFER_NX;
	}
	if (mode >= MODE_4LEVEL)
		p.efer |= EFER_LMA;
	if (mode == MODE_5LEVEL)
		p.cr4 |= X86_CR4_LA57;
	p.pdptr[1] = 0x1000 | P;
	return p;
}

/*
 * Tables for one address: the root at 0x1000, each table a page further on, index 1 in each,
 * entries ALL, the leaf at level 1 with address 0x5555000.  PAE: the second PDPTE.
 */
#define VA_4K_64	((1UL << 12) | (1UL << 21) | (1UL << 30) | (1UL << 39))
#define VA_4K_PAE	((1UL << 12) | (1UL << 21) | (1UL << 30))
#define VA_4K_32	((1UL << 12) | (1UL << 22))

static unsigned long va_for(enum mode mode)
{
	switch (mode) {
	case MODE_32:
		return VA_4K_32;
	case MODE_PAE:
		return VA_4K_PAE;
	case MODE_4LEVEL:
		return VA_4K_64;
	default:
		return VA_4K_64 | (1UL << 48);
	}
}

static int levels(enum mode mode)
{
	return mode <= MODE_PAE ? 2 : mode == MODE_4LEVEL ? 4 : 5;
}

static size_t entry_size(enum mode mode)
{
	return mode == MODE_32 ? 4 : 8;
}

/* Where the entry at @level (1: the leaf) stands. */
static gpa_t entry_at(enum mode mode, int level)
{
	return 0x1000 * (1 + levels(mode) - level) + entry_size(mode);
}

static void build(enum mode mode)
{
	int level;

	memset(memory, 0, sizeof(memory));
	exchanges = interfere = 0;
	for (level = levels(mode); level > 1; level--)
		set(entry_at(mode, level), entry_size(mode),
		    (0x1000 * (2 + levels(mode) - level)) | ALL);
	set(entry_at(mode, 1), entry_size(mode), 0x5555000 | ALL);
}

static int walk(const struct guest_paging *p, unsigned long va, unsigned int access, gpa_t *gpa,
		struct guest_walk_fault *fault)
{
	*gpa = 0xdead;
	fault->error_code = 0xdead;
	fault->address = 0xdead;
	return guest_walk(&ops, NULL, p, va, access, gpa, fault);
}

/* --- rights, by the SDM's decision tree --- */

struct rights {
	bool user_address;		/* U/S is 1 in every entry */
	bool all_writable, some_xd;
	bool wp, smep, smap, ac, nxe, explicit;
};

static bool supervisor_data_user_address(const struct rights *r)
{
	if (!r->smap)
		return true;
	return r->ac && r->explicit;
}

static bool sdm_allows(const struct rights *r, bool user_access, unsigned int access)
{
	if (user_access) {
		switch (access) {
		case ACCESS_READ:
			return r->user_address;
		case ACCESS_WRITE:
			return r->user_address && r->all_writable;
		default:
			return r->user_address && (!r->nxe || !r->some_xd);
		}
	}
	switch (access) {
	case ACCESS_READ:
		return !r->user_address || supervisor_data_user_address(r);
	case ACCESS_WRITE:
		if (r->user_address && !supervisor_data_user_address(r))
			return false;
		return !r->wp || r->all_writable;
	default:
		if (r->nxe && r->some_xd)
			return false;
		return !r->user_address || !r->smep;
	}
}

static bool sweep_one(enum mode mode, unsigned int bits, unsigned int access)
{
	bool xd_exists = mode != MODE_32, lower_xd = bits & 4, upper_xd = bits & 32;
	struct guest_paging p = paging_for(mode);
	struct guest_walk_fault fault;
	struct rights r = {
		.user_address = (bits & 1) && (bits & 8),
		.all_writable = (bits & 2) && (bits & 16),
		.some_xd = xd_exists && (lower_xd || upper_xd),
		.wp = bits & 64, .smep = bits & 128, .smap = bits & 256, .ac = bits & 512,
		.nxe = bits & 1024, .explicit = !(bits & 2048),
	};
	bool user_access = (bits & 4096) && r.explicit;
	u32 code = 0;
	gpa_t gpa;
	int ret;

	build(mode);
	set(entry_at(mode, 1), entry_size(mode), 0x5555000 | P | (bits & 1 ? U : 0) |
	    (bits & 2 ? W : 0) | (xd_exists && lower_xd ? XD : 0));
	set(entry_at(mode, 2), entry_size(mode), (get(entry_at(mode, 2), entry_size(mode)) & ~ALL) |
	    P | (bits & 8 ? U : 0) | (bits & 16 ? W : 0) | (xd_exists && upper_xd ? XD : 0));
	p.cr0 = X86_CR0_PE | X86_CR0_PG | (r.wp ? X86_CR0_WP : 0);
	p.cr4 |= (r.smep ? X86_CR4_SMEP : 0) | (r.smap ? X86_CR4_SMAP : 0);
	p.efer = (p.efer & ~EFER_NX) | (r.nxe ? EFER_NX : 0);
	p.rflags = r.ac ? X86_EFLAGS_AC : 0;
	p.cpl = bits & 4096 ? 3 : 0;
	p.system_access = !r.explicit;
	if (!xd_exists)
		r.nxe = false;

	ret = walk(&p, va_for(mode) + 0x123, access, &gpa, &fault);
	if (user_access)
		code |= X86_PF_USER;
	if (access == ACCESS_WRITE)
		code |= X86_PF_WRITE;
	if (access == ACCESS_EXEC && (r.smep || r.nxe))
		code |= X86_PF_INSTR;
	if (r.some_xd && !r.nxe)
		return ret == 1 && fault.error_code == (code | X86_PF_PROT | X86_PF_RSVD);
	if (sdm_allows(&r, user_access, access))
		return ret == 0 && gpa == 0x5555123;
	return ret == 1 && fault.error_code == (code | X86_PF_PROT) &&
	       fault.address == va_for(mode) + 0x123 && exchanges == 0;
}

static void test_rights(enum mode mode)
{
	static const unsigned int kinds[] = { ACCESS_READ, ACCESS_WRITE, ACCESS_EXEC };
	unsigned int bits, kind, bad = 0, count = 0;

	for (bits = 0; bits < 8192; bits++) {
		for (kind = 0; kind < 3; kind++, count++) {
			if (sweep_one(mode, bits, kinds[kind]))
				continue;
			if (!bad++)
				tap_note("first: bits %#x access %u", bits, kinds[kind]);
		}
	}
	tap_ok(!bad, "%s: %u combinations of rights, %u differ from the SDM", mode_name[mode],
	       count, bad);
}

/* --- absent and malformed entries --- */

static void test_absent(enum mode mode)
{
	struct guest_paging p = paging_for(mode);
	struct guest_walk_fault fault;
	bool ok = true;
	gpa_t gpa;
	int level;

	p.cpl = 3;
	for (level = 1; level <= levels(mode); level++) {
		build(mode);
		set(entry_at(mode, level), entry_size(mode), 0x7e | (1ULL << 31));
		ok &= walk(&p, va_for(mode), ACCESS_WRITE, &gpa, &fault) == 1 &&
		      fault.error_code == (X86_PF_WRITE | X86_PF_USER) &&
		      fault.address == va_for(mode) && exchanges == 0;
	}
	tap_ok(ok, "%s: an absent entry at each level is no protection fault", mode_name[mode]);
}

struct reserved_row {
	enum mode mode;
	int level;
	u64 bits;			/* set in the entry, in addition */
	bool fault;
};

static void test_reserved(void)
{
	static const struct reserved_row rows[] = {
		{ MODE_4LEVEL, 1, 1ULL << 40, true },	/* beyond MAXPHYADDR */
		{ MODE_4LEVEL, 3, 1ULL << 51, true },
		{ MODE_4LEVEL, 1, 1ULL << 39, false },
		{ MODE_4LEVEL, 1, 0x7ffULL << 52, false }, /* ignored, or the key */
		{ MODE_4LEVEL, 3, 0x7ffULL << 52, false },
		{ MODE_4LEVEL, 4, PS, true },
		{ MODE_5LEVEL, 5, PS, true },
		{ MODE_5LEVEL, 4, PS, true },
		{ MODE_4LEVEL, 1, PS, false },		/* PAT */
		{ MODE_4LEVEL, 2, PS | 0x2000, true },
		{ MODE_4LEVEL, 2, PS | 0x100000, true },
		{ MODE_4LEVEL, 3, PS | 0x20000000, true },
		{ MODE_PAE, 1, 1ULL << 40, true },
		{ MODE_PAE, 1, 1ULL << 52, true },
		{ MODE_PAE, 2, 1ULL << 62, true },
		{ MODE_PAE, 2, PS | 0x2000, true },
		{ MODE_32, 2, PS | 0x200000, true },
		{ MODE_32, 1, PS, false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct reserved_row *row = &rows[i];
		struct guest_paging p = paging_for(row->mode);
		struct guest_walk_fault fault = {};
		gpa_t at = entry_at(row->mode, row->level), gpa;
		size_t size = entry_size(row->mode);
		int ret;

		build(row->mode);
		p.cr4 |= X86_CR4_PSE;
		/* A large page's own address is zero, so that only the bits in question count. */
		if (row->bits & PS && row->level > 1)
			set(at, size, ALL | row->bits);
		else
			set(at, size, get(at, size) | row->bits);
		ret = walk(&p, va_for(row->mode), ACCESS_READ, &gpa, &fault);
		if (row->mode == MODE_4LEVEL && row->bits == 1ULL << 39)
			gpa &= ~row->bits;
		if (!row->fault && gpa != 0x5555000)
			ret = -1;
		tap_ok(ret == row->fault &&
		       (!row->fault || fault.error_code == (X86_PF_PROT | X86_PF_RSVD)),
		       "%s: bits %#llx at level %d are %s", mode_name[row->mode],
		       (unsigned long long)row->bits, row->level,
		       row->fault ? "reserved" : "not reserved");
	}
}

/* --- large pages --- */

static void test_large(void)
{
	static const struct {
		enum mode mode;
		int level;
		unsigned long pse;
		u64 entry;
		unsigned long offset;
		gpa_t gpa;
		const char *what;
	} rows[] = {
		{ MODE_4LEVEL, 2, 0, 0x12200000 | PS | ALL, 0x1f1234, 0x123f1234, "2 MiB" },
		{ MODE_4LEVEL, 2, 0, 0x12200000 | 0x1000 | PS | ALL, 0x34, 0x12200034,
		  "2 MiB with PAT" },
		{ MODE_4LEVEL, 3, 0, 0x40000000 | PS | ALL, 0x3ff12345, 0x7ff12345, "1 GiB" },
		{ MODE_5LEVEL, 3, 0, 0x40000000 | PS | ALL, 0x3ff12345, 0x7ff12345, "1 GiB" },
		{ MODE_PAE, 2, 0, 0x12200000 | PS | ALL, 0x1f1234, 0x123f1234, "2 MiB" },
		{ MODE_32, 2, X86_CR4_PSE, 0x12400000 | PS | ALL, 0x3f1234, 0x127f1234, "4 MiB" },
		{ MODE_32, 2, X86_CR4_PSE, 0x12400000 | 0xab << 13 | PS | ALL, 0x3f1234,
		  0xab127f1234, "4 MiB above 4 GiB" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct guest_paging p = paging_for(rows[i].mode);
		unsigned long va = va_for(rows[i].mode);
		gpa_t at = entry_at(rows[i].mode, rows[i].level), gpa;
		size_t size = entry_size(rows[i].mode);
		struct guest_walk_fault fault;
		unsigned int shift = rows[i].mode == MODE_32 ? 22 : 12 + 9 * (rows[i].level - 1);
		int ret;

		build(rows[i].mode);
		p.cr4 |= rows[i].pse;
		set(at, size, rows[i].entry);
		va = (va >> shift << shift) | rows[i].offset;
		ret = walk(&p, va, ACCESS_WRITE, &gpa, &fault);
		tap_ok(!ret && gpa == rows[i].gpa && get(at, size) == (rows[i].entry | A | D),
		       "%s: a page of %s", mode_name[rows[i].mode], rows[i].what);
	}
}

static void test_pse_off(void)
{
	struct guest_paging p = paging_for(MODE_32);
	struct guest_walk_fault fault;
	gpa_t gpa;

	build(MODE_32);
	set(entry_at(MODE_32, 2), 4, get(entry_at(MODE_32, 2), 4) | PS);
	tap_ok(!walk(&p, va_for(MODE_32) + 5, ACCESS_READ, &gpa, &fault) && gpa == 0x5555005,
	       "32-bit without CR4.PSE: bit 7 is ignored");
}

/* --- accessed and dirty bits --- */

static void test_accessed_dirty(enum mode mode)
{
	struct guest_paging p = paging_for(mode);
	struct guest_walk_fault fault;
	size_t size = entry_size(mode);
	bool ok = true;
	gpa_t gpa;
	int level;

	build(mode);
	ok &= !walk(&p, va_for(mode), ACCESS_READ, &gpa, &fault);
	for (level = 1; level <= levels(mode); level++)
		ok &= (get(entry_at(mode, level), size) & (A | D)) == A;
	ok &= exchanges == (unsigned int)levels(mode);
	ok &= !walk(&p, va_for(mode), ACCESS_WRITE, &gpa, &fault);
	for (level = 1; level <= levels(mode); level++)
		ok &= (get(entry_at(mode, level), size) & (A | D)) == (level == 1 ? A | D : A);
	ok &= exchanges == levels(mode) + 1U;
	ok &= !walk(&p, va_for(mode), ACCESS_WRITE, &gpa, &fault);
	ok &= exchanges == levels(mode) + 1U;
	if (mode == MODE_PAE)
		ok &= p.pdptr[1] == (0x1000 | P);
	tap_ok(ok, "%s: accessed at all levels, dirty in the leaf, each once", mode_name[mode]);
}

static void test_races(void)
{
	struct guest_paging p = paging_for(MODE_4LEVEL);
	struct guest_walk_fault fault;
	gpa_t gpa;
	bool ok;

	build(MODE_4LEVEL);
	interfere = 3;
	ok = !walk(&p, va_for(MODE_4LEVEL), ACCESS_WRITE, &gpa, &fault) && gpa == 0x5555000 &&
	     (get(entry_at(MODE_4LEVEL, 1), 8) & (A | D)) == (A | D);
	tap_ok(ok, "a walk that loses races starts again and ends");

	build(MODE_4LEVEL);
	interfere = 1000000;
	tap_ok(walk(&p, va_for(MODE_4LEVEL), ACCESS_WRITE, &gpa, &fault) == -EAGAIN,
	       "a walk that always loses gives up");

	/* The root in ROM: accessed bits cannot be set there, the translation stands. */
	build(MODE_4LEVEL);
	memcpy(memory + 0xd000, memory + 0x1000, 0x1000);
	p.cr3 = 0xd000;
	ok = !walk(&p, va_for(MODE_4LEVEL), ACCESS_READ, &gpa, &fault) && gpa == 0x5555000 &&
	     !(get(0xd008, 8) & A) && (get(entry_at(MODE_4LEVEL, 1), 8) & A);
	tap_ok(ok, "tables in read-only memory translate");

	p.cr3 = 0x100000;
	tap_ok(walk(&p, va_for(MODE_4LEVEL), ACCESS_READ, &gpa, &fault) == 1 &&
	       fault.error_code == 0,
	       "tables outside memory hold nothing");
}

/* --- protection keys --- */

static void test_keys(void)
{
	static const struct {
		u32 pkru;		/* of key 5 */
		bool user_page, user, wp, pke;
		unsigned int access;
		u32 code;		/* 0: allowed */
	} rows[] = {
		{ 0, true, true, true, true, ACCESS_WRITE, 0 },
		{ 1, true, true, true, true, ACCESS_READ, 0x25 },
		{ 1, true, true, true, true, ACCESS_WRITE, 0x27 },
		{ 1, true, true, true, true, ACCESS_EXEC, 0 },
		{ 2, true, true, true, true, ACCESS_READ, 0 },
		{ 2, true, true, true, true, ACCESS_WRITE, 0x27 },
		{ 2, true, true, false, true, ACCESS_WRITE, 0x27 },
		{ 1, true, false, true, true, ACCESS_READ, 0x21 },
		{ 2, true, false, true, true, ACCESS_WRITE, 0x23 },
		{ 2, true, false, false, true, ACCESS_WRITE, 0 },
		{ 1, true, false, false, true, ACCESS_WRITE, 0x23 },
		{ 3, false, false, true, true, ACCESS_WRITE, 0 },
		{ 3, true, true, true, false, ACCESS_WRITE, 0 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct guest_paging p = paging_for(MODE_4LEVEL);
		struct guest_walk_fault fault;
		gpa_t gpa;
		int ret;

		build(MODE_4LEVEL);
		set(entry_at(MODE_4LEVEL, 1), 8, 0x5555000 | P | W | (rows[i].user_page ? U : 0) |
		    5ULL << 59);
		p.pkru = ~(3U << 10) | rows[i].pkru << 10;	/* all other keys forbid */
		p.cr4 |= rows[i].pke ? X86_CR4_PKE : 0;
		p.cr0 = X86_CR0_PE | X86_CR0_PG | (rows[i].wp ? X86_CR0_WP : 0);
		p.cpl = rows[i].user ? 3 : 0;
		ret = walk(&p, va_for(MODE_4LEVEL), rows[i].access, &gpa, &fault);
		tap_ok(rows[i].code ? ret == 1 && fault.error_code == rows[i].code : ret == 0,
		       "protection key, row %zu", i);
	}
}

static void test_others(void)
{
	struct guest_paging p = paging_for(MODE_4LEVEL);
	struct guest_walk_fault fault;
	gpa_t gpa;

	build(MODE_4LEVEL);
	p.cr0 = X86_CR0_PE;
	tap_ok(!walk(&p, 0x12345678, ACCESS_WRITE, &gpa, &fault) && gpa == 0x12345678,
	       "paging off: linear is physical");

	p = paging_for(MODE_4LEVEL);
	p.cr3 = 0x8000000000001abcUL;	/* no-flush bit, PCID */
	tap_ok(!walk(&p, va_for(MODE_4LEVEL), ACCESS_READ, &gpa, &fault) && gpa == 0x5555000,
	       "bits of CR3 beside the address are ignored");

	build(MODE_PAE);
	p = paging_for(MODE_PAE);
	p.cpl = 3;
	tap_ok(walk(&p, 0x80001234, ACCESS_EXEC, &gpa, &fault) == 1 &&
	       fault.error_code == (X86_PF_USER | X86_PF_INSTR) && fault.address == 0x80001234,
	       "PAE: an absent PDPTE");
	tap_ok(walk(&p, 0xff00000080001234UL, ACCESS_READ, &gpa, &fault) == 1 &&
	       fault.address == 0x80001234, "outside long mode addresses have 32 bits");
	p.pdptr[3] = p.pdptr[1];
	p.pdptr[1] = 0;
	tap_ok(!walk(&p, va_for(MODE_PAE) | 3UL << 30, ACCESS_READ, &gpa, &fault) &&
	       gpa == 0x5555000, "PAE: the last PDPTE");
}

void test_walk(void)
{
	enum mode mode;

	for (mode = MODE_32; mode <= MODE_5LEVEL; mode++) {
		test_rights(mode);
		test_absent(mode);
		test_accessed_dirty(mode);
	}
	test_reserved();
	test_large();
	test_pse_off();
	test_races();
	test_keys();
	test_others();
}
