// SPDX-License-Identifier: GPL-2.0-only
/*
 * The younger forms of a vCPU's state: KVM_GET_SREGS2 with PDPTEs, registers that travel with
 * KVM_RUN, KVM_GET_XSAVE2, events with payloads and triple faults, the TSC offset, machine checks;
 * and KVM_SET_CPUID, the oldest; KVM_TRANSLATE.
 */
#include "guest.h"
#include "vm.h"

RM_CODE(out_loop, "1: inc %bx; out %al, $0x80; jmp 1b");

static void enable(struct vm *vm, u32 number)
{
	struct kvm_enable_cap cap = { .cap = number, .args = { 1 } };

	REQUIRE_OK(ioctl(vm->fd, KVM_ENABLE_CAP, &cap));
}

TEST(sregs2)
{
	struct vm *vm = vm_create(0);
	struct vcpu *v = vcpu_create(vm, 0);
	struct kvm_sregs2 s;
	int i;

	REQUIRE_CAP(vm->fd, KVM_CAP_SREGS2);
	vcpu_set_protected(v, CODE(out_loop));
	REQUIRE_OK(ioctl(v->fd, KVM_GET_SREGS2, &s));
	CHECK_EQ(s.flags, 0);
	ktap_row("PDPTEs outside PAE paging");
	s.flags = KVM_SREGS2_FLAGS_PDPTRS_VALID;
	CHECK_ERRNO(ioctl(v->fd, KVM_SET_SREGS2, &s), EINVAL);
	s.flags = 2;
	CHECK_ERRNO(ioctl(v->fd, KVM_SET_SREGS2, &s), EINVAL);
	ktap_row("PDPTEs that guest memory does not hold");
	s.flags = KVM_SREGS2_FLAGS_PDPTRS_VALID;
	s.cr3 = 0x1000;
	s.cr4 |= CR4_PAE;
	s.cr0 |= CR0_PG | CR0_PE;
	for (i = 0; i < 4; i++)
		s.pdptrs[i] = 0x2001 + i * 0x1000;
	REQUIRE_OK(ioctl(v->fd, KVM_SET_SREGS2, &s));
	memset(&s, 0, sizeof(s));
	REQUIRE_OK(ioctl(v->fd, KVM_GET_SREGS2, &s));
	CHECK_EQ(s.flags, KVM_SREGS2_FLAGS_PDPTRS_VALID);
	for (i = 0; i < 4; i++)
		CHECK_EQ(s.pdptrs[i], 0x2001 + i * 0x1000);
}

TEST(sync_regs)
{
	struct vm *vm = vm_create(0);
	struct vcpu *v = vcpu_create(vm, 0);
	struct kvm_sync_regs *s = &v->run->s.regs;
	struct kvm_regs regs;
	u64 known = device_cap(vm->fd, KVM_CAP_SYNC_REGS);

	CHECK_EQ(known, KVM_SYNC_X86_REGS | KVM_SYNC_X86_SREGS | KVM_SYNC_X86_EVENTS);
	vcpu_set_real(v, CODE(out_loop));
	vcpu_get_regs(v, &regs);
	regs.rbx = 0x100;
	vcpu_set_regs(v, &regs);
	v->run->kvm_valid_regs = known;
	vcpu_expect(v, KVM_EXIT_IO);
	CHECK_EQ(s->regs.rbx, 0x101);
	CHECK_EQ(s->sregs.cs.base, 0);
	ktap_row("changed on the way in");
	s->regs.rbx = 0x200;
	s->sregs.ds.base = 0x5550;
	v->run->kvm_dirty_regs = KVM_SYNC_X86_REGS | KVM_SYNC_X86_SREGS;
	vcpu_expect(v, KVM_EXIT_IO);
	CHECK_EQ(v->run->kvm_dirty_regs, 0);
	CHECK_EQ(s->regs.rbx, 0x201);
	CHECK_EQ(s->sregs.ds.base, 0x5550);
	ktap_row("not marked: nothing changes");
	s->regs.rbx = 0x300;
	vcpu_expect(v, KVM_EXIT_IO);
	CHECK_EQ(s->regs.rbx, 0x202);
	ktap_row("unknown sets");
	v->run->kvm_valid_regs = 1 << 20;
	CHECK_ERRNO(ioctl(v->fd, KVM_RUN, 0), EINVAL);
	v->run->kvm_valid_regs = 0;
	v->run->kvm_dirty_regs = 1 << 20;
	CHECK_ERRNO(ioctl(v->fd, KVM_RUN, 0), EINVAL);
	v->run->kvm_dirty_regs = KVM_SYNC_X86_SREGS;
	s->sregs.cr4 = ~0UL;
	CHECK_ERRNO(ioctl(v->fd, KVM_RUN, 0), EINVAL);
}

