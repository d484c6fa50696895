// SPDX-License-Identifier: GPL-2.0-only
/*
 * A VM with one vCPU, and a case in it: the state is set, then KVM_RUN until the guest has halted,
 * shut down or failed, or has had enough exits or time.
 *
 * What user space answers to a read depends on the address and the number of the exit alone, so
 * that the same case on another device is asked and told the same. The machine is used for many
 * cases; all that a case can have left is set anew.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/lintel.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <unistd.h>

#include "fuzz.h"

#define MAX_CPUID	128

static struct {
	struct kvm_cpuid2 head;
	struct kvm_cpuid_entry2 entry[MAX_CPUID];
} cpuid;

const char *exit_name(u32 reason)
{
	static const char *const names[] = {
		[KVM_EXIT_UNKNOWN] = "UNKNOWN", [KVM_EXIT_EXCEPTION] = "EXCEPTION",
		[KVM_EXIT_IO] = "IO", [KVM_EXIT_HYPERCALL] = "HYPERCALL",
		[KVM_EXIT_DEBUG] = "DEBUG", [KVM_EXIT_HLT] = "HLT", [KVM_EXIT_MMIO] = "MMIO",
		[KVM_EXIT_IRQ_WINDOW_OPEN] = "IRQ_WINDOW_OPEN", [KVM_EXIT_SHUTDOWN] = "SHUTDOWN",
		[KVM_EXIT_FAIL_ENTRY] = "FAIL_ENTRY", [KVM_EXIT_INTR] = "INTR",
		[KVM_EXIT_SET_TPR] = "SET_TPR", [KVM_EXIT_INTERNAL_ERROR] = "INTERNAL_ERROR",
		[KVM_EXIT_SYSTEM_EVENT] = "SYSTEM_EVENT", [KVM_EXIT_IOAPIC_EOI] = "IOAPIC_EOI",
		[KVM_EXIT_X86_RDMSR] = "X86_RDMSR", [KVM_EXIT_X86_WRMSR] = "X86_WRMSR",
		[KVM_EXIT_DIRTY_RING_FULL] = "DIRTY_RING_FULL",
		[KVM_EXIT_MEMORY_FAULT] = "MEMORY_FAULT",
	};

	return reason < ARRAY_SIZE(names) && names[reason] ? names[reason] : NULL;
}

static void on_tick(int sig)
{
	(void)sig;
}

void catch_ticks(void)
{
	struct sigaction action = { .sa_handler = on_tick };

	sigaction(SIGALRM, &action, NULL);
}

/* Only while a guest runs: making a VM may take longer than a tick, and begin anew after each. */
static void set_ticks(unsigned int microseconds)
{
	const struct itimerval tick = { { 0, microseconds }, { 0, microseconds } };

	setitimer(ITIMER_REAL, &tick, NULL);
}

static int call(int fd, unsigned long cmd, const void *arg)
{
	return ioctl(fd, cmd, arg);
}

static int number_call(int fd, unsigned long cmd, unsigned long number)
{
	return call(fd, cmd, (void *)number);
}

static void add_memory(struct machine *m, u32 slot, u64 gpa, u64 bytes, void *at, u32 flags)
{
	struct kvm_userspace_memory_region region = {
		.slot = slot, .guest_phys_addr = gpa, .memory_size = bytes,
		.userspace_addr = (unsigned long)at, .flags = flags,
	};

	call(m->vm, KVM_SET_USER_MEMORY_REGION, &region);
}

/* Every machine of a run has the CPUID of the first device, less what names the hypervisor. */
static void set_cpuid(struct machine *m)
{
	if (!cpuid.head.nent) {
		cpuid.head.nent = MAX_CPUID;
		call(m->system, KVM_GET_SUPPORTED_CPUID, &cpuid);
		for (u32 i = 0; i < cpuid.head.nent; i++) {
			struct kvm_cpuid_entry2 *e = &cpuid.entry[i];

			/* the features of a guest of KVM are in a leaf that stays */
			if (e->function == 1)
				e->ebx &= 0xffffff;
			if (e->function == 0xb || e->function == 0x1f)
				e->edx = 0;
		}
	}
	call(m->vcpu, KVM_SET_CPUID2, &cpuid);
}

