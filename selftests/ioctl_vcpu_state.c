// SPDX-License-Identifier: GPL-2.0-only
/*
 * Round trips of a vCPU's state: what a SET takes, the next GET gives back, before the first run
 * and after one; what is reserved is refused with EINVAL and changes nothing.
 */
#include <asm/kvm_para.h>

#include "guest.h"
#include "vm.h"

RM_CODE(spin_out, "1: out %al, $0x80; jmp 1b");

static struct vcpu *fresh(unsigned int flags)
{
	return vcpu_create(vm_create(flags), 0);
}

/* Runs the guest once, so that state lives in the VMCS and in the host's registers for a moment. */
static void run_once(struct vcpu *v)
{
	vcpu_expect(v, KVM_EXIT_IO);
}

TEST(regs)
{
	struct vcpu *v = fresh(0);
	struct kvm_regs set, got;

	for (size_t i = 0; i < sizeof(set); i++)
		((u8 *)&set)[i] = i * 3 + 1;
	set.rflags = FLAG_FIXED | FLAG_ZF | FLAG_CF;
	set.rip = 0x123456789ab;
	vcpu_set_regs(v, &set);
	vcpu_get_regs(v, &got);
	CHECK(!memcmp(&set, &got, sizeof(set)), "KVM_GET_REGS differs from KVM_SET_REGS");
	ktap_row("bit 1 of RFLAGS is always set");
	set.rflags = 0;
	vcpu_set_regs(v, &set);
	vcpu_get_regs(v, &got);
	CHECK_EQ(got.rflags & FLAG_FIXED, FLAG_FIXED);
	ktap_row("after a run");
	vcpu_set_real(v, CODE(spin_out));
	vcpu_get_regs(v, &set);
	set.rbx = 0x1111222233334444;
	set.r15 = ~0UL;
	vcpu_set_regs(v, &set);
	run_once(v);
	vcpu_get_regs(v, &got);
	CHECK_EQ(got.rbx, set.rbx);
	CHECK_EQ(got.r15, set.r15);
}

TEST(sregs)
{
	struct vcpu *v = fresh(0);
	struct kvm_sregs set, got;

	vcpu_set_long(v, (void (*)(void))0);
	vcpu_get_sregs(v, &set);
	set.ds.base = 0x1234;
	set.fs.base = 0x7fff12345678;
	set.gs.base = 0xffff812345678000;
	set.ldt = (struct kvm_segment){
		.base = 0x5000, .limit = 0xfff, .selector = 0x50, .type = 2, .present = 1
	};
	set.cr2 = 0xdeadbeef000;
	set.cr8 = 7;
	set.gdt.base = 0xffff800000001000;
	set.gdt.limit = 0x7f;
	vcpu_set_sregs(v, &set);
	vcpu_get_sregs(v, &got);
	CHECK_EQ(got.cr0, set.cr0);
	CHECK_EQ(got.cr2, set.cr2);
	CHECK_EQ(got.cr3, set.cr3);
	CHECK_EQ(got.cr4, set.cr4);
	CHECK_EQ(got.cr8, set.cr8);
	CHECK_EQ(got.efer, set.efer);
	CHECK_EQ(got.gdt.base, set.gdt.base);
	CHECK_EQ(got.gdt.limit, set.gdt.limit);
	CHECK_EQ(got.apic_base, set.apic_base);
	for (int i = 0; i < 8; i++) {
		const struct kvm_segment *a = &set.cs + i, *b = &got.cs + i;

		ktap_row("segment %d (cs ds es fs gs ss tr ldt)", i);
		CHECK_EQ(b->base, a->base);
		CHECK_EQ(b->limit, a->limit);
		CHECK_EQ(b->selector, a->selector);
		CHECK_EQ(b->type, a->type);
		CHECK_EQ(b->present, a->present);
		CHECK_EQ(b->dpl, a->dpl);
		CHECK_EQ(b->db, a->db);
		CHECK_EQ(b->s, a->s);
		CHECK_EQ(b->l, a->l);
		CHECK_EQ(b->g, a->g);
	}
}

