// SPDX-License-Identifier: GPL-2.0-only
/*
 * The interpreter's view of a vCPU: its operations, and what its results lead to.
 *
 * Memory operations translate page by page and reach RAM through the memory slots, else a chip in
 * the kernel, else user space.  An access that user space must answer is queued as fragments of at
 * most eight bytes within one page, each of which becomes one KVM_EXIT_MMIO; when all parts of a
 * read are there, the instruction is run again from its start.
 */
#include <linux/kernel.h>
#include <linux/minmax.h>
#include <linux/string.h>
#include <asm/processor-flags.h>
#include <asm/trapnr.h>
#include <asm/tsc.h>

#include "cpuid.h"
#include "cr.h"
#include "event.h"
#include "exit.h"
#include "interpret.h"
#include "msr.h"
#include "ops.h"
#include "../emulate/emulate.h"
#include "../irq/irq.h"
#include "../regs.h"
#include "../trace.h"
#include "../vm.h"

static struct lintel_vcpu *vcpu_of(struct emulate_ctxt *c)
{
	return c->private;
}

/* --- memory --- */

/* Linear to guest-physical; EMULATE_FAULT with #PF recorded. */
static int translate(struct emulate_ctxt *c, u64 linear, unsigned int access, gpa_t *gpa)
{
	struct lintel_vcpu *vcpu = vcpu_of(c);
	struct guest_walk_fault fault;
	struct guest_paging paging;

	lintel_paging_state(vcpu, &paging);
	paging.system_access = c->system_access;
	if (!lintel_is_long_mode(vcpu))
		linear = (u32)linear;
	switch (lintel_guest_walk(vcpu->vm, &paging, linear, access, gpa, &fault)) {
	case 0:
		return EMULATE_OK;
	case 1:
		return emulate_raise_pf(c, fault.address, fault.error_code);
	default:
		return EMULATE_UNHANDLED;
	}
}

static unsigned int within_page(u64 address, unsigned int n)
{
	return min_t(unsigned int, n, PAGE_SIZE - (address & (PAGE_SIZE - 1)));
}

/* A part of an access, inside one page of guest-physical memory. */
struct part {
	gpa_t gpa;
	unsigned int len;
};

/* An access crosses at most one page boundary: one or two parts. */
static int split(struct emulate_ctxt *c, u64 linear, unsigned int n, unsigned int access,
		 struct part parts[2])
{
	unsigned int first = within_page(linear, n);
	int ret;

	parts[0].len = first;
	parts[1].len = n - first;
	ret = translate(c, linear, access, &parts[0].gpa);
	if (!ret && parts[1].len)
		ret = translate(c, linear + first, access, &parts[1].gpa);
	return ret;
}

static int fetch(struct emulate_ctxt *c, u64 linear, void *bytes, unsigned int n)
{
	gpa_t gpa;
	int ret = translate(c, linear, ACCESS_EXEC, &gpa);

	if (ret)
		return ret;
	return lintel_guest_read(vcpu_of(c)->vm, gpa, bytes, n) ? EMULATE_UNHANDLED : EMULATE_OK;
}

static bool queue_fragment(struct lintel_vcpu *vcpu, gpa_t gpa, unsigned int len, bool write,
			   const void *data)
{
	struct lintel_io *io = &vcpu->io;
	struct lintel_io_fragment *f;

	if (io->nr_fragments >= LINTEL_IO_FRAGMENTS)
		return false;
	f = &io->fragment[io->nr_fragments++];
	f->gpa = gpa;
	f->len = len;
	f->write = write;
	if (write)
		memcpy(f->data, data, len);
	return true;
}

/* One aligned-by-fragment device access; user space's answer is looked up by position. */
static int device_read(struct lintel_vcpu *vcpu, gpa_t gpa, u8 *val, unsigned int n,
		       unsigned int *used)
{
	struct lintel_io *io = &vcpu->io;
	bool answered = io->reading && io->done == io->nr_fragments;

	for (; n; ) {
		unsigned int len = min(n, 8U);
		const struct lintel_io_fragment *f = &io->fragment[*used];

		if (lintel_chip_mmio(vcpu, gpa, len, val, false)) {
			trace_lintel_mmio(vcpu, false, gpa, len, 0);
		} else if (answered && *used < io->nr_fragments && f->gpa == gpa && f->len == len) {
			memcpy(val, f->data, len);
			(*used)++;
		} else {
			if (answered || !queue_fragment(vcpu, gpa, len, false, NULL))
				return EMULATE_UNHANDLED;
			(*used)++;
		}
		gpa += len;
		val += len;
		n -= len;
	}
	return EMULATE_OK;
}

