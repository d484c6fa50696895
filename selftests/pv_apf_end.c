// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ends in the midst of an asynchronous page fault: the guest switches events off, the memory slot
 * goes, a signal comes, the VM is closed, its VMM is killed while somebody else holds the
 * userfaultfd.
 */
#include <sys/syscall.h>
#include <sys/wait.h>

#include "apf.h"
#include "module.h"
#include "signals.h"
#include "stats.h"

/* KVM waits for its workers for as long as those wait for the page. */
static bool gives_up(struct vcpu *v)
{
	return stat_read(v->fd, "apf_waits") >= 0;
}

/* --- the guest wants no more --- */

GUEST_CODE static void on_absent_off(struct trap_frame *f)
{
	(void)f;
	take_absent();
	wrmsr(MSR_KVM_ASYNC_PF_EN, 0);
	guest_sync(ABSENT);
	irqs_on();
	run_on(20);
	G_EQ(ARG(3), 1);
	wrmsr(MSR_KVM_ASYNC_PF_EN, AREA_GPA | EVENTS | KVM_ASYNC_PF_SEND_ALWAYS);
	irqs_on();
	while (ARG(3) < 2)
		run_on(1);
	G_EQ(ARG(2), WAKE_ALL);
	run_on(20);
	G_EQ(ARG(3), 2);
	cli();
}

GUEST_CODE static void guest_switches_off(void)
{
	apf_start(KVM_ASYNC_PF_SEND_ALWAYS);
	guest_set_handler(VEC_PF, on_absent_off);
	irqs_on();
	G_EQ(*(volatile u64 *)WINDOW, CONTENT);
	cli();
	G_EQ(ARG(1), 1);
	guest_done();
}

TEST(switched_off)
{
	struct absent a = absent_make(PAGE);
	struct vcpu *v = apf_vcpu(&a, guest_switches_off);

	/* KVM waits in the guest's WRMSR until the worker is done */
	if (!gives_up(v))
		SKIP("the host waits for the page");
	vcpu_expect_sync(v, ABSENT);
	REQUIRE_EQ(absent_wait(&a), 0);
	absent_give(&a, 0, CONTENT);
	apf_run_on(v);
	REQUIRE_EQ(v->value, 0);
}

/* --- the slot goes --- */

/* Its page will never be there. */
GUEST_CODE static void on_absent_for_good(struct trap_frame *f)
{
	on_absent(f);
	guest_done();
}

GUEST_CODE static void guest_loses_the_slot(void)
{
	apf_start(KVM_ASYNC_PF_SEND_ALWAYS);
	guest_set_handler(VEC_PF, on_absent_for_good);
	irqs_on();
	*(volatile u64 *)WINDOW;
	guest_abort(__LINE__, 0, 1);
}

TEST(slot_removed)
{
	struct absent a = absent_make(PAGE);
	struct vcpu *v = apf_vcpu(&a, guest_loses_the_slot);

	vcpu_expect_sync(v, ABSENT);
	REQUIRE_EQ(absent_wait(&a), 0);
	vm_set_region(v->vm, 1, 0, WINDOW, 0, NULL);
	for (int i = 0; i < 5; i++)
		vcpu_expect_sync(v, RAN_ON);
	absent_give(&a, 0, CONTENT);
	apf_run_on(v);
	REQUIRE_EQ(v->value, 0);
	CHECK_EQ(vm_shared(v->vm)->arg[2], vm_shared(v->vm)->arg[0]);
}

GUEST_CODE static void guest_waits(void)
{
	apf_start(0);
	irqs_on();
	*(volatile u64 *)WINDOW;
	guest_done();
}

struct remover {
	struct vm *vm;
	const struct absent *a;
};

static void *remove_then_give(void *arg)
{
	struct remover *r = arg;

	REQUIRE_EQ(absent_wait(r->a), 0);
	vm_set_region(r->vm, 1, 0, WINDOW, 0, NULL);
	absent_give(r->a, 0, CONTENT);
	return NULL;
}

