// SPDX-License-Identifier: GPL-2.0-only
/*
 * How long Lintel holds kvm_intel: from the first VM till kvm_linger_ms after the last one. Whether
 * it does is asked by unloading kvm_intel, which is loaded again at once. Needs root, a loaded
 * kvm_intel that nothing else uses, and the files of both modules.
 */
#include <fcntl.h>
#include <pthread.h>
#include <time.h>

#include "files.h"
#include "host.h"
#include "module.h"
#include "vm.h"

#define LINGER		"/sys/module/lintel/parameters/kvm_linger_ms"
#define USUAL_MS	1000
#define LONGEST_MS	"3600000"
#define TIMES		8

RM_CODE(just_hlt, "hlt");

static u64 now_ms(void)
{
	return host_ns(CLOCK_MONOTONIC) / 1000000;
}

static void need_kvm_beside(void)
{
	if (strcmp(module_name(), "lintel"))
		SKIP("%s holds no other module", module_name());
	module_needed();
	if (!module_loaded("kvm_intel"))
		SKIP("kvm_intel is not loaded");
	if (access(kvm_intel_file(), R_OK))
		SKIP("%s: %m", kvm_intel_file());
	file_write(LINGER, "0");
	if (module_references("kvm_intel"))
		SKIP("kvm_intel is in use by something else");
}

static bool kvm_unloads(void)
{
	if (!module_unload("kvm_intel"))
		return true;
	REQUIRE(errno == EWOULDBLOCK, "errno %d", errno);
	CHECK(module_loaded("kvm_intel"), "refused, and gone");
	return false;
}

static void load_kvm(void)
{
	REQUIRE(!module_load(kvm_intel_file(), ""), "loading %s: %m", kvm_intel_file());
}

/* A VM that has been, and of which nothing is left. */
static void vm_comes_and_goes(void)
{
	module_works();
	REQUIRE(module_references_settle(0, 5000), "references: %d",
		module_references(module_name()));
}

TEST(lingers_by_default)
{
	u64 start, took;

	need_kvm_beside();
	REQUIRE(!module_unload(module_name()), "%m");
	module_reload();
	CHECK_EQ(file_number(LINGER, ""), USUAL_MS);
	for (int try = 0;; try++) {
		REQUIRE(try < 10, "never fast enough to see it linger");
		start = now_ms();
		vm_comes_and_goes();
		if (!kvm_unloads())
			break;
		took = now_ms() - start;
		load_kvm();
		REQUIRE(took >= USUAL_MS, "given up after less than %lu ms", took);
	}
	ktap_row("0 is written");
	file_write(LINGER, "0");
	REQUIRE(kvm_unloads(), "%m");
	load_kvm();
	file_write(LINGER, "1000");
	vm_comes_and_goes();
}

TEST(values)
{
	static const struct { const char *text; bool good; } rows[] = {
		{ "-1", false }, { "3600001", false }, { "4294967296", false }, { "x", false },
		{ "", false }, { "1 s", false },
		{ "0", true }, { LONGEST_MS, true }, { "1000", true },
	};
	u64 value;

	if (strcmp(module_name(), "lintel") || access(LINGER, W_OK))
		SKIP("no %s, or not root", LINGER);
	value = file_number(LINGER, "");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		int fd = REQUIRE_OK(open(LINGER, O_WRONLY | O_CLOEXEC));
		/* with its end: an empty write would not reach the module */
		ssize_t len = strlen(rows[i].text) + 1, r = write(fd, rows[i].text, len);
		int err = errno;

		close(fd);
		ktap_row("\"%s\"", rows[i].text);
		if (rows[i].good)
			value = strtoull(rows[i].text, NULL, 10);
		CHECK(rows[i].good ? r == len : r == -1 && (err == EINVAL || err == ERANGE),
		      "returned %zd, errno %d", r, err);
		CHECK_EQ(file_number(LINGER, ""), value);
	}
}

TEST(zero_is_at_once)
{
	struct vm *vm;
	struct vcpu *v;

	need_kvm_beside();
	vm_comes_and_goes();
	REQUIRE(kvm_unloads(), "%m");
	load_kvm();
	vm = vm_create(0);
	v = vcpu_create(vm, 0);
	vcpu_set_real(v, CODE(just_hlt));
	ktap_row("0 is written while a VM is there");
	file_write(LINGER, "0");
	CHECK(!kvm_unloads(), "under a VM");
	vcpu_expect(v, KVM_EXIT_HLT);
	vcpu_destroy(v);
	vm_destroy(vm);
	REQUIRE(module_references_settle(0, 5000), "references: %d",
		module_references(module_name()));
	REQUIRE(kvm_unloads(), "%m");
	load_kvm();
	file_write(LINGER, "1000");
}

