// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of the VM-entry checks.
 *
 * Each case starts from a state that breaks no rule, changes it, and says which rule must be
 * reported for which field, and that no other is (BREAKS), or that others may be (BREAKS_TOO),
 * or that none is (HOLDS: the boundary of a rule).  The last test fails if a rule has no case.
 */
#include <string.h>

#include "../../test/tap.h"
#include "../../../uapi/linux/lintel.h"
#include "explain.h"
#include "explain_bits.h"
#include "explain_states.h"

#define MAX_FOUND 64

static bool seen[NR_EXPLAIN_RULES];

static const char *const rule_names[] = {
#define RULE(id, area, text) #id,
	EXPLAIN_RULES(RULE)
#undef RULE
};

static void result(bool ok, const char *what, const char *field, int line)
{
	tap_ok(ok, "%s %s (line %d)", what, field, line);
}

static void show(const struct explain_finding *found, int nr)
{
	for (int i = 0; i < nr && i < MAX_FOUND; i++)
		tap_note("found: %s %s = 0x%llx: %s", rule_names[found[i].rule], found[i].field,
			 (unsigned long long)found[i].value, found[i].text);
}

static void expect(const struct vmcs_fields *f, enum explain_rule rule, const char *field,
		   bool alone, int line)
{
	struct explain_finding found[MAX_FOUND];
	int nr = lintel_explain_entry_failure(f, found, MAX_FOUND);
	bool hit = false;

	for (int i = 0; i < nr && i < MAX_FOUND; i++)
		if (found[i].rule == rule && !strcmp(found[i].field, field))
			hit = true;
	seen[rule] |= hit;
	result(hit && (!alone || nr == 1), rule_names[rule], field, line);
	if (!hit || (alone && nr != 1))
		show(found, nr);
}

static void expect_none(const struct vmcs_fields *f, const char *what, int line)
{
	struct explain_finding found[MAX_FOUND];
	int nr = lintel_explain_entry_failure(f, found, MAX_FOUND);

	result(nr == 0, "holds:", what, line);
	show(found, nr);
}

#define FROM(base, ...) struct vmcs_fields f = base(); __VA_ARGS__
#define BREAKS(base, rule, field, ...) do { \
		FROM(base, __VA_ARGS__); \
		expect(&f, RULE_##rule, #field, true, __LINE__); \
	} while (0)
#define BREAKS_TOO(base, rule, field, ...) do { \
		FROM(base, __VA_ARGS__); \
		expect(&f, RULE_##rule, #field, false, __LINE__); \
	} while (0)
#define HOLDS(base, ...) do { \
		FROM(base, __VA_ARGS__); \
		expect_none(&f, #__VA_ARGS__, __LINE__); \
	} while (0)

#define EVENT(type, vector)	(INTR_VALID | (u64)(type) << 8 | (vector))

