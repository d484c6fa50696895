// SPDX-License-Identifier: GPL-2.0-only
/*
 * A state that breaks no rule, in which the guest is a copy of the host that exits at once.
 *
 * The guest runs in 64-bit mode on the host's page tables, with an EPT that maps guest-physical
 * addresses to themselves; the preemption timer has run out before its first instruction, which is
 * CPUID.  Its IDT is empty, so that an event that is injected ends in a triple fault, an exit as
 * well.  Address fields point to pages of their own even where the control that uses them is off.
 */
#include <linux/string.h>
#include <asm/cpu_entry_area.h>
#include <asm/desc.h>
#include <asm/msr.h>
#include <asm/processor.h>
#include <asm/segment.h>
#include <asm/special_insns.h>
#include <asm/vmx.h>

#include "../../module/compat.h"
#include "../../module/vmx/explain_bits.h"
#include "machine.h"

/* @wanted of what the processor allows, and what it demands; @limits as in struct vmx_limits */
static u64 controls(u64 limits, u64 wanted)
{
	return (wanted & (limits >> 32)) | (u32)limits;
}

void sound_controls(struct machine *m)
{
	struct vmcs_fields *f = &m->sound;
	const struct vmx_limits *l = &f->limits;

	f->pin = controls(l->pin, PIN_EXTERNAL_INTERRUPT | PIN_NMI | PIN_PREEMPTION_TIMER);
	f->proc = controls(l->proc, PROC_SECONDARY);
	f->proc2 = controls(l->proc2, PROC2_EPT | PROC2_UNRESTRICTED);
	f->exit = controls(l->exit, EXIT_HOST_64 | EXIT_LOAD_PAT | EXIT_LOAD_EFER);
	f->entry = controls(l->entry, ENTRY_LOAD_DEBUG | ENTRY_IA32E | ENTRY_LOAD_PAT |
			    ENTRY_LOAD_EFER);
	f->io_bitmap_a = page_pa(m, PAGE_IO_A);
	f->io_bitmap_b = page_pa(m, PAGE_IO_B);
	f->msr_bitmap = page_pa(m, PAGE_MSR_BITMAP);
	f->virtual_apic_page = page_pa(m, PAGE_VAPIC);
	f->apic_access_addr = page_pa(m, PAGE_APIC);
	f->posted_intr_nv = 0xf2;
	f->posted_intr_desc = page_pa(m, PAGE_POSTED);
	f->vpid = 1;
	f->ept_pointer = page_pa(m, PAGE_EPT_ROOT) | VMX_EPTP_PWL_4 | VMX_EPTP_MT_WB;
	f->pml_address = page_pa(m, PAGE_PML);
	f->vmread_bitmap = page_pa(m, PAGE_VMREAD);
	f->vmwrite_bitmap = page_pa(m, PAGE_VMWRITE);
	f->eptp_list = page_pa(m, PAGE_EPTP_LIST);
	f->ve_information = page_pa(m, PAGE_VE);
	f->spptp = page_pa(m, PAGE_SUB_PAGE);
	f->tsc_multiplier = BIT64(48);
	f->exit_msr_store_addr = page_pa(m, PAGE_MSRS);
	f->exit_msr_load_addr = page_pa(m, PAGE_MSRS);
	f->entry_msr_load_addr = page_pa(m, PAGE_MSRS);
	f->vmcs_link = ~0ULL;
}

static u64 msr(u32 index)
{
	u64 value = 0;

	rdmsrq_safe(index, &value);
	return value;
}

void sound_host(struct machine *m)
{
	struct vmcs_fields *f = &m->sound;

	f->host_cr0 = read_cr0();
	f->host_cr3 = __read_cr3();
	f->host_cr4 = __read_cr4();
	f->host_sysenter_esp = msr(MSR_IA32_SYSENTER_ESP);
	f->host_sysenter_eip = msr(MSR_IA32_SYSENTER_EIP);
	f->host_pat = msr(MSR_IA32_CR_PAT);
	f->host_efer = msr(MSR_EFER);
	f->host_cs = __KERNEL_CS;
	f->host_ss = __KERNEL_DS;
	f->host_tr = GDT_ENTRY_TSS * 8;
	f->host_fs_base = msr(MSR_FS_BASE);
	f->host_gs_base = msr(MSR_GS_BASE);
	f->host_tr_base = (unsigned long)&get_cpu_entry_area(smp_processor_id())->tss.x86_tss;
	f->host_gdtr_base = m->gdt.address;
	f->host_idtr_base = m->idt.address;
	f->host_rip = (unsigned long)entrycheck_recover;
	/* a second root for HOST_CR3 */
	if (!m->table_of_host) {
		memcpy(m->page[PAGE_TABLE], __va(f->host_cr3 & PAGE_MASK), PAGE_SIZE);
		m->table_of_host = true;
	}
}

