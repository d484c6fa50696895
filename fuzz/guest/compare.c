// SPDX-License-Identifier: GPL-2.0-only
/*
 * The same case on two devices: what user space saw, the registers and the memory at the end.
 *
 * A difference gets a name by where it shows first; the report counts them by name, with an
 * example. judgement() knows those that were judged: by the SDM, or by what KVM leaves out.
 */
#include <errno.h>
#include <string.h>

#include "fuzz.h"

#define MAX_NAMES	64
#define NAME		128

static struct {
	char name[NAME];
	u64 count, example;
	const char *judged;
} names[MAX_NAMES];
static unsigned int nr_names;
static u64 compared, equal, endless;

static char detail[160];	/* what the two values are, of the last difference */

static const struct seen *last(const struct outcome *o)
{
	static const struct seen none;

	return o->exits ? &o->seen[o->exits - 1] : &none;
}

/* The exception that a handler of memory.c has told of last, or -1. */
static int told_vector(const struct outcome *o)
{
	for (unsigned int i = o->exits; i--;)
		if (o->seen[i].reason == KVM_EXIT_IO &&
		    (o->seen[i].detail & 0xffffff00) == 0x1010000)
			return o->seen[i].detail & 0xff;
	return -1;
}

/* MOV to or from DR8 to DR15. */
static bool high_dr(const struct guest_case *c)
{
	for (unsigned int i = 0; i + 2 < c->code_bytes; i++)
		if ((c->code[i] & 0xf4) == 0x44 && c->code[i + 1] == 0x0f &&
		    (c->code[i + 2] & 0xfd) == 0x21)
			return true;
	return false;
}

static unsigned int count(const struct outcome *o, u32 reason, bool writes)
{
	u32 bit = reason == KVM_EXIT_MMIO ? 0x100 : KVM_EXIT_IO_OUT << 16;
	unsigned int n = 0;

	for (unsigned int i = 0; i < o->exits; i++)
		n += o->seen[i].reason == reason && (bool)(o->seen[i].detail & bit) == writes;
	return n;
}

static bool saves_mxcsr(const struct guest_case *c)
{
	for (unsigned int i = 0; i + 2 < c->code_bytes; i++)
		if (c->code[i] == 0x0f && c->code[i + 1] == 0xae && !(c->code[i + 2] >> 3 & 7))
			return true;
	return false;
}

/* Bytes that a guest has got from ports by strings and single accesses. */
static u64 elements_in(const struct outcome *o)
{
	u64 n = 0;

	for (unsigned int i = 0; i < o->exits; i++)
		if (o->seen[i].reason == KVM_EXIT_IO &&
		    !(o->seen[i].detail & KVM_EXIT_IO_OUT << 16))
			n += o->seen[i].address;
	return n;
}

/* IMUL, MUL, DIV, shifts: some arithmetic flags are undefined. */
static bool has_undefined_flags(const struct guest_case *c)
{
	static const u8 first[] = { 0x69, 0x6b, 0xf6, 0xf7, 0xaf, 0xc1, 0xd3, 0xa4, 0xa3, 0xab,
				    0xba };

	for (unsigned int i = 0; i < c->code_bytes; i++)
		if (memchr(first, c->code[i], sizeof(first)))
			return true;
	return false;
}

/* An address near the end of 4 GiB, in a register or in the code. */
static bool near_wrap(const struct guest_case *c)
{
	const u64 *gpr = (const u64 *)&c->regs;
	u32 value;

	for (unsigned int i = 0; i < 8; i++)
		if ((u32)gpr[i] >= 0xfffff000)
			return true;
	for (unsigned int i = 0; i + 4 <= c->code_bytes; i++) {
		memcpy(&value, c->code + i, 4);
		if (value >= 0xfffff000)
			return true;
	}
	return false;
}

