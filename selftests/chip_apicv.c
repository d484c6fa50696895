// SPDX-License-Identifier: GPL-2.0-only
/*
 * The local APIC, half of which the processor may do by itself: what the guest sees is the same
 * whoever does it.  Where the device counts exits by reason, the tests also see who did it.
 *
 * A second vCPU whose APIC base is elsewhere takes the processor out of the first one's accesses
 * to memory: this is how one program sees both sides.  Changes of the mode are in
 * chip_apicv_modes.c.
 */
#include <fcntl.h>
#include <pthread.h>

#include "chips.h"
#include "stats.h"
#include "vm.h"

#define VECTOR		0x61
#define LOWER		0x41
#define MOVED		0xfed40000UL
#define RESULTS		((volatile u32 *)GPA_FREE)
#define APIC_SELF_IPI	0x3f0

/* Lintel's parameter; false on another device. */
static bool uses(const char *feature)
{
	char path[80], value = 'N';
	int fd;

	snprintf(path, sizeof(path), "/sys/module/lintel/parameters/%s", feature);
	fd = strcmp(device_path(), "/dev/lintel") ? -1 : open(path, O_RDONLY);
	if (fd >= 0) {
		CHECK_EQ(read(fd, &value, 1), 1);
		close(fd);
	}
	return value == 'Y';
}

static bool on_kvm(void) { return !strcmp(device_path(), "/dev/kvm"); }

/* Exits for this reason, where the device says; otherwise what the caller hopes for. */
static u64 exits(struct vcpu *v, const char *reason, u64 hope)
{
	char name[48];
	long n;

	snprintf(name, sizeof(name), "exits_%s", reason);
	n = stat_read(v->fd, name);
	return n < 0 ? hope : (u64)n;
}

static struct vcpu *start(void (*fn)(void))
{
	struct vcpu *v = vcpu_create(vm_create(VM_IRQCHIP), 0);

	vcpu_set_long(v, fn);
	return v;
}

static void move_apic(struct vcpu *v, u64 base)
{
	struct kvm_sregs sregs;

	vcpu_get_sregs(v, &sregs);
	sregs.apic_base = base | (sregs.apic_base & 0xfff);
	vcpu_set_sregs(v, &sregs);
}

GUEST_CODE static void on_irq(struct trap_frame *f)
{
	ARG(0) = ARG(0) << 8 | f->vector;
	ARG(1)++;
	apic_eoi();
}

/* --- each register, by both sides --- */

GINLINE bool skipped(u32 reg)
{
	u32 i = reg / 16;

	/* where there is no register KVM gives what it read last */
	if (!ARG(6) && (i < 2 || (i >= 4 && i < 8) || (i >= 0x29 && i < 0x30) || i > 0x39))
		return true;
	/* the count runs; EOI and ICR act; the ESR shows what the accesses here do */
	return reg == APIC_TMCCT || reg == APIC_EOI || reg == APIC_ICR || reg == APIC_ESR;
}

/* Reads, writes ones, reads, writes what was there, reads; then all reads again after that. */
GUEST_CODE static void collect(volatile u32 *out)
{
	for (u32 reg = 0; reg < 0x400; reg += 0x10) {
		u32 was = apic_read(reg);

		*out++ = skipped(reg) ? 0 : was;
		/* KVM lets the guest change its ID, and then virtualises no more */
		if (skipped(reg) || reg == APIC_TMICT || reg == APIC_ID)
			continue;
		apic_write(reg, 0xffffffff);
		*out++ = apic_read(reg);
		apic_write(reg, was);
		*out++ = apic_read(reg);
	}
	for (u32 reg = 0; reg < 0x400; reg += 0x10)
		*out++ = skipped(reg) ? 0 : apic_read(reg);
	apic_write(APIC_ESR, 0);
	*out++ = apic_read(APIC_ESR);
	ARG(2) = out - RESULTS;
}

GUEST_CODE static void guest_registers(void)
{
	volatile u32 *a = RESULTS, *b = RESULTS + 1024;

	apic_write(APIC_SPIV, APIC_SPIV_ENABLE | 0xff);
	collect(a);
	guest_sync(1);
	collect(b);
	for (u32 i = 0; i < b - a && i + 1024 < ARG(2); i++) {
		ARG(3) = i;
		G_EQ(b[i], a[i]);
	}
	guest_sync(2);
	guest_done();
}

