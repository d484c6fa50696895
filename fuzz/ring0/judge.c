// SPDX-License-Identifier: GPL-2.0-only
/*
 * Compares what the interpreter predicted with where the guest ended: at the HLT behind the
 * instruction, or in the handler of an exception.
 */
#include <string.h>

#include "ring0.h"

#define SAY(...)	do { snprintf(why, room, __VA_ARGS__); return DIFFERENT; } while (0)

static int told_vector(const struct outcome *o)
{
	const struct seen *s = &o->seen[0];

	if (!o->exits || s->reason != KVM_EXIT_IO || (s->detail & 0xffffff00) != 0x1010000)
		return -1;
	return s->detail & 0xff;
}

static u64 stacked(const struct machine *m, const struct outcome *o, unsigned int slot,
		   unsigned int bytes)
{
	u64 at = (o->sregs.ss.base + o->regs.rsp + slot * bytes) & 0xffffffff, value = 0;

	if (at + bytes <= MEMORY)
		memcpy(&value, m->memory + at, bytes);
	return value;
}

static bool reads_pointer(const struct predicted *p)
{
	return p->c.insn.op == OP_LOAD_FAR || p->c.insn.op == OP_JMP_FAR ||
	       p->c.insn.op == OP_CALL_FAR;
}

/* The exception: its vector, error code, address, and the instruction that it points to. */
static enum verdict judge_fault(const struct guest_case *c, const struct predicted *p,
				const struct machine *m, const struct outcome *o, char *why,
				size_t room)
{
	const struct emulate_exception *e = &p->c.exception;
	unsigned int bytes = c->mode == MODE_REAL ? 2 : o->sregs.efer & 0x400 ? 8 : 4;
	unsigned int slot = 0;
	int vector = told_vector(o);

	/* an access that wraps at 4 GiB: SDM, 'Limit Checking', leaves it open */
	if (vector == 14 && (e->vector == 12 || e->vector == 13) && c->mode != MODE_LONG)
		return SKIPPED;
	if (vector != e->vector)
		SAY("vector %u, processor %d", e->vector, vector);
	if (e->has_error_code && c->mode != MODE_REAL) {
		if (stacked(m, o, 0, bytes) != e->error_code)
			SAY("error code %#x of vector %u, processor %#llx", e->error_code, vector,
			    (unsigned long long)stacked(m, o, 0, bytes));
		slot = 1;
	}
	/* of a far pointer's two parts either may be read first */
	if (e->vector == 14 && e->address != o->sregs.cr2 &&
	    !(reads_pointer(p) && o->sregs.cr2 - e->address <= 8))
		SAY("cr2 %#llx, processor %#llx", (unsigned long long)e->address,
		    (unsigned long long)o->sregs.cr2);
	if (stacked(m, o, slot, bytes) != c->regs.rip)
		SAY("vector %u at RIP %#llx, processor %#llx", vector,
		    (unsigned long long)c->regs.rip,
		    (unsigned long long)stacked(m, o, slot, bytes));
	return SAME;
}

static bool compare_segments(const struct kvm_sregs *a, const struct kvm_sregs *b, char *why,
			     size_t room)
{
	static const char *const name[] = { "cs", "ds", "es", "fs", "gs", "ss", "tr", "ldt" };

	for (unsigned int i = 0; i < ARRAY_SIZE(name); i++) {
		struct kvm_segment x = (&a->cs)[i], y = (&b->cs)[i];

		x.padding = y.padding = 0;
		/* in real mode the emulator calls CS a data segment */
		if (!i && !(b->cr0 & 1))
			x.type = y.type;
		if (x.unusable || y.unusable) {
			/* of an unusable segment the selector counts, and the base of some */
			if (x.unusable == y.unusable && x.selector == y.selector)
				continue;
		} else if (!memcmp(&x, &y, sizeof(x))) {
			continue;
		}
		snprintf(why, room,
			 "%s: %#x base %#llx limit %#x type %u s %u dpl %u p %u unusable %u, processor %#x base %#llx limit %#x type %u s %u dpl %u p %u unusable %u",
			 name[i], x.selector, (unsigned long long)x.base, x.limit, x.type, x.s,
			 x.dpl, x.present, x.unusable, y.selector, (unsigned long long)y.base,
			 y.limit, y.type, y.s, y.dpl, y.present, y.unusable);
		return false;
	}
	return true;
}

