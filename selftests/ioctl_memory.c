// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_SET_USER_MEMORY_REGION: what is refused, and what an accepted change means for the guest
 * that runs on it. The guest of this file reads or writes one 32-bit word at ARG(0), over and
 * over, so that a stale translation shows.
 */
#include "guest.h"
#include "vm.h"

#define GIB	(1UL << 30)
#define PAGE	4096UL

static struct vm *empty_vm(void)
{
	struct vm *vm = calloc(1, sizeof(*vm));

	vm->dev = device_open();
	vm->fd = REQUIRE_OK(ioctl(vm->dev, KVM_CREATE_VM, 0));
	vm->mem_size = MEM_SIZE;
	vm->mem = mmap(NULL, MEM_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	REQUIRE(vm->mem != MAP_FAILED, "mmap: %m");
	return vm;
}

static int set(struct vm *vm, u32 slot, u32 flags, u64 gpa, u64 size, u64 hva)
{
	struct kvm_userspace_memory_region r = {
		.slot = slot,
		.flags = flags,
		.guest_phys_addr = gpa,
		.memory_size = size,
		.userspace_addr = hva,
	};

	errno = 0;
	return ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION, &r);
}

TEST(refused)
{
	struct vm *vm = empty_vm();
	u64 hva = (u64)vm->mem;
	const struct {
		const char *name;
		u32 slot, flags;
		u64 gpa, size, hva;
	} rows[] = {
		{ "unaligned guest address", 0, 0, 0x800, PAGE, hva },
		{ "unaligned size", 0, 0, 0, 0x800, hva },
		{ "unaligned user address", 0, 0, 0, PAGE, hva + 0x800 },
		{ "wrapping guest address", 0, 0, ~0UL << 12, 2 * PAGE, hva },
		{ "wrapping to zero", 0, 0, -(4 * PAGE), 4 * PAGE, hva },
		{ "kernel address", 0, 0, 0, PAGE, 0xffff888000000000 },
		{ "non-canonical address", 0, 0, 0, PAGE, 0x0000900000000000 },
		{ "end above user space", 0, 0, 0, 2 * PAGE, 0x00007fffffffe000 },
		{ "unknown flag", 0, 1u << 31, 0, PAGE, hva },
		{ "all flags", 0, ~0u, 0, PAGE, hva },
		{ "slot out of range", 0x7fff, 0, 0, PAGE, hva },
		{ "slot far out of range", ~0u, 0, 0, PAGE, hva },
		{ "gigantic", 0, 0, 0, 1UL << 60, hva },
		{ "more pages than fit", 0, 0, 0, (1UL << 43) + PAGE, 0x1000 },
		{ "deleting what is not there", 0, 0, 0, 0, hva },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		int r = set(vm, rows[i].slot, rows[i].flags, rows[i].gpa, rows[i].size,
			    rows[i].hva);

		ktap_row("%s", rows[i].name);
		CHECK(r == -1 && errno == EINVAL, "returned %d, errno %d; expected EINVAL", r,
		      errno);
	}
	ktap_row("afterwards");
	CHECK_OK(set(vm, 0, 0, 0, PAGE, hva));
}

TEST(overlaps)
{
	struct vm *vm = empty_vm();
	u64 hva = (u64)vm->mem;
	const struct { const char *name; u64 gpa, size; int err; } rows[] = {
		{ "the same range", 0x10000, 0x10000, EEXIST },
		{ "over the start", 0xf000, 0x2000, EEXIST },
		{ "over the end", 0x1f000, 0x2000, EEXIST },
		{ "inside", 0x14000, 0x1000, EEXIST },
		{ "around", 0x8000, 0x20000, EEXIST },
		{ "just below", 0xf000, 0x1000, 0 },
		{ "just above", 0x20000, 0x1000, 0 },
	};

	REQUIRE_OK(set(vm, 1, 0, 0x10000, 0x10000, hva));
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		int r = set(vm, 2, 0, rows[i].gpa, rows[i].size, hva);

		ktap_row("%s", rows[i].name);
		CHECK(rows[i].err ? r == -1 && errno == rows[i].err : r == 0,
		      "returned %d, errno %d", r, errno);
		if (!r)
			CHECK_OK(set(vm, 2, 0, rows[i].gpa, 0, hva));
	}
	ktap_row("moving a slot onto another");
	REQUIRE_OK(set(vm, 3, 0, 0x80000, 0x1000, hva));
	CHECK(set(vm, 3, 0, 0x1f000, 0x1000, hva) == -1 && errno == EEXIST, "errno %d", errno);
	ktap_row("moving a slot over itself");
	CHECK_OK(set(vm, 1, 0, 0x11000, 0x10000, hva));
}

