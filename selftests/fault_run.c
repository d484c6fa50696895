// SPDX-License-Identifier: GPL-2.0-only
/*
 * A running guest with a fault at each place where KVM_RUN can have one. The guest takes memory,
 * reads and writes it by string instructions, by an interpreted access of MMIO, and through its
 * own page tables; KVM_RUN fails at the n-th place with an errno that fits, is called again, and
 * the guest ends with what it would have had. Where the interpreter cannot have the guest's memory
 * the answer is KVM_EXIT_INTERNAL_ERROR, and the instruction has done nothing yet. Needs the debug
 * kernel.
 */
#include "fault.h"
#include "guest.h"
#include "vm.h"

#define PAGES		12
#define MANY_SITES	2000
#define MMIO_GPA	0xd0000000UL
#define PORT		0x300

/* Sums what it wrote to memory and what MMIO and a string of input gave. */
GUEST_CODE static void guest_works(void)
{
	u64 sum = 0;
	u32 a, b, c, d;

	for (u64 i = 0; i < PAGES; i++) {
		volatile u64 *p = (volatile u64 *)(GPA_HIGH + i * 4096);
		u64 to = GPA_HIGH + i * 4096 + 64, count = 16;

		*p = i * 3 + 1;
		sum += *p;
		asm volatile("rep insb" : "+D"(to), "+c"(count) : "d"((u16)PORT) : "memory");
		for (int k = 0; k < 16; k++)
			sum += *(volatile u8 *)(GPA_HIGH + i * 4096 + 64 + k);
		sum += *(volatile u32 *)(MMIO_GPA + 8 * i);
		*(volatile u32 *)(MMIO_GPA + 8 * i) = i;
		cpuid(0, 0, &a, &b, &c, &d);
	}
	ARG(0) = sum;
	guest_done();
}

static u64 expected(void)
{
	u64 sum = 0;

	for (u64 i = 0; i < PAGES; i++)
		sum += i * 3 + 1 + 16 * 7 + 0x100 + 8 * i;
	return sum;
}

/* One KVM_RUN, and what user space does for it. False: the guest has ended. */
static bool run_on(struct vcpu *v, unsigned int *failed)
{
	struct kvm_run *run = v->run;

	errno = 0;
	if (ioctl(v->fd, KVM_RUN, 0) < 0) {
		(*failed)++;
		REQUIRE(errno == ENOMEM || errno == EFAULT, "KVM_RUN: errno %d", errno);
		return true;
	}
	switch (vcpu_event(v)) {
	case RUN_DONE:
		return false;
	case KVM_EXIT_IO:
		REQUIRE_EQ(run->io.port, PORT);
		memset((u8 *)run + run->io.data_offset, 7, run->io.size * run->io.count);
		return true;
	case KVM_EXIT_MMIO:
		if (!run->mmio.is_write)
			*(u32 *)run->mmio.data = 0x100 + run->mmio.phys_addr - MMIO_GPA;
		return true;
	case KVM_EXIT_INTERNAL_ERROR:
		REQUIRE_EQ(run->internal.suberror, KVM_INTERNAL_ERROR_EMULATION);
		(*failed)++;
		return true;
	}
	REQUIRE(false, "exit reason %u", run->exit_reason);
	return false;
}

/* Whether there was an n-th place. */
static bool fault_at(unsigned int n, unsigned int *failed)
{
	struct vcpu *v = vcpu_create(vm_create(VM_IRQCHIP), 0);
	struct vm *vm = v->vm;
	unsigned int rounds = 0;
	bool hit;

	ktap_row("fault %u", n);
	madvise(vm->mem, vm->mem_size, MADV_NOHUGEPAGE);
	vcpu_set_long(v, guest_works);
	fault_arm(n);
	while (run_on(v, failed))
		REQUIRE(rounds++ < 200, "no end");
	hit = fault_disarm();
	CHECK_EQ(vm_shared(vm)->arg[0], expected());
	vcpu_destroy(v);
	vm_destroy(vm);
	return hit;
}

TEST_SLOW(each_place, 30)
{
	unsigned int n = 1, failed = 0;

	fault_prepare();
	while (n < MANY_SITES && !ktap_timed_out() && fault_at(n, &failed))
		n++;
	ktap_note("%u faults, %u of them ended a KVM_RUN", n - 1, failed);
	CHECK(n < MANY_SITES, "no end");
	CHECK(failed > 20, "too few: are faults injected at all?");
}
