/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Why a VM entry failed: the checks of the SDM's chapter "VM Entries", in words.
 *
 * The processor says only that entry failed because of a control field (VM-instruction error
 * 7), of the host state (error 8) or of the guest state (exit reason 33).
 * lintel_explain_entry_failure() repeats the checks in software on a copy of the fields and
 * names each rule that is broken.  It is a pure function: no VMCS, no allocation, no context;
 * the same source is built and tested in userspace.
 *
 * explain.c holds the entry point and the host's checks, explain_controls.c and explain_guest.c
 * the others, explain_rules.h the sentences, explain_fields.h the fields.
 */
#ifndef LINTEL_VMX_EXPLAIN_H
#define LINTEL_VMX_EXPLAIN_H

#ifdef __KERNEL__
#include <linux/types.h>
#else
#include <stdbool.h>
#include <stdint.h>
typedef uint64_t u64;
typedef uint32_t u32;
typedef uint8_t u8;
#endif

#include "explain_fields.h"
#include "explain_rules.h"

/* What the processor allows: its capability MSRs, as the SDM's appendix on them lays them out. */
struct vmx_limits {
	/* low half: bits that must be 1; high half: bits that may be 1 */
	u64 pin, proc, proc2, exit, entry;
	u64 proc3, exit2, vmfunc;	/* bits that may be 1 */
	u64 cr0_fixed0, cr0_fixed1, cr4_fixed0, cr4_fixed1;
	u64 misc;			/* IA32_VMX_MISC */
	u64 ept_vpid;			/* IA32_VMX_EPT_VPID_CAP */
	u64 basic;			/* IA32_VMX_BASIC */
	u8 maxphyaddr;
	bool la57;			/* linear addresses may have 57 bits */
};

/* A copy of the VMCS's fields; members of controls that are off may stay zero. */
struct vmcs_fields {
	struct vmx_limits limits;
#define FIELD(member, encoding, when) u64 member;
	EXPLAIN_FIELDS(FIELD)
#undef FIELD
	/* Not a field: bits 7:4 of VTPR in the virtual-APIC page, if known. */
	bool vtpr_known;
	u8 vtpr_class;
};

enum explain_rule {
#define RULE(id, area, text) RULE_##id,
	EXPLAIN_RULES(RULE)
#undef RULE
	NR_EXPLAIN_RULES
};

struct explain_finding {
	enum explain_rule rule;
	const char *field;	/* as in explain_fields.h: "guest_cr0" */
	u64 value;
	const char *area;	/* "control", "host" or "guest" */
	const char *text;	/* the rule in words */
};

/*
 * lintel_explain_entry_failure - check @f and write the first @max broken rules to @out, in the
 * order in which the SDM lists them.  Returns how many rules are broken, also beyond @max; 0:
 * none of those it knows.  Not checked: the entries of MSR-load areas, PERF_GLOBAL_CTRL,
 * BNDCFGS, RTIT_CTL, SPEC_CTRL and FRED state, the guest's CET and PKRS state, what single
 * tertiary controls demand, and what stands behind the pointers.
 */
int lintel_explain_entry_failure(const struct vmcs_fields *f, struct explain_finding *out, int max);

/* --- between the files of this part --- */

struct explain_report {
	const struct vmcs_fields *f;
	struct explain_finding *out;
	int max;
	int nr;
};

/* explain_require - note a broken rule unless @ok. */
void explain_require(struct explain_report *r, bool ok, enum explain_rule rule, const char *field,
		     u64 value);

/* A rule about one field of r->f. */
#define EXPLAIN_CHECK(r, ok, rule, member) \
	explain_require(r, ok, RULE_##rule, #member, (r)->f->member)

void explain_controls(struct explain_report *r);
void explain_host(struct explain_report *r);
void explain_guest(struct explain_report *r);
void explain_guest_segments(struct explain_report *r);

/* Rules that several areas share. */
static inline bool explain_canonical(const struct vmcs_fields *f, u64 address)
{
	unsigned int shift = f->limits.la57 ? 64 - 57 : 64 - 48;

	return (u64)((int64_t)(address << shift) >> shift) == address;
}

static inline bool explain_in_width(const struct vmcs_fields *f, u64 address)
{
	return f->limits.maxphyaddr >= 64 || !(address >> f->limits.maxphyaddr);
}

/* A control register against the MSRs that fix its bits; @unchecked bits are free. */
static inline bool explain_fixed_ok(u64 value, u64 fixed0, u64 fixed1, u64 unchecked)
{
	return !((~value & fixed0) & ~unchecked) && !((value & ~fixed1) & ~unchecked);
}

static inline bool explain_pat_ok(u64 pat)
{
	unsigned int i;

	for (i = 0; i < 8; i++, pat >>= 8)
		if ((pat & 0xff) > 7 || (pat & 0xff) == 2 || (pat & 0xff) == 3)
			return false;
	return true;
}

#endif
