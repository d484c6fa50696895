// SPDX-License-Identifier: GPL-2.0-only
/*
 * The 8254 in the kernel: its counters count at 1.193182 MHz by the guest's own TSC, channel 0
 * interrupts at the rate it is set to, latch, read-back and modes work, channel 2 is gated by port
 * 0x61, and KVM_GET/SET_PIT2 carry the state over. Rates are ones that this host can follow: where
 * an access costs more, the count is larger.
 */
#include "chips.h"
#include "vm.h"

static struct vcpu *start(void (*fn)(void))
{
	struct vcpu *v = vcpu_create(vm_create(VM_PIT), 0);

	vcpu_set_long(v, fn);
	return v;
}

/* Ticks of the PIT in so many of the TSC; ARG(15) is the TSC's rate in kHz. */
GINLINE u64 pit_ticks(u64 tsc) { return tsc * (PIT_HZ / 1000) / ARG(15); }

/* The count and, around the moment when it was latched, the TSC. */
struct sample {
	u64 before, after;
	u16 count;
};

GINLINE struct sample pit_sample(u32 channel)
{
	struct sample s;

	s.before = rdtsc();
	outb(0x43, channel << 6);
	s.after = rdtsc();
	s.count = inb(0x40 + channel);
	s.count |= inb(0x40 + channel) << 8;
	return s;
}

GUEST_CODE static void guest_counts(void)
{
	struct sample from, to;
	u64 t0, least, most, ticks;
	u16 a, b;

	for (u32 channel = 0; channel < 3; channel += 2) {
		outb(0x61, 1);				/* gate of channel 2 */
		pit_start(channel, 2, 0);		/* rate generator, 65536 */
		from = pit_sample(channel);
		while (pit_ticks(rdtsc() - from.after) < 20000)
			;
		to = pit_sample(channel);
		least = pit_ticks(to.before - from.after);
		most = pit_ticks(to.after - from.before) + 1;
		G_CHECK(most < 0xffff);			/* it has not gone round */
		ticks = (u16)(from.count - to.count);
		ARG(channel) = ticks;
		ARG(channel + 1) = (least + most) / 2;
		/* one per cent for clocks that do not agree, as the host's */
		G_CHECK(ticks >= least - least / 100 && ticks <= most + most / 100);
	}
	/* The gate stops channel 2. */
	outb(0x61, 0);
	a = pit_read(2);
	t0 = rdtsc();
	while (pit_ticks(rdtsc() - t0) < 2000)
		;
	b = pit_read(2);
	ARG(4) = (u16)(a - b);
	guest_done();
}

TEST(counts)
{
	struct vcpu *v = start(guest_counts);
	volatile struct guest_shared *s = vm_shared(v->vm);

	s->arg[15] = ioctl(v->fd, KVM_GET_TSC_KHZ, 0);
	vcpu_finish(v);
	ktap_note("channel 0: %llu ticks, expected %llu; channel 2: %llu, expected %llu",
		  (unsigned long long)s->arg[0], (unsigned long long)s->arg[1],
		  (unsigned long long)s->arg[2], (unsigned long long)s->arg[3]);
}

GUEST_CODE static void on_tick(struct trap_frame *f)
{
	ARG(1)++;
	pic_eoi(f->vector - PIC_BASE);
}

/*
 * ARG(3) interrupts at ARG(2) counts each; the TSC says how long they took. Ticks that wait are
 * sent again, but never is one sent before its time.
 */
GUEST_CODE static void guest_rate(void)
{
	u64 start, t0;
	u32 n;

	guest_set_handler(PIC_BASE, on_tick);
	apic_virtual_wire();
	pic_init(0);
	pic_unmask(1);
	cli();
	n = pit_ticks(64 * access_cost());
	if (ARG(2) < n)
		ARG(2) = n < 0xffff ? n : 0xffff;
	start = rdtsc();
	pit_start(0, 2, ARG(2));
	while (ARG(1) < 2) {			/* into step */
		sti_hlt();
		cli();
	}
	t0 = rdtsc();
	for (n = ARG(1); ARG(1) < n + ARG(3);) {
		sti_hlt();
		cli();
		G_CHECK(ARG(1) * ARG(2) <= pit_ticks(rdtsc() - start) * 101 / 100 + 1);
	}
	ARG(4) = rdtsc() - t0;
	guest_done();
}

TEST_SLOW(interrupt_rate, 2)
{
	static const struct {
		u16 count;
		u32 ticks;
	} rows[] = { { 1193, 100 }, { 11932, 40 }, { 59659, 8 } };

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct vcpu *v = start(guest_rate);
		volatile struct guest_shared *s = vm_shared(v->vm);
		u64 khz = ioctl(v->fd, KVM_GET_TSC_KHZ, 0), got, want;
		u32 count;

		ktap_row("count %u", rows[i].count);
		s->arg[1] = 0;
		s->arg[2] = rows[i].count;
		s->arg[3] = rows[i].ticks;
		s->arg[15] = khz;
		vcpu_finish(v);
		count = s->arg[2];
		got = s->arg[4] * 1000 / khz;			/* microseconds */
		want = (u64)count * rows[i].ticks * 1000000 / PIT_HZ;
		ktap_note("count %u: %u interrupts in %llu us, expected %llu", count,
			  rows[i].ticks, (unsigned long long)got, (unsigned long long)want);
		CHECK(got > want * 8 / 10 && got < want * 13 / 10, "%llu us, expected %llu",
		      (unsigned long long)got, (unsigned long long)want);
	}
}

/*
 * Twenty periods with interrupts shut out, then five with them let in. ARG(2): the period's counts;
 * ARG(1) counts the interrupts.
 */
