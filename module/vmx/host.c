// SPDX-License-Identifier: GPL-2.0-only
/*
 * The host's state while a vCPU is loaded.
 *
 * A VM exit loads most host registers from the VMCS: per-CPU values are written there when the
 * vCPU comes to a CPU, values that change with the thread or the mm when they differ.  What an
 * exit destroys without loading it (GDT and IDT limits, the TSS limit, data segments) and the
 * MSRs the guest uses directly are put back when the vCPU leaves the CPU.  Joined, KVM may have
 * left guest values of its own in those MSRs: so what was found is put back, whatever it was.
 */
#include <linux/percpu.h>
#include <linux/sched.h>
#include <asm/cpu_entry_area.h>
#include <asm/desc.h>
#include <asm/fsgsbase.h>
#include <asm/msr.h>
#include <asm/segment.h>
#include <asm/special_insns.h>
#include <asm/tlbflush.h>

#include "caps.h"
#include "cpu.h"
#include "host.h"
#include "ops.h"
#include "../compat.h"
#include "../vcpu.h"
#include "../vm.h"

/* Each MSR with the place of the guest's value; unrolled, as it is on the way of every KVM_RUN. */
#define FOR_EACH_SWITCHED(vcpu, DO)						\
	do {									\
		DO(SWITCH_KERNEL_GS_BASE, MSR_KERNEL_GS_BASE, (vcpu)->msr_kernel_gs_base); \
		if (cpu_feature_enabled(X86_FEATURE_RDTSCP))			\
			DO(SWITCH_TSC_AUX, MSR_TSC_AUX, (vcpu)->msr_tsc_aux);	\
		if (!(vcpu)->vmx.syscall_switched)				\
			break;							\
		DO(SWITCH_STAR, MSR_STAR, (vcpu)->msr_star);			\
		DO(SWITCH_LSTAR, MSR_LSTAR, (vcpu)->msr_lstar);			\
		DO(SWITCH_SFMASK, MSR_SYSCALL_MASK, (vcpu)->msr_sfmask);	\
	} while (0)

/* Without the kernel's tracepoint, and so inline. */
static __always_inline void write_msr(u32 msr, u64 value)
{
	native_wrmsr(msr, (u32)value, value >> 32);
}

/* Per-CPU host state: written when the vCPU comes to another CPU. */
static void write_cpu_state(struct vmx_vcpu *vmx)
{
	int cpu = smp_processor_id();
	u64 value;

	if (vmx->host_cpu == cpu)
		return;
	vmx->host_cpu = cpu;
	/* they stay where they are while the CPU is up */
	native_store_gdt(&vmx->host_gdt);
	store_idt(&vmx->host_idt);
	vmx->host_fs_base = ~0UL;	/* not written yet */
	vmcs_writel(HOST_TR_BASE, (unsigned long)&get_cpu_entry_area(cpu)->tss.x86_tss);
	vmcs_writel(HOST_GDTR_BASE, vmx->host_gdt.address);
	vmcs_writel(HOST_IDTR_BASE, vmx->host_idt.address);
	rdmsrq(MSR_GS_BASE, value);
	vmcs_writel(HOST_GS_BASE, value);
	rdmsrq(MSR_IA32_SYSENTER_ESP, value);
	vmcs_writel(HOST_IA32_SYSENTER_ESP, value);
}

/* Data segment selectors of the thread: nearly always zero in 64-bit programs. */
static void write_thread_state(struct vmx_vcpu *vmx)
{
	unsigned long fs_base;

	savesegment(ds, vmx->host_ds);
	savesegment(es, vmx->host_es);
	savesegment(fs, vmx->host_fs);
	savesegment(gs, vmx->host_gs);
	store_ldt(vmx->host_ldt);
	vmx->host_selectors = vmx->host_ds | vmx->host_es | vmx->host_fs | vmx->host_gs |
			      vmx->host_ldt;
	/* what RDFSBASE needs was set up with the kernel's own use of it */
	fs_base = cpu_feature_enabled(X86_FEATURE_FSGSBASE) ? rdfsbase() : __rdmsr(MSR_FS_BASE);
	if (fs_base != vmx->host_fs_base) {
		vmx->host_fs_base = fs_base;
		vmcs_writel(HOST_FS_BASE, fs_base);
	}
}

/*
 * Without EFER.SCE a guest's SYSCALL is #UD, and its three MSRs are looked at by nobody: RDMSR and
 * WRMSR exit.
 */
