/* SPDX-License-Identifier: GPL-2.0-only */
/* States that break no rule, for explain_test.c to spoil, and the processor that allows them. */
#ifndef LINTEL_VMX_TEST_EXPLAIN_STATES_H
#define LINTEL_VMX_TEST_EXPLAIN_STATES_H

#include "explain.h"
#include "explain_bits.h"

#define TOP_BIT		BIT64(50)	/* beyond 46 bits of physical address */
#define NON_CANONICAL	0x1234000000000000ULL

/* A processor with all that the checks ask for. */
static struct vmx_limits limits(void)
{
	return (struct vmx_limits){
		.pin = 0xff00000016ULL,
		.proc = 0xfff9fffe04006172ULL,
		.proc2 = 0x0fffffffULL << 32,
		.exit = 0x01ffffff00036dfbULL,
		.entry = 0x0003ffff000011fbULL,
		.vmfunc = VMFUNC_EPTP_SWITCHING, .proc3 = BIT64(4), .exit2 = BIT64(3),
		.cr0_fixed0 = 0x80000021, .cr0_fixed1 = 0xffffffff,
		.cr4_fixed0 = 0x2000, .cr4_fixed1 = 0xffffff,
		.misc = 4 << 16 | 7 << 6,
		.ept_vpid = BIT64(6) | BIT64(14) | BIT64(21),
		.maxphyaddr = 46,
	};
}

/* A 64-bit guest in ring 0 with EPT. */
static struct vmcs_fields guest64(void)
{
	return (struct vmcs_fields){
		.limits = limits(),
		.pin = 0x16 | PIN_EXTERNAL_INTERRUPT | PIN_NMI | PIN_VIRTUAL_NMI,
		.proc = 0x04006172 | PROC_SECONDARY | PROC_IO_BITMAPS | PROC_MSR_BITMAPS |
			PROC_TPR_SHADOW,
		.proc2 = PROC2_EPT | PROC2_UNRESTRICTED | PROC2_VPID,
		.exit = 0x36dfb | EXIT_HOST_64 | EXIT_LOAD_PAT | EXIT_LOAD_EFER,
		.entry = 0x11fb | ENTRY_IA32E | ENTRY_LOAD_DEBUG | ENTRY_LOAD_PAT | ENTRY_LOAD_EFER,
		.io_bitmap_a = 0x1000, .io_bitmap_b = 0x2000, .msr_bitmap = 0x3000,
		.virtual_apic_page = 0x4000, .vpid = 1, .ept_pointer = 0x501e,
		.host_cr0 = 0x80050033, .host_cr3 = 0x6000, .host_cr4 = 0x26e0,
		.host_pat = 0x0007040600070406ULL,
		.host_efer = EFER_LMA_BIT | EFER_LME_BIT | 1,
		.host_cs = 0x10, .host_ss = 0x18, .host_tr = 0x40,
		.host_fs_base = 0x7fff00001000ULL, .host_gs_base = 0xffff888000000000ULL,
		.host_gdtr_base = 0xfffffe0000001000ULL, .host_idtr_base = 0xfffffe0000000000ULL,
		.host_tr_base = 0xfffffe0000003000ULL, .host_rip = 0xffffffffc0000000ULL,
		.guest_cr0 = 0x80050033, .guest_cr3 = 0x1000, .guest_cr4 = 0x20a0,
		.guest_pat = 0x0007040600070406ULL, .guest_dr7 = 0x400,
		.guest_efer = EFER_LMA_BIT | EFER_LME_BIT | 1,
		.guest_cs_selector = 0x10, .guest_cs_limit = 0xffffffff, .guest_cs_ar = 0xa09b,
		.guest_ss_selector = 0x18, .guest_ss_limit = 0xffffffff, .guest_ss_ar = 0xc093,
		.guest_ds_limit = 0xffffffff, .guest_ds_ar = 0xc093,
		.guest_es_limit = 0xffffffff, .guest_es_ar = 0xc093,
		.guest_fs_limit = 0xffffffff, .guest_fs_ar = 0xc093,
		.guest_gs_limit = 0xffffffff, .guest_gs_ar = 0xc093,
		.guest_gs_base = 0xffff888000000000ULL,
		.guest_tr_selector = 0x40, .guest_tr_limit = 0x67, .guest_tr_ar = 0x8b,
		.guest_ldtr_ar = AR_UNUSABLE_BIT,
		.guest_gdtr_limit = 0x7f, .guest_idtr_limit = 0xfff,
		.guest_rip = 0xffffffff81000000ULL, .guest_rflags = 0x202,
		.vmcs_link = ~0ULL,
	};
}

