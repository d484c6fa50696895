/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Guest memory: the interface of module/ept to the rest of the module.
 *
 * Memory slots map guest-physical ranges to the VMM's address space.  An EPT violation finds the
 * slot, takes the host page by GUP without keeping a reference, and installs an entry; the MMU
 * notifier takes it back.  Everything here runs in the VMM's own mm (KVM_RUN and ioctls check
 * that), so guest memory is also reached by plain user accesses at the slot's address.
 *
 * Lock legend: [S] vm->slots_lock for writers, vm->srcu for readers; [E] ept->lock; [A] atomic;
 * [R] reclaim_lock;
 * [cpu] by the CPU that it is of, with interrupts off.
 */
#ifndef LINTEL_EPT_EPT_H
#define LINTEL_EPT_EPT_H

#include <linux/atomic.h>
#include <linux/mmu_notifier.h>
#include <linux/rbtree_types.h>
#include <linux/spinlock.h>
#include <linux/xarray.h>

#include "../types.h"
#include "guest_walk.h"

struct kvm_clear_dirty_log;
struct kvm_dirty_gfn;
struct kvm_userspace_memory_region;
struct lintel_memslot;
struct lintel_memslots;
struct lintel_peek;

struct lintel_ept {
	rwlock_t lock;				/* entries: read to add, write to take away */
	hpa_t root;				/* [I] the top-level table */
	u64 eptp;				/* [I] as the VMCS wants it */
	unsigned long invalidate_seq;		/* [E] notifiers that have ended */
	long invalidate_count;			/* [E] notifiers under way, ... */
	hva_t invalidate_start;			/* [E] ... and a range over all of theirs */
	hva_t invalidate_end;
	atomic_long_t nr_tables;		/* [A] pages of tables, the root aside */
	atomic_long_t nr_leaves[3];		/* [A] leaves of 4 KiB, 2 MiB, 1 GiB */
	struct lintel_memslots *slot_trees;	/* [S] two: memslot.c says why */
	struct lintel_memslots __rcu *slots;	/* [S] the one in force */
	struct xarray slot_ids;			/* [S] the same slots by their numbers */
	struct rb_root_cached by_hva;		/* [E] the same slots by the VMM's addresses */
	struct mmu_notifier notifier;
	struct {
		struct list_head link;		/* [R] */
		u64 exits;			/* [R] of all vCPUs, when last seen, ... */
		unsigned long since;		/* [R] ... and since when they are so */
	} reclaim;
	bool registered;			/* [I] the notifier is */
	bool small_exec;			/* [I] executable entries are of 4 KiB */
	u64 flush_nr;				/* [E] number of the last flush, from 1 */
	u64 nr_kicks;				/* [E] CPUs that flushes made leave the guest */
	u64 __percpu *flushed;			/* [cpu] the last flush that CPU has served */
	u32 dirty_manual;			/* [S] KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2's flags */
	u32 ring_entries;			/* [S] of each vCPU's dirty ring; [I] with vCPUs */
	unsigned int nr_logged;			/* [S] slots with a dirty log */
	bool pml;				/* [S] CPUs log the pages that the guest dirties */
};

/*
 * lintel_ept_init - an empty EPT for @vm and its MMU notifier on vm->mm (== current->mm).
 * Returns 0, -ENOMEM, -EINTR.  Process context, may sleep.
 */
int lintel_ept_init(struct lintel_vm *vm);

/*
 * lintel_ept_destroy - free everything, after INVEPT on each CPU the root ran on.  May sleep.  No
 * vCPU runs any more; but they still exist, since the notifier looks at them until here.
 */
void lintel_ept_destroy(struct lintel_vm *vm);

/* reclaim.c: the shrinker of EPT tables.  Module init and exit.  0 or -ENOMEM. */
int lintel_ept_reclaim_init(void);
void lintel_ept_reclaim_exit(void);

/*
 * lintel_memslot_set - KVM_SET_USER_MEMORY_REGION on a kernel copy of its argument.
 * Returns 0 or: -EINVAL (alignment, flags unknown, wrap, slot number, size change of a
 * slot, read-only change), -EEXIST (overlap), -ENOMEM.  Takes vm->slots_lock; may sleep.
 */
int lintel_memslot_set(struct lintel_vm *vm, const struct kvm_userspace_memory_region *region);

