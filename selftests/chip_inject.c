// SPDX-License-Identifier: GPL-2.0-only
/*
 * Events that user space injects: KVM_INTERRUPT without an in-kernel chip, with the interrupt
 * window and its flags in kvm_run; KVM_NMI, blocked while one is served; and interrupts that wake
 * a halted vCPU from another thread.
 */
#include <pthread.h>
#include <time.h>

#include "chips.h"
#include "signals.h"
#include "vm.h"

#define VECTOR	0x61

static struct vcpu *start(unsigned int flags, void (*fn)(void))
{
	struct vcpu *v = vcpu_create(vm_create(flags), 0);

	vcpu_set_long(v, fn);
	return v;
}

static void inject(struct vcpu *v, u32 vector)
{
	struct kvm_interrupt irq = { .irq = vector };

	REQUIRE_OK(ioctl(v->fd, KVM_INTERRUPT, &irq));
}

GUEST_CODE static void on_irq(struct trap_frame *f)
{
	(void)f;
	ARG(1)++;
}

GUEST_CODE static void guest_window(void)
{
	guest_set_handler(VECTOR, on_irq);
	cli();
	guest_sync(1);
	G_EQ(ARG(1), 0);
	asm volatile("sti; nop; nop; nop; cli" ::: "memory");
	G_EQ(ARG(1), 1);
	sti();
	guest_sync(2);
	asm volatile("nop");
	G_EQ(ARG(1), 2);
	guest_sync(3);
	sti_hlt();			/* KVM_EXIT_HLT: the VMM wakes it with an interrupt */
	cli();
	G_EQ(ARG(1), 3);
	guest_done();
}

TEST(interrupt_window)
{
	struct vcpu *v = start(0, guest_window);

	vcpu_expect_sync(v, 1);
	CHECK_EQ(v->run->if_flag, 0);
	CHECK_EQ(v->run->ready_for_interrupt_injection, 0);
	v->run->request_interrupt_window = 1;
	vcpu_expect(v, KVM_EXIT_IRQ_WINDOW_OPEN);
	CHECK_EQ(v->run->if_flag, 1);
	CHECK_EQ(v->run->ready_for_interrupt_injection, 1);
	v->run->request_interrupt_window = 0;
	inject(v, VECTOR);
	vcpu_expect_sync(v, 2);
	CHECK_EQ(v->run->if_flag, 1);
	/* Right behind an OUT with IF set nothing blocks it. */
	CHECK_EQ(v->run->ready_for_interrupt_injection, 1);
	inject(v, VECTOR);
	vcpu_expect_sync(v, 3);
	vcpu_expect(v, KVM_EXIT_HLT);
	CHECK_EQ(v->run->if_flag, 1);
	inject(v, VECTOR);
	vcpu_finish(v);
	CHECK_EQ(vm_shared(v->vm)->count[VECTOR], 3);
}

TEST(interrupt_refused)
{
	struct vcpu *v = start(0, guest_window), *chip = start(VM_IRQCHIP, guest_window);
	struct kvm_interrupt irq = { .irq = 256 };

	CHECK_ERRNO(ioctl(v->fd, KVM_INTERRUPT, &irq), EINVAL);
	irq.irq = VECTOR;
	CHECK_ERRNO(ioctl(chip->fd, KVM_INTERRUPT, &irq), ENXIO);
	CHECK_OK(ioctl(v->fd, KVM_INTERRUPT, &irq));
	/*
	 * The API document says EEXIST for a second one; KVM takes it where all chips are in user
	 * space.
	 */
	CHECK(ioctl(v->fd, KVM_INTERRUPT, &irq) == 0 || errno == EEXIST, "errno %d", errno);
}

/*
 * One that user space set while IF was off stays pending in the vCPU's events and arrives later,
 * once.
 */
GUEST_CODE static void guest_real_pending(void)
{
	guest_set_handler(VECTOR, on_irq);
	sti();
	for (u32 i = 0; i < 100; i++)
		guest_sync(i);
	cli();
	G_EQ(ARG(1), 100);
	guest_done();
}

TEST(a_hundred_interrupts)
{
	struct vcpu *v = start(0, guest_real_pending);

	for (u32 i = 0; i < 100; i++) {
		vcpu_expect_sync(v, i);
		REQUIRE(v->run->ready_for_interrupt_injection, "not ready at %u", i);
		inject(v, VECTOR);
	}
	vcpu_finish(v);
}

/* Real mode takes it through the table at 0. */
RM_CODE(real_irq,
	"movw $0xd000 + (on_real_irq - real_irq_start), 0x184; movw $0, 0x186; sti; 1: out %al, $0x80;"
	"cmp $0x77, %bx; jne 1b; hlt; on_real_irq: mov $0x77, %bx; iret");