/* Real mode at the reset vector, by unrestricted guest. */
static struct vmcs_fields guest_real(void)
{
	struct vmcs_fields f = guest64();

	f.entry &= ~ENTRY_IA32E;
	f.guest_cr0 = 0x60000030;
	f.guest_cr4 = 0x2000;
	f.guest_efer = 0;
	f.guest_rip = 0xfff0;
	f.guest_rflags = 2;
	f.guest_cs_selector = 0xf000;
	f.guest_cs_base = 0xffff0000;
	f.guest_cs_limit = 0xffff;
	f.guest_cs_ar = 0x9b;
	f.guest_ss_selector = f.guest_ds_selector = 0;
	f.guest_ss_limit = f.guest_ds_limit = f.guest_es_limit = 0xffff;
	f.guest_fs_limit = f.guest_gs_limit = 0xffff;
	f.guest_ss_ar = f.guest_ds_ar = f.guest_es_ar = f.guest_fs_ar = f.guest_gs_ar = 0x93;
	f.guest_gs_base = 0;
	f.guest_tr_selector = 0;
	return f;
}

/* 32-bit protected mode with PAE paging, without unrestricted guest. */
static struct vmcs_fields guest32(void)
{
	struct vmcs_fields f = guest64();

	f.proc2 &= ~PROC2_UNRESTRICTED;
	f.entry &= ~ENTRY_IA32E;
	f.guest_efer = 0;
	f.guest_cs_ar = 0xc09b;
	f.guest_rip = 0xc0100000;
	f.guest_pdpte0 = 0x7001;
	return f;
}

/* Virtual-8086 mode. */
static struct vmcs_fields guest_vm86(void)
{
	struct vmcs_fields f = guest32();

	f.guest_rflags |= RFLAGS_VM_BIT;
	f.guest_rip = 0x100;
	f.guest_gs_base = 0;
	f.guest_cs_selector = 0x1000;
	f.guest_cs_base = 0x10000;
	f.guest_ss_selector = 0;
	f.guest_cs_limit = f.guest_ss_limit = f.guest_ds_limit = 0xffff;
	f.guest_es_limit = f.guest_fs_limit = f.guest_gs_limit = 0xffff;
	f.guest_cs_ar = f.guest_ss_ar = f.guest_ds_ar = 0xf3;
	f.guest_es_ar = f.guest_fs_ar = f.guest_gs_ar = 0xf3;
	return f;
}

/* Posted interrupts and all they need. */
static struct vmcs_fields guest_posted(void)
{
	struct vmcs_fields f = guest64();

	f.pin |= PIN_POSTED_INTERRUPTS;
	f.proc2 |= PROC2_VIRTUAL_INTERRUPT | PROC2_APIC_REGISTER | PROC2_X2APIC;
	f.exit |= EXIT_ACK_INTERRUPT;
	f.posted_intr_nv = 0xf2;
	f.posted_intr_desc = 0x8040;
	return f;
}

/* With tertiary controls, CET and a second exit word, which the processor of limits() lacks. */
static struct vmcs_fields guest_extended(void)
{
	struct vmcs_fields f = guest64();

	f.limits.proc |= PROC_TERTIARY << 32;
	f.limits.exit |= (EXIT_LOAD_CET | EXIT_LOAD_PKRS | EXIT_SECONDARY) << 32;
	f.proc |= PROC_TERTIARY;
	f.exit |= EXIT_LOAD_CET | EXIT_LOAD_PKRS | EXIT_SECONDARY;
	f.proc2 |= PROC2_VE | PROC2_VMFUNC | PROC2_SUB_PAGE;
	f.vmfunc = VMFUNC_EPTP_SWITCHING;
	f.eptp_list = 0xa000;
	f.ve_information = 0xb000;
	f.spptp = 0xc000;
	f.host_ssp = 0xffff888000001000ULL;
	return f;
}

#endif
