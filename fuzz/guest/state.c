// SPDX-License-Identifier: GPL-2.0-only
/*
 * A case from its number: the mode, registers and tables that fit it, and in half of the cases
 * something that does not.
 */
#include <string.h>

#include "fuzz.h"

const char *const mode_name[MODES] = {
	"real", "vm86", "prot16", "prot32", "paged32", "pae", "compat", "long",
};

static struct kvm_segment segment(u16 selector, u64 base, u32 limit, u8 type, u8 dpl)
{
	return (struct kvm_segment){
		.selector = selector, .base = base, .limit = limit, .type = type, .present = 1,
		.dpl = dpl, .s = 1, .g = limit > 0xfffff,
	};
}

static void all_data(struct kvm_sregs *s, struct kvm_segment data)
{
	s->ds = data;
	s->es = data;
	s->fs = data;
	s->gs = data;
	s->ss = data;
}

static void real_state(struct guest_case *c, struct kvm_sregs *s)
{
	bool vm86 = c->mode == MODE_VM86;

	all_data(s, segment(0, 0, 0xffff, 3, vm86 ? 3 : 0));
	s->cs = segment(AT_CODE >> 4, AT_CODE, 0xffff, vm86 ? 3 : 0xb, vm86 ? 3 : 0);
	s->ss = segment(0x3000, 0x30000, 0xffff, 3, vm86 ? 3 : 0);
	s->cr0 = vm86 ? 0x31 : 0x30;
	s->idt.base = vm86 ? AT_IDT32 : 0;
	s->idt.limit = vm86 ? 0x7ff : 0x3ff;
	c->regs.rip = 0;
	c->regs.rsp = 0x8000;
	if (vm86)
		c->regs.rflags |= 1 << 17 | 3 << 12;
}

static void protected_state(struct guest_case *c, struct kvm_sregs *s)
{
	bool small = c->mode == MODE_PROT16;
	u8 dpl = c->user ? 3 : 0;

	all_data(s, segment(small ? SEL_DATA16 : c->user ? SEL_USER_DATA : SEL_DATA, 0,
			    small ? 0xffff : 0xffffffff, 3, dpl));
	s->cs = segment(small ? SEL_CODE16 : c->user ? SEL_USER_CODE32 : SEL_CODE32,
			small ? AT_CODE : 0, small ? 0xffff : 0xffffffff, 0xb, dpl);
	s->cs.db = !small;
	s->ss.db = s->ds.db = s->es.db = s->fs.db = s->gs.db = !small;
	s->cr0 = 0x31;
	s->idt.base = AT_IDT32;
	s->idt.limit = 0x7ff;
	c->regs.rip = small ? 0 : AT_CODE;
	c->regs.rsp = small ? 0x8000 : AT_STACK;
}

static void paging(struct guest_case *c, struct kvm_sregs *s)
{
	s->cr0 |= 1U << 31 | 1 << 16;
	s->cr4 = 0x600;		/* FXSAVE and SSE exceptions */
	switch (c->mode) {
	case MODE_PAGED32:
		s->cr3 = AT_PD32;
		s->cr4 |= 0x10;
		break;
	case MODE_PAE:
		s->cr3 = AT_PDPT_PAE;
		s->cr4 |= 0x20;
		break;
	default:
		s->cr3 = AT_PML4;
		s->cr4 |= 0xa0;
		s->efer = 0xd01;
		s->idt.base = AT_IDT64;
		s->idt.limit = 0xfff;
		s->tr = segment(SEL_TSS64, AT_TSS64, 0x2ff, 0xb, 0);
		s->tr.s = 0;
	}
	if (c->mode == MODE_LONG) {
		s->cs.selector = c->user ? SEL_USER_CODE64 : SEL_CODE64;
		s->cs.l = 1;
		s->cs.db = 0;
	}
}

static void valid_state(struct guest_case *c)
{
	struct kvm_sregs *s = &c->sregs;

	s->gdt.base = AT_GDT;
	s->gdt.limit = 0x8f;
	s->tr = segment(SEL_TSS32, AT_TSS32, 0x2ff, 0xb, 0);
	s->tr.s = 0;
	s->ldt = segment(SEL_LDT, AT_LDT, 0xff, 2, 0);
	s->ldt.s = 0;
	s->apic_base = 0xfee00900;
	if (c->mode == MODE_REAL || c->mode == MODE_VM86)
		real_state(c, s);
	else
		protected_state(c, s);
	if (c->mode >= MODE_PAGED32)
		paging(c, s);
}

/* Bits of the state that a processor would not have so, or that make it another. */
static void spoil(struct random *r, struct guest_case *c)
{
	static const struct { u16 offset; u8 bits; } fields[] = {
#define FIELD(name, n)	{ offsetof(struct kvm_sregs, name), n }
#define SEGMENT(name)	FIELD(name.base, 64), FIELD(name.limit, 32), FIELD(name.selector, 16), \
			FIELD(name.type, 4), FIELD(name.present, 1), FIELD(name.dpl, 2),	\
			FIELD(name.db, 1), FIELD(name.s, 1), FIELD(name.l, 1), FIELD(name.g, 1), \
			FIELD(name.unusable, 1)
		SEGMENT(cs), SEGMENT(ss), SEGMENT(ds), SEGMENT(es), SEGMENT(fs), SEGMENT(gs),
		SEGMENT(tr), SEGMENT(ldt), FIELD(gdt.base, 64), FIELD(gdt.limit, 16),
		FIELD(idt.base, 64), FIELD(idt.limit, 16),
		FIELD(cr0, 32), FIELD(cr0, 32), FIELD(cr0, 6), FIELD(cr3, 64), FIELD(cr3, 13),
		FIELD(cr4, 24), FIELD(cr4, 24), FIELD(cr4, 64), FIELD(efer, 12), FIELD(efer, 12),
		FIELD(efer, 64), FIELD(cr8, 5), FIELD(cr2, 64), FIELD(apic_base, 12),
	};
	u8 *bytes = (u8 *)&c->sregs;

	for (unsigned int n = 1 + random_below(r, 3); n; n--) {
		unsigned int i = random_below(r, ARRAY_SIZE(fields));
		unsigned int bit = random_below(r, fields[i].bits);

		bytes[fields[i].offset + bit / 8] ^= 1 << (bit % 8);
	}
	if (one_in(r, 4))
		c->regs.rflags ^= 1ULL << random_below(r, 23);
	if (one_in(r, 16))
		c->regs.rflags ^= 1ULL << random_below(r, 64);
	if (one_in(r, 6))
		c->regs.rip = random_number(r);
}