static void load_msrs(struct lintel_vcpu *vcpu)
{
#define LOAD(i, msr, value)							\
	do {									\
		vcpu->vmx.found[i] = __rdmsr(msr);				\
		if ((value) != vcpu->vmx.found[i])				\
			write_msr(msr, value);					\
	} while (0)

	vcpu->vmx.syscall_switched = vcpu->efer & EFER_SCE;
	FOR_EACH_SWITCHED(vcpu, LOAD);
#undef LOAD
}

static void put_msrs(struct lintel_vcpu *vcpu)
{
#define PUT(i, msr, value)							\
	do {									\
		if ((value) != vcpu->vmx.found[i])				\
			write_msr(msr, vcpu->vmx.found[i]);			\
	} while (0)

	/* The only one of them that the guest changes without an exit (SWAPGS, WRMSR). */
	vcpu->msr_kernel_gs_base = __rdmsr(MSR_KERNEL_GS_BASE);
	FOR_EACH_SWITCHED(vcpu, PUT);
#undef PUT
}

/* One guest's branch predictions must not steer another's. */
static void barrier_between_vms(struct lintel_vcpu *vcpu)
{
	struct vmx_cpu *cpu = this_cpu_ptr(&lintel_cpu);

	if (cpu->last_vm == vcpu->vm->identity.number)
		return;
	cpu->last_vm = vcpu->vm->identity.number;
	/* the kernel's own barrier function is not for modules on all kernels */
	if (boot_cpu_has(X86_FEATURE_IBPB))
		wrmsrq(MSR_IA32_PRED_CMD, PRED_CMD_IBPB);
}

void vmx_host_load(struct lintel_vcpu *vcpu)
{
	struct vmx_vcpu *vmx = &vcpu->vmx;

	write_cpu_state(vmx);
	write_thread_state(vmx);
	load_msrs(vcpu);
	barrier_between_vms(vcpu);
	vmx->switched = true;
}

/* An exit leaves all of them null. */
static noinline void put_selectors(struct vmx_vcpu *vmx)
{
	if (vmx->host_ldt)
		asm volatile("lldt %0" : : "m" (vmx->host_ldt));
	if (vmx->host_ds | vmx->host_es) {
		loadsegment(ds, vmx->host_ds);
		loadsegment(es, vmx->host_es);
	}
	if (vmx->host_fs) {
		loadsegment(fs, vmx->host_fs);
		wrmsrq(MSR_FS_BASE, vmx->host_fs_base);
	}
	if (vmx->host_gs) {
		/* it leaves the user's GS base in MSR_KERNEL_GS_BASE as the selector says */
		load_gs_index(vmx->host_gs);
		wrmsrq(MSR_KERNEL_GS_BASE, vmx->found[SWITCH_KERNEL_GS_BASE]);
	}
}

void vmx_host_put(struct lintel_vcpu *vcpu)
{
	struct vmx_vcpu *vmx = &vcpu->vmx;
	unsigned long flags;

	if (!vmx->switched)
		return;
	local_irq_save(flags);
	put_msrs(vcpu);
	/* An exit sets these limits to 0xffff, and the TSS limit to 0x67: less than its I/O bitmap. */
	native_load_gdt(&vmx->host_gdt);
	native_load_idt(&vmx->host_idt);
	invalidate_tss_limit();
	if (unlikely(vmx->host_selectors))
		put_selectors(vmx);
	vmx->switched = false;
	local_irq_restore(flags);
}

void vmx_host_update(struct lintel_vcpu *vcpu)
{
	struct vmx_vcpu *vmx = &vcpu->vmx;
	unsigned long cr3 = __read_cr3(), cr4 = __read_cr4();

	if (unlikely(cr3 != vmx->host_cr3)) {
		vmcs_writel(HOST_CR3, cr3);
		vmx->host_cr3 = cr3;
	}
	if (unlikely(cr4 != vmx->host_cr4)) {
		vmcs_writel(HOST_CR4, cr4);
		vmx->host_cr4 = cr4;
	}
	/* perf changes both by IPI */
	vmx->host_debugctl = __rdmsr(MSR_IA32_DEBUGCTLMSR);
	if (vmx_has_perf_global_ctrl()) {
		u64 ctrl = __rdmsr(MSR_CORE_PERF_GLOBAL_CTRL);

		if (ctrl != vmx->host_perf_global_ctrl) {
			vmcs_write64(HOST_IA32_PERF_GLOBAL_CTRL, ctrl);
			vmx->host_perf_global_ctrl = ctrl;
		}
	}
}
