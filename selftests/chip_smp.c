// SPDX-License-Identifier: GPL-2.0-only
/*
 * Two vCPUs: INIT and SIPI start the second one in real mode, IPIs of all destination forms
 * arrive, halted vCPUs wake, and memory is shared. The second vCPU runs in a thread of its own.
 */
#include <pthread.h>

#include "chips.h"
#include "vm.h"

#define VECTOR	0x61
#define SIPI	0x20		/* page 0x20000 */
#define FLAG	((volatile u32 *)GPA_PAGE)

static void *run_ap(void *arg)
{
	struct vcpu *v = arg;

	vcpu_next(v); /* ends by the guest's HLT loop being left with the process, or by an exit */
	return NULL;
}

RM_CODE(ap_start, "mov %cs, %ax; mov %ax, %ds; xor %ax, %ax; mov %ax, %es; es movw $0x5a5a, 0x3000;"
		  "cs mov ap_data - ap_start_start, %bx; es mov %bx, 0x3004; 1: cli; hlt; jmp 1b;"
		  "ap_data: .word 0x1234");

GUEST_CODE static void guest_starts_ap(void)
{
	u64 t0 = rdtsc();

	apic_enable();
	apic_write(APIC_ICR2, 1 << 24);
	apic_write(APIC_ICR, APIC_DM_INIT | APIC_ASSERT | APIC_LEVEL);
	apic_write(APIC_ICR2, 1 << 24);
	apic_write(APIC_ICR, APIC_DM_STARTUP | SIPI);
	while (FLAG[0] != 0x5a5a)
		G_CHECK(rdtsc() - t0 < 100 * ARG(15) * 100);
	while (!FLAG[1])
		cpu_relax();
	G_EQ(FLAG[1], 0x1234);
	guest_done();
}

static void start_ap_thread(struct vcpu *ap)
{
	pthread_t thread;

	REQUIRE(!pthread_create(&thread, NULL, run_ap, ap), "pthread_create");
}

TEST(init_and_sipi)
{
	struct vm *vm = vm_create(VM_IRQCHIP);
	struct vcpu *bsp = vcpu_create(vm, 0), *ap = vcpu_create(vm, 1);

	vcpu_set_long(bsp, guest_starts_ap);
	vm_shared(vm)->arg[15] = ioctl(bsp->fd, KVM_GET_TSC_KHZ, 0);
	memcpy(gpa_ptr(vm, SIPI << 12, 256), ap_start_start, ap_start_end - ap_start_start);
	start_ap_thread(ap);
	vcpu_finish(bsp);
}

/* Long-mode vCPUs both, made runnable by the VMM; they answer each other's IPIs. */
GUEST_CODE static void on_ipi(struct trap_frame *f)
{
	u32 me = apic_read(APIC_ID) >> 24;

	(void)f;
	asm volatile("lock incl %0" : "+m"(FLAG[me]));
	apic_write(APIC_EOI, 0);
}

GUEST_CODE static void guest_waits(void)
{
	apic_enable();
	FLAG[8] = 1;
	for (;;)
		sti_hlt();
}

/*
 * Sends ARG(2) IPIs with the ICR of ARG(0) and ARG(1), each after the last one was answered by
 * vCPU ARG(3).
 */
GUEST_CODE static void guest_sends(void)
{
	u32 target = ARG(3);

	guest_set_handler(VECTOR, on_ipi);
	apic_enable();
	apic_write(APIC_LDR, 1 << 24);
	while (!FLAG[8])
		cpu_relax();
	for (u32 i = 1; i <= ARG(2); i++) {
		apic_write(APIC_ICR2, ARG(1));
		apic_write(APIC_ICR, ARG(0));
		sti();
		while (FLAG[target] < i)
			cpu_relax();
		cli();
		G_EQ(FLAG[target], i);
	}
	guest_done();
}

static const struct ipi_row {
	const char *name;
	u32 icr, icr2, target;
} ipi_rows[] = {
	{ "physical", VECTOR | APIC_ASSERT, 1 << 24, 1 },
	{ "physical to itself", VECTOR | APIC_ASSERT, 0, 0 },
	{ "shorthand: all but itself", VECTOR | APIC_ASSERT | APIC_DEST_OTHERS, 0, 1 },
	{ "shorthand: all", VECTOR | APIC_ASSERT | APIC_DEST_ALL, 0, 1 },
	{ "shorthand: itself", VECTOR | APIC_ASSERT | APIC_DEST_SELF, 0, 0 },
	{ "physical broadcast", VECTOR | APIC_ASSERT, 0xff << 24, 1 },
};

TEST_SLOW(ipis, 3)
{
	for (size_t i = 0; i < ARRAY_SIZE(ipi_rows); i++) {
		struct vm *vm = vm_create(VM_IRQCHIP);
		struct vcpu *a = vcpu_create(vm, 0), *b = vcpu_create(vm, 1);
		struct kvm_mp_state runnable = { KVM_MP_STATE_RUNNABLE };
		volatile struct guest_shared *s = vm_shared(vm);

		ktap_row("%s", ipi_rows[i].name);
		vcpu_set_long(a, guest_sends);
		vcpu_set_long(b, guest_waits);
		REQUIRE_OK(ioctl(b->fd, KVM_SET_MP_STATE, &runnable));
		s->handler[VECTOR] = guest_addr(on_ipi);
		s->arg[0] = ipi_rows[i].icr;
		s->arg[1] = ipi_rows[i].icr2;
		s->arg[2] = 50;
		s->arg[3] = ipi_rows[i].target;
		start_ap_thread(b);
		vcpu_finish(a);
	}
}

/* Both increment one counter under a lock prefix: nothing is lost. */
GUEST_CODE static void guest_counts(void)
{
	for (u64 i = 0; i < 200000; i++)
		asm volatile("lock incl %0" : "+m"(FLAG[4]));
	asm volatile("lock incl %0" : "+m"(FLAG[5]));
	while (FLAG[5] < 2)
		cpu_relax();
	G_EQ(FLAG[4], 400000);
	guest_done();
}

TEST_SLOW(shared_memory, 2)
{
	struct vm *vm = vm_create(VM_IRQCHIP);
	struct vcpu *a = vcpu_create(vm, 0), *b = vcpu_create(vm, 1);
	struct kvm_mp_state runnable = { KVM_MP_STATE_RUNNABLE };

	vcpu_set_long(a, guest_counts);
	vcpu_set_long(b, guest_counts);
	REQUIRE_OK(ioctl(b->fd, KVM_SET_MP_STATE, &runnable));
	start_ap_thread(b);
	vcpu_finish(a);
}

/* A vCPU that no SIPI has started does not run: KVM_RUN sleeps until a signal, or says EAGAIN. */
TEST(uninitialised_vcpu_waits)
{
	struct vm *vm = vm_create(VM_IRQCHIP);
	struct vcpu *ap;
	struct kvm_mp_state mp;

	vcpu_create(vm, 0);
	ap = vcpu_create(vm, 1);
	REQUIRE_OK(ioctl(ap->fd, KVM_GET_MP_STATE, &mp));
	CHECK_EQ(mp.mp_state, KVM_MP_STATE_UNINITIALIZED);
	ap->run->immediate_exit = 1;
	CHECK_ERRNO(ioctl(ap->fd, KVM_RUN, 0), EINTR);
	REQUIRE_OK(ioctl(ap->fd, KVM_GET_MP_STATE, &mp));
	CHECK_EQ(mp.mp_state, KVM_MP_STATE_UNINITIALIZED);
}
