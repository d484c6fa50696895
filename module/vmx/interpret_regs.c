// SPDX-License-Identifier: GPL-2.0-only
/*
 * The interpreter's operations on registers: each goes where the exit handler of the same
 * instruction goes.
 */
#include <linux/string.h>
#include <asm/trapnr.h>
#include <asm/tsc.h>

#include "cpuid.h"
#include "cr.h"
#include "interpret_ops.h"
#include "msr.h"
#include "msr_filter.h"
#include "ops.h"
#include "../regs.h"
#include "../vm.h"

int interpret_get_segment(struct emulate_ctxt *c, enum emulate_seg seg, struct emulate_segment *s)
{
	struct lintel_segment got;

	lintel_get_segment(vcpu_of(c), (enum lintel_seg)seg, &got);
	s->base = got.base;
	s->limit = got.limit;
	s->ar = got.ar;
	s->selector = got.selector;
	return EMULATE_OK;
}

int interpret_set_segment(struct emulate_ctxt *c, enum emulate_seg seg,
			  const struct emulate_segment *s)
{
	struct lintel_segment set = {
		.base = s->base, .limit = s->limit, .ar = s->ar, .selector = s->selector,
	};

	interpreter_forget(c);
	lintel_set_segment(vcpu_of(c), (enum lintel_seg)seg, &set);
	return EMULATE_OK;
}

int interpret_get_desc_table(struct emulate_ctxt *c, enum emulate_table table,
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

int interpret_set_desc_table(struct emulate_ctxt *c, enum emulate_table table,
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

int interpret_get_cr(struct emulate_ctxt *c, unsigned int nr, u64 *val)
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

int interpret_set_cr(struct emulate_ctxt *c, unsigned int nr, u64 val)
{
	struct lintel_vcpu *vcpu = vcpu_of(c);
	int ret;

	interpreter_forget(c);
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

int interpret_get_msr(struct emulate_ctxt *c, u32 msr, u64 *val)
{
	return !lintel_msr_allowed(vcpu_of(c), msr, KVM_MSR_FILTER_READ) ||
	       lintel_msr_get(vcpu_of(c), msr, val, false) ?
	       emulate_raise_error(c, X86_TRAP_GP, 0) : EMULATE_OK;
}

int interpret_set_msr(struct emulate_ctxt *c, u32 msr, u64 val)
{
	interpreter_forget(c);
	return !lintel_msr_allowed(vcpu_of(c), msr, KVM_MSR_FILTER_WRITE) ||
	       lintel_msr_set(vcpu_of(c), msr, val, false) ?
	       emulate_raise_error(c, X86_TRAP_GP, 0) : EMULATE_OK;
}

int interpret_get_xmm(struct emulate_ctxt *c, unsigned int nr, void *val)
{
	memcpy(val, guest_fpu_xmm(vcpu_of(c), nr), 16);
	return EMULATE_OK;
}

int interpret_set_xmm(struct emulate_ctxt *c, unsigned int nr, const void *val)
{
	memcpy(guest_fpu_xmm(vcpu_of(c), nr), val, 16);
	return EMULATE_OK;
}

int interpret_cpuid(struct emulate_ctxt *c, u32 *eax, u32 *ebx, u32 *ecx, u32 *edx)
{
	lintel_cpuid_query(vcpu_of(c), eax, ebx, ecx, edx);
	return EMULATE_OK;
}

int interpret_rdtsc(struct emulate_ctxt *c, u64 *tsc)
{
	*tsc = lintel_vcpu_guest_tsc(vcpu_of(c), rdtsc());
	return EMULATE_OK;
}

int interpret_rdpid(struct emulate_ctxt *c, u64 *pid)
{
	*pid = vcpu_of(c)->msr_tsc_aux;
	return EMULATE_OK;
}

int interpret_invlpg(struct emulate_ctxt *c, u64 linear)
{
	lintel_vcpu_request(vcpu_of(c), REQ_TLB_FLUSH);
	return EMULATE_OK;
}