TEST(xsave2)
{
	struct vm *vm = vm_create(0);
	struct vcpu *v = vcpu_create(vm, 0);
	int size = device_cap(vm->fd, KVM_CAP_XSAVE2);
	struct kvm_xsave plain;
	u8 *large;

	if (!size)
		SKIP("no KVM_CAP_XSAVE2");
	CHECK(size >= (int)sizeof(plain), "KVM_CAP_XSAVE2 is %d", size);
	large = calloc(1, size);
	REQUIRE_OK(ioctl(v->fd, KVM_GET_XSAVE, &plain));
	plain.region[160 / 4] = 0x12345678;		/* XMM0 */
	plain.region[512 / 4] |= 2;
	REQUIRE_OK(ioctl(v->fd, KVM_SET_XSAVE, &plain));
	REQUIRE_OK(ioctl(v->fd, KVM_GET_XSAVE2, large));
	CHECK_EQ(*(u32 *)(large + 160), 0x12345678);
	free(large);
}

TEST(payload)
{
	struct vm *vm = vm_create(0);
	struct vcpu *v = vcpu_create(vm, 0);
	struct kvm_vcpu_events e, got;
	struct kvm_sregs sregs;

	vcpu_set_real(v, CODE(out_loop));
	REQUIRE_OK(ioctl(v->fd, KVM_GET_VCPU_EVENTS, &e));
	e.flags = KVM_VCPUEVENT_VALID_PAYLOAD;
	ktap_row("only when it was asked for");
	CHECK_ERRNO(ioctl(v->fd, KVM_SET_VCPU_EVENTS, &e), EINVAL);
	e.flags = KVM_VCPUEVENT_VALID_TRIPLE_FAULT;
	CHECK_ERRNO(ioctl(v->fd, KVM_SET_VCPU_EVENTS, &e), EINVAL);
	enable(vm, KVM_CAP_EXCEPTION_PAYLOAD);
	enable(vm, KVM_CAP_X86_TRIPLE_FAULT_EVENT);

	ktap_row("a pending page fault keeps its address to itself");
	e.flags = KVM_VCPUEVENT_VALID_PAYLOAD;
	e.exception.pending = 1;
	e.exception.injected = 0;
	e.exception.nr = VEC_PF;
	e.exception.has_error_code = 1;
	e.exception_has_payload = 1;
	e.exception_payload = 0xabcd000;
	REQUIRE_OK(ioctl(v->fd, KVM_SET_VCPU_EVENTS, &e));
	REQUIRE_OK(ioctl(v->fd, KVM_GET_VCPU_EVENTS, &got));
	CHECK_EQ(got.exception.pending, 1);
	CHECK_EQ(got.exception.injected, 0);
	CHECK_EQ(got.exception_has_payload, 1);
	CHECK_EQ(got.exception_payload, 0xabcd000);
	vcpu_get_sregs(v, &sregs);
	CHECK_EQ(sregs.cr2, 0);
	/* real mode: vector 14 leads to the loop */
	*(u32 *)(vm->mem + VEC_PF * 4) = GPA_REAL;
	vcpu_expect(v, KVM_EXIT_IO);
	vcpu_get_sregs(v, &sregs);
	CHECK_EQ(sregs.cr2, 0xabcd000);

	ktap_row("a triple fault shuts down");
	memset(&e, 0, sizeof(e));
	e.flags = KVM_VCPUEVENT_VALID_TRIPLE_FAULT;
	e.triple_fault.pending = 1;
	REQUIRE_OK(ioctl(v->fd, KVM_SET_VCPU_EVENTS, &e));
	REQUIRE_OK(ioctl(v->fd, KVM_GET_VCPU_EVENTS, &got));
	CHECK_EQ(got.triple_fault.pending, 1);
	vcpu_expect(v, KVM_EXIT_SHUTDOWN);
}

TEST(tsc_offset)
{
	struct vm *vm = vm_create(0);
	struct vcpu *v = vcpu_create(vm, 0);
	u64 offset = 0, other;
	struct kvm_device_attr attr = { .group = KVM_VCPU_TSC_CTRL, .attr = KVM_VCPU_TSC_OFFSET,
					.addr = (u64)(unsigned long)&offset };

	REQUIRE_CAP(vm->fd, KVM_CAP_VCPU_ATTRIBUTES);
	CHECK_OK(ioctl(v->fd, KVM_HAS_DEVICE_ATTR, &attr));
	REQUIRE_OK(ioctl(v->fd, KVM_GET_DEVICE_ATTR, &attr));
	other = offset + (1UL << 40);
	attr.addr = (u64)(unsigned long)&other;
	REQUIRE_OK(ioctl(v->fd, KVM_SET_DEVICE_ATTR, &attr));
	attr.addr = (u64)(unsigned long)&offset;
	REQUIRE_OK(ioctl(v->fd, KVM_GET_DEVICE_ATTR, &attr));
	CHECK_EQ(offset, other);
	CHECK(vcpu_get_msr(v, 0x10) >= 1UL << 40, "the guest's TSC did not follow");
	attr.addr = 8;
	CHECK_ERRNO(ioctl(v->fd, KVM_SET_DEVICE_ATTR, &attr), EFAULT);
	attr.attr = 77;
	CHECK_ERRNO(ioctl(v->fd, KVM_HAS_DEVICE_ATTR, &attr), ENXIO);
	CHECK_ERRNO(ioctl(v->fd, KVM_GET_DEVICE_ATTR, &attr), ENXIO);
}