bool machine_open(struct machine *m, const char *device, bool chips)
{
	const struct kvm_enable_cap no_quirk = {
		.cap = KVM_CAP_DISABLE_QUIRKS2, .args = { KVM_X86_QUIRK_MWAIT_NEVER_UD_FAULTS },
	};
	struct kvm_pit_config pit = {};
	int bytes;

	m->device = device;
	m->lintel = strstr(device, "lintel");
	m->chips = chips;
	m->cases = 0;
	m->system = open(device, O_RDWR | O_CLOEXEC);
	m->vm = number_call(m->system, KVM_CREATE_VM, 0);
	if (m->vm < 0)
		return false;
	number_call(m->vm, KVM_SET_TSS_ADDR, 0xfffbd000);
	/* KVM executes MONITOR and MWAIT as NOP, whatever CPUID says, unless it is told not to */
	call(m->vm, KVM_ENABLE_CAP, &no_quirk);
	if (chips) {
		number_call(m->vm, KVM_CREATE_IRQCHIP, 0);
		call(m->vm, KVM_CREATE_PIT2, &pit);
	}
	m->memory = mmap(NULL, MEMORY + ROM_BYTES, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	m->rom = m->memory + MEMORY;
	add_memory(m, 0, 0, MEMORY, m->memory, 0);
	add_memory(m, 1, ROM, ROM_BYTES, m->rom, KVM_MEM_READONLY);
	m->vcpu = number_call(m->vm, KVM_CREATE_VCPU, 0);
	bytes = number_call(m->system, KVM_GET_VCPU_MMAP_SIZE, 0);
	if (m->vcpu < 0 || bytes <= 0)
		return false;
	m->run = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, m->vcpu, 0);
	set_cpuid(m);
	return m->run != MAP_FAILED;
}

void machine_close(struct machine *m)
{
	munmap(m->run, number_call(m->system, KVM_GET_VCPU_MMAP_SIZE, 0));
	close(m->vcpu);
	close(m->vm);
	close(m->system);
	munmap(m->memory, MEMORY + ROM_BYTES);
}

static void set_msr(struct machine *m, u32 index, u64 value)
{
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entry;
	} one = { .head.nmsrs = 1, .entry = { .index = index, .data = value } };

	call(m->vcpu, KVM_SET_MSRS, &one);
}

static void load_memory(struct machine *m, const struct guest_case *c, const u8 *memory)
{
	static u8 template[MEMORY];
	static bool ready;

	if (!ready)
		memory_template(template);
	ready = true;
	memcpy(m->memory, memory ? memory : template, MEMORY);
	memset(m->rom, 0x5a, ROM_BYTES);
	memcpy(m->memory + AT_CODE, c->code, c->code_bytes);
	for (unsigned int i = 0; i < c->nr_flips; i++)
		m->memory[c->flips[i].at + c->flips[i].bit / 8] ^= 1 << (c->flips[i].bit % 8);
}

/* What earlier cases may have left, then what this one has; errno of what refuses it, or 0. */
static int load_state(struct machine *m, const struct guest_case *c)
{
	static const u32 msrs[] = { 0x174, 0x175, 0x176, 0xc0000081, 0xc0000082, 0xc0000083,
				    0xc0000084, 0xc0000102, 0xc0000103 };
	struct kvm_mp_state runnable = { .mp_state = KVM_MP_STATE_RUNNABLE };
	struct kvm_fpu fpu = { .mxcsr = 0x1f80, .fcw = 0x37f };
	struct kvm_debugregs debug = { .dr6 = 0xffff0ff0, .dr7 = 0x400 };
	struct kvm_xcrs xcrs = { .nr_xcrs = 1, .xcrs[0] = { 0, 1 } };
	struct kvm_vcpu_events none = {
		.flags = KVM_VCPUEVENT_VALID_NMI_PENDING | KVM_VCPUEVENT_VALID_SHADOW,
	};

	if (m->chips)
		call(m->vcpu, KVM_SET_MP_STATE, &runnable);
	call(m->vcpu, KVM_SET_FPU, &fpu);
	call(m->vcpu, KVM_SET_DEBUGREGS, &debug);
	call(m->vcpu, KVM_SET_XCRS, &xcrs);
	for (unsigned int i = 0; i < ARRAY_SIZE(msrs); i++)
		set_msr(m, msrs[i], 0);
	for (unsigned int i = 0; i < c->nr_msrs; i++)
		set_msr(m, c->msr[i].index, c->msr[i].value);
	call(m->vcpu, KVM_SET_VCPU_EVENTS, &none);
	if (call(m->vcpu, KVM_SET_GUEST_DEBUG, &c->debug) && c->with_debug)
		return errno;
	if (call(m->vcpu, KVM_SET_SREGS, &c->sregs))
		return errno;
	if (call(m->vcpu, KVM_SET_REGS, &c->regs))
		return errno;
	if (c->with_events && call(m->vcpu, KVM_SET_VCPU_EVENTS, &c->events))
		return errno;
	return 0;
}

