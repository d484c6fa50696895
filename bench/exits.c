// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rows: exits that one vCPU causes, handled in the kernel or in user space. The guest sets the
 * marks.
 */
#include <sys/eventfd.h>

#include "bench.h"

/* Code and row in one place. */
#define GUEST_ROW(name_, ops_, per_, statement)					\
	GUEST_CODE static void guest_##name_(void)				\
	{									\
		G_BATCHES(ops_, statement);					\
		guest_done();							\
	}									\
	TEST(name_##_row)							\
	{									\
		ROW(#name_, ops_, 0, per_);					\
										\
		bench_guest(&row, guest_##name_);				\
	}

GINLINE void do_cpuid(void)
{
	u32 a, b, c, d;

	cpuid(0, 0, &a, &b, &c, &d);
}

GINLINE void do_vmcall(void)
{
	u64 a = 0x7fff0001;	/* no hypercall: the answer is an error */

	asm volatile("vmcall" : "+a"(a) : "b"(0UL), "c"(0UL), "d"(0UL), "S"(0UL) : "memory");
}

GINLINE void do_rep(bool in)
{
	u64 count = 128, at = GPA_FREE;

	if (in)
		asm volatile("rep insb" : "+c"(count), "+D"(at) : "d"(PORT_FREE) : "memory");
	else
		asm volatile("rep outsb" : "+c"(count), "+S"(at) : "d"(PORT_FREE) : "memory");
}

GUEST_ROW(cpuid, 16, "CPUID", do_cpuid())
GUEST_ROW(vmcall, 16, "VMCALL, unknown number", do_vmcall())
GUEST_ROW(rdmsr, 16, "RDMSR, intercepted (MISC_ENABLE)", rdmsr(MSR_MISC_ENABLE))
GUEST_ROW(wrmsr, 16, "WRMSR, intercepted (BIOS_SIGN_ID)", wrmsr(MSR_BIOS_SIGN_ID, 0))
GUEST_ROW(cr8, 16, "write of CR8", WRITE_CR(8, op_ & 1))
GUEST_ROW(pio_out, 16, "OUT to user space and back", outb(PORT_FREE, 0))
GUEST_ROW(pio_in, 16, "IN from user space", inb(PORT_FREE))
GUEST_ROW(mmio_write, 16, "MMIO write to user space and back", mmio_write(GPA_FREE_MMIO, 0))
GUEST_ROW(mmio_read, 16, "MMIO read from user space", mmio_read(GPA_FREE_MMIO))
GUEST_ROW(rep_outs, 2, "REP OUTSB of 128 bytes", do_rep(false))
GUEST_ROW(rep_ins, 2, "REP INSB of 128 bytes", do_rep(true))
GUEST_ROW(pic_read, 16, "IN from the PIC's mask", inb(PIC1 + 1))
GUEST_ROW(ioapic_read, 16, "MMIO read of the IOAPIC", mmio_read(IOAPIC_BASE + 0x10))

/* The kernel alone, by an eventfd that nobody reads. */
GUEST_CODE static void guest_kick(void)
{
	G_BATCHES(16, outb(PORT_FREE + 8, 0));
	guest_done();
}

TEST(ioeventfd_row)
{
	ROW("ioeventfd", 16, 0, "OUT that kicks an eventfd");
	struct vm *vm = vm_create(VM_IRQCHIP);
	struct kvm_ioeventfd kick = {
		.addr = PORT_FREE + 8, .len = 1, .flags = KVM_IOEVENTFD_FLAG_PIO,
	};

	REQUIRE_CAP(vm->dev, KVM_CAP_IOEVENTFD);
	kick.fd = REQUIRE_OK(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
	REQUIRE_OK(ioctl(vm->fd, KVM_IOEVENTFD, &kick));
	bench_pin(0);
	bench_run(bench_vcpu(vm, 0, guest_kick));
	bench_report(&row, vm);
}

/* User space empties the ring between the batches: the write to PORT_SYNC. */
GUEST_CODE static void guest_coalesced(void)
{
	for (u32 b = 0; b < BATCHES; b++) {
		g_begin(b);
		for (u32 i = 0; i < 16; i++)
			mmio_write(GPA_FREE_MMIO, i);
		g_end(b);
		guest_sync(b);
	}
	guest_done();
}

TEST(coalesced_mmio_row)
{
	ROW("coalesced_mmio", 16, 0, "MMIO write into the ring");
	struct vm *vm = vm_create(VM_IRQCHIP);
	struct kvm_coalesced_mmio_zone zone = { .addr = GPA_FREE_MMIO, .size = 4096 };
	struct kvm_coalesced_mmio_ring *ring;
	struct vcpu *v;
	int page;

	REQUIRE_CAP(vm->dev, KVM_CAP_COALESCED_MMIO);
	page = device_cap(vm->dev, KVM_CAP_COALESCED_MMIO);
	REQUIRE_OK(ioctl(vm->fd, KVM_REGISTER_COALESCED_MMIO, &zone));
	bench_pin(0);
	v = bench_vcpu(vm, 0, guest_coalesced);
	ring = (void *)((u8 *)v->run + page * 4096);
	for (u32 b = 0; b < BATCHES; b++) {
		vcpu_expect_sync(v, b);
		REQUIRE(ring->first != ring->last, "the ring stayed empty");
		ring->first = ring->last;
	}
	vcpu_finish(v);
	bench_report(&row, vm);
}