/* What an unusable segment has is read back as it was set: the DPL of SS is the CPL. */
TEST(unusable_segments)
{
	struct vcpu *v = fresh(0);
	struct kvm_sregs set, got;

	vcpu_set_long(v, (void (*)(void))0);
	vcpu_get_sregs(v, &set);
	set.ss = (struct kvm_segment){ .selector = 1, .type = 3, .dpl = 1, .s = 1, .g = 1, .db = 1,
				       .limit = 0xffffffff, .unusable = 1 };
	set.es = (struct kvm_segment){ .type = 3, .s = 1, .limit = 0xffff, .unusable = 1 };
	vcpu_set_sregs(v, &set);
	vcpu_get_sregs(v, &got);
	for (int i = 0; i < 2; i++) {
		const struct kvm_segment *a = i ? &set.es : &set.ss, *b = i ? &got.es : &got.ss;

		ktap_row("%s", i ? "es" : "ss");
		CHECK_EQ(b->unusable, 1);
		CHECK_EQ(b->present, 0);
		CHECK_EQ(b->type, a->type);
		CHECK_EQ(b->dpl, a->dpl);
		CHECK_EQ(b->s, a->s);
		CHECK_EQ(b->g, a->g);
		CHECK_EQ(b->db, a->db);
	}
}

TEST(sregs_refused)
{
	struct vcpu *v = fresh(0);
	struct kvm_sregs good, bad, now;
	struct cpuid c;

	cpuid_supported(v->vm->dev, &c);
	cpuid_find(&c, 1, 0)->ecx &= ~(1u << 5);	/* no VMX */
	REQUIRE_OK(ioctl(v->fd, KVM_SET_CPUID2, &c.head));
	vcpu_set_long(v, (void (*)(void))0);
	vcpu_get_sregs(v, &good);
#define REFUSED(what, change)								\
	do {										\
		ktap_row(what);								\
		bad = good;								\
		change;									\
		CHECK_ERRNO(ioctl(v->fd, KVM_SET_SREGS, &bad), EINVAL);			\
		vcpu_get_sregs(v, &now);						\
		vcpu_set_sregs(v, &good);	/* so that one row does not spoil the next */	\
		CHECK(!memcmp(&good, &now, sizeof(good)), "a refused call changed something");	\
	} while (0)
	REFUSED("reserved bit of CR4", bad.cr4 |= 1UL << 63);
	REFUSED("VMXE without VMX", bad.cr4 |= CR4_VMXE);
	REFUSED("reserved bit of EFER", bad.efer |= 2);
	REFUSED("long mode without PAE", bad.cr4 &= ~CR4_PAE);
	REFUSED("CR0 above 32 bits", bad.cr0 |= 1UL << 40);
	REFUSED("LMA without paging", bad.cr0 &= ~CR0_PG);
	REFUSED("paging without protection", bad.cr0 &= ~CR0_PE);
	REFUSED("CR3 beyond the address width", bad.cr3 |= 1UL << 60);
#undef REFUSED
}

TEST(fpu)
{
	struct vcpu *v = fresh(0);
	struct kvm_fpu set = { .fcw = 0x37f, .mxcsr = 0x1f80 },
		       got; /* KVM does not give mxcsr back here */

	for (size_t i = 0; i < sizeof(set.fpr); i++)
		((u8 *)set.fpr)[i] = i % 16 < 10 ? i + 1 : 0;
	for (size_t i = 0; i < sizeof(set.xmm); i++)
		((u8 *)set.xmm)[i] = i ^ 0x5a;
	set.ftwx = 0xff;
	set.fsw = 0x3800;
	set.last_opcode = 0x123;
	REQUIRE_OK(ioctl(v->fd, KVM_SET_FPU, &set));
	for (int run = 0; run < 2; run++) {
		ktap_row(run ? "after a run" : "before a run");
		REQUIRE_OK(ioctl(v->fd, KVM_GET_FPU, &got));
		CHECK(!memcmp(set.fpr, got.fpr, sizeof(set.fpr)), "x87 registers differ");
		CHECK(!memcmp(set.xmm, got.xmm, sizeof(set.xmm)), "XMM registers differ");
		CHECK_EQ(got.fcw, set.fcw);
		CHECK_EQ(got.fsw, set.fsw);
		CHECK_EQ(got.ftwx, set.ftwx);
		vcpu_set_real(v, CODE(spin_out));
		run_once(v);
	}
}