static void test_controls(void)
{
	BREAKS(guest64, CTL_PIN, pin, f.pin &= ~2ULL);
	BREAKS(guest64, CTL_PIN, pin, f.pin |= BIT64(9));
	BREAKS(guest64, CTL_PROC, proc, f.proc |= BIT64(0));
	BREAKS(guest64, CTL_PROC2, proc2, f.proc2 |= BIT64(30));
	HOLDS(guest_real, f.limits.proc2 = (PROC2_EPT | PROC2_UNRESTRICTED | PROC2_VPID) << 32);
	BREAKS(guest64, CTL_CR3_COUNT, cr3_target_count, f.cr3_target_count = 5);
	HOLDS(guest64, f.cr3_target_count = 4);
	BREAKS(guest64, CTL_PAGE_ALIGNED, io_bitmap_a, f.io_bitmap_a = 0x1800);
	BREAKS(guest64, CTL_PAGE_ALIGNED, io_bitmap_b, f.io_bitmap_b |= 1);
	BREAKS(guest64, CTL_PAGE_ALIGNED, msr_bitmap, f.msr_bitmap |= 8);
	BREAKS(guest64, CTL_PAGE_ALIGNED, virtual_apic_page, f.virtual_apic_page |= 8);
	BREAKS(guest64, CTL_WIDTH, msr_bitmap, f.msr_bitmap = BIT64(46));
	HOLDS(guest64, f.msr_bitmap = BIT64(45));
	HOLDS(guest64, f.proc &= ~PROC_MSR_BITMAPS; f.msr_bitmap = 1);
	BREAKS(guest64, CTL_PAGE_ALIGNED, apic_access_addr,
	       f.proc2 |= PROC2_APIC_ACCESSES; f.apic_access_addr = 1);
	BREAKS(guest64, CTL_PAGE_ALIGNED, vmread_bitmap,
	       f.proc2 |= PROC2_SHADOW_VMCS; f.vmread_bitmap = 1);
	BREAKS(guest64, CTL_WIDTH, vmwrite_bitmap,
	       f.proc2 |= PROC2_SHADOW_VMCS; f.vmwrite_bitmap = TOP_BIT);
	BREAKS(guest64, CTL_TPR_THRESHOLD_BITS, tpr_threshold, f.tpr_threshold = 0x10);
	BREAKS(guest64, CTL_TPR_THRESHOLD_VTPR, tpr_threshold,
	       f.tpr_threshold = 3; f.vtpr_known = true; f.vtpr_class = 2);
	HOLDS(guest64, f.tpr_threshold = 2; f.vtpr_known = true; f.vtpr_class = 2);
	BREAKS(guest64, CTL_VIRTUAL_NMI, pin, f.pin &= ~PIN_NMI);
	BREAKS(guest64, CTL_NMI_WINDOW, proc, f.pin &= ~PIN_VIRTUAL_NMI; f.proc |= PROC_NMI_WINDOW);
	BREAKS(guest64, CTL_TPR_SHADOW, proc2,
	       f.proc &= ~PROC_TPR_SHADOW; f.proc2 |= PROC2_APIC_REGISTER);
	BREAKS(guest64, CTL_X2APIC, proc2, f.proc2 |= PROC2_X2APIC | PROC2_APIC_ACCESSES);
	BREAKS(guest64, CTL_VID, pin,
	       f.proc2 |= PROC2_VIRTUAL_INTERRUPT; f.pin &= ~PIN_EXTERNAL_INTERRUPT);
	HOLDS(guest_posted, f.tpr_threshold = 0x10);
	BREAKS(guest_posted, CTL_PI_VID, proc2, f.proc2 &= ~PROC2_VIRTUAL_INTERRUPT);
	BREAKS(guest_posted, CTL_PI_ACK, exit, f.exit &= ~EXIT_ACK_INTERRUPT);
	BREAKS(guest_posted, CTL_PI_VECTOR, posted_intr_nv, f.posted_intr_nv = 0x1f2);
	BREAKS(guest_posted, CTL_PI_ALIGNED, posted_intr_desc, f.posted_intr_desc = 0x8020);
	BREAKS(guest64, CTL_VPID, vpid, f.vpid = 0);
	BREAKS(guest64, CTL_EPT_TYPE, ept_pointer, f.ept_pointer = 0x5018);
	HOLDS(guest64, f.ept_pointer = 0x5018; f.limits.ept_vpid |= BIT64(8));
	BREAKS(guest64, CTL_EPT_LEVELS, ept_pointer, f.ept_pointer = 0x5026);
	HOLDS(guest64, f.ept_pointer = 0x5026; f.limits.ept_vpid |= BIT64(7));
	BREAKS(guest64, CTL_EPT_AD, ept_pointer,
	       f.ept_pointer |= 0x40; f.limits.ept_vpid &= ~BIT64(21));
	HOLDS(guest64, f.ept_pointer |= 0x40);
	BREAKS(guest64, CTL_EPT_RESERVED, ept_pointer, f.ept_pointer |= 0x80);
	HOLDS(guest64, f.ept_pointer |= 0x80; f.limits.ept_vpid |= BIT64(23));
	BREAKS(guest64, CTL_EPT_RESERVED, ept_pointer, f.ept_pointer |= 0x100);
	BREAKS(guest64, CTL_EPT_RESERVED, ept_pointer, f.ept_pointer |= TOP_BIT);
	BREAKS(guest32, CTL_PML_EPT, proc2,
	       f.proc2 ^= PROC2_EPT | PROC2_PML; f.pml_address = 0x9000);
	BREAKS(guest64, CTL_PAGE_ALIGNED, pml_address, f.proc2 |= PROC2_PML; f.pml_address = 8);
	BREAKS(guest64, CTL_UNRESTRICTED_EPT, proc2, f.proc2 &= ~PROC2_EPT);
	BREAKS(guest32, CTL_MBEC_EPT, proc2, f.proc2 ^= PROC2_EPT | PROC2_MODE_BASED_EXEC);
	BREAKS(guest64, CTL_TSC_MULTIPLIER, tsc_multiplier, f.proc2 |= PROC2_TSC_SCALING);
	BREAKS(guest64, CTL_EXIT, exit, f.exit &= ~1ULL);
	BREAKS(guest64, CTL_SAVE_TIMER, exit, f.exit |= EXIT_SAVE_PREEMPTION_TIMER);
	BREAKS(guest64, CTL_MSR_ALIGNED, exit_msr_store_addr,
	       f.exit_msr_store_count = 1; f.exit_msr_store_addr = 8);
	BREAKS(guest64, CTL_MSR_ALIGNED, exit_msr_load_addr,
	       f.exit_msr_load_count = 1; f.exit_msr_load_addr = 8);
	BREAKS(guest64, CTL_MSR_WIDTH, entry_msr_load_addr,
	       f.entry_msr_load_count = 2; f.entry_msr_load_addr = BIT64(46) - 16);
	HOLDS(guest64, f.entry_msr_load_count = 1; f.entry_msr_load_addr = BIT64(46) - 16);
	HOLDS(guest64, f.entry_msr_load_addr = 8);
	BREAKS(guest64, CTL_ENTRY, entry, f.entry |= BIT64(31));
	BREAKS(guest64, CTL_SMM, entry, f.entry |= ENTRY_SMM);
}

