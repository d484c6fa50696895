// SPDX-License-Identifier: GPL-2.0-only
/*
 * Overflow of a guest's performance counters and its interrupt, what becomes of the registers when
 * a VMM moves the vCPU, and how the host's own perf sees guests.
 */
#include <linux/lintel.h>
#include <linux/perf_event.h>
#include <pthread.h>
#include <sys/syscall.h>

#include "chips.h"
#include "host.h"
#include "pmu.h"

#define VECTOR	0x61
#define ROUNDS	20000UL
#define PERIOD	10000UL
#define SLACK	256		/* instructions until the interrupt is there, and of the handler */

#define PMI_SEEN	ARG(8)
#define PMI_STATUS	ARG(9)
#define PMI_LVT		ARG(10)
#define PMI_VALUE	ARG(11)

static struct vcpu *start(void (*fn)(void))
{
	struct vcpu *v;

	pmu_require();
	v = vcpu_create(vm_create(VM_IRQCHIP), 0);
	vcpu_set_long(v, fn);
	return v;
}

GUEST_CODE static void guest_status(void)
{
	wrmsr(MSR_GLOBAL_CTRL, 1UL << 32 | 1);
	wrmsr(MSR_PMC0, (u32)-PERIOD);
	wrmsr(MSR_EVENTSEL0, EVENT_INSTRUCTIONS | SEL_OS | SEL_ENABLE);
	loop(ROUNDS);
	wrmsr(MSR_EVENTSEL0, 0);
	G_EQ(rdmsr(MSR_GLOBAL_STATUS), 1);
	G_CHECK(rdmsr(MSR_PMC0) - (LOOP_INSNS(ROUNDS) - PERIOD) <= SLACK);
	wrmsr(MSR_GLOBAL_OVF_CTRL, 2);
	G_EQ(rdmsr(MSR_GLOBAL_STATUS), 1);
	wrmsr(MSR_GLOBAL_OVF_CTRL, 1);
	G_EQ(rdmsr(MSR_GLOBAL_STATUS), 0);
	/*
	 * A fixed one, while every second instruction exits: the overflow is one that the processor
	 * counts, or one that software does.
	 */
	for (u64 n = ARG(1); n <= 21; n++) {
		wrmsr(MSR_FIXED_CTR0, (1UL << ARG(0)) - n);
		wrmsr(MSR_FIXED_CTR_CTRL, FIXED_OS);
		asm volatile(".rept 12; xor %%eax, %%eax; cpuid; .endr"
			     ::: "eax", "ebx", "ecx", "edx");
		wrmsr(MSR_FIXED_CTR_CTRL, 0);
		G_EQ(rdmsr(MSR_GLOBAL_STATUS), 1UL << 32);
		G_CHECK(rdmsr(MSR_FIXED_CTR0) < SLACK);
		wrmsr(MSR_GLOBAL_OVF_CTRL, 1UL << 32);
	}
	guest_done();
}

/* perf tells KVM nothing of an overflow that is one event away when the counter is started. */
TEST(status)
{
	struct vcpu *v = start(guest_status);

	vm_shared(v->vm)->arg[0] = pmu_require().fixed_width;
	vm_shared(v->vm)->arg[1] = device_cap(v->vm->dev, LINTEL_CAP_EXPLAIN_ENTRY) ? 18 : 21;
	vcpu_finish(v);
}

GUEST_CODE static void on_pmi(struct trap_frame *f)
{
	PMI_SEEN++;
	PMI_STATUS = rdmsr(MSR_GLOBAL_STATUS);
	PMI_LVT = apic_read(APIC_LVTPC);
	PMI_VALUE = rdmsr(MSR_PMC0);
	wrmsr(MSR_GLOBAL_CTRL, 0);
	wrmsr(MSR_GLOBAL_OVF_CTRL, PMI_STATUS);
	if (f->vector == VECTOR)
		apic_eoi();
}

/* Counter 0 counts the kernel's instructions through a period and to its overflow. */
GUEST_CODE static void run_period(u64 more)
{
	wrmsr(MSR_PMC0, (u32)-PERIOD);
	wrmsr(MSR_EVENTSEL0, EVENT_INSTRUCTIONS | SEL_OS | SEL_ENABLE | more);
	wrmsr(MSR_GLOBAL_CTRL, 1);
	loop(ROUNDS);
}

