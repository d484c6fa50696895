// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory that is not there, for whoever looks for it: slots and page-table entries beyond
 * MAXPHYADDR, page tables where no memory is or where it may not be written, and memory that the
 * host has lost. The guest gets what the architecture says, or the VMM an exit or an errno. What
 * KVM_SET_USER_MEMORY_REGION refuses besides is in ioctl_memory, memory that is unmapped or
 * truncated under a running guest in mem_overcommit and mem_mappings.
 */
#include <signal.h>
#include <sys/mman.h>

#include "guest.h"
#include "vm.h"

#define PAGE		4096UL
#define MIB		(1UL << 20)
#define GIB		(1UL << 30)
#define NOWHERE		0xd0000000UL	/* no slot, no device */
#define WINDOW		0x40000000UL
#define LINEAR		(5 * GIB)	/* through tables that the tests write */
#define PTE_WRITABLE	(PTE_P | PTE_W)

#ifndef MADV_HWPOISON
#define MADV_HWPOISON	100
#endif

static unsigned int maxphyaddr(void)
{
	u32 a = 0x80000008, b, c = 0, d;

	asm volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
	return a & 0xff;
}

static int set_slot(struct vm *vm, u32 slot, u64 gpa, u64 size, void *mem)
{
	struct kvm_userspace_memory_region r = {
		.slot = slot, .guest_phys_addr = gpa, .memory_size = size,
		.userspace_addr = (u64)mem,
	};

	return ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION, &r);
}

static void *map(u64 size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	REQUIRE(p != MAP_FAILED, "mmap: %m");
	return p;
}

/* Accesses the 8 bytes at ARG(0), a write if ARG(1); says by which vector it ended, ARG(2). */
GUEST_CODE static void guest_accesses(void)
{
	for (;;) {
		u64 a = ARG(3), c = 0, d = ARG(0);

		if (ARG(1))
			ARG(2) = TRY("mov %%rax, (%%rdx)", a, c, d);
		else
			ARG(2) = TRY("mov (%%rdx), %%rax", a, c, d);
		ARG(3) = a;
		guest_sync(1);
	}
}

static struct vcpu *start(void)
{
	struct vcpu *v = vcpu_create(vm_create(0), 0);

	vcpu_set_long(v, guest_accesses);
	return v;
}

static int access_at(struct vcpu *v, u64 linear, bool write)
{
	volatile struct guest_shared *s = vm_shared(v->vm);

	s->arg[0] = linear;
	s->arg[1] = write;
	return vcpu_next(v);
}

static u64 *table_at(struct vm *vm, u64 gpa)
{
	return gpa_ptr(vm, gpa, PAGE);
}

TEST(slots_up_to_maxphyaddr)
{
	struct vm *vm = vm_create(0);
	u64 end = 1UL << maxphyaddr();
	u8 *mem = map(2 * PAGE);

	CHECK_OK(set_slot(vm, 1, end - PAGE, PAGE, mem));
	CHECK_OK(set_slot(vm, 1, end - PAGE, 0, mem));
	CHECK_ERRNO(set_slot(vm, 1, end, PAGE, mem), EINVAL);
	CHECK_ERRNO(set_slot(vm, 1, end - PAGE, 2 * PAGE, mem), EINVAL);
	CHECK_ERRNO(set_slot(vm, 1, 1UL << 51, PAGE, mem), EINVAL);
}

/* The last page of the address space is memory like any other, its neighbour a device. */
TEST(memory_up_to_maxphyaddr)
{
	struct vcpu *v = start();
	u64 end = 1UL << maxphyaddr();
	u64 *mem = map(PAGE), *pd = table_at(v->vm, GPA_FREE);

	REQUIRE_OK(set_slot(v->vm, 1, end - PAGE, PAGE, mem));
	table_at(v->vm, GPA_PDPT)[LINEAR / GIB] = GPA_FREE | PTE_WRITABLE;
	pd[0] = (end - 2 * MIB) | PTE_WRITABLE | PTE_PS;
	mem[1] = 0x1234;
	REQUIRE_EQ(access_at(v, LINEAR + 2 * MIB - PAGE + 8, false), RUN_SYNC);
	CHECK_EQ(vm_shared(v->vm)->arg[2], NO_TRAP);
	CHECK_EQ(vm_shared(v->vm)->arg[3], 0x1234);
	REQUIRE_EQ(access_at(v, LINEAR + 2 * MIB - 2 * PAGE, false), KVM_EXIT_MMIO);
	CHECK_EQ(v->run->mmio.phys_addr, end - 2 * PAGE);
	CHECK_EQ(v->run->mmio.len, 8);
}