/* LTR, which a case rarely has twice. */
static bool loads_tr(const struct guest_case *c)
{
	for (unsigned int i = 0; i + 2 < c->code_bytes; i++)
		if (c->code[i] == 0x0f && !c->code[i + 1] && (c->code[i + 2] >> 3 & 7) == 3)
			return true;
	return false;
}

/*
 * Differences that were judged, each by its signature; x is Lintel's outcome, y KVM's. NULL: none
 * of them.
 */
static const char *judgement(const struct guest_case *c, const struct outcome *x,
			     const struct outcome *y, const char *name)
{
	if (y->exits && last(y)->reason == KVM_EXIT_FAIL_ENTRY && c->events.interrupt.injected &&
	    !(c->regs.rflags & 0x200))
		return "an injected interrupt while IF is 0: KVM's entry fails, Lintel's waits";
	if (c->events.interrupt.injected && c->events.interrupt.soft)
		return "an injected INT n: KVM gives it the length of the last exit's instruction";
	if ((last(x)->reason == KVM_EXIT_INTERNAL_ERROR && last(x)->detail == 3) ||
	    (last(y)->reason == KVM_EXIT_INTERNAL_ERROR && last(y)->detail == 3))
		return "delivery of an event meets a device: KVM emulates the next instruction";
	if (elements_in(y) > elements_in(x))
		return "KVM reads a port in advance: for a fault, or for what REP INS has to come";
	if (!strncmp(name, "register: rflags", 16) && has_undefined_flags(c) &&
	    !((x->regs.rflags ^ y->regs.rflags) & ~0xd4ULL))
		return "flags that the SDM leaves undefined";
	if (!strcmp(name, "memory") && x->regs.rip == y->regs.rip && saves_mxcsr(c))
		return "FXSAVE: KVM_SET_FPU does not set MXCSR in KVM";
	if (!strcmp(name, "memory") && told_vector(x) == 13 && loads_tr(c))
		return "LTR of a selector of the LDT: KVM's #GP has no selector";
	if (told_vector(x) == 1 &&
	    (count(x, KVM_EXIT_MMIO, true) || count(x, KVM_EXIT_IO, true) > 1))
		return "a single step behind an access of user space: KVM loses the trap";
	if (last(x)->reason == KVM_EXIT_INTERNAL_ERROR && last(x)->detail == 1)
		return "an instruction that the interpreter does not know (emulate.h has the list)";
	if (count(y, KVM_EXIT_MMIO, false) > count(x, KVM_EXIT_MMIO, false))
		return "KVM reads a device in vain: for a fault, or for what is only written";
	if (count(x, KVM_EXIT_MMIO, true) > count(y, KVM_EXIT_MMIO, true) + 1)
		return "of several writes of one instruction KVM tells the last";
	if (c->mode == MODE_LONG && high_dr(c))
		return "DR8 to DR15: the emulator exits before it raises #UD";
	if ((told_vector(x) == 13 || told_vector(x) == 12) && c->mode != MODE_LONG &&
	    (told_vector(y) == 14 || near_wrap(c)))
		return "an access that wraps at 4 GiB (SDM: 'Limit Checking', left open)";
	if (x->refused == EINVAL && c->sregs.cr8 > 15)
		return "a CR8 above 15, which KVM_SET_SREGS ignores in KVM";
	if (!strcmp(name, "system register: cr0") &&
	    !((x->sregs.cr0 ^ y->sregs.cr0) & 0xe005002f))
		return "reserved bits of CR0, which a processor ignores, and KVM keeps";
	return NULL;
}

