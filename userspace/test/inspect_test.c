// SPDX-License-Identifier: GPL-2.0-only
/*
 * What `lintel inspect` says: fields of the VMCS and their bits, walks of guest page tables of each
 * kind against tables in an array, and a snapshot as text. The walks are compared with what the
 * tables were made to say.
 */
#include "test.h"

#include "../observe/inspect.h"
#include "../observe/vmcs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *name;
	uint32_t encoding;
	uint64_t value;
	const char *text;
} rows[] = {
	{ "pin_controls", 0x4000, 0x29, "external-interrupt exiting, NMI exiting, virtual NMIs" },
	{ "proc_controls", 0x4002, 0x80000080, "HLT exiting, secondary controls" },
	{ "proc2_controls", 0x401e, 0x82, "EPT, unrestricted guest" },
	{ "exit_controls", 0x400c, 0x200 | 1 << 11, "64-bit host, bit 11" },
	{ "entry_controls", 0x4012, 0x200, "IA-32e mode guest" },
	{ "guest_cr0", 0x6800, 0x80010033, "PE, MP, ET, NE, WP, PG" },
	{ "guest_cr4", 0x6804, 0x20, "PAE" },
	{ "guest_rflags", 0x6820, 0x202, "1, IF" },
	{ "guest_interruptibility", 0x4824, 9, "blocking by STI, blocking by NMI" },
	{ "guest_activity", 0x4826, 1, "HLT" },
	{ "guest_activity", 0x4826, 9, "no state that exists" },
	{ "guest_cs_ar", 0x4816, 0xa09b, "code, readable, DPL 0, 64-bit, in pages" },
	{ "guest_ss_ar", 0x4818, 0xc0f7, "data, writable, expand-down, DPL 3, 32-bit, in pages" },
	{ "guest_ldtr_ar", 0x4820, 0x10000, "unusable" },
	{ "guest_tr_ar", 0x4822, 0x8b, "busy TSS" },
	{ "guest_tr_ar", 0x4822, 0x83, "16-bit busy TSS" },
	{ "guest_tr_ar", 0x4822, 0x81, "a system type that no register can hold" },
	{ "exit_reason", 0x4402, 48, "ept_violation" },
	{ "exit_reason", 0x4402, 0x80000021, "failed entry: invalid_state" },
	{ "exit_intr_info", 0x4404, 0x80000b0e, "exception, vector 14, with error code" },
	{ "entry_intr_info", 0x4016, 0x31, "not valid" },
	{ "ept_pointer", 0x201a, 0x12345006 | 3 << 3 | 64,
	  "tables at 0x12345000, 4 levels, write-back, accessed and dirty bits" },
	{ "guest_intr_status", 0x0810, 0x3161, "requested vector 97, in service 49" },
	{ "exception_bitmap", 0x4004, 0x60042, "#DB, #UD, #AC, #MC" },
	{ "guest_rip", 0x681e, 0x1234, "" },
};

static void check_fields(void)
{
	char text[400];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *name = vmcs_name(rows[i].encoding);

		CHECK(name && !strcmp(name, rows[i].name), "%#x is %s", rows[i].encoding, name);
		vmcs_describe(rows[i].encoding, rows[i].value, text, sizeof(text));
		CHECK(!strcmp(text, rows[i].text), "%s: \"%s\"", name, text);
	}
	CHECK(!vmcs_name(0x7ffe), "a name for a field that is none");
	vmcs_describe(0x7ffe, 1, text, sizeof(text));
	CHECK(!*text, "\"%s\"", text);
	CHECK_EQ(vmcs_digits(0x681e), 16, "natural width");
	CHECK_EQ(vmcs_digits(0x4000), 8, "32 bits");
	CHECK_EQ(vmcs_digits(0x0800), 4, "16 bits");
	CHECK(!strcmp(vmcs_area(0x6c16), "host state"), "%s", vmcs_area(0x6c16));
	/* a text that is too long is cut between two bits */
	vmcs_describe(0x4002, 0x80000080, text, 20);
	CHECK(!strcmp(text, "HLT exiting"), "\"%s\"", text);
	vmcs_describe(0x4002, 0x8401e1f2, text, sizeof(text));
	CHECK(strstr(text, "HLT exiting, CR3-load exiting, CR3-store exiting, secondary "
			   "controls, and "),
	      "\"%s\"", text);
}

#define MEMORY 0x10000 /* of the guest */

static uint64_t memory[MEMORY / 8];

static int read_memory(void *arg, struct lintel_peek *p)
{
	unsigned int *calls = arg;

	(*calls)++;
	if (p->gpa & 7)
		return -EINVAL;
	if (p->gpa < MEMORY) {
		p->value = memory[p->gpa / 8];
		p->flags = LINTEL_PEEK_VALUE;
	}
	return 0;
}

