// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests the performance counters of the machine that it runs in: the counts of code whose length
 * is known must be right to the instruction, in user mode by RDPMC and by read(), whatever faults
 * and interrupts come in between; overflows must interrupt; and the registers must refuse what the
 * SDM says is reserved. It stays on the last CPU. How many cycles an instruction takes is the
 * machine's own affair, and not tested.
 *
 * Prints TAP. Needs root, and the module msr for the registers.
 *
 * usage: counters [kvm]    with "kvm": /dev/kvm must offer its guests counters, too
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <linux/perf_event.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PAGE	4096UL
#define PAGES	64UL
#define TURNS	1000000UL
#define PERIOD	100000UL

static int number, failures, cpu;

static bool result(bool good, const char *what)
{
	printf("%sok %d %s\n", good ? "" : "not ", ++number, what);
	failures += !good;
	return good;
}

static void expect(uint64_t got, uint64_t want, const char *what)
{
	if (!result(got == want, what))
		printf("# %lu instead of %lu\n", got, want);
}

enum { USER = 1, KERNEL = 2 };

static int open_event(uint64_t config, int modes, uint64_t period, int leader)
{
	struct perf_event_attr attr = {
		.size = sizeof(attr), .type = PERF_TYPE_HARDWARE, .config = config,
		.disabled = leader < 0, .exclude_user = !(modes & USER),
		.exclude_kernel = !(modes & KERNEL), .exclude_hv = 1,
		.sample_period = period, .sample_type = period ? PERF_SAMPLE_IP : 0,
		.read_format = PERF_FORMAT_GROUP, .wakeup_events = !!period,
	};

	return syscall(SYS_perf_event_open, &attr, 0, -1, leader, 0);
}

/* The event, or the end of the test: without it nothing can be said. */
static int need_event(uint64_t config, int modes, uint64_t period, int leader)
{
	int fd = open_event(config, modes, period, leader);

	if (fd < 0) {
		printf("Bail out! event %lu: %s\n", config, strerror(errno));
		exit(1);
	}
	return fd;
}

static void read_group(int fd, uint64_t *values, unsigned int count)
{
	uint64_t data[8];

	if (read(fd, data, sizeof(data)) < (ssize_t)(8 + 8 * count) || data[0] != count) {
		printf("Bail out! a group of %u events cannot be read\n", count);
		exit(1);
	}
	memcpy(values, data + 1, 8 * count);
}

static __attribute__((noinline)) void turn(void)
{
	uint64_t n = TURNS;

	asm volatile(".globl turn_begin, turn_end\n"
		     "turn_begin: dec %0\n\tjnz turn_begin\nturn_end:" : "+r"(n));
}

extern const char turn_begin[], turn_end[];

/* Two reads of a counter; between them are the body and five instructions more. */
#define READ	"mov %[counter], %%ecx\n\trdpmc\n\tshl $32, %%rdx\n\tor %%rdx, %%rax\n\t"
#define COUNTED(counter_, body, operand) ({						\
	uint64_t first, second;								\
	asm volatile(READ "mov %%rax, %%r8\n\t" body "\n\t" READ "mov %%r8, %[first]"	\
		     : "=&a"(second), [first] "=&r"(first)				\
		     : [counter] "r"(counter_), [memory] "r"(operand)			\
		     : "rcx", "rdx", "r8", "r9", "r11", "rdi", "memory", "cc");		\
	second - first - 5; })

static void *fresh_pages(void)
{
	void *pages = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (pages == MAP_FAILED) {
		printf("Bail out! no memory\n");
		exit(1);
	}
	madvise(pages, PAGES * PAGE, MADV_NOHUGEPAGE);
	return pages;
}

/* What RDPMC says of pieces of code; each stands twice, the second time with its pages there. */
static void test_rdpmc(void)
{
	int fd = need_event(PERF_COUNT_HW_INSTRUCTIONS, USER, 0, -1);
	struct perf_event_mmap_page *page = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
	uint8_t *pages = fresh_pages();
	uint32_t counter;

	ioctl(fd, PERF_EVENT_IOC_ENABLE, 0);
	if (!result(page != MAP_FAILED && page->cap_user_rdpmc && page->index,
		    "RDPMC is allowed in user mode"))
		return;
	counter = page->index - 1;
	result(page->pmc_width == 48, "counters have 48 bits");
	expect(COUNTED(counter, "", 0), 0, "RDPMC: nothing");
	expect(COUNTED(counter, "nop; nop; nop", 0), 3, "RDPMC: three instructions");
	for (int i = 0; i < 2; i++) {
		expect(COUNTED(counter, "mov $64, %%ecx; mov %[memory], %%rdi\n"
			       "1: movb $1, (%%rdi); add $4096, %%rdi; dec %%ecx; jnz 1b", pages),
		       2 + PAGES * 4, i ? "RDPMC: stores" : "RDPMC: stores that fault");
	}
	pages = fresh_pages();
	for (int i = 0; i < 2; i++) {
		expect(COUNTED(counter, "mov $64*4096, %%ecx; mov %[memory], %%rdi; rep stosb",
			       pages),
		       3, i ? "RDPMC: REP STOSB" : "RDPMC: REP STOSB that faults");
	}
	expect(COUNTED(counter, "mov $64*4096, %%ecx; lea 64*4096-1(%[memory]), %%rdi; std;"
		       "rep stosb; cld", pages), 5, "RDPMC: REP STOSB backwards");
	expect(COUNTED(counter, "mov $100, %%r9d\n1: mov $39, %%eax; syscall; dec %%r9d; jnz 1b",
		       0), 1 + 100 * 4, "RDPMC: system calls");
	expect(COUNTED(counter, "mov $10000000, %%r9d\n1: dec %%r9d; jnz 1b", 0), 20000001,
	       "RDPMC: twenty million, with the timer's interrupts");
	close(fd);
}

