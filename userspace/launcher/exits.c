// SPDX-License-Identifier: GPL-2.0-only
/*
 * One table: exit reason, name, handler. A handler serves the guest (I/O, MMIO) or ends the run
 * with a sentence; when the end is a failure, the registers that matter follow it. A reason that
 * the table does not have ends the run as well.
 */
#include "exits.h"

#include "../lib/error.h"
#include "../lib/kvmapi.h"

#include <linux/lintel.h>
#include <stdio.h>
#include <string.h>

/* The sentence of @fmt, then registers. */
static void fail(struct vcpu *vcpu, enum end end, const char *sentence)
{
	struct kvm_regs r;
	struct kvm_sregs s;

	if (kvmapi_get_regs(vcpu->fd, &r) < 0 || kvmapi_get_sregs(vcpu->fd, &s) < 0) {
		machine_stop(vcpu->machine, end, "vCPU %u: %s (its registers cannot be read: %s)",
			     vcpu->id, sentence, error_text());
		return;
	}
	machine_stop(vcpu->machine, end,
		     "vCPU %u: %s\n"
		     "  RIP %016llx  RFLAGS %08llx  RSP %016llx\n"
		     "  RAX %016llx  RBX %016llx  RCX %016llx  RDX %016llx\n"
		     "  RSI %016llx  RDI %016llx  RBP %016llx  R8  %016llx\n"
		     "  CR0 %08llx  CR2 %016llx  CR3 %016llx  CR4 %08llx  EFER %04llx\n"
		     "  CS %04x base %llx limit %x L %u D %u  SS %04x  TR %04x base %llx\n"
		     "  GDT %llx limit %x  IDT %llx limit %x",
		     vcpu->id, sentence, r.rip, r.rflags, r.rsp, r.rax, r.rbx, r.rcx, r.rdx,
		     r.rsi, r.rdi, r.rbp, r.r8, s.cr0, s.cr2, s.cr3, s.cr4, s.efer,
		     s.cs.selector, s.cs.base, s.cs.limit, s.cs.l, s.cs.db, s.ss.selector,
		     s.tr.selector, s.tr.base, s.gdt.base, s.gdt.limit, s.idt.base, s.idt.limit);
}

static void handle_io(struct vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;
	struct machine *machine = vcpu->machine;
	uint8_t *data = (uint8_t *)run + run->io.data_offset;
	unsigned int size = run->io.size;
	uint32_t i;

	if ((size != 1 && size != 2 && size != 4) ||
	    run->io.data_offset > (uint64_t)machine->run_size ||
	    (uint64_t)size * run->io.count > machine->run_size - run->io.data_offset) {
		fail(vcpu, END_UNEXPECTED_EXIT, "an I/O exit whose data lie outside struct "
						"kvm_run");
		return;
	}
	pthread_mutex_lock(&machine->device_lock);
	for (i = 0; i < run->io.count; i++, data += size)
		devices_io(&machine->devices, run->io.port, size,
			   run->io.direction == KVM_EXIT_IO_OUT, data);
	pthread_mutex_unlock(&machine->device_lock);
}

/* No device is in memory space. */
static void handle_mmio(struct vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;
	struct machine *machine = vcpu->machine;

	pthread_mutex_lock(&machine->device_lock);
	if (run->mmio.is_write) {
		machine->mmio_writes++;
	} else {
		machine->mmio_reads++;
		memset(run->mmio.data, 0xff, sizeof(run->mmio.data));
	}
	pthread_mutex_unlock(&machine->device_lock);
}

static void handle_hlt(struct vcpu *vcpu)
{
	if (vcpu->machine->options->no_irqchip)
		fail(vcpu, END_UNEXPECTED_EXIT,
		     "halted (KVM_EXIT_HLT), and no interrupt can wake it (--no-irqchip)");
	else
		fail(vcpu, END_UNEXPECTED_EXIT, "halted (KVM_EXIT_HLT), though the device has "
		     "interrupt chips and should wait by itself");
}

static void handle_shutdown(struct vcpu *vcpu)
{
	fail(vcpu, END_TRIPLE_FAULT, "the guest shut down by a triple fault (KVM_EXIT_SHUTDOWN)");
}

static void handle_system_event(struct vcpu *vcpu)
{
	char sentence[80];

	switch (vcpu->run->system_event.type) {
	case KVM_SYSTEM_EVENT_SHUTDOWN:
		machine_stop(vcpu->machine, END_POWER_OFF, "the guest powered off");
		break;
	case KVM_SYSTEM_EVENT_RESET:
		machine_stop(vcpu->machine, END_RESET, "reset by the guest");
		break;
	case KVM_SYSTEM_EVENT_CRASH:
		fail(vcpu, END_CRASH, "the guest reported a crash");
		break;
	default:
		snprintf(sentence, sizeof(sentence), "system event %u is not known",
			 vcpu->run->system_event.type);
		fail(vcpu, END_UNEXPECTED_EXIT, sentence);
	}
}