static void test_extensions(void)
{
	HOLDS(guest_extended, f.proc3 = BIT64(4); f.exit2 = BIT64(3));
	BREAKS(guest_extended, CTL_PROC3, proc3, f.proc3 = BIT64(5));
	HOLDS(guest64, f.proc3 = ~0ULL; f.exit2 = ~0ULL);
	BREAKS(guest_extended, CTL_EXIT2, exit2, f.exit2 = BIT64(2));
	BREAKS(guest_extended, CTL_VMFUNC, vmfunc, f.vmfunc |= BIT64(1));
	BREAKS(guest_extended, CTL_PAGE_ALIGNED, eptp_list, f.eptp_list |= 8);
	BREAKS(guest_extended, CTL_WIDTH, eptp_list, f.eptp_list = TOP_BIT);
	HOLDS(guest_extended, f.vmfunc = 0; f.eptp_list = 8);
	HOLDS(guest64, f.vmfunc = ~0ULL);
	BREAKS_TOO(guest_extended, CTL_VMFUNC_EPT, vmfunc, f.proc2 &= ~PROC2_EPT);
	BREAKS_TOO(guest_extended, CTL_SUB_PAGE_EPT, proc2, f.proc2 &= ~PROC2_EPT);
	BREAKS(guest_extended, CTL_PAGE_ALIGNED, ve_information, f.ve_information = 1);
	BREAKS(guest_extended, CTL_WIDTH, ve_information, f.ve_information = TOP_BIT);
	BREAKS(guest_extended, CTL_PAGE_ALIGNED, spptp, f.spptp = 0x800);
	BREAKS(guest_extended, CTL_WIDTH, spptp, f.spptp = TOP_BIT);
	HOLDS(guest64, f.spptp = 1; f.ve_information = 1);
	BREAKS(guest_extended, HOST_S_CET, host_s_cet, f.host_s_cet = 0x40);
	BREAKS(guest_extended, HOST_S_CET, host_s_cet, f.host_s_cet = 0xc00);
	HOLDS(guest_extended, f.host_s_cet = 0x400);
	HOLDS(guest_extended, f.host_s_cet = 0xffff80000000083fULL);
	BREAKS(guest_extended, HOST_CANONICAL, host_s_cet, f.host_s_cet = NON_CANONICAL);
	BREAKS(guest_extended, HOST_SSP, host_ssp, f.host_ssp |= 1);
	BREAKS(guest_extended, HOST_CANONICAL, host_ssp, f.host_ssp = NON_CANONICAL);
	BREAKS(guest_extended, HOST_CANONICAL, host_ssp_table, f.host_ssp_table = NON_CANONICAL);
	BREAKS(guest_extended, HOST_PKRS, host_pkrs, f.host_pkrs = BIT64(32));
	HOLDS(guest_extended, f.host_pkrs = 0xffffffff);
	BREAKS_TOO(guest_extended, HOST_32_CET, host_ssp, f.exit &= ~EXIT_HOST_64);
	BREAKS_TOO(guest_extended, HOST_32_CET, host_s_cet,
		   f.exit &= ~EXIT_HOST_64; f.host_s_cet = BIT64(40));
	HOLDS(guest64, f.host_s_cet = ~0ULL; f.host_ssp = ~0ULL; f.host_pkrs = ~0ULL);
}

