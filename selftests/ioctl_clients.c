// SPDX-License-Identifier: GPL-2.0-only
/*
 * What programs written for KVM rely on beyond the plain use of the API: QEMU at its start, and
 * the kernel's own selftests.
 */
#include <string.h>

#include "guest.h"
#include "vm.h"

#define APIC_LVTCMCI		0x2f0
#define CAP_APIC_BUS_CYCLES_NS	237		/* newer than some headers */
#define MSR_PLATFORM_INFO	0xce
#define MSR_HWCR		0xc0010015
#define KVM_LEAF_FEATURES	0x40000001
#define FEATURE_PV_UNHALT	(1U << 7)

/* QEMU takes its number of GSIs from it; each IOAPIC pin must be below. */
TEST(routes_told)
{
	int dev = device_open();

	CHECK(device_cap(dev, KVM_CAP_IRQ_ROUTING) >= 1024, "too few GSIs for QEMU");
}

/*
 * The TSC-deadline timer needs the local APIC in the kernel: KVM_CAP_TSC_DEADLINE_TIMER alone tells
 * of it, for a VMM with an APIC of its own hands on what KVM_GET_SUPPORTED_CPUID has.
 */
TEST(deadline_timer_is_no_cpuid)
{
	struct cpuid c;

	cpuid_supported(device_open(), &c);
	CHECK_EQ(cpuid_find(&c, 1, 0)->ecx & CPUID1_ECX_TSC_DEADLINE, 0);
}

/* QEMU says at reset that there is no page, and ends when that fails. */
TEST(no_vapic_page)
{
	struct vcpu *v = vcpu_create(vm_create(VM_IRQCHIP), 0);
	struct vcpu *bare = vcpu_create(vm_create(0), 0);
	struct kvm_vapic_addr addr = {};

	CHECK_OK(ioctl(v->fd, KVM_SET_VAPIC_ADDR, &addr));
	CHECK_ERRNO(ioctl(bare->fd, KVM_SET_VAPIC_ADDR, &addr), EINVAL);
	CHECK_ERRNO(ioctl(v->fd, KVM_SET_VAPIC_ADDR, NULL), EFAULT);
}

TEST(mmu_pages)
{
	struct vm *vm = vm_create(0);

	REQUIRE_CAP(vm->dev, KVM_CAP_MMU_SHADOW_CACHE_CONTROL);
	CHECK_ERRNO(ioctl(vm->fd, KVM_SET_NR_MMU_PAGES, 63), EINVAL);
	REQUIRE_OK(ioctl(vm->fd, KVM_SET_NR_MMU_PAGES, 64));
}

TEST(cpuid_count_stays)
{
	struct vcpu *v = vcpu_create(vm_create(0), 0);
	struct cpuid c;

	memset(&c, 0, sizeof(c));
	c.head.nent = 1;
	CHECK_ERRNO(ioctl(v->fd, KVM_GET_CPUID2, &c.head), E2BIG);
	CHECK_EQ(c.head.nent, 1);
}

TEST(statistics_name)
{
	struct vm *vm = vm_create(0);
	struct kvm_stats_header header;
	char id[4] = "";
	int fd;

	REQUIRE_CAP(vm->dev, KVM_CAP_BINARY_STATS_FD);
	fd = REQUIRE_OK(ioctl(vm->fd, KVM_GET_STATS_FD, 0));
	REQUIRE_EQ(pread(fd, &header, sizeof(header), 0), sizeof(header));
	REQUIRE_EQ(pread(fd, id, 3, header.id_offset), 3);
	CHECK(!strcmp(id, "kvm"), "'%s'", id);
}

