// SPDX-License-Identifier: GPL-2.0-only
/*
 * Entry format: literal values on one side, as the SDM's tables "Format of an EPT ..." give them,
 * the functions of pte.h on the other.
 */
#include "../pte.h"
#include "tests.h"

static void test_geometry(void)
{
	static const struct {
		gfn_t gfn;
		int level;
		u64 pages, align;
		unsigned int index;
	} rows[] = {
		{ 0x0, 1, 1, 0x0, 0 },
		{ 0x1ff, 1, 1, 0x1ff, 511 },
		{ 0x3ff, 2, 0x200, 0x200, 1 },
		{ 0x3ffff, 2, 0x200, 0x3fe00, 511 },
		{ 0x7ffff, 3, 0x40000, 0x40000, 1 },
		{ 0xfffffffff, 4, 0x8000000, 0xff8000000, 511 },
		{ 0xfffffffff, 1, 1, 0xfffffffff, 511 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		tap_ok(ept_pages(rows[i].level) == rows[i].pages &&
		       ept_align(rows[i].gfn, rows[i].level) == rows[i].align &&
		       ept_index(rows[i].gfn, rows[i].level) == rows[i].index,
		       "geometry of gfn %#llx at level %d",
		       (unsigned long long)rows[i].gfn, rows[i].level);
}

static void test_leaves(void)
{
	static const struct {
		u64 pfn;
		int level;
		unsigned int access, memtype;
		u64 pte;
	} rows[] = {
		{ 0x12345, 1, ACCESS_READ, 6, 0x12345031 },
		{ 0x12345, 1, ACCESS_READ | ACCESS_WRITE | ACCESS_EXEC, 6, 0x12345037 },
		{ 0x12345, 2, ACCESS_READ | ACCESS_WRITE | ACCESS_EXEC, 6, 0x122000b7 },
		{ 0x12345, 3, ACCESS_READ, 6, 0xb1 },
		{ 0x7ffff, 3, ACCESS_READ | ACCESS_EXEC, 6, 0x400000b5 },
		{ 0xfee00, 1, ACCESS_WRITE, 0, 0xfee00003 },
		{ 0xd0000, 1, ACCESS_WRITE, 1, 0xd000000b },
		{ 0xffffffffff, 1, ACCESS_READ, 6, 0x000ffffffffff031 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		u64 pte = ept_make_leaf(rows[i].pfn, rows[i].level, rows[i].access,
					rows[i].memtype);

		tap_ok(pte == rows[i].pte && ept_is_leaf(pte, rows[i].level) &&
		       !ept_is_table(pte, rows[i].level) &&
		       ept_pfn(pte) == ept_align(rows[i].pfn, rows[i].level),
		       "leaf at level %d for frame %#llx: %#llx", rows[i].level,
		       (unsigned long long)rows[i].pfn, (unsigned long long)pte);
	}
}

static void test_kinds(void)
{
	u64 table = ept_make_table(0xabcdef000);

	tap_ok(table == 0xabcdef007 && ept_is_table(table, 4) && ept_is_table(table, 2) &&
	       ept_pfn(table) == 0xabcdef, "a table's entry");
	tap_ok(!ept_is_present(0xabcdef030) && !ept_is_leaf(0xabcdef0b0, 2) &&
	       !ept_is_table(0xabcdef030, 2), "without rights an entry is absent");
	tap_ok(ept_is_leaf(0x1007, 1) && !ept_is_table(0x1007, 1), "at level 1 all are leaves");
	tap_ok(ept_is_present(4) && ept_is_leaf(0x84, 2), "execute-only is present");

	tap_ok(ept_allows(0x1007, ACCESS_READ | ACCESS_WRITE | ACCESS_EXEC) &&
	       ept_allows(0x1005, ACCESS_READ | ACCESS_EXEC) &&
	       !ept_allows(0x1005, ACCESS_WRITE) &&
	       !ept_allows(0x1003, ACCESS_READ | ACCESS_EXEC) &&
	       !ept_allows(0x1000, 0), "rights of an entry");
}

static void test_flush(void)
{
	static const struct {
		u64 old, new;
		bool flush;
		const char *what;
	} rows[] = {
		{ 0, 0x1037, false, "nothing to something" },
		{ 0x1030, 0, false, "absent to absent" },
		{ 0x1037, 0, true, "removed" },
		{ 0x1037, 0x1035, true, "write taken" },
		{ 0x1037, 0x1033, true, "execute taken" },
		{ 0x1031, 0x1037, false, "write and execute granted" },
		{ 0x1037, 0x2037, true, "another frame" },
		{ 0x1037, 0x100f, true, "another memory type" },
		{ 0x2000b7, 0x1007, true, "leaf to table" },
		{ 0x2000b7, 0x200037, true, "leaf to a table in the same frame" },
		{ 0x1007, 0x2000b7, true, "table to leaf" },
		{ 0x1137, 0x1037, false, "accessed cleared" },
		{ 0x1037, 0x1337, false, "accessed and dirty set" },
		{ 0x1337, 0x1137, true, "dirty cleared" },
		{ 0x1337, 0x10000000001335, true, "write withheld" },
		{ 0x10000000001135, 0x1337, false, "write granted again" },
		{ 0x1037, 0x1037, false, "the same" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		tap_ok(ept_needs_flush(rows[i].old, rows[i].new) == rows[i].flush,
		       "flush: %s", rows[i].what);
}

static void test_log(void)
{
	const u64 withheld = 1ULL << 52;
	static const struct {
		u64 pte;
		int level;
		bool pml;
		u64 protected;
		const char *what;
	} rows[] = {
		{ 0x1337, 1, true, 0x1137, "4 KiB by its dirty bit" },
		{ 0x1337, 1, false, 0x10000000001335, "4 KiB by its right to write" },
		{ 0x2003b7, 2, true, 0x100000002003b5, "2 MiB by its right to write" },
		{ 0x2003b7, 2, false, 0x100000002003b5, "2 MiB without the log of the CPU" },
		{ 0x400003b7, 3, true, 0x100000400003b5, "1 GiB" },
		{ 0x1135, 1, true, 0x1135, "read-only by the host" },
		{ 0x1135, 1, false, 0x1135, "read-only by the host, not withheld" },
		{ 0x10000000001135, 1, false, 0x10000000001135, "withheld already" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		tap_ok(ept_log_protect(rows[i].pte, rows[i].level, rows[i].pml) ==
		       rows[i].protected, "log: %s", rows[i].what);
	tap_ok(ept_log_grant(0x1135 | withheld) == 0x1137 && ept_log_grant(0x1135) == 0x1135 &&
	       ept_log_grant(0x1337) == 0x1337, "log: only what was withheld is granted");
	tap_ok(ept_log_split(0x2003b5 | withheld, 2, 0, true) == 0x200137 &&
	       ept_log_split(0x2003b5 | withheld, 2, 511, true) == 0x3ff137 &&
	       ept_log_split(0x2003b5 | withheld, 2, 511, false) == (0x3ff135 | withheld) &&
	       ept_log_split(0x2003b5, 2, 1, true) == 0x201135, "log: 2 MiB split");
	tap_ok(ept_log_split(0x400003b5 | withheld, 3, 511, true) ==
	       (0x7fe001b5 | withheld), "log: 1 GiB split stays withheld");
}

static void test_replace(void)
{
	u64 entry = 0x1037, old = 0x1037;
	bool first = ept_replace(&entry, &old, 0x1137);
	bool second = ept_replace(&entry, &old, 0);

	tap_ok(first && !second && entry == 0x1137 && old == 0x1137,
	       "a lost exchange changes nothing and brings the old value up to date");
}

void test_pte(void)
{
	test_geometry();
	test_leaves();
	test_kinds();
	test_flush();
	test_log();
	test_replace();
}