/* The vCPU waits: it must not keep the slot from going, and goes on without it. */
TEST(slot_removed_under_a_wait)
{
	struct absent a = absent_make(PAGE);
	struct vcpu *v = apf_vcpu(&a, guest_waits);
	struct remover r = { v->vm, &a };
	pthread_t thread;

	REQUIRE(!pthread_create(&thread, NULL, remove_then_give, &r), "pthread_create");
	vcpu_expect(v, KVM_EXIT_MMIO);
	CHECK_EQ(v->run->mmio.phys_addr, WINDOW);
	pthread_join(thread, NULL);
}

/* --- a signal --- */

TEST(signal_ends_the_wait)
{
	struct absent a = absent_make(PAGE);
	struct vcpu *v = apf_vcpu(&a, guest_waits);

	for (int i = 0; i < 3; i++)
		vcpu_run_until_signal(v, 50);
	REQUIRE_EQ(absent_wait(&a), 0);
	absent_give(&a, 0, CONTENT);
	vcpu_finish(v);
}

/* --- the VM goes, and nobody gives the page --- */

GUEST_CODE static void guest_is_told_twice(void)
{
	apf_start(KVM_ASYNC_PF_SEND_ALWAYS);
	irqs_on();
	*(volatile u64 *)WINDOW;
	guest_done();
}

TEST(closed)
{
	for (int i = 0; i < 5; i++) {
		struct absent a = absent_make(PAGE);
		struct vcpu *v = apf_vcpu(&a, guest_is_told_twice);
		struct vm *vm = v->vm;

		if (!gives_up(v))
			SKIP("the host waits for the page");
		vcpu_expect_sync(v, ABSENT);
		/* each second time the worker may not have got to it yet */
		if (i & 1)
			REQUIRE_EQ(absent_wait(&a), 0);
		vcpu_destroy(v);
		vm_destroy(vm);
		munmap(a.mem, a.size);
		close(a.fd);
	}
}

static void vmm(int told, bool waits)
{
	struct absent a = absent_make(PAGE);
	struct vcpu *v = apf_vcpu(&a, waits ? guest_waits : guest_is_told_twice);

	REQUIRE_EQ(write(told, &a.fd, sizeof(a.fd)), sizeof(a.fd));
	if (!waits)
		vcpu_expect_sync(v, ABSENT);
	vcpu_next(v);
	for (;;)
		pause();
}

/* The test holds the VMM's userfaultfd: its end does not end the fetch. */
static void kill_vmm(bool waits)
{
	struct absent a = absent_make(PAGE);
	struct vcpu *probe = apf_vcpu(&a, guest_waits);
	int pipes[2], fd = -1, uffd, pidfd, status;
	pid_t pid;

	if (!gives_up(probe))
		SKIP("the host waits for the page");
	REQUIRE_OK(pipe(pipes));
	pid = REQUIRE_OK(fork());
	if (!pid) {
		vmm(pipes[1], waits);
		_exit(1);
	}
	REQUIRE_EQ(read(pipes[0], &fd, sizeof(fd)), sizeof(fd));
	pidfd = REQUIRE_OK(syscall(SYS_pidfd_open, pid, 0));
	uffd = syscall(SYS_pidfd_getfd, pidfd, fd, 0);
	REQUIRE(uffd >= 0, "pidfd_getfd: %m");
	/* the fetch has begun, and will not end by itself */
	a.fd = uffd;
	absent_wait(&a);
	CHECK(!absent_gone(&a), "it lives");
	REQUIRE_OK(kill(pid, SIGKILL));
	REQUIRE_EQ(waitpid(pid, &status, 0), pid);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "status 0x%x", status);
	/* the worker lets go of the memory, in its own time */
	for (int ms = 0; ms < 10000 && !absent_gone(&a); ms += 10)
		usleep(10000);
	CHECK(absent_gone(&a), "its memory is still held");
	close(uffd);
}

TEST(killed_told) { kill_vmm(false); }
TEST(killed_waiting) { kill_vmm(true); }
