// SPDX-License-Identifier: GPL-2.0-only
/*
 * Whether the counters count at all, on what is known. And the row: the boot of a guest to its user space and its power-off, by the command in BENCH_BOOT; what
 * all CPUs executed for it on the host's side, the launcher included.
 */
#include <sys/wait.h>

#include "bench.h"

#define COUNTER(class, mode)	(CLASS_##class * MODE_COUNT + (mode))
#define EXITS(reason)		(CLASS_COUNT * MODE_COUNT + (reason))

/* 16 exits by CPUID, a bus lock of its own, and nothing else in the guest. */
GUEST_CODE static void guest_known(void)
{
	u32 a, b, c, d;

	G_BATCHES(16, cpuid(0, 0, &a, &b, &c, &d));
	g_begin(BATCHES);
	asm volatile("lock incl %0" : "+m"(ARG(0)));
	g_end(BATCHES);
	guest_done();
}

/* All exits of a batch; a tick of the host may add one of its own. */
static u64 all_exits(const struct row *row, u32 batch)
{
	u64 sum = 0;

	for (u32 reason = 0; reason < MARK_REASONS; reason++)
		sum += bench_counted(row, batch, EXITS(reason));
	return sum;
}

TEST(counters_row)
{
	ROW("counters", 1, 0, "");
	struct vm *vm;
	u32 mine = 0;

	bench_needs_counters();
	vm = vm_create(VM_IRQCHIP);
	bench_pin(0);
	bench_run(bench_vcpu(vm, 0, guest_known));
	CHECK_EQ(bench_counted(&row, BATCHES - 1, EXITS(10)), 16);
	CHECK_EQ(bench_counted(&row, BATCHES - 1, COUNTER(vmentry, MODE_KERNEL)),
		 all_exits(&row, BATCHES - 1));
	CHECK_EQ(bench_counted(&row, BATCHES, COUNTER(locked, MODE_GUEST)), 1);
	CHECK_EQ(!bench_counted(&row, BATCHES, COUNTER(instructions, MODE_KERNEL)),
		 !all_exits(&row, BATCHES));
	h_begin(0);
	for (int i = 0; i < 5; i++)
		asm volatile("lock incl %0" : "+m"(mine));
	h_end(0);
	CHECK_EQ(bench_counted(&row, 0, COUNTER(locked, MODE_USER)), 5);
	CHECK_EQ(bench_counted(&row, 0, COUNTER(locked, MODE_GUEST)), 0);
	CHECK_EQ(bench_counted(&row, 0, EXITS(10)), 0);
}

TEST_SLOW(boot_row, 20)
{
	ROW("boot", 1, ROW_ALL_CPUS | ROW_ONCE, "boot of a stock kernel to user space, and power-off");
	const char *command = getenv("BENCH_BOOT");
	int status = -1;
	pid_t pid;

	if (!command)
		SKIP("no command in BENCH_BOOT");
	h_begin(0);
	pid = fork();
	if (!pid) {
		execl("/bin/sh", "sh", "-c", command, NULL);
		_exit(127);
	}
	waitpid(pid, &status, 0);
	h_end(0);
	REQUIRE_EQ(status, 0);
	bench_report(&row, NULL);
}
