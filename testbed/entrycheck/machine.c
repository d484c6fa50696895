// SPDX-License-Identifier: GPL-2.0-only
/*
 * VMX operation on one CPU, and one attempt to enter: write the fields, read them back as the
 * checks do, let them predict, enter, and note what the processor said.
 */
#include "machine.h"

#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/preempt.h>
#include <linux/printk.h>
#include <asm/processor.h>
#include <asm/special_insns.h>
#include <asm/tlbflush.h>

#include "../../module/compat.h"
#include "../../module/vmx/explain_bits.h"
#include "../../module/vmx/explain_limits.h"
#include "../../module/vmx/ops.h"
#include "offsets.h"

static_assert(offsetof(struct recovery, test) == RECOVERY_TEST);
static_assert(offsetof(struct recovery, sound) == RECOVERY_SOUND);
static_assert(offsetof(struct recovery, cr0) == RECOVERY_CR0);
static_assert(offsetof(struct recovery, cr3) == RECOVERY_CR3);
static_assert(offsetof(struct recovery, cr4) == RECOVERY_CR4);
static_assert(offsetof(struct recovery, efer) == RECOVERY_EFER);
static_assert(FIELD_HOST_RSP == HOST_RSP);

const struct field entrycheck_fields[] = {
#define FIELD(member, encoding, when) { #member, encoding, offsetof(struct vmcs_fields, member) },
	EXPLAIN_FIELDS(FIELD)
#undef FIELD
};

const unsigned int entrycheck_nr_fields = ARRAY_SIZE(entrycheck_fields);

/* Called by the accessors of ops.h: a field that this processor does not have is no error here. */
void vmx_insn_failed(const char *insn, u64 operand, u64 value, bool fault)
{
	if (fault)
		pr_err_once("entrycheck: %s raised an exception\n", insn);
}

void machine_write(u32 encoding, u64 value)
{
	__vmcs_write(encoding, value);
}

/* Host-state fields have 3 in bits 11:10 of their encoding. */
static bool is_host_field(u32 encoding)
{
	return (encoding >> 10 & 3) == 3;
}

static void write_all(const struct vmcs_fields *f)
{
	unsigned int i;

	for (i = 0; i < entrycheck_nr_fields; i++)
		machine_write(entrycheck_fields[i].encoding,
			      member_of(f, entrycheck_fields[i].offset));
}

static void write_changed(const struct vmcs_fields *f, const struct vmcs_fields *old)
{
	unsigned int i;

	for (i = 0; i < entrycheck_nr_fields; i++) {
		const struct field *field = &entrycheck_fields[i];

		if (member_of(f, field->offset) != member_of(old, field->offset))
			machine_write(field->encoding, member_of(f, field->offset));
	}
}

/* As explain_capture.c does it. */
static void capture(const struct machine *m, struct vmcs_fields *f)
{
	memset(f, 0, sizeof(*f));
	f->limits = m->sound.limits;
#define FIELD(member, encoding, when) \
	if (when) \
		f->member = __vmcs_read(encoding);
	EXPLAIN_FIELDS(FIELD)
#undef FIELD
	f->vtpr_known = f->virtual_apic_page == page_pa(m, PAGE_VAPIC);
	f->vtpr_class = VTPR_CLASS;
}

static enum outcome read_outcome(struct attempt *a, int failed)
{
	a->reason = 0;
	a->error = 0;
	a->qualification = 0;
	if (failed) {
		a->error = vmcs_read32(VM_INSTRUCTION_ERROR);
		if (failed != 1)
			return OUTCOME_OTHER;
		return a->error == 7 ? OUTCOME_CONTROL : a->error == 8 ? OUTCOME_HOST :
		       OUTCOME_OTHER;
	}
	a->reason = vmcs_read32(VM_EXIT_REASON);
	a->qualification = vmcs_readl(EXIT_QUALIFICATION);
	if (!(a->reason & VMX_EXIT_REASONS_FAILED_VMENTRY))
		return OUTCOME_ENTERED;
	switch ((u16)a->reason) {
	case EXIT_REASON_INVALID_STATE:
		return OUTCOME_GUEST;
	case EXIT_REASON_MSR_LOAD_FAIL:
		return OUTCOME_MSR;
	default:
		return OUTCOME_OTHER;
	}
}

void machine_try(struct machine *m, const struct vmcs_fields *f, struct attempt *a, bool risk)
{
	/* virtual interrupts change it */
	u32 *vtpr = m->page[PAGE_VAPIC] + 0x80;
	int failed;

	WRITE_ONCE(*vtpr, VTPR_CLASS << 4);
	vmptrld(m->recovery.test);
	write_changed(f, &m->sound);
	capture(m, &a->seen);
	judge(m, &a->seen, &a->verdict);
	a->tried = risk || judge_survivable(m, &a->seen, &a->verdict);
	if (!a->tried) {
		write_changed(&m->sound, f);
		return;
	}
	failed = entrycheck_enter(&m->recovery);
	vmptrld(m->recovery.test);
	a->outcome = read_outcome(a, failed);
	if (failed) {
		write_changed(&m->sound, f);
		return;
	}
	/* an exit has saved guest state; and only a VMCS that is clear can be launched */
	vmclear(m->recovery.test);
	vmptrld(m->recovery.test);
	write_all(&m->sound);
}

