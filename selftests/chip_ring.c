// SPDX-License-Identifier: GPL-2.0-only
/*
 * Many vCPUs, and ids that xAPIC mode cannot name: rings in which each vCPU waits halted for an
 * interrupt, does some work and sends one to the next; a SIPI to an id of 9 bits; the limits.
 */
#include <pthread.h>
#include <sys/resource.h>

#include "chips.h"
#include "vm.h"

#define VECTOR		0x61
#define ROUNDS		3
#define RING_MAX	80
#define STACKS		(GPA_HIGH + 0x100000)	/* one page for each */
#define SIPI		0x20

/* At GPA_HIGH. */
struct ring {
	u32 x2apic;
	u32 size;
	u32 hits[RING_MAX];
	u64 work[RING_MAX];
	u16 index[4096];	/* by APIC id */
	u16 id[RING_MAX];
};
#define RING	((volatile struct ring *)GPA_HIGH)

GUEST_CODE static u32 my_id(void)
{
	return RING->x2apic ? (u32)rdmsr(X2APIC(APIC_ID)) : apic_read(APIC_ID) >> 24;
}

GUEST_CODE static void on_turn(struct trap_frame *f)
{
	(void)f;
	RING->hits[RING->index[my_id()]]++;
	if (RING->x2apic)
		wrmsr(X2APIC(APIC_EOI), 0);
	else
		apic_write(APIC_EOI, 0);
}

GUEST_CODE static void send(u32 id, u32 icr)
{
	if (RING->x2apic) {
		wrmsr(X2APIC(APIC_ICR), (u64)id << 32 | icr);
	} else {
		apic_write(APIC_ICR2, id << 24);
		apic_write(APIC_ICR, icr);
	}
}

GUEST_CODE static void ring_enter_mode(void)
{
	if (RING->x2apic) {
		wrmsr(0x1b, rdmsr(0x1b) | 1 << 10);
		wrmsr(X2APIC(APIC_SPIV), APIC_SPIV_ENABLE | 0xff);
	} else {
		apic_enable();
	}
}

GUEST_CODE static void guest_in_ring(u64 self)
{
	u32 next = RING->id[(self + 1) % RING->size];

	ring_enter_mode();
	G_EQ(my_id(), RING->id[self]);
	G_EQ(RING->index[my_id()], self);
	guest_sync(1);
	for (u32 round = 1; round <= ROUNDS; round++) {
		if (self || round > 1) {
			while (RING->hits[self] < round - !self) {
				sti_hlt();
				cli();
			}
		}
		for (u64 i = 0; i < 1000; i++)
			RING->work[self] += i;
		send(next, VECTOR | APIC_ASSERT);
	}
	/* the last turn of the first vCPU closes the ring */
	while (RING->hits[self] < ROUNDS) {
		sti_hlt();
		cli();
	}
	G_EQ(RING->hits[self], ROUNDS);
	G_EQ(RING->work[self], 499500 * ROUNDS);
	guest_done();
}

static void *finish(void *vcpu)
{
	vcpu_finish(vcpu);
	return NULL;
}

static void run_ring(const u16 *ids, unsigned int size, bool x2apic)
{
	struct kvm_mp_state runnable = { KVM_MP_STATE_RUNNABLE };
	struct vm *vm = vm_create(VM_IRQCHIP);
	struct ring *ring = gpa_ptr(vm, GPA_HIGH, sizeof(*ring));
	struct vcpu *v[RING_MAX];
	pthread_t thread[RING_MAX];
	struct kvm_regs regs;

	ring->x2apic = x2apic;
	ring->size = size;
	for (unsigned int i = 0; i < size; i++) {
		ring->id[i] = ids ? ids[i] : i;
		ring->index[ring->id[i]] = i;
		v[i] = vcpu_create(vm, ring->id[i]);
		vcpu_set_long(v[i], (void (*)(void))guest_in_ring);
		vcpu_get_regs(v[i], &regs);
		regs.rsp = STACKS + (i + 1) * 4096 - 8;
		regs.rdi = i;
		vcpu_set_regs(v[i], &regs);
		REQUIRE_OK(ioctl(v[i]->fd, KVM_SET_MP_STATE, &runnable));
	}
	vm_shared(vm)->handler[VECTOR] = guest_addr(on_turn);
	/* all are in their mode before the first sends */
	for (unsigned int i = 0; i < size; i++)
		vcpu_expect_sync(v[i], 1);
	for (unsigned int i = 0; i < size; i++)
		REQUIRE(!pthread_create(&thread[i], NULL, finish, v[i]), "pthread_create");
	for (unsigned int i = 0; i < size; i++)
		pthread_join(thread[i], NULL);
}

TEST_SLOW(sixty_four_xapic, 6)
{
	run_ring(NULL, 64, false);
}

