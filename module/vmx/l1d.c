// SPDX-License-Identifier: GPL-2.0-only
/*
 * L1TF: what the host has in its L1 data cache must not be there when the guest runs.
 *
 * With the command (IA32_FLUSH_CMD) that is one WRMSR before each stretch in the guest.  What runs
 * between two entries of a stretch handles an exit of this guest's and nothing else: interrupts,
 * other threads, user space and the interpreter end it.  A CPU with the bug and without the command
 * has its cache displaced: 64 KiB are read, twice the size of the cache, after their pages have
 * been brought into the TLB, so that no page walk loads anything else behind them.  kvm_intel does
 * the same.
 */
#include <linux/cpu.h>
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/string.h>
#include <asm/cpufeature.h>
#include <asm/msr.h>
#include <asm/processor.h>

#include "l1d.h"
#include "../compat.h"

#define DISPLACE_ORDER	4
#define DISPLACE_SIZE	(PAGE_SIZE << DISPLACE_ORDER)
#define CACHE_LINE	64

bool l1d_flush_wanted __read_mostly;
static u8 *displace;			/* NULL: by the command */

/* Unless the host was told not to care, or a hypervisor below flushes for us. */
static bool flush_needed(void)
{
	u64 arch_caps = 0;

	if (!boot_cpu_has_bug(X86_BUG_L1TF) || cpu_mitigations_off())
		return false;
	return !boot_cpu_has(X86_FEATURE_ARCH_CAPABILITIES) ||
	       rdmsrq_safe(MSR_IA32_ARCH_CAPABILITIES, &arch_caps) ||
	       !(arch_caps & ARCH_CAP_SKIP_VMENTRY_L1DFLUSH);
}

int l1d_init(void)
{
	unsigned int i;

	if (!flush_needed())
		return 0;
	if (!boot_cpu_has(X86_FEATURE_FLUSH_L1D)) {
		displace = (u8 *)__get_free_pages(GFP_KERNEL, DISPLACE_ORDER);
		if (!displace)
			return -ENOMEM;
		/* different contents, so that a host below does not make them one page */
		for (i = 0; i < 1 << DISPLACE_ORDER; i++)
			memset(displace + i * PAGE_SIZE, i + 1, PAGE_SIZE);
	}
	l1d_flush_wanted = true;
	return 0;
}

void l1d_exit(void)
{
	free_pages((unsigned long)displace, DISPLACE_ORDER);
	displace = NULL;
}

void l1d_flush(void)
{
	unsigned int i;

	if (!displace) {
		wrmsrq(MSR_IA32_FLUSH_CMD, L1D_FLUSH);
		return;
	}
	for (i = 0; i < DISPLACE_SIZE; i += PAGE_SIZE)
		READ_ONCE(displace[i]);
	/* serialises: the translations are there */
	cpuid_eax(0);
	for (i = 0; i < DISPLACE_SIZE; i += CACHE_LINE)
		READ_ONCE(displace[i]);
	asm volatile("lfence" : : : "memory");
}
