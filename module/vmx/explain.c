// SPDX-License-Identifier: GPL-2.0-only
/*
 * Checks of VM entry: the report, and the rules of the host-state area.
 * Source: SDM, chapter "VM Entries", section "Checks on VMX Controls and Host-State Area".
 */
#include "explain.h"

#include "explain_bits.h"

static const struct {
	const char *area;
	const char *text;
} rules[] = {
#define RULE(id, area, text) [RULE_##id] = { area, text },
	EXPLAIN_RULES(RULE)
#undef RULE
};

void explain_require(struct explain_report *r, bool ok, enum explain_rule rule, const char *field,
		     u64 value)
{
	if (ok)
		return;
	if (r->nr < r->max) {
		struct explain_finding *found = &r->out[r->nr];

		found->rule = rule;
		found->field = field;
		found->value = value;
		found->area = rules[rule].area;
		found->text = rules[rule].text;
	}
	r->nr++;
}

static void host_registers(struct explain_report *r)
{
	const struct vmcs_fields *f = r->f;
	const struct vmx_limits *l = &f->limits;
	bool host64 = f->exit & EXIT_HOST_64;

	EXPLAIN_CHECK(r, explain_fixed_ok(f->host_cr0, l->cr0_fixed0, l->cr0_fixed1, CR0_UNCHECKED),
		      HOST_CR0, host_cr0);
	EXPLAIN_CHECK(r, explain_fixed_ok(f->host_cr4, l->cr4_fixed0, l->cr4_fixed1, 0),
		      HOST_CR4, host_cr4);
	EXPLAIN_CHECK(r, !(f->host_cr4 & CR4_CET_BIT) || (f->host_cr0 & CR0_WP_BIT),
		      HOST_CET, host_cr4);
	EXPLAIN_CHECK(r, explain_in_width(f, f->host_cr3), HOST_CR3, host_cr3);
	EXPLAIN_CHECK(r, explain_canonical(f, f->host_sysenter_esp),
		      HOST_CANONICAL, host_sysenter_esp);
	EXPLAIN_CHECK(r, explain_canonical(f, f->host_sysenter_eip),
		      HOST_CANONICAL, host_sysenter_eip);
	if (f->exit & EXIT_LOAD_PAT)
		EXPLAIN_CHECK(r, explain_pat_ok(f->host_pat), HOST_PAT, host_pat);
	if (f->exit & EXIT_LOAD_EFER) {
		EXPLAIN_CHECK(r, !(f->host_efer & ~EFER_VALID), HOST_EFER_RESERVED, host_efer);
		EXPLAIN_CHECK(r, !(f->host_efer & EFER_LMA_BIT) == !host64 &&
			      !(f->host_efer & EFER_LME_BIT) == !host64,
			      HOST_EFER_MODE, host_efer);
	}
}

static void host_cet(struct explain_report *r)
{
	const struct vmcs_fields *f = r->f;

	if (f->exit & EXIT_LOAD_PKRS)
		EXPLAIN_CHECK(r, !(f->host_pkrs >> 32), HOST_PKRS, host_pkrs);
	if (!(f->exit & EXIT_LOAD_CET))
		return;
	EXPLAIN_CHECK(r, !(f->host_s_cet & S_CET_RESERVED) &&
		      (~f->host_s_cet & (S_CET_SUPPRESS | S_CET_TRACKER)), HOST_S_CET, host_s_cet);
	EXPLAIN_CHECK(r, explain_canonical(f, f->host_s_cet), HOST_CANONICAL, host_s_cet);
	EXPLAIN_CHECK(r, !(f->host_ssp & 3), HOST_SSP, host_ssp);
	EXPLAIN_CHECK(r, explain_canonical(f, f->host_ssp), HOST_CANONICAL, host_ssp);
	EXPLAIN_CHECK(r, explain_canonical(f, f->host_ssp_table), HOST_CANONICAL, host_ssp_table);
	if (f->exit & EXIT_HOST_64)
		return;
	EXPLAIN_CHECK(r, !(f->host_s_cet >> 32), HOST_32_CET, host_s_cet);
	EXPLAIN_CHECK(r, !(f->host_ssp >> 32), HOST_32_CET, host_ssp);
}

static void host_segments(struct explain_report *r)
{
	const struct vmcs_fields *f = r->f;

	EXPLAIN_CHECK(r, !(f->host_cs & 7), HOST_SELECTOR, host_cs);
	EXPLAIN_CHECK(r, !(f->host_ss & 7), HOST_SELECTOR, host_ss);
	EXPLAIN_CHECK(r, !(f->host_ds & 7), HOST_SELECTOR, host_ds);
	EXPLAIN_CHECK(r, !(f->host_es & 7), HOST_SELECTOR, host_es);
	EXPLAIN_CHECK(r, !(f->host_fs & 7), HOST_SELECTOR, host_fs);
	EXPLAIN_CHECK(r, !(f->host_gs & 7), HOST_SELECTOR, host_gs);
	EXPLAIN_CHECK(r, !(f->host_tr & 7), HOST_SELECTOR, host_tr);
	EXPLAIN_CHECK(r, f->host_cs, HOST_NULL, host_cs);
	EXPLAIN_CHECK(r, f->host_tr, HOST_NULL, host_tr);
	EXPLAIN_CHECK(r, f->host_ss || (f->exit & EXIT_HOST_64), HOST_SS_NULL, host_ss);
	EXPLAIN_CHECK(r, explain_canonical(f, f->host_fs_base), HOST_CANONICAL, host_fs_base);
	EXPLAIN_CHECK(r, explain_canonical(f, f->host_gs_base), HOST_CANONICAL, host_gs_base);
	EXPLAIN_CHECK(r, explain_canonical(f, f->host_gdtr_base), HOST_CANONICAL, host_gdtr_base);
	EXPLAIN_CHECK(r, explain_canonical(f, f->host_idtr_base), HOST_CANONICAL, host_idtr_base);
	EXPLAIN_CHECK(r, explain_canonical(f, f->host_tr_base), HOST_CANONICAL, host_tr_base);
}

/* Lintel's host is 64-bit; the rules of a 32-bit one tell what else a wrong control breaks. */
static void host_address_space(struct explain_report *r)
{
	const struct vmcs_fields *f = r->f;

	EXPLAIN_CHECK(r, f->exit & EXIT_HOST_64, HOST_64, exit);
	if (f->exit & EXIT_HOST_64) {
		EXPLAIN_CHECK(r, f->host_cr4 & CR4_PAE_BIT, HOST_64_PAE, host_cr4);
		EXPLAIN_CHECK(r, explain_canonical(f, f->host_rip), HOST_CANONICAL, host_rip);
		return;
	}
	EXPLAIN_CHECK(r, !(f->entry & ENTRY_IA32E), HOST_32_GUEST, entry);
	EXPLAIN_CHECK(r, !(f->host_cr4 & CR4_PCIDE_BIT), HOST_32_PCIDE, host_cr4);
	EXPLAIN_CHECK(r, !(f->host_rip >> 32), HOST_32_RIP, host_rip);
}

void explain_host(struct explain_report *r)
{
	host_registers(r);
	host_cet(r);
	host_segments(r);
	host_address_space(r);
}

int lintel_explain_entry_failure(const struct vmcs_fields *f, struct explain_finding *out, int max)
{
	struct explain_report r = { .f = f, .out = out, .max = max };

	explain_controls(&r);
	explain_host(&r);
	explain_guest(&r);
	return r.nr;
}
