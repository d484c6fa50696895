// SPDX-License-Identifier: GPL-2.0-only
/*
 * What VMs cost the host, and that it gets it back: charged to the memory cgroup of whoever made
 * them, EPT tables given up under pressure by those that rest, all of it free when they are gone.
 * The figures are printed as notes, for the device under test.
 */
#include <pthread.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>

#include "cgroup.h"
#include "files.h"
#include "guest.h"
#include "host.h"
#include "memory.h"
#include "stats.h"
#include "vm.h"

#define WINDOW	0x40000000UL
#define PAGE	4096UL
#define MIB	(1UL << 20)

/* Adds 1 to a word of each page of ARG(1) bytes at ARG(0); ARG(2): until told to stop. */
GUEST_CODE static void guest_touches(void)
{
	do {
		for (u64 at = 0; at < ARG(1); at += PAGE)
			*(volatile u64 *)(ARG(0) + at) += 1;
		ARG(3)++;
		if (!ARG(2))
			guest_sync(1);
	} while (ARG(2) != 2);
	guest_done();
}

static struct vcpu *start(u64 size, u8 **mem)
{
	struct vcpu *v = vcpu_create(vm_create(0), 0);
	volatile struct guest_shared *s = vm_shared(v->vm);

	*mem = mmap(NULL, size, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	REQUIRE(*mem != MAP_FAILED, "mmap: %m");
	madvise(*mem, size, MADV_NOHUGEPAGE);
	vm_set_region(v->vm, 1, 0, WINDOW, size, *mem);
	vcpu_set_long(v, guest_touches);
	s->arg[0] = WINDOW;
	s->arg[1] = size;
	return v;
}

static void *finish(void *vcpu)
{
	vcpu_finish(vcpu);
	return NULL;
}

/* Of two VMs, the one that rests loses its tables, and finds its memory as it was. */
TEST_SLOW(shrinker, 2)
{
	u8 *resting_mem, *busy_mem;
	struct vcpu *resting = start(8 * MIB, &resting_mem), *busy = start(8 * MIB, &busy_mem);
	u64 seen;
	pthread_t thread;

	vcpu_expect_sync(resting, 1);
	CHECK(stat_require(resting->vm->fd, "ept_tables") >= 4, "tables");
	vm_shared(busy->vm)->arg[2] = 1;
	REQUIRE(!pthread_create(&thread, NULL, finish, busy), "pthread_create");
	for (int i = 0; i < 3; i++) {
		seen = vm_shared(busy->vm)->arg[3];
		file_write("/proc/sys/vm/drop_caches", "2");
		usleep(600000);
		while (vm_shared(busy->vm)->arg[3] == seen)	/* it goes on */
			usleep(1000);
	}
	file_write("/proc/sys/vm/drop_caches", "2");
	CHECK_EQ(stat_require(resting->vm->fd, "ept_tables"), 0);
	CHECK_EQ(stat_require(resting->vm->fd, "pages_4k"), 0);
	CHECK(stat_require(busy->vm->fd, "ept_tables") >= 4, "of the busy guest");
	vm_shared(busy->vm)->arg[2] = 2;
	pthread_join(thread, NULL);
	vcpu_expect_sync(resting, 1);
	for (u64 at = 0; at < 8 * MIB; at += PAGE) {
		if (!CHECK_EQ(*(u64 *)(resting_mem + at), 2))
			break;
	}
}

/*
 * Makes VMs with a vCPU each; how much memory the host lost and the cgroup was charged for each.
 * So many that what else comes and goes in the host's memory, a few pages, does not count.
 */
static void charge_vms(int dev, long *host, long *charged)
{
	enum { MOST = 200 };
	int n = host_repetitions(MOST, 40, "VMs");
	long host_before = kernel_memory();
	long before = cgroup_read("charged", "memory.stat", "kernel");
	int vm[MOST], vcpu[MOST];

	for (int i = 0; i < n; i++) {
		vm[i] = REQUIRE_OK(ioctl(dev, KVM_CREATE_VM, 0));
		vcpu[i] = REQUIRE_OK(ioctl(vm[i], KVM_CREATE_VCPU, 0L));
	}
	*host = (kernel_memory() - host_before) * 1024 / n;
	*charged = (long)(cgroup_read("charged", "memory.stat", "kernel") - before) / n;
	for (int i = 0; i < n; i++) {
		close(vcpu[i]);
		close(vm[i]);
	}
}

/* A VM and a vCPU without any memory of the VMM's: what is charged is the kernel's. */
TEST_SLOW(charged_to_the_cgroup, 4)
{
	/*
	 * init_srcu_struct() charges what it allocates to nobody: of each of the two in a VM that
	 * is an object of 512 bytes, and up to 384 bytes for each CPU.
	 */
	long charged, host, share = 95, srcu = 2 * (512 + 384 * get_nprocs_conf());
	int dev = device_open();

	cgroup_make("charged", "max");
	cgroup_enter("charged");
	charge_vms(dev, &host, &charged);	/* what the kernel makes once, it makes here */
	charge_vms(dev, &host, &charged);
	ktap_note("a VM with a vCPU: %ld bytes of the host's memory, %ld of them charged", host,
		  charged);
	/* at the least: VMCS, MSR bitmap, kvm_run, FPU state, EPT root */
	CHECK(charged > 20 * 1024, "%ld bytes in all", charged);
	if (host_has_sanitizers()) {
		ktap_note("each object has records here, which are nobody's: not compared");
		return;
	}
	if (!strcmp(device_path(), "/dev/kvm"))		/* its files in debugfs are nobody's */
		share = 85;
	CHECK(charged + srcu > host / 100 * share, "%ld of %ld bytes", charged, host);
}

/* What a child in a cgroup did: 12, or it was killed for its memory, and not the host. */
static void expect_limited(const char *group, int status, u64 limit)
{
	u64 peak = cgroup_read(group, "memory.peak", "");

	if (WIFSIGNALED(status)) {
		ktap_note("the maker was killed by signal %d", WTERMSIG(status));
		CHECK_EQ(WTERMSIG(status), SIGKILL);
		CHECK_EQ(cgroup_read(group, "memory.events", "oom_kill"), 1);
	} else {
		ktap_note("the maker ended with %d", WEXITSTATUS(status));
		CHECK_EQ(WEXITSTATUS(status), 12);
	}
	CHECK(peak <= limit && peak > limit / 2, "peak %llu", (unsigned long long)peak);
}

/* At the limit VMs are refused or their maker is killed; nobody outside notices. */
TEST_SLOW(the_cgroups_limit_holds, 2)
{
	int dev = device_open(), status = 0;
	pid_t child;

	cgroup_make("limited", "4M");
	child = REQUIRE_OK(fork());
	if (!child) {
		cgroup_enter("limited");
		for (int i = 0; i < 500; i++) {
			int vm = ioctl(dev, KVM_CREATE_VM, 0);

			if (vm < 0 || ioctl(vm, KVM_CREATE_VCPU, 0L) < 0)
				_exit(errno == ENOMEM ? 12 : 1);
		}
		_exit(2);
	}
	REQUIRE_EQ(waitpid(child, &status, 0), child);
	expect_limited("limited", status, 4 * MIB);
}

/* Reads a word of each 2 MiB, so that each read takes a table of the EPT and one of the host. */
GUEST_CODE static void guest_reads_far(void)
{
	u64 sum = 0;

	for (u64 at = 0; at < ARG(1); at += 2 * MIB)
		sum += *(volatile u64 *)(ARG(0) + at);
	ARG(2) = sum;
	guest_done();
}

/* The tables that a guest makes the kernel take are limited likewise, while it runs. */
TEST_SLOW(a_guests_tables_are_limited, 2)
{
	int status = 0;
	pid_t child;

	cgroup_make("tables", "6M");
	child = REQUIRE_OK(fork());
	if (!child) {
		u64 size = 3UL << 30;		/* 12 MiB of tables; the pages are the zero page */
		u8 *mem;
		struct vcpu *v;

		cgroup_enter("tables");
		v = start(size, &mem);
		vcpu_set_long(v, guest_reads_far);
		if (ioctl(v->fd, KVM_RUN, 0) < 0)
			_exit(errno == ENOMEM ? 12 : 1);
		_exit(2);
	}
	REQUIRE_EQ(waitpid(child, &status, 0), child);
	expect_limited("tables", status, 6 * MIB);
}

static void destroy(struct vcpu *v, u8 *mem)
{
	struct vm *vm = v->vm;

	vcpu_destroy(v);
	vm_destroy(vm);
	munmap(mem, 8 * MIB);
}

/*
 * Makes, runs and destroys as many VMs as a byte read from `in` says; answers while the last one
 * lives, waits for another byte, and answers again.
 */
static void make_vms(int in, int out)
{
	u8 n, *mem;

	while (read(in, &n, 1) == 1) {
		for (int i = 0; i < n; i++) {
			struct vcpu *v = start(8 * MIB, &mem);

			vcpu_expect_sync(v, 1);
			if (i == n - 1 && (write(out, &n, 1) != 1 || read(in, &n, 1) != 1))
				return;
			destroy(v, mem);
		}
		if (write(out, &n, 1) != 1)
			return;
	}
}

static const char *const charges[] = {
	"kernel", "slab", "percpu", "vmalloc", "pagetables", "sec_pagetables", "kernel_stack",
};

/*
 * The kernel's own account of a cgroup, in bytes; objects are counted by their size. Each CPU
 * keeps charges back, until a limit is set that is below what is used.
 */
static void read_charges(const char *group, u64 *bytes)
{
	cgroup_write(group, "memory.high", "0");
	cgroup_write(group, "memory.high", "max");
	for (size_t i = 0; i < ARRAY_SIZE(charges); i++)
		bytes[i] = cgroup_read(group, "memory.stat", charges[i]);
}

/* Freeing by RCU comes late: reads until it is no more than it should be, or the time is over. */
static void read_charges_until(const char *group, u64 *bytes, const u64 *want)
{
	for (int i = 0; i < 100; i++) {
		bool more = !want;

		read_charges(group, bytes);
		for (size_t k = 0; want && k < ARRAY_SIZE(charges); k++)
			more |= bytes[k] > want[k];
		if (!more)
			return;
		usleep(20000);
	}
}

/* Have `n` VMs made and destroyed. `bytes`, if not NULL: what is charged with the last of them. */
static void have_made(int to, int from, u8 n, u64 *bytes)
{
	u8 answer = 0;

	REQUIRE_EQ(write(to, &n, 1), 1);
	REQUIRE_EQ(read(from, &answer, 1), 1);
	if (bytes)
		read_charges("hundred", bytes);
	REQUIRE_EQ(write(to, &n, 1), 1);
	REQUIRE_EQ(read(from, &answer, 1), 1);
	REQUIRE_EQ(answer, n);
}

/*
 * A process makes 100 VMs, runs them and destroys them: to the byte, it has no more than before.
 * It may have less: a CPU on which it ran before can have kept the rest of a page for it, which is
 * charged as a whole. Of memory that is not charged, if there is any, the host's free pages speak.
 */
TEST_SLOW(a_hundred_in_a_row, 6)
{
	u64 before[ARRAY_SIZE(charges)], with[ARRAY_SIZE(charges)], after[ARRAY_SIZE(charges)];
	unsigned int n = host_repetitions(100, 16, "VMs");
	long host_before, host_after;
	int to[2], from[2];

	cgroup_make("hundred", "max");
	REQUIRE_OK(pipe(to));
	REQUIRE_OK(pipe(from));
	if (!REQUIRE_OK(fork())) {
		cgroup_enter("hundred");
		close(to[1]);
		make_vms(to[0], from[1]);
		_exit(0);
	}
	have_made(to[1], from[0], n / 5, NULL);	/* what is made once, and kept */
	host_before = kernel_memory();
	read_charges_until("hundred", before, NULL);
	have_made(to[1], from[0], n, with);
	read_charges_until("hundred", after, before);
	host_after = kernel_memory();
	for (size_t i = 0; i < ARRAY_SIZE(charges); i++) {
		ktap_note("%s: %llu bytes before, %llu with one of them, %llu after", charges[i],
			  (unsigned long long)before[i], (unsigned long long)with[i],
			  (unsigned long long)after[i]);
		CHECK(after[i] <= before[i], "%llu bytes more",
		      (unsigned long long)(after[i] - before[i]));
	}
	CHECK(with[0] > before[0] + 20 * 1024, "a VM is not seen");
	ktap_note("the host's kernel: %ld kB before, %ld kB after", host_before, host_after);
	/* a page for each VM would be 400 kB; the allocator's own slabs come and go */
	CHECK(host_after - host_before < 200, "%ld kB more", host_after - host_before);
}

/* The price of one more, idle: by the kernel's memory with 40 of them. */
TEST_SLOW(price, 3)
{
	enum { N = 40 };
	int dev = device_open(), vm[N], vcpu[N], size;
	long base, with_vms, with_vcpus;

	size = REQUIRE_OK(ioctl(dev, KVM_GET_VCPU_MMAP_SIZE, 0));
	close(REQUIRE_OK(ioctl(dev, KVM_CREATE_VM, 0)));
	base = kernel_memory();
	for (int i = 0; i < N; i++)
		vm[i] = REQUIRE_OK(ioctl(dev, KVM_CREATE_VM, 0));
	with_vms = kernel_memory();
	for (int i = 0; i < N; i++)
		vcpu[i] = REQUIRE_OK(ioctl(vm[i], KVM_CREATE_VCPU, 0L));
	with_vcpus = kernel_memory();
	ktap_note("an idle VM: %ld bytes; a vCPU: %ld bytes (mapping of %d bytes included)",
		  (with_vms - base) * 1024 / N, (with_vcpus - with_vms) * 1024 / N, size);
	CHECK(with_vms > base && with_vcpus > with_vms, "%ld %ld %ld kB", base, with_vms,
	      with_vcpus);
	for (int i = 0; i < N; i++) {
		close(vcpu[i]);
		close(vm[i]);
	}
}
