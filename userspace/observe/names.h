/* SPDX-License-Identifier: GPL-2.0-only */
/* What the numbers of an exit mean, in words. All functions are pure. */
#ifndef LINTEL_OBSERVE_NAMES_H
#define LINTEL_OBSERVE_NAMES_H

#include <linux/lintel.h>
#include <stddef.h>
#include <stdint.h>

/* SDM, "Basic VM-Exit Information"; "reason 99" for one without a name. Static storage. */
const char *name_of_reason(uint32_t reason);
/* KVM_EXIT_IO and so on, without the prefix; "exit 99". Static storage. */
const char *name_of_kvm_exit(uint32_t exit);

/* What the exit was about: "out 0x3f8, 1 byte", "write to 0xfee00000". May be "". */
void describe_exit(const struct lintel_flight_exit *exit, char *to, size_t size);
/* What became of it: "short", "handled", "to user space: IO", "failed: Bad address". */
void describe_result(const struct lintel_flight_exit *exit, char *to, size_t size);

/* Ticks as time: "1.25 us". @khz 0: as ticks. */
void describe_ticks(uint64_t ticks, uint32_t khz, char *to, size_t size);

#endif
