// SPDX-License-Identifier: GPL-2.0-only
/*
 * The defects of processors that a guest could use against its host or another guest: what the
 * kernel says of each (/sys/devices/system/cpu/vulnerabilities), and what Lintel does where the
 * kernel mitigates. Where the host was told to do nothing, Lintel does nothing either.
 */
#include "doctor_report.h"

#include <stdio.h>
#include <string.h>

const char *const doctor_bug_file[BUG_COUNT] = {
	[BUG_SPECTRE_V1] = "spectre_v1",
	[BUG_SPECTRE_V2] = "spectre_v2",
	[BUG_RETBLEED] = "retbleed",
	[BUG_ITS] = "indirect_target_selection",
	[BUG_VMSCAPE] = "vmscape",
	[BUG_MELTDOWN] = "meltdown",
	[BUG_SSB] = "spec_store_bypass",
	[BUG_L1TF] = "l1tf",
	[BUG_MDS] = "mds",
	[BUG_TAA] = "tsx_async_abort",
	[BUG_RFDS] = "reg_file_data_sampling",
	[BUG_MMIO_STALE_DATA] = "mmio_stale_data",
	[BUG_SRBDS] = "srbds",
	[BUG_GDS] = "gather_data_sampling",
	[BUG_ITLB_MULTIHIT] = "itlb_multihit",
};

/* Where the host mitigates. */
static const char *const lintel_does[BUG_COUNT] = {
	[BUG_SPECTRE_V1] = "indexes that a guest chooses are clamped",
	[BUG_SPECTRE_V2] = "return predictions refilled after exits, also branch history and IBRS "
			   "where the host asks; IBPB between VMs",
	[BUG_RETBLEED] = "return predictions refilled, and IBRS written, after exits",
	[BUG_ITS] = "the module is built with the kernel's thunks",
	[BUG_VMSCAPE] = "IBPB before user space runs behind a guest",
	[BUG_MELTDOWN] = "the host's page tables are its own; EPT keeps guests from them",
	[BUG_SSB] = "guests are offered no control of it",
	[BUG_L1TF] = "L1 data cache flushed before guests are entered",
	[BUG_MDS] = "buffers cleared (VERW) before each entry",
	[BUG_TAA] = "buffers cleared (VERW) before each entry",
	[BUG_RFDS] = "buffers cleared (VERW) before each entry",
	[BUG_MMIO_STALE_DATA] = "no device is given to guests, so none of their reads can leak",
	[BUG_SRBDS] = "the microcode's affair",
	[BUG_GDS] = "the microcode's affair",
	[BUG_ITLB_MULTIHIT] = "executable EPT entries are 4 KiB",
};

static bool begins(const char *text, const char *with)
{
	return !strncmp(text, with, strlen(with));
}

/* What Lintel does about a bug, on this CPU. */
static const char *what_lintel_does(const struct system_facts *f, enum bug bug)
{
	if (bug == BUG_L1TF && f->cpu.flush_l1d == NO)
		return "L1 data cache displaced by reads before guests are entered: the CPU has "
		       "no command to flush it";
	return lintel_does[bug];
}

/* What the host mitigates, and yet this CPU cannot do it, or not alone; NULL: no such thing. */
static const char *gap(const struct system_facts *f, enum bug bug)
{
	if (bug == BUG_SPECTRE_V2 && f->cpu.ibpb == NO)
		return "no IBPB: one guest may steer the branches of another; update the microcode";
	return NULL;
}

enum verdict doctor_bug(const struct system_facts *f, enum bug bug, char *note, size_t size)
{
	const char *text = f->bug[bug], *missing = gap(f, bug);

	if (begins(text, "Not affected")) {
		snprintf(note, size, "this CPU does not have it");
		return VERDICT_OK;
	}
	if (begins(text, "Vulnerable") || begins(text, "KVM: Vulnerable")) {
		snprintf(note, size, "the host says \"%.60s\"; Lintel adds nothing", text);
		return VERDICT_ABSENT;
	}
	if (!begins(text, "Mitigation") && !begins(text, "KVM: Mitigation")) {
		snprintf(note, size, "%s%s", text[0] ? "the host says: " :
			 "this kernel says nothing of it", text);
		return VERDICT_UNKNOWN;
	}
	if (missing) {
		snprintf(note, size, "%s", missing);
		return VERDICT_ABSENT;
	}
	snprintf(note, size, "%s%s", what_lintel_does(f, bug), strstr(text, "SMT vulnerable") ?
		 "; SMT is on: turn it off for guests that you do not trust" : "");
	return VERDICT_OK;
}
