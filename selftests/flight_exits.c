// SPDX-License-Identifier: GPL-2.0-only
/*
 * The exit recorder of a living VM: what it says of each kind of exit, in which order, that the
 * last 256 are there, that a reader meets whole entries while the vCPU runs, and that the
 * histograms count every exit once.
 */
#include <pthread.h>
#include <sys/mman.h>

#include "flight.h"
#include "guest.h"
#include "stats.h"

#define NOWHERE	0x0f000000UL	/* no memory there */
#define FRESH	0x40000000UL	/* pages that the guest has not touched */

static struct vcpu *start(void (*fn)(void), u64 *number)
{
	struct vm *vm = vm_create(0);
	struct vcpu *v;

	require_flight(vm->dev);
	*number = vm_number(vm->dev, getpid(), NULL);
	REQUIRE(*number, "the VM is not listed");
	v = vcpu_create(vm, 0);
	vcpu_set_long(v, fn);
	return v;
}

/* Where each instruction stands goes to ARG(1) and on. */
#define AT(n, insn, ...)								\
	asm volatile("lea 771f(%%rip), %%r8; mov %%r8, %c[to]; 771: " insn		\
		     :: [to] "i"(GPA_SHARED + offsetof(struct guest_shared, arg[n])), __VA_ARGS__ \
		     : "rbx", "r8", "memory", "cc")

GUEST_CODE static void guest_kinds(void)
{
	u64 a = 0x80000000, c = MSR_MISC_ENABLE, d = 0;

	asm volatile("lea 771f(%%rip), %%r8; mov %%r8, %c[to]; 771: cpuid"
		     : "+a"(a), "+c"(d)
		     : [to] "i"(GPA_SHARED + offsetof(struct guest_shared, arg[1]))
		     : "rbx", "rdx", "r8", "memory");
	asm volatile("lea 771f(%%rip), %%r8; mov %%r8, %c[to]; 771: rdmsr"
		     : "=a"(a), "=d"(d)
		     : "c"(c), [to] "i"(GPA_SHARED + offsetof(struct guest_shared, arg[2]))
		     : "r8", "memory");
	AT(3, "wrmsr", "a"(0), "d"(0), "c"(MSR_BIOS_SIGN_ID));
	a = 0x7fff0001;
	asm volatile("lea 771f(%%rip), %%r8; mov %%r8, %c[to]; 771: vmcall"
		     : "+a"(a)
		     : [to] "i"(GPA_SHARED + offsetof(struct guest_shared, arg[4]))
		     : "r8", "memory");
	AT(5, "movl $1, (%[p])", [p] "r"(NOWHERE));
	AT(6, "outl %%eax, %%dx", "a"(7), "d"(PORT_SYNC));
	guest_done();
}

static void check_kinds(struct vcpu *v, const struct flight *f)
{
	static const struct {
		u32 reason, result, detail;
		u64 qualification, gpa;
	} want[] = {
		{ REASON_CPUID, LINTEL_FLIGHT_SHORT, 0, 0x80000000, 0 },
		{ REASON_RDMSR, LINTEL_FLIGHT_SHORT, 0, MSR_MISC_ENABLE, 0 },
		{ REASON_WRMSR, LINTEL_FLIGHT_SHORT, 0, MSR_BIOS_SIGN_ID, 0 },
		{ REASON_VMCALL, LINTEL_FLIGHT_SHORT, 0, 0x7fff0001, 0 },
		{ REASON_EPT_VIOLATION, LINTEL_FLIGHT_USER, KVM_EXIT_MMIO, ~0UL, NOWHERE },
		{ REASON_IO, LINTEL_FLIGHT_USER, KVM_EXIT_IO, PORT_SYNC << 16 | 3, 0 },
	};

	for (u32 i = 0; i < ARRAY_SIZE(want); i++) {
		const struct lintel_flight_exit *e = flight_last(f, want[i].reason);

		ktap_row("reason %u", want[i].reason);
		REQUIRE(e, "it is not there");
		CHECK_EQ(e->rip, vm_shared(v->vm)->arg[i + 1]);
		if (want[i].qualification != ~0UL)
			CHECK_EQ(e->qualification, want[i].qualification);
		CHECK_EQ(e->gpa, want[i].gpa);
		/* a tracer that watches exits, or an open debugger, makes short ones long */
		CHECK_EQ(e->result, want[i].result);
		CHECK_EQ(e->detail, want[i].detail);
	}
}

static void check_order(const struct flight *f)
{
	const struct lintel_flight_exit *e = f->exit;

	for (u32 i = 0; i < f->head.nr; i++) {
		bool last = i + 1 == f->head.nr;

		CHECK_EQ(e[i].number, f->head.count - f->head.nr + 1 + i);
		CHECK(last ? !e[i].resumed : e[i].resumed > e[i].out, "exit %u of %u: %llx .. %llx",
		      i, f->head.nr, e[i].out, e[i].resumed);
		CHECK(last || e[i + 1].out > e[i].resumed, "exit %u", i);
	}
	CHECK(f->head.tsc > e[f->head.nr - 1].out, "the time of reading is too early");
}