/* One sample behind the other, each a period long, as a profiler has them. */
GUEST_CODE static void guest_pmi(void)
{
	u32 lvt = ARG(0);

	guest_set_handler(VECTOR, on_pmi);
	guest_set_handler(VEC_NMI, on_pmi);
	apic_enable();
	apic_write(APIC_LVTPC, lvt);
	sti();
	for (u64 n = 1; n <= 5; n++) {
		run_period(SEL_INT);
		wrmsr(MSR_EVENTSEL0, 0);
		G_EQ(PMI_SEEN, n);
		G_EQ(PMI_STATUS, 1);
		G_CHECK(PMI_VALUE < SLACK);
		G_EQ(rdmsr(MSR_GLOBAL_STATUS), 0);
		/* it is masked with the delivery, and until it is opened nothing comes */
		G_EQ(PMI_LVT, lvt | APIC_LVT_MASKED);
		if (n == 3) {
			run_period(SEL_INT);
			wrmsr(MSR_EVENTSEL0, 0);
			G_EQ(PMI_SEEN, n);
			wrmsr(MSR_GLOBAL_OVF_CTRL, 1);
		}
		apic_write(APIC_LVTPC, lvt);
	}
	/* without bit 20 only the status tells */
	run_period(0);
	G_EQ(PMI_SEEN, 5);
	G_EQ(rdmsr(MSR_GLOBAL_STATUS), 1);
	guest_done();
}

static void pmi(u32 lvt)
{
	struct vcpu *v = start(guest_pmi);

	vm_shared(v->vm)->arg[0] = lvt;
	vcpu_finish(v);
}

TEST(interrupt) { pmi(VECTOR); }
TEST(nmi) { pmi(APIC_DM_NMI); }

/* The instruction that overflows is HLT itself: the interrupt ends it. */
GUEST_CODE static void guest_halted(void)
{
	guest_set_handler(VECTOR, on_pmi);
	apic_enable();
	apic_write(APIC_LVTPC, VECTOR);
	cli();
	wrmsr(MSR_PMC0, (u32)-4);
	wrmsr(MSR_GLOBAL_CTRL, 1);
	/* counted: mov and its like up to WRMSR's end, STI, HLT */
	wrmsr(MSR_EVENTSEL0, EVENT_INSTRUCTIONS | SEL_OS | SEL_INT | SEL_ENABLE);
	asm volatile("nop; nop; sti; hlt" ::: "memory");
	G_EQ(PMI_SEEN, 1);
	guest_done();
}

TEST(halted) { vcpu_finish(start(guest_halted)); }

/* --- moved to another VM --- */

GUEST_CODE static void guest_moved(void)
{
	if (!ARG(0)) {
		wrmsr(MSR_FIXED_CTR_CTRL, FIXED_OS);
		wrmsr(MSR_EVENTSEL0, EVENT_INSTRUCTIONS | SEL_OS | SEL_ENABLE);
		wrmsr(MSR_GLOBAL_CTRL, 1UL << 32 | 1);
		loop(ROUNDS);
		guest_sync(1);
	}
	loop(ROUNDS);
	wrmsr(MSR_GLOBAL_CTRL, 0);
	guest_sync(2);
	guest_done();
}

#define MOVED	(sizeof(moved_msrs) / sizeof(*moved_msrs))

/* QEMU's order: nothing counts while the counters are written. */
static const u32 moved_msrs[] = {
	MSR_FIXED_CTR0, MSR_PMC0, MSR_EVENTSEL0, MSR_GLOBAL_STATUS, MSR_FIXED_CTR_CTRL,
	MSR_GLOBAL_CTRL,
};

TEST(moved)
{
	struct vcpu *v = start(guest_moved), *to = start(guest_moved);
	u64 value[MOVED], more;

	vcpu_expect_sync(v, 1);
	for (u32 i = 0; i < MOVED; i++)
		value[i] = vcpu_get_msr(v, moved_msrs[i]);
	CHECK(value[1] >= LOOP_INSNS(ROUNDS), "0x%llx", (unsigned long long)value[1]);
	vm_shared(to->vm)->arg[0] = 1;
	vcpu_set_msr(to, MSR_FIXED_CTR_CTRL, 0);
	vcpu_set_msr(to, MSR_GLOBAL_CTRL, 0);
	value[3] |= 2UL << 32;
	for (u32 i = 0; i < MOVED; i++)
		vcpu_set_msr(to, moved_msrs[i], value[i]);
	vcpu_set_msr(to, MSR_GLOBAL_OVF_CTRL, 0);
	for (u32 i = 0; i < MOVED; i++) {
		ktap_row("0x%x", moved_msrs[i]);
		CHECK_EQ(vcpu_get_msr(to, moved_msrs[i]), value[i]);
	}
	vcpu_expect_sync(to, 2);
	for (u32 i = 0; i < 2; i++) {
		ktap_row("0x%x, later", moved_msrs[i]);
		more = vcpu_get_msr(to, moved_msrs[i]) - value[i];
		CHECK(more - LOOP_INSNS(ROUNDS) <= SLACK, "%llu more", (unsigned long long)more);
	}
	CHECK_EQ(vcpu_get_msr(to, MSR_GLOBAL_STATUS), value[3]);
}

