// SPDX-License-Identifier: GPL-2.0-only
/*
 * EPT violations: find the slot, take the host's page, map it.
 *
 * The page is looked up with a reference that is dropped as soon as the entry stands; from then on
 * the MMU notifier protects it.  An entry is writable only if the page was obtained for writing, so
 * a page shared by copy-on-write is never written through it; and a page is marked dirty when it is
 * mapped writable, because whoever cleans it takes the entry away first.
 *
 * The size of an entry follows the host's page tables: a 2 MiB entry needs a 2 MiB mapping there,
 * and the guest's and the VMM's addresses equal in the bits below.
 */
#include <linux/kvm.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/swap.h>
#include <asm/apicdef.h>
#include <asm/cpufeature.h>
#include <asm/memtype.h>
#include <asm/mtrr.h>
#include <asm/pgtable.h>

#include "../compat.h"
#include "../params.h"
#include "../vcpu.h"
#include "dirty.h"

struct fault {
	struct lintel_vm *vm;
	struct lintel_vcpu *vcpu;
	bool logged;			/* the slot had a dirty log */
	struct lintel_memslot *slot;
	gfn_t gfn;
	hva_t hva;
	unsigned int access;
	bool prefault;			/* nobody has touched it yet */
	enum ept_wait wait;		/* EPT_ATOMIC: -EWOULDBLOCK instead of sleeping */
	unsigned long seq;		/* of the notifier, before the page was looked up */
	u64 generation;			/* of the slots, where there was none */

	/* what stands behind it */
	u64 pfn;
	struct page *page;		/* with a reference, or NULL: not ordinary memory */
	struct folio *folio;		/* that it is of */
	bool writable;
	unsigned int memtype;

	struct page *tables[EPT_ROOT_LEVEL - 1];
	unsigned int nr_tables;
	int level;			/* of the leaf that maps it now; 0: none does */
};

/* Answers of fault_install() beside EPT_FIXED and -EAGAIN. */
#define INSTALL_NEEDS_TABLE	1
#define INSTALL_CONFLICT	2

/* Entries that one fault clears away; more are other vCPUs' doing, and the guest tries again. */
#define MAX_CONFLICTS		4

static bool fault_atomic(const struct fault *f)
{
	return f->wait == EPT_ATOMIC;
}

static void fault_take_page(struct fault *f, struct page *page, bool writable)
{
	f->page = page;
	f->folio = page_folio(page);
	f->pfn = page_to_pfn(page);
	f->writable = writable;
	f->memtype = MTRR_TYPE_WRBACK;
}

/* What a mapping without struct pages is cached like: uncached unless it is RAM or says else. */
static unsigned int pfnmap_memtype(const struct vm_area_struct *vma, unsigned long pfn)
{
	unsigned long mode = pgprot_val(vma->vm_page_prot) & _PAGE_CACHE_MASK;

	if (pfn_valid(pfn) ? !PageReserved(pfn_to_page(pfn)) : page_is_ram(pfn))
		return MTRR_TYPE_WRBACK;
	if (mode == cachemode2protval(_PAGE_CACHE_MODE_WC))
		return MTRR_TYPE_WRCOMB;
	return MTRR_TYPE_UNCACHABLE;
}

/* The frame that the host's page tables hold, for VM_IO and VM_PFNMAP areas, which GUP refuses. */
static int fault_find_pfnmap_locked(struct fault *f, struct mm_struct *mm)
{
	bool write = f->access & ACCESS_WRITE;
	struct follow_pfnmap_args args = { .address = f->hva };
	bool unlocked = false;
	int try, ret;

	args.vma = vma_lookup(mm, f->hva);
	if (!args.vma || !(args.vma->vm_flags & (VM_IO | VM_PFNMAP)))
		return -EFAULT;

	for (try = 0; try < 2; try++) {
		ret = follow_pfnmap_start(&args);
		if (!ret && (args.writable || !write)) {
			f->pfn = args.pfn;
			f->writable = args.writable && memslot_writable(f->slot);
			f->memtype = pfnmap_memtype(args.vma, args.pfn);
			follow_pfnmap_end(&args);
			return 0;
		}
		if (!ret)
			follow_pfnmap_end(&args);
		ret = fixup_user_fault(mm, f->hva, write ? FAULT_FLAG_WRITE : 0, &unlocked);
		if (ret)
			return ret;
		if (unlocked)
			return -EAGAIN;
	}
	return -EFAULT;
}

