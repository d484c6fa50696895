// SPDX-License-Identifier: GPL-2.0-only
/*
 * VM and vCPU life, state and the run loop of vm.h. The initial processor state of each mode is in
 * modes.c.
 *
 * The watchdog of the harness reaches a running vCPU through immediate_exit, which is set for
 * every vCPU of this process before the signal handler returns, so that no KVM_RUN can start after
 * the signal and miss it.
 */
#include "vm.h"

#include <fcntl.h>

static struct kvm_run *volatile all_runs[MAX_VCPUS * 16];
static volatile unsigned int nr_runs;

const char *device_path(void)
{
	const char *path = getenv("LINTEL_DEVICE");

	return path && *path ? path : "/dev/lintel";
}

const char *ktap_missing(void)
{
	static char reason[256];
	int fd = open(device_path(), O_RDWR | O_CLOEXEC);

	if (fd >= 0) {
		close(fd);
		return NULL;
	}
	snprintf(reason, sizeof(reason),
		 "%s: %m; load the module, or name another device in LINTEL_DEVICE", device_path());
	return reason;
}

int device_open(void)
{
	return REQUIRE_OK(open(device_path(), O_RDWR | O_CLOEXEC));
}

int device_cap(int fd, long cap)
{
	return REQUIRE_OK(ioctl(fd, KVM_CHECK_EXTENSION, cap));
}

void require_cap(int fd, long cap, const char *name)
{
	if (!device_cap(fd, cap))
		SKIP("the device has no %s", name);
}

static void on_timeout(void)
{
	for (unsigned int i = 0; i < nr_runs; i++) {
		if (all_runs[i])
			all_runs[i]->immediate_exit = 1;
	}
}

struct vm *vm_create(unsigned int flags)
{
	struct vm *vm = calloc(1, sizeof(*vm));

	REQUIRE(vm, "out of memory");
	vm->dev = device_open();
	vm->fd = REQUIRE_OK(ioctl(vm->dev, KVM_CREATE_VM, 0));
	REQUIRE_OK(ioctl(vm->fd, KVM_SET_TSS_ADDR, 0xfffbd000));
	if (flags & (VM_IRQCHIP | VM_PIT))
		REQUIRE_OK(ioctl(vm->fd, KVM_CREATE_IRQCHIP, 0));
	if (flags & VM_SPLIT) {
		struct kvm_enable_cap cap = { .cap = KVM_CAP_SPLIT_IRQCHIP, .args = { 24 } };

		REQUIRE_CAP(vm->dev, KVM_CAP_SPLIT_IRQCHIP);
		REQUIRE_OK(ioctl(vm->fd, KVM_ENABLE_CAP, &cap));
	}
	if (flags & VM_PIT) {
		struct kvm_pit_config pit = { .flags = KVM_PIT_SPEAKER_DUMMY };	/* port 0x61 */

		REQUIRE_OK(ioctl(vm->fd, KVM_CREATE_PIT2, &pit));
	}
	vm->mem_size = MEM_SIZE;
	vm->mem = mmap(NULL, vm->mem_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		       0);
	REQUIRE(vm->mem != MAP_FAILED, "mmap: %m");
	vm_set_region(vm, 0, 0, 0, vm->mem_size, vm->mem);
	return vm;
}

void vm_set_region(struct vm *vm, u32 slot, u32 flags, u64 gpa, u64 size, void *host)
{
	struct kvm_userspace_memory_region region = {
		.slot = slot, .flags = flags, .guest_phys_addr = gpa,
		.memory_size = size, .userspace_addr = (u64)host,
	};

	REQUIRE_OK(ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION, &region));
}

void vm_destroy(struct vm *vm)
{
	munmap(vm->mem, vm->mem_size);
	close(vm->fd);
	close(vm->dev);
	free(vm);
}

void *gpa_ptr(struct vm *vm, u64 gpa, size_t len)
{
	REQUIRE(gpa <= vm->mem_size && len <= vm->mem_size - gpa,
		"0x%llx is not in the guest's memory", (unsigned long long)gpa);
	return vm->mem + gpa;
}

volatile struct guest_shared *vm_shared(struct vm *vm)
{
	return gpa_ptr(vm, GPA_SHARED, 4096);
}

void cpuid_supported(int dev, struct cpuid *c)
{
	memset(c, 0, sizeof(*c));
	c->head.nent = ARRAY_SIZE(c->entry);
	REQUIRE_OK(ioctl(dev, KVM_GET_SUPPORTED_CPUID, &c->head));
}

struct kvm_cpuid_entry2 *cpuid_find(struct cpuid *c, u32 leaf, u32 sub)
{
	for (u32 i = 0; i < c->head.nent; i++) {
		struct kvm_cpuid_entry2 *e = &c->entry[i];

		if (e->function == leaf &&
		    (!(e->flags & KVM_CPUID_FLAG_SIGNIFCANT_INDEX) || e->index == sub))
			return e;
	}
	return NULL;
}