GUEST_CODE static void guest_late(void)
{
	u64 t0;

	guest_set_handler(PIC_BASE, on_tick);
	apic_virtual_wire();
	pic_init(0);
	pic_unmask(1);
	cli();
	ARG(2) = pit_ticks(128 * access_cost());
	if (ARG(2) < 1193)
		ARG(2) = 1193;
	if (ARG(2) > 0xffff)
		ARG(2) = 0xffff;
	pit_start(0, 2, ARG(2));
	t0 = rdtsc();
	while (pit_ticks(rdtsc() - t0) < 20 * ARG(2))
		cpu_relax();
	sti();
	while (pit_ticks(rdtsc() - t0) < 25 * ARG(2))
		cpu_relax();
	cli();
	guest_done();
}

TEST_SLOW(reinject_control, 2)
{
	for (u8 reinject = 0; reinject < 2; reinject++) {
		struct vcpu *v = start(guest_late);
		struct kvm_reinject_control control = { .pit_reinject = reinject };
		volatile struct guest_shared *s = vm_shared(v->vm);

		ktap_row("pit_reinject %u", reinject);
		REQUIRE_OK(ioctl(v->vm->fd, KVM_REINJECT_CONTROL, &control));
		s->arg[1] = 0;
		s->arg[15] = ioctl(v->fd, KVM_GET_TSC_KHZ, 0);
		vcpu_finish(v);
		ktap_note("pit_reinject %u: %llu interrupts", reinject,
			  (unsigned long long)s->arg[1]);
		if (reinject)
			CHECK(s->arg[1] >= 19, "ticks were lost");
		else
			CHECK(s->arg[1] >= 1 && s->arg[1] <= 10, "ticks were kept");
	}
}

GUEST_CODE static void guest_one_shot(void)
{
	guest_set_handler(PIC_BASE, on_tick);
	apic_virtual_wire();
	pic_init(0);
	pic_unmask(1);
	for (u32 mode = 0; mode < 5; mode += 4) {
		u64 t0;

		ARG(1) = 0;
		pit_start(0, mode, 2000); /* mode 0: once at the end; mode 4: software strobe */
		sti_hlt();
		cli();
		G_EQ(ARG(1), 1);
		t0 = rdtsc();
		while (pit_ticks(rdtsc() - t0) < 8000) {
			sti();
			cpu_relax();
			cli();
		}
		G_EQ(ARG(1), 1);
	}
	guest_done();
}

TEST(one_shot_modes)
{
	struct vcpu *v = start(guest_one_shot);

	vm_shared(v->vm)->arg[15] = ioctl(v->fd, KVM_GET_TSC_KHZ, 0);
	vcpu_finish(v);
}

GUEST_CODE static void guest_access(void)
{
	u16 a, b;
	u8 status;

	pit_start(0, 2, 0x8000);
	outb(0x43, 0x00);			/* latch: the value stands until it is read */
	for (int i = 0; i < 10000; i++)
		cpu_relax();
	a = inb(0x40);
	a |= inb(0x40) << 8;
	b = pit_read(0);
	G_CHECK(a <= 0x8000 && b < a);
	/* Read-back: status of channel 0 (not latched count): access 3, mode 2, binary. */
	outb(0x43, 0xe2);
	status = inb(0x40);
	G_EQ(status & 0x3f, 0x34);
	outb(0x61, 1);
	pit_start(2, 0, 0x4000);
	outb(0x43, 0xe8);
	G_EQ(inb(0x42) & 0x3f, 0x30);
	G_EQ(inb(0x61) & 1, 1);
	/* The output of channel 2 is bit 5 of port 0x61: low in mode 0 until the count is over. */
	pit_start(2, 0, 500);
	while (!(inb(0x61) & 0x20))
		cpu_relax();
	guest_done();
}

TEST(latch_and_read_back) { vcpu_finish(start(guest_access)); }

GUEST_CODE static void guest_state(void)
{
	pit_start(0, 3, 0x1234);
	guest_sync(1);
	outb(0x43, 0xe2);
	G_EQ(inb(0x40) & 0x3f, 0x34);		/* the VMM has set mode 2 */
	guest_done();
}

TEST(state)
{
	struct vcpu *v = start(guest_state);
	struct kvm_pit_state2 s;

	REQUIRE_CAP(v->vm->dev, KVM_CAP_PIT_STATE2);
	vcpu_expect_sync(v, 1);
	REQUIRE_OK(ioctl(v->vm->fd, KVM_GET_PIT2, &s));
	CHECK_EQ(s.channels[0].count, 0x1234);
	CHECK_EQ(s.channels[0].mode, 3);
	CHECK_EQ(s.channels[0].rw_mode, 3);
	CHECK_EQ(s.channels[1].count, 0x10000);
	s.channels[0].mode = 2;
	REQUIRE_OK(ioctl(v->vm->fd, KVM_SET_PIT2, &s));
	vcpu_finish(v);
}

TEST(refused)
{
	struct vm *vm = vm_create(VM_IRQCHIP);
	struct kvm_pit_state2 s = { 0 };
	struct kvm_pit_config bad = { .flags = 1u << 31 };

	ktap_row("no PIT");
	CHECK_ERRNO(ioctl(vm->fd, KVM_GET_PIT2, &s), ENXIO);
	CHECK_ERRNO(ioctl(vm->fd, KVM_SET_PIT2, &s), ENXIO);
	ktap_row("flags of KVM_CREATE_PIT2");
	CHECK(ioctl(vm->fd, KVM_CREATE_PIT2, &bad) == 0 || errno == EINVAL, "errno %d", errno);
}
