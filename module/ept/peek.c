// SPDX-License-Identifier: GPL-2.0-only
/*
 * One guest-physical address, seen from outside: the entries that translate it, and the word there.
 *
 * Only what is mapped is looked at, through the entries and the host's own mapping of all memory,
 * with ept->lock held: so nothing is faulted in, the VMM's process is not needed, and the host cannot
 * take the page back meanwhile.
 */
#include <linux/lintel.h>
#include <linux/mm.h>
#include <linux/uaccess.h>

#include "ept.h"
#include "internal.h"
#include "iter.h"
#include "../vm.h"

/* Memory of the host, not a device's. */
static bool readable(u64 pte, u64 pfn)
{
	return (pte & VMX_EPT_MT_MASK) >> VMX_EPT_MT_EPTE_SHIFT == VMX_EPTP_MT_WB && pfn_valid(pfn);
}

static void read_word(struct lintel_peek *peek, u64 pte, int level)
{
	gfn_t gfn = peek->gpa >> PAGE_SHIFT;
	u64 pfn = ept_pfn(pte) + (gfn & (ept_pages(level) - 1));
	void *at;

	if (!readable(pte, pfn))
		return;
	at = phys_to_virt(PFN_PHYS(pfn) + offset_in_page(peek->gpa));
	if (!copy_from_kernel_nofault(&peek->value, at, sizeof(peek->value)))
		peek->flags |= LINTEL_PEEK_VALUE;
}

void lintel_ept_peek(struct lintel_vm *vm, struct lintel_peek *peek)
{
	gfn_t gfn = peek->gpa >> PAGE_SHIFT;
	struct lintel_ept *ept = &vm->ept;
	struct ept_iter it;

	read_lock(&ept->lock);
	for_each_ept_pte(it, ept_root(ept), gfn, gfn + 1, EPT_4K) {
		peek->entry[peek->levels++] = it.old;
		if (ept_is_leaf(it.old, it.level))
			read_word(peek, it.old, it.level);
	}
	read_unlock(&ept->lock);
}
