// SPDX-License-Identifier: GPL-2.0-only
/*
 * A snapshot in words: registers, the VMCS by area, the interrupt controllers, and walks.
 */
#include "inspect.h"

#include "vmcs.h"

#include <inttypes.h>
#include <string.h>

static uint64_t field(const struct lintel_snapshot *s, const char *name)
{
	uint64_t value = 0;

	vmcs_value(s, name, &value);
	return value;
}

void inspect_state(const struct lintel_snapshot *s, struct walk_state *state)
{
	*state = (struct walk_state){
		.cr0 = s->cr0, .cr3 = field(s, "guest_cr3"), .cr4 = s->cr4, .efer = s->efer
	};
	state->pdpte[0] = field(s, "guest_pdpte0");
	state->pdpte[1] = field(s, "guest_pdpte1");
	state->pdpte[2] = field(s, "guest_pdpte2");
	state->pdpte[3] = field(s, "guest_pdpte3");
}

void inspect_registers(const struct lintel_snapshot *s, FILE *to)
{
	static const char *const names[] = {
		"RAX", "RCX", "RDX", "RBX", "RSP", "RBP", "RSI", "RDI",
		"R8",  "R9",  "R10", "R11", "R12", "R13", "R14", "R15"
	};
	static const char *const states[] = { "runnable", "uninitialized", "INIT received",
					      "halted", "SIPI received" };
	unsigned int i;

	fprintf(to, "vCPU %u, %s, %" PRIu64 " exits\n", s->vcpu_id,
		s->mp_state < 5 ? states[s->mp_state] : "in an unknown state", (uint64_t)s->exits);
	for (i = 0; i < 16; i++) {
		uint64_t value = i == 4 ? field(s, "guest_rsp") : s->gpr[i];

		fprintf(to, "%s%-3s %016" PRIx64, i % 4 ? "  " : "  ", names[i], value);
		if (i % 4 == 3)
			fputc('\n', to);
	}
	fprintf(to,
		"  RIP %016" PRIx64 "  RFLAGS %08" PRIx64 "  EFER %04" PRIx64 "  XCR0 %" PRIx64
		"\n",
		field(s, "guest_rip"), field(s, "guest_rflags"), (uint64_t)s->efer,
		(uint64_t)s->xcr0);
	fprintf(to,
		"  CR0 %08" PRIx64 "  CR2 %016" PRIx64 "  CR3 %016" PRIx64 "  CR4 %08" PRIx64 "\n",
		(uint64_t)s->cr0, (uint64_t)s->cr2, field(s, "guest_cr3"), (uint64_t)s->cr4);
}

static void print_field(const struct lintel_vmcs_field *f, FILE *to)
{
	const char *name = vmcs_name(f->encoding);
	char text[400], unnamed[24];

	snprintf(unnamed, sizeof(unnamed), "field %#x", f->encoding);
	vmcs_describe(f->encoding, f->value, text, sizeof(text));
	fprintf(to, "  %-27s %*s%0*" PRIx64 "%s%s\n", name ? name : unnamed,
		16 - (int)vmcs_digits(f->encoding), "", (int)vmcs_digits(f->encoding),
		(uint64_t)f->value, *text ? "  " : "", text);
}

void inspect_vmcs(const struct lintel_snapshot *s, FILE *to)
{
	static const uint32_t areas[] = { 1 << 10, 0, 2 << 10, 3 << 10 };
	unsigned int area;
	uint32_t i, count = s->fields < LINTEL_VMCS_FIELDS ? s->fields : LINTEL_VMCS_FIELDS;

	if (!count)
		fprintf(to, "\nVMCS: not readable, since the VM was killed\n");
	for (area = 0; count && area < 4; area++) {
		fprintf(to, "\nVMCS, %s\n", vmcs_area(areas[area]));
		for (i = 0; i < count; i++)
			if ((s->field[i].encoding >> 10 & 3) == areas[area] >> 10)
				print_field(&s->field[i], to);
	}
}

static uint32_t lapic(const struct lintel_snapshot *s, unsigned int reg)
{
	uint32_t value;

	memcpy(&value, s->lapic + reg, sizeof(value));
	return value;
}