static sigjmp_buf out;

static void jump_out(int signal)
{
	siglongjmp(out, signal);
}

static bool rdpmc_faults(uint32_t counter)
{
	uint32_t low, high;

	signal(SIGSEGV, jump_out);
	if (sigsetjmp(out, 1))
		return true;
	asm volatile("rdpmc" : "=a"(low), "=d"(high) : "c"(counter));
	return false;
}

/* The same by read(): user and kernel apart and together, in one group. */
static void test_modes(void)
{
	enum { BOTH, ONLY_USER, ONLY_KERNEL, CYCLES, COUNT };
	int leader = need_event(PERF_COUNT_HW_INSTRUCTIONS, USER | KERNEL, 0, -1);
	uint64_t before[COUNT], after[COUNT];
	uint8_t *pages = fresh_pages();

	need_event(PERF_COUNT_HW_INSTRUCTIONS, USER, 0, leader);
	need_event(PERF_COUNT_HW_INSTRUCTIONS, KERNEL, 0, leader);
	need_event(PERF_COUNT_HW_CPU_CYCLES, USER | KERNEL, 0, leader);
	ioctl(leader, PERF_EVENT_IOC_ENABLE, PERF_IOC_FLAG_GROUP);
	read_group(leader, before, COUNT);
	turn();
	for (unsigned int i = 0; i < PAGES; i++)
		pages[i * PAGE] = 1;
	read_group(leader, after, COUNT);
	ioctl(leader, PERF_EVENT_IOC_DISABLE, PERF_IOC_FLAG_GROUP);
	read_group(leader, after, COUNT);
	expect(after[ONLY_USER] + after[ONLY_KERNEL], after[BOTH],
	       "user and kernel together are both");
	result(after[ONLY_USER] > 2 * TURNS && after[ONLY_USER] < 2 * TURNS + 10000,
	       "user mode has the loop");
	result(after[ONLY_KERNEL] > PAGES * 50 && after[ONLY_KERNEL] < TURNS,
	       "the kernel has the faults, and not the loop");
	result(after[CYCLES] >= after[BOTH], "an instruction takes a cycle at least");
	close(leader);
}

static void test_halt(void)
{
	int fd = need_event(PERF_COUNT_HW_REF_CPU_CYCLES, USER | KERNEL, 0, -1);
	uint64_t cycles, tsc;

	ioctl(fd, PERF_EVENT_IOC_ENABLE, 0);
	tsc = __builtin_ia32_rdtsc();
	usleep(200000);
	read_group(fd, &cycles, 1);
	tsc = __builtin_ia32_rdtsc() - tsc;
	if (!result(cycles > 0 && cycles < tsc / 4, "a halted CPU has no cycles"))
		printf("# %lu cycles in %lu ticks\n", cycles, tsc);
	close(fd);
}

static volatile unsigned int signals;

static void count_signal(int signal)
{
	(void)signal;
	signals++;
}

static void test_overflow(uint64_t config, const char *name)
{
	int fd = need_event(config, USER, PERIOD, -1);
	struct perf_event_mmap_page *page = mmap(NULL, 9 * PAGE, PROT_READ | PROT_WRITE,
						 MAP_SHARED, fd, 0);
	unsigned int samples = 0, outside = 0;
	char what[80];

	if (page == MAP_FAILED) {
		result(false, name);
		return;
	}
	signals = 0;
	signal(SIGIO, count_signal);
	fcntl(fd, F_SETFL, O_ASYNC);
	fcntl(fd, F_SETOWN, getpid());
	ioctl(fd, PERF_EVENT_IOC_ENABLE, 0);
	turn();
	ioctl(fd, PERF_EVENT_IOC_DISABLE, 0);
	for (uint64_t at = page->data_tail; at < page->data_head;) {
		struct perf_event_header *head = (void *)((char *)page + PAGE + at % (8 * PAGE));
		uint64_t ip = *(uint64_t *)(head + 1);

		if (head->type == PERF_RECORD_SAMPLE) {
			samples++;
			outside += ip < (uintptr_t)turn_begin || ip >= (uintptr_t)turn_end;
		}
		at += head->size;
	}
	snprintf(what, sizeof(what), "%s: an interrupt for each %lu", name, PERIOD);
	expect(samples, 2 * TURNS / PERIOD, what);
	snprintf(what, sizeof(what), "%s: a signal for each", name);
	expect(signals, samples, what);
	snprintf(what, sizeof(what), "%s: they came in the loop", name);
	expect(outside, 0, what);
	munmap(page, 9 * PAGE);
	close(fd);
}