static int read_mem(struct emulate_ctxt *c, u64 linear, void *val, unsigned int n)
{
	struct lintel_vcpu *vcpu = vcpu_of(c);
	struct lintel_io *io = &vcpu->io;
	unsigned int used = 0;
	struct part parts[2];
	int i, ret;

	ret = split(c, linear, n, ACCESS_READ, parts);
	if (ret)
		return ret;
	for (i = 0; i < 2 && parts[i].len; val += parts[i].len, i++) {
		ret = lintel_guest_read(vcpu->vm, parts[i].gpa, val, parts[i].len);
		if (!ret)
			continue;
		if (ret != -ENXIO || n > 16)
			return EMULATE_UNHANDLED;
		ret = device_read(vcpu, parts[i].gpa, val, parts[i].len, &used);
		if (ret)
			return ret;
	}
	if (!used)
		return EMULATE_OK;
	if (io->reading && io->done == io->nr_fragments) {
		/* given: the interpreter remembers the value */
		io->reading = false;
		io->nr_fragments = 0;
		io->done = 0;
		return EMULATE_OK;
	}
	io->reading = true;
	return EMULATE_TO_USER;
}

static int device_write(struct lintel_vcpu *vcpu, gpa_t gpa, const u8 *val, unsigned int n)
{
	for (; n; ) {
		unsigned int len = min(n, 8U);
		u8 copy[8];

		memcpy(copy, val, len);
		if (!lintel_chip_mmio(vcpu, gpa, len, copy, true) &&
		    !queue_fragment(vcpu, gpa, len, true, val))
			return EMULATE_UNHANDLED;
		gpa += len;
		val += len;
		n -= len;
	}
	return EMULATE_OK;
}

static int write_mem(struct emulate_ctxt *c, u64 linear, const void *val, unsigned int n)
{
	struct lintel_vcpu *vcpu = vcpu_of(c);
	struct part parts[2];
	int i, ret;

	ret = split(c, linear, n, ACCESS_WRITE, parts);
	if (ret)
		return ret;
	for (i = 0; i < 2 && parts[i].len; val += parts[i].len, i++) {
		ret = lintel_guest_write(vcpu->vm, parts[i].gpa, val, parts[i].len);
		if (!ret)
			continue;
		if (ret != -ENXIO || n > 16)
			return EMULATE_UNHANDLED;
		ret = device_write(vcpu, parts[i].gpa, val, parts[i].len);
		if (ret)
			return ret;
		c->stop = true;
	}
	return EMULATE_OK;
}

static int cmpxchg_mem(struct emulate_ctxt *c, u64 linear, const void *old, const void *new,
		       unsigned int n)
{
	struct lintel_vcpu *vcpu = vcpu_of(c);
	struct part parts[2];
	int ret;

	ret = split(c, linear, n, ACCESS_WRITE, parts);
	if (ret)
		return ret;
	if (parts[1].len || n > 8 || (parts[0].gpa & (n - 1)))
		return write_mem(c, linear, new, n);
	switch (lintel_guest_cmpxchg(vcpu->vm, parts[0].gpa, old, new, n)) {
	case 0:
		return EMULATE_OK;
	case 1:
		return EMULATE_RETRY;
	case -ENXIO:
		return write_mem(c, linear, new, n);
	default:
		return EMULATE_UNHANDLED;
	}
}

static int probe_write(struct emulate_ctxt *c, u64 linear, unsigned int n)
{
	struct lintel_vcpu *vcpu = vcpu_of(c);
	struct part parts[2];
	int ret = split(c, linear, n, ACCESS_WRITE, parts);

	if (ret)
		return ret;
	if (!lintel_gpa_has_memory(vcpu->vm, parts[0].gpa, true) ||
	    (parts[1].len && !lintel_gpa_has_memory(vcpu->vm, parts[1].gpa, true)))
		return EMULATE_TO_USER;
	return EMULATE_OK;
}

/* --- ports --- */

