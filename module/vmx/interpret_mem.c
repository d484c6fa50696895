// SPDX-License-Identifier: GPL-2.0-only
/*
 * The interpreter's memory operations.
 *
 * They translate page by page and reach RAM through the memory slots, else a chip or a doorbell in
 * the kernel, else user space.  An access that user space must answer is queued as fragments of at
 * most eight bytes within one page, each of which becomes one KVM_EXIT_MMIO; when all parts of a
 * read are there, the instruction is run again from its start.
 *
 * interpret.c holds the memory slots for the whole of an instruction.
 */
#include <linux/kernel.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/nospec.h>
#include <linux/string.h>

#include "exit.h"
#include "interpret_ops.h"
#include "../irq/irq.h"
#include "../regs.h"
#include "../trace.h"
#include "../vm.h"

/* Linear to guest-physical; EMULATE_FAULT with #PF recorded. */
static int translate(struct emulate_ctxt *c, u64 linear, unsigned int access, gpa_t *gpa)
{
	struct interpreter *in = interpreter_of(c);
	typeof(in->last[0]) *last = &in->last[array_index_nospec(access, ARRAY_SIZE(in->last))];
	struct lintel_vcpu *vcpu = vcpu_of(c);
	struct guest_walk_fault fault;

	if (!lintel_is_long_mode(vcpu))
		linear = (u32)linear;
	if (last->known && last->page == (linear & PAGE_MASK) &&
	    last->system_access == c->system_access) {
		*gpa = last->gpa + offset_in_page(linear);
		return EMULATE_OK;
	}
	if (!in->paging_known)
		lintel_paging_state(vcpu, &in->paging);
	in->paging_known = true;
	in->paging.system_access = c->system_access;
	switch (lintel_guest_walk_held(vcpu->vm, &in->paging, linear, access, gpa, &fault)) {
	case 0:
		last->known = true;
		last->system_access = c->system_access;
		last->page = linear & PAGE_MASK;
		last->gpa = *gpa & PAGE_MASK;
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

/* In long mode, from a page that this vCPU fetched from before, there is no need to walk. */
static bool fetch_quick(struct emulate_ctxt *c, u64 linear, void *bytes, unsigned int n)
{
	struct interpreter *in = interpreter_of(c);
	struct lintel_vcpu *vcpu = vcpu_of(c);
	u64 words[2];

	if (!lintel_is_long_mode(vcpu) || !in->paging_known || c->system_access ||
	    n > sizeof(words))
		return false;
	in->paging.system_access = false;
	if (lintel_guest_fetch(vcpu, &in->paging, linear, words))
		return false;
	memcpy(bytes, words, n);
	return true;
}

int interpret_fetch(struct emulate_ctxt *c, u64 linear, void *bytes, unsigned int n)
{
	gpa_t gpa;
	int ret;

	if (fetch_quick(c, linear, bytes, n))
		return EMULATE_OK;
	ret = translate(c, linear, ACCESS_EXEC, &gpa);
	if (ret)
		return ret;
	if (lintel_guest_read_held(vcpu_of(c)->vm, gpa, bytes, n))
		return EMULATE_UNHANDLED;
	return EMULATE_OK;
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

		if (!answered)
			trace_lintel_mmio(vcpu, false, gpa, len, 0);
		if (lintel_chip_mmio(vcpu, gpa, len, val, false)) {
			/* read */
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

int interpret_read_mem(struct emulate_ctxt *c, u64 linear, void *val, unsigned int n)
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
		ret = lintel_guest_read_held(vcpu->vm, parts[i].gpa, val, parts[i].len);
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
		u8 copy[8] __aligned(8) = {};

		memcpy(copy, val, len);
		if (trace_lintel_mmio_enabled())
			trace_lintel_mmio(vcpu, true, gpa, len, *(u64 *)copy);
		if (!lintel_chip_mmio(vcpu, gpa, len, copy, true) &&
		    !lintel_write_taken(vcpu, false, gpa, len, copy) &&
		    !queue_fragment(vcpu, gpa, len, true, val))
			return EMULATE_UNHANDLED;
		gpa += len;
		val += len;
		n -= len;
	}
	return EMULATE_OK;
}

int interpret_write_mem(struct emulate_ctxt *c, u64 linear, const void *val, unsigned int n)
{
	struct lintel_vcpu *vcpu = vcpu_of(c);
	struct part parts[2];
	int i, ret;

	ret = split(c, linear, n, ACCESS_WRITE, parts);
	if (ret)
		return ret;
	for (i = 0; i < 2 && parts[i].len; val += parts[i].len, i++) {
		ret = lintel_guest_write_held(vcpu->vm, parts[i].gpa, val, parts[i].len);
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

int interpret_cmpxchg_mem(struct emulate_ctxt *c, u64 linear, const void *old, const void *new,
			  unsigned int n)
{
	struct lintel_vcpu *vcpu = vcpu_of(c);
	struct part parts[2];
	int ret;

	ret = split(c, linear, n, ACCESS_WRITE, parts);
	if (ret)
		return ret;
	if (parts[1].len || n > 8 || (parts[0].gpa & (n - 1)))
		return interpret_write_mem(c, linear, new, n);
	switch (lintel_guest_cmpxchg(vcpu->vm, parts[0].gpa, old, new, n)) {
	case 0:
		return EMULATE_OK;
	case 1:
		return EMULATE_RETRY;
	case -ENXIO:
		return interpret_write_mem(c, linear, new, n);
	default:
		return EMULATE_UNHANDLED;
	}
}

int interpret_probe_write(struct emulate_ctxt *c, u64 linear, unsigned int n)
{
	struct lintel_vcpu *vcpu = vcpu_of(c);
	struct part parts[2];
	int ret = split(c, linear, n, ACCESS_WRITE, parts);

	if (ret)
		return ret;
	if (!lintel_gpa_has_memory_held(vcpu->vm, parts[0].gpa, true) ||
	    (parts[1].len && !lintel_gpa_has_memory_held(vcpu->vm, parts[1].gpa, true)))
		return EMULATE_TO_USER;
	return EMULATE_OK;
}