TEST(registers_alike)
{
	struct vcpu *v = start(guest_registers), *other = vcpu_create(v->vm, 1);
	u64 before, between;

	vm_shared(v->vm)->arg[6] = !on_kvm();
	vcpu_expect_sync(v, 1);
	before = exits(v, "ept_violation", 0);
	if (uses("vid")) {
		CHECK(exits(v, "apic_access", 1) > 0, "no APIC-access exit");
		CHECK(exits(v, "apic_write", 1) > 0, "no APIC-write exit");
	}
	move_apic(other, MOVED);
	vcpu_expect_sync(v, 2);
	between = exits(v, "ept_violation", 1000);
	CHECK(between - before > 100, "%lu EPT violations: the page is still there",
	      (unsigned long)(between - before));
	move_apic(other, 0xfee00000);
	vcpu_finish(v);
}

/* --- the TPR --- */

GUEST_CODE static void guest_cr8(void)
{
	guest_set_handler(LOWER, on_irq);
	guest_set_handler(VECTOR, on_irq);
	apic_write(APIC_SPIV, APIC_SPIV_ENABLE | 0xff);
	sti();
	for (u32 i = 1; i <= 20; i++) {
		WRITE_CR(8, 15);
		self_ipi(LOWER);
		self_ipi(VECTOR);
		WRITE_CR(8, 6);
		G_EQ(ARG(1), 3 * i - 3);
		WRITE_CR(8, 5);				/* VECTOR comes */
		asm volatile("nop");
		G_EQ(ARG(1), 3 * i - 2);
		WRITE_CR(8, 4);
		G_EQ(ARG(1), 3 * i - 2);
		self_ipi(VECTOR);			/* at once */
		asm volatile("nop");
		G_EQ(ARG(1), 3 * i - 1);
		WRITE_CR(8, 0);				/* LOWER, too */
		asm volatile("nop");
		G_EQ(ARG(1), 3 * i);
	}
	guest_done();
}

TEST(priority_by_cr8)
{
	struct vcpu *v = start(guest_cr8);

	vcpu_finish(v);
	if (uses("apicv"))
		CHECK(exits(v, "cr_access", 0) < 10, "CR8 exits in spite of the TPR shadow");
	if (uses("apicv") && !uses("vid"))
		CHECK(exits(v, "tpr_below_threshold", 40) >= 40, "not left by the threshold");
	else
		CHECK_EQ(exits(v, "tpr_below_threshold", 0), 0);
}

/* --- no exits --- */

GUEST_CODE static void guest_quiet(void)
{
	guest_set_handler(VECTOR, on_irq);
	apic_write(APIC_SPIV, APIC_SPIV_ENABLE | 0xff);
	if (ARG(4))
		wrmsr(MSR_APICBASE, rdmsr(MSR_APICBASE) | APICBASE_X2APIC);
	sti();
	for (u32 i = 0; i < 100; i++) {
		if (ARG(4))
			wrmsr(X2APIC(APIC_SELF_IPI), VECTOR);
		else
			self_ipi(VECTOR);
		asm volatile("nop");
	}
	cli();
	G_EQ(ARG(1), 100);
	guest_done();
}

GUEST_CODE static void on_quiet(struct trap_frame *f)
{
	(void)f;
	ARG(1)++;
	if (ARG(4))
		wrmsr(X2APIC(APIC_EOI), 0);
	else
		apic_write(APIC_EOI, 0);
}

TEST(self_ipi_and_eoi)
{
	for (int x2apic = 0; x2apic < 2; x2apic++) {
		struct vcpu *v = start(guest_quiet);
		u64 n;

		ktap_row("%s", x2apic ? "x2APIC" : "xAPIC");
		vm_shared(v->vm)->arg[4] = x2apic;
		vm_shared(v->vm)->handler[VECTOR] = guest_addr(on_quiet);
		vcpu_finish(v);
		n = exits(v, x2apic ? "msr_write" : "apic_write", 0) + exits(v, "eoi_induced", 0) +
		    exits(v, "interrupt_window", 0);
		if (uses("vid"))
			CHECK(n < 10, "%lu exits for 100 interrupts", (unsigned long)n);
	}
}

/* --- x2APIC --- */