void print_case(const struct guest_case *c, const struct outcome *o)
{
	printf("#   case %llu, %s%s%s%s%s; code:", (unsigned long long)c->number,
	       mode_name[c->mode], c->user ? " user" : "", c->spoilt ? " spoilt" : "",
	       c->with_events ? " events" : "", c->with_debug ? " debug" : "");
	for (unsigned int i = 0; i < c->code_bytes; i++)
		printf(" %02x", c->code[i]);
	if (c->with_events)
		printf("; exception %u %u %u %x interrupt %u %u %u %u nmi %u %u %u",
		       c->events.exception.injected, c->events.exception.nr,
		       c->events.exception.has_error_code, c->events.exception.error_code,
		       c->events.interrupt.injected, c->events.interrupt.nr,
		       c->events.interrupt.soft, c->events.interrupt.shadow,
		       c->events.nmi.injected, c->events.nmi.pending, c->events.nmi.masked);
	printf("\n#   ");
	if (o->refused)
		printf(" refused: %s", strerrorname_np(o->refused));
	for (unsigned int i = 0; i < o->exits && i < 12; i++) {
		const struct seen *s = &o->seen[i];
		const char *name = exit_name(s->reason);

		printf(" %s(%x,%llx,%llx)", name ? name : "?", s->detail,
		       (unsigned long long)s->address, (unsigned long long)s->data);
	}
	printf("%s%s rip %llx rflags %llx\n", o->error ? " " : "",
	       o->error ? strerrorname_np(o->error) : "", (unsigned long long)o->regs.rip,
	       (unsigned long long)o->regs.rflags);
}

static bool note(const char *where, const struct guest_case *c, const struct outcome *x,
		 const struct outcome *y)
{
	const char *judged = judgement(c, x, y, where), *name = judged ? judged : where;
	unsigned int i;

	for (i = 0; i < nr_names && strcmp(names[i].name, name); i++)
		;
	if (i == MAX_NAMES)
		return judged;
	if (i == nr_names) {
		snprintf(names[i].name, NAME, "%s", name);
		names[i].example = c->number;
		names[i].judged = judged;
		nr_names++;
	}
	if (names[i].count++ < 3 && !judged) {
		printf("# differs: %s%s%s%s%s\n", name, detail[0] ? ": " : "", detail,
		       x->rule[0] ? "; " : "", x->rule);
		print_case(c, x);
		print_case(c, y);
	}
	return judged;
}

static const char *end_name(const struct outcome *o, unsigned int exit)
{
	const char *name;

	if (o->refused)
		return strerrorname_np(o->refused);
	if (exit >= o->exits)
		return o->error ? strerrorname_np(o->error) : "nothing";
	name = exit_name(o->seen[exit].reason);
	return name ? name : "?";
}

static bool compare_exits(char *name, const struct outcome *x, const struct outcome *y)
{
	unsigned int i;

	if (x->refused || y->refused) {
		snprintf(name, NAME, "state: %s, %s", x->refused ? end_name(x, 0) : "taken",
			 y->refused ? end_name(y, 0) : "taken");
		return x->refused == y->refused;
	}
	for (i = 0; i < x->exits && i < y->exits; i++)
		if (memcmp(&x->seen[i], &y->seen[i], sizeof(x->seen[i])))
			break;
	if (i == x->exits && i == y->exits && x->error == y->error)
		return true;
	if (i < x->exits && i < y->exits && x->seen[i].reason == y->seen[i].reason)
		snprintf(name, NAME, "exit: what %s says", end_name(x, i));
	else
		snprintf(name, NAME, "exit: %s, %s", end_name(x, i), end_name(y, i));
	return false;
}

static bool compare_regs(char *name, const struct kvm_regs *x, const struct kvm_regs *y)
{
	static const char *const reg[] = {
		"rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rsp", "rbp", "r8", "r9", "r10", "r11",
		"r12", "r13", "r14", "r15", "rip", "rflags",
	};
	const u64 *a = (const u64 *)x, *b = (const u64 *)y;

	for (unsigned int i = 0; i < ARRAY_SIZE(reg); i++) {
		if (a[i] == b[i])
			continue;
		snprintf(name, NAME, "register: %s", i < 16 ? "general" : reg[i]);
		snprintf(detail, sizeof(detail), "%s %#llx, %#llx", reg[i],
			 (unsigned long long)a[i], (unsigned long long)b[i]);
		if (reg[i][1] == 'f')
			snprintf(name, NAME, "register: rflags %#llx",
				 (unsigned long long)(a[i] ^ b[i]));
		return false;
	}
	return true;
}