static int pio_in(struct emulate_ctxt *c, u16 port, unsigned int size, void *val,
		  unsigned int count)
{
	struct lintel_vcpu *vcpu = vcpu_of(c);
	struct lintel_io *io = &vcpu->io;
	unsigned int i;

	if (io->pio_valid) {
		io->pio_valid = false;
		if (io->pio_port != port || io->pio_size != size || io->pio_count != count)
			return EMULATE_UNHANDLED;
		memcpy(val, vcpu->pio_data, size * count);
		return EMULATE_OK;
	}
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
	if (lintel_chip_pio(vcpu, port, size, &copy, true)) {
		for (i = 1; i < count; i++) {
			memcpy(&copy, val + i * size, size);
			lintel_chip_pio(vcpu, port, size, &copy, true);
		}
		return EMULATE_OK;
	}
	memcpy(vcpu->pio_data, val, size * count);
	lintel_pio_exit(vcpu, port, size, count, true);
	vcpu->io.pio_out = true;
	c->stop = true;
	return EMULATE_OK;
}

/* --- registers --- */

static int get_segment(struct emulate_ctxt *c, enum emulate_seg seg, struct emulate_segment *s)
{
	struct lintel_segment got;

	lintel_get_segment(vcpu_of(c), (enum lintel_seg)seg, &got);
	s->base = got.base;
	s->limit = got.limit;
	s->ar = got.ar;
	s->selector = got.selector;
	return EMULATE_OK;
}

static int set_segment(struct emulate_ctxt *c, enum emulate_seg seg,
		       const struct emulate_segment *s)
{
	struct lintel_segment set = {
		.base = s->base, .limit = s->limit, .ar = s->ar, .selector = s->selector,
	};

	lintel_set_segment(vcpu_of(c), (enum lintel_seg)seg, &set);
	return EMULATE_OK;
}

static int get_desc_table(struct emulate_ctxt *c, enum emulate_table table,
			  struct emulate_desc_table *t)
{
	if (vmx_window_begin(vcpu_of(c)))
		return EMULATE_UNHANDLED;
	if (table == EMULATE_GDT) {
		t->base = vmcs_readl(GUEST_GDTR_BASE);
		t->limit = vmcs_read32(GUEST_GDTR_LIMIT);
	} else {
		t->base = vmcs_readl(GUEST_IDTR_BASE);
		t->limit = vmcs_read32(GUEST_IDTR_LIMIT);
	}
	vmx_window_end(vcpu_of(c));
	return EMULATE_OK;
}

static int set_desc_table(struct emulate_ctxt *c, enum emulate_table table,
			  const struct emulate_desc_table *t)
{
	if (vmx_window_begin(vcpu_of(c)))
		return EMULATE_UNHANDLED;
	if (table == EMULATE_GDT) {
		vmcs_writel(GUEST_GDTR_BASE, t->base);
		vmcs_write32(GUEST_GDTR_LIMIT, t->limit);
	} else {
		vmcs_writel(GUEST_IDTR_BASE, t->base);
		vmcs_write32(GUEST_IDTR_LIMIT, t->limit);
	}
	vmx_window_end(vcpu_of(c));
	return EMULATE_OK;
}

static int get_cr(struct emulate_ctxt *c, unsigned int nr, u64 *val)
{
	struct lintel_vcpu *vcpu = vcpu_of(c);

	switch (nr) {
	case 0:
		*val = lintel_cr0(vcpu);
		return EMULATE_OK;
	case 2:
		*val = vcpu->cr2;
		return EMULATE_OK;
	case 3:
		*val = lintel_cr3(vcpu);
		return EMULATE_OK;
	case 4:
		*val = lintel_cr4(vcpu);
		return EMULATE_OK;
	default:
		return EMULATE_UNHANDLED;
	}
}

static int set_cr(struct emulate_ctxt *c, unsigned int nr, u64 val)
{
	struct lintel_vcpu *vcpu = vcpu_of(c);
	int ret;

	switch (nr) {
	case 0:
		ret = lintel_set_cr0(vcpu, val);
		break;
	case 2:
		vcpu->cr2 = val;
		return EMULATE_OK;
	case 3:
		ret = lintel_set_cr3(vcpu, val);
		break;
	case 4:
		ret = lintel_set_cr4(vcpu, val);
		break;
	default:
		return EMULATE_UNHANDLED;
	}
	if (ret > 0)
		return emulate_raise_error(c, X86_TRAP_GP, 0);
	c->cr0 = vcpu->cr0;
	c->cr4 = vcpu->cr4;
	c->efer = vcpu->efer;
	return ret ? EMULATE_UNHANDLED : EMULATE_OK;
}

