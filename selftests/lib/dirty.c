// SPDX-License-Identifier: GPL-2.0-only
/*
 * The four ways to a dirty log, for dirty.h.
 */
#include "dirty.h"

#include <linux/types.h>

const char *const dirty_mode_name[NR_DIRTY_MODES] = {
	"plain", "manual protection", "manual protection, initially set", "ring",
};

void dirty_enable(struct vm *vm, enum dirty_mode mode)
{
	struct kvm_enable_cap cap = { .cap = KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2 };
	u64 want = KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE;

	switch (mode) {
	case DIRTY_RING:
		REQUIRE_CAP(vm->fd, KVM_CAP_DIRTY_LOG_RING);
		cap.cap = KVM_CAP_DIRTY_LOG_RING;
		cap.args[0] = RING_BYTES;
		break;
	case DIRTY_INITIALLY_SET:
		want |= KVM_DIRTY_LOG_INITIALLY_SET;
		/* fall through */
	case DIRTY_MANUAL:
		if ((device_cap(vm->fd, cap.cap) & want) != want)
			SKIP("KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2 does not offer 0x%llx",
			     (unsigned long long)want);
		cap.args[0] = want;
		break;
	default:
		return;
	}
	REQUIRE_OK(ioctl(vm->fd, KVM_ENABLE_CAP, &cap));
}

struct dirty_log *dirty_create(struct vm *vm, enum dirty_mode mode, u64 gpa, u64 pages, bool huge)
{
	struct dirty_log *log = calloc(1, sizeof(*log));
	u64 size = pages * DIRTY_PAGE, align = 2UL << 20;
	u8 *mem = mmap(NULL, size + align, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		       0);

	REQUIRE(log && mem != MAP_FAILED, "out of memory");
	mem = (u8 *)(((u64)mem + align - 1) & ~(align - 1));
	madvise(mem, size, huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
	log->vm = vm;
	log->mode = mode;
	log->slot = 1;
	log->gpa = gpa;
	log->pages = pages;
	log->mem = mem;
	log->bits = calloc(pages / 64 + 2, sizeof(u64));
	REQUIRE(log->bits, "out of memory");
	dirty_set(log, true);
	return log;
}

void dirty_set(struct dirty_log *log, bool on)
{
	vm_set_region(log->vm, log->slot, on ? KVM_MEM_LOG_DIRTY_PAGES : 0, log->gpa,
		      log->pages * DIRTY_PAGE, log->mem);
}

void dirty_map_ring(struct dirty_log *log, struct vcpu *v)
{
	void *p;

	if (log->mode != DIRTY_RING)
		return;
	p = mmap(NULL, RING_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, v->fd,
		 KVM_DIRTY_LOG_PAGE_OFFSET * DIRTY_PAGE);
	REQUIRE(p != MAP_FAILED, "mmap of the ring: %m");
	log->ring[log->nr_vcpus++].entry = p;
}

static void get_log(struct dirty_log *log, void *bits)
{
	struct kvm_dirty_log get = { .slot = log->slot, .dirty_bitmap = bits };

	REQUIRE_OK(ioctl(log->vm->fd, KVM_GET_DIRTY_LOG, &get));
}

/* In two pieces, so that the offset of the second is used. */
static void clear_log(struct dirty_log *log)
{
	u64 half = log->pages / 2 & ~63UL;
	struct kvm_clear_dirty_log clear = {
		.slot = log->slot, .num_pages = half, .dirty_bitmap = log->bits,
	};

	if (half)
		REQUIRE_OK(ioctl(log->vm->fd, KVM_CLEAR_DIRTY_LOG, &clear));
	clear.first_page = half;
	clear.num_pages = log->pages - half;
	clear.dirty_bitmap = log->bits + half / 64;
	REQUIRE_OK(ioctl(log->vm->fd, KVM_CLEAR_DIRTY_LOG, &clear));
}

static u32 harvest(struct dirty_log *log, struct dirty_ring *ring)
{
	u32 n = 0;

	for (;; n++) {
		volatile struct kvm_dirty_gfn *e = &ring->entry[ring->next % 1024];

		if (!(__atomic_load_n(&e->flags, __ATOMIC_ACQUIRE) & KVM_DIRTY_GFN_F_DIRTY))
			return n;
		REQUIRE(e->slot == log->slot && e->offset < log->pages,
			"the ring names slot %u, page %llu", e->slot,
			(unsigned long long)e->offset);
		log->bits[e->offset / 64] |= 1UL << e->offset % 64;
		__atomic_store_n(&e->flags, KVM_DIRTY_GFN_F_RESET, __ATOMIC_RELEASE);
		ring->next++;
	}
}

u64 dirty_take(struct dirty_log *log)
{
	u64 words = (log->pages + 63) / 64, total = 0;
	u32 harvested = 0;

	memset(log->bits, 0, words * sizeof(u64));
	log->bits[words] = ~0UL;
	switch (log->mode) {
	case DIRTY_RING:
		for (unsigned int i = 0; i < log->nr_vcpus; i++)
			harvested += harvest(log, &log->ring[i]);
		REQUIRE_EQ(REQUIRE_OK(ioctl(log->vm->fd, KVM_RESET_DIRTY_RINGS, 0)), harvested);
		break;
	case DIRTY_PLAIN:
		get_log(log, log->bits);
		break;
	default:
		get_log(log, log->bits);
		clear_log(log);
	}
	REQUIRE(log->bits[words] == ~0UL, "more was written than the bitmap is long");
	for (u64 i = 0; i < words; i++)
		total += __builtin_popcountl(log->bits[i]);
	REQUIRE(!(log->pages % 64) || !(log->bits[words - 1] >> log->pages % 64),
		"bits behind the slot's end");
	return total;
}