static void test_injection(void)
{
	BREAKS(guest64, CTL_INTR_TYPE, entry_intr_info, f.entry_intr_info = EVENT(1, 32));
	BREAKS(guest64, CTL_INTR_TYPE, entry_intr_info,
	       f.entry_intr_info = EVENT(7, 0); f.limits.proc &= ~(PROC_MTF << 32));
	HOLDS(guest64, f.entry_intr_info = EVENT(7, 0));
	BREAKS(guest64, CTL_INTR_VECTOR, entry_intr_info, f.entry_intr_info = EVENT(2, 3));
	BREAKS(guest64, CTL_INTR_VECTOR, entry_intr_info, f.entry_intr_info = EVENT(3, 32));
	BREAKS(guest64, CTL_INTR_VECTOR, entry_intr_info, f.entry_intr_info = EVENT(7, 1));
	BREAKS(guest64, CTL_INTR_ERROR, entry_intr_info, f.entry_intr_info = EVENT(3, 14));
	HOLDS(guest64, f.entry_intr_info = EVENT(3, 14) | INTR_ERROR);
	BREAKS(guest64, CTL_INTR_ERROR, entry_intr_info,
	       f.entry_intr_info = EVENT(3, 6) | INTR_ERROR);
	HOLDS(guest64, f.entry_intr_info = EVENT(3, 6) | INTR_ERROR; f.limits.basic = BIT64(56));
	BREAKS(guest_real, CTL_INTR_ERROR, entry_intr_info,
	       f.entry_intr_info = EVENT(3, 13) | INTR_ERROR);
	HOLDS(guest_real, f.entry_intr_info = EVENT(3, 13));
	BREAKS(guest64, CTL_INTR_RESERVED, entry_intr_info,
	       f.entry_intr_info = EVENT(0, 32) | 0x1000);
	BREAKS(guest64, CTL_ERROR_CODE, entry_error_code,
	       f.entry_intr_info = EVENT(3, 13) | INTR_ERROR; f.entry_error_code = 0x10000);
	BREAKS(guest64, CTL_INTR_LENGTH, entry_instruction_len, f.entry_intr_info = EVENT(6, 3));
	BREAKS(guest64, CTL_INTR_LENGTH, entry_instruction_len,
	       f.entry_intr_info = EVENT(4, 0x80); f.entry_instruction_len = 16);
	HOLDS(guest64, f.entry_intr_info = EVENT(4, 0x80); f.entry_instruction_len = 2);
	HOLDS(guest64, f.entry_intr_info = EVENT(6, 3); f.limits.misc |= BIT64(30));
	HOLDS(guest64, f.entry_intr_info = EVENT(1, 0) & ~INTR_VALID);
}

static void test_host(void)
{
	BREAKS(guest64, HOST_CR0, host_cr0, f.host_cr0 &= ~CR0_PE_BIT);
	BREAKS(guest64, HOST_CR0, host_cr0, f.host_cr0 |= BIT64(32));
	BREAKS(guest64, HOST_CR4, host_cr4, f.host_cr4 &= ~0x2000ULL);
	BREAKS(guest64, HOST_CET, host_cr4, f.host_cr4 |= CR4_CET_BIT; f.host_cr0 &= ~CR0_WP_BIT);
	BREAKS(guest64, HOST_CR3, host_cr3, f.host_cr3 |= TOP_BIT);
	BREAKS(guest64, HOST_CANONICAL, host_sysenter_esp, f.host_sysenter_esp = NON_CANONICAL);
	BREAKS(guest64, HOST_CANONICAL, host_sysenter_eip, f.host_sysenter_eip = NON_CANONICAL);
	BREAKS(guest64, HOST_CANONICAL, host_fs_base, f.host_fs_base = BIT64(47));
	BREAKS(guest64, HOST_CANONICAL, host_gs_base, f.host_gs_base = NON_CANONICAL);
	BREAKS(guest64, HOST_CANONICAL, host_tr_base, f.host_tr_base = NON_CANONICAL);
	BREAKS(guest64, HOST_CANONICAL, host_gdtr_base, f.host_gdtr_base = NON_CANONICAL);
	BREAKS(guest64, HOST_CANONICAL, host_idtr_base, f.host_idtr_base = NON_CANONICAL);
	BREAKS(guest64, HOST_CANONICAL, host_rip, f.host_rip = NON_CANONICAL);
	HOLDS(guest64, f.host_fs_base = BIT64(47); f.limits.la57 = true);
	BREAKS(guest64, HOST_PAT, host_pat, f.host_pat = 2);
	BREAKS(guest64, HOST_PAT, host_pat, f.host_pat = 8ULL << 56);
	BREAKS(guest64, HOST_EFER_RESERVED, host_efer, f.host_efer |= 2);
	BREAKS(guest64, HOST_EFER_MODE, host_efer, f.host_efer &= ~EFER_LMA_BIT);
	BREAKS(guest64, HOST_SELECTOR, host_ds, f.host_ds = 3);
	BREAKS(guest64, HOST_SELECTOR, host_tr, f.host_tr |= 4);
	BREAKS(guest64, HOST_NULL, host_cs, f.host_cs = 0);
	BREAKS(guest64, HOST_NULL, host_tr, f.host_tr = 0);
	HOLDS(guest64, f.host_ss = 0);
	BREAKS(guest64, HOST_64_PAE, host_cr4, f.host_cr4 &= ~CR4_PAE_BIT);
	BREAKS_TOO(guest64, HOST_64, exit, f.exit &= ~EXIT_HOST_64);
	BREAKS_TOO(guest64, HOST_32_GUEST, entry, f.exit &= ~EXIT_HOST_64);
	BREAKS_TOO(guest64, HOST_32_RIP, host_rip, f.exit &= ~EXIT_HOST_64);
	BREAKS_TOO(guest64, HOST_SS_NULL, host_ss, f.exit &= ~EXIT_HOST_64; f.host_ss = 0);
	BREAKS_TOO(guest64, HOST_32_PCIDE, host_cr4,
		   f.exit &= ~EXIT_HOST_64; f.host_cr4 |= CR4_PCIDE_BIT);
}

