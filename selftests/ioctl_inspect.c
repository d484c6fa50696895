// SPDX-License-Identifier: GPL-2.0-only
/*
 * A vCPU's inside, seen by an administrator: of one that stands in user space, that runs, that
 * halts, that waits for INIT, and of a dead VM; what the fields hold; the EPT walk; who may, and
 * bad input.
 */
#include <pthread.h>
#include <sys/wait.h>

#include "flight.h"
#include "guest.h"

#define GUEST_RSP 0x681c
#define GUEST_RIP 0x681e
#define GUEST_CR3 0x6802
#define EPT_POINTER 0x201a
#define VM_EXIT_REASON 0x4402
#define MARK 0x1122334455667788UL
#define NOWHERE 0x0f000000UL
#define BAD_POINTER 8UL

static void require_inspect(int dev)
{
	if (ioctl(dev, KVM_CHECK_EXTENSION, LINTEL_CAP_INSPECT) <= 0)
		SKIP("the device cannot be looked into");
	if (geteuid())
		SKIP("needs root");
}

/* Within the limit of 20 a second. */
static int snapshot(int dev, u64 vm, u32 vcpu, struct lintel_snapshot *s)
{
	int ret;

	do {
		memset(s, 0, sizeof(*s));
		s->vm = vm;
		s->vcpu = vcpu;
		ret = ioctl(dev, LINTEL_GET_SNAPSHOT, s);
		if (ret && errno == EAGAIN)
			usleep(100000);
	} while (ret && errno == EAGAIN);
	return ret;
}

static u64 field(const struct lintel_snapshot *s, u32 encoding)
{
	for (u32 i = 0; i < s->fields; i++)
		if (s->field[i].encoding == encoding)
			return s->field[i].value;
	ktap_failed(__FILE__, __LINE__, "there is no field 0x%x", encoding);
	return 0;
}

static int peek(int dev, u64 vm, u64 gpa, struct lintel_peek *p)
{
	memset(p, 0, sizeof(*p));
	p->vm = vm;
	p->gpa = gpa;
	return ioctl(dev, LINTEL_PEEK, p);
}

/* Waits in the way that ARG(0) says, with a mark in R15. */
GUEST_CODE static void guest_waits(void)
{
	apic_write(APIC_SPIV, APIC_SPIV_ENABLE | 0xff);
	ARG(1) = MARK;
	guest_sync(1);
	if (ARG(0) == 1)
		for (;;)
			asm volatile("mov %0, %%r15; sti; hlt" ::"r"(MARK) : "r15");
	asm volatile("mov %0, %%r15; 1: jmp 1b" ::"r"(MARK) : "r15");
}

static struct vcpu *start(u32 how, u64 *number)
{
	struct vm *vm = vm_create(VM_IRQCHIP);
	struct vcpu *v;

	require_inspect(vm->dev);
	*number = vm_number(vm->dev, getpid(), NULL);
	v = vcpu_create(vm, 0);
	vcpu_set_long(v, guest_waits);
	vm_shared(vm)->arg[0] = how;
	vcpu_expect_sync(v, 1);
	return v;
}

static void *runner(void *arg)
{
	struct vcpu *v = arg;

	/* the signal that ends it */
	ioctl(v->fd, KVM_RUN, 0);
	return NULL;
}

static void nothing(int signal)
{
	(void)signal;
}

TEST(in_user_space)
{
	struct lintel_snapshot s;
	u64 number;
	struct vcpu *v = start(0, &number);
	struct kvm_sregs sregs;
	struct kvm_regs regs;

	REQUIRE_OK(snapshot(v->vm->dev, number, 0, &s));
	vcpu_get_regs(v, &regs);
	vcpu_get_sregs(v, &sregs);
	CHECK_EQ(field(&s, GUEST_RIP), regs.rip);
	CHECK_EQ(field(&s, GUEST_RSP), regs.rsp);
	CHECK_EQ(field(&s, GUEST_CR3), sregs.cr3);
	CHECK_EQ(field(&s, VM_EXIT_REASON) & 0xffff, REASON_IO);
	CHECK_EQ(s.gpr[0], regs.rax);
	CHECK_EQ(s.gpr[15], regs.r15);
	CHECK_EQ(s.cr0, sregs.cr0);
	CHECK_EQ(s.cr4, sregs.cr4);
	CHECK_EQ(s.efer, sregs.efer);
	CHECK_EQ(s.flags & (LINTEL_SNAPSHOT_LAPIC | LINTEL_SNAPSHOT_IOAPIC | LINTEL_VM_DEAD),
		 LINTEL_SNAPSHOT_LAPIC | LINTEL_SNAPSHOT_IOAPIC);
	CHECK_EQ(*(u32 *)(s.lapic + APIC_SPIV), APIC_SPIV_ENABLE | 0xff);
	CHECK(s.ioapic[0] & 1 << 16, "pin 0 is not masked: 0x%llx", s.ioapic[0]);
	CHECK(s.fields > 120, "%u fields", s.fields);
	/* it goes on as if nothing had been */
	vcpu_set_long(v, guest_waits);
	vcpu_expect_sync(v, 1);
}