/* Each value is written; it is refused with #GP, or reads back as "want". */
static const struct {
	uint32_t index;
	uint64_t value, want;
	bool refused;
	const char *what;
} registers[] = {
	{ 0x0c2, 0x80000000, 0xffff80000000, false, "IA32_PMC1: 32 bits, extended" },
	{ 0x0c2, 0x7fffffff, 0x7fffffff, false, "IA32_PMC1: 32 bits" },
	{ 0x4c2, 1ULL << 47, 1ULL << 47, false, "IA32_A_PMC1: 48 bits" },
	{ 0x4c2, 1ULL << 48, 0, true, "IA32_A_PMC1: bit 48" },
	{ 0x187, 0x0053003c, 0x0053003c, false, "IA32_PERFEVTSEL1" },
	{ 0x187, 1 << 21, 0, true, "IA32_PERFEVTSEL1: AnyThread" },
	{ 0x187, 1ULL << 32, 0, true, "IA32_PERFEVTSEL1: bit 32" },
	{ 0x187, 0, 0, false, "IA32_PERFEVTSEL1: off" },
	{ 0x30b, 1ULL << 47, 1ULL << 47, false, "IA32_FIXED_CTR2: 48 bits" },
	{ 0x30b, 1ULL << 48, 0, true, "IA32_FIXED_CTR2: bit 48" },
	{ 0x38d, 1 << 2, 0, true, "IA32_FIXED_CTR_CTRL: AnyThread" },
	{ 0x38d, 1 << 12, 0, true, "IA32_FIXED_CTR_CTRL: a fourth counter" },
	{ 0x38e, 0, 0, true, "IA32_PERF_GLOBAL_STATUS: read only" },
	{ 0x38f, 1 << 4, 0, true, "IA32_PERF_GLOBAL_CTRL: a fifth counter" },
	{ 0x38f, 1ULL << 35, 0, true, "IA32_PERF_GLOBAL_CTRL: a fourth fixed counter" },
	{ 0x390, 1 << 4, 0, true, "IA32_PERF_GLOBAL_OVF_CTRL: a fifth counter" },
	{ 0x390, 0xc00000070000000f, 0, false, "IA32_PERF_GLOBAL_OVF_CTRL" },
	{ 0x345, 0x2000, 0, true, "IA32_PERF_CAPABILITIES: read only" },
};

static void test_registers(void)
{
	char name[40];
	int fd;

	snprintf(name, sizeof(name), "/dev/cpu/%d/msr", cpu);
	fd = open(name, O_RDWR);
	if (!result(fd >= 0, "the registers can be reached"))
		return;
	for (unsigned int i = 0; i < sizeof(registers) / sizeof(*registers); i++) {
		uint64_t value = registers[i].value;
		bool refused = pwrite(fd, &value, 8, registers[i].index) != 8;

		if (!refused && !registers[i].refused &&
		    pread(fd, &value, 8, registers[i].index) == 8)
			expect(value, registers[i].want, registers[i].what);
		else
			result(refused && registers[i].refused, registers[i].what);
	}
	close(fd);
}

/* The leaf of performance monitoring that KVM offers. */
static void test_kvm(void)
{
	static struct {
		struct kvm_cpuid2 head;
		struct kvm_cpuid_entry2 entries[256];
	} list = { .head.nent = 256 };
	int fd = open("/dev/kvm", O_RDWR);
	uint32_t eax = 0;

	if (!result(fd >= 0 && !ioctl(fd, KVM_GET_SUPPORTED_CPUID, &list), "KVM's CPUID list"))
		return;
	for (unsigned int i = 0; i < list.head.nent; i++) {
		if (list.entries[i].function == 0xa)
			eax = list.entries[i].eax;
	}
	expect(eax & 0xffffff, 0x300402, "KVM offers version 2, four counters of 48 bits");
	close(fd);
}

static void stay_on_last_cpu(void)
{
	cpu_set_t set;

	cpu = sysconf(_SC_NPROCESSORS_ONLN) - 1;
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set)) {
		printf("Bail out! CPU %d: %s\n", cpu, strerror(errno));
		exit(1);
	}
}

int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	stay_on_last_cpu();
	test_registers();
	test_rdpmc();
	result(rdpmc_faults(4), "RDPMC: no fifth counter");
	result(rdpmc_faults(1 << 30 | 3), "RDPMC: no fourth fixed counter");
	test_modes();
	test_halt();
	test_overflow(PERF_COUNT_HW_INSTRUCTIONS, "instructions");
	test_overflow(PERF_COUNT_HW_CPU_CYCLES, "cycles");
	result(open_event(PERF_COUNT_HW_BRANCH_INSTRUCTIONS, USER, 0, -1) < 0,
	       "branches are not said to be counted");
	if (argc > 1 && !strcmp(argv[1], "kvm"))
		test_kvm();
	printf("1..%d\n", number);
	return failures != 0;
}