static int fault_find_pfnmap(struct fault *f)
{
	struct mm_struct *mm = current->mm;
	int ret;

	mmap_read_lock(mm);
	ret = fault_find_pfnmap_locked(f, mm);
	mmap_read_unlock(mm);
	return ret;
}

static __always_inline bool fault_find_writable_now(struct fault *f)
{
	struct page *page;

	if (!memslot_writable(f->slot) ||
	    get_user_pages_fast_only(f->hva, 1, FOLL_WRITE, &page) != 1)
		return false;
	fault_take_page(f, page, true);
	return true;
}

/* May sleep and be interrupted by a signal, or as f->wait says. */
static int fault_find_page(struct fault *f)
{
	unsigned int flags = FOLL_HWPOISON | FOLL_INTERRUPTIBLE;
	struct page *page;
	long ret;

	if (fault_find_writable_now(f))
		return 0;
	if (fault_atomic(f))
		return -EWOULDBLOCK;

	if (f->access & ACCESS_WRITE)
		flags |= FOLL_WRITE;
	if (f->wait == EPT_NO_IO)
		flags |= FOLL_NOWAIT;
	ret = get_user_pages_unlocked(f->hva, 1, &page, flags);
	if (ret != 1) {
		if (f->wait == EPT_NO_IO && (!ret || ret == -EAGAIN))
			return EPT_ABSENT;
		if (ret == -EHWPOISON || ret == -EINTR || ret == -ENOMEM || ret == -EAGAIN)
			return ret;
		return fault_find_pfnmap(f);
	}

	/* Read, but perhaps writable all the same: spare the guest the second fault. */
	if (!(flags & FOLL_WRITE) && fault_find_writable_now(f))
		put_page(page);
	else
		fault_take_page(f, page, flags & FOLL_WRITE);
	return 0;
}

/* How large the host maps @hva: EPT_4K, EPT_2M or EPT_1G.  ept->lock keeps it from changing. */
static int host_level(hva_t hva, u64 pfn)
{
	u64 in_2m = (hva >> PAGE_SHIFT) & (ept_pages(EPT_2M) - 1);
	u64 in_1g = (hva >> PAGE_SHIFT) & (ept_pages(EPT_1G) - 1);
	int level = EPT_4K;
	unsigned long flags;
	pgd_t pgd;
	p4d_t p4d;
	pud_t pud;
	pmd_t pmd;

	/* With interrupts off no page table is freed: that takes an IPI, or waits as RCU does. */
	local_irq_save(flags);
	pgd = READ_ONCE(*pgd_offset(current->mm, hva));
	if (pgd_none(pgd))
		goto out;
	p4d = READ_ONCE(*p4d_offset(&pgd, hva));
	if (!p4d_present(p4d))
		goto out;
	pud = READ_ONCE(*pud_offset(&p4d, hva));
	if (!pud_present(pud))
		goto out;
	if (pud_leaf(pud)) {
		if (pud_pfn(pud) + in_1g == pfn)
			level = EPT_1G;
		goto out;
	}
	pmd = READ_ONCE(*pmd_offset(&pud, hva));
	if (pmd_present(pmd) && pmd_leaf(pmd) && pmd_pfn(pmd) + in_2m == pfn)
		level = EPT_2M;
out:
	local_irq_restore(flags);
	return level;
}

/* Does the entry at @level around @gfn lie in the slot, and at equal offsets on both sides? */
static bool slot_fits(const struct lintel_memslot *slot, gfn_t gfn, int level)
{
	gfn_t first = ept_align(gfn, level);

	if ((slot->base ^ (slot->hva >> PAGE_SHIFT)) & (ept_pages(level) - 1))
		return false;
	return first >= slot->base && first + ept_pages(level) <= slot->base + slot->npages;
}