/* Entries of page tables and descriptors. */
static void flip_tables(struct random *r, struct guest_case *c)
{
	static const u32 places[] = {
		AT_PML4, AT_PDPT, AT_PD, AT_PD32, AT_PDPT_PAE, AT_PT + 0x80, AT_PT32 + 0x40,
		AT_PT + 0x100, AT_PT + 0x68, AT_GDT + 8, AT_GDT + 0x10, AT_GDT + 0x18,
		AT_GDT + 0x40, AT_GDT + 0x50, AT_IDT32 + 8 * 13, AT_IDT64 + 16 * 13,
		AT_IDT64 + 16 * 14, AT_TSS64 + 4, AT_TSS32 + 4,
	};

	c->nr_flips = 1 + random_below(r, ARRAY_SIZE(c->flips));
	for (unsigned int i = 0; i < c->nr_flips; i++) {
		c->flips[i].at = places[random_below(r, ARRAY_SIZE(places))];
		c->flips[i].bit = random_below(r, 64);
	}
}

static void make_registers(struct random *r, struct guest_case *c)
{
	u64 *gpr = (u64 *)&c->regs;

	for (unsigned int i = 0; i < 16; i++)
		gpr[i] = one_in(r, 4) ? random_number(r) : interesting_address(r, c);
	if (one_in(r, 2))
		c->regs.rcx = one_in(r, 2) ? interesting_msr(r) : random_below(r, 20);
	if (one_in(r, 2))
		c->regs.rdx = random_below(r, 0x100);
	c->regs.rflags = 2 | (random_next(r) & random_next(r) & 0x44dd5);
	if (one_in(r, 16))
		c->regs.rflags |= 1 << 8;
	c->regs.rflags |= random_below(r, 4) << 12;
}

static void make_events(struct random *r, struct guest_case *c)
{
	c->with_events = true;
	switch (random_below(r, 4)) {
	case 0:
		c->events.exception.injected = 1;
		c->events.exception.nr = random_below(r, 32);
		c->events.exception.has_error_code = random_below(r, 2);
		c->events.exception.error_code = random_number(r);
		break;
	case 1:
		c->events.interrupt.injected = 1;
		c->events.interrupt.nr = random_next(r);
		c->events.interrupt.soft = one_in(r, 4);
		break;
	case 2:
		c->events.nmi.injected = random_below(r, 2);
		c->events.nmi.pending = random_below(r, 3);
		c->events.nmi.masked = random_below(r, 2);
		c->events.flags |= KVM_VCPUEVENT_VALID_NMI_PENDING;
		break;
	default:
		c->events.interrupt.shadow = random_below(r, 4);
		c->events.flags |= KVM_VCPUEVENT_VALID_SHADOW;
	}
}

void make_plain_case(struct guest_case *c, struct random *r, enum mode mode, bool user)
{
	memset(c, 0, sizeof(*c));
	c->quiet = true;
	c->mode = mode;
	c->user = user && mode > MODE_PROT16;
	c->regs.rflags = 2 | (random_next(r) & 0x40cd5) | random_below(r, 4) << 12;
	valid_state(c);
}

void make_case(struct guest_case *c, u64 seed, u64 number, bool quiet)
{
	struct random r = random_stream(seed, number, 77);

	memset(c, 0, sizeof(*c));
	c->number = number;
	c->quiet = quiet;
	c->mode = random_below(&r, MODES);
	/* machines are kept for some cases: those with chips come in runs */
	c->chips = !quiet && (number / 64 & 1);
	c->user = c->mode > MODE_PROT16 && one_in(&r, 4);
	make_registers(&r, c);
	valid_state(c);
	if (one_in(&r, 2)) {
		c->spoilt = true;
		if (one_in(&r, 4))
			flip_tables(&r, c);
		else
			spoil(&r, c);
	}
	if (one_in(&r, 6))
		make_events(&r, c);
	if (!quiet && one_in(&r, 12)) {
		c->with_debug = true;
		c->debug.control = KVM_GUESTDBG_ENABLE | (random_next(&r) & 0x3f0002);
		c->debug.arch.debugreg[7] = random_next(&r) & 0xffff03ff;
		c->debug.arch.debugreg[0] = AT_CODE + random_below(&r, 16);
	}
	for (; !quiet && c->nr_msrs < random_below(&r, 4); c->nr_msrs++) {
		c->msr[c->nr_msrs].index = interesting_msr(&r);
		c->msr[c->nr_msrs].value = one_in(&r, 2) ? random_number(&r) : AT_DATA | 1;
	}
	c->code_bytes = make_code(&r, c, c->code);
}