TEST(xsave)
{
	struct vcpu *v = fresh(0);
	struct kvm_xsave set, got;

	REQUIRE_CAP(v->vm->dev, KVM_CAP_XSAVE);
	REQUIRE_OK(ioctl(v->fd, KVM_GET_XSAVE, &set));
	ktap_row("reset values");
	CHECK_EQ(set.region[0] & 0xffff, 0x37f);
	CHECK_EQ(set.region[6], 0x1f80);
	for (int i = 40; i < 104; i++)			/* XMM0 to XMM15 in the legacy region */
		set.region[i] = i * 0x01010101;
	set.region[128] |= 3;				/* XSTATE_BV: x87 and SSE */
	REQUIRE_OK(ioctl(v->fd, KVM_SET_XSAVE, &set));
	for (int run = 0; run < 2; run++) {
		ktap_row(run ? "after a run" : "before a run");
		REQUIRE_OK(ioctl(v->fd, KVM_GET_XSAVE, &got));
		CHECK_EQ(got.region[128] & 2, 2);
		CHECK(!memcmp(set.region + 40, got.region + 40, 256), "XMM registers differ");
		vcpu_set_real(v, CODE(spin_out));
		run_once(v);
	}
	ktap_row("unknown component");
	set.region[129] |= 1u << 30;			/* bit 62 of XSTATE_BV */
	CHECK_ERRNO(ioctl(v->fd, KVM_SET_XSAVE, &set), EINVAL);
	ktap_row("reserved bit of MXCSR");
	set.region[129] &= ~(1u << 30);
	set.region[6] |= 1u << 31;
	CHECK_ERRNO(ioctl(v->fd, KVM_SET_XSAVE, &set), EINVAL);
}

TEST(xcrs)
{
	struct vcpu *v = fresh(0);
	struct kvm_xcrs x = { 0 };

	REQUIRE_CAP(v->vm->dev, KVM_CAP_XCRS);
	REQUIRE_OK(ioctl(v->fd, KVM_GET_XCRS, &x));
	REQUIRE_EQ(x.nr_xcrs, 1);
	CHECK_EQ(x.xcrs[0].xcr, 0);
	CHECK_EQ(x.xcrs[0].value, 1);
	x.xcrs[0].value = 3;
	REQUIRE_OK(ioctl(v->fd, KVM_SET_XCRS, &x));
	vcpu_set_real(v, CODE(spin_out));
	run_once(v);
	REQUIRE_OK(ioctl(v->fd, KVM_GET_XCRS, &x));
	CHECK_EQ(x.xcrs[0].value, 3);
	static const u64 bad[] = { 0, 2, 5, 1UL << 62 | 3 };
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		ktap_row("XCR0 = 0x%llx", (unsigned long long)bad[i]);
		x.xcrs[0].value = bad[i];
		CHECK_ERRNO(ioctl(v->fd, KVM_SET_XCRS, &x), EINVAL);
	}
	ktap_row("flags and counts");
	x.xcrs[0].value = 3;
	x.flags = 1;
	CHECK_ERRNO(ioctl(v->fd, KVM_SET_XCRS, &x), EINVAL);
	x.flags = 0;
	x.nr_xcrs = KVM_MAX_XCRS + 1;
	CHECK_ERRNO(ioctl(v->fd, KVM_SET_XCRS, &x), EINVAL);
}

struct msr_list {
	struct kvm_msr_list head;
	u32 index[1024];
};

/*
 * QEMU asserts this, and Firecracker's snapshots need it: each index listed can be read, and what
 * was read written.
 */