static void put32(uint64_t gpa, uint32_t value)
{
	memcpy((uint8_t *)memory + gpa, &value, sizeof(value));
}

static const struct {
	const char *name;
	struct walk_state state;
	uint64_t address;
	enum walk_end end;
	unsigned int steps;
	uint64_t gpa, page;
} walks[] = {
#define LONG 0x80000001, 0x1000, 0x20, 0x500
	{ "a 4 KiB page", { LONG, { 0 } }, 0x5123, WALK_MAPPED, 4, 0xabcde123, 0x1000 },
	{ "a 2 MiB page", { LONG, { 0 } }, 0x2345678, WALK_MAPPED, 3, 0x40145678, 0x200000 },
	{ "a 1 GiB page", { LONG, { 0 } }, 0x7fffffff, WALK_MAPPED, 2, 0xffffffff, 0x40000000 },
	{ "no entry", { LONG, { 0 } }, 0x6000, WALK_ABSENT, 4, 0, 0 },
	{ "no table", { LONG, { 0 } }, 0x8000000000, WALK_ABSENT, 1, 0, 0 },
	{ "a table that the EPT lacks",
	  { LONG, { 0 } },
	  0xffffffffffffffff,
	  WALK_UNREADABLE,
	  2,
	  0,
	  0 },
	{ "not canonical", { LONG, { 0 } }, 0x800000000000, WALK_NOT_CANONICAL, 0, 0, 0 },
	{ "five levels",
	  { 0x80000001, 0x8000, 0x1020, 0x500, { 0 } },
	  0x1000000005123,
	  WALK_MAPPED,
	  5,
	  0xabcde123,
	  0x1000 },
	{ "no paging", { 1, 0x1000, 0, 0, { 0 } }, 0x12345678, WALK_MAPPED, 0, 0x12345678, 0x1000 },
	{ "PAE, 2 MiB",
	  { 0x80000001, 0x1000, 0x20, 0, { 0x3001, 0, 0, 0 } },
	  0x2345678,
	  WALK_MAPPED,
	  2,
	  0x40145678,
	  0x200000 },
	{ "PAE, no PDPTE",
	  { 0x80000001, 0x1000, 0x20, 0, { 0x3001, 0, 0, 0 } },
	  0x40000000,
	  WALK_ABSENT,
	  1,
	  0,
	  0 },
	{ "32 bits, 4 KiB",
	  { 0x80000001, 0x6000, 0, 0, { 0 } },
	  0x401abc,
	  WALK_MAPPED,
	  2,
	  0xfeed0abc,
	  0x1000 },
	{ "32 bits, 4 MiB above 4 GiB",
	  { 0x80000001, 0x6000, 0x10, 0, { 0 } },
	  0x812345,
	  WALK_MAPPED,
	  1,
	  0x500012345,
	  0x400000 },
	/* without PSE it is a table, which lies at 0xa000 and holds nothing */
	{ "32 bits, large without PSE",
	  { 0x80000001, 0x6000, 0, 0, { 0 } },
	  0x812345,
	  WALK_ABSENT,
	  2,
	  0,
	  0 },
};

static void make_tables(void)
{
	memset(memory, 0, sizeof(memory));
	memory[0x1000 / 8] = 0x2003;		     /* PML4E of 0 */
	memory[0x1ff8 / 8] = 0x7000003;		     /* of the last, to nowhere */
	memory[0x2000 / 8] = 0x3003;		     /* PDPTE of 0 */
	memory[0x2008 / 8] = 0xc0000083;	     /* of 1 GiB: a page */
	memory[0x3000 / 8] = 0x4003;		     /* PDE of 0 */
	memory[0x3000 / 8 + 17] = 0x40000083;	     /* of 34 MiB: a page */
	memory[0x4000 / 8 + 5] = 0x80000000abcde063; /* PTE of 0x5000, no execute */
	put32(0x6004, 0x7003);			     /* 32 bits: PDE of 4 MiB */
	put32(0x7004, 0xfeed0003);		     /* PTE of 0x401000 */
	memory[0x8000 / 8 + 1] = 0x1003;	     /* PML5E of 2^48 */
	/* the 4 MiB page: base 0, bits 39:32 are 5 */
	put32(0x6008, 0x83 | 5 << 13);
}

