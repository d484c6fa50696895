// SPDX-License-Identifier: GPL-2.0-only
/*
 * The split interrupt controller: local APICs in the kernel, PIC and IOAPIC in user space.
 * Messages, the end of those that are levels, vectors of user space's PIC, and APIC ids of 32 bits.
 */
#include "chips.h"
#include "events.h"

#define VECTOR	0x61
#define LEVEL	0xc000		/* of a message's data: level-triggered, assert */
#define DEST(n)	(APIC_BASE | (n) << 12)

static struct vcpu *start(void (*fn)(void))
{
	struct vcpu *v = vcpu_create(vm_create(VM_SPLIT), 0);

	vcpu_set_long(v, fn);
	return v;
}

GUEST_CODE static void on_irq(struct trap_frame *f)
{
	ARG(0) = ARG(0) << 8 | f->vector;
	ARG(1)++;
	apic_write(APIC_EOI, 0);
}

GUEST_CODE static void guest_counts(void)
{
	guest_set_handler(VECTOR, on_irq);
	apic_enable();
	for (;;) {
		guest_sync(ARG(1));
		window();
	}
}

TEST(what_is_in_the_kernel)
{
	struct vcpu *v = start(guest_counts);
	struct kvm_irqchip chip = { .chip_id = KVM_IRQCHIP_IOAPIC };
	struct kvm_enable_cap cap = { .cap = KVM_CAP_SPLIT_IRQCHIP, .args = { 24 } };
	struct kvm_pit_config pit = { 0 };
	struct kvm_lapic_state lapic;
	int event = event_create(), other = event_create();

	CHECK_ERRNO(ioctl(v->vm->fd, KVM_GET_IRQCHIP, &chip), ENXIO);
	CHECK_ERRNO(ioctl(v->vm->fd, KVM_SET_IRQCHIP, &chip), ENXIO);
	CHECK_ERRNO(ioctl(v->vm->fd, KVM_CREATE_IRQCHIP, 0), EEXIST);
	CHECK_ERRNO(ioctl(v->vm->fd, KVM_CREATE_PIT2, &pit), ENOENT);
	CHECK_ERRNO(ioctl(v->vm->fd, KVM_ENABLE_CAP, &cap), EEXIST);
	CHECK_OK(ioctl(v->fd, KVM_GET_LAPIC, &lapic));
	CHECK_ERRNO(irqfd_resample(v->vm, event, 4, other), EINVAL);

	vcpu_expect_sync(v, 0);
	vm_irq_line(v->vm, 4, 1);		/* no route, no error */
	REQUIRE_OK(route_msi(v->vm, 30, DEST(0), VECTOR));
	vm_irq_line(v->vm, 30, 1);
	vcpu_expect_sync(v, 1);
	REQUIRE_OK(irqfd(v->vm, event, 30, 0));
	event_signal(event);
	vcpu_expect_sync(v, 2);
}

/* The ports and the memory of the chips are user space's. */
GUEST_CODE static void guest_touches(void)
{
	inb(PIC1 + 1);
	guest_sync(1);
	inb(0x40);
	guest_sync(2);
	mmio_write(IOAPIC_BASE, 1);
	guest_done();
}

TEST(chips_are_user_space_s)
{
	struct vcpu *v = start(guest_touches);

	vcpu_expect(v, KVM_EXIT_IO);
	CHECK_EQ(v->run->io.port, PIC1 + 1);
	vcpu_expect_sync(v, 1);
	vcpu_expect(v, KVM_EXIT_IO);
	CHECK_EQ(v->run->io.port, 0x40);
	vcpu_expect_sync(v, 2);
	vcpu_expect(v, KVM_EXIT_MMIO);
	CHECK_EQ(v->run->mmio.phys_addr, IOAPIC_BASE);
	vcpu_finish(v);
}

TEST(end_of_a_level)
{
	struct vcpu *v = start(guest_counts);

	vcpu_expect_sync(v, 0);
	REQUIRE_OK(route_msi(v->vm, 4, DEST(0), VECTOR | LEVEL));
	for (u32 i = 1; i <= 3; i++) {
		vm_irq_line(v->vm, 4, 1);
		vcpu_expect(v, KVM_EXIT_IOAPIC_EOI);
		CHECK_EQ(v->run->eoi.vector, VECTOR);
		vcpu_expect_sync(v, i);
	}
	/* an edge, a GSI that is not the IOAPIC's: the EOI is nobody's business */
	REQUIRE_OK(route_msi(v->vm, 4, DEST(0), VECTOR));
	vm_irq_line(v->vm, 4, 1);
	vcpu_expect_sync(v, 4);
	REQUIRE_OK(route_msi(v->vm, 24, DEST(0), VECTOR | LEVEL));
	vm_irq_line(v->vm, 24, 1);
	vcpu_expect_sync(v, 5);
}

/* KVM_INTERRUPT is ExtINT, through LINT0. */
GUEST_CODE static void on_extint(struct trap_frame *f)
{
	ARG(0) = ARG(0) << 8 | f->vector;
	ARG(1)++;
}

GUEST_CODE static void guest_extint(void)
{
	guest_set_handler(VECTOR, on_extint);
	guest_set_handler(VECTOR + 1, on_extint);
	apic_enable();				/* LINT0 is masked */
	guest_sync(0);
	window();
	guest_sync(0x10 + ARG(1));
	apic_virtual_wire();
	guest_sync(0x18);
	window();
	guest_sync(0x20 + ARG(1));
	sti();
	for (u32 i = 0; i < 1000 && ARG(1) < 2; i++)
		cpu_relax();
	cli();
	guest_sync(0x30 + ARG(1));
	guest_done();
}

