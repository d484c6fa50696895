/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One CPU in VMX operation, two VMCSs, and one attempt to enter at a time.
 *
 * The VMCS under test is written from a struct vmcs_fields, the structure that the checks judge;
 * the sound one is never spoilt and brings the host back (enter.S).
 */
#ifndef ENTRYCHECK_MACHINE_H
#define ENTRYCHECK_MACHINE_H

#include <linux/types.h>
#include <asm/desc.h>

#include "../../module/vmx/explain.h"
#include "judge.h"

/* Pages that VMCS fields point to. */
enum {
	PAGE_VMXON, PAGE_TEST, PAGE_SOUND,
	PAGE_IO_A, PAGE_IO_B, PAGE_MSR_BITMAP, PAGE_VAPIC, PAGE_APIC, PAGE_POSTED,
	PAGE_PML, PAGE_VMREAD, PAGE_VMWRITE, PAGE_MSRS, PAGE_BAD_MSRS, PAGE_EPT_ROOT, PAGE_EPT_PDPT,
	PAGE_EPTP_LIST, PAGE_VE, PAGE_SUB_PAGE, PAGE_EMPTY, PAGE_TABLE, PAGE_STACK, PAGE_LINK,
	NR_PAGES
};

#define VTPR_CLASS	5	/* VTPR[7:4] in PAGE_VAPIC */

/* enter.S */
struct recovery {
	u64 test, sound;	/* physical addresses of the two VMCSs */
	u64 cr0, cr3, cr4, efer;
};

int entrycheck_enter(const struct recovery *r);
extern const char entrycheck_recover[], entrycheck_back[], entrycheck_guest[];

struct machine {
	void *page[NR_PAGES];
	struct vmcs_fields sound;	/* what breaks no rule, for this moment's host */
	struct recovery recovery;
	struct desc_ptr gdt, idt;
	unsigned long flags;
	u64 task_priority;
	bool vmx_on, table_of_host;
};

/* One attempt. */
struct attempt {
	struct vmcs_fields wanted;	/* what the caller made of the sound state */
	struct vmcs_fields seen;	/* as read back from the VMCS */
	struct verdict verdict;
	bool tried;			/* false: it would not be survived, or cannot be judged */
	enum outcome outcome;
	u32 reason, error;
	u64 qualification;
};

/* A field of the VMCS and its place in struct vmcs_fields. */
struct field {
	const char *name;
	u32 encoding;
	u16 offset;
};

extern const struct field entrycheck_fields[];
extern const unsigned int entrycheck_nr_fields;

/* machine_start - enter VMX operation on this CPU.  0 or -errno; machine_stop() follows anyway. */
int machine_start(struct machine *m);
void machine_stop(struct machine *m);

/*
 * machine_begin, machine_end - around attempts: interrupts are off, and the priority of the local
 * APIC keeps them from becoming pending.  m->sound is up to date in between.
 */
void machine_begin(struct machine *m);
void machine_end(struct machine *m);

/* machine_try - enter with @f, if that can be survived or @risk is set. */
void machine_try(struct machine *m, const struct vmcs_fields *f, struct attempt *a, bool risk);

/* sound.c: the state that breaks no rule, and what stands in no struct vmcs_fields */
void sound_controls(struct machine *m);
void sound_guest(struct machine *m);
void sound_host(struct machine *m);
void sound_pages(struct machine *m);
void sound_write_rest(struct machine *m);

/* A VMWRITE that may fail because this processor does not have the field. */
void machine_write(u32 encoding, u64 value);

static inline u64 *member_at(struct vmcs_fields *f, u16 offset)
{
	return (u64 *)((char *)f + offset);
}

static inline u64 member_of(const struct vmcs_fields *f, u16 offset)
{
	return *(const u64 *)((const char *)f + offset);
}

static inline u64 page_pa(const struct machine *m, unsigned int page)
{
	return __pa(m->page[page]);
}

#endif