int ept_host_level(const struct lintel_memslot *slot, gfn_t gfn, u64 pfn)
{
	int host;

	if (!lintel_params.ept_2m && !lintel_params.ept_1g)
		return EPT_4K;
	host = host_level(memslot_hva(slot, gfn), pfn);
	if (host >= EPT_1G && lintel_params.ept_1g && slot_fits(slot, gfn, EPT_1G))
		return EPT_1G;
	if (host >= EPT_2M && lintel_params.ept_2m && slot_fits(slot, gfn, EPT_2M))
		return EPT_2M;
	return EPT_4K;
}

static int fault_level(const struct fault *f)
{
	if (!f->page || f->logged)
		return EPT_4K;
	/* anonymous memory is mapped large by large pages only */
	if (folio_test_anon(f->folio) && !folio_test_large(f->folio))
		return EPT_4K;
	if ((f->access & ACCESS_EXEC) && f->vm->ept.small_exec)
		return EPT_4K;
	return ept_host_level(f->slot, f->gfn, f->pfn);
}

static u64 fault_leaf(const struct fault *f, int level)
{
	unsigned int rights = ACCESS_READ;
	u64 pte;

	if (f->writable)
		rights |= ACCESS_WRITE;
	if (level == EPT_4K || !f->vm->ept.small_exec)
		rights |= ACCESS_EXEC;
	pte = ept_make_leaf(f->pfn, level, rights, f->memtype);
	/* without self-snooping an uncached guest could read what the host has only just zeroed */
	if (f->memtype == MTRR_TYPE_WRBACK && !cpu_feature_enabled(X86_FEATURE_SELFSNOOP))
		pte |= VMX_EPT_IPAT_BIT;
	if (f->vm->ept.eptp & VMX_EPTP_AD_ENABLE_BIT) {
		if (!f->prefault)
			pte |= VMX_EPT_ACCESS_BIT;
		if (f->access & ACCESS_WRITE)
			pte |= VMX_EPT_DIRTY_BIT;
	}
	if (f->logged && !(f->access & ACCESS_WRITE))
		pte = ept_log_protect(pte, level, dirty_pml());
	return pte;
}

/*
 * Put the leaf where it belongs; ept->lock held for read.  A table below that already exists stays,
 * and the leaf goes into it, smaller.  Returns EPT_FIXED, INSTALL_NEEDS_TABLE (one more page, then
 * call again), or INSTALL_CONFLICT: an entry stands there that has to go first.
 */
static int fault_install(struct fault *f, int level)
{
	struct lintel_ept *ept = &f->vm->ept;
	struct ept_iter it;
	u64 new;

	for (;;) {
		ept_iter_find(&it, ept_root(ept), f->gfn);
		f->level = it.level;
		if (ept_allows(it.old, f->access) &&
		    ept_pfn(it.old) + (f->gfn - it.base) == f->pfn)
			return EPT_FIXED;
		if (it.level > level) {
			if (ept_is_present(it.old))
				return INSTALL_CONFLICT;
			if (!f->nr_tables)
				return INSTALL_NEEDS_TABLE;
			new = ept_make_table(page_to_phys(f->tables[f->nr_tables - 1]));
			if (ept_set_pte(ept, &it, new, NULL))
				f->nr_tables--;
			continue;
		}
		new = fault_leaf(f, it.level);
		/* what the CPU has noted of the same page stands */
		if (ept_is_present(it.old) && ept_pfn(it.old) == ept_pfn(new))
			new |= it.old & (VMX_EPT_ACCESS_BIT | VMX_EPT_DIRTY_BIT);
		if (ept_needs_flush(it.old, new))
			return INSTALL_CONFLICT;
		if (ept_set_pte(ept, &it, new, NULL))
			return EPT_FIXED;
	}
}