/* The supported features, and the vCPU's number as its APIC ID wherever CPUID tells it. */
static void vcpu_set_cpuid(struct vcpu *v)
{
	struct cpuid c;

	cpuid_supported(v->vm->dev, &c);
	for (u32 i = 0; i < c.head.nent; i++) {
		struct kvm_cpuid_entry2 *e = &c.entry[i];

		if (e->function == 1)
			e->ebx = (e->ebx & 0x00ffffff) | v->id << 24;
		if (e->function == 0xb || e->function == 0x1f)
			e->edx = v->id;
	}
	REQUIRE_OK(ioctl(v->fd, KVM_SET_CPUID2, &c.head));
}

struct vcpu *vcpu_create(struct vm *vm, unsigned int id)
{
	struct vcpu *v = calloc(1, sizeof(*v));

	REQUIRE(v, "out of memory");
	v->vm = vm;
	v->id = id;
	v->fd = REQUIRE_OK(ioctl(vm->fd, KVM_CREATE_VCPU, (long)id));
	v->run_size = REQUIRE_OK(ioctl(vm->dev, KVM_GET_VCPU_MMAP_SIZE, 0));
	v->run = mmap(NULL, v->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, v->fd, 0);
	REQUIRE(v->run != MAP_FAILED, "mmap of the vCPU: %m");
	vcpu_set_cpuid(v);
	ktap_set_timeout_hook(on_timeout);
	if (nr_runs < ARRAY_SIZE(all_runs)) {
		all_runs[nr_runs] = v->run;
		nr_runs++;
	}
	return v;
}

void vcpu_destroy(struct vcpu *v)
{
	for (unsigned int i = 0; i < nr_runs; i++) {
		if (all_runs[i] == v->run)
			all_runs[i] = NULL;
	}
	munmap(v->run, v->run_size);
	close(v->fd);
	free(v);
}

void vcpu_get_regs(struct vcpu *v, struct kvm_regs *regs)
{
	REQUIRE_OK(ioctl(v->fd, KVM_GET_REGS, regs));
}

void vcpu_set_regs(struct vcpu *v, const struct kvm_regs *regs)
{
	REQUIRE_OK(ioctl(v->fd, KVM_SET_REGS, regs));
}

void vcpu_get_sregs(struct vcpu *v, struct kvm_sregs *sregs)
{
	REQUIRE_OK(ioctl(v->fd, KVM_GET_SREGS, sregs));
}

void vcpu_set_sregs(struct vcpu *v, const struct kvm_sregs *sregs)
{
	REQUIRE_OK(ioctl(v->fd, KVM_SET_SREGS, sregs));
}

u64 vcpu_get_msr(struct vcpu *v, u32 index)
{
	struct one_msr m = { .head.nmsrs = 1, .entry.index = index };
	int n = ioctl(v->fd, KVM_GET_MSRS, &m);

	REQUIRE(n == 1, "KVM_GET_MSRS of MSR 0x%x gives %d, errno %d", index, n, errno);
	return m.entry.data;
}

void vcpu_set_msr(struct vcpu *v, u32 index, u64 value)
{
	struct one_msr m = { .head.nmsrs = 1, .entry = { .index = index, .data = value } };
	int n = ioctl(v->fd, KVM_SET_MSRS, &m);

	REQUIRE(n == 1, "KVM_SET_MSRS of MSR 0x%x to 0x%llx gives %d, errno %d", index,
		(unsigned long long)value, n, errno);
}

void vm_irq_line(struct vm *vm, u32 gsi, int level)
{
	struct kvm_irq_level line = { .irq = gsi, .level = level };

	REQUIRE_OK(ioctl(vm->fd, KVM_IRQ_LINE, &line));
}

void vcpu_dump(struct vcpu *v)
{
	struct kvm_sregs s;
	struct kvm_regs r;

	if (ioctl(v->fd, KVM_GET_REGS, &r) < 0 || ioctl(v->fd, KVM_GET_SREGS, &s) < 0) {
		ktap_note("vCPU %u: registers cannot be read: %m", v->id);
		return;
	}
	ktap_note("vCPU %u: rip %llx rsp %llx rflags %llx cs %x:%llx ss %x", v->id, r.rip, r.rsp,
		  r.rflags, s.cs.selector, s.cs.base, s.ss.selector);
	ktap_note("  rax %llx rbx %llx rcx %llx rdx %llx rsi %llx rdi %llx rbp %llx", r.rax, r.rbx,
		  r.rcx, r.rdx, r.rsi, r.rdi, r.rbp);
	ktap_note("  cr0 %llx cr2 %llx cr3 %llx cr4 %llx efer %llx apic_base %llx", s.cr0, s.cr2,
		  s.cr3, s.cr4, s.efer, s.apic_base);
	ktap_note("  exit_reason %u (%s) if_flag %u", v->run->exit_reason,
		  exit_name(v->run->exit_reason), v->run->if_flag);
}