/* A VMM writes all bits of a counter, and of the status only those that there are. */
TEST(restored_values)
{
	struct pmu p = pmu_require();
	struct vcpu *v = start(guest_moved);
	u64 mask = (1UL << p.width) - 1;
	struct one_msr m = { .head.nmsrs = 1,
			     .entry = { .index = MSR_GLOBAL_STATUS, .data = 1UL << p.nr } };

	vcpu_set_msr(v, MSR_PMC0, 0x80000000);
	CHECK_EQ(vcpu_get_msr(v, MSR_PMC0), 0x80000000);
	vcpu_set_msr(v, MSR_PMC0, ~0UL);
	CHECK_EQ(vcpu_get_msr(v, MSR_PMC0), mask);
	/* KVM has looked at them since 6.2 */
	if (device_cap(v->vm->dev, LINTEL_CAP_EXPLAIN_ENTRY))
		CHECK_EQ(ioctl(v->fd, KVM_SET_MSRS, &m), 0);
	m.entry.data = 1;
	CHECK_EQ(ioctl(v->fd, KVM_SET_MSRS, &m), 1);
	CHECK_EQ(vcpu_get_msr(v, MSR_GLOBAL_STATUS), 1);
}

static void on_signal(int number)
{
	(void)number;
}

static void *signal_soon(void *thread)
{
	usleep(100000);
	pthread_kill(*(pthread_t *)thread, SIGUSR1);
	return NULL;
}

/* An application processor that waits for its SIPI waits, whatever was written to its registers. */
TEST(before_sipi)
{
	pthread_t self = pthread_self(), thread;
	struct vcpu *v;
	struct vm *vm;
	int ret;

	pmu_require();
	vm = vm_create(VM_IRQCHIP);
	vcpu_create(vm, 0);
	v = vcpu_create(vm, 1);
	vcpu_set_msr(v, MSR_GLOBAL_CTRL, 1UL << 32);
	vcpu_set_msr(v, MSR_PMC0, 5);
	sigaction(SIGUSR1, &(struct sigaction){ .sa_handler = on_signal }, NULL);
	REQUIRE(!pthread_create(&thread, NULL, signal_soon, &self), "a thread");
	ret = ioctl(v->fd, KVM_RUN, 0);
	CHECK(ret == -1 && errno == EINTR, "%d, errno %d", ret, errno);
	CHECK_EQ(vcpu_get_msr(v, MSR_PMC0), 5);
}

static void *run_to_sync(void *v)
{
	vcpu_expect_sync(v, 2);
	return NULL;
}

/* KVM's counters stay with the thread that ran the vCPU first. */
TEST(another_thread)
{
	struct vcpu *v = start(guest_moved);
	pthread_t thread;
	u64 value;

	if (!device_cap(v->vm->dev, LINTEL_CAP_EXPLAIN_ENTRY))
		SKIP("Lintel's own");
	vcpu_expect_sync(v, 1);
	value = vcpu_get_msr(v, MSR_PMC0);
	REQUIRE(!pthread_create(&thread, NULL, run_to_sync, v), "a thread");
	pthread_join(thread, NULL);
	value = vcpu_get_msr(v, MSR_PMC0) - value;
	CHECK(value - LOOP_INSNS(ROUNDS) <= SLACK, "%llu", (unsigned long long)value);
}

/* --- the host's perf --- */

static int host_event(bool guest_only)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_HARDWARE, .size = sizeof(attr),
		.config = PERF_COUNT_HW_INSTRUCTIONS, .pinned = 1,
		.exclude_host = guest_only, .exclude_guest = !guest_only,
	};

	return REQUIRE_OK(syscall(SYS_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC));
}

static u64 host_count(int event)
{
	u64 value = 0;

	REQUIRE_EQ(read(event, &value, sizeof(value)), sizeof(value));
	return value;
}

#define LONG_ROUNDS	2000000UL

GUEST_CODE static void guest_long(void)
{
	loop(LONG_ROUNDS);
	guest_done();
}

/* An event for guests counts the guest alone, one of the host's not at all what the guest does. */
TEST_SLOW(host_events, 2)
{
	struct vcpu *v = start(guest_long);
	int guests = host_event(true), host = host_event(false);
	u64 in_guest, in_host;

	in_guest = host_count(guests);
	in_host = host_count(host);
	vcpu_finish(v);
	in_guest = host_count(guests) - in_guest;
	in_host = host_count(host) - in_host;
	CHECK(in_guest - LOOP_INSNS(LONG_ROUNDS) < 1000, "%llu", (unsigned long long)in_guest);
	/* with sanitizers the host executes as many by itself */
	if (host_has_sanitizers())
		ktap_note("%llu of the host's own", (unsigned long long)in_host);
	else
		CHECK(in_host < LONG_ROUNDS, "%llu", (unsigned long long)in_host);
}
