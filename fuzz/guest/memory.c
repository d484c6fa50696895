// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest's memory before a case: descriptor tables, page tables and handlers for every mode, at
 * the places that fuzz.h names, and numbers everywhere else.
 *
 * The first 2 MiB are mapped 1:1 by 4 KiB pages, of which some are read-only, absent or the
 * supervisor's; above them are the same memory again, the IOAPIC and the local APIC by large pages.
 */
#include <string.h>

#include "fuzz.h"

static void put64(u8 *memory, u64 at, u64 value)
{
	memcpy(memory + at, &value, 8);
}

static void put32(u8 *memory, u64 at, u32 value)
{
	memcpy(memory + at, &value, 4);
}

static u64 descriptor(u64 base, u32 limit, u8 access, u8 flags)
{
	return (limit & 0xffff) | (base & 0xffffff) << 16 | (u64)access << 40 |
	       (u64)(limit >> 16 & 0xf) << 48 | (u64)flags << 52 | (base >> 24 & 0xff) << 56;
}

static void descriptors(u8 *m)
{
	put64(m, AT_GDT + SEL_CODE64, descriptor(0, 0xfffff, 0x9b, 0xa));
	put64(m, AT_GDT + SEL_DATA, descriptor(0, 0xfffff, 0x93, 0xc));
	put64(m, AT_GDT + SEL_CODE32, descriptor(0, 0xfffff, 0x9b, 0xc));
	put64(m, AT_GDT + SEL_CODE16, descriptor(AT_CODE, 0xffff, 0x9b, 0));
	put64(m, AT_GDT + SEL_DATA16, descriptor(0, 0xffff, 0x93, 0));
	put64(m, AT_GDT + (SEL_USER_DATA & ~7), descriptor(0, 0xfffff, 0xf3, 0xc));
	put64(m, AT_GDT + (SEL_USER_CODE64 & ~7), descriptor(0, 0xfffff, 0xfb, 0xa));
	put64(m, AT_GDT + SEL_TSS64, descriptor(AT_TSS64, 0x2ff, 0x8b, 0));
	put64(m, AT_GDT + SEL_TSS32, descriptor(AT_TSS32, 0x2ff, 0x8b, 0));
	put64(m, AT_GDT + SEL_LDT, descriptor(AT_LDT, 0xff, 0x82, 0));
	put64(m, AT_GDT + (SEL_USER_CODE32 & ~7), descriptor(0, 0xfffff, 0xfb, 0xc));
	/* a TSS too short to switch to, a call gate, an expand-down segment, an absent one */
	put64(m, AT_GDT + 0x68, descriptor(AT_TSS32, 0x66, 0x89, 0));
	put64(m, AT_GDT + 0x70, 0x0000ec000018d000ULL);
	put64(m, AT_GDT + 0x78, descriptor(0, 0x1000, 0x97, 0x4));
	put64(m, AT_GDT + 0x80, descriptor(0, 0xfffff, 0x13, 0xc));
	memcpy(m + AT_LDT, m + AT_GDT, 0x100);
}

/* Every vector's handler says its number at a port and halts. */
static void handlers(u8 *m)
{
	for (unsigned int i = 0; i < 256; i++) {
		u64 at = AT_HANDLERS + 4 * i;

		m[at] = 0xe6;
		m[at + 1] = i;
		m[at + 2] = 0xf4;
		m[at + 3] = 0xf4;
		put32(m, 4 * i, AT_HANDLERS / 16 << 16 | 4 * i);
		put64(m, AT_IDT32 + 8 * i, (at & 0xffff) | SEL_CODE32 << 16 | 0xeeULL << 40);
		put64(m, AT_IDT64 + 16 * i, (at & 0xffff) | SEL_CODE64 << 16 | 0xeeULL << 40);
		put64(m, AT_IDT64 + 16 * i + 8, 0);
	}
}

static void task_states(u8 *m)
{
	put32(m, AT_TSS32 + 4, AT_STACK);		/* ESP0, SS0 */
	put32(m, AT_TSS32 + 8, SEL_DATA);
	put32(m, AT_TSS32 + 0x64, 0x68 << 16);		/* the I/O bitmap's place */
	for (unsigned int i = 0; i < 7; i++)
		put64(m, AT_TSS64 + 0x24 + 8 * i, AT_STACK);
	put64(m, AT_TSS64 + 4, AT_STACK);
	put32(m, AT_TSS64 + 0x64, 0x68 << 16);
	memset(m + AT_TSS32 + 0x68, 0xaa, 0x100);
	memset(m + AT_TSS64 + 0x68, 0x55, 0x100);
}

static u64 page_bits(unsigned int page)
{
	switch (page) {
	case 0x24: return 0x4;		/* absent */
	case 0x25: return 0x5;		/* read-only */
	case 0x26: return 0x3;		/* supervisor */
	case 0x27: return 0x1;
	case 0x28: return 0x107;	/* global */
	default: return 0x7;
	}
}

static void page_tables(u8 *m)
{
	memset(m + AT_PD32, 0, 0x7000);
	for (unsigned int i = 0; i < 512; i++) {
		put64(m, AT_PT + 8 * i, i << 12 | page_bits(i));
		put32(m, AT_PT32 + 4 * i, i << 12 | page_bits(i));
	}
	put64(m, AT_PD, AT_PT | 7);
	put64(m, AT_PD + 8, 0 | 0x87);
	put64(m, AT_PD + 16, 0xfec00000 | 0x87);
	put64(m, AT_PD + 24, 0xfee00000 | 0x87);
	put32(m, AT_PD32, AT_PT32 | 7);
	put32(m, AT_PD32 + 4, 0xfec00000 | 0x87);
	put32(m, AT_PD32 + 8, 0 | 0x87);
	put64(m, AT_PDPT_PAE, AT_PD | 1);
	put64(m, AT_PDPT, AT_PD | 7);
	put64(m, AT_PML4, AT_PDPT | 7);
}

void memory_template(u8 *m)
{
	struct random r = { 4711 };

	random_bytes(&r, m, MEMORY);
	memset(m, 0, 0x6000);
	memset(m + AT_CODE, 0xf4, 0x10000);
	descriptors(m);
	handlers(m);
	task_states(m);
	page_tables(m);
}