const char *exit_name(int reason)
{
	static const char *const names[] = {
		[KVM_EXIT_UNKNOWN] = "UNKNOWN",
		[KVM_EXIT_EXCEPTION] = "EXCEPTION",
		[KVM_EXIT_IO] = "IO",
		[KVM_EXIT_DEBUG] = "DEBUG",
		[KVM_EXIT_HLT] = "HLT",
		[KVM_EXIT_MMIO] = "MMIO",
		[KVM_EXIT_IRQ_WINDOW_OPEN] = "IRQ_WINDOW_OPEN",
		[KVM_EXIT_SHUTDOWN] = "SHUTDOWN",
		[KVM_EXIT_FAIL_ENTRY] = "FAIL_ENTRY",
		[KVM_EXIT_INTR] = "INTR",
		[KVM_EXIT_SET_TPR] = "SET_TPR",
		[KVM_EXIT_INTERNAL_ERROR] = "INTERNAL_ERROR",
		[KVM_EXIT_SYSTEM_EVENT] = "SYSTEM_EVENT",
		[KVM_EXIT_IOAPIC_EOI] = "IOAPIC_EOI",
	};

	if (reason == RUN_SYNC)
		return "sync";
	if (reason == RUN_DONE)
		return "done";
	if (reason < 0 || reason >= (int)ARRAY_SIZE(names) || !names[reason])
		return "?";
	return names[reason];
}

int vcpu_run(struct vcpu *v)
{
	/*
	 * EAGAIN: INIT and SIPI have just started this vCPU, which ran nothing yet; VMMs call
	 * again.
	 */
	do {
		errno = 0;
	} while (ioctl(v->fd, KVM_RUN, 0) < 0 && errno == EAGAIN);
	if (errno) {
		if (errno == EINTR && ktap_timed_out()) {
			v->run->immediate_exit = 0;
			ktap_failed(__FILE__, __LINE__, "watchdog: the guest reaches no end");
		} else {
			ktap_failed(__FILE__, __LINE__, "KVM_RUN: %m");
		}
		vcpu_dump(v);
		ktap_end_test();
	}
	return v->run->exit_reason;
}

static __attribute__((noreturn)) void guest_aborted(struct vcpu *v, u32 line)
{
	volatile struct guest_shared *s = vm_shared(v->vm);

	if (line & 0x80000000u)
		ktap_failed("guest", 0,
			    "unexpected vector %u, error code 0x%llx, rip 0x%llx, cr2 0x%llx",
			    line & 0xff, (unsigned long long)s->abort_got,
			    (unsigned long long)s->rip, (unsigned long long)s->cr2);
	else
		ktap_failed("guest", line,
			    "check in guest code failed: got 0x%llx, expected 0x%llx",
			    (unsigned long long)s->abort_got, (unsigned long long)s->abort_want);
	vcpu_dump(v);
	ktap_end_test();
}

int vcpu_event(struct vcpu *v)
{
	int reason = v->run->exit_reason;

	if (reason != KVM_EXIT_IO || v->run->io.direction != KVM_EXIT_IO_OUT)
		return reason;
	v->value = *(u32 *)((u8 *)v->run + v->run->io.data_offset);
	switch (v->run->io.port) {
	case PORT_SYNC:
		return RUN_SYNC;
	case PORT_DONE:
		return RUN_DONE;
	case PORT_ABORT:
		guest_aborted(v, v->value);
	}
	return reason;
}

int vcpu_next(struct vcpu *v)
{
	for (;;) {
		int event;

		vcpu_run(v);
		event = vcpu_event(v);
		if (event != KVM_EXIT_IO || v->run->io.port != PORT_PRINT)
			return event;
		ktap_note("guest: 0x%x", v->value);
	}
}

void vcpu_expect(struct vcpu *v, int event)
{
	int got = vcpu_next(v);

	if (got == event)
		return;
	ktap_failed(__FILE__, __LINE__, "the guest came to %d (%s), expected %d (%s)", got,
		    exit_name(got), event, exit_name(event));
	if (got == KVM_EXIT_FAIL_ENTRY)
		ktap_note("hardware_entry_failure_reason 0x%llx",
			  (unsigned long long)v->run->fail_entry.hardware_entry_failure_reason);
	if (got == KVM_EXIT_INTERNAL_ERROR)
		ktap_note("suberror %u", v->run->internal.suberror);
	if (got == KVM_EXIT_MMIO)
		ktap_note("address 0x%llx", (unsigned long long)v->run->mmio.phys_addr);
	if (got == KVM_EXIT_IO)
		ktap_note("port 0x%x", v->run->io.port);
	vcpu_dump(v);
	ktap_end_test();
}

void vcpu_expect_sync(struct vcpu *v, u32 value)
{
	vcpu_expect(v, RUN_SYNC);
	REQUIRE_EQ(v->value, value);
}

void vcpu_finish(struct vcpu *v)
{
	vcpu_expect(v, RUN_DONE);
}
