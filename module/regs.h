/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Guest registers that live in the VMCS, in and out.
 *
 * RIP, RSP, RFLAGS and the interruptibility state are cached in struct lintel_vcpu from their
 * first use after an exit and written back before the next entry.  Segments, descriptor tables
 * and control registers go straight to the VMCS.  All functions here open a window themselves
 * (nested is fine) and answer -EIO when the VM is dead; vcpu->mutex held and vCPU loaded.
 */
#ifndef LINTEL_REGS_H
#define LINTEL_REGS_H

#include <linux/kvm.h>

#include "ept/ept.h"
#include "vcpu.h"

/* reg_cache - make sure that the registers in @mask (enum lintel_cached_reg) are valid. */
void lintel_reg_cache(struct lintel_vcpu *vcpu, u32 mask);
/* reg_read - all of them, after an exit; in a window. */
void lintel_reg_read(struct lintel_vcpu *vcpu);
/* reg_read_end - those that the end of an instruction and kvm_run ask for; in a window. */
void lintel_reg_read_end(struct lintel_vcpu *vcpu);
/* reg_flush - write changed ones back; in a window. */
void lintel_reg_flush(struct lintel_vcpu *vcpu);

static inline void lintel_reg_need(struct lintel_vcpu *vcpu, u32 mask)
{
	if (unlikely((vcpu->reg_cached & mask) != mask))
		lintel_reg_cache(vcpu, mask);
}

static inline unsigned long lintel_rip(struct lintel_vcpu *vcpu)
{
	lintel_reg_need(vcpu, REG_RIP);
	return vcpu->rip;
}

static inline void lintel_set_rip(struct lintel_vcpu *vcpu, unsigned long rip)
{
	vcpu->rip = rip;
	vcpu->reg_cached |= REG_RIP;
	vcpu->reg_dirty |= REG_RIP;
}

static inline unsigned long lintel_rflags(struct lintel_vcpu *vcpu)
{
	lintel_reg_need(vcpu, REG_RFLAGS);
	return vcpu->rflags;
}

static inline void lintel_set_rflags(struct lintel_vcpu *vcpu, unsigned long rflags)
{
	vcpu->rflags = rflags;
	vcpu->reg_cached |= REG_RFLAGS;
	vcpu->reg_dirty |= REG_RFLAGS;
}

static inline unsigned long lintel_gpr(struct lintel_vcpu *vcpu, enum lintel_gpr reg)
{
	if (reg == GPR_RSP)
		lintel_reg_need(vcpu, REG_RSP);
	return vcpu->gpr[reg];
}

static inline void lintel_set_gpr(struct lintel_vcpu *vcpu, enum lintel_gpr reg, unsigned long val)
{
	vcpu->gpr[reg] = val;
	if (reg == GPR_RSP) {
		vcpu->reg_cached |= REG_RSP;
		vcpu->reg_dirty |= REG_RSP;
	}
}

/* lintel_set_edx_eax - the result of RDMSR and the like. */
static __always_inline void lintel_set_edx_eax(struct lintel_vcpu *vcpu, u64 value)
{
	vcpu->gpr[GPR_RAX] = lower_32_bits(value);
	vcpu->gpr[GPR_RDX] = upper_32_bits(value);
}

static inline u32 lintel_interruptibility(struct lintel_vcpu *vcpu)
{
	lintel_reg_need(vcpu, REG_INTERRUPTIBILITY);
	return vcpu->interruptibility;
}

static inline void lintel_set_interruptibility(struct lintel_vcpu *vcpu, u32 value)
{
	vcpu->interruptibility = value;
	vcpu->reg_cached |= REG_INTERRUPTIBILITY;
	vcpu->reg_dirty |= REG_INTERRUPTIBILITY;
}

/* Segments in the order of the VMCS fields and of enum emulate_seg. */
enum lintel_seg {
	SEG_ES, SEG_CS, SEG_SS, SEG_DS, SEG_FS, SEG_GS, SEG_LDTR, SEG_TR,
	NR_SEGS,
};

struct lintel_segment {
	u64 base;
	u32 limit;
	u32 ar;			/* as in the VMCS: EMULATE_AR_* */
	u16 selector;
};

void lintel_get_segment(struct lintel_vcpu *vcpu, enum lintel_seg seg, struct lintel_segment *s);
void lintel_set_segment(struct lintel_vcpu *vcpu, enum lintel_seg seg,
			const struct lintel_segment *s);

/* The current privilege level: SS.DPL (SDM, "Segment access rights"), 3 in virtual-8086 mode. */
unsigned int lintel_cpl(struct lintel_vcpu *vcpu);

unsigned long lintel_cr3(struct lintel_vcpu *vcpu);
/* The guest's CR0 and CR4 with the bits it changes without an exit. */
unsigned long lintel_cr0(struct lintel_vcpu *vcpu);
unsigned long lintel_cr4(struct lintel_vcpu *vcpu);

static inline bool lintel_is_long_mode(const struct lintel_vcpu *vcpu)
{
	return vcpu->efer & (1ULL << 10);	/* EFER.LMA */
}

/* lintel_is_64bit - long mode with CS.L: 64-bit registers are in use. */
bool lintel_is_64bit(struct lintel_vcpu *vcpu);

/* lintel_paging_state - what a software page walk needs. */
void lintel_paging_state(struct lintel_vcpu *vcpu, struct guest_paging *paging);

void lintel_get_regs(struct lintel_vcpu *vcpu, struct kvm_regs *regs);
void lintel_set_regs(struct lintel_vcpu *vcpu, const struct kvm_regs *regs);
void lintel_get_sregs(struct lintel_vcpu *vcpu, struct kvm_sregs *sregs);
/* -EINVAL: a combination that no CPU can be in. */
int lintel_set_sregs(struct lintel_vcpu *vcpu, const struct kvm_sregs *sregs);
/* The second form has the PDPTEs.  -EINVAL also: PDPTEs outside PAE paging, or an unknown flag. */
void lintel_get_sregs2(struct lintel_vcpu *vcpu, struct kvm_sregs2 *sregs2);
int lintel_set_sregs2(struct lintel_vcpu *vcpu, const struct kvm_sregs2 *sregs2);
void lintel_get_debugregs(struct lintel_vcpu *vcpu, struct kvm_debugregs *regs);
int lintel_set_debugregs(struct lintel_vcpu *vcpu, const struct kvm_debugregs *regs);
void lintel_get_vcpu_events(struct lintel_vcpu *vcpu, struct kvm_vcpu_events *events);
int lintel_set_vcpu_events(struct lintel_vcpu *vcpu, const struct kvm_vcpu_events *events);

#endif
