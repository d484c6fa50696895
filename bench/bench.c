// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the rows share: marks on the host's side, the run loop, and the line that reports a row.
 *
 * The batch that is reported is the one in which the host executed least: a tick of the host or
 * the first use of something makes a batch dearer, nothing makes one cheaper. With BENCH_TRACE=N
 * in the environment the emulator records the Nth batch instruction by instruction, and the record
 * is printed behind the row.
 */
#include "bench.h"

static u64 times[MARK_SLOTS];

bool bench_counts(void)
{
	static int known = -1;
	u32 a = MARK_LEAF, b, c = MARK_PRESENT, d;

	if (known < 0) {
		cpuid(MARK_LEAF, MARK_PRESENT, &a, &b, &c, &d);
		known = a == MARK_LEAF && b == MARK_VERSION;
	}
	return known;
}

void bench_needs_counters(void)
{
	if (!bench_counts())
		SKIP("this row needs the emulator's counters: its operations wait");
}

void bench_needs_cpus(int cpus)
{
	if (sysconf(_SC_NPROCESSORS_ONLN) < cpus)
		SKIP("this row needs %d CPUs", cpus);
}

/* The number of the batch that is recorded, from 1; 0 for none. */
static u32 traced_batch(void)
{
	static int known = -1;
	const char *text = getenv("BENCH_TRACE");

	if (known < 0)
		known = text && bench_counts() ? atoi(text) : 0;
	return known;
}

static void h_mark(u32 slot)
{
	if (bench_counts())
		mark_call(MARK_SNAPSHOT, slot, 0);
	else
		times[slot] = rdtsc();
}

void h_begin(u32 batch)
{
	h_mark(2 * batch);
	if (traced_batch() == batch + 1)
		mark_call(MARK_TRACE_ON, 0, 0);
}

void h_end(u32 batch)
{
	if (traced_batch() == batch + 1)
		mark_call(MARK_TRACE_OFF, 0, 0);
	h_mark(2 * batch + 1);
}

void bench_pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	REQUIRE_OK(sched_setaffinity(0, sizeof(set), &set));
}

/* KVM leaves it to user space to offer the deadline timer, and then does not arm it unoffered. */
static void offer_deadline(struct vcpu *v)
{
	struct kvm_cpuid_entry2 *e;
	struct cpuid c;

	cpuid_supported(v->vm->dev, &c);
	e = cpuid_find(&c, 1, 0);
	REQUIRE(e, "no leaf 1");
	e->ebx = (e->ebx & 0x00ffffff) | v->id << 24;
	if (device_cap(v->vm->dev, KVM_CAP_TSC_DEADLINE_TIMER))
		e->ecx |= CPUID1_ECX_TSC_DEADLINE;
	for (u32 i = 0; i < c.head.nent; i++) {
		if (c.entry[i].function == 0xb || c.entry[i].function == 0x1f)
			c.entry[i].edx = v->id;
	}
	REQUIRE_OK(ioctl(v->fd, KVM_SET_CPUID2, &c.head));
}

/* A vCPU that can start at once, on the guest function. */
struct vcpu *bench_vcpu(struct vm *vm, unsigned int id, void (*fn)(void))
{
	struct kvm_mp_state runnable = { KVM_MP_STATE_RUNNABLE };
	volatile struct guest_shared *s = vm_shared(vm);
	struct vcpu *v = vcpu_create(vm, id);

	offer_deadline(v);
	vcpu_set_long(v, fn);
	REQUIRE_OK(ioctl(v->fd, KVM_SET_MP_STATE, &runnable));
	s->arg[14] = bench_counts();
	s->arg[13] = traced_batch();
	return v;
}

/* Until the guest says that it is done; every other access of its to user space is answered 0. */
void bench_run(struct vcpu *v)
{
	struct kvm_run *run = v->run;

	while (!ioctl(v->fd, KVM_RUN, 0)) {
		if (run->exit_reason == KVM_EXIT_MMIO)
			continue;
		if (run->exit_reason != KVM_EXIT_IO)
			break;
		if (run->io.port == PORT_FREE)
			continue;
		if (run->io.port == PORT_DONE)
			return;
		break;
	}
	ktap_failed(__FILE__, __LINE__, "KVM_RUN: errno %d, exit %s", errno,
		    exit_name(run->exit_reason));
	vcpu_dump(v);
	ktap_end_test();
}

/* The most frequent kind of row: one vCPU, all in guest code. */
void bench_guest(const struct row *row, void (*fn)(void))
{
	struct vm *vm = vm_create(VM_IRQCHIP);

	bench_pin(0);
	bench_run(bench_vcpu(vm, 0, fn));
	bench_report(row, vm);
}