/* Three rows of 256 bits: the vectors that are set. */
static void print_vectors(const struct lintel_snapshot *s, const char *name, unsigned int reg,
			  FILE *to)
{
	unsigned int vector, any = 0;

	fprintf(to, "  %-5s", name);
	for (vector = 0; vector < 256; vector++)
		if (lapic(s, reg + vector / 32 * 16) >> vector % 32 & 1) {
			fprintf(to, " %#x", vector);
			any = 1;
		}
	fprintf(to, "%s\n", any ? "" : " none");
}

/* SDM, "Local Vector Table"; a message's delivery mode is the IOAPIC's, too. */
static const char *delivery(uint32_t word)
{
	static const char *const modes[] = {
		"fixed", "lowest priority", "SMI", "reserved mode", "NMI", "INIT", "SIPI", "ExtINT"
	};

	return modes[word >> 8 & 7];
}

void inspect_lapic(const struct lintel_snapshot *s, FILE *to)
{
	static const struct {
		const char *name;
		unsigned int reg;
	} lvt[] = {
		{ "timer", 0x320 }, { "thermal", 0x330 }, { "counters", 0x340 },
		{ "LINT0", 0x350 }, { "LINT1", 0x360 },	  { "error", 0x370 },
	};
	static const char *const timers[] = { "one shot", "periodic", "TSC deadline", "reserved" };
	unsigned int i;

	if (!(s->flags & LINTEL_SNAPSHOT_LAPIC)) {
		fprintf(to, "\nLocal APIC: in user space\n");
		return;
	}
	fprintf(to,
		"\nLocal APIC: id %08x, version %08x, %s, spurious vector %#x, TPR %#x, PPR %#x\n",
		lapic(s, 0x20), lapic(s, 0x30), lapic(s, 0xf0) & 0x100 ? "on" : "off",
		lapic(s, 0xf0) & 0xff, lapic(s, 0x80), lapic(s, 0xa0));
	fprintf(to, "  LDR %08x  DFR %08x  ESR %08x  ICR %08x%08x\n", lapic(s, 0xd0),
		lapic(s, 0xe0), lapic(s, 0x280), lapic(s, 0x310), lapic(s, 0x300));
	for (i = 0; i < sizeof(lvt) / sizeof(lvt[0]); i++) {
		uint32_t word = lapic(s, lvt[i].reg);

		fprintf(to, "  %-8s  %08x  vector %#x, %s%s\n", lvt[i].name, word, word & 0xff,
			i ? delivery(word) : timers[word >> 17 & 3],
			word & 0x10000 ? ", masked" : "");
	}
	fprintf(to, "  timer: initial count %u, current count %u, divide configuration %#x\n",
		lapic(s, 0x380), lapic(s, 0x390), lapic(s, 0x3e0));
	print_vectors(s, "ISR", 0x100, to);
	print_vectors(s, "TMR", 0x180, to);
	print_vectors(s, "IRR", 0x200, to);
}

void inspect_ioapic(const struct lintel_snapshot *s, FILE *to)
{
	unsigned int pin;

	if (!(s->flags & LINTEL_SNAPSHOT_IOAPIC)) {
		fprintf(to, "\nIOAPIC: %s\n",
			s->flags & LINTEL_VM_DEAD ? "not kept" : "in user space");
		return;
	}
	fprintf(to, "\nIOAPIC\n");
	for (pin = 0; pin < 24; pin++) {
		uint64_t e = s->ioapic[pin];

		fprintf(to, "  pin %-2u  %016" PRIx64 "  ", pin, e);
		if (e & 0x10000 && !(e & 0xff)) {
			fprintf(to, "masked\n");
			continue;
		}
		fprintf(to, "vector %#x, %s, to %s %#x, %s, active %s%s%s\n",
			(unsigned int)(e & 0xff), delivery(e), e & 0x800 ? "logical" : "physical",
			(unsigned int)(e >> 56), e & 0x8000 ? "level" : "edge",
			e & 0x2000 ? "low" : "high", e & 0x4000 ? ", not ended yet" : "",
			e & 0x10000 ? ", masked" : "");
	}
}

