// SPDX-License-Identifier: GPL-2.0-only
/*
 * Interrupts between four vCPUs in every delivery mode and every form of destination: one row for
 * each, with who must get it. Vectors and NMIs are counted by their handlers. A marker of lower
 * priority that is sent to each vCPU afterwards, and answered, shows that nothing more will come.
 *
 * Then the starting IPIs: a SIPI to a CPU that runs is ignored, as is a second one; an INIT takes a
 * CPU out of whatever it does; KVM_SET_BOOT_CPU_ID says who needs none.
 */
#include <pthread.h>

#include "chips.h"
#include "vm.h"

#define CPUS		4
#define VECTOR		0x61
#define MARKER		0x31
#define LOGICAL		(1 << 11)
#define LOWEST		(1 << 8)
#define FLAG		((volatile u32 *)GPA_PAGE)
#define ONE_OF		0x100	/* exactly one CPU of the set */

enum { FLAT, CLUSTER, X2 };

/* At GPA_HIGH. */
struct scene {
	u32 mode;
	u32 icr, dest;
	u32 nmi;
	u32 ready;
	u32 got[CPUS], nmis[CPUS], marks[CPUS];
};
#define SCENE	((volatile struct scene *)GPA_HIGH)

static const struct ipi_row {
	const char *name;
	u32 mode, icr, dest, who;
} rows[] = {
	{ "fixed, physical", FLAT, VECTOR, 2, 1 << 2 },
	{ "fixed, physical, to itself", FLAT, VECTOR, 0, 1 << 0 },
	{ "fixed, physical, nobody", FLAT, VECTOR, 9, 0 },
	{ "fixed, physical broadcast", FLAT, VECTOR, 0xff, 0xf },
	{ "fixed, flat", FLAT, VECTOR | LOGICAL, 0x06, 0x6 },
	{ "fixed, flat, one", FLAT, VECTOR | LOGICAL, 0x08, 0x8 },
	{ "fixed, flat broadcast", FLAT, VECTOR | LOGICAL, 0xff, 0xf },
	{ "fixed, flat, nobody", FLAT, VECTOR | LOGICAL, 0x30, 0 },
	{ "fixed, cluster", CLUSTER, VECTOR | LOGICAL, 0x13, 0xc },
	{ "fixed, cluster, one", CLUSTER, VECTOR | LOGICAL, 0x02, 0x2 },
	{ "fixed, cluster, nobody", CLUSTER, VECTOR | LOGICAL, 0x2f, 0 },
	{ "lowest priority, flat", FLAT, VECTOR | LOGICAL | LOWEST, 0x0e, 0xe | ONE_OF },
	{ "lowest priority, cluster", CLUSTER, VECTOR | LOGICAL | LOWEST, 0x13, 0xc | ONE_OF },
	{ "lowest priority, physical", FLAT, VECTOR | LOWEST, 3, 0x8 },
	{ "NMI, physical", FLAT, APIC_DM_NMI, 3, 0x8 },
	{ "NMI, flat", FLAT, APIC_DM_NMI | LOGICAL, 0x0a, 0xa },
	{ "NMI, all but itself", FLAT, APIC_DM_NMI | APIC_DEST_OTHERS, 0, 0xe },
	{ "fixed, itself", FLAT, VECTOR | APIC_DEST_SELF, 0, 0x1 },
	{ "fixed, all", FLAT, VECTOR | APIC_DEST_ALL, 0, 0xf },
	{ "fixed, all but itself", FLAT, VECTOR | APIC_DEST_OTHERS, 0, 0xe },
	{ "x2APIC: physical", X2, VECTOR, 2, 0x4 },
	{ "x2APIC: physical, 255 is no broadcast", X2, VECTOR, 0xff, 0 },
	{ "x2APIC: physical broadcast", X2, VECTOR, 0xffffffff, 0xf },
	{ "x2APIC: cluster", X2, VECTOR | LOGICAL, 0xa, 0xa },
	{ "x2APIC: cluster, no such CPUs", X2, VECTOR | LOGICAL, 0x10001, 0 },
	{ "x2APIC: logical broadcast", X2, VECTOR | LOGICAL, 0xffffffff, 0xf },
	{ "x2APIC: lowest priority", X2, VECTOR | LOGICAL | LOWEST, 0xe, 0xe | ONE_OF },
	{ "x2APIC: NMI, cluster", X2, APIC_DM_NMI | LOGICAL, 0x6, 0x6 },
	{ "x2APIC: all but itself", X2, VECTOR | APIC_DEST_OTHERS, 0, 0xe },
};