static int fault_add_table(struct fault *f)
{
	gfp_t gfp = fault_atomic(f) ? GFP_NOWAIT | __GFP_NOWARN : GFP_KERNEL;
	struct page *page = ept_alloc_table(gfp);

	if (!page)
		return -ENOMEM;
	f->tables[f->nr_tables++] = page;
	return 0;
}

/* Map what was found, unless the host has changed its mind meanwhile. */
static int fault_map(struct fault *f)
{
	struct lintel_ept *ept = &f->vm->ept;
	int conflicts = 0, ret;

	for (;;) {
		if (!fault_atomic(f))
			read_lock(&ept->lock);
		else if (!read_trylock(&ept->lock))
			return -EWOULDBLOCK;
		if (ept_notifier_retry(ept, f->seq, f->hva))
			ret = -EAGAIN;
		else
			ret = fault_install(f, fault_level(f));
		/* who starts a log waits for us, and then looks at the entries */
		if (ret == EPT_FIXED && f->logged && (f->access & ACCESS_WRITE))
			dirty_mark(f->vm, f->vcpu, f->slot, f->gfn);
		read_unlock(&ept->lock);

		if (ret == INSTALL_NEEDS_TABLE) {
			ret = fault_add_table(f);
			if (ret)
				return ret;
		} else if (ret == INSTALL_CONFLICT && !fault_atomic(f) &&
			   conflicts++ < MAX_CONFLICTS) {
			/*
			 * Fill the place at once: were a large entry left to the guest's next
			 * fault, a write could make it large again and a fetch small, for ever.
			 */
			ept_zap_and_free(ept, f->gfn, f->gfn + 1, true);
		} else {
			return ret == INSTALL_CONFLICT ? -EAGAIN : ret;
		}
	}
}

/* The guest may use the page without our knowing from here on.  -EWOULDBLOCK or 0. */
static int fault_mark_page(const struct fault *f)
{
	if (!f->page || PageReserved(f->page))
		return 0;
	if (f->writable && !folio_test_dirty(f->folio)) {
		/* memory without a file has nobody to be told */
		if (folio_test_anon(f->folio) && !folio_test_swapcache(f->folio))
			folio_set_dirty(f->folio);
		else if (fault_atomic(f))
			return -EWOULDBLOCK;
		else
			set_page_dirty_lock(f->page);
	}
	folio_mark_accessed(f->folio);
	return 0;
}

static int fault_resolve(struct fault *f)
{
	int ret;

	if (ept_notifier_busy(&f->vm->ept, f->hva))
		return -EAGAIN;
	ret = fault_find_page(f);
	if (ret)
		return ret;
	ret = fault_mark_page(f);
	/*
	 * A page that is new here may be written at once, so it is in the log: one violation less,
	 * and what the guest has only executed is there too, on which users of KVM's log count.
	 */
	if (f->logged && f->writable && !f->prefault)
		f->access |= ACCESS_WRITE;
	if (!ret)
		ret = fault_map(f);

	if (f->page)
		put_page(f->page);
	while (f->nr_tables)
		ept_free_table(f->tables[--f->nr_tables]);
	return ret;
}

/*
 * The APIC-access page, which no slot has: the processor takes accesses to it for accesses to the
 * local APIC.  Whoever forbids it, by a slot there or by apics_away, calls lintel_ept_drop() then;
 * f->seq is older than the look at both.
 */
static int fault_apic_page(struct fault *f)
{
	struct lintel_vm *vm = f->vm;
	int ret;

	if (!vm->apic_page || f->gfn != APIC_DEFAULT_PHYS_BASE >> PAGE_SHIFT ||
	    atomic_read(&vm->apics_away) || (f->access & ACCESS_EXEC))
		return EPT_MMIO;
	f->pfn = page_to_pfn(vm->apic_page);
	f->writable = true;
	f->memtype = MTRR_TYPE_WRBACK;
	ret = fault_map(f);
	while (f->nr_tables)
		ept_free_table(f->tables[--f->nr_tables]);
	return ret;
}