/* A halt that does not exit cannot be ended by a kick: the feature goes. */
TEST(no_unhalt_without_halt_exits)
{
	struct vm *vm = vm_create(0);
	struct kvm_enable_cap cap = { .cap = KVM_CAP_X86_DISABLE_EXITS };
	struct kvm_cpuid_entry2 *features;
	struct vcpu *v;
	struct cpuid c;

	if (!(device_cap(vm->fd, KVM_CAP_X86_DISABLE_EXITS) & KVM_X86_DISABLE_EXITS_HLT))
		SKIP("halts cannot be left to the guest here");
	cap.args[0] = KVM_X86_DISABLE_EXITS_HLT;
	REQUIRE_OK(ioctl(vm->fd, KVM_ENABLE_CAP, &cap));
	v = vcpu_create(vm, 0);
	cpuid_supported(vm->dev, &c);
	features = cpuid_find(&c, KVM_LEAF_FEATURES, 0);
	REQUIRE(features, "no leaf of KVM's features");
	features->eax |= FEATURE_PV_UNHALT;
	REQUIRE_OK(ioctl(v->fd, KVM_SET_CPUID2, &c.head));
	c.head.nent = ARRAY_SIZE(c.entry);
	REQUIRE_OK(ioctl(v->fd, KVM_GET_CPUID2, &c.head));
	CHECK_EQ(cpuid_find(&c, KVM_LEAF_FEATURES, 0)->eax & FEATURE_PV_UNHALT, 0);
}

TEST(boot_cpu_is_the_last)
{
	struct vm *vm = vm_create(0);
	struct kvm_enable_cap cap = { .cap = KVM_CAP_MAX_VCPU_ID, .args = { 1 } };

	REQUIRE_OK(ioctl(vm->fd, KVM_SET_BOOT_CPU_ID, 2));
	CHECK_ERRNO(ioctl(vm->fd, KVM_ENABLE_CAP, &cap), EINVAL);
	cap.args[0] = 2;
	CHECK_OK(ioctl(vm->fd, KVM_ENABLE_CAP, &cap));
}

TEST(hwcr)
{
	struct vcpu *v = vcpu_create(vm_create(0), 0);
	struct one_msr m = {
		.head.nmsrs = 1, .entry = { .index = MSR_HWCR, .data = 1 << 9 },
	};

	CHECK_EQ(ioctl(v->fd, KVM_SET_MSRS, &m), 0);
	vcpu_set_msr(v, MSR_HWCR, 1 << 3 | 1 << 24);
	CHECK_EQ(vcpu_get_msr(v, MSR_HWCR), 1 << 24);
}

GUEST_CODE static void guest_platform_info(void)
{
	u64 value;

	G_EQ(try_rdmsr(MSR_PLATFORM_INFO, &value), NO_TRAP);
	G_EQ(value & 0xff00, 0x1200);
	G_EQ(try_wrmsr(MSR_PLATFORM_INFO, value), VEC_GP);
	guest_sync(1);
	G_EQ(try_rdmsr(MSR_PLATFORM_INFO, &value), VEC_GP);
	guest_done();
}

TEST(platform_info)
{
	struct vm *vm = vm_create(0);
	struct vcpu *v = vcpu_create(vm, 0);
	struct kvm_enable_cap cap = { .cap = KVM_CAP_MSR_PLATFORM_INFO };

	REQUIRE_CAP(vm->dev, KVM_CAP_MSR_PLATFORM_INFO);
	vcpu_set_msr(v, MSR_PLATFORM_INFO, 0x1200);
	vcpu_set_long(v, guest_platform_info);
	vcpu_expect_sync(v, 1);
	REQUIRE_OK(ioctl(vm->fd, KVM_ENABLE_CAP, &cap));
	vcpu_finish(v);
	CHECK_EQ(vcpu_get_msr(v, MSR_PLATFORM_INFO), 0x1200);
}

