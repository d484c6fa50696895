// SPDX-License-Identifier: GPL-2.0-only
/*
 * The interpreter put to work: one instruction of a vCPU, and what its result leads to.
 *
 * The operations on memory and registers are in files of their own; those on ports are here,
 * beside the exits to user space that they share.
 */
#include <linux/kernel.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <asm/cpufeature.h>
#include <asm/debugreg.h>
#include <asm/trapnr.h>

#include "cpuid.h"
#include "event.h"
#include "exit.h"
#include "guest_debug.h"
#include "interpret.h"
#include "interpret_ops.h"
#include "pio.h"
#include "../irq/irq.h"
#include "../regs.h"
#include "../trace.h"
#include "../vm.h"

/* --- ports --- */

static int pio_in(struct emulate_ctxt *c, u16 port, unsigned int size, void *val,
		  unsigned int count)
{
	struct lintel_vcpu *vcpu = vcpu_of(c);
	struct lintel_io *io = &vcpu->io;
	unsigned int i;

	if (io->pio_valid) {
		io->pio_valid = false;
		/* else user space has changed registers meanwhile: this is another access */
		if (io->pio_port == port && io->pio_size == size && io->pio_count == count) {
			memcpy(val, vcpu->pio_data, size * count);
			return EMULATE_OK;
		}
	}
	trace_lintel_pio(vcpu, false, port, size, count, 0);
	if (lintel_chip_pio(vcpu, port, size, val, false)) {
		for (i = 1; i < count; i++)
			lintel_chip_pio(vcpu, port, size, val + i * size, false);
		return EMULATE_OK;
	}
	io->pio_port = port;
	io->pio_size = size;
	io->pio_count = count;
	lintel_pio_exit(vcpu, port, size, count, false);
	return EMULATE_TO_USER;
}

static int pio_out(struct emulate_ctxt *c, u16 port, unsigned int size, const void *val,
		   unsigned int count)
{
	struct lintel_vcpu *vcpu = vcpu_of(c);
	unsigned int i;
	u32 copy = 0;

	memcpy(&copy, val, size);
	trace_lintel_pio(vcpu, true, port, size, count, copy);
	if (lintel_chip_pio(vcpu, port, size, &copy, true)) {
		for (i = 1; i < count; i++) {
			memcpy(&copy, val + i * size, size);
			lintel_chip_pio(vcpu, port, size, &copy, true);
		}
		return EMULATE_OK;
	}
	for (i = 0; i < count; i++)
		if (!lintel_write_taken(vcpu, true, port, size, val + i * size))
			break;
	if (i == count)
		return EMULATE_OK;
	memcpy(vcpu->pio_data, val + i * size, size * (count - i));
	lintel_pio_exit(vcpu, port, size, count - i, true);
	vcpu->io.pio_out = true;
	c->stop = true;
	return EMULATE_OK;
}

static const struct emulate_ops ops = {
	.fetch = interpret_fetch,
	.read_mem = interpret_read_mem,
	.write_mem = interpret_write_mem,
	.cmpxchg_mem = interpret_cmpxchg_mem,
	.probe_write = interpret_probe_write,
	.pio_in = pio_in,
	.pio_out = pio_out,
	.get_segment = interpret_get_segment,
	.set_segment = interpret_set_segment,
	.get_desc_table = interpret_get_desc_table,
	.set_desc_table = interpret_set_desc_table,
	.get_cr = interpret_get_cr,
	.set_cr = interpret_set_cr,
	.get_msr = interpret_get_msr,
	.set_msr = interpret_set_msr,
	.get_xmm = interpret_get_xmm,
	.set_xmm = interpret_set_xmm,
	.cpuid = interpret_cpuid,
	.rdtsc = interpret_rdtsc,
	.rdpid = interpret_rdpid,
	.invlpg = interpret_invlpg,
};

/* --- exits to user space --- */

static int complete_mmio(struct lintel_vcpu *vcpu)
{
	struct lintel_io *io = &vcpu->io;
	struct lintel_io_fragment *f = &io->fragment[io->done++];

	if (!f->write)
		memcpy(f->data, vcpu->run->mmio.data, f->len);
	if (io->done < io->nr_fragments)
		return lintel_mmio_exit(vcpu);
	if (io->reading)
		return lintel_interpret(vcpu);
	io->nr_fragments = 0;
	io->done = 0;
	return RESUME;
}

int lintel_mmio_exit(struct lintel_vcpu *vcpu)
{
	const struct lintel_io_fragment *f = &vcpu->io.fragment[vcpu->io.done];
	struct kvm_run *run = vcpu->run;

	run->exit_reason = KVM_EXIT_MMIO;
	run->mmio.phys_addr = f->gpa;
	run->mmio.len = f->len;
	run->mmio.is_write = f->write;
	if (f->write)
		memcpy(run->mmio.data, f->data, f->len);
	vcpu->io.complete = complete_mmio;
	return TO_USER;
}

