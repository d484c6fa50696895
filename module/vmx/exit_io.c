// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exits of port I/O and of guest-physical accesses.
 *
 * A port access with a register operand needs no interpreter: the exit qualification says all.
 * String forms, and every access to memory that is none, go to the interpreter.
 */
#include <linux/mm.h>
#include <linux/string.h>
#include <asm/cpufeature.h>
#include <asm/vmx.h>

#include "event.h"
#include "exit.h"
#include "interpret.h"
#include "pio.h"
#include "run.h"
#include "../compat.h"
#include "../ept/ept.h"
#include "../flight.h"
#include "../irq/irq.h"
#include "../regs.h"
#include "../trace.h"
#include "../vm.h"

#define PORT_7E		0x7e

static_assert(sizeof(struct kvm_run) <= LINTEL_PIO_OFFSET);
static_assert(LINTEL_PIO_OFFSET + EMULATE_BULK <= PAGE_SIZE);

void lintel_pio_exit(struct lintel_vcpu *vcpu, u16 port, unsigned int size, u32 count, bool out)
{
	struct kvm_run *run = vcpu->run;

	run->exit_reason = KVM_EXIT_IO;
	run->io.direction = out ? KVM_EXIT_IO_OUT : KVM_EXIT_IO_IN;
	run->io.size = size;
	run->io.port = port;
	run->io.count = count;
	run->io.data_offset = LINTEL_PIO_OFFSET;
}

/* IN writes AL, AX or EAX; the last clears the upper half of RAX. */
static void write_accumulator(struct lintel_vcpu *vcpu, unsigned int size, u32 value)
{
	unsigned long rax = vcpu->gpr[GPR_RAX];

	switch (size) {
	case 1:
		rax = (rax & ~0xffUL) | (u8)value;
		break;
	case 2:
		rax = (rax & ~0xffffUL) | (u16)value;
		break;
	default:
		rax = value;
	}
	vcpu->gpr[GPR_RAX] = rax;
}

/* User space has seen the access; unless it moved RIP meanwhile, the instruction is done now. */
static int complete_pio(struct lintel_vcpu *vcpu)
{
	struct lintel_io *io = &vcpu->io;

	if (lintel_rip(vcpu) != io->rip)
		return RESUME;
	if (io->pio_valid) {
		/* of which the accumulator takes as much as the access has */
		write_accumulator(vcpu, io->pio_size, READ_ONCE(*(u32 *)vcpu->pio_data));
		io->pio_valid = false;
	}
	step_behind(vcpu);
	return RESUME;
}

int lintel_pio_to_user(struct lintel_vcpu *vcpu)
{
	u64 q = vcpu->exit.qualification;
	bool out = !IO_IN(q);

	lintel_pio_exit(vcpu, IO_PORT(q), IO_SIZE(q), 1, out);
	/* more than the access has is of no harm */
	if (out)
		*(u32 *)vcpu->pio_data = vcpu->gpr[GPR_RAX];
	/* what KVM once did is known to programs at this port: RIP stands behind the access */
	if (unlikely(out && IO_PORT(q) == PORT_7E &&
		     lintel_quirk(vcpu->vm, KVM_X86_QUIRK_OUT_7E_INC_RIP))) {
		lintel_skip_instruction(vcpu);
		return TO_USER;
	}
	vcpu->io.pio_valid = !out;
	vcpu->io.pio_size = IO_SIZE(q);
	vcpu->io.rip = lintel_rip(vcpu);
	vcpu->io.complete = complete_pio;
	return TO_USER;
}

bool lintel_pio_offer(struct lintel_vcpu *vcpu, u64 q)
{
	bool out = !IO_IN(q);
	u32 value = out ? vcpu->gpr[GPR_RAX] : 0;
	unsigned int size = IO_SIZE(q);
	u16 port = IO_PORT(q);

	trace_lintel_pio(vcpu, out, port, size, 1, value);
	if (lintel_chip_port(port) && lintel_chip_pio(vcpu, port, size, &value, out)) {
		if (!out)
			write_accumulator(vcpu, size, value);
		return true;
	}
	return out && lintel_write_taken(vcpu, true, port, size, &value);
}

int exit_io(struct lintel_vcpu *vcpu)
{
	if (IO_STRING(vcpu->exit.qualification))
		return lintel_interpret(vcpu);
	if (!lintel_pio_in_kernel(vcpu, vcpu->exit.qualification))
		return lintel_pio_to_user(vcpu);
	lintel_skip_instruction(vcpu);
	return RESUME;
}