/* The timer's counts against the guest's TSC: at 40 ns a count is as long as 40 at 1 ns. */
GUEST_CODE static void guest_bus_clock(void)
{
	u64 begin, cycles;
	u32 count;

	apic_write(APIC_SPIV, APIC_SPIV_ENABLE | 0xff);
	apic_write(APIC_TDCR, 0xb);
	apic_write(APIC_LVTT, APIC_LVT_MASKED);
	apic_write(APIC_TMICT, ~0U);
	begin = rdtsc();
	while (rdtsc() - begin < ARG(0) * 20)		/* ms */
		cpu_relax();
	count = ~0U - apic_read(APIC_TMCCT);
	cycles = rdtsc() - begin;
	/* within a tenth: count * 40 ns against cycles / (ARG(0) / 1000000 ns) */
	G_CHECK(count * 40 * ARG(0) / 1000000 < cycles * 11 / 10);
	G_CHECK(count * 40 * ARG(0) / 1000000 > cycles * 9 / 10);
	guest_done();
}

TEST(apic_bus_cycle)
{
	struct kvm_enable_cap cap = { .cap = CAP_APIC_BUS_CYCLES_NS, .args = { 40 } };
	struct vm *vm = vm_create(VM_IRQCHIP), *bare = vm_create(0);
	struct vcpu *v;

	REQUIRE_CAP(vm->dev, CAP_APIC_BUS_CYCLES_NS);
	CHECK_ERRNO(ioctl(bare->fd, KVM_ENABLE_CAP, &cap), ENXIO);
	cap.args[0] = 0;
	CHECK_ERRNO(ioctl(vm->fd, KVM_ENABLE_CAP, &cap), EINVAL);
	cap.args[0] = 1ULL << 40;
	CHECK_ERRNO(ioctl(vm->fd, KVM_ENABLE_CAP, &cap), EINVAL);
	cap.args[0] = 40;
	REQUIRE_OK(ioctl(vm->fd, KVM_ENABLE_CAP, &cap));
	v = vcpu_create(vm, 0);
	CHECK_ERRNO(ioctl(vm->fd, KVM_ENABLE_CAP, &cap), EINVAL);
	vcpu_set_long(v, guest_bus_clock);
	vm_shared(vm)->arg[0] = REQUIRE_OK(ioctl(v->fd, KVM_GET_TSC_KHZ, 0));
	vcpu_finish(v);
}

#define CMCI_VECTOR	0x51
#define MC2_CTL2	0x282
#define CTL2_CMCI_EN	(1U << 30)

GUEST_CODE static void guest_on_cmci(struct trap_frame *f)
{
	(void)f;
	ARG(0) = rdmsr(0x402 + 4 * 2);
	apic_write(APIC_EOI, 0);
}

GUEST_CODE static void guest_cmci(void)
{
	G_EQ(apic_read(APIC_LVR) >> 16 & 0xff, 6);
	apic_write(APIC_SPIV, APIC_SPIV_ENABLE | 0xff);
	apic_write(APIC_LVTCMCI, CMCI_VECTOR);
	guest_set_handler(CMCI_VECTOR, guest_on_cmci);
	G_EQ(try_wrmsr(MC2_CTL2, 1U << 29), VEC_GP);
	wrmsr(MC2_CTL2, CTL2_CMCI_EN);
	sti();
	guest_sync(1);
	cpu_relax();
	G_EQ(ARG(0), 0x123000);
	wrmsr(MC2_CTL2, 0);
	guest_sync(2);
	cpu_relax();
	G_EQ(ARG(0), 0x123000);		/* no interrupt, */
	G_EQ(rdmsr(0x402 + 4 * 2), 0x456000);	/* but logged */
	guest_done();
}

/* An error that needs no action is no machine check: it is told by interrupt, if asked for. */
TEST(corrected_machine_check)
{
	struct kvm_x86_mce mce = { .bank = 2, .status = 7ULL << 61, .addr = 0x123000 };
	struct vm *vm = vm_create(VM_IRQCHIP);
	struct vcpu *v = vcpu_create(vm, 0);
	u64 cap = 0;

	REQUIRE_OK(ioctl(vm->dev, KVM_X86_GET_MCE_CAP_SUPPORTED, &cap));
	if (!(cap & 1 << 10))
		SKIP("no interrupt for corrected errors");
	cap = 4 | 1 << 8 | 1 << 10;
	REQUIRE_OK(ioctl(v->fd, KVM_X86_SETUP_MCE, &cap));
	vcpu_set_long(v, guest_cmci);
	vcpu_expect_sync(v, 1);
	REQUIRE_OK(ioctl(v->fd, KVM_X86_SET_MCE, &mce));
	vcpu_expect_sync(v, 2);
	mce.addr = 0x456000;
	REQUIRE_OK(ioctl(v->fd, KVM_X86_SET_MCE, &mce));
	vcpu_finish(v);
}