/*
 * lintel_ept_fault - resolve an EPT violation at @gpa.  In the vCPU's thread, no VMCS needed.
 * @access: ACCESS_* bits of the violation.  @wait: with EPT_WAIT it does all that it takes; with
 * EPT_NO_IO it may sleep, but does not wait for a page that the host has to fetch; with
 * EPT_ATOMIC, in the window or with preemption off, it is only tried, no lock is waited for, and
 * any negative result means: again, where sleeping is allowed.
 * Returns
 *	EPT_FIXED	entry installed (or another vCPU did it): enter the guest again
 *	EPT_MMIO	no slot there, or a write to a read-only slot: emulate the access
 *	EPT_ABSENT	with EPT_NO_IO: the page has to be fetched
 *	-EFAULT		the slot has no memory behind it: kvm_run is for the caller to fill
 *	-EINTR		a fatal signal; -EAGAIN: try again (entering the guest again does)
 *	-ENOMEM
 */
enum { EPT_FIXED = 0, EPT_MMIO = 1, EPT_ABSENT = 2 };
enum ept_wait { EPT_WAIT, EPT_NO_IO, EPT_ATOMIC };
int lintel_ept_fault(struct lintel_vcpu *vcpu, gpa_t gpa, unsigned int access, enum ept_wait wait);

/*
 * lintel_ept_bring - fetch the VMM's page at @hva, for a @write if so.  From any thread; sleeps,
 * and may be killed.  0, or -errno: it may still be absent.
 */
int lintel_ept_bring(struct lintel_vm *vm, hva_t hva, bool write);

/*
 * lintel_ept_prefault - map the page at @gpa as a read would, though the guest has not asked yet.
 * Returns how many of @size bytes from @gpa on are mapped now, or -ENOENT (no slot), -EINTR (any
 * signal), -EFAULT, -ENOMEM.  Process context, in the VMM's mm; may sleep.
 */
long lintel_ept_prefault(struct lintel_vcpu *vcpu, gpa_t gpa, u64 size);

/*
 * lintel_ept_drop - take the entry of @gfn away, and whatever a fault is about to put there.  May
 * sleep.
 */
void lintel_ept_drop(struct lintel_vm *vm, gfn_t gfn);

/*
 * lintel_ept_peek - the entries that translate peek->gpa (a multiple of 8), root first, and what is
 * there, if host memory is mapped there now.  From outside the VM, while it runs; process context.
 */
void lintel_ept_peek(struct lintel_vm *vm, struct lintel_peek *peek);

/*
 * lintel_guest_read / lintel_guest_write - copy @len bytes between guest-physical memory at @gpa
 * and a kernel buffer, across pages and slots.  In the VMM's mm, may sleep.  Writes go through
 * the VMM's mapping (so COW, dirty tracking and the like just work).
 * Returns 0, or -ENXIO when a byte has no (writable) slot (the caller does MMIO), -EFAULT.
 */
int lintel_guest_read(struct lintel_vm *vm, gpa_t gpa, void *data, size_t len);
int lintel_guest_write(struct lintel_vm *vm, gpa_t gpa, const void *data, size_t len);

/*
 * lintel_memory_hold - the slots in force stay so until lintel_memory_release(), for who makes
 * several accesses in a row: the functions whose names end in _held want that, and leave out the
 * barriers that each of the others has.  May sleep in between, but not change slots.
 */
int lintel_memory_hold(struct lintel_vm *vm);
void lintel_memory_release(struct lintel_vm *vm, int idx);
int lintel_guest_read_held(struct lintel_vm *vm, gpa_t gpa, void *data, size_t len);
int lintel_guest_write_held(struct lintel_vm *vm, gpa_t gpa, const void *data, size_t len);

/*
 * lintel_guest_read_nofault / lintel_guest_write_nofault - the same in one slot, from any context
 * of the VMM's thread, the scheduler's notifiers and a window included.  0, or -EFAULT: not
 * possible here and now, nothing was done that matters.
 */
int lintel_guest_read_nofault(struct lintel_vm *vm, gpa_t gpa, void *data, size_t len);
int lintel_guest_write_nofault(struct lintel_vm *vm, gpa_t gpa, const void *data, size_t len);

/*
 * lintel_guest_cmpxchg - atomic against all vCPUs; @len 1, 2, 4, 8, naturally aligned.
 * Returns 0, 1 when memory did not hold @old, -ENXIO, -EFAULT.
 */
int lintel_guest_cmpxchg(struct lintel_vm *vm, gpa_t gpa, const void *old, const void *new,
			 size_t len);

/* lintel_gfn_has_memory - a slot (writable, if @write) covers @gpa.  In the VMM's mm. */
bool lintel_gpa_has_memory(struct lintel_vm *vm, gpa_t gpa, bool write);
/* lintel_gpa_hva - where it is in the VMM.  0, or -ENXIO: no slot. */
int lintel_gpa_hva(struct lintel_vm *vm, gpa_t gpa, hva_t *hva);
bool lintel_gpa_has_memory_held(struct lintel_vm *vm, gpa_t gpa, bool write);