static void say_bytes(const u8 *a, const u8 *b, unsigned int n)
{
	int at = 0;

	for (unsigned int i = 0; i < 2 * n && at < (int)sizeof(detail) - 8; i++)
		at += sprintf(detail + at, "%s%02x", i == n ? ", " : "", i < n ? a[i] : b[i - n]);
}

static bool compare_sregs(char *name, const struct kvm_sregs *x, const struct kvm_sregs *y)
{
	static const struct { const char *name; u16 offset, size; } fields[] = {
#define F(field)	{ #field, offsetof(struct kvm_sregs, field), \
			  sizeof(((struct kvm_sregs *)0)->field) }
		F(cs), F(ss), F(ds), F(es), F(fs), F(gs), F(tr), F(ldt), F(gdt.base), F(gdt.limit),
		F(idt.base), F(idt.limit), F(cr0), F(cr2), F(cr3), F(cr4), F(cr8), F(efer),
		F(apic_base),
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(fields); i++) {
		const u8 *a = (const u8 *)x + fields[i].offset, *b = (const u8 *)y +
			      fields[i].offset;

		if (memcmp(a, b, fields[i].size)) {
			snprintf(name, NAME, "system register: %s", fields[i].name);
			say_bytes(a, b, fields[i].size);
			return false;
		}
	}
	return true;
}

/* One of them was stopped by its time, and until there they are the same. */
static bool cut_off(const struct outcome *x, const struct outcome *y)
{
	unsigned int common = x->exits < y->exits ? x->exits : y->exits;

	/* the last may be a string, of which one has got more */
	common -= common && x->exits == y->exits;
	return (x->error == EINTR || y->error == EINTR) && !x->refused && !y->refused &&
	       !memcmp(x->seen, y->seen, common * sizeof(x->seen[0]));
}

static bool compare_memory(const u8 *a, const u8 *b)
{
	unsigned int i;

	if (!memcmp(a, b, MEMORY))
		return true;
	for (i = 0; i < MEMORY && a[i] == b[i]; i++)
		;
	if (i < MEMORY)
		snprintf(detail, sizeof(detail), "at %#x: %02x, %02x", i, a[i], b[i]);
	return i == MEMORY;
}

bool compare_outcomes(const struct guest_case *c, const struct machine *a, const struct outcome *x,
		      const struct machine *b, const struct outcome *y)
{
	char name[NAME] = "memory";
	bool failed = x->exits && x->seen[x->exits - 1].reason == KVM_EXIT_FAIL_ENTRY;

	if (x->endless || y->endless || cut_off(x, y)) {
		endless++;
		return true;
	}
	compared++;
	detail[0] = '\0';
	if (compare_exits(name, x, y) &&
	    /* of a state that no processor can have, each keeps what it likes */
	    (x->refused || failed || (compare_regs(name, &x->regs, &y->regs) &&
				      compare_sregs(name, &x->sregs, &y->sregs) &&
				      compare_memory(a->memory, b->memory)))) {
		equal++;
		return true;
	}
	return note(name, c, x, y);
}

void compare_report(void)
{
	printf("# compared %llu cases, %llu the same; %llu more found no end on both\n",
	       (unsigned long long)compared, (unsigned long long)equal,
	       (unsigned long long)endless);
	for (unsigned int i = 0; i < nr_names; i++)
		printf("# %6llu %s: %s (such as case %llu)\n", (unsigned long long)names[i].count,
		       names[i].judged ? "judged" : "NOT JUDGED", names[i].name,
		       (unsigned long long)names[i].example);
}