GUEST_CODE static void guest_x2apic(void)
{
	u64 v;

	wrmsr(MSR_APICBASE, rdmsr(MSR_APICBASE) | APICBASE_X2APIC);
	wrmsr(X2APIC(APIC_SPIV), APIC_SPIV_ENABLE | 0xff);
	for (u32 i = 0; i < 0x40; i++) {
		bool there = i == 2 || i == 3 || i == 8 || i == 0xa || i == 0xd || i == 0xf ||
			     (i >= 0x10 && i <= 0x28) || i == 0x30 || (i >= 0x32 && i <= 0x39) ||
			     i == 0x3e;

		ARG(3) = i;
		if (i != 0x2f)				/* LVT CMCI: optional */
			G_EQ(try_rdmsr(MSR_X2APIC + i, &v), there ? NO_TRAP : VEC_GP);
		if (there && i != 0x30)
			G_EQ(v >> 32, 0);
	}
	for (u32 i = 0x40; i < 0x100; i++)
		G_EQ(try_rdmsr(MSR_X2APIC + i, &v), VEC_GP);
	wrmsr(X2APIC(APIC_ICR), 7ULL << 32 | APIC_ASSERT | VECTOR);	/* nobody has this ID */
	G_EQ(rdmsr(X2APIC(APIC_ICR)), 7ULL << 32 | APIC_ASSERT | VECTOR);
	guest_set_handler(VECTOR, on_irq);
	wrmsr(X2APIC(APIC_ICR), APIC_ASSERT | VECTOR);			/* physical, to itself */
	G_EQ(rdmsr(X2APIC(APIC_IRR + VECTOR / 32 * 16)), 1u << VECTOR % 32);
	window();
	G_EQ(ARG(1), 1);
	/* A vector that cannot be: an error, not an interrupt.  KVM notes no errors. */
	wrmsr(X2APIC(APIC_SELF_IPI), 5);
	wrmsr(X2APIC(APIC_ESR), 0);
	if (ARG(6))
		G_EQ(rdmsr(X2APIC(APIC_ESR)) & 0x60, 0x20);
	/* The TPR by MSR and CR8. */
	wrmsr(X2APIC(APIC_TPR), 0x70);
	wrmsr(X2APIC(APIC_SELF_IPI), VECTOR);
	window();
	G_EQ(ARG(1), 1);
	G_EQ(READ_CR(8), 7);
	WRITE_CR(8, 5);
	G_EQ(rdmsr(X2APIC(APIC_TPR)), 0x50);
	window();
	G_EQ(ARG(1), 2);
	G_EQ(rdmsr(X2APIC(APIC_PPR)), 0x50);
	guest_done();
}

TEST(x2apic_registers)
{
	struct vcpu *v = start(guest_x2apic);

	vm_shared(v->vm)->arg[6] = !on_kvm();
	vcpu_finish(v);
}

/* --- the end of interrupts that somebody waits for --- */

/* A line that stays up interrupts again at the IRET: the handler masks it after ARG(5) times. */
GUEST_CODE static void on_level(struct trap_frame *f)
{
	ARG(1)++;
	if (++ARG(9) == ARG(5))
		ioapic_write(0x10 + 2 * ARG(7), f->vector | IOAPIC_LEVEL | IOAPIC_MASK);
	if (ARG(4))
		wrmsr(X2APIC(APIC_EOI), 0);
	else
		apic_write(APIC_EOI, 0);
}

GUEST_CODE static void guest_level(void)
{
	guest_set_handler(VECTOR, on_level);
	guest_set_handler(LOWER, on_irq);
	ARG(5) = 6;
	ARG(7) = 5;
	SHARED->count[VECTOR] = SHARED->count[LOWER] = 0;
	apic_enable();
	ioapic_route(5, VECTOR | IOAPIC_LEVEL, 0);
	ioapic_route(6, LOWER, 0);
	if (ARG(4))
		wrmsr(MSR_APICBASE, rdmsr(MSR_APICBASE) | APICBASE_X2APIC);
	sti();
	guest_sync(1);			/* both lines up */
	/* the level comes again after each EOI, the edge does not */
	while (SHARED->count[VECTOR] < 6 || !SHARED->count[LOWER])
		cpu_relax();
	cli();
	guest_sync(2);			/* both down */
	window();
	G_EQ(SHARED->count[VECTOR], 6);
	G_EQ(SHARED->count[LOWER], 1);
	G_EQ(ioapic_read(0x10 + 2 * 5) & IOAPIC_REMOTE, 0);
	G_EQ(ARG(1), 7);
	/* The vector of an edge becomes a level's: from its first EOI on that is seen. */
	guest_set_handler(LOWER, on_level);
	ARG(1) = ARG(9) = 0;
	ARG(7) = 6;
	ioapic_route(6, LOWER | IOAPIC_LEVEL, 0);
	guest_sync(3);			/* 6 up */
	sti();
	while (ARG(1) < 6)
		cpu_relax();
	cli();
	guest_sync(4);			/* 6 down */
	window();
	G_EQ(ioapic_read(0x10 + 2 * 6) & IOAPIC_REMOTE, 0);
	guest_done();
}