static int fault_handle(struct fault *f, struct lintel_slot_hint *slot_hint)
{
	struct lintel_vm *vm = f->vm;
	struct lintel_memslots *slots;
	int idx, ret = EPT_MMIO;

	f->seq = ept_notifier_seq(&vm->ept);
	idx = srcu_read_lock(&vm->srcu);
	slots = memslots_get(vm);
	f->slot = memslot_find_hint(slots, f->gfn, slot_hint);
	if (!f->slot) {
		f->generation = slots->generation;
		goto out;
	}
	ret = -EAGAIN;		/* deletion or move: soon there is none, or it is elsewhere */
	if (READ_ONCE(f->slot->flags) & MEMSLOT_DYING)
		goto out;
	ret = EPT_MMIO;
	if ((f->access & ACCESS_WRITE) && !memslot_writable(f->slot))
		goto out;
	f->hva = memslot_hva(f->slot, f->gfn);
	f->logged = dirty_bits(f->slot);
	ret = -ENOENT;
	if (f->logged && (f->access & ACCESS_WRITE))
		ret = dirty_fault(f->vcpu, f->slot, f->gfn, f->wait);
	if (ret == -ENOENT)
		ret = fault_resolve(f);
	if (ret == -EHWPOISON) {
		/* the thread learns it as if it had touched the page; then the guest goes on */
		send_sig_mceerr(BUS_MCEERR_AR, (void __user *)f->hva, PAGE_SHIFT, current);
		ret = EPT_FIXED;
	}
out:
	srcu_read_unlock(&vm->srcu, idx);
	return ret;
}

/*
 * The guest uses one device again and again.  Where no slot was, none is while the slots have the
 * same generation: the two trees are part of the VM, and no generation comes again.
 */
static bool known_mmio(const struct lintel_vcpu *vcpu, gfn_t gfn)
{
	const struct lintel_memslots *slots = rcu_dereference_raw(vcpu->vm->ept.slots);

	return vcpu->mmio_hint.gfn == gfn &&
	       vcpu->mmio_hint.generation == READ_ONCE(slots->generation);
}

static noinline int fault_unknown(struct lintel_vcpu *vcpu, gfn_t gfn, unsigned int access,
				  enum ept_wait wait)
{
	struct fault f = {
		.vm = vcpu->vm, .vcpu = vcpu, .gfn = gfn, .access = access, .wait = wait,
	};
	int ret;

	ret = fault_handle(&f, &vcpu->slot_hint);
	if (ret != EPT_MMIO || f.slot)
		return ret;
	if (f.gfn == APIC_DEFAULT_PHYS_BASE >> PAGE_SHIFT)
		return fault_apic_page(&f);
	vcpu->mmio_hint.gfn = f.gfn;
	vcpu->mmio_hint.generation = f.generation;
	return EPT_MMIO;
}

int lintel_ept_fault(struct lintel_vcpu *vcpu, gpa_t gpa, unsigned int access, enum ept_wait wait)
{
	gfn_t gfn = gpa >> PAGE_SHIFT;

	if (known_mmio(vcpu, gfn))
		return EPT_MMIO;
	return fault_unknown(vcpu, gfn, access, wait);
}

long lintel_ept_prefault(struct lintel_vcpu *vcpu, gpa_t gpa, u64 size)
{
	int ret;

	do {
		struct fault f = {
			.vm = vcpu->vm,
			.vcpu = vcpu,
			.gfn = gpa >> PAGE_SHIFT,
			.access = ACCESS_READ,
			.prefault = true,
		};

		if (signal_pending(current))
			return -EINTR;
		cond_resched();
		ret = fault_handle(&f, &vcpu->slot_hint);
		if (ret == EPT_FIXED && f.level) {
			gfn_t end = ept_align(f.gfn, f.level) + ept_pages(f.level);

			return min(size, (end << PAGE_SHIFT) - gpa);
		}
	} while (ret == -EAGAIN);
	if (ret == EPT_MMIO)
		return -ENOENT;
	/* without a mapping, fixed: the signal of a poisoned page was sent */
	return ret == EPT_FIXED ? -EFAULT : ret;
}
