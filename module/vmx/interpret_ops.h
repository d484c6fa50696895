/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Between the files of the interpreter's client: the operations that interpret.c puts in one table.
 */
#ifndef LINTEL_VMX_INTERPRET_OPS_H
#define LINTEL_VMX_INTERPRET_OPS_H

#include "../emulate/emulate.h"
#include "../ept/ept.h"
#include "../vcpu.h"

/*
 * One vCPU's interpreter.  Behind the context stands what holds for one instruction, until it
 * changes a segment, a control register or an MSR: the paging state, and the last translation for
 * each kind of access, as the processor's TLB would have it.
 */
struct interpreter {
	struct emulate_ctxt ctxt;	/* first: freed by its address */
	bool paging_known;
	struct guest_paging paging;
	struct {
		bool known, system_access;
		u64 page;
		gpa_t gpa;
	} last[ACCESS_EXEC + 1];
};

static inline struct interpreter *interpreter_of(struct emulate_ctxt *c)
{
	return container_of(c, struct interpreter, ctxt);
}

static inline void interpreter_forget(struct emulate_ctxt *c)
{
	struct interpreter *in = interpreter_of(c);

	in->paging_known = false;
	in->last[ACCESS_READ].known = false;
	in->last[ACCESS_WRITE].known = false;
	in->last[ACCESS_EXEC].known = false;
}

static inline struct lintel_vcpu *vcpu_of(struct emulate_ctxt *c)
{
	return c->private;
}

/* interpret_mem.c: linear addresses; see struct emulate_ops for each contract */
int interpret_fetch(struct emulate_ctxt *c, u64 linear, void *bytes, unsigned int n);
int interpret_read_mem(struct emulate_ctxt *c, u64 linear, void *val, unsigned int n);
int interpret_write_mem(struct emulate_ctxt *c, u64 linear, const void *val, unsigned int n);
int interpret_cmpxchg_mem(struct emulate_ctxt *c, u64 linear, const void *old, const void *new,
			  unsigned int n);
int interpret_probe_write(struct emulate_ctxt *c, u64 linear, unsigned int n);

/* interpret_regs.c */
int interpret_get_segment(struct emulate_ctxt *c, enum emulate_seg seg, struct emulate_segment *s);
int interpret_set_segment(struct emulate_ctxt *c, enum emulate_seg seg,
			  const struct emulate_segment *s);
int interpret_get_desc_table(struct emulate_ctxt *c, enum emulate_table table,
			     struct emulate_desc_table *t);
int interpret_set_desc_table(struct emulate_ctxt *c, enum emulate_table table,
			     const struct emulate_desc_table *t);
int interpret_get_cr(struct emulate_ctxt *c, unsigned int nr, u64 *val);
int interpret_set_cr(struct emulate_ctxt *c, unsigned int nr, u64 val);
int interpret_get_msr(struct emulate_ctxt *c, u32 msr, u64 *val);
int interpret_set_msr(struct emulate_ctxt *c, u32 msr, u64 val);
int interpret_get_xmm(struct emulate_ctxt *c, unsigned int nr, void *val);
int interpret_set_xmm(struct emulate_ctxt *c, unsigned int nr, const void *val);
int interpret_cpuid(struct emulate_ctxt *c, u32 *eax, u32 *ebx, u32 *ecx, u32 *edx);
int interpret_rdtsc(struct emulate_ctxt *c, u64 *tsc);
int interpret_rdpid(struct emulate_ctxt *c, u64 *pid);
int interpret_invlpg(struct emulate_ctxt *c, u64 linear);

#endif