/* SDM, "Posted-Interrupt Processing". */
void inspect_pi(const struct lintel_snapshot *s, FILE *to)
{
	unsigned int vector, any = 0;
	uint64_t control = s->pi[4];

	if (!(s->flags & LINTEL_SNAPSHOT_PI)) {
		fprintf(to, "\nPosted-interrupt descriptor: none in use\n");
		return;
	}
	fprintf(to,
		"\nPosted-interrupt descriptor: ON %u, SN %u, notification vector %#x, to %#x; "
		"posted:",
		(unsigned int)(control & 1), (unsigned int)(control >> 1 & 1),
		(unsigned int)(control >> 16 & 0xff), (unsigned int)(control >> 32));
	for (vector = 0; vector < 256; vector++)
		if (s->pi[vector / 64] >> vector % 64 & 1) {
			fprintf(to, " %#x", vector);
			any = 1;
		}
	fprintf(to, "%s\n", any ? "" : " none");
}

void inspect_walk(uint64_t address, const struct walk *walk, FILE *to)
{
	static const char *const ends[] = {
		[WALK_ABSENT] = "not present: the guest gets #PF",
		[WALK_UNREADABLE] =
			"the EPT does not map the entry's place now; the processor would exit",
		[WALK_NOT_CANONICAL] = "the address is not canonical: the guest gets #GP or #SS",
	};
	unsigned int i;

	fprintf(to, "\nLinear address %#" PRIx64 ", %s\n", address, walk->mode);
	for (i = 0; i < walk->steps; i++) {
		const struct walk_step *step = &walk->step[i];
		uint64_t e = step->entry;

		fprintf(to, "  %-5s ", step->name);
		if (step->at == ~UINT64_C(0))
			fprintf(to, "%-22s", "loaded with CR3");
		else
			fprintf(to, "at %-19" PRIx64, step->at);
		fprintf(to, " %0*" PRIx64 "  %s%s%s%s%s%s\n", (int)step->size * 2, e,
			e & 1 ? "present" : "absent", e & 2 ? ", writable" : "",
			e & 4 ? ", user" : "", e & 32 ? ", accessed" : "", e & 64 ? ", dirty" : "",
			step->size == 8 && e >> 63 ? ", no execute" : "");
	}
	if (walk->end == WALK_MAPPED)
		fprintf(to, "  guest-physical %#" PRIx64 ", in a page of %" PRIu64 " KiB\n",
			walk->gpa, walk->page / 1024);
	else
		fprintf(to, "  %s\n", ends[walk->end]);
}

/* SDM, "EPT Translation Mechanism"; the table has four levels. */
void inspect_ept(const struct lintel_peek *peek, FILE *to)
{
	static const char *const names[] = { "PML4E", "PDPTE", "PDE", "PTE" };
	uint32_t i;

	fprintf(to, "\nGuest-physical address %#" PRIx64 ", by the EPT\n", (uint64_t)peek->gpa);
	for (i = 0; i < peek->levels && i < 4; i++) {
		uint64_t e = peek->entry[i];

		fprintf(to, "  %-5s %016" PRIx64 "  ", names[i], e);
		if (!(e & 7)) {
			fprintf(to, "absent: the processor would exit\n");
			continue;
		}
		fprintf(to, "%c%c%c%s%s", e & 1 ? 'r' : '-', e & 2 ? 'w' : '-', e & 4 ? 'x' : '-',
			e & 256 ? ", accessed" : "", e & 512 ? ", dirty" : "");
		if (i == 3 || e & 128)
			fprintf(to, ", memory type %u, a page of %s", (unsigned int)(e >> 3 & 7),
				i == 3 ? "4 KiB" :
				i == 2 ? "2 MiB" :
					 "1 GiB");
		fputc('\n', to);
	}
	if (peek->flags & LINTEL_PEEK_VALUE)
		fprintf(to, "  holds %016" PRIx64 "\n", (uint64_t)peek->value);
}
