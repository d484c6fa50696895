// SPDX-License-Identifier: GPL-2.0-only
/*
 * Lifetimes: descriptors closed in every order, with the vCPU's mapping kept; many VMs at once;
 * fork and exec of the VMM. Each object lives as long as something refers to it, and everything is
 * gone when the last reference is.
 */
#include <fcntl.h>
#include <sys/wait.h>

#include "guest.h"
#include "module.h"
#include "vm.h"

RM_CODE(out_forever, "1: out %al, $0x80; jmp 1b");

static void expect_out(struct vcpu *v)
{
	vcpu_expect(v, KVM_EXIT_IO);
	CHECK_EQ(v->run->io.port, 0x80);
}

/* The vCPU must go on for as long as its own descriptor is open, whatever was closed before. */
TEST(closed_in_every_order)
{
	static const char orders[][4] = { "dvc", "dcv", "vdc", "vcd", "cdv", "cvd" };
	int before = module_references(module_name());

	for (size_t i = 0; i < ARRAY_SIZE(orders); i++) {
		struct vm *vm = vm_create(VM_IRQCHIP);
		struct vcpu *v = vcpu_create(vm, 0);
		bool open = true;

		ktap_row("order %s (d device, v VM, c vCPU)", orders[i]);
		vcpu_set_real(v, CODE(out_forever));
		expect_out(v);
		for (const char *p = orders[i]; *p; p++) {
			int fd = *p == 'd' ? vm->dev : *p == 'v' ? vm->fd : v->fd;

			REQUIRE_OK(close(fd));
			open &= *p != 'c';
			if (open)
				expect_out(v);
		}
		/* The mapping outlives the descriptors. */
		CHECK_EQ(v->run->exit_reason, KVM_EXIT_IO);
		v->run->immediate_exit = 1;
		REQUIRE_OK(munmap(v->run, v->run_size));
		munmap(vm->mem, vm->mem_size);
	}
	CHECK(module_references_settle(before, 2000), "references: %d, before %d",
	      module_references(module_name()), before);
}

TEST(guest_memory_unmapped_before_close)
{
	struct vm *vm = vm_create(0);
	struct vcpu *v = vcpu_create(vm, 0);

	vcpu_set_real(v, CODE(out_forever));
	expect_out(v);
	REQUIRE_OK(munmap(vm->mem, vm->mem_size));
	close(vm->fd);
	CHECK_ERRNO(ioctl(v->fd, KVM_RUN, 0), EFAULT);
	close(v->fd);
	close(vm->dev);
}