TEST(kinds_of_exits)
{
	struct flight f;
	u64 number;
	struct vcpu *v = start(guest_kinds, &number);

	REQUIRE_EQ(vcpu_run(v), KVM_EXIT_MMIO);
	vcpu_expect_sync(v, 7);
	REQUIRE_OK(flight_get(v->vm->dev, number, 0, &f));
	CHECK_EQ(f.head.vcpu_id, 0);
	CHECK_EQ(f.head.flags, 0);
	CHECK_EQ(f.head.count, f.head.nr);
	CHECK(f.head.tsc_khz, "no frequency");
	check_kinds(v, &f);
	check_order(&f);
}

GUEST_CODE static void guest_touches(void)
{
	AT(1, "movl $1, (%[p])", [p] "r"(FRESH));
	AT(2, "movl $1, (%[p])", [p] "r"(FRESH + 4096));
	guest_sync(7);
}

/* One page the host has, the other it has not: what is recorded of both is the same. */
TEST(faults_of_pages)
{
	struct flight f;
	u64 number, faults, exits;
	struct vcpu *v = start(guest_touches, &number);
	u8 *mem = mmap(NULL, 2 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	u32 found = 0;

	REQUIRE(mem != MAP_FAILED, "mmap: %m");
	mem[0] = 1;
	vm_set_region(v->vm, 1, 0, FRESH, 2 * 4096, mem);
	vcpu_expect_sync(v, 7);
	REQUIRE_OK(flight_get(v->vm->dev, number, 0, &f));
	check_order(&f);
	faults = stat_require(v->fd, "ept_faults");
	exits = stat_require(v->fd, "exits_ept_violation");
	CHECK_EQ(faults, exits);
	for (u32 i = 0; i < f.head.nr; i++) {
		const struct lintel_flight_exit *e = &f.exit[i];

		if (e->reason != REASON_EPT_VIOLATION || e->gpa < FRESH)
			continue;
		ktap_row("page %u", found);
		CHECK_EQ(e->gpa, FRESH + found * 4096);
		found++;
		CHECK_EQ(e->rip, vm_shared(v->vm)->arg[found]);
		CHECK_EQ(e->qualification & 7, 2);
		CHECK_EQ(e->result, LINTEL_FLIGHT_RESUMED);
		CHECK_EQ(e->detail, 0);
		CHECK_EQ(e->intr_info, 0);
	}
	CHECK_EQ(found, 2);
}

/* CPUID with a leaf that counts; the loop ends when the test says so. */
GUEST_CODE static void guest_counts(void)
{
	u32 a, b, c, d;

	for (u32 i = 0; i < ARG(0) && !ARG(1); i++)
		cpuid(i, 0, &a, &b, &c, &d);
	guest_sync(1);
	guest_done();
}

TEST(last_256)
{
	struct lintel_flight_exit few[10];
	struct flight f, g;
	u64 number;
	struct vcpu *v = start(guest_counts, &number);

	vm_shared(v->vm)->arg[0] = 1000;
	vcpu_expect_sync(v, 1);
	REQUIRE_OK(flight_get(v->vm->dev, number, 0, &f));
	CHECK_EQ(f.head.nr, LINTEL_FLIGHT_EXITS);
	CHECK(f.head.count >= 1001, "%llu exits", f.head.count);
	check_order(&f);
	CHECK_EQ(f.exit[255].reason, REASON_IO);
	CHECK_EQ(flight_last(&f, REASON_CPUID)->qualification, 999);

	/* room for less: the newest */
	memset(&g, 0, sizeof(g));
	g.head.vm = number;
	g.head.exits = (u64)few;
	g.head.nr = ARRAY_SIZE(few);
	REQUIRE_OK(ioctl(v->vm->dev, LINTEL_GET_FLIGHT, &g.head));
	CHECK_EQ(g.head.nr, ARRAY_SIZE(few));
	CHECK(!memcmp(few, &f.exit[246], sizeof(few)), "they are not the last ten");
}

static void *runner(void *arg)
{
	struct vcpu *v = arg;

	vcpu_expect_sync(v, 1);
	return NULL;
}

/* Leaves of consecutive CPUIDs are consecutive, whenever one looks. */
static u32 check_leaves(const struct flight *f)
{
	u32 seen = 0;

	for (u32 i = 1; i < f->head.nr; i++) {
		const struct lintel_flight_exit *a = &f->exit[i - 1], *b = &f->exit[i];

		CHECK_EQ(b->number, a->number + 1);
		CHECK(a->resumed > a->out && b->out > a->resumed, "times of exit %llu", a->number);
		if (a->reason != REASON_CPUID || b->reason != REASON_CPUID)
			continue;
		CHECK_EQ(b->qualification, a->qualification + 1);
		CHECK_EQ(b->rip, a->rip);
		seen++;
	}
	return seen;
}

TEST_SLOW(read_while_it_runs, 3)
{
	struct flight f;
	pthread_t thread;
	u64 number, seen = 0, last = 0, moved = 0;
	struct vcpu *v = start(guest_counts, &number);

	vm_shared(v->vm)->arg[0] = ~0U;
	REQUIRE_EQ(pthread_create(&thread, NULL, runner, v), 0);
	for (int i = 0; i < 300 && !ktap_any_failure(); i++) {
		REQUIRE_OK(flight_get(v->vm->dev, number, 0, &f));
		seen += check_leaves(&f);
		moved += f.head.count != last;
		last = f.head.count;
		usleep(100);
	}
	vm_shared(v->vm)->arg[1] = 1;
	pthread_join(thread, NULL);
	CHECK(moved > 20, "only %llu looks at a vCPU that had moved", (unsigned long long)moved);
	CHECK(seen > 1000, "only %llu pairs seen", (unsigned long long)seen);
}

TEST(error_of_kvm_run)
{
	struct flight f;
	u64 number;
	struct vcpu *v = start(guest_counts, &number);
	struct kvm_userspace_memory_region hole = {
		.slot = 5, .guest_phys_addr = NOWHERE, .memory_size = 4096,
		.userspace_addr = (u64)mmap(NULL, 4096, PROT_READ | PROT_WRITE,
					    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
	};
	struct kvm_sregs sregs;

	REQUIRE_OK(ioctl(v->vm->fd, KVM_SET_USER_MEMORY_REGION, &hole));
	munmap((void *)hole.userspace_addr, 4096);
	vcpu_set_long(v, guest_kinds);
	CHECK_ERRNO(ioctl(v->fd, KVM_RUN, 0), EFAULT);
	REQUIRE_OK(flight_get(v->vm->dev, number, 0, &f));
	CHECK_EQ(f.exit[f.head.nr - 1].result, LINTEL_FLIGHT_ERROR);
	CHECK_EQ(f.exit[f.head.nr - 1].detail, EFAULT);
	CHECK_EQ(f.exit[f.head.nr - 1].gpa, NOWHERE);

	/* nothing was entered since: the record stays */
	v->run->immediate_exit = 1;
	CHECK_ERRNO(ioctl(v->fd, KVM_RUN, 0), EINTR);
	v->run->immediate_exit = 0;
	REQUIRE_OK(flight_get(v->vm->dev, number, 0, &f));
	CHECK_EQ(f.exit[f.head.nr - 1].detail, EFAULT);

	/* an entry that the CPU refuses is an exit with bit 31 */
	vcpu_get_sregs(v, &sregs);
	sregs.tr.type = 3;
	vcpu_set_sregs(v, &sregs);
	REQUIRE_EQ(vcpu_run(v), KVM_EXIT_FAIL_ENTRY);
	REQUIRE_OK(flight_get(v->vm->dev, number, 0, &f));
	CHECK_EQ(f.exit[f.head.nr - 1].reason, 0x80000021);
	CHECK_EQ(f.exit[f.head.nr - 1].result, LINTEL_FLIGHT_USER);
	CHECK_EQ(f.exit[f.head.nr - 1].detail, KVM_EXIT_FAIL_ENTRY);
}

/* Each exit that was followed by an entry is in its reason's histogram, once. */
TEST(histograms)
{
	static const char *const reasons[] = { "cpuid", "io_instruction", "msr_read", "hlt",
					       "external_interrupt", "ept_violation" };
	u64 number, exits, timed = 0;
	struct vcpu *v = start(guest_counts, &number);
	struct lintel_vm_stats which = { .vm = number };
	int fd;

	vm_shared(v->vm)->arg[0] = 5000;
	vcpu_expect_sync(v, 1);
	for (size_t i = 0; i < ARRAY_SIZE(reasons); i++) {
		char name[64];

		ktap_row("%s", reasons[i]);
		snprintf(name, sizeof(name), "exits_%s", reasons[i]);
		exits = stat_require(v->fd, name);
		snprintf(name, sizeof(name), "latency_%s", reasons[i]);
		timed = stat_require(v->fd, name);
		/* it stands in user space behind one that has not been followed */
		CHECK_EQ(timed, exits - (i == 1));
	}
	CHECK(stat_read(v->fd, "exits_cpuid") >= 5000, "fewer CPUIDs than were executed");
	CHECK_EQ(stat_read(v->vm->fd, "latency_cpuid"), stat_read(v->fd, "latency_cpuid"));

	/* the same file for others */
	fd = REQUIRE_OK(ioctl(v->vm->dev, LINTEL_GET_STATS_FD, &which));
	CHECK_EQ(stat_of(fd, "exits_cpuid"), stat_read(v->fd, "exits_cpuid"));
	close(fd);
	which.vcpu = LINTEL_ALL_VCPUS;
	fd = REQUIRE_OK(ioctl(v->vm->dev, LINTEL_GET_STATS_FD, &which));
	CHECK_EQ(stat_of(fd, "vcpus"), 1);
	close(fd);
}
