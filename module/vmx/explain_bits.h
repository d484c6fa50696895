/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The bits that the checks of VM entry look at, by the SDM's names.
 *
 * <asm/vmx.h> has most of them, but userspace, where the same code is tested, has no such header;
 * explain_capture.c asserts that the two agree.
 */
#ifndef LINTEL_VMX_EXPLAIN_BITS_H
#define LINTEL_VMX_EXPLAIN_BITS_H

#define BIT64(n)			(1ULL << (n))

/* Pin-based controls */
#define PIN_EXTERNAL_INTERRUPT		BIT64(0)
#define PIN_NMI				BIT64(3)
#define PIN_VIRTUAL_NMI			BIT64(5)
#define PIN_PREEMPTION_TIMER		BIT64(6)
#define PIN_POSTED_INTERRUPTS		BIT64(7)

/* Primary processor-based controls */
#define PROC_TERTIARY			BIT64(17)
#define PROC_TPR_SHADOW			BIT64(21)
#define PROC_NMI_WINDOW			BIT64(22)
#define PROC_IO_BITMAPS			BIT64(25)
#define PROC_MTF			BIT64(27)
#define PROC_MSR_BITMAPS		BIT64(28)
#define PROC_SECONDARY			BIT64(31)

/* Secondary processor-based controls */
#define PROC2_APIC_ACCESSES		BIT64(0)
#define PROC2_EPT			BIT64(1)
#define PROC2_X2APIC			BIT64(4)
#define PROC2_VPID			BIT64(5)
#define PROC2_UNRESTRICTED		BIT64(7)
#define PROC2_APIC_REGISTER		BIT64(8)
#define PROC2_VIRTUAL_INTERRUPT		BIT64(9)
#define PROC2_VMFUNC			BIT64(13)
#define PROC2_SHADOW_VMCS		BIT64(14)
#define PROC2_PML			BIT64(17)
#define PROC2_VE			BIT64(18)
#define PROC2_MODE_BASED_EXEC		BIT64(22)
#define PROC2_SUB_PAGE			BIT64(23)
#define PROC2_TSC_SCALING		BIT64(25)

/* VM-exit controls */
#define EXIT_HOST_64			BIT64(9)
#define EXIT_ACK_INTERRUPT		BIT64(15)
#define EXIT_LOAD_PAT			BIT64(19)
#define EXIT_LOAD_EFER			BIT64(21)
#define EXIT_SAVE_PREEMPTION_TIMER	BIT64(22)
#define EXIT_LOAD_CET			BIT64(28)
#define EXIT_LOAD_PKRS			BIT64(29)
#define EXIT_SECONDARY			BIT64(31)

/* VM-function controls */
#define VMFUNC_EPTP_SWITCHING		BIT64(0)

/* VM-entry controls */
#define ENTRY_LOAD_DEBUG		BIT64(2)
#define ENTRY_IA32E			BIT64(9)
#define ENTRY_SMM			BIT64(10)
#define ENTRY_DEACTIVATE_DUAL		BIT64(11)
#define ENTRY_LOAD_PAT			BIT64(14)
#define ENTRY_LOAD_EFER			BIT64(15)

/* VM-entry interruption information */
#define INTR_VALID			BIT64(31)
#define INTR_ERROR			BIT64(11)
#define INTR_TYPE(info)			((info) >> 8 & 7)
#define INTR_VECTOR(info)		((info) & 0xff)
enum {
	TYPE_EXTERNAL, TYPE_RESERVED, TYPE_NMI, TYPE_EXCEPTION, TYPE_SOFT_INTERRUPT, TYPE_ICEBP,
	TYPE_SOFT_EXCEPTION, TYPE_OTHER,
};

/* Interruptibility state, activity state */
#define BLOCK_STI			BIT64(0)
#define BLOCK_MOV_SS			BIT64(1)
#define BLOCK_SMI			BIT64(2)
#define BLOCK_NMI			BIT64(3)
#define BLOCK_ENCLAVE			BIT64(4)
enum { ACTIVE, HLT, SHUTDOWN, WAIT_FOR_SIPI };

/* Registers */
#define CR0_PE_BIT			BIT64(0)
#define CR0_WP_BIT			BIT64(16)
#define CR0_PG_BIT			BIT64(31)
#define CR0_UNCHECKED			(BIT64(29) | BIT64(30))	/* NW, CD: entry leaves them */
#define CR4_PAE_BIT			BIT64(5)
#define CR4_PCIDE_BIT			BIT64(17)
#define CR4_CET_BIT			BIT64(23)
#define RFLAGS_TF_BIT			BIT64(8)
#define RFLAGS_IF_BIT			BIT64(9)
#define RFLAGS_VM_BIT			BIT64(17)
#define EFER_LME_BIT			BIT64(8)
#define EFER_LMA_BIT			BIT64(10)
#define EFER_VALID			(BIT64(0) | EFER_LME_BIT | EFER_LMA_BIT | BIT64(11))
#define S_CET_RESERVED			0x3c0ULL
#define S_CET_SUPPRESS			BIT64(10)
#define S_CET_TRACKER			BIT64(11)
#define DEBUGCTL_BTF			BIT64(1)
#define PENDING_DBG_BS			BIT64(14)
#define PENDING_DBG_RTM			BIT64(16)

/* Access rights */
#define AR_TYPE(ar)			((ar) & 0xf)
#define AR_S_BIT			BIT64(4)
#define AR_DPL_OF(ar)			((ar) >> 5 & 3)
#define AR_P_BIT			BIT64(7)
#define AR_L_BIT			BIT64(13)
#define AR_DB_BIT			BIT64(14)
#define AR_G_BIT			BIT64(15)
#define AR_UNUSABLE_BIT			BIT64(16)
#define AR_RESERVED			0xfffe0f00ULL

#endif
