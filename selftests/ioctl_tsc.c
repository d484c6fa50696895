// SPDX-License-Identifier: GPL-2.0-only
/*
 * A TSC whose rate is not the host's: KVM_SET_TSC_KHZ on a VM and on a vCPU. The guest's RDTSC, the
 * TSC as KVM_GET_MSRS tells it, the offset of KVM_VCPU_TSC_CTRL, kvm-clock and the TSC-deadline
 * timer have to agree, and the rate is measured against the host's own TSC. Where the processor
 * does not scale (or tsc_scaling=0), what is left is that a slower TSC is refused.
 */
#include "chips.h"
#include "guest.h"
#include "pv.h"
#include "vm.h"

#define VECTOR	0x61

static u64 host_khz(struct vm *vm)
{
	return REQUIRE_OK(ioctl(vm->fd, KVM_GET_TSC_KHZ, 0));
}

/* Rates on either side of the host's. */
static const struct {
	u32 mul, div;
} rates[] = { { 1, 3 }, { 2, 5 }, { 999, 1000 }, { 1001, 1000 }, { 7, 2 }, { 20, 1 } };

static struct vm *scaling_vm(unsigned int flags)
{
	struct vm *vm = vm_create(flags);

	REQUIRE_CAP(vm->fd, KVM_CAP_TSC_CONTROL);
	return vm;
}

/* Waits so many of the host's ticks. */
static void host_wait(u64 ticks)
{
	u64 start = rdtsc();

	while (rdtsc() - start < ticks)
		;
}

/* What @host ticks are for the guest; the rates here are small. */
static u64 scaled(u64 host, u64 khz, u64 of_host)
{
	return (unsigned __int128)host * khz / of_host;
}

GUEST_CODE static void guest_tsc(void)
{
	for (;;) {
		ARG(0) = rdtsc();
		guest_sync(1);
	}
}

/* The guest's own reading lies between two that user space makes, and so does the rate. */
static void check_rate(struct vcpu *v, u64 khz, u64 of_host)
{
	u64 before, after, ticks, h0, h1, g0, g1, g2, g3;

	before = vcpu_get_msr(v, MSR_TSC);
	vcpu_expect_sync(v, 1);
	after = vcpu_get_msr(v, MSR_TSC);
	ticks = vm_shared(v->vm)->arg[0];
	CHECK(before <= ticks && ticks <= after, "%llu, the guest reads %llu, %llu",
	      (unsigned long long)before, (unsigned long long)ticks, (unsigned long long)after);

	g0 = vcpu_get_msr(v, MSR_TSC);
	h0 = rdtsc();
	g1 = vcpu_get_msr(v, MSR_TSC);
	host_wait(of_host * 3);
	g2 = vcpu_get_msr(v, MSR_TSC);
	h1 = rdtsc();
	g3 = vcpu_get_msr(v, MSR_TSC);
	CHECK(scaled(h1 - h0, khz, of_host) + 2 >= g2 - g1 &&
	      scaled(h1 - h0, khz, of_host) <= g3 - g0 + 2,
	      "%llu ticks of the host are between %llu and %llu of the guest",
	      (unsigned long long)(h1 - h0), (unsigned long long)(g2 - g1),
	      (unsigned long long)(g3 - g0));
}

TEST(rate_of_a_vcpu)
{
	struct vm *vm = scaling_vm(0);
	struct vcpu *v = vcpu_create(vm, 0);
	u64 of_host = host_khz(vm);

	vcpu_set_long(v, guest_tsc);
	for (u32 i = 0; i < ARRAY_SIZE(rates); i++) {
		u64 khz = of_host * rates[i].mul / rates[i].div;

		ktap_row("%llu kHz on %llu", (unsigned long long)khz, (unsigned long long)of_host);
		REQUIRE_OK(ioctl(v->fd, KVM_SET_TSC_KHZ, khz));
		CHECK_EQ(ioctl(v->fd, KVM_GET_TSC_KHZ, 0), khz);
		vcpu_set_msr(v, MSR_TSC, 0x123456789 + i);
		check_rate(v, khz, of_host);
	}
	ktap_row("the host's rate again");
	REQUIRE_OK(ioctl(v->fd, KVM_SET_TSC_KHZ, 0));
	CHECK_EQ(ioctl(v->fd, KVM_GET_TSC_KHZ, 0), of_host);
	check_rate(v, of_host, of_host);
}

