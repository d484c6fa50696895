// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exits of single instructions that need little: CPUID, HLT, MSRs, XSETBV, VMCALL and so on.
 */
#include <linux/sched.h>
#include <asm/processor-flags.h>
#include <asm/smp.h>
#include <asm/tsc.h>

#include "cpuid.h"
#include "event.h"
#include "exit.h"
#include "fpu.h"
#include "msr.h"
#include "msr_filter.h"
#include "ple.h"
#include "../paravirt/hypercall.h"
#include "../paravirt/yield.h"
#include "../pmu/pmu.h"
#include "../regs.h"
#include "../trace.h"
#include "../vm.h"

int exit_cpuid(struct lintel_vcpu *vcpu)
{
	u32 leaf = vcpu->gpr[GPR_RAX], index = vcpu->gpr[GPR_RCX];
	u32 eax = leaf, ebx, ecx = index, edx;

	lintel_cpuid_query(vcpu, &eax, &ebx, &ecx, &edx);
	trace_lintel_cpuid(vcpu, leaf, index, eax, ebx, ecx, edx);
	vcpu->gpr[GPR_RAX] = eax;
	vcpu->gpr[GPR_RBX] = ebx;
	vcpu->gpr[GPR_RCX] = ecx;
	vcpu->gpr[GPR_RDX] = edx;
	lintel_skip_instruction(vcpu);
	return RESUME;
}

int exit_hlt(struct lintel_vcpu *vcpu)
{
	lintel_skip_instruction(vcpu);
	lintel_halt(vcpu);
	return lintel_halt_exit(vcpu);
}

/* INVD would throw away the host's dirty lines. */
int exit_skip(struct lintel_vcpu *vcpu)
{
	lintel_skip_instruction(vcpu);
	return RESUME;
}

/* Slow for everyone, and memory is coherent, but for a device whose DMA does not look into caches. */
int exit_wbinvd(struct lintel_vcpu *vcpu)
{
	if (unlikely(READ_ONCE(vcpu->vm->incoherent_dma)))
		wbinvd_on_all_cpus();
	return exit_skip(vcpu);
}

int exit_pause(struct lintel_vcpu *vcpu)
{
	lintel_skip_instruction(vcpu);
	vmx_ple_spun(vcpu);
	lintel_yield_on_spin(vcpu);
	return RESUME;
}

int exit_ud(struct lintel_vcpu *vcpu)
{
	lintel_inject_ud(vcpu);
	return RESUME;
}

/* Where they exit they are no operations, or what the guest's CPUID says. */
int exit_mwait(struct lintel_vcpu *vcpu)
{
	if (lintel_quirk(vcpu->vm, KVM_X86_QUIRK_MWAIT_NEVER_UD_FAULTS) ||
	    lintel_cpuid_has_mwait(vcpu))
		return exit_skip(vcpu);
	return exit_ud(vcpu);
}

/* Not intercepted, unless a CPU without true controls demands it. */
int exit_invlpg(struct lintel_vcpu *vcpu)
{
	lintel_vcpu_request(vcpu, REQ_TLB_FLUSH);
	lintel_skip_instruction(vcpu);
	return RESUME;
}

int exit_rdtsc(struct lintel_vcpu *vcpu)
{
	lintel_set_edx_eax(vcpu, lintel_vcpu_guest_tsc(vcpu, rdtsc()));
	lintel_skip_instruction(vcpu);
	return RESUME;
}

int exit_rdpmc(struct lintel_vcpu *vcpu)
{
	u64 value;

	/* real mode has all privilege */
	if ((!(lintel_cr4(vcpu) & X86_CR4_PCE) && (vcpu->cr0 & X86_CR0_PE) && lintel_cpl(vcpu)) ||
	    lintel_pmu_rdpmc(vcpu, vcpu->gpr[GPR_RCX], &value)) {
		lintel_inject_gp(vcpu);
		return RESUME;
	}
	lintel_set_edx_eax(vcpu, value);
	lintel_skip_instruction(vcpu);
	return RESUME;
}

/* The exit comes before the privilege check only in the SDM's order: CPL > 0 has got its #GP already. */
int exit_msr_read(struct lintel_vcpu *vcpu)
{
	u32 msr = vcpu->gpr[GPR_RCX];
	u64 value = 0;
	int err = -EPERM;

	if (lintel_msr_allowed(vcpu, msr, KVM_MSR_FILTER_READ))
		err = lintel_msr_get(vcpu, msr, &value, false);
	trace_lintel_msr(vcpu, false, msr, value, err);
	if (err)
		return lintel_msr_to_user(vcpu, msr, 0, false, err);
	lintel_set_edx_eax(vcpu, value);
	lintel_skip_instruction(vcpu);
	return RESUME;
}

int exit_msr_write(struct lintel_vcpu *vcpu)
{
	u32 msr = vcpu->gpr[GPR_RCX];
	u64 value = (u32)vcpu->gpr[GPR_RAX] | (u64)(u32)vcpu->gpr[GPR_RDX] << 32;
	int err = -EPERM;

	if (lintel_msr_allowed(vcpu, msr, KVM_MSR_FILTER_WRITE))
		err = lintel_msr_set(vcpu, msr, value, false);
	trace_lintel_msr(vcpu, true, msr, value, err);
	if (err)
		return lintel_msr_to_user(vcpu, msr, value, true, err);
	lintel_skip_instruction(vcpu);
	return RESUME;
}

/* Unlike the others XSETBV exits before its privilege check. */
int exit_xsetbv(struct lintel_vcpu *vcpu)
{
	u64 value = (u32)vcpu->gpr[GPR_RAX] | (u64)(u32)vcpu->gpr[GPR_RDX] << 32;

	if (lintel_cpl(vcpu) || (u32)vcpu->gpr[GPR_RCX] || lintel_set_xcr0(vcpu, value))
		lintel_inject_gp(vcpu);
	else
		lintel_skip_instruction(vcpu);
	return RESUME;
}

int exit_vmcall(struct lintel_vcpu *vcpu)
{
	int ret = lintel_hypercall(vcpu, lintel_is_64bit(vcpu), lintel_cpl(vcpu));

	lintel_skip_instruction(vcpu);
	return ret;
}

int exit_triple_fault(struct lintel_vcpu *vcpu)
{
	vcpu->run->exit_reason = KVM_EXIT_SHUTDOWN;
	return TO_USER;
}