/* The host's fields of the sound VMCS; its exit must come to another place. */
static void refresh_sound_vmcs(struct machine *m)
{
	unsigned int i;

	vmptrld(m->recovery.sound);
	for (i = 0; i < entrycheck_nr_fields; i++)
		if (is_host_field(entrycheck_fields[i].encoding))
			machine_write(entrycheck_fields[i].encoding,
				      member_of(&m->sound, entrycheck_fields[i].offset));
	vmcs_writel(HOST_RIP, (unsigned long)entrycheck_back);
	/* the page tables are the host's; an event or a state of before must not be there */
	vmcs_writel(GUEST_CR3, m->sound.guest_cr3);
	vmcs_writel(GUEST_CR4, m->sound.guest_cr4);
	vmcs_writel(GUEST_CR0, m->sound.guest_cr0);
	vmcs_write32(VMX_PREEMPTION_TIMER_VALUE, 0);
}

void machine_begin(struct machine *m)
{
	local_irq_save(m->flags);
	asm volatile("mov %%cr8, %0" : "=r" (m->task_priority));
	asm volatile("mov %0, %%cr8" : : "r" (15UL) : "memory");
	native_store_gdt(&m->gdt);
	store_idt(&m->idt);
	sound_host(m);
	sound_guest(m);
	m->recovery.cr0 = m->sound.host_cr0;
	m->recovery.cr3 = m->sound.host_cr3 & PAGE_MASK;
	m->recovery.cr4 = m->sound.host_cr4;
	m->recovery.efer = m->sound.host_efer;
	refresh_sound_vmcs(m);
	vmptrld(m->recovery.test);
	write_all(&m->sound);
}

void machine_end(struct machine *m)
{
	/* an exit sets these limits to 0xffff, and that of the TSS to 0x67 */
	native_load_gdt(&m->gdt);
	native_load_idt(&m->idt);
	invalidate_tss_limit();
	asm volatile("mov %0, %%cr8" : : "r" (m->task_priority) : "memory");
	local_irq_restore(m->flags);
}

static int alloc_pages_of(struct machine *m)
{
	int i;

	for (i = 0; i < NR_PAGES; i++) {
		m->page[i] = (void *)get_zeroed_page(GFP_KERNEL);
		if (!m->page[i])
			return -ENOMEM;
	}
	m->recovery.test = page_pa(m, PAGE_TEST);
	m->recovery.sound = page_pa(m, PAGE_SOUND);
	return 0;
}

static int vmx_on(struct machine *m)
{
	u32 revision = m->sound.limits.basic & 0x7fffffff;
	int err;

	*(u32 *)m->page[PAGE_VMXON] = revision;
	*(u32 *)m->page[PAGE_TEST] = revision;
	*(u32 *)m->page[PAGE_SOUND] = revision;
	if (__read_cr4() & X86_CR4_VMXE) {
		pr_err("entrycheck: this CPU is in VMX operation already\n");
		return -EBUSY;
	}
	cr4_set_bits(X86_CR4_VMXE);
	err = vmxon(page_pa(m, PAGE_VMXON));
	if (err) {
		cr4_clear_bits(X86_CR4_VMXE);
		pr_err("entrycheck: no VMX operation on this CPU\n");
		return err;
	}
	m->vmx_on = true;
	return 0;
}

/* The sound VMCS, entered for the first time: from now on it is launched. */
static int launch_sound(struct machine *m)
{
	struct recovery same = m->recovery;
	int failed;

	vmptrld(m->recovery.sound);
	write_all(&m->sound);
	sound_write_rest(m);
	vmcs_writel(HOST_RIP, (unsigned long)entrycheck_back);
	same.test = same.sound;
	failed = entrycheck_enter(&same);
	if (failed || vmcs_read32(VM_EXIT_REASON) & VMX_EXIT_REASONS_FAILED_VMENTRY) {
		pr_err("entrycheck: the sound state is refused: error %u, exit reason 0x%x\n",
		       vmcs_read32(VM_INSTRUCTION_ERROR), vmcs_read32(VM_EXIT_REASON));
		return -EIO;
	}
	return 0;
}

int machine_start(struct machine *m)
{
	int err;

	migrate_disable();
	err = alloc_pages_of(m);
	if (err)
		return err;
	explain_read_limits(&m->sound.limits);
	err = vmx_on(m);
	if (err)
		return err;
	sound_pages(m);
	sound_controls(m);
	vmclear(m->recovery.test);
	vmclear(m->recovery.sound);
	vmptrld(m->recovery.test);
	sound_write_rest(m);
	machine_begin(m);
	err = launch_sound(m);
	machine_end(m);
	return err;
}

void machine_stop(struct machine *m)
{
	int i;

	if (m->vmx_on) {
		vmclear(m->recovery.test);
		vmclear(m->recovery.sound);
		vmxoff();
		cr4_clear_bits(X86_CR4_VMXE);
	}
	migrate_enable();
	for (i = 0; i < NR_PAGES; i++)
		free_page((unsigned long)m->page[i]);
}