TEST_SLOW(sixty_four_x2apic, 6)
{
	run_ring(NULL, 64, true);
}

TEST_SLOW(sparse_ids, 3)
{
	static const u16 ids[] = { 0, 7, 3, 254, 63, 100 };

	run_ring(ids, ARRAY_SIZE(ids), false);
}

TEST_SLOW(ids_beyond_xapic, 3)
{
	static const u16 ids[] = { 0, 1, 254, 255, 256, 300, 511, 1023 };
	int dev = device_open();

	if (device_cap(dev, KVM_CAP_MAX_VCPU_ID) <= 1023)
		SKIP("no vCPU ids up to 1023");
	run_ring(ids, ARRAY_SIZE(ids), true);
}

/* A vCPU that waits for its SIPI is in xAPIC mode, whatever its id. */
RM_CODE(ap_start, "xor %ax, %ax; mov %ax, %es; es movw $0x5a5a, 0x3000; 1: cli; hlt; jmp 1b");

GUEST_CODE static void guest_starts(void)
{
	u32 target = ARG(0);

	ring_enter_mode();
	send(target, APIC_DM_INIT | APIC_ASSERT);
	send(target, APIC_DM_STARTUP | SIPI);
	while (*(volatile u32 *)GPA_PAGE != 0x5a5a)
		cpu_relax();
	guest_done();
}

static void *run_ap(void *vcpu)
{
	vcpu_next(vcpu);	/* halts until the process ends */
	return NULL;
}

TEST_SLOW(sipi_beyond_xapic, 2)
{
	struct kvm_enable_cap ids = {
		.cap = KVM_CAP_X2APIC_API, .args = { KVM_X2APIC_API_USE_32BIT_IDS },
	};
	struct vm *vm = vm_create(VM_IRQCHIP);
	struct vcpu *bsp, *ap;
	pthread_t thread;

	/* KVM has it on this condition */
	REQUIRE_CAP(vm->dev, KVM_CAP_X2APIC_API);
	REQUIRE_OK(ioctl(vm->fd, KVM_ENABLE_CAP, &ids));
	if (device_cap(vm->dev, KVM_CAP_MAX_VCPU_ID) <= 300)
		SKIP("no vCPU ids up to 300");
	((struct ring *)gpa_ptr(vm, GPA_HIGH, sizeof(struct ring)))->x2apic = 1;
	bsp = vcpu_create(vm, 0);
	ap = vcpu_create(vm, 300);
	vcpu_set_long(bsp, guest_starts);
	vm_shared(vm)->arg[0] = 300;
	memcpy(gpa_ptr(vm, SIPI << 12, 256), ap_start_start, ap_start_end - ap_start_start);
	REQUIRE(!pthread_create(&thread, NULL, run_ap, ap), "pthread_create");
	vcpu_finish(bsp);
}

TEST_SLOW(as_many_as_promised, 6)
{
	struct vm *vm = vm_create(VM_IRQCHIP);
	long max = device_cap(vm->dev, KVM_CAP_MAX_VCPUS);
	struct rlimit files = { max + 64, max + 64 };
	long made;

	if (max > 1024)
		max = 1024;
	REQUIRE_OK(setrlimit(RLIMIT_NOFILE, &files));
	for (made = 0; made < max; made++) {
		if (ioctl(vm->fd, KVM_CREATE_VCPU, made) < 0)
			break;
	}
	/* the machine has little memory: 255 must do, and what fails must say so */
	CHECK(made == max || (made >= 255 && errno == ENOMEM), "%ld of %ld, errno %d", made, max,
	      errno);
	ktap_note("%ld vCPUs", made);
	if (made == device_cap(vm->dev, KVM_CAP_MAX_VCPUS))
		CHECK_ERRNO(ioctl(vm->fd, KVM_CREATE_VCPU, made), EINVAL);
}

TEST(fewer_ids)
{
	struct vm *vm = vm_create(VM_IRQCHIP);
	struct kvm_enable_cap cap = { .cap = KVM_CAP_MAX_VCPU_ID, .args = { 100000 } };

	CHECK_ERRNO(ioctl(vm->fd, KVM_ENABLE_CAP, &cap), EINVAL);
	cap.args[0] = 8;
	if (!CHECK_OK(ioctl(vm->fd, KVM_ENABLE_CAP, &cap)))
		return;
	CHECK_OK(ioctl(vm->fd, KVM_ENABLE_CAP, &cap));
	cap.args[0] = 9;
	CHECK_ERRNO(ioctl(vm->fd, KVM_ENABLE_CAP, &cap), EINVAL);
	CHECK_OK(ioctl(vm->fd, KVM_CREATE_VCPU, 7L));
	CHECK_ERRNO(ioctl(vm->fd, KVM_CREATE_VCPU, 8L), EINVAL);
}
