// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rows: the life of VMs and vCPUs, and what an idle one holds of the kernel's memory.
 */
#include "bench.h"
#include "memory.h"

#define IDLE	32	/* VMs that stand by while memory is measured */

TEST(vm_create_destroy_row)
{
	ROW("vm_create_destroy", 1, 0, "KVM_CREATE_VM and close");
	int dev = device_open();

	bench_pin(0);
	for (u32 b = 0; b < BATCHES; b++) {
		h_begin(b);
		close(REQUIRE_OK(ioctl(dev, KVM_CREATE_VM, 0)));
		h_end(b);
	}
	bench_report(&row, NULL);
}

TEST(vm_vcpu_life_row)
{
	ROW("vm_vcpu_life", 1, 0, "a VM with chips, memory and one vCPU, made and closed");

	bench_pin(0);
	for (u32 b = 0; b < BATCHES; b++) {
		struct vm *vm;

		h_begin(b);
		vm = vm_create(VM_IRQCHIP);
		close(REQUIRE_OK(ioctl(vm->fd, KVM_CREATE_VCPU, 0)));
		vm_destroy(vm);
		h_end(b);
	}
	bench_report(&row, NULL);
}

TEST(vcpu_create_row)
{
	ROW("vcpu_create", 1, 0, "KVM_CREATE_VCPU");

	bench_pin(0);
	for (u32 b = 0; b < BATCHES; b++) {
		struct vm *vm = vm_create(VM_IRQCHIP);
		int fd;

		h_begin(b);
		fd = REQUIRE_OK(ioctl(vm->fd, KVM_CREATE_VCPU, 0));
		h_end(b);
		close(fd);
		vm_destroy(vm);
	}
	bench_report(&row, NULL);
}

GUEST_CODE static void guest_idle(void)
{
	for (;;)
		guest_sync(0);
}

TEST(run_immediate_exit_row)
{
	ROW("run_immediate_exit", 16, 0, "KVM_RUN with immediate_exit");
	struct vcpu *v = bench_vcpu(vm_create(VM_IRQCHIP), 0, guest_idle);

	bench_pin(0);
	vcpu_expect_sync(v, 0);
	v->run->immediate_exit = 1;
	CHECK_ERRNO(ioctl(v->fd, KVM_RUN, 0), EINTR);	/* completes the last exit */
	for (u32 b = 0; b < BATCHES; b++) {
		h_begin(b);
		for (u32 i = 0; i < row.ops; i++)
			ioctl(v->fd, KVM_RUN, 0);
		h_end(b);
	}
	bench_report(&row, NULL);
}

/* A vCPU that runs on one CPU, then on the other. The control moves and asks for its process. */
static void migrate(struct vcpu *v, u32 batch)
{
	bench_pin(batch & 1);
	h_begin(batch);
	bench_pin(!(batch & 1));
	if (v)
		vcpu_run(v);
	h_end(batch);
}

TEST(vcpu_migrate_row)
{
	ROW("vcpu_migrate", 1, ROW_ALL_CPUS | ROW_CONTROL, "run on the other CPU, with one OUT, above a thread's move");
	struct vcpu *v;

	bench_needs_cpus(2);
	v = bench_vcpu(vm_create(VM_IRQCHIP), 0, guest_idle);
	for (u32 b = 0; b < BATCHES; b++)
		migrate(NULL, BATCHES + b);
	for (u32 b = 0; b < BATCHES; b++) {
		/* it has run here before it moves */
		bench_pin(b & 1);
		vcpu_run(v);
		migrate(v, b);
	}
	bench_report(&row, NULL);
}

static void make_vms(struct vm *vm[IDLE])
{
	for (int i = 0; i < IDLE; i++)
		vm[i] = vm_create(VM_IRQCHIP);
}

static void make_vcpus(struct vm *vm[IDLE], struct vcpu *v[IDLE])
{
	for (int i = 0; i < IDLE; i++) {
		v[i] = bench_vcpu(vm[i], 0, guest_idle);
		vcpu_expect_sync(v[i], 0);
	}
}

/*
 * All are made twice, so that what the kernel's allocators take in large pieces and keep, a chunk
 * of per-CPU memory above all, is there before it is measured.
 */
TEST_SLOW(idle_memory_row, 3)
{
	struct vm *vm[IDLE];
	struct vcpu *v[IDLE];
	long before, with_vms, with_vcpus;

	make_vms(vm);
	make_vcpus(vm, v);
	for (int i = 0; i < IDLE; i++) {
		vcpu_destroy(v[i]);
		vm_destroy(vm[i]);
	}
	before = kernel_memory();
	make_vms(vm);
	with_vms = kernel_memory();
	make_vcpus(vm, v);
	with_vcpus = kernel_memory();
	bench_report_value("idle_vm_memory", "kernel memory of a VM with chips, nothing run",
			   (with_vms - before) * 1024 / IDLE);
	bench_report_value("idle_vcpu_memory", "kernel memory of its one vCPU, after one run",
			   (with_vcpus - with_vms) * 1024 / IDLE);
}