static void test_guest_registers(void)
{
	BREAKS(guest32, GUEST_CR0, guest_cr0, f.guest_cr0 &= ~0x20ULL);
	BREAKS_TOO(guest32, GUEST_CR0, guest_cr0, f.guest_cr0 &= ~CR0_PG_BIT);
	HOLDS(guest64, f.guest_cr0 |= BIT64(29) | BIT64(30));
	BREAKS_TOO(guest_real, GUEST_CR0_PG, guest_cr0, f.guest_cr0 |= CR0_PG_BIT);
	BREAKS(guest64, GUEST_CR4, guest_cr4, f.guest_cr4 &= ~0x2000ULL);
	BREAKS(guest64, GUEST_CR4, guest_cr4, f.guest_cr4 |= BIT64(24));
	BREAKS(guest64, GUEST_CET, guest_cr4,
	       f.guest_cr4 |= CR4_CET_BIT; f.guest_cr0 &= ~CR0_WP_BIT);
	BREAKS(guest64, GUEST_DEBUGCTL, guest_debugctl, f.guest_debugctl = 8);
	HOLDS(guest64, f.guest_debugctl = 8; f.entry &= ~ENTRY_LOAD_DEBUG);
	BREAKS(guest64, GUEST_64_PAGING, guest_cr0, f.guest_cr0 &= ~CR0_PG_BIT);
	BREAKS(guest64, GUEST_64_PAGING, guest_cr0, f.guest_cr4 &= ~CR4_PAE_BIT);
	BREAKS(guest32, GUEST_PCIDE, guest_cr4, f.guest_cr4 |= CR4_PCIDE_BIT);
	HOLDS(guest64, f.guest_cr4 |= CR4_PCIDE_BIT);
	BREAKS(guest64, GUEST_CR3, guest_cr3, f.guest_cr3 |= BIT64(63));
	BREAKS(guest64, GUEST_DR7, guest_dr7, f.guest_dr7 |= BIT64(32));
	BREAKS(guest64, GUEST_CANONICAL, guest_sysenter_esp, f.guest_sysenter_esp = NON_CANONICAL);
	BREAKS(guest64, GUEST_CANONICAL, guest_sysenter_eip, f.guest_sysenter_eip = NON_CANONICAL);
	BREAKS(guest64, GUEST_PAT, guest_pat, f.guest_pat = 3ULL << 8);
	BREAKS(guest64, GUEST_EFER_RESERVED, guest_efer, f.guest_efer |= BIT64(12));
	BREAKS(guest_real, GUEST_EFER_LMA, guest_efer, f.guest_efer = EFER_LMA_BIT);
	BREAKS(guest64, GUEST_EFER_LME, guest_efer, f.guest_efer &= ~EFER_LME_BIT);
	HOLDS(guest_real, f.guest_efer = EFER_LME_BIT);
}