static bool compare_tables(const struct kvm_sregs *a, const struct kvm_sregs *b, char *why,
			   size_t room)
{
	if (a->gdt.base != b->gdt.base || a->gdt.limit != b->gdt.limit)
		snprintf(why, room, "GDTR %#llx %#x, processor %#llx %#x",
			 (unsigned long long)a->gdt.base, a->gdt.limit,
			 (unsigned long long)b->gdt.base, b->gdt.limit);
	else if (a->idt.base != b->idt.base || a->idt.limit != b->idt.limit)
		snprintf(why, room, "IDTR %#llx %#x, processor %#llx %#x",
			 (unsigned long long)a->idt.base, a->idt.limit,
			 (unsigned long long)b->idt.base, b->idt.limit);
	else if (a->cr0 != b->cr0 || a->cr2 != b->cr2 || a->cr4 != b->cr4)
		snprintf(why, room, "cr0 %#llx cr2 %#llx cr4 %#llx, processor %#llx %#llx %#llx",
			 (unsigned long long)a->cr0, (unsigned long long)a->cr2,
			 (unsigned long long)a->cr4, (unsigned long long)b->cr0,
			 (unsigned long long)b->cr2, (unsigned long long)b->cr4);
	else
		return true;
	return false;
}

/* The tables' accessed and dirty bits are the paging's, which the client does not play. */
static bool compare_memory(const u8 *a, const u8 *b, char *why, size_t room)
{
	for (u64 i = 0; i < MEMORY; i++) {
		u8 ignored = i >= AT_PD32 && i < AT_HANDLERS ? 0x60 : 0;

		if (!(i & 0xfff) && !memcmp(a + i, b + i, 0x1000)) {
			i += 0xfff;
			continue;
		}
		if (!((a[i] ^ b[i]) & ~ignored))
			continue;
		snprintf(why, room, "memory at %#llx: %02x, processor %02x",
			 (unsigned long long)i, a[i], b[i]);
		return false;
	}
	return true;
}

static enum verdict judge_end(const struct guest_case *c, const struct predicted *p,
			      const struct machine *m, const struct outcome *o, char *why,
			      size_t room)
{
	static const char *const name[] = {
		"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11",
		"r12", "r13", "r14", "r15",
	};
	const struct kvm_regs *r = &o->regs;
	const u64 real[EMULATE_NR_GPRS] = {
		r->rax, r->rcx, r->rdx, r->rbx, r->rsp, r->rbp, r->rsi, r->rdi, r->r8, r->r9,
		r->r10, r->r11, r->r12, r->r13, r->r14, r->r15,
	};

	for (unsigned int i = 0; i < EMULATE_NR_GPRS; i++)
		if (p->c.gprs[i] != real[i])
			SAY("%s %#llx, processor %#llx", name[i],
			    (unsigned long long)p->c.gprs[i], (unsigned long long)real[i]);
	/* behind the HLT, which clears RF */
	if (p->c.rip + 1 != r->rip)
		SAY("rip %#llx, processor %#llx", (unsigned long long)p->c.rip,
		    (unsigned long long)r->rip - 1);
	if ((p->c.rflags ^ r->rflags) & ~(u64)FLAG_RF)
		SAY("rflags %#llx, processor %#llx", (unsigned long long)p->c.rflags,
		    (unsigned long long)r->rflags);
	(void)c;
	if (!compare_segments(&p->sregs, &o->sregs, why, room) ||
	    !compare_tables(&p->sregs, &o->sregs, why, room) ||
	    !compare_memory(p->memory, m->memory, why, room))
		return DIFFERENT;
	return SAME;
}

/* Where the instruction leads there must be a HLT, for the guest to stop at once. */
static bool stops_there(const struct predicted *p)
{
	u64 at = p->c.rip + (p->c.mode == EMULATE_MODE_LONG64 ? 0 : p->sregs.cs.base);

	return at < MEMORY && at >= AT_CODE && at < AT_DATA && p->memory[at] == 0xf4 &&
	       /* HLT is ring 0's */
	       (p->sregs.ss.dpl == 0 || !(p->sregs.cr0 & 1)) && !(p->c.rflags & FLAG_VM);
}

enum verdict judge_case(const struct guest_case *c, const struct predicted *p,
			const struct machine *m, const struct outcome *o, char *why, size_t room)
{
	int vector = told_vector(o);

	if (p->left || o->refused || p->result == EMULATE_UNHANDLED || o->error)
		return SKIPPED;
	if (p->result == EMULATE_FAULT)
		return judge_fault(c, p, m, o, why, room);
	/* the value of a control or debug register: #GP is for the client's op to raise */
	if (p->register_set && vector == 13)
		return SKIPPED;
	if (!stops_there(p))
		return SKIPPED;
	if (vector >= 0)
		SAY("complete, processor: vector %d", vector);
	if (o->exits != 1 || o->seen[0].reason != KVM_EXIT_HLT)
		SAY("complete, the guest ended with exit %u", o->seen[0].reason);
	return judge_end(c, p, m, o, why, room);
}
