// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rows about the host-state area, and about the address-space size.
 *
 * A row that holds is executed: its host state is loaded by the exit, and enter.S comes back from
 * it.  Those it could not come back from are in risky.c, for a boot of their own each.
 */
#include <linux/kernel.h>
#include <asm/segment.h>

#include "edit.h"

#define LAST_LOW	0x00007fffffffffffULL
#define FIRST_HIGH	0xffff800000000000ULL

#define LINEAR_ROWS(m) \
	HOLDS(SET(m, 0)), \
	HOLDS(SET(m, LAST_LOW)), \
	HOLDS(SET(m, FIRST_HIGH)), \
	HOLDS(SET(m, ~0ULL)), \
	BREAKS(HOST_CANONICAL, SET(m, LAST_LOW | 1ULL << 63)), \
	BREAKS(HOST_CANONICAL, SET(m, 1ULL << 62)), \
	BREAKS(HOST_CANONICAL, SET(m, 1ULL << 57)), \
	BREAKS(HOST_CANONICAL, SET(m, ~(1ULL << 60)))

#define SELECTOR_ROWS(m) \
	HOLDS(SET(m, 8)), \
	HOLDS(SET(m, 0xfff8)), \
	BREAKS(HOST_SELECTOR, OR(m, 1)), \
	BREAKS(HOST_SELECTOR, OR(m, 2)), \
	BREAKS(HOST_SELECTOR, OR(m, 4)), \
	BREAKS(HOST_SELECTOR, SET(m, 0xffff))

#define TOGGLES(m, bit)	HOLDS(FLIP(m, BIT64(bit)))

#define PAT(byte, value) \
	CLEAR(host_pat, 0xffULL << 8 * (byte)), OR(host_pat, (value) << 8 * (byte))

