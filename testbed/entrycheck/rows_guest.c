// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rows about what no ioctl sets in the guest-state area; selftests/exit_entry_rules.c compares the
 * rest of it.
 */
#include <linux/kernel.h>

#include "edit.h"

#define INJECT(type, vector) \
	SET(entry_intr_info, INTR_VALID | (type) << 8 | (vector))

const struct row entrycheck_guest_rows[] = {
	BREAKS(GUEST_CR0, CLEAR(guest_cr0, BIT64(5))),
	BREAKS(GUEST_CR0, OR(guest_cr0, BIT64(32))),
	BREAKS(GUEST_CR4, CLEAR(guest_cr4, BIT64(13))),
	BREAKS(GUEST_CR4, OR(guest_cr4, BIT64(63))),
	BREAKS(GUEST_64_PAGING, CLEAR(guest_cr4, CR4_PAE_BIT)),
	BREAKS(GUEST_DR7, OR(guest_dr7, BIT64(32))),
	BREAKS(GUEST_DR7, SET(guest_dr7, ~0ULL)),
	HOLDS(SET(guest_dr7, 0xffffffff)),
	BREAKS(GUEST_DEBUGCTL, SET(guest_debugctl, BIT64(3))),
	BREAKS(GUEST_DEBUGCTL, SET(guest_debugctl, BIT64(63))),
	BREAKS(GUEST_PAT, SET(guest_pat, 2)),
	BREAKS(GUEST_PAT, SET(guest_pat, ~0ULL)),
	HOLDS(CLEAR(entry, ENTRY_LOAD_PAT), SET(guest_pat, ~0ULL)),
	BREAKS(GUEST_EFER_RESERVED, OR(guest_efer, BIT64(1))),
	BREAKS_TOO(GUEST_EFER_LMA, CLEAR(guest_efer, EFER_LMA_BIT)),
	BREAKS(GUEST_EFER_LME, CLEAR(guest_efer, EFER_LME_BIT)),
	HOLDS(CLEAR(entry, ENTRY_LOAD_EFER), SET(guest_efer, ~0ULL)),
	BREAKS_TOO(GUEST_EFER_LMA, CLEAR(entry, ENTRY_IA32E)),
	BREAKS(GUEST_CANONICAL, SET(guest_sysenter_eip, BIT64(62))),
	BREAKS(GUEST_CANONICAL, SET(guest_sysenter_esp, BIT64(62))),
	HOLDS(SET(guest_activity, HLT)),
	BREAKS(GUEST_ACTIVITY, SET(guest_activity, 4)),
	BREAKS(GUEST_ACTIVITY, SET(guest_activity, 0xffffffff)),
	BREAKS(GUEST_ACTIVITY_EVENT, SET(guest_activity, HLT), INJECT(TYPE_EXCEPTION, 6)),
	HOLDS(SET(guest_activity, HLT), INJECT(TYPE_NMI, 2)),
	BREAKS(GUEST_ACTIVE_BLOCKING, SET(guest_activity, HLT),
	       SET(guest_interruptibility, BLOCK_MOV_SS)),
	BREAKS(GUEST_BLOCK_RESERVED, SET(guest_interruptibility, BIT64(5))),
	BREAKS(GUEST_BLOCK_RESERVED, SET(guest_interruptibility, BIT64(31))),
	BREAKS(GUEST_BLOCK_BOTH, SET(guest_interruptibility, BLOCK_STI | BLOCK_MOV_SS),
	       OR(guest_rflags, RFLAGS_IF_BIT)),
	BREAKS(GUEST_BLOCK_STI_IF, SET(guest_interruptibility, BLOCK_STI)),
	HOLDS(SET(guest_interruptibility, BLOCK_MOV_SS)),
	HOLDS(SET(guest_interruptibility, BLOCK_STI), OR(guest_rflags, RFLAGS_IF_BIT)),
	HOLDS(SET(guest_interruptibility, BLOCK_NMI)),
	BREAKS(GUEST_BLOCK_SMI, SET(guest_interruptibility, BLOCK_SMI)),
	BREAKS(GUEST_RFLAGS_IF, INJECT(TYPE_EXTERNAL, 32)),
	HOLDS(INJECT(TYPE_EXTERNAL, 32), OR(guest_rflags, RFLAGS_IF_BIT)),
	BREAKS(GUEST_BLOCK_INTERRUPT, INJECT(TYPE_EXTERNAL, 32), OR(guest_rflags, RFLAGS_IF_BIT),
	       SET(guest_interruptibility, BLOCK_STI)),
	BREAKS(GUEST_BLOCK_NMI, INJECT(TYPE_NMI, 2), SET(guest_interruptibility, BLOCK_MOV_SS)),
	HOLDS(INJECT(TYPE_NMI, 2), SET(guest_interruptibility, BLOCK_NMI)),
	BREAKS(GUEST_BLOCK_VNMI, INJECT(TYPE_NMI, 2), SET(guest_interruptibility, BLOCK_NMI),
	       OR(pin, PIN_NMI | PIN_VIRTUAL_NMI)),
	BREAKS(GUEST_DBG_RESERVED, SET(guest_pending_dbg, BIT64(4))),
	BREAKS(GUEST_DBG_RESERVED, SET(guest_pending_dbg, BIT64(13))),
	BREAKS(GUEST_DBG_RESERVED, SET(guest_pending_dbg, BIT64(15))),
	BREAKS(GUEST_DBG_RESERVED, SET(guest_pending_dbg, BIT64(63))),
	BREAKS(GUEST_DBG_BS, SET(guest_pending_dbg, PENDING_DBG_BS),
	       SET(guest_interruptibility, BLOCK_MOV_SS)),
	BREAKS(GUEST_LINK_ALIGNED, SET(vmcs_link, 8)),
	BREAKS(GUEST_LINK_WIDTH, BEYOND(vmcs_link, 0)),
	BREAKS_TOO(GUEST_LINK_WIDTH, SET(vmcs_link, ~1ULL)),
	HOLDS(PAGE(vmcs_link, PAGE_LINK, 0)),
};

const unsigned int entrycheck_nr_guest_rows = ARRAY_SIZE(entrycheck_guest_rows);