/* In KVM_RUN: the guest runs (0), or halts (1). */
static void while_it_is_in(u32 how)
{
	struct lintel_snapshot s, later;
	pthread_t thread;
	u64 number;
	struct vcpu *v = start(how, &number);

	signal(SIGUSR1, nothing);
	REQUIRE_EQ(pthread_create(&thread, NULL, runner, v), 0);
	do {
		usleep(10000);
		REQUIRE_OK(snapshot(v->vm->dev, number, 0, &s));
	} while (s.gpr[15] != MARK);
	CHECK_EQ(s.mp_state, how ? KVM_MP_STATE_HALTED : KVM_MP_STATE_RUNNABLE);
	for (int i = 0; i < 10; i++)
		REQUIRE_OK(snapshot(v->vm->dev, number, 0, &later));
	CHECK_EQ(later.gpr[15], MARK);
	CHECK_EQ(field(&later, GUEST_RIP), field(&s, GUEST_RIP));
	CHECK_EQ(later.mp_state, s.mp_state);
	/* with one CPU its thread is asked in the host, where it stands while this one runs */
	if (!how && sysconf(_SC_NPROCESSORS_ONLN) > 1)
		CHECK(later.exits > s.exits, "it did not exit for it");
	CHECK(!how || later.exits == s.exits, "%llu exits while it halts", later.exits - s.exits);
	pthread_kill(thread, SIGUSR1);
	pthread_join(thread, NULL);
}

TEST_SLOW(while_it_runs, 2)
{
	while_it_is_in(0);
}
TEST_SLOW(while_it_halts, 2)
{
	while_it_is_in(1);
}

static void *waiter(void *arg)
{
	struct vcpu *v = arg;

	return (void *)(long)(ioctl(v->fd, KVM_RUN, 0) < 0 ? errno : 0);
}

/* An application processor before its INIT: KVM_RUN must go on waiting. */
TEST(while_it_waits_for_init)
{
	struct lintel_snapshot s;
	pthread_t thread;
	u64 number;
	struct vcpu *v = start(0, &number), *ap = vcpu_create(v->vm, 1);
	void *result;

	signal(SIGUSR1, nothing);
	REQUIRE_EQ(pthread_create(&thread, NULL, waiter, ap), 0);
	usleep(50000);
	for (int i = 0; i < 5; i++) {
		REQUIRE_OK(snapshot(v->vm->dev, number, 1, &s));
		CHECK_EQ(s.mp_state, KVM_MP_STATE_UNINITIALIZED);
		CHECK_EQ(s.vcpu_id, 1);
	}
	pthread_kill(thread, SIGUSR1);
	pthread_join(thread, &result);
	CHECK_EQ((long)result, EINTR);
}

TEST(ept_walk)
{
	struct lintel_snapshot s;
	struct lintel_peek p;
	u64 number, root, pml4;
	struct vcpu *v = start(0, &number);
	int dev = v->vm->dev;

	REQUIRE_OK(snapshot(dev, number, 0, &s));
	root = field(&s, EPT_POINTER) & ~0xfffUL;
	CHECK(root, "no EPT");
	REQUIRE_OK(peek(dev, number, GPA_SHARED + offsetof(struct guest_shared, arg[1]), &p));
	CHECK_EQ(p.flags, LINTEL_PEEK_VALUE);
	CHECK_EQ(p.value, MARK);
	CHECK(p.levels >= 2 && p.levels <= 4, "%u levels", p.levels);
	CHECK((p.entry[p.levels - 1] & 7) == 7, "the leaf is 0x%llx", p.entry[p.levels - 1]);
	/* the guest's own tables, as a debugger would walk them */
	REQUIRE_OK(peek(dev, number, field(&s, GUEST_CR3) & ~0xfffUL, &p));
	CHECK_EQ(p.flags, LINTEL_PEEK_VALUE);
	pml4 = p.value;
	CHECK(pml4 & 1, "the first entry of the guest's tables is 0x%lx", pml4);
	/* what is not mapped has no value, and is not mapped by looking */
	for (int i = 0; i < 2; i++) {
		REQUIRE_OK(peek(dev, number, NOWHERE, &p));
		CHECK_EQ(p.flags, 0);
		CHECK_EQ(p.entry[p.levels - 1] & 7, 0);
	}
	REQUIRE_OK(peek(dev, number, 0xfffffffffffffff8UL, &p));
	CHECK_EQ(p.flags, 0);
}

