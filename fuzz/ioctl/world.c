// SPDX-License-Identifier: GPL-2.0-only
/*
 * The world of a round: descriptors that all threads use, memory that the guests have, and a few
 * machines that can run when the round begins.
 *
 * A slot for a descriptor is taken over by the next one of its kind; what was there is closed,
 * whoever may be using it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"

int world_fd(struct thread *t, enum fd_kind kind)
{
	unsigned int first = random_below(&t->random, FDS), i;
	int fd = t->world->fd[kind][first];

	/* seldom one that is not there */
	if (fd >= 0 || one_in(&t->random, 16))
		return fd;
	for (i = 0; i < FDS && fd < 0; i++)
		fd = t->world->fd[kind][(first + i) % FDS];
	return fd;
}

void world_keep_fd(struct thread *t, enum fd_kind kind, int fd)
{
	unsigned int slot = random_below(&t->random, FDS);
	int old;

	if (fd < 0)
		return;
	/* an empty place first: several machines are more than one */
	for (unsigned int i = 0; i < FDS; i++) {
		int none = -1;

		if (atomic_compare_exchange_strong(&t->world->fd[kind][i], &none, fd))
			return;
	}
	old = atomic_exchange(&t->world->fd[kind][slot], fd);
	if (old >= 0)
		close(old);
}

void world_keep_mapping(struct world *w, unsigned int slot, void *map, size_t bytes)
{
	unsigned long old = atomic_exchange(&w->mapping[slot], (unsigned long)map | bytes >> 12);

	if (old)
		munmap((void *)(old & ~0xfffUL), (old & 0xfff) << 12);
}

static void map_fixed(u64 at, size_t bytes, int protection)
{
	if (mmap((void *)at, bytes, protection,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0) == MAP_FAILED) {
		perror("fuzz-ioctl: mmap");
		_exit(2);
	}
}

/* Pieces of 16-bit code: exits of every kind, and jumps between them. */
void write_guest_code(struct random *r, u8 *to, size_t bytes)
{
	static const u8 pieces[][8] = {
		{ 2, 0x0f, 0xa2 },				/* cpuid */
		{ 1, 0xf4 },					/* hlt */
		{ 2, 0xe6, 0x80 }, { 2, 0xe4, 0x60 },		/* out, in */
		{ 2, 0xe6, 0x20 }, { 2, 0xe4, 0x21 }, { 2, 0xe6, 0x43 }, { 2, 0xe4, 0x40 },
		{ 2, 0x0f, 0x32 }, { 2, 0x0f, 0x30 },		/* rdmsr, wrmsr */
		{ 3, 0x0f, 0x01, 0xc1 },			/* vmcall */
		{ 2, 0x0f, 0x31 }, { 1, 0xfb }, { 1, 0xfa },	/* rdtsc, sti, cli */
		{ 3, 0xa2, 0x00, 0x70 }, { 3, 0xa0, 0x00, 0x70 },
		{ 5, 0x67, 0x88, 0x07, 0x90, 0x90 },		/* mov %al, (%edi) */
		{ 4, 0x67, 0x66, 0x8b, 0x06 },			/* mov (%esi), %eax */
		{ 3, 0xf3, 0x67, 0xaa }, { 3, 0xf3, 0x67, 0xa4 },
		{ 2, 0xf3, 0x6c }, { 2, 0xf3, 0x6e },		/* rep ins, outs */
		{ 3, 0x0f, 0x20, 0xc0 }, { 3, 0x0f, 0x22, 0xc0 }, /* mov cr0 */
		{ 3, 0x0f, 0x22, 0xe0 }, { 3, 0x0f, 0x23, 0xf8 },
		{ 2, 0xf3, 0x90 }, { 2, 0x0f, 0x09 }, { 1, 0xcc }, { 2, 0xcd, 0x80 },
		{ 3, 0x0f, 0x01, 0xd1 },			/* xsetbv */
		{ 1, 0x47 }, { 1, 0x46 }, { 1, 0x40 }, { 1, 0x42 }, { 1, 0x41 },
		{ 2, 0xeb, 0xf0 }, { 2, 0x75, 0xe0 }, { 2, 0x89, 0xc7 }, { 2, 0x89, 0xc1 },
	};
	size_t at = 0;

	while (at + 8 < bytes) {
		const u8 *piece = pieces[random_below(r, ARRAY_SIZE(pieces))];

		memcpy(to + at, piece + 1, piece[0]);
		at += piece[0];
		if (one_in(r, 24))
			to[at++] = random_next(r);
	}
}