TEST(change_refused)
{
	struct vm *vm = empty_vm();
	u64 hva = (u64)vm->mem;

	REQUIRE_OK(set(vm, 0, 0, 0, 4 * PAGE, hva));
	ktap_row("other size");
	CHECK(set(vm, 0, 0, 0, 8 * PAGE, hva) == -1 && errno == EINVAL, "errno %d", errno);
	ktap_row("other user address");
	CHECK(set(vm, 0, 0, 0, 4 * PAGE, hva + PAGE) == -1 && errno == EINVAL, "errno %d", errno);
	ktap_row("read-only switched on");
	CHECK(set(vm, 0, KVM_MEM_READONLY, 0, 4 * PAGE, hva) == -1 && errno == EINVAL, "errno %d",
	      errno);
	ktap_row("no change at all");
	CHECK_OK(set(vm, 0, 0, 0, 4 * PAGE, hva));
}

/* ARG(0) address, ARG(1): 0 read, 1 write ARG(2); the value read goes to ARG(2). */
GUEST_CODE static void guest_access(void)
{
	for (;;) {
		if (ARG(1))
			mmio_write(ARG(0), ARG(2));
		else
			ARG(2) = mmio_read(ARG(0));
		guest_sync(1);
	}
}

static struct vcpu *start(struct vm *vm)
{
	struct vcpu *v = vcpu_create(vm, 0);

	vcpu_set_long(v, guest_access);
	return v;
}

/* Makes the guest read; gives the exit reason (RUN_SYNC when memory answered) and the value. */
static int guest_reads(struct vcpu *v, u64 gpa, u32 *value)
{
	volatile struct guest_shared *s = vm_shared(v->vm);
	int reason;

	s->arg[0] = gpa;
	s->arg[1] = 0;
	reason = vcpu_next(v);
	if (reason == KVM_EXIT_MMIO) {
		CHECK_EQ(v->run->mmio.phys_addr, gpa);
		CHECK_EQ(v->run->mmio.is_write, 0);
		memset(v->run->mmio.data, 0xdd, 8);
		vcpu_expect_sync(v, 1);
	}
	*value = s->arg[2];
	return reason;
}

static int guest_writes(struct vcpu *v, u64 gpa, u32 value)
{
	volatile struct guest_shared *s = vm_shared(v->vm);
	int reason;

	s->arg[0] = gpa;
	s->arg[1] = 1;
	s->arg[2] = value;
	reason = vcpu_next(v);
	if (reason == KVM_EXIT_MMIO) {
		CHECK_EQ(v->run->mmio.phys_addr, gpa);
		CHECK_EQ(v->run->mmio.is_write, 1);
		CHECK_EQ(*(u32 *)v->run->mmio.data, value);
		vcpu_expect_sync(v, 1);
	}
	return reason;
}

#define WINDOW	0x40000000UL

static u32 *map_pages(size_t size, u32 value)
{
	u32 *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	REQUIRE(p != MAP_FAILED, "mmap: %m");
	p[0] = value;
	return p;
}

TEST(delete_makes_mmio)
{
	struct vm *vm = vm_create(0);
	struct vcpu *v = start(vm);
	u32 *page = map_pages(PAGE, 0x1111), value;

	for (int i = 0; i < 5; i++) {
		ktap_row("round %d", i);
		CHECK_EQ(guest_reads(v, WINDOW, &value), KVM_EXIT_MMIO);
		CHECK_EQ(value, 0xdddddddd);
		vm_set_region(vm, 1, 0, WINDOW, PAGE, page);
		CHECK_EQ(guest_reads(v, WINDOW, &value), RUN_SYNC);
		CHECK_EQ(value, 0x1111);
		CHECK_EQ(guest_reads(v, WINDOW + PAGE, &value), KVM_EXIT_MMIO);
		vm_set_region(vm, 1, 0, WINDOW, 0, page);
	}
}

