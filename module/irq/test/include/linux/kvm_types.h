/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Stands in for the kernel's header of this name in the userspace test: the integer types of the
 * kernel, and the address types that module/types.h takes from it.
 */
#ifndef LINTEL_IRQ_TEST_KVM_TYPES_H
#define LINTEL_IRQ_TEST_KVM_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __s64 s64;
typedef u64 gpa_t;
typedef u64 gfn_t;
typedef u64 hpa_t;

#endif