static u64 answer(u64 address, unsigned int exit)
{
	return (address + 1) * 0x9e3779b97f4a7c15ULL ^ exit * 0x0123456789abcdefULL;
}

static void serve_io(struct machine *m, struct outcome *o, struct seen *s)
{
	struct kvm_run *run = m->run;
	u8 *data = (u8 *)run + run->io.data_offset;
	size_t bytes = (size_t)run->io.size * run->io.count;

	s->detail = run->io.port | (u32)run->io.direction << 16 | (u32)run->io.size << 24;
	/* a string comes in pieces of any length: all of them are one exit here */
	if (o->exits && s[-1].reason == s->reason && s[-1].detail == s->detail) {
		o->exits--;
		s--;
	}
	s->address += run->io.count;
	/* so long that the two devices would be stopped at different places */
	o->endless |= s->address > 256;
	for (size_t i = 0; i < bytes && i < 4096; i++) {
		if (run->io.direction == KVM_EXIT_IO_IN)
			data[i] = answer(run->io.port, o->asked++);
		s->data = s->data * 257 + data[i];
	}
}

static void serve_mmio(struct machine *m, struct outcome *o, struct seen *s)
{
	struct kvm_run *run = m->run;
	u64 value = answer(run->mmio.phys_addr, o->exits);

	s->address = run->mmio.phys_addr;
	s->detail = run->mmio.len | (u32)run->mmio.is_write << 8;
	if (!run->mmio.is_write)
		memcpy(run->mmio.data, &value, 8);
	memcpy(&s->data, run->mmio.data, run->mmio.len > 8 ? 8 : run->mmio.len);
}

/* True: the guest goes on. */
static bool serve(struct machine *m, struct outcome *o)
{
	struct kvm_run *run = m->run;
	struct seen *s = &o->seen[o->exits];

	*s = (struct seen){ .reason = run->exit_reason };
	switch (run->exit_reason) {
	case KVM_EXIT_IO:
		serve_io(m, o, s);
		break;
	case KVM_EXIT_MMIO:
		serve_mmio(m, o, s);
		break;
	case KVM_EXIT_FAIL_ENTRY:
		s->address = run->fail_entry.hardware_entry_failure_reason;
		break;
	case KVM_EXIT_INTERNAL_ERROR:
		s->detail = run->internal.suberror;
		break;
	case KVM_EXIT_DEBUG:
		s->address = run->debug.arch.pc;
		s->data = run->debug.arch.dr6;
		break;
	}
	o->exits++;
	return (run->exit_reason == KVM_EXIT_IO || run->exit_reason == KVM_EXIT_MMIO ||
		run->exit_reason == KVM_EXIT_DEBUG) && o->exits < MAX_EXITS &&
	       !o->endless;
}

static void explain(struct machine *m, struct outcome *o)
{
	static struct lintel_entry_report report;

	memset(&report, 0, sizeof(report));
	if (!m->lintel || call(m->vcpu, LINTEL_EXPLAIN_ENTRY, &report))
		return;
	o->broken = report.broken;
	memcpy(o->rule, report.finding[0].rule, sizeof(o->rule));
}

/* An access that user space was asked for is finished; nothing of it is left to the next case. */
static void settle(struct machine *m)
{
	m->run->immediate_exit = 1;
	ioctl(m->vcpu, KVM_RUN, 0);
	m->run->immediate_exit = 0;
}

void machine_run(struct machine *m, const struct guest_case *c, struct outcome *o)
{
	machine_run_memory(m, c, NULL, o);
}

void machine_run_memory(struct machine *m, const struct guest_case *c, const u8 *memory,
			struct outcome *o)
{
	unsigned int ticks = 0;

	memset(o, 0, sizeof(*o));
	m->cases++;
	load_memory(m, c, memory);
	o->refused = load_state(m, c);
	if (o->refused)
		return;
	set_ticks(2000);
	while (ticks < 2) {
		int ret = ioctl(m->vcpu, KVM_RUN, 0);

		o->error = ret < 0 ? errno : 0;
		if (ret < 0 && errno == EINTR) {
			ticks++;
			continue;
		}
		if (ret < 0 || !serve(m, o))
			break;
	}
	set_ticks(0);
	if (!o->error && o->exits && o->seen[o->exits - 1].reason == KVM_EXIT_FAIL_ENTRY)
		explain(m, o);
	settle(m);
	call(m->vcpu, KVM_GET_REGS, &o->regs);
	call(m->vcpu, KVM_GET_SREGS, &o->sregs);
}