GUEST_CODE static u32 me(void)
{
	return SCENE->mode == X2 ? (u32)rdmsr(X2APIC(APIC_ID)) : apic_read(APIC_ID) >> 24;
}

GUEST_CODE static void eoi(void)
{
	if (SCENE->mode == X2)
		wrmsr(X2APIC(APIC_EOI), 0);
	else
		apic_write(APIC_EOI, 0);
}

GUEST_CODE static void on_vector(struct trap_frame *f)
{
	(void)f;
	SCENE->got[me()]++;
	eoi();
}

GUEST_CODE static void on_marker(struct trap_frame *f)
{
	(void)f;
	SCENE->marks[me()]++;
	eoi();
}

GUEST_CODE static void on_nmi(struct trap_frame *f)
{
	(void)f;
	SCENE->nmis[me()]++;
}

GUEST_CODE static void send(u32 icr, u32 dest)
{
	if (SCENE->mode == X2) {
		wrmsr(X2APIC(APIC_ICR), (u64)dest << 32 | icr | APIC_ASSERT);
	} else {
		apic_write(APIC_ICR2, dest << 24);
		apic_write(APIC_ICR, icr | APIC_ASSERT);
	}
}

GUEST_CODE static void join(void)
{
	if (SCENE->mode == X2) {
		wrmsr(0x1b, rdmsr(0x1b) | 1 << 10);
		wrmsr(X2APIC(APIC_SPIV), APIC_SPIV_ENABLE | 0xff);
	} else {
		u32 id = apic_read(APIC_ID) >> 24;

		apic_enable();
		if (SCENE->mode == CLUSTER) {
			apic_write(APIC_DFR, 0x0fffffff);
			apic_write(APIC_LDR, (id / 2 << 4 | 1 << id % 2) << 24);
		} else {
			apic_write(APIC_LDR, 1 << id << 24);
		}
	}
	asm volatile("lock incl %0" : "+m"(SCENE->ready));
}

GUEST_CODE static void guest_receives(void)
{
	join();
	for (;;)
		sti_hlt();
}

GUEST_CODE static void guest_sends(void)
{
	join();
	while (SCENE->ready < CPUS)
		cpu_relax();
	send(SCENE->icr, SCENE->dest);
	sti();
	for (u32 i = 0; i < CPUS; i++) {
		send(MARKER, i);
		while (!SCENE->marks[i])
			cpu_relax();
	}
	guest_done();
}

static void *run_for_good(void *vcpu)
{
	vcpu_next(vcpu);	/* it halts, until the process ends */
	return NULL;
}

static void start_thread(struct vcpu *v)
{
	pthread_t thread;

	REQUIRE(!pthread_create(&thread, NULL, run_for_good, v), "pthread_create");
}

static void run_row(const struct ipi_row *row)
{
	struct kvm_mp_state runnable = { KVM_MP_STATE_RUNNABLE };
	bool nmi = (row->icr & 0x700) == APIC_DM_NMI;
	struct vm *vm = vm_create(VM_IRQCHIP);
	volatile struct scene *s = gpa_ptr(vm, GPA_HIGH, sizeof(*s));
	volatile struct guest_shared *shared = vm_shared(vm);
	struct vcpu *v[CPUS];
	u32 who = 0, total = 0;

	s->mode = row->mode;
	s->icr = row->icr;
	s->dest = row->dest;
	for (unsigned int i = 0; i < CPUS; i++) {
		v[i] = vcpu_create(vm, i);
		vcpu_set_long(v[i], i ? guest_receives : guest_sends);
		REQUIRE_OK(ioctl(v[i]->fd, KVM_SET_MP_STATE, &runnable));
	}
	shared->handler[VECTOR] = guest_addr(on_vector);
	shared->handler[MARKER] = guest_addr(on_marker);
	shared->handler[2] = guest_addr(on_nmi);
	for (unsigned int i = 1; i < CPUS; i++)
		start_thread(v[i]);
	vcpu_finish(v[0]);

	for (unsigned int i = 0; i < CPUS; i++) {
		u32 got = nmi ? s->nmis[i] : s->got[i];

		CHECK_EQ(nmi ? s->got[i] : s->nmis[i], 0);
		CHECK(got <= 1, "CPU %u got it %u times", i, got);
		who |= !!got << i;
		total += got;
	}
	if (row->who & ONE_OF)
		CHECK(total == 1 && who & row->who, "CPUs 0x%x got it, one of 0x%x should", who,
		      row->who & 0xff);
	else
		CHECK_EQ(who, row->who);
}