/* Bits of an entry that no address may have: #PF, and the error code says why. */
TEST(entries_beyond_maxphyaddr)
{
	struct vcpu *v = start();
	volatile struct guest_shared *s = vm_shared(v->vm);
	u64 *pd = table_at(v->vm, GPA_FREE);
	u64 end = 1UL << maxphyaddr();
	const struct { const char *name; u64 entry; } rows[] = {
		{ "large page just beyond", end | PTE_WRITABLE | PTE_PS },
		{ "large page at bit 51", 1UL << 51 | PTE_WRITABLE | PTE_PS },
		{ "large page, bit 13", 1UL << 13 | PTE_WRITABLE | PTE_PS },
		{ "table just beyond", end | PTE_WRITABLE },
		{ "table at all bits", (1UL << 52) - end + GPA_FREE + PTE_WRITABLE },
	};

	if (maxphyaddr() > 51)
		SKIP("MAXPHYADDR is %u", maxphyaddr());
	table_at(v->vm, GPA_PDPT)[LINEAR / GIB] = GPA_FREE | PTE_WRITABLE;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		u64 linear = LINEAR + i * 2 * MIB + 0x4568;

		pd[i] = rows[i].entry;
		for (int write = 0; write < 2; write++) {
			ktap_row("%s, %s", rows[i].name, write ? "write" : "read");
			REQUIRE_EQ(access_at(v, linear, write), RUN_SYNC);
			CHECK_EQ(s->arg[2], VEC_PF);
			CHECK_EQ(s->error, 9 | write << 1);	/* present, reserved bit */
			CHECK_EQ(s->cr2, linear);
		}
	}
}

/* The processor walks into a device, and gets nothing from there. */
TEST(page_tables_in_no_memory)
{
	struct vcpu *v = start();
	volatile struct guest_shared *s = vm_shared(v->vm);

	table_at(v->vm, GPA_PDPT)[LINEAR / GIB] = NOWHERE | PTE_WRITABLE;
	for (int write = 0; write < 2; write++) {
		ktap_row(write ? "write" : "read");
		REQUIRE_EQ(access_at(v, LINEAR + 0x18, write), RUN_SYNC);
		CHECK_EQ(s->arg[2], VEC_PF);
		CHECK_EQ(s->cr2, LINEAR + 0x18);
		CHECK(!(s->error & ~(1UL << 3 | 3)), "error code 0x%llx",
		      (unsigned long long)s->error);
	}
	ktap_row("afterwards");
	REQUIRE_EQ(access_at(v, GPA_FREE, false), RUN_SYNC);
	CHECK_EQ(s->arg[2], NO_TRAP);
}

/* With CR3 itself there nothing works any more, the handler of exceptions least of all. */
TEST(root_in_no_memory)
{
	struct vcpu *v = start();
	struct kvm_sregs s;

	vcpu_get_sregs(v, &s);
	s.cr3 = NOWHERE;
	vcpu_set_sregs(v, &s);
	vcpu_run(v);
	ktap_note("%s", exit_name(v->run->exit_reason));
	CHECK(v->run->exit_reason == KVM_EXIT_SHUTDOWN ||
	      v->run->exit_reason == KVM_EXIT_INTERNAL_ERROR, "%s",
	      exit_name(v->run->exit_reason));
	s.cr3 = GPA_PML4;
	vcpu_set_sregs(v, &s);
}