TEST(every_listed_msr)
{
	struct vcpu *v = fresh(VM_IRQCHIP);
	struct msr_list list = { .head.nmsrs = 1024 };
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry e;
	} m = { .head.nmsrs = 1 };

	REQUIRE_OK(ioctl(v->vm->dev, KVM_GET_MSR_INDEX_LIST, &list));
	for (u32 i = 0; i < list.head.nmsrs; i++) {
		ktap_row("MSR 0x%x", list.head.indices[i]);
		m.e.index = list.head.indices[i];
		m.e.data = 0;
		if (CHECK_EQ(ioctl(v->fd, KVM_GET_MSRS, &m), 1))
			CHECK_EQ(ioctl(v->fd, KVM_SET_MSRS, &m), 1);
	}
	ktap_row("MSRs that a boot needs");
	static const u32 needed[] = {
		MSR_TSC,         MSR_SYSENTER_CS, MSR_SYSENTER_ESP, MSR_SYSENTER_EIP,   MSR_STAR,
		MSR_LSTAR,       MSR_CSTAR,       MSR_FMASK,        MSR_KERNEL_GS_BASE, MSR_PAT,
		MSR_MISC_ENABLE,
	};
	for (size_t k = 0; k < ARRAY_SIZE(needed); k++) {
		bool found = false;

		for (u32 i = 0; i < list.head.nmsrs; i++)
			found |= list.head.indices[i] == needed[k];
		CHECK(found, "MSR 0x%x is not in the list", needed[k]);
	}
}

TEST(debugregs)
{
	struct vcpu *v = fresh(0);
	struct kvm_debugregs d = { 0 }, got;

	REQUIRE_CAP(v->vm->dev, KVM_CAP_DEBUGREGS);
	REQUIRE_OK(ioctl(v->fd, KVM_GET_DEBUGREGS, &d));
	CHECK_EQ(d.dr6, 0xffff0ff0);
	CHECK_EQ(d.dr7, 0x400);
	for (int i = 0; i < 4; i++)
		d.db[i] = 0x1000 * (i + 1);
	d.dr6 = 0xffff0ff1;
	REQUIRE_OK(ioctl(v->fd, KVM_SET_DEBUGREGS, &d));
	vcpu_set_real(v, CODE(spin_out));
	run_once(v);
	REQUIRE_OK(ioctl(v->fd, KVM_GET_DEBUGREGS, &got));
	for (int i = 0; i < 4; i++)
		CHECK_EQ(got.db[i], d.db[i]);
	CHECK_EQ(got.dr6, d.dr6);
	d.flags = 1;
	CHECK_ERRNO(ioctl(v->fd, KVM_SET_DEBUGREGS, &d), EINVAL);
	d.flags = 0;
	d.dr7 = 1UL << 40;
	CHECK_ERRNO(ioctl(v->fd, KVM_SET_DEBUGREGS, &d), EINVAL);
	d.dr7 = 0x400;
	d.dr6 = 1UL << 40;
	CHECK_ERRNO(ioctl(v->fd, KVM_SET_DEBUGREGS, &d), EINVAL);
}

TEST(vcpu_events)
{
	struct vcpu *v = fresh(VM_IRQCHIP);
	struct kvm_vcpu_events e, got;

	REQUIRE_CAP(v->vm->dev, KVM_CAP_VCPU_EVENTS);
	REQUIRE_OK(ioctl(v->fd, KVM_GET_VCPU_EVENTS, &e));
	CHECK_EQ(e.exception.injected | e.interrupt.injected | e.nmi.injected | e.nmi.pending |
			 e.nmi.masked,
		 0);
	CHECK_EQ(e.interrupt.shadow, 0);
	e.flags = KVM_VCPUEVENT_VALID_NMI_PENDING | KVM_VCPUEVENT_VALID_SHADOW;
	e.nmi.pending = 1;
	e.nmi.masked = 1;
	e.interrupt.shadow = KVM_X86_SHADOW_INT_STI;
	REQUIRE_OK(ioctl(v->fd, KVM_SET_VCPU_EVENTS, &e));
	REQUIRE_OK(ioctl(v->fd, KVM_GET_VCPU_EVENTS, &got));
	CHECK_EQ(got.nmi.pending, 1);
	CHECK_EQ(got.nmi.masked, 1);
	CHECK_EQ(got.interrupt.shadow, KVM_X86_SHADOW_INT_STI);
	e.flags = 1u << 31;
	CHECK_ERRNO(ioctl(v->fd, KVM_SET_VCPU_EVENTS, &e), EINVAL);
	e.flags = 0;
	e.exception.injected = 1;
	e.exception.nr = 32;
	CHECK_ERRNO(ioctl(v->fd, KVM_SET_VCPU_EVENTS, &e), EINVAL);
	e.exception.nr = 2;			/* an NMI is no exception */
	CHECK_ERRNO(ioctl(v->fd, KVM_SET_VCPU_EVENTS, &e), EINVAL);
}

