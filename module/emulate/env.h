/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The interpreter's whole environment: fixed-width types and the memory functions of string.h.
 *
 * The interpreter is built twice, as part of the kernel module and as a userspace library that the
 * tests compare with the real CPU. Whatever differs between the two stands here and nowhere else.
 */
#ifndef LINTEL_EMULATE_ENV_H
#define LINTEL_EMULATE_ENV_H

#ifdef __KERNEL__
#include <linux/bits.h>
#include <linux/build_bug.h>
#include <linux/kernel.h>
#include <linux/stddef.h>
#include <linux/string.h>
#include <linux/types.h>
#else
#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t s8;
typedef int16_t s16;
typedef int32_t s32;
typedef int64_t s64;

#define BIT(n)		(1UL << (n))
#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define fallthrough	__attribute__((__fallthrough__))
#ifndef static_assert
#define static_assert	_Static_assert
#endif
#endif /* __KERNEL__ */

#endif /* LINTEL_EMULATE_ENV_H */
