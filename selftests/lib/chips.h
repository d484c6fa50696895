/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The interrupt chips as guest code sees them: small helpers for the 8259 pair, the IOAPIC, the
 * 8254 and the local APIC, and a handler that counts and ends the interrupt. Included by the
 * chip_* programs.
 */
#ifndef LINTEL_SELFTESTS_CHIPS_H
#define LINTEL_SELFTESTS_CHIPS_H

#include "guest.h"

#define PIC1		0x20
#define PIC2		0xa0
#define PIC_BASE	0x50	/* vectors 0x50 to 0x5f, below the 128 that can have handlers */
#define PIT_HZ		1193182

/* Usual start-up of both PICs, all lines masked. `auto_eoi` for ICW4. */
GINLINE void pic_init(u8 auto_eoi)
{
	outb(PIC1, 0x11);
	outb(PIC2, 0x11);
	outb(PIC1 + 1, PIC_BASE);
	outb(PIC2 + 1, PIC_BASE + 8);
	outb(PIC1 + 1, 4);
	outb(PIC2 + 1, 2);
	outb(PIC1 + 1, 1 | auto_eoi << 1);
	outb(PIC2 + 1, 1 | auto_eoi << 1);
	outb(PIC1 + 1, 0xff);
	outb(PIC2 + 1, 0xff);
}

/* Opens the lines of the mask (16 bits), and the cascade with those of the slave. */
GINLINE void pic_unmask(u16 lines)
{
	if (lines >> 8)
		lines |= 4;
	outb(PIC1 + 1, ~lines);
	outb(PIC2 + 1, ~(lines >> 8));
}

GINLINE void pic_eoi(u32 line)
{
	if (line >= 8)
		outb(PIC2, 0x20);
	outb(PIC1, 0x20);
}

GINLINE u16 pic_isr(void)
{
	outb(PIC1, 0x0b);
	outb(PIC2, 0x0b);
	return inb(PIC1) | inb(PIC2) << 8;
}

GINLINE u16 pic_irr(void)
{
	outb(PIC1, 0x0a);
	outb(PIC2, 0x0a);
	return inb(PIC1) | inb(PIC2) << 8;
}

/* The PIC's output reaches the CPU through LINT0 as ExtINT, as firmware leaves it. */
GINLINE void apic_virtual_wire(void)
{
	apic_write(APIC_SPIV, APIC_SPIV_ENABLE | 0xff);
	apic_write(APIC_LVT0, APIC_DM_EXTINT);
}

/*
 * The local APIC alone: what comes from the PIC, whose lines are shared with the IOAPIC, is shut
 * out.
 */
GINLINE void apic_enable(void)
{
	apic_write(APIC_SPIV, APIC_SPIV_ENABLE | 0xff);
	apic_write(APIC_LVT0, APIC_LVT_MASKED);
}

/* In the mode that the local APIC is in. */
GINLINE void apic_eoi(void)
{
	if (rdmsr(MSR_APICBASE) & APICBASE_X2APIC)
		wrmsr(X2APIC(APIC_EOI), 0);
	else
		apic_write(APIC_EOI, 0);
}

/* xAPIC mode. */
GINLINE void self_ipi(u32 vector)
{
	apic_write(APIC_ICR, APIC_DEST_SELF | APIC_ASSERT | vector);
}

GINLINE u32 ioapic_read(u8 reg)
{
	mmio_write(IOAPIC_BASE, reg);
	return mmio_read(IOAPIC_BASE + 0x10);
}

GINLINE void ioapic_write(u8 reg, u32 v)
{
	mmio_write(IOAPIC_BASE, reg);
	mmio_write(IOAPIC_BASE + 0x10, v);
}

GINLINE void ioapic_route(u8 pin, u32 low, u8 dest)
{
	ioapic_write(0x10 + 2 * pin, 1 << 16);
	ioapic_write(0x11 + 2 * pin, (u32)dest << 24);
	ioapic_write(0x10 + 2 * pin, low);
}

#define IOAPIC_LEVEL	(1 << 15)
#define IOAPIC_MASK	(1 << 16)
#define IOAPIC_REMOTE	(1 << 14)

GINLINE void pit_start(u8 channel, u8 mode, u16 count)
{
	outb(0x43, channel << 6 | 3 << 4 | mode << 1);
	outb(0x40 + channel, count);
	outb(0x40 + channel, count >> 8);
}

GINLINE u16 pit_read(u8 channel)
{
	u16 v;

	outb(0x43, channel << 6);
	v = inb(0x40 + channel);
	return v | inb(0x40 + channel) << 8;
}

/*
 * What an access to a chip costs on this host, in ticks of the TSC: a host with sanitizers needs
 * twenty times as long as another. An interrupt is some five of them.
 */
GINLINE u64 access_cost(void)
{
	u64 least = ~0ull;

	for (int i = 0; i < 8; i++) {
		u64 t0 = rdtsc(), t;

		apic_read(APIC_TMCCT);
		t = rdtsc() - t0;
		least = t < least ? t : least;
	}
	return least;
}

GINLINE bool apic_bit(u32 reg, u32 vector)
{
	return apic_read(reg + (vector / 32) * 0x10) >> (vector % 32) & 1;
}

/* Waits with HLT until ARG(1) interrupts have come. */
GINLINE void wait_irqs(u64 n)
{
	cli();
	while (ARG(1) < n) {
		sti_hlt();
		cli();
	}
}

/* Interrupts on for a moment: what waits comes in. */
GINLINE void window(void)
{
	sti();
	asm volatile("nop; nop");
	cli();
}

#endif