TEST(extint)
{
	struct vcpu *v = start(guest_extint);
	struct kvm_interrupt irq = { VECTOR }, next = { VECTOR + 1 }, wrong = { 256 };
	struct kvm_regs regs;

	vcpu_expect_sync(v, 0);
	CHECK_EQ(v->run->ready_for_interrupt_injection, 0);	/* IF is 0 */
	CHECK_ERRNO(ioctl(v->fd, KVM_INTERRUPT, &wrong), EINVAL);
	REQUIRE_OK(ioctl(v->fd, KVM_INTERRUPT, &irq));
	CHECK_ERRNO(ioctl(v->fd, KVM_INTERRUPT, &next), EEXIST);
	vcpu_expect_sync(v, 0x10);		/* does not pass LINT0 */
	vcpu_expect_sync(v, 0x18);
	vcpu_get_regs(v, &regs);		/* KVM looks at the vector again after this only */
	vcpu_set_regs(v, &regs);
	vcpu_expect_sync(v, 0x21);
	v->run->request_interrupt_window = 1;
	vcpu_expect(v, KVM_EXIT_IRQ_WINDOW_OPEN);
	CHECK_EQ(v->run->ready_for_interrupt_injection, 1);
	v->run->request_interrupt_window = 0;
	REQUIRE_OK(ioctl(v->fd, KVM_INTERRUPT, &next));
	vcpu_expect_sync(v, 0x32);
	CHECK_EQ(vm_shared(v->vm)->arg[0], VECTOR << 8 | (VECTOR + 1));
	vcpu_finish(v);
}

static void x2apic_api(struct vm *vm, u64 flags)
{
	struct kvm_enable_cap cap = { .cap = KVM_CAP_X2APIC_API, .args = { flags } };

	REQUIRE_CAP(vm->dev, KVM_CAP_X2APIC_API);
	REQUIRE_OK(ioctl(vm->fd, KVM_ENABLE_CAP, &cap));
}

static u32 lapic_id(struct vcpu *v)
{
	struct kvm_lapic_state lapic;
	u32 id;

	REQUIRE_OK(ioctl(v->fd, KVM_GET_LAPIC, &lapic));
	memcpy(&id, lapic.regs + APIC_ID, sizeof(id));
	return id;
}

static struct vcpu *x2apic_vcpu(struct vm *vm, unsigned int id)
{
	struct vcpu *v = vcpu_create(vm, id);
	struct kvm_sregs sregs;

	vcpu_set_long(v, guest_counts);
	vcpu_get_sregs(v, &sregs);
	sregs.apic_base |= APICBASE_X2APIC | APICBASE_ENABLE;
	vcpu_set_sregs(v, &sregs);
	vcpu_set_msr(v, MSR_X2APIC + APIC_SPIV / 16, APIC_SPIV_ENABLE | 0xff);
	return v;
}

static int send(struct vm *vm, u32 address_hi, u32 dest, u32 flags)
{
	struct kvm_msi msi = {
		.address_lo = DEST(dest), .address_hi = address_hi, .data = VECTOR, .flags = flags,
	};

	return ioctl(vm->fd, KVM_SIGNAL_MSI, &msi);
}

TEST(ids_of_32_bits)
{
	struct vm *vm = vm_create(VM_SPLIT);
	struct vcpu *v[2] = { x2apic_vcpu(vm, 0), x2apic_vcpu(vm, 5) };
	struct kvm_lapic_state lapic;
	u32 id = 5;

	CHECK_EQ(lapic_id(v[1]), 5 << 24);
	CHECK_EQ(send(vm, 0x100, 5, 0), 1);	/* the upper bits mean nothing yet, */
	CHECK_EQ(send(vm, 0xff, 0, 0), 1);
	CHECK(send(vm, 0, 0xff, 0) >= 0, "broadcast: %m");
	x2apic_api(vm, KVM_X2APIC_API_USE_32BIT_IDS);
	CHECK_EQ(lapic_id(v[1]), 5);
	CHECK_EQ(send(vm, 0x100, 5, 0), 0);	/* now they do */
	CHECK_ERRNO(send(vm, 0x1, 5, 0), EINVAL);
	CHECK_ERRNO(route_msi(vm, 4, DEST(5) | 1ULL << 32, VECTOR), EINVAL);
	CHECK_OK(route_msi(vm, 4, DEST(5) | 1ULL << 40, VECTOR));

	REQUIRE_OK(ioctl(v[1]->fd, KVM_GET_LAPIC, &lapic));
	CHECK_OK(ioctl(v[1]->fd, KVM_SET_LAPIC, &lapic));
	id <<= 24;
	memcpy(lapic.regs + APIC_ID, &id, sizeof(id));
	CHECK_ERRNO(ioctl(v[1]->fd, KVM_SET_LAPIC, &lapic), EINVAL);
}

/* Without the quirk 0xff is a destination like others: no vCPU's here. */
TEST(no_broadcast)
{
	struct vm *vm = vm_create(VM_SPLIT);
	struct kvm_enable_cap wrong = { .cap = KVM_CAP_X2APIC_API, .args = { 1ULL << 40 } };

	x2apic_vcpu(vm, 0);
	x2apic_vcpu(vm, 1);
	CHECK_EQ(send(vm, 0, 0xff, 0), 2);
	CHECK_ERRNO(ioctl(vm->fd, KVM_ENABLE_CAP, &wrong), EINVAL);
	x2apic_api(vm, KVM_X2APIC_API_DISABLE_BROADCAST_QUIRK);
	CHECK_EQ(send(vm, 0, 0xff, 0), 0);
}