/* What counter n was between the two marks of a batch, on the CPUs that the row is about. */
static u64 counted(const struct row *row, u32 batch, u32 n)
{
	u64 cpus = row->flags & ROW_ALL_CPUS ? mark_call(MARK_PRESENT, 0, 0).d : 1;
	u64 sum = 0;

	for (u64 cpu = 0; cpu < cpus; cpu++)
		sum += mark_call(MARK_READ, 2 * batch + 1, cpu << 32 | n).b -
		       mark_call(MARK_READ, 2 * batch, cpu << 32 | n).b;
	return sum;
}

static u64 host_instructions(const struct row *row, u32 batch)
{
	u64 sum = counted(row, batch, CLASS_instructions * MODE_COUNT + MODE_KERNEL);

	if (!(row->flags & ROW_NO_USER))
		sum += counted(row, batch, CLASS_instructions * MODE_COUNT + MODE_USER);
	return sum;
}

/* The cheapest of the row's batches, and its price. */
static u32 cheapest(const struct row *row, u32 first, u64 *least)
{
	u32 best = first;

	*least = ~0ULL;
	for (u32 batch = first; batch < first + (row->flags & ROW_ONCE ? 1 : BATCHES); batch++) {
		u64 n = bench_counts() ? host_instructions(row, batch) :
					 times[2 * batch + 1] - times[2 * batch];

		if (n < *least) {
			*least = n;
			best = batch;
		}
	}
	return best;
}

#define CLASS_NAME(name)	#name,
static const char *const class_names[] = { MARK_CLASSES(CLASS_NAME) };

static void print_counters(const struct row *row, u32 batch)
{
	const char *comma = "";

	printf(", \"classes\": {");
	for (u32 c = 0; c < CLASS_COUNT; c++) {
		u64 n[MODE_COUNT];

		for (u32 mode = 0; mode < MODE_COUNT; mode++)
			n[mode] = counted(row, batch, c * MODE_COUNT + mode);
		if (!n[MODE_GUEST] && !n[MODE_KERNEL] && !n[MODE_USER])
			continue;
		printf("%s\"%s\": [%llu, %llu, %llu]", comma, class_names[c],
		       (unsigned long long)n[MODE_GUEST], (unsigned long long)n[MODE_KERNEL],
		       (unsigned long long)n[MODE_USER]);
		comma = ", ";
	}
	printf("}, \"exits\": {");
	comma = "";
	for (u32 reason = 0; reason < MARK_REASONS; reason++) {
		u64 n = counted(row, batch, CLASS_COUNT * MODE_COUNT + reason);

		if (n)
			printf("%s\"%u\": %llu", comma, reason, (unsigned long long)n);
		if (n)
			comma = ", ";
	}
	printf("}");
}

static void print_trace(const char *name)
{
	static const char *const modes[] = { "guest", "kernel", "user" };
	u64 count = mark_call(MARK_TRACE_OFF, 0, 0).b;

	for (u64 i = 0; i < count; i++) {
		struct answer step = mark_call(MARK_TRACE_READ, i, 0);

		printf("trace %s %s %llx\n", name, modes[step.d % 3], (unsigned long long)step.b);
	}
}

/*
 * vm is the one whose guest set the marks, or NULL. With ROW_CONTROL, batches from BATCHES on are
 * the control's.
 */
void bench_report(const struct row *row, struct vm *vm)
{
	u64 least, control = 0;
	u32 best;

	if (vm && !bench_counts())
		memcpy(times, gpa_ptr(vm, (u64)TIMES, sizeof(times)), sizeof(times));
	best = cheapest(row, 0, &least);
	if (row->flags & ROW_CONTROL)
		cheapest(row, BATCHES, &control);
	printf("bench: {\"row\": \"%s\", \"per\": \"%s\", \"unit\": \"%s\", \"ops\": %u, \"cost\": %lld",
	       row->name, row->per, bench_counts() ? "instructions" : "cycles", row->ops,
	       (long long)(least - control));
	if (control)
		printf(", \"control\": %llu", (unsigned long long)control);
	if (bench_counts())
		print_counters(row, best);
	printf("}\n");
	if (traced_batch())
		print_trace(row->name);
}

void bench_report_value(const char *name, const char *unit, long value)
{
	printf("bench: {\"row\": \"%s\", \"per\": \"%s\", \"unit\": \"bytes\", \"ops\": 1, \"cost\": %ld}\n",
	       name, unit, value);
}

/* Populated memory, in pages of 4 KiB or, where the kernel gives them, of 2 MiB. */
void *bench_memory(size_t size, bool huge)
{
	const size_t align = 2UL << 20;
	u8 *mem = mmap(NULL, size + align, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		       0);

	REQUIRE(mem != MAP_FAILED, "mmap: %m");
	mem = (u8 *)(((u64)mem + align - 1) & ~(align - 1));
	REQUIRE_OK(madvise(mem, size, huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE));
	memset(mem, 1, size);
	return mem;
}
