// SPDX-License-Identifier: GPL-2.0-only
/*
 * MSRs that user space denies or answers: KVM_X86_SET_MSR_FILTER and KVM_CAP_X86_USER_SPACE_MSR,
 * for registers that exit and for those that the guest otherwise touches directly.
 */
#include "guest.h"
#include "vm.h"

#define MSR_NOWHERE	0x4321
#define MSR_SYSENTER_EIP	0x176
#define MSR_MISC_ENABLE	0x1a0
#define MSR_PAT		0x277

static void enable(struct vm *vm, u64 reasons)
{
	struct kvm_enable_cap cap = { .cap = KVM_CAP_X86_USER_SPACE_MSR, .args = { reasons } };

	REQUIRE_OK(ioctl(vm->fd, KVM_ENABLE_CAP, &cap));
}

GUEST_CODE static void guest_unknown(void)
{
	u64 value;

	G_EQ(try_rdmsr(MSR_NOWHERE, &value), NO_TRAP);
	G_EQ(value, 0x1122334455667788);
	G_EQ(try_wrmsr(MSR_NOWHERE, 0x8877665544332211), NO_TRAP);
	G_EQ(try_rdmsr(MSR_NOWHERE, &value), VEC_GP);
	/* not canonical: the register is there, the value is not */
	G_EQ(try_wrmsr(MSR_SYSENTER_EIP, 1UL << 63), VEC_GP);
	G_EQ(try_wrmsr(MSR_PAT, ~0UL), VEC_GP);
	guest_done();
}

TEST(unknown)
{
	struct vm *vm = vm_create(0);
	struct vcpu *v;

	REQUIRE_CAP(vm->fd, KVM_CAP_X86_USER_SPACE_MSR);
	enable(vm, KVM_MSR_EXIT_REASON_UNKNOWN);
	v = vcpu_create(vm, 0);
	vcpu_set_long(v, guest_unknown);
	vcpu_expect(v, KVM_EXIT_X86_RDMSR);
	CHECK_EQ(v->run->msr.index, MSR_NOWHERE);
	CHECK_EQ(v->run->msr.reason, KVM_MSR_EXIT_REASON_UNKNOWN);
	CHECK_EQ(v->run->msr.error, 0);
	v->run->msr.data = 0x1122334455667788;
	vcpu_expect(v, KVM_EXIT_X86_WRMSR);
	CHECK_EQ(v->run->msr.index, MSR_NOWHERE);
	CHECK_EQ(v->run->msr.data, 0x8877665544332211);
	vcpu_expect(v, KVM_EXIT_X86_RDMSR);
	v->run->msr.error = 1;
	vcpu_finish(v);
}

GUEST_CODE static void guest_filtered(void)
{
	u64 value;

	G_EQ(try_rdmsr(MSR_PAT, &value), NO_TRAP);	/* direct, before the filter */
	guest_sync(1);
	G_EQ(try_rdmsr(MSR_PAT, &value), VEC_GP);
	G_EQ(try_wrmsr(MSR_PAT, 0x0007040600070406), NO_TRAP);
	G_EQ(try_rdmsr(MSR_MISC_ENABLE, &value), VEC_GP);
	guest_sync(2);
	G_EQ(try_rdmsr(MSR_PAT, &value), NO_TRAP);
	G_EQ(value, 0x42);
	guest_sync(3);
	G_EQ(try_rdmsr(MSR_PAT, &value), NO_TRAP);
	G_EQ(value, 0x0007040600070406);
	G_EQ(try_rdmsr(MSR_MISC_ENABLE, &value), NO_TRAP);
	guest_done();
}

TEST(filter)
{
	u8 denied[8] = {};
	struct kvm_msr_filter filter = {
		.ranges = {
			{ .flags = KVM_MSR_FILTER_READ, .base = MSR_PAT, .nmsrs = 1,
			  .bitmap = denied },
			{ .flags = KVM_MSR_FILTER_READ, .base = MSR_MISC_ENABLE, .nmsrs = 8,
			  .bitmap = denied },
		},
	};
	struct vm *vm = vm_create(0);
	struct vcpu *v;

	REQUIRE_CAP(vm->fd, KVM_CAP_X86_MSR_FILTER);
	v = vcpu_create(vm, 0);
	vcpu_set_long(v, guest_filtered);
	vcpu_expect_sync(v, 1);
	REQUIRE_OK(ioctl(vm->fd, KVM_X86_SET_MSR_FILTER, &filter));
	vcpu_expect_sync(v, 2);
	ktap_row("answered by user space");
	enable(vm, KVM_MSR_EXIT_REASON_FILTER);
	vcpu_expect(v, KVM_EXIT_X86_RDMSR);
	CHECK_EQ(v->run->msr.reason, KVM_MSR_EXIT_REASON_FILTER);
	v->run->msr.data = 0x42;
	vcpu_expect_sync(v, 3);
	ktap_row("taken away");
	memset(&filter, 0, sizeof(filter));
	REQUIRE_OK(ioctl(vm->fd, KVM_X86_SET_MSR_FILTER, &filter));
	vcpu_finish(v);
}

TEST(bad_filters)
{
	static u8 bitmap[0x1000];
	struct kvm_msr_filter filter = { .flags = KVM_MSR_FILTER_DEFAULT_DENY };
	struct kvm_enable_cap cap = { .cap = KVM_CAP_X86_USER_SPACE_MSR, .args = { 1 << 30 } };
	struct vm *vm = vm_create(0);

	REQUIRE_CAP(vm->fd, KVM_CAP_X86_MSR_FILTER);
	CHECK_ERRNO(ioctl(vm->fd, KVM_ENABLE_CAP, &cap), EINVAL);
	ktap_row("deny all, without a range");
	CHECK_ERRNO(ioctl(vm->fd, KVM_X86_SET_MSR_FILTER, &filter), EINVAL);
	ktap_row("unknown flags");
	filter.flags = 2;
	CHECK_ERRNO(ioctl(vm->fd, KVM_X86_SET_MSR_FILTER, &filter), EINVAL);
	filter.flags = 0;
	filter.ranges[3] = (struct kvm_msr_filter_range) { .flags = 4, .nmsrs = 1,
							   .bitmap = bitmap };
	CHECK_ERRNO(ioctl(vm->fd, KVM_X86_SET_MSR_FILTER, &filter), EINVAL);
	ktap_row("a range too large");
	filter.ranges[3].flags = KVM_MSR_FILTER_READ;
	filter.ranges[3].nmsrs = 0x600 * 8 + 1;
	CHECK_ERRNO(ioctl(vm->fd, KVM_X86_SET_MSR_FILTER, &filter), EINVAL);
	filter.ranges[3].nmsrs = 0x600 * 8;
	CHECK_OK(ioctl(vm->fd, KVM_X86_SET_MSR_FILTER, &filter));
	ktap_row("a bitmap that cannot be read");
	filter.ranges[3].bitmap = (void *)8;
	CHECK_ERRNO(ioctl(vm->fd, KVM_X86_SET_MSR_FILTER, &filter), EFAULT);
}