/* What was to end the hold finds a VM again; after that one it takes its time anew. */
TEST(a_vm_takes_it_over)
{
	static const u64 linger_ms = 400;
	struct vm *vm;
	struct vcpu *v;
	u64 start;

	need_kvm_beside();
	file_write(LINGER, "400");
	vm_comes_and_goes();
	vm = vm_create(0);
	v = vcpu_create(vm, 0);
	vcpu_set_real(v, CODE(just_hlt));
	usleep(3 * linger_ms * 1000);
	CHECK(!kvm_unloads(), "under a VM");
	vcpu_expect(v, KVM_EXIT_HLT);
	vcpu_destroy(v);
	start = now_ms();
	vm_destroy(vm);
	while (!kvm_unloads()) {
		REQUIRE(now_ms() - start < 10000, "it is never given up");
		usleep(1000);
	}
	CHECK(now_ms() - start >= linger_ms, "given up after %lu ms", now_ms() - start);
	load_kvm();
	file_write(LINGER, "1000");
}

TEST(unloading_lintel_gives_it_up)
{
	need_kvm_beside();
	file_write(LINGER, LONGEST_MS);
	vm_comes_and_goes();
	CHECK(!kvm_unloads(), "while it lingers");
	REQUIRE(!module_unload(module_name()), "%m");
	REQUIRE(kvm_unloads(), "%m");
	load_kvm();
	module_reload();
	vm_comes_and_goes();
}

struct maker {
	pthread_t thread;
	u32 made, refused;
};

static volatile int stop, pause_makers;

/* A vCPU without memory enters its guest and exits at the first instruction's fetch. */
static void enter_guest(int vm, int size)
{
	int vcpu = REQUIRE_OK(ioctl(vm, KVM_CREATE_VCPU, 0L));
	struct kvm_run *run = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);
	int r = ioctl(vcpu, KVM_RUN, 0);

	REQUIRE(run != MAP_FAILED, "mmap: %m");
	CHECK(!r || errno == EFAULT, "KVM_RUN: %m");
	CHECK(r || run->exit_reason != KVM_EXIT_FAIL_ENTRY, "the entry failed");
	munmap(run, size);
	close(vcpu);
}

/* kvm_intel may be on its way in or out: then there is no VM, but with one it works. */
static void *make_vms(void *arg)
{
	int dev = REQUIRE_OK(open(device_path(), O_RDWR | O_CLOEXEC));
	int size = REQUIRE_OK(ioctl(dev, KVM_GET_VCPU_MMAP_SIZE, 0));
	struct maker *m = arg;

	while (!stop) {
		int vm;

		if (pause_makers) {
			usleep(500);
			continue;
		}
		vm = ioctl(dev, KVM_CREATE_VM, 0);
		if (vm < 0) {
			REQUIRE(errno == ENODEV || errno == ENOENT || errno == ENXIO, "%m");
			m->refused++;
			usleep(500);
			continue;
		}
		enter_guest(vm, size);
		close(vm);
		m->made++;
		/* now and then long enough for the hold to end, and for both threads at once */
		usleep(m->made % 8 ? m->made % 5 * 2000 : 50000);
	}
	close(dev);
	return NULL;
}

/*
 * VMs of two threads, a hold that lingers for 0 to 3 ms and kvm_intel, which goes whenever it may,
 * all at once.  Where Lintel can run alone, a VM may keep kvm_intel from coming back: once, then
 * the threads pause, for a load of kvm_intel may take seconds.
 */
TEST_SLOW(all_at_once, 3)
{
	static const char *const values[] = { "0", "1", "2", "3", LONGEST_MS };
	struct maker maker[2] = {};
	u32 gone = 0, held = 0, kept_out = 0;
	u64 start;

	need_kvm_beside();
	start = now_ms();
	for (int i = 0; i < 2; i++)
		REQUIRE(!pthread_create(&maker[i].thread, NULL, make_vms, &maker[i]),
			"pthread_create");
	for (u32 i = 0; (gone < TIMES || held < TIMES) && !ktap_timed_out(); i++) {
		file_write(LINGER, values[i % 5]);
		usleep(i % 7 * 500);
		if (!kvm_unloads()) {
			held++;
			continue;
		}
		gone++;
		while (module_load(kvm_intel_file(), "")) {
			REQUIRE(errno == EBUSY, "loading %s: %m", kvm_intel_file());
			kept_out++;
			pause_makers = 1;
			usleep(500);
		}
		pause_makers = 0;
	}
	stop = 1;
	for (int i = 0; i < 2; i++)
		pthread_join(maker[i].thread, NULL);
	ktap_note("%lu ms: kvm_intel gone %u times, held %u, kept out %u; VMs %u, refused %u",
		  now_ms() - start, gone, held, kept_out, maker[0].made + maker[1].made,
		  maker[0].refused + maker[1].refused);
	CHECK(gone >= TIMES && held >= TIMES && maker[0].made && maker[1].made,
	      "too little of something");
	file_write(LINGER, "1000");
	vm_comes_and_goes();
}