TEST(end_of_a_level)
{
	for (int x2apic = 0; x2apic < 2; x2apic++) {
		struct vcpu *v = start(guest_level);

		ktap_row("%s", x2apic ? "x2APIC" : "xAPIC");
		vm_shared(v->vm)->arg[4] = x2apic;
		vcpu_expect_sync(v, 1);
		vm_irq_line(v->vm, 5, 1);
		vm_irq_line(v->vm, 6, 1);
		vcpu_expect_sync(v, 2);
		vm_irq_line(v->vm, 5, 0);
		vm_irq_line(v->vm, 6, 0);
		vcpu_expect_sync(v, 3);
		vm_irq_line(v->vm, 6, 1);
		vcpu_expect_sync(v, 4);
		vm_irq_line(v->vm, 6, 0);
		vcpu_finish(v);
		if (uses("vid"))
			CHECK(exits(v, "eoi_induced", 11) >= 11, "EOIs of levels not seen");
	}
}

/* --- both ways into the CPU at once --- */

GUEST_CODE static void on_pic(struct trap_frame *f)
{
	ARG(0) = ARG(0) << 8 | f->vector;
	ARG(1)++;
	pic_eoi(3);
}

GUEST_CODE static void guest_extint(void)
{
	guest_set_handler(VECTOR, on_irq);
	guest_set_handler(LOWER, on_irq);
	guest_set_handler(PIC_BASE + 3, on_pic);
	apic_virtual_wire();
	pic_init(0);
	pic_unmask(1 << 3);
	for (u32 i = 0; i < 10; i++) {
		ARG(0) = ARG(1) = 0;
		self_ipi(VECTOR);
		self_ipi(LOWER);
		guest_sync(1);				/* line 3 up and down */
		sti();
		while (ARG(1) < 3)
			cpu_relax();
		cli();
		/* the PIC's is not subject to priorities; the others keep their order */
		G_EQ(ARG(0), (PIC_BASE + 3) << 16 | VECTOR << 8 | LOWER);
		G_CHECK(!apic_bit(APIC_ISR, VECTOR) && !apic_bit(APIC_IRR, LOWER));
	}
	guest_done();
}

TEST(pic_beside_the_apic)
{
	struct vcpu *v = start(guest_extint);

	for (int i = 0; i < 10; i++) {
		vcpu_expect_sync(v, 1);
		vm_irq_line(v->vm, 3, 1);
		vm_irq_line(v->vm, 3, 0);
	}
	vcpu_finish(v);
}

/* --- messages to a guest that runs --- */

GUEST_CODE static void guest_counts(void)
{
	guest_set_handler(VECTOR, on_irq);
	apic_enable();
	sti();
	guest_sync(1);
	while (ARG(1) < ARG(5))
		cpu_relax();
	guest_done();
}

static void *send_messages(void *arg)
{
	struct vm *vm = arg;
	volatile struct guest_shared *s = vm_shared(vm);

	for (u64 i = 0; i < s->arg[5]; i++) {
		struct kvm_msi msi = { .address_lo = 0xfee00000, .data = VECTOR };

		if (ioctl(vm->fd, KVM_SIGNAL_MSI, &msi) != 1)
			return (void *)1L;
		while (s->arg[1] <= i)
			sched_yield();
	}
	return NULL;
}

/* Each is sent when the one before has arrived: every one of them counts. */
TEST_SLOW(messages_to_a_running_guest, 3)
{
	struct vcpu *v = start(guest_counts);
	pthread_t thread;
	void *failed;

	vm_shared(v->vm)->arg[5] = 300;
	vcpu_expect_sync(v, 1);
	REQUIRE(!pthread_create(&thread, NULL, send_messages, v->vm), "pthread_create");
	vcpu_finish(v);
	REQUIRE(!pthread_join(thread, &failed), "pthread_join");
	CHECK_EQ((long)failed, 0);
}