static void check_walks(void)
{
	unsigned int calls = 0;
	struct walk walk;
	size_t i;

	make_tables();
	for (i = 0; i < ARRAY_SIZE(walks); i++) {
		const char *name = walks[i].name;

		CHECK_EQ(walk_guest(&walks[i].state, walks[i].address, read_memory, &calls, &walk),
			 0, name);
		CHECK_EQ(walk.end, walks[i].end, name);
		CHECK_EQ(walk.steps, walks[i].steps, name);
		CHECK_EQ(walk.gpa, walks[i].gpa, name);
		CHECK_EQ(walk.page, walks[i].page, name);
	}
	CHECK(calls > 20, "%u reads", calls);
}

void test_inspect_fields(void)
{
	check_fields();
	check_walks();
}

static void print(const struct lintel_snapshot *s, FILE *to)
{
	struct walk_state state;
	struct walk walk;
	unsigned int calls = 0;
	struct lintel_peek peek = { .gpa = 0x5000,
				    .levels = 4,
				    .flags = LINTEL_PEEK_VALUE,
				    .entry = { 7, 7, 7, 0x12345337 },
				    .value = 0x1122 };

	inspect_registers(s, to);
	inspect_vmcs(s, to);
	inspect_lapic(s, to);
	inspect_ioapic(s, to);
	inspect_pi(s, to);
	inspect_state(s, &state);
	state = walks[0].state;
	walk_guest(&state, walks[0].address, read_memory, &calls, &walk);
	inspect_walk(walks[0].address, &walk, to);
	inspect_ept(&peek, to);
}

static char *text_of(const struct lintel_snapshot *s)
{
	size_t size;
	char *text = NULL;
	FILE *file = open_memstream(&text, &size);

	print(s, file);
	fclose(file);
	return text;
}

void test_inspect_text(void)
{
	static const char *const parts[] = {
		"vCPU 3, halted, 99 exits\n",
		"RAX 0000000000000001",
		"RSP 000000000000abcd",
		"\nVMCS, guest state\n",
		"  guest_rsp                   000000000000abcd\n",
		"  field 0x2ffe                0000000000000007\n",
		"\nLocal APIC: id 00000000, version 00050014, on, spurious vector 0xff",
		"  timer     00050031  vector 0x31, TSC deadline, masked\n",
		"  IRR   0x61 0xff\n",
		"  ISR   none\n",
		"  pin 1   0200000000008931  vector 0x31, lowest priority, to logical 0x2, "
		"level, active high\n",
		"  pin 2   0000000000010000  masked\n",
		"descriptor: ON 1, SN 0, notification vector 0xf2, to 0x4; posted: 0x41\n",
		"\nLinear address 0x5123, 4-level paging\n",
		"  PTE   at 4028                80000000abcde063  present, writable, accessed, "
		"dirty, no execute\n",
		"  guest-physical 0xabcde123, in a page of 4 KiB\n",
		"  PTE   0000000012345337  rwx, accessed, dirty, memory type 6, a page of 4 KiB\n",
		"  holds 0000000000001122\n",
	};
	struct lintel_snapshot *s = calloc(1, sizeof(*s));
	uint32_t word;
	char *text;
	size_t i;

	make_tables();
	s->vcpu_id = 3;
	s->mp_state = 3;
	s->exits = 99;
	s->gpr[0] = 1;
	s->flags = LINTEL_SNAPSHOT_LAPIC | LINTEL_SNAPSHOT_IOAPIC | LINTEL_SNAPSHOT_PI;
	s->field[s->fields++] = (struct lintel_vmcs_field){ .encoding = 0x681c, .value = 0xabcd };
	s->field[s->fields++] = (struct lintel_vmcs_field){ .encoding = 0x2ffe, .value = 7 };
	memcpy(s->lapic + 0x30, (word = 0x50014, &word), 4);
	memcpy(s->lapic + 0xf0, (word = 0x1ff, &word), 4);
	memcpy(s->lapic + 0x320, (word = 0x50031, &word), 4);
	memcpy(s->lapic + 0x230, (word = 2, &word), 4);
	memcpy(s->lapic + 0x270, (word = 1U << 31, &word), 4);
	s->ioapic[1] = 0x0200000000008931;
	s->ioapic[2] = 0x10000;
	s->pi[1] = 2;
	s->pi[4] = 0x400f20001;
	text = text_of(s);
	for (i = 0; i < ARRAY_SIZE(parts); i++)
		CHECK(strstr(text, parts[i]), "\"%s\" is not in:\n%s", parts[i], text);
	free(text);

	memset(s, 0, sizeof(*s));
	text = text_of(s);
	CHECK(strstr(text, "since the VM was killed") && strstr(text, "Local APIC: in user space"),
	      "an empty one:\n%s", text);
	free(text);
	for (i = 0; i < 200; i++) {
		uint32_t *words = (uint32_t *)s;

		for (size_t w = 0; w < sizeof(*s) / 4; w++)
			words[w] = test_random();
		free(text_of(s));
	}
	free(s);
}