/*
 * The dirty log of slot @id; vm->slots_lock held throughout.  lintel_dirty_get: what was written
 * since the last call is at *@bits, to be copied out; with manual protection it stays set until
 * cleared. lintel_dirty_clear_begin: user space's bits are to be copied to *@bits, then _end
 * carries it out. Return 0, -ENXIO (rings are in use), -EINVAL (no such number, range), -ENOENT (no
 * log).
 */
int lintel_dirty_get(struct lintel_vm *vm, u32 id, const void **bits, size_t *bytes);
int lintel_dirty_clear_begin(struct lintel_vm *vm, const struct kvm_clear_dirty_log *log,
			     void **bits, size_t *bytes);
void lintel_dirty_clear_end(struct lintel_vm *vm, const struct kvm_clear_dirty_log *log);

/*
 * lintel_dirty_log_pages - the CPU's @log for @vcpu, whose thread this is, with the PML index
 * @index: those pages were written.  Any context but NMI.
 */
void lintel_dirty_log_pages(struct lintel_vcpu *vcpu, const u64 *log, unsigned int index);

/* Dirty rings.  The positions count up, and wrap. */
struct lintel_ring {
	struct kvm_dirty_gfn *entry;	/* [I] user-writable!  NULL: none */
	u32 pushed;			/* [M] by the vCPU's thread */
	u32 reset;			/* [S] */
};

/* lintel_ring_enable - rings of @bytes for vCPUs to come; vm->lock.  0, -EINVAL, -E2BIG. */
int lintel_ring_enable(struct lintel_vm *vm, u64 bytes);
int lintel_ring_alloc(struct lintel_vcpu *vcpu);
void lintel_ring_free(struct lintel_vcpu *vcpu);
/* lintel_ring_page - page @index of the ring, for mmap, or NULL. */
struct page *lintel_ring_page(struct lintel_vcpu *vcpu, unsigned long index);
/* lintel_ring_full - the soft limit is reached: user space is to harvest.  The vCPU's thread. */
bool lintel_ring_full(struct lintel_vcpu *vcpu);
/* lintel_ring_reset - KVM_RESET_DIRTY_RINGS; vm->slots_lock.  How many entries, or -EINVAL. */
int lintel_ring_reset(struct lintel_vm *vm);

/*
 * lintel_ept_flush_cpu - INVEPT single-context, unless this CPU has served the last flush already.
 * True if it was executed.  Interrupts off, VMX operation on, mode = IN_GUEST: before an entry with
 * REQ_EPT_FLUSH set.  The core itself makes that request when a vCPU comes to another CPU than
 * before (first of all to its first): that CPU may hold translations from before a flush.  A
 * failure marks the VM dead.
 */
bool lintel_ept_flush_cpu(struct lintel_vm *vm);

/*
 * The guest's own page tables, walked in software (interpreter, KVM_TRANSLATE): a pure function of
 * struct guest_paging (guest_walk.h) and of guest memory; sets accessed and dirty bits as the SDM
 * says.
 */

/*
 * lintel_guest_walk - translate linear address @gva for @access (ACCESS_* one of).
 * Returns 0 and *@gpa, or 1 and *@fault (a #PF is due, also when no slot has a table), or -EFAULT
 * when the memory of a table is gone, or -EAGAIN: other vCPUs kept changing the tables, enter the
 * guest again.  With paging off @gpa is @gva (the caller truncates it outside long mode).
 */
int lintel_guest_walk(struct lintel_vm *vm, const struct guest_paging *paging, unsigned long gva,
		      unsigned int access, gpa_t *gpa, struct guest_walk_fault *fault);
int lintel_guest_walk_held(struct lintel_vm *vm, const struct guest_paging *paging,
			   unsigned long gva, unsigned int access, gpa_t *gpa,
			   struct guest_walk_fault *fault);

/* The slot that somebody found last: to be believed in its generation of slots only. */
struct lintel_slot_hint {
	u64 generation;			/* 0: none */
	struct lintel_memslot *slot;
};

/* A page that had no slot, in a generation of slots; 0: nothing is known. */
struct lintel_mmio_hint {
	u64 generation;
	gfn_t gfn;
};

/* The last translation of an instruction's page: fetch.c. */
struct lintel_fetch {
	u64 generation;			/* of the slots; 0: nothing is known */
	unsigned long page, cr3, mode;
	u8 __user *code;		/* the page's start in the VMM */
	unsigned int levels;
	u64 __user *at[5];		/* the guest's entries, and what they held */
	u64 entry[5];
};

/*
 * lintel_guest_fetch - 16 bytes at @rip, in long mode.  The running thread, may sleep.  0, or
 * -EFAULT: not by this short way.
 */
int lintel_guest_fetch(struct lintel_vcpu *vcpu, const struct guest_paging *paging,
		       unsigned long rip, u64 bytes[2]);

#endif
