// SPDX-License-Identifier: GPL-2.0-only
/*
 * What else a program does with the descriptors and the memory: between the calls of the table,
 * and while other threads are in the midst of them.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fuzz.h"

const char *const action_name[ACT_COUNT] = {
	[ACT_CLOSE] = "close", [ACT_DUP] = "dup", [ACT_OPEN] = "open", [ACT_MAP] = "mmap a vCPU",
	[ACT_UNMAP] = "munmap a vCPU", [ACT_SCRIBBLE] = "write to kvm_run",
	[ACT_MEMORY] = "change guest memory", [ACT_CODE] = "write guest code",
	[ACT_SIGNAL] = "signal a thread", [ACT_EVENT] = "write an eventfd",
	[ACT_READ] = "read statistics", [ACT_FORK] = "fork",
};

/* Memory may go away under our hands: another thread unmaps it. */
static __thread sigjmp_buf fault_place;
static __thread volatile sig_atomic_t fault_expected;

static void on_fault(int sig)
{
	if (!fault_expected)
		_exit(128 + sig);
	fault_expected = 0;
	siglongjmp(fault_place, 1);
}

void catch_faults(void)
{
	struct sigaction action = { .sa_handler = on_fault };

	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGBUS, &action, NULL);
}

static void act_close(struct thread *t)
{
	enum fd_kind kind = random_below(&t->random, FD_KINDS);
	int old = atomic_exchange(&t->world->fd[kind][random_below(&t->random, FDS)], -1);

	if (old >= 0)
		close(old);
}

static void act_dup(struct thread *t)
{
	enum fd_kind kind = random_below(&t->random, FD_KINDS);

	world_keep_fd(t, kind, fcntl(world_fd(t, kind), F_DUPFD_CLOEXEC, 3));
}

static void act_map(struct thread *t)
{
	static const u64 pages[] = { 0, 1, 2, 3, KVM_DIRTY_LOG_PAGE_OFFSET, 1000, 1UL << 50 };
	struct random *r = &t->random;
	unsigned int slot = random_below(r, MAPPINGS);
	size_t bytes = 4096 * (1 + random_below(r, one_in(r, 4) ? 80 : 3));
	u64 at = one_in(r, 2) ? 0 : pages[random_below(r, ARRAY_SIZE(pages))];
	u8 *map = mmap(NULL, bytes, PROT_READ | (one_in(r, 8) ? PROT_EXEC : PROT_WRITE),
		       one_in(r, 8) ? MAP_PRIVATE : MAP_SHARED, world_fd(t, FD_VCPU), at << 12);

	if (map != MAP_FAILED)
		world_keep_mapping(t->world, slot, map, bytes);
}

static void act_unmap(struct thread *t)
{
	world_keep_mapping(t->world, random_below(&t->random, MAPPINGS), NULL, 0);
}

/* The shared page of a vCPU: what user space answers, and what it must not trust. */
static void act_scribble(struct thread *t)
{
	unsigned int slot = random_below(&t->random, MAPPINGS);
	u8 *map = (u8 *)(t->world->mapping[slot] & ~0xfffUL);
	struct random *r = &t->random;
	struct kvm_run *run = (void *)map;
	unsigned int n;

	if (!map)
		return;
	fault_expected = 1;
	if (!sigsetjmp(fault_place, 1)) {
		switch (random_below(r, 4)) {
		case 0:
			run->immediate_exit = random_below(r, 2);
			run->request_interrupt_window = random_below(r, 2);
			break;
		case 1:
			run->kvm_valid_regs = random_below(r, 8);
			run->kvm_dirty_regs = random_below(r, 8);
			break;
		case 2:
			run->cr8 = random_below(r, 20);
			break;
		default:
			for (n = random_below(r, 8); n; n--)
				map[random_below(r, 4096)] = random_next(r);
		}
	}
	fault_expected = 0;
}