static int get_msr(struct emulate_ctxt *c, u32 msr, u64 *val)
{
	return lintel_msr_get(vcpu_of(c), msr, val, false) ?
	       emulate_raise_error(c, X86_TRAP_GP, 0) : EMULATE_OK;
}

static int set_msr(struct emulate_ctxt *c, u32 msr, u64 val)
{
	return lintel_msr_set(vcpu_of(c), msr, val, false) ?
	       emulate_raise_error(c, X86_TRAP_GP, 0) : EMULATE_OK;
}

static int get_xmm(struct emulate_ctxt *c, unsigned int nr, void *val)
{
	memcpy(val, guest_fpu_xmm(vcpu_of(c), nr), 16);
	return EMULATE_OK;
}

static int set_xmm(struct emulate_ctxt *c, unsigned int nr, const void *val)
{
	memcpy(guest_fpu_xmm(vcpu_of(c), nr), val, 16);
	return EMULATE_OK;
}

static int do_cpuid(struct emulate_ctxt *c, u32 *eax, u32 *ebx, u32 *ecx, u32 *edx)
{
	lintel_cpuid_query(vcpu_of(c), eax, ebx, ecx, edx);
	return EMULATE_OK;
}

static int do_rdtsc(struct emulate_ctxt *c, u64 *tsc)
{
	*tsc = lintel_vcpu_guest_tsc(vcpu_of(c), rdtsc());
	return EMULATE_OK;
}

static int do_invlpg(struct emulate_ctxt *c, u64 linear)
{
	lintel_vcpu_request(vcpu_of(c), REQ_TLB_FLUSH);
	return EMULATE_OK;
}

static const struct emulate_ops ops = {
	.fetch = fetch,
	.read_mem = read_mem,
	.write_mem = write_mem,
	.cmpxchg_mem = cmpxchg_mem,
	.probe_write = probe_write,
	.pio_in = pio_in,
	.pio_out = pio_out,
	.get_segment = get_segment,
	.set_segment = set_segment,
	.get_desc_table = get_desc_table,
	.set_desc_table = set_desc_table,
	.get_cr = get_cr,
	.set_cr = set_cr,
	.get_msr = get_msr,
	.set_msr = set_msr,
	.get_xmm = get_xmm,
	.set_xmm = set_xmm,
	.cpuid = do_cpuid,
	.rdtsc = do_rdtsc,
	.invlpg = do_invlpg,
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

static void prepare(struct lintel_vcpu *vcpu, struct emulate_ctxt *c)
{
	struct lintel_segment cs;
	int i;

	c->ops = &ops;
	c->private = vcpu;
	lintel_reg_need(vcpu, REG_ALL);
	for (i = 0; i < NR_GPRS; i++)
		c->gprs[i] = vcpu->gpr[i];
	c->rip = vcpu->rip;
	c->rflags = vcpu->rflags;
	c->cr0 = lintel_cr0(vcpu);
	c->cr4 = lintel_cr4(vcpu);
	c->efer = vcpu->efer;
	c->cpl = lintel_cpl(vcpu);
	lintel_get_segment(vcpu, SEG_CS, &cs);
	c->mode = emulate_mode_of(c->cr0, c->rflags, c->efer, cs.ar);
	c->stop = false;
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

int lintel_interpret(struct lintel_vcpu *vcpu)
{
	struct emulate_ctxt *c = &vcpu->emul;
	int ret;

	prepare(vcpu, c);
	vcpu->io.pio_out = false;
	vcpu->stats.emulated++;
	ret = emulate_one(c);
	if (READ_ONCE(vcpu->vm->dead))
		return -EIO;
	write_back(vcpu, c, ret == EMULATE_OK && c->retired);
	switch (ret) {
	case EMULATE_OK:
		if (c->retired)
			instruction_retired(vcpu, c);
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
		return lintel_emulation_failed(vcpu, c->insn.bytes, c->insn.fetched);
	}
}