TEST_SLOW(a_hundred_vms, 3)
{
	static struct vcpu *v[100];
	int before = module_references(module_name());

	for (size_t i = 0; i < ARRAY_SIZE(v); i++) {
		v[i] = vcpu_create(vm_create(i & 1 ? VM_IRQCHIP : 0), 0);
		vcpu_set_real(v[i], CODE(out_forever));
	}
	for (int round = 0; round < 3; round++) {
		for (size_t i = 0; i < ARRAY_SIZE(v); i++)
			expect_out(v[i]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(v); i++) {
		size_t k = i * 37 % ARRAY_SIZE(v);
		struct vm *vm = v[k]->vm;

		expect_out(v[k]);
		vcpu_destroy(v[k]);
		vm_destroy(vm);
	}
	CHECK(module_references_settle(before, 2000), "references: %d, before %d",
	      module_references(module_name()), before);
}

/*
 * Each of two VMs with its own memory at the same guest addresses, run in turn: no translation may
 * stray.
 */
GUEST_CODE static void guest_writes_its_number(void)
{
	for (;;) {
		for (u64 i = 0; i < 64; i++) {
			G_EQ(*(volatile u64 *)(GPA_HIGH + i * 4096), ARG(1));
			*(volatile u64 *)(GPA_HIGH + i * 4096) = ARG(0) + ARG(1) + 1;
		}
		ARG(1) = ARG(0) + ARG(1) + 1;
		guest_sync(1);
	}
}

TEST(vms_do_not_mix)
{
	struct vcpu *v[4];

	for (size_t i = 0; i < ARRAY_SIZE(v); i++) {
		v[i] = vcpu_create(vm_create(0), 0);
		vcpu_set_long(v[i], guest_writes_its_number);
		vm_shared(v[i]->vm)->arg[0] = i * 1000;
	}
	for (int round = 0; round < 50; round++) {
		for (size_t i = 0; i < ARRAY_SIZE(v); i++)
			vcpu_expect_sync(v[i], 1);
	}
}

/*
 * A VM belongs to the address space that made it: a child that inherited the descriptors gets EIO.
 */
TEST(forked_child)
{
	struct vm *vm = vm_create(0);
	struct vcpu *v = vcpu_create(vm, 0);
	struct kvm_userspace_memory_region r = { .slot = 5,
						 .guest_phys_addr = 1UL << 32,
						 .memory_size = 4096,
						 .userspace_addr = (u64)vm->mem };
	struct kvm_regs regs;
	int status = 0;
	pid_t child;

	vcpu_set_real(v, CODE(out_forever));
	expect_out(v);
	child = REQUIRE_OK(fork());
	if (!child) {
		CHECK_ERRNO(ioctl(v->fd, KVM_RUN, 0), EIO);
		CHECK_ERRNO(ioctl(v->fd, KVM_GET_REGS, &regs), EIO);
		CHECK_ERRNO(ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION, &r), EIO);
		CHECK_ERRNO(ioctl(vm->fd, KVM_CREATE_VCPU, 1L), EIO);
		CHECK_EQ(ioctl(vm->dev, KVM_GET_API_VERSION, 0), 12);
		_exit(ktap_any_failure() ? KTAP_FAIL : KTAP_PASS);
	}
	REQUIRE_EQ(waitpid(child, &status, 0), child);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == KTAP_PASS, "child: status 0x%x", status);
	expect_out(v);
	CHECK_OK(ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION, &r));
}

/* The VMM goes, the child keeps the descriptors: the VM is held, and released with the child. */
TEST(child_outlives_the_vmm)
{
	int before = module_references(module_name()), status = 0;
	pid_t vmm = REQUIRE_OK(fork());
	struct kvm_regs regs;

	if (!vmm) {
		struct vm *vm = vm_create(VM_IRQCHIP);
		struct vcpu *v = vcpu_create(vm, 0);

		vcpu_set_real(v, CODE(out_forever));
		expect_out(v);
		vmm = getpid();
		if (fork())
			_exit(0);
		/* Wait for the parent's end: this process is then somebody else's child. */
		while (getppid() == vmm)
			usleep(1000);
		CHECK_ERRNO(ioctl(v->fd, KVM_RUN, 0), EIO);
		CHECK_ERRNO(ioctl(v->fd, KVM_GET_REGS, &regs), EIO);
		_exit(0);
	}
	REQUIRE_EQ(waitpid(vmm, &status, 0), vmm);
	CHECK_EQ(status, 0);
	CHECK(module_references_settle(before, 5000), "references: %d, before %d",
	      module_references(module_name()), before);
}

/* exec() of the VMM closes the descriptors. */
TEST(exec)
{
	int before = module_references(module_name()), status = 0;
	pid_t child = REQUIRE_OK(fork());

	if (!child) {
		struct vcpu *v = vcpu_create(vm_create(0), 0);

		vcpu_set_real(v, CODE(out_forever));
		expect_out(v);
		/*
		 * The new program is this one with the name of no test: it fails at once, and its
		 * lines are not ours.
		 */
		dup2(open("/dev/null", O_WRONLY | O_CLOEXEC), STDOUT_FILENO);
		execl("/proc/self/exe", "self", "no_test_has_this_name", (char *)NULL);
		_exit(99);
	}
	REQUIRE_EQ(waitpid(child, &status, 0), child);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == KTAP_FAIL, "status 0x%x", status);
	CHECK(module_references_settle(before, 2000), "references: %d, before %d",
	      module_references(module_name()), before);
}