#define SEGMENT(f, name, selector_, base_, limit_, ar_) do { \
		(f)->guest_##name##_selector = selector_; \
		(f)->guest_##name##_base = base_; \
		(f)->guest_##name##_limit = limit_; \
		(f)->guest_##name##_ar = ar_; \
	} while (0)

void sound_guest(struct machine *m)
{
	struct vmcs_fields *f = &m->sound;

	f->guest_cr0 = f->host_cr0;
	f->guest_cr3 = f->host_cr3;
	f->guest_cr4 = f->host_cr4;
	f->guest_dr7 = 0x400;
	f->guest_pat = f->host_pat;
	f->guest_efer = f->host_efer;
	SEGMENT(f, cs, __KERNEL_CS, 0, 0xffffffff, 0xa09b);
	SEGMENT(f, ss, __KERNEL_DS, 0, 0xffffffff, 0xc093);
	SEGMENT(f, ds, __KERNEL_DS, 0, 0xffffffff, 0xc093);
	SEGMENT(f, es, __KERNEL_DS, 0, 0xffffffff, 0xc093);
	SEGMENT(f, fs, __KERNEL_DS, 0, 0xffffffff, 0xc093);
	SEGMENT(f, gs, __KERNEL_DS, 0, 0xffffffff, 0xc093);
	SEGMENT(f, tr, GDT_ENTRY_TSS * 8, f->host_tr_base, 0x67, 0x8b);
	SEGMENT(f, ldtr, 0, 0, 0, AR_UNUSABLE_BIT);
	f->guest_gdtr_base = f->host_gdtr_base;
	f->guest_gdtr_limit = 0xffff;
	f->guest_idtr_base = f->host_idtr_base;
	f->guest_idtr_limit = 0;
	f->guest_rip = (unsigned long)entrycheck_guest;
	f->guest_rflags = 2;
}

/* Entries of MSR areas: index, reserved, value. */
struct msr_entry {
	u32 index, reserved;
	u64 value;
};

void sound_pages(struct machine *m)
{
	static const u32 forbidden[] = {
		MSR_FS_BASE, MSR_GS_BASE, 0x800, 0x83f, 0x8ff, MSR_IA32_CR_PAT,
	};
	struct msr_entry *sound = m->page[PAGE_MSRS], *bad = m->page[PAGE_BAD_MSRS];
	u64 *root = m->page[PAGE_EPT_ROOT], *pdpt = m->page[PAGE_EPT_PDPT];
	unsigned int i;

	for (i = 0; i < PAGE_SIZE / sizeof(*sound); i++) {
		sound[i].index = MSR_IA32_SYSENTER_CS;
		sound[i].value = msr(MSR_IA32_SYSENTER_CS);
		/* pairs: the second one cannot be loaded */
		bad[i] = sound[i];
		if (i & 1) {
			bad[i].index = forbidden[i / 2 % ARRAY_SIZE(forbidden)];
			/* of the last one only the value is wrong */
			bad[i].value = 2;
		}
	}
	/* the last pair: bits of the reserved half */
	bad[i - 1] = sound[0];
	bad[i - 1].reserved = 1;
	root[0] = page_pa(m, PAGE_EPT_PDPT) | VMX_EPT_RWX_MASK;
	for (i = 0; i < 512; i++)
		pdpt[i] = (u64)i << 30 | VMX_EPT_RWX_MASK | BIT64(10) | 6 << 3 | BIT64(7);
	*(u32 *)m->page[PAGE_LINK] = m->sound.limits.basic & 0x7fffffff;
}

/* What entry does not check, or what the checks of explain.h do not look at. */
void sound_write_rest(struct machine *m)
{
	static const u32 zero[] = {
		EXCEPTION_BITMAP, PAGE_FAULT_ERROR_CODE_MASK, PAGE_FAULT_ERROR_CODE_MATCH,
		TSC_OFFSET, CR0_GUEST_HOST_MASK, CR4_GUEST_HOST_MASK, CR0_READ_SHADOW,
		CR4_READ_SHADOW, EOI_EXIT_BITMAP0, EOI_EXIT_BITMAP1, EOI_EXIT_BITMAP2,
		EOI_EXIT_BITMAP3, XSS_EXIT_BITMAP, VMX_PREEMPTION_TIMER_VALUE, GUEST_INTR_STATUS,
		GUEST_PML_INDEX, GUEST_IA32_PERF_GLOBAL_CTRL, HOST_IA32_PERF_GLOBAL_CTRL,
		GUEST_BNDCFGS, PLE_GAP, PLE_WINDOW,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(zero); i++)
		machine_write(zero[i], 0);
	machine_write(GUEST_SYSENTER_CS, msr(MSR_IA32_SYSENTER_CS));
	machine_write(HOST_IA32_SYSENTER_CS, msr(MSR_IA32_SYSENTER_CS));
	machine_write(GUEST_RSP, (unsigned long)m->page[PAGE_STACK] + PAGE_SIZE - 64);
	machine_write(HOST_RSP, (unsigned long)m->page[PAGE_STACK] + PAGE_SIZE - 64);
}