/* Which of the processor's rules the vCPU breaks, a line each; nothing on a device that is not Lintel. */
static void append_broken_rules(int vcpu, char *text, size_t size)
{
	struct lintel_entry_report report = { 0 };
	size_t used = strlen(text);
	uint32_t i;

	if (kvmapi_explain_entry(vcpu, &report) < 0)
		return;
	for (i = 0; i < report.findings && i < LINTEL_ENTRY_FINDINGS && used < size; i++) {
		const struct lintel_entry_finding *f = &report.finding[i];

		used += snprintf(text + used, size - used, "\n  %s state: %s = %#llx: %s", f->area,
				 f->field, (unsigned long long)f->value, f->rule);
	}
}

static void handle_fail_entry(struct vcpu *vcpu)
{
	char sentence[2200];

	snprintf(sentence, sizeof(sentence),
		 "VM entry failed (KVM_EXIT_FAIL_ENTRY): hardware reason %#llx on CPU %u",
		 vcpu->run->fail_entry.hardware_entry_failure_reason, vcpu->run->fail_entry.cpu);
	append_broken_rules(vcpu->fd, sentence, sizeof(sentence));
	fail(vcpu, END_FAIL_ENTRY, sentence);
}

static const char *internal_error_name(uint32_t suberror)
{
	switch (suberror) {
	case KVM_INTERNAL_ERROR_EMULATION:
		return "an instruction that the device cannot emulate";
	case KVM_INTERNAL_ERROR_SIMUL_EX:
		return "simultaneous exceptions";
	case KVM_INTERNAL_ERROR_DELIVERY_EV:
		return "an exit during event delivery";
	case KVM_INTERNAL_ERROR_UNEXPECTED_EXIT_REASON:
		return "an exit reason that the device does not know";
	default:
		return "unknown";
	}
}

static void handle_internal_error(struct vcpu *vcpu)
{
	const struct kvm_run *run = vcpu->run;
	uint32_t i, count = run->internal.ndata;
	char sentence[600];
	int at;

	at = snprintf(sentence, sizeof(sentence), "internal error of the device (suberror %u: %s)",
		      run->internal.suberror, internal_error_name(run->internal.suberror));
	if (count > sizeof(run->internal.data) / sizeof(run->internal.data[0]))
		count = sizeof(run->internal.data) / sizeof(run->internal.data[0]);
	for (i = 0; i < count; i++)
		at += snprintf(sentence + at, sizeof(sentence) - at, "%s%#llx", i ? " " : ", data ",
			       run->internal.data[i]);
	fail(vcpu, END_INTERNAL_ERROR, sentence);
}

static void handle_debug(struct vcpu *vcpu)
{
	fail(vcpu, END_UNEXPECTED_EXIT, "a debug exit (KVM_EXIT_DEBUG), which nobody asked for");
}

static void handle_nothing(struct vcpu *vcpu)
{
	(void)vcpu;	/* a signal: the loop looks whether it shall stop */
}

static void handle_unknown(struct vcpu *vcpu)
{
	char sentence[120];

	snprintf(sentence, sizeof(sentence), "unknown hardware exit (KVM_EXIT_UNKNOWN), reason "
					     "%#llx",
		 vcpu->run->hw.hardware_exit_reason);
	fail(vcpu, END_UNEXPECTED_EXIT, sentence);
}

static const struct {
	const char *name;
	void (*handle)(struct vcpu *vcpu);
} exits[] = {
	[KVM_EXIT_UNKNOWN] = { "UNKNOWN", handle_unknown },
	[KVM_EXIT_IO] = { "IO", handle_io },
	[KVM_EXIT_DEBUG] = { "DEBUG", handle_debug },
	[KVM_EXIT_HLT] = { "HLT", handle_hlt },
	[KVM_EXIT_MMIO] = { "MMIO", handle_mmio },
	[KVM_EXIT_IRQ_WINDOW_OPEN] = { "IRQ_WINDOW_OPEN", handle_nothing },
	[KVM_EXIT_SHUTDOWN] = { "SHUTDOWN", handle_shutdown },
	[KVM_EXIT_FAIL_ENTRY] = { "FAIL_ENTRY", handle_fail_entry },
	[KVM_EXIT_INTR] = { "INTR", handle_nothing },
	[KVM_EXIT_INTERNAL_ERROR] = { "INTERNAL_ERROR", handle_internal_error },
	[KVM_EXIT_SYSTEM_EVENT] = { "SYSTEM_EVENT", handle_system_event },
};

#define EXITS	(sizeof(exits) / sizeof(exits[0]))

_Static_assert(EXITS < EXIT_REASONS, "the counters of struct vcpu have room for every row");

void exits_handle(struct vcpu *vcpu)
{
	uint32_t reason = vcpu->run->exit_reason;
	char sentence[80];

	vcpu->exits[reason < EXIT_REASONS - 1 ? reason : EXIT_REASONS - 1]++;
	if (reason < EXITS && exits[reason].handle) {
		exits[reason].handle(vcpu);
		return;
	}
	snprintf(sentence, sizeof(sentence), "exit reason %u is not known to the launcher", reason);
	fail(vcpu, END_UNEXPECTED_EXIT, sentence);
}

void exits_run_failed(struct vcpu *vcpu, int err)
{
	char sentence[120];

	snprintf(sentence, sizeof(sentence), "KVM_RUN: %s", strerror(err));
	fail(vcpu, END_UNEXPECTED_EXIT, sentence);
}

const char *exits_name(unsigned int reason)
{
	if (reason < EXITS && exits[reason].name)
		return exits[reason].name;
	return "other";
}