static int complete_string_in(struct lintel_vcpu *vcpu)
{
	vcpu->io.pio_valid = true;
	return lintel_interpret(vcpu);
}

/* Write back what the interpreter changed. */
static void write_back(struct lintel_vcpu *vcpu, const struct emulate_ctxt *c, bool stepped)
{
	int i;

	for (i = 0; i < NR_GPRS; i++)
		if (lintel_gpr(vcpu, i) != c->gprs[i])
			lintel_set_gpr(vcpu, i, c->gprs[i]);
	lintel_set_rip(vcpu, c->rip);
	if (c->rflags != lintel_rflags(vcpu))
		lintel_set_rflags(vcpu, c->rflags);
	/* IRET loads RF and TF: they count from the next instruction on */
	if (stepped && !c->iret)
		lintel_instruction_done(vcpu);
}

/* A single step behind an iteration of a string instruction, which leaves RF as it is. */
static void iteration_done(struct lintel_vcpu *vcpu, const struct emulate_ctxt *c)
{
	if (!(c->rflags & X86_EFLAGS_TF))
		return;
	if (lintel_debug_steps(vcpu))
		lintel_vcpu_request(vcpu, REQ_DEBUG_STEP);
	else
		lintel_queue_debug(vcpu, DR_STEP);
}

/* NULL: no memory.  It is allocated here, as many guests never need it. */
static struct emulate_ctxt *prepare(struct lintel_vcpu *vcpu)
{
	struct emulate_ctxt *c = vcpu->emul;
	struct guest_paging *paging;
	struct lintel_segment cs;
	int i, err;

	if (unlikely(!c)) {
		struct interpreter *in = kzalloc(sizeof(*in), GFP_KERNEL_ACCOUNT);

		if (!in)
			return NULL;
		c = &in->ctxt;
		vcpu->emul = c;
	}
	interpreter_forget(c);
	paging = &interpreter_of(c)->paging;
	/* one for all that is read below; if it does not open, the VM is dead */
	err = vmx_window_begin(vcpu);
	c->ops = &ops;
	c->private = vcpu;
	lintel_reg_need(vcpu, REG_ALL);
	for (i = 0; i < NR_GPRS; i++)
		c->gprs[i] = vcpu->gpr[i];
	c->rip = vcpu->rip;
	c->rflags = vcpu->rflags;
	lintel_paging_state(vcpu, paging);
	interpreter_of(c)->paging_known = true;
	c->cr0 = paging->cr0;
	c->cr4 = paging->cr4;
	c->efer = vcpu->efer;
	c->cpl = paging->cpl;
	lintel_get_segment(vcpu, SEG_CS, &cs);
	if (!err)
		vmx_window_end(vcpu);
	c->mode = emulate_mode_of(c->cr0, c->rflags, c->efer, cs.ar);
	c->stop = false;
	return c;
}

static void raise(struct lintel_vcpu *vcpu, const struct emulate_exception *ex)
{
	if (ex->vector == X86_TRAP_PF)
		lintel_queue_page_fault(vcpu, ex->address, ex->error_code);
	else if (ex->vector == X86_TRAP_DB)
		lintel_queue_debug(vcpu, ex->address);
	else
		lintel_queue_exception(vcpu, ex->vector, ex->has_error_code, ex->error_code);
}

static void instruction_retired(struct lintel_vcpu *vcpu, const struct emulate_ctxt *c)
{
	u32 state = lintel_interruptibility(vcpu);

	if (c->shadow & EMULATE_SHADOW_STI)
		state |= GUEST_INTR_STATE_STI;
	if (c->shadow & EMULATE_SHADOW_MOV_SS)
		state |= GUEST_INTR_STATE_MOV_SS;
	if (c->iret)
		state &= ~GUEST_INTR_STATE_NMI;
	if (state != lintel_interruptibility(vcpu))
		lintel_set_interruptibility(vcpu, state);
	if (c->halted)
		lintel_halt(vcpu);
}

/* What the queued accesses of this call mean for KVM_RUN. */
static int to_user(struct lintel_vcpu *vcpu)
{
	struct lintel_io *io = &vcpu->io;

	if (io->nr_fragments)
		return lintel_mmio_exit(vcpu);
	if (io->pio_out) {
		io->pio_out = false;
		return TO_USER;
	}
	io->complete = complete_string_in;
	return TO_USER;
}

/* A program in the guest must not be able to end it: only its kernel's failures are reported. */
static int emulation_failed(struct lintel_vcpu *vcpu, const struct emulate_ctxt *c)
{
	if (vcpu->vm->exit_on_emulation_failure || !lintel_cpl(vcpu))
		return lintel_emulation_failed(vcpu, c->insn.bytes, c->insn.fetched);
	lintel_inject_ud(vcpu);
	return RESUME;
}

