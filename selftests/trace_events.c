// SPDX-License-Identifier: GPL-2.0-only
/*
 * The tracepoints of the group "lintel": each of them fires, with the values that the guest used,
 * through tracefs, as trace-cmd and perf read them. Exits that are finished at once without a
 * tracer are seen with one, too.
 */
#include <fcntl.h>
#include <pthread.h>

#include "chips.h"
#include "files.h"
#include "guest.h"
#include "vm.h"

#define TRACEFS "/sys/kernel/tracing/"
#define NOWHERE 0x0f000000UL
#define VECTOR 0x61

static char text[1 << 20];

static void require_tracefs(void)
{
	if (access(TRACEFS "events/lintel/enable", W_OK))
		SKIP("no tracefs, not root, or not Lintel");
}

static void tracing(bool on)
{
	if (on) {
		file_write(TRACEFS "buffer_size_kb", "4096");
		file_write(TRACEFS "trace", "");
	}
	file_write(TRACEFS "events/lintel/enable", on ? "1" : "0");
}

static void read_trace(void)
{
	int fd = REQUIRE_OK(open(TRACEFS "trace", O_RDONLY));
	size_t have = 0;
	ssize_t n;

	while ((n = read(fd, text + have, sizeof(text) - 1 - have)) > 0)
		have += n;
	text[have] = 0;
	close(fd);
}

/* A line of the trace with both. */
static bool seen(const char *event, const char *what)
{
	const char *line = text;

	while ((line = strstr(line, event)) != NULL) {
		const char *end = strchr(line, '\n'), *found = strstr(line, what);

		if (found && (!end || found < end))
			return true;
		line++;
	}
	return false;
}

GUEST_CODE static void on_interrupt(struct trap_frame *f)
{
	ARG(2) = f->vector;
	wrmsr(X2APIC(APIC_EOI), 0);
}

GUEST_CODE static void guest_everything(void)
{
	u32 a, b, c, d;
	u64 nr = 77, from = (u64)&ARG(8), items = 12;

	cpuid(0x80000001, 0, &a, &b, &c, &d);
	rdmsr(MSR_MISC_ENABLE);
	wrmsr(MSR_BIOS_SIGN_ID, 0);
	asm volatile("vmcall" : "+a"(nr)::"memory");
	outb(0x80, 0x5a);
	mmio_write(NOWHERE, 0x1234);
	/* by the interpreter: a string, long enough to go as one, and a form that only it knows */
	ARG(8) = 0x333322221111;
	asm volatile("cld; rep outsw" : "+S"(from), "+c"(items) : "d"(0x81) : "memory", "cc");
	asm volatile("orl %0, (%1)" ::"r"(0x20), "r"(NOWHERE + 8) : "memory", "cc");
	guest_done();
}

GUEST_CODE static void guest_interrupts(void)
{
	guest_set_handler(VECTOR, on_interrupt);
	wrmsr(MSR_APICBASE, rdmsr(MSR_APICBASE) | APICBASE_X2APIC);
	wrmsr(X2APIC(APIC_SPIV), APIC_SPIV_ENABLE | 0xff);
	sti();
	guest_sync(1);
	while (ARG(2) != VECTOR)
		cpu_relax();
	guest_done();
}

TEST(each_event)
{
	static const struct {
		const char *event, *what;
	} want[] = {
		{ "lintel_entry: ", "vcpu 0 rip 0x" },
		{ "lintel_exit: ", "cpuid rip 0x" },
		{ "lintel_exit: ", "ept_violation rip 0x" },
		{ "lintel_cpuid: ", "leaf 0x80000001.0x0" },
		{ "lintel_msr: ", "rdmsr 0x1a0" },
		{ "lintel_msr: ", "wrmsr 0x8b" },
		{ "lintel_hypercall: ", "nr 77 " },
		{ "lintel_pio: ", "out port 0x80 size 1 count 1 value 0x5a" },
		{ "lintel_mmio: ", "write gpa 0xf000000 len 4 value 0x1234" },
		{ "lintel_pio: ", "out port 0x81 size 2 count 12 value 0x1111" },
		{ "lintel_mmio: ", "read gpa 0xf000008 len 4 value 0x0" },
		{ "lintel_mmio: ", "write gpa 0xf000008 len 4 value 0xdfdfdfff" },
		{ "lintel_page_fault: ", "result 0" },
	};
	struct vcpu *v;

	require_tracefs();
	v = vcpu_create(vm_create(VM_IRQCHIP), 0);
	vcpu_set_long(v, guest_everything);
	tracing(true);
	REQUIRE_EQ(vcpu_run(v), KVM_EXIT_IO);
	REQUIRE_EQ(vcpu_run(v), KVM_EXIT_MMIO);
	while (vcpu_run(v) == KVM_EXIT_IO && v->run->io.port != PORT_DONE)
		;
	while (v->run->exit_reason == KVM_EXIT_MMIO) {
		memset(v->run->mmio.data, 0xdf, 4);
		vcpu_run(v);
	}
	tracing(false);
	read_trace();
	for (size_t i = 0; i < ARRAY_SIZE(want); i++)
		CHECK(seen(want[i].event, want[i].what), "no \"%s... %s\"", want[i].event,
		      want[i].what);
}

static void *runner(void *arg)
{
	vcpu_finish(arg);
	return NULL;
}

/* A message to a running vCPU: injected by software, or posted where the processor takes it. */
TEST(interrupts)
{
	struct kvm_msi msi = { .address_lo = 0xfee00000, .data = VECTOR };
	struct kvm_vcpu_events events;
	pthread_t thread;
	struct vcpu *v;
	char vid = 'N';
	int fd;

	require_tracefs();
	fd = open("/sys/module/lintel/parameters/vid", O_RDONLY);
	if (fd >= 0 && read(fd, &vid, 1) != 1)
		vid = 'N';
	v = vcpu_create(vm_create(VM_IRQCHIP), 0);
	vcpu_set_long(v, guest_interrupts);
	vcpu_expect_sync(v, 1);
	tracing(true);
	REQUIRE_EQ(pthread_create(&thread, NULL, runner, v), 0);
	usleep(20000);
	CHECK_EQ(ioctl(v->vm->fd, KVM_SIGNAL_MSI, &msi), 1);
	pthread_join(thread, NULL);
	tracing(false);
	read_trace();
	if (vid == 'Y')
		CHECK(seen("lintel_posted: ", "vcpu 0 vector 0x61"), "it was not posted");
	else
		CHECK(seen("lintel_inject: ", "vcpu 0 interrupt vector 0x61"),
		      "it was not injected");

	/* an exception and an NMI are injected in any case; one of them has an error code */
	vcpu_set_long(v, guest_interrupts);
	REQUIRE_OK(ioctl(v->fd, KVM_GET_VCPU_EVENTS, &events));
	events.exception.injected = 1;
	events.exception.nr = VEC_GP;
	events.exception.has_error_code = 1;
	events.exception.error_code = 0x78;
	REQUIRE_OK(ioctl(v->fd, KVM_SET_VCPU_EVENTS, &events));
	ioctl(v->fd, KVM_NMI, 0);
	tracing(true);
	vcpu_run(v);
	tracing(false);
	read_trace();
	CHECK(seen("lintel_inject: ", "vcpu 0 exception vector 0xd error 0x78"),
	      "no exception was injected");
	CHECK(seen("lintel_inject: ", "vcpu 0 nmi vector 0x2 error 0x0\n"),
	      "no NMI was injected, or one with an error code");
}
