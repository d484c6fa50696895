// SPDX-License-Identifier: GPL-2.0-only
/*
 * HLT without an in-kernel interrupt controller is the VMM's business: KVM_EXIT_HLT, with RIP
 * behind the instruction, in real mode and in long mode, and the next KVM_RUN goes on there.
 */
#include <pthread.h>
#include <stdatomic.h>

#include "guest.h"
#include "vm.h"

RM_CODE(two_hlts, "hlt; mov $0x1234, %bx; hlt");

TEST(hlt_real)
{
	struct vm *vm = vm_create(0);
	struct vcpu *v = vcpu_create(vm, 0);
	struct kvm_regs regs;

	vcpu_set_real(v, CODE(two_hlts));
	vcpu_expect(v, KVM_EXIT_HLT);
	vcpu_get_regs(v, &regs);
	CHECK_EQ(regs.rip, GPA_REAL + 1);
	vcpu_expect(v, KVM_EXIT_HLT);
	vcpu_get_regs(v, &regs);
	CHECK_EQ(regs.rip, GPA_REAL + 5);
	CHECK_EQ(regs.rbx, 0x1234);
}

GUEST_CODE static void guest_hlt(void)
{
	guest_sync(1);
	hlt();
	guest_sync(2);
	sti_hlt();
	G_CHECK(read_flags() & FLAG_IF);
	cli();
	guest_done();
}

TEST(hlt_long)
{
	struct vm *vm = vm_create(0);
	struct vcpu *v = vcpu_create(vm, 0);

	vcpu_set_long(v, guest_hlt);
	vcpu_expect_sync(v, 1);
	vcpu_expect(v, KVM_EXIT_HLT);
	CHECK_EQ(v->run->if_flag, 0);
	vcpu_expect_sync(v, 2);
	vcpu_expect(v, KVM_EXIT_HLT);
	CHECK_EQ(v->run->if_flag, 1);
	vcpu_finish(v);
}

RM_CODE(hlt_then_out, "cli; hlt; mov $0x10, %dx; outb %al, %dx; hlt");

static atomic_bool stop_nmis;

/* By messages: KVM_NMI waits for a KVM_RUN that is under way. */
static int send_nmi(struct vm *vm)
{
	struct kvm_msi msi = { .address_lo = 0xfee00000, .data = 4 << 8 };

	return ioctl(vm->fd, KVM_SIGNAL_MSI, &msi);
}

static void *send_nmis(void *vm)
{
	while (!atomic_load(&stop_nmis)) {
		usleep(1000);
		if (send_nmi(vm) < 0)
			return (void *)1L;
	}
	return NULL;
}

/*
 * With HLT left to the guest no exit tells of it: NMIs from outside end the halt, and what comes
 * next is the port.  An external interrupt, by which the host gets the CPU back, leaves the guest
 * halted, though RFLAGS.IF is clear.  Real mode: vector 2 leads to an IRET.
 */
TEST(hlt_disabled)
{
	struct kvm_enable_cap cap = { .cap = KVM_CAP_X86_DISABLE_EXITS };
	struct vm *vm = vm_create(VM_IRQCHIP);
	pthread_t thread;
	struct vcpu *v;
	void *failed;

	if (!(device_cap(vm->fd, KVM_CAP_X86_DISABLE_EXITS) & KVM_X86_DISABLE_EXITS_HLT))
		SKIP("HLT exits cannot be disabled");
	cap.args[0] = 1ULL << 40;
	CHECK_ERRNO(ioctl(vm->fd, KVM_ENABLE_CAP, &cap), EINVAL);
	cap.args[0] = KVM_X86_DISABLE_EXITS_HLT;
	/* with a vCPU there, KVM since 6.13 refuses it; older ones, and Lintel, do not */
	if (strcmp(device_path(), "/dev/kvm")) {
		v = vcpu_create(vm, 0);
		CHECK_OK(ioctl(vm->fd, KVM_ENABLE_CAP, &cap));
	} else {
		CHECK_OK(ioctl(vm->fd, KVM_ENABLE_CAP, &cap));
		v = vcpu_create(vm, 0);
	}

	vcpu_set_real(v, CODE(hlt_then_out));
	*(uint16_t *)(vm->mem + 2 * 4) = GPA_REAL + 0x100;
	*(uint16_t *)(vm->mem + 2 * 4 + 2) = 0;
	vm->mem[GPA_REAL + 0x100] = 0xcf;
	if (!send_nmi(vm))
		SKIP("KVM delivers no NMI by a message here");
	CHECK_EQ(pthread_create(&thread, NULL, send_nmis, vm), 0);
	vcpu_expect(v, KVM_EXIT_IO);
	atomic_store(&stop_nmis, true);
	CHECK_EQ(pthread_join(thread, &failed), 0);
	CHECK_EQ((long)failed, 0);
	CHECK_EQ(v->run->io.port, 0x10);
}