GUEST_CODE static void guest_self_icr(void)
{
	wrmsr(MSR_APICBASE, rdmsr(MSR_APICBASE) | APICBASE_X2APIC);
	wrmsr(MSR_X2APIC + (APIC_ICR >> 4), 0x44061);	/* to itself, vector 0x61 */
	G_EQ(rdmsr(MSR_X2APIC + (APIC_ICR >> 4)), 0x44061);
	wrmsr(MSR_X2APIC + 0x3f, 0x62);			/* self IPI: another register */
	G_EQ(rdmsr(MSR_X2APIC + (APIC_ICR >> 4)), 0x44061);
	guest_done();
}

TEST(x2apic_icr_reads_back)
{
	struct vcpu *v = vcpu_create(vm_create(VM_IRQCHIP), 0);

	vcpu_set_long(v, guest_self_icr);
	vcpu_finish(v);
}

GUEST_CODE static void guest_ins(void)
{
	u64 to = GPA_FREE, count = 3;

	asm volatile("cld; rep insb" : "+D"(to), "+c"(count) : "d"(0x80) : "memory");
	G_EQ(count, 0);
	guest_done();
}

/* User space may change the count of a string instruction while it answers. */
TEST(string_count_changed)
{
	struct vcpu *v = vcpu_create(vm_create(0), 0);
	struct kvm_regs regs;
	int bytes = 0;

	vcpu_set_long(v, guest_ins);
	vcpu_expect(v, KVM_EXIT_IO);
	vcpu_get_regs(v, &regs);
	REQUIRE_EQ(regs.rcx, 3);
	regs.rcx = 1;
	vcpu_set_regs(v, &regs);
	while (vcpu_next(v) == KVM_EXIT_IO)
		bytes += v->run->io.count;
	CHECK(bytes <= 3, "%d bytes more", bytes);
}

RM_CODE(take_interrupt, "sti; nop; hlt; nop; hlt");

/* QEMU reads and writes all events between KVM_INTERRUPT and the entry that delivers it. */
TEST(queued_interrupt_is_an_event)
{
	struct vm *vm = vm_create(0);
	struct vcpu *v = vcpu_create(vm, 0);
	struct kvm_interrupt irq = { .irq = 0x40 };
	struct kvm_vcpu_events events;
	struct kvm_regs regs;
	u8 *handler = gpa_ptr(vm, GPA_FREE, 4);
	u16 *vector = gpa_ptr(vm, 4 * 0x40, 4);

	memcpy(handler, "\xb3\x77\xcf", 3);		/* mov $0x77, %bl; iret */
	vector[0] = 0;
	vector[1] = GPA_FREE >> 4;
	vcpu_set_real(v, CODE(take_interrupt));
	vcpu_expect(v, KVM_EXIT_HLT);
	REQUIRE_OK(ioctl(v->fd, KVM_INTERRUPT, &irq));
	v->run->immediate_exit = 1;
	CHECK_ERRNO(ioctl(v->fd, KVM_RUN, 0), EINTR);
	v->run->immediate_exit = 0;
	REQUIRE_OK(ioctl(v->fd, KVM_GET_VCPU_EVENTS, &events));
	CHECK_EQ(events.interrupt.injected, 1);
	CHECK_EQ(events.interrupt.nr, 0x40);
	REQUIRE_OK(ioctl(v->fd, KVM_SET_VCPU_EVENTS, &events));
	vcpu_expect(v, KVM_EXIT_HLT);
	vcpu_get_regs(v, &regs);
	CHECK_EQ(regs.rbx & 0xff, 0x77);
}