TEST(rate_of_a_vm)
{
	struct vm *vm = scaling_vm(0);
	u64 of_host = host_khz(vm), khz = of_host * 3 / 2;
	struct vcpu *a = vcpu_create(vm, 0), *b;

	REQUIRE_CAP(vm->fd, KVM_CAP_VM_TSC_CONTROL);
	REQUIRE_OK(ioctl(vm->fd, KVM_SET_TSC_KHZ, khz));
	CHECK_EQ(ioctl(vm->fd, KVM_GET_TSC_KHZ, 0), khz);
	b = vcpu_create(vm, 1);
	CHECK_EQ(ioctl(a->fd, KVM_GET_TSC_KHZ, 0), of_host);
	CHECK_EQ(ioctl(b->fd, KVM_GET_TSC_KHZ, 0), khz);
	vcpu_set_long(b, guest_tsc);
	check_rate(b, khz, of_host);
	CHECK_ERRNO(ioctl(vm->fd, KVM_SET_TSC_KHZ, 0xffffffffL), EINVAL);
	CHECK_ERRNO(ioctl(b->fd, KVM_SET_TSC_KHZ, 0xffffffffL), EINVAL);
}

/* vCPUs that are given the same value one after the other have the same TSC. */
TEST(vcpus_agree)
{
	struct vm *vm = scaling_vm(0);
	u64 khz = host_khz(vm) * 2 / 3, last = 0;
	struct vcpu *v[4];

	REQUIRE_OK(ioctl(vm->fd, KVM_SET_TSC_KHZ, khz));
	for (u32 i = 0; i < ARRAY_SIZE(v); i++) {
		v[i] = vcpu_create(vm, i);
		vcpu_set_long(v[i], guest_tsc);
	}
	for (u32 i = 0; i < ARRAY_SIZE(v); i++)
		vcpu_set_msr(v[i], MSR_TSC, 1UL << 40);
	for (u32 i = 0; i < 100; i++) {
		u64 ticks;

		vcpu_expect_sync(v[i % ARRAY_SIZE(v)], 1);
		ticks = vm_shared(vm)->arg[0];
		CHECK(ticks > last, "vCPU %zu is behind: %llu after %llu", i % ARRAY_SIZE(v),
		      (unsigned long long)ticks, (unsigned long long)last);
		last = ticks;
	}
	CHECK(last >> 40 == 1, "0x%llx", (unsigned long long)last);
}

/* guest TSC = host TSC * ratio + offset, as migration computes it. */
TEST(offset)
{
	struct vm *vm = scaling_vm(0);
	u64 of_host = host_khz(vm), khz = of_host * 5 / 4, offset = 1UL << 50, got = 0, h0, g, h1;
	struct vcpu *v = vcpu_create(vm, 0);
	struct kvm_device_attr attr = { .group = KVM_VCPU_TSC_CTRL, .attr = KVM_VCPU_TSC_OFFSET,
					.addr = (u64)(unsigned long)&offset };
	__u64 room;

	REQUIRE_CAP(vm->fd, KVM_CAP_VCPU_ATTRIBUTES);
	REQUIRE_OK(ioctl(v->fd, KVM_SET_TSC_KHZ, khz));
	REQUIRE_OK(ioctl(v->fd, KVM_SET_DEVICE_ATTR, &attr));
	attr.addr = (u64)(unsigned long)&got;
	REQUIRE_OK(ioctl(v->fd, KVM_GET_DEVICE_ATTR, &attr));
	CHECK_EQ(got, offset);
	h0 = rdtsc();
	g = vcpu_get_msr(v, MSR_TSC);
	h1 = rdtsc();
	/* the ratio has 48 bits behind the point */
	room = (h1 >> 40) + 2;
	CHECK(g + room >= scaled(h0, khz, of_host) + offset &&
	      g <= scaled(h1, khz, of_host) + offset + room, "0x%llx", (unsigned long long)g);
}

GUEST_CODE static void guest_clock(void)
{
	wrmsr(MSR_KVM_SYSTEM_TIME_NEW, (GPA_SHARED + offsetof(struct guest_shared, arg[8])) | 1);
	guest_sync(1);
	guest_done();
}

static u64 clock_of(struct vm *vm)
{
	struct kvm_clock_data data;

	REQUIRE_OK(ioctl(vm->fd, KVM_GET_CLOCK, &data));
	return data.clock;
}

static u64 page_ns(const struct system_time *page, u64 tsc)
{
	u64 delta = tsc - page->tsc_timestamp;

	delta = page->tsc_shift < 0 ? delta >> -page->tsc_shift : delta << page->tsc_shift;
	return page->system_time + (u64)((unsigned __int128)delta * page->tsc_to_system_mul >> 32);
}