int lintel_delivery_failed(struct lintel_vcpu *vcpu)
{
	const struct lintel_exit *exit = &vcpu->exit;
	u64 data[] = { exit->idt_info, exit->reason, exit->qualification, exit->gpa };

	return lintel_internal_error(vcpu, KVM_INTERNAL_ERROR_DELIVERY_EV, data, ARRAY_SIZE(data));
}

/*
 * A doorbell that takes any write need not know what is written: the instruction is skipped without
 * decoding it.  The SDM does not promise its length for this exit; processors give it, but another
 * hypervisor below us may not.  A write of the guest's page walk is no write by the instruction.
 */
static bool fast_doorbell(struct lintel_vcpu *vcpu)
{
	const u64 by_instruction = EPT_VIOLATION_ACC_WRITE | EPT_VIOLATION_GVA_IS_VALID |
				   EPT_VIOLATION_GVA_TRANSLATED;
	const struct lintel_exit *exit = &vcpu->exit;

	if ((exit->qualification & by_instruction) != by_instruction || !exit->instruction_len ||
	    boot_cpu_has(X86_FEATURE_HYPERVISOR))
		return false;
	if (!lintel_ioeventfd_write(vcpu, false, exit->gpa, 0, NULL))
		return false;
	lintel_skip_instruction(vcpu);
	return true;
}

/*
 * MMIO, and what exit_short.c left: the interpreter, and all that may have to wait, is for
 * exit_ept_violation().
 */
enum vmx_run_result vmx_exit_nosleep(struct lintel_vcpu *vcpu)
{
	struct lintel_exit *exit = &vcpu->exit;
	int ret = exit->fault;

	if (exit->reason != EXIT_REASON_EPT_VIOLATION)
		return RUN_EXIT;
	exit->fault = EPT_FIXED;
	if (vcpu->pv.eoi.offered || trace_lintel_page_fault_enabled())
		return RUN_EXIT;
	if (ret == EPT_FIXED)
		ret = lintel_ept_fault(vcpu, exit->gpa, vmx_fault_access(exit->qualification),
				       EPT_ATOMIC);
	if (ret == EPT_MMIO) {
		if (exit->idt_info & VECTORING_INFO_VALID_MASK)
			return RUN_EXIT;
		ret = rcu_access_pointer(vcpu->vm->ioeventfds) && fast_doorbell(vcpu) ?
			RESUME : lintel_mmio_by_mov(vcpu, false);
	}
	if (ret < 0)
		return RUN_EXIT;
	vcpu->stats.ept_faults++;
	if (ret == TO_USER)
		return RUN_USER;
	flight_resumed(vcpu);
	return RUN_ATTENTION;
}

int exit_ept_violation(struct lintel_vcpu *vcpu)
{
	const struct lintel_exit *exit = &vcpu->exit;
	unsigned int access = vmx_fault_access(exit->qualification);
	enum ept_wait wait = EPT_NO_IO;
	int ret;

	vcpu->stats.ept_faults++;
again:
	ret = lintel_ept_fault(vcpu, exit->gpa, access, wait);
	trace_lintel_page_fault(vcpu, exit->gpa, access, ret);
	switch (ret) {
	case EPT_FIXED:
	case -EAGAIN:
		return RESUME;
	case EPT_MMIO:
		if (exit->idt_info & VECTORING_INFO_VALID_MASK)
			return lintel_delivery_failed(vcpu);
		if (rcu_access_pointer(vcpu->vm->ioeventfds) && fast_doorbell(vcpu))
			return RESUME;
		ret = lintel_mmio_by_mov(vcpu, true);
		return ret == -ENOENT ? lintel_interpret(vcpu) : ret;
	case EPT_ABSENT:
		if (vmx_page_absent(vcpu, exit->gpa, access))
			return RESUME;
		wait = EPT_WAIT;
		goto again;
	case -EFAULT:
		run_memory_fault(vcpu->run, exit->gpa & PAGE_MASK, PAGE_SIZE);
		return ret;
	default:
		return ret;
	}
}

/* Lintel writes no such entry: memory of the host is broken, or the module is. */
int exit_ept_misconfig(struct lintel_vcpu *vcpu)
{
	u64 data[] = { vcpu->exit.reason, vcpu->exit.gpa };

	lintel_vm_kill(vcpu->vm);
	return lintel_internal_error(vcpu, KVM_INTERNAL_ERROR_UNEXPECTED_EXIT_REASON, data,
				     ARRAY_SIZE(data));
}