/* An exception that user space has set arrives in the guest, with its error code. */
GUEST_CODE static void guest_count_pf(void)
{
	G_EQ(SHARED->count[VEC_GP], 1);
	G_EQ(SHARED->error, 0x18);
	guest_done();
}

GUEST_CODE static void guest_return(struct trap_frame *f) { (void)f; }

TEST(injected_exception_arrives)
{
	struct vcpu *v = fresh(0);
	struct kvm_vcpu_events e;

	vcpu_set_long(v, guest_count_pf);
	vm_shared(v->vm)->handler[VEC_GP] = guest_addr(guest_return);
	REQUIRE_OK(ioctl(v->fd, KVM_GET_VCPU_EVENTS, &e));
	e.flags = 0;
	e.exception.injected = 1;
	e.exception.nr = VEC_GP;
	e.exception.has_error_code = 1;
	e.exception.error_code = 0x18;
	REQUIRE_OK(ioctl(v->fd, KVM_SET_VCPU_EVENTS, &e));
	vcpu_finish(v);
}

/* What no processor has, and would fail the entry: 32 bits of error code, two shadows at once. */
TEST(injected_with_too_much)
{
	struct vcpu *v = fresh(0);
	struct kvm_vcpu_events e, got;

	vcpu_set_long(v, guest_count_pf);
	vm_shared(v->vm)->handler[VEC_GP] = guest_addr(guest_return);
	REQUIRE_OK(ioctl(v->fd, KVM_GET_VCPU_EVENTS, &e));
	e.flags = KVM_VCPUEVENT_VALID_SHADOW;
	e.interrupt.shadow = KVM_X86_SHADOW_INT_STI | KVM_X86_SHADOW_INT_MOV_SS;
	REQUIRE_OK(ioctl(v->fd, KVM_SET_VCPU_EVENTS, &e));
	REQUIRE_OK(ioctl(v->fd, KVM_GET_VCPU_EVENTS, &got));
	CHECK_EQ(got.interrupt.shadow, KVM_X86_SHADOW_INT_MOV_SS);
	e.interrupt.shadow = 0;
	e.exception.injected = 1;
	e.exception.nr = VEC_GP;
	e.exception.has_error_code = 1;
	e.exception.error_code = 0xffff0018;
	REQUIRE_OK(ioctl(v->fd, KVM_SET_VCPU_EVENTS, &e));
	vcpu_finish(v);
}