/* In memory that the guest may not write, tables serve, though accessed bits are lost. */
TEST(page_tables_in_read_only_memory)
{
	struct vcpu *v = start();
	volatile struct guest_shared *s = vm_shared(v->vm);
	u64 *table = map(PAGE);

	REQUIRE_CAP(v->vm->dev, KVM_CAP_READONLY_MEM);
	table[0] = PTE_WRITABLE | PTE_PS;		/* address 0 */
	vm_set_region(v->vm, 1, KVM_MEM_READONLY, WINDOW, PAGE, table);
	table_at(v->vm, GPA_PDPT)[LINEAR / GIB] = WINDOW | PTE_WRITABLE;
	*table_at(v->vm, GPA_FREE) = 0x77;
	REQUIRE_EQ(access_at(v, LINEAR + GPA_FREE, false), RUN_SYNC);
	CHECK_EQ(s->arg[2], NO_TRAP);
	if (!strcmp(device_path(), "/dev/kvm") && s->arg[3] == table[0])
		SKIP("KVM emulates the read at the address of the table");
	CHECK_EQ(s->arg[3], 0x77);
	s->arg[3] = 0x78;
	REQUIRE_EQ(access_at(v, LINEAR + GPA_FREE, true), RUN_SYNC);
	CHECK_EQ(s->arg[2], NO_TRAP);
	CHECK_EQ(*table_at(v->vm, GPA_FREE), 0x78);
	CHECK_EQ(table[0], PTE_WRITABLE | PTE_PS);
}

/* The memory of a table is unmapped in the VMM: KVM_RUN says so, and goes on when it is back. */
TEST(page_tables_unmapped)
{
	struct vcpu *v = start();
	volatile struct guest_shared *s = vm_shared(v->vm);
	u64 *table = map(PAGE);

	vm_set_region(v->vm, 1, 0, WINDOW, PAGE, table);
	table_at(v->vm, GPA_PDPT)[LINEAR / GIB] = WINDOW | PTE_WRITABLE;
	REQUIRE_OK(munmap(table, PAGE));
	s->arg[0] = LINEAR + GPA_FREE;
	CHECK_ERRNO(ioctl(v->fd, KVM_RUN, 0), EFAULT);
	REQUIRE(mmap(table, PAGE, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == table, "mmap: %m");
	table[0] = PTE_WRITABLE | PTE_PS;
	vcpu_expect_sync(v, 1);
	CHECK_EQ(s->arg[2], NO_TRAP);
}

static volatile siginfo_t bus;

static void on_bus(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)context;
	bus = *info;
}

/*
 * The host has lost the page: the VMM is told by SIGBUS at which address, as if it had touched the
 * page itself, and the guest goes on when there is another one.
 */
TEST(poisoned_page)
{
	struct sigaction action = { .sa_sigaction = on_bus, .sa_flags = SA_SIGINFO };
	struct vcpu *v = start();
	volatile struct guest_shared *s = vm_shared(v->vm);
	u64 *mem = map(2 * PAGE);

	madvise(mem, 2 * PAGE, MADV_NOHUGEPAGE);
	vm_set_region(v->vm, 1, 0, WINDOW, 2 * PAGE, mem);
	s->arg[3] = 0x55;
	REQUIRE_EQ(access_at(v, WINDOW, true), RUN_SYNC);
	REQUIRE_EQ(access_at(v, WINDOW + PAGE, true), RUN_SYNC);
	REQUIRE_OK(sigaction(SIGBUS, &action, NULL));
	if (madvise(mem, PAGE, MADV_HWPOISON) < 0)
		SKIP("MADV_HWPOISON: %m");
	bus.si_signo = 0;
	s->arg[0] = WINDOW + 0x10;
	s->arg[1] = 0;
	CHECK_ERRNO(ioctl(v->fd, KVM_RUN, 0), EINTR);
	CHECK_EQ(bus.si_signo, SIGBUS);
	CHECK_EQ(bus.si_code, BUS_MCEERR_AR);
	CHECK_EQ((u64)bus.si_addr, (u64)mem);
	CHECK_EQ(bus.si_addr_lsb, 12);
	REQUIRE(mmap(mem, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
		     0) == mem, "mmap: %m");
	mem[2] = 0x66;
	vcpu_expect_sync(v, 1);
	CHECK_EQ(s->arg[3], 0x66);
	REQUIRE_EQ(access_at(v, WINDOW + PAGE, false), RUN_SYNC);
	CHECK_EQ(s->arg[3], 0x55);
}