TEST(move)
{
	struct vm *vm = vm_create(0);
	struct vcpu *v = start(vm);
	u32 *page = map_pages(PAGE, 0x2222), value;

	vm_set_region(vm, 1, 0, WINDOW, PAGE, page);
	CHECK_EQ(guest_reads(v, WINDOW, &value), RUN_SYNC);
	vm_set_region(vm, 1, 0, WINDOW + GIB, PAGE, page);
	CHECK_EQ(guest_reads(v, WINDOW, &value), KVM_EXIT_MMIO);
	CHECK_EQ(guest_reads(v, WINDOW + GIB, &value), RUN_SYNC);
	CHECK_EQ(value, 0x2222);
	CHECK_EQ(guest_writes(v, WINDOW + GIB, 0x3333), RUN_SYNC);
	CHECK_EQ(page[0], 0x3333);
}

TEST(replace)
{
	struct vm *vm = vm_create(0);
	struct vcpu *v = start(vm);
	u32 *a = map_pages(PAGE, 0xaaaa), *b = map_pages(PAGE, 0xbbbb), value;

	for (int i = 0; i < 4; i++) {
		vm_set_region(vm, 1, 0, WINDOW, PAGE, i & 1 ? b : a);
		CHECK_EQ(guest_reads(v, WINDOW, &value), RUN_SYNC);
		CHECK_EQ(value, i & 1 ? 0xbbbb : 0xaaaa);
		vm_set_region(vm, 1, 0, WINDOW, 0, a);
	}
}

TEST(read_only)
{
	struct vm *vm = vm_create(0);
	struct vcpu *v = start(vm);
	u32 *page = map_pages(PAGE, 0x4444), value;

	REQUIRE_CAP(vm->dev, KVM_CAP_READONLY_MEM);
	vm_set_region(vm, 1, KVM_MEM_READONLY, WINDOW, PAGE, page);
	CHECK_EQ(guest_writes(v, WINDOW, 1), KVM_EXIT_MMIO);
	CHECK_EQ(guest_reads(v, WINDOW, &value), RUN_SYNC);
	CHECK_EQ(value, 0x4444);
	CHECK_EQ(guest_writes(v, WINDOW, 2), KVM_EXIT_MMIO);
	CHECK_EQ(page[0], 0x4444);
	page[0] = 0x5555;
	CHECK_EQ(guest_reads(v, WINDOW, &value), RUN_SYNC);
	CHECK_EQ(value, 0x5555);
	/* A read-only mapping of the VMM can back a read-only slot. */
	REQUIRE_OK(mprotect(page, PAGE, PROT_READ));
	CHECK_EQ(guest_reads(v, WINDOW, &value), RUN_SYNC);
	CHECK_EQ(value, 0x5555);
}

TEST(many_slots)
{
	struct vm *vm = vm_create(0);
	struct vcpu *v = start(vm);
	u32 *pages = map_pages(64 * PAGE, 0), value;

	/* In an order that is neither up nor down, so that the sorting is used. */
	for (u32 i = 1; i < 64; i++) {
		u32 k = i * 37 % 64;

		pages[k * 1024] = 0x100 + k;
		vm_set_region(vm, k, 0, WINDOW + k * 2 * PAGE, PAGE, pages + k * 1024);
	}
	for (u32 k = 1; k < 64; k++) {
		CHECK_EQ(guest_reads(v, WINDOW + k * 2 * PAGE, &value), RUN_SYNC);
		CHECK_EQ(value, 0x100 + k);
		CHECK_EQ(guest_reads(v, WINDOW + (k * 2 + 1) * PAGE, &value), KVM_EXIT_MMIO);
	}
	for (u32 k = 1; k < 64; k += 2)
		vm_set_region(vm, k, 0, WINDOW + k * 2 * PAGE, 0, pages);
	for (u32 k = 1; k < 64; k++)
		CHECK_EQ(guest_reads(v, WINDOW + k * 2 * PAGE, &value),
			 k & 1 ? KVM_EXIT_MMIO : RUN_SYNC);
}