int lintel_interpret(struct lintel_vcpu *vcpu)
{
	struct emulate_ctxt *c = prepare(vcpu);
	int ret, idx;

	if (!c)
		return -ENOMEM;
	vcpu->io.pio_out = false;
	vcpu->stats.emulated++;
	idx = lintel_memory_hold(vcpu->vm);
	ret = emulate_one(c);
	lintel_memory_release(vcpu->vm, idx);
	if (READ_ONCE(vcpu->vm->dead))
		return -EIO;
	write_back(vcpu, c, ret == EMULATE_OK && c->retired);
	switch (ret) {
	case EMULATE_OK:
		if (c->retired)
			instruction_retired(vcpu, c);
		else if (c->unfinished)
			iteration_done(vcpu, c);
		if (vcpu->io.nr_fragments || vcpu->io.pio_out)
			return to_user(vcpu);
		return c->halted ? lintel_halt_exit(vcpu) : RESUME;
	case EMULATE_FAULT:
		raise(vcpu, &c->exception);
		return RESUME;
	case EMULATE_TO_USER:
		return to_user(vcpu);
	default:
		emulate_reset(c);
		memset(&vcpu->io, 0, sizeof(vcpu->io));
		return emulation_failed(vcpu, c);
	}
}

int lintel_interpret_task(struct lintel_vcpu *vcpu, const struct emulate_task *task)
{
	struct emulate_ctxt *c = prepare(vcpu);
	int ret, idx;

	if (!c)
		return -ENOMEM;
	vcpu->stats.emulated++;
	idx = lintel_memory_hold(vcpu->vm);
	ret = emulate_task_switch(c, task);
	lintel_memory_release(vcpu->vm, idx);
	if (READ_ONCE(vcpu->vm->dead))
		return -EIO;
	write_back(vcpu, c, false);
	if (ret == EMULATE_FAULT) {
		raise(vcpu, &c->exception);
	} else if (ret) {
		memset(&vcpu->io, 0, sizeof(vcpu->io));
		return lintel_emulation_failed(vcpu, NULL, 0);
	}
	return c->retired ? RESUME : -ENOENT;
}

/* The memory slots are held. */
static int patch_hypercall(struct lintel_vcpu *vcpu, struct emulate_ctxt *c)
{
	static const u8 vmmcall[] = { 0x0f, 0x01, 0xd9 }, vmcall[] = { 0x0f, 0x01, 0xc1 };
	struct lintel_segment cs;
	u64 linear;
	u8 byte;
	int i;

	c->system_access = false;
	lintel_get_segment(vcpu, SEG_CS, &cs);
	linear = c->mode == EMULATE_MODE_LONG64 ? c->rip : (u32)(cs.base + c->rip);
	for (i = 0; i < sizeof(vmmcall); i++)
		if (interpret_fetch(c, linear + i, &byte, 1) || byte != vmmcall[i])
			return -ENOENT;
	switch (interpret_probe_write(c, linear, sizeof(vmcall))) {
	case EMULATE_OK:
		return interpret_write_mem(c, linear, vmcall, sizeof(vmcall)) ? -ENOENT : 0;
	case EMULATE_FAULT:
		raise(vcpu, &c->exception);
		return 0;
	default:
		return -ENOENT;
	}
}

bool lintel_is_emulated(struct lintel_vcpu *vcpu)
{
	struct emulate_ctxt *c = prepare(vcpu);
	int ret, idx;

	if (!c)
		return false;
	c->system_access = false;
	idx = lintel_memory_hold(vcpu->vm);
	ret = emulate_decode(c);
	lintel_memory_release(vcpu->vm, idx);
	if (ret)
		return false;
	if (emulate_is_movbe(c))
		return !boot_cpu_has(X86_FEATURE_MOVBE) &&
		       lintel_cpuid_has(vcpu, 0x1, 0, CPUID_REG_ECX, X86_FEATURE_MOVBE % 32);
	return emulate_is_rdpid(c) && !boot_cpu_has(X86_FEATURE_RDPID) &&
	       lintel_cpuid_has(vcpu, 0x7, 0, CPUID_REG_ECX, X86_FEATURE_RDPID % 32);
}

int lintel_fix_hypercall(struct lintel_vcpu *vcpu)
{
	struct emulate_ctxt *c;
	int ret, idx;

	if (!lintel_quirk(vcpu->vm, KVM_X86_QUIRK_FIX_HYPERCALL_INSN))
		return -ENOENT;
	c = prepare(vcpu);
	if (!c)
		return -ENOMEM;
	idx = lintel_memory_hold(vcpu->vm);
	ret = patch_hypercall(vcpu, c);
	lintel_memory_release(vcpu->vm, idx);
	return ret;
}
