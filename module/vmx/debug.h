/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Debug-register bits: the kernel's header, and what it lacks.  SDM, "Debug Registers".
 */
#ifndef LINTEL_VMX_DEBUG_H
#define LINTEL_VMX_DEBUG_H

#include <linux/percpu.h>
#include <linux/bits.h>
#include <asm/processor.h>
#include <asm/debugreg.h>

#define DR_BD			BIT(13)		/* DR6: the next instruction touches a DR */
#define DR7_GD			BIT(13)		/* general detect enable */
#define DR7_WRITABLE		0xffff2bffUL	/* the rest reads as fixed */
#ifndef DR7_FIXED_1
#define DR7_FIXED_1		0x400
#endif

#endif