const struct row entrycheck_host_rows[] = {
	/* MP, EM, TS; WP, AM; NW and CD are not checked, and an exit leaves them; bits 6, 17, 28 */
	TOGGLES(host_cr0, 1), TOGGLES(host_cr0, 2), TOGGLES(host_cr0, 3), TOGGLES(host_cr0, 4),
	TOGGLES(host_cr0, 6), TOGGLES(host_cr0, 16), TOGGLES(host_cr0, 17), TOGGLES(host_cr0, 18),
	TOGGLES(host_cr0, 28), TOGGLES(host_cr0, 29), TOGGLES(host_cr0, 30),
	BREAKS(HOST_CR0, CLEAR(host_cr0, CR0_PE_BIT)),
	BREAKS(HOST_CR0, CLEAR(host_cr0, BIT64(5))),
	BREAKS(HOST_CR0, CLEAR(host_cr0, CR0_PG_BIT)),
	BREAKS(HOST_CR0, OR(host_cr0, BIT64(32))),
	BREAKS(HOST_CR0, OR(host_cr0, BIT64(63))),
	BREAKS_TOO(HOST_CR0, SET(host_cr0, 0)),
	/* VME to UMIP, FSGSBASE, PCIDE, OSXSAVE, SMEP, SMAP, PKE, CET; not PAE, VMXE, LA57 */
	TOGGLES(host_cr4, 0), TOGGLES(host_cr4, 1), TOGGLES(host_cr4, 2), TOGGLES(host_cr4, 3),
	TOGGLES(host_cr4, 4), TOGGLES(host_cr4, 6), TOGGLES(host_cr4, 7), TOGGLES(host_cr4, 8),
	TOGGLES(host_cr4, 9), TOGGLES(host_cr4, 10), TOGGLES(host_cr4, 11), TOGGLES(host_cr4, 16),
	TOGGLES(host_cr4, 17), TOGGLES(host_cr4, 18), TOGGLES(host_cr4, 20), TOGGLES(host_cr4, 21),
	TOGGLES(host_cr4, 22), TOGGLES(host_cr4, 23),
	BREAKS(HOST_CR4, CLEAR(host_cr4, BIT64(13))),
	BREAKS(HOST_CR4, OR(host_cr4, BIT64(15))),
	BREAKS(HOST_CR4, OR(host_cr4, BIT64(31))),
	BREAKS(HOST_CR4, OR(host_cr4, BIT64(63))),
	BREAKS(HOST_CET, OR(host_cr4, CR4_CET_BIT), CLEAR(host_cr0, CR0_WP_BIT)),
	HOLDS(PAGE(host_cr3, PAGE_TABLE, 0)),
	HOLDS(PAGE(host_cr3, PAGE_TABLE, 0xfff)),
	HOLDS(FLIP(host_cr3, 0xfff)),
	BREAKS(HOST_CR3, BEYOND(host_cr3, 0)),
	BREAKS(HOST_CR3, OR(host_cr3, BIT64(52))),
	BREAKS(HOST_CR3, OR(host_cr3, BIT64(63))),
	BREAKS(HOST_CR3, SET(host_cr3, ~0ULL)),
	LINEAR_ROWS(host_sysenter_esp),
	LINEAR_ROWS(host_sysenter_eip),
	HOLDS(SET(host_pat, 0)),
	HOLDS(SET(host_pat, 0x0100040506070001ULL)),
	HOLDS(PAT(7, 7ULL)),
	BREAKS(HOST_PAT, PAT(0, 2ULL)),
	BREAKS(HOST_PAT, PAT(0, 3ULL)),
	BREAKS(HOST_PAT, PAT(3, 8ULL)),
	BREAKS(HOST_PAT, PAT(7, 2ULL)),
	BREAKS(HOST_PAT, PAT(7, 0xffULL)),
	BREAKS(HOST_PAT, PAT(5, 0x10ULL)),
	HOLDS(CLEAR(exit, EXIT_LOAD_PAT), SET(host_pat, ~0ULL)),
	HOLDS(FLIP(host_efer, BIT64(0))),
	HOLDS(FLIP(host_efer, BIT64(11))),
	BREAKS(HOST_EFER_RESERVED, OR(host_efer, BIT64(1))),
	BREAKS(HOST_EFER_RESERVED, OR(host_efer, BIT64(9))),
	BREAKS(HOST_EFER_RESERVED, OR(host_efer, BIT64(12))),
	BREAKS(HOST_EFER_RESERVED, OR(host_efer, BIT64(32))),
	BREAKS(HOST_EFER_RESERVED, OR(host_efer, BIT64(63))),
	BREAKS(HOST_EFER_MODE, CLEAR(host_efer, EFER_LMA_BIT)),
	BREAKS(HOST_EFER_MODE, CLEAR(host_efer, EFER_LME_BIT)),
	BREAKS(HOST_EFER_MODE, CLEAR(host_efer, EFER_LMA_BIT | EFER_LME_BIT)),
	HOLDS(CLEAR(exit, EXIT_LOAD_EFER), SET(host_efer, ~0ULL)),
	HOLDS(CLEAR(exit, EXIT_LOAD_EFER), CLEAR(guest_efer, BIT64(11))),
	HOLDS(OR(exit, EXIT_LOAD_PKRS), SET(host_pkrs, 0xffffffff)),
	BREAKS(HOST_PKRS, OR(exit, EXIT_LOAD_PKRS), SET(host_pkrs, BIT64(32))),
	BREAKS(HOST_PKRS, OR(exit, EXIT_LOAD_PKRS), SET(host_pkrs, BIT64(63))),
	HOLDS(OR(exit, EXIT_LOAD_CET)),
	HOLDS(OR(exit, EXIT_LOAD_CET), SET(host_s_cet, S_CET_SUPPRESS)),
	HOLDS(OR(exit, EXIT_LOAD_CET), SET(host_s_cet, FIRST_HIGH)),
	BREAKS(HOST_S_CET, OR(exit, EXIT_LOAD_CET),
	       SET(host_s_cet, S_CET_SUPPRESS | S_CET_TRACKER)),
	BREAKS(HOST_S_CET, OR(exit, EXIT_LOAD_CET), SET(host_s_cet, BIT64(6))),
	BREAKS(HOST_S_CET, OR(exit, EXIT_LOAD_CET), SET(host_s_cet, BIT64(9))),
	BREAKS(HOST_CANONICAL, OR(exit, EXIT_LOAD_CET), SET(host_s_cet, BIT64(62))),
	HOLDS(OR(exit, EXIT_LOAD_CET), SET(host_ssp, FIRST_HIGH)),
	BREAKS(HOST_SSP, OR(exit, EXIT_LOAD_CET), SET(host_ssp, 1)),
	BREAKS(HOST_SSP, OR(exit, EXIT_LOAD_CET), SET(host_ssp, 2)),
	BREAKS(HOST_CANONICAL, OR(exit, EXIT_LOAD_CET), SET(host_ssp, BIT64(62))),
	BREAKS(HOST_CANONICAL, OR(exit, EXIT_LOAD_CET), SET(host_ssp_table, BIT64(62))),
	HOLDS(OR(exit, EXIT_LOAD_CET), SET(host_ssp_table, LAST_LOW)),
	BREAKS_TOO(HOST_32_CET, OR(exit, EXIT_LOAD_CET), CLEAR(exit, EXIT_HOST_64),
		   SET(host_ssp, BIT64(32))),
	HOLDS(SET(host_pkrs, ~0ULL), SET(host_s_cet, ~0ULL), SET(host_ssp, ~0ULL)),
	SELECTOR_ROWS(host_cs), SELECTOR_ROWS(host_ss), SELECTOR_ROWS(host_ds),
	SELECTOR_ROWS(host_es), SELECTOR_ROWS(host_fs), SELECTOR_ROWS(host_gs),
	SELECTOR_ROWS(host_tr),
	HOLDS(SET(host_ss, 0)),
	BREAKS(HOST_NULL, SET(host_cs, 0)),
	BREAKS(HOST_NULL, SET(host_tr, 0)),
	LINEAR_ROWS(host_fs_base), LINEAR_ROWS(host_gs_base), LINEAR_ROWS(host_gdtr_base),
	LINEAR_ROWS(host_idtr_base), LINEAR_ROWS(host_tr_base),
	/* those of LINEAR_ROWS that hold for RIP would not come back */
	BREAKS(HOST_CANONICAL, SET(host_rip, LAST_LOW | 1ULL << 63)),
	BREAKS(HOST_CANONICAL, SET(host_rip, 1ULL << 62)),
	BREAKS(HOST_CANONICAL, FLIP(host_rip, 1ULL << 63)),
	BREAKS(HOST_CANONICAL, FLIP(host_rip, 1ULL << 57)),
	BREAKS(HOST_64_PAE, CLEAR(host_cr4, CR4_PAE_BIT)),
	BREAKS_TOO(HOST_64, CLEAR(exit, EXIT_HOST_64)),
	BREAKS_TOO(HOST_32_GUEST, CLEAR(exit, EXIT_HOST_64)),
	BREAKS_TOO(HOST_64, CLEAR(exit, EXIT_HOST_64), CLEAR(entry, ENTRY_IA32E),
		   CLEAR(host_efer, EFER_LMA_BIT | EFER_LME_BIT), SET(host_rip, 0x100000),
		   CLEAR(host_cr4, CR4_PCIDE_BIT)),
	BREAKS_TOO(HOST_SS_NULL, CLEAR(exit, EXIT_HOST_64), SET(host_ss, 0)),
	BREAKS_TOO(HOST_32_PCIDE, CLEAR(exit, EXIT_HOST_64), OR(host_cr4, CR4_PCIDE_BIT)),
	BREAKS_TOO(HOST_32_RIP, CLEAR(exit, EXIT_HOST_64), SET(host_rip, 1ULL << 32)),
	BREAKS_TOO(HOST_EFER_MODE, CLEAR(exit, EXIT_HOST_64)),
};

const unsigned int entrycheck_nr_host_rows = ARRAY_SIZE(entrycheck_host_rows);