TEST(clock_of_a_scaled_guest)
{
	struct vm *vm = scaling_vm(0);
	u64 of_host = host_khz(vm);
	struct system_time page;

	PV_REQUIRE(vm, CLOCKSOURCE2);
	for (u32 i = 0; i < ARRAY_SIZE(rates); i++) {
		u64 khz = of_host * rates[i].mul / rates[i].div;
		struct vcpu *v = vcpu_create(vm, i);

		ktap_row("%llu kHz", (unsigned long long)khz);
		REQUIRE_OK(ioctl(v->fd, KVM_SET_TSC_KHZ, khz));
		vcpu_set_long(v, guest_clock);
		vcpu_expect_sync(v, 1);
		memcpy(&page, (void *)&vm_shared(vm)->arg[8], sizeof(page));
		for (u32 n = 0; n < 3; n++) {
			u64 c0 = clock_of(vm), ns = page_ns(&page, vcpu_get_msr(v, MSR_TSC));
			u64 c1 = clock_of(vm);

			/* a microsecond for what the two are rounded */
			CHECK(c0 <= ns + 1000 && ns <= c1 + 1000, "%llu, the page says %llu, %llu",
			      (unsigned long long)c0, (unsigned long long)ns,
			      (unsigned long long)c1);
			host_wait(of_host * 2);
		}
	}
}

GUEST_CODE static void on_deadline(struct trap_frame *f)
{
	(void)f;
	ARG(1)++;
	ARG(2) = rdtsc();
	apic_write(APIC_EOI, 0);
}

/* ARG(0): the guest's ticks in 5 ms.  Running and halted by turns. */
GUEST_CODE static void guest_deadline(void)
{
	guest_set_handler(VECTOR, on_deadline);
	apic_enable();
	apic_write(APIC_LVTT, APIC_TIMER_DEADLINE | VECTOR);
	asm volatile("mfence" ::: "memory");
	for (u32 i = 1; i <= 8; i++) {
		u64 deadline = rdtsc() + ARG(0), armed;

		wrmsr(MSR_TSC_DEADLINE, deadline);
		armed = rdmsr(MSR_TSC_DEADLINE);
		/* a slow host may be back only when it has passed */
		G_CHECK(armed == deadline || (!armed && rdtsc() >= deadline));
		ARG(4) += armed == deadline;
		if (i & 1) {
			sti();
			while (ARG(1) < i)
				cpu_relax();
			cli();
		} else {
			wait_irqs(i);
		}
		G_EQ(ARG(1), i);
		G_CHECK(ARG(2) >= deadline);
		ARG(3) += ARG(2) - deadline;
	}
	guest_done();
}

TEST(deadline_of_a_scaled_guest)
{
	struct vm *vm = scaling_vm(VM_IRQCHIP);
	u64 of_host = host_khz(vm);
	struct cpuid c;

	REQUIRE_CAP(vm->dev, KVM_CAP_TSC_DEADLINE_TIMER);
	cpuid_supported(vm->dev, &c);
	cpuid_find(&c, 1, 0)->ecx |= CPUID1_ECX_TSC_DEADLINE;
	for (u32 i = 0; i < ARRAY_SIZE(rates); i++) {
		u64 khz = of_host * rates[i].mul / rates[i].div, start, took;
		struct vcpu *v;

		ktap_row("%llu kHz", (unsigned long long)khz);
		vm = vm_create(VM_IRQCHIP);
		v = vcpu_create(vm, 0);
		REQUIRE_OK(ioctl(v->fd, KVM_SET_CPUID2, &c.head));
		REQUIRE_OK(ioctl(v->fd, KVM_SET_TSC_KHZ, khz));
		vcpu_set_msr(v, MSR_TSC, 1000000);	/* the old offset may make it negative */
		vcpu_set_long(v, guest_deadline);
		vm_shared(vm)->arg[0] = khz * 5;
		start = rdtsc();
		vcpu_finish(v);
		took = rdtsc() - start;
		CHECK(vm_shared(vm)->arg[4] > 0, "no deadline was read back");
		/* eight of 5 ms: a forgotten rate makes less of it, or more than the limit */
		CHECK(took >= of_host * 40, "%llu us", (unsigned long long)(took * 1000 / of_host));
		ktap_note("%llu kHz: 40 ms took %llu us", (unsigned long long)khz,
			  (unsigned long long)(took * 1000 / of_host));
		vcpu_destroy(v);
		vm_destroy(vm);
	}
}

TEST(without_scaling)
{
	struct vm *vm = vm_create(0);
	struct vcpu *v = vcpu_create(vm, 0);
	u64 khz = host_khz(vm);

	if (device_cap(vm->fd, KVM_CAP_TSC_CONTROL))
		SKIP("the TSC can be scaled here");
	CHECK_ERRNO(ioctl(v->fd, KVM_SET_TSC_KHZ, khz / 2), EINVAL);
	CHECK_OK(ioctl(v->fd, KVM_SET_TSC_KHZ, khz));
	CHECK_OK(ioctl(v->fd, KVM_SET_TSC_KHZ, khz + khz / 10000));
}