static void test_guest_segments(void)
{
	HOLDS(guest_vm86, (void)0);
	BREAKS(guest64, SEG_TR_TI, guest_tr_selector, f.guest_tr_selector |= 4);
	BREAKS(guest64, SEG_LDTR_TI, guest_ldtr_selector,
	       f.guest_ldtr_selector = 4; f.guest_ldtr_ar = 0x82);
	HOLDS(guest64, f.guest_ldtr_selector = 4);
	BREAKS(guest32, SEG_SS_RPL, guest_ss_selector,
	       f.guest_cs_selector |= 3; f.guest_cs_ar = 0xc09f);
	BREAKS(guest_vm86, SEG_VM86_BASE, guest_cs_base, f.guest_cs_base = 0);
	BREAKS(guest_vm86, SEG_VM86_LIMIT, guest_ds_limit, f.guest_ds_limit = 0xfffff);
	BREAKS(guest_vm86, SEG_VM86_AR, guest_ss_ar, f.guest_ss_ar = 0x93);
	BREAKS(guest64, SEG_BASE_HIGH, guest_cs_base, f.guest_cs_base = BIT64(32));
	BREAKS(guest64, SEG_BASE_HIGH, guest_ds_base, f.guest_ds_base = BIT64(32));
	HOLDS(guest64, f.guest_ds_base = BIT64(32); f.guest_ds_ar |= AR_UNUSABLE_BIT);
	BREAKS(guest64, GUEST_CANONICAL, guest_fs_base, f.guest_fs_base = NON_CANONICAL);
	BREAKS(guest64, GUEST_CANONICAL, guest_gs_base, f.guest_gs_base = NON_CANONICAL);
	BREAKS(guest64, GUEST_CANONICAL, guest_tr_base, f.guest_tr_base = NON_CANONICAL);
	BREAKS(guest64, GUEST_CANONICAL, guest_ldtr_base,
	       f.guest_ldtr_base = NON_CANONICAL; f.guest_ldtr_ar = 0x82);
	BREAKS(guest64, SEG_CS_TYPE, guest_cs_ar, f.guest_cs_ar = 0xa09a);
	BREAKS(guest32, SEG_CS_TYPE, guest_cs_ar, f.guest_cs_ar = 0xc092);
	HOLDS(guest_real, f.guest_cs_ar = 0x93);
	BREAKS_TOO(guest32, SEG_CS_TYPE, guest_cs_ar, f.guest_cs_ar = 0xc093);
	BREAKS(guest64, SEG_SS_TYPE, guest_ss_ar, f.guest_ss_ar = 0xc091);
	HOLDS(guest64, f.guest_ss_ar = 0xc097);
	BREAKS(guest64, SEG_DATA_TYPE, guest_ds_ar, f.guest_ds_ar = 0xc092);
	BREAKS(guest64, SEG_DATA_TYPE, guest_gs_ar, f.guest_gs_ar = 0xc099);
	BREAKS(guest64, SEG_DATA_TYPE, guest_gs_ar, f.guest_gs_ar = 0xc09d);
	HOLDS(guest64, f.guest_gs_ar = 0xc09b);
	BREAKS(guest64, SEG_S, guest_cs_ar, f.guest_cs_ar = 0xa08b);
	BREAKS(guest64, SEG_S, guest_es_ar, f.guest_es_ar = 0xc083);
	BREAKS(guest64, SEG_S, guest_ss_ar, f.guest_ss_ar = 0xc083);
	BREAKS(guest64, SEG_CS_DPL, guest_cs_ar, f.guest_cs_ar = 0xa0fb);
	BREAKS(guest_real, SEG_CS_DPL, guest_cs_ar, f.guest_cs_ar = 0xf3);
	BREAKS(guest64, SEG_CS_DPL, guest_cs_ar, f.guest_cs_ar = 0xa0ff);
	BREAKS(guest32, SEG_SS_DPL_RPL, guest_ss_ar,
	       f.guest_cs_selector |= 3; f.guest_ss_selector |= 3; f.guest_cs_ar = 0xc09f);
	BREAKS_TOO(guest_real, SEG_SS_DPL_ZERO, guest_ss_ar, f.guest_ss_ar = 0xf3);
	BREAKS(guest32, SEG_DATA_DPL, guest_ds_ar, f.guest_ds_selector = 3);
	BREAKS(guest32, SEG_DATA_DPL, guest_ds_ar, f.guest_ds_selector = 3; f.guest_ds_ar = 0xc09b);
	HOLDS(guest32, f.guest_ds_selector = 3; f.guest_ds_ar = 0xc09f);
	HOLDS(guest64, f.guest_ds_selector = 3);
	BREAKS(guest64, SEG_P, guest_cs_ar, f.guest_cs_ar = 0xa01b);
	BREAKS(guest64, SEG_P, guest_fs_ar, f.guest_fs_ar = 0xc013);
	BREAKS(guest64, SEG_AR_RESERVED, guest_ss_ar, f.guest_ss_ar |= 0x100);
	BREAKS(guest64, SEG_AR_RESERVED, guest_tr_ar, f.guest_tr_ar |= BIT64(17));
	BREAKS(guest64, SEG_CS_DB, guest_cs_ar, f.guest_cs_ar |= AR_DB_BIT);
	BREAKS(guest64, SEG_GRANULARITY, guest_ds_ar, f.guest_ds_limit = 0xfffff000);
	BREAKS(guest64, SEG_GRANULARITY, guest_tr_ar, f.guest_tr_limit = 0x100000);
	HOLDS(guest64, f.guest_ds_limit = 0xfffff; f.guest_ds_ar = 0x4093);
	BREAKS(guest64, SEG_TR_TYPE, guest_tr_ar, f.guest_tr_ar = 0x89);
	BREAKS(guest64, SEG_TR_TYPE, guest_tr_ar, f.guest_tr_ar = 0x83);
	HOLDS(guest32, f.guest_tr_ar = 0x83);
	BREAKS(guest64, SEG_TR_UNUSABLE, guest_tr_ar, f.guest_tr_ar |= AR_UNUSABLE_BIT);
	BREAKS(guest64, SEG_LDTR_TYPE, guest_ldtr_ar, f.guest_ldtr_ar = 0x83);
	BREAKS(guest64, SEG_SYSTEM_S, guest_ldtr_ar, f.guest_ldtr_ar = 0x92);
	BREAKS(guest64, SEG_SYSTEM_S, guest_tr_ar, f.guest_tr_ar = 0x9b);
	BREAKS(guest64, GUEST_CANONICAL, guest_gdtr_base, f.guest_gdtr_base = NON_CANONICAL);
	BREAKS(guest64, GUEST_CANONICAL, guest_idtr_base, f.guest_idtr_base = NON_CANONICAL);
	BREAKS(guest64, GUEST_TABLE_LIMIT, guest_gdtr_limit, f.guest_gdtr_limit = 0x10000);
	BREAKS(guest64, GUEST_TABLE_LIMIT, guest_idtr_limit, f.guest_idtr_limit = 0xffffffff);
}

