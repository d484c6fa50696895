// SPDX-License-Identifier: GPL-2.0-only
/* The local APIC's timer: one count, undivided, is one nanosecond. */
#include "script.h"

#define ENABLE(cpu)	WRITE(cpu, APIC_SPIV, 0x1ff)
#define DIVIDE_1	0xb
#define DIVIDE_2	0
#define DIVIDE_16	3
#define DIVIDE_128	0xa
#define PERIODIC	0x20000
#define DEADLINE_MODE	0x40000
#define TIMER(cpu, lvt)	ENABLE(cpu), WRITE(cpu, APIC_TDCR, DIVIDE_1), WRITE(cpu, APIC_LVTT, lvt)

const struct script timer_scripts[] = {
	SCRIPT("timer: one-shot",
	       TIMER(1, 0xec), WRITE(1, APIC_TMICT, 1000000), READ(1, APIC_TMCCT, 1000000),
	       AFTER(400000), READ(1, APIC_TMCCT, 600000), NOTIFIED(1, 0), AFTER(599999),
	       PENDING(1, -1), AFTER(1), NOTIFIED(1, 1), ACK(1, 0xec), READ(1, APIC_TMCCT, 0),
	       WRITE(1, APIC_EOI, 0), AFTER(10000000), PENDING(1, -1)),
	SCRIPT("timer: the divide configuration",
	       TIMER(1, 0xec), WRITE(1, APIC_TDCR, DIVIDE_128), WRITE(1, APIC_TMICT, 1000),
	       AFTER(127999), PENDING(1, -1), AFTER(1), PENDING(1, 0xec),
	       WRITE(1, APIC_TDCR, DIVIDE_2), WRITE(1, APIC_TMICT, 1000), AFTER(1000),
	       READ(1, APIC_TMCCT, 500), WRITE(1, APIC_TDCR, DIVIDE_16), READ(1, APIC_TMCCT, 500),
	       AFTER(1600), READ(1, APIC_TMCCT, 400)),
	SCRIPT("timer: periodic keeps its phase, and a vCPU that sleeps costs one interrupt",
	       TIMER(1, PERIODIC | 0xec), WRITE(1, APIC_TMICT, 1000000), INTERRUPTS(0),
	       AFTER(10500000), INTERRUPTS(1), ACK(1, 0xec), WRITE(1, APIC_EOI, 0),
	       PENDING(1, -1), READ(1, APIC_TMCCT, 500000), AFTER(499999), PENDING(1, -1),
	       AFTER(1), ACK(1, 0xec), WRITE(1, APIC_EOI, 0), AFTER(1000000), ACK(1, 0xec)),
	SCRIPT("timer: the shortest period is 200 us",
	       TIMER(1, PERIODIC | 0xec), WRITE(1, APIC_TMICT, 10), AFTER(199999), PENDING(1, -1),
	       AFTER(1), ACK(1, 0xec), WRITE(1, APIC_EOI, 0), AFTER(199999), PENDING(1, -1),
	       AFTER(1), ACK(1, 0xec)),
	SCRIPT("timer: one-shot made periodic does not escape that limit",
	       TIMER(1, 0xec), WRITE(1, APIC_TMICT, 10), AFTER(5), WRITE(1, APIC_LVTT, PERIODIC | 0xec),
	       AFTER(5), ACK(1, 0xec), WRITE(1, APIC_EOI, 0), AFTER(199990), PENDING(1, -1)),
	SCRIPT("timer: masked it runs and is silent",
	       TIMER(1, 0x100ec), WRITE(1, APIC_TMICT, 1000), AFTER(500), READ(1, APIC_TMCCT, 500),
	       AFTER(1000), PENDING(1, -1), WRITE(1, APIC_LVTT, 0xec), PENDING(1, -1)),
	SCRIPT("timer: an initial count of 0 stops it",
	       TIMER(1, 0xec), WRITE(1, APIC_TMICT, 1000), WRITE(1, APIC_TMICT, 0), AFTER(10000),
	       PENDING(1, -1), READ(1, APIC_TMCCT, 0)),
	SCRIPT("timer: TSC deadline",
	       TIMER(1, DEADLINE_MODE | 0xec), WRITE(1, APIC_TMICT, 1000), READ(1, APIC_TMICT, 0),
	       DEADLINE(1, 2000000), IS_DEADLINE(1, 1), AFTER(990000), PENDING(1, -1),
	       AFTER(10000), ACK(1, 0xec), IS_DEADLINE(1, 0), WRITE(1, APIC_EOI, 0),
	       AFTER(10000000), PENDING(1, -1)),
	SCRIPT("timer: a deadline that is past fires at once, 0 disarms",
	       TIMER(1, DEADLINE_MODE | 0xec), AFTER(1000), DEADLINE(1, (u64)-10), NOTIFIED(1, 1),
	       ACK(1, 0xec), WRITE(1, APIC_EOI, 0), DEADLINE(1, 2000), DEADLINE(1, 0),
	       AFTER(10000), PENDING(1, -1)),
	SCRIPT("timer: a deadline is the guest's TSC, also when that is set back",
	       TSC_OFFSET(1, 1ull << 60), TIMER(1, DEADLINE_MODE | 0xec), DEADLINE(1, 2000000),
	       AFTER(500000), TSC_OFFSET(1, (1ull << 60) - 1000000), AFTER(500000),
	       PENDING(1, -1), IS_DEADLINE(1, 1), AFTER(500000), ACK(1, 0xec)),
	SCRIPT("timer: the farthest deadline does not overflow",
	       TIMER(1, DEADLINE_MODE | 0xec), DEADLINE(1, (u64)1 << 63), AFTER(3600000000000ull),
	       PENDING(1, -1), IS_DEADLINE(1, 1)),
	SCRIPT("timer: entering and leaving deadline mode disarms",
	       TIMER(1, 0xec), WRITE(1, APIC_TMICT, 1000), WRITE(1, APIC_LVTT, DEADLINE_MODE | 0xec),
	       AFTER(2000), PENDING(1, -1), DEADLINE(1, 2000), WRITE(1, APIC_LVTT, 0xec),
	       AFTER(2000), PENDING(1, -1), IS_DEADLINE(1, 0)),
	SCRIPT("timer: a deadline in another mode is ignored",
	       TIMER(1, 0xec), DEADLINE(1, 2000), AFTER(10000), PENDING(1, -1)),
	SCRIPT("timer: moves to another VM with what is left",
	       TIMER(1, 0xec), WRITE(1, APIC_TMICT, 1000000), AFTER(400000),
	       TIMER(2, DEADLINE_MODE | 0xed), DEADLINE(2, 1200000), RESTORE,
	       READ(1, APIC_TMCCT, 600000), AFTER(599000), PENDING(1, -1), PENDING(2, -1),
	       AFTER(1000), ACK(1, 0xec), ACK(2, 0xed)),
	SCRIPT("timer: switching the LAPIC off stops it",
	       TIMER(1, 0xec), WRITE(1, APIC_TMICT, 1000), BASE(1, 0xfee00000, 0), INTERRUPTS(0),
	       AFTER(10000), INTERRUPTS(0), PENDING(1, -1)),
	{ NULL },
};
