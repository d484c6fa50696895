// SPDX-License-Identifier: GPL-2.0-only
/*
 * SIGKILL of a VMM at random moments: while it creates, while its guest runs, faults, exits,
 * sleeps in HLT, or is being torn down. Afterwards nothing may be left: the module's reference
 * count is what it was, no process is stuck, and the kernel's memory is what it was. The random
 * numbers are seeded by a constant, which is printed, so that a failure can be repeated.
 */
#include <fcntl.h>
#include <pthread.h>
#include <sys/wait.h>

#include "chips.h"
#include "host.h"
#include "memory.h"
#include "module.h"
#include "vm.h"

#define SEED	20240611u
#define SERIES	3

static u32 random_state = SEED;

static u32 random_below(u32 n)
{
	random_state = random_state * 1664525 + 1013904223;
	return (random_state >> 8) % n;
}

/* Page faults, exits, timer interrupts and memory traffic, for ever. */
GUEST_CODE static void on_tick(struct trap_frame *f)
{
	(void)f;
	ARG(1)++;
	apic_write(APIC_EOI, 0);
}

GUEST_CODE static void guest_everything(void)
{
	guest_set_handler(0x61, on_tick);
	apic_enable();
	apic_write(APIC_TDCR, 0xb);
	apic_write(APIC_LVTT, 0x61 | APIC_TIMER_PERIODIC);
	apic_write(APIC_TMICT, 500000);
	for (u64 n = 0;; n++) {
		*(volatile u64 *)(GPA_HIGH + (n & 255) * 4096) = n;
		if (!(n & 63))
			outb(0x80, n);
		if (!(n & 1023)) {
			sti_hlt();
			cli();
		}
		cpu_relax();
	}
}

static void *run_vcpu(void *arg)
{
	struct vcpu *v = arg;

	for (;;)
		vcpu_next(v);
	return NULL;
}

/*
 * The victim: one or two vCPUs, each in a thread, and now and then a whole VM made and thrown away
 * beside it.
 */
static void victim(int kind)
{
	struct vm *vm = vm_create(VM_PIT);
	struct vcpu *v = vcpu_create(vm, 0);
	struct kvm_mp_state runnable = { KVM_MP_STATE_RUNNABLE };
	pthread_t thread;

	vcpu_set_long(v, guest_everything);
	if (kind & 1) {
		struct vcpu *second = vcpu_create(vm, 1);

		vcpu_set_long(second, guest_everything);
		ioctl(second->fd, KVM_SET_MP_STATE, &runnable);
		pthread_create(&thread, NULL, run_vcpu, second);
	}
	if (kind & 2) {
		pthread_create(&thread, NULL, run_vcpu, v);
		for (;;) {
			struct vm *other = vm_create(VM_IRQCHIP);
			struct vcpu *w = vcpu_create(other, 0);

			madvise(vm->mem + GPA_HIGH, 0x100000, MADV_DONTNEED);
			vcpu_destroy(w);
			vm_destroy(other);
		}
	}
	run_vcpu(v);
}

static void kill_one(int kind, u32 us)
{
	int status = 0;
	pid_t child = REQUIRE_OK(fork());

	if (!child) {
		victim(kind);
		_exit(1);
	}
	usleep(us);
	REQUIRE_OK(kill(child, SIGKILL));
	REQUIRE_EQ(waitpid(child, &status, 0), child);
	CHECK(WIFSIGNALED(status), "round of kind %d: the victim ended by itself, status 0x%x",
	      kind, status);
}

static int references;	/* of the module, before */

static void kill_many(int rounds)
{
	for (int i = 0; i < rounds && !ktap_timed_out(); i++)
		kill_one(i & 3, random_below(i % 3 ? 20000 : 2000));
	CHECK(module_references_settle(references, 2000), "references: %d, before %d",
	      module_references(module_name()), references);
}

TEST_SLOW(kill_at_random_moments, 6)
{
	int rounds = host_repetitions(50, 12, "rounds");

	references = module_references(module_name());
	ktap_note("seed %u, series of %d rounds", SEED, rounds);
	kill_many(rounds);	/* caches warm up */
	check_memory_is_kept(kill_many, rounds, SERIES);
}
