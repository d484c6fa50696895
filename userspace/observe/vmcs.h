/* SPDX-License-Identifier: GPL-2.0-only */
/* The fields of a VMCS by name, and their bits in words. All functions are pure. */
#ifndef LINTEL_OBSERVE_VMCS_H
#define LINTEL_OBSERVE_VMCS_H

#include <linux/lintel.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The name, as LINTEL_EXPLAIN_ENTRY gives it too; NULL: none known. */
const char *vmcs_name(uint32_t encoding);
/* "controls", "exit information", "guest state", "host state": SDM, "Field Encoding in VMCS". */
const char *vmcs_area(uint32_t encoding);
/* Hexadecimal digits of a field of this width: 4, 8, 16. */
unsigned int vmcs_digits(uint32_t encoding);

/* The value's bits in words, or "". Bits without a name are told as "bit 5". */
void vmcs_describe(uint32_t encoding, uint64_t value, char *to, size_t size);

/* The value of a field of a snapshot. False: the snapshot does not have it. */
bool vmcs_value(const struct lintel_snapshot *snapshot, const char *name, uint64_t *value);

#endif
