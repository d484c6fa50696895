/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the chips need from the world around them.
 *
 * In the kernel that is the kernel and the module's own structs.  In test/ the same sources are
 * built as a program: shim.h then gives a clock that the test turns by hand, locks that fail when
 * they are taken twice, and structs that hold only the fields which the chips use.
 */
#ifndef LINTEL_IRQ_ENV_H
#define LINTEL_IRQ_ENV_H

#ifdef __KERNEL__

#include <linux/atomic.h>
#include <linux/bitmap.h>
#include <linux/bitops.h>
#include <linux/errno.h>
#include <linux/hrtimer.h>
#include <linux/kvm.h>
#include <linux/ktime.h>
#include <linux/log2.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/moduleparam.h>
#include <linux/mutex.h>
#include <linux/nospec.h>
#include <linux/overflow.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/spinlock.h>
#include <linux/string.h>

#include <asm/apicdef.h>
#include <asm/mce.h>
#include <asm/msr-index.h>
#include <asm/msr.h>
#include <asm/tsc.h>

#include "../compat.h"
#include "../params.h"
#include "../trace.h"
#include "../vcpu.h"
#include "../vm.h"

#else

#include "shim.h"

#endif
#endif
