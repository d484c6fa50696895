/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The fields of the argument structures; the definitions are in structs.c.
 */
#ifndef LINTEL_FUZZ_STRUCTS_H
#define LINTEL_FUZZ_STRUCTS_H

#include "fuzz.h"

extern const struct field fields_none[], fields_region[], fields_region2[], fields_dirty[],
	fields_clear[], fields_zone[], fields_u64[], fields_irqchip[], fields_pit_config[],
	fields_pit[], fields_reinject[], fields_irq[], fields_msi[], fields_irqfd[],
	fields_ioeventfd[], fields_clock[], fields_cap[], fields_attr[], fields_fpu[],
	fields_xsave[], fields_xcrs[], fields_lapic[], fields_mp[], fields_events[],
	fields_debugregs[], fields_interrupt[], fields_mce_cap[], fields_mce[], fields_vapic[],
	fields_translate[], fields_prefault[], fields_debug[], fields_report[], fields_sregs2[],
	fields_vm_info[], fields_old_pit[], fields_device[];

#endif
