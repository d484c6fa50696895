/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Numbers of the x86 architecture that the kernel does not export to user space, as far as the
 * tests use them; named as in the kernel and the SDM.
 */
#ifndef LINTEL_SELFTESTS_X86_H
#define LINTEL_SELFTESTS_X86_H

#define CR0_PE		(1UL << 0)
#define CR0_MP		(1UL << 1)
#define CR0_EM		(1UL << 2)
#define CR0_TS		(1UL << 3)
#define CR0_ET		(1UL << 4)
#define CR0_NE		(1UL << 5)
#define CR0_WP		(1UL << 16)
#define CR0_AM		(1UL << 18)
#define CR0_NW		(1UL << 29)
#define CR0_CD		(1UL << 30)
#define CR0_PG		(1UL << 31)

#define CR4_TSD		(1UL << 2)
#define CR4_DE		(1UL << 3)
#define CR4_PSE		(1UL << 4)
#define CR4_PAE		(1UL << 5)
#define CR4_MCE		(1UL << 6)
#define CR4_PGE		(1UL << 7)
#define CR4_OSFXSR	(1UL << 9)
#define CR4_OSXMMEXCPT	(1UL << 10)
#define CR4_UMIP	(1UL << 11)
#define CR4_VMXE	(1UL << 13)
#define CR4_FSGSBASE	(1UL << 16)
#define CR4_OSXSAVE	(1UL << 18)

#define EFER_SCE	(1UL << 0)
#define EFER_LME	(1UL << 8)
#define EFER_LMA	(1UL << 10)
#define EFER_NX		(1UL << 11)

#define FLAG_CF		(1UL << 0)
#define FLAG_FIXED	(1UL << 1)
#define FLAG_ZF		(1UL << 6)
#define FLAG_TF		(1UL << 8)
#define FLAG_IF		(1UL << 9)
#define FLAG_DF		(1UL << 10)
#define FLAG_NT		(1UL << 14)
#define FLAG_RF		(1UL << 16)
#define FLAG_AC		(1UL << 18)

#define VEC_DE	0
#define VEC_DB	1
#define VEC_NMI	2
#define VEC_BP	3
#define VEC_OF	4
#define VEC_UD	6
#define VEC_NM	7
#define VEC_DF	8
#define VEC_TS	10
#define VEC_NP	11
#define VEC_SS	12
#define VEC_GP	13
#define VEC_PF	14
#define VEC_AC	17
#define VEC_MC	18

#define PTE_P		(1UL << 0)
#define PTE_W		(1UL << 1)
#define PTE_U		(1UL << 2)
#define PTE_A		(1UL << 5)
#define PTE_D		(1UL << 6)
#define PTE_PS		(1UL << 7)
#define PTE_G		(1UL << 8)
#define PTE_NX		(1UL << 63)

#define MSR_TSC			0x10
#define MSR_APICBASE		0x1b
#define MSR_FEATURE_CONTROL	0x3a
#define MSR_TSC_ADJUST		0x3b
#define MSR_BIOS_SIGN_ID	0x8b
#define MSR_MTRRCAP		0xfe
#define MSR_SYSENTER_CS		0x174
#define MSR_SYSENTER_ESP	0x175
#define MSR_SYSENTER_EIP	0x176
#define MSR_MISC_ENABLE		0x1a0
#define MSR_MTRR_PHYSBASE0	0x200
#define MSR_MTRR_FIX64K		0x250
#define MSR_PAT			0x277
#define MSR_MTRR_DEF_TYPE	0x2ff
#define MSR_TSC_DEADLINE	0x6e0
#define MSR_X2APIC		0x800
#define X2APIC(reg)		(MSR_X2APIC + (reg) / 16)	/* of an APIC_ register */
#define MSR_EFER		0xc0000080
#define MSR_STAR		0xc0000081
#define MSR_LSTAR		0xc0000082
#define MSR_CSTAR		0xc0000083
#define MSR_FMASK		0xc0000084
#define MSR_FS_BASE		0xc0000100
#define MSR_GS_BASE		0xc0000101
#define MSR_KERNEL_GS_BASE	0xc0000102
#define MSR_TSC_AUX		0xc0000103
#define MSR_UNKNOWN		0x12345		/* architecturally nothing */

#define APICBASE_BSP		(1UL << 8)
#define APICBASE_X2APIC		(1UL << 10)
#define APICBASE_ENABLE		(1UL << 11)

#define APIC_BASE	0xfee00000UL
#define APIC_ID		0x20
#define APIC_LVR	0x30
#define APIC_TPR	0x80
#define APIC_APR	0x90
#define APIC_PPR	0xa0
#define APIC_EOI	0xb0
#define APIC_LDR	0xd0
#define APIC_DFR	0xe0
#define APIC_SPIV	0xf0
#define APIC_ISR	0x100
#define APIC_TMR	0x180
#define APIC_IRR	0x200
#define APIC_ESR	0x280
#define APIC_ICR	0x300
#define APIC_ICR2	0x310
#define APIC_LVTT	0x320
#define APIC_LVTTHMR	0x330
#define APIC_LVTPC	0x340
#define APIC_LVT0	0x350
#define APIC_LVT1	0x360
#define APIC_LVTERR	0x370
#define APIC_TMICT	0x380
#define APIC_TMCCT	0x390
#define APIC_TDCR	0x3e0

#define APIC_SELF_IPI	0x3f0
#define APIC_SPIV_ENABLE	(1 << 8)
#define APIC_LVT_MASKED		(1 << 16)
#define APIC_TIMER_PERIODIC	(1 << 17)
#define APIC_TIMER_DEADLINE	(2 << 17)
#define APIC_DM_NMI		(4 << 8)
#define APIC_DM_INIT		(5 << 8)
#define APIC_DM_STARTUP		(6 << 8)
#define APIC_DM_EXTINT		(7 << 8)
#define APIC_ASSERT		(1 << 14)
#define APIC_LEVEL		(1 << 15)
#define APIC_DEST_SELF		(1 << 18)
#define APIC_DEST_ALL		(2 << 18)
#define APIC_DEST_OTHERS	(3 << 18)

#define IOAPIC_BASE	0xfec00000UL

#define CPUID1_ECX_MONITOR	(1U << 3)
#define CPUID1_ECX_X2APIC	(1U << 21)
#define CPUID1_ECX_TSC_DEADLINE	(1U << 24)
#define CPUID1_ECX_XSAVE	(1U << 26)
#define CPUID1_ECX_OSXSAVE	(1U << 27)
#define CPUID1_ECX_HYPERVISOR	(1U << 31)
#define CPUID1_EDX_MTRR		(1U << 12)
#define CPUID1_EDX_APIC		(1U << 9)

#endif