static void act_memory(struct thread *t)
{
	struct random *r = &t->random;
	size_t pages = ARENA_BYTES >> 12, n = 1 + random_below(r, one_in(r, 8) ? 512 : 8);
	size_t first = random_below(r, pages - n);
	void *at = (void *)(ARENA + first * 4096);
	static const int advices[] = {
		MADV_DONTNEED, MADV_HUGEPAGE, MADV_NOHUGEPAGE, MADV_FREE, MADV_MERGEABLE,
		MADV_COLD, MADV_PAGEOUT, MADV_DONTFORK, MADV_DOFORK, MADV_WILLNEED,
	};

	switch (random_below(r, 4)) {
	case 0:
		mmap(at, n * 4096, PROT_READ | PROT_WRITE,
		     MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE |
		     (one_in(r, 2) ? MAP_PRIVATE : MAP_SHARED), -1, 0);
		break;
	case 1:
		mprotect(at, n * 4096, one_in(r, 2) ? PROT_READ : PROT_READ | PROT_WRITE);
		break;
	case 2:
		if (one_in(r, 4))
			munmap(at, n * 4096);
		break;
	default:
		madvise(at, n * 4096, advices[random_below(r, ARRAY_SIZE(advices))]);
	}
}

static void act_code(struct thread *t)
{
	struct random *r = &t->random;

	fault_expected = 1;
	if (!sigsetjmp(fault_place, 1))
		write_guest_code(r, (u8 *)ARENA + random_below(r, 16) * 0x800, 0x200);
	fault_expected = 0;
}

static void act_signal(struct thread *t)
{
	int tid = t->world->tid[random_below(&t->random, t->world->threads)];

	if (tid > 0)
		syscall(SYS_tgkill, getpid(), tid, one_in(&t->random, 2) ? TICK_SIGNAL : SIGUSR2);
}

static void act_event(struct thread *t)
{
	u64 one = 1, got;
	int fd = world_fd(t, FD_EVENT);

	if (one_in(&t->random, 4) ? read(fd, &got, 8) : write(fd, &one, 8))
		return;
}

static void act_read(struct thread *t)
{
	u8 buffer[4096];
	ssize_t got = pread(world_fd(t, FD_STATS), buffer, random_below(&t->random, 4096),
			    one_in(&t->random, 8) ? random_number(&t->random) :
						    random_below(&t->random, 4096));

	(void)got;
}

/* A child has the descriptors, and another address space; its death closes nothing of ours. */
static void act_fork(struct thread *t)
{
	pid_t child = fork();
	u8 buffer[MAX_ARG];

	if (!child) {
		alarm(2);
		for (unsigned int i = 0; i < 4; i++) {
			make_noise(t, buffer);
			ioctl(world_fd(t, FD_VCPU), KVM_RUN, 0);
			ioctl(world_fd(t, FD_VM), KVM_GET_CLOCK, buffer);
			ioctl(world_fd(t, FD_SYSTEM), KVM_CREATE_VM, 0);
		}
		_exit(0);
	}
	while (child > 0 && waitpid(child, NULL, 0) < 0 && errno == EINTR)
		;
}

void act(struct thread *t, enum action what)
{
	static void (*const actions[ACT_COUNT])(struct thread *t) = {
		[ACT_CLOSE] = act_close, [ACT_DUP] = act_dup, [ACT_MAP] = act_map,
		[ACT_UNMAP] = act_unmap, [ACT_SCRIBBLE] = act_scribble, [ACT_MEMORY] = act_memory,
		[ACT_CODE] = act_code, [ACT_SIGNAL] = act_signal, [ACT_EVENT] = act_event,
		[ACT_READ] = act_read, [ACT_FORK] = act_fork,
	};

	if (what == ACT_OPEN)
		world_keep_fd(t, FD_SYSTEM, open(t->world->device, O_RDWR | O_CLOEXEC));
	else
		actions[what](t);
}
