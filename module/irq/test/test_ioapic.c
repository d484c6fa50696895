// SPDX-License-Identifier: GPL-2.0-only
/* The IOAPIC, by the 82093AA's data sheet, and MSIs. */
#include "script.h"

#define ENABLE(cpu)	WRITE(cpu, APIC_SPIV, 0x1ff)
#define NO_PIC		OUT(0x21, 0xff)
#define LEVEL		0x8000
#define MASKED		0x10000
#define REMOTE_IRR	0x4000
#define RTE(pin)	(0x10 + 2 * (pin))
#define RTE_HIGH(pin)	(0x11 + 2 * (pin))
#define IRR(v)		(APIC_IRR + (v) / 32 * 16)
#define TMR(v)		(APIC_TMR + (v) / 32 * 16)

const struct script ioapic_scripts[] = {
	SCRIPT("ioapic: registers",
	       IOAPIC_READ(1, 0x170011), IOAPIC_WRITE(0, 0xff000000), IOAPIC_READ(0, 0x0f000000),
	       IOAPIC_READ(RTE(5), MASKED), IOAPIC_WRITE(RTE(5), 0xffffffff),
	       IOAPIC_READ(RTE(5), 0x1afff), IOAPIC_WRITE(RTE_HIGH(5), 0x03ffffff),
	       IOAPIC_READ(RTE_HIGH(5), 0x03000000), IOAPIC_READ(RTE(24), 0),
	       IOAPIC_WRITE(RTE(24), 5), IOAPIC_READ(0xff, 0)),
	SCRIPT("ioapic: an edge is sent once for each rise",
	       ENABLE(1), IOAPIC_WRITE(RTE_HIGH(16), 1 << 24), IOAPIC_WRITE(RTE(16), 0x51),
	       LINE(16, 1, 1), NOTIFIED(1, 1), PENDING(0, -1), ACK(1, 0x51), LINE(16, 1, 0),
	       PENDING(1, -1), LINE(16, 0, 1), LINE(16, 1, 1), WRITE(1, APIC_EOI, 0),
	       ACK(1, 0x51), READ(1, TMR(0x51), 0)),
	SCRIPT("ioapic: an edge at a masked pin is lost",
	       ENABLE(1), IOAPIC_WRITE(RTE_HIGH(16), 1 << 24), IOAPIC_WRITE(RTE(16), MASKED | 0x51),
	       LINE(16, 1, -1), IOAPIC_WRITE(RTE(16), 0x51), PENDING(1, -1), LINE(16, 0, 1),
	       LINE(16, 1, 1), PENDING(1, 0x51)),
	SCRIPT("ioapic: a level is sent again after the EOI while the line is up",
	       ENABLE(1), IOAPIC_WRITE(RTE_HIGH(18), 1 << 24), IOAPIC_WRITE(RTE(18), LEVEL | 0x61),
	       LINE(18, 1, 1), IOAPIC_READ(RTE(18), LEVEL | REMOTE_IRR | 0x61), LINE(18, 1, 0),
	       ACK(1, 0x61), READ(1, TMR(0x61), 2), PENDING(1, -1), WRITE(1, APIC_EOI, 0),
	       ACK(1, 0x61), LINE(18, 0, 1), WRITE(1, APIC_EOI, 0),
	       IOAPIC_READ(RTE(18), LEVEL | 0x61), PENDING(1, -1)),
	SCRIPT("ioapic: a level at a masked pin is sent when it is unmasked",
	       ENABLE(1), IOAPIC_WRITE(RTE_HIGH(18), 1 << 24),
	       IOAPIC_WRITE(RTE(18), MASKED | LEVEL | 0x61), LINE(18, 1, -1), PENDING(1, -1),
	       IOAPIC_WRITE(RTE(18), LEVEL | 0x61), PENDING(1, 0x61)),
	SCRIPT("ioapic: an entry written as edge loses its remote IRR",
	       ENABLE(1), IOAPIC_WRITE(RTE_HIGH(18), 1 << 24), IOAPIC_WRITE(RTE(18), LEVEL | 0x61),
	       LINE(18, 1, 1), LINE(18, 0, 1), IOAPIC_WRITE(RTE(18), MASKED | 0x61),
	       IOAPIC_READ(RTE(18), MASKED | 0x61)),
	SCRIPT("ioapic: a level nobody takes has no remote IRR",
	       IOAPIC_WRITE(RTE_HIGH(18), 9 << 24), IOAPIC_WRITE(RTE(18), LEVEL | 0x61),
	       LINE(18, 1, -1), IOAPIC_READ(RTE(18), LEVEL | 0x61)),
	SCRIPT("ioapic: NMI, INIT and SIPI messages",
	       IOAPIC_WRITE(RTE_HIGH(20), 2 << 24), IOAPIC_WRITE(RTE(20), 0x400), LINE(20, 1, 1),
	       NMIS(2, 1), NMIS(0, 0), LINE(20, 0, 1), IOAPIC_WRITE(RTE(20), 0x500),
	       LINE(20, 1, 1), INIT(2, 1), INIT(2, 0)),
	SCRIPT("ioapic: logical destination, lowest priority takes turns",
	       ENABLE(0), ENABLE(1), WRITE(0, APIC_LDR, 1 << 24), WRITE(1, APIC_LDR, 2 << 24),
	       IOAPIC_WRITE(RTE_HIGH(17), 3 << 24), IOAPIC_WRITE(RTE(17), 0x851),
	       LINE(17, 1, 2), ACK(0, 0x51), ACK(1, 0x51), WRITE(0, APIC_EOI, 0),
	       WRITE(1, APIC_EOI, 0), LINE(17, 0, 1), WRITE(1, APIC_TASKPRI, 0x30),
	       IOAPIC_WRITE(RTE(17), 0x951), LINE(17, 1, 1), PENDING(0, 0x51), PENDING(1, -1)),
	SCRIPT("ioapic: GSI n is pin n, and GSI 0 is pin 2 as well",
	       NO_PIC, ENABLE(0), IOAPIC_WRITE(RTE(0), 0x30), LINE(0, 1, 1), ACK(0, 0x30),
	       WRITE(0, APIC_EOI, 0), LINE(0, 0, 2), IOAPIC_WRITE(RTE(0), MASKED),
	       IOAPIC_WRITE(RTE(2), 0x32), LINE(0, 1, 1), ACK(0, 0x32)),
	SCRIPT("ioapic: a GSI without a route is ignored",
	       LINE(24, 1, -1), LINE(4095, 1, -1), LINE(0xffffffff, 1, -1)),
	SCRIPT("ioapic: its state moves to another VM, a level that waits with it",
	       NO_PIC, ENABLE(0), ENABLE(1), IOAPIC_WRITE(RTE_HIGH(18), 1 << 24),
	       IOAPIC_WRITE(RTE(18), MASKED | LEVEL | 0x61), LINE(18, 1, -1),
	       IOAPIC_WRITE(RTE(5), 0x45), LINE(5, 1, 1), ACK(0, 0x45),
	       WRITE(0, APIC_EOI, 0), RESTORE, IOAPIC_READ(RTE(5), 0x45), PENDING(0, -1),
	       IOAPIC_WRITE(RTE(18), LEVEL | 0x61), PENDING(1, 0x61)),
	SCRIPT("msi: physical, logical, and with the redirection hint",
	       ENABLE(0), ENABLE(1), ENABLE(2), MSI(0xfee01000, 0x41, 1), PENDING(1, 0x41),
	       MSI(0xfee01000, 0x41, 0), ACK(1, 0x41), WRITE(1, APIC_LDR, 2 << 24),
	       WRITE(2, APIC_LDR, 4 << 24), MSI(0xfee06004, 0x52, 2), ACK(2, 0x52),
	       ACK(1, 0x52), MSI(0xfee0600c, 0x63, 1), MSI(0xfee09000, 0x41, 0)),
	SCRIPT("msi: 0xff is everybody, a vector below 16 is an error at the receiver",
	       ENABLE(0), ENABLE(1), ENABLE(2), ENABLE(3), MSI(0xfeeff000, 0x41, 4),
	       MSI(0xfee01000, 0x0f, 0), WRITE(1, APIC_ESR, 0), READ(1, APIC_ESR, 0x40)),
	{ NULL },
};