TEST(dirty_log)
{
	struct vm *vm = vm_create(0);
	struct vcpu *v = start(vm);
	u32 *pages = map_pages(70 * PAGE, 0), value;
	u64 bitmap[2];
	struct kvm_dirty_log log = { .slot = 1, .dirty_bitmap = bitmap };

	vm_set_region(vm, 1, KVM_MEM_LOG_DIRTY_PAGES, WINDOW, 70 * PAGE, pages);
	for (int round = 0; round < 3; round++) {
		ktap_row("round %d", round);
		guest_writes(v, WINDOW + 3 * PAGE, round + 1);
		guest_writes(v, WINDOW + 69 * PAGE, round + 1);
		guest_reads(v, WINDOW + 5 * PAGE, &value);
		memset(bitmap, 0xff, sizeof(bitmap));
		REQUIRE_OK(ioctl(vm->fd, KVM_GET_DIRTY_LOG, &log));
		/*
		 * A page that was only read may be reported when it is first mapped, no other may.
		 */
		CHECK_EQ(bitmap[0] & ~(round ? 0 : 1UL << 5), 1UL << 3);
		CHECK_EQ(bitmap[1], 1UL << 5);
		REQUIRE_OK(ioctl(vm->fd, KVM_GET_DIRTY_LOG, &log));
		CHECK_EQ(bitmap[0] | bitmap[1], 0);
	}
	ktap_row("slot without a log");
	log.slot = 0;
	CHECK_ERRNO(ioctl(vm->fd, KVM_GET_DIRTY_LOG, &log), ENOENT);
}

/*
 * As many slots as the device offers, up to MEM_SLOTS (environment; default 600): all of them
 * answer, one more is refused, and a change in the middle leaves the others as they are.
 */
TEST_SLOW(slots_to_the_limit, 4)
{
	struct vm *vm = vm_create(0);
	struct vcpu *v = start(vm);
	u32 limit = REQUIRE_OK(device_cap(vm->dev, KVM_CAP_NR_MEMSLOTS)), value;
	u32 count = getenv("MEM_SLOTS") ? strtoul(getenv("MEM_SLOTS"), NULL, 0) : 600;
	u32 *pages;

	CHECK_EQ(limit, 32764);
	if (count > limit)
		count = limit;
	pages = map_pages(count * PAGE, 0);
	for (u32 k = 1; k < count; k++) {
		pages[k * 1024] = 0x10000 + k;
		vm_set_region(vm, k, 0, WINDOW + k * 2 * PAGE, PAGE, pages + k * 1024);
	}
	for (u32 k = 1; k < count; k += count / 100) {
		CHECK_EQ(guest_reads(v, WINDOW + k * 2 * PAGE, &value), RUN_SYNC);
		CHECK_EQ(value, 0x10000 + k);
		CHECK_EQ(guest_reads(v, WINDOW + (k * 2 + 1) * PAGE, &value), KVM_EXIT_MMIO);
	}
	vm_set_region(vm, count / 2, 0, WINDOW + count * PAGE, 0, pages);
	CHECK_EQ(guest_reads(v, WINDOW + count / 2 * 2 * PAGE, &value), KVM_EXIT_MMIO);
	CHECK_EQ(guest_reads(v, WINDOW + (count / 2 + 1) * 2 * PAGE, &value), RUN_SYNC);
	CHECK_EQ(value, 0x10000 + count / 2 + 1);
	/* the VMM takes all the memory away at once */
	REQUIRE_OK(madvise(pages, count * PAGE, MADV_REMOVE));
	CHECK_EQ(guest_reads(v, WINDOW + 2 * PAGE, &value), RUN_SYNC);
	CHECK_EQ(value, 0);
}