TEST(mp_state)
{
	struct vm *vm = vm_create(VM_IRQCHIP), *bare = vm_create(0);
	struct vcpu *bsp = vcpu_create(vm, 0), *ap = vcpu_create(vm, 1),
		    *only = vcpu_create(bare, 0);
	struct kvm_mp_state s;

	REQUIRE_OK(ioctl(bsp->fd, KVM_GET_MP_STATE, &s));
	CHECK_EQ(s.mp_state, KVM_MP_STATE_RUNNABLE);
	REQUIRE_OK(ioctl(ap->fd, KVM_GET_MP_STATE, &s));
	CHECK_EQ(s.mp_state, KVM_MP_STATE_UNINITIALIZED);
	s.mp_state = KVM_MP_STATE_HALTED;
	REQUIRE_OK(ioctl(ap->fd, KVM_SET_MP_STATE, &s));
	REQUIRE_OK(ioctl(ap->fd, KVM_GET_MP_STATE, &s));
	CHECK_EQ(s.mp_state, KVM_MP_STATE_HALTED);
	s.mp_state = 0x77;
	CHECK_ERRNO(ioctl(ap->fd, KVM_SET_MP_STATE, &s), EINVAL);
	s.mp_state = KVM_MP_STATE_HALTED;
	CHECK_ERRNO(ioctl(only->fd, KVM_SET_MP_STATE, &s),
		    EINVAL); /* nothing in the kernel could wake it */
}

TEST(lapic)
{
	struct vcpu *v = fresh(VM_IRQCHIP), *bare = fresh(0);
	struct kvm_lapic_state set, got;
	u32 lint0 = 0x700;

	REQUIRE_OK(ioctl(v->fd, KVM_GET_LAPIC, &set));
	memcpy(set.regs + APIC_LVT0, &lint0, 4);
	set.regs[APIC_TPR] = 0x40;
	REQUIRE_OK(ioctl(v->fd, KVM_SET_LAPIC, &set));
	REQUIRE_OK(ioctl(v->fd, KVM_GET_LAPIC, &got));
	CHECK(!memcmp(got.regs + APIC_LVT0, &lint0, 4), "LVT0 differs");
	CHECK_EQ((u8)got.regs[APIC_TPR], 0x40);
	CHECK_ERRNO(ioctl(bare->fd, KVM_GET_LAPIC, &got), EINVAL);
	CHECK_ERRNO(ioctl(bare->fd, KVM_SET_LAPIC, &got), EINVAL);
}

/* @hidden: bits of the paravirtual features' EAX that the device may keep from the guest. */
static void check_cpuid_comes_back(struct vcpu *v, u32 hidden)
{
	struct cpuid set, got;

	cpuid_supported(v->vm->dev, &set);
	REQUIRE_OK(ioctl(v->fd, KVM_SET_CPUID2, &set.head));
	got.head.nent = ARRAY_SIZE(got.entry);
	REQUIRE_OK(ioctl(v->fd, KVM_GET_CPUID2, &got.head));
	/* KVM of Linux 6.1 fills the entries in but leaves nent as it was. */
	if (got.head.nent != ARRAY_SIZE(got.entry))
		REQUIRE_EQ(got.head.nent, set.head.nent);
	for (u32 i = 0; i < set.head.nent; i++) {
		u32 may_differ = set.entry[i].function == KVM_CPUID_FEATURES ? hidden : 0;

		CHECK_EQ(got.entry[i].function, set.entry[i].function);
		CHECK_EQ(got.entry[i].index, set.entry[i].index);
		CHECK_EQ(got.entry[i].eax & ~may_differ, set.entry[i].eax & ~may_differ);
	}
}

TEST(cpuid2)
{
	/* asynchronous page faults need a local APIC */
	check_cpuid_comes_back(fresh(0), 1 << KVM_FEATURE_ASYNC_PF | 1 << KVM_FEATURE_ASYNC_PF_INT);
	check_cpuid_comes_back(fresh(VM_IRQCHIP), 0);
}

TEST(tsc_khz)
{
	struct vcpu *v = fresh(0);
	long khz = ioctl(v->fd, KVM_GET_TSC_KHZ, 0);

	REQUIRE_CAP(v->vm->dev, KVM_CAP_GET_TSC_KHZ);
	CHECK(khz > 1000 && khz < 20000000, "%ld kHz", khz);
	CHECK_OK(ioctl(v->fd, KVM_SET_TSC_KHZ, khz));
	CHECK_EQ(ioctl(v->fd, KVM_GET_TSC_KHZ, 0), khz);
	CHECK_ERRNO(ioctl(v->fd, KVM_SET_TSC_KHZ, 0xffffffffL), EINVAL);
}
