// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exits of control-register and debug-register accesses.
 * Source: SDM, "Exit Qualification for Control-Register Accesses" and "... for MOV DR".
 */
#include <linux/nospec.h>
#include <asm/processor-flags.h>
#include <asm/trapnr.h>

#include "cr.h"
#include "debug.h"
#include "event.h"
#include "exit.h"
#include "guest_debug.h"
#include "ops.h"
#include "../irq/irq.h"
#include "../regs.h"
#include "../vm.h"

#define CR_NUMBER(q)		((q) & 15)
#define CR_ACCESS_TYPE(q)	(((q) >> 4) & 3)
#define CR_GPR(q)		(((q) >> 8) & 15)
#define CR_LMSW_SOURCE(q)	(((q) >> 16) & 0xffff)

enum { MOV_TO_CR, MOV_FROM_CR, CLTS, LMSW };

#define CR8_RESERVED	(~15UL)

/* 0, 1 for #GP, -errno; TO_USER is told by *to_user. */
static int set_cr8(struct lintel_vcpu *vcpu, unsigned long value, bool *to_user)
{
	u64 old = vcpu->lapic ? lintel_lapic_cr8(vcpu) : vcpu->cr8;

	if (value & CR8_RESERVED)
		return 1;
	if (vcpu->lapic) {
		lintel_lapic_set_cr8(vcpu, value);
		return 0;
	}
	vcpu->cr8 = value;
	/* A lower TPR may let an interrupt through: user space has the LAPIC. */
	if (value < old) {
		vcpu->run->exit_reason = KVM_EXIT_SET_TPR;
		*to_user = true;
	}
	return 0;
}

static int mov_to_cr(struct lintel_vcpu *vcpu, unsigned int nr, unsigned long value, bool *to_user)
{
	switch (nr) {
	case 0:
		return lintel_set_cr0(vcpu, value);
	case 3:
		return lintel_set_cr3(vcpu, value);
	case 4:
		return lintel_set_cr4(vcpu, value);
	case 8:
		return set_cr8(vcpu, value, to_user);
	default:
		return -EIO;
	}
}

static void mov_from_cr(struct lintel_vcpu *vcpu, unsigned int nr, enum lintel_gpr reg)
{
	unsigned long value = lintel_cr3(vcpu);

	if (nr == 8)
		value = vcpu->lapic ? lintel_lapic_cr8(vcpu) : vcpu->cr8;
	lintel_set_gpr(vcpu, reg, lintel_is_64bit(vcpu) ? value : (u32)value);
}

int exit_cr_access(struct lintel_vcpu *vcpu)
{
	u64 q = vcpu->exit.qualification;
	unsigned long cr0, value;
	bool to_user = false;
	int ret = 0;

	switch (CR_ACCESS_TYPE(q)) {
	case MOV_TO_CR:
		value = lintel_gpr(vcpu, CR_GPR(q));
		if (!lintel_is_64bit(vcpu))
			value = (u32)value;
		ret = mov_to_cr(vcpu, CR_NUMBER(q), value, &to_user);
		break;
	case MOV_FROM_CR:
		mov_from_cr(vcpu, CR_NUMBER(q), CR_GPR(q));
		break;
	case CLTS:
		ret = lintel_set_cr0(vcpu, lintel_cr0(vcpu) & ~X86_CR0_TS);
		break;
	case LMSW:
		/* changes PE, MP, EM, TS; cannot clear PE */
		cr0 = lintel_cr0(vcpu);
		value = CR_LMSW_SOURCE(q) & 15;
		ret = lintel_set_cr0(vcpu, (cr0 & ~14UL) | value);
		break;
	}
	if (ret < 0)
		return ret;
	if (ret) {
		lintel_inject_gp(vcpu);
		return RESUME;
	}
	lintel_skip_instruction(vcpu);
	return to_user ? TO_USER : RESUME;
}

#define DR_NUMBER(q)	((q) & 7)
#define DR_FROM(q)	((q) & 16)
#define DR_GPR(q)	(((q) >> 8) & 15)

#define DR6_WRITABLE	(DR_TRAP_BITS | DR_BD | DR_STEP | 0x8000)

static void write_dr7(struct lintel_vcpu *vcpu, unsigned long value)
{
	vcpu->dr7 = (value & DR7_WRITABLE) | DR7_FIXED_1;
	lintel_write_dr7(vcpu);
}

/* 0, or 1 for #GP: bits 63:32 of DR6 and DR7 must be zero. */
static int write_dr(struct lintel_vcpu *vcpu, unsigned int nr, unsigned long value)
{
	switch (nr) {
	case 0 ... 3:
		vcpu->dr[array_index_nospec(nr, ARRAY_SIZE(vcpu->dr))] = value;
		return 0;
	case 6:
		if (value >> 32)
			return 1;
		vcpu->dr6 = (value & DR6_WRITABLE) | DR6_RESERVED;
		return 0;
	default:
		if (value >> 32)
			return 1;
		write_dr7(vcpu, value);
		return 0;
	}
}

static unsigned long read_dr(struct lintel_vcpu *vcpu, unsigned int nr)
{
	if (nr < ARRAY_SIZE(vcpu->dr))
		return vcpu->dr[array_index_nospec(nr, ARRAY_SIZE(vcpu->dr))];
	return nr == 6 ? vcpu->dr6 : vcpu->dr7;
}

/*
 * MOV DR exits before most of its checks are made: CPL and CR4.DE for the alias come first, then
 * general detect.
 */
int exit_dr_access(struct lintel_vcpu *vcpu)
{
	u64 q = vcpu->exit.qualification;
	unsigned int nr = DR_NUMBER(q);
	unsigned long value;

	if (lintel_cpl(vcpu)) {
		lintel_inject_gp(vcpu);
		return RESUME;
	}
	if (nr == 4 || nr == 5) {
		if (lintel_cr4(vcpu) & X86_CR4_DE) {
			lintel_inject_ud(vcpu);
			return RESUME;
		}
		nr += 2;
	}
	if (unlikely(lintel_debug_dr7(vcpu) & DR7_GD) && vcpu->debug.control)
		return lintel_debug_exit(vcpu, X86_TRAP_DB, DR_BD);
	if (vcpu->dr7 & DR7_GD) {
		lintel_queue_debug(vcpu, DR_BD);
		return RESUME;
	}
	if (DR_FROM(q)) {
		lintel_set_gpr(vcpu, DR_GPR(q), read_dr(vcpu, nr));
	} else {
		value = lintel_gpr(vcpu, DR_GPR(q));
		if (!lintel_is_64bit(vcpu))
			value = (u32)value;
		if (write_dr(vcpu, nr, value)) {
			lintel_inject_gp(vcpu);
			return RESUME;
		}
	}
	lintel_skip_instruction(vcpu);
	return RESUME;
}