GUEST_CODE static void guest_machine_check(void)
{
	WRITE_CR(4, READ_CR(4) | CR4_MCE);
	SHARED->vector = NO_TRAP;
	guest_sync(1);
	G_EQ(rdmsr(0x401 + 4 * 2) >> 61, 5);		/* VAL, UC */
	G_EQ(rdmsr(0x402 + 4 * 2), 0x123000);
	G_EQ(rdmsr(0x17a), 5);
	guest_done();
}

GUEST_CODE static void guest_on_mc(struct trap_frame *f)
{
	(void)f;
	ARG(0)++;
}

GUEST_CODE static void guest_take_mc(void)
{
	guest_set_handler(VEC_MC, guest_on_mc);
	ARG(0) = 0;
	guest_machine_check();
}

TEST(machine_check)
{
	struct vm *vm = vm_create(0);
	struct vcpu *v = vcpu_create(vm, 0);
	u64 cap = 4 | 1 << 8;
	struct kvm_x86_mce mce = { .bank = 2, .status = 5ULL << 61, .addr = 0x123000,
				   .mcg_status = 5 };

	REQUIRE_OK(ioctl(v->fd, KVM_X86_SETUP_MCE, &cap));
	vcpu_set_long(v, guest_take_mc);
	vcpu_expect_sync(v, 1);
	mce.bank = 4;
	CHECK_ERRNO(ioctl(v->fd, KVM_X86_SET_MCE, &mce), EINVAL);
	mce.bank = 2;
	mce.status = 1;
	CHECK_ERRNO(ioctl(v->fd, KVM_X86_SET_MCE, &mce), EINVAL);
	mce.status = 5ULL << 61;
	REQUIRE_OK(ioctl(v->fd, KVM_X86_SET_MCE, &mce));
	vcpu_finish(v);
	CHECK_EQ(vm_shared(vm)->arg[0], 1);
	ktap_row("one on top of another");
	REQUIRE_OK(ioctl(v->fd, KVM_X86_SET_MCE, &mce));
	vcpu_expect(v, KVM_EXIT_SHUTDOWN);
}

GUEST_CODE static void guest_old_cpuid(void)
{
	u32 a = 0x40000077, b, c = 0, d;

	asm volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
	G_EQ(a, 1);
	G_EQ(b, 2);
	G_EQ(c, 3);
	G_EQ(d, 4);
	guest_done();
}

TEST(cpuid_v1)
{
	struct vm *vm = vm_create(0);
	struct vcpu *v = vcpu_create(vm, 0);
	struct {
		struct kvm_cpuid head;
		struct kvm_cpuid_entry entry[128];
	} old = {};
	struct cpuid c;

	cpuid_supported(vm->dev, &c);
	for (u32 i = 0; i < c.head.nent; i++) {
		if (c.entry[i].index)
			continue;
		old.entry[old.head.nent++] = (struct kvm_cpuid_entry) {
			c.entry[i].function, c.entry[i].eax, c.entry[i].ebx, c.entry[i].ecx,
			c.entry[i].edx, 0 };
	}
	old.entry[old.head.nent++] = (struct kvm_cpuid_entry) { 0x40000077, 1, 2, 3, 4, 0 };
	REQUIRE_OK(ioctl(v->fd, KVM_SET_CPUID, &old));
	vcpu_set_long(v, guest_old_cpuid);
	vcpu_finish(v);
}

/* Without paging an address is its own translation; all ones says that there is none. */
TEST(translation)
{
	struct vcpu *v = vcpu_create(vm_create(0), 0);
	struct kvm_translation t = { .linear_address = GPA_PAGE };

	vcpu_set_real(v, CODE(out_loop));
	REQUIRE_OK(ioctl(v->fd, KVM_TRANSLATE, &t));
	CHECK_EQ(t.valid, 1);
	CHECK_EQ(t.physical_address, GPA_PAGE);
	t.linear_address = ~0ULL;
	REQUIRE_OK(ioctl(v->fd, KVM_TRANSLATE, &t));
	CHECK_EQ(t.valid, 0);
}