static int call(int fd, unsigned long cmd, unsigned long arg)
{
	return ioctl(fd, cmd, arg);
}

static void open_vcpu(struct thread *t, int vm, unsigned int id)
{
	static const struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entry;
	} clock = { { .nmsrs = 1 }, { .index = 0x4b564d01, .data = 0x8001 } };
	int fd = call(vm, KVM_CREATE_VCPU, id);
	u8 buffer[MAX_ARG];
	void *run;

	if (fd < 0)
		return;
	world_keep_fd(t, FD_VCPU, fd);
	run = mmap(NULL, 12288, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (run != MAP_FAILED)
		world_keep_mapping(t->world, id % MAPPINGS, run, 12288);
	make_cpuid(t, buffer);
	call(fd, KVM_SET_CPUID2, (unsigned long)buffer);
	/* a guest that has its kvm-clock: KVM_KVMCLOCK_CTRL is refused without */
	call(fd, KVM_SET_MSRS, (unsigned long)&clock);
	make_sregs(t, buffer);
	call(fd, KVM_SET_SREGS, (unsigned long)buffer);
	make_regs(t, buffer);
	call(fd, KVM_SET_REGS, (unsigned long)buffer);
}

/* A machine as a VMM would make it, or without some of it. */
static void open_vm(struct thread *t, int device)
{
	struct kvm_userspace_memory_region low = {
		.slot = 0, .memory_size = 0xa0000, .userspace_addr = ARENA,
	};
	struct kvm_enable_cap split = { .cap = KVM_CAP_SPLIT_IRQCHIP, .args = { 24 } };
	struct kvm_enable_cap ring = { .cap = KVM_CAP_DIRTY_LOG_RING, .args = { 65536 } };
	struct kvm_enable_cap manual = {
		.cap = KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2,
		.args = { 1 + 2 * random_below(&t->random, 2) },
	};
	struct kvm_pit_config pit = {};
	struct random *r = &t->random;
	int vm = call(device, KVM_CREATE_VM, 0);
	unsigned int chips = random_below(r, 4);

	if (vm < 0)
		return;
	world_keep_fd(t, FD_VM, vm);
	if (chips == 1)
		call(vm, KVM_ENABLE_CAP, (unsigned long)&split);
	if (chips > 1)
		call(vm, KVM_CREATE_IRQCHIP, 0);
	if (chips == 3)
		call(vm, KVM_CREATE_PIT2, (unsigned long)&pit);
	if (one_in(r, 4))
		call(vm, KVM_ENABLE_CAP, (unsigned long)&ring);
	else if (one_in(r, 2))
		call(vm, KVM_ENABLE_CAP, (unsigned long)&manual);
	if (one_in(r, 2))
		low.flags = KVM_MEM_LOG_DIRTY_PAGES;
	call(vm, KVM_SET_USER_MEMORY_REGION, (unsigned long)&low);
	for (unsigned int id = 0; id < 1 + random_below(r, 3); id++)
		open_vcpu(t, vm, id);
}

void world_open(struct world *w, struct random *r)
{
	struct thread t = { .world = w, .random = *r };
	int device;

	for (unsigned int kind = 0; kind < FD_KINDS; kind++)
		for (unsigned int i = 0; i < FDS; i++)
			w->fd[kind][i] = -1;
	map_fixed(ARENA, ARENA_BYTES, PROT_READ | PROT_WRITE);
	map_fixed(EDGE, 8192, PROT_READ | PROT_WRITE);
	munmap((void *)(EDGE + 4096), 4096);
	map_fixed(READ_ONLY_PAGE, 4096, PROT_READ);
	write_guest_code(&t.random, (u8 *)ARENA, 0x7000);
	for (unsigned int i = 0; i < FDS; i++)
		world_keep_fd(&t, FD_EVENT, eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
	device = open(w->device, O_RDWR | O_CLOEXEC);
	if (device < 0) {
		fprintf(stderr, "fuzz-ioctl: %s: %s\n", w->device, strerror(errno));
		_exit(2);
	}
	world_keep_fd(&t, FD_SYSTEM, device);
	open_vm(&t, device);
	if (one_in(&t.random, 2))
		open_vm(&t, device);
}
