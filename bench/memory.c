// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rows: guest memory. Host pages are there before the guest touches them, so that what is counted
 * is the hypervisor's part. Each row brings a memslot of its own at GPA_SLOT.
 */
#include "bench.h"

#define PAGES	16	/* in a batch */

/* Writes to PAGES pages, or to one with a stride of 2 MiB, that nobody has touched before. */
GUEST_CODE static void guest_touch(void)
{
	u64 stride = ARG(0), ops = ARG(1);
	u64 at = GPA_SLOT;

	for (u32 b = 0; b < BATCHES; b++) {
		g_begin(b);
		for (u64 i = 0; i < ops; i++, at += stride)
			*(volatile u32 *)at = 1;
		g_end(b);
	}
	guest_done();
}

static void fault_row(const struct row *row, u64 stride)
{
	size_t size = BATCHES * row->ops * stride;
	struct vm *vm = vm_create(VM_IRQCHIP);
	struct vcpu *v = bench_vcpu(vm, 0, guest_touch);

	vm_set_region(vm, 1, 0, GPA_SLOT, size, bench_memory(size, stride > 4096));
	vm_shared(vm)->arg[0] = stride;
	vm_shared(vm)->arg[1] = row->ops;
	bench_pin(0);
	bench_run(v);
	bench_report(row, vm);
}

TEST(fault_4k_row)
{
	ROW("fault_4k", PAGES, 0, "first write to a page of 4 KiB");

	fault_row(&row, 4096);
}

TEST(fault_2m_row)
{
	ROW("fault_2m", 1, 0, "first write to a page of 2 MiB");

	fault_row(&row, 2 << 20);
}

/* Writes to the same pages again and again, in the batches that user space delimits. */
GUEST_CODE static void guest_rewrite(void)
{
	for (u32 round = 0;; round++) {
		for (u64 i = 0; i < ARG(0); i++)
			*(volatile u32 *)(GPA_SLOT + i * 4096) = round;
		guest_sync(round);
	}
}

#define LOGGED	64

TEST(dirty_page_row)
{
	ROW("dirty_page", LOGGED, 0, "write to a clean page, and its part of KVM_GET_DIRTY_LOG");
	struct vm *vm = vm_create(VM_IRQCHIP);
	struct vcpu *v = bench_vcpu(vm, 0, guest_rewrite);
	u64 bitmap[LOGGED / 64];
	struct kvm_dirty_log log = { .slot = 1, .dirty_bitmap = bitmap };
	void *mem = bench_memory(LOGGED * 4096, false);
	struct kvm_userspace_memory_region region = {
		1, KVM_MEM_LOG_DIRTY_PAGES, GPA_SLOT, LOGGED * 4096, (u64)mem
	};

	if (ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION, &region) < 0 ||
	    ioctl(vm->fd, KVM_GET_DIRTY_LOG, &log) < 0)
		SKIP("the device has no dirty log");
	vm_shared(vm)->arg[0] = LOGGED;
	bench_pin(0);
	vcpu_expect_sync(v, 0);
	REQUIRE_OK(ioctl(vm->fd, KVM_GET_DIRTY_LOG, &log));
	for (u32 b = 0; b < BATCHES; b++) {
		h_begin(b);
		vcpu_run(v);
		REQUIRE_OK(ioctl(vm->fd, KVM_GET_DIRTY_LOG, &log));
		h_end(b);
		REQUIRE_EQ(bitmap[0], ~0ULL);
	}
	bench_report(&row, NULL);
}

static void give_back(u8 *mem, u32 batch)
{
	h_begin(batch);
	for (u32 i = 0; i < PAGES; i++)
		REQUIRE_OK(madvise(mem + i * 4096, 4096, MADV_DONTNEED));
	h_end(batch);
}

TEST(notifier_row)
{
	ROW("notifier", PAGES, ROW_CONTROL, "madvise(DONTNEED) of a mapped page, above one without VM");
	u8 *mem = bench_memory(PAGES * 4096, false);
	struct vm *vm;
	struct vcpu *v;

	bench_pin(0);
	for (u32 b = 0; b < BATCHES; b++) {
		memset(mem, 1, PAGES * 4096);
		give_back(mem, BATCHES + b);
	}
	vm = vm_create(VM_IRQCHIP);
	v = bench_vcpu(vm, 0, guest_rewrite);
	vm_set_region(vm, 1, 0, GPA_SLOT, PAGES * 4096, mem);
	vm_shared(vm)->arg[0] = PAGES;
	for (u32 b = 0; b < BATCHES; b++) {
		vcpu_expect_sync(v, b);
		give_back(mem, b);
	}
	bench_report(&row, NULL);
}
