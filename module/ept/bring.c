// SPDX-License-Identifier: GPL-2.0-only
/*
 * A page of the VMM's that somebody else brings in: a worker, so that the vCPU's thread need not
 * wait.
 *
 * Only the VMM's page table gets the page; the guest's next access maps it as any other.  So
 * nothing has to be checked here: an address that has another meaning by now is still the VMM's.
 * What is allocated on the way, pages of the page cache and page tables included, is charged to the
 * VMM's memory cgroup, not to the worker's.
 */
#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>

#include "../compat.h"
#include "../vm.h"
#include "ept.h"

int lintel_ept_bring(struct lintel_vm *vm, hva_t hva, bool write)
{
	struct mem_cgroup *memcg, *before;
	struct mm_struct *mm = vm->mm;
	int locked = 1;
	long ret;

	/* the VMM's last thread is gone: nobody needs the page */
	if (!mmget_not_zero(mm))
		return -ESRCH;
	memcg = get_mem_cgroup_from_mm(mm);
	before = set_active_memcg(memcg);
	ret = mmap_read_lock_killable(mm);
	if (!ret) {
		ret = get_user_pages_remote(mm, hva, 1, write ? FOLL_WRITE : 0, NULL, &locked);
		if (locked)
			mmap_read_unlock(mm);
	}
	set_active_memcg(before);
	mem_cgroup_put(memcg);
	mmput(mm);
	return ret == 1 ? 0 : -EFAULT;
}