static void test_guest_rest(void)
{
	BREAKS(guest_real, GUEST_RIP_HIGH, guest_rip, f.guest_rip = BIT64(32));
	BREAKS(guest64, GUEST_RIP_HIGH, guest_rip, f.guest_cs_ar = 0xc09b);
	BREAKS(guest64, GUEST_RIP_CANONICAL, guest_rip, f.guest_rip = NON_CANONICAL);
	HOLDS(guest64, f.guest_rip = BIT64(47));	/* not canonical, yet entry takes it */
	BREAKS(guest64, GUEST_RFLAGS_RESERVED, guest_rflags, f.guest_rflags = 0x200);
	BREAKS(guest64, GUEST_RFLAGS_RESERVED, guest_rflags, f.guest_rflags |= BIT64(22));
	BREAKS_TOO(guest64, GUEST_RFLAGS_VM, guest_rflags, f.guest_rflags |= RFLAGS_VM_BIT);
	BREAKS_TOO(guest_real, GUEST_RFLAGS_VM, guest_rflags, f.guest_rflags |= RFLAGS_VM_BIT);
	BREAKS(guest64, GUEST_RFLAGS_IF, guest_rflags,
	       f.entry_intr_info = EVENT(0, 32); f.guest_rflags = 2);

	BREAKS(guest64, GUEST_ACTIVITY, guest_activity, f.guest_activity = 4);
	BREAKS(guest64, GUEST_ACTIVITY, guest_activity,
	       f.guest_activity = HLT; f.limits.misc &= ~BIT64(6));
	HOLDS(guest64, f.guest_activity = HLT);
	HOLDS(guest64, f.guest_activity = WAIT_FOR_SIPI);
	BREAKS(guest64, GUEST_HLT_DPL, guest_activity,
	       f.guest_activity = HLT; f.guest_ss_ar = 0xc0f3; f.guest_cs_ar = 0xa0fb);
	BREAKS(guest64, GUEST_ACTIVE_BLOCKING, guest_activity,
	       f.guest_activity = HLT; f.guest_interruptibility = BLOCK_STI);
	BREAKS(guest64, GUEST_ACTIVITY_EVENT, guest_activity,
	       f.guest_activity = WAIT_FOR_SIPI; f.entry_intr_info = EVENT(2, 2));
	BREAKS(guest64, GUEST_ACTIVITY_EVENT, guest_activity,
	       f.guest_activity = HLT; f.entry_intr_info = EVENT(3, 6));
	BREAKS(guest64, GUEST_ACTIVITY_EVENT, guest_activity,
	       f.guest_activity = SHUTDOWN; f.entry_intr_info = EVENT(0, 32));
	HOLDS(guest64, f.guest_activity = SHUTDOWN; f.entry_intr_info = EVENT(3, 18));
	HOLDS(guest64, f.guest_activity = HLT; f.entry_intr_info = EVENT(0, 32));

	BREAKS(guest64, GUEST_BLOCK_RESERVED, guest_interruptibility,
	       f.guest_interruptibility = 0x20);
	BREAKS(guest64, GUEST_BLOCK_BOTH, guest_interruptibility, f.guest_interruptibility = 3);
	BREAKS(guest64, GUEST_BLOCK_STI_IF, guest_interruptibility,
	       f.guest_interruptibility = BLOCK_STI; f.guest_rflags = 2);
	BREAKS(guest64, GUEST_BLOCK_INTERRUPT, guest_interruptibility,
	       f.guest_interruptibility = BLOCK_STI; f.entry_intr_info = EVENT(0, 32));
	BREAKS(guest64, GUEST_BLOCK_NMI, guest_interruptibility,
	       f.guest_interruptibility = BLOCK_MOV_SS; f.entry_intr_info = EVENT(2, 2));
	BREAKS(guest64, GUEST_BLOCK_SMI, guest_interruptibility,
	       f.guest_interruptibility = BLOCK_SMI);
	BREAKS(guest64, GUEST_BLOCK_VNMI, guest_interruptibility,
	       f.guest_interruptibility = BLOCK_NMI; f.entry_intr_info = EVENT(2, 2));
	HOLDS(guest64, f.guest_interruptibility = BLOCK_NMI);
	BREAKS(guest64, GUEST_BLOCK_ENCLAVE, guest_interruptibility,
	       f.guest_interruptibility = BLOCK_ENCLAVE | BLOCK_MOV_SS);

	BREAKS(guest64, GUEST_DBG_RESERVED, guest_pending_dbg, f.guest_pending_dbg = 0x10);
	BREAKS(guest64, GUEST_DBG_BS, guest_pending_dbg,
	       f.guest_activity = HLT; f.guest_rflags |= RFLAGS_TF_BIT);
	BREAKS(guest64, GUEST_DBG_BS, guest_pending_dbg,
	       f.guest_interruptibility = BLOCK_MOV_SS; f.guest_pending_dbg = PENDING_DBG_BS);
	HOLDS(guest64, f.guest_activity = HLT; f.guest_rflags |= RFLAGS_TF_BIT;
	      f.guest_pending_dbg = PENDING_DBG_BS);
	BREAKS(guest64, GUEST_DBG_RTM, guest_pending_dbg, f.guest_pending_dbg = PENDING_DBG_RTM);
	HOLDS(guest64, f.guest_pending_dbg = PENDING_DBG_RTM | BIT64(12));
	BREAKS(guest64, GUEST_LINK_ALIGNED, vmcs_link, f.vmcs_link = 0x8);
	BREAKS(guest64, GUEST_LINK_WIDTH, vmcs_link, f.vmcs_link = TOP_BIT);
	BREAKS(guest32, GUEST_PDPTE, guest_pdpte1, f.guest_pdpte1 = 0x8003);
	BREAKS(guest32, GUEST_PDPTE, guest_pdpte3, f.guest_pdpte3 = TOP_BIT | 1);
	HOLDS(guest32, f.guest_pdpte3 = TOP_BIT | 2);
	HOLDS(guest64, f.guest_pdpte3 = TOP_BIT | 3);
}