TEST(interrupt_in_real_mode)
{
	struct vcpu *v = vcpu_create(vm_create(0), 0);

	vcpu_set_real(v, CODE(real_irq));
	vcpu_expect(v, KVM_EXIT_IO);
	inject(v, VECTOR);
	/* The interrupt may come before or after the comparison: one turn more or less. */
	while (vcpu_next(v) == KVM_EXIT_IO)
		REQUIRE(!ktap_timed_out(), "the interrupt does not come");
	CHECK_EQ(v->run->exit_reason, KVM_EXIT_HLT);
}

GUEST_CODE static void on_nmi(struct trap_frame *f)
{
	(void)f;
	ARG(1)++;
	if (ARG(2)) {
		ARG(2) = 0;
		guest_sync(0x10);		/* two more NMIs come here: one is kept */
		G_EQ(ARG(1), 1);
	}
}

GUEST_CODE static void guest_nmi(void)
{
	guest_set_handler(VEC_NMI, on_nmi);
	cli();
	guest_sync(1);			/* IF does not matter */
	asm volatile("nop");
	G_EQ(ARG(1), 1);
	ARG(1) = 0;
	ARG(2) = 1;
	guest_sync(2);
	asm volatile("nop; nop");
	G_CHECK(ARG(1) == 2 || ARG(1) == 3);	/* KVM keeps one NMI or two while one is served */
	guest_sync(3);
	guest_done();
}

TEST(nmi)
{
	struct vcpu *v = start(VM_IRQCHIP, guest_nmi);
	struct kvm_vcpu_events e;

	REQUIRE_CAP(v->vm->dev, KVM_CAP_USER_NMI);
	vcpu_expect_sync(v, 1);
	REQUIRE_OK(ioctl(v->fd, KVM_NMI));
	vcpu_expect_sync(v, 2);
	REQUIRE_OK(ioctl(v->fd, KVM_NMI));
	vcpu_expect_sync(v, 0x10);
	REQUIRE_OK(ioctl(v->fd, KVM_GET_VCPU_EVENTS, &e));
	CHECK_EQ(e.nmi.masked, 1);
	REQUIRE_OK(ioctl(v->fd, KVM_NMI));
	REQUIRE_OK(ioctl(v->fd, KVM_NMI));
	vcpu_expect_sync(v, 3);
	REQUIRE_OK(ioctl(v->fd, KVM_GET_VCPU_EVENTS, &e));
	CHECK_EQ(e.nmi.masked, 0);
	CHECK_EQ(e.nmi.pending, 0);
	vcpu_finish(v);
}

/*
 * Not by KVM_NMI, which waits for the end of KVM_RUN as every ioctl of a vCPU does, but by lines.
 */
struct waker {
	struct vcpu *v;
	int nmi;
	volatile u32 stop;
};

static void *wake(void *arg)
{
	struct waker *w = arg;

	while (!w->stop) {
		nanosleep(&(struct timespec) { .tv_nsec = 2000000 }, NULL);
		vm_irq_line(w->v->vm, 5 + w->nmi, 1);
		vm_irq_line(w->v->vm, 5 + w->nmi, 0);
	}
	return NULL;
}

GUEST_CODE static void on_wake(struct trap_frame *f)
{
	ARG(1)++;
	if (f->vector != VEC_NMI)
		apic_write(APIC_EOI, 0);
}

GUEST_CODE static void guest_sleeps(void)
{
	guest_set_handler(VECTOR, on_wake);
	guest_set_handler(VEC_NMI, on_wake);
	apic_enable();
	ioapic_route(5, VECTOR, 0);
	ioapic_route(6, APIC_DM_NMI, 0);
	for (u64 i = 1; i <= 20; i++) {
		while (ARG(1) < i) {
			if (ARG(0))
				hlt();		/* with IF clear: only the NMI wakes it */
			else
				sti_hlt();
			cli();
		}
	}
	guest_done();
}

TEST(halted_vcpu_is_woken)
{
	for (int nmi = 0; nmi < 2; nmi++) {
		struct waker w = { .v = start(VM_IRQCHIP, guest_sleeps), .nmi = nmi };
		pthread_t thread;

		ktap_row(nmi ? "by an NMI" : "by a line");
		vm_shared(w.v->vm)->arg[0] = nmi;
		REQUIRE(!pthread_create(&thread, NULL, wake, &w), "pthread_create");
		vcpu_finish(w.v);
		w.stop = 1;
		pthread_join(thread, NULL);
	}
}

/* HLT with nothing to come: KVM_RUN sleeps in the kernel, and a signal ends it. */
GUEST_CODE static void guest_sleeps_forever(void)
{
	for (;;)
		hlt();
}

TEST(halted_vcpu_is_interruptible)
{
	struct vcpu *v = start(VM_IRQCHIP, guest_sleeps_forever);
	struct kvm_mp_state mp;

	vcpu_run_until_signal(v, 30);
	REQUIRE_OK(ioctl(v->fd, KVM_GET_MP_STATE, &mp));
	CHECK_EQ(mp.mp_state, KVM_MP_STATE_HALTED);
}