TEST(of_a_dead_vm)
{
	struct lintel_snapshot s;
	u64 number = 0;
	int dev = device_open(), numbers[2];
	pid_t pid;

	require_inspect(dev);
	REQUIRE_OK(pipe(numbers));
	pid = REQUIRE_OK(fork());
	if (!pid) {
		start(0, &number);
		_exit(write(numbers[1], &number, sizeof(number)) != sizeof(number));
	}
	waitpid(pid, NULL, 0);
	REQUIRE_EQ(read(numbers[0], &number, sizeof(number)), sizeof(number));
	REQUIRE_OK(snapshot(dev, number, 0, &s));
	CHECK_EQ(s.flags & (LINTEL_VM_DEAD | LINTEL_SNAPSHOT_LAPIC),
		 LINTEL_VM_DEAD | LINTEL_SNAPSHOT_LAPIC);
	CHECK_EQ(field(&s, VM_EXIT_REASON) & 0xffff, REASON_IO);
	CHECK_EQ(*(u32 *)(s.lapic + APIC_SPIV), APIC_SPIV_ENABLE | 0xff);
	CHECK_ERRNO(snapshot(dev, number, 1, &s), ENOENT);
	CHECK_ERRNO(peek(dev, number, 0, &(struct lintel_peek){ 0 }), ENOENT);
}

TEST(who_may_and_bad_input)
{
	struct lintel_snapshot s;
	struct lintel_peek p;
	u64 number;
	struct vcpu *v = start(0, &number);
	int dev = v->vm->dev, status;
	pid_t pid;

	CHECK_ERRNO(snapshot(dev, number, 1, &s), ENOENT);
	CHECK_ERRNO(snapshot(dev, number, ~0U, &s), ENOENT);
	CHECK_ERRNO(snapshot(dev, ~0UL, 0, &s), ENOENT);
	CHECK_ERRNO(peek(dev, 0, 0, &p), ENOENT);
	CHECK_ERRNO(peek(dev, number, 4, &p), EINVAL);
	CHECK_ERRNO(ioctl(dev, LINTEL_GET_SNAPSHOT, BAD_POINTER), EFAULT);
	CHECK_ERRNO(ioctl(dev, LINTEL_PEEK, BAD_POINTER), EFAULT);
	memset(&s, 0, sizeof(s));
	s.vm = number;
	s.flags = 1;
	CHECK_ERRNO(ioctl(dev, LINTEL_GET_SNAPSHOT, &s), EINVAL);
	s.flags = 0;
	s.reserved = 1;
	CHECK_ERRNO(ioctl(dev, LINTEL_GET_SNAPSHOT, &s), EINVAL);
	p = (struct lintel_peek){ .vm = number, .flags = 1 };
	CHECK_ERRNO(ioctl(dev, LINTEL_PEEK, &p), EINVAL);
	p = (struct lintel_peek){ .vm = number, .reserved = { 0, 0, 0, 1 } };
	CHECK_ERRNO(ioctl(dev, LINTEL_PEEK, &p), EINVAL);

	/* too often */
	memset(&s, 0, sizeof(s));
	s.vm = number;
	for (status = 0; status < 100; status++) {
		s.flags = 0;
		if (ioctl(dev, LINTEL_GET_SNAPSHOT, &s))
			break;
	}
	CHECK(status < 100 && errno == EAGAIN, "%d snapshots at once, errno %d", status, errno);

	/* the VM's own user, without the capability */
	pid = REQUIRE_OK(fork());
	if (!pid) {
		CHECK(setgid(65534) == 0 && setuid(65534) == 0, "cannot change user");
		CHECK_ERRNO(snapshot(dev, number, 0, &s), EPERM);
		CHECK_ERRNO(peek(dev, number, 0, &p), EPERM);
		_exit(ktap_any_failure());
	}
	waitpid(pid, &status, 0);
	CHECK_EQ(status, 0);
}