/* More broken rules than room: the count goes on, nothing is written beyond. */
static void test_room(void)
{
	struct explain_finding found[2] = { { .field = "untouched" }, { .field = "untouched" } };
	struct vmcs_fields f = guest64();
	int nr;

	f.host_cs = f.host_tr = 0;
	f.host_cr3 = TOP_BIT;
	nr = lintel_explain_entry_failure(&f, found, 1);
	result(nr == 3 && !strcmp(found[1].field, "untouched"), "room:", "one of three", __LINE__);
	nr = lintel_explain_entry_failure(&f, NULL, 0);
	result(nr == 3, "room:", "none", __LINE__);
}

/* What <linux/lintel.h> has room for. */
static void test_texts(void)
{
	static const struct {
		const char *area, *text;
	} texts[] = {
#define RULE(id, area, text) { area, text },
		EXPLAIN_RULES(RULE)
#undef RULE
	};
	struct lintel_entry_finding finding;
	bool ok = true;

	for (int i = 0; i < NR_EXPLAIN_RULES; i++)
		ok &= strlen(texts[i].area) < sizeof(finding.area) &&
		      strlen(texts[i].text) < sizeof(finding.rule);
#define FIELD(member, encoding, when) ok &= sizeof(#member) <= sizeof(finding.field);
	EXPLAIN_FIELDS(FIELD)
#undef FIELD
	result(ok, "texts", "fit into the report", __LINE__);
}

int main(void)
{
	tap_begin();
	HOLDS(guest64, (void)0);
	HOLDS(guest_real, (void)0);
	HOLDS(guest32, (void)0);
	HOLDS(guest_posted, (void)0);
	test_controls();
	test_extensions();
	test_injection();
	test_host();
	test_guest_registers();
	test_guest_segments();
	test_guest_rest();
	test_room();
	test_texts();
	for (int i = 0; i < NR_EXPLAIN_RULES; i++)
		result(seen[i], "a case breaks rule", rule_names[i], __LINE__);
	return tap_end();
}