TEST_SLOW(every_mode, 6)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		ktap_row("%s", rows[i].name);
		run_row(&rows[i]);
	}
}

/* Each start leaves a sign: the page it started in, and how often. */
RM_CODE(ap_start, "xor %ax, %ax; mov %ax, %es; mov %cs, %ax;"
		  "es incw 0x3000; es mov %ax, 0x3004; 1: cli; hlt; jmp 1b");
#define STARTS		(FLAG[0] & 0xffff)
#define STARTED_AT	(FLAG[1] & 0xffff)

GUEST_CODE static void start_at(u32 page)
{
	send(APIC_DM_STARTUP | page, 1);
}

GUEST_CODE static void await_starts(u32 n)
{
	while (STARTS < n)
		cpu_relax();
	/* a start that should not be would show in this time */
	for (u32 i = 0; i < 20; i++) {
		apic_write(APIC_TPR, 0);
		cpu_relax();
	}
	G_EQ(STARTS, n);
}

GUEST_CODE static void guest_starts(void)
{
	apic_enable();
	start_at(0x20);				/* no INIT before it */
	send(APIC_DM_INIT, 1);
	start_at(0x21);
	start_at(0x22);				/* too late, or in time to take its place */
	await_starts(1);
	G_CHECK(STARTED_AT == 0x2100 || STARTED_AT == 0x2200);
	FLAG[0] = 0;
	send(APIC_DM_INIT, 1);
	start_at(0x23);
	await_starts(1);
	G_EQ(STARTED_AT, 0x2300);
	start_at(0x24);				/* to a CPU that runs */
	await_starts(1);
	G_EQ(STARTED_AT, 0x2300);
	send(APIC_DM_INIT, 1);			/* out of HLT with interrupts off */
	start_at(0x25);
	await_starts(2);
	G_EQ(STARTED_AT, 0x2500);
	guest_done();
}

TEST_SLOW(init_and_sipi, 2)
{
	struct vm *vm = vm_create(VM_IRQCHIP);
	struct vcpu *bsp = vcpu_create(vm, 0), *ap = vcpu_create(vm, 1);

	for (u64 page = 0x20; page <= 0x25; page++)
		memcpy(gpa_ptr(vm, page << 12, 256), ap_start_start,
		       ap_start_end - ap_start_start);
	vcpu_set_long(bsp, guest_starts);
	start_thread(ap);
	vcpu_finish(bsp);
}

/* The boot CPU is whom the VMM says; it is runnable at once, the others wait. */
TEST(boot_cpu)
{
	struct vm *vm = vm_create(VM_IRQCHIP);
	struct kvm_mp_state mp;
	struct kvm_sregs sregs;

	REQUIRE_OK(ioctl(vm->fd, KVM_SET_BOOT_CPU_ID, 2L));
	for (unsigned int i = 0; i < CPUS; i++) {
		struct vcpu *v = vcpu_create(vm, i);

		REQUIRE_OK(ioctl(v->fd, KVM_GET_MP_STATE, &mp));
		CHECK_EQ(mp.mp_state, i == 2 ? KVM_MP_STATE_RUNNABLE :
						  KVM_MP_STATE_UNINITIALIZED);
		vcpu_get_sregs(v, &sregs);
		CHECK_EQ(sregs.apic_base >> 8 & 1, i == 2);
	}
	CHECK_ERRNO(ioctl(vm->fd, KVM_SET_BOOT_CPU_ID, 1L), EBUSY);
}

TEST(mp_state)
{
	static const u32 states[] = {
		KVM_MP_STATE_INIT_RECEIVED, KVM_MP_STATE_HALTED, KVM_MP_STATE_UNINITIALIZED,
		KVM_MP_STATE_RUNNABLE,
	};
	struct vm *vm = vm_create(VM_IRQCHIP);
	struct vcpu *v;
	struct kvm_mp_state mp;

	vcpu_create(vm, 0);
	v = vcpu_create(vm, 1);
	for (size_t i = 0; i < ARRAY_SIZE(states); i++) {
		ktap_row("state %u", states[i]);
		mp.mp_state = states[i];
		CHECK_OK(ioctl(v->fd, KVM_SET_MP_STATE, &mp));
		mp.mp_state = 99;
		CHECK_OK(ioctl(v->fd, KVM_GET_MP_STATE, &mp));
		CHECK_EQ(mp.mp_state, states[i]);
	}
	mp.mp_state = 99;
	CHECK_ERRNO(ioctl(v->fd, KVM_SET_MP_STATE, &mp), EINVAL);
}
